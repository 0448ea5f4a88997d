#include "rule/level.h"

static const char *const names[] = {"informational", "low", "medium", "high", "critical"};

const char *rule_level_name(enum rule_level level)
{
    return (size_t)level < ARRAY_LEN(names) ? names[level] : "";
}

bool rule_level_parse(struct str text, enum rule_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq_nocase(text, str_of(names[i]))) {
            *ret_level = (enum rule_level)i;
            return true;
        }
    }
    return false;
}
