#include "archive/sealed.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define VERSION          1
#define HEADER_CRC_AT    (SEALED_HEADER - 4)
#define TRAILER_MAGIC    "QORGSLDT"
#define TRAILER_TAG_AT   56
#define TRAILER_CRC_AT   (SEALED_TRAILER - 4)
#define PLACE_SIZE       36
#define SECTION_CHUNKS   0x0101
#define SECTION_TRAILERS 0x0102

void sealed_header_write(const struct sealed_header *header, char ret_bytes[SEALED_HEADER])
{
    struct buf out;
    memset(ret_bytes, 0, SEALED_HEADER);
    buf_init_fixed(&out, ret_bytes, SEALED_HEADER);
    buf_put(&out, SEALED_MAGIC, SEALED_MAGIC_SIZE);
    buf_be16(&out, VERSION);
    buf_be16(&out, header->cipher);
    buf_be32(&out, 0); /* compatible features */
    buf_be32(&out, 0); /* incompatible features */
    buf_be32(&out, header->chunk);
    buf_put(&out, header->uuid, sizeof header->uuid);
    buf_be64(&out, header->first);
    buf_be64(&out, header->serial);
    ASSERT(!out.overflow && out.n <= HEADER_CRC_AT);
    put_be32(ret_bytes + HEADER_CRC_AT, crc32c(0, ret_bytes, HEADER_CRC_AT));
}

enum rc sealed_header_read(struct str bytes, struct sealed_header *ret_header, struct err *err)
{
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, SEALED_MAGIC_SIZE);
    uint16_t version = read_be16(&in);
    *ret_header = (struct sealed_header){.cipher = read_be16(&in)};
    uint32_t compatible = read_be32(&in);
    uint32_t incompatible = read_be32(&in);
    ret_header->chunk = read_be32(&in);
    read_copy(&in, ret_header->uuid, sizeof ret_header->uuid);
    ret_header->first = read_be64(&in);
    ret_header->serial = read_be64(&in);
    (void)compatible; /* unknown ones may be passed over */
    if (in.failed || bytes.n != SEALED_HEADER || !str_eq(magic, str_at(SEALED_MAGIC, SEALED_MAGIC_SIZE)) ||
        get_be32(bytes.p + HEADER_CRC_AT) != crc32c(0, bytes.p, HEADER_CRC_AT))
        return err_set(err, RC_CORRUPT, "the header of its encryption is damaged");
    if (version != VERSION || incompatible || !cipher_name(ret_header->cipher))
        return err_set(err, RC_INVALID,
                       "its encryption needs a newer program (version %u, features 0x%x, algorithm %u)", version,
                       incompatible, ret_header->cipher);
    if (ret_header->chunk < 512 || ret_header->chunk > SEALED_CHUNK_MAX || !ret_header->serial)
        return err_set(err, RC_CORRUPT, "the header of its encryption contradicts itself");
    return RC_OK;
}

uint64_t sealed_size(const struct sealed_header *header, uint64_t plain)
{
    uint64_t chunks = (plain + header->chunk - 1) / header->chunk;
    return SEALED_HEADER + chunks * SEALED_OVERHEAD + plain + SEALED_TRAILER;
}

static void place_write(const struct sealed_header *header, uint32_t section, uint64_t position, struct buf *out)
{
    buf_put(out, header->uuid, sizeof header->uuid);
    buf_be64(out, header->first);
    buf_be32(out, section);
    buf_be64(out, position);
}

bool sealed_chunk_write(struct cipher *cipher, const struct sealed_header *header, uint64_t chunk, uint64_t counter,
                        struct str plain, char *ret_stored)
{
    char bytes[PLACE_SIZE];
    struct buf out;
    ASSERT(plain.n > 0 && plain.n <= header->chunk);
    buf_init_fixed(&out, bytes, sizeof bytes);
    place_write(header, SECTION_CHUNKS, chunk, &out);
    struct cipher_place place = {SECTION_CHUNKS, counter, buf_view(&out)};
    put_be64(ret_stored, counter);
    return cipher_seal(cipher, &place, plain, ret_stored + 8, NULL) == RC_OK;
}

bool sealed_chunk_read(struct cipher *cipher, const struct sealed_header *header, uint64_t chunk, struct str stored,
                       char *ret_plain)
{
    char bytes[PLACE_SIZE];
    struct buf out;
    if (stored.n <= SEALED_OVERHEAD)
        return false;
    buf_init_fixed(&out, bytes, sizeof bytes);
    place_write(header, SECTION_CHUNKS, chunk, &out);
    struct cipher_place place = {SECTION_CHUNKS, get_be64(stored.p), buf_view(&out)};
    return cipher_open(cipher, &place, str_skip(stored, 8), ret_plain);
}

/* Nothing is encrypted in it: the tag vouches for length, digest and place. */
static struct cipher_place trailer_place(const struct sealed_header *header, const char *trailer, uint64_t counter,
                                         char storage[PLACE_SIZE + TRAILER_TAG_AT])
{
    struct buf out;
    buf_init_fixed(&out, storage, PLACE_SIZE + TRAILER_TAG_AT);
    place_write(header, SECTION_TRAILERS, 0, &out);
    buf_put(&out, trailer, TRAILER_TAG_AT);
    ASSERT(!out.overflow);
    return (struct cipher_place){SECTION_TRAILERS, counter, buf_view(&out)};
}

enum rc sealed_trailer_write(struct cipher *cipher, const struct sealed_header *header, uint64_t counter,
                             const struct sealed_trailer *trailer, char ret_bytes[SEALED_TRAILER], struct err *err)
{
    char storage[PLACE_SIZE + TRAILER_TAG_AT];
    struct buf out;
    memset(ret_bytes, 0, SEALED_TRAILER);
    buf_init_fixed(&out, ret_bytes, SEALED_TRAILER);
    buf_put(&out, TRAILER_MAGIC, SEALED_MAGIC_SIZE);
    buf_be64(&out, trailer->plain);
    buf_put(&out, trailer->digest.bytes, sizeof trailer->digest.bytes);
    buf_be64(&out, counter);
    ASSERT(!out.overflow && out.n == TRAILER_TAG_AT);
    struct cipher_place place = trailer_place(header, ret_bytes, counter, storage);
    enum rc rc = cipher_seal(cipher, &place, STR_NONE, ret_bytes + TRAILER_TAG_AT, err);
    put_be32(ret_bytes + TRAILER_CRC_AT, crc32c(0, ret_bytes, TRAILER_CRC_AT));
    return rc;
}

enum rc sealed_trailer_read(struct cipher *cipher, const struct sealed_header *header, struct str bytes,
                            struct sealed_trailer *ret_trailer, struct err *err)
{
    char storage[PLACE_SIZE + TRAILER_TAG_AT];
    char nothing[1];
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, SEALED_MAGIC_SIZE);
    *ret_trailer = (struct sealed_trailer){.plain = read_be64(&in)};
    read_copy(&in, ret_trailer->digest.bytes, sizeof ret_trailer->digest.bytes);
    uint64_t counter = read_be64(&in);
    struct str tag = read_bytes(&in, CIPHER_TAG_SIZE);
    if (in.failed || bytes.n != SEALED_TRAILER || !str_eq(magic, str_at(TRAILER_MAGIC, SEALED_MAGIC_SIZE)) ||
        get_be32(bytes.p + TRAILER_CRC_AT) != crc32c(0, bytes.p, TRAILER_CRC_AT) || ret_trailer->plain > INT64_MAX / 2)
        return err_set(err, RC_CORRUPT, "the end of its encryption is damaged, or the file is cut short");
    if (!cipher)
        return RC_OK;
    struct cipher_place place = trailer_place(header, bytes.p, counter, storage);
    return cipher_open(cipher, &place, tag, nothing)
               ? RC_OK
               : err_set(err, RC_CORRUPT, "the end of its encryption was changed, or belongs to another file");
}

/* ---- names ---- */

bool sealed_name_parse(struct str name, uint64_t *ret_first)
{
    char canonical[32];
    if (name.n < 18 || name.p[16] != '.' || !str_hex_to_u64(str_slice(name, 0, 16), ret_first) ||
        str_find(str_skip(name, 17), '.') < name.n - 17)
        return false;
    snprintf(canonical, sizeof canonical, "%016llx", (unsigned long long)*ret_first);
    return str_is(str_slice(name, 0, 16), canonical);
}

void sealed_key_name(uint64_t first, uint64_t serial, char ret_name[SEALED_KEY_NAME])
{
    int n = snprintf(ret_name, SEALED_KEY_NAME, "%016llx.%016llx.key", (unsigned long long)first,
                     (unsigned long long)serial);
    ASSERT(n == 37);
}

bool sealed_key_name_parse(struct str name, uint64_t *ret_first, uint64_t *ret_serial)
{
    char canonical[SEALED_KEY_NAME];
    if (name.n != 37 || !str_hex_to_u64(str_slice(name, 0, 16), ret_first) ||
        !str_hex_to_u64(str_slice(name, 17, 33), ret_serial))
        return false;
    sealed_key_name(*ret_first, *ret_serial, canonical);
    return str_is(name, canonical);
}
