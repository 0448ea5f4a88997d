#include "role/object_desk.h"

#include "desk/asset_rules.h"
#include "role/log.h"
#include "role/process.h"

_Static_assert(ASSET_RULES_BYTES <= 6 * MSG_MIB && DESK_TERMS_BYTES <= 512 * MSG_KIB, "they fit their messages");

void object_desk_send(struct desk *desk, struct object_desk *told)
{
    const struct {
        enum role to;
        enum msg_type type;
        size_t size;
        uint64_t *told;
        enum rc (*write)(struct desk *desk, struct buf *out, struct err *err);
    } rows[] = {
        {ROLE_PACKER, MSG_OBJECT_RULES, ASSET_RULES_BYTES, &told->rules, desk_object_rules},
        {ROLE_KEEPER, MSG_OBJECT_TERMS, DESK_TERMS_BYTES, &told->terms, desk_object_terms},
    };
    uint64_t version = desk_objects_version(desk);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct channel *peer = process_peer(rows[i].to, 0);
        struct buf body CLEANUP(buf_done) = {0};
        struct err err = {0};
        if (!peer || *rows[i].told == version)
            continue;
        buf_init(&body, rows[i].size);
        enum rc rc = rows[i].write(desk, &body, &err);
        if (rc != RC_OK)
            log_error("the objects could not be told to the %s: %s", msg_role_name(rows[i].to), err.text);
        else if (channel_send(peer, rows[i].type, 0, buf_view(&body)))
            *rows[i].told = version;
    }
}
