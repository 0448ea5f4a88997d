/* rule_folder.h - reads the rule files below a folder, as the service and the commands do. */
#ifndef ROLE_RULE_FOLDER_H
#define ROLE_RULE_FOLDER_H

#include "base/err.h"
#include "os/io.h"
#include "rule/rule.h"

#define RULE_FOLDER_DEPTH_MAX 32u     /* folders below the first */
#define RULE_FOLDER_NAMES_MAX 100000u /* files and folders of one tree */

/* Adds every file that ends in .yml or .yaml, in the order of their paths; `path` may be one such file itself. Files
 * that cannot be read are listed in the outcomes of `rules`. Fails when `path` cannot be opened, when a limit is
 * reached, or without memory. The caller calls rules_finish. */
enum rc rule_folder_read(const struct io *io, const char *path, struct rules *rules, struct err *err) MUST_USE;

#endif
