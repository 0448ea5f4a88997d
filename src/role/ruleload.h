/* ruleload.h - the rule files that the configuration names, for the parent, who gives them to the others. */
#ifndef ROLE_RULELOAD_H
#define ROLE_RULELOAD_H

#include "base/err.h"
#include "role/config.h"

/* The files of the folders that the configuration names, or of the rules shipped with the product, as a bundle in
 * sealed memory. They are not looked into. RC_NOT_FOUND, RC_IO: a folder cannot be opened; RC_LIMIT: together they are
 * larger than RULE_BUNDLE_BYTES. */
enum rc rule_files_seal(const struct config *config, int *ret_fd, struct err *err) MUST_USE;

#endif
