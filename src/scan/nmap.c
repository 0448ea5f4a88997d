/* nmap.c - nmap -oX. A finding is what a script says is vulnerable: by the library "vulns" (a table with a state), or
 * by "vulners" (a table of known vulnerabilities for each software). That a port is open is none. */
#include "base/macros.h"
#include "codec/timestamp.h"
#include "codec/xml.h"
#include "scan/reading.h"

#include <string.h>

enum script { SCRIPT_NONE, SCRIPT_VULNS, SCRIPT_VULNERS };

struct nmap {
    struct reading *reading;
    enum script script;
    bool is_vulnerable;
    bool is_decided; /* the table has a state */
    bool in_description;
    uint16_t port;
    int64_t seen_ns;
    char id[128];  /* of the script */
    char key[128]; /* of the element that is open */
    char software[256];
    char address[64];
    char host[256];
    char protocol[16];
};

static void software_put(struct nmap *nmap, struct str word)
{
    size_t n = strlen(nmap->software);
    if (!word.n || n + word.n + 2 > sizeof nmap->software)
        return;
    if (n)
        nmap->software[n++] = ' ';
    memcpy(nmap->software + n, word.p, word.n);
    nmap->software[n + word.n] = '\0';
}

static void table_begin(struct nmap *nmap, struct str key)
{
    struct reading *reading = nmap->reading;
    finding_begin(reading, STR("nmap"));
    reading->finding.port = nmap->port;
    reading->finding.seen_ns = nmap->seen_ns;
    finding_text(reading, SCAN_CHECK, str_of(nmap->id));
    finding_text(reading, SCAN_ADDRESS, str_of(nmap->address));
    finding_text(reading, SCAN_HOST, str_of(nmap->host));
    finding_text(reading, SCAN_PROTOCOL, str_of(nmap->protocol));
    finding_text(reading, SCAN_COMPONENT, str_of(nmap->software));
    finding_text(reading, SCAN_PRINT, key);
    finding_cves(reading, key);
    nmap->is_vulnerable = nmap->is_decided = false;
}

static void host_begin(struct nmap *nmap, const struct xml_attributes *attributes)
{
    struct str time = xml_attribute(attributes, "starttime");
    nmap->address[0] = nmap->host[0] = nmap->software[0] = nmap->protocol[0] = '\0';
    nmap->port = 0;
    nmap->seen_ns = 0;
    IGNORE(timestamp_epoch(time, &nmap->seen_ns) == 0);
    nmap->reading->summary->hosts++;
}

static void port_begin(struct nmap *nmap, const struct xml_attributes *attributes)
{
    uint64_t port = 0;
    IGNORE(!str_to_u64(xml_attribute(attributes, "portid"), &port));
    nmap->port = port <= UINT16_MAX ? (uint16_t)port : 0;
    nmap->software[0] = '\0';
    reading_keep(xml_attribute(attributes, "protocol"), nmap->protocol, sizeof nmap->protocol);
}

static void script_begin(struct nmap *nmap, const struct xml_attributes *attributes)
{
    reading_keep(xml_attribute(attributes, "id"), nmap->id, sizeof nmap->id);
    nmap->script = strcmp(nmap->id, "vulners") == 0 ? SCRIPT_VULNERS : SCRIPT_VULNS;
}

static bool on_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct nmap *nmap = context;
    struct str key = xml_attribute(attributes, "key");
    if (str_is(path, "nmaprun/host")) {
        host_begin(nmap, attributes);
    } else if (str_is(path, "nmaprun/host/address")) {
        if (!nmap->address[0] && !str_is(xml_attribute(attributes, "addrtype"), "mac"))
            reading_keep(xml_attribute(attributes, "addr"), nmap->address, sizeof nmap->address);
    } else if (str_ends(path, STR("/hostnames/hostname"))) {
        if (!nmap->host[0])
            reading_keep(xml_attribute(attributes, "name"), nmap->host, sizeof nmap->host);
    } else if (str_ends(path, STR("/ports/port"))) {
        port_begin(nmap, attributes);
    } else if (str_ends(path, STR("/port/service"))) {
        software_put(nmap, xml_attribute(attributes, "product"));
        software_put(nmap, xml_attribute(attributes, "version"));
    } else if (str_ends(path, STR("/script"))) {
        script_begin(nmap, attributes);
    } else if (nmap->script == SCRIPT_VULNS && str_ends(path, STR("/script/table"))) {
        table_begin(nmap, key);
    } else if (nmap->script == SCRIPT_VULNERS && str_ends(path, STR("/script/table/table"))) {
        table_begin(nmap, STR_NONE);
    }
    if (str_ends(path, STR("/script/table/table")))
        nmap->in_description = str_is(key, "description");
    if (str_ends(path, STR("/elem")))
        reading_keep(key, nmap->key, sizeof nmap->key);
    return true;
}

static void vulners_take(struct nmap *nmap, struct str text)
{
    struct reading *reading = nmap->reading;
    if (strcmp(nmap->key, "id") == 0) {
        finding_text(reading, SCAN_PRINT, text);
        finding_text(reading, SCAN_TITLE, text);
        finding_cves(reading, text);
        nmap->is_vulnerable = nmap->is_decided = true;
    } else if (strcmp(nmap->key, "cvss") == 0) {
        finding_score(reading, text);
    }
}

/* "VULNERABLE", "VULNERABLE (Exploitable)", "LIKELY VULNERABLE"; not "NOT VULNERABLE". */
static void state_take(struct nmap *nmap, struct str text)
{
    nmap->is_decided = true;
    nmap->is_vulnerable = str_starts(text, STR("VULNERABLE")) || str_starts(text, STR("LIKELY VULNERABLE"));
    finding_join(nmap->reading, SCAN_EVIDENCE, text);
}

static void vulns_take(struct nmap *nmap, struct str path, struct str text)
{
    struct reading *reading = nmap->reading;
    const char *key = nmap->key;
    if (str_ends(path, STR("/script/table/elem"))) {
        if (strcmp(key, "title") == 0)
            finding_text(reading, SCAN_TITLE, text);
        else if (strcmp(key, "state") == 0)
            state_take(nmap, text);
        else if (strcmp(key, "risk_factor") == 0 || strcmp(key, "risk") == 0)
            finding_severity(reading, text);
    } else if (str_ends(path, STR("/script/table/table/elem"))) {
        finding_cves(reading, text);
        if (str_starts(str_of(key), STR("CVSS")))
            finding_score(reading, str_slice(text, 0, str_find(text, ' ')));
        else if (nmap->in_description)
            finding_join(reading, SCAN_DESCRIPTION, text);
    }
}

static bool on_end(void *context, struct str path, struct str text)
{
    struct nmap *nmap = context;
    bool is_vulners = nmap->script == SCRIPT_VULNERS;
    if (str_ends(path, STR("/port"))) {
        nmap->port = 0;
        nmap->protocol[0] = nmap->software[0] = '\0';
    }
    if (nmap->script == SCRIPT_NONE)
        return true;
    if (str_ends(path, is_vulners ? STR("/script/table/table") : STR("/script/table"))) {
        if (nmap->is_vulnerable)
            return finding_end(nmap->reading);
        nmap->reading->summary->left += nmap->is_decided;
    } else if (str_ends(path, STR("/elem"))) {
        if (!is_vulners)
            vulns_take(nmap, path, text);
        else if (str_ends(path, STR("/script/table/table/elem")))
            vulners_take(nmap, text);
        nmap->key[0] = '\0';
    } else if (str_ends(path, STR("/script"))) {
        nmap->script = SCRIPT_NONE;
    }
    return true;
}

static bool on_fed(void *context, size_t bytes)
{
    struct nmap *nmap = context;
    return reading_passed(nmap->reading, bytes);
}

enum rc nmap_read(struct reading *reading, struct err *err)
{
    static const struct xml_sink sink = {on_begin, on_end, on_fed};
    struct nmap nmap = {.reading = reading};
    return xml_walk(reading->bytes, &sink, &nmap, err);
}
