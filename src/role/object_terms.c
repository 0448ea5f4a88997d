#include "role/object_terms.h"

#include "archive/retention.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/json.h"

#include <string.h>

#define AGAIN_NS (HOUR_S * SECOND_NS) /* before a segment that could not be read is asked about again */
#define ROOM     64u

struct found {
    uint64_t first;
    int64_t at_ns;
    int64_t *objects; /* rising; NULL: all of them, for it could not be decided */
    uint32_t count;
    uint32_t longest;  /* term + 1; 0: none has one */
    uint64_t terms_of; /* the terms of which it is */
};

struct object_terms {
    bool known;
    struct tlog_hash rules;
    struct object_term term[OBJECT_TERMS_MAX];
    size_t count;
    uint64_t told;       /* how often terms were: which ones they are */
    struct found *found; /* rising */
    size_t found_count;
    size_t found_room;
    uint64_t wanted[OBJECT_ASKED_MAX];
    size_t wanted_count;
    bool asked; /* wanted[0] */
};

struct object_terms *object_terms_new(void)
{
    return memory_new(sizeof(struct object_terms));
}

static void forget(struct object_terms *t)
{
    for (size_t i = 0; i < t->found_count; i++)
        memory_free(t->found[i].objects);
    t->found_count = 0;
    t->wanted_count = 0;
    t->asked = false;
}

void object_terms_free(struct object_terms *terms)
{
    if (!terms)
        return;
    forget(terms);
    memory_free(terms->found);
    memory_free(terms);
}

/* ---- terms ---- */

static bool term_read(const struct json_value *row, struct object_term *ret_term)
{
    int64_t days = json_int(json_get(row, "days"), 0);
    *ret_term = (struct object_term){.object = json_int(json_get(row, "id"), 0), .days = (uint32_t)days};
    return ret_term->object > 0 && days > 0 && days <= (int64_t)RETENTION_DAYS_MAX &&
           str_copy_z(json_str(json_get(row, "name"), STR_NONE), ret_term->name, sizeof ret_term->name) &&
           ret_term->name[0];
}

enum rc object_terms_take(struct object_terms *terms, struct str body, struct arena *scratch, struct err *err)
{
    struct json_value *value = NULL;
    struct tlog_hash rules;
    size_t count = 0;
    struct object_term *term = arena_alloc_array(scratch, OBJECT_TERMS_MAX, sizeof *term);
    if (!term)
        return err_set(err, RC_LIMIT, "no memory for the objects' terms");
    if (json_parse(scratch, body, JSON_DEPTH, &value, err) != RC_OK ||
        !hex_decode(json_str(json_get(value, "rules"), STR_NONE), rules.bytes, sizeof rules.bytes))
        return err_set(err, RC_INVALID, "the objects' terms are damaged");
    for (const struct json_value *row = json_first(json_get(value, "objects")); row; row = row->next)
        if (count == OBJECT_TERMS_MAX || !term_read(row, &term[count++]))
            return err_set(err, RC_INVALID, "the objects' terms are damaged, or too many");
    if (!tlog_hash_eq(&rules, &terms->rules))
        forget(terms); /* what was found followed other rules */
    terms->rules = rules;
    terms->count = count;
    terms->told++;
    memcpy(terms->term, term, count * sizeof *term);
    terms->known = true;
    return RC_OK;
}

bool object_terms_known(const struct object_terms *terms)
{
    return terms->known;
}

uint32_t object_terms_longest(const struct object_terms *terms)
{
    uint32_t longest = 0;
    for (size_t i = 0; i < terms->count; i++)
        longest = MAX(longest, terms->term[i].days);
    return longest;
}

/* ---- segments ---- */

/* Where the segment is, or would be. */
static size_t place_of(const struct object_terms *t, uint64_t first)
{
    size_t low = 0;
    size_t high = t->found_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->found[middle].first < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct found *found_of(const struct object_terms *t, uint64_t first)
{
    size_t at = place_of(t, first);
    return at < t->found_count && t->found[at].first == first ? &t->found[at] : NULL;
}

static bool is_of(const struct found *found, int64_t object)
{
    uint32_t low = 0;
    uint32_t high = found->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (found->objects[middle] == object)
            return true;
        if (found->objects[middle] < object)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The longest term of those in it, or of all without `found`; position + 1. */
static uint32_t longest_of(const struct object_terms *t, const struct found *found)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        bool has = !found || !found->objects || is_of(found, t->term[i].object);
        if (has && (!longest || t->term[i].days > t->term[longest - 1].days))
            longest = i + 1;
    }
    return longest;
}

/* All segments are asked about every few seconds: what was reckoned stays until the terms change. */
struct object_judged object_terms_of(struct object_terms *terms, uint64_t first)
{
    struct found *found = terms->count ? found_of(terms, first) : NULL;
    /* Past the limit nobody will look: that is decided too. */
    struct object_judged judged = {.undecided = terms->count > 0 && !found && terms->found_count < OBJECT_SEGMENTS_MAX};
    uint32_t longest = found && found->terms_of == terms->told ? found->longest : longest_of(terms, found);
    if (found) {
        found->longest = longest;
        found->terms_of = terms->told;
    }
    judged.term = longest ? &terms->term[longest - 1] : NULL;
    return judged;
}

/* A clock that was set back makes it long ago. */
static bool recent(const struct found *found, int64_t wall_ns)
{
    return wall_ns >= found->at_ns && wall_ns - found->at_ns < AGAIN_NS;
}

bool object_terms_want(struct object_terms *terms, uint64_t first, int64_t wall_ns)
{
    const struct found *found = found_of(terms, first);
    if (found ? found->objects || recent(found, wall_ns) : terms->found_count == OBJECT_SEGMENTS_MAX)
        return true;
    for (size_t i = 0; i < terms->wanted_count; i++)
        if (terms->wanted[i] == first)
            return true;
    if (terms->wanted_count == OBJECT_ASKED_MAX)
        return false;
    terms->wanted[terms->wanted_count++] = first;
    return true;
}

bool object_terms_ask(struct object_terms *terms, uint64_t *ret_first, struct str *ret_body)
{
    if (!terms->known || terms->asked || terms->wanted_count == 0)
        return false;
    terms->asked = true;
    *ret_first = terms->wanted[0];
    *ret_body = str_at((const char *)terms->rules.bytes, TLOG_HASH_SIZE);
    return true;
}

void object_terms_unasked(struct object_terms *terms)
{
    terms->asked = false;
}

/* The place of a segment, made when there is none; NULL past the limit or without memory. */
static struct found *found_put(struct object_terms *t, uint64_t first)
{
    size_t at = place_of(t, first);
    if (at < t->found_count && t->found[at].first == first)
        return &t->found[at];
    if (t->found_count == OBJECT_SEGMENTS_MAX)
        return NULL;
    if (t->found_count == t->found_room) {
        size_t room = MIN(MAX(2 * t->found_room, (size_t)ROOM), (size_t)OBJECT_SEGMENTS_MAX);
        struct found *grown = memory_resize(t->found, room * sizeof *grown);
        if (!grown)
            return NULL;
        t->found = grown;
        t->found_room = room;
    }
    memmove(&t->found[at + 1], &t->found[at], (t->found_count++ - at) * sizeof t->found[at]);
    t->found[at] = (struct found){.first = first};
    return &t->found[at];
}

/* Among the first `count`, which rise. */
static void object_insert(int64_t *objects, size_t count, int64_t object)
{
    while (count > 0 && objects[count - 1] > object) {
        objects[count] = objects[count - 1];
        count--;
    }
    objects[count] = object;
}

bool object_terms_found(struct object_terms *terms, uint64_t first, struct str body, int64_t wall_ns)
{
    struct reader in = reader_of(body);
    struct tlog_hash rules;
    read_copy(&in, rules.bytes, sizeof rules.bytes);
    bool decided = read_u8(&in) == 1;
    size_t count = reader_left(&in) / 8;
    if (in.failed || reader_left(&in) % 8 != 0 || count > OBJECTS_FOUND_MAX || !terms->asked ||
        terms->wanted[0] != first || !tlog_hash_eq(&rules, &terms->rules))
        return false;
    terms->asked = false;
    memmove(terms->wanted, terms->wanted + 1, --terms->wanted_count * sizeof terms->wanted[0]);
    struct found *found = found_put(terms, first);
    int64_t *objects = decided ? memory_new((count + 1) * sizeof *objects) : NULL;
    if (!found || (decided && !objects)) { /* it stays undecided */
        memory_free(objects);
        return false;
    }
    for (size_t i = 0; i < count && objects; i++)
        object_insert(objects, i, (int64_t)read_be64(&in));
    memory_free(found->objects);
    *found = (struct found){.first = first, .at_ns = wall_ns, .objects = objects, .count = (uint32_t)count};
    return true;
}
