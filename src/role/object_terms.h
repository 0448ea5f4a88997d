/* object_terms.h - in the keeper: how long event logs of single objects are kept, and which objects have records in a
 * segment. An object (объект информатизации) is a thing of the desk; here it is a number, a name and a term.
 *
 *   desk ─ MSG_OBJECT_TERMS ─► keeper ─ MSG_OBJECTS_ASK ─► packer ─ MSG_OBJECTS_FOUND ─► keeper
 *   desk ─ MSG_OBJECT_RULES ─────────────────────────────► packer
 *
 * MSG_OBJECT_TERMS, JSON, all members needed; sent when the keeper or the desk comes up and at each change:
 *
 *   {"rules":"<hex SHA-256 of the body of MSG_OBJECT_RULES>",
 *    "objects":[{"id":<n>,"name":"<text, at most 200 bytes>","days":<n>}, ...]}     those with a term, at most 256
 *
 * MSG_OBJECT_RULES: desk/asset_rules.h. MSG_OBJECTS_ASK, id = first record of a segment: the SHA-256 of the rules that
 * the answer is to follow, 32 bytes; the packer answers once it has these. MSG_OBJECTS_FOUND, same id: the SHA-256, u8
 * 1 when it is known whose records the segment has, else 0, then u64 the id of each object, at most OBJECTS_FOUND_MAX.
 *
 * A segment that nobody looked into counts as belonging to every object, and so does one that could not be read or has
 * records of more objects than OBJECTS_FOUND_MAX: in doubt it is kept. What was found is remembered until the rules
 * change or the keeper stops; one that could not be read is looked into again after an hour. Source: decree 832,
 * p.38(4). */
#ifndef ROLE_OBJECT_TERMS_H
#define ROLE_OBJECT_TERMS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBJECT_TERMS_MAX    256u
#define OBJECT_NAME_SIZE    208u    /* bytes of a name with its NUL */
#define OBJECTS_FOUND_MAX   256u    /* objects of one segment; with more it belongs to all */
#define OBJECT_SEGMENTS_MAX 262144u /* segments remembered; further ones count as belonging to all */
#define OBJECT_ASKED_MAX    64u     /* segments to be asked about next */
#define OBJECTS_FOUND_SIZE  (TLOG_HASH_SIZE + 1 + 8 * OBJECTS_FOUND_MAX)

struct object_term {
    int64_t object;
    uint32_t days;
    char name[OBJECT_NAME_SIZE];
};

struct object_terms;

struct object_terms *object_terms_new(void); /* NULL without memory */
void object_terms_free(struct object_terms *terms);
/* MSG_OBJECT_TERMS. RC_INVALID: what was told before stands, and if nothing was, it is still not known. */
enum rc object_terms_take(struct object_terms *terms, struct str body, struct arena *scratch, struct err *err) MUST_USE;
/* Whether the desk has told. Until then nothing may be deleted. */
bool object_terms_known(const struct object_terms *terms);
/* The longest of all; 0 when no object has one. */
uint32_t object_terms_longest(const struct object_terms *terms);

/* Whose term counts for a segment. */
struct object_judged {
    const struct object_term *term; /* the longest of those with records in it; NULL: none has a term */
    bool undecided;                 /* nobody looked into it yet: `term` is the longest of all */
};
struct object_judged object_terms_of(struct object_terms *terms, uint64_t first);

/* Wants to know of a segment: false when there is no place left now. Again is harmless. */
bool object_terms_want(struct object_terms *terms, uint64_t first, int64_t wall_ns);
/* The next question to the packer: its segment and 32 bytes of body, borrowed. False: there is none, or one is not
 * answered yet. */
bool object_terms_ask(struct object_terms *terms, uint64_t *ret_first, struct str *ret_body);
/* The question was not sent, or the packer came up anew: it is asked again. */
void object_terms_unasked(struct object_terms *terms);
/* MSG_OBJECTS_FOUND. True when something is known now that was not. One about other rules changes nothing. */
bool object_terms_found(struct object_terms *terms, uint64_t first, struct str body, int64_t wall_ns);

#endif
