/* Golden cases: testdata/NAME.case holds records and, indented behind each, the events that come of it.
 *
 *   # comment          source KIND NAME      zone SECONDS      flush SECONDS
 *   < a record as it is            <\ a record with \xHH escapes
 *
 * testdata/parsers/FAMILY.case, of each family of data/parsers.tsv, also say which pattern took the record.
 *
 * `event_golden_test --bless` rewrites the files; read the difference before committing it. */
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "event/explain.h"
#include "event/render.h"

#include <stdio.h>
#include <string.h>

#define RECEIVED_NS INT64_C(1795262400000000000) /* 2026-11-21T12:00:00Z */

static bool bless;

struct play {
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct arena *arena;
    struct event_source source;
    uint64_t record;
    bool patterns;   /* they are said */
    uint32_t parsed; /* records that a pattern or a format understood */
    uint32_t own;    /* records that a pattern of `family` took */
    const struct family *family;
    struct buf out;
};

static void play_event(void *context, const struct event *event)
{
    struct play *play = context;
    const struct pattern *pattern = normaliser_pattern(play->normaliser);
    enum grasp grasp = normaliser_grasp(play->normaliser);
    if (event->flags & EVENT_ARCHIVE) {
        play->parsed += grasp == GRASP_PATTERN || grasp == GRASP_FIELDS;
        play->own += pattern && pattern->family == play->family;
    }
    if (play->patterns && pattern)
        buf_format(&play->out, "  pattern %.*s.%.*s\n", STR_ARG(pattern->family->name), STR_ARG(pattern->id));
    event_render(&play->out, play->names, event);
}

static struct str unescape(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool escape = text.p[i] == '\\' && i + 3 < text.n && text.p[i + 1] == 'x';
        if (escape && hex_decode(str_slice(text, i + 2, i + 4), copy + n, 1)) {
            n++;
            i += 3;
        } else {
            copy[n++] = text.p[i];
        }
    }
    return str_at(copy, n);
}

static void play_source(struct play *play, struct str rest)
{
    play->source.kind = arena_str(play->arena, str_cut(&rest, ' '));
    play->source.name = arena_str(play->arena, rest);
    memset(play->source.id, 0, sizeof play->source.id);
    memcpy(play->source.id, play->source.name.p, MIN(play->source.name.n, sizeof play->source.id));
}

static void play_line(struct play *play, struct str line)
{
    int64_t zone = 0;
    int64_t seconds = 0;
    if (str_starts(line, STR("< ")))
        normaliser_record(play->normaliser, &play->source, play->record++, RECEIVED_NS, str_skip(line, 2), play->arena,
                          play_event, play);
    else if (str_starts(line, STR("<\\ ")))
        normaliser_record(play->normaliser, &play->source, play->record++, RECEIVED_NS,
                          unescape(play->arena, str_skip(line, 3)), play->arena, play_event, play);
    else if (str_starts(line, STR("source ")))
        play_source(play, str_skip(line, 7));
    else if (str_starts(line, STR("zone ")) && str_to_i64(str_skip(line, 5), &zone))
        normaliser_set_zone(play->normaliser, (int32_t)zone);
    else if (str_is(line, "flush"))
        normaliser_flush(play->normaliser, RECEIVED_NS + 6 * INT64_C(1000000000), play->arena, play_event, play);
    else if (str_starts(line, STR("flush ")) && str_to_i64(str_skip(line, 6), &seconds))
        normaliser_flush(play->normaliser, RECEIVED_NS + seconds * INT64_C(1000000000), play->arena, play_event, play);
    else
        CHECK(line.n == 0 || line.p[0] == '#');
}

static bool play_begin(struct play *play)
{
    char path[4096];
    struct err err = {.text = ""};
    memset(play, 0, sizeof *play);
    play->arena = arena_new((size_t)64 << 20);
    play->names = names_new(3);
    buf_init(&play->out, (size_t)16 << 20);
    play->source = (struct event_source){.kind = STR("import"), .name = STR("case")};
    CHECK(snprintf(path, sizeof path, "%s/data", test_source_dir()) > 0);
    if (!CHECK_INT(mapping_load(path, play->names, &play->mapping, &err), RC_OK)) {
        CHECK_TEXT(str_of(err.text), "");
        return false;
    }
    play->normaliser = normaliser_new(play->mapping, play->names);
    return CHECK(play->normaliser != NULL);
}

static void play_end(struct play *play)
{
    normaliser_free(play->normaliser);
    mapping_free(play->mapping);
    names_free(play->names);
    buf_done(&play->out);
    arena_free(play->arena);
}

static void file_get(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    char chunk[4096];
    size_t n = 0;
    if (!CHECK(file != NULL))
        return;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_put(text, chunk, n);
    CHECK(fclose(file) == 0);
}

static void file_bless(const char *path, struct str text)
{
    FILE *file = fopen(path, "we");
    if (!CHECK(file != NULL))
        return;
    CHECK(fwrite(text.p, 1, text.n, file) == text.n);
    CHECK(fclose(file) == 0);
}

/* Says the first line that differs, not two whole files. */
static void compare(struct str got, struct str want)
{
    uint32_t line = 0;
    struct str record = STR_NONE;
    while (got.p || want.p) {
        struct str got_line = str_cut(&got, '\n');
        struct str want_line = str_cut(&want, '\n');
        line++;
        if (str_starts(got_line, STR("<")))
            record = got_line;
        test_row("line %u of the case, record %.*s", line, (int)MIN(record.n, 300), record.p);
        if (!CHECK_STR(got_line, want_line))
            return;
    }
}

/* `play` has begun. */
static void play_file(struct play *play, const char *name)
{
    struct buf text;
    char path[4096];
    buf_init(&text, (size_t)16 << 20);
    CHECK(snprintf(path, sizeof path, "%s/src/event/testdata/%s.case", test_source_dir(), name) > 0);
    test_row("%s", path);
    file_get(path, &text);
    struct str rest = buf_view(&text);
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        if (str_starts(line, STR("  ")) || (!rest.p && !line.n))
            continue;
        buf_str(&play->out, line);
        buf_char(&play->out, '\n');
        play_line(play, line);
    }
    if (bless)
        file_bless(path, buf_view(&play->out));
    else
        compare(buf_view(&play->out), buf_view(&text));
    buf_done(&text);
}

static void play_case(const char *name)
{
    struct play play;
    if (!play_begin(&play))
        return;
    play_file(&play, name);
    play_end(&play);
}

#define FAMILY_LINES 10 /* at least, of each */

/* Each family has its lines; all are understood, and where the family has patterns most by these. */
static void families_case(void)
{
    struct play play;
    if (!play_begin(&play))
        return;
    play.patterns = true;
    for (uint32_t i = 0; i < play.mapping->family_count; i++) {
        char name[128];
        play.family = &play.mapping->family[i];
        play.record = 0;
        play.parsed = 0;
        play.own = 0;
        buf_clear(&play.out);
        CHECK(snprintf(name, sizeof name, "parsers/%.*s", STR_ARG(play.family->name)) > 0);
        play_file(&play, name);
        test_row("%s: %u of %u records parsed, %u by its own patterns", name, play.parsed, (unsigned)play.record,
                 play.own);
        CHECK(play.record >= FAMILY_LINES);
        CHECK(play.parsed == play.record);
        CHECK(play.own * 2 > play.record || !play.family->pattern_count);
    }
    play_end(&play);
}

static void syslog_case(void)
{
    play_case("syslog");
}

static void programs_case(void)
{
    play_case("programs");
}

static void windows_case(void)
{
    play_case("windows");
}

static void audit_case(void)
{
    play_case("audit");
}

static void devices_case(void)
{
    play_case("devices");
}

static void formats_case(void)
{
    play_case("formats");
}

static void journal_case(void)
{
    play_case("journal");
}

static void winxml_case(void)
{
    play_case("winxml");
}

static void script_case(void)
{
    play_case("script");
}

static void gaps_case(void)
{
    play_case("gaps");
}

static void strange_case(void)
{
    play_case("strange");
}

/* Lines that other formats carry. */
static void inner_case(void)
{
    play_case("inner");
}

static const struct test tests[] = {
    {"syslog", syslog_case},   {"programs", programs_case}, {"windows", windows_case}, {"audit", audit_case},
    {"formats", formats_case}, {"journal", journal_case},   {"strange", strange_case}, {"winxml", winxml_case},
    {"script", script_case},   {"gaps", gaps_case},         {"devices", devices_case}, {"families", families_case},
    {"inner", inner_case},
};

int main(int argc, char **argv)
{
    bless = argc > 1 && strcmp(argv[1], "--bless") == 0;
    return test_run(tests, ARRAY_LEN(tests), bless ? 1 : argc, argv);
}
