#include "cmd/options.h"

#include "base/assert.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "os/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HELP_MAX 65536

static const struct option_row *row_find(const struct command *command, struct str name)
{
    for (size_t i = 0; i < command->row_count; i++)
        if (str_is(name, command->rows[i].name))
            return &command->rows[i];
    return NULL;
}

/* Digits of exactly this many characters at the front, taken away. */
static bool take_number(struct str *rest, size_t digits, int32_t *ret_value)
{
    uint64_t value = 0;
    if (rest->n < digits || !str_to_u64(str_slice(*rest, 0, digits), &value))
        return false;
    *ret_value = (int32_t)value;
    *rest = str_skip(*rest, digits);
    return true;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

static bool take_fraction(struct str *rest, int32_t *ret_ns)
{
    int32_t scale = 100000000;
    *ret_ns = 0;
    if (!take_char(rest, '.'))
        return true;
    if (rest->n == 0 || !char_is_digit(rest->p[0]))
        return false;
    while (rest->n > 0 && char_is_digit(rest->p[0])) {
        *ret_ns += (rest->p[0] - '0') * scale;
        scale /= 10;
        *rest = str_skip(*rest, 1);
    }
    return true;
}

static bool take_zone(struct str *rest, int32_t *ret_offset_s)
{
    int32_t hours = 0;
    int32_t minutes = 0;
    *ret_offset_s = 0;
    if (rest->n == 0 || take_char(rest, 'Z'))
        return true;
    bool negative = take_char(rest, '-');
    if (!negative && !take_char(rest, '+'))
        return false;
    if (!take_number(rest, 2, &hours) || !take_char(rest, ':') || !take_number(rest, 2, &minutes))
        return false;
    *ret_offset_s = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
    return hours <= 23 && minutes <= 59;
}

static bool time_parse_absolute(struct str rest, int64_t *ret_ns)
{
    struct civil civil = {.month = 1, .day = 1};
    int32_t offset_s = 0;
    if (!take_number(&rest, 4, &civil.year) || !take_char(&rest, '-') || !take_number(&rest, 2, &civil.month) ||
        !take_char(&rest, '-') || !take_number(&rest, 2, &civil.day))
        return false;
    if (take_char(&rest, 'T') || take_char(&rest, ' ')) {
        if (!take_number(&rest, 2, &civil.hour) || !take_char(&rest, ':') || !take_number(&rest, 2, &civil.minute))
            return false;
        if (take_char(&rest, ':') &&
            (!take_number(&rest, 2, &civil.second) || !take_fraction(&rest, &civil.nanosecond)))
            return false;
        if (!take_zone(&rest, &offset_s))
            return false;
    }
    if (rest.n != 0 || !civil_valid(&civil))
        return false;
    *ret_ns = civil_to_ns(&civil, offset_s);
    return true;
}

bool time_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', MINUTE_S}, {'h', HOUR_S}, {'d', DAY_S}, {'w', 7 * DAY_S}};
    struct str s = str_of(text);
    uint64_t count = 0;
    if (str_is(s, "now")) {
        *ret_ns = now_ns;
        return true;
    }
    if (s.n < 2 || !str_to_u64(str_slice(s, 0, s.n - 1), &count))
        return time_parse_absolute(s, ret_ns);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (s.p[s.n - 1] != units[i].unit || count > (uint64_t)(now_ns / SECOND_NS / units[i].seconds))
            continue;
        *ret_ns = now_ns - (int64_t)count * units[i].seconds * SECOND_NS;
        return true;
    }
    return false;
}

/* CMD_USAGE with the reason said, or OPTIONS_GO. */
static int value_check(const struct command *command, const struct option_row *row, const char *text)
{
    int64_t value = 0;
    switch (row->type) {
    case OPTION_NUMBER:
        if (!str_to_i64(str_of(text), &value) || value < row->least || value > row->most)
            return cmd_usage(command->name, "--%s needs a number from %lld to %lld, not \"%s\"", row->name,
                             (long long)row->least, (long long)row->most, text);
        return OPTIONS_GO;
    case OPTION_TIME:
        if (!time_parse(text, clock_real_ns(), &value))
            return cmd_usage(command->name,
                             "--%s needs a time such as 2026-11-20, 2026-11-20T23:15:00+05:00 or 2h, not \"%s\"",
                             row->name, text);
        return OPTIONS_GO;
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST:
        return OPTIONS_GO;
    }
    return OPTIONS_GO;
}

/* One argument that begins with "--"; *at moves over the value when it stands apart. */
static int option_take(struct options *options, int argc, char **argv, int *at)
{
    const struct command *command = options->command;
    struct str whole = str_of(argv[*at]);
    struct str rest = str_skip(whole, 2);
    struct str name = str_cut(&rest, '=');
    const struct option_row *row = row_find(command, name);
    const char *text = "";
    if (row == NULL)
        return cmd_usage(command->name, "there is no option \"--%.*s\"", STR_ARG(name));
    if (row->type == OPTION_FLAG && rest.p != NULL)
        return cmd_usage(command->name, "--%s takes no value", row->name);
    if (row->type != OPTION_FLAG) {
        if (rest.p == NULL && *at + 1 >= argc)
            return cmd_usage(command->name, "--%s needs a value: %s", row->name, row->argument);
        text = rest.p != NULL ? rest.p : argv[++*at];
        int status = value_check(command, row, text);
        if (status != OPTIONS_GO)
            return status;
    }
    if (options->given_count == OPTIONS_GIVEN_MAX)
        return cmd_usage(command->name, "more than %d options are given", OPTIONS_GIVEN_MAX);
    options->given[options->given_count].row = row;
    options->given[options->given_count].text = text;
    options->given_count++;
    return OPTIONS_GO;
}

static int help_print(const struct command *command)
{
    struct buf CLEANUP(buf_done) out;
    buf_init(&out, HELP_MAX);
    options_print_help(command, &out);
    fputs(buf_z(&out), stdout);
    return CMD_OK;
}

static int complete_check(const struct options *options)
{
    const struct command *command = options->command;
    for (size_t i = 0; i < command->row_count; i++)
        if (command->rows[i].required && !options_given(options, command->rows[i].name))
            return cmd_usage(command->name, "--%s %s is needed", command->rows[i].name, command->rows[i].argument);
    if (options->operand_count < command->least)
        return cmd_usage(command->name, "%s is needed", command->operands);
    if (options->operand_count > command->most)
        return cmd_usage(command->name, "there is no use for \"%s\"", options->operands[command->most]);
    return OPTIONS_GO;
}

int options_parse(const char *name, int argc, char **argv, struct options *ret_options)
{
    struct options *options = ret_options;
    *options = (struct options){.command = command_find(name), .operands = argv};
    ASSERT(options->command != NULL);
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        struct str argument = str_of(argv[i]);
        int status = OPTIONS_GO;
        if (only_operands || argument.n < 2 || argument.p[0] != '-') {
            argv[options->operand_count++] = argv[i];
        } else if (str_is(argument, "--")) {
            only_operands = true;
        } else if (str_is(argument, "--help") || str_is(argument, "-h")) {
            return help_print(options->command);
        } else if (argument.p[1] == '-') {
            status = option_take(options, argc, argv, &i);
        } else {
            status = cmd_usage(name, "there is no option \"%s\"", argv[i]);
        }
        if (status != OPTIONS_GO)
            return status;
    }
    return complete_check(options);
}

bool options_given(const struct options *options, const char *name)
{
    return options_flag(options, name);
}

bool options_flag(const struct options *options, const char *name)
{
    const struct option_row *row = row_find(options->command, str_of(name));
    ASSERT(row != NULL);
    for (size_t i = 0; i < options->given_count; i++)
        if (options->given[i].row == row)
            return true;
    return false;
}

const char *options_text(const struct options *options, const char *name)
{
    const struct option_row *row = row_find(options->command, str_of(name));
    ASSERT(row != NULL);
    for (size_t i = options->given_count; i > 0; i--)
        if (options->given[i - 1].row == row)
            return options->given[i - 1].text;
    return row->standard;
}

int64_t options_number(const struct options *options, const char *name)
{
    int64_t value = 0;
    const char *text = options_text(options, name);
    bool good = text != NULL && str_to_i64(str_of(text), &value);
    ASSERT(good); /* checked when parsed */
    return value;
}

int64_t options_time(const struct options *options, const char *name, int64_t now_ns, int64_t absent)
{
    int64_t value = 0;
    const char *text = options_text(options, name);
    if (text == NULL)
        return absent;
    bool good = time_parse(text, now_ns, &value);
    ASSERT(good); /* checked when parsed */
    return value;
}

const char *options_list(const struct options *options, const char *name, size_t index)
{
    const struct option_row *row = row_find(options->command, str_of(name));
    ASSERT(row != NULL && row->type == OPTION_LIST);
    for (size_t i = 0; i < options->given_count; i++)
        if (options->given[i].row == row && index-- == 0)
            return options->given[i].text;
    return NULL;
}

int cmd_fail(const char *command, const struct err *err)
{
    fprintf(stderr, "qorgan %s: %s\n", command, err->text);
    return CMD_FAILED;
}

int cmd_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "qorgan %s: ", command);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nhint: \"qorgan %s --help\" lists what it takes\n", command);
    return CMD_USAGE;
}
