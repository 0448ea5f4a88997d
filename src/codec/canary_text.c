#include "codec/canary_text.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"

#include <string.h>

#define DEPTH       3u
#define MEMBERS_MAX 16u
#define OFFSET_MAX  (INT64_C(400) * 365 * 86400 * 1000000) /* microseconds; a clock is not further off */

void canary_write(struct buf *out, const struct canary *canary)
{
    char nonce[2 * CANARY_NONCE];
    ASSERT(canary->number > 0 && canary->every_s > 0);
    json_write_object(out);
    json_put_text(out, "event", CANARY_EVENT);
    json_put_text(out, "agent", canary->agent);
    json_put_u64(out, "number", canary->number);
    json_put_str(out, "nonce", str_at(nonce, hex_encode(canary->nonce, CANARY_NONCE, nonce)));
    json_put_int(out, "made_ns", canary->made_ns);
    json_put_u64(out, "every_s", canary->every_s);
    if (canary->measured) {
        json_put_int(out, "offset_us", canary->offset_us);
        json_put_u64(out, "error_us", canary->error_us);
    }
    json_write_object_end(out);
}

static bool int_read(const struct json_value *object, const char *name, int64_t least, int64_t most, int64_t *ret)
{
    const struct json_value *member = json_get(object, name);
    int64_t low = json_int(member, INT64_MIN), high = json_int(member, INT64_MAX);
    *ret = low;
    return member && low == high && low >= least && low <= most;
}

/* Empty, or a uuid as agents' are written. */
static bool uuid_read(struct str text, char ret_uuid[37])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.n && text.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (form[i] == '-' ? c != '-' : !char_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return str_copy_z(text, ret_uuid, 37);
}

enum rc canary_read(struct str body, struct arena *arena, struct canary *ret_canary, struct err *err)
{
    struct json_value *object = NULL;
    int64_t number, every_s, error_us = 0;
    if (body.n > CANARY_BYTES_MAX)
        return err_set(err, RC_INVALID, "it is longer than a canary");
    enum rc rc = json_parse(arena, body, DEPTH, &object, err);
    if (rc != RC_OK)
        return rc;
    *ret_canary = (struct canary){.measured = json_get(object, "offset_us") != NULL};
    if (object->kind != JSON_OBJECT || object->count > MEMBERS_MAX ||
        !str_is(json_str(json_get(object, "event"), STR("")), CANARY_EVENT))
        return err_set(err, RC_INVALID, "it is no canary");
    bool right = uuid_read(json_str(json_get(object, "agent"), STR("?")), ret_canary->agent) &&
                 hex_decode(json_str(json_get(object, "nonce"), STR("")), ret_canary->nonce, CANARY_NONCE) &&
                 int_read(object, "number", 1, INT64_MAX, &number) &&
                 int_read(object, "made_ns", 0, INT64_MAX, &ret_canary->made_ns) &&
                 int_read(object, "every_s", 1, CANARY_EVERY_MAX, &every_s);
    if (right && ret_canary->measured)
        right = int_read(object, "offset_us", -OFFSET_MAX, OFFSET_MAX, &ret_canary->offset_us) &&
                int_read(object, "error_us", 0, UINT32_MAX, &error_us);
    if (!right)
        return err_set(err, RC_INVALID, "a member of the canary is not what it may be");
    ret_canary->number = (uint64_t)number;
    ret_canary->every_s = (uint32_t)every_s;
    ret_canary->error_us = (uint32_t)error_us;
    return RC_OK;
}

uint64_t canary_pause_ns(uint32_t every_s, uint64_t random)
{
    uint64_t every_ns = every_s * UINT64_C(1000000000);
    return every_ns - every_ns / 10 + random % (every_ns / 5 + 1);
}

uint64_t canary_first_ns(uint32_t every_s, uint64_t random)
{
    uint64_t every_ns = every_s * UINT64_C(1000000000);
    return every_ns / 10 + random % (every_ns / 10 + 1);
}
