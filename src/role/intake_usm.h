/* intake_usm.h - SNMP version 3's users under intake_snmp.c: who may send notifications, and what proves it.
 *
 *   datagram ─► engine ours, or a sender's? ─► user ─► MAC ─► time ─► decryption ─► notification
 *                  │ no: report "unknown engine"           └ no: report "not in time"
 *
 * Of traps the sender's engine is authoritative: its boots and time may not fall back by more than 150 s from what it
 * said before. Of informs this service's is: its id is made of the installation's certificate authority, so that it
 * outlives restarts; it began once, at a fixed moment, and its time is the clock's, so that all processes agree without
 * a word. A file of users has a line each: NAME HASH PASSWORD [aes PASSWORD], blanks between them, # before remarks;
 * HASH is sha1, sha224, sha256, sha384 or sha512. A user with two passwords has to encrypt. Keys lie in locked memory.
 * Source: RFC 3414 3.2, RFC 3412 7.2. */
#ifndef ROLE_INTAKE_USM_H
#define ROLE_INTAKE_USM_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/snmp.h"
#include "wire/snmp_v3.h"

#include <stdint.h>

struct usm;

/* identity: bytes that only this installation has. RC_INVALID names the line. */
enum rc usm_new(struct str users, struct str identity, struct usm **ret_usm, struct err *err) MUST_USE;
void usm_free(struct usm *usm); /* NULL is fine */
/* RC_OK: a notification, *ret_out its scoped PDU, borrowed from `usm` or the datagram until the next call. RC_AGAIN:
 * *ret_out is a report to be sent to whoever asked, borrowed likewise. Others: refused, with the reason. */
enum rc usm_take(struct usm *usm, struct str datagram, int64_t now_real_ns, struct snmp_message *ret_message,
                 struct str *ret_out, const char **ret_reason) MUST_USE;
/* The response to the inform that was taken last; empty when the library refuses. Borrowed until the next call. */
struct str usm_answer(struct usm *usm, const struct snmp_message *message, struct str scoped, int64_t now_real_ns);

#endif
