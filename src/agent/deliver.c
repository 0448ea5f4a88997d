#include "agent/deliver.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "tlog/checkpoint.h"

#include <stdio.h>
#include <string.h>
#include <zstd.h>

#define LEVEL       1
#define SAMPLES_MAX 16
#define OUTPUT_FULL ((size_t)512 << 10) /* no further frame is put behind so much */
#define OUTPUT_MAX  (OUTPUT_FULL + DELIVERY_BODY_MAX + 131072)
#define INPUT_MAX   ((size_t)256 << 10)

enum deliver_state { DELIVER_CLOSED, DELIVER_GREETED, DELIVER_OPEN };

/* One exchange of clocks: the server's less ours, and how far off that may be. */
struct sample {
    uint64_t at_ns; /* our boot clock; 0 = none */
    int64_t offset_us;
    uint32_t error_us;
};

struct deliver {
    struct deliver_options options;
    enum deliver_state state;
    struct buf in;
    struct buf out;
    struct buf packed; /* of the frame that comes next */
    struct delivery_data data;
    bool has_data;
    ZSTD_CCtx *zstd;
    struct tlog_hasher *hasher;

    uint64_t credit; /* bytes of DATA bodies */
    uint64_t began_ns;
    uint64_t time_ns; /* when it was asked last; 0 = not yet */
    bool time_open;
    struct sample samples[SAMPLES_MAX];
    size_t next_sample;
    uint64_t status_ns;
    uint64_t renew_ns;
    int64_t renew_at_s;
    uint64_t prove_ns;
    bool prove_open;
    struct tlog_head asked;  /* the newer head of the open question */
    struct tlog_head newest; /* of a checkpoint whose signature holds; size 0 = none on this connection */
    bool fell_behind;        /* said once a connection */
    bool refused_key;

    uint16_t refusal;
    char refusal_text[DELIVERY_TEXT_MAX];
    size_t refusal_n;
};

struct deliver *deliver_new(const struct deliver_options *options, struct err *err)
{
    struct deliver *deliver = memory_new(sizeof *deliver);
    if (!deliver) {
        IGNORE(err_set(err, RC_LIMIT, "no memory")); /* NULL says it */
        return NULL;
    }
    deliver->options = *options;
    deliver->renew_at_s = INT64_MAX;
    deliver->zstd = ZSTD_createCCtx();
    deliver->hasher = tlog_hasher_new();
    buf_init(&deliver->in, INPUT_MAX);
    buf_init(&deliver->out, OUTPUT_MAX);
    buf_init(&deliver->packed, DELIVERY_BODY_MAX);
    if (deliver->zstd && deliver->hasher)
        return deliver;
    IGNORE(err_set(err, RC_LIMIT, "no memory to deliver")); /* NULL says it */
    deliver_free(deliver);
    return NULL;
}

void deliver_free(struct deliver *deliver)
{
    if (!deliver)
        return;
    ZSTD_freeCCtx(deliver->zstd);
    tlog_hasher_free(deliver->hasher);
    buf_done(&deliver->in);
    buf_done(&deliver->out);
    buf_done(&deliver->packed);
    memory_free(deliver);
}

static void state_to(struct deliver *deliver, enum deliver_state state)
{
    static const unsigned may[] = {[DELIVER_CLOSED] = 1u << DELIVER_GREETED,
                                   [DELIVER_GREETED] = 1u << DELIVER_OPEN | 1u << DELIVER_CLOSED,
                                   [DELIVER_OPEN] = 1u << DELIVER_CLOSED};
    ASSERT(may[deliver->state] & 1u << state);
    deliver->state = state;
}

/* ---- the beginning and the end ---- */

enum rc deliver_begin(struct deliver *deliver, struct deliver_now now, struct err *err)
{
    const struct deliver_options *options = &deliver->options;
    struct spool_frame frame;
    state_to(deliver, DELIVER_GREETED);
    enum rc rc = spool_rewind(options->spool, err);
    if (rc == RC_OK)
        rc = spool_peek(options->spool, &frame, err); /* where the first frame begins is where we begin */
    if (rc != RC_OK && rc != RC_AGAIN)
        return rc;
    const struct delivery_hello hello = {.version = DELIVERY_VERSION,
                                         .spool = spool_facts(options->spool).number,
                                         .next = spool_next(options->spool),
                                         .seen_size = options->memory->seen.size,
                                         .host = options->host,
                                         .program = options->program};
    struct delivery_hello full = hello;
    memcpy(full.agent, options->agent, sizeof full.agent);
    memcpy(full.boot, options->boot, sizeof full.boot);
    memcpy(full.seen_root, options->memory->seen.root.bytes, sizeof full.seen_root);
    delivery_put_hello(&deliver->out, &full);
    deliver->began_ns = now.boot_ns;
    return RC_OK;
}

void deliver_end(struct deliver *deliver)
{
    if (deliver->state != DELIVER_CLOSED)
        state_to(deliver, DELIVER_CLOSED);
    buf_clear(&deliver->in);
    buf_clear(&deliver->out);
    deliver->in.overflow = false;
    deliver->out.overflow = false;
    deliver->has_data = false;
    deliver->time_open = false;
    deliver->prove_open = false;
    deliver->time_ns = 0;
    deliver->status_ns = 0;
    deliver->renew_ns = 0;
    deliver->credit = 0;
    deliver->newest = (struct tlog_head){0};
    deliver->fell_behind = false;
    deliver->refused_key = false;
}

bool deliver_is_open(const struct deliver *deliver)
{
    return deliver->state == DELIVER_OPEN;
}

struct str deliver_output(const struct deliver *deliver)
{
    return buf_view(&deliver->out);
}

void deliver_sent(struct deliver *deliver, size_t n)
{
    buf_consume(&deliver->out, n);
}

uint16_t deliver_refusal(const struct deliver *deliver, struct str *ret_text)
{
    *ret_text = str_at(deliver->refusal_text, deliver->refusal_n);
    return deliver->refusal;
}

void deliver_renew_at(struct deliver *deliver, int64_t at_s)
{
    deliver->renew_at_s = at_s;
    deliver->renew_ns = 0;
}

void deliver_bye(struct deliver *deliver, struct str text)
{
    if (deliver->state == DELIVER_OPEN)
        delivery_put(&deliver->out, DELIVERY_BYE, str_slice(text, 0, DELIVERY_TEXT_MAX));
}

/* ---- trust ---- */

static void say(struct deliver *deliver, const char *text)
{
    deliver->options.calls.note(deliver->options.calls.context, text);
}

/* For good: memory keeps it. */
static void caught(struct deliver *deliver, const char *text)
{
    struct agent_memory *memory = deliver->options.memory;
    if (memory->trouble[0])
        return;
    snprintf(memory->trouble, sizeof memory->trouble, "%s", text);
    deliver->options.calls.remember(deliver->options.calls.context);
    deliver->options.calls.trouble(deliver->options.calls.context, memory->trouble);
}

static void key_take(struct deliver *deliver, const struct delivery_welcome *welcome)
{
    struct agent_memory *memory = deliver->options.memory;
    struct note_key key;
    bool reads = note_key_parse(welcome->key, &key, NULL) == RC_OK && key.type == NOTE_ED25519 &&
                 str_is(welcome->origin, key.name);
    if (!reads) {
        deliver->refused_key = true;
        say(deliver, "the server gave no key of the archive that can be used: nothing is freed, no policy is taken");
    } else if (!memory->has_key) {
        memory->has_key = true;
        memory->key = key;
        deliver->options.calls.remember(deliver->options.calls.context);
    } else if (strcmp(memory->key.name, key.name) != 0 || memcmp(memory->key.public_key, key.public_key, 32) != 0) {
        deliver->refused_key = true;
        caught(deliver, "the server shows another archive key than before: a person must enrol this agent anew");
    }
}

static void seen_set(struct deliver *deliver, const struct tlog_head *head)
{
    deliver->options.memory->seen = *head;
    deliver->options.calls.remember(deliver->options.calls.context);
}

/* What a checkpoint covers is free, unless the archive was caught. */
static enum rc head_take(struct deliver *deliver, const struct tlog_head *head, struct err *err)
{
    struct agent_memory *memory = deliver->options.memory;
    if (memory->seen.size == 0 && head->size > 0)
        seen_set(deliver, head);
    if (head->size == memory->seen.size && head->size > 0 && !tlog_hash_eq(&head->root, &memory->seen.root))
        caught(deliver, "the archive shows two trees of one size");
    if (head->size < memory->seen.size) {
        if (!deliver->fell_behind)
            say(deliver, "the archive shows a shorter tree than it did before: it covers nothing of ours");
        deliver->fell_behind = true;
        return RC_OK;
    }
    deliver->fell_behind = false;
    deliver->newest = *head;
    return memory->trouble[0] || deliver->refused_key ? RC_OK : spool_covered(deliver->options.spool, head->size, err);
}

static enum rc checkpoint_take(struct deliver *deliver, struct str note, struct err *err)
{
    struct note parsed;
    struct checkpoint checkpoint;
    struct err why = {0};
    const struct agent_memory *memory = deliver->options.memory;
    if (!memory->has_key || deliver->refused_key)
        return RC_OK;
    if (checkpoint_open(note, &memory->key, &parsed, &checkpoint, &why) != RC_OK)
        return err_set(err, RC_INVALID, "a checkpoint that the archive did not sign: %s", why.text);
    enum rc rc = head_take(deliver, &checkpoint.head, err);
    return rc == RC_AGAIN ? RC_OK : rc; /* the disk was full: freed with a later one */
}

static enum rc proof_take(struct deliver *deliver, struct str body, struct err *err)
{
    struct tlog_path path = {0};
    uint64_t old_size = 0;
    uint64_t new_size = 0;
    struct str hashes;
    struct agent_memory *memory = deliver->options.memory;
    if (delivery_read_sizes(body, &old_size, &new_size, &hashes) != RC_OK || !deliver->prove_open ||
        old_size != memory->seen.size || new_size != deliver->asked.size)
        return err_set(err, RC_INVALID, "a proof that was not asked for");
    deliver->prove_open = false;
    if (hashes.n == 0) {
        say(deliver, "the server cannot prove at present that the archive continues what it showed before");
        return RC_OK;
    }
    path.count = hashes.n / TLOG_HASH_SIZE;
    ASSERT(path.count <= DELIVERY_PATH_MAX);
    memcpy(path.hash, hashes.p, hashes.n);
    if (tlog_verify_consistency(deliver->hasher, &memory->seen, &deliver->asked, &path))
        seen_set(deliver, &deliver->asked);
    else
        caught(deliver, "the archive's tree does not continue the one that it showed before");
    return RC_OK;
}

/* ---- clocks ---- */

static int32_t sample_best(const struct deliver *deliver, uint64_t now_ns)
{
    int32_t best = -1;
    for (int32_t i = 0; i < SAMPLES_MAX; i++) {
        const struct sample *one = &deliver->samples[i];
        if (one->at_ns && now_ns - one->at_ns <= DELIVER_SAMPLE_NS &&
            (best < 0 || one->error_us < deliver->samples[best].error_us))
            best = i;
    }
    return best;
}

bool deliver_offset(const struct deliver *deliver, uint64_t now_boot_ns, int64_t *ret_offset_us, uint32_t *ret_error_us)
{
    int32_t best = sample_best(deliver, now_boot_ns);
    *ret_offset_us = best < 0 ? 0 : deliver->samples[best].offset_us;
    *ret_error_us = best < 0 ? UINT32_MAX : deliver->samples[best].error_us;
    return best >= 0;
}

static enum rc time_take(struct deliver *deliver, struct str body, struct deliver_now now, struct err *err)
{
    struct delivery_time time;
    if (delivery_read_time(DELIVERY_TIME_BACK, body, &time) != RC_OK || !deliver->time_open ||
        time.agent_boot_ns != deliver->time_ns || time.sent_real_ns < time.heard_real_ns)
        return err_set(err, RC_INVALID, "a time that was not asked for");
    deliver->time_open = false;
    uint64_t away_ns = now.boot_ns - time.agent_boot_ns;
    uint64_t there_ns = (uint64_t)time.sent_real_ns - (uint64_t)time.heard_real_ns;
    uint64_t trip_ns = away_ns > there_ns ? away_ns - there_ns : 0;
    /* Unsigned throughout: a server may say any time, and what overflows must not stop us. */
    uint64_t received_ns = (uint64_t)time.agent_real_ns + away_ns;
    int64_t out_ns = (int64_t)((uint64_t)time.heard_real_ns - (uint64_t)time.agent_real_ns);
    int64_t back_ns = (int64_t)((uint64_t)time.sent_real_ns - received_ns);
    deliver->samples[deliver->next_sample++ % SAMPLES_MAX] =
        (struct sample){.at_ns = now.boot_ns,
                        .offset_us = (out_ns / 2 + back_ns / 2) / 1000,
                        .error_us = (uint32_t)MIN(trip_ns / 2000 + 1, (uint64_t)UINT32_MAX - 1)};
    return RC_OK;
}

/* ---- what comes in ---- */

static enum rc welcome_take(struct deliver *deliver, struct str body, struct err *err)
{
    struct delivery_welcome welcome;
    if (delivery_read_welcome(body, &welcome) != RC_OK)
        return err_set(err, RC_INVALID, "a welcome that does not read");
    state_to(deliver, DELIVER_OPEN);
    deliver->credit = welcome.credit;
    key_take(deliver, &welcome);
    return RC_OK;
}

static enum rc refused_take(struct deliver *deliver, struct str body, struct err *err)
{
    struct str text;
    if (delivery_read_refused(body, &deliver->refusal, &text) != RC_OK)
        return err_set(err, RC_INVALID, "a refusal that does not read");
    deliver->refusal_n = MIN(text.n, sizeof deliver->refusal_text);
    memcpy(deliver->refusal_text, text.p, deliver->refusal_n);
    return err_set(err, RC_DENIED, "the server refused: %s", delivery_reason_name(deliver->refusal));
}

static enum rc durable_take(struct deliver *deliver, struct str body, struct err *err)
{
    uint64_t number = 0;
    uint64_t size = 0;
    if (delivery_read_durable(body, &number, &size) != RC_OK || !spool_durable(deliver->options.spool, number, size))
        return err_set(err, RC_INVALID, "records are acknowledged that were not sent");
    /* The checkpoint that covers them may have come before. */
    const struct agent_memory *memory = deliver->options.memory;
    if (size > deliver->newest.size || memory->trouble[0] || deliver->refused_key)
        return RC_OK;
    enum rc rc = spool_covered(deliver->options.spool, deliver->newest.size, err);
    return rc == RC_AGAIN ? RC_OK : rc;
}

static enum rc frame_take(struct deliver *deliver, enum delivery_type type, struct str body, struct deliver_now now,
                          struct err *err)
{
    struct deliver_host *calls = &deliver->options.calls;
    if (type == DELIVERY_REFUSED)
        return refused_take(deliver, body, err);
    if ((type == DELIVERY_WELCOME) != (deliver->state == DELIVER_GREETED))
        return err_set(err, RC_INVALID, "%s does not belong here", delivery_type_name((uint8_t)type));
    switch ((unsigned)type) {
    case DELIVERY_WELCOME:
        return welcome_take(deliver, body, err);
    case DELIVERY_DURABLE:
        return durable_take(deliver, body, err);
    case DELIVERY_CREDIT_MORE:
        deliver->credit = MIN(deliver->credit + get_be32(body.p), UINT64_C(1) << 32);
        return RC_OK;
    case DELIVERY_TIME_BACK:
        return time_take(deliver, body, now, err);
    case DELIVERY_CHECKPOINT:
        return checkpoint_take(deliver, body, err);
    case DELIVERY_PROOF:
        return proof_take(deliver, body, err);
    case DELIVERY_POLICY:
        if (!deliver->refused_key && !deliver->options.memory->trouble[0])
            calls->policy(calls->context, body);
        return RC_OK;
    case DELIVERY_INVENTORY:
        calls->inventory(calls->context);
        return RC_OK;
    case DELIVERY_CERTIFICATE:
        calls->certificate(calls->context, body);
        return RC_OK;
    default:
        return err_set(err, RC_INVALID, "%s does not belong here", delivery_type_name((uint8_t)type));
    }
}

enum rc deliver_take(struct deliver *deliver, struct str bytes, struct deliver_now now, struct err *err)
{
    enum delivery_type type;
    struct str body;
    ASSERT(deliver->state != DELIVER_CLOSED);
    buf_str(&deliver->in, bytes);
    if (deliver->in.overflow)
        return err_set(err, RC_LIMIT, "the server sent too large a frame");
    struct str rest = buf_view(&deliver->in);
    enum rc rc;
    while ((rc = delivery_next(&rest, false, &type, &body)) == RC_OK) {
        rc = frame_take(deliver, type, body, now, err);
        if (rc != RC_OK)
            return rc;
    }
    buf_consume(&deliver->in, deliver->in.n - rest.n);
    return rc == RC_AGAIN ? RC_OK : err_set(err, RC_INVALID, "the server sent a frame that may not be");
}

/* ---- what goes out ---- */

static void data_pack(struct deliver *deliver, const struct spool_frame *frame)
{
    size_t room = ZSTD_compressBound(frame->batch.n);
    buf_clear(&deliver->packed);
    char *at = buf_reserve(&deliver->packed, room);
    size_t n = at ? ZSTD_compressCCtx(deliver->zstd, at, room, frame->batch.p, frame->batch.n, LEVEL) : 0;
    bool smaller = at && !ZSTD_isError(n) && n < frame->batch.n;
    deliver->packed.overflow = false; /* it is sent as it is then */
    deliver->data = (struct delivery_data){.number = frame->number,
                                           .count = frame->count,
                                           .codec = smaller ? DELIVERY_ZSTD : DELIVERY_PLAIN,
                                           .plain_size = (uint32_t)frame->batch.n,
                                           .plain_crc = crc32c(0, frame->batch.p, frame->batch.n)};
    deliver->data.payload = smaller ? str_at(at, n) : frame->batch;
    deliver->has_data = true;
}

/* Packed once, though it may wait long for credit. */
static enum rc data_put(struct deliver *deliver, struct deliver_now now, struct err *err)
{
    struct spool_frame frame;
    while (deliver->out.n < OUTPUT_FULL) {
        if (!deliver->has_data) {
            enum rc rc = spool_peek(deliver->options.spool, &frame, err);
            if (rc != RC_OK)
                return rc == RC_AGAIN ? RC_OK : rc;
            data_pack(deliver, &frame);
        }
        size_t size = DELIVERY_DATA_HEAD + deliver->data.payload.n;
        if (size > deliver->credit)
            return RC_OK;
        IGNORE(deliver_offset(deliver, now.boot_ns, &deliver->data.offset_us, &deliver->data.offset_error_us));
        delivery_put_data(&deliver->out, &deliver->data);
        deliver->credit -= size;
        deliver->has_data = false;
        spool_pass(deliver->options.spool);
    }
    return RC_OK;
}

static enum rc time_put(struct deliver *deliver, struct deliver_now now, struct err *err)
{
    if (deliver->time_open && now.boot_ns - deliver->time_ns > DELIVER_SILENCE_NS)
        return err_set(err, RC_END, "the server does not answer any more");
    if (deliver->time_open || (deliver->time_ns && now.boot_ns - deliver->time_ns < DELIVER_TIME_NS))
        return RC_OK;
    const struct delivery_time time = {.agent_boot_ns = now.boot_ns, .agent_real_ns = now.real_ns};
    delivery_put_time(&deliver->out, &time);
    deliver->time_ns = now.boot_ns;
    deliver->time_open = true;
    return RC_OK;
}

static void prove_put(struct deliver *deliver, struct deliver_now now)
{
    const struct agent_memory *memory = deliver->options.memory;
    bool waits = deliver->prove_ns && now.boot_ns - deliver->prove_ns < DELIVER_PROVE_NS;
    if (deliver->prove_open || waits || memory->seen.size == 0 || deliver->newest.size <= memory->seen.size ||
        memory->trouble[0])
        return;
    deliver->asked = deliver->newest;
    deliver->prove_open = true;
    deliver->prove_ns = now.boot_ns;
    delivery_put_prove(&deliver->out, memory->seen.size, deliver->asked.size);
}

static void status_put(struct deliver *deliver, struct deliver_now now)
{
    struct buf json;
    if (deliver->status_ns && now.boot_ns - deliver->status_ns < DELIVER_STATUS_NS)
        return;
    deliver->status_ns = now.boot_ns;
    buf_init(&json, 16384);
    json_write_object(&json);
    deliver->options.calls.status(deliver->options.calls.context, &json);
    json_write_object_end(&json);
    if (!json.overflow)
        delivery_put(&deliver->out, DELIVERY_STATUS, buf_view(&json));
    buf_done(&json);
}

static void renew_put(struct deliver *deliver, struct deliver_now now)
{
    bool waits = deliver->renew_ns && now.boot_ns - deliver->renew_ns < DELIVER_RENEW_NS;
    if (waits || now.real_ns / 1000000000 < deliver->renew_at_s)
        return;
    deliver->renew_ns = now.boot_ns;
    delivery_put(&deliver->out, DELIVERY_RENEW, STR_NONE);
}

enum rc deliver_step(struct deliver *deliver, struct deliver_now now, struct err *err)
{
    if (deliver->state == DELIVER_GREETED && now.boot_ns - deliver->began_ns > DELIVER_SILENCE_NS)
        return err_set(err, RC_END, "the server does not answer");
    if (deliver->state != DELIVER_OPEN)
        return RC_OK;
    enum rc rc = time_put(deliver, now, err);
    if (rc != RC_OK)
        return rc;
    prove_put(deliver, now);
    renew_put(deliver, now);
    status_put(deliver, now);
    rc = data_put(deliver, now, err);
    ASSERT(rc != RC_OK || !deliver->out.overflow);
    return rc;
}

int deliver_timeout_ms(const struct deliver *deliver, struct deliver_now now)
{
    uint64_t at_ns = deliver->time_ns + (deliver->time_open ? DELIVER_SILENCE_NS : DELIVER_TIME_NS);
    if (deliver->state == DELIVER_CLOSED)
        return -1;
    if (deliver->state == DELIVER_GREETED)
        at_ns = deliver->began_ns + DELIVER_SILENCE_NS;
    return at_ns <= now.boot_ns ? 0 : (int)MIN((at_ns - now.boot_ns) / 1000000 + 1, UINT64_C(60000));
}
