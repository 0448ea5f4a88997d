/* correlation_counts.h - what is counted of correlations until it goes with the desk's next batch. Under `desk`. */
#ifndef ROLE_CORRELATION_COUNTS_H
#define ROLE_CORRELATION_COUNTS_H

#include "base/err.h"
#include "desk/desk.h"
#include "rule/correlate.h"

#include <stddef.h>

struct correlation_counts {
    struct desk_rule_count *rows; /* room for every rule */
    size_t count;
    size_t room;
};

/* For other rules, which outlive it from here on; nothing may be counted then. After an error all is as before. */
enum rc correlation_counts_make(struct correlation_counts *counts, const struct rules *rules, struct err *err) MUST_USE;
void correlation_counts_done(struct correlation_counts *counts);
void correlation_counts_firing(struct correlation_counts *counts, const struct correlation_firing *firing);
void correlation_counts_losses(struct correlation_counts *counts, const struct rule *rule,
                               const struct correlation_losses *losses);

#endif
