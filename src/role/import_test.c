#include "role/import.h"

#include "base/test.h"
#include "role/match.h"

static void frames_survive_every_cut(void)
{
    struct buf out;
    buf_init(&out, 1000);
    import_put(&out, IMPORT_HELLO, STR("12345678name"));
    import_put_u64(&out, IMPORT_BEGIN, 7);
    import_put(&out, IMPORT_RECORD, STR("line"));
    import_put(&out, IMPORT_END, STR_NONE);
    for (size_t cut = 0; cut <= out.n; cut++) {
        struct str input = str_slice(buf_view(&out), 0, cut);
        enum import_type type;
        struct str body;
        unsigned frames = 0;
        enum rc rc;
        while ((rc = import_next(&input, &type, &body)) == RC_OK)
            frames++;
        test_row("cut at %zu", cut);
        CHECK_INT(rc, RC_AGAIN);
        CHECK_INT(frames == 4, cut == out.n);
    }
    buf_done(&out);
}

static void broken_frames_are_refused(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"\0\0\0\0\0", 5},  {"\10\0\0\0\0", 5},           {"\4\377\377\377\377", 5},
        {"\2\0\0\0\1x", 6}, {"\3\0\0\0\11xxxxxxxxx", 14},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str input = str_at(rows[i].bytes, rows[i].n);
        enum import_type type;
        struct str body;
        test_row("%zu", i);
        CHECK_INT(import_next(&input, &type, &body), RC_INVALID);
    }
}

static void matches_refuse_truncation(void)
{
    struct match match = {.record = 5, .rule_hash = 7, .host = STR("h"), .value_count = 1};
    match.values[0] = (struct rule_value){STR("user"), STR("root")};
    struct buf out;
    buf_init(&out, 65536);
    match_write(&match, &out);
    for (size_t cut = 0; cut < out.n; cut++) {
        struct match got;
        test_row("cut at %zu", cut);
        CHECK(!match_read(str_slice(buf_view(&out), 0, cut), &got));
    }
    struct match got;
    CHECK(match_read(buf_view(&out), &got));
    CHECK_TEXT(got.values[0].value, "root");
    buf_done(&out);
}

static void source_ids_differ(void)
{
    uint8_t a[16];
    uint8_t b[16];
    source_id_make(STR("udp"), STR("x"), a);
    source_id_make(STR("ud"), STR("px"), b);
    CHECK(!str_eq(str_at(a, 16), str_at(b, 16)));
}

static const struct test tests[] = {
    {"frames survive every cut", frames_survive_every_cut},
    {"broken frames are refused", broken_frames_are_refused},
    {"matches refuse truncation", matches_refuse_truncation},
    {"source ids differ", source_ids_differ},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
