#include "web/api.h"

#include "web/parts.h"
#include "web/route.h"

static const struct api_row rows[] = {
    {"object.list", WEB_DESK, false, {{0}}},
    {"object.save", WEB_DESK, true, {{0}}},
    {"object.card", WEB_DESK, false, {{"id", API_INT}}},
    {"object.export", WEB_DESK, false, {{"id", API_INT}}},
    {"object.versions", WEB_DESK, false, {{"id", API_INT}}},
    {"object.version", WEB_DESK, false, {{"id", API_INT}, {"version", API_INT}}},
    {"object.draft_end", WEB_DESK, true, {{0}}},
    {"object.act", WEB_DESK, true, {{0}}},
    {"source.list", WEB_DESK, false, {{"offset", API_INT}, {"limit", API_INT}}},
    {"coverage.list",
     WEB_DESK,
     false,
     {{"object", API_INT}, {"class", API_TEXT}, {"only", API_TEXT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"coverage.source", WEB_DESK, false, {{"id", API_TEXT}}},
    {"coverage.object", WEB_DESK, false, {{"object", API_INT}}},
    {"coverage.set", WEB_DESK, true, {{0}}},
    {"loss.list",
     WEB_DESK,
     false,
     {{"object", API_INT},
      {"source", API_TEXT},
      {"cause", API_TEXT},
      {"state", API_TEXT},
      {"from_ns", API_INT},
      {"to_ns", API_INT},
      {"offset", API_INT},
      {"limit", API_INT}}},
    {"loss.hours",
     WEB_DESK,
     false,
     {{"source", API_TEXT}, {"from_ns", API_INT}, {"to_ns", API_INT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"announce.list", WEB_DESK, false, {{"offset", API_INT}, {"limit", API_INT}}},
    {"announce.save", WEB_DESK, true, {{0}}},
    {"announce.end", WEB_DESK, true, {{0}}},
    {"canary.list", WEB_DESK, false, {{"hours", API_INT}}},
    {"loss.explain", WEB_DESK, true, {{0}}},
    {"parser.list", WEB_DESK, false, {{"offset", API_INT}, {"limit", API_INT}}},
    {"parser.source", WEB_DESK, false, {{"id", API_TEXT}}},
    {"parser.drafts", WEB_DESK, false, {{0}}},
    {"parser.save", WEB_DESK, true, {{0}}},
    {"parser.end", WEB_DESK, true, {{0}}},
    {"parser.use", WEB_DESK, true, {{0}}},
    {"parser.stop", WEB_DESK, true, {{0}}},
    {"parser.versions", WEB_DESK, false, {{"name", API_TEXT}}},
    {"parse.lines",
     WEB_QUERY,
     false,
     {{"source", API_TEXT},
      {"limit", API_INT},
      {"before", API_INT},
      {"only", API_TEXT},
      {"text", API_TEXT},
      {"propose", API_BOOL},
      {"pattern", API_TEXT},
      {"program", API_TEXT}}},
    {"incident.list", WEB_DESK, false, {{"state", API_TEXT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"incident.get", WEB_DESK, false, {{"id", API_INT}}},
    {"incident.act", WEB_DESK, true, {{0}}},
    {"incident.edit", WEB_DESK, true, {{0}}},
    {"clock.list",
     WEB_DESK,
     false,
     {{"state", API_TEXT},
      {"object", API_INT},
      {"subject", API_TEXT},
      {"clock", API_TEXT},
      {"from_ns", API_INT},
      {"to_ns", API_INT},
      {"after_ns", API_INT},
      {"after_id", API_INT}}},
    {"clock.rules", WEB_DESK, false, {{0}}},
    {"clock.try", WEB_DESK, false, {{"clock", API_TEXT}, {"start_ns", API_INT}, {"zone_offset_s", API_INT}}},
    {"vulnerability.list",
     WEB_DESK,
     false,
     {{"object", API_INT},
      {"state", API_TEXT},
      {"severity", API_INT},
      {"findings", API_INT},
      {"place", API_TEXT},
      {"cve", API_TEXT},
      {"offset", API_INT},
      {"limit", API_INT}}},
    {"vulnerability.get", WEB_DESK, false, {{"id", API_INT}}},
    {"vulnerability.act", WEB_DESK, true, {{0}}},
    {"findings.list", WEB_DESK, false, {{"object", API_INT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"findings.get", WEB_DESK, false, {{"id", API_INT}}},
    {"findings.begin", WEB_DESK, true, {{0}}},
    {"findings.add", WEB_DESK, true, {{0}}},
    {"findings.end", WEB_DESK, true, {{0}}},
    {"findings.inform", WEB_DESK, true, {{0}}},
    {"findings.note", WEB_DESK, true, {{0}}},
    {"upload.list", WEB_DESK, false, {{"offset", API_INT}, {"limit", API_INT}}},
    {"upload.get", WEB_DESK, false, {{"id", API_INT}}},
    {"upload.accept", WEB_DESK, true, {{0}}},
    {"upload.drop", WEB_DESK, true, {{0}}},
    {"catalogue", WEB_DESK, false, {{0}}},
    {"channel.list", WEB_DESK, false, {{0}}},
    {"channel.save", WEB_DESK, true, {{0}}},
    {"user.list", WEB_DESK, false, {{0}}},
    {"user.save", WEB_DESK, true, {{0}}},
    {"witness.list", WEB_DESK, false, {{0}}},
    {"search",
     WEB_QUERY,
     false,
     {{"query", API_TEXT},
      {"from_ns", API_INT},
      {"to_ns", API_INT},
      {"limit", API_INT},
      {"before", API_INT},
      {"skip", API_INT},
      {"wait_ms", API_INT},
      {"job", API_TEXT},
      {"stop", API_BOOL},
      {"hide_own", API_BOOL}}},
    {"record", WEB_QUERY, false, {{"record", API_INT}}},
    {"explain", WEB_QUERY, false, {{"record", API_INT}, {"rule", API_TEXT}}},
    {"proof", WEB_QUERY, false, {{"record", API_INT}}},
    {"sheet", WEB_QUERY, false, {{"records", API_TEXT}, {"lang", API_TEXT}}},
    {"archive", WEB_QUERY, false, {{0}}},
    {"receiver.list", WEB_DESK, false, {{0}}},
    {"mirror.list", WEB_DESK, false, {{0}}},
    {"mirror.forget", WEB_DESK, true, {{0}}},
    {"agent.list", WEB_DESK, false, {{"offset", API_INT}, {"limit", API_INT}}},
    {"agent.token", WEB_DESK, true, {{0}}},
    {"agent.revoke", WEB_DESK, true, {{0}}},
    {"policy.save", WEB_DESK, true, {{0}}},
    {"retention.list", WEB_DESK, false, {{0}}},
    {"retention.propose", WEB_DESK, true, {{0}}},
    {"retention.approve", WEB_DESK, true, {{0}}},
    {"retention.refuse", WEB_DESK, true, {{0}}},
    {"rule.list",
     WEB_DESK,
     false,
     {{"state", API_TEXT},
      {"level", API_TEXT},
      {"text", API_TEXT},
      {"tactic", API_TEXT},
      {"show", API_TEXT},
      {"sort", API_TEXT},
      {"offset", API_INT},
      {"limit", API_INT}}},
    {"rule.get", WEB_DESK, false, {{"id", API_TEXT}}},
    {"rule.save", WEB_DESK, true, {{0}}},
    {"rule.report", WEB_DESK, false, {{0}}},
    {"rule.coverage", WEB_DESK, false, {{0}}},
    {"filter.list", WEB_DESK, false, {{"offset", API_INT}, {"limit", API_INT}}},
    {"filter.hits", WEB_DESK, false, {{"rule", API_TEXT}}},
    {"filter.draft", WEB_DESK, true, {{0}}},
    {"filter.save", WEB_DESK, true, {{0}}},
    {"filter.end", WEB_DESK, true, {{0}}},
    {"filter_try", WEB_QUERY, true, {{0}}},
    {"rule.text", WEB_DESK, false, {{"id", API_TEXT}, {"version", API_INT}}},
    {"rule.check", WEB_DESK, true, {{0}}},
    {"rule.try", WEB_QUERY, true, {{0}}},
    {"rule.write", WEB_DESK, true, {{0}}},
    {"rule.end", WEB_DESK, true, {{0}}},
    {"rule.packs", WEB_DESK, false, {{0}}},
    {"rule.activate", WEB_DESK, true, {{0}}},
    {"rule.levels",
     WEB_DESK,
     false,
     {{"level", API_TEXT}, {"pack", API_TEXT}, {"from", API_TEXT}, {"state", API_TEXT}, {"act", API_INT}}},
    {"rule.switch", WEB_DESK, true, {{0}}},
    {"rule.restore", WEB_DESK, true, {{0}}},
    {"rule.compare", WEB_DESK, true, {{0}}},
    {"hunt.list", WEB_DESK, false, {{"rule", API_TEXT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"hunt.get", WEB_DESK, false, {{"id", API_INT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"hunt.start", WEB_DESK, true, {{0}}},
    {"hunt.stop", WEB_DESK, true, {{0}}},
    {"hunt.open", WEB_DESK, true, {{0}}},
    {"indicator.list", WEB_DESK, false, {{0}}},
    {"agent.list",
     WEB_DESK,
     false,
     {{"state", API_TEXT}, {"group", API_TEXT}, {"text", API_TEXT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"agent.show", WEB_DESK, false, {{"agent", API_TEXT}}},
    {"agent.token", WEB_DESK, true, {{0}}},
    {"agent.token_end", WEB_DESK, true, {{0}}},
    {"agent.revoke", WEB_DESK, true, {{0}}},
    {"agent.save", WEB_DESK, true, {{0}}},
    {"inventory.list",
     WEB_DESK,
     false,
     {{"object", API_INT}, {"text", API_TEXT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"inventory.show",
     WEB_DESK,
     false,
     {{"agent", API_TEXT}, {"kind", API_TEXT}, {"text", API_TEXT}, {"offset", API_INT}, {"limit", API_INT}}},
    {"inventory.changes",
     WEB_DESK,
     false,
     {{"agent", API_TEXT},
      {"kind", API_TEXT},
      {"text", API_TEXT},
      {"object", API_INT},
      {"offset", API_INT},
      {"limit", API_INT}}},
    {"inventory.search",
     WEB_DESK,
     false,
     {{"kind", API_TEXT},
      {"name", API_TEXT},
      {"op", API_TEXT},
      {"version", API_TEXT},
      {"exact", API_BOOL},
      {"object", API_INT},
      {"offset", API_INT},
      {"limit", API_INT}}},
    {"inventory.object", WEB_DESK, false, {{"object", API_INT}}},
    {"inventory.ask", WEB_DESK, true, {{0}}},
    {"policy.list", WEB_DESK, false, {{0}}},
    {"policy.get", WEB_DESK, false, {{"group", API_TEXT}, {"version", API_INT}}},
    {"policy.save", WEB_DESK, true, {{0}}},
    {"policy.roll_back", WEB_DESK, true, {{0}}},
};

const struct api_row *api_at(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

static void ask_read(struct web_call *call, const struct api_row *row)
{
    for (size_t i = 0; i < API_MEMBERS_MAX && row->members[i].type != API_NONE; i++)
        if (row->members[i].type == API_INT && form_get(&call->query, row->members[i].name).p &&
            form_int(&call->query, row->members[i].name, -1) < 0) {
            call_fail(call, 400, STR("bad_request"), str_of(row->members[i].name));
            return;
        }
    struct buf *buf = call_ask(call, row->peer, row->ask);
    for (size_t i = 0; i < API_MEMBERS_MAX && row->members[i].type != API_NONE; i++) {
        const struct api_member *member = &row->members[i];
        struct str value = form_get(&call->query, member->name);
        if (!value.p)
            continue; /* the peer knows what is meant when it is left out */
        if (member->type == API_INT)
            json_put_int(buf, member->name, form_int(&call->query, member->name, 0));
        else if (member->type == API_BOOL)
            json_put_bool(buf, member->name, str_is(value, "true"));
        else
            json_put_str(buf, member->name, value);
    }
    call_ask_end(call);
}

/* Members of the body are copied one by one: "ask" and "who" are ours to say. */
static void ask_change(struct web_call *call, const struct api_row *row)
{
    struct json_value *body = NULL;
    if (json_parse(call->arena, call->http.body, JSON_DEPTH, &body, NULL) != RC_OK || body->kind != JSON_OBJECT) {
        call_fail(call, 400, STR("bad_request"), STR("the body is not a JSON object"));
        return;
    }
    struct buf *buf = call_ask(call, row->peer, row->ask);
    for (const struct json_value *member = json_first(body); member; member = member->next) {
        if (str_is(member->key, "ask") || str_is(member->key, "who"))
            continue;
        json_write_key_slice(buf, member->key);
        if (member->kind == JSON_STRING)
            json_write_str(buf, member->text);
        else
            json_write_raw(buf, member->text);
    }
    call_ask_end(call);
}

void api_ask(struct web_call *call)
{
    bool post = str_is(call->http.method, "POST");
    const struct api_row *row = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(call->args[0], rows[i].ask))
            row = &rows[i];
    if (!row) {
        call_fail(call, 404, STR("no_page"), STR("no such question"));
        return;
    }
    if (row->changes != post) {
        call_fail(call, 405, STR("method"), STR(""));
        call->response.allow = row->changes ? STR("POST") : STR("GET, HEAD");
        return;
    }
    if (call->phase == 0) {
        if (post)
            ask_change(call, row);
        else
            ask_read(call, row);
        return;
    }
    struct str error = call_error(call, 0);
    if (!call->questions[0].answer)
        call_fail(call, 503, STR("unavailable"), STR("no answer"));
    else
        call_json(call, error.n > 0 ? status_of_error(error) : 200, call->questions[0].answer_text);
}
