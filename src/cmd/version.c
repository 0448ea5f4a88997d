#include "base/program_version.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd_present.h"

#include <stdio.h>

int cmd_version(int argc, char **argv)
{
    struct options options;
    int status = options_parse("version", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    if (options_flag(&options, "json"))
        printf("{\"name\":\"qorgan\",\"version\":\"%s\",\"compiler\":\"%s\"}\n", QORGAN_VERSION, QORGAN_COMPILER);
    else
        printf("qorgan %s (%s)\n", QORGAN_VERSION, QORGAN_COMPILER);
    return CMD_OK;
}
