/* rule_step.c - one decision about many rules: one reason, one act, and as many records as its rules need to be named
 * in, PART_MAX a record. Each rule's history points at the record that names it, and at the act. */
#include "desk/rule_step.h"

#include "base/assert.h"

#define PART_MAX 500u  /* rules that one record names */
#define ACTS_MAX 1000u /* kept: the newest; what is older cannot be taken back as a whole */

static int64_t parts_of(size_t count)
{
    return (int64_t)((count + PART_MAX - 1) / PART_MAX);
}

/* How many rules from `from` on go to the same state. */
static size_t run_length(const struct rule_step *step, size_t from)
{
    size_t to = from;
    while (to < step->count && step->move[to].to == step->move[from].to)
        to++;
    return to - from;
}

static int64_t step_parts(const struct rule_step *step)
{
    int64_t parts = 0;
    for (size_t from = 0, n; from < step->count; from += n) {
        n = run_length(step, from);
        parts += parts_of(n);
    }
    return parts;
}

struct part {
    size_t from, to;
    int64_t number, of;
};

static int64_t part_tell(struct desk *desk, const struct rule_step *step, const struct part *part, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, step->event, step->who, now_ns);
    json_put_str(body, "pack", step->pack);
    if (step->version.n)
        json_put_str(body, "version", step->version);
    json_put_text(body, "state", rulebook_state_name(step->move[part->from].to));
    json_put_u64(body, "count", step->count);
    if (step->level)
        json_put_text(body, "level", step->level);
    if (step->status)
        json_put_text(body, "status", step->status);
    if (step->from.n)
        json_put_str(body, "from", step->from);
    if (step->act)
        json_put_int(body, "act", step->act);
    if (step->undoes)
        json_put_int(body, "undoes", step->undoes);
    json_put_int(body, "part", part->number);
    json_put_int(body, "parts", part->of);
    json_write_key(body, "rule_ids");
    json_write_array(body);
    for (size_t i = part->from; i < part->to; i++)
        json_write_str(body, step->move[i].entry->rule->id);
    json_write_array_end(body);
    return desk_record_end(desk, 0, step->reason);
}

static void part_take(struct desk *desk, const struct rule_step *step, const struct part *part, int64_t now_ns)
{
    int64_t outgoing = part_tell(desk, step, part, now_ns);
    for (size_t i = part->from; i < part->to; i++) {
        const struct rule_move *move = &step->move[i];
        const struct rule_decision decision = {
            .state = move->to, .level = move->entry->level, .reason = step->reason, .act = step->act};
        ASSERT(move->entry->row != 0);
        rule_decision_store(desk, move->entry, &decision, step->who, now_ns, outgoing);
        rule_turned(desk, move->entry, move->to, now_ns);
    }
}

void rule_step_take(struct desk *desk, const struct rule_step *step, int64_t now_ns)
{
    struct part part = {.number = 1, .of = step_parts(step)};
    for (size_t n; part.from < step->count; part.from = part.to, part.number++) {
        n = run_length(step, part.from);
        part.to = part.from + MIN(n, (size_t)PART_MAX);
        part_take(desk, step, &part, now_ns);
    }
}

/* ---- acts ---- */

static int64_t act_store(struct desk *desk, const struct rule_step *step, int64_t now_ns)
{
    bool alike = run_length(step, 0) == step->count;
    struct db_query q = db_query(desk->db, "INSERT INTO rule_act (time_ns, who, pack, level, state, rules, reason,"
                                           " undoes, undone) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)");
    db_put_i64(&q, now_ns);
    db_put_text(&q, step->who);
    db_put_text(&q, desk_cut(step->pack, DESK_NAME_MAX));
    db_put_text(&q, str_of(step->level ? step->level : ""));
    db_put_i64(&q, alike ? (int64_t)step->move[0].to : -1);
    db_put_i64(&q, (int64_t)step->count);
    db_put_text(&q, step->reason);
    db_put_i64(&q, step->undoes);
    db_run(&q);
    int64_t act = db_last_id(desk->db);
    if (step->undoes) {
        q = db_query(desk->db, "UPDATE rule_act SET undone = ?1 WHERE id = ?2");
        db_put_i64(&q, act);
        db_put_i64(&q, step->undoes);
        db_run(&q);
    }
    db_run_i64(desk->db, "DELETE FROM rule_act WHERE id <= ?1", act - (int64_t)ACTS_MAX);
    return act;
}

void rule_step_act(struct ask *ask, struct rule_step *step)
{
    ASSERT(step->count > 0);
    step->who = ask->who;
    step->act = act_store(ask->desk, step, ask->now_ns);
    rule_step_take(ask->desk, step, ask->now_ns);
    ask->desk->rulebook->stale = true; /* as after ask_rule_save */
    ask->desk->rulebook->version++;
}
