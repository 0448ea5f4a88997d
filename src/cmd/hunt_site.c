#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/hunt_command.h"
#include "cmd/interrupt.h"
#include "os/clock.h"
#include "paper/visible.h"
#include "role/config.h"
#include "role/parent.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUERY_MEMORY ((size_t)1 << 20)
#define LINE_BYTES   ((size_t)8 << 20) /* a rule's file has 1 MiB */
#define PROGRESS_NS  UINT64_C(200000000)

bool hunt_site_stopped(void)
{
    return interrupt_came();
}

bool hunt_site_is_range(const char *operand)
{
    static const char *const heads[] = {"last:", "from:", "to:"};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (str_starts(str_of(operand), str_of(heads[i])))
            return true;
    return false;
}

/* The later of two beginnings, the earlier of two ends; 0 is open. */
static void narrow(struct hunt_site *site, int64_t from_ns, int64_t to_ns)
{
    site->from_ns = site->from_ns && from_ns ? MAX(site->from_ns, from_ns) : site->from_ns + from_ns;
    site->to_ns = site->to_ns && to_ns ? MIN(site->to_ns, to_ns) : site->to_ns + to_ns;
}

static enum rc range_read(struct hunt_site *site, const struct options *options, int64_t now_ns, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(QUERY_MEMORY);
    enum rc rc = arena ? RC_OK : err_set(err, RC_LIMIT, "no memory to search");
    site->from_ns = options_time(options, "from", now_ns, 0);
    site->to_ns = options_time(options, "to", now_ns, 0);
    for (int i = 1; i < options->operand_count && rc == RC_OK; i++) {
        struct query *query;
        int64_t from_ns;
        int64_t to_ns;
        if (!hunt_site_is_range(options->operands[i]))
            continue;
        rc = query_parse(str_of(options->operands[i]), now_ns, site->zone_s, arena, &query, err);
        if (rc != RC_OK)
            return rc;
        query_range(query, &from_ns, &to_ns);
        narrow(site, from_ns, to_ns);
    }
    return rc;
}

static enum rc zone_read(struct hunt_site *site, const char *data, struct err *err)
{
    struct config config;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)4 << 20);
    enum rc rc = arena ? config_load(data, arena, &config, err) : err_set(err, RC_LIMIT, "no memory");
    if (rc == RC_OK)
        site->zone_s = (int32_t)config.zone_offset_s;
    return rc;
}

enum rc hunt_site_prepare(struct hunt_site *site, const struct options *options, struct err *err)
{
    const char *data = options_text(options, "data");
    site->reading.folder = -1;
    site->shown_ns = isatty(STDERR_FILENO) == 1 ? clock_boot_ns() : 0;
    interrupt_watch();
    enum rc rc = zone_read(site, data, err);
    rc = rc == RC_OK ? range_read(site, options, clock_real_ns(), err) : rc;
    return rc == RC_OK ? reading_prepare(&site->reading, data, true, err) : rc;
}

enum rc hunt_site_start(struct hunt_site *site, const struct options *options, struct err *err)
{
    return reading_start(&site->reading, options_text(options, "data"), err);
}

enum rc hunt_site_open(struct hunt_site *site, const struct options *options, struct err *err)
{
    enum rc rc = hunt_site_prepare(site, options, err);
    return rc == RC_OK ? hunt_site_start(site, options, err) : rc;
}

void hunt_site_close(struct hunt_site *site)
{
    reading_close(&site->reading);
}

struct hunt hunt_site_hunt(const struct hunt_site *site, const struct options *options)
{
    return (struct hunt){
        .reader = site->reading.reader,
        .from_ns = site->from_ns,
        .to_ns = site->to_ns,
        .zone_s = site->zone_s,
        .every_record = options_flag(options, "every-record"),
        .jobs = options_given(options, "jobs") ? (unsigned)options_number(options, "jobs") : 0,
    };
}

void hunt_site_clear(struct hunt_site *site)
{
    if (site->shown)
        fputs("\r\033[K", stderr);
    site->shown = false;
}

bool hunt_site_go_on(struct hunt_site *site, uint32_t permille, const struct hunt_counts *counts)
{
    uint64_t now = clock_boot_ns();
    if (site->shown_ns && now - site->shown_ns >= PROGRESS_NS) {
        fprintf(stderr, "\r\033[K%u.%u %% hunted, %llu records looked at, %llu matches", permille / 10, permille % 10,
                (unsigned long long)counts->records, (unsigned long long)site->matched(site->context));
        site->shown_ns = now;
        site->shown = true;
    }
    return !interrupt_came();
}

void hunt_site_remarks(struct hunt_site *site, const struct hunt *hunt)
{
    const struct hunt_counts *counts = &hunt->counts;
    reading_tell_gone(&site->reading, "rules", &hunt->swept);
    if (counts->gone)
        fprintf(stderr, "qorgan rules: %llu blocks of records were deleted while they were looked for\n",
                (unsigned long long)counts->gone);
    if (counts->too_large)
        fprintf(stderr, "qorgan rules: %llu events were too large to be matched\n",
                (unsigned long long)counts->too_large);
    if (counts->evicted)
        fprintf(stderr, "qorgan rules: correlations gave up %llu groups for want of room\n",
                (unsigned long long)counts->evicted);
}

void hunt_site_refused(void *context, const struct rule_outcome *outcome)
{
    (void)context;
    fprintf(stderr, "qorgan rules: refused rule %.*s: %.*s\n", STR_ARG(outcome->path), STR_ARG(outcome->reason));
}

void hunt_site_remark_rule(const struct rule *rule)
{
    struct buf line CLEANUP(buf_done) = {0};
    buf_init(&line, LINE_BYTES);
    visible_show(&line, rule->title);
    buf_text(&line, " (");
    visible_show(&line, rule->id);
    fprintf(stderr, "qorgan rules: %s): " HUNT_RULES_REMARK "\n", buf_z(&line));
}
