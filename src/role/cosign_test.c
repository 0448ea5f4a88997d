#include "role/cosign.h"

#include "base/test.h"
#include "codec/json.h"
#include "tlog/key.h"

#include <stdio.h>
#include <string.h>

#define SECOND   UINT64_C(1000000000)
#define INTERVAL (10 * SECOND)

static struct signing_key *log_key;
static struct signing_key *witness_key[3];
static char policy[4096];

struct stand {
    struct cosign *cosign;
    struct buf note;
    uint64_t now_ns;
    uint64_t size;
};

static struct signing_key *key_of(const char *name, enum note_type type, uint8_t first)
{
    uint8_t seed[32] = {first};
    struct signing_key *key = NULL;
    CHECK(signing_key_from_seed(str_of(name), type, seed, &key, NULL) == RC_OK);
    return key;
}

static void keys_make(void)
{
    static const char *const names[] = {"w1.test", "w2.test", "w3.test"};
    struct buf text;
    if (log_key)
        return;
    log_key = key_of("log.test", NOTE_ED25519, 1);
    buf_init_fixed(&text, policy, sizeof policy);
    for (uint8_t i = 0; i < 3; i++) {
        witness_key[i] = key_of(names[i], NOTE_COSIGNATURE, (uint8_t)(11 + i));
        buf_format(&text, "witness w%d ", i + 1);
        note_key_write(signing_key_public(witness_key[i]), &text);
        buf_format(&text, " http://127.0.0.1:%d\n", 8000 + i);
    }
    buf_text(&text, "group two 2 w1 w2 w3\nquorum two\n");
    buf_z(&text);
}

static void round_begin(struct stand *stand, uint64_t size)
{
    struct tlog_head head = {.size = size, .root = {{7}}};
    buf_clear(&stand->note);
    CHECK(checkpoint_sign(log_key, STR("log.test"), &head, &stand->note, NULL) == RC_OK);
    stand->size = size;
    cosign_begin(stand->cosign, buf_view(&stand->note), size, size % 20 == 0, stand->now_ns);
}

static void stand_make(struct stand *stand)
{
    keys_make();
    *stand = (struct stand){.now_ns = 1000 * SECOND};
    buf_init(&stand->note, NOTE_SIZE_MAX);
    CHECK(cosign_new(str_of(policy), INTERVAL, &stand->cosign, NULL) == RC_OK);
    CHECK(cosign_due(stand->cosign, stand->now_ns));
    round_begin(stand, 100);
}

static void stand_done(struct stand *stand)
{
    cosign_free(stand->cosign);
    buf_done(&stand->note);
}

/* Asks everybody; the old size each was asked with, -1 when it was not. */
static void ask_all(struct stand *stand, int64_t ret_old[3])
{
    size_t witness = 0;
    uint64_t old_size = 0;
    ret_old[0] = ret_old[1] = ret_old[2] = -1;
    while (cosign_next(stand->cosign, stand->now_ns, &witness, &old_size))
        ret_old[witness] = (int64_t)old_size;
}

static bool answer(struct stand *stand, size_t witness, uint32_t status, uint64_t size, struct str text)
{
    struct cosign_answer given = {
        .id = cosign_id(stand->cosign, witness), .status = status, .size = size, .text = text};
    struct cosign_taken taken;
    IGNORE(cosign_take(stand->cosign, &given, stand->size + 10, &taken)); /* the note shows it */
    return taken.quorum;
}

static bool sign(struct stand *stand, size_t witness, const struct signing_key *key)
{
    struct buf line CLEANUP(buf_done);
    struct str text = buf_view(&stand->note);
    buf_init(&line, 4096);
    CHECK(signing_key_sign(key, str_slice(text, 0, str_search(text, STR("\n\n")) + 1), 77, &line, NULL) == RC_OK);
    return answer(stand, witness, 200, 0, buf_view(&line));
}

static size_t lines_of(const struct stand *stand)
{
    static struct note note;
    CHECK(note_parse(cosign_note(stand->cosign), &note, NULL) == RC_OK);
    return note.count;
}

static const char *told(struct stand *stand)
{
    static char text[256];
    struct cosign_change change;
    static uint64_t number = 500;
    if (!cosign_change(stand->cosign, &change))
        return "";
    *change.record = change.rule ? ++number : 0;
    snprintf(text, sizeof text, "%s %.*s", change.event, STR_ARG(change.witness));
    return text;
}

static void a_round(void)
{
    struct stand stand;
    int64_t old[3];
    stand_make(&stand);
    ask_all(&stand, old);
    CHECK(old[0] == 0 && old[1] == 0 && old[2] == 0);
    ask_all(&stand, old);
    CHECK(old[0] == -1); /* asked once */
    CHECK(!sign(&stand, 0, witness_key[0]));
    CHECK_INT(lines_of(&stand), 2);
    CHECK(sign(&stand, 1, witness_key[1]));
    CHECK_INT(lines_of(&stand), 3);
    CHECK_TEXT(str_of(told(&stand)), "witness.first w1");
    CHECK_TEXT(str_of(told(&stand)), "witness.first w2");
    CHECK_TEXT(str_of(told(&stand)), "");
    CHECK(!cosign_due(stand.cosign, stand.now_ns + INTERVAL - 1));
    stand.now_ns += INTERVAL;
    CHECK(cosign_due(stand.cosign, stand.now_ns));
    round_begin(&stand, 120);
    cosign_forget(stand.cosign); /* the third never answered: out was restarted */
    ask_all(&stand, old);
    CHECK(old[0] == 100 && old[1] == 100 && old[2] == 0);
    stand_done(&stand);
}

static void refuses_what_is_not_its_line(void)
{
    struct stand stand;
    int64_t old[3];
    struct buf json CLEANUP(buf_done);
    buf_init(&json, 65536);
    stand_make(&stand);
    ask_all(&stand, old);
    sign(&stand, 0, witness_key[1]); /* another witness's */
    CHECK_INT(lines_of(&stand), 1);
    struct signing_key *impostor = key_of("w2.test", NOTE_COSIGNATURE, 99);
    sign(&stand, 1, impostor); /* its name, another key */
    signing_key_free(impostor);
    CHECK_INT(lines_of(&stand), 1);
    static const char *const bad[] = {"",
                                      "\n",
                                      "x",
                                      "\xe2\x80\x94 w3.test \n",
                                      "\xe2\x80\x94 w3.test AAAA\n",
                                      "\xe2\x80\x94 w3.test",
                                      "w3.test AAAA\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("row %zu", i);
        answer(&stand, 2, 200, 0, str_of(bad[i]));
        CHECK_INT(lines_of(&stand), 1);
    }
    test_row("-");
    CHECK(!sign(&stand, 2, witness_key[2]));
    CHECK(!sign(&stand, 2, witness_key[2])); /* twice */
    CHECK_INT(lines_of(&stand), 2);
    json_write_object(&json);
    cosign_write(stand.cosign, &json);
    json_write_object_end(&json);
    CHECK(str_search(buf_view(&json), STR("\"refused\":1")) < json.n);
    stand_done(&stand);
}

static void conflicts(void)
{
    struct stand stand;
    int64_t old[3];
    stand_make(&stand);
    ask_all(&stand, old);
    answer(&stand, 0, 409, 60, STR_NONE); /* it knows more of us: asked again from there */
    answer(&stand, 1, 409, 5000, STR_NONE);
    answer(&stand, 2, 422, 0, STR("not proven\n"));
    ask_all(&stand, old);
    CHECK(old[0] == 60 && old[1] == -1 && old[2] == -1);
    CHECK_TEXT(str_of(told(&stand)), "witness.behind w2");
    CHECK_TEXT(str_of(told(&stand)), "witness.forked w3");
    for (int i = 0; i < 5; i++) { /* one that always says no is not asked for ever */
        answer(&stand, 0, 409, 60, STR_NONE);
        ask_all(&stand, old);
    }
    CHECK(old[0] == -1);
    struct buf json CLEANUP(buf_done);
    buf_init(&json, 65536);
    json_write_array(&json);
    cosign_alarms(stand.cosign, &json);
    CHECK(str_search(buf_view(&json), STR("qorgan-witness-behind")) < json.n);
    CHECK(str_search(buf_view(&json), STR("qorgan-witness-forked")) < json.n);
    stand.now_ns += INTERVAL;
    round_begin(&stand, 6000); /* past what the second has */
    ask_all(&stand, old);
    CHECK(old[1] == 5000);
    answer(&stand, 1, 409, 6000, STR_NONE);
    ask_all(&stand, old);
    CHECK(old[1] == 6000);
    answer(&stand, 1, 409, 6000, STR_NONE); /* the same size, another root */
    CHECK_TEXT(str_of(told(&stand)), "witness.forked w2");
    sign(&stand, 1, witness_key[1]);
    stand_done(&stand);
}

static void refused(struct stand *stand, size_t witness)
{
    answer(stand, witness, 0, 0, STR("connection refused"));
}

static void silence(void)
{
    struct stand stand;
    int64_t old[3];
    stand_make(&stand);
    ask_all(&stand, old);
    sign(&stand, 0, witness_key[0]);
    sign(&stand, 1, witness_key[1]);
    CHECK_TEXT(str_of(told(&stand)), "witness.first w1");
    CHECK_TEXT(str_of(told(&stand)), "witness.first w2");
    refused(&stand, 2);
    for (uint64_t size = 110; size <= 120; size += 10) { /* the third misses its second round, the others their first */
        CHECK_TEXT(str_of(told(&stand)), "");
        round_begin(&stand, size);
        ask_all(&stand, old);
        for (size_t i = 0; i < 3; i++)
            refused(&stand, i);
    }
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w3");
    CHECK_TEXT(str_of(told(&stand)), "");
    round_begin(&stand, 200);
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w1");
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w2");
    CHECK_TEXT(str_of(told(&stand)), "quorum.lost ");
    CHECK_TEXT(str_of(told(&stand)), "");
    ask_all(&stand, old);
    stand.now_ns += 31 * SECOND; /* asked and never answered */
    ask_all(&stand, old);
    CHECK(old[0] == 100 && old[1] == 100 && old[2] == 0);
    sign(&stand, 1, witness_key[1]);
    refused(&stand, 0);
    CHECK(sign(&stand, 2, witness_key[2]));
    CHECK_TEXT(str_of(told(&stand)), "witness.back w2");
    CHECK_TEXT(str_of(told(&stand)), "witness.first w3"); /* for the first time, missed as it was */
    CHECK_TEXT(str_of(told(&stand)), "quorum.reached ");
    CHECK_TEXT(str_of(told(&stand)), "");
    stand_done(&stand);
}

/* A short interval over an archive that seldom grows, or that is asked of slow witnesses, alarms nobody. */
static void patience(void)
{
    struct stand stand;
    int64_t old[3];
    stand_make(&stand);
    for (uint64_t size = 101; size < 110; size++) { /* far apart */
        ask_all(&stand, old);
        for (size_t i = 0; i < 3; i++)
            sign(&stand, i, witness_key[i]);
        stand.now_ns += 100 * INTERVAL;
        for (const char *said; (said = told(&stand))[0];)
            CHECK(str_starts(str_of(said), STR("witness.first")));
        round_begin(&stand, size);
    }
    ask_all(&stand, old);
    for (uint64_t size = 110; size < 120; size++) { /* many while the answers are on their way */
        stand.now_ns += SECOND;
        round_begin(&stand, size);
        CHECK_TEXT(str_of(told(&stand)), "");
    }
    /* Those who say nothing for longer than their patience have missed: first the one they were asked for. */
    stand.now_ns += 21 * SECOND;
    ask_all(&stand, old);
    CHECK(old[0] == 108 && old[1] == 108 && old[2] == 108);
    CHECK_TEXT(str_of(told(&stand)), "");
    stand.now_ns += 31 * SECOND;
    round_begin(&stand, 120);
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w1");
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w2");
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w3");
    CHECK_TEXT(str_of(told(&stand)), "quorum.lost ");
    stand_done(&stand);
}

/* What an answer to an earlier round brings; the text is signed by the witness when it has a key. */
static struct cosign_taken late(struct stand *stand, uint64_t id, struct str text, const struct signing_key *key)
{
    static char storage[4096];
    struct buf line;
    struct cosign_taken taken;
    struct cosign_answer given = {.id = id, .status = key ? 200 : 0, .text = text};
    buf_init_fixed(&line, storage, sizeof storage);
    if (key) {
        struct str signed_text = str_slice(text, 0, str_search(text, STR("\n\n")) + 1);
        CHECK(signing_key_sign(key, signed_text, 78, &line, NULL) == RC_OK);
        given.text = buf_view(&line);
    }
    CHECK(cosign_take(stand->cosign, &given, stand->size, &taken) == (taken.note.n > 0));
    return taken;
}

/* A line for an earlier round counts for that round; it must be of that round's checkpoint. */
static void late_answers(void)
{
    struct stand stand;
    int64_t old[3];
    struct cosign_taken taken;
    char first[1024];
    stand_make(&stand);
    ask_all(&stand, old);
    struct str note = str_at(first, stand.note.n);
    memcpy(first, stand.note.p, stand.note.n);
    uint64_t ids[3];
    for (size_t i = 0; i < 3; i++)
        ids[i] = cosign_id(stand.cosign, i);
    stand.now_ns += INTERVAL;
    round_begin(&stand, 110);
    ask_all(&stand, old);
    CHECK(old[0] == -1 && old[1] == -1 && old[2] == -1);
    taken = late(&stand, ids[0], buf_view(&stand.note), witness_key[0]); /* of another round */
    CHECK(taken.note.n == 0 && taken.error[0] != '\0');
    CHECK_TEXT(str_of(told(&stand)), "");
    taken = late(&stand, ids[1], note, witness_key[1]);
    CHECK(taken.note.n > 0 && taken.retained && !taken.quorum && taken.error[0] == '\0');
    CHECK_TEXT(str_of(told(&stand)), "witness.first w2");
    taken = late(&stand, ids[1], note, witness_key[1]); /* twice */
    CHECK(taken.note.n == 0 && !taken.quorum);
    taken = late(&stand, UINT64_MAX, note, witness_key[1]);
    CHECK(taken.note.n == 0 && !taken.quorum);
    CHECK_INT(lines_of(&stand), 1); /* nothing of it stands in this round's note */
    ask_all(&stand, old);
    CHECK(old[0] == 0 && old[1] == 100 && old[2] == -1);
    sign(&stand, 1, witness_key[1]);
    taken = late(&stand, ids[2], note, witness_key[2]); /* the second of two: a quorum, late as it is */
    CHECK(taken.quorum && taken.note.n > stand.note.n);
    CHECK_TEXT(str_of(told(&stand)), "witness.first w3");
    ask_all(&stand, old);
    CHECK(old[2] == 100);
    CHECK(sign(&stand, 2, witness_key[2]));
    taken = late(&stand, ids[0], note, witness_key[0]); /* a newer one has the quorum by now */
    CHECK(taken.note.n > 0 && !taken.quorum);
    stand_done(&stand);
}

/* What went wrong late is told once and counts; a witness that is judged is not cleared by what it signed before. */
static void late_errors(void)
{
    struct stand stand;
    int64_t old[3];
    struct cosign_taken taken;
    stand_make(&stand);
    for (uint64_t size = 110; size <= 120; size += 10) {
        ask_all(&stand, old);
        CHECK(old[0] == 0);
        uint64_t id = cosign_id(stand.cosign, 0);
        round_begin(&stand, size);
        CHECK_TEXT(str_of(told(&stand)), "");
        taken = late(&stand, id, STR("connection timed out\n"), NULL);
        CHECK(taken.note.n == 0);
        CHECK_TEXT(taken.witness, "w1");
        CHECK_TEXT(str_of(taken.error), size == 110 ? "connection timed out" : ""); /* the same once more */
        taken = late(&stand, id, STR("another\n"), NULL);                           /* asked once, answered once */
        CHECK(taken.error[0] == '\0');
    }
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w1");
    uint64_t id = cosign_id(stand.cosign, 1);
    struct str note = buf_view(&stand.note);
    char shown[1024];
    memcpy(shown, note.p, note.n);
    round_begin(&stand, 130);
    answer(&stand, 1, 422, 0, STR("not proven\n"));
    CHECK_TEXT(str_of(told(&stand)), "witness.forked w2");
    taken = late(&stand, id, str_at(shown, note.n), witness_key[1]);
    CHECK(taken.note.n > 0);
    CHECK_TEXT(str_of(told(&stand)), "");
    stand_done(&stand);
}

/* As many as a note has lines for beside the log's. */
/* ---- what mirrors bring ---- */

/* w1 is asked, w2 and w3 are mirrors. */
static void push_stand(struct stand *stand)
{
    static char text[4096];
    struct buf out;
    keys_make();
    *stand = (struct stand){.now_ns = 1000 * SECOND};
    buf_init(&stand->note, NOTE_SIZE_MAX);
    buf_init_fixed(&out, text, sizeof text);
    for (int i = 0; i < 3; i++) {
        buf_format(&out, "witness w%d ", i + 1);
        note_key_write(signing_key_public(witness_key[i]), &out);
        buf_text(&out, i ? "\n" : " http://127.0.0.1:8000\n");
    }
    buf_text(&out, "group two 2 w1 w2 w3\nquorum two\n");
    CHECK(cosign_new(str_of(buf_z(&out)), INTERVAL, &stand->cosign, NULL) == RC_OK);
    round_begin(stand, 100);
}

/* Cosigns the round of so many records, as round_begin makes it. */
static enum cosign_pushed push(struct stand *stand, const struct signing_key *key, uint64_t size,
                               struct cosign_taken *ret_taken)
{
    struct tlog_head head = {.size = size, .root = {{7}}};
    struct buf text CLEANUP(buf_done);
    struct buf line CLEANUP(buf_done);
    buf_init(&text, 4096);
    buf_init(&line, 4096);
    checkpoint_write(STR("log.test"), &head, &text);
    CHECK(signing_key_sign(key, buf_view(&text), 78, &line, NULL) == RC_OK);
    CHECK(cosign_line_check(buf_view(&line)));
    return cosign_push(stand->cosign, size, buf_view(&line), stand->now_ns, ret_taken);
}

static void mirrors_bring_theirs(void)
{
    struct stand stand;
    struct cosign_taken taken;
    int64_t old[3];
    push_stand(&stand);
    ask_all(&stand, old);
    CHECK(old[0] == 0 && old[1] == -1 && old[2] == -1); /* mirrors are not asked */
    CHECK_INT(push(&stand, witness_key[1], 100, &taken), COSIGN_PUSH_TAKEN);
    CHECK(!taken.quorum && taken.note.n > 0);
    CHECK_TEXT(taken.witness, "w2");
    CHECK_INT(push(&stand, witness_key[1], 100, &taken), COSIGN_PUSH_KNOWN);
    CHECK_INT(push(&stand, witness_key[2], 100, &taken), COSIGN_PUSH_TAKEN);
    CHECK(taken.quorum); /* as one that was fetched */
    CHECK_INT(lines_of(&stand), 3);
    CHECK(sign(&stand, 0, witness_key[0]));
    CHECK_INT(push(&stand, witness_key[1], 101, &taken), COSIGN_PUSH_PAST);
    stand.now_ns += INTERVAL;
    round_begin(&stand, 120);
    CHECK_INT(push(&stand, witness_key[1], 120, &taken), COSIGN_PUSH_TAKEN);
    stand.now_ns += INTERVAL;
    round_begin(&stand, 140);
    CHECK_INT(push(&stand, witness_key[2], 120, &taken), COSIGN_PUSH_TAKEN); /* late, and it counts for that round */
    CHECK(taken.quorum && taken.retained);
    CHECK_INT(lines_of(&stand), 1); /* the present one has none yet */
    stand_done(&stand);
}

static void mirrors_are_not_believed(void)
{
    struct stand stand;
    struct cosign_taken taken;
    struct signing_key *other = key_of("w2.test", NOTE_COSIGNATURE, 99); /* of that name, another key */
    struct signing_key *stranger = key_of("w9.test", NOTE_COSIGNATURE, 98);
    static const char *const bad[] = {"",
                                      "\n",
                                      "\xe2\x80\x94 w2.test\n",
                                      "\xe2\x80\x94 w2.test AAAA\n", /* the key's number alone */
                                      "\xe2\x80\x94 w2.test AAAAAAAA",
                                      "- w2.test AAAAAAAA\n",
                                      "\xe2\x80\x94 w2.test AAAAAAAA\n\xe2\x80\x94 w2.test AAAAAAAA\n",
                                      "\xe2\x80\x94 w2.test AAAA*AAA\n",
                                      "\xe2\x80\x94  AAAAAAAA\n",
                                      "\xe2\x80\x94 w2.test AAAAAAAA\n\n"};
    push_stand(&stand);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("line %zu", i);
        CHECK(!cosign_line_check(str_of(bad[i])));
        CHECK_INT(cosign_push(stand.cosign, 100, str_of(bad[i]), stand.now_ns, &taken), COSIGN_PUSH_STRANGER);
    }
    test_row("false lines");
    CHECK_INT(push(&stand, stranger, 100, &taken), COSIGN_PUSH_STRANGER);
    CHECK_INT(push(&stand, witness_key[0], 100, &taken), COSIGN_PUSH_STRANGER); /* who has an address is asked */
    CHECK_INT(push(&stand, other, 100, &taken), COSIGN_PUSH_FALSE);
    CHECK(taken.error[0] && taken.note.n == 0 && !taken.quorum);
    CHECK_INT(push(&stand, other, 100, &taken), COSIGN_PUSH_FALSE);
    CHECK_TEXT(str_of(taken.error), ""); /* said once */
    const struct str good = STR("\xe2\x80\x94 w2.test AAAAAAAA\n");
    CHECK(cosign_line_check(good));
    CHECK_INT(cosign_push(stand.cosign, 100, good, stand.now_ns, &taken), COSIGN_PUSH_FALSE);
    CHECK_INT(lines_of(&stand), 1);
    signing_key_free(other);
    signing_key_free(stranger);
    stand_done(&stand);
}

/* One that pulls every half minute is there; one that does not come is missing, and back when it comes. */
static void mirrors_are_missed(void)
{
    struct stand stand;
    struct cosign_taken taken;
    push_stand(&stand);
    CHECK_INT(push(&stand, witness_key[1], 100, &taken), COSIGN_PUSH_TAKEN);
    CHECK_TEXT(str_of(told(&stand)), "witness.first w2");
    for (uint64_t i = 1; i <= 9; i++) {
        stand.now_ns += INTERVAL;
        round_begin(&stand, 100 + 20 * i);
        if (i % 3 == 0)
            CHECK_INT(push(&stand, witness_key[1], 100 + 20 * i, &taken), COSIGN_PUSH_TAKEN);
        bool missing = false;
        for (const char *said = told(&stand); *said; said = told(&stand)) {
            test_row("round %llu: %s", (unsigned long long)i, said);
            CHECK(strstr(said, "w2") == NULL);
            missing = missing || strcmp(said, "witness.missing w3") == 0;
        }
        CHECK(missing == (i == 7)); /* it is awaited for a minute, then it misses two */
    }
    for (int i = 0; i < 8; i++) { /* now nobody comes */
        stand.now_ns += INTERVAL;
        round_begin(&stand, 400 + 20 * (uint64_t)i);
    }
    bool missing = false;
    for (const char *said = told(&stand); *said; said = told(&stand))
        missing = missing || strcmp(said, "witness.missing w2") == 0;
    CHECK(missing);
    CHECK_INT(push(&stand, witness_key[1], stand.size, &taken), COSIGN_PUSH_TAKEN);
    CHECK_TEXT(str_of(told(&stand)), "witness.back w2");
    stand_done(&stand);
}

static void many_witnesses(void)
{
    struct buf text CLEANUP(buf_done);
    struct cosign *cosign = NULL;
    struct err err = {0};
    buf_init(&text, POLICY_SIZE_MAX);
    for (uint8_t i = 0; i < COSIGN_WITNESSES_MAX; i++) {
        struct signing_key *key = key_of("w.test", NOTE_COSIGNATURE, (uint8_t)(100 + i));
        buf_format(&text, "witness w%d ", i);
        note_key_write(signing_key_public(key), &text);
        buf_text(&text, " http://127.0.0.1/\n");
        signing_key_free(key);
    }
    size_t n = text.n;
    buf_text(&text, "quorum none\n");
    CHECK(cosign_new(buf_view(&text), INTERVAL, &cosign, NULL) == RC_OK);
    cosign_free(cosign);
    cosign = NULL;
    text.n = n;
    buf_text(&text, "witness one.more w.test+063c9bf7+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f http://127.0.0.1/\n"
                    "quorum none\n");
    CHECK(cosign_new(buf_view(&text), INTERVAL, &cosign, &err) == RC_INVALID && cosign == NULL);
    CHECK_TEXT(str_of(err.text), "32 witnesses: a checkpoint has room for the lines of 31");
}

static void bad_policies(void)
{
    struct cosign *cosign = NULL;
    CHECK(cosign_new(STR("witness\n"), INTERVAL, &cosign, NULL) == RC_INVALID);
    CHECK(cosign_new(STR(""), INTERVAL, &cosign, NULL) == RC_INVALID);
    CHECK(cosign == NULL);
    many_witnesses();
}

static const struct test tests[] = {
    {"a round", a_round},
    {"refuses what is not its line", refuses_what_is_not_its_line},
    {"conflicts", conflicts},
    {"silence", silence},
    {"patience", patience},
    {"late answers", late_answers},
    {"late errors", late_errors},
    {"bad policies", bad_policies},
    {"mirrors bring theirs", mirrors_bring_theirs},
    {"what mirrors bring is checked", mirrors_are_not_believed},
    {"mirrors are missed", mirrors_are_missed},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    signing_key_free(log_key);
    for (size_t i = 0; i < ARRAY_LEN(witness_key); i++)
        signing_key_free(witness_key[i]);
    return status;
}
