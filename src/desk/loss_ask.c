/* loss_ask.c - questions about the ledger of losses: what was lost, by cause, object and day; a person's explanation.
 */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/loss.h"

#include <string.h>

#define LIST_DEFAULT 100
#define LIST_MAX     500
#define DAYS_MAX     62
#define DAY_NS       (DAY_S * SECOND_NS)

/* What all statements filter by: ?1 object, ?2 source, ?3 cause, ?4 and ?5 time, ?6 state (0 any, 1 open, 2 explained).
 */
#define FILTER                                                                                                         \
    " WHERE (?1 = 0 OR object = ?1) AND (length(?2) = 0 OR source = ?2) AND (?3 = '' OR cause = ?3)"                   \
    " AND from_ns < ?5 AND (to_ns = 0 OR to_ns >= ?4)"                                                                 \
    " AND (?6 = 0 OR (?6 = 1 AND explained_ns = 0) OR (?6 = 2 AND explained_ns > 0))"

struct filter {
    int64_t object;
    uint8_t source[16];
    size_t source_n;
    struct str cause;
    int64_t from_ns, to_ns, state;
};

static bool filter_read(struct ask *ask, struct filter *filter)
{
    struct str source = ask_str(ask, "source");
    struct str state = ask_str(ask, "state");
    *filter = (struct filter){.object = MAX(ask_int(ask, "object"), 0),
                              .cause = ask_str(ask, "cause"),
                              .from_ns = MAX(ask_int(ask, "from_ns"), 0),
                              .to_ns = ask_int(ask, "to_ns")};
    if (filter->to_ns <= 0)
        filter->to_ns = INT64_MAX;
    filter->state = str_is(state, "open") ? 1 : str_is(state, "explained") ? 2 : 0;
    if (source.n && !hex_decode(source, filter->source, sizeof filter->source))
        ask_invalid(ask, "source", "a source is 32 hexadecimal digits");
    filter->source_n = source.n ? sizeof filter->source : 0;
    if (filter->cause.n && gap_cause_find(filter->cause) == GAP_CAUSE_COUNT)
        ask_invalid(ask, "cause", "there is no such cause");
    return !ask->error;
}

static void filter_put(struct db_query *q, const struct filter *filter)
{
    db_put_i64(q, filter->object);
    db_put_blob(q, str_at(filter->source, filter->source_n));
    db_put_text(q, filter->cause);
    db_put_i64(q, filter->from_ns);
    db_put_i64(q, filter->to_ns);
    db_put_i64(q, filter->state);
}

static void row_put(struct buf *out, struct db_query *q)
{
    char id[32];
    json_write_object(out);
    json_put_int(out, "id", db_i64(q));
    struct str source = db_text(q);
    json_put_str(out, "source", str_at(id, hex_encode(source.p, MIN(source.n, (size_t)16), id)));
    json_put_str(out, "cause", db_text(q));
    json_put_str(out, "unit", db_text(q));
    json_put_str(out, "kind", db_text(q));
    json_put_str(out, "name", db_text(q));
    json_put_str(out, "host", db_text(q));
    json_put_int(out, "object_id", db_i64(q));
    json_put_str(out, "object", db_text(q));
    json_put_int(out, "count", db_i64(q));
    json_put_bool(out, "unknown", db_i64(q) > 0);
    json_put_int(out, "from_ns", db_i64(q));
    json_put_int(out, "to_ns", db_i64(q));
    json_put_int(out, "first", db_i64(q));
    json_put_int(out, "last", db_i64(q));
    json_put_str(out, "explanation", db_text(q));
    json_put_str(out, "who", db_text(q));
    json_put_int(out, "explained_ns", db_i64(q));
    json_put_int(out, "announcement", db_i64(q));
    json_put_str(out, "sender", db_text(q));
    json_write_object_end(out);
}

static void rows_put(struct ask *ask, const struct filter *filter, int64_t offset, int64_t limit)
{
    struct db_query q =
        db_query(ask->desk->db,
                 "SELECT id, source, cause, unit, kind, name, host, object,"
                 " coalesce((SELECT name FROM object WHERE object.id = loss.object), ''), count, unknown,"
                 " from_ns, to_ns, first, last, explanation, who, explained_ns, announcement, sender FROM loss" FILTER
                 " ORDER BY from_ns DESC, id DESC LIMIT ?7 OFFSET ?8");
    filter_put(&q, filter);
    db_put_i64(&q, limit);
    db_put_i64(&q, offset);
    json_write_key(ask->out, "losses");
    json_write_array(ask->out);
    while (db_next(&q))
        row_put(ask->out, &q);
    json_write_array_end(ask->out);
}

static void totals_put(struct ask *ask, const struct filter *filter)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT count(*), coalesce(sum(explained_ns = 0), 0), coalesce(sum(to_ns = 0), 0),"
                                " coalesce(total(CASE WHEN unit = 'records' THEN count END), 0),"
                                " coalesce(total(CASE WHEN unit = 'bytes' THEN count END), 0),"
                                " coalesce(total(CASE WHEN unit = 'connections' THEN count END), 0),"
                                " coalesce(sum(unknown), 0) FROM loss" FILTER);
    static const char *const names[] = {"listed", "open", "going_on", "records", "bytes", "connections", "unknown"};
    filter_put(&q, filter);
    bool found = db_next(&q);
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_put_int(ask->out, names[i], found ? db_i64(&q) : 0);
    db_query_end(&q);
    json_write_object_end(ask->out);
}

static void causes_put(struct ask *ask, const struct filter *filter)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT cause, unit, count(*), sum(explained_ns = 0), min(total(count), 1e18),"
                                " max(unknown) FROM loss" FILTER " GROUP BY cause, unit ORDER BY cause, unit");
    filter_put(&q, filter);
    json_write_key(ask->out, "causes");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "cause", db_text(&q));
        json_put_str(ask->out, "unit", db_text(&q));
        json_put_int(ask->out, "losses", db_i64(&q));
        json_put_int(ask->out, "open", db_i64(&q));
        json_put_int(ask->out, "count", db_i64(&q));
        json_put_bool(ask->out, "unknown", db_i64(&q) > 0);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void objects_put(struct ask *ask, const struct filter *filter)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT object, coalesce((SELECT name FROM object WHERE object.id = loss.object), ''),"
                                " count(*), sum(explained_ns = 0), count(DISTINCT source) FROM loss" FILTER
                                " GROUP BY object ORDER BY 4 DESC, 3 DESC LIMIT 500");
    filter_put(&q, filter);
    json_write_key(ask->out, "objects");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_str(ask->out, "name", db_text(&q));
        json_put_int(ask->out, "losses", db_i64(&q));
        json_put_int(ask->out, "open", db_i64(&q));
        json_put_int(ask->out, "sources", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* Days of the desk's zone, the newest first. */
static void days_put(struct ask *ask, const struct filter *filter)
{
    int64_t zone_ns = ask->desk->zone_offset_s * SECOND_NS;
    struct db_query q =
        db_query(ask->desk->db, "SELECT (from_ns + ?7) / 86400000000000, count(*), sum(explained_ns = 0),"
                                " count(DISTINCT source) FROM loss" FILTER " GROUP BY 1 ORDER BY 1 DESC LIMIT ?8");
    filter_put(&q, filter);
    db_put_i64(&q, zone_ns);
    db_put_i64(&q, DAYS_MAX);
    json_write_key(ask->out, "days");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "from_ns", db_i64(&q) * DAY_NS - zone_ns);
        json_put_int(ask->out, "losses", db_i64(&q));
        json_put_int(ask->out, "open", db_i64(&q));
        json_put_int(ask->out, "sources", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* How many sources have a rhythm and how many of them still learn it, which takes five days. */
static void rhythm_put(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM rhythm_source");
    int64_t sources = db_one_i64(&q, 0);
    q = db_query(ask->desk->db, "SELECT count(*) FROM rhythm_source WHERE since >"
                                " (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'rhythm_hour') - 121");
    int64_t learning = db_one_i64(&q, 0);
    json_write_key(ask->out, "rhythm");
    json_write_object(ask->out);
    json_put_int(ask->out, "sources", sources);
    json_put_int(ask->out, "learning", learning);
    json_write_object_end(ask->out);
}

void ask_loss_list(struct ask *ask)
{
    struct filter filter;
    int64_t limit = ask_int(ask, "limit");
    if (!filter_read(ask, &filter))
        return;
    json_put_bool(ask->out, "may_explain", role_rights(ask->role) & RIGHT_WORK);
    totals_put(ask, &filter);
    causes_put(ask, &filter);
    objects_put(ask, &filter);
    days_put(ask, &filter);
    rhythm_put(ask);
    rows_put(ask, &filter, MAX(ask_int(ask, "offset"), 0), limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
}

/* --- what a person says of one --- */

static void explanation_record(struct ask *ask, int64_t id, struct str explanation)
{
    char hex[32];
    struct buf *body = desk_record_begin(ask->desk, "loss.explained", ask->who, ask->now_ns);
    struct db_query q = db_query(ask->desk->db, "SELECT source, kind, name, cause, unit, count, from_ns, to_ns, first,"
                                                " last FROM loss WHERE id = ?1");
    db_put_i64(&q, id);
    json_put_int(body, "loss", id);
    if (db_next(&q)) {
        struct str source = db_text(&q);
        json_put_str(body, "id", str_at(hex, hex_encode(source.p, MIN(source.n, (size_t)16), hex)));
        json_put_str(body, "kind", db_text(&q));
        json_put_str(body, "name", db_text(&q));
        json_put_str(body, "cause", db_text(&q));
        json_put_str(body, "unit", db_text(&q));
        json_put_int(body, "count", db_i64(&q));
        json_put_int(body, "from_ns", db_i64(&q));
        json_put_int(body, "to_ns", db_i64(&q));
        json_put_int(body, "first", db_i64(&q));
        json_put_int(body, "last", db_i64(&q));
    }
    db_query_end(&q);
    IGNORE(desk_record_end(ask->desk, 0, explanation) > 0);
}

void ask_loss_explain(struct ask *ask)
{
    struct str explanation = str_trim(ask_str(ask, "explanation"));
    int64_t id = ask_int(ask, "id");
    if (explanation.n < LOSS_EXPLAIN_MIN || explanation.n > DESK_TEXT_MAX) {
        bool shorter = explanation.n < LOSS_EXPLAIN_MIN;
        ask_invalid(ask, "explanation",
                    shorter ? "an explanation has three characters at least" : "the explanation is too long");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT to_ns, explained_ns FROM loss WHERE id = ?1");
    db_put_i64(&q, id);
    bool found = db_next(&q);
    bool goes_on = found && db_i64(&q) == 0;
    bool explained = found && db_i64(&q) > 0;
    db_query_end(&q);
    if (!found)
        ask_refuse(ask, "not_found", "there is no such loss");
    else if (goes_on || explained)
        ask_refuse(ask, "state_refuses", goes_on ? "it still goes on" : "it is explained already");
    if (ask->error)
        return;
    q = db_query(ask->desk->db, "UPDATE loss SET explanation = ?2, who = ?3, explained_ns = ?4 WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_text(&q, explanation);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    explanation_record(ask, id, explanation);
}
