/* detector.h - rules over files, as the service would find it: what `detect`, `rules test` and `rules explain` share.
 * Nothing is stored.
 *
 *   detector_new -> detector_rules (each folder) -> detector_ready -> detector_file (each file) -> detector_free
 *
 * or, in two processes, so that what strangers wrote is read where nothing can be opened:
 *
 *   detector_new -> detector_tables -> confined_run: detector_rule_texts -> detector_indicator_texts -> detector_ready
 *                                                    -> detector_text (each file) */
#ifndef CMD_DETECTOR_H
#define CMD_DETECTOR_H

#include "base/err.h"
#include "cmd/confined_command.h"
#include "event/event.h"
#include "event/names.h"
#include "event/normalise.h"
#include "role/indicator_folder.h"
#include "rule/indicator.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

#define DETECTOR_FILE_MAX ((size_t)4 << 30) /* bytes of a file, and of its events as XML */

struct detector;

struct detector *detector_new(void); /* NULL without memory */
void detector_free(struct detector *detector);
enum rc detector_rules(struct detector *detector, const char *folder, struct err *err) MUST_USE;
/* Lists of indicators, which rules then see as fields of the event: every file of a folder, or one file; before or
 * after detector_ready. */
enum rc detector_indicators(struct detector *detector, const char *path, struct err *err) MUST_USE;
void detector_lists_forget(struct detector *detector);
/* The same of what was read before. */
enum rc detector_rule_texts(struct detector *detector, const struct rule_texts *texts, struct err *err) MUST_USE;
enum rc detector_indicator_texts(struct detector *detector, const struct indicator_texts *texts,
                                 struct err *err) MUST_USE;
/* Reads the tables of data/, those of indicators too when there are `lists`; done by whoever needs them, if not before.
 */
enum rc detector_tables(struct detector *detector, bool lists, struct err *err) MUST_USE;
const struct indicators *detector_lists(const struct detector *detector); /* NULL: none */
/* Resolves references and compiles. */
enum rc detector_ready(struct detector *detector, struct err *err) MUST_USE;
const struct rules *detector_loaded(const struct detector *detector);
const struct names *detector_names(const struct detector *detector);

struct detector_hit {
    const struct rule *rule;
    uint64_t record;         /* from 1; of a correlation the last one that counted, 0 when none is known */
    const uint64_t *records; /* all that the event is put together from, or the correlation counted; until return */
    size_t record_count;
};

/* Who is told; what is NULL is not. */
struct detector_sink {
    void (*hit)(void *context, const struct detector_hit *hit);
    /* Each event that rules see, and those that match it. */
    void (*event)(void *context, const struct event *event, const struct rule_match *matches, size_t count);
    void (*trouble)(void *context, const char *text); /* part of a file cannot be read, or an event not be matched */
    void *context;
};

/* One file: lines, JSON values, XML events or EVTX (records.h, evtx.h). Records begin at 1. When it ends, what is open
 * is closed as if time went on. */
struct detector_file {
    const char *path;
    int64_t received_ns; /* when its records count as received, which gives a year to lines without one */
    struct detector_sink sink;
    uint64_t records;    /* comes back */
    uint64_t incomplete; /* comes back: PowerShell script blocks that lacked pieces */
};
enum rc detector_file(struct detector *detector, struct detector_file *file, struct err *err) MUST_USE;
/* The same of a file that was read: its path is but a name. */
enum rc detector_text(struct detector *detector, struct detector_file *file, struct str text, struct err *err) MUST_USE;

/* One record alone: what it is a part of is not put together, and no correlation is closed. */
struct detector_record {
    struct event_source source;
    uint64_t number;
    int64_t received_ns;
    struct str raw;
};
enum rc detector_record(struct detector *detector, const struct detector_record *record,
                        const struct detector_sink *sink, struct err *err) MUST_USE;

#endif
