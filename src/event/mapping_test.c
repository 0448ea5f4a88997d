#include "event/mapping.h"

#include "base/buf.h"
#include "base/test.h"
#include "event/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char data_path[4096];

static void sample_put(struct buf *text, const struct capture *capture, uint32_t number)
{
    if (capture->kind == CAPTURE_NUMBER)
        buf_format(text, "4%u", number);
    else if (capture->kind == CAPTURE_WORD || capture->kind == CAPTURE_IP)
        buf_format(text, "10.9.8.%u", number);
    else if (capture->kind == CAPTURE_HEX)
        buf_format(text, "c0ffee%u", number);
    else if (capture->kind == CAPTURE_PAIRS)
        buf_text(text, "A=1 B=2");
    else
        buf_format(text, "v%u", number);
    buf_str(text, capture->literal);
}

/* A line made from the pattern must be taken by that pattern and no earlier one; the line with a byte before or behind
 * it must not. */
static void pattern_check(const struct program *program, const struct pattern *pattern)
{
    const struct template *template = &pattern->template;
    struct str value[TEMPLATE_CAPTURES];
    char storage[1024];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage - 8);
    buf_str(&text, template->anchor);
    for (uint32_t i = 0; i < template->count; i++)
        sample_put(&text, &template->capture[i], i);
    test_row("%.*s", STR_ARG(buf_view(&text)));
    CHECK(program_pick_plain(program, buf_view(&text), value) == pattern);
    bool any_tail = template->count && template->capture[template->count - 1].literal.n == 0 &&
                    (!capture_is_bounded(template->capture[template->count - 1].kind) ||
                     template->capture[template->count - 1].kind == CAPTURE_WORD);
    if (!any_tail) {
        buf_char(&text, '\x01');
        CHECK(!template_match(template, buf_view(&text), value));
        CHECK(!template_match(template, str_slice(buf_view(&text), 0, text.n - 2), value) || text.n == 2 ||
              template->capture[template->count - 1].literal.n == 0);
    }
    if (template->anchor.n) {
        memmove(storage + 1, storage, text.n);
        storage[0] = '\x01';
        CHECK(!template_match(template, str_at(storage, text.n + 1), value));
    }
}

static void every_pattern_is_reached(void)
{
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct err err = {.text = ""};
    CHECK_INT(mapping_load(data_path, names, &mapping, &err), RC_OK);
    CHECK_TEXT(str_of(err.text), "");
    if (!mapping)
        return;
    CHECK(mapping->program_count > 50);
    for (uint32_t p = 0; p < mapping->program_count; p++)
        for (uint32_t i = 0; i < mapping->program[p].count; i++)
            pattern_check(&mapping->program[p], mapping->program[p].pattern[i]);
    mapping_free(mapping);
    names_free(names);
}

static void names_paths_of_every_windows_shape(void)
{
    static const struct {
        const char *path;
        const char *name; /* NULL: dropped */
    } rows[] = {
        {"Event.EventData.Image", "Image"},
        {"EventData.Image", "Image"},
        {"winlog.event_data.Image", "Image"},
        {"Image", "Image"},
        {"Event.System.Channel", "Channel"},
        {"winlog.channel", "Channel"},
        {"Event.System.Provider.#attributes.Name", "Provider_Name"},
        {"Event.EventData", NULL},
        {"winlog", NULL},
        {"Event.EventData.Threat Name", "ThreatName"},
        {"Threat Name", "Threat Name"},
        {"id.orig_h", "id.orig_h"},
        {"a.winlog.b", "a.winlog.b"},
        {"Events.System", "Events.System"},
    };
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    if (!CHECK(mapping_load(data_path, names, &mapping, NULL) == RC_OK))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t name = mapping_path(mapping, names, str_of(rows[i].path));
        test_row("%s", rows[i].path);
        if (rows[i].name)
            CHECK_TEXT(names_text(names, name), rows[i].name);
        else
            CHECK_INT(name, 0);
    }
    mapping_free(mapping);
    names_free(names);
}

/* --- refusals, with tables written into a scratch folder --- */

static void file_write(const char *folder, const char *name, const char *text)
{
    char path[4200];
    CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "we");
    if (!CHECK(file != NULL))
        return;
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

#define KINDS      "key\tparagraph\nsign_in\t1.4\n"
#define PATHS      "path\tname\n"
#define FAMILIES   "family\tclass\ttitle\nsshd\tos\tSSH\n"
#define PROGRAMS   "id\tprogram\tpattern\tkind\toutcome\tset\n"
#define EVENTS     "when\tkind\toutcome\tset\n"
#define LOGSOURCES "product\tcategory\tservice\twhen\tset\n"

#define PATTERN(id, rest) PROGRAMS id "\tsshd\t" rest "\n"

/* Good tables, but for the one named. */
static const char *const tables[][2] = {
    {"event_kinds.tsv", KINDS},     {"mappings/paths.tsv", PATHS},   {"parsers.tsv", FAMILIES},
    {"parsers/sshd.tsv", PROGRAMS}, {"mappings/events.tsv", EVENTS}, {"logsources.tsv", LOGSOURCES},
};

static void tables_write(const char *folder, const char *bad, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        file_write(folder, tables[i][0], strcmp(tables[i][0], bad) == 0 ? text : tables[i][1]);
}

static void scratch_make(char folder[], const char *below)
{
    char path[128];
    CHECK(snprintf(path, sizeof path, "%s/%s", folder, below) > 0);
    CHECK(mkdir(path, 0700) == 0);
}

static void scratch_remove(const char *folder)
{
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        CHECK(snprintf(path, sizeof path, "%s/%s", folder, tables[i][0]) > 0);
        CHECK(unlink(path) == 0);
    }
    CHECK(snprintf(path, sizeof path, "%s/mappings", folder) > 0);
    CHECK(rmdir(path) == 0);
    CHECK(snprintf(path, sizeof path, "%s/parsers", folder) > 0);
    CHECK(rmdir(path) == 0);
    CHECK(rmdir(folder) == 0);
}

static const struct {
    const char *file;
    const char *text;
    const char *reason; /* stands behind the file's name */
} bad_tables[] = {
    {"parsers/sshd.tsv", PATTERN("x", "a {b\t\t\t"),
     "line 2: column \"pattern\": byte 3: capture is not closed by \"}\""},
    {"parsers/sshd.tsv", PATTERN("x", "a {b} c {d:date}\t\t\t"),
     "line 2: column \"pattern\": byte 9: capture \"{d:date}\" has an unknown kind: word, num, hex or ip"},
    {"parsers/sshd.tsv", PATTERN("x", "a {kind:word}\t\t\t"),
     "line 2: column \"pattern\": capture \"kind\" would be the event's own: it needs another name"},
    {"parsers/sshd.tsv", PATTERN("x", "\t\t\t"), "line 2: column \"pattern\": empty pattern"},
    {"parsers/sshd.tsv", PATTERN("x", "a\tnone\t\t"),
     "line 2: column \"kind\": kind \"none\" is not in event_kinds.tsv"},
    {"parsers/sshd.tsv", PATTERN("x", "a\t\tmaybe\t"),
     "line 2: column \"kind\": outcome \"maybe\" is none of success, failure, unknown"},
    {"parsers/sshd.tsv", PATTERN("x", "a\t\t\t@who<-x"), "line 2: column \"set\": unknown statutory field \"@who\""},
    {"parsers/sshd.tsv", PATTERN("x y", "a\t\t\t"),
     "line 2: column \"id\": \"x y\" is no name: at most 64 letters, digits, _ and -"},
    {"parsers/sshd.tsv", PATTERN("", "a\t\t\t"),
     "line 2: column \"id\": \"\" is no name: at most 64 letters, digits, _ and -"},
    {"parsers/sshd.tsv", PATTERN("x", "a\t\t\t") "x\tsshd\tb\t\t\t\n",
     "line 3: column \"id\": pattern \"x\" is there already"},
    {"parsers/sshd.tsv", PROGRAMS "x\t\ta\t\t\t\n", "line 2: column \"program\": a program has no name"},
    {"parsers/sshd.tsv", PROGRAMS "x\tsshd|\ta\t\t\t\n", "line 2: column \"program\": a program has no name"},
    {"parsers/sshd.tsv", PROGRAMS "x\t?\ta\t\t\t\n",
     "line 2: column \"program\": \"?\" stands only beside the program whose pattern it is"},
    {"parsers/sshd.tsv", PATTERN("x", "a {b} c\t\t\t") "y\tsshd\ta {d+} c\t\t\t\n",
     "patterns sshd.x and sshd.y of one program fit the same texts"},
    {"parsers/sshd.tsv", PROGRAMS "x\tsshd|su|SSHD\ta\t\t\t\n",
     "patterns sshd.x and sshd.x of one program fit the same texts"},
    {"parsers/sshd.tsv", PATTERN("x", "a {=p}\t\t\t"),
     "line 2: column \"pattern\": byte 3: there is no part \"p\" above"},
    {"parsers/sshd.tsv", PROGRAMS "p\t=\t{=p}\t\t\t\nx\tsshd\t{=p}\t\t\t\n",
     "line 2: column \"pattern\": a part names no parts"},
    {"parsers/sshd.tsv", PROGRAMS "p\t=\ta\t\tsuccess\t\n",
     "line 2: column \"program\": a part (program \"=\") has neither kind nor outcome nor set"},
    {"parsers/sshd.tsv", PROGRAMS "p\t=\ta\t\t\t\np\t=\tb\t\t\t\nx\tsshd\t{=p}{=p}{=p}{=p}{=p}{=p}{=p}\t\t\t\n",
     "line 4: column \"pattern\": a pattern stands for more than 64 texts"},
    {"parsers.tsv", FAMILIES "sshd\tos\tagain\n", "line 3: column \"family\": family \"sshd\" is there already"},
    {"parsers.tsv", FAMILIES "../x\tos\tx\n",
     "line 3: column \"family\": \"../x\" is no name: at most 64 letters, digits, _ and -"},
    {"parsers.tsv", FAMILIES "x\tfire\tx\n",
     "line 3: column \"class\": class \"fire\" is none of os, windows, database, network, application, protection"},
    {"parsers.tsv", FAMILIES "x\tos\tx\n", "No such file or directory"},
    {"mappings/events.tsv", EVENTS "channel\tsign_in\t\t\n",
     "line 2: \"channel\" is no selector: channel, program, format, audit, cef, leef or file, and ="},
    {"mappings/events.tsv", EVENTS "source=x\tsign_in\t\t\n",
     "line 2: \"source\" is no selector: channel, program, format, audit, cef, leef or file, and ="},
    {"mappings/events.tsv", EVENTS "format=x; y\tsign_in\t\t\n", "line 2: condition \"y\" is not name=value"},
    {"logsources.tsv", LOGSOURCES "\t\t\tformat=x\ty\n", "line 2: \"y\" is neither name<-field nor name=constant"},
    {"logsources.tsv", LOGSOURCES "\t\t\tformat=x\ty<-z as turn\n", "line 2: unknown transformation \"turn\""},
    {"logsources.tsv", LOGSOURCES "\t\t\tformat=x\t<-z\n", "line 2: field name \"\" is empty or too long"},
    {"logsources.tsv", LOGSOURCES "\t\t\tformat=x\ta<-b|c|d|e|f|g|h|i|j|k|l|m|n\n",
     "line 2: more than 12 fields in one set"},
    {"mappings/events.tsv", "when\tkind\n", "\"outcome\""},
};

static void refuses_bad_tables(void)
{
    char folder[] = "/tmp/qorgan-mapping-XXXXXX";
    if (!CHECK(mkdtemp(folder) != NULL))
        return;
    scratch_make(folder, "mappings");
    scratch_make(folder, "parsers");
    for (size_t i = 0; i < ARRAY_LEN(bad_tables); i++) {
        struct names *names = names_new(1);
        struct mapping *mapping = NULL;
        struct err err = {.text = ""};
        tables_write(folder, bad_tables[i].file, bad_tables[i].text);
        test_row("%s", bad_tables[i].reason);
        CHECK(mapping_load(folder, names, &mapping, &err) != RC_OK);
        CHECK(mapping == NULL);
        struct str text = str_of(err.text);
        if (i + 1 == ARRAY_LEN(bad_tables)) /* the column's error is the codec's words */
            CHECK(str_search(text, str_of(bad_tables[i].reason)) < text.n);
        else
            CHECK_STR(str_skip(text, text.n - MIN(text.n, strlen(bad_tables[i].reason))), str_of(bad_tables[i].reason));
        if (str_starts(str_of(bad_tables[i].reason), STR("line")))
            CHECK(str_search(text, str_of(bad_tables[i].file)) < text.n);
        names_free(names);
    }
    scratch_remove(folder);
}

#define SITE "family\tclass\ttitle\n"

/* A folder beside the one that comes with the program. */
static void patterns_of_a_site(void)
{
    static const struct {
        const char *families, *table, *reason; /* "": it loads */
    } cases[] = {
        {SITE "site\tapplication\tOurs\n", PROGRAMS "door\tzzyzx\tdoor {n:num}\t\t\t\n", ""},
        {SITE "site\tapplication\tOurs\n", PROGRAMS "door\tzzyzx\tdoor {n:nun}\t\t\t\n", "parsers/site.tsv: line 2"},
        {SITE "sshd\tos\tOurs\n", PROGRAMS, "family \"sshd\" is there already"},
        {SITE "more\tos\tOurs\n", PROGRAMS, "parsers/more.tsv"},
        {SITE "site\tos\tOurs\n", PROGRAMS "x\tsshd\tInvalid user {a+} from {b:word}\t\t\t\n", "sshd"},
        {"", PROGRAMS, "parsers.tsv"},
    };
    char folder[] = "/tmp/qorgan-site-XXXXXX";
    if (!CHECK(mkdtemp(folder) != NULL))
        return;
    scratch_make(folder, "parsers");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct names *names = names_new(1);
        struct mapping *mapping = NULL;
        struct err err = {.text = ""};
        test_row("%s", cases[i].reason);
        file_write(folder, "parsers.tsv", cases[i].families);
        file_write(folder, "parsers/site.tsv", cases[i].table);
        enum rc rc = mapping_load_more(data_path, folder, names, &mapping, &err);
        struct str text = str_of(err.text);
        CHECK_INT(rc == RC_OK, cases[i].reason[0] == 0);
        CHECK_INT(rc == RC_OK, mapping != NULL);
        CHECK(rc == RC_OK || str_search(text, str_of(cases[i].reason)) < text.n);
        if (mapping) {
            CHECK_STR(mapping->family[mapping->family_count - 1].name, STR("site"));
            CHECK(mapping_program(mapping, STR("zzyzx")) && mapping_program(mapping, STR("sshd")));
        }
        mapping_free(mapping);
        names_free(names);
    }
    char path[128];
    static const char *const files[] = {"parsers/site.tsv", "parsers.tsv"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        CHECK(snprintf(path, sizeof path, "%s/%s", folder, files[i]) > 0 && unlink(path) == 0);
    CHECK(snprintf(path, sizeof path, "%s/parsers", folder) > 0 && rmdir(path) == 0 && rmdir(folder) == 0);
}

/* A row that a person wrote: what is said of it is said of its column, and what is taken here loads there. */
static void rows_of_people(void)
{
    static const struct {
        struct pattern_text text;
        const char *column; /* NULL: it is taken */
    } rows[] = {
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n:num}"), STR_INIT("")}, NULL},
        {{STR_INIT("a"), STR_INIT("p|q"), STR_INIT("x {n:num}"), STR_INIT("User<-n; action=block; @src<-a|b")}, NULL},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("t<-n as time; m<-n as map(6:tcp)")}, NULL},
        {{STR_INIT(""), STR_INIT("p"), STR_INIT("x"), STR_INIT("")}, "id"},
        {{STR_INIT("a b"), STR_INIT("p"), STR_INIT("x"), STR_INIT("")}, "id"},
        {{STR_INIT("a"), STR_INIT(""), STR_INIT("x"), STR_INIT("")}, "program"},
        {{STR_INIT("a"), STR_INIT("p|"), STR_INIT("x"), STR_INIT("")}, "program"},
        {{STR_INIT("a"), STR_INIT("?"), STR_INIT("x"), STR_INIT("")}, "program"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT(""), STR_INIT("")}, "pattern"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n:"), STR_INIT("")}, "pattern"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n:nosuch}"), STR_INIT("")}, "pattern"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {=part}"), STR_INIT("")}, "pattern"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("User")}, "set"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("@nosuch<-n")}, "set"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("User<-n as nosuch")}, "set"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("<-n")}, "set"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("User<-")}, "set"},
        {{STR_INIT("a"), STR_INIT("p"), STR_INIT("x {n}"), STR_INIT("U<-a|b|c|d|e|f|g|h|i|j|k|l|m")}, "set"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *column = NULL;
        struct err err = {0};
        enum rc rc = pattern_text_check(&rows[i].text, &column, &err);
        test_row("%zu: %s", i, err.text);
        CHECK_INT(rc == RC_OK, rows[i].column == NULL);
        if (rows[i].column)
            CHECK_TEXT(str_of(column), rows[i].column);
    }
    enum rc rc = RC_LIMIT;
    const char *column;
    for (uint64_t fail = 1; fail < 200 && rc != RC_OK; fail++) {
        memory_fail_at(fail);
        rc = pattern_text_check(&rows[1].text, &column, NULL);
        memory_fail_at(0);
    }
    CHECK_INT(rc, RC_OK);
}

/* Tables that people put into use: all of one or nothing, with the column and the pattern that is wrong. */
static void patterns_in_use(void)
{
    static const struct {
        const char *own, *column, *reason; /* reason "": it loads */
        uint32_t patterns;
    } cases[] = {
        {"", NULL, "", 0},
        {PROGRAMS, NULL, "", 0},
        {PROGRAMS "door\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t@src<-n\n", NULL, "", 1},
        {PROGRAMS "a\tzzyzx\tx {n:num}\t\t\t\nb\tzzyzx\ty {n}\t\t\t\n", NULL, "", 2},
        {PROGRAMS "a\tzzyzx\tx {n:num}\t\t\t\na\tzzyzx\ty {n}\t\t\t\n", "id", "pattern \"a\" is there already", 0},
        {PROGRAMS "a b\tzzyzx\tx\t\t\t\n", "id", "is no name", 0},
        {PROGRAMS "a\t\tx\t\t\t\n", "program", "a program has no name", 0},
        {PROGRAMS "a\tzzyzx\tx {n:nun}\t\t\t\n", "pattern", "line 2: column \"pattern\": pattern \"a\"", 0},
        {PROGRAMS "a\tzzyzx\tx {n}\tno_such\t\t\n", "kind", "event_kinds.tsv", 0},
        {PROGRAMS "a\tzzyzx\tx {n}\t\tmaybe\t\n", "kind", "outcome \"maybe\"", 0},
        {PROGRAMS "a\tzzyzx\tx {n}\t\t\tn\n", "set", "neither", 0},
        {PROGRAMS "a\tzzyzx\tx {n}\t\t\t@none<-n\n", "set", "unknown statutory", 0},
        {PROGRAMS "a\tzzyzx\tx {n}\nb\tzzyzx\ty\t\t\t\n", NULL, "patterns written here", 0},
        {PROGRAMS "a\tzzyzx\tx {n}\t\t\t\nb\tzzyzx\tx {m}\t\t\t\n", NULL, "desk.a and desk.b", 0},
        {PROGRAMS "x\tsshd\tInvalid user {a+} from {b:word}\t\t\t\n", NULL, "fit the same texts", 0},
        {"nonsense", NULL, "patterns written here", 0},
    };
    struct table_texts *texts = table_texts_new();
    if (!CHECK(texts != NULL))
        return;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct mapping_tables from = {data_path, NULL, texts, str_of(cases[i].own)};
        struct names *names = names_new(1);
        struct mapping *mapping = NULL;
        struct err err = {.text = ""};
        const char *column = "unset";
        test_row("%zu: %s", i, cases[i].reason);
        enum rc rc = mapping_load_own(&from, names, &mapping, &column, &err);
        CHECK_INT(rc == RC_OK, cases[i].reason[0] == 0);
        CHECK_INT(mapping != NULL, rc == RC_OK);
        CHECK(str_search(str_of(err.text), str_of(cases[i].reason)) < str_of(err.text).n || rc == RC_OK);
        CHECK_TEXT(str_of(column ? column : ""), cases[i].column ? cases[i].column : "");
        if (mapping) {
            const struct family *last = &mapping->family[mapping->family_count - 1];
            CHECK_TEXT(last->name, MAPPING_OWN);
            CHECK_INT(last->pattern_count, cases[i].patterns);
            CHECK_INT(mapping_program(mapping, STR("zzyzx")) != NULL, cases[i].patterns > 0);
        }
        mapping_free(mapping);
        names_free(names);
    }
    table_texts_free(texts);
}

/* A process that may open no file any more makes the same mapping of what it read. */
static void tables_are_read_once(void)
{
    char folder[] = "/tmp/qorgan-once-XXXXXX";
    char path[128];
    struct table_texts *texts = table_texts_new();
    struct names *names = names_new(1);
    if (!CHECK(mkdtemp(folder) != NULL) || !CHECK(texts && names))
        return;
    scratch_make(folder, "parsers");
    file_write(folder, "parsers.tsv", SITE "site\tos\tOurs\n");
    file_write(folder, "parsers/site.tsv", PROGRAMS "door\tzzyzx\tdoor {n:num}\t\t\t\n");
    for (int round = 0; round < 3; round++) {
        const struct mapping_tables from = {data_path, folder, round == 2 ? NULL : texts, STR("")};
        struct mapping *mapping = NULL;
        test_row("round %d", round);
        CHECK_INT(mapping_load_own(&from, names, &mapping, NULL, NULL), round == 2 ? RC_IO : RC_OK);
        CHECK(round == 2 || (mapping && mapping_program(mapping, STR("zzyzx"))));
        mapping_free(mapping);
        if (round != 0)
            continue;
        CHECK(snprintf(path, sizeof path, "%s/parsers/site.tsv", folder) > 0 && unlink(path) == 0);
        CHECK(snprintf(path, sizeof path, "%s/parsers.tsv", folder) > 0 && unlink(path) == 0);
    }
    CHECK(snprintf(path, sizeof path, "%s/parsers", folder) > 0 && rmdir(path) == 0 && rmdir(folder) == 0);
    table_texts_free(texts);
    names_free(names);
}

/* Senders fill the table of names: a pattern whose field finds no room would be half of one. */
static void a_field_without_room(void)
{
    const struct mapping_tables known = {data_path, NULL, NULL, STR(PROGRAMS "a\tzzyzx\tx {message}\t\t\t\n")};
    const struct mapping_tables fresh = {data_path, NULL, NULL, STR(PROGRAMS "a\tzzyzx\tx {never_seen}\t\t\t\n")};
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct err err = {.text = ""};
    char name[32];
    CHECK_INT(mapping_load(data_path, names, &mapping, NULL), RC_OK);
    mapping_free(mapping);
    for (unsigned i = 0; i < 2 * NAMES_MAX && snprintf(name, sizeof name, "filled-%u", i) > 0; i++)
        if (!names_put(names, str_of(name)))
            break;
    CHECK_INT(names_put(names, STR("one more")), 0);
    CHECK_INT(mapping_load_own(&known, names, &mapping, NULL, &err), RC_OK);
    mapping_free(mapping);
    CHECK_INT(mapping_load_own(&fresh, names, &mapping, NULL, &err), RC_LIMIT);
    CHECK(str_search(str_of(err.text), STR("no room for one more field, \"never_seen\"")) < str_of(err.text).n);
    names_free(names);
}

static void refuses_a_folder_without_tables(void)
{
    struct names *names = names_new(1);
    struct mapping *mapping = NULL;
    struct err err = {.text = ""};
    CHECK_INT(mapping_load("/nonexistent", names, &mapping, &err), RC_IO);
    CHECK_TEXT(str_of(err.text), "could not open \"/nonexistent/event_kinds.tsv\": No such file or directory");
    names_free(names);
}

static void survives_lack_of_memory(void)
{
    enum rc rc = RC_LIMIT;
    for (uint64_t fail = 1; fail < 4000 && rc != RC_OK; fail += fail < 50 ? 1 : 37) {
        struct names *names = names_new(1);
        struct mapping *mapping = NULL;
        memory_fail_at(fail);
        struct table_texts *texts = table_texts_new();
        const struct mapping_tables from = {data_path, NULL, texts, STR(PROGRAMS "a\tzzyzx\tx {n}\t\t\t\n")};
        rc = texts ? mapping_load_own(&from, names, &mapping, NULL, NULL) : RC_LIMIT;
        bool failed_late = rc == RC_OK && fail < 1000;
        memory_fail_at(0);
        CHECK((rc == RC_OK) == (mapping != NULL));
        mapping_free(mapping);
        table_texts_free(texts);
        names_free(names);
        if (failed_late)
            rc = RC_LIMIT;
    }
}

static const struct test tests[] = {
    {"every pattern is reached", every_pattern_is_reached},
    {"names paths of every Windows shape", names_paths_of_every_windows_shape},
    {"refuses bad tables", refuses_bad_tables},
    {"patterns of a site", patterns_of_a_site},
    {"rows that people wrote", rows_of_people},
    {"patterns in use", patterns_in_use},
    {"tables are read once", tables_are_read_once},
    {"a field without room", a_field_without_room},
    {"refuses a folder without tables", refuses_a_folder_without_tables},
    {"survives lack of memory", survives_lack_of_memory},
};

int main(int argc, char **argv)
{
    if (snprintf(data_path, sizeof data_path, "%s/data", test_source_dir()) < 0)
        return 1;
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
