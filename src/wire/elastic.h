/* elastic.h - the body of Elasticsearch's _bulk as senders of logs use it, and its answer.
 *
 * Lines in pairs: an action, {"create":{...}} or {"index":{...}}, and the document, which becomes the record as it
 * stands. {"delete":{...}} alone and {"update":{...}} with its line are answered as refused: records do not change.
 * Source: Elasticsearch reference, Bulk API. */
#ifndef WIRE_ELASTIC_H
#define WIRE_ELASTIC_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define ELASTIC_ITEMS_MAX 100000u /* of one body: each has its answer */

/* Puts the documents into the list (record_list.h) and the answer's JSON text into ret_answer. RC_INVALID names the
 * line; RC_LIMIT: too many items, or a buffer is full. Nothing of a body that is refused may be taken. */
enum rc elastic_bulk_read(struct str body, struct buf *ret_list, struct buf *ret_answer, struct err *err) MUST_USE;

#endif
