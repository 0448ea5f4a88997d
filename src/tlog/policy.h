/* policy.h - C2SP tlog-policy: whom to believe. Lines "log <vkey> [url]", "witness <name> <vkey> [url]",
 * "group <name> all|any|<k> <member>...", "quorum <name>|none"; '#' begins a comment line.
 * Limits: 32 logs, 32 witnesses, 32 groups, 64 KiB. */
#ifndef TLOG_POLICY_H
#define TLOG_POLICY_H

#include "tlog/checkpoint.h"

#define POLICY_LOGS_MAX      32
#define POLICY_WITNESSES_MAX 32
#define POLICY_GROUPS_MAX    32
#define POLICY_SIZE_MAX      65536

struct policy_witness {
    struct str name;
    struct note_key key;
    struct str url; /* submission prefix of tlog-witness; empty when the policy gives none */
};

struct policy_group {
    struct str name;
    uint64_t witnesses; /* members, one bit each */
    uint64_t groups;    /* members among the groups before this one */
    unsigned threshold;
};

/* Names and addresses are borrowed from the text that was parsed. Large: keep it static or in an arena. */
struct policy {
    size_t log_count;
    size_t witness_count;
    size_t group_count;
    bool no_quorum;         /* "quorum none" */
    bool quorum_is_witness; /* else a group */
    size_t quorum;          /* position among the witnesses or the groups */
    struct note_key log[POLICY_LOGS_MAX];
    struct str log_url[POLICY_LOGS_MAX]; /* empty when the policy gives none */
    struct policy_witness witness[POLICY_WITNESSES_MAX];
    struct policy_group group[POLICY_GROUPS_MAX];
};

struct policy_result {
    size_t log;         /* which log signed */
    uint64_t witnesses; /* who cosigned, one bit each */
    uint64_t time_s[POLICY_WITNESSES_MAX];
};

/* Errors name the line. */
enum rc policy_parse(struct str text, struct policy *ret_policy, struct err *err) MUST_USE;
/* One log, no witnesses asked for. */
void policy_of_key(const struct note_key *key, struct policy *ret_policy);
/* Who of the policy cosigned; ret_result->log stays 0. RC_DENIED: a known witness's line does not verify. */
enum rc policy_witnesses(const struct policy *policy, const struct note *note, struct policy_result *ret_result,
                         struct err *err) MUST_USE;
/* Whether these witnesses, one bit each, are enough. */
bool policy_quorum(const struct policy *policy, uint64_t witnesses);
/* Who signed, and who cosigned so far. RC_DENIED: not signed by a listed log under its origin, or a known key's line
 * does not verify. */
enum rc policy_signed(const struct policy *policy, const struct note *note, const struct checkpoint *checkpoint,
                      struct policy_result *ret_result, struct err *err) MUST_USE;
/* The same, and RC_DENIED when the quorum is not reached. */
enum rc policy_check(const struct policy *policy, const struct note *note, const struct checkpoint *checkpoint,
                     struct policy_result *ret_result, struct err *err) MUST_USE;

#endif
