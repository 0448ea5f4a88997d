#include "role/ruleload.h"

#include "os/proc.h"
#include "role/rule_bundle.h"
#include "role/rule_folder.h"
#include "role/rule_packs.h"

#include <stdio.h>
#include <unistd.h>

#define ROOM_OF_OTHERS ((size_t)24 << 20) /* what the desk adds: DESK_RULE_TEXTS_BYTES, with room */

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

/* A version that waits keeps no rule from being loaded: it is left out when there is no room for it, whole. */
struct waiting {
    struct buf *out;
    size_t begin;                /* of what the bundle has of it */
    char path[RULE_BUNDLE_PATH]; /* of the version */
    bool left_out;
};

static enum rc on_waiting(struct waiting *w, const struct rule_bundle_entry *entry)
{
    bool facts = entry->kind == RULE_BUNDLE_NEXT_FACTS;
    if (facts) {
        w->begin = w->out->n;
        w->left_out = !str_copy_z(entry->path, w->path, sizeof w->path);
    }
    if (!w->left_out && w->out->n + entry->path.n + entry->text.n + ROOM_OF_OTHERS > RULE_BUNDLE_BYTES) {
        w->out->n = w->begin;
        w->left_out = true;
        rule_bundle_add(w->out, &(struct rule_bundle_entry){RULE_BUNDLE_REFUSED, str_of(w->path),
                                                            STR("there is no room for a version that waits")});
    }
    if (!w->left_out)
        rule_bundle_add(w->out, entry);
    return RC_OK;
}

static enum rc on_pack(void *context, enum rule_packs_kind kind, struct str path, struct str text, struct err *err)
{
    static const enum rule_bundle_kind kinds[] = {
        [RULE_PACKS_FILE] = RULE_BUNDLE_FILE,
        [RULE_PACKS_REFUSED] = RULE_BUNDLE_REFUSED,
        [RULE_PACKS_FACTS] = RULE_BUNDLE_FACTS,
        [RULE_PACKS_NEXT] = RULE_BUNDLE_NEXT,
        [RULE_PACKS_NEXT_FACTS] = RULE_BUNDLE_NEXT_FACTS,
    };
    struct waiting *waiting = context;
    struct buf *out = waiting->out;
    if (kind == RULE_PACKS_NEXT || kind == RULE_PACKS_NEXT_FACTS)
        return on_waiting(waiting, &(struct rule_bundle_entry){kinds[kind], path, text});
    rule_bundle_add(out, &(struct rule_bundle_entry){kinds[kind], path, text});
    return out->overflow ? err_set(err, RC_LIMIT, "the rule files are larger than 128 MiB together") : RC_OK;
}

static enum rc packs_add(const struct config *config, struct buf *out, struct err *err)
{
    struct waiting waiting = {.out = out};
    const struct rule_packs_sink sink = {on_pack, &waiting};
    char path[4096];
    int data = str_copy_z(config->data, path, sizeof path) ? io_open_folder(path) : -1;
    if (data < 0)
        return RC_OK; /* a data folder that is not there has no packs */
    enum rc rc = rule_packs_read(&io_kernel, data, &sink, err);
    close(data);
    return rc;
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
    rc = rc == RC_OK ? packs_add(config, &bundle, err) : rc;
    return rc == RC_OK ? proc_seal("rules", buf_view(&bundle), ret_fd, err) : rc;
}
