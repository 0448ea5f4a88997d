#include "role/notice_desk.h"

#include "codec/json.h"
#include "os/clock.h"
#include "role/log.h"
#include "role/process.h"

static void notice_write(struct buf *out, const struct desk_notice *notice)
{
    buf_clear(out);
    json_write_object(out);
    json_put_str(out, "key", notice->key);
    json_put_str(out, "kind", notice->kind);
    json_put_str(out, "to", notice->to);
    json_put_str(out, "server", notice->server);
    json_put_str(out, "from", notice->from);
    json_put_str(out, "user", notice->user);
    json_put_str(out, "secret", notice->secret);
    json_put_str(out, "subject", notice->subject);
    json_put_str(out, "body", notice->body);
    json_write_object_end(out);
}

void notice_desk_send(struct notice_desk *notices)
{
    struct channel *out = process_peer(ROLE_OUT, 0);
    struct desk_notice notice;
    struct err err = {0};
    if (!out || notices->flying)
        return;
    arena_reset(notices->scratch);
    enum rc rc = desk_outbox_take(notices->desk, clock_real_ns(), notices->scratch, &notice, &err);
    if (rc != RC_OK) {
        if (rc != RC_END)
            log_error("notices could not be read: %s", err.text);
        return;
    }
    notice_write(notices->text, &notice);
    if (notices->text->n <= msg_size_max(MSG_NOTICE))
        notices->flying = channel_send(out, MSG_NOTICE, (uint64_t)notice.id, buf_view(notices->text));
    else
        IGNORE(
            desk_outbox_result(notices->desk, notice.id, false, STR("the notice is too long"), clock_real_ns(), &err));
}

void notice_desk_result(struct notice_desk *notices, const struct msg *msg)
{
    struct err err = {0};
    struct json_value *value = NULL;
    notices->flying = false;
    arena_reset(notices->scratch);
    if (json_parse(notices->scratch, msg->body, 4, &value, &err) != RC_OK)
        return;
    struct str text = json_str(json_get(value, "text"), STR_NONE);
    if (desk_outbox_result(notices->desk, (int64_t)msg->id, json_bool(json_get(value, "sent"), false), text,
                           clock_real_ns(), &err) != RC_OK)
        log_error("a notice's result could not be stored: %s", err.text);
    notice_desk_send(notices);
}
