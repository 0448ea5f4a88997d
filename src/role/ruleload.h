/* ruleload.h - reads folders of rules for engine, desk and the command line. */
#ifndef ROLE_RULELOAD_H
#define ROLE_RULELOAD_H

#include "base/err.h"
#include "base/str.h"
#include "role/config.h"
#include "rule/rule.h"

/* The folders that the configuration names, or the rules shipped with the product; finished. */
enum rc rules_load_configured(const struct config *config, struct rules **ret_rules, struct err *err) MUST_USE;

#endif
