#include "role/rule_reader.h"

#include "base/assert.h"

#include <stddef.h>
#include <stdint.h>

/* A text that a person sends, beside one loaded rule. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct rules *whole_make(void)
{
    static const char text[] = "title: Shipped\nid: 11111111-0000-4000-8000-000000000001\nname: shipped\nlogsource:\n"
                               "    product: linux\ndetection:\n    s:\n        user: root\n    condition: s\n";
    struct rules *rules = rules_new((size_t)1 << 24);
    struct err err;
    ASSERT(rules && rules_add(rules, STR("shipped.yml"), str_of(text), &err) == RC_OK);
    ASSERT(rules_finish(rules, &err) == RC_OK);
    return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct rules *whole;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct desk_rule_reading reading = {.count = 0};
    struct err err;
    whole = whole ? whole : whole_make();
    if (!arena || n > DESK_RULE_TEXT_MAX)
        return 0;
    enum rc rc = rule_reader_read(whole, STR_NONE, str_at(bytes, n), arena, &reading, &err);
    ASSERT(rc == RC_OK || rc == RC_LIMIT);
    for (size_t i = 0; i < reading.count; i++) {
        const struct desk_rule_document *document = &reading.document[i];
        ASSERT(document->rule.line > 0 && (document->loaded || document->text.n > 0));
        ASSERT(document->rule.field_count <= DESK_RULE_FIELDS_MAX);
    }
    return 0;
}
