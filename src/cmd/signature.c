/* signature.c - `qorgan signature`: whether a document was signed by whom it says, and whether that can be believed
 * (signature/signature.h). Strangers' files: they are read in a copy without rights. */
#include "signature/signature.h"

#include "base/arena.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/options.h"
#include "os/clock.h"
#include "os/file.h"
#include "paper/visible.h"
#include "role/signature_report.h"

#include <stdio.h>
#include <string.h>

#define COPY_MEMORY  ((uint64_t)4 << 30) /* a document of half a gigabyte, some times */
#define OUT_BYTES    ((size_t)4 << 20)
#define ANSWER_BYTES 64u

struct believing {
    enum signature_kind kind;
    struct str bytes;
    const char *path;
};

struct judging_signature {
    struct str signed_bytes;
    struct str document; /* p == NULL: none */
    int64_t now_s;
    bool json;
    struct signature_trust *trust;
    struct believing believed[OPTIONS_GIVEN_MAX];
    size_t believed_count;
    struct signature_report report;
};

/* ---- printing ---- */

/* A certificate without an end ends in 9999 (RFC 5280 4.1.2.5), later than nanoseconds count. */
static void put_time(struct buf *out, int64_t time_s)
{
    char text[CIVIL_TEXT_MAX];
    int64_t of_day = (time_s % DAY_S + DAY_S) % DAY_S;
    int32_t year;
    int32_t month;
    int32_t day;
    civil_from_days((time_s - of_day) / DAY_S, &year, &month, &day);
    struct str clock = str_skip(str_at(text, civil_format(of_day * SECOND_NS, 0, 0, text)), strlen("1970-01-01"));
    buf_format(out, "%04d-%02d-%02d", year, month, day);
    buf_str(out, clock);
}

static void put_text(struct buf *out, const char *before, const char *text)
{
    if (!text[0])
        return;
    buf_text(out, before);
    visible_show(out, str_of(text));
}

static void put_answer(struct buf *out, const char *name, const struct signature_answer *answer)
{
    buf_format(out, "  %-11s %s", name, signature_verdict_name(answer->verdict));
    if (answer->verdict != SIGNATURE_GOOD) {
        buf_format(out, ": %s", signature_reason_words(answer->reason));
        put_text(out, ": ", answer->about);
    }
    buf_char(out, '\n');
}

static void signer_text(struct buf *out, const struct signature_signer *s)
{
    buf_format(out, "%s: ", signature_verdict_name(s->verdict));
    visible_show(out, s->serial[0] ? str_of(s->name) : STR("a signer whose certificate is not here"));
    put_text(out, ", ", s->person);
    put_text(out, ", ", s->organisation);
    put_text(out, ", ", s->organisation_code);
    if (s->serial[0]) {
        buf_format(out, "\n  certificate %s", s->serial);
        put_text(out, " of ", s->issuer);
        buf_text(out, ", ");
        put_time(out, s->from_s);
        buf_text(out, " to ");
        put_time(out, s->until_s);
        put_text(out, "; ", s->algorithm);
    }
    buf_char(out, '\n');
    for (enum signature_question i = 0; i < SIGNATURE_QUESTIONS; i++)
        put_answer(out, signature_question_name(i), &s->answer[i]);
    if (s->has_stamp)
        put_answer(out, "time stamp", &s->stamp);
    if (s->claimed_s) {
        buf_text(out, "  signed      ");
        put_time(out, s->claimed_s);
        buf_text(out, ", by the signer's own word\n");
    }
    buf_text(out, "  judged for  ");
    put_time(out, s->moment_s);
    buf_text(out, s->stamped_s ? ", the time stamp\n" : ", for no time stamp shows when it was signed\n");
}

static void report_put(struct buf *out, const struct signature_report *report, bool json)
{
    if (!json) {
        for (size_t i = 0; i < report->signer_count; i++)
            signer_text(out, &report->signer[i]);
        return;
    }
    signature_report_write(report, out);
    buf_char(out, '\n');
}

/* ---- the work ---- */

/* In the copy. */
static enum rc work_judge(void *context, struct buf *answer, struct err *err)
{
    struct judging_signature *judging = context;
    struct buf out CLEANUP(buf_done);
    enum rc rc = RC_OK;
    buf_init(&out, OUT_BYTES);
    for (size_t i = 0; i < judging->believed_count && rc == RC_OK; i++) {
        const struct believing *believing = &judging->believed[i];
        rc = signature_trust_add(judging->trust, believing->kind, believing->bytes, err);
        if (rc != RC_OK)
            return err_wrap(err, "\"%s\"", believing->path);
    }
    const struct str *document = judging->document.p ? &judging->document : NULL;
    rc = signature_verify(judging->trust, judging->signed_bytes, document, judging->now_s, &judging->report, err);
    if (rc != RC_OK)
        return rc;
    report_put(&out, &judging->report, judging->json);
    if (out.overflow || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
        return err_set(err, RC_IO, "could not write to standard output");
    buf_text(answer, signature_verdict_name(judging->report.verdict));
    return RC_OK;
}

static enum rc believed_read(const struct options *options, struct judging_signature *judging, struct err *err)
{
    static const struct {
        const char *option;
        enum signature_kind kind;
    } rows[] = {{"root", SIGNATURE_ROOTS},
                {"certificate", SIGNATURE_CERTIFICATES},
                {"crl", SIGNATURE_LISTS},
                {"ocsp", SIGNATURE_RESPONSES}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t at = 0; options_list(options, rows[i].option, at); at++) {
            struct believing *believing = &judging->believed[judging->believed_count++];
            believing->kind = rows[i].kind;
            believing->path = options_list(options, rows[i].option, at);
            enum rc rc = file_map_path(believing->path, &believing->bytes, err);
            if (rc != RC_OK)
                return rc;
        }
    return RC_OK;
}

static enum rc files_read(const struct options *options, struct judging_signature *judging, struct err *err)
{
    const char *document = options_text(options, "document");
    enum rc rc = file_map_path(options->operands[0], &judging->signed_bytes, err);
    if (rc == RC_OK && document) {
        rc = file_map_path(document, &judging->document, err);
        judging->document.p = judging->document.p ? judging->document.p : ""; /* an empty one was signed, too */
    }
    return rc == RC_OK ? believed_read(options, judging, err) : rc;
}

int cmd_signature(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    struct buf answer CLEANUP(buf_done);
    int status = options_parse("signature", argc, argv, &options);
    buf_init(&answer, ANSWER_BYTES);
    if (status != OPTIONS_GO)
        return status;
    int64_t now_ns = clock_real_ns();
    struct judging_signature *judging = memory_new(sizeof *judging);
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    enum rc rc = judging && trust ? RC_OK : err_set(&err, RC_LIMIT, "no memory");
    const struct confined confined = {.work = work_judge, .context = judging, .memory_max = COPY_MEMORY};
    if (rc == RC_OK) {
        judging->trust = trust;
        judging->json = options_flag(&options, "json");
        judging->now_s = options_time(&options, "at", now_ns, now_ns) / SECOND_NS;
        rc = files_read(&options, judging, &err);
    }
    rc = rc == RC_OK ? confined_command(&confined, "signature: the judging", &answer, &err) : rc;
    memory_free(judging);
    if (rc != RC_OK)
        return cmd_fail("signature", &err);
    return str_is(buf_view(&answer), signature_verdict_name(SIGNATURE_GOOD)) ? CMD_OK : CMD_FAILED;
}
