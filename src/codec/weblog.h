/* weblog.h - web server logs: NCSA common and combined, W3C extended (working draft WD-logfile-960323), and what squid
 * writes of requests through it (logformat "squid").
 *
 * Borrowed, no memory. "-" comes out as the empty slice. Quoted values keep Apache's escapes (\" \xhh) as written. */
#ifndef CODEC_WEBLOG_H
#define CODEC_WEBLOG_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weblog {
    struct str vhost; /* with its port, when the line begins with one ("vhost_combined") */
    struct str client;
    struct str ident;
    struct str user;
    int64_t time_ns;
    struct str request; /* the whole request line */
    struct str method;  /* these four: empty when the request is not "METHOD uri PROTOCOL" or "METHOD /uri" */
    struct str stem;
    struct str query; /* without '?' */
    struct str protocol;
    struct str status;
    struct str bytes;
    struct str referer;
    struct str agent;
    struct str rest; /* what follows the known fields */
    bool combined;
    struct str action; /* of squid: "TCP_TUNNEL" */
    struct str peer;   /* of squid: whom it asked */
};

/* False unless the line has client, ident, user, [time], "request", status and bytes. */
bool weblog_parse(struct str line, struct weblog *ret_weblog) MUST_USE;

/* "TIME.mmm ELAPSED CLIENT ACTION/STATUS BYTES METHOD URL USER HIERARCHY/PEER TYPE". `request` is "METHOD URL"; ident,
 * protocol, referer and agent stay empty. False unless all ten are there. */
bool weblog_squid(struct str line, struct weblog *ret_weblog) MUST_USE;

#define W3C_FIELDS_MAX 64u

struct w3c {
    uint32_t count;
    struct str name[W3C_FIELDS_MAX]; /* borrowed from the #Fields: line, which the caller keeps */
};

/* Reads a "#Fields: date time c-ip ..." line; false when it is no such line or names too many fields. */
bool w3c_fields(struct str line, struct w3c *ret_w3c) MUST_USE;
/* Splits a data line: ret_value[i] belongs to w3c->name[i]; "-" is empty; a quoted value loses its quotes. False when
 * the number of values differs, or for a directive line. */
bool w3c_row(const struct w3c *w3c, struct str line, struct str ret_value[W3C_FIELDS_MAX]) MUST_USE;
/* The time of a row from its date and time fields (UTC); false when it has none. */
bool w3c_time(const struct w3c *w3c, const struct str value[W3C_FIELDS_MAX], int64_t *ret_time_ns) MUST_USE;

#endif
