/* report_part.h - what the reader tells the desk of a scanner's file (desk/upload.h): parts, how far it is, the end.
 *
 *   desk                                   reader: one file, then it ends and a fresh one is started
 *   MSG_REPORT, the descriptor   ──►
 *                                ◄──       MSG_REPORT_TOLD bytes, findings
 *                                ◄──       MSG_REPORT_PART findings ...
 *   MSG_REPORT_MORE: it is kept  ──►       (REPORT_PARTS_FLYING at most are on the way)
 *                                ◄──       MSG_REPORT_END
 *   MSG_REPORT_STOP              ──►       when it has the end, or at any time: the reader ends
 *
 * A list of indicators (desk/own_list.h) goes the same way: MSG_LIST_BASE when a version stands, MSG_LIST, then parts
 * that are kept as a report's are, MSG_LIST_END.
 *
 * The reader read a stranger's bytes: nothing that it says is believed further than that it is about this file.
 *   part   be32 findings | a JSON list
 *   told   be64 bytes, be64 findings
 *   end    be16 and bytes: fault, detail, format, scanner | be64 line, hosts, passed, broken, cut
 *   of a list
 *   part   lines of text
 *   end    be16 and bytes: fault, detail | be64 of each kind, repeated, revoked, passed, refused, new, changed, same,
 *          gone | what is shown: a JSON object */
#ifndef ROLE_REPORT_PART_H
#define ROLE_REPORT_PART_H

#include "base/buf.h"
#include "base/str.h"
#include "desk/own_list.h"
#include "desk/upload.h"

#include <stdbool.h>
#include <stdint.h>

#define REPORT_PARTS_FLYING 4u
#define REPORT_PART_HEADER  4u

struct report_told {
    uint64_t bytes, findings;
};

/* Texts are borrowed. False: it does not read. */
bool report_part_read(struct str body, uint32_t *ret_count, struct str *ret_list) MUST_USE;
bool report_told_read(struct str body, struct report_told *ret_told) MUST_USE;
bool report_end_read(struct str body, struct desk_upload_end *ret_end) MUST_USE;
bool list_end_read(struct str body, struct own_list_end *ret_end) MUST_USE;
void list_end_write(const struct own_list_end *end, struct buf *out);
void report_told_write(const struct report_told *told, struct buf *out);
void report_end_write(const struct desk_upload_end *end, struct buf *out);

#endif
