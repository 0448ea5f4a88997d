/* signer.c - holds the key; signs a tree only when it is proven to continue the one it signed before.
 *
 * After start it opens nothing: the state lives in a file it was given, in two slots of 4 KiB written in turn and
 * synced before the note leaves. Slot: u32 crc32c of what follows | u64 turn | u16 length | text of tlog/signer.h. */
#include "tlog/signer.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/log.h"
#include "role/roles.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_SIZE 4096
#define SLOT_HEAD 14

struct signer {
    struct signing_key *key;
    struct signer_state state;
    bool known; /* an origin was signed before */
    int state_fd;
    uint64_t turn;
    struct buf note;
    struct buf text;
};

static bool slot_read(int fd, unsigned slot, uint64_t *ret_turn, struct signer_state *ret_state)
{
    char bytes[SLOT_SIZE];
    struct err err;
    if (file_read_at(&io_kernel, fd, bytes, sizeof bytes, (int64_t)slot * SLOT_SIZE, &err) != RC_OK)
        return false;
    struct reader reader = reader_of(str_at(bytes, sizeof bytes));
    uint32_t crc = read_be32(&reader);
    uint64_t turn = read_be64(&reader);
    struct str text = read_bytes(&reader, read_be16(&reader));
    if (reader.failed || crc != crc32c(0, bytes + 4, SLOT_HEAD - 4 + text.n) || turn <= *ret_turn ||
        signer_state_parse(text, ret_state, &err) != RC_OK)
        return false;
    *ret_turn = turn;
    return true;
}

static enum rc state_store(struct signer *signer, const struct signer_state *state, struct err *err)
{
    char bytes[SLOT_SIZE] = {0};
    buf_clear(&signer->text);
    signer_state_write(state, &signer->text);
    ASSERT(!signer->text.overflow && signer->text.n <= SLOT_SIZE - SLOT_HEAD);
    uint64_t turn = signer->turn + 1;
    put_be64(bytes + 4, turn);
    put_be16(bytes + 12, (uint16_t)signer->text.n);
    memcpy(bytes + SLOT_HEAD, signer->text.p, signer->text.n);
    put_be32(bytes, crc32c(0, bytes + 4, SLOT_HEAD - 4 + signer->text.n));
    enum rc rc =
        file_write_at(&io_kernel, signer->state_fd, str_at(bytes, sizeof bytes), (int64_t)(turn % 2) * SLOT_SIZE, err);
    if (rc != RC_OK)
        return rc;
    int result = io_kernel.sync(NULL, signer->state_fd);
    if (result < 0)
        return err_errno(err, -result, "could not sync the signer's state");
    signer->turn = turn;
    return RC_OK;
}

static enum rc signer_start(struct process *process, void **ret_self, struct err *err)
{
    struct signer *signer = memory_new(sizeof *signer);
    if (!signer)
        return err_set(err, RC_LIMIT, "no memory");
    buf_init(&signer->note, 16384);
    buf_init(&signer->text, 16384);
    signer->state_fd = process_handle(process, "signer-state", -1);
    enum rc rc = signing_key_parse(process_secret("signing-key"), &signer->key, err);
    process_forget_secrets();
    if (rc != RC_OK)
        return rc;
    if (signer->state_fd < 0)
        return err_set(err, RC_INVALID, "the signer was given no state file");
    for (unsigned slot = 0; slot < 2; slot++)
        signer->known |= slot_read(signer->state_fd, slot, &signer->turn, &signer->state);
    *ret_self = signer;
    return RC_OK;
}

static enum rc sign(struct signer *signer, const struct msg *msg, struct err *err)
{
    struct reader reader = reader_of(msg->body);
    struct tlog_path path = {0};
    struct signer_request request = {.consistency = &path, .now_ns = clock_real_ns()};
    request.head.size = read_be64(&reader);
    read_copy(&reader, &request.head.root, sizeof request.head.root);
    request.origin = read_bytes(&reader, read_be16(&reader));
    size_t left = reader_left(&reader);
    if (reader.failed || left % sizeof path.hash[0] != 0 || left / sizeof path.hash[0] > TLOG_HEIGHT_MAX)
        return err_set(err, RC_INVALID, "the request is damaged");
    path.count = left / sizeof path.hash[0];
    read_copy(&reader, path.hash, left);
    struct signer_state next;
    /* A new origin begins a new instance of the archive: it has its own tree, the old one is never signed again. */
    enum rc rc = RC_OK;
    if (!signer->known || !str_is(request.origin, signer->state.origin))
        rc = signer_state_init(&signer->state, request.origin, err);
    if (rc != RC_OK)
        return rc;
    signer->known = true;
    buf_clear(&signer->note);
    rc = signer_sign(&signer->state, signer->key, &request, &next, &signer->note, err);
    if (rc != RC_OK)
        return rc;
    rc = state_store(signer, &next, err);
    if (rc != RC_OK) {
        log_error("%s; the process stops", err->text);
        _Exit(EXIT_FAILURE);
    }
    signer->state = next;
    return RC_OK;
}

static void signer_message(void *self, struct channel *channel, struct msg *msg)
{
    struct signer *signer = self;
    struct err err = {0};
    if (msg->type != MSG_SIGN)
        return;
    bool sent;
    if (sign(signer, msg, &err) == RC_OK) {
        sent = channel_send(channel, MSG_SIGNED, msg->id, buf_view(&signer->note));
    } else {
        buf_clear(&signer->text);
        buf_be64(&signer->text, signer->state.head.size);
        buf_text(&signer->text, err.text);
        sent = channel_send(channel, MSG_REFUSED, msg->id, buf_view(&signer->text));
    }
    if (!sent)
        log_warning("the keeper does not take its answer");
}

const struct role_driver signer_driver = {
    .role = ROLE_SIGNER,
    .calls = SANDBOX_CHANGE,
    .files_max = 64,
    .start = signer_start,
    .message = signer_message,
};
