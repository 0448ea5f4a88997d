/* document_desk.h - under desk: files of documents copied into their folder under their SHA-256, given out, and their
 * signatures brought to the verifier, one at a time.
 *
 * What web received lies in a file that web could still write to: it is copied, hashed on the way, and kept only under
 * the digest that was said of it. A file that is kept has a name of 64 digits, is read-only and synced before its row
 * says so; one whose row was not written in time is found by that name. Nothing here is ever removed.
 *
 * Limits: as desk/document.h; some milliseconds of copying a look. A sync waits for the disk, as the database's do. */
#ifndef ROLE_DOCUMENT_DESK_H
#define ROLE_DOCUMENT_DESK_H

#include "desk/desk.h"
#include "msg/msg.h"
#include "role/upload_desk.h"

#include <stdbool.h>
#include <stdint.h>

struct document_desk;

/* Desk and uploads are borrowed; `folder`: where files are kept, open. NULL without memory. */
struct document_desk *document_desk_new(struct desk *desk, struct upload_desk *uploads, int folder);
void document_desk_free(struct document_desk *self); /* NULL is fine */
/* Sends the answer that the desk gave last, with the file that goes along with it when there is one. False: web does
 * not take it. */
bool document_desk_answer(struct document_desk *self, struct channel *web, uint64_t id, struct str answer) MUST_USE;
/* MSG_VERIFIED. False: it is none of these. */
bool document_desk_message(struct document_desk *self, struct channel *from, const struct msg *msg, int64_t now_ns);
/* The verifier is gone, and what it judged with it. */
void document_desk_down(struct document_desk *self, enum role peer, int64_t now_ns);
/* Copies for some milliseconds, and orders what is to be judged next. True: records wait for the archive. */
bool document_desk_look(struct document_desk *self, int64_t now_ns);
int document_desk_timeout_ms(const struct document_desk *self); /* -1: nothing waits */

#endif
