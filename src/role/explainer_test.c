#include "role/explainer.h"

#include "base/test.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define RULE(title, id, more)                                                                                          \
    "title: " title "\nid: " id "\nstatus: test\nlogsource:\n    product: linux\n" more "level: low\n"
#define SELECTION "detection:\n    sel:\n        a|contains: xx\n    condition: sel\n"

static const char *const files[] = {
    RULE("Root signed in", "11111111-0000-4000-8000-000000000001", "name: first\n" SELECTION),
    RULE("Root signed in twice", "11111111-0000-4000-8000-000000000002", SELECTION),
    RULE("Not a word of it", "11111111-0000-4000-8000-000000000003",
         "detection:\n    sel:\n        a|nomodifier: b\n"
         "    condition: sel\n"),
    "title: A filter\nid: 11111111-0000-4000-8000-000000000004\nname: narrow\nlogsource:\n    product: linux\nfilter:\n"
    "    rules:\n        - first\n    selection:\n        b: c\n    condition: not selection\n",
    "title: Often\nid: 11111111-0000-4000-8000-000000000005\ncorrelation:\n    type: event_count\n    rules:\n"
    "        - first\n    group-by:\n        - host\n        - nosuch\n    timespan: 5m\n    condition:\n"
    "        gte: 4\nlevel: high\n",
};

struct bed {
    struct rules *rules;
    struct names *names;
    struct arena *arena;
    struct event_field fields[2];
    struct event event;
    struct buf out;
    struct explainer_json json;
};

static bool bed_make(struct bed *bed, const char *const *texts, size_t count)
{
    struct err err = {0};
    memset(bed, 0, sizeof *bed);
    bed->rules = rules_new((size_t)64 << 20);
    bed->names = names_new(1);
    bed->arena = arena_new((size_t)256 << 20);
    for (size_t i = 0; i < count; i++) {
        char path[32];
        snprintf(path, sizeof path, "%zu.yml", i);
        CHECK_INT(rules_add(bed->rules, str_of(path), str_of(texts[i]), &err), RC_OK);
    }
    CHECK_INT(rules_finish(bed->rules, &err), RC_OK);
    bed->fields[0] = (struct event_field){names_put(bed->names, STR("a")), EVENT_STRING, STR("x<y")};
    bed->fields[1] = (struct event_field){names_put(bed->names, STR("host")), EVENT_STRING, STR("web1")};
    bed->event = (struct event){.flags = EVENT_MATCH, .field_count = 2, .fields = bed->fields, .record_count = 1};
    buf_init(&bed->out, (size_t)32 << 20);
    bed->json = (struct explainer_json){
        .out = &bed->out, .names = bed->names, .bytes_max = (size_t)16 << 20, .depth_max = EXPLAIN_DEPTH_MAX};
    return bed->rules && bed->names && bed->arena;
}

static void bed_done(struct bed *bed)
{
    buf_done(&bed->out);
    rules_free(bed->rules);
    names_free(bed->names);
    arena_free(bed->arena);
}

static void rules_are_found(void)
{
    static const struct {
        const char *named;
        enum rc want;
        const char *says; /* the title, or a part of the error */
    } rows[] = {
        {"11111111-0000-4000-8000-000000000002", RC_OK, "Root signed in twice"},
        {"first", RC_OK, "Root signed in"},
        {"root SIGNED in", RC_OK, "Root signed in"}, /* the whole of one, a part of another */
        {"twice", RC_OK, "Root signed in twice"},
        {"often", RC_OK, "Often"},
        {"signed", RC_LIMIT, "\"signed\" stands in the titles of 2 rules"},
        {"", RC_NOT_FOUND, "there is no rule \"\""},
        {"nothing", RC_NOT_FOUND, "there is no rule \"nothing\""},
        {"Not a word", RC_NOT_FOUND, "there is no rule"},
        {"11111111-0000-4000-8000-000000000003", RC_INVALID, "the rule was refused: "},
        {"A filter", RC_NOT_FOUND, "there is no rule"},
        {"11111111-0000-4000-8000-000000000004", RC_INVALID, "is a filter"},
    };
    struct bed bed;
    if (!bed_make(&bed, files, ARRAY_LEN(files)))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct rule *rule = NULL;
        struct err err = {0};
        test_row("%s", rows[i].named);
        CHECK_INT(explainer_find(bed.rules, str_of(rows[i].named), &rule, &err), rows[i].want);
        if (rows[i].want == RC_OK)
            CHECK_TEXT(rule ? rule->title : STR_NONE, rows[i].says);
        else
            CHECK(strstr(err.text, rows[i].says) != NULL);
    }
    bed_done(&bed);
}

static const struct json_value *written(struct bed *bed)
{
    struct json_value *value = NULL;
    struct err err = {0};
    CHECK(!bed->out.overflow);
    CHECK_INT(json_parse(bed->arena, buf_view(&bed->out), JSON_DEPTH_MAX, &value, &err), RC_OK);
    return value;
}

/* A correlation's part tells what it is grouped by, and that a field for it is missing. */
static void correlations_tell_their_group(void)
{
    struct bed bed;
    struct err err = {0};
    bool match = true;
    if (!bed_make(&bed, files, ARRAY_LEN(files)))
        return;
    const struct rule *asked = rules_find(bed.rules, STR("11111111-0000-4000-8000-000000000005"));
    const struct rule *part = rules_find(bed.rules, STR("first"));
    CHECK(explainer_wants(asked, part) && !explainer_wants(asked, asked) && !explainer_wants(part, asked));
    CHECK(!explainer_wants(asked, rules_find(bed.rules, STR("11111111-0000-4000-8000-000000000002"))));
    CHECK_INT(explainer_write(&bed.json, asked, part, &bed.event, &match, &err), RC_OK);
    CHECK(!match);
    const struct json_value *one = written(&bed);
    const struct json_value *group = json_first(json_get(one, "group"));
    CHECK_TEXT(json_str(json_get(group, "value"), STR_NONE), "web1");
    CHECK_TEXT(json_str(json_get(group ? group->next : NULL, "field"), STR_NONE), "nosuch");
    CHECK(group && group->next && !json_get(group->next, "value"));
    const struct json_value *tree = json_get(one, "tree"); /* the rule and its filter */
    CHECK_TEXT(json_str(json_get(tree, "kind"), STR_NONE), "all");
    buf_clear(&bed.out);
    json_write_object(&bed.out);
    explainer_write_rule(&bed.out, asked);
    json_write_object_end(&bed.out);
    const struct json_value *c = json_get(written(&bed), "correlation");
    CHECK_INT(json_int(json_get(c, "timespan_s"), 0), 300);
    CHECK_TEXT(json_str(json_get(json_first(json_get(c, "condition")), "sign"), STR_NONE), ">=");
    bed_done(&bed);
}

/* The filter that holds the match back is named, and its node in the tree is told from the rule's own. */
static void a_filter_is_named(void)
{
    struct bed bed;
    struct err err = {0};
    bool match = true;
    if (!bed_make(&bed, files, ARRAY_LEN(files)))
        return;
    const struct rule *rule = rules_find(bed.rules, STR("first"));
    bed.fields[0].value = STR("1xx");
    CHECK_INT(explainer_write(&bed.json, rule, rule, &bed.event, &match, &err), RC_OK);
    CHECK(match && !json_get(written(&bed), "held_back"));
    bed.fields[1] = (struct event_field){names_put(bed.names, STR("b")), EVENT_STRING, STR("c")};
    buf_clear(&bed.out);
    CHECK_INT(explainer_write(&bed.json, rule, rule, &bed.event, &match, &err), RC_OK);
    const struct json_value *one = written(&bed);
    const struct json_value *held = json_first(json_get(one, "held_back"));
    CHECK(!match);
    CHECK_TEXT(json_str(json_get(held, "title"), STR_NONE), "A filter");
    CHECK_TEXT(json_str(json_get(held, "id"), STR_NONE), "11111111-0000-4000-8000-000000000004");
    const struct json_value *own = json_first(json_get(json_get(one, "tree"), "of"));
    CHECK(own && !json_get(own, "filter") && own->next);
    CHECK_TEXT(json_str(json_get(own ? own->next : NULL, "filter"), STR_NONE), "A filter");
    bed.fields[0].value = STR("1x"); /* nothing was there to be held back */
    buf_clear(&bed.out);
    CHECK_INT(explainer_write(&bed.json, rule, rule, &bed.event, &match, &err), RC_OK);
    CHECK(!match && !json_get(written(&bed), "held_back"));
    bed_done(&bed);
}

/* However small the room, the answer is whole JSON, and the verdict stands in it. */
static void what_is_long_is_shortened(void)
{
    struct bed bed;
    struct err err = {0};
    struct buf text;
    buf_init(&text, 1u << 20);
    buf_text(&text, "title: Long\nid: 11111111-0000-4000-8000-00000000000f\nstatus: test\nlogsource:\n    product: x\n"
                    "detection:\n    sel:\n        a|contains:\n");
    for (int i = 0; i < 3000; i++)
        buf_format(&text, "            - 'word%d</script>'\n", i);
    buf_text(&text, "    other:\n        a: 'x<y'\n    condition: (((not sel and other) or sel) and not sel) or sel\n");
    const char *const one[] = {buf_z(&text)};
    if (!bed_make(&bed, one, 1))
        return;
    const struct rule *rule = rules_at(bed.rules, 0);
    size_t last = 0;
    bool sure = false;
    CHECK_INT(explainer_write(&bed.json, rule, rule, &bed.event, &sure, &err), RC_OK);
    size_t whole = bed.out.n;
    CHECK(sure && !bed.json.shortened && whole > ((size_t)1 << 20));
    for (size_t bytes = 1; bytes < ((size_t)4 << 20); bytes = 2 * bytes + 17) {
        bool match = false;
        buf_clear(&bed.out);
        arena_reset(bed.arena);
        bed.json.bytes_max = bytes;
        bed.json.depth_max = EXPLAIN_DEPTH_MAX;
        bed.json.shortened = false;
        test_row("%zu bytes", bytes);
        CHECK_INT(explainer_write(&bed.json, rule, rule, &bed.event, &match, &err), RC_OK);
        CHECK(match && json_bool(json_get(written(&bed), "match"), false));
        CHECK(bed.json.shortened == (bed.out.n < whole));
        CHECK(bed.out.n < bytes + 4096 && bed.out.n >= last);
        last = bed.out.n;
    }
    CHECK_INT(last, whole);
    for (uint32_t depth = 0; depth < 8; depth++) {
        bool match = false;
        buf_clear(&bed.out);
        arena_reset(bed.arena);
        bed.json.depth_max = depth;
        bed.json.shortened = false;
        test_row("depth %u", depth);
        CHECK_INT(explainer_write(&bed.json, rule, rule, &bed.event, &match, &err), RC_OK);
        const struct json_value *at = json_get(written(&bed), "tree");
        uint32_t levels = 0;
        for (; json_first(json_get(at, "of")); levels++)
            at = json_first(json_get(at, "of"));
        CHECK(match && levels <= depth);
        CHECK(bed.json.shortened == (depth < 6));
    }
    buf_done(&text);
    bed_done(&bed);
}

static const struct test tests[] = {
    {"rules are found", rules_are_found},
    {"correlations tell their group", correlations_tell_their_group},
    {"a filter is named", a_filter_is_named},
    {"what is long is shortened", what_is_long_is_shortened},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
