#include "rule/placeholder.h"

#include "base/buf.h"
#include "rule/case.h"

#include <stdio.h>

#define HEAD "title: t\nid: 5c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e90\nlogsource: {product: x}\ndetection:\n"

/* Rules and the values of their placeholders, in either order; finished. */
static struct rules *rules_with(struct str vars, struct str text, bool vars_first)
{
    struct err err;
    struct rules *rules = rules_new(CASE_MEMORY);
    CHECK(rules != NULL);
    for (int i = 0; i < 2; i++) {
        if (vars_first == (i == 0))
            CHECK_INT(rules_add(rules, STR("a/placeholders.yml"), vars, &err), RC_OK);
        else
            CHECK_INT(rules_add(rules, STR("a/rule.yml"), text, &err), RC_OK);
    }
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    return rules;
}

static const char vars[] = "name: our network\n"
                           "priority: 10\n"
                           "vars:\n"
                           "  Admins: [root, 'adm_*', 'a\\*b']\n"
                           "  DC-1.x: dc1\n"
                           "  Folder: ['C:\\Windows\\', 'D:\\']\n"
                           "  Ports: [22, 3389]\n"
                           "  Nets: [10.0.0.0/8, '192.0.2.0/24']\n"
                           "  Words: ['x+y', 'z.']\n"
                           "  Percent: '%Admins%'\n"
                           "  Empty: []\n"
                           "  None: ''\n";

static const struct {
    const char *detection;
    const char *event;
    bool match;
} vectors[] = {
    {"s: {f|expand: '%Admins%'}", "{\"f\": \"ROOT\"}", true},
    {"s: {f|expand: '%Admins%'}", "{\"f\": \"adm_ann\"}", true},
    {"s: {f|expand: '%Admins%'}", "{\"f\": \"a*b\"}", true},
    {"s: {f|expand: '%Admins%'}", "{\"f\": \"axb\"}", false},
    {"s: {f|expand: '%Admins%'}", "{\"f\": \"ann\"}", false},
    {"s: {f|expand: '%Admins%'}", "{\"g\": \"root\"}", false},
    {"s: {f|expand|cased: '%Admins%'}", "{\"f\": \"ROOT\"}", false},
    {"s: {f|contains|expand: '%Admins%'}", "{\"f\": \"chroot now\"}", true},
    {"s: {f|expand|contains: '%Admins%'}", "{\"f\": \"chroot now\"}", true},
    {"s: {f|startswith|expand: '%DC-1.x%'}", "{\"f\": \"dc1.example\"}", true},
    {"s: {f|endswith|expand: '%DC-1.x%'}", "{\"f\": \"dc1.example\"}", false},
    {"s: {f|expand: '%DC-1.x%.example-%Ports%'}", "{\"f\": \"dc1.example-3389\"}", true},
    {"s: {f|expand: '%DC-1.x%.example-%Ports%'}", "{\"f\": \"dc1.example-3390\"}", false},
    {"s: {f|expand: '%Folder%*.exe'}", "{\"f\": \"c:\\\\windows\\\\a.exe\"}", true},
    {"s: {f|expand: '%Folder%*.exe'}", "{\"f\": \"c:\\\\windows*.exe\"}", false},
    {"s: {f|expand: '\\\\%DC-1.x%\\c$'}", "{\"f\": \"\\\\dc1\\\\c$\"}", true},
    {"s: {f|expand: '\\%DC-1.x% %Ports%'}", "{\"f\": \"%DC-1.x% 22\"}", true},
    {"s: {f|expand: '\\%DC-1.x% %Ports%'}", "{\"f\": \"dc1 22\"}", false},
    {"s: {f|expand: '100% of %Ports%'}", "{\"f\": \"100% of 22\"}", true},
    {"s: {f|expand: '50%'}", "{\"f\": \"50%\"}", true},
    {"s: {f|expand: '%%'}", "{\"f\": \"%%\"}", true},
    {"s: {f: '%Admins%'}", "{\"f\": \"%Admins%\"}", true},
    {"s: {f: '%Admins%'}", "{\"f\": \"root\"}", false},
    {"s: {f|expand: '%Percent%'}", "{\"f\": \"%Admins%\"}", true},
    {"s: {f|expand: '%Percent%'}", "{\"f\": \"root\"}", false},
    {"s: {f|expand: '%Ports%'}", "{\"f\": 22}", true},
    {"s: {f|expand: '%None%'}", "{\"f\": \"\"}", true},
    {"s: {f|expand: '%None%'}", "{\"g\": \"\"}", false},
    {"s: {f|cidr|expand: '%Nets%'}", "{\"f\": \"192.0.2.77\"}", true},
    {"s: {f|cidr|expand: '%Nets%'}", "{\"f\": \"192.0.3.77\"}", false},
    {"s: {f|re|expand: '^%Words%$'}", "{\"f\": \"xxy\"}", true},
    {"s: {f|re|expand: '^%Words%$'}", "{\"f\": \"z1\"}", true},
    {"s: {f|re|expand: '^%Words%$'}", "{\"f\": \"x+y\"}", false},
    {"s: {f|gte|expand: '%Ports%'}", "{\"f\": 23}", true},
    {"s: {f|expand|neq: '%Admins%'}", "{\"f\": \"ann\"}", true},
    {"s: {f|expand|neq: '%Admins%'}", "{\"f\": \"root\"}", false},
    /* values of one placeholder are alternatives, also where a list means all */
    {"s: {f|expand|contains|all: ['%Admins%', '%Ports%']}", "{\"f\": \"root at 22\"}", true},
    {"s: {f|expand|contains|all: ['%Admins%', '%Ports%']}", "{\"f\": \"root\"}", false},
    {"s: {f|expand: [ann, '%Admins%']}", "{\"f\": \"ann\"}", true},
    {"s: {f|base64|contains|expand: '%DC-1.x%'}", "{\"f\": \"xZGMx\"}", true},
    {"s: {f|windash|contains|expand: ' -%DC-1.x%'}", "{\"f\": \"a /dc1\"}", true},
    {"s: {'|expand': ['%Admins%']}", "{\"f\": \"chroot\"}", true},
};

static void vector_check(struct rules *rules, const char *json, bool want)
{
    static struct case_event made;
    struct err err;
    struct rule_match matches[4];
    struct rule_set *set = NULL;
    size_t count = 0;
    struct arena *arena = arena_new(CASE_MEMORY);
    struct names *names = names_new(1);
    CHECK(case_event_of(&made, arena, names, str_of(json)));
    CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    CHECK_INT(matcher_event(matcher, &made.event, matches, ARRAY_LEN(matches), &count), RC_OK);
    CHECK_INT(count, want);
    CHECK_INT(naive_match(rules_at(rules, 0), names, &made.event), want);
    matcher_free(matcher);
    rule_set_free(set);
    names_free(names);
    arena_free(arena);
}

static void values_match(void)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf text;
        buf_init(&text, 4096);
        buf_format(&text, HEAD "  %s\n  condition: s\n", vectors[i].detection);
        for (int first = 0; first < 2; first++) {
            test_row("%s on %s", vectors[i].detection, vectors[i].event);
            struct rules *rules = rules_with(str_of(vars), buf_view(&text), first == 1);
            if (CHECK_INT(rules_count(rules), 1))
                vector_check(rules, vectors[i].event, vectors[i].match);
            else
                printf("# refused: %.*s\n", STR_ARG(rules_outcome_at(rules, 0)->reason));
            rules_free(rules);
        }
        buf_done(&text);
    }
}

/* A rule is refused when a placeholder of it stands for nothing; the line is that of the value. */
static void rules_are_refused(void)
{
    static const struct {
        const char *detection;
        const char *reason;
    } rows[] = {
        {"s: {f|expand: '%nobody%'}", "line 5: placeholder \"%nobody%\" is not defined"},
        {"s: {f|expand: '%admins%'}", "placeholder \"%admins%\" is not defined"},
        {"s: {f|expand: 'a%Admins%b%nobody%'}", "\"%nobody%\" is not defined"},
        {"s: {f|expand: ['%Admins%', '%nobody%']}", "\"%nobody%\" is not defined"},
        {"s: {f|expand: '%Empty%'}", "placeholder \"%Empty%\" has no values"},
        {"s: {f|cidr|expand: '%Admins%'}", "no network"},
        {"s: {f|gt|expand: '%Admins%'}", "is no number"},
        {"s: {f|exists|expand: '%Admins%'}", "wants true or false"},
        {"s: {f|base64|expand: '%Admins%'}", "wildcards"},
        {"s: {f|expand: '%Admins%', g|near: 1}", "unknown modifier"},
        {"s: {f|expand: '%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%%Ports%"
         "%Ports%%Ports%%Ports%%Ports%'}",
         "more than 65536 values"},
        {"s: {f|expand: '%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a"
         "%Ports%a%Ports%a%Ports%a%Ports%a%Ports%a%Ports%'}",
         "more than 32 parts"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf text;
        buf_init(&text, 4096);
        buf_format(&text, HEAD "  %s\n  condition: s\n", rows[i].detection);
        test_row("%s", rows[i].detection);
        struct rules *rules = rules_with(str_of(vars), buf_view(&text), i % 2);
        CHECK_INT(rules_count(rules), 0);
        if (CHECK_INT(rules_outcome_count(rules), 1)) {
            const struct rule_outcome *outcome = rules_outcome_at(rules, 0);
            CHECK(!outcome->loaded && str_eq(outcome->title, STR("t")) && outcome->id.n == 36);
            if (!CHECK(str_search(outcome->reason, str_of(rows[i].reason)) < outcome->reason.n))
                printf("# got: %.*s\n", STR_ARG(outcome->reason));
        }
        rules_free(rules);
        buf_done(&text);
    }
}

/* A bad file of values is refused whole and named; what other files said stays. */
static void files_are_refused(void)
{
    static const struct {
        const char *text;
        const char *reason;
    } rows[] = {
        {"", "file has no document"},
        {"a: 1\n", "line 1: placeholders stand in a mapping \"vars\""},
        {"vars: [a]\n", "placeholders stand in a mapping"},
        {"- vars\n", "placeholders stand in a mapping"},
        {"vars: {a: {b: c}}\n", "a value of \"a\" must be text or a number"},
        {"vars: {Admins: [x, null]}\n", "a value of \"Admins\" must be text or a number"},
        {"vars: {Admins: [x, [y]]}\n", "must be text or a number"},
        {"vars:\n  Admins:\n", "must be text or a number"},
        {"vars:\n  Admins: x\n  a b: c\n", "line 3: \"a b\" is no name"},
        {"vars: {'': c}\n", "is no name"},
        {"vars: {Admins: x}\n---\nvars: 1\n", "placeholders stand in a mapping"},
        {"vars: {a: &x 1, b: *x}\n", ""},
        {"vars: [", ""},
    };
    static const char rule[] = HEAD "  s: {f|expand: '%Admins%'}\n  condition: s\n";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;
        struct rules *rules = rules_new(CASE_MEMORY);
        test_row("%s", rows[i].text);
        CHECK_INT(rules_add(rules, STR("placeholders.yaml"), str_of(vars), &err), RC_OK);
        CHECK_INT(rules_add(rules, STR("b/placeholders.yml"), str_of(rows[i].text), &err), RC_OK);
        CHECK_INT(rules_add(rules, STR("rule.yml"), str_of(rule), &err), RC_OK);
        CHECK_INT(rules_finish(rules, &err), RC_OK);
        if (CHECK_INT(rules_outcome_count(rules), 2)) {
            const struct rule_outcome *outcome = rules_outcome_at(rules, 0);
            CHECK(!outcome->loaded && str_is(outcome->path, "b/placeholders.yml") && outcome->reason.n);
            if (!CHECK(str_search(outcome->reason, str_of(rows[i].reason)) < outcome->reason.n))
                printf("# got: %.*s\n", STR_ARG(outcome->reason));
        }
        if (CHECK_INT(rules_count(rules), 1)) {
            vector_check(rules, "{\"f\": \"root\"}", true);
            vector_check(rules, "{\"f\": \"x\"}", false);
        }
        rules_free(rules);
    }
}

static uint64_t hash_of(const char *values, const char *value)
{
    struct buf text;
    buf_init(&text, 4096);
    buf_format(&text, HEAD "  s: {f|expand: '%s'}\n  condition: s\n", value);
    struct rules *rules = rules_with(str_of(values), buf_view(&text), true);
    uint64_t hash = CHECK_INT(rules_count(rules), 1) ? rules_at(rules, 0)->hash : 0;
    rules_free(rules);
    buf_done(&text);
    return hash;
}

static void values_are_meaning(void)
{
    uint64_t hash = hash_of("vars: {a: [x, y], b: z}\n", "%a%");
    CHECK(hash == hash_of("vars: {b: other, a: [x, y]}\n", "%a%"));
    CHECK(hash != hash_of("vars: {a: [x], b: z}\n", "%a%"));
    CHECK(hash != hash_of("vars: {a: [y, x], b: z}\n", "%a%"));
    CHECK(hash_of("vars: {b: z}\n", "plain") == hash_of("vars: {b: y}\n", "plain"));
}

static void last_values_count(void)
{
    struct err err;
    struct rules *rules = rules_new(CASE_MEMORY);
    static const char rule[] = HEAD "  s: {f|expand: '%a%'}\n  condition: s\n";
    CHECK_INT(rules_add(rules, STR("a/placeholders.yml"), STR("vars: {a: x}\n"), &err), RC_OK);
    CHECK_INT(rules_add(rules, STR("a/rule.yml"), str_of(rule), &err), RC_OK);
    CHECK_INT(rules_add(rules, STR("b/placeholders.yml"), STR("vars: {a: y}\n---\nvars: {c: d}\n"), &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    if (CHECK_INT(rules_count(rules), 1)) {
        vector_check(rules, "{\"f\": \"y\"}", true);
        vector_check(rules, "{\"f\": \"x\"}", false);
    }
    rules_free(rules);
}

/* A correlation, a filter and a duplicate see a rule with placeholders as any other. */
static void others_name_it(void)
{
    static const char text[] = "title: base\nid: 1\nname: base\nlogsource: {product: x}\n"
                               "detection: {s: {f|expand: '%Admins%'}, condition: s}\n"
                               "---\ntitle: many\nid: 2\ncorrelation: {type: event_count, rules: [base], timespan: 1m,"
                               " condition: {gte: 2}}\n"
                               "---\ntitle: not ann\nid: 3\nlogsource: {product: x}\n"
                               "filter: {rules: [base], s: {f|expand: 'adm_%name%'}, condition: not s}\n"
                               "---\ntitle: twice\nid: 1\nlogsource: {product: x}\n"
                               "detection: {s: {f: 1}, condition: s}\n";
    struct rules *rules = rules_with(STR("vars: {Admins: 'adm_*', name: ann}\n"), str_of(text), false);
    CHECK_INT(rules_count(rules), 3);
    CHECK(!rules_outcome_at(rules, 3)->loaded);
    const struct rule *base = rules_find(rules, STR("base"));
    if (CHECK(base && base->index == 0 && base->correlated && str_is(base->path, "a/rule.yml"))) {
        vector_check(rules, "{\"f\": \"adm_bob\"}", true);
        vector_check(rules, "{\"f\": \"adm_ann\"}", false);
    }
    rules_free(rules);
}

static void limits_hold(void)
{
    struct err err;
    struct buf text;
    buf_init(&text, RULE_FILE_MAX + 4096);
    buf_text(&text, "vars:\n  many: [");
    for (int i = 0; i < 70000; i++)
        buf_format(&text, "%d, ", i);
    buf_text(&text, "x]\n");
    static const char rule[] = HEAD "  s: {f|expand: '%many%'}\n  condition: s\n";
    struct rules *rules = rules_with(buf_view(&text), str_of(rule), false);
    CHECK_INT(rules_count(rules), 0);
    CHECK(str_search(rules_outcome_at(rules, 0)->reason, STR("more than 65536 values")) <
          rules_outcome_at(rules, 0)->reason.n);
    rules_free(rules);
    buf_clear(&text);
    buf_text(&text, "vars:\n");
    for (unsigned i = 0; i <= PLACEHOLDERS_MAX; i++)
        buf_format(&text, "  n%u: x\n", i);
    rules = rules_new(CASE_MEMORY);
    CHECK_INT(rules_add(rules, STR("placeholders.yml"), buf_view(&text), &err), RC_OK);
    CHECK_INT(rules_outcome_count(rules), 1);
    rules_free(rules);
    buf_done(&text);
}

/* With a value for each of its placeholders the whole public set loads. */
static void the_public_set_loads(void)
{
    static const char *const names[] = {"Administrators",
                                        "Admins_Workstations",
                                        "ApprovedUserUpn",
                                        "Approved_Inviters",
                                        "DC-MACHINE-NAME",
                                        "DomainControllers",
                                        "HomeTenantID",
                                        "Important_AppIds",
                                        "KNOWN_LOCATION",
                                        "Known_Location",
                                        "Legitimate_Countries",
                                        "Legitimate_IP_Ranges",
                                        "ServerSystems",
                                        "UnApprovedDevice",
                                        "UnApprovedIp",
                                        "UnLegitCountries",
                                        "Workstations",
                                        "dc_ip_addresses",
                                        "dc_machine_accounts",
                                        "domain_controller_hostnames",
                                        "internal_domains",
                                        "known_cdcs",
                                        "legit_ips",
                                        "legtimate_identifiers",
                                        "userdomain"};
    static const char *const folders[] = {"sigma/rules-placeholder", "sigma/rules-emerging-threats"};
    const char *shared = test_shared_data();
    struct err err;
    struct buf text;
    if (!shared) {
        test_skip("no shared data");
        return;
    }
    buf_init(&text, 65536);
    buf_text(&text, "vars:\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_format(&text, "  %s: [value_%zu, 'other*']\n", names[i], i);
    struct rules *rules = rules_new(CASE_MEMORY);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        case_walk(rules, shared, folders[i]);
    CHECK_INT(rules_add(rules, STR("placeholders.yml"), buf_view(&text), &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (!CHECK(outcome->loaded))
            printf("# refused: %.*s: %.*s\n", STR_ARG(outcome->path), STR_ARG(outcome->reason));
    }
    CHECK(rules_count(rules) > 400);
    rules_free(rules);
    buf_done(&text);
}

static const struct test tests[] = {
    {"values stand for their placeholders, in the engine and in the plain evaluator", values_match},
    {"a placeholder without values refuses its rule", rules_are_refused},
    {"a bad file of values is refused whole", files_are_refused},
    {"values are a part of a rule's hash", values_are_meaning},
    {"the values said last count, whatever the order of files", last_values_count},
    {"correlations, filters and duplicate ids see rules with placeholders", others_name_it},
    {"limits hold", limits_hold},
    {"the public rule set loads whole when its placeholders have values", the_public_set_loads},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
