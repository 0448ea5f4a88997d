/* patterns.c - how fast is the best pattern of a message found, over the whole set of data/parsers.
 *
 * usage: bench-patterns FILE DATA
 * FILE holds lines "PROGRAM TAB MESSAGE" (the program may be empty), DATA is the folder with the tables.
 *
 * Prints one line a way of asking, tab-separated: name, messages, taken, seconds of CPU, messages a second. `own` asks
 * as the normaliser does: the program's patterns, those of every program, and where it has none those that name
 * theirs. `whole set` asks one tree of all patterns of all programs for each message. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "bench/common.h"
#include "event/normalise.h"
#include "event/pick.h"
#include "os/clock.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>

#define FILE_MAX    (UINT64_C(1) << 30)
#define ROUNDS      20
#define PROGRAM_MAX 65536u

struct bench {
    struct mapping *mapping;
    struct picker picker;
    struct program whole; /* every pattern once */
    struct str input;
    uint64_t taken;
};

static bool own_pick(struct bench *bench, struct str program, struct str message)
{
    struct str value[TEMPLATE_CAPTURES];
    const struct program *own = mapping_program_written(bench->mapping, program);
    const struct program *any = mapping_program(bench->mapping, STR("*"));
    const struct program *other = mapping_program(bench->mapping, STR("?"));
    return (own && program_pick(own, &bench->picker, message, value)) ||
           (any && program_pick(any, &bench->picker, message, value)) ||
           (!own && other && program_pick(other, &bench->picker, message, value));
}

static bool whole_pick(struct bench *bench, struct str UNUSED(program), struct str message)
{
    struct str value[TEMPLATE_CAPTURES];
    return program_pick(&bench->whole, &bench->picker, message, value) != NULL;
}

static void measure(struct bench *bench, const char *name,
                    bool (*pick)(struct bench *bench, struct str program, struct str message))
{
    uint64_t count = 0;
    uint64_t taken = 0;
    uint64_t started = clock_cpu_ns();
    for (unsigned round = 0; round < ROUNDS; round++)
        for (struct str rest = bench->input; rest.p;) {
            struct str message = str_cut(&rest, '\n');
            struct str program = str_cut(&message, '\t');
            if (!message.n)
                continue;
            count++;
            taken += pick(bench, program, message);
        }
    double seconds = (double)(clock_cpu_ns() - started) / 1e9;
    printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%.6f\t%.0f\n", name, count, taken, seconds, (double)count / seconds);
}

/* What a tree sees of a pattern: patterns that have the same stand in it once. */
static void skeleton_put(struct buf *buf, const struct template *template)
{
    buf_str(buf, template->anchor);
    for (uint32_t i = 0; i < template->count; i++) {
        enum capture_kind kind = template->capture[i].kind;
        buf_char(buf, (char)(1 + (kind == CAPTURE_PAIRS ? CAPTURE_ANY : kind)));
        buf_str(buf, template->capture[i].literal);
    }
}

static void whole_make(struct bench *bench, struct arena *arena)
{
    struct program *whole = &bench->whole;
    struct map *seen = map_new(PROGRAM_MAX, 1);
    struct buf skeleton;
    struct err err = {.text = "no memory"};
    buf_init(&skeleton, 65536);
    whole->pattern = arena_alloc_array(arena, PROGRAM_MAX, sizeof(struct pattern *));
    for (uint32_t p = 0; seen && whole->pattern && p < bench->mapping->program_count; p++)
        for (uint32_t i = 0; i < bench->mapping->program[p].count && whole->count < PROGRAM_MAX; i++) {
            const struct pattern *pattern = bench->mapping->program[p].pattern[i];
            buf_clear(&skeleton);
            skeleton_put(&skeleton, &pattern->template);
            uint64_t *at = map_put(seen, buf_view(&skeleton));
            if (!at || *at)
                continue;
            *at = 1;
            program_place(whole, pattern);
        }
    map_free(seen);
    buf_done(&skeleton);
    if (!whole->pattern || program_plant(whole, arena, &bench->mapping->state_count, &err) != RC_OK)
        bench_die("patterns", &err);
}

int main(int argc, char **argv)
{
    struct bench bench = {.mapping = NULL};
    struct err err;
    if (argc != 3) {
        fprintf(stderr, "usage: bench-patterns FILE DATA\n");
        return 2;
    }
    struct names *names = names_new(1);
    struct arena *arena = arena_new((size_t)1 << 30);
    if (!names || !arena || mapping_load(argv[2], names, &bench.mapping, &err) != RC_OK)
        bench_die("tables", &err);
    if (file_load_path(argv[1], FILE_MAX, arena, &bench.input, &err) != RC_OK)
        bench_die("lines", &err);
    whole_make(&bench, arena);
    if (!picker_init(&bench.picker, bench.mapping))
        return 1;
    printf("patterns\t%u\t%u programs\t%u places\n", bench.whole.count, bench.mapping->program_count,
           bench.mapping->state_count);
    measure(&bench, "own", own_pick);
    measure(&bench, "whole set", whole_pick);
    picker_done(&bench.picker);
    mapping_free(bench.mapping);
    names_free(names);
    arena_free(arena);
    return 0;
}
