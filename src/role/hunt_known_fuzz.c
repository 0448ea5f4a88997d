/* Any bytes as what is known of lists: they read or not, and what reads is found, each number, and written the same. */
#include "role/hunt_known.h"

#include "base/arena.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_at(data, size);
    struct hunt_known known;
    struct buf out;
    if (!hunt_known_read(bytes, &known))
        return 0;
    uint64_t *marks = memory_new((known.count + 1) * sizeof *marks);
    if (!marks)
        return 0;
    for (size_t i = 0; i < known.count; i++) {
        marks[i] = hunt_known_at(&known, i);
        if (!hunt_known_has(&known, marks[i]))
            abort();
    }
    buf_init(&out, size + 1);
    hunt_known_write(known.key, marks, known.count, &out);
    if (out.overflow || !str_eq(buf_view(&out), bytes))
        abort();
    buf_done(&out);
    memory_free(marks);
    return 0;
}
