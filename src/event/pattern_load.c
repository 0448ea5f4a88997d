/* Reading the patterns: data/parsers.tsv names the families, data/parsers/FAMILY.tsv holds the patterns of one. The
 * grammar is described in template.h and doc/add-a-parser.md. */
#include "event/mapping_loader.h"
#include "event/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES_MAX 256
#define PATTERNS_MAX 16384 /* all families */
#define ID_MAX       64
#define EXPANSIONS   64 /* texts that one row stands for */

static bool name_is_good(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= ID_MAX;
}

/* --- families --- */

static enum rc families_row(struct loader *loader, const struct str cell[])
{
    static const char *const classes[] = {"os", "windows", "database", "network", "application", "protection"};
    struct mapping *mapping = loader->mapping;
    size_t class = 0;
    while (class < ARRAY_LEN(classes) && !str_is(cell[1], classes[class]))
        class ++;
    loader->column = "family";
    if (!name_is_good(cell[0]))
        return err_set(loader->err, RC_INVALID, "\"%.*s\" is no name: at most %d letters, digits, _ and -",
                       STR_ARG(cell[0]), ID_MAX);
    for (uint32_t i = 0; i < mapping->family_count; i++)
        if (str_eq(mapping->family[i].name, cell[0]))
            return err_set(loader->err, RC_INVALID, "family \"%.*s\" is there already", STR_ARG(cell[0]));
    if (mapping->family_count == FAMILIES_MAX)
        return err_set(loader->err, RC_LIMIT, "more than %d families", FAMILIES_MAX);
    loader->column = "class";
    if (class == ARRAY_LEN(classes))
        return err_set(loader->err, RC_INVALID,
                       "class \"%.*s\" is none of os, windows, database, network, application, protection",
                       STR_ARG(cell[1]));
    struct family *family = &mapping->family[mapping->family_count++];
    family->name = arena_str(mapping->arena, cell[0]);
    family->class = str_of(classes[class]);
    family->title = arena_str(mapping->arena, cell[2]);
    return family->name.p && family->title.p ? RC_OK : loader_memory(loader);
}

/* --- patterns --- */

static enum rc id_read(struct loader *loader, struct pattern *pattern, struct str id)
{
    loader->column = "id";
    if (!name_is_good(id))
        return err_set(loader->err, RC_INVALID, "\"%.*s\" is no name: at most %d letters, digits, _ and -", STR_ARG(id),
                       ID_MAX);
    if (map_get(loader->ids, id))
        return err_set(loader->err, RC_INVALID, "pattern \"%.*s\" is there already", STR_ARG(id));
    if (!map_put(loader->ids, id))
        return loader_memory(loader);
    pattern->id = arena_str(loader->mapping->arena, id);
    return pattern->id.p ? RC_OK : loader_memory(loader);
}

static enum rc template_read(struct loader *loader, struct pattern *pattern, struct str text)
{
    loader->column = "pattern";
    pattern->text = arena_str(loader->mapping->arena, text);
    if (!pattern->text.p)
        return loader_memory(loader);
    enum rc rc = template_compile(loader->mapping->arena, pattern->text, &pattern->template, loader->err);
    for (uint32_t i = 0; rc == RC_OK && i < pattern->template.count; i++) {
        const struct capture *capture = &pattern->template.capture[i];
        bool kept = capture->kind != CAPTURE_PAIRS && capture->name.n;
        pattern->name[i] = kept ? names_put(loader->names, capture->name) : 0;
        if (kept && !pattern->name[i])
            return err_set(loader->err, RC_LIMIT, "there is no room for one more field, \"%.*s\"",
                           STR_ARG(capture->name));
        pattern->statutory[i] = kept ? statutory_find(capture->name) : STATUTORY_COUNT;
        if (pattern->statutory[i] >= STATUTORY_START && pattern->statutory[i] != STATUTORY_DESCRIPTION &&
            pattern->statutory[i] != STATUTORY_COUNT)
            rc = err_set(loader->err, RC_INVALID, "capture \"%.*s\" would be the event's own: it needs another name",
                         STR_ARG(capture->name));
    }
    return rc;
}

/* "*", "?" and "-" are no programs. */
static bool is_program(struct str name)
{
    return name.n != 1 || !strchr("*?-", name.p[0]);
}

static enum rc programs_read(struct loader *loader, struct pattern *pattern, struct str programs)
{
    loader->column = "program";
    enum rc rc = RC_OK;
    for (struct str rest = programs; rest.p && !pattern->owner.p;) {
        struct str name = str_trim(str_cut(&rest, '|'));
        if (is_program(name))
            pattern->owner = arena_str(loader->mapping->arena, name);
    }
    while (programs.p && rc == RC_OK) {
        struct str name = str_trim(str_cut(&programs, '|'));
        if (!name.n)
            return err_set(loader->err, RC_INVALID, "a program has no name");
        if (name.p[0] == '?' && name.n == 1 && !pattern->owner.p)
            return err_set(loader->err, RC_INVALID, "\"?\" stands only beside the program whose pattern it is");
        rc = loader_key(loader, loader->mapping->programs, &loader->patterns, name, pattern);
    }
    return rc;
}

static enum rc part_row(struct loader *loader, const struct str cell[])
{
    struct arena *arena = loader->mapping->arena;
    loader->column = "id";
    if (!name_is_good(cell[0]))
        return err_set(loader->err, RC_INVALID, "\"%.*s\" is no name: at most %d letters, digits, _ and -",
                       STR_ARG(cell[0]), ID_MAX);
    loader->column = "program";
    if (cell[3].n || cell[4].n || cell[5].n)
        return err_set(loader->err, RC_INVALID, "a part (program \"=\") has neither kind nor outcome nor set");
    loader->column = "pattern";
    if (str_search(cell[2], STR("{=")) < cell[2].n)
        return err_set(loader->err, RC_INVALID, "a part names no parts");
    if (loader->part_count == PARTS_MAX)
        return err_set(loader->err, RC_LIMIT, "more than %d parts in a family", PARTS_MAX);
    struct part part = {arena_str(arena, cell[0]), arena_str(arena, cell[2])};
    loader->part[loader->part_count++] = part;
    return part.name.p && part.text.p ? RC_OK : loader_memory(loader);
}

/* `text` with the part in place of the {=name} at `at`. */
static struct str part_put(struct arena *arena, struct str text, size_t at, size_t end, struct str part)
{
    size_t n = text.n - (end - at) + part.n;
    char *p = arena_alloc(arena, n + 1);
    if (!p)
        return STR_NONE;
    memcpy(p, text.p, at);
    memcpy(p + at, part.p, part.n);
    memcpy(p + at + part.n, text.p + end, text.n - end);
    return str_at(p, n);
}

/* Every text that comes of putting in the parts. Parts name none, so it ends. */
static enum rc parts_expand(struct loader *loader, struct str texts[EXPANSIONS], uint32_t *ret_count)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < count;) {
        size_t at = str_search(texts[i], STR("{="));
        struct str text = texts[i];
        size_t end = at + str_find(str_skip(text, at), '}');
        struct str name = str_slice(text, at + 2, end);
        bool found = false;
        if (at == text.n) {
            i++;
            continue;
        }
        for (uint32_t p = 0; p < loader->part_count && end < text.n; p++) {
            if (!str_eq(loader->part[p].name, name))
                continue;
            if (found && count == EXPANSIONS)
                return err_set(loader->err, RC_LIMIT, "a pattern stands for more than %d texts", EXPANSIONS);
            struct str put = part_put(loader->mapping->arena, text, at, end + 1, loader->part[p].text);
            if (!put.p)
                return loader_memory(loader);
            if (put.n > TEMPLATE_BYTES)
                return err_set(loader->err, RC_LIMIT, "pattern is longer than %d bytes", TEMPLATE_BYTES);
            texts[found ? count++ : i] = put;
            found = true;
        }
        if (!found)
            return err_set(loader->err, RC_INVALID, "byte %zu: there is no part \"%.*s\" above", at + 1, STR_ARG(name));
    }
    *ret_count = count;
    return RC_OK;
}

static enum rc pattern_add(struct loader *loader, const struct pattern *model, struct str text, struct str programs)
{
    struct pattern *pattern = arena_alloc(loader->mapping->arena, sizeof *pattern);
    if (!pattern)
        return loader_memory(loader);
    *pattern = *model;
    enum rc rc = template_read(loader, pattern, text);
    if (rc == RC_OK)
        rc = programs_read(loader, pattern, programs);
    loader->family->pattern_count++;
    return rc;
}

static enum rc patterns_row(struct loader *loader, const struct str cell[])
{
    struct pattern model = {.family = loader->family};
    struct str texts[EXPANSIONS] = {cell[2]};
    uint32_t count = 0;
    if (str_is(cell[1], "="))
        return part_row(loader, cell);
    enum rc rc = id_read(loader, &model, cell[0]);
    if (rc != RC_OK)
        return rc;
    loader->column = "kind";
    rc = loader_kind(loader, &model.row, cell[3], cell[4]);
    if (rc != RC_OK)
        return rc;
    loader->column = "set";
    rc = loader_sets(loader, &model.row, cell[5]);
    if (rc != RC_OK)
        return rc;
    loader->column = "pattern";
    rc = parts_expand(loader, texts, &count);
    for (uint32_t i = 0; i < count && rc == RC_OK; i++)
        rc = pattern_add(loader, &model, texts[i], cell[1]);
    return rc;
}

enum rc patterns_row_check(struct loader *loader, const struct pattern_text *text)
{
    const struct str cell[LOADER_COLUMNS] = {text->id, text->program, text->pattern, STR_NONE, STR_NONE, text->sets};
    struct family family = {.name = STR("one")};
    loader->family = &family;
    loader->part_count = 0;
    enum rc rc = patterns_row(loader, cell);
    loader->family = NULL;
    return rc;
}

static enum rc family_load(struct loader *loader, struct family *family)
{
    char file[ID_MAX + 32];
    const struct loader_table table = {file, {"id", "program", "pattern", "kind", "outcome", "set"}, patterns_row};
    IGNORE(snprintf(file, sizeof file, "parsers/%.*s.tsv", STR_ARG(family->name))); /* the name has at most ID_MAX */
    loader->family = family;
    loader->part_count = 0;
    loader->ids = map_new(PATTERNS_MAX, 1);
    enum rc rc = loader->ids ? loader_table(loader, &table) : loader_memory(loader);
    map_free(loader->ids);
    loader->ids = NULL;
    return rc;
}

/* --- patterns that people wrote in the service --- */

static enum rc own_row(struct loader *loader, const struct str cell[])
{
    enum rc rc = patterns_row(loader, cell);
    return rc == RC_OK ? rc : err_wrap(loader->err, "pattern \"%.*s\"", STR_ARG(str_slice(cell[0], 0, ID_MAX)));
}

static enum rc own_load(struct loader *loader)
{
    static const struct loader_table table = {
        MAPPING_OWN, {"id", "program", "pattern", "kind", "outcome", "set"}, own_row};
    const struct str family[LOADER_COLUMNS] = {STR(MAPPING_OWN), STR("application"), STR(MAPPING_OWN)};
    enum rc rc = families_row(loader, family);
    if (rc != RC_OK || loader->own.n == 0)
        return rc;
    loader->column = NULL; /* that was of the family */
    loader->family = &loader->mapping->family[loader->mapping->family_count - 1];
    loader->part_count = 0;
    loader->ids = map_new(PATTERNS_MAX, 1);
    rc = loader->ids ? loader_text(loader, &table, loader->own) : loader_memory(loader);
    map_free(loader->ids);
    loader->ids = NULL;
    return rc == RC_OK ? rc : err_wrap(loader->err, "patterns written here");
}

/* --- after all are read: lists by rank, and their trees --- */

static enum rc programs_finish(struct loader *loader)
{
    struct mapping *mapping = loader->mapping;
    const struct links *links = &loader->patterns;
    mapping->program_count = links->lists;
    mapping->program = arena_alloc_array(mapping->arena, links->lists + 1, sizeof *mapping->program);
    const struct pattern **all = arena_alloc_array(mapping->arena, links->count + 1, sizeof *all);
    if (!mapping->program || !all)
        return loader_memory(loader);
    for (uint32_t i = 0; i < links->count; i++)
        mapping->program[links->link[i].list - 1].count++;
    for (uint32_t i = 0; i < links->lists; i++) {
        mapping->program[i].pattern = all;
        all += mapping->program[i].count;
        mapping->program[i].count = 0;
    }
    for (uint32_t i = 0; i < links->count; i++)
        program_place(&mapping->program[links->link[i].list - 1], links->link[i].row);
    enum rc rc = RC_OK;
    for (uint32_t i = 0; i < links->lists && rc == RC_OK; i++)
        rc = program_plant(&mapping->program[i], mapping->arena, &mapping->state_count, loader->err);
    return rc;
}

/* parsers.tsv of the folder that is read, and the tables that it names. */
static enum rc families_load(struct loader *loader)
{
    static const struct loader_table families = {"parsers.tsv", {"family", "class", "title"}, families_row};
    struct mapping *mapping = loader->mapping;
    uint32_t first = mapping->family_count;
    enum rc rc = loader_table(loader, &families);
    for (uint32_t i = first; i < mapping->family_count && rc == RC_OK; i++)
        rc = family_load(loader, &mapping->family[i]);
    return rc;
}

enum rc patterns_load(struct loader *loader)
{
    struct mapping *mapping = loader->mapping;
    mapping->family = arena_alloc_array(mapping->arena, FAMILIES_MAX, sizeof *mapping->family);
    enum rc rc = mapping->family ? families_load(loader) : loader_memory(loader);
    if (rc == RC_OK && loader->more_path) {
        const char *own = loader->data_path;
        loader->data_path = loader->more_path;
        rc = families_load(loader);
        loader->data_path = own;
    }
    if (rc == RC_OK && loader->own.p)
        rc = own_load(loader);
    loader->column = rc == RC_OK ? NULL : loader->column;
    if (rc == RC_OK && loader->patterns.count > PATTERNS_MAX)
        rc = err_set(loader->err, RC_LIMIT, "more than %d patterns", PATTERNS_MAX);
    return rc == RC_OK ? programs_finish(loader) : rc;
}
