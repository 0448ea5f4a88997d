#include "role/query_parse.h"

#include "archive/query.h"
#include "archive/search.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/utf8.h"
#include "event/explain.h"
#include "event/propose.h"
#include "role/query_job.h"

#include <string.h>

#define LIMIT_DEFAULT 20
#define WORK_NS       UINT64_C(1000000000)
#define FIELDS_SHOWN  40u
#define VALUE_SHOWN   512u
#define HEAD_SHOWN    300u
#define ANSWER_AIM    ((size_t)3 << 20) /* lines that come behind are left out */

/* A pattern that a person is writing. */
struct draft {
    struct str text; /* STR_NONE: there is none */
    struct str programs;
    struct template template;
    bool good;
    struct err err;
    uint64_t fits;
};

/* Of a record: what is known beside its bytes. */
struct origin {
    struct event_source source;
    uint64_t record;
    int64_t received_ns;
    const struct archive_hit *hit; /* NULL: it was pasted */
};

struct bench {
    const struct query_parse *how;
    const struct json_value *question;
    struct normaliser *normaliser;
    struct arena *line_arena; /* of one line */
    struct buf lines;         /* JSON */
    struct draft draft;
    uint8_t source[16];
    bool only_missed;
    uint64_t limit;
    uint64_t given;
    uint64_t looked;
    struct origin origin; /* of the line at work */
    bool written;         /* it is among those given */
    struct str messages[PARSE_PICKED_MAX];
    struct str program; /* of the first message picked */
    bool has_program;
    size_t message_count;
    bool picking;
};

static bool is_parsed(enum grasp grasp)
{
    return grasp == GRASP_PATTERN || grasp == GRASP_FIELDS;
}

/* What its source said before decides how some lines are read (#Fields: of W3C): the archive knows that. */
static enum grasp grasp_of(const struct bench *bench, const struct parse_report *report, const char **ret_parser)
{
    const struct archive_hit *hit = bench->origin.hit;
    *ret_parser = report->event->parser;
    bool better = hit && hit->event.parser && hit->event.field_count && !is_parsed(report->grasp) &&
                  !(report->event->flags & EVENT_UNDERSTOOD) && str_is(str_of(hit->event.parser), "w3c");
    if (better)
        *ret_parser = hit->event.parser;
    return better ? GRASP_FIELDS : report->grasp;
}

/* ---- one line as JSON ---- */

static void part_write(struct buf *out, struct str text, const struct capture *capture)
{
    if (text.n == 0)
        return;
    json_write_object(out);
    json_put_str(out, "text", text);
    if (capture && capture->name.n && capture->kind != CAPTURE_PAIRS)
        json_put_str(out, "field", capture->name);
    json_write_object_end(out);
}

/* The message in parts: constants, and captures with their names. */
static void parts_write(struct buf *out, const struct template *template, struct str message)
{
    struct str value[TEMPLATE_CAPTURES];
    size_t at = 0;
    bool fits = template_match(template, message, value);
    ASSERT(fits);
    json_write_key(out, "parts");
    json_write_array(out);
    for (uint32_t i = 0; i < template->count && at < PARSE_SHOWN_MAX; i++) {
        size_t begin = (size_t)(value[i].p - message.p);
        part_write(out, str_slice(message, at, begin), NULL);
        part_write(out, str_slice(value[i], 0, PARSE_SHOWN_MAX), &template->capture[i]);
        at = begin + value[i].n;
    }
    part_write(out, str_slice(message, at, MAX(at, (size_t)PARSE_SHOWN_MAX)), NULL);
    json_write_array_end(out);
}

static const char *why_name(enum template_why why)
{
    static const char *const names[] = {[TEMPLATE_FITS] = "fits",
                                        [TEMPLATE_LITERAL] = "literal",
                                        [TEMPLATE_CAPTURE] = "capture",
                                        [TEMPLATE_TAIL] = "tail"};
    return names[why];
}

/* Where reading stopped: what came until there, what was wanted. */
static void stop_write(struct buf *out, const struct template_stop *stop, struct str message)
{
    static const char *const kinds[CAPTURE_KINDS] = {
        [CAPTURE_ANY] = "any", [CAPTURE_WORD] = "word", [CAPTURE_NUMBER] = "num",
        [CAPTURE_HEX] = "hex", [CAPTURE_IP] = "ip",     [CAPTURE_PAIRS] = "any"};
    size_t at = MIN(stop->at, (size_t)PARSE_SHOWN_MAX);
    json_write_key(out, "stop");
    json_write_object(out);
    json_put_text(out, "why", why_name(stop->why));
    json_put_u64(out, "byte", stop->at + 1);
    json_put_str(out, "read", str_slice(message, 0, at));
    json_put_str(out, "rest", str_slice(message, at, PARSE_SHOWN_MAX));
    json_put_str(out, "wanted", stop->wanted);
    json_put_text(out, "wanted_kind", kinds[stop->kind]);
    json_write_object_end(out);
}

static void near_write(struct buf *out, const struct bench *bench, const struct parse_report *report)
{
    struct near near = pattern_nearest(bench->how->mapping, report);
    if (!near.pattern)
        return;
    json_write_key(out, "near");
    json_write_object(out);
    json_put_str(out, "family", near.pattern->family->name);
    json_put_str(out, "id", near.pattern->id);
    json_put_str(out, "text", near.pattern->text);
    stop_write(out, &near.stop, report->message);
    json_write_object_end(out);
}

static void fields_write(struct buf *out, const struct bench *bench, const struct event *event)
{
    json_write_key(out, "statutory");
    json_write_object(out);
    for (unsigned i = 0; i < STATUTORY_COUNT; i++)
        if (event->statutory[i].n && i != STATUTORY_DESCRIPTION)
            json_put_str(out, statutory_key((enum statutory)i), str_slice(event->statutory[i], 0, VALUE_SHOWN));
    json_write_object_end(out);
    json_write_key(out, "fields");
    json_write_array(out);
    for (uint32_t i = 0; i < MIN(event->field_count, FIELDS_SHOWN); i++) {
        if (event->fields[i].type == EVENT_OBJECT)
            continue;
        json_write_object(out);
        json_put_str(out, "name", names_text(bench->how->names, event->fields[i].name));
        json_put_str(out, "value", str_slice(event->fields[i].value, 0, VALUE_SHOWN));
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

/* "*" is every program, "-" a line that names none; "?" is for those that nobody knows, and is passed over. */
static bool is_for(struct str programs, struct str program)
{
    struct str base = program_base(program);
    for (struct str rest = programs; rest.p;) {
        struct str name = str_trim(str_cut(&rest, '|'));
        if (str_is(name, "*") || (str_is(name, "-") && program.n == 0) || (name.n && str_eq_nocase(name, base)))
            return true;
    }
    return programs.n == 0;
}

static void draft_write(struct bench *bench, const struct parse_report *report)
{
    struct draft *draft = &bench->draft;
    struct str value[TEMPLATE_CAPTURES];
    struct buf *out = &bench->lines;
    if (!draft->good || !report->message.p)
        return;
    bool asked = is_for(draft->programs, report->program);
    bool fits =
        asked && report->message.n <= PATTERN_TEXT_MAX && template_match(&draft->template, report->message, value);
    draft->fits += fits;
    json_write_key(out, "draft");
    json_write_object(out);
    json_put_bool(out, "asked", asked);
    json_put_bool(out, "fits", fits);
    if (fits) {
        parts_write(out, &draft->template, report->message);
    } else if (asked) {
        struct template_stop stop = template_explain(&draft->template, report->message);
        stop_write(out, &stop, report->message);
    }
    json_write_object_end(out);
}

static void line_write(struct bench *bench, const struct parse_report *report)
{
    struct buf *out = &bench->lines;
    const char *parser = NULL;
    enum grasp grasp = grasp_of(bench, report, &parser);
    struct str raw = report->event->raw;
    size_t head = report->message.p && report->message.n ? str_search(raw, report->message) : raw.n;
    json_write_object(out);
    if (bench->origin.hit) {
        json_put_u64(out, "record", bench->origin.record);
        json_put_int(out, "received_ns", bench->origin.received_ns);
    }
    json_put_str(out, "raw", str_slice(raw, 0, PARSE_SHOWN_MAX));
    json_put_bool(out, "cut", raw.n > PARSE_SHOWN_MAX);
    json_put_text(out, "grasp", grasp_name(grasp));
    json_put_text(out, "parser", parser ? parser : "none");
    if (report->message.p) {
        json_put_str(out, "program", report->program);
        json_put_str(out, "message", str_slice(report->message, 0, PARSE_SHOWN_MAX));
        if (head < raw.n)
            json_put_str(out, "head", str_slice(raw, 0, MIN(head, (size_t)HEAD_SHOWN)));
    }
    if (report->pattern) {
        const struct pattern *pattern = report->pattern;
        struct str value[TEMPLATE_CAPTURES];
        json_put_str(out, "family", pattern->family->name);
        json_put_str(out, "id", pattern->id);
        json_put_str(out, "pattern", pattern->text);
        if (report->message.p && template_match(&pattern->template, report->message, value))
            parts_write(out, &pattern->template, report->message);
    } else if (report->asked && !is_parsed(grasp)) {
        near_write(out, bench, report);
    }
    fields_write(out, bench, report->event);
    draft_write(bench, report);
    json_write_object_end(out);
}

static void on_report(void *context, const struct parse_report *report)
{
    struct bench *bench = context;
    const char *parser = NULL;
    if (!(report->event->flags & EVENT_ARCHIVE))
        return; /* what is joined from several has lines of its own */
    if (bench->picking) {
        if (report->message.n && bench->message_count < PARSE_PICKED_MAX) {
            bench->messages[bench->message_count++] = arena_str(bench->how->arena, report->message);
            if (!bench->has_program)
                bench->program = arena_str(bench->how->arena, program_base(report->program));
            bench->has_program = true;
        }
        return;
    }
    if (bench->only_missed && is_parsed(grasp_of(bench, report, &parser)))
        return;
    line_write(bench, report);
    bench->written = true;
}

/* True when it was given. */
static bool line_take(struct bench *bench, struct str raw)
{
    const struct parse_ask ask = {bench->normaliser, bench->line_arena, on_report, bench};
    bench->written = false;
    bench->looked++;
    parse_explain(&ask, &bench->origin.source, bench->origin.record, bench->origin.received_ns, raw);
    arena_reset(bench->line_arena);
    bench->given += bench->written;
    return bench->written;
}

/* ---- lines that were pasted ---- */

static void pasted_take(struct bench *bench, struct str text)
{
    bench->origin = (struct origin){.source = {.kind = STR("import"), .name = STR("sample")}};
    bench->origin.received_ns = bench->how->now_ns;
    for (struct str rest = text; rest.p && bench->given < bench->limit && bench->lines.n < ANSWER_AIM;) {
        struct str line = str_trim_end(str_cut(&rest, '\n'), '\r');
        bench->origin.record++;
        if (line.n)
            line_take(bench, line);
    }
}

/* ---- lines of the archive ---- */

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct bench *bench = context;
    bool data = hit->leaf.type == LEAF_RAW || hit->leaf.type == LEAF_DIGEST;
    if (!data || memcmp(hit->leaf.source, bench->source, sizeof bench->source) != 0)
        return true;
    if (bench->given >= bench->limit || bench->lines.n >= ANSWER_AIM)
        return false;
    bench->origin = (struct origin){hit->source, hit->leaf.index, hit->leaf.received_ns, hit};
    memcpy(bench->origin.source.id, hit->leaf.source, sizeof bench->origin.source.id);
    line_take(bench, hit->raw);
    return true;
}

/* By its name as the search knows it, which leaves out most that is not asked for; who it is says its number. */
static void query_write(struct buf *out, struct str name)
{
    if (name.n == 0)
        return;
    buf_text(out, "source:\"");
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, name.p[i]);
    }
    buf_char(out, '"');
}

static enum rc archive_take(struct bench *bench, uint64_t before, uint64_t *ret_before, struct err *err)
{
    const struct query_parse *how = bench->how;
    struct event_source source = archive_reader_source(how->reader, bench->source);
    struct search_options options = {.before = before, .now_ns = how->now_ns, .hit = on_hit, .context = bench};
    struct buf text CLEANUP(buf_done) = {0};
    struct query *query = NULL;
    struct search *search CLEANUP(search_cleanup) = NULL;
    uint64_t began = how->clock_ns();
    buf_init(&text, QUERY_TEXT_MAX);
    query_write(&text, source.name);
    if (text.overflow)
        buf_clear(&text);
    enum rc rc = query_parse(buf_view(&text), how->now_ns, how->zone_s, how->arena, &query, err);
    rc = rc == RC_OK ? search_open(how->reader, query, &options, &search, err) : rc;
    while (rc == RC_OK) {
        rc = search_step(search, err);
        if (rc != RC_AGAIN)
            break;
        rc = RC_OK;
        if (how->clock_ns() - began > WORK_NS)
            search_stop(search);
    }
    if (rc == RC_OK)
        *ret_before = search_result_of(search)->next_before;
    return rc;
}

/* ---- a proposal ---- */

static enum rc record_pick(struct bench *bench, uint64_t number, struct err *err)
{
    const struct query_parse *how = bench->how;
    struct archive_hit *hit = arena_alloc(how->arena, sizeof *hit);
    enum rc rc = hit ? archive_reader_record(how->reader, number, how->arena, hit, err)
                     : err_set(err, RC_LIMIT, "no memory for a record");
    if (rc == RC_NOT_FOUND)
        return RC_OK; /* deleted, or never there: the others may do */
    if (rc != RC_OK)
        return rc;
    if (hit->leaf.type != LEAF_RAW && hit->leaf.type != LEAF_DIGEST)
        return RC_OK;
    bench->origin = (struct origin){hit->source, number, hit->leaf.received_ns, hit};
    memcpy(bench->origin.source.id, hit->leaf.source, sizeof bench->origin.source.id);
    line_take(bench, hit->raw);
    return RC_OK;
}

/* Messages of the records in "pick", or, without any, of what was pasted. */
static enum rc messages_pick(struct bench *bench, struct err *err)
{
    const struct json_value *pick = json_get(bench->question, "pick");
    size_t asked = 0;
    enum rc rc = RC_OK;
    bench->picking = true;
    for (const struct json_value *v = json_first(pick); v && rc == RC_OK && asked < PARSE_PICKED_MAX; v = v->next)
        if (json_int(v, -1) >= 0 && ++asked)
            rc = record_pick(bench, (uint64_t)json_int(v, -1), err);
    if (rc == RC_OK && asked == 0)
        pasted_take(bench, json_str(json_get(bench->question, "text"), STR("")));
    bench->picking = false;
    bench->looked = bench->given = 0;
    return rc;
}

static void proposal_write(struct bench *bench, struct buf *out)
{
    struct buf pattern CLEANUP(buf_done) = {0};
    struct err why = {0};
    buf_init(&pattern, TEMPLATE_BYTES + 1);
    enum rc rc = pattern_propose(bench->how->arena, bench->messages, bench->message_count, &pattern, &why);
    json_put_u64(out, "picked", bench->message_count);
    if (rc != RC_OK) {
        json_put_text(out, "proposal_error", bench->message_count ? why.text : "no line is a text");
        return;
    }
    bench->program = bench->has_program && bench->program.n ? bench->program : STR("-");
    json_put_str(out, "program", bench->program);
    bench->draft.text = arena_str(bench->how->arena, buf_view(&pattern));
}

/* ---- a draft ---- */

/* Its text with the names that a person gave its captures. */
static enum rc draft_rename(struct bench *bench, struct str text, struct err *why)
{
    struct str names[TEMPLATE_CAPTURES];
    struct buf renamed CLEANUP(buf_done) = {0};
    size_t count = 0;
    for (const struct json_value *v = json_first(json_get(bench->question, "rename")); v && count < ARRAY_LEN(names);
         v = v->next)
        names[count++] = json_str(v, STR_NONE);
    buf_init(&renamed, 2 * TEMPLATE_BYTES + 1);
    enum rc rc = pattern_rename(bench->how->arena, text, names, count, &renamed, why);
    if (rc == RC_OK)
        bench->draft.text = arena_str(bench->how->arena, buf_view(&renamed));
    return rc;
}

/* As the loader of patterns refuses it (pattern_load.c). */
static enum rc captures_check(const struct template *template, struct err *why)
{
    for (uint32_t i = 0; i < template->count; i++) {
        const struct capture *capture = &template->capture[i];
        enum statutory key = capture->name.n ? statutory_find(capture->name) : STATUTORY_COUNT;
        if (key >= STATUTORY_START && key != STATUTORY_DESCRIPTION && key != STATUTORY_COUNT)
            return err_set(why, RC_INVALID, "capture \"%.*s\" would be the event's own: it needs another name",
                           STR_ARG(capture->name));
    }
    return RC_OK;
}

static void draft_take(struct bench *bench)
{
    struct draft *draft = &bench->draft;
    struct str text = str_trim(json_str(json_get(bench->question, "pattern"), STR_NONE));
    enum rc rc = RC_OK;
    if (!draft->text.p && text.n == 0)
        return;
    if (!draft->text.p) {
        draft->text = text;
        draft->programs = json_str(json_get(bench->question, "program"), STR(""));
        rc = text.n <= TEMPLATE_BYTES
                 ? draft_rename(bench, text, &draft->err)
                 : err_set(&draft->err, RC_LIMIT, "pattern is longer than %d bytes", TEMPLATE_BYTES);
    }
    if (rc == RC_OK && !(utf8_valid(draft->text) && str_find(draft->text, '\t') == draft->text.n &&
                         str_find(draft->text, '\n') == draft->text.n))
        rc = err_set(&draft->err, RC_INVALID, "the pattern is no one line of text");
    rc = rc == RC_OK ? template_compile(bench->how->arena, draft->text, &draft->template, &draft->err) : rc;
    rc = rc == RC_OK ? captures_check(&draft->template, &draft->err) : rc;
    draft->good = rc == RC_OK;
}

static void draft_answer(const struct draft *draft, struct buf *out)
{
    static const char *const kinds[CAPTURE_KINDS] = {
        [CAPTURE_ANY] = "any", [CAPTURE_WORD] = "word", [CAPTURE_NUMBER] = "num",
        [CAPTURE_HEX] = "hex", [CAPTURE_IP] = "ip",     [CAPTURE_PAIRS] = "kv"};
    if (!draft->text.p)
        return;
    json_put_str(out, "pattern", draft->text);
    if (!draft->good) {
        json_put_text(out, "pattern_error", draft->err.text);
        return;
    }
    json_put_u64(out, "fits", draft->fits);
    json_write_key(out, "captures");
    json_write_array(out);
    for (uint32_t i = 0; i < draft->template.count; i++) {
        json_write_object(out);
        json_put_str(out, "name", draft->template.capture[i].name);
        json_put_text(out, "kind", kinds[draft->template.capture[i].kind]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

/* ---- a question ---- */

static enum rc bench_take(struct bench *bench, struct buf *head, struct err *err)
{
    const struct json_value *question = bench->question;
    struct str text = json_str(json_get(question, "text"), STR(""));
    struct str source = json_str(json_get(question, "source"), STR(""));
    uint64_t before = (uint64_t)MAX(json_int(json_get(question, "before"), 0), INT64_C(0));
    enum rc rc = RC_OK;
    if (json_bool(json_get(question, "propose"), false)) {
        rc = messages_pick(bench, err);
        if (rc == RC_OK)
            proposal_write(bench, head);
        bench->draft.programs = bench->program;
    }
    if (rc != RC_OK)
        return rc;
    draft_take(bench);
    json_write_array(&bench->lines);
    if (source.n)
        rc = archive_take(bench, before, &before, err);
    else
        pasted_take(bench, text);
    json_write_array_end(&bench->lines);
    json_put_u64(head, "looked", bench->looked);
    json_put_u64(head, "given", bench->given);
    json_put_u64(head, "next_before", source.n ? before : 0);
    draft_answer(&bench->draft, head);
    return rc;
}

static const char *question_wrong(struct bench *bench)
{
    const struct json_value *question = bench->question;
    struct str source = json_str(json_get(question, "source"), STR(""));
    int64_t limit = json_int(json_get(question, "limit"), LIMIT_DEFAULT);
    if (source.n && !hex_decode(source, bench->source, sizeof bench->source))
        return "\"source\" is no number of a source";
    if (limit < 1 || limit > (int64_t)PARSE_LINES_MAX)
        return "\"limit\" is a number from 1 to 100";
    if (json_str(json_get(question, "text"), STR("")).n > PARSE_TEXT_MAX)
        return "\"text\" is longer than 64 KiB";
    bench->limit = (uint64_t)limit;
    bench->only_missed = str_is(json_str(json_get(question, "only"), STR("")), "missed");
    return NULL;
}

enum rc query_parse_ask(const struct query_parse *how, const struct json_value *question, struct buf *out,
                        struct err *err)
{
    struct bench *bench = arena_alloc(how->arena, sizeof *bench);
    struct arena *line_arena CLEANUP(arena_cleanup) = arena_new((size_t)64 << 20);
    struct buf head CLEANUP(buf_done) = {0};
    if (!bench || !line_arena)
        return err_set(err, RC_LIMIT, "no memory for lines");
    *bench = (struct bench){.how = how, .question = question, .line_arena = line_arena};
    const char *wrong = question_wrong(bench);
    if (wrong) {
        struct err refusal = {0};
        IGNORE(err_set(&refusal, RC_INVALID, "%s", wrong)); /* told here */
        query_refuse(out, "question_invalid", &refusal);
        return RC_OK;
    }
    bench->normaliser = normaliser_new(how->mapping, how->names);
    if (!bench->normaliser)
        return err_set(err, RC_LIMIT, "no memory for lines");
    normaliser_set_zone(bench->normaliser, how->zone_s);
    buf_init(&bench->lines, 2 * ANSWER_AIM);
    buf_init(&head, 64 << 10);
    json_write_object(&head);
    json_put_bool(&head, "ok", true);
    enum rc rc = bench_take(bench, &head, err);
    if (rc == RC_OK && (head.overflow || bench->lines.overflow))
        rc = err_set(err, RC_LIMIT, "the answer is too long");
    if (rc == RC_OK) {
        json_write_key(&head, "lines");
        buf_str(out, buf_view(&head));
        json_write_raw(out, buf_view(&bench->lines));
        json_write_object_end(out);
    }
    normaliser_free(bench->normaliser);
    buf_done(&bench->lines);
    return rc;
}
