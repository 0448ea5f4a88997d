/* rules.c - `qorgan rules check DIR...`: which rules load, and why the others do not; `qorgan rules test DIR...`:
 * whether they fire on their samples, and on no other; `qorgan rules explain RULE RECORD`: why one matches a record, or
 * not; `qorgan rules hunt RULE...`: what rules would have found in the archive; `qorgan rules diff OLD NEW`: what a
 * change of them changes there; import, packs, rollback, remove and pack: packs of rules (rule_packs.h). */
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/detector.h"
#include "cmd/hunt_command.h"
#include "cmd/junit.h"
#include "cmd/options.h"
#include "cmd/rule_cases.h"
#include "cmd/rule_explain.h"
#include "cmd/rule_packs.h"
#include "codec/json.h"
#include "event/names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* ---- test ---- */

struct testing {
    bool json;
    bool progress;
    bool bare_fails;
    struct junit *junit; /* NULL: not wanted */
    size_t passed;
    size_t failed;
};

static void print_case(const struct rule_case *taken)
{
    static const char *const verdicts[] = {
        [CASE_PASSED] = "passed", [CASE_FAILED] = "failed", [CASE_SKIPPED] = "skipped"};
    struct buf line;
    buf_init(&line, LINE_BYTES);
    json_write_object(&line);
    json_put_text(&line, "file", taken->file);
    json_put_str(&line, "rule_id", taken->rule);
    json_put_str(&line, "title", taken->title);
    json_put_text(&line, "verdict", verdicts[taken->verdict]);
    json_put_text(&line, "why", taken->why);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
    buf_done(&line);
}

static void on_case(void *context, const struct rule_case *taken)
{
    struct testing *testing = context;
    struct rule_case judged = *taken;
    if (testing->bare_fails && judged.verdict == CASE_SKIPPED)
        judged.verdict = CASE_FAILED;
    testing->passed += judged.verdict == CASE_PASSED;
    testing->failed += judged.verdict == CASE_FAILED;
    if (testing->progress)
        fprintf(stderr, "\r\033[K");
    if (testing->json)
        print_case(&judged);
    else if (judged.verdict == CASE_FAILED)
        printf("failed   %s: %s\n", judged.file, judged.why);
    else if (judged.verdict == CASE_SKIPPED)
        printf("skipped  %s: %s\n", judged.file, judged.why);
    if (testing->junit)
        junit_case(testing->junit, &judged);
    if (testing->progress)
        fprintf(stderr, "%zu passed, %zu failed ", testing->passed, testing->failed);
}

/* A rule that is refused is a failure of its own; what lies beside rules to test them is none. */
static size_t refused_take(struct testing *testing, const struct rules *rules)
{
    size_t refused = 0;
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        char path[4096];
        if (outcome->loaded || str_ends(outcome->path, STR("/info.yml")))
            continue;
        snprintf(path, sizeof path, "%.*s", STR_ARG(outcome->path));
        char why[1024];
        snprintf(why, sizeof why, "the rule was refused: %.*s", STR_ARG(outcome->reason));
        const struct rule_case taken = {
            .file = path, .rule = outcome->id, .title = outcome->title, .verdict = CASE_FAILED, .why = why};
        on_case(testing, &taken);
        refused++;
    }
    return refused;
}

static enum rc rules_load(struct detector *detector, const struct options *options, struct err *err)
{
    const char *folder;
    bool own = options_list(options, "rules", 0) != NULL;
    enum rc rc = detector ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "rules", i)); i++)
        rc = detector_rules(detector, folder, err);
    for (int i = 1; rc == RC_OK && !own && i < options->operand_count; i++)
        rc = detector_rules(detector, options->operands[i], err);
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "indicators", i)); i++)
        rc = detector_indicators(detector, folder, err);
    return rc == RC_OK ? detector_ready(detector, err) : rc;
}

static int test(const struct options *options)
{
    struct err err;
    struct junit junit;
    const char *report = options_text(options, "junit");
    struct testing testing = {.json = options_flag(options, "json"),
                              .progress = isatty(STDERR_FILENO) == 1,
                              .bare_fails = options_flag(options, "require-samples"),
                              .junit = report ? &junit : NULL};
    struct detector *detector = detector_new();
    struct rule_cases cases = {.detector = detector, .options = options, .took = on_case, .context = &testing};
    const char *const *folders = (const char *const *)options->operands + 1;
    junit_begin(&junit);
    enum rc rc = rules_load(detector, options, &err);
    size_t refused = rc == RC_OK ? refused_take(&testing, detector_loaded(detector)) : 0;
    rc = rc == RC_OK ? rule_cases_run(&cases, folders, (size_t)options->operand_count - 1, &err) : rc;
    rc = rc == RC_OK && report ? junit_write(&junit, report, &err) : rc;
    if (testing.progress)
        fprintf(stderr, "\r\033[K");
    if (rc == RC_OK && !testing.json)
        printf("%zu cases: %zu passed, %zu failed; %zu rules without samples\n", testing.passed + testing.failed,
               testing.passed, testing.failed, cases.bare);
    if (rc == RC_OK && testing.passed + testing.failed == refused)
        rc = err_set(&err, RC_NOT_FOUND, "there is no case: no NAME.must.log beside a rule, no info.yml");
    int status = rc != RC_OK ? cmd_fail("rules", &err) : testing.failed ? CMD_FAILED : CMD_OK;
    buf_done(&junit.cases);
    detector_free(detector);
    return status;
}

/* One row an action: how many operands it needs, itself counted, and whether it takes lists of indicators. */
static const struct action {
    const char *name;
    int least;
    bool takes_lists;
    int (*run)(const struct options *options);
} actions[] = {
    {"check", 2, false, check},
    {"test", 2, true, test},
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
