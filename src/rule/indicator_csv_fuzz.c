#include "base/assert.h"
#include "rule/indicator_read.h"
#include "rule/indicator_write.h"

/* A CSV file of indicators: read, everything taken is found again, and what is written of it reads back as the same. */

static void written(const struct indicator *one)
{
    char storage[INDICATOR_LINE_MAX];
    struct buf out;
    struct err err = {0};
    struct indicator again;
    struct indicators *indicators = indicators_new(2);
    struct indicator_reading reading = {.indicators = indicators};
    buf_init_fixed(&out, storage, sizeof storage);
    indicator_names_write(&out);
    if (indicator_line_write(one, &out) && indicators && indicators_list(indicators, STR("w"), &err) == RC_OK) {
        ASSERT(!out.overflow);
        ASSERT(indicator_csv_read(&reading, buf_view(&out), &err) == RC_OK);
        ASSERT(indicators_count(indicators) == 1);
        indicators_at(indicators, 0, &again);
        ASSERT(again.key.kind == one->key.kind && again.key.below == one->key.below && again.key.bits == one->key.bits);
        ASSERT(str_eq(str_at(again.key.bytes, again.key.n), str_at(one->key.bytes, one->key.n)));
        ASSERT(again.from_ns == one->from_ns && again.until_ns == one->until_ns && again.confidence == one->confidence);
    }
    indicators_free(indicators);
}

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
            if (i < 64)
                written(&one);
        }
        indicators_finish(indicators);
    }
    indicators_free(indicators);
    return 0;
}
