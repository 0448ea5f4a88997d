/* render.h - an event as text, for golden tests and for people: one line a thing that was said, in stable order. */
#ifndef EVENT_RENDER_H
#define EVENT_RENDER_H

#include "base/buf.h"
#include "event/event.h"
#include "event/names.h"

/* Lines are indented by two blanks. Control characters come out as \xHH; values are cut at 200 bytes. */
void event_render(struct buf *buf, const struct names *names, const struct event *event);

#endif
