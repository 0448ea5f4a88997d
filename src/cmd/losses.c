/* losses.c - `qorgan losses`: the losses that the archive's own records tell of, beside a running service or without
 * it, folded by source, cause and minute as the ledger of the service (role/loss_counts.h). What only the desk notices,
 * silences and explanations, is on the page of the ledger. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "cmd/interrupt.h"
#include "cmd/paper.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/loss_counts.h"

#include <stdio.h>

#define SCRATCH    ((size_t)1 << 20)
#define LINE_MAX_B ((size_t)8 << 10)

struct losing {
    struct reading reading;
    struct papers_form form;
    struct loss_counts *counts;
    struct arena *scratch;
    struct buf line;
    bool json;
    bool failed;
    uint64_t printed;
};

static void row_json(struct losing *l, const struct loss_row *row, const struct event_source *source)
{
    struct buf *out = &l->line;
    char id[32];
    json_write_object(out);
    json_put_str(out, "id", str_at(id, hex_encode(row->source, sizeof row->source, id)));
    json_put_str(out, "kind", source->kind.n ? source->kind : STR(""));
    json_put_str(out, "name", source->name.n ? source->name : STR(""));
    loss_row_put(row, out);
    json_write_object_end(out);
}

static void row_text(struct losing *l, const struct loss_row *row, const struct event_source *source)
{
    char from[CIVIL_TEXT_MAX], to[CIVIL_TEXT_MAX];
    size_t from_n = civil_format(row->from_ns, l->form.zone_s, 0, from);
    size_t to_n = civil_format(row->to_ns, l->form.zone_s, 0, to);
    buf_format(&l->line, "%.*s  %.*s  %s  ", (int)from_n, from, (int)to_n, to, gap_cause_key(row->cause));
    if (row->unknown && !row->count)
        buf_text(&l->line, "unknown");
    else
        buf_format(&l->line, "%s%llu %s", row->unknown ? ">= " : "", (unsigned long long)row->count,
                   gap_unit_key(row->unit));
    buf_format(&l->line, "  records %llu-%llu  %.*s ", (unsigned long long)row->first, (unsigned long long)row->last,
               STR_ARG(source->kind));
    if (row->sender[0])
        buf_format(&l->line, "refused %s ", row->sender);
    /* a name is what a stranger's program is called */
    for (size_t i = 0; i < source->name.n; i++)
        buf_char(&l->line, source->name.p[i] < ' ' || source->name.p[i] == 0x7f ? '?' : source->name.p[i]);
}

static void rows_print(struct losing *l)
{
    for (size_t i = 0; i < loss_counts_size(l->counts); i++) {
        struct loss_row row = loss_counts_at(l->counts, i);
        struct event_source source = archive_reader_source(l->reading.reader, row.source);
        buf_clear(&l->line);
        if (l->json)
            row_json(l, &row, &source);
        else
            row_text(l, &row, &source);
        buf_char(&l->line, '\n');
        struct str line = buf_view(&l->line);
        l->failed = l->failed || l->line.overflow || fwrite(line.p, 1, line.n, stdout) != line.n;
        l->printed++;
    }
    loss_counts_told(l->counts, loss_counts_size(l->counts));
}

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct losing *l = context;
    struct leaf leaf = hit->leaf;
    arena_reset(l->scratch);
    loss_counts_record(l->counts, &leaf, hit->raw, NULL, NULL, l->scratch);
    if (loss_counts_size(l->counts) >= LOSS_COUNTS_MAX / 2)
        rows_print(l);
    return !l->failed;
}

static bool on_progress(void *context, uint32_t permille, uint64_t scanned)
{
    (void)context;
    (void)permille;
    (void)scanned;
    return !interrupt_came();
}

static enum rc look_through(struct losing *l, const char *text, struct search_options options, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(SCRATCH);
    struct query *query = NULL;
    struct search_result result;
    enum rc rc = arena ? query_parse(str_of(text), options.now_ns, 0, arena, &query, err)
                       : err_set(err, RC_LIMIT, "no memory to search");
    options.context = l;
    options.hit = on_hit;
    options.progress = on_progress;
    rc = rc == RC_OK ? search_run(l->reading.reader, query, &options, &result, err) : rc;
    if (rc == RC_OK && interrupt_came())
        return err_set(err, RC_AGAIN, "stopped: there may be more");
    return rc;
}

static enum rc run(struct losing *l, const struct options *options, struct err *err)
{
    static const char *const queries[] = {"type:gap", "type:lifecycle \"recovery\"", "type:lifecycle \"clock.step\"",
                                          "type:raw \"agent.gap\""};
    int64_t now = clock_real_ns();
    struct search_options range = {
        .now_ns = now, .from_ns = options_time(options, "from", now, 0), .to_ns = options_time(options, "to", now, 0)};
    enum rc rc = reading_open(&l->reading, options_text(options, "data"), false, err);
    for (size_t i = 0; i < ARRAY_LEN(queries) && rc == RC_OK; i++)
        rc = look_through(l, queries[i], range, err);
    if (rc == RC_OK)
        rows_print(l);
    if (rc == RC_OK && (fflush(stdout) != 0 || l->failed))
        return err_set(err, RC_IO, "could not write to standard output");
    return rc;
}

int cmd_losses(int argc, char **argv)
{
    static struct losing l;
    struct options options;
    struct err err = {0};
    int status = options_parse("losses", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    l = (struct losing){
        .json = options_flag(&options, "json"), .counts = loss_counts_new(random_u64()), .scratch = arena_new(SCRATCH)};
    l.reading.folder = -1;
    buf_init(&l.line, LINE_MAX_B);
    interrupt_watch();
    enum rc rc = l.counts && l.scratch ? paper_form(&options, &l.form, &err) : err_set(&err, RC_LIMIT, "no memory");
    bool usage = rc == RC_INVALID;
    rc = rc == RC_OK ? run(&l, &options, &err) : rc;
    reading_close(&l.reading);
    loss_counts_free(l.counts);
    arena_free(l.scratch);
    buf_done(&l.line);
    if (usage)
        return cmd_usage("losses", "%s", err.text);
    if (rc != RC_OK)
        return cmd_fail("losses", &err);
    return l.printed ? CMD_FAILED : CMD_OK;
}
