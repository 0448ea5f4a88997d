/* coverage.c - `qorgan coverage`: what order 52/НҚ, Annex 4 demands of each source against what the archive holds of
 * it, beside a running service or without it. The same table, counts and judgement as the service (desk/annex.h); but
 * what is not in the range is missing, however short the source is known. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/interrupt.h"
#include "cmd/paper.h"
#include "codec/json.h"
#include "desk/annex.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "paper/visible.h"
#include "role/annex_counts.h"
#include "web/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE_MEMORY ((size_t)24 << 20)
#define ROWS_MAX     ((size_t)1 << 20) /* of counts: source, class, kind, parser */
#define SITES_MAX    ((size_t)1 << 18)
#define TEXTS_MAX_B  ((size_t)4 << 20)
#define LINE_MAX_B   ((size_t)64 << 10)
#define PROGRESS_NS  UINT64_C(200000000)
#define NO_ROW       UINT32_MAX

/* A source that is in the range. */
struct site {
    uint8_t id[16];
    uint32_t first; /* of its rows, NO_ROW: none */
    unsigned set;   /* classes that a person set */
};

struct covering {
    struct reading reading;
    struct papers_form form;
    struct arena *arena;
    struct annex_tables tables;
    struct annex_counts *counts;
    struct texts *texts;
    struct map *index; /* source id -> site */
    struct site *site;
    size_t sites;
    uint32_t *next; /* row -> the source's next one */
    struct annex_seen seen[ANNEX_CLASS_COUNT];
    struct annex_formats formats; /* of the source at work, in all classes */
    struct str source;            /* asked for; empty: all */
    unsigned class;               /* asked for; ANNEX_CLASS_COUNT: none */
    bool json;
    bool only_missing;
    bool failed;
    struct buf line;
    uint64_t missing;
    uint64_t shown_ns; /* progress; 0: it is not wanted */
    bool shown;
};

static void line_out(struct covering *c)
{
    buf_char(&c->line, '\n');
    struct str line = buf_view(&c->line);
    c->failed = c->failed || c->line.overflow || fwrite(line.p, 1, line.n, stdout) != line.n;
    buf_clear(&c->line);
}

/* --- counting --- */

static struct site *site_of(struct covering *c, const uint8_t id[16])
{
    uint64_t *place = map_put(c->index, str_at(id, 16));
    if (!place)
        return NULL;
    if (*place == 0) {
        struct site *site = &c->site[c->sites++];
        memcpy(site->id, id, sizeof site->id);
        site->first = NO_ROW;
        *place = c->sites;
    }
    return &c->site[*place - 1];
}

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct covering *c = context;
    bool data = hit->leaf.type == LEAF_RAW || hit->leaf.type == LEAF_DIGEST;
    if (!data || (c->source.n && !str_eq(hit->source.name, c->source)))
        return true;
    struct event_source source = hit->source;
    memcpy(source.id, hit->leaf.source, sizeof source.id);
    annex_counts_record(c->counts, &(struct annex_record){&source, &hit->event, hit->raw, hit->leaf.received_ns});
    return true;
}

/* What a person set stands in the records of the desk; the newest comes first. */
static bool on_class(void *context, const struct archive_hit *hit)
{
    struct covering *c = context;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct json_value *value = NULL;
    struct err err;
    uint8_t id[16];
    if (!arena || !str_is(hit->source.kind, "desk") || json_parse(arena, hit->raw, 8, &value, &err) != RC_OK ||
        !str_is(json_str(json_get(value, "event"), STR_NONE), "coverage.class") ||
        !hex_decode(json_str(json_get(value, "id"), STR_NONE), id, sizeof id) || map_get(c->index, str_at(id, 16)))
        return true;
    struct site *site = site_of(c, id);
    for (const struct json_value *v = json_first(json_get(value, "classes")); v && site; v = v->next) {
        enum annex_class class = annex_class_find(json_str(v, STR_NONE));
        site->set |= class < ANNEX_CLASS_COUNT ? 1u << class : 0;
    }
    return true;
}

static void progress(struct covering *c, const struct search *search)
{
    uint64_t now = clock_boot_ns();
    if (!c->shown_ns || now - c->shown_ns < PROGRESS_NS)
        return;
    uint32_t permille = search_permille(search);
    fprintf(stderr, "\r\033[K%u.%u %% read, %llu records looked at", permille / 10, permille % 10,
            (unsigned long long)search_result_of(search)->scanned);
    c->shown_ns = now;
    c->shown = true;
}

static enum rc look_through(struct covering *c, const char *text, struct search_options options, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct query *query = NULL;
    struct search *search = NULL;
    enum rc rc = arena ? query_parse(str_of(text), options.now_ns, 0, arena, &query, err)
                       : err_set(err, RC_LIMIT, "no memory to search");
    options.context = c;
    rc = rc == RC_OK ? search_open(c->reading.reader, query, &options, &search, err) : rc;
    while (rc == RC_OK || rc == RC_AGAIN) {
        if (interrupt_came())
            search_stop(search);
        rc = search_step(search, err);
        if (rc != RC_AGAIN)
            break;
        progress(c, search);
    }
    if (c->shown)
        fputs("\r\033[K", stderr);
    c->shown = false;
    if (rc == RC_OK && options.hit == on_hit)
        reading_tell_gone(&c->reading, "coverage", search_result_of(search));
    bool complete = rc == RC_OK && search_result_of(search)->complete;
    search_close(search);
    if (rc == RC_OK && interrupt_came() && !complete)
        return err_set(err, RC_AGAIN, "stopped: what is missing cannot be said");
    return rc;
}

/* Rows of counts by their source. */
static enum rc rows_link(struct covering *c, struct err *err)
{
    size_t rows = annex_counts_size(c->counts);
    c->next = memory_new((rows + 1) * sizeof *c->next);
    if (!c->next)
        return err_set(err, RC_LIMIT, "no memory for what sources sent");
    for (size_t i = 0; i < rows; i++) {
        struct annex_counts_row row = annex_counts_at(c->counts, i);
        struct site *site = site_of(c, row.source);
        if (!site)
            return err_set(err, RC_LIMIT, "there are more than %zu sources", SITES_MAX);
        c->next[i] = site->first;
        site->first = (uint32_t)i;
    }
    if (annex_counts_lost(c->counts))
        return err_set(err, RC_LIMIT, "more than %zu different counts: narrow it with --source or --from", ROWS_MAX);
    return RC_OK;
}

/* --- printing --- */

static enum language language_of_form(const struct covering *c)
{
    return (enum language)c->form.language; /* both: kk, ru, en */
}

static struct str say(const struct covering *c, const char *prefix, struct str key)
{
    struct str text = texts_get_of(c->texts, str_of(prefix), key, language_of_form(c));
    return text.n ? text : key;
}

static void requirement_write(struct covering *c, const struct annex_row *row)
{
    struct buf *out = &c->line;
    struct str name;
    if (row->what == ANNEX_FIELD)
        name = say(c, "statutory.", row->key);
    else if (row->what == ANNEX_FORM)
        name = say(c, "annex_form.", row->key);
    else
        name = c->tables.annex.kind[row->number].name[c->form.language];
    if (row->what == ANNEX_FAILURE) {
        struct str form = say(c, "annex.", STR("failures"));
        size_t at = str_search(form, STR("{0}"));
        buf_str(out, str_slice(form, 0, at));
        buf_str(out, name);
        buf_str(out, str_skip(form, MIN(at + 3, form.n)));
    } else {
        buf_str(out, name);
    }
}

static void cell_print(struct covering *c, const struct annex_row *row, const struct annex_cell *cell)
{
    char time[CIVIL_TEXT_MAX];
    struct buf *out = &c->line;
    const char *family = row->what == ANNEX_FORM ? "annex_form_state." : "annex_state.";
    buf_format(out, "  %s %.*s ", cell->state == ANNEX_MISSING ? "!" : " ", STR_ARG(row->paragraph));
    requirement_write(c, row);
    buf_text(out, ": ");
    buf_str(out, say(c, family, str_of(annex_state_key(cell->state))));
    if (cell->records && row->what <= ANNEX_FAILURE)
        buf_format(out, ", %llu, %.*s", (unsigned long long)cell->records,
                   (int)civil_format(cell->last_ns, c->form.zone_s, 0, time), time);
    else if (cell->of && row->what > ANNEX_FAILURE)
        buf_format(out, ", %llu / %llu", (unsigned long long)cell->records, (unsigned long long)cell->of);
    if (cell->state == ANNEX_MISSING && row->switch_on.n) {
        buf_text(out, " [");
        buf_str(out, row->switch_on);
        buf_text(out, "]");
    }
    line_out(c);
}

static void cell_json(struct covering *c, const struct site *site, const struct annex_row *row,
                      const struct annex_cell *cell)
{
    struct event_source source = archive_reader_source(c->reading.reader, site->id);
    struct buf *out = &c->line;
    char id[32];
    json_write_object(out);
    json_put_str(out, "source", source.name.n ? source.name : STR(""));
    json_put_str(out, "kind", source.kind.n ? source.kind : STR(""));
    json_put_str(out, "id", str_at(id, hex_encode(site->id, sizeof site->id, id)));
    json_put_text(out, "class", annex_class_key(row->class));
    json_put_text(out, "what", annex_what_key(row->what));
    json_put_str(out, "key", row->key);
    json_put_text(out, "must", annex_must_key(row->must));
    json_put_str(out, "paragraph", row->paragraph);
    json_put_text(out, "state", annex_state_key(cell->state));
    json_put_u64(out, "records", cell->records);
    json_put_u64(out, "of", cell->of);
    json_put_int(out, "first_ns", cell->first_ns);
    json_put_int(out, "last_ns", cell->last_ns);
    json_write_object_end(out);
    line_out(c);
}

static void class_print(struct covering *c, const struct site *site, enum annex_class class)
{
    const struct annex *annex = &c->tables.annex;
    struct annex_cell cell[ANNEX_CLASS_ROWS];
    size_t rows = annex->first[class + 1] - annex->first[class];
    size_t missing = 0;
    annex_judge(annex, class, &c->seen[class], true, cell);
    for (size_t i = 0; i < rows; i++)
        missing += cell[i].state == ANNEX_MISSING;
    c->missing += missing;
    if (!c->json) {
        struct event_source source = archive_reader_source(c->reading.reader, site->id);
        visible_show(&c->line, source.name.n ? source.name : STR("-"));
        buf_text(&c->line, ", ");
        buf_str(&c->line, say(c, "papers.class_", str_of(annex_class_key(class))));
        buf_text(&c->line, ": ");
        buf_str(&c->line, say(c, "annex.", STR("missing")));
        buf_format(&c->line, " %zu", missing);
        line_out(c);
    }
    for (size_t i = 0; i < rows; i++) {
        const struct annex_row *row = &annex->row[annex->first[class] + i];
        if (c->only_missing && cell[i].state != ANNEX_MISSING)
            continue;
        if (c->json)
            cell_json(c, site, row, &cell[i]);
        else
            cell_print(c, row, &cell[i]);
    }
}

static void site_print(struct covering *c, const struct site *site)
{
    uint64_t records[ANNEX_CLASS_COUNT] = {0};
    enum annex_class main = ANNEX_OS;
    struct event_source source = archive_reader_source(c->reading.reader, site->id);
    for (uint32_t i = site->first; i != NO_ROW; i = c->next[i]) {
        struct annex_counts_row row = annex_counts_at(c->counts, i);
        records[row.class] += row.count.records;
    }
    unsigned set = c->class < ANNEX_CLASS_COUNT ? 1u << c->class : site->set;
    unsigned classes = annex_classes(records, set, &main);
    bool is_file = str_is(source.kind, "file") || str_is(source.kind, "import");
    c->formats.count = 0;
    for (size_t i = 0; i < ANNEX_CLASS_COUNT; i++)
        annex_seen_clear(&c->tables.annex, &c->seen[i], is_file ? &c->formats : NULL);
    for (uint32_t i = site->first; i != NO_ROW; i = c->next[i]) {
        struct annex_counts_row row = annex_counts_at(c->counts, i);
        enum annex_class class = classes & 1u << row.class ? row.class : main;
        annex_formats_add(&c->formats, row.parser, row.count.records);
        annex_seen_add(&c->seen[class], row.kind, row.parser, &row.count);
    }
    for (unsigned class = 0; class < ANNEX_CLASS_COUNT; class ++)
        if (classes & 1u << class)
            class_print(c, site, (enum annex_class) class);
}

/* --- the command --- */

static enum rc tables_take(struct covering *c, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    struct str tsv;
    buf_init(&path, 4096);
    c->texts = texts_new(1);
    c->index = map_new(SITES_MAX, random_u64());
    c->site = memory_new(SITES_MAX * sizeof *c->site);
    if (!c->texts || !c->index || !c->site)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = data_folder(&path, err);
    rc = rc == RC_OK ? annex_tables_load(buf_z(&path), c->arena, &c->tables, err) : rc;
    buf_text(&path, "/i18n/web.tsv");
    rc = rc == RC_OK ? file_load_path(buf_z(&path), TEXTS_MAX_B, c->arena, &tsv, err) : rc;
    rc = rc == RC_OK ? texts_add(c->texts, "web.tsv", tsv, err) : rc;
    for (size_t i = 0; i < ANNEX_CLASS_COUNT && rc == RC_OK; i++) {
        c->seen[i].kind = arena_alloc_array(c->arena, c->tables.annex.kind_count, sizeof *c->seen[i].kind);
        if (!c->seen[i].kind)
            rc = err_set(err, RC_LIMIT, "no memory");
    }
    if (rc == RC_OK)
        c->counts = annex_counts_new(&c->tables, ROWS_MAX, random_u64());
    return rc == RC_OK && !c->counts ? err_set(err, RC_LIMIT, "no memory") : rc;
}

static enum rc run(struct covering *c, const struct options *options, struct err *err)
{
    int64_t now = clock_real_ns();
    struct search_options past = {.now_ns = now, .hit = on_class};
    struct search_options all = {.now_ns = now,
                                 .hit = on_hit,
                                 .from_ns = options_time(options, "from", now, 0),
                                 .to_ns = options_time(options, "to", now, 0)};
    enum rc rc = tables_take(c, err);
    rc = rc == RC_OK ? reading_open(&c->reading, options_text(options, "data"), true, err) : rc;
    rc = rc == RC_OK ? look_through(c, "type:lifecycle \"coverage.class\"", past, err) : rc;
    rc = rc == RC_OK ? look_through(c, "", all, err) : rc;
    rc = rc == RC_OK ? rows_link(c, err) : rc;
    size_t printed = 0;
    for (size_t i = 0; i < c->sites && rc == RC_OK && !c->failed; i++) {
        if (c->site[i].first == NO_ROW)
            continue; /* it sent nothing in the range */
        site_print(c, &c->site[i]);
        printed++;
    }
    if (rc == RC_OK && printed == 0)
        return err_set(err, RC_NOT_FOUND, "no source sent anything in the range");
    if (rc == RC_OK && (fflush(stdout) != 0 || c->failed))
        return err_set(err, RC_IO, "could not write to standard output");
    return rc;
}

static void close_all(struct covering *c)
{
    reading_close(&c->reading);
    annex_counts_free(c->counts);
    texts_free(c->texts);
    map_free(c->index);
    memory_free(c->site);
    memory_free(c->next);
    arena_free(c->arena);
    buf_done(&c->line);
}

int cmd_coverage(int argc, char **argv)
{
    static struct covering c;
    struct options options;
    struct err err = {0};
    int status = options_parse("coverage", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    c = (struct covering){.json = options_flag(&options, "json"),
                          .only_missing = options_flag(&options, "missing"),
                          .class = ANNEX_CLASS_COUNT,
                          .arena = arena_new(TABLE_MEMORY)};
    const char *class = options_text(&options, "class");
    const char *source = options_text(&options, "source");
    c.reading.folder = -1;
    c.source = source ? str_of(source) : STR("");
    c.shown_ns = isatty(STDERR_FILENO) == 1 ? clock_boot_ns() : 0;
    buf_init(&c.line, LINE_MAX_B);
    if (class && (c.class = annex_class_find(str_of(class))) == ANNEX_CLASS_COUNT)
        return cmd_usage("coverage", "\"%s\" is not a class", class);
    interrupt_watch();
    enum rc rc = c.arena ? paper_form(&options, &c.form, &err) : err_set(&err, RC_LIMIT, "no memory");
    bool usage = rc == RC_INVALID;
    rc = rc == RC_OK ? run(&c, &options, &err) : rc;
    bool missing = c.missing > 0;
    close_all(&c);
    if (usage)
        return cmd_usage("coverage", "%s", err.text);
    if (rc != RC_OK)
        return cmd_fail("coverage", &err);
    return missing ? CMD_FAILED : CMD_OK;
}
