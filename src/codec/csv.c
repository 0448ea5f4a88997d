#include "codec/csv.h"

#include <string.h>

void csv_open(struct csv *csv, struct str text, char separator)
{
    memset(csv, 0, sizeof *csv);
    csv->rest = str_starts(text, STR("\xef\xbb\xbf")) ? str_skip(text, 3) : text;
    csv->separator = separator;
}

/* The quoted text whose opening quote is at the beginning; *ret_length is its length with both quotes, 0 when it is
 * never closed. */
static struct csv_field quoted(struct csv *csv, size_t *ret_length)
{
    struct str s = csv->rest;
    struct csv_field field = {0};
    *ret_length = 0;
    for (size_t at = 1; at < s.n; at++) {
        csv->lines += s.p[at] == '\n';
        if (s.p[at] != '"')
            continue;
        if (at + 1 < s.n && s.p[at + 1] == '"') {
            field.doubled = true;
            at++;
            continue;
        }
        field.text = str_slice(s, 1, at);
        *ret_length = at + 1;
        break;
    }
    return field;
}

static struct csv_field bare(const struct csv *csv, size_t *ret_length)
{
    struct str s = csv->rest;
    size_t at = 0;
    while (at < s.n && s.p[at] != csv->separator && s.p[at] != '\n' && s.p[at] != '"')
        at++;
    bool cr = at > 0 && s.p[at - 1] == '\r' && (at == s.n || s.p[at] == '\n');
    *ret_length = at - cr;
    return (struct csv_field){.text = str_slice(s, 0, at - cr)};
}

/* Reads one field and what ends it. *ret_last: it was the record's last. */
static enum rc take_field(struct csv *csv, bool *ret_last, struct err *err)
{
    bool quote = csv->rest.n > 0 && csv->rest.p[0] == '"';
    size_t n = 0;
    if (csv->count == CSV_FIELDS_MAX)
        return err_set(err, RC_LIMIT, "line %u: more than %u fields", csv->line, CSV_FIELDS_MAX);
    struct csv_field field = quote ? quoted(csv, &n) : bare(csv, &n);
    if (quote && n == 0)
        return err_set(err, RC_INVALID, "line %u: a quote is never closed", csv->line);
    csv->field[csv->count++] = field;
    csv->rest = str_skip(csv->rest, n);
    if (csv->rest.n > 1 && csv->rest.p[0] == '\r' && csv->rest.p[1] == '\n')
        csv->rest = str_skip(csv->rest, 1);
    else if (csv->rest.n == 1 && csv->rest.p[0] == '\r')
        csv->rest = str_skip(csv->rest, 1);
    char end = csv->rest.n > 0 ? csv->rest.p[0] : '\n';
    if (end != '\n' && end != csv->separator)
        return err_set(err, RC_INVALID, "line %u: %s", csv->lines + 1,
                       quote ? "text behind a closing quote" : "a quote inside a field that does not begin with one");
    *ret_last = end == '\n';
    csv->lines += end == '\n' && csv->rest.n > 0;
    csv->rest = str_skip(csv->rest, 1);
    return RC_OK;
}

enum rc csv_next(struct csv *csv, struct err *err)
{
    for (;;) {
        bool last = false;
        if (csv->rest.n == 0)
            return RC_END;
        csv->count = 0;
        csv->line = csv->lines + 1;
        bool quote = csv->rest.p[0] == '"';
        while (!last) {
            enum rc rc = take_field(csv, &last, err);
            if (rc != RC_OK)
                return rc;
        }
        bool empty = csv->count == 1 && csv->field[0].text.n == 0 && !quote;
        if (!empty)
            return RC_OK;
    }
}

struct str csv_text(struct arena *arena, const struct csv_field *field)
{
    if (!field->doubled)
        return field->text;
    char *text = arena_alloc_raw(arena, field->text.n);
    size_t n = 0;
    if (text == NULL)
        return STR_NONE;
    for (size_t i = 0; i < field->text.n; i++) {
        text[n++] = field->text.p[i];
        if (field->text.p[i] == '"')
            i++;
    }
    return str_at(text, n);
}
