#include "codec/audit.h"

#include "base/bytes.h"
#include "base/civil.h"

#include <string.h>

#define PERMISSIONS_MAX 512u   /* bytes of "{ read write }": how far a closing brace is looked for */
#define ENRICHED        '\x1d' /* auditd puts resolved names behind it */

/* --- head --- */

static bool skip_prefix(struct str *s, struct str prefix)
{
    if (!str_starts(*s, prefix))
        return false;
    *s = str_skip(*s, prefix.n);
    return true;
}

static struct str take_word(struct str *s)
{
    size_t end = str_find(*s, ' ');
    struct str word = str_slice(*s, 0, end);
    *s = str_skip(*s, end + 1);
    return word;
}

static bool take_number(struct str *s, char end, uint64_t *ret_value)
{
    size_t n = str_find(*s, end);
    if (n == s->n || n > 20 || !str_to_u64(str_slice(*s, 0, n), ret_value))
        return false;
    *s = str_skip(*s, n + 1);
    return true;
}

/* "1700000000.123:456):" */
static bool take_stamp(struct str *s, struct audit *out)
{
    uint64_t seconds = 0;
    uint64_t millis = 0;
    if (!take_number(s, '.', &seconds) || !take_number(s, ':', &millis) || !take_number(s, ')', &out->serial))
        return false;
    if (seconds > INT64_MAX / SECOND_NS - 1 || millis > 999)
        return false;
    out->time_ns = (int64_t)seconds * SECOND_NS + (int64_t)millis * 1000000;
    return skip_prefix(s, STR(":"));
}

static struct str name_of_type(struct str type)
{
    uint64_t number = 0;
    const char *name = str_to_u64(type, &number) && number < 10000 ? audit_type_name((uint32_t)number) : NULL;
    return name != NULL ? str_of(name) : type;
}

bool audit_parse(struct str line, struct audit *ret_audit)
{
    memset(ret_audit, 0, sizeof *ret_audit);
    struct str s = str_trim(line);
    if (s.n > 0 && s.p[0] == '[') /* the kernel's own time: "[  12.345678] audit: " */
        s = str_trim(str_skip(s, str_find(s, ']') + 1));
    skip_prefix(&s, STR("audit: "));
    if (skip_prefix(&s, STR("node=")))
        ret_audit->node = take_word(&s);
    if (!skip_prefix(&s, STR("type=")))
        return false;
    struct str type = take_word(&s);
    skip_prefix(&s, STR("msg="));
    if (type.n == 0 || !skip_prefix(&s, STR("audit(")) || !take_stamp(&s, ret_audit))
        return false;
    ret_audit->type = name_of_type(type);
    ret_audit->fields = str_trim(s);
    return true;
}

/* --- fields --- */

struct audit_reader audit_fields(const struct audit *audit)
{
    return (struct audit_reader){.type = audit->type, .rest = audit->fields};
}

/* a0, a1... and a1[0], the pieces of a long one */
static bool is_argument(struct str name)
{
    if (name.n < 2 || name.p[0] != 'a')
        return false;
    for (size_t i = 1; i < name.n; i++) {
        if (!char_is_digit(name.p[i]) && name.p[i] != '[' && name.p[i] != ']')
            return false;
    }
    return true;
}

/* Whether the kernel or auditd writes this field in hexadecimal when it holds blanks, quotes or control characters. */
static bool may_be_hex(struct str type, struct str name)
{
    static const char *const names[] = {"proctitle", "exe",    "comm", "name",    "cwd",      "cmd",  "acct",
                                        "data",      "device", "dir",  "file",    "grp",      "key",  "ocomm",
                                        "path",      "vm",     "sw",   "profile", "root_dir", "watch"};
    if (is_argument(name))
        return str_is(type, "EXECVE"); /* those of SYSCALL are numbers */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return str_starts(name, STR("old-")) || str_starts(name, STR("new-"));
}

static bool is_hex(struct str s)
{
    if (s.n == 0 || s.n % 2 != 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!char_is_digit(s.p[i]) && (s.p[i] < 'A' || s.p[i] > 'F'))
            return false;
    }
    return true;
}

/* Goes on behind a nested part or into the enriched one; false when nothing follows. */
static bool next_part(struct audit_reader *r)
{
    if (r->nested) {
        r->rest = r->outer;
        r->nested = false;
        return true;
    }
    if (r->rest.n > 0 && r->rest.p[0] == ENRICHED) {
        r->rest = str_skip(r->rest, 1);
        r->enriched = true;
        return true;
    }
    return false;
}

/* msg='...': the closing quote is the last one of the part, since what is inside may hold quotes. */
static void enter_nested(struct audit_reader *r, struct str behind)
{
    struct str part = str_slice(behind, 0, str_find(behind, ENRICHED));
    size_t end = part.n;
    while (end > 0 && part.p[end - 1] != '\'')
        end--;
    if (end == 0)
        end = part.n + 1; /* the line was cut */
    r->rest = str_slice(behind, 0, end - 1);
    r->outer = str_skip(behind, end);
    r->nested = true;
}

static size_t word_length(struct str s)
{
    size_t at = 0;
    while (at < s.n && s.p[at] != ' ' && s.p[at] != ENRICHED)
        at++;
    return at;
}

/* SELinux: "avc:  denied  { read write } for  pid=..."; named as auparse names them. */
static bool take_avc(struct audit_reader *r, struct audit_field *field)
{
    if (skip_prefix(&r->rest, STR("avc:"))) {
        r->rest = str_trim(r->rest);
        size_t n = word_length(r->rest);
        field->name = STR("seresult");
        field->value = str_slice(r->rest, 0, n);
        r->rest = str_skip(r->rest, n);
        return n > 0;
    }
    struct str braces = str_slice(r->rest, 0, PERMISSIONS_MAX);
    size_t close = braces.n > 0 && braces.p[0] == '{' ? str_find(braces, '}') : braces.n;
    if (close == braces.n)
        return false;
    field->name = STR("seperms");
    field->value = str_trim(str_slice(r->rest, 1, close));
    r->rest = str_skip(r->rest, close + 1);
    return true;
}

static void take_value(struct audit_reader *r, struct str s, struct audit_field *field)
{
    if (s.n > 0 && s.p[0] == '"') {
        struct str inner = str_skip(s, 1);
        size_t n = str_find(inner, '"');
        field->quoted = true;
        field->value = str_slice(inner, 0, n);
        r->rest = str_skip(inner, n + 1);
        return;
    }
    size_t n = word_length(s);
    field->value = str_slice(s, 0, n);
    r->rest = str_skip(s, n);
    while (r->nested && field->value.n > 0 &&
           (field->value.p[field->value.n - 1] == ',' || field->value.p[field->value.n - 1] == ')'))
        field->value.n--; /* old PAM texts: "(hostname=?, addr=?, terminal=ssh res=failed)" */
    field->hex = may_be_hex(r->type, field->name) && is_hex(field->value);
}

bool audit_next(struct audit_reader *reader, struct audit_field *ret_field)
{
    for (;;) {
        memset(ret_field, 0, sizeof *ret_field);
        while (reader->rest.n > 0 && (reader->rest.p[0] == ' ' || reader->rest.p[0] == '('))
            reader->rest = str_skip(reader->rest, 1);
        if (reader->rest.n == 0 || reader->rest.p[0] == ENRICHED) {
            if (!next_part(reader))
                return false;
            continue;
        }
        ret_field->enriched = reader->enriched;
        ret_field->nested = reader->nested;
        if (take_avc(reader, ret_field))
            return true;
        struct str word = str_slice(reader->rest, 0, word_length(reader->rest));
        size_t equals = str_find(word, '=');
        struct str behind = str_skip(reader->rest, equals + 1);
        if (equals == 0 || equals == word.n) { /* no field */
            reader->rest = str_skip(reader->rest, MAX(word.n, (size_t)1));
            continue;
        }
        ret_field->name = str_slice(word, 0, equals);
        if (!reader->nested && str_is(ret_field->name, "msg") && skip_prefix(&behind, STR("'"))) {
            enter_nested(reader, behind);
            continue;
        }
        take_value(reader, behind, ret_field);
        return true;
    }
}

struct str audit_text(struct arena *arena, const struct audit_field *field)
{
    if (!field->hex)
        return field->value;
    size_t n = field->value.n / 2;
    char *text = arena_alloc_raw(arena, n);
    if (text == NULL || !hex_decode(field->value, text, n))
        return STR_NONE;
    while (n > 0 && text[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
    }
    return str_at(text, n);
}
