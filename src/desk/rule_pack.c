/* rule_pack.c - packs of rules: what is known of them, that their new rules begin as drafts, and how many drafts are
 * switched on in one step.
 *
 *   new ──► draft ──► test ──► active      a rule of a pack, or one that a person wrote, is drafted when it is loaded
 *             └───────────────► active     for the first time: nobody decided that it runs here
 *
 * Many are drafted, and switched on, in one step (rule_step.c). */
#include "base/assert.h"
#include "desk/rule_step.h"

#include <string.h>

#define PACK_MEMORY   ((size_t)1 << 20)
#define PACKS_SHOWN   (2 * DESK_RULE_PACKS_MAX)
#define LEVELS        (DESK_CRITICAL + 1)
#define META_PREFIX   "pack."
#define META_MAX      256u
#define PREFIX_PACK   "pack:"
#define PREFIX_PERSON "desk:rule/"

/* Which drafts a step takes by their authors' word. */
enum maturity { MATURITY_STABLE, MATURITY_TEST, MATURITY_ANY, MATURITIES };
static const char *const maturity_names[] = {"stable", "test", "any"};

static enum maturity maturity_of(const struct desk_rule *rule)
{
    return str_is(rule->status, "stable") ? MATURITY_STABLE
           : str_is(rule->status, "test") ? MATURITY_TEST
                                          : MATURITY_ANY;
}

/* "pack:NAME/VERSION/...": both empty when it is no pack's. */
void rule_pack_of(struct str path, struct str *ret_name, struct str *ret_version)
{
    *ret_name = *ret_version = STR("");
    if (!str_starts(path, STR(PREFIX_PACK)))
        return;
    struct str rest = str_skip(path, strlen(PREFIX_PACK));
    *ret_name = str_cut(&rest, '/');
    *ret_version = str_cut(&rest, '/');
}

static bool is_of_pack(const struct desk_rule *rule, struct str pack)
{
    struct str name;
    struct str version;
    rule_pack_of(rule->path, &name, &version);
    return name.n && str_eq(name, pack);
}

/* ---- new rules ---- */

static bool is_known(struct desk *desk, const struct rule_entry *entry)
{
    struct db_query q = db_query(desk->db, "SELECT EXISTS (SELECT 1 FROM rule_file WHERE name = ?1)"
                                           " OR EXISTS (SELECT 1 FROM rule_state WHERE rule = ?2)");
    db_put_text(&q, entry->rule->id);
    db_put_i64(&q, entry->row);
    return db_one_i64(&q, 1) != 0;
}

/* Of a rule that a person wrote: who did, and why. */
static void person_of(const struct desk *desk, struct str path, struct rule_step *step)
{
    struct desk_rule_text text;
    struct str name = str_skip(path, strlen(PREFIX_PERSON));
    size_t at = 0;
    while (desk_rule_text_next(desk, &at, &text))
        if (str_is(text.kind, "rule") && str_eq(text.name, name)) {
            step->who = arena_str(desk->scratch, text.who);
            step->reason = arena_str(desk->scratch, text.reason);
            return;
        }
}

static void person_draft(struct desk *desk, struct rule_entry *entry, int64_t now_ns)
{
    struct rule_step step = {.who = STR("qorgan")};
    person_of(desk, entry->rule->path, &step);
    const struct rule_decision to = {.state = DESK_RULE_DRAFT, .level = RULE_LEVEL_OWN, .reason = step.reason};
    struct buf *body = desk_record_begin(desk, "rule.changed", step.who, now_ns);
    json_put_str(body, "rule_id", entry->rule->id);
    json_put_str(body, "title", desk_cut(entry->rule->title, DESK_NAME_MAX));
    json_put_text(body, "state", rulebook_state_name(DESK_RULE_DRAFT));
    json_put_text(body, "level", desk_level_name(entry->rule->level));
    rule_decision_store(desk, entry, &to, step.who, now_ns, desk_record_end(desk, 0, to.reason));
}

/* The new rules of one pack, which stand side by side. */
static void pack_draft(struct desk *desk, struct rule_move *move, size_t count, int64_t now_ns)
{
    struct rule_step step = {.event = "rules.drafted", .who = STR("import"), .move = move, .count = count};
    struct buf reason;
    char storage[META_MAX];
    rule_pack_of(move[0].entry->rule->path, &step.pack, &step.version);
    buf_init_fixed(&reason, storage, sizeof storage);
    buf_format(&reason, "pack %.*s %.*s", STR_ARG(desk_cut(step.pack, 100)), STR_ARG(desk_cut(step.version, 100)));
    step.reason = buf_view(&reason);
    rule_step_take(desk, &step, now_ns);
}

void rule_drafts_begin(struct desk *desk, struct rulebook *fresh, int64_t now_ns)
{
    size_t count = 0;
    struct rule_move *move = arena_alloc_array(desk->scratch, fresh->now.count + 1, sizeof *move);
    if (!move) {
        db_fail(desk->db, RC_LIMIT, "out of memory for new rules");
        return;
    }
    for (size_t i = 0; i < fresh->now.count; i++) {
        struct rule_entry *e = &fresh->entry[i];
        bool person = str_starts(e->rule->path, STR(PREFIX_PERSON));
        if ((!person && !str_starts(e->rule->path, STR(PREFIX_PACK))) || e->row == 0 ||
            e->rule->kind == DESK_RULE_FILTER || is_known(desk, e))
            continue;
        e->state = DESK_RULE_DRAFT; /* it never was another */
        e->level = RULE_LEVEL_OWN;
        if (person)
            person_draft(desk, e, now_ns);
        else
            move[count++] = (struct rule_move){e, DESK_RULE_DRAFT};
    }
    for (size_t from = 0, to; from < count; from = to) {
        struct str name;
        struct str version;
        rule_pack_of(move[from].entry->rule->path, &name, &version);
        for (to = from + 1; to < count && is_of_pack(move[to].entry->rule, name); to++)
            ;
        pack_draft(desk, move + from, to - from, now_ns);
    }
}

/* ---- drafts switched on ---- */

static bool step_read(struct ask *ask, struct rule_step *step, enum desk_rule_state *ret_to, enum desk_level *ret_level,
                      enum maturity *ret_maturity)
{
    struct str level = ask_str(ask, "level");
    struct str status = ask_str(ask, "status");
    struct str state = ask_str(ask, "state");
    size_t maturity = 0;
    while (maturity < MATURITIES && !str_is(status, maturity_names[maturity]))
        maturity++;
    if (!level_find(level, ret_level))
        ask_invalid(ask, "level", "no such level");
    else if (maturity == MATURITIES)
        ask_invalid(ask, "status", "the status is stable, test or any");
    else if (!rulebook_state_find(state, ret_to) || (*ret_to != DESK_RULE_TEST && *ret_to != DESK_RULE_ACTIVE))
        ask_invalid(ask, "state", "the state is test or active");
    step->reason = rule_reason(ask);
    step->level = desk_level_name(*ret_level);
    *ret_maturity = (enum maturity)maturity;
    step->status = ask->error ? "" : maturity_names[maturity];
    return !ask->error;
}

/* A status takes what its author trusts more, too. */
static bool draft_fits(const struct rule_entry *entry, struct str pack, enum desk_level level, enum maturity maturity)
{
    return entry->row && entry->state == DESK_RULE_DRAFT && entry->rule->kind != DESK_RULE_FILTER &&
           rule_entry_level(entry) >= level && maturity_of(entry->rule) <= maturity && is_of_pack(entry->rule, pack);
}

void ask_rule_activate(struct ask *ask)
{
    struct rulebook *book = ask->desk->rulebook;
    struct rule_step step = {.event = "rules.activated", .pack = ask_str(ask, "pack")};
    enum desk_rule_state to = DESK_RULE_TEST;
    enum desk_level level = DESK_INFORMATIONAL;
    enum maturity maturity = MATURITY_STABLE;
    bool known = false;
    step.move = arena_alloc_array(ask->arena, book->now.count + 1, sizeof *step.move);
    if (!step.move) {
        ask_refuse(ask, "too_large", "no memory for the rules");
        return;
    }
    for (size_t i = 0; i < book->now.count; i++)
        known = known || is_of_pack(book->entry[i].rule, step.pack);
    if (!known) {
        ask_refuse(ask, "not_found", "no rule of such a pack is loaded");
        return;
    }
    if (!step_read(ask, &step, &to, &level, &maturity))
        return;
    for (size_t i = 0; i < book->now.count; i++)
        if (draft_fits(&book->entry[i], step.pack, level, maturity))
            step.move[step.count++] = (struct rule_move){&book->entry[i], to};
    json_put_u64(ask->out, "changed", step.count);
    if (step.count == 0)
        return;
    rule_pack_of(step.move[0].entry->rule->path, &step.pack, &step.version);
    rule_step_act(ask, &step);
}

/* ---- the list ---- */

struct shown {
    struct str name, version;
    const struct desk_rule_pack *facts;
    int64_t rules, refused;
    int64_t states[DESK_RULE_OFF + 1];
    int64_t drafts[LEVELS][MATURITIES];
};

struct listing {
    struct shown *row;
    size_t count;
};

/* NULL past the room: one of so many packs is left out, and its rules stand in the list of rules. */
static struct shown *shown_of(struct listing *list, struct str path)
{
    struct str name;
    struct str version;
    rule_pack_of(path, &name, &version);
    if (name.n == 0)
        return NULL;
    for (size_t i = list->count; i > 0; i--)
        if (str_eq(list->row[i - 1].name, name))
            return &list->row[i - 1];
    if (list->count == PACKS_SHOWN)
        return NULL;
    list->row[list->count] = (struct shown){.name = name, .version = version};
    return &list->row[list->count++];
}

/* One of which no version is loaded yet. */
static void waiting_fill(const struct desk_rule_pack *pack, struct listing *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->row[i].name, pack->name))
            return;
    if (list->count < PACKS_SHOWN)
        list->row[list->count++] = (struct shown){.name = pack->name, .version = STR("")};
}

static void listing_fill(const struct rulebook *book, struct listing *list)
{
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        struct shown *shown = shown_of(list, entry->rule->path);
        if (!shown || entry->rule->kind == DESK_RULE_FILTER)
            continue;
        shown->rules++;
        shown->states[entry->state]++;
        if (entry->state == DESK_RULE_DRAFT)
            shown->drafts[rule_entry_level(entry)][maturity_of(entry->rule)]++;
    }
    for (size_t i = 0; i < book->now.outcome_count; i++) {
        const struct desk_rule_outcome *outcome = &book->now.outcome[i];
        struct shown *shown = outcome->loaded ? NULL : shown_of(list, outcome->path);
        if (shown)
            shown->refused++;
    }
    for (size_t i = 0; i < book->pack_count; i++)
        if (book->pack[i].waits)
            waiting_fill(&book->pack[i], list);
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < book->pack_count; k++)
            if (!book->pack[k].waits && str_eq(book->pack[k].name, list->row[i].name))
                list->row[i].facts = &book->pack[k];
}

static void facts_put(struct buf *out, const struct shown *shown)
{
    static const struct desk_rule_pack none = {0};
    const struct desk_rule_pack *facts = shown->facts ? shown->facts : &none;
    json_put_str(out, "name", desk_cut(shown->name, DESK_NAME_MAX));
    json_put_str(out, "version", desk_cut(facts->version.n ? facts->version : shown->version, DESK_NAME_MAX));
    json_put_str(out, "source", facts->source);
    json_put_str(out, "licence", facts->licence);
    json_put_text(out, "signature", facts->signer.n ? "verified" : facts->has_note ? "unverified" : "none");
    json_put_str(out, "signer", facts->signer);
    json_put_int(out, "imported_ns", facts->imported_ns);
    json_put_u64(out, "files", facts->files);
    json_put_str(out, "digest", facts->digest);
}

static void shown_put(struct ask *ask, const struct shown *shown)
{
    struct buf *out = ask->out;
    json_write_object(out);
    facts_put(out, shown);
    json_put_int(out, "rules", shown->rules);
    json_put_int(out, "refused", shown->refused);
    for (enum desk_rule_state state = 0; state <= DESK_RULE_OFF; state++)
        json_put_int(out, rulebook_state_name(state), shown->states[state]);
    json_write_key(out, "drafts");
    json_write_array(out);
    for (size_t level = LEVELS; level > 0; level--) {
        const int64_t *counts = shown->drafts[level - 1];
        if (counts[MATURITY_STABLE] + counts[MATURITY_TEST] + counts[MATURITY_ANY] == 0)
            continue;
        json_write_object(out);
        json_put_text(out, "level", desk_level_name((int64_t)level - 1));
        json_put_int(out, "stable", counts[MATURITY_STABLE]);
        json_put_int(out, "test", counts[MATURITY_TEST]);
        json_put_int(out, "other", counts[MATURITY_ANY]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    hunt_waiting_put(ask, shown->name);
    json_write_object_end(out);
}

void ask_rule_packs(struct ask *ask)
{
    const struct rulebook *book = ask->desk->rulebook;
    struct listing list = {.row = arena_alloc_array(ask->arena, PACKS_SHOWN, sizeof *list.row)};
    if (!list.row) {
        ask_refuse(ask, "too_large", "no memory for the packs");
        return;
    }
    listing_fill(book, &list);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    json_put_int(ask->out, "days", DESK_HUNT_NS / (INT64_C(86400) * 1000000000));
    json_write_key(ask->out, "packs");
    json_write_array(ask->out);
    for (size_t i = 0; i < list.count; i++)
        shown_put(ask, &list.row[i]);
    json_write_array_end(ask->out);
}

/* ---- what is known of them ---- */

static bool packs_copy(struct rulebook *book, const struct desk_rule_pack *packs, size_t count, struct arena *arena)
{
    struct desk_rule_pack *copy = arena_alloc_array(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count && copy; i++) {
        copy[i] = packs[i];
        struct str *const texts[] = {&copy[i].name,    &copy[i].version, &copy[i].source,
                                     &copy[i].licence, &copy[i].signer,  &copy[i].digest};
        for (size_t t = 0; t < ARRAY_LEN(texts); t++)
            *texts[t] = arena_str(arena, *texts[t]);
    }
    if (!copy || arena_spent(arena))
        return false;
    book->pack = copy;
    book->pack_count = count;
    return true;
}

/* What a pack was when it was told last: "VERSION DIGEST". */
static struct str meta_read(struct desk *desk, struct str key)
{
    struct str value = STR("");
    struct db_query q = db_query(desk->db, "SELECT value FROM meta WHERE key = ?1");
    db_put_text(&q, key);
    if (db_next(&q))
        value = db_text_copy(&q, desk->scratch);
    db_query_end(&q);
    return value;
}

static void pack_tell(struct desk *desk, const struct desk_rule_pack *pack, int64_t now_ns)
{
    char key_storage[META_MAX];
    char value_storage[META_MAX];
    struct buf key;
    struct buf value;
    buf_init_fixed(&key, key_storage, sizeof key_storage);
    buf_format(&key, META_PREFIX "%.*s", STR_ARG(desk_cut(pack->name, 100)));
    buf_init_fixed(&value, value_storage, sizeof value_storage);
    buf_format(&value, "%.*s %.*s", STR_ARG(desk_cut(pack->version, 100)), STR_ARG(desk_cut(pack->digest, 100)));
    struct str was = meta_read(desk, buf_view(&key));
    if (str_eq(was, buf_view(&value)))
        return;
    struct db_query q = db_query(desk->db, "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                                           " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    db_put_text(&q, buf_view(&key));
    db_put_text(&q, buf_view(&value));
    db_run(&q);
    struct buf *body = desk_record_begin(desk, "rules.pack", STR("import"), now_ns);
    json_put_str(body, "pack", pack->name);
    json_put_str(body, "version", pack->version);
    json_put_str(body, "was_version", str_slice(was, 0, str_find(was, ' ')));
    json_put_str(body, "source", pack->source);
    json_put_str(body, "licence", pack->licence);
    json_put_str(body, "signer", pack->signer);
    json_put_u64(body, "files", pack->files);
    json_put_str(body, "digest", pack->digest);
    desk_record_end(desk, 0, STR_NONE);
}

/* Those that are here no more. */
static void gone_tell(struct desk *desk, const struct desk_rule_pack *packs, size_t count, int64_t now_ns)
{
    struct str gone[DESK_RULE_PACKS_MAX][2];
    size_t gone_count = 0;
    struct db_query q = db_query(desk->db, "SELECT key, value FROM meta WHERE substr(key, 1, 5) = '" META_PREFIX "'");
    while (db_next(&q)) {
        struct str key = db_text_copy(&q, desk->scratch);
        struct str value = db_text_copy(&q, desk->scratch);
        bool here = false;
        for (size_t i = 0; i < count; i++)
            here =
                here || (!packs[i].waits && str_eq(desk_cut(packs[i].name, 100), str_skip(key, strlen(META_PREFIX))));
        if (!here && gone_count < DESK_RULE_PACKS_MAX) {
            gone[gone_count][0] = key;
            gone[gone_count++][1] = value;
        }
    }
    for (size_t i = 0; i < gone_count; i++) {
        q = db_query(desk->db, "DELETE FROM meta WHERE key = ?1");
        db_put_text(&q, gone[i][0]);
        db_run(&q);
        struct buf *body = desk_record_begin(desk, "rules.pack", STR("import"), now_ns);
        json_put_str(body, "pack", str_skip(gone[i][0], strlen(META_PREFIX)));
        json_put_text(body, "version", "");
        json_put_str(body, "was_version", str_slice(gone[i][1], 0, str_find(gone[i][1], ' ')));
        desk_record_end(desk, 0, STR_NONE);
    }
}

enum rc desk_set_rule_packs(struct desk *desk, const struct desk_rule_pack *packs, size_t count, int64_t now_ns,
                            struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct rulebook *book = desk->rulebook;
    struct rulebook next = *book;
    struct arena *arena = arena_new(PACK_MEMORY);
    count = MIN(count, 2 * (size_t)DESK_RULE_PACKS_MAX);
    if (!arena || !packs_copy(&next, packs, count, arena)) {
        arena_free(arena);
        return err_set(err, RC_LIMIT, "out of memory for what is known of packs");
    }
    enum rc rc = desk_begin(desk, err);
    if (rc == RC_OK) {
        for (size_t i = 0; i < count; i++)
            if (!next.pack[i].waits)
                pack_tell(desk, &next.pack[i], now_ns);
        gone_tell(desk, next.pack, count, now_ns);
        rc = desk_end(desk, true, err);
    }
    if (rc != RC_OK) {
        arena_free(arena);
        return rc;
    }
    arena_free(book->pack_arena);
    book->pack_arena = arena;
    book->pack = next.pack;
    book->pack_count = count;
    return RC_OK;
}
