#include "web/parts.h"

#include "base/assert.h"
#include "base/civil.h"

#include <string.h>

struct str of_str(const struct json_value *object, const char *key)
{
    return json_str(json_get(object, key), STR(""));
}

int64_t of_int(const struct json_value *object, const char *key)
{
    return json_int(json_get(object, key), 0);
}

bool of_bool(const struct json_value *object, const char *key)
{
    return json_bool(json_get(object, key), false);
}

int64_t of_thousandths(const struct json_value *object, const char *key)
{
    double value = json_double(json_get(object, key), 0);
    return value > 0 && value < 1e12 ? (int64_t)(value * 1000) : 0;
}

struct str of_text(const struct json_value *object, const char *key)
{
    const struct json_value *value = json_get(object, key);
    return value && (value->kind == JSON_STRING || value->kind == JSON_NUMBER) ? value->text : STR("");
}

void part_icon(struct web_call *call, const char *name)
{
    struct html *html = &call->html;
    if (strcmp(name, "brand") == 0)
        HTML(html, RAW("<svg class=\"icon brand\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M1 "
                       "15V4h2v2h2V4h2v2h2V4h2v2"
                       "h2V4h2v11h-5v-3a2 2 0 0 0-4 0v3z\"/></svg>"));
    else if (strcmp(name, "ok") == 0)
        HTML(html, RAW("<svg class=\"icon ok\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M2 8.5 6 12.5 14 "
                       "3.5\" fill=\""
                       "none\" stroke=\"currentColor\" stroke-width=\"2.2\"/></svg>"));
    else if (strcmp(name, "warn") == 0)
        HTML(html, RAW("<svg class=\"icon warn\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M8 1 15.5 "
                       "15H.5z\" fill=\""
                       "none\" stroke=\"currentColor\" stroke-width=\"1.6\"/><path d=\"M8 6v4.5M8 12v1.4\" stroke=\""
                       "currentColor\" stroke-width=\"1.6\"/></svg>"));
    else if (strcmp(name, "bad") == 0)
        HTML(html, RAW("<svg class=\"icon bad\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M5 1h6l4 4v6l-4 "
                       "4H5l-4-4V5z\"/>"
                       "<path class=\"cut\" d=\"M8 4v5M8 10.5V12\" stroke-width=\"1.8\"/></svg>"));
    else
        HTML(html,
             RAW("<svg class=\"icon run\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle cx=\"8\" cy=\"8\" "
                 "r=\"6.5\" "
                 "fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\"/><path d=\"M8 4v4l3 2\" fill=\"none\" "
                 "stroke=\"currentColor\" stroke-width=\"1.6\"/></svg>"));
}

void part_csrf(struct web_call *call)
{
    HTML(&call->html, RAW("<input type=\"hidden\" name=\"csrf\" value=\""), ESC(call->csrf), RAW("\">"));
}

void part_severity(struct web_call *call, int64_t severity)
{
    int64_t level = severity >= 1 && severity <= 4 ? severity : 1;
    part_severity_said(call, level, "severity.", call_format(call, "%d", (int)level));
}

void part_severity_said(struct web_call *call, int64_t severity, const char *family, struct str word)
{
    struct html *html = &call->html;
    int64_t level = severity >= 1 && severity <= 4 ? severity : 1;
    HTML(html, RAW("<span class=\"severity s"), INT(level),
         RAW("\"><svg class=\"bars\" viewBox=\"0 0 16 12\" aria-hidden=\"true\">"));
    for (int64_t i = 0; i < 4; i++) {
        HTML(html, RAW("<rect x=\""), INT(i * 4), RAW("\" y=\""), INT(9 - i * 3), RAW("\" width=\"3\" height=\""),
             INT(3 + i * 3), RAW("\""));
        if (i >= level)
            HTML(html, RAW(" class=\"off\""));
        HTML(html, RAW("/>"));
    }
    HTML(html, RAW("</svg> "), ESC(html_text(html, call_format(call, "%s%.*s", family, STR_ARG(word)))),
         RAW("</span>"));
}

void part_state_mood(struct web_call *call, const char *family, struct str state, enum part_mood mood)
{
    static const char *const classes[] = {
        [MOOD_CALM] = "", [MOOD_RUNNING] = "", [MOOD_GOOD] = " ok", [MOOD_BAD] = " bad"};
    static const char *const icons[] = {[MOOD_RUNNING] = "running", [MOOD_GOOD] = "ok", [MOOD_BAD] = "bad"};
    struct html *html = &call->html;
    char joined[64];
    struct buf buf;
    buf_init_fixed(&buf, joined, sizeof joined);
    buf_text(&buf, family);
    buf_str(&buf, state);
    struct str text = buf.overflow ? state : html_text(html, buf_view(&buf));
    HTML(html, RAW("<span class=\"state"), ESCZ(classes[mood]), RAW("\">"));
    if (mood != MOOD_CALM)
        part_icon(call, icons[mood]);
    HTML(html, RAW(" "), ESC(text), RAW("</span>"));
}

void part_state(struct web_call *call, const char *family, struct str state)
{
    bool good = str_is(state, "met") || str_is(state, "closed") || str_is(state, "sent");
    bool bad = str_is(state, "overdue") || str_is(state, "failed");
    bool calm = str_is(state, "cancelled") || str_is(state, "false_positive") || str_is(state, "rejected");
    part_state_mood(call, family, state, good ? MOOD_GOOD : bad ? MOOD_BAD : calm ? MOOD_CALM : MOOD_RUNNING);
}

void part_tabs(struct web_call *call, const char *label, const struct part_tab *tabs, size_t count, const char *here)
{
    struct html *html = &call->html;
    HTML(html, RAW("<nav class=\"tabs\" aria-label=\""), ESC(html_text(html, str_of(label))), RAW("\">"));
    for (size_t i = 0; i < count; i++) {
        HTML(html, RAW("<a href=\""), ESCZ(tabs[i].path), RAW("\""));
        if (here && str_is(str_of(here), tabs[i].path))
            HTML(html, RAW(" aria-current=\"true\""));
        HTML(html, RAW(">"), ESC(html_text(html, str_of(tabs[i].key))), RAW("</a>"));
    }
    HTML(html, RAW("</nav>"));
}

void part_remaining(struct web_call *call, int64_t due_ns)
{
    struct html *html = &call->html;
    int64_t left_s = (due_ns - html->now_ns) / SECOND_NS;
    bool over = due_ns < html->now_ns;
    bool near = !over && left_s < 5 * MINUTE_S;
    HTML(html, RAW("<span class=\"clock "),
         ESCZ(over   ? "over"
              : near ? "near"
                     : "calm"),
         RAW("\" data-due=\""), INT(due_ns / 1000000), RAW("\" data-over=\""), SAY("clock.overdue_by"),
         RAW("\" data-left=\""), SAY("clock.left"), RAW("\">"));
    part_icon(call, over ? "bad" : near ? "warn" : "run");
    HTML(html, RAW(" <span class=\"word\">"), ESC(html_text(html, over ? STR("clock.overdue_by") : STR("clock.left"))),
         RAW("</span> <b class=\"span\">"), SPAN(over ? -left_s : left_s), RAW("</b></span>"));
}

void part_cell_classed(struct web_call *call, const char *label, const char *class)
{
    HTML(&call->html, RAW("<td class=\""), ESCZ(class), RAW("\" data-label=\""),
         ESC(html_text(&call->html, str_of(label))), RAW("\">"));
}

void part_cell(struct web_call *call, const char *label)
{
    HTML(&call->html, RAW("<td data-label=\""), ESC(html_text(&call->html, str_of(label))), RAW("\">"));
}

void part_row_begin(struct web_call *call, const char *key)
{
    HTML(&call->html, RAW("<tr><th scope=\"row\">"), ESC(html_text(&call->html, str_of(key))), RAW("</th><td>"));
}

void part_heads(struct web_call *call, const char *const *keys)
{
    HTML(&call->html, RAW("<thead><tr>"));
    for (; *keys; keys++) {
        bool number = (*keys)[0] == '#';
        HTML(&call->html, RAW("<th scope=\"col\""));
        if (number)
            HTML(&call->html, RAW(" class=\"number\""));
        HTML(&call->html, RAW(">"), ESC(html_text(&call->html, str_of(*keys + number))), RAW("</th>"));
    }
    HTML(&call->html, RAW("</tr></thead>"));
}

void part_tile_begin(struct web_call *call, const char *key)
{
    HTML(&call->html, RAW("<div class=\"tile\"><dt>"), ESC(html_text(&call->html, str_of(key))), RAW("</dt><dd>"));
}

void part_tile_text(struct web_call *call, const char *key, struct str text)
{
    part_tile_begin(call, key);
    HTML(&call->html, ESC(text), RAW("</dd></div>"));
}

void part_tile_number(struct web_call *call, const char *key, int64_t number)
{
    part_tile_begin(call, key);
    HTML(&call->html, NUMBER(number), RAW("</dd></div>"));
}

void part_tile_bytes(struct web_call *call, const char *key, int64_t bytes)
{
    part_tile_begin(call, key);
    if (bytes > 0)
        HTML(&call->html, BYTES(bytes));
    else
        HTML(&call->html, RAW("\xe2\x80\x94"));
    HTML(&call->html, RAW("</dd></div>"));
}

void part_tile_time(struct web_call *call, const char *key, int64_t ns)
{
    part_tile_begin(call, key);
    if (ns > 0)
        HTML(&call->html, TIME(ns));
    else
        HTML(&call->html, RAW("\xe2\x80\x94"));
    HTML(&call->html, RAW("</dd></div>"));
}

void part_notice(struct web_call *call, const char *kind, const char *key)
{
    HTML(&call->html, RAW("<p class=\"notice "), ESCZ(kind), RAW("\" role=\""),
         ESCZ(strcmp(kind, "ok") == 0 ? "status" : "alert"), RAW("\">"));
    part_icon(call, kind);
    HTML(&call->html, RAW(" <span>"), ESC(html_text(&call->html, str_of(key))), RAW("</span></p>"));
}

void part_saved(struct web_call *call, const char *key)
{
    struct html *html = &call->html;
    int64_t count = form_int(&call->query, "saved", -1);
    if (count < 0)
        return;
    HTML(html, RAW("<p class=\"notice ok\" role=\"status\">"));
    part_icon(call, "ok");
    HTML(html, RAW(" <span>"), ESC(html_text(html, str_of(key))), RAW(" "), NUMBER(count), RAW("</span></p>"));
}

void part_error(struct web_call *call, struct str key, struct str field, struct str detail)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"notice bad\" role=\"alert\">"));
    part_icon(call, "bad");
    HTML(html, RAW(" <span>"), SAY_OF("error.", key));
    if (field.n > 0)
        HTML(html, RAW(" <b>"), SAY_OF("field.", field), RAW("</b>"));
    HTML(html, RAW("</span>"));
    if (detail.n > 0)
        HTML(html, RAW("<code class=\"detail\" lang=\"en\">"), ESC(detail), RAW("</code>"));
    HTML(html, RAW("</div>"));
}

int64_t part_offset(const struct web_call *call)
{
    return MIN(MAX(form_int(&call->query, "offset", 0), 0), INT32_MAX);
}

void part_pager(struct web_call *call, const char *path, int64_t offset, int64_t size, int64_t total)
{
    struct html *html = &call->html;
    if (total <= size && offset == 0)
        return;
    HTML(html, RAW("<p class=\"more\">"));
    if (offset > 0)
        HTML(html, RAW("<a class=\"button\" rel=\"prev\" href=\""), ESCZ(path), INT(MAX(offset - size, 0)), RAW("\">"),
             SAY("pager.before"), RAW("</a> "));
    if (offset + size < total)
        HTML(html, RAW("<a class=\"button\" rel=\"next\" href=\""), ESCZ(path), INT(offset + size), RAW("\">"),
             SAY("pager.after"), RAW("</a>"));
    HTML(html, RAW("</p>"));
}

/* --- forms --- */

static void label(struct web_call *call, const char *name, const char *key)
{
    HTML(&call->html, RAW("<label for=\"f-"), ESCZ(name), RAW("\">"), ESC(html_text(&call->html, str_of(key))),
         RAW("</label>"));
}

void part_input(struct web_call *call, const char *name, const char *key, struct str value, unsigned flags)
{
    struct html *html = &call->html;
    bool secret = (flags & (INPUT_PASSWORD_OLD | INPUT_PASSWORD_NEW)) != 0;
    const char *type = secret                   ? "password"
                       : (flags & INPUT_NUMBER) ? "number"
                       : (flags & INPUT_MAIL)   ? "email"
                       : (flags & INPUT_DATE)   ? "date"
                       : (flags & INPUT_MOMENT) ? "datetime-local"
                                                : "text";
    if (flags & INPUT_WIDE)
        HTML(html, RAW("<div class=\"field wide\">"));
    else
        HTML(html, RAW("<div class=\"field\">"));
    label(call, name, key);
    HTML(html, RAW("<input id=\"f-"), ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\" type=\""), ESCZ(type),
         RAW("\""));
    if (!secret)
        HTML(html, RAW(" value=\""), ESC(value), RAW("\""));
    if (flags & INPUT_PASSWORD_OLD)
        HTML(html, RAW(" autocomplete=\"current-password\""));
    if (flags & INPUT_PASSWORD_NEW)
        HTML(html, RAW(" autocomplete=\"new-password\""));
    if (flags & INPUT_USER)
        HTML(html, RAW(" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" autofocus"));
    if (flags & INPUT_CODE) /* 123 456 is how phones show it */
        HTML(html, RAW(" class=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"7\""));
    if (flags & INPUT_RECOVERY)
        HTML(html, RAW(" class=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\""
                       " maxlength=\"40\""));
    if (flags & INPUT_FOCUS)
        HTML(html, RAW(" autofocus"));
    if (flags & INPUT_REQUIRED)
        HTML(html, RAW(" required"));
    if (flags & INPUT_MOMENT)
        HTML(html, RAW(" step=\"1\""));
    if (flags & INPUT_WRONG)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW("></div>"));
}

struct str part_rule_title(const struct web_call *call, struct str rule_id, struct str title)
{
    const struct html *html = &call->html;
    if (!str_eq(texts_get_of(html->texts, STR("rule."), rule_id, LANGUAGE_EN), title))
        return title;
    return texts_get_of(html->texts, STR("rule."), rule_id, html->language);
}

void part_area(struct web_call *call, const char *name, const char *key, struct str value, bool wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field wide\">"));
    label(call, name, key);
    HTML(html, RAW("<textarea id=\"f-"), ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\" rows=\"3\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">\n"), ESC(value), RAW("</textarea></div>"));
}

void part_check(struct web_call *call, const char *name, const char *key, bool on)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field check\"><input type=\"checkbox\" id=\"f-"), ESCZ(name), RAW("\" name=\""),
         ESCZ(name), RAW("\" value=\"yes\""));
    if (on)
        HTML(html, RAW(" checked"));
    HTML(html, RAW(">"));
    label(call, name, key);
    HTML(html, RAW("</div>"));
}

static void option(struct web_call *call, const char *family, struct str key, struct str value)
{
    struct html *html = &call->html;
    struct str text = texts_get_of(html->texts, str_of(family), key, html->language);
    HTML(html, RAW("<option value=\""), ESC(key), RAW("\""));
    if (str_eq(key, value))
        HTML(html, RAW(" selected"));
    if (key.n == 0)
        text = html_text(html, STR("form.not_given"));
    HTML(html, RAW(">"), ESC(text.p ? text : key), RAW("</option>"));
}

static void select_begin(struct web_call *call, const char *name, const char *key)
{
    HTML(&call->html, RAW("<div class=\"field\">"));
    label(call, name, key);
    HTML(&call->html, RAW("<select id=\"f-"), ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\">"));
}

void part_select(struct web_call *call, const char *name, const char *key, const char *family,
                 const struct json_value *keys, struct str value)
{
    bool known = false;
    select_begin(call, name, key);
    for (const struct json_value *item = json_first(keys); item; item = item->next)
        known |= str_eq(item->text, value);
    if (!known)
        option(call, family, value, value);
    for (const struct json_value *item = json_first(keys); item; item = item->next)
        option(call, family, item->text, value);
    HTML(&call->html, RAW("</select></div>"));
}

void part_choice(struct web_call *call, const char *name, const char *key, const char *family, const char *const *keys,
                 struct str value)
{
    select_begin(call, name, key);
    for (; *keys; keys++)
        option(call, family, str_of(*keys), value);
    HTML(&call->html, RAW("</select></div>"));
}

void part_filter(struct web_call *call, const char *name, const char *label, const char *family,
                 const char *const *keys, const char *none)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-"), ESCZ(name), RAW("\">"), ESC(html_text(html, str_of(label))),
         RAW("</label><select id=\"f-"), ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\"><option value=\"\">"),
         ESC(html_text(html, str_of(none))), RAW("</option>"));
    for (size_t i = 0; keys[i]; i++) {
        HTML(html, RAW("<option value=\""), ESCZ(keys[i]), RAW("\""));
        if (str_is(form_get(&call->query, name), keys[i]))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(texts_get_of(html->texts, str_of(family), str_of(keys[i]), html->language)),
             RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

struct str part_filter_value(const struct web_call *call, const char *name, const char *const *keys)
{
    struct str value = form_get(&call->query, name);
    for (size_t i = 0; keys[i]; i++)
        if (str_is(value, keys[i]))
            return value;
    return STR("");
}

void part_hidden(struct web_call *call, const char *name, struct str value)
{
    HTML(&call->html, RAW("<input type=\"hidden\" name=\""), ESCZ(name), RAW("\" value=\""), ESC(value), RAW("\">"));
}

struct str part_day(struct web_call *call, int64_t ns)
{
    struct civil c = civil_from_ns(ns, call->html.zone_s);
    return call_format(call, "%04d-%02d-%02d", c.year, c.month, c.day);
}

void part_objects(struct web_call *call, const char *name, const char *label, const struct json_value *objects,
                  struct str value)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-"), ESCZ(name), RAW("\">"), ESC(html_text(html, str_of(label))),
         RAW("</label><select id=\"f-"), ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\">"));
    for (const struct json_value *o = json_first(objects); o; o = o->next) {
        HTML(html, RAW("<option value=\""), ESC(of_text(o, "id")), RAW("\""));
        if (str_eq(of_text(o, "id"), value))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(o, "name")), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

void part_record(struct web_call *call, int64_t record)
{
    struct html *html = &call->html;
    if (record > 0)
        HTML(html, RAW(" <a class=\"record\" href=\"/records/"), INT(record), RAW("\">"), SAY("event.record"), RAW(" "),
             INT(record), RAW("</a>"));
}
