/* witness.h - C2SP tlog-witness v1.0.0 without I/O: the request "add-checkpoint", what a witness answers to it, and
 * what it remembers of a log.
 *
 *   old <size>
 *   <base64 hash>          the consistency proof from that size, at most 63 lines
 *
 *   <checkpoint note>
 *
 * Only the newest checkpoint of a log is remembered. Whoever keeps the memory MUST store the new one (write, sync,
 * rename, sync the folder) before the answer leaves, and judge the next request against it: else two requests that
 * cross could make the witness sign a tree that is shorter than one it signed. */
#ifndef TLOG_WITNESS_H
#define TLOG_WITNESS_H

#include "tlog/checkpoint.h"

#define WITNESS_PROOF_MAX   63
#define WITNESS_REQUEST_MAX ((size_t)NOTE_SIZE_MAX + 4096)
/* Of the checkpoint note: the memory of it, with its header and the witness's own line, stays a note that parses. */
#define WITNESS_NOTE_MAX ((size_t)NOTE_SIZE_MAX - 1024)

/* Status codes of HTTP, which the specification binds to these meanings. */
enum witness_status {
    WITNESS_COSIGN = 200,   /* all checks passed: store, then cosign */
    WITNESS_BAD = 400,      /* not a request, or the old size is above the checkpoint's */
    WITNESS_UNSIGNED = 403, /* no line of a known key of that origin verifies */
    WITNESS_UNKNOWN = 404,  /* the origin has no known key */
    WITNESS_CONFLICT = 409, /* the old size is not the one remembered, or the same size has another root */
    WITNESS_UNPROVEN = 422, /* the proof does not hold */
};

/* Borrowed from the bytes that were parsed. Large. */
struct witness_request {
    uint64_t old_size;
    struct tlog_path path;
    struct str bytes; /* the checkpoint note, whole */
    struct note note;
    struct checkpoint checkpoint;
};

/* RC_INVALID when it is not a request: each line is checked, base64 is strict, numbers have one form. */
enum rc witness_request_parse(struct str body, struct witness_request *ret_request, struct err *err) MUST_USE;
/* What a log sends. */
void witness_request_write(uint64_t old_size, const struct tlog_path *path, struct str note, struct buf *ret_body);

/* Whether a known key signed the checkpoint: WITNESS_COSIGN so far, WITNESS_UNKNOWN or WITNESS_UNSIGNED. A log's key
 * has the log's origin as its name; several keys of one origin are fine. */
enum witness_status witness_signed(const struct witness_request *request, const struct note_key *keys, size_t count,
                                   struct err *err);
/* The request against the head that is remembered of that log (size 0 and the empty root when there is none). On
 * WITNESS_CONFLICT the answer's body is seen->size. err says why it is not WITNESS_COSIGN. */
enum witness_status witness_judge(struct tlog_hasher *hasher, const struct tlog_head *seen,
                                  const struct witness_request *request, struct err *err);

/* What is remembered of a log. */
struct witness_memory {
    struct tlog_head head;
    uint64_t cosigned_s; /* POSIX time of the newest cosignature; 0 never */
    uint64_t grown_s;    /* when its size last rose */
    char origin[NOTE_NAME_MAX + 1];
};

/* Nothing is known of the origin. RC_INVALID when it is not fit to be a key's name. */
enum rc witness_memory_init(struct witness_memory *ret_memory, struct str origin, struct err *err) MUST_USE;
/* What is to be remembered once the request was judged WITNESS_COSIGN. */
void witness_memory_take(struct witness_memory *memory, const struct witness_request *request, uint64_t now_s);
/* "qorgan witness state v1", "cosigned <s>", "grown <s>", an empty line, then the checkpoint's text, an empty line, the
 * lines of the log's known keys and the cosignature. `keys` and `line` as they were used. */
void witness_memory_write(const struct witness_memory *memory, const struct witness_request *request,
                          const struct note_key *keys, size_t count, struct str line, struct buf *ret_text);
/* RC_CORRUPT when it is not of this version, or the witness's own key did not cosign what it holds. */
enum rc witness_memory_parse(struct str text, const struct note_key *own, struct witness_memory *ret_memory,
                             struct err *err) MUST_USE;

#endif
