/* rule_level.c - all rules of a level switched in one act, of every pack or of one; what that would change; and acts
 * taken back, for those of their rules that nobody decided about since.
 *
 * What a person was shown is what is done: the question names the number of rules that the page counted, and another
 * number is refused. How many hits rules will make is guessed from what they made: in the last days while they ran,
 * else in the newest hunt for their present text. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/rule_step.h"

#include <stdlib.h>

#define GROUPS_MAX  (2 * DESK_RULE_PACKS_MAX + 2)
#define LEVELS      (DESK_CRITICAL + 1)
#define STATES      (DESK_RULE_OFF + 1)
#define GROUP_FILES STR(":files")  /* rules of the folders that the configuration names; no pack is called so */
#define GROUP_OWN   STR(":people") /* those that people wrote here */
#define DAYS        30             /* whose hits are looked at */
#define HUNTS       50             /* the newest ended ones that are looked at */
#define ACTS_SHOWN  20
#define LOUD_SHOWN  10
#define DAY_NS      (DAY_S * SECOND_NS)

static struct str group_of(const struct desk_rule *rule, struct str *ret_version)
{
    struct str name;
    rule_pack_of(rule->path, &name, ret_version);
    if (name.n)
        return name;
    return str_starts(rule->path, STR("desk:")) ? GROUP_OWN : GROUP_FILES;
}

/* What a step may take: it has an id, and a state of its own. */
static bool is_one(const struct rule_entry *entry)
{
    return entry->row != 0 && entry->rule->kind != DESK_RULE_FILTER;
}

/* ---- the matrix ---- */

struct group {
    struct str name, version;
    int64_t count[LEVELS][STATES];
};

struct groups {
    struct group *row;
    size_t count;
};

static struct group *group_find(struct groups *groups, const struct desk_rule *rule)
{
    struct str version;
    struct str name = group_of(rule, &version);
    for (size_t i = groups->count; i > 0; i--)
        if (str_eq(groups->row[i - 1].name, name))
            return &groups->row[i - 1];
    if (groups->count == GROUPS_MAX)
        return NULL; /* its rules are counted nowhere, and stand in the list of rules */
    groups->row[groups->count] = (struct group){.name = name, .version = version};
    return &groups->row[groups->count++];
}

static void levels_put(struct buf *out, const struct group *group)
{
    json_write_key(out, "levels");
    json_write_array(out);
    for (size_t level = LEVELS; level > 0; level--) {
        const int64_t *count = group->count[level - 1];
        json_write_object(out);
        json_put_text(out, "level", desk_level_name((int64_t)level - 1));
        for (enum desk_rule_state state = 0; state < STATES; state++)
            json_put_int(out, rulebook_state_name(state), count[state]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void groups_put(struct ask *ask)
{
    const struct rulebook *book = ask->desk->rulebook;
    struct groups groups = {.row = arena_alloc_array(ask->arena, GROUPS_MAX, sizeof *groups.row)};
    if (!groups.row) {
        ask_refuse(ask, "too_large", "no memory for the packs");
        return;
    }
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        struct group *group = is_one(entry) ? group_find(&groups, entry->rule) : NULL;
        if (group)
            group->count[rule_entry_level(entry)][entry->state]++;
    }
    json_write_key(ask->out, "packs");
    json_write_array(ask->out);
    for (size_t i = 0; i < groups.count; i++) {
        json_write_object(ask->out);
        json_put_str(ask->out, "pack", desk_cut(groups.row[i].name, DESK_NAME_MAX));
        json_put_str(ask->out, "version", desk_cut(groups.row[i].version, DESK_NAME_MAX));
        levels_put(ask->out, &groups.row[i]);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* ---- acts ---- */

/* Columns of an act, in this order everywhere. */
#define ACT_COLUMNS "id, time_ns, who, pack, level, state, rules, reason, undoes, undone"

static void act_put(struct buf *out, struct db_query *q)
{
    json_put_int(out, "id", db_i64(q));
    json_put_int(out, "time_ns", db_i64(q));
    json_put_str(out, "who", db_text(q));
    json_put_str(out, "pack", db_text(q));
    json_put_str(out, "level", db_text(q));
    int64_t state = db_i64(q);
    json_put_text(out, "state", state < 0 ? "" : rulebook_state_name((enum desk_rule_state)state));
    json_put_int(out, "rules", db_i64(q));
    json_put_str(out, "reason", desk_cut(db_text(q), DESK_EVENT_MAX));
    json_put_int(out, "undoes", db_i64(q));
    json_put_int(out, "undone", db_i64(q));
}

static void acts_put(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT " ACT_COLUMNS " FROM rule_act ORDER BY id DESC LIMIT ?1");
    db_put_i64(&q, ACTS_SHOWN);
    json_write_key(ask->out, "acts");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        act_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* ---- what is chosen ---- */

struct chosen {
    struct rule_step step;
    enum desk_level level;
    enum desk_rule_state to;
    bool from[STATES];
    int64_t changed; /* rules of an act that somebody decided about since */
    int64_t gone;    /* rules of an act that are not loaded */
};

/* Member "from": names of states with commas, any but the one to which they go. */
static void from_read(struct ask *ask, struct chosen *c)
{
    struct str rest = ask_str(ask, "from");
    c->step.from = rest;
    if (rest.n == 0)
        ask_invalid(ask, "from", "say from which states");
    while (rest.n) {
        enum desk_rule_state state;
        if (!rulebook_state_find(str_cut(&rest, ','), &state) || state == c->to) {
            ask_invalid(ask, "from", "the states are draft, test, active or off, and not the new one");
            return;
        }
        c->from[state] = true;
    }
}

static bool entry_fits(const struct chosen *c, const struct rule_entry *entry)
{
    struct str version;
    return is_one(entry) && rule_entry_level(entry) == c->level && c->from[entry->state] &&
           (c->step.pack.n == 0 || str_eq(group_of(entry->rule, &version), c->step.pack));
}

static bool moves_room(struct ask *ask, struct chosen *c)
{
    c->step.move = arena_alloc_array(ask->arena, ask->desk->rulebook->now.count + 1, sizeof *c->step.move);
    if (!c->step.move)
        ask_refuse(ask, "too_large", "no memory for the rules");
    return c->step.move != NULL;
}

static bool level_choose(struct ask *ask, struct chosen *c)
{
    const struct rulebook *book = ask->desk->rulebook;
    if (!level_find(ask_str(ask, "level"), &c->level))
        ask_invalid(ask, "level", "no such level");
    else if (!rulebook_state_find(ask_str(ask, "state"), &c->to))
        ask_invalid(ask, "state", "the state is draft, test, active or off");
    c->step.event = "rules.switched";
    c->step.pack = ask_str(ask, "pack");
    c->step.level = desk_level_name((int64_t)c->level);
    from_read(ask, c);
    if (ask->error || !moves_room(ask, c))
        return false;
    for (size_t i = 0; i < book->now.count; i++)
        if (entry_fits(c, &book->entry[i]))
            c->step.move[c->step.count++] = (struct rule_move){&book->entry[i], c->to};
    return true;
}

static int by_state(const void *a, const void *b)
{
    const struct rule_move *left = a;
    const struct rule_move *right = b;
    if (left->to != right->to)
        return left->to < right->to ? -1 : 1;
    return left->entry < right->entry ? -1 : left->entry > right->entry;
}

/* The rules of an act, each to the state in which the act found it, unless it was decided about since. */
static void act_moves(struct ask *ask, struct chosen *c)
{
    const struct rulebook *book = ask->desk->rulebook;
    struct db_query q =
        db_query(ask->desk->db, "SELECT r.rule_id, h.was_state, EXISTS (SELECT 1 FROM rule_history n"
                                " WHERE n.rule = h.rule AND n.id > h.id) FROM rule_history h JOIN rule r"
                                " ON r.id = h.rule WHERE h.act = ?1 ORDER BY h.id");
    db_put_i64(&q, c->step.undoes);
    while (db_next(&q)) {
        struct rule_entry *entry = rule_entry_of(book, db_text(&q));
        int64_t to = db_i64(&q);
        bool since = db_i64(&q) != 0;
        ASSERT(to >= 0 && to < STATES);
        c->gone += !entry;
        c->changed += entry && since;
        if (entry && !since && c->step.count < book->now.count)
            c->step.move[c->step.count++] = (struct rule_move){entry, (enum desk_rule_state)to};
    }
    if (c->step.count > 1)
        qsort(c->step.move, c->step.count, sizeof *c->step.move, by_state);
}

static bool act_choose(struct ask *ask, struct chosen *c)
{
    struct db_query q = db_query(ask->desk->db, "SELECT undone, pack, level FROM rule_act WHERE id = ?1");
    c->step.undoes = ask_int(ask, "act");
    db_put_i64(&q, c->step.undoes);
    bool found = db_next(&q);
    bool undone = found && db_i64(&q) != 0;
    c->step.event = "rules.restored";
    if (found) {
        enum desk_level level;
        c->step.pack = db_text_copy(&q, ask->arena);
        c->step.level = level_find(db_text(&q), &level) ? desk_level_name((int64_t)level) : NULL;
    }
    db_query_end(&q);
    if (!found)
        ask_refuse(ask, "not_found", "no such act is kept");
    else if (undone)
        ask_refuse(ask, "act_undone", "the act was taken back before");
    if (ask->error || !moves_room(ask, c))
        return false;
    act_moves(ask, c);
    return true;
}

/* ---- what it would change ---- */

/* One rule's hits, in thousandths a day. */
struct guess {
    const struct rule_entry *entry;
    int64_t milli;
    enum { GUESS_NONE, GUESS_HUNT, GUESS_MEASURED } by;
};

static int by_row(const void *a, const void *b)
{
    const struct guess *left = a;
    const struct guess *right = b;
    return left->entry->row < right->entry->row ? -1 : left->entry->row > right->entry->row;
}

static int by_hits(const void *a, const void *b)
{
    const struct guess *left = a;
    const struct guess *right = b;
    if (left->milli != right->milli)
        return left->milli > right->milli ? -1 : 1;
    return str_compare(left->entry->rule->title, right->entry->rule->title);
}

/* The place of a row, as rows of both rise; NULL: it is none of them. */
static struct guess *guess_at(struct guess *guess, size_t count, size_t *at, int64_t row)
{
    while (*at < count && guess[*at].entry->row < row)
        ++*at;
    return *at < count && guess[*at].entry->row == row ? &guess[*at] : NULL;
}

/* A time that is shorter than a day says nothing about a day. */
static int64_t milli_a_day(int64_t hits, int64_t ns)
{
    int64_t hours = MAX(ns, DAY_NS) / (HOUR_S * SECOND_NS);
    return hits > INT64_MAX / 24000 ? INT64_MAX / 24000 : hits * 24000 / hours;
}

static void guess_from_hunts(struct ask *ask, struct guess *guess, size_t count)
{
    /* lists 1: it looked for what was new in lists alone */
    struct db_query q =
        db_query(ask->desk->db, "SELECT x.rule, x.hash, x.hits, h.from_ns, h.to_ns, h.began_ns FROM hunt_rule x"
                                " JOIN hunt h ON h.id = x.hunt WHERE h.id IN (SELECT id FROM hunt WHERE state = 2"
                                " AND lists <> 1 AND from_ns > 0 ORDER BY id DESC LIMIT ?1) ORDER BY x.rule, h.id");
    size_t at = 0;
    db_put_i64(&q, HUNTS);
    while (db_next(&q)) {
        struct guess *g = guess_at(guess, count, &at, db_i64(&q));
        uint64_t hash = (uint64_t)db_i64(&q);
        int64_t hits = db_i64(&q);
        int64_t from_ns = db_i64(&q); /* not within MAX, which would read two columns */
        int64_t to_ns = db_i64(&q);
        int64_t began_ns = db_i64(&q);
        if (!g || g->entry->rule->hash != hash)
            continue;
        from_ns = MAX(from_ns, ask->desk->rulebook->first_ns);
        g->milli = milli_a_day(hits, (to_ns ? MIN(to_ns, began_ns) : began_ns) - from_ns);
        g->by = GUESS_HUNT;
    }
}

/* Counted since the rule runs as it is, or since the first of its hits in these days. */
static void guess_from_days(struct ask *ask, struct guess *guess, size_t count)
{
    int64_t first_day = ask->now_ns / DAY_NS - DAYS + 1;
    struct db_query q = db_query(ask->desk->db, "SELECT rule, sum(hits), min(day) FROM rule_day WHERE day >= ?1"
                                                " GROUP BY rule ORDER BY rule");
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        if (rule_entry_runs(guess[i].entry) && ask->now_ns - guess[i].entry->since_ns >= DAY_NS)
            guess[i] = (struct guess){.entry = guess[i].entry, .by = GUESS_MEASURED};
    db_put_i64(&q, first_day);
    while (db_next(&q)) {
        struct guess *g = guess_at(guess, count, &at, db_i64(&q));
        int64_t hits = db_i64(&q);
        int64_t from_ns = db_i64(&q) * DAY_NS;
        if (!g)
            continue;
        if (rule_entry_runs(g->entry) && g->entry->since_ns > 0)
            from_ns = MIN(from_ns, MAX(g->entry->since_ns, first_day * DAY_NS));
        g->milli = milli_a_day(hits, ask->now_ns - from_ns);
        g->by = GUESS_MEASURED;
    }
}

static void loud_put(struct ask *ask, const struct guess *guess, size_t count)
{
    json_write_key(ask->out, "loud");
    json_write_array(ask->out);
    for (size_t i = 0; i < MIN(count, (size_t)LOUD_SHOWN) && guess[i].milli > 0; i++) {
        const struct desk_rule *rule = guess[i].entry->rule;
        json_write_object(ask->out);
        json_put_str(ask->out, "id", rule->id);
        json_put_str(ask->out, "title", desk_cut(rule->title, DESK_NAME_MAX));
        json_put_text(ask->out, "state", rulebook_state_name(guess[i].entry->state));
        json_put_int(ask->out, "milli", guess[i].milli);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* Of the rules that will run. */
static void guess_put(struct ask *ask, const struct chosen *c)
{
    struct guess *guess = arena_alloc_array(ask->arena, c->step.count + 1, sizeof *guess);
    size_t count = 0;
    int64_t milli = 0;
    int64_t by[GUESS_MEASURED + 1] = {0};
    if (!guess) {
        ask_refuse(ask, "too_large", "no memory for the rules");
        return;
    }
    for (size_t i = 0; i < c->step.count; i++)
        if (c->step.move[i].to == DESK_RULE_ACTIVE || c->step.move[i].to == DESK_RULE_TEST)
            guess[count++] = (struct guess){.entry = c->step.move[i].entry};
    if (count > 1)
        qsort(guess, count, sizeof *guess, by_row);
    guess_from_hunts(ask, guess, count);
    guess_from_days(ask, guess, count);
    for (size_t i = 0; i < count; i++) {
        milli = MIN(milli, INT64_MAX / 2) + MIN(guess[i].milli, INT64_MAX / 4);
        by[guess[i].by]++;
    }
    if (count > 1)
        qsort(guess, count, sizeof *guess, by_hits);
    json_put_int(ask->out, "milli", milli);
    json_put_int(ask->out, "measured", by[GUESS_MEASURED]);
    json_put_int(ask->out, "hunted", by[GUESS_HUNT]);
    json_put_int(ask->out, "unknown", by[GUESS_NONE]);
    loud_put(ask, guess, count);
}

static void chosen_put(struct ask *ask, const struct chosen *c)
{
    int64_t begin = 0, end = 0, alarms = 0, cannot = 0;
    int64_t to[STATES] = {0};
    for (size_t i = 0; i < c->step.count; i++) {
        const struct rule_entry *entry = c->step.move[i].entry;
        enum desk_rule_state state = c->step.move[i].to;
        bool runs = state == DESK_RULE_ACTIVE || state == DESK_RULE_TEST;
        begin += runs && !rule_entry_runs(entry);
        end += !runs && rule_entry_runs(entry);
        alarms += state == DESK_RULE_ACTIVE && rule_entry_level(entry) >= ask->desk->threshold;
        cannot += runs && entry->cannot != REACH_HOLDS;
        to[state]++;
    }
    json_put_u64(ask->out, "count", c->step.count);
    json_put_int(ask->out, "begin", begin);
    json_put_int(ask->out, "end", end);
    json_put_int(ask->out, "alarms", alarms);
    json_put_int(ask->out, "cannot", cannot);
    json_put_int(ask->out, "changed", c->changed);
    json_put_int(ask->out, "gone", c->gone);
    json_write_key(ask->out, "to");
    json_write_object(ask->out);
    for (enum desk_rule_state state = 0; state < STATES; state++)
        json_put_int(ask->out, rulebook_state_name(state), to[state]);
    json_write_object_end(ask->out);
    guess_put(ask, c);
}

/* ---- the questions ---- */

/* "level", "pack", "from", "state", or "act": what the step would change, or taking that act back. */
void ask_rule_levels(struct ask *ask)
{
    struct chosen c = {.step.pack = STR("")};
    bool of_act = ask_int(ask, "act") > 0;
    bool of_level = !of_act && ask_str(ask, "level").n > 0;
    if ((of_act && !act_choose(ask, &c)) || (of_level && !level_choose(ask, &c)))
        return;
    rulebook_reach(ask->desk->rulebook, ask->now_ns);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    json_put_int(ask->out, "days", DAYS);
    groups_put(ask);
    acts_put(ask);
    if (ask->error || (!of_act && !of_level))
        return;
    json_write_key(ask->out, "choice");
    json_write_object(ask->out);
    chosen_put(ask, &c);
    json_write_object_end(ask->out);
}

/* "expected": how many rules who asks was shown; left out, it is not looked at. */
static void chosen_take(struct ask *ask, struct chosen *c)
{
    int64_t expected = json_int(json_get(ask->question, "expected"), (int64_t)c->step.count);
    c->step.reason = rule_reason(ask);
    if (expected != (int64_t)c->step.count)
        ask_refuse(ask, "rules_changed", "the rules that it takes are others now");
    if (ask->error)
        return;
    json_put_u64(ask->out, "changed", c->step.count);
    if (c->step.count == 0)
        return;
    rule_step_act(ask, &c->step);
    json_put_int(ask->out, "act", c->step.act);
}

void ask_rule_switch(struct ask *ask)
{
    struct chosen c = {.changed = 0};
    if (level_choose(ask, &c))
        chosen_take(ask, &c);
}

void ask_rule_restore(struct ask *ask)
{
    struct chosen c = {.changed = 0};
    if (act_choose(ask, &c))
        chosen_take(ask, &c);
}
