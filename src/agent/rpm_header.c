#include "agent/rpm_header.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define HEAD_SIZE   8u
#define ENTRY_SIZE  16u
#define ENTRIES_MAX 0xffffu     /* as rpm: HEADER_TAGS_MAX */
#define BYTES_MAX   0x0fffffffu /* as rpm: HEADER_DATA_MAX */

enum type { TYPE_INT32 = 4, TYPE_STRING = 6 };

struct field {
    uint32_t tag;
    enum type type;
    bool brief;
    size_t at; /* in struct rpm_package */
    size_t size;
};

#define TEXT(tag, brief, member)                                                                                       \
    {                                                                                                                  \
        tag, TYPE_STRING, brief, offsetof(struct rpm_package, member), sizeof(((struct rpm_package *)NULL)->member)    \
    }
#define NUMBER(tag, member)                                                                                            \
    {                                                                                                                  \
        tag, TYPE_INT32, false, offsetof(struct rpm_package, member), sizeof(uint32_t)                                 \
    }

static const struct field fields[RPM_FIELDS] = {
    TEXT(1000, true, name),    TEXT(1001, false, version), TEXT(1002, false, release),     NUMBER(1003, epoch),
    NUMBER(1008, installed_s), TEXT(1011, false, vendor),  TEXT(1022, true, architecture), TEXT(1044, false, source),
};

void rpm_header_begin(struct rpm_header *header, uint64_t size, bool brief)
{
    *header = (struct rpm_header){.size = size, .begin = HEAD_SIZE, .brief = brief};
}

static void head_read(struct rpm_header *header)
{
    uint32_t entries = get_be32(header->unit);
    header->bytes = get_be32(header->unit + 4);
    header->begin += (uint64_t)entries * ENTRY_SIZE;
    if (entries == 0 || entries > ENTRIES_MAX || header->bytes > BYTES_MAX ||
        header->begin + header->bytes != header->size)
        header->failed = true;
}

/* One of another type says nothing that we know; of two of a tag the first counts. */
static void entry_read(struct rpm_header *header)
{
    uint32_t tag = get_be32(header->unit);
    uint32_t type = get_be32(header->unit + 4);
    uint32_t offset = get_be32(header->unit + 8);
    uint32_t count = get_be32(header->unit + 12);
    for (size_t i = 0; i < RPM_FIELDS; i++) {
        const struct field *field = &fields[i];
        struct rpm_place *place = &header->places[i];
        if (field->tag != tag || field->type != type || count == 0 || place->there || (header->brief && !field->brief))
            continue;
        *place = (struct rpm_place){.offset = offset, .there = true};
        header->missing++;
        header->failed = header->failed || offset >= header->bytes;
    }
}

static struct str index_take(struct rpm_header *header, struct str piece)
{
    while (piece.n && !header->failed && header->at < header->begin) {
        size_t unit = header->at < HEAD_SIZE ? HEAD_SIZE : ENTRY_SIZE;
        size_t n = MIN(unit - header->unit_n, piece.n);
        memcpy(header->unit + header->unit_n, piece.p, n);
        header->unit_n += n;
        header->at += n;
        piece = str_skip(piece, n);
        if (header->unit_n < unit)
            break;
        header->unit_n = 0;
        if (unit == HEAD_SIZE)
            head_read(header);
        else
            entry_read(header);
    }
    return piece;
}

/* `bytes` go on where the field's own ended. */
static void field_take(struct rpm_header *header, size_t which, struct str bytes)
{
    const struct field *field = &fields[which];
    struct rpm_place *place = &header->places[which];
    char *out = (char *)&header->package + field->at;
    bool text = field->type == TYPE_STRING;
    size_t end = text ? str_find(bytes, '\0') : bytes.n;
    size_t n = MIN(end, field->size - place->got);
    memcpy(out + place->got, bytes.p, n);
    place->got += (uint32_t)n;
    bool full = place->got == field->size;
    if (text && full)
        memset(out, 0, field->size);
    place->done = full || (text && end < bytes.n);
    if (!text && full) {
        uint32_t value = get_be32(out);
        memcpy(out, &value, sizeof value);
    }
    header->missing -= place->done;
}

bool rpm_header_take(struct rpm_header *header, struct str piece)
{
    ASSERT(header->at + piece.n <= header->size);
    piece = index_take(header, piece);
    if (header->failed || header->at < header->begin)
        return !header->failed;
    uint64_t at = header->at - header->begin;
    for (size_t i = 0; i < RPM_FIELDS; i++) {
        struct rpm_place *place = &header->places[i];
        uint64_t from = (uint64_t)place->offset + place->got;
        if (place->there && !place->done && from >= at && from < at + piece.n)
            field_take(header, i, str_skip(piece, from - at));
    }
    header->at += piece.n;
    return header->missing > 0;
}

bool rpm_header_end(const struct rpm_header *header)
{
    return !header->failed && header->at >= header->begin && header->begin > HEAD_SIZE && header->missing == 0;
}
