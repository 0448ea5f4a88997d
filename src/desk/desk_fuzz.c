/* Any question: the answer is one JSON object that says ok or which error, and the desk goes on. */
#include "desk/desk_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stand stand;

/* One incident, one channel, segments that may be deleted, one account that may ask without a session, one
 * rule. */
static bool ready(void)
{
    struct err err;
    if (stand.desk)
        return true;
    if (stand_open(&stand, ":memory:", &err) != RC_OK)
        return false;
    stand_sign_in(&stand);
    static const struct desk_segment segments[] = {
        {.first = 0, .end = 100, .bytes = 5, .state = DESK_SEGMENT_MAY},
        {.first = 100, .end = 200, .bytes = 5, .state = DESK_SEGMENT_MAY},
        {.first = 200, .end = 300, .bytes = 5, .state = DESK_SEGMENT_KEPT},
    };
    struct desk_retention retention = {.days = 1096, .law = STR("x"), .segments = segments, .segment_count = 3};
    desk_set_retention(stand.desk, &retention);
    static const struct str field = STR_INIT("User");
    static const struct str tag = STR_INIT("attack.t1110.001");
    static const struct desk_rule loaded = {.id = STR_INIT("r"),
                                            .title = STR_INIT("Rule"),
                                            .level = DESK_LOW,
                                            .tags = &tag,
                                            .tag_count = 1,
                                            .product = STR_INIT("linux"),
                                            .fields = &field,
                                            .field_count = 1};
    const struct desk_rules rules = {.rule = &loaded, .count = 1};
    if (desk_set_rules(stand.desk, &rules, stand.now, &err) != RC_OK)
        return false;
    struct desk_match match = {.record = 1, .rule_id = STR("r"), .level = DESK_HIGH, .host = STR("h")};
    return desk_match(stand.desk, &match, 1, stand.now, NULL, &err) == RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct json_value *json;
    if (!ready())
        abort();
    struct arena *arena = arena_new((size_t)16 << 20);
    stand.now += S(1);
    enum rc rc = desk_ask(stand.desk, str_at(data, size), stand.now, arena, &stand.answer, &err);
    if (rc != RC_OK || json_parse(arena, buf_view(&stand.answer), 64, &json, &err) != RC_OK ||
        json->kind != JSON_OBJECT)
        abort();
    if (!json_bool(json_get(json, "ok"), false) && json_str(json_get(json, "error"), STR("")).n == 0)
        abort();
    arena_free(arena);
    return 0;
}
