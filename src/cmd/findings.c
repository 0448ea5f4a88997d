/* findings.c - `qorgan findings`: what a report of a vulnerability scanner says, as findings of one shape
 * (scan/report.h). Strangers' files: they are read in a copy without rights. With --json each line is one of "findings"
 * in the question findings.add of doc/api.md, which is how a report comes into the service. */
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/options.h"
#include "os/file.h"
#include "paper/visible.h"
#include "scan/report.h"

#include <inttypes.h>
#include <stdio.h>

#define COPY_MEMORY  ((uint64_t)4 << 30) /* a tree of JSON takes some times its text */
#define LINE_BYTES   ((size_t)1 << 20)
#define ANSWER_BYTES 4096u

struct reading_report {
    struct str bytes;
    bool json;
    struct buf line;
    struct scan_summary summary; /* what the copy saw */
};

static bool pass_over(void *context, const struct scan_finding *finding)
{
    (void)context, (void)finding;
    return true;
}

static void finding_text_line(struct buf *out, const struct scan_finding *f)
{
    const struct str *text = f->text;
    struct str place = text[SCAN_ADDRESS].n ? text[SCAN_ADDRESS]
                       : text[SCAN_HOST].n  ? text[SCAN_HOST]
                                            : text[SCAN_COMPONENT];
    buf_format(out, "%-8s ", scan_severity_name((enum scan_severity)f->severity));
    visible_show(out, place);
    if (f->port) {
        buf_format(out, ":%u/", f->port);
        visible_show(out, text[SCAN_PROTOCOL]);
    }
    buf_text(out, "  ");
    visible_show(out, text[SCAN_TITLE]);
    for (uint32_t i = 0; i < f->cve_count; i++)
        buf_format(out, " %.*s", STR_ARG(f->cves[i]));
    if (f->verdict != SCAN_OPEN)
        buf_format(out, " (%s)", scan_verdict_name((enum scan_verdict)f->verdict));
}

static bool print_it(void *context, const struct scan_finding *finding)
{
    struct reading_report *report = context;
    buf_clear(&report->line);
    if (report->json)
        scan_finding_write(finding, &report->line);
    else
        finding_text_line(&report->line, finding);
    return printf("%s\n", buf_z(&report->line)) > 0;
}

/* In the copy: looked through to its end before anything of it is printed, for of a damaged one nothing counts. */
static enum rc work_read(void *context, struct buf *answer, struct err *err)
{
    struct reading_report *report = context;
    struct scan_unpacked unpacked;
    enum scan_fault fault;
    buf_init(&report->line, LINE_BYTES);
    enum rc rc = scan_unpack(report->bytes, &unpacked, &fault, err);
    if (rc == RC_OK)
        rc = scan_report_read(unpacked.bytes, pass_over, report, &report->summary, err);
    if (rc == RC_OK)
        rc = scan_report_read(unpacked.bytes, print_it, report, &report->summary, err);
    scan_unpacked_free(&unpacked);
    buf_done(&report->line);
    if (rc == RC_END || (rc == RC_OK && fflush(stdout) != 0))
        return err_set(err, RC_IO, "could not write to standard output");
    if (rc == RC_OK)
        buf_format(answer,
                   "%s: %" PRIu64 " findings, %" PRIu64 " hosts; left out: %" PRIu64 " that are none, %" PRIu64
                   " without a title or a place; %" PRIu64 " texts cut",
                   report->summary.format, report->summary.findings, report->summary.hosts, report->summary.left,
                   report->summary.broken, report->summary.cut);
    return rc;
}

int cmd_findings(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    struct buf answer CLEANUP(buf_done);
    int status = options_parse("findings", argc, argv, &options);
    buf_init(&answer, ANSWER_BYTES);
    if (status != OPTIONS_GO)
        return status;
    struct reading_report report = {.json = options_flag(&options, "json")};
    const struct confined confined = {.work = work_read, .context = &report, .memory_max = COPY_MEMORY};
    enum rc rc = file_map_path(options.operands[0], &report.bytes, &err);
    rc = rc == RC_OK ? confined_command(&confined, "findings: the reading", &answer, &err) : rc;
    if (rc != RC_OK)
        return cmd_fail("findings", &err);
    fprintf(stderr, "qorgan findings: ");
    for (size_t i = 0; i < answer.n; i++)
        fputc(answer.p[i] >= ' ' && answer.p[i] < 0x7f ? answer.p[i] : '?', stderr);
    fputc('\n', stderr);
    return CMD_OK;
}
