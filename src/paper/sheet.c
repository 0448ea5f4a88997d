#include "paper/sheet.h"

#include "base/bytes.h"
#include "paper/visible.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BASE64_LINE 57 /* bytes that make 76 characters */

/* ---- writing ---- */

static void put_source(const struct paper *paper, const struct sheet_record *record)
{
    char id[32];
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 4 * (record->name.n + record->kind.n) + 16);
    if (record->kind.n) {
        visible_put(&text, record->name);
        buf_text(&text, " (");
        visible_put(&text, record->kind);
        buf_text(&text, ")");
        paper_row(paper, PAPER_SOURCE, buf_view(&text));
    }
    paper_row(paper, PAPER_SOURCE_ID, str_at(id, hex_encode(record->proven.leaf.source, 16, id)));
}

static void put_content(const struct paper *paper, struct str raw)
{
    paper_line(paper, PAPER_CONTENT, NULL, NULL);
    for (struct str rest = raw; rest.p;) {
        buf_text(paper->out, "    | ");
        visible_put(paper->out, str_cut(&rest, '\n'));
        buf_char(paper->out, '\n');
    }
}

static void put_record(const struct paper *paper, size_t number, const struct sheet_record *record)
{
    const struct proven *p = &record->proven;
    char text[80];
    snprintf(text, sizeof text, "%zu", number);
    buf_char(paper->out, '\n');
    paper_line(paper, PAPER_SHEET_RECORD, text, NULL);
    paper_row_number(paper, PAPER_RECORD, p->leaf.index);
    paper_row(paper, PAPER_TYPE, str_of(leaf_type_name(p->leaf.type)));
    paper_row_time(paper, PAPER_RECEIVED, p->leaf.received_ns);
    if (p->leaf.source_ns != 0) {
        paper_row_time(paper, PAPER_SOURCE_TIME, p->leaf.source_ns);
        snprintf(text, sizeof text, "%" PRIu32 " us", p->leaf.clock_error_us);
        paper_row(paper, PAPER_CLOCK_ERROR, str_of(text));
    }
    put_source(paper, record);
    snprintf(text, sizeof text, "%016" PRIx64 " / %" PRIu64, p->leaf.epoch, p->leaf.sequence);
    paper_row(paper, PAPER_SEQUENCE, str_of(text));
    paper_row_number(paper, PAPER_LENGTH, p->leaf.raw_length);
    if (p->leaf.type == LEAF_DIGEST)
        paper_row(paper, PAPER_DIGEST, str_at(text, hex_encode(p->raw.p, p->raw.n, text)));
    paper_row(paper, PAPER_LOG, p->checkpoint.origin);
    paper_row_number(paper, PAPER_SIZE, p->checkpoint.head.size);
    paper_row(paper, PAPER_ROOT, str_at(text, base64_encode(p->checkpoint.head.root.bytes, TLOG_HASH_SIZE, text)));
    put_content(paper, p->leaf.type == LEAF_DIGEST ? record->content : p->raw);
}

static void put_base64(struct buf *out, struct str bytes)
{
    char line[80];
    size_t lines = (bytes.n + BASE64_LINE - 1) / BASE64_LINE;
    buf_format(out, "content %zu\n", (bytes.n + 2) / 3 * 4 + lines);
    for (; bytes.n > 0; bytes = str_skip(bytes, BASE64_LINE)) {
        buf_put(out, line, base64_encode(bytes.p, MIN(bytes.n, (size_t)BASE64_LINE), line));
        buf_char(out, '\n');
    }
}

static void put_evidence(const struct sheet *sheet, struct buf *out)
{
    buf_format(out, EVIDENCE_BEGIN "\nlanguage %s\nzone %d\nrecords %zu\n", paper_language_code(sheet->language),
               sheet->zone_s, sheet->count);
    for (size_t i = 0; i < sheet->count; i++) {
        const struct sheet_record *record = &sheet->record[i];
        buf_format(out, "record %" PRIu64 "\n", record->proven.leaf.index);
        if (record->kind.n) {
            buf_text(out, "source ");
            visible_put(out, record->kind);
            buf_char(out, ' ');
            visible_put(out, record->name);
            buf_char(out, '\n');
        }
        if (record->proven.leaf.type == LEAF_DIGEST)
            put_base64(out, record->content);
        evidence_put_block(out, "proof", record->proof);
    }
    buf_text(out, EVIDENCE_END "\n");
}

static enum rc record_read(struct sheet_record *record, struct tlog_hasher *hasher, struct arena *arena,
                           struct err *err)
{
    struct tlog_hash digest;
    enum rc rc = proven_read(record->proof, hasher, arena, &record->proven, err);
    if (rc != RC_OK)
        return rc;
    const struct leaf *leaf = &record->proven.leaf;
    tlog_hash_bytes(hasher, record->content, &digest);
    bool digest_good =
        record->content.n == leaf->raw_length && memcmp(record->proven.raw.p, &digest, sizeof digest) == 0;
    if (leaf->type == LEAF_DIGEST ? !digest_good : record->content.n != 0)
        return err_set(err, RC_DENIED, "the content given for record %" PRIu64 " is not the one that was recorded",
                       leaf->index);
    bool blank = str_find(record->kind, ' ') < record->kind.n;
    if (record->kind.n && (blank || !evidence_source_is(hasher, leaf->source, record->kind, record->name)))
        return err_set(err, RC_DENIED, "the source named for record %" PRIu64 " is not the one that sent it",
                       leaf->index);
    return RC_OK;
}

enum rc sheet_write(struct sheet *sheet, struct arena *arena, struct buf *ret_text, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    const struct paper paper = {ret_text, sheet->language, sheet->zone_s};
    char count[32];
    if (!hasher)
        return err_set(err, RC_LIMIT, "out of memory");
    if (sheet->count == 0 || sheet->count > SHEET_RECORDS_MAX)
        return err_set(err, RC_LIMIT, "a proof sheet holds 1 to %d records", SHEET_RECORDS_MAX);
    for (size_t i = 0; i < sheet->count; i++) {
        enum rc rc = record_read(&sheet->record[i], hasher, arena, err);
        if (rc != RC_OK)
            return rc;
    }
    snprintf(count, sizeof count, "%zu", sheet->count);
    buf_text(ret_text, SHEET_FIRST "\n\n");
    paper_line(&paper, PAPER_SHEET_TITLE, NULL, NULL);
    paper_line(&paper, PAPER_SHEET_ABOUT, count, NULL);
    for (size_t i = 0; i < sheet->count; i++)
        put_record(&paper, i + 1, &sheet->record[i]);
    buf_char(ret_text, '\n');
    paper_line(&paper, PAPER_SHEET_PROVEN, NULL, NULL);
    paper_line(&paper, PAPER_SHEET_NOT_PROVEN, NULL, NULL);
    paper_line(&paper, PAPER_VISIBLE, NULL, NULL);
    paper_line(&paper, PAPER_CHECK, "qorgan-verify --vkey KEY --proof FILE", NULL);
    buf_char(ret_text, '\n');
    put_evidence(sheet, ret_text);
    return ret_text->overflow ? err_set(err, RC_LIMIT, "the proof sheet is too large") : RC_OK;
}

/* ---- reading ---- */

static struct str read_base64(struct str text, struct arena *arena)
{
    char *joined = arena_alloc_raw(arena, text.n + 1);
    char *bytes = arena_alloc_raw(arena, text.n + 4);
    size_t n = 0;
    size_t count = 0;
    for (size_t i = 0; joined && i < text.n; i++) {
        if (text.p[i] != '\n')
            joined[n++] = text.p[i];
    }
    return joined && bytes && base64_decode(str_at(joined, n), bytes, text.n + 4, &count) ? str_at(bytes, count)
                                                                                          : STR_NONE;
}

static void read_record(struct evidence *in, struct arena *arena, struct sheet_record *record)
{
    IGNORE(evidence_number(in, "record")); /* compared when the paper is written anew */
    if (evidence_next_is(in, "source")) {
        struct str name = evidence_value(in, "source");
        struct str kind = str_cut(&name, ' ');
        if (kind.n == 0 || !name.p || !visible_read(kind, arena, &record->kind) ||
            !visible_read(name, arena, &record->name))
            in->failed = true;
    }
    if (evidence_next_is(in, "content"))
        record->content = read_base64(evidence_block(in, "content"), arena);
    record->proof = evidence_block(in, "proof");
}

enum rc sheet_parse(struct str text, struct arena *arena, struct sheet *ret_sheet, struct err *err)
{
    int64_t zone = 0;
    if (!str_starts(text, STR(SHEET_FIRST "\n")))
        return err_set(err, RC_INVALID, "this is not a proof sheet: it does not begin with \"" SHEET_FIRST "\"");
    struct evidence in = evidence_of(text);
    bool known = paper_language_find(evidence_value(&in, "language"), &ret_sheet->language);
    bool zone_good = str_to_i64(evidence_value(&in, "zone"), &zone);
    ret_sheet->count = (size_t)evidence_number(&in, "records");
    if (in.failed || !known || !zone_good || zone < -EVIDENCE_ZONE_MAX || zone > EVIDENCE_ZONE_MAX ||
        ret_sheet->count == 0 || ret_sheet->count > SHEET_RECORDS_MAX)
        return err_set(err, RC_INVALID, "line %zu of the paper does not read", in.line);
    ret_sheet->zone_s = (int32_t)zone;
    ret_sheet->record = arena_alloc_array(arena, ret_sheet->count, sizeof *ret_sheet->record);
    if (!ret_sheet->record)
        return err_set(err, RC_LIMIT, "out of memory");
    for (size_t i = 0; i < ret_sheet->count && !in.failed; i++)
        read_record(&in, arena, &ret_sheet->record[i]);
    return evidence_end(&in, EVIDENCE_END) ? RC_OK
                                           : err_set(err, RC_INVALID, "line %zu of the paper does not read", in.line);
}

enum rc sheet_check(struct str text, const struct policy *policy, struct arena *arena, struct sheet *ret_sheet,
                    struct policy_result *ret_result, struct err *err)
{
    struct buf again CLEANUP(buf_done) = {0};
    buf_init(&again, PAPER_SIZE_MAX);
    enum rc rc = sheet_parse(text, arena, ret_sheet, err);
    rc = rc == RC_OK ? sheet_write(ret_sheet, arena, &again, err) : rc;
    for (size_t i = ret_sheet->count; rc == RC_OK && i > 0; i--)
        rc = proven_verify(&ret_sheet->record[i - 1].proven, policy, ret_result, err);
    return rc == RC_OK ? evidence_compare(text, buf_view(&again), err) : rc;
}
