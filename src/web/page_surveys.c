/* The calendar of surveys: a year by its months, a month by its days, of all objects or of one. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/survey_parts.h"

#include <stdio.h>

#define NAMED_MAX 6   /* surveys of a day of the month that are named */
#define LIST_MAX  500 /* of a month */

struct wish {
    int64_t year, month, object;
};

static const char *const months[] = {"surveys.month_1", "surveys.month_2",  "surveys.month_3",  "surveys.month_4",
                                     "surveys.month_5", "surveys.month_6",  "surveys.month_7",  "surveys.month_8",
                                     "surveys.month_9", "surveys.month_10", "surveys.month_11", "surveys.month_12"};
static const char *const weekdays[] = {"surveys.weekday_1", "surveys.weekday_2", "surveys.weekday_3",
                                       "surveys.weekday_4", "surveys.weekday_5", "surveys.weekday_6",
                                       "surveys.weekday_7"};

static struct wish wish_read(const struct web_call *call)
{
    int64_t now = civil_from_ns(call->html.now_ns, call->html.zone_s).month;
    return (struct wish){.year = survey_year(call),
                         .month = MIN(MAX(form_int(&call->query, "month", now), 1), 12),
                         .object = MIN(MAX(form_int(&call->query, "object", 0), 0), INT32_MAX)};
}

static void calendar_ask(struct web_call *call, const struct wish *wish)
{
    struct buf *buf = call_ask(call, WEB_DESK, "survey.calendar");
    json_put_int(buf, "year", wish->year);
    json_put_int(buf, "object", wish->object);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

/* What the calendar says of each day of a year. */
struct days {
    const struct json_value *day[366];
    int64_t begin;
    int32_t count;
};

static void days_read(const struct json_value *calendar, int64_t year, struct days *ret_days)
{
    *ret_days = (struct days){.begin = civil_to_days((int32_t)year, 1, 1)};
    ret_days->count = (int32_t)(civil_to_days((int32_t)year, 12, 31) - ret_days->begin + 1);
    int32_t at = 0;
    for (const struct json_value *d = json_first(json_get(calendar, "days")); d; d = d->next) {
        struct str text = of_str(d, "day");
        char day[16];
        while (at < ret_days->count) {
            int32_t y, month, number;
            civil_from_days(ret_days->begin + at, &y, &month, &number);
            snprintf(day, sizeof day, "%04d-%02d-%02d", y, month, number);
            if (str_compare(str_of(day), text) >= 0)
                break;
            at++;
        }
        if (at < ret_days->count && str_is(text, day))
            ret_days->day[at++] = d;
    }
}

static bool is_off(const struct days *days, int64_t day)
{
    struct str kind = of_str(days->day[day - days->begin], "kind");
    if (!kind.n)
        return civil_weekday(day) > 5;
    return !str_is(kind, "working") && !str_is(kind, "transferred_work");
}

static void filter_form(struct web_call *call, const struct wish *wish, bool month)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\""),
         ESCZ(month ? "/surveys/month" : "/surveys"), RAW("\">"));
    part_input(call, "year", "survey.year", call_format(call, "%lld", (long long)wish->year), INPUT_NUMBER);
    if (month) {
        HTML(html, RAW("<div class=\"field\"><label for=\"f-month\">"), SAY("surveys.month"),
             RAW("</label><select id=\"f-month\" name=\"month\">"));
        for (int64_t i = 0; i < 12; i++) {
            HTML(html, RAW("<option value=\""), INT(i + 1), RAW("\""));
            if (i + 1 == wish->month)
                HTML(html, RAW(" selected"));
            HTML(html, RAW(">"), ESC(html_text(html, str_of(months[i]))), RAW("</option>"));
        }
        HTML(html, RAW("</select></div>"));
    }
    survey_objects(call, json_get(call_answer(call, 1), "objects"), wish->object);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button></form>"));
}

static void weekday_heads(struct web_call *call)
{
    HTML(&call->html, RAW("<thead><tr>"));
    for (size_t i = 0; i < ARRAY_LEN(weekdays); i++)
        HTML(&call->html, RAW("<th scope=\"col\">"), ESC(html_text(&call->html, str_of(weekdays[i]))), RAW("</th>"));
    HTML(&call->html, RAW("</tr></thead><tbody><tr>"));
}

/* A month begins within a week and ends within one. */
static void blanks(struct web_call *call, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        HTML(&call->html, RAW("<td class=\"blank\"></td>"));
}

static struct str month_path(struct web_call *call, const struct wish *wish, int64_t month)
{
    return call_format(call, "/surveys/month?year=%lld&month=%lld&object=%lld", (long long)wish->year, (long long)month,
                       (long long)wish->object);
}

/* --- the year --- */

static void small_day(struct web_call *call, const struct days *days, int64_t day, struct str path)
{
    struct html *html = &call->html;
    int32_t year, month, number;
    const struct json_value *d = days->day[day - days->begin];
    bool off = is_off(days, day); /* nobody works on one that runs around it */
    int64_t running = off ? 0 : of_int(d, "surveys");
    civil_from_days(day, &year, &month, &number);
    HTML(html, RAW("<td"));
    if (off)
        HTML(html, RAW(" class=\"off\""));
    else if (running > 0)
        HTML(html, RAW(" class=\"runs\""));
    HTML(html, RAW(">"));
    if (running > 0)
        HTML(html, RAW("<a href=\""), ESC(path), RAW("#d"), INT(number), RAW("\">"), INT(number), RAW(" <b>"),
             NUMBER(running), RAW("</b></a></td>"));
    else
        HTML(html, INT(number), RAW("</td>"));
}

static void small_month(struct web_call *call, const struct wish *wish, const struct days *days, int32_t month)
{
    struct html *html = &call->html;
    struct str path = month_path(call, wish, month);
    int64_t first = civil_to_days((int32_t)wish->year, month, 1);
    int64_t last = first + civil_month_days((int32_t)wish->year, month) - 1;
    HTML(html, RAW("<table class=\"month small\"><caption><a href=\""), ESC(path), RAW("\">"),
         ESC(html_text(html, str_of(months[month - 1]))), RAW("</a></caption>"));
    weekday_heads(call);
    blanks(call, civil_weekday(first) - 1);
    for (int64_t day = first; day <= last; day++) {
        small_day(call, days, day, path);
        if (civil_weekday(day) == 7 && day < last)
            HTML(html, RAW("</tr><tr>"));
    }
    blanks(call, 7 - civil_weekday(last));
    HTML(html, RAW("</tr></tbody></table>"));
}

static void around(struct web_call *call, const char *label, struct str before, struct str after)
{
    HTML(&call->html, RAW("<nav class=\"years\" aria-label=\""), ESC(html_text(&call->html, str_of(label))),
         RAW("\"><a class=\"button\" rel=\"prev\" href=\""), ESC(before), RAW("\">"), SAY("pager.before"),
         RAW("</a> <a class=\"button\" rel=\"next\" href=\""), ESC(after), RAW("\">"), SAY("pager.after"),
         RAW("</a></nav>"));
}

void page_surveys(struct web_call *call)
{
    struct html *html = &call->html;
    struct wish wish = wish_read(call);
    struct days days;
    if (call->phase == 0) {
        calendar_ask(call, &wish);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *calendar = call_answer(call, 0);
    days_read(calendar, wish.year, &days);
    call_page(call, "surveys.title", SECTION_SURVEYS);
    HTML(html, RAW("<h1>"), SAY("surveys.title"), RAW(" "), INT(wish.year), RAW("</h1>"));
    survey_tabs(call, "/surveys");
    filter_form(call, &wish, false);
    if (wish.object > 0)
        HTML(html, RAW("<p><a href=\"/objects/"), INT(wish.object), RAW("/surveys?year="), INT(wish.year), RAW("\">"),
             SAY("surveys.plan_of"), RAW("</a></p>"));
    if (!of_bool(calendar, "covered"))
        part_notice(call, "warn", "surveys.uncovered");
    HTML(html, RAW("<p class=\"hint\">"), SAY("surveys.legend"), RAW("</p><div class=\"months\">"));
    for (int32_t month = 1; month <= 12; month++)
        small_month(call, &wish, &days, month);
    HTML(html, RAW("</div>"));
    around(call, "surveys.year",
           call_format(call, "/surveys?year=%lld&object=%lld", (long long)wish.year - 1, (long long)wish.object),
           call_format(call, "/surveys?year=%lld&object=%lld", (long long)wish.year + 1, (long long)wish.object));
    call_page_end(call, 200);
}

/* --- the month --- */

static void day_surveys(struct web_call *call, const struct json_value *answer, struct str day, int64_t running)
{
    struct html *html = &call->html;
    int64_t named = 0;
    HTML(html, RAW("<ul>"));
    for (const struct json_value *s = json_first(json_get(answer, "surveys")); s && named < NAMED_MAX; s = s->next) {
        if (str_compare(of_str(s, "first_day"), day) > 0 || str_compare(of_str(s, "last_day"), day) < 0)
            continue;
        HTML(html, RAW("<li><a href=\"/surveys/"), INT(of_int(s, "id")), RAW("\">"), ESC(of_str(s, "number")),
             RAW("</a> <small>"), ESC(of_str(s, "object")), RAW("</small></li>"));
        named++;
    }
    HTML(html, RAW("</ul>"));
    if (running > named) {
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "surveys.more", NUMBER(running - named));
        HTML(html, RAW("</p>"));
    }
}

static void large_day(struct web_call *call, const struct days *days, int64_t day, const struct json_value *answer)
{
    struct html *html = &call->html;
    const struct json_value *d = days->day[day - days->begin];
    int32_t year, month, number;
    bool off = is_off(days, day);
    int64_t running = off ? 0 : of_int(d, "surveys");
    civil_from_days(day, &year, &month, &number);
    HTML(html, RAW("<td id=\"d"), INT(number), RAW("\" class=\""), ESCZ(off ? "off" : ""),
         ESCZ(running == 0 && !json_get(d, "name") ? " empty-day" : ""), RAW("\"><b>"), INT(number),
         RAW("</b> <span class=\"weekday\">"), ESC(html_text(html, str_of(weekdays[civil_weekday(day) - 1]))),
         RAW("</span>"));
    if (json_get(d, "name"))
        HTML(html, RAW(" <small>"), ESC(of_str(json_get(d, "name"), language_code(html->language))), RAW("</small>"));
    if (running > 0)
        day_surveys(call, answer, call_format(call, "%04d-%02d-%02d", year, month, number), running);
    HTML(html, RAW("</td>"));
}

static void month_ask(struct web_call *call, const struct wish *wish)
{
    calendar_ask(call, wish);
    struct buf *buf = call_ask(call, WEB_DESK, "survey.list");
    json_put_int(buf, "year", wish->year);
    json_put_int(buf, "month", wish->month);
    json_put_int(buf, "object", wish->object);
    json_put_int(buf, "limit", LIST_MAX);
    call_ask_end(call);
}

static void month_table(struct web_call *call, const struct wish *wish, const struct json_value *answer)
{
    struct html *html = &call->html;
    struct days days;
    int64_t first = civil_to_days((int32_t)wish->year, (int32_t)wish->month, 1);
    int64_t last = first + civil_month_days((int32_t)wish->year, (int32_t)wish->month) - 1;
    days_read(call_answer(call, 0), wish->year, &days);
    HTML(html, RAW("<table class=\"month large\"><caption>"), ESC(html_text(html, str_of(months[wish->month - 1]))),
         RAW(" "), INT(wish->year), RAW("</caption>"));
    weekday_heads(call);
    blanks(call, civil_weekday(first) - 1);
    for (int64_t day = first; day <= last; day++) {
        large_day(call, &days, day, answer);
        if (civil_weekday(day) == 7 && day < last)
            HTML(html, RAW("</tr><tr>"));
    }
    blanks(call, 7 - civil_weekday(last));
    HTML(html, RAW("</tr></tbody></table>"));
}

void page_surveys_month(struct web_call *call)
{
    struct html *html = &call->html;
    struct wish wish = wish_read(call), before = wish, after = wish;
    if (call->phase == 0) {
        month_ask(call, &wish);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 2);
    call_page(call, "surveys.title", SECTION_SURVEYS);
    HTML(html, RAW("<h1>"), SAY("surveys.title"), RAW("</h1>"));
    survey_tabs(call, "/surveys/month");
    filter_form(call, &wish, true);
    month_table(call, &wish, answer);
    before.year -= wish.month == 1;
    after.year += wish.month == 12;
    around(call, "surveys.month", month_path(call, &before, wish.month == 1 ? 12 : wish.month - 1),
           month_path(call, &after, wish.month == 12 ? 1 : wish.month + 1));
    call_page_end(call, 200);
}
