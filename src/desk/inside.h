/* inside.h - what the files of this room share. Nobody outside includes it.
 *
 * Every public call is one transaction (db.h: failures stick, one check at the end). The functions below run inside it
 * and therefore return no code: they write straight on, and `desk_end` tells what failed. */
#ifndef DESK_INSIDE_H
#define DESK_INSIDE_H

#include "codec/json.h"
#include "desk/desk.h"
#include "desk/duty.h"
#include "desk/flow.h"
#include "desk/questionnaire.h"
#include "desk/receiver_text.h"
#include "desk/subject.h"
#include "desk/survey_kind.h"
#include "desk/texts.h"
#include "term/clock.h"
#include "tlog/hash.h"

#define DESK_MAGIC         UINT32_C(0x6465736b)
#define DESK_RECORD_MAX    ((size_t)256 << 10) /* bytes of one record for the archive */
#define DESK_OUTBOX_MAX    10000               /* notices waiting; past it new ones are dropped, and that is recorded */
#define DESK_EVIDENCE_MAX  100                 /* records of an incident kept with their text */
#define DESK_NAME_MAX      200                 /* bytes of names and titles */
#define DESK_FIELD_MAX     256                 /* bytes of host, account, address */
#define DESK_TEXT_MAX      8000                /* bytes of a text a person writes */
#define DESK_EVENT_MAX     1000                /* bytes kept of an event's description */
#define DESK_CLOCK_TEXT    16000
#define DESK_USER_MAX      64
#define DESK_PASSWORD_MAX  1024
#define DESK_HASH_TEXT_MAX 160

struct ask;
struct asset_rules;   /* asset_rules.h */
struct desk_sources;  /* source.c */
struct desk_agents;   /* agent.h */
struct desk_assets;   /* asset.c */
struct desk_canaries; /* canary_inside.h */
struct desk_retained; /* retention.c */
struct desk_annex;    /* annex_desk.h */
struct rulebook;      /* rulebook.h */
struct rule_texts;    /* rule_text.c */
struct rule_entry;    /* rulebook.h */

/* What is known of the table trail. */
struct trail {
    int64_t bytes;
    int64_t cleaned_ns;
    uint64_t cut; /* rows that went for want of room */
};

/* What is known of the table hunt. */
struct hunts {
    bool waits;      /* one may be there to be worked on */
    int64_t due_ns;  /* else one will be at this time; 0: none */
    int64_t running; /* that desk_hunt_next gave last and is still wanted; 0: none */
    bool lists;      /* lists of indicators are configured, as far as engines said */
};

/* What is known of the table upload. */
struct uploads {
    bool waits;                        /* one may be there to be read */
    bool works;                        /* or to be counted, taken, cleared away */
    int64_t reading;                   /* that desk_upload_next gave last and is still wanted; 0: none */
    int64_t told_bytes, told_findings; /* of it */
};

/* What is known of lists of indicators that people gave (own_list.h). */
struct own_lists {
    bool waits;       /* one may be there to be read */
    bool works;       /* or to be cleared away */
    bool moved;       /* another version stands by the transaction that is open */
    uint64_t version; /* see desk_own_lists_version */
    int64_t reading;  /* that desk_own_list_next gave last and is still wanted; 0: none */
};

/* What is known of the tables of documents. */
struct documents {
    bool comes;        /* a file may be there to be copied */
    bool judges;       /* a signature may be there to be judged */
    int64_t bytes_max; /* of the files of all */
    char given[65];    /* SHA-256 of the file that goes along with the present answer; empty: none */
};

/* What forwarders say of the receivers of records (receiver.c). */
struct receiver_known {
    struct receiver said;
    bool late; /* recorded */
};
struct receivers_known {
    struct receiver_known *row; /* RECEIVERS_MAX, by name; NULL: none was told yet */
    size_t count;
    int64_t late_ns; /* a record that waits longer makes its receiver late */
    int64_t watched_ns;
};

struct desk {
    uint32_t magic;
    struct db *db;
    struct arena *arena;   /* as long as the desk */
    struct arena *scratch; /* one call */
    struct desk_texts texts;
    struct desk_catalogue catalogue;
    struct calendar *calendar;
    struct clock_rules rules;
    struct clock_words words[TERM_LANGUAGES];
    struct questionnaire questionnaire;
    struct survey_kinds survey_kinds;
    struct tlog_hasher *hasher;
    struct desk_sources *sources;
    struct desk_vouchers *vouchers;
    struct desk_retained *retained;
    struct desk_annex *annex;
    struct rulebook *rulebook;
    struct rule_texts *rule_texts;
    struct desk_agents *agents;
    struct desk_assets *assets;
    struct desk_canaries *canaries;
    bool assets_stale;
    uint64_t objects_version; /* see desk_objects_version */
    enum rc (*term_check)(void *context, uint32_t days, int64_t now_ns, struct err *err);
    void *term_context;
    enum rc (*pattern_check)(const struct desk_pattern *pattern, const char **ret_cell, struct err *err);
    enum rc (*patterns_check)(void *context, struct str table, const char **ret_cell, struct err *err);
    void *patterns_context;
    uint64_t patterns_version; /* see desk_patterns_version */
    bool patterns_changed;     /* by the transaction that is open */
    enum rc (*rule_read)(void *context, struct str path, struct str text, struct arena *arena,
                         struct desk_rule_reading *ret_reading, struct err *err);
    bool (*rule_file)(void *context, struct str path, struct arena *arena, struct str *ret_text);
    void *rule_context;
    void (*random)(void *ret_bytes, size_t n);
    enum desk_level threshold;
    enum duty_party party;
    int32_t zone_offset_s;
    uint32_t argon_memory_kib;
    struct trail trail;
    struct hunts hunts;
    struct uploads uploads;
    struct own_lists own_lists;
    struct documents documents;
    int64_t lists_minutes; /* between two hunts for lists of indicators */
    char instance[17];     /* random, made at first start: part of idempotency keys */
    int64_t next_ns;       /* see desk_next_ns */
    int64_t taken_id;      /* the last record lent to the role */
    int64_t outgoing;      /* about how many records wait */
    int64_t cleaned_ns;    /* when old rows were last removed */
    int64_t changes_hour;  /* in which changes of logging were looked for last */
    int64_t losses_ns;     /* when the ledger of losses was looked at last */
    struct buf body;       /* the record being written */
    const char *event;     /* its name, while it is open */
    char who[DESK_USER_MAX + 1];
    int64_t event_ns;

    int64_t mirrors_ns;        /* when mirrors were last looked at */
    int64_t mirror_silent;     /* intervals */
    int64_t mirror_refused_ns; /* when a refused token was last recorded */
    int64_t mirror_refused;    /* further ones since */

    struct receivers_known receivers;

    char through[DESK_USER_MAX + 1]; /* the token that the question came with; empty: none */
    int64_t token_refused_ns;        /* when a refused token was last recorded */
    int64_t token_refused;           /* further ones since */

    int64_t time_lost_ns; /* time_source.h */
    struct str time_servers;
};

/* --- transaction --- */

enum rc desk_begin(struct desk *desk, struct err *err) MUST_USE;
enum rc desk_end(struct desk *desk, bool commit, struct err *err) MUST_USE;

/* A number of the table meta, 0 when it is not there; in a transaction. */
int64_t desk_meta_read(struct desk *desk, const char *key);
void desk_meta_store(struct desk *desk, const char *key, int64_t value);

/* Removes what is over: sessions, attempts, counted matches of long ago. Does nothing within ten minutes of the last.
 */
void desk_clean(struct desk *desk, int64_t now_ns);

/* --- the trail of correlations (trail.c) --- */

void trail_open(struct desk *desk);
/* In a transaction; gives what desk->trail is once it is committed. */
struct trail trail_put(struct desk *desk, const struct desk_batch *batch);

/* --- records for the archive (record.c) --- */

/* Opens a record {"event":...,"time":...,"who":...; put further members into the buffer returned, then end it.
 * `event` is constant text, its history key too. */
struct buf *desk_record_begin(struct desk *desk, const char *event, struct str who, int64_t now_ns);
/* The same of a paper, as paper/seal.h reads it: the SHA-256 in hex stands behind the event. */
struct buf *desk_record_begin_paper(struct desk *desk, const char *event, struct str sha256, struct str who,
                                    int64_t now_ns);
/* Stores it; with an incident (not 0) its history gets the row as well. Returns its number, for another history. */
int64_t desk_record_end(struct desk *desk, int64_t incident, struct str detail);
/* The same for any subject; item 0: for none. */
int64_t desk_record_end_of(struct desk *desk, enum subject_kind kind, int64_t item, struct str detail);
/* One more row of history that the record which was ended last is evidence of: of a record about many. */
struct history_row {
    const char *what; /* key under history. */
    struct str detail;
    int64_t outgoing; /* what desk_record_end returned */
};
void history_add(struct desk *desk, enum subject_kind kind, int64_t item, const struct history_row *row);

/* --- incidents (incident.c) --- */

struct incident {
    int64_t id;
    struct str number;
    int64_t object;
    struct str object_name;
    int64_t zone_offset_s;
    struct str rule_id, title, rule_title;
    int64_t level;
    struct str tags; /* JSON array */
    enum desk_state state;
    int64_t severity; /* 4 high, 3 middle, 2 low, 1 not determined */
    struct str kind, scope, sign, contour, consequence;
    bool repeated;
    struct str ioc, nature, actions, note;
    struct str host, account, address;
    int64_t matches, first_ns, last_ns, occurred_ns, detected_ns, confirmed_ns, notified_ns, closed_ns;
    enum duty_origin origin;
    int64_t told_ns; /* when STS, or the object's unit, told; 0: nobody did */
};

/* False when there is none, or the transaction failed. Texts live in the arena. */
bool incident_load(struct desk *desk, int64_t id, struct arena *arena, struct incident *ret_incident);
/* Writes state, severity, the card's fields and the stamps; not what matches change. */
void incident_save(struct desk *desk, const struct incident *incident);
/* Who it is: number, object, rule, title, severity, state, host, account, address. */
void incident_put(struct buf *json, const struct incident *incident);
const char *desk_level_name(int64_t level);

/* --- clocks (clocks.c) --- */

enum clock_state { CLOCK_RUNNING, CLOCK_MET, CLOCK_OVERDUE, CLOCK_CANCELLED };
const char *clock_state_name(int64_t state);

/* Starts every clock of the table whose `start` is this word; tells the archive. */
void clocks_start(struct desk *desk, const struct subject *subject, const char *start, int64_t trigger_ns,
                  int64_t now_ns);
/* Meets the clocks that this word meets; returns how many. */
int64_t clocks_meet(struct desk *desk, const struct subject *subject, const char *met_by, struct str who,
                    int64_t now_ns);
void clocks_cancel(struct desk *desk, const struct subject *subject, struct str who, int64_t now_ns);
/* The same of what was done at `at_ns`: of those that ran by then. */
int64_t clocks_meet_at(struct desk *desk, const struct subject *subject, const char *met_by, int64_t at_ns,
                       struct str who, int64_t now_ns);
/* Cancels the unmet clocks that this word started, overdue ones too: what started them was not so. */
void clocks_drop(struct desk *desk, const struct subject *subject, const char *start, struct str who, int64_t now_ns);
/* What a word starts is to run from trigger_ns, or not at all when that is 0: begins it, and cancels what else of it is
 * not over. Not begun when what meets it was done since trigger_ns and since_ns, nor, but for `again`, when it was
 * cancelled. */
struct clock_settling {
    const char *start;
    int64_t trigger_ns, since_ns;
    bool again;
};
void clocks_settle(struct desk *desk, const struct subject *subject, const struct clock_settling *settling,
                   struct str who, int64_t now_ns);
/* Cancels those that this word started and that are not over: what they were to tell of did not come about. */
void clocks_spare(struct desk *desk, const struct subject *subject, const char *start, struct str who, int64_t now_ns);
/* How many unmet ones this word would meet. */
int64_t clocks_owed(struct desk *desk, const struct subject *subject, const char *met_by);
/* How many are neither met nor cancelled. */
int64_t clocks_unmet(struct desk *desk, const struct subject *subject);
void clocks_put(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item);
/* One of them: what a query has of it, beginning with these columns of clock c. */
#define CLOCK_COLUMNS "c.rule, c.trigger_ns, c.due_ns, c.state, c.met_ns, c.kk, c.ru, c.en, c.edition"
void clock_put(struct desk *desk, struct buf *json, struct db_query *q);
/* The terms that the desk knows. */
void clocks_put_rules(const struct desk *desk, struct buf *json);
/* What a term would be; nothing is stored. As clock_due. */
struct clock_try {
    const struct clock_rule *rule;
    int64_t start_ns;
    int32_t zone_offset_s;
};
enum rc clock_try(struct desk *desk, const struct clock_try *what, struct buf *json, struct err *err) MUST_USE;
/* Member "next": null or the earliest unmet. */
void clocks_put_next(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item);
void clocks_tick(struct desk *desk, int64_t now_ns);
/* A member of a list: a term whose `start` is this word, as it would run: "clock", "due_ns". */
void clocks_put_would(struct desk *desk, struct buf *json, const char *start, int64_t trigger_ns, int64_t zone_s);

/* --- notices (outbox.c) --- */

struct notice {
    const char *kind; /* text family notice.KIND.subject, notice.KIND.body; duty_KIND where it is no incident */
    int64_t clock;    /* row id, 0 when none */
    int64_t stage;
    struct str clock_rule; /* "M-04", empty when none */
    int64_t due_ns;
};
void notice_put(struct desk *desk, const struct subject *subject, const struct notice *notice, int64_t now_ns);
void notices_put(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item);
/* Member "history" (record.c). */
void history_put(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item);

/* --- objects (object.c) and which object a match belongs to (asset.c) --- */

void assets_load(struct desk *desk);
void assets_free(struct desk *desk);
/* The object whose host or address rule fits best, else the default object (the lowest id): asset_rules.h. */
int64_t assets_object(const struct desk *desk, struct str host, struct str address);
const struct asset_rules *assets_rules(const struct desk *desk); /* as long as nothing is loaded anew */
bool asset_valid(struct str kind, struct str pattern);
/* Addresses and networks as text; false when it is none. IPv4 counts as ::ffff:0:0/96. */
bool address_read(struct str text, uint8_t ret_address[16], unsigned *ret_bits);
int64_t object_default(struct desk *desk, struct str name);
/* Refuses a term of event logs that may not be, or one object too many with a term; 0 is none. (object_terms.c) */
void object_term_check(struct ask *ask, int64_t object, int64_t days);

/* --- people (user.c, session.c, password.c) --- */

enum role { ROLE_ADMINISTRATOR, ROLE_ANALYST, ROLE_OFFICER, ROLE_AUDITOR, ROLE_COUNT };
const char *role_name(int64_t role);
bool role_find(struct str name, enum role *ret_role);

enum right {
    RIGHT_NONE = 0,      /* anybody: sign-in */
    RIGHT_READ = 1,      /* objects, sources, incidents */
    RIGHT_WORK = 2,      /* act on and edit incidents */
    RIGHT_OBJECTS = 4,   /* change objects */
    RIGHT_CHANNELS = 8,  /* change channels */
    RIGHT_SETTINGS = 16, /* see channels */
    RIGHT_USERS = 32,
    RIGHT_RETENTION = 64, /* propose and approve deletion */
    RIGHT_RULES = 128,    /* states and levels of rules */
    RIGHT_AGENTS = 256,   /* enrol and revoke agents, say what they collect */
    RIGHT_TOKENS = 512,   /* make tokens for programs */
    RIGHT_REPORTS = 1024, /* make reports */
};
unsigned role_rights(enum role role);

/* NULL when the password will do, else the reason in English. */
const char *password_weakness(struct str user, struct str password);
/* Argon2id. False without memory. */
bool password_hash(struct desk *desk, struct str password, char ret_text[DESK_HASH_TEXT_MAX]);
bool password_verify(struct str hash, struct str password);
void password_make(struct desk *desk, char ret_password[DESK_FIRST_PASSWORD_Z]);
/* A hash that no password has, so that an unknown user costs as much time as a known one. */
struct str password_nobody(struct desk *desk);

void user_first(struct desk *desk, int64_t now_ns, struct desk_first *ret_first);
/* Kept for good: who knew a password of the account, or took its second factor away, might have signed in as it.
 * `anew`: not when it was made. */
void account_handed(struct ask *ask, int64_t id, bool anew);
void sessions_clean(struct desk *desk, int64_t now_ns);
/* Is `password` of the question that of who asks? Refuses, counts and records as signing in does. */
bool session_password_right(struct ask *ask);

/* --- sources (source.c) --- */

/* What a source is called; false: it is not known. Borrowed until the next statistics. */
bool desk_source_names(const struct desk *desk, const uint8_t id[16], struct str *ret_kind, struct str *ret_name,
                       struct str *ret_host);
int64_t desk_source_last_ns(const struct desk *desk, const uint8_t id[16]); /* received last; 0: not known */
/* Every source that is silent now. Texts are borrowed until the sink returns. */
typedef void (*desk_silent_sink)(void *context, struct str name, struct str host, int64_t last_ns);
void desk_sources_silent(const struct desk *desk, int64_t now_ns, desk_silent_sink sink, void *context);
bool desk_sources_new(struct desk *desk);
/* What became of records as they were parsed (parse_rate.c); in a transaction. */
void parse_rate_store(struct desk *desk, const struct desk_parse_count *counts, size_t n);
void desk_sources_free(struct desk *desk);
uint64_t desk_durable(const struct desk *desk);     /* records, as the keeper told last */
int64_t desk_archive_size(const struct desk *desk); /* of its newest checkpoint, as the keeper told last; 0: unknown */
bool desk_vouchers_new(struct desk *desk);
void desk_vouchers_free(struct desk *desk);
void desk_cosign_round(const struct desk *desk, struct buf *out);
bool desk_retained_new(struct desk *desk);
void desk_retained_free(struct desk *desk);
bool desk_proposal_waits(struct desk *desk);            /* for a decision */
int64_t desk_next_deletion_ns(const struct desk *desk); /* 0 when it is not known or there is none */

/* --- rules (rule.c, rule_stats.c) --- */

bool rulebook_new(struct desk *desk);
void rulebook_free(struct desk *desk);
enum rc attack_read(struct desk *desk, struct str tsv, struct err *err) MUST_USE; /* rule_coverage.c */
int64_t desk_rule_row(struct desk *desk, struct str rule_id); /* its row, made when there is none (match.c) */
void rule_counts_clean(struct desk *desk, int64_t now_ns);
/* What a batch says of correlations that fired: into the database, and into memory once it has held. */
void rule_fired_store(struct desk *desk, const struct desk_batch *batch, int64_t now_ns);
void rule_fired_remember(struct desk *desk, const struct desk_batch *batch);
bool level_find(struct str name, enum desk_level *ret_level);

/* --- texts of rules (rule_text.c) --- */

bool rule_texts_new(struct desk *desk);
void rule_texts_free(struct desk *desk);
/* The id that a text is given, of so many bytes: a UUID (RFC 9562) of version 4, random, or 8, made of a hash. */
#define RULE_TEXT_UUID_BYTES 16u
void rule_text_uuid(struct buf *out, const uint8_t *bytes, uint8_t version);
/* desk_rule_text_put and _end in a transaction that is open. */
enum rc rule_text_put(struct desk *desk, const struct desk_rule_text *text, int64_t now_ns, struct err *err) MUST_USE;
enum rc rule_text_end(struct desk *desk, const struct desk_rule_text *which, int64_t now_ns, struct err *err) MUST_USE;
/* Refuses a question whose text could not be read, put or ended, with the reason of `err`; of RC_INVALID `field` is the
 * member that is wrong. */
/* UTF-8, and of what is not to be seen line ends and tabs alone. */
bool rule_text_valid(struct str text);
void rule_text_refused(struct ask *ask, enum rc rc, const struct err *err, const char *field);
/* In a transaction: reads those in effect again if they changed. */
void rule_texts_renew(struct desk *desk);
bool rule_texts_known(const struct desk *desk); /* they were read since they changed */
/* A transaction is over. */
void rule_texts_settle(struct desk *desk, bool held);
void rule_texts_tick(struct desk *desk, int64_t now_ns); /* ends what expired */
void rule_texts_clean(struct desk *desk);                /* forgets old versions past their room */

/* --- patterns in use (parser_use.c) --- */

/* A transaction is over. */
void parser_uses_settle(struct desk *desk, bool held);

/* --- hunts (hunt.c), in a transaction --- */

/* A hunt by itself for a rule that was switched on. */
void hunt_for_state(struct desk *desk, const struct rule_entry *entry, int64_t now_ns);
/* One for all rules of a load that are new or changed, and run. */
void hunt_for_load(struct desk *desk, const struct rulebook *book, int64_t now_ns);
const char *hunt_state_name(int64_t state);
const char *hunt_trouble_name(int64_t trouble);
/* False: it has no id, or is a filter. */
bool hunt_rule_may(const struct rule_entry *entry);
/* A rule about indicators, or a correlation that counts one. */
bool hunt_rule_of_lists(const struct rulebook *book, const struct rule_entry *entry);
/* Orders a hunt of one rule; its id. */
int64_t hunt_order(struct ask *ask, const struct rule_entry *entry);
/* A hunt for the asked time, "from_ns" and "to_ns", that waits; 0: refused. */
int64_t hunt_insert_asked(struct ask *ask);
/* Hunts that compare (hunt_changes.c): what came of one; members "told", "differ" of one; member "next" of a pack. */
void hunt_changes_store(struct desk *desk, int64_t hunt, const struct desk_hunt_report *report);
void hunt_changes_put(struct ask *ask, int64_t hunt);
void hunt_waiting_put(struct ask *ask, struct str pack);
void ask_rule_compare(struct ask *ask);
/* Hunts for lists of indicators (hunt_lists.c): one that waits, without its rules; one that a person orders; its rules,
 * when it begins; true: it is over and was none, the row is gone; members of a record. */
int64_t hunt_insert_lists(struct desk *desk, struct str who, int64_t now_ns);
void hunt_lists_start(struct ask *ask);
void hunt_lists_check(struct ask *ask); /* refuses when there are no lists */
void hunt_lists_rules(struct desk *desk, int64_t hunt);
bool hunt_lists_end(struct desk *desk, int64_t hunt, enum desk_hunt_state state, struct str known, int64_t now_ns);
void hunt_lists_tell(struct desk *desk, struct buf *body, int64_t hunt);
enum rc hunt_lists_recall(struct desk *desk, struct err *err) MUST_USE; /* when the desk is opened */
int64_t hunt_lists_wait_max(const struct desk *desk);
/* The row as it is now, as a record "rule.hunt". */
void hunt_tell(struct desk *desk, int64_t hunt, const char *act, struct str who, int64_t now_ns);
void hunt_stop(struct ask *ask, int64_t hunt);

/* --- what is wrong with the product itself (own_alarm.h) --- */

/* A record is kept: incidents that it tells of are opened. */
void own_alarms_kept(struct desk *desk, int64_t local_id, int64_t record);

/* --- agents (agent.h) --- */

void agents_free(struct desk *desk);
void agents_settle(struct desk *desk, bool held); /* a transaction is over */
void agents_clean(struct desk *desk, int64_t now_ns);
void agent_policies_kept(struct desk *desk, int64_t local_id, int64_t record);

/* Opens an incident for a match, whatever its level, or adds it to an open one; its id (match.c). Record 0: it has
 * none, so nobody can know whether it was seen before. */
int64_t match_open(struct desk *desk, const struct desk_match *match, int64_t now_ns, struct desk_matched *ret_done);
/* What a person reports (incident_told.c): an incident of its own, whatever is open; returns its id. */
struct incident_told {
    struct str who;
    int64_t severity;
    enum duty_origin origin;
    int64_t told_ns;
};
int64_t match_report(struct desk *desk, const struct desk_match *match, const struct incident_told *told,
                     int64_t now_ns);

/* --- questions (ask.c) --- */

struct ask {
    struct desk *desk;
    struct arena *arena;
    const struct json_value *question;
    struct buf *out; /* the answer's members; ask.c opens and closes the object */
    int64_t now_ns;
    struct str who;
    int64_t user;
    enum role role;
    const char *error; /* key of a refusal; NULL when the question is granted */
    const char *text;  /* why, English, for logs */
    const char *field; /* error "invalid": which */
    int64_t until_ns;  /* error "locked" */
    bool keep;         /* commit although refused: a failed attempt is counted */
};

/* Members of the question; texts empty and numbers 0 when absent. */
struct str ask_str(const struct ask *ask, const char *name);
int64_t ask_int(const struct ask *ask, const char *name);
void ask_refuse(struct ask *ask, const char *error, const char *text);
void ask_invalid(struct ask *ask, const char *field, const char *text);

void ask_session_open(struct ask *ask);
void ask_session_code(struct ask *ask);
void ask_session_check(struct ask *ask);
void ask_session_close(struct ask *ask);
void ask_password_change(struct ask *ask);
void ask_language_set(struct ask *ask);
void ask_user_list(struct ask *ask);
void ask_user_save(struct ask *ask);
void ask_object_list(struct ask *ask);
void ask_object_save(struct ask *ask);
void ask_object_card(struct ask *ask); /* object_card.c, as the next three */
void ask_object_export(struct ask *ask);
void ask_object_versions(struct ask *ask);
void ask_object_version(struct ask *ask);
void ask_object_draft_end(struct ask *ask);
void ask_object_act(struct ask *ask); /* object_acts.c */
void ask_source_list(struct ask *ask);
void ask_witness_list(struct ask *ask);
void ask_vulnerability_list(struct ask *ask); /* vulnerability_ask.c, as the next two */
void ask_vulnerability_get(struct ask *ask);
void ask_vulnerability_act(struct ask *ask);
void ask_findings_list(struct ask *ask); /* findings_ask.c, as the next six */
void ask_findings_get(struct ask *ask);
void ask_findings_begin(struct ask *ask);
void ask_findings_add(struct ask *ask);
void ask_findings_end(struct ask *ask);
void ask_findings_inform(struct ask *ask);
void ask_findings_note(struct ask *ask);
void ask_upload_check(struct ask *ask); /* upload_ask.c, as the next five */
void ask_upload_add(struct ask *ask);
void ask_upload_list(struct ask *ask);
void ask_upload_get(struct ask *ask);
void ask_upload_accept(struct ask *ask);
void ask_upload_drop(struct ask *ask);
void ask_survey_list(struct ask *ask); /* survey_ask.c, as the next two */
void ask_survey_get(struct ask *ask);
void ask_survey_save(struct ask *ask);
void ask_survey_act(struct ask *ask);  /* survey_act.c */
void ask_survey_plan(struct ask *ask); /* survey_year.c, as the next */
void ask_survey_accept(struct ask *ask);
void ask_survey_calendar(struct ask *ask); /* survey_calendar.c, as the next */
void ask_survey_faults(struct ask *ask);
void ask_document_check(struct ask *ask); /* document_ask.c, as the next seven */
void ask_document_add(struct ask *ask);
void ask_document_get(struct ask *ask);
void ask_document_judgement(struct ask *ask);
void ask_document_file(struct ask *ask);
void ask_document_judge(struct ask *ask);
void ask_document_review(struct ask *ask);
void ask_document_end(struct ask *ask);
void ask_document_list(struct ask *ask);      /* document_list.c */
void ask_document_violation(struct ask *ask); /* document_violation.c, as the next */
void ask_document_mend(struct ask *ask);
void ask_incident_list(struct ask *ask);
void ask_incident_get(struct ask *ask);
void ask_incident_act(struct ask *ask);
void ask_incident_edit(struct ask *ask);
void ask_incident_open(struct ask *ask);
void ask_incident_told(struct ask *ask);
void ask_catalogue(struct ask *ask);
void ask_report_make(struct ask *ask); /* report.c, as the next two */
void ask_report_list(struct ask *ask);
void ask_report_get(struct ask *ask);
void ask_channel_list(struct ask *ask);
void ask_channel_save(struct ask *ask);
void ask_coverage_list(struct ask *ask);
void ask_coverage_source(struct ask *ask);
void ask_coverage_object(struct ask *ask);
void ask_coverage_set(struct ask *ask);
void ask_parser_list(struct ask *ask);
void ask_parser_source(struct ask *ask);
void ask_parser_drafts(struct ask *ask);
void ask_parser_save(struct ask *ask);
void ask_parser_end(struct ask *ask);
void ask_parser_use(struct ask *ask);
void ask_parser_stop(struct ask *ask);
void ask_parser_versions(struct ask *ask);
void ask_receiver_list(struct ask *ask);
void receivers_free(struct desk *desk);
void ask_inventory_list(struct ask *ask); /* inventory_ask.c, as the next four */
void ask_inventory_show(struct ask *ask);
void ask_inventory_changes(struct ask *ask);
void ask_inventory_object(struct ask *ask);
void ask_inventory_ask(struct ask *ask);
void ask_inventory_search(struct ask *ask); /* inventory_search.c */
void ask_canary_list(struct ask *ask);
void ask_announce_list(struct ask *ask); /* announce_ask.c, as the next two */
void ask_announce_save(struct ask *ask);
void ask_announce_end(struct ask *ask);
void ask_loss_list(struct ask *ask); /* loss_ask.c, as the next */
void ask_loss_explain(struct ask *ask);
void ask_clock_list(struct ask *ask);
void ask_clock_rules(struct ask *ask);
void ask_clock_try(struct ask *ask);
void ask_loss_hours(struct ask *ask); /* source_hour.c */
void ask_mirror_list(struct ask *ask);
void ask_mirror_forget(struct ask *ask);
void ask_mirror_used(struct ask *ask);
void ask_mirror_refused(struct ask *ask);
void ask_mirror_report(struct ask *ask);
void ask_mirror_cosign(struct ask *ask);
void ask_paper_record(struct ask *ask);
void ask_retention_list(struct ask *ask);
void ask_retention_propose(struct ask *ask);
void ask_retention_approve(struct ask *ask);
void ask_retention_refuse(struct ask *ask);
void ask_rule_list(struct ask *ask);
void ask_rule_get(struct ask *ask);
void ask_rule_save(struct ask *ask);
void ask_rule_report(struct ask *ask);
void ask_rule_coverage(struct ask *ask);
void ask_filter_list(struct ask *ask);
void ask_filter_hits(struct ask *ask);
void ask_filter_draft(struct ask *ask);
void ask_filter_save(struct ask *ask);
void ask_filter_end(struct ask *ask);
void ask_rule_text(struct ask *ask); /* rule_edit.c, as the next */
void ask_rule_check(struct ask *ask);
void ask_rule_write(struct ask *ask);
void ask_rule_end(struct ask *ask);
void ask_rule_packs(struct ask *ask);
void ask_rule_activate(struct ask *ask);
void ask_rule_levels(struct ask *ask);
void ask_rule_switch(struct ask *ask);
void ask_rule_restore(struct ask *ask);
void ask_hunt_list(struct ask *ask);
void ask_hunt_get(struct ask *ask);
void ask_hunt_start(struct ask *ask);
void ask_hunt_stop(struct ask *ask);
void ask_hunt_open(struct ask *ask);
void ask_indicator_list(struct ask *ask);
void ask_own_list_check(struct ask *ask); /* own_list_ask.c, as the next eight */
void ask_own_list_add(struct ask *ask);
void ask_own_list_list(struct ask *ask);
void ask_own_list_get(struct ask *ask);
void ask_own_list_version(struct ask *ask);
void ask_own_list_take(struct ask *ask);
void ask_own_list_drop(struct ask *ask);
void ask_own_list_end(struct ask *ask);
void ask_own_list_restore(struct ask *ask);
void ask_agent_list(struct ask *ask); /* agent_ask.c, as the next six */
void ask_agent_show(struct ask *ask);
void ask_agent_token(struct ask *ask);
void ask_agent_token_end(struct ask *ask);
void ask_agent_revoke(struct ask *ask);
void ask_agent_save(struct ask *ask);
void ask_policy_list(struct ask *ask); /* agent_policy.c, as the next */
void ask_policy_get(struct ask *ask);
void ask_policy_save(struct ask *ask);
void ask_policy_roll_back(struct ask *ask);

/* --- small things --- */

/* At most n bytes, not cutting a character. */
struct str desk_cut(struct str text, size_t n);
/* No control characters, so that it may stand in a mail header or a URL. */
bool desk_one_line(struct str text);
const char *language_name(enum term_language language);
bool language_find(struct str name, enum term_language *ret_language);

#endif
