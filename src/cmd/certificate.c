/* certificate.c - `qorgan certificate --source NAME --date D`: which records of a source the archive has of a day, as
 * one file that people read and qorgan-verify checks; its SHA-256 becomes a record of the log. */
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/paper.h"
#include "codec/json.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

static enum rc make(const struct options *options, struct papers_form form, struct buf *ret_text, struct err *err)
{
    struct reading reading;
    struct event_source source;
    const char *kind = options_text(options, "kind");
    const char *name = options_text(options, "source");
    enum rc rc = reading_open(&reading, options_text(options, "data"), false, err);
    rc = rc == RC_OK ? papers_source(reading.reader, str_of(kind ? kind : ""), str_of(name), &source, err) : rc;
    struct papers_day day = {.source = &source, .day = str_of(options_text(options, "date")), .form = form};
    rc = rc == RC_OK ? papers_certificate(reading.reader, &day, ret_text, err) : rc;
    reading_close(&reading);
    return rc;
}

static enum rc seal(const struct options *options, struct buf *text, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    struct buf about CLEANUP(buf_done) = {0};
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory");
    buf_init(&about, 4096);
    buf_format(&about, "%.1000s %.20s", options_text(options, "source"), options_text(options, "date"));
    tlog_hash_bytes(hasher, buf_view(text), &hash);
    return paper_seal(options_text(options, "data"), "certificate", &hash, buf_view(&about), text, err);
}

int cmd_certificate(int argc, char **argv)
{
    struct options options;
    struct papers_form form;
    struct err err = {0};
    struct buf text CLEANUP(buf_done) = {0};
    int64_t day[2];
    int status = options_parse("certificate", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    enum rc rc = certificate_day(str_of(options_text(&options, "date")), 0, &day[0], &day[1], &err);
    rc = rc == RC_OK ? paper_form(&options, &form, &err) : rc;
    if (rc == RC_INVALID)
        return cmd_usage("certificate", "%s", err.text);
    buf_init(&text, PAPER_SIZE_MAX);
    rc = rc == RC_OK ? make(&options, form, &text, &err) : rc;
    if (rc == RC_OK && !options_flag(&options, "unsealed"))
        rc = seal(&options, &text, &err);
    const char *path = options_text(&options, "out");
    if (rc == RC_OK && path)
        rc = file_write_path(path, buf_view(&text), &err);
    if (rc != RC_OK)
        return cmd_fail("certificate", &err);
    if (options_flag(&options, "json")) {
        struct buf line CLEANUP(buf_done) = {0};
        buf_init(&line, 2 * PAPER_SIZE_MAX);
        json_write_object(&line);
        json_put_text(&line, "source", options_text(&options, "source"));
        json_put_text(&line, "date", options_text(&options, "date"));
        json_put_str(&line, "paper", buf_view(&text));
        json_write_object_end(&line);
        printf("%s\n", buf_z(&line));
    } else if (!path) {
        fwrite(text.p, 1, text.n, stdout);
    }
    return fflush(stdout) == 0 ? CMD_OK : CMD_FAILED;
}
