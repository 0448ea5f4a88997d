/* upload_desk.h - under desk: files for what web receives, scanners' and lists of indicators, their reading ordered
 * from the reader, one at a time, and what comes of it brought to room desk, which counts and takes it a part at a
 * time.
 *
 * The desk makes each file in its own folder, keeps it open for reading, gives web the descriptor to write, and removes
 * the name: web opens nothing, the reader gets what it cannot write, and whatever dies leaves no file behind.
 *
 * Limits: UPLOAD_FILES_AWAITED files that are being received, UPLOAD_QUOTA bytes of all, UPLOAD_DISK_LEFT bytes of the
 * disk stay free. A reader that says nothing for UPLOAD_SILENCE_S is ended. */
#ifndef ROLE_UPLOAD_DESK_H
#define ROLE_UPLOAD_DESK_H

#include "base/arena.h"
#include "desk/desk.h"
#include "msg/msg.h"
#include "role/own_lists.h"

#include <stdbool.h>
#include <stdint.h>

#define UPLOAD_FILES_AWAITED 4u
#define UPLOAD_QUOTA         (UINT64_C(2) << 30)
#define UPLOAD_DISK_LEFT     (UINT64_C(256) << 20)
#define UPLOAD_SILENCE_S     120

struct upload_desk;

/* The desk and its lists are borrowed; `folder`: where its files are made, open. NULL without memory. */
struct upload_desk *upload_desk_new(struct desk *desk, struct own_lists *lists, int folder);
void upload_desk_free(struct upload_desk *self); /* NULL is fine */
/* MSG_FILE_ASK and MSG_FILE_GONE of web, and messages of the reader. False: it is none of these. */
bool upload_desk_message(struct upload_desk *self, struct channel *from, const struct msg *msg, int64_t now_ns);
/* The reader is gone, and what it read with it; web is gone: what it was writing is nobody's. */
void upload_desk_down(struct upload_desk *self, enum role peer, int64_t now_ns);
/* Orders the next, stops what is not wanted any more, and counts and takes for some milliseconds. Call it often. True:
 * records wait for the archive. */
bool upload_desk_look(struct upload_desk *self, int64_t now_ns);
/* A file that web was given, for who copies it: the descriptor for reading is the caller's. -1: there is none. */
int upload_desk_take(struct upload_desk *self, uint64_t number) MUST_USE;
int upload_desk_timeout_ms(const struct upload_desk *self); /* -1: nothing waits */

#endif
