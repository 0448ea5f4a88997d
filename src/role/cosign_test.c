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
    cosign_begin(stand->cosign, buf_view(&stand->note), size, stand->now_ns);
}

static void stand_make(struct stand *stand)
{
    keys_make();
    *stand = (struct stand){.now_ns = 1000 * SECOND};
    buf_init(&stand->note, NOTE_SIZE_MAX);
    CHECK(cosign_new(str_of(policy), INTERVAL, stand->now_ns, &stand->cosign, NULL) == RC_OK);
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
    bool quorum = false;
    IGNORE(cosign_take(stand->cosign, &given, stand->size + 10, stand->now_ns, &quorum)); /* the note shows it */
    return quorum;
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
    if (!cosign_change(stand->cosign, stand->now_ns, &change))
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
    stand.now_ns += 2 * INTERVAL;
    CHECK_TEXT(str_of(told(&stand)), "");
    stand.now_ns += 1;
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w1");
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w2");
    CHECK_TEXT(str_of(told(&stand)), "witness.missing w3");
    CHECK_TEXT(str_of(told(&stand)), "quorum.lost ");
    CHECK_TEXT(str_of(told(&stand)), "");
    round_begin(&stand, 200);
    stand.now_ns += 31 * SECOND; /* the third was asked and never answered */
    ask_all(&stand, old);
    CHECK(old[0] == 100 && old[1] == 100 && old[2] == 0);
    sign(&stand, 1, witness_key[1]);
    answer(&stand, 0, 0, 0, STR("connection refused"));
    CHECK(sign(&stand, 2, witness_key[2]));
    CHECK_TEXT(str_of(told(&stand)), "witness.back w2");
    CHECK_TEXT(str_of(told(&stand)), "witness.back w3");
    CHECK_TEXT(str_of(told(&stand)), "quorum.reached ");
    CHECK_TEXT(str_of(told(&stand)), "");
    stand_done(&stand);
}

/* An answer to the round before says nothing of this one. */
static void late_answers(void)
{
    struct stand stand;
    int64_t old[3];
    stand_make(&stand);
    ask_all(&stand, old);
    struct cosign_answer late = {.id = cosign_id(stand.cosign, 0), .status = 200, .text = STR("x\n")};
    struct cosign_answer strange = {.id = UINT64_MAX, .status = 200, .text = STR("x\n")};
    bool quorum = true;
    stand.now_ns += INTERVAL;
    round_begin(&stand, 110);
    ask_all(&stand, old);
    CHECK(old[0] == -1);
    CHECK(!cosign_take(stand.cosign, &late, 110, stand.now_ns, &quorum) && !quorum);
    CHECK(!cosign_take(stand.cosign, &strange, 110, stand.now_ns, &quorum));
    ask_all(&stand, old);
    CHECK(old[0] == 0);
    stand_done(&stand);
}

static void bad_policies(void)
{
    struct cosign *cosign = NULL;
    CHECK(cosign_new(STR("witness\n"), INTERVAL, 1, &cosign, NULL) == RC_INVALID);
    CHECK(cosign_new(STR(""), INTERVAL, 1, &cosign, NULL) == RC_INVALID);
    CHECK(cosign == NULL);
}

static const struct test tests[] = {
    {"a round", a_round},           {"refuses what is not its line", refuses_what_is_not_its_line},
    {"conflicts", conflicts},       {"silence", silence},
    {"late answers", late_answers}, {"bad policies", bad_policies},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    signing_key_free(log_key);
    for (size_t i = 0; i < ARRAY_LEN(witness_key); i++)
        signing_key_free(witness_key[i]);
    return status;
}
