/* asset_rules.h - which informatization object a host and an address belong to. Pure: no database, no clock.
 *
 * The desk asks it for each match, the packer for the records of a segment, so that both agree. The rule that fits best
 * decides: an exact host, then the longest host pattern, then the narrowest network; when none fits, or nothing is
 * said, it is the object with the lowest id. Source of "object": the acts' "объект информатизации"; decree 832, p.38.
 */
#ifndef DESK_ASSET_RULES_H
#define DESK_ASSET_RULES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSET_RULES_MAX   20000u
#define ASSET_PATTERN_MAX 256u /* bytes; of a host no more is looked at */
#define ASSET_RULES_BYTES ((size_t)12 + ASSET_RULES_MAX * (11 + (size_t)ASSET_PATTERN_MAX)) /* all of them, written */

struct asset_rule {
    int64_t object; /* id of the desk's */
    bool is_address;
    struct str pattern; /* host: '*' stands for any characters, ASCII case does not matter; or address or CIDR */
    uint8_t address[16];
    unsigned bits;
};

/* Rules in the order of object and place: of two that fit alike the first one decides. Borrowed. */
struct asset_rules {
    const struct asset_rule *rule;
    size_t count;
    int64_t fallback; /* the object of what no rule fits; 0: there is none */
};

/* Fills a rule that borrows `pattern`; false when the pattern is none of its kind. */
bool asset_rule_read(struct str pattern, bool is_address, int64_t object, struct asset_rule *ret_rule) MUST_USE;
/* Empty texts are not said; an address that does not read counts as not said. */
int64_t asset_rules_object(const struct asset_rules *rules, struct str host, struct str address);
/* As the body of a message: u64 fallback, u32 count, then of each u64 object, u8 1 for an address, u16 length and
 * pattern. */
void asset_rules_write(const struct asset_rules *rules, struct buf *out);
/* Copies into the arena. RC_INVALID: not what asset_rules_write writes; RC_LIMIT: no memory. */
enum rc asset_rules_read(struct str bytes, struct arena *arena, struct asset_rules *ret_rules,
                         struct err *err) MUST_USE;

#endif
