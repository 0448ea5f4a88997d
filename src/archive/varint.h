/* varint.h - LEB128 written where there is room for it, at most 10 bytes. Internal to the room. */
#ifndef ARCHIVE_VARINT_H
#define ARCHIVE_VARINT_H

#include <stdint.h>

/* Returns the place behind it. */
static inline char *put_varint(char *p, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (char)(value | 0x80);
    *p++ = (char)value;
    return p;
}

#endif
