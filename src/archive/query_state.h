/* query_state.h - a parsed query: terms and operators in postfix order, so that nothing recurses. Internal. */
#ifndef ARCHIVE_QUERY_STATE_H
#define ARCHIVE_QUERY_STATE_H

#include "archive/query.h"

#include <stdbool.h>
#include <stdint.h>

enum query_kind {
    QUERY_TRUE,  /* what only names a time */
    QUERY_TEXT,  /* a word or phrase anywhere in the record */
    QUERY_FIELD, /* name and value */
    QUERY_NOT,   /* operators: after their operands */
    QUERY_AND,
    QUERY_OR,
};

enum query_compare {
    COMPARE_EQUAL,
    COMPARE_EXISTS,
    COMPARE_LESS,
    COMPARE_MORE,
    COMPARE_LESS_EQUAL,
    COMPARE_MORE_EQUAL
};

struct query_network {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;     /* of 128 */
};

struct query_node {
    enum query_kind kind;
    enum query_compare compare;
    bool wildcard; /* value has * or ? that mean something */
    bool network;
    struct str name;  /* lower case */
    struct str value; /* folded */
    double number;
    struct query_network net;
};

/* A key that events are counted, sorted or shown by. */
enum query_key_kind {
    KEY_FIELD, /* a statutory key, else the field's first value */
    KEY_TIME,
    KEY_RECEIVED,
    KEY_RECORD,
    KEY_SOURCE,
    KEY_TRANSPORT,
    KEY_PARSER,
    KEY_TYPE,
    KEY_RULE,
    KEY_RAW,
};

struct query_key {
    enum query_key_kind kind;
    enum statutory statutory; /* STATUTORY_COUNT: none of that name */
    struct str name;          /* lower case */
    struct str shown;         /* as written */
    uint32_t column;          /* of the table, when there is one */
    bool falling;
};

enum query_stage_kind { STAGE_SORT, STAGE_HEAD, STAGE_FIELDS };

struct query_stage {
    enum query_stage_kind kind;
    uint64_t head;
    struct query_key *keys;
    uint32_t key_count;
};

enum query_output { OUTPUT_EVENTS, OUTPUT_COUNT, OUTPUT_TIMECHART };

/* The table of OUTPUT_COUNT has the keys of `by`, then "count"; that of OUTPUT_TIMECHART "time" before them. */
struct query {
    struct query_node *nodes;
    uint32_t count;
    int64_t from_ns;
    int64_t to_ns;
    int32_t zone_s;
    enum query_output output;
    struct query_key by[QUERY_KEYS_MAX];
    uint32_t by_count;
    int64_t step_ns;
    struct query_stage stages[QUERY_STAGES_MAX];
    uint32_t stage_count;
};

/* Reads what stands behind the first `|`, which is at `at`. */
enum rc query_pipe_parse(struct str text, size_t at, struct arena *arena, struct query *query,
                         struct err *err) MUST_USE;
/* RC_INVALID with the place. */
enum rc query_fail(struct err *err, size_t at, const char *text);
/* "5m": a number and s, m, h, d or w. */
bool query_span_parse(struct str text, int64_t *ret_ns) MUST_USE;
/* What a key is of a record: its text, or a number for KEY_TIME and KEY_RECEIVED. `room` of QUERY_CELL_MAX bytes. */
struct str query_key_text(const struct query_key *key, const struct archive_hit *hit, const struct names *names,
                          char *room, int64_t *ret_number);
bool query_key_is_moment(const struct query_key *key);
/* The pieces of matching that the block engine shares. */
bool query_node_matches(const struct query_node *node, const struct archive_hit *hit, const struct names *names);
bool query_value_matches(const struct query_node *node, struct str value);

#define QUERY_WINDOW 8192 /* bytes of a text that are folded at a time */

/* A word or phrase to be found in texts. */
struct query_needle {
    struct str text; /* folded */
    bool open_start; /* need not begin at a word border */
    bool open_end;
    bool glob;
};
struct query_needle query_needle_of(const struct query_node *node);
bool query_needle_in(const struct query_needle *needle, struct str text);

/* "10.0.0.0/8", "::1"; false when it is no address. Without a prefix all bits count. */
bool query_network_parse(struct str text, struct query_network *ret_network);
bool query_network_holds(const struct query_network *network, struct str address);

#endif
