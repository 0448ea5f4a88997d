/* reaper.c - the only process that may unlink. It does not believe the keeper.
 *
 * A log file goes when the sealed segment that took its records is there: of the same first number, and longer than its
 * header. A segment goes when archive_retire_judge says so, which reads the archive by itself: tombstone, retention
 * record, checkpoint, acts, settings and both clocks. Its keys go after it; keys that a power cut left go later, judged
 * like it. A file that the packer made takes the place of its segment when the same was found in both (replace.h).
 */
#include "archive/retire.h"
#include "archive/sealed.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/io.h"
#include "role/keep.h"
#include "role/log.h"
#include "role/replace.h"
#include "role/roles.h"
#include "tlog/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE      64
#define SEGMENT_HEADER 4096
#define READER_IDLE_NS UINT64_C(2000000000)
#define ORPHANS_NS     UINT64_C(60000000000)
#define ORPHAN_TRIES   5

struct reaper {
    int log_folder;
    int segment_folder;
    int archive;
    struct keep keep;
    struct policy *signers;
    char keep_error[ERR_TEXT_MAX]; /* no segment goes */
    struct vault *vault;
    struct replace *replace;
    struct archive_reader *reader; /* while segments are being asked for: it holds log files that may be unlinked */
    uint64_t read_ns;              /* boot time of its last use */
    unsigned orphan_tries;         /* to remove keys that a power cut left */
    uint64_t orphans_ns;           /* boot time of the next */
};

/* Whom a checkpoint has to be signed by, told by the parent and not by the keeper. */
static enum rc signers_load(struct reaper *reaper, struct arena *arena, struct err *err)
{
    struct str text = arena_str(arena, process_secret("witness-policy")); /* the policy borrows from it */
    struct note_key key;
    reaper->signers = arena_alloc(arena, sizeof *reaper->signers);
    if (!reaper->signers)
        return err_set(err, RC_LIMIT, "no memory for the log's key");
    enum rc rc = note_key_parse(process_secret("signer-public"), &key, err);
    if (rc != RC_OK)
        return rc;
    policy_of_key(&key, reaper->signers);
    rc = text.n ? policy_parse(text, reaper->signers, err) : RC_OK;
    reaper->signers->log[0] = key; /* whatever other logs the file of the witnesses names */
    reaper->signers->log_count = 1;
    return rc;
}

/* What is left of deleted segments is looked for again. */
static void orphans_look(void *context)
{
    struct reaper *reaper = context;
    reaper->orphan_tries = ORPHAN_TRIES;
    reaper->orphans_ns = 0;
}

static enum rc reaper_start(struct process *process, void **ret_self, struct err *err)
{
    static struct reaper reaper;
    reaper.log_folder = process_handle(process, "log-folder", -1);
    reaper.segment_folder = process_handle(process, "segment-folder", -1);
    if (reaper.log_folder < 0 || reaper.segment_folder < 0)
        return err_set(err, RC_INVALID, "the reaper was given no folders");
    struct err reason = {0};
    reaper.archive = process_handle(process, "archive", -1);
    if (keep_parse(&process->config, process_secret("retention-law"), clock_real_ns(), &reaper.keep, &reason) != RC_OK)
        snprintf(reaper.keep_error, sizeof reaper.keep_error, "%s", reason.text);
    else if (signers_load(&reaper, process->arena, &reason) != RC_OK)
        snprintf(reaper.keep_error, sizeof reaper.keep_error, "%s", reason.text);
    reaper.orphan_tries = ORPHAN_TRIES;
    *ret_self = &reaper;
    enum rc rc = process_vault(&reaper.vault, err);
    if (rc != RC_OK)
        return rc;
    const struct replace_options options = {.archive = reaper.archive,
                                            .segments = reaper.segment_folder,
                                            .vault = reaper.vault,
                                            .stray = orphans_look,
                                            .context = &reaper};
    reaper.replace = replace_new(&options);
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
    return result;
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

static void reader_close(struct reaper *reaper)
{
    archive_reader_close(reaper->reader);
    reaper->reader = NULL;
}

static enum rc judge(struct reaper *reaper,
                     enum rc (*ask)(struct archive_reader *reader, uint64_t first,
                                    const struct retire_question *question, struct err *err),
                     uint64_t first, struct err *err)
{
    struct archive_reader_options options = {.vault = reaper->vault};
    struct retire_question question = {.law = &reaper->keep.law,
                                       .policy = &reaper->keep.policy,
                                       .signers = reaper->signers,
                                       .wall_ns = clock_real_ns()};
    if (reaper->keep_error[0])
        return err_set(err, RC_DENIED, "%s", reaper->keep_error);
    enum rc rc = RC_OK;
    if (!reaper->reader)
        rc = archive_reader_open(&io_kernel, reaper->archive, &options, &reaper->reader, err);
    if (rc == RC_DENIED && reaper->vault) /* a master key was added: the parent starts us anew with the present ring */
        process_stop(EXIT_FAILURE);
    rc = rc == RC_OK ? ask(reaper->reader, first, &question, err) : rc;
    reaper->read_ns = clock_boot_ns();
    if (rc != RC_OK)
        reader_close(reaper);
    return rc;
}

static enum rc segment_delete(struct reaper *reaper, uint64_t first, struct err *err)
{
    reaper->orphan_tries = ORPHAN_TRIES; /* should its keys not go with it */
    bool gone = false;
    enum rc rc = is_gone(reaper, first, &gone, err);
    if (rc != RC_OK || gone) /* asked again after it was done */
        return rc;
    rc = judge(reaper, archive_retire_judge, first, err);
    return rc == RC_OK ? segment_unlink(reaper, first, err) : rc;
}

static void on_delete(struct reaper *reaper, struct channel *channel, const struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint64_t first = read_be64(&in);
    struct err err = {0};
    struct buf body;
    enum rc rc = reader_done(&in) ? segment_delete(reaper, first, &err) : err_set(&err, RC_INVALID, "not a number");
    if (rc != RC_OK)
        log_warning("the segment of record %llu stays: %s", (unsigned long long)first, err.text);
    buf_init(&body, 4096);
    buf_be64(&body, first);
    buf_text(&body, rc == RC_OK ? "" : err.text);
    if (!channel_send(channel, MSG_DELETED, 0, buf_view(&body)))
        log_warning("the keeper does not take its answer");
    buf_done(&body);
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

static enum rc orphan_unlink(struct reaper *reaper, uint64_t first, struct err *err)
{
    enum rc rc = judge(reaper, archive_retire_judge_keys, first, err);
    if (rc != RC_OK)
        return rc;
    int result = packed_unlink(reaper, first);
    result = result < 0 ? result : keys_unlink(reaper, first);
    result = result < 0 ? result : io_kernel.sync(NULL, reaper->segment_folder);
    return result < 0 ? err_errno(err, -result, "they could not be removed") : RC_OK;
}

/* False when some stay: the keeper may be at work on what the judge reads, so it is tried again. */
static bool orphans_unlink(struct reaper *reaper)
{
    bool all = true;
    for (uint64_t from = 0;;) {
        struct err err = {0};
        struct orphan_search search = {.reaper = reaper, .from = from, .err = &err};
        int result = io_kernel.list(NULL, reaper->segment_folder, orphan_is, &search);
        if (result < 0 || search.rc != RC_OK) {
            log_warning("what is left of deleted segments cannot be looked for: %s",
                        result < 0 ? strerror(-result) : err.text);
            return false;
        }
        if (!search.found)
            return all;
        if (orphan_unlink(reaper, search.first, &err) != RC_OK) {
            log_warning("what is left of the deleted segment of record %llu stays: %s",
                        (unsigned long long)search.first, err.text);
            all = false;
        }
        from = search.first + 1;
    }
}

static void reaper_tick(void *self, int64_t now_real_ns)
{
    (void)now_real_ns;
    struct reaper *reaper = self;
    if (replace_step(reaper->replace, clock_boot_ns()) == RC_DENIED && reaper->vault)
        process_stop(EXIT_FAILURE); /* a master key was added: the parent starts us anew with the present ring */
    if (reaper->orphan_tries && clock_boot_ns() >= reaper->orphans_ns) {
        reaper->orphan_tries = orphans_unlink(reaper) ? 0 : reaper->orphan_tries - 1;
        reaper->orphans_ns = clock_boot_ns() + ORPHANS_NS;
    }
    if (reaper->reader && clock_boot_ns() - reaper->read_ns >= READER_IDLE_NS)
        reader_close(reaper);
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
        on_delete(reaper, channel, msg);
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

static size_t reaper_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    ASSERT(size >= 3);
    struct buf path;
    buf_init(&path, 4096);
    buf_format(&path, "%.*s/archive/wal", STR_ARG(config->data));
    ret[0] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_REMOVE};
    buf_clear(&path);
    buf_format(&path, "%.*s/archive/seg", STR_ARG(config->data));
    ret[1] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)),
                                   .access = SANDBOX_READ | SANDBOX_REMOVE | SANDBOX_RENAME};
    buf_clear(&path);
    buf_format(&path, "%.*s/archive", STR_ARG(config->data));
    ret[2] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    buf_done(&path);
    return 3;
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
};
