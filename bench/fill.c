/* fill.c - makes a large archive offline, in one process: append, parse, match, encode, seal. For measuring searches.
 *
 * usage: bench-fill KIND FILE DATA RULES FOLDER
 * KIND is the kind of source the lines are taken for, FILE the lines ("-": standard input, so that ten gigabytes need
 * no room of their own), DATA the folder with mappings, RULES a folder of Sigma rules, FOLDER the data folder that is
 * made: it then serves `qorgan search --data` and `qorgan verify --data`.
 * Receive times are those of 2026-11-20 and go on by a millisecond a record.
 *
 * Prints one line a stage, tab-separated: name, records, raw bytes, CPU seconds; last the bytes of the segments.
 * The work is the service's own: records go to log and tree, are read back from the log as an engine reads them, and
 * blocks are handed to the keeper's part, but for the channels between the processes and the desk. */
#include "archive/block.h"
#include "archive/writer.h"
#include "base/buf.h"
#include "base/macros.h"
#include "bench/common.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/io.h"
#include "os/random.h"
#include "tlog/checkpoint.h"
#include "tlog/key.h"
#include "wal/wal_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_NS     INT64_C(1795132800000000000) /* 2026-11-20T00:00:00Z */
#define CHUNK_BYTES  ((size_t)4 << 20)
#define BATCH        4096u
#define ARENA_BYTES  ((size_t)64 << 20)
#define RULES_BYTES  (UINT64_C(1) << 30)
#define MATCHES_MAX  64u
#define COMMIT_BYTES ((size_t)1 << 20)

enum stage { STAGE_APPEND, STAGE_ENGINE, STAGE_ENCODE, STAGE_KEEP, STAGE_SEAL, STAGE_COUNT };
static const char *const stage_names[] = {"append, tree, durable", "read, parse, match, gather", "encode blocks",
                                          "take blocks", "seal"};
_Static_assert(ARRAY_LEN(stage_names) == STAGE_COUNT, "a name a stage");

struct fill {
    const char *folder;
    struct event_source source;
    struct archive *archive;
    struct archive_record *records;
    size_t pending; /* of BATCH */
    size_t pending_bytes;
    uint64_t sequence;
    uint64_t bytes;
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct matcher *matcher;
    struct block_builder *builder;
    struct buf block;
    struct arena *arena;
    struct wal_reader *log;
    size_t log_count; /* files given to the reader since the last was released */
    uint64_t log_first;
    uint64_t file; /* first record of the log file at work */
    uint64_t cpu_ns[STAGE_COUNT];
    uint64_t matches;
    /* of the record at work */
    struct event event;
    struct event_field fields[EVENT_FIELDS_MAX];
    bool has_event;
    struct str hits[MATCHES_MAX];
    size_t hit_count;
};

static uint64_t stage_done(struct fill *fill, enum stage stage, uint64_t begun)
{
    uint64_t now = clock_cpu_ns();
    fill->cpu_ns[stage] += now - begun;
    return now;
}

/* ---- the engine's part ---- */

static void block_finish(struct fill *fill)
{
    struct err err;
    if (block_builder_count(fill->builder) == 0)
        return;
    uint64_t begun = clock_cpu_ns();
    enum rc rc = block_builder_finish(fill->builder, &fill->block, &err);
    begun = stage_done(fill, STAGE_ENCODE, begun);
    if (rc == RC_OK)
        rc = archive_block(fill->archive, 0, buf_view(&fill->block), &err);
    if (rc != RC_OK)
        bench_die("block", &err);
    stage_done(fill, STAGE_KEEP, begun);
    buf_clear(&fill->block);
}

static void on_event(void *context, const struct event *event)
{
    struct fill *fill = context;
    if ((event->flags & EVENT_ARCHIVE) != 0) {
        fill->event = *event;
        memcpy(fill->fields, event->fields, event->field_count * sizeof fill->fields[0]);
        fill->event.fields = fill->fields;
        fill->has_event = true;
    }
    struct rule_match found[MATCHES_MAX];
    size_t count = 0;
    if ((event->flags & EVENT_MATCH) == 0 || matcher_event(fill->matcher, event, found, MATCHES_MAX, &count) != RC_OK)
        return;
    for (size_t i = 0; i < MIN(count, (size_t)MATCHES_MAX) && fill->hit_count < MATCHES_MAX; i++)
        fill->hits[fill->hit_count++] = found[i].rule->id;
    fill->matches += count;
}

static void record_work(struct fill *fill, const struct leaf *leaf, struct str raw)
{
    fill->has_event = false;
    fill->hit_count = 0;
    arena_reset(fill->arena);
    if (leaf->type == LEAF_RAW || leaf->type == LEAF_DIGEST)
        normaliser_record(fill->normaliser, &fill->source, leaf->index, leaf->received_ns, raw, fill->arena, on_event,
                          fill);
    const struct event *event = fill->has_event ? &fill->event : NULL;
    if (block_builder_add(fill->builder, leaf, raw, event, fill->hits, fill->hit_count) == RC_OK)
        return;
    block_finish(fill);
    IGNORE(
        block_builder_add(fill->builder, leaf, raw, event, fill->hits, fill->hit_count)); /* an empty one takes any */
}

static void frame_work(struct fill *fill, const struct wal_frame *frame)
{
    struct reader in = reader_of(frame->payload);
    struct err err;
    if (frame->file_first != fill->file) {
        uint64_t key[2] = {random_u64(), random_u64()};
        block_finish(fill);
        block_builder_segment(fill->builder, key);
        fill->file = frame->file_first;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        if (record_read(&in, NULL, &leaf, &bytes, &raw, &err) != RC_OK)
            bench_die("log", &err);
        record_work(fill, &leaf, raw);
    }
}

static void engine_work(struct fill *fill, uint64_t durable)
{
    struct wal_frame frame;
    struct err err;
    for (size_t i = 0; i < archive_log_count(fill->archive); i++) {
        struct archive_log log = archive_log_at(fill->archive, i);
        if (fill->log_count > 0 && log.first <= fill->log_first)
            continue;
        if (wal_reader_add(fill->log, dup(log.fd), &err) != RC_OK)
            bench_die("log", &err);
        fill->log_first = log.first;
        fill->log_count++;
    }
    uint64_t begun = clock_cpu_ns();
    uint64_t apart = fill->cpu_ns[STAGE_ENCODE] + fill->cpu_ns[STAGE_KEEP];
    while (wal_reader_next(fill->log, durable, &frame, &err) == RC_OK)
        frame_work(fill, &frame);
    stage_done(fill, STAGE_ENGINE, begun + (fill->cpu_ns[STAGE_ENCODE] + fill->cpu_ns[STAGE_KEEP] - apart));
}

/* ---- the keeper's part ---- */

static void on_release(void *context, const char *name)
{
    const struct fill *fill = context;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/archive/wal/%s", fill->folder, name);
    if (n < 0 || n >= (int)sizeof path || unlink(path) != 0)
        fprintf(stderr, "bench-fill: could not remove log file \"%s\"\n", name);
}

static void seal(struct fill *fill)
{
    struct err err;
    uint64_t begun = clock_cpu_ns();
    enum rc rc = RC_OK;
    while (rc == RC_OK || rc == RC_AGAIN)
        rc = archive_seal_step(fill->archive, on_release, fill, &err);
    if (rc != RC_NOT_FOUND)
        bench_die("seal", &err);
    stage_done(fill, STAGE_SEAL, begun);
}

static void append_flush(struct fill *fill)
{
    struct archive_appended appended;
    struct err err;
    uint64_t durable = 0;
    uint64_t begun = clock_cpu_ns();
    if (fill->pending > 0 && archive_append(fill->archive, fill->records, fill->pending, &appended, &err) != RC_OK)
        bench_die("append", &err);
    if (archive_commit(fill->archive, &durable, &err) != RC_OK)
        bench_die("commit", &err);
    fill->bytes += fill->pending_bytes;
    fill->pending = 0;
    fill->pending_bytes = 0;
    stage_done(fill, STAGE_APPEND, begun);
    engine_work(fill, durable);
    seal(fill);
}

static void line_take(struct fill *fill, struct str line)
{
    if (line.n == 0)
        return;
    int64_t at = START_NS + (int64_t)fill->sequence * 1000000;
    fill->records[fill->pending++] = (struct archive_record){.type = LEAF_RAW,
                                                             .source = {1},
                                                             .epoch = 1,
                                                             .sequence = ++fill->sequence,
                                                             .received_ns = at,
                                                             .received_boot_ns = (uint64_t)(at - START_NS),
                                                             .time_ns = at,
                                                             .raw = line};
    fill->pending_bytes += line.n;
    if (fill->pending == BATCH || fill->pending_bytes >= COMMIT_BYTES)
        append_flush(fill);
}

static void lines_take(struct fill *fill, FILE *file)
{
    char *chunk = memory_new(CHUNK_BYTES);
    size_t held = 0;
    if (chunk == NULL)
        bench_die("lines", &(struct err){.text = "no memory"});
    for (;;) {
        size_t got = fread(chunk + held, 1, CHUNK_BYTES - held, file);
        struct str rest = str_at(chunk, held + got);
        while (str_find(rest, '\n') < rest.n)
            line_take(fill, str_cut(&rest, '\n'));
        if (got == 0 || rest.n == CHUNK_BYTES) {
            line_take(fill, rest);
            rest.n = 0;
        }
        append_flush(fill); /* the lines lie in the chunk */
        held = rest.n;
        memmove(chunk, rest.p, held);
        if (got == 0)
            break;
    }
    memory_free(chunk);
}

/* Without a checkpoint `qorgan verify` would have nothing to compare with. */
static void checkpoint(struct fill *fill)
{
    struct tlog_head head = {.size = archive_durable(fill->archive)};
    struct str origin = str_of(archive_origin(fill->archive));
    struct signing_key *key = NULL;
    static const uint8_t seed[32] = {42};
    struct buf note;
    struct err err;
    buf_init(&note, NOTE_SIZE_MAX);
    enum rc rc = signing_key_from_seed(origin, NOTE_ED25519, seed, &key, &err);
    rc = rc == RC_OK ? archive_root(fill->archive, head.size, &head.root, &err) : rc;
    rc = rc == RC_OK ? checkpoint_sign(key, origin, &head, &note, &err) : rc;
    rc = rc == RC_OK ? archive_checkpoint_store(fill->archive, buf_view(&note), true, &err) : rc;
    if (rc != RC_OK)
        bench_die("checkpoint", &err);
    signing_key_free(key);
    buf_done(&note);
}

static void archive_make(struct fill *fill)
{
    struct archive_options options = {.site = "bench.example", .now_ns = START_NS, .now_boot_ns = 1};
    struct archive_recovered recovered;
    struct err err;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/archive", fill->folder);
    IGNORE(mkdir(fill->folder, 0700) != 0); /* may be there; the next call tells */
    int folder = n > 0 && n < (int)sizeof path && mkdir(path, 0700) == 0 ? io_open_folder(path) : -1;
    if (folder < 0)
        bench_die(fill->folder, &(struct err){.text = "could not make the folder \"archive\" in it"});
    random_bytes(options.new_uuid, sizeof options.new_uuid);
    if (archive_open(&io_kernel, folder, &options, &fill->archive, &recovered, &err) != RC_OK ||
        archive_source(fill->archive, &fill->source, START_NS, 1, &err) != RC_OK)
        bench_die("archive", &err);
}

static void fill_init(struct fill *fill, const char *data, const char *rules_path)
{
    const uint64_t key[2] = {random_u64(), random_u64()};
    struct arena *kept = arena_new(RULES_BYTES); /* rules live as long as the program */
    struct rules *rules = rules_new(RULES_BYTES);
    struct rule_set *set = NULL;
    struct err err = {.text = "no memory"};
    fill->names = names_new(1);
    fill->arena = arena_new(ARENA_BYTES);
    fill->records = memory_new(BATCH * sizeof fill->records[0]);
    if (kept == NULL || rules == NULL || fill->names == NULL || fill->arena == NULL || fill->records == NULL)
        bench_die("start", &err);
    bench_rules_read(rules, rules_path, kept);
    if (mapping_load(data, fill->names, &fill->mapping, &err) != RC_OK || rules_finish(rules, &err) != RC_OK ||
        rule_set_compile(rules, fill->names, &set, &err) != RC_OK)
        bench_die("start", &err);
    fill->matcher = matcher_new(set);
    fill->normaliser = normaliser_new(fill->mapping, fill->names);
    fill->builder = block_builder_new(fill->names, key);
    buf_init(&fill->block, 2 * BLOCK_SIZE_MAX);
    archive_make(fill);
    fill->log = wal_reader_new(&io_kernel, archive_uuid(fill->archive), 0);
    if (fill->matcher == NULL || fill->normaliser == NULL || fill->builder == NULL || fill->log == NULL)
        bench_die("start", &(struct err){.text = "no memory"});
}

int main(int argc, char **argv)
{
    static struct fill fill;
    struct err err;
    if (argc != 6) {
        fprintf(stderr, "usage: bench-fill KIND FILE DATA RULES FOLDER\n");
        return 2;
    }
    FILE *file = strcmp(argv[2], "-") == 0 ? stdin : fopen(argv[2], "rbe");
    if (file == NULL)
        bench_die(argv[2], &(struct err){.text = "could not open it"});
    fill.folder = argv[5];
    fill.source = (struct event_source){.id = {1}, .kind = str_of(argv[1]), .name = STR("127.0.0.1")};
    fill_init(&fill, argv[3], argv[4]);
    lines_take(&fill, file);
    if (archive_rotate(fill.archive, &err) != RC_OK)
        bench_die("rotate", &err);
    append_flush(&fill);
    block_finish(&fill);
    seal(&fill);
    checkpoint(&fill);
    struct archive_totals totals = archive_totals(fill.archive);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%.6f\n", stage_names[i], fill.sequence, fill.bytes,
               (double)fill.cpu_ns[i] / 1e9);
    printf("segments\t%" PRIu64 "\t%" PRIu64 "\t0\n", totals.segments, totals.bytes_stored);
    printf("sealed\t%" PRIu64 "\t%" PRIu64 "\t0\n", archive_sealed(fill.archive), totals.bytes_raw);
    printf("matches\t%" PRIu64 "\t0\t0\n", fill.matches);
    archive_close(fill.archive);
    return 0;
}
