#include "event/pick.h"

#include "base/buf.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS   40 /* messages made of each shipped pattern */
#define TEXT_MAX 1024

static uint64_t state = 832;

static uint32_t dice(uint32_t sides)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % sides;
}

static void capture_put(struct buf *text, const struct capture *capture)
{
    static const char *const any[] = {
        "",     "root",  "a b", " for ", " from 10.0.0.1 port 22", "10.0.0.1", "session): x", "\xd2\x9b\xd0\xb0",
        "x: y", "=1 B=2"};
    if (capture->kind == CAPTURE_NUMBER || capture->kind == CAPTURE_HEX)
        buf_format(text, "%u", dice(100000));
    else if (capture->kind == CAPTURE_WORD || capture->kind == CAPTURE_IP)
        buf_text(text, any[dice(2) ? 1 : 5]);
    else
        buf_text(text, any[dice(ARRAY_LEN(any))]);
    buf_str(text, capture->literal);
}

/* What the pattern fits, then as it came, or cut, or with a byte changed, doubled or lost. */
static struct str message_make(const struct pattern *pattern, char storage[TEXT_MAX])
{
    struct buf text;
    buf_init_fixed(&text, storage, TEXT_MAX - 1);
    buf_str(&text, pattern->template.anchor);
    for (uint32_t i = 0; i < pattern->template.count; i++)
        capture_put(&text, &pattern->template.capture[i]);
    size_t n = text.n;
    size_t at = n ? dice((uint32_t)n) : 0;
    switch (n ? dice(6) : 0) {
    case 1:
        n = at;
        break;
    case 2:
        storage[at] = (char)dice(256);
        break;
    case 3:
        memmove(storage + at, storage + at + 1, n - at - 1);
        n--;
        break;
    case 4:
        memmove(storage + at + 1, storage + at, n - at);
        n++;
        break;
    default:
        break;
    }
    return str_at(storage, n);
}

static bool same_pick(const struct program *program, struct picker *picker, struct str message)
{
    struct str value[TEMPLATE_CAPTURES] = {STR_NONE};
    struct str want[TEMPLATE_CAPTURES] = {STR_NONE};
    const struct pattern *plain = program_pick_plain(program, message, want);
    const struct pattern *picked = program_pick(program, picker, message, value);
    test_row("%.*s", STR_ARG(message));
    if (!CHECK(picked == plain))
        return false;
    for (uint32_t i = 0; picked && i < picked->template.count; i++)
        if (!CHECK(value[i].p == want[i].p && value[i].n == want[i].n))
            return false;
    return picked != NULL;
}

/* Each message is asked of its own program, of the lists that the normaliser asks after it, and of some other. */
static void picks_what_trying_all_would_find(void)
{
    static const char *const lists[] = {"*", "?", "-"};
    char path[4096];
    char storage[TEXT_MAX];
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct picker picker;
    size_t found = 0;
    snprintf(path, sizeof path, "%s/data", test_source_dir());
    if (!CHECK(mapping_load(path, names, &mapping, NULL) == RC_OK) || !CHECK(picker_init(&picker, mapping)))
        return;
    for (uint32_t p = 0; p < mapping->program_count; p++)
        for (uint32_t i = 0; i < mapping->program[p].count; i++)
            for (size_t round = 0; round < ROUNDS; round++) {
                struct str message = message_make(mapping->program[p].pattern[i], storage);
                found += same_pick(&mapping->program[p], &picker, message);
                found += same_pick(&mapping->program[dice(mapping->program_count)], &picker, message);
                for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
                    const struct program *list = mapping_program(mapping, str_of(lists[l]));
                    found += list && same_pick(list, &picker, message);
                }
            }
    CHECK(found > 1000);
    picker_done(&picker);
    mapping_free(mapping);
    names_free(names);
}

/* --- patterns and messages of so few letters that everything meets everything --- */

#define WILD_PROGRAMS 400
#define WILD_PATTERNS 12
#define WILD_MESSAGES 300

static const char letters[] = "ab1: .";

static void wild_text(struct buf *text, uint32_t most)
{
    for (uint32_t n = dice(most + 1); n > 0; n--)
        buf_char(text, letters[dice(sizeof letters - 1)]);
}

static void wild_pattern(struct buf *text)
{
    static const char *const captures[] = {"{a}", "{a+}", "{w:word}", "{w+:word}", "{n:num}", "{h:hex}", "{i:ip}"};
    wild_text(text, 3);
    for (uint32_t n = dice(5); n > 0; n--) {
        buf_text(text, captures[dice(ARRAY_LEN(captures))]);
        wild_text(text, 3);
    }
    if (dice(4) == 0)
        buf_text(text, "{kv}");
}

/* By rank, as the loader places them. */
static bool wild_before(const struct pattern *a, const struct pattern *b)
{
    size_t weight[2] = {a->template.anchor.n, b->template.anchor.n};
    for (uint32_t i = 0; i < a->template.count; i++)
        weight[0] += a->template.capture[i].literal.n;
    for (uint32_t i = 0; i < b->template.count; i++)
        weight[1] += b->template.capture[i].literal.n;
    if ((a->template.anchor.n > 0) != (b->template.anchor.n > 0))
        return a->template.anchor.n > 0;
    return weight[0] > weight[1];
}

static void wild_program(struct program *program, struct arena *arena)
{
    static const struct family family = {.name = STR_INIT("wild")};
    program->pattern = arena_alloc_array(arena, WILD_PATTERNS, sizeof(struct pattern *));
    while (program->count < WILD_PATTERNS) {
        char storage[128];
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        wild_pattern(&text);
        struct pattern *pattern = arena_alloc(arena, sizeof *pattern);
        pattern->family = &family;
        pattern->text = arena_str(arena, buf_view(&text));
        if (template_compile(arena, pattern->text, &pattern->template, NULL) != RC_OK)
            continue;
        uint32_t at = program->count++;
        for (; at > 0 && wild_before(pattern, program->pattern[at - 1]); at--)
            program->pattern[at] = program->pattern[at - 1];
        program->pattern[at] = pattern;
    }
}

static void picks_among_patterns_that_are_alike(void)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    size_t found = 0;
    size_t planted = 0;
    for (size_t i = 0; i < WILD_PROGRAMS; i++) {
        struct program program = {.count = 0};
        struct mapping mapping = {.state_count = 0};
        struct picker picker;
        wild_program(&program, arena);
        if (program_plant(&program, arena, &mapping.state_count, NULL) != RC_OK) /* two that fit the same */
            continue;
        planted++;
        if (!CHECK(picker_init(&picker, &mapping)))
            break;
        picker.stamp = UINT32_MAX - dice(WILD_MESSAGES); /* it comes to 0 on the way */
        for (size_t m = 0; m < WILD_MESSAGES; m++) {
            char storage[64];
            struct buf text;
            buf_init_fixed(&text, storage, sizeof storage);
            wild_text(&text, 14);
            found += same_pick(&program, &picker, buf_view(&text));
        }
        picker_done(&picker);
        arena_reset(arena);
    }
    CHECK(planted > WILD_PROGRAMS / 4 && found > WILD_PROGRAMS);
    arena_free(arena);
}

static const struct test tests[] = {
    {"picks what trying all would find", picks_what_trying_all_would_find},
    {"picks among patterns that are alike", picks_among_patterns_that_are_alike},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
