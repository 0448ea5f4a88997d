/* verifier.c - judges the signatures of one document that a person gave, for the desk; then it ends, and the parent
 * starts a fresh one: whatever a file does to the process that reads it, the next file meets none of it.
 *
 *   idle ──[MSG_VERIFY_BESIDE]──MSG_VERIFY──► certificates and lists read, judged ──MSG_VERIFIED──► MSG_VERIFY_STOP:
 * exit └── MSG_VERIFY_STOP, the desk is gone ──► exit
 *
 * It opens nothing but the certificates and lists that the settings name, and those when it judges: other lists give
 * another judgement without a restart. When it dies the desk says so. Messages: role/signature_report.h. */
#include "base/civil.h"
#include "desk/document.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/log.h"
#include "role/roles.h"
#include "role/signature_folder.h"
#include "role/signature_report.h"

#include <stdlib.h>

#define MEMORY_MAX (UINT64_C(2) << 30) /* a document, some times, and lists of revoked certificates */
#define CPU_S_MAX  300u
#define WAIT_MS    1000

/* One a process. */
static struct {
    const struct config *config;
    struct signature_trust *trust; /* made before the sandbox: the libraries read the system when they begin */
    struct signature_report *report;
    struct channel *desk; /* NULL: gone */
    struct str beside;    /* p NULL: nothing lies beside */
    bool stopped;
    uint64_t id; /* 0: nothing was judged */
} verifier;

static void answer(const char *fault)
{
    struct buf body CLEANUP(buf_done);
    buf_init(&body, DESK_DOCUMENT_REPORT + 1);
    buf_char(&body, 0);
    if (!fault)
        signature_report_write(verifier.report, &body);
    if (fault || body.overflow) {
        buf_clear(&body);
        buf_char(&body, 1);
        buf_text(&body, fault ? fault : "large");
    }
    if (verifier.desk && !channel_send(verifier.desk, MSG_VERIFIED, verifier.id, buf_view(&body)))
        log_warning("the desk does not take what was found of a signature");
}

static void judge(struct str signed_bytes)
{
    struct signature_folders folders;
    struct err err = {0};
    const struct str *document = verifier.beside.p ? &verifier.beside : NULL;
    signature_folders_read(verifier.config, verifier.trust, &folders);
    enum rc rc =
        signature_verify(verifier.trust, signed_bytes, document, clock_real_ns() / SECOND_NS, verifier.report, &err);
    if (rc != RC_OK)
        log_info("a signature could not be judged: %s", err.text);
    if (rc == RC_LIMIT)
        answer("large");
    else if (rc != RC_OK || verifier.report->signer_count == 0)
        answer("no_signature");
    else
        answer(NULL);
}

static bool file_take(struct msg *msg, struct str *ret_bytes)
{
    struct err err = {0};
    *ret_bytes = STR_NONE;
    return msg->fd_count == 1 && file_map(msg->fds[0], (size_t)DESK_DOCUMENT_BYTES, ret_bytes, &err) == RC_OK;
}

static void on_verify(struct msg *msg)
{
    struct str bytes;
    verifier.id = msg->id;
    if (file_take(msg, &bytes))
        judge(bytes);
    else
        answer("unread");
    /* Whoever goes while the desk still writes to it takes its last words along. */
    while (verifier.desk && !verifier.stopped)
        IGNORE(channel_wait(verifier.desk, WAIT_MS));
    process_stop(EXIT_SUCCESS);
}

static void verifier_message(void *self, struct channel *channel, struct msg *msg)
{
    (void)self;
    (void)channel;
    if (msg->type == MSG_VERIFY_BESIDE && !verifier.id)
        IGNORE(!file_take(msg, &verifier.beside)); /* without it the signature says that the document is not here */
    else if (msg->type == MSG_VERIFY && !verifier.id)
        on_verify(msg);
    else if (msg->type == MSG_VERIFY_STOP)
        verifier.stopped = true;
}

static enum rc verifier_start(struct process *process, void **ret_self, struct err *err)
{
    verifier.config = &process->config;
    verifier.trust = signature_trust_new();
    verifier.report = memory_new(sizeof *verifier.report);
    if (!verifier.trust || !verifier.report)
        return err_set(err, RC_LIMIT, "no memory for what signatures are judged by");
    *ret_self = &verifier;
    return RC_OK;
}

static void verifier_peer_up(void *self, struct channel *channel)
{
    (void)self;
    verifier.desk = channel;
    if (!verifier.id)
        verifier.stopped = false;
}

/* It may happen in the middle of a judgement, while it waits. */
static void verifier_peer_down(void *self, enum role role, unsigned instance)
{
    (void)self;
    (void)role;
    (void)instance;
    verifier.desk = NULL;
    verifier.stopped = true;
    verifier.beside = STR_NONE;
}

static size_t verifier_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    return signature_folders_paths(config, arena, ret, size);
}

const struct role_driver verifier_driver = {
    .role = ROLE_VERIFIER,
    .calls = SANDBOX_OPEN,
    .memory_max = MEMORY_MAX,
    .files_max = 64,
    .cpu_s_max = CPU_S_MAX,
    .background = true,
    .paths = verifier_paths,
    .start = verifier_start,
    .message = verifier_message,
    .peer_up = verifier_peer_up,
    .peer_down = verifier_peer_down,
};
