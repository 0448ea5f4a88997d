/* stages.c - how fast is each stage of the path of an event, in one process on one core, without network.
 *
 * usage: bench-stages KIND FILE DATA RULES SCRATCH
 * KIND is the kind of source the lines are taken for (tcp, import), FILE the lines, DATA the folder with mappings,
 * RULES a folder of Sigma rules, SCRATCH an empty folder for the archive; "-": only the stages up to `match`.
 *
 * `indicators` is what it costs more when lists of indicators are looked for in each event.
 *
 * Prints one line a stage, tab-separated: name, events, bytes, seconds, CPU seconds, remark. Every stage reads the same
 * lines from memory. `match` is what the same pass costs more when each event is also shown to the rules, `columns`
 * what it costs more when each record is also encoded as the archive keeps it. `receive` is frame and append in one
 * pass: everything that stands between a byte's arrival and its acknowledgement, but the channel between processes. */
#include "archive/block.h"
#include "archive/writer.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"
#include "bench/common.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/io.h"
#include "os/random.h"
#include "rule/indicator_match.h"
#include "rule/rule.h"
#include "wire/limits.h"
#include "wire/syslog_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX     (UINT64_C(8) << 30)
#define RULES_BYTES  (UINT64_C(1) << 30)
#define READ_BYTES   65536u /* what one read of a socket gives */
#define BATCH        1024u  /* records handed on at once */
#define BATCH_BYTES  (64u << 20)
#define MATCHES_MAX  64u
#define COMMIT_BYTES (1u << 20) /* as the keeper groups */
#define PATH_BYTES   4096
#define TABLE_BYTES  (1u << 20) /* of data/indicators.tsv */
#define INDICATORS   1000000u

struct bench {
    const char *kind;
    const char *file;
    const char *data;
    const char *rules_path;
    const char *scratch;
    struct str input;
    struct str *lines;
    size_t line_count;
    struct arena *arena; /* of the whole run */
    struct arena *batch;
    struct names *names;
    struct mapping *mapping;
    struct rules *rules;
    struct rule_set *set;
    struct matcher *matcher;       /* NULL while it is not measured */
    struct block_builder *builder; /* the same */
    struct indicator_matcher *indicators;
    struct buf blocks;
    uint64_t encoded;
    uint64_t events;
    uint64_t matches;
    uint64_t not_understood;
    int64_t started_ns;
    uint64_t started_cpu_ns;
};

static void stage_begin(struct bench *bench)
{
    bench->started_cpu_ns = clock_cpu_ns();
    bench->started_ns = clock_real_ns();
}

static double stage_end(struct bench *bench, const char *name, uint64_t events, double less_s, const char *remark)
{
    double wall_s = (double)(clock_real_ns() - bench->started_ns) / 1e9 - less_s;
    double cpu_s = (double)(clock_cpu_ns() - bench->started_cpu_ns) / 1e9 - less_s;
    printf("%s\t%" PRIu64 "\t%zu\t%.6f\t%.6f\t%s\n", name, events, bench->input.n, wall_s, cpu_s, remark);
    fflush(stdout);
    return cpu_s;
}

/* A stage that waits for nothing, by CPU time. */
static void stage_say(const struct bench *bench, const char *name, uint64_t events, double cpu_s, const char *remark)
{
    printf("%s\t%" PRIu64 "\t%zu\t%.6f\t%.6f\t%s\n", name, events, bench->input.n, cpu_s, cpu_s, remark);
    fflush(stdout);
}

/* Also finds the lines for the stages that follow. */
static void measure_frame(struct bench *bench)
{
    struct syslog_stream stream;
    struct syslog_frame frame;
    uint64_t count = 0;
    syslog_stream_init(&stream, WIRE_FRAME_MAX);
    stage_begin(bench);
    for (size_t at = 0; at < bench->input.n; at += READ_BYTES) {
        struct str part = str_slice(bench->input, at, at + READ_BYTES);
        while (syslog_stream_next(&stream, &part, &frame))
            count++;
    }
    if (syslog_stream_end(&stream, &frame))
        count++;
    stage_end(bench, "frame", count, 0, "");
    syslog_stream_done(&stream);

    bench->lines = memory_new((size_t)count * sizeof(*bench->lines) + 1);
    if (bench->lines == NULL) {
        fprintf(stderr, "bench-stages: no memory for %" PRIu64 " lines\n", count);
        exit(1);
    }
    for (struct str rest = bench->input; rest.p != NULL && bench->line_count < count;) {
        struct str line = str_cut(&rest, '\n');
        if (line.n > 0)
            bench->lines[bench->line_count++] = line;
    }
}

static void block_finish(struct bench *bench)
{
    struct err err;
    enum rc rc = block_builder_finish(bench->builder, &bench->blocks, &err);
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        bench_die("block", &err);
    if (rc == RC_OK) {
        struct block_info info;
        struct block_trailer trailer;
        if (block_info_read(buf_view(&bench->blocks), &info, &err) != RC_OK ||
            block_trailer_read(buf_view(&bench->blocks), &info, &trailer, &err) != RC_OK)
            bench_die("block", &err);
        bench->encoded += info.size + trailer.delta.n;
    }
    buf_clear(&bench->blocks);
}

static void block_take(struct bench *bench, const struct event *event)
{
    struct leaf leaf = {.type = LEAF_RAW, .index = event->record, .received_ns = event->received_ns, .source = {1}};
    leaf.epoch = 1;
    leaf.sequence = event->record + 1;
    leaf.raw_length = (uint32_t)event->raw.n;
    if (block_builder_add(bench->builder, &leaf, event->raw, event, NULL, 0) == RC_OK)
        return;
    block_finish(bench);
    IGNORE(block_builder_add(bench->builder, &leaf, event->raw, event, NULL, 0)); /* an empty block takes any record */
}

static void take_event(void *context, const struct event *event)
{
    struct bench *bench = context;
    bench->events++;
    if (bench->builder != NULL && (event->flags & EVENT_ARCHIVE) != 0)
        block_take(bench, event);
    bench->not_understood += (event->flags & EVENT_UNDERSTOOD) == 0;
    if (bench->indicators != NULL && (event->flags & EVENT_MATCH) != 0)
        bench->matches += indicator_matcher_event(bench->indicators, event) != event;
    if (bench->matcher == NULL || (event->flags & EVENT_MATCH) == 0)
        return;
    struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    if (matcher_event(bench->matcher, event, matches, MATCHES_MAX, &count) == RC_OK)
        bench->matches += count;
}

static void normalise_all(struct bench *bench)
{
    struct normaliser *normaliser = normaliser_new(bench->mapping, bench->names);
    struct event_source source = {.id = {1}, .kind = str_of(bench->kind), .name = STR("127.0.0.1")};
    bench->events = 0;
    bench->matches = 0;
    bench->not_understood = 0;
    for (size_t i = 0; i < bench->line_count; i++) {
        if (i % BATCH == 0)
            arena_reset(bench->batch);
        normaliser_record(normaliser, &source, i, bench->started_ns, bench->lines[i], bench->batch, take_event, bench);
    }
    normaliser_flush(normaliser, INT64_MAX, bench->batch, take_event, bench);
    normaliser_free(normaliser);
}

static double pass_cpu_s(struct bench *bench)
{
    uint64_t begin_ns = clock_cpu_ns();
    normalise_all(bench);
    return (double)(clock_cpu_ns() - begin_ns) / 1e9;
}

static double measure_normalise(struct bench *bench)
{
    char remark[128];
    normalise_all(bench); /* once to warm up */
    stage_begin(bench);
    normalise_all(bench);
    snprintf(remark, sizeof(remark), "%" PRIu64 " not understood", bench->not_understood);
    return stage_end(bench, "parse and normalise", bench->events, 0, remark);
}

static void measure_compile(struct bench *bench)
{
    struct err err;
    char remark[128];
    stage_begin(bench);
    bench->rules = rules_new(RULES_BYTES);
    bench_rules_read(bench->rules, bench->rules_path, bench->arena);
    if (rules_finish(bench->rules, &err) != RC_OK ||
        rule_set_compile(bench->rules, bench->names, &bench->set, &err) != RC_OK)
        bench_die("rules", &err);
    snprintf(remark, sizeof(remark), "%zu rules loaded of %zu", rules_count(bench->rules),
             rules_outcome_count(bench->rules));
    stage_end(bench, "compile the rules", rules_count(bench->rules), 0, remark);
}

static void measure_match(struct bench *bench, double normalise_cpu_s)
{
    char remark[128];
    bench->matcher = matcher_new(bench->set);
    stage_begin(bench);
    normalise_all(bench);
    snprintf(remark, sizeof(remark), "%zu rules, %" PRIu64 " matches", rules_count(bench->rules), bench->matches);
    stage_end(bench, "match", bench->events, normalise_cpu_s, remark);
    matcher_free(bench->matcher);
    bench->matcher = NULL;
}

/* A quarter each of addresses, domains (every second with its subdomains), hashes and URLs; and a few networks. */
static void indicators_make(struct indicators *indicators, uint32_t count)
{
    static const struct indicator_about about = {.confidence = -1, .note = STR_INIT("invented")};
    struct err err;
    if (indicators_list(indicators, STR("bench"), &err) != RC_OK)
        bench_die("indicators", &err);
    for (uint32_t i = 0; i < count; i++) {
        struct indicator_key key;
        char text[128];
        if (i % 1000 == 0)
            snprintf(text, sizeof text, "203.%u.%u.0/%u", i / 1000 % 256, i / 1000 * 7 % 256, 20 + i / 1000 % 5);
        else if (i % 4 == 0)
            snprintf(text, sizeof text, "%u.%u.%u.%u", 11 + i % 100, i >> 16 & 255, i >> 8 & 255, i & 255);
        else if (i % 4 == 1)
            snprintf(text, sizeof text, "%shost%u.bad%u.example", i % 8 == 1 ? "*." : "", i, i % 5000);
        else if (i % 4 == 2)
            snprintf(text, sizeof text, "%064x", i * 2654435761u);
        else
            snprintf(text, sizeof text, "http://host%u.example/path/%u/file.exe", i, i);
        if (indicator_guess_key(str_of(text), &key) != NULL ||
            indicators_add(indicators, 1, &key, &about, &err) != RC_OK)
            bench_die("indicators", &err);
    }
    indicators_finish(indicators);
}

/* Against the better of two passes without, one before and one behind it. */
static void measure_indicators(struct bench *bench, uint32_t count)
{
    char path[PATH_BYTES];
    char remark[128];
    struct str table;
    struct indicator_fields *fields;
    struct err err;
    struct indicators *indicators = indicators_new(1);
    snprintf(path, sizeof path, "%s/indicators.tsv", bench->data);
    if (indicators == NULL || file_load_path(path, TABLE_BYTES, bench->arena, &table, &err) != RC_OK ||
        indicator_fields_load(table, &fields, &err) != RC_OK)
        bench_die("indicators", &err);
    indicators_make(indicators, count);
    struct indicator_matcher *matcher = indicator_matcher_new(indicators, fields, bench->names);
    double before_s = pass_cpu_s(bench);
    bench->indicators = matcher;
    double first_s = pass_cpu_s(bench);
    double second_s = pass_cpu_s(bench);
    uint64_t held = bench->matches;
    bench->indicators = NULL;
    double behind_s = pass_cpu_s(bench);
    double cost_s = MIN(first_s, second_s) - MIN(before_s, behind_s);
    snprintf(remark, sizeof remark, "%zu indicators, %.1f MiB, %" PRIu64 " events hold one",
             indicators_count(indicators), (double)indicators_memory(indicators) / (1 << 20), held);
    stage_say(bench, count > 1 ? "indicators" : "indicators, one in the list", bench->events, cost_s, remark);
    indicator_matcher_free(matcher);
    indicator_fields_free(fields);
    indicators_free(indicators);
}

static void measure_columns(struct bench *bench, double normalise_cpu_s)
{
    static const uint64_t key[2] = {832, 52};
    char remark[128];
    bench->builder = block_builder_new(bench->names, key);
    buf_init(&bench->blocks, BLOCK_SIZE_MAX);
    stage_begin(bench);
    normalise_all(bench);
    block_finish(bench);
    snprintf(remark, sizeof(remark), "%.1f times smaller, filters and fields included",
             (double)bench->input.n / (double)(bench->encoded + 1));
    stage_end(bench, "columns", bench->events, normalise_cpu_s, remark);
    buf_done(&bench->blocks);
    block_builder_free(bench->builder);
    bench->builder = NULL;
}

struct appending {
    struct archive *archive;
    struct archive_record *records;
    size_t count; /* filled of BATCH */
    size_t bytes; /* appended and not yet durable */
    uint64_t sequence;
};

static void append_flush(struct appending *a, bool last)
{
    struct archive_appended appended;
    struct err err;
    uint64_t durable = 0;
    if (a->count > 0 && archive_append(a->archive, a->records, a->count, &appended, &err) != RC_OK)
        bench_die("append", &err);
    for (size_t i = 0; i < a->count; i++)
        a->bytes += a->records[i].raw.n;
    a->count = 0;
    if (a->bytes < COMMIT_BYTES && !last)
        return;
    if (archive_commit(a->archive, &durable, &err) != RC_OK)
        bench_die("commit", &err);
    a->bytes = 0;
}

static void append_line(struct appending *a, struct str line)
{
    a->records[a->count].sequence = ++a->sequence;
    a->records[a->count++].raw = line;
    if (a->count == BATCH)
        append_flush(a, false);
}

static void appending_open(struct bench *bench, const char *name, struct appending *ret)
{
    struct archive_options options = {
        .site = "bench.example", .now_ns = clock_real_ns(), .now_boot_ns = clock_boot_ns()};
    struct event_source source = {.id = {1}, .kind = str_of(bench->kind), .name = STR("127.0.0.1")};
    struct archive_recovered recovered;
    struct err err;
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", bench->scratch, name);
    int folder = mkdir(path, 0700) == 0 ? io_open_folder(path) : -1;
    *ret = (struct appending){.records = memory_new(BATCH * sizeof(*ret->records))};
    random_bytes(options.new_uuid, sizeof(options.new_uuid));
    if (folder < 0 || ret->records == NULL) {
        fprintf(stderr, "bench-stages: could not open folder \"%s\"\n", path);
        exit(1);
    }
    if (archive_open(&io_kernel, folder, &options, &ret->archive, &recovered, &err) != RC_OK ||
        archive_source(ret->archive, &source, options.now_ns, options.now_boot_ns, &err) != RC_OK)
        bench_die("archive", &err);
    for (size_t i = 0; i < BATCH; i++)
        ret->records[i] = (struct archive_record){.type = LEAF_RAW,
                                                  .source = {1},
                                                  .epoch = 1,
                                                  .received_ns = options.now_ns,
                                                  .received_boot_ns = options.now_boot_ns,
                                                  .time_ns = options.now_ns};
}

static void appending_close(struct appending *a)
{
    archive_close(a->archive);
    memory_free(a->records);
}

static void measure_append(struct bench *bench)
{
    struct appending a;
    appending_open(bench, "append", &a);
    stage_begin(bench);
    for (size_t i = 0; i < bench->line_count; i++)
        append_line(&a, bench->lines[i]);
    append_flush(&a, true);
    stage_end(bench, "append, tree, durable", bench->line_count, 0, "fdatasync every MiB; by the wall clock");
    appending_close(&a);
}

/* What intake and keeper do for a line, in one pass of one process: the frame is found and goes into log and tree, and
 * the sync follows. A frame that spans two reads lies in the stream's memory until the next call: it ends its batch. */
static void measure_receive(struct bench *bench)
{
    struct appending a;
    struct syslog_stream stream;
    struct syslog_frame frame;
    appending_open(bench, "receive", &a);
    syslog_stream_init(&stream, WIRE_FRAME_MAX);
    stage_begin(bench);
    for (size_t at = 0; at < bench->input.n; at += READ_BYTES) {
        struct str part = str_slice(bench->input, at, at + READ_BYTES);
        while (syslog_stream_next(&stream, &part, &frame)) {
            append_line(&a, frame.bytes);
            if (frame.bytes.p == stream.held.p)
                append_flush(&a, false);
        }
    }
    if (syslog_stream_end(&stream, &frame))
        append_line(&a, frame.bytes);
    append_flush(&a, true);
    stage_end(bench, "receive: frame, append, tree, durable", a.sequence, 0,
              "one pass, fdatasync every MiB; by the wall clock");
    syslog_stream_done(&stream);
    appending_close(&a);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct err err;
    if (argc != 6) {
        fprintf(stderr, "usage: bench-stages KIND FILE DATA RULES SCRATCH\n");
        return 2;
    }
    bench.kind = argv[1];
    bench.file = argv[2];
    bench.data = argv[3];
    bench.rules_path = argv[4];
    bench.scratch = argv[5];
    bench.arena = arena_new(FILE_MAX);
    bench.batch = arena_new(BATCH_BYTES);
    bench.names = names_new(1);
    if (bench.arena == NULL || bench.batch == NULL || bench.names == NULL) {
        fprintf(stderr, "bench-stages: out of memory\n");
        return 1;
    }
    if (file_load_path(bench.file, FILE_MAX, bench.arena, &bench.input, &err) != RC_OK)
        bench_die("input", &err);
    if (mapping_load(bench.data, bench.names, &bench.mapping, &err) != RC_OK)
        bench_die("mapping", &err);
    measure_frame(&bench);
    double normalise_cpu_s = measure_normalise(&bench);
    measure_compile(&bench);
    measure_match(&bench, normalise_cpu_s);
    if (str_is(str_of(bench.scratch), "-"))
        return 0;
    measure_indicators(&bench, 1);
    measure_indicators(&bench, INDICATORS);
    measure_columns(&bench, normalise_cpu_s);
    measure_append(&bench);
    measure_receive(&bench);
    return 0;
}
