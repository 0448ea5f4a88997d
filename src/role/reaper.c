/* reaper.c - the only process that may unlink. It does not believe the keeper, and decodes nothing of what it is asked
 * about but names and fixed headers: that is done by the judge, who may remove nothing (judging.h).
 *
 * A log file goes when the sealed segment that took its records is there: of the same first number, and longer than its
 * header. A segment goes when its tombstone is there and the judge says so, who reads the archive by itself: tombstone,
 * retention record, checkpoint, acts, settings and both clocks. Its keys go after it; keys that a power cut left go
 * later, judged like it. A file that the packer made takes the place of its segment when the judge found the same in
 * both (replace.h).
 *
 *   DELETE ──► deletions ──first of them──► judge ──yes, of the file that is still there──► unlink ──► DELETED
 */
#include "archive/sealed.h"
#include "archive/segment.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/io.h"
#include "role/judging.h"
#include "role/log.h"
#include "role/replace.h"
#include "role/retire.h"
#include "role/roles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE     64
#define ORPHANS_NS    UINT64_C(60000000000)
#define ORPHAN_TRIES  5
#define JUDGE_TRIES   3                          /* of a deletion: the judge may be killed for another's sake */
#define DELETIONS_MAX (4u * RETIRE_SEGMENTS_MAX) /* as many as the keeper asks for at once */

struct deletion {
    uint64_t first;
    unsigned tries;
};

/* What the open decision is about. */
enum deciding { DECIDING_NOTHING, DECIDING_DELETION, DECIDING_ORPHAN };

struct reaper {
    int log_folder;
    int segment_folder;
    int archive;
    struct staging staging;
    struct judging *judging;
    struct replace *replace;
    enum deciding deciding;
    struct judging_file file; /* the segment that is judged */
    struct deletion deletions[DELETIONS_MAX];
    size_t deletion_count;
    unsigned orphan_tries; /* to remove what a power cut left */
    uint64_t orphans_ns;   /* boot time of the next */
    bool orphans_looking;
    bool orphans_left;
    uint64_t orphans_from; /* looked at are these and above */
};

/* What is left of deleted segments is looked for again. */
static void orphans_look(void *context)
{
    struct reaper *reaper = context;
    reaper->orphan_tries = ORPHAN_TRIES;
    reaper->orphans_ns = 0;
}

static void on_verdict(void *context, const struct judging_question *question, const struct judging_verdict *verdict);

static void on_stuck(void *context)
{
    (void)context;
    log_error("the judge does not answer in time: it is started anew");
    process_tell(MSG_STUCK);
}

static enum rc reaper_start(struct process *process, void **ret_self, struct err *err)
{
    static struct reaper reaper = {.file.fd = -1};
    reaper.log_folder = process_handle(process, "log-folder", -1);
    reaper.segment_folder = process_handle(process, "segment-folder", -1);
    reaper.archive = process_handle(process, "archive", -1);
    if (reaper.log_folder < 0 || reaper.segment_folder < 0 || reaper.archive < 0)
        return err_set(err, RC_INVALID, "the reaper was given no folders");
    int checkpoints = -1;
    enum rc rc = folder_open(&io_kernel, reaper.archive, "checkpoints", false, &checkpoints, err);
    rc = rc == RC_OK ? folder_open(&io_kernel, reaper.archive, "pack", false, &reaper.staging.folder, err) : rc;
    if (rc != RC_OK)
        return rc;
    reaper.staging.segments = reaper.segment_folder;
    const struct judging_options judging = {.folders = {[JUDGING_ARCHIVE] = reaper.archive,
                                                        [JUDGING_LOG] = reaper.log_folder,
                                                        [JUDGING_SEGMENTS] = reaper.segment_folder,
                                                        [JUDGING_CHECKPOINTS] = checkpoints},
                                            .judged = on_verdict,
                                            .stuck = on_stuck,
                                            .context = &reaper};
    reaper.orphan_tries = ORPHAN_TRIES;
    *ret_self = &reaper;
    reaper.judging = judging_new(&judging);
    const struct replace_options options = {.archive = reaper.archive,
                                            .staging = reaper.staging,
                                            .judging = reaper.judging,
                                            .stray = orphans_look,
                                            .context = &reaper};
    reaper.replace = reaper.judging ? replace_new(&options) : NULL;
    return reaper.replace ? RC_OK : err_set(err, RC_LIMIT, "no memory to replace segments");
}

static bool log_name_valid(struct str name)
{
    if (name.n != 20 || !str_ends(name, STR(".wal")))
        return false;
    for (size_t i = 0; i < 16; i++)
        if (!char_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'f'))
            return false;
    return true;
}

/* "" when the segment is there, else why the log file stays. */
static const char *segment_check(const struct reaper *reaper, struct str log_name)
{
    char segment[NAME_SIZE];
    snprintf(segment, sizeof segment, "%.16s.seg", log_name.p);
    int fd = io_kernel.open(NULL, reaper->segment_folder, segment, IO_READ);
    if (fd < 0)
        return "no sealed segment covers it";
    int64_t size = 0;
    int result = io_kernel.size(NULL, fd, &size);
    IGNORE(io_kernel.close(NULL, fd)); /* only read */
    return result == 0 && size > SEGMENT_HEADER ? "" : "the segment that should cover it is not whole";
}

/* ---- segments ---- */

struct key_search {
    uint64_t first;
    char name[SEALED_KEY_NAME];
    bool found;
};

static bool key_is(void *context, const char *name)
{
    struct key_search *s = context;
    uint64_t first = 0;
    uint64_t serial = 0;
    if (!sealed_key_name_parse(str_of(name), &first, &serial) || first != s->first)
        return true;
    sealed_key_name(first, serial, s->name);
    s->found = true;
    return false;
}

/* One after the other: a folder is not changed while it is walked. */
static int keys_unlink(const struct reaper *reaper, uint64_t first)
{
    for (;;) {
        struct key_search search = {.first = first};
        int result = io_kernel.list(NULL, reaper->segment_folder, key_is, &search);
        if (result < 0 || !search.found)
            return result;
        result = io_kernel.unlink(NULL, reaper->segment_folder, search.name);
        if (result < 0)
            return result;
    }
}

/* Only a file that the system says is not there is absent. */
static enum rc exists(const struct reaper *reaper, uint64_t first, const char *suffix, bool *ret_there, struct err *err)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%016llx%s", (unsigned long long)first, suffix);
    int fd = io_kernel.open(NULL, reaper->segment_folder, name, IO_READ);
    *ret_there = fd != -ENOENT;
    if (fd < 0 && fd != -ENOENT)
        return err_errno(err, -fd, "could not open \"%s\"", name);
    if (fd >= 0)
        IGNORE(io_kernel.close(NULL, fd)); /* only looked at */
    return RC_OK;
}

/* The tombstone is there and the segment is not. */
static enum rc is_gone(const struct reaper *reaper, uint64_t first, bool *ret_gone, struct err *err)
{
    bool segment = true;
    bool tombstone = false;
    enum rc rc = exists(reaper, first, ".seg", &segment, err);
    rc = rc == RC_OK && !segment ? exists(reaper, first, ".gone", &tombstone, err) : rc;
    *ret_gone = rc == RC_OK && !segment && tombstone;
    return rc;
}

/* What was packed of it has the same records, and goes first. */
static int packed_unlink(const struct reaper *reaper, uint64_t first)
{
    static const char *const suffixes[] = {"cold", "pack"};
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(suffixes) && result >= 0; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%016llx.%s", (unsigned long long)first, suffixes[i]);
        result = io_kernel.unlink(NULL, reaper->segment_folder, name);
        result = result == -ENOENT ? 0 : result;
    }
    return result < 0 ? result : staging_remove(&reaper->staging, first);
}

static enum rc segment_unlink(const struct reaper *reaper, uint64_t first, struct err *err)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)first);
    int result = packed_unlink(reaper, first);
    if (result >= 0)
        result = io_kernel.unlink(NULL, reaper->segment_folder, name);
    if (result >= 0)
        result = io_kernel.sync(NULL, reaper->segment_folder);
    if (result >= 0 && (result = keys_unlink(reaper, first)) >= 0)
        result = io_kernel.sync(NULL, reaper->segment_folder);
    return result < 0 ? err_errno(err, -result, "could not remove segment \"%s\"", name) : RC_OK;
}

static void deleted(uint64_t first, enum rc rc, const char *why)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    struct buf body;
    if (rc != RC_OK)
        log_warning("the segment of record %llu stays: %s", (unsigned long long)first, why);
    if (!keeper)
        return; /* it asks again when it is back */
    buf_init(&body, 4096);
    buf_be64(&body, first);
    buf_text(&body, rc == RC_OK ? "" : why);
    if (!channel_send(keeper, MSG_DELETED, 0, buf_view(&body)))
        log_warning("the keeper does not take its answer");
    buf_done(&body);
}

static void deletion_done(struct reaper *reaper, enum rc rc, const char *why)
{
    uint64_t first = reaper->deletions[0].first;
    ASSERT(reaper->deletion_count > 0);
    reaper->deletion_count--;
    memmove(reaper->deletions, reaper->deletions + 1, reaper->deletion_count * sizeof *reaper->deletions);
    deleted(first, rc, why);
}

/* Of the first one that waits. RC_AGAIN: the judge was asked, or cannot be asked now. */
static enum rc deletion_ask(struct reaper *reaper, struct err *err)
{
    uint64_t first = reaper->deletions[0].first;
    char name[SEGMENT_NAME_MAX];
    bool gone = false;
    enum rc rc = is_gone(reaper, first, &gone, err);
    if (rc != RC_OK || gone) /* asked again after it was done */
        return rc;
    if (!judging_free_for(reaper->judging, JUDGING_DELETE))
        return RC_AGAIN;
    segment_name(first, name);
    rc = judging_file_open(reaper->segment_folder, name, &reaper->file, err);
    if (rc != RC_OK)
        return rc;
    const struct judging_question question = {
        .kind = JUDGING_DELETE, .first = first, .files = &reaper->file, .file_count = 1};
    rc = judging_ask(reaper->judging, &question, clock_boot_ns());
    if (rc == RC_OK)
        reaper->deciding = DECIDING_DELETION;
    else
        judging_file_close(&reaper->file);
    return RC_AGAIN;
}

/* The judge read this very file, and its tombstone is there. */
static enum rc deletion_do(struct reaper *reaper, uint64_t first, struct err *err)
{
    bool tombstone = false;
    enum rc rc = exists(reaper, first, ".gone", &tombstone, err);
    if (rc == RC_OK && !tombstone)
        rc = err_set(err, RC_DENIED, "its tombstone is not there");
    rc = rc == RC_OK ? judging_file_still(reaper->segment_folder, &reaper->file, err) : rc;
    return rc == RC_OK ? segment_unlink(reaper, first, err) : rc;
}

static void deletion_judged(struct reaper *reaper, const struct judging_verdict *verdict)
{
    struct deletion *deletion = &reaper->deletions[0];
    struct err err = {0};
    ASSERT(reaper->deletion_count > 0);
    /* Nothing was said of the segment: the judge ended, or is started anew with the present keys. */
    bool again = verdict->rc == RC_AGAIN || verdict->rc == RC_IO;
    if (again && ++deletion->tries < JUDGE_TRIES) {
        judging_file_close(&reaper->file);
        return;
    }
    enum rc rc = verdict->rc == RC_OK ? deletion_do(reaper, deletion->first, &err)
                                      : err_set(&err, verdict->rc, "%s", verdict->text);
    judging_file_close(&reaper->file);
    deletion_done(reaper, rc, err.text);
}

static void on_delete(struct reaper *reaper, const struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint64_t first = read_be64(&in);
    if (!reader_done(&in)) {
        log_warning("the keeper asks for a deletion that is no number");
        return;
    }
    reaper->orphan_tries = ORPHAN_TRIES; /* should its keys not go with it */
    for (size_t i = 0; i < reaper->deletion_count; i++)
        if (reaper->deletions[i].first == first)
            return; /* it waits already */
    if (reaper->deletion_count == DELETIONS_MAX)
        deleted(first, RC_LIMIT, "too many deletions wait");
    else
        reaper->deletions[reaper->deletion_count++] = (struct deletion){.first = first};
}

/* ---- what is left of segments that are gone: keys, when the power went in between; what was packed late ---- */

struct orphan_search {
    const struct reaper *reaper;
    uint64_t from;  /* looked at are these and above */
    uint64_t first; /* the lowest that was found */
    bool found;
    struct err *err;
    enum rc rc;
};

static bool orphan_is(void *context, const char *name)
{
    struct orphan_search *s = context;
    uint64_t first = 0;
    uint64_t serial = 0;
    bool gone = false;
    bool key = sealed_key_name_parse(str_of(name), &first, &serial);
    bool packed = !key && sealed_name_parse(str_of(name), &first) &&
                  (str_ends(str_of(name), STR(".cold")) || str_ends(str_of(name), STR(".pack")));
    if ((!key && !packed) || first < s->from || (s->found && first >= s->first))
        return true;
    s->rc = is_gone(s->reaper, first, &gone, s->err);
    if (gone) {
        s->first = first;
        s->found = true;
    }
    return s->rc == RC_OK;
}

/* The judge let go what the deleted segment left. */
static enum rc orphan_unlink(const struct reaper *reaper, uint64_t first, struct err *err)
{
    bool gone = false;
    enum rc rc = is_gone(reaper, first, &gone, err);
    if (rc != RC_OK || !gone)
        return rc == RC_OK ? err_set(err, RC_DENIED, "the segment is there") : rc;
    int result = packed_unlink(reaper, first);
    result = result < 0 ? result : keys_unlink(reaper, first);
    result = result < 0 ? result : io_kernel.sync(NULL, reaper->segment_folder);
    return result < 0 ? err_errno(err, -result, "they could not be removed") : RC_OK;
}

static void orphan_judged(struct reaper *reaper, uint64_t first, const struct judging_verdict *verdict)
{
    struct err err = {0};
    enum rc rc =
        verdict->rc == RC_OK ? orphan_unlink(reaper, first, &err) : err_set(&err, verdict->rc, "%s", verdict->text);
    if (rc != RC_OK)
        log_warning("what is left of the deleted segment of record %llu stays: %s", (unsigned long long)first,
                    err.text);
    reaper->orphans_left = reaper->orphans_left || rc != RC_OK;
}

/* When some stay, the keeper may be at work on what the judge reads: it is tried again. */
static void orphans_end(struct reaper *reaper, bool left)
{
    reaper->orphans_looking = false;
    reaper->orphan_tries = left ? reaper->orphan_tries - (reaper->orphan_tries > 0) : 0;
    reaper->orphans_ns = clock_boot_ns() + ORPHANS_NS;
}

/* Asks about the next one. */
static void orphans_step(struct reaper *reaper)
{
    struct err err = {0};
    if (!reaper->orphans_looking) {
        if (!reaper->orphan_tries || clock_boot_ns() < reaper->orphans_ns)
            return;
        reaper->orphans_looking = true;
        reaper->orphans_left = false;
        reaper->orphans_from = 0;
    }
    struct orphan_search search = {.reaper = reaper, .from = reaper->orphans_from, .err = &err};
    int result = io_kernel.list(NULL, reaper->segment_folder, orphan_is, &search);
    if (result >= 0 && search.rc == RC_OK)
        result = io_kernel.list(NULL, reaper->staging.folder, orphan_is, &search);
    if (result < 0 || search.rc != RC_OK) {
        log_warning("what is left of deleted segments cannot be looked for: %s",
                    result < 0 ? strerror(-result) : err.text);
        orphans_end(reaper, true);
        return;
    }
    if (!search.found) {
        orphans_end(reaper, reaper->orphans_left);
        return;
    }
    const struct judging_question question = {.kind = JUDGING_KEYS, .first = search.first};
    if (judging_ask(reaper->judging, &question, clock_boot_ns()) != RC_OK)
        return;
    reaper->deciding = DECIDING_ORPHAN;
    reaper->orphans_from = search.first + 1;
}

/* ---- decisions, one at a time: deletions first ---- */

static void decide_next(struct reaper *reaper)
{
    while (reaper->deciding == DECIDING_NOTHING && reaper->deletion_count) {
        struct err err = {0};
        enum rc rc = deletion_ask(reaper, &err);
        if (rc == RC_AGAIN)
            return;
        deletion_done(reaper, rc, err.text);
    }
    if (reaper->deciding == DECIDING_NOTHING && judging_free_for(reaper->judging, JUDGING_KEYS))
        orphans_step(reaper);
}

static void on_verdict(void *context, const struct judging_question *question, const struct judging_verdict *verdict)
{
    struct reaper *reaper = context;
    if (question->kind == JUDGING_SAME) {
        replace_judged(reaper->replace, verdict);
        return;
    }
    enum deciding deciding = reaper->deciding;
    reaper->deciding = DECIDING_NOTHING;
    if (deciding == DECIDING_DELETION)
        deletion_judged(reaper, verdict);
    else
        orphan_judged(reaper, question->first, verdict);
}

static void reaper_tick(void *self, int64_t now_real_ns)
{
    (void)now_real_ns;
    struct reaper *reaper = self;
    judging_tick(reaper->judging, clock_boot_ns());
    replace_step(reaper->replace, clock_boot_ns());
    decide_next(reaper);
}

static int reaper_timeout_ms(void *self)
{
    const struct reaper *reaper = self;
    return replace_busy(reaper->replace) ? 0 : -1;
}

static void reaper_message(void *self, struct channel *channel, struct msg *msg)
{
    struct reaper *reaper = self;
    if (msg->type == MSG_DELETE)
        on_delete(reaper, msg);
    judging_message(reaper->judging, msg);
    if (msg->type == MSG_DELETE || msg->type == MSG_JUDGED)
        decide_next(reaper);
    if (msg->type != MSG_DROP)
        return;
    char name[NAME_SIZE];
    const char *reason = "the name is not that of a log file";
    if (log_name_valid(msg->body) && str_copy_z(msg->body, name, sizeof name)) {
        reason = segment_check(reaper, msg->body);
        int result = *reason ? 0 : io_kernel.unlink(NULL, reaper->log_folder, name);
        if (result == 0 && !*reason)
            result = io_kernel.sync(NULL, reaper->log_folder);
        if (result < 0 && result != -ENOENT)
            reason = strerror(-result);
    }
    struct buf body;
    buf_init(&body, 4096);
    buf_str(&body, str_slice(msg->body, 0, NAME_SIZE));
    buf_char(&body, '\0');
    buf_text(&body, reason);
    if (!channel_send(channel, MSG_DROPPED, 0, buf_view(&body)))
        log_warning("the keeper does not take its answer");
    buf_done(&body);
}

static void reaper_peer_up(void *self, struct channel *channel)
{
    struct reaper *reaper = self;
    if (channel_peer(channel) == ROLE_JUDGE)
        judging_up(reaper->judging, channel);
    decide_next(reaper);
}

static void reaper_peer_down(void *self, enum role role, unsigned instance)
{
    (void)instance;
    struct reaper *reaper = self;
    if (role == ROLE_JUDGE)
        judging_down(reaper->judging);
}

static size_t reaper_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    ASSERT(size >= 4);
    struct buf path;
    buf_init(&path, 4096);
    buf_format(&path, "%.*s/archive/wal", STR_ARG(config->data));
    ret[0] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_REMOVE};
    buf_clear(&path);
    buf_format(&path, "%.*s/archive/seg", STR_ARG(config->data));
    ret[1] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)),
                                   .access = SANDBOX_READ | SANDBOX_REMOVE | SANDBOX_RENAME | SANDBOX_MOVE};
    buf_clear(&path);
    buf_format(&path, "%.*s/archive/pack", STR_ARG(config->data));
    ret[3] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)),
                                   .access = SANDBOX_READ | SANDBOX_REMOVE | SANDBOX_MOVE};
    buf_clear(&path);
    buf_format(&path, "%.*s/archive", STR_ARG(config->data));
    ret[2] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    buf_done(&path);
    return 4;
}

const struct role_driver reaper_driver = {
    .role = ROLE_REAPER,
    .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_UNLINK,
    .files_max = 4096,
    .paths = reaper_paths,
    .start = reaper_start,
    .tick = reaper_tick,
    .timeout_ms = reaper_timeout_ms,
    .tick_ms = 1000,
    .message = reaper_message,
    .peer_up = reaper_peer_up,
    .peer_down = reaper_peer_down,
};
