#include "wire/splunk.h"

#include "base/test.h"
#include "wire/record_list.h"

static const struct {
    const char *body;
    enum splunk_code code;
    uint32_t number;
    const char *want;
} rows[] = {
    {"{\"event\":\"a\"}", SPLUNK_SUCCESS, 1, "[{\"event\":\"a\"}]"},
    {" {\"event\":\"a\"}{\"time\":1.5,\"event\":{\"b\":[1]}}\n", SPLUNK_SUCCESS, 2,
     "[{\"event\":\"a\"}][{\"time\":1.5,\"event\":{\"b\":[1]}}]"},
    {"{\"event\":\"}\\\"{\"}\r\n{\"event\":0}", SPLUNK_SUCCESS, 2, "[{\"event\":\"}\\\"{\"}][{\"event\":0}]"},
    {"", SPLUNK_NO_DATA, 0, ""},
    {" \n", SPLUNK_NO_DATA, 0, ""},
    {"{}", SPLUNK_EVENT_MISSING, 0, ""},
    {"{\"event\":1}{\"host\":\"h\"}", SPLUNK_EVENT_MISSING, 1, NULL},
    {"{\"event\":null}", SPLUNK_EVENT_MISSING, 0, ""},
    {"{\"event\":\"\"}", SPLUNK_EVENT_BLANK, 0, ""},
    {"{\"event\":1}{\"event\":\"\"}", SPLUNK_EVENT_BLANK, 1, NULL},
    {"{\"event\":1", SPLUNK_FORMAT_INVALID, 0, ""},
    {"{\"event\":1]", SPLUNK_FORMAT_INVALID, 0, ""},
    {"{\"event\" 1}", SPLUNK_FORMAT_INVALID, 0, ""},
    {"[{\"event\":1}]", SPLUNK_FORMAT_INVALID, 0, ""},
    {"{\"event\":1},{\"event\":2}", SPLUNK_FORMAT_INVALID, 1, NULL},
    {"event", SPLUNK_FORMAT_INVALID, 0, ""},
    {"{\"event\":\"\\", SPLUNK_FORMAT_INVALID, 0, ""},
};

static void show(struct buf *buf, const struct buf *list)
{
    struct str rest = buf_view(list);
    struct str record;
    buf_clear(buf);
    while (record_list_next(&rest, &record)) {
        buf_char(buf, '[');
        buf_str(buf, record);
        buf_char(buf, ']');
    }
}

static void events(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf list;
    struct buf got;
    buf_init(&list, 4096);
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t number = 0;
        test_row("%zu", i);
        buf_clear(&list);
        CHECK_INT(splunk_events_read(arena, str_of(rows[i].body), &list, &number), rows[i].code);
        CHECK_INT(number, rows[i].number);
        show(&got, &list);
        if (rows[i].want)
            CHECK_TEXT(buf_view(&got), rows[i].want);
    }
    buf_done(&got);
    buf_done(&list);
    arena_free(arena);
}

static void raw(void)
{
    struct buf list;
    struct buf got;
    buf_init(&list, 4096);
    buf_init(&got, 4096);
    CHECK_INT(splunk_raw_read(STR("one\n\ntwo\r\nthree"), &list), SPLUNK_SUCCESS);
    show(&got, &list);
    CHECK_TEXT(buf_view(&got), "[one][two][three]");
    buf_clear(&list);
    CHECK_INT(splunk_raw_read(STR("\r\n\n"), &list), SPLUNK_NO_DATA);
    CHECK_INT(splunk_raw_read(STR(""), &list), SPLUNK_NO_DATA);
    buf_done(&got);
    buf_done(&list);
}

static void acknowledgements(void)
{
    static const struct {
        const char *body;
        const char *want; /* NULL: refused */
    } asked[] = {
        {"{\"acks\":[0,17]}", "{\"acks\":{\"0\":true,\"17\":true}}"},
        {"{\"acks\":[]}", "{\"acks\":{}}"},
        {"{\"acks\":[-1]}", NULL},
        {"{\"acks\":[\"1\"]}", NULL},
        {"{\"acks\":[1.5]}", NULL},
        {"{\"acks\":1}", NULL},
        {"{}", NULL},
        {"[1]", NULL},
        {"", NULL},
    };
    struct arena *arena = arena_new(1 << 20);
    struct buf answer;
    buf_init(&answer, 4096);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        test_row("%zu", i);
        buf_clear(&answer);
        enum rc rc = splunk_acks_answer(arena, str_of(asked[i].body), &answer);
        CHECK_INT(rc, asked[i].want ? RC_OK : RC_INVALID);
        if (asked[i].want)
            CHECK_TEXT(buf_view(&answer), asked[i].want);
    }
    buf_done(&answer);
    arena_free(arena);
}

static const struct test tests[] = {
    {"events", events},
    {"raw", raw},
    {"acknowledgements", acknowledgements},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
