/* Canaries on the server: the service's own go to their engines; what an engine tells the desk of one, and which are
 * none though they have the text. */
#include "role/canary.h"

#include "archive/leaf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "codec/canary_text.h"
#include "role/import.h"
#include "tlog/hash.h"

#include <string.h>

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static struct arena *arena;

static void own_sources_go_to_their_engines(void)
{
    for (unsigned engines = 1; engines <= 32; engines++)
        for (unsigned engine = 0; engine < engines; engine++) {
            char name[CANARY_NAME_MAX];
            uint8_t id[16], again[16];
            canary_own_source(engine, engines, name, id);
            source_id_make(STR(CANARY_KIND), str_of(name), again);
            CHECK_INT(id[0] % engines, engine);
            CHECK(memcmp(id, again, sizeof id) == 0);
        }
}

static void durable(struct engine_canary *canary, uint64_t records, int64_t ns)
{
    uint8_t body[16];
    put_be64(body, records);
    put_be64(body + 8, (uint64_t)ns);
    CHECK_INT(engine_canary_durable(canary, str_at(body, sizeof body), 7), records);
}

/* As the desk reads what the engine tells of one. */
static bool told(struct engine_canary *canary, const struct canary *made, struct str kind, struct str name,
                 const uint8_t id[16], struct desk_canary *ret)
{
    char storage[CANARY_BYTES_MAX];
    struct buf text, body;
    struct match match = {.record = 50, .source = name}, read;
    struct event event = {.record = 50, .received_ns = 1000};
    arena_reset(arena);
    buf_init_fixed(&text, storage, sizeof storage);
    canary_write(&text, made);
    event.raw = buf_view(&text);
    if (!engine_canary_match(canary, id, kind, &event, &match))
        return false;
    buf_init(&body, 65536);
    match_write(&match, &body);
    bool right = match_read(buf_view(&body), &read) && canary_of_match(&read, 3, arena, ret);
    buf_done(&body);
    return right;
}

static void an_engine_tells(void)
{
    static struct engine_canary canary;
    struct canary made = {.agent = UUID,
                          .number = 9,
                          .nonce = {1},
                          .made_ns = 700,
                          .every_s = 300,
                          .measured = true,
                          .offset_us = 2,
                          .error_us = 4};
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct desk_canary got;
    uint8_t id[16];
    desk_canary_source(hasher, STR(UUID), id);
    durable(&canary, 40, 10); /* the first says nothing of when */
    durable(&canary, 45, 20);
    durable(&canary, 51, 30);
    durable(&canary, 60, 40);
    CHECK(told(&canary, &made, STR(CANARY_KIND), STR("web1:canary"), id, &got));
    CHECK(strcmp(got.agent, UUID) == 0 && got.engine == 3 && got.record == 50 && got.number == 9);
    CHECK_INT(got.made_ns, 2700);
    CHECK_INT(got.error_us, 4);
    CHECK_INT(got.received_ns, 1000);
    CHECK_INT(got.durable_ns, 30);
    CHECK(got.matched_ns > 1000);
    CHECK_TEXT(str_of(got.nonce), "01000000000000000000000000000000");
    made.measured = false;
    CHECK(told(&canary, &made, STR(CANARY_KIND), STR("web1:canary"), id, &got));
    CHECK_INT(got.error_us, -1);
    CHECK_INT(got.made_ns, 700);
    engine_canary_resumed(&canary);
    durable(&canary, 60, 50);
    CHECK(told(&canary, &made, STR(CANARY_KIND), STR("web1:canary"), id, &got));
    CHECK_INT(got.durable_ns, 0);
    for (unsigned i = 0; i < CANARY_MARKS + 5; i++) /* it is older than what is remembered */
        durable(&canary, 61 + i, 60 + i);
    CHECK(told(&canary, &made, STR(CANARY_KIND), STR("web1:canary"), id, &got));
    CHECK_INT(got.durable_ns, 0);
    CHECK_INT(engine_canary_durable(&canary, STR("12345678"), 7), 7);
}

static void what_is_of_another_source(void)
{
    static struct engine_canary canary;
    struct canary made = {.agent = UUID, .number = 9, .made_ns = 700, .every_s = 300};
    struct canary own = {.number = 9, .made_ns = 700, .every_s = 300};
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct desk_canary got;
    uint8_t id[16], other[16], service[16];
    char name[CANARY_NAME_MAX];
    desk_canary_source(hasher, STR(UUID), id);
    desk_canary_source(hasher, STR("11234567-89ab-cdef-0123-456789abcdef"), other);
    canary_own_source(1, 4, name, service);
    CHECK(told(&canary, &own, STR(CANARY_KIND), str_of(name), service, &got));
    CHECK_INT(got.error_us, 0);
    CHECK(!got.agent[0]);
    CHECK(!told(&canary, &made, STR("udp"), STR("10.0.0.1"), id, &got));
    CHECK(!told(&canary, &made, STR("agent"), STR("web1"), id, &got));
    CHECK(!told(&canary, &made, STR(CANARY_KIND), STR("web2:canary"), other, &got));
    CHECK(!told(&canary, &made, STR(CANARY_KIND), str_of(name), service, &got));
    CHECK(!told(&canary, &own, STR(CANARY_KIND), str_of(name), id, &got));
    CHECK(!told(&canary, &own, STR(CANARY_KIND), STR("web1:canary"), id, &got));
}

static void matches_that_are_none(void)
{
    const struct match rows[] = {
        {.record = 1, .description = STR_INIT("{}")},
        {.record = 1, .value_count = 2},
        {.record = UINT64_MAX,
         .value_count = 2,
         .values = {{STR_INIT("source"), STR_INIT("0123456789abcdef")},
                    {STR_INIT("times"), STR_INIT("0123456789abcdef01234567")}}},
        {.record = 1,
         .description = STR_INIT("{\"event\":\"qorgan.canary\"}"),
         .value_count = 2,
         .values = {{STR_INIT("source"), STR_INIT("0123456789abcdef")},
                    {STR_INIT("times"), STR_INIT("0123456789abcdef01234567")}}},
    };
    struct desk_canary got;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK(!canary_of_match(&rows[i], 0, arena, &got));
    }
}

static void own_records_are_remembered(void)
{
    struct engine_canary canary = {0};
    engine_canary_record(&canary, &(struct leaf){.index = 5, .transport = TRANSPORT_AGENT});
    CHECK_INT(canary.own, 0);
    engine_canary_record(&canary, &(struct leaf){.index = 5, .transport = TRANSPORT_INTERNAL});
    engine_canary_record(&canary, &(struct leaf){.index = 3, .transport = TRANSPORT_INTERNAL});
    CHECK_INT(canary.own, 6);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the service's own go to their engines", own_sources_go_to_their_engines},
        {"an engine tells whose it is and when", an_engine_tells},
        {"the text of another source is none", what_is_of_another_source},
        {"matches that are none", matches_that_are_none},
        {"the service's own are remembered", own_records_are_remembered},
    };
    arena = arena_new((size_t)1 << 20);
    int failed = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return failed;
}
