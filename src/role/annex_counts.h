/* annex_counts.h - what records say by source, class, kind and parser: the counts behind coverage of order 52/НҚ, Annex
 * 4 (desk/annex.h). An engine keeps what came since it told the desk last; `qorgan coverage` all that it reads.
 *
 * Bounded: `limit` rows; what would need one more is counted in `lost`. One thread. */
#ifndef ROLE_ANNEX_COUNTS_H
#define ROLE_ANNEX_COUNTS_H

#include "archive/export_class.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/annex.h"
#include "event/event.h"
#include "event/normalise.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANNEX_COUNTS_ENGINE   65536u
#define ANNEX_COUNTS_MOST     ((size_t)1 << 22)
#define ANNEX_COUNTS_PARSERS  64u /* names; further ones are counted as "other" */
#define ANNEX_COUNTS_SERVICES 256u

struct annex_counts;

/* The tables as every user of them reads them: data/event_kinds.tsv, annex4.tsv, export_classes.tsv below the folder
 * `share`/data. They are in the arena (4 MiB are enough). */
struct annex_tables {
    struct annex annex;
    struct export_classes classes;
    enum annex_class row_class[EXPORT_CLASS_ROWS_MAX]; /* of each row of `classes` */
};
/* `folder`: that of the tables themselves. */
enum rc annex_tables_load(const char *folder, struct arena *arena, struct annex_tables *ret_tables,
                          struct err *err) MUST_USE;

/* `tables` is borrowed. NULL without memory. */
struct annex_counts *annex_counts_new(const struct annex_tables *tables, size_t limit, uint64_t seed);
void annex_counts_free(struct annex_counts *counts); /* NULL is fine */

/* A record that a source sent: its bytes, when it was received, and the event that describes it. */
struct annex_record {
    const struct event_source *source;
    const struct event *event;
    struct str raw;
    int64_t received_ns;
};
void annex_counts_record(struct annex_counts *counts, const struct annex_record *record);

struct annex_counts_row {
    uint8_t source[16];
    enum annex_class class;
    uint32_t kind; /* number in annex_kind_find */
    struct str parser;
    struct annex_count count;
};
size_t annex_counts_size(const struct annex_counts *counts);
struct annex_counts_row annex_counts_at(const struct annex_counts *counts, size_t i);
uint64_t annex_counts_lost(const struct annex_counts *counts); /* records, ever */
bool annex_counts_are_many(const struct annex_counts *counts); /* half of the room is taken */
/* Forgets the first n rows: they were told. */
void annex_counts_told(struct annex_counts *counts, size_t n);
const struct annex *annex_counts_annex(const struct annex_counts *counts);

#endif
