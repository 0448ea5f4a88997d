/* checkpoint.h - C2SP tlog-checkpoint v1.0.0: the text of a note that names a tree: origin, size, base64 of the root,
 * each on a line. Extension lines are accepted and kept, never written. */
#ifndef TLOG_CHECKPOINT_H
#define TLOG_CHECKPOINT_H

#include "tlog/key.h"
#include "tlog/note.h"
#include "tlog/tree.h"

/* Borrowed from the text that was parsed. */
struct checkpoint {
    struct str origin;
    struct tlog_head head;
    struct str extensions; /* whole lines, or empty */
};

enum rc checkpoint_parse(struct str text, struct checkpoint *ret_checkpoint, struct err *err) MUST_USE;
/* The text, three lines, unsigned. */
void checkpoint_write(struct str origin, const struct tlog_head *head, struct buf *ret_text);
/* The whole note, signed by the key. RC_INVALID when the origin is not fit. */
enum rc checkpoint_sign(const struct signing_key *key, struct str origin, const struct tlog_head *head,
                        struct buf *ret_note, struct err *err) MUST_USE;
/* A note of the log whose key this is: parsed, signature verified, origin equal to the key's name. Errors as
 * note_parse, checkpoint_parse and note_verify; RC_DENIED for another origin. */
enum rc checkpoint_open(struct str bytes, const struct note_key *key, struct note *ret_note,
                        struct checkpoint *ret_checkpoint, struct err *err) MUST_USE;

#endif
