#include "role/rule_reader.h"

#include "base/assert.h"

#include <stdio.h>

#define TEXT_MEMORY   ((size_t)64 << 20) /* of one text while it is read */
#define DOCUMENTS_MAX 256u
#define NEW_PATH      "desk:rule/new"

uint32_t rule_reader_line(struct str text, uint32_t otherwise)
{
    uint64_t line = 0;
    struct str rest = str_skip(text, 5);
    size_t digits = 0;
    while (digits < rest.n && char_is_digit(rest.p[digits]))
        digits++;
    bool said = str_starts(text, STR("line ")) && str_to_u64(str_slice(rest, 0, digits), &line) && line <= UINT32_MAX;
    return said ? (uint32_t)line : otherwise;
}

/* All that is told of it; false without memory. */
static bool rule_copy(struct arena *arena, const struct rule *rule, struct desk_rule *out)
{
    static const enum desk_rule_kind kinds[] = {[RULE_DETECTION] = DESK_RULE_DETECTION,
                                                [RULE_CORRELATION] = DESK_RULE_CORRELATION,
                                                [RULE_FILTER] = DESK_RULE_FILTER};
    struct str fields[DESK_RULE_FIELDS_MAX];
    out->kind = kinds[rule->kind];
    out->level = (enum desk_level)rule->level;
    out->product = arena_str(arena, rule->logsource.product);
    out->category = arena_str(arena, rule->logsource.category);
    out->service = arena_str(arena, rule->logsource.service);
    out->hash = rule->hash;
    out->field_count = rule_fields(rule, fields, ARRAY_LEN(fields));
    struct str *kept = arena_alloc_array(arena, out->field_count + 1, sizeof *kept);
    for (size_t i = 0; kept && i < out->field_count; i++)
        kept[i] = arena_str(arena, fields[i]);
    out->fields = kept;
    return kept != NULL;
}

/* The loaded rule of another file that a document's id or name belongs to. */
static const struct rule *owner_of(const struct rules *whole, struct str path, struct str id_or_name)
{
    const struct rule *other = id_or_name.n ? rules_find(whole, id_or_name) : NULL;
    return other && !str_eq(other->path, path) ? other : NULL;
}

static bool document_put(const struct rules *whole, const struct rules *rules, const struct rule_outcome *outcome,
                         struct arena *arena, struct desk_rule_document *out)
{
    const struct rule *rule = outcome->loaded ? rules_at_line(rules, outcome->path, outcome->line) : NULL;
    struct str said = outcome->loaded ? outcome->warning : outcome->reason;
    *out = (struct desk_rule_document){.loaded = outcome->loaded};
    out->rule.id = arena_str(arena, outcome->id);
    out->rule.title = arena_str(arena, outcome->title);
    out->rule.line = outcome->loaded ? outcome->line : rule_reader_line(said, MAX(outcome->line, 1u));
    out->rule.kind = DESK_RULE_CORRELATION; /* what is right and not loaded is one whose rules are elsewhere */
    out->text = arena_str(arena, said);
    if (rule && !rule_copy(arena, rule, &out->rule))
        return false;
    const struct rule *owner = owner_of(whole, outcome->path, outcome->id);
    if (!owner && rule)
        owner = owner_of(whole, outcome->path, rule->name);
    if (owner) {
        char text[256];
        int n = snprintf(text, sizeof text, "a rule of %.*s has this id or name", (int)MIN(owner->path.n, (size_t)200),
                         owner->path.p);
        out->taken = true;
        out->text = arena_str(arena, str_at(text, MIN((size_t)MAX(n, 0), sizeof text - 1)));
    }
    return !arena_spent(arena);
}

enum rc rule_reader_read(const struct rules *whole, struct str path, struct str text, struct arena *arena,
                         struct desk_rule_reading *ret_reading, struct err *err)
{
    struct rules *rules = rules_new(TEXT_MEMORY);
    if (!rules)
        return err_set(err, RC_LIMIT, "no memory to read the text");
    ASSERT(whole && rules_count(whole) <= DESK_RULES_MAX);
    rules_part_of(rules, whole);
    enum rc rc = rules_add(rules, path.n ? path : STR(NEW_PATH), text, err);
    rc = rc == RC_OK ? rules_finish(rules, err) : rc;
    size_t count = rc == RC_OK ? rules_outcome_count(rules) : 0;
    if (count > DOCUMENTS_MAX)
        rc = err_set(err, RC_LIMIT, "a text has at most %u documents", DOCUMENTS_MAX);
    struct desk_rule_document *documents = rc == RC_OK ? arena_alloc_array(arena, count + 1, sizeof *documents) : NULL;
    bool fits = documents != NULL;
    for (size_t i = 0; i < count && fits; i++)
        fits = document_put(whole, rules, rules_outcome_at(rules, i), arena, &documents[i]);
    rules_free(rules);
    if (rc == RC_OK && !fits)
        rc = err_set(err, RC_LIMIT, "no memory for what the text says");
    *ret_reading = (struct desk_rule_reading){documents, rc == RC_OK ? count : 0};
    return rc;
}

enum rc rule_reader_ask(void *place, struct str path, struct str text, struct arena *arena,
                        struct desk_rule_reading *ret_reading, struct err *err)
{
    const struct rule_supply *supply = *(struct rule_supply *const *)place;
    const struct rules *whole = supply ? rule_supply_rules(supply) : NULL;
    return whole ? rule_reader_read(whole, path, text, arena, ret_reading, err)
                 : err_set(err, RC_AGAIN, "no rules are loaded yet");
}

bool rule_reader_file(void *place, struct str path, struct arena *arena, struct str *ret_text)
{
    const struct rule_supply *supply = *(struct rule_supply *const *)place;
    return supply && rule_supply_text(supply, path, arena, ret_text);
}
