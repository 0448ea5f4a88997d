/* web_upload.h - the body of a request that brings a file: its fields gathered, its file written out and hashed while
 * it comes. Under web_server; never more of it in memory than what came last.
 *
 *   FIELDS ──the file begins──► HELD ──web_upload_open──► FLOWS ──all is there──► WHOLE
 *      │ (a raw body: at once)    │            └─ cut off, too long, no room on the disk ─► BROKEN: why
 *      └── no such body ──────────┴──────────────────────► BROKEN
 *
 * While it is HELD it takes nothing: the connection waits. BROKEN takes all and keeps nothing. */
#ifndef ROLE_WEB_UPLOAD_H
#define ROLE_WEB_UPLOAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "tlog/hash.h"
#include "web/web.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_UPLOAD_FIELDS_MAX (64u << 10) /* bytes of a form's fields, percent-encoded */

enum web_upload_state {
    WEB_UPLOAD_FIELDS,
    WEB_UPLOAD_HELD,
    WEB_UPLOAD_FLOWS,
    WEB_UPLOAD_WHOLE,
    WEB_UPLOAD_BROKEN,
};

struct web_upload;

/* NULL: the body is no form with a file (stream WEB_STREAM_FORM), or no memory. Lives in the arena. `max`: bytes that
 * the file may have. */
struct web_upload *web_upload_new(struct arena *arena, enum web_stream stream, int64_t max, struct str content_type);
int64_t web_upload_max(const struct web_upload *upload);
void web_upload_done(struct web_upload *upload); /* closes what it has open; NULL is fine */
enum web_upload_state web_upload_state(const struct web_upload *upload);
/* How many of these bytes it took. */
size_t web_upload_take(struct web_upload *upload, struct str bytes);
/* The body is over. */
void web_upload_end(struct web_upload *upload);
/* The fields that came before the file, as an urlencoded body; "name" is that of the file. */
struct str web_upload_fields(const struct web_upload *upload);
/* Where a file that is HELD goes: the descriptor is taken over, the hasher is nobody else's until web_upload_done.
 * Descriptor -1: there is no room for it. */
void web_upload_open(struct web_upload *upload, uint64_t number, int fd, struct tlog_hasher *hasher);
uint64_t web_upload_number(const struct web_upload *upload); /* 0: it was not opened */
struct tlog_hasher *web_upload_hasher(const struct web_upload *upload);
int64_t web_upload_bytes(const struct web_upload *upload);
/* What the call is told: {"ok":true,"file":N,"bytes":N,"sha256":"..."}, or the error. */
void web_upload_answer(const struct web_upload *upload, struct buf *json);

#endif
