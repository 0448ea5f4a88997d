#include "rule/indicator.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/map.h"

#include <string.h>

#define SLOTS_LEAST  1024u
#define NOTES_MAX    100000u /* told apart while lists are read; further ones are kept as they come */
#define NO_NUMBER    255u
#define LISTS_MEMORY ((size_t)32 << 20)
#define BITS_MAX     129u
#define TAIL_BITS    65536u

struct entry {
    uint32_t text;   /* offset of the key's bytes */
    uint32_t note;   /* offset of its length (two bytes) and text; 0: none */
    uint32_t from_s; /* since 1970; 0: always */
    uint32_t until_s;
    uint16_t n;
    uint16_t list;
    uint8_t kind;
    uint8_t bits;
    uint8_t flags; /* scheme, FLAG_BELOW, FLAG_LEFT */
    uint8_t confidence;
};

#define FLAG_SCHEME 3u
#define FLAG_BELOW  4u
#define FLAG_LEFT   8u /* it holds for no event */

struct list {
    struct indicator_list said;
    uint32_t first; /* its entries lie behind each other */
    struct indicator_reason *reasons;
};

/* The low half of the hash, then the number of the entry from 1; 0 is free. The place comes from the high half.
 */
struct table {
    uint64_t *slots;
    uint32_t slot_count;
    uint32_t count; /* entries */
};

struct indicators {
    uint64_t key[2];
    struct table single;   /* everything but networks */
    struct table networks; /* few as a rule, and asked for each prefix length: by themselves they stay in the cache */
    struct entry *entries;
    uint32_t count;
    uint32_t room;
    char *text;
    uint32_t text_n;
    uint32_t text_room;
    uint64_t kinds[INDICATOR_KINDS];
    bool lengths[BITS_MAX];
    uint64_t tails[TAIL_BITS / 64]; /* last labels of domains, hashed */
    bool any_below;
    uint32_t days;
    struct map *notes; /* text -> offset, while lists are read */
    struct arena *arena;
    struct list lists[INDICATOR_LISTS_MAX];
    size_t list_count;
};

static uint64_t hash_of(const struct indicators *indicators, unsigned kind, unsigned bits, const char *bytes, size_t n)
{
    uint64_t key[2] = {indicators->key[0] ^ (kind << 8 | bits), indicators->key[1]};
    return siphash(key, bytes, n);
}

static uint32_t place_of(uint64_t hash, uint32_t slot_count)
{
    return (uint32_t)((hash >> 32) * slot_count >> 32);
}

/* The last label of a name, hashed (FNV-1a): what few bits tell apart is asked of every word of a text. */
static uint32_t tail_of(struct str name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = name.n; i > 0 && name.p[i - 1] != '.'; i--)
        hash = (hash ^ (uint8_t)char_lower(name.p[i - 1])) * 16777619u;
    return (hash ^ hash >> 16) % TAIL_BITS;
}

static void slot_put(struct table *table, uint64_t hash, uint32_t entry)
{
    uint32_t at = place_of(hash, table->slot_count);
    while (table->slots[at])
        at = at + 1 == table->slot_count ? 0 : at + 1;
    table->slots[at] = hash << 32 | (entry + 1);
}

static bool is_network(unsigned kind, unsigned bits)
{
    return kind == INDICATOR_ADDRESS && bits < 128;
}

/* The same entries in another number of slots. */
static bool slots_make(const struct indicators *indicators, struct table *table, uint32_t slot_count)
{
    struct table made = {.slots = memory_new(slot_count * sizeof *made.slots), .slot_count = slot_count};
    if (!made.slots)
        return false;
    ASSERT(slot_count > table->count);
    made.count = table->count;
    for (uint32_t i = 0; table->count && i < indicators->count; i++) {
        const struct entry *entry = &indicators->entries[i];
        if (is_network(entry->kind, entry->bits) == (table == &indicators->networks))
            slot_put(&made, hash_of(indicators, entry->kind, entry->bits, indicators->text + entry->text, entry->n), i);
    }
    memory_free(table->slots);
    *table = made;
    return true;
}

struct indicators *indicators_new(uint64_t seed)
{
    struct indicators *indicators = memory_new(sizeof *indicators);
    if (!indicators)
        return NULL;
    indicators->key[0] = seed;
    indicators->key[1] = ~seed * UINT64_C(0x9e3779b97f4a7c15);
    indicators->text_n = 1; /* offset 0 is no note */
    indicators->notes = map_new(NOTES_MAX, seed);
    indicators->arena = arena_new(LISTS_MEMORY);
    indicators->text = memory_new(1);
    indicators->text_room = 1;
    if (indicators->notes && indicators->arena && indicators->text &&
        slots_make(indicators, &indicators->single, SLOTS_LEAST) &&
        slots_make(indicators, &indicators->networks, SLOTS_LEAST))
        return indicators;
    indicators_free(indicators);
    return NULL;
}

void indicators_free(struct indicators *indicators)
{
    if (!indicators)
        return;
    for (size_t i = 0; i < indicators->list_count; i++)
        memory_free(indicators->lists[i].reasons);
    map_free(indicators->notes);
    arena_free(indicators->arena);
    memory_free(indicators->single.slots);
    memory_free(indicators->networks.slots);
    memory_free(indicators->entries);
    memory_free(indicators->text);
    memory_free(indicators);
}

void indicators_days(struct indicators *indicators, uint32_t days)
{
    indicators->days = days;
}

enum rc indicators_list(struct indicators *indicators, struct str name, struct err *err)
{
    if (indicators->list_count == INDICATOR_LISTS_MAX)
        return err_set(err, RC_LIMIT, "there are more than %u lists of indicators", INDICATOR_LISTS_MAX);
    struct list *list = &indicators->lists[indicators->list_count];
    list->said.name = arena_str(indicators->arena, name);
    list->first = indicators->count;
    list->reasons = memory_new(INDICATOR_REASONS_MAX * sizeof *list->reasons);
    if (!list->said.name.p || !list->reasons) {
        memory_free(list->reasons);
        list->reasons = NULL;
        return err_set(err, RC_LIMIT, "no memory for lists of indicators");
    }
    indicators->list_count++;
    return RC_OK;
}

/* ---- adding ---- */

static struct list *list_now(struct indicators *indicators)
{
    ASSERT(indicators->list_count > 0);
    return &indicators->lists[indicators->list_count - 1];
}

/* Printable ASCII alone, cut: it goes to logs and terminals. */
static void example_put(char *ret_text, size_t size, struct str value)
{
    size_t n = MIN(value.n, size - 1);
    for (size_t i = 0; i < n; i++)
        ret_text[i] = value.p[i] < ' ' || value.p[i] > '~' ? '?' : value.p[i];
    ret_text[n] = 0;
}

void indicators_refuse(struct indicators *indicators, uint32_t line, const char *reason, struct str value)
{
    struct list *list = list_now(indicators);
    size_t at = 0;
    char text[INDICATOR_REASON_TEXT];
    list->said.refused++;
    example_put(text, sizeof text, str_of(reason));
    while (at < list->said.reason_count && strcmp(list->reasons[at].text, text) != 0)
        at++;
    if (at == INDICATOR_REASONS_MAX)
        at--;
    struct indicator_reason *found = &list->reasons[at];
    if (at == list->said.reason_count) {
        bool last = at + 1 == INDICATOR_REASONS_MAX;
        list->said.reason_count++;
        example_put(found->text, sizeof found->text, last ? STR("other reasons") : str_of(text));
        example_put(found->example, sizeof found->example, value);
        found->line = line;
    }
    found->count++;
}

void indicators_pass(struct indicators *indicators, bool revoked)
{
    struct list *list = list_now(indicators);
    if (revoked)
        list->said.revoked++;
    else
        list->said.passed++;
}

static bool text_room(struct indicators *indicators, size_t n)
{
    if (n > INDICATOR_TEXTS_MAX - indicators->text_n)
        return false;
    if (indicators->text_n + n <= indicators->text_room)
        return true;
    size_t room = MIN(MAX((size_t)indicators->text_room * 2, (size_t)65536), (size_t)INDICATOR_TEXTS_MAX);
    char *grown = memory_resize(indicators->text, room);
    if (!grown)
        return false;
    indicators->text = grown;
    indicators->text_room = (uint32_t)room;
    return true;
}

static uint32_t text_put(struct indicators *indicators, struct str bytes)
{
    uint32_t at = indicators->text_n;
    memcpy(indicators->text + at, bytes.p, bytes.n);
    indicators->text_n += (uint32_t)bytes.n;
    return at;
}

/* The offset of the note, kept once where it repeats; there is room. */
static uint32_t note_put(struct indicators *indicators, struct str note)
{
    uint8_t length[2];
    if (!note.n)
        return 0;
    uint64_t *known = map_put(indicators->notes, note);
    if (known && *known)
        return (uint32_t)*known;
    put_be16(length, (uint16_t)note.n);
    uint32_t at = text_put(indicators, str_at(length, sizeof length));
    IGNORE(text_put(indicators, note));
    if (known)
        *known = at;
    return at;
}

static struct str note_cut(struct str note)
{
    note = str_trim(note);
    if (note.n <= INDICATOR_NOTE_MAX)
        return note;
    note.n = INDICATOR_NOTE_MAX;
    while (note.n && ((unsigned char)note.p[note.n] & 0xc0) == 0x80)
        note.n--; /* not within a character */
    return note;
}

static uint32_t seconds(int64_t ns)
{
    return (uint32_t)MIN(MAX(ns / SECOND_NS, INT64_C(0)), (int64_t)UINT32_MAX);
}

/* Said twice by one list: valid for both times, the higher confidence. */
static void entry_widen(struct entry *entry, uint32_t from_s, uint32_t until_s, int32_t confidence)
{
    entry->from_s = MIN(entry->from_s, from_s);
    entry->until_s = entry->until_s && until_s ? MAX(entry->until_s, until_s) : 0;
    if (confidence >= 0 && (entry->confidence == NO_NUMBER || entry->confidence < confidence))
        entry->confidence = (uint8_t)confidence;
}

static bool entry_room(struct indicators *indicators, struct table *table)
{
    if (indicators->count == indicators->room) {
        uint32_t room = MAX(indicators->room * 2, SLOTS_LEAST);
        struct entry *grown = memory_resize(indicators->entries, room * sizeof *grown);
        if (!grown)
            return false;
        indicators->entries = grown;
        indicators->room = room;
    }
    if ((table->count + 1) * UINT64_C(10) <= table->slot_count * UINT64_C(7))
        return true;
    return slots_make(indicators, table, table->slot_count * 2);
}

/* The entry of the same key in the list at work. */
static struct entry *entry_known(struct indicators *indicators, const struct indicator_key *key)
{
    uint32_t at = INDICATOR_NONE;
    do {
        at = indicators_find(indicators, key, at);
    } while (at != INDICATOR_NONE && (indicators->entries[at].list != indicators->list_count - 1 ||
                                      indicators_below(indicators, at) != key->below));
    return at == INDICATOR_NONE ? NULL : &indicators->entries[at];
}

static int64_t until_of(const struct indicators *indicators, const struct indicator_about *about)
{
    if (about->until_ns || !indicators->days || about->dated_ns <= 0)
        return about->until_ns;
    int64_t span_ns = (int64_t)indicators->days * DAY_S * SECOND_NS;
    return about->dated_ns > INT64_MAX - span_ns ? 0 : about->dated_ns + span_ns;
}

enum rc indicators_add(struct indicators *indicators, uint32_t line, const struct indicator_key *key,
                       const struct indicator_about *about, struct err *err)
{
    struct list *list = list_now(indicators);
    const char *unfit = indicator_key_unfit(key);
    int64_t until_ns = until_of(indicators, about);
    if (!unfit && until_ns && until_ns <= about->from_ns)
        unfit = "it ends before it begins";
    if (unfit) {
        char text[INDICATOR_EXAMPLE_TEXT + 64];
        struct buf out;
        buf_init_fixed(&out, text, sizeof text);
        indicator_key_write(&out, key);
        indicators_refuse(indicators, line, unfit, out.overflow ? str_at(key->bytes, key->n) : buf_view(&out));
        return RC_OK;
    }
    struct table *table = is_network(key->kind, key->bits) ? &indicators->networks : &indicators->single;
    struct str note = note_cut(about->note);
    uint32_t from_s = seconds(about->from_ns);
    uint32_t until_s = until_ns ? MAX(seconds(until_ns), 1u) : 0;
    struct entry *known = entry_known(indicators, key);
    if (known) {
        entry_widen(known, from_s, until_s, about->confidence);
        list->said.repeated++;
        return RC_OK;
    }
    if (indicators->count == INDICATORS_MAX || !text_room(indicators, key->n + note.n + 2) ||
        !entry_room(indicators, table))
        return err_set(err, RC_LIMIT, "no room for more than %u indicators: at most %u, their texts 1 GiB",
                       indicators->count, INDICATORS_MAX);
    struct entry *entry = &indicators->entries[indicators->count];
    *entry = (struct entry){
        .text = text_put(indicators, str_at(key->bytes, key->n)),
        .note = note_put(indicators, note),
        .from_s = from_s,
        .until_s = until_s,
        .n = key->n,
        .list = (uint16_t)(indicators->list_count - 1),
        .kind = (uint8_t)key->kind,
        .bits = key->bits,
        .flags = (uint8_t)((unsigned)key->scheme | (key->below ? FLAG_BELOW : 0u)),
        .confidence = (uint8_t)(about->confidence < 0 ? (int32_t)NO_NUMBER : MIN(about->confidence, 100)),
    };
    slot_put(table, hash_of(indicators, key->kind, key->bits, key->bytes, key->n), indicators->count++);
    table->count++;
    indicators->lengths[key->bits] = indicators->lengths[key->bits] || key->kind == INDICATOR_ADDRESS;
    indicators->any_below = indicators->any_below || key->below;
    if (key->kind == INDICATOR_DOMAIN) {
        uint32_t tail = tail_of(str_at(key->bytes, key->n));
        indicators->tails[tail / 64] |= UINT64_C(1) << (tail % 64);
    }
    indicators->kinds[key->kind]++;
    list->said.kinds[key->kind]++;
    return RC_OK;
}

void indicators_finish(struct indicators *indicators)
{
    map_free(indicators->notes);
    indicators->notes = map_new(1, 0);
    struct table *tables[] = {&indicators->single, &indicators->networks};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        uint32_t slot_count = (uint32_t)(tables[i]->count * UINT64_C(10) / 7 + 16);
        if (slot_count < tables[i]->slot_count)
            IGNORE(slots_make(indicators, tables[i], slot_count)); /* without memory it stays as large as it is */
    }
    void *less = memory_resize(indicators->text, indicators->text_n);
    if (less) {
        indicators->text = less;
        indicators->text_room = indicators->text_n;
    }
    less =
        indicators->count ? memory_resize(indicators->entries, indicators->count * sizeof *indicators->entries) : NULL;
    if (less) {
        indicators->entries = less;
        indicators->room = indicators->count;
    }
}

/* ---- asking ---- */

/* Entries of one key lie behind each other in the order of their coming, others between them. */
uint32_t indicators_find(const struct indicators *indicators, const struct indicator_key *key, uint32_t after)
{
    uint64_t hash = hash_of(indicators, key->kind, key->bits, key->bytes, key->n);
    const struct table *table = is_network(key->kind, key->bits) ? &indicators->networks : &indicators->single;
    uint32_t at = place_of(hash, table->slot_count);
    for (; table->slots[at]; at = at + 1 == table->slot_count ? 0 : at + 1) {
        if (table->slots[at] >> 32 != (hash & UINT32_MAX))
            continue;
        uint32_t number = (uint32_t)table->slots[at] - 1;
        const struct entry *entry = &indicators->entries[number];
        ASSERT(number < indicators->count);
        if (after != INDICATOR_NONE && number <= after)
            continue;
        if (entry->kind == key->kind && entry->bits == key->bits && entry->n == key->n &&
            memcmp(indicators->text + entry->text, key->bytes, key->n) == 0)
            return number;
    }
    return INDICATOR_NONE;
}

bool indicators_holds(const struct indicators *indicators, uint32_t entry, int64_t time_ns, bool any_begin)
{
    const struct entry *one = &indicators->entries[entry];
    uint32_t time_s = seconds(time_ns);
    if (one->flags & FLAG_LEFT)
        return false;
    return (one->until_s == 0 || time_s < one->until_s) && (any_begin || time_s >= one->from_s);
}

bool indicators_below(const struct indicators *indicators, uint32_t entry)
{
    return (indicators->entries[entry].flags & FLAG_BELOW) != 0;
}

bool indicators_ended(const struct indicators *indicators, uint32_t entry, int64_t now_ns)
{
    ASSERT(entry < indicators->count);
    return indicators->entries[entry].until_s && indicators->entries[entry].until_s <= seconds(now_ns);
}

void indicators_leave(struct indicators *indicators, uint32_t entry)
{
    ASSERT(entry < indicators->count);
    indicators->entries[entry].flags |= FLAG_LEFT;
}

/* The name is hashed first, and keys the value: neither can take bytes of the other. */
uint64_t indicators_mark(const struct indicators *indicators, uint32_t entry, const uint64_t key[2])
{
    ASSERT(entry < indicators->count);
    const struct entry *one = &indicators->entries[entry];
    struct str list = indicators->lists[one->list].said.name;
    uint64_t kind = (uint64_t)one->kind << 16 | (uint64_t)one->bits << 8 | (one->flags & FLAG_BELOW);
    const uint64_t own[2] = {siphash(key, list.p, list.n) ^ kind, key[1]};
    return siphash(own, indicators->text + one->text, one->n);
}

void indicators_at(const struct indicators *indicators, uint32_t entry, struct indicator *ret_indicator)
{
    ASSERT(entry < indicators->count);
    const struct entry *one = &indicators->entries[entry];
    const char *note = indicators->text + one->note;
    ret_indicator->entry = entry;
    ret_indicator->key.kind = (enum indicator_kind)one->kind;
    ret_indicator->key.bits = one->bits;
    ret_indicator->key.below = (one->flags & FLAG_BELOW) != 0;
    ret_indicator->key.scheme = (enum indicator_scheme)(one->flags & FLAG_SCHEME);
    ret_indicator->key.n = one->n;
    memcpy(ret_indicator->key.bytes, indicators->text + one->text, one->n);
    ret_indicator->list = indicators->lists[one->list].said.name;
    ret_indicator->note = one->note ? str_at(note + 2, get_be16(note)) : STR_NONE;
    ret_indicator->from_ns = one->from_s * SECOND_NS;
    ret_indicator->until_ns = one->until_s * SECOND_NS;
    ret_indicator->confidence = one->confidence == NO_NUMBER ? -1 : one->confidence;
}

size_t indicators_count(const struct indicators *indicators)
{
    return indicators->count;
}

bool indicators_have(const struct indicators *indicators, enum indicator_kind kind)
{
    return indicators->kinds[kind] > 0;
}

bool indicators_any_below(const struct indicators *indicators)
{
    return indicators->any_below;
}

bool indicators_tail(const struct indicators *indicators, struct str name)
{
    uint32_t tail = tail_of(name);
    return (indicators->tails[tail / 64] >> (tail % 64) & 1) != 0;
}

int indicators_bits(const struct indicators *indicators, int bits)
{
    while (--bits >= 0)
        if (indicators->lengths[bits])
            return bits;
    return -1;
}

size_t indicators_memory(const struct indicators *indicators)
{
    return sizeof *indicators +
           (indicators->single.slot_count + (size_t)indicators->networks.slot_count) * sizeof(uint64_t) +
           indicators->room * sizeof *indicators->entries + indicators->text_room + arena_used(indicators->arena) +
           indicators->list_count * INDICATOR_REASONS_MAX * sizeof(struct indicator_reason);
}

size_t indicators_list_count(const struct indicators *indicators)
{
    return indicators->list_count;
}

struct indicator_list indicators_list_at(const struct indicators *indicators, size_t index)
{
    ASSERT(index < indicators->list_count);
    struct indicator_list said = indicators->lists[index].said;
    said.reasons = indicators->lists[index].reasons;
    return said;
}

void indicators_list_entries(const struct indicators *indicators, size_t list, uint32_t *ret_first, uint32_t *ret_end)
{
    ASSERT(list < indicators->list_count);
    *ret_first = indicators->lists[list].first;
    *ret_end = list + 1 < indicators->list_count ? indicators->lists[list + 1].first : indicators->count;
}

uint64_t indicators_expired(const struct indicators *indicators, size_t list, int64_t now_ns)
{
    uint64_t expired = 0;
    uint32_t first;
    uint32_t end;
    indicators_list_entries(indicators, list, &first, &end);
    for (uint32_t i = first; i < end; i++)
        expired += indicators_ended(indicators, i, now_ns);
    return expired;
}
