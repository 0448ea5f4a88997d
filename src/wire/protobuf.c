#include "wire/protobuf.h"

bool protobuf_next(struct reader *reader, struct protobuf_field *ret_field)
{
    uint64_t head = read_varint(reader);
    *ret_field = (struct protobuf_field){.number = (uint32_t)(head >> 3), .type = (unsigned)(head & 7)};
    switch (ret_field->type) {
    case PROTOBUF_VARINT:
        ret_field->value = read_varint(reader);
        break;
    case PROTOBUF_FIXED64:
        ret_field->value = read_le64(reader);
        break;
    case PROTOBUF_BYTES: {
        uint64_t n = read_varint(reader);
        ret_field->bytes = read_bytes(reader, n <= reader_left(reader) ? (size_t)n : SIZE_MAX);
        break;
    }
    case PROTOBUF_FIXED32:
        ret_field->value = read_le32(reader);
        break;
    default:
        return false;
    }
    return !reader->failed && ret_field->number > 0 && head >> 32 == 0;
}
