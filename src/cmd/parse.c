/* parse.c - `qorgan parse [FILE...]`: which pattern takes each line and what it says, or where the nearest stops. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/options.h"
#include "cmd/parse_sources.h"
#include "codec/json.h"
#include "event/explain.h"
#include "event/propose.h"
#include "event/render.h"
#include "os/clock.h"
#include "os/random.h"
#include "paper/visible.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE    ((size_t)256 << 10)
#define LINE_BYTES   ((size_t)1 << 20) /* a longer line is cut there, as by `ingest` */
#define EVENT_MEMORY ((size_t)256 << 20)
#define OUT_MAX      ((size_t)64 << 20)
#define PROGRAMS_MAX 4096u /* that are counted apart; more count as "(others)" */

/* Lines of one program. */
struct tally {
    char name[64];
    uint64_t lines;
    uint64_t by[GRASP_PATTERN + 1];
};

struct parsing {
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct arena *arena;
    struct map *programs; /* name -> index in tally, from 1 */
    struct tally *tally;  /* [0]: the others */
    uint32_t tally_count;
    struct tally all;
    struct buf out;
    const char *file;
    struct event_source source;
    uint64_t line;
    bool json;
    bool explain;
    bool quiet;   /* only the summary */
    bool failed;  /* only lines that are not parsed */
    bool propose; /* a pattern of the lines' messages */
    struct str message[PROPOSE_MESSAGES_MAX];
    size_t message_count;
    uint64_t passed;  /* messages that no room was for */
    char program[64]; /* of the first of them; empty: it names none */
    struct arena *kept;
};

static bool is_parsed(enum grasp grasp)
{
    return grasp == GRASP_PATTERN || grasp == GRASP_FIELDS;
}

/* --- totals --- */

/* By what the line says wrote it, else by its format. */
static struct tally *tally_of(struct parsing *parsing, const struct event *event)
{
    char format[32];
    struct str name = event->statutory[STATUTORY_SERVICE];
    if (!name.n) {
        IGNORE(snprintf(format, sizeof format, "(%s)", event->parser)); /* names of parsers are short */
        name = str_of(format);
    }
    uint64_t *at = map_get(parsing->programs, name);
    if (at)
        return &parsing->tally[*at];
    if (parsing->tally_count == PROGRAMS_MAX || name.n >= sizeof parsing->tally->name ||
        !(at = map_put(parsing->programs, name)))
        return &parsing->tally[0];
    *at = parsing->tally_count++;
    memcpy(parsing->tally[*at].name, name.p, name.n);
    return &parsing->tally[*at];
}

static void tally_add(struct tally *tally, enum grasp grasp)
{
    tally->lines++;
    tally->by[grasp]++;
}

static double tally_rate(const struct tally *tally)
{
    uint64_t parsed = tally->by[GRASP_PATTERN] + tally->by[GRASP_FIELDS];
    return tally->lines ? 100.0 * (double)parsed / (double)tally->lines : 100.0;
}

/* Most lines first, then by name. */
static int tally_compare(const void *a, const void *b)
{
    const struct tally *x = a;
    const struct tally *y = b;
    if (x->lines != y->lines)
        return x->lines > y->lines ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void summary_row(struct parsing *parsing, const struct tally *tally, const char *name)
{
    struct buf *out = &parsing->out;
    buf_clear(out);
    if (parsing->json) {
        json_write_object(out);
        json_put_text(out, "program", name);
        json_put_u64(out, "lines", tally->lines);
        for (unsigned i = 0; i < ARRAY_LEN(tally->by); i++)
            json_put_u64(out, grasp_name((enum grasp)i), tally->by[i]);
        json_write_object_end(out);
    } else {
        visible_show(out, str_of(name));
        printf("%-31s", buf_z(out));
        buf_clear(out);
        buf_format(out, " %10llu", (unsigned long long)tally->lines);
        for (unsigned i = ARRAY_LEN(tally->by); i-- > 0;)
            buf_format(out, " %10llu", (unsigned long long)tally->by[i]);
        buf_format(out, "  %5.1f %%", tally_rate(tally));
    }
    printf("%s\n", buf_z(out));
}

static void summary_say(struct parsing *parsing)
{
    if (!parsing->json)
        printf("%s%-31s %10s %10s %10s %10s %10s  %7s\n", parsing->quiet ? "" : "\n", "program", "lines", "pattern",
               "fields", "header", "none", "parsed");
    qsort(parsing->tally + 1, parsing->tally_count - 1, sizeof *parsing->tally, tally_compare);
    for (uint32_t i = 1; i < parsing->tally_count; i++)
        summary_row(parsing, &parsing->tally[i], parsing->tally[i].name);
    if (parsing->tally[0].lines)
        summary_row(parsing, &parsing->tally[0], "(others)");
    summary_row(parsing, &parsing->all, "(all)");
}

/* --- one line --- */

static void pattern_say(struct parsing *parsing, const struct parse_report *report)
{
    struct buf *out = &parsing->out;
    const struct pattern *pattern = report->pattern;
    buf_format(out, "  %s", grasp_name(report->grasp));
    if (pattern) {
        buf_format(out, " %.*s.%.*s", STR_ARG(pattern->family->name), STR_ARG(pattern->id));
        if (parsing->explain)
            buf_format(out, ": %.*s", STR_ARG(pattern->text));
    }
    buf_char(out, '\n');
    if (!parsing->explain || pattern || !report->asked || is_parsed(report->grasp))
        return;
    struct near near = pattern_nearest(parsing->mapping, report);
    if (!near.pattern) {
        buf_text(out, "  nearest: none begins like it\n");
        return;
    }
    buf_format(out, "  nearest %.*s.%.*s: %.*s\n    of \"", STR_ARG(near.pattern->family->name),
               STR_ARG(near.pattern->id), STR_ARG(near.pattern->text));
    visible_show(out, str_slice(report->message, 0, 400));
    buf_text(out, "\"\n    ");
    near_say(out, &near, report->message);
    buf_char(out, '\n');
}

static void text_say(struct parsing *parsing, const struct parse_report *report)
{
    struct buf *out = &parsing->out;
    buf_text(out, "< ");
    visible_show(out, report->event->raw);
    buf_char(out, '\n');
    pattern_say(parsing, report);
    event_render(out, parsing->names, report->event);
    fputs(buf_z(out), stdout);
}

/* A name that repeats is one member whose value is a list. */
static void fields_say(struct parsing *parsing, const struct event *event)
{
    struct buf *out = &parsing->out;
    json_write_key(out, "fields");
    json_write_object(out);
    for (uint32_t i = 0; i < event->field_count; i++) {
        uint32_t name = event->fields[i].name;
        uint32_t before = 0;
        while (before < i && event->fields[before].name != name)
            before++;
        if (before < i)
            continue;
        json_write_key_slice(out, names_text(parsing->names, name));
        json_write_array(out);
        for (uint32_t at = i; at < event->field_count; at++)
            if (event->fields[at].name == name)
                json_write_str(out, event->fields[at].value);
        json_write_array_end(out);
    }
    json_write_object_end(out);
}

static void logsource_say(struct parsing *parsing, const struct event_logsource *logsource)
{
    struct buf *out = &parsing->out;
    json_put_str(out, "product", names_text(parsing->names, logsource->product));
    json_put_str(out, "service", names_text(parsing->names, logsource->service));
    json_write_key(out, "category");
    json_write_array(out);
    for (size_t i = 0; i < EVENT_CATEGORIES_MAX && logsource->category[i]; i++)
        json_write_str(out, names_text(parsing->names, logsource->category[i]));
    json_write_array_end(out);
}

static void near_json(struct parsing *parsing, const struct parse_report *report)
{
    struct buf *out = &parsing->out;
    struct buf text CLEANUP(buf_done) = {0};
    struct near near = pattern_nearest(parsing->mapping, report);
    if (!near.pattern)
        return;
    buf_init(&text, 4096);
    buf_format(&text, "%.*s.%.*s", STR_ARG(near.pattern->family->name), STR_ARG(near.pattern->id));
    json_put_str(out, "nearest", buf_view(&text));
    buf_clear(&text);
    near_say(&text, &near, report->message);
    json_put_str(out, "nearest_pattern", near.pattern->text);
    json_put_u64(out, "nearest_byte", near.stop.at + 1);
    json_put_str(out, "nearest_stop", buf_view(&text));
}

static void json_say(struct parsing *parsing, const struct parse_report *report)
{
    struct buf *out = &parsing->out;
    const struct pattern *pattern = report->pattern;
    json_write_object(out);
    json_put_text(out, "file", parsing->file);
    json_put_u64(out, "line", parsing->line);
    json_put_text(out, "grasp", grasp_name(report->grasp));
    json_put_text(out, "parser", report->event->parser);
    if (pattern) {
        json_put_str(out, "family", pattern->family->name);
        json_put_str(out, "pattern", pattern->id);
        json_put_str(out, "class", pattern->family->class);
    } else if (parsing->explain && report->asked && !is_parsed(report->grasp)) {
        near_json(parsing, report);
    }
    logsource_say(parsing, &report->event->logsource);
    json_write_key(out, "statutory");
    json_write_object(out);
    for (unsigned i = 0; i < STATUTORY_COUNT; i++)
        if (report->event->statutory[i].n)
            json_put_str(out, statutory_key((enum statutory)i), report->event->statutory[i]);
    json_write_object_end(out);
    fields_say(parsing, report->event);
    json_write_object_end(out);
    printf("%s\n", buf_z(out));
}

/* --- a pattern of the lines --- */

static void message_take(struct parsing *parsing, const struct parse_report *report)
{
    if (!(report->event->flags & EVENT_ARCHIVE) || str_trim(report->message).n == 0 ||
        (parsing->failed && is_parsed(report->grasp)))
        return;
    if (parsing->message_count == PROPOSE_MESSAGES_MAX) {
        parsing->passed++;
        return;
    }
    if (parsing->message_count == 0)
        IGNORE(str_copy_z(str_slice(program_base(report->program), 0, sizeof parsing->program - 1), parsing->program,
                          sizeof parsing->program)); /* it was cut to fit */
    parsing->message[parsing->message_count] = arena_str(parsing->kept, report->message);
    parsing->message_count += parsing->message[parsing->message_count].p != NULL;
}

/* A row of a table of data/parsers, with its heading; kind, outcome and set are a person's to fill. */
static enum rc proposal_say(struct parsing *parsing, struct err *err)
{
    struct buf *out = &parsing->out;
    struct buf pattern CLEANUP(buf_done) = {0};
    const char *program = parsing->program[0] ? parsing->program : "-";
    buf_init(&pattern, TEMPLATE_BYTES + 1);
    enum rc rc = pattern_propose(parsing->arena, parsing->message, parsing->message_count, &pattern, err);
    if (rc != RC_OK)
        return rc;
    if (parsing->passed)
        fprintf(stderr,
                "qorgan parse: the pattern is made of the first %u lines; %llu further ones are not looked at\n",
                PROPOSE_MESSAGES_MAX, (unsigned long long)parsing->passed);
    buf_clear(out);
    if (parsing->json) {
        json_write_object(out);
        json_put_text(out, "program", program);
        json_put_str(out, "pattern", buf_view(&pattern));
        json_put_u64(out, "lines", parsing->message_count);
        json_write_object_end(out);
    } else {
        buf_format(out, "id\tprogram\tpattern\tkind\toutcome\tset\nnew\t%s\t", program);
        buf_str(out, buf_view(&pattern));
        buf_text(out, "\t\t\t");
    }
    printf("%s\n", buf_z(out));
    return RC_OK;
}

static void on_report(void *context, const struct parse_report *report)
{
    struct parsing *parsing = context;
    if (parsing->propose) {
        message_take(parsing, report);
        return;
    }
    if (report->event->flags & EVENT_ARCHIVE) {
        tally_add(tally_of(parsing, report->event), report->grasp);
        tally_add(&parsing->all, report->grasp);
    }
    if (parsing->quiet || (parsing->failed && is_parsed(report->grasp)))
        return;
    buf_clear(&parsing->out);
    if (parsing->json)
        json_say(parsing, report);
    else
        text_say(parsing, report);
}

/* --- files --- */

static void line_take(struct parsing *parsing, struct str line)
{
    const struct parse_ask ask = {parsing->normaliser, parsing->arena, on_report, parsing};
    line = str_trim_end(str_slice(line, 0, LINE_BYTES), '\r');
    parsing->line++;
    if (line.n)
        parse_explain(&ask, &parsing->source, parsing->line, clock_real_ns(), line);
    arena_reset(parsing->arena);
}

static enum rc lines_take(struct parsing *parsing, int fd, struct err *err)
{
    struct buf held CLEANUP(buf_done) = {0};
    bool passing = false; /* the rest of a line that was cut */
    buf_init(&held, LINE_BYTES + READ_SIZE + 1);
    for (;;) {
        char *room = buf_reserve(&held, READ_SIZE);
        ssize_t got = room ? read(fd, room, READ_SIZE) : -1;
        if (got < 0 && room && errno == EINTR)
            continue;
        if (got < 0)
            return room ? err_errno(err, errno, "could not read \"%s\"", parsing->file)
                        : err_set(err, RC_LIMIT, "no memory for lines");
        if (got == 0)
            break;
        buf_grew(&held, (size_t)got);
        struct str rest = buf_view(&held);
        for (size_t end; (end = str_find(rest, '\n')) < rest.n; rest = str_skip(rest, end + 1)) {
            if (!passing)
                line_take(parsing, str_slice(rest, 0, end));
            passing = false;
        }
        if (rest.n >= LINE_BYTES) {
            if (!passing)
                line_take(parsing, rest);
            passing = true;
            rest = STR_NONE;
        }
        buf_consume(&held, held.n - rest.n);
    }
    if (held.n && !passing)
        line_take(parsing, buf_view(&held));
    return RC_OK;
}

static enum rc file_take(struct parsing *parsing, const char *path, const char *name, struct err *err)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "could not open \"%s\"", path);
    parsing->file = path;
    parsing->line = 0;
    parsing->source = (struct event_source){.kind = STR("file"), .name = str_of(name ? name : path)};
    enum rc rc = lines_take(parsing, fd, err);
    parse_flush(&(struct parse_ask){parsing->normaliser, parsing->arena, on_report, parsing});
    arena_reset(parsing->arena);
    if (!standard)
        close(fd);
    return rc;
}

static enum rc parsing_begin(struct parsing *parsing, const char *more, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    buf_init(&path, 4096);
    buf_init(&parsing->out, OUT_MAX);
    parsing->names = names_new(random_u64());
    parsing->arena = arena_new(EVENT_MEMORY);
    parsing->kept = arena_new((size_t)1 << 20);
    parsing->programs = map_new(PROGRAMS_MAX, random_u64());
    parsing->tally = memory_new(PROGRAMS_MAX * sizeof *parsing->tally);
    parsing->tally_count = 1;
    if (!parsing->names || !parsing->arena || !parsing->kept || !parsing->programs || !parsing->tally)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = data_folder(&path, err);
    rc = rc == RC_OK ? mapping_load_more(buf_z(&path), more, parsing->names, &parsing->mapping, err) : rc;
    if (rc != RC_OK)
        return rc;
    parsing->normaliser = normaliser_new(parsing->mapping, parsing->names);
    return parsing->normaliser ? RC_OK : err_set(err, RC_LIMIT, "no memory");
}

static void parsing_end(struct parsing *parsing)
{
    normaliser_free(parsing->normaliser);
    mapping_free(parsing->mapping);
    names_free(parsing->names);
    map_free(parsing->programs);
    memory_free(parsing->tally);
    arena_free(parsing->arena);
    arena_free(parsing->kept);
    buf_done(&parsing->out);
}

/* What the archive's sources sent, instead of files. */
static int sources_say(const struct parsing *parsing, const struct options *options)
{
    const struct parse_sources asked = {.data = options_text(options, "data"),
                                        .mapping = parsing->mapping,
                                        .normaliser = parsing->normaliser,
                                        .days = options_number(options, "days"),
                                        .json = parsing->json};
    struct err err = {0};
    double rate = 100.0;
    if (parse_sources_print(&asked, &rate, &err) != RC_OK)
        return cmd_fail("parse", &err);
    return rate < (double)options_number(options, "least") ? CMD_FAILED : CMD_OK;
}

static int files_say(struct parsing *parsing, const struct options *options)
{
    static char standard[] = "-";
    static char *const no_operands[] = {standard};
    struct err err = {0};
    int status = CMD_OK;
    char *const *files = options->operand_count ? options->operands : no_operands;
    for (int i = 0; i < MAX(options->operand_count, 1); i++)
        if (file_take(parsing, files[i], options_text(options, "name"), &err) != RC_OK)
            status = cmd_fail("parse", &err); /* the other files are read all the same */
    if (parsing->propose)
        return proposal_say(parsing, &err) == RC_OK ? status : cmd_fail("parse", &err);
    summary_say(parsing);
    return tally_rate(&parsing->all) < (double)options_number(options, "least") ? CMD_FAILED : status;
}

int cmd_parse(int argc, char **argv)
{
    struct options options;
    struct parsing parsing = {.json = false};
    struct err err;
    int status = options_parse("parse", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    parsing.json = options_flag(&options, "json");
    parsing.explain = options_flag(&options, "explain");
    parsing.quiet = options_flag(&options, "summary");
    parsing.failed = options_flag(&options, "failed");
    parsing.propose = options_flag(&options, "propose");
    if (options_flag(&options, "sources") && options.operand_count)
        return cmd_usage("parse", "--sources looks at the archive and takes no files");
    if (parsing_begin(&parsing, options_text(&options, "parsers"), &err) != RC_OK)
        status = cmd_fail("parse", &err);
    else if (options_flag(&options, "sources"))
        status = sources_say(&parsing, &options);
    else
        status = files_say(&parsing, &options);
    parsing_end(&parsing);
    return status;
}
