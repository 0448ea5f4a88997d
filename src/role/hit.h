/* hit.h - one archived record as JSON, and the event of a record that has no columns yet. For query and command line.
 */
#ifndef ROLE_HIT_H
#define ROLE_HIT_H

#include "archive/reader.h"
#include "base/buf.h"
#include "event/names.h"
#include "event/normalise.h"

struct hit_deriver;

struct hit_deriver *hit_deriver_new(const struct mapping *mapping, struct names *names, int32_t zone_offset_s);
void hit_deriver_free(struct hit_deriver *deriver);
/* As normaliser_remap. */
bool hit_deriver_remap(struct hit_deriver *deriver, const struct mapping *mapping) MUST_USE;
/* archive_derive with the deriver as context: normalises the raw bytes. */
bool hit_derive(void *deriver, const struct event_source *source, const struct leaf *leaf, struct str raw,
                struct arena *arena, struct event *ret_event);

/* The members of doc/api.md's event, without the braces, and with them. */
void hit_write_members(struct buf *out, const struct archive_hit *hit, const struct names *names);
/* Of these "fields", "statutory" and "rules". */
void hit_write_derived(struct buf *out, const struct archive_hit *hit, const struct names *names);
void hit_write_json(struct buf *out, const struct archive_hit *hit, const struct names *names);

#endif
