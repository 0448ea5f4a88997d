#include "archive/pack.h"
#include "archive/segment.h"
#include "archive/segment_format.h"
#include "archive/words.h"
#include "base/assert.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLD_STEP    32768u /* leaves folded in one step: some milliseconds */
#define DECODE_ARENA ((size_t)512 << 20)
#define TAIL_LIMIT   ((size_t)1 << 30)

enum state {
    STATE_COLLECTING,
    STATE_SYNCING,
    STATE_READING,
    STATE_FOLDING,
    STATE_TAIL,
    STATE_SEALED,
};

struct segment_writer {
    const struct io *io;
    int folder;
    int fd;
    uint8_t uuid[16];
    uint64_t first;
    uint64_t records;
    enum state state;
    bool cold;
    char temporary[SEGMENT_NAME_MAX];
    struct segment_entry *entries;
    uint32_t count;
    uint32_t room;
    uint64_t at; /* where the next block goes */
    uint64_t bytes_raw;
    int64_t bounds[4]; /* received min, max, event time min, max */
    struct segment_chain *chains;
    uint32_t chain_count;
    size_t chain_bytes; /* memory of their dictionaries */
    struct words words; /* of all blocks that have the first one's key */
    bool no_filter;
    /* while sealing */
    struct tlog_hasher *hasher;
    struct tlog_hasher *digest; /* of the blocks' bytes, runs along */
    struct arena *arena;
    struct tlog_hash *leaves;
    uint8_t *seen;
    uint64_t next; /* block or leaf of the step */
    struct tlog_frontier frontier;
    struct segment_part part[SECTION_END];
};

static void state_to(struct segment_writer *w, enum state state)
{
    ASSERT(state == w->state + 1);
    w->state = state;
}

static enum rc header_write(struct segment_writer *w, struct err *err)
{
    char bytes[SEGMENT_HEADER] = {0};
    struct buf out;
    buf_init_fixed(&out, bytes, sizeof bytes);
    buf_put(&out, SEGMENT_MAGIC, SEGMENT_MAGIC_SIZE);
    buf_be16(&out, SEGMENT_VERSION);
    buf_be16(&out, 0);
    buf_be32(&out, w->cold ? SEGMENT_COLD : 0);
    buf_be32(&out, 0);
    buf_be32(&out, 0);
    buf_put(&out, w->uuid, sizeof w->uuid);
    buf_be64(&out, w->first);
    put_be32(bytes + SEGMENT_HEADER - 4, crc32c(0, bytes, SEGMENT_HEADER - 4));
    return file_write_at(w->io, w->fd, str_at(bytes, sizeof bytes), 0, err);
}

static enum rc writer_new(const struct io *io, int folder, const struct segment_id *id, bool cold,
                          struct segment_writer **ret_writer, struct err *err)
{
    struct segment_writer *w = memory_new(sizeof *w);
    if (!w)
        return err_set(err, RC_LIMIT, "no memory for a segment");
    w->io = io;
    w->folder = folder;
    w->first = id->first;
    w->cold = cold;
    w->at = SEGMENT_HEADER;
    w->bounds[0] = w->bounds[2] = INT64_MAX;
    w->bounds[1] = w->bounds[3] = INT64_MIN;
    memcpy(w->uuid, id->uuid, sizeof w->uuid);
    snprintf(w->temporary, sizeof w->temporary, "%s", id->name);
    w->fd = io->open(io->self, folder, w->temporary, IO_READ | IO_WRITE | IO_CREATE);
    enum rc rc = RC_OK;
    if (w->fd < 0)
        rc = err_errno(err, -w->fd, "could not create segment \"%s\"", w->temporary);
    int result = rc == RC_OK ? io->truncate(io->self, w->fd, 0) : 0;
    if (result < 0)
        rc = err_errno(err, -result, "could not empty segment \"%s\"", w->temporary);
    rc = rc == RC_OK ? header_write(w, err) : rc;
    if (rc != RC_OK) {
        segment_writer_free(w);
        return rc;
    }
    *ret_writer = w;
    return RC_OK;
}

enum rc segment_writer_new(const struct io *io, int folder, const uint8_t uuid[16], uint64_t first,
                           struct segment_writer **ret_writer, struct err *err)
{
    struct segment_id id = {.uuid = uuid, .first = first};
    seg_name(first, ".tmp", id.name);
    return writer_new(io, folder, &id, false, ret_writer, err);
}

enum rc segment_writer_new_cold(const struct io *io, int folder, const uint8_t uuid[16], uint64_t first,
                                struct segment_writer **ret_writer, struct err *err)
{
    struct segment_id id = {.uuid = uuid, .first = first};
    seg_name(first, ".pack", id.name);
    return writer_new(io, folder, &id, true, ret_writer, err);
}

void segment_writer_free(struct segment_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        IGNORE(writer->io->close(writer->io->self, writer->fd)); /* a sealed one was synced, others do not count */
    tlog_hasher_free(writer->hasher);
    tlog_hasher_free(writer->digest);
    arena_free(writer->arena);
    for (uint32_t i = 0; i < writer->chain_count; i++)
        dictionary_free(writer->chains[i].dictionary);
    memory_free(writer->chains);
    words_done(&writer->words);
    memory_free(writer->leaves);
    memory_free(writer->seen);
    memory_free(writer->entries);
    memory_free(writer);
}

uint64_t segment_writer_first(const struct segment_writer *writer)
{
    return writer->first;
}

uint64_t segment_writer_records(const struct segment_writer *writer)
{
    return writer->records;
}

uint64_t segment_writer_size(const struct segment_writer *writer)
{
    return writer->at + (writer->state == STATE_SEALED ? SEGMENT_FOOTER : 0);
}

static struct dictionary *chain_find(const struct segment_writer *w, uint64_t chain)
{
    for (uint32_t i = 0; i < w->chain_count; i++)
        if (w->chains[i].id == chain)
            return w->chains[i].dictionary;
    return NULL;
}

static struct dictionary *chain_of(struct segment_writer *w, uint64_t chain)
{
    struct dictionary *found = chain_find(w, chain);
    if (found)
        return found;
    if (w->chain_count == SEGMENT_CHAINS_MAX)
        return NULL;
    struct segment_chain *chains = memory_resize(w->chains, ((size_t)w->chain_count + 1) * sizeof *chains);
    if (!chains)
        return NULL;
    w->chains = chains;
    chains[w->chain_count] = (struct segment_chain){chain, dictionary_new(NULL)};
    return chains[w->chain_count].dictionary ? chains[w->chain_count++].dictionary : NULL;
}

/* What the block adds to its chain, and its words. */
static enum rc trailer_take(struct segment_writer *w, struct str bytes, const struct block_info *info, struct err *err)
{
    struct block_trailer trailer;
    struct str delta;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(DECODE_ARENA);
    struct dictionary *dictionary = chain_of(w, info->chain);
    if (!arena || !dictionary)
        return err_set(err, RC_LIMIT, "no memory for a dictionary");
    enum rc rc = block_trailer_read(bytes, info, &trailer, err);
    rc = rc == RC_OK ? unpack(trailer.delta, DICTIONARY_PLAIN_MAX, arena, &delta, err) : rc;
    size_t before = dictionary_size(dictionary);
    rc = rc == RC_OK ? dictionary_add(dictionary, delta, err) : rc;
    w->chain_bytes += dictionary_size(dictionary) - before;
    if (rc == RC_OK && w->chain_bytes > SEGMENT_CHAINS_BYTES)
        rc = err_set(err, RC_LIMIT, "a segment's dictionaries need more than %zu bytes", SEGMENT_CHAINS_BYTES);
    if (rc != RC_OK)
        return rc;
    if (dictionary_forms(dictionary) != info->chain_forms || dictionary_values(dictionary) != info->chain_values)
        return err_set(err, RC_CORRUPT, "a block's dictionary does not follow the one before");
    if (!w->count) {
        words_init(&w->words, info->key);
        w->words.max = WORDS_MAX_SEGMENT;
    }
    w->no_filter = w->no_filter || !trailer.hashes.n || memcmp(w->words.key, info->key, sizeof info->key) != 0;
    if (!w->no_filter)
        words_add_hashes(&w->words, trailer.hashes);
    return RC_OK;
}

enum rc segment_writer_add(struct segment_writer *writer, struct str block, const struct block_info *info,
                           struct err *err)
{
    struct segment_writer *w = writer;
    ASSERT(w->state == STATE_COLLECTING && info->size <= block.n);
    enum rc rc = trailer_take(w, block, info, err);
    if (rc != RC_OK)
        return rc;
    block = str_slice(block, 0, info->size);
    if (w->count == w->room) {
        uint32_t room = w->room ? w->room * 2 : 64;
        struct segment_entry *entries =
            room > SEGMENT_BLOCKS_MAX ? NULL : memory_resize(w->entries, room * sizeof *entries);
        if (!entries)
            return err_set(err, RC_LIMIT, "a segment has too many blocks");
        w->entries = entries;
        w->room = room;
    }
    rc = file_write_at(w->io, w->fd, block, (int64_t)w->at, err);
    if (rc != RC_OK) {
        IGNORE(err_wrap(err, "segment \"%s\"", w->temporary)); /* the code stays rc */
        return rc;
    }
    w->entries[w->count++] = (struct segment_entry){.offset = w->at,
                                                    .size = info->size,
                                                    .count = info->count,
                                                    .first = info->first,
                                                    .last = info->last,
                                                    .time_min_ns = info->time_min_ns,
                                                    .time_max_ns = info->time_max_ns,
                                                    .key = {info->key[0], info->key[1]},
                                                    .filter_offset = info->filter_offset,
                                                    .filter_size = info->filter_size};
    w->at += block.n;
    w->records += info->count;
    w->bytes_raw += info->raw_bytes;
    w->bounds[0] = MIN(w->bounds[0], info->received_min_ns);
    w->bounds[1] = MAX(w->bounds[1], info->received_max_ns);
    w->bounds[2] = MIN(w->bounds[2], info->time_min_ns);
    w->bounds[3] = MAX(w->bounds[3], info->time_max_ns);
    return RC_OK;
}

/* ---- sealing ---- */

static enum rc seal_sync(struct segment_writer *w, const struct segment_seal *seal, struct err *err)
{
    ASSERT(seal->end - w->first == w->records);
    w->hasher = tlog_hasher_new();
    w->digest = tlog_hasher_new();
    w->arena = block_arena_new(DECODE_ARENA);
    w->leaves = memory_new((size_t)w->records * sizeof *w->leaves);
    w->seen = memory_new((size_t)w->records);
    if (!w->hasher || !w->digest || !w->arena || !w->leaves || !w->seen)
        return err_set(err, RC_LIMIT, "no memory to check the segment");
    int result = w->io->sync(w->io->self, w->fd);
    if (result < 0)
        return err_errno(err, -result, "could not sync segment \"%s\"", w->temporary);
    tlog_hash_begin(w->digest);
    w->next = 0;
    state_to(w, STATE_READING);
    return RC_AGAIN;
}

static enum rc seal_read(struct segment_writer *w, struct err *err)
{
    const struct segment_entry *entry = &w->entries[w->next];
    struct str bytes;
    struct block *block;
    arena_reset(w->arena);
    enum rc rc = segment_read(&(struct segment_file){w->io, w->fd}, entry->offset, entry->size, w->arena, &bytes, err);
    struct block_info info;
    rc = rc == RC_OK ? block_info_read(bytes, &info, err) : rc;
    rc = rc == RC_OK ? block_decode(&(struct block_bytes){bytes, chain_find(w, info.chain), NULL}, BLOCK_ALL, w->arena,
                                    &block, err)
                     : rc;
    rc = rc == RC_OK ? block_check_times(block, err) : rc;
    if (rc == RC_OK && !segment_entry_is(entry, &info))
        rc = err_set(err, RC_CORRUPT, "a block's header is not what was collected");
    if (rc != RC_OK)
        return rc;
    tlog_hash_add(w->digest, bytes);
    UNINITIALISED struct tlog_hash hash[TLOG_GROUP];
    uint32_t count = block_count(block);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = block_number(block, i);
        uint64_t at = number - w->first;
        if (number < w->first || at >= w->records || w->seen[at])
            return err_set(err, RC_CORRUPT, "record %llu stands twice or is out of range", (unsigned long long)number);
        if (i % TLOG_GROUP == 0)
            block_leaf_hashes(block, i, MIN(count - i, (uint32_t)TLOG_GROUP), w->hasher, hash);
        w->seen[at] = 1;
        w->leaves[at] = hash[i % TLOG_GROUP];
    }
    if (++w->next == w->count) {
        w->next = 0;
        state_to(w, STATE_FOLDING);
    }
    return RC_AGAIN;
}

static enum rc group_hash(const struct segment_seal *seal, uint64_t group, struct tlog_hash *ret_hash, struct err *err)
{
    const struct segment *like = seal->like;
    if (seal->groups)
        return tlog_groups_get(seal->groups, group, ret_hash, err);
    if (group < like->group_first || group - like->group_first >= like->group_count)
        return err_set(err, RC_NOT_FOUND, "the segment has no group %llu", (unsigned long long)group);
    *ret_hash = like->groups[group - like->group_first];
    return RC_OK;
}

static enum rc seal_fold(struct segment_writer *w, const struct segment_seal *seal, struct err *err)
{
    if (w->next == 0)
        w->frontier = *seal->frontier_in;
    uint64_t end = MIN(w->next + FOLD_STEP, w->records);
    while (w->next < end) {
        struct tlog_hash group;
        struct tlog_hash want;
        size_t n = (size_t)MIN(end - w->next, TLOG_GROUP - w->frontier.size % TLOG_GROUP);
        bool complete = tlog_frontier_append_leaves(&w->frontier, w->hasher, w->leaves + w->next, n, &group);
        w->next += n;
        if (!complete)
            continue;
        enum rc rc = group_hash(seal, w->frontier.size / TLOG_GROUP - 1, &want, err);
        if (rc != RC_OK)
            return rc;
        if (!tlog_hash_eq(&group, &want))
            return err_set(err, RC_CORRUPT, "records %llu to %llu are not what the tree holds",
                           (unsigned long long)(w->frontier.size - TLOG_GROUP),
                           (unsigned long long)w->frontier.size - 1);
    }
    if (w->next < w->records)
        return RC_AGAIN;
    struct tlog_hash got;
    struct tlog_hash want;
    tlog_frontier_root(&w->frontier, w->hasher, &got);
    tlog_frontier_root(seal->frontier_out, w->hasher, &want);
    if (w->frontier.size != seal->frontier_out->size || !tlog_hash_eq(&got, &want))
        return err_set(err, RC_CORRUPT, "the last records are not what the tree holds");
    state_to(w, STATE_TAIL);
    return RC_AGAIN;
}

static void put_index(const struct segment_writer *w, struct buf *out)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct segment_entry *e = &w->entries[i];
        buf_be64(out, e->offset);
        buf_be32(out, e->size);
        buf_be32(out, e->count);
        buf_be64(out, e->first);
        buf_be64(out, e->last);
        buf_be64(out, (uint64_t)e->time_min_ns);
        buf_be64(out, (uint64_t)e->time_max_ns);
        buf_be64(out, e->key[0]);
        buf_be64(out, e->key[1]);
        buf_be32(out, e->filter_offset);
        buf_be32(out, e->filter_size);
        buf_be64(out, 0);
    }
}

static void put_dictionaries(const struct segment_writer *w, struct packer *packer, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, DICTIONARY_PLAIN_MAX);
    buf_be32(out, w->chain_count);
    for (uint32_t i = 0; i < w->chain_count; i++) {
        buf_clear(&plain);
        dictionary_write(w->chains[i].dictionary, &plain);
        buf_be64(out, w->chains[i].id);
        size_t at = out->n;
        buf_be32(out, 0);
        pack(packer, buf_view(&plain), PACK_SHARED, out);
        out->overflow = out->overflow || plain.overflow;
        if (!out->overflow)
            put_be32(out->p + at, (uint32_t)(out->n - at - 4));
    }
    buf_done(&plain);
}

static void put_filter(const struct segment_writer *w, struct buf *out)
{
    if (w->no_filter || w->words.overflow)
        return;
    buf_be64(out, w->words.key[0]);
    buf_be64(out, w->words.key[1]);
    words_filter_bits(&w->words, WORDS_BITS_SEGMENT, out);
}

static void put_groups(const struct segment_writer *w, const struct segment_seal *seal, struct buf *out)
{
    for (uint64_t i = w->first / TLOG_GROUP; i < seal->end / TLOG_GROUP; i++) {
        struct tlog_hash hash;
        ASSERT(group_hash(seal, i, &hash, NULL) == RC_OK); /* folding compared them */
        buf_put(out, hash.bytes, sizeof hash.bytes);
    }
}

/* Leaf hashes of the groups that this segment shares with its neighbours. */
static void put_edges(const struct segment_writer *w, const struct segment_seal *seal, struct buf *out)
{
    uint64_t head_end = MIN((w->first + TLOG_GROUP - 1) / TLOG_GROUP * TLOG_GROUP, seal->end);
    uint64_t tail = MAX(seal->end / TLOG_GROUP * TLOG_GROUP, head_end);
    buf_be16(out, (uint16_t)(head_end - w->first));
    buf_put(out, w->leaves, (size_t)(head_end - w->first) * sizeof *w->leaves);
    buf_be16(out, (uint16_t)(seal->end - tail));
    buf_put(out, w->leaves + (tail - w->first), (size_t)(seal->end - tail) * sizeof *w->leaves);
}

static void put_frontiers(const struct segment_seal *seal, struct buf *out)
{
    const struct tlog_frontier *both[] = {seal->frontier_in, seal->frontier_out};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        char bytes[TLOG_FRONTIER_BYTES_MAX];
        struct buf one;
        buf_init_fixed(&one, bytes, sizeof bytes);
        tlog_frontier_write(both[i], &one);
        buf_be32(out, (uint32_t)one.n);
        buf_put(out, one.p, one.n);
    }
}

static enum rc put_section(struct segment_writer *w, enum segment_section id, struct buf *bytes, struct err *err)
{
    struct str view = buf_view(bytes);
    if (bytes->overflow)
        return err_set(err, RC_LIMIT, "no memory to seal the segment");
    w->part[id].offset = w->at;
    w->part[id].length = view.n;
    tlog_hash_bytes(w->hasher, view, &w->part[id].digest);
    enum rc rc = file_write_at(w->io, w->fd, view, (int64_t)w->at, err);
    w->at += view.n;
    buf_clear(bytes);
    return rc;
}

static enum rc put_footer(struct segment_writer *w, const struct segment_seal *seal, struct err *err)
{
    char bytes[SEGMENT_FOOTER] = {0};
    struct buf out;
    buf_init_fixed(&out, bytes, sizeof bytes);
    buf_put(&out, SEGMENT_FOOTER_MAGIC, SEGMENT_MAGIC_SIZE);
    buf_be64(&out, w->first);
    buf_be64(&out, seal->end);
    buf_be64(&out, w->bytes_raw);
    for (size_t i = 0; i < ARRAY_LEN(w->bounds); i++)
        buf_be64(&out, (uint64_t)w->bounds[i]);
    buf_be32(&out, w->count);
    buf_be32(&out, SECTION_END - 1);
    for (uint32_t i = SECTION_HEADER; i < SECTION_END; i++) {
        buf_be32(&out, i);
        buf_be32(&out, 0);
        buf_be64(&out, w->part[i].offset);
        buf_be64(&out, w->part[i].length);
        buf_put(&out, w->part[i].digest.bytes, sizeof w->part[i].digest.bytes);
    }
    ASSERT(!out.overflow && out.n <= SEGMENT_FOOTER - 4);
    put_be32(bytes + SEGMENT_FOOTER - 4, crc32c(0, bytes, SEGMENT_FOOTER - 4));
    return file_write_at(w->io, w->fd, str_at(bytes, sizeof bytes), (int64_t)w->at, err);
}

static enum rc put_tail(struct segment_writer *w, const struct segment_seal *seal, struct buf *section, struct err *err)
{
    struct packer *packer = packer_new();
    if (!packer)
        return err_set(err, RC_LIMIT, "no memory to seal the segment");
    char header[SEGMENT_HEADER];
    enum rc rc = file_read_at(w->io, w->fd, header, sizeof header, 0, err);
    w->part[SECTION_HEADER] = (struct segment_part){.offset = 0, .length = SEGMENT_HEADER};
    tlog_hash_bytes(w->hasher, str_at(header, sizeof header), &w->part[SECTION_HEADER].digest);
    w->part[SECTION_BLOCKS] = (struct segment_part){.offset = SEGMENT_HEADER, .length = w->at - SEGMENT_HEADER};
    tlog_hash_end(w->digest, &w->part[SECTION_BLOCKS].digest);
    put_dictionaries(w, packer, section);
    rc = rc == RC_OK ? put_section(w, SECTION_DICTIONARIES, section, err) : rc;
    put_index(w, section);
    rc = rc == RC_OK ? put_section(w, SECTION_INDEX, section, err) : rc;
    put_filter(w, section);
    rc = rc == RC_OK ? put_section(w, SECTION_FILTER, section, err) : rc;
    put_groups(w, seal, section);
    rc = rc == RC_OK ? put_section(w, SECTION_GROUPS, section, err) : rc;
    put_edges(w, seal, section);
    rc = rc == RC_OK ? put_section(w, SECTION_EDGES, section, err) : rc;
    put_frontiers(seal, section);
    rc = rc == RC_OK ? put_section(w, SECTION_FRONTIERS, section, err) : rc;
    pack(packer, seal->sources, PACK_HOT, section);
    rc = rc == RC_OK ? put_section(w, SECTION_SOURCES, section, err) : rc;
    packer_free(packer);
    return rc == RC_OK ? put_footer(w, seal, err) : rc;
}

/* The dictionaries as a reader gets them are those that the blocks were read back with. */
static enum rc dictionaries_check(struct segment_writer *w, struct segment *back, struct err *err)
{
    struct segment_file file = {w->io, w->fd};
    struct buf want CLEANUP(buf_done) = {0};
    struct buf got CLEANUP(buf_done) = {0};
    buf_init(&want, DICTIONARY_PLAIN_MAX);
    buf_init(&got, DICTIONARY_PLAIN_MAX);
    for (uint32_t i = 0; i < w->chain_count; i++) {
        struct dictionary *dictionary;
        enum rc rc = segment_dictionary(&file, back, w->chains[i].id, NULL, &dictionary, err);
        if (rc != RC_OK)
            return rc;
        buf_clear(&want);
        buf_clear(&got);
        dictionary_write(w->chains[i].dictionary, &want);
        dictionary_write(dictionary, &got);
        if (want.overflow || got.overflow)
            return err_set(err, RC_LIMIT, "no memory to check a dictionary");
        if (!str_eq(buf_view(&want), buf_view(&got)))
            return err_set(err, RC_CORRUPT, "a dictionary did not read back");
    }
    return RC_OK;
}

/* What segment_open reads only when it is needed. */
static enum rc back_check(struct segment_writer *w, struct segment *back, struct err *err)
{
    const struct segment_part *part = &back->part[SECTION_FILTER];
    struct tlog_hash digest;
    struct str bytes;
    arena_reset(w->arena);
    enum rc rc = segment_read(&(struct segment_file){w->io, w->fd}, part->offset, part->length, w->arena, &bytes, err);
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(w->hasher, bytes, &digest);
    if (!tlog_hash_eq(&digest, &part->digest))
        return err_set(err, RC_CORRUPT, "the filter did not read back");
    return dictionaries_check(w, back, err);
}

static enum rc seal_tail(struct segment_writer *w, const struct segment_seal *seal, struct err *err)
{
    const struct io *io = w->io;
    struct buf section CLEANUP(buf_done) = {0};
    buf_init(&section, TAIL_LIMIT);
    enum rc rc = put_tail(w, seal, &section, err);
    if (rc != RC_OK)
        return rc;
    int result = io->sync(io->self, w->fd);
    if (result < 0)
        return err_errno(err, -result, "could not sync segment \"%s\"", w->temporary);
    struct segment_id id = {.uuid = w->uuid, .first = w->first};
    struct segment *back = NULL;
    memcpy(id.name, w->temporary, sizeof id.name);
    rc = segment_open_named(io, w->folder, &id, &back, err);
    if (rc != RC_OK)
        return rc;
    rc = back_check(w, back, err);
    segment_free(back);
    if (rc != RC_OK)
        return rc;
    char name[SEGMENT_NAME_MAX];
    if (w->cold)
        segment_cold_name(w->first, name);
    else
        segment_name(w->first, name);
    result = io->rename(io->self, w->folder, w->temporary, name);
    if (result >= 0) /* behind the rename: a temporary file that a crash left can then be written anew */
        result = io->read_only(io->self, w->fd);
    if (result >= 0)
        result = io->sync(io->self, w->folder);
    if (result < 0)
        return err_errno(err, -result, "could not give segment \"%s\" its name", name);
    state_to(w, STATE_SEALED);
    return RC_OK;
}

enum rc segment_seal_step(struct segment_writer *writer, const struct segment_seal *seal, struct err *err)
{
    switch (writer->state) {
    case STATE_COLLECTING:
        state_to(writer, STATE_SYNCING);
        return RC_AGAIN;
    case STATE_SYNCING:
        return seal_sync(writer, seal, err);
    case STATE_READING:
        return seal_read(writer, err);
    case STATE_FOLDING:
        return seal_fold(writer, seal, err);
    case STATE_TAIL:
        return seal_tail(writer, seal, err);
    case STATE_SEALED:
        break;
    }
    return RC_OK;
}
