/* clock_rules.c - the table of terms, read from data/clocks.tsv. */
#include "base/assert.h"
#include "term/clock.h"

/* One row a column: place, name in the file. */
#define COLUMNS(X)                                                                                                     \
    X(COLUMN_ID, "id")                                                                                                 \
    X(COLUMN_ACT, "act")                                                                                               \
    X(COLUMN_EDITION, "edition")                                                                                       \
    X(COLUMN_PARAGRAPH, "paragraph")                                                                                   \
    X(COLUMN_PARAGRAPH_KK, "paragraph_kk")                                                                             \
    X(COLUMN_PARAGRAPH_RU, "paragraph_ru")                                                                             \
    X(COLUMN_TRIGGER, "trigger")                                                                                       \
    X(COLUMN_START, "start")                                                                                           \
    X(COLUMN_MET_BY, "met_by")                                                                                         \
    X(COLUMN_AMOUNT, "amount")                                                                                         \
    X(COLUMN_UNIT, "unit")                                                                                             \
    X(COLUMN_DIRECTION, "direction")                                                                                   \
    X(COLUMN_DAY_ONE, "day_one")                                                                                       \
    X(COLUMN_ROLL, "roll")                                                                                             \
    X(COLUMN_DURATION, "duration")                                                                                     \
    X(COLUMN_FROM, "from")                                                                                             \
    X(COLUMN_TO, "to")                                                                                                 \
    X(COLUMN_DELIVERABLE, "deliverable")                                                                               \
    X(COLUMN_GROUP, "group")                                                                                           \
    X(COLUMN_NOTE, "note")

enum column {
#define X(id, name) id,
    COLUMNS(X)
#undef X
        COLUMN_COUNT
};

static const char *const column_name[] = {
#define X(id, name) [id] = name,
    COLUMNS(X)
#undef X
};

static const char *const unit_name[] = {
#define X(id, word) [id] = word,
    CLOCK_UNITS(X)
#undef X
};

const char *clock_unit_name(enum clock_unit unit)
{
    ASSERT(unit < CLOCK_UNITS_COUNT);
    return unit_name[unit];
}

bool clock_rule_computable(const struct clock_rule *rule)
{
    return rule->unit <= CLOCK_YEAR && rule->amount > 0;
}

const struct clock_rule *clock_rule_find(const struct clock_rules *rules, struct str id)
{
    for (size_t i = 0; i < rules->count; i++)
        if (str_eq(rules->rule[i].id, id))
            return &rules->rule[i];
    return NULL;
}

/* Cuts a line into exactly COLUMN_COUNT cells. */
static bool cells_cut(struct str line, struct str cell[COLUMN_COUNT])
{
    size_t count = 0;
    for (struct str rest = line; rest.p; count++) {
        struct str one = str_cut(&rest, '\t');
        if (count < COLUMN_COUNT)
            cell[count] = one;
    }
    return count == COLUMN_COUNT;
}

static enum rc header_check(const struct str cell[COLUMN_COUNT], struct err *err)
{
    for (enum column i = 0; i < COLUMN_COUNT; i++)
        if (!str_is(cell[i], column_name[i]))
            return err_set(err, RC_INVALID, "column %d must be \"%s\"", (int)i + 1, column_name[i]);
    return RC_OK;
}

/* One of two words. */
static enum rc switch_read(struct str word, const char *no, const char *yes, bool *ret_value, struct err *err)
{
    *ret_value = str_is(word, yes);
    if (*ret_value || str_is(word, no))
        return RC_OK;
    return err_set(err, RC_INVALID, "\"%.*s\" is neither \"%s\" nor \"%s\"", (int)MIN(word.n, (size_t)20), word.p, no,
                   yes);
}

static enum rc unit_read(struct str word, enum clock_unit *ret_unit, struct err *err)
{
    for (enum clock_unit unit = 0; unit < CLOCK_UNITS_COUNT; unit++)
        if (str_is(word, unit_name[unit])) {
            *ret_unit = unit;
            return RC_OK;
        }
    return err_set(err, RC_INVALID, "not a unit: \"%.*s\"", (int)MIN(word.n, (size_t)20), word.p);
}

static enum rc numbers_read(const struct str cell[COLUMN_COUNT], struct clock_rule *rule, struct err *err)
{
    uint64_t amount = 0;
    if (cell[COLUMN_ID].n == 0)
        return err_set(err, RC_INVALID, "a term without an id");
    if (cell[COLUMN_AMOUNT].n && (!str_to_u64(cell[COLUMN_AMOUNT], &amount) || amount > CLOCK_AMOUNT_MAX))
        return err_set(err, RC_INVALID, "not an amount: \"%.*s\"", (int)MIN(cell[COLUMN_AMOUNT].n, (size_t)20),
                       cell[COLUMN_AMOUNT].p);
    rule->amount = (int32_t)amount;
    enum rc rc = unit_read(cell[COLUMN_UNIT], &rule->unit, err);
    if (rc == RC_OK)
        rc = switch_read(cell[COLUMN_DIRECTION], "after", "before", &rule->before, err);
    if (rc == RC_OK)
        rc = switch_read(cell[COLUMN_DAY_ONE], "next_day", "same_day", &rule->same_day, err);
    if (rc == RC_OK)
        rc = switch_read(cell[COLUMN_ROLL], "none", "next_working", &rule->roll, err);
    return rc;
}

static bool texts_copy(struct arena *arena, struct str cell[COLUMN_COUNT], struct clock_rule *rule)
{
    if (cell[COLUMN_PARAGRAPH_KK].n == 0)
        cell[COLUMN_PARAGRAPH_KK] = cell[COLUMN_PARAGRAPH];
    if (cell[COLUMN_PARAGRAPH_RU].n == 0)
        cell[COLUMN_PARAGRAPH_RU] = cell[COLUMN_PARAGRAPH];
    const struct {
        enum column column;
        struct str *to;
    } rows[] = {
        {COLUMN_ID, &rule->id},
        {COLUMN_ACT, &rule->act},
        {COLUMN_EDITION, &rule->edition},
        {COLUMN_PARAGRAPH, &rule->paragraph[TERM_EN]},
        {COLUMN_PARAGRAPH_KK, &rule->paragraph[TERM_KK]},
        {COLUMN_PARAGRAPH_RU, &rule->paragraph[TERM_RU]},
        {COLUMN_TRIGGER, &rule->trigger},
        {COLUMN_START, &rule->start},
        {COLUMN_MET_BY, &rule->met_by},
        {COLUMN_DURATION, &rule->duration},
        {COLUMN_FROM, &rule->from},
        {COLUMN_TO, &rule->to},
        {COLUMN_DELIVERABLE, &rule->deliverable},
        {COLUMN_GROUP, &rule->group},
        {COLUMN_NOTE, &rule->note},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        *rows[i].to = arena_str(arena, cell[rows[i].column]);
        if (!rows[i].to->p)
            return false;
    }
    return true;
}

static enum rc rule_add(struct arena *arena, struct str cell[COLUMN_COUNT], struct clock_rule *rule, size_t *count,
                        struct err *err)
{
    struct clock_rules before = {rule, *count};
    if (clock_rule_find(&before, cell[COLUMN_ID]))
        return err_set(err, RC_EXISTS, "the term \"%.*s\" is given twice", (int)MIN(cell[COLUMN_ID].n, (size_t)20),
                       cell[COLUMN_ID].p);
    if (*count == CLOCK_RULES_MAX)
        return err_set(err, RC_LIMIT, "more than %u terms", CLOCK_RULES_MAX);
    enum rc rc = numbers_read(cell, &rule[*count], err);
    if (rc == RC_OK && !texts_copy(arena, cell, &rule[*count]))
        rc = err_set(err, RC_LIMIT, "out of memory");
    if (rc == RC_OK)
        ++*count;
    return rc;
}

/* How many lines can be rows at most. */
static size_t lines_count(struct str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return MIN(lines, (size_t)CLOCK_RULES_MAX);
}

enum rc clock_rules_read(struct arena *arena, struct str text, struct clock_rules *ret_rules, struct err *err)
{
    struct clock_rule *rule = arena_alloc_array(arena, lines_count(text), sizeof *rule);
    struct str cell[COLUMN_COUNT];
    size_t count = 0;
    int number = 0;
    bool header_seen = false;
    enum rc rc = rule ? RC_OK : err_set(err, RC_LIMIT, "out of memory");
    for (struct str rest = text; rest.p && rc == RC_OK;) {
        struct str line = str_trim_end(str_cut(&rest, '\n'), '\r');
        number++;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!cells_cut(line, cell))
            rc = err_set(err, RC_INVALID, "not %d cells", (int)COLUMN_COUNT);
        else if (header_seen)
            rc = rule_add(arena, cell, rule, &count, err);
        else
            rc = header_check(cell, err);
        header_seen = true;
    }
    if (rc == RC_OK && count == 0)
        rc = err_set(err, RC_INVALID, "no terms");
    if (rc != RC_OK) {
        err_wrap(err, "clocks, line %d", number);
        return rc;
    }
    *ret_rules = (struct clock_rules){rule, count};
    return RC_OK;
}
