/* Segment files through an io table that serves the input, and the small files of the folder. */
#include "archive/folder.h"
#include "archive/pack.h"
#include "archive/sources.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int input_open(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    (void)folder;
    (void)name;
    (void)flags;
    return 3;
}

static int input_close(void *self, int fd)
{
    (void)self;
    (void)fd;
    return 0;
}

static ssize_t input_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    const struct str *input = self;
    struct str part = str_slice(*input, (size_t)offset, (size_t)offset + n);
    (void)fd;
    if (part.n)
        memcpy(bytes, part.p, part.n);
    return (ssize_t)part.n;
}

static int input_size(void *self, int fd, int64_t *ret_size)
{
    const struct str *input = self;
    (void)fd;
    *ret_size = (int64_t)input->n;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4};
    struct str input = str_at(bytes, size);
    struct io io = {.self = &input, .open = input_open, .close = input_close, .pread = input_pread, .size = input_size};
    struct segment *segment = NULL;
    struct instance instance;
    struct str plain;
    struct arena *arena = arena_new(32 << 20);
    struct sources *sources = sources_new(1);
    if (segment_open(&io, 0, 0, uuid, &segment, NULL) == RC_OK)
        segment_free(segment);
    IGNORE(instance_parse(input, &instance, NULL));
    if (arena && unpack(input, 1 << 20, arena, &plain, NULL) == RC_OK && sources)
        IGNORE(sources_parse(sources, plain, NULL));
    else if (sources)
        IGNORE(sources_parse(sources, input, NULL));
    sources_free(sources);
    arena_free(arena);
    return 0;
}
