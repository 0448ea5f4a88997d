/* Both tables of this room: whatever the bytes, they are refused or can be computed with. */
#include "base/civil.h"
#include "term/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct calendar *calendar = arena ? calendar_new(arena) : NULL;
    struct clock_rules rules = {0};
    struct clock_due due;
    if (!calendar) {
        arena_free(arena);
        return 0;
    }
    struct str text = str_at(data, size);
    IGNORE(calendar_add(calendar, arena, text, NULL)); /* a refusal is a fine answer */
    if (clock_rules_read(arena, text, &rules, NULL) == RC_OK)
        for (size_t i = 0; i < rules.count; i++)
            IGNORE(clock_due(&rules.rule[i], (int64_t)size * DAY_S * SECOND_NS, 18000, calendar, &due, NULL));
    arena_free(arena);
    return 0;
}
