/* Agents: who is enrolled and how each is; a token for one more; one agent, renamed, moved or revoked. */
#include "web/agent_parts.h"
#include "web/diff.h"
#include "web/route.h"

#define SIZE 100

static const char *const states[] = {"connected", "silent", "revoked", "all", NULL};

/* ---- the list ---- */

static struct str state_chosen(const struct web_call *call)
{
    struct str state = form_get(&call->query, "state");
    for (size_t i = 0; states[i]; i++)
        if (str_is(state, states[i]))
            return state;
    return STR("");
}

static int64_t offset_of(const struct web_call *call)
{
    return MAX(form_int(&call->query, "offset", 0), 0);
}

static void ask_list(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "agent.list");
    json_put_str(buf, "state", state_chosen(call));
    json_put_str(buf, "group", form_get(&call->query, "group"));
    json_put_str(buf, "text", str_slice(form_get(&call->query, "text"), 0, 200));
    json_put_int(buf, "offset", offset_of(call));
    json_put_int(buf, "limit", SIZE);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

static void tile(struct web_call *call, const char *key, const char *href, int64_t number, bool bad)
{
    struct html *html = &call->html;
    part_tile_begin(call, key);
    HTML(html, RAW("<a href=\""), ESCZ(href), RAW("\""));
    if (bad && number > 0)
        HTML(html, RAW(" class=\"bad\""));
    HTML(html, RAW(">"), NUMBER(number), RAW("</a></dd></div>"));
}

static void tiles(struct web_call *call, const struct json_value *list)
{
    const struct json_value *totals = json_get(list, "totals");
    HTML(&call->html, RAW("<dl class=\"tiles\">"));
    tile(call, "agents.enrolled", "/agents", of_int(totals, "agents"), false);
    tile(call, "agents.connected", "/agents?state=connected", of_int(totals, "connected"), false);
    tile(call, "agents.silent", "/agents?state=silent", of_int(totals, "silent"), true);
    tile(call, "agents.time_lost", "/agents", of_int(totals, "time_lost"), true);
    tile(call, "agents.contradicts", "/agents", of_int(totals, "contradicts"), true);
    tile(call, "agents.revoked", "/agents?state=revoked", of_int(totals, "revoked"), false);
    HTML(&call->html, RAW("</dl>"));
}

static void filter_form(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    struct str chosen = form_get(&call->query, "group");
    HTML(
        html,
        RAW("<form class=\"query filters\" method=\"get\" action=\"/agents\" role=\"search\"><div class=\"field grow\">"
            "<label for=\"f-text\">"),
        SAY("agents.find_text"),
        RAW("</label><input id=\"f-text\" name=\"text\" type=\"search\" maxlength=\"200\" value=\""),
        ESC(str_slice(form_get(&call->query, "text"), 0, 200)),
        RAW("\"></div><div class=\"field\"><label for=\"f-state\">"), SAY("agents.state"),
        RAW("</label><select id=\"f-state\" name=\"state\"><option value=\"\">"), SAY("agents.present"),
        RAW("</option>"));
    for (size_t i = 0; states[i]; i++) {
        HTML(html, RAW("<option value=\""), ESCZ(states[i]), RAW("\""));
        if (str_is(state_chosen(call), states[i]))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), SAY_OF("agent_state.", str_of(states[i])), RAW("</option>"));
    }
    HTML(html, RAW("</select></div><div class=\"field\"><label for=\"f-of\">"), SAY("agents.group"),
         RAW("</label><select id=\"f-of\" name=\"group\"><option value=\"\">"), SAY("agents.any_group"),
         RAW("</option>"));
    for (const struct json_value *g = json_first(json_get(list, "groups")); g; g = g->next) {
        struct str group = json_str(g, STR(""));
        HTML(html, RAW("<option value=\""), ESC(group), RAW("\""));
        if (str_eq(group, chosen))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(group), RAW("</option>"));
    }
    HTML(html, RAW("</select></div><button class=\"main\">"), SAY("rules.find"), RAW("</button></form>"));
}

static void row(struct web_call *call, const struct json_value *a)
{
    struct html *html = &call->html;
    struct str state = of_str(a, "state");
    bool bad = str_is(state, "silent") || str_is(state, "contradicts");
    HTML(html, RAW("<tr"));
    if (bad)
        HTML(html, RAW(" class=\"silent\""));
    HTML(html, RAW("><th scope=\"row\"><a href=\"/agents/"), URL(of_str(a, "agent")), RAW("\">"),
         ESC(of_str(a, "name")), RAW("</a> <small class=\"under\">"), ESC(of_str(a, "host")), RAW(" "),
         ESC(of_str(a, "address")), RAW("</small></th>"));
    part_cell_classed(call, "agents.state", "state-cell");
    agent_state(call, state);
    HTML(html, RAW("</td>"));
    part_cell(call, "agents.group");
    HTML(html, ESC(of_str(a, "group")), RAW(" <small class=\"under\">"), ESC(of_str(a, "object")),
         RAW("</small></td>"));
    part_cell(call, "agents.heard");
    HTML(html, TIME(of_int(a, "heard_ns")), RAW("</td>"));
    part_cell_classed(call, "agents.offset", "number");
    agent_offset(call, a);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "agents.canary", "state-cell");
    agent_canary_hop(call, of_str(a, "canary_hop"), of_int(a, "canary_ns"));
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "agents.spool", "number");
    agent_spool(call, a);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "agents.policy", "number");
    agent_policy(call, a);
    HTML(html, RAW("</td>"));
    part_cell(call, "agents.program");
    HTML(html, ESC(of_str(a, "program")), RAW("</td></tr>"));
}

static void table(struct web_call *call, const struct json_value *list)
{
    static const char *const heads[] = {
        "agents.name",   "agents.state",  "agents.group",   "agents.heard",   "#agents.offset",
        "agents.canary", "#agents.spool", "#agents.policy", "agents.program", NULL};
    struct html *html = &call->html;
    const struct json_value *agents = json_get(list, "agents");
    if (!json_first(agents)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("agents.none"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *a = json_first(agents); a; a = a->next)
        row(call, a);
    HTML(html, RAW("</tbody></table>"));
}

static void pager(struct web_call *call, const struct json_value *list)
{
    static const char *const names[] = {"text", "state", "group"};
    char storage[2048]; /* three values of at most 200 bytes, percent-encoded */
    struct buf path;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, "/agents?");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_format(&path, "%s=", names[i]);
        url_encode(&path, str_slice(form_get(&call->query, names[i]), 0, 200));
        buf_char(&path, '&');
    }
    buf_text(&path, "offset=");
    part_pager(call, buf_z(&path), offset_of(call), SIZE, of_int(list, "total"));
}

/* ---- one more ---- */

static struct str sent_or(const struct web_call *call, const char *name, struct str otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : otherwise;
}

static void enrol_form(struct web_call *call, const struct json_value *list, const struct json_value *objects,
                       struct str wrong)
{
    struct html *html = &call->html;
    const struct json_value *first = json_first(objects);
    HTML(html, RAW("<section class=\"card\" id=\"enrol\"><h2>"), SAY("agents.enrol"), RAW("</h2><p>"),
         SAY("agents.enrol_about"), RAW("</p><form class=\"grid\" method=\"post\" action=\"/agents#command\">"));
    part_csrf(call);
    part_input(call, "name", "agents.name_new", sent_or(call, "name", STR("")),
               str_is(wrong, "name") ? INPUT_WRONG : 0);
    agent_group(call, json_get(list, "groups"), sent_or(call, "group", STR("default")), str_is(wrong, "group"));
    agent_objects(call, objects, form_int(&call->form, "object", of_int(first, "id")), str_is(wrong, "object"));
    part_input(call, "servers", "agents.servers", sent_or(call, "servers", of_str(list, "servers")),
               INPUT_REQUIRED | (str_is(wrong, "servers") ? INPUT_WRONG : 0));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("agents.token_make"),
         RAW("</button></p></form></section>"));
}

static void command(struct web_call *call, const struct json_value *made)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"command\"><h2>"), SAY("agents.command"), RAW("</h2><p>"),
         SAY("agents.command_about"), RAW("</p><pre class=\"raw whole\">qorgan-agent enrol "),
         ESC(of_str(made, "token")), RAW("</pre><p class=\"hint\">"), SAY("agents.command_until"), RAW(" "),
         TIME(of_int(made, "until_ns")), RAW("</p></section>"));
}

static void tokens(struct web_call *call, const struct json_value *list, bool may)
{
    static const char *const heads[] = {"agents.name", "agents.group", "agents.who", "agents.until", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(list, "tokens");
    if (!json_first(rows))
        return;
    HTML(html, RAW("<section id=\"tokens\"><h2>"), SAY("agents.tokens"), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *t = json_first(rows); t; t = t->next) {
        struct str name = of_str(t, "name");
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(name.n ? name : html_text(html, STR("agents.name_host"))),
             RAW("</th>"));
        part_cell(call, "agents.group");
        HTML(html, ESC(of_str(t, "group")), RAW(" <small class=\"under\">"), ESC(of_str(t, "object")),
             RAW("</small></td>"));
        part_cell(call, "agents.who");
        HTML(html, ESC(of_str(t, "who")), RAW("</td>"));
        part_cell(call, "agents.until");
        HTML(html, TIME(of_int(t, "until_ns")));
        if (may) {
            HTML(html, RAW("<form method=\"post\" action=\"/agents/tokens/"), INT(of_int(t, "id")), RAW("\">"));
            part_csrf(call);
            HTML(html, RAW("<button class=\"quiet\">"), SAY("agents.token_end"), RAW("</button></form>"));
        }
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></section>"));
}

/* Answers `at` and behind it are the lists; `made` a token to be shown once, `failed` the refused answer, or NULL. */
static void list_page(struct web_call *call, size_t at, const struct json_value *made, const struct json_value *failed,
                      struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1))
        return;
    const struct json_value *list = call_answer(call, at);
    const struct json_value *objects = json_get(call_answer(call, at + 1), "objects");
    bool may = of_bool(list, "may_change");
    call_page(call, "agents.title", SECTION_AGENTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("agents.title"), RAW("</h1>"));
    agent_tabs(call, "/agents");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else
        agent_saved(call);
    if (!of_bool(list, "on"))
        part_notice(call, "warn", "agents.off");
    if (made)
        command(call, made);
    tiles(call, list);
    filter_form(call, list);
    table(call, list);
    pager(call, list);
    if (may && of_bool(list, "on"))
        enrol_form(call, list, objects, of_str(failed, "field"));
    tokens(call, list, may);
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_agents(struct web_call *call)
{
    if (call->phase == 0)
        ask_list(call);
    else
        list_page(call, 0, NULL, NULL, STR(""));
}

static void ask_token(struct web_call *call)
{
    static const char *const members[] = {"name", "group", "servers"};
    struct buf *buf = call_ask(call, WEB_DESK, "agent.token");
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_put_str(buf, members[i], form_get(&call->form, members[i]));
    json_put_int(buf, "object", form_int(&call->form, "object", 0));
    call_ask_end(call);
}

/* The token is shown by the answer itself, and by no page that could be opened again. */
void act_agent_token(struct web_call *call)
{
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase == 0)
        ask_token(call);
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        ask_list(call);
    else
        list_page(call, 1, error.n ? NULL : call_answer(call, 0), error.n ? call->questions[0].answer : NULL, error);
}

void act_agent_token_end(struct web_call *call)
{
    int64_t id = 0;
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "agent.token_end");
        json_put_int(buf, "id", str_to_i64(call->args[0], &id) ? id : 0);
        call_ask_end(call);
    } else if (!call_failed(call)) {
        call_redirect(call, "/agents?saved=1");
    }
}

/* ---- one ---- */

static void ask_agent(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "agent.show");
    json_put_str(buf, "agent", call->args[0]);
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "object.list");
}

static void pair_begin(struct web_call *call, const char *key)
{
    HTML(&call->html, RAW("<tr><th scope=\"row\">"), ESC(html_text(&call->html, str_of(key))), RAW("</th><td>"));
}

static void pair_text(struct web_call *call, const char *key, struct str text)
{
    pair_begin(call, key);
    HTML(&call->html, ESC(text.n ? text : STR("\xe2\x80\x94")), RAW("</td></tr>"));
}

static void pair_time(struct web_call *call, const char *key, int64_t ns)
{
    pair_begin(call, key);
    if (ns > 0)
        HTML(&call->html, TIME(ns));
    else
        HTML(&call->html, RAW("\xe2\x80\x94"));
    HTML(&call->html, RAW("</td></tr>"));
}

static void facts(struct web_call *call, const struct json_value *a, const struct json_value *time)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><tbody>"));
    pair_begin(call, "agents.state");
    agent_state(call, of_str(a, "state"));
    HTML(html, RAW("</td></tr>"));
    pair_text(call, "agents.host", of_str(a, "host"));
    pair_text(call, "agents.address", of_str(a, "address"));
    if (of_str(a, "relay").n)
        pair_text(call, "agents.relay", of_str(a, "relay"));
    pair_text(call, "agents.program", of_str(a, "program"));
    pair_time(call, "agents.heard", of_int(a, "heard_ns"));
    pair_time(call, "agents.connected_since", of_int(a, "connected_ns"));
    pair_begin(call, "agents.offset");
    agent_offset(call, a);
    HTML(html, RAW("</td></tr>"));
    pair_begin(call, "time.title");
    agent_time(call, time);
    HTML(html, RAW("</td></tr>"));
    pair_begin(call, "agents.spool");
    agent_spool(call, a);
    HTML(html, RAW("</td></tr>"));
    pair_begin(call, "agents.policy");
    agent_policy(call, a);
    HTML(html, RAW(" <a href=\"/agents/policies?group="), URL(of_str(a, "group")), RAW("\">"), ESC(of_str(a, "group")),
         RAW("</a></td></tr>"));
    pair_begin(call, "agents.delivered");
    HTML(html, NUMBER(of_int(a, "records")), RAW(" <small>"), BYTES(of_int(a, "bytes")), RAW("</small></td></tr>"));
    pair_time(call, "agents.certificate_until", of_int(a, "until_ns"));
    pair_begin(call, "agents.enrolled_at");
    HTML(html, TIME(of_int(a, "enrolled_ns")), RAW(" "), ESC(of_str(a, "enrolled_by")), RAW("</td></tr>"));
    pair_text(call, "agents.uuid", of_str(a, "agent"));
    pair_text(call, "agents.serial", of_str(a, "serial"));
    if (of_int(a, "revoked_ns") > 0) {
        pair_begin(call, "agents.revoked_at");
        HTML(html, TIME(of_int(a, "revoked_ns")), RAW(" "), ESC(of_str(a, "revoked_by")), RAW(": "),
             ESC(of_str(a, "revoked_why")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void change_forms(struct web_call *call, const struct json_value *answer, const struct json_value *objects,
                         struct str wrong)
{
    struct html *html = &call->html;
    const struct json_value *a = json_get(answer, "agent");
    struct str id = of_str(a, "agent");
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("agents.change"),
         RAW("</h2><form class=\"stack\" method=\"post\" action=\"/agents/"), URL(id), RAW("\">"));
    part_csrf(call);
    part_input(call, "name", "agents.name", sent_or(call, "name", of_str(a, "name")),
               INPUT_REQUIRED | (str_is(wrong, "name") ? INPUT_WRONG : 0));
    agent_group(call, json_get(answer, "groups"), sent_or(call, "group", of_str(a, "group")), str_is(wrong, "group"));
    agent_objects(call, objects, form_int(&call->form, "object", of_int(a, "object_id")), str_is(wrong, "object"));
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("form.save"),
         RAW("</button></p></form></section><section class=\"card\" id=\"revoke\"><h2>"), SAY("agents.revoke"),
         RAW("</h2><p>"), SAY("agents.revoke_about"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/agents/"), URL(id), RAW("/revoke\">"));
    part_csrf(call);
    part_area(call, "reason", "field.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons\"><button>"), SAY("agents.revoke"), RAW("</button></p></form></section>"));
}

static void status(struct web_call *call, const struct json_value *a)
{
    const struct json_value *said = json_get(a, "status");
    struct html *html = &call->html;
    if (!json_first(said))
        return;
    struct str lines = json_laid_out(call->arena, said->text);
    HTML(html, RAW("<section><h2>"), SAY("agents.status"), RAW("</h2><pre class=\"raw whole\">"), ESC(lines),
         RAW("</pre></section>"));
}

static void canary(struct web_call *call, const struct json_value *c)
{
    static const char *const heads[] = {"canary.made",   "#canary.record", "#canary.total",   "#canary.receive",
                                        "#canary.store", "#canary.judge",  "#canary.deliver", NULL};
    static const char *const keys[] = {"canary.total", "canary.receive", "canary.store", "canary.judge",
                                       "canary.deliver"};
    static const char *const names[] = {"total_us", "receive_us", "store_us", "judge_us", "deliver_us"};
    struct html *html = &call->html;
    if (!c)
        return;
    HTML(html, RAW("<section id=\"canary\"><h2>"), SAY("canary.title"), RAW("</h2><p>"));
    agent_canary_hop(call, of_str(c, "hop"), of_int(c, "seen_ns"));
    HTML(html, RAW(" <small>"), SAY("canary.every"), RAW(": "), NUMBER(of_int(c, "every_s")),
         RAW(" \xc2\xb7 <a href=\"/canary\">"), SAY("canary.by_hour"), RAW("</a></small></p>"));
    if (json_first(json_get(c, "recent"))) {
        HTML(html, RAW("<table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
    }
    for (const struct json_value *r = json_first(json_get(c, "recent")); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"), TIME(of_int(r, "made_ns")), RAW("</th>"));
        part_cell_classed(call, "canary.record", "number");
        HTML(html, RAW("<a href=\"/records/"), INT(of_int(r, "record")), RAW("\">"), INT(of_int(r, "record")),
             RAW("</a></td>"));
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            part_cell_classed(call, keys[i], "number");
            HTML(html, FIXED(MAX(of_int(r, names[i]), 0)), RAW("</td>"));
        }
        HTML(html, RAW("</tr>"));
    }
    if (json_first(json_get(c, "recent")))
        HTML(html, RAW("</tbody></table>"));
    HTML(html, RAW("</section>"));
}

static void agent_page(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1))
        return;
    const struct json_value *answer = call_answer(call, at);
    const struct json_value *a = json_get(answer, "agent");
    bool may = of_bool(answer, "may_change") && !str_is(of_str(a, "state"), "revoked");
    call_page_titled(call, of_str(a, "name"), SECTION_AGENTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(of_str(a, "name")), RAW("</h1>"));
    agent_tabs(call, NULL);
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else
        agent_saved(call);
    if (may)
        HTML(html, RAW("<div class=\"split\"><div>"));
    facts(call, a, json_get(answer, "time"));
    HTML(html, RAW("<p><a href=\"/search?q="), URL(of_str(a, "agent")), RAW("\">"), SAY("agents.records"),
         RAW("</a> \xc2\xb7 <a href=\"/inventory/"), URL(of_str(a, "agent")), RAW("\">"), SAY("inventory.title"),
         RAW("</a></p>"));
    canary(call, json_get(answer, "canary"));
    status(call, a);
    if (may) {
        HTML(html, RAW("</div><div>"));
        change_forms(call, answer, json_get(call_answer(call, at + 1), "objects"), of_str(failed, "field"));
        HTML(html, RAW("</div></div>"));
    }
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_agent(struct web_call *call)
{
    if (call->phase == 0)
        ask_agent(call);
    else
        agent_page(call, 0, NULL, STR(""));
}

/* What was asked in phase 0 is answered: shows the agent again, with what was wrong if anything was. */
static void acted(struct web_call *call)
{
    struct str error = call_error(call, 0);
    if (error.n == 0) {
        char storage[512];
        struct buf path;
        buf_init_fixed(&path, storage, sizeof storage);
        buf_text(&path, "/agents/");
        url_encode(&path, call->args[0]);
        buf_text(&path, "?saved=1");
        call_redirect_slice(call, call_format(call, "%s", buf_z(&path)));
    } else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        ask_agent(call);
    else
        agent_page(call, 1, call->questions[0].answer, error);
}

void act_agent_save(struct web_call *call)
{
    if (call->phase > 0) {
        acted(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "agent.save");
    json_put_str(buf, "agent", call->args[0]);
    json_put_str(buf, "name", form_get(&call->form, "name"));
    json_put_str(buf, "group", form_get(&call->form, "group"));
    json_put_int(buf, "object", form_int(&call->form, "object", 0));
    call_ask_end(call);
}

void act_agent_revoke(struct web_call *call)
{
    if (call->phase > 0) {
        acted(call);
        return;
    }
    struct buf *buf = call_ask(call, WEB_DESK, "agent.revoke");
    json_put_str(buf, "agent", call->args[0]);
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    call_ask_end(call);
}
