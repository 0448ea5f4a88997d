#include "paper/evidence.h"

#include "base/bytes.h"

#include <string.h>

struct evidence evidence_of(struct str paper)
{
    struct evidence evidence = {.rest = paper, .line = 1};
    while (evidence.rest.p) {
        evidence.line++;
        if (str_is(str_cut(&evidence.rest, '\n'), EVIDENCE_BEGIN))
            return evidence;
    }
    evidence.failed = true;
    return evidence;
}

static void fail(struct evidence *evidence)
{
    evidence->failed = true;
    evidence->rest = STR_NONE;
}

bool evidence_next_is(const struct evidence *evidence, const char *name)
{
    struct str wanted = str_of(name);
    return !evidence->failed && str_starts(evidence->rest, wanted) && evidence->rest.n > wanted.n &&
           evidence->rest.p[wanted.n] == ' ';
}

struct str evidence_value(struct evidence *evidence, const char *name)
{
    if (!evidence_next_is(evidence, name)) {
        fail(evidence);
        return STR_NONE;
    }
    struct str line = str_cut(&evidence->rest, '\n');
    if (!evidence->rest.p || line.n > EVIDENCE_LINE_MAX) {
        fail(evidence);
        return STR_NONE;
    }
    evidence->line++;
    return str_skip(line, strlen(name) + 1);
}

/* Decimal, written the one way. */
static bool number_read(struct str text, uint64_t *ret_value)
{
    return text.p && str_to_u64(text, ret_value) && (text.n == 1 || text.p[0] != '0');
}

uint64_t evidence_number(struct evidence *evidence, const char *name)
{
    uint64_t value = 0;
    if (!number_read(evidence_value(evidence, name), &value))
        fail(evidence);
    return evidence->failed ? 0 : value;
}

uint64_t evidence_cut(struct evidence *evidence, struct str *value)
{
    uint64_t number = 0;
    if (!value->p || !number_read(str_cut(value, ' '), &number))
        fail(evidence);
    return evidence->failed ? 0 : number;
}

struct str evidence_block(struct evidence *evidence, const char *name)
{
    uint64_t n = evidence_number(evidence, name);
    if (evidence->failed || n == 0 || n > evidence->rest.n || evidence->rest.p[n - 1] != '\n') {
        fail(evidence);
        return STR_NONE;
    }
    struct str bytes = str_slice(evidence->rest, 0, (size_t)n);
    evidence->rest = str_skip(evidence->rest, (size_t)n);
    for (size_t i = 0; i < bytes.n; i++)
        evidence->line += bytes.p[i] == '\n';
    return bytes;
}

bool evidence_end(struct evidence *evidence, const char *end)
{
    struct str line = str_cut(&evidence->rest, '\n');
    if (!str_is(line, end) || !evidence->rest.p || evidence->rest.n != 0)
        fail(evidence);
    return !evidence->failed;
}

void evidence_put_block(struct buf *out, const char *name, struct str bytes)
{
    buf_format(out, "%s %zu\n", name, bytes.n);
    buf_str(out, bytes);
}

enum rc evidence_compare(struct str paper, struct str again, struct err *err)
{
    if (str_eq(paper, again))
        return RC_OK;
    size_t line = 1;
    for (size_t i = 0; i < MIN(paper.n, again.n) && paper.p[i] == again.p[i]; i++)
        line += paper.p[i] == '\n';
    return err_set(err, RC_DENIED, "line %zu of the paper is not what the proven records say", line);
}

enum rc proven_read(struct str text, struct tlog_hasher *hasher, struct arena *arena, struct proven *ret_proven,
                    struct err *err)
{
    struct proven *p = ret_proven;
    enum rc rc = proof_parse(text, arena, &p->proof, err);
    rc = rc == RC_OK ? note_parse(p->proof.note, &p->note, err) : rc;
    rc = rc == RC_OK ? checkpoint_parse(p->note.text, &p->checkpoint, err) : rc;
    if (rc == RC_OK && !p->proof.has_extra)
        rc = err_set(err, RC_INVALID, "a proof of the paper does not carry its record");
    rc = rc == RC_OK ? leaf_parse(str_slice(p->proof.extra, 0, LEAF_HEADER_SIZE), &p->leaf, err) : rc;
    if (rc != RC_OK)
        return rc;
    p->raw = str_skip(p->proof.extra, LEAF_HEADER_SIZE);
    if (p->raw.n != (p->leaf.type == LEAF_DIGEST ? TLOG_HASH_SIZE : p->leaf.raw_length))
        return err_set(err, RC_INVALID, "the length of record %llu is not what its header says",
                       (unsigned long long)p->leaf.index);
    if (p->leaf.index != p->proof.index)
        return err_set(err, RC_DENIED, "a record calls itself %llu, its proof is of %llu",
                       (unsigned long long)p->leaf.index, (unsigned long long)p->proof.index);
    tlog_hash_leaf(hasher, STR_NONE, p->proof.extra, &p->hash);
    return RC_OK;
}

enum rc proven_verify(const struct proven *proven, const struct policy *policy, struct policy_result *ret_result,
                      struct err *err)
{
    struct checkpoint checkpoint;
    enum rc rc = proof_verify(&proven->proof, policy, &proven->hash, &checkpoint, ret_result, err);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "record %llu", (unsigned long long)proven->leaf.index)); /* the code stays rc */
    return rc;
}

bool evidence_source_is(struct tlog_hasher *hasher, const uint8_t id[16], struct str kind, struct str name)
{
    struct tlog_hash hash;
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, kind);
    tlog_hash_add(hasher, str_at("", 1));
    tlog_hash_add(hasher, name);
    tlog_hash_end(hasher, &hash);
    return memcmp(hash.bytes, id, 16) == 0;
}
