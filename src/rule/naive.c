#include "rule/naive.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/civil.h"
#include "codec/utf8.h"

/* --- values --- */

/* One step of a pattern: a code point, any text, or one character. */
struct unit {
    enum part_kind kind;
    uint32_t code;
};

/* Reads the unit at (part, at) and moves on; false at the end. */
static bool unit_next(const struct pattern *pattern, size_t *part, size_t *at, struct unit *ret_unit)
{
    if (*part == pattern->count)
        return false;
    const struct part *now = &pattern->parts[*part];
    *ret_unit = (struct unit){now->kind, 0};
    if (now->kind == PART_TEXT) {
        *at += utf8_decode(str_skip(now->text, *at), &ret_unit->code);
        if (*at < now->text.n)
            return true;
    }
    (*part)++;
    *at = 0;
    return true;
}

/* Code point by code point with one place to come back to: the last star. */
static bool glob(struct pattern pattern, bool cased, struct str text)
{
    size_t part = 0;
    size_t at = 0;
    size_t star_part = 0;
    size_t star_text = 0;
    bool star = false;
    size_t n = 0;
    for (;;) {
        struct unit unit;
        size_t next_part = part;
        size_t next_at = at;
        bool more = unit_next(&pattern, &next_part, &next_at, &unit);
        if (more && unit.kind == PART_ANY) {
            star = true;
            star_part = next_part;
            star_text = n;
            part = next_part;
            at = 0;
            continue;
        }
        if (!more && n == text.n)
            return true;
        if (more && n < text.n) {
            uint32_t code;
            size_t length = utf8_decode(str_skip(text, n), &code);
            if (unit.kind == PART_ONE || unit.code == (cased ? code : utf8_fold_code(code))) {
                n += length;
                part = next_part;
                at = next_at;
                continue;
            }
        }
        if (!star || star_text >= text.n)
            return false;
        uint32_t code;
        star_text += utf8_decode(str_skip(text, star_text), &code);
        n = star_text;
        part = star_part;
        at = 0;
    }
}

bool compare_holds(enum compare compare, double value, double number)
{
    switch (compare) {
    case COMPARE_EQ:
        return !(value < number) && !(value > number);
    case COMPARE_GT:
        return value > number;
    case COMPARE_GTE:
        return value >= number;
    case COMPARE_LT:
        return value < number;
    case COMPARE_LTE:
        return value <= number;
    }
    return false;
}

static bool digits(struct str text, size_t from, size_t n, int32_t *ret_number)
{
    uint64_t number;
    struct str part = str_slice(text, from, from + n);
    if (part.n != n || !str_to_u64(part, &number))
        return false;
    *ret_number = (int32_t)number;
    return true;
}

/* ISO 8601 week: the week of the year that holds its Thursday. */
static int32_t iso_week(const struct civil *civil)
{
    int64_t day = civil_to_days(civil->year, civil->month, civil->day);
    int64_t thursday = day - civil_weekday(day) + 4;
    int32_t year, month, month_day;
    civil_from_days(thursday, &year, &month, &month_day);
    return (int32_t)((thursday - civil_to_days(year, 1, 1)) / 7 + 1);
}

bool time_part_of(struct str text, enum time_part part, double *ret_number)
{
    struct civil civil = {0};
    if (text.n < 19 || text.p[4] != '-' || text.p[7] != '-' || (text.p[10] != 'T' && text.p[10] != ' ') ||
        text.p[13] != ':' || text.p[16] != ':')
        return false;
    if (!digits(text, 0, 4, &civil.year) || !digits(text, 5, 2, &civil.month) || !digits(text, 8, 2, &civil.day) ||
        !digits(text, 11, 2, &civil.hour) || !digits(text, 14, 2, &civil.minute) ||
        !digits(text, 17, 2, &civil.second) || !civil_valid(&civil))
        return false;
    switch (part) {
    case TIME_MINUTE:
        *ret_number = civil.minute;
        break;
    case TIME_HOUR:
        *ret_number = civil.hour;
        break;
    case TIME_DAY:
        *ret_number = civil.day;
        break;
    case TIME_WEEK:
        *ret_number = iso_week(&civil);
        break;
    case TIME_MONTH:
        *ret_number = civil.month;
        break;
    case TIME_YEAR:
        *ret_number = civil.year;
        break;
    }
    return true;
}

static bool number_equal(struct str canonical, struct str value)
{
    char text[DECIMAL_TEXT_MAX];
    size_t n;
    return decimal_canonical(value, text, &n) && str_eq(canonical, str_at(text, n));
}

static bool compare_value(const struct predicate *predicate, struct str value)
{
    double number;
    if (predicate->kind == PREDICATE_TIME) {
        if (!time_part_of(value, predicate->part, &number))
            return false;
    } else if (!str_to_double(value, &number)) {
        return false;
    }
    return compare_holds(predicate->compare, number, predicate->number);
}

/* A test of one value that is there and not null. */
static bool value_test(const struct predicate *predicate, struct str value)
{
    switch (predicate->kind) {
    case PREDICATE_STRING:
        return glob(predicate->pattern, predicate->cased, value);
    case PREDICATE_NUMBER:
        return number_equal(predicate->text, value);
    case PREDICATE_REGEX:
        return regex_search_slow(predicate->regex, value);
    case PREDICATE_CIDR:
        return cidr_holds(&predicate->cidr, value);
    case PREDICATE_COMPARE:
    case PREDICATE_TIME:
        return compare_value(predicate, value);
    case PREDICATE_NULL:
    case PREDICATE_EXISTS:
    case PREDICATE_FIELDREF:
        break;
    }
    return false;
}

/* --- fields --- */

bool naive_entry_is(const struct names *names, const struct event *event, size_t index, struct str field)
{
    struct str name = names_text(names, event->fields[index].name);
    if (str_eq(name, field))
        return true;
    if (!str_eq_nocase(name, field))
        return false;
    for (size_t i = 0; i < event->field_count; i++) {
        if (str_eq(names_text(names, event->fields[i].name), field))
            return false;
    }
    return true;
}

static bool equal_as(const struct predicate *predicate, struct str value, struct str other)
{
    struct part parts[3];
    size_t count = 0;
    struct arena *arena = arena_new(MAX((size_t)4096, 8 * other.n));
    if (!arena)
        return false;
    if (predicate->shape == SHAPE_SUFFIX || predicate->shape == SHAPE_CONTAINS)
        parts[count++] = (struct part){PART_ANY, STR_NONE};
    if (other.n)
        parts[count++] = (struct part){PART_TEXT, predicate->cased ? other : utf8_fold(arena, other)};
    if ((predicate->shape == SHAPE_PREFIX || predicate->shape == SHAPE_CONTAINS) && !(count && !other.n))
        parts[count++] = (struct part){PART_ANY, STR_NONE};
    bool held = glob((struct pattern){parts, count}, predicate->cased, value);
    arena_free(arena);
    return held;
}

static bool fieldref_test(const struct predicate *predicate, const struct names *names, const struct event *event,
                          struct str value)
{
    for (size_t i = 0; i < event->field_count; i++) {
        if (event->fields[i].type != EVENT_NULL && naive_entry_is(names, event, i, predicate->reference) &&
            equal_as(predicate, value, event->fields[i].value))
            return true;
    }
    return false;
}

static bool text_source(const struct event *event)
{
    if (event->raw.n == 0 || !event->parser)
        return false;
    if (!strchr("jewx", event->parser[0])) /* asked of every event, and most are none of these */
        return true;
    struct str parser = str_of(event->parser);
    return !str_starts(parser, STR("json")) && !str_is(parser, "evtx") && !str_is(parser, "xml") &&
           !str_is(parser, "winlog");
}

bool keyword_in_raw(const struct event *event)
{
    return text_source(event);
}

bool keyword_in_values(const struct event *event)
{
    return !text_source(event) || event->record_count > 1;
}

static bool keyword_test(const struct predicate *predicate, const struct event *event)
{
    if (keyword_in_raw(event) && value_test(predicate, event->raw))
        return true;
    for (size_t i = 0; keyword_in_values(event) && i < event->field_count; i++) {
        if (event->fields[i].type != EVENT_NULL && event->fields[i].type != EVENT_OBJECT &&
            value_test(predicate, event->fields[i].value))
            return true;
    }
    return false;
}

bool naive_test(const struct predicate *predicate, const struct names *names, const struct event *event)
{
    bool seen = false;
    bool seen_null = false;
    if (predicate->field.n == 0)
        return keyword_test(predicate, event);
    for (size_t i = 0; i < event->field_count; i++) {
        const struct event_field *field = &event->fields[i];
        if (!naive_entry_is(names, event, i, predicate->field))
            continue;
        seen = true;
        seen_null |= field->type == EVENT_NULL;
        if (field->type == EVENT_NULL)
            continue;
        if (predicate->kind == PREDICATE_FIELDREF ? fieldref_test(predicate, names, event, field->value)
                                                  : value_test(predicate, field->value))
            return true;
    }
    if (predicate->kind == PREDICATE_EXISTS)
        return seen;
    return predicate->kind == PREDICATE_NULL && (!seen || seen_null);
}

/* --- rules --- */

static bool word_conflicts(struct str wanted, const struct names *names, uint32_t said)
{
    return wanted.n && said && !str_eq_nocase(wanted, names_text(names, said));
}

bool naive_routed(const struct rule *rule, const struct names *names, const struct event *event)
{
    const struct event_logsource *said = &event->logsource;
    if (word_conflicts(rule->logsource.product, names, said->product) ||
        word_conflicts(rule->logsource.service, names, said->service))
        return false;
    bool conflict = false;
    for (size_t i = 0; i < EVENT_CATEGORIES_MAX && said->category[i]; i++) {
        if (!word_conflicts(rule->logsource.category, names, said->category[i]))
            return true;
        conflict = conflict || !str_is(names_text(names, said->category[i]), EVENT_INDICATOR);
    }
    return !conflict;
}

static bool word_said(struct str wanted, const struct names *names, uint32_t said)
{
    return wanted.n == 0 || (said && str_eq_nocase(wanted, names_text(names, said)));
}

bool naive_covered(const struct rule *rule, const struct names *names, const struct event *event)
{
    const struct event_logsource *said = &event->logsource;
    bool category = rule->logsource.category.n == 0;
    for (size_t i = 0; i < EVENT_CATEGORIES_MAX && said->category[i]; i++)
        category = category || word_said(rule->logsource.category, names, said->category[i]);
    return category && word_said(rule->logsource.product, names, said->product) &&
           word_said(rule->logsource.service, names, said->service);
}

/* Every node in order: children stand before their parents. */
static bool evaluate(const struct rule_ast *ast, const struct names *names, const struct event *event, bool *verdicts)
{
    for (uint32_t i = 0; i < ast->node_count; i++) {
        const struct node *node = &ast->nodes[i];
        if (node->kind == NODE_TEST) {
            verdicts[i] = naive_test(&ast->predicates[node->first], names, event);
            continue;
        }
        bool all = true;
        bool any = false;
        for (uint32_t k = 0; k < node->count; k++) {
            uint32_t kid = ast->kids[node->first + k];
            ASSERT(kid < i);
            all &= verdicts[kid];
            any |= verdicts[kid];
        }
        verdicts[i] = node->kind == NODE_AND ? all : node->kind == NODE_OR ? any : !all;
    }
    return verdicts[ast->root];
}

bool naive_verdicts(const struct rule *rule, const struct names *names, const struct event *event, bool *ret_verdicts)
{
    return evaluate(rule->ast, names, event, ret_verdicts);
}

bool naive_match(const struct rule *rule, const struct names *names, const struct event *event)
{
    if (rule->kind != RULE_DETECTION || !naive_routed(rule, names, event))
        return false;
    bool *verdicts = memory_new(rule->ast->node_count * sizeof(*verdicts));
    if (!verdicts)
        return false;
    bool held = evaluate(rule->ast, names, event, verdicts);
    memory_free(verdicts);
    return held;
}
