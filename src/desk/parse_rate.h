/* parse_rate.h - how much of what sources send is understood, by source, day, parser and outcome: the counts behind
 * page /parsers and `qorgan parse --sources`. Values; who counts is role/parse_counts.h. */
#ifndef DESK_PARSE_RATE_H
#define DESK_PARSE_RATE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define PARSE_PARSER_MAX 64u /* bytes of a parser's name: a family of data/parsers, or a format */
#define PARSE_DAYS       14  /* days that are kept, today's included */

/* What became of a record. The first two are parsed. One row: enum, key. */
#define PARSE_OUTCOMES(X)                                                                                              \
    X(PARSE_PATTERN, "pattern")   /* a pattern of data/parsers took it */                                              \
    X(PARSE_FIELDS, "fields")     /* its format names its fields */                                                    \
    X(PARSE_HEADER, "header")     /* a header (time, host, program), and behind it a text that no pattern knows */     \
    X(PARSE_NONE, "none")         /* nothing of it */                                                                  \
    X(PARSE_LONG, "long")         /* not parsed, and longer than patterns are tried on */                              \
    X(PARSE_ENCODING, "encoding") /* not parsed, and not UTF-8 */

enum parse_outcome {
#define X(id, key) id,
    PARSE_OUTCOMES(X)
#undef X
        PARSE_OUTCOME_COUNT
};

const char *parse_outcome_key(enum parse_outcome outcome);
enum parse_outcome parse_outcome_find(struct str key); /* PARSE_OUTCOME_COUNT: none */

static inline bool parse_outcome_is_parsed(enum parse_outcome outcome)
{
    return outcome == PARSE_PATTERN || outcome == PARSE_FIELDS;
}

/* Records of one source, day, parser and outcome. */
struct parse_count {
    uint64_t records;
    int64_t last_ns;      /* the newest was received */
    uint64_t last_record; /* its number */
    uint64_t durable;     /* of them: it is known when they were on the disk, and so acknowledged */
    uint64_t wait_us;     /* what these waited for that, together */
    uint64_t wait_max_us;
};

#endif
