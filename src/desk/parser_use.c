/* parser_use.c - patterns that people wrote and put into use: which version of each, since when, and what was before.
 *
 *   none ──parser.use──► a version is in use ──parser.use of another──► that one is, this one is history
 *                                   └──────────parser.stop────────────► none
 *
 * Those in use are one table, which the role gives to all who parse (desk_patterns_write). It loads as a whole or not
 * at all: with what would not load beside the others nothing is changed. What was parsed before stays as it was. Each
 * step is a row and a record with the whole pattern. */
#include "base/assert.h"
#include "desk/inside.h"
#include "desk/parser_draft.h"
#include "desk/rulebook.h"

#define TABLE_MAX    ((size_t)512 << 10) /* bytes of those in use */
#define HISTORY_MAX  100                 /* versions and steps that are listed, the newest */
#define VERSION_TEXT 300                 /* bytes shown of reasons */

/* --- the table --- */

static void table_write(struct desk *desk, struct buf *out)
{
    struct db_query q = db_query(desk->db, "SELECT d.name, d.program, d.pattern, d.kind, d.outcome, d.sets"
                                           " FROM parser_use u JOIN parser_draft d ON d.id = u.draft"
                                           " WHERE u.ended_ns = 0 ORDER BY u.name");
    bool any = false;
    while (db_next(&q)) {
        if (!any)
            buf_text(out, "id\tprogram\tpattern\tkind\toutcome\tset\n");
        any = true;
        for (size_t i = 0; i < PARSER_CELLS; i++) {
            buf_str(out, db_text(&q));
            buf_char(out, i + 1 < PARSER_CELLS ? '\t' : '\n');
        }
    }
}

uint64_t desk_patterns_version(const struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->patterns_version;
}

enum rc desk_patterns_write(struct desk *desk, struct buf *out, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    table_write(desk, out);
    return db_end(desk->db, true, err);
}

void parser_uses_settle(struct desk *desk, bool held)
{
    desk->patterns_version += desk->patterns_changed && held;
    desk->patterns_changed = false;
}

/* As it would be now. What would not load is refused with the cell and why. */
static void table_check(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct buf table CLEANUP(buf_done) = {0};
    struct err err = {0};
    const char *cell = "pattern";
    buf_init(&table, TABLE_MAX);
    table_write(desk, &table);
    if (table.overflow)
        ask_refuse(ask, "too_large",
                   "the patterns in use would be larger than 512 KiB: take some out that are not needed");
    if (ask->error || !desk->patterns_check ||
        desk->patterns_check(desk->patterns_context, buf_view(&table), &cell, &err) == RC_OK)
        return;
    const char *why = arena_strz(ask->arena, str_of(err.text));
    ask_invalid(ask, cell, why ? why : "it would not load");
}

/* --- steps --- */

static void step_tell(struct ask *ask, const char *event, const struct parser_draft *draft, int64_t was,
                      struct str reason, int64_t *ret_outgoing)
{
    struct buf *body = desk_record_begin(ask->desk, event, ask->who, ask->now_ns);
    parser_draft_put(body, draft);
    if (was)
        json_put_int(body, "was_version", was);
    *ret_outgoing = desk_record_end(ask->desk, 0, reason);
}

/* The version in use; 0: none is. */
static int64_t used_version(struct ask *ask, struct str name)
{
    struct db_query q = db_query(ask->desk->db, "SELECT version FROM parser_use WHERE name = ?1 AND ended_ns = 0");
    db_put_text(&q, name);
    return db_one_i64(&q, 0);
}

static void use_end(struct ask *ask, struct str name, struct str reason)
{
    struct db_query q = db_query(ask->desk->db, "UPDATE parser_use SET ended_ns = ?2, ended_by = ?3, ended_why = ?4"
                                                " WHERE name = ?1 AND ended_ns = 0");
    db_put_text(&q, name);
    db_put_i64(&q, MAX(ask->now_ns, 1));
    db_put_text(&q, ask->who);
    db_put_text(&q, reason);
    db_run(&q);
    ask->desk->patterns_changed = true;
}

static void use_begin(struct ask *ask, const struct parser_draft *draft, struct str reason, int64_t outgoing)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO parser_use (draft, name, version, from_ns, ended_ns, who,"
                                                " reason, ended_by, ended_why, outgoing)"
                                                " VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, '', '', ?7)");
    db_put_i64(&q, draft->id);
    db_put_text(&q, draft->name);
    db_put_i64(&q, draft->version);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_text(&q, reason);
    db_put_i64(&q, outgoing);
    db_run(&q);
    ask->desk->patterns_changed = true;
}

/* "name", "version": one that was kept here, 0 or left out: the one that stands. */
void ask_parser_use(struct ask *ask)
{
    struct parser_draft draft = {.name = ask_str(ask, "name")};
    struct str reason = rule_reason(ask);
    int64_t outgoing = 0;
    int64_t was = used_version(ask, draft.name);
    int64_t version = ask_int(ask, "version");
    if (version < 0)
        ask_invalid(ask, "version", "versions are numbers from 1");
    else if (!parser_draft_read(ask, version, &draft))
        ask_refuse(ask, "not_found", "no such pattern, or no such version of it, was kept here");
    else if (draft.version == was)
        ask_refuse(ask, "state_refuses", "this version is in use already");
    if (ask->error)
        return;
    if (was)
        use_end(ask, draft.name, reason);
    step_tell(ask, "parser.used", &draft, was, reason, &outgoing);
    use_begin(ask, &draft, reason, outgoing);
    if (!parser_drafts_fit(ask))
        ask_refuse(ask, "too_large", "there are too many patterns: end some that are not needed");
    if (!ask->error)
        table_check(ask);
    json_put_str(ask->out, "name", draft.name);
    json_put_int(ask->out, "version", draft.version);
}

/* "name". What the others would not load with may be taken out as well. */
void ask_parser_stop(struct ask *ask)
{
    struct parser_draft draft = {.name = ask_str(ask, "name")};
    struct str reason = rule_reason(ask);
    int64_t outgoing = 0;
    int64_t was = used_version(ask, draft.name);
    if (was == 0 || !parser_draft_read(ask, was, &draft))
        ask_refuse(ask, "not_found", "no pattern of that name is in use");
    if (ask->error)
        return;
    use_end(ask, draft.name, reason);
    step_tell(ask, "parser.stopped", &draft, 0, reason, &outgoing);
}

/* --- history --- */

static void versions_put(struct ask *ask, struct str name)
{
    static const char *const keys[] = {"program", "pattern", "kind", "outcome", "set", "who"};
    struct db_query q = db_query(ask->desk->db, "SELECT version, program, pattern, kind, outcome, sets, who, reason,"
                                                " made_ns, ended_ns, ended_by, ended_why FROM parser_draft"
                                                " WHERE name = ?1 ORDER BY version DESC LIMIT ?2");
    db_put_text(&q, name);
    db_put_i64(&q, HISTORY_MAX);
    json_write_key(ask->out, "versions");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "version", db_i64(&q));
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            json_put_str(ask->out, keys[i], db_text(&q));
        json_put_str(ask->out, "reason", desk_cut(db_text(&q), VERSION_TEXT));
        json_put_int(ask->out, "made_ns", db_i64(&q));
        json_put_int(ask->out, "ended_ns", db_i64(&q));
        json_put_str(ask->out, "ended_by", db_text(&q));
        json_put_str(ask->out, "ended_why", desk_cut(db_text(&q), VERSION_TEXT));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void uses_put(struct ask *ask, struct str name)
{
    struct db_query q = db_query(ask->desk->db, "SELECT version, who, reason, from_ns, ended_ns, ended_by, ended_why,"
                                                " coalesce(record, 0) FROM parser_use WHERE name = ?1"
                                                " ORDER BY id DESC LIMIT ?2");
    db_put_text(&q, name);
    db_put_i64(&q, HISTORY_MAX);
    json_write_key(ask->out, "uses");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_str(ask->out, "reason", desk_cut(db_text(&q), VERSION_TEXT));
        json_put_int(ask->out, "from_ns", db_i64(&q));
        json_put_int(ask->out, "ended_ns", db_i64(&q));
        json_put_str(ask->out, "ended_by", db_text(&q));
        json_put_str(ask->out, "ended_why", desk_cut(db_text(&q), VERSION_TEXT));
        json_put_int(ask->out, "record", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* "name": every version of it that was kept here, and when which was in use. */
void ask_parser_versions(struct ask *ask)
{
    struct parser_draft draft = {.name = ask_str(ask, "name")};
    if (!parser_draft_read(ask, PARSER_NEWEST, &draft)) {
        ask_refuse(ask, "not_found", "no such pattern was written here");
        return;
    }
    json_put_bool(ask->out, "may_change", (role_rights(ask->role) & RIGHT_RULES) != 0);
    json_put_str(ask->out, "name", draft.name);
    json_put_int(ask->out, "used_version", used_version(ask, draft.name));
    versions_put(ask, draft.name);
    uses_put(ask, draft.name);
}
