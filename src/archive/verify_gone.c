/* Deleted segments: their tombstones' hashes go on with the tree, and the record that each names must vouch for it. */
#include "archive/pack.h"
#include "archive/retention_record.h"
#include "archive/tombstone.h"
#include "archive/verify_state.h"
#include "base/assert.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

/* A checkpoint inside a group of which only the hash is left, the tree being at the group's beginning. */
static void check_inside(struct verify *v, const struct known *known, const struct tlog_hash *group)
{
    char name[48];
    char file[80];
    struct tlog_path path = {0};
    struct tlog_hash root;
    struct str bytes = STR_NONE;
    uint64_t inside = known->size % TLOG_GROUP;
    snprintf(file, sizeof file, NAME_CHECKPOINTS "/%s", known->name);
    checkpoint_name(known->size, PATH_SUFFIX, name);
    struct verify_finding place = verify_in_file(file, -1);
    arena_reset(v->arena);
    if (v->tree_broken)
        return;
    struct err err = {0};
    enum rc rc = file_load(v->io, v->folders.checkpoints, name, sizeof path.hash, v->arena, &bytes, &err);
    if (rc == RC_NOT_FOUND || (rc == RC_OK && (inside & (inside - 1)) == 0)) {
        v->result->blind++;
        return;
    }
    if (rc != RC_OK) {
        verify_tell(v, &place, "its path cannot be read: %s", err.text);
        return;
    }
    path.count = bytes.n / sizeof path.hash[0];
    memcpy(path.hash, bytes.p, path.count * sizeof path.hash[0]);
    const struct tlog_head whole = {.size = TLOG_GROUP, .root = *group};
    bool good = bytes.n % sizeof path.hash[0] == 0 && tlog_consistency_root(v->hasher, inside, &path, &whole, &root);
    for (unsigned height = TLOG_GROUP_HEIGHT; good && height < TLOG_HEIGHT_MAX; height++)
        if (v->frontier.size >> height & 1)
            tlog_hash_node(v->hasher, &v->frontier.node[height], &root, &root);
    if (good && tlog_hash_eq(&root, &known->root))
        v->result->checkpoints++;
    else
        verify_tell(v, &place,
                    "the first %llu records are not those that this checkpoint names, or its path is not theirs",
                    (unsigned long long)known->size);
}

static void grow_group(struct verify *v, const struct tlog_hash *group)
{
    uint64_t end = v->frontier.size + TLOG_GROUP;
    while (v->known_next < v->known_count && v->known[v->known_next].size < end)
        check_inside(v, &v->known[v->known_next++], group);
    while (v->path_next < v->paths.count && v->paths.list[v->path_next] < end)
        v->path_next++; /* looked at with its checkpoint */
    tlog_frontier_append_node(&v->frontier, v->hasher, TLOG_GROUP_HEIGHT, group);
    verify_roots(v);
}

/* Leaves of the group that a neighbour shares; their records are gone. */
static void grow_edge(struct verify *v, const struct covered *c, const struct tlog_hash *leaves, size_t count)
{
    struct verify_finding place = verify_in_file(c->file, -1);
    for (size_t i = 0; i < count;) {
        size_t n = verify_grow(v, leaves + i, count - i);
        i += n;
        v->result->records -= n;
        if (v->frontier.size % TLOG_GROUP == 0 && !v->tree_broken &&
            !tlog_hash_eq(&v->group_hash,
                          &c->segment->groups[v->frontier.size / TLOG_GROUP - 1 - c->segment->group_first]))
            verify_tell(v, &place, "its first leaf hashes do not give its first group hash");
    }
}

static void load_sources(struct verify *v, const struct covered *c, int fd)
{
    const struct segment_part *part = &c->segment->part[SECTION_SOURCES];
    const struct segment_file file = {v->io, fd};
    struct str bytes;
    struct str plain;
    arena_reset(v->arena);
    if (!part->offset) /* the tombstone of an encrypted segment has none */
        return;
    if (segment_read(&file, part->offset, part->length, v->arena, &bytes, NULL) != RC_OK ||
        unpack(bytes, SOURCES_PLAIN_MAX, v->arena, &plain, NULL) != RC_OK || !sources_reset(v->sources) ||
        sources_parse(v->sources, plain, NULL) != RC_OK) {
        struct verify_finding place = verify_in_file(c->file, (int64_t)part->offset);
        verify_tell(v, &place, "its table of sources cannot be read");
    }
}

void verify_tombstone_fold(struct verify *v, const struct covered *c, int fd)
{
    const struct segment *s = c->segment;
    struct segment_edges edges;
    struct str bytes;
    struct err err = {0};
    struct verify_finding place = verify_in_file(c->file, (int64_t)s->part[SECTION_EDGES].offset);
    bool good = verify_frontiers(v, c, fd, true);
    /* Not the other arena: paths are read into it while the tree goes on. */
    bool edged = verify_section(v, c, SECTION_EDGES, fd, v->scratch, &bytes);
    if (edged && segment_edges_read(bytes, s, &edges, &err) != RC_OK) {
        verify_tell(v, &place, "%s", err.text);
        edged = false;
    }
    good = edged && good;
    if (good) {
        grow_edge(v, c, edges.head, edges.head_count);
        while (v->frontier.size + edges.tail_count < s->end)
            grow_group(v, &s->groups[v->frontier.size / TLOG_GROUP - s->group_first]);
        grow_edge(v, c, edges.tail, edges.tail_count);
        good = verify_frontiers(v, c, fd, false);
        load_sources(v, c, fd);
    }
    if (!good) {
        v->tree_broken = true;
        v->frontier.size = s->end;
    }
}

/* Remembers a tombstone until its record comes; keeps the segment. */
static enum rc gone_add(struct verify *v, struct segment *segment, const char *file)
{
    struct gone *list = memory_resize(v->gone, (v->gone_count + 1) * sizeof *list);
    if (!list) {
        segment_free(segment);
        return err_set(v->err, RC_LIMIT, "no memory for the list of tombstones");
    }
    v->gone = list;
    struct gone *gone = &v->gone[v->gone_count++];
    *gone = (struct gone){.segment = segment};
    v->gone_next = MIN(v->gone_next, segment->record);
    snprintf(gone->file, sizeof gone->file, "%s", file);
    struct err err = {0};
    struct verify_finding place = verify_in_file(file, -1);
    enum rc rc = segment_footer_digest(v->io, v->folders.seg, segment, &gone->footer, &err);
    if (!verify_is_damage(rc))
        return err_set(v->err, rc, "%s", err.text);
    if (rc != RC_OK)
        verify_tell(v, &place, "%s", err.text);
    return RC_OK;
}

enum rc verify_tombstone(struct verify *v, uint64_t first)
{
    char file[48];
    char name[SEGMENT_NAME_MAX];
    struct segment *segment = NULL;
    struct err err = {0};
    int fd = -1;
    tombstone_name(first, name);
    snprintf(file, sizeof file, NAME_SEG "/%s", name);
    struct verify_finding place = verify_in_file(file, -1);
    enum rc rc = tombstone_open(v->io, v->folders.seg, first, v->instance.uuid, &segment, &err);
    rc = rc == RC_OK ? segment_fd(v->io, v->folders.seg, segment, &fd, &err) : rc;
    if (rc != RC_OK) {
        segment_free(segment);
        if (!verify_is_damage(rc))
            return err_set(v->err, rc, "%s", err.text);
        verify_tell(v, &place, "%s", err.text);
        v->tree_broken = true;
        return RC_OK;
    }
    struct covered c = {.file = file, .segment = segment};
    verify_tombstone_fold(v, &c, fd);
    IGNORE(v->io->close(v->io->self, fd)); /* only read */
    v->result->gone_segments++;
    v->result->gone_records += segment->end - segment->first;
    return gone_add(v, segment, file);
}

/* A tombstone whose segment is still there: the deletion was begun. */
enum rc verify_begun(struct verify *v, struct segment *segment)
{
    struct segment *stone = NULL;
    char file[48];
    char name[SEGMENT_NAME_MAX];
    struct err err = {0};
    tombstone_name(segment->first, name);
    snprintf(file, sizeof file, NAME_SEG "/%s", name);
    struct verify_finding place = verify_in_file(file, -1);
    enum rc rc = tombstone_same(v->io, v->folders.seg, segment, &err);
    rc = rc == RC_OK ? tombstone_open(v->io, v->folders.seg, segment->first, v->instance.uuid, &stone, &err) : rc;
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (!verify_is_damage(rc))
        return err_set(v->err, rc, "%s", err.text);
    place.warning = rc == RC_OK;
    verify_tell(v, &place, "%s", rc == RC_OK ? "the segment is about to be deleted" : err.text);
    return rc == RC_OK ? gone_add(v, stone, file) : RC_OK;
}

bool verify_tombstone_there(struct verify *v, uint64_t first)
{
    uint64_t record;
    return tombstone_record(v->io, v->folders.seg, first, &record, NULL) != RC_NOT_FOUND;
}

const char *verify_voucher(const struct leaf *leaf, struct str raw, const struct segment *tombstone,
                           const struct tlog_hash *footer)
{
    struct retention_record record;
    if (leaf->type != LEAF_RETENTION || retention_record_parse(raw, &record, NULL) != RC_OK)
        return "it is no retention record";
    return retention_record_differs(&record, tombstone, footer);
}

/* Called for tombstones too: a record may say that several times, but of this very segment. */
void verify_retention(struct verify *v, const struct leaf *leaf, struct str raw)
{
    if (leaf->index < v->gone_next)
        return;
    v->gone_next = UINT64_MAX;
    for (size_t i = 0; i < v->gone_count; i++) {
        struct gone *gone = &v->gone[i];
        struct verify_finding place = verify_in_file(gone->file, -1);
        if (gone->segment->record > leaf->index)
            v->gone_next = MIN(v->gone_next, gone->segment->record);
        if (gone->segment->record != leaf->index)
            continue;
        place.record = leaf->index;
        const char *why = verify_voucher(leaf, raw, gone->segment, &gone->footer);
        if (why)
            verify_tell(v, &place, "record %llu does not vouch for the deletion: %s", (unsigned long long)leaf->index,
                        why);
        gone->vouched = true; /* or told */
    }
}

void verify_vouched(struct verify *v)
{
    for (size_t i = 0; i < v->gone_count; i++) {
        struct verify_finding place = verify_in_file(v->gone[i].file, -1);
        place.record = v->gone[i].segment->record;
        if (v->gone[i].vouched && place.record >= v->result->checkpoint_size)
            verify_tell(v, &place, "record %llu, which says who deleted records %llu to %llu, is under no checkpoint",
                        (unsigned long long)place.record, (unsigned long long)v->gone[i].segment->first,
                        (unsigned long long)v->gone[i].segment->end - 1);
        if (!v->gone[i].vouched)
            verify_tell(v, &place,
                        "record %llu, which should say who deleted records %llu to %llu, is not in the archive",
                        (unsigned long long)place.record, (unsigned long long)v->gone[i].segment->first,
                        (unsigned long long)v->gone[i].segment->end - 1);
    }
}
