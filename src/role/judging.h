/* judging.h - the reaper asks, another process judges: no stranger's bytes are decoded where files can be removed.
 *
 *   reaper ── JUDGE: kind, first record ──► judge        the judge has no right on the file system: it asks for what it
 *          ◄─ OPEN: folder, name ───────            wants to read, and reads from the descriptors that it is given
 *          ── OPENED: descriptor ───────►
 *          ◄─ JUDGED: yes, or why not ──
 *
 *   JUDGE    u32 enum judging_kind, u64 first record
 *   JUDGED   u32 enum rc, SHA-256 of the packed file's bytes (zeros but for "the same"), reason: empty with RC_OK only
 *   OPEN     u32 enum judging_folder, name; without a name the folder itself, to be listed
 *   OPENED   u32 error number, or 0 and the descriptor
 *
 * JUDGED has the id of its JUDGE, OPENED that of its OPEN. One comparison and one decision may be open at once; a
 * decision goes first. RC_AGAIN: nothing is wrong with the file, ask again. This header is the reaper's side; the other
 * is judge.c. No answer in time, nonsense, or the end of the judge is a refusal. */
#ifndef ROLE_JUDGING_H
#define ROLE_JUDGING_H

#include "archive/segment.h"
#include "base/err.h"
#include "msg/msg.h"
#include "os/io.h"
#include "tlog/hash.h"

#include <stdbool.h>
#include <stdint.h>

enum judging_kind {
    JUDGING_SAME,   /* the packed file beside a segment holds the same: archive/repack.h */
    JUDGING_DELETE, /* the segment may go: archive_retire_judge */
    JUDGING_KEYS,   /* what a segment that is gone left may go: archive_retire_judge_keys */
    JUDGING_KINDS
};
enum judging_folder { JUDGING_ARCHIVE, JUDGING_LOG, JUDGING_SEGMENTS, JUDGING_CHECKPOINTS, JUDGING_FOLDERS };

#define JUDGING_NAME_MAX 64 /* of a file that the judge asks for, terminated */

/* A file that is judged: open all the time, so that none can take its place unseen. */
struct judging_file {
    char name[SEGMENT_NAME_MAX]; /* in seg/ */
    int fd;                      /* -1: none */
    struct io_identity identity;
};
/* Opens it for reading. RC_NOT_FOUND; RC_DENIED: it is no file; RC_IO. */
enum rc judging_file_open(int folder, const char *name, struct judging_file *ret_file, struct err *err) MUST_USE;
/* Whether the name still is that file, as long as it was. RC_DENIED, RC_IO. */
enum rc judging_file_still(int folder, const struct judging_file *file, struct err *err) MUST_USE;
void judging_file_close(struct judging_file *file);

struct judging_question {
    enum judging_kind kind;
    uint64_t first;
    const struct judging_file *files; /* borrowed until the verdict: what the judge gets under these names */
    size_t file_count;
};
struct judging_verdict {
    enum rc rc;
    struct tlog_hash digest; /* of the packed file, JUDGING_SAME */
    char text[ERR_TEXT_MAX]; /* why not */
};

struct judging_options {
    int folders[JUDGING_FOLDERS]; /* open for reading; borrowed */
    void (*judged)(void *context, const struct judging_question *question, const struct judging_verdict *verdict);
    void (*stuck)(void *context); /* the judge must be killed; judging_down follows */
    void *context;
};

struct judging;

struct judging *judging_new(const struct judging_options *options); /* NULL without memory */
void judging_free(struct judging *judging);                         /* asks no verdict; NULL is fine */
void judging_up(struct judging *judging, struct channel *channel);
void judging_down(struct judging *judging); /* what was asked is refused */
/* Whether a question of that kind can be asked now. */
bool judging_free_for(const struct judging *judging, enum judging_kind kind);
/* Only when free for it; `judged` is called once, later. The judge has ten minutes, and a second for each 256 KiB of
 * the files. RC_AGAIN: the judge does not take it. */
enum rc judging_ask(struct judging *judging, const struct judging_question *question, uint64_t boot_ns) MUST_USE;
/* MSG_JUDGED, MSG_OPEN. */
void judging_message(struct judging *judging, const struct msg *msg);
void judging_tick(struct judging *judging, uint64_t boot_ns); /* once a second */

#endif
