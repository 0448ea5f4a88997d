/* paper.h - what the commands that write papers share: language and zone, the seal. */
#ifndef CMD_PAPER_H
#define CMD_PAPER_H

#include "archive/papers.h"
#include "cmd/archive_open.h"
#include "cmd/options.h"

/* --lang, or the environment's; the zone of the configuration, or --zone "+05:00". RC_INVALID: an option is wrong. */
enum rc paper_form(const struct options *options, struct papers_form *ret_form, struct err *err) MUST_USE;
/* Has the running service record the body's SHA-256, waits for the checkpoint that covers that record (half a minute at
 * most, then RC_AGAIN) and puts its seal behind the body. RC_NOT_FOUND: no service runs, and in no other case. */
enum rc paper_seal(const char *data, const char *kind, const struct tlog_hash *body, struct str about,
                   struct buf *ret_seal, struct err *err) MUST_USE;

#endif
