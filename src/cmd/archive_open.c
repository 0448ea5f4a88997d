#include "cmd/archive_open.h"

#include "base/arena.h"
#include "cmd/data.h"
#include "os/io.h"
#include "os/random.h"
#include "role/config.h"
#include "role/parent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum rc archive_folder_path(const char *data, char ret_path[ARCHIVE_PATH_MAX], struct err *err)
{
    int n = snprintf(ret_path, ARCHIVE_PATH_MAX, "%s/archive", data);
    bool fits = n >= 0 && (size_t)n < ARCHIVE_PATH_MAX;
    return fits ? RC_OK : err_set(err, RC_LIMIT, "the data folder's name is too long");
}

enum rc archive_folder(const char *data, int *ret_folder, struct err *err)
{
    char path[ARCHIVE_PATH_MAX];
    enum rc rc = archive_folder_path(data, path, err);
    if (rc != RC_OK)
        return rc;
    int fd = io_open_folder(path);
    if (fd == -ENOENT)
        return err_set(err, RC_NOT_FOUND,
                       "there is no archive in \"%s\"; start the service once, or name another --data", data);
    if (fd < 0)
        return err_errno(err, -fd, "could not open \"%s\"", path);
    *ret_folder = fd;
    return RC_OK;
}

enum rc archive_vault(const char *data, struct vault **ret_vault, struct err *err)
{
    struct config config;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)4 << 20);
    *ret_vault = NULL;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = config_load(data, arena, &config, err);
    return rc == RC_OK ? vault_open(config.encryption, ret_vault, err) : rc;
}

static void keep_event(void *context, const struct event *event)
{
    struct reading *reading = context;
    if (!(event->flags & EVENT_ARCHIVE))
        return;
    *reading->event = *event;
    reading->event->field_count = MIN(event->field_count, (uint32_t)EVENT_FIELDS_MAX);
    memcpy(reading->fields, event->fields, reading->event->field_count * sizeof *reading->fields);
    reading->event->fields = reading->fields;
}

static bool derive(void *context, const struct event_source *source, const struct leaf *leaf, struct str raw,
                   struct arena *arena, struct event *ret_event)
{
    struct reading *reading = context;
    if (leaf->type != LEAF_RAW && leaf->type != LEAF_DIGEST)
        return false;
    reading->event->flags = 0;
    normaliser_record(reading->normaliser, source, leaf->index, leaf->received_ns, raw, arena, keep_event, reading);
    *ret_event = *reading->event;
    return (reading->event->flags & EVENT_ARCHIVE) != 0;
}

static enum rc derive_open(struct reading *reading, struct err *err)
{
    struct buf path;
    buf_init(&path, 4096);
    enum rc rc = data_folder(&path, err);
    if (rc == RC_OK)
        rc = mapping_load(buf_z(&path), reading->names, &reading->mapping, err);
    buf_done(&path);
    if (rc != RC_OK)
        return rc;
    reading->normaliser = normaliser_new(reading->mapping, reading->names);
    reading->event = memory_new(sizeof *reading->event);
    reading->fields = memory_new(EVENT_FIELDS_MAX * sizeof *reading->fields);
    return reading->normaliser && reading->event && reading->fields ? RC_OK : err_set(err, RC_LIMIT, "no memory");
}

enum rc reading_prepare(struct reading *reading, const char *data, bool with_fields, struct err *err)
{
    int folder = -1;
    memset(reading, 0, sizeof *reading);
    reading->folder = -1;
    reading->names = names_new(random_u64());
    enum rc rc = reading->names ? archive_folder(data, &folder, err) : err_set(err, RC_LIMIT, "no memory");
    if (folder >= 0)
        close(folder); /* it is there: said before anything else */
    rc = rc == RC_OK && with_fields ? derive_open(reading, err) : rc;
    return rc == RC_OK ? archive_vault(data, &reading->vault, err) : rc;
}

enum rc reading_start(struct reading *reading, const char *data, struct err *err)
{
    struct archive_reader_options options = {.names = reading->names,
                                             .derive = reading->normaliser ? derive : NULL,
                                             .derive_context = reading,
                                             .vault = reading->vault};
    enum rc rc = archive_folder(data, &reading->folder, err);
    if (rc != RC_OK)
        return rc;
    rc = archive_reader_open(&io_kernel, reading->folder, &options, &reading->reader, err);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "archive in \"%s\"", data)); /* the code stays rc */
    else if (archive_reader_cosigned_damaged(reading->reader))
        fprintf(stderr, "qorgan: warning: file \"checkpoints/cosigned\" of the archive is damaged and not used; run "
                        "qorgan verify\n");
    return rc;
}

enum rc reading_open(struct reading *reading, const char *data, bool with_fields, struct err *err)
{
    enum rc rc = reading_prepare(reading, data, with_fields, err);
    return rc == RC_OK ? reading_start(reading, data, err) : rc;
}

void reading_tell_gone(struct reading *reading, const char *command, const struct search_result *result)
{
    struct archive_gone gone = {.first = result->gone_first, .end = result->gone_end, .record = result->gone_under};
    bool some = gone.end - gone.first > result->gone_records;
    char text[ARCHIVE_GONE_TEXT];
    if (!result->gone_segments)
        return;
    archive_reader_gone_say(reading->reader, &gone, text);
    fprintf(stderr, "qorgan %s: %s%s\n", command, some ? "of the range, some records are gone: among " : "", text);
}

void reading_close(struct reading *reading)
{
    archive_reader_close(reading->reader);
    vault_free(reading->vault);
    normaliser_free(reading->normaliser);
    mapping_free(reading->mapping);
    names_free(reading->names);
    memory_free(reading->event);
    memory_free(reading->fields);
    if (reading->folder >= 0)
        close(reading->folder);
}
