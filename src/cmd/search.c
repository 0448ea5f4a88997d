/* search.c - `qorgan search [QUERY]`: events that match, newest first, beside a running service or without it. */
#include "archive/search.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/civil.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"

#include <stdio.h>

#define QUERY_MEMORY ((size_t)1 << 20)
#define LINE_BYTES   ((size_t)64 << 20)

enum form { FORM_TEXT, FORM_JSON, FORM_RAW };

struct printing {
    struct reading reading;
    enum form form;
    struct buf line;
    bool failed; /* nobody reads any more */
};

static void put_time(struct buf *out, const char *key, int64_t time_ns)
{
    char text[CIVIL_TEXT_MAX];
    size_t n = civil_format(time_ns, 0, 9, text);
    json_put_str(out, key, str_at(text, n));
}

static bool seen_before(const struct event *event, uint32_t position)
{
    for (uint32_t i = 0; i < position; i++)
        if (event->fields[i].name == event->fields[position].name)
            return true;
    return false;
}

/* A name that comes several times becomes a list. */
static void put_field(struct buf *out, const struct names *names, const struct event *event, uint32_t position)
{
    uint32_t name = event->fields[position].name;
    uint32_t count = 0;
    if (seen_before(event, position))
        return;
    for (uint32_t i = position; i < event->field_count; i++)
        count += event->fields[i].name == name;
    json_write_key_slice(out, names_text(names, name));
    if (count > 1)
        json_write_array(out);
    for (uint32_t i = position; i < event->field_count; i++)
        if (event->fields[i].name == name)
            json_write_str(out, event->fields[i].value);
    if (count > 1)
        json_write_array_end(out);
}

static void put_json(struct printing *p, const struct archive_hit *hit)
{
    struct buf *out = &p->line;
    json_write_object(out);
    json_put_u64(out, "record", hit->leaf.index);
    put_time(out, "time", hit->event.time_ns);
    put_time(out, "received", hit->leaf.received_ns);
    json_put_str(out, "source", hit->source.name);
    json_put_str(out, "source_kind", hit->source.kind);
    json_put_text(out, "type", leaf_type_name(hit->leaf.type));
    json_put_text(out, "transport", transport_name(hit->leaf.transport));
    json_put_text(out, "parser", hit->event.parser ? hit->event.parser : "");
    json_put_str(out, "raw", hit->raw);
    json_write_key(out, "statutory");
    json_write_object(out);
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        if (hit->event.statutory[i].n)
            json_put_str(out, statutory_key((enum statutory)i), hit->event.statutory[i]);
    json_write_object_end(out);
    json_write_key(out, "fields");
    json_write_object(out);
    for (uint32_t i = 0; i < hit->event.field_count; i++)
        put_field(out, p->reading.names, &hit->event, i);
    json_write_object_end(out);
    json_write_key(out, "rules");
    json_write_array(out);
    for (size_t i = 0; i < hit->rule_count; i++)
        json_write_str(out, hit->rules[i]);
    json_write_array_end(out);
    json_write_object_end(out);
}

/* A record may hold anything; a terminal must not obey it. */
static void put_visible(struct buf *out, struct str raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c < 0x20 || c == 0x7f)
            buf_format(out, "\\x%02x", c);
        else
            buf_char(out, (char)c);
    }
}

static void put_text(struct printing *p, const struct archive_hit *hit)
{
    char time[CIVIL_TEXT_MAX];
    size_t n = civil_format(hit->event.time_ns, 0, 3, time);
    buf_u64(&p->line, hit->leaf.index);
    buf_char(&p->line, ' ');
    buf_put(&p->line, time, n);
    buf_char(&p->line, ' ');
    put_visible(&p->line, hit->source.name.n ? hit->source.name : STR("-"));
    buf_text(&p->line, ": ");
    put_visible(&p->line, hit->raw);
}

static bool print_hit(void *context, const struct archive_hit *hit)
{
    struct printing *p = context;
    buf_clear(&p->line);
    switch (p->form) {
    case FORM_JSON:
        put_json(p, hit);
        break;
    case FORM_TEXT:
        put_text(p, hit);
        break;
    case FORM_RAW:
        buf_str(&p->line, hit->raw);
        break;
    }
    buf_char(&p->line, '\n');
    struct str line = buf_view(&p->line);
    p->failed = p->line.overflow || fwrite(line.p, 1, line.n, stdout) != line.n;
    return !p->failed;
}

static enum rc run(struct printing *p, const struct options *options, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(QUERY_MEMORY);
    struct query *query;
    struct search_result result;
    int64_t now = clock_real_ns();
    struct search_options search = {.from_ns = options_time(options, "from", now, 0),
                                    .to_ns = options_time(options, "to", now, 0),
                                    .limit = (uint64_t)options_number(options, "limit"),
                                    .now_ns = now,
                                    .hit = print_hit,
                                    .context = p};
    struct str text = options->operand_count ? str_of(options->operands[0]) : STR("");
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to search");
    enum rc rc = query_parse(text, now, 0, arena, &query, err);
    if (rc != RC_OK)
        return rc;
    rc = reading_open(&p->reading, options_text(options, "data"), true, err);
    rc = rc == RC_OK ? search_run(p->reading.reader, query, &search, &result, err) : rc;
    if (rc == RC_OK && (fflush(stdout) != 0 || p->failed))
        rc = err_set(err, RC_IO, "could not write to standard output");
    reading_close(&p->reading);
    return rc;
}

int cmd_search(int argc, char **argv)
{
    static struct printing printing;
    struct options options;
    struct err err = {0};
    int status = options_parse("search", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    printing = (struct printing){.form = options_flag(&options, "json")  ? FORM_JSON
                                         : options_flag(&options, "raw") ? FORM_RAW
                                                                         : FORM_TEXT};
    printing.reading.folder = -1;
    buf_init(&printing.line, LINE_BYTES);
    enum rc rc = run(&printing, &options, &err);
    buf_done(&printing.line);
    if (rc == RC_INVALID && err.offset <= QUERY_TEXT_MAX)
        return cmd_usage("search", "%s", err.text);
    return rc == RC_OK ? CMD_OK : cmd_fail("search", &err);
}
