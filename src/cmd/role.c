#include "cmd/cmd.h"
#include "msg/msg.h"
#include "role/roles.h"

#include <stdio.h>

int cmd_role(int argc, char **argv)
{
    enum role role;
    const struct role_driver *driver = argc == 1 && msg_role_parse(argv[0], &role) ? role_driver_of(role) : NULL;
    if (!driver)
        return cmd_usage("-x", "there is no process of this name; `qorgan serve` starts them all");
    return process_run(driver);
}
