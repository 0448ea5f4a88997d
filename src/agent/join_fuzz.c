/* Rules of joining, and a line held against a pattern: what is before the first line end is the text. */
#include "agent/join.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct join_rules rules;
    static struct join_pattern pattern;
    struct str line = str_at(bytes, size);
    struct str text = str_cut(&line, '\n');
    if (join_rules_parse(text, &rules, NULL) == RC_OK) {
        ASSERT(rules.count <= JOIN_RULES_MAX);
        for (size_t i = 0; i < rules.count; i++)
            ASSERT(!join_begins(&rules.rule[i], STR_NONE) && rules.rule[i].lines >= 2);
    }
    if (join_pattern_parse(text, &pattern, NULL) != RC_OK)
        return 0;
    ASSERT(pattern.ends != 0 && !join_pattern_holds(&pattern, STR_NONE));
    /* It holds a beginning: what follows it changes nothing. */
    size_t least = 0;
    while (least < line.n && least < JOIN_LOOK && !join_pattern_holds(&pattern, str_slice(line, 0, least)))
        least++;
    bool holds = join_pattern_holds(&pattern, line);
    ASSERT(holds == join_pattern_holds(&pattern, str_slice(line, 0, least)));
    return 0;
}
