/* export.c - `qorgan export [QUERY]`: records in the form of order 52/НҚ, Annex 4, as CSV or as JSON lines, each file
 * with its proof.
 *
 * The search gives the newest first; files run in the order of the log. So each line first goes to a spool without a
 * name in the output folder, which is then read from its end. Memory does not depend on the number of records. Files
 * appear under their names only whole, with their proofs. */
#include "archive/export_class.h"
#include "archive/export_line.h"
#include "archive/search.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/paper.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "paper/export_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_ARENA    ((size_t)4 << 20)
#define FLUSH_BYTES    ((size_t)64 << 10)
#define FILES_MAX      4096 /* of one export */
#define TRAILER        49   /* record 8, leaf hash 32, line 4, key 4, class 1 */
#define NAME_SIZE      300
#define PROGRESS_EVERY 4096

enum part { LINES, PROOF };

/* One exported file with its proof. */
struct output {
    char name[256];
    struct buf lines;
    struct buf rows;
    struct export_proof proof;
    struct tlog_hasher *hasher; /* of the proof's bytes */
    bool begun;
};

struct exporting {
    struct reading reading;
    struct export_choice choice;
    struct arena *arena;
    struct str query;
    struct query *filter; /* the same, read */
    int64_t from_ns;
    int64_t to_ns;
    bool split_day;
    bool split_source;
    bool terminal;
    int folder;
    int spool;
    int64_t spool_size;
    struct buf line; /* of the present record: line, key, trailer */
    struct tlog_hasher *hasher;
    struct tlog_source tree;
    uint64_t tree_size;
    uint64_t records;
    struct map *keys; /* file name -> position + 1 */
    size_t output_count;
    struct output **output;
    struct err err;
    enum rc rc;
};

/* ---- first pass ---- */

static void put_key(const struct exporting *e, const struct export_class *class, const struct archive_hit *hit,
                    struct buf *out)
{
    char day[CIVIL_TEXT_MAX];
    buf_text(out, "export-");
    export_name_put(out, class->name);
    if (e->split_day) {
        civil_format(hit->event.time_ns, e->choice.form.zone_s, 0, day);
        buf_format(out, "-%.10s", day);
    }
    if (e->split_source) {
        buf_char(out, '-');
        export_name_put(out, hit->source.name);
        buf_char(out, '-'); /* names that look alike stay apart */
        buf_hex(out, hit->leaf.source, 4);
    }
    buf_format(out, ".%s", export_format_ending(e->choice.form.format));
}

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct exporting *e = context;
    struct tlog_hash hash;
    struct buf *out = &e->line;
    size_t class = 0;
    enum rc rc = export_choose(&e->choice, hit, &class, &e->err);
    if (rc == RC_END)
        return true;
    e->rc = rc;
    if (rc != RC_OK)
        return false;
    buf_clear(out);
    export_line_put(&e->choice.class[class].layout, hit, out);
    size_t line = out->n;
    put_key(e, &e->choice.class[class], hit, out);
    size_t key = out->n - line;
    leaf_hash(&hit->leaf, hit->raw, e->hasher, &hash);
    buf_be64(out, hit->leaf.index);
    buf_put(out, hash.bytes, sizeof hash.bytes);
    buf_be32(out, (uint32_t)line);
    buf_be32(out, (uint32_t)key);
    buf_u8(out, (uint8_t) class);
    e->rc = out->overflow ? err_set(&e->err, RC_LIMIT, "a line is too long")
                          : file_write_at(&io_kernel, e->spool, buf_view(out), e->spool_size, &e->err);
    e->spool_size += (int64_t)out->n;
    e->records++;
    if (e->terminal && e->records % PROGRESS_EVERY == 0)
        fprintf(stderr, "\r%llu records found", (unsigned long long)e->records);
    return e->rc == RC_OK;
}

/* ---- files ---- */

/* Files grow under these names, and get their own when all is written and sealed: what failed leaves nothing behind
 * that would stand in the way of the next attempt, and what was left by a kill is begun anew. */
static void name_of(const struct output *output, enum part part, bool finished, char ret_name[NAME_SIZE])
{
    snprintf(ret_name, NAME_SIZE, "%s%s%s", output->name, part == PROOF ? ".proof" : "", finished ? "" : ".part");
}

static enum rc append(const struct exporting *e, const struct output *output, enum part part, struct buf *bytes,
                      struct err *err)
{
    struct stat status;
    char name[NAME_SIZE];
    name_of(output, part, false, name);
    int fd = openat(e->folder, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0)
        return err_errno(err, errno, "could not open \"%s\"", name);
    enum rc rc = file_write_at(&io_kernel, fd, buf_view(bytes), status.st_size, err);
    if (close(fd) != 0 && rc == RC_OK)
        rc = err_errno(err, errno, "could not write \"%s\"", name);
    buf_clear(bytes);
    return rc;
}

static enum rc create(const struct exporting *e, const struct output *output, enum part part, struct err *err)
{
    char name[NAME_SIZE];
    name_of(output, part, true, name);
    if (faccessat(e->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(err, RC_EXISTS, "there is a file \"%s\" already", name);
    name_of(output, part, false, name);
    int fd = openat(e->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return err_errno(err, errno, "could not create \"%s\"", name);
    close(fd);
    return RC_OK;
}

static void remove_part(const struct exporting *e, const struct output *output, enum part part, bool finished)
{
    char name[NAME_SIZE];
    name_of(output, part, finished, name);
    IGNORE(unlinkat(e->folder, name, 0)); /* may not be there */
}

/* Gives a file its own name, unless another has it. */
static enum rc publish(const struct exporting *e, const struct output *output, enum part part, struct err *err)
{
    char from[NAME_SIZE];
    char to[NAME_SIZE];
    name_of(output, part, false, from);
    name_of(output, part, true, to);
    if (linkat(e->folder, from, e->folder, to, 0) != 0)
        return err_errno(err, errno, "could not create \"%s\"", to);
    return RC_OK;
}

/* All or none. */
static enum rc publish_files(struct exporting *e, struct err *err)
{
    enum rc rc = RC_OK;
    size_t done = 0; /* of parts */
    for (; done < 2 * e->output_count && rc == RC_OK; done++)
        rc = publish(e, e->output[done / 2], done % 2 ? LINES : PROOF, err);
    for (size_t i = 0; rc != RC_OK && i + 1 < done; i++)
        remove_part(e, e->output[i / 2], i % 2 ? LINES : PROOF, true);
    return rc;
}

static enum rc output_flush(const struct exporting *e, struct output *output, size_t above, struct err *err)
{
    enum rc rc = RC_OK;
    if (output->lines.overflow || output->rows.overflow)
        return err_set(err, RC_LIMIT, "no memory for \"%s\"", output->name);
    if (output->lines.n > above)
        rc = append(e, output, LINES, &output->lines, err);
    if (rc == RC_OK && output->rows.n > above) {
        tlog_hash_add(output->hasher, buf_view(&output->rows));
        rc = append(e, output, PROOF, &output->rows, err);
    }
    return rc;
}

static enum rc output_begin(struct exporting *e, struct output *output, struct str key,
                            const struct export_class *class, struct err *err)
{
    struct export_head head = {.file = key,
                               .format = str_of(export_format_name(e->choice.form.format)),
                               .class = class->name,
                               .query = e->query,
                               .zone_s = e->choice.form.zone_s,
                               .from_ns = e->from_ns,
                               .to_ns = e->to_ns};
    if (!str_copy_z(key, output->name, sizeof output->name))
        return err_set(err, RC_LIMIT, "a file's name is too long");
    buf_init(&output->lines, EXPORT_LINE_MAX + FLUSH_BYTES);
    buf_init(&output->rows, EXPORT_LINE_MAX);
    output->hasher = tlog_hasher_new();
    enum rc rc = output->hasher ? export_proof_begin(&output->proof, &e->tree, e->tree_size, err)
                                : err_set(err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? create(e, output, LINES, err) : rc;
    rc = rc == RC_OK ? create(e, output, PROOF, err) : rc;
    if (rc != RC_OK)
        return rc;
    tlog_hash_begin(output->hasher);
    export_line_head(&class->layout, &output->lines);
    export_proof_head(&output->proof, &head, buf_view(&output->lines), archive_reader_checkpoint(e->reading.reader),
                      &output->rows);
    output->begun = true;
    return RC_OK;
}

static struct output *output_of(struct exporting *e, struct str key, const struct export_class *class, struct err *err)
{
    uint64_t *place = map_put(e->keys, key);
    if (place && *place)
        return e->output[*place - 1];
    struct output *output = place && e->output_count < FILES_MAX ? arena_alloc(e->arena, sizeof *output) : NULL;
    if (!output) {
        IGNORE(err_set(err, RC_LIMIT, "the export would have more than %d files", FILES_MAX)); /* told by the caller */
        return NULL;
    }
    e->output[e->output_count++] = output;
    *place = e->output_count;
    return output_begin(e, output, key, class, err) == RC_OK ? output : NULL;
}

/* ---- second pass: the spool from its end ---- */

static enum rc take_entry(struct exporting *e, int64_t *at, struct err *err)
{
    char trailer[TRAILER];
    struct tlog_hash hash;
    enum rc rc = file_read_at(&io_kernel, e->spool, trailer, TRAILER, *at - TRAILER, err);
    if (rc != RC_OK)
        return rc;
    uint64_t record = get_be64(trailer);
    memcpy(hash.bytes, trailer + 8, sizeof hash.bytes);
    size_t line = get_be32(trailer + 40);
    size_t key = get_be32(trailer + 44);
    const struct export_class *class = &e->choice.class[(uint8_t)trailer[48]];
    *at -= TRAILER + (int64_t)(line + key);
    buf_clear(&e->line);
    char *bytes = buf_reserve(&e->line, line + key);
    rc = bytes ? file_read_at(&io_kernel, e->spool, bytes, line + key, *at, err) : err_set(err, RC_LIMIT, "no memory");
    if (rc != RC_OK)
        return rc;
    struct output *output = output_of(e, str_at(bytes + line, key), class, err);
    if (!output)
        return err->code;
    buf_put(&output->lines, bytes, line);
    rc = export_proof_record(&output->proof, record, &hash, str_at(bytes, line), &output->rows, err);
    return rc == RC_OK ? output_flush(e, output, FLUSH_BYTES, err) : rc;
}

static enum rc write_files(struct exporting *e, struct err *err)
{
    enum rc rc = RC_OK;
    uint64_t done = 0;
    for (int64_t at = e->spool_size; at > 0 && rc == RC_OK;) {
        rc = take_entry(e, &at, err);
        if (e->terminal && ++done % PROGRESS_EVERY == 0)
            fprintf(stderr, "\r%llu of %llu records written", (unsigned long long)done, (unsigned long long)e->records);
    }
    for (size_t i = 0; i < e->output_count && rc == RC_OK; i++) {
        rc = export_proof_end(&e->output[i]->proof, &e->output[i]->rows, err);
        rc = rc == RC_OK ? output_flush(e, e->output[i], 0, err) : rc;
    }
    if (e->terminal)
        fputc('\n', stderr);
    return rc;
}

/* Each file's proof gets its seal; without a service they stay unsealed, which is said. */
static enum rc seal_files(struct exporting *e, const char *data, bool *ret_sealed, struct err *err)
{
    *ret_sealed = false;
    for (size_t i = 0; i < e->output_count; i++) {
        struct output *output = e->output[i];
        struct tlog_hash hash;
        tlog_hash_end(output->hasher, &hash);
        enum rc rc = paper_seal(data, "export", &hash, str_of(output->name), &output->rows, err);
        if (rc == RC_NOT_FOUND) {
            fprintf(stderr, "qorgan export: not recorded in the archive, so that nothing is proven: %s\n", err->text);
            return RC_OK;
        }
        rc = rc == RC_OK ? append(e, output, PROOF, &output->rows, err) : rc;
        if (rc != RC_OK)
            return rc;
        *ret_sealed = true;
    }
    return RC_OK;
}

/* ---- the command ---- */

/* What the command line says; RC_INVALID: it is wrong. */
static enum rc read_form(struct exporting *e, const struct options *options, struct papers_form form, struct err *err)
{
    const char *delimiter = options_text(options, "delimiter");
    e->choice.form.zone_s = form.zone_s;
    e->choice.language = form.language;
    if (!export_format_find(str_of(options_text(options, "format")), &e->choice.form.format))
        return err_set(err, RC_INVALID, "\"%s\" is not a format: statutory, csv or json",
                       options_text(options, "format"));
    bool tab = strcmp(delimiter, "tab") == 0;
    if (!tab && (strlen(delimiter) != 1 || !strchr(";,|", delimiter[0])))
        return err_set(err, RC_INVALID, "\"%s\" is not a delimiter: one of ; , | or tab", delimiter);
    e->choice.form.delimiter = e->choice.form.format == EXPORT_CSV ? ',' : tab ? '\t' : delimiter[0];
    return RC_OK;
}

/* The tables of columns and classes. */
static enum rc load_tables(struct exporting *e, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    struct str tsv;
    buf_init(&path, 4096);
    struct export_classes *classes = arena_alloc(e->arena, sizeof *classes);
    e->choice.classes = classes;
    enum rc rc = classes ? data_folder(&path, err) : err_set(err, RC_LIMIT, "no memory to export");
    size_t folder = path.n;
    buf_text(&path, "/exports.tsv");
    rc = rc == RC_OK ? file_load_path(buf_z(&path), SMALL_ARENA / 2, e->arena, &e->choice.columns, err) : rc;
    path.n = folder;
    buf_text(&path, "/export_classes.tsv");
    rc = rc == RC_OK ? file_load_path(buf_z(&path), SMALL_ARENA / 2, e->arena, &tsv, err) : rc;
    return rc == RC_OK ? export_classes_read(classes, tsv, err) : rc;
}

static enum rc read_split(struct exporting *e, const char *split, struct err *err)
{
    for (struct str rest = str_of(split ? split : ""); rest.n > 0;) {
        struct str part = str_cut(&rest, ',');
        if (!str_is(part, "day") && !str_is(part, "source"))
            return err_set(err, RC_INVALID, "\"%.*s\" is no way to split: day, source", STR_ARG(part));
        e->split_day |= str_is(part, "day");
        e->split_source |= str_is(part, "source");
    }
    return RC_OK;
}

static enum rc open_out(struct exporting *e, const char *path, struct err *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return err_errno(err, errno, "could not create folder \"%s\"", path);
    e->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->folder < 0)
        return err_errno(err, errno, "could not open folder \"%s\"", path);
    if (flock(e->folder, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, RC_EXISTS, "another export is writing to \"%s\"", path);
    e->spool = openat(e->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return e->spool < 0 ? err_errno(err, errno, "could not make a spool in \"%s\"", path) : RC_OK;
}

/* RC_INVALID: it does not read, or is no filter. */
static enum rc read_query(struct exporting *e, int64_t now_ns, struct err *err)
{
    enum rc rc = query_parse(e->query, now_ns, e->choice.form.zone_s, e->arena, &e->filter, err);
    if (rc == RC_OK && !query_is_filter(e->filter))
        rc = err_set(err, RC_INVALID, "an export takes every event that is found: leave out what stands behind |");
    return rc;
}

static enum rc search(struct exporting *e, struct err *err)
{
    struct search_result result = {0};
    enum rc rc = papers_tree(e->reading.reader, &e->tree, &e->tree_size, err);
    struct search_options search = {.from_ns = e->from_ns,
                                    .to_ns = e->to_ns,
                                    .before = e->tree_size,
                                    .now_ns = clock_real_ns(),
                                    .hit = on_hit,
                                    .context = e};
    if (rc == RC_OK && e->tree_size > 0)
        rc = search_run(e->reading.reader, e->filter, &search, &result, err);
    if (rc == RC_OK)
        reading_tell_gone(&e->reading, "export", &result);
    if (rc == RC_OK && e->rc != RC_OK)
        *err = e->err;
    return rc == RC_OK ? e->rc : rc;
}

static enum rc run(struct exporting *e, const struct options *options, bool *ret_sealed, struct err *err)
{
    const char *data = options_text(options, "data");
    e->hasher = tlog_hasher_new();
    e->keys = map_new(FILES_MAX, random_u64());
    e->output = arena_alloc_array(e->arena, FILES_MAX, sizeof(struct output *));
    buf_init(&e->line, EXPORT_LINE_MAX);
    enum rc rc = e->hasher && e->keys && e->output ? RC_OK : err_set(err, RC_LIMIT, "no memory to export");
    rc = rc == RC_OK ? reading_open(&e->reading, data, true, err) : rc;
    rc = rc == RC_OK ? open_out(e, options_text(options, "out"), err) : rc;
    rc = rc == RC_OK ? search(e, err) : rc;
    rc = rc == RC_OK ? write_files(e, err) : rc;
    rc = rc == RC_OK ? seal_files(e, data, ret_sealed, err) : rc;
    return rc == RC_OK ? publish_files(e, err) : rc;
}

static void print_result(const struct exporting *e, bool json, bool sealed)
{
    for (size_t i = 0; i < e->output_count; i++) {
        struct buf line CLEANUP(buf_done) = {0};
        buf_init(&line, 4096);
        if (json) {
            json_write_object(&line);
            json_put_text(&line, "file", e->output[i]->name);
            json_put_u64(&line, "records", e->output[i]->proof.records);
            json_put_u64(&line, "bytes", e->output[i]->proof.bytes);
            json_put_bool(&line, "sealed", sealed);
            json_write_object_end(&line);
        } else {
            buf_format(&line, "%s: %llu records", e->output[i]->name, (unsigned long long)e->output[i]->proof.records);
        }
        printf("%s\n", buf_z(&line));
    }
}

static void done(struct exporting *e)
{
    for (size_t i = 0; i < e->output_count; i++) {
        remove_part(e, e->output[i], LINES, false);
        remove_part(e, e->output[i], PROOF, false);
        buf_done(&e->output[i]->lines);
        buf_done(&e->output[i]->rows);
        export_proof_done(&e->output[i]->proof);
        tlog_hasher_free(e->output[i]->hasher);
    }
    reading_close(&e->reading);
    map_free(e->keys);
    tlog_hasher_free(e->hasher);
    buf_done(&e->line);
    if (e->folder >= 0)
        close(e->folder);
    if (e->spool >= 0)
        close(e->spool);
}

int cmd_export(int argc, char **argv)
{
    static struct exporting exporting;
    struct exporting *e = &exporting;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)64 << 20);
    struct options options;
    struct papers_form form;
    struct err err = {0};
    bool sealed = false;
    int status = options_parse("export", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    int64_t now = clock_real_ns();
    *e = (struct exporting){.arena = arena, .folder = -1, .spool = -1, .terminal = isatty(STDERR_FILENO) == 1};
    e->reading.folder = -1;
    e->choice.asked = str_of(options_text(&options, "class"));
    e->query = str_of(options.operand_count ? options.operands[0] : "");
    e->choice.own = options_flag(&options, "own");
    e->from_ns = options_time(&options, "from", now, 0);
    e->to_ns = options_time(&options, "to", now, 0);
    enum rc rc = arena ? paper_form(&options, &form, &err) : err_set(&err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? read_form(e, &options, form, &err) : rc;
    rc = rc == RC_OK ? read_split(e, options_text(&options, "split"), &err) : rc;
    rc = rc == RC_OK ? read_query(e, now, &err) : rc;
    if (rc == RC_INVALID)
        return cmd_usage("export", "%s", err.text);
    rc = rc == RC_OK ? load_tables(e, &err) : rc;
    if (rc == RC_OK) {
        rc = export_choice_check(&e->choice, &err);
        if (rc == RC_NOT_FOUND)
            return cmd_usage("export", "%s", err.text);
    }
    rc = rc == RC_OK ? run(e, &options, &sealed, &err) : rc;
    if (rc == RC_OK)
        print_result(e, options_flag(&options, "json"), sealed);
    done(e);
    if (rc != RC_OK)
        return cmd_fail("export", &err);
    return fflush(stdout) == 0 ? CMD_OK : CMD_FAILED;
}
