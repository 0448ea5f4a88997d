#include "codec/xlsx.h"

#include "base/assert.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool on_cell(void *context, struct str sheet, uint32_t row, uint32_t column, struct str text)
{
    size_t *cells = context;
    ASSERT(row < XLSX_ROWS_MAX && column < XLSX_COLUMNS_MAX && ++*cells <= XLSX_CELLS_MAX);
    ASSERT(text.n > 0 && utf8_valid(text) && utf8_valid(sheet));
    return *cells < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct err err = {0};
    size_t cells = 0;
    enum rc rc = xlsx_read(str_at(bytes, size), on_cell, &cells, &err);
    ASSERT(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT || (rc == RC_END && cells == 1000));
    return 0;
}
