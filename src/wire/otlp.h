/* otlp.h - the body of OpenTelemetry's OTLP/HTTP for logs, JSON and protobuf.
 *
 * protobuf ──► the same as OTLP's JSON (otlp_binary.c) ──► records (otlp.c)
 *
 * A log record becomes {"ts":nanoseconds,"observed":nanoseconds,"severity":text,"severity_number":n,"message":text of
 * the body,"body":a body that is no text,"event":name,"attributes":{...},"resource":{...},"scope":name,"trace_id":hex,
 * "span_id":hex}, without what it lacks. Source: OTLP 1.x, opentelemetry/proto/logs/v1/logs.proto. */
#ifndef WIRE_OTLP_H
#define WIRE_OTLP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define OTLP_DEPTH_MAX 48u /* messages within messages */

/* Puts the records into the list (record_list.h). RC_INVALID, RC_LIMIT. Nothing of a body that is refused may be taken.
 * The arena is only worked in. */
enum rc otlp_logs_read(struct arena *arena, struct str json, struct buf *ret_list, struct err *err) MUST_USE;
/* ExportLogsServiceRequest as OTLP's JSON. Fields that are not known are passed over. */
enum rc otlp_binary_read(struct str bytes, struct buf *ret_json, struct err *err) MUST_USE;

#endif
