#include "role/query_job.h"

#include "base/arena.h"
#include "base/assert.h"
#include "codec/canary_text.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/hit.h"

#include <stdio.h>
#include <string.h>

#define QUERY_MEMORY   ((size_t)1 << 20)
#define TABLE_MEMORY   ((size_t)128 << 20)
#define LIMIT_DEFAULT  100
#define WAIT_MAX_MS    1000 /* other questions wait as long */
#define JOB_IDLE_NS    UINT64_C(30000000000)
#define RAW_SHORT_MAX  ((size_t)4 << 10)    /* bytes shown of a record that is too long for the answer */
#define HIT_SHORT_MAX  ((size_t)256 << 10)  /* room behind ANSWER_MAX for one more */
#define ANSWER_MAX     ((size_t)3400 << 10) /* of MSG_ANSWER's 4 MiB */
#define TABLE_ROWS_MAX 1000                 /* shown */
#define CELL_SHOWN_MAX 1024
#define WHO_MAX        128

struct job {
    bool used;
    uint64_t token;
    int64_t now_ns; /* what `last:` counts from */
    char who[WHO_MAX];
    struct arena *arena; /* of the query */
    struct query *query;
    struct search *search;
    struct query_column column[QUERY_COLUMNS_MAX];
    size_t columns;
    struct buf found;  /* events or rows, as a JSON array that is not closed */
    bool cut;          /* there was no room for more */
    bool stopped;      /* it was told to end; sorted events may still have to be read */
    uint32_t permille; /* when it was told */
    uint64_t worked_ns;
    uint64_t asked_ns; /* when it was last asked for */
    const struct names *names;
};

struct query_jobs {
    struct job jobs[QUERY_JOBS_MAX];
    const struct names *names;
    int32_t zone_s;
};

struct query_jobs *query_jobs_new(const struct names *names, int32_t zone_s)
{
    struct query_jobs *jobs = memory_new(sizeof *jobs);
    if (!jobs)
        return NULL;
    jobs->names = names;
    jobs->zone_s = zone_s;
    return jobs;
}

static void job_end(struct job *job)
{
    search_close(job->search);
    arena_free(job->arena);
    buf_done(&job->found);
    *job = (struct job){.used = false};
}

void query_jobs_drop(struct query_jobs *jobs)
{
    for (size_t i = 0; i < QUERY_JOBS_MAX; i++)
        if (jobs->jobs[i].used)
            job_end(&jobs->jobs[i]);
}

void query_jobs_free(struct query_jobs *jobs)
{
    if (jobs)
        query_jobs_drop(jobs);
    memory_free(jobs);
}

void query_jobs_tick(struct query_jobs *jobs, uint64_t boot_ns)
{
    for (size_t i = 0; i < QUERY_JOBS_MAX; i++)
        if (jobs->jobs[i].used && boot_ns - jobs->jobs[i].asked_ns > JOB_IDLE_NS)
            job_end(&jobs->jobs[i]);
}

void query_refuse_begin(struct buf *out, const char *key, const struct err *err)
{
    buf_clear(out);
    json_write_object(out);
    json_put_bool(out, "ok", false);
    json_put_text(out, "error", key);
    json_put_text(out, "text", err->text);
    json_put_u64(out, "offset", err->offset);
}

void query_refuse(struct buf *out, const char *key, const struct err *err)
{
    query_refuse_begin(out, key, err);
    json_write_object_end(out);
}

/* ---- what is found ---- */

void query_members_write(struct buf *out, const struct archive_hit *hit, const struct names *names)
{
    size_t before = out->n;
    hit_write_members(out, hit, names);
    if (!out->overflow && out->n <= ANSWER_MAX + HIT_SHORT_MAX)
        return;
    out->n = before;
    out->overflow = false;
    struct archive_hit brief = *hit;
    brief.event.field_count = 0;
    memset(brief.event.statutory, 0, sizeof brief.event.statutory);
    brief.raw = str_slice(hit->raw, 0, RAW_SHORT_MAX);
    hit_write_members(out, &brief, names);
    json_put_bool(out, "shortened", true);
}

static void cell_write(struct buf *out, const struct query_column *column, const struct search_cell *cell)
{
    if (column->kind == QUERY_COLUMN_TEXT)
        json_write_str(out, str_slice(cell->text, 0, CELL_SHOWN_MAX));
    else
        json_write_int(out, cell->number);
}

static void row_write(struct job *job, const struct archive_hit *hit)
{
    json_write_array(&job->found);
    for (size_t i = 0; i < job->columns; i++) {
        char room[QUERY_CELL_MAX];
        struct search_cell cell = {.number = 0};
        cell.text = query_cell(job->query, i, hit, job->names, room, &cell.number);
        cell_write(&job->found, &job->column[i], &cell);
    }
    json_write_array_end(&job->found);
}

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct job *job = context;
    if (job->found.n > ANSWER_MAX) {
        job->cut = true;
        return false;
    }
    if (job->columns) {
        row_write(job, hit);
    } else {
        json_write_object(&job->found);
        query_members_write(&job->found, hit, job->names);
        json_write_object_end(&job->found);
    }
    return true;
}

/* ---- beginning and going on ---- */

static enum rc query_read(const struct query_jobs *jobs, const struct json_value *question, int64_t now_ns,
                          struct arena *arena, struct query **ret_query, struct err *err)
{
    struct str text = json_str(json_get(question, "query"), STR_NONE);
    enum rc rc = query_parse(text, now_ns, jobs->zone_s, arena, ret_query, err);
    if (rc == RC_OK && json_bool(json_get(question, "hide_own"), false))
        rc = query_exclude(*ret_query, STR("type"), STR("lifecycle"), err);
    if (rc == RC_OK && json_bool(json_get(question, "hide_own"), false))
        rc = query_exclude(*ret_query, STR("source"), STR(CANARY_KIND), err);
    return rc;
}

/* A free place; the one whose owner has been silent longest is taken when there is none. Only for what is worth it: a
 * query that has been read. */
static struct job *job_place(struct query_jobs *jobs)
{
    struct job *oldest = &jobs->jobs[0];
    for (size_t i = 0; i < QUERY_JOBS_MAX; i++) {
        if (!jobs->jobs[i].used)
            return &jobs->jobs[i];
        if (jobs->jobs[i].asked_ns < oldest->asked_ns)
            oldest = &jobs->jobs[i];
    }
    job_end(oldest);
    return oldest;
}

static enum rc job_begin(struct query_jobs *jobs, struct archive_reader *reader, const struct json_value *question,
                         struct job **ret_job, struct err *err)
{
    int64_t now_ns = json_int(json_get(question, "now_ns"), 0);
    if (now_ns == 0 || now_ns > clock_real_ns())
        now_ns = clock_real_ns();
    struct arena *arena = arena_new(QUERY_MEMORY);
    struct query *query = NULL;
    enum rc rc = arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to search");
    rc = rc == RC_OK ? query_read(jobs, question, now_ns, arena, &query, err) : rc;
    if (rc != RC_OK) {
        arena_free(arena);
        return rc;
    }
    struct job *job = job_place(jobs);
    *job = (struct job){
        .used = true, .token = random_u64(), .now_ns = now_ns, .names = jobs->names, .arena = arena, .query = query};
    buf_init(&job->found, ANSWER_MAX + 2 * HIT_SHORT_MAX);
    json_write_array(&job->found);
    IGNORE(str_copy_z(json_str(json_get(question, "who"), STR_NONE), job->who, sizeof job->who)); /* "" fits nobody */
    struct search_options options = {
        .from_ns = json_int(json_get(question, "from_ns"), 0),
        .to_ns = json_int(json_get(question, "to_ns"), 0),
        .limit = (uint64_t)json_int(json_get(question, "limit"), LIMIT_DEFAULT),
        .before = (uint64_t)json_int(json_get(question, "before"), 0),
        .skip = (uint64_t)json_int(json_get(question, "skip"), 0),
        .now_ns = now_ns,
        .hit = on_hit,
        .context = job,
    };
    options.bins = options.before || query_counts(job->query) ? 0 : SEARCH_BINS_MAX;
    job->columns = query_columns(job->query, job->column, ARRAY_LEN(job->column));
    rc = search_open(reader, job->query, &options, &job->search, err);
    if (rc != RC_OK)
        job_end(job);
    *ret_job = job;
    return rc == RC_INVALID ? err_set(err, RC_IO, "the search could not begin") : rc;
}

static enum rc job_find(struct query_jobs *jobs, const struct json_value *question, struct job **ret_job,
                        struct err *err)
{
    struct str who = json_str(json_get(question, "who"), STR_NONE);
    uint64_t token = 0;
    if (str_hex_to_u64(json_str(json_get(question, "job"), STR_NONE), &token))
        for (size_t i = 0; i < QUERY_JOBS_MAX; i++)
            if (jobs->jobs[i].used && jobs->jobs[i].token == token && str_is(who, jobs->jobs[i].who)) {
                *ret_job = &jobs->jobs[i];
                return RC_OK;
            }
    return err_set(err, RC_NOT_FOUND, "this search is not under way any more");
}

static enum rc job_work(struct job *job, uint64_t wait_ns, struct err *err)
{
    uint64_t began = clock_boot_ns();
    enum rc rc = RC_AGAIN;
    while (rc == RC_AGAIN && clock_boot_ns() - began < wait_ns)
        rc = search_step(job->search, err);
    job->asked_ns = clock_boot_ns();
    job->worked_ns += job->asked_ns - began;
    return rc;
}

/* ---- the answer ---- */

static void histogram_write(struct buf *out, const struct search_result *result)
{
    json_write_key(out, "histogram");
    json_write_object(out);
    json_put_int(out, "from_ns", result->histogram_from_ns);
    json_put_int(out, "step_ns", result->histogram_step_ns);
    json_write_key(out, "counts");
    json_write_array(out);
    for (uint32_t i = 0; i < result->histogram_count; i++)
        json_write_u64(out, result->histogram[i]);
    json_write_array_end(out);
    json_write_object_end(out);
}

static enum rc counted_rows(const struct job *job, struct buf *out, struct err *err)
{
    static const struct search_table none;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(TABLE_MEMORY);
    struct search_table table = none;
    enum rc rc =
        arena ? search_table_of(job->search, arena, &table, err) : err_set(err, RC_LIMIT, "no memory for the table");
    json_write_key(out, "rows");
    json_write_array(out);
    for (size_t r = 0; r < table.rows && r < TABLE_ROWS_MAX && out->n < ANSWER_MAX; r++) {
        json_write_array(out);
        for (size_t i = 0; i < table.columns; i++)
            cell_write(out, &table.column[i], &table.cells[r * table.columns + i]);
        json_write_array_end(out);
    }
    json_write_array_end(out);
    json_put_u64(out, "rows_total", table.rows);
    json_put_u64(out, "lost", table.lost);
    return rc;
}

static enum rc table_write(const struct job *job, struct buf *out, struct err *err)
{
    static const char *const kinds[] = {"text", "count", "time"};
    enum rc rc = RC_OK;
    json_write_key(out, "table");
    json_write_object(out);
    json_write_key(out, "columns");
    json_write_array(out);
    for (size_t i = 0; i < job->columns; i++) {
        json_write_object(out);
        json_put_str(out, "name", job->column[i].name);
        json_put_text(out, "kind", kinds[job->column[i].kind]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_put_int(out, "step_ns", query_step(job->query));
    if (query_counts(job->query)) {
        rc = counted_rows(job, out, err);
    } else {
        json_write_key(out, "rows");
        json_write_raw(out, buf_view(&job->found));
        json_write_array_end(out);
    }
    json_write_object_end(out);
    return rc;
}

static enum rc answer_write(const struct job *job, bool done, struct buf *out, struct err *err)
{
    const struct search_result *result = search_result_of(job->search);
    enum rc rc = RC_OK;
    json_write_object(out);
    json_put_bool(out, "ok", true);
    json_write_key(out, "events");
    if (job->columns)
        json_write_array(out);
    else
        json_write_raw(out, buf_view(&job->found));
    json_write_array_end(out);
    if (job->columns)
        rc = table_write(job, out, err);
    json_put_u64(out, "matched", result->matched);
    json_put_u64(out, "scanned", result->scanned);
    json_put_bool(out, "complete", done && result->complete && !job->cut);
    json_put_u64(out, "next_before", done ? result->next_before : 0);
    json_put_u64(out, "next_skip", done ? result->next_skip : 0);
    json_put_int(out, "now_ns", job->now_ns);
    json_put_bool(out, "sorted", result->sorted);
    json_put_u64(out, "unsorted", result->unsorted);
    search_gone_write(out, result);
    json_put_bool(out, "stopped", done && job->stopped && !result->complete);
    json_put_u64(out, "permille",
                 job->stopped && !result->complete ? job->permille
                 : done                            ? 1000
                                                   : search_permille(job->search));
    if (!done) {
        char text[20];
        snprintf(text, sizeof text, "%016llx", (unsigned long long)job->token);
        json_put_text(out, "job", text);
    }
    histogram_write(out, result);
    json_write_key(out, "explain");
    search_explain_write(out, &result->explain);
    json_put_u64(out, "elapsed_ns", job->worked_ns);
    json_write_object_end(out);
    return rc;
}

static void job_stop(struct job *job)
{
    if (!job->stopped)
        job->permille = search_permille(job->search);
    job->stopped = true;
    search_stop(job->search);
}

enum rc query_jobs_ask(struct query_jobs *jobs, struct archive_reader *reader, const struct json_value *question,
                       struct buf *out, struct err *err)
{
    struct job *job = NULL;
    bool known = json_str(json_get(question, "job"), STR_NONE).n > 0;
    int64_t wait_ms = json_int(json_get(question, "wait_ms"), WAIT_MAX_MS);
    enum rc rc = known ? job_find(jobs, question, &job, err) : job_begin(jobs, reader, question, &job, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(job != NULL && job->used);
    if (json_bool(json_get(question, "stop"), false))
        job_stop(job);
    wait_ms = MAX(MIN(wait_ms, WAIT_MAX_MS), 1);
    enum rc worked = job_work(job, (uint64_t)wait_ms * 1000000, err);
    if (worked != RC_OK && worked != RC_AGAIN)
        rc = worked == RC_INVALID || worked == RC_NOT_FOUND ? RC_IO : worked;
    if (rc == RC_OK)
        rc = answer_write(job, worked == RC_OK, out, err);
    if (rc != RC_OK || worked == RC_OK)
        job_end(job);
    return rc;
}
