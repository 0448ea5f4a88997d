/* folder.h - what stands in an archive's folder beside the log: the instance file, sealed segments, stored checkpoints.
 * Shared by the writer, readers and verification. Internal to the room. Format: doc/format/folder.md. */
#ifndef ARCHIVE_FOLDER_H
#define ARCHIVE_FOLDER_H

#include "archive/segment.h"
#include "archive/writer.h"
#include "base/arena.h"
#include "base/err.h"
#include "os/io.h"
#include "tlog/checkpoint.h"

#include <stdbool.h>
#include <stdint.h>

#define NAME_WAL         "wal"
#define NAME_SEG         "seg"
#define NAME_PACK        "pack" /* what the packer makes; not there in an archive of before, or where none works */
#define NAME_CHECKPOINTS "checkpoints"
#define NAME_INSTANCE    "instance"
#define NAME_LOCK        "lock"
#define NAME_LATEST      "latest"
#define NAME_COSIGNED    "cosigned"
#define PATH_SUFFIX      ".path"
#define STAMP_SUFFIX     ".tsr"

struct instance {
    uint8_t uuid[16];
    char origin[ARCHIVE_ORIGIN_MAX];
};

/* RC_NOT_FOUND when there is none. */
enum rc instance_load(const struct io *io, int folder, struct instance *ret_instance, struct err *err) MUST_USE;
enum rc instance_parse(struct str text, struct instance *ret_instance, struct err *err) MUST_USE;
void instance_write(const struct instance *instance, struct buf *out); /* the file's text, behind `out`'s bytes */
enum rc instance_store(const struct io *io, int folder, const struct instance *instance, struct err *err) MUST_USE;
/* "site/uuid". RC_LIMIT. */
enum rc instance_make(struct instance *ret_instance, const char *site, const uint8_t uuid[16],
                      struct err *err) MUST_USE;

struct folders {
    int wal;
    int seg;
    int checkpoints;
};
enum rc folders_open(const struct io *io, int folder, bool create, struct folders *ret_folders,
                     struct err *err) MUST_USE;
void folders_close(const struct io *io, struct folders *folders); /* zeroes and -1 are fine */

/* Sealed segments, from record 0 without a gap; some may be gone (tombstone.h). */
struct catalog {
    struct segment **segments;
    size_t count;
    size_t room;
    uint64_t end;
};
/* Adds the segments that have come since, and turns those that went into their tombstones. RC_CORRUPT when one is
 * missing or damaged. A segment's address stays. */
enum rc catalog_load(const struct io *io, int folder, const uint8_t uuid[16], struct catalog *catalog,
                     struct err *err) MUST_USE;
void catalog_done(struct catalog *catalog);
/* The segment that holds the record; NULL when it is not sealed. */
struct segment *catalog_find(const struct catalog *catalog, uint64_t number);
/* Bytes of the last segment's section, unpacked for the sources; empty when there is no segment. */
struct catalog_last {
    struct str sources;
    struct tlog_frontier frontier;
};
enum rc catalog_last(const struct io *io, int folder, const struct catalog *catalog, struct arena *arena,
                     struct catalog_last *ret_last, struct err *err) MUST_USE;
struct archive_totals catalog_totals(const struct catalog *catalog);

/* The newest stored note into the arena, parsed; RC_NOT_FOUND when there is none. */
enum rc checkpoint_latest(const struct io *io, int checkpoints, struct arena *arena, struct str *ret_note,
                          struct checkpoint *ret_checkpoint, struct err *err) MUST_USE;

/* The same of the newest note that reached the witnesses' quorum. */
enum rc checkpoint_cosigned(const struct io *io, int checkpoints, struct arena *arena, struct str *ret_note,
                            struct checkpoint *ret_checkpoint, struct err *err) MUST_USE;

/* All numbers that `parse` finds among a folder's names, rising. */
struct numbers {
    uint64_t *list;
    size_t count;
    size_t room;
};
enum rc numbers_list(const struct io *io, int folder, bool (*parse)(struct str name, uint64_t *ret_number),
                     struct numbers *ret_numbers, struct err *err) MUST_USE;
void numbers_sort(struct numbers *numbers); /* rising */
bool numbers_have(const struct numbers *numbers, uint64_t number);
void numbers_done(struct numbers *numbers);
bool checkpoint_name_parse(struct str name, uint64_t *ret_size);
bool stamp_name_parse(struct str name, uint64_t *ret_size); /* "<16 hex of size>.tsr" */
bool path_name_parse(struct str name, uint64_t *ret_size);  /* "<16 hex of size>.path" */
void checkpoint_name(uint64_t size, const char *suffix, char ret_name[48]);

#endif
