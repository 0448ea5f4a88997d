/* search.c - `qorgan search [QUERY]`: events that match, newest first, or the table that the query makes of them;
 * beside a running service or without it. Ctrl-C stops it: what was found until then is printed. */
#include "archive/search.h"

#include "base/arena.h"
#include "base/assert.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/interrupt.h"
#include "cmd/options.h"
#include "cmd/search_print.h"
#include "os/clock.h"

#include <stdio.h>
#include <unistd.h>

#define QUERY_MEMORY  ((size_t)1 << 20)
#define TABLE_MEMORY  ((size_t)256 << 20)
#define LIMIT_DEFAULT 100
#define PROGRESS_NS   UINT64_C(200000000)

struct task {
    struct reading reading;
    struct search_print print;
    struct search *search;
    uint64_t shown_ns; /* when progress was shown last; 0: it is not wanted */
    bool shown;        /* a line of progress stands on the terminal */
    bool explain;
    bool query_reads;
    uint64_t limit; /* of rows; 0: all */
};

static void progress_clear(struct task *task)
{
    if (task->shown)
        fputs("\r\033[K", stderr);
    task->shown = false;
}

static void progress_show(struct task *task)
{
    uint64_t now = clock_boot_ns();
    if (!task->shown_ns || now - task->shown_ns < PROGRESS_NS)
        return;
    uint32_t permille = search_permille(task->search);
    const struct search_result *result = search_result_of(task->search);
    fprintf(stderr, "\r\033[K%u.%u %% searched, %llu records looked at, %llu matched", permille / 10, permille % 10,
            (unsigned long long)result->scanned, (unsigned long long)result->matched);
    task->shown_ns = now;
    task->shown = true;
}

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct task *task = context;
    progress_clear(task);
    return search_print_hit(&task->print, hit);
}

/* What people should know of an answer that is not whole. */
static void remarks(struct reading *reading, const struct search_result *result, const struct search_table *table)
{
    reading_tell_gone(reading, "search", result);
    if (table && table->lost)
        fprintf(stderr,
                "qorgan search: there are more than %d groups; %llu records of further ones are not in the table\n",
                SEARCH_GROUPS_MAX, (unsigned long long)table->lost);
    if (result->unsorted)
        fprintf(stderr, "qorgan search: only the first %d of %llu sorted events are kept\n", SEARCH_SORTED_MAX,
                (unsigned long long)result->matched);
}

static enum rc search_all(struct task *task, const struct query *query, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(TABLE_MEMORY);
    struct search_table table = {.rows = 0};
    uint64_t began = clock_boot_ns();
    enum rc rc = RC_AGAIN;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to search");
    while (rc == RC_AGAIN && !task->print.failed) {
        if (interrupt_came())
            search_stop(task->search);
        rc = search_step(task->search, err);
        progress_show(task);
    }
    progress_clear(task);
    if (rc != RC_OK && rc != RC_AGAIN)
        return rc;
    const struct search_result *result = search_result_of(task->search);
    if (query_counts(query)) {
        enum rc made = search_table_of(task->search, arena, &table, err);
        if (made != RC_OK)
            return made;
        search_print_table(&task->print, &table, task->limit);
    }
    if (task->explain)
        search_print_explain(&task->print, result, clock_boot_ns() - began);
    if (fflush(stdout) != 0 || task->print.failed)
        return err_set(err, RC_IO, "could not write to standard output");
    remarks(&task->reading, result, query_counts(query) ? &table : NULL);
    if (interrupt_came() && !result->complete)
        return err_set(err, RC_AGAIN, "stopped: what was found until then is not all");
    return RC_OK;
}

static enum search_form form_of(const struct options *options)
{
    return options_flag(options, "json")  ? SEARCH_JSON
           : options_flag(options, "csv") ? SEARCH_CSV
           : options_flag(options, "raw") ? SEARCH_RAW
                                          : SEARCH_TEXT;
}

static enum rc run(struct task *task, const struct options *options, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(QUERY_MEMORY);
    struct query *query;
    int64_t now = clock_real_ns();
    struct str text = options->operand_count ? str_of(options->operands[0]) : STR("");
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to search");
    enum rc rc = query_parse(text, now, 0, arena, &query, err);
    task->query_reads = rc == RC_OK;
    if (rc != RC_OK)
        return rc;
    task->limit = options_given(options, "limit") ? (uint64_t)options_number(options, "limit") : 0;
    struct search_options search = {.from_ns = options_time(options, "from", now, 0),
                                    .to_ns = options_time(options, "to", now, 0),
                                    .limit = task->limit || query_head(query) ? task->limit : LIMIT_DEFAULT,
                                    .now_ns = now,
                                    .hit = on_hit,
                                    .context = task};
    rc = reading_open(&task->reading, options_text(options, "data"), true, err);
    search_print_open(&task->print, form_of(options), query);
    task->print.names = task->reading.names;
    rc = rc == RC_OK ? search_open(task->reading.reader, query, &search, &task->search, err) : rc;
    rc = rc == RC_OK ? search_all(task, query, err) : rc;
    search_close(task->search);
    search_print_close(&task->print);
    reading_close(&task->reading);
    return rc;
}

int cmd_search(int argc, char **argv)
{
    static struct task task;
    struct options options;
    struct err err = {0};
    int status = options_parse("search", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    task = (struct task){.explain = options_flag(&options, "explain")};
    task.reading.folder = -1;
    task.shown_ns = isatty(STDERR_FILENO) == 1 ? clock_boot_ns() : 0;
    interrupt_watch();
    enum rc rc = run(&task, &options, &err);
    if (rc == RC_INVALID && !task.query_reads)
        return cmd_usage("search", "%s", err.text);
    return rc == RC_OK ? CMD_OK : cmd_fail("search", &err);
}
