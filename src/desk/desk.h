/* desk.h - objects, incidents, their legal clocks, notices, people: the work in progress, in one database.
 *
 * The desk does no I/O but the database's: time, random bytes and the texts of data/ are arguments, and what has to go
 * out is taken from two queues that are filled in the same transaction as the change they tell of:
 *   records  what happened, for the archive (take, send to the keeper, then `desk_record_kept`);
 *   notices  mails and webhooks (take, send, then `desk_outbox_result`).
 * After a crash what was not marked comes again; nothing is lost and nothing is made twice (see README.md).
 *
 * Owner: the desk owns itself and its copies; strings passed in are borrowed for the call, strings given out live in
 * the arena passed. Single-threaded. Times: nanoseconds UTC since 1970; `now_ns` is believed, also when it steps back.
 * Limits: DESK_* below. Source: order 52/NK p.10, p.12, Annexes 2 and 7; doc/api.md. */
#ifndef DESK_DESK_H
#define DESK_DESK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/gap.h"
#include "db/db.h"
#include "desk/annex.h"
#include "desk/parse_rate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESK_QUESTION_MAX     ((size_t)1 << 20) /* bytes of one question and of one answer */
#define DESK_SOURCES_MAX      100000u           /* sources whose counters are kept in memory */
#define DESK_OUTGOING_MAX     1000000u /* records waiting for the archive; past it questions are refused "busy" */
#define DESK_STORED_MATCHES   100000u  /* matches of one incident kept one by one; past it they are counted */
#define DESK_OPEN_PER_RULE    50u      /* open incidents of one rule on one object; further ones join the newest */
#define DESK_SESSIONS_A_USER  5u
#define DESK_PASSWORD_MIN     12u
#define DESK_FIRST_PASSWORD_Z 25u /* bytes of a made password with its NUL */

struct desk;

/* --- opening --- */

/* The texts of data/. Copied. */
struct desk_data {
    struct str clocks;           /* data/clocks.tsv */
    struct str catalogue;        /* data/catalogues/desk.tsv */
    struct str attack;           /* data/catalogues/attack.tsv; empty: tactics are those that rules name */
    struct str texts;            /* data/i18n/desk.tsv */
    struct str rules;            /* data/i18n/rules.tsv */
    struct str event_kinds;      /* data/event_kinds.tsv; empty: coverage of Annex 4 is not looked at */
    struct str annex4;           /* data/annex4.tsv */
    struct str annex1;           /* data/annex1.tsv; empty: objects have no questionnaire */
    struct str surveys;          /* data/surveys.tsv; empty: no surveys are planned */
    const struct str *calendars; /* every data/calendars/NAME.tsv */
    size_t calendar_count;
};

enum desk_level { DESK_INFORMATIONAL, DESK_LOW, DESK_MEDIUM, DESK_HIGH, DESK_CRITICAL };

struct desk_rule_reading; /* below */

/* Cells of a table of patterns (doc/add-a-parser.md), called as `parser.save` calls them. */
struct desk_pattern {
    struct str name, program, pattern, set;
};

/* Whether a setting names one of those whose duties there are (duty.h). */
bool desk_party_known(struct str party);

struct desk_options {
    struct desk_data data;
    void (*random)(void *ret_bytes, size_t n); /* os/random.h random_bytes; tests give a seeded one */
    enum desk_level threshold;                 /* matches below are only counted; 0 means DESK_MEDIUM */
    struct str party;                          /* whose duties it has: "owner", "centre", "national"; empty: owner */
    int32_t zone_offset_s;                     /* of the default object; 0 means +05:00 */
    struct str default_object;                 /* name of the object made at first start; empty: "qorgan" */
    uint32_t argon_memory_kib;                 /* 0 means 65536; tests give less */
    int64_t mirror_silent;                     /* intervals without a pull that make a mirror silent; 0 means 5 */
    int64_t receiver_late_s;    /* a record that waits longer for a receiver makes it late; 0 means 900 */
    int64_t time_lost_s;        /* that a clock may follow no source of time; 0 means 900 */
    struct str time_servers;    /* that are accepted, with blanks; empty: any */
    int64_t canary_s;           /* between two canaries of the service's own (canary.h); 0: it makes none */
    unsigned engines;           /* processes */
    int64_t coverage_days;      /* a source is known for so long before what it lacks is a finding */
    int64_t documents_bytes;    /* of the files of documents, of all objects */
    int64_t lists_minutes;      /* between two hunts for lists of indicators; negative means DESK_LISTS_MINUTES */
    int64_t agent_silent_s;     /* seconds without contact that make an agent silent; 0 means 300 */
    struct str agent_authority; /* PEM; empty: there are no agents. agents.h */
    struct str agent_digest;    /* SHA-256 of its public key in hexadecimal digits */
    struct str agent_servers;   /* HOST:PORT with commas, for tokens */
    struct str origin;          /* of the archive: stands in agents' policies */
    /* Whether an agent would take a policy, whole as it is signed; an error says what of it is wrong. NULL: any object.
     */
    enum rc (*policy_check)(struct str text, struct arena *arena, struct err *err);
    /* Whether the event logs of an object may be given so many days: an error names what asks for more, the acts or a
     * setting. NULL: whatever is below DESK_TERM_DAYS_MAX. */
    enum rc (*term_check)(void *context, uint32_t days, int64_t now_ns, struct err *err);
    void *term_context;
    /* Whether the service would load a pattern that a person wrote: an error says why not, and *ret_cell which of the
     * cells it speaks of. NULL: any. */
    enum rc (*pattern_check)(const struct desk_pattern *pattern, const char **ret_cell, struct err *err);
    /* The same of a table of all that would be in use, beside those that come with the program and the site's. */
    enum rc (*patterns_check)(void *context, struct str table, const char **ret_cell, struct err *err);
    void *patterns_context;
    /* Reads a text that a person wrote as the service reads rules, beside those that are loaded. `path` is what its
     * file is called, empty for a new one. RC_AGAIN: no rules are loaded yet; RC_LIMIT: no memory, or too many
     * documents. NULL: no text can be checked or saved. */
    enum rc (*rule_read)(void *context, struct str path, struct str text, struct arena *arena,
                         struct desk_rule_reading *ret_reading, struct err *err);
    /* The text of a rule's file that was not written here; false: it is not at hand. NULL: none is. */
    bool (*rule_file)(void *context, struct str path, struct arena *arena, struct str *ret_text);
    void *rule_context; /* of both */
};

/* What the first start made, to be printed once. */
struct desk_first {
    bool made;
    char user[32];                        /* "admin" */
    char password[DESK_FIRST_PASSWORD_Z]; /* wipe after printing */
};

/* `db` is open and outlives the desk. Brings the schema up to date; makes the first account and the default object in
 * an empty database. RC_INVALID: a file of data/ is wrong, the text names file and line. RC_CORRUPT: the database is of
 * a newer program. */
enum rc desk_open(struct db *db, const struct desk_options *options, int64_t now_ns, struct desk **ret_desk,
                  struct desk_first *ret_first, struct err *err) MUST_USE;
void desk_close(struct desk *desk); /* NULL is fine; does not close the database */

/* --- questions (doc/api.md) --- */

/* Answers one question: puts one JSON object into `answer` (give it a limit of DESK_QUESTION_MAX), whatever the
 * question is. RC_OK also when the answer is a refusal; otherwise the database failed: the answer then is
 * {"ok":false,"error":"internal"} and `err` is for the log. `arena` is scratch, about four times the question. */
enum rc desk_ask(struct desk *desk, struct str question, int64_t now_ns, struct arena *arena, struct buf *answer,
                 struct err *err) MUST_USE;

/* --- matches of the engines --- */

struct desk_match {
    uint64_t record;       /* record number in the archive; with rule_id the key that removes duplicates */
    struct str rule_id;    /* not empty */
    struct str title;      /* the rule's title */
    enum desk_level level; /* the rule's level */
    bool always;           /* opens an incident whatever its level */
    const struct str *tags;
    size_t tag_count;
    struct str kind;   /* key of the catalogue's list "kind"; empty: guessed from the tags */
    int64_t object;    /* whose it is; 0: by host and address */
    int64_t time_ns;   /* the event's own time */
    struct str source; /* name of the source */
    struct str host;   /* empty = not said, as the next three */
    struct str account;
    struct str address;     /* source address */
    struct str description; /* the event in words; kept for the first 100 records */
};

struct desk_matched {
    size_t fresh;    /* matches not seen before */
    size_t opened;   /* incidents opened */
    size_t extended; /* matches that joined an open incident */
    size_t counted;  /* below the threshold */
};

/* Takes a batch in one transaction: all of it is stored, or (not RC_OK) nothing and the batch may be given again.
 * Matches already seen change nothing. ret_matched may be NULL. RC_AGAIN: too much waits for the archive. */
enum rc desk_match(struct desk *desk, const struct desk_match *matches, size_t count, int64_t now_ns,
                   struct desk_matched *ret_matched, struct err *err) MUST_USE;

/* --- what correlations must know after a restart (trail.c) --- */

#define DESK_TRAIL_BODY_MAX ((size_t)3 << 20)   /* bytes of one row */
#define DESK_TRAIL_BYTES    ((size_t)128 << 20) /* of all rows: past it the oldest go, and are counted */

struct desk_trail {
    int64_t until_ns; /* the row goes when the clock of a batch is past it */
    struct str body;  /* the caller's own */
};

struct desk_rule_count; /* below */
struct desk_canary;
struct desk_batch {
    const struct desk_match *matches;
    size_t count;
    const struct desk_trail *trails; /* in the order they are given back */
    size_t trail_count;
    int64_t clock_ns;                    /* of until_ns; now_ns or before */
    const struct desk_rule_count *fired; /* correlations that fired since the batch before, whatever it opened */
    size_t fired_count;
    const struct desk_canary *canaries; /* that came through (canary.h) */
    size_t canary_count;
};

/* desk_match with a trail and counts: all are stored, or none. Counts of unknown rules are passed over. */
enum rc desk_match_batch(struct desk *desk, const struct desk_batch *batch, int64_t now_ns,
                         struct desk_matched *ret_matched, struct err *err) MUST_USE;
typedef void (*desk_trail_sink)(void *context, struct str body);
/* Every row, the oldest first. */
enum rc desk_trail_read(struct desk *desk, desk_trail_sink sink, void *context, struct err *err) MUST_USE;
/* Rows that went for want of room since the desk was opened. */
uint64_t desk_trail_cut(const struct desk *desk);

/* --- what goes to the archive --- */

struct desk_record {
    int64_t local_id; /* 1, 2, 3...: never repeats, no gaps; use it as the sequence of the desk's own source */
    int64_t time_ns;
    struct str body; /* one JSON object, {"event":"incident.detected",...} */
};

/* The oldest record not yet taken since the desk was opened or rewound. RC_END when there is none. */
enum rc desk_take_record(struct desk *desk, struct arena *arena, struct desk_record *ret_record,
                         struct err *err) MUST_USE;
/* The archive has it durably as `record_number`. Marking twice is fine. */
enum rc desk_record_kept(struct desk *desk, int64_t local_id, uint64_t record_number, struct err *err) MUST_USE;
/* The same for many, in one transaction. RC_INVALID, and nothing marked, when a number is out of range. */
struct desk_kept {
    int64_t local_id;
    uint64_t record;
};
enum rc desk_records_kept(struct desk *desk, const struct desk_kept *kept, size_t count, struct err *err) MUST_USE;
/* Gives again every record that is not marked kept: after the keeper was restarted. */
void desk_records_rewind(struct desk *desk);

/* --- notices --- */

struct desk_notice {
    int64_t id;
    struct str key;     /* idempotency key: the same notice always has the same; Message-ID, webhook header */
    struct str kind;    /* "mail" or "webhook" */
    struct str to;      /* mail address, or URL */
    struct str server;  /* mail: host:port */
    struct str from;    /* mail address of the sender */
    struct str user;    /* sign-in at the server; may be empty */
    struct str secret;  /* its password, or the webhook's bearer token; may be empty. Never log it. */
    struct str subject; /* mail, in the channel's language */
    struct str body;    /* mail: plain text; webhook: JSON */
    uint32_t tries;     /* before this one */
};

/* The next notice that is due; it is lent for five minutes and given again when no result came. RC_END when none. */
enum rc desk_outbox_take(struct desk *desk, int64_t now_ns, struct arena *arena, struct desk_notice *ret_notice,
                         struct err *err) MUST_USE;
/* How sending went. A failure is tried again after 10 s, 20 s, 40 s... at most an hour, 20 times. `text`: the server's
 * words. */
enum rc desk_outbox_result(struct desk *desk, int64_t id, bool sent, struct str text, int64_t now_ns,
                           struct err *err) MUST_USE;

/* --- time --- */

/* Marks clocks overdue, puts warnings before deadlines into the outbox, ends old sessions. Cheap when nothing is due.
 */
enum rc desk_tick(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;
/* When desk_tick or desk_outbox_take next has something to do; INT64_MAX for never. */
int64_t desk_next_ns(const struct desk *desk);

/* --- how long event logs of single objects are kept (object_terms.c); decree 832, p.38(4) --- */

#define DESK_TERMS_MAX     256u   /* objects with a term of their own */
#define DESK_TERM_DAYS_MAX 36525u /* days */
#define DESK_TERMS_BYTES   ((size_t)512 << 10)

/* Another number once an object was changed: then both texts below are to be told again. Never 0. */
uint64_t desk_objects_version(const struct desk *desk);
/* For the keeper, JSON of at most DESK_TERMS_BYTES: which objects have a term (role/retire.h). */
enum rc desk_object_terms(struct desk *desk, struct buf *out, struct err *err) MUST_USE;
/* For the packer, at most ASSET_RULES_BYTES (asset_rules.h): which records are whose. */
enum rc desk_object_rules(struct desk *desk, struct buf *out, struct err *err) MUST_USE;

/* --- deletion of what is old enough (retention.c) --- */

#define DESK_SEGMENTS_MAX 100u /* told of one by one: the oldest */

/* kept: too young. may: it may go. held: it holds the record of an earlier deletion. recorded, doomed: on its way. */
enum desk_segment_state {
    DESK_SEGMENT_KEPT,
    DESK_SEGMENT_MAY,
    DESK_SEGMENT_HELD,
    DESK_SEGMENT_RECORDED,
    DESK_SEGMENT_DOOMED,
};
const char *desk_segment_state_name(enum desk_segment_state state);
enum desk_segment_state desk_segment_state_of(struct str name); /* an unknown word: kept */

/* What asks for the longest term of a segment. Law: the acts; setting: keep-days; source: keep-days-sources; object:
 * the term of an object that has records in it. */
enum desk_segment_why { DESK_WHY_LAW, DESK_WHY_SETTING, DESK_WHY_SOURCE, DESK_WHY_OBJECT };
const char *desk_segment_why_name(enum desk_segment_why why);
enum desk_segment_why desk_segment_why_of(struct str name); /* an unknown word: law */

struct desk_segment {
    uint64_t first;
    uint64_t end; /* first record behind it */
    uint64_t bytes;
    int64_t received_min_ns;
    int64_t received_max_ns;
    int64_t keep_until_ns;
    enum desk_segment_state state;
    enum desk_segment_why why;
    int64_t object; /* DESK_WHY_OBJECT: its id */
    bool undecided; /* it is not known yet which objects have records in it: it counts as belonging to all */
};

/* What the keeper says of age. */
struct desk_retention {
    uint32_t days;    /* the policy's longest */
    struct str law;   /* digest of the table of the acts */
    struct str error; /* why nothing can be deleted; empty when all is well */
    int64_t next_ns;  /* when the next segment may go; 0 = there is none but the last */
    uint64_t may_count;
    uint64_t may_bytes;
    uint64_t deleted_segments;
    uint64_t deleted_records;
    uint64_t undecided;                  /* segments past every other term whose objects are not known yet */
    const struct desk_segment *segments; /* rising */
    size_t segment_count;
};
/* Copied; memory only. Until it was called nothing can be proposed or approved. */
void desk_set_retention(struct desk *desk, const struct desk_retention *retention);
/* Ends proposals whose time is over, or whose segments, policy or law are not what they were. Call each second; it
 * looks every ten. */
enum rc desk_watch_retention(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;
/* An approved proposal for the keeper, as JSON (role/retire.h), once until rewound. RC_END when there is none, or the
 * keeper has not yet told what may go: it could only refuse then. */
enum rc desk_take_retire(struct desk *desk, struct buf *out, int64_t *ret_id, struct err *err) MUST_USE;
/* The keeper was restarted, or took nothing: what it told is forgotten, and it is asked again once it has told. */
void desk_retire_rewind(struct desk *desk);

struct desk_retired {
    uint64_t first;
    uint64_t end;      /* 0 with first 0: the whole proposal is refused; 0 alone: there is no such segment */
    struct str state;  /* recorded, deleted, refused */
    uint64_t record;   /* the retention record; 0 = none */
    struct str reason; /* of a refusal */
};
/* `id` 0: a keeper that began anew does not know of which proposal. RC_INVALID: not an answer of the keeper's. An
 * answer about what is not known changes nothing. */
enum rc desk_retired(struct desk *desk, int64_t id, const struct desk_retired *retired, int64_t now_ns,
                     struct err *err) MUST_USE;

/* --- rules: what is loaded, what people decide about it, what it found (rule.c, rule_stats.c) --- */

#define DESK_RULES_MAX       65536u
#define DESK_RULE_FIELDS_MAX 64u  /* told of one rule */
#define DESK_LOG_SOURCES_MAX 500u /* that events say; further ones are counted as one */
#define DESK_FIELDS_SEEN_MAX 65536u
#define DESK_RULE_DAYS       400                          /* for which hits of a day are kept */
#define DESK_RULE_LOOKED_NS  (INT64_C(3600) * 1000000000) /* so long, or so many events: then what was never seen */
#define DESK_RULE_LOOKED     10000u                       /* is said never to come */

enum desk_rule_state {
    DESK_RULE_ACTIVE, /* what is not said otherwise */
    DESK_RULE_TEST,   /* runs and counts; its hits stand in the archive and open nothing */
    DESK_RULE_DRAFT,  /* does not run, as the next */
    DESK_RULE_OFF,
};
enum desk_rule_kind { DESK_RULE_DETECTION, DESK_RULE_CORRELATION, DESK_RULE_FILTER };

/* One loaded document. */
struct desk_rule {
    struct str id; /* empty: nothing can be decided or counted about it */
    struct str title;
    struct str description;
    struct str status; /* the author's word */
    enum desk_rule_kind kind;
    enum desk_level level; /* the rule's own */
    const struct str *tags;
    size_t tag_count;
    struct str product; /* of its log source; empty: any */
    struct str category;
    struct str service;
    struct str path;
    uint32_t line;
    uint64_t hash;            /* of its text */
    struct str incident_kind; /* that it names, as desk_match.kind */
    const struct str *fields; /* that its tests look at */
    size_t field_count;
    const uint32_t *feeds; /* of a correlation: places of the detections that it counts */
    size_t feed_count;
    const uint32_t *filters; /* of a detection: places of the filters that stand on it */
    size_t filter_count;
};

/* A document that was refused, or about which something is odd. */
struct desk_rule_outcome {
    struct str path;
    uint32_t line;
    struct str id;
    struct str title;
    bool loaded;
    struct str text; /* why it was refused, or the warning */
};

typedef bool (*desk_field_seen)(void *context, struct str field);

struct desk_rules {
    const struct desk_rule *rule;
    size_t count; /* at most DESK_RULES_MAX */
    const struct desk_rule_outcome *outcome;
    size_t outcome_count;
    /* Whether the rule at a place can hold when only fields have values that `seen` knows. NULL: it is not looked at.
     */
    bool (*can_hold)(void *context, size_t place, desk_field_seen seen, void *seen_context);
    void *context;
};
/* The rules as they are loaded now; what they point at is borrowed until the next call or desk_close. When they are not
 * those of the last time, that is told to the archive. */
enum rc desk_set_rules(struct desk *desk, const struct desk_rules *rules, int64_t now_ns, struct err *err) MUST_USE;
#define DESK_RULES_SELF   64u /* the desk itself, behind engines 0 to 63 */
#define DESK_RULES_QUERY  65u
#define DESK_RULES_HUNTER 66u
#define DESK_RULES_WHO    67u
#define DESK_BEHIND_MAX   300u /* bytes kept of a reason */
/* What one says who was given those rules: it works with them (`reason` empty), or why it could not and goes on with
 * those of before. A change is a record; that it could not is an incident too. */
enum rc desk_rules_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err) MUST_USE;
/* The same of the lists of indicators: it works with all of them, or with what it could read. */
enum rc desk_lists_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err) MUST_USE;
/* The same of the patterns that people put into use: it parses by them, or by those of before. */
enum rc desk_patterns_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err) MUST_USE;
/* Another number once a state or level was changed: then all below is to be told to the engines again. Never 0. */
uint64_t desk_rules_version(const struct desk *desk);
/* Reads what was decided since. Call it when the number is another. */
enum rc desk_rules_refresh(struct desk *desk, struct err *err) MUST_USE;
/* What was decided about a rule, as of the last refresh; `own` is the rule's level. */
struct desk_rule_standing {
    enum desk_rule_state state;
    enum desk_level level;
    bool level_decided; /* it is not the rule's own */
};
struct desk_rule_standing desk_rule_standing(const struct desk *desk, struct str id, enum desk_level own);
/* The next loaded rule, from place *at on, that does not stand as by default; *at is then behind it. False: no more. */
bool desk_rule_decided(const struct desk *desk, size_t *at, struct str *ret_id,
                       struct desk_rule_standing *ret_standing);

struct desk_rule_count {
    struct str id;
    uint64_t hits;
    uint64_t runs;
    uint64_t ns;     /* spent on them */
    int64_t last_ns; /* the newest hit's own time; 0 = none */
    /* what a correlation lost, so that it may have missed something */
    uint64_t lost_groups;  /* evicted for want of room */
    uint64_t lost_matches; /* in them, or the oldest of one that fills the memory alone */
    uint64_t late;         /* older than their window: dropped */
    uint64_t ungrouped;    /* without a field that it groups by: not correlated */
};
struct desk_log_source {
    struct str product;
    struct str category; /* several with commas */
    struct str service;
    uint64_t events;
    uint64_t covered; /* of them, by the log source of some rule that runs */
};
/* What a source sent, of one class, kind and parser (annex.h). */
struct desk_annex_count {
    uint8_t source[16];
    enum annex_class class;
    struct str kind; /* empty: none */
    struct str parser;
    struct annex_count count;
};
/* What became of a source's records of one day, by parser (parse_rate.h). */
struct desk_parse_count {
    uint8_t source[16];
    uint32_t day;
    struct str parser;
    enum parse_outcome outcome;
    struct parse_count count;
};
/* What records tell of losses: one source, sender, cause, unit and minute (codec/gap.h). */
struct desk_loss {
    uint8_t source[16]; /* zeros: the archive itself, or many */
    enum gap_cause cause;
    enum gap_unit unit;
    bool unknown; /* how many there were more than `count` */
    uint64_t count;
    int64_t from_ns;
    int64_t to_ns;
    uint64_t first; /* records that tell of it */
    uint64_t last;
    char sender[GAP_SENDER_MAX]; /* the address that was refused; mostly "" */
};
/* What an engine counted since it told last. */
struct desk_rule_counts {
    uint32_t engine;
    uint64_t upto; /* records below are in it, or were before */
    uint64_t events;
    const struct desk_rule_count *rules;
    size_t rule_count;
    const struct desk_log_source *sources;
    size_t source_count;
    const struct str *fields; /* rule fields that had a value */
    size_t field_count;
    const struct desk_annex_count *annex;
    size_t annex_count;
    const struct desk_parse_count *parses;
    size_t parse_count;
    const struct desk_loss *losses;
    size_t loss_count;
};
/* What an agent tells of its machine: a record of its own stream, "inventory..." (doc/format/delivery.md). */
struct desk_inventory_record {
    uint64_t record;
    int64_t received_ns;
    const uint8_t *source; /* 16 bytes */
    struct str json;
};
/* Takes all in one transaction; one that is in already, is of no agent, or makes no sense is passed over. */
enum rc desk_inventory_take(struct desk *desk, const struct desk_inventory_record *records, size_t count,
                            struct err *err) MUST_USE;
/* Adds it in one transaction. A message below what is counted of that engine is passed over: it comes again; only what
 * it saw is taken. Unknown rules are passed over. */
enum rc desk_count_rules(struct desk *desk, const struct desk_rule_counts *counts, int64_t now_ns,
                         struct err *err) MUST_USE;
/* How far an engine's counts are in: its successor counts nothing below. 0: nothing is. */
enum rc desk_rules_counted(struct desk *desk, uint32_t engine, uint64_t *ret_upto, struct err *err) MUST_USE;

/* --- rules and filters that people wrote here (rule_text.c) --- */

#define DESK_RULE_TEXT_MAX    ((size_t)64 << 10) /* bytes of one text */
#define DESK_RULE_TEXTS_MAX   10000u             /* in effect */
#define DESK_RULE_TEXTS_BYTES ((size_t)16 << 20) /* of those in effect, with titles and reasons */

/* Its file is called desk:KIND/NAME wherever a rule's file is named. */
struct desk_rule_text {
    struct str kind;  /* "rule" or "filter" */
    struct str name;  /* the Sigma id: letters, digits, - . _ and at most 128 bytes */
    struct str title; /* one line */
    struct str text;  /* YAML, UTF-8 */
    struct str who;
    struct str reason;
    int64_t expires_ns; /* 0: never; ended in desk_tick once it is past */
};
/* The text stands from now on; one of the same kind and name is ended and stays as history. Record "rule.text".
 * RC_INVALID: a member is not what it may be. RC_LIMIT: too many texts, or too much. */
enum rc desk_rule_text_put(struct desk *desk, const struct desk_rule_text *text, int64_t now_ns,
                           struct err *err) MUST_USE;
/* `which` says kind, name, who and reason. RC_NOT_FOUND: none of that name is in effect. */
enum rc desk_rule_text_end(struct desk *desk, const struct desk_rule_text *which, int64_t now_ns,
                           struct err *err) MUST_USE;
/* The next text in effect, from place *at on (0: the first), by kind and name; *at is then behind it. False: no more.
 * Borrowed until the next call that may change one. */
bool desk_rule_text_next(const struct desk *desk, size_t *at, struct desk_rule_text *ret_text);
/* One document of a text: what loads it, or why nothing does. */
struct desk_rule_document {
    struct desk_rule rule; /* id, title, kind, level, log source, fields, line; of a refused one what could be read */
    bool loaded;
    bool taken;      /* a rule of another file has its id or its name; `text` says which */
    struct str text; /* the reason, or a warning */
};
struct desk_rule_reading {
    const struct desk_rule_document *document;
    size_t count;
};
/* Another number once texts in effect are others. Never 0. */
uint64_t desk_rule_texts_version(const struct desk *desk);

/* --- patterns that people put into use (parser_use.c) --- */

/* Another number once they are others. Never 0. */
uint64_t desk_patterns_version(const struct desk *desk);
/* Their table (doc/add-a-parser.md) behind `out`'s bytes; nothing when there are none. */
enum rc desk_patterns_write(struct desk *desk, struct buf *out, struct err *err) MUST_USE;

/* --- packs of rules (rule_pack.c) --- */

#define DESK_RULE_PACKS_MAX 64u

/* What is known of a pack whose rules are loaded: their paths are "pack:NAME/VERSION/...". */
struct desk_rule_pack {
    struct str name;
    struct str version;
    struct str source;
    struct str licence;
    struct str signer; /* whose signature was verified; empty: nobody's */
    bool has_note;     /* there is a signature, verified or not */
    int64_t imported_ns;
    uint64_t files;
    struct str digest; /* hexadecimal, of all files */
    bool waits;        /* to be switched to: it is not this version whose rules are loaded */
};
/* All of them, copied; further ones than DESK_RULE_PACKS_MAX, and as many that wait, are passed over. That they are
 * others than the last time is a record "rules.pack" each. */
enum rc desk_set_rule_packs(struct desk *desk, const struct desk_rule_pack *packs, size_t count, int64_t now_ns,
                            struct err *err) MUST_USE;

/* --- hunts: rules run over what the archive holds already (hunt.c). What they find opens nothing by itself --- */

/* How far a hunt that begins by itself goes back. Source: decree 832, p.38: the last two months are at hand. */
#define DESK_HUNT_NS       (INT64_C(62) * 86400 * 1000000000)
#define DESK_HUNT_HITS     1000u /* kept of a hunt: the newest */
#define DESK_HUNT_SHARE    100u  /* kept of one rule of a hunt that has several */
#define DESK_HUNTS_ENDED   1000u /* kept: the newest */
#define DESK_HUNTS_WAITING 100u  /* that people ordered; what begins by itself waits as one */

enum desk_hunt_state { DESK_HUNT_WAITING, DESK_HUNT_RUNNING, DESK_HUNT_DONE, DESK_HUNT_STOPPED, DESK_HUNT_FAILED };
/* Why one failed. */
enum desk_hunt_trouble {
    DESK_HUNT_WELL,
    DESK_HUNT_UNREAD,   /* the archive could not be read */
    DESK_HUNT_UNRULED,  /* none of its rules is loaded, or they could not be read */
    DESK_HUNT_NARROW,   /* memory did not suffice */
    DESK_HUNT_DIED,     /* its process ended again and again */
    DESK_HUNT_GONE,     /* the version of a pack that was to be compared does not wait any more */
    DESK_HUNT_UNLISTED, /* lists of indicators could not be read, or none are configured */
    DESK_HUNT_TROUBLES
};

/* A hunt may compare: what the rules would match once a version of a pack that waits is switched to, and match now. */
#define DESK_HUNT_CHANGES 2000u /* rules that differ, told of one by one: those with the largest difference */
#define DESK_HUNT_NAMED   5u    /* records named of what a rule gains, and of what it loses */
enum desk_hunt_change_kind { DESK_CHANGE_ADDED, DESK_CHANGE_REMOVED, DESK_CHANGE_CHANGED, DESK_CHANGE_AFFECTED };
struct desk_hunt_change {
    enum desk_hunt_change_kind kind;
    bool of_indicators; /* no hunt finds anything for it */
    bool too_many;      /* matches to be compared: gained and lost are not known */
    struct str rule_id;
    struct str title;
    uint64_t gained, lost;
    uint64_t before, after; /* matches */
    const uint64_t *gained_records;
    size_t gained_count;
    const uint64_t *lost_records;
    size_t lost_count;
};

/* A hunt may be for lists of indicators: with the rules about indicators that run, when its turn comes. Others that
 * have such a rule look for all that the lists hold, too. */
enum desk_hunt_lists {
    DESK_LISTS_NONE,
    DESK_LISTS_NEW, /* by itself: for what no such hunt looked for yet */
    DESK_LISTS_ALL, /* a person wants it */
};

struct desk_hunt_order {
    int64_t id;
    int64_t from_ns; /* event time; 0: open, as the next */
    int64_t to_ns;   /* exclusive */
    struct str pack; /* "NAME/VERSION": it compares, and no rule is wanted; empty: it does not */
    enum desk_hunt_lists lists;
    const uint64_t *hashes; /* of the rules wanted: desk_rule.hash */
    size_t count;
};
/* The hunt to work on now: one that was not finished before the next that waits. What was known of its hits is
 * forgotten: they come again. RC_END: there is none. */
enum rc desk_hunt_next(struct desk *desk, int64_t now_ns, struct arena *arena, struct desk_hunt_order *ret_order,
                       struct err *err) MUST_USE;
/* False: desk_hunt_next would give none. Cheap. */
bool desk_hunt_waits(const struct desk *desk, int64_t now_ns);
/* Whether this one, which desk_hunt_next gave last, is still wanted: it was not stopped. Cheap. */
bool desk_hunt_wanted(const struct desk *desk, int64_t id);

struct desk_hunt_count {
    uint64_t hash;
    uint64_t hits; /* of this rule until now */
};
struct desk_hunt_hit {
    uint64_t hash; /* of the rule */
    uint64_t record;
    int64_t time_ns; /* the event's own */
    struct str host, account, address;
    struct str text; /* the event in words */
};
/* What became of a hunt until now. */
struct desk_hunt_report {
    enum desk_hunt_state state; /* running, done, failed */
    enum desk_hunt_trouble trouble;
    struct str text; /* of a failure, for people who read English */
    uint32_t permille;
    uint64_t records;                     /* looked at */
    uint64_t too_large;                   /* events that no rule could be asked about */
    uint64_t gone;                        /* records of the range that were deleted */
    uint64_t evicted;                     /* groups that a correlation gave up for want of room */
    uint64_t passed;                      /* rules of the order that are not loaded */
    const struct desk_hunt_count *counts; /* of rules whose number is another than in the report before */
    size_t count_count;
    const struct desk_hunt_hit *hits; /* since the report before, in the order found */
    size_t hit_count;
    /* of one that compares, when it is done */
    uint64_t gained, lost; /* of all rules */
    uint64_t change_total;
    const struct desk_hunt_change *changes;
    size_t change_count;
    /* of one for DESK_LISTS_NEW, when it is done: what has been looked for, at most DESK_LISTS_KNOWN_BYTES whose form
     * is the caller's; NULL: not said */
    struct str known;
};
/* Stores it in one transaction. One of a hunt that does not run, or was stopped, changes nothing. */
enum rc desk_hunt_report(struct desk *desk, int64_t id, const struct desk_hunt_report *report, int64_t now_ns,
                         struct err *err) MUST_USE;

/* --- lists of indicators: hunted over what the archive holds when they grow (hunt_lists.c) --- */

#define DESK_LISTS_MAX         1024u
#define DESK_LISTS_KNOWN       10000000u /* entries that are known to have been looked for */
#define DESK_LISTS_KNOWN_BYTES (32 + 8 * (size_t)DESK_LISTS_KNOWN)
#define DESK_LISTS_MINUTES     60 /* between the end of such a hunt and the next one's beginning, unless set */

/* Other lists hold: `stamp` is of those that all engines work with now (0: none are configured), so that what comes in
 * from here on is looked at by these. What is new in them is hunted, once. May be said again. */
enum rc desk_lists_changed(struct desk *desk, uint64_t stamp, int64_t now_ns, struct err *err) MUST_USE;
/* What was given with desk_hunt_report last, behind `out`'s bytes; nothing: none was. */
enum rc desk_lists_known(struct desk *desk, struct buf *out, struct err *err) MUST_USE;

struct desk_list {
    struct str name;
    uint64_t entries; /* that were taken, with the expired ones */
    uint64_t fresh;   /* that this hunt looks for */
    uint64_t expired;
    uint64_t refused;
    uint32_t line; /* of the first that was refused; 0: the file as a whole */
    struct str reason;
    struct str example;
};
struct desk_lists {
    struct str trouble; /* what of them could not be read; empty: nothing */
    const struct desk_list *rows;
    size_t count;
};
/* What a hunt, which runs, read of the lists, before it looks for anything. */
enum rc desk_hunt_lists(struct desk *desk, int64_t hunt, const struct desk_lists *lists, int64_t now_ns,
                        struct err *err) MUST_USE;

/* --- what is shown of the other processes; memory only --- */

struct desk_source {
    uint8_t id[16];
    struct str kind;
    struct str name;
    struct str host;
    int64_t first_ns;
    int64_t last_ns; /* last record received */
    uint64_t records;
    uint64_t not_understood;
    uint64_t dropped;
};

struct desk_totals {
    uint64_t durable; /* records */
    uint64_t checkpoint_size;
    int64_t checkpoint_ns;
    uint64_t rules_loaded;
    uint64_t rules_refused;
    uint64_t disk_free; /* bytes */
};

/* The present counters of these sources; sources not named keep theirs. About once a second. RC_LIMIT: some of them
 * did not fit. */
enum rc desk_source_stats(struct desk *desk, const struct desk_source *sources, size_t count, int64_t now_ns,
                          struct err *err) MUST_USE;
/* A source that has nothing to send said that it is there: it is not silent. One that never sent is not known. */
void desk_source_heard(struct desk *desk, const uint8_t id[16], int64_t now_ns);
void desk_set_totals(struct desk *desk, const struct desk_totals *totals);
/* What the keeper says of those who vouch for the archive from outside: JSON values, empty when there are none. Copied;
 * one that does not fit is left out. */
struct desk_outside {
    struct str witnesses; /* array: name, state, size, time_ns, error, refused */
    struct str quorum;    /* object: asked, lost, size, round */
    uint64_t round;       /* records under the checkpoint that witnesses are to cosign now; 0: none */
    struct str stamp;     /* object: size, time_ns, error */
};
void desk_set_outside(struct desk *desk, const struct desk_outside *outside);
/* A cosignature that a mirror brought, for the keeper: u64 size, the line; behind `out`'s bytes, each once. False: none
 * waits. */
bool desk_take_cosignature(struct desk *desk, struct buf *out);
/* Tells the archive of sources that fell silent (no record for ten minutes) and of those heard again. Call each second;
 * it looks every ten. */
enum rc desk_listen(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;
/* Tells the archive, once each, what Annex 4 requires and sources do not send, and what they send since. Call each
 * second; it looks at 64 sources, and at each every ten seconds at most. */
enum rc desk_watch_annex(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;
/* Silences of the ledger of losses that ended, clocks of sources that are right again, hours of sources against their
 * rhythm. Every engine has read what was received before `read_ns`; INT64_MIN while that is not known. Call each
 * second; it looks every ten. */
enum rc desk_watch_losses(struct desk *desk, int64_t now_ns, int64_t read_ns, struct err *err) MUST_USE;
/* What is known of this machine's clock: {"time":{...}} (agent/time_source.h). About once a minute. */
enum rc desk_time_said(struct desk *desk, struct str text, int64_t now_ns, struct err *err) MUST_USE;
/* Tells the archive of mirrors that have not pulled for so many of their intervals, and of those that came back. Call
 * each second; it looks every ten. */
enum rc desk_watch_mirrors(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;
/* What forwarders say of themselves, a line each (receiver_text.h): all there are; lines that do not read are passed
 * over. */
void desk_set_receivers(struct desk *desk, struct str lines);
/* Tells the archive of receivers that became late, and of those that are in time again. Call each second; it looks
 * every five. */
enum rc desk_watch_receivers(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;

#endif
