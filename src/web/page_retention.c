/* Deletion of old records: what may go, the proposal that waits, what was decided. Which segments may go comes from the
 * keeper through the desk; what a person may do is the desk's to say, the page only leaves out what cannot work. */
#include "codec/json.h"
#include "web/parts.h"
#include "web/route.h"

#include <stdio.h>

/* Records are numbered from 0; the end is the first behind. */
static void range(struct web_call *call, const struct json_value *row)
{
    int64_t first = of_int(row, "first");
    HTML(&call->html, NUMBER(first), RAW(" \xe2\x80\xa6 "), NUMBER(MAX(of_int(row, "end") - 1, first)));
}

static void summary(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    struct str error = of_str(list, "error");
    HTML(html, RAW("<p>"));
    SAY_WITH(html, "retention.about", NUMBER(of_int(list, "days")));
    HTML(html, RAW("</p>"));
    if (!of_bool(list, "known"))
        part_notice(call, "warn", "retention.unknown");
    if (error.n > 0) {
        part_notice(call, "warn", "retention.error");
        HTML(html, RAW("<p class=\"meta\"><code lang=\"en\">"), ESC(error), RAW("</code></p>"));
    }
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_time(call, "retention.next", of_int(list, "next_ns"));
    part_tile_number(call, "retention.may_count", of_int(list, "may_count"));
    part_tile_bytes(call, "retention.may_bytes", of_int(list, "may_bytes"));
    part_tile_number(call, "retention.deleted_segments", of_int(list, "deleted_segments"));
    part_tile_number(call, "retention.deleted_records", of_int(list, "deleted_records"));
    HTML(html, RAW("</dl>"));
    if (of_int(list, "undecided") > 0) {
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "retention.undecided_count", NUMBER(of_int(list, "undecided")));
        HTML(html, RAW("</p>"));
    }
}

/* --- the proposal that waits, or is carried out --- */

static void part_row(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    struct str state = of_str(s, "state");
    bool bad = str_is(state, "refused");
    HTML(html, RAW("<tr><th scope=\"row\" class=\"number\">"));
    range(call, s);
    HTML(html, RAW("</th>"));
    part_cell(call, "retention.received");
    HTML(html, TIME(of_int(s, "received_ns")), RAW("</td>"));
    part_cell(call, "retention.keep_until");
    HTML(html, TIME(of_int(s, "keep_until_ns")), RAW("</td>"));
    part_cell_classed(call, "retention.bytes", "number");
    HTML(html, BYTES(of_int(s, "bytes")), RAW("</td>"));
    part_cell_classed(call, "retention.state", "state-cell");
    HTML(html, RAW("<span class=\"state"), ESCZ(bad ? " bad" : ""), RAW("\">"), SAY_OF("retention_part.", state),
         RAW("</span>"));
    if (of_int(s, "record") > 0)
        HTML(html, RAW(" <a href=\"/records/"), INT(of_int(s, "record")), RAW("\">"), SAY("retention.record"), RAW(" "),
             NUMBER(of_int(s, "record")), RAW("</a>"));
    if (bad)
        HTML(html, RAW(" <small><code lang=\"en\">"), ESC(of_str(s, "reason")), RAW("</code></small>"));
    HTML(html, RAW("</td></tr>"));
}

static void part_table(struct web_call *call, const struct json_value *p)
{
    static const char *const heads[] = {"retention.range",  "retention.received", "retention.keep_until",
                                        "#retention.bytes", "retention.state",    NULL};
    HTML(&call->html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(&call->html, RAW("<tbody>"));
    for (const struct json_value *s = json_first(json_get(p, "segments")); s; s = s->next)
        part_row(call, s);
    HTML(&call->html, RAW("</tbody></table>"));
}

static void decide_form(struct web_call *call, const struct json_value *p, struct str wrong)
{
    struct html *html = &call->html;
    bool approved = str_is(of_str(p, "state"), "approved");
    const char *hint = approved                    ? "retention.stop_hint"
                       : of_bool(p, "may_approve") ? "retention.approve_hint"
                       : of_bool(p, "own")         ? "retention.own_hint"
                                                   : "retention.hand_hint";
    HTML(html, RAW("<p class=\"hint\">"), ESC(html_text(html, str_of(hint))), RAW("</p>"));
    HTML(html, RAW("<form class=\"grid\" method=\"post\" action=\"/archive/retention/"), INT(of_int(p, "id")),
         RAW("\">"));
    part_csrf(call);
    part_area(call, "reason", "field.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons wide\">"));
    if (of_bool(p, "may_approve"))
        HTML(html, RAW("<button class=\"main\" name=\"act\" value=\"approve\">"), SAY("retention.approve"),
             RAW("</button> "));
    HTML(html, RAW("<button name=\"act\" value=\"refuse\">"),
         ESC(html_text(html, of_bool(p, "own") || approved ? STR("retention.withdraw") : STR("retention.refuse"))),
         RAW("</button></p>"));
    HTML(html, RAW("</form>"));
}

static void proposal(struct web_call *call, const struct json_value *p, struct str wrong)
{
    struct html *html = &call->html;
    bool waits = str_is(of_str(p, "state"), "proposed");
    HTML(html, RAW("<section class=\"card\" id=\"proposal\"><h2>"), SAY("retention.proposal"), RAW(" "),
         NUMBER(of_int(p, "id")), RAW("</h2><dl class=\"tiles small\">"));
    part_tile_begin(call, "retention.state");
    HTML(html, SAY_OF("retention_state.", of_str(p, "state")), RAW("</dd></div>"));
    part_tile_number(call, "retention.records", of_int(p, "records"));
    part_tile_bytes(call, "retention.bytes", of_int(p, "bytes"));
    part_tile_text(call, "retention.proposer", of_str(p, "proposer"));
    part_tile_time(call, "retention.proposed", of_int(p, "proposed_ns"));
    if (waits) {
        part_tile_time(call, "retention.ends", of_int(p, "ends_ns"));
    } else {
        part_tile_text(call, "retention.approver", of_str(p, "decider"));
        part_tile_time(call, "retention.decided", of_int(p, "decided_ns"));
    }
    HTML(html, RAW("</dl><p>"), SAY("field.reason"), RAW(": "), ESC(of_str(p, "reason")), RAW("</p>"));
    if (!waits)
        HTML(html, RAW("<p>"), SAY("retention.decision"), RAW(": "), ESC(of_str(p, "decision")), RAW("</p>"));
    part_table(call, p);
    if (of_bool(p, "may_refuse"))
        decide_form(call, p, wrong);
    HTML(html, RAW("</section>"));
}

/* --- what may go --- */

/* All are chosen at first; after a refusal those that were. */
static void check_box(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    char name[32];
    snprintf(name, sizeof name, "s%lld", (long long)of_int(s, "first"));
    HTML(html, RAW("<input type=\"checkbox\" name=\""), ESCZ(name), RAW("\" value=\"yes\""));
    if (!form_get(&call->form, "csrf").p || form_get(&call->form, name).p)
        HTML(html, RAW(" checked"));
    HTML(html, RAW(" aria-label=\""), SAY("retention.choose"), RAW(" "), NUMBER(of_int(s, "first")),
         RAW(" \xe2\x80\xa6 "), NUMBER(MAX(of_int(s, "end") - 1, of_int(s, "first"))), RAW("\">"));
}

/* Until when, and what asks for that. */
static void keep_until_cell(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    part_cell(call, "retention.keep_until");
    HTML(html, TIME(of_int(s, "keep_until_ns")));
    if (of_str(s, "why").n > 0)
        HTML(html, RAW(" <small>"), SAY_OF("retention_why.", of_str(s, "why")), RAW("</small>"));
    if (of_str(s, "object").n > 0)
        HTML(html, RAW(" <small>"), ESC(of_str(s, "object")), RAW("</small>"));
    HTML(html, RAW("</td>"));
}

static void segment_row(struct web_call *call, const struct json_value *s, bool choose)
{
    struct html *html = &call->html;
    bool may = str_is(of_str(s, "state"), "may");
    HTML(html, RAW("<tr>"));
    if (choose) {
        part_cell(call, "retention.choose");
        if (may)
            check_box(call, s);
        HTML(html, RAW("</td>"));
    }
    part_cell_classed(call, "retention.range", "number");
    range(call, s);
    HTML(html, RAW("</td>"));
    part_cell(call, "retention.received");
    HTML(html, TIME(of_int(s, "received_min_ns")), RAW(" \xe2\x80\x93 "), TIME(of_int(s, "received_max_ns")),
         RAW("</td>"));
    keep_until_cell(call, s);
    part_cell_classed(call, "retention.bytes", "number");
    HTML(html, BYTES(of_int(s, "bytes")), RAW("</td>"));
    part_cell_classed(call, "retention.state", "state-cell");
    HTML(html, RAW("<span class=\"state\">"), SAY_OF("retention_segment.", of_str(s, "state")),
         RAW("</span></td></tr>"));
}

static void segment_table(struct web_call *call, const struct json_value *segments, bool choose)
{
    static const char *const heads[] = {"retention.choose",
                                        "#retention.range",
                                        "retention.received",
                                        "retention.keep_until",
                                        "#retention.bytes",
                                        "retention.state",
                                        NULL};
    HTML(&call->html, RAW("<table class=\"rows\">"));
    part_heads(call, choose ? heads : heads + 1);
    HTML(&call->html, RAW("<tbody>"));
    for (const struct json_value *s = json_first(segments); s; s = s->next)
        if (!str_is(of_str(s, "state"), "kept"))
            segment_row(call, s, choose);
    HTML(&call->html, RAW("</tbody></table>"));
}

static int64_t count_in_state(const struct json_value *segments, const char *state)
{
    int64_t count = 0;
    for (const struct json_value *s = json_first(segments); s; s = s->next)
        count += str_is(of_str(s, "state"), state);
    return count;
}

static bool any_past_term(const struct json_value *segments)
{
    for (const struct json_value *s = json_first(segments); s; s = s->next)
        if (!str_is(of_str(s, "state"), "kept"))
            return true;
    return false;
}

static void candidates(struct web_call *call, const struct json_value *list, bool open, struct str wrong)
{
    struct html *html = &call->html;
    const struct json_value *segments = json_get(list, "segments");
    int64_t listed = count_in_state(segments, "may");
    bool choose = !open && of_bool(list, "may_propose") && listed > 0;
    HTML(html, RAW("<section class=\"card\" id=\"segments\"><h2>"), SAY("retention.segments"), RAW("</h2>"));
    if (!any_past_term(segments)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("retention.segments_none"), RAW("</p></section>"));
        return;
    }
    if (choose) {
        HTML(html, RAW("<form method=\"post\" action=\"/archive/retention\">"));
        part_csrf(call);
    }
    segment_table(call, segments, choose);
    if (of_int(list, "may_count") > listed) {
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "retention.listed", NUMBER(listed), NUMBER(of_int(list, "may_count")));
        HTML(html, RAW("</p>"));
    }
    if (choose) {
        HTML(html, RAW("<p class=\"hint\">"), SAY("retention.propose_hint"), RAW("</p><div class=\"grid\">"));
        part_area(call, "reason", "field.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
        HTML(html, RAW("</div><p class=\"buttons\"><button class=\"main\">"), SAY("retention.propose"),
             RAW("</button></p></form>"));
    }
    HTML(html, RAW("</section>"));
}

/* --- what an object's term keeps --- */

static bool kept_by_object(const struct json_value *s)
{
    return str_is(of_str(s, "state"), "kept") && str_is(of_str(s, "why"), "object");
}

static void object_row(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr>"));
    part_cell_classed(call, "retention.range", "number");
    range(call, s);
    HTML(html, RAW("</td>"));
    part_cell(call, "retention.received");
    HTML(html, TIME(of_int(s, "received_min_ns")), RAW(" \xe2\x80\x93 "), TIME(of_int(s, "received_max_ns")),
         RAW("</td>"));
    part_cell(call, "retention.keep_until");
    HTML(html, TIME(of_int(s, "keep_until_ns")), RAW("</td>"));
    part_cell(call, "retention.object");
    if (of_bool(s, "undecided"))
        HTML(html, RAW("<small>"), SAY("retention.undecided"), RAW("</small></td></tr>"));
    else
        HTML(html, ESC(of_str(s, "object")), RAW("</td></tr>"));
}

static void objects(struct web_call *call, const struct json_value *segments)
{
    static const char *const heads[] = {"#retention.range", "retention.received", "retention.keep_until",
                                        "retention.object", NULL};
    struct html *html = &call->html;
    bool begun = false;
    for (const struct json_value *s = json_first(segments); s; s = s->next) {
        if (!kept_by_object(s))
            continue;
        if (!begun) {
            HTML(html, RAW("<section class=\"card\" id=\"objects\"><h2>"), SAY("retention.objects"), RAW("</h2><p>"),
                 SAY("retention.objects_about"), RAW("</p><table class=\"rows\">"));
            part_heads(call, heads);
            HTML(html, RAW("<tbody>"));
        }
        begun = true;
        object_row(call, s);
    }
    if (begun)
        HTML(html, RAW("</tbody></table></section>"));
}

/* --- what was decided --- */

static void past_row(struct web_call *call, const struct json_value *p)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\">"), NUMBER(of_int(p, "id")), RAW("</th>"));
    part_cell_classed(call, "retention.state", "state-cell");
    HTML(html, RAW("<span class=\"state\">"), SAY_OF("retention_state.", of_str(p, "state")), RAW("</span></td>"));
    part_cell_classed(call, "retention.range", "number");
    range(call, p);
    HTML(html, RAW("</td>"));
    part_cell(call, "retention.proposer");
    HTML(html, ESC(of_str(p, "proposer")), RAW(" <small>"), TIME(of_int(p, "proposed_ns")), RAW(" \xc2\xb7 "),
         ESC(of_str(p, "reason")), RAW("</small></td>"));
    part_cell(call, "retention.decider");
    if (str_is(of_str(p, "decider"), "qorgan")) /* it came by itself: the state says what */
        HTML(html, TIME(of_int(p, "decided_ns")), RAW(" <small><code lang=\"en\">"), ESC(of_str(p, "decision")),
             RAW("</code></small></td></tr>"));
    else
        HTML(html, ESC(of_str(p, "decider")), RAW(" <small>"), TIME(of_int(p, "decided_ns")), RAW(" \xc2\xb7 "),
             ESC(of_str(p, "decision")), RAW("</small></td></tr>"));
}

static bool is_open(const struct json_value *p)
{
    return str_is(of_str(p, "state"), "proposed") || str_is(of_str(p, "state"), "approved");
}

static void past(struct web_call *call, const struct json_value *proposals)
{
    static const char *const heads[] = {"retention.proposal", "retention.state",   "#retention.range",
                                        "retention.proposer", "retention.decider", NULL};
    struct html *html = &call->html;
    bool begun = false;
    for (const struct json_value *p = json_first(proposals); p; p = p->next) {
        if (is_open(p))
            continue;
        if (!begun) {
            HTML(html, RAW("<section class=\"card\" id=\"past\"><h2>"), SAY("retention.past"),
                 RAW("</h2><table class=\"rows\">"));
            part_heads(call, heads);
            HTML(html, RAW("<tbody>"));
        }
        begun = true;
        past_row(call, p);
    }
    if (begun)
        HTML(html, RAW("</tbody></table></section>"));
}

/* --- the page --- */

/* Answer `at` is the list; `failed` is the refused answer that the page tells of, or NULL. */
static void page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *list = call_answer(call, at);
    const struct json_value *proposals = json_get(list, "proposals");
    const struct json_value *open = json_first(proposals);
    struct str wrong = of_str(failed, "field");
    open = open && is_open(open) ? open : NULL;
    call_page(call, "retention.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("retention.title"), RAW("</h1>"));
    if (error.n > 0)
        part_error(call, error, wrong, STR_NONE);
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    summary(call, list);
    if (open)
        proposal(call, open, wrong);
    candidates(call, list, open != NULL, wrong);
    objects(call, json_get(list, "segments"));
    past(call, proposals);
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/archive\">"), SAY("retention.back"),
         RAW("</a></p>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_retention(struct web_call *call)
{
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "retention.list");
    else
        page(call, 0, NULL, STR(""));
}

/* After a change the page anew; after a refusal the page with what was written and why it was refused. */
static void after_change(struct web_call *call)
{
    struct str error = call_error(call, 0);
    if (call->phase > 1)
        page(call, 1, call->questions[0].answer, error);
    else if (error.n == 0)
        call_redirect(call, "/archive/retention?saved=1");
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        call_ask_plain(call, WEB_DESK, "retention.list");
}

void act_propose(struct web_call *call)
{
    if (call->phase > 0) {
        after_change(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "retention.propose");
    json_write_key(buf, "segments");
    json_write_array(buf);
    for (size_t i = 0; i < call->form.count; i++) {
        const struct form_field *field = &call->form.fields[i];
        int64_t first = 0;
        if (field->name.n > 1 && field->name.p[0] == 's' && str_to_i64(str_skip(field->name, 1), &first))
            json_write_int(buf, first);
    }
    json_write_array_end(buf);
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}

void act_decide(struct web_call *call)
{
    struct str act = form_get(&call->form, "act");
    int64_t id = 0;
    if (call->phase > 0) {
        after_change(call);
        return;
    }
    if (!str_to_i64(call->args[0], &id) || (!str_is(act, "approve") && !str_is(act, "refuse"))) {
        call_fail(call, 400, STR("bad_request"), STR("act"));
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, str_is(act, "approve") ? "retention.approve" : "retention.refuse");
    json_put_int(buf, "id", id);
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}
