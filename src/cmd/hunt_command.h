/* hunt_command.h - `qorgan rules hunt` and `qorgan rules diff`: rules over what the archive holds already. */
#ifndef CMD_HUNT_COMMAND_H
#define CMD_HUNT_COMMAND_H

#include "cmd/archive_open.h"
#include "cmd/hunt_choice.h"
#include "cmd/options.h"
#include "role/hunt.h"

#include <stdint.h>

/* An exit status. */
int hunt_command(const struct options *options);
int rules_diff_command(const struct options *options);

/* ---- what both share ---- */

/* Where and when to look, as the options say it, and progress on the terminal; zero it first. */
struct hunt_site {
    struct reading reading;
    int64_t from_ns;
    int64_t to_ns;
    int32_t zone_s;
    uint64_t shown_ns; /* when progress was shown last; 0: it is not wanted */
    bool shown;
    uint64_t (*matched)(void *context); /* for the line of progress */
    void *context;
};

/* Takes SIGINT, too: hunt_site_stopped tells. `range` are the operands `last:24h`, `from:TIME`, `to:TIME`. */
enum rc hunt_site_open(struct hunt_site *site, const struct options *options, struct err *err) MUST_USE;
/* The same in two steps, for who hunts where nothing but the archive can be opened. */
enum rc hunt_site_prepare(struct hunt_site *site, const struct options *options, struct err *err) MUST_USE;
enum rc hunt_site_start(struct hunt_site *site, const struct options *options, struct err *err) MUST_USE;
void hunt_site_close(struct hunt_site *site);
bool hunt_site_stopped(void);
/* A hunt at this site, still without rules and where to. */
struct hunt hunt_site_hunt(const struct hunt_site *site, const struct options *options);
/* For a hunt's `go_on`, which passes the site. */
bool hunt_site_go_on(struct hunt_site *site, uint32_t permille, const struct hunt_counts *counts);
void hunt_site_clear(struct hunt_site *site); /* the line of progress */
/* Whether an operand names a time, not a rule. */
bool hunt_site_is_range(const char *operand);
/* On standard error: what of the range is gone, was too large... */
void hunt_site_remarks(struct hunt_site *site, const struct hunt *hunt);
/* A refused document on standard error; for hunt_choice_load. */
void hunt_site_refused(void *context, const struct rule_outcome *outcome);
/* A rule of indicators on standard error. */
void hunt_site_remark_rule(const struct rule *rule);

#endif
