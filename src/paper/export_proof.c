#include "paper/export_proof.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "paper/visible.h"

#include <inttypes.h>
#include <string.h>

#define MARK_BYTES  8
#define HASH_BASE64 44

/* The largest complete subtree that begins at `from` and ends at or before `to`. */
static unsigned height_at(uint64_t from, uint64_t to)
{
    ASSERT(from < to && to <= TLOG_SIZE_MAX);
    unsigned fits = 63 - (unsigned)__builtin_clzll(to - from);
    unsigned aligned = from ? (unsigned)__builtin_ctzll(from) : 63;
    return MIN(fits, aligned);
}

/* ---- writing ---- */

enum rc export_proof_begin(struct export_proof *proof, const struct tlog_source *source, uint64_t size, struct err *err)
{
    *proof = (struct export_proof){.source = source, .size = size};
    proof->hasher = tlog_hasher_new();
    proof->whole = tlog_hasher_new();
    if (!proof->hasher || !proof->whole)
        return err_set(err, RC_LIMIT, "out of memory");
    tlog_hash_begin(proof->whole);
    return RC_OK;
}

void export_proof_done(struct export_proof *proof)
{
    tlog_hasher_free(proof->hasher);
    tlog_hasher_free(proof->whole);
    proof->hasher = proof->whole = NULL;
}

static void put_mark(struct export_proof *proof, struct str line, struct buf *out)
{
    struct tlog_hash hash;
    tlog_hash_bytes(proof->hasher, line, &hash);
    buf_hex(out, hash.bytes, MARK_BYTES);
    buf_char(out, '\n');
    tlog_hash_add(proof->whole, line);
    proof->bytes += line.n;
}

static void put_value(struct buf *out, const char *name, struct str value)
{
    buf_text(out, name);
    buf_char(out, ' ');
    visible_put(out, value);
    buf_char(out, '\n');
}

void export_proof_head(struct export_proof *proof, const struct export_head *head, struct str heads, struct str note,
                       struct buf *out)
{
    uint64_t count = 0;
    for (size_t i = 0; i < heads.n; i++)
        count += heads.p[i] == '\n';
    ASSERT(count <= EXPORT_HEADS_MAX);
    buf_text(out, EXPORT_PROOF_FIRST "\n");
    put_value(out, "file", head->file);
    put_value(out, "format", head->format);
    put_value(out, "class", head->class);
    buf_format(out, "zone %d\n", head->zone_s);
    put_value(out, "query", head->query);
    buf_format(out, "range %" PRId64 " %" PRId64 "\nheads %" PRIu64 "\n", head->from_ns, head->to_ns, count);
    while (heads.n > 0) {
        struct str line = str_slice(heads, 0, str_find(heads, '\n') + 1);
        buf_text(out, "head ");
        put_mark(proof, line, out);
        heads = str_skip(heads, line.n);
    }
    evidence_put_block(out, "note", note);
}

static void put_hash(struct buf *out, const struct tlog_hash *hash)
{
    char text[HASH_BASE64];
    buf_put(out, text, base64_encode(hash->bytes, TLOG_HASH_SIZE, text));
}

static enum rc fill(struct export_proof *proof, uint64_t to, struct buf *out, struct err *err)
{
    while (proof->next < to) {
        struct tlog_hash hash;
        unsigned height = height_at(proof->next, to);
        enum rc rc = proof->source->hash_at(proof->source->context, height, proof->next >> height, &hash, err);
        if (rc != RC_OK)
            return rc;
        buf_text(out, "f ");
        put_hash(out, &hash);
        buf_char(out, '\n');
        proof->next += UINT64_C(1) << height;
    }
    return RC_OK;
}

enum rc export_proof_record(struct export_proof *proof, uint64_t record, const struct tlog_hash *leaf, struct str line,
                            struct buf *out, struct err *err)
{
    ASSERT(line.n > 0 && str_find(line, '\n') == line.n - 1);
    if (record < proof->next || record >= proof->size)
        return err_set(err, RC_INVALID, "record %" PRIu64 " is out of order", record);
    enum rc rc = fill(proof, record, out, err);
    if (rc != RC_OK)
        return rc;
    buf_format(out, "r %" PRIu64 " ", record);
    put_hash(out, leaf);
    buf_char(out, ' ');
    put_mark(proof, line, out);
    proof->next = record + 1;
    proof->records++;
    return RC_OK;
}

enum rc export_proof_end(struct export_proof *proof, struct buf *out, struct err *err)
{
    struct tlog_hash whole;
    enum rc rc = fill(proof, proof->size, out, err);
    tlog_hash_end(proof->whole, &whole);
    buf_format(out, "end %" PRIu64 " %" PRIu64 " ", proof->records, proof->bytes);
    buf_hex(out, whole.bytes, TLOG_HASH_SIZE);
    buf_char(out, '\n');
    return rc;
}

/* ---- checking ---- */

static enum rc unreadable(const struct export_check *check, struct err *err)
{
    return err_set(err, RC_INVALID, "line %zu of the export's proof does not read", check->rows.line);
}

static bool read_value(struct export_check *check, const char *name, struct arena *arena, struct str *ret_value)
{
    return visible_read(evidence_value(&check->rows, name), arena, ret_value);
}

static bool read_head(struct export_check *check, struct arena *arena)
{
    struct export_head *head = &check->head;
    int64_t zone = 0;
    bool good = read_value(check, "file", arena, &head->file) && read_value(check, "format", arena, &head->format) &&
                read_value(check, "class", arena, &head->class) &&
                str_to_i64(evidence_value(&check->rows, "zone"), &zone) && zone >= -EVIDENCE_ZONE_MAX &&
                zone <= EVIDENCE_ZONE_MAX && read_value(check, "query", arena, &head->query);
    struct str range = evidence_value(&check->rows, "range");
    struct str from = str_cut(&range, ' ');
    head->zone_s = (int32_t)zone;
    check->heads_left = evidence_number(&check->rows, "heads");
    return good && range.p && str_to_i64(from, &head->from_ns) && str_to_i64(range, &head->to_ns) &&
           check->heads_left <= EXPORT_HEADS_MAX && !check->rows.failed;
}

/* The note stands behind the headings; it is looked at first. */
static struct str note_ahead(const struct export_check *check)
{
    struct evidence ahead = check->rows;
    for (uint64_t i = 0; i < check->heads_left; i++)
        IGNORE(evidence_value(&ahead, "head").n == 0); /* read in its turn */
    return evidence_block(&ahead, "note");
}

enum rc export_check_begin(struct export_check *check, struct str proof, const struct policy *policy,
                           struct arena *arena, struct err *err)
{
    memset(check, 0, sizeof *check);
    check->hasher = tlog_hasher_new();
    check->whole = tlog_hasher_new();
    tlog_frontier_init(&check->frontier);
    if (!check->hasher || !check->whole)
        return err_set(err, RC_LIMIT, "out of memory");
    tlog_hash_begin(check->whole);
    check->rows = (struct evidence){.rest = proof, .line = 2};
    if (!str_is(str_cut(&check->rows.rest, '\n'), EXPORT_PROOF_FIRST))
        return err_set(err, RC_INVALID,
                       "this is not the proof of an export: it does not begin with \"" EXPORT_PROOF_FIRST "\"");
    if (!read_head(check, arena))
        return unreadable(check, err);
    struct str note = note_ahead(check);
    if (note.n == 0)
        return err_set(err, RC_INVALID, "the export's proof has no checkpoint");
    enum rc rc = note_parse(note, &check->note, err);
    rc = rc == RC_OK ? checkpoint_parse(check->note.text, &check->checkpoint, err) : rc;
    return rc == RC_OK ? policy_check(policy, &check->note, &check->checkpoint, &check->result, err) : rc;
}

void export_check_done(struct export_check *check)
{
    tlog_hasher_free(check->hasher);
    tlog_hasher_free(check->whole);
    check->hasher = check->whole = NULL;
}

static bool read_hash(struct str text, struct tlog_hash *ret_hash)
{
    size_t n = 0;
    return text.n == HASH_BASE64 && base64_decode(text, ret_hash->bytes, TLOG_HASH_SIZE, &n) && n == TLOG_HASH_SIZE;
}

/* One row of a record, taken apart. */
struct row {
    uint64_t record;
    struct tlog_hash leaf;
    struct str mark;
};

static bool row_read(struct str value, struct row *ret_row)
{
    struct str number = str_cut(&value, ' ');
    struct str leaf = str_cut(&value, ' ');
    ret_row->mark = value;
    return value.n == (size_t)2 * MARK_BYTES && str_to_u64(number, &ret_row->record) && read_hash(leaf, &ret_row->leaf);
}

/* Takes the subtrees up to the next record, or to the end. */
static enum rc take_fill(struct export_check *check, uint64_t to, struct err *err)
{
    while (check->frontier.size < to) {
        struct tlog_hash hash;
        unsigned height = height_at(check->frontier.size, to);
        if (!evidence_next_is(&check->rows, "f") || !read_hash(evidence_value(&check->rows, "f"), &hash))
            return unreadable(check, err);
        tlog_frontier_append_node(&check->frontier, check->hasher, height, &hash);
    }
    return RC_OK;
}

/* The row of the next record, found behind its subtrees without taking them. */
static bool row_ahead(struct evidence ahead, struct row *ret_row)
{
    while (evidence_next_is(&ahead, "f"))
        IGNORE(evidence_value(&ahead, "f").n == 0); /* passed over */
    return evidence_next_is(&ahead, "r") && row_read(evidence_value(&ahead, "r"), ret_row);
}

/* The row behind the next one. */
static bool row_second(struct evidence ahead, struct row *ret_row)
{
    while (evidence_next_is(&ahead, "f"))
        IGNORE(evidence_value(&ahead, "f").n == 0); /* passed over */
    if (!evidence_next_is(&ahead, "r"))
        return false;
    IGNORE(evidence_value(&ahead, "r").n == 0); /* the next one */
    return row_ahead(ahead, ret_row);
}

static enum rc take_record(struct export_check *check, struct err *err)
{
    struct row row;
    if (!row_ahead(check->rows, &row) || row.record >= check->checkpoint.head.size || row.record < check->frontier.size)
        return unreadable(check, err);
    enum rc rc = take_fill(check, row.record, err);
    if (rc != RC_OK)
        return rc;
    IGNORE(evidence_value(&check->rows, "r").n == 0); /* read above */
    if (check->rows.failed)
        return unreadable(check, err);
    tlog_frontier_append(&check->frontier, check->hasher, &row.leaf);
    check->records++;
    check->last_record = row.record;
    return RC_OK;
}

static enum rc take_head(struct export_check *check, struct str mark, struct err *err)
{
    if (!str_eq(evidence_value(&check->rows, "head"), mark))
        return err_set(err, RC_DENIED, "line %" PRIu64 " of the file, a heading, was altered", check->line);
    if (--check->heads_left == 0)
        IGNORE(evidence_block(&check->rows, "note").n == 0); /* checked at the beginning */
    return check->rows.failed ? unreadable(check, err) : RC_OK;
}

static enum rc altered(const struct export_check *check, uint64_t line, struct err *err)
{
    struct row row;
    if (!row_ahead(check->rows, &row))
        return err_set(err, RC_DENIED, "line %" PRIu64 " of the file was inserted", line);
    return err_set(err, RC_DENIED, "line %" PRIu64 " of the file, record %" PRIu64 ", was altered", line, row.record);
}

enum rc export_check_line(struct export_check *check, struct str line, struct err *err)
{
    char text[2 * MARK_BYTES];
    struct tlog_hash hash;
    struct row row;
    struct row second;
    check->line++;
    check->bytes += line.n;
    tlog_hash_bytes(check->hasher, line, &hash);
    tlog_hash_add(check->whole, line);
    struct str mark = str_at(text, hex_encode(hash.bytes, MARK_BYTES, text));
    if (check->heads_left > 0)
        return take_head(check, mark, err);
    if (evidence_next_is(&check->rows, "note"))
        IGNORE(evidence_block(&check->rows, "note").n == 0); /* there are no headings */
    bool has = row_ahead(check->rows, &row);
    bool fits = has && str_eq(row.mark, mark);
    if (check->suspect)
        return fits ? err_set(err, RC_DENIED, "line %" PRIu64 " of the file was inserted", check->suspect)
                    : altered(check, check->suspect, err);
    if (fits)
        return take_record(check, err);
    if (has && row_second(check->rows, &second) && str_eq(second.mark, mark))
        return err_set(err, RC_DENIED, "before line %" PRIu64 " of the file a line was removed: record %" PRIu64,
                       check->line, row.record);
    check->suspect = check->line; /* told with the next line */
    return RC_OK;
}

enum rc export_check_end(struct export_check *check, struct err *err)
{
    struct row row;
    struct tlog_hash whole;
    struct tlog_hash root;
    char text[2 * TLOG_HASH_SIZE];
    if (check->suspect)
        return altered(check, check->suspect, err);
    if (check->heads_left > 0)
        return err_set(err, RC_DENIED, "a heading of the file was removed");
    if (evidence_next_is(&check->rows, "note"))
        IGNORE(evidence_block(&check->rows, "note").n == 0); /* an empty file without headings */
    if (row_ahead(check->rows, &row))
        return err_set(err, RC_DENIED, "behind line %" PRIu64 " of the file a line was removed: record %" PRIu64,
                       check->line, row.record);
    enum rc rc = take_fill(check, check->checkpoint.head.size, err);
    if (rc != RC_OK)
        return rc;
    struct str end = evidence_value(&check->rows, "end");
    uint64_t records = evidence_cut(&check->rows, &end);
    uint64_t bytes = evidence_cut(&check->rows, &end);
    if (check->rows.failed || check->rows.rest.n != 0)
        return unreadable(check, err);
    tlog_hash_end(check->whole, &whole);
    struct str sum = str_at(text, hex_encode(whole.bytes, TLOG_HASH_SIZE, text));
    if (records != check->records || bytes != check->bytes || !str_eq(end, sum))
        return err_set(err, RC_DENIED, "the file is not the one that was exported: its SHA-256 differs");
    tlog_frontier_root(&check->frontier, check->hasher, &root);
    if (!tlog_hash_eq(&root, &check->checkpoint.head.root))
        return err_set(err, RC_DENIED, "the records of the proof do not stand in the signed tree");
    return RC_OK;
}
