#include "cmd/cmd.h"
#include "cmd/options.h"
#include "role/parent.h"

#define SETS_MAX 64

int cmd_serve(int argc, char **argv)
{
    struct options options;
    int status = options_parse("serve", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    const char *sets[SETS_MAX];
    struct parent_options parent = {
        .data = options_text(&options, "data"),
        .sets = sets,
        .new_instance = options_flag(&options, "new-instance"),
    };
    for (const char *set; (set = options_list(&options, "set", parent.set_count)) != NULL;) {
        if (parent.set_count == SETS_MAX)
            return cmd_usage("serve", "more than %d times --set", SETS_MAX);
        sets[parent.set_count++] = set;
    }
    return parent_run(&parent);
}
