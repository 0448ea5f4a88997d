#include "codec/audit.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new(4 << 20);
    struct audit audit = {.type = STR_INIT("EXECVE")};
    struct audit_field field;
    size_t fields = 0;
    if (!audit_parse(str_at(bytes, size), &audit))
        audit.fields = str_at(bytes, size);
    struct audit_reader reader = audit_fields(&audit);
    while (arena != NULL && audit_next(&reader, &field)) {
        fields++;
        ASSERT(field.name.n > 0 && field.value.n < size);
        ASSERT(audit_text(arena, &field).n <= field.value.n);
    }
    ASSERT(fields <= size);
    arena_free(arena);
    return 0;
}
