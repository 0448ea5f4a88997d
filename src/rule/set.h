/* set.h - what rule_set_compile makes and the matcher reads. Inside this room.
 *
 * Every distinct test of every rule is one set_predicate with a number. *Direct* ones are found by looking at values
 * once: whole, beginning and end of a value through tries, literals of three bytes and more through one database a
 * field, presence. The others (wildcards, regular expressions, networks, comparisons, short literals) are judged only
 * when a rule asks, once an event.
 *
 * A rule is a little program of tests and jumps. It runs only when one of its *witnesses* fired: a set of direct tests
 * of which at least one holds whenever the rule's own condition holds, be it filtered or not. A rule for which there is
 * no such set runs always. */
#ifndef RULE_SET_H
#define RULE_SET_H

#include "base/arena.h"
#include "base/map.h"
#include "rule/ast.h"
#include "rule/rule.h"
#include "rule/sieve.h"
#include "rule/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum direct {
    DIRECT_NOT,
    DIRECT_WHOLE,
    DIRECT_PREFIX,
    DIRECT_SUFFIX,
    DIRECT_LITERAL,
    DIRECT_NUMBER,
    DIRECT_PRESENT, /* there is a value, not null */
    DIRECT_EXISTS,  /* there is an entry */
};

struct set_predicate {
    const struct predicate *source; /* NULL: made as a witness only */
    struct str text;                /* of a direct one: folded */
    struct scanner *scanner;        /* of a regular expression; NULL: PCRE2 */
    enum direct direct;
    uint32_t field;      /* 0 = the whole event */
    uint32_t reference;  /* of a field reference: the other field */
    uint32_t first_rule; /* rules that it wakes: set->witnesses[first_rule ..] */
    uint32_t rule_count;
    const uint32_t *needs; /* of one on demand: literals of which one is found whenever it holds */
    uint32_t need_count;   /* 0: there are none such */
    bool non_ascii;        /* a string on demand, in any case: no ASCII text holds it */
};

struct set_field {
    struct str name;
    uint32_t group;   /* fields whose names differ in case only share it */
    uint32_t present; /* predicate, 0 = none */
    uint32_t exists;
    bool numbers;
    struct trie *forward;
    struct trie *backward;
    struct scanner *literals;
};

/* Keywords of the rules of one log source: an event is shown these when few groups concern it. The database of field 0
 * has all of them. */
struct set_keywords {
    struct scanner *literals;
    struct sieve *sieve; /* in front of the database, or NULL */
    uint32_t count;      /* of literals */
};

#define JUMP_YES UINT32_MAX
#define JUMP_NO  (UINT32_MAX - 1)
#define JUMP_OUT (UINT32_MAX - 2) /* the rule's own condition holds, a filter's does not */

#define CODE_DEMAND (UINT32_C(1) << 31) /* stands in an instruction's predicate: it is not a direct one */

struct instruction {
    uint32_t predicate; /* and CODE_DEMAND */
    uint32_t yes;       /* place in set->code, or one of JUMP_ */
    uint32_t no;
};

/* A filter that stands on a rule: its code leads to the next one's, or to JUMP_YES, when it lets the event pass. */
struct set_filter {
    uint32_t rule; /* the filter's index */
    uint32_t entry;
    uint32_t next;
};

struct set_rule {
    const struct rule *rule;
    uint32_t entry; /* place in set->code; the code of its filters comes behind its own */
    const struct set_filter *filters;
    uint32_t filter_count;
    bool always;
    uint32_t keywords;      /* set->keywords, 0 = it has none that a database finds */
    const uint32_t *fields; /* that its tests look at; 0 among them: keywords */
    uint32_t field_count;
};

struct rule_set {
    struct arena *arena;
    const struct names *names;
    const struct rules *rules;
    struct set_rule *rule;
    uint32_t rule_count;
    struct set_predicate *predicates; /* 1 .. predicate_count - 1 */
    uint32_t predicate_count;
    struct set_field *fields; /* 0 is the whole event; 1 .. field_count - 1 */
    uint32_t field_count;
    struct set_keywords *keywords; /* 1 .. keywords_count - 1 */
    uint32_t keywords_count;
    struct instruction *code;
    uint32_t code_count;
    uint32_t *witnesses;
    struct map *groups;   /* lower-case field name -> group */
    struct map *by_field; /* field name -> field */
    const uint32_t **group_fields;
    uint32_t *group_counts;
    uint32_t group_count; /* 1 .. group_count - 1 */
    struct rule_set_stats stats;
};

#endif
