/* A pattern proposed from any lines compiles and fits each of them; with other names it fits the same. */
#include "event/propose.h"

#include "base/assert.h"
#include "event/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)8 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct buf named CLEANUP(buf_done) = {0};
    struct str lines[PROPOSE_MESSAGES_MAX];
    struct str value[TEMPLATE_CAPTURES];
    const struct str names[] = {STR("first"), STR_NONE, STR("third")};
    struct template template;
    struct err err;
    size_t count = 0;
    for (struct str rest = str_at(bytes, size); rest.p && count < ARRAY_LEN(lines);)
        lines[count++] = str_cut(&rest, '\n');
    buf_init(&out, 65536);
    buf_init(&named, 65536);
    if (!arena || pattern_propose(arena, lines, count, &out, &err) != RC_OK)
        return 0;
    ASSERT(template_compile(arena, buf_view(&out), &template, &err) == RC_OK);
    for (size_t i = 0; i < count; i++)
        ASSERT(str_trim(lines[i]).n == 0 || template_match(&template, str_trim(lines[i]), value));
    if (pattern_rename(arena, buf_view(&out), names, ARRAY_LEN(names), &named, &err) != RC_OK)
        return 0;
    return 0;
}
