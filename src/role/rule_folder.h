/* rule_folder.h - reads the rule files below a folder, as the service and the commands do. */
#ifndef ROLE_RULE_FOLDER_H
#define ROLE_RULE_FOLDER_H

#include "base/err.h"
#include "os/io.h"
#include "rule/rule.h"

#define RULE_FOLDER_DEPTH_MAX 32u     /* folders below the first */
#define RULE_FOLDER_NAMES_MAX 100000u /* files and folders of one tree */

/* What is done with a file's text, or with why it could not be read; an error ends the walk. Borrowed until return. */
struct rule_folder_sink {
    enum rc (*file)(void *context, struct str path, struct str text, struct err *err);
    enum rc (*refuse)(void *context, struct str path, const char *reason, struct err *err);
    void *context;
};

/* Gives every file that ends in .yml or .yaml, in the order of their paths; `path` may be one such file itself. Fails
 * as the sink does, when `path` cannot be opened, when a limit is reached, or without memory. */
enum rc rule_folder_walk(const struct io *io, const char *path, const struct rule_folder_sink *sink,
                         struct err *err) MUST_USE;
/* Adds every file that ends in .yml or .yaml, in the order of their paths; `path` may be one such file itself. Files
 * that cannot be read are listed in the outcomes of `rules`. Fails when `path` cannot be opened, when a limit is
 * reached, or without memory. The caller calls rules_finish. */
enum rc rule_folder_read(const struct io *io, const char *path, struct rules *rules, struct err *err) MUST_USE;

#endif
