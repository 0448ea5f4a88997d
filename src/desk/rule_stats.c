/* rule_stats.c - what engines count of rules and see of events, and which rules can hold on none of it.
 *
 * Sums stand in the database with the record up to which they are in, in one transaction: what an engine that began
 * anew tells again is not added again. Hits are kept by hour for a day and by day for DESK_RULE_DAYS, by the server's
 * clock: an event's own time may be anything. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/annex_desk.h"
#include "desk/loss.h"
#include "desk/rhythm_desk.h"
#include "desk/rulebook.h"
#include "desk/source_hour.h"

#define COUNT_MAX  ((uint64_t)1 << 50) /* the most that one message adds to a sum */
#define HOURS_KEPT 25
#define HOUR_NS    (HOUR_S * SECOND_NS)
#define DAY_NS     (DAY_S * SECOND_NS)

static const char *const reach_names[] = {
    [REACH_HOLDS] = "",
    [REACH_SOURCE] = "source",
    [REACH_FIELDS] = "fields",
    [REACH_RULES] = "rules",
};

const char *rule_reach_name(enum rule_reach reach)
{
    ASSERT(reach < ARRAY_LEN(reach_names));
    return reach_names[reach];
}

/* --- what was seen --- */

/* Field names are compared without case. */
static struct str lowered(struct str name, char storage[DESK_FIELD_MAX])
{
    size_t n = MIN(name.n, (size_t)DESK_FIELD_MAX);
    for (size_t i = 0; i < n; i++)
        storage[i] = char_lower(name.p[i]);
    return str_at(storage, n);
}

bool rule_field_known(const struct rulebook *book, struct str field)
{
    char storage[DESK_FIELD_MAX];
    return map_get(book->fields, lowered(field, storage));
}

static bool field_seen(void *context, struct str field)
{
    return rule_field_known(context, field);
}

static void field_remember(struct rulebook *book, struct str field)
{
    char storage[DESK_FIELD_MAX];
    struct str name = lowered(field, storage);
    if (name.n == 0 || map_get(book->fields, name))
        return;
    book->seen += map_put(book->fields, name) != NULL;
}

static struct seen_source *source_find(const struct rulebook *book, const struct desk_log_source *like)
{
    for (size_t i = 0; i < book->source_count; i++) {
        struct seen_source *source = &book->source[i];
        if (str_eq(source->product, desk_cut(like->product, DESK_FIELD_MAX)) &&
            str_eq(source->category, desk_cut(like->category, DESK_FIELD_MAX)) &&
            str_eq(source->service, desk_cut(like->service, DESK_FIELD_MAX)))
            return source;
    }
    return NULL;
}

static void source_remember(struct rulebook *book, const struct desk_log_source *told)
{
    struct seen_source *source = source_find(book, told);
    if (!source && book->source_count < DESK_LOG_SOURCES_MAX) {
        source = &book->source[book->source_count++];
        *source = (struct seen_source){
            .product = arena_str(book->seen_arena, desk_cut(told->product, DESK_FIELD_MAX)),
            .category = arena_str(book->seen_arena, desk_cut(told->category, DESK_FIELD_MAX)),
            .service = arena_str(book->seen_arena, desk_cut(told->service, DESK_FIELD_MAX)),
        };
        book->seen++;
    }
    if (!source) {
        book->source_lost += (int64_t)MIN(told->events, COUNT_MAX);
        return;
    }
    source->events += (int64_t)MIN(told->events, COUNT_MAX);
    source->covered += (int64_t)MIN(told->covered, COUNT_MAX);
}

void rulebook_counts(struct desk *desk, struct rulebook *book)
{
    struct db_query q = db_query(desk->db, "SELECT r.rule_id, s.hits, s.runs, s.ns, s.last_ns, s.lost_groups,"
                                           " s.lost_matches, s.late, s.ungrouped FROM rule_stat s"
                                           " JOIN rule r ON r.id = s.rule");
    while (db_next(&q)) {
        struct rule_entry *entry = rule_entry_of(book, db_text(&q));
        if (!entry)
            continue;
        entry->hits = db_i64(&q);
        entry->runs = db_i64(&q);
        entry->ns = db_i64(&q);
        entry->last_ns = db_i64(&q);
        entry->lost_groups = db_i64(&q);
        entry->lost_matches = db_i64(&q);
        entry->late = db_i64(&q);
        entry->ungrouped = db_i64(&q);
    }
    if (book->seen) /* the rest was read before, and grew since */
        return;
    q = db_query(desk->db, "SELECT name FROM field_seen");
    while (db_next(&q))
        field_remember(book, db_text(&q));
    q = db_query(desk->db, "SELECT product, category, service, events, covered FROM log_source");
    while (db_next(&q)) {
        struct desk_log_source source = {.product = db_text_copy(&q, desk->scratch),
                                         .category = db_text_copy(&q, desk->scratch),
                                         .service = db_text_copy(&q, desk->scratch)};
        source.events = (uint64_t)db_i64(&q);
        source.covered = (uint64_t)db_i64(&q);
        source_remember(book, &source);
    }
    q = db_query(desk->db, "SELECT coalesce(sum(events), 0), coalesce(min(first_ns), 0) FROM engine_count");
    while (db_next(&q)) {
        book->events = db_i64(&q);
        book->first_ns = db_i64(&q);
    }
}

/* --- adding --- */

static int64_t bounded(uint64_t count)
{
    return (int64_t)MIN(count, COUNT_MAX);
}

static void fields_store(struct desk *desk, const struct desk_rule_counts *counts)
{
    const struct rulebook *book = desk->rulebook;
    size_t room = DESK_FIELDS_SEEN_MAX - map_count(book->fields);
    for (size_t i = 0; i < counts->field_count && room > 0; i++) {
        char storage[DESK_FIELD_MAX];
        struct str name = lowered(counts->fields[i], storage);
        if (name.n == 0 || map_get(book->fields, name))
            continue;
        struct db_query q = db_query(desk->db, "INSERT INTO field_seen (name) VALUES (?1) ON CONFLICT DO NOTHING");
        db_put_text(&q, name);
        room -= db_run(&q) > 0;
    }
}

static void sources_store(struct desk *desk, const struct desk_rule_counts *counts)
{
    const struct rulebook *book = desk->rulebook;
    size_t room = DESK_LOG_SOURCES_MAX - book->source_count;
    for (size_t i = 0; i < counts->source_count; i++) {
        const struct desk_log_source *told = &counts->sources[i];
        bool known = source_find(book, told);
        if (!known && room == 0)
            continue;
        room -= !known;
        struct db_query q = db_query(
            desk->db, "INSERT INTO log_source (product, category, service, events, covered) VALUES (?1, ?2, ?3, ?4, ?5)"
                      " ON CONFLICT (product, category, service) DO UPDATE SET"
                      " events = min(events + excluded.events, 1 << 60),"
                      " covered = min(covered + excluded.covered, 1 << 60)");
        db_put_text(&q, desk_cut(told->product, DESK_FIELD_MAX));
        db_put_text(&q, desk_cut(told->category, DESK_FIELD_MAX));
        db_put_text(&q, desk_cut(told->service, DESK_FIELD_MAX));
        db_put_i64(&q, bounded(told->events));
        db_put_i64(&q, bounded(told->covered));
        db_run(&q);
    }
}

static void hits_store(struct desk *desk, const struct rule_entry *entry, int64_t hits, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "INSERT INTO rule_hour (rule, hour, hits) VALUES (?1, ?2, ?3)"
                                           " ON CONFLICT (rule, hour) DO UPDATE SET"
                                           " hits = min(hits + excluded.hits, 1 << 60)");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, now_ns / HOUR_NS);
    db_put_i64(&q, hits);
    db_run(&q);
    q = db_query(desk->db, "INSERT INTO rule_day (rule, day, hits) VALUES (?1, ?2, ?3)"
                           " ON CONFLICT (rule, day) DO UPDATE SET hits = min(hits + excluded.hits, 1 << 60)");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, (now_ns + desk->zone_offset_s * SECOND_NS) / DAY_NS);
    db_put_i64(&q, hits);
    db_run(&q);
}

static void rule_store(struct desk *desk, const struct desk_rule_count *count, int64_t now_ns)
{
    const struct rule_entry *entry = rule_entry_of(desk->rulebook, count->id);
    if (!entry)
        return;
    struct db_query q = db_query(desk->db, "INSERT INTO rule_stat (rule, hits, runs, ns, last_ns, lost_groups,"
                                           " lost_matches, late, ungrouped)"
                                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                                           " ON CONFLICT (rule) DO UPDATE SET"
                                           " hits = min(hits + excluded.hits, 1 << 60),"
                                           " runs = min(runs + excluded.runs, 1 << 60),"
                                           " ns = min(ns + excluded.ns, 1 << 60),"
                                           " lost_groups = min(lost_groups + excluded.lost_groups, 1 << 60),"
                                           " lost_matches = min(lost_matches + excluded.lost_matches, 1 << 60),"
                                           " late = min(late + excluded.late, 1 << 60),"
                                           " ungrouped = min(ungrouped + excluded.ungrouped, 1 << 60),"
                                           " last_ns = max(last_ns, excluded.last_ns)");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, bounded(count->hits));
    db_put_i64(&q, bounded(count->runs));
    db_put_i64(&q, bounded(count->ns));
    db_put_i64(&q, count->last_ns);
    db_put_i64(&q, bounded(count->lost_groups));
    db_put_i64(&q, bounded(count->lost_matches));
    db_put_i64(&q, bounded(count->late));
    db_put_i64(&q, bounded(count->ungrouped));
    db_run(&q);
    if (count->hits)
        hits_store(desk, entry, bounded(count->hits), now_ns);
}

static void engine_store(struct desk *desk, const struct desk_rule_counts *counts, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "INSERT INTO engine_count (engine, upto, events, first_ns)"
                                           " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (engine) DO UPDATE SET"
                                           " upto = excluded.upto, events = min(events + excluded.events, 1 << 60)");
    db_put_i64(&q, counts->engine);
    db_put_i64(&q, (int64_t)counts->upto);
    db_put_i64(&q, bounded(counts->events));
    db_put_i64(&q, now_ns);
    db_run(&q);
}

/* The same in memory, once it stands in the database. */
static void rules_remember(struct rulebook *book, const struct desk_rule_count *counts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct desk_rule_count *count = &counts[i];
        struct rule_entry *entry = rule_entry_of(book, count->id);
        if (!entry)
            continue;
        entry->hits += bounded(count->hits);
        entry->runs += bounded(count->runs);
        entry->ns += bounded(count->ns);
        entry->last_ns = MAX(entry->last_ns, count->last_ns);
        entry->lost_groups += bounded(count->lost_groups);
        entry->lost_matches += bounded(count->lost_matches);
        entry->late += bounded(count->late);
        entry->ungrouped += bounded(count->ungrouped);
    }
}

static void counts_remember(struct rulebook *book, const struct desk_rule_counts *counts, bool fresh, int64_t now_ns)
{
    for (size_t i = 0; i < counts->field_count; i++)
        field_remember(book, counts->fields[i]);
    if (!fresh)
        return;
    for (size_t i = 0; i < counts->source_count; i++)
        source_remember(book, &counts->sources[i]);
    rules_remember(book, counts->rules, counts->rule_count);
    book->events += bounded(counts->events);
    book->first_ns = book->first_ns ? book->first_ns : now_ns;
}

static int64_t upto_read(struct desk *desk, uint32_t engine)
{
    struct db_query q = db_query(desk->db, "SELECT upto FROM engine_count WHERE engine = ?1");
    db_put_i64(&q, engine);
    return db_one_i64(&q, 0);
}

enum rc desk_count_rules(struct desk *desk, const struct desk_rule_counts *counts, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    if (counts->upto > INT64_MAX)
        return err_set(err, RC_INVALID, "an engine counted up to record %llu", (unsigned long long)counts->upto);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    bool fresh = (int64_t)counts->upto >= upto_read(desk, counts->engine);
    fields_store(desk, counts);
    if (fresh) {
        sources_store(desk, counts);
        for (size_t i = 0; i < counts->rule_count && !db_failed(desk->db); i++)
            rule_store(desk, &counts->rules[i], now_ns);
        annex_store(desk, counts->annex, counts->annex_count);
        losses_store(desk, counts->losses, counts->loss_count, now_ns);
        rhythm_store(desk, counts->annex, counts->annex_count, now_ns);
        parse_rate_store(desk, counts->parses, counts->parse_count);
        source_hours_store(desk, counts->parses, counts->parse_count, now_ns);
        engine_store(desk, counts, now_ns);
    }
    rc = desk_end(desk, true, err);
    if (rc == RC_OK)
        counts_remember(desk->rulebook, counts, fresh, now_ns);
    if (rc == RC_OK && fresh)
        annex_remember(desk, counts->annex, counts->annex_count);
    return rc;
}

/* Correlations are counted here, where they run: no engine tells of them. */
void rule_fired_store(struct desk *desk, const struct desk_batch *batch, int64_t now_ns)
{
    for (size_t i = 0; i < batch->fired_count && !db_failed(desk->db); i++)
        rule_store(desk, &batch->fired[i], now_ns);
}

void rule_fired_remember(struct desk *desk, const struct desk_batch *batch)
{
    rules_remember(desk->rulebook, batch->fired, batch->fired_count);
}

enum rc desk_rules_counted(struct desk *desk, uint32_t engine, uint64_t *ret_upto, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    *ret_upto = 0;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    *ret_upto = (uint64_t)upto_read(desk, engine);
    return desk_end(desk, true, err);
}

void rule_counts_clean(struct desk *desk, int64_t now_ns)
{
    db_run_i64(desk->db, "DELETE FROM rule_hour WHERE hour <= ?1", now_ns / HOUR_NS - HOURS_KEPT);
    db_run_i64(desk->db, "DELETE FROM rule_day WHERE day <= ?1",
               (now_ns + desk->zone_offset_s * SECOND_NS) / DAY_NS - DESK_RULE_DAYS);
}

/* --- what can hold --- */

static bool looked_since(const struct rulebook *book, int64_t now_ns, int64_t since_ns, int64_t events)
{
    return book->first_ns > 0 && (events >= (int64_t)DESK_RULE_LOOKED || now_ns - since_ns >= DESK_RULE_LOOKED_NS);
}

bool rulebook_looked(const struct rulebook *book, int64_t now_ns)
{
    return looked_since(book, now_ns, book->first_ns, book->events);
}

static bool part_fits(struct str wanted, struct str said)
{
    return wanted.n == 0 || said.n == 0 || str_eq_nocase(wanted, said);
}

static bool category_fits(struct str wanted, struct str said)
{
    if (wanted.n == 0 || said.n == 0)
        return true;
    while (said.p)
        if (str_eq_nocase(str_cut(&said, ','), wanted))
            return true;
    return false;
}

/* What an event does not say of its log source never excludes a rule. */
bool rule_source_fits(const struct desk_rule *rule, const struct seen_source *source)
{
    return part_fits(rule->product, source->product) && category_fits(rule->category, source->category) &&
           part_fits(rule->service, source->service);
}

static enum rule_reach detection_reach(struct rulebook *book, size_t place)
{
    const struct desk_rule *rule = book->entry[place].rule;
    size_t at = 0;
    while (at < book->source_count && !rule_source_fits(rule, &book->source[at]))
        at++;
    if (at == book->source_count)
        return REACH_SOURCE;
    if (book->now.can_hold && !book->now.can_hold(book->now.context, place, field_seen, book))
        return REACH_FIELDS;
    return REACH_HOLDS;
}

/* Of a detection in test no match comes to the desk; a correlation feeds others in any state. */
static bool feeds(const struct rule_entry *fed)
{
    return fed->rule->kind == DESK_RULE_CORRELATION || fed->state == DESK_RULE_ACTIVE;
}

static void correlation_reach(const struct rulebook *book, struct rule_entry *entry)
{
    const struct desk_rule *rule = entry->rule;
    entry->reach = rule->feed_count ? REACH_RULES : REACH_HOLDS;
    entry->cannot = entry->reach;
    for (size_t i = 0; i < rule->feed_count; i++) {
        ASSERT(rule->feeds[i] < book->now.count);
        const struct rule_entry *fed = &book->entry[rule->feeds[i]];
        if (!feeds(fed))
            continue;
        entry->reach = fed->reach == REACH_HOLDS ? REACH_HOLDS : entry->reach;
        entry->cannot = fed->cannot == REACH_HOLDS ? REACH_HOLDS : entry->cannot;
    }
}

/* Log sources are seen whatever runs; fields are those of rules that run. */
static enum rule_reach cannot_of(const struct rulebook *book, const struct rule_entry *entry, int64_t now_ns)
{
    bool looked = looked_since(book, now_ns, MAX(entry->since_ns, book->first_ns), book->events - entry->since_events);
    return entry->reach == REACH_FIELDS && !looked ? REACH_HOLDS : entry->reach;
}

void rulebook_reach(struct rulebook *book, int64_t now_ns)
{
    uint64_t of = book->seen + book->version;
    bool looked = rulebook_looked(book, now_ns);
    for (size_t i = 0; i < book->now.count; i++) {
        struct rule_entry *entry = &book->entry[i];
        if (book->reach_of != of) /* dear */
            entry->reach = entry->rule->kind == DESK_RULE_DETECTION ? detection_reach(book, i) : REACH_HOLDS;
        entry->cannot = cannot_of(book, entry, now_ns);
    }
    for (size_t i = 0; i < book->now.count; i++)
        if (book->entry[i].rule->kind == DESK_RULE_CORRELATION)
            correlation_reach(book, &book->entry[i]);
    for (size_t i = 0; i < book->now.count && !looked; i++)
        book->entry[i].cannot = REACH_HOLDS;
    book->reach_of = of;
}
