/* Papers: proof sheets, certificates and exports, checked offline. */
#include "base/assert.h"
#include "base/bytes.h"
#include "cmd/qorgan_verify_audit.h"
#include "os/file.h"
#include "paper/certificate.h"
#include "paper/export_proof.h"
#include "paper/seal.h"
#include "paper/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_ARENA    ((size_t)1 << 30)
#define FILE_LINE_MAX ((size_t)64 << 20)

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

/* Loads key and file. RC_OK, or the program cannot check. */
static enum rc load(struct checked *checked, const char *path, struct err *err)
{
    checked->hasher = tlog_hasher_new();
    enum rc rc = checked->hasher ? RC_OK : err_set(err, RC_LIMIT, "out of memory");
    rc = rc == RC_OK ? verify_load_policy(checked->options, checked->arena, &checked->policy, err) : rc;
    return rc == RC_OK ? file_load_path(path, TEXT_ARENA / 2, checked->arena, &checked->text, err) : rc;
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

static int say(const struct checked *checked, enum rc rc, enum text good, const char *about, const struct err *err)
{
    const struct verify_options *options = checked->options;
    struct buf out CLEANUP(buf_done) = {0};
    char number[32];
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

static int cannot(struct checked *checked, const struct err *err)
{
    tlog_hasher_free(checked->hasher);
    fprintf(stderr, "qorgan-verify: %s\n", err->text);
    return VERIFY_USAGE;
}

int verify_sheet(const struct verify_options *options, struct arena *arena)
{
    struct err err = {0};
    struct sheet sheet = {0};
    struct buf about CLEANUP(buf_done) = {0};
    struct checked *checked = checked_new(options, arena);
    if (load(checked, options->proof, &err) != RC_OK)
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
    enum rc rc;
    struct err err;
};

static void watch(void *context, const struct leaf *leaf)
{
    struct recount *recount = context;
    if (recount->rc == RC_OK)
        recount->rc = certificate_counter_add(&recount->counter, leaf, &recount->err);
}

/* The whole archive is audited, and the source's records counted on the way. */
static enum rc recount(struct checked *checked, const struct certificate *certificate, struct err *err)
{
    struct recount *again = arena_alloc(checked->arena, sizeof *again);
    struct certificate_count *count = arena_alloc(checked->arena, sizeof *count);
    struct audit *audit = audit_new(&checked->policy, checked->arena);
    if (!again || !count || !audit)
        return err_set(err, RC_LIMIT, "out of memory");
    enum rc rc = certificate_counter_init(&again->counter, certificate, count, err);
    audit->watch = watch;
    audit->watch_context = again;
    rc = rc == RC_OK ? audit_check(audit, checked->options->data, err) : rc;
    if (rc == RC_CORRUPT && audit->damaged)
        rc = err_set(err, RC_CORRUPT, "the archive is damaged: %s: %.300s", audit->file, audit->text);
    if (rc == RC_OK && again->rc != RC_OK)
        rc = err_set(err, again->rc, "%s", again->err.text);
    if (rc == RC_OK && audit->frontier.size < certificate->proven[0].checkpoint.head.size)
        rc = err_set(err, RC_DENIED, "the archive is shorter than the certificate's checkpoint");
    rc = rc == RC_OK ? certificate_count_compare(certificate->count, count, err) : rc;
    certificate_counter_done(&again->counter);
    audit_done(audit);
    return rc;
}

int verify_certificate(const struct verify_options *options, struct arena *arena)
{
    struct err err = {0};
    char about[96];
    struct certificate certificate = {0};
    struct checked *checked = checked_new(options, arena);
    if (load(checked, options->certificate, &err) != RC_OK)
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

static enum rc check_lines(struct export_check *check, FILE *file, struct err *err)
{
    char *line = NULL;
    size_t room = 0;
    enum rc rc = RC_OK;
    ssize_t n = 0;
    while (rc == RC_OK && (n = getline(&line, &room, file)) > 0)
        rc = (size_t)n > FILE_LINE_MAX ? err_set(err, RC_LIMIT, "a line of the file is too long")
                                       : export_check_line(check, str_at(line, (size_t)n), err);
    if (rc == RC_OK && ferror(file))
        rc = err_set(err, RC_IO, "the file does not read");
    memory_free(line);
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
    rc = rc == RC_OK ? load(checked, options->proof ? options->proof : path, &err) : rc;
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
        rc = err_set(&err, RC_DENIED, "the export is not in the log (its proof has no seal), so that anybody could have "
                                      "written its lines");
    number_of(check->records, about);
    int status = say(checked, rc, TEXT_EXPORT_GOOD, about, &err);
    export_check_done(check);
    tlog_hasher_free(checked->hasher);
    return status;
}
