#include "role/hunt_compare.h"

#include "base/arena.h"
#include "base/assert.h"
#include "role/hunt_rules.h"
#include "rule/correlate.h"

#include <stdlib.h>

#define PAIRS_FIRST 1024u

static const char *const kind_names[COMPARE_KINDS] = {[COMPARE_ADDED] = "added",
                                                      [COMPARE_REMOVED] = "removed",
                                                      [COMPARE_CHANGED] = "changed",
                                                      [COMPARE_SAME] = "affected"};

const char *compare_kind_name(enum compare_kind kind)
{
    ASSERT(kind < COMPARE_KINDS);
    return kind_names[kind];
}

/* ---- which rules differ ---- */

/* Rules are the same one when their id is; without one, when their title is. */
static bool is_counterpart(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return false;
    return a->id.n || b->id.n ? str_eq_nocase(a->id, b->id) : str_eq(a->title, b->title);
}

/* Nearly all are the same on both sides, and found so without a look at every one. */
static const struct rule *counterpart(const struct rules *rules, const struct rule *rule)
{
    const struct rule *same = rules_find_hash(rules, rule->hash);
    if (same && is_counterpart(same, rule))
        return same;
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

static void side_keep(struct compare *c, size_t side, const struct rule *rule)
{
    struct compare_side *s = &c->side[side];
    if (!rule)
        return;
    s->change_of[rule->index] = (uint32_t)c->change_count;
    s->keep[rule->index] = true;
    s->kept++;
}

static void change_add(struct compare *c, enum compare_kind kind, const struct rule *old, const struct rule *new)
{
    bool of_indicators = old && hunt_rules_of_indicators(c->side[COMPARE_OLD].rules, old);
    if (new)
        of_indicators = of_indicators || hunt_rules_of_indicators(c->side[COMPARE_NEW].rules, new);
    c->changes[c->change_count++] =
        (struct compare_change){.kind = kind, .rule = new ? new : old, .of_indicators = of_indicators};
    side_keep(c, COMPARE_OLD, old);
    side_keep(c, COMPARE_NEW, new);
}

static void compare_one(struct compare *c, bool filters, const struct rule *old)
{
    const struct rules *olds = c->side[COMPARE_OLD].rules;
    const struct rules *news = c->side[COMPARE_NEW].rules;
    const struct rule *new = counterpart(news, old);
    if (!new)
        change_add(c, COMPARE_REMOVED, old, NULL);
    else if (old->hash != new->hash)
        change_add(c, COMPARE_CHANGED, old, new);
    else if (filters || (old->kind == RULE_CORRELATION && (has_other(olds, news, old) || has_other(news, olds, old))))
        change_add(c, COMPARE_SAME, old, new);
}

enum rc compare_find(struct compare *compare, struct err *err)
{
    struct compare *c = compare;
    const struct rules *olds = c->side[COMPARE_OLD].rules;
    const struct rules *news = c->side[COMPARE_NEW].rules;
    c->changes = memory_new((rules_count(olds) + rules_count(news) + 1) * sizeof *c->changes);
    bool ok = c->changes != NULL;
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        size_t count = rules_count(c->side[s].rules) + 1;
        c->side[s].change_of = memory_new(count * sizeof *c->side[s].change_of);
        c->side[s].keep = memory_new(count * sizeof *c->side[s].keep);
        ok = ok && c->side[s].change_of && c->side[s].keep;
    }
    if (!ok)
        return err_set(err, RC_LIMIT, "no memory for rules");
    bool filters = has_other(olds, news, NULL) || has_other(news, olds, NULL);
    for (size_t i = 0; i < rules_count(olds); i++)
        if (rules_at(olds, i)->kind != RULE_FILTER)
            compare_one(c, filters, rules_at(olds, i));
    for (size_t i = 0; i < rules_count(news); i++)
        if (rules_at(news, i)->kind != RULE_FILTER && !counterpart(olds, rules_at(news, i)))
            change_add(c, COMPARE_ADDED, NULL, rules_at(news, i));
    return RC_OK;
}

/* ---- what each side finds ---- */

static bool pairs_grow(struct compare *c, struct compare_side *side)
{
    size_t room = side->room ? side->room * 2 : PAIRS_FIRST;
    struct compare_pair *pairs = memory_resize(side->pairs, room * sizeof *pairs);
    if (!pairs) {
        c->no_memory = true;
        return false;
    }
    side->pairs = pairs;
    side->room = room;
    return true;
}

void compare_found(struct compare *compare, size_t side, const struct rule *rule, uint64_t record)
{
    struct compare_side *s = &compare->side[side];
    ASSERT(side < COMPARE_SIDES && rule->index < rules_count(s->rules));
    uint32_t number = s->change_of[rule->index];
    if (number == 0)
        return; /* one that only a correlation counts */
    struct compare_change *change = &compare->changes[number - 1];
    change->found[side]++;
    change->too_many = change->too_many || (compare->share && change->found[side] > compare->share);
    if (change->too_many)
        return;
    if (s->count == compare->pairs_max)
        compare->pairs_lost = true;
    else if (s->count < s->room || pairs_grow(compare, s))
        s->pairs[s->count++] = (struct compare_pair){number - 1, record};
}

static int by_pair(const void *a, const void *b)
{
    const struct compare_pair *x = a;
    const struct compare_pair *y = b;
    if (x->change != y->change)
        return x->change < y->change ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

void compare_sort(struct compare *compare, size_t side)
{
    struct compare_side *s = &compare->side[side];
    size_t kept = 0;
    if (s->count)
        qsort(s->pairs, s->count, sizeof *s->pairs, by_pair);
    for (size_t i = 0; i < s->count; i++)
        if (kept == 0 || by_pair(&s->pairs[kept - 1], &s->pairs[i]) != 0)
            s->pairs[kept++] = s->pairs[i];
    s->count = kept;
}

/* ---- the difference ---- */

/* Both sides' pairs in order. */
void compare_count(struct compare *compare)
{
    const struct compare_side *old = &compare->side[COMPARE_OLD];
    const struct compare_side *new = &compare->side[COMPARE_NEW];
    size_t o = 0;
    size_t n = 0;
    while (o < old->count || n < new->count) {
        int order = o == old->count ? 1 : n == new->count ? -1 : by_pair(&old->pairs[o], &new->pairs[n]);
        const struct compare_pair *pair = order <= 0 ? &old->pairs[o] : &new->pairs[n];
        struct compare_change *change = &compare->changes[pair->change];
        change->lost += order < 0 && !change->too_many;
        change->gained += order > 0 && !change->too_many;
        change->kept += order == 0 && !change->too_many;
        o += order <= 0;
        n += order >= 0;
    }
}

/* The place of the first pair of a change. */
static size_t first_pair(const struct compare_side *side, size_t change)
{
    size_t low = 0;
    size_t high = side->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (side->pairs[middle].change < change)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t compare_records(const struct compare *compare, size_t change, size_t side, size_t limit, uint64_t *ret_records)
{
    const struct compare_side *mine = &compare->side[side];
    const struct compare_side *other = &compare->side[COMPARE_SIDES - 1 - side];
    size_t count = 0;
    if (compare->changes[change].too_many)
        return 0;
    for (size_t i = first_pair(mine, change); i < mine->count && mine->pairs[i].change == change && count < limit; i++)
        if (!other->count || !bsearch(&mine->pairs[i], other->pairs, other->count, sizeof *other->pairs, by_pair))
            ret_records[count++] = mine->pairs[i].record;
    return count;
}

void compare_done(struct compare *compare)
{
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        memory_free(compare->side[s].change_of);
        memory_free(compare->side[s].keep);
        memory_free(compare->side[s].pairs);
    }
    memory_free(compare->changes);
    *compare = (struct compare){.change_count = 0};
}
