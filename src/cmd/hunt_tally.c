#include "cmd/hunt_tally.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "os/random.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 512u /* bytes of a value that tell it from others */

bool hunt_tally_init(struct hunt_tally *tally, size_t rule_count, bool with_records)
{
    *tally = (struct hunt_tally){.rule_count = rule_count, .with_records = with_records};
    tally->rules = memory_new((rule_count + 1) * sizeof *tally->rules);
    return tally->rules != NULL;
}

void hunt_tally_done(struct hunt_tally *tally)
{
    for (size_t i = 0; tally->rules && i < tally->rule_count; i++)
        for (size_t k = 0; k < TALLY_KINDS; k++)
            map_free(tally->rules[i].values[k].counts);
    memory_free(tally->rules);
    memory_free(tally->records);
}

static void value_add(struct hunt_tally *tally, struct tally_values *values, struct str value)
{
    if (!values->counts)
        values->counts = map_new(TALLY_DISTINCT_MAX, random_u64());
    if (!values->counts) {
        tally->failed = true;
        return;
    }
    uint64_t *count = map_put(values->counts, value);
    if (count)
        ++*count;
    else
        values->more = true;
}

/* Names of the three, each with its length, so that no two groups have one text. */
static void group_add(struct hunt_tally *tally, struct tally_rule *rule, const struct hunt_found *found)
{
    const struct str parts[] = {found->host, found->account, found->address};
    char storage[3 * (VALUE_MAX + 2)];
    struct buf key;
    buf_init_fixed(&key, storage, sizeof storage);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct str part = str_slice(parts[i], 0, VALUE_MAX);
        buf_be16(&key, (uint16_t)part.n);
        buf_str(&key, part);
    }
    value_add(tally, &rule->values[TALLY_GROUPS], buf_view(&key));
}

static void example_add(struct tally_rule *rule, const struct hunt_found *found)
{
    if (rule->example_count == TALLY_EXAMPLES || found->record_count == 0)
        return;
    struct tally_example *example = &rule->examples[rule->example_count++];
    struct str text = str_slice(found->description, 0, TALLY_TEXT_MAX);
    while (text.n < found->description.n && text.n && ((unsigned char)found->description.p[text.n] & 0xc0) == 0x80)
        text.n--; /* not within a character */
    example->record = found->record;
    example->time_ns = found->time_ns;
    example->n = text.n;
    if (text.n)
        memcpy(example->text, text.p, text.n);
}

static void record_add(struct hunt_tally *tally, uint64_t record, uint32_t rule)
{
    if (tally->record_count == TALLY_RECORDS_MAX) {
        tally->records_lost = true;
        return;
    }
    if (tally->record_count == tally->record_room) {
        size_t room = tally->record_room ? tally->record_room * 2 : 1024;
        struct tally_record *records = memory_resize(tally->records, room * sizeof *records);
        if (!records) {
            tally->failed = true;
            return;
        }
        tally->records = records;
        tally->record_room = room;
    }
    tally->records[tally->record_count++] = (struct tally_record){record, rule};
}

void hunt_tally_add(struct hunt_tally *tally, const struct hunt_found *found)
{
    ASSERT(found->rule->index < tally->rule_count);
    struct tally_rule *rule = &tally->rules[found->rule->index];
    const struct str values[] = {
        [TALLY_HOSTS] = found->host, [TALLY_ACCOUNTS] = found->account, [TALLY_ADDRESSES] = found->address};
    rule->first_ns = rule->matches ? MIN(rule->first_ns, found->time_ns) : found->time_ns;
    rule->last_ns = rule->matches ? MAX(rule->last_ns, found->time_ns) : found->time_ns;
    rule->matches++;
    for (size_t k = 0; k < ARRAY_LEN(values); k++)
        if (values[k].n)
            value_add(tally, &rule->values[k], str_slice(values[k], 0, VALUE_MAX));
    group_add(tally, rule, found);
    example_add(rule, found);
    for (size_t i = 0; tally->with_records && i < found->record_count; i++)
        record_add(tally, found->records[i], found->rule->index);
}

static int by_record(const void *a, const void *b)
{
    const struct tally_record *x = a;
    const struct tally_record *y = b;
    if (x->record != y->record)
        return x->record < y->record ? -1 : 1;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

void hunt_tally_sort(struct hunt_tally *tally)
{
    size_t kept = 0;
    if (tally->record_count)
        qsort(tally->records, tally->record_count, sizeof *tally->records, by_record);
    for (size_t i = 0; i < tally->record_count; i++)
        if (kept == 0 || by_record(&tally->records[kept - 1], &tally->records[i]) != 0)
            tally->records[kept++] = tally->records[i];
    tally->record_count = kept;
}

size_t hunt_tally_top(const struct tally_values *values, struct tally_top ret_top[TALLY_TOP])
{
    size_t count = 0;
    for (size_t i = 0; values->counts && i < map_end(values->counts); i++) {
        struct tally_top one;
        if (!map_at(values->counts, i, &one.value, &one.count))
            continue;
        size_t place = count;
        while (place > 0 && ret_top[place - 1].count < one.count)
            place--;
        if (place == TALLY_TOP)
            continue;
        count = MIN(count + 1, (size_t)TALLY_TOP);
        for (size_t k = count - 1; k > place; k--)
            ret_top[k] = ret_top[k - 1];
        ret_top[place] = one;
    }
    return count;
}

size_t hunt_tally_distinct(const struct tally_values *values)
{
    return values->counts ? map_count(values->counts) : 0;
}

enum tally_verdict hunt_tally_verdict(const struct rule *rule)
{
    return !rule->alerts ? TALLY_FEEDS : rule->level < RULE_MEDIUM ? TALLY_COUNTS : TALLY_OPENS;
}
