#include "web/form.h"

#include "codec/utf8.h"

static int hex_value(char c)
{
    if (char_is_digit(c))
        return c - '0';
    char lower = char_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes in place of a copy; `form` also turns + into a blank and CR LF into LF. */
static struct str decode(struct arena *arena, struct str text, bool form)
{
    char *out = arena_alloc_raw(arena, text.n + 1);
    if (!out)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' && i + 2 < text.n && hex_value(text.p[i + 1]) >= 0 && hex_value(text.p[i + 2]) >= 0) {
            c = (char)(hex_value(text.p[i + 1]) * 16 + hex_value(text.p[i + 2]));
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        if (form && c == '\n' && n > 0 && out[n - 1] == '\r')
            n--;
        out[n++] = c;
    }
    struct str valid = utf8_make_valid(arena, str_at(out, n));
    return valid;
}

enum rc form_parse(struct arena *arena, struct str text, struct form *ret_form)
{
    struct str rest = text;
    while (rest.p && rest.n > 0) {
        struct str value = str_cut(&rest, '&');
        if (value.n == 0)
            continue;
        if (ret_form->count == FORM_FIELDS_MAX)
            return RC_LIMIT;
        struct form_field *field = &ret_form->fields[ret_form->count];
        field->name = decode(arena, str_cut(&value, '='), true);
        field->value = decode(arena, value.p ? value : STR(""), true);
        if (!field->name.p || !field->value.p)
            return RC_LIMIT;
        ret_form->count++;
    }
    return RC_OK;
}

struct str form_get(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (str_is(form->fields[i].name, name))
            return form->fields[i].value;
    return STR_NONE;
}

int64_t form_int(const struct form *form, const char *name, int64_t otherwise)
{
    int64_t value = 0;
    return str_to_i64(form_get(form, name), &value) ? value : otherwise;
}

struct str cookie_get(struct str header, const char *name)
{
    struct str found = STR_NONE;
    struct str rest = header;
    while (rest.p) {
        struct str value = str_trim(str_cut(&rest, ';'));
        struct str key = str_cut(&value, '=');
        if (!value.p || !str_is(key, name))
            continue;
        if (found.p && !str_eq(found, value))
            return STR_NONE;
        found = value;
    }
    return found;
}

struct str path_decode(struct arena *arena, struct str segment)
{
    struct str text = decode(arena, segment, false);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '/' || text.p[i] == '\0')
            return STR_NONE;
    return text;
}

void url_encode(struct buf *buf, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (char_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            buf_char(buf, c);
        } else {
            unsigned byte = (unsigned char)c;
            buf_char(buf, '%');
            buf_char(buf, digits[byte >> 4]);
            buf_char(buf, digits[byte & 15]);
        }
    }
}
