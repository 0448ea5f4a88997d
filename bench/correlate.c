/* correlate.c - what open groups of correlations cost: memory a group, CPU a match.
 *
 * usage: bench-correlate GROUPS
 *
 * An event_count grouped by host and address; every group gets one match, then a second, then a third. Prints one line
 * a step, tab-separated: name, matches, groups, resident bytes of the process beyond its start, CPU seconds, remark. */
#include "rule/correlate.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/civil.h"
#include "bench/common.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RULES_BYTES ((size_t)64 << 20)
#define BEGIN_NS    (INT64_C(1764000000) * SECOND_NS)

static const char text[] =
    "{title: failed, name: failed, logsource: {product: x}, detection: {s: {f: a}, condition: s}}\n---\n"
    "{title: many, correlation: {type: event_count, rules: [failed], group-by: [host, address], timespan: 1h, "
    "condition: {gte: 100}}}\n---\n"
    "{title: spread, name: spread, logsource: {product: x}, detection: {s: {f: b}, condition: s}}\n---\n"
    "{title: wide, correlation: {type: value_count, rules: [spread], group-by: [host], timespan: 1h, "
    "condition: {gte: 1000, field: account}}}\n---\n"
    "{title: sent, name: sent, logsource: {product: x}, detection: {s: {f: c}, condition: s}}\n---\n"
    "{title: much, correlation: {type: value_sum, rules: [sent], group-by: [host], timespan: 1h, "
    "condition: {gte: 1e18, field: bytes}}}\n";

struct bench {
    struct rules *rules;
    struct correlator *correlator;
    uint64_t record;
    uint64_t fired;
    size_t resident; /* at the start */
    uint64_t cpu_ns;
};

static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    int got = file ? fscanf(file, "%*u %lu", &pages) : 0;
    if (file)
        fclose(file);
    return got == 1 ? pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static void on_fire(void *context, const struct correlation_firing *firing)
{
    struct bench *bench = context;
    (void)firing;
    bench->fired++;
}

static void step_begin(struct bench *bench)
{
    bench->cpu_ns = clock_cpu_ns();
}

static void step_end(const struct bench *bench, const char *name, size_t matches, const char *remark)
{
    double cpu_s = (double)(clock_cpu_ns() - bench->cpu_ns) / 1e9;
    struct correlator_stats stats = correlator_stats(bench->correlator);
    size_t resident = resident_bytes();
    printf("%s\t%zu\t%zu\t%zu\t%.6f\t%s, %zu bytes by its own count, %" PRIu64 " groups evicted\n", name, matches,
           stats.groups, resident > bench->resident ? resident - bench->resident : 0, cpu_s, remark, stats.bytes,
           stats.groups_evicted);
    fflush(stdout);
}

static void match(struct bench *bench, const char *rule, const struct rule_value *values, size_t count)
{
    struct correlator_hit hit = {rules_find(bench->rules, str_of(rule)), BEGIN_NS + (int64_t)bench->record * 1000,
                                 bench->record, values, count};
    struct err err = {.text = "no memory for a match"};
    bench->record++;
    if (correlator_match(bench->correlator, &hit, on_fire, bench) != RC_OK)
        bench_die("match", &err);
}

/* One match for each of the groups: an attacker who walks through machines and addresses. */
static void many_groups(struct bench *bench, size_t groups, const char *name)
{
    char host[32];
    char address[32];
    step_begin(bench);
    for (size_t i = 0; i < groups; i++) {
        snprintf(host, sizeof host, "server-%04zu", i % 5000);
        snprintf(address, sizeof address, "198.%zu.%zu.%zu", 18 + (i >> 16) % 64, i >> 8 & 255, i & 255);
        const struct rule_value values[] = {{STR("host"), str_of(host)}, {STR("address"), str_of(address)}};
        match(bench, "failed", values, ARRAY_LEN(values));
    }
    step_end(bench, name, groups, "the texts of host and address made on the way");
}

/* Many matches of one group: what a match costs must not grow with them. */
static void one_window(struct bench *bench, size_t matches, const char *rule, const char *field, size_t different)
{
    char number[32];
    char name[64];
    step_begin(bench);
    for (size_t i = 0; i < matches; i++) {
        snprintf(number, sizeof number, "%zu", i % different);
        const struct rule_value values[] = {{STR("host"), STR("one")}, {str_of(field), str_of(number)}};
        match(bench, rule, values, ARRAY_LEN(values));
    }
    snprintf(name, sizeof name, "one window, rule %s, %zu values", rule, different);
    step_end(bench, name, matches, "all in one group");
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct err err;
    uint64_t groups;
    if (argc != 2 || !str_to_u64(str_of(argv[1]), &groups) || groups == 0 || groups > 2000000) {
        fprintf(stderr, "usage: bench-correlate GROUPS\n");
        return 2;
    }
    bench.rules = rules_new(RULES_BYTES);
    if (!bench.rules || rules_add(bench.rules, STR("bench.yml"), str_of(text), &err) != RC_OK ||
        rules_finish(bench.rules, &err) != RC_OK || rules_count(bench.rules) != 6)
        bench_die("rules", &err);
    bench.resident = resident_bytes();
    bench.correlator = correlator_new(bench.rules, NULL, 1);
    if (!bench.correlator)
        bench_die("correlator", &err);
    many_groups(&bench, groups, "a group a match");
    step_begin(&bench);
    if (correlator_advance(bench.correlator, BEGIN_NS + 60 * SECOND_NS, on_fire, &bench) != RC_OK)
        bench_die("advance", &err);
    step_end(&bench, "looking through all groups", 0, "once a second");
    many_groups(&bench, groups, "a second match of each");
    many_groups(&bench, groups, "a third match of each");
    one_window(&bench, 100000, "spread", "account", 3);
    one_window(&bench, 100000, "sent", "bytes", 1000);
    correlator_free(bench.correlator);
    rules_free(bench.rules);
    return 0;
}
