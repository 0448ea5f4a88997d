#include "base/arena.h"
#include "base/assert.h"
#include "codec/scan.h"
#include "rule/fold.h"
#include "rule/hits.h"
#include "rule/naive.h"
#include "rule/rule.h"
#include "rule/set.h"

#include <string.h>

#define TEXT_MAX     ((size_t)64 << 20) /* folded text of one event */
#define VIEWS_MAX    256u               /* log sources remembered */
#define RAW_ENTRY    EVENT_FIELDS_MAX   /* stands for the raw text where fields have their index */
#define ENTRIES      (EVENT_FIELDS_MAX + 1)
#define NO_ENTRY     UINT32_MAX
#define KEYWORDS_FEW 2u
#define MEASURED_ONE 64u /* events of which one is measured, on average */
#define CLOCK_TRIES  64u

/* Which rules and fields concern a log source: of rules that are on only, so that one that is off costs nothing. */
struct view {
    struct event_logsource logsource;
    uint64_t *rules;  /* bits */
    uint64_t *fields; /* bits; bit 0: keywords */
    uint32_t *always; /* rules */
    uint32_t always_count;
    uint32_t keywords[KEYWORDS_FEW]; /* groups of its rules */
    uint32_t keywords_count;         /* KEYWORDS_FEW + 1: more, and all keywords are looked for */
    bool covered;                    /* some rule's log source is said by these events */
    bool used;                       /* the log source and the counters are of one */
    bool built;                      /* and the rest is as the rules are now */
    uint64_t events;
    uint64_t events_covered;
};

/* What an event's field name means to the rules. */
struct binding {
    uint32_t field; /* of exactly that name, 0 = none */
    uint32_t group; /* of fields whose names differ in case from it, 0 = none */
};

/* Entries of a rule field in this event: a list through matcher->next. */
struct seen {
    uint32_t epoch;
    uint32_t first;
    uint32_t last;
};

struct folded {
    uint32_t epoch;
    bool ascii;
    size_t at; /* in matcher->text */
    size_t n;
};

struct verdict {
    uint32_t epoch;
    bool held;
};

struct matcher {
    const struct rule_set *set;
    const struct event *event;
    uint32_t epoch; /* number of the event: what carries another number is old */
    struct scanner_scratch *scratch;
    struct hits *hits;            /* what values were found to pass */
    uint32_t found[HITS_MAX + 1]; /* of the value at work */
    uint32_t found_count;         /* HITS_MAX + 1: too many to keep */
    uint32_t *fired;              /* by direct predicate: epoch */
    struct verdict *verdicts;     /* by other predicate */
    uint64_t *woken;              /* bits by rule; none between events */
    uint64_t *woken_words;        /* bits by word of these */
    uint32_t *candidates;
    uint32_t candidate_count;
    uint32_t *held_back; /* rules whose own condition holds for this event, that of a filter does not */
    uint32_t held_back_count;
    struct seen *seen; /* by rule field */
    uint32_t *touched; /* rule fields with entries */
    uint32_t touched_count;
    uint32_t next[EVENT_FIELDS_MAX * 2]; /* an entry may serve two fields: exactly and but for case */
    uint32_t entry_of[EVENT_FIELDS_MAX * 2];
    uint64_t place_of[EVENT_FIELDS_MAX * 2]; /* in hits, where the field has texts to look for */
    uint32_t link_count;
    struct folded folded[ENTRIES];
    char *text;
    size_t text_n;
    size_t text_size;
    bool failed;
    struct binding *bindings;
    uint32_t binding_count;
    struct view views[VIEWS_MAX];
    uint32_t view_next;
    struct view *view;
    uint64_t *off;                 /* bits by rule */
    struct matcher_counts *counts; /* by rule */
    uint64_t events;
    uint64_t *had;    /* bits by rule field: it had a value */
    uint32_t *fields; /* these, in the order of their first value */
    uint32_t field_count;
    uint32_t step; /* what an event adds to the counters: 1, or 0 while it is not to be counted */
    uint64_t (*clock_ns)(void);
    uint64_t clock_cost_ns; /* of one look at it */
    uint32_t dice;          /* which events are measured */
};

/* --- making --- */

static enum rc fit_scratch(struct matcher *matcher)
{
    const struct rule_set *set = matcher->set;
    struct err err;
    enum rc rc = RC_OK;
    for (uint32_t f = 0; f < set->field_count && rc == RC_OK; f++) {
        if (set->fields[f].literals)
            rc = scanner_scratch_fit(matcher->scratch, set->fields[f].literals, &err);
    }
    for (uint32_t k = 1; k < set->keywords_count && rc == RC_OK; k++)
        rc = scanner_scratch_fit(matcher->scratch, set->keywords[k].literals, &err);
    for (uint32_t i = 1; i < set->predicate_count && rc == RC_OK; i++) {
        if (set->predicates[i].scanner)
            rc = scanner_scratch_fit(matcher->scratch, set->predicates[i].scanner, &err);
    }
    return rc;
}

struct matcher *matcher_new(const struct rule_set *set)
{
    struct matcher *matcher = memory_new(sizeof(*matcher));
    if (!matcher)
        return NULL;
    matcher->set = set;
    matcher->scratch = scanner_scratch_new();
    matcher->hits = hits_new(names_seed(set->names));
    matcher->fired = memory_new(set->predicate_count * sizeof(*matcher->fired));
    matcher->verdicts = memory_new(set->predicate_count * sizeof(*matcher->verdicts));
    matcher->woken = memory_new((set->rule_count / 64 + 1) * sizeof(*matcher->woken));
    matcher->woken_words = memory_new((set->rule_count / 4096 + 1) * sizeof(*matcher->woken_words));
    matcher->candidates = memory_new((set->rule_count + 1) * sizeof(*matcher->candidates));
    matcher->held_back = memory_new((set->rule_count + 1) * sizeof(*matcher->held_back));
    matcher->seen = memory_new(set->field_count * sizeof(*matcher->seen));
    matcher->touched = memory_new(set->field_count * sizeof(*matcher->touched));
    matcher->off = memory_new((set->rule_count / 64 + 1) * sizeof(*matcher->off));
    matcher->counts = memory_new((set->rule_count + 1) * sizeof(*matcher->counts));
    matcher->had = memory_new((set->field_count / 64 + 1) * sizeof(*matcher->had));
    matcher->fields = memory_new(set->field_count * sizeof(*matcher->fields));
    matcher->step = 1;
    if (!matcher->scratch || !matcher->hits || !matcher->fired || !matcher->verdicts || !matcher->woken ||
        !matcher->woken_words || !matcher->candidates || !matcher->held_back || !matcher->seen || !matcher->touched ||
        !matcher->off || !matcher->counts || !matcher->had || !matcher->fields || fit_scratch(matcher) != RC_OK) {
        matcher_free(matcher);
        return NULL;
    }
    return matcher;
}

/* The log source and the counters stay. */
static void view_unbuild(struct view *view)
{
    memory_free(view->rules);
    memory_free(view->fields);
    memory_free(view->always);
    view->rules = NULL;
    view->fields = NULL;
    view->always = NULL;
    view->always_count = 0;
    view->keywords_count = 0;
    view->built = false;
}

void matcher_free(struct matcher *matcher)
{
    if (!matcher)
        return;
    for (size_t i = 0; i < VIEWS_MAX; i++)
        view_unbuild(&matcher->views[i]);
    scanner_scratch_free(matcher->scratch);
    hits_free(matcher->hits);
    memory_free(matcher->fired);
    memory_free(matcher->verdicts);
    memory_free(matcher->woken);
    memory_free(matcher->woken_words);
    memory_free(matcher->candidates);
    memory_free(matcher->held_back);
    memory_free(matcher->seen);
    memory_free(matcher->touched);
    memory_free(matcher->off);
    memory_free(matcher->counts);
    memory_free(matcher->had);
    memory_free(matcher->fields);
    memory_free(matcher->text);
    memory_free(matcher->bindings);
    memory_free(matcher);
}

/* --- log sources --- */

static bool bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static void bit_set(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool same_logsource(const struct event_logsource *a, const struct event_logsource *b)
{
    bool same = a->product == b->product && a->service == b->service;
    for (size_t i = 0; i < EVENT_CATEGORIES_MAX; i++)
        same = same && a->category[i] == b->category[i];
    return same;
}

static void view_keywords(struct view *view, uint32_t group)
{
    for (uint32_t i = 0; i < MIN(view->keywords_count, KEYWORDS_FEW); i++) {
        if (view->keywords[i] == group)
            return;
    }
    if (view->keywords_count < KEYWORDS_FEW)
        view->keywords[view->keywords_count] = group;
    view->keywords_count = MIN(view->keywords_count + 1, KEYWORDS_FEW + 1);
}

static bool view_build(struct matcher *matcher, struct view *view)
{
    const struct rule_set *set = matcher->set;
    view->rules = memory_new((set->rule_count / 64 + 1) * sizeof(uint64_t));
    view->fields = memory_new((set->field_count / 64 + 1) * sizeof(uint64_t));
    view->always = memory_new((set->stats.always + 1) * sizeof(uint32_t));
    if (!view->rules || !view->fields || !view->always) {
        view_unbuild(view);
        return false;
    }
    view->built = true;
    view->covered = false;
    for (uint32_t r = 0; r < set->rule_count; r++) {
        const struct set_rule *rule = &set->rule[r];
        if (rule->rule->kind != RULE_DETECTION || bit(matcher->off, r) ||
            !naive_routed(rule->rule, set->names, matcher->event))
            continue;
        view->covered = view->covered || naive_covered(rule->rule, set->names, matcher->event);
        bit_set(view->rules, r);
        for (uint32_t f = 0; f < rule->field_count; f++)
            bit_set(view->fields, rule->fields[f]);
        if (rule->keywords)
            view_keywords(view, rule->keywords);
        if (rule->always)
            view->always[view->always_count++] = r;
    }
    return true;
}

static struct view *view_for(struct matcher *matcher)
{
    const struct event_logsource *logsource = &matcher->event->logsource;
    if (matcher->view && same_logsource(&matcher->view->logsource, logsource))
        return matcher->view;
    for (size_t i = 0; i < VIEWS_MAX && matcher->views[i].used; i++) {
        struct view *view = &matcher->views[i];
        if (same_logsource(&view->logsource, logsource))
            return view->built || view_build(matcher, view) ? view : NULL;
    }
    struct view *view = &matcher->views[matcher->view_next];
    matcher->view_next = (matcher->view_next + 1) % VIEWS_MAX;
    view_unbuild(view);
    *view = (struct view){.logsource = *logsource, .used = true};
    return view_build(matcher, view) ? view : NULL;
}

void matcher_switch(struct matcher *matcher, const struct rule *rule, bool on)
{
    ASSERT(rule->index < matcher->set->rule_count && matcher->set->rule[rule->index].rule == rule);
    if (bit(matcher->off, rule->index) == !on)
        return;
    matcher->off[rule->index / 64] ^= UINT64_C(1) << (rule->index % 64);
    for (size_t i = 0; i < VIEWS_MAX; i++)
        view_unbuild(&matcher->views[i]);
    matcher->view = NULL;
}

/* --- fields --- */

static bool bindings_grow(struct matcher *matcher)
{
    const struct rule_set *set = matcher->set;
    uint32_t end = names_end(set->names);
    struct binding *grown = memory_resize(matcher->bindings, end * sizeof(*grown));
    if (!grown)
        return false;
    matcher->bindings = grown;
    for (uint32_t id = matcher->binding_count; id < end; id++) {
        struct str name = names_text(set->names, id);
        char lower[256];
        size_t n = MIN(name.n, sizeof(lower));
        for (size_t i = 0; i < n; i++)
            lower[i] = char_lower(name.p[i]);
        const uint64_t *field = name.n ? map_get(set->by_field, name) : NULL;
        const uint64_t *group = name.n ? map_get(set->groups, str_at(lower, n)) : NULL;
        struct binding binding = {field ? (uint32_t)*field : 0, group ? (uint32_t)*group : 0};
        if (binding.field && set->group_counts[binding.group] == 1)
            binding.group = 0; /* nobody else to serve */
        grown[id] = binding;
    }
    matcher->binding_count = end;
    return true;
}

static bool has_texts(const struct set_field *field)
{
    return field->forward || field->backward || field->literals;
}

static void entry_add(struct matcher *matcher, uint32_t field, uint32_t entry)
{
    struct seen *seen = &matcher->seen[field];
    if (matcher->link_count == ARRAY_LEN(matcher->next))
        return;
    uint32_t link = matcher->link_count++;
    matcher->entry_of[link] = entry;
    matcher->next[link] = NO_ENTRY;
    struct str value = matcher->event->fields[entry].value;
    if (has_texts(&matcher->set->fields[field]) && value.n <= HITS_VALUE_MAX)
        matcher->place_of[link] = hits_place(matcher->hits, field, value);
    if (seen->epoch == matcher->epoch) {
        matcher->next[seen->last] = link;
        seen->last = link;
        return;
    }
    *seen = (struct seen){matcher->epoch, link, link};
    matcher->touched[matcher->touched_count++] = field;
}

/* Fields whose exact name the event does not have take the entries whose names differ in case only. */
static void entries_but_for_case(struct matcher *matcher, const uint32_t *entries, uint32_t count)
{
    const struct rule_set *set = matcher->set;
    uint32_t exact_links = matcher->link_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct binding *binding = &matcher->bindings[matcher->event->fields[entries[i]].name];
        for (uint32_t g = 0; g < set->group_counts[binding->group]; g++) {
            uint32_t field = set->group_fields[binding->group][g];
            const struct seen *seen = &matcher->seen[field];
            bool exact = seen->epoch == matcher->epoch && seen->first < exact_links;
            if (field != binding->field && !exact && bit(matcher->view->fields, field))
                entry_add(matcher, field, entries[i]);
        }
    }
}

static bool entries_list(struct matcher *matcher)
{
    const struct event *event = matcher->event;
    uint32_t fallback[EVENT_FIELDS_MAX] UNINITIALISED;
    uint32_t fallback_count = 0;
    matcher->touched_count = 0;
    matcher->link_count = 0;
    for (uint32_t i = 0; i < MIN(event->field_count, EVENT_FIELDS_MAX); i++) {
        uint32_t name = event->fields[i].name;
        if (name >= matcher->binding_count && !bindings_grow(matcher))
            return false;
        const struct binding *binding = &matcher->bindings[name];
        if (binding->field && bit(matcher->view->fields, binding->field))
            entry_add(matcher, binding->field, i);
        if (binding->group)
            fallback[fallback_count++] = i;
    }
    entries_but_for_case(matcher, fallback, fallback_count);
    return true;
}

static struct str value_of(const struct matcher *matcher, uint32_t entry)
{
    return entry == RAW_ENTRY ? matcher->event->raw : matcher->event->fields[entry].value;
}

/* The folded text of a field's entry or of the raw record. Valid until the next call. */
static struct str folded(struct matcher *matcher, uint32_t entry)
{
    struct folded *folded = &matcher->folded[entry];
    struct str value = value_of(matcher, entry);
    if (folded->epoch == matcher->epoch)
        return str_at(matcher->text + folded->at, folded->n);
    size_t wanted = matcher->text_n + FOLD_BOUND(value.n);
    if (wanted > matcher->text_size) {
        char *grown = wanted > TEXT_MAX ? NULL : memory_resize(matcher->text, MAX(wanted * 2, (size_t)65536));
        if (!grown) {
            matcher->failed = true;
            return STR("");
        }
        matcher->text = grown;
        matcher->text_size = MAX(wanted * 2, (size_t)65536);
    }
    char *text = matcher->text + matcher->text_n;
    size_t n = fold_text(value, text);
    *folded = (struct folded){matcher->epoch, scan_ascii(text, n) == n, matcher->text_n, n};
    matcher->text_n += n;
    return str_at(text, n);
}

/* --- direct tests --- */

static void wake(struct matcher *matcher, uint32_t rule)
{
    bit_set(matcher->woken, rule);
    bit_set(matcher->woken_words, rule / 64);
}

static void fire(void *context, uint32_t number)
{
    struct matcher *matcher = context;
    const struct set_predicate *predicate = &matcher->set->predicates[number];
    if (matcher->fired[number] == matcher->epoch)
        return;
    matcher->fired[number] = matcher->epoch;
    for (uint32_t i = 0; i < predicate->rule_count; i++)
        wake(matcher, matcher->set->witnesses[predicate->first_rule + i]);
}

static void field_had(struct matcher *matcher, uint32_t number)
{
    if (bit(matcher->had, number))
        return;
    bit_set(matcher->had, number);
    matcher->fields[matcher->field_count++] = number;
}

/* Fires, and lists what fires, each once. */
static void found(void *context, uint32_t number)
{
    struct matcher *matcher = context;
    fire(matcher, number);
    for (uint32_t i = 0; i < matcher->found_count; i++) {
        if (matcher->found[i] == number)
            return;
    }
    if (matcher->found_count <= HITS_MAX)
        matcher->found[matcher->found_count++] = number;
}

static void number_search(struct matcher *matcher, const struct set_field *field, struct str value)
{
    char canonical[DECIMAL_TEXT_MAX];
    size_t n;
    if (!field->numbers || !decimal_canonical(value, canonical, &n))
        return;
    uint32_t number = trie_find(field->forward, str_at(canonical, n), TRIE_NUMBER);
    if (number)
        found(matcher, number);
}

/* Looks for all texts of a field in one of its values. */
static void value_search(struct matcher *matcher, const struct set_field *field, uint32_t entry)
{
    struct str text = folded(matcher, entry);
    matcher->found_count = 0;
    if (field->forward) {
        trie_walk(field->forward, text, found, matcher);
        number_search(matcher, field, text);
    }
    if (field->backward)
        trie_walk(field->backward, text, found, matcher);
    if (field->literals)
        scanner_scan(field->literals, matcher->scratch, text, found, matcher);
}

/* The same, but a value that was looked at before is known. */
static void value_scan(struct matcher *matcher, uint32_t number, uint32_t link)
{
    const struct set_field *field = &matcher->set->fields[number];
    uint32_t entry = matcher->entry_of[link];
    uint64_t place = matcher->place_of[link];
    struct str value = matcher->event->fields[entry].value;
    struct hits_answer answer;
    if (value.n > HITS_VALUE_MAX) {
        value_search(matcher, field, entry);
        return;
    }
    if (hits_find(matcher->hits, number, value, place, &answer)) {
        for (uint32_t i = 0; i < answer.count; i++)
            fire(matcher, answer.numbers[i]);
        return;
    }
    value_search(matcher, field, entry);
    if (!matcher->failed && matcher->found_count <= HITS_MAX)
        hits_put(matcher->hits, number, value, place, matcher->found, matcher->found_count);
}

static void field_scan(struct matcher *matcher, uint32_t number)
{
    const struct set_field *field = &matcher->set->fields[number];
    if (field->exists)
        fire(matcher, field->exists);
    for (uint32_t link = matcher->seen[number].first; link != NO_ENTRY; link = matcher->next[link]) {
        uint32_t entry = matcher->entry_of[link];
        if (matcher->event->fields[entry].type == EVENT_NULL)
            continue;
        field_had(matcher, number);
        if (field->present)
            fire(matcher, field->present);
        if (has_texts(field))
            value_scan(matcher, number, link);
    }
}

/* Looks for the keywords of the event's log source in an entry. */
static void keywords_search(struct matcher *matcher, uint32_t entry)
{
    const struct rule_set *set = matcher->set;
    const struct view *view = matcher->view;
    if (view->keywords_count > KEYWORDS_FEW) {
        scanner_scan(set->fields[0].literals, matcher->scratch, folded(matcher, entry), fire, matcher);
        return;
    }
    for (uint32_t i = 0; i < view->keywords_count; i++) {
        const struct set_keywords *group = &set->keywords[view->keywords[i]];
        if (!group->sieve || sieve_may_hold(group->sieve, value_of(matcher, entry)))
            scanner_scan(group->literals, matcher->scratch, folded(matcher, entry), fire, matcher);
    }
}

static void keywords_scan(struct matcher *matcher)
{
    const struct event *event = matcher->event;
    if (matcher->view->keywords_count == 0)
        return;
    if (keyword_in_raw(event))
        keywords_search(matcher, RAW_ENTRY);
    if (!keyword_in_values(event))
        return;
    for (uint32_t i = 0; i < MIN(event->field_count, EVENT_FIELDS_MAX); i++) {
        if (event->fields[i].type != EVENT_NULL && event->fields[i].type != EVENT_OBJECT)
            keywords_search(matcher, i);
    }
}

/* --- tests on demand --- */

static bool fieldref(struct matcher *matcher, const struct set_predicate *predicate, uint32_t entry)
{
    const struct predicate *source = predicate->source;
    const struct seen *other = &matcher->seen[predicate->reference];
    for (uint32_t link = other->epoch == matcher->epoch ? other->first : NO_ENTRY; link != NO_ENTRY;
         link = matcher->next[link]) {
        uint32_t right = matcher->entry_of[link];
        if (matcher->event->fields[right].type == EVENT_NULL)
            continue;
        struct str value = matcher->event->fields[entry].value;
        struct str text = matcher->event->fields[right].value;
        if (!source->cased) {
            IGNORE(folded(matcher, entry).n); /* first, so that the second does not move it */
            text = folded(matcher, right);
            value = folded(matcher, entry);
        }
        bool held = source->shape == SHAPE_PREFIX     ? str_starts(value, text)
                    : source->shape == SHAPE_SUFFIX   ? str_ends(value, text)
                    : source->shape == SHAPE_CONTAINS ? text.n == 0 || str_search(value, text) < value.n
                                                      : str_eq(value, text);
        if (held)
            return true;
    }
    return false;
}

static bool regex(struct matcher *matcher, const struct set_predicate *predicate, struct str value)
{
    if (predicate->scanner)
        return scanner_search(predicate->scanner, matcher->scratch, value);
    return regex_search_slow(predicate->source->regex, value);
}

static bool value_holds(struct matcher *matcher, const struct set_predicate *predicate, uint32_t entry)
{
    const struct predicate *source = predicate->source;
    struct str value = value_of(matcher, entry);
    double number;
    switch (source->kind) {
    case PREDICATE_STRING:
        if (source->cased)
            return pattern_match(source->pattern, value);
        value = folded(matcher, entry);
        return !(predicate->non_ascii && matcher->folded[entry].ascii) && pattern_match(source->pattern, value);
    case PREDICATE_REGEX:
        return regex(matcher, predicate, value);
    case PREDICATE_CIDR:
        return cidr_holds(&source->cidr, value);
    case PREDICATE_COMPARE:
        return str_to_double(value, &number) && compare_holds(source->compare, number, source->number);
    case PREDICATE_TIME:
        return time_part_of(value, source->part, &number) && compare_holds(source->compare, number, source->number);
    case PREDICATE_FIELDREF:
        return fieldref(matcher, predicate, entry);
    case PREDICATE_NULL:
    case PREDICATE_NUMBER:
    case PREDICATE_EXISTS:
        break;
    }
    return false;
}

static bool keyword_holds(struct matcher *matcher, const struct set_predicate *predicate)
{
    const struct event *event = matcher->event;
    if (keyword_in_raw(event) && value_holds(matcher, predicate, RAW_ENTRY))
        return true;
    for (uint32_t i = 0; keyword_in_values(event) && i < MIN(event->field_count, EVENT_FIELDS_MAX); i++) {
        if (event->fields[i].type != EVENT_NULL && event->fields[i].type != EVENT_OBJECT &&
            value_holds(matcher, predicate, i))
            return true;
    }
    return false;
}

/* Some text was found that must be there. */
static bool may_hold(const struct matcher *matcher, const struct set_predicate *predicate)
{
    bool may = predicate->need_count == 0;
    for (uint32_t i = 0; i < predicate->need_count && !may; i++)
        may = matcher->fired[predicate->needs[i]] == matcher->epoch;
    return may;
}

static bool judge(struct matcher *matcher, const struct set_predicate *predicate)
{
    const struct seen *seen = &matcher->seen[predicate->field];
    bool null = predicate->source->kind == PREDICATE_NULL;
    if (predicate->field == 0)
        return keyword_holds(matcher, predicate);
    if (seen->epoch != matcher->epoch)
        return null;
    for (uint32_t link = seen->first; link != NO_ENTRY; link = matcher->next[link]) {
        uint32_t entry = matcher->entry_of[link];
        bool is_null = matcher->event->fields[entry].type == EVENT_NULL;
        if (is_null ? null : value_holds(matcher, predicate, entry))
            return true;
    }
    return false;
}

static bool demand(struct matcher *matcher, uint32_t number)
{
    const struct set_predicate *predicate = &matcher->set->predicates[number];
    struct verdict *verdict = &matcher->verdicts[number];
    if (verdict->epoch != matcher->epoch)
        *verdict = (struct verdict){matcher->epoch, may_hold(matcher, predicate) && judge(matcher, predicate)};
    return verdict->held;
}

/* `predicate` of an instruction. */
static inline bool holds(struct matcher *matcher, uint32_t predicate)
{
    if (predicate & CODE_DEMAND)
        return demand(matcher, predicate & ~CODE_DEMAND);
    return matcher->fired[predicate] == matcher->epoch;
}

static bool rule_holds(struct matcher *matcher, uint32_t rule)
{
    const struct instruction *code = matcher->set->code;
    uint32_t at = matcher->set->rule[rule].entry;
    while (at < JUMP_OUT) {
        ASSERT(at < matcher->set->code_count);
        at = holds(matcher, code[at].predicate) ? code[at].yes : code[at].no;
    }
    if (at == JUMP_OUT)
        matcher->held_back[matcher->held_back_count++] = rule;
    return at == JUMP_YES;
}

/* --- what filters hold back --- */

static bool filter_passes(struct matcher *matcher, const struct set_filter *filter)
{
    const struct instruction *code = matcher->set->code;
    uint32_t at = filter->entry;
    while (at < JUMP_OUT && at != filter->next) {
        ASSERT(at < matcher->set->code_count);
        at = holds(matcher, code[at].predicate) ? code[at].yes : code[at].no;
    }
    return at == filter->next;
}

/* Each filter by itself, of rules whose own condition held: rare, and so the only time that it is looked at apart. */
static void held_back_count(struct matcher *matcher)
{
    for (uint32_t i = 0; i < matcher->held_back_count && matcher->step; i++) {
        const struct set_rule *rule = &matcher->set->rule[matcher->held_back[i]];
        for (uint32_t f = 0; f < rule->filter_count; f++) {
            struct matcher_counts *counts = &matcher->counts[rule->filters[f].rule];
            bool passes = filter_passes(matcher, &rule->filters[f]);
            if (matcher->failed) /* no memory for a value that only filters look at: what matched stands */
                return;
            counts->runs++;
            if (passes)
                continue;
            counts->hits++;
            counts->last_ns = MAX(counts->last_ns, matcher->event->time_ns);
        }
    }
}

/* --- events --- */

/* Those of 64 rules that were woken and concern the log source. */
static void candidates_take(struct matcher *matcher, uint32_t word)
{
    uint64_t bits = matcher->woken[word] & matcher->view->rules[word];
    matcher->woken[word] = 0;
    for (; bits; bits &= bits - 1)
        matcher->candidates[matcher->candidate_count++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
}

/* In the order of the rules. */
static void candidates_list(struct matcher *matcher)
{
    for (uint32_t i = 0; i <= matcher->set->rule_count / 4096; i++) {
        for (uint64_t words = matcher->woken_words[i]; words; words &= words - 1)
            candidates_take(matcher, i * 64 + (uint32_t)__builtin_ctzll(words));
        matcher->woken_words[i] = 0;
    }
}

static void next_epoch(struct matcher *matcher)
{
    const struct rule_set *set = matcher->set;
    if (++matcher->epoch != 0)
        return;
    memset(matcher->fired, 0, set->predicate_count * sizeof(*matcher->fired));
    memset(matcher->verdicts, 0, set->predicate_count * sizeof(*matcher->verdicts));
    memset(matcher->seen, 0, set->field_count * sizeof(*matcher->seen));
    memset(matcher->folded, 0, sizeof(matcher->folded));
    matcher->epoch = 1;
}

static void candidates_find(struct matcher *matcher)
{
    const struct view *view = matcher->view;
    for (uint32_t i = 0; i < matcher->touched_count; i++)
        field_scan(matcher, matcher->touched[i]);
    keywords_scan(matcher);
    for (uint32_t i = 0; i < view->always_count; i++)
        wake(matcher, view->always[i]);
    candidates_list(matcher);
}

/* Evaluates the candidates; those that hold are left, in front. */
static uint32_t candidates_judge(struct matcher *matcher)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < matcher->candidate_count && !matcher->failed; i++) {
        uint32_t rule = matcher->candidates[i];
        matcher->counts[rule].runs += matcher->step;
        matcher->candidates[held] = rule;
        held += rule_holds(matcher, rule);
    }
    return held;
}

/* The same, and how long each took. */
static uint32_t candidates_measure(struct matcher *matcher)
{
    uint32_t held = 0;
    uint64_t begin = matcher->clock_ns();
    for (uint32_t i = 0; i < matcher->candidate_count && !matcher->failed; i++) {
        uint32_t rule = matcher->candidates[i];
        bool holds_it = rule_holds(matcher, rule);
        uint64_t end = matcher->clock_ns();
        uint64_t took = end > begin ? end - begin : 0;
        matcher->counts[rule].runs++;
        matcher->counts[rule].ns += MEASURED_ONE * (took - MIN(took, matcher->clock_cost_ns));
        matcher->candidates[held] = rule;
        held += holds_it;
        begin = end;
    }
    return held;
}

/* By chance: sources that take turns would else be measured always or never. */
static bool is_measured(struct matcher *matcher)
{
    matcher->dice = matcher->dice * 1664525u + 1013904223u;
    return matcher->clock_ns && matcher->step && (uint64_t)matcher->dice * MEASURED_ONE >> 32 == 0;
}

enum rc matcher_event(struct matcher *matcher, const struct event *event, struct rule_match *ret_matches, size_t cap,
                      size_t *ret_count)
{
    *ret_count = 0;
    matcher->event = event;
    next_epoch(matcher);
    matcher->candidate_count = 0;
    matcher->held_back_count = 0;
    matcher->text_n = 0;
    matcher->failed = false;
    matcher->view = view_for(matcher);
    if (!matcher->view || !entries_list(matcher))
        return RC_LIMIT;
    matcher->events += matcher->step;
    matcher->view->events += matcher->step;
    matcher->view->events_covered += matcher->view->covered ? matcher->step : 0;
    candidates_find(matcher);
    uint32_t held = is_measured(matcher) ? candidates_measure(matcher) : candidates_judge(matcher);
    if (matcher->failed)
        return RC_LIMIT;
    held_back_count(matcher);
    for (uint32_t i = 0; i < held; i++) {
        uint32_t rule = matcher->candidates[i];
        struct matcher_counts *counts = &matcher->counts[rule];
        counts->hits += matcher->step;
        counts->last_ns = matcher->step ? MAX(counts->last_ns, event->time_ns) : counts->last_ns;
        if (i < cap)
            ret_matches[i].rule = matcher->set->rule[rule].rule;
    }
    *ret_count = held;
    return RC_OK;
}

/* The first value of a field, found by its exact name, else by the name in another case. */
static const struct event_field *field_found(const struct names *names, const struct event *event, struct str name)
{
    const struct event_field *found = NULL;
    for (uint32_t i = 0; i < event->field_count; i++) {
        const struct event_field *field = &event->fields[i];
        struct str said = names_text(names, field->name);
        if (field->type == EVENT_NULL || !str_eq_nocase(said, name))
            continue;
        if (str_eq(said, name))
            return field;
        found = found ? found : field;
    }
    return found;
}

/* --- counters --- */

void matcher_clock(struct matcher *matcher, uint64_t (*clock_ns)(void))
{
    matcher->clock_ns = clock_ns;
    matcher->clock_cost_ns = UINT64_MAX;
    for (size_t i = 0; i < CLOCK_TRIES && clock_ns; i++) {
        uint64_t begin = clock_ns();
        matcher->clock_cost_ns = MIN(matcher->clock_cost_ns, clock_ns() - begin);
        matcher->dice = (uint32_t)begin * 2654435761u;
    }
}

void matcher_count(struct matcher *matcher, bool on)
{
    matcher->step = on;
}

const struct matcher_counts *matcher_counts(const struct matcher *matcher, const struct rule *rule)
{
    ASSERT(rule->index < matcher->set->rule_count && matcher->set->rule[rule->index].rule == rule);
    return &matcher->counts[rule->index];
}

void matcher_counts_clear(struct matcher *matcher, const struct rule *rule)
{
    ASSERT(rule->index < matcher->set->rule_count && matcher->set->rule[rule->index].rule == rule);
    matcher->counts[rule->index] = (struct matcher_counts){0};
}

uint64_t matcher_events(const struct matcher *matcher)
{
    return matcher->events;
}

void matcher_events_clear(struct matcher *matcher)
{
    matcher->events = 0;
}

size_t matcher_source_count(const struct matcher *matcher)
{
    size_t count = 0;
    while (count < VIEWS_MAX && matcher->views[count].used)
        count++;
    return count;
}

struct matcher_source matcher_source_at(const struct matcher *matcher, size_t index)
{
    ASSERT(index < VIEWS_MAX && matcher->views[index].used);
    const struct view *view = &matcher->views[index];
    return (struct matcher_source){view->logsource, view->events, view->events_covered};
}

void matcher_source_clear(struct matcher *matcher, size_t index)
{
    ASSERT(index < VIEWS_MAX);
    matcher->views[index].events = 0;
    matcher->views[index].events_covered = 0;
}

size_t matcher_field_count(const struct matcher *matcher)
{
    return matcher->field_count;
}

struct str matcher_field_at(const struct matcher *matcher, size_t index)
{
    ASSERT(index < matcher->field_count);
    return matcher->set->fields[matcher->fields[index]].name;
}

/* --- carried values --- */

size_t matcher_carry(const struct matcher *matcher, const struct rule *rule, const struct event *event,
                     struct rule_value ret_values[RULE_CARRY_MAX])
{
    size_t count = 0;
    ASSERT(matcher->set->rule[rule->index].rule == rule);
    for (size_t c = 0; c < rule->carry_count && rule->kind == RULE_DETECTION; c++) {
        const struct event_field *found = NULL;
        const struct rule_alias *alias = rule_alias_find(rule, rule->carry[c]);
        for (size_t i = 0; alias && i < alias->field_count && !found; i++)
            found = field_found(matcher->set->names, event, alias->fields[i]);
        found = found ? found : field_found(matcher->set->names, event, rule->carry[c]);
        if (found)
            ret_values[count++] = (struct rule_value){rule->carry[c], found->value};
    }
    return count;
}
