#include "base/assert.h"
#include "base/macros.h"
#include "event/event.h"

static const char *const keys[] = {
#define X(id, key) [id] = (key),
    STATUTORY_FIELDS(X)
#undef X
};

const char *statutory_key(enum statutory field)
{
    ASSERT((unsigned)field < ARRAY_LEN(keys));
    return keys[field];
}

enum statutory statutory_find(struct str key)
{
    unsigned i = 0;
    while (i < STATUTORY_COUNT && !str_is(key, keys[i]))
        i++;
    return (enum statutory)i;
}
