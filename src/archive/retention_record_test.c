/* The record of a deletion: one form, and nothing else is one. */
#include "archive/retention_record.h"

#include "base/test.h"

#include <string.h>

static void a_record_has_one_form(void)
{
    struct retention_record record = {.first = 1,
                                      .end = 5,
                                      .days = 1096,
                                      .act = "832",
                                      .proposer = "a\"b",
                                      .approver = "c",
                                      .keep_until_ns = -3,
                                      .received_max_ns = INT64_MAX};
    struct retention_record back;
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, 60000);
    retention_record_write(&record, &body);
    CHECK_INT(retention_record_parse(buf_view(&body), &back, NULL), RC_OK);
    CHECK(memcmp(&record, &back, sizeof back) == 0);
    static const char *const others[] = {"", "{}", "[]", "{\"event\":\"retention\"}", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        CHECK_INT(retention_record_parse(str_of(others[i]), &back, NULL), RC_INVALID);
    for (size_t at = 0; at < body.n; at++) {
        test_row("without byte %zu", at);
        struct buf less CLEANUP(buf_done) = {0};
        buf_init(&less, 60000);
        buf_put(&less, body.p, at);
        buf_put(&less, body.p + at + 1, body.n - at - 1);
        if (retention_record_parse(buf_view(&less), &back, NULL) == RC_OK) /* a digit or a letter less */
            CHECK(memcmp(&record, &back, sizeof back) != 0);
    }
    buf_char(&body, ' ');
    CHECK_INT(retention_record_parse(buf_view(&body), &back, NULL), RC_INVALID);
}

/* With an object's term it has two members more, both or none; a name without a term is no object. */
static void an_object_is_named_with_its_term(void)
{
    struct retention_record record = {.first = 1,
                                      .end = 5,
                                      .days = 1096,
                                      .object_days = 3650,
                                      .object = "Portal \"A\"",
                                      .proposer = "a",
                                      .approver = "c"};
    struct retention_record back;
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, 60000);
    retention_record_write(&record, &body);
    CHECK(str_search(buf_view(&body), STR(",\"object\":\"Portal \\\"A\\\"\",\"object_days\":3650,\"paragraph\":")) <
          body.n);
    CHECK_INT(retention_record_parse(buf_view(&body), &back, NULL), RC_OK);
    CHECK(memcmp(&record, &back, sizeof back) == 0);
    static const char *const cut[] = {",\"object\":\"Portal \\\"A\\\"\"", ",\"object_days\":3650"};
    for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
        struct buf less CLEANUP(buf_done) = {0};
        size_t at = str_search(buf_view(&body), str_of(cut[i]));
        test_row("without %s", cut[i]);
        buf_init(&less, 60000);
        buf_put(&less, body.p, at);
        buf_str(&less, str_skip(buf_view(&body), at + strlen(cut[i])));
        CHECK(at < body.n);
        CHECK_INT(retention_record_parse(buf_view(&less), &back, NULL), RC_INVALID);
    }
    record.object_days = 0;
    record.object[0] = '\0';
    buf_clear(&body);
    retention_record_write(&record, &body);
    CHECK(str_search(buf_view(&body), STR("object")) == body.n);
    CHECK_INT(retention_record_parse(buf_view(&body), &back, NULL), RC_OK);
}

static const struct test tests[] = {
    {"a record has one form", a_record_has_one_form},
    {"an object is named with its term", an_object_is_named_with_its_term},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
