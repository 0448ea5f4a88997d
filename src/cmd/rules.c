/* rules.c - `qorgan rules check DIR...`: which rules load, and why the others do not. */
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "event/names.h"
#include "role/rule_folder.h"

#include <stdio.h>
#include <string.h>

#define RULES_MEMORY ((size_t)1 << 30)
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

static int check(const struct options *options)
{
    struct err err;
    struct rules *rules = rules_new(RULES_MEMORY);
    struct names *names = names_new(1);
    struct rule_set *set = NULL;
    enum rc rc = rules && names ? RC_OK : err_set(&err, RC_LIMIT, "no memory for rules");
    for (int i = 1; rc == RC_OK && i < options->operand_count; i++)
        rc = rule_folder_read(&io_kernel, options->operands[i], rules, &err);
    if (rc == RC_OK)
        rc = rules_finish(rules, &err);
    if (rc == RC_OK)
        rc = rule_set_compile(rules, names, &set, &err); /* as the service would */
    int status = rc == RC_OK ? print_all(rules, options_flag(options, "json")) : cmd_fail("rules", &err);
    rule_set_free(set);
    names_free(names);
    rules_free(rules);
    return status;
}

int cmd_rules(int argc, char **argv)
{
    struct options options;
    int status = options_parse("rules", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    if (strcmp(options.operands[0], "check") != 0)
        return cmd_usage("rules", "unknown action \"%s\": only check exists", options.operands[0]);
    return check(&options);
}
