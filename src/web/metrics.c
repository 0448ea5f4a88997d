/* /metrics - numbers for programs that watch the service: text of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). One row of a table is one metric; what it shows
 * stands in an answer of desk or query. A part that does not answer takes its metrics with it, and says so in
 * qorgan_part_up: that one is silent must not hide the others. Labels are of lists that are bounded where they are
 * made, and are cut here. */
#include "base/assert.h"
#include "web/parts.h"
#include "web/route.h"

#include <inttypes.h>
#include <string.h>

#define ROWS_MAX   64u /* of one metric with labels */
#define SECOND     INT64_C(1000000000)
#define LABELS_MAX 2

enum answer {
    PART_SOURCES,
    PART_AGENTS,
    PART_RULES,
    PART_WITNESSES,
    PART_ARCHIVE,
    PART_RECEIVERS,
    PART_LOSSES,
    PART_DESK
};

static const struct {
    enum web_peer peer;
    const char *ask;
    bool page; /* of which only the totals are wanted */
} parts[] = {
    [PART_SOURCES] = {WEB_DESK, "source.list", true}, [PART_AGENTS] = {WEB_DESK, "agent.list", true},
    [PART_RULES] = {WEB_DESK, "rule.list", true},     [PART_WITNESSES] = {WEB_DESK, "witness.list", false},
    [PART_ARCHIVE] = {WEB_QUERY, "archive", false},   [PART_RECEIVERS] = {WEB_DESK, "receiver.list", false},
    [PART_LOSSES] = {WEB_DESK, "loss.list", true},    [PART_DESK] = {WEB_DESK, "metrics.get", false},
};

enum unit {
    PLAIN,
    SECONDS /* the answer has nanoseconds; 0: not known, left out */,
    RUN_SECONDS /* the same; 0 is one */
};

/* A number of an answer. `in`: the object that it stands in, NULL: the answer itself; `list`: it stands in each row. */
static const struct metric {
    const char *name;
    const char *type;
    enum answer part;
    const char *in;
    const char *list;
    const char *member;
    enum unit unit;
    const char *labels[LABELS_MAX]; /* members of a row */
    const char *help;
} metrics[] = {
    {"qorgan_records_received_total",
     "counter",
     PART_SOURCES,
     "totals",
     NULL,
     "records",
     PLAIN,
     {0},
     "Records that engines have read, of all sources."},
    {"qorgan_records_not_understood_total",
     "counter",
     PART_SOURCES,
     "totals",
     NULL,
     "not_understood",
     PLAIN,
     {0},
     "Records of which no format was known."},
    {"qorgan_records_dropped_total",
     "counter",
     PART_SOURCES,
     "totals",
     NULL,
     "dropped",
     PLAIN,
     {0},
     "Records that sources say they dropped, or whose numbers are missing."},
    {"qorgan_sources", "gauge", PART_SOURCES, "totals", NULL, "sources", PLAIN, {0}, "Sources known."},
    {"qorgan_sources_silent", "gauge", PART_SOURCES, "totals", NULL, "silent", PLAIN, {0}, "Sources that fell silent."},
    {"qorgan_durable_records",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "durable",
     PLAIN,
     {0},
     "Records that are on disk, as the keeper said last."},
    {"qorgan_checkpoint_records",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "checkpoint_size",
     PLAIN,
     {0},
     "Records under the newest checkpoint."},
    {"qorgan_checkpoint_timestamp_seconds",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "checkpoint_ns",
     SECONDS,
     {0},
     "When the newest checkpoint was signed."},
    {"qorgan_disk_free_bytes",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "disk_free",
     PLAIN,
     {0},
     "Free on the disk of the archive."},
    {"qorgan_rules_behind",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "rules_behind",
     PLAIN,
     {0},
     "Processes that work with the rules of before."},
    {"qorgan_indicator_lists_behind",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "lists_behind",
     PLAIN,
     {0},
     "Processes that could not read all lists of indicators."},
    {"qorgan_canary_troubles",
     "gauge",
     PART_SOURCES,
     "totals",
     NULL,
     "canary_troubles",
     PLAIN,
     {0},
     "Places of the service where canaries stop."},
    {"qorgan_archive_records", "gauge", PART_ARCHIVE, NULL, NULL, "records", PLAIN, {0}, "Records in the archive."},
    {"qorgan_archive_segments", "gauge", PART_ARCHIVE, NULL, NULL, "segments", PLAIN, {0}, "Sealed segments."},
    {"qorgan_archive_raw_bytes",
     "gauge",
     PART_ARCHIVE,
     NULL,
     NULL,
     "bytes_raw",
     PLAIN,
     {0},
     "Bytes of the records in sealed segments, as they came."},
    {"qorgan_archive_stored_bytes",
     "gauge",
     PART_ARCHIVE,
     NULL,
     NULL,
     "bytes_stored",
     PLAIN,
     {0},
     "Bytes of sealed segments on disk."},
    {"qorgan_archive_newest_timestamp_seconds",
     "gauge",
     PART_ARCHIVE,
     NULL,
     NULL,
     "newest_ns",
     SECONDS,
     {0},
     "When the newest record was received."},
    {"qorgan_rules", "gauge", PART_RULES, "totals", NULL, "rules", PLAIN, {0}, "Rules loaded."},
    {"qorgan_rules_active", "gauge", PART_RULES, "totals", NULL, "active", PLAIN, {0}, "Rules that run."},
    {"qorgan_rules_refused",
     "gauge",
     PART_RULES,
     "totals",
     NULL,
     "refused",
     PLAIN,
     {0},
     "Rules that could not be loaded."},
    {"qorgan_engine_events_total",
     "counter",
     PART_RULES,
     "totals",
     NULL,
     "events",
     PLAIN,
     {0},
     "Events that engines have judged."},
    {"qorgan_engine_rule_seconds_total",
     "counter",
     PART_RULES,
     "totals",
     NULL,
     "ns",
     RUN_SECONDS,
     {0},
     "Time that engines spent on rules."},
    {"qorgan_rule_hits_total", "counter", PART_DESK, NULL, NULL, "rule_hits", PLAIN, {0}, "Hits of all rules."},
    {"qorgan_agents", "gauge", PART_AGENTS, "totals", NULL, "agents", PLAIN, {0}, "Agents enrolled."},
    {"qorgan_agents_connected", "gauge", PART_AGENTS, "totals", NULL, "connected", PLAIN, {0}, "Agents connected."},
    {"qorgan_agents_silent", "gauge", PART_AGENTS, "totals", NULL, "silent", PLAIN, {0}, "Agents that fell silent."},
    {"qorgan_agents_contradicting",
     "gauge",
     PART_AGENTS,
     "totals",
     NULL,
     "contradicts",
     PLAIN,
     {0},
     "Agents of which there seem to be two."},
    {"qorgan_witness_cosignature_timestamp_seconds",
     "gauge",
     PART_WITNESSES,
     NULL,
     "witnesses",
     "time_ns",
     SECONDS,
     {"name"},
     "When the witness cosigned last."},
    {"qorgan_witness_cosigned_records",
     "gauge",
     PART_WITNESSES,
     NULL,
     "witnesses",
     "size",
     PLAIN,
     {"name"},
     "Records under the last checkpoint that the witness cosigned."},
    {"qorgan_receiver_next_record",
     "gauge",
     PART_RECEIVERS,
     NULL,
     "receivers",
     "next",
     PLAIN,
     {"name"},
     "First record that was not given on to the receiver."},
    {"qorgan_receiver_waiting_since_timestamp_seconds",
     "gauge",
     PART_RECEIVERS,
     NULL,
     "receivers",
     "waiting_ns",
     SECONDS,
     {"name"},
     "When the first record that waits for the receiver was received."},
    {"qorgan_losses",
     "gauge",
     PART_LOSSES,
     NULL,
     "causes",
     "losses",
     PLAIN,
     {"cause", "unit"},
     "Losses in the ledger."},
    {"qorgan_losses_unexplained",
     "gauge",
     PART_LOSSES,
     NULL,
     "causes",
     "open",
     PLAIN,
     {"cause", "unit"},
     "Losses in the ledger that nobody explained."},
    {"qorgan_lost",
     "gauge",
     PART_LOSSES,
     NULL,
     "causes",
     "count",
     PLAIN,
     {"cause", "unit"},
     "What was lost at least, by losses in the ledger."},
    {"qorgan_incidents_open", "gauge", PART_DESK, NULL, "incidents", "count", PLAIN, {"severity"}, "Open incidents."},
    {"qorgan_vulnerabilities_open",
     "gauge",
     PART_DESK,
     NULL,
     "vulnerabilities",
     "count",
     PLAIN,
     {"severity"},
     "Open vulnerabilities."},
    {"qorgan_terms_running",
     "gauge",
     PART_DESK,
     NULL,
     NULL,
     "terms_running",
     PLAIN,
     {0},
     "Terms of the acts that run."},
    {"qorgan_terms_overdue",
     "gauge",
     PART_DESK,
     NULL,
     NULL,
     "terms_overdue",
     PLAIN,
     {0},
     "Terms of the acts that are overdue."},
    {"qorgan_notices_waiting", "gauge", PART_DESK, NULL, NULL, "notices_waiting", PLAIN, {0}, "Notices not sent yet."},
    {"qorgan_notices_failed",
     "gauge",
     PART_DESK,
     NULL,
     NULL,
     "notices_failed",
     PLAIN,
     {0},
     "Notices that were given up."},
    {"qorgan_desk_records_waiting",
     "gauge",
     PART_DESK,
     NULL,
     NULL,
     "records_waiting",
     PLAIN,
     {0},
     "Records of the desk that wait for the archive."},
    {"qorgan_sessions", "gauge", PART_DESK, NULL, NULL, "sessions", PLAIN, {0}, "Sessions of people."},
    {"qorgan_tokens", "gauge", PART_DESK, NULL, NULL, "tokens", PLAIN, {0}, "Tokens of programs that nobody ended."},
};

static void label_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\\' || value.p[i] == '"')
            buf_char(out, '\\');
        if (value.p[i] == '\n')
            buf_text(out, "\\n");
        else
            buf_char(out, value.p[i]);
    }
}

static void sample_put(struct buf *out, const struct metric *m, const struct json_value *row)
{
    const struct json_value *value = json_get(row, m->member);
    int64_t number = json_int(value, 0);
    if (!value || value->kind != JSON_NUMBER || (m->unit == SECONDS && number == 0))
        return;
    buf_text(out, m->name);
    for (size_t i = 0; i < LABELS_MAX && m->labels[i]; i++) {
        buf_format(out, "%s%s=\"", i ? "," : "{", m->labels[i]);
        label_value(out, of_text(row, m->labels[i]));
        buf_char(out, '"');
    }
    buf_text(out, m->labels[0] ? "} " : " ");
    if (m->unit == PLAIN)
        buf_format(out, "%" PRId64 "\n", number);
    else
        buf_format(out, "%s%" PRIu64 ".%09" PRIu64 "\n", number < 0 ? "-" : "",
                   (uint64_t)(number < 0 ? -number : number) / SECOND,
                   (uint64_t)(number < 0 ? -number : number) % SECOND);
}

static void head_put(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metric_put(struct buf *out, const struct metric *m, const struct json_value *answer)
{
    const struct json_value *object = m->in ? json_get(answer, m->in) : answer;
    size_t count = 0;
    head_put(out, m->name, m->type, m->help);
    if (!m->list)
        sample_put(out, m, object);
    for (const struct json_value *row = m->list ? json_first(json_get(object, m->list)) : NULL; row && count < ROWS_MAX;
         row = row->next, count++)
        sample_put(out, m, row);
}

static void ask_parts(struct web_call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct buf *buf = call_ask(call, parts[i].peer, parts[i].ask);
        if (parts[i].page)
            json_put_int(buf, "limit", 1);
        call_ask_end(call);
    }
}

void page_metrics(struct web_call *call)
{
    struct buf *out = &call->out;
    _Static_assert(ARRAY_LEN(parts) <= WEB_QUESTIONS_MAX, "one question a part");
    if (call->phase == 0) {
        ask_parts(call);
        return;
    }
    buf_clear(out);
    head_put(out, "qorgan_part_up", "gauge", "1: the part answered, its metrics are here.");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_format(out, "qorgan_part_up{part=\"%s\"} %d\n", parts[i].ask, call_answer(call, i) != NULL);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (call_answer(call, metrics[i].part))
            metric_put(out, &metrics[i], call_answer(call, metrics[i].part));
    call_bytes(call, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(out));
}
