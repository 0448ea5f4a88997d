#include "archive/routes.h"

#include "archive/hash.h"

#include <string.h>

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

static inline bool stands_at(struct str raw, size_t at, struct str piece)
{
    return raw.n - at >= piece.n && text_same(raw.p + at, piece.p, piece.n);
}

/* Where the run ends that is known from values; 0: it does not begin, or hold together, as it should. */
static inline size_t run_end(const struct work *w, const struct run *run, size_t at)
{
    const struct value *v = &w->values[run->value];
    const struct value *stop = &w->values[run->stop];
    bool fits = v->from == VALUE_RAW && v->at == at && stop->from == VALUE_RAW && stop->at <= v->end &&
                cut_is_forced(w->b->cut, at, v->end);
    if (!fits)
        return 0;
    return v == stop ? v->end : stop->at;
}

/* Past the run; 0 where there is another one. */
static size_t run_take(struct work *w, const struct route *route, size_t at)
{
    struct cut *cut = w->b->cut;
    size_t first = cut->slot_count;
    size_t to = route->run.value == RUN_SIGNS ? 0 : run_end(w, &route->run, at);
    bool same = (to || route->run.value == RUN_SIGNS) && (to = cut_run(cut, at, to)) != 0 &&
                cut->slot_count - first == route->run.parts;
    for (size_t i = 0; i < route->run.parts && same; i++)
        same = cut->slots[first + i].kind == route->kinds[i];
    if (!same)
        cut->slot_count = first;
    return same ? to : 0;
}

static const struct layout *end_take(struct work *w, const struct route *route)
{
    const struct layout *layout = layouts_at(&w->b->layouts, route->layout);
    return layout && layout_fits(w, layout) ? layout : NULL;
}

const struct layout *route_take(struct work *work)
{
    struct work *w = work;
    const struct cut *cut = w->b->cut;
    const struct layout *layout = NULL;
    size_t at = 0;
    w->kind = hash_text(w->b->layouts.key, kind_of(w));
    const struct route_kind *kind = cut->has_backslash ? NULL : kind_find(w);
    const struct route *route = kind ? kind->first : NULL;
    while (route && !layout) {
        size_t end = 0;
        if (stands_at(cut->raw, at, route->piece)) {
            end = at + route->piece.n;
            if (route->layout && end == cut->raw.n)
                layout = end_take(w, route);
            end = route->layout ? 0 : run_take(w, route, end);
        }
        route = end ? route->then : route->next;
        at = end ? end : at;
    }
    return layout;
}

/* ---- what is remembered ---- */

/* Whether slot `i` and those behind it come again when the run is taken by itself; run->parts is then how many. */
static bool run_again(struct work *w, const struct cut_slot *slots, size_t count, size_t i, struct run *run)
{
    struct cut *cut = w->b->cut;
    size_t at = slots[i].at;
    size_t to = run->value == RUN_SIGNS ? 0 : run_end(w, run, at);
    cut->slot_count = i;
    if ((!to && run->value != RUN_SIGNS) || !cut_run(cut, at, to) || cut->slot_count > count)
        return false;
    run->parts = (uint32_t)(cut->slot_count - i);
    return memcmp(cut->slots + i, slots + i, run->parts * sizeof *slots) == 0;
}

/* The run at slot `i`, as the values that begin there have it, whole or up to another; or as its signs have it. */
static bool run_find(struct work *w, const struct cut_slot *slots, size_t count, size_t i, struct run *run)
{
    uint32_t values = w->count + STATUTORY_COUNT;
    for (uint32_t v = 0; v < values; v++) {
        if (w->values[v].from != VALUE_RAW || w->values[v].at != slots[i].at)
            continue;
        for (uint32_t stop = 0; stop < values; stop++) {
            *run = (struct run){.value = v, .stop = stop};
            if (w->values[stop].from == VALUE_RAW && run_again(w, slots, count, i, run))
                return true;
        }
    }
    *run = (struct run){.value = RUN_SIGNS};
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
        if (run->value == RUN_SIGNS)
            told.around_signs = told.around_signs || (from <= at && at < to);
        else
            told.by_run = told.by_run || (w->values[run->value].at == from && w->values[run->value].end == to);
    }
    return told;
}

/* A blank in a piece: it is in every record of this layout. */
static bool has_blank(const struct cut *cut, size_t from, size_t to)
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
    bool blank = has_blank(cut, v->at, v->end);
    bool forced = cut_is_forced(cut, v->at, v->end);
    placed->quotes = blank ? (forced ? QUOTES_AROUND : QUOTES_NONE) : QUOTES_ANY;
    return !told.splits && (!told.around_signs || !forced) &&
           (told.by_run || blank || (forced && placed->begin.piece == placed->end.piece));
}

bool route_may(struct work *work, struct layout *layout)
{
    struct work *w = work;
    struct cut *cut = w->b->cut;
    struct cut_slot slots[CUT_SLOTS_MAX];
    size_t count = cut->slot_count;
    if (cut->has_backslash || cut->has_split_words)
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
    return one->layout == other->layout && one->run.value == other->run.value && one->run.stop == other->run.stop &&
           one->run.parts == other->run.parts && memcmp(one->kinds, other->kinds, sizeof one->kinds) == 0 && str_eq(one->piece, other->piece);
}

/* The same one among those at the link, or behind them. NULL without memory. */
static struct route *route_join(struct arena *arena, struct route **link, const struct route *wanted)
{
    for (; *link; link = &(*link)->next)
        if (is_route(*link, wanted))
            return *link;
    struct route *route = arena_alloc(arena, sizeof *route);
    if (!route)
        return NULL;
    *route = *wanted;
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
    *kind = (struct route_kind){.hash = w->kind, .key = key, .next = *link};
    *link = kind;
    return kind;
}

void route_put(struct work *work, const struct layout *layout)
{
    struct work *w = work;
    const struct cut *cut = w->b->cut;
    struct route_kind *kind = kind_join(w);
    struct route **link = kind ? &kind->first : NULL;
    size_t slot = 0;
    for (uint32_t i = 0; i < w->run_count && link; i++) {
        struct route route = {.piece = cut_piece(cut, slot), .run = w->runs[i]};
        for (uint32_t k = 0; k < route.run.parts; k++)
            route.kinds[k] = cut->slots[slot + k].kind;
        slot += route.run.parts;
        struct route *joined = route_join(w->b->layouts.arena, link, &route);
        link = joined ? &joined->then : NULL;
    }
    struct route end = {.piece = cut_piece(cut, cut->slot_count), .layout = layout->hash};
    if (link)
        IGNORE(route_join(w->b->layouts.arena, link, &end) == NULL); /* found out anew then */
}
