/* mapping_loader.h - what the readers of the tables share. Private to the room.
 *
 * One `struct loader` lives for the time of mapping_load; everything that stays is in the mapping's arena. */
#ifndef EVENT_MAPPING_LOADER_H
#define EVENT_MAPPING_LOADER_H

#include "base/map.h"
#include "event/mapping.h"

#define LOADER_COLUMNS 6

struct link {
    uint32_t list; /* or program */
    const void *row;
};

struct links {
    struct link *link;
    uint32_t count;
    uint32_t room;
    uint32_t lists; /* numbers given, from 1 */
};

/* A text that patterns of the family name by {=name}; several of one name are alternatives. */
struct part {
    struct str name;
    struct str text;
};

#define PARTS_MAX 64 /* of a family */

struct loader {
    struct mapping *mapping;
    struct names *names;
    const char *data_path;
    const char *more_path; /* of the site's patterns; NULL: none */
    struct table_texts *texts;
    struct str own; /* mapping_tables */
    uint16_t *slot_of;
    struct map *kinds;
    struct map *ids; /* of the family's patterns read so far */
    struct links rows;
    struct links patterns;
    struct links files;
    struct str suffix[64];
    struct family *family; /* whose table is read */
    struct part part[PARTS_MAX];
    uint32_t part_count;
    const char *column; /* the cell that is read, for errors; NULL: not said */
    struct err *err;
};

struct loader_table {
    const char *file; /* below data_path */
    const char *columns[LOADER_COLUMNS + 1];
    enum rc (*row)(struct loader *loader, const struct str cell[]);
};

enum rc loader_memory(struct loader *loader); /* the error of a lack of memory */
/* Reads a file row by row; errors name file, line and, where the row said it, column. */
enum rc loader_table(struct loader *loader, const struct loader_table *table) MUST_USE;
/* The same of a text that is no file. */
enum rc loader_text(struct loader *loader, const struct loader_table *table, struct str text) MUST_USE;
/* Links a row under a key, "prefix=value" or the name of a program, in lower case. */
enum rc loader_key(struct loader *loader, struct map *map, struct links *links, struct str key,
                   const void *row) MUST_USE;
enum rc loader_kind(struct loader *loader, struct row *row, struct str kind, struct str outcome) MUST_USE;
enum rc loader_sets(struct loader *loader, struct row *row, struct str sets) MUST_USE;

/* pattern_load.c: data/parsers.tsv, and data/parsers/FAMILY.tsv of each of its rows. */
enum rc patterns_load(struct loader *loader) MUST_USE;
/* The same of one row, which says neither kind nor outcome, as the first of a table. */
enum rc patterns_row_check(struct loader *loader, const struct pattern_text *text) MUST_USE;

#endif
