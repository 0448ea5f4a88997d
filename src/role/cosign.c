#include "role/cosign.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define ERROR_MAX     200
#define SHOWN_MAX     80 /* bytes of a witness's name that are shown */
#define TRIES_MAX     3  /* of one round: the second begins where the witness said */
#define ID_BITS       8  /* of an id: the witness; above them the round */
#define PATIENCE_NS   UINT64_C(30000000000)
#define INTERVALS_MAX 2

_Static_assert(POLICY_WITNESSES_MAX <= 1 << ID_BITS, "a witness fits an id");

struct witness_row {
    enum cosign_state state;
    enum cosign_state told;
    uint64_t known;   /* it has cosigned so many records, as far as we know */
    uint64_t size;    /* newest that it cosigned for us */
    int64_t time_s;   /* by its clock */
    uint64_t good_ns; /* boot time of that, or of the start */
    uint64_t asked_ns;
    bool asked;
    unsigned tries;
    bool done; /* cosigned this round */
    char error[ERROR_MAX];
    uint64_t record;
    uint64_t refused; /* lines that were foreign, false or twice there */
};

struct cosign {
    struct policy policy;
    uint64_t interval_ns;
    uint64_t round;
    uint64_t round_ns;
    uint64_t size;
    uint64_t cosigned; /* witnesses of this round, one bit each */
    struct buf note;
    struct note parsed;
    uint64_t quorum_size;
    uint64_t quorum_ns;
    bool quorum_lost;
    bool quorum_told;
    uint64_t quorum_record;
    struct witness_row rows[POLICY_WITNESSES_MAX];
};

static const struct {
    const char *name;
    const char *event;
    const char *rule;
} states[] = {
    [COSIGN_NEW] = {"new", "witness.back", NULL},
    [COSIGN_GOOD] = {"good", "witness.back", NULL},
    [COSIGN_MISSING] = {"missing", "witness.missing", "qorgan-witness-missing"},
    [COSIGN_BEHIND] = {"behind", "witness.behind", "qorgan-witness-behind"},
    [COSIGN_FORKED] = {"forked", "witness.forked", "qorgan-witness-forked"},
};

enum rc cosign_new(struct str policy, uint64_t interval_ns, uint64_t now_ns, struct cosign **ret_cosign,
                   struct err *err)
{
    struct cosign *cosign = memory_new(sizeof *cosign);
    if (!cosign)
        return err_set(err, RC_LIMIT, "no memory for the witnesses");
    enum rc rc = policy_parse(policy, &cosign->policy, err);
    if (rc != RC_OK) {
        memory_free(cosign);
        return rc;
    }
    buf_init(&cosign->note, NOTE_SIZE_MAX);
    cosign->interval_ns = interval_ns;
    cosign->quorum_ns = now_ns;
    for (size_t i = 0; i < cosign->policy.witness_count; i++)
        cosign->rows[i].good_ns = now_ns;
    *ret_cosign = cosign;
    return RC_OK;
}

void cosign_free(struct cosign *cosign)
{
    if (cosign)
        buf_done(&cosign->note);
    memory_free(cosign);
}

/* ---- rounds ---- */

bool cosign_due(const struct cosign *cosign, uint64_t now_ns)
{
    return cosign->round == 0 || now_ns - cosign->round_ns >= cosign->interval_ns;
}

void cosign_begin(struct cosign *cosign, struct str note, uint64_t size, uint64_t now_ns)
{
    buf_clear(&cosign->note);
    buf_str(&cosign->note, note);
    cosign->round++;
    cosign->round_ns = now_ns;
    cosign->size = size;
    cosign->cosigned = 0;
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        cosign->rows[i].done = false;
        cosign->rows[i].tries = 0;
    }
}

bool cosign_next(struct cosign *cosign, uint64_t now_ns, size_t *ret_witness, uint64_t *ret_old_size)
{
    for (size_t i = 0; cosign->round && i < cosign->policy.witness_count; i++) {
        struct witness_row *row = &cosign->rows[i];
        row->asked = row->asked && now_ns - row->asked_ns < PATIENCE_NS;
        /* Who has more than this round's checkpoint waits for a later one. */
        if (row->done || row->asked || row->tries >= TRIES_MAX || row->known > cosign->size)
            continue;
        row->asked = true;
        row->asked_ns = now_ns;
        row->tries++;
        *ret_witness = i;
        *ret_old_size = row->known;
        return true;
    }
    return false;
}

uint64_t cosign_id(const struct cosign *cosign, size_t witness)
{
    ASSERT(witness < cosign->policy.witness_count);
    return cosign->round << ID_BITS | witness;
}

struct str cosign_note(const struct cosign *cosign)
{
    return buf_view(&cosign->note);
}

void cosign_forget(struct cosign *cosign)
{
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        struct witness_row *row = &cosign->rows[i];
        row->tries -= row->asked && row->tries > 0;
        row->asked = false;
    }
}

/* ---- answers ---- */

/* The text may come from the witness: one line of what can be printed. */
static void fault(struct witness_row *row, enum cosign_state state, struct str text)
{
    struct str line = str_slice(str_cut(&text, '\n'), 0, sizeof row->error - 1);
    for (size_t i = 0; i < line.n; i++)
        row->error[i] = line.p[i] >= ' ' && line.p[i] <= '~' ? line.p[i] : '?';
    row->error[line.n] = '\0';
    row->state = state;
}

/* The note with the witness's line behind it, when the line is its own and verifies. */
static bool merge(struct cosign *cosign, size_t at, struct str text)
{
    struct witness_row *row = &cosign->rows[at];
    const struct note_key *key = &cosign->policy.witness[at].key;
    struct buf note CLEANUP(buf_done);
    struct str own = STR_NONE;
    struct err err = {0};
    uint64_t time_s = 0;
    size_t lines = 0;
    buf_init(&note, NOTE_SIZE_MAX);
    for (struct str rest = text; rest.n > 0; lines++) {
        struct str from = rest;
        struct str line = str_cut(&rest, '\n');
        bool is_own = line.n > strlen(key->name) + 5 && str_starts(str_skip(line, 4), str_of(key->name)) &&
                      line.p[4 + strlen(key->name)] == ' ' && rest.p != NULL;
        row->refused += !is_own || own.n > 0;
        own = is_own && own.n == 0 ? str_slice(from, 0, line.n + 1) : own;
    }
    buf_str(&note, buf_view(&cosign->note));
    buf_str(&note, own);
    enum rc rc = own.n ? note_parse(buf_view(&note), &cosign->parsed, &err)
                       : err_set(&err, RC_NOT_FOUND, "no cosignature of the witness's key among %zu lines", lines);
    rc = rc == RC_OK ? note_verify(&cosign->parsed, key, &time_s, &err) : rc;
    if (rc != RC_OK || note.overflow) {
        row->refused += own.n > 0;
        fault(row, row->state, str_of(err.text));
        return false;
    }
    buf_clear(&cosign->note);
    buf_str(&cosign->note, buf_view(&note));
    row->time_s = (int64_t)time_s;
    return true;
}

static bool cosigned(struct cosign *cosign, size_t at, struct str text, uint64_t now_ns, bool *ret_quorum)
{
    struct witness_row *row = &cosign->rows[at];
    if (row->done) {
        row->refused++; /* it was asked once */
        return false;
    }
    if (!merge(cosign, at, text))
        return false;
    row->done = true;
    row->known = row->size = cosign->size;
    row->good_ns = now_ns;
    row->state = COSIGN_GOOD;
    row->error[0] = '\0';
    cosign->cosigned |= UINT64_C(1) << at;
    *ret_quorum = policy_quorum(&cosign->policy, cosign->cosigned);
    if (*ret_quorum) {
        cosign->quorum_size = cosign->size;
        cosign->quorum_ns = now_ns;
    }
    return true;
}

/* It says how far it has cosigned. That is no fault unless we cannot follow. */
static void conflict(struct cosign *cosign, size_t at, const struct cosign_answer *answer, uint64_t durable)
{
    struct witness_row *row = &cosign->rows[at];
    char text[ERROR_MAX];
    if (answer->size > durable) {
        snprintf(text, sizeof text, "it has cosigned %llu records, the archive holds %llu",
                 (unsigned long long)answer->size, (unsigned long long)durable);
        fault(row, COSIGN_BEHIND, str_of(text));
    } else if (answer->size == row->known && answer->size == cosign->size) {
        fault(row, COSIGN_FORKED, STR("it has cosigned another root for the same size"));
    }
    row->known = answer->size;
}

bool cosign_take(struct cosign *cosign, const struct cosign_answer *answer, uint64_t durable, uint64_t now_ns,
                 bool *ret_quorum)
{
    size_t at = answer->id & ((1u << ID_BITS) - 1);
    *ret_quorum = false;
    if (at >= cosign->policy.witness_count)
        return false;
    struct witness_row *row = &cosign->rows[at];
    if (answer->id >> ID_BITS != cosign->round) {
        row->asked = row->asked && answer->id >> ID_BITS > cosign->round;
        return false; /* late: the next request learns from a 409 what it did */
    }
    row->asked = false;
    if (answer->status == 200)
        return cosigned(cosign, at, answer->text, now_ns, ret_quorum);
    if (answer->status == 409) {
        conflict(cosign, at, answer, durable);
        return false;
    }
    row->tries = TRIES_MAX;
    if (answer->status == 422) {
        fault(row, COSIGN_FORKED, answer->text);
        return false;
    }
    fault(row, row->state, answer->text);
    if (row->error[0] == '\0')
        snprintf(row->error, sizeof row->error, "status %u", answer->status);
    return false;
}

/* ---- telling ---- */

static bool witness_change(struct cosign *cosign, size_t at, uint64_t now_ns, struct cosign_change *ret_change)
{
    struct witness_row *row = &cosign->rows[at];
    bool late = now_ns - row->good_ns > INTERVALS_MAX * cosign->interval_ns;
    if (late && (row->state == COSIGN_NEW || row->state == COSIGN_GOOD))
        row->state = COSIGN_MISSING;
    if (row->state == row->told)
        return false;
    bool first = row->told == COSIGN_NEW && row->state == COSIGN_GOOD;
    row->told = row->state;
    if (states[row->state].rule == NULL)
        row->record = 0;
    *ret_change = (struct cosign_change){
        .event = first ? "witness.first" : states[row->state].event,
        .rule = states[row->state].rule,
        .witness = cosign->policy.witness[at].name,
        .size = row->size,
        .error = row->error,
        .record = &row->record,
    };
    return true;
}

bool cosign_change(struct cosign *cosign, uint64_t now_ns, struct cosign_change *ret_change)
{
    for (size_t i = 0; i < cosign->policy.witness_count; i++)
        if (witness_change(cosign, i, now_ns, ret_change))
            return true;
    cosign->quorum_lost = !cosign->policy.no_quorum && now_ns - cosign->quorum_ns > INTERVALS_MAX * cosign->interval_ns;
    if (cosign->quorum_lost == cosign->quorum_told)
        return false;
    cosign->quorum_told = cosign->quorum_lost;
    cosign->quorum_record = 0;
    *ret_change = (struct cosign_change){
        .event = cosign->quorum_lost ? "quorum.lost" : "quorum.reached",
        .rule = cosign->quorum_lost ? "qorgan-quorum-lost" : NULL,
        .size = cosign->quorum_size,
        .error = "",
        .record = &cosign->quorum_record,
    };
    return true;
}

void cosign_write(const struct cosign *cosign, struct buf *json)
{
    json_write_key(json, "witnesses");
    json_write_array(json);
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        const struct witness_row *row = &cosign->rows[i];
        json_write_object(json);
        json_put_str(json, "name", str_slice(cosign->policy.witness[i].name, 0, SHOWN_MAX));
        json_put_text(json, "state", states[row->state].name);
        json_put_u64(json, "size", row->size);
        json_put_int(json, "time_ns", row->time_s * SECOND_NS);
        json_put_text(json, "error", row->error);
        json_put_u64(json, "refused", row->refused);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_key(json, "quorum");
    json_write_object(json);
    json_put_bool(json, "asked", !cosign->policy.no_quorum);
    json_put_bool(json, "lost", cosign->quorum_lost);
    json_put_u64(json, "size", cosign->quorum_size);
    json_write_object_end(json);
}

static void alarm_write(struct buf *json, const char *rule, uint64_t record, struct str text)
{
    json_write_object(json);
    json_put_text(json, "rule", rule);
    json_put_u64(json, "record", record);
    json_put_str(json, "text", text);
    json_write_object_end(json);
}

void cosign_alarms(const struct cosign *cosign, struct buf *json)
{
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        const struct witness_row *row = &cosign->rows[i];
        if (row->record && states[row->told].rule)
            alarm_write(json, states[row->told].rule, row->record,
                        str_slice(cosign->policy.witness[i].name, 0, SHOWN_MAX));
    }
    if (cosign->quorum_record && cosign->quorum_told)
        alarm_write(json, "qorgan-quorum-lost", cosign->quorum_record, STR_NONE);
}
