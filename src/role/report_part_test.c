#include "role/report_part.h"

#include "base/test.h"

#include <string.h>

static const struct desk_upload_end sample = {.fault = STR_INIT("damaged"),
                                              .detail = STR_INIT("line 7: not a well-formed XML document"),
                                              .line = 7,
                                              .format = STR_INIT("nmap"),
                                              .scanner = STR_INIT("nmap"),
                                              .hosts = 3,
                                              .passed = 1,
                                              .broken = INT64_MAX,
                                              .cut = 0};

static void end_and_back(void)
{
    char storage[8192];
    struct buf body;
    struct desk_upload_end end = {0};
    buf_init_fixed(&body, storage, sizeof storage);
    report_end_write(&sample, &body);
    if (!CHECK(!body.overflow && report_end_read(buf_view(&body), &end)))
        return;
    CHECK(str_eq(end.fault, sample.fault) && str_eq(end.detail, sample.detail) && str_eq(end.format, sample.format));
    CHECK(str_eq(end.scanner, sample.scanner) && end.line == 7 && end.hosts == 3 && end.passed == 1);
    CHECK(end.broken == INT64_MAX && end.cut == 0);
    for (size_t n = 0; n < body.n; n++) {
        test_row("%zu bytes", n);
        CHECK(!report_end_read(str_at(storage, n), &end));
    }
    buf_char(&body, 'x');
    CHECK(!report_end_read(buf_view(&body), &end));
    body.n--;
    storage[body.n - 8] = (char)0x80; /* more than a number holds */
    CHECK(!report_end_read(buf_view(&body), &end));
}

static void told_and_back(void)
{
    char storage[32];
    struct buf body;
    struct report_told told = {0};
    buf_init_fixed(&body, storage, sizeof storage);
    report_told_write(&(struct report_told){1000000, 7}, &body);
    CHECK(report_told_read(buf_view(&body), &told) && told.bytes == 1000000 && told.findings == 7);
    for (size_t n = 0; n < body.n; n++)
        CHECK(!report_told_read(str_at(storage, n), &told));
    buf_char(&body, 'x');
    CHECK(!report_told_read(buf_view(&body), &told));
}

static void parts(void)
{
    static const struct {
        uint32_t count;
        bool good;
    } rows[] = {{0, false}, {1, true}, {DESK_UPLOAD_PART_COUNT, true}, {DESK_UPLOAD_PART_COUNT + 1, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf body;
        struct str list;
        uint32_t count;
        buf_init(&body, 2 * DESK_UPLOAD_PART);
        buf_be32(&body, rows[i].count);
        buf_text(&body, "[{}]");
        test_row("%u findings", rows[i].count);
        CHECK_INT(report_part_read(buf_view(&body), &count, &list), rows[i].good);
        CHECK_TEXT(list, "[{}]");
        while (body.n <= DESK_UPLOAD_PART + REPORT_PART_HEADER)
            buf_char(&body, ' ');
        CHECK(!report_part_read(buf_view(&body), &count, &list));
        CHECK(!report_part_read(str_slice(buf_view(&body), 0, 3), &count, &list));
        buf_done(&body);
    }
}

static void the_end_of_a_list(void)
{
    const struct own_list_end said = {.fault = STR("full"),
                                      .detail = STR("no room"),
                                      .kinds = {1, 2, 3, 4},
                                      .repeated = 5,
                                      .revoked = 6,
                                      .passed = 7,
                                      .refused = 8,
                                      .fresh = 9,
                                      .changed = 10,
                                      .same = INT64_MAX,
                                      .gone = -1,
                                      .preview = STR("{}")};
    struct own_list_end read = {0};
    struct buf body;
    buf_init(&body, 2 * OWN_LIST_PREVIEW);
    list_end_write(&said, &body);
    if (!CHECK(!body.overflow && list_end_read(buf_view(&body), &read)))
        return;
    CHECK(str_eq(read.fault, said.fault) && str_eq(read.detail, said.detail) && str_eq(read.preview, said.preview));
    for (size_t i = 0; i < OWN_LIST_KINDS; i++)
        CHECK_INT(read.kinds[i], said.kinds[i]);
    CHECK(read.repeated == 5 && read.revoked == 6 && read.passed == 7 && read.refused == 8 && read.fresh == 9);
    CHECK(read.changed == 10 && read.same == INT64_MAX && read.gone == 0);
    for (size_t n = 0; n < body.n - 1; n++) { /* what is shown has no length of its own */
        test_row("%zu bytes", n);
        CHECK(!list_end_read(str_at(body.p, n), &read));
    }
    while (body.n <= OWN_LIST_PREVIEW + 200)
        buf_char(&body, ' ');
    CHECK(!list_end_read(buf_view(&body), &read));
    body.p[15] = (char)0x80; /* more than a number holds */
    CHECK(!list_end_read(str_at(body.p, 120), &read));
    buf_done(&body);
}

static const struct test tests[] = {
    {"the end and back", end_and_back},
    {"how far it is and back", told_and_back},
    {"parts", parts},
    {"the end of a list", the_end_of_a_list},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
