/* The block engine against its stupid twin: random queries over random blocks, record by record as query_matches says;
 * keys by columns against keys of rows; tables, sorted and chosen events against rows counted by hand. */
#include "archive/query_block.h"
#include "archive/reader_state.h"
#include "archive/search.h"
#include "archive/testbed.h"
#include "archive/words.h"
#include "base/arena.h"
#include "base/civil.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS      400
#define BLOCKS       12
#define QUERIES      150
#define SOURCES      3
#define RECORD_BYTES 20000

static uint64_t state = 20261127;

static uint32_t dice(uint32_t sides)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % sides;
}

/* Words that meet one another at borders, in both cases, in Cyrillic, and bytes that are no text. */
static const char *const vocabulary[] = {
    "failed",
    "Failed",
    "FAIL",
    "fail",
    "password",
    "root",
    "adm",
    "admin",
    "10.0.0.1",
    "10.1.2.3",
    "192.168.0.7",
    "443",
    "22",
    "4.5",
    "-7",
    "x",
    "_y",
    "\xd0\x96\xd0\xb0\xd0\xa2",
    "\xd0\xb6\xd0\xb0\xd1\x82",
    "\xd2\x9a\xd0\x96",
    "\xd0",
    "\x90",
    "\xff\xfe",
    "a.b",
    "a-b",
    "::1",
    "",
    "success",
    "failure",
    "\t",
    "\"",
};

static const char *const separators[] = {" ", " ", "", "=", "/", ".", "_", ","};

static const char *const field_names[] = {"user", "User", "port", "host", "src", "parser", "Extra", "\xd0\x96"};

static const char *pick(const char *const *list, size_t count)
{
    return list[dice((uint32_t)count)];
}
#define PICK(list) pick((list), ARRAY_LEN(list))

static struct str random_text(struct buf *out, uint32_t words)
{
    size_t start = out->n;
    for (uint32_t i = 0; i < words; i++) {
        buf_text(out, PICK(vocabulary));
        buf_text(out, PICK(separators));
    }
    return str_slice(buf_view(out), start, out->n);
}

/* ---- random records ---- */

static struct event_field fields[EVENT_FIELDS_MAX];

/* A value: cut out of raw anywhere, or made up, or empty. */
static struct str random_value(struct str raw, struct arena *arena)
{
    char room[128];
    struct buf out;
    buf_init_fixed(&out, room, sizeof room);
    uint32_t from = dice((uint32_t)raw.n + 1);
    switch (dice(4)) {
    case 0:
        return STR("");
    case 1:
        return str_slice(raw, from, from + dice(12));
    default:
        IGNORE(random_text(&out, dice(3)).n == 0); /* looked at below */
        return arena_str(arena, buf_view(&out));
    }
}

static void random_event(struct names *names, struct str raw, struct arena *arena, struct event *ret_event)
{
    struct event *e = ret_event;
    memset(e, 0, sizeof *e);
    e->raw = raw;
    e->time_ns = TESTBED_TIME + (int64_t)dice(1000000) * 1000000;
    e->parser = dice(2) ? "test" : "syslog";
    e->flags = EVENT_ARCHIVE;
    e->fields = fields;
    e->field_count = dice(5);
    for (uint32_t i = 0; i < e->field_count; i++)
        fields[i] = (struct event_field){.name = names_put(names, str_of(PICK(field_names))),
                                         .value = random_value(raw, arena)};
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        if (!dice(3))
            e->statutory[i] = random_value(raw, arena);
    if (!dice(3))
        e->statutory[STATUTORY_OUTCOME] = STR("failure");
}

static void random_block(struct names *names, struct arena *arena, uint64_t first, struct buf *ret_block)
{
    static char bytes[RECORD_BYTES + 4096];
    static const char *const rules[] = {"r1", "r2", "Rule-3", "failed"};
    const uint64_t key[2] = {1, 2};
    struct block_builder *builder = block_builder_new(names, key);
    struct err err = {0};
    uint64_t number = first;
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct buf raw;
        struct event event;
        struct str hits[20];
        buf_init_fixed(&raw, bytes, sizeof bytes);
        if (!dice(100))
            while (raw.n < QUERY_WINDOW - 40 + dice(80))
                buf_text(&raw, "filler. ");
        IGNORE(random_text(&raw, dice(10)).n == 0); /* into raw */
        struct leaf leaf = {.type = dice(9) ? LEAF_RAW : LEAF_LIFECYCLE,
                            .index = number,
                            .source = {(uint8_t)(dice(SOURCES) + 1)},
                            .transport = dice(2) ? TRANSPORT_UDP : TRANSPORT_FILE,
                            .received_ns = TESTBED_TIME + i,
                            .raw_length = (uint32_t)raw.n};
        number += 1 + dice(2);
        size_t hit_count = dice(3) ? 0 : dice(20);
        for (size_t k = 0; k < hit_count; k++)
            hits[k] = str_of(PICK(rules));
        random_event(names, buf_view(&raw), arena, &event);
        CHECK_INT(block_builder_add(builder, &leaf, buf_view(&raw), dice(10) ? &event : NULL, hits, hit_count), RC_OK);
    }
    CHECK_INT(block_builder_finish(builder, ret_block, &err), RC_OK);
    block_builder_free(builder);
}

/* ---- random queries ---- */

static void put_quoted(struct buf *out, struct str text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, text.p[i]);
    }
    buf_char(out, '"');
}

static void random_wild(struct buf *out)
{
    static const char *const pieces[] = {"*", "?", "fail", "a", "ed", "1", "\xd0\xb6", ".", "pass*rd", "FAIL"};
    buf_char(out, dice(2) ? 'a' : 'f'); /* a or f: never empty, never an operator */
    for (uint32_t i = 0; i < 1 + dice(3); i++)
        buf_text(out, PICK(pieces));
}

static void random_term(struct buf *out)
{
    static const char *const names[] = {"user", "port",   "host", "src",  "extra",     "outcome", "object", "\xd0\xb6",
                                        "rule", "parser", "type", "none", "transport", "source",  "record", "kind"};
    static const char *const bare[] = {"fail",      "failed", "FAILED", "10.0.0.1", "adm*",
                                       "*ailed",    "f?iled", "*a*",    "success",  "443",
                                       "root",      "a.b",    "*",      "?",        "failure",
                                       "x",         "fa*d",   "udp",    "r1",       "rule*",
                                       "test",      "sys*",   "raw",    "web*",     "\xd0\xb6\xd0\xb0\xd1\x82",
                                       "\xd0\xb6*", "12*",    "*_y",    "?",        "udp"};
    static const char *const compares[] = {"<", ">", "<=", ">="};
    char text[128];
    struct buf phrase;
    buf_init_fixed(&phrase, text, sizeof text);
    if (dice(2))
        buf_format(out, "%s%s", PICK(names), dice(4) ? ":" : PICK(compares));
    bool number = out->n && strchr("<>=", out->p[out->n - 1]);
    switch (number ? 9 : dice(5)) {
    case 0:
        buf_text(&phrase, PICK(vocabulary));
        buf_text(&phrase, PICK(separators));
        buf_text(&phrase, PICK(vocabulary));
        put_quoted(out, phrase.n ? buf_view(&phrase) : STR("x"));
        return;
    case 1:
        random_wild(out);
        return;
    case 2:
        buf_format(out, "10.%u.0.0/%u", dice(2), dice(33));
        return;
    case 9:
        buf_format(out, "%d", (int)dice(500) - 20);
        return;
    default:
        buf_text(out, PICK(bare));
        return;
    }
}

static void random_query(struct buf *out)
{
    uint32_t terms = 1 + dice(4);
    uint32_t open = 0;
    for (uint32_t i = 0; i < terms; i++) {
        if (i)
            buf_text(out, dice(3) ? " " : dice(2) ? " or " : " and ");
        if (!dice(4))
            buf_text(out, "not ");
        if (!dice(4)) {
            buf_char(out, '(');
            open++;
        }
        random_term(out);
        if (open && dice(2)) {
            buf_char(out, ')');
            open--;
        }
    }
    while (open--)
        buf_char(out, ')');
}

/* ---- the twins ---- */

struct twins {
    struct testbed bed;
    struct archive_reader *reader;
    struct arena *arena;
    struct block *block;
    struct block_search search;
    struct archive_hit hit;
    struct event_field room[EVENT_FIELDS_MAX];
    uint64_t pairs;
    uint64_t matches;
    uint64_t columns_only;
};

static struct twins t;

static void twins_open(void)
{
    struct archive_reader_options options = {0};
    testbed_make(&t.bed);
    options.names = t.bed.names;
    testbed_ok(&t.bed, testbed_open(&t.bed, 1 << 20, false));
    for (uint8_t i = 1; i < SOURCES; i++) { /* the last one was never introduced */
        struct event_source source = {.kind = STR("udp"), .name = i == 1 ? STR("Web1") : STR("db2"), .id = {i}};
        testbed_ok(&t.bed, archive_source(t.bed.archive, &source, TESTBED_TIME, 0, &t.bed.err));
    }
    testbed_ok(&t.bed, testbed_put(&t.bed, 1, true));
    testbed_ok(&t.bed, archive_reader_open(t.bed.io, t.bed.folder, &options, &t.reader, &t.bed.err));
    t.arena = block_arena_new((size_t)256 << 20);
}

static void twins_close(void)
{
    archive_reader_close(t.reader);
    arena_free(t.arena);
    testbed_remove(&t.bed);
}

static void search_begin(void)
{
    t.search = (struct block_search){
        .block = t.block, .reader = t.reader, .names = t.bed.names, .arena = t.arena, .fields = t.room, .hit = &t.hit};
}

/* A block on its own page of memory would do; the shared room of the hit must not matter to the rows looked at here. */
static void compare(const char *text, const struct query *query)
{
    uint64_t *bits = NULL;
    struct err err = {0};
    struct arena_mark mark = arena_mark(t.arena);
    test_row("%s", text);
    search_begin();
    if (!CHECK_INT(block_search_run(&t.search, query, &bits, &err), RC_OK))
        return;
    t.columns_only += !t.search.used_raw && !t.search.used_rows;
    uint32_t count = block_count(t.block);
    for (uint32_t i = 0; i < count; i++) {
        CHECK_INT(archive_reader_fill_block(t.reader, t.block, i, t.room, &t.hit), RC_OK);
        bool want = query_matches(query, &t.hit, t.bed.names);
        bool have = bits[i / 64] >> (i % 64) & 1;
        t.pairs++;
        t.matches += want;
        if (want != have) {
            CHECK_INT(have, want);
            return;
        }
    }
    CHECK_INT(bits_count(bits, count), bits_count(bits, (count + 63) / 64 * 64));
    arena_rewind(t.arena, mark);
}

static void compare_random(void)
{
    struct arena *own = arena_new(1 << 20);
    for (uint32_t i = 0; i < QUERIES; i++) {
        char room[2048];
        struct buf text;
        struct query *query = NULL;
        struct err err = {0};
        buf_init_fixed(&text, room, sizeof room - 1);
        random_query(&text);
        arena_reset(own);
        const char *shown = buf_z(&text);
        test_row("%s", shown);
        if (CHECK_INT(query_parse(buf_view(&text), TESTBED_TIME, 0, own, &query, &err), RC_OK))
            compare(shown, query);
    }
    arena_free(own);
}

static void compare_keys(void)
{
    static const char *const names[] = {"user", "host",   "src",    "Extra",  "outcome",   "none", "rule",
                                        "type", "parser", "record", "source", "transport", "raw",  "\xd0\x96"};
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        struct err err = {0};
        struct arena *own = arena_new(1 << 20);
        struct query *query = NULL;
        struct block_values values;
        char text[64];
        char room[QUERY_CELL_MAX];
        int64_t number;
        snprintf(text, sizeof text, "| count by %s", names[n]);
        test_row("%s", text);
        CHECK_INT(query_parse(str_of(text), 0, 0, own, &query, &err), RC_OK);
        search_begin();
        CHECK_INT(block_search_key(&t.search, &query->by[0], &values, &err), RC_OK);
        CHECK_INT(values.value[0].n, 0);
        for (uint32_t i = 0; i < block_count(t.block); i++) {
            CHECK_INT(archive_reader_fill_block(t.reader, t.block, i, t.room, &t.hit), RC_OK);
            struct str want = query_key_text(&query->by[0], &t.hit, t.bed.names, room, &number);
            if (!CHECK(values.of[i] < values.count && str_eq(values.value[values.of[i]], want)))
                break;
        }
        arena_free(own);
    }
}

static void blocks_as_rows(void)
{
    twins_open();
    for (uint32_t b = 0; b < BLOCKS; b++) {
        struct buf bytes CLEANUP(buf_done) = {0};
        struct arena *own = arena_new(8 << 20);
        buf_init(&bytes, BLOCK_SIZE_MAX);
        random_block(t.bed.names, own, 1 + dice(1000), &bytes);
        arena_reset(t.arena);
        struct arena *block CLEANUP(arena_cleanup) = arena_new((size_t)4 << 30); /* what is decoded later stays */
        testbed_ok(&t.bed, block_decode(&(struct block_bytes){buf_view(&bytes), NULL, t.bed.names}, BLOCK_LAZY, block,
                                        &t.block, &t.bed.err));
        compare_keys();
        compare_random();
        arena_free(own);
    }
    twins_close();
    test_row("pairs");
    CHECK(t.pairs >= 300000);
    CHECK(t.matches > t.pairs / 20 && t.matches < t.pairs - t.pairs / 20); /* both outcomes were tried */
    CHECK(t.columns_only > 20);
}

static const struct test tests[] = {
    {"blocks as rows", blocks_as_rows},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
