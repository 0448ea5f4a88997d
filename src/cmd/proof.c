/* proof.c - `qorgan proof RECORD`: the record's place in the newest signed tree, as text that verifies offline. */
#include "tlog/proof.h"

#include "base/buf.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum rc write_file(const char *path, struct str bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, errno, "could not create \"%s\"", path);
    enum rc rc = file_write_at(&io_kernel, fd, bytes, 0, err);
    if (close(fd) != 0 && rc == RC_OK)
        rc = err_errno(err, errno, "could not write");
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "\"%s\"", path)); /* the code stays rc */
    return rc;
}

static enum rc make(const struct options *options, uint64_t record, struct buf *ret_text, struct err *err)
{
    struct reading reading;
    enum rc rc = reading_open(&reading, options_text(options, "data"), false, err);
    rc = rc == RC_OK ? archive_reader_proof(reading.reader, record, ret_text, err) : rc;
    reading_close(&reading);
    return rc;
}

static void print_json(uint64_t record, struct str proof)
{
    struct buf line;
    buf_init(&line, 2 * (size_t)PROOF_SIZE_MAX);
    json_write_object(&line);
    json_put_u64(&line, "record", record);
    json_put_str(&line, "proof", proof);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
    buf_done(&line);
}

int cmd_proof(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    struct buf text CLEANUP(buf_done) = {0};
    uint64_t record;
    int status = options_parse("proof", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    if (!str_to_u64(str_of(options.operands[0]), &record))
        return cmd_usage("proof", "\"%s\" is not a record number", options.operands[0]);
    buf_init(&text, PROOF_SIZE_MAX);
    enum rc rc = make(&options, record, &text, &err);
    const char *path = options_text(&options, "out");
    if (rc == RC_OK && path)
        rc = write_file(path, buf_view(&text), &err);
    if (rc != RC_OK)
        return cmd_fail("proof", &err);
    if (options_flag(&options, "json"))
        print_json(record, buf_view(&text));
    else if (!path)
        fwrite(text.p, 1, text.n, stdout);
    return fflush(stdout) == 0 ? CMD_OK : CMD_FAILED;
}
