/* The ledger of losses: what is missing, or may be, by cause, object, day and source, and what people say of it. Made
 * to be printed as well: the forms are not. */
#include "base/civil.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"

#define PAGE_LOSSES   100
#define DAY_NS        (DAY_S * SECOND_NS)
#define SOURCE_DIGITS 32

static const char *const states[] = {"open", "explained", NULL};
static const char *const causes[] = {"queue",  "cut",       "piece",      "missed", "form",     "crowded",
                                     "places", "spool",     "spool_lost", "audit",  "sequence", "stopped",
                                     "clock",  "time_back", "time_ahead", "silent", "stranger", "address",
                                     "tls",    "large",     "behind",     "hit",    "other",    NULL};

/* What the page is asked for; words that are none of the lists ask for nothing. */
struct wish {
    int64_t object;
    struct str source, cause, state, day;
    int64_t from_ns, to_ns;
};

static struct wish wish_read(struct web_call *call)
{
    struct wish wish = {.object = MIN(MAX(form_int(&call->query, "object", 0), 0), INT32_MAX),
                        .source = form_get(&call->query, "source"),
                        .cause = part_filter_value(call, "cause", causes),
                        .state = part_filter_value(call, "state", states),
                        .day = form_get(&call->query, "day")};
    struct str begin = call_format(call, "%.*sT00:00", STR_ARG(str_slice(wish.day, 0, 10)));
    if (wish.day.n != 10 || !time_of_input(begin, call->html.zone_s, &wish.from_ns))
        wish.day = STR("");
    else
        wish.to_ns = wish.from_ns + DAY_NS;
    if (!is_hex(wish.source, SOURCE_DIGITS))
        wish.source = STR("");
    return wish;
}

static void wish_ask(struct web_call *call, const struct wish *wish, int64_t offset)
{
    struct buf *buf = call_ask(call, WEB_DESK, "loss.list");
    json_put_int(buf, "object", wish->object);
    json_put_str(buf, "source", wish->source);
    json_put_str(buf, "cause", wish->cause);
    json_put_str(buf, "state", wish->state);
    json_put_int(buf, "from_ns", wish->from_ns);
    json_put_int(buf, "to_ns", wish->to_ns);
    json_put_int(buf, "offset", offset);
    json_put_int(buf, "limit", PAGE_LOSSES);
    call_ask_end(call);
}

/* Its part of an address, after a "?"; an offset follows. */
static struct str wish_text(struct web_call *call, const struct wish *wish)
{
    return call_format(call, "object=%lld&source=%.*s&cause=%.*s&state=%.*s&day=%.*s&offset=", (long long)wish->object,
                       STR_ARG(wish->source), STR_ARG(wish->cause), STR_ARG(wish->state), STR_ARG(wish->day));
}

static void pager(struct web_call *call, const struct wish *wish, int64_t offset, int64_t total)
{
    char text[256];
    struct buf path;
    buf_init_fixed(&path, text, sizeof text);
    buf_format(&path, "/losses?%.*s", STR_ARG(wish_text(call, wish)));
    part_pager(call, buf_z(&path), offset, PAGE_LOSSES, total);
}

/* --- parts --- */

static void filter_form(struct web_call *call, const struct wish *wish)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/losses\">"));
    if (wish->object > 0)
        HTML(html, RAW("<input type=\"hidden\" name=\"object\" value=\""), INT(wish->object), RAW("\">"));
    if (wish->source.n)
        part_hidden(call, "source", wish->source);
    part_filter(call, "cause", "losses.cause", "loss_cause.", causes, "losses.any");
    part_filter(call, "state", "losses.state", "losses.state_", states, "losses.any");
    part_input(call, "day", "losses.day", wish->day, INPUT_DATE);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button>"));
    if (wish->object > 0 || wish->source.n || wish->cause.n || wish->state.n || wish->day.n)
        HTML(html, RAW(" <a class=\"button\" href=\"/losses\">"), SAY("losses.everything"), RAW("</a>"));
    HTML(html, RAW("</form>"));
}

/* How much: a number of something, at least so many, or nobody knows. */
static void amount(struct web_call *call, const struct json_value *row)
{
    struct html *html = &call->html;
    int64_t count = of_int(row, "count");
    bool unknown = of_bool(row, "unknown");
    if (unknown && count == 0) {
        HTML(html, SAY("losses.not_known"));
        return;
    }
    if (unknown)
        HTML(html, RAW("\xe2\x89\xa5\xc2\xa0"));
    HTML(html, NUMBER(count), RAW(" "), SAY_OF("losses.unit_", of_str(row, "unit")));
}

static void tiles(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    const struct json_value *t = json_get(answer, "totals");
    const struct json_value *rhythm = json_get(answer, "rhythm");
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_number(call, "losses.open", of_int(t, "open"));
    part_tile_number(call, "losses.listed", of_int(t, "listed"));
    part_tile_number(call, "losses.going_on", of_int(t, "going_on"));
    part_tile_number(call, "losses.records", of_int(t, "records"));
    part_tile_bytes(call, "losses.bytes", of_int(t, "bytes"));
    part_tile_number(call, "losses.connections", of_int(t, "connections"));
    part_tile_number(call, "losses.unknown", of_int(t, "unknown"));
    HTML(html, RAW("</dl><p class=\"meta\">"));
    SAY_WITH(html, "losses.rhythm", NUMBER(of_int(rhythm, "sources")), NUMBER(of_int(rhythm, "learning")));
    HTML(html, RAW("</p>"));
}

static void open_cell(struct web_call *call, const struct json_value *row)
{
    int64_t open = of_int(row, "open");
    part_cell_classed(call, "losses.open", open > 0 ? "number bad" : "number");
    HTML(&call->html, NUMBER(open), RAW("</td>"));
}

static void by_cause(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"losses.cause", "#losses.listed", "#losses.open", "#losses.amount", NULL};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h2>"), SAY("losses.by_cause"), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/losses?cause="), URL(of_str(r, "cause")), RAW("\">"),
             SAY_OF("loss_cause.", of_str(r, "cause")), RAW("</a></th>"));
        part_cell_classed(call, "losses.listed", "number");
        HTML(html, NUMBER(of_int(r, "losses")), RAW("</td>"));
        open_cell(call, r);
        part_cell_classed(call, "losses.amount", "number");
        amount(call, r);
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void group_cells(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    part_cell_classed(call, "losses.sources", "number");
    HTML(html, NUMBER(of_int(r, "sources")), RAW("</td>"));
    part_cell_classed(call, "losses.listed", "number");
    HTML(html, NUMBER(of_int(r, "losses")), RAW("</td>"));
    open_cell(call, r);
    HTML(html, RAW("</tr>"));
}

static void by_object(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"losses.object", "#losses.sources", "#losses.listed", "#losses.open", NULL};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h2>"), SAY("losses.by_object"), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/losses?object="), INT(of_int(r, "id")), RAW("\">"),
             ESC(of_str(r, "name")), RAW("</a></th>"));
        group_cells(call, r);
    }
    HTML(html, RAW("</tbody></table>"));
}

static void by_day(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"losses.day", "#losses.sources", "#losses.listed", "#losses.open", NULL};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h2>"), SAY("losses.by_day"), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        struct str day = part_day(call, MAX(of_int(r, "from_ns"), 0));
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/losses?day="), URL(day), RAW("\">"), ESC(day),
             RAW("</a></th>"));
        group_cells(call, r);
    }
    HTML(html, RAW("</tbody></table>"));
}

/* --- one loss --- */

static void evidence(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    int64_t first = of_int(r, "first");
    int64_t last = of_int(r, "last");
    part_cell(call, "losses.evidence");
    if (first >= 0)
        HTML(html, RAW("<a href=\"/records/"), INT(first), RAW("\">"), NUMBER(first), RAW("</a>"));
    if (first >= 0 && last > first)
        HTML(html, RAW(" \xe2\x80\x93 <a href=\"/records/"), INT(last), RAW("\">"), NUMBER(last), RAW("</a>"));
    HTML(html, RAW("</td>"));
}

/* `here` is the part of the address to come back to; empty: who reads may not explain. */
static void explanation(struct web_call *call, const struct json_value *r, struct str here)
{
    struct html *html = &call->html;
    int64_t id = of_int(r, "id");
    part_cell(call, "losses.explanation");
    if (of_int(r, "explained_ns") > 0) {
        HTML(html, RAW("<q>"), ESC(of_str(r, "explanation")), RAW("</q> <small>"), ESC(of_str(r, "who")), RAW(", "),
             TIME(of_int(r, "explained_ns")), RAW("</small></td></tr>"));
        return;
    }
    if (of_int(r, "to_ns") == 0 || here.n == 0) {
        HTML(html, RAW("</td></tr>"));
        return;
    }
    HTML(html, RAW("<form method=\"post\" action=\"/losses/"), INT(id), RAW("?"), ESC(here), RAW("\">"));
    part_csrf(call);
    HTML(html,
         RAW("<input name=\"explanation\" type=\"text\" required minlength=\"3\" maxlength=\"2000\" aria-label=\""),
         SAY("losses.explanation"), RAW("\"> <button>"), SAY("losses.explain"), RAW("</button></form></td></tr>"));
}

static void loss_row(struct web_call *call, const struct json_value *r, struct str here)
{
    struct html *html = &call->html;
    struct str name = of_str(r, "name");
    int64_t to_ns = of_int(r, "to_ns");
    HTML(html, RAW("<tr id=\"loss-"), INT(of_int(r, "id")), RAW("\""));
    if (of_int(r, "explained_ns") == 0)
        HTML(html, RAW(" class=\"silent\""));
    HTML(html, RAW("><th scope=\"row\"><a href=\"/losses?source="), URL(of_str(r, "source")), RAW("\">"),
         ESC(name.n ? name : of_str(r, "source")), RAW("</a> <small>"), SAY_OF("source_kind.", of_str(r, "kind")));
    if (of_str(r, "host").n)
        HTML(html, RAW(" \xc2\xb7 "), ESC(of_str(r, "host")));
    HTML(html, RAW("</small></th>"));
    part_cell(call, "losses.cause");
    HTML(html, SAY_OF("loss_cause.", of_str(r, "cause")));
    if (of_str(r, "sender").n)
        HTML(html, RAW(" <small>"), ESC(of_str(r, "sender")), RAW("</small>"));
    if (of_int(r, "announcement") > 0)
        HTML(html, RAW(" <a href=\"/changes#change-"), INT(of_int(r, "announcement")), RAW("\">"),
             SAY("changes.announced"), RAW(" "), INT(of_int(r, "announcement")), RAW("</a>"));
    HTML(html, RAW("</td>"));
    part_cell(call, "losses.time");
    HTML(html, TIME(of_int(r, "from_ns")), RAW(" \xe2\x80\x93 "));
    if (to_ns > 0)
        HTML(html, TIME(to_ns), RAW("</td>"));
    else
        HTML(html, SAY("losses.still"), RAW("</td>"));
    part_cell_classed(call, "losses.amount", "number");
    amount(call, r);
    HTML(html, RAW("</td>"));
    evidence(call, r);
    explanation(call, r, here);
}

static void rows_show(struct web_call *call, const struct json_value *answer, struct str here)
{
    static const char *const heads[] = {"losses.source",   "losses.cause",       "losses.time", "#losses.amount",
                                        "losses.evidence", "losses.explanation", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "losses");
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("losses.empty"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\" id=\"losses\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next)
        loss_row(call, r, of_bool(answer, "may_explain") ? here : STR(""));
    HTML(html, RAW("</tbody></table>"));
}

void page_losses(struct web_call *call)
{
    struct html *html = &call->html;
    struct wish wish = wish_read(call);
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        wish_ask(call, &wish, offset);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "losses.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("losses.title"), RAW("</h1><p class=\"about\">"), SAY("losses.about"),
         RAW(" <a href=\"/losses/hours\">"), SAY("hours.title"), RAW("</a> \xc2\xb7 <a href=\"/changes\">"),
         SAY("changes.title"), RAW("</a></p>"));
    if (form_get(&call->query, "saved").n > 0)
        part_notice(call, "ok", "losses.saved");
    tiles(call, answer);
    by_cause(call, json_get(answer, "causes"));
    by_object(call, json_get(answer, "objects"));
    by_day(call, json_get(answer, "days"));
    HTML(html, RAW("<h2>"), SAY("losses.all"), RAW("</h2>"));
    filter_form(call, &wish);
    rows_show(call, answer, call_format(call, "%.*s%lld", STR_ARG(wish_text(call, &wish)), (long long)offset));
    pager(call, &wish, offset, of_int(json_get(answer, "totals"), "listed"));
    call_page_end(call, 200);
}

void act_loss_explain(struct web_call *call)
{
    uint64_t id = 0;
    if (!str_to_u64(call->args[0], &id) || id > INT64_MAX) {
        call_fail(call, 404, STR("not_found"), STR(""));
        return;
    }
    if (call->phase > 0) {
        struct str error = call_error(call, 0);
        struct wish wish = wish_read(call);
        if (error.n == 0) /* the next of the same list is what comes next */
            call_redirect_slice(call, call_format(call, "/losses?%.*s%lld&saved=1", STR_ARG(wish_text(call, &wish)),
                                                  (long long)part_offset(call)));
        else
            call_fail(call, status_of_error(error), error, STR(""));
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "loss.explain");
    json_put_int(buf, "id", (int64_t)id);
    json_put_str(buf, "explanation", form_get(&call->form, "explanation"));
    call_ask_end(call);
}
