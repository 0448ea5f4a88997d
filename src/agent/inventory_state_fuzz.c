/* The file of what was told, from any bytes, and past its check of damage: what reads is written again and is the
 * same. */
#include "agent/inventory_state.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ORIGIN "00000000-0000-0000-0000-000000000001"

static struct str file;
static struct buf made;

/* A folder with the one file, and one that is made. Descriptor 1 is the old one, 2 the new one. */
static int memory_open(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    (void)folder;
    (void)name;
    return flags & IO_WRITE ? 2 : 1;
}

static int memory_close(void *self, int fd)
{
    (void)self;
    (void)fd;
    return 0;
}

static ssize_t memory_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    (void)self;
    struct str from = str_slice(str_skip(fd == 1 ? file : buf_view(&made), (size_t)offset), 0, n);
    if (from.n)
        memcpy(bytes, from.p, from.n);
    return (ssize_t)from.n;
}

static ssize_t memory_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    (void)self;
    (void)fd;
    while (made.n < (size_t)offset && !made.overflow)
        buf_char(&made, '\0');
    size_t over = MIN(n, made.n - (size_t)offset);
    memcpy(made.p + offset, bytes, over);
    buf_put(&made, (const char *)bytes + over, n - over);
    return made.overflow ? -ENOSPC : (ssize_t)n;
}

static int memory_size(void *self, int fd, int64_t *ret_size)
{
    (void)self;
    *ret_size = (int64_t)(fd == 1 ? file.n : made.n);
    return 0;
}

static int memory_truncate(void *self, int fd, int64_t size)
{
    (void)self;
    (void)fd;
    (void)size;
    buf_clear(&made);
    return 0;
}

static int memory_sync(void *self, int fd)
{
    (void)self;
    (void)fd;
    return 0;
}

static const struct io memory = {.open = memory_open,
                                 .close = memory_close,
                                 .pread = memory_pread,
                                 .pwrite = memory_pwrite,
                                 .size = memory_size,
                                 .truncate = memory_truncate,
                                 .sync = memory_sync};

static void differs(void *context, enum inventory_change change, const struct inventory_item *item, struct str before)
{
    (void)context;
    ASSERT(item->key.n > 0 && item->key.n <= INVENTORY_KEY_MAX);
    ASSERT(change == INVENTORY_ADDED ? before.n == 0 : before.n > 0);
}

static void look(struct str input)
{
    struct inventory_place place;
    struct inventory_compare *compare = NULL;
    struct inventory_digest digest, again;
    const struct inventory_item item = {STR("a"), STR("{}"), STR_NONE};
    file = input;
    buf_init(&made, (size_t)1 << 20);
    inventory_place_init(&place, &memory, 3, "usb", ORIGIN);
    bool reads = inventory_place_digest(&place, 1, &digest, NULL) == RC_OK;
    if (inventory_compare_new(&place, 1, 4, (struct inventory_listener){differs, NULL}, &compare, NULL) == RC_OK) {
        ASSERT(inventory_compare_told(compare) == reads || reads); /* one key twice does not read as told */
        ASSERT(inventory_compare_item(compare, &item));
        ASSERT(inventory_compare_end(compare, &digest, NULL) == RC_OK && digest.count == 1);
        file = buf_view(&made);
        ASSERT(inventory_place_digest(&place, 1, &again, NULL) == RC_OK && inventory_digest_eq(&digest, &again));
    }
    inventory_compare_free(compare);
    buf_done(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = str_at(bytes, size);
    struct buf whole;
    unsigned count = 0;
    char head[128];
    look(input);
    for (size_t i = 0; i < size; i++)
        count += bytes[i] == '\n';
    snprintf(head, sizeof head, "qorgan inventory 1 " ORIGIN " %08u %08x\n", count, crc32c(0, bytes, size));
    buf_init(&whole, (size_t)1 << 20);
    buf_text(&whole, head);
    buf_str(&whole, input);
    if (!whole.overflow)
        look(buf_view(&whole));
    buf_done(&whole);
    return 0;
}
