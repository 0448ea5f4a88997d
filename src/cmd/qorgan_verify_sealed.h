/* qorgan_verify_sealed.h - encrypted files, read anew from doc/format/sealed.md and doc/format/wal.md. */
#ifndef CMD_QORGAN_VERIFY_SEALED_H
#define CMD_QORGAN_VERIFY_SEALED_H

#include "cmd/qorgan_verify_audit.h"
#include "os/cipher.h"

/* The ring of master keys in a file, into the arena; wiped by sealed_keys_done. */
enum rc sealed_keys_load(const char *path, struct arena *arena, struct sealed_keys **ret_keys,
                         struct err *err) MUST_USE;
void sealed_keys_done(struct sealed_keys *keys); /* NULL is fine */

/* An encrypted segment. */
struct sealed_segment;

/* RC_OK with *ret_sealed NULL: the file is plain. RC_CORRUPT: damage is noted in the audit. RC_DENIED: its master key
 * was not given; the digest of its bytes is compared before that is said. */
struct sealed_where {
    int folder;
    int fd;
    const char *file;
    uint64_t first;
};
enum rc sealed_segment_open(struct audit *audit, const struct sealed_where *where, struct sealed_segment **ret_sealed,
                            struct err *err) MUST_USE;
void sealed_segment_close(struct sealed_segment *sealed); /* NULL is fine; the descriptor stays open */
uint64_t sealed_segment_size(const struct sealed_segment *sealed);
/* RC_END: the file ends before. RC_CORRUPT: noted. */
enum rc sealed_segment_read(struct sealed_segment *sealed, void *ret_bytes, size_t n, uint64_t offset,
                            struct err *err) MUST_USE;

/* An encrypted log file, whole in memory. */
struct sealed_log {
    uint8_t key[CIPHER_KEY_SIZE];
    uint16_t algorithm;
    uint32_t kind;
    uint64_t first;
    bool on;
};
#define SEALED_LOG_HEADER 4096
#define SEALED_LOG_ROOM   32
enum rc sealed_log_open(struct audit *audit, struct str bytes, const char *file, uint64_t first,
                        struct sealed_log *ret_log, struct err *err) MUST_USE;
/* The payload of the frame at `at` into the audit's scratch arena. False: it is not what was encrypted there. */
bool sealed_log_payload(struct audit *audit, const struct sealed_log *log, struct str bytes, size_t at,
                        struct str *ret_payload) MUST_USE;

#endif
