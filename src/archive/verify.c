/* The whole archive, once, from record 0: nothing is believed that was not computed here from the records' bytes.
 *
 * Every leaf is hashed and folded into the tree; on the way the root is compared with each stored checkpoint of that
 * size, each group's hash and each frontier with what the segment says, each path file with its group. Where a segment
 * was deleted, its tombstone's hashes go on with the tree, and the record that it names must say so. */
#include "archive/verify.h"

#include "archive/path.h"
#include "archive/segment_format.h"
#include "archive/tombstone.h"
#include "archive/verify_state.h"
#include "base/assert.h"
#include "codec/json.h"
#include "os/file.h"
#include "wal/wal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DECODE_ARENA  ((size_t)512 << 20)
#define SCRATCH_ARENA ((size_t)4 << 20)
#define ORIGINS_MAX   1024
#define WARNINGS_MAX  100 /* told; all are counted */
#define SEGMENT_TRIES 8
#define SEEN_TOGETHER 128 /* records of a log frame */

void verify_tell(struct verify *v, const struct verify_finding *place, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    struct verify_finding finding = *place;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    finding.text = text;
    if (finding.warning ? v->result->warnings++ >= WARNINGS_MAX : v->result->findings++ == UINT64_MAX)
        return;
    if (v->options->finding)
        v->options->finding(v->options->context, &finding);
}

/* ---- the tree ---- */

/* The path files of checkpoints inside the group that has just become complete. */
static void check_paths(struct verify *v)
{
    for (; v->path_next < v->paths.count && v->paths.list[v->path_next] < v->frontier.size; v->path_next++) {
        uint64_t size = v->paths.list[v->path_next];
        char name[48];
        char file[64];
        struct tlog_path path = {0};
        struct str bytes = STR_NONE;
        struct err err = {0};
        checkpoint_name(size, PATH_SUFFIX, name);
        snprintf(file, sizeof file, NAME_CHECKPOINTS "/%s", name);
        struct verify_finding place = verify_in_file(file, -1);
        arena_reset(v->arena);
        enum rc rc = file_load(v->io, v->folders.checkpoints, name, sizeof path.hash, v->arena, &bytes, &err);
        if (rc != RC_OK)
            verify_tell(v, &place, "%s", err.text);
        else if (path_make(v->hasher, v->group, size, &path, NULL) != RC_OK ||
                 !str_eq(bytes, str_at(path.hash, path.count * sizeof *path.hash)))
            verify_tell(v, &place, "the path is not that of the records");
    }
}

void verify_roots(struct verify *v)
{
    while (v->known_next < v->known_count && v->known[v->known_next].size <= v->frontier.size) {
        const struct known *known = &v->known[v->known_next++];
        struct tlog_hash root;
        char file[80];
        if (known->size < v->frontier.size || v->tree_broken)
            continue; /* lies in records that could not be read: told already */
        snprintf(file, sizeof file, NAME_CHECKPOINTS "/%s", known->name);
        struct verify_finding place = verify_in_file(file, -1);
        tlog_frontier_root(&v->frontier, v->hasher, &root);
        if (!tlog_hash_eq(&root, &known->root))
            verify_tell(v, &place, "the first %llu records are not those that this checkpoint names",
                        (unsigned long long)known->size);
        else
            v->result->checkpoints++;
    }
}

size_t verify_grow(struct verify *v, const struct tlog_hash *leaves, size_t count)
{
    size_t at = v->frontier.size % TLOG_GROUP;
    size_t n = MIN(count, TLOG_GROUP - at);
    while (v->known_next < v->known_count && v->known[v->known_next].size <= v->frontier.size)
        v->known_next++; /* lies in records that could not be read, or before the first */
    if (v->known_next < v->known_count)
        n = (size_t)MIN(n, v->known[v->known_next].size - v->frontier.size);
    memcpy(v->group + at, leaves, n * sizeof *leaves);
    if (tlog_frontier_append_leaves(&v->frontier, v->hasher, leaves, n, &v->group_hash))
        check_paths(v);
    verify_roots(v);
    v->result->records += n;
    return n;
}

static void see_lifecycle(struct verify *v, struct str raw)
{
    struct json_value *body;
    arena_reset(v->scratch);
    if (json_parse(v->scratch, raw, JSON_DEPTH, &body, NULL) == RC_OK &&
        str_is(json_str(json_get(body, "event"), STR_NONE), "incident"))
        IGNORE(map_put(v->origins, json_str(json_get(body, "old_origin"), STR_NONE))); /* past the bound: not known */
}

static void see_record(struct verify *v, const char *file, const struct leaf *leaf, struct str raw)
{
    bool data = leaf->type == LEAF_RAW || leaf->type == LEAF_DIGEST;
    if (!sources_saw(v->sources, leaf, raw) && data) {
        struct verify_finding place = verify_in_file(file, -1);
        place.record = leaf->index;
        place.warning = true;
        verify_tell(v, &place, "record %llu repeats sequence %llu of its source, or comes after a higher one",
                    (unsigned long long)leaf->index, (unsigned long long)leaf->sequence);
    }
    if (leaf->type == LEAF_LIFECYCLE)
        see_lifecycle(v, raw);
    if (v->gone_count)
        verify_retention(v, leaf, raw);
}

static void progress(struct verify *v)
{
    if (v->options->progress && !v->options->progress(v->options->context, v->result->records, v->total))
        v->stopped = true;
}

/* ---- checkpoints ---- */

/* Of an earlier instance, if an incident record says that there was one. */
static enum rc foreign_add(struct verify *v, const char *name, struct str origin)
{
    struct foreign *foreign = memory_resize(v->foreign, (v->foreign_count + 1) * sizeof *foreign);
    if (!foreign)
        return err_set(v->err, RC_LIMIT, "no memory for the list of checkpoints");
    v->foreign = foreign;
    foreign = &v->foreign[v->foreign_count++];
    snprintf(foreign->name, sizeof foreign->name, "%s", name);
    if (!str_copy_z(origin, foreign->origin, sizeof foreign->origin))
        foreign->origin[0] = '\0'; /* too long for one of ours */
    return RC_OK;
}

static bool foreign_has(const struct verify *v, struct str origin)
{
    bool has = false;
    for (size_t i = 0; i < v->foreign_count && !has; i++)
        has = str_is(origin, v->foreign[i].origin);
    return has;
}

static void check_foreign(struct verify *v)
{
    struct str former;
    uint64_t unused;
    for (size_t i = 0; i < map_end(v->origins); i++) {
        struct verify_finding place = verify_in_file(NAME_CHECKPOINTS, -1);
        place.warning = true;
        if (map_at(v->origins, i, &former, &unused) && !foreign_has(v, former))
            verify_tell(v, &place,
                        "no checkpoint is left of an earlier instance that an incident record names, \"%.*s\"",
                        STR_ARG(former));
    }
    for (size_t i = 0; i < v->foreign_count; i++) {
        const struct foreign *foreign = &v->foreign[i];
        char file[80];
        snprintf(file, sizeof file, NAME_CHECKPOINTS "/%s", foreign->name);
        struct verify_finding place = verify_in_file(file, -1);
        place.warning = map_get(v->origins, str_of(foreign->origin)) != NULL;
        verify_tell(v, &place, "the checkpoint is of %s instance, \"%s\"", place.warning ? "an earlier" : "an unknown",
                    foreign->origin);
    }
}

static enum rc known_add(struct verify *v, const char *name, uint64_t named, bool is_named)
{
    struct str bytes;
    struct note *note = NULL;
    struct checkpoint checkpoint;
    struct err err = {0};
    char file[80];
    arena_reset(v->arena);
    snprintf(file, sizeof file, NAME_CHECKPOINTS "/%s", name);
    struct verify_finding place = verify_in_file(file, -1);
    note = arena_alloc(v->arena, sizeof *note);
    enum rc rc =
        note ? file_load(v->io, v->folders.checkpoints, name, NOTE_SIZE_MAX, v->arena, &bytes, &err) : RC_LIMIT;
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    rc = rc == RC_OK ? note_parse(bytes, note, &err) : rc;
    rc = rc == RC_OK ? checkpoint_parse(note->text, &checkpoint, &err) : rc;
    if (rc != RC_OK) {
        verify_tell(v, &place, "the checkpoint is damaged: %s", err.text);
        return RC_OK;
    }
    if (!str_is(checkpoint.origin, v->instance.origin))
        return foreign_add(v, name, checkpoint.origin);
    if (is_named && checkpoint.head.size != named) {
        verify_tell(v, &place, "the checkpoint is of %llu records", (unsigned long long)checkpoint.head.size);
        return RC_OK;
    }
    struct known *known = memory_resize(v->known, (v->known_count + 1) * sizeof *known);
    if (!known)
        return err_set(v->err, RC_LIMIT, "no memory for the list of checkpoints");
    v->known = known;
    known = &v->known[v->known_count++];
    *known = (struct known){.size = checkpoint.head.size, .root = checkpoint.head.root};
    snprintf(known->name, sizeof known->name, "%s", name);
    v->result->checkpoint_size = MAX(v->result->checkpoint_size, known->size);
    return RC_OK;
}

static int by_size(const void *a, const void *b)
{
    const struct known *x = a;
    const struct known *y = b;
    return x->size < y->size ? -1 : x->size > y->size;
}

static enum rc load_checkpoints(struct verify *v)
{
    struct numbers names;
    enum rc rc = numbers_list(v->io, v->folders.checkpoints, checkpoint_name_parse, &names, v->err);
    for (size_t i = 0; i < names.count && rc == RC_OK; i++) {
        char name[48];
        checkpoint_name(names.list[i], "", name);
        rc = known_add(v, name, names.list[i], true);
    }
    numbers_done(&names);
    rc = rc == RC_OK ? known_add(v, NAME_LATEST, 0, false) : rc;
    rc = rc == RC_OK ? known_add(v, NAME_COSIGNED, 0, false) : rc;
    if (v->known_count)
        qsort(v->known, v->known_count, sizeof *v->known, by_size);
    return rc == RC_OK ? numbers_list(v->io, v->folders.checkpoints, path_name_parse, &v->paths, v->err) : rc;
}

/* ---- segments ---- */

static struct covered covered_of(const char *file, struct segment *segment)
{
    return (struct covered){.file = file, .segment = segment, .bounds = {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN}};
}

static void widen(struct covered *c, const struct block_info *info)
{
    c->bounds[0] = MIN(c->bounds[0], info->received_min_ns);
    c->bounds[1] = MAX(c->bounds[1], info->received_max_ns);
    c->bounds[2] = MIN(c->bounds[2], info->time_min_ns);
    c->bounds[3] = MAX(c->bounds[3], info->time_max_ns);
    c->bytes_raw += info->raw_bytes;
}

static bool check_records(struct verify *v, struct covered *c, const struct block *block, struct verify_finding place)
{
    UNINITIALISED struct tlog_hash hash[TLOG_GROUP];
    uint32_t count = block_count(block);
    for (uint32_t i = 0; i < count; i++) {
        struct leaf leaf;
        struct str raw;
        if (i % TLOG_GROUP == 0)
            block_leaf_hashes(block, i, MIN(count - i, (uint32_t)TLOG_GROUP), v->hasher, hash);
        block_leaf(block, i, &leaf, &raw);
        uint64_t at = leaf.index - c->segment->first;
        place.record = leaf.index;
        if (leaf.index < c->segment->first || leaf.index >= c->segment->end || c->seen[at]) {
            verify_tell(v, &place, "record %llu stands twice or out of range", (unsigned long long)leaf.index);
            return false;
        }
        c->seen[at] = 1;
        c->leaves[at] = hash[i % TLOG_GROUP];
        see_record(v, c->file, &leaf, raw);
    }
    return true;
}

static bool check_block(struct verify *v, struct covered *c, uint32_t entry, int fd)
{
    const struct segment_entry *e = &c->segment->entries[entry];
    const struct segment_file file = {v->io, fd};
    struct verify_finding place = verify_in_file(c->file, (int64_t)e->offset);
    struct err err = {0};
    struct str bytes;
    struct block *block = NULL;
    arena_reset(v->arena);
    enum rc rc = segment_read(&file, e->offset, e->size, v->arena, &bytes, &err);
    if (rc == RC_OK)
        tlog_hash_add(v->digest, bytes);
    struct block_info info;
    struct dictionary *dictionary = NULL;
    rc = rc == RC_OK ? block_info_read(bytes, &info, &err) : rc;
    rc = rc == RC_OK ? segment_dictionary(&file, c->segment, info.chain, NULL, &dictionary, &err) : rc;
    rc = rc == RC_OK ? block_decode(&(struct block_bytes){bytes, dictionary, NULL}, BLOCK_ALL, v->arena, &block, &err)
                     : rc;
    rc = rc == RC_OK ? block_check_times(block, &err) : rc;
    if (rc == RC_OK && !segment_entry_is(e, &info))
        rc = err_set(&err, RC_CORRUPT, "the index says something else of this block than its header");
    if (rc != RC_OK) {
        verify_tell(v, &place, "%s", err.text);
        return false;
    }
    widen(c, &info);
    return check_records(v, c, block, place);
}

static void check_digest(struct verify *v, const struct covered *c, enum segment_section section,
                         const struct tlog_hash *got)
{
    const struct segment_part *part = &c->segment->part[section];
    struct verify_finding place = verify_in_file(c->file, (int64_t)part->offset);
    if (!tlog_hash_eq(got, &part->digest))
        verify_tell(v, &place, "section %d is damaged", (int)section);
}

bool verify_section(struct verify *v, const struct covered *c, enum segment_section section, int fd,
                    struct arena *arena, struct str *ret_bytes)
{
    const struct segment_part *part = &c->segment->part[section];
    const struct segment_file file = {v->io, fd};
    struct verify_finding place = verify_in_file(c->file, (int64_t)part->offset);
    struct err err = {0};
    arena_reset(arena);
    enum rc rc = segment_read(&file, part->offset, part->length, arena, ret_bytes, &err);
    if (rc != RC_OK)
        verify_tell(v, &place, "%s", err.text);
    return rc == RC_OK;
}

/* The filter is not read when a segment is opened: it is checked here. */
static void check_filter(struct verify *v, const struct covered *c, int fd)
{
    struct tlog_hash digest;
    struct str bytes;
    if (!verify_section(v, c, SECTION_FILTER, fd, v->arena, &bytes))
        return;
    tlog_hash_bytes(v->hasher, bytes, &digest);
    check_digest(v, c, SECTION_FILTER, &digest);
}

static void check_footer(struct verify *v, const struct covered *c)
{
    const struct segment *s = c->segment;
    struct verify_finding place = verify_in_file(c->file, (int64_t)s->bytes_stored - SEGMENT_FOOTER);
    if (c->bounds[0] != s->received_min_ns || c->bounds[1] != s->received_max_ns || c->bounds[2] != s->time_min_ns ||
        c->bounds[3] != s->time_max_ns || c->bytes_raw != s->bytes_raw)
        verify_tell(v, &place, "the footer names other times or sizes than its blocks have");
}

/* Leaf hashes of the groups that a segment shares with its neighbours: readers take them for true. */
static void check_edges(struct verify *v, const struct covered *c, int fd)
{
    const struct segment *s = c->segment;
    struct verify_finding place = verify_in_file(c->file, (int64_t)s->part[SECTION_EDGES].offset);
    struct segment_edges edges;
    struct str bytes;
    struct err err = {0};
    if (!verify_section(v, c, SECTION_EDGES, fd, v->arena, &bytes))
        return;
    if (segment_edges_read(bytes, s, &edges, &err) != RC_OK) {
        verify_tell(v, &place, "%s", err.text);
        return;
    }
    size_t head = edges.head_count * sizeof *c->leaves;
    size_t tail = edges.tail_count * sizeof *c->leaves;
    const struct tlog_hash *last = c->leaves + (s->end - s->first - edges.tail_count);
    if (!str_eq(str_at(edges.head, head), str_at(c->leaves, head)) ||
        !str_eq(str_at(edges.tail, tail), str_at(last, tail)))
        verify_tell(v, &place, "the hashes at its edges are not those of its records");
}

static bool fold_segment(struct verify *v, const struct covered *c)
{
    struct verify_finding place = verify_in_file(c->file, -1);
    uint64_t count = c->segment->end - c->segment->first;
    const uint8_t *missing = memchr(c->seen, 0, (size_t)count);
    count = missing ? (uint64_t)(missing - c->seen) : count;
    for (uint64_t i = 0; i < count;) {
        i += verify_grow(v, c->leaves + i, (size_t)(count - i));
        place.record = v->frontier.size - 1;
        if (v->frontier.size % TLOG_GROUP)
            continue;
        uint64_t number = v->frontier.size / TLOG_GROUP - 1;
        ASSERT(number >= c->segment->group_first && number - c->segment->group_first < c->segment->group_count);
        if (!v->tree_broken && !tlog_hash_eq(&v->group_hash, &c->segment->groups[number - c->segment->group_first]))
            verify_tell(v, &place, "records %llu to %llu do not give the group hash that the segment names",
                        (unsigned long long)(v->frontier.size - TLOG_GROUP), (unsigned long long)v->frontier.size - 1);
    }
    place.record = c->segment->first + count;
    if (missing)
        verify_tell(v, &place, "record %llu is missing", (unsigned long long)place.record);
    return !missing;
}

bool verify_frontiers(struct verify *v, const struct covered *c, int fd, bool before)
{
    struct verify_finding place = verify_in_file(c->file, (int64_t)c->segment->part[SECTION_FRONTIERS].offset);
    struct tlog_frontier in;
    struct tlog_frontier out;
    struct tlog_hash want;
    struct tlog_hash got;
    struct str bytes;
    struct err err = {0};
    if (!verify_section(v, c, SECTION_FRONTIERS, fd, v->arena, &bytes))
        return false;
    if (segment_frontiers(bytes, &in, &out, &err) != RC_OK) {
        verify_tell(v, &place, "%s", err.text);
        return false;
    }
    if (before && (v->tree_broken || v->frontier.size != in.size)) {
        v->frontier = in; /* records before it could not be read */
        v->tree_broken = true;
        return true;
    }
    tlog_frontier_root(before ? &in : &out, v->hasher, &want);
    tlog_frontier_root(&v->frontier, v->hasher, &got);
    if (!tlog_hash_eq(&want, &got))
        verify_tell(v, &place, "the tree %s the segment is not that of the records", before ? "before" : "behind");
    return true;
}

static void check_segment(struct verify *v, struct covered *c, int fd)
{
    char header[SEGMENT_HEADER];
    struct tlog_hash digest;
    bool good = verify_frontiers(v, c, fd, true);
    if (file_read_at(v->io, fd, header, sizeof header, 0, NULL) == RC_OK) {
        tlog_hash_bytes(v->hasher, str_at(header, sizeof header), &digest);
        check_digest(v, c, SECTION_HEADER, &digest);
    }
    tlog_hash_begin(v->digest);
    for (uint32_t i = 0; i < c->segment->entry_count && !v->stopped; i++) {
        good = check_block(v, c, i, fd) && good;
        progress(v);
    }
    tlog_hash_end(v->digest, &digest);
    if (v->stopped)
        return;
    check_filter(v, c, fd);
    if (good) {
        check_digest(v, c, SECTION_BLOCKS, &digest);
        check_footer(v, c);
        good = fold_segment(v, c) && verify_frontiers(v, c, fd, false);
        check_edges(v, c, fd);
    }
    if (!good) {
        v->tree_broken = true;
        v->frontier.size = c->segment->end;
    }
}

static enum rc verify_segment(struct verify *v, uint64_t first)
{
    char file[48];
    char name[SEGMENT_NAME_MAX];
    struct segment *segment = NULL;
    struct err err = {0};
    segment_name(first, name);
    snprintf(file, sizeof file, NAME_SEG "/%s", name);
    struct verify_finding place = verify_in_file(file, -1);
    enum rc rc = segment_open(v->io, v->folders.seg, first, v->instance.uuid, &segment, &err);
    int fd = -1;
    rc = rc == RC_OK ? segment_fd(v->io, v->folders.seg, segment, &fd, &err) : rc;
    if (rc != RC_OK) {
        segment_free(segment);
        if (rc == RC_NOT_FOUND && verify_tombstone_there(v, first)) /* it went in between */
            return verify_tombstone(v, first);
        if (!verify_is_damage(rc))
            return err_set(v->err, rc, "%s", err.text);
        verify_tell(v, &place, "%s", err.text);
        v->tree_broken = true;
        return RC_OK;
    }
    uint64_t records = segment->end - segment->first;
    struct covered c = covered_of(file, segment);
    v->total = MAX(v->total, segment->end);
    c.leaves = memory_new((size_t)records * sizeof *c.leaves);
    c.seen = memory_new((size_t)records);
    if (c.leaves && c.seen) {
        check_segment(v, &c, fd);
        rc = verify_begun(v, segment);
        v->result->segments++;
        v->segment_first = first;
    } else {
        rc = err_set(v->err, RC_LIMIT, "no memory to check segment \"%s\"", name);
    }
    memory_free(c.leaves);
    memory_free(c.seen);
    segment_free(segment);
    IGNORE(v->io->close(v->io->self, fd)); /* only read */
    return rc;
}

/* No server makes it, and none opens a folder that has it. */
static void tell_overlap(struct verify *v, uint64_t first)
{
    char file[48];
    char name[SEGMENT_NAME_MAX];
    segment_name(first, name);
    snprintf(file, sizeof file, NAME_SEG "/%s", name);
    struct verify_finding place = verify_in_file(file, -1);
    place.record = first;
    v->overlap_first = first;
    verify_tell(v, &place, "it begins inside the segment that begins at record %llu",
                (unsigned long long)v->segment_first);
}

/* Checks segments from the frontier's size on; *ret_more when there was one. */
static enum rc verify_segments(struct verify *v, bool *ret_more)
{
    struct numbers names;
    struct numbers stones = {0};
    size_t k = 0;
    *ret_more = false;
    enum rc rc = numbers_list(v->io, v->folders.seg, segment_name_parse, &names, v->err);
    rc = rc == RC_OK ? numbers_list(v->io, v->folders.seg, tombstone_name_parse, &stones, v->err) : rc;
    if (rc == RC_OK && names.count)
        v->total = MAX(v->total, names.list[names.count - 1]);
    for (size_t i = 0; (i < names.count || k < stones.count) && rc == RC_OK && !v->stopped;) {
        struct verify_finding place = verify_in_file(NAME_SEG, -1);
        uint64_t segment = i < names.count ? names.list[i] : UINT64_MAX;
        uint64_t first = k < stones.count ? MIN(segment, stones.list[k]) : segment;
        i += segment == first;
        k += k < stones.count && stones.list[k] == first;
        if (segment == first && first > MAX(v->segment_first, v->overlap_first) && first < v->frontier.size)
            tell_overlap(v, first);
        if (first < v->frontier.size || (first == 0 && (v->result->records || v->gone_count)))
            continue;
        place.record = v->frontier.size;
        if (first > v->frontier.size && !v->tree_broken)
            verify_tell(v, &place, "records %llu to %llu are missing: a segment is not there",
                        (unsigned long long)v->frontier.size, (unsigned long long)first - 1);
        *ret_more = true;
        rc = segment == first ? verify_segment(v, first) : verify_tombstone(v, first);
    }
    numbers_done(&names);
    numbers_done(&stones);
    return rc;
}

/* ---- the log ---- */

/* The next records of a frame, hashed in one go; those before a bad one, too. */
static enum rc see_records(struct verify *v, struct reader *in, size_t count, struct err *err)
{
    UNINITIALISED struct tlog_leaf parts[SEEN_TOGETHER];
    UNINITIALISED struct tlog_hash hash[SEEN_TOGETHER];
    enum rc rc = RC_OK;
    size_t n = 0;
    ASSERT(count <= SEEN_TOGETHER);
    while (n < count && rc == RC_OK) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        uint64_t due = v->frontier.size + n;
        rc = record_read(in, v->hasher, &leaf, &bytes, &raw, err);
        if (rc == RC_OK && leaf.index != due)
            rc = err_set(err, RC_CORRUPT, "record %llu stands where %llu is due", (unsigned long long)leaf.index,
                         (unsigned long long)due);
        if (rc != RC_OK)
            break;
        see_record(v, NAME_WAL, &leaf, raw);
        parts[n++] = (struct tlog_leaf){STR_NONE, bytes};
    }
    tlog_hash_leaves(v->hasher, parts, n, hash);
    for (size_t i = 0; i < n;)
        i += verify_grow(v, hash + i, n - i);
    return rc;
}

static enum rc see_frame(void *context, const struct wal_frame *frame, struct err *err)
{
    struct verify *v = context;
    struct reader in = reader_of(frame->payload);
    for (uint32_t i = 0; i < frame->count; i += SEEN_TOGETHER) {
        enum rc rc = see_records(v, &in, MIN(frame->count - i, (uint32_t)SEEN_TOGETHER), err);
        if (rc != RC_OK)
            return rc;
    }
    progress(v);
    if (v->stopped)
        return RC_AGAIN;
    return reader_done(&in) ? RC_OK : err_set(err, RC_CORRUPT, "a frame has bytes behind its records");
}

static enum rc log_open(struct verify *v, uint64_t known_size, bool see, struct wal **ret_wal, struct err *err)
{
    struct wal_options options = {.first = v->frontier.size,
                                  .known_size = known_size,
                                  .each = see ? see_frame : NULL,
                                  .context = v,
                                  .read_only = true,
                                  .vault = v->options->vault};
    memcpy(options.uuid, v->instance.uuid, sizeof options.uuid);
    return wal_open(v->io, v->folders.wal, &options, ret_wal, err);
}

/* The log could not be read up to the newest checkpoint. Whether all of it that is there is whole: then it ends too
 * early, and not for damage. */
static bool log_ends_early(struct verify *v)
{
    struct wal *wal = NULL;
    if (v->tree_broken || log_open(v, 0, false, &wal, NULL) != RC_OK)
        return false;
    struct wal_recovered found = wal_recovered(wal);
    wal_close(wal);
    return found.end == v->frontier.size && found.torn_bytes == 0;
}

static enum rc verify_log(struct verify *v, bool *ret_again)
{
    struct wal *wal = NULL;
    struct err err = {0};
    struct verify_finding place = verify_in_file(NAME_WAL, -1);
    uint64_t first = v->frontier.size;
    enum rc rc = log_open(v, v->tree_broken ? 0 : v->result->checkpoint_size, true, &wal, &err);
    if (rc == RC_OK) {
        v->result->log_files = wal_file_count(wal);
        uint64_t torn = wal_recovered(wal).torn_bytes;
        place.warning = true;
        if (torn)
            verify_tell(v, &place, "%llu bytes behind the last whole frame: being written, or torn by a crash",
                        (unsigned long long)torn);
        wal_close(wal);
        return RC_OK;
    }
    if (v->stopped)
        return RC_OK;
    if (!verify_is_damage(rc))
        return err_set(v->err, rc, "%s", err.text);
    bool more = false;
    if (v->frontier.size == first) { /* a server may have sealed and removed what we were about to read */
        rc = verify_segments(v, &more);
        *ret_again = more;
        if (more || rc != RC_OK)
            return rc;
    }
    place.offset = err.offset ? (int64_t)err.offset : -1;
    place.short_end = log_ends_early(v);
    verify_tell(v, &place, "%s", err.text);
    return RC_OK;
}

/* ---- all ---- */

static void finish(struct verify *v)
{
    struct verify_result *r = v->result;
    r->size = v->frontier.size;
    struct tlog_hash root;
    tlog_frontier_root(&v->frontier, v->hasher, &root);
    memcpy(r->root, root.bytes, sizeof r->root);
    for (; v->known_next < v->known_count; v->known_next++) {
        char file[80];
        const struct known *known = &v->known[v->known_next];
        snprintf(file, sizeof file, NAME_CHECKPOINTS "/%s", known->name);
        struct verify_finding place = verify_in_file(file, -1);
        place.short_end = true;
        verify_tell(v, &place, "the checkpoint names %llu records, the archive has %llu",
                    (unsigned long long)known->size, (unsigned long long)r->size);
    }
}

static enum rc allocate(struct verify *v)
{
    v->hasher = tlog_hasher_new();
    v->digest = tlog_hasher_new();
    v->sources = sources_new(0x0ddba11c0ffee123u);
    v->arena = block_arena_new(DECODE_ARENA);
    tlog_frontier_init(&v->frontier);
    v->gone_next = UINT64_MAX;
    v->scratch = arena_new(SCRATCH_ARENA);
    v->origins = map_new(ORIGINS_MAX, 1);
    return v->hasher && v->digest && v->sources && v->arena && v->scratch && v->origins
               ? RC_OK
               : err_set(v->err, RC_LIMIT, "no memory to check the archive");
}

static void verify_done(struct verify *v)
{
    sealed_io_free(v->sealed);
    tlog_hasher_free(v->hasher);
    tlog_hasher_free(v->digest);
    sources_free(v->sources);
    arena_free(v->arena);
    arena_free(v->scratch);
    map_free(v->origins);
    memory_free(v->known);
    memory_free(v->foreign);
    for (size_t i = 0; i < v->gone_count; i++)
        segment_free(v->gone[i].segment);
    memory_free(v->gone);
    numbers_done(&v->paths);
    memory_free(v);
}

static enum rc verify_all(struct verify *v, int folder)
{
    struct err err = {0};
    struct verify_finding place = verify_in_file(NAME_INSTANCE, -1);
    enum rc rc = allocate(v);
    if (rc != RC_OK)
        return rc;
    rc = instance_load(v->io, folder, &v->instance, &err);
    if (rc == RC_CORRUPT) {
        verify_tell(v, &place, "%s", err.text);
        return RC_OK;
    }
    if (rc == RC_NOT_FOUND)
        return err_set(v->err, rc, "there is no archive in this folder");
    if (rc != RC_OK)
        return err_set(v->err, rc, "%s", err.text);
    rc = folders_open(v->io, folder, false, &v->folders, v->err);
    if (rc == RC_OK)
        rc = sealed_io_new(v->io, v->folders.seg, v->options->vault, v->instance.uuid, &v->sealed, v->err);
    if (rc == RC_OK)
        v->io = sealed_io_table(v->sealed);
    rc = rc == RC_OK ? load_checkpoints(v) : rc;
    bool again = false;
    rc = rc == RC_OK ? verify_segments(v, &again) : rc;
    again = true;
    for (int i = 0; i < SEGMENT_TRIES && again && rc == RC_OK && !v->stopped; i++) {
        again = false;
        rc = verify_log(v, &again);
    }
    if (rc == RC_OK && !v->stopped) {
        check_foreign(v);
        verify_vouched(v);
        finish(v);
    }
    return rc;
}

enum rc archive_verify(const struct io *io, int folder, const struct verify_options *options,
                       struct verify_result *ret_result, struct err *err)
{
    struct verify *v = memory_new(sizeof *v);
    memset(ret_result, 0, sizeof *ret_result);
    if (!v)
        return err_set(err, RC_LIMIT, "no memory to check the archive");
    v->io = io;
    v->options = options;
    v->result = ret_result;
    v->err = err;
    v->folders = (struct folders){-1, -1, -1};
    enum rc rc = verify_all(v, folder);
    bool stopped = v->stopped;
    folders_close(io, &v->folders);
    verify_done(v);
    if (rc == RC_OK && stopped)
        return err_set(err, RC_AGAIN, "the check was stopped");
    if (rc == RC_OK && ret_result->findings)
        return err_set(err, RC_CORRUPT, "the archive has %llu faults", (unsigned long long)ret_result->findings);
    return rc;
}

/* ---- one file alone ---- */

struct alone {
    struct err fault; /* the first one */
    struct verify_result result;
    struct verify_options options;
    struct segment_id id;
};

static void keep_fault(void *context, const struct verify_finding *finding)
{
    struct err *err = context;
    if (!finding->warning && err->code == RC_OK)
        IGNORE(err_set(err, RC_CORRUPT, "%s", finding->text)); /* becomes the error when all was looked at */
}

static enum rc alone_begin(struct alone *alone, const char *name, const struct tlog_frontier *before,
                           struct verify **ret_verify, struct err *err)
{
    struct verify *v = memory_new(sizeof *v);
    *ret_verify = v;
    if (!v)
        return err_set(err, RC_LIMIT, "no memory to check \"%s\"", name);
    alone->options = (struct verify_options){.finding = keep_fault, .context = &alone->fault};
    *v = (struct verify){.options = &alone->options, .result = &alone->result, .err = err};
    bool fits = str_copy_z(str_of(name), alone->id.name, sizeof alone->id.name);
    ASSERT(fits);
    enum rc rc = allocate(v);
    v->frontier = *before;
    return rc;
}

/* ---- one segment ---- */

static enum rc check_alone(struct verify *v, const struct verify_segment *which, struct segment *segment,
                           const struct verify_finding *place)
{
    struct covered c = covered_of(which->name, segment);
    uint64_t records = segment->end - segment->first;
    if (segment->first != v->frontier.size) {
        verify_tell(v, place, "it does not begin where the tree ends");
        return RC_OK;
    }
    int fd = v->io->open(v->io->self, which->folder, which->name, IO_READ);
    if (fd < 0)
        return err_errno(v->err, -fd, "could not open segment \"%s\"", which->name);
    c.leaves = memory_new((size_t)records * sizeof *c.leaves);
    c.seen = memory_new((size_t)records);
    enum rc rc = c.leaves && c.seen ? RC_OK : err_set(v->err, RC_LIMIT, "no memory to check \"%s\"", which->name);
    if (rc == RC_OK)
        check_segment(v, &c, fd);
    memory_free(c.leaves);
    memory_free(c.seen);
    IGNORE(v->io->close(v->io->self, fd)); /* only read */
    return rc;
}

enum rc archive_verify_segment(const struct verify_segment *which, const struct tlog_frontier *before,
                               struct tlog_frontier *ret_after, struct err *err)
{
    struct alone alone = {.id = {.uuid = which->uuid, .first = which->first}};
    struct segment *segment = NULL;
    struct verify *v;
    struct verify_finding place = verify_in_file(which->name, -1);
    enum rc rc = alone_begin(&alone, which->name, before, &v, err);
    if (!v)
        return rc;
    v->io = which->io;
    rc = rc == RC_OK ? segment_open_named(which->io, which->folder, &alone.id, &segment, err) : rc;
    rc = rc == RC_OK ? check_alone(v, which, segment, &place) : rc;
    if (rc == RC_OK && alone.fault.code != RC_OK)
        rc = err_set(err, RC_CORRUPT, "segment \"%s\": %s", which->name, alone.fault.text);
    ASSERT(rc != RC_OK || v->frontier.size == segment->end);
    *ret_after = v->frontier;
    if (rc == RC_OK && which->ret_found)
        *which->ret_found = (struct verify_segment_found){.received_max_ns = segment->received_max_ns,
                                                          .incident = map_count(v->origins) > 0};
    segment_free(segment);
    verify_done(v);
    return rc;
}

/* ---- one tombstone ---- */

static enum rc stone_fold(struct verify *v, const struct verify_tombstone *which, struct segment *segment,
                          struct verify_tombstone_found *found)
{
    char footer[SEGMENT_FOOTER];
    struct covered c = {.file = which->name, .segment = segment};
    int fd = v->io->open(v->io->self, which->folder, which->name, IO_READ);
    if (fd < 0)
        return err_errno(v->err, -fd, "could not open tombstone \"%s\"", which->name);
    enum rc rc =
        file_read_at(v->io, fd, footer, sizeof footer, (int64_t)segment->bytes_stored - SEGMENT_FOOTER, v->err);
    if (rc == RC_OK) {
        tlog_hash_bytes(v->digest, str_at(footer, sizeof footer), &found->footer);
        verify_tombstone_fold(v, &c, fd);
        found->after = v->frontier;
    }
    IGNORE(v->io->close(v->io->self, fd)); /* only read */
    return rc;
}

static enum rc stone_vouched(struct verify *v, const struct verify_tombstone *which, const struct segment *segment,
                             struct verify_tombstone_found *found)
{
    struct reader in = reader_of(which->record);
    struct leaf leaf;
    struct str bytes;
    struct str raw;
    enum rc rc = record_read(&in, v->hasher, &leaf, &bytes, &raw, v->err);
    if (rc != RC_OK)
        return rc;
    const char *why = "it is another record";
    if (leaf.index == segment->record && reader_done(&in))
        why = verify_voucher(&leaf, raw, segment, &found->footer);
    if (why)
        return err_set(v->err, RC_CORRUPT, "record %llu does not vouch for the deletion of records %llu to %llu: %s",
                       (unsigned long long)segment->record, (unsigned long long)segment->first,
                       (unsigned long long)segment->end - 1, why);
    tlog_hash_leaf(v->hasher, STR_NONE, bytes, &found->leaf);
    found->record = leaf.index;
    return RC_OK;
}

enum rc archive_verify_tombstone(const struct verify_tombstone *which, const struct tlog_frontier *before,
                                 struct verify_tombstone_found *ret_found, struct err *err)
{
    struct alone alone = {.id = {.uuid = which->uuid, .first = which->first}};
    struct segment *segment = NULL;
    struct verify *v;
    enum rc rc = alone_begin(&alone, which->name, before, &v, err);
    if (!v)
        return rc;
    v->io = which->io;
    rc = rc == RC_OK ? tombstone_open_named(which->io, which->folder, &alone.id, &segment, err) : rc;
    if (rc == RC_OK && segment->first != before->size)
        rc = err_set(err, RC_CORRUPT, "tombstone \"%s\" does not begin where the tree ends", which->name);
    rc = rc == RC_OK ? stone_fold(v, which, segment, ret_found) : rc;
    if (rc == RC_OK && alone.fault.code != RC_OK)
        rc = err_set(err, RC_CORRUPT, "tombstone \"%s\": %s", which->name, alone.fault.text);
    ASSERT(rc != RC_OK || v->frontier.size == segment->end);
    rc = rc == RC_OK ? stone_vouched(v, which, segment, ret_found) : rc;
    segment_free(segment);
    verify_done(v);
    return rc;
}
