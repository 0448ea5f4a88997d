/* `qorgan rules hunt RULE-OR-PATH...`: what the rules would have found, apart from what they do find. */
#include "cmd/hunt_command.h"

#include "base/arena.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "cmd/hunt_tally.h"
#include "codec/json.h"
#include "os/clock.h"
#include "paper/visible.h"
#include "role/hit.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES    ((size_t)64 << 20)
#define RECORD_MEMORY ((size_t)512 << 20)
#define QUIET_MAX     20u /* rules without a match that are told one by one */

struct command_state {
    struct hunt_site site;
    struct hunt_rules rules;
    struct hunt_tally tally;
    struct buf line;
    bool json;
    bool failed; /* nobody reads what is printed */
    uint64_t matched;
};

static const char *const kind_names[] = {
    [TALLY_HOSTS] = "hosts", [TALLY_ACCOUNTS] = "accounts", [TALLY_ADDRESSES] = "addresses"};
static const char *const verdict_names[] = {
    [TALLY_OPENS] = "opens", [TALLY_COUNTS] = "counts", [TALLY_FEEDS] = "feeds"};

static void on_found(void *context, const struct hunt_found *found)
{
    struct command_state *c = context;
    c->matched++;
    hunt_tally_add(&c->tally, found);
}

static bool on_go(void *context, uint32_t permille, const struct hunt_counts *counts)
{
    struct command_state *c = context;
    return hunt_site_go_on(&c->site, permille, counts);
}

static uint64_t matched_of(void *context)
{
    const struct command_state *c = context;
    return c->matched;
}

static void line_out(struct command_state *c)
{
    buf_char(&c->line, '\n');
    if (c->line.overflow || fwrite(c->line.p, 1, c->line.n, stdout) != c->line.n)
        c->failed = true;
    buf_clear(&c->line);
    c->line.overflow = false;
}

static struct str moment(int64_t time_ns, char room[CIVIL_TEXT_MAX])
{
    return str_at(room, civil_format(time_ns, 0, time_ns % SECOND_NS ? 3 : 0, room));
}

/* ---- a rule ---- */

static void text_values(struct command_state *c, const struct tally_rule *found, enum tally_kind kind)
{
    struct tally_top top[TALLY_TOP];
    const struct tally_values *values = &found->values[kind];
    size_t count = hunt_tally_top(values, top);
    size_t distinct = hunt_tally_distinct(values);
    if (count == 0)
        return;
    buf_format(&c->line, "  %-10s", kind_names[kind]);
    for (size_t i = 0; i < count; i++) {
        buf_text(&c->line, i ? ", " : "");
        visible_show(&c->line, top[i].value);
        buf_format(&c->line, " (%llu)", (unsigned long long)top[i].count);
    }
    if (distinct > count)
        buf_format(&c->line, ", and %zu%s more", distinct - count, values->more ? " or" : "");
    line_out(c);
}

static void text_verdict(struct command_state *c, const struct rule *rule, const struct tally_rule *found)
{
    size_t groups = hunt_tally_distinct(&found->values[TALLY_GROUPS]);
    switch (hunt_tally_verdict(rule)) {
    case TALLY_OPENS:
        buf_format(&c->line, "  it would have opened about %zu%s incident%s", groups,
                   found->values[TALLY_GROUPS].more ? " or more" : "", groups == 1 ? "" : "s");
        break;
    case TALLY_COUNTS:
        buf_format(&c->line, "  it opens no incident: its level is %s", rule_level_name(rule->level));
        break;
    case TALLY_FEEDS:
        buf_text(&c->line, "  it opens no incident: it only feeds correlations");
        break;
    }
    line_out(c);
}

static void text_head(struct command_state *c, const struct rule *rule)
{
    visible_show(&c->line, rule->title);
    buf_text(&c->line, " (");
    visible_show(&c->line, rule->id);
    buf_format(&c->line, "), %s%s", rule_level_name(rule->level),
               rule->kind == RULE_CORRELATION ? ", correlation" : "");
}

static void text_rule(struct command_state *c, const struct rule *rule, const struct tally_rule *found)
{
    char room[CIVIL_TEXT_MAX];
    text_head(c, rule);
    if (found->matches == 0) {
        buf_text(&c->line, hunt_rules_of_indicators(c->rules.rules, rule) ? ": not hunted" : ": no match");
        line_out(c);
        return;
    }
    line_out(c);
    buf_format(&c->line, "  %llu match%s, first %.*s", (unsigned long long)found->matches,
               found->matches == 1 ? "" : "es", STR_ARG(moment(found->first_ns, room)));
    buf_format(&c->line, ", last %.*s", STR_ARG(moment(found->last_ns, room)));
    line_out(c);
    for (size_t k = TALLY_HOSTS; k <= TALLY_ADDRESSES; k++)
        text_values(c, found, (enum tally_kind)k);
    for (size_t i = 0; i < found->example_count; i++) {
        const struct tally_example *example = &found->examples[i];
        buf_format(&c->line, "  record %llu  %.*s  ", (unsigned long long)example->record,
                   STR_ARG(moment(example->time_ns, room)));
        visible_show(&c->line, str_at(example->text, example->n));
        line_out(c);
    }
    text_verdict(c, rule, found);
}

static void json_values(struct buf *out, const struct tally_values *values)
{
    struct tally_top top[TALLY_TOP];
    size_t count = hunt_tally_top(values, top);
    json_write_object(out);
    json_put_u64(out, "distinct", hunt_tally_distinct(values));
    json_put_bool(out, "more", values->more);
    json_write_key(out, "top");
    json_write_array(out);
    for (size_t i = 0; i < count; i++) {
        json_write_object(out);
        json_put_str(out, "value", top[i].value);
        json_put_u64(out, "count", top[i].count);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
}

static void json_rule(struct command_state *c, const struct rule *rule, const struct tally_rule *found)
{
    struct buf *out = &c->line;
    enum tally_verdict verdict = hunt_tally_verdict(rule);
    char room[CIVIL_TEXT_MAX];
    json_write_object(out);
    json_put_str(out, "rule_id", rule->id);
    json_put_str(out, "title", rule->title);
    json_put_text(out, "level", rule_level_name(rule->level));
    json_put_text(out, "kind", rule->kind == RULE_CORRELATION ? "correlation" : "detection");
    json_put_u64(out, "matches", found->matches);
    if (found->matches) {
        json_put_str(out, "first", moment(found->first_ns, room));
        json_put_str(out, "last", moment(found->last_ns, room));
    }
    for (size_t k = TALLY_HOSTS; k <= TALLY_ADDRESSES; k++) {
        json_write_key(out, kind_names[k]);
        json_values(out, &found->values[k]);
    }
    json_write_key(out, "examples");
    json_write_array(out);
    for (size_t i = 0; i < found->example_count; i++)
        json_write_u64(out, found->examples[i].record);
    json_write_array_end(out);
    json_put_text(out, "verdict", verdict_names[verdict]);
    json_put_u64(out, "incidents", verdict == TALLY_OPENS ? hunt_tally_distinct(&found->values[TALLY_GROUPS]) : 0);
    if (hunt_rules_of_indicators(c->rules.rules, rule))
        json_put_text(out, "remark", HUNT_RULES_REMARK);
    json_write_object_end(out);
    line_out(c);
}

static void print_rules(struct command_state *c)
{
    size_t quiet = 0;
    bool all = c->rules.wanted_count <= QUIET_MAX;
    for (size_t i = 0; i < rules_count(c->rules.rules); i++) {
        const struct rule *rule = rules_at(c->rules.rules, i);
        const struct tally_rule *found = &c->tally.rules[i];
        if (!c->rules.wanted[i])
            continue;
        quiet += found->matches == 0;
        if (c->json)
            json_rule(c, rule, found);
        else if (found->matches || all)
            text_rule(c, rule, found);
    }
    if (!c->json && !all) {
        buf_format(&c->line, "%zu rules: %zu matched, %zu did not", c->rules.wanted_count,
                   c->rules.wanted_count - quiet, quiet);
        line_out(c);
    }
}

/* ---- their records ---- */

static void print_record(struct command_state *c, const struct archive_hit *hit, size_t from, size_t to)
{
    struct buf *out = &c->line;
    char room[CIVIL_TEXT_MAX];
    if (c->json) {
        json_write_object(out);
        hit_write_members(out, hit, c->site.reading.names);
        json_write_key(out, "found_by");
        json_write_array(out);
        for (size_t i = from; i < to; i++)
            json_write_str(out, rules_at(c->rules.rules, c->tally.records[i].rule)->id);
        json_write_array_end(out);
        json_write_object_end(out);
    } else {
        buf_format(out, "%llu %.*s ", (unsigned long long)hit->leaf.index, STR_ARG(moment(hit->event.time_ns, room)));
        visible_show(out, hit->source.name.n ? hit->source.name : STR("-"));
        buf_text(out, ": ");
        visible_show(out, hit->raw);
    }
    line_out(c);
}

/* In the order of the log, each once. */
static enum rc print_records(struct command_state *c, uint64_t limit, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(RECORD_MEMORY);
    struct archive_hit *hit = memory_new(sizeof *hit);
    const struct hunt_tally *tally = &c->tally;
    enum rc rc = arena && hit ? RC_OK : err_set(err, RC_LIMIT, "no memory for records");
    uint64_t printed = 0;
    size_t i = 0;
    while (i < tally->record_count && rc == RC_OK && printed < limit && !c->failed) {
        size_t to = i;
        while (to < tally->record_count && tally->records[to].record == tally->records[i].record)
            to++;
        arena_reset(arena);
        rc = archive_reader_record(c->site.reading.reader, tally->records[i].record, arena, hit, err);
        if (rc == RC_OK)
            print_record(c, hit, i, to);
        else if (rc == RC_NOT_FOUND)
            rc = RC_OK; /* deleted since */
        printed++;
        i = to;
    }
    memory_free(hit);
    if (rc == RC_OK && (i < tally->record_count || tally->records_lost))
        fprintf(stderr, "qorgan rules: only the first %llu records are printed\n", (unsigned long long)printed);
    return rc;
}

/* ---- how it was found ---- */

static void print_explain(struct command_state *c, const struct hunt *hunt, uint64_t elapsed_ns)
{
    const struct search_explain *explain = &hunt->swept.explain;
    const struct sweep_words *words = &c->rules.words;
    bool filtered = c->rules.has_words && !hunt->every_record;
    if (c->json) {
        json_write_object(&c->line);
        json_put_u64(&c->line, "records", hunt->counts.records);
        json_put_u64(&c->line, "matched", c->matched);
        json_put_bool(&c->line, "complete", hunt->complete);
        json_put_u64(&c->line, "words", filtered ? words->count : 0);
        json_write_key(&c->line, "explain");
        search_explain_write(&c->line, explain);
        json_put_u64(&c->line, "elapsed_ms", elapsed_ns / 1000000);
        json_write_object_end(&c->line);
        line_out(c);
        return;
    }
    fprintf(stderr,
            "%llu segments: %llu passed over by time, %llu by filter; %llu blocks: %llu by time, %llu by filter\n",
            (unsigned long long)explain->segments, (unsigned long long)explain->segments_by_time,
            (unsigned long long)explain->segments_by_filter, (unsigned long long)explain->blocks,
            (unsigned long long)explain->blocks_by_time, (unsigned long long)explain->blocks_by_filter);
    if (filtered) {
        fputs("looked for:", stderr);
        for (size_t i = 0; i < words->count; i++)
            fprintf(stderr, " %s%.*s%s", words->word[i].open_start ? "*" : "", (int)words->word[i].n,
                    words->word[i].text, words->word[i].open_end ? "*" : "");
        fputc('\n', stderr);
    } else {
        fputs("no word is in all that the rules can match: every record in range was looked at\n", stderr);
    }
    fprintf(stderr, "%llu records looked at, %llu matches, %llu ms\n", (unsigned long long)hunt->counts.records,
            (unsigned long long)c->matched, (unsigned long long)(elapsed_ns / 1000000));
}

/* ---- all ---- */

static void remark_rules(const struct hunt_rules *rules)
{
    for (size_t i = 0; i < rules_count(rules->rules); i++)
        if (rules->wanted[i] && hunt_rules_of_indicators(rules->rules, rules_at(rules->rules, i)))
            hunt_site_remark_rule(rules_at(rules->rules, i));
}

static enum rc rules_load(struct command_state *c, const struct options *options, struct err *err)
{
    const char *folders[OPTIONS_GIVEN_MAX];
    const char **named = memory_new((size_t)options->operand_count * sizeof *named);
    struct hunt_choice choice = {.named = named, .folders = folders};
    struct hunt_choice_texts texts = {.names = NULL};
    if (!named)
        return err_set(err, RC_LIMIT, "no memory for the names of rules");
    for (int i = 1; i < options->operand_count; i++)
        if (!hunt_site_is_range(options->operands[i]))
            named[choice.named_count++] = options->operands[i];
    while (choice.folder_count < ARRAY_LEN(folders) &&
           (folders[choice.folder_count] = options_list(options, "rules", choice.folder_count)))
        choice.folder_count++;
    enum rc rc = hunt_choice_read(&choice, &texts, err);
    rc = rc == RC_OK ? hunt_choice_load(&choice, &texts, hunt_site_refused, &c->rules, err) : rc;
    hunt_choice_done(&texts);
    memory_free(named);
    return rc;
}

static bool names_rule(const struct options *options)
{
    for (int i = 1; i < options->operand_count; i++)
        if (!hunt_site_is_range(options->operands[i]))
            return true;
    return false;
}

static enum rc run(struct command_state *c, const struct options *options, struct err *err)
{
    uint64_t began = clock_boot_ns();
    bool records = options_flag(options, "records");
    enum rc rc = rules_load(c, options, err);
    rc = rc == RC_OK ? hunt_site_open(&c->site, options, err) : rc;
    if (rc == RC_OK && !hunt_tally_init(&c->tally, rules_count(c->rules.rules), records))
        rc = err_set(err, RC_LIMIT, "no memory for what is found");
    if (rc != RC_OK)
        return rc;
    remark_rules(&c->rules);
    struct hunt hunt = hunt_site_hunt(&c->site, options);
    hunt.rules = &c->rules;
    hunt.found = on_found;
    hunt.go_on = on_go;
    hunt.context = c;
    rc = hunt_run(&hunt, err);
    hunt_site_clear(&c->site);
    if (rc != RC_OK)
        return rc;
    if (c->tally.failed)
        return err_set(err, RC_LIMIT, "no memory for what is found");
    hunt_tally_sort(&c->tally);
    print_rules(c);
    if (records)
        rc = print_records(c, (uint64_t)options_number(options, "limit"), err);
    if (rc == RC_OK && options_flag(options, "explain"))
        print_explain(c, &hunt, clock_boot_ns() - began);
    if (rc == RC_OK && (fflush(stdout) != 0 || c->failed))
        return err_set(err, RC_IO, "could not write to standard output");
    hunt_site_remarks(&c->site, &hunt);
    if (rc == RC_OK && !hunt.complete)
        return err_set(err, RC_AGAIN, "stopped: what was found until then is not all");
    return rc;
}

int hunt_command(const struct options *options)
{
    static struct command_state c;
    struct err err = {0};
    if (!names_rule(options))
        return cmd_usage("rules", "hunt needs a rule, a file or a folder of rules");
    c = (struct command_state){.json = options_flag(options, "json")};
    c.site.reading.folder = -1;
    c.site.matched = matched_of;
    c.site.context = &c;
    buf_init(&c.line, LINE_BYTES);
    enum rc rc = run(&c, options, &err);
    hunt_tally_done(&c.tally);
    hunt_rules_done(&c.rules);
    hunt_site_close(&c.site);
    buf_done(&c.line);
    return rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
}
