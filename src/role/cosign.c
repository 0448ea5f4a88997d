#include "role/cosign.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define ERROR_MAX   200
#define SHOWN_MAX   80 /* bytes of a witness's name that are shown */
#define TRIES_MAX   3  /* of one round: the second begins where the witness said */
#define ID_BITS     8  /* of an id: the witness; above them the round */
#define PATIENCE_NS UINT64_C(30000000000)
#define MISSED_MAX  2                     /* rounds in a row without its cosignature: it is missing */
#define PUSH_NS     UINT64_C(60000000000) /* as long, or two intervals, a mirror's line is awaited */
#define LINE_START  "\xe2\x80\x94 "
#define ROUNDS_KEPT 32 /* what was asked for longer ago is not waited for: PATIENCE_NS at the shortest interval */

_Static_assert(POLICY_WITNESSES_MAX <= 1 << ID_BITS, "a witness fits an id");

struct witness_row {
    enum cosign_state state;
    enum cosign_state told;
    bool heard;        /* told once that it cosigns */
    uint64_t known;    /* it has cosigned so many records, as far as we know */
    uint64_t size;     /* newest that it cosigned for us */
    int64_t time_s;    /* by its clock */
    unsigned missed;   /* rounds in a row */
    uint64_t asked_ns; /* without an address: when its line came last */
    uint64_t asked_round;
    bool asked;
    unsigned tries; /* of this round */
    char error[ERROR_MAX];
    uint64_t record;
    uint64_t refused; /* lines that were foreign, false or twice there */
};

struct round {
    uint64_t number; /* 0: none */
    uint64_t size;
    uint64_t cosigned; /* witnesses, one bit each */
    bool retained;
    struct buf note; /* with what was merged */
};

struct cosign {
    struct policy policy;
    uint64_t interval_ns;
    uint64_t round; /* its number */
    uint64_t round_ns;
    struct round rounds[ROUNDS_KEPT]; /* a ring */
    struct note parsed;
    uint64_t quorum_size;
    uint64_t quorum_round; /* the newest that reached it, or the last before the start */
    unsigned quorum_missed;
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

enum rc cosign_policy_check(const struct policy *policy, struct err *err)
{
    if (policy->witness_count > COSIGN_WITNESSES_MAX)
        return err_set(err, RC_INVALID, "%zu witnesses: a checkpoint has room for the lines of %d",
                       policy->witness_count, COSIGN_WITNESSES_MAX);
    return RC_OK;
}

enum rc cosign_new(struct str policy, uint64_t interval_ns, struct cosign **ret_cosign, struct err *err)
{
    struct cosign *cosign = memory_new(sizeof *cosign);
    if (!cosign)
        return err_set(err, RC_LIMIT, "no memory for the witnesses");
    enum rc rc = policy_parse(policy, &cosign->policy, err);
    rc = rc == RC_OK ? cosign_policy_check(&cosign->policy, err) : rc;
    if (rc != RC_OK) {
        memory_free(cosign);
        return rc;
    }
    for (size_t i = 0; i < ROUNDS_KEPT; i++)
        buf_init(&cosign->rounds[i].note, NOTE_SIZE_MAX);
    cosign->interval_ns = interval_ns;
    *ret_cosign = cosign;
    return RC_OK;
}

void cosign_free(struct cosign *cosign)
{
    for (size_t i = 0; cosign && i < ROUNDS_KEPT; i++)
        buf_done(&cosign->rounds[i].note);
    memory_free(cosign);
}

/* ---- rounds ---- */

static struct round *round_now(struct cosign *cosign)
{
    ASSERT(cosign->round > 0);
    return &cosign->rounds[cosign->round % ROUNDS_KEPT];
}

static bool done(struct cosign *cosign, size_t witness)
{
    return round_now(cosign)->cosigned >> witness & 1;
}

bool cosign_due(const struct cosign *cosign, uint64_t now_ns)
{
    return cosign->round == 0 || now_ns - cosign->round_ns >= cosign->interval_ns;
}

/* Whether an answer may still come. */
static bool pending(const struct witness_row *row, uint64_t now_ns)
{
    return row->asked && now_ns - row->asked_ns < PATIENCE_NS;
}

/* Not asked: a mirror brings its line, as often as it pulls. */
static bool pushed(const struct cosign *cosign, size_t witness)
{
    return cosign->policy.witness[witness].url.n == 0;
}

static bool push_awaited(const struct cosign *cosign, const struct witness_row *row, uint64_t now_ns)
{
    return now_ns - row->asked_ns < MAX(PUSH_NS, 2 * cosign->interval_ns);
}

static void fault(struct witness_row *row, enum cosign_state state, struct str text);

/* The round is over. Who was asked and has not answered yet is judged by the answer, or when no patience is left. */
static void round_end(struct cosign *cosign, uint64_t now_ns)
{
    uint64_t awaited = 0;
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        struct witness_row *row = &cosign->rows[i];
        row->asked = !pushed(cosign, i) && pending(row, now_ns);
        bool waits = pushed(cosign, i) ? push_awaited(cosign, row, now_ns) : row->asked;
        if (!done(cosign, i) && waits)
            awaited |= UINT64_C(1) << i;
        else
            row->missed += !done(cosign, i);
        if (pushed(cosign, i) && row->missed && !row->error[0])
            fault(row, row->state, STR("no mirror has brought its cosignature"));
    }
    if (!policy_quorum(&cosign->policy, round_now(cosign)->cosigned | awaited))
        cosign->quorum_missed++;
}

void cosign_begin(struct cosign *cosign, struct str note, uint64_t size, bool retained, uint64_t now_ns)
{
    if (cosign->round)
        round_end(cosign, now_ns);
    for (size_t i = 0; i < cosign->policy.witness_count && !cosign->round; i++)
        if (pushed(cosign, i))
            cosign->rows[i].asked_ns = now_ns; /* from now on it is awaited */
    cosign->round++;
    cosign->round_ns = now_ns;
    struct round *round = round_now(cosign);
    round->number = cosign->round;
    round->size = size;
    round->cosigned = 0;
    round->retained = retained;
    buf_clear(&round->note);
    buf_str(&round->note, note);
    for (size_t i = 0; i < cosign->policy.witness_count; i++)
        cosign->rows[i].tries = 0;
}

bool cosign_next(struct cosign *cosign, uint64_t now_ns, size_t *ret_witness, uint64_t *ret_old_size)
{
    for (size_t i = 0; cosign->round && i < cosign->policy.witness_count; i++) {
        struct witness_row *row = &cosign->rows[i];
        if (row->asked && !pending(row, now_ns)) {
            row->asked = false;
            row->missed += row->asked_round < cosign->round; /* a round that is still on is counted at its end */
        }
        /* Who has more than this round's checkpoint waits for a later one. */
        if (pushed(cosign, i) || done(cosign, i) || row->asked || row->tries >= TRIES_MAX ||
            row->known > round_now(cosign)->size)
            continue;
        row->asked = true;
        row->asked_ns = now_ns;
        row->asked_round = cosign->round;
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
    return cosign->round ? buf_view(&cosign->rounds[cosign->round % ROUNDS_KEPT].note) : STR_NONE;
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
static bool merge(struct cosign *cosign, struct round *round, size_t at, struct str text)
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
    buf_str(&note, buf_view(&round->note));
    buf_str(&note, own);
    enum rc rc = own.n ? note_parse(buf_view(&note), &cosign->parsed, &err)
                       : err_set(&err, RC_NOT_FOUND, "no cosignature of the witness's key among %zu lines", lines);
    rc = rc == RC_OK ? note_verify(&cosign->parsed, key, &time_s, &err) : rc;
    if (rc != RC_OK || note.overflow) {
        row->refused += own.n > 0;
        fault(row, row->state, str_of(err.text));
        return false;
    }
    buf_clear(&round->note);
    buf_str(&round->note, buf_view(&note));
    row->time_s = MAX(row->time_s, (int64_t)time_s);
    return true;
}

/* A late line says that the witness is there, and no more: how far it has cosigned, and whether it takes what we show
 * it now, a newer answer may have said already. */
static void row_cosigned(struct witness_row *row, const struct round *round, bool late)
{
    row->missed = 0;
    row->size = MAX(row->size, round->size);
    row->known = late ? MAX(row->known, round->size) : round->size;
    if (late && (row->state == COSIGN_BEHIND || row->state == COSIGN_FORKED))
        return;
    row->state = COSIGN_GOOD;
    row->error[0] = '\0';
}

static void cosigned(struct cosign *cosign, struct round *round, size_t at, struct str text,
                     struct cosign_taken *ret_taken)
{
    struct witness_row *row = &cosign->rows[at];
    if (round->cosigned >> at & 1) {
        row->refused++; /* it was asked once */
        return;
    }
    if (!merge(cosign, round, at, text))
        return;
    row_cosigned(row, round, round->number != cosign->round);
    round->cosigned |= UINT64_C(1) << at;
    ret_taken->note = buf_view(&round->note);
    ret_taken->retained = round->retained;
    /* What is newer and has the quorum stays. */
    if (round->number < cosign->quorum_round || !policy_quorum(&cosign->policy, round->cosigned))
        return;
    ret_taken->quorum = true;
    cosign->quorum_round = round->number;
    cosign->quorum_size = round->size;
    cosign->quorum_missed = 0;
    cosign->quorum_lost = false;
}

/* It says how far it has cosigned. That is no fault unless we cannot follow. */
static void conflict(struct witness_row *row, const struct round *round, uint64_t size, uint64_t durable)
{
    char text[ERROR_MAX];
    if (size > durable) {
        snprintf(text, sizeof text, "it has cosigned %llu records, the archive holds %llu", (unsigned long long)size,
                 (unsigned long long)durable);
        fault(row, COSIGN_BEHIND, str_of(text));
    } else if (size == row->known && size == round->size) {
        fault(row, COSIGN_FORKED, STR("it has cosigned another root for the same size"));
    }
    row->known = size;
}

static void failed(struct witness_row *row, const struct cosign_answer *answer)
{
    row->tries = TRIES_MAX;
    if (answer->status == 422) {
        fault(row, COSIGN_FORKED, answer->text);
        return;
    }
    fault(row, row->state, answer->text);
    if (row->error[0] == '\0')
        snprintf(row->error, sizeof row->error, "status %u", answer->status);
}

/* NULL when it is none of those that are kept. */
static struct round *round_find(struct cosign *cosign, uint64_t number)
{
    struct round *round = &cosign->rounds[number % ROUNDS_KEPT];
    return number > 0 && round->number == number ? round : NULL;
}

bool cosign_take(struct cosign *cosign, const struct cosign_answer *answer, uint64_t durable,
                 struct cosign_taken *ret_taken)
{
    size_t at = answer->id & ((1u << ID_BITS) - 1);
    struct round *round = round_find(cosign, answer->id >> ID_BITS);
    *ret_taken = (struct cosign_taken){.error = ""};
    if (at >= cosign->policy.witness_count || !round)
        return false;
    struct witness_row *row = &cosign->rows[at];
    char before[ERROR_MAX];
    memcpy(before, row->error, sizeof before);
    bool late = round->number != cosign->round;
    bool asked = row->asked && row->asked_round == round->number;
    row->asked = row->asked && !asked;
    if (answer->status == 200)
        cosigned(cosign, round, at, answer->text, ret_taken);
    else if (late && !asked)
        return false;
    else if (answer->status == 409)
        conflict(row, round, answer->size, durable);
    else
        failed(row, answer);
    if (late && asked) {
        row->missed += !(round->cosigned >> at & 1); /* at the round's end it was still awaited */
        row->tries = 0;                              /* it has not been asked in this round */
    }
    ret_taken->witness = cosign->policy.witness[at].name;
    if (strcmp(before, row->error) != 0)
        ret_taken->error = row->error;
    return ret_taken->note.n > 0;
}

/* ---- what mirrors bring ---- */

bool cosign_line_check(struct str line)
{
    struct str rest = str_skip(line, strlen(LINE_START));
    if (line.n > COSIGN_LINE_MAX || !str_starts(line, STR(LINE_START)) || !str_ends(line, STR("\n")))
        return false;
    struct str name = str_cut(&rest, ' ');
    struct str base64 = str_cut(&rest, '\n');
    char bytes[COSIGN_LINE_MAX];
    size_t n = 0;
    return rest.p && !rest.n && note_name_check(name, NULL) == RC_OK &&
           base64_decode(base64, bytes, sizeof bytes, &n) && n > sizeof(uint32_t);
}

static bool push_witness(const struct cosign *cosign, struct str line, size_t *ret_witness)
{
    struct str rest = str_skip(line, strlen(LINE_START));
    struct str name = str_cut(&rest, ' ');
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        *ret_witness = i;
        if (pushed(cosign, i) && str_is(name, cosign->policy.witness[i].key.name))
            return true;
    }
    return false;
}

enum cosign_pushed cosign_push(struct cosign *cosign, uint64_t size, struct str line, uint64_t now_ns,
                               struct cosign_taken *ret_taken)
{
    struct round *round = NULL;
    size_t at = 0;
    *ret_taken = (struct cosign_taken){.error = ""};
    if (!cosign_line_check(line) || !push_witness(cosign, line, &at))
        return COSIGN_PUSH_STRANGER;
    for (size_t i = 0; i < ROUNDS_KEPT; i++) /* the newest of that size */
        if (cosign->rounds[i].number && cosign->rounds[i].size == size &&
            (!round || round->number < cosign->rounds[i].number))
            round = &cosign->rounds[i];
    if (!round)
        return COSIGN_PUSH_PAST;
    if (round->cosigned >> at & 1)
        return COSIGN_PUSH_KNOWN;
    struct witness_row *row = &cosign->rows[at];
    char before[ERROR_MAX];
    memcpy(before, row->error, sizeof before);
    cosigned(cosign, round, at, line, ret_taken);
    ret_taken->witness = cosign->policy.witness[at].name;
    if (ret_taken->note.n) {
        row->asked_ns = now_ns;
        return COSIGN_PUSH_TAKEN;
    }
    if (strcmp(before, row->error) != 0)
        ret_taken->error = row->error;
    return COSIGN_PUSH_FALSE;
}

/* ---- telling ---- */

static bool witness_change(struct cosign *cosign, size_t at, struct cosign_change *ret_change)
{
    struct witness_row *row = &cosign->rows[at];
    if (row->missed >= MISSED_MAX && (row->state == COSIGN_NEW || row->state == COSIGN_GOOD))
        row->state = COSIGN_MISSING;
    if (row->state == row->told)
        return false;
    bool first = !row->heard && row->state == COSIGN_GOOD;
    row->heard = row->heard || first;
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

/* Once lost it stays so until it is reached. Those who are not missing must be able to make it, and where answers are
 * slow, they must meet in one of the rounds that are waited for. */
static void quorum_look(struct cosign *cosign)
{
    uint64_t present = 0;
    if (cosign->policy.no_quorum || cosign->round == 0)
        return;
    for (size_t i = 0; i < cosign->policy.witness_count; i++)
        present |= (uint64_t)(cosign->rows[i].missed < MISSED_MAX) << i;
    bool apart = cosign->round - cosign->quorum_round > ROUNDS_KEPT;
    if (apart || cosign->quorum_missed >= MISSED_MAX || !policy_quorum(&cosign->policy, present))
        cosign->quorum_lost = true;
}

bool cosign_change(struct cosign *cosign, struct cosign_change *ret_change)
{
    for (size_t i = 0; i < cosign->policy.witness_count; i++)
        if (witness_change(cosign, i, ret_change))
            return true;
    quorum_look(cosign);
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
    json_put_u64(json, "round", cosign->round ? cosign->rounds[cosign->round % ROUNDS_KEPT].size : 0);
    json_write_object_end(json);
}

void cosign_alarm_write(struct buf *json, const char *rule, uint64_t record, struct str host, const char *text)
{
    json_write_object(json);
    json_put_text(json, "rule", rule);
    json_put_u64(json, "record", record);
    json_put_str(json, "host", host);
    json_put_text(json, "text", text);
    json_write_object_end(json);
}

void cosign_alarms(const struct cosign *cosign, struct buf *json)
{
    for (size_t i = 0; i < cosign->policy.witness_count; i++) {
        const struct witness_row *row = &cosign->rows[i];
        if (row->record && states[row->told].rule)
            cosign_alarm_write(json, states[row->told].rule, row->record,
                               str_slice(cosign->policy.witness[i].name, 0, SHOWN_MAX), row->error);
    }
    if (cosign->quorum_record && cosign->quorum_told)
        cosign_alarm_write(json, "qorgan-quorum-lost", cosign->quorum_record, STR_NONE, "");
}
