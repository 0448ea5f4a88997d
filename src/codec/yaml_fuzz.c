#include "codec/yaml.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(4u << 20);
    struct yaml_node *documents = NULL;
    size_t count = 0;
    struct err err = {0};
    if (arena == NULL)
        return 0;
    if (yaml_parse(arena, str_at(bytes, size), &documents, &count, &err) == RC_OK) {
        size_t seen = 0;
        for (const struct yaml_node *node = documents; node != NULL; node = node->next)
            seen++;
        ASSERT(seen == count);
    } else {
        ASSERT(err.code != RC_OK && err.text[0] != '\0');
    }
    arena_free(arena);
    return 0;
}
