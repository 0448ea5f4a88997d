/* Reading the tables. One `struct loader` lives for the time of mapping_load; everything that stays is in the mapping's
 * arena. The grammar of the cells is described in mapping.h and doc/add-a-parser.md. */
#include "base/buf.h"
#include "codec/tsv.h"
#include "event/mapping_loader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAPPING_LIMIT ((size_t)64 << 20)
#define FILE_LIMIT    ((size_t)4 << 20)
#define SLOTS_MAX     16384
#define CHECK_MEMORY  ((size_t)4 << 20) /* of one row */
#define KEYS_MAX      65536

enum rc loader_memory(struct loader *loader)
{
    return err_set(loader->err, RC_LIMIT, "not enough memory for the mapping tables");
}

static enum rc slot_for(struct loader *loader, struct str name, uint32_t *ret_slot)
{
    name = str_trim(name);
    uint32_t id = names_put(loader->names, name);
    if (!id)
        return err_set(loader->err, RC_INVALID, "field name \"%.*s\" is empty or too long", STR_ARG(name));
    if (!loader->slot_of[id]) {
        if (loader->mapping->slot_count == SLOTS_MAX)
            return err_set(loader->err, RC_LIMIT, "more than %d field names", SLOTS_MAX);
        loader->slot_of[id] = (uint16_t)++loader->mapping->slot_count;
    }
    *ret_slot = loader->slot_of[id];
    return RC_OK;
}

static enum rc link_add(struct loader *loader, struct links *links, uint32_t list, const void *row)
{
    if (links->count == links->room) {
        uint32_t room = MAX(links->room * 2, 256);
        struct link *link = memory_resize(links->link, room * sizeof *link);
        if (!link)
            return loader_memory(loader);
        links->link = link;
        links->room = room;
    }
    links->link[links->count++] = (struct link){list, row};
    return RC_OK;
}

enum rc loader_key(struct loader *loader, struct map *map, struct links *links, struct str key, const void *row)
{
    char lower[MAPPING_KEY_MAX];
    if (key.n > sizeof lower)
        return err_set(loader->err, RC_LIMIT, "selector \"%.40s...\" is longer than %d bytes", key.p, MAPPING_KEY_MAX);
    for (size_t i = 0; i < key.n; i++)
        lower[i] = char_lower(key.p[i]);
    uint64_t *at = map_put(map, str_at(lower, key.n));
    if (!at)
        return loader_memory(loader);
    if (!*at)
        *at = ++links->lists;
    return link_add(loader, links, (uint32_t)*at, row);
}

/* --- when --- */

static enum rc condition_add(struct loader *loader, struct row *row, enum condition_kind kind, struct str name,
                             struct str values)
{
    struct arena *arena = loader->mapping->arena;
    struct condition *grown = arena_grow(arena, row->condition, row->condition_count * sizeof *grown,
                                         (row->condition_count + 1) * sizeof *grown);
    if (!grown)
        return loader_memory(loader);
    row->condition = grown;
    struct condition *condition = &grown[row->condition_count++];
    *condition = (struct condition){.kind = kind};
    enum rc rc = slot_for(loader, name, &condition->slot);
    uint32_t count = 1;
    for (size_t i = 0; i < values.n; i++)
        count += values.p[i] == '|';
    condition->value = arena_alloc_array(arena, count, sizeof(struct str));
    if (!condition->value)
        return loader_memory(loader);
    while (values.p)
        condition->value[condition->value_count++] = arena_str(arena, str_trim(str_cut(&values, '|')));
    return rc;
}

static enum rc condition_read(struct loader *loader, struct row *row, struct str item)
{
    struct str values = item;
    struct str name = str_trim(str_cut(&values, '='));
    if (!values.p || !name.n)
        return err_set(loader->err, RC_INVALID, "condition \"%.*s\" is not name=value", STR_ARG(item));
    bool has = str_is(name, "has");
    if (has || str_is(name, "lacks")) {
        enum rc rc = RC_OK;
        while (values.p && rc == RC_OK)
            rc = condition_add(loader, row, has ? CONDITION_HAS : CONDITION_LACKS, str_cut(&values, '|'), STR_NONE);
        return rc;
    }
    if (name.p[name.n - 1] == '^')
        return condition_add(loader, row, CONDITION_STARTS, str_slice(name, 0, name.n - 1), values);
    if (name.p[name.n - 1] == '*')
        return condition_add(loader, row, CONDITION_CONTAINS, str_slice(name, 0, name.n - 1), values);
    return condition_add(loader, row, CONDITION_EQUALS, name, values);
}

/* One selector value, alone or with each of the ids behind it. */
static enum rc select_add(struct loader *loader, struct row *row, struct str name, struct str value, struct str ids)
{
    char key[MAPPING_KEY_MAX];
    enum rc rc = RC_OK;
    do {
        struct str id = str_trim(str_cut(&ids, '|'));
        int n =
            snprintf(key, sizeof key, "%.*s=%.*s%s%.*s", STR_ARG(name), STR_ARG(value), id.n ? "/" : "", STR_ARG(id));
        if (n < 0 || (size_t)n >= sizeof key)
            return err_set(loader->err, RC_LIMIT, "selector value is longer than %d bytes", MAPPING_KEY_MAX);
        rc = loader_key(loader, loader->mapping->lists, &loader->rows, str_at(key, (size_t)n), row);
    } while (rc == RC_OK && ids.p);
    return rc;
}

static enum rc file_add(struct loader *loader, struct str suffix, const struct row *row)
{
    uint32_t at = loader->files.count;
    if (at == ARRAY_LEN(loader->suffix))
        return err_set(loader->err, RC_LIMIT, "more than %zu file selectors", ARRAY_LEN(loader->suffix));
    loader->suffix[at] = arena_str(loader->mapping->arena, suffix);
    return link_add(loader, &loader->files, at, row);
}

static enum rc when_read(struct loader *loader, struct row *row, struct str when)
{
    static const char *const selectors[] = {"channel", "program", "format", "audit", "cef", "leef", "file"};
    struct str values = str_cut(&when, ';');
    struct str name = str_trim(str_cut(&values, '='));
    struct str ids = STR_NONE;
    size_t known = 0;
    while (known < ARRAY_LEN(selectors) && !str_is(name, selectors[known]))
        known++;
    if (known == ARRAY_LEN(selectors) || !values.p)
        return err_set(
            loader->err, RC_INVALID,
            "\"%.*s\" is no selector: channel, program, format, audit, cef, leef or file, and =", STR_ARG(name));
    if (known == 0 && str_starts(str_trim(when), STR("id="))) {
        ids = str_skip(str_trim(str_cut(&when, ';')), 3);
    }
    enum rc rc = RC_OK;
    while (when.p && rc == RC_OK) {
        struct str item = str_trim(str_cut(&when, ';'));
        if (item.n)
            rc = condition_read(loader, row, item);
    }
    while (values.p && rc == RC_OK) {
        struct str value = str_trim(str_cut(&values, '|'));
        rc = str_is(name, "file") ? file_add(loader, value, row) : select_add(loader, row, name, value, ids);
    }
    return rc;
}

/* --- set --- */

static enum rc transform_read(struct loader *loader, struct set *set, struct str text)
{
    static const struct {
        const char *name;
        enum transform transform;
    } known[] = {
        {"decimal", TRANSFORM_DECIMAL}, {"device", TRANSFORM_DEVICE}, {"registry", TRANSFORM_REGISTRY},
        {"join", TRANSFORM_JOIN},       {"map", TRANSFORM_MAP},       {"time", TRANSFORM_TIME},
        {"lower", TRANSFORM_LOWER},
    };
    struct str argument = text;
    struct str name = str_cut(&argument, '(');
    if (argument.p && argument.n && argument.p[argument.n - 1] == ')')
        argument.n--;
    set->argument = arena_str(loader->mapping->arena, argument);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(name, known[i].name)) {
            set->transform = known[i].transform;
            return RC_OK;
        }
    return err_set(loader->err, RC_INVALID, "unknown transformation \"%.*s\"", STR_ARG(name));
}

static enum rc target_read(struct loader *loader, struct set *set, struct str target)
{
    if (str_is(target, "@time")) {
        set->target = TARGET_TIME;
        return RC_OK;
    }
    if (str_starts(target, STR("@"))) {
        set->target = TARGET_STATUTORY;
        set->number = statutory_find(str_skip(target, 1));
        if (set->number == STATUTORY_COUNT)
            return err_set(loader->err, RC_INVALID, "unknown statutory field \"%.*s\"", STR_ARG(target));
        return RC_OK;
    }
    set->target = TARGET_FIELD;
    enum rc rc = slot_for(loader, target, &set->slot);
    set->number = names_find(loader->names, target);
    return rc;
}

static enum rc sources_read(struct loader *loader, struct set *set, struct str sources)
{
    size_t as = str_search(sources, STR(" as "));
    enum rc rc = RC_OK;
    if (as < sources.n)
        rc = transform_read(loader, set, str_trim(str_skip(sources, as + 4)));
    sources = str_slice(sources, 0, as);
    while (sources.p && rc == RC_OK) {
        if (set->source_count == MAPPING_SOURCES)
            return err_set(loader->err, RC_LIMIT, "more than %d fields in one set", MAPPING_SOURCES);
        rc = slot_for(loader, str_cut(&sources, '|'), &set->source[set->source_count++]);
    }
    return rc;
}

static enum rc set_read(struct loader *loader, struct set *set, struct str item)
{
    size_t arrow = str_search(item, STR("<-"));
    size_t equals = str_find(item, '=');
    bool copies = arrow < item.n && arrow < equals;
    if (!copies && equals == item.n)
        return err_set(loader->err, RC_INVALID, "\"%.*s\" is neither name<-field nor name=constant", STR_ARG(item));
    enum rc rc = target_read(loader, set, str_trim(str_slice(item, 0, copies ? arrow : equals)));
    if (rc != RC_OK)
        return rc;
    if (copies)
        return sources_read(loader, set, str_trim(str_skip(item, arrow + 2)));
    set->constant = arena_str(loader->mapping->arena, str_trim(str_skip(item, equals + 1)));
    return set->constant.p ? RC_OK : loader_memory(loader);
}

enum rc loader_sets(struct loader *loader, struct row *row, struct str sets)
{
    uint32_t count = 1;
    for (size_t i = 0; i < sets.n; i++)
        count += sets.p[i] == ';';
    row->set = arena_alloc_array(loader->mapping->arena, count, sizeof *row->set);
    if (!row->set)
        return loader_memory(loader);
    while (sets.p) {
        struct str item = str_trim(str_cut(&sets, ';'));
        if (!item.n)
            continue;
        enum rc rc = set_read(loader, &row->set[row->set_count++], item);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

/* --- tables --- */

static uint32_t word_id(struct loader *loader, struct str word)
{
    return word.n ? names_put(loader->names, word) : 0;
}

enum rc loader_kind(struct loader *loader, struct row *row, struct str kind, struct str outcome)
{
    struct arena *arena = loader->mapping->arena;
    if (kind.n && !map_get(loader->kinds, kind))
        return err_set(loader->err, RC_INVALID, "kind \"%.*s\" is not in event_kinds.tsv", STR_ARG(kind));
    if (outcome.n && !str_is(outcome, "success") && !str_is(outcome, "failure") && !str_is(outcome, "unknown"))
        return err_set(loader->err, RC_INVALID, "outcome \"%.*s\" is none of success, failure, unknown",
                       STR_ARG(outcome));
    row->kind = kind.n ? arena_str(arena, kind) : STR_NONE;
    row->outcome = outcome.n ? arena_str(arena, outcome) : STR_NONE;
    return RC_OK;
}

static enum rc kinds_row(struct loader *loader, const struct str cell[])
{
    if (!cell[0].n || map_get(loader->kinds, cell[0]))
        return err_set(loader->err, RC_INVALID, "kind \"%.*s\" is empty or repeated", STR_ARG(cell[0]));
    return map_put(loader->kinds, cell[0]) ? RC_OK : loader_memory(loader);
}

static enum rc paths_row(struct loader *loader, const struct str cell[])
{
    uint64_t *at = map_put(loader->mapping->paths, cell[0]);
    if (!at)
        return loader_memory(loader);
    *at = word_id(loader, cell[1]);
    return RC_OK;
}

static enum rc events_row(struct loader *loader, const struct str cell[])
{
    struct row *row = arena_alloc(loader->mapping->arena, sizeof *row);
    if (!row)
        return loader_memory(loader);
    enum rc rc = loader_kind(loader, row, cell[1], cell[2]);
    if (rc == RC_OK)
        rc = loader_sets(loader, row, cell[3]);
    return rc == RC_OK ? when_read(loader, row, cell[0]) : rc;
}

static enum rc logsources_row(struct loader *loader, const struct str cell[])
{
    struct row *row = arena_alloc(loader->mapping->arena, sizeof *row);
    if (!row)
        return loader_memory(loader);
    row->product = word_id(loader, cell[0]);
    row->category = word_id(loader, cell[1]);
    row->service = word_id(loader, cell[2]);
    enum rc rc = loader_sets(loader, row, cell[4]);
    if (rc == RC_OK && cell[3].n)
        rc = when_read(loader, row, cell[3]);
    return rc;
}

static const struct loader_table tables[] = {
    {"event_kinds.tsv", {"key"}, kinds_row},
    {"mappings/paths.tsv", {"path", "name"}, paths_row},
    {"mappings/events.tsv", {"when", "kind", "outcome", "set"}, events_row},
    {"logsources.tsv", {"product", "category", "service", "when", "set"}, logsources_row},
};

static enum rc table_parse(struct loader *loader, const struct loader_table *table, struct str text)
{
    struct tsv tsv;
    int column[LOADER_COLUMNS] = {0};
    size_t columns = 0;
    enum rc rc = tsv_open(&tsv, text, loader->err);
    for (; rc == RC_OK && columns < ARRAY_LEN(column) && table->columns[columns]; columns++)
        rc = tsv_need(&tsv, table->columns[columns], &column[columns], loader->err);
    while (rc == RC_OK) {
        struct str cell[LOADER_COLUMNS] = {STR_NONE};
        rc = tsv_next(&tsv, loader->err);
        if (rc != RC_OK)
            break;
        for (size_t i = 0; i < columns; i++)
            cell[i] = tsv.cell[column[i]];
        loader->column = NULL;
        rc = table->row(loader, cell);
        if (rc != RC_OK && loader->column)
            return err_wrap(loader->err, "line %u: column \"%s\"", tsv.line, loader->column);
        if (rc != RC_OK)
            return err_wrap(loader->err, "line %u", tsv.line);
    }
    return rc == RC_END ? RC_OK : rc;
}

/* --- texts that are kept --- */

struct table_text {
    struct str path;
    struct str text;
    const struct table_text *next;
};

struct table_texts {
    struct arena *arena;
    const struct table_text *first;
};

struct table_texts *table_texts_new(void)
{
    struct table_texts *texts = memory_new(sizeof *texts);
    if (!texts)
        return NULL;
    texts->arena = arena_new(MAPPING_LIMIT);
    if (texts->arena)
        return texts;
    memory_free(texts);
    return NULL;
}

void table_texts_free(struct table_texts *texts)
{
    if (!texts)
        return;
    arena_free(texts->arena);
    memory_free(texts);
}

static const struct table_text *text_find(const struct table_texts *texts, struct str path)
{
    const struct table_text *text = texts ? texts->first : NULL;
    while (text && !str_eq(text->path, path))
        text = text->next;
    return text;
}

static enum rc text_keep(struct loader *loader, struct str path, struct str bytes)
{
    struct table_texts *texts = loader->texts;
    struct table_text *text = texts ? arena_alloc(texts->arena, sizeof *text) : NULL;
    if (!texts)
        return RC_OK;
    if (!text)
        return loader_memory(loader);
    *text = (struct table_text){arena_str(texts->arena, path), arena_str(texts->arena, bytes), texts->first};
    if (!text->path.p || !text->text.p)
        return loader_memory(loader);
    texts->first = text;
    return RC_OK;
}

static enum rc file_read(struct loader *loader, const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_errno(loader->err, errno, "could not open \"%s\"", path);
    enum rc rc = RC_OK;
    for (;;) {
        char *place = buf_reserve(text, 65536);
        size_t n = place ? fread(place, 1, 65536, file) : 0;
        if (n == 0)
            break;
        buf_grew(text, n);
    }
    if (ferror(file))
        rc = err_errno(loader->err, errno, "could not read \"%s\"", path);
    else if (text->overflow)
        rc =
            err_set(loader->err, RC_LIMIT, "\"%s\" is larger than %zu bytes, or memory is exhausted", path, FILE_LIMIT);
    IGNORE(fclose(file)); /* only read */
    return rc;
}

enum rc loader_table(struct loader *loader, const struct loader_table *table)
{
    struct buf path;
    struct buf text;
    buf_init(&path, 4096);
    buf_init(&text, FILE_LIMIT + 65536);
    buf_format(&path, "%s/%s", loader->data_path, table->file);
    const struct table_text *kept = text_find(loader->texts, buf_view(&path));
    enum rc rc = kept ? RC_OK : file_read(loader, buf_z(&path), &text);
    if (rc == RC_OK && !kept)
        rc = text_keep(loader, buf_view(&path), buf_view(&text));
    if (rc == RC_OK) {
        rc = table_parse(loader, table, kept ? kept->text : buf_view(&text));
        if (rc != RC_OK)
            rc = err_wrap(loader->err, "%s", buf_z(&path));
    }
    buf_done(&path);
    buf_done(&text);
    return rc;
}

enum rc loader_text(struct loader *loader, const struct loader_table *table, struct str text)
{
    return table_parse(loader, table, text);
}

/* --- after all rows are read: lists as arrays --- */

static enum rc rows_finish(struct loader *loader)
{
    struct mapping *mapping = loader->mapping;
    const struct links *links = &loader->rows;
    mapping->list_count = links->lists;
    mapping->list = arena_alloc_array(mapping->arena, links->lists + 1, sizeof *mapping->list);
    const struct row **all = arena_alloc_array(mapping->arena, links->count + loader->files.count + 1, sizeof *all);
    if (!mapping->list || !all)
        return loader_memory(loader);
    for (uint32_t i = 0; i < links->count; i++)
        mapping->list[links->link[i].list - 1].count++;
    for (uint32_t i = 0; i < links->lists; i++) {
        mapping->list[i].row = all;
        all += mapping->list[i].count;
        mapping->list[i].count = 0;
    }
    for (uint32_t i = 0; i < links->count; i++) {
        struct rows *list = &mapping->list[links->link[i].list - 1];
        ((const struct row **)(uintptr_t)list->row)[list->count++] = links->link[i].row;
    }
    mapping->files = (struct rows){loader->files.count, all};
    mapping->file_suffix = arena_alloc_array(mapping->arena, loader->files.count + 1, sizeof *mapping->file_suffix);
    if (!mapping->file_suffix)
        return loader_memory(loader);
    for (uint32_t i = 0; i < loader->files.count; i++) {
        all[i] = loader->files.link[i].row;
        mapping->file_suffix[i] = loader->suffix[i];
    }
    return RC_OK;
}

/* Names that parsers ask for; see normaliser.h. */
static enum rc slots_always(struct loader *loader)
{
    static const char *const names[] = {
        "Channel",       "EventID",     "message",    "program",         "host",
        "_HOSTNAME",     "_COMM",       "_TRANSPORT", "_AUDIT_ID",       "_SOURCE_REALTIME_TIMESTAMP",
        "time",          "CommandLine", "type",       "ScriptBlockText", "ScriptBlockId",
        "MessageNumber", "MessageTotal"};
    uint32_t slot = 0;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == RC_OK; i++)
        rc = slot_for(loader, str_of(names[i]), &slot);
    return rc;
}

static enum rc mapping_read(struct loader *loader)
{
    enum rc rc = slots_always(loader);
    for (size_t i = 0; i < ARRAY_LEN(tables) && rc == RC_OK; i++)
        rc = loader_table(loader, &tables[i]);
    if (rc == RC_OK)
        rc = patterns_load(loader);
    if (rc == RC_OK)
        rc = rows_finish(loader);
    loader->mapping->slot_names = names_end(loader->names);
    loader->mapping->slot_of = loader->slot_of;
    return rc;
}

enum rc mapping_load(const char *data_path, struct names *names, struct mapping **ret_mapping, struct err *err)
{
    return mapping_load_more(data_path, NULL, names, ret_mapping, err);
}

enum rc mapping_load_more(const char *data_path, const char *more_path, struct names *names,
                          struct mapping **ret_mapping, struct err *err)
{
    const struct mapping_tables from = {.data_path = data_path, .more_path = more_path};
    return mapping_load_own(&from, names, ret_mapping, NULL, err);
}

enum rc mapping_load_own(const struct mapping_tables *from, struct names *names, struct mapping **ret_mapping,
                         const char **ret_column, struct err *err)
{
    struct err ignored;
    struct loader loader = {.names = names,
                            .data_path = from->data_path,
                            .more_path = from->more_path,
                            .texts = from->texts,
                            .own = from->own,
                            .err = err ? err : &ignored};
    struct mapping *mapping = memory_new(sizeof *mapping);
    enum rc rc = RC_OK;
    *ret_mapping = NULL;
    if (!mapping)
        return loader_memory(&loader);
    loader.mapping = mapping;
    loader.kinds = map_new(KEYS_MAX, 1); /* our own files: nobody aims at these hashes, but see paths */
    mapping->arena = arena_new(MAPPING_LIMIT);
    mapping->lists = map_new(KEYS_MAX, names_seed(names));
    mapping->programs = map_new(KEYS_MAX, names_seed(names));
    mapping->paths = map_new(KEYS_MAX, names_seed(names));
    if (mapping->arena)
        loader.slot_of = arena_alloc_array(mapping->arena, NAMES_MAX + 1, sizeof *loader.slot_of);
    if (!loader.slot_of || !loader.kinds || !mapping->lists || !mapping->programs || !mapping->paths)
        rc = loader_memory(&loader);
    if (rc == RC_OK)
        rc = mapping_read(&loader);
    map_free(loader.kinds);
    memory_free(loader.rows.link);
    memory_free(loader.patterns.link);
    memory_free(loader.files.link);
    if (rc != RC_OK) {
        mapping_free(mapping);
        mapping = NULL;
    }
    if (ret_column)
        *ret_column = rc == RC_OK ? NULL : loader.column;
    *ret_mapping = mapping;
    return rc;
}

enum rc pattern_text_check(const struct pattern_text *text, const char **ret_column, struct err *err)
{
    struct mapping mapping = {.arena = arena_new(CHECK_MEMORY), .programs = map_new(KEYS_MAX, 1)};
    struct err own;
    struct loader loader = {.mapping = &mapping, .column = "id", .err = err ? err : &own};
    loader.names = names_new(1);
    loader.ids = map_new(1, 1);
    if (mapping.arena)
        loader.slot_of = arena_alloc_array(mapping.arena, NAMES_MAX + 1, sizeof *loader.slot_of);
    bool ready = loader.slot_of && mapping.programs && loader.names && loader.ids;
    enum rc rc = ready ? patterns_row_check(&loader, text) : loader_memory(&loader);
    *ret_column = loader.column;
    names_free(loader.names);
    map_free(loader.ids);
    map_free(mapping.programs);
    memory_free(loader.patterns.link);
    arena_free(mapping.arena);
    return rc;
}

void mapping_free(struct mapping *mapping)
{
    if (!mapping)
        return;
    map_free(mapping->lists);
    map_free(mapping->programs);
    map_free(mapping->paths);
    arena_free(mapping->arena);
    memory_free(mapping);
}
