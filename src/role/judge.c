/* judge.c - decodes what the reaper is asked to replace or to remove, and says whether it may. It has no right on the
 * file system: it reads what the reaper opens for it (judging.h), changes nothing, and holds the master keys for that.
 *
 *   comparing: archive/repack.h, a block a step, then the digest of the packed file ── a decision goes in between:
 *   archive/retire.h, all at once; the reader that it needs is kept for a while, for the next one.
 *
 * Whatever happens to it, the reaper takes for a no. */
#include "archive/repack.h"
#include "archive/retire.h"
#include "archive/segment.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "event/names.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/judge_io.h"
#include "role/judging.h"
#include "role/keep.h"
#include "role/log.h"
#include "role/roles.h"
#include "tlog/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READER_IDLE_NS UINT64_C(2000000000) /* it holds log files that may be removed */
#define ASK_NS         UINT64_C(60000000000)
#define PIECE          ((size_t)1 << 20)
#define PIECES         64u /* hashed in one step */
#define MEMORY_MAX     (UINT64_C(8) << 30)

struct question {
    bool open;
    uint64_t id;
    enum judging_kind kind;
    uint64_t first;
};

struct comparison {
    struct question question;
    struct names *names; /* of one segment: fresh ones each time */
    struct archive_reader *reader;
    struct repack_check *check;
    int fd; /* of the packed file, once the same was found; -1 before */
    int64_t hashed;
};

struct judge {
    struct keep keep;
    struct policy *signers;
    char keep_error[ERR_TEXT_MAX]; /* no segment goes */
    struct vault *vault;
    struct judge_io *io;
    struct tlog_hasher *hasher;
    char *piece;
    struct channel *reaper; /* NULL: it is away */
    int archive;            /* folder; -1 until it was asked for */
    bool left;              /* the reaper went: nobody waits for an answer */
    struct comparison same;
    struct question decision;
    struct archive_reader *reader; /* of decisions */
    uint64_t read_ns;              /* boot time of its last use */
    uint64_t turn;                 /* the last OPEN */
    bool opened;
    int given;    /* -errno or the descriptor */
    bool unready; /* its ring is not the present one: the next judge knows better */
};

/* ---- start ---- */

/* Whom a checkpoint has to be signed by, told by the parent and not by the keeper. */
static enum rc signers_load(struct judge *judge, struct arena *arena, struct err *err)
{
    struct str text = arena_str(arena, process_secret("witness-policy")); /* the policy borrows from it */
    struct note_key key;
    judge->signers = arena_alloc(arena, sizeof *judge->signers);
    if (!judge->signers)
        return err_set(err, RC_LIMIT, "no memory for the log's key");
    enum rc rc = note_key_parse(process_secret("signer-public"), &key, err);
    if (rc != RC_OK)
        return rc;
    policy_of_key(&key, judge->signers);
    rc = text.n ? policy_parse(text, judge->signers, err) : RC_OK;
    judge->signers->log[0] = key; /* whatever other logs the file of the witnesses names */
    judge->signers->log_count = 1;
    return rc;
}

static int ask(void *context, enum judging_folder folder, const char *name);

static enum rc judge_start(struct process *process, void **ret_self, struct err *err)
{
    static struct judge judge = {.archive = -1, .same.fd = -1};
    const struct judge_io_options options = {.ask = ask, .context = &judge};
    struct err reason = {0};
    if (keep_parse(&process->config, process_secret("retention-law"), clock_real_ns(), &judge.keep, &reason) != RC_OK ||
        signers_load(&judge, process->arena, &reason) != RC_OK)
        snprintf(judge.keep_error, sizeof judge.keep_error, "%s", reason.text);
    judge.hasher = tlog_hasher_new(); /* before the sandbox: the library may look for its settings */
    judge.piece = arena_alloc_raw(process->arena, PIECE);
    judge.io = judge_io_new(&options);
    *ret_self = &judge;
    if (!judge.hasher || !judge.piece || !judge.io)
        return err_set(err, RC_LIMIT, "no memory to judge");
    return process_vault(&judge.vault, err);
}

/* ---- what is read ---- */

/* Waits for the reaper, which waits for nobody. */
static int ask(void *context, enum judging_folder folder, const char *name)
{
    struct judge *judge = context;
    char body[4 + JUDGING_NAME_MAX];
    struct buf out;
    uint64_t until_ns = clock_boot_ns() + ASK_NS;
    buf_init_fixed(&out, body, sizeof body);
    buf_be32(&out, folder);
    buf_text(&out, name);
    if (out.overflow || out.n >= sizeof body)
        return -ENAMETOOLONG;
    if (!judge->reaper || judge->left)
        return -EIO;
    judge->opened = false;
    if (!channel_send(judge->reaper, MSG_OPEN, ++judge->turn, buf_view(&out)))
        return -EIO;
    while (!judge->opened && !judge->left && clock_boot_ns() < until_ns)
        IGNORE(channel_wait(judge->reaper, 1000)); /* whether it is gone is told by judge_peer_down */
    return judge->opened ? judge->given : -EIO;
}

static void on_opened(struct judge *judge, struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint32_t error = read_be32(&in);
    if (!reader_done(&in) || msg->id != judge->turn || judge->opened)
        return;
    judge->opened = true;
    judge->given = error > 0 && error < 4096 ? -(int)error : -EIO;
    if (!error && msg->fd_count == 1) {
        judge->given = msg->fds[0];
        msg->fd_count = 0;
    }
}

static enum rc reader_open(struct judge *judge, struct names *names, struct archive_reader **ret_reader,
                           struct err *err)
{
    const struct archive_reader_options options = {.names = names, .vault = judge->vault};
    if (judge->archive < 0)
        judge->archive = judge_io_archive(judge->io);
    if (judge->archive < 0)
        return err_errno(err, -judge->archive, "the archive could not be read");
    enum rc rc = archive_reader_open(judge_io_table(judge->io), judge->archive, &options, ret_reader, err);
    if (rc == RC_DENIED && judge->vault) { /* a master key was added: the parent starts us anew with the present ring */
        judge->unready = true;
        process_stop(EXIT_FAILURE);
    }
    return rc;
}

static void reader_close(struct judge *judge)
{
    archive_reader_close(judge->reader);
    judge->reader = NULL;
}

/* ---- verdicts ---- */

static void answer(struct judge *judge, struct question *question, enum rc rc, const struct tlog_hash *digest,
                   const struct err *err)
{
    struct buf body;
    question->open = false;
    if (!judge->reaper || judge->left)
        return;
    buf_init(&body, 4096);
    buf_be32(&body, rc != RC_OK && judge->unready ? RC_AGAIN : rc);
    buf_put(&body, digest->bytes, sizeof digest->bytes);
    buf_text(&body, rc == RC_OK ? "" : err->text);
    if (!channel_send(judge->reaper, MSG_JUDGED, question->id, buf_view(&body)))
        log_warning("the reaper does not take its answer");
    buf_done(&body);
}

static void decide(struct judge *judge)
{
    const struct tlog_hash none = {{0}};
    const struct retire_question question = {
        .law = &judge->keep.law, .policy = &judge->keep.policy, .signers = judge->signers, .wall_ns = clock_real_ns()};
    struct question *q = &judge->decision;
    struct err err = {0};
    enum rc rc = judge->keep_error[0] ? err_set(&err, RC_DENIED, "%s", judge->keep_error) : RC_OK;
    if (rc == RC_OK && !judge->reader)
        rc = reader_open(judge, NULL, &judge->reader, &err);
    if (rc == RC_OK)
        rc = q->kind == JUDGING_KEYS ? archive_retire_judge_keys(judge->reader, q->first, &question, &err)
                                     : archive_retire_judge(judge->reader, q->first, &question, &err);
    judge->read_ns = clock_boot_ns();
    if (rc != RC_OK)
        reader_close(judge);
    answer(judge, q, rc, &none, &err);
}

static void comparison_end(struct judge *judge)
{
    struct comparison *c = &judge->same;
    repack_check_free(c->check);
    archive_reader_close(c->reader);
    names_free(c->names);
    if (c->fd >= 0)
        IGNORE(io_kernel.close(NULL, c->fd)); /* only read */
    *c = (struct comparison){.fd = -1};
}

static enum rc compare_begin(struct judge *judge, struct err *err)
{
    struct comparison *c = &judge->same;
    c->names = names_new(random_u64());
    if (!c->names)
        return err_set(err, RC_LIMIT, "no memory for names");
    enum rc rc = reader_open(judge, c->names, &c->reader, err);
    rc = rc == RC_OK ? repack_check_new(c->reader, c->question.first, &c->check, err) : rc;
    return rc == RC_OK ? RC_AGAIN : rc;
}

static enum rc hash_begin(struct judge *judge, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    struct comparison *c = &judge->same;
    segment_cold_name(c->question.first, name);
    c->fd = ask(judge, JUDGING_SEGMENTS, name);
    tlog_hash_begin(judge->hasher);
    return c->fd < 0 ? err_errno(err, -c->fd, "could not open \"%s\"", name) : RC_AGAIN;
}

/* Of the bytes as they are stored. Nothing else uses the hasher meanwhile: archive rooms have their own. */
static enum rc hash_step(struct judge *judge, struct err *err)
{
    struct comparison *c = &judge->same;
    for (unsigned i = 0; i < PIECES; i++) {
        ssize_t n = io_kernel.pread(NULL, c->fd, judge->piece, PIECE, c->hashed);
        if (n < 0)
            return err_errno(err, (int)-n, "could not read what was packed");
        if (n == 0)
            return RC_OK;
        tlog_hash_add(judge->hasher, str_at(judge->piece, (size_t)n));
        c->hashed += n;
    }
    return RC_AGAIN;
}

static enum rc compare_step(struct judge *judge, struct err *err)
{
    struct comparison *c = &judge->same;
    if (!c->check)
        return compare_begin(judge, err);
    if (c->fd >= 0)
        return hash_step(judge, err);
    enum rc rc = repack_check_step(c->check, err);
    return rc == RC_OK ? hash_begin(judge, err) : rc;
}

static void compare(struct judge *judge)
{
    struct err err = {0};
    struct tlog_hash digest = {{0}};
    enum rc rc = compare_step(judge, &err);
    if (rc == RC_AGAIN)
        return;
    if (rc == RC_OK)
        tlog_hash_end(judge->hasher, &digest);
    answer(judge, &judge->same.question, rc, &digest, &err);
    comparison_end(judge);
}

/* ---- the process ---- */

static void all_end(struct judge *judge)
{
    comparison_end(judge);
    reader_close(judge);
    if (judge->archive >= 0)
        IGNORE(judge_io_table(judge->io)->close(judge->io, judge->archive)); /* a folder */
    judge->archive = -1;
    judge->decision.open = false;
    judge->left = false;
}

static void judge_tick(void *self, int64_t now_real_ns)
{
    (void)now_real_ns;
    struct judge *judge = self;
    if (judge->left)
        all_end(judge);
    if (judge->decision.open)
        decide(judge);
    else if (judge->same.question.open)
        compare(judge);
    if (judge->reader && clock_boot_ns() - judge->read_ns >= READER_IDLE_NS)
        reader_close(judge);
}

static int judge_timeout_ms(void *self)
{
    const struct judge *judge = self;
    return judge->decision.open || judge->same.question.open ? 0 : -1;
}

static void on_question(struct judge *judge, const struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint32_t kind = read_be32(&in);
    uint64_t first = read_be64(&in);
    if (!reader_done(&in) || kind >= JUDGING_KINDS)
        return;
    const struct question question = {.open = true, .id = msg->id, .kind = (enum judging_kind)kind, .first = first};
    if (kind == JUDGING_SAME && !judge->same.question.open)
        judge->same.question = question;
    else if (kind != JUDGING_SAME && !judge->decision.open)
        judge->decision = question;
}

static void judge_message(void *self, struct channel *channel, struct msg *msg)
{
    (void)channel;
    struct judge *judge = self;
    if (msg->type == MSG_OPENED)
        on_opened(judge, msg);
    else if (msg->type == MSG_JUDGE && !judge->left)
        on_question(judge, msg);
}

static void judge_peer_up(void *self, struct channel *channel)
{
    struct judge *judge = self;
    if (judge->left)
        all_end(judge); /* a new reaper asks anew */
    judge->reaper = channel;
}

/* It may happen in the middle of a step, while it waits: what is at work ends with the next tick. */
static void judge_peer_down(void *self, enum role role, unsigned instance)
{
    (void)role;
    (void)instance;
    struct judge *judge = self;
    judge->reaper = NULL;
    judge->left = true;
}

const struct role_driver judge_driver = {
    .role = ROLE_JUDGE,
    .calls = SANDBOX_LIST,
    .memory_max = MEMORY_MAX,
    .files_max = 4096,
    .background = true,
    .start = judge_start,
    .tick = judge_tick,
    .tick_ms = 1000,
    .timeout_ms = judge_timeout_ms,
    .message = judge_message,
    .peer_up = judge_peer_up,
    .peer_down = judge_peer_down,
};
