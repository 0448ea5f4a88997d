#include "desk/desk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/utf8.h"
#include "desk/agent.h"
#include "desk/annex_desk.h"
#include "desk/announce.h"
#include "desk/canary_inside.h"
#include "desk/inventory.h"
#include "desk/loss.h"
#include "desk/own_list_inside.h"
#include "desk/rulebook.h"
#include "desk/schema.h"
#include "desk/source_hour.h"
#include "desk/time_source.h"
#include "desk/upload_inside.h"

#include <string.h>

#define MEMORY_MAX   ((size_t)32 << 20)
#define SCRATCH_MAX  ((size_t)8 << 20)
#define ARGON_KIB    65536u
#define SILENT_AFTER 5 /* intervals of a mirror */
#define TIME_LOST_S  900
#define LATE_AFTER_S 900
#define ZONE_S       (5 * HOUR_S)
#define CLEAN_NS     (10 * MINUTE_S * SECOND_NS)
#define COUNTED_ROWS 1000000 /* newest records for which counted matches are remembered one by one */

static const char *const languages[] = {[TERM_KK] = "kk", [TERM_RU] = "ru", [TERM_EN] = "en"};

const char *language_name(enum term_language language)
{
    ASSERT(language < TERM_LANGUAGES);
    return languages[language];
}

bool language_find(struct str name, enum term_language *ret_language)
{
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
        if (str_is(name, languages[language])) {
            *ret_language = language;
            return true;
        }
    return false;
}

struct str desk_cut(struct str text, size_t n)
{
    if (text.n <= n)
        return text;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return str_slice(text, 0, n);
}

bool desk_one_line(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return utf8_valid(text);
}

/* --- small numbers that are remembered --- */

int64_t desk_meta_read(struct desk *desk, const char *key)
{
    struct db_query q = db_query(desk->db, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1");
    db_put_text(&q, str_of(key));
    return db_one_i64(&q, 0);
}

void desk_meta_store(struct desk *desk, const char *key, int64_t value)
{
    struct db_query q = db_query(desk->db, "INSERT INTO meta (key, value) VALUES (?1, CAST(?2 AS TEXT))"
                                           " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    db_put_text(&q, str_of(key));
    db_put_i64(&q, value);
    db_run(&q);
}

/* --- transaction --- */

enum rc desk_begin(struct desk *desk, struct err *err)
{
    arena_reset(desk->scratch);
    desk->event = NULL;
    enum rc rc = db_begin(desk->db, DB_WRITE, err);
    if (rc == RC_OK && desk->assets_stale) {
        assets_load(desk);
        desk->assets_stale = db_failed(desk->db);
    }
    if (rc == RC_OK && desk->rulebook->stale)
        rulebook_decisions(desk);
    if (rc == RC_OK)
        rule_texts_renew(desk);
    return rc;
}

/* What the next call needs to know, read before the transaction ends. */
static void measures_read(struct desk *desk)
{
    struct db_query q =
        db_query(desk->db, "SELECT min((SELECT coalesce(min(next_ns), ?1) FROM clock WHERE next_ns > 0),"
                           " (SELECT coalesce(min(due_ns), ?1) FROM outbox WHERE state < 2),"
                           " (SELECT coalesce(min(expires_ns), ?1) FROM rule_text WHERE ended_ns = 0"
                           " AND expires_ns > 0), (SELECT coalesce(min(expires_ns), ?1) FROM own_list"
                           " WHERE standing > 0 AND expires_ns > 0))");
    db_put_i64(&q, INT64_MAX);
    desk->next_ns = db_one_i64(&q, INT64_MAX);
    q = db_query(desk->db, "SELECT coalesce((SELECT max(id) FROM outgoing) - (SELECT min(id) FROM outgoing) + 1, 0)");
    desk->outgoing = db_one_i64(&q, 0);
}

enum rc desk_end(struct desk *desk, bool commit, struct err *err)
{
    int64_t next_ns = desk->next_ns, outgoing = desk->outgoing;
    measures_read(desk);
    enum rc rc = db_end(desk->db, commit, err);
    if (rc != RC_OK || !commit) {
        desk->next_ns = next_ns;
        desk->outgoing = outgoing;
    }
    desk->event = NULL;
    rule_texts_settle(desk, rc == RC_OK && commit);
    parser_uses_settle(desk, rc == RC_OK && commit);
    own_lists_settle(desk, rc == RC_OK && commit);
    agents_settle(desk, rc == RC_OK && commit);
    return rc;
}

/* --- time --- */

static bool clean_due(const struct desk *desk, int64_t now_ns)
{
    return now_ns - desk->cleaned_ns >= CLEAN_NS || now_ns < desk->cleaned_ns;
}

void desk_clean(struct desk *desk, int64_t now_ns)
{
    if (!clean_due(desk, now_ns))
        return;
    sessions_clean(desk, now_ns);
    struct db_query q = db_query(desk->db, "DELETE FROM matched WHERE incident = 0 AND record <"
                                           " (SELECT max(record) FROM matched) - ?1");
    db_put_i64(&q, COUNTED_ROWS);
    db_run(&q);
    rule_counts_clean(desk, now_ns);
    rule_texts_clean(desk);
    agents_clean(desk, now_ns);
    losses_clean(desk);
    inventory_clean(desk, now_ns);
    canaries_clean(desk, now_ns);
    time_clean(desk);
    announce_clean(desk, now_ns);
    source_hours_clean(desk, now_ns);
    uploads_clean(desk, now_ns);
    own_lists_clean(desk, now_ns);
    desk->cleaned_ns = now_ns;
}

enum rc desk_tick(struct desk *desk, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    if (!clean_due(desk, now_ns) && now_ns < desk->next_ns)
        return RC_OK;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    desk_clean(desk, now_ns);
    clocks_tick(desk, now_ns);
    rule_texts_tick(desk, now_ns);
    own_lists_tick(desk, now_ns);
    return desk_end(desk, true, err);
}

int64_t desk_next_ns(const struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->next_ns;
}

/* --- opening --- */

static enum rc words_read(struct desk *desk, struct err *err)
{
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++) {
        desk->words[language].language = language;
        for (enum clock_word word = 0; word < CLOCK_WORDS_COUNT; word++) {
            struct str key = str_of(clock_word_key(word));
            if (!desk_texts_has(&desk->texts, key))
                return err_set(err, RC_INVALID, "texts of the desk: no text for %s", key.p);
            desk->words[language].text[word] = desk_text(&desk->texts, "", key, language);
        }
    }
    return RC_OK;
}

static enum rc data_read(struct desk *desk, const struct desk_data *data, struct err *err)
{
    enum rc rc = desk_texts_new(&desk->texts, desk->arena, err);
    if (rc == RC_OK)
        rc = desk_texts_read(&desk->texts, desk->arena, data->texts, err);
    if (rc == RC_OK)
        rc = desk_texts_read(&desk->texts, desk->arena, data->rules, err);
    if (rc == RC_OK)
        rc = desk_catalogue_read(&desk->catalogue, desk->arena, data->catalogue, &desk->texts, err);
    if (rc == RC_OK && data->attack.n)
        rc = attack_read(desk, data->attack, err);
    if (rc == RC_OK && data->annex4.n)
        rc = desk_annex_read(desk, data, err);
    if (rc == RC_OK)
        rc = questionnaire_read(desk->arena, data->annex1, &desk->questionnaire, err);
    if (rc == RC_OK)
        rc = survey_kinds_read(desk->arena, data->surveys, &desk->survey_kinds, err);
    if (rc == RC_OK)
        rc = words_read(desk, err);
    if (rc == RC_OK)
        rc = clock_rules_read(desk->arena, data->clocks, &desk->rules, err);
    for (size_t i = 0; i < data->calendar_count && rc == RC_OK; i++)
        rc = calendar_add(desk->calendar, desk->arena, data->calendars[i], err);
    for (size_t i = 0; i < desk->rules.count && rc == RC_OK; i++)
        if (desk->rules.rule[i].start.n && !clock_rule_computable(&desk->rules.rule[i]))
            rc = err_set(err, RC_INVALID, "clocks: the term %.*s is started by the desk but has no length",
                         STR_ARG(desk->rules.rule[i].id));
    return rc;
}

static void instance_read(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT value FROM meta WHERE key = 'instance'");
    bool found = db_next(&q) && str_copy_z(db_text(&q), desk->instance, sizeof desk->instance);
    db_query_end(&q);
    if (found)
        return;
    uint8_t bytes[8];
    desk->random(bytes, sizeof bytes);
    desk->instance[hex_encode(bytes, sizeof bytes, desk->instance)] = '\0';
    q = db_query(desk->db, "INSERT INTO meta (key, value) VALUES ('instance', ?1)");
    db_put_text(&q, str_of(desk->instance));
    db_run(&q);
}

static enum rc database_prepare(struct desk *desk, const struct desk_options *options, int64_t now_ns,
                                struct desk_first *ret_first, struct err *err)
{
    enum rc rc = db_migrate(desk->db, desk_schema, desk_schema_count, err);
    if (rc == RC_OK)
        rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    instance_read(desk);
    object_default(desk, options->default_object);
    user_first(desk, now_ns, ret_first);
    IGNORE(password_nobody(desk).n); /* made now, so that the first unknown user does not wait for it */
    assets_load(desk);
    trail_open(desk);
    annex_load(desk);
    agents_open(desk);
    canaries_open(desk, now_ns);
    desk_clean(desk, now_ns);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        *ret_first = (struct desk_first){0};
    return rc;
}

static bool parts_new(struct desk *desk)
{
    desk->arena = arena_new(MEMORY_MAX);
    desk->scratch = arena_new(SCRATCH_MAX);
    desk->hasher = tlog_hasher_new();
    desk->calendar = desk->arena ? calendar_new(desk->arena) : NULL;
    return desk->arena && desk->scratch && desk->hasher && desk->calendar && desk_sources_new(desk) &&
           desk_vouchers_new(desk) && desk_retained_new(desk) && desk_annex_new(desk) && rulebook_new(desk) &&
           rule_texts_new(desk);
}

enum rc desk_open(struct db *db, const struct desk_options *options, int64_t now_ns, struct desk **ret_desk,
                  struct desk_first *ret_first, struct err *err)
{
    ASSERT(db && options->random);
    *ret_desk = NULL;
    *ret_first = (struct desk_first){0};
    struct desk *desk = memory_new(sizeof *desk);
    if (!desk)
        return err_set(err, RC_LIMIT, "out of memory for the desk");
    desk->magic = DESK_MAGIC;
    desk->db = db;
    desk->random = options->random;
    desk->threshold = options->threshold ? options->threshold : DESK_MEDIUM;
    if (!duty_party_find(options->party, &desk->party)) /* the parent refuses to start with it */
        desk->party = PARTY_OWNER;
    desk->zone_offset_s = options->zone_offset_s ? options->zone_offset_s : ZONE_S;
    desk->mirror_silent = options->mirror_silent ? options->mirror_silent : SILENT_AFTER;
    desk->lists_minutes = options->lists_minutes >= 0 ? options->lists_minutes : DESK_LISTS_MINUTES;
    desk->receivers.late_ns = (options->receiver_late_s ? options->receiver_late_s : LATE_AFTER_S) * SECOND_NS;
    desk->objects_version = 1;
    desk->hunts.waits = true; /* until it was looked */
    desk->uploads.waits = desk->uploads.works = true;
    desk->own_lists = (struct own_lists){.waits = true, .works = true, .version = 1};
    desk->documents = (struct documents){true, true, options->documents_bytes, ""};
    desk->term_check = options->term_check;
    desk->term_context = options->term_context;
    desk->pattern_check = options->pattern_check;
    desk->patterns_check = options->patterns_check;
    desk->patterns_context = options->patterns_context;
    desk->patterns_version = 1;
    desk->rule_read = options->rule_read;
    desk->rule_file = options->rule_file;
    desk->rule_context = options->rule_context;
    desk->argon_memory_kib = options->argon_memory_kib ? options->argon_memory_kib : ARGON_KIB;
    desk->time_lost_ns = (options->time_lost_s ? options->time_lost_s : TIME_LOST_S) * SECOND_NS;
    buf_init(&desk->body, DESK_RECORD_MAX);
    enum rc rc = parts_new(desk) && agents_new(desk, options, now_ns) && canaries_new(desk, options)
                     ? RC_OK
                     : err_set(err, RC_LIMIT, "out of memory for the desk");
    if (rc == RC_OK && options->time_servers.n) {
        desk->time_servers = arena_str(desk->arena, options->time_servers);
        rc = desk->time_servers.p ? RC_OK : err_set(err, RC_LIMIT, "out of memory for the desk");
    }
    if (rc == RC_OK)
        desk_annex_after(desk, options->coverage_days);
    if (rc == RC_OK)
        rc = data_read(desk, &options->data, err);
    if (rc == RC_OK)
        rc = database_prepare(desk, options, now_ns, ret_first, err);
    if (rc == RC_OK)
        rc = hunt_lists_recall(desk, err);
    if (rc == RC_OK && !rule_texts_known(desk))
        rc = err_set(err, RC_LIMIT, "out of memory for the texts of rules");
    if (rc != RC_OK) {
        desk_close(desk);
        return rc;
    }
    *ret_desk = desk;
    return RC_OK;
}

void desk_close(struct desk *desk)
{
    if (!desk)
        return;
    ASSERT(desk->magic == DESK_MAGIC);
    map_free(desk->texts.index);
    desk_sources_free(desk);
    desk_vouchers_free(desk);
    desk_retained_free(desk);
    desk_annex_free(desk);
    rulebook_free(desk);
    rule_texts_free(desk);
    agents_free(desk);
    canaries_free(desk);
    receivers_free(desk);
    assets_free(desk);
    tlog_hasher_free(desk->hasher);
    arena_free(desk->scratch);
    arena_free(desk->arena);
    buf_done(&desk->body);
    desk->magic = 0;
    memory_free(desk);
}
