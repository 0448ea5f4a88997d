/* cyclonedx.c - CycloneDX JSON, 1.4 to 1.6: vulnerabilities, each once for every component it affects, with the
 * analysis of it (VEX). A component is its package URL, else name and version. */
#include "base/buf.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "codec/json.h"
#include "codec/timestamp.h"
#include "scan/reading.h"

#include <string.h>

struct part {
    struct str ref;
    struct str purl;
    struct str name;
    struct str version;
};

struct bom {
    struct reading *reading;
    struct part *parts; /* by the hash of their ref; empty: no ref */
    size_t size;        /* a power of two */
    struct str subject; /* what the whole is about */
    int64_t seen_ns;
};

static struct str member(const struct json_value *object, const char *name)
{
    return json_str(json_get(object, name), STR(""));
}

static struct part *part_at(const struct bom *bom, struct str ref)
{
    uint64_t seed[2] = {(uint64_t)(uintptr_t)bom->parts, bom->size}; /* the file's author does not know where it lies */
    size_t at = siphash(seed, ref.p, ref.n) & (bom->size - 1);
    while (bom->parts[at].ref.n && !str_eq(bom->parts[at].ref, ref))
        at = (at + 1) & (bom->size - 1);
    return &bom->parts[at];
}

static void part_put(struct bom *bom, const struct json_value *component)
{
    struct str ref = member(component, "bom-ref");
    struct part *part = ref.n ? part_at(bom, ref) : NULL;
    if (part && !part->ref.n)
        *part = (struct part){ref, member(component, "purl"), member(component, "name"), member(component, "version")};
}

static bool parts_read(struct bom *bom, const struct json_value *document)
{
    const struct json_value *components = json_get(document, "components");
    const struct json_value *subject = json_get(json_get(document, "metadata"), "component");
    size_t count = (components ? components->count : 0) + 1;
    for (bom->size = 16; bom->size < 2 * count;)
        bom->size *= 2;
    bom->parts = arena_alloc_array(bom->reading->arena, bom->size, sizeof *bom->parts);
    if (!bom->parts)
        return false;
    part_put(bom, subject);
    for (const struct json_value *component = json_first(components); component; component = component->next)
        part_put(bom, component);
    bom->subject = member(subject, "name");
    return true;
}

/* The ref of another document's part, "urn:cdx:.../1#ref", is what stands behind the mark. */
static void component_take(const struct bom *bom, struct str ref)
{
    struct reading *reading = bom->reading;
    struct str inner = ref;
    IGNORE(str_cut(&inner, '#').n == 0);
    const struct part *part = part_at(bom, str_starts(ref, STR("urn:cdx:")) && inner.n ? inner : ref);
    if (part->purl.n || !part->name.n) {
        finding_text(reading, SCAN_COMPONENT, part->purl.n ? part->purl : ref);
        return;
    }
    char storage[1024];
    struct buf name;
    buf_init_fixed(&name, storage, sizeof storage);
    buf_format(&name, "%.*s %.*s", STR_ARG(part->name), STR_ARG(part->version));
    finding_text(reading, SCAN_COMPONENT, name.overflow ? part->name : buf_view(&name));
}

/* CycloneDX 1.6, vulnerability analysis: states. */
static uint8_t verdict_of(struct str state)
{
    if (str_is(state, "resolved") || str_is(state, "resolved_with_pedigree"))
        return SCAN_FIXED;
    return str_is(state, "false_positive") || str_is(state, "not_affected") ? SCAN_FALSE : SCAN_OPEN;
}

static bool vulnerability_take(struct bom *bom, const struct json_value *value, struct str ref)
{
    struct reading *reading = bom->reading;
    const struct json_value *analysis = json_get(value, "analysis");
    struct str id = member(value, "id");
    int64_t time_ns = 0;
    finding_begin(reading, STR("cyclonedx"));
    struct str first = member(analysis, "firstIssued");
    reading->finding.seen_ns = first.n && timestamp_iso(first, 0, &time_ns) ? time_ns : bom->seen_ns;
    finding_text(reading, SCAN_CHECK, id);
    finding_text(reading, SCAN_TITLE, id);
    finding_cves(reading, id);
    for (const struct json_value *same = json_first(json_get(value, "references")); same; same = same->next)
        finding_cves(reading, member(same, "id"));
    finding_text(reading, SCAN_HOST, bom->subject);
    component_take(bom, ref);
    finding_text(reading, SCAN_DESCRIPTION, member(value, "description"));
    finding_join(reading, SCAN_DESCRIPTION, member(value, "detail"));
    finding_text(reading, SCAN_SOLUTION, member(value, "recommendation"));
    for (const struct json_value *rating = json_first(json_get(value, "ratings")); rating; rating = rating->next) {
        const struct json_value *score = json_get(rating, "score");
        finding_severity(reading, member(rating, "severity"));
        if (score && score->kind == JSON_NUMBER)
            finding_score(reading, score->text);
    }
    reading->finding.verdict = verdict_of(member(analysis, "state"));
    finding_text(reading, SCAN_EVIDENCE, member(analysis, "justification"));
    finding_join(reading, SCAN_EVIDENCE, member(analysis, "detail"));
    return finding_end(reading);
}

enum rc cyclonedx_read(struct reading *reading, struct err *err)
{
    struct json_value *document = NULL;
    struct bom bom = {.reading = reading};
    enum rc rc = reading_json(reading, &document, err);
    if (rc != RC_OK)
        return rc;
    const struct json_value *list = json_get(document, "vulnerabilities");
    if (!str_is(member(document, "bomFormat"), "CycloneDX") || (list && list->kind != JSON_ARRAY))
        return err_set(err, RC_INVALID, "no CycloneDX document");
    if (!parts_read(&bom, document))
        return err_set(err, RC_LIMIT, "no memory for the components of a document");
    if (!timestamp_iso(member(json_get(document, "metadata"), "timestamp"), 0, &bom.seen_ns))
        bom.seen_ns = 0;
    for (const struct json_value *value = json_first(list); value; value = value->next) {
        const struct json_value *affects = json_first(json_get(value, "affects"));
        if (!affects && !vulnerability_take(&bom, value, STR("")))
            return RC_END;
        for (; affects; affects = affects->next)
            if (!vulnerability_take(&bom, value, member(affects, "ref")))
                return RC_END;
    }
    return RC_OK;
}
