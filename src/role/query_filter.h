/* query_filter.h - under `query`: what a filter that nobody saved yet would hold back of records that a rule matched
 * (doc/api.md, "filter_try"). Its text is read beside the rules that the process knows; nothing is compiled. */
#ifndef ROLE_QUERY_FILTER_H
#define ROLE_QUERY_FILTER_H

#include "archive/reader.h"
#include "base/buf.h"
#include "codec/json.h"
#include "role/explainer.h"
#include "rule/rule.h"

#define FILTER_RECORDS_MAX 200u /* that one question names */
#define FILTER_TEXT_MAX    ((size_t)64 << 10)

struct filter_try {
    struct archive_reader *reader;
    const struct explainer *how;
    const struct rules *rules;
    struct arena *arena;        /* scratch: of one question */
    uint64_t (*clock_ns)(void); /* after a second no further record is looked at */
};

/* Members "text", "rule", "records". Writes the whole answer, also a refusal; an error is that of the archive, and
 * nothing is written then. */
enum rc query_filter_try(const struct filter_try *how, const struct json_value *question, struct buf *out,
                         struct err *err) MUST_USE;

#endif
