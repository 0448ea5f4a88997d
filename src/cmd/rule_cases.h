/* rule_cases.h - cases that say what rules must fire on, and what not.
 *
 * Beside a rule NAME.yml: NAME.must.EXT, each record of which fires it (of a correlation: all together), and
 * NAME.not.EXT, no record of which does; EXT is log, json, xml or evtx, and the records are told by the contents. A
 * list of indicators NAME.indicators.csv is there for the samples of its rule alone. Anywhere below a folder: info.yml
 * of SigmaHQ's regression data, which names rules by id and sample files with the least number of matches; the files
 * lie beside it. A sample that held no event is a failure. Lines without a year are of this one, whatever the day. */
#ifndef CMD_RULE_CASES_H
#define CMD_RULE_CASES_H

#include "cmd/detector.h"
#include "cmd/rule_case.h"
#include "cmd/rule_samples.h"

#include <stddef.h>

struct rule_cases {
    struct detector *detector;           /* ready */
    const struct rule_samples *samples;  /* all that cases may name */
    const struct indicator_texts *lists; /* for all samples, which the detector has; may be empty */
    void (*took)(void *context, const struct rule_case *taken);
    void *context;
    size_t bare; /* comes back: rules without any case, given as skipped */
};

/* The samples beside every loaded rule, then those that an info.yml names, then the rules without any. Opens nothing.
 * RC_LIMIT without memory; RC_IO when a folder could not be read. */
enum rc rule_cases_run(struct rule_cases *cases, struct err *err) MUST_USE;
#endif
