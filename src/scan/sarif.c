/* sarif.c - SARIF 2.1.0: runs/results, with what the tool's rules say of them. A component is a file of the program. */
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "codec/timestamp.h"
#include "scan/reading.h"

#include <stdio.h>

#define RULES_MAX 65536u

struct run {
    struct reading *reading;
    struct str tool;
    const struct json_value **rules; /* by index */
    uint32_t rule_count;
    int64_t seen_ns;
};

static struct str text_at(const struct json_value *object, const char *member, const char *inner)
{
    const struct json_value *value = json_get(object, member);
    return json_str(inner ? json_get(value, inner) : value, STR(""));
}

/* By index; else by id. Tools that have neither name no rule. */
static const struct json_value *rule_find(const struct run *run, const struct json_value *result)
{
    const struct json_value *named = json_get(result, "rule");
    int64_t index = json_int(json_get(result, "ruleIndex"), json_int(json_get(named, "index"), -1));
    struct str id = text_at(result, "ruleId", NULL);
    if (index >= 0 && index < (int64_t)run->rule_count)
        return run->rules[index];
    for (uint32_t i = 0; i < run->rule_count && id.n; i++)
        if (str_eq(text_at(run->rules[i], "id", NULL), id))
            return run->rules[i];
    return NULL;
}

static void place_take(struct reading *reading, const struct json_value *result)
{
    const struct json_value *physical = json_get(json_first(json_get(result, "locations")), "physicalLocation");
    int64_t line = json_int(json_get(json_get(physical, "region"), "startLine"), 0);
    char text[32];
    finding_text(reading, SCAN_COMPONENT, text_at(json_get(physical, "artifactLocation"), "uri", NULL));
    if (line <= 0)
        return;
    snprintf(text, sizeof text, "%lld", (long long)line);
    finding_text(reading, SCAN_PLACE, str_of(text));
}

/* They are inputs to an identity, whichever of them the tool gives. */
static void prints_take(struct reading *reading, const struct json_value *result)
{
    for (const struct json_value *print = json_first(json_get(result, "partialFingerprints")); print;
         print = print->next)
        if (print->kind == JSON_STRING)
            finding_join(reading, SCAN_PRINT, print->text);
}

/* An array of those that were accepted; one that waits for review suppresses nothing. */
static bool is_suppressed(const struct json_value *result)
{
    for (const struct json_value *one = json_first(json_get(result, "suppressions")); one; one = one->next) {
        struct str status = text_at(one, "status", NULL);
        if (!status.n || str_is(status, "accepted"))
            return true;
    }
    return false;
}

/* Kinds other than "fail" (the default) say that nothing is wrong, or nothing is known. */
static bool is_finding(const struct json_value *result)
{
    struct str kind = text_at(result, "kind", NULL);
    struct str baseline = text_at(result, "baselineState", NULL);
    return (!kind.n || str_is(kind, "fail") || str_is(kind, "open") || str_is(kind, "review")) &&
           !str_is(baseline, "absent") && !is_suppressed(result);
}

static bool result_take(struct run *run, const struct json_value *result)
{
    struct reading *reading = run->reading;
    const struct json_value *rule = rule_find(run, result);
    const struct json_value *properties = json_get(rule, "properties");
    struct str id = text_at(result, "ruleId", NULL);
    if (!is_finding(result)) {
        reading->summary->left++;
        return true;
    }
    finding_begin(reading, run->tool);
    reading->finding.seen_ns = run->seen_ns;
    reading->finding.severity = SCAN_MEDIUM; /* "warning" is the default: 3.27.10 */
    finding_text(reading, SCAN_CHECK, id.n ? id : text_at(rule, "id", NULL));
    finding_text(reading, SCAN_TITLE, reading->finding.text[SCAN_CHECK]);
    finding_text(reading, SCAN_TITLE, text_at(rule, "name", NULL));
    finding_text(reading, SCAN_TITLE, text_at(rule, "shortDescription", "text"));
    finding_text(reading, SCAN_DESCRIPTION, text_at(rule, "fullDescription", "text"));
    finding_text(reading, SCAN_SOLUTION, text_at(rule, "help", "text"));
    finding_text(reading, SCAN_EVIDENCE, text_at(result, "message", "text"));
    finding_severity(reading, text_at(json_get(rule, "defaultConfiguration"), "level", NULL));
    finding_severity(reading, text_at(result, "level", NULL));
    finding_score(reading, text_at(properties, "security-severity", NULL));
    finding_cves(reading, reading->finding.text[SCAN_CHECK]);
    finding_cves(reading, reading->finding.text[SCAN_TITLE]);
    place_take(reading, result);
    prints_take(reading, result);
    return finding_end(reading);
}

static bool run_take(struct reading *reading, const struct json_value *value, struct err *err)
{
    const struct json_value *driver = json_get(json_get(value, "tool"), "driver");
    const struct json_value *rules = json_get(driver, "rules");
    const struct json_value *results = json_get(value, "results");
    struct run run = {.reading = reading, .tool = text_at(driver, "name", NULL)};
    struct str time = text_at(json_first(json_get(value, "invocations")), "endTimeUtc", NULL);
    if (!timestamp_iso(time, 0, &run.seen_ns))
        run.seen_ns = 0;
    if (rules && rules->count > RULES_MAX) {
        reading->rc = err_set(err, RC_LIMIT, "a run has more than %u rules", RULES_MAX);
        return false;
    }
    run.rules = arena_alloc_array(reading->arena, rules ? rules->count + 1 : 1, sizeof *run.rules);
    if (!run.rules) {
        reading->rc = RC_LIMIT;
        return false;
    }
    for (const struct json_value *rule = json_first(rules); rule; rule = rule->next)
        run.rules[run.rule_count++] = rule;
    for (const struct json_value *result = json_first(results); result; result = result->next)
        if (!result_take(&run, result))
            return false;
    return true;
}

enum rc sarif_read(struct reading *reading, struct err *err)
{
    struct json_value *log = NULL;
    enum rc rc = reading_json(reading, &log, err);
    if (rc != RC_OK)
        return rc;
    const struct json_value *runs = json_get(log, "runs");
    if (!runs || runs->kind != JSON_ARRAY || !str_is(text_at(log, "version", NULL), "2.1.0"))
        return err_set(err, RC_INVALID, "no SARIF of version 2.1.0");
    for (const struct json_value *run = runs->first; run; run = run->next)
        if (!run_take(reading, run, err))
            return RC_END; /* reading->rc says why */
    return RC_OK;
}
