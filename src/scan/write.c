/* write.c - a finding as the question findings.add has it. */
#include "codec/json.h"
#include "scan/report.h"

void scan_finding_write(const struct scan_finding *f, struct buf *out)
{
    json_write_object(out);
    json_put_str(out, "scanner", f->scanner);
    for (size_t i = 0; i < SCAN_TEXT_COUNT; i++)
        if (f->text[i].n)
            json_put_str(out, scan_text_name((enum scan_text)i), f->text[i]);
    json_put_int(out, "port", f->port);
    json_put_int(out, "score", f->score);
    json_put_int(out, "severity", f->severity);
    json_put_text(out, "verdict", scan_verdict_name((enum scan_verdict)f->verdict));
    if (f->seen_ns > 0)
        json_put_int(out, "seen_ns", f->seen_ns);
    json_write_key(out, "cves");
    json_write_array(out);
    for (uint32_t i = 0; i < f->cve_count; i++)
        json_write_str(out, f->cves[i]);
    json_write_array_end(out);
    json_write_object_end(out);
}
