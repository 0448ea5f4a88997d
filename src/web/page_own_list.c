/* One list of indicators that was given here: its versions, what was done with it, its end; and one file of it: what it
 * holds, what of it was refused, what would change, and the choice. */
#include "web/events.h"
#include "web/own_lists.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

static int64_t id_of(const struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id));
    return id;
}

static void ask_id(struct web_call *call, const char *ask)
{
    json_put_int(call_ask(call, WEB_DESK, ask), "id", id_of(call));
    call_ask_end(call);
}

static void head(struct web_call *call, struct str title)
{
    struct html *html = &call->html;
    call_page_titled(call, title, SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(title), RAW("</h1>"));
    rule_tabs(call, "/indicators");
    HTML(html, RAW("</div>"));
}

/* ---- what a file holds ---- */

static void facts(struct web_call *call, const struct json_value *v)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles small\">"));
    part_tile_begin(call, "hunts.state");
    own_list_state(call, v);
    HTML(html, RAW("</dd></div>"));
    part_tile_text(call, "own_list.source", of_str(v, "source"));
    if (of_int(v, "confidence") >= 0)
        part_tile_number(call, "own_list.trust", of_int(v, "confidence"));
    if (of_int(v, "expires_ns") > 0)
        part_tile_time(call, "own_list.until", of_int(v, "expires_ns"));
    part_tile_text(call, "upload.who", of_str(v, "who"));
    part_tile_bytes(call, "upload.bytes", of_int(v, "bytes"));
    if (of_str(v, "taken_by").n > 0)
        part_tile_text(call, "own_list.taken_by", of_str(v, "taken_by"));
    HTML(html, RAW("</dl><p class=\"meta\">"), ESC(of_str(v, "name")), RAW(" \xc2\xb7 "), TIME(of_int(v, "made_ns")),
         RAW(" \xc2\xb7 SHA-256 <code>"), ESC(of_str(v, "sha256")), RAW("</code></p>"));
}

static void fault_show(struct web_call *call, const struct json_value *v)
{
    struct html *html = &call->html;
    if (of_str(v, "fault").n == 0)
        return;
    HTML(html, RAW("<div class=\"notice bad\" role=\"alert\"><span>"), SAY_OF("own_list.fault_", of_str(v, "fault")),
         RAW("</span>"));
    if (of_str(v, "detail").n > 0)
        HTML(html, RAW("<code class=\"detail\" lang=\"en\">"), ESC(of_str(v, "detail")), RAW("</code>"));
    HTML(html, RAW("</div>"));
}

static void counts(struct web_call *call, const struct json_value *v)
{
    static const struct {
        const char *member;
        const char *key;
    } kinds[] = {{"address", "own_list.kind_address"},
                 {"domain", "own_list.kind_domain"},
                 {"hash", "own_list.kind_hash"},
                 {"url", "own_list.kind_url"}};
    static const struct {
        const char *member;
        const char *key;
    } others[] = {{"repeated", "own_list.repeated"}, {"revoked", "own_list.revoked"}, {"passed", "own_list.passed"}};
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"holds\"><h2>"), SAY("own_list.holds"),
         RAW("</h2><dl class=\"tiles small\">"));
    part_tile_number(call, "indicators.entries", of_int(v, "entries"));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        part_tile_number(call, kinds[i].key, of_int(v, kinds[i].member));
    part_tile_number(call, "indicators.refused", of_int(v, "refused"));
    HTML(html, RAW("</dl>"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (of_int(v, others[i].member) > 0)
            HTML(html, RAW("<p class=\"meta\">"), ESC(html_text(html, str_of(others[i].key))), RAW(" "),
                 NUMBER(of_int(v, others[i].member)), RAW("</p>"));
    HTML(html, RAW("</section>"));
}

static void reasons(struct web_call *call, const struct json_value *v)
{
    static const char *const heads[] = {"own_list.reason", "own_list.first", "#own_list.times", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(json_get(v, "preview"), "reasons");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"reasons\"><h2>"), SAY("own_list.reasons"),
         RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\"><code lang=\"en\">"), ESC(of_str(r, "reason")),
             RAW("</code></th>"));
        part_cell_classed(call, "own_list.first", "grow");
        if (of_int(r, "line") > 0)
            SAY_WITH(html, "indicators.line", NUMBER(of_int(r, "line")));
        HTML(html, RAW(" <code>"), ESC(of_str(r, "value")), RAW("</code></td>"));
        part_cell_classed(call, "own_list.times", "number");
        HTML(html, NUMBER(of_int(r, "count")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

static void entry_row(struct web_call *call, const struct json_value *row)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\"><code>"), ESC(of_str(row, "value")), RAW("</code>"));
    if (of_bool(row, "subdomains"))
        HTML(html, RAW("<small class=\"under\">"), SAY("own_list.subdomains"), RAW("</small>"));
    HTML(html, RAW("</th>"));
    part_cell(call, "own_list.kind");
    HTML(html, SAY_OF("own_list.is_", of_str(row, "kind")), RAW("</td>"));
    part_cell_classed(call, "own_list.note", "grow");
    HTML(html, ESC(of_str(row, "note")), RAW("</td>"));
    part_cell_classed(call, "own_list.trust", "number");
    if (of_int(row, "confidence") >= 0)
        HTML(html, NUMBER(of_int(row, "confidence")));
    HTML(html, RAW("</td>"));
    part_cell(call, "own_list.until");
    if (of_int(row, "until_ns") > 0)
        HTML(html, TIME(of_int(row, "until_ns")));
    HTML(html, RAW("</td></tr>"));
}

static void entries(struct web_call *call, const struct json_value *v, const char *member, const char *key)
{
    static const char *const heads[] = {"own_list.value",  "own_list.kind",  "own_list.note",
                                        "#own_list.trust", "own_list.until", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(json_get(v, "preview"), member);
    if (!json_first(rows))
        return;
    HTML(html, RAW("<h3>"), ESC(html_text(html, str_of(key))), RAW("</h3><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *row = json_first(rows); row; row = row->next)
        entry_row(call, row);
    HTML(html, RAW("</tbody></table>"));
}

/* Against the version that stood when the file was read. */
static void differences(struct web_call *call, const struct json_value *v)
{
    static const struct {
        const char *member;
        const char *key;
        const char *first;
    } rows[] = {{"new", "own_list.new_ones", "own_list.first_new"},
                {"changed", "own_list.changed", "own_list.first_changed"},
                {"gone", "own_list.gone", "own_list.first_gone"},
                {"same", "own_list.same", NULL}};
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"differs\"><h2>"), SAY("own_list.differs"), RAW("</h2>"));
    if (!json_get(json_get(v, "preview"), "new")) {
        HTML(html, RAW("<p>"), SAY("own_list.all_new"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<dl class=\"tiles small\">"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        part_tile_number(call, rows[i].key, of_int(v, rows[i].member));
    HTML(html, RAW("</dl>"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].first)
            entries(call, v, rows[i].member, rows[i].first);
    HTML(html, RAW("</section>"));
}

static void act_form(struct web_call *call, const struct json_value *v, const char *act, const char *key)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form method=\"post\" action=\"/indicators/files/"), INT(of_int(v, "id")), RAW("/"), ESCZ(act),
         RAW("\">"));
    part_csrf(call);
    HTML(html, RAW("<button"));
    if (act[0] == 't')
        HTML(html, RAW(" class=\"main\""));
    HTML(html, RAW(">"), ESC(html_text(html, str_of(key))), RAW("</button></form>"));
}

static void choice(struct web_call *call, const struct json_value *v)
{
    struct html *html = &call->html;
    struct str state = of_str(v, "state");
    bool ready = str_is(state, "ready");
    if (!ready && !str_is(state, "reading"))
        return;
    HTML(html, RAW("<div class=\"buttons\">"));
    if (ready && !of_bool(v, "stale"))
        act_form(call, v, "take", "own_list.take");
    act_form(call, v, "drop", ready ? "upload.drop" : "upload.stop");
    HTML(html, RAW("</div>"));
}

static void file_show(struct web_call *call, size_t at, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *v = json_get(answer, "version");
    bool reading = str_is(of_str(v, "state"), "reading");
    head(call, of_str(v, "list"));
    if (error.n > 0)
        part_error(call, error, STR(""), STR(""));
    HTML(html, RAW("<div id=\"file\""));
    if (reading)
        HTML(html, RAW(" data-refresh=\"1\""));
    HTML(html, RAW("><p><a href=\"/indicators/lists/"), INT(of_int(v, "list_id")), RAW("\">"), SAY("own_list.whole"),
         RAW("</a></p>"));
    facts(call, v);
    fault_show(call, v);
    if (of_bool(v, "stale"))
        part_notice(call, "warn", "error.list_stale");
    if (!reading) {
        counts(call, v);
        reasons(call, v);
        differences(call, v);
        HTML(html, RAW("<section class=\"card\" id=\"first\">"));
        entries(call, v, "rows", "own_list.rows");
        HTML(html, RAW("</section>"));
    }
    if (of_bool(answer, "may_change"))
        choice(call, v);
    HTML(html, RAW("</div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_list_file(struct web_call *call)
{
    if (call->phase == 0)
        ask_id(call, "indicator.version");
    else
        file_show(call, 0, STR(""));
}

static void file_act(struct web_call *call, const char *ask, bool take)
{
    if (call->phase == 0) {
        ask_id(call, ask);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0 && take)
        call_redirect_slice(
            call, call_format(call, "/indicators/lists/%lld", (long long)of_int(call_answer(call, 0), "list_id")));
    else if (call->phase == 1 && error.n == 0)
        call_redirect(call, "/indicators");
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        ask_id(call, "indicator.version");
    else
        file_show(call, 1, error);
}

void act_list_take(struct web_call *call)
{
    file_act(call, "indicator.take", true);
}

void act_list_drop(struct web_call *call)
{
    file_act(call, "indicator.drop", false);
}

/* ---- one list ---- */

/* An act behind a summary, with its reason. */
struct act {
    const char *act; /* the end of its path */
    const char *key; /* of its text; {0}: the version */
    int64_t version; /* its row; 0: none is said */
    int64_t number;
    bool expires; /* an end may be said */
};

static void reasoned(struct web_call *call, const struct act *act)
{
    struct html *html = &call->html;
    const struct part parts[] = {INT(act->number)};
    HTML(html, RAW("<details class=\"help\"><summary>"));
    html_say(html, act->key, parts, ARRAY_LEN(parts));
    HTML(html, RAW("</summary><form class=\"stack\" method=\"post\" action=\"/indicators/lists/"), INT(id_of(call)),
         RAW("/"), ESCZ(act->act), RAW("\">"));
    part_csrf(call);
    if (act->version)
        HTML(html, RAW("<input type=\"hidden\" name=\"version\" value=\""), INT(act->version), RAW("\">"));
    HTML(html, RAW("<div class=\"field\"><label for=\"r-"), INT(act->version), RAW("\">"), SAY("field.reason"),
         RAW("</label><input id=\"r-"), INT(act->version), RAW("\" name=\"reason\" required></div>"));
    if (act->expires)
        HTML(html, RAW("<div class=\"field\"><label for=\"e-"), INT(act->version), RAW("\">"), SAY("own_list.expires"),
             RAW("</label><input id=\"e-"), INT(act->version),
             RAW("\" name=\"expires\" type=\"datetime-local\" step=\"1\"></div>"));
    HTML(html, RAW("<p class=\"buttons\"><button>"));
    html_say(html, act->key, parts, ARRAY_LEN(parts));
    HTML(html, RAW("</button></p></form></details>"));
}

static void version_card(struct web_call *call, const struct json_value *v, bool may)
{
    struct html *html = &call->html;
    int64_t number = of_int(v, "version");
    HTML(html, RAW("<section class=\"card\"><h2><a href=\"/indicators/files/"), INT(of_int(v, "id")), RAW("\">"));
    SAY_WITH(html, "edit.version", INT(number));
    HTML(html, RAW("</a> "));
    own_list_state(call, v);
    HTML(html, RAW("</h2><p class=\"meta\">"), SAY("indicators.entries"), RAW(" "), NUMBER(of_int(v, "entries")),
         RAW(" \xc2\xb7 "), SAY("own_list.new_ones"), RAW(" "), NUMBER(of_int(v, "new")), RAW(" \xc2\xb7 "),
         SAY("own_list.gone"), RAW(" "), NUMBER(of_int(v, "gone")), RAW("<br>"), ESC(of_str(v, "source")),
         RAW(" \xc2\xb7 "), ESC(of_str(v, "name")), RAW(" \xc2\xb7 "), TIME(of_int(v, "made_ns")), RAW(" \xc2\xb7 "),
         ESC(of_str(v, "taken_by")), RAW("</p>"));
    if (may && !of_bool(v, "stands") && str_is(of_str(v, "state"), "taken"))
        reasoned(call, &(struct act){"restore", "own_list.restore", of_int(v, "id"), number, true});
    HTML(html, RAW("</section>"));
}

static void history(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"history\"><h2>"), SAY("own_list.history"),
         RAW("</h2><ol class=\"history\">"));
    for (const struct json_value *h = json_first(json_get(answer, "history")); h; h = h->next) {
        HTML(html, RAW("<li>"), TIME(of_int(h, "time_ns")), RAW(" <b>"), SAY_OF("own_list.act_", of_str(h, "act")),
             RAW("</b> "));
        SAY_WITH(html, "edit.version", INT(of_int(h, "version")));
        HTML(html, RAW(" <span class=\"who\">"), ESC(of_str(h, "who")), RAW("</span>"));
        if (of_str(h, "reason").n > 0)
            HTML(html, RAW(" <q>"), ESC(of_str(h, "reason")), RAW("</q>"));
        part_record(call, of_int(h, "record"));
        HTML(html, RAW("</li>"));
    }
    HTML(html, RAW("</ol></section>"));
}

static void list_show(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at))
        return;
    const struct json_value *answer = call_answer(call, at);
    bool may = of_bool(answer, "may_change");
    bool stands = of_int(answer, "standing") > 0;
    head(call, of_str(answer, "list"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    HTML(html, RAW("<p id=\"state\">"));
    part_state_mood(call, "own_list.state_", stands ? STR("stands") : STR("ended"), stands ? MOOD_GOOD : MOOD_CALM);
    HTML(html, RAW(" "), TIME(of_int(answer, "since_ns")));
    if (of_int(answer, "expires_ns") > 0)
        HTML(html, RAW(" \xc2\xb7 "), SAY("own_list.until"), RAW(" "), TIME(of_int(answer, "expires_ns")));
    HTML(html, RAW("</p><p class=\"hint\">"), SAY("own_list.taken_about"), RAW("</p>"));
    if (may && stands)
        reasoned(call, &(struct act){.act = "end", .key = "own_list.end"});
    for (const struct json_value *v = json_first(json_get(answer, "versions")); v; v = v->next)
        version_card(call, v, may);
    history(call, answer);
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_list(struct web_call *call)
{
    if (call->phase == 0)
        ask_id(call, "indicator.get");
    else
        list_show(call, 0, NULL, STR(""));
}

/* What is refused is said above the list. */
static void list_act(struct web_call *call)
{
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0)
        call_redirect_slice(call, call_format(call, "/indicators/lists/%lld", (long long)id_of(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        ask_id(call, "indicator.get");
    else
        list_show(call, 1, call->questions[0].answer, error);
}

void act_list_end(struct web_call *call)
{
    if (call->phase > 0) {
        list_act(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "indicator.end");
    json_put_int(buf, "id", id_of(call));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}

void act_list_restore(struct web_call *call)
{
    int64_t expires_ns = 0;
    struct str expires = form_get(&call->form, "expires");
    if (call->phase > 0) {
        list_act(call);
        return;
    }
    if (expires.n > 0 && !time_of_input(expires, call->html.zone_s, &expires_ns)) {
        call_fail(call, 422, STR("bad_time"), STR(""));
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "indicator.restore");
    json_put_int(buf, "id", form_int(&call->form, "version", 0));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    json_put_int(buf, "expires_ns", expires_ns);
    call_ask_end(call);
}
