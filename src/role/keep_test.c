#include "role/keep.h"

#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1800000000000000000)

static const char table[] = "rule\tact\tedition\tfrom\tuntil\tmonths\tparagraph\tparagraph_kk\tparagraph_ru\n"
                            "keep\t832\t10.02.2023\t2023-02-10\t\t36\tp.38(4)\tkk\tru\n";

static void settings_below_the_acts_are_refused(void)
{
    static const struct {
        int64_t days;
        const char *sources;
        enum rc want;
        const char *text;
    } rows[] = {
        {1096, "", RC_OK, ""},
        {1096, "00112233445566778899aabbccddeeff=1100  0f112233445566778899aabbccddeeff=2000", RC_OK, ""},
        {1095, "", RC_INVALID,
         "\"keep-days\" is 1095; 832 p.38(4) (edition 10.02.2023) asks for 36 months, which are 1096 days"},
        {1096, "00112233445566778899aabbccddeeff=30", RC_INVALID,
         "\"keep-days-sources\" is 30; 832 p.38(4) (edition 10.02.2023) asks for 36 months, which are 1096 days"},
        {1096, "web1=2000", RC_INVALID, "\"keep-days-sources\" must be rows of 32 hex digits=days, not \"web1=2000\""},
        {1096, "00112233445566778899aabbccddeeff", RC_INVALID,
         "\"keep-days-sources\" must be rows of 32 hex digits=days, not \"00112233445566778899aabbccddeeff\""},
    };
    static struct keep keep;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config config;
        struct err err = {0};
        config_defaults(&config);
        config.keep_days = rows[i].days;
        config.keep_days_sources = str_of(rows[i].sources);
        test_row("%zu", i);
        CHECK_INT(keep_parse(&config, str_of(table), NOW, &keep, &err), rows[i].want);
        CHECK_TEXT(str_of(err.text), rows[i].text);
    }
}

static void the_longest_of_the_sources_counts(void)
{
    static struct keep keep;
    struct config config;
    struct err err = {0};
    config_defaults(&config);
    config.keep_days_sources = STR("00112233445566778899aabbccddeeff=2000");
    CHECK_INT(keep_parse(&config, str_of(table), NOW, &keep, &err), RC_OK);
    CHECK_INT(keep.policy.source_count, 1);
    CHECK_INT(retention_policy_days(&keep.policy, STR_NONE), 2000);
    CHECK_INT(retention_policy_days(&keep.policy, STR("0123456789abcdef")), 1096);
}

/* Terms of objects: not below the acts', nor below the setting. */
static void an_object_asks_for_more(void)
{
    static const struct {
        uint32_t days;
        int64_t now_ns;
        enum rc want;
        const char *text;
    } rows[] = {
        {1200, NOW, RC_OK, ""},
        {36525, NOW, RC_OK, ""},
        {1199, NOW, RC_INVALID, "\"keep_days\" is 1199; the setting \"keep-days\" asks for 1200 days"},
        {1095, NOW, RC_INVALID,
         "\"keep_days\" is 1095; 832 p.38(4) (edition 10.02.2023) asks for 36 months, which are 1096 days"},
        {36526, NOW, RC_LIMIT, "\"keep_days\" is 36526; at most 36525 days are possible"},
        {1200, 0, RC_NOT_FOUND, "\"keep_days\": no act in force says how long event logs are kept"},
    };
    static struct keep keep;
    struct config config;
    struct err err = {0};
    config_defaults(&config);
    config.keep_days = 1200;
    CHECK_INT(keep_parse(&config, str_of(table), NOW, &keep, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err why = {0};
        test_row("%zu", i);
        CHECK_INT(keep_term_check(&keep, rows[i].days, rows[i].now_ns, &why), rows[i].want);
        CHECK_TEXT(str_of(why.text), rows[i].text);
    }
}

/* A share folder with such a table; `n` bytes of lines that say nothing stand behind it. */
static void share_write(const char *share, const char *text, size_t n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/data/retention.tsv", share);
    FILE *file = fopen(path, "w");
    if (!CHECK(file != NULL))
        return;
    fputs(text, file);
    for (size_t i = 0; i < n; i++)
        fputc('\n', file);
    CHECK_INT(fclose(file), 0);
}

/* What a start refuses, doctor refuses too: a table that is too long for a message, empty or not there. */
static void the_table_of_a_start(void)
{
    static const struct {
        const char *text;
        size_t more;
        int64_t now_ns;
        enum rc want;
    } rows[] = {
        {table, 0, NOW, RC_OK},
        {table, (size_t)48 * 1024 - (sizeof table - 1), NOW, RC_OK},
        {table, (size_t)48 * 1024 - (sizeof table - 1) + 1, NOW, RC_LIMIT},
        {table, 0, 0, RC_OK}, /* no act holds in 1970 */
        {"", 0, NOW, RC_INVALID},
        {"no table\n", 0, NOW, RC_INVALID},
    };
    char share[] = "/tmp/qorgan-keep-XXXXXX";
    char path[256];
    struct config config;
    struct err err = {0};
    struct str text = STR_NONE;
    struct arena *arena = arena_new((size_t)1 << 20);
    config_defaults(&config);
    if (!CHECK(arena && mkdtemp(share)))
        return;
    config.share = str_of(share);
    snprintf(path, sizeof path, "%s/data", share);
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK_INT(keep_check(&config, NOW, arena, &text, &err), RC_NOT_FOUND);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena_reset(arena);
        share_write(share, rows[i].text, rows[i].more);
        test_row("%zu", i);
        CHECK_INT(keep_check(&config, rows[i].now_ns, arena, &text, &err), rows[i].want);
        CHECK(rows[i].want != RC_OK || text.n == strlen(rows[i].text) + rows[i].more);
    }
    snprintf(path, sizeof path, "%s/data/retention.tsv", share);
    CHECK_INT(unlink(path), 0);
    snprintf(path, sizeof path, "%s/data", share);
    CHECK_INT(rmdir(path), 0);
    CHECK_INT(rmdir(share), 0);
    arena_free(arena);
}

static const struct test tests[] = {
    {"settings below the acts are refused", settings_below_the_acts_are_refused},
    {"the longest of the sources counts", the_longest_of_the_sources_counts},
    {"an object asks for more", an_object_asks_for_more},
    {"the table of a start", the_table_of_a_start},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
