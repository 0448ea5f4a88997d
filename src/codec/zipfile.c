#include "codec/zipfile.h"

#include "base/assert.h"
#include "base/buf.h"

#include <sys/stat.h>
#include <zip.h>

#define UNIX_SHIFT        16 /* where the mode stands in the attributes that Unix programs write */
#define READ_BYTES        ((size_t)64 << 10)
#define LOCATOR_SIZE      20 /* of ZIP64 */
#define DIRECTORY_END_MAX (65535 + 22 + LOCATOR_SIZE)

struct zipfile {
    zip_t *zip;
    size_t count;
};

bool zipfile_begins(struct str text)
{
    return str_starts(text, STR("PK\x03\x04")) || str_starts(text, STR("PK\x05\x06"));
}

static enum rc zipfile_fail(zip_error_t *error, struct err *err)
{
    bool memory = zip_error_code_zip(error) == ZIP_ER_MEMORY;
    return err_set(err, memory ? RC_LIMIT : RC_INVALID, "the ZIP file cannot be read: %s", zip_error_strerror(error));
}

static enum rc source_open(struct zipfile *file, struct str bytes, struct err *err)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.p, bytes.n, 0, &error);
    if (source)
        file->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
    enum rc rc = file->zip ? RC_OK : zipfile_fail(&error, err);
    if (!file->zip && source)
        zip_source_free(source); /* else it is the file's */
    zip_error_fini(&error);
    return rc;
}

/* ZIP64 can tell of any number of entries, and libzip makes room for each before it reads one: rule packs and tables
 * need none of it. Its locator stands right before an end of the directory, in the last 64 KiB. */
static bool is_zip64(struct str bytes)
{
    struct str rest = str_skip(bytes, bytes.n - MIN(bytes.n, (size_t)DIRECTORY_END_MAX));
    for (size_t at = 0; at < rest.n; at += 4) {
        at += str_search(str_skip(rest, at), STR("PK\x05\x06"));
        if (at < rest.n && at >= LOCATOR_SIZE && str_starts(str_skip(rest, at - LOCATOR_SIZE), STR("PK\x06\x07")))
            return true;
    }
    return false;
}

enum rc zipfile_open(struct str bytes, struct zipfile **ret_file, struct err *err)
{
    struct zipfile *file = memory_new(sizeof *file);
    if (!file)
        return err_set(err, RC_LIMIT, "no memory for a ZIP file");
    enum rc rc = is_zip64(bytes)
                     ? err_set(err, RC_LIMIT,
                               "the ZIP file is a ZIP64 one, which only those of 65,536 entries and of 4 GiB "
                               "must be")
                     : source_open(file, bytes, err);
    zip_int64_t count = rc == RC_OK ? zip_get_num_entries(file->zip, ZIP_FL_UNCHANGED) : 0;
    if (rc == RC_OK && (count < 0 || count > (zip_int64_t)ZIPFILE_NAMES_MAX))
        rc = err_set(err, RC_LIMIT, "the ZIP file holds more than %u names", ZIPFILE_NAMES_MAX);
    file->count = rc == RC_OK ? (size_t)count : 0;
    if (rc == RC_OK)
        *ret_file = file;
    else
        zipfile_free(file);
    return rc;
}

void zipfile_free(struct zipfile *file)
{
    if (!file)
        return;
    if (file->zip)
        zip_discard(file->zip);
    memory_free(file);
}

size_t zipfile_count(const struct zipfile *file)
{
    return file->count;
}

enum rc zipfile_entry(struct zipfile *file, size_t index, struct zipfile_entry *ret_entry, struct err *err)
{
    ASSERT(index < file->count);
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_stat_t stat;
    if (zip_stat_index(file->zip, index, ZIP_FL_ENC_RAW | ZIP_FL_UNCHANGED, &stat) != 0)
        return zipfile_fail(zip_get_error(file->zip), err);
    if (!(stat.valid & ZIP_STAT_NAME) || !(stat.valid & ZIP_STAT_SIZE))
        return err_set(err, RC_INVALID, "the ZIP file does not say what its entry %zu is", index);
    bool told = zip_file_get_external_attributes(file->zip, index, ZIP_FL_UNCHANGED, &system, &attributes) == 0;
    *ret_entry = (struct zipfile_entry){
        .name = str_of(stat.name),
        .size = stat.size,
        .link = told && system == ZIP_OPSYS_UNIX && S_ISLNK(attributes >> UNIX_SHIFT),
    };
    return RC_OK;
}

static enum rc entry_read(zip_file_t *entry, size_t limit, struct buf *bytes, struct err *err)
{
    char *room;
    zip_int64_t n = 1;
    while (n > 0) {
        size_t most = MIN(READ_BYTES, limit + 1 - bytes->n);
        room = buf_reserve(bytes, most);
        if (!room)
            return err_set(err, RC_LIMIT, "no memory for an entry of the ZIP file");
        n = zip_fread(entry, room, most);
        if (n > 0)
            buf_grew(bytes, (size_t)n);
        if (bytes->n > limit)
            return err_set(err, RC_LIMIT, "an entry of the ZIP file is larger than %zu bytes", limit);
    }
    return n < 0 ? zipfile_fail(zip_file_get_error(entry), err) : RC_OK;
}

enum rc zipfile_read(struct zipfile *file, size_t index, size_t limit, struct arena *arena, struct str *ret_bytes,
                     struct err *err)
{
    ASSERT(index < file->count && limit < SIZE_MAX / 4);
    struct buf bytes CLEANUP(buf_done) = {0};
    zip_file_t *entry = zip_fopen_index(file->zip, index, ZIP_FL_UNCHANGED);
    if (!entry)
        return zipfile_fail(zip_get_error(file->zip), err);
    buf_init(&bytes, 2 * (limit + READ_BYTES));
    enum rc rc = entry_read(entry, limit, &bytes, err);
    zip_fclose(entry);
    if (rc != RC_OK)
        return rc;
    *ret_bytes = arena_str(arena, buf_view(&bytes));
    return ret_bytes->p || bytes.n == 0 ? RC_OK : err_set(err, RC_LIMIT, "no memory for an entry of the ZIP file");
}
