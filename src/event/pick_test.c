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
    if (capture->kind == CAPTURE_NUMBER)
        buf_format(text, "%u", dice(100000));
    else if (capture->kind == CAPTURE_WORD)
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
    const struct pattern *picked = program_pick(program, picker, value);
    test_row("%.*s", STR_ARG(message));
    if (!CHECK(picked == plain))
        return false;
    for (uint32_t i = 0; picked && i < picked->template.count; i++)
        if (!CHECK(value[i].p == want[i].p && value[i].n == want[i].n))
            return false;
    return picked != NULL;
}

/* Each message is asked of its own program and, as the normaliser does, of the one for all programs after it. */
static void picks_what_trying_all_would_find(void)
{
    char path[4096];
    char storage[TEXT_MAX];
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct picker *picker = memory_new(sizeof *picker);
    size_t found = 0;
    snprintf(path, sizeof path, "%s/data", test_source_dir());
    if (!CHECK(mapping_load(path, names, &mapping, NULL) == RC_OK))
        return;
    const struct program *any = mapping_program(mapping, STR("*"));
    for (uint32_t p = 0; p < mapping->program_count; p++)
        for (uint32_t i = 0; i < mapping->program[p].start[257]; i++)
            for (size_t round = 0; round < ROUNDS; round++) {
                struct str message = message_make(mapping->program[p].candidate[i].pattern, storage);
                picker_begin(picker, message);
                found += same_pick(&mapping->program[p], picker, message);
                found += same_pick(any, picker, message);
            }
    CHECK(found > 1000);
    memory_free(picker);
    mapping_free(mapping);
    names_free(names);
}

static const struct test tests[] = {
    {"picks what trying all would find", picks_what_trying_all_would_find},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
