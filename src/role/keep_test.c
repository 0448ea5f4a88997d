#include "role/keep.h"

#include "base/test.h"

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

static const struct test tests[] = {
    {"settings below the acts are refused", settings_below_the_acts_are_refused},
    {"the longest of the sources counts", the_longest_of_the_sources_counts},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
