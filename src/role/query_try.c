#include "role/query_try.h"

#include "archive/sweep.h"
#include "base/arena.h"
#include "base/assert.h"
#include "codec/records.h"
#include "os/clock.h"
#include "os/io.h"
#include "os/random.h"
#include "role/query_heads.h"
#include "role/rule_trial.h"

#include <stdio.h>

#define WAIT_MAX_MS    1000 /* other questions wait as long */
#define LOOK_EVERY     64   /* records between two looks at the clock */
#define TRY_IDLE_NS    UINT64_C(30000000000)
#define EVENTS_DEFAULT 20000
#define HOUR_NS        (INT64_C(3600) * 1000000000)
#define SAMPLE_BYTES   ((size_t)64 << 10)
#define SAMPLE_SHOWN   50u
#define SCRATCH        ((size_t)64 << 20)
#define TREE_BYTES     ((size_t)32 << 10)   /* of one explanation */
#define SHOWN_BYTES    ((size_t)1200 << 10) /* of all hits, and of all pasted records */
#define DEPTH_MAX      25u                  /* two levels of JSON each, six around them; web reads 64 */
#define RAW_SHOWN      400u
#define FIELDS_SHOWN   8u
#define WHO_MAX        128

struct
try {
    bool used;
    uint64_t token;
    char who[WHO_MAX];
    struct rule_trial *trial;
    struct archive_reader *reader; /* NULL: the archive is not looked at */
    struct query_heads *heads;     /* under way: what is named before the first record is looked for */
    struct sweep *sweep;
    size_t unit;
    uint64_t first, end; /* record numbers looked at; end is not */
    uint64_t next;       /* of the unit at work the first that was not given yet */
    uint64_t until_ns;   /* of the slice, by the boot clock */
    uint32_t since_look;
    bool stop;
    struct buf samples; /* a JSON array of what was pasted, and what its correlations found; empty: nothing was */
    struct buf sample_firings;
    uint64_t sample_records;
    uint64_t worked_ns, asked_ns;
};

struct query_tries {
    struct query_tries_options options;
    struct arena *scratch;
    struct try tries[QUERY_TRIES_MAX];
};

struct query_tries *query_tries_new(const struct query_tries_options *options)
{
    struct query_tries *tries = memory_new(sizeof *tries);
    if (!tries)
        return NULL;
    tries->options = *options;
    tries->scratch = arena_new(SCRATCH);
    if (!tries->scratch) {
        memory_free(tries);
        return NULL;
    }
    return tries;
}

static void try_end(struct try *try)
{
    rule_trial_free(try->trial);
    query_heads_close(try->heads);
    sweep_close(try->sweep);
    archive_reader_close(try->reader);
    buf_done(&try->samples);
    buf_done(&try->sample_firings);
    *try = (struct try){.used = false};
}

void query_tries_free(struct query_tries *tries)
{
    if (!tries)
        return;
    for (size_t i = 0; i < QUERY_TRIES_MAX; i++)
        try_end(&tries->tries[i]);
    arena_free(tries->scratch);
    memory_free(tries);
}

void query_tries_remap(struct query_tries *tries, const struct mapping *mapping)
{
    for (size_t i = 0; i < QUERY_TRIES_MAX; i++)
        try_end(&tries->tries[i]);
    tries->options.how.mapping = mapping;
}

void query_tries_tick(struct query_tries *tries, uint64_t boot_ns)
{
    for (size_t i = 0; i < QUERY_TRIES_MAX; i++)
        if (tries->tries[i].used && boot_ns - tries->tries[i].asked_ns > TRY_IDLE_NS)
            try_end(&tries->tries[i]);
}

/* ---- one event of a rule, told ---- */

/* The fields whose tests hold and made the rule match: not those below a `not`. */
struct matched_fields {
    struct buf *out;
    size_t count;
    uint32_t hidden; /* nodes deeper than this are below a `not`; UINT32_MAX: none are */
};

static void on_step(void *context, const struct explain_step *step)
{
    struct matched_fields *m = context;
    if (step->depth > m->hidden)
        return;
    m->hidden = step->kind == EXPLAIN_NOT ? step->depth : UINT32_MAX;
    if (step->kind != EXPLAIN_TEST || !step->held || m->count >= FIELDS_SHOWN)
        return;
    m->count++;
    json_write_object(m->out);
    json_put_str(m->out, "field", step->field);
    json_put_str(m->out, "wanted", step->wanted);
    if (step->found.p)
        json_put_str(m->out, "found", step->found);
    json_write_object_end(m->out);
}

/* Members `fields` and `why`. */
static enum rc matched_write(const struct explainer *how, const struct rule *rule, const struct event *event,
                             struct buf *out, struct err *err)
{
    struct matched_fields fields = {.out = out, .hidden = UINT32_MAX};
    const struct explain_sink sink = {.take = on_step, .context = &fields};
    struct explainer_json json = {
        .out = out, .names = how->names, .bytes_max = out->n + TREE_BYTES, .depth_max = DEPTH_MAX};
    bool held = false;
    json_write_key(out, "fields");
    json_write_array(out);
    enum rc rc = rule_explain_tree(rule, how->names, event, &sink, &held, err);
    json_write_array_end(out);
    json_write_key(out, "why");
    return rc == RC_OK ? explainer_write(&json, rule, rule, event, &held, err) : rc;
}

/* ---- hits in the archive ---- */

struct showing {
    const struct query_tries *tries;
    const struct rule *rule;
    struct buf *out;
    bool told;
    enum rc rc;
    struct err *err;
};

static void on_hit_event(void *context, const struct event *event)
{
    struct showing *s = context;
    if (s->told || s->rc != RC_OK || !rule_explain_holds(s->rule, s->tries->options.how.names, event))
        return;
    s->told = true;
    s->rc = matched_write(&s->tries->options.how, s->rule, event, s->out, s->err);
}

static enum rc hit_write(struct query_tries *tries, const struct try *try, const struct rule_trial_hit *found,
                         struct buf *out, struct err *err)
{
    arena_reset(tries->scratch);
    struct archive_hit *hit = arena_alloc(tries->scratch, sizeof *hit);
    enum rc rc = hit ? archive_reader_record(try->reader, found->record, tries->scratch, hit, err)
                     : err_set(err, RC_LIMIT, "no memory for a record");
    if (rc == RC_NOT_FOUND)
        return RC_OK; /* deleted meanwhile */
    if (rc != RC_OK)
        return rc;
    struct showing showing = {.tries = tries, .rule = found->rule, .out = out, .err = err};
    const struct explainer_target target = {
        .reader = try->reader, .hit = hit, .arena = tries->scratch, .sink = on_hit_event, .context = &showing};
    json_write_object(out);
    json_put_u64(out, "record", found->record);
    json_put_int(out, "time_ns", found->time_ns);
    json_put_str(out, "source", hit->source.name);
    json_put_str(out, "raw", str_slice(hit->raw, 0, RAW_SHOWN));
    json_put_str(out, "rule_id", found->rule->id);
    json_put_str(out, "title", found->rule->title);
    rc = explainer_events(&tries->options.how, &target, err);
    json_write_object_end(out);
    return rc == RC_OK ? showing.rc : rc;
}

static enum rc hits_write(struct query_tries *tries, const struct try *try, struct buf *out, struct err *err)
{
    struct rule_trial_hit hit;
    size_t begin = out->n;
    enum rc rc = RC_OK;
    json_write_key(out, "hits");
    json_write_array(out);
    for (size_t i = 0; rc == RC_OK && out->n - begin < SHOWN_BYTES && rule_trial_hit(try->trial, i, &hit); i++)
        rc = hit_write(tries, try, &hit, out, err);
    json_write_array_end(out);
    return rc;
}

/* ---- what was pasted ---- */

struct pasting {
    struct query_tries *tries;
    const struct rules *rules;
    struct buf *out;
    struct str head; /* how the columns were named last */
    enum rc rc;
    struct err *err;
};

static void on_sample_event(void *context, const struct event *event)
{
    struct pasting *p = context;
    const struct explainer *how = &p->tries->options.how;
    for (size_t i = 0; i < rules_count(p->rules) && p->rc == RC_OK; i++) {
        const struct rule *rule = rules_at(p->rules, i);
        struct explainer_json json = {
            .out = p->out, .names = how->names, .bytes_max = p->out->n + TREE_BYTES, .depth_max = DEPTH_MAX};
        bool match = false;
        if (rule->kind == RULE_DETECTION)
            p->rc = explainer_write(&json, rule, rule, event, &match, p->err);
    }
}

/* One record with every detection's verdict on it and why. */
static enum rc sample_write(struct pasting *pasting, const struct rule_trial_record *record)
{
    struct query_tries *tries = pasting->tries;
    struct buf *out = pasting->out;
    struct err *err = pasting->err;
    arena_reset(tries->scratch);
    struct archive_hit *hit = arena_alloc(tries->scratch, sizeof *hit);
    if (!hit)
        return err_set(err, RC_LIMIT, "no memory for what was pasted");
    *hit = (struct archive_hit){.raw = record->raw, .source = record->source};
    hit->leaf.index = record->number;
    hit->leaf.received_ns = record->received_ns;
    hit->leaf.type = LEAF_RAW;
    const struct explainer_target target = {
        .hit = hit, .head = pasting->head, .arena = tries->scratch, .sink = on_sample_event, .context = pasting};
    json_write_object(out);
    json_put_u64(out, "number", record->number);
    json_put_str(out, "raw", str_slice(record->raw, 0, RAW_SHOWN));
    json_write_key(out, "explained");
    json_write_array(out);
    enum rc rc = explainer_events(&tries->options.how, &target, err);
    json_write_array_end(out);
    json_write_object_end(out);
    return rc == RC_OK ? pasting->rc : rc;
}

/* A trial of its own, so that its counts are not those of the archive. */
static enum rc sample_try(struct query_tries *tries, struct try *try, const struct rules *whole,
                          const struct json_value *question, struct err *err)
{
    struct rule_trial *trial = NULL;
    struct records records;
    struct str text = json_str(json_get(question, "sample"), STR(""));
    struct rule_trial_record record = {.source = {.kind = STR("import"), .name = STR("sample")}};
    record.received_ns = clock_real_ns();
    enum rc rc = rule_trial_new(&tries->options.how, whole, json_str(json_get(question, "text"), STR("")), &trial, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&try->samples, 2 * SHOWN_BYTES);
    buf_init(&try->sample_firings, SHOWN_BYTES);
    struct pasting pasting = {.tries = tries, .rules = rule_trial_rules(trial), .out = &try->samples, .err = err};
    json_write_array(&try->samples);
    records_init(&records, text);
    while (rc == RC_OK && records_next(&records, &record.raw)) {
        record.number++;
        rule_trial_record(trial, &record);
        if (record.number <= SAMPLE_SHOWN && try->samples.n < SHOWN_BYTES)
            rc = sample_write(&pasting, &record);
        if (normaliser_heads(record.raw))
            pasting.head = record.raw;
    }
    json_write_array_end(&try->samples);
    rc = rc == RC_OK ? rule_trial_finish(trial, err) : rc;
    buf_str(&try->sample_firings, rule_trial_result(trial).firings);
    try->sample_records = record.number;
    if (rc == RC_OK && (try->samples.overflow || try->sample_firings.overflow))
        rc = err_set(err, RC_LIMIT, "no memory for what was pasted");
    rule_trial_free(trial);
    return rc;
}

/* ---- the archive ---- */

/* The first record that was received at or after a moment; what was deleted counts as before. */
static enum rc first_since(struct query_tries *tries, struct archive_reader *reader, int64_t since_ns,
                           uint64_t *ret_first, struct err *err)
{
    uint64_t low = archive_reader_first(reader);
    uint64_t high = archive_reader_size(reader);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        arena_reset(tries->scratch);
        struct archive_hit *hit = arena_alloc(tries->scratch, sizeof *hit);
        enum rc rc = hit ? archive_reader_record(reader, middle, tries->scratch, hit, err)
                         : err_set(err, RC_LIMIT, "no memory for a record");
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
        if (rc == RC_NOT_FOUND || hit->leaf.received_ns < since_ns)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_first = low;
    return RC_OK;
}

static enum rc archive_begin(struct query_tries *tries, struct try *try, const struct json_value *question,
                             struct err *err)
{
    const struct sweep_options all = {.from_ns = 0};
    uint64_t events = (uint64_t)json_int(json_get(question, "events"), EVENTS_DEFAULT);
    int64_t hours = json_int(json_get(question, "hours"), 0);
    uint64_t since = 0;
    if (events == 0)
        return RC_OK;
    enum rc rc = archive_reader_open(&io_kernel, tries->options.folder, &tries->options.reader, &try->reader, err);
    if (rc == RC_OK && hours > 0)
        rc = first_since(tries, try->reader, clock_real_ns() - hours * HOUR_NS, &since, err);
    if (rc == RC_OK)
        rc = sweep_open(try->reader, &all, &try->sweep, err);
    if (rc != RC_OK)
        return rc;
    try->end = archive_reader_size(try->reader);
    try->first = try->end > events ? try->end - events : 0;
    try->first = MAX(MAX(try->first, since), archive_reader_first(try->reader));
    try->first = MIN(try->first, try->end);
    bool before = try->first > archive_reader_first(try->reader);
    return before ? query_heads_open(try->reader, try->first, &try->heads, err) : RC_OK;
}

static bool take(void *context, const struct sweep_record *record)
{
    struct try *try = context;
    const struct leaf *leaf = record->leaf;
    if (leaf->index >= MAX(try->first, try->next) && leaf->index < try->end) {
        const struct rule_trial_record given = {record->source, leaf->index, leaf->received_ns, record->raw};
        if (leaf->type == LEAF_RAW || leaf->type == LEAF_DIGEST)
            rule_trial_record(try->trial, &given);
    }
    try->next = MAX(try->next, leaf->index + 1);
    if (++try->since_look < LOOK_EVERY)
        return true;
    try->since_look = 0;
    return clock_boot_ns() < try->until_ns;
}

/* What sources said of their records before the first one that is tried. RC_AGAIN: there is more. */
static enum rc heads_work(struct try *try, struct err *err)
{
    const struct query_head *head;
    enum rc rc = RC_AGAIN;
    while (rc == RC_AGAIN && !try->stop) {
        if (clock_boot_ns() >= try->until_ns)
            return RC_AGAIN;
        rc = query_heads_step(try->heads, err);
    }
    if (rc != RC_OK && rc != RC_AGAIN)
        return rc;
    for (size_t i = 0; (head = query_heads_at(try->heads, i)); i++) {
        const struct rule_trial_record given = {head->source, head->record, head->received_ns, head->raw};
        rule_trial_head(try->trial, &given);
    }
    query_heads_close(try->heads);
    try->heads = NULL;
    return RC_OK;
}

/* RC_AGAIN: there is more. */
static enum rc archive_work(struct try *try, struct err *err)
{
    int64_t passed_ns;
    enum rc headed = try->heads ? heads_work(try, err) : RC_OK;
    if (headed != RC_OK)
        return headed;
    while (try->sweep && try->unit < sweep_units(try->sweep) && !try->stop) {
        if (clock_boot_ns() >= try->until_ns)
            return RC_AGAIN;
        if (sweep_unit_at(try->sweep, try->unit).last >= try->first) {
            enum rc rc = sweep_run(try->sweep, try->unit, take, try, &passed_ns, err);
            if (rc != RC_OK && rc != RC_NOT_FOUND)
                return rc;
            if (rc == RC_OK && try->next <= sweep_unit_at(try->sweep, try->unit).last && try->next > 0 &&
                clock_boot_ns() >= try->until_ns)
                return RC_AGAIN; /* it was left in its midst */
        }
        try->next = 0;
        try->unit++;
    }
    return RC_OK;
}

static enum rc work(struct try *try, uint64_t wait_ns, struct err *err)
{
    uint64_t began = clock_boot_ns();
    try->until_ns = began + wait_ns;
    enum rc rc = archive_work(try, err);
    if (rc == RC_OK && try->sweep)
        rc = rule_trial_finish(try->trial, err);
    try->asked_ns = clock_boot_ns();
    try->worked_ns += try->asked_ns - began;
    return rc;
}

/* ---- the answer ---- */

static void missing_write(const struct rule_trial *trial, const struct rule *rule, struct buf *out)
{
    struct str fields[64];
    size_t count = rule_fields(rule, fields, ARRAY_LEN(fields));
    json_write_key(out, "missing");
    json_write_array(out);
    for (size_t i = 0; i < count; i++)
        if (!rule_trial_field_seen(trial, fields[i]))
            json_write_str(out, str_slice(fields[i], 0, 256));
    json_write_array_end(out);
}

static void rules_write(const struct try *try, struct buf *out)
{
    const struct rules *rules = rule_trial_rules(try->trial);
    json_write_key(out, "rules");
    json_write_array(out);
    for (size_t i = 0; i < rules_outcome_count(rules) && out->n < SHOWN_BYTES; i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        const struct rule *rule = outcome->loaded ? rules_at_line(rules, outcome->path, outcome->line) : NULL;
        json_write_object(out);
        json_put_int(out, "line", outcome->line);
        json_put_str(out, "id", outcome->id);
        json_put_str(out, "title", outcome->title);
        json_put_bool(out, "loaded", outcome->loaded);
        json_put_str(out, "text", outcome->loaded ? outcome->warning : outcome->reason);
        json_put_bool(out, "tried", rule && rule_trial_ready(try->trial));
        if (rule)
            json_put_text(out, "kind", rule->kind == RULE_CORRELATION ? "correlation" : "detection");
        if (rule && rule->kind == RULE_DETECTION && rule_trial_ready(try->trial)) {
            json_put_u64(out, "hits", rule_trial_hits(try->trial, rule));
            json_put_u64(out, "concerned", rule_trial_concerned(try->trial, rule));
            missing_write(try->trial, rule, out);
        }
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static uint64_t permille(const struct try *try, bool done)
{
    uint64_t all = try->end - try->first;
    uint64_t looked = rule_trial_result(try->trial).records;
    return done ? 1000 : all ? MIN(looked * 1000 / all, UINT64_C(999)) : 0;
}

static enum rc answer_write(struct query_tries *tries, const struct try *try, bool done, struct buf *out,
                            struct err *err)
{
    struct rule_trial_result result = rule_trial_result(try->trial);
    enum rc rc = RC_OK;
    json_write_object(out);
    json_put_bool(out, "ok", true);
    json_put_bool(out, "loads", rule_trial_ready(try->trial));
    json_put_bool(out, "archive", try->sweep != NULL);
    json_put_bool(out, "stopped", try->stop);
    json_put_u64(out, "permille", permille(try, done));
    json_put_u64(out, "records", result.records);
    json_put_u64(out, "events", result.events);
    json_put_u64(out, "too_large", result.too_large);
    json_put_int(out, "from_ns", result.first_ns);
    json_put_int(out, "to_ns", result.last_ns);
    json_put_u64(out, "matched", result.matched);
    json_put_u64(out, "elapsed_ns", try->worked_ns);
    if (!done) {
        char text[20];
        snprintf(text, sizeof text, "%016llx", (unsigned long long)try->token);
        json_put_text(out, "job", text);
        json_write_object_end(out);
        return RC_OK;
    }
    rules_write(try, out);
    json_put_u64(out, "uncorrelated", result.uncorrelated);
    json_put_u64(out, "fired", result.fired);
    json_write_key(out, "firings");
    json_write_raw(out, result.firings);
    json_put_u64(out, "sample_records", try->sample_records);
    json_write_key(out, "samples");
    json_write_raw(out, try->samples.n ? buf_view(&try->samples) : STR("[]"));
    json_write_key(out, "sample_firings");
    json_write_raw(out, try->sample_firings.n ? buf_view(&try->sample_firings) : STR("[]"));
    rc = hits_write(tries, try, out, err);
    json_write_object_end(out);
    return rc;
}

/* ---- beginning and going on ---- */

static struct try *try_place(struct query_tries *tries)
{
    struct try *oldest = &tries->tries[0];
    for (size_t i = 0; i < QUERY_TRIES_MAX; i++) {
        if (!tries->tries[i].used)
            return &tries->tries[i];
        if (tries->tries[i].asked_ns < oldest->asked_ns)
            oldest = &tries->tries[i];
    }
    try_end(oldest);
    return oldest;
}

static enum rc question_check(const struct json_value *question, struct err *err)
{
    int64_t events = json_int(json_get(question, "events"), EVENTS_DEFAULT);
    int64_t hours = json_int(json_get(question, "hours"), 0);
    if (events < 0 || events > QUERY_TRY_EVENTS)
        return err_set(err, RC_INVALID, "\"events\" is a number from 0 to %d", QUERY_TRY_EVENTS);
    if (hours < 0 || hours > QUERY_TRY_HOURS)
        return err_set(err, RC_INVALID, "\"hours\" is a number from 0 to %d", QUERY_TRY_HOURS);
    if (json_str(json_get(question, "sample"), STR("")).n > SAMPLE_BYTES)
        return err_set(err, RC_INVALID, "\"sample\" is longer than %zu KiB", SAMPLE_BYTES >> 10);
    if (json_str(json_get(question, "text"), STR("")).n > RULE_TRIAL_TEXT)
        return err_set(err, RC_INVALID, "\"text\" is longer than %zu KiB", RULE_TRIAL_TEXT >> 10);
    return RC_OK;
}

static enum rc try_begin(struct query_tries *tries, const struct rules *whole, const struct json_value *question,
                         struct try **ret_try, struct err *err)
{
    struct rule_trial *trial = NULL;
    enum rc rc = question_check(question, err);
    if (rc == RC_OK)
        rc = rule_trial_new(&tries->options.how, whole, json_str(json_get(question, "text"), STR("")), &trial, err);
    if (rc != RC_OK)
        return rc == RC_INVALID ? RC_INVALID : RC_LIMIT;
    struct try *try = try_place(tries);
    uint64_t began = clock_boot_ns();
    *try = (struct try){.used = true, .token = random_u64(), .trial = trial};
    IGNORE(str_copy_z(json_str(json_get(question, "who"), STR_NONE), try->who, sizeof try->who)); /* "" fits nobody */
    if (rule_trial_ready(trial)) {
        if (json_str(json_get(question, "sample"), STR("")).n)
            rc = sample_try(tries, try, whole, question, err);
        if (rc == RC_OK)
            rc = archive_begin(tries, try, question, err);
    }
    try->worked_ns = clock_boot_ns() - began;
    if (rc != RC_OK) {
        try_end(try);
        return rc == RC_INVALID || rc == RC_NOT_FOUND ? err_set(err, RC_IO, "the archive could not be looked at") : rc;
    }
    *ret_try = try;
    return RC_OK;
}

static enum rc try_find(struct query_tries *tries, const struct json_value *question, struct try **ret_try,
                        struct err *err)
{
    struct str who = json_str(json_get(question, "who"), STR_NONE);
    uint64_t token = 0;
    if (str_hex_to_u64(json_str(json_get(question, "job"), STR_NONE), &token))
        for (size_t i = 0; i < QUERY_TRIES_MAX; i++)
            if (tries->tries[i].used && tries->tries[i].token == token && str_is(who, tries->tries[i].who)) {
                *ret_try = &tries->tries[i];
                return RC_OK;
            }
    return err_set(err, RC_NOT_FOUND, "this try is not under way any more");
}

enum rc query_tries_ask(struct query_tries *tries, const struct rules *whole, const struct json_value *question,
                        struct buf *out, struct err *err)
{
    struct try *try = NULL;
    bool known = json_str(json_get(question, "job"), STR_NONE).n > 0;
    int64_t wait_ms = json_int(json_get(question, "wait_ms"), WAIT_MAX_MS);
    enum rc rc = known ? try_find(tries, question, &try, err) : try_begin(tries, whole, question, &try, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(try != NULL && try->used);
    if (json_bool(json_get(question, "stop"), false))
        try->stop = true;
    wait_ms = MAX(MIN(wait_ms, WAIT_MAX_MS), 1);
    enum rc worked = work(try, (uint64_t)wait_ms * 1000000, err);
    if (worked != RC_OK && worked != RC_AGAIN)
        rc = worked == RC_INVALID || worked == RC_NOT_FOUND ? RC_IO : worked;
    if (rc == RC_OK)
        rc = answer_write(tries, try, worked == RC_OK, out, err);
    if (rc != RC_OK || worked == RC_OK)
        try_end(try);
    return rc;
}
