/* Rules, samples and lists are strangers': this process opens them and looks into none, a copy of it without rights
 * reads and judges, and sends each case as it is judged; printed and reported it is here.
 *
 *     rule files, samples, lists ──mapped──► copy: load, compile, match ──cases──► this process: text, JSON, JUnit */
#include "cmd/rule_testing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/detector.h"
#include "cmd/junit.h"
#include "cmd/rule_cases.h"
#include "cmd/rule_samples.h"
#include "codec/json.h"

#include <stdio.h>
#include <unistd.h>

#define COPY_MEMORY  ((uint64_t)8 << 30) /* address space, beside what is mapped: rules and their compiled form */
#define LISTS_MEMORY ((size_t)16 << 20)  /* names of lists */
#define CASE_MEMORY  ((size_t)16 << 20)
#define LINE_BYTES   65536u
#define ANSWER_BYTES 16u /* rules without samples be64, rules refused be64 */

struct testing {
    /* what is read */
    struct detector *detector;
    struct rule_texts rules;
    struct rule_samples samples;
    struct indicator_texts lists;
    /* in the copy */
    struct buf part;
    size_t refused;
    enum rc rc; /* of what was sent */
    struct err *err;
    /* what becomes of it */
    bool json;
    bool progress;
    bool bare_fails;
    struct junit *junit; /* NULL: not wanted */
    struct arena *arena; /* of one case */
    size_t passed;
    size_t failed;
};

/* ---- in the copy ---- */

static void case_send(void *context, const struct rule_case *taken)
{
    struct testing *testing = context;
    struct buf *part = &testing->part;
    buf_clear(part);
    rule_case_put(part, taken);
    if (testing->rc == RC_OK)
        testing->rc = part->overflow ? err_set(testing->err, RC_LIMIT, "a case is too long")
                                     : confined_send(buf_view(part), testing->err);
}

/* A rule that is refused is a failure of its own; what lies beside rules to test them is none. */
static void refused_send(struct testing *testing, const struct rules *rules)
{
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        char path[4096];
        char why[1024];
        if (outcome->loaded || str_ends(outcome->path, STR("/info.yml")))
            continue;
        snprintf(path, sizeof path, "%.*s", STR_ARG(outcome->path));
        snprintf(why, sizeof why, "the rule was refused: %.*s", STR_ARG(outcome->reason));
        const struct rule_case taken = {
            .file = path, .rule = outcome->id, .title = outcome->title, .verdict = CASE_FAILED, .why = why};
        case_send(testing, &taken);
        testing->refused++;
    }
}

static enum rc work_test(void *context, struct buf *answer, struct err *err)
{
    struct testing *testing = context;
    struct detector *detector = testing->detector;
    struct rule_cases cases = {.detector = detector,
                               .samples = &testing->samples,
                               .lists = &testing->lists,
                               .took = case_send,
                               .context = testing};
    testing->err = err;
    enum rc rc = detector_rule_texts(detector, &testing->rules, err);
    rc = rc == RC_OK ? detector_indicator_texts(detector, &testing->lists, err) : rc;
    rc = rc == RC_OK ? detector_ready(detector, err) : rc;
    if (rc == RC_OK)
        refused_send(testing, detector_loaded(detector));
    rc = rc == RC_OK ? rule_cases_run(&cases, err) : rc;
    buf_be64(answer, cases.bare);
    buf_be64(answer, testing->refused);
    return rc == RC_OK ? testing->rc : rc;
}

/* ---- here ---- */

static enum rc all_read(struct testing *testing, const struct options *options, struct err *err)
{
    const char *folder;
    bool own = options_list(options, "rules", 0) != NULL;
    const char *const *folders = (const char *const *)options->operands + 1;
    enum rc rc = testing->detector && testing->lists.arena && testing->arena
                     ? rule_texts_init(&testing->rules, err)
                     : err_set(err, RC_LIMIT, "no memory for rules");
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "rules", i)); i++)
        rc = rule_texts_read(&testing->rules, folder, err);
    for (int i = 1; rc == RC_OK && !own && i < options->operand_count; i++)
        rc = rule_texts_read(&testing->rules, options->operands[i], err);
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "indicators", i)); i++)
        rc = indicator_texts_read(&testing->lists, folder, err);
    rc = rc == RC_OK ? rule_samples_init(&testing->samples, err) : rc;
    rc = rc == RC_OK ? rule_samples_beside(&testing->samples, &testing->rules, err) : rc;
    rc = rc == RC_OK ? rule_samples_below(&testing->samples, folders, (size_t)options->operand_count - 1, err) : rc;
    bool lists = testing->lists.count || testing->samples.list_count;
    return rc == RC_OK ? detector_tables(testing->detector, lists, err) : rc;
}

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

static enum rc on_part(void *context, struct str part, struct err *err)
{
    struct testing *testing = context;
    struct rule_case judged;
    arena_reset(testing->arena);
    enum rc rc = rule_case_take(testing->arena, part, &judged, err);
    if (rc != RC_OK)
        return rc;
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
    return RC_OK;
}

static enum rc all_judge(struct testing *testing, uint64_t *ret_bare, uint64_t *ret_refused, struct err *err)
{
    struct buf answer CLEANUP(buf_done) = {0};
    const struct confined confined = {.work = work_test,
                                      .take = on_part,
                                      .context = testing,
                                      .memory_max = COPY_MEMORY + testing->samples.bytes + testing->lists.bytes};
    buf_init(&answer, ANSWER_BYTES);
    enum rc rc = confined_command(&confined, "rules: the test", &answer, err);
    if (rc != RC_OK)
        return rc;
    struct reader r = reader_of(buf_view(&answer));
    *ret_bare = read_be64(&r);
    *ret_refused = read_be64(&r);
    return r.failed ? err_set(err, RC_CORRUPT, "what was judged does not read") : RC_OK;
}

int rule_testing_command(const struct options *options)
{
    struct err err = {0};
    struct junit junit;
    uint64_t bare = 0;
    uint64_t refused = 0;
    const char *report = options_text(options, "junit");
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(CASE_MEMORY);
    struct arena *names CLEANUP(arena_cleanup) = arena_new(LISTS_MEMORY);
    struct testing testing = {.detector = detector_new(),
                              .lists.arena = names,
                              .arena = arena,
                              .json = options_flag(options, "json"),
                              .progress = isatty(STDERR_FILENO) == 1,
                              .bare_fails = options_flag(options, "require-samples"),
                              .junit = report ? &junit : NULL};
    junit_begin(&junit);
    buf_init(&testing.part, CONFINED_PART_MAX);
    enum rc rc = all_read(&testing, options, &err);
    rc = rc == RC_OK ? all_judge(&testing, &bare, &refused, &err) : rc;
    rc = rc == RC_OK && report ? junit_write(&junit, report, &err) : rc;
    if (testing.progress)
        fprintf(stderr, "\r\033[K");
    if (rc == RC_OK && !testing.json)
        printf("%zu cases: %zu passed, %zu failed; %llu rules without samples\n", testing.passed + testing.failed,
               testing.passed, testing.failed, (unsigned long long)bare);
    if (rc == RC_OK && testing.passed + testing.failed == refused)
        rc = err_set(&err, RC_NOT_FOUND, "there is no case: no NAME.must.log beside a rule, no info.yml");
    int status = rc != RC_OK ? cmd_fail("rules", &err) : testing.failed ? CMD_FAILED : CMD_OK;
    buf_done(&junit.cases);
    buf_done(&testing.part);
    rule_samples_done(&testing.samples);
    rule_texts_done(&testing.rules);
    detector_free(testing.detector);
    return status;
}
