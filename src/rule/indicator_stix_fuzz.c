#include "base/assert.h"
#include "rule/indicator_read.h"

/* The text as a STIX pattern alone, and as the file that it may be. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct indicator_comparison comparisons[INDICATOR_PATTERN_MAX];
    struct err err = {0};
    struct str text = str_at(bytes, size);
    size_t count = 0;
    struct arena *arena = arena_new(INDICATOR_OBJECT_MAX);
    struct indicators *indicators = indicators_new(1);
    struct indicator_reading reading = {.indicators = indicators};
    if (arena && indicators && indicators_list(indicators, STR("f"), &err) == RC_OK) {
        const char *reason = indicator_pattern(text, arena, comparisons, &count);
        ASSERT(reason ? count == 0 && reason[0] : count > 0 && count <= INDICATOR_PATTERN_MAX);
        IGNORE(indicator_json_read(&reading, text, &err));
        ASSERT(indicators_count(indicators) <= size);
    }
    indicators_free(indicators);
    arena_free(arena);
    return 0;
}
