/* Whatever an intake says of agents: the desk answers or refuses, and its database stays sound. Words are lines. */
#include "desk/agents.h"
#include "desk/desk_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct stand stand;
    static bool is_open;
    struct str rest = str_at(bytes, size);
    struct desk_agent_out out;
    struct err err;
    if (!is_open) {
        if (stand_open(&stand, ":memory:", &err) != RC_OK)
            abort();
        is_open = true;
    }
    for (uint64_t i = 0; rest.p && i < 16; i++) {
        const struct desk_agent_word word = {.from = {(uint32_t)(i % 3), i}, .text = str_cut(&rest, '\n')};
        if (desk_agents_hear(stand.desk, &word, 1, stand.now, &err) != RC_OK)
            abort();
    }
    while (desk_agents_take(stand.desk, &out)) {
        struct json_value *json = NULL;
        struct arena *arena = arena_new((size_t)1 << 20);
        if (out.order == DESK_AGENT_SAY && json_parse(arena, out.text, 16, &json, &err) != RC_OK)
            abort();
        arena_free(arena);
    }
    stand.now += S(1);
    if (desk_agents_watch(stand.desk, stand.now, &err) != RC_OK)
        abort();
    return 0;
}
