/* Remembered layouts and the wide instructions of the processor change nothing but the time: with and without them a
 * block has the same bytes. */
#include "archive/block_state.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define RECORDS 16000
#define TEXT    512
#define WAYS    150

#define NESTS           60
#define NESTED_CONTENTS 5
#define NESTED_FIELDS   5

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
    bool nests; /* make_nested alone */
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

/* What records of one of many kinds of message share, always the same for a number. */
struct way {
    const char *between[4];
    uint8_t first[3]; /* content that a field begins with; it ends with its own, or with raw */
    bool to_end[3];
    bool statutory[4];
};

static void make_way(uint64_t number, struct way *ret)
{
    static const char *const between[] = {" ", " ", " \"", "\" ", "=", "-", ".", " x", "", "(", "/", "\""};
    uint64_t kept = random_state;
    random_state = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < 20; i++)
        IGNORE(dice(2)); /* numbers that are close begin alike */
    for (size_t i = 0; i < 4; i++) {
        ret->between[i] = between[dice(ARRAY_LEN(between))];
        ret->statutory[i] = dice(2);
    }
    for (size_t i = 0; i < 3; i++) {
        ret->first[i] = (uint8_t)(dice(3) ? i : dice(i + 1));
        ret->to_end[i] = dice(5) == 0;
    }
    random_state = kept;
}

/* Three contents, of few, in a way: fields are contents, and rows of them that may hold together or not. */
static void make_ways(struct bed *bed)
{
    static const char *const contents[] = {"7",        "12",        "a",         "ab",      "a b", " ",
                                           "-",        "a-1",       "1.5",       "x=1",     "b12", "zulu",
                                           "00:28:21", "T00:28:21", "00:28:21Z", "1 \"2\"", ".",   "a(b"};
    struct event *event = &bed->event;
    struct way way;
    char room[TEXT];
    size_t at[3];
    size_t end[3];
    struct buf text;
    buf_init_fixed(&text, room, sizeof room);
    make_way(dice(WAYS), &way);
    for (size_t i = 0; i < 3; i++) {
        buf_text(&text, way.between[i]);
        at[i] = text.n;
        buf_text(&text, contents[dice(3) ? dice(4) : dice(ARRAY_LEN(contents))]);
        for (uint64_t more = dice(12) ? 0 : 40 + dice(110); more; more--)
            buf_u8(&text, 'l');
        end[i] = text.n;
    }
    buf_text(&text, way.between[3]);
    bed->raw = arena_str(bed->arena, buf_view(&text));
    *event = (struct event){.raw = bed->raw, .flags = EVENT_ARCHIVE, .parser = "ways", .fields = bed->fields};
    for (size_t i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        struct str value = str_slice(bed->raw, at[way.first[i]], way.to_end[i] ? bed->raw.n : end[i]);
        bed->fields[event->field_count++] =
            (struct event_field){names_put(bed->names, str_of(name)), EVENT_STRING, value};
        if (way.statutory[i])
            event->statutory[i] = dice(50) ? value : str_slice(bed->raw, at[i], end[i]);
    }
    if (way.statutory[3])
        event->statutory[3] = str_slice(bed->raw, at[1], end[2]);
}

/* A text of five contents, and the span of each. */
struct line {
    struct buf text;
    char room[4 * TEXT];
    size_t at[NESTED_CONTENTS];
    size_t end[NESTED_CONTENTS];
};

/* What records of a number share: signs between contents, and from which to which the fields go, so that they hold each
 * other, overlap, begin or end inside of a word. */
struct nest {
    const char *between[NESTED_CONTENTS + 1];
    uint8_t looks[NESTED_CONTENTS]; /* which contents stand at a place, mostly */
    uint8_t first[NESTED_FIELDS];
    uint8_t last[NESTED_FIELDS];
    bool inside[NESTED_FIELDS];
    uint8_t statutory[NESTED_FIELDS]; /* the field that it is, mostly; past the last: none */
};

static void make_nest(uint64_t number, struct nest *ret)
{
    static const char *const between[] = {" ", " ", "\"", "\" \"", " \"", "\" ", " - ", "=", "."};
    uint64_t kept = random_state;
    random_state = number * UINT64_C(0x9e3779b97f4a7c15) + 3;
    for (size_t i = 0; i < 20; i++)
        IGNORE(dice(2)); /* numbers that are close begin alike */
    for (size_t i = 0; i <= NESTED_CONTENTS; i++)
        ret->between[i] = between[dice(ARRAY_LEN(between))];
    for (size_t i = 0; i < NESTED_CONTENTS; i++)
        ret->looks[i] = (uint8_t)dice(4);
    for (size_t i = 0; i < NESTED_FIELDS; i++) {
        ret->first[i] = (uint8_t)dice(NESTED_CONTENTS);
        ret->last[i] =
            (uint8_t)(dice(2) ? ret->first[i] : ret->first[i] + dice((uint64_t)NESTED_CONTENTS - ret->first[i]));
        ret->inside[i] = dice(8) == 0;
        ret->statutory[i] = (uint8_t)dice(2 * NESTED_FIELDS);
    }
    random_state = kept;
}

static void line_make(const struct nest *nest, struct line *line)
{
    static const char *const contents[][4] = {{"GET", "a", "ab", "a-b"},
                                              {"7", "12", "b12", "/12"},
                                              {"GET 1", "7 a", "a b", "1 2"},
                                              {"00:28:21", "T00:28:21Z", "x00:28:21", "00:28:21.5"}};
    buf_init_fixed(&line->text, line->room, sizeof line->room);
    for (size_t i = 0; i < NESTED_CONTENTS; i++) {
        buf_text(&line->text, nest->between[i]);
        line->at[i] = line->text.n;
        buf_text(&line->text, contents[dice(9) ? nest->looks[i] : dice(4)][dice(4)]);
        for (uint64_t more = dice(16) ? 0 : 40 + dice(220); more; more--)
            buf_u8(&line->text, 'l');
        line->end[i] = line->text.n;
    }
    buf_text(&line->text, nest->between[NESTED_CONTENTS]);
}

static void make_nested(struct bed *bed)
{
    struct event *event = &bed->event;
    struct nest nest;
    struct line line;
    uint64_t number = dice(NESTS);
    make_nest(number, &nest);
    line_make(&nest, &line);
    bed->raw = arena_str(bed->arena, buf_view(&line.text));
    *event = (struct event){.raw = bed->raw, .flags = EVENT_ARCHIVE, .parser = "nested", .fields = bed->fields};
    for (size_t i = 0; i < NESTED_FIELDS; i++) {
        char name[24]; /* a kind of its own, so that ways of other numbers do not take its place */
        snprintf(name, sizeof name, "n%u%c", (unsigned)number, (char)('a' + i));
        size_t in = nest.inside[i] && line.end[nest.last[i]] - line.at[nest.first[i]] > 1;
        struct str value = str_slice(bed->raw, line.at[nest.first[i]] + in, line.end[nest.last[i]]);
        bed->fields[event->field_count++] =
            (struct event_field){names_put(bed->names, str_of(name)), EVENT_STRING, value};
    }
    for (size_t i = 0; i < NESTED_FIELDS; i++)
        if (nest.statutory[i] < NESTED_FIELDS) {
            size_t other = dice(NESTED_CONTENTS);
            struct str content = str_slice(bed->raw, line.at[other], line.end[other]);
            event->statutory[i] = dice(6) ? bed->fields[nest.statutory[i]].value : content;
        }
}

/* The same record into both builders; one knows nothing of earlier records. */
static void add(struct bed *bed, struct block_builder *remembers, struct block_builder *forgets, size_t i)
{
    uint64_t kind = bed->nests ? 8 : dice(8);
    arena_reset(bed->arena);
    if (kind < 4) {
        make_raw(bed, kind);
        make_event(bed, kind);
    } else if (kind < 8) {
        make_ways(bed);
    } else {
        make_nested(bed);
    }
    struct leaf leaf = {.type = LEAF_RAW, .index = i, .sequence = i, .raw_length = (uint32_t)bed->raw.n};
    layouts_clear(&forgets->layouts);
    if (bed->nests)
        remembers->layouts.misses = 0; /* all ways are remembered, however few are gone */
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

static void bytes_check(bool nests)
{
    static struct bed bed;
    const uint64_t key[2] = {11, 12};
    bed = (struct bed){.names = names_new(1), .arena = arena_new((size_t)1 << 20), .nests = nests};
    struct block_builder *remembers = block_builder_new(bed.names, key);
    struct block_builder *forgets = block_builder_new(bed.names, key);
    forgets->chain = remembers->chain; /* else a random number */
    forgets->cut->narrow = true;
    random_state = 7;
    for (size_t i = 0; i < RECORDS; i++) {
        add(&bed, remembers, forgets, i);
        if (i % (RECORDS / 3 + 1) == RECORDS / 3)
            finish(remembers, forgets); /* what one block knows serves the next */
    }
    CHECK(remembered(remembers) > 100);
    finish(remembers, forgets);
    block_builder_free(remembers);
    block_builder_free(forgets);
    names_free(bed.names);
    arena_free(bed.arena);
}

static void same_bytes(void)
{
    bytes_check(false);
}

static void same_bytes_of_nests(void)
{
    bytes_check(true);
}

/* Records that are laid out alike go the way of the first: nothing is learned any more, though no key is found. */
static void ways_taken(void)
{
    static struct bed bed;
    const uint64_t key[2] = {11, 12};
    bed = (struct bed){.names = names_new(1), .arena = arena_new((size_t)1 << 20)};
    struct block_builder *builder = block_builder_new(bed.names, key);
    size_t used = 0;
    for (size_t i = 0; i < 200; i++) {
        char text[TEXT];
        snprintf(text, sizeof text,
                 "<%zu>Nov %zu %02zu:%02zu:03 db%zu sshd[%zu]: \"GET /%zu\" for u%zu from 10.0.%zu.%zu", 100 + i,
                 10 + i % 9, i % 24, i % 60, i % 3, i * i, i, i, i % 250, i);
        bed.raw = arena_str(bed.arena, str_of(text));
        bed.event = (struct event){.raw = bed.raw, .flags = EVENT_ARCHIVE, .parser = "x", .fields = bed.fields};
        bed.event.field_count = 3;
        size_t quote = str_find(bed.raw, '"') + 1;
        struct str request = str_slice(bed.raw, quote, quote + str_find(str_skip(bed.raw, quote), '"'));
        bed.fields[0] = (struct event_field){names_put(bed.names, STR("host")), EVENT_STRING, part(bed.raw, 6)};
        bed.fields[1] = (struct event_field){names_put(bed.names, STR("request")), EVENT_STRING, request};
        bed.fields[2] = (struct event_field){names_put(bed.names, STR("path")), EVENT_STRING, part(request, 1)};
        bed.event.statutory[0] = bed.fields[2].value;
        struct leaf leaf = {.type = LEAF_RAW, .index = i, .sequence = i, .raw_length = (uint32_t)bed.raw.n};
        CHECK_INT(block_builder_add(builder, &leaf, bed.raw, &bed.event, NULL, 0), RC_OK);
        for (size_t k = 0; k < LAYOUT_SLOTS; k++)
            builder->layouts.slots[k].key.n = 0;
        used = i ? used : arena_used(builder->layouts.arena);
    }
    CHECK_INT(arena_used(builder->layouts.arena), used);
    block_builder_free(builder);
    names_free(bed.names);
    arena_free(bed.arena);
}

/* Records whose second is not cut as the way of the first would have it, though its signs and values lie alike. */
#define LONG "a-part-of-a-value-that-is-so-long-that-three-of-them-do-not-hold-together-though-each-of-them-does-alone-"
static const struct apart {
    const char *text[2];
    const char *field[2][4]; /* parts of the text: where they come first */
} aparts[] = {
    /* a value begins at the second part of a run, which has a time of day of its own when it is cut there */
    {{"t 00:28:21-12 e", "t 00:28:21-202:00:28:22 e"},
     {{"00:28:21-12", "-12 e"}, {"00:28:21-202:00:28:22", "-202:00:28:22 e"}}},
    /* the second part is a time of day with a fraction */
    {{"t 2026:00:28:21 e", "t 2026:00:28:21.5 e"}, {{"2026:00:28:21", "t"}, {"2026:00:28:21.5", "t"}}},
    /* a value in quotes was too long to hold together, and its parts are values: in a short one its signs are a slot */
    {{"t \"" LONG "1 - " LONG "2 " LONG "3\" e", "t \"1 - 2 3\" e"},
     {{LONG "1 - " LONG "2 " LONG "3", LONG "1", LONG "2", LONG "3"}, {"1 - 2 3", "1", "2", "3"}}},
    /* a word goes on at a border that was one between signs */
    {{"t x-1 e", "t x21 e"}, {{"-1", "t"}, {"21", "t"}}},
    /* it goes on where the first ended */
    {{"t 12 e", "t 12 ef"}, {{"12", "t"}, {"12", "t"}}},
};

static void apart_add(struct bed *bed, struct block_builder *builder, const struct apart *row, size_t i)
{
    struct leaf leaf = {.type = LEAF_RAW, .index = i, .sequence = i};
    bed->raw = str_of(row->text[i]);
    bed->event = (struct event){.raw = bed->raw, .flags = EVENT_ARCHIVE, .parser = "apart", .fields = bed->fields};
    for (size_t k = 0; k < ARRAY_LEN(row->field[i]) && row->field[i][k]; k++) {
        static const char *const names[] = {"a", "b", "c", "d"};
        struct str part = str_of(row->field[i][k]);
        size_t at = str_search(bed->raw, part);
        CHECK(at < bed->raw.n);
        bed->fields[bed->event.field_count++] = (struct event_field){
            names_put(bed->names, str_of(names[k])), EVENT_STRING, str_slice(bed->raw, at, at + part.n)};
    }
    leaf.raw_length = (uint32_t)bed->raw.n;
    CHECK_INT(block_builder_add(builder, &leaf, bed->raw, &bed->event, NULL, 0), RC_OK);
}

static void ways_apart(void)
{
    static struct bed bed;
    const uint64_t key[2] = {11, 12};
    for (size_t row = 0; row < ARRAY_LEN(aparts); row++) {
        bed = (struct bed){.names = names_new(1)};
        struct block_builder *remembers = block_builder_new(bed.names, key);
        struct block_builder *forgets = block_builder_new(bed.names, key);
        forgets->chain = remembers->chain;
        for (size_t i = 0; i < 2; i++) {
            layouts_clear(&forgets->layouts);
            apart_add(&bed, remembers, &aparts[row], i);
            apart_add(&bed, forgets, &aparts[row], i);
        }
        finish(remembers, forgets);
        block_builder_free(remembers);
        block_builder_free(forgets);
        names_free(bed.names);
    }
}

static size_t longest(const struct layouts *layouts, size_t *ret_kinds)
{
    size_t ways = 0;
    *ret_kinds = 0;
    for (size_t i = 0; i < LAYOUT_KINDS; i++) {
        size_t kinds = 0;
        for (const struct route_kind *kind = layouts->kinds[i]; kind; kind = kind->next, kinds++) {
            size_t beside = 0;
            for (const struct route *route = kind->first; route; route = route->next)
                beside++;
            ways = MAX(ways, beside);
        }
        *ret_kinds = MAX(*ret_kinds, kinds);
    }
    return ways;
}

/* Records of which none is laid out like another, of one kind and of ever new ones: what is looked at stays little. */
static void ways_are_few(void)
{
    static struct bed bed;
    const uint64_t key[2] = {11, 12};
    bed = (struct bed){.names = names_new(1), .arena = arena_new((size_t)1 << 20)};
    struct block_builder *builder = block_builder_new(bed.names, key);
    size_t kinds = 0;
    for (size_t i = 0; i < 12000; i++) {
        char text[TEXT], name[24];
        arena_reset(bed.arena);
        snprintf(text, sizeof text, "%c%c%c a%zu b c", "([{<|#/;"[i % 8], "([{<|#/;"[i / 8 % 8],
                 (char)('!' + i / 64 % 14), i);
        snprintf(name, sizeof name, "n%zu", i % 2 ? i : 0);
        bed.raw = arena_str(bed.arena, str_of(text));
        bed.event = (struct event){.raw = bed.raw, .flags = EVENT_ARCHIVE, .parser = "x", .fields = bed.fields};
        bed.event.field_count = 1;
        bed.fields[0] = (struct event_field){names_put(bed.names, str_of(name)), EVENT_STRING, part(bed.raw, 1)};
        struct leaf leaf = {.type = LEAF_RAW, .index = i, .sequence = i, .raw_length = (uint32_t)bed.raw.n};
        CHECK_INT(block_builder_add(builder, &leaf, bed.raw, &bed.event, NULL, 0), RC_OK);
        if (i % 500 == 499) {
            CHECK(longest(&builder->layouts, &kinds) <= ROUTES_BESIDE);
            CHECK(kinds <= ROUTE_KINDS_BESIDE);
        }
    }
    CHECK(builder->layouts.passed > 0);
    block_builder_free(builder);
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
        for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
            cut_begin(&cuts[i], str_at(text, n));
            cut_look(&cuts[i]);
        }
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
    {"nor where fields hold each other", same_bytes_of_nests},
    {"records laid out alike go one way", ways_taken},
    {"records that only seem to go one way are cut as they are", ways_apart},
    {"ways are few", ways_are_few},
    {"every byte is the same for both instruction sets", same_sight},
    {"the cache is bounded", bounded},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
