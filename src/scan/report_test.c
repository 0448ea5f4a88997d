#include "scan/report.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

/* The samples are the seeds of fuzzing: written for this, after the formats' own descriptions. */
static struct str sample(const char *name)
{
    static char text[65536];
    char path[4096];
    snprintf(path, sizeof path, "%s/fuzz/scan_report/%s", test_source_dir(), name);
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(text, 1, sizeof text, file) : 0;
    if (file)
        fclose(file);
    CHECK(n > 0);
    return str_at(text, n);
}

static bool show(void *context, const struct scan_finding *f)
{
    struct buf *out = context;
    buf_format(out, "%.*s:", STR_ARG(f->scanner));
    for (size_t i = 0; i < SCAN_TEXT_COUNT; i++)
        if (f->text[i].n)
            buf_format(out, " %s=%.*s", scan_text_name((enum scan_text)i), STR_ARG(f->text[i]));
    for (uint32_t i = 0; i < f->cve_count; i++)
        buf_format(out, " %.*s", STR_ARG(f->cves[i]));
    buf_format(out, " port=%u %u.%u %s", f->port, f->score / 10, f->score % 10,
               scan_severity_name((enum scan_severity)f->severity));
    if (f->verdict)
        buf_text(out, f->verdict == SCAN_FIXED ? " fixed" : " false");
    if (f->seen_ns)
        buf_format(out, " at=%lld", (long long)(f->seen_ns / 1000000000));
    buf_char(out, '\n');
    return true;
}

static const struct {
    const char *name;
    const char *format;
    uint64_t hosts;
    uint64_t left;
    uint64_t broken;
    const char *want;
} samples[] = {
    {"nmap.xml", "nmap", 1, 1, 0,
     "nmap: check=http-vuln-cve2017-5638 address=192.0.2.10 host=web1.example.kz protocol=tcp "
     "component=Apache Tomcat 9.0.1 print=CVE-2017-5638 title=Apache Struts Remote Code Execution "
     "description=Code of a stranger runs.\nStruts 2.3.5 to 2.3.31. evidence=VULNERABLE CVE-2017-5638 port=8080 10.0 "
     "critical at=1795900010\n"
     "nmap: check=vulners address=192.0.2.10 host=web1.example.kz protocol=tcp component=OpenSSH 7.4 "
     "print=CVE-2018-15473 title=CVE-2018-15473 CVE-2018-15473 port=22 5.0 medium at=1795900010\n"
     "nmap: check=vulners address=192.0.2.10 host=web1.example.kz protocol=tcp component=OpenSSH 7.4 "
     "print=EDB-ID:45233 title=EDB-ID:45233 port=22 7.8 high at=1795900010\n"
     "nmap: check=smb-vuln-ms17-010 address=192.0.2.10 host=web1.example.kz print=CVE-2017-0143 title=SMBv1 "
     "evidence=LIKELY VULNERABLE CVE-2017-0143 port=0 0.0 high at=1795900010\n"},
    {"openvas.xml", "openvas", 2, 1, 0,
     "openvas: check=1.3.6.1.4.1.25623.1.0.1 address=192.0.2.11 host=db1.example.kz protocol=tcp "
     "title=OpenSSL: denial of service description=A peer stops the server.\nA bound is missing. "
     "solution=Update to 3.0.15. evidence=Version 3.0.1 was seen. CVE-2024-0001 CVE-2024-00002 port=5432 7.5 high "
     "at=1795168800\n"
     "openvas: check=3 address=192.0.2.12 protocol=tcp title=Weak key port=22 5.0 medium false\n"},
    {"nessus.xml", "nessus", 2, 1, 0,
     "nessus: check=100 address=192.0.2.13 host=app1.example.kz protocol=tcp title=TLS library < 1.2 description=Old. "
     "solution=Update. evidence=Found: 1.1 CVE-2023-1111 CVE-2023-2222 port=443 8.1 high at=1795900000\n"
     "nessus: check=7 address=2001:db8::5 protocol=tcp title=Weak port=22 0.0 medium\n"},
    {"sarif.json", "sarif", 0, 2, 1,
     "flawfinder: check=FF1 component=src/a.c place=12 print=abc title=No check of the length (CWE-120) "
     "solution=Use snprintf. evidence=strcpy here port=0 0.0 high at=1795176000\n"
     "flawfinder: check=FF2 component=src/b.c title=FF2 evidence=CVE-2020-1 is none port=0 9.8 critical "
     "at=1795176000\n"},
    {"vex.json", "cyclonedx", 0, 0, 0,
     "cyclonedx: check=CVE-2021-44228 host=portal component=log4j-core 2.14 title=CVE-2021-44228 "
     "description=A text of a log is run. solution=Update. CVE-2021-44228 port=0 10.0 critical at=1795219200\n"
     "cyclonedx: check=GHSA-1 host=portal component=pkg:deb/debian/openssl@3.0.11 title=GHSA-1 "
     "evidence=code_not_reachable\nIt is not built in. CVE-2024-5555 port=0 0.0 medium false at=1795219200\n"
     "cyclonedx: check=GHSA-1 host=portal component=log4j-core 2.14 title=GHSA-1 "
     "evidence=code_not_reachable\nIt is not built in. CVE-2024-5555 port=0 0.0 medium false at=1795219200\n"
     "cyclonedx: check=GHSA-1 host=portal component=unknown-ref title=GHSA-1 "
     "evidence=code_not_reachable\nIt is not built in. CVE-2024-5555 port=0 0.0 medium false at=1795219200\n"},
    {"table.csv", "csv", 0, 0, 2,
     "csv: address=192.0.2.20 host=gw1 protocol=udp title=Community \"public\" description=Anyone reads it port=161 "
     "0.0 "
     "none at=1795341600\n"
     "csv: address=192.0.2.21 protocol=tcp title=Old TLS CVE-2011-3389 CVE-2016-2183 port=443 5.9 medium\n"},
};

static void formats(void)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct scan_summary summary;
        struct err err = {0};
        struct buf out;
        buf_init(&out, 1 << 16);
        test_row("%s", samples[i].name);
        if (CHECK_INT(scan_report_read(sample(samples[i].name), show, &out, &summary, &err), RC_OK))
            CHECK_TEXT(buf_view(&out), samples[i].want);
        CHECK_TEXT(str_of(summary.format), samples[i].format);
        CHECK_INT(summary.hosts, samples[i].hosts);
        CHECK_INT(summary.left, samples[i].left);
        CHECK_INT(summary.broken, samples[i].broken);
        CHECK_INT(summary.cut, 0);
        buf_done(&out);
    }
}

/* XML and JSON that end too soon are refused; what they gave before is a beginning of what the whole gives. */
static void truncations(void)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct str whole = sample(samples[i].name);
        bool is_table = str_is(str_of(samples[i].format), "csv");
        struct str solid = str_trim(whole);
        for (size_t n = 0; n < whole.n; n += n % 64 == 63 ? 5 : 1) {
            struct scan_summary summary;
            struct buf out;
            buf_init(&out, 1 << 16);
            test_row("%s, %zu bytes", samples[i].name, n);
            enum rc rc = scan_report_read(str_at(whole.p, n), show, &out, &summary, NULL);
            CHECK(is_table || n >= solid.n ? rc == RC_OK || rc == RC_INVALID : rc == RC_INVALID);
            if (!is_table)
                CHECK(str_starts(str_of(samples[i].want), buf_view(&out)) || out.n == 0);
            buf_done(&out);
        }
    }
}

static void refusals(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", "no report of a scanner"},
        {" \n", "no report of a scanner"},
        {"<html/>", "no report of a scanner"},
        {"<nmaprun>", "not a well-formed"},
        {"<nmaprun2/>", "no report of a scanner"},
        {"<!DOCTYPE nmaprun [<!ENTITY a 'b'>]><nmaprun/>", "declares an entity"},
        {"{}", "no report of a scanner"},
        {"{\"version\":\"2.1.0\"}", "no report of a scanner"},
        {"{\"inner\":{\"runs\":[]}}", "no report of a scanner"},
        {"{\"runs\":[]}", "no SARIF of version 2.1.0"},
        {"{\"version\":\"2.0.0\",\"runs\":[]}", "no SARIF of version 2.1.0"},
        {"{\"version\":\"2.1.0\",\"runs\":{}}", "no SARIF of version 2.1.0"},
        {"{\"vulnerabilities\":[]}", "no CycloneDX document"},
        {"{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":{}}", "no CycloneDX document"},
        {"[]", "no report of a scanner"},
        {"some text", "no report of a scanner"},
        {"title,owner\na,b\n", "no report of a scanner"},
        {"title,host\n\"a,b\n", "a quote is never closed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan_summary summary;
        struct err err = {0};
        struct buf out;
        buf_init(&out, 1 << 16);
        test_row("%s", rows[i].text);
        CHECK_INT(scan_report_read(str_of(rows[i].text), show, &out, &summary, &err), RC_INVALID);
        CHECK(strstr(err.text, rows[i].want));
        buf_done(&out);
    }
}

/* Empty reports are reports. */
static void nothing_found(void)
{
    static const char *const rows[] = {
        "<nmaprun/>",
        "<get_reports_response status='200'/>",
        "<NessusClientData_v2><Report/></NessusClientData_v2>",
        "{\"version\":\"2.1.0\",\"runs\":[]}",
        "{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{}},\"results\":[]},{}]}",
        "{\"bomFormat\":\"CycloneDX\",\"components\":[]}",
        "title\thost\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan_summary summary;
        struct err err = {0};
        struct buf out;
        buf_init(&out, 1 << 16);
        test_row("%s", rows[i]);
        CHECK_INT(scan_report_read(str_of(rows[i]), show, &out, &summary, &err), RC_OK);
        CHECK_INT(summary.findings, 0);
        buf_done(&out);
    }
}

static void read_one(const char *text, struct buf *out, struct scan_summary *ret_summary)
{
    struct err err = {0};
    buf_clear(out);
    CHECK_INT(scan_report_read(str_of(text), show, out, ret_summary, &err), RC_OK);
}

static void values(void)
{
    static const struct {
        const char *line;
        const char *want; /* behind the title; NULL: broken */
    } rows[] = {
        {"h,0,,,", " port=0 0.0 none\n"},
        {"h,65535,,,", " port=65535 0.0 none\n"},
        {"h,65536,,,", " port=0 0.0 none\n"},
        {"h,-1,,,", " port=0 0.0 none\n"},
        {"h,22,10,,", " port=22 10.0 critical\n"},
        {"h,22,10.1,,", " port=22 0.0 none\n"},
        {"h,22,-1,,", " port=22 0.0 none\n"},
        {"h,22,nan,,", " port=22 0.0 none\n"},
        {"h,22,3.9,,", " port=22 3.9 low\n"},
        {"h,22,4.0,critical,", " port=22 4.0 medium\n"},
        {"h,22,6.9,,", " port=22 6.9 medium\n"},
        {"h,22,7,,", " port=22 7.0 high\n"},
        {"h,22,8.9,,", " port=22 8.9 high\n"},
        {"h,22,9,,", " port=22 9.0 critical\n"},
        {"h,22,,Important,", " port=22 0.0 high\n"},
        {"h,22,,dreadful,", " port=22 0.0 none\n"},
        {"h,22,,,CVE-2020-1234", " CVE-2020-1234 port=22 0.0 none\n"},
        {"h,22,,,cve-2020-1234;CVE-2020-1234;xCVE-2020-9999", " CVE-2020-1234 port=22 0.0 none\n"},
        {"h,22,,,CVE-2020-123 CVE-20-12345 CVE-2020-12345678901234567890", " port=22 0.0 none\n"},
        {",22,,,", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan_summary summary;
        struct buf out;
        char text[256];
        buf_init(&out, 1 << 16);
        test_row("%s", rows[i].line);
        snprintf(text, sizeof text, "host,port,cvss,severity,cve,title\n%s,T\n", rows[i].line);
        read_one(text, &out, &summary);
        struct str got = buf_view(&out);
        if (!rows[i].want)
            CHECK(got.n == 0 && summary.broken == 1 && summary.first_broken == 2);
        else if (CHECK(str_starts(got, STR("csv: host=h title=T"))))
            CHECK_TEXT(str_skip(got, 19), rows[i].want);
        buf_done(&out);
    }
}

static bool stop(void *context, const struct scan_finding *finding)
{
    int *left = context;
    (void)finding;
    return --*left > 0;
}

static void the_sink_stops(void)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct scan_summary summary;
        int left = 1;
        test_row("%s", samples[i].name);
        CHECK_INT(scan_report_read(sample(samples[i].name), stop, &left, &summary, NULL), RC_END);
        CHECK_INT(summary.findings, 1);
    }
}

/* What stands in one line holds no line ends, whoever wrote them. */
static void one_line_texts(void)
{
    struct scan_summary summary;
    struct buf out;
    buf_init(&out, 1 << 16);
    read_one("host,title,description,scanner\nh,\"a\nb\tc\",\"d\ne\",\"x\ny\"\n", &out, &summary);
    CHECK_TEXT(buf_view(&out), "x y: host=h title=a b c description=d\ne port=0 0.0 none\n");
    buf_done(&out);
}

static bool title_length(void *context, const struct scan_finding *finding)
{
    size_t *n = context;
    *n = finding->text[SCAN_TITLE].n;
    return true;
}

static void long_texts_are_cut(void)
{
    struct scan_summary summary;
    struct buf text;
    size_t n = 0;
    buf_init(&text, 1 << 16);
    buf_text(&text, "host,title\nh,x");
    for (int i = 0; i < 400; i++)
        buf_text(&text, "\xd3\x98");
    CHECK_INT(scan_report_read(buf_view(&text), title_length, &n, &summary, NULL), RC_OK);
    CHECK_INT(n, 511);
    CHECK_INT(summary.cut, 1);
    buf_done(&text);
}

/* "<nmaprun/>" as gzip writes it; ZIP files of a folder and one, of two, of none. */
static const char packed_gzip[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\xc9\xcb\x4d\x2c\x28\x2a\xcd\xd3\xb7\x03\x00\xe1\x8f"
    "\x2e\x26\x0a\x00\x00\x00";
static const char packed_one[] =
    "\x50\x4b\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x02\x00\x00\x00\x64\x2f\x50\x4b\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\xe1\x8f"
    "\x2e\x26\x0a\x00\x00\x00\x0a\x00\x00\x00\x07\x00\x00\x00\x64\x2f\x61\x2e\x78\x6d\x6c\x3c\x6e\x6d"
    "\x61\x70\x72\x75\x6e\x2f\x3e\x50\x4b\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
    "\x01\x00\x00\x00\x00\x64\x2f\x50\x4b\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\xe1"
    "\x8f\x2e\x26\x0a\x00\x00\x00\x0a\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
    "\x01\x20\x00\x00\x00\x64\x2f\x61\x2e\x78\x6d\x6c\x50\x4b\x05\x06\x00\x00\x00\x00\x02\x00\x02\x00"
    "\x65\x00\x00\x00\x4f\x00\x00\x00\x00\x00";
static const char packed_two[] =
    "\x50\x4b\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\xe1\x8f\x2e\x26\x0a\x00\x00\x00\x0a\x00"
    "\x00\x00\x05\x00\x00\x00\x61\x2e\x78\x6d\x6c\x3c\x6e\x6d\x61\x70\x72\x75\x6e\x2f\x3e\x50\x4b\x03"
    "\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\xe1\x8f\x2e\x26\x0a\x00\x00\x00\x0a\x00\x00\x00\x05"
    "\x00\x00\x00\x62\x2e\x78\x6d\x6c\x3c\x6e\x6d\x61\x70\x72\x75\x6e\x2f\x3e\x50\x4b\x01\x02\x14\x03"
    "\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\xe1\x8f\x2e\x26\x0a\x00\x00\x00\x0a\x00\x00\x00\x05\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00\x00\x61\x2e\x78\x6d\x6c\x50\x4b\x01"
    "\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\xe1\x8f\x2e\x26\x0a\x00\x00\x00\x0a\x00\x00"
    "\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x2d\x00\x00\x00\x62\x2e\x78\x6d\x6c"
    "\x50\x4b\x05\x06\x00\x00\x00\x00\x02\x00\x02\x00\x66\x00\x00\x00\x5a\x00\x00\x00\x00\x00";
static const char packed_none[] =
    "\x50\x4b\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x02\x00\x00\x00\x64\x2f\x50\x4b\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x5c"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x80\x01\x00\x00\x00\x00\x64\x2f\x50\x4b\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\x30\x00\x00\x00"
    "\x20\x00\x00\x00\x00\x00";

#define PACKED(array) str_at(array, sizeof(array) - 1)

static enum rc unpack(struct str file, enum scan_fault *ret_fault, struct buf *out)
{
    struct scan_unpacked unpacked;
    struct err err = {0};
    enum rc rc = scan_unpack(file, &unpacked, ret_fault, &err);
    CHECK((rc == RC_OK) == (*ret_fault == SCAN_FAULT_NONE) && (rc == RC_OK || err.text[0]));
    buf_clear(out);
    if (rc == RC_OK)
        buf_str(out, unpacked.bytes);
    scan_unpacked_free(&unpacked);
    return rc;
}

static void packed(void)
{
    const struct {
        struct str file;
        const char *want; /* NULL: refused */
    } rows[] = {
        {PACKED(packed_gzip), "<nmaprun/>"},
        {PACKED(packed_one), "<nmaprun/>"},
        {STR("<nmaprun/>"), "<nmaprun/>"},
        {STR(""), ""},
        {STR("\x1f"), "\x1f"},
        {STR("\x1f\x8b"), NULL},
        {PACKED(packed_two), NULL},
        {PACKED(packed_none), NULL},
    };
    enum scan_fault fault;
    struct buf out;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(unpack(rows[i].file, &fault, &out), rows[i].want ? RC_OK : RC_INVALID);
        CHECK_TEXT(buf_view(&out), rows[i].want ? rows[i].want : "");
        CHECK_INT(fault, rows[i].want ? SCAN_FAULT_NONE : SCAN_FAULT_PACKED);
    }
    for (size_t n = 4; n < sizeof packed_gzip - 1; n++)
        CHECK(unpack(str_at(packed_gzip, n), &fault, &out) == RC_INVALID && fault == SCAN_FAULT_PACKED);
    for (size_t n = 4; n < sizeof packed_one - 1; n++)
        CHECK(unpack(str_at(packed_one, n), &fault, &out) == RC_INVALID && fault == SCAN_FAULT_PACKED);
    buf_done(&out);
}

static bool pass_over(void *context, const struct scan_finding *finding)
{
    (void)context, (void)finding;
    return true;
}

static void where_it_is_wrong(void)
{
    static const struct {
        const char *text;
        enum scan_fault fault;
        uint32_t line;
    } rows[] = {
        {"<nmaprun/>", SCAN_FAULT_NONE, 0},
        {"some text", SCAN_FAULT_UNKNOWN, 0},
        {"<html/>", SCAN_FAULT_UNKNOWN, 0},
        {"{}", SCAN_FAULT_UNKNOWN, 0},
        {"title,owner\na,b\n", SCAN_FAULT_UNKNOWN, 0},
        {"<nmaprun>\n\n<host>", SCAN_FAULT_DAMAGED, 3},
        {"<nmaprun>\n</host>", SCAN_FAULT_DAMAGED, 2},
        {"<!DOCTYPE nmaprun [\n<!ENTITY a 'b'>]><nmaprun/>", SCAN_FAULT_ENTITY, 2},
        {"title,host\na,b\n\"", SCAN_FAULT_DAMAGED, 3},
        {"title,host\na,b\nc,d\"x\"\n", SCAN_FAULT_DAMAGED, 3},
        {"{\"version\":\"2.1.0\",\n\"runs\":[\n}", SCAN_FAULT_DAMAGED, 3},
        {"{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":[\n\n1,,", SCAN_FAULT_DAMAGED, 3},
        {"{\"runs\":[]}", SCAN_FAULT_DAMAGED, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan_summary summary;
        struct err err = {0};
        test_row("%s", rows[i].text);
        enum rc rc = scan_report_read(str_of(rows[i].text), pass_over, NULL, &summary, &err);
        CHECK((rc == RC_OK) == (rows[i].fault == SCAN_FAULT_NONE));
        CHECK_INT(summary.fault, rows[i].fault);
        CHECK_INT(summary.line, rows[i].line);
    }
}

struct watching {
    uint64_t told, last, stop_at;
};

static bool on_watch(void *context, uint64_t bytes)
{
    struct watching *watching = context;
    CHECK(bytes > watching->last);
    watching->told++;
    watching->last = bytes;
    return bytes < watching->stop_at;
}

/* Also inside of one long text, where no finding comes. */
static void who_waits_is_told(void)
{
    static const char *const begins[] = {"<nmaprun>", "title,host\n", "{\"version\":\"2.1.0\",\"runs\":[],\"x\":\""};
    static const char *const fills[] = {"x", "a,b\n", "x"};
    static const char *const ends[] = {"</nmaprun>", "", "\"}"};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        struct watching watching = {.stop_at = UINT64_MAX};
        const struct scan_reader reader = {.sink = pass_over, .watch = on_watch, .context = &watching};
        struct scan_summary summary;
        struct buf text;
        buf_init(&text, 4 << 20);
        buf_text(&text, begins[i]);
        while (text.n < 1 << 20)
            buf_text(&text, fills[i]);
        buf_text(&text, ends[i]);
        test_row("%s", begins[i]);
        CHECK_INT(scan_report_watch(buf_view(&text), &reader, &summary, NULL), RC_OK);
        CHECK(watching.told >= (i == 2 ? 1u : 10u) && watching.last <= text.n);
        watching = (struct watching){.stop_at = 200000};
        CHECK_INT(scan_report_watch(buf_view(&text), &reader, &summary, NULL), RC_END);
        CHECK(summary.fault == SCAN_FAULT_NONE && (i == 2 || watching.last < 300000));
        buf_done(&text);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"formats", formats},
        {"truncations", truncations},
        {"refusals", refusals},
        {"nothing found", nothing_found},
        {"values", values},
        {"the sink stops", the_sink_stops},
        {"one-line texts", one_line_texts},
        {"long texts are cut", long_texts_are_cut},
        {"packed", packed},
        {"where it is wrong", where_it_is_wrong},
        {"who waits is told", who_waits_is_told},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
