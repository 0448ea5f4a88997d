#include "role/ruleload.h"

#include "os/proc.h"
#include "role/rule_bundle.h"
#include "role/rule_folder.h"

#include <stdio.h>

static enum rc on_file(void *context, struct str path, struct str text, struct err *err)
{
    struct buf *out = context;
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_FILE, path, text});
    return out->overflow ? err_set(err, RC_LIMIT, "the rule files are larger than 128 MiB together") : RC_OK;
}

static enum rc on_refusal(void *context, struct str path, const char *reason, struct err *err)
{
    struct buf *out = context;
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_REFUSED, path, str_of(reason)});
    return out->overflow ? err_set(err, RC_LIMIT, "the rule files are larger than 128 MiB together") : RC_OK;
}

enum rc rule_files_seal(const struct config *config, int *ret_fd, struct err *err)
{
    struct buf bundle CLEANUP(buf_done) = {0};
    const struct rule_folder_sink sink = {on_file, on_refusal, &bundle};
    char path[4096];
    struct str rest = config->rules;
    enum rc rc = RC_OK;
    buf_init(&bundle, RULE_BUNDLE_BYTES);
    rule_bundle_begin(&bundle);
    if (rest.n == 0) {
        snprintf(path, sizeof path, "%.*s/data/rules", STR_ARG(config->share));
        rc = rule_folder_walk(&io_kernel, path, &sink, err);
    }
    while (rc == RC_OK && rest.n) {
        struct str folder = str_cut(&rest, ' ');
        if (folder.n && str_copy_z(folder, path, sizeof path))
            rc = rule_folder_walk(&io_kernel, path, &sink, err);
    }
    return rc == RC_OK ? proc_seal("rules", buf_view(&bundle), ret_fd, err) : rc;
}
