#include "codec/qr.h"

#include "base/assert.h"

#include <qrencode.h>

#define QUIET   4
#define M_BYTES 2331 /* version 40, level M */

static void row_write(const QRcode *code, int y, struct buf *svg)
{
    const unsigned char *row = code->data + (ptrdiff_t)y * code->width;
    for (int x = 0; x < code->width;) {
        int from = x;
        while (x < code->width && (row[x] & 1))
            x++;
        if (x > from)
            buf_format(svg, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from, x - from);
        else
            x++;
    }
}

enum rc qr_svg(struct str bytes, struct buf *ret_svg, struct err *err)
{
    if (bytes.n == 0)
        return err_set(err, RC_INVALID, "there is nothing to put into a QR code");
    if (bytes.n > QR_BYTES_MAX)
        return err_set(err, RC_LIMIT, "a QR code holds %d bytes, not %zu", QR_BYTES_MAX, bytes.n);
    QRecLevel level = bytes.n <= M_BYTES ? QR_ECLEVEL_M : QR_ECLEVEL_L;
    QRcode *code = QRcode_encodeData((int)bytes.n, (const unsigned char *)bytes.p, 0, level);
    if (!code)
        return err_set(err, RC_LIMIT, "no memory for a QR code");
    int size = code->width + 2 * QUIET;
    ASSERT(code->width > 0 && code->width <= 177);
    buf_format(
        ret_svg,
        "<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
        "shape-rendering=\"crispEdges\"><rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path fill=\"#000\" d=\"",
        size, size, size, size);
    for (int y = 0; y < code->width; y++)
        row_write(code, y, ret_svg);
    buf_text(ret_svg, "\"/></svg>");
    QRcode_free(code);
    return ret_svg->overflow ? err_set(err, RC_LIMIT, "no memory for a QR code") : RC_OK;
}
