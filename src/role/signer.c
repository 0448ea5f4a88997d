/* signer.c - holds the key; signs a tree only when it is proven to continue the one it signed before.
 *
 * A key signs one origin, the one in its name: a new instance of the archive has a new key. After start it opens
 * nothing: the state lives in a file it was given (signer_slots.h), synced before the note leaves. */
#include "tlog/signer.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "role/agent_signer.h"
#include "role/log.h"
#include "role/roles.h"
#include "role/signer_slots.h"
#include "tlog/key.h"

#include <stdlib.h>
#include <string.h>

struct signer {
    struct signing_key *key;
    struct agent_signer *agents;
    struct signer_state state; /* of the key's origin */
    int state_fd;
    uint64_t turn;
    struct buf note;
    struct buf text;
};

static enum rc signer_start(struct process *process, void **ret_self, struct err *err)
{
    struct signer *signer = memory_new(sizeof *signer);
    if (!signer)
        return err_set(err, RC_LIMIT, "no memory");
    buf_init(&signer->note, 16384);
    buf_init(&signer->text, 66 * (size_t)MSG_KIB);
    signer->state_fd = process_handle(process, "signer-state", -1);
    enum rc rc = signing_key_parse(process_secret("signing-key"), &signer->key, err);
    if (rc == RC_OK)
        rc = agent_signer_new(process_secret("authority-certificate"), process_secret("authority-key"), signer->key,
                              &signer->agents, err);
    process_forget_secrets();
    if (rc != RC_OK)
        return rc;
    if (signer->state_fd < 0)
        return err_set(err, RC_INVALID, "the signer was given no state file");
    *ret_self = signer;
    struct str origin = str_of(signing_key_public(signer->key)->name);
    /* The state of another origin is that of a former key: it says nothing of this one's tree. */
    if (!signer_slots_read(signer->state_fd, &signer->turn, &signer->state) || !str_is(origin, signer->state.origin))
        return signer_state_init(&signer->state, origin, err);
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
    buf_clear(&signer->note);
    /* Refuses an origin that is not the key's. */
    enum rc rc = signer_sign(&signer->state, signer->key, &request, &next, &signer->note, err);
    if (rc != RC_OK)
        return rc;
    rc = signer_slots_write(signer->state_fd, &signer->turn, &next, err);
    if (rc != RC_OK) {
        log_error("%s; the process stops", err->text);
        _Exit(EXIT_FAILURE);
    }
    signer->state = next;
    return RC_OK;
}

static bool on_sign(struct signer *signer, struct channel *keeper, const struct msg *msg)
{
    struct err err = {0};
    if (sign(signer, msg, &err) == RC_OK)
        return channel_send(keeper, MSG_SIGNED, msg->id, buf_view(&signer->note));
    buf_clear(&signer->text);
    buf_be64(&signer->text, signer->state.head.size);
    buf_text(&signer->text, err.text);
    return channel_send(keeper, MSG_REFUSED, msg->id, buf_view(&signer->text));
}

static bool on_issue(struct signer *signer, struct channel *desk, const struct msg *msg)
{
    if (!agent_signer_issue(signer->agents, msg->body, clock_real_ns(), &signer->text))
        log_warning("no certificate for an agent: %.*s", STR_ARG(str_skip(buf_view(&signer->text), 1)));
    return channel_send(desk, MSG_ISSUED, msg->id, buf_view(&signer->text));
}

static bool on_policy(struct signer *signer, struct channel *desk, const struct msg *msg)
{
    if (!agent_signer_policy(signer->agents, msg->body, clock_real_ns(), &signer->text))
        log_error("a policy of agents is not signed: %.*s", STR_ARG(str_skip(buf_view(&signer->text), 1)));
    return channel_send(desk, MSG_POLICY_SIGNED, msg->id, buf_view(&signer->text));
}

static void signer_message(void *self, struct channel *channel, struct msg *msg)
{
    struct signer *signer = self;
    bool sent = true;
    if (msg->type == MSG_SIGN)
        sent = on_sign(signer, channel, msg);
    else if (msg->type == MSG_ISSUE)
        sent = on_issue(signer, channel, msg);
    else if (msg->type == MSG_SIGN_POLICY)
        sent = on_policy(signer, channel, msg);
    if (!sent)
        log_warning("the %s does not take its answer", msg_role_name(channel_peer(channel)));
}

const struct role_driver signer_driver = {
    .role = ROLE_SIGNER,
    .calls = SANDBOX_CHANGE,
    .files_max = 64,
    .start = signer_start,
    .message = signer_message,
};
