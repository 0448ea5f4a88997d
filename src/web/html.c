#include "web/html.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/utf8.h"
#include "web/form.h"

static bool is_shown(uint32_t code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n';
    if (code >= 0x7f && code <= 0x9f)
        return false;
    /* marks, embeddings, overrides and isolates of direction; line and paragraph separator; byte order mark */
    if ((code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
        return false;
    return code != 0xfeff && code != 0x061c;
}

static const char *entity(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&#34;";
    case '\'':
        return "&#39;";
    case '`':
        return "&#96;";
    default:
        return NULL;
    }
}

/* What stands in most texts and needs nothing: printable ASCII but the six. */
static size_t plain_length(struct str text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] >= 0x20 && text.p[n] < 0x7f && !entity((uint32_t)text.p[n]))
        n++;
    return n;
}

void html_escape(struct buf *out, struct str text)
{
    struct str rest = text;
    while (rest.n > 0) {
        size_t plain = plain_length(rest);
        if (plain > 0) {
            buf_put(out, rest.p, plain);
            rest = str_skip(rest, plain);
            continue;
        }
        uint32_t code = 0;
        size_t n = utf8_decode(rest, &code);
        const char *name = entity(code);
        if (name)
            buf_text(out, name);
        else if (is_shown(code) && code != UTF8_REPLACEMENT)
            buf_put(out, rest.p, n);
        else
            buf_text(out, "\xef\xbf\xbd");
        rest = str_skip(rest, n);
    }
}

struct str html_text(const struct html *html, struct str key)
{
    struct str text = texts_get(html->texts, key, html->language);
    return text.p ? text : key;
}

struct str html_text_of(const struct html *html, const char *family, struct str key)
{
    struct str text = texts_get_of(html->texts, str_of(family), key, html->language);
    return text.p ? text : key;
}

/* Groups of three with a narrow blank that does not break, as the three languages write it in tables. */
static void put_number(struct buf *out, int64_t value)
{
    char digits[24];
    struct buf buf;
    buf_init_fixed(&buf, digits, sizeof digits);
    buf_u64(&buf, value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
    if (value < 0)
        buf_text(out, "\xe2\x88\x92");
    for (size_t i = 0; i < buf.n; i++) {
        if (i > 0 && (buf.n - i) % 3 == 0)
            buf_text(out, "\xe2\x80\xaf");
        buf_char(out, digits[i]);
    }
}

static void put_bytes(struct html *html, int64_t value)
{
    static const char *const keys[] = {"unit.B", "unit.KiB", "unit.MiB", "unit.GiB", "unit.TiB", "unit.PiB"};
    size_t unit = 0;
    int64_t whole = value;
    int64_t tenth = 0;
    while (whole >= 1024 && unit + 1 < ARRAY_LEN(keys)) {
        tenth = whole % 1024 * 10 / 1024;
        whole /= 1024;
        unit++;
    }
    put_number(html->out, whole);
    if (unit > 0 && whole < 100)
        buf_format(html->out, "%s%d", html->language == LANGUAGE_EN ? "." : ",", (int)tenth);
    buf_text(html->out, "\xc2\xa0");
    html_escape(html->out, html_text(html, str_of(keys[unit])));
}

/* What a calendar of four-digit years can hold with any offset. */
static int64_t shown_time(int64_t time_ns)
{
    const int64_t most = INT64_C(9000000000) * SECOND_NS;
    return MIN(MAX(time_ns, -most), most);
}

static void put_time(struct html *html, int64_t time_ns)
{
    if (time_ns == 0) {
        buf_text(html->out, "<span class=\"none\">\xe2\x80\x94</span>");
        return;
    }
    char utc[CIVIL_TEXT_MAX];
    char local[CIVIL_TEXT_MAX];
    IGNORE(civil_format(shown_time(time_ns), 0, 3, utc));
    IGNORE(civil_format(shown_time(time_ns), html->zone_s, 0, local));
    struct str text = str_of(local);
    /* with offset 0 the text ends in Z, else in +hh:mm */
    struct str date = str_cut(&text, 'T');
    struct str zone = text.n > 8 ? str_skip(text, 8) : STR("");
    buf_format(html->out, "<time datetime=\"%s\" title=\"%s\"><span>%.*s</span> <b>%.*s</b><small>%.*s</small></time>",
               utc, utc, STR_ARG(date), 8, text.p, STR_ARG(zone));
}

static void put_moment(struct html *html, int64_t time_ns, bool input)
{
    char local[CIVIL_TEXT_MAX];
    IGNORE(civil_format(shown_time(time_ns), html->zone_s, 0, local));
    struct str text = str_of(local);
    struct str date = str_cut(&text, 'T');
    if (input)
        buf_format(html->out, "%.*sT%.*s", STR_ARG(date), 8, text.p);
    else
        buf_format(html->out, "%.*s %.*s %.*s", STR_ARG(date), 8, text.p, STR_ARG(str_skip(text, 8)));
}

void html_span(struct html *html, int64_t seconds)
{
    ASSERT(seconds >= 0);
    if (seconds >= DAY_S) {
        buf_i64(html->out, seconds / DAY_S);
        buf_text(html->out, "\xc2\xa0");
        html_escape(html->out, html_text(html, STR("unit.day")));
        buf_char(html->out, ' ');
    }
    int64_t rest = seconds % DAY_S;
    buf_format(html->out, "%02d:%02d:%02d", (int)(rest / HOUR_S), (int)(rest % HOUR_S / MINUTE_S),
               (int)(rest % MINUTE_S));
}

static void put_part(struct html *html, const struct part *part)
{
    switch (part->kind) {
    case PART_RAW:
        buf_str(html->out, part->text);
        break;
    case PART_ESCAPED:
        html_escape(html->out, part->text);
        break;
    case PART_URL:
        url_encode(html->out, part->text);
        break;
    case PART_SAY:
        html_escape(html->out, html_text(html, part->text));
        break;
    case PART_SAY_OF:
        html_escape(html->out, html_text_of(html, part->text.p, part->more));
        break;
    case PART_INT:
        buf_i64(html->out, part->number);
        break;
    case PART_NUMBER:
        put_number(html->out, part->number);
        break;
    case PART_FIXED:
        put_number(html->out, part->number / 1000);
        buf_format(html->out, "%s%d", html->language == LANGUAGE_EN ? "." : ",", (int)(part->number % 1000 / 100));
        break;
    case PART_BYTES:
        put_bytes(html, part->number);
        break;
    case PART_TIME:
        put_time(html, part->number);
        break;
    case PART_MOMENT:
    case PART_INPUT_TIME:
        put_moment(html, part->number, part->kind == PART_INPUT_TIME);
        break;
    case PART_SPAN:
        html_span(html, part->number);
        break;
    }
}

void html_parts(struct html *html, const struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_part(html, &parts[i]);
}

void html_say(struct html *html, const char *key, const struct part *parts, size_t count)
{
    struct str rest = html_text(html, str_of(key));
    while (rest.n > 0) {
        size_t brace = str_find(rest, '{');
        bool place = brace + 2 < rest.n && char_is_digit(rest.p[brace + 1]) && rest.p[brace + 2] == '}';
        html_escape(html->out, str_slice(rest, 0, place ? brace : MIN(brace + 1, rest.n)));
        if (!place) {
            rest = str_skip(rest, brace + 1);
            continue;
        }
        size_t index = (size_t)(rest.p[brace + 1] - '0');
        if (index < count)
            put_part(html, &parts[index]);
        rest = str_skip(rest, brace + 3);
    }
}
