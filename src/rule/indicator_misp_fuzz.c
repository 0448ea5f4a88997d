#include "base/assert.h"
#include "rule/indicator_match.h"
#include "rule/indicator_read.h"

/* A MISP event, all of its attributes; then the same text as a line in which its indicators are looked for. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct err err = {0};
    struct str text = str_at(bytes, size);
    struct indicator_fields *table = NULL;
    struct names *names = names_new(1);
    struct indicators *indicators = indicators_new(1);
    struct indicator_reading reading = {.indicators = indicators, .all = true};
    if (names && indicators && indicators_list(indicators, STR("f"), &err) == RC_OK &&
        indicator_fields_load(STR("field\tholds\nf\ttext,url,hashes,host,hash\n"), &table, &err) == RC_OK) {
        IGNORE(indicator_json_read(&reading, text, &err));
        struct indicator_matcher *matcher = indicator_matcher_new(indicators, table, names);
        struct event event = {.fields = fields, .field_count = 1, .raw = text, .record_count = 1};
        fields[0] = (struct event_field){names_put(names, STR("f")), EVENT_STRING, text};
        if (matcher) {
            const struct event *told = indicator_matcher_event(matcher, &event);
            ASSERT(told->field_count <= EVENT_FIELDS_MAX);
        }
        indicator_matcher_free(matcher);
    }
    indicator_fields_free(table);
    indicators_free(indicators);
    names_free(names);
    return 0;
}
