/* sealed_io.h - an io table over another one that encrypts the files of the folder seg/ on their way to the disk.
 *
 *     segment, reader, verify ──► plain offsets ──► sealed_io ──► stored offsets ──► io of the kernel or the simulator
 *
 * Whoever uses the table sees plain files: reading at any offset works, sizes are plain. Who reads the folder without
 * it (an auditor without keys) sees stored bytes, whose digest stands in each file's trailer.
 *
 * With a vault, a file that is created under a name `<16 hex>.*` is encrypted under a new key; the wrapped key stands
 * in `<first>.<serial>.key` beside it, on the disk before the file has its first byte. So a key may be there without
 * its file (a crash, a seal that was refused: harmless), never a file without its key; and rotation replaces that small
 * file by rename, while the segment, whose bytes others have hashed, stays as it is. Files that were written without
 * encryption are read as they are.
 *
 * An encrypted file is written once, in order: a write goes at the end, or fails with -ESPIPE. Until the first sync it
 * cannot be opened a second time. allocate and truncate (but to 0 of an empty file) fail with -EOPNOTSUPP.
 * -ENOKEY: its master key is not here. -EKEYREJECTED: the key file is not its own, is damaged or could not be read.
 * -EBADMSG: bytes are not those that were written there. `reason` then says which file and where.
 *
 * Only files of `folder` are treated so; everything else is passed on, so the table may stand in for the base's
 * altogether. One thread. Keys of files just read are kept (32 of them). */
#ifndef ARCHIVE_SEALED_IO_H
#define ARCHIVE_SEALED_IO_H

#include "archive/sealed.h"
#include "base/err.h"
#include "os/io.h"
#include "os/vault.h"

#include <stdbool.h>
#include <stdint.h>

struct sealed_io;

/* `folder`, `base` and `vault` are borrowed; vault may be NULL: then nothing is encrypted, and encrypted files are
 * refused. */
enum rc sealed_io_new(const struct io *base, int folder, const struct vault *vault, const uint8_t uuid[16],
                      struct sealed_io **ret_sealed, struct err *err) MUST_USE;
void sealed_io_free(struct sealed_io *sealed); /* NULL is fine; files still open are not closed */
const struct io *sealed_io_table(const struct sealed_io *sealed);

/* Checks header, trailer and digest of a file without its key, through the base table. RC_END: it is not encrypted.
 * RC_CORRUPT. */
enum rc sealed_check(const struct io *base, int folder, const char *name, struct err *err) MUST_USE;

/* Whether no file here is encrypted under the key of that name: a crash, or a seal that was tried again, left it. In
 * doubt (a file that cannot be read) false. Such keys mean nothing; nobody removes them but a person. */
bool sealed_key_orphan(const struct io *base, int folder, const char *name) MUST_USE;

/* Calls `each` with the id of the master key of every key file, but orphans. */
enum rc sealed_keys(const struct io *base, int folder, void (*each)(void *context, const char *id), void *context,
                    struct err *err) MUST_USE;

struct sealed_rotation {
    uint64_t keys;      /* looked at */
    uint64_t rewrapped; /* by this call */
};
/* Wraps every key of the folder anew under the vault's first master key; orphans only if they open. May be repeated
 * after any interruption. */
enum rc sealed_rotate(const struct io *base, int folder, const struct vault *vault, const uint8_t uuid[16],
                      struct sealed_rotation *ret_rotation, struct err *err) MUST_USE;

#endif
