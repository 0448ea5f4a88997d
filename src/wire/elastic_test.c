#include "wire/elastic.h"

#include "base/test.h"
#include "wire/record_list.h"

#define CREATE "{\"create\":{}}\n"
#define INDEX  "{ \"index\" : {\"_index\":\"logs\",\"x\":[{}]} }\r\n"

static void show(struct buf *buf, const struct buf *list)
{
    struct str rest = buf_view(list);
    struct str record;
    while (record_list_next(&rest, &record)) {
        buf_char(buf, '[');
        buf_str(buf, record);
        buf_char(buf, ']');
    }
}

static const struct {
    const char *body;
    const char *want; /* records and "errors", or the refusal */
} rows[] = {
    {CREATE "{\"a\":1}\n", "[{\"a\":1}] false"},
    {CREATE "{\"a\":1}", "[{\"a\":1}] false"},
    {INDEX "{\"a\":1}\r\n\n" CREATE "{\"b\":2}\n", "[{\"a\":1}][{\"b\":2}] false"},
    {CREATE "kept as it came\n", "[kept as it came] false"},
    {"{\"delete\":{\"_id\":\"1\"}}\n" CREATE "{}\n", "[{}] true"},
    {"{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n" CREATE "{}\n", "[{}] true"},
    {"", "the body holds no action"},
    {"\n\n", "the body holds no action"},
    {"{}\n{}\n", "line 1 is no action that _bulk knows"},
    {"{\"a\":1}\n", "line 1 is no action that _bulk knows"},
    {CREATE "{}\n{\"drop\":{}}\n{}\n", "line 3 is no action that _bulk knows"},
    {"{\"create\":1}\n{}\n", "line 1 is no action that _bulk knows"},
    {"{\"create\":{}} x\n{}\n", "line 1 is no action that _bulk knows"},
    {"{\"create\":{},\"index\":{}}\n{}\n", "line 1 is no action that _bulk knows"},
    {"{\"create\":{}\n{}\n", "line 1 is no action that _bulk knows"},
    {"[\"create\"]\n{}\n", "line 1 is no action that _bulk knows"},
    {CREATE, "the document behind the action in line 1 is missing"},
    {CREATE "{}\n" INDEX "\n", "the document behind the action in line 3 is missing"},
};

static void bodies(void)
{
    struct buf list;
    struct buf answer;
    struct buf got;
    buf_init(&list, 4096);
    buf_init(&answer, 4096);
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%zu", i);
        buf_clear(&list);
        buf_clear(&answer);
        buf_clear(&got);
        if (elastic_bulk_read(str_of(rows[i].body), &list, &answer, &err) == RC_OK) {
            show(&got, &list);
            bool errors = str_search(buf_view(&answer), STR("\"errors\":true")) < answer.n;
            buf_text(&got, errors ? " true" : " false");
        } else {
            buf_text(&got, err.text);
        }
        CHECK_TEXT(buf_view(&got), rows[i].want);
    }
    buf_done(&got);
    buf_done(&answer);
    buf_done(&list);
}

static void answer_of_a_body(void)
{
    struct buf list;
    struct buf answer;
    buf_init(&list, 4096);
    buf_init(&answer, 4096);
    CHECK_INT(elastic_bulk_read(STR(CREATE "{}\n" INDEX "{}\n{\"delete\":{}}\n"), &list, &answer, NULL), RC_OK);
    CHECK_TEXT(
        buf_view(&answer),
        "{\"took\":0,\"items\":[{\"create\":{\"status\":201}},{\"index\":{\"status\":201}},{\"delete\":{"
        "\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":\"records are kept as they "
        "came: only create and index are taken\"}}}],\"errors\":true}");
    buf_done(&answer);
    buf_done(&list);
}

static void limits(void)
{
    struct buf body;
    struct buf list;
    struct buf answer;
    buf_init(&body, 8 << 20);
    buf_init(&list, 8 << 20);
    buf_init(&answer, 8 << 20);
    for (unsigned i = 0; i < ELASTIC_ITEMS_MAX; i++)
        buf_text(&body, CREATE "{}\n");
    CHECK_INT(elastic_bulk_read(buf_view(&body), &list, &answer, NULL), RC_OK);
    buf_text(&body, CREATE "{}\n");
    buf_clear(&list);
    buf_clear(&answer);
    CHECK_INT(elastic_bulk_read(buf_view(&body), &list, &answer, NULL), RC_LIMIT);
    char storage[16];
    buf_done(&list);
    buf_init_fixed(&list, storage, sizeof storage);
    buf_clear(&answer);
    CHECK_INT(elastic_bulk_read(STR(CREATE "{\"a\":\"0123456789\"}\n"), &list, &answer, NULL), RC_LIMIT);
    buf_done(&answer);
    buf_done(&body);
}

static const struct test tests[] = {
    {"bodies", bodies},
    {"answer of a body", answer_of_a_body},
    {"limits", limits},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
