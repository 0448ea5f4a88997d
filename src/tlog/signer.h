/* signer.h - what the signer role decides, without I/O: never two trees under one origin.
 *
 * The state is the last head that was signed. The role keeps it in a file and MUST store the state that a signing
 * returns (write, sync, rename, sync the folder) before it shows the note to anyone. */
#ifndef TLOG_SIGNER_H
#define TLOG_SIGNER_H

#include "tlog/checkpoint.h"

struct signer_state {
    char origin[NOTE_NAME_MAX + 1];
    struct tlog_head head; /* size 0 and the empty root before the first signing */
    int64_t signed_ns;     /* UTC, when; 0 before the first */
};

struct signer_request {
    struct str origin;
    struct tlog_head head;
    const struct tlog_path *consistency; /* from state.head to head; empty when one of them is the other or size 0 */
    int64_t now_ns;
};

/* The beginning of an origin. RC_INVALID when the origin is not fit to be a key name. */
enum rc signer_state_init(struct signer_state *ret_state, struct str origin, struct err *err) MUST_USE;
/* RC_DENIED when the origin is another, the tree is smaller, has the same size and another root, or the proof does not
 * hold; RC_LIMIT without memory. `state` is never changed; ret_state may be `state`, then it is changed on RC_OK only.
 */
enum rc signer_sign(const struct signer_state *state, const struct signing_key *key,
                    const struct signer_request *request, struct signer_state *ret_state, struct buf *ret_note,
                    struct err *err) MUST_USE;

/* Five lines: "qorgan signer state v1", origin, size, base64 root, time in ns. */
void signer_state_write(const struct signer_state *state, struct buf *ret_text);
enum rc signer_state_parse(struct str text, struct signer_state *ret_state, struct err *err) MUST_USE;

#endif
