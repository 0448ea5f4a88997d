/* The source class that a record is exported in, and the lines of an export: the tables of data/ hold together. */
#include "archive/export_class.h"
#include "archive/export_line.h"
#include "archive/papers.h"
#include "archive/reader_state.h"
#include "archive/testbed.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static char columns_tsv[1 << 16];
static char classes_tsv[1 << 16];
static struct export_classes classes;
static struct err err;

static struct str load(const char *name, char *room, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/data/%s", test_source_dir(), name);
    FILE *file = fopen(path, "r");
    if (!CHECK(file != NULL))
        return STR("");
    size_t n = fread(room, 1, size, file);
    fclose(file);
    return str_at(room, n);
}

static void classes_have_columns(void)
{
    struct str columns = load("exports.tsv", columns_tsv, sizeof columns_tsv);
    CHECK_INT(export_classes_read(&classes, load("export_classes.tsv", classes_tsv, sizeof classes_tsv), &err), RC_OK);
    CHECK(classes.count > 5);
    for (size_t i = 0; i < classes.count; i++) {
        struct export_layout layout = {.format = EXPORT_STATUTORY, .delimiter = ';'};
        test_row("row %zu", i + 1);
        CHECK_INT(export_layout_columns(&layout, columns, classes.row[i].class, PAPER_EN, &err), RC_OK);
        CHECK(layout.column_count >= 4);
    }
}

static void classes_are_chosen(void)
{
    static const struct {
        const char *kind;
        const char *parser;
        const char *service;
        const char *class;
    } rows[] = {
        {"udp", "syslog5424", "sshd", "os"},
        {"journal", "journal", "systemd", "os"},
        {"file", "audit", "", "os"},
        {"tcp", "windows", "Microsoft-Windows-Security-Auditing", "windows"},
        {"udp", "syslog3164", "PostgreSQL", "database"},
        {"udp", "syslog3164", "postgres", "database"},
        {"udp", "syslog3164", "filterlog", "network"},
        {"udp", "syslog3164", "%ASA-6-302013", "network"},
        {"file", "weblog", "", "application"},
        {"udp", "syslog5424", "nginx", "application"},
        {"udp", "syslog5424", "suricata", "protection"},
        {"tls", "cef", "anything", "protection"},
        {"import", NULL, "", "os"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct archive_hit hit = {.source = {.kind = str_of(rows[i].kind)}, .event = {.parser = rows[i].parser}};
        hit.event.statutory[STATUTORY_SERVICE] = str_of(rows[i].service);
        test_row("%s %s", rows[i].service, rows[i].class);
        CHECK_TEXT(export_class_of(&classes, &hit), rows[i].class);
    }
}

static void bad_tables_are_refused(void)
{
    static const char *const bad[] = {"",
                                      "class\tkind\tparser\tservice\n",
                                      "os\t*\t*\n",
                                      "os\t*\t*\t*\tmore\n",
                                      "os\t\t*\t*\n",
                                      "os\t*\t*\tsshd\n", /* the last row must fit all */
                                      "os\tudp\t*\t*\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        static struct export_classes read;
        test_row("%s", bad[i]);
        CHECK_INT(export_classes_read(&read, str_of(bad[i]), &err), RC_INVALID);
    }
}

/* What stands in a cell: whatever a spreadsheet would run is text in csv, and as it came in the annex's form. */
static void formulas_are_text(void)
{
    static const struct {
        const char *raw;
        const char *csv;
        const char *statutory;
    } rows[] = {
        {"=1+2", "\\x3d1+2", "=1+2"},
        {"+7 701", "\\x2b7 701", "+7 701"},
        {"-1", "\\x2d1", "-1"},
        {"@SUM(A1)", "\\x40SUM(A1)", "@SUM(A1)"},
        {"a=b", "a=b", "a=b"},
        {"=a,b", "\"\\x3da,b\"", "=a,b"},
        {"", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct archive_hit hit = {.raw = str_of(rows[i].raw)};
        struct export_layout layout = {.format = EXPORT_CSV, .delimiter = ','};
        struct buf out CLEANUP(buf_done) = {0};
        char expected[64];
        test_row("\"%s\"", rows[i].raw);
        buf_init(&out, 1024);
        export_line_put(&layout, &hit, &out);
        snprintf(expected, sizeof expected, ",0,,%s\r\n", rows[i].csv);
        CHECK_TEXT(buf_view(&out), expected);
        layout = (struct export_layout){
            .format = EXPORT_STATUTORY, .delimiter = ';', .column_count = 1, .column = {STR("description")}};
        buf_clear(&out);
        export_line_put(&layout, &hit, &out);
        snprintf(expected, sizeof expected, "%s\n", rows[i].statutory);
        CHECK_TEXT(buf_view(&out), expected);
    }
}

static void names_of_files(void)
{
    char room[128];
    char long_name[2 * EXPORT_NAME_MAX];
    struct buf out;
    buf_init_fixed(&out, room, sizeof room);
    export_name_put(&out, STR("../web 1/\xd2\x9a\n.a-Z9"));
    CHECK_TEXT(buf_view(&out), ".._web_1____.a-Z9");
    buf_clear(&out);
    memset(long_name, 'x', sizeof long_name);
    export_name_put(&out, str_at(long_name, sizeof long_name));
    CHECK_INT(out.n, EXPORT_NAME_MAX);
}

/* Six classes and their columns, so that a record of any is taken; what Qorgan wrote itself only when it was asked for.
 */
static void records_are_taken(void)
{
    static struct export_choice choice;
    static const struct {
        const char *asked;
        bool own;
        enum leaf_type type;
        enum rc want;
        const char *class;
    } rows[] = {
        {"auto", false, LEAF_RAW, RC_OK, "network"},    {"auto", false, LEAF_DIGEST, RC_OK, "network"},
        {"auto", false, LEAF_LIFECYCLE, RC_END, ""},    {"auto", true, LEAF_LIFECYCLE, RC_OK, "network"},
        {"windows", false, LEAF_RAW, RC_OK, "windows"}, {"windows", false, LEAF_LIFECYCLE, RC_END, ""},
        {"none", false, LEAF_RAW, RC_NOT_FOUND, ""},    {"", false, LEAF_RAW, RC_NOT_FOUND, ""},
    };
    struct str columns = load("exports.tsv", columns_tsv, sizeof columns_tsv);
    CHECK_INT(export_classes_read(&classes, load("export_classes.tsv", classes_tsv, sizeof classes_tsv), &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct archive_hit hit = {.source = {.kind = STR("udp")}, .event = {.parser = "syslog3164"}};
        size_t class = SIZE_MAX;
        hit.leaf.type = rows[i].type;
        hit.event.statutory[STATUTORY_SERVICE] = STR("filterlog");
        choice = (struct export_choice){.columns = columns, .classes = &classes, .own = rows[i].own};
        choice.asked = str_of(rows[i].asked);
        test_row("%zu", i);
        CHECK_INT(export_choice_check(&choice, &err), rows[i].want == RC_NOT_FOUND ? RC_NOT_FOUND : RC_OK);
        CHECK_INT(export_choose(&choice, &hit, &class, &err), rows[i].want);
        if (rows[i].want == RC_OK)
            CHECK(class < choice.class_count && str_is(choice.class[class].name, rows[i].class) &&
                  choice.class[class].layout.column_count >= 4);
    }
}

static void classes_have_a_limit(void)
{
    static struct export_choice choice;
    char table[1024];
    char name[EXPORT_CLASSES_MAX + 1][8];
    struct buf out;
    struct archive_hit hit = {.leaf = {.type = LEAF_RAW}};
    buf_init_fixed(&out, table, sizeof table);
    for (size_t i = 0; i <= EXPORT_CLASSES_MAX; i++) {
        snprintf(name[i], sizeof name[i], "c%zu", i);
        buf_format(&out, "%s\tdate\tk\tr\te\n", name[i]);
    }
    choice = (struct export_choice){.columns = buf_view(&out)};
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i <= EXPORT_CLASSES_MAX; i++) {
            size_t class = SIZE_MAX;
            choice.asked = str_of(name[i]);
            CHECK_INT(export_choose(&choice, &hit, &class, &err), i < EXPORT_CLASSES_MAX ? RC_OK : RC_LIMIT);
            CHECK(i == EXPORT_CLASSES_MAX || class == i);
        }
    /* All classes of our own table fit. */
    choice = (struct export_choice){.columns = load("exports.tsv", columns_tsv, sizeof columns_tsv)};
    for (struct str rest = choice.columns; rest.n > 0;) {
        struct str row = str_cut(&rest, '\n');
        choice.asked = str_cut(&row, '\t');
        if (choice.asked.n > 0 && choice.asked.p[0] != '#' && !str_is(choice.asked, "class"))
            CHECK_INT(export_choice_check(&choice, &err), RC_OK);
    }
    CHECK(choice.class_count >= 6);
}

static size_t opened;

static int open_counted(void *self, int folder, const char *name, unsigned flags)
{
    opened += str_ends(str_of(name), STR(".seg"));
    return io_kernel.open(self, folder, name, flags);
}

/* The proof of an export asks for all groups in order. Three engines wrote, so each group lies in three blocks: they
 * are decoded once, not once a group. */
static void blocks_are_decoded_once(void)
{
    struct testbed bed;
    struct io counted = io_kernel;
    struct archive_reader *reader = NULL;
    struct tlog_source tree;
    struct tlog_hash hash;
    uint64_t size = 0;
    counted.open = open_counted;
    testbed_make(&bed);
    testbed_ok(&bed, testbed_open(&bed, INT64_C(1) << 20, false));
    testbed_ok(&bed, testbed_put(&bed, 4000, true));
    testbed_ok(&bed, archive_rotate(bed.archive, &bed.err));
    CHECK_INT(testbed_seal(&bed, 3), 1);
    testbed_ok(&bed, testbed_checkpoint(&bed, true));
    struct archive_reader_options options = {.names = bed.names};
    testbed_ok(&bed, archive_reader_open(&counted, bed.folder, &options, &reader, &bed.err));
    testbed_ok(&bed, papers_tree(reader, &tree, &size, &bed.err));
    CHECK(size >= 4000);
    opened = 0;
    for (uint64_t i = 0; i < size; i++)
        testbed_ok(&bed, tree.hash_at(tree.context, 0, i, &hash, &bed.err));
    CHECK_INT(reader->catalog.count, 1);
    CHECK(reader->catalog.segments[0]->entry_count >= 3);
    CHECK_INT(opened, reader->catalog.segments[0]->entry_count);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"classes have columns", classes_have_columns},
    {"classes are chosen", classes_are_chosen},
    {"bad tables are refused", bad_tables_are_refused},
    {"formulas are text", formulas_are_text},
    {"names of files", names_of_files},
    {"records are taken", records_are_taken},
    {"classes have a limit", classes_have_a_limit},
    {"blocks are decoded once", blocks_are_decoded_once},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
