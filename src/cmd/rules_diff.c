/* `qorgan rules diff OLD NEW`: which rules were added, removed and changed, and what each of these would have found
 * more, and less, in the archive.
 *
 * Strangers wrote the rules and what the records say: this process reads the rules' files and looks into none; a copy
 * of it, which may read the archive and share the work with copies of its own, does all the rest and prints. */
#include "base/arena.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/hunt_command.h"
#include "codec/json.h"
#include "paper/visible.h"
#include "role/hunt_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES ((size_t)64 << 20)
#define PAIRS_MAX  10000000u /* of rule and record that a side remembers */
#define SHOWN_MAX  5u        /* records named of each rule, without --records */
#define SIDES      COMPARE_SIDES

#define COPY_MEMORY ((uint64_t)16 << 30) /* address space: the texts, two sets of rules, what they match */

struct diff {
    const struct options *options;
    const char *named[SIDES];
    const char *folders[OPTIONS_GIVEN_MAX];
    struct hunt_choice choice[SIDES];
    struct hunt_choice_texts texts[SIDES];
    enum rc unready; /* why the archive cannot be read; said once the rules are known */
    struct err unready_why;
    struct hunt_site site;
    struct hunt_rules rules[SIDES];
    struct compare compare;
    size_t at_work; /* the side */
    struct buf line;
    bool json;
    bool failed; /* nobody reads what is printed */
    uint64_t matched;
    uint64_t limit; /* records shown of each change */
};

/* ---- which rules differ ---- */

static enum rc changes_find(struct diff *d, struct err *err)
{
    for (size_t s = 0; s < SIDES; s++)
        d->compare.side[s].rules = d->rules[s].rules;
    enum rc rc = compare_find(&d->compare, err);
    for (size_t i = 0; i < d->compare.change_count && rc == RC_OK; i++)
        if (d->compare.changes[i].of_indicators)
            hunt_site_remark_rule(d->compare.changes[i].rule);
    for (size_t s = 0; s < SIDES && rc == RC_OK; s++)
        hunt_rules_narrow(&d->rules[s], d->compare.side[s].keep);
    return rc;
}

/* ---- what each side finds ---- */

static void on_found(void *context, const struct hunt_found *found)
{
    struct diff *d = context;
    d->matched++;
    compare_found(&d->compare, d->at_work, found->rule, found->record);
}

static bool on_go(void *context, uint32_t permille, const struct hunt_counts *counts)
{
    struct diff *d = context;
    return hunt_site_go_on(&d->site, permille, counts) && !d->compare.no_memory;
}

static uint64_t matched_of(void *context)
{
    const struct diff *d = context;
    return d->matched;
}

static enum rc side_hunt(struct diff *d, size_t side, const struct options *options, struct err *err)
{
    if (d->rules[side].wanted_count == 0)
        return RC_OK;
    struct hunt hunt = hunt_site_hunt(&d->site, options);
    hunt.rules = &d->rules[side];
    hunt.found = on_found;
    hunt.go_on = on_go;
    hunt.context = d;
    d->at_work = side;
    enum rc rc = hunt_run(&hunt, err);
    hunt_site_clear(&d->site);
    if (rc != RC_OK)
        return rc;
    if (d->compare.no_memory || d->compare.pairs_lost)
        return err_set(err, RC_LIMIT, "the rules match more records than can be compared");
    if (!hunt.complete)
        return err_set(err, RC_AGAIN, "stopped: nothing can be said of the difference");
    if (side == COMPARE_NEW || d->rules[COMPARE_NEW].wanted_count == 0)
        hunt_site_remarks(&d->site, &hunt);
    compare_sort(&d->compare, side);
    return RC_OK;
}

/* ---- the difference ---- */

static void line_out(struct diff *d)
{
    buf_char(&d->line, '\n');
    if (d->line.overflow || fwrite(d->line.p, 1, d->line.n, stdout) != d->line.n)
        d->failed = true;
    buf_clear(&d->line);
    d->line.overflow = false;
}

static size_t records_of(const struct diff *d, const struct compare_change *change, size_t side, uint64_t *ret_records)
{
    return compare_records(&d->compare, (size_t)(change - d->compare.changes), side, (size_t)d->limit, ret_records);
}

static void text_records(struct diff *d, const struct compare_change *change, size_t side, uint64_t *records)
{
    size_t all = side == COMPARE_NEW ? change->gained : change->lost;
    size_t count = records_of(d, change, side, records);
    if (count == 0)
        return;
    buf_text(&d->line, side == COMPARE_NEW ? "  gained: record" : "  lost: record");
    for (size_t i = 0; i < count; i++)
        buf_format(&d->line, "%s %llu", i ? "," : "", (unsigned long long)records[i]);
    if (all > count)
        buf_format(&d->line, " and %zu more", all - count);
    line_out(d);
}

static void json_records(struct diff *d, const struct compare_change *change, size_t side, uint64_t *records)
{
    size_t count = records_of(d, change, side, records);
    json_write_key(&d->line, side == COMPARE_NEW ? "gained_records" : "lost_records");
    json_write_array(&d->line);
    for (size_t i = 0; i < count; i++)
        json_write_u64(&d->line, records[i]);
    json_write_array_end(&d->line);
}

static void change_print(struct diff *d, const struct compare_change *change, uint64_t *records)
{
    struct buf *out = &d->line;
    if (d->json) {
        json_write_object(out);
        json_put_text(out, "change", compare_kind_name(change->kind));
        json_put_str(out, "rule_id", change->rule->id);
        json_put_str(out, "title", change->rule->title);
        json_put_u64(out, "kept", change->kept);
        json_put_u64(out, "gained", change->gained);
        json_put_u64(out, "lost", change->lost);
        json_records(d, change, COMPARE_NEW, records);
        json_records(d, change, COMPARE_OLD, records);
        if (change->of_indicators)
            json_put_text(out, "remark", HUNT_RULES_REMARK);
        json_write_object_end(out);
        line_out(d);
        return;
    }
    buf_format(out, "%-8s ", compare_kind_name(change->kind));
    visible_show(out, change->rule->title);
    buf_text(out, " (");
    visible_show(out, change->rule->id);
    buf_format(out, "): %zu gained, %zu lost, %zu as before", change->gained, change->lost, change->kept);
    line_out(d);
    text_records(d, change, COMPARE_NEW, records);
    text_records(d, change, COMPARE_OLD, records);
}

/* How many changes there are to tell. */
static enum rc changes_print(struct diff *d, size_t *ret_told, struct err *err)
{
    uint64_t *records = memory_new((d->limit + 1) * sizeof *records);
    *ret_told = 0;
    if (!records)
        return err_set(err, RC_LIMIT, "no memory for records");
    compare_count(&d->compare);
    for (size_t i = 0; i < d->compare.change_count; i++) {
        const struct compare_change *change = &d->compare.changes[i];
        if (change->kind == COMPARE_SAME && !change->gained && !change->lost)
            continue;
        change_print(d, change, records);
        ++*ret_told;
    }
    memory_free(records);
    if (!d->json && *ret_told == 0)
        printf("no rule differs\n");
    return fflush(stdout) != 0 || d->failed ? err_set(err, RC_IO, "could not write to standard output") : RC_OK;
}

/* ---- all ---- */

static enum rc work_diff(void *context, struct buf *answer, struct err *err)
{
    struct diff *d = context;
    size_t told = 0;
    enum rc rc = RC_OK;
    for (size_t s = 0; s < SIDES && rc == RC_OK; s++)
        rc = hunt_choice_load(&d->choice[s], &d->texts[s], hunt_site_refused, &d->rules[s], err);
    if (rc == RC_OK && d->unready != RC_OK)
        rc = err_set(err, d->unready, "%s", d->unready_why.text);
    rc = rc == RC_OK ? hunt_site_start(&d->site, d->options, err) : rc;
    rc = rc == RC_OK ? changes_find(d, err) : rc;
    for (size_t s = 0; s < SIDES && rc == RC_OK; s++)
        rc = side_hunt(d, s, d->options, err);
    rc = rc == RC_OK ? changes_print(d, &told, err) : rc;
    buf_u8(answer, told > 0);
    return rc;
}

static enum rc named_find(struct diff *d, const struct options *options, struct err *err)
{
    size_t count = 0;
    for (int i = 1; i < options->operand_count; i++) {
        if (hunt_site_is_range(options->operands[i]))
            continue;
        if (count < SIDES)
            d->named[count] = options->operands[i];
        count++;
    }
    return count == SIDES ? RC_OK : err_set(err, RC_INVALID, "diff compares two files or folders of rules");
}

static enum rc texts_read(struct diff *d, const struct options *options, struct err *err)
{
    size_t count = 0;
    enum rc rc = RC_OK;
    while (count < ARRAY_LEN(d->folders) && (d->folders[count] = options_list(options, "rules", count)))
        count++;
    for (size_t s = 0; s < SIDES && rc == RC_OK; s++) {
        d->choice[s] =
            (struct hunt_choice){.named = &d->named[s], .named_count = 1, .folders = d->folders, .folder_count = count};
        rc = hunt_choice_read(&d->choice[s], &d->texts[s], err);
    }
    return rc;
}

static enum rc run(struct diff *d, const struct options *options, bool *ret_differs, struct err *err)
{
    char archive[ARCHIVE_PATH_MAX];
    struct buf answer CLEANUP(buf_done) = {0};
    const struct confined confined = {.work = work_diff,
                                      .context = d,
                                      .memory_max = COPY_MEMORY,
                                      .readable = {archive},
                                      .readable_count = 1,
                                      .copies = true,
                                      .stopped = hunt_site_stopped};
    buf_init(&answer, 1);
    enum rc rc = named_find(d, options, err);
    rc = rc == RC_OK ? texts_read(d, options, err) : rc;
    rc = rc == RC_OK ? archive_folder_path(options_text(options, "data"), archive, err) : rc;
    if (rc != RC_OK)
        return rc;
    d->unready = hunt_site_prepare(&d->site, options, &d->unready_why);
    rc = confined_command(&confined, "rules: the comparison", &answer, err);
    if (rc == RC_AGAIN) { /* it showed how far it was */
        d->site.shown = d->site.shown_ns != 0;
        hunt_site_clear(&d->site);
        return err_set(err, RC_AGAIN, "stopped: nothing can be said of the difference");
    }
    if (rc == RC_OK && answer.n != 1)
        return err_set(err, RC_CORRUPT, "what was compared does not read");
    *ret_differs = rc == RC_OK && answer.p[0] != 0;
    return rc;
}

int rules_diff_command(const struct options *options)
{
    static struct diff d;
    struct err err = {0};
    bool differs = false;
    d = (struct diff){
        .options = options, .json = options_flag(options, "json"), .limit = SHOWN_MAX, .compare.pairs_max = PAIRS_MAX};
    d.site.reading.folder = -1;
    d.site.matched = matched_of;
    d.site.context = &d;
    if (options_flag(options, "records"))
        d.limit = (uint64_t)options_number(options, "limit");
    buf_init(&d.line, LINE_BYTES);
    enum rc rc = run(&d, options, &differs, &err);
    for (size_t s = 0; s < SIDES; s++)
        hunt_choice_done(&d.texts[s]);
    hunt_site_close(&d.site);
    buf_done(&d.line);
    return rc != RC_OK ? cmd_fail("rules", &err) : differs ? CMD_FAILED : CMD_OK;
}
