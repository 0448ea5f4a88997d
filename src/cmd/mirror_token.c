/* mirror_token.c - `qorgan mirror-token`: who may pull this archive. */
#include "cmd/cmd.h"
#include "cmd/token_command.h"

int cmd_mirror_token(int argc, char **argv)
{
    static const struct token_command command = {"mirror-token", MIRROR_FOLDER, &token_mirrors};
    return token_command(&command, argc, argv);
}
