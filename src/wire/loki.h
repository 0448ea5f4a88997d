/* loki.h - the body of Loki's push: streams of lines with labels, as JSON (loki.c) and protobuf (loki_binary.c).
 *
 * {"streams":[{"stream":{label: text}, "values":[[nanoseconds, line], [nanoseconds, line, {name: text}]]}]}
 * A record: {"ts":nanoseconds,"message":line,"labels":{...},"metadata":{...}}. Source: Grafana Loki HTTP API. */
#ifndef WIRE_LOKI_H
#define WIRE_LOKI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Puts the records into the list (record_list.h). RC_INVALID, RC_LIMIT. Nothing of a body that is refused may be taken.
 * The arena is only worked in. */
enum rc loki_push_read(struct arena *arena, struct str body, struct buf *ret_list, struct err *err) MUST_USE;
/* The same of a push as protobuf, its Snappy block already read. */
enum rc loki_binary_read(struct str bytes, struct buf *ret_list, struct err *err) MUST_USE;

#endif
