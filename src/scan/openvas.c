/* openvas.c - reports of OpenVAS and Greenbone as GMP gives them: .../results/result, whatever report they lie in. */
#include "base/macros.h"
#include "codec/timestamp.h"
#include "codec/xml.h"
#include "scan/reading.h"

struct openvas {
    struct reading *reading;
    bool in_result;
    bool is_log; /* the threat says that nothing is wrong */
};

static bool on_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct openvas *openvas = context;
    struct reading *reading = openvas->reading;
    if (str_ends(path, STR("/results/result")) || str_is(path, "get_results_response/result")) {
        finding_begin(reading, STR("openvas"));
        openvas->in_result = true;
        openvas->is_log = false;
    }
    if (!openvas->in_result)
        return true;
    if (str_ends(path, STR("/result/nvt")))
        finding_text(reading, SCAN_CHECK, xml_attribute(attributes, "oid"));
    else if (str_ends(path, STR("/nvt/refs/ref")))
        finding_cves(reading, xml_attribute(attributes, "id"));
    return true;
}

/* "443/tcp", "general/tcp" */
static void port_take(struct reading *reading, struct str text)
{
    struct str rest = str_trim(text);
    finding_port(reading, str_cut(&rest, '/'));
    finding_text(reading, SCAN_PROTOCOL, str_slice(rest, 0, str_find(rest, ' ')));
}

static void time_take(struct reading *reading, struct str text)
{
    int64_t time_ns;
    if (timestamp_iso(str_trim(text), 0, &time_ns))
        reading->finding.seen_ns = time_ns;
}

/* tags of old reports: "summary=...|insight=...|solution=..." */
static void tags_take(struct reading *reading, struct str text)
{
    for (struct str rest = text; rest.n;) {
        struct str value = str_cut(&rest, '|');
        struct str name = str_cut(&value, '=');
        if (str_is(name, "summary") || str_is(name, "insight"))
            finding_join(reading, SCAN_DESCRIPTION, value);
        else if (str_is(name, "solution"))
            finding_text(reading, SCAN_SOLUTION, value);
        else if (str_is(name, "cvss_base"))
            finding_score(reading, value);
    }
}

static const struct {
    const char *path;
    enum scan_text text;
} rows[] = {
    {"/result/name", SCAN_TITLE},
    {"/result/nvt/name", SCAN_TITLE},
    {"/result/host", SCAN_ADDRESS},
    {"/result/host/hostname", SCAN_HOST},
    {"/result/nvt/solution", SCAN_SOLUTION},
    {"/result/description", SCAN_EVIDENCE},
};

static void result_take(struct openvas *openvas, struct str path, struct str text)
{
    struct reading *reading = openvas->reading;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_ends(path, str_of(rows[i].path)))
            finding_text(reading, rows[i].text, text);
    if (str_ends(path, STR("/result/port")))
        port_take(reading, text);
    else if (str_ends(path, STR("/result/severity")) || str_ends(path, STR("/nvt/cvss_base")))
        finding_score(reading, text);
    else if (str_ends(path, STR("/result/creation_time")) || str_ends(path, STR("/result/modification_time")))
        time_take(reading, text);
    else if (str_ends(path, STR("/nvt/cve")))
        finding_cves(reading, text);
    else if (str_ends(path, STR("/nvt/tags")))
        tags_take(reading, text);
    if (str_ends(path, STR("/result/threat"))) {
        struct str threat = str_trim(text);
        openvas->is_log = str_is(threat, "Log") || str_is(threat, "Debug");
        reading->finding.verdict = str_is(threat, "False Positive") ? SCAN_FALSE : SCAN_OPEN;
        finding_severity(reading, threat);
    }
}

static bool on_end(void *context, struct str path, struct str text)
{
    struct openvas *openvas = context;
    struct reading *reading = openvas->reading;
    if (str_ends(path, STR("/host_count/full")))
        IGNORE(!str_to_u64(str_trim(text), &reading->summary->hosts));
    if (!openvas->in_result)
        return true;
    if (!str_ends(path, STR("/result"))) {
        result_take(openvas, path, text);
        return true;
    }
    openvas->in_result = false;
    if (openvas->is_log) {
        reading->summary->left++;
        return true;
    }
    return finding_end(reading);
}

static bool on_fed(void *context, size_t bytes)
{
    struct openvas *openvas = context;
    return reading_passed(openvas->reading, bytes);
}

enum rc openvas_read(struct reading *reading, struct err *err)
{
    static const struct xml_sink sink = {on_begin, on_end, on_fed};
    struct openvas openvas = {.reading = reading};
    return xml_walk(reading->bytes, &sink, &openvas, err);
}
