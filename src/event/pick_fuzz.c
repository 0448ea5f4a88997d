/* Lines up to an empty one are patterns of one program, those behind it messages: the tree and its stupid twin agree,
 * and what template_explain says agrees with what matches. */
#include "event/pick.h"

#include "base/assert.h"

#include <stdint.h>

#define PATTERNS 32

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void message_check(const struct program *program, struct picker *picker, struct str message)
{
    struct str value[TEMPLATE_CAPTURES];
    struct str want[TEMPLATE_CAPTURES];
    const struct pattern *plain = program_pick_plain(program, message, want);
    const struct pattern *picked = program_pick(program, picker, message, value);
    ASSERT(plain == picked);
    for (uint32_t i = 0; picked && i < picked->template.count; i++)
        ASSERT(value[i].p == want[i].p && value[i].n == want[i].n);
    for (uint32_t i = 0; i < program->count; i++) {
        const struct template *template = &program->pattern[i]->template;
        struct template_stop stop = template_explain(template, message);
        ASSERT((stop.why == TEMPLATE_FITS) == template_match(template, message, value));
        ASSERT(stop.at <= message.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct family family = {.name = STR_INIT("fuzz")};
    struct arena *arena = arena_new((size_t)16 << 20);
    struct program program = {.count = 0};
    struct mapping mapping = {.state_count = 0};
    struct picker picker;
    struct str rest = str_at(bytes, size);
    ASSERT(arena);
    program.pattern = arena_alloc_array(arena, PATTERNS, sizeof(struct pattern *));
    while (rest.p && program.count < PATTERNS) {
        struct str line = str_cut(&rest, '\n');
        struct pattern *pattern = arena_alloc(arena, sizeof *pattern);
        if (!line.n)
            break;
        ASSERT(pattern && program.pattern);
        pattern->family = &family;
        if (template_compile(arena, line, &pattern->template, NULL) == RC_OK)
            program_place(&program, pattern);
    }
    if (program.count && program_plant(&program, arena, &mapping.state_count, NULL) == RC_OK) {
        ASSERT(picker_init(&picker, &mapping));
        while (rest.p)
            message_check(&program, &picker, str_cut(&rest, '\n'));
        picker_done(&picker);
    }
    arena_free(arena);
    return 0;
}
