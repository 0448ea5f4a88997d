/* detect.c - `qorgan detect --rules DIR... FILE...`: what the rules find in files, as the service would find it. */
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/detector.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"

#include <stdio.h>

#define LINE_BYTES ((size_t)1 << 20)

struct detect {
    const char *file;
    bool json;
};

static void on_hit(void *context, const struct detector_hit *hit)
{
    const struct detect *detect = context;
    const struct rule *rule = hit->rule;
    struct buf line;
    if (!rule->alerts)
        return;
    buf_init(&line, LINE_BYTES);
    if (detect->json) {
        json_write_object(&line);
        json_put_text(&line, "file", detect->file);
        json_put_u64(&line, "record", hit->record);
        json_put_str(&line, "rule_id", rule->id);
        json_put_str(&line, "title", rule->title);
        json_put_text(&line, "level", rule_level_name(rule->level));
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s:%llu: %s: %.*s (%.*s)", detect->file, (unsigned long long)hit->record,
                   rule_level_name(rule->level), STR_ARG(rule->title), STR_ARG(rule->id));
    }
    printf("%s\n", buf_z(&line));
    buf_done(&line);
}

static void on_trouble(void *context, const char *text)
{
    const struct detect *detect = context;
    fprintf(stderr, "qorgan detect: \"%s\": %s\n", detect->file, text);
}

static void say_refusals(const struct rules *rules)
{
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (!outcome->loaded)
            fprintf(stderr, "qorgan detect: refused rule %.*s: %.*s\n", STR_ARG(outcome->path),
                    STR_ARG(outcome->reason));
    }
}

static void say_lists(const struct indicators *indicators)
{
    uint64_t refused = 0;
    for (size_t i = 0; indicators && i < indicators_list_count(indicators); i++)
        refused += indicators_list_at(indicators, i).refused;
    if (refused)
        fprintf(stderr, "qorgan detect: %llu values of the lists are refused; `qorgan indicators check` says why\n",
                (unsigned long long)refused);
}

int cmd_detect(int argc, char **argv)
{
    struct options options;
    struct err err;
    const char *folder;
    int status = options_parse("detect", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    struct detector *detector = detector_new();
    enum rc rc = detector ? RC_OK : err_set(&err, RC_LIMIT, "no memory for rules");
    for (size_t i = 0; rc == RC_OK && (folder = options_list(&options, "rules", i)); i++)
        rc = detector_rules(detector, folder, &err);
    for (size_t i = 0; rc == RC_OK && (folder = options_list(&options, "indicators", i)); i++)
        rc = detector_indicators(detector, folder, &err);
    rc = rc == RC_OK ? detector_ready(detector, &err) : rc;
    status = rc == RC_OK ? CMD_OK : cmd_fail("detect", &err);
    if (rc == RC_OK)
        say_refusals(detector_loaded(detector));
    if (rc == RC_OK)
        say_lists(detector_lists(detector));
    for (int i = 0; rc == RC_OK && i < options.operand_count; i++) {
        struct detect detect = {.file = options.operands[i], .json = options_flag(&options, "json")};
        struct detector_file file = {
            .path = detect.file,
            .received_ns = clock_real_ns(),
            .sink = {.hit = on_hit, .trouble = on_trouble, .context = &detect},
        };
        if (detector_file(detector, &file, &err) != RC_OK)
            status = cmd_fail("detect", &err); /* the other files are read all the same */
        else if (file.incomplete)
            fprintf(stderr, "qorgan detect: \"%s\": %llu PowerShell scripts lack pieces: what is there was looked at\n",
                    detect.file, (unsigned long long)file.incomplete);
    }
    detector_free(detector);
    return status;
}
