/* rule_stats.h - body of MSG_RULE_STATS: what the rules did in an engine since its message before. Every 5 seconds when
 * there is something, and at a clean stop.
 *
 *   {"upto":<record>,"events":<n>,
 *    "rules":[{"id":"<rule id>","hits":<n>,"runs":<n>,"ns":<n>,"last_ns":<n>}, ...],
 *    "sources":[{"product":"..","category":"..","service":"..","events":<n>,"covered":<n>}, ...],
 *    "fields":["<name>", ...],
 *    "annex":[{"source":"<hex>","class":"..","kind":"..","parser":"..","records":<n>,"failed":<n>,"first_ns":<n>,
 *              "last_ns":<n>,"failed_ns":<n>,"not_utf8":<n>,"not_text":<n>,"fields":[<n>, ...]}, ...],
 *    "parses":[{"source":"<hex>","day":<n>,"parser":"..","outcome":"..","records":<n>,"last_ns":<n>,
 *               "last_record":<n>,"durable":<n>,"wait_us":<n>,"wait_max_us":<n>}, ...],
 *    "losses":[{"source":"<hex>","cause":"..","unit":"..","count":<n>,"unknown":<bool>,"from_ns":<n>,"to_ns":<n>,
 *               "first":<n>,"last":<n>[,"sender":"<address>"]}, ...]}
 *
 * All numbers but `upto` and `last_ns` are to be added to what is known; `last_ns` is a maximum, 0 when there was no
 * hit.
 *
 *   upto     records below this are counted, of this engine: the instance of the channel. The desk stores it with the
 *            sums, in one transaction, and passes over a message with a lower one. It tells it to the engine that takes
 *            the place of this one (rule_states.h), which then counts none of these records again.
 *   events   shown to the rules. More than the sum of `sources` when there were more than 256 of these.
 *   runs     how often the rule's condition was evaluated: something that it cannot do without was seen, and its log
 *            source does not conflict
 *            Of a filter `hits` are the matches that it held back of the rules on which it stands, `runs` those that it
 * or a filter beside it held back, and `ns` is 0. ns       time of these evaluations: measured for one event in 64, and
 * scaled. What a test costs that several rules share falls to the first. sources  by what events say of their log
 * source; empty = does not say. `category`: several are joined with commas. `covered`: events whose log source some
 * rule names that runs: the event says all that the rule asks for. fields   of rules, by the rules' names of them, that
 * had a value in some event of a log source of such a rule, each once since the engine or the desk began, or the desk
 * told the states (rule_states.h)
 *
 *
 * annex    what sources sent, for coverage of order 52/НҚ, Annex 4 (annex_counts.h); `fields`: how many had each field
 * of ANNEX_FIELDS. May be missing.
 * parses   what became of them as they were parsed (parse_counts.h), by day. `last_ns`, `last_record`, `wait_max_us`
 * are maxima; of how many it is known how long they waited for the disk, the last three are left out for none. May be
 * missing. losses   what records tell of losses (loss_counts.h), for the ledger; causes and units are those of
 * codec/gap.h. May be missing.
 *
 * What an engine that is killed counted since its message before is lost, unless it is read again.
 * A message has the limit RULE_STATS_BYTES: what finds no room comes in one that follows, with the same `upto`. */
#ifndef ROLE_RULE_STATS_H
#define ROLE_RULE_STATS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "desk/annex.h"
#include "desk/parse_rate.h"
#include "role/loss_counts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_STATS_BYTES   ((size_t)1 << 20) /* of the whole body */
#define RULE_STATS_ROWS    65536u            /* of each list; as many names and rules as there can be */
#define RULE_STATS_WORD    1024u             /* bytes of a name in it; longer ones are cut */
#define RULE_STATS_ROW_MAX 8192u             /* bytes that one row may take, escapes and all; a writer leaves as much */

struct rule_stats_rule {
    struct str id;
    uint64_t hits;
    uint64_t runs;
    uint64_t ns;
    int64_t last_ns;
};

struct rule_stats_source {
    struct str product;
    struct str category;
    struct str service;
    uint64_t events;
    uint64_t covered; /* of these */
};

struct rule_stats_annex {
    uint8_t source[16];
    enum annex_class class;
    struct str kind; /* key of data/event_kinds.tsv; empty: none */
    struct str parser;
    struct annex_count count;
};

struct rule_stats_parse {
    uint8_t source[16];
    uint32_t day; /* since 1970-01-01 */
    struct str parser;
    enum parse_outcome outcome;
    struct parse_count count;
};

/* In this order: begin, rules, sources, fields, annex or nothing, parses or nothing, end. `out` has the limit
 * RULE_STATS_BYTES. A row returns false and changes nothing when there is no room for it: it comes in the next message.
 */
void rule_stats_begin(struct buf *out, uint64_t upto, uint64_t events);
bool rule_stats_add(struct buf *out, const struct rule_stats_rule *rule) MUST_USE;
void rule_stats_sources(struct buf *out);
bool rule_stats_source(struct buf *out, const struct rule_stats_source *source) MUST_USE;
void rule_stats_fields(struct buf *out);
bool rule_stats_field(struct buf *out, struct str name) MUST_USE;
void rule_stats_annexes(struct buf *out);
bool rule_stats_annex(struct buf *out, const struct rule_stats_annex *annex) MUST_USE;
void rule_stats_parses(struct buf *out);
bool rule_stats_parse(struct buf *out, const struct rule_stats_parse *parse) MUST_USE;
void rule_stats_losses(struct buf *out);
bool rule_stats_loss(struct buf *out, const struct loss_row *loss) MUST_USE;
void rule_stats_end(struct buf *out);

struct rule_stats {
    uint64_t upto;
    uint64_t events;
    struct rule_stats_rule *rules;
    size_t rule_count;
    struct rule_stats_source *sources;
    size_t source_count;
    struct str *fields;
    size_t field_count;
    struct rule_stats_annex *annex;
    size_t annex_count;
    struct rule_stats_parse *parses;
    size_t parse_count;
    struct loss_row *losses;
    size_t loss_count;
};

/* All or nothing, in the arena: 32 MiB hold the largest body that makes sense. RC_INVALID, or RC_LIMIT past the bounds
 * above or the arena. Every number is at most INT64_MAX, hits at most runs, covered at most events; of the annex no
 * part is more than the records. */
enum rc rule_stats_read(struct str body, struct arena *arena, struct rule_stats *ret_stats, struct err *err) MUST_USE;

#endif
