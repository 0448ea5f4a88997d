/* sheet.h - the daily sheet: a checkpoint for paper. Who keeps it, signed and stamped by hand, holds a proof that no
 * key and no machine of the archive can change. Self-contained HTML for A4, and plain text. */
#ifndef WEB_SHEET_H
#define WEB_SHEET_H

#include "base/err.h"
#include "web/html.h"

struct sheet {
    struct str note; /* the checkpoint, whole */
    struct str origin;
    uint64_t size;
    uint8_t root[32];
    int64_t time_ns; /* when its last record was received; 0 unknown */
};

/* Reads the note's three lines; the rest is not judged here. RC_INVALID. */
enum rc sheet_read(struct str note, int64_t time_ns, struct sheet *ret_sheet, struct err *err) MUST_USE;
/* A whole document into html->out: texts by html->language, times in html->zone_s. A note that is too long for a QR
 * code stands there without one, and says so. */
void sheet_html(struct html *html, const struct sheet *sheet);
void sheet_text(struct html *html, const struct sheet *sheet);

#endif
