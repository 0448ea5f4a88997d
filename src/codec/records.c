#include "codec/records.h"

#include "base/assert.h"
#include "codec/winevent.h"

static struct str skip_blanks(struct str text)
{
    while (text.n && char_is_space(text.p[0]))
        text = str_skip(text, 1);
    return text;
}

/* Bytes of the JSON value at the beginning: up to the bracket that closes it, quotes respected; all of the text when
 * none does. A bare word ends at a comma, bracket or blank. */
static size_t value_length(struct str text)
{
    uint64_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            if (!quoted && depth == 0)
                return i + 1;
            continue;
        }
        if (depth == 0 && i > 0 && (c == ',' || c == ']' || c == '}' || char_is_space(c)))
            return i;
        quoted = c == '"';
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && depth > 0 && --depth == 0)
            return i + 1;
    }
    return text.n;
}

bool records_are_events(struct str text)
{
    struct str begin = skip_blanks(text);
    return winevent_begins(begin) || str_starts(begin, STR("<Events"));
}

static bool event_next(struct records *records, struct str *ret_record)
{
    size_t end;
    size_t at = winevent_find(records->rest, &end);
    *ret_record = str_trim(str_slice(records->rest, at, end));
    records->rest = str_skip(records->rest, end);
    return ret_record->n > 0;
}

void records_init(struct records *records, struct str text)
{
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    struct str begin = skip_blanks(text);
    *records = (struct records){text, RECORDS_LINES};
    if (records_are_events(begin)) {
        *records = (struct records){begin, RECORDS_EVENTS};
        return;
    }
    if (str_starts(begin, STR("["))) {
        struct str inside = skip_blanks(str_skip(begin, 1));
        if (str_starts(inside, STR("{")) || str_starts(inside, STR("]")))
            *records = (struct records){inside, RECORDS_ARRAY};
    } else if (str_starts(begin, STR("{"))) {
        struct str line = str_slice(begin, 0, str_find(begin, '\n'));
        size_t n = value_length(line);
        bool whole = n == line.n ? line.n && line.p[line.n - 1] == '}' : skip_blanks(str_skip(line, n)).n == 0;
        if (!whole || value_length(begin) > line.n)
            *records = (struct records){begin, RECORDS_VALUES};
    }
}

bool records_next(struct records *records, struct str *ret_record)
{
    while (records->form == RECORDS_LINES && records->rest.p && records->rest.n) {
        *ret_record = str_trim_end(str_cut(&records->rest, '\n'), '\r');
        if (str_trim(*ret_record).n)
            return true;
    }
    if (records->form == RECORDS_LINES)
        return false;
    if (records->form == RECORDS_EVENTS)
        return event_next(records, ret_record);
    records->rest = skip_blanks(records->rest);
    while (str_starts(records->rest, STR(",")))
        records->rest = skip_blanks(str_skip(records->rest, 1));
    if (records->rest.n == 0 || (records->form == RECORDS_ARRAY && str_starts(records->rest, STR("]"))))
        return false;
    size_t n = value_length(records->rest);
    n = n ? n : 1;
    *ret_record = str_slice(records->rest, 0, n);
    records->rest = str_skip(records->rest, n);
    return true;
}
