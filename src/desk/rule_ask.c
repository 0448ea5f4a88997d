/* rule_ask.c - the questions about rules: the list, one rule, what was refused and what no rule looks at. */
#include "base/assert.h"
#include "base/civil.h"
#include "codec/utf8.h"
#include "desk/rulebook.h"

#include <stdlib.h>

#define LIST_DEFAULT 100
#define LIST_MAX     200
#define MISSING_MAX  8   /* fields that a row names */
#define TEXT_MAX     200 /* bytes of a text looked for */
#define DAYS_SHOWN   30
#define HISTORY_MAX  100
#define REPORT_ROWS  200
#define HOURS_DAY    24
#define HOUR_NS      (HOUR_S * SECOND_NS)
#define DAY_NS       (DAY_S * SECOND_NS)

static const char *const kind_names[] = {
    [DESK_RULE_DETECTION] = "detection",
    [DESK_RULE_CORRELATION] = "correlation",
    [DESK_RULE_FILTER] = "filter",
};

/* --- which rules a list shows --- */

enum show { SHOW_ALL, SHOW_NEVER, SHOW_CANNOT, SHOW_LOST };
static const char *const show_names[] = {
    [SHOW_ALL] = "", [SHOW_NEVER] = "never", [SHOW_CANNOT] = "cannot", [SHOW_LOST] = "lost"};

enum sort { SORT_LEVEL, SORT_HITS, SORT_COST, SORT_LAST, SORT_TITLE };
static const char *const sort_names[] = {
    [SORT_LEVEL] = "", [SORT_HITS] = "hits", [SORT_COST] = "cost", [SORT_LAST] = "last", [SORT_TITLE] = "title",
};

struct filter {
    bool any_state, any_level;
    enum desk_rule_state state;
    enum desk_level level;
    struct str text;   /* folded; empty: any */
    struct str tactic; /* empty: any */
    size_t show;
    size_t sort;
};

static bool name_find(const char *const *names, size_t count, struct str name, size_t *ret_at)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, names[i])) {
            *ret_at = i;
            return true;
        }
    return false;
}

static bool filter_read(struct ask *ask, struct filter *f)
{
    struct str state = ask_str(ask, "state");
    struct str level = ask_str(ask, "level");
    struct str text = ask_str(ask, "text");
    f->any_state = state.n == 0;
    f->any_level = level.n == 0;
    f->tactic = ask_str(ask, "tactic");
    f->text = utf8_fold(ask->arena, str_trim(text));
    if (state.n && !rulebook_state_find(state, &f->state))
        ask_invalid(ask, "state", "the state is draft, test, active or off");
    else if (level.n && !level_find(level, &f->level))
        ask_invalid(ask, "level", "no such level");
    else if (!name_find(show_names, ARRAY_LEN(show_names), ask_str(ask, "show"), &f->show))
        ask_invalid(ask, "show", "what to show is never, cannot or lost");
    else if (!name_find(sort_names, ARRAY_LEN(sort_names), ask_str(ask, "sort"), &f->sort))
        ask_invalid(ask, "sort", "the order is hits, cost, last or title");
    else if (text.n > TEXT_MAX)
        ask_invalid(ask, "text", "the text is too long");
    return !ask->error;
}

static bool text_holds(struct ask *ask, struct str text, struct str wanted)
{
    struct str folded = utf8_fold(ask->arena, text);
    return str_search(folded, wanted) < folded.n;
}

/* In the title as any reader sees it, the id, the file. */
static bool rule_says(struct ask *ask, const struct desk_rule *rule, struct str wanted)
{
    struct arena_mark mark = arena_mark(ask->arena);
    bool found = text_holds(ask, rule->id, wanted) || text_holds(ask, rule->title, wanted) ||
                 text_holds(ask, rule->path, wanted);
    for (enum term_language language = 0; language < TERM_LANGUAGES && !found; language++)
        found = text_holds(ask, desk_title(&ask->desk->texts, rule->id, rule->title, language), wanted);
    for (size_t i = 0; i < rule->tag_count && !found; i++)
        found = text_holds(ask, rule->tags[i], wanted);
    arena_rewind(ask->arena, mark);
    return found;
}

/* "attack." and a tactic, which older rules write with underscores. */
static bool tag_is_tactic(struct str tag, struct str tactic)
{
    if (!str_starts(tag, STR("attack.")))
        return false;
    tag = str_skip(tag, 7);
    for (size_t i = 0; i < tag.n && tag.n == tactic.n; i++)
        if (tag.p[i] != tactic.p[i] && !(tag.p[i] == '_' && tactic.p[i] == '-'))
            return false;
    return tag.n == tactic.n;
}

static bool rule_has_tactic(const struct desk_rule *rule, struct str tactic)
{
    for (size_t i = 0; i < rule->tag_count; i++)
        if (tag_is_tactic(rule->tags[i], tactic))
            return true;
    return false;
}

static bool has_lost(const struct rule_entry *entry)
{
    return entry->lost_groups || entry->lost_matches || entry->late || entry->ungrouped;
}

static bool filter_takes(struct ask *ask, const struct filter *f, const struct rule_entry *entry)
{
    if (entry->rule->kind == DESK_RULE_FILTER || (!f->any_state && entry->state != f->state) ||
        (!f->any_level && rule_entry_level(entry) != f->level))
        return false;
    if ((f->show == SHOW_NEVER && entry->hits > 0) || (f->show == SHOW_CANNOT && entry->cannot == REACH_HOLDS) ||
        (f->show == SHOW_LOST && !has_lost(entry)))
        return false;
    if (f->tactic.n && !rule_has_tactic(entry->rule, f->tactic))
        return false;
    return f->text.n == 0 || rule_says(ask, entry->rule, f->text);
}

static int64_t sort_key(const struct rule_entry *entry, enum sort sort)
{
    switch (sort) {
    case SORT_HITS:
        return entry->hits;
    case SORT_COST:
        return entry->ns;
    case SORT_LAST:
        return entry->last_ns;
    case SORT_LEVEL:
        return rule_entry_level(entry);
    case SORT_TITLE:
        break;
    }
    return 0;
}

struct ranked {
    const struct rule_entry *entry;
    int64_t key;
};

/* The largest first; among equals by title, then by place. */
static int ranked_compare(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    if (left->key != right->key)
        return left->key > right->key ? -1 : 1;
    int titles = str_compare(left->entry->rule->title, right->entry->rule->title);
    return titles ? titles : left->entry < right->entry ? -1 : left->entry > right->entry;
}

/* --- one rule --- */

static int64_t hits_day(struct ask *ask, const struct rule_entry *entry)
{
    if (entry->hits == 0)
        return 0;
    struct db_query q =
        db_query(ask->desk->db, "SELECT coalesce(sum(hits), 0) FROM rule_hour WHERE rule = ?1 AND hour > ?2");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, ask->now_ns / HOUR_NS - HOURS_DAY);
    return db_one_i64(&q, 0);
}

static void missing_put(struct ask *ask, const struct rule_entry *entry)
{
    size_t count = 0;
    json_write_key(ask->out, "missing");
    json_write_array(ask->out);
    for (size_t i = 0; i < entry->rule->field_count && entry->cannot == REACH_FIELDS && count < MISSING_MAX; i++) {
        if (rule_field_known(ask->desk->rulebook, entry->rule->fields[i]))
            continue;
        json_write_str(ask->out, desk_cut(entry->rule->fields[i], DESK_FIELD_MAX));
        count++;
    }
    json_write_array_end(ask->out);
}

static void row_put(struct ask *ask, const struct rule_entry *entry)
{
    const struct desk_rule *rule = entry->rule;
    struct buf *out = ask->out;
    json_put_str(out, "id", rule->id);
    json_put_str(out, "title", desk_cut(rule->title, DESK_NAME_MAX));
    json_put_text(out, "kind", kind_names[rule->kind]);
    json_put_text(out, "state", rulebook_state_name(entry->state));
    json_put_text(out, "level", desk_level_name(rule_entry_level(entry)));
    json_put_text(out, "own_level", desk_level_name(rule->level));
    json_put_str(out, "product", desk_cut(rule->product, DESK_FIELD_MAX));
    json_put_str(out, "category", desk_cut(rule->category, DESK_FIELD_MAX));
    json_put_str(out, "service", desk_cut(rule->service, DESK_FIELD_MAX));
    json_put_str(out, "path", desk_cut(rule->path, DESK_TEXT_MAX / 16));
    json_put_int(out, "line", rule->line);
    json_put_int(out, "hits", entry->hits);
    json_put_int(out, "hits_day", hits_day(ask, entry));
    json_put_int(out, "runs", entry->runs);
    json_put_int(out, "ns", entry->ns);
    json_put_int(out, "last_ns", entry->last_ns);
    json_put_int(out, "lost_groups", entry->lost_groups);
    json_put_int(out, "lost_matches", entry->lost_matches);
    json_put_int(out, "late", entry->late);
    json_put_int(out, "ungrouped", entry->ungrouped);
    json_put_text(out, "cannot", rule_reach_name(entry->cannot));
    missing_put(ask, entry);
}

/* What all of them together are: for heads, tiles and shares. */
static void totals_put(struct ask *ask)
{
    const struct rulebook *book = ask->desk->rulebook;
    int64_t states[4] = {0}, rules = 0, never = 0, cannot = 0, lost = 0, ns = 0, refused = 0, warned = 0;
    bool looked = rulebook_looked(book, ask->now_ns);
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        if (entry->rule->kind == DESK_RULE_FILTER)
            continue;
        rules++;
        states[entry->state]++;
        never += entry->hits == 0;
        cannot += entry->cannot != REACH_HOLDS;
        lost += has_lost(entry);
        ns += MIN(entry->ns, INT64_MAX - ns);
    }
    for (size_t i = 0; i < book->now.outcome_count; i++) {
        refused += !book->now.outcome[i].loaded;
        warned += book->now.outcome[i].loaded;
    }
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    json_put_int(ask->out, "rules", rules);
    for (enum desk_rule_state state = 0; state <= DESK_RULE_OFF; state++)
        json_put_int(ask->out, rulebook_state_name(state), states[state]);
    json_put_int(ask->out, "never", never);
    json_put_int(ask->out, "cannot", cannot);
    json_put_int(ask->out, "lost", lost);
    json_put_u64(ask->out, "trail_cut", desk_trail_cut(ask->desk));
    json_put_int(ask->out, "refused", refused);
    json_put_int(ask->out, "warnings", warned);
    json_put_int(ask->out, "ns", ns);
    json_put_int(ask->out, "events", book->events);
    json_put_int(ask->out, "since_ns", book->first_ns);
    json_put_bool(ask->out, "looked", looked);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    json_write_object_end(ask->out);
}

void ask_rule_list(struct ask *ask)
{
    struct rulebook *book = ask->desk->rulebook;
    struct filter filter = {0};
    int64_t offset = MAX(ask_int(ask, "offset"), 0), limit = ask_int(ask, "limit");
    size_t count = 0;
    struct ranked *ranked = arena_alloc_array(ask->arena, book->now.count + 1, sizeof *ranked);
    if (!ranked) {
        ask_refuse(ask, "too_large", "no memory for the list");
        return;
    }
    if (!filter_read(ask, &filter))
        return;
    rulebook_reach(book, ask->now_ns);
    for (size_t i = 0; i < book->now.count; i++)
        if (filter_takes(ask, &filter, &book->entry[i]))
            ranked[count++] = (struct ranked){&book->entry[i], sort_key(&book->entry[i], (enum sort)filter.sort)};
    qsort(ranked, count, sizeof *ranked, ranked_compare);
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    json_put_u64(ask->out, "total", count);
    totals_put(ask);
    json_write_key(ask->out, "rules");
    json_write_array(ask->out);
    for (size_t i = (size_t)MIN(offset, (int64_t)count); i < count && limit > 0; i++, limit--) {
        json_write_object(ask->out);
        row_put(ask, ranked[i].entry);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void texts_put(struct ask *ask, const char *key, const struct str *texts, size_t count)
{
    json_write_key(ask->out, key);
    json_write_array(ask->out);
    for (size_t i = 0; i < MIN(count, (size_t)DESK_RULE_FIELDS_MAX); i++)
        json_write_str(ask->out, desk_cut(texts[i], DESK_FIELD_MAX));
    json_write_array_end(ask->out);
}

/* Hits of the last days, the oldest first; days are those of the server's zone. */
static void days_put(struct ask *ask, const struct rule_entry *entry)
{
    int64_t zone_ns = ask->desk->zone_offset_s * SECOND_NS;
    int64_t first = (ask->now_ns + zone_ns) / DAY_NS - DAYS_SHOWN + 1;
    int64_t counts[DAYS_SHOWN] = {0};
    struct db_query q = db_query(ask->desk->db, "SELECT day, hits FROM rule_day WHERE rule = ?1 AND day >= ?2");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, first);
    while (db_next(&q)) {
        int64_t day = db_i64(&q);
        if (day - first < DAYS_SHOWN)
            counts[day - first] = db_i64(&q);
    }
    json_write_key(ask->out, "days");
    json_write_object(ask->out);
    json_put_int(ask->out, "from_ns", first * DAY_NS - zone_ns);
    json_put_int(ask->out, "step_ns", DAY_NS);
    json_write_key(ask->out, "counts");
    json_write_array(ask->out);
    for (size_t i = 0; i < DAYS_SHOWN; i++)
        json_write_int(ask->out, counts[i]);
    json_write_array_end(ask->out);
    json_write_object_end(ask->out);
}

static void rule_history_put(struct ask *ask, const struct rule_entry *entry)
{
    json_write_key(ask->out, "history");
    json_write_array(ask->out);
    struct db_query q = db_query(ask->desk->db, "SELECT time_ns, who, state, level, was_state, was_level, reason,"
                                                " coalesce(record, 0) FROM rule_history WHERE rule = ?1"
                                                " ORDER BY id DESC LIMIT ?2");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, HISTORY_MAX);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_text(ask->out, "state", rulebook_state_name((enum desk_rule_state)db_i64(&q)));
        json_put_text(ask->out, "level", desk_level_name(db_i64(&q)));
        json_put_text(ask->out, "was_state", rulebook_state_name((enum desk_rule_state)db_i64(&q)));
        json_put_text(ask->out, "was_level", desk_level_name(db_i64(&q)));
        json_put_str(ask->out, "reason", desk_cut(db_text(&q), DESK_EVENT_MAX));
        json_put_int(ask->out, "record", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void feeds_put(struct ask *ask, const struct rule_entry *entry)
{
    const struct rulebook *book = ask->desk->rulebook;
    json_write_key(ask->out, "feeds");
    json_write_array(ask->out);
    for (size_t i = 0; i < MIN(entry->rule->feed_count, (size_t)DESK_RULE_FIELDS_MAX); i++) {
        const struct rule_entry *fed = &book->entry[entry->rule->feeds[i]];
        json_write_object(ask->out);
        json_put_str(ask->out, "id", fed->rule->id);
        json_put_str(ask->out, "title", desk_cut(fed->rule->title, DESK_NAME_MAX));
        json_put_text(ask->out, "state", rulebook_state_name(fed->state));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static struct str warning_of(const struct rulebook *book, const struct desk_rule *rule)
{
    for (size_t i = 0; i < book->now.outcome_count; i++) {
        const struct desk_rule_outcome *outcome = &book->now.outcome[i];
        if (outcome->loaded && outcome->line == rule->line && str_eq(outcome->path, rule->path))
            return outcome->text;
    }
    return STR("");
}

void ask_rule_get(struct ask *ask)
{
    struct rulebook *book = ask->desk->rulebook;
    const struct rule_entry *entry = rule_entry_of(book, ask_str(ask, "id"));
    if (!entry) {
        ask_refuse(ask, "not_found", "no such rule is loaded");
        return;
    }
    rulebook_reach(book, ask->now_ns);
    totals_put(ask);
    json_write_key(ask->out, "rule");
    json_write_object(ask->out);
    row_put(ask, entry);
    json_put_str(ask->out, "description", desk_cut(entry->rule->description, DESK_TEXT_MAX));
    json_put_str(ask->out, "status", desk_cut(entry->rule->status, DESK_FIELD_MAX));
    json_put_str(ask->out, "warning", desk_cut(warning_of(book, entry->rule), DESK_EVENT_MAX));
    texts_put(ask, "tags", entry->rule->tags, entry->rule->tag_count);
    texts_put(ask, "fields", entry->rule->fields, entry->rule->field_count);
    feeds_put(ask, entry);
    rule_filters_put(ask, entry);
    days_put(ask, entry);
    rule_history_put(ask, entry);
    json_write_object_end(ask->out);
}

/* --- the report --- */

static void outcomes_put(struct ask *ask, const char *key, bool loaded)
{
    const struct desk_rules *now = &ask->desk->rulebook->now;
    size_t left = REPORT_ROWS;
    json_write_key(ask->out, key);
    json_write_array(ask->out);
    for (size_t i = 0; i < now->outcome_count && left > 0; i++) {
        const struct desk_rule_outcome *outcome = &now->outcome[i];
        if (outcome->loaded != loaded)
            continue;
        json_write_object(ask->out);
        json_put_str(ask->out, "path", desk_cut(outcome->path, DESK_TEXT_MAX / 16));
        json_put_int(ask->out, "line", outcome->line);
        json_put_str(ask->out, "id", desk_cut(outcome->id, DESK_FIELD_MAX));
        json_put_str(ask->out, "title", desk_cut(outcome->title, DESK_NAME_MAX));
        json_put_str(ask->out, "text", desk_cut(outcome->text, DESK_EVENT_MAX));
        json_write_object_end(ask->out);
        left--;
    }
    json_write_array_end(ask->out);
}

/* Most events that no rule looks at first. */
static int source_compare(const void *a, const void *b)
{
    const struct seen_source *left = *(const struct seen_source *const *)a;
    const struct seen_source *right = *(const struct seen_source *const *)b;
    int64_t left_bare = left->events - left->covered;
    int64_t right_bare = right->events - right->covered;
    return left_bare != right_bare ? (left_bare > right_bare ? -1 : 1) : left < right ? -1 : left > right;
}

static int64_t rules_fitting(const struct rulebook *book, const struct seen_source *source)
{
    int64_t count = 0;
    for (size_t i = 0; i < book->now.count; i++)
        count += book->entry[i].rule->kind == DESK_RULE_DETECTION && rule_entry_runs(&book->entry[i]) &&
                 rule_source_fits(book->entry[i].rule, source);
    return count;
}

static void sources_put(struct ask *ask)
{
    const struct rulebook *book = ask->desk->rulebook;
    const struct seen_source *sorted[DESK_LOG_SOURCES_MAX];
    for (size_t i = 0; i < book->source_count; i++)
        sorted[i] = &book->source[i];
    qsort(sorted, book->source_count, sizeof *sorted, source_compare);
    json_put_int(ask->out, "sources_lost", book->source_lost);
    json_write_key(ask->out, "sources");
    json_write_array(ask->out);
    for (size_t i = 0; i < MIN(book->source_count, (size_t)REPORT_ROWS); i++) {
        json_write_object(ask->out);
        json_put_str(ask->out, "product", sorted[i]->product);
        json_put_str(ask->out, "category", sorted[i]->category);
        json_put_str(ask->out, "service", sorted[i]->service);
        json_put_int(ask->out, "events", sorted[i]->events);
        json_put_int(ask->out, "covered", sorted[i]->covered);
        json_put_int(ask->out, "rules", rules_fitting(book, sorted[i]));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_rule_report(struct ask *ask)
{
    rulebook_reach(ask->desk->rulebook, ask->now_ns);
    totals_put(ask);
    rules_behind_put(ask);
    outcomes_put(ask, "refused", false);
    outcomes_put(ask, "warnings", true);
    sources_put(ask);
}
