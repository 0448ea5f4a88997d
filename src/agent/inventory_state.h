/* inventory_state.h - the inventory of one kind as it was told last, in a file, and what is different now.
 *
 *   "inventory.KIND"       qorgan inventory 1 ORIGIN COUNT CRC32C
 *                          ["key",{value}]              one item a line, in the order of the look
 *                          ["key",{value},{now}]        `now` changes all the time and is not compared
 *   "inventory.KIND.next"  the same, made by a look; takes the place of the first once what it tells is safe
 *
 * ORIGIN is the agent's id: an agent that was enrolled anew has told nothing yet. A file that is damaged, cut or of
 * another origin counts as none; then everything is told again. Memory: 24 bytes an item while a look goes on, nothing
 * in between. Single-threaded. */
#ifndef AGENT_INVENTORY_STATE_H
#define AGENT_INVENTORY_STATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "os/io.h"

#include <stdbool.h>
#include <stdint.h>

#define INVENTORY_KEY_MAX   512u               /* bytes */
#define INVENTORY_VALUE_MAX 3072u              /* of `value`, and of `now` */
#define INVENTORY_ITEM_MAX  ((size_t)12 << 10) /* of a line */

struct inventory_item {
    struct str key;   /* a text, 1 to INVENTORY_KEY_MAX bytes */
    struct str value; /* a JSON object whose members stand in an order that never changes */
    struct str now;   /* the same, or empty */
};

/* What tells two inventories apart, whatever the order of their items. */
struct inventory_digest {
    uint64_t sum;
    uint64_t count;
};
void inventory_digest_add(struct inventory_digest *digest, uint64_t seed, const struct inventory_item *item);
bool inventory_digest_eq(const struct inventory_digest *a, const struct inventory_digest *b);

struct inventory_place {
    const struct io *io;
    int folder; /* borrowed */
    char name[48];
    char next[56];
    char origin[37];
};
void inventory_place_init(struct inventory_place *ret_place, const struct io *io, int folder, const char *kind,
                          const char *origin);

enum inventory_change { INVENTORY_ADDED, INVENTORY_CHANGED, INVENTORY_REMOVED };
/* `before` is empty for what was added, `item->value` for what was removed. */
typedef void (*inventory_differs)(void *context, enum inventory_change change, const struct inventory_item *item,
                                  struct str before);
struct inventory_listener {
    inventory_differs differs;
    void *context;
};

struct inventory_compare;

/* Begins a look at about `count` items. *ret_told: something was told before, so that `differs` will hear what
 * changed; else it hears nothing. */
enum rc inventory_compare_new(const struct inventory_place *place, uint64_t seed, uint64_t count,
                              struct inventory_listener listener, struct inventory_compare **ret_compare,
                              struct err *err) MUST_USE;
bool inventory_compare_told(const struct inventory_compare *compare);
/* An item that is there now. A key that came before in this look is passed over. False: no more are taken. */
bool inventory_compare_item(struct inventory_compare *compare, const struct inventory_item *item);
/* The look saw everything: what did not come is gone. Leaves the next file and says what it holds. Not RC_OK: it could
 * not be written, and what was heard will be heard again. */
enum rc inventory_compare_end(struct inventory_compare *compare, struct inventory_digest *ret_digest,
                              struct err *err) MUST_USE;
void inventory_compare_free(struct inventory_compare *compare); /* NULL is fine */

/* The next file becomes the one that counts. */
enum rc inventory_place_keep(const struct inventory_place *place, struct err *err) MUST_USE;
void inventory_place_forget(const struct inventory_place *place); /* both files */
/* What was told last. RC_NOT_FOUND: nothing that can be read. */
enum rc inventory_place_digest(const struct inventory_place *place, uint64_t seed, struct inventory_digest *ret_digest,
                               struct err *err) MUST_USE;
/* Appends whole lines from *offset on, 0 to begin, with commas between them, as long as they are fewer than `most`
 * bytes. *ret_last: none is left. */
enum rc inventory_place_part(const struct inventory_place *place, uint64_t *offset, size_t most, struct buf *out,
                             bool *ret_last, struct err *err) MUST_USE;

#endif
