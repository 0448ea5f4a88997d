/* Surveys in a list, where those that are shown can be agreed in one act, as the schedule is (order 52/NK p.9); and
 * what is wrong with the plans of a year, by object. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/survey_parts.h"

#define PAGE_ROWS   100
#define PAGE_FAULTS 50

static const char *const states[] = {"planned", "agreed", "running", "finished", "sent", "cancelled", NULL};

struct wish {
    int64_t year, object;
    struct str state, kind;
};

static struct wish wish_read(struct web_call *call)
{
    struct wish wish = {.year = survey_year(call),
                        .object = MIN(MAX(form_int(&call->query, "object", 0), 0), INT32_MAX),
                        .state = part_filter_value(call, "state", states),
                        .kind = form_get(&call->query, "kind")};
    if (!wish.kind.n || wish.kind.n > 40)
        wish.kind = STR("");
    return wish;
}

static void list_ask(struct web_call *call, const struct wish *wish, int64_t offset)
{
    struct buf *buf = call_ask(call, WEB_DESK, "survey.list");
    json_put_int(buf, "year", wish->year);
    json_put_int(buf, "object", wish->object);
    json_put_str(buf, "state", wish->state);
    json_put_str(buf, "kind", wish->kind);
    json_put_int(buf, "offset", offset);
    json_put_int(buf, "limit", PAGE_ROWS);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

static void filter_form(struct web_call *call, const struct wish *wish, const struct json_value *kinds)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/surveys/list\">"));
    part_input(call, "year", "survey.year", call_format(call, "%lld", (long long)wish->year), INPUT_NUMBER);
    part_filter(call, "state", "survey.state", "survey.state_", states, "surveys.standing");
    survey_kinds(call, kinds, wish->kind, true);
    survey_objects(call, json_get(call_answer(call, 1), "objects"), wish->object);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button></form>"));
}

/* Those of this page that are planned, with the versions that are shown: "3:1,4:7". */
static struct str seen_of(struct web_call *call, const struct json_value *surveys, int64_t *ret_count)
{
    char storage[PAGE_ROWS * 42];
    struct buf seen;
    buf_init_fixed(&seen, storage, sizeof storage);
    *ret_count = 0;
    for (const struct json_value *s = json_first(surveys); s; s = s->next) {
        if (!str_is(of_str(s, "state"), "planned"))
            continue;
        buf_format(&seen, "%s%lld:%lld", *ret_count > 0 ? "," : "", (long long)of_int(s, "id"),
                   (long long)of_int(s, "version"));
        ++*ret_count;
    }
    return arena_str(call->arena, buf_view(&seen));
}

static void agree_form(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    int64_t count;
    struct str seen = seen_of(call, json_get(answer, "surveys"), &count);
    if (count == 0 || !of_bool(answer, "may_change"))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"acts\"><h2>"), SAY("surveys.agree"), RAW("</h2><p class=\"about\">"));
    SAY_WITH(html, "surveys.agree_about", NUMBER(count));
    HTML(html, RAW("</p><form class=\"grid\" method=\"post\" action=\"/surveys/list\">"));
    part_csrf(call);
    part_hidden(call, "seen", seen);
    part_hidden(call, "back", call_target(call));
    part_input(call, "by", "survey.agreed_by", STR(""), INPUT_REQUIRED);
    part_input(call, "reference", "survey.reference", STR(""), INPUT_REQUIRED);
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("surveys.agree_them"),
         RAW("</button></p></form></section>"));
}

void page_survey_list(struct web_call *call)
{
    struct html *html = &call->html;
    struct wish wish = wish_read(call);
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        list_ask(call, &wish, offset);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "surveys.title", SECTION_SURVEYS);
    HTML(html, RAW("<h1>"), SAY("surveys.title"), RAW("</h1>"));
    survey_tabs(call, "/surveys/list");
    if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    filter_form(call, &wish, json_get(answer, "kinds"));
    survey_table(call, json_get(answer, "kinds"), json_get(answer, "surveys"), true);
    struct str path =
        call_format(call, "/surveys/list?year=%lld&object=%lld&state=%.*s&kind=%.*s&offset=", (long long)wish.year,
                    (long long)wish.object, STR_ARG(wish.state),
                    STR_ARG(survey_kind_of(json_get(answer, "kinds"), wish.kind) ? wish.kind : STR("")));
    const char *path_z = arena_strz(call->arena, path);
    if (path_z)
        part_pager(call, path_z, offset, PAGE_ROWS, of_int(answer, "total"));
    agree_form(call, answer);
    call_page_end(call, 200);
}

static void agree_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "survey.act");
    struct str seen = form_get(&call->form, "seen");
    json_put_text(buf, "act", "agree");
    json_put_str(buf, "by", form_get(&call->form, "by").p ? form_get(&call->form, "by") : STR(""));
    json_put_str(buf, "reference", form_get(&call->form, "reference").p ? form_get(&call->form, "reference") : STR(""));
    json_write_key(buf, "surveys");
    json_write_array(buf);
    for (size_t i = 0; seen.n > 0 && i < PAGE_ROWS; i++) {
        struct str version = str_cut(&seen, ',');
        struct str id = str_cut(&version, ':');
        int64_t id_number = 0, version_number = -1;
        IGNORE(str_to_i64(id, &id_number) && str_to_i64(version, &version_number)); /* refused by the desk */
        json_write_object(buf);
        json_put_int(buf, "id", id_number);
        json_put_int(buf, "version", version_number);
        json_write_object_end(buf);
    }
    json_write_array_end(buf);
    call_ask_end(call);
}

void act_survey_list(struct web_call *call)
{
    if (call->phase == 0) {
        agree_ask(call);
        return;
    }
    if (call_failed(call))
        return;
    struct str back = safe_path(form_get(&call->form, "back"));
    bool ours = str_starts(back, STR("/surveys/list"));
    call_redirect_slice(call, call_format(call, "%.*s%ssaved=1", STR_ARG(ours ? back : STR("/surveys/list")),
                                          ours && str_find(back, '?') < back.n ? "&" : "?"));
}

/* --- what is wrong --- */

static void tiles(struct web_call *call, const struct json_value *counts)
{
    static const char *const names[] = {"out_of_year", "missing",   "control_soon", "no_main",
                                        "not_agreed",  "not_begun", "not_ended",    "day_off"};
    static const char *const labels[] = {
        "survey.count_out_of_year", "survey.count_missing",   "survey.count_control_soon", "survey.count_no_main",
        "survey.count_not_agreed",  "survey.count_not_begun", "survey.count_not_ended",    "survey.count_day_off"};
    HTML(&call->html, RAW("<dl class=\"tiles\">"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        part_tile_number(call, labels[i], of_int(counts, names[i]));
    HTML(&call->html, RAW("</dl>"));
}

void page_survey_faults(struct web_call *call)
{
    struct html *html = &call->html;
    int64_t offset = part_offset(call), year = survey_year(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "survey.faults");
        json_put_int(buf, "year", year);
        json_put_int(buf, "offset", offset);
        json_put_int(buf, "limit", PAGE_FAULTS);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "surveys.faults", SECTION_SURVEYS);
    HTML(html, RAW("<h1>"), SAY("surveys.faults"), RAW(" "), INT(year), RAW("</h1>"));
    survey_tabs(call, "/surveys/faults");
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/surveys/faults\">"));
    part_input(call, "year", "survey.year", call_format(call, "%lld", (long long)year), INPUT_NUMBER);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button></form>"));
    tiles(call, json_get(answer, "counts"));
    if (!json_first(json_get(answer, "objects")))
        HTML(html, RAW("<p class=\"empty\">"), SAY("surveys.no_faults"), RAW("</p>"));
    for (const struct json_value *o = json_first(json_get(answer, "objects")); o; o = o->next) {
        HTML(html, RAW("<h2><a href=\"/objects/"), INT(of_int(o, "object_id")), RAW("/surveys?year="), INT(year),
             RAW("\">"), ESC(of_str(o, "object")), RAW("</a></h2>"));
        survey_faults(call, json_get(answer, "kinds"), json_get(o, "faults"));
    }
    struct str path = call_format(call, "/surveys/faults?year=%lld&offset=", (long long)year);
    const char *path_z = arena_strz(call->arena, path);
    if (path_z)
        part_pager(call, path_z, offset, PAGE_FAULTS, of_int(answer, "total"));
    call_page_end(call, 200);
}
