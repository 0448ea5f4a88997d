/* lock.h - the key of one encrypted log file, and what it does with frames. Format: doc/format/wal.md.
 *
 *     file     header 64 (incompatible feature 1) | key slot A at 512 | key slot B at 1024 | frames from 4096
 *     payload  life 16 | ciphertext | tag 16
 *
 * A slot holds the file's key as a blob of os/vault.h. Rotation writes the free slot, syncs, then empties the other: at
 * every moment one of them is whole.
 *
 * Nonces never come twice under one key: frames are encrypted under a key derived from the file's key and a random
 * `life` that each opening of the log draws anew, because after a crash a frame may be written again at the offset of
 * one that was torn; within a life the nonce is the frame's offset, and offsets only grow. Associated data: uuid, first
 * number of the file, section, offset, first number and count of the frame. The crc is over stored bytes: recovery
 * tells a torn tail from the end without a key, and a frame with a good crc that does not open was changed by someone.
 */
#ifndef WAL_LOCK_H
#define WAL_LOCK_H

#include "base/err.h"
#include "base/str.h"
#include "os/io.h"
#include "os/vault.h"

#include <stdbool.h>
#include <stdint.h>

#define WAL_LOCK_HEADER  4096 /* where frames begin in an encrypted file */
#define WAL_LOCK_ROOM    32   /* bytes of a stored payload beyond the plain one */
#define WAL_LOCK_SLOT    (VAULT_BLOB_SIZE + 8)
#define WAL_LOCK_SLOT_AT 512 /* where a new file has it */

struct wal_header;
struct wal_lock;

struct wal_lock_frame {
    int64_t offset;
    uint64_t first;
    uint32_t count;
};

/* A key for a new file, and the slot that goes to offset 512 of it. */
enum rc wal_lock_make(const struct vault *vault, const uint8_t uuid[16], uint64_t first, struct wal_lock **ret_lock,
                      char ret_slot[WAL_LOCK_SLOT], struct err *err) MUST_USE;
/* The key of an encrypted file. RC_DENIED: its master key is not in the vault. RC_CORRUPT. */
enum rc wal_lock_load(const struct io *io, int fd, const struct vault *vault, const struct wal_header *header,
                      struct wal_lock **ret_lock, struct err *err) MUST_USE;
/* As wal_lock_load for a file that may be plain: then *ret_lock is NULL. */
enum rc wal_lock_find(const struct io *io, int fd, const struct vault *vault, struct wal_lock **ret_lock,
                      struct err *err) MUST_USE;
void wal_lock_free(struct wal_lock *lock); /* NULL is fine */

/* The key of one file, for who may read that file and hold no master key. The caller wipes it. */
#define WAL_LOCK_KEY (2 + CIPHER_KEY_SIZE)
void wal_lock_key(const struct wal_lock *lock, uint8_t ret_key[WAL_LOCK_KEY]);
/* The same lock again. RC_INVALID: it is no such key. */
enum rc wal_lock_of_key(struct str key, const struct wal_header *header, struct wal_lock **ret_lock,
                        struct err *err) MUST_USE;

/* Writes payload.n + WAL_LOCK_ROOM bytes. */
enum rc wal_lock_seal(struct wal_lock *lock, const struct wal_lock_frame *frame, struct str payload, char *ret_stored,
                      struct err *err) MUST_USE;
/* Writes stored.n - WAL_LOCK_ROOM bytes; ret_plain may lie at stored.p. RC_INVALID: not what was encrypted there. */
enum rc wal_lock_open(struct wal_lock *lock, const struct wal_lock_frame *frame, struct str stored, char *ret_plain,
                      struct err *err) MUST_USE;

/* Calls `each` with the id of the master key of every encrypted file. */
enum rc wal_lock_keys(const struct io *io, int folder, void (*each)(void *context, const char *id), void *context,
                      struct err *err) MUST_USE;

struct wal_lock_rotation {
    uint64_t files; /* encrypted ones */
    uint64_t rewrapped;
};
/* Wraps the keys of a folder's files anew; the log must not be open. May be repeated after any interruption. */
enum rc wal_lock_rotate(const struct io *io, int folder, const struct vault *vault,
                        struct wal_lock_rotation *ret_rotation, struct err *err) MUST_USE;

#endif
