/* indicators.c - `qorgan indicators check PATH...`: what lists of addresses, domains, hashes and URLs hold, and what of
 * them is refused; `qorgan indicators hunt --indicators PATH...`: which records of the archive hold one of them. */
#include "archive/search.h"
#include "base/arena.h"
#include "base/civil.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/interrupt.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/random.h"
#include "paper/visible.h"
#include "role/indicator_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUERY_MEMORY ((size_t)1 << 20)
#define LINE_BYTES   ((size_t)1 << 20)
#define PROGRESS_NS  UINT64_C(200000000)

static struct indicators *table_new(const struct options *options)
{
    struct indicators *indicators = indicators_new(random_u64());
    if (indicators)
        indicators_days(indicators, (uint32_t)options_number(options, "days"));
    return indicators;
}

/* ---- check ---- */

static void reasons_json(struct buf *out, const struct indicator_list *list)
{
    json_write_key(out, "refused_why");
    json_write_array(out);
    for (size_t i = 0; i < list->reason_count; i++) {
        json_write_object(out);
        json_put_text(out, "reason", list->reasons[i].text);
        json_put_u64(out, "count", list->reasons[i].count);
        json_put_u64(out, "line", list->reasons[i].line);
        json_put_text(out, "value", list->reasons[i].example);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void list_json(struct buf *out, const struct indicator_list *list, uint64_t expired)
{
    json_write_object(out);
    json_put_str(out, "list", list->name);
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        json_put_u64(out, indicator_kind_name((enum indicator_kind)kind), list->kinds[kind]);
    json_put_u64(out, "expired", expired);
    json_put_u64(out, "repeated", list->repeated);
    json_put_u64(out, "revoked", list->revoked);
    json_put_u64(out, "passed", list->passed);
    json_put_u64(out, "refused", list->refused);
    reasons_json(out, list);
    json_write_object_end(out);
    buf_char(out, '\n');
}

static void list_text(struct buf *out, const struct indicator_list *list, uint64_t expired)
{
    visible_show(out, list->name);
    buf_char(out, ':');
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        buf_format(out, " %s %llu,", indicator_kind_name((enum indicator_kind)kind),
                   (unsigned long long)list->kinds[kind]);
    buf_format(out, " expired %llu, repeated %llu, revoked %llu, passed over %llu, refused %llu\n",
               (unsigned long long)expired, (unsigned long long)list->repeated, (unsigned long long)list->revoked,
               (unsigned long long)list->passed, (unsigned long long)list->refused);
    for (size_t i = 0; i < list->reason_count; i++)
        buf_format(out, "    refused %llu, first in line %u: %s%s%s\n", (unsigned long long)list->reasons[i].count,
                   list->reasons[i].line, list->reasons[i].text, list->reasons[i].example[0] ? ": " : "",
                   list->reasons[i].example);
}

static uint64_t lists_print(const struct indicators *indicators, bool json)
{
    uint64_t refused = 0;
    int64_t now = clock_real_ns();
    struct buf out;
    buf_init(&out, LINE_BYTES);
    for (size_t i = 0; i < indicators_list_count(indicators); i++) {
        struct indicator_list list = indicators_list_at(indicators, i);
        uint64_t expired = indicators_expired(indicators, i, now);
        refused += list.refused;
        buf_clear(&out);
        if (json)
            list_json(&out, &list, expired);
        else
            list_text(&out, &list, expired);
        fputs(buf_z(&out), stdout);
    }
    if (!json)
        printf("%zu indicators in %zu lists, %llu refused, %.1f MiB of memory\n", indicators_count(indicators),
               indicators_list_count(indicators), (unsigned long long)refused,
               (double)indicators_memory(indicators) / (1 << 20));
    buf_done(&out);
    return refused;
}

static int check(const struct options *options)
{
    struct err err;
    struct indicators *indicators = table_new(options);
    enum rc rc = indicators ? RC_OK : err_set(&err, RC_LIMIT, "no memory for indicators");
    if (options->operand_count < 2) {
        indicators_free(indicators);
        return cmd_usage("indicators", "check needs files or folders");
    }
    for (int i = 1; rc == RC_OK && i < options->operand_count; i++)
        rc = indicator_folder_read(options->operands[i], options_flag(options, "all"), indicators, &err);
    int status = rc == RC_OK ? CMD_OK : cmd_fail("indicators", &err);
    if (rc == RC_OK) {
        indicators_finish(indicators);
        status = lists_print(indicators, options_flag(options, "json")) ? CMD_FAILED : CMD_OK;
    }
    indicators_free(indicators);
    return status;
}

/* ---- hunt ---- */

struct hunt {
    struct reading reading;
    struct indicators *indicators;
    struct indicator_fields *fields;
    struct indicator_matcher *matcher;
    struct search *search;
    struct buf line;
    bool json;
    bool failed;
    uint64_t records; /* that hold one */
    uint64_t shown_ns;
    bool shown;
};

static void found_json(struct hunt *hunt, const struct archive_hit *record, const struct indicator_hit *hit,
                       const struct indicator *indicator)
{
    char time[CIVIL_TEXT_MAX];
    struct buf *out = &hunt->line;
    json_write_object(out);
    json_put_u64(out, "record", record->leaf.index);
    json_put_str(out, "time", str_at(time, civil_format(record->event.time_ns, 0, 9, time)));
    json_put_str(out, "source", record->source.name);
    json_put_str(out, "field", hit->field);
    json_put_text(out, "type", indicator_kind_name(indicator->key.kind));
    json_put_str(out, "value", hit->value);
    json_put_str(out, "list", indicator->list);
    json_put_str(out, "note", indicator->note);
    if (indicator->confidence >= 0)
        json_put_int(out, "confidence", indicator->confidence);
    json_write_object_end(out);
    buf_char(out, '\n');
}

static void found_text(struct hunt *hunt, const struct archive_hit *record, const struct indicator_hit *hit,
                       const struct indicator *indicator)
{
    char time[CIVIL_TEXT_MAX];
    struct buf *out = &hunt->line;
    size_t n = civil_format(record->event.time_ns, 0, 3, time);
    buf_format(out, "%llu %.*s ", (unsigned long long)record->leaf.index, (int)n, time);
    visible_show(out, record->source.name.n ? record->source.name : STR("-"));
    buf_format(out, ": %s ", indicator_kind_name(indicator->key.kind));
    visible_show(out, hit->value);
    buf_text(out, " in ");
    visible_show(out, hit->field);
    buf_text(out, ", list ");
    visible_show(out, indicator->list);
    if (indicator->note.n) {
        buf_text(out, ": ");
        visible_show(out, indicator->note);
    }
    buf_char(out, '\n');
}

static void progress_clear(struct hunt *hunt)
{
    if (hunt->shown)
        fputs("\r\033[K", stderr);
    hunt->shown = false;
}

static void progress_show(struct hunt *hunt)
{
    uint64_t now = clock_boot_ns();
    if (!hunt->shown_ns || now - hunt->shown_ns < PROGRESS_NS)
        return;
    uint32_t permille = search_permille(hunt->search);
    fprintf(stderr, "\r\033[K%u.%u %% searched, %llu records hold an indicator", permille / 10, permille % 10,
            (unsigned long long)hunt->records);
    hunt->shown_ns = now;
    hunt->shown = true;
}

static bool on_record(void *context, const struct archive_hit *record)
{
    struct hunt *hunt = context;
    struct indicator_hit hits[INDICATOR_HITS_MAX] UNINITIALISED;
    if (record->leaf.type != LEAF_RAW && record->leaf.type != LEAF_DIGEST)
        return true;
    struct event event = record->event;
    event.raw = record->raw;
    size_t count = indicator_matcher_find(hunt->matcher, &event, hits);
    if (count)
        progress_clear(hunt);
    hunt->records += count > 0;
    for (size_t i = 0; i < count && !hunt->failed; i++) {
        struct indicator found UNINITIALISED;
        indicators_at(hunt->indicators, hits[i].entry, &found);
        buf_clear(&hunt->line);
        if (hunt->json)
            found_json(hunt, record, &hits[i], &found);
        else
            found_text(hunt, record, &hits[i], &found);
        hunt->failed = fwrite(hunt->line.p, 1, hunt->line.n, stdout) != hunt->line.n;
    }
    return !hunt->failed;
}

static enum rc walk(struct hunt *hunt, struct err *err)
{
    uint64_t began = clock_boot_ns();
    enum rc rc = RC_AGAIN;
    while (rc == RC_AGAIN && !hunt->failed) {
        if (interrupt_came())
            search_stop(hunt->search);
        rc = search_step(hunt->search, err);
        progress_show(hunt);
    }
    progress_clear(hunt);
    if (rc != RC_OK && rc != RC_AGAIN)
        return rc;
    if (fflush(stdout) != 0 || hunt->failed)
        return err_set(err, RC_IO, "could not write to standard output");
    const struct search_result *result = search_result_of(hunt->search);
    reading_tell_gone(&hunt->reading, "indicators", result);
    double seconds = (double)(clock_boot_ns() - began) / 1e9;
    fprintf(stderr, "qorgan indicators: %llu records looked at in %.1f s, %llu hold an indicator\n",
            (unsigned long long)result->scanned, seconds, (unsigned long long)hunt->records);
    return interrupt_came() && !result->complete
               ? err_set(err, RC_AGAIN, "stopped: the records before were not looked at")
               : RC_OK;
}

/* Lists and tables; refusals are told, and do not stop. */
static enum rc lists_open(struct hunt *hunt, const struct options *options, struct err *err)
{
    const char *path;
    struct buf data;
    hunt->indicators = table_new(options);
    enum rc rc = hunt->indicators ? RC_OK : err_set(err, RC_LIMIT, "no memory for indicators");
    for (size_t i = 0; rc == RC_OK && (path = options_list(options, "indicators", i)); i++)
        rc = indicator_folder_read(path, options_flag(options, "all"), hunt->indicators, err);
    buf_init(&data, 4096);
    rc = rc == RC_OK ? data_folder(&data, err) : rc;
    rc = rc == RC_OK ? indicator_fields_read(buf_z(&data), &hunt->fields, err) : rc;
    buf_done(&data);
    if (rc != RC_OK)
        return rc;
    indicators_finish(hunt->indicators);
    uint64_t refused = 0;
    for (size_t i = 0; i < indicators_list_count(hunt->indicators); i++)
        refused += indicators_list_at(hunt->indicators, i).refused;
    if (refused)
        fprintf(stderr, "qorgan indicators: %llu values of the lists are refused; `qorgan indicators check` says why\n",
                (unsigned long long)refused);
    return RC_OK;
}

static enum rc hunt_run(struct hunt *hunt, const struct options *options, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(QUERY_MEMORY);
    struct query *query;
    int64_t now = clock_real_ns();
    enum rc rc = arena ? query_parse(STR(""), now, 0, arena, &query, err) : err_set(err, RC_LIMIT, "no memory to hunt");
    rc = rc == RC_OK ? lists_open(hunt, options, err) : rc;
    rc = rc == RC_OK ? reading_open(&hunt->reading, options_text(options, "data"), true, err) : rc;
    if (rc != RC_OK)
        return rc;
    hunt->matcher = indicator_matcher_new(hunt->indicators, hunt->fields, hunt->reading.names);
    if (!hunt->matcher)
        return err_set(err, RC_LIMIT, "no memory to hunt");
    indicator_matcher_look_back(hunt->matcher);
    struct search_options search = {.from_ns = options_time(options, "from", now, 0),
                                    .to_ns = options_time(options, "to", now, 0),
                                    .now_ns = now,
                                    .hit = on_record,
                                    .context = hunt};
    rc = search_open(hunt->reading.reader, query, &search, &hunt->search, err);
    return rc == RC_OK ? walk(hunt, err) : rc;
}

static int hunt(const struct options *options)
{
    static struct hunt hunt;
    struct err err = {0};
    if (options->operand_count != 1 || !options_list(options, "indicators", 0))
        return cmd_usage("indicators", "hunt needs --indicators, and no operand");
    hunt = (struct hunt){.json = options_flag(options, "json")};
    hunt.reading.folder = -1;
    hunt.shown_ns = isatty(STDERR_FILENO) == 1 ? clock_boot_ns() : 0;
    buf_init(&hunt.line, LINE_BYTES);
    interrupt_watch();
    enum rc rc = hunt_run(&hunt, options, &err);
    search_close(hunt.search);
    indicator_matcher_free(hunt.matcher);
    indicator_fields_free(hunt.fields);
    indicators_free(hunt.indicators);
    reading_close(&hunt.reading);
    buf_done(&hunt.line);
    return rc == RC_OK ? CMD_OK : cmd_fail("indicators", &err);
}

int cmd_indicators(int argc, char **argv)
{
    struct options options;
    int status = options_parse("indicators", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    if (strcmp(options.operands[0], "check") == 0)
        return check(&options);
    if (strcmp(options.operands[0], "hunt") == 0)
        return hunt(&options);
    return cmd_usage("indicators", "unknown action \"%s\": check or hunt", options.operands[0]);
}
