/* relay_word.h - what a relay tells an agent that it could bring nowhere: a fatal TLS alert (internal_error, RFC 8446
 * 6.2), which every TLS program understands, and behind it one line for the agent's log:
 *
 *   qorgan-relay NAME: TEXT LF
 *
 * Nothing vouches for the line: it comes before anybody has shown a certificate. It is for people, and nothing is done
 * because of it. Relays pass it on as they pass on everything, so that it names the one that failed. */
#ifndef AGENT_RELAY_WORD_H
#define AGENT_RELAY_WORD_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define RELAY_WORD_MAX 320u /* bytes of alert and line */

void relay_word_put(struct buf *out, const char *name, const char *text);
/* What stands behind the alert in the socket; printable ASCII, terminated. False: nothing of that form. */
bool relay_word_read(struct str bytes, char *ret_text, size_t size) MUST_USE;
/* The same of a socket whose TLS failed before it was up: what TLS has left there. */
bool relay_word_take(int fd, char *ret_text, size_t size) MUST_USE;

#endif
