/* What must hold for any input: one event a record, whole raw bytes, valid UTF-8, bounds, and joined audit events that
 * neither get lost nor grow. */
#include "event/normalise.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/test.h"
#include "codec/utf8.h"
#include "event/audit_join.h"
#include "event/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVED_NS INT64_C(1795262400000000000) /* 2026-11-21T12:00:00Z */

/* A joined event: what it is known by, and of which records and lines. */
struct joined {
    uint64_t record;
    uint64_t digest;
};

#define JOINED_MAX 512u

struct watch {
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct arena *arena;
    struct event_source source;
    struct str raw; /* what was given */
    uint64_t record;
    uint32_t archived; /* since the last record */
    uint32_t joined;   /* in all */
    struct event last; /* the last one archived; fields valid until the next record */
    uint32_t last_joined_records;
    struct joined *kept; /* NULL: they are not kept */
    size_t kept_count;
    bool joined_has_lines;
};

static void watch_event(void *context, const struct event *event)
{
    struct watch *watch = context;
    CHECK(event->flags & EVENT_MATCH);
    CHECK(event->record_count >= 1 && event->record_count <= EVENT_RECORDS_MAX);
    bool among = false;
    for (uint32_t i = 0; i < event->record_count; i++)
        among = among || event->records[i] == event->record;
    CHECK(among);
    CHECK(event->field_count <= EVENT_FIELDS_MAX);
    for (uint32_t i = 0; i < event->field_count; i++) {
        const struct event_field *field = &event->fields[i];
        CHECK(field->name > 0 && field->name < names_end(watch->names));
        CHECK(utf8_valid(field->value));
        CHECK(field->type != EVENT_NULL || field->value.n == 0);
    }
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        CHECK(utf8_valid(event->statutory[i]));
    CHECK(event->statutory[STATUTORY_DESCRIPTION].n <= 4096);
    if (event->flags & EVENT_ARCHIVE) {
        CHECK_INT(event->record, watch->record);
        CHECK_INT(event->record_count, 1);
        CHECK(event->raw.p == watch->raw.p && event->raw.n == watch->raw.n);
        CHECK(event->time_ns >= RECEIVED_NS - INT64_C(3650) * 86400 * 1000000000);
        CHECK(event->time_ns <= RECEIVED_NS + INT64_C(86400) * 1000000000);
        watch->archived++;
        watch->last = *event;
    } else {
        watch->joined++;
        if (watch->kept && CHECK(watch->kept_count < JOINED_MAX))
            watch->kept[watch->kept_count++] = (struct joined){
                event->record,
                hash_text(hash_text(event->record_count, str_at((const char *)event->records,
                                                                event->record_count * sizeof event->records[0])),
                          event->raw)};
        watch->last_joined_records = event->record_count;
        watch->joined_has_lines = str_search(event->raw, STR("\n")) < event->raw.n;
    }
}

static bool watch_begin(struct watch *watch)
{
    char path[4096];
    struct err err = {.text = ""};
    memset(watch, 0, sizeof *watch);
    watch->arena = arena_new((size_t)64 << 20);
    watch->names = names_new(9);
    watch->source = (struct event_source){.kind = STR("tcp"), .name = STR("192.0.2.1")};
    CHECK(snprintf(path, sizeof path, "%s/data", test_source_dir()) > 0);
    if (mapping_load(path, watch->names, &watch->mapping, &err) == RC_OK)
        watch->normaliser = normaliser_new(watch->mapping, watch->names);
    CHECK_TEXT(str_of(err.text), "");
    return CHECK(watch->normaliser != NULL);
}

static void watch_end(struct watch *watch)
{
    normaliser_free(watch->normaliser);
    mapping_free(watch->mapping);
    names_free(watch->names);
    arena_free(watch->arena);
}

static void give_at(struct watch *watch, struct str raw, int64_t received_ns)
{
    watch->raw = raw;
    watch->archived = 0;
    arena_reset(watch->arena);
    normaliser_record(watch->normaliser, &watch->source, watch->record, received_ns, raw, watch->arena, watch_event,
                      watch);
    CHECK_INT(watch->archived, 1);
    watch->record++;
}

static void give(struct watch *watch, struct str raw)
{
    give_at(watch, raw, RECEIVED_NS);
}

static const char *const samples[] = {
    "<38>Nov 21 11:59:58 gw1 sshd[811]: Failed password for invalid user ann from 198.51.100.4 port 50022 ssh2",
    "<165>1 2026-11-21T11:59:59.123456+05:00 db1 app 77 ID47 [origin@32473 ip=\"192.0.2.9\" x=\"a \\\"b\\\"\"] all is "
    "well",
    "{\"Channel\":\"Security\",\"EventID\":4688,\"NewProcessName\":\"C:\\\\a "
    "\\u0431.exe\",\"x\":[1,{\"y\":null}],\"z\":true}",
    "type=EXECVE msg=audit(1795258800.100:10): argc=3 a0=\"cat\" a1=\"/etc/shadow\" a2=612062",
    "node=a type=SYSCALL msg=audit(1795258800.100:10): arch=c000003e syscall=59 success=yes exe=\"/bin/x\" key=(null)",
    "type=USER_LOGIN msg=audit(1795258800.1:1): pid=7 msg='op=login acct=\"ann\" addr=192.0.2.5 terminal=ssh "
    "res=failed'",
    "type=SOCKADDR msg=audit(1795258800.100:13): saddr=0A0001BB0000000020010DB800000000000000000000000100000000",
    "<13>Nov 21 11:00:00 fw1 CEF:0|Check Point|VPN-1|R81|drop|A \\| b|5|src=1.2.3.4 cs1Label=Rule cs1=b c msg=x\\=y",
    "LEEF:2.0|Fortinet|FortiGate|7|traffic|^|src=192.0.2.5^dst=192.0.2.1^usrName=ann^action=accept",
    "203.0.113.9 - ann [21/Nov/2026:16:00:00 +0500] \"GET /a?x=%27 HTTP/1.1\" 200 512 \"https://e.kz/\" \"Mo\"",
    "date=2026-11-21 time=11:00:00 devname=\"fg1\" logid=\"13\" type=\"traffic\" srcip=192.0.2.5 action=\"deny\"",
    "<4>Nov 21 11:00:00 h kernel: [1.0] [UFW BLOCK] IN=eth0 OUT= MAC=00 SRC=192.0.2.5 DST=192.0.2.1 PROTO=TCP DPT=23",
};

/* splitmix64 (Vigna, public domain). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void holds_for_every_truncation_and_flip(void)
{
    struct watch watch;
    char text[1024];
    if (!watch_begin(&watch))
        return;
    uint64_t state = 1;
    for (size_t s = 0; s < ARRAY_LEN(samples); s++) {
        size_t n = strlen(samples[s]);
        test_row("%s", samples[s]);
        for (size_t cut = 0; cut <= n; cut++)
            give(&watch, str_at(samples[s], cut));
        for (int flip = 0; flip < 300; flip++) {
            memcpy(text, samples[s], n);
            for (int k = 0; k < 1 + flip % 3; k++)
                text[next_random(&state) % n] = (char)next_random(&state);
            give(&watch, str_at(text, n));
        }
    }
    normaliser_flush(watch.normaliser, INT64_MAX, watch.arena, watch_event, &watch);
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    watch_end(&watch);
}

static struct buf big;

static void keeps_a_line_of_one_mebibyte_whole(void)
{
    static const char *const heads[] = {"",
                                        "<13>Nov 21 11:00:00 h sshd[1]: Failed password for ",
                                        "{\"a\":\"",
                                        "a=",
                                        "type=EXECVE msg=audit(1.1:1): a0=",
                                        "CEF:0|a|b|c|d|e|1|msg=",
                                        "\xff"};
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        buf_init(&big, (size_t)2 << 20);
        buf_text(&big, heads[i]);
        while (big.n < (size_t)1 << 20)
            buf_text(&big, i % 2 ? "from 1 port x=" : "\xff zzzzzzz");
        test_row("%s", heads[i]);
        give(&watch, buf_view(&big));
        buf_done(&big);
    }
    watch_end(&watch);
}

static void bears_json_bombs(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    buf_init(&big, (size_t)4 << 20);
    for (int i = 0; i < 10000; i++)
        buf_text(&big, i % 2 ? "[" : "{\"a\":");
    give(&watch, buf_view(&big));
    CHECK(!(watch.last.flags & EVENT_UNDERSTOOD));
    CHECK_INT(watch.last.field_count, 0);
    for (int i = 10000; i-- > 0;)
        buf_text(&big, i % 2 ? "]" : "}");
    give(&watch, buf_view(&big));
    CHECK(!(watch.last.flags & EVENT_UNDERSTOOD));
    buf_clear(&big);
    buf_char(&big, '{');
    for (int i = 0; i < 10000; i++)
        buf_format(&big, "%s\"key%d\":%d", i ? "," : "", i, i);
    buf_char(&big, '}');
    give(&watch, buf_view(&big));
    CHECK(watch.last.flags & EVENT_UNDERSTOOD);
    CHECK_INT(watch.last.field_count, EVENT_FIELDS_MAX);
    CHECK_INT(watch.last.fields_lost, 10000 - EVENT_FIELDS_MAX);
    buf_done(&big);
    watch_end(&watch);
}

/* New names without end fill the table; events go on, what is lost is counted. */
static void survives_a_flood_of_names(void)
{
    struct watch watch;
    char text[64];
    if (!watch_begin(&watch))
        return;
    for (int i = 0; i < 70000; i++) {
        int n = snprintf(text, sizeof text, "{\"n%d\":1,\"host\":\"h\"}", i);
        give(&watch, str_at(text, (size_t)n));
    }
    CHECK_INT(watch.last.field_count, 1);
    CHECK_INT(watch.last.fields_lost, 1);
    CHECK_TEXT(watch.last.statutory[STATUTORY_HOST], "h");
    give(&watch, STR("<13>Nov 21 11:00:00 gw1 sshd[1]: Accepted password for ann from 192.0.2.5 port 22 ssh2"));
    CHECK_TEXT(watch.last.statutory[STATUTORY_ACCOUNT], "ann");
    watch_end(&watch);
}

static void survives_a_flood_of_sources(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (uint32_t i = 0; i < 70000; i++) {
        memcpy(watch.source.id, &i, sizeof i);
        give(&watch, STR("#Fields: date time c-ip"));
    }
    watch_end(&watch);
}

/* Every line behind every other one of its source: its parser, time and fields are those that it has alone. */
static void reads_the_same_behind_any_other(void)
{
    static const char *const more[] = {
        "2026-11-21 10:00:00 GET /a 200",
        "#Software: x",
        "Nov 21 11:59:58 gw1 sshd[811]: Accepted password for ann from 198.51.100.4 port 50022 ssh2",
        "2026-11-21T11:59:58+05:00 web1 nginx: 203.0.113.9 - - [21/Nov/2026:11:00:00 +0000] \"GET / HTTP/1.1\" 200 5",
        "no form at all",
    };
    enum { COUNT = ARRAY_LEN(samples) + ARRAY_LEN(more) };
    struct watch watch;
    uint32_t number = 0;
    if (!watch_begin(&watch))
        return;
    for (size_t i = 0; i < COUNT; i++) {
        struct str line = str_of(i < ARRAY_LEN(samples) ? samples[i] : more[i - ARRAY_LEN(samples)]);
        struct event alone = {.parser = ""};
        for (size_t k = 0; k <= COUNT; k++) {
            memcpy(watch.source.id, &number, sizeof number);
            number++;
            if (k)
                give(&watch, str_of(k - 1 < ARRAY_LEN(samples) ? samples[k - 1] : more[k - 1 - ARRAY_LEN(samples)]));
            give(&watch, line);
            test_row("%.*s behind line %zu", STR_ARG(line), k);
            alone = k ? alone : watch.last;
            CHECK_TEXT(str_of(watch.last.parser), alone.parser);
            CHECK_INT(watch.last.time_ns, alone.time_ns);
            CHECK_INT(watch.last.field_count, alone.field_count);
            CHECK_INT(watch.last.logsource.service, alone.logsource.service);
            bool piece = str_search(line, STR("audit(")) < line.n;
            CHECK_INT(normaliser_piece(watch.normaliser), piece);
        }
    }
    CHECK(normaliser_heads(STR("\xef\xbb\xbf#fields: date time\r\n")));
    CHECK(!normaliser_heads(STR("x #Fields: date time")));
    watch_end(&watch);
}

/* An arena without room costs fields, never the event. */
static void bears_a_full_arena(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    arena_free(watch.arena);
    for (size_t limit = 1; limit < 20000; limit += 371) {
        watch.arena = arena_new(limit);
        for (size_t s = 0; s < ARRAY_LEN(samples); s++) {
            test_row("arena of %zu: %s", limit, samples[s]);
            give(&watch, str_of(samples[s]));
            normaliser_flush(watch.normaliser, INT64_MAX, watch.arena, watch_event, &watch);
        }
        arena_free(watch.arena);
    }
    watch.arena = NULL;
    watch_end(&watch);
}

static void audit_piece(struct watch *watch, const char *type, unsigned serial, int64_t received_ns)
{
    char text[200];
    int n = snprintf(text, sizeof text, "type=%s msg=audit(1795258800.100:%u): arch=c000003e a0=\"x\" cwd=\"/\"", type,
                     serial);
    give_at(watch, str_at(text, (size_t)n), received_ns);
}

static void joins_are_bounded(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (unsigned i = 0; i < 100; i++) /* more records than one event may have */
        audit_piece(&watch, i ? "PATH" : "SYSCALL", 1, RECEIVED_NS);
    CHECK_INT(normaliser_pending(watch.normaliser), 0);
    audit_piece(&watch, "PROCTITLE", 1, RECEIVED_NS);
    CHECK_INT(watch.joined, 1);
    CHECK_INT(watch.last_joined_records, EVENT_RECORDS_MAX);
    CHECK(watch.joined_has_lines);
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    uint64_t first = watch.record;
    for (unsigned i = 0; i < AUDIT_PENDING_MAX; i++)
        audit_piece(&watch, "SYSCALL", 100 + i, RECEIVED_NS);
    CHECK_INT(watch.joined, 1);
    CHECK_INT(normaliser_crowded(watch.normaliser), 0);
    CHECK_INT(normaliser_pending(watch.normaliser), first);
    audit_piece(&watch, "SYSCALL", 1000, RECEIVED_NS); /* one too many: the oldest goes */
    CHECK_INT(watch.joined, 2);
    CHECK_INT(normaliser_crowded(watch.normaliser), 1);
    CHECK_INT(normaliser_pending(watch.normaliser), first + 1);
    normaliser_flush(watch.normaliser, RECEIVED_NS + AUDIT_STALE_NS - 1, watch.arena, watch_event, &watch);
    CHECK_INT(watch.joined, 2);
    normaliser_flush(watch.normaliser, RECEIVED_NS + AUDIT_STALE_NS, watch.arena, watch_event, &watch);
    CHECK_INT(watch.joined, 2 + AUDIT_PENDING_MAX);
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    watch_end(&watch);
}

static void joins_keep_sources_apart(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    audit_piece(&watch, "SYSCALL", 5, RECEIVED_NS);
    watch.source.id[0] = 1;
    audit_piece(&watch, "SYSCALL", 5, RECEIVED_NS);
    audit_piece(&watch, "PROCTITLE", 5, RECEIVED_NS);
    CHECK_INT(watch.joined, 1);
    CHECK_INT(watch.last_joined_records, 2);
    watch.source.id[0] = 0;
    audit_piece(&watch, "EOE", 5, RECEIVED_NS);
    CHECK_INT(watch.joined, 2);
    watch_end(&watch);
}

/* ---- whoever reads them, whenever ---- */

#define FEED_MAX   256u
#define LAG_MAX_NS (INT64_C(3) * 1000000000 - 1) /* how late a record may be given */

static struct {
    char text[FEED_MAX][160];
    uint8_t source[FEED_MAX];
    int64_t received_ns[FEED_MAX];
    unsigned count;
} feed;

static uint64_t feed_state;

static unsigned feed_random(unsigned below)
{
    feed_state = feed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(feed_state >> 33) % below;
}

/* Events of three sources, one into the other, most without an end, some with a piece before their SYSCALL record,
 * pieces that come seconds late. */
static void feed_make(uint64_t seed)
{
    static const char *const types[] = {"SYSCALL", "EXECVE", "PATH", "CWD", "AVC", "PROCTITLE", "EOE"};
    static const int64_t steps_ms[] = {0, 0, 1, 10, 400, 1100, 1999, 2000, 2001, 4000, 9000};
    int64_t now_ms = 0;
    unsigned open[3] = {1, 1, 1};
    bool has_syscall[3][FEED_MAX + 1] = {{false}};
    feed_state = seed;
    feed.count = 40 + feed_random(FEED_MAX - 40);
    for (unsigned i = 0; i < feed.count; i++) {
        unsigned source = feed_random(3);
        bool fresh = feed_random(3) == 0;
        open[source] += fresh;
        unsigned serial = open[source] - MIN(feed_random(2), open[source] - 1);
        const char *type = types[fresh ? 4 * feed_random(2) : feed_random(feed_random(4) ? 5 : ARRAY_LEN(types))];
        bool *had = &has_syscall[source][serial];
        type = *had && str_is(str_of(type), "SYSCALL") ? "PATH" : type; /* an event has one */
        *had = *had || str_is(str_of(type), "SYSCALL");
        now_ms += steps_ms[feed_random(feed_random(3) ? 4 : ARRAY_LEN(steps_ms))];
        CHECK(snprintf(feed.text[i], sizeof feed.text[i],
                       "type=%s msg=audit(17952588%02u.100:%u): arch=c000003e syscall=59 a0=\"x%u\" cwd=\"/\"", type,
                       serial / 3 % 100, serial, i) > 0);
        feed.source[i] = (uint8_t)source;
        feed.received_ns[i] = RECEIVED_NS + now_ms * 1000000;
    }
}

/* All from `from` on; before record `flush_at` (FEED_MAX: before each) time goes by as far as it may until it comes. */
static void feed_give(struct watch *watch, unsigned from, unsigned until, unsigned flush_at)
{
    for (unsigned i = from; i < until; i++) {
        if (flush_at == i || flush_at == FEED_MAX)
            normaliser_flush(watch->normaliser, feed.received_ns[i] + LAG_MAX_NS, watch->arena, watch_event, watch);
        watch->source.id[0] = feed.source[i];
        watch->record = i;
        give_at(watch, str_of(feed.text[i]), feed.received_ns[i]);
    }
}

static int by_record(const void *a, const void *b)
{
    const struct joined *left = a;
    const struct joined *right = b;
    return left->record < right->record ? -1 : left->record > right->record;
}

static void feed_end(struct watch *watch)
{
    normaliser_flush(watch->normaliser, INT64_MAX, watch->arena, watch_event, watch);
    qsort(watch->kept, watch->kept_count, sizeof *watch->kept, by_record);
}

/* A new one, as when its process began anew. */
static bool reader_renew(struct watch *watch)
{
    normaliser_free(watch->normaliser);
    watch->normaliser = normaliser_new(watch->mapping, watch->names);
    return CHECK(watch->normaliser != NULL);
}

/* What one gives that is killed before record `at` and begins where nothing waits for what was before: all that a hunt
 * finds, whole, and nothing that has another number. */
static void killed_check(struct watch *watch, const struct joined *all, size_t count, unsigned at)
{
    watch->kept_count = 0;
    feed_give(watch, 0, at, FEED_MAX);
    unsigned resume = (unsigned)MIN(normaliser_pending(watch->normaliser), (uint64_t)at);
    if (!reader_renew(watch))
        return;
    feed_give(watch, resume, feed.count, FEED_MAX);
    feed_end(watch);
    for (size_t i = 0; i < count; i++) {
        bool whole = false;
        for (size_t k = 0; k < watch->kept_count; k++)
            whole = whole || (watch->kept[k].record == all[i].record && watch->kept[k].digest == all[i].digest);
        CHECK(whole);
    }
    for (size_t k = 0; k < watch->kept_count; k++) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || all[i].record == watch->kept[k].record;
        CHECK(known);
    }
}

static void live_is_as_hunted(void)
{
    static struct joined hunted[JOINED_MAX];
    static struct joined live[JOINED_MAX];
    struct watch watch;
    size_t joined = 0;
    if (!watch_begin(&watch))
        return;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        feed_make(seed);
        watch.kept = hunted;
        watch.kept_count = 0;
        feed_give(&watch, 0, feed.count, FEED_MAX + 1); /* no clock: as a hunt reads them */
        feed_end(&watch);
        size_t count = watch.kept_count;
        joined += count;
        watch.kept = live;
        for (unsigned at = 0; at <= feed.count; at++) {
            test_row("seed %u, border before %u", (unsigned)seed, at);
            watch.kept_count = 0;
            feed_give(&watch, 0, feed.count, at < feed.count ? at : FEED_MAX);
            feed_end(&watch);
            CHECK_INT(watch.kept_count, count);
            CHECK(memcmp(live, hunted, count * sizeof *live) == 0);
            if (at < feed.count)
                killed_check(&watch, hunted, count, at);
        }
    }
    CHECK(joined > 1000);
    watch_end(&watch);
}

static void survives_lack_of_memory(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (uint64_t fail = 1; fail < 60; fail++) {
        memory_fail_at(fail);
        struct normaliser *normaliser = normaliser_new(watch.mapping, watch.names);
        struct normaliser *own = watch.normaliser;
        watch.normaliser = normaliser;
        for (size_t s = 0; normaliser && s < ARRAY_LEN(samples); s++)
            give(&watch, str_of(samples[s]));
        memory_fail_at(0);
        normaliser_free(normaliser);
        watch.normaliser = own;
    }
    watch_end(&watch);
}

#define DOORS "id\tprogram\tpattern\tkind\toutcome\tset\ndoor\tzzyzx\tdoor {n:num} {who}\t\t\t\n"

/* Another mapping of the same names, with patterns of people or without. */
static void remap(struct watch *watch, const char *own)
{
    char path[4096];
    struct mapping *next = NULL;
    CHECK(snprintf(path, sizeof path, "%s/data", test_source_dir()) > 0);
    const struct mapping_tables from = {.data_path = path, .own = str_of(own)};
    CHECK_INT(mapping_load_own(&from, watch->names, &next, NULL, NULL), RC_OK);
    for (uint64_t fail = 1; fail < 8; fail++) { /* without memory nothing changes */
        memory_fail_at(fail);
        CHECK(!normaliser_remap(watch->normaliser, next));
        memory_fail_at(0);
    }
    CHECK(normaliser_remap(watch->normaliser, next));
    mapping_free(watch->mapping);
    watch->mapping = next;
}

/* Patterns come and go between two records; what waits to be put together, and what a source said of those that follow,
 * outlives that. */
static void patterns_while_at_work(void)
{
    struct watch watch;
    static const struct str door = STR_INIT("<38>Nov 21 11:59:58 gw1 zzyzx[811]: door 7 ann");
    if (!watch_begin(&watch))
        return;
    normaliser_set_zone(watch.normaliser, 5 * 3600);
    give(&watch, door);
    CHECK_INT(normaliser_grasp(watch.normaliser), GRASP_HEADER);
    int64_t time_ns = watch.last.time_ns;
    give(&watch, STR("#Fields: date time c-ip cs-method cs-uri-stem sc-status"));
    give(&watch, STR("type=SYSCALL msg=audit(1795258800.100:10): arch=c000003e syscall=59 success=yes exe=\"/bin/x\""));
    CHECK_INT(normaliser_pending(watch.normaliser), 2);
    remap(&watch, DOORS);
    CHECK_INT(normaliser_pending(watch.normaliser), 2);
    give(&watch, door);
    CHECK_INT(normaliser_grasp(watch.normaliser), GRASP_PATTERN);
    CHECK_TEXT(normaliser_pattern(watch.normaliser)->family->name, MAPPING_OWN);
    CHECK_INT(watch.last.time_ns, time_ns); /* the zone is the same */
    give(&watch, STR("2026-11-21 06:59:58 192.0.2.7 GET /index.html 200"));
    CHECK(watch.last.parser && str_is(str_of(watch.last.parser), "w3c"));
    give(&watch, STR("type=PROCTITLE msg=audit(1795258800.100:10): proctitle=78"));
    CHECK_INT(watch.joined, 1);
    CHECK_INT(watch.last_joined_records, 2);
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    remap(&watch, "");
    give(&watch, door);
    CHECK_INT(normaliser_grasp(watch.normaliser), GRASP_HEADER);
    CHECK(normaliser_pattern(watch.normaliser) == NULL);
    watch_end(&watch);
}

static const struct test tests[] = {
    {"holds for every truncation and flip", holds_for_every_truncation_and_flip},
    {"keeps a line of one mebibyte whole", keeps_a_line_of_one_mebibyte_whole},
    {"bears JSON bombs", bears_json_bombs},
    {"survives a flood of names", survives_a_flood_of_names},
    {"survives a flood of sources", survives_a_flood_of_sources},
    {"reads the same behind any other", reads_the_same_behind_any_other},
    {"bears a full arena", bears_a_full_arena},
    {"joins are bounded", joins_are_bounded},
    {"joined events are the same live and hunted, wherever a border lies", live_is_as_hunted},
    {"joins keep sources apart", joins_keep_sources_apart},
    {"survives lack of memory", survives_lack_of_memory},
    {"patterns come and go while it is at work", patterns_while_at_work},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
