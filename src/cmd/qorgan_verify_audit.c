#include "cmd/qorgan_verify_audit.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "cmd/qorgan_verify_sealed.h"
#include "os/file.h"
#include "os/random.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSTANCE_MAX    4096
#define SOURCES_MAX     (1u << 20)
#define PATH_ARENA      ((size_t)64 << 10)
#define STAMP_CA_MAX    ((size_t)1 << 20)
#define SCRATCH_MAX     ((size_t)512 << 20)
#define PROGRESS_EVERY  (UINT64_C(1) << 18)
#define CHECKPOINTS_MAX (UINT64_C(1) << 23)

enum rc audit_damage(struct audit *audit, const char *file, int64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(audit->text, sizeof(audit->text), format, args);
    va_end(args);
    snprintf(audit->file, sizeof(audit->file), "%s", file);
    audit->offset = offset;
    audit->damaged = true;
    return RC_CORRUPT;
}

void audit_warn(struct audit *audit, const char *format, ...)
{
    if (audit->warning_count++ >= AUDIT_WARNINGS_MAX)
        return;
    va_list args;
    va_start(args, format);
    struct audit_warning *warning = &audit->warning[audit->warning_count - 1];
    vsnprintf(warning->text, sizeof(warning->text), format, args);
    va_end(args);
}

/* ---- names ---- */

struct listing {
    struct audit *audit;
    const char *suffix;
    uint64_t *numbers;
    size_t count;
    size_t room;
    bool failed;
};

static bool name_number(struct str name, const char *suffix, uint64_t *ret_number)
{
    struct str digits = str_slice(name, 0, 16);
    for (size_t i = 0; i < digits.n; i++) {
        if (!char_is_digit(digits.p[i]) && (digits.p[i] < 'a' || digits.p[i] > 'f'))
            return false;
    }
    return digits.n == 16 && str_is(str_skip(name, 16), suffix) && str_hex_to_u64(digits, ret_number);
}

static bool list_one(void *context, const char *name)
{
    struct listing *l = context;
    uint64_t number = 0;
    if (!name_number(str_of(name), l->suffix, &number))
        return true;
    if (l->count == l->room) {
        size_t room = l->room * 2 + 64;
        uint64_t *numbers = room > CHECKPOINTS_MAX ? NULL : memory_resize(l->numbers, room * sizeof(*numbers));
        if (numbers == NULL) {
            l->failed = true;
            return false;
        }
        l->numbers = numbers;
        l->room = room;
    }
    l->numbers[l->count++] = number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

enum rc audit_list(struct audit *audit, int folder, const char *suffix, uint64_t **ret_numbers, size_t *ret_count,
                   struct err *err)
{
    struct listing l = {.audit = audit, .suffix = suffix};
    int result = io_kernel.list(io_kernel.self, folder, list_one, &l);
    enum rc rc = RC_OK;
    *ret_count = l.count;
    *ret_numbers = arena_alloc_array(audit->arena, l.count, sizeof(**ret_numbers));
    if (result < 0)
        rc = err_errno(err, -result, "could not list a folder of the archive");
    else if (l.failed || *ret_numbers == NULL)
        rc = err_set(err, RC_LIMIT, "out of memory");
    if (rc == RC_OK && l.count > 0) {
        qsort(l.numbers, l.count, sizeof(*l.numbers), compare_numbers);
        memcpy(*ret_numbers, l.numbers, l.count * sizeof(*l.numbers));
    }
    memory_free(l.numbers);
    return rc;
}

/* ---- checkpoints ---- */

static enum rc load_instance(struct audit *audit, struct err *err)
{
    struct str text;
    enum rc rc = file_load(&io_kernel, audit->folder, "instance", INSTANCE_MAX, audit->arena, &text, err);
    if (rc != RC_OK)
        return rc;
    struct str head = str_cut(&text, '\n');
    struct str uuid = str_cut(&text, '\n');
    struct str origin = str_cut(&text, '\n');
    if (!str_is(head, "qorgan archive 1") || !str_starts(uuid, STR("uuid ")) || !str_starts(origin, STR("origin ")) ||
        !hex_decode(str_skip(uuid, 5), audit->uuid, sizeof(audit->uuid)) ||
        !str_copy_z(str_skip(origin, 7), audit->origin, sizeof(audit->origin)) || text.n != 0)
        return audit_damage(audit, "instance", 0, "the file that names the archive is damaged");
    for (size_t i = 0; i < audit->policy->log_count; i++) {
        if (str_is(str_of(audit->origin), audit->policy->log[i].name))
            return RC_OK;
    }
    return audit_damage(audit, "instance", -1, "the archive's origin is \"%s\"; the key that was given is of \"%s\"",
                        audit->origin, audit->policy->log[0].name);
}

static bool origin_is_known(const struct audit *audit, struct str origin)
{
    for (size_t i = 0; i < audit->policy->log_count; i++) {
        if (str_is(origin, audit->policy->log[i].name))
            return true;
    }
    return false;
}

static enum rc add_origin(struct audit *audit, struct str origin, const char *file)
{
    for (size_t i = 0; i < audit->origin_count; i++) {
        if (str_is(origin, audit->other_origin[i].name))
            return RC_OK;
    }
    struct audit_origin *other = &audit->other_origin[audit->origin_count];
    if (audit->origin_count == AUDIT_ORIGINS_MAX || !str_copy_z(origin, other->name, sizeof(other->name)))
        return audit_damage(audit, file, 0, "the checkpoint is of none of the keys");
    snprintf(other->file, sizeof(other->file), "%s", file);
    audit->origin_count++;
    return RC_OK;
}

void audit_raw(struct audit *audit, const struct leaf *leaf, struct str raw)
{
    static const uint8_t archive_itself[16] = {0};
    audit_vouch(audit, leaf, raw);
    if (leaf->type != LEAF_LIFECYCLE || memcmp(leaf->source, archive_itself, 16) != 0)
        return;
    for (size_t i = 0; i < audit->origin_count; i++) {
        char text[NOTE_NAME_MAX + 32];
        snprintf(text, sizeof(text), "\"old_origin\":\"%s\"", audit->other_origin[i].name);
        if (str_search(raw, str_of(text)) < raw.n && str_search(raw, STR("\"event\":\"incident\"")) < raw.n)
            audit->other_origin[i].explained = true;
    }
}

/* A checkpoint that no key is of is not simply passed over: whoever cannot sign could otherwise rename it away. */
static enum rc check_origins(struct audit *audit)
{
    for (size_t i = 0; i < audit->origin_count; i++) {
        const struct audit_origin *other = &audit->other_origin[i];
        if (!other->explained)
            return audit_damage(
                audit, other->file, 0,
                "the checkpoint is of \"%s\", none of the keys, and no incident in the archive says why", other->name);
        audit_warn(audit, "checkpoints of \"%s\", which an incident ended, were not checked: give its key in a policy",
                   other->name);
    }
    return RC_OK;
}

/* Verifies the signature; of the cosigned one the whole policy. */
static enum rc add_checkpoint(struct audit *audit, int folder, const char *name,
                              struct audit_checkpoint *ret_checkpoint, bool *ret_added, struct err *err)
{
    bool whole = strcmp(name, "cosigned") == 0;
    struct str bytes;
    char file[AUDIT_FILE_MAX];
    static struct note note;
    struct checkpoint checkpoint;
    struct policy_result result;
    struct err inner;
    *ret_added = false;
    snprintf(file, sizeof(file), "checkpoints/%s", name);
    arena_reset(audit->scratch);
    enum rc rc = file_load(&io_kernel, folder, name, NOTE_SIZE_MAX, audit->scratch, &bytes, err);
    if (rc == RC_LIMIT)
        return audit_damage(audit, file, -1, "the file is too large for a checkpoint");
    if (rc != RC_OK)
        return rc;
    rc = note_parse(bytes, &note, &inner);
    rc = rc == RC_OK ? checkpoint_parse(note.text, &checkpoint, &inner) : rc;
    if (rc != RC_OK)
        return audit_damage(audit, file, -1, "%s", inner.text);
    if (!origin_is_known(audit, checkpoint.origin))
        return add_origin(audit, checkpoint.origin, file);
    if (policy_check(whole ? audit->policy : audit->logs_only, &note, &checkpoint, &result, &inner) != RC_OK)
        return audit_damage(audit, file, -1, "%s", inner.text);
    ret_checkpoint->head = checkpoint.head;
    *ret_added = true;
    return RC_OK;
}

static int compare_checkpoints(const void *a, const void *b)
{
    uint64_t x = ((const struct audit_checkpoint *)a)->head.size;
    uint64_t y = ((const struct audit_checkpoint *)b)->head.size;
    return x < y ? -1 : x > y;
}

static enum rc load_retained(struct audit *audit, int folder, const uint64_t *numbers, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        char name[32];
        bool added = false;
        struct audit_checkpoint *next = &audit->checkpoint[audit->checkpoint_count];
        snprintf(name, sizeof(name), "%016" PRIx64, numbers[i]);
        enum rc rc = add_checkpoint(audit, folder, name, next, &added, err);
        if (rc != RC_OK)
            return rc;
        if (added && next->head.size != numbers[i]) {
            char file[AUDIT_FILE_MAX];
            snprintf(file, sizeof(file), "checkpoints/%s", name);
            return audit_damage(audit, file, -1, "the checkpoint is of %" PRIu64 " records", next->head.size);
        }
        audit->checkpoint_count += added;
    }
    return RC_OK;
}

/* The newest with the quorum. Who asks for a quorum is not content with an archive that has none. */
static enum rc load_cosigned(struct audit *audit, int folder, struct err *err)
{
    bool added = false;
    struct audit_checkpoint *next = &audit->checkpoint[audit->checkpoint_count];
    enum rc rc = add_checkpoint(audit, folder, "cosigned", next, &added, err);
    bool missing = rc == RC_NOT_FOUND || (rc == RC_OK && !added);
    if (missing && !audit->policy->no_quorum)
        return audit_damage(audit, "checkpoints/cosigned", -1, "no checkpoint reaches the policy's quorum");
    audit->cosigned_size = added ? next->head.size : 0;
    audit->checkpoint_count += added;
    return missing ? RC_OK : rc;
}

static enum rc load_checkpoints(struct audit *audit, struct err *err)
{
    int folder = -1;
    uint64_t *numbers = NULL;
    size_t count = 0;
    bool added = false;
    enum rc rc = folder_open(&io_kernel, audit->folder, "checkpoints", false, &folder, err);
    rc = rc == RC_OK ? audit_list(audit, folder, "", &numbers, &count, err) : rc;
    if (rc == RC_OK) {
        audit->checkpoint = arena_alloc_array(audit->arena, count + 2, sizeof(*audit->checkpoint));
        rc = audit->checkpoint == NULL ? err_set(err, RC_LIMIT, "out of memory") : RC_OK;
    }
    rc = rc == RC_OK ? load_retained(audit, folder, numbers, count, err) : rc;
    if (rc == RC_OK) {
        struct audit_checkpoint *next = &audit->checkpoint[audit->checkpoint_count];
        rc = add_checkpoint(audit, folder, "latest", next, &added, err);
        if (rc == RC_NOT_FOUND || (rc == RC_OK && !added))
            rc = audit_damage(audit, "checkpoints/latest", -1, "there is no checkpoint signed with the key");
        next->latest = true;
        audit->latest_size = next->head.size;
        audit->checkpoint_count += rc == RC_OK;
    }
    rc = rc == RC_OK ? load_cosigned(audit, folder, err) : rc;
    rc = rc == RC_OK ? audit_stamps(audit, folder, err) : rc;
    if (folder >= 0)
        IGNORE(io_kernel.close(io_kernel.self, folder)); /* only read */
    if (rc == RC_OK)
        qsort(audit->checkpoint, audit->checkpoint_count, sizeof(*audit->checkpoint), compare_checkpoints);
    return rc;
}

/* ---- the tree ---- */

static enum rc check_roots(struct audit *audit)
{
    for (; audit->checkpoint_next < audit->checkpoint_count; audit->checkpoint_next++) {
        const struct audit_checkpoint *checkpoint = &audit->checkpoint[audit->checkpoint_next];
        struct tlog_hash root;
        char file[AUDIT_FILE_MAX];
        if (checkpoint->head.size != audit->frontier.size)
            return RC_OK;
        tlog_frontier_root(&audit->frontier, audit->hasher, &root);
        if (tlog_hash_eq(&root, &checkpoint->head.root))
            continue;
        snprintf(file, sizeof(file), "checkpoints/%016" PRIx64, checkpoint->head.size);
        return audit_damage(audit, checkpoint->latest ? "checkpoints/latest" : file, -1,
                            "the first %" PRIu64 " records do not give the signed root", checkpoint->head.size);
    }
    return RC_OK;
}

static enum rc group_hash(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *err)
{
    const struct audit *audit = context;
    (void)err;
    tlog_group_node(audit->hasher, audit->group, TLOG_GROUP, height, index, ret_hash);
    return RC_OK;
}

/* The stored path of a checkpoint inside its group, which keeps it provable when the group's records are gone. It is
 * written when the group is complete, so it may not be there yet. */
static enum rc check_path(struct audit *audit, int folder, uint64_t size)
{
    char name[32];
    char file[AUDIT_FILE_MAX];
    struct str bytes;
    struct tlog_path path;
    struct tlog_source source = {audit, group_hash};
    snprintf(name, sizeof(name), "%016" PRIx64 ".path", size);
    snprintf(file, sizeof(file), "checkpoints/%s", name);
    /* Not the scratch arena: who gives the records holds what it reads of its file there. */
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(PATH_ARENA);
    if (arena == NULL)
        return RC_LIMIT;
    enum rc rc = file_load(&io_kernel, folder, name, TLOG_HEIGHT_MAX * TLOG_HASH_SIZE, arena, &bytes, NULL);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc == RC_OK)
        rc = tlog_consistency(audit->hasher, &source, size % TLOG_GROUP, TLOG_GROUP, &path, NULL);
    if (rc != RC_OK || !str_eq(bytes, str_at(path.hash, path.count * TLOG_HASH_SIZE)))
        return audit_damage(audit, file, 0, "the stored path is not the one that the records give");
    return RC_OK;
}

static enum rc check_paths(struct audit *audit)
{
    size_t from = audit->checkpoint_next;
    while (from > 0 && audit->checkpoint[from - 1].head.size > audit->frontier.size - TLOG_GROUP)
        from--;
    if (from == audit->checkpoint_next)
        return RC_OK;
    int folder = -1;
    enum rc rc = folder_open(&io_kernel, audit->folder, "checkpoints", false, &folder, NULL);
    for (size_t i = from; i < audit->checkpoint_next && rc == RC_OK; i++) {
        if (!audit->checkpoint[i].latest && audit->checkpoint[i].head.size % TLOG_GROUP != 0)
            rc = check_path(audit, folder, audit->checkpoint[i].head.size);
    }
    if (folder >= 0)
        IGNORE(io_kernel.close(io_kernel.self, folder)); /* only read */
    return rc;
}

static enum rc check_sequence(struct audit *audit, const struct leaf *leaf, const char *file, int64_t offset)
{
    char key[24];
    memcpy(key, leaf->source, 16);
    put_be64(key + 16, leaf->epoch);
    uint64_t *highest = map_get(audit->highest, str_at(key, sizeof(key)));
    if (highest != NULL && leaf->sequence <= *highest)
        return audit_damage(audit, file, offset,
                            "record %" PRIu64 " has sequence %" PRIu64 " of its source again or out of order",
                            leaf->index, leaf->sequence);
    if (highest == NULL)
        highest = map_put(audit->highest, str_at(key, sizeof(key)));
    if (highest == NULL) {
        audit_warn(audit, "more than %u sources: sequences of the others are not checked", SOURCES_MAX);
        return RC_OK;
    }
    *highest = leaf->sequence;
    return RC_OK;
}

enum rc audit_record(struct audit *audit, const struct leaf *leaf, const struct tlog_hash *hash, const char *file,
                     int64_t offset)
{
    ASSERT(leaf->index == audit->frontier.size);
    enum rc rc = check_sequence(audit, leaf, file, offset);
    if (rc != RC_OK)
        return rc;
    if (audit->watch != NULL)
        audit->watch(audit->watch_context, leaf);
    audit->group[leaf->index % TLOG_GROUP] = *hash;
    (void)tlog_frontier_append_leaves(&audit->frontier, audit->hasher, hash, 1, &audit->group_hash);
    if (audit->frontier.size % PROGRESS_EVERY == 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%" PRIu64, audit->frontier.size);
    rc = check_roots(audit);
    return rc == RC_OK && audit->frontier.size % TLOG_GROUP == 0 ? check_paths(audit) : rc;
}

enum rc audit_leaf(struct audit *audit, const struct tlog_hash *hash)
{
    audit->group[audit->frontier.size % TLOG_GROUP] = *hash;
    (void)tlog_frontier_append_leaves(&audit->frontier, audit->hasher, hash, 1, &audit->group_hash);
    enum rc rc = check_roots(audit);
    return rc == RC_OK && audit->frontier.size % TLOG_GROUP == 0 ? check_paths(audit) : rc;
}

/* Of the first `size` leaves of a group: their root, from the path to the group's end. Going down to where they end,
 * each turn leaves a sibling in the path; the deepest hash is their last complete subtree, which is left out when all
 * turns were to the left. */
static bool path_root(struct audit *audit, uint64_t size, const struct tlog_path *path, const struct tlog_hash *group,
                      struct tlog_hash *ret_root)
{
    bool right[TLOG_GROUP_HEIGHT];
    size_t turns = 0;
    bool any = false;
    for (uint64_t n = TLOG_GROUP; size != n; turns++) {
        n /= 2;
        right[turns] = size > n;
        any = any || right[turns];
        size -= right[turns] ? n : 0;
    }
    if (!any || path->count != turns + 1)
        return false;
    struct tlog_hash whole = path->hash[0];
    *ret_root = whole;
    for (size_t i = 0; i < turns; i++) {
        const struct tlog_hash *sibling = &path->hash[i + 1];
        if (right[turns - 1 - i]) {
            tlog_hash_node(audit->hasher, sibling, ret_root, ret_root);
            tlog_hash_node(audit->hasher, sibling, &whole, &whole);
        } else {
            tlog_hash_node(audit->hasher, &whole, sibling, &whole);
        }
    }
    return tlog_hash_eq(&whole, group);
}

/* A checkpoint inside a group of which only the hash is left. */
static enum rc check_inside(struct audit *audit, int folder, const struct audit_checkpoint *checkpoint,
                            const struct tlog_hash *group)
{
    uint64_t inside = checkpoint->head.size % TLOG_GROUP;
    char file[AUDIT_FILE_MAX];
    struct tlog_path path;
    struct tlog_hash root;
    struct str bytes;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(PATH_ARENA);
    if (arena == NULL)
        return RC_LIMIT;
    snprintf(file, sizeof(file), "checkpoints/%016" PRIx64 ".path", checkpoint->head.size);
    enum rc rc = file_load(&io_kernel, folder, file + strlen("checkpoints/"), TLOG_HEIGHT_MAX * TLOG_HASH_SIZE, arena,
                           &bytes, NULL);
    if (rc == RC_NOT_FOUND || (rc == RC_OK && (inside & (inside - 1)) == 0)) {
        audit->blind++;
        return RC_OK;
    }
    if (rc != RC_OK || bytes.n % TLOG_HASH_SIZE)
        return audit_damage(audit, file, 0, "the stored path cannot be read");
    path.count = bytes.n / TLOG_HASH_SIZE;
    memcpy(path.hash, bytes.p, bytes.n);
    bool good = path_root(audit, inside, &path, group, &root);
    for (unsigned height = TLOG_GROUP_HEIGHT; good && height < TLOG_HEIGHT_MAX; height++) {
        if ((audit->frontier.size >> height) & 1)
            tlog_hash_node(audit->hasher, &audit->frontier.node[height], &root, &root);
    }
    return good && tlog_hash_eq(&root, &checkpoint->head.root)
               ? RC_OK
               : audit_damage(audit, file, -1,
                              "with the hash of the deleted records this path does not give the signed root of %" PRIu64
                              " records",
                              checkpoint->head.size);
}

enum rc audit_group(struct audit *audit, const struct tlog_hash *hash)
{
    int folder = -1;
    enum rc rc = folder_open(&io_kernel, audit->folder, "checkpoints", false, &folder, NULL);
    for (; audit->checkpoint_next < audit->checkpoint_count && rc == RC_OK; audit->checkpoint_next++) {
        const struct audit_checkpoint *checkpoint = &audit->checkpoint[audit->checkpoint_next];
        if (checkpoint->head.size >= audit->frontier.size + TLOG_GROUP)
            break;
        rc = check_inside(audit, folder, checkpoint, hash);
    }
    if (folder >= 0)
        IGNORE(io_kernel.close(io_kernel.self, folder)); /* only read */
    if (rc != RC_OK)
        return rc;
    tlog_frontier_append_node(&audit->frontier, audit->hasher, TLOG_GROUP_HEIGHT, hash);
    return check_roots(audit);
}

enum rc audit_check(struct audit *audit, const char *data, struct err *err)
{
    audit->folder = io_open_folder(data);
    if (audit->folder < 0)
        return err_errno(err, -audit->folder, "could not open folder \"%s\"", data);
    enum rc rc = load_instance(audit, err);
    rc = rc == RC_OK ? load_checkpoints(audit, err) : rc;
    rc = rc == RC_OK ? check_roots(audit) : rc; /* of the empty tree */
    rc = rc == RC_OK ? audit_segments(audit, err) : rc;
    rc = rc == RC_OK ? audit_log(audit, err) : rc;
    IGNORE(io_kernel.close(io_kernel.self, audit->folder)); /* only read */
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%20s\r", "");
    bool torn = audit->torn_file[0] != '\0'; /* then the missing end was there */
    if (rc == RC_OK && audit->checkpoint_next < audit->checkpoint_count)
        return audit_damage(audit, torn ? audit->torn_file : "checkpoints/latest", torn ? audit->torn_offset : -1,
                            "%" PRIu64 " records were signed, the archive has %" PRIu64 ": the end is missing",
                            audit->checkpoint[audit->checkpoint_next].head.size, audit->frontier.size);
    rc = rc == RC_OK ? audit_vouched(audit) : rc;
    return rc == RC_OK ? check_origins(audit) : rc;
}

/* ---- the result ---- */

static void print_damage(const struct audit *audit, enum language language)
{
    struct buf out CLEANUP(buf_done);
    char place[32];
    buf_init(&out, 1 << 14);
    text_fill(&out, language, TEXT_AUDIT_BAD, audit->text, "");
    buf_char(&out, '\n');
    snprintf(place, sizeof(place), "%" PRId64, audit->offset);
    text_fill(&out, language, audit->offset < 0 ? TEXT_AUDIT_FILE : TEXT_AUDIT_PLACE, audit->file, place);
    puts(buf_z(&out));
}

static void print_number(enum language language, enum text label, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    print_row(language, label, text);
}

static void print_whole(const struct audit *audit, enum language language)
{
    char root[45] = "";
    struct tlog_hash hash;
    tlog_frontier_root(&audit->frontier, audit->hasher, &hash);
    base64_encode(hash.bytes, TLOG_HASH_SIZE, root);
    printf("%s\n\n", text_of(language, TEXT_AUDIT_GOOD));
    print_paper_row(language, PAPER_LOG, audit->origin);
    print_number(language, TEXT_AUDIT_RECORDS, audit->frontier.size);
    print_number(language, TEXT_AUDIT_COVERED, audit->latest_size);
    print_number(language, TEXT_AUDIT_UNCOVERED, audit->frontier.size - audit->latest_size);
    if (audit->cosigned_size)
        print_number(language, TEXT_AUDIT_COSIGNED, audit->cosigned_size);
    if (audit->stamps) {
        char time[CIVIL_TEXT_MAX];
        civil_format(audit->stamped_s * SECOND_NS, 0, 0, time);
        print_row(language, TEXT_STAMPED, time);
    }
    print_number(language, TEXT_AUDIT_CHECKPOINTS, audit->checkpoint_count);
    print_number(language, TEXT_AUDIT_SEGMENTS, audit->segments);
    if (audit->gone_segments) {
        print_number(language, TEXT_AUDIT_GONE_SEGMENTS, audit->gone_segments);
        print_number(language, TEXT_AUDIT_GONE_RECORDS, audit->gone_records);
    }
    print_number(language, TEXT_AUDIT_LOG_FILES, audit->log_files);
    print_row(language, TEXT_ROOT, root);
}

static void print_warnings(const struct audit *audit, enum language language)
{
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 16);
    for (uint64_t i = 0; i < MIN(audit->warning_count, AUDIT_WARNINGS_MAX); i++) {
        text_fill(&out, language, TEXT_AUDIT_WARNING, audit->warning[i].text, "");
        buf_char(&out, '\n');
    }
    fputs(buf_z(&out), stdout);
}

static void print_json(const struct audit *audit)
{
    struct buf out CLEANUP(buf_done);
    struct tlog_hash hash;
    char root[45] = "";
    buf_init(&out, 1 << 18);
    tlog_frontier_root(&audit->frontier, audit->hasher, &hash);
    base64_encode(hash.bytes, TLOG_HASH_SIZE, root);
    buf_format(&out, "{\"proven\":%s,\"log\":", audit->damaged ? "false" : "true");
    json_string(&out, str_of(audit->origin));
    buf_format(&out,
               ",\"records\":%" PRIu64 ",\"signed\":%" PRIu64 ",\"cosigned\":%" PRIu64 ",\"stamps\":%" PRIu64
               ",\"checkpoints\":%zu",
               audit->frontier.size, audit->latest_size, audit->cosigned_size, audit->stamps, audit->checkpoint_next);
    buf_format(&out, ",\"gone_segments\":%" PRIu64 ",\"gone_records\":%" PRIu64, audit->gone_segments,
               audit->gone_records);
    buf_format(&out, ",\"segments\":%" PRIu64 ",\"log_files\":%" PRIu64 ",\"root\":\"%s\"", audit->segments,
               audit->log_files, root);
    if (audit->damaged) {
        buf_text(&out, ",\"file\":");
        json_string(&out, str_of(audit->file));
        buf_format(&out, ",\"offset\":%" PRId64 ",\"reason\":", audit->offset);
        json_string(&out, str_of(audit->text));
    }
    buf_text(&out, ",\"warnings\":[");
    for (uint64_t i = 0; i < MIN(audit->warning_count, AUDIT_WARNINGS_MAX); i++) {
        if (i > 0)
            buf_char(&out, ',');
        json_string(&out, str_of(audit->warning[i].text));
    }
    buf_text(&out, "]}\n");
    fputs(buf_z(&out), stdout);
}

static int report(const struct verify_options *options, const struct audit *audit)
{
    if (options->json) {
        print_json(audit);
    } else if (audit->damaged) {
        print_damage(audit, options->language);
        print_warnings(audit, options->language);
    } else {
        print_whole(audit, options->language);
        print_warnings(audit, options->language);
    }
    return audit->damaged ? VERIFY_NOT : VERIFY_PROVEN;
}

struct audit *audit_new(const struct policy *policy, struct arena *arena)
{
    struct audit *audit = arena_alloc(arena, sizeof(*audit));
    if (audit == NULL)
        return NULL;
    audit->arena = arena;
    audit->policy = policy;
    audit->logs_only = arena_alloc(arena, sizeof(*audit->logs_only));
    if (audit->logs_only == NULL)
        return NULL;
    *audit->logs_only = *policy;
    audit->logs_only->no_quorum = true;
    audit->scratch = arena_new(SCRATCH_MAX);
    audit->hasher = tlog_hasher_new();
    audit->highest = map_new(SOURCES_MAX, random_u64());
    tlog_frontier_init(&audit->frontier);
    if (audit->scratch != NULL && audit->hasher != NULL && audit->highest != NULL)
        return audit;
    audit_done(audit);
    return NULL;
}

void audit_done(struct audit *audit)
{
    arena_free(audit->scratch);
    tlog_hasher_free(audit->hasher);
    map_free(audit->highest);
}

int verify_archive(const struct verify_options *options, struct arena *arena)
{
    struct err err = {0};
    struct policy *policy = arena_alloc(arena, sizeof(*policy));
    ASSERT(policy != NULL);
    enum rc rc = verify_load_policy(options, arena, policy, &err);
    struct audit *audit = audit_new(policy, arena);
    if (audit == NULL)
        rc = err_set(&err, RC_LIMIT, "out of memory");
    if (rc == RC_OK && options->stamp_ca != NULL)
        rc = file_load_path(options->stamp_ca, STAMP_CA_MAX, arena, &audit->stamp_ca, &err);
    if (rc == RC_OK && audit != NULL && options->master_key != NULL)
        rc = sealed_keys_load(options->master_key, arena, &audit->keys, &err);
    rc = rc == RC_OK && audit != NULL ? audit_check(audit, options->data, &err) : rc;
    int status = VERIFY_USAGE;
    if (audit != NULL && (rc == RC_OK || audit->damaged))
        status = report(options, audit);
    else
        fprintf(stderr, "qorgan-verify: %s\n", err.text);
    if (audit != NULL) {
        sealed_keys_done(audit->keys);
        audit_done(audit);
    }
    return status;
}
