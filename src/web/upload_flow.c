#include "web/upload_flow.h"

#include "web/parts.h"

static void ask(struct web_call *call, const struct upload_flow *flow, const struct json_value *file)
{
    struct buf *buf = call_ask(call, WEB_DESK, file ? flow->add : flow->check);
    flow->put(buf, flow->said);
    if (file) {
        json_put_int(buf, "file", of_int(file, "file"));
        json_put_int(buf, "bytes", of_int(file, "bytes"));
        json_put_str(buf, "sha256", of_str(file, "sha256"));
    }
    call_ask_end(call);
}

struct str upload_flow_step(struct web_call *call, const struct upload_flow *flow, bool *ret_done)
{
    size_t last = call->question_count - 1;
    *ret_done = false;
    if (call->phase == 0) {
        ask(call, flow, NULL);
        return STR("");
    }
    struct str error = call_error(call, last);
    if (error.n > 0)
        return error;
    if (call->phase == 1)
        call_ask_plain(call, WEB_BODY, "body");
    else if (call->phase == 2)
        ask(call, flow, call_answer(call, last));
    else
        *ret_done = true;
    return STR("");
}

void upload_flow_api(struct web_call *call, const struct upload_flow *flow)
{
    bool done = false;
    struct str error = upload_flow_step(call, flow, &done);
    size_t last = call->question_count - 1;
    if (error.n > 0 && !call->questions[last].answer)
        call_fail(call, 503, STR("unavailable"), STR("no answer"));
    else if (error.n > 0 || done)
        call_json(call, error.n > 0 ? status_of_error(error) : 200, call->questions[last].answer_text);
}

bool upload_flow_refused(const struct web_call *call, size_t count)
{
    return call->question_count == (size_t)call->phase + count - 1;
}
