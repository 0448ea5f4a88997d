/* sources.h - who sent records: kind and name of each source, and the highest sequence held of each of its epochs.
 *
 * Derived from leaves, so it can never disagree with them; a segment carries the table as it was at its end. Bounded:
 * past ARCHIVE_SOURCES_MAX sources or SOURCES_EPOCHS_MAX epochs new ones are not remembered (their resends are then not
 * recognised). Internal to the room. */
#ifndef ARCHIVE_SOURCES_H
#define ARCHIVE_SOURCES_H

#include "archive/leaf.h"
#include "archive/writer.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/normalise.h"

#include <stdbool.h>
#include <stdint.h>

#define SOURCES_EPOCHS_MAX 262144
#define SOURCE_KIND_MAX    32

struct sources;

struct sources *sources_new(uint64_t seed);
void sources_free(struct sources *sources);
/* Forgets everything. False without memory. */
bool sources_reset(struct sources *sources) MUST_USE;

size_t sources_count(const struct sources *sources);
struct archive_source_row sources_at(const struct sources *sources, size_t position);
/* The row's position; false when unknown. */
bool sources_find(const struct sources *sources, const uint8_t id[16], size_t *ret_position);
/* Names a source. RC_LIMIT. */
enum rc sources_name(struct sources *sources, const uint8_t id[16], struct str kind, struct str name,
                     struct err *err) MUST_USE;
/* Whether the sequence is above what is held of that epoch. */
bool sources_is_new(struct sources *sources, const uint8_t id[16], uint64_t epoch, uint64_t sequence);
bool sources_highest(const struct sources *sources, const uint8_t id[16], uint64_t epoch, uint64_t *ret_sequence);
/* A record was taken: remembers its sequence, and what a lifecycle leaf says of a source. Whether the sequence is above
 * what was held of that epoch. */
bool sources_saw(struct sources *sources, const struct leaf *leaf, struct str raw);

/* The body of the lifecycle leaf that introduces a source. */
void sources_leaf(const struct event_source *source, struct buf *out);

void sources_write(const struct sources *sources, struct buf *out);
/* Into an empty table. RC_CORRUPT. */
enum rc sources_parse(struct sources *sources, struct str bytes, struct err *err) MUST_USE;

#endif
