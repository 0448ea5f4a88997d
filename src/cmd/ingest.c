/* ingest.c - imports files (ingest_file.h), known again by their content, so that a second run adds nothing. */
#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "cmd/archive_client.h"
#include "cmd/cmd.h"
#include "cmd/ingest_file.h"
#include "cmd/ingest_watch.h"
#include "cmd/options.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What names the content: device, inode and the first kilobyte. Standard input is new every time. */
static uint64_t content_epoch(int fd, const struct stat *st)
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e2069), UINT64_C(0x6e67657374206b65)};
    char head[1024 + 16];
    if (!S_ISREG(st->st_mode))
        return random_u64() | 1;
    put_be64(head, st->st_dev);
    put_be64(head + 8, st->st_ino);
    ssize_t got = pread(fd, head + 16, sizeof head - 16, 0);
    return siphash(key, head, 16 + (got > 0 ? (size_t)got : 0)) | 1;
}

static enum rc file_open(const char *file, int *ret_fd, char *ret_name, size_t size, struct err *err)
{
    if (strcmp(file, "-") == 0) {
        *ret_fd = STDIN_FILENO;
        snprintf(ret_name, size, "standard input");
        return RC_OK;
    }
    *ret_fd = open(file, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_errno(err, errno, "could not open \"%s\"", file);
    char absolute[PATH_MAX];
    snprintf(ret_name, size, "%s", realpath(file, absolute) ? absolute : file);
    return RC_OK;
}

static enum rc file_ingest(const char *path, const char *name, struct archive_client *client,
                           struct ingest_result *ret_result, struct err *err)
{
    char absolute[PATH_MAX];
    struct stat st;
    uint64_t highest = 0;
    struct ingest_file file = {.fd = -1, .path = path, .progress = isatty(STDERR_FILENO) == 1};
    enum rc rc = file_open(path, &file.fd, absolute, sizeof absolute, err);
    if (rc != RC_OK)
        return rc;
    if (fstat(file.fd, &st) != 0 || S_ISDIR(st.st_mode))
        rc = err_set(err, RC_INVALID, "\"%s\" is not a file", path);
    if (rc == RC_OK)
        rc = archive_client_begin(client, name ? name : absolute, content_epoch(file.fd, &st), &highest, err);
    if (rc == RC_OK)
        rc = ingest_file_take(client, &file, highest, ret_result, err);
    if (rc == RC_OK)
        rc = archive_client_end(client, err);
    if (file.fd > STDIN_FILENO)
        close(file.fd);
    if (file.progress)
        fprintf(stderr, "\r\033[K");
    return rc;
}

static void result_show(const char *path, const struct ingest_result *result, bool json)
{
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 65536);
    ingest_result_put(path, result, json, &out);
    printf("%s\n", buf_z(&out));
}

static int files_ingest(const struct options *options)
{
    int status = CMD_OK;
    for (int i = 0; i < options->operand_count; i++) {
        const char *path = options->operands[i];
        struct archive_client *client;
        struct ingest_result result = {0};
        struct err err = {0};
        enum rc rc = archive_client_open(options_text(options, "data"), &client, &err);
        if (rc == RC_OK) {
            rc = file_ingest(path, options_text(options, "name"), client, &result, &err);
            archive_client_close(client);
        }
        if (rc == RC_OK)
            result_show(path, &result, options_flag(options, "json"));
        if (rc == RC_OK && (result.unreadable || result.damaged))
            status = CMD_FAILED;
        else if (rc != RC_OK)
            status = cmd_fail("ingest", &err);
    }
    return status;
}

int cmd_ingest(int argc, char **argv)
{
    struct options options;
    int status = options_parse("ingest", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    return options_flag(&options, "watch") ? ingest_watch(&options) : files_ingest(&options);
}
