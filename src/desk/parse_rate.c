/* parse_rate.c - how much of what sources send is understood: counts of engines come in, questions go out.
 *
 *   engines ─ desk_count_rules ─► parse_rate_store (same transaction) ─► table parse_count, PARSE_DAYS days
 *   people ── ask_parser_list, ask_parser_source ─► sums of these days
 *
 * Rows of a source are bounded by days, outcomes and what parsers there are; sources by the limit of annex_desk.h. */
#include "desk/parse_rate.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/annex_desk.h"
#include "desk/loss.h"

#include <string.h>

#define LIST_DEFAULT 100
#define LIST_MAX     500
#define PARSERS_MAX  64 /* of a source that are named */

static const char *const keys[] = {
#define X(id, key) [id] = key,
    PARSE_OUTCOMES(X)
#undef X
};

const char *parse_outcome_key(enum parse_outcome outcome)
{
    ASSERT(outcome < PARSE_OUTCOME_COUNT);
    return keys[outcome];
}

enum parse_outcome parse_outcome_find(struct str key)
{
    unsigned i = 0;
    while (i < PARSE_OUTCOME_COUNT && !str_is(key, keys[i]))
        i++;
    return (enum parse_outcome)i;
}

/* --- counts come in --- */

static int64_t bounded(uint64_t count)
{
    return (int64_t)MIN(count, UINT64_C(1) << 50);
}

static void count_store(struct desk *desk, const struct desk_parse_count *row)
{
    struct db_query q = db_query(desk->db, "INSERT INTO parse_count VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                                           " ON CONFLICT (source, day, parser, outcome) DO UPDATE SET"
                                           " records = min(records + excluded.records, 1 << 60),"
                                           " last_ns = max(last_ns, excluded.last_ns),"
                                           " last_record = max(last_record, excluded.last_record)");
    db_put_blob(&q, str_at(row->source, sizeof row->source));
    db_put_i64(&q, row->day);
    db_put_text(&q, desk_cut(row->parser, PARSE_PARSER_MAX - 1));
    db_put_text(&q, str_of(parse_outcome_key(row->outcome)));
    db_put_i64(&q, bounded(row->count.records));
    db_put_i64(&q, row->count.last_ns);
    db_put_i64(&q, (int64_t)MIN(row->count.last_record, (uint64_t)INT64_MAX));
    db_run(&q);
}

/* Days that are too old go when one comes that no row has. */
static void days_keep(struct desk *desk, int64_t day)
{
    struct db_query newest = db_query(desk->db, "SELECT max(day) FROM parse_count");
    if (day <= db_one_i64(&newest, 0))
        return;
    struct db_query q = db_query(desk->db, "DELETE FROM parse_count WHERE day <= ?1");
    db_put_i64(&q, day - PARSE_DAYS);
    db_run(&q);
}

void parse_rate_store(struct desk *desk, const struct desk_parse_count *counts, size_t n)
{
    const struct desk_annex *annex = desk->annex;
    int64_t newest = 0;
    for (size_t i = 0; i < n; i++)
        newest = MAX(newest, (int64_t)counts[i].day);
    if (n > 0)
        days_keep(desk, newest);
    for (size_t i = 0; i < n && !db_failed(desk->db); i++) {
        bool room = annex_source_of(desk, counts[i].source) || annex->count + n <= DESK_SOURCES_MAX;
        if (room && counts[i].day + (int64_t)PARSE_DAYS > newest)
            count_store(desk, &counts[i]);
    }
}

/* --- questions --- */

static int64_t first_day(const struct ask *ask)
{
    return ask->now_ns / (DAY_S * SECOND_NS) - PARSE_DAYS + 1;
}

static void name_put(struct ask *ask, const char id[16])
{
    struct source_facts facts = source_facts(ask->desk, (const uint8_t *)id);
    char hex[32];
    json_put_str(ask->out, "id", str_at(hex, hex_encode(id, 16, hex)));
    json_put_str(ask->out, "kind", facts.kind);
    json_put_str(ask->out, "name", facts.name);
    json_put_str(ask->out, "host", facts.host);
}

/* What was understood by which parser, most records first. */
static void parsers_put(struct ask *ask, const char id[16])
{
    struct db_query q = db_query(ask->desk->db, "SELECT parser, sum(records) AS n, max(last_ns) FROM parse_count"
                                                " WHERE source = ?1 AND day >= ?2 AND outcome IN ('pattern', 'fields')"
                                                " GROUP BY parser ORDER BY n DESC, parser LIMIT ?3");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, first_day(ask));
    db_put_i64(&q, PARSERS_MAX);
    json_write_key(ask->out, "parsers");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "parser", db_text(&q));
        json_put_int(ask->out, "records", db_i64(&q));
        json_put_int(ask->out, "last_ns", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* Sums by outcome, and the newest record of those that are not parsed. */
static void outcomes_put(struct ask *ask, const char id[16])
{
    int64_t records = 0, parsed = 0, last_ns = 0, missed_ns = 0, missed = 0;
    struct db_query q = db_query(ask->desk->db, "SELECT outcome, sum(records), max(last_ns), max(last_record)"
                                                " FROM parse_count WHERE source = ?1 AND day >= ?2 GROUP BY outcome");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, first_day(ask));
    json_write_key(ask->out, "outcomes");
    json_write_object(ask->out);
    while (db_next(&q)) {
        enum parse_outcome outcome = parse_outcome_find(db_text(&q));
        int64_t n = db_i64(&q);
        int64_t ns = db_i64(&q);
        int64_t record = db_i64(&q);
        if (outcome == PARSE_OUTCOME_COUNT)
            continue;
        json_put_int(ask->out, parse_outcome_key(outcome), n);
        records += n;
        last_ns = MAX(last_ns, ns);
        parsed += parse_outcome_is_parsed(outcome) ? n : 0;
        if (parse_outcome_is_parsed(outcome))
            continue;
        missed_ns = MAX(missed_ns, ns);
        missed = MAX(missed, record);
    }
    json_write_object_end(ask->out);
    json_put_int(ask->out, "records", records);
    json_put_int(ask->out, "parsed", parsed);
    json_put_int(ask->out, "last_ns", last_ns);
    json_put_int(ask->out, "unparsed_ns", missed_ns);
    json_put_int(ask->out, "unparsed_record", missed);
}

static void totals_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT count(DISTINCT source), coalesce(sum(records), 0),"
                                " coalesce(sum(CASE WHEN outcome IN ('pattern', 'fields') THEN records ELSE 0 END), 0)"
                                " FROM parse_count WHERE day >= ?1");
    db_put_i64(&q, first_day(ask));
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    if (db_next(&q)) {
        json_put_int(ask->out, "sources", db_i64(&q));
        json_put_int(ask->out, "records", db_i64(&q));
        json_put_int(ask->out, "parsed", db_i64(&q));
    }
    db_query_end(&q);
    json_write_object_end(ask->out);
}

/* Those with most records that are not parsed first. */
void ask_parser_list(struct ask *ask)
{
    int64_t limit = ask_int(ask, "limit");
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    size_t count = 0;
    char(*id)[16] = arena_alloc_array(ask->arena, (size_t)limit, sizeof *id);
    struct db_query q =
        db_query(ask->desk->db, "SELECT source, sum(CASE WHEN outcome IN ('pattern', 'fields') THEN 0 ELSE records END)"
                                " AS missed FROM parse_count WHERE day >= ?1 GROUP BY source"
                                " ORDER BY missed DESC, source LIMIT ?2 OFFSET ?3");
    db_put_i64(&q, first_day(ask));
    db_put_i64(&q, id ? limit : 0);
    db_put_i64(&q, MAX(ask_int(ask, "offset"), INT64_C(0)));
    while (db_next(&q)) {
        struct str source = db_text(&q);
        if (source.n == 16)
            memcpy(id[count++], source.p, 16);
    }
    json_put_int(ask->out, "days", PARSE_DAYS);
    json_write_key(ask->out, "sources");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        json_write_object(ask->out);
        name_put(ask, id[i]);
        outcomes_put(ask, id[i]);
        parsers_put(ask, id[i]);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    totals_put(ask);
}

static void days_put(struct ask *ask, const char id[16])
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT day, sum(records),"
                                " sum(CASE WHEN outcome IN ('pattern', 'fields') THEN records ELSE 0 END)"
                                " FROM parse_count WHERE source = ?1 AND day >= ?2 GROUP BY day ORDER BY day DESC");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, first_day(ask));
    json_write_key(ask->out, "by_day");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "day_ns", db_i64(&q) * DAY_S * SECOND_NS);
        json_put_int(ask->out, "records", db_i64(&q));
        json_put_int(ask->out, "parsed", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* "id". A source that nothing is counted of yet has zeroes. */
void ask_parser_source(struct ask *ask)
{
    char id[16];
    struct str kind, name, host;
    bool good = hex_decode(ask_str(ask, "id"), (uint8_t *)id, sizeof id);
    bool known = good && (annex_source_of(ask->desk, (uint8_t *)id) ||
                          desk_source_names(ask->desk, (uint8_t *)id, &kind, &name, &host));
    if (!known) {
        ask_refuse(ask, "not_found", "no such source has sent anything");
        return;
    }
    json_put_int(ask->out, "days", PARSE_DAYS);
    json_write_key(ask->out, "source");
    json_write_object(ask->out);
    name_put(ask, id);
    outcomes_put(ask, id);
    parsers_put(ask, id);
    days_put(ask, id);
    json_write_object_end(ask->out);
}
