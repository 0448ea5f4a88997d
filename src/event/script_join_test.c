/* Script blocks of several events: bounds, counts, and what the joined event holds. Their shapes: testdata/script.case.
 */
#include "event/script_join.h"

#include "base/buf.h"
#include "base/test.h"
#include "event/normalise.h"

#include <stdio.h>
#include <string.h>

#define RECEIVED_NS INT64_C(1795262400000000000) /* 2026-11-21T12:00:00Z */

struct watch {
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct arena *arena;
    struct event_source source;
    uint64_t record;
    uint32_t pieces;
    uint32_t joined;
    uint32_t audits;    /* joined events of the audit log */
    uint32_t records;   /* of the last joined event */
    uint64_t first;     /* its record */
    size_t text_n;      /* of its ScriptBlockText */
    char begin[64];     /* of it */
    int64_t time_ns;    /* its time */
    size_t description; /* length of its description */
};

static void on_event(void *context, const struct event *event)
{
    struct watch *watch = context;
    uint32_t name = names_find(watch->names, STR("ScriptBlockText"));
    watch->pieces += (event->flags & EVENT_PIECE) != 0;
    watch->audits += event->record_count > 1 && str_is(str_of(event->parser), "audit");
    if (!(event->flags & EVENT_JOINED))
        return;
    CHECK(!(event->flags & EVENT_ARCHIVE) && event->flags & EVENT_MATCH && event->flags & EVENT_UNDERSTOOD);
    CHECK(!(event->flags & EVENT_PIECE));
    watch->joined++;
    watch->records = event->record_count;
    watch->first = event->record;
    watch->time_ns = event->time_ns;
    watch->description = event->statutory[STATUTORY_DESCRIPTION].n;
    for (uint32_t i = 0; i < event->field_count; i++) {
        if (event->fields[i].name != name)
            continue;
        watch->text_n = event->fields[i].value.n;
        snprintf(watch->begin, sizeof watch->begin, "%.*s", STR_ARG(str_slice(event->fields[i].value, 0, 60)));
    }
}

static bool watch_begin(struct watch *watch)
{
    char path[4096];
    struct err err = {.text = ""};
    memset(watch, 0, sizeof *watch);
    watch->arena = arena_new((size_t)128 << 20);
    watch->names = names_new(3);
    watch->source = (struct event_source){.kind = STR("tcp"), .name = STR("192.0.2.9")};
    CHECK(snprintf(path, sizeof path, "%s/data", test_source_dir()) > 0);
    if (!CHECK_INT(mapping_load(path, watch->names, &watch->mapping, &err), RC_OK))
        return false;
    watch->normaliser = normaliser_new(watch->mapping, watch->names);
    return CHECK(watch->normaliser != NULL);
}

static void watch_end(struct watch *watch)
{
    normaliser_free(watch->normaliser);
    mapping_free(watch->mapping);
    names_free(watch->names);
    arena_free(watch->arena);
}

/* A piece whose text begins with its number and is filled up to `n` bytes. */
static void piece(struct watch *watch, unsigned block, unsigned number, unsigned total, size_t n)
{
    struct buf text;
    buf_init(&text, (size_t)4 << 20);
    buf_format(&text,
               "{\"EventID\":4104,\"Channel\":\"Microsoft-Windows-PowerShell/Operational\",\"Hostname\":\"ws1\","
               "\"MessageNumber\":%u,\"MessageTotal\":%u,\"ScriptBlockId\":\"b%u\",\"ScriptBlockText\":\"%u;",
               number, total, block, number);
    for (size_t i = 2; i < n; i++)
        buf_char(&text, 'x');
    buf_text(&text, "\"}");
    arena_reset(watch->arena);
    normaliser_record(watch->normaliser, &watch->source, watch->record++, RECEIVED_NS, buf_view(&text), watch->arena,
                      on_event, watch);
    buf_done(&text);
}

static void flush(struct watch *watch, int64_t after_ns)
{
    arena_reset(watch->arena);
    normaliser_flush(watch->normaliser, RECEIVED_NS + after_ns, watch->arena, on_event, watch);
}

static void order_does_not_matter(void)
{
    static const unsigned orders[][4] = {{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 4, 1, 3}, {3, 1, 4, 2}};
    for (unsigned o = 0; o < ARRAY_LEN(orders); o++) {
        struct watch watch;
        if (!watch_begin(&watch))
            return;
        test_row("order %u", o);
        for (size_t i = 0; i < 4; i++)
            piece(&watch, 1, orders[o][i], 4, 0);
        CHECK_INT(watch.joined, 1);
        CHECK_TEXT(str_of(watch.begin), "1;2;3;4;");
        CHECK_INT(watch.records, 4);
        CHECK_INT(watch.time_ns, RECEIVED_NS);
        CHECK_INT(normaliser_incomplete(watch.normaliser), 0);
        CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
        piece(&watch, 1, 1, 4, 0); /* the same again is a new block that stays alone */
        flush(&watch, SCRIPT_WAIT_NS);
        CHECK_INT(watch.joined, 1);
        CHECK_INT(normaliser_incomplete(watch.normaliser), 1);
        watch_end(&watch);
    }
}

static void long_blocks_come_in_parts(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (unsigned i = 1; i <= 150; i++)
        piece(&watch, 1, i, 150, 0);
    CHECK_INT(watch.pieces, 150);
    CHECK_INT(watch.joined, 3);
    CHECK_INT(watch.records, 150 - 2 * SCRIPT_PIECES_MAX);
    CHECK_INT(watch.first, 2 * SCRIPT_PIECES_MAX);
    CHECK_INT(normaliser_incomplete(watch.normaliser), 1); /* once, whatever its parts */
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    for (unsigned i = 1; i <= 5; i++) /* five mebibytes of text */
        piece(&watch, 2, i, 5, (size_t)1 << 20);
    CHECK_INT(watch.joined, 4);
    CHECK_INT(watch.text_n, SCRIPT_TEXT_MAX);
    CHECK_INT(watch.description, 4096);
    CHECK_INT(normaliser_incomplete(watch.normaliser), 2);
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX); /* its last piece stood alone */
    watch_end(&watch);
}

static void blocks_are_bounded(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (unsigned i = 0; i < SCRIPTS_MAX; i++) {
        piece(&watch, i, 1, 3, 0);
        piece(&watch, i, 3, 3, 0);
    }
    CHECK_INT(watch.joined, 0);
    CHECK_INT(normaliser_pending(watch.normaliser), 0);
    piece(&watch, 1000, 1, 2, 0); /* one too many: the oldest goes */
    CHECK_INT(watch.joined, 1);
    CHECK_TEXT(str_of(watch.begin), "1;\n3;");
    CHECK_INT(normaliser_pending(watch.normaliser), 2);
    CHECK_INT(normaliser_incomplete(watch.normaliser), 1);
    flush(&watch, SCRIPT_WAIT_NS - 1);
    CHECK_INT(watch.joined, 1);
    flush(&watch, SCRIPT_WAIT_NS);
    CHECK_INT(watch.joined, SCRIPTS_MAX); /* the last one has a piece only */
    CHECK_INT(normaliser_incomplete(watch.normaliser), SCRIPTS_MAX + 1);
    CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    watch_end(&watch);
}

static void bytes_are_bounded(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (unsigned i = 0; i < 40; i++) { /* each holds its text, and its first record: 2 MiB and more */
        piece(&watch, i, 1, 9, (size_t)1 << 20);
        uint64_t held = watch.record - MIN(normaliser_pending(watch.normaliser), watch.record);
        CHECK(held <= SCRIPTS_TEXT_MAX >> 21);
    }
    CHECK_INT(watch.joined, 0);
    CHECK_INT(normaliser_incomplete(watch.normaliser), 40 - 15);
    watch_end(&watch);
}

static void sources_hosts_and_totals_stay_apart(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    piece(&watch, 1, 1, 2, 0);
    watch.source.id[0] = 1;
    piece(&watch, 1, 2, 2, 0);
    CHECK_INT(watch.joined, 0);
    piece(&watch, 1, 1, 3, 0);
    CHECK_INT(watch.joined, 0);
    watch.source.id[0] = 0;
    piece(&watch, 1, 2, 2, 0);
    CHECK_INT(watch.joined, 1);
    watch_end(&watch);
}

/* Without memory nothing is joined, and nothing else is lost. */
static void memory_may_fail(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    for (uint64_t fail = 1; fail < 12; fail++) {
        uint32_t pieces = watch.pieces;
        memory_fail_at(fail);
        for (unsigned i = 1; i <= 3; i++)
            piece(&watch, (unsigned)fail, i, 3, 70000);
        memory_fail_at(0);
        flush(&watch, SCRIPT_WAIT_NS);
        CHECK(watch.pieces >= pieces + 2);
        CHECK(normaliser_pending(watch.normaliser) == UINT64_MAX);
    }
    watch_end(&watch);
}

static void audit_line_of(struct watch *watch, const char *type, const char *rest)
{
    struct buf text CLEANUP(buf_done) = {0};
    int64_t at_s = RECEIVED_NS / 1000000000 + 600;
    buf_init(&text, 4096);
    buf_format(&text, "node=ws1 type=%s msg=audit(%lld.000:7): %s", type, (long long)at_s, rest);
    arena_reset(watch->arena);
    normaliser_record(watch->normaliser, &watch->source, watch->record++, at_s * 1000000000, buf_view(&text),
                      watch->arena, on_event, watch);
}

/* A block that has waited long enough when an audit record of its host comes does not cost that record its join. */
static void beside_audit(void)
{
    struct watch watch;
    if (!watch_begin(&watch))
        return;
    piece(&watch, 1, 1, 3, 0);
    piece(&watch, 1, 2, 3, 0);
    audit_line_of(&watch, "SYSCALL",
                  "arch=c000003e syscall=59 success=yes pid=2 auid=0 uid=0 comm=\"id\" exe=\"/bin/id\"");
    audit_line_of(&watch, "EXECVE", "argc=1 a0=\"id\"");
    audit_line_of(&watch, "EOE", "");
    CHECK_INT(watch.audits, 1);
    flush(&watch, INT64_C(1200000000000));
    CHECK_INT(watch.joined, 1);
    CHECK_INT(normaliser_incomplete(watch.normaliser), 1);
    watch_end(&watch);
}

static const struct test tests[] = {
    {"beside audit records of the same host", beside_audit},
    {"the order of pieces does not matter", order_does_not_matter},
    {"blocks that are too long come in parts", long_blocks_come_in_parts},
    {"the number of blocks is bounded, the oldest goes", blocks_are_bounded},
    {"their bytes are bounded", bytes_are_bounded},
    {"sources and totals stay apart", sources_hosts_and_totals_stay_apart},
    {"memory may fail", memory_may_fail},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
