/* Papers: proof sheets, certificates and exports, checked offline. */
#include "base/assert.h"
#include "base/bytes.h"
#include "cmd/qorgan_verify_audit.h"
#include "cmd/qorgan_verify_sealed.h"
#include "os/file.h"
#include "paper/certificate.h"
#include "paper/export_proof.h"
#include "paper/seal.h"
#include "paper/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READ_BYTES ((size_t)1 << 20)

struct checked {
    const struct verify_options *options;
    struct arena *arena;
    struct policy policy;
    struct policy_result result;
    struct str text; /* the file */
    struct str body; /* without its seal */
    struct str seal; /* the proof in it, or empty */
    struct proven sealed;
    struct tlog_hasher *hasher;
    bool unread; /* nothing is judged: a file or folder could not be read */
};

static const char *number_of(uint64_t number, char text[32])
{
    snprintf(text, 32, "%" PRIu64, number);
    return text;
}

bool verify_is_sheet(struct str text)
{
    return str_starts(text, STR(SHEET_FIRST "\n"));
}

/* Loads key and file; a proof of many records is larger than what a program may keep. RC_OK, or it cannot check. */
static enum rc load(struct checked *checked, const char *path, bool map, struct err *err)
{
    checked->hasher = tlog_hasher_new();
    enum rc rc = checked->hasher ? RC_OK : err_set(err, RC_LIMIT, "out of memory");
    rc = rc == RC_OK ? verify_load_policy(checked->options, checked->arena, &checked->policy, err) : rc;
    if (rc != RC_OK)
        return rc;
    return map ? file_map_path(path, &checked->text, err)
               : file_load_path(path, PAPER_SIZE_MAX, checked->arena, &checked->text, err);
}

/* The seal's record is in the signed log and names the body. */
static enum rc check_seal(struct checked *checked, struct err *err)
{
    struct tlog_hash hash;
    enum rc rc = seal_split(checked->text, &checked->body, &checked->seal, err);
    if (rc != RC_OK || checked->seal.n == 0)
        return rc;
    tlog_hash_bytes(checked->hasher, checked->body, &hash);
    rc = proven_read(checked->seal, checked->hasher, checked->arena, &checked->sealed, err);
    rc = rc == RC_OK ? proven_verify(&checked->sealed, &checked->policy, &checked->result, err) : rc;
    return rc == RC_OK ? seal_check(&checked->sealed, &hash, err) : rc;
}

static int cannot(struct checked *checked, const struct err *err)
{
    tlog_hasher_free(checked->hasher);
    checked->hasher = NULL;
    fprintf(stderr, "qorgan-verify: %s\n", err->text);
    return VERIFY_USAGE;
}

/* The verdict; without memory, or when a file failed, there is none. */
static int say(struct checked *checked, enum rc rc, enum text good, const char *about, const struct err *err)
{
    const struct verify_options *options = checked->options;
    struct buf out CLEANUP(buf_done) = {0};
    char number[32];
    if (checked->unread || rc == RC_LIMIT || rc == RC_IO)
        return cannot(checked, err);
    buf_init(&out, 1 << 16);
    if (options->json && rc == RC_OK) {
        buf_text(&out, "{\"proven\":true,\"about\":");
        json_string(&out, str_of(about));
        if (checked->seal.n)
            buf_format(&out, ",\"sealed_in\":%" PRIu64 ",\"sealed_ns\":%" PRId64, checked->sealed.leaf.index,
                       checked->sealed.leaf.received_ns);
        buf_text(&out, "}\n");
    } else if (options->json) {
        buf_text(&out, "{\"proven\":false,\"reason\":");
        json_string(&out, str_of(err->text));
        buf_text(&out, "}\n");
    } else if (rc == RC_OK) {
        text_fill(&out, options->language, good, about, "");
        buf_char(&out, '\n');
        if (checked->seal.n)
            text_fill(&out, options->language, TEXT_SEALED, number_of(checked->sealed.leaf.index, number), "");
        if (checked->seal.n)
            buf_char(&out, '\n');
    } else {
        text_fill(&out, options->language, TEXT_NOT_PROVEN, err->text, "");
        buf_char(&out, '\n');
    }
    fputs(buf_z(&out), stdout);
    return rc == RC_OK ? VERIFY_PROVEN : VERIFY_NOT;
}

static struct checked *checked_new(const struct verify_options *options, struct arena *arena)
{
    struct checked *checked = arena_alloc(arena, sizeof *checked);
    ASSERT(checked != NULL);
    checked->options = options;
    checked->arena = arena;
    return checked;
}

int verify_sheet(const struct verify_options *options, struct arena *arena)
{
    struct err err = {0};
    struct sheet sheet = {0};
    struct buf about CLEANUP(buf_done) = {0};
    struct checked *checked = checked_new(options, arena);
    if (load(checked, options->proof, false, &err) != RC_OK)
        return cannot(checked, &err);
    enum rc rc = sheet_check(checked->text, &checked->policy, arena, &sheet, &checked->result, &err);
    buf_init(&about, 1 << 14);
    for (size_t i = 0; rc == RC_OK && i < sheet.count; i++)
        buf_format(&about, "%s%" PRIu64, i ? ", " : "", sheet.record[i].proven.leaf.index);
    int status = say(checked, rc, TEXT_SHEET_GOOD, buf_z(&about), &err);
    tlog_hasher_free(checked->hasher);
    return status;
}

/* ---- certificates ---- */

struct recount {
    struct certificate_counter counter;
    const struct audit *audit;
    struct tlog_head head[2]; /* checkpoints that the archive must give too: the certificate's, its seal's */
    bool same[2];
    enum rc rc;
    struct err err;
};

/* The archive's tree at the checkpoints' sizes. */
static void compare_roots(struct recount *recount)
{
    for (size_t i = 0; i < ARRAY_LEN(recount->head); i++) {
        struct tlog_hash root;
        if (recount->audit->frontier.size != recount->head[i].size)
            continue;
        tlog_frontier_root(&recount->audit->frontier, recount->audit->hasher, &root);
        recount->same[i] = tlog_hash_eq(&root, &recount->head[i].root);
    }
}

static void watch(void *context, const struct leaf *leaf)
{
    struct recount *recount = context;
    compare_roots(recount);
    if (recount->rc == RC_OK)
        recount->rc = certificate_counter_add(&recount->counter, leaf, &recount->err);
}

static enum rc judge_recount(struct recount *recount, const struct certificate *certificate, struct err *err)
{
    compare_roots(recount); /* of the whole archive */
    if (recount->audit->frontier.size < recount->head[0].size)
        return err_set(err, RC_DENIED, "the archive is shorter than the certificate's checkpoint");
    /* An archive that ends before the seal says nothing of it. */
    for (size_t i = 0; i < ARRAY_LEN(recount->head); i++)
        if (!recount->same[i] && recount->audit->frontier.size >= recount->head[i].size)
            return err_set(err, RC_DENIED,
                           "the first %" PRIu64 " records of the archive are not those of the %s's checkpoint",
                           recount->head[i].size, i == 0 ? "certificate" : "seal");
    if (recount->rc != RC_OK)
        return err_set(err, RC_DENIED, "%s", recount->err.text); /* more than any certificate names */
    return certificate_count_compare(certificate->count, recount->counter.count, err);
}

/* The whole archive is audited, and the source's records counted on the way. RC_DENIED: it is not what the certificate
 * says; other codes: it could not be read. */
static enum rc recount(struct checked *checked, const struct certificate *certificate, struct err *err)
{
    const struct verify_options *options = checked->options;
    struct recount *again = arena_alloc(checked->arena, sizeof *again);
    struct certificate_count *count = arena_alloc(checked->arena, sizeof *count);
    struct audit *audit = audit_new(&checked->policy, checked->arena);
    if (!again || !count || !audit)
        return err_set(err, RC_LIMIT, "out of memory");
    enum rc rc = certificate_counter_init(&again->counter, certificate, count, err);
    again->audit = audit;
    again->head[0] = certificate->proven[0].checkpoint.head;
    again->head[1] = checked->seal.n ? checked->sealed.checkpoint.head : again->head[0];
    audit->watch = watch;
    audit->watch_context = again;
    if (rc == RC_OK && options->master_key != NULL)
        rc = sealed_keys_load(options->master_key, checked->arena, &audit->keys, err);
    rc = rc == RC_OK ? audit_check(audit, options->data, err) : rc;
    if (audit->damaged)
        rc = err_set(err, RC_DENIED, "the archive is damaged: %s: %.300s", audit->file, audit->text);
    else if (rc == RC_OK)
        rc = judge_recount(again, certificate, err);
    else
        checked->unread = true;
    certificate_counter_done(&again->counter);
    sealed_keys_done(audit->keys);
    audit_done(audit);
    return rc;
}

int verify_certificate(const struct verify_options *options, struct arena *arena)
{
    struct err err = {0};
    char about[96];
    struct certificate certificate = {0};
    struct checked *checked = checked_new(options, arena);
    if (load(checked, options->certificate, false, &err) != RC_OK)
        return cannot(checked, &err);
    enum rc rc = check_seal(checked, &err);
    rc = rc == RC_OK ? certificate_check(checked->body, &checked->policy, arena, &certificate, &checked->result, &err)
                     : rc;
    if (rc == RC_OK && options->data != NULL)
        rc = recount(checked, &certificate, &err);
    else if (rc == RC_OK && checked->seal.n == 0)
        rc = err_set(&err, RC_DENIED,
                     "the certificate is not in the log (it has no seal): give the archive with --data");
    snprintf(about, sizeof about, "[%" PRIu64 "..%" PRIu64 ")", certificate.first, certificate.end);
    int status = say(checked, rc, options->data ? TEXT_CERTIFICATE_RECOUNTED : TEXT_CERTIFICATE_GOOD, about, &err);
    tlog_hasher_free(checked->hasher);
    return status;
}

/* ---- exports ---- */

/* The whole lines of what was read; the rest stays in front. */
static enum rc take_lines(struct export_check *check, struct buf *bytes, struct err *err)
{
    enum rc rc = RC_OK;
    struct str rest = buf_view(bytes);
    for (size_t n = 0; rc == RC_OK && (n = str_find(rest, '\n')) < rest.n; rest = str_skip(rest, n + 1))
        rc = export_check_line(check, str_slice(rest, 0, n + 1), err);
    buf_consume(bytes, bytes->n - rest.n);
    return rc;
}

static enum rc check_lines(struct export_check *check, FILE *file, struct err *err)
{
    struct buf bytes CLEANUP(buf_done) = {0};
    enum rc rc = RC_OK;
    size_t n = 1;
    buf_init(&bytes, EXPORT_LINE_MAX + 2 * READ_BYTES);
    while (rc == RC_OK && n > 0) {
        char *room = buf_reserve(&bytes, READ_BYTES);
        n = room ? fread(room, 1, READ_BYTES, file) : 0;
        if (!room && bytes.n < EXPORT_LINE_MAX)
            return err_set(err, RC_LIMIT, "out of memory");
        if (!room)
            return err_set(err, RC_DENIED, "line %" PRIu64 " of the file is longer than any that is exported",
                           check->line + 1);
        buf_grew(&bytes, n);
        rc = take_lines(check, &bytes, err);
    }
    if (rc == RC_OK && ferror(file))
        rc = err_set(err, RC_IO, "the file does not read");
    if (rc == RC_OK && bytes.n > 0)
        rc = export_check_line(check, buf_view(&bytes), err);
    return rc == RC_OK ? export_check_end(check, err) : rc;
}

int verify_export(const struct verify_options *options, struct arena *arena)
{
    struct err err = {0};
    char path[4096];
    char about[32] = "";
    struct checked *checked = checked_new(options, arena);
    struct export_check *check = arena_alloc(arena, sizeof *check);
    int n = snprintf(path, sizeof path, "%s.proof", options->export);
    FILE *file = fopen(options->export, "re");
    enum rc rc = check && n > 0 && (size_t)n < sizeof path ? RC_OK : err_set(&err, RC_LIMIT, "the name is too long");
    if (rc == RC_OK && !file)
        rc = err_set(&err, RC_IO, "could not open \"%s\"", options->export);
    rc = rc == RC_OK ? load(checked, options->proof ? options->proof : path, true, &err) : rc;
    if (rc != RC_OK) {
        if (file)
            fclose(file);
        return cannot(checked, &err);
    }
    rc = check_seal(checked, &err);
    rc = rc == RC_OK ? export_check_begin(check, checked->body, &checked->policy, arena, &err) : rc;
    rc = rc == RC_OK ? check_lines(check, file, &err) : rc;
    fclose(file);
    /* Anyone who has the archive's hashes can write other lines for its records: only the seal binds a line. */
    if (rc == RC_OK && checked->seal.n == 0)
        rc = err_set(&err, RC_DENIED,
                     "the export is not in the log (its proof has no seal), so that anybody could have "
                     "written its lines");
    number_of(check->records, about);
    int status = say(checked, rc, TEXT_EXPORT_GOOD, about, &err);
    export_check_done(check);
    tlog_hasher_free(checked->hasher);
    return status;
}
