/* What a mirror asks: /mirror/v1/WHAT, each with its token (RFC 6750 bearer). The token goes to query, who looks at it
 * and reads; the first use of a day is told to the desk before a byte goes out, and a refused one as well.
 *
 *   query ──► refused ──────────► desk: mirror.refused ──► 401
 *         ──► granted, "tell" ──► desk: mirror.used ─────► the answer
 *         ──► granted ───────────────────────────────────► the answer */
#include "base/assert.h"
#include "web/parts.h"
#include "web/route.h"

#include <stdio.h>

#define MEMBERS_MAX 3

static const struct mirror_row {
    const char *what;
    const char *ask;
    const char *members[MEMBERS_MAX]; /* numbers of the query string, all needed */
    bool bytes;
} rows[] = {
    {"checkpoint", "mirror.checkpoint", {NULL}, false},
    {"consistency", "mirror.consistency", {"from", "to", NULL}, false},
    {"segments", "mirror.segments", {"from", NULL, NULL}, false},
    {"segment", "mirror.segment", {"first", "offset", "size"}, true},
    {"tombstones", "mirror.tombstones", {"from", NULL, NULL}, false},
    {"tombstone", "mirror.tombstone", {"first", "offset", "size"}, true},
    {"retention", "mirror.retention", {"record", "size", NULL}, true},
    {"log", "mirror.log", {"from", "to", NULL}, true},
    {"notes", "mirror.notes", {"above", NULL, NULL}, false},
    {"stamps", "mirror.stamps", {"above", NULL, NULL}, false},
};

static struct buf *ask(struct web_call *call, const char *name)
{
    struct buf *buf = call_ask(call, WEB_QUERY, name);
    json_put_str(buf, "token", bearer_of(call));
    json_put_str(buf, "address", call->http.address);
    return buf;
}

static void tell_desk(struct web_call *call, const char *what, struct str name)
{
    struct buf *buf = call_ask(call, WEB_DESK, what);
    json_put_str(buf, "name", name);
    json_put_str(buf, "address", call->http.address);
    call_ask_end(call);
}

/* What query said no to, as it said it: "retry_ms" is in it. */
static void refuse(struct web_call *call)
{
    struct str error = call_error(call, 0);
    if (!call->questions[0].answer)
        call_fail(call, 503, STR("unavailable"), STR("no answer"));
    else
        call_json(call, status_of_error(error), call->questions[0].answer_text);
}

/* True when the answer of query is granted and told; else something was asked or finished. */
static bool granted(struct web_call *call)
{
    const struct json_value *answer = call->questions[0].answer;
    bool denied = str_is(call_error(call, 0), "mirror_denied");
    if (call->phase == 1 && denied) {
        tell_desk(call, "mirror.refused", STR(""));
        return false;
    }
    if (call->phase == 1 && of_bool(answer, "tell")) {
        tell_desk(call, "mirror.used", of_str(answer, "name"));
        return false;
    }
    if (call->phase > 1 && !denied && str_is(call_error(call, 1), "mirror_full")) {
        call_json(call, status_of_error(call_error(call, 1)), call->questions[1].answer_text);
        return false;
    }
    if (call->phase > 1 && !denied && !call_answer(call, 1)) { /* unrecorded use is no use */
        call_fail(call, 503, STR("unavailable"), STR("the use of the token could not be recorded"));
        return false;
    }
    if (!call_answer(call, 0)) {
        refuse(call);
        return false;
    }
    return true;
}

static const struct mirror_row *row_find(struct str what)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(what, rows[i].what))
            return &rows[i];
    return NULL;
}

static void ask_row(struct web_call *call, const struct mirror_row *row)
{
    for (size_t i = 0; i < MEMBERS_MAX && row->members[i]; i++)
        if (form_int(&call->query, row->members[i], -1) < 0) {
            call_fail(call, 400, STR("bad_request"), str_of(row->members[i]));
            return;
        }
    struct buf *buf = ask(call, row->ask);
    for (size_t i = 0; i < MEMBERS_MAX && row->members[i]; i++)
        json_put_int(buf, row->members[i], form_int(&call->query, row->members[i], 0));
    if (row->bytes)
        call_ask_end_bytes(call);
    else
        call_ask_end(call);
}

/* The object's line in front of the bytes, as query gave it. */
static void give_bytes(struct web_call *call)
{
    const struct question *question = &call->questions[0];
    if (!question->answer_bytes.p) {
        call_fail(call, 503, STR("unavailable"), STR("the answer is cut short"));
        return;
    }
    ASSERT(question->answer_bytes.p == question->answer_text.p + question->answer_text.n + 1);
    call_bytes(call, 200, "application/octet-stream",
               str_at(question->answer_text.p, question->answer_text.n + 1 + question->answer_bytes.n));
}

void mirror_read(struct web_call *call)
{
    const struct mirror_row *row = row_find(call->args[0]);
    if (!row)
        call_fail(call, 404, STR("no_page"), STR("no such question"));
    else if (call->phase == 0)
        ask_row(call, row);
    else if (!granted(call))
        return;
    else if (row->bytes)
        give_bytes(call);
    else
        call_json(call, 200, call->questions[0].answer_text);
}

/* What a mirror says of itself, for the page of the archive: numbers and two short texts, nothing that is believed. */
static void ask_report(struct web_call *call, const struct json_value *body, struct str name)
{
    static const char *const numbers[] = {"size", "checkpoint_size", "bytes", "interval_s"};
    static const char *const texts[] = {"root", "state", "reason"};
    struct buf *buf = call_ask(call, WEB_DESK, "mirror.report");
    json_put_str(buf, "name", name);
    json_put_str(buf, "address", call->http.address);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(buf, numbers[i], MAX(of_int(body, numbers[i]), 0));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(buf, texts[i], of_str(body, texts[i]));
    call_ask_end(call);
}

/* Its cosignature of a checkpoint: who may count it is asked behind the desk. */
static void ask_cosign(struct web_call *call, const struct json_value *body, struct str name)
{
    struct buf *buf = call_ask(call, WEB_DESK, "mirror.cosign");
    json_put_str(buf, "name", name);
    json_put_int(buf, "size", MAX(of_int(body, "size"), 0));
    json_put_str(buf, "line", of_str(body, "line"));
    call_ask_end(call);
}

/* What a mirror posts: its token first, then the desk. True: the desk's answer is there. */
static bool posted(struct web_call *call,
                   void (*pass_on)(struct web_call *call, const struct json_value *body, struct str name))
{
    struct json_value *body = NULL;
    if (json_parse(call->arena, call->http.body, JSON_DEPTH, &body, NULL) != RC_OK || body->kind != JSON_OBJECT) {
        call_fail(call, 400, STR("bad_request"), STR("the body is not a JSON object"));
        return false;
    }
    if (call->phase == 0) {
        IGNORE(ask(call, "mirror.enter"));
        call_ask_end(call);
        return false;
    }
    const struct json_value *entered = call_answer(call, 0);
    bool told = entered && call->phase == (of_bool(entered, "tell") ? 3 : 2);
    if (!told) {
        if (granted(call))
            pass_on(call, body, of_str(entered, "name"));
        return false;
    }
    return !call_failed_at(call, call->question_count - 1);
}

void mirror_report(struct web_call *call)
{
    char text[64];
    if (!posted(call, ask_report))
        return;
    int64_t round = MAX(of_int(call_answer(call, call->question_count - 1), "cosign"), 0);
    int n = snprintf(text, sizeof text, "{\"ok\":true,\"cosign\":%lld}", (long long)round);
    ASSERT(n > 0 && (size_t)n < sizeof text);
    struct str json = arena_str(call->arena, str_of(text)); /* it is sent later */
    call_json(call, 200, json.p ? json : STR("{\"ok\":true}"));
}

void mirror_cosign(struct web_call *call)
{
    if (posted(call, ask_cosign))
        call_json(call, 200, STR("{\"ok\":true}"));
}
