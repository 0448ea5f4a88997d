#include "role/rule_stats.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "role/rule_states.h"

#define DEPTH 5u
#define TAIL  64u /* what closes the lists that are still to come */

_Static_assert(RULE_STATS_ROW_MAX + TAIL < RULE_STATS_BYTES, "a row finds room in an empty message");

/* ---- writing ---- */

/* A byte becomes six at most, as \u0000. */
_Static_assert(6 * RULE_ID_MAX + 160 <= RULE_STATS_ROW_MAX, "a rule's row fits");
_Static_assert(6 * RULE_STATS_WORD + 160 <= RULE_STATS_ROW_MAX, "a field's row fits");

static bool has_room(const struct buf *out)
{
    return out->n + RULE_STATS_ROW_MAX + TAIL <= MIN(out->limit, RULE_STATS_BYTES);
}

void rule_stats_begin(struct buf *out, uint64_t upto, uint64_t events)
{
    json_write_object(out);
    json_put_u64(out, "upto", upto);
    json_put_u64(out, "events", events);
    json_write_key(out, "rules");
    json_write_array(out);
}

bool rule_stats_add(struct buf *out, const struct rule_stats_rule *rule)
{
    ASSERT(rule->id.n <= RULE_ID_MAX);
    if (!has_room(out))
        return false;
    json_write_object(out);
    json_put_str(out, "id", rule->id);
    json_put_u64(out, "hits", rule->hits);
    json_put_u64(out, "runs", rule->runs);
    json_put_u64(out, "ns", rule->ns);
    json_put_int(out, "last_ns", rule->last_ns);
    json_write_object_end(out);
    return true;
}

static void list_next(struct buf *out, const char *name)
{
    json_write_array_end(out);
    json_write_key(out, name);
    json_write_array(out);
}

void rule_stats_sources(struct buf *out)
{
    list_next(out, "sources");
}

/* The three words share the room of one row. */
static struct str third(struct str word)
{
    return str_slice(word, 0, RULE_STATS_WORD / 3);
}

bool rule_stats_source(struct buf *out, const struct rule_stats_source *source)
{
    if (!has_room(out))
        return false;
    json_write_object(out);
    json_put_str(out, "product", third(source->product));
    json_put_str(out, "category", third(source->category));
    json_put_str(out, "service", third(source->service));
    json_put_u64(out, "events", source->events);
    json_put_u64(out, "covered", source->covered);
    json_write_object_end(out);
    return true;
}

void rule_stats_fields(struct buf *out)
{
    list_next(out, "fields");
}

bool rule_stats_field(struct buf *out, struct str name)
{
    if (!has_room(out))
        return false;
    json_write_str(out, str_slice(name, 0, RULE_STATS_WORD));
    return true;
}

void rule_stats_annexes(struct buf *out)
{
    list_next(out, "annex");
}

bool rule_stats_annex(struct buf *out, const struct rule_stats_annex *annex)
{
    const struct annex_count *count = &annex->count;
    char id[32];
    if (!has_room(out))
        return false;
    json_write_object(out);
    json_put_str(out, "source", str_at(id, hex_encode(annex->source, sizeof annex->source, id)));
    json_put_text(out, "class", annex_class_key(annex->class));
    json_put_str(out, "kind", third(annex->kind));
    json_put_str(out, "parser", str_slice(annex->parser, 0, ANNEX_PARSER_MAX - 1));
    json_put_u64(out, "records", count->records);
    json_put_u64(out, "failed", count->failed);
    json_put_int(out, "first_ns", MAX(count->first_ns, 0));
    json_put_int(out, "last_ns", MAX(count->last_ns, 0));
    json_put_int(out, "failed_ns", MAX(count->failed_ns, 0));
    json_put_u64(out, "not_utf8", count->not_utf8);
    json_put_u64(out, "not_text", count->not_text);
    json_write_key(out, "fields");
    json_write_array(out);
    for (size_t i = 0; i < ANNEX_FIELD_COUNT; i++)
        json_write_u64(out, count->field[i]);
    json_write_array_end(out);
    json_write_object_end(out);
    return true;
}

void rule_stats_parses(struct buf *out)
{
    list_next(out, "parses");
}

bool rule_stats_parse(struct buf *out, const struct rule_stats_parse *parse)
{
    char id[32];
    if (!has_room(out))
        return false;
    json_write_object(out);
    json_put_str(out, "source", str_at(id, hex_encode(parse->source, sizeof parse->source, id)));
    json_put_u64(out, "day", parse->day);
    json_put_str(out, "parser", str_slice(parse->parser, 0, PARSE_PARSER_MAX - 1));
    json_put_text(out, "outcome", parse_outcome_key(parse->outcome));
    json_put_u64(out, "records", parse->count.records);
    json_put_int(out, "last_ns", MAX(parse->count.last_ns, INT64_C(0)));
    json_put_u64(out, "last_record", parse->count.last_record);
    if (parse->count.durable) {
        json_put_u64(out, "durable", parse->count.durable);
        json_put_u64(out, "wait_us", parse->count.wait_us);
        json_put_u64(out, "wait_max_us", parse->count.wait_max_us);
    }
    json_write_object_end(out);
    return true;
}

void rule_stats_losses(struct buf *out)
{
    list_next(out, "losses");
}

bool rule_stats_loss(struct buf *out, const struct loss_row *loss)
{
    char id[32];
    if (!has_room(out))
        return false;
    json_write_object(out);
    json_put_str(out, "source", str_at(id, hex_encode(loss->source, sizeof loss->source, id)));
    loss_row_put(loss, out);
    json_write_object_end(out);
    return true;
}

void rule_stats_end(struct buf *out)
{
    json_write_array_end(out);
    json_write_object_end(out);
}

/* ---- reading ---- */

/* A member that must be there, from 0 on. */
static bool number_read(const struct json_value *object, const char *key, uint64_t *ret_number)
{
    int64_t number = json_int(json_get(object, key), -1);
    *ret_number = (uint64_t)number;
    return number >= 0;
}

static bool word_read(const struct json_value *object, const char *key, struct str *ret_word)
{
    const struct json_value *value = json_get(object, key);
    *ret_word = json_str(value, STR_NONE);
    return value && value->kind == JSON_STRING && ret_word->n <= RULE_STATS_WORD;
}

static bool rule_read(const struct json_value *row, struct rule_stats_rule *ret_rule)
{
    uint64_t last_ns;
    bool good = word_read(row, "id", &ret_rule->id) && number_read(row, "hits", &ret_rule->hits) &&
                number_read(row, "runs", &ret_rule->runs) && number_read(row, "ns", &ret_rule->ns) &&
                number_read(row, "last_ns", &last_ns);
    if (!good)
        return false;
    ret_rule->last_ns = (int64_t)last_ns;
    return ret_rule->id.n > 0 && ret_rule->id.n <= RULE_ID_MAX && ret_rule->hits <= ret_rule->runs;
}

static bool source_read(const struct json_value *row, struct rule_stats_source *ret_source)
{
    return word_read(row, "product", &ret_source->product) && word_read(row, "category", &ret_source->category) &&
           word_read(row, "service", &ret_source->service) && number_read(row, "events", &ret_source->events) &&
           number_read(row, "covered", &ret_source->covered) && ret_source->covered <= ret_source->events;
}

static bool counts_read(const struct json_value *row, struct annex_count *count)
{
    uint64_t first_ns, last_ns, failed_ns;
    bool good = number_read(row, "records", &count->records) && number_read(row, "failed", &count->failed) &&
                number_read(row, "first_ns", &first_ns) && number_read(row, "last_ns", &last_ns) &&
                number_read(row, "failed_ns", &failed_ns) && number_read(row, "not_utf8", &count->not_utf8) &&
                number_read(row, "not_text", &count->not_text);
    size_t i = 0;
    const struct json_value *value = json_first(json_get(row, "fields"));
    for (; good && value && i < ANNEX_FIELD_COUNT; value = value->next) {
        int64_t number = json_int(value, -1);
        good = number >= 0 && (uint64_t)number <= count->records;
        count->field[i++] = (uint64_t)number;
    }
    if (!good || value || i != ANNEX_FIELD_COUNT)
        return false;
    count->first_ns = (int64_t)first_ns;
    count->last_ns = (int64_t)last_ns;
    count->failed_ns = (int64_t)failed_ns;
    return count->records > 0 && count->failed <= count->records && count->not_utf8 <= count->records &&
           count->not_text <= count->records && first_ns <= last_ns;
}

static bool annex_row_read(const struct json_value *row, struct rule_stats_annex *annex)
{
    struct str source, class;
    bool good = word_read(row, "source", &source) && word_read(row, "class", &class) &&
                word_read(row, "kind", &annex->kind) && word_read(row, "parser", &annex->parser);
    if (!good || !hex_decode(source, annex->source, sizeof annex->source) || annex->parser.n >= ANNEX_PARSER_MAX)
        return false;
    annex->class = annex_class_find(class);
    return annex->class < ANNEX_CLASS_COUNT && counts_read(row, &annex->count);
}

static enum rc annex_list_read(const struct json_value *list, struct arena *arena, struct rule_stats *stats,
                               struct err *err)
{
    if (!list)
        return RC_OK;
    if (list->kind != JSON_ARRAY || list->count > RULE_STATS_ROWS)
        return err_set(err, RC_INVALID, "rule statistics: what sources sent is no list, or too long");
    stats->annex = arena_alloc_array(arena, list->count + 1, sizeof *stats->annex);
    if (!stats->annex)
        return err_set(err, RC_LIMIT, "no memory for rule statistics");
    for (const struct json_value *row = json_first(list); row; row = row->next)
        if (!annex_row_read(row, &stats->annex[stats->annex_count++]))
            return err_set(err, RC_INVALID, "rule statistics: what source %zu sent does not read", stats->annex_count);
    return RC_OK;
}

/* When they were on the disk may not be known. */
static bool wait_read(const struct json_value *row, struct parse_count *count)
{
    if (!json_get(row, "durable"))
        return true;
    return number_read(row, "durable", &count->durable) && number_read(row, "wait_us", &count->wait_us) &&
           number_read(row, "wait_max_us", &count->wait_max_us) && count->durable > 0 &&
           count->durable <= count->records && count->wait_max_us <= count->wait_us;
}

static bool parse_row_read(const struct json_value *row, struct rule_stats_parse *parse)
{
    struct str source, outcome;
    uint64_t day, last_ns;
    bool good = word_read(row, "source", &source) && number_read(row, "day", &day) &&
                word_read(row, "parser", &parse->parser) && word_read(row, "outcome", &outcome) &&
                number_read(row, "records", &parse->count.records) && number_read(row, "last_ns", &last_ns) &&
                number_read(row, "last_record", &parse->count.last_record) && wait_read(row, &parse->count);
    if (!good || !hex_decode(source, parse->source, sizeof parse->source) || day > UINT32_MAX || parse->parser.n == 0 ||
        parse->parser.n >= PARSE_PARSER_MAX || parse->count.records == 0)
        return false;
    parse->day = (uint32_t)day;
    parse->count.last_ns = (int64_t)last_ns;
    parse->outcome = parse_outcome_find(outcome);
    return parse->outcome < PARSE_OUTCOME_COUNT;
}

static enum rc parse_list_read(const struct json_value *list, struct arena *arena, struct rule_stats *stats,
                               struct err *err)
{
    if (!list)
        return RC_OK;
    if (list->kind != JSON_ARRAY || list->count > RULE_STATS_ROWS)
        return err_set(err, RC_INVALID, "rule statistics: how records were parsed is no list, or too long");
    stats->parses = arena_alloc_array(arena, list->count + 1, sizeof *stats->parses);
    if (!stats->parses)
        return err_set(err, RC_LIMIT, "no memory for rule statistics");
    for (const struct json_value *row = json_first(list); row; row = row->next)
        if (!parse_row_read(row, &stats->parses[stats->parse_count++]))
            return err_set(err, RC_INVALID, "rule statistics: how records %zu were parsed does not read",
                           stats->parse_count);
    return RC_OK;
}

static bool loss_read(const struct json_value *row, struct loss_row *loss)
{
    struct str source, cause, unit;
    uint64_t from_ns, to_ns;
    bool good = word_read(row, "source", &source) && word_read(row, "cause", &cause) && word_read(row, "unit", &unit) &&
                number_read(row, "count", &loss->count) && number_read(row, "from_ns", &from_ns) &&
                number_read(row, "to_ns", &to_ns) && number_read(row, "first", &loss->first) &&
                number_read(row, "last", &loss->last);
    if (!good || !hex_decode(source, loss->source, sizeof loss->source))
        return false;
    if (!str_copy_z(json_str(json_get(row, "sender"), STR("")), loss->sender, sizeof loss->sender))
        return false;
    loss->cause = gap_cause_find(cause);
    loss->unit = gap_unit_find(unit);
    loss->unknown = json_bool(json_get(row, "unknown"), false);
    loss->from_ns = (int64_t)from_ns;
    loss->to_ns = (int64_t)to_ns;
    return loss->cause < GAP_CAUSE_COUNT && loss->unit < GAP_UNIT_COUNT && from_ns <= to_ns &&
           loss->first <= loss->last && (loss->unknown || loss->count > 0);
}

static enum rc losses_read(const struct json_value *list, struct arena *arena, struct rule_stats *stats,
                           struct err *err)
{
    if (!list)
        return RC_OK;
    if (list->kind != JSON_ARRAY || list->count > RULE_STATS_ROWS)
        return err_set(err, RC_INVALID, "rule statistics: what was lost is no list, or too long");
    stats->losses = arena_alloc_array(arena, list->count + 1, sizeof *stats->losses);
    if (!stats->losses)
        return err_set(err, RC_LIMIT, "no memory for rule statistics");
    for (const struct json_value *row = json_first(list); row; row = row->next)
        if (!loss_read(row, &stats->losses[stats->loss_count++]))
            return err_set(err, RC_INVALID, "rule statistics: loss %zu does not read", stats->loss_count);
    return RC_OK;
}

static bool is_list(const struct json_value *value)
{
    return value && value->kind == JSON_ARRAY && value->count <= RULE_STATS_ROWS;
}

static enum rc lists_read(const struct json_value *value, struct rule_stats *stats, struct err *err)
{
    const struct json_value *row;
    for (row = json_first(json_get(value, "rules")); row; row = row->next)
        if (!rule_read(row, &stats->rules[stats->rule_count++]))
            return err_set(err, RC_INVALID, "rule statistics: rule %zu is none", stats->rule_count);
    for (row = json_first(json_get(value, "sources")); row; row = row->next)
        if (!source_read(row, &stats->sources[stats->source_count++]))
            return err_set(err, RC_INVALID, "rule statistics: source %zu is none", stats->source_count);
    for (row = json_first(json_get(value, "fields")); row; row = row->next) {
        struct str name = json_str(row, STR_NONE);
        if (name.n == 0 || name.n > RULE_STATS_WORD)
            return err_set(err, RC_INVALID, "rule statistics: field %zu is none", stats->field_count + 1);
        stats->fields[stats->field_count++] = name;
    }
    return RC_OK;
}

enum rc rule_stats_read(struct str body, struct arena *arena, struct rule_stats *ret_stats, struct err *err)
{
    struct json_value *value = NULL;
    struct rule_stats stats = {0};
    if (body.n > RULE_STATS_BYTES)
        return err_set(err, RC_LIMIT, "rule statistics are larger than %zu bytes", RULE_STATS_BYTES);
    enum rc rc = json_parse(arena, body, DEPTH, &value, err);
    if (rc != RC_OK)
        return err_wrap(err, "rule statistics");
    const struct json_value *rules = json_get(value, "rules");
    const struct json_value *sources = json_get(value, "sources");
    const struct json_value *fields = json_get(value, "fields");
    if (!is_list(rules) || !is_list(sources) || !is_list(fields) || !number_read(value, "upto", &stats.upto) ||
        !number_read(value, "events", &stats.events))
        return err_set(err, RC_INVALID, "rule statistics lack a member, or one is too long");
    stats.rules = arena_alloc_array(arena, rules->count, sizeof *stats.rules);
    stats.sources = arena_alloc_array(arena, sources->count, sizeof *stats.sources);
    stats.fields = arena_alloc_array(arena, fields->count, sizeof *stats.fields);
    if (!stats.rules || !stats.sources || !stats.fields)
        return err_set(err, RC_LIMIT, "no memory for rule statistics");
    rc = lists_read(value, &stats, err);
    rc = rc == RC_OK ? annex_list_read(json_get(value, "annex"), arena, &stats, err) : rc;
    rc = rc == RC_OK ? parse_list_read(json_get(value, "parses"), arena, &stats, err) : rc;
    rc = rc == RC_OK ? losses_read(json_get(value, "losses"), arena, &stats, err) : rc;
    if (rc == RC_OK)
        *ret_stats = stats;
    return rc;
}
