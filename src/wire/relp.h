/* relp.h - RELP, rsyslog's delivery with answers: the receiving side's frames and states. No input or output here.
 *
 *   sender                                        receiver
 *   1 open N relp_version=0 commands=syslog   ──►
 *                                             ◄── 1 rsp N 200 OK, the same offers
 *   2 syslog N record ...                     ──►
 *                                             ◄── 2 rsp 6 200 OK           once record 2 is durable
 *   3 close 0                                 ──►
 *                                             ◄── 3 rsp 0, 0 serverclose 0
 *
 * Frame: number, blank, command, blank, length, and unless that is 0 a blank and the data; then a line feed. Numbers of
 * a session are 1 to 999,999,999 and begin at 1 again behind that; 0 is the receiver's own.
 *
 *   NEW ── open ──► OPEN ── close ──► CLOSED      syslog only in OPEN
 *
 * A record longer than the limit is given once, cut and marked; the rest is dropped and counted.
 * Source: RELP specification, rsyslog.com/doc/relp.html. */
#ifndef WIRE_RELP_H
#define WIRE_RELP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define RELP_HEADER_MAX 64u   /* bytes before the data: 9 digits, 32 of a command, 9 digits, 3 blanks */
#define RELP_OFFERS_MAX 4096u /* bytes of an open's data */
#define RELP_WINDOW     1024u /* records not yet answered before the sender has to wait */
#define RELP_ANSWER_MAX 160u  /* bytes of one answer */

enum relp_state { RELP_NEW, RELP_OPEN, RELP_CLOSED };

struct relp {
    enum relp_state state;
    size_t frame_max;
    size_t skip;         /* bytes of a record's end that are to be dropped, its line feed not among them */
    bool trailer;        /* a line feed has to come next */
    uint64_t lost_bytes; /* dropped so far */
    const char *reason;  /* after RC_INVALID: constant */
};

enum relp_command { RELP_COMMAND_OPEN, RELP_COMMAND_SYSLOG, RELP_COMMAND_CLOSE };

struct relp_frame {
    uint32_t number;
    enum relp_command command;
    struct str data; /* borrowed from the input */
    bool truncated;
};

/* frame_max: bytes of a record. */
void relp_init(struct relp *relp, size_t frame_max);
/* The next whole frame at the front of *input, which moves past it. RC_AGAIN: not whole yet; RC_INVALID: the peer broke
 * the protocol, and `reason` says how. What it needs at once: RELP_HEADER_MAX and the larger of frame_max and
 * RELP_OFFERS_MAX. */
enum rc relp_next(struct relp *relp, struct str *input, struct relp_frame *ret_frame) MUST_USE;
/* The answers. An open's is ready at once, a record's once it is durable, a close's after all before it. */
void relp_answer(struct buf *out, enum relp_command command, uint32_t number);
/* To a session that the receiver ends by itself, saying why: "500 text" to the open, or only the notice of the end. */
void relp_refuse(struct buf *out, uint32_t number, const char *why);

#endif
