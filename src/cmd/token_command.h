/* token_command.h - what the commands that make tokens (role/tokens.h) have in common: all but their names. */
#ifndef CMD_TOKEN_COMMAND_H
#define CMD_TOKEN_COMMAND_H

#include "role/tokens.h"

struct token_command {
    const char *name;
    const char *folder; /* in the data folder */
    const struct token_kind *kind;
};

int token_command(const struct token_command *command, int argc, char **argv);

#endif
