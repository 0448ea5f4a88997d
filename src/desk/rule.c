/* rule.c - which rules are loaded, and what people decided about each: its state and its level.
 *
 * What is loaded is compared with what was loaded the last time, by the hash of each document; a difference is a record
 * of the archive. A decision is a row, a row of its history and a record, in one transaction. */
#include "base/assert.h"
#include "base/bytes.h"
#include "desk/rulebook.h"

#include <stdlib.h>
#include <string.h>

#define BOOK_MEMORY  ((size_t)64 << 20)
#define SEEN_MEMORY  ((size_t)32 << 20)
#define NAMED_MAX    50 /* documents that a record of changed files names of each kind */
#define NAME_MAX_LEN 512

static const char *const state_names[] = {
    [DESK_RULE_ACTIVE] = "active",
    [DESK_RULE_TEST] = "test",
    [DESK_RULE_DRAFT] = "draft",
    [DESK_RULE_OFF] = "off",
};

const char *rulebook_state_name(enum desk_rule_state state)
{
    ASSERT(state < ARRAY_LEN(state_names));
    return state_names[state];
}

bool rulebook_state_find(struct str name, enum desk_rule_state *ret_state)
{
    for (enum desk_rule_state state = 0; state < ARRAY_LEN(state_names); state++)
        if (str_is(name, state_names[state])) {
            *ret_state = state;
            return true;
        }
    return false;
}

enum desk_level rule_entry_level(const struct rule_entry *entry)
{
    return entry->level == RULE_LEVEL_OWN ? entry->rule->level : (enum desk_level)entry->level;
}

static bool state_runs(enum desk_rule_state state)
{
    return state == DESK_RULE_ACTIVE || state == DESK_RULE_TEST;
}

bool rule_entry_runs(const struct rule_entry *entry)
{
    return state_runs(entry->state);
}

/* --- memory --- */

static void entries_done(struct rulebook *book)
{
    map_free(book->index);
    arena_free(book->arena);
    book->index = NULL;
    book->arena = NULL;
    book->entry = NULL;
}

bool rulebook_new(struct desk *desk)
{
    struct rulebook *book = memory_new(sizeof *book);
    desk->rulebook = book;
    if (!book)
        return false;
    book->version = 1;
    book->index = map_new(DESK_RULES_MAX, 1);
    book->fields = map_new(DESK_FIELDS_SEEN_MAX, 1);
    book->seen_arena = arena_new(SEEN_MEMORY);
    book->source =
        book->seen_arena ? arena_alloc_array(book->seen_arena, DESK_LOG_SOURCES_MAX, sizeof *book->source) : NULL;
    book->behind = book->seen_arena
                       ? arena_alloc_array(book->seen_arena, BEHIND_KINDS * DESK_RULES_WHO, sizeof *book->behind)
                       : NULL;
    return book->index && book->fields && book->source && book->behind;
}

void rulebook_free(struct desk *desk)
{
    if (!desk->rulebook)
        return;
    entries_done(desk->rulebook);
    map_free(desk->rulebook->fields);
    arena_free(desk->rulebook->seen_arena);
    arena_free(desk->rulebook->pack_arena);
    memory_free(desk->rulebook);
    desk->rulebook = NULL;
}

struct rule_entry *rule_entry_of(const struct rulebook *book, struct str id)
{
    const uint64_t *place = id.n ? map_get(book->index, id) : NULL;
    return place ? &book->entry[*place] : NULL;
}

/* --- decisions --- */

/* Its id, else where it stands. */
static struct str document_name(const struct desk_rule *rule, char storage[NAME_MAX_LEN])
{
    struct buf name;
    if (rule->id.n)
        return desk_cut(rule->id, NAME_MAX_LEN);
    buf_init_fixed(&name, storage, NAME_MAX_LEN);
    buf_str(&name, desk_cut(rule->path, NAME_MAX_LEN - 16));
    buf_format(&name, "#%u", rule->line);
    return buf_view(&name);
}

/* Since when the fields of each rule are looked for. One without an id has no state, and looks since it was loaded. */
static void since_read(struct desk *desk, struct rulebook *book)
{
    struct db_query q = db_query(desk->db, "SELECT name, since_ns, since_events FROM rule_file");
    while (db_next(&q)) {
        struct rule_entry *entry = rule_entry_of(book, db_text(&q));
        if (!entry)
            continue;
        entry->since_ns = db_i64(&q);
        entry->since_events = db_i64(&q);
    }
    for (size_t i = 0; i < book->now.count; i++) {
        char storage[NAME_MAX_LEN];
        struct rule_entry *entry = &book->entry[i];
        if (entry->rule->id.n)
            continue;
        q = db_query(desk->db, "SELECT since_ns, since_events FROM rule_file WHERE name = ?1");
        db_put_text(&q, document_name(entry->rule, storage));
        while (db_next(&q)) {
            entry->since_ns = db_i64(&q);
            entry->since_events = db_i64(&q);
        }
    }
}

static void decisions_read(struct desk *desk, struct rulebook *book)
{
    ASSERT(book->entry || book->now.count == 0);
    for (size_t i = 0; i < book->now.count; i++) {
        book->entry[i].state = DESK_RULE_ACTIVE;
        book->entry[i].level = RULE_LEVEL_OWN;
    }
    struct db_query q = db_query(desk->db, "SELECT r.rule_id, s.state, s.level FROM rule_state s"
                                           " JOIN rule r ON r.id = s.rule");
    while (db_next(&q)) {
        struct rule_entry *entry = rule_entry_of(book, db_text(&q));
        int64_t state = db_i64(&q);
        int64_t level = db_i64(&q);
        ASSERT(state >= 0 && state < (int64_t)ARRAY_LEN(state_names) && level >= -1 && level <= DESK_CRITICAL);
        if (!entry)
            continue;
        entry->state = (enum desk_rule_state)state;
        entry->level = level;
    }
    since_read(desk, book);
}

void rulebook_decisions(struct desk *desk)
{
    decisions_read(desk, desk->rulebook);
    desk->rulebook->stale = db_failed(desk->db);
}

uint64_t desk_rules_version(const struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->rulebook->version;
}

static struct desk_rule_standing standing_of(const struct rule_entry *entry)
{
    return (struct desk_rule_standing){entry->state, rule_entry_level(entry), entry->level != RULE_LEVEL_OWN};
}

struct desk_rule_standing desk_rule_standing(const struct desk *desk, struct str id, enum desk_level own)
{
    ASSERT(desk->magic == DESK_MAGIC);
    const struct rule_entry *entry = rule_entry_of(desk->rulebook, id);
    return entry ? standing_of(entry) : (struct desk_rule_standing){DESK_RULE_ACTIVE, own, false};
}

enum rc desk_rules_refresh(struct desk *desk, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err); /* it reads them */
    return rc == RC_OK ? desk_end(desk, true, err) : rc;
}

bool desk_rule_decided(const struct desk *desk, size_t *at, struct str *ret_id, struct desk_rule_standing *ret_standing)
{
    ASSERT(desk->magic == DESK_MAGIC);
    const struct rulebook *book = desk->rulebook;
    while (*at < book->now.count) {
        const struct rule_entry *entry = &book->entry[(*at)++];
        if (entry->state == DESK_RULE_ACTIVE && entry->level == RULE_LEVEL_OWN)
            continue;
        *ret_id = entry->rule->id;
        *ret_standing = standing_of(entry);
        return true;
    }
    return false;
}

/* --- what is loaded --- */

/* Documents by name (their id, else where they stand), to compare two loads. */
struct load_change {
    struct map *known;
    const char *kind; /* names of the record's lists */
    struct str name[NAMED_MAX];
    int64_t count;
};

static void change_add(struct desk *desk, struct load_change *change, struct str name)
{
    if (change->count < NAMED_MAX)
        change->name[change->count] = arena_str(desk->scratch, name);
    change->count++;
}

/* What was loaded the last time: name -> its hash. */
static struct map *known_read(struct desk *desk)
{
    struct map *known = map_new(DESK_RULES_MAX * 2, 1);
    struct db_query q = db_query(desk->db, "SELECT name, hash FROM rule_file");
    while (db_next(&q)) {
        struct str name = db_text(&q);
        uint64_t *hash = known ? map_put(known, name) : NULL;
        if (hash)
            *hash = (uint64_t)db_i64(&q);
    }
    if (!known)
        db_fail(desk->db, RC_LIMIT, "out of memory for the rules");
    return known;
}

static void files_store(struct desk *desk, const struct desk_rule *rule, struct str name, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "INSERT INTO rule_file (name, hash, since_ns, since_events)"
                                           " VALUES (?1, ?2, ?3, (SELECT coalesce(sum(events), 0) FROM engine_count))"
                                           " ON CONFLICT (name) DO UPDATE SET hash = excluded.hash,"
                                           " since_ns = excluded.since_ns, since_events = excluded.since_events");
    db_put_text(&q, name);
    db_put_i64(&q, (int64_t)rule->hash);
    db_put_i64(&q, now_ns);
    db_run(&q);
}

/* SHA-256 over names and hashes, then over what was refused and why: the same rules give the same. */
static void digest_make(struct desk *desk, const struct desk_rules *rules, char ret_hex[2 * TLOG_HASH_SIZE + 1])
{
    struct tlog_hash hash;
    char line[NAME_MAX_LEN + 40];
    struct buf text;
    tlog_hash_begin(desk->hasher);
    for (size_t i = 0; i < rules->count; i++) {
        char storage[NAME_MAX_LEN];
        buf_init_fixed(&text, line, sizeof line);
        buf_str(&text, document_name(&rules->rule[i], storage));
        buf_format(&text, " %016llx\n", (unsigned long long)rules->rule[i].hash);
        tlog_hash_add(desk->hasher, buf_view(&text));
    }
    for (size_t i = 0; i < rules->outcome_count; i++) {
        const struct desk_rule_outcome *outcome = &rules->outcome[i];
        if (outcome->loaded)
            continue;
        buf_init_fixed(&text, line, sizeof line);
        buf_str(&text, desk_cut(outcome->path, NAME_MAX_LEN));
        buf_format(&text, "#%u: ", outcome->line);
        tlog_hash_add(desk->hasher, buf_view(&text));
        tlog_hash_add(desk->hasher, outcome->text);
        tlog_hash_add(desk->hasher, STR("\n"));
    }
    tlog_hash_end(desk->hasher, &hash);
    ret_hex[hex_encode(hash.bytes, sizeof hash.bytes, ret_hex)] = '\0';
}

/* *ret_first: no rules were ever loaded. */
static bool digest_changed(struct desk *desk, const char *digest, bool *ret_first)
{
    struct db_query q = db_query(desk->db, "SELECT value FROM meta WHERE key = 'rules'");
    *ret_first = !db_next(&q);
    bool same = !*ret_first && str_is(db_text(&q), digest);
    db_query_end(&q);
    if (same)
        return false;
    q = db_query(desk->db, "INSERT INTO meta (key, value) VALUES ('rules', ?1)"
                           " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    db_put_text(&q, str_of(digest));
    db_run(&q);
    return true;
}

static int64_t refused_count(const struct desk_rules *rules)
{
    int64_t count = 0;
    for (size_t i = 0; i < rules->outcome_count; i++)
        count += !rules->outcome[i].loaded;
    return count;
}

static void names_put(struct buf *body, const char *key, const struct load_change *change)
{
    json_write_key(body, key);
    json_write_array(body);
    for (int64_t i = 0; i < MIN(change->count, (int64_t)NAMED_MAX); i++)
        json_write_str(body, change->name[i]);
    json_write_array_end(body);
}

/* Compares, marks what is new, stores what is loaded now, and tells the archive. */
static void changes_tell(struct desk *desk, struct rulebook *fresh, const char *digest, int64_t now_ns)
{
    const struct desk_rules *rules = &fresh->now;
    struct load_change added = {0}, changed = {0}, removed = {0};
    struct map *known = known_read(desk);
    for (size_t i = 0; i < rules->count && known; i++) {
        char storage[NAME_MAX_LEN];
        struct str name = document_name(&rules->rule[i], storage);
        const uint64_t *hash = map_get(known, name);
        if (!hash || *hash != rules->rule[i].hash) {
            change_add(desk, hash ? &changed : &added, name);
            files_store(desk, &rules->rule[i], name, now_ns);
            fresh->entry[i].fresh = true;
        }
        IGNORE(map_remove(known, name));
    }
    struct str name;
    uint64_t hash;
    for (size_t i = 0; known && i < map_end(known); i++) {
        if (!map_at(known, i, &name, &hash))
            continue;
        change_add(desk, &removed, name);
        struct db_query q = db_query(desk->db, "DELETE FROM rule_file WHERE name = ?1");
        db_put_text(&q, name);
        db_run(&q);
    }
    map_free(known);
    struct buf *body = desk_record_begin(desk, "rules.changed", STR("qorgan"), now_ns);
    json_put_u64(body, "loaded", rules->count);
    json_put_int(body, "refused", refused_count(rules));
    json_put_int(body, "added", added.count);
    json_put_int(body, "changed", changed.count);
    json_put_int(body, "removed", removed.count);
    json_put_text(body, "digest", digest);
    names_put(body, "added_ids", &added);
    names_put(body, "changed_ids", &changed);
    names_put(body, "removed_ids", &removed);
    desk_record_end(desk, 0, STR_NONE);
}

static enum rc entries_make(struct desk *desk, const struct desk_rules *rules, struct rulebook *book, struct err *err)
{
    book->now = *rules;
    book->arena = arena_new(BOOK_MEMORY);
    book->index = map_new(DESK_RULES_MAX, 1);
    book->entry = book->arena ? arena_alloc_array(book->arena, rules->count + 1, sizeof *book->entry) : NULL;
    if (!book->entry || !book->index)
        return err_set(err, RC_LIMIT, "out of memory for the rules");
    for (size_t i = 0; i < rules->count; i++) {
        const struct desk_rule *rule = &rules->rule[i];
        book->entry[i].rule = rule;
        if (rule->id.n == 0 || rule->id.n > DESK_FIELD_MAX || map_get(book->index, rule->id))
            continue;
        uint64_t *place = map_put(book->index, rule->id);
        if (!place)
            return err_set(err, RC_LIMIT, "out of memory for the rules");
        *place = i;
        book->entry[i].row = desk_rule_row(desk, rule->id);
    }
    return RC_OK;
}

enum rc desk_set_rules(struct desk *desk, const struct desk_rules *rules, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    char digest[2 * TLOG_HASH_SIZE + 1];
    struct rulebook *book = desk->rulebook;
    struct rulebook fresh = *book;
    if (rules->count > DESK_RULES_MAX)
        return err_set(err, RC_LIMIT, "more than %u rules", DESK_RULES_MAX);
    fresh.arena = NULL;
    fresh.index = NULL;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    rc = entries_make(desk, rules, &fresh, err);
    if (rc == RC_OK) {
        bool first;
        digest_make(desk, rules, digest);
        if (digest_changed(desk, digest, &first)) {
            rule_drafts_begin(desk, &fresh, now_ns);
            changes_tell(desk, &fresh, digest, now_ns);
        }
        decisions_read(desk, &fresh);
        if (!first)
            hunt_for_load(desk, &fresh, now_ns);
        rulebook_counts(desk, &fresh);
    }
    enum rc end = desk_end(desk, rc == RC_OK, rc == RC_OK ? err : NULL);
    rc = rc == RC_OK ? end : rc;
    if (rc != RC_OK) {
        entries_done(&fresh);
        return rc;
    }
    entries_done(book);
    *book = fresh;
    book->version++;
    book->seen++;
    return RC_OK;
}

/* --- a decision --- */

#define REASON_MIN 3 /* characters */

static size_t characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return count;
}

struct str rule_reason(struct ask *ask)
{
    struct str reason = str_trim(ask_str(ask, "reason"));
    if (characters(reason) < REASON_MIN)
        ask_invalid(ask, "reason", "a reason is needed");
    else if (reason.n > DESK_TEXT_MAX)
        ask_invalid(ask, "reason", "the reason is too long");
    else if (!rule_text_valid(reason))
        ask_invalid(ask, "reason", "the reason has control characters");
    return reason;
}

/* The decision as it would be; members left out stay as they are. */
static bool decision_read(struct ask *ask, const struct rule_entry *entry, struct rule_decision *ret)
{
    enum desk_level level = DESK_INFORMATIONAL;
    struct str state = ask_str(ask, "state");
    struct str level_name = ask_str(ask, "level");
    *ret = (struct rule_decision){.state = entry->state, .level = entry->level};
    if (json_get(ask->question, "state") && !rulebook_state_find(state, &ret->state))
        ask_invalid(ask, "state", "the state is draft, test, active or off");
    else if (level_name.n && !level_find(level_name, &level))
        ask_invalid(ask, "level", "no such level");
    ret->reason = rule_reason(ask);
    if (json_get(ask->question, "level"))
        ret->level = level_name.n == 0 || level == entry->rule->level ? RULE_LEVEL_OWN : (int64_t)level;
    return !ask->error;
}

static int64_t decision_tell(struct ask *ask, const struct rule_entry *entry, const struct rule_decision *to)
{
    struct buf *body = desk_record_begin(ask->desk, "rule.changed", ask->who, ask->now_ns);
    json_put_str(body, "rule_id", entry->rule->id);
    json_put_str(body, "title", desk_cut(entry->rule->title, DESK_NAME_MAX));
    json_put_text(body, "state", rulebook_state_name(to->state));
    json_put_text(body, "level", desk_level_name(to->level == RULE_LEVEL_OWN ? entry->rule->level : to->level));
    json_put_text(body, "was_state", rulebook_state_name(entry->state));
    json_put_text(body, "was_level", desk_level_name(rule_entry_level(entry)));
    json_put_text(body, "own_level", desk_level_name(entry->rule->level));
    return desk_record_end(ask->desk, 0, to->reason);
}

void rule_decision_store(struct desk *desk, const struct rule_entry *entry, const struct rule_decision *to,
                         struct str who, int64_t now_ns, int64_t outgoing)
{
    struct db *db = desk->db;
    struct db_query q = db_query(db, "INSERT INTO rule_state (rule, state, level, reason, who, changed_ns)"
                                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (rule) DO UPDATE SET"
                                     " state = excluded.state, level = excluded.level, reason = excluded.reason,"
                                     " who = excluded.who, changed_ns = excluded.changed_ns");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, to->state);
    db_put_i64(&q, to->level);
    db_put_text(&q, to->reason);
    db_put_text(&q, who);
    db_put_i64(&q, now_ns);
    db_run(&q);
    q = db_query(db,
                 "INSERT INTO rule_history (rule, time_ns, who, state, level, was_state, was_level, reason, outgoing,"
                 " act) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    db_put_i64(&q, entry->row);
    db_put_i64(&q, now_ns);
    db_put_text(&q, who);
    db_put_i64(&q, to->state);
    db_put_i64(&q, to->level == RULE_LEVEL_OWN ? (int64_t)entry->rule->level : to->level);
    db_put_i64(&q, entry->state);
    db_put_i64(&q, rule_entry_level(entry));
    db_put_text(&q, to->reason);
    db_put_i64(&q, outgoing);
    db_put_i64(&q, to->act);
    db_run(&q);
}

static void rule_since_store(struct desk *desk, const struct rule_entry *entry, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE rule_file SET since_ns = ?1, since_events ="
                                           " (SELECT coalesce(sum(events), 0) FROM engine_count)"
                                           " WHERE name = ?2");
    db_put_i64(&q, now_ns);
    db_put_text(&q, entry->rule->id);
    db_run(&q);
}

void rule_turned(struct desk *desk, const struct rule_entry *entry, enum desk_rule_state to, int64_t now_ns)
{
    if (!state_runs(to))
        return;
    if (!rule_entry_runs(entry))
        rule_since_store(desk, entry, now_ns);
    if (to != entry->state && entry->state != DESK_RULE_ACTIVE)
        hunt_for_state(desk, entry, now_ns);
}

static void decide(struct ask *ask, const struct rule_entry *entry, const struct rule_decision *to)
{
    rule_decision_store(ask->desk, entry, to, ask->who, ask->now_ns, decision_tell(ask, entry, to));
    rule_turned(ask->desk, entry, to->state, ask->now_ns);
    ask->desk->rulebook->stale = true; /* read again in the next transaction, when this one has held */
    ask->desk->rulebook->version++;    /* should it not hold, the same is told again */
}

void rule_decide(struct ask *ask, const struct rule_entry *entry, enum desk_rule_state state, struct str reason)
{
    const struct rule_decision to = {.state = state, .level = entry->level, .reason = reason};
    if (state != entry->state)
        decide(ask, entry, &to);
}

void ask_rule_save(struct ask *ask)
{
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, ask_str(ask, "id"));
    struct rule_decision to;
    if (!entry) {
        ask_refuse(ask, "not_found", "no such rule is loaded");
        return;
    }
    if (entry->rule->kind == DESK_RULE_FILTER)
        ask_invalid(ask, "id", "a filter has no state of its own");
    if (ask->error || !decision_read(ask, entry, &to))
        return;
    bool changes = to.state != entry->state || to.level != entry->level;
    json_put_text(ask->out, "state", rulebook_state_name(to.state));
    json_put_bool(ask->out, "changed", changes);
    if (changes)
        decide(ask, entry, &to);
}
