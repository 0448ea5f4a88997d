#include "role/hunt_update.h"

#include "base/assert.h"
#include "os/proc.h"
#include "role/hunt_compare.h"
#include "role/rule_bundle.h"

#include <stdlib.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define PAIRS_MAX    2000000u /* of rule and record that a side remembers: 32 MB */
#define SHARE        100000u  /* of them a rule may have: what matches more is noise, and only counted */

_Static_assert((int)COMPARE_ADDED == (int)DESK_CHANGE_ADDED && (int)COMPARE_REMOVED == (int)DESK_CHANGE_REMOVED &&
                   (int)COMPARE_CHANGED == (int)DESK_CHANGE_CHANGED && (int)COMPARE_SAME == (int)DESK_CHANGE_AFFECTED,
               "what differs is called the same by both");

/* opened ──► the rules that hold: compiled, hunted ──► those that would: the same ──► over */
struct hunt_update {
    struct hunt_update_options options;
    struct str bytes;    /* of the bundle */
    struct str prefix;   /* "pack:NAME/VERSION/" */
    struct str replaced; /* "pack:NAME/" */
    char prefix_text[RULE_BUNDLE_PATH];
    struct rules *all[COMPARE_SIDES];
    struct compare compare;
    size_t side; /* at work */
    struct hunt_rules rules;
    struct hunt hunt;
    struct hunting *hunting; /* NULL: none is */
    struct hunt_counts counts;
    uint64_t gone;
    uint64_t passed;
};

/* ---- whose documents ---- */

struct documents {
    struct hunt_update *update;
    size_t side;
};

static bool is_of_side(const struct documents *d, const struct rule_bundle_entry *entry)
{
    const struct hunt_update *u = d->update;
    bool new = d->side == COMPARE_NEW;
    if (entry->kind == RULE_BUNDLE_NEXT)
        return new &&str_starts(entry->path, u->prefix);
    return entry->kind == RULE_BUNDLE_FILE && !(new &&str_starts(entry->path, u->replaced));
}

static enum rc documents_read(const struct documents *d, struct str file, struct rules *rules, struct err *err)
{
    struct str rest = d->update->bytes;
    struct rule_bundle_entry entry;
    enum rc rc;
    while ((rc = rule_bundle_next(&rest, &entry, err)) == RC_OK) {
        if (!is_of_side(d, &entry) || (file.p && !str_eq(entry.path, file)))
            continue;
        rc = rules_add(rules, entry.path, entry.text, err);
        if (rc != RC_OK)
            return rc;
    }
    return rc == RC_END ? RC_OK : rc;
}

static enum rc documents_all(void *context, struct rules *rules, struct err *err)
{
    return documents_read(context, STR_NONE, rules, err);
}

static enum rc documents_again(void *context, struct str file, struct rules *rules, struct err *err)
{
    return documents_read(context, file, rules, err);
}

static bool is_hunted(const struct hunt_update *u, size_t side, const struct rule *rule)
{
    return u->compare.side[side].keep[rule->index] && !hunt_rules_of_indicators(u->all[side], rule);
}

static enum rc documents_choose(void *context, const struct rules *all, bool *wanted, struct err *err)
{
    const struct documents *d = context;
    const struct hunt_update *u = d->update;
    (void)err;
    for (size_t i = 0; i < rules_count(u->all[d->side]); i++) {
        const struct rule *rule = rules_at(u->all[d->side], i);
        const struct rule *same = is_hunted(u, d->side, rule) ? rules_find_hash(all, rule->hash) : NULL;
        if (same)
            wanted[same->index] = true;
    }
    return RC_OK;
}

/* ---- beginning ---- */

static enum rc side_read(struct hunt_update *u, size_t side, struct err *err)
{
    const struct documents documents = {u, side};
    u->all[side] = rules_new(RULES_MEMORY);
    enum rc rc = u->all[side] ? documents_read(&documents, STR_NONE, u->all[side], err)
                              : err_set(err, RC_LIMIT, "no memory for rules");
    rc = rc == RC_OK ? rules_finish(u->all[side], err) : rc;
    u->compare.side[side].rules = u->all[side];
    return rc;
}

static bool waits(const struct hunt_update *u)
{
    struct str rest = u->bytes;
    struct rule_bundle_entry entry;
    while (rule_bundle_next(&rest, &entry, NULL) == RC_OK)
        if (entry.kind == RULE_BUNDLE_NEXT && str_starts(entry.path, u->prefix))
            return true;
    return false;
}

static enum rc update_begin(struct hunt_update *u, struct err *err)
{
    struct buf prefix;
    enum rc rc = proc_sealed_map(u->options.bundle, RULE_BUNDLE_BYTES, &u->bytes, err);
    if (rc != RC_OK)
        return rc;
    buf_init_fixed(&prefix, u->prefix_text, sizeof u->prefix_text);
    buf_format(&prefix, "pack:%.*s/", STR_ARG(u->options.pack));
    u->prefix = buf_view(&prefix);
    u->replaced = str_slice(u->prefix, 0, str_find(u->prefix, '/') + 1);
    if (prefix.overflow || !waits(u))
        return err_set(err, RC_NOT_FOUND, "the version %.*s does not wait any more", STR_ARG(u->options.pack));
    for (size_t side = 0; side < COMPARE_SIDES && rc == RC_OK; side++)
        rc = side_read(u, side, err);
    u->compare.pairs_max = PAIRS_MAX;
    u->compare.share = SHARE;
    rc = rc == RC_OK ? compare_find(&u->compare, err) : rc;
    for (size_t i = 0; i < u->compare.change_count; i++)
        u->passed += u->compare.changes[i].of_indicators;
    return rc;
}

enum rc hunt_update_open(const struct hunt_update_options *options, struct hunt_update **ret_update, struct err *err)
{
    struct hunt_update *u = memory_new(sizeof *u);
    *ret_update = NULL;
    if (!u)
        return err_set(err, RC_LIMIT, "no memory for a hunt");
    u->options = *options;
    enum rc rc = update_begin(u, err);
    if (rc == RC_OK)
        *ret_update = u;
    else
        hunt_update_close(u);
    return rc;
}

/* ---- steps ---- */

static void on_found(void *context, const struct hunt_found *found)
{
    struct hunt_update *u = context;
    const struct rule *rule = rules_find_hash(u->all[u->side], found->rule->hash);
    if (rule)
        compare_found(&u->compare, u->side, rule, found->record);
}

static enum rc side_begin(struct hunt_update *u, struct err *err)
{
    struct documents documents = {u, u->side};
    const struct hunt_texts texts = {
        .all = documents_all, .again = documents_again, .choose = documents_choose, .context = &documents};
    enum rc rc = hunt_rules_load(&texts, u->options.names, u->options.mapping, &u->rules, err);
    if (rc != RC_OK)
        return rc;
    u->hunt = (struct hunt){.rules = &u->rules,
                            .reader = u->options.reader,
                            .from_ns = u->options.from_ns,
                            .to_ns = u->options.to_ns,
                            .zone_s = u->options.zone_s,
                            .jobs = 1,
                            .found = on_found,
                            .context = u};
    rc = hunt_open(&u->hunt, &u->hunting, err);
    return rc == RC_OK ? RC_AGAIN : rc;
}

static void counts_keep(struct hunt_update *u)
{
    u->counts.records = MAX(u->counts.records, u->hunt.counts.records);
    u->counts.too_large = MAX(u->counts.too_large, u->hunt.counts.too_large);
    u->counts.evicted = MAX(u->counts.evicted, u->hunt.counts.evicted);
    u->gone = MAX(u->gone, u->hunt.swept.gone_records + u->hunt.counts.lost);
}

static void side_end(struct hunt_update *u)
{
    hunt_close(u->hunting);
    u->hunting = NULL;
    hunt_rules_done(&u->rules);
    counts_keep(u);
}

static bool side_has_work(const struct hunt_update *u)
{
    for (size_t i = 0; i < rules_count(u->all[u->side]); i++)
        if (is_hunted(u, u->side, rules_at(u->all[u->side], i)))
            return true;
    return false;
}

enum rc hunt_update_step(struct hunt_update *update, struct err *err)
{
    struct hunt_update *u = update;
    ASSERT(u->side < COMPARE_SIDES);
    enum rc rc = RC_OK;
    if (!u->hunting && side_has_work(u))
        return side_begin(u, err);
    if (u->hunting)
        rc = hunt_step(u->hunting, err);
    if (u->compare.no_memory || u->compare.pairs_lost)
        return err_set(err, RC_LIMIT, "the rules that differ match more than can be compared: choose a shorter time");
    if (rc != RC_OK)
        return rc;
    side_end(u);
    compare_sort(&u->compare, u->side);
    if (++u->side < COMPARE_SIDES)
        return RC_AGAIN;
    compare_count(&u->compare);
    return RC_OK;
}

uint32_t hunt_update_permille(const struct hunt_update *update)
{
    uint32_t done = (uint32_t)(update->side * 1000 / COMPARE_SIDES);
    return done + (update->hunting ? hunt_permille(update->hunting) / COMPARE_SIDES : 0);
}

/* ---- what came of it ---- */

void hunt_update_numbers(const struct hunt_update *update, struct desk_hunt_report *ret_report)
{
    ret_report->records = MAX(update->counts.records, update->hunt.counts.records);
    ret_report->too_large = update->counts.too_large;
    ret_report->evicted = update->counts.evicted;
    ret_report->gone = update->gone;
    ret_report->passed = update->passed;
}

static bool is_told(const struct compare_change *change)
{
    return change->kind != COMPARE_SAME || change->gained || change->lost || change->too_many;
}

static int by_difference(const void *a, const void *b)
{
    const struct compare_change *x = *(const struct compare_change *const *)a;
    const struct compare_change *y = *(const struct compare_change *const *)b;
    if (x->too_many != y->too_many)
        return x->too_many ? -1 : 1;
    uint64_t x_found = x->too_many ? x->found[COMPARE_OLD] + x->found[COMPARE_NEW] : x->gained + x->lost;
    uint64_t y_found = y->too_many ? y->found[COMPARE_OLD] + y->found[COMPARE_NEW] : y->gained + y->lost;
    if (x_found != y_found)
        return x_found > y_found ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool change_put(const struct hunt_update *u, const struct compare_change *from, struct arena *arena,
                       struct desk_hunt_change *to)
{
    size_t number = (size_t)(from - u->compare.changes);
    uint64_t *gained = arena_alloc_array(arena, DESK_HUNT_NAMED, sizeof *gained);
    uint64_t *lost = arena_alloc_array(arena, DESK_HUNT_NAMED, sizeof *lost);
    if (!gained || !lost)
        return false;
    *to = (struct desk_hunt_change){.kind = (enum desk_hunt_change_kind)from->kind,
                                    .of_indicators = from->of_indicators,
                                    .too_many = from->too_many,
                                    .rule_id = from->rule->id,
                                    .title = from->rule->title,
                                    .gained = from->gained,
                                    .lost = from->lost,
                                    .before = from->found[COMPARE_OLD],
                                    .after = from->found[COMPARE_NEW],
                                    .gained_records = gained,
                                    .lost_records = lost};
    to->gained_count = compare_records(&u->compare, number, COMPARE_NEW, DESK_HUNT_NAMED, gained);
    to->lost_count = compare_records(&u->compare, number, COMPARE_OLD, DESK_HUNT_NAMED, lost);
    return true;
}

bool hunt_update_changes(const struct hunt_update *update, struct arena *arena, struct desk_hunt_report *ret_report)
{
    const struct compare *c = &update->compare;
    const struct compare_change **sorted = arena_alloc_array(arena, c->change_count + 1, sizeof *sorted);
    struct desk_hunt_change *changes = arena_alloc_array(arena, DESK_HUNT_CHANGES, sizeof *changes);
    size_t count = 0;
    if (!sorted || !changes)
        return false;
    for (size_t i = 0; i < c->change_count; i++)
        if (is_told(&c->changes[i]))
            sorted[count++] = &c->changes[i];
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, by_difference);
    for (size_t i = 0; i < count; i++) {
        ret_report->gained += sorted[i]->gained;
        ret_report->lost += sorted[i]->lost;
    }
    ret_report->change_total = count;
    ret_report->change_count = MIN(count, (size_t)DESK_HUNT_CHANGES);
    ret_report->changes = changes;
    for (size_t i = 0; i < ret_report->change_count; i++)
        if (!change_put(update, sorted[i], arena, &changes[i]))
            return false;
    return true;
}

void hunt_update_close(struct hunt_update *update)
{
    if (!update)
        return;
    hunt_close(update->hunting);
    hunt_rules_done(&update->rules);
    compare_done(&update->compare);
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        rules_free(update->all[side]);
    proc_unmap(update->bytes);
    memory_free(update);
}
