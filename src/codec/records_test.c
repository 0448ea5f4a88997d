#include "codec/records.h"

#include "base/buf.h"
#include "base/test.h"

#include <stdio.h>

/* Each record as TEXT|, line ends within shown as ~. */
static void cuts_files(void)
{
    static const struct {
        const char *text;
        enum records_form form;
        const char *want;
    } rows[] = {
        {"", RECORDS_LINES, ""},
        {"\n \n\t\n", RECORDS_LINES, ""},
        {"a\nb", RECORDS_LINES, "a|b|"},
        {"\n\na\r\n\r\nb\r\n", RECORDS_LINES, "a|b|"},
        {"\xef\xbb\xbf"
         "a\n",
         RECORDS_LINES, "a|"},
        {" a \n", RECORDS_LINES, " a |"},
        {"{\"a\":1}\n{\"a\":2}\n", RECORDS_LINES, "{\"a\":1}|{\"a\":2}|"},
        {"{\"a\":1} {\"a\":2}", RECORDS_VALUES, "{\"a\":1}|{\"a\":2}|"},
        {"\n{\n\"a\":1\n}\n\n{\n\"b\":\"}\\\"\"\n}\n", RECORDS_VALUES, "{~\"a\":1~}|{~\"b\":\"}\\\"\"~}|"},
        {"[]", RECORDS_ARRAY, ""},
        {"[\n]\n", RECORDS_ARRAY, ""},
        {"[{},\n\n{\"a\":[1,\n2]}\n]\nrest", RECORDS_ARRAY, "{}|{\"a\":[1,~2]}|"},
        {"[\n {\"a\":1}", RECORDS_ARRAY, "{\"a\":1}|"},
        {"[12:00] program started\n", RECORDS_LINES, "[12:00] program started|"},
        {"{\"a\":\n", RECORDS_VALUES, "{\"a\":~|"},
        {"{\n}}\n{\n}", RECORDS_VALUES, "{~}|}|{~}|"},
        {"<Event a='1'>\n</Event>", RECORDS_EVENTS, "<Event a='1'>~</Event>|"},
        {"\xef\xbb\xbf<?xml version='1.0'?>\n<Events><Event>1</Event>,\n<Event>2</Event></Events>", RECORDS_EVENTS,
         "<Event>1</Event>|<Event>2</Event>|"},
        {"<Events>\n<Event>1</Event><Event>2", RECORDS_EVENTS, "<Event>1</Event>|<Event>2|"},
        {"<Events></Events>", RECORDS_EVENTS, ""},
        {"<13>Nov 20 x\n<Event>", RECORDS_LINES, "<13>Nov 20 x|<Event>|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct records records;
        struct str record;
        struct buf got CLEANUP(buf_done) = {0};
        test_row("%zu", i);
        buf_init(&got, 4096);
        records_init(&records, str_of(rows[i].text));
        CHECK_INT(records.form, rows[i].form);
        while (records_next(&records, &record)) {
            for (size_t k = 0; k < record.n; k++)
                buf_char(&got, (char)(record.p[k] == '\n' ? '~' : record.p[k]));
            buf_char(&got, '|');
        }
        CHECK_TEXT(buf_view(&got), rows[i].want);
        CHECK(!records_next(&records, &record));
    }
}

static const struct test tests[] = {
    {"files are cut into records", cuts_files},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
