/* forward_line.h - one record as another system takes it (`qorgan forward`). Pure.
 *
 * rfc5424  <PRI>1 TIME HOST SERVICE - KIND [origin software="qorgan"][meta sequenceId="N"] RAW
 *          Priority: the record's own when it began with one, else log audit, informational (110). Time: the event's,
 *          UTC, microseconds. N counts records: number modulo 2^31 - 1, plus 1 (RFC 5424, 7.3.1). RAW are the bytes of
 *          the record as they came; a text that is UTF-8 is marked so (BOM, RFC 5424, 6.4).
 * cef      the same header, then CEF:0|Qorgan|Qorgan|1|KIND|KIND|SEVERITY|externalId=N rt=MS dvchost= ... msg=RAW
 *          Severity 3, and 6 when rules matched; bytes that are no text stand in visible form (paper/visible.h).
 * json     one object of doc/format/export.md, with origin and rules; no line end
 * Fields that the record does not say are "-" in headers and left out elsewhere. */
#ifndef ARCHIVE_FORWARD_LINE_H
#define ARCHIVE_FORWARD_LINE_H

#include "archive/reader.h"

enum forward_format { FORWARD_RFC5424, FORWARD_CEF, FORWARD_JSON, FORWARD_FORMATS };

/* "rfc5424"; constant. */
const char *forward_format_name(enum forward_format format);
bool forward_format_find(struct str name, enum forward_format *ret_format) MUST_USE;
/* Behind what stands in `out`; without any framing. `origin` is the archive's. */
void forward_line_put(enum forward_format format, const char *origin, const struct archive_hit *hit, struct buf *out);

#endif
