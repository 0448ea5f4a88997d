#include "desk/loss.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/announce.h"
#include "desk/rhythm_desk.h"

#include <string.h>

#define MINUTE_NS (MINUTE_S * SECOND_NS)
#define CALM_NS   (15 * MINUTE_NS) /* without another step a clock is right again */
#define WATCH_NS  (10 * SECOND_NS)
#define AT_ONCE   64 /* silences and troubles that end in one transaction */

static int64_t bounded(uint64_t count)
{
    return (int64_t)MIN(count, (uint64_t)INT64_MAX / 4);
}

static bool is_own(const uint8_t id[16])
{
    static const uint8_t own[16];
    return memcmp(id, own, sizeof own) == 0;
}

struct source_facts source_facts(struct desk *desk, const uint8_t id[16])
{
    struct source_facts facts = {STR("internal"), STR("qorgan"), STR(""), 0};
    struct str kind, name, host;
    if (is_own(id)) {
        facts.object = assets_object(desk, STR(""), STR(""));
        return facts;
    }
    facts.kind = facts.name = STR("");
    struct db_query q = db_query(desk->db, "SELECT kind, name, host FROM annex_source WHERE source = ?1");
    db_put_blob(&q, str_at(id, 16));
    if (db_next(&q)) {
        facts.kind = db_text_copy(&q, desk->scratch);
        facts.name = db_text_copy(&q, desk->scratch);
        facts.host = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    if (desk_source_names(desk, id, &kind, &name, &host)) {
        facts.kind = kind.n ? kind : facts.kind;
        facts.name = name.n ? name : facts.name;
        facts.host = host.n ? host : facts.host;
    }
    facts.object = assets_object(desk, facts.host, facts.name);
    return facts;
}

/* --- rows --- */

struct row {
    const uint8_t *source;
    enum gap_cause cause;
    enum gap_unit unit;
    bool unknown;
    int64_t count, from_ns, to_ns, first, last;
    const char *sender; /* "" of most */
};

static void row_store(struct desk *desk, const struct row *row)
{
    struct source_facts facts = source_facts(desk, row->source);
    int64_t announced = announce_find(desk, row->source, row->from_ns, MAX(row->from_ns, row->to_ns));
    struct db_query q = db_query(
        desk->db, "INSERT INTO loss (source, cause, unit, minute, kind, name, host, object, count, unknown, from_ns,"
                  " to_ns, first, last, explanation, who, explained_ns, sender,"
                  " announcement) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                  " ?10, ?11, ?12, ?13, ?14, '', '', 0, ?15, ?16) ON CONFLICT (source, cause, unit, minute, sender)"
                  " WHERE explained_ns = 0 DO UPDATE SET count = min(count + excluded.count, 1 << 60),"
                  " unknown = max(unknown, excluded.unknown), from_ns = min(from_ns, excluded.from_ns),"
                  " to_ns = max(to_ns, excluded.to_ns), last = max(last, excluded.last),"
                  " announcement = max(announcement, excluded.announcement)");
    db_put_blob(&q, str_at(row->source, 16));
    db_put_text(&q, str_of(gap_cause_key(row->cause)));
    db_put_text(&q, str_of(gap_unit_key(row->unit)));
    db_put_i64(&q, MAX(row->to_ns, row->from_ns) / MINUTE_NS);
    db_put_text(&q, facts.kind);
    db_put_text(&q, facts.name);
    db_put_text(&q, facts.host);
    db_put_i64(&q, facts.object);
    db_put_i64(&q, row->count);
    db_put_i64(&q, row->unknown);
    db_put_i64(&q, row->from_ns);
    db_put_i64(&q, row->to_ns);
    db_put_i64(&q, row->first);
    db_put_i64(&q, row->last);
    db_put_text(&q, str_of(row->sender));
    db_put_i64(&q, announced);
    db_run(&q);
}

/* A hole that nobody told of has no record of its own yet. */
static void hole_record(struct desk *desk, const struct desk_loss *loss, int64_t now_ns)
{
    char id[32];
    struct source_facts facts = source_facts(desk, loss->source);
    struct buf *body = desk_record_begin(desk, "loss.found", STR("qorgan"), now_ns);
    json_put_str(body, "id", str_at(id, hex_encode(loss->source, 16, id)));
    json_put_str(body, "kind", facts.kind);
    json_put_str(body, "name", facts.name);
    json_put_str(body, "host", facts.host);
    json_put_text(body, "cause", gap_cause_key(loss->cause));
    json_put_text(body, "unit", gap_unit_key(loss->unit));
    json_put_u64(body, "count", loss->count);
    json_put_u64(body, "record", loss->first);
    IGNORE(desk_record_end(desk, 0, STR_NONE) > 0);
}

static void clock_trouble(struct desk *desk, const struct desk_loss *loss, int64_t now_ns)
{
    char storage[128], time[CIVIL_TEXT_MAX];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    civil_format(loss->to_ns, 0, 0, time);
    buf_format(&text, "%s at %s, record %llu",
               loss->cause == GAP_TIME_BACK ? "its time went back" : "its time is ahead of the archive's", time,
               (unsigned long long)loss->last);
    source_trouble(desk, &(struct source_trouble){loss->source, SOURCE_TIME, "source.time", buf_view(&text), now_ns});
}

void losses_store(struct desk *desk, const struct desk_loss *losses, size_t n, int64_t now_ns)
{
    for (size_t i = 0; i < n && !db_failed(desk->db); i++) {
        const struct desk_loss *loss = &losses[i];
        row_store(desk,
                  &(struct row){loss->source, loss->cause, loss->unit, loss->unknown, bounded(loss->count),
                                loss->from_ns, loss->to_ns, bounded(loss->first), bounded(loss->last), loss->sender});
        if (loss->cause == GAP_SEQUENCE)
            hole_record(desk, loss, now_ns);
        if ((loss->cause == GAP_TIME_BACK || loss->cause == GAP_TIME_AHEAD) && !is_own(loss->source))
            clock_trouble(desk, loss, now_ns);
    }
}

/* One that goes on is not begun twice, though a new process does not remember it. */
void loss_silence(struct desk *desk, const uint8_t id[16], int64_t last_ns)
{
    struct db_query q =
        db_query(desk->db, "SELECT count(*) FROM loss WHERE source = ?1 AND to_ns = 0 AND cause = 'silent'");
    db_put_blob(&q, str_at(id, 16));
    if (db_one_i64(&q, 0) == 0 && rhythm_expects(desk, id, last_ns))
        row_store(desk, &(struct row){id, GAP_SILENT, GAP_RECORDS, true, 0, last_ns, 0, -1, -1, ""});
}

void losses_clean(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "DELETE FROM loss WHERE id <= (SELECT max(id) FROM loss) - ?1");
    db_put_i64(&q, LOSS_ROWS_MAX);
    db_run(&q);
}

/* --- troubles --- */

static struct buf *trouble_record(struct desk *desk, const char *event, const uint8_t id[16],
                                  const struct source_facts *facts, int64_t now_ns)
{
    char hex[32];
    struct buf *body = desk_record_begin(desk, event, STR("qorgan"), now_ns);
    json_put_str(body, "id", str_at(hex, hex_encode(id, 16, hex)));
    json_put_str(body, "kind", facts->kind);
    json_put_str(body, "name", facts->name);
    json_put_str(body, "host", facts->host);
    return body;
}

void source_trouble(struct desk *desk, const struct source_trouble *trouble)
{
    struct db_query q = db_query(desk->db, "UPDATE source_trouble SET last_ns = ?3 WHERE source = ?1 AND trouble = ?2");
    db_put_blob(&q, str_at(trouble->id, 16));
    db_put_i64(&q, trouble->trouble);
    db_put_i64(&q, trouble->now_ns);
    if (db_run(&q) > 0 || db_failed(desk->db))
        return;
    q = db_query(desk->db, "INSERT INTO source_trouble (source, trouble, since_ns, last_ns) VALUES (?1, ?2, ?3, ?3)");
    db_put_blob(&q, str_at(trouble->id, 16));
    db_put_i64(&q, trouble->trouble);
    db_put_i64(&q, trouble->now_ns);
    db_run(&q);
    struct source_facts facts = source_facts(desk, trouble->id);
    struct own_alarm alarm = {.trouble = trouble->trouble,
                              .object = facts.object,
                              .host = facts.host.n ? facts.host : facts.name,
                              .address = STR(""),
                              .text = trouble->text};
    bool of_rhythm = trouble->trouble == SOURCE_LOW || trouble->trouble == SOURCE_BURST;
    int64_t announced =
        of_rhythm ? announce_find(desk, trouble->id, trouble->now_ns - HOUR_S * SECOND_NS, trouble->now_ns) : 0;
    json_put_int(trouble_record(desk, trouble->event, trouble->id, &facts, trouble->now_ns), "announcement", announced);
    int64_t outgoing = desk_record_end(desk, 0, trouble->text);
    if (!announced) /* else somebody said that it would be so */
        own_alarm_put(desk, &alarm, outgoing, trouble->now_ns);
}

void source_calm(struct desk *desk, const uint8_t id[16], enum own_trouble trouble, int64_t now_ns)
{
    static const char *const words[] = {[SOURCE_TIME] = "time", [SOURCE_LOW] = "low", [SOURCE_BURST] = "burst"};
    /* an hour before the one in which it began says nothing of its end */
    struct db_query q = db_query(desk->db, "DELETE FROM source_trouble WHERE source = ?1 AND trouble = ?2"
                                           " AND since_ns <= ?3");
    ASSERT(trouble >= SOURCE_TIME && trouble <= SOURCE_BURST);
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, trouble);
    db_put_i64(&q, now_ns);
    if (db_run(&q) <= 0)
        return;
    struct source_facts facts = source_facts(desk, id);
    json_put_text(trouble_record(desk, "source.calm", id, &facts, now_ns), "trouble", words[trouble]);
    IGNORE(desk_record_end(desk, 0, STR_NONE) > 0);
}

/* --- what ends --- */

static size_t ids_read(struct db_query *q, uint8_t (*ids)[16], size_t most)
{
    size_t n = 0;
    while (db_next(q)) {
        struct str id = db_text(q);
        if (id.n == 16 && n < most)
            memcpy(ids[n++], id.p, 16);
    }
    return n;
}

static void silences_end(struct desk *desk)
{
    uint8_t ids[AT_ONCE * 8][16];
    /* by chance, so that many that go on do not stand before those that end */
    struct db_query q = db_query(desk->db, "SELECT source FROM loss WHERE to_ns = 0 ORDER BY random() LIMIT 512");
    size_t n = ids_read(&q, ids, ARRAY_LEN(ids));
    for (size_t i = 0; i < n; i++) {
        int64_t last_ns = desk_source_last_ns(desk, ids[i]);
        q = db_query(desk->db, "UPDATE loss SET to_ns = ?2 WHERE source = ?1 AND to_ns = 0 AND from_ns < ?2");
        db_put_blob(&q, str_at(ids[i], 16));
        db_put_i64(&q, last_ns);
        if (last_ns > 0)
            db_run(&q);
    }
}

static void clocks_calm(struct desk *desk, int64_t now_ns)
{
    uint8_t ids[AT_ONCE][16];
    struct db_query q =
        db_query(desk->db, "SELECT source FROM source_trouble WHERE trouble = ?1 AND last_ns < ?2 LIMIT 64");
    db_put_i64(&q, SOURCE_TIME);
    db_put_i64(&q, now_ns - CALM_NS);
    size_t n = ids_read(&q, ids, ARRAY_LEN(ids));
    for (size_t i = 0; i < n; i++)
        source_calm(desk, ids[i], SOURCE_TIME, now_ns);
}

enum rc desk_watch_losses(struct desk *desk, int64_t now_ns, int64_t read_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    if (now_ns - desk->losses_ns < WATCH_NS && now_ns >= desk->losses_ns)
        return RC_OK;
    desk->losses_ns = now_ns;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    silences_end(desk);
    clocks_calm(desk, now_ns);
    if (rhythm_watch(desk, now_ns, read_ns))
        desk->losses_ns = 0; /* more waits: at the next call */
    announce_watch(desk, now_ns);
    return desk_end(desk, true, err);
}
