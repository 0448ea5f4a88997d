#include "archive/segment.h"

#include "archive/pack.h"
#include "archive/segment_format.h"
#include "archive/tombstone.h"
#include "archive/words.h"
#include "base/assert.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLLOW_TRIES 3

void seg_name(uint64_t first, const char *suffix, char ret_name[SEGMENT_NAME_MAX])
{
    int n = snprintf(ret_name, SEGMENT_NAME_MAX, "%016llx%s", (unsigned long long)first, suffix);
    ASSERT(n > 16 && n < SEGMENT_NAME_MAX);
}

bool seg_name_parse(struct str name, const char *suffix, uint64_t *ret_first)
{
    char canonical[SEGMENT_NAME_MAX];
    if (!str_ends(name, str_of(suffix)) || !str_hex_to_u64(str_slice(name, 0, 16), ret_first))
        return false;
    seg_name(*ret_first, suffix, canonical);
    return str_is(name, canonical);
}

void segment_name(uint64_t first, char ret_name[SEGMENT_NAME_MAX])
{
    seg_name(first, ".seg", ret_name);
}

bool segment_name_parse(struct str name, uint64_t *ret_first)
{
    return seg_name_parse(name, ".seg", ret_first);
}

void segment_cold_name(uint64_t first, char ret_name[SEGMENT_NAME_MAX])
{
    seg_name(first, ".cold", ret_name);
}

bool segment_cold_name_parse(struct str name, uint64_t *ret_first)
{
    return seg_name_parse(name, ".cold", ret_first);
}

static enum rc damaged(struct err *err, const char *what)
{
    return err_set(err, RC_CORRUPT, "%s", what);
}

void segment_free(struct segment *segment)
{
    if (!segment)
        return;
    memory_free(segment->entries);
    memory_free(segment->groups);
    segment_forget(segment);
    memory_free(segment);
}

static enum rc name_open(const struct io *io, int folder, const struct segment *segment, int *ret_fd, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    if (segment->gone)
        tombstone_name(segment->first, name);
    else
        segment_name(segment->first, name);
    int fd = io->open(io->self, folder, name, IO_READ);
    if (fd == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "segment \"%s\" is not there", name);
    if (fd < 0)
        return io_error(io, err, -fd, "could not open segment \"%s\"", name);
    *ret_fd = fd;
    return RC_OK;
}

static bool same_entries(const struct segment *one, const struct segment *other)
{
    for (uint32_t i = 0; i < one->entry_count; i++) {
        const struct segment_entry *a = &one->entries[i];
        const struct segment_entry *b = &other->entries[i];
        if (a->count != b->count || a->first != b->first || a->last != b->last || a->time_min_ns != b->time_min_ns ||
            a->time_max_ns != b->time_max_ns)
            return false;
    }
    return true;
}

bool segment_same_records(const struct segment *one, const struct segment *other)
{
    return one->first == other->first && one->end == other->end && one->bytes_raw == other->bytes_raw &&
           one->received_min_ns == other->received_min_ns && one->received_max_ns == other->received_max_ns &&
           one->time_min_ns == other->time_min_ns && one->time_max_ns == other->time_max_ns &&
           one->entry_count == other->entry_count && one->group_count == other->group_count &&
           memcmp(one->groups, other->groups, (size_t)one->group_count * sizeof *one->groups) == 0 &&
           same_entries(one, other);
}

/* The open file is the one that was read. */
static enum rc still_is(const struct io *io, int fd, const struct segment *segment, bool *ret_is, struct err *err)
{
    char crc[4];
    int64_t size = 0;
    *ret_is = true;
    if (segment->gone)
        return RC_OK;
    int result = io->size(io->self, fd, &size);
    if (result < 0)
        return err_errno(err, -result, "could not read the size of a segment");
    *ret_is = (uint64_t)size == segment->bytes_stored;
    if (!*ret_is)
        return RC_OK;
    enum rc rc = file_read_at(io, fd, crc, sizeof crc, size - (int64_t)sizeof crc, err);
    *ret_is = rc == RC_OK && get_be32(crc) == segment->footer_crc;
    return rc;
}

/* Makes it what the file says now. The entries stay allocated: a search may be in the middle of them. */
static enum rc follow(const struct io *io, int folder, struct segment *segment, struct err *err)
{
    struct segment *now = NULL;
    enum rc rc = segment_open(io, folder, segment->first, segment->uuid, &now, err);
    if (rc != RC_OK)
        return rc;
    if (segment_same_records(segment, now)) {
        segment_forget(segment);
        segment->bytes_stored = now->bytes_stored;
        segment->footer_crc = now->footer_crc;
        segment->cold = now->cold;
        memcpy(segment->part, now->part, sizeof segment->part);
        memcpy(segment->entries, now->entries, segment->entry_count * sizeof *segment->entries);
    } else {
        rc = err_set(err, RC_CORRUPT, "the segment of record %llu was replaced by another",
                     (unsigned long long)segment->first);
    }
    segment_free(now);
    return rc;
}

enum rc segment_fd(const struct io *io, int folder, struct segment *segment, int *ret_fd, struct err *err)
{
    for (unsigned i = 0; i < FOLLOW_TRIES; i++) {
        bool is = false;
        int fd = -1;
        enum rc rc = name_open(io, folder, segment, &fd, err);
        if (rc == RC_CORRUPT && i + 1 < FOLLOW_TRIES)
            continue; /* its key may have gone with a former file just now */
        rc = rc == RC_OK ? still_is(io, fd, segment, &is, err) : rc;
        if (rc == RC_OK && is) {
            *ret_fd = fd;
            return RC_OK;
        }
        if (fd >= 0)
            IGNORE(io->close(io->self, fd)); /* only read */
        rc = rc == RC_OK ? follow(io, folder, segment, err) : rc;
        if (rc != RC_OK)
            return rc;
    }
    return damaged(err, "a segment changes all the time");
}

enum rc segment_read(const struct segment_file *file, uint64_t offset, uint64_t length, struct arena *arena,
                     struct str *ret_bytes, struct err *err)
{
    char *bytes = arena_alloc_raw(arena, (size_t)length + 1);
    if (!bytes)
        return err_set(err, RC_LIMIT, "no memory for %llu bytes of a segment", (unsigned long long)length);
    enum rc rc = file_read_at(file->io, file->fd, bytes, (size_t)length, (int64_t)offset, err);
    if (rc == RC_END)
        return err_set(err, RC_CORRUPT, "the file is cut short");
    *ret_bytes = str_at(bytes, (size_t)length);
    return rc;
}

enum rc segment_section_load(const struct io *io, int folder, const struct segment_wanted *wanted, struct arena *arena,
                             struct str *ret_bytes, struct err *err)
{
    const struct segment_part *part = &wanted->segment->part[wanted->section];
    struct segment_file file = {.io = io};
    enum rc rc = segment_fd(io, folder, wanted->segment, &file.fd, err);
    if (rc != RC_OK)
        return rc;
    rc = segment_read(&file, part->offset, part->length, arena, ret_bytes, err);
    IGNORE(io->close(io->self, file.fd)); /* only read */
    return rc;
}

enum rc segment_footer_digest(const struct io *io, int folder, struct segment *segment, struct tlog_hash *ret_digest,
                              struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    char bytes[SEGMENT_FOOTER];
    int fd = -1;
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = segment_fd(io, folder, segment, &fd, err);
    if (rc != RC_OK)
        return rc;
    rc = file_read_at(io, fd, bytes, sizeof bytes, (int64_t)segment->bytes_stored - SEGMENT_FOOTER, err);
    IGNORE(io->close(io->self, fd)); /* only read */
    tlog_hash_bytes(hasher, str_at(bytes, sizeof bytes), ret_digest);
    return rc == RC_END ? damaged(err, "a segment is cut short") : rc;
}

enum rc segment_header_read(struct str bytes, const uint8_t uuid[16], struct segment *segment, struct err *err)
{
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, SEGMENT_MAGIC_SIZE);
    uint16_t version = read_be16(&in);
    read_be16(&in);
    segment->cold = (read_be32(&in) & SEGMENT_COLD) != 0; /* unknown compatible features do not matter */
    uint32_t incompatible = read_be32(&in);
    read_be32(&in); /* features that only a writer must know */
    struct str owner = read_bytes(&in, 16);
    uint64_t begins = read_be64(&in);
    if (in.failed || bytes.n != SEGMENT_HEADER || !str_eq(magic, str_at(SEGMENT_MAGIC, SEGMENT_MAGIC_SIZE)) ||
        get_be32(bytes.p + SEGMENT_HEADER - 4) != crc32c(0, bytes.p, SEGMENT_HEADER - 4))
        return damaged(err, "its header is damaged");
    if (version != SEGMENT_VERSION || incompatible)
        return err_set(err, RC_INVALID, "it needs a newer program (version %u, features 0x%x)", version, incompatible);
    if (memcmp(owner.p, uuid, 16) != 0)
        return damaged(err, "it belongs to another archive");
    memcpy(segment->uuid, uuid, sizeof segment->uuid);
    return begins == segment->first ? RC_OK : damaged(err, "it says that it begins at another record");
}

enum rc segment_footer_read(struct str bytes, struct segment *segment, struct err *err)
{
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, SEGMENT_MAGIC_SIZE);
    uint64_t first = read_be64(&in);
    segment->end = read_be64(&in);
    segment->bytes_raw = read_be64(&in);
    segment->received_min_ns = (int64_t)read_be64(&in);
    segment->received_max_ns = (int64_t)read_be64(&in);
    segment->time_min_ns = (int64_t)read_be64(&in);
    segment->time_max_ns = (int64_t)read_be64(&in);
    segment->entry_count = read_be32(&in);
    uint32_t sections = read_be32(&in);
    if (bytes.n != SEGMENT_FOOTER || !str_eq(magic, str_at(SEGMENT_FOOTER_MAGIC, SEGMENT_MAGIC_SIZE)) ||
        get_be32(bytes.p + SEGMENT_FOOTER - 4) != crc32c(0, bytes.p, SEGMENT_FOOTER - 4))
        return damaged(err, "its footer is damaged");
    segment->footer_crc = get_be32(bytes.p + SEGMENT_FOOTER - 4);
    if (sections != SECTION_END - 1 || first != segment->first || segment->end <= first ||
        segment->entry_count > SEGMENT_BLOCKS_MAX)
        return damaged(err, "its footer contradicts itself");
    uint64_t at = 0;
    for (uint32_t i = SECTION_HEADER; i < SECTION_END; i++) {
        struct segment_part *part = &segment->part[i];
        uint32_t id = read_be32(&in);
        read_be32(&in);
        part->offset = read_be64(&in);
        part->length = read_be64(&in);
        read_copy(&in, part->digest.bytes, sizeof part->digest.bytes);
        if (in.failed || id != i || part->offset != at || part->length > segment->bytes_stored - at)
            return damaged(err, "its footer contradicts itself");
        at += part->length;
    }
    return at + SEGMENT_FOOTER == segment->bytes_stored ? RC_OK : damaged(err, "its length is wrong");
}

static enum rc index_read(struct str bytes, struct segment *segment, struct err *err)
{
    struct reader in = reader_of(bytes);
    segment->entries = memory_new(MAX((size_t)segment->entry_count, (size_t)1) * sizeof *segment->entries);
    if (!segment->entries)
        return err_set(err, RC_LIMIT, "no memory for the index");
    uint64_t at = segment->part[SECTION_BLOCKS].offset;
    uint64_t end = at + segment->part[SECTION_BLOCKS].length;
    uint64_t records = 0;
    for (uint32_t i = 0; i < segment->entry_count; i++) {
        struct segment_entry *e = &segment->entries[i];
        e->offset = read_be64(&in);
        e->size = read_be32(&in);
        e->count = read_be32(&in);
        e->first = read_be64(&in);
        e->last = read_be64(&in);
        e->time_min_ns = (int64_t)read_be64(&in);
        e->time_max_ns = (int64_t)read_be64(&in);
        e->key[0] = read_be64(&in);
        e->key[1] = read_be64(&in);
        e->filter_offset = read_be32(&in);
        e->filter_size = read_be32(&in);
        read_be64(&in);
        if (in.failed || e->offset != at || e->size > end - at || e->size < BLOCK_HEADER || e->first < segment->first ||
            e->last >= segment->end || e->first > e->last || e->count == 0 || e->count > BLOCK_RECORDS_MAX ||
            e->last - e->first < e->count - 1 || e->filter_offset > e->size ||
            e->filter_size > e->size - e->filter_offset)
            return damaged(err, "its index contradicts itself");
        at += e->size;
        records += e->count;
    }
    return reader_done(&in) && at == end && records == segment->end - segment->first
               ? RC_OK
               : damaged(err, "its index does not cover its records");
}

bool segment_entry_is(const struct segment_entry *entry, const struct block_info *info)
{
    const struct segment_entry *e = entry;
    return e->size == info->size && e->count == info->count && e->first == info->first && e->last == info->last &&
           e->time_min_ns == info->time_min_ns && e->time_max_ns == info->time_max_ns && e->key[0] == info->key[0] &&
           e->key[1] == info->key[1] && e->filter_offset == info->filter_offset && e->filter_size == info->filter_size;
}

enum rc segment_groups_read(struct str bytes, struct segment *segment, struct err *err)
{
    segment->group_first = segment->first / TLOG_GROUP;
    segment->group_count = segment->end / TLOG_GROUP - segment->group_first;
    if (bytes.n / TLOG_HASH_SIZE != segment->group_count || bytes.n % TLOG_HASH_SIZE)
        return damaged(err, "its group hashes do not match its range");
    segment->groups = memory_new(bytes.n + 1);
    if (!segment->groups)
        return err_set(err, RC_LIMIT, "no memory for group hashes");
    memcpy(segment->groups, bytes.p, bytes.n);
    return RC_OK;
}

enum rc segment_frontiers(struct str section, struct tlog_frontier *ret_in, struct tlog_frontier *ret_out,
                          struct err *err)
{
    struct reader in = reader_of(section);
    struct tlog_frontier unused;
    struct str before = read_bytes(&in, read_be32(&in));
    struct str after = read_bytes(&in, read_be32(&in));
    if (!reader_done(&in) || tlog_frontier_parse(before, ret_in ? ret_in : &unused, NULL) != RC_OK ||
        tlog_frontier_parse(after, ret_out ? ret_out : &unused, NULL) != RC_OK)
        return damaged(err, "its frontiers are damaged");
    return RC_OK;
}

static enum rc sections_read(const struct io *io, int fd, struct segment *segment, struct arena *arena, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct str bytes[SECTION_END] = {{NULL, 0}};
    enum rc rc = hasher ? RC_OK : err_set(err, RC_LIMIT, "no memory to check it");
    for (uint32_t i = SECTION_INDEX; i < SECTION_END && rc == RC_OK; i++) {
        const struct segment_part *part = &segment->part[i];
        struct tlog_hash digest;
        if (i == SECTION_FILTER)
            continue;
        rc = segment_read(&(struct segment_file){io, fd}, part->offset, part->length, arena, &bytes[i], err);
        if (rc != RC_OK)
            return rc;
        tlog_hash_bytes(hasher, bytes[i], &digest);
        if (!tlog_hash_eq(&digest, &part->digest))
            rc = err_set(err, RC_CORRUPT, "its section %u at offset %llu is damaged", i,
                         (unsigned long long)part->offset);
    }
    struct tlog_frontier in;
    struct tlog_frontier out;
    rc = rc == RC_OK ? index_read(bytes[SECTION_INDEX], segment, err) : rc;
    rc = rc == RC_OK ? segment_groups_read(bytes[SECTION_GROUPS], segment, err) : rc;
    rc = rc == RC_OK ? segment_frontiers(bytes[SECTION_FRONTIERS], &in, &out, err) : rc;
    if (rc == RC_OK && (in.size != segment->first || out.size != segment->end))
        return damaged(err, "its frontiers are of another range");
    return rc;
}

static enum rc open_fd(const struct io *io, int fd, const uint8_t uuid[16], struct segment *segment, struct err *err)
{
    int64_t size = 0;
    int result = io->size(io->self, fd, &size);
    if (result < 0)
        return err_errno(err, -result, "could not read its size");
    if (size < SEGMENT_HEADER + SEGMENT_FOOTER)
        return damaged(err, "it is cut short");
    segment->bytes_stored = (uint64_t)size;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 30);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    struct str bytes;
    enum rc rc = segment_read(&(struct segment_file){io, fd}, 0, SEGMENT_HEADER, arena, &bytes, err);
    rc = rc == RC_OK ? segment_header_read(bytes, uuid, segment, err) : rc;
    rc = rc == RC_OK ? segment_read(&(struct segment_file){io, fd}, (uint64_t)size - SEGMENT_FOOTER, SEGMENT_FOOTER,
                                    arena, &bytes, err)
                     : rc;
    rc = rc == RC_OK ? segment_footer_read(bytes, segment, err) : rc;
    return rc == RC_OK ? sections_read(io, fd, segment, arena, err) : rc;
}

enum rc segment_open_named(const struct io *io, int folder, const struct segment_id *id, struct segment **ret_segment,
                           struct err *err)
{
    int fd = io->open(io->self, folder, id->name, IO_READ);
    if (fd == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no segment \"%s\"", id->name);
    if (fd < 0)
        return io_error(io, err, -fd, "could not open segment \"%s\"", id->name);
    struct segment *segment = memory_new(sizeof *segment);
    enum rc rc = segment ? RC_OK : err_set(err, RC_LIMIT, "no memory");
    if (rc == RC_OK) {
        segment->first = id->first;
        rc = open_fd(io, fd, id->uuid, segment, err);
    }
    IGNORE(io->close(io->self, fd)); /* only read */
    if (rc != RC_OK) {
        segment_free(segment);
        IGNORE(err_wrap(err, "segment \"%s\"", id->name)); /* the code stays rc */
        return rc;
    }
    *ret_segment = segment;
    return RC_OK;
}

/* ---- dictionaries and the filter ---- */

static enum rc chains_read(struct str section, struct segment *segment, struct names *names, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(DICTIONARY_PLAIN_MAX + 4096);
    struct reader in = reader_of(section);
    uint32_t count = read_be32(&in);
    if (in.failed || count > segment->entry_count || count > SEGMENT_CHAINS_MAX)
        return damaged(err, "its dictionaries are damaged");
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for dictionaries");
    segment->chains = memory_new(((size_t)count + 1) * sizeof *segment->chains);
    if (!segment->chains)
        return err_set(err, RC_LIMIT, "no memory for dictionaries");
    for (uint32_t i = 0; i < count; i++) {
        struct segment_chain *chain = &segment->chains[segment->chain_count];
        struct str plain;
        chain->id = read_be64(&in);
        uint32_t n = read_be32(&in);
        if (in.failed || n > reader_left(&in))
            return damaged(err, "its dictionaries are damaged");
        arena_reset(arena);
        enum rc rc = unpack(read_bytes(&in, n), DICTIONARY_PLAIN_MAX, arena, &plain, err);
        if (rc != RC_OK)
            return rc;
        chain->dictionary = dictionary_new(names);
        if (!chain->dictionary)
            return err_set(err, RC_LIMIT, "no memory for dictionaries");
        segment->chain_count++;
        rc = dictionary_add(chain->dictionary, plain, err);
        if (rc == RC_OK && segment_memory(segment) > SEGMENT_CHAINS_BYTES)
            rc = err_set(err, RC_LIMIT, "its dictionaries need more than %zu bytes", SEGMENT_CHAINS_BYTES);
        if (rc != RC_OK)
            return rc;
    }
    return reader_done(&in) ? RC_OK : damaged(err, "its dictionaries are damaged");
}

static enum rc dictionaries_read(const struct segment_file *file, struct segment *segment, struct names *names,
                                 struct err *err)
{
    const struct segment_part *part = &segment->part[SECTION_DICTIONARIES];
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 30);
    struct str bytes;
    struct tlog_hash digest;
    if (!hasher || !arena)
        return err_set(err, RC_LIMIT, "no memory for dictionaries");
    enum rc rc = segment_read(file, part->offset, part->length, arena, &bytes, err);
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(hasher, bytes, &digest);
    if (!tlog_hash_eq(&digest, &part->digest))
        return err_set(err, RC_CORRUPT, "its section %d at offset %llu is damaged", SECTION_DICTIONARIES,
                       (unsigned long long)part->offset);
    rc = chains_read(bytes, segment, names, err);
    if (rc != RC_OK)
        segment_forget(segment);
    return rc;
}

enum rc segment_dictionary(const struct segment_file *file, struct segment *segment, uint64_t chain,
                           struct names *names, struct dictionary **ret_dictionary, struct err *err)
{
    enum rc rc = segment->chains ? RC_OK : dictionaries_read(file, segment, names, err);
    for (uint32_t i = 0; i < segment->chain_count && rc == RC_OK; i++)
        if (segment->chains[i].id == chain) {
            *ret_dictionary = segment->chains[i].dictionary;
            return RC_OK;
        }
    return rc == RC_OK ? damaged(err, "it has no dictionary for one of its blocks") : rc;
}

void segment_forget(struct segment *segment)
{
    for (uint32_t i = 0; i < segment->chain_count; i++)
        dictionary_free(segment->chains[i].dictionary);
    memory_free(segment->chains);
    segment->chains = NULL;
    segment->chain_count = 0;
}

size_t segment_memory(const struct segment *segment)
{
    size_t size = 0;
    for (uint32_t i = 0; i < segment->chain_count; i++)
        size += dictionary_size(segment->chains[i].dictionary);
    return size;
}

enum rc segment_may_hold(const struct segment_file *file, const struct segment *segment, struct str word, bool *ret_may,
                         struct err *err)
{
    const struct segment_part *part = &segment->part[SECTION_FILTER];
    char key_bytes[SEGMENT_FILTER_KEY];
    char block[32];
    *ret_may = true;
    if (part->length <= SEGMENT_FILTER_KEY)
        return RC_OK;
    enum rc rc = file_read_at(file->io, file->fd, key_bytes, sizeof key_bytes, (int64_t)part->offset, err);
    if (rc != RC_OK)
        return rc;
    const uint64_t key[2] = {get_be64(key_bytes), get_be64(key_bytes + 8)};
    uint64_t hash = words_hash(key, word);
    size_t at;
    if (!words_filter_place((size_t)part->length - SEGMENT_FILTER_KEY, hash, &at))
        return RC_OK;
    rc = file_read_at(file->io, file->fd, block, sizeof block, (int64_t)(part->offset + SEGMENT_FILTER_KEY + at), err);
    *ret_may = rc != RC_OK || words_filter_block(block, hash);
    return rc;
}

enum rc segment_open(const struct io *io, int folder, uint64_t first, const uint8_t uuid[16],
                     struct segment **ret_segment, struct err *err)
{
    struct segment_id id = {.uuid = uuid, .first = first};
    segment_name(first, id.name);
    return segment_open_named(io, folder, &id, ret_segment, err);
}
