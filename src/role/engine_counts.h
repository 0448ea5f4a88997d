/* engine_counts.h - under engine: what it counts of the records that sources send, told with the counts of its rules:
 * coverage of Annex 4 (annex_counts.h), how records were parsed (parse_counts.h), and what they tell of losses
 * (loss_counts.h). */
#ifndef ROLE_ENGINE_COUNTS_H
#define ROLE_ENGINE_COUNTS_H

#include "base/arena.h"
#include "base/err.h"
#include "role/annex_counts.h"
#include "role/engine_rules.h"
#include "role/loss_counts.h"
#include "role/parse_counts.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_counts {
    struct annex_tables tables;
    struct annex_counts *annex;
    struct parse_counts *parses;
    struct loss_counts *losses;
    uint64_t annex_lost; /* as said last */
    uint64_t parses_lost;
    /* of the event that describes the record at work */
    enum grasp grasp;
    const struct pattern *pattern;
    int64_t durable_ns; /* when that record was on the disk; 0: it is not known */
};

/* For the process's life; `data` is the folder of tables, `arena` keeps them. */
enum rc engine_counts_init(struct engine_counts *counts, const char *data, const struct mapping *mapping,
                           struct arena *arena, struct err *err) MUST_USE;
/* Another mapping of the same families, before the one of before is gone. */
void engine_counts_remap(struct engine_counts *counts, const struct mapping *mapping);
/* They are told by these rules' duties. */
void engine_counts_attach(struct engine_counts *counts, struct engine_rules *duties);
/* While the sink has the record's own event. */
void engine_counts_event(struct engine_counts *counts, const struct normaliser *normaliser);
void engine_counts_record(struct engine_counts *counts, const struct annex_record *record, uint64_t number);
/* There is little room: it should be told. */
bool engine_counts_are_many(const struct engine_counts *counts);
/* Says in the log what was lost since it was said last. */
void engine_counts_log(struct engine_counts *counts);

#endif
