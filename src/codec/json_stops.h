/* json_stops.h - where runs of plain characters in the strings of a JSON text end: one bit a byte, set for a quote, a
 * backslash and a control character. Made once for a part of the text, 64 bytes at a time, so that the end of a string
 * is found by counting zeros. Private to the room. */
#ifndef CODEC_JSON_STOPS_H
#define CODEC_JSON_STOPS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_STOPS_BYTES 4096u /* of a part; a multiple of 64 */

/* How many bytes are looked at together; the same bits come out. */
enum json_width { JSON_WIDTH_1, JSON_WIDTH_16, JSON_WIDTH_32, JSON_WIDTH_64, JSON_WIDTHS };

/* A part begins at a multiple of 64. Behind the end of the text all bits are set. */
struct json_stops {
    struct str text;
    size_t begin;
    size_t size;    /* bytes that have a bit, some of them behind the text */
    bool non_ascii; /* some byte above 0x7f stands in a part that was looked at */
    enum json_width width;
    uint64_t bits[JSON_STOPS_BYTES / 64];
};

/* The widest that this processor has. */
enum json_width json_width_best(void);
void json_stops_begin(struct json_stops *stops, struct str text, enum json_width width);
/* Looks at the part that holds `at`, which is not behind the text's end. */
void json_stops_fill(struct json_stops *stops, size_t at);

/* The first stop at or behind `at`, or the text's end. */
static inline size_t json_stops_next(struct json_stops *stops, size_t at)
{
    for (;;) {
        if (at - stops->begin >= stops->size) /* also when it lies before the part */
            json_stops_fill(stops, at);
        size_t in = at - stops->begin;
        uint64_t bits = stops->bits[in / 64] >> (in % 64);
        if (bits != 0)
            return at + (size_t)__builtin_ctzll(bits);
        at += 64 - in % 64;
    }
}

#endif
