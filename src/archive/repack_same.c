/* Whether a cold file may stand for its segment: nothing that was packed is believed. */
#include "archive/dictionary.h"
#include "archive/pack.h"
#include "archive/reader_state.h"
#include "archive/repack.h"
#include "archive/segment_format.h"
#include "base/assert.h"

#include <string.h>

#define DECODE_ARENA ((size_t)256 << 20)
#define RULES_MAX    64

/* One of the two files. */
struct side {
    struct segment_file file;
    struct segment *segment;
    struct arena *arena;
    struct block *block;
    struct event_field *fields;
};

struct comparing {
    struct archive_reader *reader;
    struct side sides[2]; /* the segment, its cold file */
    struct err *err;
};

static enum rc differs(const struct comparing *c, const char *what)
{
    return err_set(c->err, RC_DENIED, "%s", what);
}

static enum rc side_block(const struct comparing *c, struct side *side, uint32_t entry)
{
    const struct segment_entry *e = &side->segment->entries[entry];
    struct dictionary *dictionary;
    struct names *names = c->reader->options.names;
    struct block_info info;
    struct str bytes;
    arena_reset(side->arena);
    side->fields = arena_alloc_array(side->arena, EVENT_FIELDS_MAX, sizeof *side->fields);
    if (!side->fields)
        return err_set(c->err, RC_LIMIT, "no memory to compare a segment");
    enum rc rc = segment_read(&side->file, e->offset, e->size, side->arena, &bytes, c->err);
    rc = rc == RC_OK ? block_info_read(bytes, &info, c->err) : rc;
    if (rc == RC_OK && !segment_entry_is(e, &info))
        return differs(c, "a block's header is not what the index says");
    rc = rc == RC_OK ? segment_dictionary(&side->file, side->segment, info.chain, names, &dictionary, c->err) : rc;
    rc = rc == RC_OK ? block_decode(&(struct block_bytes){bytes, dictionary, names}, BLOCK_ALL, side->arena,
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

static bool same_rules(const struct comparing *c, uint32_t row)
{
    struct str rules[2][RULES_MAX];
    size_t count[2];
    for (size_t k = 0; k < 2; k++)
        count[k] = block_rules(c->sides[k].block, row, rules[k], RULES_MAX);
    for (size_t i = 0; i < count[0] && count[0] == count[1]; i++)
        if (!str_eq(rules[0][i], rules[1][i]))
            return false;
    return count[0] == count[1];
}

static enum rc same_row(struct comparing *c, uint32_t row)
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
    if (!tlog_hash_eq(&hash[0], &hash[1]))
        return differs(c, "a record differs");
    if (!str_eq(event[0].raw, event[1].raw)) /* of a long record the hash has the digest only */
        return differs(c, "the bytes of a record differ");
    if (!same_events(&event[0], &event[1]))
        return differs(c, "what was derived of a record differs");
    return same_rules(c, row) ? RC_OK : differs(c, "the rules that a record hit differ");
}

static enum rc same_block(struct comparing *c, uint32_t entry)
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

static enum rc same_section(const struct comparing *c, enum segment_section section, bool packed)
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
    return str_eq(bytes[0], bytes[1]) ? RC_OK : differs(c, "its place in the tree or its table of sources differs");
}

/* The filter over all words is no part of what was compared; a wrong one would hide records from searches. */
static enum rc same_filter(const struct comparing *c)
{
    const struct segment_part *part = &c->sides[1].segment->part[SECTION_FILTER];
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)part->length + 4096);
    struct tlog_hash digest;
    struct str bytes;
    enum rc rc = arena ? RC_OK : err_set(c->err, RC_LIMIT, "no memory to compare a segment");
    rc = rc == RC_OK ? segment_read(&c->sides[1].file, part->offset, part->length, arena, &bytes, c->err) : rc;
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(c->reader->hasher, bytes, &digest);
    return tlog_hash_eq(&digest, &part->digest) ? RC_OK : differs(c, "its filter does not read back");
}

static enum rc compare(struct comparing *c)
{
    static const struct {
        enum segment_section section;
        bool packed;
    } sections[] = {{SECTION_EDGES, false}, {SECTION_FRONTIERS, false}, {SECTION_SOURCES, true}};
    if (!c->sides[1].segment->cold || !segment_same_records(c->sides[0].segment, c->sides[1].segment))
        return differs(c, "its index is not that of the segment");
    enum rc rc = same_filter(c);
    for (size_t i = 0; i < ARRAY_LEN(sections) && rc == RC_OK; i++)
        rc = same_section(c, sections[i].section, sections[i].packed);
    for (uint32_t i = 0; i < c->sides[0].segment->entry_count && rc == RC_OK; i++)
        rc = same_block(c, i);
    return rc;
}

static enum rc cold_open(struct comparing *c, uint64_t first)
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

enum rc archive_repack_same(struct archive_reader *reader, uint64_t first, struct err *err)
{
    struct comparing c = {.reader = reader, .err = err};
    ASSERT(reader->options.names != NULL);
    struct segment *segment = catalog_find(&reader->catalog, first);
    if (!segment || segment->first != first || segment->gone)
        return err_set(err, RC_NOT_FOUND, "no segment begins at record %llu", (unsigned long long)first);
    if (segment->record)
        return differs(&c, "its deletion was begun");
    for (size_t k = 0; k < 2; k++)
        c.sides[k] = (struct side){.file = {reader->io, -1}, .arena = block_arena_new(DECODE_ARENA)};
    c.sides[0].segment = segment;
    enum rc rc =
        c.sides[0].arena && c.sides[1].arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to compare a segment");
    rc = rc == RC_OK ? segment_fd(reader->io, reader->folders.seg, segment, &c.sides[0].file.fd, err) : rc;
    rc = rc == RC_OK ? cold_open(&c, first) : rc;
    rc = rc == RC_OK ? compare(&c) : rc;
    for (size_t k = 0; k < 2; k++) {
        if (c.sides[k].file.fd >= 0)
            IGNORE(reader->io->close(reader->io->self, c.sides[k].file.fd)); /* only read */
        arena_free(c.sides[k].arena);
    }
    segment_free(c.sides[1].segment);
    return rc;
}
