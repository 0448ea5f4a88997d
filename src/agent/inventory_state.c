#include "agent/inventory_state.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "codec/json.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define HEAD_BEGIN  "qorgan inventory 1 "
#define HEAD_SIZE   (sizeof HEAD_BEGIN - 1 + 36 + 1 + 8 + 1 + 8 + 1)
#define WINDOW      ((size_t)32 << 10)
#define LINE_LEVELS 8u
#define LINE_ARENA  ((size_t)64 << 10)
#define FILE_MAX    (UINT64_C(64) << 20)
#define ENTRIES_MAX (UINT64_C(1) << 20)
#define ROOM_MORE   64u /* that may come between two looks */
#define NOWHERE     UINT32_MAX

_Static_assert(WINDOW >= 2 * INVENTORY_ITEM_MAX, "a line fits beside the rest of another");

/* ---- items ---- */

static uint64_t key_hash(uint64_t seed, struct str key)
{
    return hash_text(seed, key);
}

static uint64_t value_hash(uint64_t seed, struct str value)
{
    return hash_text(seed ^ UINT64_C(0x9e3779b97f4a7c15), value);
}

void inventory_digest_add(struct inventory_digest *digest, uint64_t seed, const struct inventory_item *item)
{
    uint64_t pair[2] = {key_hash(seed, item->key), value_hash(seed, item->value)};
    digest->sum += hash_text(seed, str_at(pair, sizeof pair));
    digest->count++;
}

bool inventory_digest_eq(const struct inventory_digest *a, const struct inventory_digest *b)
{
    return a->sum == b->sum && a->count == b->count;
}

static void item_write(const struct inventory_item *item, struct buf *out)
{
    json_write_array(out);
    json_write_str(out, item->key);
    json_write_raw(out, item->value);
    if (item->now.n)
        json_write_raw(out, item->now);
    json_write_array_end(out);
}

/* Slices of the line or of the arena. */
static bool item_read(struct str line, struct arena *arena, struct inventory_item *ret_item)
{
    struct json_value *array = NULL;
    arena_reset(arena);
    if (json_parse(arena, line, LINE_LEVELS, &array, NULL) != RC_OK || array->kind != JSON_ARRAY || array->count < 2 ||
        array->count > 3)
        return false;
    const struct json_value *key = json_first(array);
    const struct json_value *value = key->next;
    const struct json_value *now = value->next;
    if (key->kind != JSON_STRING || key->text.n == 0 || key->text.n > INVENTORY_KEY_MAX || value->kind != JSON_OBJECT ||
        (now && now->kind != JSON_OBJECT))
        return false;
    *ret_item = (struct inventory_item){key->text, value->text, now ? now->text : STR_NONE};
    return true;
}

/* ---- the place ---- */

void inventory_place_init(struct inventory_place *ret_place, const struct io *io, int folder, const char *kind,
                          const char *origin)
{
    ASSERT(strlen(kind) < 32 && strlen(origin) == 36);
    *ret_place = (struct inventory_place){.io = io, .folder = folder};
    snprintf(ret_place->name, sizeof ret_place->name, "inventory.%s", kind);
    snprintf(ret_place->next, sizeof ret_place->next, "inventory.%s.next", kind);
    memcpy(ret_place->origin, origin, sizeof ret_place->origin);
}

struct head {
    uint64_t count;
    uint32_t crc;
};

static bool head_parse(const struct inventory_place *place, struct str text, struct head *ret_head)
{
    uint64_t crc = 0;
    struct str begin = STR(HEAD_BEGIN);
    if (text.n != HEAD_SIZE || !str_starts(text, begin))
        return false;
    struct str rest = str_trim_end(str_skip(text, begin.n), '\n');
    if (!str_is(str_cut(&rest, ' '), place->origin) || !str_to_u64(str_cut(&rest, ' '), &ret_head->count) ||
        rest.n != 8 || !str_hex_to_u64(rest, &crc) || crc > UINT32_MAX || ret_head->count > ENTRIES_MAX)
        return false;
    ret_head->crc = (uint32_t)crc;
    return true;
}

static int place_open(const struct inventory_place *place, struct head *ret_head)
{
    char bytes[HEAD_SIZE];
    int64_t size = 0;
    int fd = place->io->open(place->io->self, place->folder, place->name, IO_READ);
    if (fd < 0)
        return fd;
    if (file_read_at(place->io, fd, bytes, sizeof bytes, 0, NULL) == RC_OK &&
        head_parse(place, str_at(bytes, sizeof bytes), ret_head) && place->io->size(place->io->self, fd, &size) >= 0 &&
        (uint64_t)size <= FILE_MAX)
        return fd;
    IGNORE(place->io->close(place->io->self, fd)); /* only read */
    return -1;
}

/* ---- reading a file ---- */

struct walk {
    const struct io *io;
    int fd;
    char window[WINDOW];
    size_t n;
    uint64_t at; /* of the window's first byte */
    uint32_t crc;
    bool ended;
};

static bool walk_fill(struct walk *walk)
{
    while (!walk->ended && walk->n < WINDOW) {
        ssize_t got = walk->io->pread(walk->io->self, walk->fd, walk->window + walk->n, WINDOW - walk->n,
                                      (int64_t)(walk->at + walk->n));
        if (got < 0)
            return false;
        walk->crc = crc32c(walk->crc, walk->window + walk->n, (size_t)got);
        walk->n += (size_t)got;
        walk->ended = got == 0;
    }
    return true;
}

/* The next line without its end, which stands at *ret_at. RC_END: there is none. */
static enum rc walk_line(struct walk *walk, size_t *used, struct str *ret_line, uint64_t *ret_at)
{
    struct str rest = str_skip(str_at(walk->window, walk->n), *used);
    if (str_find(rest, '\n') == rest.n) {
        memmove(walk->window, walk->window + *used, rest.n);
        walk->n = rest.n;
        walk->at += *used;
        *used = 0;
        if (!walk_fill(walk))
            return RC_IO;
        rest = str_at(walk->window, walk->n);
    }
    size_t end = str_find(rest, '\n');
    if (rest.n == 0)
        return RC_END;
    if (end == rest.n)
        return RC_CORRUPT; /* cut, or longer than any of ours */
    *ret_at = walk->at + *used;
    *ret_line = str_slice(rest, 0, end);
    *used += end + 1;
    return RC_OK;
}

typedef bool (*on_item)(void *context, const struct inventory_item *item, uint64_t at);

/* All items of the file; RC_CORRUPT when it is not whole, which is known at its end. */
static enum rc walk_items(const struct inventory_place *place, int fd, const struct head *head, on_item each,
                          void *context)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(LINE_ARENA);
    struct walk *walk = memory_new(sizeof *walk);
    struct str line;
    uint64_t at = 0;
    uint64_t count = 0;
    size_t used = 0;
    enum rc rc = walk && arena ? RC_OK : RC_LIMIT;
    if (walk)
        *walk = (struct walk){.io = place->io, .fd = fd, .at = HEAD_SIZE};
    while (rc == RC_OK && (rc = walk_line(walk, &used, &line, &at)) == RC_OK) {
        struct inventory_item item;
        if (!item_read(line, arena, &item) || !each(context, &item, at))
            rc = RC_CORRUPT;
        count++;
    }
    if (rc == RC_END)
        rc = count == head->count && walk->crc == head->crc ? RC_OK : RC_CORRUPT;
    memory_free(walk);
    return rc;
}

struct digesting {
    struct inventory_digest digest;
    uint64_t seed;
};

static bool digest_item(void *context, const struct inventory_item *item, uint64_t at)
{
    struct digesting *digesting = context;
    (void)at;
    inventory_digest_add(&digesting->digest, digesting->seed, item);
    return true;
}

enum rc inventory_place_digest(const struct inventory_place *place, uint64_t seed, struct inventory_digest *ret_digest,
                               struct err *err)
{
    struct head head;
    struct digesting digesting = {.seed = seed};
    int fd = place_open(place, &head);
    if (fd < 0)
        return err_set(err, RC_NOT_FOUND, "\"%s\" is not there, or is of another agent", place->name);
    enum rc rc = walk_items(place, fd, &head, digest_item, &digesting);
    IGNORE(place->io->close(place->io->self, fd)); /* only read */
    *ret_digest = digesting.digest;
    return rc == RC_OK ? rc : err_set(err, RC_NOT_FOUND, "\"%s\" is damaged", place->name);
}

enum rc inventory_place_part(const struct inventory_place *place, uint64_t *offset, size_t most, struct buf *out,
                             bool *ret_last, struct err *err)
{
    struct head head;
    struct walk *walk = memory_new(sizeof *walk);
    struct str line;
    uint64_t at = 0;
    size_t used = 0;
    size_t begun = out->n;
    int fd = place_open(place, &head);
    enum rc rc = fd >= 0 && walk ? RC_OK : RC_NOT_FOUND;
    if (walk)
        *walk = (struct walk){.io = place->io, .fd = fd, .at = MAX(*offset, (uint64_t)HEAD_SIZE)};
    while (rc == RC_OK && (rc = walk_line(walk, &used, &line, &at)) == RC_OK && out->n - begun + line.n < most) {
        if (out->n > begun)
            buf_char(out, ',');
        buf_str(out, line);
        *offset = at + line.n + 1;
    }
    *ret_last = rc == RC_END;
    if (fd >= 0)
        IGNORE(place->io->close(place->io->self, fd)); /* only read */
    memory_free(walk);
    if (rc != RC_OK && rc != RC_END)
        return err_set(err, rc, "\"%s\" does not read", place->name);
    return out->overflow ? err_set(err, RC_LIMIT, "a part of \"%s\" is too long", place->name) : RC_OK;
}

enum rc inventory_place_keep(const struct inventory_place *place, struct err *err)
{
    int rc = place->io->rename(place->io->self, place->folder, place->next, place->name);
    return rc < 0 ? io_error(place->io, err, -rc, "could not rename \"%s\"", place->next) : RC_OK;
}

void inventory_place_forget(const struct inventory_place *place)
{
    /* One that stays is of another origin, or is told again. */
    IGNORE(place->io->unlink(place->io->self, place->folder, place->name));
    IGNORE(place->io->unlink(place->io->self, place->folder, place->next));
}

/* ---- comparing ---- */

struct entry {
    uint64_t key;
    uint64_t value;
    uint32_t at; /* of its line in the old file; NOWHERE: it is new */
    bool seen;
};

struct inventory_compare {
    const struct inventory_place *place;
    uint64_t seed;
    struct inventory_listener listener;
    int old; /* -1: nothing was told before */
    int next;
    struct entry *entries;
    uint32_t *slots; /* number of an entry and one; 0: free. A power of two of them */
    size_t count;
    size_t room;
    size_t mask;
    struct inventory_digest digest;
    struct arena *arena;
    struct buf out;
    uint64_t written;
    uint32_t crc;
    struct err err;
};

static struct entry *entry_find(const struct inventory_compare *compare, uint64_t key, uint32_t **ret_slot)
{
    size_t at = (size_t)key & compare->mask;
    while (compare->slots[at] && compare->entries[compare->slots[at] - 1].key != key)
        at = (at + 1) & compare->mask;
    *ret_slot = &compare->slots[at];
    return compare->slots[at] ? &compare->entries[compare->slots[at] - 1] : NULL;
}

static struct entry *entry_add(struct inventory_compare *compare, uint32_t *slot, const struct entry *entry)
{
    if (compare->count == compare->room)
        return NULL;
    compare->entries[compare->count] = *entry;
    *slot = (uint32_t)++compare->count;
    return &compare->entries[compare->count - 1];
}

static bool old_item(void *context, const struct inventory_item *item, uint64_t at)
{
    struct inventory_compare *compare = context;
    uint32_t *slot;
    struct entry entry = {
        .key = key_hash(compare->seed, item->key), .value = value_hash(compare->seed, item->value), .at = (uint32_t)at};
    return !entry_find(compare, entry.key, &slot) && entry_add(compare, slot, &entry);
}

static bool room_make(struct inventory_compare *compare, uint64_t count)
{
    size_t slots = 64;
    compare->room = (size_t)MIN(count, 2 * ENTRIES_MAX) + ROOM_MORE;
    while (slots < compare->room + compare->room / 3)
        slots *= 2;
    compare->mask = slots - 1;
    compare->entries = memory_new(compare->room * sizeof *compare->entries);
    compare->slots = memory_new(slots * sizeof *compare->slots);
    return compare->entries && compare->slots;
}

/* A file that turns out to be damaged is none: what was read of it is forgotten. */
static void old_load(struct inventory_compare *compare, const struct head *head)
{
    size_t slots = compare->mask + 1;
    if (walk_items(compare->place, compare->old, head, old_item, compare) == RC_OK)
        return;
    IGNORE(compare->place->io->close(compare->place->io->self, compare->old)); /* only read */
    compare->old = -1;
    compare->count = 0;
    memset(compare->slots, 0, slots * sizeof *compare->slots);
}

static enum rc next_open(struct inventory_compare *compare, struct err *err)
{
    const struct io *io = compare->place->io;
    int fd = io->open(io->self, compare->place->folder, compare->place->next, IO_WRITE | IO_CREATE);
    int cut = fd >= 0 ? io->truncate(io->self, fd, 0) : 0;
    compare->next = fd;
    if (fd < 0 || cut < 0)
        return io_error(io, err, fd < 0 ? -fd : -cut, "could not make \"%s\"", compare->place->next);
    compare->written = HEAD_SIZE; /* the head is known at the end */
    return RC_OK;
}

enum rc inventory_compare_new(const struct inventory_place *place, uint64_t seed, uint64_t count,
                              struct inventory_listener listener, struct inventory_compare **ret_compare,
                              struct err *err)
{
    struct head head = {0};
    struct inventory_compare *compare = memory_new(sizeof *compare);
    *ret_compare = NULL;
    if (!compare)
        return err_set(err, RC_LIMIT, "no memory to look");
    *compare = (struct inventory_compare){
        .place = place, .seed = seed, .listener = listener, .next = -1, .arena = arena_new(LINE_ARENA)};
    buf_init(&compare->out, WINDOW);
    compare->old = place_open(place, &head);
    enum rc rc = compare->arena && room_make(compare, count + (compare->old >= 0 ? head.count : 0))
                     ? RC_OK
                     : err_set(err, RC_LIMIT, "no memory to look");
    if (rc == RC_OK && compare->old >= 0)
        old_load(compare, &head);
    if (rc == RC_OK)
        rc = next_open(compare, err);
    if (rc != RC_OK) {
        inventory_compare_free(compare);
        return rc;
    }
    *ret_compare = compare;
    return RC_OK;
}

bool inventory_compare_told(const struct inventory_compare *compare)
{
    return compare->old >= 0;
}

static void out_flush(struct inventory_compare *compare)
{
    struct str bytes = buf_view(&compare->out);
    if (compare->err.code == RC_OK)
        IGNORE(file_write_at(compare->place->io, compare->next, bytes, (int64_t)compare->written,
                             &compare->err)); /* said at the end */
    compare->crc = crc32c(compare->crc, bytes.p, bytes.n);
    compare->written += bytes.n;
    buf_clear(&compare->out);
}

/* The line of an entry, as it was told. */
static bool old_read(struct inventory_compare *compare, const struct entry *entry, char bytes[INVENTORY_ITEM_MAX],
                     struct inventory_item *ret_item)
{
    const struct io *io = compare->place->io;
    ssize_t got = io->pread(io->self, compare->old, bytes, INVENTORY_ITEM_MAX, entry->at);
    struct str line = str_at(bytes, got > 0 ? (size_t)got : 0);
    return item_read(str_slice(line, 0, str_find(line, '\n')), compare->arena, ret_item);
}

static void item_differs(struct inventory_compare *compare, struct entry *entry, const struct inventory_item *item,
                         uint64_t value)
{
    char bytes[INVENTORY_ITEM_MAX];
    struct inventory_item before;
    if (entry->at == NOWHERE) {
        if (compare->old >= 0)
            compare->listener.differs(compare->listener.context, INVENTORY_ADDED, item, STR_NONE);
    } else if (entry->value != value) {
        bool read = old_read(compare, entry, bytes, &before);
        compare->listener.differs(compare->listener.context, INVENTORY_CHANGED, item, read ? before.value : STR("{}"));
    }
}

bool inventory_compare_item(struct inventory_compare *compare, const struct inventory_item *item)
{
    uint32_t *slot;
    ASSERT(item->key.n > 0 && item->key.n <= INVENTORY_KEY_MAX);
    ASSERT(item->value.n <= INVENTORY_VALUE_MAX && item->now.n <= INVENTORY_VALUE_MAX);
    const struct entry fresh = {.key = key_hash(compare->seed, item->key), .at = NOWHERE};
    struct entry *entry = entry_find(compare, fresh.key, &slot);
    entry = entry ? entry : entry_add(compare, slot, &fresh);
    if (!entry)
        return false;
    if (entry->seen)
        return true;
    entry->seen = true;
    item_differs(compare, entry, item, value_hash(compare->seed, item->value));
    inventory_digest_add(&compare->digest, compare->seed, item);
    if (compare->out.limit - compare->out.n < INVENTORY_ITEM_MAX)
        out_flush(compare);
    item_write(item, &compare->out);
    buf_char(&compare->out, '\n');
    return true;
}

static void gone_tell(struct inventory_compare *compare)
{
    char bytes[INVENTORY_ITEM_MAX];
    struct inventory_item item;
    for (size_t i = 0; i < compare->count && compare->old >= 0; i++)
        if (!compare->entries[i].seen && old_read(compare, &compare->entries[i], bytes, &item)) {
            struct str before = item.value;
            item.value = item.now = STR_NONE;
            compare->listener.differs(compare->listener.context, INVENTORY_REMOVED, &item, before);
        }
}

enum rc inventory_compare_end(struct inventory_compare *compare, struct inventory_digest *ret_digest, struct err *err)
{
    char head[HEAD_SIZE + 1];
    const struct io *io = compare->place->io;
    gone_tell(compare);
    bool whole = !compare->out.overflow;
    out_flush(compare);
    if (!whole || compare->digest.count > ENTRIES_MAX || compare->written > FILE_MAX)
        return err_set(err, RC_LIMIT, "\"%s\" would be too large", compare->place->name);
    int n = snprintf(head, sizeof head, HEAD_BEGIN "%s %08llu %08x\n", compare->place->origin,
                     (unsigned long long)compare->digest.count, compare->crc);
    ASSERT(n == (int)HEAD_SIZE);
    if (compare->err.code == RC_OK)
        IGNORE(file_write_at(io, compare->next, str_at(head, HEAD_SIZE), 0, &compare->err)); /* the next line says it */
    int synced = compare->err.code == RC_OK ? io->sync(io->self, compare->next) : 0;
    if (synced < 0)
        return io_error(io, err, -synced, "could not write \"%s\"", compare->place->next);
    if (compare->err.code != RC_OK) {
        if (err)
            *err = compare->err;
        return compare->err.code;
    }
    *ret_digest = compare->digest;
    return RC_OK;
}

void inventory_compare_free(struct inventory_compare *compare)
{
    if (!compare)
        return;
    const struct io *io = compare->place->io;
    if (compare->old >= 0)
        IGNORE(io->close(io->self, compare->old)); /* only read */
    if (compare->next >= 0)
        IGNORE(io->close(io->self, compare->next)); /* written and synced, or not wanted */
    memory_free(compare->entries);
    memory_free(compare->slots);
    arena_free(compare->arena);
    buf_done(&compare->out);
    memory_free(compare);
}
