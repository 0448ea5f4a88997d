#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/map.h"
#include "codec/utf8.h"
#include "rule/correlation.h"
#include "rule/document.h"
#include "rule/placeholder.h"
#include "rule/rule.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX 256u /* bytes; longer ones can have no state (desk) */
#define HASH_KEY                                                                                                       \
    {                                                                                                                  \
        UINT64_C(0x716f7267616e0001), UINT64_C(0x72756c6573000001)                                                     \
    }

/* A loaded document with what rules_finish needs of it. */
struct entry {
    struct rule rule;
    struct rule_filter filter;
    struct rule_correlation *correlation;
    size_t outcome;
    const struct yaml_node *waits; /* read by rules_finish, when all placeholders are known */
    bool refused;                  /* by rules_finish */
    bool generated;                /* named by a correlation with `generate` */
    bool named;                    /* named by a correlation */
    struct str carry[RULE_CARRY_MAX];
    size_t carry_count;
    const struct rule **filters; /* of a detection: those that stand on it */
    size_t filter_count;
    size_t filter_size;
    size_t weight; /* of the detection with them: the largest of its arrays at most */
    size_t size;   /* the same, what is shared counted each time */
};

struct rules {
    struct arena *arena;
    struct regexes regexes;
    struct placeholders placeholders;
    const struct rules *whole; /* of which these are a part; NULL: of none */
    struct entry **entries;
    size_t entry_count;
    size_t entry_size;
    struct rule_outcome *outcomes;
    size_t outcome_count;
    size_t outcome_size;
    struct rule **loaded; /* after rules_finish */
    size_t loaded_count;
    struct rule **by_hash; /* the same, by rising hash; rules of equal hash in their order */
    struct map *by_id;     /* id -> entry + 1 */
    struct map *by_name;   /* name -> entry + 1 */
    bool finished;
};

struct rules *rules_new(size_t limit)
{
    struct rules *rules = memory_new(sizeof(*rules));
    struct err err;
    if (!rules)
        return NULL;
    rules->arena = arena_new(limit);
    rules->by_id = map_new(RULES_MAX, 1);
    rules->by_name = map_new(RULES_MAX, 1);
    if (regexes_init(&rules->regexes, &err) != RC_OK || placeholders_init(&rules->placeholders, &err) != RC_OK ||
        !rules->arena || !rules->by_id || !rules->by_name) {
        rules_free(rules);
        return NULL;
    }
    return rules;
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    regexes_done(&rules->regexes);
    placeholders_done(&rules->placeholders);
    map_free(rules->by_id);
    map_free(rules->by_name);
    arena_free(rules->arena);
    memory_free(rules);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for rules");
}

static struct str copy(struct rules *rules, const char *text)
{
    struct str copied = arena_str(rules->arena, str_of(text));
    return copied.p ? copied : STR("no memory for the reason");
}

static enum rc outcome_add(struct rules *rules, struct rule_outcome outcome, struct err *err)
{
    if (rules->outcome_count == RULES_MAX)
        return err_set(err, RC_LIMIT, "more than %u rules", RULES_MAX);
    if (rules->outcome_count == rules->outcome_size) {
        size_t size = MAX(rules->outcome_size * 2, (size_t)256);
        void *grown =
            arena_grow(rules->arena, rules->outcomes, rules->outcome_size * sizeof(outcome), size * sizeof(outcome));
        if (!grown)
            return no_memory(err);
        rules->outcomes = grown;
        rules->outcome_size = size;
    }
    rules->outcomes[rules->outcome_count++] = outcome;
    return RC_OK;
}

static enum rc entry_add(struct rules *rules, struct entry *entry, struct err *err)
{
    if (rules->entry_count == rules->entry_size) {
        size_t size = MAX(rules->entry_size * 2, (size_t)256);
        void *grown = arena_grow(rules->arena, rules->entries, rules->entry_size * sizeof(entry), size * sizeof(entry));
        if (!grown)
            return no_memory(err);
        rules->entries = grown;
        rules->entry_size = size;
    }
    rules->entries[rules->entry_count++] = entry;
    return RC_OK;
}

enum rc rules_refuse(struct rules *rules, struct str path, const char *reason, struct err *err)
{
    ASSERT(!rules->finished);
    struct rule_outcome outcome = {.path = arena_str(rules->arena, path), .reason = copy(rules, reason)};
    return outcome_add(rules, outcome, err);
}

static uint64_t text_hash(struct str text, uint64_t ordinal)
{
    static const uint64_t key[2] = HASH_KEY;
    uint64_t parts[2] = {siphash(key, text.p, text.n), ordinal};
    return siphash(key, parts, sizeof(parts));
}

/* What came in a pack begins as a draft, which is said of its id: without one it would run, decided by nobody. */
static enum rc id_check(const struct rule *rule, struct str path, struct err *err)
{
    bool named = rule->kind == RULE_FILTER || (rule->id.n > 0 && rule->id.n <= ID_MAX);
    if (named || !str_starts(path, STR("pack:")))
        return RC_OK;
    return err_set(err, RC_INVALID, "a rule of a pack needs an id, of at most %u bytes", ID_MAX);
}

static enum rc add_document(struct rules *rules, struct str path, uint64_t hash, const struct yaml_node *document,
                            struct err *err)
{
    struct reading reading = {.arena = rules->arena, .regexes = &rules->regexes};
    struct entry *entry = arena_alloc(rules->arena, sizeof(*entry));
    if (!entry)
        return no_memory(err);
    struct arena_mark mark = arena_mark(rules->arena);
    struct err reason;
    enum rc rc = document_read(&reading, document, &entry->rule, &reason);
    if ((rc == RC_OK || rc == RC_AGAIN) && id_check(&entry->rule, path, &reason) != RC_OK)
        rc = RC_INVALID;
    struct rule_outcome outcome = {
        .path = path,
        .line = entry->rule.line,
        .id = entry->rule.id,
        .title = entry->rule.title,
        .loaded = rc == RC_OK,
        .warning = reading.warning,
    };
    if (rc != RC_OK)
        arena_rewind(rules->arena, mark);
    if (rc != RC_OK && rc != RC_AGAIN) {
        outcome.reason = copy(rules, reason.text);
        return outcome_add(rules, outcome, err);
    }
    entry->waits = rc == RC_AGAIN ? document : NULL;
    entry->rule.path = path;
    entry->rule.hash = hash;
    entry->filter = reading.filter;
    entry->outcome = rules->outcome_count;
    rc = outcome_add(rules, outcome, err);
    return rc == RC_OK ? entry_add(rules, entry, err) : rc;
}

static enum rc add_placeholders(struct rules *rules, struct str path, struct str text, struct err *err)
{
    struct err reason;
    if (placeholders_read(&rules->placeholders, rules->arena, text, &reason) == RC_OK)
        return RC_OK;
    return rules_refuse(rules, path, reason.text, err);
}

enum rc rules_add(struct rules *rules, struct str path, struct str text, struct err *err)
{
    ASSERT(!rules->finished);
    struct yaml_node *document = NULL;
    size_t count = 0;
    struct err reason;
    if (text.n > RULE_FILE_MAX)
        return rules_refuse(rules, path, "file is larger than 1 MiB", err);
    if (placeholders_are_in(path))
        return add_placeholders(rules, path, text, err);
    enum rc rc = yaml_parse(rules->arena, text, &document, &count, &reason);
    if (rc != RC_OK)
        return rules_refuse(rules, path, reason.text, err);
    if (count == 0)
        return rules_refuse(rules, path, "file has no document", err);
    struct str kept = arena_str(rules->arena, path);
    if (!kept.p)
        return no_memory(err);
    for (size_t i = 0; document; document = document->next, i++) {
        if (document->kind == YAML_SCALAR && yaml_is_null(document) && count > 1)
            continue; /* "---" at an end */
        rc = add_document(rules, kept, text_hash(text, i), document, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

void rules_part_of(struct rules *rules, const struct rules *whole)
{
    ASSERT(!rules->finished && whole->finished);
    rules->whole = whole;
}

/* --- rules_finish --- */

static void refuse(struct rules *rules, struct entry *entry, struct str reason)
{
    struct rule_outcome *outcome = &rules->outcomes[entry->outcome];
    entry->refused = true;
    outcome->loaded = false;
    outcome->reason = reason;
}

static void refuse_err(struct rules *rules, struct entry *entry, const struct err *err)
{
    refuse(rules, entry, copy(rules, err->text));
}

/* What a placeholder stands for is a part of the rule's meaning, and so of its hash. */
static void read_waiting(struct rules *rules, struct entry *entry)
{
    struct reading reading = {.arena = rules->arena,
                              .regexes = &rules->regexes,
                              .placeholders = rules->whole ? &rules->whole->placeholders : &rules->placeholders};
    struct arena_mark mark = arena_mark(rules->arena);
    struct str path = entry->rule.path;
    uint64_t hash = entry->rule.hash;
    struct err reason;
    enum rc rc = document_read(&reading, entry->waits, &entry->rule, &reason);
    if (rc != RC_OK) {
        arena_rewind(rules->arena, mark);
        refuse_err(rules, entry, &reason);
        return;
    }
    entry->rule.path = path;
    entry->rule.hash = text_hash(str_at(&reading.digest, sizeof(reading.digest)), hash);
    entry->filter = reading.filter;
    rules->outcomes[entry->outcome].loaded = true;
    rules->outcomes[entry->outcome].warning = reading.warning;
}

/* --- ids of those that have none --- */

/* RFC 9562, version 8: of what kind it is, its title, and how many of that title came before. */
static void id_derive(const struct rule *rule, uint64_t ordinal, char text[UUID_TEXT + 1])
{
    uint8_t uuid[16];
    for (uint64_t half = 0; half < 2; half++)
        put_be64(uuid + 8 * half, text_hash(rule->title, ordinal << 8 | (uint64_t)rule->kind << 1 | half));
    uuid[6] = (uint8_t)(0x80 | (uuid[6] & 0x0f));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
    uuid_encode(uuid, text);
}

/* A part of others has the ids that these have, however many of one title are left out of it. */
static enum rc id_give(struct rules *rules, size_t index, struct map *titles, struct err *err)
{
    struct rule *rule = &rules->entries[index]->rule;
    const struct rule *same = rules->whole ? rules_find_hash(rules->whole, rule->hash) : NULL;
    char text[UUID_TEXT + 1];
    if (!same) {
        id_derive(rule, 0, text);
        uint64_t *before = map_put(titles, str_at(text, UUID_TEXT));
        if (!before)
            return no_memory(err);
        id_derive(rule, (*before)++, text);
    }
    struct str id = same ? same->id : str_at(text, UUID_TEXT);
    if (id.n == 0 || map_get(rules->by_id, id))
        return RC_OK; /* somebody wrote just this one: it is his */
    uint64_t *place = map_put(rules->by_id, id);
    rule->id = arena_str(rules->arena, id);
    if (!place || !rule->id.p)
        return no_memory(err);
    *place = index + 1;
    return RC_OK;
}

/* What has no id could be named to nobody: not counted, switched, hunted, and its incident would have no rule. Outcomes
 * tell what is written, so they keep none. */
static enum rc ids_give(struct rules *rules, struct err *err)
{
    struct map *titles = map_new(RULES_MAX, 1);
    enum rc rc = titles ? RC_OK : no_memory(err);
    for (size_t i = 0; i < rules->entry_count && rc == RC_OK; i++)
        if (rules->entries[i]->rule.id.n == 0 && !rules->entries[i]->refused)
            rc = id_give(rules, i, titles, err);
    map_free(titles);
    return rc;
}

static enum rc index_ids(struct rules *rules, struct err *err)
{
    for (size_t i = 0; i < rules->entry_count; i++) {
        struct entry *entry = rules->entries[i];
        struct str keys[2] = {entry->rule.id, entry->rule.name};
        for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
            struct map *map = k == 0 ? rules->by_id : rules->by_name;
            if (keys[k].n == 0 || entry->refused)
                continue;
            uint64_t *place = map_put(map, keys[k]);
            struct err reason;
            if (!place)
                return no_memory(err);
            if (*place == 0) {
                *place = i + 1;
                continue;
            }
            const struct rule *other = &rules->entries[*place - 1]->rule;
            IGNORE(err_set(&reason, RC_EXISTS, "duplicate %s: also in %.*s", k == 0 ? "id" : "name",
                           STR_ARG(other->path)));
            refuse_err(rules, entry, &reason);
        }
    }
    return ids_give(rules, err);
}

static struct entry *find_entry(const struct rules *rules, struct str id_or_name)
{
    const uint64_t *place = map_get(rules->by_id, id_or_name);
    if (!place)
        place = map_get(rules->by_name, id_or_name);
    if (!place || rules->entries[*place - 1]->refused)
        return NULL;
    return rules->entries[*place - 1];
}

static bool within(struct str narrow, struct str wide)
{
    return wide.n == 0 || str_eq_nocase(narrow, wide);
}

bool rule_filter_concerns(const struct rule *filter, const struct rule *rule)
{
    const struct rule_logsource *wide = &filter->logsource;
    const struct rule_logsource *narrow = &rule->logsource;
    return rule->kind == RULE_DETECTION && within(narrow->product, wide->product) &&
           within(narrow->category, wide->category) && within(narrow->service, wide->service);
}

static bool filter_applies(const struct entry *filter, const struct entry *rule)
{
    return !rule->refused && rule_filter_concerns(&filter->rule, &rule->rule);
}

/* What counts against RULE_NODES_MAX. */
static size_t ast_weight(const struct rule_ast *ast)
{
    return MAX(MAX(ast->predicate_count, ast->node_count), ast->kid_count);
}

static size_t ast_size(const struct rule_ast *ast)
{
    return ast->nodes[ast->root].size;
}

/* Whether it finds room on the rule. One that does not is refused: no filter holds for some of its rules only. */
static bool filter_fits(const struct entry *filter, struct entry *rule)
{
    if (!filter_applies(filter, rule))
        return true;
    rule->weight = rule->weight ? rule->weight : ast_weight(rule->rule.ast) + 2; /* what joins them */
    rule->size = rule->size ? rule->size : ast_size(rule->rule.ast) + 1;
    return rule->filter_count < RULE_FILTERS_MAX && rule->weight + ast_weight(filter->rule.ast) + 1 <= RULE_NODES_MAX &&
           rule->size + ast_size(filter->rule.ast) <= AST_SIZE_MAX;
}

static enum rc filter_rule(struct rules *rules, const struct entry *filter, struct entry *rule, struct err *err)
{
    if (!filter_applies(filter, rule))
        return RC_OK;
    for (size_t i = 0; i < rule->filter_count; i++)
        if (rule->filters[i] == &filter->rule) /* it names the rule by id and by name */
            return RC_OK;
    if (rule->filter_count == rule->filter_size) {
        size_t size = MAX(rule->filter_size * 2, (size_t)4);
        const struct rule **grown =
            arena_grow(rules->arena, rule->filters, rule->filter_size * sizeof(*grown), size * sizeof(*grown));
        if (!grown)
            return no_memory(err);
        rule->filters = grown;
        rule->filter_size = size;
    }
    rule->filters[rule->filter_count++] = &filter->rule;
    rule->weight += ast_weight(filter->rule.ast) + 1;
    rule->size += ast_size(filter->rule.ast);
    return RC_OK;
}

/* Goes over the rules that the filter names; a name of no rule here is passed over. */
static struct entry *filter_next(const struct rules *rules, const struct entry *filter, size_t *at)
{
    if (filter->filter.any)
        return *at < rules->entry_count ? rules->entries[(*at)++] : NULL;
    while (*at < filter->filter.rule_count) {
        struct entry *named = find_entry(rules, filter->filter.rule_names[(*at)++]);
        if (named)
            return named;
    }
    return NULL;
}

static enum rc apply_filter(struct rules *rules, struct entry *filter, struct err *err)
{
    struct entry *rule;
    struct err reason;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < filter->filter.rule_count; i++) {
        struct str name = filter->filter.rule_names[i];
        if (!find_entry(rules, name) && !(rules->whole && find_entry(rules->whole, name))) {
            IGNORE(err_set(&reason, RC_NOT_FOUND, "filter names no loaded rule: \"%.*s\"",
                           STR_ARG(str_slice(name, 0, 64))));
            refuse_err(rules, filter, &reason);
            return RC_OK;
        }
    }
    for (size_t at = 0; (rule = filter_next(rules, filter, &at));) {
        if (filter_fits(filter, rule))
            continue;
        IGNORE(err_set(&reason, RC_LIMIT, "there are too many filters on the rule \"%.*s\"",
                       STR_ARG(str_slice(rule->rule.title, 0, 64))));
        refuse_err(rules, filter, &reason);
        return RC_OK;
    }
    for (size_t at = 0; rc == RC_OK && (rule = filter_next(rules, filter, &at));)
        rc = filter_rule(rules, filter, rule, err);
    filter->rule.filters_any = filter->filter.any;
    return rc;
}

static enum rc filters_join(struct rules *rules, struct entry *entry, struct err *err)
{
    if (entry->filter_count == 0)
        return RC_OK;
    entry->rule.filters = entry->filters;
    entry->rule.filter_count = entry->filter_count;
    enum rc rc = ast_filter(rules->arena, entry->rule.ast, entry->filters, entry->filter_count, &entry->rule.ast);
    return rc == RC_OK ? RC_OK : no_memory(err);
}

/* One pass over the correlations: resolves those whose rules are all resolved. Returns how many it resolved. */
static size_t resolve_some(struct rules *rules)
{
    size_t resolved = 0;
    for (size_t i = 0; i < rules->entry_count; i++) {
        struct entry *entry = rules->entries[i];
        struct rule_correlation *correlation = entry->correlation;
        if (!correlation || entry->refused || correlation->rules[0])
            continue;
        uint32_t depth = 0;
        size_t found = 0;
        for (size_t r = 0; r < correlation->rule_count; r++) {
            struct entry *named = find_entry(rules, correlation->rule_names[r]);
            if (!named || named->rule.kind == RULE_FILTER || (named->correlation && !named->correlation->rules[0]))
                break;
            depth = MAX(depth, named->correlation ? named->correlation->depth + 1 : 0);
            found++;
        }
        if (found < correlation->rule_count)
            continue;
        for (size_t r = 0; r < found; r++)
            correlation->rules[r] = &find_entry(rules, correlation->rule_names[r])->rule;
        correlation->depth = depth;
        resolved++;
        if (depth > CORRELATION_DEPTH_MAX)
            refuse(rules, entry, STR("correlations of correlations are nested too deeply"));
    }
    return resolved;
}

/* All that it names is here or in the whole, and not all here: it is right, and cannot be run without the rest. */
static bool counts_elsewhere(const struct rules *rules, const struct rule_correlation *correlation)
{
    size_t elsewhere = 0;
    for (size_t r = 0; rules->whole && r < correlation->rule_count; r++) {
        struct str name = correlation->rule_names[r];
        const struct entry *there = find_entry(rules->whole, name);
        if (find_entry(rules, name))
            continue;
        if (!there || there->rule.kind == RULE_FILTER)
            return false;
        elsewhere++;
    }
    return elsewhere > 0;
}

static bool leave_elsewhere(struct rules *rules, struct entry *entry)
{
    struct rule_outcome *outcome = &rules->outcomes[entry->outcome];
    if (!counts_elsewhere(rules, entry->correlation))
        return false;
    entry->refused = true; /* of what is loaded here */
    outcome->warning = STR("it counts rules that are not in this text");
    return true;
}

static void refuse_unresolved(struct rules *rules)
{
    for (size_t i = 0; i < rules->entry_count; i++) {
        struct entry *entry = rules->entries[i];
        struct err reason;
        if (!entry->correlation || entry->refused || entry->correlation->rules[0] || leave_elsewhere(rules, entry))
            continue;
        IGNORE(err_set(&reason, RC_INVALID, "correlations name each other in a circle"));
        for (size_t r = 0; r < entry->correlation->rule_count; r++) {
            if (!find_entry(rules, entry->correlation->rule_names[r]))
                IGNORE(err_set(&reason, RC_NOT_FOUND, "correlation names no loaded rule: \"%.*s\"",
                               STR_ARG(str_slice(entry->correlation->rule_names[r], 0, 64))));
        }
        refuse_err(rules, entry, &reason);
    }
}

static void carry_add(struct rules *rules, struct entry *entry, struct str field)
{
    for (size_t i = 0; i < entry->carry_count; i++) {
        if (str_eq(entry->carry[i], field))
            return;
    }
    if (entry->carry_count == RULE_CARRY_MAX) {
        rules->outcomes[entry->outcome].warning = STR("correlations want more fields of it than a match carries");
        return;
    }
    entry->carry[entry->carry_count++] = field;
}

/* What the correlation wants of each rule it names: group-by and value fields; and, for a correlation of
 * correlations, what its own outer ones want of it (those come first: outermost depth first). */
static void carry_correlation(struct rules *rules, struct entry *entry)
{
    struct rule_correlation *correlation = entry->correlation;
    for (size_t r = 0; r < correlation->rule_count; r++) {
        struct entry *named = find_entry(rules, correlation->rule_names[r]);
        if (!named)
            continue;
        for (size_t g = 0; g < correlation->group_count; g++)
            carry_add(rules, named, correlation->group_fields[r * correlation->group_count + g]);
        for (size_t f = 0; f < correlation->field_count; f++)
            carry_add(rules, named, correlation->fields[f]);
        for (size_t c = 0; c < entry->carry_count; c++)
            carry_add(rules, named, entry->carry[c]);
        named->named = true;
        named->generated |= correlation->generate;
    }
}

static int by_rising_hash(const void *a, const void *b)
{
    const struct rule *left = *(struct rule *const *)a;
    const struct rule *right = *(struct rule *const *)b;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

static enum rc list_loaded(struct rules *rules, struct err *err)
{
    rules->loaded = arena_alloc_array(rules->arena, rules->entry_count + 1, sizeof(struct rule *));
    rules->by_hash = arena_alloc_array(rules->arena, rules->entry_count + 1, sizeof(struct rule *));
    if (!rules->loaded || !rules->by_hash)
        return no_memory(err);
    for (size_t i = 0; i < rules->entry_count; i++) {
        struct entry *entry = rules->entries[i];
        if (entry->refused)
            continue;
        entry->rule.index = (uint32_t)rules->loaded_count;
        entry->rule.carry = entry->carry;
        entry->rule.carry_count = entry->carry_count;
        entry->rule.correlated = entry->named;
        entry->rule.alerts = entry->rule.kind != RULE_FILTER && (!entry->named || entry->generated);
        rules->by_hash[rules->loaded_count] = &entry->rule;
        rules->loaded[rules->loaded_count++] = &entry->rule;
    }
    qsort(rules->by_hash, rules->loaded_count, sizeof(struct rule *), by_rising_hash);
    return RC_OK;
}

enum rc rules_finish(struct rules *rules, struct err *err)
{
    ASSERT(!rules->finished);
    rules->finished = true;
    for (size_t i = 0; i < rules->entry_count; i++) {
        if (rules->entries[i]->waits)
            read_waiting(rules, rules->entries[i]);
    }
    enum rc rc = index_ids(rules, err);
    for (size_t i = 0; i < rules->entry_count && rc == RC_OK; i++) {
        struct entry *entry = rules->entries[i];
        if (entry->rule.kind == RULE_CORRELATION)
            entry->correlation = (struct rule_correlation *)(uintptr_t)entry->rule.correlation;
        if (entry->rule.kind == RULE_FILTER && !entry->refused)
            rc = apply_filter(rules, entry, err);
    }
    for (size_t i = 0; i < rules->entry_count && rc == RC_OK; i++)
        rc = filters_join(rules, rules->entries[i], err);
    while (rc == RC_OK && resolve_some(rules) > 0)
        continue;
    if (rc == RC_OK)
        refuse_unresolved(rules);
    rules->whole = NULL;
    if (rc != RC_OK)
        return rc;
    for (uint32_t depth = CORRELATION_DEPTH_MAX + 1; depth-- > 0;) {
        for (size_t i = 0; i < rules->entry_count; i++) {
            struct entry *entry = rules->entries[i];
            if (entry->correlation && !entry->refused && entry->correlation->depth == depth)
                carry_correlation(rules, entry);
        }
    }
    return list_loaded(rules, err);
}

size_t rules_count(const struct rules *rules)
{
    return rules->loaded_count;
}

const struct rule *rules_at(const struct rules *rules, size_t index)
{
    ASSERT(index < rules->loaded_count);
    return rules->loaded[index];
}

const struct rule *rules_find(const struct rules *rules, struct str id_or_name)
{
    const struct entry *entry = find_entry(rules, id_or_name);
    return entry ? &entry->rule : NULL;
}

const struct rule *rules_at_line(const struct rules *rules, struct str path, uint32_t line)
{
    for (size_t i = 0; i < rules->loaded_count; i++)
        if (rules->loaded[i]->line == line && str_eq(rules->loaded[i]->path, path))
            return rules->loaded[i];
    return NULL;
}

const struct rule *rules_find_hash(const struct rules *rules, uint64_t hash)
{
    size_t low = 0;
    size_t high = rules->loaded_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->by_hash[middle]->hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rules->loaded_count && rules->by_hash[low]->hash == hash ? rules->by_hash[low] : NULL;
}

size_t rules_outcome_count(const struct rules *rules)
{
    return rules->outcome_count;
}

const struct rule_outcome *rules_outcome_at(const struct rules *rules, size_t index)
{
    ASSERT(index < rules->outcome_count);
    return &rules->outcomes[index];
}
