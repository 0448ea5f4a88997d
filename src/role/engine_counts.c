#include "role/engine_counts.h"

#include "base/assert.h"
#include "os/random.h"
#include "role/log.h"

enum rc engine_counts_init(struct engine_counts *counts, const char *data, const struct mapping *mapping,
                           struct arena *arena, struct err *err)
{
    enum rc rc = annex_tables_load(data, arena, &counts->tables, err);
    if (rc != RC_OK)
        return rc;
    counts->annex = annex_counts_new(&counts->tables, ANNEX_COUNTS_ENGINE, random_u64());
    counts->parses = parse_counts_new(mapping, PARSE_COUNTS_ENGINE, random_u64());
    counts->losses = loss_counts_new(random_u64());
    ASSERT(counts->annex && counts->parses && counts->losses);
    return RC_OK;
}

void engine_counts_remap(struct engine_counts *counts, const struct mapping *mapping)
{
    parse_counts_remap(counts->parses, mapping);
    counts->pattern = NULL; /* it was of the other */
}

void engine_counts_attach(struct engine_counts *counts, struct engine_rules *duties)
{
    engine_rules_annex(duties, counts->annex);
    engine_rules_parses(duties, counts->parses);
    engine_rules_losses(duties, counts->losses);
}

void engine_counts_event(struct engine_counts *counts, const struct normaliser *normaliser)
{
    counts->grasp = normaliser_grasp(normaliser);
    counts->pattern = normaliser_pattern(normaliser);
}

void engine_counts_record(struct engine_counts *counts, const struct annex_record *record, uint64_t number)
{
    annex_counts_record(counts->annex, record);
    parse_counts_record(counts->parses, &(struct parse_record){.source = record->source->id,
                                                               .raw = record->raw,
                                                               .number = number,
                                                               .received_ns = record->received_ns,
                                                               .grasp = counts->grasp,
                                                               .pattern = counts->pattern,
                                                               .parser = record->event->parser,
                                                               .durable_ns = counts->durable_ns});
}

bool engine_counts_are_many(const struct engine_counts *counts)
{
    return annex_counts_are_many(counts->annex) || parse_counts_are_many(counts->parses);
}

static void lost_log(const char *what, uint64_t now, uint64_t *told)
{
    if (now != *told)
        log_warning("%llu records are missing in what is counted %s: the desk took nothing for long",
                    (unsigned long long)(now - *told), what);
    *told = now;
}

void engine_counts_log(struct engine_counts *counts)
{
    lost_log("for coverage of Annex 4", annex_counts_lost(counts->annex), &counts->annex_lost);
    lost_log("of how they were parsed", parse_counts_lost(counts->parses), &counts->parses_lost);
}
