#include "role/ruleload.h"

#include "role/rule_folder.h"

#include <stdio.h>

#define RULES_MEMORY ((size_t)1 << 30)

enum rc rules_load_configured(const struct config *config, struct rules **ret_rules, struct err *err)
{
    struct rules *rules = rules_new(RULES_MEMORY);
    if (!rules)
        return err_set(err, RC_LIMIT, "no memory for rules");
    char path[4096];
    struct str rest = config->rules;
    enum rc rc = RC_OK;
    if (rest.n == 0) {
        snprintf(path, sizeof path, "%.*s/data/rules", STR_ARG(config->share));
        rc = rule_folder_read(&io_kernel, path, rules, err);
    }
    while (rc == RC_OK && rest.n) {
        struct str folder = str_cut(&rest, ' ');
        if (folder.n && str_copy_z(folder, path, sizeof path))
            rc = rule_folder_read(&io_kernel, path, rules, err);
    }
    if (rc == RC_OK)
        rc = rules_finish(rules, err);
    if (rc == RC_OK)
        *ret_rules = rules;
    else
        rules_free(rules);
    return rc;
}
