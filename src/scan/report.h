/* report.h - what scanners write down, read into findings: one shape, whoever looked.
 *
 *   nmap -oX, GMP/OpenVAS XML, Nessus v2, SARIF 2.1.0, CycloneDX with vulnerabilities (VEX), CSV ──► struct
 * scan_finding
 *
 * The format is found by the content. A finding says where (host, port, component), what (check, CVE, texts), how bad
 * (CVSS or the tool's own word) and what the tool already decided of it; what it does not say is empty. Nothing is
 * judged here: findings without severity are given like the others, open ports of nmap are none.
 *
 * Limits: SCAN_* below. Texts are UTF-8, cut at the limit of their row at a character. Pure; nothing is fetched.
 * Sources: nmap.dtd and nselib/vulns; Greenbone Management Protocol, get_reports; Nessus v2 file format; SARIF 2.1.0
 * (OASIS); CycloneDX 1.4 to 1.6; severities of scores: CVSS v3.1 5. */
#ifndef SCAN_REPORT_H
#define SCAN_REPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_BYTES_MAX    ((size_t)512 << 20) /* of a report, unpacked */
#define SCAN_FINDINGS_MAX 1000000u
#define SCAN_CVES_MAX     64u

/* One row a text: enum, name (also the column of CSV, and the member of the question findings.add of doc/api.md), bytes
 * at most, whether it is one line: control characters in it become blanks. */
#define SCAN_TEXTS(X)                                                                                                  \
    X(SCAN_CHECK, "check", 256, true)          /* the scanner's own id of what it looked for */                        \
    X(SCAN_ADDRESS, "address", 64, true)       /* of the host */                                                       \
    X(SCAN_HOST, "host", 256, true)            /* its name */                                                          \
    X(SCAN_PROTOCOL, "protocol", 16, true)     /* tcp, udp, ... */                                                     \
    X(SCAN_COMPONENT, "component", 1024, true) /* software and version, package URL, file of a program */              \
    X(SCAN_PLACE, "place", 64, true)           /* in the component: a line */                                          \
    X(SCAN_PRINT, "print", 512, false)         /* what the tool itself knows the finding by */                         \
    X(SCAN_TITLE, "title", 512, true)                                                                                  \
    X(SCAN_DESCRIPTION, "description", 16384, false)                                                                   \
    X(SCAN_SOLUTION, "solution", 8192, false)                                                                          \
    X(SCAN_EVIDENCE, "evidence", 8192, false) /* what the scanner saw; of a decided one the reason */

#define SCAN_SCANNER_MAX 64u /* bytes of the tool's name, one line */

enum scan_text {
#define X(id, name, limit, line) id,
    SCAN_TEXTS(X)
#undef X
        SCAN_TEXT_COUNT
};

enum scan_severity { SCAN_NONE, SCAN_LOW, SCAN_MEDIUM, SCAN_HIGH, SCAN_CRITICAL };

/* What the tool, or whoever made the file, says of it. */
enum scan_verdict { SCAN_OPEN, SCAN_FIXED, SCAN_FALSE };

struct scan_finding {
    struct str scanner; /* "nmap", "openvas", "nessus", a tool's name; "csv" */
    struct str text[SCAN_TEXT_COUNT];
    struct str cves[SCAN_CVES_MAX]; /* upper case, each once */
    uint32_t cve_count;
    uint16_t port;    /* 0: none */
    uint16_t score;   /* CVSS in tenths; 0: none was given */
    uint8_t severity; /* enum scan_severity */
    uint8_t verdict;  /* enum scan_verdict */
    int64_t seen_ns;  /* when it was looked at; 0 unknown */
    uint32_t cut;     /* texts that were longer than their row */
};

/* Why a report was refused; pages have a text for each. The names are stored. */
#define SCAN_FAULTS(X)                                                                                                 \
    X(SCAN_FAULT_NONE, "")                                                                                             \
    X(SCAN_FAULT_UNKNOWN, "unknown") /* none of the formats */                                                         \
    X(SCAN_FAULT_DAMAGED, "damaged") /* it breaks its format */                                                        \
    X(SCAN_FAULT_ENTITY, "entity")   /* XML that declares entities */                                                  \
    X(SCAN_FAULT_LIMIT, "limit")     /* too deep, too large, too many findings */                                      \
    X(SCAN_FAULT_PACKED, "packed")   /* a packed file that does not unpack, or of more than one */                     \
    X(SCAN_FAULT_LARGE, "large")     /* it unpacks to more than SCAN_BYTES_MAX */

enum scan_fault {
#define X(id, name) id,
    SCAN_FAULTS(X)
#undef X
        SCAN_FAULT_COUNT
};

struct scan_summary {
    const char *format; /* constant: "nmap", "openvas", "nessus", "sarif", "cyclonedx", "csv" */
    uint64_t findings;
    uint64_t hosts;        /* that were looked at, where the format says it; 0 otherwise */
    uint64_t left;         /* results that say that nothing was found, or that somebody suppressed */
    uint64_t broken;       /* results, or lines of CSV, without what a finding needs: a title, and where */
    uint64_t cut;          /* texts */
    uint32_t first_broken; /* its line (CSV) or number, from 1; 0: none */
    uint8_t fault;         /* enum scan_fault, of a report that was refused */
    uint32_t line;         /* where it was seen, from 1; 0: nowhere in particular */
};

/* Everything is borrowed until return. False ends the reading: RC_END. */
typedef bool (*scan_sink)(void *context, const struct scan_finding *finding);
/* So many bytes were read, told each 64 KiB or so, also where no finding comes. False ends the reading: RC_END. */
typedef bool (*scan_watch)(void *context, uint64_t bytes);

struct scan_reader {
    scan_sink sink;
    scan_watch watch; /* may be NULL */
    void *context;
};

/* RC_INVALID: none of the formats, or damaged; findings before the damage were given, so that nothing may be taken of a
 * report that is refused. RC_LIMIT. The summary says which, and where. */
enum rc scan_report_read(struct str bytes, scan_sink sink, void *context, struct scan_summary *ret_summary,
                         struct err *err) MUST_USE;
enum rc scan_report_watch(struct str bytes, const struct scan_reader *reader, struct scan_summary *ret_summary,
                          struct err *err) MUST_USE;

/* A report as scanners and people pack it: gzip, or ZIP of one file; what is neither is given back as it is. What is
 * unpacked lives until scan_unpacked_free. RC_INVALID, RC_LIMIT; *ret_fault says which. */
struct scan_unpacked {
    struct str bytes;
    struct buf inflated;
    struct arena *arena;
};
enum rc scan_unpack(struct str file, struct scan_unpacked *ret_unpacked, enum scan_fault *ret_fault,
                    struct err *err) MUST_USE;
void scan_unpacked_free(struct scan_unpacked *unpacked);

/* One JSON object, as the question findings.add of doc/api.md has its members. */
void scan_finding_write(const struct scan_finding *finding, struct buf *out);
const char *scan_fault_name(enum scan_fault fault);
const char *scan_text_name(enum scan_text text);
const char *scan_verdict_name(enum scan_verdict verdict);    /* "open", "fixed", "false" */
const char *scan_severity_name(enum scan_severity severity); /* "none", "low", ... */
bool scan_severity_find(struct str name, enum scan_severity *ret_severity);
enum scan_severity scan_severity_of(uint16_t score);
/* "CVE-2026-12345" as it should be written; false when it is none. */
bool scan_cve_make(struct str text, char ret_cve[24]);

#endif
