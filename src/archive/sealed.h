/* sealed.h - bytes of an encrypted file; pure but for the digest. Format: doc/format/sealed.md.
 *
 *     header 64 | chunk | chunk | ... | last chunk | trailer 80
 *     chunk     counter u64 | ciphertext, SEALED_CHUNK bytes or, of the last, fewer | tag 16
 *
 * The nonce is (section, counter). The counter is in the chunk because the last one is written again when the file is
 * synced and then grows: each writing takes the next counter, so no nonce comes twice under the file's key, and the key
 * is never used by a second writer. Associated data: uuid, first number, section, position. */
#ifndef ARCHIVE_SEALED_H
#define ARCHIVE_SEALED_H

#include "base/err.h"
#include "base/str.h"
#include "os/cipher.h"
#include "tlog/hash.h"

#include <stdbool.h>
#include <stdint.h>

#define SEALED_MAGIC      "QORGSLD\n"
#define SEALED_MAGIC_SIZE 8
#define SEALED_HEADER     64
#define SEALED_TRAILER    80
#define SEALED_CHUNK      16384 /* plain bytes; small, because a search reads filters of some KiB */
#define SEALED_CHUNK_MAX  ((uint32_t)1 << 20)
#define SEALED_OVERHEAD   (8 + CIPHER_TAG_SIZE) /* stored bytes of a chunk beyond its plain ones */

struct sealed_header {
    uint16_t cipher;
    uint32_t chunk;
    uint8_t uuid[16];
    uint64_t first;
    uint64_t serial; /* names the file's key: <first>.<serial>.key */
};

void sealed_header_write(const struct sealed_header *header, char ret_bytes[SEALED_HEADER]);
/* RC_CORRUPT, or RC_INVALID when a newer program wrote it. */
enum rc sealed_header_read(struct str bytes, struct sealed_header *ret_header, struct err *err) MUST_USE;

/* Where a plain byte stands. */
static inline uint64_t sealed_chunk_of(const struct sealed_header *header, uint64_t plain)
{
    return plain / header->chunk;
}
static inline uint64_t sealed_chunk_at(const struct sealed_header *header, uint64_t chunk)
{
    return SEALED_HEADER + chunk * (header->chunk + (uint64_t)SEALED_OVERHEAD);
}
/* Stored bytes of a whole file with so many plain ones; and whether a file of so many stored bytes can be whole. */
uint64_t sealed_size(const struct sealed_header *header, uint64_t plain);

/* Writes plain.n + SEALED_OVERHEAD bytes; false when the library could not. */
bool sealed_chunk_write(struct cipher *cipher, const struct sealed_header *header, uint64_t chunk, uint64_t counter,
                        struct str plain, char *ret_stored) MUST_USE;
/* Writes stored.n - SEALED_OVERHEAD bytes; false when it is not the chunk that was written there. */
bool sealed_chunk_read(struct cipher *cipher, const struct sealed_header *header, uint64_t chunk, struct str stored,
                       char *ret_plain) MUST_USE;

/* `digest`: SHA-256 over the digests of the header and of each stored chunk: what who has no key can check. */
struct sealed_trailer {
    uint64_t plain; /* bytes of the file */
    struct tlog_hash digest;
};
enum rc sealed_trailer_write(struct cipher *cipher, const struct sealed_header *header, uint64_t counter,
                             const struct sealed_trailer *trailer, char ret_bytes[SEALED_TRAILER],
                             struct err *err) MUST_USE;
/* Without a cipher only the crc is checked. RC_CORRUPT. */
enum rc sealed_trailer_read(struct cipher *cipher, const struct sealed_header *header, struct str bytes,
                            struct sealed_trailer *ret_trailer, struct err *err) MUST_USE;

/* Names: "<16 hex>.<suffix>" is a file that may be sealed; its key is "<16 hex of first>.<16 hex of serial>.key". */
#define SEALED_KEY_NAME 40
bool sealed_name_parse(struct str name, uint64_t *ret_first) MUST_USE;
void sealed_key_name(uint64_t first, uint64_t serial, char ret_name[SEALED_KEY_NAME]);
bool sealed_key_name_parse(struct str name, uint64_t *ret_first, uint64_t *ret_serial) MUST_USE;

#endif
