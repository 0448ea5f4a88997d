/* zipfile.h - a ZIP file in memory, read by libzip, which nobody else includes: its names, then one entry after the
 * other. Names come as they stand in the file: whoever makes files of them judges them first. Stored and deflated
 * entries are read, encrypted ones and those of other methods are not. */
#ifndef CODEC_ZIPFILE_H
#define CODEC_ZIPFILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZIPFILE_NAMES_MAX 100000u /* entries of one file */

struct zipfile;

struct zipfile_entry {
    struct str name; /* raw bytes, with '/' at the end of a folder's; as long as the file is open */
    uint64_t size;   /* as the file says, of what zipfile_read gives */
    bool link;       /* a symbolic link, as Unix programs write it */
};

bool zipfile_begins(struct str text); /* the file's first bytes; four suffice */
/* The bytes are borrowed until zipfile_free. RC_INVALID: no ZIP file, or a damaged one; RC_LIMIT: too many entries, no
 * memory. */
enum rc zipfile_open(struct str bytes, struct zipfile **ret_file, struct err *err) MUST_USE;
void zipfile_free(struct zipfile *file); /* NULL is fine */
size_t zipfile_count(const struct zipfile *file);
/* RC_INVALID: the entry does not read. */
enum rc zipfile_entry(struct zipfile *file, size_t index, struct zipfile_entry *ret_entry, struct err *err) MUST_USE;
/* The entry's contents into the arena, their checksum verified. RC_LIMIT past `limit` bytes, whatever the file says of
 * its size; RC_INVALID when it does not read. */
enum rc zipfile_read(struct zipfile *file, size_t index, size_t limit, struct arena *arena, struct str *ret_bytes,
                     struct err *err) MUST_USE;

#endif
