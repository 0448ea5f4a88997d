/* syslog.h - a syslog message in slices: RFC 5424, and RFC 3164 as it is really sent.
 *
 * Nothing is refused: what was not understood stays in `message`, and `has` says what was. Everything is borrowed from
 * the line; no memory. Bytes are as received: not checked for UTF-8. */
#ifndef CODEC_SYSLOG_H
#define CODEC_SYSLOG_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum syslog_format {
    SYSLOG_PLAIN,   /* no header understood: message is the line (behind a PRI, if there was one) */
    SYSLOG_RFC3164, /* a time or a PRI with tag: the old form and its relatives */
    SYSLOG_RFC5424,
};

enum syslog_has {
    SYSLOG_HAS_PRI = 1,
    SYSLOG_HAS_TIME = 2,
    SYSLOG_HAS_HOST = 4,
    SYSLOG_HAS_APP = 8,
    SYSLOG_HAS_PROCID = 16,
    SYSLOG_HAS_MSGID = 32,
    SYSLOG_HAS_SD = 64,
    SYSLOG_HAS_SEQUENCE = 128, /* Cisco "000123:" before the time */
    SYSLOG_HAS_BOM = 256,      /* the message began with a byte order mark (cut off) */
    SYSLOG_BAD_SD = 512,       /* 5424 whose structured data breaks the grammar: it is left in message */
};

struct syslog {
    enum syslog_format format;
    uint32_t has;     /* enum syslog_has */
    int32_t facility; /* 0..23, -1 without PRI */
    int32_t severity; /* 0..7, -1 without PRI */
    int64_t time_ns;  /* when SYSLOG_HAS_TIME */
    struct str host;
    struct str app;
    struct str procid;
    struct str msgid;    /* 5424 MSGID; Cisco "%ASA-6-302013" without the sign: "ASA-6-302013" */
    struct str sequence; /* Cisco sequence number */
    struct str sd;       /* the elements with their brackets; empty for "-" */
    struct str message;  /* without a line feed, CR or NUL at its end */
};

/* `received_ns` helps to find the year of RFC 3164, `offset_s` is the zone of times that name none. Returns the format,
 * also kept in ret_syslog->format. */
enum syslog_format syslog_parse(struct str line, int64_t received_ns, int32_t offset_s, struct syslog *ret_syslog);

/* "kern", "auth"...; "" out of range. */
const char *syslog_facility_name(int32_t facility);
/* "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"; "" out of range. */
const char *syslog_severity_name(int32_t severity);

struct syslog_sd {
    struct str rest;
    struct str id;
    bool inside;
};

struct syslog_param {
    struct str id;    /* of the element, such as "exampleSDID@32473" */
    struct str name;  /* empty for an element without parameters, which is given once */
    struct str value; /* between the quotes, escapes still in */
    bool escaped;
};

/* Walks the parameters of `sd`. */
struct syslog_sd syslog_sd_of(struct str sd);
bool syslog_sd_next(struct syslog_sd *sd, struct syslog_param *ret_param) MUST_USE;
/* The value without escapes; {NULL, 0} when the arena is exhausted. */
struct str syslog_param_text(struct arena *arena, const struct syslog_param *param) MUST_USE;

#endif
