#include "paper/seal.h"

#include "base/bytes.h"
#include "paper/visible.h"

#include <stdio.h>

#define EVENT_BEGIN "{\"event\":\"paper."

void seal_record(struct buf *out, const char *kind, const struct tlog_hash *body, struct str about)
{
    buf_format(out, EVENT_BEGIN "%s\",\"sha256\":\"", kind);
    buf_hex(out, body->bytes, TLOG_HASH_SIZE);
    buf_text(out, "\",\"about\":\"");
    for (struct str rest = about; rest.n > 0;) {
        size_t n = visible_character(rest);
        if (n == 0 || rest.p[0] == '"' || rest.p[0] == '\\')
            buf_char(out, '?');
        else
            buf_put(out, rest.p, n);
        rest = str_skip(rest, MAX(n, 1));
    }
    buf_text(out, "\"}");
}

void seal_write(struct buf *out, struct str proof)
{
    buf_text(out, EVIDENCE_SEAL "\n");
    evidence_put_block(out, "proof", proof);
    buf_text(out, EVIDENCE_SEAL_END "\n");
}

enum rc seal_split(struct str text, struct str *ret_body, struct str *ret_proof, struct err *err)
{
    struct str mark = STR("\n" EVIDENCE_SEAL "\n");
    size_t at = str_search(text, mark);
    *ret_body = str_slice(text, 0, at == text.n ? at : at + 1);
    *ret_proof = STR_NONE;
    if (at == text.n)
        return RC_OK;
    struct evidence evidence = {.rest = str_skip(text, at + mark.n)};
    *ret_proof = evidence_block(&evidence, "proof");
    return evidence_end(&evidence, EVIDENCE_SEAL_END) ? RC_OK
                                                      : err_set(err, RC_INVALID, "the seal at the end is broken");
}

enum rc seal_check(const struct proven *proven, const struct tlog_hash *body, struct err *err)
{
    char wanted[2 * TLOG_HASH_SIZE + 16] = "\",\"sha256\":\"";
    size_t n = sizeof("\",\"sha256\":\"") - 1;
    n += hex_encode(body->bytes, TLOG_HASH_SIZE, wanted + n);
    struct str raw = proven->raw;
    if (proven->leaf.type != LEAF_LIFECYCLE || !str_starts(raw, STR(EVENT_BEGIN)))
        return err_set(err, RC_DENIED, "the seal's record %llu is not one of a paper",
                       (unsigned long long)proven->leaf.index);
    struct str rest = str_skip(raw, sizeof(EVENT_BEGIN) - 1);
    if (!str_starts(str_skip(rest, str_find(rest, '"')), str_at(wanted, n)))
        return err_set(err, RC_DENIED, "the log holds another SHA-256 in record %llu: the file was changed",
                       (unsigned long long)proven->leaf.index);
    return RC_OK;
}
