#include "agent/rpm_database.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define READS_LEAST   4096u
#define READ_BYTES    256u /* of the files, a read at most */
#define TIMES_MAX     3u   /* as many bytes as the files have: each page once, the log's twice, and cells' heads */
#define FILE_MAX      (UINT64_C(4) << 30)
#define NDB_MAGIC     "RpmP"
#define NDB_PAGE      4096u
#define NDB_UNIT      16u /* a slot, and what a blob's place is counted in */
#define BLOB_HEAD     16u
#define BLOB_TAIL     12u
#define PIECE         8192u
#define HASH_MAGIC    0x00061561u
#define HASH_META     512u
#define HASH_META_AT  8u /* the type of a page */
#define HASH_UNSORTED 2u
#define HASH_PAGE     13u
#define OVERFLOW_PAGE 7u
#define PAGE_HEAD     26u
#define ITEM_HERE     1u
#define ITEM_OVERFLOW 3u
#define SPARES        32u

bool rpm_walk_read(struct rpm_walk *walk, const struct rpm_file *file, uint64_t offset, void *bytes, size_t n)
{
    if (walk->reads_left == 0 || n > walk->bytes_left || offset > file->size || n > file->size - offset)
        return false;
    walk->reads_left--;
    walk->bytes_left -= n;
    return file->read(file->context, offset, bytes, n);
}

bool rpm_walk_give(struct rpm_walk *walk)
{
    return rpm_header_end(&walk->header) && walk->each(walk->context, &walk->header.package);
}

/* ---- ndb ---- */

static bool ndb_blob(struct rpm_walk *walk, const uint8_t slot[NDB_UNIT])
{
    const struct rpm_file *file = &walk->database->file;
    uint64_t at = (uint64_t)get_le32(slot + 8) * NDB_UNIT;
    uint64_t room = (uint64_t)get_le32(slot + 12) * NDB_UNIT;
    uint8_t head[BLOB_HEAD];
    uint8_t tail[BLOB_TAIL];
    if (!rpm_walk_read(walk, file, at, head, sizeof head) || memcmp(head, "BlbS", 4) != 0 ||
        memcmp(head + 4, slot + 4, 4) != 0)
        return false;
    uint64_t size = get_le32(head + 12);
    if (room != (BLOB_HEAD + size + BLOB_TAIL + NDB_UNIT - 1) / NDB_UNIT * NDB_UNIT ||
        !rpm_walk_read(walk, file, at + room - BLOB_TAIL, tail, sizeof tail) || get_le32(tail + 4) != size ||
        memcmp(tail + 8, "BlbE", 4) != 0)
        return false;
    rpm_header_begin(&walk->header, size, walk->database->brief);
    bool more = true;
    for (uint64_t done = 0; more && done < size; done += PIECE) {
        size_t n = MIN(size - done, (uint64_t)PIECE);
        if (!rpm_walk_read(walk, file, at + BLOB_HEAD + done, walk->piece, n))
            return false;
        more = rpm_header_take(&walk->header, str_at(walk->piece, n));
    }
    return rpm_walk_give(walk);
}

/* The two first slots' place is the file's head. A slot without a place is free. */
static bool ndb_read(struct rpm_walk *walk)
{
    const struct rpm_file *file = &walk->database->file;
    uint8_t slot[2 * NDB_UNIT];
    if (!rpm_walk_read(walk, file, 0, slot, sizeof slot) || get_le32(slot + 4) != 0) /* its version */
        return false;
    uint64_t pages = get_le32(slot + 12);
    if (pages == 0 || pages > file->size / NDB_PAGE)
        return false;
    for (uint64_t page = 0; page < pages; page++) {
        if (!rpm_walk_read(walk, file, page * NDB_PAGE, walk->page, NDB_PAGE))
            return false;
        for (size_t at = page ? 0 : sizeof slot; at < NDB_PAGE; at += NDB_UNIT) {
            const uint8_t *one = walk->page + at;
            if (memcmp(one, "Slot", 4) != 0)
                return false;
            uint64_t place = get_le32(one + 8);
            if (place != 0 && (place < pages * (NDB_PAGE / NDB_UNIT) || !ndb_blob(walk, one)))
                return false;
        }
    }
    return true;
}

/* ---- Berkeley DB ---- */

struct hash {
    uint32_t page_size;
    uint32_t last_page;
    uint32_t buckets;
    uint32_t spares[SPARES];
};

/* In the order of this machine alone, which wrote it: rpm never took one from another. */
static bool hash_open(struct rpm_walk *walk, struct hash *ret_hash)
{
    uint8_t meta[HASH_META];
    if (!rpm_walk_read(walk, &walk->database->file, 0, meta, sizeof meta))
        return false;
    uint32_t version = get_le32(meta + 16);
    ret_hash->page_size = get_le32(meta + 20);
    ret_hash->last_page = get_le32(meta + 32);
    ret_hash->buckets = get_le32(meta + 72);
    for (size_t i = 0; i < SPARES; i++)
        ret_hash->spares[i] = get_le32(meta + 96 + 4 * i);
    return version >= 8 && version <= 10 && ret_hash->page_size >= HASH_META && ret_hash->page_size <= RPM_PAGE_MAX &&
           (ret_hash->page_size & (ret_hash->page_size - 1)) == 0 && meta[24] == 0 /* not encrypted */ &&
           meta[25] == HASH_META_AT && meta[26] == 0 /* without checksums and partitions */ &&
           ret_hash->buckets <= ret_hash->last_page;
}

static bool hash_page(struct rpm_walk *walk, const struct hash *hash, uint32_t number, uint8_t *ret_page)
{
    return number > 0 && number <= hash->last_page &&
           rpm_walk_read(walk, &walk->database->file, (uint64_t)number * hash->page_size, ret_page, hash->page_size) &&
           get_le32(ret_page + 8) == number;
}

/* The items of a page lie from its end to its beginning, a key and its value by turns. Nothing: it is none. */
static struct str hash_item(const struct rpm_walk *walk, const struct hash *hash, size_t which)
{
    const uint8_t *place = walk->page + PAGE_HEAD + 2 * which;
    size_t least = PAGE_HEAD + 2 * (size_t)get_le16(walk->page + 20);
    size_t from = get_le16(place);
    size_t to = which == 0 ? hash->page_size : get_le16(place - 2);
    if (from < least || from >= to || to > hash->page_size)
        return STR_NONE;
    return str_at(walk->page + from, to - from);
}

static bool overflow_take(struct rpm_walk *walk, const struct hash *hash, uint32_t number, uint32_t size)
{
    uint32_t left = size;
    bool more = true;
    rpm_header_begin(&walk->header, size, walk->database->brief);
    while (more && left) {
        if (!hash_page(walk, hash, number, walk->piece) || walk->piece[25] != OVERFLOW_PAGE)
            return false;
        size_t n = get_le16(walk->piece + 22);
        if (n == 0 || n > left || n > hash->page_size - PAGE_HEAD)
            return false;
        more = rpm_header_take(&walk->header, str_at(walk->piece + PAGE_HEAD, n));
        left -= (uint32_t)n;
        number = get_le32(walk->piece + 16);
    }
    return rpm_walk_give(walk);
}

/* The key is the package's number; under 0 the last number that was given is kept. */
static bool hash_pair(struct rpm_walk *walk, const struct hash *hash, struct str key, struct str value)
{
    if (key.n != 5 || (uint8_t)key.p[0] != ITEM_HERE || value.n < 2)
        return false;
    if (get_le32(key.p + 1) == 0)
        return true;
    if ((uint8_t)value.p[0] == ITEM_OVERFLOW)
        return value.n == 12 && overflow_take(walk, hash, get_le32(value.p + 4), get_le32(value.p + 8));
    if ((uint8_t)value.p[0] != ITEM_HERE)
        return false;
    rpm_header_begin(&walk->header, value.n - 1, walk->database->brief);
    IGNORE(rpm_header_take(&walk->header, str_skip(value, 1))); /* all of it: the end says whether it was whole */
    return rpm_walk_give(walk);
}

static bool bucket_read(struct rpm_walk *walk, const struct hash *hash, uint32_t number)
{
    do {
        if (!hash_page(walk, hash, number, walk->page) ||
            (walk->page[25] != HASH_PAGE && walk->page[25] != HASH_UNSORTED))
            return false;
        size_t count = get_le16(walk->page + 20);
        if (count % 2 || count > (hash->page_size - PAGE_HEAD) / 2)
            return false;
        for (size_t i = 0; i < count; i += 2)
            if (!hash_pair(walk, hash, hash_item(walk, hash, i), hash_item(walk, hash, i + 1)))
                return false;
        number = get_le32(walk->page + 16);
    } while (number);
    return true;
}

static bool hash_read(struct rpm_walk *walk)
{
    struct hash hash;
    if (!hash_open(walk, &hash))
        return false;
    for (uint32_t bucket = 0; bucket <= hash.buckets; bucket++) {
        unsigned doubled = 0; /* how often the table had doubled when the bucket came */
        while (doubled < SPARES - 1 && bucket >> doubled)
            doubled++;
        if (!bucket_read(walk, &hash, bucket + hash.spares[doubled]))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

enum rpm_form rpm_database_form(const struct rpm_file *file)
{
    static const char sqlite[16] = "SQLite format 3";
    uint8_t head[sizeof sqlite];
    if (file->size < sizeof head || !file->read(file->context, 0, head, sizeof head))
        return RPM_UNKNOWN;
    if (memcmp(head, sqlite, sizeof sqlite) == 0)
        return RPM_SQLITE;
    if (memcmp(head, NDB_MAGIC, 4) == 0)
        return RPM_NDB;
    return get_le32(head + 12) == HASH_MAGIC ? RPM_BERKELEY : RPM_UNKNOWN;
}

bool rpm_database_read(const struct rpm_database *database, rpm_each each, void *context)
{
    static bool (*const readers[])(struct rpm_walk * walk) = {
        [RPM_SQLITE] = rpm_sqlite_read, [RPM_NDB] = ndb_read, [RPM_BERKELEY] = hash_read};
    enum rpm_form form = rpm_database_form(&database->file);
    uint64_t size = database->file.size;
    uint64_t log_size = database->log.size;
    bool fits = form != RPM_UNKNOWN && size <= FILE_MAX && log_size <= FILE_MAX;
    struct rpm_walk *walk = fits ? memory_new(sizeof *walk) : NULL;
    if (!walk)
        return false;
    walk->database = database;
    walk->each = each;
    walk->context = context;
    walk->reads_left = READS_LEAST + (size + log_size) / READ_BYTES;
    walk->bytes_left = (uint64_t)READS_LEAST * READ_BYTES + (size + log_size) * TIMES_MAX;
    bool whole = readers[form](walk);
    memory_free(walk);
    return whole;
}
