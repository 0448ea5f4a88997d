#include "role/agent_signer.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "os/authority.h"
#include "os/cipher.h"

#include <string.h>

#define MINUTE_NS INT64_C(60000000000)
#define KEY_MAX   ((size_t)4096) /* bytes of the authority's key, PEM */

/* So many in a minute that begins with the first of them. */
struct allowance {
    int64_t from_ns;
    unsigned used;
};

struct agent_signer {
    const struct signing_key *key;
    char *authority; /* PEM; both in memory for secrets */
    size_t authority_n;
    char *authority_key;
    size_t authority_key_n;
    struct allowance issues;
    struct allowance policies;
};

/* A clock that was set back begins another minute. */
static bool allowed(struct allowance *allowance, unsigned most, int64_t now_ns)
{
    if (now_ns < allowance->from_ns || now_ns - allowance->from_ns >= MINUTE_NS)
        *allowance = (struct allowance){.from_ns = now_ns};
    if (allowance->used >= most)
        return false;
    allowance->used++;
    return true;
}

static char *secret_copy(struct str text)
{
    char *copy = secret_new(text.n);
    if (copy)
        memcpy(copy, text.p, text.n);
    return copy;
}

enum rc agent_signer_new(struct str authority, struct str authority_key, const struct signing_key *key,
                         struct agent_signer **ret_signer, struct err *err)
{
    if (authority.n > AUTHORITY_CERTIFICATE_MAX || authority_key.n > KEY_MAX)
        return err_set(err, RC_INVALID, "the agents' authority is too long");
    enum rc rc = authority_pair_check(authority, authority_key, err);
    if (rc != RC_OK)
        return rc;
    struct agent_signer *signer = memory_new(sizeof *signer);
    if (!signer)
        return err_set(err, RC_LIMIT, "no memory for the agents' authority");
    *signer = (struct agent_signer){.key = key, .authority_n = authority.n, .authority_key_n = authority_key.n};
    signer->authority = secret_copy(authority);
    signer->authority_key = secret_copy(authority_key);
    if (!signer->authority || !signer->authority_key) {
        agent_signer_free(signer);
        return err_set(err, RC_LIMIT, "no memory for the agents' authority");
    }
    *ret_signer = signer;
    return RC_OK;
}

void agent_signer_free(struct agent_signer *signer)
{
    if (!signer)
        return;
    secret_free(signer->authority, signer->authority_n);
    secret_free(signer->authority_key, signer->authority_key_n);
    memory_free(signer);
}

static enum rc issue(struct agent_signer *signer, struct str body, int64_t now_ns, struct buf *ret_answer,
                     struct err *err)
{
    struct reader reader = reader_of(body);
    struct authority_request request = {.purpose = AUTHORITY_AGENT, .now_s = now_ns / 1000000000};
    char serial[AUTHORITY_SERIAL_TEXT];
    char storage[8192];
    struct buf certificate;
    buf_init_fixed(&certificate, storage, sizeof storage);
    read_copy(&reader, request.agent, sizeof request.agent);
    request.days = read_be16(&reader);
    request.public_key = read_bytes(&reader, reader_left(&reader));
    if (reader.failed)
        return err_set(err, RC_INVALID, "the request is damaged");
    if (!allowed(&signer->issues, ISSUES_A_MINUTE, now_ns))
        return err_set(err, RC_LIMIT, "more than %u certificates were asked for in a minute; ask later",
                       ISSUES_A_MINUTE);
    enum rc rc =
        authority_issue(str_at(signer->authority, signer->authority_n),
                        str_at(signer->authority_key, signer->authority_key_n), &request, &certificate, serial, err);
    if (rc != RC_OK)
        return rc;
    buf_text(ret_answer, serial);
    buf_char(ret_answer, '\0');
    buf_str(ret_answer, buf_view(&certificate));
    return RC_OK;
}

bool agent_signer_issue(struct agent_signer *signer, struct str body, int64_t now_ns, struct buf *ret_answer)
{
    struct err err = {0};
    buf_clear(ret_answer);
    if (issue(signer, body, now_ns, ret_answer, &err) == RC_OK)
        return true;
    buf_clear(ret_answer);
    buf_char(ret_answer, '\0');
    buf_text(ret_answer, err.text);
    return false;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return utf8_valid(text);
}

static bool is_version(struct str text)
{
    uint64_t version = 0;
    return str_to_u64(text, &version) && version > 0 && version <= UINT32_MAX && text.p[0] != '0';
}

/* One object of one line: an agent reads what stands there and nothing behind it. */
static bool is_object(struct str line)
{
    struct json_reader reader;
    struct json_token token;
    json_reader_init(&reader, line, JSON_DEPTH);
    enum json_kind kind = json_next(&reader, &token);
    bool object = kind == JSON_OBJECT && line.n > 0 && line.p[0] == '{';
    while (kind != JSON_END && kind != JSON_ERROR)
        kind = json_next(&reader, &token);
    return object && kind == JSON_END;
}

enum rc agent_policy_check(struct str text, struct str origin, struct err *err)
{
    struct str rest = text;
    if (text.n == 0 || text.n > POLICY_TEXT_MAX || text.p[text.n - 1] != '\n')
        return err_set(err, RC_INVALID, "the text of a policy ends in a newline and has at most %zu KiB",
                       POLICY_TEXT_MAX >> 10);
    rest.n--;
    struct str first = str_cut(&rest, '\n');
    struct str of = str_cut(&rest, '\n');
    struct str group = str_cut(&rest, '\n');
    struct str version = str_cut(&rest, '\n');
    struct str object = str_cut(&rest, '\n');
    if (!str_is(first, POLICY_FIRST_LINE))
        return err_set(err, RC_DENIED, "what is to be signed is not a policy of agents");
    if (!str_eq(of, origin))
        return err_set(err, RC_DENIED, "the policy is for the agents of another archive");
    if (rest.p || group.n == 0 || group.n > POLICY_GROUP_MAX || !is_printable(group) || !is_version(version) ||
        !is_printable(object) || !is_object(object))
        return err_set(err, RC_INVALID, "the policy has not the lines group, version and object");
    return RC_OK;
}

static enum rc policy(struct agent_signer *signer, struct str body, int64_t now_ns, struct buf *ret_answer,
                      struct err *err)
{
    enum rc rc = agent_policy_check(body, str_of(signing_key_public(signer->key)->name), err);
    if (rc == RC_OK && !allowed(&signer->policies, POLICIES_A_MINUTE, now_ns))
        rc =
            err_set(err, RC_LIMIT, "more than %u policies were to be signed in a minute; ask later", POLICIES_A_MINUTE);
    if (rc != RC_OK)
        return rc;
    buf_u8(ret_answer, 1);
    buf_str(ret_answer, body);
    buf_char(ret_answer, '\n');
    return signing_key_sign(signer->key, body, 0, ret_answer, err);
}

bool agent_signer_policy(struct agent_signer *signer, struct str body, int64_t now_ns, struct buf *ret_answer)
{
    struct err err = {0};
    buf_clear(ret_answer);
    if (policy(signer, body, now_ns, ret_answer, &err) == RC_OK)
        return true;
    buf_clear(ret_answer);
    buf_u8(ret_answer, 0);
    buf_text(ret_answer, err.text);
    return false;
}
