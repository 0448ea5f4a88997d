#include "role/forward_ack.h"

#include "codec/json.h"

#define DEPTH 8

enum rc forward_ack_read(struct arena *arena, struct str text, struct forward_ack *ret_ack, struct err *err)
{
    struct json_value *top = NULL;
    *ret_ack = (struct forward_ack){.taken = false};
    enum rc rc = json_parse(arena, text, DEPTH, &top, err);
    if (rc != RC_OK)
        return rc;
    const struct json_value *error = json_get(top, "error");
    if (error) {
        ret_ack->complaint = json_str(json_get(error, "description"), STR("it said no, and not why"));
        ret_ack->complaint_code = json_int(json_get(error, "err_code"), 0);
        return error->kind == JSON_OBJECT ? RC_OK : err_set(err, RC_INVALID, "its error is no object");
    }
    int64_t sequence = json_int(json_get(top, "seq"), 0);
    ret_ack->stream = json_str(json_get(top, "stream"), STR_NONE);
    if (!ret_ack->stream.n || sequence <= 0)
        return err_set(err, RC_INVALID, "it names no stream and no place in it");
    ret_ack->taken = true;
    ret_ack->sequence = (uint64_t)sequence;
    ret_ack->duplicate = json_bool(json_get(top, "duplicate"), false);
    return RC_OK;
}
