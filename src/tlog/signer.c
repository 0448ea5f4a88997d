#include "tlog/signer.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define FIRST_LINE "qorgan signer state v1"

static enum rc empty_root(struct tlog_hash *ret_root, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (hasher == NULL)
        return err_set(err, RC_LIMIT, "could not prepare the signer: out of memory");
    tlog_hash_bytes(hasher, STR_NONE, ret_root);
    return RC_OK;
}

enum rc signer_state_init(struct signer_state *ret_state, struct str origin, struct err *err)
{
    struct signer_state state = {0};
    enum rc rc = note_name_check(origin, err);
    if (rc == RC_OK)
        rc = empty_root(&state.head.root, err);
    if (rc != RC_OK)
        return rc;
    memcpy(state.origin, origin.p, origin.n);
    *ret_state = state;
    return RC_OK;
}

/* Whether the asked head may follow the signed one. */
static enum rc signer_check(const struct signer_state *state, const struct signer_request *request, struct err *err)
{
    const struct tlog_head *head = &request->head;
    if (!str_is(request->origin, state->origin))
        return err_set(err, RC_DENIED, "refused to sign for \"%.*s\": this signer signs \"%s\"",
                       STR_ARG(request->origin), state->origin);
    if (head->size < state->head.size)
        return err_set(err, RC_DENIED, "refused to sign a tree of %llu records: %llu were signed before",
                       (unsigned long long)head->size, (unsigned long long)state->head.size);
    if (head->size == state->head.size && !tlog_hash_eq(&head->root, &state->head.root))
        return err_set(err, RC_DENIED, "refused to sign another root for %llu records", (unsigned long long)head->size);
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (hasher == NULL)
        return err_set(err, RC_LIMIT, "could not check the consistency proof: out of memory");
    if (!tlog_verify_consistency(hasher, &state->head, head, request->consistency))
        return err_set(err, RC_DENIED,
                       "refused to sign %llu records: it is not proven that the tree of %llu is its beginning",
                       (unsigned long long)head->size, (unsigned long long)state->head.size);
    return RC_OK;
}

enum rc signer_sign(const struct signer_state *state, const struct signing_key *key,
                    const struct signer_request *request, struct signer_state *ret_state, struct buf *ret_note,
                    struct err *err)
{
    ASSERT(request->consistency != NULL);
    enum rc rc = signer_check(state, request, err);
    if (rc == RC_OK)
        rc = checkpoint_sign(key, request->origin, &request->head, ret_note, err);
    if (rc != RC_OK)
        return rc;
    struct signer_state next = *state;
    next.head = request->head;
    next.signed_ns = request->now_ns;
    *ret_state = next;
    return RC_OK;
}

void signer_state_write(const struct signer_state *state, struct buf *ret_text)
{
    buf_text(ret_text, FIRST_LINE "\n");
    checkpoint_write(str_of(state->origin), &state->head, ret_text);
    buf_i64(ret_text, state->signed_ns);
    buf_char(ret_text, '\n');
}

enum rc signer_state_parse(struct str text, struct signer_state *ret_state, struct err *err)
{
    struct signer_state state = {0};
    struct checkpoint checkpoint;
    struct str rest = text;
    if (!str_is(str_cut(&rest, '\n'), FIRST_LINE) || rest.n == 0)
        return err_set(err, RC_CORRUPT, "signer state is not a signer state of version 1");
    if (checkpoint_parse(rest, &checkpoint, err) != RC_OK || note_name_check(checkpoint.origin, err) != RC_OK) {
        return err_set(err, RC_CORRUPT, "signer state is damaged: origin, size or root cannot be read");
    }
    struct str time = str_cut(&checkpoint.extensions, '\n');
    if (checkpoint.extensions.n != 0 || !str_to_i64(time, &state.signed_ns))
        return err_set(err, RC_CORRUPT, "signer state is damaged: its last line is not a time");
    memcpy(state.origin, checkpoint.origin.p, checkpoint.origin.n);
    state.head = checkpoint.head;
    struct tlog_hash empty;
    enum rc rc = empty_root(&empty, err);
    if (rc == RC_OK && state.head.size == 0 && !tlog_hash_eq(&state.head.root, &empty))
        rc = err_set(err, RC_CORRUPT, "signer state is damaged: the empty tree has another root");
    if (rc == RC_OK)
        *ret_state = state;
    return rc;
}
