#include "desk/annex_desk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"

#include <string.h>

#define PASS_NS    (10 * SECOND_NS)
#define AT_ONCE    64u
#define TOLD_BYTES ((size_t)8 << 10)
#define DAY_NS     (DAY_S * SECOND_NS)

_Static_assert(ANNEX_FIELD_COUNT == 11, "the statements below have a column for every field");

bool desk_annex_new(struct desk *desk)
{
    desk->annex = memory_new(sizeof *desk->annex);
    if (desk->annex)
        desk->annex->index = map_new(DESK_SOURCES_MAX, 1);
    return desk->annex && desk->annex->index;
}

void desk_annex_free(struct desk *desk)
{
    if (!desk->annex)
        return;
    map_free(desk->annex->index);
    memory_free(desk->annex->source);
    memory_free(desk->annex);
    desk->annex = NULL;
}

void desk_annex_after(struct desk *desk, int64_t days)
{
    desk->annex->after_ns = days * DAY_NS;
}

enum rc desk_annex_read(struct desk *desk, const struct desk_data *data, struct err *err)
{
    struct desk_annex *annex = desk->annex;
    struct str kinds = arena_str(desk->arena, data->event_kinds);
    struct str rows = arena_str(desk->arena, data->annex4);
    enum rc rc = kinds.p && rows.p ? annex_read(kinds, rows, desk->arena, &annex->table, err)
                                   : err_set(err, RC_LIMIT, "out of memory for annex4.tsv");
    for (size_t i = 0; i < ANNEX_CLASS_COUNT && rc == RC_OK; i++) {
        struct annex_seen *seen = &annex->view.seen[i];
        seen->kind = arena_alloc_array(desk->arena, annex->table.kind_count, sizeof *seen->kind);
        if (!seen->kind)
            rc = err_set(err, RC_LIMIT, "out of memory for annex4.tsv");
    }
    annex->is_on = rc == RC_OK;
    return rc;
}

/* --- sources --- */

struct annex_source *annex_source_of(const struct desk *desk, const uint8_t id[16])
{
    const uint64_t *place = map_get(desk->annex->index, str_at(id, 16));
    return place ? &desk->annex->source[*place] : NULL;
}

static struct annex_source *source_add(struct desk_annex *annex, const uint8_t id[16])
{
    if (annex->count == annex->room) {
        size_t room = MIN(MAX(annex->room * 2, (size_t)64), (size_t)DESK_SOURCES_MAX);
        struct annex_source *grown = room > annex->room ? memory_resize(annex->source, room * sizeof *grown) : NULL;
        if (!grown)
            return NULL;
        annex->source = grown;
        annex->room = room;
    }
    uint64_t *place = map_put(annex->index, str_at(id, 16));
    if (!place)
        return NULL;
    *place = annex->count;
    struct annex_source *source = &annex->source[annex->count++];
    memset(source, 0, sizeof *source);
    memcpy(source->id, id, sizeof source->id);
    return source;
}

void annex_load(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT source, known_ns, classes FROM annex_source");
    while (db_next(&q)) {
        struct str id = db_text(&q);
        struct annex_source *source = id.n == 16 ? source_add(desk->annex, (const uint8_t *)id.p) : NULL;
        if (!source)
            continue;
        source->known_ns = db_i64(&q);
        source->set = (unsigned)db_i64(&q);
    }
}

/* --- counts come in --- */

static int64_t bounded(uint64_t count)
{
    return (int64_t)MIN(count, UINT64_C(1) << 50);
}

static void source_store(struct desk *desk, const struct desk_annex_count *row)
{
    struct str kind = STR(""), name = STR(""), host = STR("");
    if (annex_source_of(desk, row->source))
        return;
    IGNORE(desk_source_names(desk, row->source, &kind, &name, &host)); /* else the watch learns them */
    struct db_query q = db_query(desk->db, "INSERT INTO annex_source (source, kind, name, host, known_ns, classes,"
                                           " reason, who, changed_ns) VALUES (?1, ?2, ?3, ?4, ?5, 0, '', '', 0)"
                                           " ON CONFLICT (source) DO UPDATE SET known_ns ="
                                           " min(known_ns, excluded.known_ns)");
    db_put_blob(&q, str_at(row->source, sizeof row->source));
    db_put_text(&q, kind);
    db_put_text(&q, name);
    db_put_text(&q, host);
    db_put_i64(&q, row->count.first_ns);
    db_run(&q);
}

static void count_store(struct desk *desk, const struct desk_annex_count *row)
{
    const struct annex_count *count = &row->count;
    struct db_query q = db_query(
        desk->db,
        "INSERT INTO annex_count VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
        " ?18, ?19, ?20, ?21, ?22) ON CONFLICT (source, class, kind, parser) DO UPDATE SET"
        " records = min(records + excluded.records, 1 << 60), failed = min(failed + excluded.failed, 1 << 60),"
        " first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns),"
        " failed_ns = max(failed_ns, excluded.failed_ns),"
        " not_utf8 = min(not_utf8 + excluded.not_utf8, 1 << 60),"
        " not_text = min(not_text + excluded.not_text, 1 << 60), n_time = min(n_time + excluded.n_time, 1 << 60),"
        " n_host = min(n_host + excluded.n_host, 1 << 60), n_service = min(n_service + excluded.n_service, 1 << 60),"
        " n_account = min(n_account + excluded.n_account, 1 << 60),"
        " n_user_address = min(n_user_address + excluded.n_user_address, 1 << 60),"
        " n_src = min(n_src + excluded.n_src, 1 << 60), n_dst = min(n_dst + excluded.n_dst, 1 << 60),"
        " n_object = min(n_object + excluded.n_object, 1 << 60), n_start = min(n_start + excluded.n_start, 1 << 60),"
        " n_end = min(n_end + excluded.n_end, 1 << 60),"
        " n_description = min(n_description + excluded.n_description, 1 << 60)");
    db_put_blob(&q, str_at(row->source, sizeof row->source));
    db_put_text(&q, str_of(annex_class_key(row->class)));
    db_put_text(&q, row->kind.n ? row->kind : STR(""));
    db_put_text(&q, desk_cut(row->parser, ANNEX_PARSER_MAX - 1));
    db_put_i64(&q, bounded(count->records));
    db_put_i64(&q, bounded(count->failed));
    db_put_i64(&q, count->first_ns);
    db_put_i64(&q, count->last_ns);
    db_put_i64(&q, count->failed_ns);
    db_put_i64(&q, bounded(count->not_utf8));
    db_put_i64(&q, bounded(count->not_text));
    for (size_t i = 0; i < ANNEX_FIELD_COUNT; i++)
        db_put_i64(&q, bounded(count->field[i]));
    db_run(&q);
}

/* Kinds are those of the table, so that rows of a source have a bound. */
static bool is_known_kind(const struct desk_annex *annex, struct str kind)
{
    return kind.n == 0 || annex_kind_find(&annex->table, kind);
}

void annex_store(struct desk *desk, const struct desk_annex_count *counts, size_t n)
{
    struct desk_annex *annex = desk->annex;
    for (size_t i = 0; i < n && annex->is_on && !db_failed(desk->db); i++) {
        bool room = annex_source_of(desk, counts[i].source) || annex->count + n <= DESK_SOURCES_MAX;
        if (!room || !is_known_kind(annex, counts[i].kind))
            continue;
        source_store(desk, &counts[i]);
        count_store(desk, &counts[i]);
    }
}

void annex_remember(struct desk *desk, const struct desk_annex_count *counts, size_t n)
{
    struct desk_annex *annex = desk->annex;
    bool room = annex->count + n <= DESK_SOURCES_MAX; /* as annex_store saw it */
    for (size_t i = 0; i < n && annex->is_on; i++) {
        struct annex_source *source = annex_source_of(desk, counts[i].source);
        bool fresh = !source;
        if (!is_known_kind(annex, counts[i].kind))
            continue;
        source = !source && room ? source_add(annex, counts[i].source) : source;
        if (!source)
            annex->lost += counts[i].count.records;
        else if (fresh || counts[i].count.first_ns < source->known_ns)
            source->known_ns = counts[i].count.first_ns;
    }
}

/* --- looking at one --- */

static void names_read(struct desk *desk, struct annex_view *view)
{
    struct db_query q = db_query(desk->db, "SELECT kind, name, host, reason, who, changed_ns, classes FROM annex_source"
                                           " WHERE source = ?1");
    struct str kind, name, host;
    db_put_blob(&q, str_at(view->source->id, sizeof view->source->id));
    view->kind = view->name = view->host = view->reason = view->who = STR("");
    if (db_next(&q)) {
        view->kind = db_text_copy(&q, desk->scratch);
        view->name = db_text_copy(&q, desk->scratch);
        view->host = db_text_copy(&q, desk->scratch);
        view->reason = db_text_copy(&q, desk->scratch);
        view->who = db_text_copy(&q, desk->scratch);
        view->changed_ns = db_i64(&q);
        view->source->set = (unsigned)db_i64(&q);
    }
    db_query_end(&q);
    if (!desk_source_names(desk, view->source->id, &kind, &name, &host))
        return;
    view->kind = kind.n ? kind : view->kind;
    view->name = name.n ? name : view->name;
    view->host = host.n ? host : view->host;
}

/* What a source is called may be known later than what it sent. */
static bool names_store(struct desk *desk, const struct annex_view *view)
{
    struct db_query q = db_query(desk->db, "UPDATE annex_source SET kind = ?2, name = ?3, host = ?4 WHERE source = ?1"
                                           " AND (kind <> ?2 OR name <> ?3 OR host <> ?4)");
    db_put_blob(&q, str_at(view->source->id, sizeof view->source->id));
    db_put_text(&q, view->kind);
    db_put_text(&q, view->name);
    db_put_text(&q, view->host);
    return db_run(&q) > 0;
}

static void class_records_read(struct desk *desk, struct annex_view *view)
{
    struct db_query q =
        db_query(desk->db, "SELECT class, sum(records) FROM annex_count WHERE source = ?1 GROUP BY class");
    db_put_blob(&q, str_at(view->source->id, sizeof view->source->id));
    memset(view->class_records, 0, sizeof view->class_records);
    while (db_next(&q)) {
        enum annex_class class = annex_class_find(db_text(&q));
        uint64_t records = (uint64_t)db_i64(&q);
        if (class < ANNEX_CLASS_COUNT)
            view->class_records[class] = records;
    }
}

static void counts_read(struct desk *desk, struct annex_view *view)
{
    const struct annex *table = &desk->annex->table;
    struct db_query q = db_query(desk->db, "SELECT class, kind, parser, records, failed, first_ns, last_ns, failed_ns,"
                                           " not_utf8, not_text, n_time, n_host, n_service, n_account, n_user_address,"
                                           " n_src, n_dst, n_object, n_start, n_end, n_description FROM annex_count"
                                           " WHERE source = ?1");
    db_put_blob(&q, str_at(view->source->id, sizeof view->source->id));
    while (db_next(&q)) {
        enum annex_class class = annex_class_find(db_text(&q));
        uint32_t kind = annex_kind_find(table, db_text(&q));
        char parser[ANNEX_PARSER_MAX];
        struct annex_count count = {0};
        IGNORE(str_copy_z(db_text(&q), parser, sizeof parser)); /* it was cut to fit */
        count.records = (uint64_t)db_i64(&q);
        count.failed = (uint64_t)db_i64(&q);
        count.first_ns = db_i64(&q);
        count.last_ns = db_i64(&q);
        count.failed_ns = db_i64(&q);
        count.not_utf8 = (uint64_t)db_i64(&q);
        count.not_text = (uint64_t)db_i64(&q);
        for (size_t i = 0; i < ANNEX_FIELD_COUNT; i++)
            count.field[i] = (uint64_t)db_i64(&q);
        if (class == ANNEX_CLASS_COUNT || !(view->source->classes & 1u << class))
            class = view->main;
        annex_formats_add(&view->formats, str_of(parser), count.records);
        annex_seen_add(&view->seen[class], kind, str_of(parser), &count);
    }
}

static void cells_judge(const struct annex *table, struct annex_view *view)
{
    struct annex_source *source = view->source;
    source->records = 0;
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++) {
        source->seen[class] = source->missing[class] = 0;
        source->records += view->class_records[class];
        if (!(source->classes & 1u << class))
            continue;
        annex_judge(table, (enum annex_class) class, &view->seen[class], view->due, view->cell[class]);
        for (size_t i = 0; i < table->first[class + 1] - table->first[class]; i++) {
            enum annex_state state = view->cell[class][i].state;
            source->seen[class] |= (uint64_t)(state == ANNEX_SEEN) << i;
            source->missing[class] |= (uint64_t)(state == ANNEX_MISSING) << i;
        }
    }
}

struct annex_view *annex_look(struct desk *desk, struct annex_source *source, int64_t now_ns)
{
    struct desk_annex *annex = desk->annex;
    struct annex_view *view = &annex->view;
    view->source = source;
    view->due = now_ns - source->known_ns >= annex->after_ns;
    names_read(desk, view);
    class_records_read(desk, view);
    source->classes = annex_classes(view->class_records, source->set, &view->main);
    bool is_file = str_is(view->kind, "file") || str_is(view->kind, "import");
    view->formats.count = 0;
    for (size_t i = 0; i < ANNEX_CLASS_COUNT; i++)
        annex_seen_clear(&annex->table, &view->seen[i], is_file ? &view->formats : NULL);
    counts_read(desk, view);
    cells_judge(&annex->table, view);
    source->object = assets_object(desk, view->host, view->name);
    source->is_judged = true;
    return view;
}

/* --- what is told --- */

static bool list_has(struct str list, struct str item)
{
    while (list.n)
        if (str_eq(str_cut(&list, ','), item))
            return true;
    return false;
}

/* "what:key" of every finding, each once. */
static void missing_write(const struct annex *table, const struct annex_view *view, unsigned class, struct buf *out)
{
    for (size_t i = 0; i < table->first[class + 1] - table->first[class]; i++) {
        const struct annex_row *row = &table->row[table->first[class] + i];
        char item[96];
        struct buf one;
        if (view->cell[class][i].state != ANNEX_MISSING)
            continue;
        buf_init_fixed(&one, item, sizeof item);
        buf_format(&one, "%s:%.*s", annex_what_key(row->what), STR_ARG(row->key));
        if (list_has(buf_view(out), buf_view(&one)))
            continue;
        buf_text(out, out->n ? "," : "");
        buf_str(out, buf_view(&one));
    }
}

static struct str told_read(struct desk *desk, const struct annex_view *view, unsigned class)
{
    struct db_query q = db_query(desk->db, "SELECT missing FROM annex_told WHERE source = ?1 AND class = ?2");
    struct str told = STR("");
    db_put_blob(&q, str_at(view->source->id, sizeof view->source->id));
    db_put_text(&q, str_of(annex_class_key((enum annex_class) class)));
    if (db_next(&q))
        told = db_text_copy(&q, desk->scratch);
    db_query_end(&q);
    return told;
}

static void told_store(struct desk *desk, const struct annex_view *view, unsigned class, struct str missing,
                       int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "INSERT INTO annex_told (source, class, missing, since_ns)"
                                           " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (source, class) DO UPDATE SET"
                                           " missing = excluded.missing, since_ns = excluded.since_ns");
    db_put_blob(&q, str_at(view->source->id, sizeof view->source->id));
    db_put_text(&q, str_of(annex_class_key((enum annex_class) class)));
    db_put_text(&q, missing);
    db_put_i64(&q, now_ns);
    db_run(&q);
}

/* What is in one list and not in the other, as a JSON array. Returns how many. */
static size_t difference_put(struct buf *body, const char *key, struct str list, struct str without)
{
    size_t count = 0;
    json_write_key(body, key);
    json_write_array(body);
    while (list.n) {
        struct str item = str_cut(&list, ',');
        if (list_has(without, item))
            continue;
        json_write_str(body, item);
        count++;
    }
    json_write_array_end(body);
    return count;
}

static bool class_tell(struct desk *desk, const struct annex_view *view, unsigned class, int64_t now_ns)
{
    char storage[TOLD_BYTES];
    char id[32];
    struct buf missing;
    struct str told = told_read(desk, view, class);
    buf_init_fixed(&missing, storage, sizeof storage);
    if (view->source->classes & 1u << class)
        missing_write(&desk->annex->table, view, class, &missing);
    if (missing.overflow || str_eq(told, buf_view(&missing)))
        return false;
    struct buf *body = desk_record_begin(desk, "coverage.changed", STR_NONE, now_ns);
    json_put_str(body, "id", str_at(id, hex_encode(view->source->id, sizeof view->source->id, id)));
    json_put_str(body, "source", view->name);
    json_put_str(body, "kind", view->kind);
    json_put_str(body, "host", view->host);
    json_put_text(body, "class", annex_class_key((enum annex_class) class));
    json_put_int(body, "known_ns", view->source->known_ns);
    difference_put(body, "missing", buf_view(&missing), told);
    difference_put(body, "met", told, buf_view(&missing));
    desk_record_end(desk, 0, STR_NONE);
    told_store(desk, view, class, buf_view(&missing), now_ns);
    return true;
}

enum rc desk_watch_annex(struct desk *desk, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct desk_annex *annex = desk->annex;
    bool fresh = annex->next >= annex->count;
    if (!annex->is_on || annex->count == 0 || (fresh && now_ns - annex->pass_ns < PASS_NS && now_ns >= annex->pass_ns))
        return RC_OK;
    if (desk->outgoing >= (int64_t)DESK_OUTGOING_MAX / 2)
        return RC_OK; /* it can wait, others cannot */
    if (fresh) {
        annex->next = 0;
        annex->pass_ns = now_ns;
    }
    bool changed = false;
    enum rc rc = desk_begin(desk, err);
    for (size_t i = 0; i < AT_ONCE && annex->next < annex->count && rc == RC_OK && !db_failed(desk->db); i++) {
        const struct annex_view *view = annex_look(desk, &annex->source[annex->next++], now_ns);
        changed = names_store(desk, view) || changed;
        for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++)
            changed = class_tell(desk, view, class, now_ns) || changed;
    }
    return rc == RC_OK ? desk_end(desk, changed, err) : rc;
}

void annex_classes_put(struct buf *out, const char *key, unsigned classes)
{
    json_write_key(out, key);
    json_write_array(out);
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++)
        if (classes & 1u << class)
            json_write_text(out, annex_class_key((enum annex_class) class));
    json_write_array_end(out);
}

size_t annex_bits(uint64_t bits)
{
    return (size_t)__builtin_popcountll(bits);
}
