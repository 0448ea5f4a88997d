/* record_list.h - records one behind the other in one buffer, each with its length before it: what a body of an HTTP
 * sender was made into before any of it is taken, so that a body is taken whole or refused whole. */
#ifndef WIRE_RECORD_LIST_H
#define WIRE_RECORD_LIST_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Overflow is sticky in the buf. */
static inline void record_list_put(struct buf *list, struct str record)
{
    buf_be32(list, (uint32_t)record.n);
    buf_str(list, record);
}

/* The place of a record that is written in place; record_list_end closes it. */
static inline size_t record_list_begin(struct buf *list)
{
    buf_be32(list, 0);
    return list->n;
}

static inline void record_list_end(struct buf *list, size_t begin)
{
    if (!list->overflow)
        put_be32(list->p + begin - 4, (uint32_t)(list->n - begin));
}

/* The next record of a list that these functions wrote; false at its end. */
static inline bool record_list_next(struct str *rest, struct str *ret_record)
{
    if (rest->n < 4)
        return false;
    size_t n = get_be32(rest->p);
    *ret_record = str_slice(*rest, 4, 4 + n);
    *rest = str_skip(*rest, 4 + n);
    return true;
}

#endif
