#include "tlog/policy.h"

#include "base/assert.h"

#include <string.h>

/* Splits at blanks and tabs. */
static struct str next_word(struct str *rest)
{
    size_t from = 0;
    while (from < rest->n && (rest->p[from] == ' ' || rest->p[from] == '\t'))
        from++;
    size_t to = from;
    while (to < rest->n && rest->p[to] != ' ' && rest->p[to] != '\t')
        to++;
    struct str word = str_slice(*rest, from, to);
    *rest = str_slice(*rest, to, rest->n);
    return word;
}

static bool find_witness(const struct policy *policy, struct str name, size_t *ret_position)
{
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (str_eq(policy->witness[i].name, name)) {
            *ret_position = i;
            return true;
        }
    }
    return false;
}

static bool find_group(const struct policy *policy, struct str name, size_t *ret_position)
{
    for (size_t i = 0; i < policy->group_count; i++) {
        if (str_eq(policy->group[i].name, name)) {
            *ret_position = i;
            return true;
        }
    }
    return false;
}

static enum rc name_check(const struct policy *policy, struct str name, struct err *err)
{
    size_t ignored = 0;
    if (name.n == 0)
        return err_set(err, RC_INVALID, "a name is missing");
    if (str_is(name, "none"))
        return err_set(err, RC_INVALID, "the name \"none\" has a meaning of its own");
    if (find_witness(policy, name, &ignored) || find_group(policy, name, &ignored))
        return err_set(err, RC_INVALID, "the name \"%.*s\" is used twice", STR_ARG(name));
    return RC_OK;
}

/* Behind the key only a URL may follow, which an offline verifier does not need. */
static enum rc line_end(struct str *rest, struct str *ret_url, struct err *err)
{
    *ret_url = next_word(rest);
    if (next_word(rest).n != 0)
        return err_set(err, RC_INVALID, "there is something behind the URL");
    return RC_OK;
}

static enum rc parse_log(struct policy *policy, struct str *rest, struct err *err)
{
    struct note_key key;
    if (policy->log_count == POLICY_LOGS_MAX)
        return err_set(err, RC_LIMIT, "more than %d logs", POLICY_LOGS_MAX);
    enum rc rc = note_key_parse(next_word(rest), &key, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < policy->log_count; i++) {
        if (memcmp(policy->log[i].public_key, key.public_key, sizeof(key.public_key)) == 0)
            return err_set(err, RC_INVALID, "the log's key stands there twice");
    }
    if (key.type != NOTE_ED25519)
        return err_set(err, RC_INVALID, "a log's key must be of type 1 (Ed25519)");
    policy->log[policy->log_count] = key;
    return line_end(rest, &policy->log_url[policy->log_count++], err);
}

static enum rc parse_witness(struct policy *policy, struct str *rest, struct err *err)
{
    struct policy_witness witness;
    if (policy->witness_count == POLICY_WITNESSES_MAX)
        return err_set(err, RC_LIMIT, "more than %d witnesses", POLICY_WITNESSES_MAX);
    witness.name = next_word(rest);
    enum rc rc = name_check(policy, witness.name, err);
    if (rc == RC_OK)
        rc = note_key_parse(next_word(rest), &witness.key, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (memcmp(policy->witness[i].key.public_key, witness.key.public_key, 32) == 0)
            return err_set(err, RC_INVALID, "the witness's key stands there twice");
    }
    if (witness.key.type != NOTE_COSIGNATURE)
        return err_set(err, RC_INVALID, "a witness's key must be of type 4 (cosignature/v1)");
    rc = line_end(rest, &witness.url, err);
    policy->witness[policy->witness_count++] = witness;
    return rc;
}

/* A name is a member of at most one group, so that nobody counts twice. */
static enum rc add_member(const struct policy *policy, struct policy_group *group, struct str name, struct err *err)
{
    uint64_t witnesses = group->witnesses;
    uint64_t groups = group->groups;
    for (size_t i = 0; i < policy->group_count; i++) {
        witnesses |= policy->group[i].witnesses;
        groups |= policy->group[i].groups;
    }
    size_t at = 0;
    bool is_witness = find_witness(policy, name, &at);
    if (!is_witness && !find_group(policy, name, &at))
        return err_set(err, RC_INVALID, "the member \"%.*s\" is not defined before", STR_ARG(name));
    uint64_t bit = UINT64_C(1) << at;
    if ((is_witness ? witnesses : groups) & bit)
        return err_set(err, RC_INVALID, "\"%.*s\" is a member twice", STR_ARG(name));
    if (is_witness)
        group->witnesses |= bit;
    else
        group->groups |= bit;
    return RC_OK;
}

static enum rc parse_group(struct policy *policy, struct str *rest, struct err *err)
{
    struct policy_group group = {0};
    if (policy->group_count == POLICY_GROUPS_MAX)
        return err_set(err, RC_LIMIT, "more than %d groups", POLICY_GROUPS_MAX);
    group.name = next_word(rest);
    enum rc rc = name_check(policy, group.name, err);
    if (rc != RC_OK)
        return rc;
    struct str threshold = next_word(rest);
    uint64_t count = 0;
    for (struct str name = next_word(rest); name.n > 0; name = next_word(rest), count++) {
        rc = add_member(policy, &group, name, err);
        if (rc != RC_OK)
            return rc;
    }
    uint64_t k = 0;
    if (str_is(threshold, "all"))
        k = count;
    else if (str_is(threshold, "any"))
        k = 1;
    else if (!str_to_u64(threshold, &k))
        return err_set(err, RC_INVALID, "a group needs \"all\", \"any\" or a number before its members");
    if (count == 0 || k < 1 || k > count)
        return err_set(err, RC_INVALID, "the group asks for %llu of %llu members", (unsigned long long)k,
                       (unsigned long long)count);
    group.threshold = (unsigned)k;
    policy->group[policy->group_count++] = group;
    return RC_OK;
}

static enum rc parse_quorum(struct policy *policy, struct str *rest, bool *have_quorum, struct err *err)
{
    struct str name = next_word(rest);
    if (*have_quorum)
        return err_set(err, RC_INVALID, "a second quorum");
    *have_quorum = true;
    if (next_word(rest).n != 0)
        return err_set(err, RC_INVALID, "there is something behind the quorum");
    policy->no_quorum = str_is(name, "none");
    if (policy->no_quorum)
        return RC_OK;
    policy->quorum_is_witness = find_witness(policy, name, &policy->quorum);
    if (!policy->quorum_is_witness && !find_group(policy, name, &policy->quorum))
        return err_set(err, RC_INVALID, "the quorum \"%.*s\" is not defined before", STR_ARG(name));
    return RC_OK;
}

static enum rc parse_line(struct policy *policy, struct str line, bool *have_quorum, struct err *err)
{
    struct str rest = line;
    struct str word = next_word(&rest);
    if (word.n == 0 || word.p[0] == '#')
        return RC_OK;
    if (str_is(word, "log"))
        return parse_log(policy, &rest, err);
    if (str_is(word, "witness"))
        return parse_witness(policy, &rest, err);
    if (str_is(word, "group"))
        return parse_group(policy, &rest, err);
    if (str_is(word, "quorum"))
        return parse_quorum(policy, &rest, have_quorum, err);
    return err_set(err, RC_INVALID, "the line begins with none of log, witness, group, quorum");
}

enum rc policy_parse(struct str text, struct policy *ret_policy, struct err *err)
{
    memset(ret_policy, 0, sizeof(*ret_policy));
    if (text.n > POLICY_SIZE_MAX)
        return err_set(err, RC_LIMIT, "policy has %zu bytes, more than %d", text.n, POLICY_SIZE_MAX);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
            return err_set(err, RC_INVALID, "policy has a control character at byte %zu", i);
    }
    if (text.n > 0 && text.p[text.n - 1] != '\n')
        return err_set(err, RC_INVALID, "policy does not end in a newline");
    bool have_quorum = false;
    size_t number = 1;
    for (struct str rest = text; rest.n > 0; number++) {
        enum rc rc = parse_line(ret_policy, str_cut(&rest, '\n'), &have_quorum, err);
        if (rc != RC_OK)
            return err_wrap(err, "policy line %zu", number);
    }
    if (!have_quorum)
        return err_set(err, RC_INVALID, "policy has no quorum line; \"quorum none\" asks for no witness");
    return RC_OK;
}

void policy_of_key(const struct note_key *key, struct policy *ret_policy)
{
    memset(ret_policy, 0, sizeof(*ret_policy));
    ret_policy->log[0] = *key;
    ret_policy->log_count = 1;
    ret_policy->no_quorum = true;
}

bool policy_quorum(const struct policy *policy, uint64_t witnesses)
{
    if (policy->no_quorum)
        return true;
    if (policy->quorum_is_witness)
        return (witnesses >> policy->quorum) & 1;
    uint64_t groups = 0;
    for (size_t i = 0; i <= policy->quorum; i++) { /* members stand before their group */
        const struct policy_group *group = &policy->group[i];
        int count = __builtin_popcountll(group->witnesses & witnesses) + __builtin_popcountll(group->groups & groups);
        if ((unsigned)count >= group->threshold)
            groups |= UINT64_C(1) << i;
    }
    return (groups >> policy->quorum) & 1;
}

static enum rc log_check(const struct policy *policy, const struct note *note, const struct checkpoint *checkpoint,
                         size_t *ret_log, struct err *err)
{
    bool found = false;
    for (size_t i = 0; i < policy->log_count; i++) {
        if (!str_is(checkpoint->origin, policy->log[i].name))
            continue;
        enum rc rc = note_verify(note, &policy->log[i], NULL, err);
        if (rc == RC_OK && !found)
            *ret_log = i;
        if (rc == RC_OK)
            found = true;
        else if (rc != RC_NOT_FOUND)
            return rc;
    }
    if (!found)
        return err_set(err, RC_DENIED, "checkpoint of \"%.*s\" is not signed by a log of the policy",
                       STR_ARG(checkpoint->origin));
    return RC_OK;
}

enum rc policy_witnesses(const struct policy *policy, const struct note *note, struct policy_result *ret_result,
                         struct err *err)
{
    struct policy_result result = {0};
    for (size_t i = 0; i < policy->witness_count; i++) {
        enum rc rc = note_verify(note, &policy->witness[i].key, &result.time_s[i], err);
        if (rc == RC_OK)
            result.witnesses |= UINT64_C(1) << i;
        else if (rc != RC_NOT_FOUND)
            return rc;
    }
    *ret_result = result;
    return RC_OK;
}

enum rc policy_signed(const struct policy *policy, const struct note *note, const struct checkpoint *checkpoint,
                      struct policy_result *ret_result, struct err *err)
{
    struct policy_result result = {0};
    size_t log = 0;
    enum rc rc = log_check(policy, note, checkpoint, &log, err);
    rc = rc == RC_OK ? policy_witnesses(policy, note, &result, err) : rc;
    if (rc != RC_OK)
        return rc;
    result.log = log;
    *ret_result = result;
    return RC_OK;
}

enum rc policy_check(const struct policy *policy, const struct note *note, const struct checkpoint *checkpoint,
                     struct policy_result *ret_result, struct err *err)
{
    struct policy_result result;
    enum rc rc = policy_signed(policy, note, checkpoint, &result, err);
    if (rc != RC_OK)
        return rc;
    if (!policy_quorum(policy, result.witnesses))
        return err_set(err, RC_DENIED, "%d witnesses cosigned; that does not reach the policy's quorum",
                       __builtin_popcountll(result.witnesses));
    *ret_result = result;
    return RC_OK;
}
