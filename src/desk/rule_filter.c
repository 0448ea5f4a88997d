/* rule_filter.c - the questions about filters: which stand, what they hold back and since when; one that a person makes
 * from an event, and its end.
 *
 * A filter of a person is a text of kind "filter" (rule_text.c) whose id follows from its rule and conditions: made
 * again, it takes the place of the one before and goes on counting. What it holds back engines count as hits of its id
 * (rule_stats.c). Nothing is saved that was not shown: the digest of its meaning comes back with the question. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/filter_text.h"
#include "desk/rulebook.h"

#include <stdlib.h>

#define DAY_NS       (DAY_S * SECOND_NS)
#define HOUR_NS      (HOUR_S * SECOND_NS)
#define DAYS_MAX     366 /* that a filter of a person may stand */
#define LIST_DEFAULT 50
#define LIST_MAX     100
#define ENDED_MAX    50
#define NAMED_MAX    5              /* rules that a row names */
#define TEXT_SHOWN   ((size_t)8192) /* bytes: a longer text is left out of a list */
#define HITS_MAX     100            /* records of a rule that are tried */
#define QUIET_DAYS   30
#define MUCH_A_DAY   1000
#define MUCH_LEAST   100 /* in QUIET_DAYS, and nine of ten of what its rules would have matched */
#define PATH_OF_DESK "desk:filter/"
#define UUID_SIZE    37u

_Static_assert(FILTER_CONDITIONS_MAX *FILTER_VALUES_MAX *FILTER_VALUE_MAX * 4 > DESK_RULE_TEXT_MAX,
               "a text may outgrow what is stored: that is looked at");

/* --- one that is made --- */

struct draft {
    struct filter_text text;
    const struct rule_entry *rule;
    char id[UUID_SIZE];
    char digest[2 * TLOG_HASH_SIZE + 1];
};

static bool condition_read(struct ask *ask, const struct json_value *object, struct filter_condition *ret)
{
    const struct json_value *values = json_get(object, "values");
    struct str *texts = arena_alloc_array(ask->arena, FILTER_VALUES_MAX, sizeof *texts);
    ret->field = json_str(json_get(object, "field"), STR(""));
    ret->values = texts;
    ret->count = 0;
    for (const struct json_value *value = json_first(values); texts && value; value = value->next) {
        if (value->kind != JSON_STRING || ret->count == FILTER_VALUES_MAX)
            return false;
        texts[ret->count++] = value->text;
    }
    return texts && filter_condition_valid(ret);
}

static void conditions_read(struct ask *ask, struct filter_text *text)
{
    const struct json_value *list = json_get(ask->question, "conditions");
    struct filter_condition *all = arena_alloc_array(ask->arena, FILTER_CONDITIONS_MAX, sizeof *all);
    text->conditions = all;
    for (const struct json_value *one = json_first(list); all && one; one = one->next) {
        struct filter_condition *condition = &all[text->count];
        if (text->count == FILTER_CONDITIONS_MAX || !condition_read(ask, one, condition)) {
            ask_invalid(ask, "conditions", "a condition is a field with 1 to 16 values of at most 2000 bytes");
            return;
        }
        for (size_t i = 0; i < text->count; i++)
            if (str_eq(all[i].field, condition->field))
                ask_invalid(ask, "conditions", "a field comes twice");
        text->count++;
    }
    if (text->count == 0)
        ask_invalid(ask, "conditions", "a filter without a condition would hold back everything");
}

/* SHA-256 of what it holds back; the id is its beginning, in the form of a UUID. */
static void draft_name(struct ask *ask, struct draft *draft)
{
    struct buf meaning CLEANUP(buf_done) = {0};
    struct tlog_hash hash;
    buf_init(&meaning, (size_t)2 << 20);
    filter_text_meaning(&meaning, &draft->text);
    tlog_hash_begin(ask->desk->hasher);
    tlog_hash_add(ask->desk->hasher, buf_view(&meaning));
    tlog_hash_end(ask->desk->hasher, &hash);
    if (meaning.overflow)
        ask_refuse(ask, "too_large", "no memory for the filter");
    draft->digest[hex_encode(hash.bytes, sizeof hash.bytes, draft->digest)] = '\0';
    struct buf id;
    buf_init_fixed(&id, draft->id, sizeof draft->id);
    rule_text_uuid(&id, hash.bytes, 8);
    draft->text.id = str_of(buf_z(&id));
}

static bool draft_read(struct ask *ask, struct draft *draft)
{
    struct filter_text *text = &draft->text;
    const struct rule_entry *rule = rule_entry_of(ask->desk->rulebook, ask_str(ask, "rule"));
    if (!rule) {
        ask_refuse(ask, "not_found", "no such rule is loaded");
        return false;
    }
    *draft = (struct draft){.rule = rule};
    *text = (struct filter_text){.title = str_trim(ask_str(ask, "title")),
                                 .reason = str_trim(ask_str(ask, "reason")),
                                 .who = ask->who,
                                 .day = (ask->now_ns + ask->desk->zone_offset_s * SECOND_NS) / DAY_NS,
                                 .rule = rule->rule->id,
                                 .product = rule->rule->product,
                                 .category = rule->rule->category,
                                 .service = rule->rule->service,
                                 .record = (uint64_t)json_int(json_get(ask->question, "record"), -1)};
    if (rule->rule->kind != DESK_RULE_DETECTION)
        ask_invalid(ask, "rule", "a filter stands on detections only");
    if (text->product.n + text->category.n + text->service.n == 0)
        ask_invalid(ask, "rule", "the rule has no log source");
    if (text->title.n == 0 || text->title.n > DESK_NAME_MAX || !desk_one_line(text->title))
        ask_invalid(ask, "title", "the title is one line of 1 to 200 bytes");
    if (text->reason.n > DESK_TEXT_MAX)
        ask_invalid(ask, "reason", "the reason is too long");
    if (!rule_text_valid(text->reason))
        ask_invalid(ask, "reason", "the reason has control characters");
    if (json_get(ask->question, "record") && ask_int(ask, "record") < 0)
        ask_invalid(ask, "record", "no record has a negative number");
    conditions_read(ask, text);
    if (!ask->error)
        draft_name(ask, draft);
    return !ask->error;
}

static void draft_text(struct ask *ask, const struct draft *draft, struct buf *out)
{
    buf_init(out, DESK_RULE_TEXT_MAX);
    filter_text_write(out, &draft->text);
    if (out->overflow)
        ask_invalid(ask, "conditions", "the filter's text would be longer than 64 KiB");
}

void ask_filter_draft(struct ask *ask)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct draft draft;
    if (!draft_read(ask, &draft))
        return;
    draft_text(ask, &draft, &text);
    json_put_text(ask->out, "id", draft.id);
    json_put_text(ask->out, "digest", draft.digest);
    json_put_str(ask->out, "text", buf_view(&text));
}

void ask_filter_save(struct ask *ask)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct draft draft;
    struct err err = {0};
    int64_t expires_ns = ask_int(ask, "expires_ns");
    if (!draft_read(ask, &draft))
        return;
    draft_text(ask, &draft, &text);
    struct str reason = rule_reason(ask);
    if (expires_ns <= ask->now_ns || expires_ns - ask->now_ns > DAYS_MAX * DAY_NS)
        ask_invalid(ask, "expires", "a filter ends within 366 days");
    if (!str_is(ask_str(ask, "shown"), draft.digest))
        ask_refuse(ask, "filter_unseen", "what is to be saved is not what was shown");
    if (ask->error)
        return;
    const struct desk_rule_text put = {.kind = STR("filter"),
                                       .name = str_of(draft.id),
                                       .title = draft.text.title,
                                       .text = buf_view(&text),
                                       .who = ask->who,
                                       .reason = reason,
                                       .expires_ns = expires_ns};
    enum rc rc = rule_text_put(ask->desk, &put, ask->now_ns, &err);
    if (rc != RC_OK)
        rule_text_refused(ask, rc, &err, "text");
    json_put_text(ask->out, "id", draft.id);
}

void ask_filter_end(struct ask *ask)
{
    struct err err = {0};
    struct str reason = rule_reason(ask);
    if (ask->error)
        return;
    const struct desk_rule_text end = {
        .kind = STR("filter"), .name = ask_str(ask, "id"), .who = ask->who, .reason = reason};
    enum rc rc = rule_text_end(ask->desk, &end, ask->now_ns, &err);
    if (rc != RC_OK)
        rule_text_refused(ask, rc, &err, "reason");
}

/* The newest records that a rule matched, as far as they came here. */
void ask_filter_hits(struct ask *ask)
{
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, ask_str(ask, "rule"));
    if (!entry) {
        ask_refuse(ask, "not_found", "no such rule is loaded");
        return;
    }
    struct db_query q =
        db_query(ask->desk->db, "SELECT record FROM matched WHERE rule = ?1 ORDER BY record DESC LIMIT ?2");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, HITS_MAX);
    json_write_key(ask->out, "records");
    json_write_array(ask->out);
    while (db_next(&q))
        json_write_int(ask->out, db_i64(&q));
    json_write_array_end(ask->out);
}

/* --- which stand --- */

/* A loaded filter: on how many rules it stands, and what these found. */
struct standing {
    bool own; /* of a person */
    uint32_t rules;
    int64_t month_hits; /* of its rules */
    int64_t month;      /* held back */
};

struct listed {
    const struct rule_entry *entry; /* NULL: not loaded yet, or refused */
    int64_t text;                   /* row of rule_text; 0: it stands in a file */
    int64_t expires_ns;             /* 0: never */
};

struct listing {
    struct ask *ask;
    struct standing *standing; /* by place */
    struct listed *row;
    size_t count;
    size_t own; /* of people */
};

/* Hits of each rule, and what each filter held back, in the last days; by place. */
static void month_read(struct listing *l, int64_t *month)
{
    const struct desk *desk = l->ask->desk;
    struct db_query q = db_query(desk->db, "SELECT r.rule_id, sum(d.hits) FROM rule_day d JOIN rule r ON r.id = d.rule"
                                           " WHERE d.day > ?1 GROUP BY d.rule");
    db_put_i64(&q, (l->ask->now_ns + desk->zone_offset_s * SECOND_NS) / DAY_NS - QUIET_DAYS);
    while (db_next(&q)) {
        const struct rule_entry *entry = rule_entry_of(desk->rulebook, db_text(&q));
        if (entry)
            month[entry - desk->rulebook->entry] = db_i64(&q);
    }
}

static void standing_read(struct listing *l, const int64_t *month)
{
    const struct rulebook *book = l->ask->desk->rulebook;
    for (size_t i = 0; i < book->now.count; i++) {
        const struct desk_rule *rule = book->entry[i].rule;
        l->standing[i].month = month[i];
        for (size_t f = 0; f < rule->filter_count; f++) {
            struct standing *standing = &l->standing[rule->filters[f]];
            standing->rules++;
            standing->month_hits += MIN(month[i], INT64_MAX - standing->month_hits);
        }
    }
}

/* Those of people, the next to end first. */
static void texts_read(struct listing *l, size_t room)
{
    const struct desk *desk = l->ask->desk;
    struct db_query q = db_query(desk->db, "SELECT id, name, expires_ns FROM rule_text WHERE kind = 'filter' AND"
                                           " ended_ns = 0 ORDER BY expires_ns = 0, expires_ns, id");
    while (db_next(&q)) {
        ASSERT(l->count < room);
        struct listed *row = &l->row[l->count++];
        row->text = db_i64(&q);
        row->entry = rule_entry_of(desk->rulebook, db_text(&q));
        row->expires_ns = db_i64(&q);
        if (row->entry && row->entry->rule->kind != DESK_RULE_FILTER)
            row->entry = NULL;
        if (row->entry)
            l->standing[row->entry - desk->rulebook->entry].own = true;
    }
    l->own = l->count;
}

/* One of a person that ended, or began, a moment ago is no filter of a file. */
static void files_read(struct listing *l)
{
    const struct rulebook *book = l->ask->desk->rulebook;
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        if (entry->rule->kind == DESK_RULE_FILTER && !l->standing[i].own &&
            !str_starts(entry->rule->path, STR(PATH_OF_DESK)))
            l->row[l->count++] = (struct listed){.entry = entry};
    }
}

static bool listing_make(struct ask *ask, struct listing *l)
{
    const struct rulebook *book = ask->desk->rulebook;
    struct db_query q =
        db_query(ask->desk->db, "SELECT count(*) FROM rule_text WHERE kind = 'filter' AND ended_ns = 0");
    size_t room = (size_t)db_one_i64(&q, 0) + book->now.count;
    int64_t *month = arena_alloc_array(ask->arena, book->now.count + 1, sizeof *month);
    *l = (struct listing){.ask = ask};
    l->standing = arena_alloc_array(ask->arena, book->now.count + 1, sizeof *l->standing);
    l->row = arena_alloc_array(ask->arena, room + 1, sizeof *l->row);
    if (!month || !l->standing || !l->row) {
        ask_refuse(ask, "too_large", "no memory for the list");
        return false;
    }
    month_read(l, month);
    standing_read(l, month);
    texts_read(l, room);
    files_read(l);
    return true;
}

/* --- one row --- */

static void rules_put(struct listing *l, const struct rule_entry *filter)
{
    const struct rulebook *book = l->ask->desk->rulebook;
    uint32_t place = filter ? (uint32_t)(filter - book->entry) : 0;
    size_t left = filter ? NAMED_MAX : 0;
    json_put_int(l->ask->out, "rule_count", filter ? l->standing[place].rules : 0);
    json_write_key(l->ask->out, "rules");
    json_write_array(l->ask->out);
    for (size_t i = 0; i < book->now.count && left > 0; i++) {
        const struct desk_rule *rule = book->entry[i].rule;
        bool on = false;
        for (size_t f = 0; f < rule->filter_count && !on; f++)
            on = rule->filters[f] == place;
        if (!on)
            continue;
        json_write_object(l->ask->out);
        json_put_str(l->ask->out, "id", rule->id);
        json_put_str(l->ask->out, "title", desk_cut(rule->title, DESK_NAME_MAX));
        json_write_object_end(l->ask->out);
        left--;
    }
    json_write_array_end(l->ask->out);
}

static int64_t held_day(struct ask *ask, const struct rule_entry *entry)
{
    if (entry->hits == 0)
        return 0;
    struct db_query q =
        db_query(ask->desk->db, "SELECT coalesce(sum(hits), 0) FROM rule_hour WHERE rule = ?1 AND hour > ?2");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, ask->now_ns / HOUR_NS - 24);
    return db_one_i64(&q, 0);
}

/* Whether it asks for a look: it held back nothing for so long, or very much. */
static const char *mark_of(const struct listing *l, const struct rule_entry *entry, int64_t since_ns, int64_t day)
{
    const struct rulebook *book = l->ask->desk->rulebook;
    const struct standing *standing = &l->standing[entry - book->entry];
    int64_t old = l->ask->now_ns - QUIET_DAYS * DAY_NS;
    if (day >= MUCH_A_DAY || (standing->month >= MUCH_LEAST && standing->month / 9 > standing->month_hits))
        return "much";
    return entry->row && standing->month == 0 && since_ns <= old && book->first_ns > 0 && book->first_ns <= old
               ? "nothing"
               : "";
}

static void counts_put(struct listing *l, const struct rule_entry *entry, int64_t since_ns)
{
    struct buf *out = l->ask->out;
    int64_t day = entry && entry->row ? held_day(l->ask, entry) : 0;
    json_put_bool(out, "loaded", entry);
    json_put_bool(out, "counted", !entry || entry->row);
    json_put_int(out, "held", entry ? entry->hits : 0);
    json_put_int(out, "held_day", day);
    json_put_int(out, "held_month", entry ? l->standing[entry - l->ask->desk->rulebook->entry].month : 0);
    json_put_int(out, "last_ns", entry ? entry->last_ns : 0);
    json_put_text(out, "mark", entry ? mark_of(l, entry, since_ns, day) : "");
    rules_put(l, entry);
}

static struct str refusal_of(const struct rulebook *book, struct str id)
{
    for (size_t i = 0; i < book->now.outcome_count; i++)
        if (!book->now.outcome[i].loaded && str_eq(book->now.outcome[i].id, id))
            return book->now.outcome[i].text;
    return STR("");
}

static void own_put(struct listing *l, const struct listed *row)
{
    struct ask *ask = l->ask;
    struct buf *out = ask->out;
    struct db_query q =
        db_query(ask->desk->db, "SELECT name, title, who, reason, from_ns, version, coalesce(record, 0),"
                                " CASE WHEN length(text) <= ?2 THEN text ELSE '' END"
                                " FROM rule_text WHERE id = ?1");
    int64_t from_ns = ask->now_ns;
    db_put_i64(&q, row->text);
    db_put_i64(&q, (int64_t)TEXT_SHOWN);
    if (db_next(&q)) {
        struct str name = db_text_copy(&q, ask->arena);
        json_put_str(out, "id", name);
        json_put_str(out, "title", db_text(&q));
        json_put_str(out, "who", db_text(&q));
        json_put_str(out, "reason", db_text(&q));
        from_ns = db_i64(&q);
        json_put_int(out, "from_ns", from_ns);
        json_put_int(out, "version", db_i64(&q));
        json_put_int(out, "record", db_i64(&q));
        json_put_str(out, "text", db_text(&q));
        json_put_str(out, "refused",
                     row->entry ? STR("") : desk_cut(refusal_of(ask->desk->rulebook, name), DESK_EVENT_MAX));
    }
    db_query_end(&q);
    json_put_bool(out, "own", true);
    json_put_int(out, "expires_ns", row->expires_ns);
    counts_put(l, row->entry, from_ns);
}

static void file_put(struct listing *l, const struct listed *row)
{
    struct buf *out = l->ask->out;
    const struct desk_rule *rule = row->entry->rule;
    json_put_str(out, "id", rule->id);
    json_put_str(out, "title", desk_cut(rule->title, DESK_NAME_MAX));
    json_put_str(out, "description", desk_cut(rule->description, DESK_EVENT_MAX));
    json_put_str(out, "path", desk_cut(rule->path, DESK_TEXT_MAX / 16));
    json_put_int(out, "line", rule->line);
    json_put_bool(out, "own", false);
    json_put_int(out, "from_ns", row->entry->since_ns);
    json_put_int(out, "expires_ns", 0);
    counts_put(l, row->entry, row->entry->since_ns);
}

/* --- history --- */

static void ended_put(struct ask *ask)
{
    struct buf *out = ask->out;
    struct db_query q = db_query(ask->desk->db, "SELECT t.name, t.title, t.who, t.reason, t.from_ns, t.expires_ns,"
                                                " t.ended_ns, t.ended_by, t.ended_why, coalesce(s.hits, 0)"
                                                " FROM rule_text t LEFT JOIN rule r ON r.rule_id = t.name"
                                                " LEFT JOIN rule_stat s ON s.rule = r.id"
                                                " WHERE t.kind = 'filter' AND t.ended_ns > 0"
                                                " ORDER BY t.ended_ns DESC, t.id DESC LIMIT ?1");
    db_put_i64(&q, ENDED_MAX);
    json_write_key(out, "ended");
    json_write_array(out);
    while (db_next(&q)) {
        json_write_object(out);
        json_put_str(out, "id", db_text(&q));
        json_put_str(out, "title", db_text(&q));
        json_put_str(out, "who", db_text(&q));
        json_put_str(out, "reason", desk_cut(db_text(&q), DESK_EVENT_MAX));
        json_put_int(out, "from_ns", db_i64(&q));
        int64_t expires_ns = db_i64(&q);
        int64_t ended_ns = db_i64(&q);
        json_put_int(out, "expires_ns", expires_ns);
        json_put_int(out, "ended_ns", ended_ns);
        json_put_bool(out, "expired", expires_ns > 0 && ended_ns >= expires_ns);
        json_put_str(out, "ended_by", db_text(&q));
        json_put_str(out, "ended_why", desk_cut(db_text(&q), DESK_EVENT_MAX));
        json_put_int(out, "held", db_i64(&q));
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

void ask_filter_list(struct ask *ask)
{
    struct listing l;
    int64_t offset = MAX(ask_int(ask, "offset"), 0), limit = ask_int(ask, "limit");
    if (!listing_make(ask, &l))
        return;
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    json_put_u64(ask->out, "total", l.count);
    json_put_u64(ask->out, "own", l.own);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    json_write_key(ask->out, "filters");
    json_write_array(ask->out);
    for (size_t i = (size_t)MIN(offset, (int64_t)l.count); i < l.count && limit > 0; i++, limit--) {
        json_write_object(ask->out);
        if (l.row[i].text)
            own_put(&l, &l.row[i]);
        else
            file_put(&l, &l.row[i]);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    ended_put(ask);
}

/* --- on one rule --- */

static int64_t expiry_of(struct ask *ask, struct str id)
{
    struct db_query q = db_query(ask->desk->db, "SELECT expires_ns FROM rule_text WHERE kind = 'filter' AND name = ?1"
                                                " AND ended_ns = 0");
    db_put_text(&q, id);
    return db_one_i64(&q, 0);
}

void rule_filters_put(struct ask *ask, const struct rule_entry *entry)
{
    const struct rulebook *book = ask->desk->rulebook;
    struct buf *out = ask->out;
    json_put_u64(out, "filter_count", entry->rule->filter_count);
    json_write_key(out, "filters");
    json_write_array(out);
    for (size_t i = 0; i < MIN(entry->rule->filter_count, (size_t)LIST_DEFAULT); i++) {
        ASSERT(entry->rule->filters[i] < book->now.count);
        const struct rule_entry *filter = &book->entry[entry->rule->filters[i]];
        json_write_object(out);
        json_put_str(out, "id", filter->rule->id);
        json_put_str(out, "title", desk_cut(filter->rule->title, DESK_NAME_MAX));
        json_put_int(out, "held", filter->hits);
        json_put_int(out, "last_ns", filter->last_ns);
        json_put_int(out, "expires_ns", expiry_of(ask, filter->rule->id));
        json_write_object_end(out);
    }
    json_write_array_end(out);
}
