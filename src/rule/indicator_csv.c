#include "codec/csv.h"
#include "rule/indicator_read.h"

#include <string.h>

#define COLUMNS_MAX 64u
#define REASON_TEXT 96u

enum role {
    ROLE_NONE,
    ROLE_VALUE,
    ROLE_TYPE,
    ROLE_NOTE,
    ROLE_CONFIDENCE,
    ROLE_FROM,
    ROLE_UNTIL,
    ROLE_DATE,
    ROLE_BELOW
};

struct column {
    enum role role;
    enum indicator_want want; /* of ROLE_VALUE */
};

struct file {
    struct indicators *indicators;
    struct arena *arena; /* of the row at work */
    struct err *err;
    struct str rest;
    uint32_t line; /* of the row at work */
    uint32_t lines;
    bool begun;     /* a row was seen */
    char separator; /* 0: there is no line of names */
    size_t column_count;
    struct column columns[COLUMNS_MAX];
    struct indicator_about about; /* what comments say of the whole file */
    struct str source;            /* the same: the note of what has none */
    struct csv csv;
};

static struct column column_of(struct str name)
{
    static const struct {
        const char *name;
        struct column column;
    } known[] = {
        {"value", {ROLE_VALUE, INDICATOR_WANT_ANY}},
        {"indicator", {ROLE_VALUE, INDICATOR_WANT_ANY}},
        {"indicator_value", {ROLE_VALUE, INDICATOR_WANT_ANY}},
        {"ioc", {ROLE_VALUE, INDICATOR_WANT_ANY}},
        {"ioc_value", {ROLE_VALUE, INDICATOR_WANT_ANY}},
        {"dst_ip", {ROLE_VALUE, INDICATOR_WANT_ADDRESS}},
        {"src_ip", {ROLE_VALUE, INDICATOR_WANT_ADDRESS}},
        {"ip_address", {ROLE_VALUE, INDICATOR_WANT_ADDRESS}},
        {"type", {ROLE_TYPE, INDICATOR_WANT_NOTHING}},
        {"kind", {ROLE_TYPE, INDICATOR_WANT_NOTHING}},
        {"ioc_type", {ROLE_TYPE, INDICATOR_WANT_NOTHING}},
        {"indicator_type", {ROLE_TYPE, INDICATOR_WANT_NOTHING}},
        {"note", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"comment", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"description", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"malware", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"malware_printable", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"signature", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"threat", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"tags", {ROLE_NOTE, INDICATOR_WANT_NOTHING}},
        {"confidence", {ROLE_CONFIDENCE, INDICATOR_WANT_NOTHING}},
        {"confidence_level", {ROLE_CONFIDENCE, INDICATOR_WANT_NOTHING}},
        {"valid_from", {ROLE_FROM, INDICATOR_WANT_NOTHING}},
        {"valid_until", {ROLE_UNTIL, INDICATOR_WANT_NOTHING}},
        {"expires", {ROLE_UNTIL, INDICATOR_WANT_NOTHING}},
        {"expiration", {ROLE_UNTIL, INDICATOR_WANT_NOTHING}},
        {"date", {ROLE_DATE, INDICATOR_WANT_NOTHING}},
        {"dateadded", {ROLE_DATE, INDICATOR_WANT_NOTHING}},
        {"first_seen", {ROLE_DATE, INDICATOR_WANT_NOTHING}},
        {"first_seen_utc", {ROLE_DATE, INDICATOR_WANT_NOTHING}},
        {"last_seen", {ROLE_DATE, INDICATOR_WANT_NOTHING}},
        {"last_seen_utc", {ROLE_DATE, INDICATOR_WANT_NOTHING}},
        {"subdomains", {ROLE_BELOW, INDICATOR_WANT_NOTHING}},
    };
    name = str_trim(name);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_nocase(name, str_of(known[i].name)))
            return known[i].column;
    const struct indicator_type *type = name.n ? indicator_type_find(name) : NULL;
    if (type && type->part[0] != INDICATOR_WANT_NOTHING && type->part[1] == INDICATOR_WANT_ANY)
        return (struct column){ROLE_VALUE, type->part[0]};
    return (struct column){ROLE_NONE, INDICATOR_WANT_NOTHING};
}

static bool is_yes(struct str text)
{
    text = str_trim(text);
    return str_is(text, "1") || str_eq_nocase(text, STR("yes")) || str_eq_nocase(text, STR("true"));
}

/* The line with the blanks between a separator and a quote left out: feeds write `"a", "b"`, which RFC 4180 has not. */
static struct str without_blanks(struct file *file, struct str line)
{
    char *text = arena_alloc_raw(file->arena, line.n + 1);
    size_t n = 0;
    bool inside = false;
    for (size_t i = 0; text && i < line.n; i++) {
        size_t next = i;
        while (!inside && next < line.n && line.p[next] == ' ')
            next++;
        bool before_quote = next > i && next < line.n && line.p[next] == '"' && n && text[n - 1] == file->separator;
        i = before_quote ? next : i;
        inside = inside != (line.p[i] == '"');
        text[n++] = line.p[i];
    }
    return text ? str_at(text, n) : line;
}

/* ---- the line of names ---- */

static bool names_take(struct file *file, struct str line, char separator)
{
    size_t count = 0;
    bool value = false;
    file->separator = separator;
    csv_open(&file->csv, without_blanks(file, line), separator);
    if (csv_next(&file->csv, NULL) != RC_OK)
        return false;
    for (; count < MIN(file->csv.count, COLUMNS_MAX); count++) {
        file->columns[count] = column_of(file->csv.field[count].text);
        value = value || file->columns[count].role == ROLE_VALUE;
    }
    file->column_count = value ? count : 0;
    return value;
}

static bool names_find(struct file *file, struct str line)
{
    static const char separators[] = {',', ';', '\t', '|'};
    for (size_t i = 0; i < sizeof separators; i++)
        if (names_take(file, line, separators[i]))
            return true;
    file->separator = 0;
    return false;
}

/* ---- rows ---- */

static void refuse(struct file *file, const char *reason, struct str value)
{
    indicators_refuse(file->indicators, file->line, reason, value);
}

static void confidence_take(struct str text, struct indicator_about *about)
{
    uint64_t number = 0;
    if (str_to_u64(str_trim(text), &number))
        about->confidence = (int32_t)MIN(number, UINT64_C(100));
}

/* One cell that is not the value; false when the row cannot be taken. */
static bool about_take(struct file *file, enum role role, struct str cell, struct indicator_about *about)
{
    int64_t time_ns = 0;
    cell = str_trim(cell);
    switch (role) {
    case ROLE_NOTE:
        about->note = about->note.n ? about->note : cell;
        return true;
    case ROLE_CONFIDENCE:
        confidence_take(cell, about);
        return true;
    case ROLE_BELOW:
        about->below = about->below || is_yes(cell);
        return true;
    case ROLE_DATE:
        if (indicator_time(cell, false, &time_ns))
            about->dated_ns = MAX(about->dated_ns, time_ns);
        return true;
    case ROLE_FROM:
    case ROLE_UNTIL:
        if (!cell.n)
            return true;
        if (!indicator_time(cell, role == ROLE_UNTIL, &time_ns)) {
            refuse(file, "a time that does not read", cell);
            return false;
        }
        if (role == ROLE_FROM)
            about->from_ns = time_ns;
        else
            about->until_ns = MAX(time_ns, INT64_C(1));
        return true;
    case ROLE_NONE:
    case ROLE_VALUE:
    case ROLE_TYPE:
        break;
    }
    return true;
}

/* What the type's cell asks; false when its name is not known. */
static bool type_take(struct file *file, struct str cell, struct indicator_type *ret_type)
{
    const struct indicator_type *type = indicator_type_find(cell);
    if (!type) {
        char reason[REASON_TEXT];
        struct buf out;
        buf_init_fixed(&out, reason, sizeof reason);
        buf_format(&out, "type \"%.*s\" is not looked for", STR_ARG(str_slice(str_trim(cell), 0, 40)));
        refuse(file, buf_z(&out), cell);
        return false;
    }
    *ret_type = *type;
    return true;
}

static struct str cell_of(struct file *file, size_t index)
{
    return csv_text(file->arena, &file->csv.field[index]);
}

static enum rc value_take(struct file *file, struct str cell, enum indicator_want want,
                          const struct indicator_type *type, const struct indicator_about *about)
{
    enum rc rc = RC_OK;
    if (want != INDICATOR_WANT_ANY || type->part[1] == INDICATOR_WANT_ANY)
        return indicator_take(file->indicators, file->line, want == INDICATOR_WANT_ANY ? type->part[0] : want, cell,
                              about, file->err);
    for (size_t i = 0; i < INDICATOR_TYPE_PARTS && rc == RC_OK; i++) {
        struct str part = i == 0 ? str_cut(&cell, '|') : cell;
        if (type->part[i] != INDICATOR_WANT_NOTHING)
            rc = indicator_take(file->indicators, file->line, type->part[i], part, about, file->err);
    }
    return rc;
}

static enum rc row_take(struct file *file)
{
    struct indicator_about about = file->about;
    struct indicator_type type = {.part = {INDICATOR_WANT_ANY}};
    enum rc rc = RC_OK;
    size_t values = 0;
    for (size_t i = 0; i < MIN(file->csv.count, file->column_count); i++) {
        struct str cell = cell_of(file, i);
        if (file->columns[i].role == ROLE_TYPE && !type_take(file, cell, &type))
            return RC_OK;
        if (!about_take(file, file->columns[i].role, cell, &about))
            return RC_OK;
    }
    about.note = about.note.n ? about.note : file->source;
    for (size_t i = 0; i < MIN(file->csv.count, file->column_count) && rc == RC_OK; i++) {
        struct str cell = str_trim(cell_of(file, i));
        if (file->columns[i].role != ROLE_VALUE || !cell.n)
            continue;
        values++;
        rc = value_take(file, cell, file->columns[i].want, &type, &about);
    }
    if (!values)
        refuse(file, "a row without a value", STR_NONE);
    return rc;
}

/* A file without names: the value, and behind a separator a note. A URL may hold separators itself. */
static enum rc plain_take(struct file *file, struct str line)
{
    struct indicator_about about = file->about;
    size_t end = 0;
    line = str_trim(line);
    bool quoted = line.p[0] == '"';
    if (quoted) {
        csv_open(&file->csv, line, ',');
        if (csv_next(&file->csv, NULL) != RC_OK) {
            refuse(file, "a quote that is never closed, or text behind it", line);
            return RC_OK;
        }
        about.note = file->csv.count > 1 ? cell_of(file, 1) : file->source;
        return indicator_take(file->indicators, file->line, INDICATOR_WANT_ANY, cell_of(file, 0), &about, file->err);
    }
    size_t slashes = str_search(line, STR("//"));
    bool url = slashes < line.n && slashes < 20;
    while (end < line.n && line.p[end] != '\t' && (url ? !char_is_space(line.p[end]) : !strchr(",;|", line.p[end])))
        end++;
    about.note = str_trim(str_skip(line, end + 1));
    about.note = about.note.n ? about.note : file->source;
    return indicator_take(file->indicators, file->line, INDICATOR_WANT_ANY, str_slice(line, 0, end), &about, file->err);
}

/* `# subdomains: yes`, `# expires: 2026-12-31`, what a list says of itself, or the names of the columns. */
static void comment_take(struct file *file, struct str line)
{
    while (line.n && (line.p[0] == '#' || char_is_space(line.p[0])))
        line = str_skip(line, 1);
    struct str value = line;
    struct str name = str_trim(str_cut(&value, ':'));
    int64_t time_ns = 0;
    if (value.p && str_eq_nocase(name, STR("subdomains")))
        file->about.below = is_yes(value);
    else if (value.p && str_eq_nocase(name, STR("expires")) && indicator_time(value, true, &time_ns))
        file->about.until_ns = MAX(time_ns, INT64_C(1));
    else if (value.p && str_eq_nocase(name, STR("expires")))
        refuse(file, "a time that does not read", value);
    else if (value.p && str_eq_nocase(name, STR("list-source")))
        file->source = str_trim(value);
    else if (value.p && str_eq_nocase(name, STR("list-confidence")))
        confidence_take(value, &file->about);
    else if (!file->begun && !file->column_count && line.n)
        IGNORE(names_find(file, line)); /* most comments are none */
}

/* A row may go over several lines, when its quotes do. */
static enum rc record_take(struct file *file, struct str line)
{
    char blank_quote[] = {file->separator, ' ', '"'};
    bool loose = str_search(line, str_at(blank_quote, sizeof blank_quote)) < line.n;
    struct err why = {0};
    file->csv.rest = loose ? without_blanks(file, line) : file->rest; /* csv_open would clear its fields each time */
    file->csv.lines = 0;
    if (csv_next(&file->csv, &why) != RC_OK) {
        struct str reason = str_of(why.text);
        IGNORE(str_cut(&reason, ' ').n); /* "line 1: " */
        IGNORE(str_cut(&reason, ' ').n);
        refuse(file, reason.n ? reason.p : "a row that does not read", line);
        loose = true;
    } else {
        enum rc rc = row_take(file);
        if (rc != RC_OK)
            return rc;
    }
    file->lines += loose ? 1 : MAX(file->csv.lines, 1u); /* the last may end without a line feed */
    file->rest = loose ? str_skip(file->rest, line.n + 1) : file->csv.rest;
    return RC_OK;
}

static enum rc line_take(struct file *file)
{
    struct str line = str_slice(file->rest, 0, str_find(file->rest, '\n'));
    struct str text = str_trim(line);
    enum rc rc = RC_OK;
    arena_reset(file->arena);
    file->line = file->lines + 1;
    bool comment = text.n == 0 || text.p[0] == '#';
    bool names = !comment && !file->begun && file->column_count == 0 && names_find(file, line);
    if (comment && text.n)
        comment_take(file, text);
    file->begun = file->begun || !comment;
    if (!comment && !names && file->column_count)
        return record_take(file, line);
    if (!comment && !names)
        rc = plain_take(file, line);
    file->lines++;
    file->rest = str_skip(file->rest, line.n + 1);
    return rc;
}

enum rc indicator_csv_read(const struct indicator_reading *reading, struct str text, struct err *err)
{
    struct file *file = memory_new(sizeof *file);
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(INDICATOR_OBJECT_MAX);
    enum rc rc = file && arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to read indicators");
    if (rc == RC_OK) {
        *file = (struct file){.indicators = reading->indicators, .arena = arena, .err = err, .about.confidence = -1};
        file->rest = str_starts(text, STR("\xef\xbb\xbf")) ? str_skip(text, 3) : text;
    }
    while (rc == RC_OK && file->rest.n)
        rc = line_take(file);
    memory_free(file);
    return rc;
}
