/* What goes in comes out: records as odd as they can be made, in chains of blocks, in both tiers, cut and uncut. */
#include "archive/block.h"
#include "archive/dictionary.h"
#include "archive/pack.h"
#include "archive/query_block.h"
#include "archive/words.h"
#include "base/arena.h"
#include "base/test.h"
#include "codec/json.h"
#include "codec/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS   4000
#define LONG_MAX  ((size_t)64 << 10)
#define WORD_ROOM 64

struct bed {
    uint64_t random;
    struct names *names;
    struct arena *arena; /* of the records */
    struct leaf leaves[RECORDS];
    struct str raws[RECORDS];
    struct event events[RECORDS];
    bool derived[RECORDS];
    struct str rules[RECORDS][2];
    size_t rule_counts[RECORDS];
};

static struct bed bed;

static uint64_t dice(uint64_t sides)
{
    bed.random ^= bed.random << 13;
    bed.random ^= bed.random >> 7;
    bed.random ^= bed.random << 17;
    return bed.random % sides;
}

/* ---- texts ---- */

static void put_bytes(struct buf *out, size_t n, unsigned lowest, unsigned highest)
{
    for (size_t i = 0; i < n; i++)
        buf_char(out, (char)(lowest + dice(highest - lowest + 1)));
}

static void put_number(struct buf *out)
{
    static const char *const odd[] = {
        "0",  "00",  "007", "18446744073709551615", "18446744073709551616", "-1",        "1e9",
        "0x", "1.5", "+7",  "99999999999999999999", "01234567890123456789", "4294967296"};
    if (dice(3) == 0)
        buf_text(out, odd[dice(ARRAY_LEN(odd))]);
    else
        buf_format(out, "%llu", (unsigned long long)(dice(2) ? dice(1000) : bed.random >> dice(64)));
}

static void put_clock(struct buf *out)
{
    static const char *const odd[] = {
        "24:00:00", "23:59:60", "12:60:00", "1:2:3", "::", "00:00:00.", "07:08:09.12345678901"};
    if (dice(4) == 0)
        buf_text(out, odd[dice(ARRAY_LEN(odd))]);
    else
        buf_format(out, "%02u:%02u:%02u", (unsigned)dice(24), (unsigned)dice(60), (unsigned)dice(60));
    if (dice(2))
        buf_format(out, ".%0*u", (int)dice(9) + 1, (unsigned)dice(1000));
}

static void put_word(struct buf *out)
{
    static const char *const words[] = {"sshd",
                                        "Failed",
                                        "пользователь",
                                        "құпиясөз",
                                        "a",
                                        "",
                                        "session",
                                        "opened",
                                        "root",
                                        "\\\\server\\share",
                                        "\xff\xfe",
                                        "x=y",
                                        "<13>",
                                        "[42]",
                                        "\"quo\"",
                                        "{",
                                        "}",
                                        "-",
                                        "a.b.c",
                                        "a_b_c",
                                        "\t"};
    buf_text(out, words[dice(ARRAY_LEN(words))]);
}

static void put_part(struct buf *out)
{
    switch (dice(6)) {
    case 0:
        put_number(out);
        break;
    case 1:
        put_clock(out);
        break;
    case 2:
        put_bytes(out, dice(20), 0, 255);
        break;
    case 3:
        buf_format(out, "10.%u.%u.%u", (unsigned)dice(256), (unsigned)dice(256), (unsigned)dice(256));
        break;
    default:
        put_word(out);
        break;
    }
}

static void put_json_text(struct buf *out)
{
    static const char *const parts[] = {"C:\\\\Windows", "\\u0041\\u00e9", "\\\"", "\\n\\t",
                                        "plain",         "\\ud83d\\ude00", "\\/",  "42"};
    for (size_t i = 0; i < dice(4); i++)
        buf_text(out, parts[dice(ARRAY_LEN(parts))]);
}

/* A kind of message: the same words, other numbers; few kinds come again and again, others once. */
static void make_text(uint64_t kind, struct buf *out)
{
    switch (kind) {
    case 0:
        buf_format(out, "<%u>1 2026-11-27T%02u:%02u:%02uZ web%u sshd[%u]: Failed password for u%u from 10.0.%u.%u",
                   (unsigned)dice(190), (unsigned)dice(24), (unsigned)dice(60), (unsigned)dice(60), (unsigned)dice(9),
                   (unsigned)dice(65536), (unsigned)dice(50), (unsigned)dice(256), (unsigned)dice(256));
        break;
    case 1:
        buf_text(out, "{\"EventID\":");
        put_number(out);
        buf_text(out, ",\"Path\":\"");
        put_json_text(out);
        buf_text(out, "\",\"User\":\"");
        put_json_text(out);
        buf_text(out, "\"}");
        break;
    case 2:
        put_bytes(out, dice(3000), 0, 255);
        break;
    case 3:
        for (size_t i = 0; i < 450; i++) /* more slots than a form has */
            buf_format(out, "%u ", (unsigned)dice(1000));
        break;
    case 4:
        put_bytes(out, 16380 + dice(8), dice(2) ? 'a' : '0', 'z'); /* about the longest that is cut */
        break;
    case 5:
        put_bytes(out, dice(LONG_MAX), ' ', '~');
        break;
    case 6:
        break; /* empty */
    case 8:    /* words go on over times of day and other slots */
        buf_format(out, "2026-11-%02uT%02u:%02u:%02u%c%u %s/%s%u[%u]: x%uy at", (unsigned)dice(30), (unsigned)dice(24),
                   (unsigned)dice(60), (unsigned)dice(60), (char)('a' + dice(4)), (unsigned)dice(20),
                   dice(2) ? "mail" : "web", dice(2) ? "queue" : "smtp", (unsigned)dice(9), (unsigned)dice(99),
                   (unsigned)dice(500));
        for (unsigned i = 0; i < 4; i++)
            buf_format(out, "%02u:%02u:%02u%s", (unsigned)dice(24), (unsigned)dice(60), (unsigned)dice(60),
                       i % 2 ? "zulu " : "to");
        break;
    case 9: /* numbers of every length, and what is nearly one: each of other columns, and none comes again */
        buf_format(out, "serial %llu of %u at %u:%u is %04u", (unsigned long long)bed.random >> dice(64),
                   (unsigned)dice(100000000), (unsigned)dice(1000), (unsigned)dice(1000), (unsigned)dice(10000));
        break;
    default:
        for (size_t i = 0; i < 2 + dice(30); i++) {
            put_part(out);
            buf_char(out, " =:,;|\"[]()/"[dice(12)]);
        }
        break;
    }
}

/* ---- events ---- */

/* A value: a piece of raw, a piece of an earlier value, or text of its own. */
static struct str make_value(struct str raw, struct buf *room)
{
    size_t from = dice(raw.n + 1);
    struct str piece = str_slice(raw, from, from + dice(MIN(raw.n - from, (size_t)60) + 1));
    switch (dice(4)) {
    case 0:
        buf_clear(room);
        put_part(room);
        return arena_str(bed.arena, buf_view(room));
    case 1:
        return arena_str(bed.arena, piece); /* the same bytes, elsewhere */
    case 2:
        return STR("");
    default:
        return piece;
    }
}

/* What a parser of JSON makes of an escaped text. */
static struct str make_json_value(struct str raw)
{
    struct json_value *value = NULL;
    if (json_parse(bed.arena, raw, 4, &value, NULL) != RC_OK)
        return STR("");
    return json_str(json_get(value, dice(2) ? "Path" : "User"), STR(""));
}

static void make_event(struct event *event, const struct leaf *leaf, struct str raw, struct buf *room)
{
    static const char *const parsers[] = {"rfc5424", "json", ""};
    *event =
        (struct event){.raw = raw,
                       .record = leaf->index,
                       .time_ns = dice(3) ? leaf->received_ns - (int64_t)dice(5) * 1000000000 : (int64_t)bed.random,
                       .received_ns = leaf->received_ns,
                       .parser = parsers[dice(3)],
                       .flags = (uint32_t)dice(8)};
    event->field_count = (uint32_t)(dice(20) ? dice(12) : dice(EVENT_FIELDS_MAX));
    event->fields = arena_alloc_array(bed.arena, event->field_count + 1, sizeof *event->fields);
    for (uint32_t i = 0; i < event->field_count; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "field%u", (unsigned)dice(30));
        struct str before = i ? event->fields[dice(i)].value : STR("");
        event->fields[i] = (struct event_field){.name = names_put(bed.names, str_at(name, (size_t)n)),
                                                .type = EVENT_STRING,
                                                .value = dice(5) ? make_value(raw, room) : before};
        if (dice(2) && str_starts(raw, STR("{\"EventID")))
            event->fields[i].value = make_json_value(raw);
    }
    for (uint32_t i = 0; i < STATUTORY_COUNT; i++) {
        if (dice(3) == 0)
            event->statutory[i] = make_value(raw, room);
        else if (dice(3) == 0 && event->field_count)
            event->statutory[i] = event->fields[dice(event->field_count)].value;
    }
}

static void make_records(uint64_t seed)
{
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 2 * LONG_MAX);
    bed.random = seed;
    arena_reset(bed.arena);
    static const uint64_t common[] = {0, 1, 7, 8, 9};
    uint64_t number = dice(1000000);
    int64_t now = 1795000000000000000;
    for (size_t i = 0; i < RECORDS; i++) {
        struct leaf *leaf = &bed.leaves[i];
        buf_clear(&text);
        make_text(dice(20) ? common[dice(ARRAY_LEN(common))] : dice(9), &text);
        bed.raws[i] = arena_str(bed.arena, buf_view(&text));
        now += (int64_t)dice(3) * 1000000;
        *leaf = (struct leaf){.type = text.n > LEAF_RAW_MAX ? LEAF_DIGEST : LEAF_RAW,
                              .index = number,
                              .received_ns = dice(100) ? now : (int64_t)bed.random,
                              .received_boot_ns = dice(100) ? (uint64_t)now / 3 : bed.random,
                              .epoch = dice(50) ? 1 : bed.random,
                              .sequence = dice(50) ? i : bed.random,
                              .source_ns = dice(2) ? now - 5 : 0,
                              .clock_error_us = dice(20) ? 100 : (uint32_t)bed.random,
                              .transport = (uint16_t)dice(3),
                              .raw_length = (uint32_t)text.n};
        leaf->source[0] = (uint8_t)dice(4);
        number += 1 + (dice(30) ? 0 : dice(1000));
        bed.derived[i] = dice(10) != 0;
        make_event(&bed.events[i], leaf, bed.raws[i], &text);
        bed.rule_counts[i] = dice(20) ? 0 : dice(3);
        bed.rules[i][0] = STR("rule-a");
        bed.rules[i][1] = str_slice(STR("rule-bcdefg"), 0, 6 + dice(5));
    }
}

/* ---- there and back ---- */

static void check_record(struct block *block, const struct names *names, uint32_t position, size_t i)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct leaf leaf;
    struct str raw;
    struct str rules[4];
    struct event got;
    const struct event *want = &bed.events[i];
    uint8_t headers[2][LEAF_HEADER_SIZE];
    block_leaf(block, position, &leaf, &raw);
    leaf_write(&leaf, headers[0]);
    leaf_write(&bed.leaves[i], headers[1]);
    CHECK_STR(str_at(headers[0], sizeof headers[0]), str_at(headers[1], sizeof headers[1]));
    CHECK_STR(raw, bed.raws[i]);
    CHECK_INT(block_rules(block, position, rules, ARRAY_LEN(rules)), bed.rule_counts[i]);
    for (size_t k = 0; k < bed.rule_counts[i]; k++)
        CHECK_STR(rules[k], bed.rules[i][k]);
    block_event(block, position, fields, &got);
    if (!bed.derived[i]) {
        CHECK_INT(got.field_count, 0);
        CHECK_INT(got.time_ns, leaf.received_ns);
        return;
    }
    CHECK_INT(got.time_ns, want->time_ns);
    CHECK_INT(got.flags, want->flags);
    CHECK_TEXT(str_of(got.parser), want->parser);
    CHECK_INT(got.field_count, want->field_count);
    for (uint32_t k = 0; k < STATUTORY_COUNT; k++)
        CHECK_STR(got.statutory[k], want->statutory[k]);
    for (uint32_t k = 0; k < got.field_count; k++) {
        CHECK_STR(fields[k].value, want->fields[k].value);
        CHECK_STR(names_text(names, fields[k].name), names_text(bed.names, want->fields[k].name));
    }
}

/* A word of the text around a place, or a part of it, folded as a search has it; empty where no word stands. */
static struct str some_word(struct str text, char room[WORD_ROOM])
{
    size_t from = dice(text.n + 1);
    size_t to = from;
    while (from > 0 && word_char(text.p[from - 1]))
        from--;
    while (to < text.n && word_char(text.p[to]))
        to++;
    struct str word = str_slice(text, from, MIN(to, from + WORD_ROOM));
    bool whole = dice(2) || scan_ascii(word.p, word.n) < word.n; /* a letter of two bytes is not cut */
    if (!whole)
        word = str_slice(word, dice(word.n + 1), word.n - dice(word.n / 2 + 1));
    word_fold_text(word, room);
    return str_at(room, to - from > WORD_ROOM ? 0 : word.n);
}

/* What forms and values say of the records that may hold a word never leaves one out that does. */
static void check_candidates(struct block *block, size_t from)
{
    static uint64_t bits[BITS_WORDS];
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)64 << 20);
    for (uint32_t i = 0; i < block_count(block); i += 1 + (uint32_t)dice(4)) {
        char room[WORD_ROOM];
        struct str word = some_word(bed.raws[from + i], room);
        const struct query_needle needle = {.text = word, .open_start = true, .open_end = true};
        if (!word.n)
            continue;
        arena_reset(arena);
        memset(bits, 0xff, sizeof bits);
        bits_clear(bits, block_count(block), BLOCK_RECORDS_MAX);
        CHECK_INT(block_candidates(block, &needle, arena, bits, NULL), RC_OK);
        test_row("record %zu, word %.*s", from + i, STR_ARG(word));
        CHECK(bits_next(bits, i, i + 1) == i);
    }
}

/* Decodes one block, in one go or record by record, and compares it with the records that went in. */
static void check_block(struct str bytes, const struct dictionary *dictionary, size_t from, bool by_rows)
{
    struct names *names = names_new(9);
    struct arena *arena CLEANUP(arena_cleanup) = block_arena_new((size_t)256 << 20);
    struct block *block = NULL;
    struct err err = {0};
    struct block_bytes of = {bytes, dictionary, names};
    CHECK_INT(block_decode(&of, by_rows ? BLOCK_LAZY : BLOCK_ALL, arena, &block, &err), RC_OK);
    CHECK_TEXT(str_of(err.text), "");
    check_candidates(block, from);
    for (uint32_t i = 0; i < block_count(block); i++) {
        test_row("record %zu", from + i);
        if (by_rows)
            CHECK_INT(block_row_open(block, i, &err), RC_OK);
        check_record(block, names, i, from + i);
    }
    if (!by_rows)
        CHECK_INT(block_check_times(block, &err), RC_OK);
    names_free(names);
}

static void take_delta(struct dictionary *dictionary, struct str bytes)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * DICTIONARY_PLAIN_MAX);
    struct block_info info;
    struct block_trailer trailer;
    struct str delta;
    CHECK_INT(block_info_read(bytes, &info, NULL), RC_OK);
    CHECK_INT(block_trailer_read(bytes, &info, &trailer, NULL), RC_OK);
    CHECK_INT(unpack(trailer.delta, DICTIONARY_PLAIN_MAX, arena, &delta, NULL), RC_OK);
    CHECK_INT(dictionary_add(dictionary, delta, NULL), RC_OK);
}

static uint64_t chain_id(struct str bytes)
{
    struct block_info info;
    CHECK_INT(block_info_read(bytes, &info, NULL), RC_OK);
    return info.chain;
}

static void there_and_back(uint64_t seed, enum block_tier tier, enum block_plain plain)
{
    const uint64_t key[2] = {seed, 4};
    struct buf out CLEANUP(buf_done) = {0};
    struct dictionary *dictionary = NULL;
    struct err err = {0};
    uint64_t chain = 0;
    make_records(seed);
    for (size_t i = 0; plain == BLOCK_PLAIN_ALONE && i < RECORDS; i++)
        bed.derived[i] = false;
    struct block_builder *builder = block_builder_new(bed.names, key);
    block_builder_tier(builder, tier);
    block_builder_plain(builder, plain);
    buf_init(&out, BLOCK_SIZE_MAX);
    size_t from = 0;
    for (size_t i = 0; i <= RECORDS; i++) {
        size_t length = i - from;
        enum rc rc = i == RECORDS || length >= 700
                         ? RC_LIMIT
                         : block_builder_add(builder, &bed.leaves[i], bed.raws[i],
                                             bed.derived[i] || plain == BLOCK_PLAIN_ALONE ? &bed.events[i] : NULL,
                                             bed.rules[i], bed.rule_counts[i]);
        if (rc == RC_OK)
            continue;
        test_row("seed %llu, records %zu to %zu", (unsigned long long)seed, from, i);
        CHECK_INT(rc, RC_LIMIT);
        buf_clear(&out);
        CHECK_INT(block_builder_finish(builder, &out, &err), RC_OK);
        if (!dictionary || chain_id(buf_view(&out)) != chain) {
            dictionary_free(dictionary);
            dictionary = dictionary_new(NULL);
            chain = chain_id(buf_view(&out));
        }
        take_delta(dictionary, buf_view(&out));
        check_block(buf_view(&out), dictionary, from, (from / 700) % 2);
        from = i;
        i -= i < RECORDS;
        if (dice(6) == 0)
            block_builder_segment(builder, key); /* another chain */
    }
    dictionary_free(dictionary);
    block_builder_free(builder);
}

static void begin(void)
{
    bed.names = names_new(1);
    bed.arena = arena_new((size_t)512 << 20);
    CHECK(bed.names && bed.arena);
}

static void end(void)
{
    names_free(bed.names);
    arena_free(bed.arena);
}

/* What was decoded is encoded to a block of the same size: that two values are one, or stand in raw, is not lost. */
static void encode_again(struct block_builder *again, struct str bytes, const struct dictionary *dictionary)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    static struct str rules[EVENT_FIELDS_MAX];
    struct arena *arena CLEANUP(arena_cleanup) = block_arena_new((size_t)256 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct block *block = NULL;
    struct block_info info;
    struct err err = {0};
    CHECK_INT(block_decode(&(struct block_bytes){bytes, dictionary, bed.names}, BLOCK_ALL, arena, &block, &err), RC_OK);
    for (uint32_t i = 0; i < block_count(block); i++) {
        struct leaf leaf;
        struct str raw;
        struct event event;
        block_leaf(block, i, &leaf, &raw);
        block_event(block, i, fields, &event);
        size_t count = block_rules(block, i, rules, EVENT_FIELDS_MAX);
        bool derived = event.flags || event.parser[0];
        CHECK_INT(block_builder_add(again, &leaf, raw, derived ? &event : NULL, rules, count), RC_OK);
    }
    buf_init(&out, 2 * BLOCK_SIZE_MAX);
    CHECK_INT(block_builder_finish(again, &out, &err), RC_OK);
    CHECK_INT(block_info_read(bytes, &info, &err), RC_OK);
    uint32_t size = info.size;
    CHECK_INT(block_info_read(buf_view(&out), &info, &err), RC_OK);
    CHECK_INT(info.size, size);
}

/* As Windows events are: values with backslashes, and the same ones as statutory fields. */
static void make_paths(void)
{
    static const char *const names[] = {"Path", "User"};
    char text[256];
    for (size_t i = 0; i < RECORDS; i++) {
        struct event *event = &bed.events[i];
        struct json_value *value = NULL;
        int n =
            snprintf(text, sizeof text, "{\"EventID\":%zu,\"Path\":\"C:\\\\Windows\\\\a%u.exe\",\"User\":\"D\\\\u%u\"}",
                     i % 9, (unsigned)dice(90000), (unsigned)dice(300));
        bed.raws[i] = arena_str(bed.arena, str_at(text, (size_t)n));
        bed.leaves[i].type = LEAF_RAW;
        bed.leaves[i].raw_length = (uint32_t)n;
        bed.derived[i] = true;
        *event = (struct event){.raw = bed.raws[i], .record = bed.leaves[i].index, .parser = "json", .flags = 1};
        event->fields = arena_alloc_array(bed.arena, ARRAY_LEN(names), sizeof *event->fields);
        CHECK_INT(json_parse(bed.arena, bed.raws[i], 4, &value, NULL), RC_OK);
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            event->fields[event->field_count++] = (struct event_field){
                .name = names_put(bed.names, str_of(names[k])), .value = json_str(json_get(value, names[k]), STR(""))};
        event->statutory[STATUTORY_OBJECT] = event->fields[0].value;
        event->statutory[STATUTORY_ACCOUNT] = event->fields[1].value;
    }
}

static void again(void)
{
    const uint64_t key[2] = {3, 4};
    struct buf out CLEANUP(buf_done) = {0};
    struct err err = {0};
    begin();
    make_records(4711);
    make_paths();
    struct block_builder *builders[2] = {block_builder_new(bed.names, key), block_builder_new(bed.names, key)};
    struct dictionary *dictionary = dictionary_new(bed.names);
    buf_init(&out, 2 * BLOCK_SIZE_MAX);
    for (size_t from = 0; from + 500 <= RECORDS; from += 500) {
        test_row("records from %zu", from);
        for (size_t i = from; i < from + 500; i++)
            CHECK_INT(block_builder_add(builders[0], &bed.leaves[i], bed.raws[i],
                                        bed.derived[i] ? &bed.events[i] : NULL, bed.rules[i], bed.rule_counts[i]),
                      RC_OK);
        buf_clear(&out);
        CHECK_INT(block_builder_finish(builders[0], &out, &err), RC_OK);
        take_delta(dictionary, buf_view(&out));
        encode_again(builders[1], buf_view(&out), dictionary);
    }
    dictionary_free(dictionary);
    for (size_t i = 0; i < 2; i++)
        block_builder_free(builders[i]);
    end();
}

static void hot(void)
{
    begin();
    for (uint64_t seed = 1; seed <= 3; seed++)
        there_and_back(seed * 1234567, BLOCK_HOT, BLOCK_PLAIN_NOT);
    end();
}

static void cold(void)
{
    begin();
    there_and_back(99991, BLOCK_COLD, BLOCK_PLAIN_NOT);
    end();
}

static void uncut(void)
{
    begin();
    there_and_back(77773, BLOCK_HOT, BLOCK_PLAIN_WHOLE);
    there_and_back(77773, BLOCK_HOT, BLOCK_PLAIN_ALONE);
    end();
}

/* More kinds of messages, each of hundreds of slots, than the tables hold: blocks end early, and all goes on. */
static void kinds_without_end(void)
{
    const uint64_t key[2] = {5, 6};
    struct buf text CLEANUP(buf_done) = {0};
    struct buf out CLEANUP(buf_done) = {0};
    struct err err = {0};
    begin();
    buf_init(&text, 4096);
    buf_init(&out, BLOCK_SIZE_MAX);
    struct block_builder *builder = block_builder_new(bed.names, key);
    uint64_t blocks = 0;
    for (uint64_t i = 0; i < 12000; i++) {
        buf_clear(&text);
        for (uint64_t bits = i + (1u << 14), k = 0; k < 390; k++)
            buf_text(&text, (bits >> (k % 15) & 1) && k < 15 ? "1, " : "1 ");
        struct leaf leaf = {.type = LEAF_RAW, .index = i, .raw_length = (uint32_t)text.n};
        enum rc rc = block_builder_add(builder, &leaf, buf_view(&text), NULL, NULL, 0);
        if (rc == RC_LIMIT) {
            buf_clear(&out);
            CHECK_INT(block_builder_finish(builder, &out, &err), RC_OK);
            blocks++;
            rc = block_builder_add(builder, &leaf, buf_view(&text), NULL, NULL, 0);
        }
        test_row("record %llu", (unsigned long long)i);
        CHECK_INT(rc, RC_OK);
    }
    CHECK(blocks > 3);
    block_builder_free(builder);
    end();
}

static const struct test tests[] = {
    {"hot", hot}, {"cold", cold}, {"again", again}, {"uncut", uncut}, {"kinds without end", kinds_without_end},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
