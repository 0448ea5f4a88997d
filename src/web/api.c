#include "web/api.h"

#include "web/parts.h"
#include "web/route.h"

/* --- what is wrong with a question --- */

static void refuse_member(struct web_call *call, struct str name, bool too_large)
{
    buf_clear(&call->out);
    json_write_object(&call->out);
    json_put_bool(&call->out, "ok", false);
    json_put_text(&call->out, "error", too_large ? "too_large" : "invalid");
    json_put_text(&call->out, "text",
                  too_large ? "a member is longer than it may be" : "no such member, or not of its kind");
    json_put_str(&call->out, "field", str_slice(name, 0, MIN(name.n, 64)));
    json_write_object_end(&call->out);
    call_json(call, too_large ? 413 : 422, buf_view(&call->out));
}

static const struct api_member *member_find(const struct api_member *members, struct str name)
{
    for (size_t i = 0; members[i].type != API_NONE; i++)
        if (str_is(name, members[i].name))
            return &members[i];
    return NULL;
}

/* Is every one of the list of this kind? */
static bool all_are(const struct json_value *list, enum json_kind kind)
{
    for (const struct json_value *item = json_first(list); item; item = item->next)
        if (item->kind != kind)
            return false;
    return true;
}

/* Names the first that is not of its kind, the innermost. */
static bool members_fit(const struct json_value *object, const struct api_member *members, struct str *ret_wrong);

static bool is_of_kind(const struct json_value *value, const struct api_member *member, struct str *ret_wrong)
{
    *ret_wrong = value->key;
    switch (member->type) {
    case API_TEXT:
        return value->kind == JSON_STRING;
    case API_INT:
        return value->kind == JSON_NUMBER;
    case API_BOOL:
        return value->kind == JSON_TRUE || value->kind == JSON_FALSE;
    case API_TEXTS:
        return value->kind == JSON_ARRAY && all_are(value, JSON_STRING);
    case API_INTS:
        return value->kind == JSON_ARRAY && all_are(value, JSON_NUMBER);
    case API_OBJECT:
        return value->kind == JSON_OBJECT && members_fit(value, member->of, ret_wrong);
    case API_ROWS:
        break;
    case API_NONE:
    case API_TYPE_COUNT:
        return false;
    }
    bool fit = value->kind == JSON_ARRAY && all_are(value, JSON_OBJECT);
    for (const struct json_value *item = json_first(value); item && fit; item = item->next)
        fit = members_fit(item, member->of, ret_wrong);
    return fit;
}

/* Those of the table, as deep as the table is: three levels. */
static bool members_fit(const struct json_value *object, const struct api_member *members, struct str *ret_wrong)
{
    for (const struct json_value *value = json_first(object); value; value = value->next) {
        const struct api_member *member = member_find(members, value->key);
        if (member && value->kind != JSON_NULL && !is_of_kind(value, member, ret_wrong))
            return false;
    }
    return true;
}

static bool is_ours(struct str name)
{
    return str_is(name, "ask") || str_is(name, "who") || str_is(name, "through");
}

static bool body_fits(struct web_call *call, const struct api_row *row, const struct json_value *body)
{
    for (const struct json_value *value = json_first(body); value; value = value->next) {
        const struct api_member *member = member_find(row->members, value->key);
        if (is_ours(value->key))
            continue;
        struct str wrong = value->key;
        bool fits = member && (value->kind == JSON_NULL || is_of_kind(value, member, &wrong));
        bool long_list = fits && value->kind == JSON_ARRAY && member->max > 0 && value->count > member->max;
        if (!fits || long_list) {
            refuse_member(call, wrong, fits);
            return false;
        }
    }
    return true;
}

static bool query_fits(struct web_call *call, const struct api_row *row)
{
    for (size_t i = 0; i < call->query.count; i++) {
        const struct form_field *field = &call->query.fields[i];
        const struct api_member *member = member_find(row->members, field->name);
        if (!member) {
            refuse_member(call, field->name, false);
            return false;
        }
        if (member->type == API_INT && form_int(&call->query, member->name, -1) < 0) {
            call_fail(call, 400, STR("bad_request"), str_of(member->name));
            return false;
        }
    }
    return true;
}

/* --- asking --- */

static void ask_read(struct web_call *call, const struct api_row *row)
{
    if (!query_fits(call, row))
        return;
    struct buf *buf = call_ask(call, row->peer, row->ask);
    for (size_t i = 0; row->members[i].type != API_NONE; i++) {
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

/* Members of the body are copied one by one: "ask", "who" and "through" are ours to say. */
static void ask_change(struct web_call *call, const struct api_row *row)
{
    struct json_value *body = NULL;
    if (json_parse(call->arena, call->http.body, JSON_DEPTH, &body, NULL) != RC_OK || body->kind != JSON_OBJECT) {
        call_fail(call, 400, STR("bad_request"), STR("the body is not a JSON object"));
        return;
    }
    if (!body_fits(call, row, body))
        return;
    struct buf *buf = call_ask(call, row->peer, row->ask);
    for (const struct json_value *member = json_first(body); member; member = member->next)
        if (!is_ours(member->key))
            json_put_member(buf, member);
    call_ask_end(call);
}

void api_ask(struct web_call *call)
{
    bool post = str_is(call->http.method, "POST");
    const struct api_row *row = api_find(call->args[0]);
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
