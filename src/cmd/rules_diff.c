/* `qorgan rules diff OLD NEW`: which rules were added, removed and changed, and what each of these would have found
 * more, and less, in the archive. */
#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/hunt_command.h"
#include "codec/json.h"
#include "paper/visible.h"
#include "rule/correlate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES ((size_t)64 << 20)
#define PAIRS_MAX  10000000u /* of rule and record that a side remembers */
#define SHOWN_MAX  5u        /* records named of each rule, without --records */

enum { OLD, NEW, SIDES };

struct pair {
    uint32_t change;
    uint64_t record;
};

struct side {
    struct hunt_rules rules;
    uint32_t *change_of; /* by index of the rule: its change + 1; 0: it is no part of one */
    bool *keep;
    struct pair *pairs; /* sorted and each once, when the hunt is over */
    size_t count;
    size_t room;
};

/* SAME: the document is, but a filter, or what it counts, may not be. Told only when its matches differ. */
enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_SAME };

struct change {
    enum change_kind kind;
    const struct rule *rule; /* the new one, if there is one */
    bool of_indicators;      /* this one or the old one */
    size_t gained;
    size_t lost;
    size_t kept;
};

struct diff {
    struct hunt_site site;
    struct side side[SIDES];
    struct side *at_work;
    struct change *changes;
    size_t change_count;
    struct buf line;
    bool json;
    bool pairs_lost;
    bool no_memory;
    bool failed; /* nobody reads what is printed */
    uint64_t matched;
    uint64_t limit; /* records shown of each change */
};

static const char *const kind_names[] = {
    [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed", [CHANGE_CHANGED] = "changed", [CHANGE_SAME] = "affected"};

/* ---- which rules differ ---- */

/* Rules are the same one when their id is; without one, when their title is. */
static bool is_counterpart(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return false;
    return a->id.n || b->id.n ? str_eq_nocase(a->id, b->id) : str_eq(a->title, b->title);
}

static const struct rule *counterpart(const struct rules *rules, const struct rule *rule)
{
    for (size_t i = 0; i < rules_count(rules); i++)
        if (is_counterpart(rules_at(rules, i), rule))
            return rules_at(rules, i);
    return NULL;
}

/* Whether a filter, or a rule that the correlation counts, itself or through another one, is on one side only. */
static bool has_other(const struct rules *rules, const struct rules *others, const struct rule *correlation)
{
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);
        bool part = correlation ? correlation_names(correlation, rule) : rule->kind == RULE_FILTER;
        if (part && !rules_find_hash(others, rule->hash))
            return true;
    }
    return false;
}

static void change_add(struct diff *d, enum change_kind kind, const struct rule *old, const struct rule *new)
{
    bool of_indicators = old && hunt_rules_of_indicators(d->side[OLD].rules.rules, old);
    if (new)
        of_indicators = of_indicators || hunt_rules_of_indicators(d->side[NEW].rules.rules, new);
    d->changes[d->change_count++] =
        (struct change){.kind = kind, .rule = new ? new : old, .of_indicators = of_indicators};
    if (of_indicators)
        hunt_site_remark_rule(new ? new : old);
    if (old) {
        d->side[OLD].change_of[old->index] = (uint32_t)d->change_count;
        d->side[OLD].keep[old->index] = true;
    }
    if (new) {
        d->side[NEW].change_of[new->index] = (uint32_t)d->change_count;
        d->side[NEW].keep[new->index] = true;
    }
}

static void compare(struct diff *d, bool filters, const struct rule *old)
{
    const struct rules *olds = d->side[OLD].rules.rules;
    const struct rules *news = d->side[NEW].rules.rules;
    const struct rule *new = counterpart(news, old);
    if (!new)
        change_add(d, CHANGE_REMOVED, old, NULL);
    else if (old->hash != new->hash)
        change_add(d, CHANGE_CHANGED, old, new);
    else if (filters || (old->kind == RULE_CORRELATION && (has_other(olds, news, old) || has_other(news, olds, new))))
        change_add(d, CHANGE_SAME, old, new);
}

static enum rc changes_find(struct diff *d, struct err *err)
{
    const struct rules *olds = d->side[OLD].rules.rules;
    const struct rules *news = d->side[NEW].rules.rules;
    d->changes = memory_new((rules_count(olds) + rules_count(news) + 1) * sizeof *d->changes);
    bool ok = d->changes != NULL;
    for (size_t s = 0; s < SIDES; s++) {
        size_t count = rules_count(d->side[s].rules.rules) + 1;
        d->side[s].change_of = memory_new(count * sizeof *d->side[s].change_of);
        d->side[s].keep = memory_new(count * sizeof *d->side[s].keep);
        ok = ok && d->side[s].change_of && d->side[s].keep;
    }
    if (!ok)
        return err_set(err, RC_LIMIT, "no memory for rules");
    bool filters = has_other(olds, news, NULL) || has_other(news, olds, NULL);
    for (size_t i = 0; i < rules_count(olds); i++)
        if (rules_at(olds, i)->kind != RULE_FILTER)
            compare(d, filters, rules_at(olds, i));
    for (size_t i = 0; i < rules_count(news); i++)
        if (rules_at(news, i)->kind != RULE_FILTER && !counterpart(olds, rules_at(news, i)))
            change_add(d, CHANGE_ADDED, NULL, rules_at(news, i));
    for (size_t s = 0; s < SIDES; s++)
        hunt_rules_narrow(&d->side[s].rules, d->side[s].keep);
    return RC_OK;
}

/* ---- what each side finds ---- */

static void on_found(void *context, const struct hunt_found *found)
{
    struct diff *d = context;
    struct side *side = d->at_work;
    d->matched++;
    if (side->count == PAIRS_MAX) {
        d->pairs_lost = true;
        return;
    }
    if (side->count == side->room) {
        size_t room = side->room ? side->room * 2 : 1024;
        struct pair *pairs = memory_resize(side->pairs, room * sizeof *pairs);
        if (!pairs) {
            d->no_memory = true;
            return;
        }
        side->pairs = pairs;
        side->room = room;
    }
    side->pairs[side->count++] = (struct pair){side->change_of[found->rule->index] - 1, found->record};
}

static bool on_go(void *context, uint32_t permille, const struct hunt_counts *counts)
{
    struct diff *d = context;
    return hunt_site_go_on(&d->site, permille, counts) && !d->no_memory;
}

static uint64_t matched_of(void *context)
{
    const struct diff *d = context;
    return d->matched;
}

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    if (x->change != y->change)
        return x->change < y->change ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

static void pairs_sort(struct side *side)
{
    size_t kept = 0;
    if (side->count)
        qsort(side->pairs, side->count, sizeof *side->pairs, by_pair);
    for (size_t i = 0; i < side->count; i++)
        if (kept == 0 || by_pair(&side->pairs[kept - 1], &side->pairs[i]) != 0)
            side->pairs[kept++] = side->pairs[i];
    side->count = kept;
}

static enum rc side_hunt(struct diff *d, struct side *side, const struct options *options, struct err *err)
{
    if (side->rules.wanted_count == 0)
        return RC_OK;
    struct hunt hunt = hunt_site_hunt(&d->site, options);
    hunt.rules = &side->rules;
    hunt.found = on_found;
    hunt.go_on = on_go;
    hunt.context = d;
    d->at_work = side;
    enum rc rc = hunt_run(&hunt, err);
    hunt_site_clear(&d->site);
    if (rc != RC_OK)
        return rc;
    if (d->no_memory || d->pairs_lost)
        return err_set(err, RC_LIMIT, "the rules match more records than can be compared");
    if (!hunt.complete)
        return err_set(err, RC_AGAIN, "stopped: nothing can be said of the difference");
    if (side == &d->side[NEW] || d->side[NEW].rules.wanted_count == 0)
        hunt_site_remarks(&d->site, &hunt);
    pairs_sort(side);
    return RC_OK;
}

/* ---- the difference ---- */

typedef void (*pair_take)(struct diff *d, struct change *change, uint64_t record, int sign);

/* Both sides' pairs in order: -1 only the old side has it, 1 only the new, 0 both. */
static void pairs_walk(struct diff *d, pair_take take)
{
    const struct side *old = &d->side[OLD];
    const struct side *new = &d->side[NEW];
    size_t o = 0;
    size_t n = 0;
    while (o < old->count || n < new->count) {
        int order = o == old->count ? 1 : n == new->count ? -1 : by_pair(&old->pairs[o], &new->pairs[n]);
        const struct pair *pair = order <= 0 ? &old->pairs[o] : &new->pairs[n];
        take(d, &d->changes[pair->change], pair->record, order);
        o += order <= 0;
        n += order >= 0;
    }
}

static void count_pair(struct diff *d, struct change *change, uint64_t record, int sign)
{
    (void)d;
    (void)record;
    change->lost += sign < 0;
    change->gained += sign > 0;
    change->kept += sign == 0;
}

static void line_out(struct diff *d)
{
    buf_char(&d->line, '\n');
    if (d->line.overflow || fwrite(d->line.p, 1, d->line.n, stdout) != d->line.n)
        d->failed = true;
    buf_clear(&d->line);
    d->line.overflow = false;
}

/* The records that one side alone has of a change, as far as they are shown. */
static size_t records_of(const struct diff *d, const struct change *change, int side, uint64_t *ret_records)
{
    const struct side *mine = &d->side[side];
    const struct side *other = &d->side[SIDES - 1 - side];
    uint32_t number = (uint32_t)(change - d->changes);
    size_t count = 0;
    for (size_t i = 0; i < mine->count && count < d->limit; i++)
        if (mine->pairs[i].change == number &&
            !(other->count && bsearch(&mine->pairs[i], other->pairs, other->count, sizeof *other->pairs, by_pair)))
            ret_records[count++] = mine->pairs[i].record;
    return count;
}

static void text_records(struct diff *d, const struct change *change, int side, uint64_t *records)
{
    size_t all = side == NEW ? change->gained : change->lost;
    size_t count = records_of(d, change, side, records);
    if (count == 0)
        return;
    buf_text(&d->line, side == NEW ? "  gained: record" : "  lost: record");
    for (size_t i = 0; i < count; i++)
        buf_format(&d->line, "%s %llu", i ? "," : "", (unsigned long long)records[i]);
    if (all > count)
        buf_format(&d->line, " and %zu more", all - count);
    line_out(d);
}

static void json_records(struct diff *d, const struct change *change, int side, uint64_t *records)
{
    size_t count = records_of(d, change, side, records);
    json_write_key(&d->line, side == NEW ? "gained_records" : "lost_records");
    json_write_array(&d->line);
    for (size_t i = 0; i < count; i++)
        json_write_u64(&d->line, records[i]);
    json_write_array_end(&d->line);
}

static void change_print(struct diff *d, const struct change *change, uint64_t *records)
{
    struct buf *out = &d->line;
    if (d->json) {
        json_write_object(out);
        json_put_text(out, "change", kind_names[change->kind]);
        json_put_str(out, "rule_id", change->rule->id);
        json_put_str(out, "title", change->rule->title);
        json_put_u64(out, "kept", change->kept);
        json_put_u64(out, "gained", change->gained);
        json_put_u64(out, "lost", change->lost);
        json_records(d, change, NEW, records);
        json_records(d, change, OLD, records);
        if (change->of_indicators)
            json_put_text(out, "remark", HUNT_RULES_REMARK);
        json_write_object_end(out);
        line_out(d);
        return;
    }
    buf_format(out, "%-8s ", kind_names[change->kind]);
    visible_show(out, change->rule->title);
    buf_text(out, " (");
    visible_show(out, change->rule->id);
    buf_format(out, "): %zu gained, %zu lost, %zu as before", change->gained, change->lost, change->kept);
    line_out(d);
    text_records(d, change, NEW, records);
    text_records(d, change, OLD, records);
}

/* How many changes there are to tell. */
static enum rc changes_print(struct diff *d, size_t *ret_told, struct err *err)
{
    uint64_t *records = memory_new((d->limit + 1) * sizeof *records);
    *ret_told = 0;
    if (!records)
        return err_set(err, RC_LIMIT, "no memory for records");
    pairs_walk(d, count_pair);
    for (size_t i = 0; i < d->change_count; i++) {
        const struct change *change = &d->changes[i];
        if (change->kind == CHANGE_SAME && !change->gained && !change->lost)
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

static enum rc side_load(struct side *side, const char *named, const struct options *options, struct err *err)
{
    const char *folders[OPTIONS_GIVEN_MAX];
    struct hunt_choice choice = {.named = &named, .named_count = 1, .folders = folders};
    while (choice.folder_count < ARRAY_LEN(folders) &&
           (folders[choice.folder_count] = options_list(options, "rules", choice.folder_count)))
        choice.folder_count++;
    return hunt_choice_load(&choice, hunt_site_refused, NULL, &side->rules, err);
}

static enum rc run(struct diff *d, const struct options *options, size_t *ret_told, struct err *err)
{
    const char *named[SIDES] = {NULL, NULL};
    size_t count = 0;
    for (int i = 1; i < options->operand_count; i++) {
        if (hunt_site_is_range(options->operands[i]))
            continue;
        if (count < SIDES)
            named[count] = options->operands[i];
        count++;
    }
    if (count != SIDES)
        return err_set(err, RC_INVALID, "diff compares two files or folders of rules");
    enum rc rc = side_load(&d->side[OLD], named[OLD], options, err);
    rc = rc == RC_OK ? side_load(&d->side[NEW], named[NEW], options, err) : rc;
    rc = rc == RC_OK ? hunt_site_open(&d->site, options, err) : rc;
    rc = rc == RC_OK ? changes_find(d, err) : rc;
    for (size_t s = 0; s < SIDES && rc == RC_OK; s++)
        rc = side_hunt(d, &d->side[s], options, err);
    return rc == RC_OK ? changes_print(d, ret_told, err) : rc;
}

int rules_diff_command(const struct options *options)
{
    static struct diff d;
    struct err err = {0};
    size_t told = 0;
    d = (struct diff){.json = options_flag(options, "json"), .limit = SHOWN_MAX};
    d.site.reading.folder = -1;
    d.site.matched = matched_of;
    d.site.context = &d;
    if (options_flag(options, "records"))
        d.limit = (uint64_t)options_number(options, "limit");
    buf_init(&d.line, LINE_BYTES);
    enum rc rc = run(&d, options, &told, &err);
    for (size_t s = 0; s < SIDES; s++) {
        hunt_rules_done(&d.side[s].rules);
        memory_free(d.side[s].change_of);
        memory_free(d.side[s].keep);
        memory_free(d.side[s].pairs);
    }
    memory_free(d.changes);
    hunt_site_close(&d.site);
    buf_done(&d.line);
    return rc != RC_OK ? cmd_fail("rules", &err) : told ? CMD_FAILED : CMD_OK;
}
