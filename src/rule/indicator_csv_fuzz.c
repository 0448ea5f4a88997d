#include "base/assert.h"
#include "rule/indicator_read.h"

/* A CSV file of indicators: read, and everything taken is found again. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct err err = {0};
    struct indicators *indicators = indicators_new(1);
    struct indicator_reading reading = {.indicators = indicators};
    if (indicators && indicators_list(indicators, STR("f"), &err) == RC_OK &&
        indicator_csv_read(&reading, str_at(bytes, size), &err) == RC_OK) {
        for (uint32_t i = 0; i < indicators_count(indicators); i++) {
            struct indicator one;
            uint32_t found = INDICATOR_NONE;
            indicators_at(indicators, i, &one);
            do {
                found = indicators_find(indicators, &one.key, found);
                ASSERT(found != INDICATOR_NONE);
            } while (found != i);
        }
        indicators_finish(indicators);
    }
    indicators_free(indicators);
    return 0;
}
