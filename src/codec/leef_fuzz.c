#include "codec/leef.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = str_at(bytes, size);
    struct leef leef = {.delimiter = 9};
    struct str key;
    struct str value;
    size_t pairs = 0;
    bool parsed = leef_parse(text, &leef);
    struct str rest = parsed ? leef.attributes : text;
    while (leef_next(&rest, leef.delimiter, &key, &value)) {
        pairs++;
        ASSERT(key.n > 0 && value.n < size);
    }
    ASSERT(pairs <= size && leef_find(text) <= size);
    return 0;
}
