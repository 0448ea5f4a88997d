#include "role/rule_states.h"

#include "base/assert.h"
#include "codec/json.h"
#include "rule/level.h"

#define DEPTH 4u

static const char *const state_names[] = {
    [RULE_ACTIVE] = "active",
    [RULE_TEST] = "test",
    [RULE_OFF] = "off",
    [RULE_DRAFT] = "draft",
};
_Static_assert(ARRAY_LEN(state_names) == RULE_STATE_COUNT, "each state has a word");

const char *rule_state_name(enum rule_state state)
{
    ASSERT((size_t)state < ARRAY_LEN(state_names));
    return state_names[state];
}

bool rule_state_parse(struct str text, enum rule_state *ret_state)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        if (str_is(text, state_names[i])) {
            *ret_state = (enum rule_state)i;
            return true;
        }
    }
    return false;
}

/* ---- writing ---- */

void rule_states_begin(struct buf *out, uint64_t counted)
{
    json_write_object(out);
    json_put_u64(out, "counted", counted);
    json_write_key(out, "rules");
    json_write_array(out);
}

void rule_states_add(struct buf *out, const struct rule_state_row *row)
{
    json_write_array(out);
    json_write_str(out, row->id);
    json_write_text(out, rule_state_name(row->state));
    json_write_text(out, row->has_level ? rule_level_name(row->level) : "");
    json_write_array_end(out);
}

void rule_states_end(struct buf *out)
{
    json_write_array_end(out);
    json_write_object_end(out);
}

/* ---- reading ---- */

static bool row_read(const struct json_value *value, struct rule_state_row *ret_row)
{
    const struct json_value *id = json_first(value);
    const struct json_value *state = id ? id->next : NULL;
    const struct json_value *level = state ? state->next : NULL;
    if (value->kind != JSON_ARRAY || !level || level->kind != JSON_STRING || level->next)
        return false;
    *ret_row = (struct rule_state_row){.id = json_str(id, STR_NONE), .has_level = level->text.n > 0};
    return ret_row->id.n > 0 && ret_row->id.n <= RULE_ID_MAX &&
           rule_state_parse(json_str(state, STR_NONE), &ret_row->state) &&
           (!ret_row->has_level || rule_level_parse(level->text, &ret_row->level));
}

enum rc rule_states_read(struct str body, struct arena *arena, struct rule_states *ret_states, struct err *err)
{
    struct json_value *value = NULL;
    struct rule_states states = {0};
    if (body.n > RULE_STATES_BYTES)
        return err_set(err, RC_LIMIT, "rule states are larger than %zu bytes", RULE_STATES_BYTES);
    enum rc rc = json_parse(arena, body, DEPTH, &value, err);
    if (rc != RC_OK)
        return err_wrap(err, "rule states");
    const struct json_value *rules = json_get(value, "rules");
    int64_t counted = json_int(json_get(value, "counted"), -1);
    if (!rules || rules->kind != JSON_ARRAY || counted < 0)
        return err_set(err, RC_INVALID, "rule states without \"rules\" or \"counted\"");
    if (rules->count > RULES_MAX)
        return err_set(err, RC_LIMIT, "rule states of %u rules, more than %u", rules->count, RULES_MAX);
    states.counted = (uint64_t)counted;
    states.rows = arena_alloc_array(arena, rules->count, sizeof *states.rows);
    if (!states.rows)
        return err_set(err, RC_LIMIT, "no memory for rule states");
    for (const struct json_value *row = rules->first; row; row = row->next) {
        ASSERT(states.count < rules->count);
        if (!row_read(row, &states.rows[states.count++]))
            return err_set(err, RC_INVALID, "rule states: row %zu is none", states.count);
    }
    *ret_states = states;
    return RC_OK;
}
