/* random.h - bytes from the kernel. */
#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Never fails: the process stops when the kernel has none. */
void random_bytes(void *ret_bytes, size_t n);
uint64_t random_u64(void);

#endif
