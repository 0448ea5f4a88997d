/* rule_trial.h - a rule's text tried over records: compiled alone, beside the rules in force, and given records in
 * their order. What it finds is counted and told; nothing is stored and nobody is alarmed.
 *
 *     rule_trial_new ──► rule_trial_record … ──► rule_trial_finish ──► rule_trial_result, rule_trial_rules
 *
 * Bounded: the last RULE_TRIAL_HITS matches are told one by one, the first RULE_TRIAL_MATCHES are correlated. One
 * thread; owner: the caller; everything given out is borrowed from the trial. */
#ifndef ROLE_RULE_TRIAL_H
#define ROLE_RULE_TRIAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/normalise.h"
#include "role/explainer.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

#define RULE_TRIAL_TEXT    ((size_t)64 << 10) /* bytes of a text */
#define RULE_TRIAL_HITS    100u
#define RULE_TRIAL_MATCHES 20000u
#define RULE_TRIAL_FIRINGS 100u

struct rule_trial;

/* Both are borrowed: `how` until rule_trial_free, `whole`, the rules in force, for the call; NULL: none are. RC_OK also
 * when the text does not load: the outcomes of the rules say why, and rule_trial_ready says so. RC_LIMIT without
 * memory, or past RULE_TRIAL_TEXT. */
enum rc rule_trial_new(const struct explainer *how, const struct rules *whole, struct str text,
                       struct rule_trial **ret_trial, struct err *err) MUST_USE;
void rule_trial_free(struct rule_trial *trial); /* NULL is fine */
const struct rules *rule_trial_rules(const struct rule_trial *trial);
bool rule_trial_ready(const struct rule_trial *trial);

struct rule_trial_record {
    struct event_source source;
    uint64_t number;
    int64_t received_ns;
    struct str raw;
};
/* Only when ready. What the record's source said of those that follow (#Fields: of W3C) holds for them; the record
 * itself, which comes before all, is not tried. */
void rule_trial_head(struct rule_trial *trial, const struct rule_trial_record *record);
/* Only when ready. */
void rule_trial_record(struct rule_trial *trial, const struct rule_trial_record *record);
/* No more records come: what spans them is put together, and what was found is correlated. Once. */
enum rc rule_trial_finish(struct rule_trial *trial, struct err *err) MUST_USE;

struct rule_trial_hit {
    uint64_t record;
    int64_t time_ns; /* the event's own */
    const struct rule *rule;
};
struct rule_trial_result {
    uint64_t records;
    uint64_t events;    /* that rules see; a record may give none, or be a part of several */
    uint64_t too_large; /* events that could not be matched */
    int64_t first_ns;   /* event times; 0: none */
    int64_t last_ns;
    uint64_t matched;      /* of all detections */
    uint64_t uncorrelated; /* matches past RULE_TRIAL_MATCHES */
    uint64_t fired;
    struct str firings; /* a JSON array, RULE_TRIAL_FIRINGS at most; after rule_trial_finish */
};
struct rule_trial_result rule_trial_result(const struct rule_trial *trial);
/* The last matches, the newest first; false: no more. */
bool rule_trial_hit(const struct rule_trial *trial, size_t at, struct rule_trial_hit *ret_hit);
/* Of a detection: how often it matched, how many events its log source does not exclude, and whether one of these had a
 * value in a field. */
uint64_t rule_trial_hits(const struct rule_trial *trial, const struct rule *rule);
uint64_t rule_trial_concerned(const struct rule_trial *trial, const struct rule *rule);
bool rule_trial_field_seen(const struct rule_trial *trial, struct str field);

#endif
