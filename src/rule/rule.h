/* rule.h - Sigma rules: read, compiled, matched. Specification: Sigma rules, correlations, filters and modifiers 2.1.0.
 *
 *   rules_new -> rules_add (every file) -> rules_finish        what people wrote: one struct rule a document
 *   rule_set_compile(rules, names)                             immutable, shared by matchers of one thread
 *   matcher_new(set) -> matcher_event(event)                   one a thread; the hot path
 *   correlator_new(rules) -> correlator_match (correlate.h)    elsewhere: in the process that keeps the state
 *
 * Pure: no file, no clock. The caller reads the files and hands in path and text.
 * A document that breaks the standard is refused whole, with its reason and line, and listed; it never half-loads.
 * Ownership: `rules` owns every struct rule and must outlive sets, matchers and correlators made from it. */
#ifndef RULE_RULE_H
#define RULE_RULE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "event/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_FILE_MAX    (1u << 20) /* bytes of one rule file */
#define RULES_MAX        65536u     /* documents of all files */
#define RULE_NODES_MAX   65536u     /* conditions and values of one rule, expansions counted */
#define RULE_DEPTH_MAX   32u        /* nesting of a condition */
#define RULE_CARRY_MAX   32u        /* fields one match carries to the correlator */
#define RULE_FILTERS_MAX 1024u      /* that stand on one rule */

enum rule_level {
    RULE_INFORMATIONAL,
    RULE_LOW,
    RULE_MEDIUM,
    RULE_HIGH,
    RULE_CRITICAL,
};
/* "informational" .. "critical"; constant. */
const char *rule_level_name(enum rule_level level);

enum rule_kind { RULE_DETECTION, RULE_CORRELATION, RULE_FILTER };

struct rule_logsource {
    struct str product; /* empty = any */
    struct str category;
    struct str service;
};

/* One name for fields that log sources call differently; key `qorgan:`, `aliases:` of a rule. */
#define RULE_ALIASES_MAX      32u
#define RULE_ALIAS_FIELDS_MAX 16u
struct rule_alias {
    struct str name;
    const struct str *fields;
    size_t field_count;
};

struct rule_ast;         /* detections and condition: ast.h */
struct rule_correlation; /* correlate.h */

/* One loaded document. Texts are empty when the document does not say. */
struct rule {
    uint32_t index; /* place in `rules`: 0 .. rules_count - 1 */
    enum rule_kind kind;
    uint64_t hash; /* of its file and place in it: the same in every process */
    struct str path;
    uint32_t line; /* where the document begins */
    struct str id; /* after rules_finish never empty: what has none is given a UUID that follows from kind and title */
    struct str name;
    struct str title;
    struct str status;
    struct str description;
    struct str author;
    struct str date;
    struct str modified;
    enum rule_level level;
    const struct str *tags;
    size_t tag_count;
    const struct str *falsepositives;
    size_t falsepositive_count;
    const struct str *references;
    size_t reference_count;
    struct rule_logsource logsource;
    /* Hints of our own rules, key `qorgan:`. */
    struct str incident_kind; /* of 52/NK Annex 2: dos, unauthorised_access, botnet, virus, encryptor, exploitation,
                                 credential_compromise, phishing, spam, other; empty = not said */
    const struct rule_alias *aliases; /* usable in its detection, and where correlations group by it */
    size_t alias_count;
    uint32_t severity; /* 4 highest .. 1 lowest as in 52/NK; 0 = not said: derive it from the level */
    /* A match of this rule is an alert. False for a rule that only feeds correlations (`generate` not set). */
    bool alerts;
    bool correlated; /* some correlation names it: every match of it must reach the correlator */
    /* Fields whose values a match must carry for the correlations that name this rule; set by rules_finish. */
    const struct str *carry;
    size_t carry_count;
    const struct rule *const *filters; /* of a detection: what stands on it, in the order of index; by rules_finish */
    size_t filter_count;
    bool filters_any;                           /* of a filter: it names no rules, but all of its log source */
    const struct rule_ast *ast;                 /* of a detection or filter */
    const struct rule_correlation *correlation; /* of a correlation */
};

/* What became of one document (or of a file that could not be read at all: id and title empty). The id is that which is
 * written in it. */
struct rule_outcome {
    struct str path;
    uint32_t line;
    struct str id;
    struct str title;
    bool loaded;
    struct str reason;  /* why it was refused */
    struct str warning; /* loaded, but something is odd */
};

struct rules;

/* `limit` bounds the memory of all rules. NULL without memory. */
struct rules *rules_new(size_t limit);
void rules_free(struct rules *rules);
/* Reads the documents of one file; a file named placeholders.yml gives the values of placeholders to all rules, read
 * before or after it (placeholder.h). What is wrong with them goes to the outcomes; fails (RC_LIMIT) only when memory
 * or RULES_MAX is exhausted. Not after rules_finish. */
enum rc rules_add(struct rules *rules, struct str path, struct str text, struct err *err) MUST_USE;
/* A file that the caller could not read. */
enum rc rules_refuse(struct rules *rules, struct str path, const char *reason, struct err *err) MUST_USE;
/* These are the documents of some of the files of `whole`, which is finished: placeholders stand for what they stand
 * for there, and a filter or a correlation may name rules that are there alone. Such a correlation is right (its
 * outcome is loaded, with a warning), but not among the rules. Borrowed until rules_finish. */
void rules_part_of(struct rules *rules, const struct rules *whole);
/* Resolves references between documents: placeholders, duplicate ids, filters, correlations, carried fields. Once. */
enum rc rules_finish(struct rules *rules, struct err *err) MUST_USE;

size_t rules_count(const struct rules *rules); /* loaded */
const struct rule *rules_at(const struct rules *rules, size_t index);
const struct rule *rules_find(const struct rules *rules, struct str id_or_name); /* NULL when absent */
/* What was loaded of the document of a file that begins at that line, as its outcome says it; NULL when absent. */
const struct rule *rules_at_line(const struct rules *rules, struct str path, uint32_t line);
const struct rule *rules_find_hash(const struct rules *rules, uint64_t hash);
size_t rules_outcome_count(const struct rules *rules);
const struct rule_outcome *rules_outcome_at(const struct rules *rules, size_t index);

/* Whether a filter's log source holds that of the rule, so that it may stand on it. (load.c) */
bool rule_filter_concerns(const struct rule *filter, const struct rule *rule);

/* The first `cap` fields that the tests of a detection look at, each once; keywords have none. Returns how many were
 * given, 0 for anything but a detection. (reach.c) */
size_t rule_fields(const struct rule *rule, struct str *ret_fields, size_t cap);
/* Whether a detection could hold on some event when events have values in those fields alone of which `seen` says so.
 * Never false when it could; true for anything but a detection, and without memory. (reach.c) */
typedef bool (*rule_field_seen)(void *context, struct str field);
bool rule_can_hold(const struct rule *rule, rule_field_seen seen, void *context);

struct rule_set;

/* Compiles the detection rules. `names` is what the fields of events mean, for the set's matchers: it is not looked at
 * here, so that a thread may compile beside the work. Call after rules_finish. */
enum rc rule_set_compile(const struct rules *rules, const struct names *names, struct rule_set **ret_set,
                         struct err *err) MUST_USE;
void rule_set_free(struct rule_set *set);

struct rule_set_stats {
    size_t rules;      /* detections compiled */
    size_t predicates; /* distinct (field, test) */
    size_t literals;   /* predicates found by scanning */
    size_t fields;     /* distinct rule fields */
    size_t databases;  /* literal databases */
    size_t database_bytes;
    size_t regexes;
    size_t regexes_slow; /* those Vectorscan could not compile: PCRE2 under a match limit */
    size_t always;       /* rules without a positive witness: evaluated for every event of their log source */
    size_t presence;     /* rules that wake, among others, by the presence of a field */
};
struct rule_set_stats rule_set_stats(const struct rule_set *set);

struct rule_match {
    const struct rule *rule;
};

struct rule_value {
    struct str name;
    struct str value;
};

struct matcher;

/* Holds the state of one event; use it from one thread. NULL without memory. */
struct matcher *matcher_new(const struct rule_set *set);
void matcher_free(struct matcher *matcher);
/* All rules that match, in the order of their index. *ret_count may exceed `cap`: the first `cap` are given.
 * RC_LIMIT when its values are too large (64 MiB folded) or memory is out: nothing matched. */
enum rc matcher_event(struct matcher *matcher, const struct event *event, struct rule_match *ret_matches, size_t cap,
                      size_t *ret_count) MUST_USE;
/* The alias of that name, or NULL. */
const struct rule_alias *rule_alias_find(const struct rule *rule, struct str name);
/* Passes a detection over from the next event on, or judges it again; no compilation, and what is off costs nothing.
 * All are on at first. */
void matcher_switch(struct matcher *matcher, const struct rule *rule, bool on);
/* The values that the rule's correlations need, borrowed from the event: at most one a carried field (the first entry;
 * of an alias that of its first field that is there).
 * For a rule that matched the event just given. Returns how many (<= RULE_CARRY_MAX). */
size_t matcher_carry(const struct matcher *matcher, const struct rule *rule, const struct event *event,
                     struct rule_value ret_values[RULE_CARRY_MAX]);

/* --- what was done; counted since it was cleared --- */

/* Of a filter: of the rules on which it stands, the matches that it held back (an event that two filters hold back from
 * two rules counts twice for each). Its `runs` are the matches that it or a filter beside it held back; `ns` is 0. */
struct matcher_counts {
    uint64_t runs;   /* its condition was evaluated: a witness was seen and the log source does not conflict */
    uint64_t hits;   /* it matched */
    uint64_t ns;     /* evaluating it: measured for one event in 64, by chance, and scaled; what a test costs that
                        several rules share falls to the first */
    int64_t last_ns; /* event time of the newest hit; 0 = none after 1970 */
};

/* What events say of their log source, and how many there were. */
struct matcher_source {
    struct event_logsource logsource;
    uint64_t events;
    uint64_t covered; /* of these: they say all that the log source of some rule that is on asks for */
};

/* Events are judged but not counted (`on` false), or counted again, as at first. */
void matcher_count(struct matcher *matcher, bool on);
/* Time is measured with this clock, in ns; NULL, as at first: it is not. */
void matcher_clock(struct matcher *matcher, uint64_t (*clock_ns)(void));
const struct matcher_counts *matcher_counts(const struct matcher *matcher, const struct rule *rule);
void matcher_counts_clear(struct matcher *matcher, const struct rule *rule);
uint64_t matcher_events(const struct matcher *matcher);
void matcher_events_clear(struct matcher *matcher);
/* Indices are stable until the next event. At most 256 sources are known; a further one takes the place of the oldest,
 * whose counters are lost. */
size_t matcher_source_count(const struct matcher *matcher);
struct matcher_source matcher_source_at(const struct matcher *matcher, size_t index);
void matcher_source_clear(struct matcher *matcher, size_t index);
/* Fields of rules, as the rules name them, that had a value in an event whose log source concerns such a rule; in the
 * order of their first value, never cleared. */
size_t matcher_field_count(const struct matcher *matcher);
struct str matcher_field_at(const struct matcher *matcher, size_t index);

#endif
