/* rulebook.h - the loaded rules with what was decided about them and what they found. Inside this room.
 *
 * The database is the truth: decisions are read anew in the transaction after one changed (as the objects' rules are),
 * counters are added here once their transaction has held. Places are those of the list that desk_set_rules was given.
 */
#ifndef DESK_RULEBOOK_H
#define DESK_RULEBOOK_H

#include "base/map.h"
#include "desk/inside.h"

#define RULE_LEVEL_OWN (-1)

/* Whether a rule can hold on what comes in; what is missing first. */
enum rule_reach {
    REACH_HOLDS,
    REACH_SOURCE, /* no log source that was seen agrees with its own */
    REACH_FIELDS, /* fields that it needs never had a value */
    REACH_RULES,  /* a correlation: none of the rules that it counts is active and can hold */
};
const char *rule_reach_name(enum rule_reach reach); /* "" when it holds */

struct rule_entry {
    const struct desk_rule *rule;
    int64_t row; /* of the table rule; 0: it has no id */
    enum desk_rule_state state;
    int64_t level; /* RULE_LEVEL_OWN, or decided */
    bool fresh;    /* it was not loaded the last time, or was another */
    int64_t hits, runs, ns, last_ns;
    int64_t lost_groups, lost_matches, late, ungrouped; /* of a correlation: struct desk_rule_count */
    int64_t since_ns, since_events; /* its fields are looked for: by the clock, and in events of all engines */
    enum rule_reach reach;          /* by what was seen until now */
    enum rule_reach cannot;         /* the same, as far as it was looked for long enough; else REACH_HOLDS */
};

struct seen_source {
    struct str product, category, service;
    int64_t events, covered;
};

/* Facts of ATT&CK: attack.tsv. */
struct attack_row {
    struct str technique;
    uint32_t tactics; /* bits of rule_coverage.c */
    struct str name;
};

/* One who was given the rules, or reads the lists of indicators (rule_behind.c). */
enum behind_kind { BEHIND_RULES, BEHIND_LISTS, BEHIND_PATTERNS, BEHIND_KINDS };
struct rule_behind {
    int64_t since_ns; /* 0: it works with them */
    char reason[DESK_BEHIND_MAX + 1];
};

struct rulebook {
    struct arena *arena; /* of the entries */
    struct desk_rules now;
    struct rule_entry *entry;
    struct map *index; /* id -> place */
    uint64_t version;  /* see desk_rules_version */
    bool stale;        /* decisions are to be read again */

    struct arena *seen_arena;
    struct map *fields; /* names in lower case */
    struct seen_source *source;
    size_t source_count;
    int64_t source_lost; /* events of log sources past the limit */
    int64_t events;
    int64_t first_ns;  /* since when is counted; 0: never */
    uint64_t seen;     /* changes with every field or log source that is new */
    uint64_t reach_of; /* seen + version of which the entries' reach is; 0: of none */

    const struct attack_row *attack; /* rising */
    size_t attack_count;

    struct arena *pack_arena; /* what is known of packs (rule_pack.c) */
    const struct desk_rule_pack *pack;
    size_t pack_count;

    struct rule_behind *behind; /* DESK_RULES_WHO of each kind, as long as seen_arena */
};

/* How many work with the rules of before, and who, for the report: "behind", "lists_behind" or "patterns_behind"
 * (rule_behind.c). */
int64_t rules_behind_count(const struct desk *desk, enum behind_kind kind);
void rules_behind_put(struct ask *ask, enum behind_kind kind);

/* What is decided about a rule. */
struct rule_decision {
    enum desk_rule_state state;
    int64_t level; /* RULE_LEVEL_OWN, or decided */
    struct str reason;
    int64_t act; /* of rule_act, which it is a part of; 0: none */
};

const char *rulebook_state_name(enum desk_rule_state state);
bool rulebook_state_find(struct str name, enum desk_rule_state *ret_state);
enum desk_level rule_entry_level(const struct rule_entry *entry);
bool rule_entry_runs(const struct rule_entry *entry);                         /* active or test */
struct rule_entry *rule_entry_of(const struct rulebook *book, struct str id); /* NULL when none is loaded */
/* Puts a rule, loaded or about to be, into a state, as rule.save does; nothing when it is in it. (rule.c) */
void rule_decide(struct ask *ask, const struct rule_entry *entry, enum desk_rule_state state, struct str reason);
/* Stores a decision and its history, in a transaction; `entry` says how it was. `outgoing` is its record. */
void rule_decision_store(struct desk *desk, const struct rule_entry *entry, const struct rule_decision *to,
                         struct str who, int64_t now_ns, int64_t outgoing);
/* What follows from a state that was stored: nobody looked for the rule's fields while it did not run, and one that is
 * switched on is hunted. `entry` says how it was. (rule.c) */
void rule_turned(struct desk *desk, const struct rule_entry *entry, enum desk_rule_state to, int64_t now_ns);
/* Name and version of the path of a pack's rule; both empty when it is no pack's. (rule_pack.c) */
void rule_pack_of(struct str path, struct str *ret_name, struct str *ret_version);
/* The reason of a question: three characters at least, and not too long; else it is refused. (rule.c) */
struct str rule_reason(struct ask *ask);
/* Before the loaded rules are stored, in their transaction: those of packs and of people that were never seen before
 * begin as drafts, with records. (rule_pack.c) */
void rule_drafts_begin(struct desk *desk, struct rulebook *fresh, int64_t now_ns);
/* Reads decisions again, in a transaction. */
void rulebook_decisions(struct desk *desk);
/* Reads what was counted and seen, in a transaction. */
void rulebook_counts(struct desk *desk, struct rulebook *book);
/* Brings the entries' reach, and what may be said of it now, up to date. */
void rulebook_reach(struct rulebook *book, int64_t now_ns);
/* Long enough looked that what was never seen may be called missing. */
bool rulebook_looked(const struct rulebook *book, int64_t now_ns);
bool rule_field_known(const struct rulebook *book, struct str field);
bool rule_source_fits(const struct desk_rule *rule, const struct seen_source *source);
/* Members "filter_count" and "filters" of a rule's answer. (rule_filter.c) */
void rule_filters_put(struct ask *ask, const struct rule_entry *entry);

#endif
