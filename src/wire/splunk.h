/* splunk.h - bodies of Splunk's HTTP Event Collector.
 *
 * /event: JSON objects one behind the other, each with a member "event"; each object is a record as it stands.
 * /raw: text; each line is a record. Source: Splunk, Getting Data In: HEC. */
#ifndef WIRE_SPLUNK_H
#define WIRE_SPLUNK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Codes of answers: what senders decide by. */
enum splunk_code {
    SPLUNK_SUCCESS = 0,
    SPLUNK_TOKEN_REQUIRED = 2,
    SPLUNK_TOKEN_INVALID = 4,
    SPLUNK_NO_DATA = 5,
    SPLUNK_FORMAT_INVALID = 6,
    SPLUNK_BUSY = 9,
    SPLUNK_CHANNEL_MISSING = 10,
    SPLUNK_EVENT_MISSING = 12,
    SPLUNK_EVENT_BLANK = 13,
    SPLUNK_HEALTHY = 17,
};

/* Puts the events into the list (record_list.h), whose overflow is for the caller to see. SPLUNK_SUCCESS, or what is
 * wrong with the event of this number, counted from 0. Nothing of a body that is refused may be taken. The arena is
 * only worked in. */
enum splunk_code splunk_events_read(struct arena *arena, struct str body, struct buf *ret_list, uint32_t *ret_number);
enum splunk_code splunk_raw_read(struct str body, struct buf *ret_list);
const char *splunk_text(enum splunk_code code); /* constant */
/* The body of an acknowledgement query, {"acks":[1,2]}, as its answer: an answered number stands for records that are
 * durable, since no other is ever given out. RC_INVALID. */
enum rc splunk_acks_answer(struct arena *arena, struct str body, struct buf *ret_answer) MUST_USE;

#endif
