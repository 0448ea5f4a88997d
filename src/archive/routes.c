#include "archive/routes.h"

#include "archive/hash.h"

#include <string.h>

/* A way's own variables are to stay in registers. */
#define INLINE __attribute__((always_inline)) static inline

static struct str kind_of(const struct work *w)
{
    return str_at((const char *)w->b->layout_key, w->kind_words * sizeof *w->b->layout_key);
}

static struct route_kind *kind_find(const struct work *w)
{
    struct str key = kind_of(w);
    struct route_kind *kind = w->b->layouts.kinds[w->kind % LAYOUT_KINDS];
    while (kind && (kind->hash != w->kind || !str_eq(kind->key, key)))
        kind = kind->next;
    return kind;
}

/* What a way is gone with: as values, so that they need not be read again after each slot that is written. */
struct walk {
    const char *raw; /* zeros are behind it */
    size_t n;
    const uint8_t *signs;
    const struct value *values;
    struct cut *cut;
    size_t slots; /* of the cut, so far */
};

static inline struct walk walk_of(const struct work *w)
{
    struct cut *cut = w->b->cut;
    return (struct walk){cut->raw.p, cut->raw.n, w->b->layouts.signs, w->values, cut, 0};
}

INLINE uint8_t sign_at(const struct walk *walk, size_t at)
{
    return walk->signs[(uint8_t)walk->raw[at]];
}

INLINE bool stands_at(const struct walk *walk, size_t at, const struct route *route)
{
    const char *p = walk->raw + at;
    size_t n = route->piece.n;
    return !((get_le64(p) ^ route->head) & route->shown) && at + n <= walk->n &&
           (n <= sizeof route->head || text_same(p + 8, route->piece.p + 8, n - 8));
}

/* The end of a run that no value is in: with a digit, from a sign of a word to the last one; or 0. */
INLINE size_t signs_end(const struct walk *walk, size_t at)
{
    unsigned all = 0;
    size_t end = at;
    for (size_t i = at;; i++) {
        unsigned sign = sign_at(walk, i);
        if (!(sign & SIGN_TOKEN))
            break;
        all |= sign;
        end = sign & SIGN_WORD ? i + 1 : end;
    }
    return (all & SIGN_DIGIT) && (sign_at(walk, at) & SIGN_WORD) ? end : 0;
}

/* Eight bytes at once: a byte that is zero in x gets its upper bit. */
INLINE bool has_blank(const char *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t found = 0;
    for (; n > 8; n -= 8, p += 8) {
        uint64_t x = get_le64(p) ^ ' ' * ones;
        found |= (x - ones) & ~x;
    }
    uint64_t x = get_le64(p) ^ ' ' * ones;
    found |= (x - ones) & ~x & UINT64_MAX >> (64 - 8 * n);
    return found & 0x80 * ones;
}

/* Where the run ends; 0: it does not begin, or hold together, as it should. */
INLINE size_t run_end(const struct walk *walk, const struct run *run, size_t at)
{
    const struct value *v = &walk->values[run->value];
    if (run->what == RUN_SIGNS)
        return signs_end(walk, at);
    if (v->from != VALUE_RAW || v->at != at)
        return 0;
    size_t n = v->end - at;
    if ((n > 64 || has_blank(walk->raw + at, n)) && !cut_is_forced(walk->cut, at, v->end))
        return 0;
    if (run->what == RUN_VALUE)
        return v->end;
    const struct value *before = &walk->values[run->before];
    return before->from == VALUE_RAW && before->at > at && before->at < v->end ? before->at : 0;
}

static inline void slot_put(struct cut *cut, size_t i, struct cut_slot slot)
{
    cut->slots[i] = slot;
    cut->starts[i + 1] = slot.at + slot.n;
}

/* What goes on across a border: SIGN_WORD a word, SIGN_DOT a number with dots. */
static uint8_t joint(const struct walk *walk, size_t at)
{
    uint8_t one = at > 0 ? sign_at(walk, at - 1) : 0;
    uint8_t other = sign_at(walk, at);
    uint8_t dot = (one & SIGN_DOT && other & SIGN_DIGIT) || (one & SIGN_DIGIT && other & SIGN_DOT) ? SIGN_DOT : 0;
    return (uint8_t)((one & other & SIGN_WORD) | dot);
}

/* One that is joined to what is around it, has a single sign, or may be split around a time of day. By value, so that
 * the way's own stays where it is quickest. */
static unsigned run_put_odd(struct walk walk, size_t at, size_t to)
{
    uint32_t ends[CUT_PARTS] = {(uint32_t)(to - at)};
    uint8_t kinds[CUT_PARTS] = {SLOT_TEXT};
    unsigned parts = 1;
    uint8_t before = joint(&walk, at);
    if (((before | joint(&walk, to)) & SIGN_WORD) || walk.raw[at] == ' ' ||
        (to - at == 1 && !(sign_at(&walk, at) & SIGN_WORD)))
        return 0; /* is_between, perhaps */
    if (to - at >= CLOCK_SIZE)
        parts = cut_parts(str_at(walk.raw + at, to - at), ends, kinds);
    uint32_t from = 0;
    for (unsigned i = 0; i < parts; i++) {
        uint8_t behind = joint(&walk, at + ends[i]);
        slot_put(walk.cut, walk.slots + i,
                 (struct cut_slot){(uint32_t)at + from, ends[i] - from, kinds[i], before | behind});
        before = behind;
        from = ends[i];
    }
    return parts;
}

/* Writes the run's slots; returns how many. 0 where cut_finish would, or might, see another run. */
INLINE unsigned run_put(const struct walk *walk, size_t at, size_t to)
{
    const char *p = walk->raw + at;
    size_t n = to - at;
    unsigned around = sign_at(walk, to) | (at ? sign_at(walk, at - 1) : SIGN_WORD);
    bool odd = (around & (SIGN_WORD | SIGN_DOT)) || n == 1 || p[0] == ' ';
    if (n >= CLOCK_SIZE)
        odd = odd || p[2] == ':' || p[7] == ':' || p[13] == ':' || p[14] == ':'; /* as cut_parts looks for them */
    if (walk->slots + CUT_PARTS > CUT_SLOTS_MAX)
        return 0;
    if (odd)
        return run_put_odd(*walk, at, to);
    slot_put(walk->cut, walk->slots, (struct cut_slot){(uint32_t)at, (uint32_t)n, SLOT_TEXT, false});
    return 1;
}

/* Past the run, whose slots are then counted; 0 where there is another one. */
INLINE size_t run_take(struct walk *walk, const struct route *route, size_t at)
{
    const struct cut_slot *slots = walk->cut->slots + walk->slots;
    size_t end = run_end(walk, &route->run, at);
    unsigned parts = end ? run_put(walk, at, end) : 0;
    if (!parts || parts != route->run.parts || slots[0].kind != route->kinds[0])
        return 0;
    for (unsigned i = 1; i < parts; i++)
        if (slots[i].kind != route->kinds[i])
            return 0;
    walk->slots += parts;
    return end;
}

static const struct layout *end_take(struct work *w, const struct route *route, size_t slots)
{
    const struct layout *layout = layouts_at(&w->b->layouts, route->layout);
    w->b->cut->slot_count = slots;
    return layout && layout->key.p == route->key && layout_fits(w, layout) ? layout : NULL;
}

const struct layout *route_take(struct work *work)
{
    struct work *w = work;
    struct walk walk = walk_of(w);
    size_t at = 0;
    const struct route_kind *kind = NULL;
    if (!w->b->cut->has_backslash) {
        w->kind = hash_text(w->b->layouts.key, kind_of(w));
        kind = kind_find(w);
    }
    if (kind)
        values_statutory(w, kind->wanted);
    for (const struct route *route = kind ? kind->first : NULL; route;) {
        size_t end = 0;
        if (stands_at(&walk, at, route)) {
            end = at + route->piece.n;
            if (!route->layout) {
                end = run_take(&walk, route, end);
            } else {
                const struct layout *layout = end == walk.n ? end_take(w, route, walk.slots) : NULL;
                if (layout) {
                    w->b->layouts.misses -= w->b->layouts.misses > 0;
                    return layout;
                }
                end = 0;
            }
        }
        route = end ? route->then : route->next;
        at = end ? end : at;
    }
    return NULL;
}

/* ---- what is remembered ---- */

/* Whether slot `i` and those behind it come again when the run is taken by itself; run->parts is then how many. */
static bool run_again(struct work *w, const struct cut_slot *slots, size_t count, size_t i, struct run *run)
{
    struct walk walk = walk_of(w);
    size_t end = run_end(&walk, run, slots[i].at);
    walk.slots = i;
    run->parts = (uint8_t)(end ? run_put(&walk, slots[i].at, end) : 0);
    if (!run->parts || i + run->parts > count)
        return false;
    for (size_t k = i; k < i + run->parts; k++) {
        const struct cut_slot *slot = &w->b->cut->slots[k];
        if (slot->at != slots[k].at || slot->n != slots[k].n || slot->kind != slots[k].kind ||
            slot->glued != slots[k].glued)
            return false;
    }
    return true;
}

/* The run at slot `i`, as the values that begin there have it, whole or up to another; or as its signs have it. */
static bool run_find(struct work *w, const struct cut_slot *slots, size_t count, size_t i, struct run *run)
{
    uint16_t values = (uint16_t)(w->count + STATUTORY_COUNT);
    for (uint16_t v = 0; v < values; v++) {
        if (w->values[v].from != VALUE_RAW || w->values[v].at != slots[i].at)
            continue;
        *run = (struct run){.what = RUN_VALUE, .value = v};
        if (run_again(w, slots, count, i, run))
            return true;
        for (uint16_t before = 0; before < values; before++) {
            *run = (struct run){.what = RUN_BEFORE, .value = v, .before = before};
            if (run_again(w, slots, count, i, run))
                return true;
        }
    }
    *run = (struct run){.what = RUN_SIGNS};
    return run_again(w, slots, count, i, run);
}

/* The runs of the record at work. False when one would be another when it was taken by itself. */
static bool runs_find(struct work *w, const struct cut_slot *slots, size_t count)
{
    size_t i = 0;
    for (w->run_count = 0; i < count; w->run_count++) {
        if (!run_find(w, slots, count, i, &w->runs[w->run_count]))
            return false;
        i += w->runs[w->run_count].parts;
    }
    return true;
}

/* What of a value at [from, to) the runs tell: it may split one, be told by one, or go around one of signs alone. */
struct told {
    bool splits;
    bool by_run;
    bool around_signs;
};

static struct told value_told(const struct work *w, size_t from, size_t to)
{
    const struct cut *cut = w->b->cut;
    struct told told = {false};
    size_t slot = 0;
    for (uint32_t i = 0; i < w->run_count; i++) {
        const struct run *run = &w->runs[i];
        size_t at = cut->slots[slot].at;
        for (size_t k = slot + 1; k < slot + run->parts; k++)
            told.splits = told.splits || cut->slots[k].at == from || cut->slots[k].at == to;
        slot += run->parts;
        if (run->what == RUN_SIGNS)
            told.around_signs = told.around_signs || (from <= at && at < to);
        else
            told.by_run = told.by_run || (w->values[run->value].at == from && w->values[run->value].end == to);
    }
    return told;
}

/* A blank in a piece: it is in every record of this layout. */
static bool has_blank_between(const struct cut *cut, size_t from, size_t to)
{
    for (size_t i = 0; i <= cut->slot_count; i++) {
        size_t begin = MAX((size_t)cut->starts[i], from);
        size_t end = MIN(i < cut->slot_count ? cut->slots[i].at : cut->raw.n, to);
        if (begin < end && memchr(cut->raw.p + begin, ' ', end - begin))
            return true;
    }
    return false;
}

/* Whether the value holds together in every record of this layout in which its quotes are as now. */
static bool value_settle(const struct work *w, struct layout_value *placed)
{
    const struct cut *cut = w->b->cut;
    const struct value *v = &w->values[placed->value];
    struct told told = value_told(w, v->at, v->end);
    bool blank = has_blank_between(cut, v->at, v->end);
    bool forced = cut_is_forced(cut, v->at, v->end);
    placed->quotes = blank ? (forced ? QUOTES_AROUND : QUOTES_NONE) : QUOTES_ANY;
    return !told.splits && (!told.around_signs || !forced) &&
           (told.by_run || blank || (forced && placed->begin.piece == placed->end.piece));
}

static bool way_pays(struct layouts *layouts)
{
    if (layouts->misses >= ROUTE_MISSES_MAX)
        return ++layouts->passed % 16 == 0;
    layouts->misses++;
    return true;
}

bool route_may(struct work *work, struct layout *layout)
{
    struct work *w = work;
    struct cut *cut = w->b->cut;
    struct cut_slot slots[CUT_SLOTS_MAX];
    size_t count = cut->slot_count;
    if (cut->has_backslash || cut->has_split_words || !way_pays(&w->b->layouts))
        return false;
    memcpy(slots, cut->slots, count * sizeof *slots);
    bool may = runs_find(w, slots, count);
    memcpy(cut->slots, slots, count * sizeof *slots);
    for (size_t i = 0; i < count; i++)
        cut->starts[i + 1] = slots[i].at + slots[i].n;
    cut->slot_count = count;
    for (uint32_t i = 0; i < layout->placed_count && may; i++)
        may = value_settle(w, &w->placed[i]);
    for (uint32_t i = 0; i < layout->placed_count && !may; i++)
        w->placed[i].quotes = QUOTES_ANY;
    return may;
}

static bool is_route(const struct route *one, const struct route *other)
{
    return one->layout == other->layout && one->run.what == other->run.what && one->run.value == other->run.value &&
           one->run.before == other->run.before && one->run.parts == other->run.parts &&
           memcmp(one->kinds, other->kinds, sizeof one->kinds) == 0 && str_eq(one->piece, other->piece);
}

/* The same one among those at the link, or a new one. NULL without memory. */
static struct route *route_join(struct arena *arena, struct route **link, const struct route *wanted)
{
    for (unsigned beside = 1; *link; beside++, link = &(*link)->next) {
        if (is_route(*link, wanted))
            return *link;
        if (beside == ROUTES_BESIDE)
            break;
    }
    struct route *route = arena_alloc(arena, sizeof *route);
    if (!route)
        return NULL;
    *route = *wanted;
    route->head = text_head(wanted->piece);
    route->shown = wanted->piece.n ? UINT64_MAX >> (64 - 8 * MIN(wanted->piece.n, sizeof route->head)) : 0;
    route->piece = arena_str(arena, wanted->piece);
    if (wanted->piece.n && !route->piece.p)
        return NULL;
    *link = route;
    return route;
}

static struct route_kind *kind_join(struct work *w)
{
    struct layouts *layouts = &w->b->layouts;
    struct route_kind *kind = kind_find(w);
    if (kind)
        return kind;
    kind = arena_alloc(layouts->arena, sizeof *kind);
    struct str key = arena_str(layouts->arena, kind_of(w));
    struct route_kind **link = &layouts->kinds[w->kind % LAYOUT_KINDS];
    if (!kind || !key.p)
        return NULL;
    for (unsigned beside = 1; *link && beside < ROUTE_KINDS_BESIDE; beside++)
        link = &(*link)->next;
    *kind = (struct route_kind){.hash = w->kind, .key = key};
    *link = kind;
    return kind;
}

/* Statutory values that the layout's way, or its values, are compared with. */
static uint32_t wanted_by(const struct work *w, const struct layout *layout)
{
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < layout->value_count; i++)
        if (layout->values[i].value >= w->count)
            wanted |= UINT32_C(1) << (layout->values[i].value - w->count);
    return wanted;
}

void route_put(struct work *work, const struct layout *layout)
{
    struct work *w = work;
    const struct cut *cut = w->b->cut;
    struct route_kind *kind = kind_join(w);
    struct route **link = kind ? &kind->first : NULL;
    size_t slot = 0;
    if (kind)
        kind->wanted |= wanted_by(w, layout);
    for (uint32_t i = 0; i < w->run_count && link; i++) {
        struct route route = {.piece = cut_piece(cut, slot), .run = w->runs[i]};
        for (uint32_t k = 0; k < route.run.parts; k++)
            route.kinds[k] = cut->slots[slot + k].kind;
        slot += route.run.parts;
        struct route *joined = route_join(w->b->layouts.arena, link, &route);
        link = joined ? &joined->then : NULL;
    }
    struct route end = {.piece = cut_piece(cut, cut->slot_count), .layout = layout->hash};
    struct route *joined = link ? route_join(w->b->layouts.arena, link, &end) : NULL;
    const struct layout *put = layouts_at(&w->b->layouts, layout->hash);
    if (joined && put)
        joined->key = put->key.p;
}
