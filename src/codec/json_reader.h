/* json_reader.h - what json.c and json_flatten.c know of a reader's state. Private to the room. */
#ifndef CODEC_JSON_READER_H
#define CODEC_JSON_READER_H

#include "codec/json.h"

/* What may come next. A key takes its colon with it, so there is no state between them.
 *
 *   VALUE --scalar--> AFTER            AFTER --','--> VALUE or KEY, by the level's kind
 *   VALUE --'['--> FIRST_ITEM --']'--> AFTER
 *   VALUE --'{'--> FIRST_KEY --key--> VALUE
 *   AFTER at depth 0 --end of text--> DONE */
enum expect { EXPECT_VALUE, EXPECT_FIRST_ITEM, EXPECT_FIRST_KEY, EXPECT_AFTER, EXPECT_DONE, EXPECT_NOTHING };

/* The level that is open is an object. */
static inline bool json_in_object(const struct json_reader *r)
{
    uint32_t level = r->depth - 1;
    return r->depth > 0 && (r->objects[level / 64] >> (level % 64) & 1) != 0;
}

/* What a backslash and this character mean; 0: nothing. */
extern const char json_escapes[256];

#endif
