/* verify.c - `qorgan verify`: every record of the archive against the tree and every stored checkpoint. */
#include "archive/verify.h"

#include "base/buf.h"
#include "cmd/archive_client.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"

#include <stdio.h>
#include <unistd.h>

#define RECORD_MAX 1024
#define LINE_BYTES ((size_t)1 << 16)

struct checking {
    bool json;
    bool terminal; /* progress is wanted */
    uint64_t shown;
};

static void print_line(struct buf *line)
{
    printf("%s\n", buf_z(line));
    buf_done(line);
}

static void finding(void *context, const struct verify_finding *found)
{
    const struct checking *checking = context;
    struct buf line;
    buf_init(&line, LINE_BYTES);
    if (checking->json) {
        json_write_object(&line);
        json_put_text(&line, "finding", found->warning ? "warning" : "fault");
        json_put_text(&line, "file", found->file);
        if (found->offset >= 0)
            json_put_int(&line, "offset", found->offset);
        if (found->record != UINT64_MAX)
            json_put_u64(&line, "record", found->record);
        json_put_text(&line, "text", found->text);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s: %s", found->warning ? "warning" : "FAULT", found->file);
        if (found->offset >= 0)
            buf_format(&line, " at offset %lld", (long long)found->offset);
        buf_format(&line, ": %s", found->text);
    }
    print_line(&line);
}

static bool progress(void *context, uint64_t records, uint64_t total)
{
    struct checking *checking = context;
    if (checking->terminal && records - checking->shown >= 100000) {
        checking->shown = records;
        fprintf(stderr, "\r%llu of %llu records", (unsigned long long)records,
                (unsigned long long)(total > records ? total : records));
    }
    return true;
}

static void print_result(const struct checking *checking, const struct verify_result *result)
{
    struct buf line;
    char root[44];
    size_t n = base64_encode(result->root, sizeof result->root, root);
    buf_init(&line, LINE_BYTES);
    if (checking->json) {
        json_write_object(&line);
        json_put_bool(&line, "ok", result->findings == 0);
        json_put_u64(&line, "records", result->records);
        json_put_u64(&line, "segments", result->segments);
        json_put_u64(&line, "gone_segments", result->gone_segments);
        json_put_u64(&line, "gone_records", result->gone_records);
        json_put_u64(&line, "log_files", result->log_files);
        json_put_u64(&line, "checkpoints", result->checkpoints);
        json_put_u64(&line, "blind", result->blind);
        json_put_u64(&line, "checkpoint_size", result->checkpoint_size);
        json_put_u64(&line, "faults", result->findings);
        json_put_u64(&line, "warnings", result->warnings);
        json_put_u64(&line, "size", result->size);
        json_put_str(&line, "root", str_at(root, n));
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s: %llu records in %llu segments and %llu log files; %llu checkpoints compared",
                   result->findings ? "FAULTS FOUND" : "good", (unsigned long long)result->records,
                   (unsigned long long)result->segments, (unsigned long long)result->log_files,
                   (unsigned long long)result->checkpoints);
        if (result->gone_segments)
            buf_format(&line, "\n%llu records in %llu segments were deleted%s",
                       (unsigned long long)result->gone_records, (unsigned long long)result->gone_segments,
                       result->findings ? "" : ", each under its retention record");
        if (result->blind)
            buf_format(&line, "\n%llu checkpoints inside deleted records cannot be compared",
                       (unsigned long long)result->blind);
        buf_format(&line, "\nsize %llu, root %.*s", (unsigned long long)result->size, (int)n, root);
    }
    print_line(&line);
}

/* {"event":"archive.verified",...}: the archive remembers its last verification (msg/batch.h). Without a service there
 * is nobody to tell, and a folder that is only looked at stays as it is: RC_NOT_FOUND. */
static enum rc result_tell(const char *data, const struct verify_result *result, struct err *err)
{
    struct archive_client *client = NULL;
    struct buf record CLEANUP(buf_done) = {0};
    uint64_t highest = 0;
    char root[44];
    size_t n = base64_encode(result->root, sizeof result->root, root);
    buf_init(&record, RECORD_MAX);
    json_write_object(&record);
    json_put_text(&record, "event", "archive.verified");
    json_put_text(&record, "result", result->findings ? "faults" : "good");
    json_put_u64(&record, "faults", result->findings);
    json_put_u64(&record, "size", result->size);
    json_put_str(&record, "root", str_at(root, n));
    json_put_u64(&record, "uid", (uint64_t)getuid());
    json_write_object_end(&record);
    enum rc rc = archive_client_open_service(data, &client, err);
    if (rc != RC_OK)
        return rc;
    rc = archive_client_begin(client, "qorgan verify", 1, &highest, err);
    rc = rc == RC_OK ? archive_client_paper(client, buf_view(&record), err) : rc;
    rc = rc == RC_OK ? archive_client_end(client, err) : rc;
    archive_client_close(client);
    return rc;
}

int cmd_verify(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    struct verify_result result;
    int folder = -1;
    int status = options_parse("verify", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    struct checking checking = {.json = options_flag(&options, "json"), .terminal = isatty(STDERR_FILENO) == 1};
    struct verify_options verify = {.finding = finding, .progress = progress, .context = &checking};
    if (archive_folder(options_text(&options, "data"), &folder, &err) != RC_OK)
        return cmd_fail("verify", &err);
    struct vault *vault CLEANUP(vault_cleanup) = NULL;
    if (archive_vault(options_text(&options, "data"), &vault, &err) != RC_OK)
        return cmd_fail("verify", &err);
    verify.vault = vault;
    enum rc rc = archive_verify(&io_kernel, folder, &verify, &result, &err);
    close(folder);
    if (checking.terminal && checking.shown)
        fputc('\n', stderr);
    if (rc == RC_OK || rc == RC_CORRUPT)
        print_result(&checking, &result);
    struct err untold = {0};
    if ((rc == RC_OK || rc == RC_CORRUPT) && result_tell(options_text(&options, "data"), &result, &untold) != RC_OK)
        fprintf(stderr, "qorgan verify: not recorded in the archive: %s\n", untold.text);
    return rc == RC_OK ? CMD_OK : cmd_fail("verify", &err);
}
