#include "codec/leef.h"

#include <string.h>

size_t leef_find(struct str s)
{
    size_t at = str_search(s, STR("LEEF:"));
    return at + 5 < s.n && char_is_digit(s.p[at + 5]) ? at : s.n;
}

/* The next header field; false when no '|' follows. */
static bool take_field(struct str *rest, struct str *ret_field)
{
    size_t pipe = str_find(*rest, '|');
    if (pipe == rest->n)
        return false;
    *ret_field = str_slice(*rest, 0, pipe);
    *rest = str_skip(*rest, pipe + 1);
    return true;
}

/* "", "^", "0x5e", "x5E", "\t": false when it is none of these. */
static bool read_delimiter(struct str s, char *ret_delimiter)
{
    uint64_t code = '\t';
    if (s.n == 1) {
        *ret_delimiter = s.p[0];
        return s.p[0] != '=';
    }
    if (s.n > 0 && !str_is(s, "\\t")) {
        size_t prefix = str_starts_nocase(s, STR("0x")) ? 2 : 1;
        bool hex = prefix == 2 || s.p[0] == 'x' || s.p[0] == 'X';
        if (!hex || !str_hex_to_u64(str_skip(s, prefix), &code) || code > 0xff || code == '=')
            return false;
    }
    *ret_delimiter = (char)code;
    return true;
}

bool leef_parse(struct str text, struct leef *ret_leef)
{
    memset(ret_leef, 0, sizeof *ret_leef);
    if (!str_starts(text, STR("LEEF:")))
        return false;
    struct str rest = str_skip(text, 5);
    struct str version;
    if (!take_field(&rest, &version) || !take_field(&rest, &ret_leef->vendor) ||
        !take_field(&rest, &ret_leef->product) || !take_field(&rest, &ret_leef->product_version) ||
        !take_field(&rest, &ret_leef->event_id))
        return false;
    ret_leef->version = version.n > 0 && version.p[0] == '2' ? 2 : 1;
    ret_leef->delimiter = '\t';
    if (!str_is(version, "1.0") && !str_is(version, "2.0") && !str_is(version, "1") && !str_is(version, "2"))
        return false;
    if (ret_leef->version ==
        2) { /* some senders leave the delimiter out with its '|': then attributes follow at once */
        size_t pipe = str_find(rest, '|');
        char delimiter = '\t';
        if (pipe < rest.n && read_delimiter(str_slice(rest, 0, pipe), &delimiter)) {
            ret_leef->delimiter = delimiter;
            rest = str_skip(rest, pipe + 1);
        }
    }
    while (rest.n > 0 && (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
        rest.n--;
    ret_leef->attributes = rest;
    return true;
}

bool leef_next(struct str *rest, char delimiter, struct str *ret_key, struct str *ret_value)
{
    while (rest->n > 0) {
        size_t end = str_find(*rest, delimiter);
        struct str part = str_slice(*rest, 0, end);
        *rest = str_skip(*rest, end + 1);
        size_t equals = str_find(part, '=');
        if (equals == part.n)
            continue;
        *ret_key = str_trim(str_slice(part, 0, equals));
        *ret_value = str_skip(part, equals + 1);
        if (ret_key->n > 0)
            return true;
    }
    return false;
}
