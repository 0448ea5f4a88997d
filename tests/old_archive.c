/* old_archive.c - not a program of the product: makes a data folder whose archive holds records of long ago, sealed,
 * signed and with its keys, so that the real server can be started on it (tests/retention.py).
 *
 * usage: old-archive FOLDER DAYS[@HOST] COUNT [DAYS[@HOST] COUNT]...    each pair becomes a segment of COUNT records
 * received DAYS days before now, of that host or of web1 and db2 by turns; days must fall. FOLDER must be there. Site:
 * test.example. */
#include "archive/folder.h"
#include "archive/testbed.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOG_FILE_SIZE (1 << 22)

static void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "old-archive: %s: %s\n", what, err->text);
    exit(EXIT_FAILURE);
}

static void key_file(const char *folder, const char *name, struct str text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/keys/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(text.p, 1, text.n, file) != text.n || fclose(file) != 0 || chmod(path, 0400) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

static void keys_write(const struct testbed *bed, const char *folder)
{
    char path[512];
    struct buf text;
    snprintf(path, sizeof path, "%s/keys", folder);
    if (mkdir(path, 0700) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    buf_init(&text, 4096);
    signing_key_write(bed->key, &text);
    key_file(folder, "signer.key", buf_view(&text));
    buf_clear(&text);
    note_key_write(signing_key_public(bed->key), &text);
    buf_char(&text, '\n');
    key_file(folder, "signer.pub", buf_view(&text));
    buf_done(&text);
}

static int64_t number(struct str text)
{
    int64_t value = 0;
    if (!str_to_i64(text, &value) || value <= 0) {
        fprintf(stderr, "old-archive: \"%.*s\" is no number above 0\n", STR_ARG(text));
        exit(2);
    }
    return value;
}

/* "1500@web1": days, and of which host the records are from here on. */
static int64_t days_of(struct testbed *bed, const char *text)
{
    struct str rest = str_of(text);
    struct str days = str_cut(&rest, '@');
    bed->host = rest.p; /* ends with the argument */
    return number(days);
}

/* One segment. */
static void group(struct testbed *bed, int64_t days, int64_t count)
{
    bed->time_ns = clock_real_ns() - days * DAY_S * SECOND_NS - (int64_t)bed->appended * 1000000;
    if (testbed_put(bed, (size_t)count, true) != RC_OK || archive_rotate(bed->archive, &bed->err) != RC_OK)
        fail("could not write records", &bed->err);
    if (testbed_seal(bed, 1) != 1)
        fail("no segment was sealed", &bed->err);
}

int main(int argc, char **argv)
{
    struct testbed bed = {.io = &io_kernel};
    if (argc < 4 || argc % 2 != 0 ||
        snprintf(bed.path, sizeof bed.path, "%s/archive", argv[1]) >= (int)sizeof bed.path) {
        fprintf(stderr, "usage: old-archive FOLDER DAYS[@HOST] COUNT [DAYS[@HOST] COUNT]...\n");
        return 2;
    }
    if (mkdir(bed.path, 0750) != 0) {
        perror(bed.path);
        return EXIT_FAILURE;
    }
    bed.folder = io_open_folder(bed.path);
    bed.names = names_new(1);
    bed.time_ns = clock_real_ns() - days_of(&bed, argv[2]) * DAY_S * SECOND_NS;
    if (testbed_open(&bed, LOG_FILE_SIZE, false) != RC_OK)
        fail("could not make the archive", &bed.err);
    for (int i = 2; i + 1 < argc; i += 2)
        group(&bed, days_of(&bed, argv[i]), number(str_of(argv[i + 1])));
    if (testbed_checkpoint(&bed, true) != RC_OK)
        fail("could not sign", &bed.err);
    keys_write(&bed, argv[1]);
    printf("%s\n", archive_origin(bed.archive));
    testbed_close(&bed);
    return EXIT_SUCCESS;
}
