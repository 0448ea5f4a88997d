/* Remembered layouts and the wide instructions of the processor change nothing but the time: with and without them a
 * block has the same bytes. */
#include "archive/block_state.h"
#include "base/test.h"

#include <string.h>

#define RECORDS 6000
#define TEXT    400

static uint64_t random_state;

static uint64_t dice(uint64_t sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % sides;
}

struct bed {
    struct names *names;
    struct arena *arena;
    struct str raw;
    struct event event;
    struct event_field fields[EVENT_FIELDS_MAX];
};

static void make_raw(struct bed *bed, uint64_t kind)
{
    static const char *const people[] = {"root", "www-data", "a.b", "x", "қолданушы", "u1", "two words", "c:\\temp"};
    char room[TEXT];
    struct buf text;
    buf_init_fixed(&text, room, sizeof room);
    const char *who = people[dice(ARRAY_LEN(people))];
    unsigned n = (unsigned)dice(3) ? (unsigned)dice(100000) : (unsigned)dice(10);
    if (kind == 0)
        buf_format(&text, "<%u>Nov %u %02u:%02u:%02u db%u sshd[%u]: Failed password for %s from 10.0.%u.%u port %u",
                   n % 190, n % 28 + 1, n % 24, n % 60, n % 59, n % 9, n, who, n % 256, n % 255, n);
    else if (kind == 1)
        buf_format(&text, "{\"EventID\":%u,\"User\":\"%s\",\"Path\":\"C:\\\\Temp\\\\%u\",\"Ok\":true}", n, who, n);
    else if (kind == 2)
        buf_format(&text, "type=SYSCALL msg=audit(17%u.%u:%u): pid=%u auid=%u comm=\"%s\" exe=\"/usr/bin/%s\"", n,
                   n % 999, n, n, n % 10, who, who);
    else
        buf_format(&text, "%s %u%s%u x%uy at %02u:%02u:%02uzulu", who, n, n % 2 ? "." : "", n, n, n % 24, n % 60,
                   n % 60);
    bed->raw = arena_str(bed->arena, buf_view(&text));
}

/* The i-th text between separators. */
static struct str part(struct str raw, size_t i)
{
    size_t at = 0;
    for (;; i--) {
        while (at < raw.n && strchr(" =:\",{}[]()<>", raw.p[at]))
            at++;
        size_t from = at;
        while (at < raw.n && !strchr(" =:\",{}[]()<>", raw.p[at]))
            at++;
        if (i == 0 || at == raw.n)
            return str_slice(raw, from, at);
    }
}

/* As a parser fills it, the same way for a kind; now and then one value is another. */
static void make_event(struct bed *bed, uint64_t kind)
{
    static const char *const outcomes[] = {"success", "failure", "2026-11-27T10:00:00Z",
                                           "a text that is longer than a constant"};
    struct event *event = &bed->event;
    uint32_t odd = dice(4) ? UINT32_MAX : (uint32_t)dice(12);
    *event = (struct event){.raw = bed->raw, .time_ns = 5, .received_ns = 6, .fields = bed->fields};
    event->parser = kind == 1 ? arena_strz(bed->arena, STR("json")) : "syslog3164";
    event->flags = dice(50) ? EVENT_ARCHIVE : EVENT_MATCH;
    event->field_count = 6;
    for (uint32_t i = 0; i < event->field_count; i++) {
        char name[8] = {'f', (char)('a' + i), (char)('0' + kind)};
        struct event_field *field = &bed->fields[i];
        *field = (struct event_field){names_put(bed->names, str_of(name)), EVENT_STRING, part(bed->raw, 2 * i)};
        if (i == odd && dice(2))
            field->value = str_slice(bed->raw, dice(bed->raw.n), bed->raw.n - dice(bed->raw.n / 2));
        else if (i == odd && field->value.n) /* begins where it always does, and goes on to the end */
            field->value = str_at(field->value.p, bed->raw.n - (size_t)(field->value.p - bed->raw.p));
        if (i == 4 || (i == 3 && kind == 3) || i == odd + 6)
            field->value = arena_str(bed->arena, field->value); /* derived: unescaped, say */
        if (i == 5 && dice(2))
            field->value = bed->fields[3 + dice(2)].value; /* the same again */
        if (i == odd && dice(2))
            field->type = EVENT_NUMBER;
    }
    for (uint32_t i = 0; i < 5; i++)
        event->statutory[2 * i] = bed->fields[i].value;
    event->statutory[STATUTORY_OUTCOME] = str_of(outcomes[dice(odd == 3 ? 4 : 2)]);
    event->statutory[STATUTORY_KIND] = dice(2) ? event->statutory[STATUTORY_OUTCOME] : STR("login");
}

/* The same record into both builders; one knows nothing of earlier records. */
static void add(struct bed *bed, struct block_builder *remembers, struct block_builder *forgets, size_t i)
{
    uint64_t kind = dice(4);
    arena_reset(bed->arena);
    make_raw(bed, kind);
    make_event(bed, kind);
    struct leaf leaf = {.type = LEAF_RAW, .index = i, .sequence = i, .raw_length = (uint32_t)bed->raw.n};
    layouts_clear(&forgets->layouts);
    CHECK_INT(block_builder_add(remembers, &leaf, bed->raw, &bed->event, NULL, 0), RC_OK);
    CHECK_INT(block_builder_add(forgets, &leaf, bed->raw, &bed->event, NULL, 0), RC_OK);
}

static void finish(struct block_builder *remembers, struct block_builder *forgets)
{
    struct buf one CLEANUP(buf_done) = {0};
    struct buf other CLEANUP(buf_done) = {0};
    struct err err;
    buf_init(&one, BLOCK_SIZE_MAX);
    buf_init(&other, BLOCK_SIZE_MAX);
    CHECK_INT(block_builder_finish(remembers, &one, &err), RC_OK);
    CHECK_INT(block_builder_finish(forgets, &other, &err), RC_OK);
    CHECK_STR(buf_view(&one), buf_view(&other));
}

static size_t remembered(const struct block_builder *b)
{
    size_t count = 0;
    for (size_t i = 0; i < LAYOUT_SLOTS; i++)
        count += b->layouts.slots[i].hash != 0;
    return count;
}

static void same_bytes(void)
{
    static struct bed bed;
    const uint64_t key[2] = {11, 12};
    bed = (struct bed){.names = names_new(1), .arena = arena_new((size_t)1 << 20)};
    struct block_builder *remembers = block_builder_new(bed.names, key);
    struct block_builder *forgets = block_builder_new(bed.names, key);
    forgets->chain = remembers->chain; /* else a random number */
    forgets->cut->narrow = true;
    random_state = 7;
    for (size_t i = 0; i < RECORDS; i++) {
        add(&bed, remembers, forgets, i);
        if (i == RECORDS / 3)
            finish(remembers, forgets); /* what one block knows serves the next */
    }
    CHECK(remembered(remembers) > 100 && remembered(remembers) < RECORDS / 2);
    finish(remembers, forgets);
    block_builder_free(remembers);
    block_builder_free(forgets);
    names_free(bed.names);
    arena_free(bed.arena);
}

/* A cache that is full begins anew. */
static void bounded(void)
{
    struct layouts layouts;
    const uint64_t key[2] = {1, 2};
    struct form_spec specs[4] = {{.op = FORM_CONST, .text = STR_INIT("success")}};
    static char room[LAYOUT_KEY_MAX / 2];
    uint64_t hash = 0;
    CHECK(layouts_init(&layouts, key));
    for (uint32_t i = 0; i < 2000; i++) {
        memcpy(room, &i, sizeof i);
        struct layout layout = {
            .key = str_at(room, sizeof room), .specs = specs, .spec_count = ARRAY_LEN(specs), .entry = i};
        layout.hash = hash = layouts_hash(&layouts, layout.key);
        CHECK(!layouts_find(&layouts, layout.key, hash));
        layouts_put(&layouts, &layout);
        const struct layout *found = layouts_find(&layouts, layout.key, hash);
        CHECK(found != NULL);
        CHECK_INT(found->entry, i);
        CHECK_TEXT(found->specs[0].text, "success");
    }
    CHECK(arena_used(layouts.arena) <= LAYOUT_BYTES);
    layouts_clear(&layouts);
    CHECK(!layouts_find(&layouts, str_at(room, sizeof room), hash));
    layouts_done(&layouts);
}

/* Every pair of bytes, at every place of a map's word. */
static void same_sight(void)
{
    static struct cut cuts[2];
    static char text[4096 + CUT_PADDING];
    cuts[1].narrow = true;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned i = 0; i < 512; i++)
            text[i] = (char)(i % 2 ? (i / 2 + first) % 256 : first);
        size_t n = 400 + first % 112;
        for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
            cut_begin(&cuts[i], str_at(text, n));
        size_t bytes = (n / 64 + 1) * sizeof(uint64_t);
        CHECK(memcmp(cuts[0].word, cuts[1].word, bytes) == 0);
        CHECK(memcmp(cuts[0].token, cuts[1].token, bytes) == 0);
        CHECK(memcmp(cuts[0].digit, cuts[1].digit, bytes) == 0);
        CHECK(memcmp(cuts[0].slash, cuts[1].slash, bytes) == 0);
        CHECK(memcmp(cuts[0].joined, cuts[1].joined, bytes) == 0);
        for (size_t i = 0; i < n; i++)
            CHECK_INT(cuts[0].word[i / 64] >> (i % 64) & 1, word_char(text[i]));
    }
}

static const struct test tests[] = {
    {"remembered layouts and wide instructions change no byte", same_bytes},
    {"every byte is the same for both instruction sets", same_sight},
    {"the cache is bounded", bounded},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
