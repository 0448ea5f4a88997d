/* options.h - command-line options as rows of a table: one row makes the parser, --help, the man page's list and the
 * completion.
 *
 * struct options options;
 * int status = options_parse("search", argc, argv, &options);
 * if (status != OPTIONS_GO)
 *     return status;
 * const char *folder = options_text(&options, "data");
 *
 * Values point into argv and live as long as it does. Asking for an option that the command's row does not have is a
 * bug and stops the process. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_FLAG,   /* no argument */
    OPTION_TEXT,   /* any text */
    OPTION_NUMBER, /* decimal, least..most */
    OPTION_TIME,   /* 2026-11-20, 2026-11-20T23:15[:00[.5]][Z|+05:00], now, or 30s 15m 2h 7d 4w ago */
    OPTION_LIST,   /* any text, may be given many times */
};

struct option_row {
    const char *name; /* without the two hyphens */
    enum option_type type;
    bool required;
    const char *argument; /* "DIR"; NULL for a flag */
    const char *help;     /* one sentence, no capital needed, no full stop */
    const char *standard; /* value when not given, as text; NULL = none */
    int64_t least;
    int64_t most;
};

#define OPERANDS_ANY INT32_MAX

struct command {
    const char *name;
    const char *summary;  /* one line */
    const char *operands; /* "FILE..."; "" when there are none */
    int least;            /* operands */
    int most;
    const struct option_row *rows;
    size_t row_count;
    const char *text; /* a paragraph for --help */
};

#define OPTIONS_GIVEN_MAX 256
#define OPTIONS_GO        (-1)

struct options {
    const struct command *command;
    char **operands; /* argv itself, operands moved to its front */
    int operand_count;
    size_t given_count;
    struct {
        const struct option_row *row;
        const char *text;
    } given[OPTIONS_GIVEN_MAX];
};

/* The command's row; NULL when there is none. */
const struct command *command_find(const char *name);
const struct command *command_at(size_t index); /* NULL past the last */

/* OPTIONS_GO, or an exit status: CMD_OK after --help was printed, CMD_USAGE after the mistake was said on stderr. */
int options_parse(const char *command, int argc, char **argv, struct options *ret_options);

bool options_flag(const struct options *options, const char *name);
bool options_given(const struct options *options, const char *name);
/* The last value given, or the standard one; NULL when there is neither. */
const char *options_text(const struct options *options, const char *name);
int64_t options_number(const struct options *options, const char *name);
/* Nanoseconds UTC, relative times counted back from now_ns; `absent` when not given. */
int64_t options_time(const struct options *options, const char *name, int64_t now_ns, int64_t absent);
/* The index-th value of a list; NULL past the last. */
const char *options_list(const struct options *options, const char *name, size_t index);

/* As OPTION_TIME reads it; false when it is no time. */
bool time_parse(const char *text, int64_t now_ns, int64_t *ret_ns) MUST_USE;

/* The same table as text. */
void options_print_help(const struct command *command, struct buf *out);
void options_print_mdoc(const struct command *command, struct buf *out);       /* .Bl of options */
void options_print_commands(struct buf *out);                                  /* .Bl of commands */
void options_print_completion(const struct command *command, struct buf *out); /* one line of words */

#endif
