/* own_list.h - lists of indicators that a person gave: read elsewhere, shown, taken when somebody says so, kept by
 * version, ended by a person or by their end.
 *
 *   reading ──parts, end──► ready ──take──► taken: it stands ──another of the list is taken──► taken, kept
 *      │                      │                    └──end, expiry──► taken, none stands            │
 *      │                      │                    ▲─────────────────── restore ───────────────────┘
 *      │                      └─► dropped: by a person, or nobody came back
 *      └─► failed: nothing in it is an indicator, a limit, the process that read it ended ...
 *
 * The desk sees no byte of the file: a process without rights reads it (role/reader.c) and hands over what it holds in
 * the product's own form (rule/indicator_write.h), with what a person is shown of it: how many of each kind, what was
 * refused and why, the first, what differs from the version that stands. What is shown is what is taken: the text does
 * not change any more, and when another version stands by then it is refused. Which version of a list stands is one
 * row, changed with its history and its record in one transaction; the files that engines read follow it
 * (role/own_lists.h).
 *
 * Owner, threads, times: as desk.h. Source: doc/indicators.md. */
#ifndef DESK_OWN_LIST_H
#define DESK_OWN_LIST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OWN_LISTS_MAX     200u                /* that stand */
#define OWN_LISTS_OPEN    16u                 /* neither taken nor given up */
#define OWN_LIST_ENTRIES  5000000u            /* of all that stand */
#define OWN_LIST_BYTES    (INT64_C(64) << 20) /* of a file that is given */
#define OWN_LIST_PART     ((size_t)256 << 10) /* bytes of a part */
#define OWN_LISTS_STORED  (INT64_C(1) << 30)  /* bytes of all parts of all versions */
#define OWN_LIST_VERSIONS 10                  /* of a list whose text is kept, beside the one that stands */
#define OWN_LIST_PREVIEW  ((size_t)128 << 10) /* bytes of what is shown */
#define OWN_LIST_NAME     64u                 /* bytes, with ".csv" */
#define OWN_LIST_SOURCE   200u                /* bytes */
#define OWN_LIST_KINDS    4u                  /* rule/indicator_value.h */

struct desk;

struct own_list_order {
    int64_t id, file; /* a version; the number under which web gave its file; id 0: none waits */
    struct str base;  /* file name of the list as it stands; empty: it does not */
};

/* How the reading of a file ended; texts are believed as far as they are short and one line. */
struct own_list_end {
    struct str fault;  /* empty: it was read; else why not; texts: own_list.fault_WORD */
    struct str detail; /* English, for who knows the format */
    int64_t kinds[OWN_LIST_KINDS];
    int64_t repeated, revoked, passed, refused;
    int64_t fresh, changed, same, gone; /* against the version that stands */
    struct str preview;                 /* a JSON object: role/list_reading.h */
};

/* The oldest that waits to be read. Texts live in the arena. */
enum rc desk_own_list_next(struct desk *desk, struct arena *arena, struct own_list_order *ret_order,
                           struct err *err) MUST_USE;
enum rc desk_own_list_file_waits(struct desk *desk, int64_t file, bool *ret_waits, struct err *err) MUST_USE;
bool desk_own_list_wanted(const struct desk *desk, int64_t id); /* the one that desk_own_list_next gave last */
/* A part of its text. RC_INVALID: it is no lines of text; RC_LIMIT: no room. */
enum rc desk_own_list_part(struct desk *desk, int64_t id, struct str text, struct err *err) MUST_USE;
enum rc desk_own_list_end(struct desk *desk, int64_t id, const struct own_list_end *end, int64_t now_ns,
                          struct err *err) MUST_USE;

/* --- what stands --- */

/* Another number once another version of a list stands. Never 0. */
uint64_t desk_own_lists_version(const struct desk *desk);
struct own_list_standing {
    int64_t version; /* its row: never another text */
    struct str name; /* of the file: no other characters than letters, digits, '.', '_', '-' */
    struct str source;
    int64_t confidence; /* of what says none; -1: none */
    int64_t expires_ns; /* 0: no end */
};
/* Those that stand, at most OWN_LISTS_MAX, by name. In the arena. */
enum rc desk_own_lists(struct desk *desk, struct arena *arena, struct own_list_standing **ret_rows, size_t *ret_count,
                       struct err *err) MUST_USE;
/* Appends a part of a version's text, from 0. RC_END: there are no more. */
enum rc desk_own_list_text(struct desk *desk, int64_t version, int64_t part, struct buf *out, struct err *err) MUST_USE;

/* Something is there to be cleared away. */
bool desk_own_list_works(const struct desk *desk);
/* A piece of it. */
enum rc desk_own_list_step(struct desk *desk, struct err *err) MUST_USE;

#endif
