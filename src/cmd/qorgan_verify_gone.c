/* Tombstones of deleted segments, read anew from doc/format/segment.md, and the records that vouch for them. */
#include "base/bytes.h"
#include "base/civil.h"
#include "cmd/qorgan_verify_audit.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MARK_SIZE      64
#define HEADER_SIZE    4096
#define FOOTER_SIZE    1024
#define TOMBSTONE_MAX  ((size_t)512 << 20)
#define RETENTION_TYPE 5
#define DAYS_MAX       36525

enum section { HEADER = 1, BLOCKS, DICTIONARIES, INDEX, FILTER, GROUPS, EDGES, FRONTIERS, SOURCES, SECTIONS };

struct stone {
    struct audit *audit;
    struct audit_gone *gone;
    struct str bytes;
    uint32_t kept; /* a bit a section */
    struct str section[SECTIONS];
};

static enum rc damage(const struct stone *s, const char *what)
{
    return audit_damage(s->audit, s->gone->file, -1, "%s", what);
}

static bool checked(struct str bytes)
{
    return get_be32(bytes.p + bytes.n - 4) == crc32c(0, bytes.p, bytes.n - 4);
}

static enum rc read_mark(struct stone *s)
{
    struct str bytes = str_slice(s->bytes, 0, MARK_SIZE);
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, 8);
    uint16_t version = read_be16(&in);
    uint16_t zero = read_be16(&in);
    s->kept = read_be32(&in);
    s->gone->record = read_be64(&in);
    uint64_t first = read_be64(&in);
    for (size_t i = 32; i < MARK_SIZE - 4; i++)
        zero |= (uint8_t)bytes.p[i];
    uint32_t least = 1u << HEADER | 1u << GROUPS | 1u << EDGES | 1u << FRONTIERS;
    if (!str_is(magic, "QORGGON\n") || version != 1 || zero || !checked(bytes) || first != s->gone->first ||
        (s->kept != least && s->kept != (least | 1u << SOURCES)))
        return damage(s, "the tombstone's mark is damaged");
    s->gone->sources = s->kept != least;
    return RC_OK;
}

/* The footer of the segment: cuts the kept sections out of the file, and compares their digests. */
static enum rc read_footer(struct stone *s)
{
    struct str footer = str_skip(s->bytes, s->bytes.n - FOOTER_SIZE);
    struct reader in = reader_of(footer);
    struct str magic = read_bytes(&in, 8);
    uint64_t first = read_be64(&in);
    s->gone->end = read_be64(&in);
    (void)read_be64(&in); /* raw bytes */
    s->gone->received_low = (int64_t)read_be64(&in);
    s->gone->received_high = (int64_t)read_be64(&in);
    (void)read_be64(&in); /* event times */
    (void)read_be64(&in);
    (void)read_be32(&in); /* blocks */
    if (!str_is(magic, "QORGSEGF") || !checked(footer) || first != s->gone->first || s->gone->end <= first ||
        s->gone->end - first > UINT32_MAX || read_be32(&in) != SECTIONS - 1)
        return damage(s, "the segment's footer is damaged");
    size_t at = MARK_SIZE;
    for (uint32_t i = HEADER; i < SECTIONS; i++) {
        struct tlog_hash want;
        struct tlog_hash got;
        uint32_t id = read_be32(&in);
        (void)read_be32(&in);
        (void)read_be64(&in); /* where it stood */
        uint64_t length = read_be64(&in);
        read_copy(&in, want.bytes, TLOG_HASH_SIZE);
        if (in.failed || id != i)
            return damage(s, "the segment's footer contradicts itself");
        if ((s->kept >> i & 1) == 0)
            continue;
        if (length > s->bytes.n - FOOTER_SIZE - at)
            return damage(s, "the tombstone is cut short");
        s->section[i] = str_slice(s->bytes, at, at + (size_t)length);
        at += (size_t)length;
        tlog_hash_bytes(s->audit->hasher, s->section[i], &got);
        if (!tlog_hash_eq(&want, &got))
            return damage(s, "a section does not have the digest that the footer names");
    }
    tlog_hash_bytes(s->audit->hasher, footer, &s->gone->footer);
    return at + FOOTER_SIZE == s->bytes.n ? RC_OK : damage(s, "the tombstone has bytes that belong to nothing");
}

static enum rc check_header(const struct stone *s)
{
    struct str bytes = s->section[HEADER];
    return bytes.n == HEADER_SIZE && str_is(str_slice(bytes, 0, 8), "QORGSEG\n") &&
                   memcmp(bytes.p + 24, s->audit->uuid, 16) == 0 && get_be64(bytes.p + 40) == s->gone->first
               ? RC_OK
               : damage(s, "the tombstone belongs to another archive or another place");
}

/* ---- the tree ---- */

static bool frontier_is(const struct stone *s, bool after)
{
    char storage[TLOG_FRONTIER_BYTES_MAX];
    struct buf want;
    struct reader in = reader_of(s->section[FRONTIERS]);
    struct str before = read_bytes(&in, read_be32(&in));
    struct str behind = read_bytes(&in, read_be32(&in));
    buf_init_fixed(&want, storage, sizeof(storage));
    tlog_frontier_write(&s->audit->frontier, &want);
    return reader_done(&in) && str_eq(after ? behind : before, buf_view(&want));
}

static struct tlog_hash hash_at(struct str bytes, uint64_t position)
{
    struct tlog_hash hash;
    memcpy(hash.bytes, bytes.p + position * TLOG_HASH_SIZE, TLOG_HASH_SIZE);
    return hash;
}

static enum rc fold_leaves(const struct stone *s, struct str leaves)
{
    struct audit *audit = s->audit;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < leaves.n / TLOG_HASH_SIZE && rc == RC_OK; i++) {
        struct tlog_hash leaf = hash_at(leaves, i);
        rc = audit_leaf(audit, &leaf);
        if (rc != RC_OK || audit->frontier.size % TLOG_GROUP != 0)
            continue;
        struct tlog_hash stored =
            hash_at(s->section[GROUPS], audit->frontier.size / TLOG_GROUP - 1 - s->gone->first / TLOG_GROUP);
        if (!tlog_hash_eq(&audit->group_hash, &stored))
            return damage(s, "stored leaf hashes do not give the stored hash of their group");
    }
    return rc;
}

static enum rc fold(const struct stone *s)
{
    struct audit *audit = s->audit;
    const struct audit_gone *gone = s->gone;
    uint64_t head_end = MIN((gone->first + TLOG_GROUP - 1) / TLOG_GROUP * TLOG_GROUP, gone->end);
    uint64_t tail = MAX(gone->end / TLOG_GROUP * TLOG_GROUP, head_end);
    struct reader in = reader_of(s->section[EDGES]);
    uint64_t head_count = read_be16(&in);
    struct str head = read_bytes(&in, (size_t)head_count * TLOG_HASH_SIZE);
    uint64_t rest_count = read_be16(&in);
    struct str rest = read_bytes(&in, (size_t)rest_count * TLOG_HASH_SIZE);
    if (!reader_done(&in) || head_count != head_end - gone->first || rest_count != gone->end - tail ||
        s->section[GROUPS].n != (gone->end / TLOG_GROUP - gone->first / TLOG_GROUP) * TLOG_HASH_SIZE)
        return damage(s, "the stored hashes do not fit the records");
    if (gone->first != audit->frontier.size)
        return audit_damage(audit, gone->file, -1, "the tombstone should begin at record %" PRIu64,
                            audit->frontier.size);
    if (!frontier_is(s, false))
        return damage(s, "the stored tree is not the one that the records give");
    enum rc rc = fold_leaves(s, head);
    while (rc == RC_OK && audit->frontier.size < tail) {
        struct tlog_hash group =
            hash_at(s->section[GROUPS], audit->frontier.size / TLOG_GROUP - gone->first / TLOG_GROUP);
        rc = audit_group(audit, &group);
    }
    rc = rc == RC_OK ? fold_leaves(s, rest) : rc;
    return rc != RC_OK || frontier_is(s, true) ? rc : damage(s, "the stored tree is not the one that the hashes give");
}

enum rc audit_tombstone(struct audit *audit, int folder, uint64_t first, bool fold_it, struct err *err)
{
    struct stone s = {.audit = audit, .gone = arena_alloc(audit->arena, sizeof(*s.gone))};
    if (s.gone == NULL)
        return err_set(err, RC_LIMIT, "out of memory");
    s.gone->first = first;
    snprintf(s.gone->file, sizeof(s.gone->file), "seg/%016" PRIx64 ".gone", first);
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(TOMBSTONE_MAX + (1 << 20));
    if (arena == NULL)
        return err_set(err, RC_LIMIT, "out of memory");
    enum rc rc = file_load(&io_kernel, folder, s.gone->file + strlen("seg/"), TOMBSTONE_MAX, arena, &s.bytes, err);
    if (rc != RC_OK)
        return rc;
    if (s.bytes.n < MARK_SIZE + HEADER_SIZE + FOOTER_SIZE)
        return damage(&s, "the tombstone is cut short");
    rc = read_mark(&s);
    rc = rc == RC_OK ? read_footer(&s) : rc;
    rc = rc == RC_OK ? check_header(&s) : rc;
    rc = rc == RC_OK && fold_it ? fold(&s) : rc;
    if (rc != RC_OK)
        return rc;
    s.gone->next = audit->gone;
    audit->gone = s.gone;
    audit->gone_segments += fold_it;
    audit->gone_records += fold_it ? s.gone->end - first : 0;
    return RC_OK;
}

/* ---- who vouches ---- */

/* The record is JSON without blanks, its members in the order of their names; quotes inside of texts have a backslash
 * before them, so that no text can look like a member. */
static bool says(struct str raw, const char *key, uint64_t number)
{
    char text[64];
    snprintf(text, sizeof(text), ",\"%s\":%" PRIu64 ",\"", key, number);
    return str_search(raw, str_of(text)) < raw.n;
}

static struct str between(struct str raw, const char *from, const char *to)
{
    size_t at = str_search(raw, str_of(from));
    struct str rest = at < raw.n ? str_skip(raw, at + strlen(from)) : STR_NONE;
    return str_slice(rest, 0, str_search(rest, str_of(to)));
}

/* Digits behind a name, to before the next comma. */
static bool number_after(struct str raw, const char *name, int64_t *ret_number)
{
    return str_to_i64(between(raw, name, ","), ret_number);
}

/* Both or neither: the object that asked for more days than the settings, and how many. */
static bool object_fits(struct str raw, int64_t days, int64_t *ret_days)
{
    struct str object = between(raw, ",\"object\":\"", "\",\"object_days\":");
    *ret_days = days;
    if (str_search(raw, STR(",\"object\":\"")) == raw.n && str_search(raw, STR(",\"object_days\":")) == raw.n)
        return true;
    return object.n > 0 && number_after(raw, ",\"object_days\":", ret_days) && *ret_days > days;
}

/* The term that it names is that of the days it names at least, and was over when it was approved. */
static bool term_is_over(const struct audit_gone *gone, struct str raw)
{
    int64_t days = 0;
    int64_t until = 0;
    int64_t approved = 0;
    int64_t proposed = 0;
    if (!number_after(raw, ",\"days\":", &days) || !number_after(raw, ",\"keep_until_ns\":", &until) ||
        !number_after(raw, ",\"approved_ns\":", &approved) || !number_after(raw, ",\"proposed_ns\":", &proposed) ||
        days <= 0 || !object_fits(raw, days, &days))
        return false;
    return days <= DAYS_MAX && until >= gone->received_high && until <= approved && proposed <= approved &&
           (uint64_t)until - (uint64_t)gone->received_high >= (uint64_t)days * DAY_S * SECOND_NS;
}

static bool vouches(const struct audit_gone *gone, struct str raw)
{
    char footer[2 * TLOG_HASH_SIZE];
    struct str hex = str_at(footer, hex_encode(gone->footer.bytes, TLOG_HASH_SIZE, footer));
    struct str proposer = between(raw, "\"proposer\":\"", "\",\"received_max_ns\":");
    struct str approver = between(raw, "\"approver\":\"", "\",\"count\":");
    char received[128];
    snprintf(received, sizeof(received),
             ",\"received_max_ns\":%" PRId64 ",\"received_min_ns\":%" PRId64 ",\"sources\":%s}", gone->received_high,
             gone->received_low, gone->sources ? "true" : "false");
    return str_ends(raw, str_of(received)) && says(raw, "first", gone->first) && says(raw, "end", gone->end) &&
           str_search(raw, STR(",\"event\":\"retention\",")) < raw.n &&
           str_eq(between(raw, ",\"footer\":\"", "\""), hex) && proposer.n && approver.n &&
           !str_eq(proposer, approver) && between(raw, "{\"act\":\"", "\",\"approved_ns\":").n &&
           between(raw, ",\"edition\":\"", "\",\"end\":").n && term_is_over(gone, raw);
}

void audit_vouch(struct audit *audit, const struct leaf *leaf, struct str raw)
{
    if (leaf->type != RETENTION_TYPE)
        return;
    for (struct audit_gone *gone = audit->gone; gone != NULL; gone = gone->next) {
        if (gone->record == leaf->index && vouches(gone, raw))
            gone->vouched = true;
    }
}

enum rc audit_vouched(struct audit *audit)
{
    for (const struct audit_gone *gone = audit->gone; gone != NULL; gone = gone->next) {
        if (!gone->vouched)
            return audit_damage(audit, gone->file, -1,
                                "record %" PRIu64 " does not say who deleted records %" PRIu64 " to %" PRIu64,
                                gone->record, gone->first, gone->end - 1);
        if (gone->record >= audit->latest_size)
            return audit_damage(audit, gone->file, -1,
                                "record %" PRIu64 ", which says who deleted records %" PRIu64 " to %" PRIu64
                                ", is not signed",
                                gone->record, gone->first, gone->end - 1);
    }
    if (audit->blind)
        audit_warn(audit, "%" PRIu64 " checkpoints inside deleted records cannot be compared", audit->blind);
    return RC_OK;
}
