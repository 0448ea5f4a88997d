#include "role/nats_creds.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define SEED "SUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA7"
#define JWT  "eyJ0-_.eyJq.c2ln"
#define WHOLE                                                                                                          \
    "-----BEGIN NATS USER JWT-----\n" JWT "\n------END NATS USER JWT------\n\nwords\n"                                 \
    "-----BEGIN USER NKEY SEED-----\n" SEED "\n------END USER NKEY SEED------\n"
#define JWT_OF(value)  "---BEGIN NATS USER JWT---\n" value "\n---END NATS USER JWT---\n"
#define SEED_OF(value) "---BEGIN USER NKEY SEED---\n" value "\n---END USER NKEY SEED---\n"

#define DASHES_MAY_LACK 3u /* of the six at the end three are enough */

_Static_assert(sizeof SEED == NATS_SEED_N + 1, "a seed of the right length");

static void taken(void)
{
    static const char *const texts[] = {
        WHOLE,
        SEED_OF(SEED) JWT_OF(JWT),
        JWT_OF("\n  " JWT "  \n") SEED_OF("\r\n" SEED "\r"),
        "a\n---BEGIN NATS USER JWT---\r\n" JWT "\r\n---END NATS USER JWT---\r\n" SEED_OF(SEED) "b",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct nats_creds creds;
        test_row("%zu", i);
        CHECK_INT(nats_creds_parse(str_of(texts[i]), &creds, NULL), RC_OK);
        CHECK_TEXT(creds.jwt, JWT);
        CHECK_TEXT(creds.seed, SEED);
    }
}

static void refused(void)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"", "NATS USER JWT"},
        {SEED_OF(SEED), "NATS USER JWT"},
        {JWT_OF(JWT), "USER NKEY SEED"},
        {JWT_OF("") SEED_OF(SEED), "NATS USER JWT"},
        {JWT_OF(JWT "\n" JWT) SEED_OF(SEED), "NATS USER JWT"},
        {JWT_OF("a.b") SEED_OF(SEED), "form"},
        {JWT_OF("a.b.") SEED_OF(SEED), "form"},
        {JWT_OF(".b.c") SEED_OF(SEED), "form"},
        {JWT_OF("a.b.c.d") SEED_OF(SEED), "form"},
        {JWT_OF("a.b.c=") SEED_OF(SEED), "form"},
        {JWT_OF("a b.c.d") SEED_OF(SEED), "form"},
        {JWT_OF(JWT) SEED_OF("SA" SEED), "SU"},
        {JWT_OF(JWT) SEED_OF("SUAAAA"), "SU"},
        {JWT_OF(JWT) SEED_OF("SUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"), "SU"},
        {JWT_OF(JWT) "--BEGIN USER NKEY SEED--\n" SEED "\n--END USER NKEY SEED--\n", "USER NKEY SEED"},
        {JWT_OF(JWT) "---BEGIN ACCOUNT NKEY SEED---\n" SEED "\n---END ACCOUNT NKEY SEED---\n", "USER NKEY SEED"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nats_creds creds;
        struct err err = {.text = ""};
        test_row("%zu", i);
        CHECK_INT(nats_creds_parse(str_of(rows[i].text), &creds, &err), RC_INVALID);
        CHECK(strstr(err.text, rows[i].why) != NULL);
        CHECK(!strstr(err.text, "AAAA") && !strstr(err.text, "eyJ"));
    }
    static char large[NATS_JWT_MAX + 512];
    struct nats_creds creds;
    memset(large, 'a', sizeof large);
    memcpy(large, "---BEGIN NATS USER JWT---\na.b.", 30);
    snprintf(large + NATS_JWT_MAX + 60, 400, "\n---END NATS USER JWT---\n%s", SEED_OF(SEED));
    CHECK_INT(nats_creds_parse(str_of(large), &creds, NULL), RC_LIMIT);
}

static void every_truncation(void)
{
    struct str whole = str_trim(STR(WHOLE));
    struct nats_creds creds;
    for (size_t n = 0; n + DASHES_MAY_LACK < whole.n; n++) {
        test_row("%zu", n);
        CHECK_INT(nats_creds_parse(str_slice(whole, 0, n), &creds, NULL), RC_INVALID);
    }
    CHECK_INT(nats_creds_parse(whole, &creds, NULL), RC_OK);
}

static const struct test tests[] = {
    {"taken", taken},
    {"refused", refused},
    {"every truncation", every_truncation},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
