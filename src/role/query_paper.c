#include "role/query_paper.h"

#include "archive/export_class.h"
#include "archive/export_line.h"
#include "archive/papers.h"
#include "archive/search.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "msg/batch.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "paper/export_proof.h"
#include "paper/seal.h"
#include "role/query_job.h"

#include <stdio.h>
#include <string.h>

#define TABLES_MEMORY   ((size_t)4 << 20)
#define PAPER_MEMORY    ((size_t)4 << 20)
#define FILE_MEMORY     (2 * PAPER_PART_MAX)
#define WAIT_MAX_MS     8000
#define RECORD_AGAIN_NS UINT64_C(15000000000) /* the desk's record is asked for again */
#define LOOK_NS         UINT64_C(1000000000)  /* between two looks for the record */
#define IDLE_NS         UINT64_C(60000000000) /* a paper that nobody asked about gives way to another's */
#define NAME_MAX_BYTES  160
#define WHO_MAX         128
#define TRAILER         45 /* record 8, leaf hash 32, line 4, class 1 */
#define WRITES_A_LOOK   32 /* lines written between looks at the clock */
#define CLOCK_SLACK_NS  INT64_C(3600000000000)

enum state { WORKING, MADE, READY, FAILED };

/* The files of a source class. */
struct growth {
    size_t parts;
    size_t file; /* the one that grows, plus 1 */
};

struct file {
    char name[NAME_MAX_BYTES];
    struct buf body;  /* lines, or the certificate with its seal */
    struct buf proof; /* of an export, with its seal */
    struct export_proof rows;
    struct tlog_hash hash; /* of what the seal stands behind */
    uint64_t record;       /* of the desk, that names the file; UINT64_MAX: not found yet */
    bool sealed;
};

struct making {
    bool used;
    bool export;
    enum state state;
    const char *error; /* key, of FAILED */
    struct err err;
    uint64_t token;
    uint64_t asked_ns;
    uint64_t record_ns; /* when the desk's record was asked for */
    uint64_t looked_ns; /* when it was looked for */
    int64_t begun_ns;
    char who[WHO_MAX];
    struct search_result found; /* of an export's search, once it has ended */
    struct arena *arena;

    struct papers_count *count; /* of a certificate */
    struct str about;

    struct export_choice choice; /* its form's zone and language are a certificate's too */
    struct str query;            /* of an export, with its range */
    int64_t from_ns;
    int64_t to_ns;
    struct query *filter;
    struct search *search;
    struct buf spool; /* newest first: line, trailer */
    bool searched;
    struct str note; /* the checkpoint of all proofs */
    size_t spool_left;
    struct tlog_hasher *hasher;
    struct tlog_source tree;
    uint64_t tree_size;
    struct growth growth[EXPORT_CLASSES_MAX]; /* of the classes of `choice` */

    size_t file_count;
    struct file *file[PAPER_FILES_MAX];
};

struct query_papers {
    struct arena *arena;
    struct str columns;
    struct export_classes classes;
    int32_t zone_s;
    struct making paper[PAPERS_MAX];
};

enum rc query_papers_new(const struct query_papers_options *options, struct query_papers **ret_papers, struct err *err)
{
    struct query_papers *papers = memory_new(sizeof *papers);
    char path[4096];
    struct str tsv;
    if (!papers)
        return err_set(err, RC_LIMIT, "no memory");
    papers->zone_s = options->zone_s;
    papers->arena = arena_new(TABLES_MEMORY);
    ASSERT(papers->arena != NULL);
    snprintf(path, sizeof path, "%s/exports.tsv", options->data);
    enum rc rc = file_load_path(path, TABLES_MEMORY / 4, papers->arena, &papers->columns, err);
    snprintf(path, sizeof path, "%s/export_classes.tsv", options->data);
    rc = rc == RC_OK ? file_load_path(path, TABLES_MEMORY / 4, papers->arena, &tsv, err) : rc;
    rc = rc == RC_OK ? export_classes_read(&papers->classes, tsv, err) : rc;
    *ret_papers = papers;
    return rc;
}

/* What only the making needs. */
static void work_done(struct making *paper)
{
    papers_count_free(paper->count);
    if (paper->search)
        paper->found = *search_result_of(paper->search);
    search_close(paper->search);
    tlog_hasher_free(paper->hasher);
    buf_done(&paper->spool);
    paper->count = NULL;
    paper->search = NULL;
    paper->hasher = NULL;
}

static void paper_end(struct making *paper)
{
    work_done(paper);
    for (size_t i = 0; i < paper->file_count; i++) {
        buf_done(&paper->file[i]->body);
        buf_done(&paper->file[i]->proof);
        export_proof_done(&paper->file[i]->rows);
    }
    arena_free(paper->arena);
    *paper = (struct making){.used = false};
}

/* Those that are made need the reader no more than for a look. */
void query_papers_drop(struct query_papers *papers)
{
    for (size_t i = 0; i < PAPERS_MAX; i++)
        if (papers->paper[i].used && papers->paper[i].state == WORKING)
            paper_end(&papers->paper[i]);
}

void query_papers_tick(struct query_papers *papers, uint64_t boot_ns)
{
    for (size_t i = 0; i < PAPERS_MAX; i++)
        if (papers->paper[i].used && boot_ns - papers->paper[i].asked_ns > PAPER_IDLE_NS)
            paper_end(&papers->paper[i]);
}

static enum rc failed(struct making *paper, const char *key, enum rc rc)
{
    work_done(paper);
    paper->state = FAILED;
    paper->error = key;
    return rc;
}

/* ---- files ---- */

/* NULL when there are too many: RC_LIMIT. */
static struct file *file_add(struct making *paper, struct str name, struct err *err)
{
    struct file *file = paper->file_count < PAPER_FILES_MAX ? arena_alloc(paper->arena, sizeof *file) : NULL;
    if (!file || !str_copy_z(name, file->name, sizeof file->name)) {
        IGNORE(err_set(err, RC_LIMIT, "more than %d files", PAPER_FILES_MAX)); /* NULL says it */
        return NULL;
    }
    file->record = UINT64_MAX;
    buf_init(&file->body, FILE_MEMORY);
    buf_init(&file->proof, FILE_MEMORY);
    paper->file[paper->file_count++] = file;
    return file;
}

/* What the seal will stand behind is there. */
static void file_hash(struct file *file, bool export, struct tlog_hasher *hasher)
{
    tlog_hash_bytes(hasher, buf_view(export ? &file->proof : &file->body), &file->hash);
}

/* ---- certificates ---- */

static enum rc certificate_begin(struct making *paper, struct archive_reader *reader, const struct json_value *question,
                                 struct err *err)
{
    struct event_source source;
    struct str name = json_str(json_get(question, "source"), STR_NONE);
    struct papers_day day = {.source = &source,
                             .day = json_str(json_get(question, "day"), STR_NONE),
                             .form = {paper->choice.language, paper->choice.form.zone_s}};
    int64_t times[2];
    enum rc rc = certificate_day(day.day, 0, &times[0], &times[1], err);
    if (rc != RC_OK)
        return failed(paper, "paper_day", rc);
    rc = papers_source(reader, json_str(json_get(question, "kind"), STR_NONE), name, &source, err);
    if (rc != RC_OK)
        return failed(paper, "paper_source", rc);
    struct buf about;
    char *room = arena_alloc_raw(paper->arena, NAME_MAX_BYTES);
    if (!room)
        return failed(paper, "paper_failed", err_set(err, RC_LIMIT, "no memory"));
    buf_init_fixed(&about, room, NAME_MAX_BYTES);
    buf_text(&about, "certificate-");
    export_name_put(&about, name);
    buf_format(&about, "-%.10s.txt", day.day.p);
    paper->about = buf_view(&about);
    rc = papers_count_new(reader, &day, &paper->count, err);
    return rc == RC_OK ? rc : failed(paper, rc == RC_NOT_FOUND ? "proof_not_yet" : "paper_failed", rc);
}

static enum rc certificate_work(struct making *paper, struct archive_reader *reader, struct err *err)
{
    struct file *file = NULL;
    enum rc rc = papers_count_step(reader, paper->count, err);
    if (rc == RC_AGAIN)
        return rc;
    if (rc == RC_OK)
        file = file_add(paper, paper->about, err);
    if (file) {
        rc = papers_count_write(reader, paper->count, &file->body, err);
        if (rc == RC_OK && file->body.n > PAPER_PART_MAX)
            rc = err_set(err, RC_LIMIT, "the certificate is too large");
        file_hash(file, false, paper->hasher);
    } else if (rc == RC_OK) {
        rc = RC_LIMIT;
    }
    return rc == RC_OK ? rc : failed(paper, rc == RC_LIMIT ? "paper_too_large" : "paper_failed", rc);
}

/* ---- exports ---- */

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct making *paper = context;
    struct tlog_hash hash;
    size_t class = 0;
    struct buf *out = &paper->spool;
    size_t before = out->n;
    enum rc rc = export_choose(&paper->choice, hit, &class, &paper->err);
    if (rc != RC_OK)
        return rc == RC_END;
    export_line_put(&paper->choice.class[class].layout, hit, out);
    size_t line = out->n - before;
    leaf_hash(&hit->leaf, hit->raw, paper->hasher, &hash);
    buf_be64(out, hit->leaf.index);
    buf_put(out, hash.bytes, sizeof hash.bytes);
    buf_be32(out, (uint32_t)line);
    buf_u8(out, (uint8_t) class);
    if (out->overflow || line > PAPER_PART_MAX / 2)
        IGNORE(err_set(&paper->err, RC_LIMIT, "the export is too large")); /* told by who searches */
    return paper->err.code == RC_OK;
}

static enum rc export_begin(struct making *paper, struct archive_reader *reader, const struct json_value *question,
                            struct err *err)
{
    paper->choice.asked = arena_str(paper->arena, json_str(json_get(question, "class"), STR(EXPORT_CLASS_AUTO)));
    paper->query = arena_str(paper->arena, json_str(json_get(question, "query"), STR("")));
    paper->from_ns = json_int(json_get(question, "from_ns"), 0);
    paper->to_ns = json_int(json_get(question, "to_ns"), 0);
    paper->choice.own = json_bool(json_get(question, "own"), false);
    paper->choice.form.delimiter = ';';
    if (!export_format_find(json_str(json_get(question, "format"), STR("statutory")), &paper->choice.form.format))
        return failed(paper, "paper_format", err_set(err, RC_INVALID, "there is no such format"));
    if (paper->choice.form.format == EXPORT_CSV)
        paper->choice.form.delimiter = ',';
    enum rc rc = export_choice_check(&paper->choice, err);
    if (rc != RC_OK)
        return failed(paper, "paper_class", rc);
    rc = query_parse(paper->query, paper->begun_ns, paper->choice.form.zone_s, paper->arena, &paper->filter, err);
    if (rc == RC_OK && !query_is_filter(paper->filter))
        rc = err_set(err, RC_INVALID, "an export takes every event that is found: leave out what stands behind |");
    if (rc != RC_OK)
        return failed(paper, "query_invalid", rc);
    rc = papers_tree(reader, &paper->tree, &paper->tree_size, err);
    struct search_options options = {.from_ns = paper->from_ns,
                                     .to_ns = paper->to_ns,
                                     .before = MAX(paper->tree_size, UINT64_C(1)),
                                     .now_ns = paper->begun_ns,
                                     .hit = on_hit,
                                     .context = paper};
    rc = rc == RC_OK ? search_open(reader, paper->filter, &options, &paper->search, err) : rc;
    return rc == RC_OK ? rc : failed(paper, rc == RC_NOT_FOUND ? "proof_not_yet" : "paper_failed", rc);
}

static enum rc part_begin(struct making *paper, size_t position, struct err *err)
{
    const struct export_class *class = &paper->choice.class[position];
    struct growth *growth = &paper->growth[position];
    char room[NAME_MAX_BYTES];
    struct buf name;
    buf_init_fixed(&name, room, sizeof room);
    buf_text(&name, "export-");
    export_name_put(&name, class->name);
    if (growth->parts++ > 0)
        buf_format(&name, "-%zu", growth->parts);
    buf_format(&name, ".%s", export_format_ending(paper->choice.form.format));
    struct file *file = file_add(paper, buf_view(&name), err);
    enum rc rc = file ? export_proof_begin(&file->rows, &paper->tree, paper->tree_size, err) : RC_LIMIT;
    if (rc != RC_OK || !file)
        return rc;
    struct export_head head = {.file = str_of(file->name),
                               .format = str_of(export_format_name(paper->choice.form.format)),
                               .class = class->name,
                               .query = paper->query,
                               .zone_s = paper->choice.form.zone_s,
                               .from_ns = paper->from_ns,
                               .to_ns = paper->to_ns};
    export_line_head(&class->layout, &file->body);
    export_proof_head(&file->rows, &head, buf_view(&file->body), paper->note, &file->proof);
    growth->file = paper->file_count;
    return RC_OK;
}

static enum rc part_end(struct making *paper, struct growth *growth, struct err *err)
{
    struct file *file = paper->file[growth->file - 1];
    enum rc rc = export_proof_end(&file->rows, &file->proof, err);
    export_proof_done(&file->rows);
    growth->file = 0;
    if (rc == RC_OK && (file->body.overflow || file->proof.overflow))
        rc = err_set(err, RC_LIMIT, "the export is too large");
    if (rc == RC_OK)
        file_hash(file, true, paper->hasher);
    return rc;
}

static enum rc write_line(struct making *paper, struct err *err)
{
    const char *trailer = paper->spool.p + paper->spool_left - TRAILER;
    struct tlog_hash hash;
    uint64_t record = get_be64(trailer);
    memcpy(hash.bytes, trailer + 8, sizeof hash.bytes);
    size_t n = get_be32(trailer + 40);
    size_t class = (uint8_t)trailer[44];
    struct growth *growth = &paper->growth[class];
    paper->spool_left -= TRAILER + n;
    struct str line = str_at(paper->spool.p + paper->spool_left, n);
    const struct file *now = growth->file ? paper->file[growth->file - 1] : NULL;
    enum rc rc = RC_OK;
    if (now && (now->body.n + n > PAPER_PART_MAX || now->proof.n > PAPER_PART_MAX * 3 / 4))
        rc = part_end(paper, growth, err);
    if (rc == RC_OK && !growth->file)
        rc = part_begin(paper, class, err);
    if (rc != RC_OK)
        return rc;
    struct file *file = paper->file[growth->file - 1];
    buf_str(&file->body, line);
    return export_proof_record(&file->rows, record, &hash, line, &file->proof, err);
}

/* All proofs of an export are against one checkpoint: the newest when its records had been found. */
static enum rc write_begin(struct making *paper, struct archive_reader *reader, struct err *err)
{
    paper->searched = true;
    paper->spool_left = paper->spool.n;
    enum rc rc = papers_tree(reader, &paper->tree, &paper->tree_size, err);
    paper->note = arena_str(paper->arena, archive_reader_checkpoint(reader));
    return rc == RC_OK && !paper->note.p ? err_set(err, RC_LIMIT, "no memory") : rc;
}

static enum rc write_some(struct making *paper, struct err *err)
{
    enum rc rc = RC_OK;
    for (int i = 0; i < WRITES_A_LOOK && rc == RC_OK && paper->spool_left > 0; i++)
        rc = write_line(paper, err);
    if (rc == RC_OK && paper->spool_left > 0)
        return RC_AGAIN;
    for (size_t i = 0; i < paper->choice.class_count && rc == RC_OK; i++)
        if (paper->growth[i].file)
            rc = part_end(paper, &paper->growth[i], err);
    return rc;
}

static enum rc export_work(struct making *paper, struct archive_reader *reader, struct err *err)
{
    enum rc rc = paper->searched ? write_some(paper, err) : search_step(paper->search, err);
    if (paper->err.code != RC_OK) {
        *err = paper->err;
        rc = err->code;
    } else if (rc == RC_OK && !paper->searched) {
        rc = write_begin(paper, reader, err);
        rc = rc == RC_OK ? RC_AGAIN : rc;
    }
    if (rc == RC_OK || rc == RC_AGAIN)
        return rc;
    return failed(paper, rc == RC_LIMIT ? "paper_too_large" : "paper_failed", rc);
}

/* ---- one at a time ---- */

static uint32_t permille(const struct making *paper)
{
    if (paper->state != WORKING)
        return 1000;
    if (!paper->export)
        return papers_count_permille(paper->count);
    if (!paper->searched)
        return search_permille(paper->search) * 7 / 10;
    return (uint32_t)(1000 - (double)paper->spool_left * 300 / (double)(paper->spool.n + 1));
}

static bool is_older(const struct making *paper, const struct making *than)
{
    return !than || paper->asked_ns < than->asked_ns;
}

/* A free place, else that of the person's own oldest paper, else of the oldest that nobody looks at. NULL: none. */
static struct making *paper_place(struct query_papers *papers, struct str who)
{
    struct making *own = NULL;
    struct making *idle = NULL;
    uint64_t now = clock_boot_ns();
    for (size_t i = 0; i < PAPERS_MAX; i++) {
        struct making *paper = &papers->paper[i];
        if (!paper->used)
            return paper;
        if (str_is(who, paper->who) && is_older(paper, own))
            own = paper;
        if (now - paper->asked_ns > IDLE_NS && is_older(paper, idle))
            idle = paper;
    }
    struct making *place = own ? own : idle;
    if (place)
        paper_end(place);
    return place;
}

static enum rc paper_begin(struct query_papers *papers, struct archive_reader *reader,
                           const struct json_value *question, struct making **ret_paper, struct err *err)
{
    struct making *paper = paper_place(papers, json_str(json_get(question, "who"), STR_NONE));
    *ret_paper = paper;
    if (!paper)
        return err_set(err, RC_AGAIN, "others make as many papers as there may be");
    *paper = (struct making){
        .used = true,
        .export = str_is(json_str(json_get(question, "paper"), STR_NONE), "export"),
        .token = random_u64(),
        .asked_ns = clock_boot_ns(),
        .begun_ns = clock_real_ns(),
        .choice = {.form.zone_s = papers->zone_s, .columns = papers->columns, .classes = &papers->classes},
        .arena = arena_new(PAPER_MEMORY),
        .hasher = tlog_hasher_new()};
    IGNORE(str_copy_z(json_str(json_get(question, "who"), STR_NONE), paper->who, sizeof paper->who)); /* "": nobody's */
    IGNORE(
        paper_language_find(json_str(json_get(question, "lang"), STR_NONE), &paper->choice.language)); /* else Kazakh */
    buf_init(&paper->spool, PAPER_SPOOL_MAX);
    if (!paper->arena || !paper->hasher)
        return failed(paper, "paper_failed", err_set(err, RC_LIMIT, "no memory"));
    return paper->export ? export_begin(paper, reader, question, err) : certificate_begin(paper, reader, question, err);
}

static struct making *paper_find(struct query_papers *papers, const struct json_value *question)
{
    struct str who = json_str(json_get(question, "who"), STR_NONE);
    uint64_t token = 0;
    if (str_hex_to_u64(json_str(json_get(question, "token"), STR_NONE), &token))
        for (size_t i = 0; i < PAPERS_MAX; i++)
            if (papers->paper[i].used && papers->paper[i].token == token && str_is(who, papers->paper[i].who))
                return &papers->paper[i];
    return NULL;
}

/* ---- seals ---- */

static bool take_number(void *context, const struct archive_hit *hit)
{
    uint64_t *number = context;
    if (hit->leaf.type == LEAF_LIFECYCLE && batch_paper_begins(hit->raw))
        *number = hit->leaf.index;
    return *number == UINT64_MAX;
}

/* Looks for the record once: what was found stays found. RC_NOT_FOUND: it is not there yet. */
static enum rc record_find(const struct making *paper, struct archive_reader *reader, struct file *file,
                           struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(PAPER_MEMORY);
    char hash[2 * TLOG_HASH_SIZE];
    struct search_result result;
    struct query *query;
    struct search_options search = {.from_ns = paper->begun_ns - CLOCK_SLACK_NS,
                                    .now_ns = clock_real_ns(),
                                    .hit = take_number,
                                    .context = &file->record};
    if (file->record != UINT64_MAX)
        return RC_OK;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    struct str text = str_at(hash, hex_encode(file->hash.bytes, TLOG_HASH_SIZE, hash));
    enum rc rc = query_parse(text, search.now_ns, 0, arena, &query, err);
    rc = rc == RC_OK ? search_run(reader, query, &search, &result, err) : rc;
    return rc == RC_OK && file->record == UINT64_MAX ? RC_NOT_FOUND : rc;
}

/* RC_NOT_FOUND: the record is not there, or not under a checkpoint yet. */
static enum rc file_seal(struct making *paper, struct archive_reader *reader, struct file *file, struct err *err)
{
    struct buf proof CLEANUP(buf_done) = {0};
    buf_init(&proof, PROOF_SIZE_MAX);
    enum rc rc = record_find(paper, reader, file, err);
    rc = rc == RC_OK ? archive_reader_proof(reader, file->record, &proof, err) : rc;
    if (rc != RC_OK)
        return rc;
    seal_write(paper->export ? &file->proof : &file->body, buf_view(&proof));
    file->sealed = true;
    return RC_OK;
}

static void seal(struct making *paper, struct archive_reader *reader)
{
    struct err err = {0};
    bool all = true;
    uint64_t now = clock_boot_ns();
    if (paper->record_ns == 0 || now - paper->looked_ns < LOOK_NS)
        return; /* nothing was recorded yet, or it was looked at just now: the records behind are many */
    paper->looked_ns = now;
    for (size_t i = 0; i < paper->file_count && all; i++) {
        struct file *file = paper->file[i];
        enum rc rc = file->sealed ? RC_OK : file_seal(paper, reader, file, &err);
        all = rc == RC_OK;
        if (rc != RC_OK && rc != RC_NOT_FOUND) {
            IGNORE(failed(paper, "paper_failed", rc)); /* told as the paper's state */
            return;
        }
    }
    if (all)
        paper->state = READY;
}

/* ---- answers ---- */

static void state_write(struct making *paper, struct buf *out)
{
    static const char *const states[] = {"working", "made", "ready", "failed"};
    uint64_t now = clock_boot_ns();
    char text[2 * TLOG_HASH_SIZE];
    bool found = paper->file_count > 0 && paper->file[paper->file_count - 1]->record != UINT64_MAX;
    bool record = paper->state == MADE && !found && now - paper->record_ns > RECORD_AGAIN_NS;
    json_write_object(out);
    json_put_bool(out, "ok", true);
    json_put_str(out, "token",
                 str_at(text, (size_t)snprintf(text, sizeof text, "%016llx", (unsigned long long)paper->token)));
    json_put_text(out, "paper", paper->export ? "export" : "certificate");
    json_put_text(out, "state", states[paper->state]);
    json_put_u64(out, "permille", permille(paper));
    json_put_bool(out, "record", record); /* the desk is to record the files now */
    search_gone_write(out, &paper->found);
    if (paper->state == FAILED)
        json_put_text(out, "failed", paper->error);
    json_write_key(out, "files");
    json_write_array(out);
    for (size_t i = 0; i < paper->file_count && paper->state != WORKING; i++) {
        const struct file *file = paper->file[i];
        json_write_object(out);
        json_put_text(out, "name", file->name);
        json_put_u64(out, "bytes", file->body.n);
        json_put_u64(out, "records", file->rows.records);
        json_put_str(out, "sha256", str_at(text, hex_encode(file->hash.bytes, TLOG_HASH_SIZE, text)));
        json_put_bool(out, "sealed", file->sealed);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
    if (record)
        paper->record_ns = now;
}

static void ask_state(struct making *paper, struct archive_reader *reader, const struct json_value *question,
                      struct buf *out)
{
    struct err err = {0};
    int64_t wait_ms = MAX(MIN(json_int(json_get(question, "wait_ms"), WAIT_MAX_MS), WAIT_MAX_MS), 1);
    uint64_t began = clock_boot_ns();
    enum rc rc = paper->state == WORKING ? RC_AGAIN : RC_OK;
    while (rc == RC_AGAIN && clock_boot_ns() - began < (uint64_t)wait_ms * UINT64_C(1000000))
        rc = paper->export ? export_work(paper, reader, &err) : certificate_work(paper, reader, &err);
    if (rc == RC_OK && paper->state == WORKING) {
        work_done(paper);
        paper->state = MADE;
    }
    if (paper->state == MADE)
        seal(paper, reader);
    paper->asked_ns = clock_boot_ns();
    state_write(paper, out);
}

/* The answer's object, a line feed, the bytes. */
static void ask_file(struct making *paper, const struct json_value *question, struct buf *out)
{
    struct err err = {0};
    struct str name = json_str(json_get(question, "name"), STR_NONE);
    bool proof = name.n > 6 && str_is(str_skip(name, name.n - 6), ".proof");
    struct str base = str_slice(name, 0, name.n - (proof ? 6 : 0));
    paper->asked_ns = clock_boot_ns();
    for (size_t i = 0; i < paper->file_count && paper->state == READY; i++) {
        const struct file *file = paper->file[i];
        if (!str_is(base, file->name) || (proof && !paper->export))
            continue;
        json_write_object(out);
        json_put_bool(out, "ok", true);
        json_write_object_end(out);
        buf_char(out, '\n');
        buf_str(out, buf_view(proof ? &file->proof : &file->body));
        return;
    }
    IGNORE(err_set(&err, RC_NOT_FOUND, "there is no such file")); /* told below */
    query_refuse(out, "not_found", &err);
}

bool query_papers_ask(struct query_papers *papers, struct archive_reader *reader, const struct json_value *question,
                      struct buf *out)
{
    struct err err = {0};
    struct str ask = json_str(json_get(question, "ask"), STR_NONE);
    struct making *paper = NULL;
    if (str_is(ask, "paper.begin")) {
        if (paper_begin(papers, reader, question, &paper, &err) == RC_OK && paper) {
            state_write(paper, out);
        } else {
            query_refuse(out, paper ? paper->error : "busy", &err);
            if (paper)
                paper_end(paper);
        }
        return true;
    }
    bool file = str_is(ask, "paper.file");
    if (!file && !str_is(ask, "paper.state"))
        return false;
    paper = paper_find(papers, question);
    if (!paper) {
        IGNORE(err_set(&err, RC_NOT_FOUND, "this paper is not kept any more")); /* told below */
        query_refuse(out, "paper_gone", &err);
    } else if (file) {
        ask_file(paper, question, out);
    } else {
        ask_state(paper, reader, question, out);
    }
    return true;
}
