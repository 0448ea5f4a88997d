/* Checkpoints to witnesses (C2SP tlog-witness) and to a time-stamp authority (RFC 3161). What is sent was made by the
 * keeper; what comes back is bounded here, and a time stamp is verified here: the archive's writer reads no ASN.1. */
#include "base/assert.h"
#include "base/bytes.h"
#include "os/random.h"
#include "role/log.h"
#include "role/out.h"
#include "tlog/checkpoint.h"
#include "tlog/timestamp.h"

#include <string.h>

#define WITNESS_ANSWER_MAX 8192
#define URL_MAX            2048
#define WHY_MAX            400 /* bytes of an error that the keeper is told */

enum rc out_witness_start(struct out *out, struct err *err)
{
    struct arena *arena = out->process->arena;
    struct str text = arena_str(arena, process_secret("witness-policy"));
    out->web_ca = arena_str(arena, process_secret("witness-ca"));
    out->stamp_ca = arena_str(arena, process_secret("timestamp-ca"));
    process_forget_secrets();
    if (text.n == 0)
        return RC_OK;
    out->policy = arena_alloc(arena, sizeof *out->policy);
    if (!out->policy)
        return err_set(err, RC_LIMIT, "no memory for the witness policy");
    enum rc rc = policy_parse(text, out->policy, err);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "witness-policy")); /* the code stays rc */
    return rc;
}

static void trust(const struct out *out, struct transfer *transfer)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)out->web_ca.p, .len = out->web_ca.n, .flags = CURL_BLOB_COPY};
    if (out->web_ca.n)
        curl_easy_setopt(transfer->curl, CURLOPT_CAINFO_BLOB, &blob);
}

/* ---- witnesses ---- */

/* u32 status (0: none came), u64 size (409), text: the cosignature lines, or why there are none. */
static void cosigned(struct out *out, uint64_t id, uint32_t status, uint64_t size, struct str text)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    buf_clear(&out->answer);
    buf_be32(&out->answer, status);
    buf_be64(&out->answer, size);
    buf_str(&out->answer, status == 200 ? text : str_slice(text, 0, WHY_MAX));
    if (keeper)
        IGNORE(channel_send(keeper, MSG_COSIGNED, id, buf_view(&out->answer))); /* it asks again */
}

static void cosign_done(void *context, struct transfer *transfer, CURLcode code, long status, const char *why)
{
    struct out *out = context;
    uint64_t size = 0;
    struct str text = buf_view(&transfer->answer);
    const char *type = NULL;
    if (code != CURLE_OK) {
        cosigned(out, transfer->id, 0, 0, str_of(why));
        return;
    }
    curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &type);
    if (status == 409 && (!type || strcmp(type, "text/x.tlog.size") != 0 || !str_ends(text, STR("\n")) ||
                          !str_to_u64(str_slice(text, 0, text.n - 1), &size))) {
        cosigned(out, transfer->id, 0, 0, STR("the witness answers 409 without a size"));
        return;
    }
    cosigned(out, transfer->id, (uint32_t)MAX(status, 0), size, text);
}

void out_cosign(struct out *out, const struct msg *msg)
{
    char storage[URL_MAX];
    struct buf url;
    struct reader reader = reader_of(msg->body);
    size_t at = read_be16(&reader);
    struct str body = read_bytes(&reader, reader_left(&reader));
    bool known = !reader.failed && out->policy && at < out->policy->witness_count;
    struct transfer *transfer = known ? transfer_new(out->transfers, WITNESS_ANSWER_MAX) : NULL;
    if (!transfer) {
        cosigned(out, msg->id, 0, 0, known ? STR("too many conversations") : STR("no such witness"));
        return;
    }
    transfer->id = msg->id;
    transfer->done = cosign_done;
    transfer->context = out;
    trust(out, transfer);
    buf_init_fixed(&url, storage, sizeof storage);
    buf_str(&url, str_trim_end(out->policy->witness[at].url, '/'));
    buf_text(&url, "/add-checkpoint");
    if (!url.overflow && transfer_post(transfer, buf_view(&url), "text/plain; charset=utf-8", body)) {
        transfer_start(out->transfers, transfer);
        return;
    }
    cosigned(out, msg->id, 0, 0, STR("the request could not be prepared"));
    transfer_drop(transfer);
}

/* ---- time stamps ---- */

/* u8 1 and the response, or u8 0 and why there is none. */
static void stamped(struct out *out, uint64_t id, bool good, struct str text)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    buf_clear(&out->answer);
    buf_u8(&out->answer, good);
    buf_str(&out->answer, good ? text : str_slice(text, 0, WHY_MAX));
    if (keeper)
        IGNORE(channel_send(keeper, MSG_STAMPED, id, buf_view(&out->answer))); /* it asks again */
}

static void stamp_done(void *context, struct transfer *transfer, CURLcode code, long status, const char *why)
{
    struct out *out = context;
    struct err err = {0};
    int64_t time_s = 0;
    char text[64];
    struct buf said;
    struct str answer = buf_view(&transfer->answer);
    buf_init_fixed(&said, text, sizeof text);
    out->stamping = false;
    if (code != CURLE_OK) {
        stamped(out, transfer->id, false, str_of(why));
    } else if (status != 200) {
        buf_format(&said, "the time-stamp authority answers with status %ld", status);
        stamped(out, transfer->id, false, buf_view(&said));
    } else if (timestamp_verify(answer, &out->stamp_imprint, &out->stamp_nonce, out->stamp_ca, &time_s, &err) !=
               RC_OK) {
        stamped(out, transfer->id, false, str_of(err.text));
    } else {
        stamped(out, transfer->id, true, answer);
    }
}

static enum rc stamp_prepare(struct out *out, struct transfer *transfer, struct str text, struct err *err)
{
    struct checkpoint checkpoint;
    struct buf der CLEANUP(buf_done);
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    buf_init(&der, TIMESTAMP_REQUEST_MAX);
    enum rc rc = hasher ? checkpoint_parse(text, &checkpoint, err) : err_set(err, RC_LIMIT, "no memory");
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(hasher, text, &out->stamp_imprint);
    out->stamp_nonce = random_u64() >> 1; /* positive in every reader's eyes */
    rc = timestamp_request(&out->stamp_imprint, out->stamp_nonce, &der, err);
    if (rc == RC_OK &&
        !transfer_post(transfer, out->process->config.timestamp_url, "application/timestamp-query", buf_view(&der)))
        rc = err_set(err, RC_LIMIT, "the request could not be prepared");
    return rc;
}

void out_stamp(struct out *out, const struct msg *msg)
{
    struct err err = {0};
    struct transfer *transfer = out->stamping ? NULL : transfer_new(out->transfers, TIMESTAMP_RESPONSE_MAX);
    if (!transfer) {
        stamped(out, msg->id, false,
                out->stamping ? STR("another time stamp is under way") : STR("too many conversations"));
        return;
    }
    transfer->id = msg->id;
    transfer->done = stamp_done;
    transfer->context = out;
    trust(out, transfer);
    if (stamp_prepare(out, transfer, msg->body, &err) == RC_OK) {
        out->stamping = true;
        transfer_start(out->transfers, transfer);
        return;
    }
    stamped(out, msg->id, false, str_of(err.text));
    transfer_drop(transfer);
}
