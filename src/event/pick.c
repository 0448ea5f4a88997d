#include "event/pick.h"

#include "base/assert.h"

#include <string.h>

#define KIDS_FEW 4 /* that are looked for one by one */

/* --- at load --- */

static size_t pattern_weight(const struct pattern *pattern)
{
    size_t weight = pattern->template.anchor.n;
    for (uint32_t i = 0; i < pattern->template.count; i++)
        weight += pattern->template.capture[i].literal.n;
    return weight;
}

static bool pattern_before(const struct pattern *a, const struct pattern *b)
{
    bool a_anchored = a->template.anchor.n > 0;
    bool b_anchored = b->template.anchor.n > 0;
    if (a_anchored != b_anchored)
        return a_anchored;
    return pattern_weight(a) > pattern_weight(b);
}

void program_place(struct program *program, const struct pattern *pattern)
{
    uint32_t at = program->count++;
    for (; at > 0 && pattern_before(pattern, program->pattern[at - 1]); at--)
        program->pattern[at] = program->pattern[at - 1];
    program->pattern[at] = pattern;
}

/* A pattern, and how far the tree has come in it: behind `at` bytes of the literal that follows capture `part - 1`. */
struct place {
    uint32_t rank;
    uint32_t part;
    size_t at;
};

struct planter {
    const struct program *program;
    struct arena *arena;
    uint32_t *state_count;
    struct err *err;
};

static struct str place_rest(const struct planter *planter, const struct place *place)
{
    const struct template *template = &planter->program->pattern[place->rank]->template;
    struct str literal = place->part ? template->capture[place->part - 1].literal : template->anchor;
    return str_skip(literal, place->at);
}

/* The capture that follows; NULL behind the last. */
static const struct capture *place_capture(const struct planter *planter, const struct place *place)
{
    const struct template *template = &planter->program->pattern[place->rank]->template;
    return place->part < template->count ? &template->capture[place->part] : NULL;
}

static enum capture_kind gap_kind(const struct capture *capture)
{
    return capture->kind == CAPTURE_PAIRS ? CAPTURE_ANY : capture->kind;
}

static enum rc plant_failed(const struct planter *planter)
{
    return err_set(planter->err, RC_LIMIT, "not enough memory for the patterns");
}

/* Two patterns that end at one place of the tree fit the same texts. */
static enum rc plant_end(const struct planter *planter, const struct place *place, uint32_t *ends)
{
    if (*ends == PICK_NONE) {
        *ends = place->rank;
        return RC_OK;
    }
    const struct pattern *first = planter->program->pattern[*ends];
    const struct pattern *second = planter->program->pattern[place->rank];
    return err_set(planter->err, RC_INVALID, "patterns %.*s.%.*s and %.*s.%.*s of one program fit the same texts",
                   STR_ARG(first->family->name), STR_ARG(first->id), STR_ARG(second->family->name),
                   STR_ARG(second->id));
}

static enum rc node_plant(struct planter *planter, const struct place *places, uint32_t count, uint32_t depth,
                          struct pick_node *ret_node);

/* Those of the places whose rest begins with `byte`, which they have and no place in front of `from` has. */
static uint32_t group_byte(const struct planter *planter, const struct place *places, uint32_t count, uint32_t from,
                           struct place *ret_group)
{
    uint32_t n = 0;
    char byte = place_rest(planter, &places[from]).p[0];
    for (uint32_t i = from; i < count; i++) {
        struct str rest = place_rest(planter, &places[i]);
        if (rest.n && rest.p[0] == byte)
            ret_group[n++] = places[i];
    }
    return n;
}

static bool byte_is_new(const struct planter *planter, const struct place *places, uint32_t at)
{
    struct str rest = place_rest(planter, &places[at]);
    for (uint32_t i = 0; i < at; i++) {
        struct str other = place_rest(planter, &places[i]);
        if (other.n && other.p[0] == rest.p[0])
            return false;
    }
    return true;
}

static const uint16_t *kid_table(const struct planter *planter, const struct pick_node *kid, uint32_t count)
{
    uint16_t *table = arena_alloc_array(planter->arena, 256, sizeof *table);
    for (uint32_t i = 0; table && i < count; i++)
        table[(uint8_t)kid[i].label.p[0]] = (uint16_t)(i + 1);
    return table;
}

/* One kid for each first byte that the rests have. Places stand by rank, so the kids come to as well. */
static enum rc kids_plant(struct planter *planter, const struct place *places, uint32_t count, uint32_t depth,
                          struct pick_gap *ret)
{
    uint32_t kids = 0;
    for (uint32_t i = 0; i < count; i++)
        kids += place_rest(planter, &places[i]).n && byte_is_new(planter, places, i);
    ret->kid_count = 0;
    if (!kids)
        return RC_OK;
    struct pick_node *kid = arena_alloc_array(planter->arena, kids, sizeof *kid);
    struct place *group = memory_new(count * sizeof *group);
    enum rc rc = kid && group ? RC_OK : plant_failed(planter);
    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        if (!place_rest(planter, &places[i]).n || !byte_is_new(planter, places, i))
            continue;
        uint32_t n = group_byte(planter, places, count, i, group);
        rc = node_plant(planter, group, n, depth + 1, &kid[ret->kid_count++]);
    }
    memory_free(group);
    ret->kid = kid;
    if (rc == RC_OK && kids > KIDS_FEW && !(ret->kid_at = kid_table(planter, kid, kids)))
        rc = plant_failed(planter);
    return rc;
}

/* The gap of a kind that places come to at the end of their literals. */
static enum rc gap_plant(struct planter *planter, const struct place *places, uint32_t count, uint32_t depth,
                         struct pick_gap *gap)
{
    struct place *inner = memory_new(count * sizeof *inner);
    struct place *after = memory_new(count * sizeof *after);
    struct pick_node *node = arena_alloc(planter->arena, sizeof *node);
    uint32_t inner_count = 0;
    uint32_t after_count = 0;
    enum rc rc = inner && after && node ? RC_OK : plant_failed(planter);
    gap->number = (*planter->state_count)++;
    gap->ends = PICK_NONE;
    gap->rank = places[0].rank;
    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        struct place next = {.rank = places[i].rank, .part = places[i].part + 1};
        if (place_rest(planter, &next).n)
            inner[inner_count++] = next;
        else if (place_capture(planter, &next))
            after[after_count++] = next;
        else
            rc = plant_end(planter, &next, &gap->ends);
    }
    if (rc == RC_OK && after_count) {
        rc = node_plant(planter, after, after_count, depth + 1, node);
        gap->after = node;
    }
    if (rc == RC_OK)
        rc = kids_plant(planter, inner, inner_count, depth + 1, gap);
    memory_free(inner);
    memory_free(after);
    return rc;
}

static enum rc gaps_plant(struct planter *planter, const struct place *places, uint32_t count, uint32_t depth,
                          struct pick_node *node)
{
    struct place *group = memory_new(count * sizeof *group);
    struct pick_gap *gap = arena_alloc_array(planter->arena, CAPTURE_KINDS, sizeof *gap);
    bool done[CAPTURE_KINDS] = {false};
    enum rc rc = group && gap ? RC_OK : plant_failed(planter);
    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        const struct capture *capture = place_capture(planter, &places[i]);
        uint32_t n = 0;
        if (place_rest(planter, &places[i]).n || !capture || done[gap_kind(capture)])
            continue;
        for (uint32_t other = i; other < count; other++) {
            const struct capture *same = place_capture(planter, &places[other]);
            if (!place_rest(planter, &places[other]).n && same && gap_kind(same) == gap_kind(capture))
                group[n++] = places[other];
        }
        done[gap_kind(capture)] = true;
        gap[node->gap_count].kind = gap_kind(capture);
        rc = gap_plant(planter, group, n, depth + 1, &gap[node->gap_count++]);
    }
    memory_free(group);
    node->gap = gap;
    return rc;
}

/* Bytes that the rests of all begin with. */
static size_t common_bytes(const struct planter *planter, const struct place *places, uint32_t count)
{
    struct str first = place_rest(planter, &places[0]);
    size_t n = first.n;
    for (uint32_t i = 1; i < count; i++) {
        struct str rest = place_rest(planter, &places[i]);
        size_t same = 0;
        while (same < n && same < rest.n && rest.p[same] == first.p[same])
            same++;
        n = same;
    }
    return n;
}

static bool node_once(const struct pick_node *node)
{
    bool once = node->ends == PICK_NONE && node->kid_count == 0;
    for (uint32_t i = 0; i < node->gap_count && once; i++)
        once = node->gap[i].kind == CAPTURE_ANY;
    return once;
}

static enum rc node_plant(struct planter *planter, const struct place *places, uint32_t count, uint32_t depth,
                          struct pick_node *ret_node)
{
    struct pick_node node = {.rank = places[0].rank, .ends = PICK_NONE};
    struct pick_gap kids = {.kid = NULL};
    struct place *behind = memory_new(count * sizeof *behind);
    enum rc rc = behind ? RC_OK : plant_failed(planter);
    if (rc == RC_OK && depth > PICK_DEPTH_MAX)
        rc = err_set(planter->err, RC_LIMIT, "patterns of one program branch more than %d times", PICK_DEPTH_MAX);
    node.number = (*planter->state_count)++;
    node.only = count == 1 ? places[0].rank : PICK_NONE;
    size_t common = common_bytes(planter, places, count);
    node.label = str_slice(place_rest(planter, &places[0]), 0, common);
    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        behind[i] = places[i];
        behind[i].at += common;
        if (!place_rest(planter, &behind[i]).n && !place_capture(planter, &behind[i]))
            rc = plant_end(planter, &behind[i], &node.ends);
    }
    if (rc == RC_OK)
        rc = kids_plant(planter, behind, count, depth, &kids);
    if (rc == RC_OK)
        rc = gaps_plant(planter, behind, count, depth, &node);
    node.kid_count = kids.kid_count;
    node.kid = kids.kid;
    node.kid_at = kids.kid_at;
    node.once = node_once(&node);
    memory_free(behind);
    *ret_node = node;
    return rc;
}

enum rc program_plant(struct program *program, struct arena *arena, uint32_t *state_count, struct err *err)
{
    struct planter planter = {program, arena, state_count, err};
    struct place *places = memory_new(program->count * sizeof *places);
    struct pick_node *root = arena_alloc(arena, sizeof *root);
    ASSERT(program->count > 0);
    enum rc rc = places && root ? RC_OK : plant_failed(&planter);
    for (uint32_t i = 0; i < program->count && rc == RC_OK; i++)
        places[i] = (struct place){.rank = i};
    if (rc == RC_OK)
        rc = node_plant(&planter, places, program->count, 0, root);
    memory_free(places);
    program->tree = root;
    return rc;
}

/* --- for each message --- */

bool picker_init(struct picker *picker, const struct mapping *mapping)
{
    *picker = (struct picker){.state = memory_new((mapping->state_count + 1) * sizeof *picker->state)};
    picker->state_count = mapping->state_count;
    return picker->state != NULL;
}

void picker_done(struct picker *picker)
{
    memory_free(picker->state);
    picker->state = NULL;
}

struct walk {
    const struct program *program;
    struct picker *picker;
    struct str text;
    uint32_t best; /* the least rank that was found to fit */
    struct str *value;
};

/* memcmp costs more than labels of a few bytes are worth: the first bytes and the last as numbers, which overlap. */
static inline bool label_is_at(const char *p, struct str label)
{
    uint64_t a[2] UNINITIALISED;
    uint64_t b[2] UNINITIALISED;
    uint32_t c[4] UNINITIALISED;
    size_t n = label.n;
    if (n >= sizeof a[0]) {
        memcpy(&a[0], p, 8);
        memcpy(&a[1], p + n - 8, 8);
        memcpy(&b[0], label.p, 8);
        memcpy(&b[1], label.p + n - 8, 8);
        return a[0] == b[0] && a[1] == b[1] && (n <= 16 || memcmp(p + 8, label.p + 8, n - 16) == 0);
    }
    if (n >= sizeof c[0]) {
        memcpy(&c[0], p, 4);
        memcpy(&c[1], p + n - 4, 4);
        memcpy(&c[2], label.p, 4);
        memcpy(&c[3], label.p + n - 4, 4);
        return c[0] == c[2] && c[1] == c[3];
    }
    for (size_t i = 0; i < n; i++)
        if (p[i] != label.p[i])
            return false;
    return true;
}

/* Depth is that of the tree: the message does not drive it. */
static void node_visit(struct walk *walk, const struct pick_node *node, size_t at);

static void pattern_try(struct walk *walk, uint32_t rank)
{
    struct str value[TEMPLATE_CAPTURES] UNINITIALISED;
    const struct template *template = &walk->program->pattern[rank]->template;
    if (rank >= walk->best)
        return;
    if (walk->best == PICK_NONE) {
        if (template_match(template, walk->text, walk->value))
            walk->best = rank;
        return;
    }
    if (!template_match(template, walk->text, value))
        return;
    walk->best = rank;
    memcpy(walk->value, value, template->count * sizeof value[0]);
}

/* Matches the one pattern below, unless that was done. */
static void only_try(struct walk *walk, const struct pick_node *node)
{
    struct pick_state *state = &walk->picker->state[node->number];
    if (state->stamp == walk->picker->stamp)
        return;
    state->stamp = walk->picker->stamp;
    pattern_try(walk, node->only);
}

static size_t gap_reach(enum capture_kind kind, struct str text, size_t at)
{
    while (at < text.n && capture_takes(kind, text.p[at]))
        at++;
    return at;
}

/* The kid wherever its label begins in [from, reach]. */
static void kid_search(struct walk *walk, const struct pick_node *kid, size_t from, size_t reach)
{
    struct str text = str_slice(walk->text, 0, reach + kid->label.n);
    while (from + kid->label.n <= text.n && kid->rank < walk->best) {
        from += template_search(str_skip(text, from), kid->label);
        if (from >= text.n)
            return;
        node_visit(walk, kid, from++);
        if (kid->once)
            return;
    }
}

static void gap_kids(struct walk *walk, const struct pick_gap *gap, size_t from, size_t reach)
{
    bool bounded = gap->kind != CAPTURE_ANY;
    if (gap->kid_at) {
        for (size_t at = from; at <= reach && at < walk->text.n; at++) {
            uint16_t kid = gap->kid_at[(uint8_t)walk->text.p[at]];
            if (kid)
                node_visit(walk, &gap->kid[kid - 1], at);
        }
        return;
    }
    for (uint32_t i = 0; i < gap->kid_count; i++) {
        const struct pick_node *kid = &gap->kid[i];
        if (kid->rank >= walk->best)
            return;
        if (bounded && !capture_takes(gap->kind, kid->label.p[0]))
            node_visit(walk, kid, reach);
        else
            kid_search(walk, kid, from, reach);
    }
}

static void gap_visit(struct walk *walk, const struct pick_gap *gap, size_t at)
{
    struct pick_state *state = &walk->picker->state[gap->number];
    bool bounded = gap->kind != CAPTURE_ANY;
    if (gap->rank >= walk->best || (state->stamp == walk->picker->stamp && at < state->end))
        return;
    size_t reach = bounded ? gap_reach(gap->kind, walk->text, at) : walk->text.n;
    if (bounded && reach == at)
        return;
    state->stamp = walk->picker->stamp;
    state->end = bounded ? (uint32_t)reach : UINT32_MAX;
    if (gap->after)
        node_visit(walk, gap->after, reach);
    gap_kids(walk, gap, bounded ? at + 1 : at, reach);
    if (reach == walk->text.n && gap->ends != PICK_NONE)
        pattern_try(walk, gap->ends);
}

static void node_visit(struct walk *walk, const struct pick_node *node, size_t at)
{
    struct str text = walk->text;
    size_t n = node->label.n;
    if (node->rank >= walk->best || text.n - at < n || !label_is_at(text.p + at, node->label))
        return;
    at += n;
    if (node->only != PICK_NONE) {
        only_try(walk, node);
        return;
    }
    if (at == text.n) {
        if (node->ends != PICK_NONE)
            pattern_try(walk, node->ends);
    } else if (node->kid_at) {
        uint16_t kid = node->kid_at[(uint8_t)text.p[at]];
        if (kid)
            node_visit(walk, &node->kid[kid - 1], at);
    } else {
        for (uint32_t i = 0; i < node->kid_count; i++)
            if (node->kid[i].label.p[0] == text.p[at])
                node_visit(walk, &node->kid[i], at);
    }
    for (uint32_t i = 0; i < node->gap_count; i++)
        gap_visit(walk, &node->gap[i], at);
}

const struct pattern *program_pick(const struct program *program, struct picker *picker, struct str message,
                                   struct str ret_value[TEMPLATE_CAPTURES])
{
    struct walk walk = {program, picker, message, PICK_NONE, ret_value};
    if (!message.n)
        return NULL;
    if (++picker->stamp == 0) {
        for (uint32_t i = 0; i < picker->state_count; i++)
            picker->state[i].stamp = 0;
        picker->stamp = 1;
    }
    node_visit(&walk, program->tree, 0);
    return walk.best == PICK_NONE ? NULL : program->pattern[walk.best];
}

const struct pattern *program_pick_plain(const struct program *program, struct str message,
                                         struct str ret_value[TEMPLATE_CAPTURES])
{
    for (uint32_t i = 0; i < program->count && message.n; i++)
        if (template_match(&program->pattern[i]->template, message, ret_value))
            return program->pattern[i];
    return NULL;
}
