/* hunt_report.h - what desk and hunter say to each other: bodies of MSG_HUNT and MSG_HUNT_PROGRESS, whose id is the
 * hunt. Numbers are big-endian, a text is its u16 length and its bytes.
 *
 *   MSG_HUNT           i64 from, i64 to, text pack, u8 enum desk_hunt_lists, u64 hash of each rule; of one for what is
 * new in lists of indicators the descriptor is hunt_known.h, or there is none MSG_HUNT_LISTS     text what of the lists
 * could not be read, u32 count and each list: text name, u64 entries, u64 new, u64 expired, u64 refused, u32 line,
 * texts reason, example; the descriptor is hunt_known.h MSG_HUNT_PROGRESS  u8 state, u8 trouble, u32 permille, u64
 * records, u64 too large, u64 gone, u64 evicted, u64 passed, text, u32 count and each: u64 hash, u64 hits; u32 count
 * and each: u64 hash, u64 record, i64 time, texts host, account, address, text; u64 gained, u64 lost, u64 all changes,
 * u32 count and each: u8 kind, u8 of indicators (1), too many (2), texts rule id, title, u64 gained, u64 lost, u64
 * before, u64 after; u8 count and u64 records gained; the same of those lost
 *
 * What they mean stands in desk.h. */
#ifndef ROLE_HUNT_REPORT_H
#define ROLE_HUNT_REPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "desk/desk.h"

#include <stdbool.h>

#define HUNT_ORDER_PACK   132u /* bytes of "NAME/VERSION" */
#define HUNT_ORDER_BYTES  ((size_t)19 + HUNT_ORDER_PACK + 8 * (size_t)DESK_RULES_MAX)
#define HUNT_REPORT_BYTES ((size_t)3 << 20)
#define HUNT_REPORT_TEXT  256u /* bytes of a text of a hit */
#define HUNT_REPORT_ID    128u /* of a rule that differs, */
#define HUNT_REPORT_TITLE 160u /* and of its title */
#define HUNT_LISTS_BYTES  ((size_t)1 << 20)
#define HUNT_LIST_NAME    255u /* bytes of a list's name, */
#define HUNT_LIST_REASON  96u  /* of why something of it was refused, */
#define HUNT_LIST_EXAMPLE 80u  /* and of that */

void hunt_order_write(const struct desk_hunt_order *order, struct buf *out);
/* Hashes live in the arena; the id is the message's. False: it does not read, or there is no memory. */
bool hunt_order_read(struct str body, struct arena *arena, struct desk_hunt_order *ret_order) MUST_USE;

/* Texts that are too long are cut; at most DESK_LISTS_MAX lists. */
void hunt_lists_write(const struct desk_lists *lists, struct buf *out);
/* Rows live in the arena, texts in the body. */
bool hunt_lists_read(struct str body, struct arena *arena, struct desk_lists *ret_lists) MUST_USE;

/* Texts that are too long are cut; of at most DESK_HUNT_HITS hits and DESK_RULES_MAX counts. */
void hunt_report_write(const struct desk_hunt_report *report, struct buf *out);
/* Lists live in the arena, texts in the body. A state is running, done or failed; failed is one with a trouble. */
bool hunt_report_read(struct str body, struct arena *arena, struct desk_hunt_report *ret_report) MUST_USE;

#endif
