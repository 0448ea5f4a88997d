/* nessus.c - .nessus files, version 2: Report/ReportHost/ReportItem. Items of severity 0 are information. */
#include "base/macros.h"
#include "codec/timestamp.h"
#include "codec/xml.h"
#include "scan/reading.h"

#include <string.h>

#define ITEM "NessusClientData_v2/Report/ReportHost/ReportItem"
#define TAG  "NessusClientData_v2/Report/ReportHost/HostProperties/tag"

struct nessus {
    struct reading *reading;
    bool is_information;
    int64_t seen_ns;
    char tag[64];   /* name of the property that is open */
    char name[256]; /* as the report calls the host: a name or an address */
    char address[64];
    char host[256];
};

static bool is_address(struct str text)
{
    bool dotted = text.n > 0;
    for (size_t i = 0; i < text.n; i++)
        dotted = dotted && (char_is_digit(text.p[i]) || text.p[i] == '.');
    return dotted || str_find(text, ':') < text.n;
}

static void item_begin(struct nessus *nessus, const struct xml_attributes *attributes)
{
    struct reading *reading = nessus->reading;
    struct str name = str_of(nessus->name);
    struct str severity = xml_attribute(attributes, "severity");
    finding_begin(reading, STR("nessus"));
    reading->finding.seen_ns = nessus->seen_ns;
    finding_text(reading, SCAN_ADDRESS, nessus->address[0] || !is_address(name) ? str_of(nessus->address) : name);
    finding_text(reading, SCAN_HOST, nessus->host[0] || is_address(name) ? str_of(nessus->host) : name);
    finding_port(reading, xml_attribute(attributes, "port"));
    finding_text(reading, SCAN_PROTOCOL, xml_attribute(attributes, "protocol"));
    finding_text(reading, SCAN_CHECK, xml_attribute(attributes, "pluginID"));
    finding_text(reading, SCAN_TITLE, xml_attribute(attributes, "pluginName"));
    nessus->is_information = str_is(severity, "0");
    if (severity.n == 1 && severity.p[0] >= '0' && severity.p[0] <= '4')
        reading->finding.severity = (uint8_t)(severity.p[0] - '0');
}

static bool on_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct nessus *nessus = context;
    if (str_is(path, "NessusClientData_v2/Report/ReportHost")) {
        reading_keep(xml_attribute(attributes, "name"), nessus->name, sizeof nessus->name);
        nessus->address[0] = nessus->host[0] = '\0';
        nessus->seen_ns = 0;
        nessus->reading->summary->hosts++;
    } else if (str_is(path, TAG)) {
        reading_keep(xml_attribute(attributes, "name"), nessus->tag, sizeof nessus->tag);
    } else if (str_is(path, ITEM)) {
        item_begin(nessus, attributes);
    }
    return true;
}

static void tag_take(struct nessus *nessus, struct str text)
{
    if (strcmp(nessus->tag, "host-ip") == 0)
        reading_keep(text, nessus->address, sizeof nessus->address);
    else if (strcmp(nessus->tag, "host-fqdn") == 0 || (strcmp(nessus->tag, "hostname") == 0 && !nessus->host[0]))
        reading_keep(text, nessus->host, sizeof nessus->host);
    else if (strcmp(nessus->tag, "HOST_START_TIMESTAMP") == 0)
        IGNORE(timestamp_epoch(text, &nessus->seen_ns) == 0);
}

static const struct {
    const char *path;
    enum scan_text text;
} rows[] = {
    {ITEM "/description", SCAN_DESCRIPTION},
    {ITEM "/solution", SCAN_SOLUTION},
    {ITEM "/plugin_output", SCAN_EVIDENCE},
};

static void item_take(struct reading *reading, struct str path, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(path, rows[i].path))
            finding_text(reading, rows[i].text, text);
    if (str_is(path, ITEM "/cve"))
        finding_cves(reading, text);
    else if (str_is(path, ITEM "/cvss_base_score") || str_is(path, ITEM "/cvss3_base_score") ||
             str_is(path, ITEM "/cvss4_base_score"))
        finding_score(reading, text);
}

static bool on_end(void *context, struct str path, struct str text)
{
    struct nessus *nessus = context;
    if (str_is(path, TAG)) {
        tag_take(nessus, text);
    } else if (str_is(path, ITEM)) {
        if (!nessus->is_information)
            return finding_end(nessus->reading);
        nessus->reading->summary->left++;
    } else if (str_starts(path, STR(ITEM "/"))) {
        item_take(nessus->reading, path, text);
    }
    return true;
}

static bool on_fed(void *context, size_t bytes)
{
    struct nessus *nessus = context;
    return reading_passed(nessus->reading, bytes);
}

enum rc nessus_read(struct reading *reading, struct err *err)
{
    static const struct xml_sink sink = {on_begin, on_end, on_fed};
    struct nessus nessus = {.reading = reading};
    return xml_walk(reading->bytes, &sink, &nessus, err);
}
