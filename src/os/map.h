/* map.h - a file of the host read where it lies, for what is larger than a program may keep. */
#ifndef OS_MAP_H
#define OS_MAP_H

#include "base/err.h"
#include "base/str.h"

/* The whole file, until the program ends; it must not be cut meanwhile. RC_NOT_FOUND, RC_IO. */
enum rc file_map_path(const char *path, struct str *ret_bytes, struct err *err) MUST_USE;

#endif
