/* Matching: each term against one record, operators over a stack of truth values. */
#include "archive/block.h"
#include "archive/query_state.h"
#include "archive/words.h"
#include "base/assert.h"
#include "base/buf.h"

#include <string.h>

#define WINDOW  QUERY_WINDOW
#define OVERLAP 2048 /* what a match may span */

/* ---- text ---- */

static bool border(struct str text, size_t at)
{
    return at == 0 || at >= text.n || !word_char(text.p[at - 1]) || !word_char(text.p[at]);
}

/* The pattern at the front of the text, `*` a run without blanks, `?` one byte; the length matched or SIZE_MAX. */
static size_t glob_front(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    while (p < pattern.n) {
        if (pattern.p[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (t < text.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX && star_text < text.n && !char_is_space(text.p[star_text])) {
            p = star;
            t = ++star_text;
        } else {
            return SIZE_MAX;
        }
    }
    return t;
}

/* Whole text against the pattern. */
static bool glob_whole(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

struct query_needle query_needle_of(const struct query_node *node)
{
    struct query_needle needle = {.text = node->value};
    if (!node->wildcard)
        return needle;
    while (needle.text.n && needle.text.p[0] == '*') {
        needle.open_start = true;
        needle.text = str_skip(needle.text, 1);
    }
    while (needle.text.n && needle.text.p[needle.text.n - 1] == '*') {
        needle.open_end = true;
        needle.text.n--;
    }
    needle.glob = str_find(needle.text, '*') < needle.text.n || str_find(needle.text, '?') < needle.text.n;
    return needle;
}

/* Where the needle begins at or behind `from` in the folded window; its length in *ret_n. */
static size_t needle_find(const struct query_needle *needle, struct str window, size_t from, size_t *ret_n)
{
    if (!needle->glob) {
        struct str rest = str_skip(window, from);
        const char *found = rest.n >= needle->text.n ? memmem(rest.p, rest.n, needle->text.p, needle->text.n) : NULL;
        *ret_n = needle->text.n;
        return found ? (size_t)(found - window.p) : SIZE_MAX;
    }
    for (size_t i = from; i < window.n; i++) {
        *ret_n = glob_front(needle->text, str_slice(window, i, i + OVERLAP));
        if (*ret_n != SIZE_MAX)
            return i;
    }
    return SIZE_MAX;
}

bool query_needle_in(const struct query_needle *needle, struct str text)
{
    char folded[WINDOW];
    if (text.n < needle->text.n && !needle->glob)
        return false;
    for (size_t start = 0; start < text.n; start += WINDOW - OVERLAP) {
        struct str part = str_slice(text, start, start + WINDOW);
        struct str window = str_at(folded, part.n);
        word_fold_text(part, folded);
        size_t n;
        size_t at = needle_find(needle, window, 0, &n);
        while (at != SIZE_MAX) {
            if ((needle->open_start || border(text, start + at)) && (needle->open_end || border(text, start + at + n)))
                return true;
            at = needle_find(needle, window, at + 1, &n);
        }
        if (part.n < WINDOW)
            break;
    }
    return false;
}

static bool match_text(const struct query_node *node, const struct archive_hit *hit)
{
    struct query_needle needle = query_needle_of(node);
    if (query_needle_in(&needle, hit->raw))
        return true;
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        if (hit->event.statutory[i].n && query_needle_in(&needle, hit->event.statutory[i]))
            return true;
    for (uint32_t i = 0; i < hit->event.field_count; i++)
        if (hit->event.fields[i].value.n && query_needle_in(&needle, hit->event.fields[i].value))
            return true;
    return false;
}

/* ---- fields ---- */

static bool match_number(const struct query_node *node, struct str value)
{
    double number;
    if (!str_to_double(value, &number))
        return false;
    switch (node->compare) {
    case COMPARE_LESS:
        return number < node->number;
    case COMPARE_MORE:
        return number > node->number;
    case COMPARE_LESS_EQUAL:
        return number <= node->number;
    case COMPARE_MORE_EQUAL:
        return number >= node->number;
    case COMPARE_EQUAL:
    case COMPARE_EXISTS:
        break;
    }
    return false;
}

bool query_value_matches(const struct query_node *node, struct str value)
{
    char folded[WINDOW];
    if (node->compare == COMPARE_EXISTS)
        return true;
    if (node->compare != COMPARE_EQUAL)
        return match_number(node, value);
    if (node->network)
        return query_network_holds(&node->net, value);
    if (!node->wildcard && value.n != node->value.n)
        return false;
    value = str_slice(value, 0, sizeof folded);
    word_fold_text(value, folded);
    struct str text = str_at(folded, value.n);
    return node->wildcard ? glob_whole(node->value, text) : str_eq(text, node->value);
}

static bool match_record_number(const struct query_node *node, uint64_t number)
{
    char text[24];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    buf_u64(&out, number);
    return query_value_matches(node, buf_view(&out));
}

/* What belongs to the record itself; false in *ret_known when the name means nothing here. */
static bool match_own(const struct query_node *node, const struct archive_hit *hit, bool *ret_known)
{
    *ret_known = true;
    if (str_is(node->name, "record"))
        return match_record_number(node, hit->leaf.index);
    if (str_is(node->name, "source"))
        return query_value_matches(node, hit->source.name) || query_value_matches(node, hit->source.kind);
    if (str_is(node->name, "transport"))
        return query_value_matches(node, str_of(transport_name(hit->leaf.transport)));
    if (str_is(node->name, "parser"))
        return query_value_matches(node, str_of(hit->event.parser));
    if (str_is(node->name, "type"))
        return query_value_matches(node, str_of(leaf_type_name(hit->leaf.type)));
    if (str_is(node->name, "rule")) {
        for (size_t i = 0; i < hit->rule_count; i++)
            if (query_value_matches(node, hit->rules[i]))
                return true;
        return false;
    }
    *ret_known = false;
    return false;
}

static bool name_is(struct str folded_name, struct str name)
{
    char folded[256];
    if (name.n != folded_name.n || name.n > sizeof folded)
        return false;
    word_fold_text(name, folded);
    return memcmp(folded, folded_name.p, name.n) == 0;
}

static bool match_field(const struct query_node *node, const struct archive_hit *hit, const struct names *names)
{
    bool known;
    bool own = match_own(node, hit, &known);
    if (own)
        return true;
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        if (hit->event.statutory[i].n && str_is(node->name, statutory_key((enum statutory)i)) &&
            query_value_matches(node, hit->event.statutory[i]))
            return true;
    for (uint32_t i = 0; names && i < hit->event.field_count; i++)
        if (name_is(node->name, names_text(names, hit->event.fields[i].name)) &&
            query_value_matches(node, hit->event.fields[i].value))
            return true;
    return false;
}

bool query_node_matches(const struct query_node *node, const struct archive_hit *hit, const struct names *names)
{
    return node->kind == QUERY_TRUE ||
           (node->kind == QUERY_TEXT ? match_text(node, hit) : match_field(node, hit, names));
}

/* ---- operators ---- */

/* Applies an operator to the stack's top. `certain`: whether `not` may say no. */
static void apply(enum query_kind kind, bool *stack, size_t *depth, bool certain)
{
    ASSERT(*depth >= (kind == QUERY_NOT ? 1u : 2u));
    if (kind == QUERY_NOT) {
        stack[*depth - 1] = certain ? !stack[*depth - 1] : true;
        return;
    }
    --*depth;
    if (kind == QUERY_AND)
        stack[*depth - 1] = stack[*depth - 1] && stack[*depth];
    else
        stack[*depth - 1] = stack[*depth - 1] || stack[*depth];
}

bool query_matches(const struct query *query, const struct archive_hit *hit, const struct names *names)
{
    bool stack[QUERY_NODES_MAX];
    size_t depth = 0;
    for (uint32_t i = 0; i < query->count; i++) {
        const struct query_node *node = &query->nodes[i];
        if (node->kind >= QUERY_NOT)
            apply(node->kind, stack, &depth, true);
        else
            stack[depth++] = query_node_matches(node, hit, names);
    }
    ASSERT(depth == 1);
    return stack[0];
}

/* Values of these names are not among the words of the filter. */
static bool is_own_name(struct str name)
{
    static const char *const names[] = {"record", "source", "transport", "parser", "type"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static bool node_may_match(const struct query_node *node, query_may_hold may_hold, void *context)
{
    char word[WORD_MAX];
    size_t n;
    size_t at = 0;
    if (node->kind == QUERY_TRUE || node->wildcard || node->network || node->compare != COMPARE_EQUAL ||
        (node->kind == QUERY_FIELD && is_own_name(node->name)))
        return true;
    while (word_next(node->value, &at, word, &n))
        if (!may_hold(context, str_at(word, n)))
            return false;
    return true;
}

bool query_may_match(const struct query *query, query_may_hold may_hold, void *context)
{
    bool stack[QUERY_NODES_MAX];
    size_t depth = 0;
    for (uint32_t i = 0; i < query->count; i++) {
        const struct query_node *node = &query->nodes[i];
        if (node->kind >= QUERY_NOT)
            apply(node->kind, stack, &depth, false);
        else
            stack[depth++] = node_may_match(node, may_hold, context);
    }
    ASSERT(depth == 1);
    return stack[0];
}
