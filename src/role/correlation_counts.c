#include "role/correlation_counts.h"

#include "base/arena.h"
#include "base/assert.h"

enum rc correlation_counts_make(struct correlation_counts *counts, const struct rules *rules, struct err *err)
{
    ASSERT(counts->count == 0);
    size_t room = rules_count(rules) + 1;
    struct desk_rule_count *rows = memory_new(room * sizeof *rows);
    if (!rows)
        return err_set(err, RC_LIMIT, "no memory for correlations");
    memory_free(counts->rows);
    *counts = (struct correlation_counts){.rows = rows, .room = room};
    return RC_OK;
}

void correlation_counts_done(struct correlation_counts *counts)
{
    memory_free(counts->rows);
    *counts = (struct correlation_counts){0};
}

static struct desk_rule_count *row_of(struct correlation_counts *counts, const struct rule *rule)
{
    size_t i = 0;
    while (i < counts->count && counts->rows[i].id.p != rule->id.p)
        i++;
    if (i == counts->count) {
        ASSERT(i < counts->room);
        counts->rows[counts->count++] = (struct desk_rule_count){.id = rule->id};
    }
    return &counts->rows[i];
}

void correlation_counts_firing(struct correlation_counts *counts, const struct correlation_firing *firing)
{
    struct desk_rule_count *row = row_of(counts, firing->rule);
    row->hits++;
    row->last_ns = MAX(row->last_ns, firing->time_ns);
}

void correlation_counts_losses(struct correlation_counts *counts, const struct rule *rule,
                               const struct correlation_losses *losses)
{
    struct desk_rule_count *row = row_of(counts, rule);
    row->lost_groups += losses->groups;
    row->lost_matches += losses->matches;
    row->late += losses->late;
    row->ungrouped += losses->ungrouped;
}
