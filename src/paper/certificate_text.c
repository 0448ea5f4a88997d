/* The certificate as text: written, read, compared with its proofs. */
#include "base/bytes.h"
#include "base/civil.h"
#include "paper/certificate.h"
#include "paper/visible.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REASON_SHOWN 2000
#define FROM_MAX     (INT64_MAX - (DAY_S + EVIDENCE_ZONE_MAX) * SECOND_NS) /* the last day whose end is a number */

/* ---- what the proofs must show ---- */

static const struct proven *proven_of(const struct certificate *c, uint64_t record)
{
    size_t low = 0;
    size_t high = c->proof_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->proven[middle].leaf.index < record)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->proof_count && c->proven[low].leaf.index == record ? &c->proven[low] : NULL;
}

static bool is_of(const struct certificate *c, uint64_t record, uint64_t epoch, uint64_t sequence)
{
    const struct leaf *leaf = &proven_of(c, record)->leaf;
    return memcmp(leaf->source, c->source, sizeof c->source) == 0 && leaf->epoch == epoch && leaf->sequence == sequence;
}

/* Runs lie in the window, in order; within an epoch they are apart and rise. */
static bool run_good(const struct certificate *c, size_t at)
{
    const struct certificate_run *run = &c->count->run[at];
    uint64_t sequences = run->last_sequence - run->first_sequence;
    if (run->first_record < c->first || run->last_record >= c->end || run->first_record > run->last_record ||
        run->first_sequence > run->last_sequence || sequences > run->last_record - run->first_record ||
        (at > 0 && c->count->run[at - 1].first_record >= run->first_record))
        return false;
    for (size_t i = at; i > 0; i--) {
        const struct certificate_run *before = &c->count->run[i - 1];
        if (before->epoch == run->epoch)
            return before->last_record < run->first_record && before->last_sequence != UINT64_MAX &&
                   before->last_sequence + 1 < run->first_sequence;
    }
    return true;
}

static enum rc check_runs(const struct certificate *c, struct err *err)
{
    for (size_t i = 0; i < c->count->run_count; i++) {
        const struct certificate_run *run = &c->count->run[i];
        if (!run_good(c, i) || !is_of(c, run->first_record, run->epoch, run->first_sequence) ||
            !is_of(c, run->last_record, run->epoch, run->last_sequence))
            return err_set(err, RC_DENIED, "run %zu is not what the records at its ends say", i + 1);
    }
    return RC_OK;
}

static enum rc check_named(const struct certificate *c, struct err *err)
{
    for (size_t i = 0; i < c->count->loss_count; i++) {
        const struct proven *p = proven_of(c, c->count->loss[i]);
        if (p->leaf.type != LEAF_GAP || memcmp(p->leaf.source, c->source, sizeof c->source) != 0 ||
            c->count->loss[i] < c->first || c->count->loss[i] >= c->end ||
            (i > 0 && c->count->loss[i - 1] >= c->count->loss[i]))
            return err_set(err, RC_DENIED, "record %" PRIu64 " is not a gap record of the source", c->count->loss[i]);
    }
    for (size_t i = 0; i < c->count->silence_count; i++) {
        uint64_t record = c->count->silence[i];
        int64_t from = proven_of(c, record)->leaf.received_ns;
        int64_t to = proven_of(c, record + 1)->leaf.received_ns;
        if (to <= from || (uint64_t)to - (uint64_t)from <= CERTIFICATE_SILENCE_NS || record + 1 < c->first ||
            record >= c->end || (i > 0 && c->count->silence[i - 1] >= record))
            return err_set(err, RC_DENIED, "the archive was not silent behind record %" PRIu64, record);
    }
    return RC_OK;
}

static bool holds(const uint64_t *list, size_t count, uint64_t record)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == record)
            return true;
    }
    return false;
}

/* What the attached records show by themselves must be named too. */
static enum rc check_unnamed(const struct certificate *c, struct err *err)
{
    for (size_t i = 0; i < c->proof_count; i++) {
        const struct leaf *leaf = &c->proven[i].leaf;
        const struct leaf *next = i + 1 < c->proof_count ? &c->proven[i + 1].leaf : leaf;
        bool ours = memcmp(leaf->source, c->source, sizeof c->source) == 0;
        bool within = leaf->index >= c->first && leaf->index < c->end;
        bool silent = next->index == leaf->index + 1 && next->received_ns > leaf->received_ns &&
                      (uint64_t)next->received_ns - (uint64_t)leaf->received_ns > CERTIFICATE_SILENCE_NS;
        if (ours && within && leaf->type == LEAF_GAP && !holds(c->count->loss, c->count->loss_count, leaf->index))
            return err_set(err, RC_DENIED, "record %" PRIu64 " is a gap record and is not named", leaf->index);
        if (silent && !holds(c->count->silence, c->count->silence_count, leaf->index))
            return err_set(err, RC_DENIED, "the silence behind record %" PRIu64 " is not named", leaf->index);
    }
    return RC_OK;
}

static enum rc check_edges(const struct certificate *c, uint64_t size, struct err *err)
{
    if (c->first > c->end || c->end > size)
        return err_set(err, RC_DENIED, "the window lies outside of the checkpoint");
    if (c->first > 0 && proven_of(c, c->first - 1)->leaf.received_ns >= c->from_ns)
        return err_set(err, RC_DENIED, "the window begins too late: record %" PRIu64 " is of the day", c->first - 1);
    if (c->end < size && proven_of(c, c->end)->leaf.received_ns < c->to_ns)
        return err_set(err, RC_DENIED, "the window ends too early: record %" PRIu64 " is of the day", c->end);
    return RC_OK;
}

/* Takes all proofs apart: of one checkpoint, and of exactly the records that are needed. */
static enum rc read_proofs(struct certificate *c, struct tlog_hasher *hasher, struct arena *arena, struct err *err)
{
    uint64_t *needs = arena_alloc_array(arena, CERTIFICATE_PROOFS_MAX, sizeof *needs);
    c->proven = arena_alloc_array(arena, c->proof_count + 1, sizeof *c->proven);
    if (!needs || !c->proven)
        return err_set(err, RC_LIMIT, "out of memory");
    for (size_t i = 0; i < c->proof_count; i++) {
        enum rc rc = proven_read(c->proof[i], hasher, arena, &c->proven[i], err);
        if (rc != RC_OK)
            return rc;
        if (!str_eq(c->proven[i].proof.note, c->proven[0].proof.note))
            return err_set(err, RC_DENIED, "the proofs are not of one checkpoint");
    }
    if (c->proof_count == 0)
        return err_set(err, RC_DENIED, "the certificate has no proof");
    uint64_t size = c->proven[0].checkpoint.head.size;
    size_t count = certificate_needs(c, size, needs);
    bool good = count == c->proof_count;
    for (size_t i = 0; i < count && good; i++)
        good = c->proven[i].leaf.index == needs[i];
    if (!good)
        return err_set(err, RC_DENIED, "the proofs are not those of the ends, losses and silences it names");
    enum rc rc = check_edges(c, size, err);
    rc = rc == RC_OK ? check_runs(c, err) : rc;
    rc = rc == RC_OK ? check_named(c, err) : rc;
    rc = rc == RC_OK ? check_unnamed(c, err) : rc;
    bool blank = str_find(c->kind, ' ') < c->kind.n;
    if (rc == RC_OK && c->kind.n && (blank || !evidence_source_is(hasher, c->source, c->kind, c->name)))
        rc = err_set(err, RC_DENIED, "the source's name is not the one its identifier is made of");
    return rc;
}

/* ---- for people ---- */

static uint64_t records_of(const struct certificate_count *count)
{
    uint64_t records = 0;
    for (size_t i = 0; i < count->run_count; i++)
        records += count->run[i].last_sequence - count->run[i].first_sequence + 1;
    return records;
}

static void put_runs(const struct paper *paper, const struct certificate_count *count)
{
    bool missing = false;
    for (size_t i = 0; i < count->run_count; i++) {
        const struct certificate_run *run = &count->run[i];
        char epoch[32];
        char text[160];
        snprintf(epoch, sizeof epoch, "%016" PRIx64, run->epoch);
        for (size_t k = i; k > 0; k--) {
            if (count->run[k - 1].epoch != run->epoch)
                continue;
            snprintf(text, sizeof text, "%" PRIu64 "..%" PRIu64, count->run[k - 1].last_sequence + 1,
                     run->first_sequence - 1);
            paper_line(paper, PAPER_CERT_MISSING, epoch, text);
            missing = true;
            break;
        }
        snprintf(text, sizeof text, "%" PRIu64 "..%" PRIu64 " = %" PRIu64 "  [%" PRIu64 "..%" PRIu64 "]",
                 run->first_sequence, run->last_sequence, run->last_sequence - run->first_sequence + 1,
                 run->first_record, run->last_record);
        paper_line(paper, PAPER_CERT_RUN, epoch, text);
    }
    if (!missing)
        paper_line(paper, count->run_count ? PAPER_CERT_NO_MISSING : PAPER_CERT_NONE, NULL, NULL);
}

static void put_named(const struct paper *paper, const struct certificate *c)
{
    for (size_t i = 0; i < c->count->loss_count; i++) {
        char number[32];
        struct buf reason CLEANUP(buf_done) = {0};
        buf_init(&reason, 4 * REASON_SHOWN + 16);
        visible_put(&reason, str_slice(proven_of(c, c->count->loss[i])->raw, 0, REASON_SHOWN));
        snprintf(number, sizeof number, "%" PRIu64, c->count->loss[i]);
        paper_line(paper, PAPER_CERT_LOSS, number, buf_z(&reason));
    }
    if (c->count->loss_count == 0)
        paper_line(paper, PAPER_CERT_NO_LOSS, NULL, NULL);
    for (size_t i = 0; i < c->count->silence_count; i++) {
        char from[CIVIL_TEXT_MAX];
        char to[CIVIL_TEXT_MAX];
        civil_format(proven_of(c, c->count->silence[i])->leaf.received_ns, c->zone_s, 3, from);
        civil_format(proven_of(c, c->count->silence[i] + 1)->leaf.received_ns, c->zone_s, 3, to);
        paper_line(paper, PAPER_CERT_SILENCE, from, to);
    }
    if (c->count->silence_count == 0)
        paper_line(paper, PAPER_CERT_NO_SILENCE, NULL, NULL);
}

static void put_head(const struct paper *paper, const struct certificate *c)
{
    const struct checkpoint *checkpoint = &c->proven[0].checkpoint;
    struct buf text CLEANUP(buf_done) = {0};
    char date[CIVIL_TEXT_MAX];
    char hash[64];
    char window[80];
    buf_init(&text, 4 * (c->name.n + c->kind.n) + 16);
    visible_put(&text, c->name);
    buf_text(&text, " (");
    visible_put(&text, c->kind);
    buf_text(&text, ")");
    civil_format(c->from_ns, c->zone_s, 0, date);
    buf_text(paper->out, CERTIFICATE_FIRST "\n\n");
    paper_line(paper, PAPER_CERT_TITLE, NULL, NULL);
    buf_char(paper->out, '\n');
    if (c->kind.n)
        paper_row(paper, PAPER_SOURCE, buf_view(&text));
    paper_row(paper, PAPER_SOURCE_ID, str_at(hash, hex_encode(c->source, sizeof c->source, hash)));
    paper_row(paper, PAPER_CERT_DATE, str_at(date, 10));
    paper_row_time(paper, PAPER_CERT_FROM, c->from_ns);
    paper_row_time(paper, PAPER_CERT_TO, c->to_ns);
    paper_row(paper, PAPER_LOG, checkpoint->origin);
    paper_row_number(paper, PAPER_SIZE, checkpoint->head.size);
    paper_row(paper, PAPER_ROOT, str_at(hash, base64_encode(checkpoint->head.root.bytes, TLOG_HASH_SIZE, hash)));
    snprintf(window, sizeof window, c->end > c->first ? "[%" PRIu64 "..%" PRIu64 "]" : "-", c->first, c->end - 1);
    paper_row(paper, PAPER_CERT_WINDOW, str_of(window));
    paper_row_number(paper, PAPER_CERT_RECORDS, records_of(c->count));
    if (c->end == checkpoint->head.size)
        paper_line(paper, PAPER_CERT_UNFINISHED, NULL, NULL);
}

static void put_evidence(const struct certificate *c, struct buf *out)
{
    const struct certificate_count *count = c->count;
    buf_format(out, "\n" EVIDENCE_BEGIN "\nlanguage %s\nzone %d\nday %" PRId64 " %" PRId64 "\nsource ",
               paper_language_code(c->language), c->zone_s, c->from_ns, c->to_ns);
    buf_hex(out, c->source, sizeof c->source);
    buf_char(out, '\n');
    if (c->kind.n) {
        buf_text(out, "name ");
        visible_put(out, c->kind);
        buf_char(out, ' ');
        visible_put(out, c->name);
        buf_char(out, '\n');
    }
    buf_format(out, "window %" PRIu64 " %" PRIu64 "\nruns %zu\n", c->first, c->end, count->run_count);
    for (size_t i = 0; i < count->run_count; i++)
        buf_format(out, "run %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", count->run[i].epoch,
                   count->run[i].first_sequence, count->run[i].last_sequence, count->run[i].first_record,
                   count->run[i].last_record);
    buf_format(out, "losses %zu\n", count->loss_count);
    for (size_t i = 0; i < count->loss_count; i++)
        buf_format(out, "loss %" PRIu64 "\n", count->loss[i]);
    buf_format(out, "silences %zu\n", count->silence_count);
    for (size_t i = 0; i < count->silence_count; i++)
        buf_format(out, "silence %" PRIu64 "\n", count->silence[i]);
    buf_format(out, "proofs %zu\n", c->proof_count);
    for (size_t i = 0; i < c->proof_count; i++)
        evidence_put_block(out, "proof", c->proof[i]);
    buf_text(out, EVIDENCE_END "\n");
}

enum rc certificate_write(struct certificate *certificate, struct arena *arena, struct buf *ret_text, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    const struct paper paper = {ret_text, certificate->language, certificate->zone_s};
    if (!hasher)
        return err_set(err, RC_LIMIT, "out of memory");
    enum rc rc = read_proofs(certificate, hasher, arena, err);
    if (rc != RC_OK)
        return rc;
    put_head(&paper, certificate);
    buf_char(ret_text, '\n');
    put_runs(&paper, certificate->count);
    put_named(&paper, certificate);
    buf_char(ret_text, '\n');
    paper_line(&paper, PAPER_CERT_CLAIMS, NULL, NULL);
    paper_line(&paper, PAPER_CERT_NOT_CLAIMS, NULL, NULL);
    paper_line(&paper, PAPER_CERT_EDGES, NULL, NULL);
    paper_line(&paper, PAPER_CHECK, "qorgan-verify --vkey KEY --certificate FILE [--data ARCHIVE]", NULL);
    put_evidence(certificate, ret_text);
    return ret_text->overflow ? err_set(err, RC_LIMIT, "the certificate is too large") : RC_OK;
}

/* ---- reading ---- */

static void read_head(struct evidence *in, struct arena *arena, struct certificate *c)
{
    int64_t zone = 0;
    bool good = paper_language_find(evidence_value(in, "language"), &c->language);
    good = str_to_i64(evidence_value(in, "zone"), &zone) && good;
    struct str day = evidence_value(in, "day");
    struct str from = str_cut(&day, ' ');
    good = good && day.p && str_to_i64(from, &c->from_ns) && str_to_i64(day, &c->to_ns) && c->from_ns > 0 &&
           c->from_ns <= FROM_MAX && c->to_ns == c->from_ns + DAY_S * SECOND_NS && zone >= -EVIDENCE_ZONE_MAX &&
           zone <= EVIDENCE_ZONE_MAX && (c->from_ns + zone * SECOND_NS) % (DAY_S * SECOND_NS) == 0;
    good = hex_decode(evidence_value(in, "source"), c->source, sizeof c->source) && good;
    if (evidence_next_is(in, "name")) {
        struct str name = evidence_value(in, "name");
        struct str kind = str_cut(&name, ' ');
        good = good && kind.n && name.p && visible_read(kind, arena, &c->kind) && visible_read(name, arena, &c->name);
    }
    struct str window = evidence_value(in, "window");
    c->zone_s = (int32_t)zone;
    c->first = evidence_cut(in, &window);
    c->end = evidence_cut(in, &window);
    in->failed = in->failed || !good || window.p;
}

static size_t read_count(struct evidence *in, const char *name, size_t most)
{
    uint64_t count = evidence_number(in, name);
    if (count > most)
        in->failed = true;
    return in->failed ? 0 : (size_t)count;
}

static void read_counts(struct evidence *in, struct certificate_count *count)
{
    count->run_count = read_count(in, "runs", CERTIFICATE_RUNS_MAX);
    for (size_t i = 0; i < count->run_count && !in->failed; i++) {
        struct certificate_run *run = &count->run[i];
        struct str value = evidence_value(in, "run");
        run->epoch = evidence_cut(in, &value);
        run->first_sequence = evidence_cut(in, &value);
        run->last_sequence = evidence_cut(in, &value);
        run->first_record = evidence_cut(in, &value);
        run->last_record = evidence_cut(in, &value);
        in->failed = in->failed || value.p;
    }
    count->loss_count = read_count(in, "losses", CERTIFICATE_NAMED_MAX);
    for (size_t i = 0; i < count->loss_count && !in->failed; i++)
        count->loss[i] = evidence_number(in, "loss");
    count->silence_count = read_count(in, "silences", CERTIFICATE_NAMED_MAX);
    for (size_t i = 0; i < count->silence_count && !in->failed; i++)
        count->silence[i] = evidence_number(in, "silence");
}

enum rc certificate_parse(struct str body, struct arena *arena, struct certificate *ret_certificate, struct err *err)
{
    struct certificate *c = ret_certificate;
    memset(c, 0, sizeof *c);
    if (!str_starts(body, STR(CERTIFICATE_FIRST "\n")))
        return err_set(err, RC_INVALID, "this is not a certificate: it does not begin with \"" CERTIFICATE_FIRST "\"");
    struct evidence in = evidence_of(body);
    c->count = arena_alloc(arena, sizeof *c->count);
    c->proof = arena_alloc_array(arena, CERTIFICATE_PROOFS_MAX, sizeof *c->proof);
    if (!c->count || !c->proof)
        return err_set(err, RC_LIMIT, "out of memory");
    read_head(&in, arena, c);
    read_counts(&in, c->count);
    c->proof_count = read_count(&in, "proofs", CERTIFICATE_PROOFS_MAX);
    for (size_t i = 0; i < c->proof_count && !in.failed; i++)
        c->proof[i] = evidence_block(&in, "proof");
    return evidence_end(&in, EVIDENCE_END) ? RC_OK
                                           : err_set(err, RC_INVALID, "line %zu of the paper does not read", in.line);
}

enum rc certificate_check(struct str body, const struct policy *policy, struct arena *arena,
                          struct certificate *ret_certificate, struct policy_result *ret_result, struct err *err)
{
    struct buf again CLEANUP(buf_done) = {0};
    buf_init(&again, PAPER_SIZE_MAX);
    enum rc rc = certificate_parse(body, arena, ret_certificate, err);
    rc = rc == RC_OK ? certificate_write(ret_certificate, arena, &again, err) : rc;
    for (size_t i = 0; i < ret_certificate->proof_count && rc == RC_OK; i++)
        rc = proven_verify(&ret_certificate->proven[i], policy, ret_result, err);
    return rc == RC_OK ? evidence_compare(body, buf_view(&again), err) : rc;
}
