/* annex_ask.c - questions about coverage of order 52/НҚ, Annex 4: which sources lack what, one source's matrix, an
 * object's, and the classes that a person sets. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/annex_desk.h"
#include "desk/rulebook.h"

#include <string.h>

#define LIST_DEFAULT  100
#define LIST_MAX      500
#define LOOKED_MAX    5000u /* sources judged in one question, after a start */
#define OBJECT_GROUPS 10000u
#define DAY_NS        (DAY_S * SECOND_NS)

static size_t class_rows(const struct annex *table, unsigned class)
{
    return table->first[class + 1] - table->first[class];
}

static size_t missing_count(const struct annex_source *source)
{
    size_t count = 0;
    for (size_t i = 0; i < ANNEX_CLASS_COUNT; i++)
        count += annex_bits(source->missing[i]);
    return count;
}

/* After a start nothing is judged before the watch comes by. */
static void judged_make(struct ask *ask)
{
    struct desk_annex *annex = ask->desk->annex;
    size_t looked = 0;
    for (size_t i = 0; i < annex->count && looked < LOOKED_MAX; i++) {
        if (annex->source[i].is_judged)
            continue;
        annex_look(ask->desk, &annex->source[i], ask->now_ns);
        looked++;
    }
}

static struct str object_name(struct ask *ask, int64_t object)
{
    struct db_query q = db_query(ask->desk->db, "SELECT name FROM object WHERE id = ?1");
    struct str name = STR("");
    db_put_i64(&q, object);
    if (db_next(&q))
        name = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    return name;
}

static bool ready(struct ask *ask)
{
    if (!ask->desk->annex->is_on)
        ask_refuse(ask, "not_found", "the table of Annex 4 is not loaded");
    return ask->desk->annex->is_on;
}

/* --- one source --- */

static void switch_on_put(struct buf *out, struct str files)
{
    json_write_key(out, "switch_on");
    json_write_array(out);
    while (files.n)
        json_write_str(out, str_cut(&files, '|'));
    json_write_array_end(out);
}

static void row_put(struct buf *out, const struct annex_row *row, const struct annex_cell *cell, int64_t days)
{
    json_write_object(out);
    json_put_text(out, "what", annex_what_key(row->what));
    json_put_str(out, "key", row->key);
    json_put_text(out, "must", annex_must_key(row->must));
    json_put_str(out, "paragraph", row->paragraph);
    json_put_text(out, "state", annex_state_key(cell->state));
    json_put_u64(out, "records", cell->records);
    json_put_u64(out, "of", cell->of);
    json_write_key(out, "per_day");
    json_write_double(out, (double)cell->records / (double)days);
    json_put_int(out, "first_ns", cell->first_ns);
    json_put_int(out, "last_ns", cell->last_ns);
    switch_on_put(out, row->switch_on);
    json_write_object_end(out);
}

static void class_put(struct ask *ask, const struct annex_view *view, unsigned class, int64_t days)
{
    const struct annex *table = &ask->desk->annex->table;
    struct buf *out = ask->out;
    struct annex_count total = annex_seen_total(table, &view->seen[class]);
    json_write_object(out);
    json_put_text(out, "class", annex_class_key((enum annex_class) class));
    json_put_u64(out, "records", total.records);
    json_put_u64(out, "without_kind", view->seen[class].kind[0].records);
    json_put_u64(out, "missing", annex_bits(view->source->missing[class]));
    json_write_key(out, "rows");
    json_write_array(out);
    for (size_t i = 0; i < class_rows(table, class); i++)
        row_put(out, &table->row[table->first[class] + i], &view->cell[class][i], days);
    json_write_array_end(out);
    json_write_key(out, "formats");
    json_write_array(out);
    const struct annex_formats *formats = &view->seen[class].formats;
    for (size_t i = 0; i < formats->count; i++) {
        json_write_object(out);
        json_put_text(out, "parser", formats->format[i].parser);
        json_put_u64(out, "records", formats->format[i].records);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
}

static void source_members(struct ask *ask, const struct annex_view *view)
{
    struct buf *out = ask->out;
    const struct annex_source *source = view->source;
    char id[32];
    json_put_str(out, "id", str_at(id, hex_encode(source->id, sizeof source->id, id)));
    json_put_str(out, "kind", view->kind);
    json_put_str(out, "name", view->name);
    json_put_str(out, "host", view->host);
    json_put_int(out, "object_id", source->object);
    json_put_str(out, "object", object_name(ask, source->object));
    json_put_int(out, "known_ns", source->known_ns);
    json_put_bool(out, "due", view->due);
    json_put_u64(out, "records", source->records);
    annex_classes_put(out, "classes", source->classes);
    annex_classes_put(out, "set", source->set);
    json_put_u64(out, "missing", missing_count(source));
}

static struct annex_source *source_asked(struct ask *ask)
{
    uint8_t id[16];
    struct annex_source *source = hex_decode(ask_str(ask, "id"), id, sizeof id) ? annex_source_of(ask->desk, id) : NULL;
    if (!source)
        ask_refuse(ask, "not_found", "no such source has sent anything");
    return source;
}

void ask_coverage_source(struct ask *ask)
{
    struct annex_source *source = ready(ask) ? source_asked(ask) : NULL;
    if (!source)
        return;
    struct buf *out = ask->out;
    const struct annex_view *view = annex_look(ask->desk, source, ask->now_ns);
    int64_t days = MAX((ask->now_ns - source->known_ns) / DAY_NS, 1);
    json_put_int(out, "days", ask->desk->annex->after_ns / DAY_NS);
    json_write_key(out, "source");
    json_write_object(out);
    source_members(ask, view);
    json_put_str(out, "reason", view->reason);
    json_put_str(out, "who", view->who);
    json_put_int(out, "changed_ns", view->changed_ns);
    json_put_bool(out, "may_change", (role_rights(ask->role) & RIGHT_OBJECTS) != 0);
    json_write_key(out, "derived");
    json_write_array(out);
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++) {
        if (!view->class_records[class])
            continue;
        json_write_object(out);
        json_put_text(out, "class", annex_class_key((enum annex_class) class));
        json_put_u64(out, "records", view->class_records[class]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_key(out, "matrix");
    json_write_array(out);
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++)
        if (source->classes & 1u << class)
            class_put(ask, view, class, days);
    json_write_array_end(out);
    json_write_object_end(out);
}

/* --- lists --- */

struct filter {
    int64_t object; /* 0: any */
    unsigned class; /* ANNEX_CLASS_COUNT: any */
    bool missing;
};

static bool passes(const struct annex_source *source, const struct filter *filter)
{
    if (filter->object && source->object != filter->object)
        return false;
    if (filter->class < ANNEX_CLASS_COUNT && !(source->classes & 1u << filter->class))
        return false;
    return !filter->missing || missing_count(source) > 0;
}

struct group {
    int64_t object;
    uint64_t sources, with_missing, missing;
};

static struct group *group_of(struct map *map, struct group *groups, size_t *count, int64_t object)
{
    uint64_t *place = map_put(map, str_at(&object, sizeof object));
    if (!place)
        return NULL;
    if (*place == 0) {
        groups[*count].object = object;
        *place = ++*count;
    }
    return &groups[*place - 1];
}

static void objects_put(struct ask *ask)
{
    const struct desk_annex *annex = ask->desk->annex;
    struct group *groups = arena_alloc_array(ask->arena, OBJECT_GROUPS, sizeof *groups);
    struct map *map = map_new(OBJECT_GROUPS, 1);
    size_t count = 0;
    for (size_t i = 0; i < annex->count && groups && map; i++) {
        const struct annex_source *source = &annex->source[i];
        struct group *group = source->is_judged ? group_of(map, groups, &count, source->object) : NULL;
        if (!group)
            continue;
        group->sources++;
        group->with_missing += missing_count(source) > 0;
        group->missing += missing_count(source);
    }
    json_write_key(ask->out, "objects");
    json_write_array(ask->out);
    for (size_t i = 0; i < MIN(count, (size_t)LIST_MAX); i++) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", groups[i].object);
        json_put_str(ask->out, "name", object_name(ask, groups[i].object));
        json_put_u64(ask->out, "sources", groups[i].sources);
        json_put_u64(ask->out, "with_missing", groups[i].with_missing);
        json_put_u64(ask->out, "missing", groups[i].missing);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    map_free(map);
}

static void totals_put(struct ask *ask, uint64_t listed)
{
    const struct desk_annex *annex = ask->desk->annex;
    uint64_t with_missing = 0, missing = 0, waiting = 0;
    for (size_t i = 0; i < annex->count; i++) {
        with_missing += missing_count(&annex->source[i]) > 0;
        missing += missing_count(&annex->source[i]);
        waiting += ask->now_ns - annex->source[i].known_ns < annex->after_ns;
    }
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    json_put_u64(ask->out, "sources", annex->count);
    json_put_u64(ask->out, "listed", listed);
    json_put_u64(ask->out, "with_missing", with_missing);
    json_put_u64(ask->out, "missing", missing);
    json_put_u64(ask->out, "waiting", waiting);
    json_put_u64(ask->out, "lost", annex->lost);
    json_write_object_end(ask->out);
}

void ask_coverage_list(struct ask *ask)
{
    struct desk_annex *annex = ask->desk->annex;
    struct filter filter = {.object = ask_int(ask, "object"),
                            .class = annex_class_find(ask_str(ask, "class")),
                            .missing = str_is(ask_str(ask, "only"), "missing")};
    int64_t offset = MAX(ask_int(ask, "offset"), 0);
    int64_t limit = ask_int(ask, "limit");
    uint64_t listed = 0;
    if (!ready(ask))
        return;
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    judged_make(ask);
    json_put_int(ask->out, "days", annex->after_ns / DAY_NS);
    json_write_key(ask->out, "sources");
    json_write_array(ask->out);
    for (size_t i = 0; i < annex->count; i++) {
        if (!passes(&annex->source[i], &filter) || (int64_t)listed++ < offset || (int64_t)listed > offset + limit)
            continue;
        json_write_object(ask->out);
        source_members(ask, annex_look(ask->desk, &annex->source[i], ask->now_ns));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    objects_put(ask);
    totals_put(ask, listed);
}

/* --- an object --- */

static void object_class_put(struct ask *ask, int64_t object, unsigned class)
{
    const struct desk_annex *annex = ask->desk->annex;
    uint64_t seen[ANNEX_CLASS_ROWS] = {0}, missing[ANNEX_CLASS_ROWS] = {0};
    uint64_t sources = 0;
    for (size_t i = 0; i < annex->count; i++) {
        const struct annex_source *source = &annex->source[i];
        if (source->object != object || !(source->classes & 1u << class))
            continue;
        sources++;
        for (size_t k = 0; k < class_rows(&annex->table, class); k++) {
            seen[k] += source->seen[class] >> k & 1;
            missing[k] += source->missing[class] >> k & 1;
        }
    }
    if (sources == 0)
        return;
    json_write_object(ask->out);
    json_put_text(ask->out, "class", annex_class_key((enum annex_class) class));
    json_put_u64(ask->out, "sources", sources);
    json_write_key(ask->out, "rows");
    json_write_array(ask->out);
    for (size_t k = 0; k < class_rows(&annex->table, class); k++) {
        const struct annex_row *row = &annex->table.row[annex->table.first[class] + k];
        json_write_object(ask->out);
        json_put_text(ask->out, "what", annex_what_key(row->what));
        json_put_str(ask->out, "key", row->key);
        json_put_text(ask->out, "must", annex_must_key(row->must));
        json_put_str(ask->out, "paragraph", row->paragraph);
        json_put_u64(ask->out, "seen", seen[k]);
        json_put_u64(ask->out, "missing", missing[k]);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    json_write_object_end(ask->out);
}

void ask_coverage_object(struct ask *ask)
{
    int64_t object = ask_int(ask, "object");
    struct str name = object_name(ask, object);
    if (!ready(ask))
        return;
    if (name.n == 0) {
        ask_refuse(ask, "not_found", "no such object");
        return;
    }
    judged_make(ask);
    json_put_int(ask->out, "object_id", object);
    json_put_str(ask->out, "object", name);
    json_write_key(ask->out, "matrix");
    json_write_array(ask->out);
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++)
        object_class_put(ask, object, class);
    json_write_array_end(ask->out);
}

/* --- classes that a person sets --- */

static bool classes_asked(struct ask *ask, unsigned *ret_classes)
{
    const struct json_value *list = json_get(ask->question, "classes");
    *ret_classes = 0;
    if (!list || list->kind != JSON_ARRAY) {
        ask_invalid(ask, "classes", "the classes are not a list");
        return false;
    }
    for (const struct json_value *value = json_first(list); value; value = value->next) {
        enum annex_class class = annex_class_find(json_str(value, STR("")));
        if (class == ANNEX_CLASS_COUNT) {
            ask_invalid(ask, "classes", "no such class");
            return false;
        }
        *ret_classes |= 1u << class;
    }
    return true;
}

void ask_coverage_set(struct ask *ask)
{
    struct annex_source *source = ready(ask) ? source_asked(ask) : NULL;
    unsigned classes = 0;
    char id[32];
    if (!source || !classes_asked(ask, &classes))
        return;
    struct str reason = rule_reason(ask);
    if (ask->error)
        return;
    unsigned was = source->set;
    struct db_query q = db_query(ask->desk->db, "UPDATE annex_source SET classes = ?2, reason = ?3, who = ?4,"
                                                " changed_ns = ?5 WHERE source = ?1");
    db_put_blob(&q, str_at(source->id, sizeof source->id));
    db_put_i64(&q, classes);
    db_put_text(&q, reason);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    const struct annex_view *view = annex_look(ask->desk, source, ask->now_ns);
    struct buf *body = desk_record_begin(ask->desk, "coverage.class", ask->who, ask->now_ns);
    json_put_str(body, "id", str_at(id, hex_encode(source->id, sizeof source->id, id)));
    json_put_str(body, "source", view->name);
    json_put_str(body, "kind", view->kind);
    annex_classes_put(body, "was", was);
    annex_classes_put(body, "classes", classes);
    desk_record_end(ask->desk, 0, reason);
}
