/* query_parse.h - under `query`: the workbench of parsers (doc/api.md, "parse.lines"): a source's newest lines, or
 * pasted ones, what took each of them and what nearly did, a pattern proposed from some, and a draft tried on all.
 *
 * Lines are read by the service's own parser, each by itself: what a record alone says. Bounded: PARSE_LINES_MAX lines,
 * a second of looking for them, PARSE_TEXT_MAX bytes that are pasted. Nothing is kept between questions. */
#ifndef ROLE_QUERY_PARSE_H
#define ROLE_QUERY_PARSE_H

#include "archive/reader.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "event/mapping.h"

#define PARSE_LINES_MAX  100u
#define PARSE_TEXT_MAX   ((size_t)64 << 10)
#define PARSE_SHOWN_MAX  4096u /* bytes of a line */
#define PARSE_PICKED_MAX 32u   /* records that a proposal is made of */

struct query_parse {
    struct archive_reader *reader;
    const struct mapping *mapping;
    struct names *names;
    int32_t zone_s;
    struct arena *arena;        /* scratch: of one question */
    uint64_t (*clock_ns)(void); /* of work */
    int64_t now_ns;
};

/* Members "source", "limit", "before", "only", "text", "pick", "propose", "pattern", "rename", "program". Writes the
 * whole answer, also a refusal; an error is that of the archive, and nothing is written then. */
enum rc query_parse_ask(const struct query_parse *how, const struct json_value *question, struct buf *out,
                        struct err *err) MUST_USE;

#endif
