/* mapping.h - the mapping tables of data/, compiled: who they speak of (selectors), what must hold, what is set.
 *
 * Rows of logsources.tsv, mappings/events.tsv and mappings/programs.tsv share two small grammars (doc/add-a-parser.md):
 *
 *   when: "channel=Security; id=4657; OperationType=%%1905"     selector first, then conditions on fields
 *   set:  "Image<-NewProcessName; User<-SubjectDomainName|User; action=block; @src<-IpAddress"
 *
 * A selector names the list a row stands in; a normaliser finds lists by one hash of a short key such as
 * "channel=security/4657" (lower case). Rows apply in file order, events.tsv before logsources.tsv, and never
 * overwrite. Immutable after loading; shared by normalisers. */
#ifndef EVENT_MAPPING_H
#define EVENT_MAPPING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "event/event.h"
#include "event/names.h"
#include "event/normalise.h"
#include "event/template.h"

#include <stdbool.h>

#define MAPPING_SOURCES 12 /* fields that one set may try */
#define MAPPING_KEY_MAX 256

enum condition_kind { CONDITION_EQUALS, CONDITION_STARTS, CONDITION_CONTAINS, CONDITION_HAS, CONDITION_LACKS };

struct condition {
    enum condition_kind kind;
    uint32_t slot;
    uint32_t value_count;
    struct str *value; /* any of them, without regard to ASCII case */
};

enum transform {
    TRANSFORM_NONE,
    TRANSFORM_DECIMAL,  /* 0x1f4 -> 500 */
    TRANSFORM_DEVICE,   /* \device\harddiskvolume3\x -> C:\x */
    TRANSFORM_REGISTRY, /* \REGISTRY\MACHINE\x -> HKLM\x */
    TRANSFORM_JOIN,     /* all sources, `argument` between them */
    TRANSFORM_MAP,      /* argument: "6:tcp,17:udp"; a value not listed stays */
    TRANSFORM_TIME,     /* any time we can read -> RFC 3339 UTC */
    TRANSFORM_LOWER,
};

enum target { TARGET_FIELD, TARGET_STATUTORY, TARGET_TIME };

struct set {
    enum target target;
    uint32_t number; /* name id, or enum statutory */
    uint32_t slot;   /* of a field target */
    enum transform transform;
    struct str argument;
    struct str constant; /* p != NULL: no sources */
    uint32_t source_count;
    uint32_t source[MAPPING_SOURCES]; /* slots */
};

struct row {
    uint32_t product; /* name ids, 0 = says nothing */
    uint32_t service;
    uint32_t category;
    struct str kind;
    struct str outcome;
    uint32_t condition_count;
    struct condition *condition;
    uint32_t set_count;
    struct set *set;
};

/* A table of data/parsers: the patterns of one program or kind of device. */
struct family {
    struct str name;
    struct str class; /* of order 52/NK, Annex 4: os, windows, database, network, application, protection */
    struct str title; /* what people call it */
    uint32_t pattern_count;
};

struct pattern {
    struct str id; /* within the family */
    struct str text;
    const struct family *family;
    struct str owner; /* the first program that it is for; empty when it names none */
    struct template template;
    struct row row;
    uint32_t name[TEMPLATE_CAPTURES];            /* field of each capture, 0 = not kept */
    enum statutory statutory[TEMPLATE_CAPTURES]; /* STATUTORY_COUNT = none */
};

struct pick_node;

/* Patterns of one program, by rank, and the tree of them (pick.h). */
struct program {
    uint32_t count;
    const struct pattern **pattern;
    const struct pick_node *tree;
};

struct rows {
    uint32_t count;
    const struct row *const *row;
};

struct mapping {
    struct arena *arena;
    uint32_t slot_names; /* ids below it have an entry in slot_of */
    uint32_t slot_count;
    const uint16_t *slot_of; /* by name id; 0 = no slot */
    struct map *lists;       /* selector key -> index in list, from 1 */
    struct rows *list;
    struct map *programs; /* lower-case program -> index in program, from 1 */
    struct program *program;
    struct map *paths; /* JSON path -> name id; 0 = container that is dropped from paths */
    uint32_t list_count;
    uint32_t program_count;
    uint32_t state_count; /* places of all trees that a walk remembers */
    uint32_t family_count;
    struct family *family;
    struct rows files; /* not keyed: tried against names of files, see file_suffix */
    struct str *file_suffix;
};

/* Rows of a selector key, already lower case; none when unknown. */
struct rows mapping_rows(const struct mapping *mapping, struct str key);
/* NULL when no pattern is for it. "*" for every program, "?" for those without patterns of their own, "-" for lines
 * without a header. */
const struct program *mapping_program(const struct mapping *mapping, struct str lower_name);
/* "sshd(pam_unix)", "(squid-1)" and "/usr/sbin/cron" are known as "sshd", "squid-1" and "cron". */
struct str program_base(struct str program);
/* As mapping_program, by a program's name as logs write it. */
const struct program *mapping_program_written(const struct mapping *mapping, struct str program);
/* The slot of a name that mapping tables mention, 0 otherwise. */
static inline uint32_t mapping_slot(const struct mapping *mapping, uint32_t name)
{
    return name < mapping->slot_names ? mapping->slot_of[name] : 0;
}
/* The name that a dotted JSON path stands for: itself, less dropped containers and with exact paths renamed. */
uint32_t mapping_path(const struct mapping *mapping, struct names *names, struct str path);

#endif
