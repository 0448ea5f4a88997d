/* The small texts of a relay: its configuration, and the word that agents read without knowing who says it. */
#include "agent/relay_config.h"
#include "agent/relay_word.h"
#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct relay_config config;
    struct str input = str_at(bytes, size);
    char text[200];
    char storage[RELAY_WORD_MAX];
    struct buf out;
    relay_config_defaults(&config);
    if (relay_config_parse(input, &config, NULL) == RC_OK) {
        ASSERT(config.servers.count > 0 && config.listen.count > 0 && config.relay_count <= RELAY_RANGES_MAX);
        ASSERT(config.connections > 0 && config.connections_address > 0 && config.idle_s > 0 && config.user[0]);
    }
    if (!relay_word_read(input, text, sizeof text))
        return 0;
    for (const char *p = text; *p; p++)
        ASSERT(*p >= 0x20 && *p < 0x7f);
    buf_init_fixed(&out, storage, sizeof storage);
    relay_word_put(&out, "name", text);
    ASSERT(!out.overflow && relay_word_read(str_skip(buf_view(&out), 7), text, sizeof text));
    return 0;
}
