/* level.h - the five levels of a Sigma rule and their words. */
#ifndef RULE_LEVEL_H
#define RULE_LEVEL_H

#include "rule/rule.h"

bool rule_level_parse(struct str text, enum rule_level *ret_level) MUST_USE;

#endif
