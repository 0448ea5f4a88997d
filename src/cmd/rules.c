/* rules.c - `qorgan rules check DIR...`: which rules load, and why the others do not; `qorgan rules test DIR...`:
 * whether they fire on their samples, and on no other; `qorgan rules explain RULE RECORD`: why one matches a record, or
 * not; `qorgan rules hunt RULE...`: what rules would have found in the archive; `qorgan rules diff OLD NEW`: what a
 * change of them changes there; import, packs, rollback, remove and pack: packs of rules (rule_packs.h). */
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/hunt_command.h"
#include "cmd/options.h"
#include "cmd/rule_explain.h"
#include "cmd/rule_packs.h"
#include "cmd/rule_testing.h"
#include "codec/json.h"
#include "event/names.h"

#include <stdio.h>
#include <string.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define COPY_MEMORY  ((uint64_t)8 << 30) /* address space: the texts, the rules and their compiled form */
#define LINE_BYTES   65536u

static void print_json(const struct rule_outcome *outcome)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    json_write_object(&line);
    json_put_str(&line, "path", outcome->path);
    json_put_str(&line, "id", outcome->id);
    json_put_bool(&line, "loaded", outcome->loaded);
    json_put_str(&line, "reason", outcome->loaded ? outcome->warning : outcome->reason);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
    buf_done(&line);
}

static void print_text(const struct rule_outcome *outcome)
{
    if (!outcome->loaded)
        printf("refused  %.*s: %.*s\n", STR_ARG(outcome->path), STR_ARG(outcome->reason));
    else if (outcome->warning.n)
        printf("warning  %.*s: %.*s\n", STR_ARG(outcome->path), STR_ARG(outcome->warning));
}

static int print_all(const struct rules *rules, bool json)
{
    size_t refused = 0;
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        refused += !outcome->loaded;
        if (json)
            print_json(outcome);
        else
            print_text(outcome);
    }
    if (!json)
        printf("%zu rules: %zu loaded, %zu refused\n", rules_outcome_count(rules), rules_outcome_count(rules) - refused,
               refused);
    return refused ? CMD_FAILED : CMD_OK;
}

struct checking {
    struct rule_texts texts;
    bool json;
};

/* In the copy: strangers wrote these rules. */
static enum rc work_check(void *context, struct buf *answer, struct err *err)
{
    const struct checking *checking = context;
    struct rules *rules = rules_new(RULES_MEMORY);
    struct names *names = names_new(1);
    struct rule_set *set = NULL;
    enum rc rc = rules && names ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
    rc = rc == RC_OK ? rule_texts_give(&checking->texts, rules, err) : rc;
    rc = rc == RC_OK ? rules_finish(rules, err) : rc;
    rc = rc == RC_OK ? rule_set_compile(rules, names, &set, err) : rc; /* as the service would */
    if (rc == RC_OK)
        buf_u8(answer, (uint8_t)print_all(rules, checking->json));
    rule_set_free(set);
    names_free(names);
    rules_free(rules);
    return rc == RC_OK && fflush(stdout) != 0 ? err_set(err, RC_IO, "could not write to standard output") : rc;
}

static int check(const struct options *options)
{
    struct err err;
    struct buf answer CLEANUP(buf_done);
    struct checking checking = {.json = options_flag(options, "json")};
    const struct confined confined = {.work = work_check, .context = &checking, .memory_max = COPY_MEMORY};
    buf_init(&answer, 1);
    enum rc rc = rule_texts_init(&checking.texts, &err);
    for (int i = 1; rc == RC_OK && i < options->operand_count; i++)
        rc = rule_texts_read(&checking.texts, options->operands[i], &err);
    rc = rc == RC_OK ? confined_command(&confined, "rules: the check", &answer, &err) : rc;
    if (rc == RC_OK && answer.n != 1)
        rc = err_set(&err, RC_CORRUPT, "what was found of the rules does not read");
    rule_texts_done(&checking.texts);
    if (rc != RC_OK)
        return cmd_fail("rules", &err);
    return answer.p[0] == CMD_OK ? CMD_OK : CMD_FAILED;
}

/* One row an action: how many operands it needs, itself counted, and whether it takes lists of indicators. */
static const struct action {
    const char *name;
    int least;
    bool takes_lists;
    int (*run)(const struct options *options);
} actions[] = {
    {"check", 2, false, check},
    {"test", 2, true, rule_testing_command},
    {"explain", 2, true, rule_explain_command},
    {"hunt", 2, false, hunt_command},
    {"diff", 2, false, rules_diff_command},
    {"import", 2, false, rule_packs_import_command},
    {"packs", 1, false, rule_packs_list_command},
    {"rollback", 2, false, rule_packs_rollback_command},
    {"switch", 3, false, rule_packs_rollback_command},
    {"remove", 2, false, rule_packs_remove_command},
    {"pack", 2, false, rule_packs_sign_command},
};

int cmd_rules(int argc, char **argv)
{
    struct options options;
    int status = options_parse("rules", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    const struct action *action = NULL;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (strcmp(options.operands[0], actions[i].name) == 0)
            action = &actions[i];
    if (!action)
        return cmd_usage("rules",
                         "unknown action \"%s\": check, test, explain, hunt, diff, import, packs, rollback, switch, "
                         "remove or pack",
                         options.operands[0]);
    if (options_given(&options, "indicators") && !action->takes_lists)
        return cmd_usage("rules", "--indicators is for test and explain; for the archive there is `qorgan indicators "
                                  "hunt`");
    if (options.operand_count < action->least)
        return cmd_usage("rules", "%s says nothing of what to look at", action->name);
    return action->run(&options);
}
