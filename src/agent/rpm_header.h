/* rpm_header.h - what a header of rpm says of a package: the value that each of rpm's databases keeps for one.
 *
 *   u32 entries | u32 bytes | entries x (u32 tag, type, offset, count) | bytes          big-endian
 *
 * Taken in pieces and in order, so that of a header of a hundred thousand bytes no more is read than what is asked for.
 * Pure. Source: the rpm package file format, "Header Format" (rpm's reference manual); limits as rpm's own. */
#ifndef AGENT_RPM_HEADER_H
#define AGENT_RPM_HEADER_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define RPM_FIELDS 8u

struct rpm_package { /* a text that is longer is left empty: one that is cut would be another one */
    char name[128];
    char version[128];
    char release[96];
    char architecture[32];
    char vendor[128];
    char source[256]; /* the file of its source package */
    uint32_t epoch;
    uint32_t installed_s;
};

struct rpm_place {
    uint32_t offset;
    uint32_t got;
    bool there;
    bool done;
};

struct rpm_header {
    struct rpm_package package;
    struct rpm_place places[RPM_FIELDS];
    uint64_t size;  /* of the whole header */
    uint64_t at;    /* bytes that were taken */
    uint64_t begin; /* of the data, once it is known */
    uint32_t bytes; /* of data */
    uint8_t unit[16];
    size_t unit_n;
    unsigned missing; /* fields that are there and not whole yet */
    bool brief;
    bool failed;
};

/* `brief`: name and architecture alone, which stand near the beginning. */
void rpm_header_begin(struct rpm_header *header, uint64_t size, bool brief);
/* True: the next piece is wanted. */
bool rpm_header_take(struct rpm_header *header, struct str piece);
/* No piece is left, or none is wanted. False: it is no header, or it is cut. */
bool rpm_header_end(const struct rpm_header *header) MUST_USE;

#endif
