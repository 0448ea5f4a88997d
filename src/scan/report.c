#include "scan/report.h"

#include "base/assert.h"
#include "base/macros.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "codec/xml.h"
#include "scan/reading.h"

#include <string.h>

#define REPORT_ARENA  ((size_t)1 << 30) /* a tree of JSON takes some times its text */
#define FINDING_ARENA ((size_t)1 << 20)

static const struct {
    const char *name;
    size_t limit;
    bool line;
} texts[] = {
#define X(id, name, limit, line) [id] = {name, limit, line},
    SCAN_TEXTS(X)
#undef X
};

static const char *const faults[] = {
#define X(id, name) [id] = name,
    SCAN_FAULTS(X)
#undef X
};
static const char *const verdicts[] = {"open", "fixed", "false"};
static const char *const severities[] = {"none", "low", "medium", "high", "critical"};

const char *scan_fault_name(enum scan_fault fault)
{
    ASSERT(fault < SCAN_FAULT_COUNT);
    return faults[fault];
}

const char *scan_text_name(enum scan_text text)
{
    ASSERT(text < SCAN_TEXT_COUNT);
    return texts[text].name;
}

const char *scan_verdict_name(enum scan_verdict verdict)
{
    ASSERT(verdict < ARRAY_LEN(verdicts));
    return verdicts[verdict];
}

const char *scan_severity_name(enum scan_severity severity)
{
    ASSERT(severity < ARRAY_LEN(severities));
    return severities[severity];
}

bool scan_severity_find(struct str name, enum scan_severity *ret_severity)
{
    static const struct {
        const char *word;
        enum scan_severity severity;
    } others[] = {{"info", SCAN_NONE},      {"informational", SCAN_NONE}, {"log", SCAN_NONE},
                  {"note", SCAN_LOW},       {"minor", SCAN_LOW},          {"moderate", SCAN_MEDIUM},
                  {"warning", SCAN_MEDIUM}, {"error", SCAN_HIGH},         {"important", SCAN_HIGH},
                  {"serious", SCAN_HIGH}};
    for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
        if (str_eq_nocase(name, str_of(severities[i]))) {
            *ret_severity = (enum scan_severity)i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (str_eq_nocase(name, str_of(others[i].word))) {
            *ret_severity = others[i].severity;
            return true;
        }
    }
    return false;
}

enum scan_severity scan_severity_of(uint16_t score)
{
    static const uint16_t from[] = {1, 40, 70, 90};
    unsigned severity = 0;
    while (severity < ARRAY_LEN(from) && score >= from[severity])
        severity++;
    return (enum scan_severity)severity;
}

/* The length of the CVE that the text begins with; 0: none. */
static size_t cve_length(struct str text)
{
    size_t n = 9;
    if (text.n < 13 || !str_starts_nocase(text, STR("CVE-")) || text.p[8] != '-')
        return 0;
    for (size_t i = 4; i < 8; i++)
        if (!char_is_digit(text.p[i]))
            return 0;
    while (n < text.n && char_is_digit(text.p[n]))
        n++;
    return n >= 13 && n < 24 ? n : 0;
}

bool scan_cve_make(struct str text, char ret_cve[24])
{
    size_t n = cve_length(text);
    if (n == 0 || n != text.n)
        return false;
    memcpy(ret_cve, text.p, n);
    memcpy(ret_cve, "CVE", 3);
    ret_cve[n] = '\0';
    return true;
}

/* ---- the finding that is being put together ---- */

static struct str text_fit(struct reading *reading, struct str text, size_t limit)
{
    struct str valid = utf8_make_valid(reading->texts, text);
    if (valid.n <= limit)
        return valid.p ? valid : STR("");
    reading->finding.cut++;
    valid.n = limit;
    valid.n = utf8_valid_prefix(valid);
    return valid;
}

/* A copy without what is no part of a line. */
static struct str line_copy(struct reading *reading, struct str text)
{
    char *line = arena_alloc_raw(reading->texts, text.n);
    for (size_t i = 0; i < text.n && line; i++)
        line[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i];
    return line ? str_at(line, text.n) : STR("");
}

void finding_begin(struct reading *reading, struct str scanner)
{
    arena_reset(reading->texts);
    reading->finding = (struct scan_finding){.scanner = STR("unknown")};
    finding_scanner(reading, scanner);
    for (size_t i = 0; i < SCAN_TEXT_COUNT; i++)
        reading->finding.text[i] = STR("");
}

void finding_scanner(struct reading *reading, struct str scanner)
{
    struct str name = str_trim(scanner);
    if (name.n)
        reading->finding.scanner = line_copy(reading, text_fit(reading, name, SCAN_SCANNER_MAX));
}

void finding_text(struct reading *reading, enum scan_text which, struct str text)
{
    struct str trimmed = str_trim(text);
    if (!trimmed.n)
        return;
    struct str fitting = text_fit(reading, trimmed, texts[which].limit);
    struct str copy = texts[which].line ? line_copy(reading, fitting) : arena_str(reading->texts, fitting);
    reading->finding.text[which] = copy.p ? copy : STR("");
}

void finding_join(struct reading *reading, enum scan_text which, struct str text)
{
    struct str before = reading->finding.text[which];
    struct str behind = str_trim(text);
    if (!before.n || !behind.n) {
        finding_text(reading, which, behind);
        return;
    }
    size_t room = texts[which].limit - before.n;
    struct str fitting = text_fit(reading, behind, room ? room - 1 : 0);
    char *joined = arena_alloc_raw(reading->texts, before.n + 1 + fitting.n);
    if (!joined || !fitting.n)
        return;
    memcpy(joined, before.p, before.n);
    joined[before.n] = '\n';
    memcpy(joined + before.n + 1, fitting.p, fitting.n);
    reading->finding.text[which] = str_at(joined, before.n + 1 + fitting.n);
}

static void cve_add(struct reading *reading, struct str text)
{
    struct scan_finding *finding = &reading->finding;
    char cve[24];
    if (!scan_cve_make(text, cve) || finding->cve_count == SCAN_CVES_MAX)
        return;
    for (uint32_t i = 0; i < finding->cve_count; i++)
        if (str_is(finding->cves[i], cve))
            return;
    struct str copy = arena_str(reading->texts, str_of(cve));
    if (copy.p)
        finding->cves[finding->cve_count++] = copy;
}

void finding_cves(struct reading *reading, struct str text)
{
    for (size_t at = 0; at + 13 <= text.n; at++) {
        size_t n = text.p[at] == 'C' || text.p[at] == 'c' ? cve_length(str_skip(text, at)) : 0;
        if (!n || (at > 0 && char_is_alnum(text.p[at - 1])))
            continue;
        cve_add(reading, str_slice(text, at, at + n));
        at += n - 1;
    }
}

void finding_score(struct reading *reading, struct str text)
{
    double score = 0;
    if (!str_to_double(str_trim(text), &score) || !(score >= 0 && score <= 10))
        return;
    uint16_t tenths = (uint16_t)(score * 10 + 0.5);
    if (tenths <= reading->finding.score)
        return;
    reading->finding.score = tenths;
    reading->finding.severity = (uint8_t)scan_severity_of(tenths);
}

void finding_severity(struct reading *reading, struct str word)
{
    enum scan_severity severity;
    if (!reading->finding.score && scan_severity_find(str_trim(word), &severity))
        reading->finding.severity = (uint8_t)severity;
}

void finding_port(struct reading *reading, struct str text)
{
    uint64_t port;
    if (str_to_u64(str_trim(text), &port) && port <= UINT16_MAX)
        reading->finding.port = (uint16_t)port;
}

void reading_keep(struct str text, char *ret, size_t size)
{
    if (!str_copy_z(text, ret, size))
        ret[0] = '\0';
}

bool finding_end(struct reading *reading)
{
    const struct scan_finding *finding = &reading->finding;
    struct scan_summary *summary = reading->summary;
    bool somewhere = finding->text[SCAN_ADDRESS].n || finding->text[SCAN_HOST].n || finding->text[SCAN_COMPONENT].n;
    if (arena_spent(reading->texts)) {
        reading->rc = RC_LIMIT;
        return false;
    }
    if (!somewhere || !finding->text[SCAN_TITLE].n) {
        summary->broken++;
        return true;
    }
    if (summary->findings == SCAN_FINDINGS_MAX) {
        reading->rc = RC_LIMIT;
        return false;
    }
    summary->findings++;
    summary->cut += finding->cut;
    if (reading->sink(reading->context, finding))
        return true;
    reading->rc = RC_END;
    return false;
}

/* ---- how far it is ---- */

#define WATCH_BYTES UINT64_C(65536)

bool reading_passed(struct reading *reading, uint64_t bytes)
{
    if (!reading->watch || bytes - reading->watched < WATCH_BYTES)
        return true;
    reading->watched = bytes;
    if (reading->watch(reading->context, bytes))
        return true;
    reading->rc = RC_END;
    return false;
}

/* Lines up to a byte, from 1. */
static uint32_t line_at(struct str text, uint64_t offset)
{
    uint32_t line = 1;
    for (size_t i = 0; i < text.n && i < offset; i++)
        line += text.p[i] == '\n';
    return line;
}

enum rc reading_json(struct reading *reading, struct json_value **ret_value, struct err *err)
{
    struct err own = {0};
    enum rc rc = json_parse(reading->arena, reading->bytes, JSON_DEPTH, ret_value, &own);
    if (rc == RC_OK && !reading_passed(reading, reading->bytes.n))
        return RC_END;
    if (rc != RC_OK)
        reading->summary->line = line_at(reading->bytes, own.offset);
    if (rc != RC_OK && err)
        *err = own;
    return rc;
}

/* ---- which format ---- */

struct format {
    const char *name;
    enum rc (*read)(struct reading *reading, struct err *err);
};

static bool on_root(void *context, struct str path, const struct xml_attributes *attributes)
{
    static const struct {
        const char *root;
        struct format format;
    } rows[] = {
        {"nmaprun", {"nmap", nmap_read}},
        {"NessusClientData_v2", {"nessus", nessus_read}},
        {"report", {"openvas", openvas_read}},
        {"get_reports_response", {"openvas", openvas_read}},
        {"get_results_response", {"openvas", openvas_read}},
    };
    struct format *format = context;
    (void)attributes;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(path, rows[i].root))
            *format = rows[i].format;
    return false;
}

static bool on_root_end(void *context, struct str path, struct str text)
{
    (void)context, (void)path, (void)text;
    return false;
}

/* By the members of the outermost object: a whole tree of a stranger's file is not made to look. */
static void json_look(struct str bytes, struct format *format)
{
    struct json_reader reader;
    struct json_token token;
    json_reader_init(&reader, bytes, JSON_DEPTH);
    for (enum json_kind kind = json_next(&reader, &token); kind != JSON_END && kind != JSON_ERROR && !format->read;
         kind = json_next(&reader, &token)) {
        if (kind != JSON_KEY || reader.depth != 1)
            continue;
        if (str_is(token.text, "runs"))
            *format = (struct format){"sarif", sarif_read};
        else if (str_is(token.text, "bomFormat") || str_is(token.text, "vulnerabilities"))
            *format = (struct format){"cyclonedx", cyclonedx_read};
    }
}

static enum rc format_find(struct str bytes, struct format *ret_format, struct err *err)
{
    static const struct xml_sink sink = {on_root, on_root_end, NULL};
    struct str text = str_starts(bytes, STR("\xef\xbb\xbf")) ? str_skip(bytes, 3) : bytes;
    struct str begin = str_trim(str_slice(text, 0, MIN(text.n, (size_t)4096)));
    bool is_utf16 = str_starts(bytes, STR("\xff\xfe")) || str_starts(bytes, STR("\xfe\xff"));
    enum rc rc = RC_OK;
    *ret_format = (struct format){0};
    if (is_utf16 || str_starts(begin, STR("<")))
        rc = xml_walk(bytes, &sink, ret_format, err);
    else if (str_starts(begin, STR("{")))
        json_look(text, ret_format);
    else if (begin.n)
        *ret_format = (struct format){"csv", table_read};
    if (ret_format->read)
        return RC_OK;
    if (rc != RC_OK && rc != RC_END)
        return rc;
    return err_set(err, RC_NOT_FOUND,
                   "no report of a scanner: known are XML of nmap, OpenVAS and Nessus, SARIF, CycloneDX and CSV");
}

static enum rc format_read(struct str bytes, const struct scan_reader *reader, struct scan_summary *ret_summary,
                           struct err *err)
{
    struct format format;
    if (bytes.n > SCAN_BYTES_MAX)
        return err_set(err, RC_LIMIT, "a report of a scanner has at most %zu bytes", SCAN_BYTES_MAX);
    enum rc rc = format_find(bytes, &format, err);
    if (rc != RC_OK)
        return rc;
    ret_summary->format = format.name;
    struct reading reading = {.bytes = bytes,
                              .sink = reader->sink,
                              .watch = reader->watch,
                              .context = reader->context,
                              .summary = ret_summary};
    reading.arena = arena_new(REPORT_ARENA);
    reading.texts = arena_new(FINDING_ARENA);
    if (reading.arena && reading.texts) {
        rc = format.read(&reading, err);
        if (reading.rc == RC_LIMIT)
            rc = err_set(err, RC_LIMIT, "the report has more than %u findings, or one that is too large",
                         SCAN_FINDINGS_MAX);
        else if (reading.rc != RC_OK)
            rc = reading.rc;
    } else {
        rc = err_set(err, RC_LIMIT, "no memory for a report");
    }
    arena_free(reading.texts);
    arena_free(reading.arena);
    return rc;
}

static enum scan_fault fault_of(enum rc rc)
{
    if (rc == RC_OK || rc == RC_END)
        return SCAN_FAULT_NONE;
    if (rc == RC_NOT_FOUND)
        return SCAN_FAULT_UNKNOWN;
    if (rc == RC_LIMIT)
        return SCAN_FAULT_LIMIT;
    return rc == RC_DENIED ? SCAN_FAULT_ENTITY : SCAN_FAULT_DAMAGED;
}

enum rc scan_report_watch(struct str bytes, const struct scan_reader *reader, struct scan_summary *ret_summary,
                          struct err *err)
{
    struct err own = {0};
    ASSERT(reader->sink);
    *ret_summary = (struct scan_summary){.format = ""};
    enum rc rc = format_read(bytes, reader, ret_summary, &own);
    ret_summary->fault = (uint8_t)fault_of(rc);
    if (ret_summary->fault && !ret_summary->line && str_starts(str_of(own.text), STR("line ")))
        ret_summary->line = (uint32_t)MIN(own.offset, (uint64_t)UINT32_MAX);
    if (bytes.n > SCAN_BYTES_MAX)
        ret_summary->fault = SCAN_FAULT_LARGE;
    if (rc == RC_NOT_FOUND || rc == RC_DENIED)
        rc = own.code = RC_INVALID; /* inside they tell what was wrong */
    if (err)
        *err = own;
    return rc;
}

enum rc scan_report_read(struct str bytes, scan_sink sink, void *context, struct scan_summary *ret_summary,
                         struct err *err)
{
    const struct scan_reader reader = {.sink = sink, .context = context};
    return scan_report_watch(bytes, &reader, ret_summary, err);
}
