/* A filter's text as the desk makes it, read as rules are: it holds back events that have just these values, and no
 * other; and what query says of texts that are none. */
#include "role/query_filter.h"

#include "base/test.h"
#include "codec/utf8.h"
#include "desk/filter_text.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 3000u
#define FIELDS 3u

static const char rule_text[] =
    "{title: R, id: rule-a, logsource: {product: %s}, detection: {s: {kind: x}, condition: s}}\n---\n"
    "{title: C, id: rule-c, name: c, correlation: {type: event_count, rules: [rule-a], timespan: 1m, group-by: [kind], "
    "condition: {gte: 2}}}\n";

static uint64_t state = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static struct rules *rules_of(const char *product)
{
    char text[1024];
    struct err err;
    struct rules *rules = rules_new((size_t)64 << 20);
    snprintf(text, sizeof text, rule_text, product);
    CHECK_INT(rules_add(rules, STR("r.yml"), str_of(text), &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    return rules;
}

/* Of what YAML, Sigma and terminals hold dear. */
static struct str drawn_value(struct arena *arena)
{
    static const char *const pieces[] = {"\\",
                                         "*",
                                         "?",
                                         "\"",
                                         "'",
                                         "a",
                                         "A",
                                         "\n",
                                         "\t",
                                         "%b%",
                                         ": ",
                                         "#",
                                         "- ",
                                         "|",
                                         "\x01",
                                         "\x7f",
                                         "\xd2\x9b",
                                         "\xc2\x85",
                                         "\xe2\x80\xa8",
                                         "\xef\xbb\xbf",
                                         "{",
                                         "null",
                                         "\xf0\x9f\x98\x80",
                                         " ",
                                         "1",
                                         "~",
                                         "\\\\",
                                         "\\*",
                                         "\xef\xbf\xbd",
                                         "!",
                                         "&"};
    struct buf text;
    buf_init(&text, 256);
    for (uint32_t n = draw(7); n > 0; n--)
        buf_text(&text, pieces[draw(ARRAY_LEN(pieces))]);
    struct str copy = arena_str(arena, buf_view(&text));
    buf_done(&text);
    return copy;
}

static bool same(struct str a, struct str b, bool cased)
{
    return cased ? str_eq(a, b) : utf8_eq_folded(a, b);
}

struct bed {
    struct names *names;
    struct arena *arena;
    struct rules *rules;
    struct buf text;
    const char *product;
};

static const struct rule *read(struct bed *bed, struct rules *one, const struct filter_text *filter)
{
    struct err err;
    buf_clear(&bed->text);
    filter_text_write(&bed->text, filter);
    CHECK_INT(rules_add(one, STR("f"), buf_view(&bed->text), &err), RC_OK);
    rules_part_of(one, bed->rules);
    CHECK_INT(rules_finish(one, &err), RC_OK);
    bool good = CHECK_INT(rules_outcome_count(one), 1) && CHECK(rules_outcome_at(one, 0)->loaded) &&
                CHECK_INT(rules_outcome_at(one, 0)->warning.n, 0);
    if (!good)
        printf("# %.*s\n%.*s\n", STR_ARG(rules_outcome_at(one, 0)->reason), STR_ARG(buf_view(&bed->text)));
    return good ? rules_at(one, 0) : NULL;
}

static void one_round(struct bed *bed)
{
    static const char *const names[FIELDS] = {"f", "a b: \"c\"", "\xd2\x9b#"};
    struct str values[FIELDS];
    struct filter_condition conditions[FIELDS];
    struct event_field fields[FIELDS];
    bool cased = strcmp(bed->product, "windows") != 0;
    bool all = true;
    struct filter_text filter = {.id = STR("5c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e90"),
                                 .title = drawn_value(bed->arena),
                                 .reason = drawn_value(bed->arena),
                                 .rule = STR("rule-a"),
                                 .product = str_of(bed->product),
                                 .record = 1,
                                 .conditions = conditions,
                                 .count = 1 + draw(FIELDS)};
    if (filter.title.n == 0)
        filter.title = STR("t");
    for (size_t i = 0; i < FIELDS; i++) {
        values[i] = drawn_value(bed->arena);
        conditions[i] = (struct filter_condition){str_of(names[i]), &values[i], 1};
        struct str value = draw(4) ? values[i] : drawn_value(bed->arena);
        fields[i] = (struct event_field){names_put(bed->names, str_of(names[i])), EVENT_STRING, value};
        all = all && (i >= filter.count || same(value, values[i], cased));
    }
    const struct event event = {.fields = fields, .field_count = FIELDS, .parser = "json", .record_count = 1};
    struct rules *one = rules_new((size_t)8 << 20);
    const struct rule *read_back = read(bed, one, &filter);
    if (read_back && !CHECK_INT(rule_explain_passes(read_back, bed->names, &event), !all))
        printf("# %.*s\n", STR_ARG(buf_view(&bed->text)));
    if (read_back)
        CHECK(rule_filter_concerns(read_back, rules_find(bed->rules, STR("rule-a"))));
    rules_free(one);
    arena_reset(bed->arena);
}

static void texts_hold_back_just_that(void)
{
    static const char *const products[] = {"linux", "windows"};
    for (size_t p = 0; p < ARRAY_LEN(products); p++) {
        struct bed bed = {.names = names_new(1), .arena = arena_new(1u << 20), .product = products[p]};
        bed.rules = rules_of(bed.product);
        buf_init(&bed.text, 1u << 20);
        for (uint32_t i = 0; i < ROUNDS; i++) {
            test_row("%s %u", bed.product, i);
            one_round(&bed);
        }
        buf_done(&bed.text);
        rules_free(bed.rules);
        names_free(bed.names);
        arena_free(bed.arena);
    }
}

/* All values of a field that has several, no less. */
static void several_values_are_wanted_together(void)
{
    static const struct str values[] = {STR_INIT("a"), STR_INIT("b*")};
    static const struct filter_condition condition = {STR_INIT("f"), values, 2};
    struct bed bed = {.names = names_new(1), .arena = arena_new(1u << 20), .rules = rules_of("linux")};
    struct filter_text filter = {.id = STR("5c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e90"),
                                 .title = STR("t"),
                                 .rule = STR("rule-a"),
                                 .product = STR("linux"),
                                 .record = UINT64_MAX,
                                 .conditions = &condition,
                                 .count = 1};
    struct rules *one = rules_new((size_t)8 << 20);
    uint32_t f = names_put(bed.names, STR("f"));
    struct event_field fields[] = {{f, EVENT_STRING, STR("b*")}, {f, EVENT_STRING, STR("a")}};
    struct event event = {.fields = fields, .field_count = 2, .parser = "json", .record_count = 1};
    buf_init(&bed.text, 1u << 20);
    const struct rule *rule = read(&bed, one, &filter);
    if (rule) {
        CHECK(!rule_explain_passes(rule, bed.names, &event));
        fields[0].value = STR("bc");
        CHECK(rule_explain_passes(rule, bed.names, &event));
        event.field_count = 1;
        CHECK(rule_explain_passes(rule, bed.names, &event));
    }
    rules_free(one);
    rules_free(bed.rules);
    buf_done(&bed.text);
    names_free(bed.names);
    arena_free(bed.arena);
}

static uint64_t no_clock(void)
{
    return 0;
}

static void what_is_no_filter_is_refused(void)
{
#define FILTER "{title: f, logsource: {product: linux}, filter: {rules: [rule-a], s: {a: b}, condition: not s}}\n"
    static const struct {
        const char *rule;
        const char *text;
        const char *error; /* NULL: none */
    } rows[] = {
        {"rule-a", FILTER, NULL},
        {"nobody", FILTER, "rule_not_found"},
        {"rule-c", FILTER, "rule_not_found"},
        {"rule-a", "", "filter_refused"},
        {"rule-a", "{", "filter_refused"},
        {"rule-a", FILTER "---\n" FILTER, "filter_refused"},
        {"rule-a", "{title: r, logsource: {product: linux}, detection: {s: {a: b}, condition: s}}", "filter_refused"},
        {"rule-a", "{title: f, logsource: {product: linux}, filter: {rules: [no], s: {a: b}, condition: not s}}",
         "filter_refused"},
    };
    struct explainer explainer = {.names = names_new(1)};
    struct rules *rules = rules_of("linux");
    struct arena *arena = arena_new(4u << 20);
    const struct filter_try how = {.how = &explainer, .rules = rules, .arena = arena, .clock_ns = no_clock};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf question, out;
        struct json_value *json = NULL;
        struct err err = {0};
        test_row("%s %s", rows[i].rule, rows[i].text);
        arena_reset(arena);
        buf_init(&question, 1u << 16);
        buf_init(&out, 1u << 16);
        json_write_object(&question);
        json_put_text(&question, "rule", rows[i].rule);
        json_put_text(&question, "text", rows[i].text);
        json_write_object_end(&question);
        CHECK_INT(json_parse(arena, buf_view(&question), 8, &json, &err), RC_OK);
        CHECK_INT(query_filter_try(&how, json, &out, &err), RC_OK);
        CHECK_INT(json_parse(arena, buf_view(&out), 8, &json, &err), RC_OK);
        CHECK_TEXT(json_str(json_get(json, "error"), STR("")), rows[i].error ? rows[i].error : "");
        buf_done(&question);
        buf_done(&out);
    }
    arena_free(arena);
    rules_free(rules);
    names_free(explainer.names);
}

static const struct test tests[] = {
    {"texts hold back just that", texts_hold_back_just_that},
    {"several values are wanted together", several_values_are_wanted_together},
    {"what is no filter is refused", what_is_no_filter_is_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
