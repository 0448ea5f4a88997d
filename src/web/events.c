#include "web/events.h"

#include "base/civil.h"
#include "web/parts.h"

static void value(struct web_call *call, const struct json_value *v)
{
    struct html *html = &call->html;
    if (v->kind != JSON_ARRAY) {
        HTML(html, ESC(v->text));
        return;
    }
    for (const struct json_value *item = v->first; item; item = item->next)
        HTML(html, RAW("<span class=\"item\">"), ESC(item->text), RAW("</span> "));
}

void event_fields(struct web_call *call, const struct json_value *event)
{
    struct html *html = &call->html;
    const struct json_value *statutory = json_get(event, "statutory");
    const struct json_value *fields = json_get(event, "fields");
    if (json_first(statutory)) {
        HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("event.statutory"), RAW("</caption><tbody>"));
        for (const struct json_value *f = json_first(statutory); f; f = f->next) {
            HTML(html, RAW("<tr><th scope=\"row\">"), SAY_OF("statutory.", f->key), RAW("</th><td>"));
            if (str_is(f->key, "outcome"))
                HTML(html, SAY_OF("outcome.", f->text));
            else
                value(call, f);
            HTML(html, RAW("</td></tr>"));
        }
        HTML(html, RAW("</tbody></table>"));
    }
    if (json_first(fields)) {
        HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("event.fields"), RAW("</caption><tbody>"));
        for (const struct json_value *f = json_first(fields); f; f = f->next) {
            HTML(html, RAW("<tr><th scope=\"row\"><code>"), ESC(f->key), RAW("</code></th><td>"));
            value(call, f);
            HTML(html, RAW("</td></tr>"));
        }
        HTML(html, RAW("</tbody></table>"));
    }
}

void event_rules(struct web_call *call, const struct json_value *event)
{
    struct html *html = &call->html;
    for (const struct json_value *rule = json_first(json_get(event, "rules")); rule; rule = rule->next) {
        HTML(html, RAW("<a class=\"rule\" title=\""), SAY("event.rule"),
             RAW("\" href=\"/search?range=all&amp;q=rule%3A%22"), URL(rule->text), RAW("%22\">"), ESC(rule->text),
             RAW("</a> "));
    }
}

void event_line(struct web_call *call, struct str text, size_t limit)
{
    size_t n = text.n;
    if (n > limit) {
        n = limit;
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
            n--;
    }
    HTML(&call->html, ESC(str_slice(text, 0, n)));
    if (n < text.n)
        HTML(&call->html, RAW("\xe2\x80\xa6"));
}

static bool digits(struct str text, size_t at, size_t n, int32_t *ret_value)
{
    uint64_t number = 0;
    if (at + n > text.n || !str_to_u64(str_slice(text, at, at + n), &number))
        return false;
    *ret_value = (int32_t)number;
    return true;
}

bool time_of_input(struct str text, int32_t zone_s, int64_t *ret_ns)
{
    struct civil civil = {0};
    bool whole = (text.n == 16 || text.n == 19) && text.p[4] == '-' && text.p[7] == '-' && text.p[10] == 'T' &&
                 text.p[13] == ':' && digits(text, 0, 4, &civil.year) && digits(text, 5, 2, &civil.month) &&
                 digits(text, 8, 2, &civil.day) && digits(text, 11, 2, &civil.hour) &&
                 digits(text, 14, 2, &civil.minute);
    if (whole && text.n == 19)
        whole = text.p[16] == ':' && digits(text, 17, 2, &civil.second);
    if (!whole || !civil_valid(&civil) || civil.year < 1970 || civil.year > 2261)
        return false;
    *ret_ns = civil_to_ns(&civil, zone_s);
    return true;
}
