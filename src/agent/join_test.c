#include "agent/join.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

static void patterns_hold(void)
{
    static const struct {
        const char *pattern;
        const char *line;
        bool holds;
    } rows[] = {
        {"abc", "abcd", true},      {"abc", "ab", false},       {"abc", "xabc", false},
        {"^abc", "abc", true},      {"a|bc|d", "bc", true},     {"a|bc|d", "dx", true},
        {"a|bc|d", "cb", false},    {"a?b", "b", true},         {"a?b", "ab", true},
        {"a?b", "aab", false},      {"a*b", "b", true},         {"a*b", "aaaab", true},
        {"a*b", "aaaac", false},    {"a+b", "b", false},        {"a+b", "aab", true},
        {"a{2}b", "ab", false},     {"a{2}b", "aab", true},     {"a{2}b", "aaab", false},
        {"a{0,2}b", "b", true},     {"a{1,3}b", "aaab", true},  {"a{1,3}b", "aaaab", false},
        {"a?b?c?d", "d", true},     {"a?b?c?d", "acd", true},   {".*x", "any x", true},
        {".*x", "any", false},      {"[a-c]x", "bx", true},     {"[a-c]x", "dx", false},
        {"[^a-c]x", "dx", true},    {"[^a-c]x", "ax", false},   {"[\\]\\-]x", "]x", true},
        {"[a-]x", "-x", true},      {"[-a]x", "-x", true},      {"[\\d.]+;", "1.2;", true},
        {"\\d\\w\\s", "1_ ", true}, {"\\D\\W\\S", "a b", true}, {"\\D\\W\\S", "1 b", false},
        {"\\x41\\t", "A\t", true},  {"\\|\\.", "|.", true},     {"\\.", "x", false},
        {"\\xff", "\xff", true},
    };
    static struct join_pattern pattern;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s on %s", rows[i].pattern, rows[i].line);
        CHECK_INT(join_pattern_parse(str_of(rows[i].pattern), &pattern, NULL), RC_OK);
        CHECK_INT(join_pattern_holds(&pattern, str_of(rows[i].line)), rows[i].holds);
    }
}

static void patterns_are_refused(void)
{
    static const char *const rows[] = {
        "",      "^",           "|",    "a|",     "|a",      "a||b",  "(a)",
        "a)",    "*",           "a**",  "a+?",    "?a",      "+",     "{2}",
        "a{",    "a{}",         "a{0}", "a{0,0}", "a{3,2}",  "a{1,}", "a{x}",
        "a{65}", "a{60}bcdefg", "a*",   "a?",     "a?b?",    "x|a?",  "[",
        "[]",    "[^]",         "[a",   "[b-a]",  "[a-\\d]", "[[a]]", "a]",
        "a}",    "a$",          "a^",   "\\",     "\\b",     "\\1",   "\\x",
        "\\x4",  "\\xgg",       "\\n",  "[\\n]",  "a{-1}",   "a{1,2", "a{99999999999999999999}",
    };
    static struct join_pattern pattern;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        CHECK_INT(join_pattern_parse(str_of(rows[i]), &pattern, NULL), RC_INVALID);
        CHECK(pattern.ends == 0);
    }
    char text[JOIN_PATTERN_MAX + 2];
    memset(text, 'a', sizeof text);
    CHECK_INT(join_pattern_parse(str_at(text, 63), &pattern, NULL), RC_OK);
    CHECK_INT(join_pattern_parse(str_at(text, 64), &pattern, NULL), RC_INVALID);
    CHECK_INT(join_pattern_parse(str_at(text, sizeof text), &pattern, NULL), RC_INVALID);
}

/* A long line costs no more than its first bytes. */
static void a_pattern_sees_the_beginning(void)
{
    static struct join_pattern pattern;
    char line[JOIN_LOOK + 2];
    memset(line, 'a', sizeof line);
    CHECK_INT(join_pattern_parse(STR(".*b"), &pattern, NULL), RC_OK);
    line[JOIN_LOOK - 1] = 'b';
    CHECK(join_pattern_holds(&pattern, str_at(line, sizeof line)));
    line[JOIN_LOOK - 1] = 'a';
    line[JOIN_LOOK] = 'b';
    CHECK(!join_pattern_holds(&pattern, str_at(line, sizeof line)));
}

static void names_know_their_lines(void)
{
    static const struct {
        const char *name;
        const char *line;
        bool begins;
    } rows[] = {
        {"timestamp", "2026-11-28T10:00:00 x", true},
        {"timestamp", "[2026/11/28 10:00:00] x", true},
        {"timestamp", "28.11.2026 10:00:00", true},
        {"timestamp", "<2026-11-28>", true},
        {"timestamp", "10:00:00 x", true},
        {"timestamp", "Nov 28 10:00:00 host x", true},
        {"timestamp", "Nov  2 10:00:00 host x", true},
        {"timestamp", "[Sat Nov 28 10:00:00 2026] x", true},
        {"timestamp", "\tat x.y.Z", false},
        {"timestamp", "2026", false},
        {"timestamp", "The 28 of", false},
        {"timestamp", "", false},
        {"indent", "x", true},
        {"indent", " x", false},
        {"indent", "\tx", false},
        {"indent", "", false},
        {"java", "2026-11-28 ERROR c.x.Y - failed", true},
        {"java", "Exception in thread \"main\" x", true},
        {"java", "java.lang.IllegalStateException: x", false},
        {"java", "java.lang.OutOfMemoryError", false},
        {"java", "\tat x.Y.z(Y.java:1)", false},
        {"java", "Caused by: x", false},
        {"java", "\tSuppressed: x", false},
        {"java", "... 12 more", false},
        {"postgresql", "2026-11-28 10:00:00.000 +05 [12] ERROR:  no", true},
        {"postgresql", "2026-11-28 10:00:00.000 +05 [12] DETAIL:  why", false},
        {"postgresql", "2026-11-28 10:00:00.000 +05 [12] u@d STATEMENT:  SELECT", false},
        {"postgresql", "\tFROM x", false},
    };
    static struct join_rules rules;
    char text[100];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s on %s", rows[i].name, rows[i].line);
        snprintf(text, sizeof text, "/x %s", rows[i].name);
        CHECK_INT(join_rules_parse(str_of(text), &rules, NULL), RC_OK);
        CHECK_INT(join_begins(&rules.rule[0], str_of(rows[i].line)), rows[i].begins);
    }
}

static void rules_read(void)
{
    static struct join_rules rules;
    CHECK_INT(join_rules_parse(STR(""), &rules, NULL), RC_OK);
    CHECK_INT(rules.count, 0);
    CHECK_INT(join_rules_parse(STR(" /a/*.log  java ; /b pattern=x\\x3b wait=10 lines=2 bytes=1048576;"), &rules, NULL),
              RC_OK);
    CHECK_INT(rules.count, 2);
    CHECK_TEXT(str_of(rules.rule[0].path), "/a/*.log");
    CHECK_INT(rules.rule[0].wait_ns, UINT64_C(2000000000));
    CHECK_INT(rules.rule[0].lines, JOIN_LINES);
    CHECK_INT(rules.rule[0].bytes, JOIN_BYTES);
    CHECK_INT(rules.rule[1].wait_ns, UINT64_C(10000000000));
    CHECK_INT(rules.rule[1].lines, 2);
    CHECK_INT(rules.rule[1].bytes, 1 << 20);
    CHECK(join_begins(&rules.rule[1], STR("x;")));
}

static void rules_are_refused(void)
{
    static const char *const rows[] = {
        "/a",
        "java",
        "a java",
        "/a Java",
        "/a other",
        "/a pattern=",
        "/a pattern=(",
        "/a java wait=0",
        "/a java wait=11",
        "/a java wait=-1",
        "/a java wait",
        "/a java wait=",
        "/a java lines=1",
        "/a java lines=10001",
        "/a java bytes=1023",
        "/a java bytes=1048577",
        "/a java more=1",
        "/a java java",
        "/a\tjava",
        "/a java;b java",
        "/a java\n",
        "/a java;/b",
    };
    static struct join_rules rules;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        CHECK_INT(join_rules_parse(str_of(rows[i]), &rules, NULL), RC_INVALID);
    }
    char many[400] = "";
    for (size_t i = 0; i <= JOIN_RULES_MAX; i++)
        memcpy(many + strlen(many), "/a indent;", 11);
    CHECK_INT(join_rules_parse(str_of(many), &rules, NULL), RC_LIMIT);
    many[strlen(many) - 10] = '\0';
    CHECK_INT(join_rules_parse(str_of(many), &rules, NULL), RC_OK);
}

static const struct test tests[] = {
    {"patterns hold", patterns_hold},
    {"patterns are refused", patterns_are_refused},
    {"a pattern sees the beginning", a_pattern_sees_the_beginning},
    {"names know their lines", names_know_their_lines},
    {"rules read", rules_read},
    {"rules are refused", rules_are_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
