#include "base/buf.h"
#include "base/bytes.h"
#include "rule/case.h"
#include "rule/explain.h"

#include <stdio.h>

#define HEAD      "title: t\nlogsource: {product: x}\n"
#define DETECTION "logsource:\n  product: x\ndetection:\n  s:\n    a: b\n  condition: s\n"
#define DET       HEAD "detection:\n"

/* Every row is refused, and the reason says why. */
static const struct {
    const char *text;
    const char *reason;
} refused[] = {
    {"", "file has no document"},
    {"# only a comment\n", "file has no document"},
    {"just text", "must be a mapping"},
    {"- a\n- b\n", "must be a mapping"},
    {"\x01\x02\x7f garbage", ""},
    {"title: [", ""},
    {"a: b: c: d", ""},
    {"title: t\ntitle: u\n", ""},
    {"a: &x 1\nb: *x\n", ""},
    {"logsource: {product: x}\ndetection: {s: {f: 1}, condition: s}\n", "no title"},
    {"title: t\ndetection: {s: {f: 1}, condition: s}\n", "no logsource"},
    {"title: t\nlogsource: x\ndetection: {s: {f: 1}, condition: s}\n", "logsource must be a mapping"},
    {"title: t\nlogsource: {}\ndetection: {s: {f: 1}, condition: s}\n", "names no product"},
    {"title: t\nlogsource: {product: [a]}\ndetection: {s: {f: 1}, condition: s}\n", "must be text"},
    {HEAD, "one of detection, correlation and filter"},
    {HEAD "detection: {s: {f: 1}, condition: s}\ncorrelation: {}\n", "one of detection"},
    {HEAD "level: extreme\ndetection: {s: {f: 1}, condition: s}\n", "unknown level"},
    {HEAD "qorgan: {kind: nonsense}\ndetection: {s: {f: 1}, condition: s}\n", "unknown incident kind"},
    {HEAD "qorgan: {aliases: [a]}\ndetection: {s: {f: 1}, condition: s}\n", "aliases must be a mapping"},
    {HEAD "qorgan: {aliases: {a: []}}\ndetection: {s: {f: 1}, condition: s}\n", "wants one to 16 names"},
    {HEAD "qorgan: {aliases: {a: {b: c}}}\ndetection: {s: {f: 1}, condition: s}\n", "wants one to 16 names"},
    {HEAD "qorgan: {aliases: {a: ''}}\ndetection: {s: {f: 1}, condition: s}\n", "wants one to 16 names"},
    {HEAD "qorgan: {aliases: {'': b}}\ndetection: {s: {f: 1}, condition: s}\n", "wants one to 16 names"},
    {HEAD "qorgan: {aliases: {a: [1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7]}}\ndetection: {s: {f: 1}, condition: s}\n",
     "wants one to 16 names"},
    {HEAD "qorgan: {severity: 5}\ndetection: {s: {f: 1}, condition: s}\n", "severity wants 1 to 4"},
    {"action: global\ntitle: t\n", "Sigma 1"},
    {HEAD "detection: x\n", "detection must be a mapping"},
    {DET "  s: {f: 1}\n", "no condition"},
    {DET "  s: {f: 1}\n  condition: {a: b}\n", "condition must be text"},
    {DET "  s: {f: 1}\n  condition: []\n", "condition must be text"},
    {DET "  s: {f: 1}\n  condition: [[s]]\n", "condition must be text"},
    {DET "  s: {}\n  condition: s\n", "a detection is empty"},
    {DET "  s: []\n  condition: s\n", "a detection is empty"},
    {DET "  s:\n  condition: s\n", "a detection is empty"},
    {DET "  s: [[a]]\n  condition: s\n", "a list within a list"},
    {DET "  s: {f: {g: 1}}\n  condition: s\n", "a mapping cannot be a field's value"},
    {DET "  s: {f: []}\n  condition: s\n", "a list of values is empty"},
    {DET "  s: {f: [[1]]}\n  condition: s\n", "a value must be text"},
    /* modifiers */
    {DET "  s: {f|near: 1}\n  condition: s\n", "unknown modifier \"near\""},
    {DET "  s: {f|: 1}\n  condition: s\n", "unknown modifier \"\""},
    {DET "  s: {f|CONTAINS: a}\n  condition: s\n", "unknown modifier"},
    {DET "  s: {f|all|all: [a]}\n  condition: s\n", "stands twice"},
    {DET "  s: {f|contains|startswith: a}\n  condition: s\n", "exclude each other"},
    {DET "  s: {f|re|cidr: a}\n  condition: s\n", "exclude each other"},
    {DET "  s: {f|gt|contains: 1}\n  condition: s\n", "exclude each other"},
    {DET "  s: {f|i: a}\n  condition: s\n", "belong to \"re\""},
    {DET "  s: {f|contains|base64: abc}\n  condition: s\n", "must stand before"},
    {DET "  s: {f|base64|wide: abc}\n  condition: s\n", "cannot follow base64"},
    {DET "  s: {f|base64: 'a*c'}\n  condition: s\n", "wildcards"},
    {DET "  s: {f|base64offset: ab}\n  condition: s\n", "three bytes"},
    {DET "  s: {f|windash: ' -a -b -c -d -e -f -g'}\n  condition: s\n", "dashes"},
    {DET "  s: {f|expand: '%x%'}\n  condition: s\n", "placeholder \"%x%\" is not defined"},
    {DET "  s: {f|re: '('}\n  condition: s\n", "bad regular expression"},
    {DET "  s: {f|re: 'a{2,1}'}\n  condition: s\n", "bad regular expression"},
    {DET "  s: {f|cidr: 10.0.0.0/33}\n  condition: s\n", "no network"},
    {DET "  s: {f|cidr: 10.0.0}\n  condition: s\n", "no network"},
    {DET "  s: {f|cidr: '::1/129'}\n  condition: s\n", "no network"},
    {DET "  s: {f|cidr: '1::2::3/64'}\n  condition: s\n", "no network"},
    {DET "  s: {f|gt: abc}\n  condition: s\n", "is no number"},
    {DET "  s: {f|exists: maybe}\n  condition: s\n", "wants true or false"},
    {DET "  s: {f|exists: [true, false]}\n  condition: s\n", "one true or false"},
    {DET "  s: {f|contains: null}\n  condition: s\n", "null cannot be used"},
    {DET "  s: {f|fieldref: ''}\n  condition: s\n", "name of a field"},
    {DET "  s: [null]\n  condition: s\n", "null cannot be a keyword"},
    {DET "  s: {'|gt': 1}\n  condition: s\n", "needs a field"},
    /* conditions */
    {DET "  s: {f: 1}\n  condition: ''\n", "wants a name"},
    {DET "  s: {f: 1}\n  condition: x\n", "names nothing"},
    {DET "  s: {f: 1}\n  condition: S\n", "names nothing"},
    {DET "  s: {f: 1}\n  condition: 1 of none*\n", "names nothing"},
    {DET "  _s: {f: 1}\n  condition: 1 of them\n", "names nothing"},
    {DET "  s: {f: 1}\n  condition: 1 of\n", "after \"of\""},
    {DET "  s: {f: 1}\n  condition: 2 of s*\n", "only \"1 of\""},
    {DET "  s: {f: 1}\n  condition: s s\n", "wants \"and\" or \"or\""},
    {DET "  s: {f: 1}\n  condition: s and\n", "wants a name"},
    {DET "  s: {f: 1}\n  condition: and s\n", "wants a name"},
    {DET "  s: {f: 1}\n  condition: not\n", "wants a name"},
    {DET "  s: {f: 1}\n  condition: ( s\n", "without \")\""},
    {DET "  s: {f: 1}\n  condition: s )\n", "a \")\" too many"},
    {DET "  s: {f: 1}\n  condition: ()\n", "wants a name"},
    {DET "  s: {f: 1}\n  condition: s | count() > 5\n", "aggregation"},
    /* filters */
    {HEAD "filter: {rules: [nobody], s: {f: 1}, condition: not s}\n", "names no loaded rule"},
    {HEAD "filter: {s: {f: 1}, condition: not s}\n", "names no rules"},
};

static void refuses(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%s", refused[i].text);
        struct rules *rules = case_rules(str_of(refused[i].text));
        CHECK_INT(rules_count(rules), 0);
        if (CHECK_INT(rules_outcome_count(rules), 1)) {
            struct str reason = rules_outcome_at(rules, 0)->reason;
            CHECK(!rules_outcome_at(rules, 0)->loaded && reason.n > 0);
            if (!CHECK(str_search(reason, str_of(refused[i].reason)) < reason.n))
                printf("# got: %.*s\n", STR_ARG(reason));
        }
        rules_free(rules);
    }
}

static void loads(void)
{
    static const char *const rows[] = {
        DET "  s: {f: 1}\n  condition: s\n",
        DET "  s: {f: 1}\n  condition: [s, not s]\n",
        DET "  s: {f: 1}\n  condition: NOT s AND s OR s\n",
        DET "  s: {f: 1}\n  condition: (not (s) and ((s or s)))\n",
        DET "  s: word\n  condition: s\n",
        DET "  s: [word, {f: 1}]\n  condition: any of them\n",
        DET "  a.b-c: {f: 1}\n  condition: all of a.*\n",
        DET "  s: {f|contains|windash: ' -a'}\n  condition: s\n",
        DET "  s: {f|cidr: 10.0.0.1}\n  condition: s\n",
        DET "  s: {f: [1, 'a', null, true]}\n  condition: s\n",
        HEAD "level: HIGH\nunknown_key: {a: [1]}\ndetection:\n  s: {f: 1}\n  condition: s\n",
        "---\n" DET "  s: {f: 1}\n  condition: s\n---\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        struct rules *rules = case_rules(str_of(rows[i]));
        if (!CHECK_INT(rules_count(rules), 1))
            printf("# got: %.*s\n", STR_ARG(rules_outcome_at(rules, 0)->reason));
        rules_free(rules);
    }
}

static void ids_and_names_are_unique(void)
{
    struct rules *rules =
        case_rules(STR("{title: a, id: 1, logsource: {product: x}, detection: {s: {f: 1}, condition: s}}\n"
                       "---\n"
                       "{title: b, id: 1, logsource: {product: x}, detection: {s: {f: 1}, condition: s}}\n"
                       "---\n"
                       "{title: c, logsource: {product: x}, detection: {s: {f: 1}, condition: s}}\n"));
    CHECK_INT(rules_count(rules), 2);
    struct str reason = rules_outcome_at(rules, 1)->reason;
    CHECK(str_starts(reason, STR("duplicate id")));
    CHECK_TEXT(rules_find(rules, STR("1"))->title, "a");
    CHECK(rules_find(rules, STR("2")) == NULL);
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        const struct rule *found = rules_at_line(rules, outcome->path, outcome->line);
        CHECK(outcome->loaded ? found && str_eq(found->title, outcome->title) : !found);
        CHECK(!rules_at_line(rules, STR("other.yml"), outcome->line));
    }
    CHECK(!rules_at_line(rules, rules_outcome_at(rules, 0)->path, 2));
    CHECK_TEXT(rules_find_hash(rules, rules_at(rules, 1)->hash)->title, "c");
    for (size_t i = 0; i < rules_count(rules); i++)
        CHECK(rules_find_hash(rules, rules_at(rules, i)->hash) == rules_at(rules, i));
    CHECK(!rules_find_hash(rules, rules_at(rules, 0)->hash + 1));
    CHECK(!rules_find_hash(rules, 0));
    CHECK(!rules_find_hash(rules, UINT64_MAX));
    rules_free(rules);
}

/* `a` with a filter: fires unless the filter's selection holds. */
static void filters_are_anded(void)
{
    static struct case_event made;
    struct rules *rules = case_rules(
        STR("{title: f, logsource: {product: x}, filter: {rules: [n], s: {u: adm}, condition: not s}}\n"
            "---\n"
            "{title: a, name: n, logsource: {product: x, category: c}, detection: {s: {f: 1}, condition: 1 of "
            "s*}}\n"
            "---\n"
            "{title: b, logsource: {product: x}, detection: {s: {f: 1}, condition: s}}\n"));
    struct names *names = names_new(1);
    struct arena *arena = arena_new(65536);
    struct rule_match matches[4];
    struct rule_set *set = NULL;
    struct err err;
    size_t count = 0;
    CHECK_INT(rules_count(rules), 3);
    CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    CHECK(case_event_of(&made, arena, names, STR("{\"f\": 1, \"u\": \"adm\"}")));
    CHECK_INT(matcher_event(matcher, &made.event, matches, 4, &count), RC_OK);
    CHECK_INT(count, 1);
    CHECK_TEXT(matches[0].rule->title, "b");
    CHECK(case_event_of(&made, arena, names, STR("{\"f\": 1, \"u\": \"bob\"}")));
    CHECK_INT(matcher_event(matcher, &made.event, matches, 1, &count), RC_OK);
    CHECK_INT(count, 2); /* more than there was room for */
    matcher_free(matcher);
    rule_set_free(set);
    arena_free(arena);
    names_free(names);
    rules_free(rules);
}

static void put_step(void *context, const struct explain_step *step)
{
    static const char *const kinds[] = {"test", "all", "any", "not"};
    struct buf *text = context;
    buf_format(text, "%u %s%s %.*s", step->depth, step->held ? "+" : "-", kinds[step->kind], STR_ARG(step->name));
    if (step->kind == EXPLAIN_TEST)
        buf_format(text, "%.*s %s [%.*s] %s [%.*s]*%u", STR_ARG(step->field), step->verb, STR_ARG(step->wanted),
                   explain_miss_name(step->miss), STR_ARG(step->found), step->found_count);
    buf_char(text, '\n');
}

static void explains(void)
{
    static const struct {
        const char *rule;
        const char *event;
        const char *want;
    } rows[] = {
        {DET "  s: {f|contains: abc, g: '*'}\n  condition: s\n", "{\"f\": \"xABCx\", \"g\": \"\"}",
         "0 +all s\n1 +test f is [*abc*]  [xABCx]*1\n1 +test g is [*]  []*1\n"},
        {DET "  s: {f|contains: abc, g: '*'}\n  condition: s\n", "{\"f\": \"x\"}",
         "0 -all s\n1 -test f is [*abc*] other [x]*1\n1 -test g is [*] absent []*0\n"},
        {DET "  s: {f|cased: Abc}\n  t: {n|gte: 5}\n  condition: s and not t\n", "{\"f\": \"aBC\", \"n\": 7}",
         "0 -all \n1 -test sf is [Abc] case [aBC]*1\n1 -not \n2 +test tn is [>= 5]  [7]*1\n"},
        {DET "  s: {f: null}\n  t: {f: x}\n  condition: 1 of them\n", "{\"f\": null}",
         "0 +any \n1 +test sf is null or absent []  []*1\n1 -test tf is [x] null []*1\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static struct case_event made;
        struct rules *rules = case_rules(str_of(rows[i].rule));
        struct names *names = names_new(1);
        struct arena *arena = arena_new(65536);
        struct buf text;
        struct err err = {0};
        bool held = false;
        buf_init(&text, 65536);
        test_row("%zu", i);
        CHECK(case_event_of(&made, arena, names, str_of(rows[i].event)));
        CHECK_INT(rule_explain_tree(rules_at(rules, 0), names, &made.event, &(struct explain_sink){put_step, &text},
                                    &held, &err),
                  RC_OK);
        CHECK_TEXT(buf_view(&text), rows[i].want);
        CHECK_INT(held, rows[i].want[2] == '+');
        buf_done(&text);
        arena_free(arena);
        names_free(names);
        rules_free(rules);
    }
}

/* Without one it would run, and nobody could decide about it. A filter has no state of its own. */
static void packs_need_ids(void)
{
    static const struct {
        const char *path, *text;
        bool loads;
    } rows[] = {
        {"pack:p/1/a.yml", "title: a\nid: one\n" DETECTION, true},
        {"pack:p/1/a.yml", "title: a\n" DETECTION, false},
        {"pack:p/1/a.yml", "title: a\nname: one\n" DETECTION, false},
        {"rules/a.yml", "title: a\n" DETECTION, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rules *rules = rules_new((size_t)16 << 20);
        struct err err = {0};
        test_row("%s %s", rows[i].path, rows[i].text);
        CHECK_INT(rules_add(rules, str_of(rows[i].path), str_of(rows[i].text), &err), RC_OK);
        CHECK_INT(rules_finish(rules, &err), RC_OK);
        CHECK_INT(rules_count(rules), rows[i].loads);
        if (!rows[i].loads)
            CHECK(str_search(rules_outcome_at(rules, 0)->reason, STR("needs an id")) <
                  rules_outcome_at(rules, 0)->reason.n);
        rules_free(rules);
    }
}

/* Nesting, size, and many of everything: refused, never followed. */
static struct rules *rules_of(const char *const *texts, size_t count, const struct rules *whole)
{
    struct rules *rules = rules_new((size_t)1 << 22);
    struct err err = {0};
    char path[32];
    if (whole)
        rules_part_of(rules, whole);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%zu.yml", i);
        CHECK_INT(rules_add(rules, str_of(path), str_of(texts[i]), &err), RC_OK);
    }
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    return rules;
}

static void what_has_no_id_is_given_one(void)
{
    static const char *const texts[] = {"title: Same\n" DETECTION, "title: Same\nlevel: low\n" DETECTION,
                                        "title: Other\n" DETECTION, "title: With\nid: 1234\n" DETECTION,
                                        "title: Same\nlogsource: {product: x}\nfilter: {rules: any, s: {f: 1}, "
                                        "condition: not s}\n"};
    static const char *const edited[] = {"title: Other\nlevel: high\n" DETECTION};
    struct rules *rules = rules_of(texts, ARRAY_LEN(texts), NULL);
    struct rules *again = rules_of(texts, ARRAY_LEN(texts), NULL);
    struct rules *part = rules_of(texts + 1, 1, rules); /* without the first of its title */
    struct rules *changed = rules_of(edited, 1, NULL);
    CHECK_INT(rules_count(rules), ARRAY_LEN(texts));
    for (size_t i = 0; i < rules_count(rules); i++) {
        struct str id = rules_at(rules, i)->id;
        uint8_t uuid[16];
        test_row("rule %zu", i);
        CHECK_STR(rules_at(again, i)->id, id); /* in every process the same */
        CHECK(rules_find(rules, id) == rules_at(rules, i));
        CHECK(i == 3 ? str_is(id, "1234") : uuid_decode(id, uuid) && uuid[6] >> 4 == 8 && uuid[8] >> 6 == 2);
        for (size_t other = 0; other < i; other++)
            CHECK(!str_eq(rules_at(rules, other)->id, id));
        CHECK_INT(rules_outcome_at(rules, i)->id.n, i == 3 ? 4 : 0); /* none was written */
    }
    CHECK_STR(rules_at(part, 0)->id, rules_at(rules, 1)->id);
    CHECK_STR(rules_at(changed, 0)->id, rules_at(rules, 2)->id); /* what is changed in it changes no id */
    rules_free(changed);
    rules_free(part);
    rules_free(again);
    rules_free(rules);
}

static void bombs_are_refused(void)
{
    struct buf text;
    buf_init(&text, (size_t)4 << 20);
    for (size_t i = 0; i < 10000; i++)
        buf_char(&text, '[');
    struct rules *rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), 0);
    rules_free(rules);

    buf_clear(&text);
    for (size_t i = 0; i < 10000; i++)
        buf_text(&text, "a: {");
    rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), 0);
    rules_free(rules);

    buf_clear(&text);
    buf_text(&text, DET "  s: {f: 1}\n  condition: ");
    for (size_t i = 0; i < 5000; i++)
        buf_text(&text, "(");
    rules = case_rules(buf_view(&text));
    CHECK(str_search(rules_outcome_at(rules, 0)->reason, STR("nested too deeply")) < 200);
    rules_free(rules);

    buf_clear(&text);
    buf_text(&text, DET "  s: {f: 1}\n  condition: ");
    for (size_t i = 0; i < 2000; i++)
        buf_text(&text, "not ");
    buf_text(&text, "s\n");
    rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), 0);
    rules_free(rules);

    buf_clear(&text);
    buf_text(&text, "title: ");
    while (text.n <= RULE_FILE_MAX)
        buf_text(&text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    rules = case_rules(buf_view(&text));
    CHECK_TEXT(rules_outcome_at(rules, 0)->reason, "file is larger than 1 MiB");
    rules_free(rules);

    buf_clear(&text);
    buf_text(&text, DET "  s:\n    f:\n");
    for (size_t i = 0; i < 70000; i++)
        buf_text(&text, "      - v\n");
    buf_text(&text, "  condition: s\n");
    rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), 0);
    rules_free(rules);
    buf_done(&text);
}

/* A condition that names a large detection again and again would grow without bound. */
static void conditions_do_not_multiply(void)
{
    struct buf text;
    buf_init(&text, (size_t)4 << 20);
    buf_text(&text, DET "  s:\n    f:\n");
    for (size_t i = 0; i < 20000; i++)
        buf_format(&text, "      - v%zu\n", i);
    buf_text(&text, "  condition: s");
    for (size_t i = 0; i < 1000; i++)
        buf_text(&text, " or s");
    struct rules *rules = case_rules(buf_view(&text));
    CHECK_INT(rules_count(rules), 0);
    CHECK(str_search(rules_outcome_at(rules, 0)->reason, STR("too large")) < 200);
    rules_free(rules);
    buf_done(&text);
}

static const char sample[] = DET "  s:\n    f|contains|all: ['a*b', \"c\\\\d\"]\n    g|re: '^x{1,3}$'\n  k: [word]\n"
                                 "  t: {h|cidr: 10.0.0.0/8, i|base64offset|contains: secret}\n"
                                 "  condition: (s or 1 of k*) and not all of t*\n";

static void truncations_and_flips_are_survived(void)
{
    char bytes[sizeof(sample)];
    uint64_t random = 1;
    for (size_t n = 0; n < sizeof(sample); n++)
        rules_free(case_rules(str_at(sample, n)));
    for (size_t round = 0; round < 2000; round++) {
        memcpy(bytes, sample, sizeof(sample));
        random = random * 6364136223846793005u + 1442695040888963407u;
        bytes[(random >> 33) % (sizeof(sample) - 1)] = (char)(random >> 20);
        rules_free(case_rules(str_at(bytes, sizeof(sample) - 1)));
    }
}

static enum rc load_and_match(void)
{
    struct err err;
    static struct case_event made;
    struct rule_match matches[4];
    struct rule_set *set = NULL;
    struct matcher *matcher = NULL;
    size_t count = 0;
    struct rules *rules = rules_new((size_t)64 << 20);
    struct names *names = names_new(1);
    struct arena *arena = arena_new(65536);
    enum rc rc = rules && names && arena ? RC_OK : RC_LIMIT;
    if (rc == RC_OK && !(names_put(names, STR("f")) && names_put(names, STR("g"))))
        rc = RC_LIMIT; /* the event would lose the field */
    if (rc == RC_OK)
        rc = rules_add(rules, STR("x.yml"), str_of(sample), &err);
    if (rc == RC_OK)
        rc = rules_finish(rules, &err);
    if (rc == RC_OK && rules_count(rules) == 0)
        rc = RC_LIMIT; /* refused for lack of memory, which is listed */
    if (rc == RC_OK)
        rc = rule_set_compile(rules, names, &set, &err);
    if (rc == RC_OK && !(matcher = matcher_new(set)))
        rc = RC_LIMIT;
    if (rc == RC_OK)
        rc = case_event_of(&made, arena, names, STR("{\"f\": \"acbc\\\\d\", \"g\": \"xx\"}")) ? RC_OK : RC_LIMIT;
    if (rc == RC_OK)
        rc = matcher_event(matcher, &made.event, matches, 4, &count);
    if (rc == RC_OK && count != 1)
        rc = RC_CORRUPT;
    matcher_free(matcher);
    rule_set_free(set);
    arena_free(arena);
    names_free(names);
    rules_free(rules);
    return rc;
}

static void each_allocation_may_fail(void)
{
    uint64_t before = memory_allocations();
    CHECK_INT(load_and_match(), RC_OK);
    uint64_t count = memory_allocations() - before;
    CHECK(count > 10);
    for (uint64_t i = 1; i <= count; i++) {
        test_row("allocation %llu", (unsigned long long)i);
        memory_fail_at(i);
        enum rc rc = load_and_match();
        memory_fail_at(0);
        CHECK(rc == RC_OK || rc == RC_LIMIT);
    }
}

static const struct test tests[] = {
    {"refuses what breaks the standard, with the reason", refuses},
    {"loads what the standard allows", loads},
    {"ids and names are unique", ids_and_names_are_unique},
    {"filters are joined with and", filters_are_anded},
    {"explains why and why not", explains},
    {"a rule of a pack needs an id", packs_need_ids},
    {"what has no id is given one", what_has_no_id_is_given_one},
    {"bombs are refused", bombs_are_refused},
    {"conditions do not multiply", conditions_do_not_multiply},
    {"truncations and flips of a good rule are survived", truncations_and_flips_are_survived},
    {"each allocation may fail", each_allocation_may_fail},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
