/* normalise.h - raw record in, events out: finds the format, parses, maps to Sigma names and statutory fields.
 *
 * Mapping is data (data/mappings, data/logsources.tsv), not code. Input never fails: what no parser understands comes
 * out as an event without EVENT_UNDERSTOOD whose raw bytes are whole.
 *
 * A record always gives one event with EVENT_ARCHIVE | EVENT_MATCH, at once. Formats whose one event spans records
 * (Linux audit) remember the pieces too and give one more event with EVENT_MATCH only, once complete: it carries the
 * fields of all pieces, their raw lines joined by line feeds, Sigma's categories (process_creation, file_event,
 * network_connection) and the service word "auditd_event", so that rules for service auditd, which by convention look
 * at one record each, do not fire a second time on it. A PowerShell script block of several events (script_join.h)
 * gives one more with EVENT_MATCH and EVENT_JOINED: the event of its first piece, with the text of all and the raw
 * bytes of that first one; its pieces had EVENT_PIECE. */
#ifndef EVENT_NORMALISE_H
#define EVENT_NORMALISE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "event/names.h"

#include <stdbool.h>
#include <stddef.h>

#define PATTERN_TEXT_MAX 8192 /* bytes; longer messages are kept whole but not matched against patterns */

/* Where a record came from, as the archive's source table tells it. */
struct event_source {
    uint8_t id[16];
    struct str kind; /* udp, tcp, tls, file, journal, import, agent, desk */
    struct str name; /* peer address, path, machine */
};

struct mapping;
struct pattern;
struct normaliser;

typedef void (*event_sink)(void *context, const struct event *event);

/* Reads data/mappings and data/logsources.tsv below `data_path`. Errors name file, line and reason. The mapping is
 * immutable afterwards and may be shared by normalisers. */
enum rc mapping_load(const char *data_path, struct names *names, struct mapping **ret_mapping,
                     struct err *err) MUST_USE;
/* The same with the patterns of a site: `more_path` has a parsers.tsv and the tables that it names, as data/ has. NULL:
 * there are none. Families of both differ by name. */
enum rc mapping_load_more(const char *data_path, const char *more_path, struct names *names,
                          struct mapping **ret_mapping, struct err *err) MUST_USE;
void mapping_free(struct mapping *mapping);

/* ---- for who takes other patterns while it is at work ---- */

/* The tables as they were read: mappings are made of them again without a file being opened. One thread. */
struct table_texts;

struct table_texts *table_texts_new(void); /* NULL without memory */
void table_texts_free(struct table_texts *texts);

#define MAPPING_OWN "desk" /* the family of patterns that people wrote in the service */

struct mapping_tables {
    const char *data_path;
    const char *more_path;     /* as of mapping_load_more */
    struct table_texts *texts; /* files are read once; NULL: each time */
    /* A table of patterns, its first line names the columns; empty: the family has none; p == NULL: there is no such
     * family. */
    struct str own;
};
/* As mapping_load_more. *ret_column, when it is asked for: which column of an own pattern an error speaks of; NULL:
 * none in particular. RC_LIMIT also when `names` has no room for a field. */
enum rc mapping_load_own(const struct mapping_tables *from, struct names *names, struct mapping **ret_mapping,
                         const char **ret_column, struct err *err) MUST_USE;

/* One row of a table of patterns (doc/add-a-parser.md), as a person wrote it. */
struct pattern_text {
    struct str id;
    struct str program;
    struct str pattern;
    struct str sets;
};
/* Whether mapping_load would take the row in a table of its own: RC_INVALID, RC_LIMIT with why not, and *ret_column
 * the column that it speaks of. A name of a part ({=name}) is refused: no part stands above. */
enum rc pattern_text_check(const struct pattern_text *text, const char **ret_column, struct err *err) MUST_USE;

/* NULL without memory. Both must outlive it; `names` is the one that the mapping was loaded with. */
struct normaliser *normaliser_new(const struct mapping *mapping, struct names *names);
void normaliser_free(struct normaliser *normaliser);
/* Seconds east of UTC for times that name no zone; 0 until set. */
void normaliser_set_zone(struct normaliser *normaliser, int32_t offset_s);

/* From here on with another mapping, of the same tables but for patterns and of the same names. What waits to be put
 * together goes on, and what sources said of records that follow (#Fields:). Not within a sink. False without memory:
 * nothing changed. */
bool normaliser_remap(struct normaliser *normaliser, const struct mapping *mapping) MUST_USE;

/* Gives the events of one record to the sink before it returns. `arena` holds what the events borrow; the caller resets
 * it between records or batches. */
void normaliser_record(struct normaliser *normaliser, const struct event_source *source, uint64_t record,
                       int64_t received_ns, struct str raw, struct arena *arena, event_sink sink, void *context);

/* How much of a record was understood. */
enum grasp {
    GRASP_NONE,    /* nothing */
    GRASP_HEADER,  /* a header (time, host, program), and behind it text that no pattern knows */
    GRASP_FIELDS,  /* a format that names its fields */
    GRASP_PATTERN, /* a pattern of data/parsers */
};

/* Of the event that the sink is given. */
enum grasp normaliser_grasp(const struct normaliser *normaliser);
/* The pattern that took the event that the sink is given; NULL: none did. It lives as long as the mapping. */
const struct pattern *normaliser_pattern(const struct normaliser *normaliser);

/* Gives joined events whose pieces stopped coming before `now_ns` minus five seconds (of receive time), script blocks
 * minus a minute. Changes no event as long as every record is given within three seconds of when it was received. */
void normaliser_flush(struct normaliser *normaliser, int64_t now_ns, struct arena *arena, event_sink sink,
                      void *context);
/* ---- for who reads history in parts ----
 * What a record alone says depends on its source, the last #Fields: line that the source sent, and nothing else. */

/* Whether the record given last may be a piece of an event that spans records, or end one. The joined events of a
 * source come out the same when only these records of it are given. */
bool normaliser_piece(const struct normaliser *normaliser);
/* The text, or some value, of each such record holds one of these words, in lower case here; NULL past the last. */
const char *normaliser_piece_word(size_t index);
/* Whether the record names columns (#Fields:) for those of its source that follow. */
bool normaliser_heads(struct str raw);
/* The smallest record number still held back for joining, or UINT64_MAX: an engine that restarts reads from there. */
uint64_t normaliser_pending(const struct normaliser *normaliser);
/* Joined events given before they were complete, because too many were pending. */
uint64_t normaliser_crowded(const struct normaliser *normaliser);
/* Script blocks that lacked pieces when they were given, or were too long to be given at once. */
uint64_t normaliser_incomplete(const struct normaliser *normaliser);

#endif
