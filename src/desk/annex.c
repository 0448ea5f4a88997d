#include "desk/annex.h"

#include "base/assert.h"
#include "codec/tsv.h"

#include <string.h>

#define COUNT_MAX    ((uint64_t)1 << 60)
#define NO_PARAGRAPH "-"

static const char *const class_keys[] = {
#define X(id, key) [id] = (key),
    ANNEX_CLASSES(X)
#undef X
};

static const char *const field_keys[] = {
#define X(id, key) [id] = (key),
    ANNEX_FIELDS(X)
#undef X
};

static const char *const form_keys[] = {
    [ANNEX_TEXT] = "text",
    [ANNEX_DELIMITERS] = "delimiters",
    [ANNEX_UTF8] = "utf8",
    [ANNEX_ONE_FORMAT] = "one_format",
};
static const char *const what_keys[] = {
    [ANNEX_KIND] = "kind", [ANNEX_FAILURE] = "failure", [ANNEX_FIELD] = "field", [ANNEX_FORM] = "form"};
static const char *const must_keys[] = {
    [ANNEX_ALWAYS] = "always", [ANNEX_POSSIBLE] = "possible", [ANNEX_ALSO] = "also", [ANNEX_COVERS] = "covers"};
static const char *const state_keys[] = {
    [ANNEX_SEEN] = "seen",       [ANNEX_COVERED] = "covered", [ANNEX_ABSENT] = "absent",
    [ANNEX_WAITING] = "waiting", [ANNEX_MISSING] = "missing",
};

static size_t key_find(const char *const *keys, size_t count, struct str key)
{
    size_t i = 0;
    while (i < count && !str_is(key, keys[i]))
        i++;
    return i;
}

const char *annex_class_key(enum annex_class class)
{
    ASSERT((unsigned)class < ANNEX_CLASS_COUNT);
    return class_keys[class];
}

enum annex_class annex_class_find(struct str key)
{
    return (enum annex_class)key_find(class_keys, ANNEX_CLASS_COUNT, key);
}

const char *annex_field_key(enum annex_field field)
{
    ASSERT((unsigned)field < ANNEX_FIELD_COUNT);
    return field_keys[field];
}

const char *annex_what_key(enum annex_what what)
{
    ASSERT((unsigned)what < ANNEX_WHAT_COUNT);
    return what_keys[what];
}

const char *annex_must_key(enum annex_must must)
{
    ASSERT((unsigned)must < ANNEX_MUST_COUNT);
    return must_keys[must];
}

const char *annex_state_key(enum annex_state state)
{
    ASSERT((unsigned)state < ANNEX_STATE_COUNT);
    return state_keys[state];
}

/* --- the tables --- */

struct loading {
    struct annex_kind *kind;
    size_t kinds;
    struct annex_row *row;
    size_t rows;
    struct err *err;
};

static enum rc kinds_read(struct loading *l, struct str text)
{
    static const char *const names[] = {"key", "kk", "ru", "en", "paragraph"};
    int column[ARRAY_LEN(names)];
    struct tsv tsv;
    enum rc rc = tsv_open(&tsv, text, l->err);
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == RC_OK; i++)
        rc = tsv_need(&tsv, names[i], &column[i], l->err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, l->err)) == RC_OK) {
        if (l->kinds > ANNEX_KINDS_MAX)
            return err_set(l->err, RC_LIMIT, "event_kinds.tsv: more than %u kinds", ANNEX_KINDS_MAX);
        struct annex_kind *kind = &l->kind[l->kinds++];
        kind->key = tsv.cell[column[0]];
        for (size_t i = 0; i < ARRAY_LEN(kind->name); i++)
            kind->name[i] = tsv.cell[column[1 + i]];
        kind->paragraphs = tsv.cell[column[4]];
    }
    return rc == RC_END ? RC_OK : err_wrap(l->err, "event_kinds.tsv");
}

static bool number_find(const struct loading *l, struct annex_row *row)
{
    row->number = 0;
    if (row->what == ANNEX_FIELD) {
        row->number = (uint32_t)key_find(field_keys, ANNEX_FIELD_COUNT, row->key);
        return row->number < ANNEX_FIELD_COUNT;
    }
    if (row->what == ANNEX_FORM) {
        row->number = (uint32_t)key_find(form_keys, ANNEX_FORM_COUNT, row->key);
        return row->number < ANNEX_FORM_COUNT;
    }
    for (size_t i = 1; i < l->kinds && row->number == 0; i++)
        row->number = str_eq(l->kind[i].key, row->key) ? (uint32_t)i : 0;
    return row->number != 0;
}

static enum rc row_take(struct loading *l, const struct tsv *tsv, const int *column)
{
    struct annex_row *row = &l->row[l->rows];
    row->class = annex_class_find(tsv->cell[column[0]]);
    row->what = (enum annex_what)key_find(what_keys, ANNEX_WHAT_COUNT, tsv->cell[column[1]]);
    row->key = tsv->cell[column[2]];
    row->must = (enum annex_must)key_find(must_keys, ANNEX_MUST_COUNT, tsv->cell[column[3]]);
    row->paragraph = tsv->cell[column[4]];
    row->switch_on = tsv->cell[column[5]];
    bool known = row->class < ANNEX_CLASS_COUNT && row->what < ANNEX_WHAT_COUNT && row->must < ANNEX_MUST_COUNT;
    if (!known || row->paragraph.n == 0 || !number_find(l, row))
        return err_set(l->err, RC_INVALID, "line %u: a class, a key or another word is not known", tsv->line);
    if (l->rows > 0 && l->row[l->rows - 1].class > row->class)
        return err_set(l->err, RC_INVALID, "line %u: the rows of a class do not stand together", tsv->line);
    for (size_t i = 0; i < l->rows; i++)
        if (l->row[i].class == row->class && l->row[i].what == row->what && l->row[i].number == row->number &&
            str_eq(l->row[i].paragraph, row->paragraph))
            return err_set(l->err, RC_INVALID, "line %u: the row stands there twice", tsv->line);
    l->rows++;
    return RC_OK;
}

static enum rc rows_read(struct loading *l, struct str text)
{
    static const char *const names[] = {"class", "what", "key", "must", "paragraph", "switch_on"};
    int column[ARRAY_LEN(names)];
    struct tsv tsv;
    enum rc rc = tsv_open(&tsv, text, l->err);
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == RC_OK; i++)
        rc = tsv_need(&tsv, names[i], &column[i], l->err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, l->err)) == RC_OK)
        rc = l->rows == ANNEX_ROWS_MAX ? err_set(l->err, RC_LIMIT, "more than %u rows", ANNEX_ROWS_MAX)
                                       : row_take(l, &tsv, column);
    return rc == RC_END ? RC_OK : err_wrap(l->err, "annex4.tsv");
}

/* --- that both agree --- */

/* The classes whose event kinds a chapter's first paragraphs list. */
static unsigned chapter_classes(struct str paragraph)
{
    static const struct {
        const char *first;
        unsigned classes;
    } rows[] = {
        {"1", 1u << ANNEX_OS | 1u << ANNEX_WINDOWS},
        {"3", 1u << ANNEX_OS},
        {"4", 1u << ANNEX_WINDOWS},
        {"9", 1u << ANNEX_DATABASE},
        {"15", 1u << ANNEX_NETWORK},
        {"16", 1u << ANNEX_NETWORK},
        {"22", 1u << ANNEX_APPLICATION},
        {"28", 1u << ANNEX_PROTECTION},
    };
    struct str first = str_cut(&paragraph, '.');
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(first, rows[i].first))
            return rows[i].classes;
    return 0;
}

static bool paragraph_listed(struct str list, struct str paragraph)
{
    while (list.p)
        if (str_eq(str_trim(str_cut(&list, ';')), paragraph))
            return true;
    return false;
}

static enum rc kind_check(const struct loading *l, size_t kind, struct str paragraph)
{
    unsigned missing = chapter_classes(paragraph);
    if (!missing)
        return err_set(l->err, RC_INVALID, "event_kinds.tsv: kind %.*s names paragraph %.*s, which lists no events",
                       STR_ARG(l->kind[kind].key), STR_ARG(paragraph));
    for (size_t i = 0; i < l->rows; i++)
        if (l->row[i].what == ANNEX_KIND && l->row[i].number == kind && str_eq(l->row[i].paragraph, paragraph))
            missing &= ~(1u << l->row[i].class);
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++)
        if (missing & 1u << class)
            return err_set(l->err, RC_INVALID, "annex4.tsv: class %s lacks kind %.*s of paragraph %.*s",
                           class_keys[class], STR_ARG(l->kind[kind].key), STR_ARG(paragraph));
    return RC_OK;
}

static enum rc tables_check(const struct loading *l)
{
    for (size_t i = 1; i < l->kinds; i++) {
        struct str rest = l->kind[i].paragraphs;
        while (rest.p) {
            struct str paragraph = str_trim(str_cut(&rest, ';'));
            enum rc rc = str_is(paragraph, NO_PARAGRAPH) ? RC_OK : kind_check(l, i, paragraph);
            if (rc != RC_OK)
                return rc;
        }
    }
    for (size_t i = 0; i < l->rows; i++) {
        const struct annex_row *row = &l->row[i];
        if (row->what > ANNEX_FAILURE)
            continue;
        if (!paragraph_listed(l->kind[row->number].paragraphs, row->paragraph) ||
            !(chapter_classes(row->paragraph) & 1u << row->class))
            return err_set(l->err, RC_INVALID, "annex4.tsv: paragraph %.*s does not ask class %s for kind %.*s",
                           STR_ARG(row->paragraph), class_keys[row->class], STR_ARG(row->key));
    }
    return RC_OK;
}

enum rc annex_read(struct str kinds_tsv, struct str annex_tsv, struct arena *arena, struct annex *ret_annex,
                   struct err *err)
{
    struct loading l = {.err = err};
    l.kind = arena_alloc_array(arena, ANNEX_KINDS_MAX + 2, sizeof *l.kind);
    l.row = arena_alloc_array(arena, ANNEX_ROWS_MAX, sizeof *l.row);
    if (!l.kind || !l.row)
        return err_set(err, RC_LIMIT, "no memory for annex4.tsv");
    l.kinds = 1;
    enum rc rc = kinds_read(&l, kinds_tsv);
    rc = rc == RC_OK ? rows_read(&l, annex_tsv) : rc;
    rc = rc == RC_OK ? tables_check(&l) : rc;
    if (rc != RC_OK)
        return rc;
    *ret_annex = (struct annex){.kind_count = l.kinds, .kind = l.kind, .row_count = l.rows, .row = l.row};
    for (size_t class = 0, at = 0; class <= ANNEX_CLASS_COUNT; class ++) {
        while (at < l.rows && l.row[at].class < class)
            at++;
        ret_annex->first[class] = at;
        if (class > 0 && at - ret_annex->first[class - 1] > ANNEX_CLASS_ROWS)
            return err_set(err, RC_LIMIT, "annex4.tsv: class %s has more than %u rows", class_keys[class - 1],
                           ANNEX_CLASS_ROWS);
    }
    return RC_OK;
}

uint32_t annex_kind_find(const struct annex *annex, struct str key)
{
    for (size_t i = 1; i < annex->kind_count && key.n; i++)
        if (str_eq(annex->kind[i].key, key))
            return (uint32_t)i;
    return 0;
}

/* --- counts --- */

static void add(uint64_t *to, uint64_t from)
{
    *to = MIN(*to + MIN(from, COUNT_MAX), COUNT_MAX);
}

void annex_count_add(struct annex_count *to, const struct annex_count *from)
{
    bool some = to->records > 0;
    add(&to->records, from->records);
    add(&to->failed, from->failed);
    if (from->records)
        to->first_ns = some ? MIN(to->first_ns, from->first_ns) : from->first_ns;
    to->last_ns = MAX(to->last_ns, from->last_ns);
    to->failed_ns = MAX(to->failed_ns, from->failed_ns);
    for (size_t i = 0; i < ANNEX_FIELD_COUNT; i++)
        add(&to->field[i], from->field[i]);
    add(&to->not_utf8, from->not_utf8);
    add(&to->not_text, from->not_text);
}

void annex_formats_add(struct annex_formats *formats, struct str parser, uint64_t records)
{
    size_t at = 0;
    parser = str_slice(parser, 0, ANNEX_PARSER_MAX - 1);
    while (at < formats->count && !str_is(parser, formats->format[at].parser))
        at++;
    at = MIN(at, (size_t)ANNEX_FORMATS_MAX - 1);
    if (at == formats->count) {
        formats->format[at].records = 0;
        IGNORE(str_copy_z(parser, formats->format[at].parser, ANNEX_PARSER_MAX)); /* it was cut to fit */
        formats->count++;
    }
    add(&formats->format[at].records, records);
}

void annex_seen_clear(const struct annex *annex, struct annex_seen *seen, const struct annex_formats *file)
{
    memset(seen->kind, 0, annex->kind_count * sizeof *seen->kind);
    seen->formats.count = 0;
    seen->file = file;
}

void annex_seen_add(struct annex_seen *seen, uint32_t kind, struct str parser, const struct annex_count *count)
{
    annex_count_add(&seen->kind[kind], count);
    annex_formats_add(&seen->formats, parser, count->records);
}

struct annex_count annex_seen_total(const struct annex *annex, const struct annex_seen *seen)
{
    struct annex_count total = {0};
    for (size_t i = 0; i < annex->kind_count; i++)
        annex_count_add(&total, &seen->kind[i]);
    return total;
}

/* --- judgement --- */

static bool past(uint64_t part, uint64_t whole, uint64_t permille)
{
    return part > 0 && part >= whole / 1000 * permille + whole % 1000 * permille / 1000;
}

static bool is_dark(const struct annex_formats *formats, size_t i)
{
    return str_is(str_of(formats->format[i].parser), "none");
}

/* Records of another format than most, of how many; what nobody understood is of none. */
static uint64_t odd_records(const struct annex_formats *formats, uint64_t *ret_of)
{
    uint64_t most = 0;
    *ret_of = 0;
    for (size_t i = 0; i < formats->count; i++) {
        if (is_dark(formats, i))
            continue;
        add(ret_of, formats->format[i].records);
        most = MAX(most, formats->format[i].records);
    }
    return *ret_of - most;
}

static uint64_t dark_records(const struct annex_formats *formats)
{
    uint64_t dark = 0;
    for (size_t i = 0; i < formats->count; i++)
        if (is_dark(formats, i))
            add(&dark, formats->format[i].records);
    return dark;
}

/* A form is broken by records that are there: nothing is waited for. */
static struct annex_cell form_judge(enum annex_form form, const struct annex_seen *seen,
                                    const struct annex_count *total)
{
    static const uint64_t permille[] = {
        [ANNEX_TEXT] = ANNEX_PERMILLE_BAD,
        [ANNEX_DELIMITERS] = ANNEX_PERMILLE_DARK,
        [ANNEX_UTF8] = ANNEX_PERMILLE_BAD,
        [ANNEX_ONE_FORMAT] = ANNEX_PERMILLE_ODD,
    };
    struct annex_cell cell = {.of = total->records, .first_ns = total->first_ns, .last_ns = total->last_ns};
    cell.records = form == ANNEX_TEXT         ? total->not_text
                   : form == ANNEX_UTF8       ? total->not_utf8
                   : form == ANNEX_DELIMITERS ? dark_records(&seen->formats)
                                              : odd_records(seen->file ? seen->file : &seen->formats, &cell.of);
    bool broken = past(cell.records, cell.of, permille[form]) && (form != ANNEX_ONE_FORMAT || seen->file);
    cell.state = cell.of == 0 ? ANNEX_ABSENT : broken ? ANNEX_MISSING : ANNEX_SEEN;
    return cell;
}

static struct annex_cell cell_judge(const struct annex_row *row, const struct annex_seen *seen,
                                    const struct annex_count *total, bool due)
{
    struct annex_cell cell = {.of = total->records};
    const struct annex_count *kind = row->what <= ANNEX_FAILURE ? &seen->kind[row->number] : total;
    if (row->what == ANNEX_FORM)
        return form_judge((enum annex_form)row->number, seen, total);
    if (row->what == ANNEX_FIELD) {
        cell.records = total->field[row->number];
    } else if (row->what == ANNEX_FAILURE) {
        cell.records = kind->failed;
        cell.of = kind->records;
        cell.last_ns = kind->failed_ns;
    } else {
        cell.records = kind->records;
        cell.first_ns = kind->first_ns;
        cell.last_ns = kind->last_ns;
    }
    if (cell.records > 0)
        cell.state = ANNEX_SEEN;
    else if (row->must != ANNEX_ALWAYS)
        cell.state = ANNEX_ABSENT;
    else
        cell.state = due ? ANNEX_MISSING : ANNEX_WAITING;
    return cell;
}

void annex_judge(const struct annex *annex, enum annex_class class, const struct annex_seen *seen, bool due,
                 struct annex_cell *ret_cell)
{
    ASSERT((unsigned)class < ANNEX_CLASS_COUNT);
    const struct annex_row *row = annex->row + annex->first[class];
    size_t count = annex->first[class + 1] - annex->first[class];
    struct annex_count total = annex_seen_total(annex, seen);
    for (size_t i = 0; i < count; i++)
        ret_cell[i] = cell_judge(&row[i], seen, &total, due);
    for (size_t i = 0; i < count; i++) {
        if (row[i].must != ANNEX_COVERS || ret_cell[i].state != ANNEX_SEEN)
            continue;
        for (size_t k = 0; k < count; k++)
            if (row[k].what == ANNEX_KIND && ret_cell[k].state >= ANNEX_WAITING &&
                str_eq(row[k].paragraph, row[i].paragraph))
                ret_cell[k].state = ANNEX_COVERED;
    }
}

unsigned annex_classes(const uint64_t records[ANNEX_CLASS_COUNT], unsigned set, enum annex_class *ret_main)
{
    uint64_t all = 0;
    unsigned classes = set;
    bool any = false;
    for (unsigned i = 0; i < ANNEX_CLASS_COUNT; i++)
        add(&all, records[i]);
    for (unsigned i = 0; i < ANNEX_CLASS_COUNT; i++) {
        if (!set && records[i] > 0 && records[i] >= all / 10 + (all % 10 > 0))
            classes |= 1u << i;
        if (!(set ? set & 1u << i : records[i] > 0))
            continue;
        if (!any || records[i] > records[*ret_main])
            *ret_main = (enum annex_class)i;
        any = true;
    }
    return classes;
}
