/* What an engine tells of its rules: whatever is read keeps the promises of the header, can be written, and reads the
 * same again. */
#include "role/rule_stats.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool written(const struct rule_stats *stats, struct buf *out)
{
    bool room = true;
    rule_stats_begin(out, stats->upto, stats->events);
    for (size_t i = 0; i < stats->rule_count; i++) {
        ASSERT(stats->rules[i].hits <= stats->rules[i].runs && stats->rules[i].last_ns >= 0);
        room = rule_stats_add(out, &stats->rules[i]) && room;
    }
    rule_stats_sources(out);
    for (size_t i = 0; i < stats->source_count; i++) {
        ASSERT(stats->sources[i].covered <= stats->sources[i].events);
        room = rule_stats_source(out, &stats->sources[i]) && room;
    }
    rule_stats_fields(out);
    for (size_t i = 0; i < stats->field_count; i++)
        room = rule_stats_field(out, stats->fields[i]) && room;
    rule_stats_annexes(out);
    for (size_t i = 0; i < stats->annex_count; i++) {
        const struct annex_count *count = &stats->annex[i].count;
        ASSERT(count->records > 0 && count->failed <= count->records && count->first_ns <= count->last_ns);
        room = rule_stats_annex(out, &stats->annex[i]) && room;
    }
    rule_stats_parses(out);
    for (size_t i = 0; i < stats->parse_count; i++) {
        ASSERT(stats->parses[i].count.records > 0 && stats->parses[i].outcome < PARSE_OUTCOME_COUNT);
        room = rule_stats_parse(out, &stats->parses[i]) && room;
    }
    rule_stats_end(out);
    ASSERT(!out->overflow);
    return room;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)32 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct rule_stats first;
    struct rule_stats again;
    struct err err;
    buf_init(&out, RULE_STATS_BYTES);
    if (!arena || rule_stats_read(str_at(bytes, size), arena, &first, &err) != RC_OK)
        return 0;
    bool room = written(&first, &out);
    ASSERT(rule_stats_read(buf_view(&out), arena, &again, &err) == RC_OK);
    ASSERT(again.upto == first.upto && again.events == first.events);
    if (!room)
        return 0;
    ASSERT(again.rule_count == first.rule_count && again.source_count == first.source_count);
    ASSERT(again.field_count == first.field_count && again.annex_count == first.annex_count);
    ASSERT(again.parse_count == first.parse_count);
    for (size_t i = 0; i < first.parse_count; i++)
        ASSERT(again.parses[i].count.records == first.parses[i].count.records &&
               again.parses[i].outcome == first.parses[i].outcome && again.parses[i].day == first.parses[i].day);
    for (size_t i = 0; i < first.annex_count; i++)
        ASSERT(memcmp(&again.annex[i].count, &first.annex[i].count, sizeof again.annex[i].count) == 0 &&
               again.annex[i].class == first.annex[i].class);
    for (size_t i = 0; i < first.rule_count; i++)
        ASSERT(str_eq(again.rules[i].id, first.rules[i].id) && again.rules[i].ns == first.rules[i].ns);
    return 0;
}
