/* packed.c - a report out of the file that it was packed into: gzip, or ZIP of one file. */
#include "base/macros.h"
#include "codec/gzip.h"
#include "codec/zipfile.h"
#include "scan/report.h"

#define PIECE       ((size_t)1 << 20)
#define ARENA_SLACK ((size_t)1 << 20)

static enum rc too_large(enum scan_fault *ret_fault, struct err *err)
{
    *ret_fault = SCAN_FAULT_LARGE;
    return err_set(err, RC_LIMIT, "the file unpacks to more than %zu bytes", SCAN_BYTES_MAX);
}

static enum rc gzip_unpack(struct str file, struct scan_unpacked *unpacked, enum scan_fault *ret_fault, struct err *err)
{
    struct gunzip *gunzip = gunzip_new();
    enum rc rc = gunzip ? RC_OK : RC_LIMIT;
    buf_init(&unpacked->inflated, SCAN_BYTES_MAX);
    for (size_t at = 0; at < file.n && rc == RC_OK; at += PIECE)
        rc = gunzip_add(gunzip, str_slice(file, at, MIN(at + PIECE, file.n)), &unpacked->inflated);
    if (rc == RC_OK && !gunzip_whole(gunzip))
        rc = RC_INVALID;
    gunzip_free(gunzip);
    unpacked->bytes = buf_view(&unpacked->inflated);
    if (rc == RC_LIMIT)
        return too_large(ret_fault, err);
    return rc == RC_OK ? rc : err_set(err, rc, "the file does not unpack: it is cut off or damaged");
}

/* The one file in it; folders are none. */
static enum rc entry_find(struct zipfile *zip, size_t *ret_index, struct err *err)
{
    size_t found = 0;
    for (size_t i = 0; i < zipfile_count(zip); i++) {
        struct zipfile_entry entry;
        enum rc rc = zipfile_entry(zip, i, &entry, err);
        if (rc != RC_OK)
            return rc;
        if (entry.link || str_ends(entry.name, STR("/")))
            continue;
        *ret_index = i;
        found++;
    }
    return found == 1 ? RC_OK : err_set(err, RC_INVALID, "a packed report is one file, and here are %zu", found);
}

static enum rc zip_unpack(struct str file, struct scan_unpacked *unpacked, enum scan_fault *ret_fault, struct err *err)
{
    struct zipfile *zip = NULL;
    size_t index = 0;
    unpacked->arena = arena_new(SCAN_BYTES_MAX + ARENA_SLACK);
    enum rc rc = unpacked->arena ? zipfile_open(file, &zip, err) : RC_LIMIT;
    rc = rc == RC_OK ? entry_find(zip, &index, err) : rc;
    rc = rc == RC_OK ? zipfile_read(zip, index, SCAN_BYTES_MAX, unpacked->arena, &unpacked->bytes, err) : rc;
    zipfile_free(zip);
    return rc == RC_LIMIT ? too_large(ret_fault, err) : rc;
}

enum rc scan_unpack(struct str file, struct scan_unpacked *ret_unpacked, enum scan_fault *ret_fault, struct err *err)
{
    enum rc rc = RC_OK;
    *ret_unpacked = (struct scan_unpacked){.bytes = file};
    *ret_fault = SCAN_FAULT_PACKED;
    if (str_starts(file, STR("\x1f\x8b")))
        rc = gzip_unpack(file, ret_unpacked, ret_fault, err);
    else if (zipfile_begins(file))
        rc = zip_unpack(file, ret_unpacked, ret_fault, err);
    if (rc == RC_OK)
        *ret_fault = SCAN_FAULT_NONE;
    return rc;
}

void scan_unpacked_free(struct scan_unpacked *unpacked)
{
    buf_done(&unpacked->inflated);
    arena_free(unpacked->arena);
}
