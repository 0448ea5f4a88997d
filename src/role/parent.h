/* parent.h - `qorgan serve`: configuration, folders, keys, ports; starts every role and starts it again when it dies.
 * Parses no byte from the network. */
#ifndef ROLE_PARENT_H
#define ROLE_PARENT_H

#include "base/arena.h"
#include "base/err.h"
#include "role/config.h"

struct parent_options {
    const char *data;        /* data folder, made when missing */
    const char *const *sets; /* "key=value" */
    size_t set_count;
    bool new_instance; /* the archive is behind its checkpoint and shall go on as a new one */
};

/* Runs until SIGTERM or SIGINT. The exit status. */
int parent_run(const struct parent_options *options);

/* Where data/ and ui/ are: beside the sources when run from a build folder, else /usr/share/qorgan. */
enum rc share_find(struct arena *arena, struct str *ret_path, struct err *err) MUST_USE;
/* Loads DATA/qorgan.conf over the defaults; a missing file is fine. */
enum rc config_load(const char *data, struct arena *arena, struct config *ret_config, struct err *err) MUST_USE;

#endif
