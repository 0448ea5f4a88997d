/* proof.c - `qorgan proof RECORD...`: records with their places in the newest signed tree, as one file that people read
 * and qorgan-verify checks offline; with --plain one record's C2SP tlog-proof alone. */
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/paper.h"
#include "codec/json.h"
#include "os/file.h"

#include <stdio.h>

struct making {
    struct papers_form form;
    bool plain;
    size_t count;
    uint64_t records[SHEET_RECORDS_MAX];
};

static enum rc make(const struct options *options, const struct making *making, struct buf *ret_text, struct err *err)
{
    struct reading reading;
    enum rc rc = reading_open(&reading, options_text(options, "data"), false, err);
    if (rc == RC_OK && making->plain)
        rc = archive_reader_proof(reading.reader, making->records[0], ret_text, err);
    else if (rc == RC_OK)
        rc = papers_sheet(reading.reader, making->records, making->count, making->form, ret_text, err);
    reading_close(&reading);
    return rc;
}

static void print_json(const struct making *making, struct str text)
{
    struct buf line CLEANUP(buf_done) = {0};
    buf_init(&line, 2 * PAPER_SIZE_MAX);
    json_write_object(&line);
    json_put_u64(&line, "record", making->records[0]);
    json_write_key(&line, "records");
    json_write_array(&line);
    for (size_t i = 0; i < making->count; i++)
        json_write_u64(&line, making->records[i]);
    json_write_array_end(&line);
    json_put_str(&line, making->plain ? "proof" : "paper", text);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
}

int cmd_proof(int argc, char **argv)
{
    static struct making making;
    struct options options;
    struct err err = {0};
    struct buf text CLEANUP(buf_done) = {0};
    int status = options_parse("proof", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    making.plain = options_flag(&options, "plain");
    making.count = (size_t)options.operand_count;
    if (making.count > (making.plain ? 1 : (size_t)SHEET_RECORDS_MAX))
        return cmd_usage("proof", making.plain ? "--plain takes one record" : "a proof sheet holds at most %d records",
                         SHEET_RECORDS_MAX);
    for (size_t i = 0; i < making.count; i++)
        if (!str_to_u64(str_of(options.operands[i]), &making.records[i]))
            return cmd_usage("proof", "\"%s\" is not a record number", options.operands[i]);
    buf_init(&text, PAPER_SIZE_MAX);
    enum rc rc = making.plain ? RC_OK : paper_form(&options, &making.form, &err);
    if (rc == RC_INVALID)
        return cmd_usage("proof", "%s", err.text);
    rc = rc == RC_OK ? make(&options, &making, &text, &err) : rc;
    const char *path = options_text(&options, "out");
    if (rc == RC_OK && path)
        rc = file_write_path(path, buf_view(&text), &err);
    if (rc != RC_OK)
        return cmd_fail("proof", &err);
    if (options_flag(&options, "json"))
        print_json(&making, buf_view(&text));
    else if (!path)
        fwrite(text.p, 1, text.n, stdout);
    return fflush(stdout) == 0 ? CMD_OK : CMD_FAILED;
}
