#include "event/explain.h"

#include "base/assert.h"
#include "codec/utf8.h"
#include "event/normaliser.h"

#define SHOWN_MAX  40 /* bytes of the message that an explanation repeats */
#define NEAR_LEAST 4  /* bytes of literals: blanks alone are in every line */

static void on_event(void *context, const struct event *event)
{
    const struct parse_ask *ask = context;
    const struct normaliser *normaliser = ask->normaliser;
    const struct parse_report report = {
        .event = event,
        .grasp = normaliser_grasp(normaliser),
        .pattern = normaliser_pattern(normaliser),
        .asked = normaliser->asked_message.p != NULL,
        .program = normaliser->asked_program,
        .message = normaliser->asked_message,
    };
    ask->sink(ask->context, &report);
}

void parse_explain(const struct parse_ask *ask, const struct event_source *source, uint64_t record, int64_t received_ns,
                   struct str raw)
{
    struct parse_ask copy = *ask;
    normaliser_record(ask->normaliser, source, record, received_ns, raw, ask->arena, on_event, &copy);
}

void parse_flush(const struct parse_ask *ask)
{
    struct parse_ask copy = *ask;
    normaliser_flush(ask->normaliser, INT64_MAX, ask->arena, on_event, &copy);
}

static bool is_nearer(const struct template_stop *stop, const struct near *than)
{
    if (!than->pattern)
        return stop->why == TEMPLATE_FITS || stop->literal >= NEAR_LEAST;
    if (than->stop.why == TEMPLATE_FITS)
        return false;
    if (stop->why == TEMPLATE_FITS)
        return true;
    return stop->literal != than->stop.literal ? stop->literal > than->stop.literal : stop->at > than->stop.at;
}

static void list_nearest(const struct program *program, struct str message, struct near *near)
{
    for (uint32_t i = 0; program && i < program->count; i++) {
        struct template_stop stop = template_explain(&program->pattern[i]->template, message);
        if (is_nearer(&stop, near))
            *near = (struct near){program->pattern[i], stop};
    }
}

struct near pattern_nearest(const struct mapping *mapping, const struct parse_report *report)
{
    struct near near = {.pattern = NULL};
    struct str message = report->message;
    const struct program *own = mapping_program_written(mapping, report->program);
    list_nearest(own, message, &near);
    list_nearest(mapping_program(mapping, report->grasp == GRASP_NONE ? STR("-") : STR("*")), message, &near);
    if (!own)
        list_nearest(mapping_program(mapping, STR("?")), message, &near);
    return near;
}

const char *grasp_name(enum grasp grasp)
{
    static const char *const names[] = {
        [GRASP_NONE] = "none",
        [GRASP_HEADER] = "header",
        [GRASP_FIELDS] = "fields",
        [GRASP_PATTERN] = "pattern",
    };
    ASSERT((unsigned)grasp < ARRAY_LEN(names));
    return names[grasp];
}

static void quoted_put(struct buf *buf, struct str text)
{
    struct str shown = str_slice(text, 0, SHOWN_MAX);
    shown.n = shown.n < text.n ? utf8_valid_prefix(shown) : shown.n;
    buf_char(buf, '"');
    for (size_t i = 0; i < shown.n; i++) {
        unsigned char c = (unsigned char)shown.p[i];
        if (c < ' ' || c == 0x7f)
            buf_format(buf, "\\x%02x", c);
        else
            buf_char(buf, (char)c);
    }
    buf_text(buf, shown.n < text.n ? "...\"" : "\"");
}

void near_say(struct buf *buf, const struct near *near, struct str message)
{
    const struct template_stop *stop = &near->stop;
    struct str rest = str_skip(message, stop->at);
    if (stop->why != TEMPLATE_FITS)
        buf_format(buf, "stops at byte %zu: ", stop->at + 1);
    switch (stop->why) {
    case TEMPLATE_FITS:
        buf_text(buf, "fits");
        return;
    case TEMPLATE_LITERAL:
        quoted_put(buf, stop->wanted);
        buf_text(buf, stop->at == 0 || capture_is_bounded(stop->kind) ? " does not stand there" : " does not follow");
        break;
    case TEMPLATE_CAPTURE:
        buf_format(buf, "{%.*s} takes %s", STR_ARG(stop->wanted), capture_kind_name(stop->kind));
        break;
    case TEMPLATE_TAIL:
        buf_text(buf, "the pattern ends");
        break;
    }
    if (rest.n == 0) {
        buf_text(buf, ", and the message ends");
    } else {
        buf_text(buf, ", and the message goes on ");
        quoted_put(buf, rest);
    }
}
