#include "event/render.h"

#include "base/civil.h"

#define VALUE_MAX 200

static void render_value(struct buf *buf, struct str value)
{
    size_t n = MIN(value.n, VALUE_MAX);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c < ' ' || c == 0x7f)
            buf_format(buf, "\\x%02x", c);
        else
            buf_char(buf, (char)c);
    }
    if (n < value.n)
        buf_format(buf, "... (%zu bytes)", value.n);
    buf_char(buf, '\n');
}

static void render_logsource(struct buf *buf, const struct names *names, const struct event_logsource *logsource)
{
    if (!logsource->product && !logsource->service && !logsource->category[0])
        return;
    buf_text(buf, "  logsource");
    if (logsource->product)
        buf_format(buf, " product=%.*s", STR_ARG(names_text(names, logsource->product)));
    if (logsource->service)
        buf_format(buf, " service=%.*s", STR_ARG(names_text(names, logsource->service)));
    for (size_t i = 0; i < EVENT_CATEGORIES_MAX && logsource->category[i]; i++)
        buf_format(buf, " category=%.*s", STR_ARG(names_text(names, logsource->category[i])));
    buf_char(buf, '\n');
}

void event_render(struct buf *buf, const struct names *names, const struct event *event)
{
    char time[CIVIL_TEXT_MAX];
    civil_format(event->time_ns, 0, event->time_ns % SECOND_NS ? 3 : 0, time);
    buf_format(buf, "  event %s %s%s%s%s%s%s", event->parser, time, event->flags & EVENT_ARCHIVE ? " archive" : "",
               event->flags & EVENT_MATCH ? " match" : "", event->flags & EVENT_UNDERSTOOD ? " understood" : "",
               event->flags & EVENT_PIECE ? " piece" : "", event->flags & EVENT_JOINED ? " joined" : "");
    buf_text(buf, " records");
    for (uint32_t i = 0; i < event->record_count; i++)
        buf_format(buf, "%c%llu", i ? ',' : ' ', (unsigned long long)event->records[i]);
    if (event->fields_lost)
        buf_format(buf, " lost %u", event->fields_lost);
    buf_char(buf, '\n');
    render_logsource(buf, names, &event->logsource);
    for (unsigned i = 0; i < STATUTORY_COUNT; i++)
        if (event->statutory[i].n) {
            buf_format(buf, "  @%s: ", statutory_key((enum statutory)i));
            render_value(buf, event->statutory[i]);
        }
    for (uint32_t i = 0; i < event->field_count; i++) {
        static const char *const types[] = {"", " (number)", " (bool)", " (null)", " (object)"};
        const struct event_field *field = &event->fields[i];
        buf_format(buf, "  %.*s%s: ", STR_ARG(names_text(names, field->name)), types[field->type]);
        render_value(buf, field->value);
    }
}
