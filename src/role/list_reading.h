/* list_reading.h - under `reader`: a file of indicators that a person gave, as it is kept and as a person is shown it.
 *
 * Kept is what of it can be looked for, a line each (rule/indicator_write.h). Shown is an object:
 *   reasons  line, reason, value, count: what was refused, at most INDICATOR_REASONS_MAX
 *   rows     value, kind, note, confidence (-1: not said), from_ns, until_ns, subdomains: the first LIST_READING_ROWS
 *   new, changed, gone   the same: the first LIST_READING_DIFFERENT of each against what stands, when a version does
 *
 * Pure. Limits: rule/indicator.h. */
#ifndef ROLE_LIST_READING_H
#define ROLE_LIST_READING_H

#include "base/buf.h"
#include "base/err.h"
#include "desk/own_list.h"

#include <stdbool.h>
#include <stdint.h>

#define LIST_READING_ROWS      20u
#define LIST_READING_DIFFERENT 10u
#define LIST_READING_SHOWN     120u /* bytes of a value or note */

struct list_reading {
    struct str text;
    struct str base; /* as the list stands, written by this module; comments before it are passed over; empty: none */
    uint32_t days;   /* rule/indicator.h, indicators_days */
    uint64_t seed;   /* of hashes: random */
    /* Whole lines, at most OWN_LIST_PART bytes, borrowed. False: nobody wants it any more. */
    bool (*part)(void *context, struct str lines);
    void *context;
};

/* How it went, a fault as well; its preview stands in `preview`, which has room for OWN_LIST_PREVIEW. RC_END: it was
 * not wanted any more. RC_LIMIT: no memory. */
enum rc list_reading_run(const struct list_reading *reading, struct buf *preview, struct own_list_end *ret_end,
                         struct err *err) MUST_USE;

#endif
