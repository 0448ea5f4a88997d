/* io_input.h - an io table that serves bytes as the one file there is, to be read only: for fuzz targets, which know
 * the os by its table alone. */
#ifndef OS_IO_INPUT_H
#define OS_IO_INPUT_H

#include "base/str.h"
#include "os/io.h"

#include <string.h>

static inline int io_input_open(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    (void)folder;
    (void)name;
    (void)flags;
    return 3;
}

static inline int io_input_close(void *self, int fd)
{
    (void)self;
    (void)fd;
    return 0;
}

static inline ssize_t io_input_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    const struct str *input = self;
    struct str part = str_slice(str_skip(*input, (size_t)offset), 0, n);
    (void)fd;
    if (part.n)
        memcpy(bytes, part.p, part.n);
    return (ssize_t)part.n;
}

static inline int io_input_size(void *self, int fd, int64_t *ret_size)
{
    const struct str *input = self;
    (void)fd;
    *ret_size = (int64_t)input->n;
    return 0;
}

/* `input` is borrowed. */
static inline struct io io_input(struct str *input)
{
    return (struct io){
        .self = input, .open = io_input_open, .close = io_input_close, .pread = io_input_pread, .size = io_input_size};
}

#endif
