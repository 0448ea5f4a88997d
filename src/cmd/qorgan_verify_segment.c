/* Sealed segments, read anew from doc/format/segment.md; their blocks are decoded in qorgan_verify_block.c. */
#include "base/bytes.h"
#include "cmd/qorgan_verify_audit.h"
#include "cmd/qorgan_verify_block.h"
#include "cmd/qorgan_verify_sealed.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE      4096
#define FOOTER_SIZE      1024
#define ENTRY_SIZE       80
#define VERSION          2
#define BLOCKS_MAX       (1u << 20)
#define SECTION_READ_MAX ((uint64_t)256 << 20)
#define DICTIONARIES_MAX ((size_t)2 << 30) /* memory for what the chains of a segment share */
#define PAGE_SLOTS       16384

enum section { HEADER, BLOCKS, DICTIONARIES, INDEX, FILTER, GROUPS, EDGES, FRONTIERS, SOURCES, SECTIONS };

/* Lowest and highest. */
struct bounds {
    int64_t low;
    int64_t high;
};

struct part {
    uint64_t offset;
    uint64_t length;
    struct tlog_hash digest;
};

/* What a record needs when its turn comes; blocks hold records of several ranges at once. */
struct slot {
    struct leaf leaf;
    struct tlog_hash hash;
    int64_t offset; /* of its block */
    bool seen;
};

struct segment {
    struct audit *audit;
    char file[AUDIT_FILE_MAX];
    int fd;
    struct sealed_segment *sealed; /* NULL: the file is plain */
    uint64_t first;
    uint64_t end;
    uint64_t size;
    uint64_t bytes_raw;
    uint64_t bytes_found; /* raw bytes of the blocks so far */
    struct bounds received;
    struct bounds time;
    struct bounds received_found;
    struct bounds time_found;
    uint32_t blocks;
    uint32_t chains;
    struct verify_dictionary *dictionary; /* of each chain */
    struct arena *kept;                   /* holds them; the scratch arena is reset with every block */
    struct part part[SECTIONS];
    struct slot **page; /* each made when the first of its records is decoded: a footer alone costs no memory */
    size_t page_count;
    int64_t block_offset; /* of the block being read */
    struct err err;
};

static enum rc damage(struct segment *s, int64_t offset, const char *what)
{
    return audit_damage(s->audit, s->file, offset, "%s", what);
}

/* Bytes of the file into the scratch arena. A file that is too short is damage, a failing disk is not. */
static enum rc read_part(struct segment *s, uint64_t offset, uint64_t length, struct str *ret_bytes)
{
    char *bytes = arena_alloc_raw(s->audit->scratch, (size_t)length + 1);
    if (bytes == NULL)
        return err_set(&s->err, RC_LIMIT, "out of memory at \"%s\"", s->file);
    enum rc rc = s->sealed != NULL ? sealed_segment_read(s->sealed, bytes, (size_t)length, offset, &s->err)
                                   : file_read_at(&io_kernel, s->fd, bytes, (size_t)length, (int64_t)offset, &s->err);
    if (rc == RC_END)
        return damage(s, (int64_t)offset, "the file is cut short");
    *ret_bytes = str_at(bytes, (size_t)length);
    return rc;
}

/* ---- header, footer ---- */

static enum rc check_header(struct segment *s)
{
    struct str bytes;
    enum rc rc = read_part(s, 0, HEADER_SIZE, &bytes);
    if (rc != RC_OK)
        return rc;
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, 8);
    uint16_t version = read_be16(&in);
    (void)read_be16(&in);
    (void)read_be32(&in); /* compatible features */
    uint32_t incompatible = read_be32(&in);
    (void)read_be32(&in);
    struct str uuid = read_bytes(&in, 16);
    uint64_t first = read_be64(&in);
    if (!str_is(magic, "QORGSEG\n") || get_be32(bytes.p + HEADER_SIZE - 4) != crc32c(0, bytes.p, HEADER_SIZE - 4))
        return damage(s, 0, "the segment's header is damaged");
    if (version != VERSION || incompatible != 0)
        return err_set(&s->err, RC_INVALID, "\"%s\" needs a newer qorgan-verify", s->file);
    if (memcmp(uuid.p, s->audit->uuid, 16) != 0 || first != s->first)
        return damage(s, 16, "the segment belongs to another archive or another place");
    return RC_OK;
}

static enum rc check_footer(struct segment *s)
{
    struct str bytes;
    uint64_t place = s->size - FOOTER_SIZE;
    enum rc rc = read_part(s, place, FOOTER_SIZE, &bytes);
    if (rc != RC_OK)
        return rc;
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, 8);
    uint64_t first = read_be64(&in);
    s->end = read_be64(&in);
    s->bytes_raw = read_be64(&in);
    s->received.low = (int64_t)read_be64(&in);
    s->received.high = (int64_t)read_be64(&in);
    s->time.low = (int64_t)read_be64(&in);
    s->time.high = (int64_t)read_be64(&in);
    s->blocks = read_be32(&in);
    uint32_t sections = read_be32(&in);
    if (!str_is(magic, "QORGSEGF") || get_be32(bytes.p + FOOTER_SIZE - 4) != crc32c(0, bytes.p, FOOTER_SIZE - 4))
        return damage(s, (int64_t)place, "the segment's footer is damaged");
    bool good = first == s->first && s->end > first && s->blocks > 0 && s->blocks <= BLOCKS_MAX &&
                s->end - first <= (uint64_t)s->blocks * VERIFY_BLOCK_RECORDS && s->end - first <= UINT32_MAX &&
                sections == SECTIONS;
    uint64_t at = 0;
    for (uint32_t i = 0; good && i < SECTIONS; i++) {
        struct part *part = &s->part[i];
        good = read_be32(&in) == i + 1;
        (void)read_be32(&in);
        part->offset = read_be64(&in);
        part->length = read_be64(&in);
        read_copy(&in, part->digest.bytes, TLOG_HASH_SIZE);
        good = good && !in.failed && part->offset == at && part->length <= place - at;
        at += good ? part->length : 0;
    }
    if (!good || at != place || s->part[HEADER].length != HEADER_SIZE ||
        s->part[INDEX].length != (uint64_t)s->blocks * ENTRY_SIZE ||
        s->part[BLOCKS].length / VERIFY_BLOCK_HEADER < s->blocks ||
        s->part[GROUPS].length != (s->end / TLOG_GROUP - first / TLOG_GROUP) * TLOG_HASH_SIZE)
        return damage(s, (int64_t)place, "the segment's footer contradicts itself");
    return RC_OK;
}

static enum rc read_section(struct segment *s, enum section id, struct str *ret_bytes)
{
    const struct part *part = &s->part[id];
    struct tlog_hash digest;
    if (part->length > SECTION_READ_MAX)
        return damage(s, (int64_t)part->offset, "a section is too large");
    enum rc rc = read_part(s, part->offset, part->length, ret_bytes);
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(s->audit->hasher, *ret_bytes, &digest);
    return tlog_hash_eq(&digest, &part->digest)
               ? RC_OK
               : damage(s, (int64_t)part->offset, "a section does not have the digest that the footer names");
}

/* ---- dictionaries ---- */

static const struct verify_dictionary *find_dictionary(const struct segment *s, uint64_t chain)
{
    for (uint32_t i = 0; i < s->chains; i++) {
        if (s->dictionary[i].chain == chain)
            return &s->dictionary[i];
    }
    return NULL;
}

static enum rc read_dictionaries(struct segment *s)
{
    struct str section;
    int64_t place = (int64_t)s->part[DICTIONARIES].offset;
    enum rc rc = read_section(s, DICTIONARIES, &section);
    if (rc != RC_OK)
        return rc;
    struct reader in = reader_of(section);
    uint32_t count = read_be32(&in);
    if (in.failed || count > s->blocks)
        return damage(s, place, "the dictionaries are more than the blocks");
    s->dictionary = arena_alloc_array(s->kept, (size_t)count + 1, sizeof(*s->dictionary));
    if (s->dictionary == NULL)
        return err_set(&s->err, RC_LIMIT, "out of memory at \"%s\"", s->file);
    for (uint32_t i = 0; i < count; i++) {
        struct verify_dictionary *next = &s->dictionary[i];
        next->chain = read_be64(&in);
        uint32_t size = read_be32(&in);
        if (in.failed || size > reader_left(&in) || find_dictionary(s, next->chain) != NULL)
            return damage(s, place, "the dictionaries are damaged");
        rc = verify_dictionary_read(s->kept, read_bytes(&in, size), next);
        if (rc == RC_LIMIT)
            return err_set(&s->err, RC_LIMIT, "out of memory at \"%s\"", s->file);
        if (rc != RC_OK)
            return damage(s, place, "a dictionary cannot be decoded");
        s->chains++;
    }
    return reader_done(&in) ? RC_OK : damage(s, place, "the dictionaries are longer than they say");
}

/* ---- slots ---- */

/* NULL without memory. Every slot of [first, end) is there once all blocks were read. */
static struct slot *slot_of(struct segment *s, uint64_t record)
{
    uint64_t at = record - s->first;
    struct slot **page = &s->page[at / PAGE_SLOTS];
    if (*page == NULL)
        *page = memory_new(PAGE_SLOTS * sizeof(**page));
    return *page != NULL ? &(*page)[at % PAGE_SLOTS] : NULL;
}

static void slots_done(struct segment *s)
{
    for (size_t i = 0; s->page != NULL && i < s->page_count; i++)
        memory_free(s->page[i]);
    memory_free(s->page);
}

/* ---- one block ---- */

static void leaf_hash_of(struct audit *audit, const struct leaf *leaf, struct str raw, struct tlog_hash *ret_hash)
{
    uint8_t header[LEAF_HEADER_SIZE];
    struct tlog_hash digest;
    leaf_write(leaf, header);
    if (leaf->type == LEAF_DIGEST) {
        tlog_hash_bytes(audit->hasher, raw, &digest);
        raw = str_at(digest.bytes, TLOG_HASH_SIZE);
    }
    tlog_hash_leaf(audit->hasher, str_at(header, sizeof(header)), raw, ret_hash);
}

static void widen(struct bounds *bounds, int64_t low, int64_t high)
{
    bounds->low = MIN(bounds->low, low);
    bounds->high = MAX(bounds->high, high);
}

static enum rc read_records(struct segment *s, struct str bytes, struct verify_block *block)
{
    const char *what = NULL;
    const struct verify_dictionary *dictionary = find_dictionary(s, block->chain);
    if (dictionary == NULL)
        return damage(s, s->block_offset, "a block's dictionary is not in the segment");
    enum rc rc = verify_block_records(s->audit->scratch, bytes, dictionary, block, &what);
    if (rc == RC_LIMIT)
        return err_set(&s->err, RC_LIMIT, "out of memory at \"%s\"", s->file);
    if (rc != RC_OK)
        return damage(s, s->block_offset, what);
    for (uint32_t i = 0; i < block->count; i++) {
        const struct leaf *leaf = &block->leaves[i];
        if (leaf->index < s->first || leaf->index >= s->end)
            return damage(s, s->block_offset, "a block holds a record of another segment");
        struct slot *slot = slot_of(s, leaf->index);
        if (slot == NULL)
            return err_set(&s->err, RC_LIMIT, "out of memory at \"%s\"", s->file);
        if (slot->seen)
            return audit_damage(s->audit, s->file, s->block_offset, "record %" PRIu64 " stands there twice",
                                leaf->index);
        slot->seen = true;
        slot->leaf = *leaf;
        slot->offset = s->block_offset;
        leaf_hash_of(s->audit, leaf, block->raw[i], &slot->hash);
        audit_raw(s->audit, leaf, block->raw[i]);
    }
    s->bytes_found += block->raw_bytes;
    widen(&s->received_found, block->received_min_ns, block->received_max_ns);
    widen(&s->time_found, block->time_min_ns, block->time_max_ns);
    return RC_OK;
}

/* The rest of an index entry must say what the block's header says. */
static bool entry_fits(struct reader *in, const struct verify_block *block)
{
    bool fits = read_be32(in) == block->count;
    fits &= read_be64(in) == block->first;
    fits &= read_be64(in) == block->last;
    fits &= (int64_t)read_be64(in) == block->time_min_ns;
    fits &= (int64_t)read_be64(in) == block->time_max_ns;
    fits &= read_be64(in) == block->key[0];
    fits &= read_be64(in) == block->key[1];
    fits &= read_be32(in) == block->filter_offset;
    fits &= read_be32(in) == block->filter_size;
    return fits;
}

static enum rc read_block(struct segment *s, struct str entry, struct tlog_hasher *digest, uint64_t *ret_records)
{
    struct reader in = reader_of(entry);
    uint64_t offset = read_be64(&in);
    uint32_t size = read_be32(&in);
    uint64_t end = s->part[BLOCKS].offset + s->part[BLOCKS].length;
    if (offset != (uint64_t)s->block_offset || offset > end || size > end - offset || size < VERIFY_BLOCK_HEADER ||
        size > VERIFY_BLOCK_SIZE_MAX)
        return damage(s, (int64_t)s->part[INDEX].offset, "the index does not fit the blocks");
    struct str bytes;
    struct verify_block block;
    arena_reset(s->audit->scratch);
    enum rc rc = read_part(s, offset, size, &bytes);
    if (rc != RC_OK)
        return rc;
    tlog_hash_add(digest, bytes);
    rc = verify_block_header(bytes, &block);
    if (rc == RC_INVALID)
        return err_set(&s->err, RC_INVALID, "\"%s\" needs a newer qorgan-verify", s->file);
    if (rc != RC_OK)
        return damage(s, s->block_offset, "a block is damaged");
    if (!entry_fits(&in, &block))
        return damage(s, s->block_offset, "a block is not the one that the index names");
    *ret_records += block.count;
    return read_records(s, bytes, &block);
}

static enum rc read_blocks(struct segment *s)
{
    struct str index;
    struct tlog_hasher *digest CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    enum rc rc = digest == NULL ? err_set(&s->err, RC_LIMIT, "out of memory") : read_section(s, INDEX, &index);
    char *copy = rc == RC_OK ? memory_new(index.n + 1) : NULL; /* the scratch arena is reset with every block */
    if (copy == NULL)
        return rc == RC_OK ? err_set(&s->err, RC_LIMIT, "out of memory") : rc;
    memcpy(copy, index.p, index.n);
    tlog_hash_begin(digest);
    s->block_offset = (int64_t)s->part[BLOCKS].offset;
    uint64_t records = 0;
    for (uint32_t i = 0; i < s->blocks && rc == RC_OK; i++) {
        struct str entry = str_at(copy + (size_t)i * ENTRY_SIZE, ENTRY_SIZE);
        rc = read_block(s, entry, digest, &records);
        s->block_offset += get_be32(entry.p + 8);
    }
    memory_free(copy);
    if (rc != RC_OK)
        return rc;
    tlog_hash_end(digest, &hash);
    if (!tlog_hash_eq(&hash, &s->part[BLOCKS].digest) || records != s->end - s->first ||
        (uint64_t)s->block_offset != s->part[BLOCKS].offset + s->part[BLOCKS].length)
        return damage(s, (int64_t)s->part[BLOCKS].offset, "the blocks are not those that the footer names");
    if (s->bytes_found != s->bytes_raw || memcmp(&s->received, &s->received_found, sizeof(s->received)) != 0 ||
        memcmp(&s->time, &s->time_found, sizeof(s->time)) != 0)
        return damage(s, (int64_t)(s->size - FOOTER_SIZE), "the footer does not sum up the blocks");
    return RC_OK;
}

/* ---- the tree's part ---- */

/* Frontiers before or after: be32 length and bytes, twice. */
static enum rc check_frontier(struct segment *s, struct str section, bool after)
{
    char storage[TLOG_FRONTIER_BYTES_MAX];
    struct buf want;
    struct reader in = reader_of(section);
    struct str before = read_bytes(&in, read_be32(&in));
    struct str behind = read_bytes(&in, read_be32(&in));
    buf_init_fixed(&want, storage, sizeof(storage));
    tlog_frontier_write(&s->audit->frontier, &want);
    if (!reader_done(&in) || !str_eq(after ? behind : before, buf_view(&want)))
        return damage(s, (int64_t)s->part[FRONTIERS].offset, "the stored tree is not the one that the records give");
    return RC_OK;
}

/* Leaf hashes of the groups that the segment shares with its neighbours. */
static enum rc check_edges(struct segment *s)
{
    struct str section;
    arena_reset(s->audit->scratch);
    enum rc rc = read_section(s, EDGES, &section);
    if (rc != RC_OK)
        return rc;
    uint64_t head = MIN((s->first + TLOG_GROUP - 1) / TLOG_GROUP * TLOG_GROUP, s->end);
    uint64_t tail = MAX(s->end / TLOG_GROUP * TLOG_GROUP, head);
    struct reader in = reader_of(section);
    bool good = read_be16(&in) == head - s->first;
    for (uint64_t i = s->first; i < s->end; i++) {
        if (i == head)
            i = tail;
        if (i == tail)
            good = good && read_be16(&in) == s->end - tail;
        if (i < s->end)
            good = good && str_eq(read_bytes(&in, TLOG_HASH_SIZE), str_at(slot_of(s, i)->hash.bytes, TLOG_HASH_SIZE));
    }
    if (head == s->end)
        good = good && read_be16(&in) == 0;
    return good && reader_done(&in)
               ? RC_OK
               : damage(s, (int64_t)s->part[EDGES].offset, "stored leaf hashes are not the records'");
}

/* All records in order into the tree; each group that becomes complete must have its stored hash. */
static enum rc fold_records(struct segment *s, struct str groups)
{
    struct audit *audit = s->audit;
    for (uint64_t i = s->first; i < s->end; i++) {
        const struct slot *slot = slot_of(s, i);
        if (!slot->seen)
            return audit_damage(audit, s->file, -1, "record %" PRIu64 " is missing", i);
        enum rc rc = audit_record(audit, &slot->leaf, &slot->hash, s->file, slot->offset);
        if (rc != RC_OK)
            return rc;
        if (audit->frontier.size % TLOG_GROUP != 0)
            continue;
        uint64_t at = i / TLOG_GROUP - s->first / TLOG_GROUP;
        if (!str_eq(str_slice(groups, at * TLOG_HASH_SIZE, (at + 1) * TLOG_HASH_SIZE),
                    str_at(audit->group_hash.bytes, TLOG_HASH_SIZE)))
            return damage(s, (int64_t)(s->part[GROUPS].offset + at * TLOG_HASH_SIZE),
                          "a stored hash of 256 records is not the one that the records give");
    }
    return RC_OK;
}

static enum rc check_tree(struct segment *s)
{
    struct str frontiers;
    struct str groups;
    struct str sources;
    enum rc rc = check_edges(s);
    rc = rc == RC_OK ? read_section(s, HEADER, &sources) : rc;
    rc = rc == RC_OK ? read_section(s, FILTER, &sources) : rc;
    rc = rc == RC_OK ? read_section(s, SOURCES, &sources) : rc;
    rc = rc == RC_OK ? read_section(s, GROUPS, &groups) : rc;
    rc = rc == RC_OK ? read_section(s, FRONTIERS, &frontiers) : rc;
    rc = rc == RC_OK ? check_frontier(s, frontiers, false) : rc;
    rc = rc == RC_OK ? fold_records(s, groups) : rc;
    return rc == RC_OK ? check_frontier(s, frontiers, true) : rc;
}

static enum rc check_segment(struct segment *s)
{
    int64_t size = 0;
    int result = io_kernel.size(io_kernel.self, s->fd, &size);
    if (result < 0)
        return err_errno(&s->err, -result, "could not read the size of \"%s\"", s->file);
    if (s->sealed != NULL)
        size = (int64_t)sealed_segment_size(s->sealed);
    if (size < HEADER_SIZE + FOOTER_SIZE)
        return damage(s, -1, "the file is cut short");
    s->size = (uint64_t)size;
    enum rc rc = check_header(s);
    rc = rc == RC_OK ? check_footer(s) : rc;
    if (rc != RC_OK)
        return rc;
    s->received_found = s->time_found = (struct bounds){INT64_MAX, INT64_MIN};
    s->page_count = (size_t)((s->end - s->first + PAGE_SLOTS - 1) / PAGE_SLOTS);
    s->page = memory_new(s->page_count * sizeof(struct slot *));
    s->kept = arena_new(DICTIONARIES_MAX);
    if (s->page == NULL || s->kept == NULL)
        rc = err_set(&s->err, RC_LIMIT, "out of memory at \"%s\"", s->file);
    rc = rc == RC_OK ? read_dictionaries(s) : rc;
    rc = rc == RC_OK ? read_blocks(s) : rc;
    rc = rc == RC_OK ? check_tree(s) : rc;
    slots_done(s);
    arena_free(s->kept);
    return rc;
}

static bool has(const uint64_t *numbers, size_t count, uint64_t number)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && numbers[low] == number;
}

/* Names of segments and of tombstones together, rising. */
struct seg_names {
    uint64_t *segments;
    size_t segment_count;
    uint64_t *stones;
    size_t stone_count;
    size_t segment_at;
    size_t stone_at;
};

static bool next_name(struct seg_names *names, uint64_t *ret_first)
{
    bool segment = names->segment_at < names->segment_count;
    bool stone = names->stone_at < names->stone_count;
    if (!segment && !stone)
        return false;
    uint64_t a = segment ? names->segments[names->segment_at] : UINT64_MAX;
    uint64_t b = stone ? names->stones[names->stone_at] : UINT64_MAX;
    *ret_first = MIN(a, b);
    names->segment_at += segment && a == *ret_first;
    names->stone_at += stone && b == *ret_first;
    return true;
}

enum rc audit_segments(struct audit *audit, struct err *err)
{
    int folder = -1;
    struct seg_names names = {0};
    uint64_t first = 0;
    struct err denied = {.code = RC_OK}; /* the key of a segment is not here: of the others the digests are compared */
    enum rc rc = folder_open(&io_kernel, audit->folder, "seg", false, &folder, err);
    rc = rc == RC_OK ? audit_list(audit, folder, ".seg", &names.segments, &names.segment_count, err) : rc;
    rc = rc == RC_OK ? audit_list(audit, folder, ".gone", &names.stones, &names.stone_count, err) : rc;
    while (rc == RC_OK && next_name(&names, &first)) {
        bool gone = !has(names.segments, names.segment_count, first);
        if (has(names.stones, names.stone_count, first))
            rc = audit_tombstone(audit, folder, first, gone && denied.code == RC_OK, err);
        if (gone || rc != RC_OK)
            continue;
        struct segment *s = arena_alloc(audit->arena, sizeof(*s));
        if (s == NULL)
            return err_set(err, RC_LIMIT, "out of memory");
        s->audit = audit;
        s->first = first;
        snprintf(s->file, sizeof(s->file), "seg/%016" PRIx64 ".seg", first);
        if (first != audit->frontier.size && denied.code == RC_OK)
            return audit_damage(audit, s->file, -1, "the segment should begin at record %" PRIu64,
                                audit->frontier.size);
        s->fd = io_kernel.open(io_kernel.self, folder, s->file + 4, IO_READ);
        if (s->fd < 0)
            return err_errno(err, -s->fd, "could not open \"%s\"", s->file);
        arena_reset(audit->scratch);
        const struct sealed_where where = {folder, s->fd, s->file, s->first};
        rc = sealed_segment_open(audit, &where, &s->sealed, &s->err);
        rc = rc == RC_OK && denied.code == RC_OK ? check_segment(s) : rc;
        sealed_segment_close(s->sealed);
        IGNORE(io_kernel.close(io_kernel.self, s->fd)); /* only read */
        if (rc != RC_OK && rc != RC_CORRUPT)
            *err = s->err;
        audit->segments += rc == RC_OK;
        if (rc == RC_DENIED) {
            denied = s->err;
            rc = RC_OK;
        }
    }
    if (rc == RC_OK && denied.code != RC_OK) {
        *err = denied;
        rc = denied.code;
    }
    if (folder >= 0)
        IGNORE(io_kernel.close(io_kernel.self, folder)); /* only read */
    return rc;
}
