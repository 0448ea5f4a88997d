#include "archive/export_line.h"

#include "base/civil.h"
#include "codec/json.h"
#include "paper/visible.h"

#include <stdio.h>

static const struct {
    const char *name;
    const char *ending;
} formats[EXPORT_FORMATS] = {{"statutory", "txt"}, {"csv", "csv"}, {"json", "jsonl"}};

static const char *const more[] = {"record", "source", "raw"}; /* behind the class's columns, csv only */

bool export_format_find(struct str name, enum export_format *ret_format)
{
    for (unsigned i = 0; i < EXPORT_FORMATS; i++) {
        if (str_is(name, formats[i].name)) {
            *ret_format = (enum export_format)i;
            return true;
        }
    }
    return false;
}

const char *export_format_name(enum export_format format)
{
    return formats[format].name;
}

const char *export_format_ending(enum export_format format)
{
    return formats[format].ending;
}

void export_name_put(struct buf *out, struct str name)
{
    for (size_t i = 0; i < MIN(name.n, (size_t)EXPORT_NAME_MAX); i++)
        buf_char(out, char_is_alnum(name.p[i]) || name.p[i] == '.' || name.p[i] == '-' ? name.p[i] : '_');
}

enum rc export_layout_columns(struct export_layout *layout, struct str tsv, struct str class,
                              enum paper_language language, struct err *err)
{
    layout->column_count = 0;
    while (tsv.p) {
        struct str row = str_cut(&tsv, '\n');
        struct str of = str_cut(&row, '\t');
        struct str value = str_cut(&row, '\t');
        struct str titles[PAPER_LANGUAGES];
        if (!str_eq(of, class) || class.n == 0 || of.p[0] == '#')
            continue;
        for (size_t i = 0; i < PAPER_LANGUAGES; i++)
            titles[i] = str_cut(&row, '\t');
        bool known = str_is(value, "date") || str_is(value, "time") || statutory_find(value) != STATUTORY_COUNT;
        if (!known || layout->column_count == EXPORT_COLUMNS_MAX)
            return err_set(err, RC_INVALID, "exports.tsv: \"%.*s\" is no column", STR_ARG(str_slice(value, 0, 100)));
        layout->column[layout->column_count] = value;
        layout->title[layout->column_count++] = titles[language];
    }
    return layout->column_count
               ? RC_OK
               : err_set(err, RC_NOT_FOUND, "there is no source class \"%.*s\"", STR_ARG(str_slice(class, 0, 100)));
}

/* What a spreadsheet would take for a formula, and run, begins with the byte's visible form instead. */
static bool is_formula(struct str value)
{
    return value.n > 0 && (value.p[0] == '=' || value.p[0] == '+' || value.p[0] == '-' || value.p[0] == '@');
}

static void put_value(const struct export_layout *layout, struct str value, struct buf *out)
{
    char delimiter = layout->delimiter;
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 4 * value.n + 16);
    if (layout->format == EXPORT_CSV && is_formula(value)) {
        buf_format(&text, "\\x%02x", (unsigned)(unsigned char)value.p[0]);
        value = str_skip(value, 1);
    }
    visible_put(&text, value);
    struct str shown = buf_view(&text);
    out->overflow = out->overflow || text.overflow; /* no memory: a cell is never left out unsaid */
    bool quote = str_find(shown, delimiter) < shown.n || str_find(shown, '"') < shown.n;
    if (!quote) {
        buf_str(out, shown);
        return;
    }
    buf_char(out, '"');
    for (size_t i = 0; i < shown.n; i++) {
        if (shown.p[i] == '"')
            buf_char(out, '"');
        buf_char(out, shown.p[i]);
    }
    buf_char(out, '"');
}

static void separate(const struct export_layout *layout, size_t position, struct buf *out)
{
    if (position > 0)
        buf_char(out, layout->delimiter);
}

static void end_line(const struct export_layout *layout, struct buf *out)
{
    buf_text(out, layout->format == EXPORT_CSV ? "\r\n" : "\n");
}

void export_line_head(const struct export_layout *layout, struct buf *out)
{
    if (layout->format == EXPORT_JSON)
        return;
    for (size_t i = 0; i < layout->column_count; i++) {
        separate(layout, i, out);
        put_value(layout, layout->title[i], out);
    }
    for (size_t i = 0; layout->format == EXPORT_CSV && i < ARRAY_LEN(more); i++) {
        buf_char(out, layout->delimiter);
        buf_text(out, more[i]);
    }
    end_line(layout, out);
}

/* DD:MM:YYYY and HH:MM:SS, as the annex writes them. */
static size_t put_date(int64_t time_ns, int32_t zone_s, char text[48])
{
    struct civil c = civil_from_ns(time_ns, zone_s);
    return (size_t)snprintf(text, 48, "%02d:%02d:%04d", c.day, c.month, c.year);
}

static size_t put_time(int64_t time_ns, int32_t zone_s, char text[48])
{
    struct civil c = civil_from_ns(time_ns, zone_s);
    return (size_t)snprintf(text, 48, "%02d:%02d:%02d", c.hour, c.minute, c.second);
}

static void put_column(const struct export_layout *layout, struct str column, const struct archive_hit *hit,
                       struct buf *out)
{
    char text[48];
    struct str value;
    if (str_is(column, "date"))
        value = str_at(text, put_date(hit->event.time_ns, layout->zone_s, text));
    else if (str_is(column, "time"))
        value = str_at(text, put_time(hit->event.time_ns, layout->zone_s, text));
    else
        value = hit->event.statutory[statutory_find(column)];
    /* What no parser understood is described by itself. */
    if (str_is(column, "description") && value.n == 0)
        value = hit->raw;
    put_value(layout, value, out);
}

void export_json_members(const struct archive_hit *hit, struct buf *out)
{
    char text[CIVIL_TEXT_MAX];
    bool whole = true;
    for (struct str rest = hit->raw; rest.n > 0 && whole;) {
        size_t n = visible_character(rest);
        whole = n > 0 || (unsigned char)rest.p[0] < 0x80;
        rest = str_skip(rest, MAX(n, 1));
    }
    json_put_u64(out, "record", hit->leaf.index);
    json_put_str(out, "time", str_at(text, civil_format(hit->event.time_ns, 0, 9, text)));
    json_put_str(out, "received", str_at(text, civil_format(hit->leaf.received_ns, 0, 9, text)));
    json_put_str(out, "source", hit->source.name);
    json_put_str(out, "source_kind", hit->source.kind);
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        if (hit->event.statutory[i].n)
            json_put_str(out, statutory_key((enum statutory)i), hit->event.statutory[i]);
    json_put_str(out, "raw", hit->raw);
    if (!whole) {
        json_write_key(out, "raw_base64");
        buf_char(out, '"');
        char *to = buf_reserve(out, (hit->raw.n + 2) / 3 * 4);
        if (to)
            buf_grew(out, base64_encode(hit->raw.p, hit->raw.n, to));
        buf_char(out, '"');
    }
}

void export_line_put(const struct export_layout *layout, const struct archive_hit *hit, struct buf *out)
{
    if (layout->format == EXPORT_JSON) {
        json_write_object(out);
        export_json_members(hit, out);
        json_write_object_end(out);
    } else {
        for (size_t i = 0; i < layout->column_count; i++) {
            separate(layout, i, out);
            put_column(layout, layout->column[i], hit, out);
        }
    }
    if (layout->format == EXPORT_CSV) {
        char number[32];
        snprintf(number, sizeof number, "%llu", (unsigned long long)hit->leaf.index);
        buf_char(out, layout->delimiter);
        buf_text(out, number);
        buf_char(out, layout->delimiter);
        put_value(layout, hit->source.name, out);
        buf_char(out, layout->delimiter);
        put_value(layout, hit->raw, out);
    }
    end_line(layout, out);
}
