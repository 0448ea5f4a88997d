#include "base/assert.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/json_reader.h"

#include <string.h>

void json_paths_forget(struct json_paths *paths)
{
    memset(paths->slot, 0, sizeof paths->slot);
    paths->node[JSON_PATH_UNKNOWN].parent = JSON_PATHS_MAX;
    paths->node[JSON_PATH_ROOT] = (struct json_path_node){.path = {.text = STR_INIT("")}};
    paths->end = JSON_PATH_ROOT + 1;
    paths->used = 0;
    paths->full = false;
}

struct json_paths *json_paths_new(uint64_t seed)
{
    struct json_paths *paths = memory_new(sizeof *paths);
    if (paths == NULL)
        return NULL;
    paths->seed = seed;
    paths->width = json_width_best();
    json_paths_forget(paths);
    return paths;
}

void json_paths_free(struct json_paths *paths)
{
    memory_free(paths);
}

static uint32_t path_hash(uint64_t seed, uint32_t parent, struct str quoted)
{
    return (uint32_t)hash_text(seed + parent * UINT64_C(0x9e3779b97f4a7c15), quoted);
}

static uint32_t path_add(struct json_paths *paths, uint32_t parent, struct str quoted)
{
    struct str above = paths->node[parent].path.text;
    struct str key = str_slice(quoted, 1, quoted.n - 2);
    size_t text_n = above.n + (above.n > 0) + key.n;
    if (text_n > JSON_PATHS_TEXT)
        return JSON_PATH_UNKNOWN;
    if (paths->end == JSON_PATHS_MAX || JSON_PATHS_BYTES - paths->used < text_n + quoted.n) {
        paths->full = true;
        return JSON_PATH_UNKNOWN;
    }
    char *text = paths->text + paths->used;
    size_t n = above.n;
    memcpy(text, above.p, above.n);
    if (n > 0)
        text[n++] = '.';
    memcpy(text + n, key.p, key.n);
    memcpy(text + text_n, quoted.p, quoted.n);
    paths->used += text_n + quoted.n;
    paths->node[paths->end] = (struct json_path_node){.path = {.text = str_at(text, text_n)},
                                                      .quoted = text + text_n,
                                                      .quoted_n = (uint32_t)quoted.n,
                                                      .parent = parent};
    return paths->end++;
}

uint32_t json_paths_put(struct json_paths *paths, uint32_t parent, struct str quoted)
{
    ASSERT(parent != JSON_PATH_UNKNOWN && parent < paths->end && quoted.n >= 3);
    uint32_t hash = path_hash(paths->seed, parent, quoted);
    uint32_t mask = ARRAY_LEN(paths->slot) - 1;
    uint32_t at = hash & mask;
    for (; paths->slot[at]; at = (at + 1) & mask) {
        const struct json_path_node *node = &paths->node[paths->slot[at]];
        if (node->hash == hash && node->parent == parent && node->quoted_n == quoted.n &&
            memcmp(node->quoted, quoted.p, quoted.n) == 0)
            return paths->slot[at];
    }
    uint32_t number = path_add(paths, parent, quoted);
    if (number != JSON_PATH_UNKNOWN) {
        paths->node[number].hash = hash;
        paths->slot[at] = (uint16_t)number;
    }
    return number;
}
