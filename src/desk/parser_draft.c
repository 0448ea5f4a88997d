/* parser_draft.c - patterns for messages that people wrote on the workbench: kept with their reason, listed, ended.
 *
 *   none ──parser.save──► stands ──parser.save of the same name──► ended, and a new version stands
 *                            └─────parser.end──────────────────────► ended
 *
 * They are drafts until one is put into use (parser_use.c), which another version that stands does not change. What the
 * service would not load is not saved: who opened the desk knows (desk_options). Each change is a record of the
 * archive. */
#include "desk/parser_draft.h"

#include "base/assert.h"
#include "desk/annex_desk.h"
#include "desk/rulebook.h"

#define DRAFTS_MAX  1000 /* that stand */
#define NAME_MAX_B  64   /* bytes, as pattern_load.c has them */
#define PATTERN_MAX 1024
#define CELL_MAX    1024
#define SAMPLE_MAX  8192
#define BYTES_MAX   (512 << 10) /* of all that stand: they are one answer, in which a byte may take six */

/* --- what is asked --- */

static bool name_is_good(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= NAME_MAX_B;
}

/* A cell of a table: one line of text without tabs. */
static struct str cell_take(struct ask *ask, const char *key, size_t most, bool wanted)
{
    struct str cell = str_trim(ask_str(ask, key));
    bool line = true;
    for (size_t i = 0; i < cell.n; i++)
        line = line && (unsigned char)cell.p[i] >= ' ';
    if (!line)
        ask_invalid(ask, key, "it is not one line, or has a tab in it");
    else if (cell.n > most)
        ask_invalid(ask, key, "it is too long");
    else if (wanted && cell.n == 0)
        ask_invalid(ask, key, "it is empty");
    return cell.n ? cell : STR("");
}

static bool outcome_is_good(struct str outcome)
{
    return outcome.n == 0 || str_is(outcome, "success") || str_is(outcome, "failure");
}

static void draft_check(struct ask *ask, const struct parser_draft *draft)
{
    const struct desk_pattern pattern = {draft->name, draft->program, draft->pattern, draft->sets};
    const char *cell = "pattern";
    struct err err = {0};
    if (!ask->desk->pattern_check || ask->desk->pattern_check(&pattern, &cell, &err) == RC_OK)
        return;
    const char *why = arena_strz(ask->arena, str_of(err.text));
    ask_invalid(ask, cell, why ? why : "it would not load");
}

static bool draft_take(struct ask *ask, struct parser_draft *draft)
{
    draft->name = cell_take(ask, "name", NAME_MAX_B, true);
    draft->program = cell_take(ask, "program", CELL_MAX, true);
    draft->pattern = cell_take(ask, "pattern", PATTERN_MAX, true);
    draft->kind = cell_take(ask, "kind", CELL_MAX, false);
    draft->outcome = cell_take(ask, "outcome", CELL_MAX, false);
    draft->sets = cell_take(ask, "set", CELL_MAX, false);
    draft->sample = desk_cut(ask_str(ask, "sample"), SAMPLE_MAX);
    if (!name_is_good(draft->name))
        ask_invalid(ask, "name", "a name has at most 64 letters, digits, _ and -");
    if (draft->kind.n && !annex_kind_find(&ask->desk->annex->table, draft->kind))
        ask_invalid(ask, "kind", "no such kind of event");
    if (!outcome_is_good(draft->outcome))
        ask_invalid(ask, "outcome", "an outcome is success, failure or nothing");
    if (!ask->error)
        draft_check(ask, draft);
    return !ask->error;
}

/* --- the record of it --- */

void parser_draft_put(struct buf *body, const struct parser_draft *draft)
{
    json_put_str(body, "name", draft->name);
    json_put_int(body, "version", draft->version);
    json_put_str(body, "program", draft->program);
    json_put_str(body, "pattern", draft->pattern);
    json_put_str(body, "kind", draft->kind);
    json_put_str(body, "outcome", draft->outcome);
    json_put_str(body, "set", draft->sets);
}

static void draft_tell(struct ask *ask, const char *event, const struct parser_draft *draft, struct str reason)
{
    parser_draft_put(desk_record_begin(ask->desk, event, ask->who, ask->now_ns), draft);
    desk_record_end(ask->desk, 0, reason);
}

static void draft_end(struct ask *ask, int64_t id, struct str why)
{
    struct db_query q = db_query(ask->desk->db, "UPDATE parser_draft SET ended_ns = ?2, ended_by = ?3, ended_why = ?4"
                                                " WHERE id = ?1 AND ended_ns = 0");
    db_put_i64(&q, id);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_text(&q, why);
    db_run(&q);
}

/* --- questions --- */

static int64_t standing(struct ask *ask, struct str name)
{
    struct db_query q = db_query(ask->desk->db, "SELECT id FROM parser_draft WHERE name = ?1 AND ended_ns = 0");
    db_put_text(&q, name);
    return db_one_i64(&q, 0);
}

static int64_t next_version(struct ask *ask, struct str name)
{
    struct db_query q = db_query(ask->desk->db, "SELECT max(version) FROM parser_draft WHERE name = ?1");
    db_put_text(&q, name);
    return db_one_i64(&q, 0) + 1;
}

static void draft_store(struct ask *ask, const struct parser_draft *draft, struct str reason)
{
    const struct str texts[] = {draft->name, draft->program, draft->pattern, draft->kind, draft->outcome,
                                draft->sets, draft->sample,  ask->who,       reason};
    struct db_query q = db_query(ask->desk->db, "INSERT INTO parser_draft (version, name, program, pattern, kind,"
                                                " outcome, sets, sample, who, reason, made_ns, ended_ns, ended_by,"
                                                " ended_why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0,"
                                                " '', '')");
    db_put_i64(&q, draft->version);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        db_put_text(&q, texts[i].p ? texts[i] : STR(""));
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
}

/* Those that stand or are in use, but those of one name. */
static int64_t drafts_count(struct ask *ask, struct str but, int64_t *ret_bytes)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*), ifnull(sum(length(CAST(name || program || pattern ||"
                                                " kind || outcome || sets || sample || reason AS BLOB))), 0)"
                                                " FROM parser_draft WHERE name <> ?1 AND (ended_ns = 0 OR"
                                                " id IN (SELECT draft FROM parser_use WHERE ended_ns = 0))");
    db_put_text(&q, but);
    bool known = db_next(&q);
    int64_t count = known ? db_i64(&q) : DRAFTS_MAX + 1;
    *ret_bytes = known ? db_i64(&q) : 0;
    db_query_end(&q);
    return count;
}

bool parser_draft_fits(struct ask *ask, struct str name, int64_t bytes)
{
    int64_t before;
    return drafts_count(ask, name, &before) < DRAFTS_MAX && before + bytes <= BYTES_MAX;
}

bool parser_drafts_fit(struct ask *ask)
{
    int64_t bytes;
    return drafts_count(ask, STR(""), &bytes) <= DRAFTS_MAX && bytes <= BYTES_MAX;
}

static int64_t draft_bytes(const struct parser_draft *draft, struct str reason)
{
    return (int64_t)(draft->name.n + draft->program.n + draft->pattern.n + draft->kind.n + draft->outcome.n +
                     draft->sets.n + draft->sample.n + reason.n);
}

void ask_parser_save(struct ask *ask)
{
    struct parser_draft draft = {0};
    if (!draft_take(ask, &draft))
        return;
    struct str reason = rule_reason(ask);
    int64_t before = standing(ask, draft.name);
    if (!ask->error && !parser_draft_fits(ask, draft.name, draft_bytes(&draft, reason)))
        ask_refuse(ask, "too_large", "there are too many patterns: end some that are not needed");
    if (ask->error)
        return;
    draft.version = next_version(ask, draft.name);
    if (before)
        draft_end(ask, before, reason);
    draft_store(ask, &draft, reason);
    draft_tell(ask, "parser.draft", &draft, reason);
    json_put_str(ask->out, "name", draft.name);
    json_put_int(ask->out, "version", draft.version);
}

bool parser_draft_read(struct ask *ask, int64_t version, struct parser_draft *draft)
{
    struct db_query q = db_query(ask->desk->db, "SELECT id, version, program, pattern, kind, outcome, sets"
                                                " FROM parser_draft WHERE name = ?1 AND (version = ?2 OR ?2 < 0 OR"
                                                " (?2 = 0 AND ended_ns = 0)) ORDER BY version DESC LIMIT 1");
    db_put_text(&q, draft->name);
    db_put_i64(&q, version);
    bool found = db_next(&q);
    if (found) {
        draft->id = db_i64(&q);
        draft->version = db_i64(&q);
        draft->program = db_text_copy(&q, ask->arena);
        draft->pattern = db_text_copy(&q, ask->arena);
        draft->kind = db_text_copy(&q, ask->arena);
        draft->outcome = db_text_copy(&q, ask->arena);
        draft->sets = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    return found;
}

static bool is_used(struct ask *ask, int64_t draft)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM parser_use WHERE draft = ?1 AND ended_ns = 0");
    db_put_i64(&q, draft);
    return db_one_i64(&q, 0) > 0;
}

/* "name". */
void ask_parser_end(struct ask *ask)
{
    struct parser_draft draft = {.name = ask_str(ask, "name")};
    struct str reason = rule_reason(ask);
    if (!parser_draft_read(ask, 0, &draft))
        ask_refuse(ask, "not_found", "no such pattern was written here");
    else if (is_used(ask, draft.id))
        ask_refuse(ask, "state_refuses", "it is in use: take it out of use first");
    if (ask->error)
        return;
    draft_end(ask, draft.id, reason);
    draft_tell(ask, "parser.ended", &draft, reason);
}

/* What a pattern may say that it is; first of all nothing. */
static void kinds_put(struct ask *ask)
{
    const struct annex *table = &ask->desk->annex->table;
    json_write_key(ask->out, "kinds");
    json_write_array(ask->out);
    json_write_text(ask->out, "");
    for (size_t i = 1; i < table->kind_count; i++)
        json_write_str(ask->out, table->kind[i].key);
    json_write_array_end(ask->out);
}

/* Those that stand, and those in use of which none stands, by name. */
static void drafts_put(struct ask *ask)
{
    struct db_query q = db_query(
        ask->desk->db,
        "SELECT d.name, d.version, d.program, d.pattern, d.kind, d.outcome, d.sets, d.sample, d.who, d.reason,"
        " d.made_ns, d.ended_ns = 0, coalesce(u.version, 0), coalesce(u.who, ''), coalesce(u.from_ns, 0),"
        " coalesce((SELECT p.version FROM parser_use p WHERE p.name = d.name AND p.ended_ns > 0 AND"
        " p.version <> coalesce(u.version, 0) ORDER BY p.id DESC LIMIT 1), 0)"
        " FROM parser_draft d LEFT JOIN parser_use u ON u.name = d.name AND u.ended_ns = 0 WHERE d.ended_ns = 0 OR"
        " (u.draft = d.id AND NOT EXISTS (SELECT 1 FROM parser_draft s WHERE s.name = d.name AND s.ended_ns = 0))"
        " ORDER BY d.name LIMIT ?1");
    static const char *const keys[] = {"program", "pattern", "kind", "outcome", "set", "sample", "who", "reason"};
    db_put_i64(&q, DRAFTS_MAX);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "name", db_text(&q));
        json_put_int(ask->out, "version", db_i64(&q));
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            json_put_str(ask->out, keys[i], db_text(&q));
        json_put_int(ask->out, "made_ns", db_i64(&q));
        json_put_bool(ask->out, "stands", db_i64(&q) != 0);
        json_put_int(ask->out, "used_version", db_i64(&q));
        json_put_str(ask->out, "used_by", db_text(&q));
        json_put_int(ask->out, "used_ns", db_i64(&q));
        json_put_int(ask->out, "before_version", db_i64(&q));
        json_write_object_end(ask->out);
    }
}

void ask_parser_drafts(struct ask *ask)
{
    json_put_bool(ask->out, "may_change", (role_rights(ask->role) & RIGHT_RULES) != 0);
    kinds_put(ask);
    rules_behind_put(ask, BEHIND_PATTERNS);
    json_write_key(ask->out, "drafts");
    json_write_array(ask->out);
    drafts_put(ask);
    json_write_array_end(ask->out);
}
