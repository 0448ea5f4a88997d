/* sender_token.c - `qorgan sender-token`: who may send to this archive over HTTP. */
#include "cmd/cmd.h"
#include "cmd/token_command.h"

int cmd_sender_token(int argc, char **argv)
{
    static const struct token_command command = {"sender-token", SENDERS_FOLDER, &token_senders};
    return token_command(&command, argc, argv);
}
