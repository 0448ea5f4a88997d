#include "codec/json_stops.h"

#include "base/assert.h"
#include "codec/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Every stop of every width is where one byte after the other says. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = str_at(bytes, size);
    for (enum json_width width = JSON_WIDTH_1; width <= json_width_best(); width++) {
        struct json_stops stops;
        size_t want = 0;
        json_stops_begin(&stops, text, width);
        for (size_t at = 0; at <= size; at = want + 1) {
            for (want = at; want < size && !scan_is_quoted(text.p[want]);)
                want++;
            ASSERT(json_stops_next(&stops, at) == want);
        }
        ASSERT(stops.non_ascii == (scan_ascii(text.p, text.n) < text.n));
    }
    return 0;
}
