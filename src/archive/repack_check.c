/* Whether a cold file may stand for its segment: nothing that was packed is believed. */
#include "archive/dictionary.h"
#include "archive/pack.h"
#include "archive/reader_state.h"
#include "archive/repack.h"
#include "archive/segment_format.h"
#include "archive/words.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define DECODE_ARENA ((size_t)256 << 20)

/* One of the two files. */
struct side {
    struct segment_file file;
    struct segment *segment;
    struct arena *arena;
    struct str bytes; /* of the block */
    struct block *block;
    struct event_field *fields;
    struct str rules[REPACK_RULES_MAX];
};

struct repack_check {
    struct archive_reader *reader;
    struct side sides[2]; /* the segment, its cold file */
    struct arena *kept;   /* the cold file's filter over all words */
    struct str filter;    /* empty: it may hold everything */
    uint64_t filter_key[2];
    uint32_t next; /* entry */
    struct err *err;
};

static enum rc differs(const struct repack_check *c, uint64_t record, const char *what)
{
    return err_set(c->err, RC_DENIED, "record %llu: %s", (unsigned long long)record, what);
}

static enum rc side_block(const struct repack_check *c, struct side *side, uint32_t entry)
{
    const struct segment_entry *e = &side->segment->entries[entry];
    struct dictionary *dictionary;
    struct names *names = c->reader->options.names;
    struct block_info info;
    arena_reset(side->arena);
    side->fields = arena_alloc_array(side->arena, EVENT_FIELDS_MAX, sizeof *side->fields);
    if (!side->fields)
        return err_set(c->err, RC_LIMIT, "no memory to compare a segment");
    enum rc rc = segment_read(&side->file, e->offset, e->size, side->arena, &side->bytes, c->err);
    rc = rc == RC_OK ? block_info_read(side->bytes, &info, c->err) : rc;
    if (rc == RC_OK && !segment_entry_is(e, &info))
        return differs(c, e->first, "a block's header is not what the index says");
    rc = rc == RC_OK ? segment_dictionary(&side->file, side->segment, info.chain, names, &dictionary, c->err) : rc;
    rc = rc == RC_OK ? block_decode(&(struct block_bytes){side->bytes, dictionary, names}, BLOCK_ALL, side->arena,
                                    &side->block, c->err)
                     : rc;
    return rc == RC_OK ? block_check_times(side->block, c->err) : rc;
}

static bool same_events(const struct event *a, const struct event *b)
{
    if (a->flags != b->flags || a->time_ns != b->time_ns || a->received_ns != b->received_ns ||
        strcmp(a->parser, b->parser) != 0 || a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        if (!str_eq(a->statutory[i], b->statutory[i]))
            return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (!a->fields[i].name || a->fields[i].name != b->fields[i].name || a->fields[i].type != b->fields[i].type ||
            !str_eq(a->fields[i].value, b->fields[i].value))
            return false;
    return true;
}

/* How many of the cold side; SIZE_MAX: they differ. */
static size_t same_rules(struct repack_check *c, uint32_t row)
{
    size_t count[2];
    for (size_t k = 0; k < 2; k++)
        count[k] = block_rules(c->sides[k].block, row, c->sides[k].rules, REPACK_RULES_MAX);
    for (size_t i = 0; i < count[0] && count[0] == count[1]; i++)
        if (!str_eq(c->sides[0].rules[i], c->sides[1].rules[i]))
            return SIZE_MAX;
    return count[0] == count[1] ? count[1] : SIZE_MAX;
}

/* Both filters know every word: a missing one would hide the record from searches. */
static bool words_found(const struct repack_check *c, struct str text)
{
    const struct side *cold = &c->sides[1];
    const struct segment_entry *e = &cold->segment->entries[c->next];
    struct str filter = str_slice(cold->bytes, e->filter_offset, e->filter_offset + e->filter_size);
    char word[WORD_MAX];
    size_t at = 0;
    size_t n;
    while (word_next(text, &at, word, &n))
        if (!filter_may_hold(filter, e->key, str_at(word, n)) ||
            !filter_may_hold(c->filter, c->filter_key, str_at(word, n)))
            return false;
    return true;
}

static enum rc same_row(struct repack_check *c, uint32_t row)
{
    struct tlog_hash hash[2];
    struct event event[2];
    for (size_t k = 0; k < 2; k++) {
        struct leaf leaf;
        struct str raw;
        block_leaf(c->sides[k].block, row, &leaf, &raw);
        leaf_hash(&leaf, raw, c->reader->hasher, &hash[k]);
        block_event(c->sides[k].block, row, c->sides[k].fields, &event[k]);
    }
    uint64_t record = event[0].record;
    if (!tlog_hash_eq(&hash[0], &hash[1]))
        return differs(c, record, "it is another");
    if (!str_eq(event[0].raw, event[1].raw)) /* of a long record the hash has the digest only */
        return differs(c, record, "its bytes differ");
    if (!same_events(&event[0], &event[1]))
        return differs(c, record, "what was derived of it differs");
    size_t rules = same_rules(c, row);
    if (rules == SIZE_MAX)
        return differs(c, record, "the rules that it hit differ");
    bool found = words_found(c, event[1].raw);
    for (size_t i = 0; i < rules && found; i++)
        found = words_found(c, c->sides[1].rules[i]);
    return found ? RC_OK : differs(c, record, "the filters do not know its words");
}

static enum rc same_block(struct repack_check *c, uint32_t entry)
{
    enum rc rc = RC_OK;
    for (size_t k = 0; k < 2 && rc == RC_OK; k++)
        rc = side_block(c, &c->sides[k], entry);
    for (uint32_t row = 0; rc == RC_OK && row < c->sides[0].segment->entries[entry].count; row++)
        rc = same_row(c, row);
    if (rc == RC_OK && (block_spent(c->sides[0].block) || block_spent(c->sides[1].block)))
        rc = err_set(c->err, RC_LIMIT, "no memory for a record's values");
    return rc;
}

static enum rc same_section(const struct repack_check *c, enum segment_section section, bool packed)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * SOURCES_PLAIN_MAX);
    struct str bytes[2];
    enum rc rc = arena ? RC_OK : err_set(c->err, RC_LIMIT, "no memory to compare a segment");
    for (size_t k = 0; k < 2 && rc == RC_OK; k++) {
        const struct side *side = &c->sides[k];
        const struct segment_part *part = &side->segment->part[section];
        rc = segment_read(&side->file, part->offset, part->length, arena, &bytes[k], c->err);
        if (rc == RC_OK && packed)
            rc = unpack(bytes[k], SOURCES_PLAIN_MAX, arena, &bytes[k], c->err);
    }
    if (rc != RC_OK)
        return rc;
    return str_eq(bytes[0], bytes[1])
               ? RC_OK
               : differs(c, c->sides[0].segment->first, "the segment's place in the tree or table of sources differs");
}

static enum rc filter_load(struct repack_check *c)
{
    const struct side *cold = &c->sides[1];
    const struct segment_part *part = &cold->segment->part[SECTION_FILTER];
    struct tlog_hash digest;
    struct str bytes;
    c->kept = arena_new((size_t)part->length + 4096);
    enum rc rc = c->kept ? RC_OK : err_set(c->err, RC_LIMIT, "no memory to compare a segment");
    rc = rc == RC_OK ? segment_read(&cold->file, part->offset, part->length, c->kept, &bytes, c->err) : rc;
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(c->reader->hasher, bytes, &digest);
    if (!tlog_hash_eq(&digest, &part->digest))
        return differs(c, cold->segment->first, "the segment's filter does not read back");
    if (bytes.n > SEGMENT_FILTER_KEY) {
        c->filter_key[0] = get_be64(bytes.p);
        c->filter_key[1] = get_be64(bytes.p + 8);
        c->filter = str_skip(bytes, SEGMENT_FILTER_KEY);
    }
    return RC_OK;
}

static enum rc same_segments(struct repack_check *c)
{
    static const struct {
        enum segment_section section;
        bool packed;
    } sections[] = {{SECTION_EDGES, false}, {SECTION_FRONTIERS, false}, {SECTION_SOURCES, true}};
    if (!c->sides[1].segment->cold || !segment_same_records(c->sides[0].segment, c->sides[1].segment))
        return differs(c, c->sides[0].segment->first, "the segment's index differs");
    enum rc rc = filter_load(c);
    for (size_t i = 0; i < ARRAY_LEN(sections) && rc == RC_OK; i++)
        rc = same_section(c, sections[i].section, sections[i].packed);
    return rc;
}

static enum rc cold_open(struct repack_check *c, uint64_t first)
{
    const struct archive_reader *r = c->reader;
    struct side *side = &c->sides[1];
    struct segment_id id = {.uuid = r->instance.uuid, .first = first};
    segment_cold_name(first, id.name);
    enum rc rc = segment_open_named(r->io, r->folders.seg, &id, &side->segment, c->err);
    if (rc != RC_OK)
        return rc;
    side->file.fd = r->io->open(r->io->self, r->folders.seg, id.name, IO_READ);
    return side->file.fd < 0 ? err_errno(c->err, -side->file.fd, "could not open \"%s\"", id.name) : RC_OK;
}

static enum rc check_open(struct repack_check *c, struct segment *segment)
{
    const struct archive_reader *r = c->reader;
    for (size_t k = 0; k < 2; k++)
        c->sides[k].arena = block_arena_new(DECODE_ARENA);
    if (!c->sides[0].arena || !c->sides[1].arena)
        return err_set(c->err, RC_LIMIT, "no memory to compare a segment");
    c->sides[0].segment = segment;
    enum rc rc = segment_fd(r->io, r->folders.seg, segment, &c->sides[0].file.fd, c->err);
    rc = rc == RC_OK ? cold_open(c, segment->first) : rc;
    return rc == RC_OK ? same_segments(c) : rc;
}

enum rc repack_check_new(struct archive_reader *reader, uint64_t first, struct repack_check **ret_check,
                         struct err *err)
{
    ASSERT(reader->options.names != NULL);
    struct segment *segment = catalog_find(&reader->catalog, first);
    if (!segment || segment->first != first || segment->gone)
        return err_set(err, RC_NOT_FOUND, "no segment begins at record %llu", (unsigned long long)first);
    if (segment->record)
        return err_set(err, RC_DENIED, "its deletion was begun");
    struct repack_check *c = memory_new(sizeof *c);
    if (!c)
        return err_set(err, RC_LIMIT, "no memory to compare a segment");
    c->reader = reader;
    c->err = err;
    for (size_t k = 0; k < 2; k++)
        c->sides[k].file = (struct segment_file){reader->io, -1};
    enum rc rc = check_open(c, segment);
    if (rc == RC_OK)
        *ret_check = c;
    else
        repack_check_free(c);
    return rc;
}

void repack_check_free(struct repack_check *check)
{
    if (!check)
        return;
    const struct io *io = check->reader->io;
    for (size_t k = 0; k < 2; k++) {
        if (check->sides[k].file.fd >= 0)
            IGNORE(io->close(io->self, check->sides[k].file.fd)); /* only read */
        arena_free(check->sides[k].arena);
    }
    segment_free(check->sides[1].segment);
    arena_free(check->kept);
    memory_free(check);
}

enum rc repack_check_step(struct repack_check *check, struct err *err)
{
    check->err = err;
    if (check->next == check->sides[0].segment->entry_count)
        return RC_OK;
    enum rc rc = same_block(check, check->next);
    check->next += rc == RC_OK;
    return rc == RC_OK ? RC_AGAIN : rc;
}
