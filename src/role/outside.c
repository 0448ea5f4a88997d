#include "role/outside.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "os/clock.h"
#include "role/cosign.h"
#include "role/log.h"
#include "tlog/timestamp.h"
#include "tlog/witness.h"

#define SECOND           UINT64_C(1000000000)
#define STALLED_NS       (60 * SECOND) /* heartbeats make the tree grow every ten seconds */
#define STAMP_RETRY_NS   (60 * SECOND)
#define STAMP_PATIENCE   (60 * SECOND)
#define STAMP_MISSING    2 /* intervals */
#define STAMP_ERROR_SIZE 200

struct outside {
    struct outside_options options;
    struct cosign *cosign; /* NULL: no witnesses */
    struct buf text;
    struct buf request;

    bool stamps;
    uint64_t stamp_interval_ns;
    uint64_t stamp_asked_ns; /* 0: none under way */
    uint64_t stamp_tried_ns;
    uint64_t stamp_asked_size;
    int64_t stamped_ns; /* boot time of the last one, below 0 when it is older than the boot; or of the start */
    uint64_t stamped_size;
    int64_t stamped_real_ns;
    char stamp_error[STAMP_ERROR_SIZE];
    bool stamp_late;
    uint64_t stamp_record;

    bool stranger_told; /* that a mirror cosigns with a key that the policy does not name */

    uint64_t begun_ns;
    bool stalled;
    uint64_t stalled_record;
};

/* When the archive was stamped last, from the stamps beside its checkpoints. */
static enum rc stamp_recall(struct outside *outside, struct err *err)
{
    uint64_t size = 0;
    int64_t time_ns = 0;
    enum rc rc = archive_stamp_last(outside->options.archive, &size, &time_ns, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    int64_t age_ns = clock_real_ns() - time_ns;
    outside->stamped_ns = (int64_t)outside->begun_ns - MAX(age_ns, INT64_C(0));
    outside->stamped_size = size;
    outside->stamped_real_ns = time_ns;
    return RC_OK;
}

enum rc outside_new(const struct outside_options *options, struct outside **ret_outside, struct err *err)
{
    const struct config *config = &options->process->config;
    struct str policy = arena_str(options->process->arena, process_secret("witness-policy"));
    struct outside *outside = memory_new(sizeof *outside);
    if (!outside)
        return err_set(err, RC_LIMIT, "no memory");
    outside->options = *options;
    outside->begun_ns = clock_boot_ns();
    outside->stamped_ns = (int64_t)outside->begun_ns;
    outside->stamps = config->timestamp_url.n > 0;
    outside->stamp_interval_ns = (uint64_t)config->timestamp_interval_s * SECOND;
    buf_init(&outside->text, 8192);
    buf_init(&outside->request, (size_t)80 * MSG_KIB);
    *ret_outside = outside;
    enum rc rc = outside->stamps ? stamp_recall(outside, err) : RC_OK;
    if (rc != RC_OK || policy.n == 0)
        return rc;
    return cosign_new(policy, (uint64_t)config->witness_interval_s * SECOND, &outside->cosign, err);
}

bool outside_has_witnesses(const struct outside *outside)
{
    return outside->cosign != NULL;
}

bool outside_due(const struct outside *outside, uint64_t now_ns)
{
    return outside->cosign && cosign_due(outside->cosign, now_ns);
}

static uint64_t tell(struct outside *outside, const char *event, struct str name, uint64_t size, const char *error)
{
    struct buf *text = &outside->text;
    buf_clear(text);
    json_write_object(text);
    json_put_text(text, "event", event);
    if (name.n)
        json_put_str(text, "name", name);
    json_put_u64(text, "size", size);
    if (error && error[0])
        json_put_text(text, "error", error);
    json_write_object_end(text);
    return outside->options.record(outside->options.context, buf_view(text));
}

/* ---- witnesses ---- */

static bool request_send(struct outside *outside, struct channel *out, size_t witness, uint64_t old_size)
{
    struct tlog_path path = {0};
    struct note note;
    struct checkpoint checkpoint;
    struct err err = {0};
    struct str bytes = cosign_note(outside->cosign);
    enum rc rc = note_parse(bytes, &note, &err);
    rc = rc == RC_OK ? checkpoint_parse(note.text, &checkpoint, &err) : rc;
    if (rc == RC_OK && old_size > 0)
        rc = archive_consistency(outside->options.archive, old_size, checkpoint.head.size, &path, &err);
    if (rc != RC_OK) {
        log_error("no proof could be made for a witness: %s", err.text);
        return false;
    }
    buf_clear(&outside->request);
    buf_be16(&outside->request, (uint16_t)witness);
    witness_request_write(old_size, &path, bytes, &outside->request);
    return !outside->request.overflow &&
           channel_send(out, MSG_COSIGN, cosign_id(outside->cosign, witness), buf_view(&outside->request));
}

static void requests_send(struct outside *outside, uint64_t now_ns)
{
    struct channel *out = process_peer(ROLE_OUT, 0);
    size_t witness = 0;
    uint64_t old_size = 0;
    while (out && cosign_next(outside->cosign, now_ns, &witness, &old_size))
        IGNORE(request_send(outside, out, witness, old_size)); /* it stays asked until its patience ends */
}

/* What agents see, they ask proofs from for ever after: those that are retained (doc/format/folder.md). */
static void agents_show(struct outside *outside, struct str note)
{
    struct note parsed;
    struct checkpoint checkpoint;
    struct err err = {0};
    if (note_parse(note, &parsed, &err) == RC_OK && checkpoint_parse(parsed.text, &checkpoint, &err) == RC_OK)
        archive_shown(outside->options.archive, checkpoint.head.size);
    for (unsigned i = 0; i < PROCESS_PEERS_MAX; i++) {
        struct channel *intake = process_peer(ROLE_INTAKE, i);
        if (intake)
            IGNORE(channel_send(intake, MSG_CHECKPOINT, 0, note)); /* the next one will do */
    }
}

static void taken_store(struct outside *outside, const struct cosign_taken *taken)
{
    struct err err = {0};
    enum rc rc = archive_cosigned_store(outside->options.archive, taken->note, taken->retained, taken->quorum, &err);
    if (rc == RC_IO)
        outside->options.give_up("could not store a cosigned checkpoint", &err);
    if (rc != RC_OK)
        log_error("a cosigned checkpoint was refused: %s", err.text);
    else if (taken->quorum && taken->retained)
        agents_show(outside, taken->note);
}

static void on_cosigned(struct outside *outside, const struct msg *msg, uint64_t now_ns)
{
    struct reader reader = reader_of(msg->body);
    struct cosign_answer answer = {.id = msg->id};
    struct cosign_taken taken;
    answer.status = read_be32(&reader);
    answer.size = read_be64(&reader);
    answer.text = read_bytes(&reader, reader_left(&reader));
    if (reader.failed || !outside->cosign)
        return;
    if (cosign_take(outside->cosign, &answer, archive_durable(outside->options.archive), &taken))
        taken_store(outside, &taken);
    if (taken.error[0])
        log_warning("witness %.*s: %s", STR_ARG(taken.witness), taken.error);
    requests_send(outside, now_ns);
}

/* A mirror's line: u64 size, the line. What is refused is said once, for a mirror comes again and again. */
static void on_mirror_cosigned(struct outside *outside, const struct msg *msg, uint64_t now_ns)
{
    struct reader reader = reader_of(msg->body);
    struct cosign_taken taken;
    uint64_t size = read_be64(&reader);
    struct str line = read_bytes(&reader, reader_left(&reader));
    if (reader.failed || !outside->cosign)
        return;
    enum cosign_pushed pushed = cosign_push(outside->cosign, size, line, now_ns, &taken);
    if (pushed == COSIGN_PUSH_TAKEN)
        taken_store(outside, &taken);
    else if (pushed == COSIGN_PUSH_FALSE && taken.error[0])
        log_warning("a mirror's cosignature is refused: witness %.*s: %s", STR_ARG(taken.witness), taken.error);
    else if (pushed == COSIGN_PUSH_STRANGER && !outside->stranger_told) {
        outside->stranger_told = true;
        log_warning("a mirror cosigns with a key that witness-policy does not name without an address: it is not "
                    "counted");
    }
}

static void witnesses_tick(struct outside *outside, uint64_t now_ns)
{
    struct cosign_change change;
    while (cosign_change(outside->cosign, &change)) {
        uint64_t record = tell(outside, change.event, change.witness, change.size, change.error);
        *change.record = change.rule ? record : 0;
        if (change.rule)
            log_warning("%s %.*s: %s", change.event, STR_ARG(change.witness), change.error);
        else
            log_info("%s %.*s: %llu records", change.event, STR_ARG(change.witness), (unsigned long long)change.size);
    }
    requests_send(outside, now_ns);
}

/* ---- time stamps ---- */

static uint64_t stamp_age(const struct outside *outside, uint64_t now_ns)
{
    return (uint64_t)((int64_t)now_ns - outside->stamped_ns);
}

static bool stamp_due(const struct outside *outside, uint64_t now_ns)
{
    bool waiting = outside->stamp_asked_ns && now_ns - outside->stamp_asked_ns < STAMP_PATIENCE;
    bool tried = outside->stamp_tried_ns && now_ns - outside->stamp_tried_ns < STAMP_RETRY_NS;
    bool fresh = outside->stamped_size && stamp_age(outside, now_ns) < outside->stamp_interval_ns;
    return outside->stamps && !waiting && !tried && !fresh;
}

static void stamp_ask(struct outside *outside, struct str note, uint64_t size, uint64_t now_ns)
{
    struct channel *out = process_peer(ROLE_OUT, 0);
    size_t end = str_search(note, STR("\n\n"));
    if (!out || end >= note.n)
        return;
    if (!channel_send(out, MSG_STAMP, size, str_slice(note, 0, end + 1)))
        return;
    outside->stamp_asked_ns = outside->stamp_tried_ns = now_ns;
    outside->stamp_asked_size = size;
}

static void on_stamped(struct outside *outside, const struct msg *msg, uint64_t now_ns)
{
    struct err err = {0};
    struct str body = str_skip(msg->body, 1);
    bool asked = outside->stamp_asked_ns && msg->id == outside->stamp_asked_size;
    if (msg->body.n == 0 || !asked)
        return; /* nothing that was not asked for is stored */
    outside->stamp_asked_ns = 0;
    if (msg->body.p[0] != 1 || body.n == 0 || body.n > TIMESTAMP_RESPONSE_MAX) {
        IGNORE(
            !str_copy_z(str_slice(body, 0, STAMP_ERROR_SIZE - 1), outside->stamp_error, STAMP_ERROR_SIZE)); /* fits */
        log_warning("no time stamp: %s", outside->stamp_error);
        return;
    }
    enum rc rc = archive_stamp_store(outside->options.archive, msg->id, body, &err);
    if (rc == RC_IO)
        outside->options.give_up("could not store a time stamp", &err);
    if (rc != RC_OK) {
        log_error("a time stamp was refused: %s", err.text);
        return;
    }
    outside->stamped_ns = (int64_t)now_ns;
    outside->stamped_size = msg->id;
    outside->stamped_real_ns = clock_real_ns();
    outside->stamp_error[0] = '\0';
    IGNORE(tell(outside, "stamp.made", STR_NONE, msg->id, NULL) == 0); /* no alarm points at it */
}

static void stamp_tick(struct outside *outside, uint64_t now_ns)
{
    bool late = outside->stamps && stamp_age(outside, now_ns) > STAMP_MISSING * outside->stamp_interval_ns;
    if (late && !outside->stamp_late)
        outside->stamp_record = tell(outside, "stamp.missing", STR_NONE, outside->stamped_size, outside->stamp_error);
    outside->stamp_late = late;
}

/* ---- the keeper's calls ---- */

void outside_signed(struct outside *outside, struct str note, uint64_t size, bool retained, uint64_t now_ns)
{
    if (outside_due(outside, now_ns)) {
        archive_shown(outside->options.archive, size);
        cosign_begin(outside->cosign, note, size, retained, now_ns);
        requests_send(outside, now_ns);
    }
    if (retained && !outside->cosign)
        agents_show(outside, note);
    if (retained && stamp_due(outside, now_ns))
        stamp_ask(outside, note, size, now_ns);
}

/* An agent's question: does the tree continue the one it saw? */
static void on_prove(struct outside *outside, const struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    struct channel *intake = process_peer(ROLE_INTAKE, (unsigned)(msg->id >> 32));
    uint64_t old_size = read_be64(&reader);
    uint64_t new_size = read_be64(&reader);
    struct tlog_path path = {0};
    struct err err = {0};
    bool right = reader_done(&reader) && old_size > 0 && old_size <= new_size &&
                 new_size <= archive_durable(outside->options.archive);
    if (right && archive_consistency(outside->options.archive, old_size, new_size, &path, &err) != RC_OK)
        log_warning("an agent asked for a proof from %llu to %llu records: %s", (unsigned long long)old_size,
                    (unsigned long long)new_size, err.text);
    buf_clear(&outside->text);
    buf_be64(&outside->text, old_size);
    buf_be64(&outside->text, new_size);
    buf_put(&outside->text, path.hash, path.count * sizeof path.hash[0]);
    if (intake)
        IGNORE(channel_send(intake, MSG_PROVEN, msg->id, buf_view(&outside->text))); /* it will ask again */
}

void outside_message(struct outside *outside, const struct msg *msg, uint64_t now_ns)
{
    if (msg->type == MSG_PROVE)
        on_prove(outside, msg);
    if (msg->type == MSG_COSIGNED)
        on_cosigned(outside, msg, now_ns);
    else if (msg->type == MSG_STAMPED)
        on_stamped(outside, msg, now_ns);
    else if (msg->type == MSG_MIRROR_COSIGNED)
        on_mirror_cosigned(outside, msg, now_ns);
}

void outside_tick(struct outside *outside, uint64_t signed_ns, uint64_t now_ns)
{
    bool stalled = now_ns - MAX(signed_ns, outside->begun_ns) > STALLED_NS;
    if (outside->cosign)
        witnesses_tick(outside, now_ns);
    stamp_tick(outside, now_ns);
    if (stalled != outside->stalled) {
        uint64_t record = tell(outside, stalled ? "archive.stalled" : "archive.grows", STR_NONE,
                               archive_durable(outside->options.archive), NULL);
        outside->stalled_record = stalled ? record : 0;
    }
    outside->stalled = stalled;
}

void outside_peer_down(struct outside *outside)
{
    outside->stamp_asked_ns = 0;
    if (outside->cosign)
        cosign_forget(outside->cosign);
}

void outside_write(const struct outside *outside, struct buf *json)
{
    if (outside->cosign)
        cosign_write(outside->cosign, json);
    if (outside->stamps) {
        json_write_key(json, "stamp");
        json_write_object(json);
        json_put_u64(json, "size", outside->stamped_size);
        json_put_int(json, "time_ns", outside->stamped_real_ns);
        json_put_text(json, "error", outside->stamp_error);
        json_write_object_end(json);
    }
    json_write_key(json, "alarms");
    json_write_array(json);
    if (outside->cosign)
        cosign_alarms(outside->cosign, json);
    if (outside->stalled && outside->stalled_record)
        cosign_alarm_write(json, "qorgan-archive-stalled", outside->stalled_record, STR_NONE, "");
    if (outside->stamp_late && outside->stamp_record)
        cosign_alarm_write(json, "qorgan-stamp-missing", outside->stamp_record, STR_NONE, outside->stamp_error);
    json_write_array_end(json);
}
