/* The workbench of parsers: pasted lines as the service reads them, what took them, where the nearest stops, a draft
 * tried on them, a proposal. Lines of the archive are tests/parse.py's. */
#include "role/query_parse.h"

#include "base/test.h"
#include "event/normalise.h"
#include "os/random.h"

#include <stdio.h>
#include <string.h>

static struct {
    struct arena *arena;
    struct arena *kept;
    struct names *names;
    struct mapping *mapping;
    struct buf out;
    struct json_value *answer;
} bed;

static uint64_t no_clock(void)
{
    return 0;
}

/* With ' for ". */
static bool ask(const char *text)
{
    struct json_value *question = NULL;
    struct err err = {0};
    arena_reset(bed.arena);
    arena_reset(bed.kept);
    char *copy = arena_strz(bed.kept, str_of(text));
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    const struct query_parse how = {.mapping = bed.mapping,
                                    .names = bed.names,
                                    .arena = bed.arena,
                                    .clock_ns = no_clock,
                                    .now_ns = INT64_C(1795215000000000000)};
    buf_clear(&bed.out);
    if (!CHECK_INT(json_parse(bed.kept, str_of(copy), 8, &question, &err), RC_OK) ||
        !CHECK_INT(query_parse_ask(&how, question, &bed.out, &err), RC_OK) ||
        !CHECK_INT(json_parse(bed.kept, buf_view(&bed.out), 16, &bed.answer, &err), RC_OK))
        return false;
    return json_bool(json_get(bed.answer, "ok"), false);
}

static const struct json_value *line(size_t at)
{
    const struct json_value *l = json_first(json_get(bed.answer, "lines"));
    while (l && at-- > 0)
        l = l->next;
    return l;
}

static struct str text(const struct json_value *object, const char *key)
{
    return json_str(json_get(object, key), STR_NONE);
}

/* "constant<field=value>constant..." */
static struct str parts(const struct json_value *object)
{
    struct buf out;
    buf_init_fixed(&out, arena_alloc(bed.kept, 1024), 1024);
    for (const struct json_value *p = json_first(json_get(object, "parts")); p; p = p->next) {
        bool field = json_get(p, "field") != NULL;
        buf_format(&out, field ? "<%.*s=%.*s>" : "%.*s%.*s", STR_ARG(field ? text(p, "field") : STR("")),
                   STR_ARG(text(p, "text")));
    }
    return buf_view(&out);
}

#define HEAD   "Nov 20 10:00:00 web1 sshd[77]: "
#define FAILED HEAD "Failed password for root from 10.0.0.7 port 4242 ssh2"

static void taken(void)
{
    CHECK(ask("{'text':'" FAILED "\\n\\nno header at all\\r\\nNov 20 10:00:00 web1 zzyzx: unheard of 7'}"));
    CHECK_INT(json_get(bed.answer, "lines")->count, 3);
    CHECK_TEXT(text(line(0), "grasp"), "pattern");
    CHECK_TEXT(text(line(0), "family"), "sshd");
    CHECK_TEXT(text(line(0), "id"), "failed-port-ssh2");
    CHECK_TEXT(text(line(0), "head"), HEAD);
    CHECK_TEXT(parts(line(0)),
               "Failed <method=password> for <account=root> from <src=10.0.0.7> port <src_port=4242> ssh2");
    CHECK_TEXT(text(json_get(line(0), "statutory"), "account"), "root");
    CHECK_TEXT(text(line(1), "grasp"), "none");
    CHECK_TEXT(text(line(2), "grasp"), "header");
    CHECK_TEXT(text(line(2), "program"), "zzyzx");
    CHECK(!json_get(line(0), "draft") && !json_get(line(0), "record"));
    CHECK_INT(json_int(json_get(bed.answer, "looked"), -1), 3);

    CHECK(ask("{'only':'missed','text':'" FAILED "\\nNov 20 10:00:00 web1 zzyzx: unheard of 7'}"));
    CHECK_INT(json_get(bed.answer, "lines")->count, 1);
    CHECK_TEXT(text(line(0), "program"), "zzyzx");
    CHECK(ask("{'limit':1,'text':'a\\nb'}"));
    CHECK_INT(json_get(bed.answer, "lines")->count, 1);
    CHECK(ask("{}"));
    CHECK_INT(json_get(bed.answer, "lines")->count, 0);
}

static void nearest(void)
{
    CHECK(ask("{'text':'" HEAD "Failed password for root from 10.0.0.7 door 4242'}"));
    const struct json_value *near = json_get(line(0), "near");
    CHECK_TEXT(text(near, "family"), "sshd");
    CHECK_TEXT(text(json_get(near, "stop"), "why"), "literal");
    CHECK_TEXT(text(json_get(near, "stop"), "rest"), " door 4242");
    CHECK(str_starts(text(json_get(near, "stop"), "wanted"), STR(" port ")));
}

static void drafts(void)
{
    CHECK(ask("{'pattern':'unheard of {n:num}','program':'zzyzx','text':'Nov 20 10:00:00 web1 zzyzx: unheard of 7\\n"
              "Nov 20 10:00:00 web1 zzyzx: unheard of seven\\nNov 20 10:00:00 web1 other: unheard of 7'}"));
    CHECK_INT(json_int(json_get(bed.answer, "fits"), -1), 1);
    CHECK_TEXT(parts(json_get(line(0), "draft")), "unheard of <n=7>");
    CHECK_TEXT(text(json_get(json_get(line(1), "draft"), "stop"), "why"), "capture");
    CHECK_TEXT(text(json_get(json_get(line(1), "draft"), "stop"), "rest"), "seven");
    CHECK(!json_bool(json_get(json_get(line(2), "draft"), "asked"), true));
    CHECK_TEXT(text(json_first(json_get(bed.answer, "captures")), "kind"), "num");

    CHECK(ask("{'pattern':'unheard of {n:num}','rename':['count'],'text':'Nov 20 10:00:00 web1 z: unheard of 7'}"));
    CHECK_TEXT(text(bed.answer, "pattern"), "unheard of {count:num}");
    CHECK_INT(json_int(json_get(bed.answer, "fits"), -1), 1);
}

static void bad_drafts(void)
{
    static const char *const bad[] = {
        "{'pattern':'a{','text':'x'}",         "{'pattern':'{a}{b}','text':'x'}",
        "{'pattern':'x {kind}','text':'x'}",   "{'pattern':'{x:word}','rename':['a b'],'text':'x'}",
        "{'pattern':'a\\tb {x}','text':'x'}",  "{'pattern':'a {x}\\nb','text':'x'}",
        "{'pattern':'{x:date} b','text':'x'}", "{'pattern':'{x} b','rename':['outcome'],'text':'x'}",
    };
    static const char *const refused[] = {"{'source':'01'}", "{'source':'zz'}", "{'limit':0}", "{'limit':101}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(ask(bad[i]));
        CHECK(text(bed.answer, "pattern_error").n > 0);
        CHECK(!json_get(bed.answer, "fits"));
        CHECK_INT(json_get(bed.answer, "lines")->count, 1); /* they are shown all the same */
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%s", refused[i]);
        CHECK(!ask(refused[i]));
        CHECK_TEXT(text(bed.answer, "error"), "question_invalid");
    }
}

static void proposals(void)
{
    CHECK(ask("{'propose':true,'text':'Nov 20 10:00:00 web1 zzyzx[3]: door 7 opened by bob\\n"
              "Nov 20 10:00:00 web1 zzyzx[3]: door 8 opened by eve'}"));
    CHECK_TEXT(text(bed.answer, "pattern"), "door {door:num} opened by {by:word}");
    CHECK_TEXT(text(bed.answer, "program"), "zzyzx");
    CHECK_INT(json_int(json_get(bed.answer, "picked"), -1), 2);
    CHECK_INT(json_int(json_get(bed.answer, "fits"), -1), 2);
    CHECK_TEXT(parts(json_get(line(1), "draft")), "door <door=8> opened by <by=eve>");

    CHECK(ask("{'propose':true,'text':'device 7 went down'}")); /* without a header */
    CHECK_TEXT(text(bed.answer, "program"), "-");
    CHECK_INT(json_int(json_get(bed.answer, "fits"), -1), 1);
    CHECK(ask("{'propose':true,'text':''}"));
    CHECK(text(bed.answer, "proposal_error").n > 0);
    CHECK(ask("{'propose':true,'text':'<13>Nov 20 10:00:00 web1 zzyzx: 12 34'}"));
    CHECK(text(bed.answer, "proposal_error").n > 0);
}

/* Whatever is pasted is answered; what is long is cut. */
static void any_bytes(void)
{
    static const char *const lines[] = {"\\u0000\\u0001",
                                        "{\\\"a\\\":1}",
                                        "<134>1 - - - - - -",
                                        "CEF:0|a|b|c|d|e|1|x=y",
                                        "type=SYSCALL msg=audit(1.000:1): a=b",
                                        "\\ud83d\\ude00 \\\\ </script>"};
    static char question[12000];
    static char longer[9000];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        snprintf(question, sizeof question, "{'pattern':'a {x} b','propose':true,'text':'%s'}", lines[i]);
        test_row("%s", lines[i]);
        CHECK(ask(question));
    }
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    snprintf(question, sizeof question, "{'pattern':'xx {x}','text':'%s'}", longer);
    CHECK(ask(question));
    CHECK_INT(text(line(0), "raw").n, PARSE_SHOWN_MAX);
    CHECK(json_bool(json_get(line(0), "cut"), false));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what took a line", taken}, {"the nearest", nearest}, {"drafts", drafts},
        {"bad drafts", bad_drafts},  {"proposals", proposals}, {"any bytes", any_bytes},
    };
    char path[1024];
    struct err err = {0};
    const char *root = test_source_dir();
    snprintf(path, sizeof path, "%s/data", root ? root : ".");
    bed.arena = arena_new((size_t)64 << 20);
    bed.kept = arena_new((size_t)16 << 20);
    bed.names = names_new(7);
    buf_init(&bed.out, (size_t)8 << 20);
    if (!CHECK_INT(mapping_load(path, bed.names, &bed.mapping, &err), RC_OK))
        return 1;
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    mapping_free(bed.mapping);
    names_free(bed.names);
    arena_free(bed.arena);
    arena_free(bed.kept);
    buf_done(&bed.out);
    return status;
}
