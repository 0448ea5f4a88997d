#include "codec/csv.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(4 << 20);
    struct csv csv;
    struct err err = {0};
    enum rc rc = RC_OK;
    size_t records = 0;
    csv_open(&csv, str_at(bytes, size), ',');
    while (arena != NULL && (rc = csv_next(&csv, &err)) == RC_OK) {
        records++;
        ASSERT(csv.count >= 1 && csv.count <= CSV_FIELDS_MAX && csv.line <= size + 1);
        for (uint32_t i = 0; i < csv.count; i++)
            ASSERT(csv_text(arena, &csv.field[i]).n <= csv.field[i].text.n);
    }
    ASSERT(records <= size && (rc == RC_OK || rc == RC_END || err.text[0] != '\0'));
    arena_free(arena);
    return 0;
}
