/* /metrics - numbers for programs that watch the service: text of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). One row of a table is one metric; what it shows
 * stands in an answer of desk or query. A part that does not answer takes its metrics with it, and says so in
 * qorgan_part_up: that one is silent must not hide the others. Labels are of lists that are bounded where they are
 * made, and are cut here. */
#include "base/assert.h"
#include "base/program_version.h"
#include "web/parts.h"
#include "web/route.h"

#include <inttypes.h>
#include <string.h>

#define ROWS_MAX   64u /* of one metric with labels */
#define SECOND     UINT64_C(1000000000)
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

/* Rows of the table below: of an answer's totals, of the answer itself, of every row of a list in it. */
#define TOTAL(name, type, part, member, unit, help)                                                                    \
    {                                                                                                                  \
        name, type, part, "totals", NULL, member, unit, {0}, help                                                      \
    }
#define ONE(name, type, part, member, unit, help)                                                                      \
    {                                                                                                                  \
        name, type, part, NULL, NULL, member, unit, {0}, help                                                          \
    }
#define EACH(name, part, list, member, unit, help, ...)                                                                \
    {                                                                                                                  \
        name, "gauge", part, NULL, list, member, unit, {__VA_ARGS__}, help                                             \
    }

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
    TOTAL("qorgan_records_received_total", "counter", PART_SOURCES, "records", PLAIN,
          "Records that engines have read, of all sources."),
    TOTAL("qorgan_records_not_understood_total", "counter", PART_SOURCES, "not_understood", PLAIN,
          "Records of which no format was known."),
    TOTAL("qorgan_records_dropped_total", "counter", PART_SOURCES, "dropped", PLAIN,
          "Records that sources say they dropped, or whose numbers are missing."),
    TOTAL("qorgan_sources", "gauge", PART_SOURCES, "sources", PLAIN, "Sources known."),
    TOTAL("qorgan_sources_silent", "gauge", PART_SOURCES, "silent", PLAIN, "Sources that fell silent."),
    TOTAL("qorgan_durable_records", "gauge", PART_SOURCES, "durable", PLAIN,
          "Records that are on disk, as the keeper said last."),
    TOTAL("qorgan_checkpoint_records", "gauge", PART_SOURCES, "checkpoint_size", PLAIN,
          "Records under the newest checkpoint."),
    TOTAL("qorgan_checkpoint_timestamp_seconds", "gauge", PART_SOURCES, "checkpoint_ns", SECONDS,
          "When the newest checkpoint was signed."),
    TOTAL("qorgan_disk_free_bytes", "gauge", PART_SOURCES, "disk_free", PLAIN, "Free on the disk of the archive."),
    TOTAL("qorgan_rules_behind", "gauge", PART_SOURCES, "rules_behind", PLAIN,
          "Processes that work with the rules of before."),
    TOTAL("qorgan_patterns_behind", "gauge", PART_SOURCES, "patterns_behind", PLAIN,
          "Processes that could not take all patterns of people."),
    TOTAL("qorgan_indicator_lists_behind", "gauge", PART_SOURCES, "lists_behind", PLAIN,
          "Processes that could not read all lists of indicators."),
    TOTAL("qorgan_canary_troubles", "gauge", PART_SOURCES, "canary_troubles", PLAIN,
          "Places of the service where canaries stop."),
    ONE("qorgan_archive_records", "gauge", PART_ARCHIVE, "records", PLAIN, "Records in the archive."),
    ONE("qorgan_archive_segments", "gauge", PART_ARCHIVE, "segments", PLAIN, "Sealed segments."),
    ONE("qorgan_archive_raw_bytes", "gauge", PART_ARCHIVE, "bytes_raw", PLAIN,
        "Bytes of the records in sealed segments, as they came."),
    ONE("qorgan_archive_stored_bytes", "gauge", PART_ARCHIVE, "bytes_stored", PLAIN,
        "Bytes of sealed segments on disk."),
    ONE("qorgan_archive_newest_timestamp_seconds", "gauge", PART_ARCHIVE, "newest_ns", SECONDS,
        "When the newest record was received."),
    TOTAL("qorgan_rules", "gauge", PART_RULES, "rules", PLAIN, "Rules loaded."),
    TOTAL("qorgan_rules_active", "gauge", PART_RULES, "active", PLAIN, "Rules that run."),
    TOTAL("qorgan_rules_refused", "gauge", PART_RULES, "refused", PLAIN, "Rules that could not be loaded."),
    TOTAL("qorgan_engine_events_total", "counter", PART_RULES, "events", PLAIN, "Events that engines have judged."),
    TOTAL("qorgan_engine_rule_seconds_total", "counter", PART_RULES, "ns", RUN_SECONDS,
          "Time that engines spent on rules."),
    ONE("qorgan_rule_hits_total", "counter", PART_DESK, "rule_hits", PLAIN, "Hits of all rules."),
    TOTAL("qorgan_agents", "gauge", PART_AGENTS, "agents", PLAIN, "Agents enrolled."),
    TOTAL("qorgan_agents_connected", "gauge", PART_AGENTS, "connected", PLAIN, "Agents connected."),
    TOTAL("qorgan_agents_silent", "gauge", PART_AGENTS, "silent", PLAIN, "Agents that fell silent."),
    TOTAL("qorgan_agents_contradicting", "gauge", PART_AGENTS, "contradicts", PLAIN,
          "Agents of which there seem to be two."),
    EACH("qorgan_witness_cosignature_timestamp_seconds", PART_WITNESSES, "witnesses", "time_ns", SECONDS,
         "When the witness cosigned last.", "name"),
    EACH("qorgan_witness_cosigned_records", PART_WITNESSES, "witnesses", "size", PLAIN,
         "Records under the last checkpoint that the witness cosigned.", "name"),
    EACH("qorgan_receiver_next_record", PART_RECEIVERS, "receivers", "next", PLAIN,
         "First record that was not given on to the receiver.", "name"),
    EACH("qorgan_receiver_waiting_since_timestamp_seconds", PART_RECEIVERS, "receivers", "waiting_ns", SECONDS,
         "When the first record that waits for the receiver was received.", "name"),
    EACH("qorgan_losses", PART_LOSSES, "causes", "losses", PLAIN, "Losses in the ledger.", "cause", "unit"),
    EACH("qorgan_losses_unexplained", PART_LOSSES, "causes", "open", PLAIN,
         "Losses in the ledger that nobody explained.", "cause", "unit"),
    EACH("qorgan_lost", PART_LOSSES, "causes", "count", PLAIN, "What was lost at least, by losses in the ledger.",
         "cause", "unit"),
    EACH("qorgan_incidents_open", PART_DESK, "incidents", "count", PLAIN, "Open incidents.", "severity"),
    EACH("qorgan_vulnerabilities_open", PART_DESK, "vulnerabilities", "count", PLAIN, "Open vulnerabilities.",
         "severity"),
    ONE("qorgan_terms_running", "gauge", PART_DESK, "terms_running", PLAIN, "Terms of the acts that run."),
    ONE("qorgan_terms_overdue", "gauge", PART_DESK, "terms_overdue", PLAIN, "Terms of the acts that are overdue."),
    ONE("qorgan_notices_waiting", "gauge", PART_DESK, "notices_waiting", PLAIN, "Notices not sent yet."),
    ONE("qorgan_notices_failed", "gauge", PART_DESK, "notices_failed", PLAIN, "Notices that were given up."),
    ONE("qorgan_desk_records_waiting", "gauge", PART_DESK, "records_waiting", PLAIN,
        "Records of the desk that wait for the archive."),
    ONE("qorgan_sessions", "gauge", PART_DESK, "sessions", PLAIN, "Sessions of people."),
    ONE("qorgan_tokens", "gauge", PART_DESK, "tokens", PLAIN, "Tokens of programs that nobody ended."),
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
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
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
        buf_format(out, "%s%" PRIu64 ".%09" PRIu64 "\n", number < 0 ? "-" : "", size / SECOND, size % SECOND);
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
    head_put(out, "qorgan_build_info", "gauge", "1; which version this is.");
    buf_text(out, "qorgan_build_info{version=\"" QORGAN_VERSION "\"} 1\n");
    head_put(out, "qorgan_part_up", "gauge", "1: the part answered, its metrics are here.");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_format(out, "qorgan_part_up{part=\"%s\"} %d\n", parts[i].ask, call_answer(call, i) != NULL);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (call_answer(call, metrics[i].part))
            metric_put(out, &metrics[i], call_answer(call, metrics[i].part));
    call_bytes(call, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(out));
}
