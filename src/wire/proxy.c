#include "wire/proxy.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define SIGNATURE_SIZE 12u
#define VERSION        2u
#define LOCAL          0u
#define PROXIED        1u
#define INET_STREAM    0x11u
#define INET6_STREAM   0x21u
#define TLV_CRC32C     0x03u
#define TLV_HOPS       0xe5u /* of those that are left to applications: 0xe0 to 0xef */

static const uint8_t signature[SIGNATURE_SIZE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool proxy_begins(uint8_t first)
{
    return first == signature[0];
}

bool proxy_address_is_v4(const uint8_t address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

void proxy_address_put(struct buf *out, const uint8_t address[16])
{
    if (proxy_address_is_v4(address))
        buf_ipv4(out, address + sizeof mapped);
    else
        buf_ipv6(out, address);
}

/* ---- reading ---- */

static void address_read(struct reader *reader, bool is_v4, uint8_t ret_address[16])
{
    memcpy(ret_address, mapped, sizeof mapped);
    if (is_v4)
        read_copy(reader, ret_address + sizeof mapped, 4);
    else
        read_copy(reader, ret_address, 16);
}

/* The checksum is over the whole header with its own four bytes as zeros. */
static bool checksum_holds(struct str whole, size_t value_at)
{
    static const uint8_t zeros[4] = {0};
    uint32_t crc = crc32c(0, whole.p, value_at);
    crc = crc32c(crc, zeros, sizeof zeros);
    crc = crc32c(crc, whole.p + value_at + 4, whole.n - value_at - 4);
    return crc == get_be32(whole.p + value_at);
}

static bool hops_read(struct str value, struct proxy_header *header)
{
    if (value.n % 16 != 0 || value.n > sizeof header->hops || header->hop_count)
        return false;
    header->hop_count = value.n / 16;
    for (size_t i = 0; i < header->hop_count; i++)
        memcpy(header->hops[i], value.p + 16 * i, 16);
    return true;
}

static bool tlvs_read(struct reader *reader, struct proxy_header *header)
{
    while (reader_left(reader) > 0) {
        uint8_t type = read_u8(reader);
        uint16_t n = read_be16(reader);
        size_t value_at = reader->at;
        struct str value = read_bytes(reader, n);
        if (reader->failed || (type == TLV_CRC32C && (n != 4 || !checksum_holds(reader->in, value_at))) ||
            (type == TLV_HOPS && !hops_read(value, header)))
            return false;
    }
    return true;
}

static bool body_read(struct str whole, uint8_t family, struct proxy_header *header)
{
    struct reader reader = reader_of(whole);
    bool is_v4 = family == INET_STREAM;
    IGNORE(read_bytes(&reader, PROXY_HEAD).n); /* was looked at */
    address_read(&reader, is_v4, header->from.address);
    address_read(&reader, is_v4, header->to.address);
    header->from.port = read_be16(&reader);
    header->to.port = read_be16(&reader);
    return !reader.failed && tlvs_read(&reader, header);
}

enum rc proxy_read(struct str bytes, struct proxy_header *ret_header, size_t *ret_size)
{
    *ret_header = (struct proxy_header){0};
    *ret_size = PROXY_HEAD;
    if (bytes.n && memcmp(bytes.p, signature, MIN(bytes.n, sizeof signature)) != 0)
        return RC_INVALID;
    if (bytes.n < PROXY_HEAD)
        return RC_AGAIN;
    uint8_t command = (uint8_t)bytes.p[12];
    uint8_t family = (uint8_t)bytes.p[13];
    uint16_t n = get_be16(bytes.p + 14);
    if (command >> 4 != VERSION || (command & 15u) > PROXIED || n > PROXY_BODY_MAX)
        return RC_INVALID;
    ret_header->is_local = (command & 15u) == LOCAL; /* its addresses, if any, are not looked at: 2.2 */
    if (!ret_header->is_local && family != INET_STREAM && family != INET6_STREAM)
        return RC_INVALID;
    *ret_size = PROXY_HEAD + n;
    if (bytes.n < *ret_size)
        return RC_AGAIN;
    if (ret_header->is_local || body_read(str_slice(bytes, 0, *ret_size), family, ret_header))
        return RC_OK;
    *ret_header = (struct proxy_header){0};
    return RC_INVALID;
}

/* ---- writing ---- */

static void addresses_put(struct buf *out, const struct proxy_header *header, bool is_v4)
{
    size_t skip = is_v4 ? sizeof mapped : 0;
    buf_put(out, header->from.address + skip, 16 - skip);
    buf_put(out, header->to.address + skip, 16 - skip);
    buf_be16(out, header->from.port);
    buf_be16(out, header->to.port);
}

void proxy_put(struct buf *out, const struct proxy_header *header)
{
    ASSERT(header->hop_count <= PROXY_HOPS_MAX);
    bool is_v4 = proxy_address_is_v4(header->from.address) && proxy_address_is_v4(header->to.address);
    size_t begin = out->n;
    size_t hops = 16 * header->hop_count;
    size_t body = header->is_local ? 0 : (is_v4 ? 12u : 36u) + (hops ? 3 + hops : 0) + 7;
    buf_put(out, signature, sizeof signature);
    buf_u8(out, (uint8_t)(VERSION << 4 | (header->is_local ? LOCAL : PROXIED)));
    buf_u8(out, (uint8_t)(header->is_local ? 0 : is_v4 ? INET_STREAM : INET6_STREAM));
    buf_be16(out, (uint16_t)body);
    if (header->is_local)
        return;
    addresses_put(out, header, is_v4);
    if (hops) {
        buf_u8(out, TLV_HOPS);
        buf_be16(out, (uint16_t)hops);
        buf_put(out, header->hops, hops);
    }
    buf_u8(out, TLV_CRC32C);
    buf_be16(out, 4);
    buf_be32(out, 0);
    if (out->overflow)
        return;
    ASSERT(out->n - begin == PROXY_HEAD + body);
    put_be32(out->p + out->n - 4, crc32c(0, out->p + begin, out->n - begin));
}
