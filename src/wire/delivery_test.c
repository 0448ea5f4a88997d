#include "wire/delivery.h"

#include "base/test.h"
#include "wire/delivery_batch.h"

#include <string.h>

/* One of each frame, small. */
static void each_put(struct buf *out, bool from_agent)
{
    static const char hashes[64] = {1, 2, 3};
    const struct delivery_hello hello = {
        .version = 1, .agent = {7}, .spool = 8, .next = 9, .host = STR("h"), .program = STR("qorgan-agent 1")};
    const struct delivery_enrol enrol = {
        .version = 1, .secret = str_at(hashes, DELIVERY_SECRET_SIZE), .host = STR("h")};
    const struct delivery_data data = {.number = 5,
                                       .count = 1,
                                       .offset_us = -3,
                                       .offset_error_us = UINT32_MAX,
                                       .plain_size = 4,
                                       .plain_crc = 6,
                                       .payload = STR("abcd")};
    const struct delivery_time time = {1, -2, 3, 4, 5};
    if (from_agent) {
        delivery_put_hello(out, &hello);
        delivery_put_data(out, &data);
        delivery_put_time(out, &time);
        delivery_put_prove(out, 3, 4);
        delivery_put(out, DELIVERY_STATUS, STR("{}"));
        delivery_put(out, DELIVERY_RENEW, STR_NONE);
        delivery_put_enrol(out, &enrol);
        delivery_put(out, DELIVERY_BYE, STR_NONE);
        return;
    }
    const struct delivery_welcome welcome = {.credit = 4, .policy = 2, .origin = STR("o/1"), .key = STR("o/1+k")};
    const struct delivery_enrolled enrolled = {.agent = {1}, .certificate = STR("c"), .authority = STR("a")};
    delivery_put_welcome(out, &welcome);
    delivery_put_refused(out, DELIVERY_COPIED, STR("why"));
    delivery_put_durable(out, 7, 8);
    delivery_put_credit(out, 9);
    delivery_put_time_back(out, &time);
    delivery_put(out, DELIVERY_CHECKPOINT, STR("note"));
    delivery_put_proof(out, 3, 4, str_at(hashes, 64));
    delivery_put(out, DELIVERY_POLICY, STR("p"));
    delivery_put(out, DELIVERY_CERTIFICATE, STR("c"));
    delivery_put(out, DELIVERY_INVENTORY, STR_NONE);
    delivery_put_enrolled(out, &enrolled);
}

static void every_cut_waits(void)
{
    for (int from_agent = 0; from_agent < 2; from_agent++) {
        char storage[2000];
        struct buf out;
        buf_init_fixed(&out, storage, sizeof storage);
        each_put(&out, from_agent);
        CHECK(!out.overflow);
        for (size_t cut = 0; cut <= out.n; cut++) {
            struct str input = str_slice(buf_view(&out), 0, cut);
            enum delivery_type type;
            struct str body;
            unsigned frames = 0;
            enum rc rc;
            while ((rc = delivery_next(&input, from_agent, &type, &body)) == RC_OK)
                frames++;
            test_row("agent %d cut at %zu", from_agent, cut);
            CHECK_INT(rc, RC_AGAIN);
            CHECK_INT(frames == (from_agent ? 8 : 11), cut == out.n);
        }
    }
}

static void a_peer_sends_its_own_frames_only(void)
{
    for (int from_agent = 0; from_agent < 2; from_agent++) {
        char storage[2000];
        struct buf out;
        buf_init_fixed(&out, storage, sizeof storage);
        each_put(&out, from_agent);
        struct str input = buf_view(&out);
        enum delivery_type type;
        struct str body;
        while (input.n > 0) {
            struct str as_other = input;
            test_row("agent %d, %zu bytes left", from_agent, input.n);
            CHECK_INT(delivery_next(&as_other, !from_agent, &type, &body), RC_INVALID);
            if (!CHECK_INT(delivery_next(&input, from_agent, &type, &body), RC_OK))
                break;
        }
    }
}

static void broken_frames_are_refused(void)
{
    static const struct {
        struct str bytes;
        bool from_agent;
    } rows[] = {
        {STR_INIT("\0\0\0\0\0"), true},         {STR_INIT("\24\0\0\0\0"), true},  {STR_INIT("\1\0\0\0\1"), true},
        {STR_INIT("\1\377\377\377\377"), true}, {STR_INIT("\5\0\0\0\17"), false}, {STR_INIT("\5\0\0\0\21"), false},
        {STR_INIT("\4\0\100\20\1"), true},      {STR_INIT("\17\0\0\0\1"), true},  {STR_INIT("\12\0\1\0\1"), false},
        {STR_INIT("\377\0\0\0\0"), true},       {STR_INIT("\12\0\0\0\0"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str input = rows[i].bytes;
        enum delivery_type type;
        struct str body;
        test_row("%zu", i);
        CHECK_INT(delivery_next(&input, rows[i].from_agent, &type, &body), RC_INVALID);
    }
}

static void bodies_refuse_truncation(void)
{
    char storage[2000];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    const struct delivery_hello hello = {.version = 1, .host = STR("host"), .program = STR("p")};
    delivery_put_hello(&out, &hello);
    struct str body = str_skip(buf_view(&out), DELIVERY_HEADER);
    for (size_t cut = 0; cut <= body.n; cut++) {
        struct delivery_hello got;
        test_row("hello cut at %zu", cut);
        CHECK_INT(delivery_read_hello(str_slice(body, 0, cut), &got) == RC_OK, cut == body.n);
    }
    const struct delivery_welcome welcome = {.credit = 4, .origin = STR("o"), .key = STR("o+1+k")};
    buf_clear(&out);
    delivery_put_welcome(&out, &welcome);
    body = str_skip(buf_view(&out), DELIVERY_HEADER);
    for (size_t cut = 0; cut <= body.n; cut++) {
        struct delivery_welcome got;
        test_row("welcome cut at %zu", cut);
        CHECK_INT(delivery_read_welcome(str_slice(body, 0, cut), &got) == RC_OK, cut == body.n);
    }
    char secret[DELIVERY_SECRET_SIZE] = {0};
    const struct delivery_enrol enrol = {.version = 1, .secret = str_at(secret, sizeof secret), .host = STR("host")};
    buf_clear(&out);
    delivery_put_enrol(&out, &enrol);
    body = str_skip(buf_view(&out), DELIVERY_HEADER);
    for (size_t cut = 0; cut <= body.n; cut++) {
        struct delivery_enrol got;
        test_row("enrol cut at %zu", cut);
        CHECK_INT(delivery_read_enrol(str_slice(body, 0, cut), &got) == RC_OK, cut == body.n);
    }
}

static void values_survive(void)
{
    char storage[4000];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    struct delivery_hello hello = {
        .version = 1, .spool = UINT64_MAX, .next = 3, .seen_size = 4, .host = STR("h"), .program = STR("p")};
    memset(hello.agent, 0xa5, sizeof hello.agent);
    memset(hello.boot, 0x5a, sizeof hello.boot);
    memset(hello.seen_root, 0x77, sizeof hello.seen_root);
    delivery_put_hello(&out, &hello);
    struct delivery_hello got;
    CHECK_INT(delivery_read_hello(str_skip(buf_view(&out), DELIVERY_HEADER), &got), RC_OK);
    CHECK(memcmp(got.agent, hello.agent, 16) == 0 && memcmp(got.boot, hello.boot, 16) == 0 &&
          memcmp(got.seen_root, hello.seen_root, 32) == 0);
    CHECK(got.spool == UINT64_MAX && got.next == 3 && got.seen_size == 4);
    CHECK_TEXT(got.host, "h");
    CHECK_TEXT(got.program, "p");

    buf_clear(&out);
    const struct delivery_time time = {1, -2, 3, 4, 5};
    struct delivery_time back;
    delivery_put_time_back(&out, &time);
    CHECK_INT(delivery_read_time(DELIVERY_TIME_BACK, str_skip(buf_view(&out), DELIVERY_HEADER), &back), RC_OK);
    CHECK(back.agent_boot_ns == 1 && back.agent_real_ns == -2 && back.heard_real_ns == 3 && back.sent_real_ns == 4 &&
          back.sent_boot_ns == 5);

    buf_clear(&out);
    static const char long_text[3000] = {'x'};
    delivery_put_refused(&out, DELIVERY_BUSY, str_at(long_text, sizeof long_text)); /* cut, not too long a frame */
    struct str input = buf_view(&out);
    enum delivery_type type;
    struct str body;
    struct str text;
    uint16_t reason;
    CHECK_INT(delivery_next(&input, false, &type, &body), RC_OK);
    CHECK_INT(delivery_read_refused(body, &reason, &text), RC_OK);
    CHECK_INT(reason, DELIVERY_BUSY);
    CHECK_INT(text.n, DELIVERY_TEXT_MAX);
    CHECK_TEXT(str_of(delivery_reason_name(reason)), "busy");
    CHECK_TEXT(str_of(delivery_reason_name(99)), "unknown reason");
}

static void data_must_make_sense(void)
{
    static const struct {
        const char *why;
        struct delivery_data data;
        uint8_t at; /* byte of the body that is changed */
        uint8_t to;
    } rows[] = {
        {"packed in no known way", {.count = 1, .plain_size = 1, .payload = STR_INIT("a")}, 32, 2},
        {"no record", {.count = 1, .plain_size = 1, .payload = STR_INIT("a")}, 11, 0},
        {"too many records", {.count = 1, .plain_size = 1, .payload = STR_INIT("a")}, 8, 1},
        {"an empty batch", {.count = 1, .plain_size = 1, .payload = STR_INIT("a")}, 31, 0},
        {"too large a batch", {.count = 1, .plain_size = 1, .payload = STR_INIT("a")}, 28, 1},
        {"plain of another size", {.count = 1, .plain_size = 1, .payload = STR_INIT("a")}, 31, 2},
        {"numbers past the end",
         {.number = UINT64_MAX - 1, .count = 1, .plain_size = 1, .payload = STR_INIT("a")},
         7,
         255},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char storage[200];
        struct buf out;
        struct delivery_data got;
        buf_init_fixed(&out, storage, sizeof storage);
        delivery_put_data(&out, &rows[i].data);
        struct str body = str_skip(buf_view(&out), DELIVERY_HEADER);
        test_row("%s", rows[i].why);
        CHECK_INT(delivery_read_data(body, &got), RC_OK);
        storage[DELIVERY_HEADER + rows[i].at] = (char)rows[i].to;
        CHECK_INT(delivery_read_data(body, &got), RC_INVALID);
    }
}

static void sizes_must_make_sense(void)
{
    static const struct {
        uint64_t old_size;
        uint64_t new_size;
        size_t path;
        enum rc want;
    } rows[] = {
        {1, 1, 0, RC_OK}, {1, 2, 64, RC_OK}, {0, 2, 0, RC_INVALID}, {3, 2, 0, RC_INVALID}, {1, 2, 33, RC_INVALID}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[16 + 64] = {0};
        uint64_t old_size;
        uint64_t new_size;
        struct str path;
        put_be64(body, rows[i].old_size);
        put_be64(body + 8, rows[i].new_size);
        test_row("%zu", i);
        CHECK_INT(delivery_read_sizes(str_at(body, 16 + rows[i].path), &old_size, &new_size, &path), rows[i].want);
    }
}

/* ---- batches ---- */

static void batch_make(struct buf *out)
{
    struct delivery_writer writer;
    const struct delivery_group first = {DELIVERY_FILE, 0, 1, 2, 3, 0, STR("/var/log/auth.log")};
    const struct delivery_group second = {DELIVERY_JOURNAL, DELIVERY_GAP, 4, UINT64_MAX - 1, -5, 0, STR_NONE};
    delivery_batch_begin(&writer, out);
    delivery_group_begin(&writer, &first);
    delivery_record(&writer, STR("one"));
    delivery_record(&writer, STR_NONE);
    delivery_group_begin(&writer, &second);
    delivery_record(&writer, STR("{}"));
    delivery_batch_end(&writer);
    CHECK_INT(writer.records, 3);
}

static void batches_round_trip_and_refuse_truncation(void)
{
    char storage[400];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    batch_make(&out);
    for (size_t cut = 0; cut <= out.n; cut++) {
        test_row("cut at %zu", cut);
        CHECK_INT(delivery_batch_check(str_slice(buf_view(&out), 0, cut), 3), cut == out.n);
    }
    CHECK(!delivery_batch_check(buf_view(&out), 2));
    CHECK(!delivery_batch_check(buf_view(&out), 4));
    struct reader reader = reader_of(buf_view(&out));
    struct delivery_group group;
    struct str bytes;
    CHECK(delivery_read_group(&reader, &group));
    CHECK(group.stream == DELIVERY_FILE && group.epoch == 1 && group.sequence == 2 && group.read_ns == 3);
    CHECK_INT(group.count, 2);
    CHECK_TEXT(group.name, "/var/log/auth.log");
    CHECK(delivery_read_record(&reader, &bytes));
    CHECK_TEXT(bytes, "one");
    CHECK(delivery_read_record(&reader, &bytes));
    CHECK_INT(bytes.n, 0);
    CHECK(delivery_read_group(&reader, &group));
    CHECK(group.flags == DELIVERY_GAP && group.read_ns == -5);
}

static void hostile_batches_are_refused(void)
{
    static const struct {
        const char *why;
        uint8_t at;
        uint8_t to;
    } rows[] = {
        {"no such stream", 0, 0},       {"no such stream, high", 0, 200},
        {"no such flag", 1, 4},         {"sequence 0", 17, 0},
        {"a long name", 26, 8},         {"more records than there are", 31, 9},
        {"a gap of two records", 1, 1}, {"no records", 31, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char storage[400];
        struct buf out;
        buf_init_fixed(&out, storage, sizeof storage);
        batch_make(&out);
        storage[rows[i].at] = (char)rows[i].to;
        test_row("%s", rows[i].why);
        CHECK(!delivery_batch_check(buf_view(&out), 3));
    }
}

static const struct test tests[] = {
    {"every cut waits for more", every_cut_waits},
    {"a peer sends its own frames only", a_peer_sends_its_own_frames_only},
    {"broken frames are refused", broken_frames_are_refused},
    {"bodies refuse truncation", bodies_refuse_truncation},
    {"values survive", values_survive},
    {"data must make sense", data_must_make_sense},
    {"sizes must make sense", sizes_must_make_sense},
    {"batches round trip and refuse truncation", batches_round_trip_and_refuse_truncation},
    {"hostile batches are refused", hostile_batches_are_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
