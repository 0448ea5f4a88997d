#include "role/agent_signer.h"

#include "base/bytes.h"
#include "base/test.h"
#include "os/authority.h"
#include "os/tls.h"

#include <string.h>

#define NOW    INT64_C(1800000000000000000)
#define ORIGIN "site/0123456789abcdef0123456789abcdef"
#define POLICY "qorgan agent policy\n" ORIGIN "\nservers\n7\n{\"files\":[\"/var/log\"]}\n"
#define MINUTE INT64_C(60000000000)

static struct buf authority, authority_key, answer;
static struct signing_key *key;
static struct agent_signer *signer;

/* An Ed25519 key as DER; any 32 bytes are one. */
static void key_put(struct buf *out)
{
    static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    buf_put(out, head, sizeof head);
    for (uint8_t i = 0; i < 32; i++)
        buf_u8(out, i);
}

static void a_signer_is_made(void)
{
    static const uint8_t seed[32] = {7};
    struct err err = {0};
    struct buf other CLEANUP(buf_done) = {0}, other_key CLEANUP(buf_done) = {0};
    struct buf *const all[] = {&authority, &authority_key, &other, &other_key};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], 8192);
    buf_init(&answer, (size_t)1 << 17);
    CHECK_INT(signing_key_from_seed(STR(ORIGIN), NOTE_ED25519, seed, &key, &err), RC_OK);
    CHECK_INT(authority_make(STR("a"), NOW / 1000000000, &authority, &authority_key, &err), RC_OK);
    CHECK_INT(authority_make(STR("a"), NOW / 1000000000, &other, &other_key, &err), RC_OK);
    CHECK_INT(agent_signer_new(buf_view(&authority), buf_view(&other_key), key, &signer, &err), RC_INVALID);
    CHECK_INT(agent_signer_new(STR_NONE, buf_view(&authority_key), key, &signer, &err), RC_INVALID);
    CHECK_INT(agent_signer_new(buf_view(&authority), STR_NONE, key, &signer, &err), RC_INVALID);
    CHECK_INT(agent_signer_new(buf_view(&authority), buf_view(&authority_key), key, &signer, &err), RC_OK);
}

static void request_put(struct buf *out, uint16_t days)
{
    for (uint8_t i = 0; i < 16; i++)
        buf_u8(out, i);
    buf_be16(out, days);
    key_put(out);
}

static void certificates_are_issued(void)
{
    struct err err = {0};
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, 1024);
    request_put(&body, 30);
    CHECK(agent_signer_issue(signer, buf_view(&body), NOW, &answer));
    struct str rest = buf_view(&answer);
    struct str serial = str_cut(&rest, '\0');
    CHECK_INT(serial.n, 32);
    CHECK_INT(tls_certificates_check(rest, &err), RC_OK);
    for (size_t n = 0; n < body.n; n++) {
        test_row("%zu bytes", n);
        CHECK(!agent_signer_issue(signer, str_at(body.p, n), NOW, &answer));
        CHECK_INT(answer.p[0], 0);
        CHECK(answer.n > 1);
    }
    static const uint16_t days[] = {0, 31, 825, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        test_row("%u days", days[i]);
        buf_clear(&body);
        request_put(&body, days[i]);
        CHECK(!agent_signer_issue(signer, buf_view(&body), NOW, &answer));
    }
    test_row("-");
    buf_char(&body, 'x');
    CHECK(!agent_signer_issue(signer, buf_view(&body), NOW, &answer));
}

static void no_more_than_so_many_are_issued(void)
{
    struct buf body CLEANUP(buf_done) = {0};
    int64_t now_ns = NOW + 10 * MINUTE;
    buf_init(&body, 1024);
    request_put(&body, 1);
    unsigned issued = 0;
    while (issued < 2 * ISSUES_A_MINUTE && agent_signer_issue(signer, buf_view(&body), now_ns, &answer))
        issued++;
    CHECK_INT(issued, ISSUES_A_MINUTE);
    CHECK(str_search(buf_view(&answer), STR("1200 certificates")) < answer.n);
    CHECK(!agent_signer_issue(signer, buf_view(&body), now_ns + MINUTE - 1, &answer));
    CHECK(agent_signer_issue(signer, buf_view(&body), now_ns + MINUTE, &answer));
    CHECK(agent_signer_issue(signer, buf_view(&body), now_ns - MINUTE, &answer)); /* the clock was set back */
}

static void policies_are_signed(void)
{
    struct err err = {0};
    struct note note;
    CHECK(agent_signer_policy(signer, STR(POLICY), NOW, &answer));
    CHECK_INT(answer.p[0], 1);
    struct str signed_note = str_skip(buf_view(&answer), 1);
    CHECK_INT(note_parse(signed_note, &note, &err), RC_OK);
    CHECK_TEXT(note.text, POLICY);
    CHECK_INT(note_verify(&note, signing_key_public(key), NULL, &err), RC_OK);
    unsigned count = 1;
    while (count < 2 * POLICIES_A_MINUTE && agent_signer_policy(signer, STR(POLICY), NOW, &answer))
        count++;
    CHECK_INT(count, POLICIES_A_MINUTE);
    CHECK_INT(answer.p[0], 0);
    CHECK(agent_signer_policy(signer, STR(POLICY), NOW + MINUTE, &answer));
}

/* Nothing that could be taken for a checkpoint, and nothing that an agent would read otherwise than a person. */
static void what_is_no_policy_is_not_signed(void)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {POLICY, RC_OK},
        {"qorgan agent policy\n" ORIGIN "\nсерверлер\n1\n{}\n", RC_OK},
        {"", RC_INVALID},
        {ORIGIN "\n5\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n", RC_DENIED},
        {ORIGIN "\n" POLICY, RC_DENIED},
        {"\n" POLICY, RC_DENIED},
        {"qorgan agent policy \n" ORIGIN "\ng\n1\n{}\n", RC_DENIED},
        {"Qorgan agent policy\n" ORIGIN "\ng\n1\n{}\n", RC_DENIED},
        {"qorgan agent policy\r\n" ORIGIN "\ng\n1\n{}\n", RC_DENIED},
        {"qorgan agent policy\nsite/0\ng\n1\n{}\n", RC_DENIED},
        {"qorgan agent policy\n\ng\n1\n{}\n", RC_DENIED},
        {"qorgan agent policy\n" ORIGIN "\n\n1\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\th\n1\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\n\xff\n1\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n0\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n01\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n-1\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n4294967296\n{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n[]\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n{\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n {}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n{}{}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n{}", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n{}\n\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n{\"a\":\n1}\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n1\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\ng\n", RC_INVALID},
        {"qorgan agent policy\n" ORIGIN "\n", RC_INVALID},
        {"qorgan agent policy\n", RC_DENIED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        int64_t now_ns = NOW + (int64_t)(100 + i) * MINUTE;
        test_row("row %zu: %s", i, rows[i].text);
        CHECK_INT(agent_policy_check(str_of(rows[i].text), STR(ORIGIN), &err), rows[i].rc);
        CHECK_INT(agent_signer_policy(signer, str_of(rows[i].text), now_ns, &answer), rows[i].rc == RC_OK);
    }
    struct str whole = STR(POLICY);
    for (size_t n = 0; n < whole.n; n++) {
        test_row("%zu bytes", n);
        CHECK(!agent_signer_policy(signer, str_slice(whole, 0, n), NOW + (int64_t)(1000 + n) * MINUTE, &answer));
    }
    struct buf large CLEANUP(buf_done) = {0};
    buf_init(&large, (size_t)1 << 20);
    buf_text(&large, "qorgan agent policy\n" ORIGIN "\ng\n1\n{\"a\":\"");
    while (large.n < POLICY_TEXT_MAX)
        buf_char(&large, 'x');
    buf_text(&large, "\"}\n");
    CHECK(!agent_signer_policy(signer, buf_view(&large), NOW + 5000 * MINUTE, &answer));
}

static void all_is_freed(void)
{
    struct buf *const all[] = {&authority, &authority_key, &answer};
    agent_signer_free(signer);
    agent_signer_free(NULL);
    signing_key_free(key);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
}

static const struct test tests[] = {
    {"a signer is made", a_signer_is_made},
    {"certificates are issued", certificates_are_issued},
    {"no more than so many are issued", no_more_than_so_many_are_issued},
    {"policies are signed", policies_are_signed},
    {"what is no policy is not signed", what_is_no_policy_is_not_signed},
    {"all is freed", all_is_freed},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
