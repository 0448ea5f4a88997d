/* The small texts of an agent: agent.conf, tokens, lists of servers, what it remembers. */
#include "agent/config.h"
#include "agent/memory.h"
#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct agent_config config;
    static struct agent_token token;
    static struct agent_memory memory;
    static struct agent_memory again;
    struct str input = str_at(bytes, size);
    struct buf out;
    agent_config_defaults(&config);
    if (agent_config_parse(input, &config, NULL) == RC_OK)
        ASSERT(config.spool_size >= UINT64_C(4) << 20 && config.allow[0] == '/' && config.user[0]);
    IGNORE(agent_path_allowed(&config, input));
    if (agent_token_parse(input, &token, NULL) == RC_OK)
        ASSERT(token.servers.count > 0 && token.servers.server[0].port > 0);
    buf_init(&out, 65536);
    if (agent_memory_parse(input, &memory, NULL) == RC_OK) {
        agent_memory_write(&memory, &out);
        ASSERT(agent_memory_parse(buf_view(&out), &again, NULL) == RC_OK);
        ASSERT(memory.seen.size == again.seen.size && memory.has_key == again.has_key);
    }
    buf_done(&out);
    return 0;
}
