/* qr.h - a QR code (ISO/IEC 18004) as SVG: black modules in one path on white, with the quiet zone of four modules.
 * libqrencode stands behind it. */
#ifndef CODEC_QR_H
#define CODEC_QR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define QR_BYTES_MAX 2953 /* version 40, level L */

/* Level M while it fits, else L. RC_LIMIT past QR_BYTES_MAX or without memory, RC_INVALID for nothing. The element has
 * the class "qr" and no size of its own: the page gives it one. */
enum rc qr_svg(struct str bytes, struct buf *ret_svg, struct err *err) MUST_USE;

#endif
