#include "desk/announce.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/loss.h"
#include "desk/parse_rate.h"

#include <string.h>

#define DAY_NS  (DAY_S * SECOND_NS)
#define HOUR_NS (HOUR_S * SECOND_NS)
#define STAYS   DAY_NS /* a rhythm that is other for so long is another rhythm */
#define AT_ONCE 64
#define KEPT_NS (400 * DAY_NS)

int64_t announce_find(struct desk *desk, const uint8_t source[16], int64_t from_ns, int64_t to_ns)
{
    struct db_query q = db_query(desk->db, "SELECT id FROM announcement WHERE source = ?1 AND ended_ns = 0"
                                           " AND from_ns <= ?3 AND to_ns >= ?2 ORDER BY from_ns DESC LIMIT 1");
    db_put_blob(&q, str_at(source, 16));
    db_put_i64(&q, from_ns);
    db_put_i64(&q, to_ns);
    return db_one_i64(&q, 0);
}

/* ---- changes that stay ---- */

struct change {
    uint8_t source[16];
    const char *kind; /* "rhythm", "format" */
    int64_t from_ns, to_ns;
    int64_t was, is; /* of a format: thousandths that are parsed */
};

static bool change_known(struct desk *desk, const struct change *change)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM logging_change WHERE source = ?1 AND kind = ?2"
                                           " AND from_ns > ?3 - 7 * 86400000000000");
    db_put_blob(&q, str_at(change->source, 16));
    db_put_text(&q, str_of(change->kind));
    db_put_i64(&q, change->from_ns);
    return db_one_i64(&q, 0) > 0;
}

static void change_store(struct desk *desk, const struct change *change, int64_t now_ns)
{
    char id[32], storage[96];
    struct buf text;
    int64_t announced = announce_find(desk, change->source, change->from_ns, change->to_ns);
    struct source_facts facts = source_facts(desk, change->source);
    struct db_query q =
        db_query(desk->db, "INSERT INTO logging_change (source, kind, from_ns, found_ns, name, was, now,"
                           " announcement) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    db_put_blob(&q, str_at(change->source, 16));
    db_put_text(&q, str_of(change->kind));
    db_put_i64(&q, change->from_ns);
    db_put_i64(&q, now_ns);
    db_put_text(&q, facts.name);
    db_put_i64(&q, change->was);
    db_put_i64(&q, change->is);
    db_put_i64(&q, announced);
    db_run(&q);
    buf_init_fixed(&text, storage, sizeof storage);
    buf_text(&text, announced ? "announced" : "not announced");
    struct buf *body = desk_record_begin(desk, "logging.changed", STR("qorgan"), now_ns);
    json_put_str(body, "id", str_at(id, hex_encode(change->source, 16, id)));
    json_put_str(body, "name", facts.name);
    json_put_text(body, "change", change->kind);
    json_put_int(body, "from_ns", change->from_ns);
    json_put_int(body, "announcement", announced);
    if (change->was || change->is) {
        json_put_int(body, "parsed_permille_before", change->was);
        json_put_int(body, "parsed_permille", change->is);
    }
    IGNORE(desk_record_end(desk, 0, buf_view(&text)) == 0); /* its number is not asked for */
}

static size_t rhythms_find(struct desk *desk, int64_t now_ns, struct change ret[AT_ONCE])
{
    size_t n = 0;
    struct db_query q = db_query(desk->db, "SELECT t.source, t.since_ns FROM source_trouble t WHERE t.trouble IN"
                                           " (?1, ?2) AND t.since_ns <= ?3 AND t.last_ns >= t.since_ns + ?4"
                                           " AND NOT EXISTS (SELECT 1 FROM logging_change c WHERE c.source = t.source"
                                           " AND c.kind = 'rhythm' AND c.from_ns >= t.since_ns - ?5) LIMIT 64");
    db_put_i64(&q, SOURCE_LOW);
    db_put_i64(&q, SOURCE_BURST);
    db_put_i64(&q, now_ns - STAYS);
    db_put_i64(&q, STAYS - 2 * HOUR_NS); /* it is told an hour at a time */
    db_put_i64(&q, HOUR_NS);
    while (db_next(&q)) {
        struct str source = db_text(&q);
        if (source.n != 16 || n == AT_ONCE)
            continue;
        memcpy(ret[n].source, source.p, 16);
        ret[n].kind = "rhythm";
        ret[n].from_ns = db_i64(&q) - HOUR_NS; /* the hour began then */
        ret[n].to_ns = now_ns;
        ret[n].was = ret[n].is = 0;
        n++;
    }
    return n;
}

static size_t formats_find(struct desk *desk, int64_t day, struct change ret[AT_ONCE])
{
    size_t n = 0;
    struct db_query q = db_query(
        desk->db, "SELECT source, was_parsed * 1000 / was, parsed * 1000 / now FROM (SELECT source,"
                  " sum(CASE day WHEN ?1 THEN records ELSE 0 END) AS now,"
                  " sum(CASE WHEN day = ?1 AND outcome IN (?2, ?3) THEN records ELSE 0 END) AS parsed,"
                  " sum(CASE day WHEN ?1 THEN 0 ELSE records END) AS was,"
                  " sum(CASE WHEN day < ?1 AND outcome IN (?2, ?3) THEN records ELSE 0 END) AS was_parsed"
                  " FROM parse_count WHERE day BETWEEN ?1 - 7 AND ?1 GROUP BY source) WHERE now >= ?4 AND was >= ?4"
                  " AND was_parsed * 1000 / was - parsed * 1000 / now >= ?5 LIMIT 64");
    db_put_i64(&q, day);
    db_put_text(&q, str_of(parse_outcome_key(PARSE_PATTERN)));
    db_put_text(&q, str_of(parse_outcome_key(PARSE_FIELDS)));
    db_put_i64(&q, ANNOUNCE_LEAST);
    db_put_i64(&q, ANNOUNCE_FALL);
    while (db_next(&q)) {
        struct str source = db_text(&q);
        if (source.n != 16 || n == AT_ONCE)
            continue;
        memcpy(ret[n].source, source.p, 16);
        ret[n].kind = "format";
        ret[n].from_ns = day * DAY_NS;
        ret[n].to_ns = (day + 1) * DAY_NS - 1;
        ret[n].was = db_i64(&q);
        ret[n].is = db_i64(&q);
        n++;
    }
    return n;
}

static void changes_store(struct desk *desk, const struct change *changes, size_t n, int64_t now_ns)
{
    for (size_t i = 0; i < n && !db_failed(desk->db); i++)
        if (!change_known(desk, &changes[i]))
            change_store(desk, &changes[i], now_ns);
}

/* A day is judged an hour after its end, when engines have told what they counted. */
void announce_watch(struct desk *desk, int64_t now_ns)
{
    struct change changes[AT_ONCE];
    int64_t day = (now_ns - HOUR_NS) / DAY_NS - 1, hour = now_ns / HOUR_NS;
    if (desk->changes_hour == hour)
        return;
    desk->changes_hour = hour;
    changes_store(desk, changes, rhythms_find(desk, now_ns, changes), now_ns);
    changes_store(desk, changes, formats_find(desk, day, changes), now_ns);
}

void announce_clean(struct desk *desk, int64_t now_ns)
{
    db_run_i64(desk->db, "DELETE FROM logging_change WHERE found_ns < ?1", now_ns - KEPT_NS);
    db_run_i64(desk->db, "DELETE FROM announcement WHERE id <= (SELECT max(id) FROM announcement) - ?1", ANNOUNCE_MAX);
}
