/* options_test.c - the parser on rows of good and wrong calls, times, and the table itself. */
#include "cmd/options.h"

#include "base/civil.h"
#include "base/test.h"
#include "cmd/cmd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOW_NS (INT64_C(1795216500) * SECOND_NS) /* 2026-11-20T23:15:00Z */
#define WORDS  8

/* What goes to stdout and stderr would disturb TAP: both go away while the parser runs. */
static int parse_quietly(const char *command, int argc, char **argv, struct options *ret_options)
{
    fflush(stdout);
    fflush(stderr);
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    int status = options_parse(command, argc, argv, ret_options);
    fflush(stdout);
    fflush(stderr);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(nowhere);
    return status;
}

static int parse_words(const char *command, char *const words[WORDS], struct options *ret_options, char **argv)
{
    int argc = 1;
    argv[0] = (char[]){"x"};
    while (argc <= WORDS && words[argc - 1] != NULL) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    return parse_quietly(command, argc, argv, ret_options);
}

static void calls_are_judged(void)
{
    static const struct {
        const char *command;
        const char *words[WORDS];
        int status;
        int operands;
    } rows[] = {
        {"search", {NULL}, OPTIONS_GO, 0},
        {"search", {"--json", "a=b"}, OPTIONS_GO, 1},
        {"search", {"a=b", "--json"}, OPTIONS_GO, 1},
        {"search", {"--", "--json"}, OPTIONS_GO, 1},
        {"search", {"-"}, OPTIONS_GO, 1},
        {"search", {"--limit=7"}, OPTIONS_GO, 0},
        {"search", {"--limit", "7", "--from", "2h"}, OPTIONS_GO, 0},
        {"search", {"--help"}, CMD_OK, 0},
        {"search", {"-h"}, CMD_OK, 0},
        {"search", {"--limit"}, CMD_USAGE, 0},
        {"search", {"--limit", "0"}, CMD_USAGE, 0},
        {"search", {"--limit", "-1"}, CMD_USAGE, 0},
        {"search", {"--limit", "1000001"}, CMD_USAGE, 0},
        {"search", {"--limit", "99999999999999999999999"}, CMD_USAGE, 0},
        {"search", {"--limit", "7x"}, CMD_USAGE, 0},
        {"search", {"--limit="}, CMD_USAGE, 0},
        {"search", {"--json=1"}, CMD_USAGE, 0},
        {"search", {"--jso"}, CMD_USAGE, 0},
        {"search", {"-j"}, CMD_USAGE, 0},
        {"search", {"--=x"}, CMD_USAGE, 0},
        {"search", {"--from", "yesterday"}, CMD_USAGE, 0},
        {"search", {"a", "b"}, CMD_USAGE, 0},
        {"ingest", {NULL}, CMD_USAGE, 0},
        {"ingest", {"a", "b", "c"}, OPTIONS_GO, 3},
        {"proof", {"--plain"}, CMD_USAGE, 0},
        {"proof", {NULL}, CMD_USAGE, 0},
        {"detect", {"f"}, CMD_USAGE, 0},
        {"detect", {"f", "--rules", "r"}, OPTIONS_GO, 1},
        {"rules", {NULL}, CMD_USAGE, 0},
        {"serve", {"x"}, CMD_USAGE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu: %s %s", i, rows[i].command, rows[i].words[0] == NULL ? "" : rows[i].words[0]);
        char storage[WORDS][64];
        char *words[WORDS] = {NULL};
        char *argv[WORDS + 2];
        struct options options;
        for (size_t w = 0; w < WORDS && rows[i].words[w] != NULL; w++) {
            CHECK(str_copy_z(str_of(rows[i].words[w]), storage[w], sizeof(storage[w])));
            words[w] = storage[w];
        }
        CHECK_INT(parse_words(rows[i].command, words, &options, argv), rows[i].status);
        if (rows[i].status == OPTIONS_GO)
            CHECK_INT(options.operand_count, rows[i].operands);
    }
}

static void values_are_found(void)
{
    char words[][32] = {"x", "--rules", "a", "--rules=b", "--data", "one", "file", "--data=two"};
    char *argv[ARRAY_LEN(words)];
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        argv[i] = words[i];
    struct options options;
    CHECK_INT(parse_quietly("detect", ARRAY_LEN(words), argv, &options), OPTIONS_GO);
    CHECK_TEXT(str_of(options_text(&options, "data")), "two"); /* the last one wins */
    CHECK_TEXT(str_of(options_list(&options, "rules", 0)), "a");
    CHECK_TEXT(str_of(options_list(&options, "rules", 1)), "b");
    CHECK(options_list(&options, "rules", 2) == NULL);
    CHECK_TEXT(str_of(options.operands[0]), "file");
    CHECK(!options_flag(&options, "json"));
    CHECK(!options_given(&options, "json"));
}

static void standards_stand_in(void)
{
    char name[] = "x";
    char *argv[] = {name};
    struct options options;
    CHECK_INT(parse_quietly("search", 1, argv, &options), OPTIONS_GO);
    CHECK_INT(options_number(&options, "limit"), 100);
    CHECK_TEXT(str_of(options_text(&options, "data")), "/var/lib/qorgan");
    CHECK_INT(options_time(&options, "from", NOW_NS, -7), -7);
}

static void too_many_options_are_refused(void)
{
    static char words[OPTIONS_GIVEN_MAX + 2][8];
    static char *argv[OPTIONS_GIVEN_MAX + 2];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        CHECK(str_copy_z(STR("--json"), words[i], sizeof(words[i])));
        argv[i] = words[i];
    }
    struct options options;
    CHECK_INT(parse_quietly("version", OPTIONS_GIVEN_MAX + 1, argv, &options), OPTIONS_GO);
    CHECK_INT(parse_quietly("version", OPTIONS_GIVEN_MAX + 2, argv, &options), CMD_USAGE);
}

static void times_are_read(void)
{
    static const struct {
        const char *text;
        int64_t seconds; /* relative to NOW_NS */
    } good[] = {
        {"now", 0},
        {"30s", -30},
        {"15m", -900},
        {"2h", -7200},
        {"7d", -7 * DAY_S},
        {"4w", -28 * DAY_S},
        {"0s", 0},
        {"2026-11-20", -(23 * 3600 + 15 * 60)},
        {"2026-11-20T23:15", 0},
        {"2026-11-20T23:15:00", 0},
        {"2026-11-20 23:15:01", 1},
        {"2026-11-20T23:15:00Z", 0},
        {"2026-11-21T04:15:00+05:00", 0},
        {"2026-11-20T20:15:00-03:00", 0},
    };
    static const char *const wrong[] = {
        "",
        "s",
        "5",
        "5x",
        "-5m",
        "1.5h",
        "now ",
        "2026",
        "2026-1-1",
        "2026-13-01",
        "2026-02-30",
        "2026-11-20T",
        "2026-11-20T25:00",
        "2026-11-20T23:15:61",
        "2026-11-20T23:15:00.",
        "2026-11-20T23:15:00+5",
        "2026-11-20T23:15:00+24:00",
        "2026-11-20T23:15:00Zx",
        "99999999999999999999w",
        "9999999w",
    };
    int64_t got = 0;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        test_row("%s", good[i].text);
        CHECK(time_parse(good[i].text, NOW_NS, &got));
        CHECK_INT((got - NOW_NS) / SECOND_NS, good[i].seconds);
    }
    CHECK(time_parse("2026-11-20T23:15:00.5", NOW_NS, &got));
    CHECK_INT(got - NOW_NS, SECOND_NS / 2);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!time_parse(wrong[i], NOW_NS, &got));
    }
}

static void every_command_is_whole(void)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *command = command_at(i);
        char storage[8192];
        struct buf out;
        test_row("%s", command->name);
        CHECK(command_find(command->name) == command);
        bool data = false;
        bool json = false;
        for (size_t r = 0; r < command->row_count; r++) {
            data = data || strcmp(command->rows[r].name, "data") == 0;
            json = json || strcmp(command->rows[r].name, "json") == 0;
            CHECK((command->rows[r].type == OPTION_FLAG) == (command->rows[r].argument == NULL));
            CHECK(!str_ends(str_of(command->rows[r].help), STR(".")));
        }
        CHECK(data);
        CHECK(json || strcmp(command->name, "serve") == 0);
        buf_init_fixed(&out, storage, sizeof(storage));
        options_print_help(command, &out);
        CHECK(!out.overflow);
        for (struct str rest = buf_view(&out); rest.p != NULL;)
            CHECK(str_cut(&rest, '\n').n <= 100);
        buf_init_fixed(&out, storage, sizeof(storage));
        options_print_mdoc(command, &out);
        options_print_completion(command, &out);
        CHECK(!out.overflow);
    }
    CHECK(command_find("nonsense") == NULL);
    CHECK(command_find("") == NULL);
}

static const struct test tests[] = {
    {"calls are judged", calls_are_judged},
    {"values are found", values_are_found},
    {"standard values stand in", standards_stand_in},
    {"too many options are refused", too_many_options_are_refused},
    {"times are read", times_are_read},
    {"every command's row is whole", every_command_is_whole},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
