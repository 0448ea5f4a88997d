/* indicator_match.h - which indicators an event holds, and the event with what is known of them.
 *
 * Values are looked for in the fields that data/indicators.tsv names, in the statutory fields it names (with '@'), and
 * as words in texts: the first INDICATOR_SCAN_MAX bytes, at most INDICATOR_WORDS_MAX words. A raw line is such a text
 * when no text field of the event was looked at, unless it is JSON or XML, whose fields say it better. An event that is
 * joined from several records tells only what does not stand in their lines, which were looked at before.
 *
 * An event that holds some becomes, for the rules alone, an event with the fields indicator.type (address, domain,
 * hash, url), indicator.value, indicator.field, indicator.list, indicator.note and indicator.confidence (each repeated
 * for each indicator, at most INDICATOR_HITS_MAX) and the category `indicator`; its description names the first. One a
 * thread; no memory is taken for an event that holds none. */
#ifndef RULE_INDICATOR_MATCH_H
#define RULE_INDICATOR_MATCH_H

#include "event/event.h"
#include "event/names.h"
#include "rule/indicator.h"

#define INDICATOR_HITS_MAX  8u
#define INDICATOR_SCAN_MAX  8192u
#define INDICATOR_WORDS_MAX 64u /* of one text, that could be an indicator */

/* The table of fields. */
struct indicator_fields;
/* Columns `field` and `holds`: address, domain, host (address or domain), hash, hashes (NAME=HEX, ...), url, text. */
enum rc indicator_fields_load(struct str tsv, struct indicator_fields **ret_fields, struct err *err) MUST_USE;
void indicator_fields_free(struct indicator_fields *fields);

struct indicator_matcher;

#define INDICATOR_FIELDS 6u
/* The names of the fields above; constant. */
extern const char *const indicator_field_names[INDICATOR_FIELDS];

/* All must outlive it. NULL without memory. */
struct indicator_matcher *indicator_matcher_new(const struct indicators *indicators,
                                                const struct indicator_fields *fields, struct names *names);
void indicator_matcher_free(struct indicator_matcher *matcher);
/* Indicators whose validity began after the event count too: for who looks back. */
void indicator_matcher_look_back(struct indicator_matcher *matcher);

struct indicator_hit {
    uint32_t entry;
    struct str field; /* constant or in names; "raw" for the raw line */
    struct str value; /* of the indicator, as people write it */
};

/* The indicators of an event, each once; borrowed until the next call. */
size_t indicator_matcher_find(struct indicator_matcher *matcher, const struct event *event,
                              struct indicator_hit ret_hits[INDICATOR_HITS_MAX]);
/* The same event when it holds none; else one that tells of them, valid until the next call. */
const struct event *indicator_matcher_event(struct indicator_matcher *matcher, const struct event *event);

#endif
