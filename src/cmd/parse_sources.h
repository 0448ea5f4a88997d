/* parse_sources.h - `qorgan parse --sources`: how much of what each source sent the patterns at hand understand,
 * counted as an engine counts it (role/parse_counts.h), over the archive's own bytes. */
#ifndef CMD_PARSE_SOURCES_H
#define CMD_PARSE_SOURCES_H

#include "base/err.h"
#include "event/mapping.h"
#include "event/normalise.h"

#include <stdbool.h>
#include <stdint.h>

struct parse_sources {
    const char *data; /* data folder */
    const struct mapping *mapping;
    struct normaliser *normaliser;
    int64_t days; /* only records received within so many before now; 0: all */
    bool json;
};

/* Prints a row a source, most records first, and one of all. *ret_rate: the share that is parsed, in percent; 100 when
 * there is none. */
enum rc parse_sources_print(const struct parse_sources *asked, double *ret_rate, struct err *err) MUST_USE;

#endif
