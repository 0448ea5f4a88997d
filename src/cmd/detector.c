#include "cmd/detector.h"

#include "base/arena.h"
#include "base/buf.h"
#include "cmd/data.h"
#include "codec/evtx.h"
#include "codec/records.h"
#include "event/normalise.h"
#include "os/file.h"
#include "os/random.h"
#include "role/indicator_folder.h"
#include "role/rule_folder.h"
#include "rule/correlate.h"
#include "rule/repeat.h"

#include <stdio.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define EVENT_MEMORY ((size_t)256 << 20)
#define MATCHES_MAX  1024u
#define FLUSH_NS     (INT64_C(3600) * 1000000000)
#define CLOSE_NS     (INT64_C(2 * 400 * 86400) * 1000000000) /* longer than any time span */

struct detector {
    struct rules *rules;
    struct names *names;
    struct rule_set *set;
    struct matcher *matcher;
    struct mapping *mapping;
    struct indicators *indicators;
    struct indicator_fields *indicator_fields;
    struct indicator_matcher *indicator_matcher; /* NULL: no list was given */
    struct arena *events;
    struct rule_match matches[MATCHES_MAX];
    /* of the file at work */
    const struct detector_sink *sink;
    struct correlator *correlator;
    struct normaliser *normaliser;
    struct repeats *repeats;
    int64_t latest_ns; /* event time */
    uint64_t too_large;
    enum rc rc;
};

struct detector *detector_new(void)
{
    struct detector *detector = memory_new(sizeof *detector);
    if (!detector)
        return NULL;
    detector->rules = rules_new(RULES_MEMORY);
    detector->names = names_new(random_u64());
    detector->events = arena_new(EVENT_MEMORY);
    if (detector->rules && detector->names && detector->events)
        return detector;
    detector_free(detector);
    return NULL;
}

void detector_free(struct detector *detector)
{
    if (!detector)
        return;
    indicator_matcher_free(detector->indicator_matcher);
    indicator_fields_free(detector->indicator_fields);
    indicators_free(detector->indicators);
    matcher_free(detector->matcher);
    rule_set_free(detector->set);
    mapping_free(detector->mapping);
    names_free(detector->names);
    rules_free(detector->rules);
    arena_free(detector->events);
    memory_free(detector);
}

enum rc detector_rules(struct detector *detector, const char *folder, struct err *err)
{
    return rule_folder_read(&io_kernel, folder, detector->rules, err);
}

enum rc detector_rule_texts(struct detector *detector, const struct rule_texts *texts, struct err *err)
{
    return rule_texts_give(texts, detector->rules, err);
}

enum rc detector_tables(struct detector *detector, bool lists, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    bool fields = lists && !detector->indicator_fields;
    if (detector->mapping && !fields)
        return RC_OK;
    buf_init(&path, 4096);
    enum rc rc = data_folder(&path, err);
    if (rc == RC_OK && fields)
        rc = indicator_fields_read(buf_z(&path), &detector->indicator_fields, err);
    if (rc == RC_OK && !detector->mapping)
        rc = mapping_load(buf_z(&path), detector->names, &detector->mapping, err);
    return rc;
}

static enum rc lists_begin(struct detector *detector, struct err *err)
{
    indicator_matcher_free(detector->indicator_matcher);
    detector->indicator_matcher = NULL;
    if (!detector->indicators)
        detector->indicators = indicators_new(random_u64());
    return detector->indicators ? RC_OK : err_set(err, RC_LIMIT, "no memory for indicators");
}

static enum rc lists_match(struct detector *detector, struct err *err)
{
    enum rc rc = detector_tables(detector, true, err);
    if (rc != RC_OK)
        return rc;
    detector->indicator_matcher =
        indicator_matcher_new(detector->indicators, detector->indicator_fields, detector->names);
    return detector->indicator_matcher ? RC_OK : err_set(err, RC_LIMIT, "no memory for indicators");
}

void detector_lists_forget(struct detector *detector)
{
    indicator_matcher_free(detector->indicator_matcher);
    indicators_free(detector->indicators);
    detector->indicator_matcher = NULL;
    detector->indicators = NULL;
}

enum rc detector_indicators(struct detector *detector, const char *path, struct err *err)
{
    enum rc rc = lists_begin(detector, err);
    rc = rc == RC_OK ? indicator_folder_read(path, false, detector->indicators, err) : rc;
    return rc == RC_OK ? lists_match(detector, err) : rc;
}

enum rc detector_indicator_texts(struct detector *detector, const struct indicator_texts *texts, struct err *err)
{
    enum rc rc = texts->count ? lists_begin(detector, err) : RC_OK;
    rc = rc == RC_OK ? indicator_texts_give(texts, detector->indicators, err) : rc;
    return rc == RC_OK && texts->count ? lists_match(detector, err) : rc;
}

const struct indicators *detector_lists(const struct detector *detector)
{
    return detector->indicators;
}

enum rc detector_ready(struct detector *detector, struct err *err)
{
    enum rc rc = rules_finish(detector->rules, err);
    rc = rc == RC_OK ? rule_set_compile(detector->rules, detector->names, &detector->set, err) : rc;
    if (rc != RC_OK)
        return rc;
    detector->matcher = matcher_new(detector->set);
    return detector->matcher ? detector_tables(detector, false, err) : err_set(err, RC_LIMIT, "no memory for matching");
}

const struct rules *detector_loaded(const struct detector *detector)
{
    return detector->rules;
}

const struct names *detector_names(const struct detector *detector)
{
    return detector->names;
}

/* ---- one event ---- */

static void hit(struct detector *detector, const struct detector_hit *found)
{
    if (detector->sink->hit)
        detector->sink->hit(detector->sink->context, found);
}

static void trouble(const struct detector_sink *sink, const char *text)
{
    if (sink->trouble)
        sink->trouble(sink->context, text);
}

static void on_firing(void *context, const struct correlation_firing *firing)
{
    struct detector_hit found = {
        .rule = firing->rule, .records = firing->records, .record_count = firing->record_count};
    found.record = found.record_count ? found.records[found.record_count - 1] : 0;
    hit(context, &found);
}

static void correlate(struct detector *detector, const struct rule *rule, const struct event *event)
{
    struct rule_value values[RULE_CARRY_MAX];
    struct correlator_hit match = {.rule = rule, .time_ns = event->time_ns, .record = event->record, .values = values};
    match.value_count = matcher_carry(detector->matcher, rule, event, values);
    enum rc rc = correlator_match(detector->correlator, &match, on_firing, detector);
    if (rc != RC_OK)
        detector->rc = rc;
}

static void on_event(void *context, const struct event *event)
{
    struct detector *detector = context;
    size_t count = 0;
    if (!(event->flags & EVENT_MATCH))
        return;
    if (detector->indicator_matcher)
        event = indicator_matcher_event(detector->indicator_matcher, event);
    if (matcher_event(detector->matcher, event, detector->matches, MATCHES_MAX, &count) != RC_OK) {
        detector->too_large++;
        return;
    }
    count = MIN(count, MATCHES_MAX);
    if (detector->sink->event)
        detector->sink->event(detector->sink->context, event, detector->matches, count);
    if (repeats_concern(event))
        count = repeats_sift(detector->repeats, event, detector->matches, count);
    for (size_t i = 0; i < count; i++) {
        const struct detector_hit found = {.rule = detector->matches[i].rule,
                                           .record = event->record,
                                           .records = event->records,
                                           .record_count = event->record_count};
        hit(detector, &found);
        correlate(detector, detector->matches[i].rule, event);
    }
    if (event->time_ns > detector->latest_ns) {
        detector->latest_ns = event->time_ns;
        enum rc rc = correlator_advance(detector->correlator, event->time_ns, on_firing, detector);
        if (rc != RC_OK)
            detector->rc = rc;
    }
}

/* ---- one file ---- */

/* The events of an EVTX file, one line of XML each; those that cannot be read are told. */
static enum rc evtx_load(const struct detector_file *file, struct str bytes, struct buf *text, struct err *err)
{
    struct evtx *evtx = NULL;
    struct buf event;
    struct err why;
    char said[sizeof why.text + 64];
    enum rc rc = evtx_open_bytes(bytes, &evtx, err);
    buf_init(&event, EVTX_RECORD_MAX);
    for (uint64_t i = 0; rc == RC_OK && i < evtx_count(evtx); i++) {
        if (evtx_event(evtx, i, &event, &why) == RC_OK) {
            buf_str(text, buf_view(&event));
            buf_char(text, '\n');
        } else {
            snprintf(said, sizeof said, "event %llu: %s", (unsigned long long)i + 1, why.text);
            trouble(&file->sink, said);
        }
    }
    if (rc == RC_OK && evtx_is_damaged(evtx))
        trouble(&file->sink, "it is damaged: there may have been more events");
    if (rc == RC_OK && text->overflow)
        rc = err_set(err, RC_LIMIT, "no memory for \"%s\"", file->path);
    buf_done(&event);
    evtx_free(evtx);
    return rc;
}

/* What is fed to the rules until work_end. */
static enum rc work_begin(struct detector *detector, const struct detector_sink *sink, struct err *err)
{
    detector->sink = sink;
    detector->latest_ns = INT64_MIN;
    detector->too_large = 0;
    detector->rc = RC_OK;
    detector->correlator = correlator_new(detector->rules, NULL, random_u64());
    detector->normaliser = normaliser_new(detector->mapping, detector->names);
    detector->repeats = repeats_new();
    bool made = detector->correlator && detector->normaliser && detector->repeats;
    return made ? RC_OK : err_set(err, RC_LIMIT, "no memory for matching");
}

static void work_end(struct detector *detector)
{
    if (detector->too_large) {
        char said[64];
        snprintf(said, sizeof said, "%llu events were too large to be matched",
                 (unsigned long long)detector->too_large);
        trouble(detector->sink, said);
    }
    correlator_free(detector->correlator);
    normaliser_free(detector->normaliser);
    repeats_free(detector->repeats);
    detector->repeats = NULL;
    detector->correlator = NULL;
    detector->normaliser = NULL;
}

/* What is open when the file ends is closed as if time went on. */
static void finish(struct detector *detector, int64_t now_ns)
{
    arena_reset(detector->events);
    normaliser_flush(detector->normaliser, now_ns + FLUSH_NS, detector->events, on_event, detector);
    if (detector->rc == RC_OK && detector->latest_ns != INT64_MIN)
        detector->rc = correlator_advance(detector->correlator, detector->latest_ns + CLOSE_NS, on_firing, detector);
}

static enum rc show(struct detector *detector, struct detector_file *file, struct str text, struct err *err)
{
    struct records records;
    struct str record;
    struct event_source source = {.kind = STR_INIT("import"), .name = str_of(file->path)};
    records_init(&records, text);
    while (records_next(&records, &record) && detector->rc == RC_OK) {
        arena_reset(detector->events);
        normaliser_record(detector->normaliser, &source, ++file->records, file->received_ns, record, detector->events,
                          on_event, detector);
    }
    finish(detector, file->received_ns);
    file->incomplete = normaliser_incomplete(detector->normaliser);
    return detector->rc == RC_OK ? RC_OK
                                 : err_set(err, detector->rc, "no memory for the correlations of \"%s\"", file->path);
}

enum rc detector_text(struct detector *detector, struct detector_file *file, struct str text, struct err *err)
{
    struct buf events CLEANUP(buf_done) = {0};
    enum rc rc = RC_OK;
    file->records = 0;
    file->incomplete = 0;
    buf_init(&events, DETECTOR_FILE_MAX);
    if (evtx_begins(text)) {
        rc = evtx_load(file, text, &events, err);
        text = buf_view(&events);
    }
    if (rc != RC_OK)
        return rc;
    rc = work_begin(detector, &file->sink, err);
    rc = rc == RC_OK ? show(detector, file, text, err) : rc;
    work_end(detector);
    return rc;
}

enum rc detector_file(struct detector *detector, struct detector_file *file, struct err *err)
{
    struct str text;
    struct arena *memory CLEANUP(arena_cleanup) = arena_new(2 * DETECTOR_FILE_MAX);
    file->records = 0;
    file->incomplete = 0;
    enum rc rc = memory ? file_load_path(file->path, DETECTOR_FILE_MAX, memory, &text, err)
                        : err_set(err, RC_LIMIT, "no memory for \"%s\"", file->path);
    return rc == RC_OK ? detector_text(detector, file, text, err) : rc;
}

enum rc detector_record(struct detector *detector, const struct detector_record *record,
                        const struct detector_sink *sink, struct err *err)
{
    enum rc rc = work_begin(detector, sink, err);
    arena_reset(detector->events);
    if (rc == RC_OK)
        normaliser_record(detector->normaliser, &record->source, record->number, record->received_ns, record->raw,
                          detector->events, on_event, detector);
    work_end(detector);
    return rc == RC_OK && detector->rc != RC_OK ? err_set(err, detector->rc, "no memory for the correlations") : rc;
}
