/* data.h - where the files that come with the program lie (mappings, log sources, texts, starter rules). */
#ifndef CMD_DATA_H
#define CMD_DATA_H

#include "base/buf.h"
#include "base/err.h"

/* Writes the folder's path, NUL-terminated: $QORGAN_SHARE when set; else `data` in the folder of the program or in one
 * of three above it (a build tree); else share/qorgan beside the program's bin. RC_NOT_FOUND names what was tried. */
enum rc data_folder(struct buf *ret_path, struct err *err) MUST_USE;

#endif
