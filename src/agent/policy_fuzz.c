/* Policies: the text of a note from any bytes; a whole one, which no bytes of ours sign. */
#include "agent/policy.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct agent_policy policy;
    static struct note_key key;
    struct arena *arena = arena_new((size_t)1 << 20);
    struct str input = str_at(bytes, size);
    if (!arena)
        return 0;
    if (key.name[0] == '\0')
        ASSERT(note_key_init(&key, STR("a"), NOTE_ED25519, (const uint8_t[32]){1}, NULL) == RC_OK);
    if (agent_policy_parse(input, arena, &policy, NULL) == RC_OK) {
        ASSERT(policy.version > 0 && policy.origin.n > 0 && policy.files.n <= POLICY_PATHS_MAX);
        for (size_t i = 0; i < policy.command_count; i++)
            ASSERT(policy.commands[i].argv[0][0] == '/' && policy.commands[i].every_s >= 10);
    }
    ASSERT(agent_policy_open(input, &key, arena, &policy, NULL) != RC_OK);
    arena_free(arena);
    return 0;
}
