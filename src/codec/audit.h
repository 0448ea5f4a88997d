/* audit.h - one Linux audit record: head, and its fields in order.
 *
 *   [node=NAME ]type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e ... <0x1d>ARCH=x86_64 ...
 *   [audit: ]type=1400 audit(1700000000.123:456): apparmor="DENIED" ...
 *
 * Source: linux/audit.h, auditd's log format; user records carry their fields inside msg='...', which is walked too.
 * Borrowed; only decoding of hexadecimal values takes memory. Joining records of one event is the caller's. */
#ifndef CODEC_AUDIT_H
#define CODEC_AUDIT_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit {
    struct str node; /* empty unless said */
    struct str type; /* "SYSCALL"; a number is given its name when it has one, else "UNKNOWN[1234]" or digits stay */
    int64_t time_ns;
    uint64_t serial;   /* with time_ns and node: which event the record belongs to */
    struct str fields; /* for audit_next */
};

struct audit_field {
    struct str name;
    struct str value; /* without quotes, as written */
    bool quoted;
    bool enriched; /* from behind 0x1d: names that auditd resolved (AUID="user") */
    bool nested;   /* from inside msg='...' */
    bool hex;      /* written in hexadecimal: audit_text decodes */
};

struct audit_reader {
    struct str type;
    struct str rest;
    struct str outer; /* what follows the nested part */
    bool enriched;
    bool nested;
};

/* False when the head is not that of an audit record. */
bool audit_parse(struct str line, struct audit *ret_audit) MUST_USE;
struct audit_reader audit_fields(const struct audit *audit);
bool audit_next(struct audit_reader *reader, struct audit_field *ret_field) MUST_USE;
/* The value, decoded when hex (NUL between the arguments of proctitle becomes a blank). {NULL, 0} when the arena is
 * exhausted. Decoded bytes need not be UTF-8. */
struct str audit_text(struct arena *arena, const struct audit_field *field) MUST_USE;
/* "SYSCALL" for 1300; NULL when the number has no name here. */
const char *audit_type_name(uint32_t number);

#endif
