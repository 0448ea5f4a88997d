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

struct query {
    struct query_node *nodes;
    uint32_t count;
    int64_t from_ns;
    int64_t to_ns;
};

/* "10.0.0.0/8", "::1"; false when it is no address. Without a prefix all bits count. */
bool query_network_parse(struct str text, struct query_network *ret_network);
bool query_network_holds(const struct query_network *network, struct str address);

#endif
