/* detector.h - rules over files, as the service would find it: what `detect` and `rules test` share. Nothing is stored.
 *
 *   detector_new -> detector_rules (each folder) -> detector_ready -> detector_file (each file) -> detector_free */
#ifndef CMD_DETECTOR_H
#define CMD_DETECTOR_H

#include "base/err.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

struct detector;

struct detector_hit {
    const struct rule *rule;
    uint64_t record;         /* from 1; of a correlation the last one that counted, 0 when none is known */
    const uint64_t *records; /* all that the event is put together from, or the correlation counted; until return */
    size_t record_count;
};

struct detector *detector_new(void); /* NULL without memory */
void detector_free(struct detector *detector);
enum rc detector_rules(struct detector *detector, const char *folder, struct err *err) MUST_USE;
/* Resolves references, compiles, and reads the tables of data/. */
enum rc detector_ready(struct detector *detector, struct err *err) MUST_USE;
const struct rules *detector_loaded(const struct detector *detector);

/* One file: lines, JSON values, XML events or EVTX (records.h, evtx.h). Records begin at 1. When it ends, what is open
 * is closed as if time went on. */
struct detector_file {
    const char *path;
    void (*hit)(void *context, const struct detector_hit *hit);
    void (*trouble)(void *context, const char *text); /* part of the file cannot be read, or an event not be matched */
    void *context;
    uint64_t records; /* comes back */
};
enum rc detector_file(struct detector *detector, struct detector_file *file, struct err *err) MUST_USE;

#endif
