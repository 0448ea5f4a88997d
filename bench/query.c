/* query.c - how long a search takes without the start of a process: reader open, page cache and code warm.
 *
 * usage: bench-query FOLDER RUNS QUERY...
 * FOLDER is a data folder whose records are all in segments. Each query runs once to warm up and then RUNS times; all
 * of its events are given to a callback that only counts them. Prints one line a query, tab-separated: query, median
 * wall ms, median CPU ms, slowest wall ms, events given or rows counted, records scanned, blocks opened, blocks passed
 * over. The first line is `open` with the time that opening the archive took. */
#include "archive/search.h"
#include "base/macros.h"
#include "base/str.h"
#include "bench/common.h"
#include "os/clock.h"
#include "os/io.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS_MAX    1001
#define QUERY_BYTES ((size_t)1 << 20)

struct figures {
    double wall_ms[RUNS_MAX];
    double cpu_ms[RUNS_MAX];
};

static bool count_hit(void *context, const struct archive_hit *hit)
{
    uint64_t *given = context;
    *given += hit->raw.n > 0 || hit->leaf.index > 0;
    return true;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static void query_run(struct archive_reader *reader, const char *text, struct search_result *ret_result)
{
    struct arena *arena = arena_new(QUERY_BYTES);
    struct query *query = NULL;
    struct err err = {.text = "no memory"};
    uint64_t given = 0;
    int64_t now = clock_real_ns();
    struct search_options options = {.now_ns = now, .hit = count_hit, .context = &given};
    if (arena == NULL || query_parse(str_of(text), now, 0, arena, &query, &err) != RC_OK ||
        search_run(reader, query, &options, ret_result, &err) != RC_OK)
        bench_die(text, &err);
    arena_free(arena);
}

static void query_measure(struct archive_reader *reader, const char *text, size_t runs)
{
    static struct figures figures;
    struct search_result result = {0};
    query_run(reader, text, &result);
    for (size_t i = 0; i < runs; i++) {
        uint64_t cpu = clock_cpu_ns();
        uint64_t wall = clock_boot_ns();
        query_run(reader, text, &result);
        figures.wall_ms[i] = (double)(clock_boot_ns() - wall) / 1e6;
        figures.cpu_ms[i] = (double)(clock_cpu_ns() - cpu) / 1e6;
    }
    qsort(figures.wall_ms, runs, sizeof figures.wall_ms[0], by_value);
    qsort(figures.cpu_ms, runs, sizeof figures.cpu_ms[0], by_value);
    printf("%s\t%.4f\t%.4f\t%.4f\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", text,
           figures.wall_ms[runs / 2], figures.cpu_ms[runs / 2], figures.wall_ms[runs - 1], result.matched,
           result.scanned, result.blocks, result.blocks_passed);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct archive_reader_options options = {.names = names_new(1)};
    struct archive_reader *reader = NULL;
    struct err err = {.text = "no memory"};
    uint64_t runs = 0;
    char path[4096];
    if (argc < 4 || !str_to_u64(str_of(argv[2]), &runs) || runs == 0 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: bench-query FOLDER RUNS QUERY...\n");
        return 2;
    }
    int n = snprintf(path, sizeof path, "%s/archive", argv[1]);
    int folder = n > 0 && n < (int)sizeof path ? io_open_folder(path) : -1;
    if (folder < 0)
        bench_die(argv[1], &(struct err){.text = "it holds no archive"});
    uint64_t cpu = clock_cpu_ns();
    uint64_t wall = clock_boot_ns();
    if (options.names == NULL || archive_reader_open(&io_kernel, folder, &options, &reader, &err) != RC_OK)
        bench_die("archive", &err);
    double wall_ms = (double)(clock_boot_ns() - wall) / 1e6;
    printf("open\t%.4f\t%.4f\t%.4f\t0\t%" PRIu64 "\t0\t0\n", wall_ms, (double)(clock_cpu_ns() - cpu) / 1e6, wall_ms,
           archive_reader_size(reader));
    for (int i = 3; i < argc; i++)
        query_measure(reader, argv[i], (size_t)runs);
    archive_reader_close(reader);
    names_free(options.names);
    return 0;
}
