#include "signature/path.h"

#include "base/assert.h"
#include "signature/algorithm.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define TRIES_MAX 64u /* signatures of certificates that are computed for one way */

/* All ways are tried, one certificate further or one back, none twice in a way. */
struct search {
    const struct signature_trust *trust;
    STACK_OF(X509) * beside;
    struct path path;
    int next[PATH_MAX_LENGTH]; /* the candidate to be tried behind each */
    unsigned tries;
    /* Why the best try ended: the longest; of these a bad one before one that is not known. */
    enum signature_reason reason;
    size_t length;
    char about[SIGNATURE_TEXT_MAX];
};

static X509 *candidate_at(const struct search *search, int at, bool *ret_root)
{
    STACK_OF(X509) *const stacks[] = {search->trust->roots, search->trust->certificates, search->beside};
    *ret_root = at < sk_X509_num(stacks[0]);
    for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
        int n = stacks[i] ? sk_X509_num(stacks[i]) : 0;
        if (at < n)
            return sk_X509_value(stacks[i], at);
        at -= n;
    }
    return NULL;
}

static void ended(struct search *search, enum signature_reason reason, const X509_NAME *about)
{
    bool better = search->path.count > search->length ||
                  (search->path.count == search->length && verdict_of(reason) == SIGNATURE_BAD &&
                   verdict_of(search->reason) != SIGNATURE_BAD);
    if (!better)
        return;
    search->reason = reason;
    search->length = search->path.count;
    name_text(about, search->about);
}

static bool self_issued(X509 *certificate)
{
    return X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(certificate)) == 0;
}

/* May this one have issued certificates, so many authorities above the signer's? A root of version 1 cannot say so. */
static enum signature_reason issuer_judge(const struct search *search, X509 *issuer, bool root)
{
    uint32_t flags = X509_get_extension_flags(issuer);
    long below = 0;
    for (size_t i = 1; i < search->path.count; i++)
        below += !self_issued(search->path.at[i]);
    if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
        return SIGNATURE_WHY_CONSTRAINT;
    if (!(flags & EXFLAG_CA) && !(root && (flags & EXFLAG_V1)))
        return SIGNATURE_WHY_USAGE;
    if (!(X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN))
        return SIGNATURE_WHY_USAGE;
    long most = X509_get_pathlen(issuer);
    return most >= 0 && below > most ? SIGNATURE_WHY_CONSTRAINT : SIGNATURE_WHY_NONE;
}

/* RFC 5280 4.2.1.10: an authority that may issue for some names only. */
static bool names_permitted(const struct path *path)
{
    bool good = true;
    for (size_t above = 1; good && above < path->count; above++) {
        int critical = 0;
        NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(path->at[above], NID_name_constraints, &critical, NULL);
        good = constraints || critical == -1; /* -1: there are none; else they could not be read */
        for (size_t i = 0; good && constraints && i < above; i++)
            if (i == 0 || !self_issued(path->at[i]))
                good = NAME_CONSTRAINTS_check(path->at[i], constraints) == X509_V_OK;
        NAME_CONSTRAINTS_free(constraints);
    }
    ERR_clear_error();
    return good;
}

static bool on_the_way(const struct path *path, X509 *certificate)
{
    for (size_t i = 0; i < path->count; i++)
        if (X509_cmp(path->at[i], certificate) == 0)
            return true;
    return false;
}

/* True: the way ends at a root. */
static bool candidate_try(struct search *search, X509 *issuer, bool root)
{
    struct path *path = &search->path;
    X509 *last = path->at[path->count - 1];
    if (!certificate_names_issuer(last, issuer) || on_the_way(path, issuer))
        return false;
    if (path->count == PATH_MAX_LENGTH || ++search->tries > TRIES_MAX) {
        ended(search, SIGNATURE_WHY_LONG, X509_get_subject_name(issuer));
        return false;
    }
    enum signature_reason reason = certificate_signed_by(last, issuer);
    if (reason != SIGNATURE_WHY_NONE) {
        ended(search, reason, X509_get_subject_name(last));
        return false;
    }
    reason = issuer_judge(search, issuer, root);
    if (reason != SIGNATURE_WHY_NONE) {
        ended(search, reason, X509_get_subject_name(issuer));
        return false;
    }
    search->next[path->count] = 0;
    path->at[path->count++] = issuer;
    if (!root)
        return false;
    if (names_permitted(path))
        return true;
    ended(search, SIGNATURE_WHY_CONSTRAINT, X509_get_subject_name(path->at[0]));
    path->count--;
    return false;
}

static bool is_root(const struct signature_trust *trust, X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(trust->roots); i++)
        if (X509_cmp(sk_X509_value(trust->roots, i), certificate) == 0)
            return true;
    return false;
}

enum signature_reason path_find(const struct signature_trust *trust, STACK_OF(X509) * beside, X509 *certificate,
                                struct path *ret_path, char ret_about[SIGNATURE_TEXT_MAX])
{
    struct search search = {.trust = trust, .beside = beside, .reason = SIGNATURE_WHY_NO_ISSUER};
    search.path.at[search.path.count++] = certificate;
    ret_path->count = 0;
    ret_about[0] = '\0';
    if (X509_get_extension_flags(certificate) & (EXFLAG_INVALID | EXFLAG_CRITICAL))
        return SIGNATURE_WHY_CONSTRAINT;
    bool found = is_root(trust, certificate);
    while (!found && search.path.count > 0) {
        bool root = false;
        size_t last = search.path.count - 1;
        X509 *issuer = candidate_at(&search, search.next[last]++, &root);
        if (issuer) {
            found = candidate_try(&search, issuer, root);
            continue;
        }
        ended(&search, self_issued(search.path.at[last]) ? SIGNATURE_WHY_NOT_TRUSTED : SIGNATURE_WHY_NO_ISSUER,
              X509_get_issuer_name(search.path.at[last]));
        search.path.count--;
    }
    if (!found) {
        memcpy(ret_about, search.about, SIGNATURE_TEXT_MAX);
        return search.reason;
    }
    *ret_path = search.path;
    return SIGNATURE_WHY_NONE;
}

enum signature_reason path_period(const struct path *path, int64_t moment_s, bool proved,
                                  char ret_about[SIGNATURE_TEXT_MAX])
{
    ret_about[0] = '\0';
    for (size_t i = 0; i < path->count && (i == 0 || i + 1 < path->count); i++) {
        int64_t from_s;
        int64_t until_s;
        bool known = time_seconds(X509_get0_notBefore(path->at[i]), &from_s);
        known = time_seconds(X509_get0_notAfter(path->at[i]), &until_s) && known;
        if (known && moment_s >= from_s && moment_s <= until_s)
            continue;
        if (i > 0)
            name_text(X509_get_subject_name(path->at[i]), ret_about);
        if (!known || moment_s < from_s)
            return SIGNATURE_WHY_NOT_YET;
        return proved ? SIGNATURE_WHY_EXPIRED_THEN : SIGNATURE_WHY_EXPIRED;
    }
    return SIGNATURE_WHY_NONE;
}
