#include "scan/report.h"

#include "base/assert.h"
#include "codec/utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool on_finding(void *context, const struct scan_finding *finding)
{
    uint64_t *findings = context;
    char cve[24];
    ++*findings;
    for (size_t i = 0; i < SCAN_TEXT_COUNT; i++)
        ASSERT(finding->text[i].p && utf8_valid(finding->text[i]) && finding->text[i].n <= 16384);
    for (uint32_t i = 0; i < finding->cve_count; i++)
        ASSERT(scan_cve_make(finding->cves[i], cve) && str_is(finding->cves[i], cve));
    ASSERT(finding->text[SCAN_TITLE].n && finding->severity <= SCAN_CRITICAL && finding->verdict <= SCAN_FALSE);
    return *findings < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct scan_summary summary;
    struct err err = {0};
    uint64_t findings = 0;
    struct scan_unpacked unpacked;
    enum scan_fault fault;
    enum rc rc = scan_unpack(str_at(bytes, size), &unpacked, &fault, &err);
    ASSERT((rc == RC_OK) == (fault == SCAN_FAULT_NONE));
    struct str report = rc == RC_OK ? unpacked.bytes : STR("");
    rc = scan_report_read(report, on_finding, &findings, &summary, &err);
    ASSERT((rc == RC_OK || rc == RC_END) == (summary.fault == SCAN_FAULT_NONE));
    scan_unpacked_free(&unpacked);
    ASSERT(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT || rc == RC_END);
    ASSERT(summary.findings == findings && summary.format);
    return 0;
}
