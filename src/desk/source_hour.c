#include "desk/source_hour.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/loss.h"
#include "desk/parse_rate.h"

#include <string.h>

#define HOUR_NS      (HOUR_S * SECOND_NS)
#define COUNT_MAX    (UINT64_C(1) << 50)
#define LIST_DEFAULT 100
#define LIST_MAX     500
#define HOURS_MOST   (7 * 24) /* of all sources in one answer */
#define LOSSES_SHOWN 2000     /* rows of losses that one answer names */

/* ---- counts come in ---- */

static int64_t bounded(uint64_t count)
{
    return (int64_t)MIN(count, COUNT_MAX);
}

static void hour_store(struct desk *desk, const struct desk_parse_count *row, int64_t hour)
{
    const struct parse_count *count = &row->count;
    struct db_query q = db_query(desk->db, "INSERT INTO source_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                                           " ON CONFLICT (source, hour) DO UPDATE SET"
                                           " received = min(received + excluded.received, 1 << 60),"
                                           " parsed = min(parsed + excluded.parsed, 1 << 60),"
                                           " durable = min(durable + excluded.durable, 1 << 60),"
                                           " wait_us = min(wait_us + excluded.wait_us, 1 << 60),"
                                           " wait_max_us = max(wait_max_us, excluded.wait_max_us)");
    db_put_blob(&q, str_at(row->source, sizeof row->source));
    db_put_i64(&q, hour);
    db_put_i64(&q, bounded(count->records));
    db_put_i64(&q, parse_outcome_is_parsed(row->outcome) ? bounded(count->records) : 0);
    db_put_i64(&q, bounded(count->durable));
    db_put_i64(&q, bounded(count->wait_us));
    db_put_i64(&q, bounded(count->wait_max_us));
    db_run(&q);
}

/* What is read anew of long ago has its hours already, or they are gone. */
void source_hours_store(struct desk *desk, const struct desk_parse_count *counts, size_t n, int64_t now_ns)
{
    for (size_t i = 0; i < n && !db_failed(desk->db); i++) {
        int64_t hour = MIN(counts[i].count.last_ns, now_ns) / HOUR_NS;
        if (hour > now_ns / HOUR_NS - SOURCE_HOURS_KEPT)
            hour_store(desk, &counts[i], hour);
    }
}

void source_hours_clean(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "SELECT count(*), coalesce(min(hour), 0) FROM source_hour");
    int64_t rows = 0, oldest = 0;
    if (db_next(&q)) {
        rows = db_i64(&q);
        oldest = db_i64(&q);
    }
    db_query_end(&q);
    int64_t first = MAX(now_ns / HOUR_NS - SOURCE_HOURS_KEPT, rows > SOURCE_HOURS_MAX ? oldest + 24 : 0);
    db_run_i64(desk->db, "DELETE FROM source_hour WHERE hour < ?1", first);
}

/* ---- what is shown ---- */

struct range {
    uint8_t source[16];
    size_t source_n;  /* 0: of all */
    int64_t from, to; /* hours, both in it */
};

static bool range_read(struct ask *ask, struct range *range)
{
    struct str source = ask_str(ask, "source");
    int64_t from_ns = ask_int(ask, "from_ns"), to_ns = ask_int(ask, "to_ns");
    *range = (struct range){.source_n = source.n ? 16 : 0};
    if (source.n && !hex_decode(source, range->source, sizeof range->source))
        ask_invalid(ask, "source", "a source is 32 hexadecimal digits");
    range->to = (to_ns > 0 ? MIN(to_ns - 1, ask->now_ns) : ask->now_ns) / HOUR_NS;
    range->from = from_ns > 0 ? from_ns / HOUR_NS : range->to - 23;
    if (!range->source_n)
        range->from = MAX(range->from, range->to - HOURS_MOST + 1);
    return !ask->error;
}

static void range_put(struct db_query *q, const struct range *range)
{
    db_put_blob(q, str_at(range->source, range->source_n));
    db_put_i64(q, range->from);
    db_put_i64(q, range->to);
}

/* One hour of one source: received, or lost, or both. */
#define HOURS                                                                                                          \
    " FROM (SELECT source, hour FROM source_hour WHERE (length(?1) = 0 OR source = ?1) AND hour BETWEEN ?2 AND ?3"     \
    " UNION SELECT source, from_ns / 3600000000000 FROM loss WHERE (length(?1) = 0 OR source = ?1)"                    \
    " AND from_ns >= ?2 * 3600000000000 AND from_ns < (?3 + 1) * 3600000000000) k"

struct hour_row {
    uint8_t source[16];
    int64_t hour;
    int64_t numbers[5]; /* received, parsed, durable, wait_us, wait_max_us */
};

static size_t rows_read(struct ask *ask, const struct range *range, struct hour_row *rows, int64_t limit)
{
    size_t n = 0;
    struct db_query q =
        db_query(ask->desk->db,
                 "SELECT k.source, k.hour, coalesce(h.received, 0), coalesce(h.parsed, 0), coalesce(h.durable, 0),"
                 " coalesce(h.wait_us, 0), coalesce(h.wait_max_us, 0)" HOURS " LEFT JOIN source_hour h ON"
                 " h.source = k.source AND h.hour = k.hour ORDER BY k.hour DESC, h.received DESC, k.source"
                 " LIMIT ?4 OFFSET ?5");
    range_put(&q, range);
    db_put_i64(&q, limit);
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    while (db_next(&q)) {
        struct str source = db_text(&q);
        if (source.n != 16 || n == (size_t)limit)
            continue;
        memcpy(rows[n].source, source.p, 16);
        rows[n].hour = db_i64(&q);
        for (size_t i = 0; i < ARRAY_LEN(rows[n].numbers); i++)
            rows[n].numbers[i] = db_i64(&q);
        n++;
    }
    return n;
}

static void losses_put(struct ask *ask, const struct hour_row *row, size_t *left)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT cause, unit, sum(count), max(unknown) FROM loss WHERE source = ?1"
                                " AND from_ns >= ?2 AND from_ns < ?3 GROUP BY cause, unit ORDER BY cause, unit");
    db_put_blob(&q, str_at(row->source, 16));
    db_put_i64(&q, row->hour * HOUR_NS);
    db_put_i64(&q, (row->hour + 1) * HOUR_NS);
    json_write_key(ask->out, "lost");
    json_write_array(ask->out);
    while (db_next(&q)) {
        if (*left == 0)
            continue;
        --*left;
        json_write_object(ask->out);
        json_put_str(ask->out, "cause", db_text(&q));
        json_put_str(ask->out, "unit", db_text(&q));
        json_put_int(ask->out, "count", db_i64(&q));
        json_put_bool(ask->out, "unknown", db_i64(&q) > 0);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void row_put(struct ask *ask, const struct hour_row *row, size_t *left)
{
    struct source_facts facts = source_facts(ask->desk, row->source);
    struct buf *out = ask->out;
    char id[32];
    json_write_object(out);
    json_put_int(out, "from_ns", row->hour * HOUR_NS);
    json_put_str(out, "source", str_at(id, hex_encode(row->source, 16, id)));
    json_put_str(out, "kind", facts.kind);
    json_put_str(out, "name", facts.name);
    json_put_str(out, "host", facts.host);
    json_put_int(out, "received", row->numbers[0]);
    json_put_int(out, "parsed", row->numbers[1]);
    json_put_int(out, "acknowledged", row->numbers[2]);
    json_put_int(out, "wait_us", row->numbers[2] > 0 ? row->numbers[3] / row->numbers[2] : 0);
    json_put_int(out, "wait_max_us", row->numbers[4]);
    losses_put(ask, row, left);
    json_write_object_end(out);
}

void ask_loss_hours(struct ask *ask)
{
    struct range range;
    size_t left = LOSSES_SHOWN;
    int64_t limit = ask_int(ask, "limit");
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    if (!range_read(ask, &range))
        return;
    struct hour_row *rows = arena_alloc_array(ask->desk->scratch, (size_t)limit, sizeof *rows);
    if (!rows) {
        db_fail(ask->desk->db, RC_LIMIT, "no memory for the hours of sources");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT count(*)" HOURS);
    range_put(&q, &range);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_int(ask->out, "from_ns", range.from * HOUR_NS);
    json_put_int(ask->out, "to_ns", (range.to + 1) * HOUR_NS);
    size_t n = rows_read(ask, &range, rows, limit);
    json_write_key(ask->out, "hours");
    json_write_array(ask->out);
    for (size_t i = 0; i < n; i++)
        row_put(ask, &rows[i], &left);
    json_write_array_end(ask->out);
}
