/* leef.h - IBM QRadar Log Event Extended Format, 1.0 and 2.0.
 *
 * LEEF:1.0|vendor|product|version|event id|key=value<tab>key=value
 * LEEF:2.0|vendor|product|version|event id|delimiter|key=value<delimiter>...
 * The delimiter is one character, or its code as 0x5e or x5e; empty means tab. Borrowed, no memory. */
#ifndef CODEC_LEEF_H
#define CODEC_LEEF_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leef {
    uint32_t version; /* 1 or 2 */
    char delimiter;
    struct str vendor;
    struct str product;
    struct str product_version;
    struct str event_id;
    struct str attributes;
};

bool leef_parse(struct str text, struct leef *ret_leef) MUST_USE;
/* Position of "LEEF:" followed by a digit in a line, or s.n. */
size_t leef_find(struct str s);
/* Walks the attributes: `rest` begins as leef.attributes. Parts without '=' are skipped. */
bool leef_next(struct str *rest, char delimiter, struct str *ret_key, struct str *ret_value) MUST_USE;

#endif
