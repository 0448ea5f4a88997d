#include "codec/json.h"

#include "base/assert.h"
#include "codec/json_reader.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* How many leaves there were, and a sum over all that was given. */
struct given {
    uint32_t leaves;
    uint64_t sum;
};

static void sum_add(struct given *given, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        given->sum = (given->sum ^ (uint8_t)text.p[i]) * UINT64_C(0x100000001b3);
    given->sum = (given->sum ^ text.n) * UINT64_C(0x9e3779b97f4a7c15);
}

static void on_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    struct given *given = context;
    given->leaves++;
    sum_add(given, path);
    sum_add(given, value);
    given->sum += (uint64_t)kind;
    ASSERT(kind == JSON_OBJECT || utf8_valid(value));
    ASSERT(utf8_valid(path));
}

static void on_leaves(void *context, const struct json_flat *leaves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        on_leaf(context, leaves[i].path->text, leaves[i].kind, leaves[i].value);
}

/* Again with remembered paths, in every width: twice, so that the second time they are. */
static void flatten_at(struct arena *arena, struct str text, enum rc want, const struct given *want_given,
                       uint32_t want_lost)
{
    for (enum json_width width = JSON_WIDTH_1; width <= json_width_best(); width++) {
        struct json_paths *paths = json_paths_new(1);
        for (size_t i = 0; paths != NULL && i < 2; i++) {
            struct given given = {0, 0};
            uint32_t lost = 0;
            paths->width = width;
            enum rc rc = json_flatten_at(paths, arena, text, on_leaves, &given, &lost);
            ASSERT(rc == want && given.leaves == want_given->leaves && lost == want_lost);
            ASSERT(given.sum == want_given->sum);
        }
        json_paths_free(paths);
    }
}

/* All readers must agree, and what the writer makes of a string must read back as the same text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(64u << 20);
    struct json_value *root = NULL;
    struct given given = {0, 0};
    uint32_t lost = 0;
    if (arena == NULL)
        return 0;
    struct str text = str_at(bytes, size);
    enum rc parsed = json_parse(arena, text, JSON_DEPTH, &root, NULL);
    enum rc flattened = json_flatten(arena, text, on_leaf, &given, &lost, NULL);
    ASSERT(parsed == flattened);
    ASSERT(given.leaves <= JSON_LEAVES_MAX);
    flatten_at(arena, text, flattened, &given, lost);

    struct buf buf;
    buf_init(&buf, 64u << 20);
    json_write_str(&buf, text);
    ASSERT(!buf.overflow);
    ASSERT(json_parse(arena, buf_view(&buf), 1, &root, NULL) == RC_OK);
    ASSERT(str_eq(root->text, utf8_make_valid(arena, text)));
    buf_done(&buf);
    arena_free(arena);
    return 0;
}
