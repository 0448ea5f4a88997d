#include "tlog/proof.h"

#include "base/assert.h"
#include "base/bytes.h"

#define FIRST_LINE  "c2sp.org/tlog-proof@v1"
#define HASH_BASE64 44

void proof_write(const struct tlog_proof *proof, struct buf *ret_text)
{
    char hash[HASH_BASE64];
    ASSERT(proof->path.count <= TLOG_HEIGHT_MAX);
    ASSERT(proof->extra.n <= PROOF_EXTRA_MAX);
    buf_text(ret_text, FIRST_LINE "\n");
    if (proof->has_extra) {
        buf_text(ret_text, "extra ");
        size_t room = (proof->extra.n + 2) / 3 * 4;
        char *to = room == 0 ? NULL : buf_reserve(ret_text, room);
        if (to != NULL)
            buf_grew(ret_text, base64_encode(proof->extra.p, proof->extra.n, to));
        buf_char(ret_text, '\n');
    }
    buf_text(ret_text, "index ");
    buf_u64(ret_text, proof->index);
    buf_char(ret_text, '\n');
    for (size_t i = 0; i < proof->path.count; i++) {
        buf_put(ret_text, hash, base64_encode(proof->path.hash[i].bytes, TLOG_HASH_SIZE, hash));
        buf_char(ret_text, '\n');
    }
    buf_char(ret_text, '\n');
    buf_str(ret_text, proof->note);
}

static enum rc parse_extra(struct str text, struct arena *arena, struct tlog_proof *proof, struct err *err)
{
    if (text.n > (PROOF_EXTRA_MAX + 2) / 3 * 4)
        return err_set(err, RC_LIMIT, "proof has more than %d bytes of extra data", PROOF_EXTRA_MAX);
    size_t room = text.n / 4 * 3 + 3;
    char *bytes = arena_alloc_raw(arena, room);
    if (bytes == NULL)
        return err_set(err, RC_LIMIT, "could not read the proof: out of memory");
    if (!base64_decode(text, bytes, room, &proof->extra.n))
        return err_set(err, RC_INVALID, "proof's extra data is not base64");
    proof->extra.p = bytes;
    proof->has_extra = true;
    return RC_OK;
}

static enum rc parse_path(struct str *rest, struct tlog_path *ret_path, struct err *err)
{
    ret_path->count = 0;
    while (rest->p != NULL) {
        struct str line = str_cut(rest, '\n');
        if (rest->p != NULL && line.n == 0)
            return RC_OK;
        size_t n = 0;
        if (ret_path->count == TLOG_HEIGHT_MAX)
            return err_set(err, RC_LIMIT, "proof has more than %d hashes", TLOG_HEIGHT_MAX);
        if (!base64_decode(line, ret_path->hash[ret_path->count].bytes, TLOG_HASH_SIZE, &n) || n != TLOG_HASH_SIZE)
            return err_set(err, RC_INVALID, "proof's hash %zu is not base64 of %d bytes", ret_path->count + 1,
                           TLOG_HASH_SIZE);
        ret_path->count++;
    }
    return err_set(err, RC_INVALID, "proof has no checkpoint");
}

enum rc proof_parse(struct str text, struct arena *arena, struct tlog_proof *ret_proof, struct err *err)
{
    struct tlog_proof proof = {0};
    if (text.n > PROOF_SIZE_MAX)
        return err_set(err, RC_LIMIT, "proof has %zu bytes, more than %d", text.n, PROOF_SIZE_MAX);
    struct str rest = text;
    if (!str_is(str_cut(&rest, '\n'), FIRST_LINE) || rest.p == NULL)
        return err_set(err, RC_INVALID, "this is not a proof: it does not begin with " FIRST_LINE);
    struct str line = str_cut(&rest, '\n');
    if (str_starts(line, STR("extra "))) {
        enum rc rc = parse_extra(str_skip(line, 6), arena, &proof, err);
        if (rc != RC_OK)
            return rc;
        line = str_cut(&rest, '\n');
    }
    struct str number = str_skip(line, 6);
    if (!str_starts(line, STR("index ")) || (number.n > 1 && number.p[0] == '0') || !str_to_u64(number, &proof.index))
        return err_set(err, RC_INVALID, "proof has no line \"index <number>\"");
    enum rc rc = parse_path(&rest, &proof.path, err);
    if (rc != RC_OK)
        return rc;
    proof.note = rest;
    *ret_proof = proof;
    return RC_OK;
}

enum rc proof_verify(const struct tlog_proof *proof, const struct policy *policy, const struct tlog_hash *leaf,
                     struct checkpoint *ret_checkpoint, struct policy_result *ret_result, struct err *err)
{
    struct note note;
    enum rc rc = note_parse(proof->note, &note, err);
    if (rc == RC_OK)
        rc = checkpoint_parse(note.text, ret_checkpoint, err);
    if (rc == RC_OK)
        rc = policy_check(policy, &note, ret_checkpoint, ret_result, err);
    if (rc != RC_OK)
        return rc;
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (hasher == NULL)
        return err_set(err, RC_LIMIT, "could not check the proof: out of memory");
    if (!tlog_verify_inclusion(hasher, leaf, proof->index, &proof->path, &ret_checkpoint->head))
        return err_set(err, RC_DENIED, "the record is not number %llu of the signed tree",
                       (unsigned long long)proof->index);
    return RC_OK;
}
