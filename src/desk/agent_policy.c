/* agent_policy.c - what the agents of a group are to collect: versions, signed by the archive's key, the newest in
 * force.
 *
 *   saved, or an old text again ──► version, not signed ──► signer ──► in force ──► told to those who are connected
 *
 * Versions are counted over all groups, and an agent believes only one above the one it has: nobody who has caught an
 * old policy can give it to an agent, also not that of another group. So an agent that goes to another group needs a
 * new version of that group's policy; it is made by itself, with the same text. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/agent.h"

#include <string.h>

#define POLICY_LINE    "qorgan agent policy\n" /* doc/format/delivery.md */
#define AGAIN_NS       (60 * SECOND_NS)        /* the signer is asked again after so long */
#define TOLD_AT_ONCE   32
#define SIGN_AT_ONCE   32
#define ROOM_MAX       ((size_t)8 << 20) /* bytes that may wait before more are told */
#define VERSIONS_SHOWN 100

int64_t agent_policy_now(struct desk *desk, struct str group, struct str *ret_note)
{
    int64_t version = 0;
    struct db_query q = db_query(desk->db, "SELECT version, note FROM agent_policy WHERE grp = ?1 AND note <> ''"
                                           " ORDER BY version DESC LIMIT 1");
    db_put_text(&q, group);
    *ret_note = STR("");
    if (db_next(&q)) {
        version = db_i64(&q);
        *ret_note = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    return version;
}

static struct str text_of(struct desk *desk, int64_t version, struct str group)
{
    struct db_query q = db_query(desk->db, "SELECT text FROM agent_policy WHERE version = ?1 AND grp = ?2");
    db_put_i64(&q, version);
    db_put_text(&q, group);
    struct str text = db_next(&q) ? db_text_copy(&q, desk->scratch) : STR("");
    db_query_end(&q);
    return text;
}

/* ---- signing ---- */

static void policy_write(const struct desk *desk, int64_t version, struct str group, struct str text, struct buf *out)
{
    buf_text(out, POLICY_LINE);
    buf_str(out, desk->agents->origin);
    buf_char(out, '\n');
    buf_str(out, group);
    buf_format(out, "\n%lld\n", (long long)version);
    buf_str(out, text);
    buf_char(out, '\n');
}

static void sign_order(struct desk *desk, int64_t version, struct str group, struct str text)
{
    struct buf policy CLEANUP(buf_done) = {0};
    buf_init(&policy, DESK_AGENT_POLICY_MAX + 1024);
    policy_write(desk, version, group, text, &policy);
    if (policy.overflow)
        db_fail(desk->db, RC_LIMIT, "no memory for a policy of agents");
    else
        agent_order(desk, DESK_AGENT_SIGN, (struct desk_agent_link){0}, (uint64_t)version, buf_view(&policy));
}

static void unsigned_watch(struct desk *desk, int64_t now_ns)
{
    struct desk_agents *agents = desk->agents;
    int64_t versions[SIGN_AT_ONCE];
    struct str groups[SIGN_AT_ONCE], texts[SIGN_AT_ONCE];
    size_t count = 0;
    bool soon = agents->signing_ns && now_ns - agents->signing_ns < AGAIN_NS && now_ns >= agents->signing_ns;
    if (!agents->unsigned_wait || soon)
        return;
    struct db_query q =
        db_query(desk->db, "SELECT version, grp, text FROM agent_policy WHERE note = '' ORDER BY version LIMIT ?1");
    db_put_i64(&q, SIGN_AT_ONCE);
    while (count < SIGN_AT_ONCE && db_next(&q)) {
        versions[count] = db_i64(&q);
        groups[count] = db_text_copy(&q, desk->scratch);
        texts[count++] = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    for (size_t i = 0; i < count; i++)
        sign_order(desk, versions[i], groups[i], texts[i]);
    agents->unsigned_wait = count > 0;
    agents->signing_ns = now_ns;
}

enum rc desk_agent_policy_signed(struct desk *desk, uint64_t id, bool is_signed, struct str text, int64_t now_ns,
                                 struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    (void)now_ns;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "UPDATE agent_policy SET note = ?2, error = ?3 WHERE version = ?1"
                                           " AND note = ''");
    db_put_i64(&q, (int64_t)MIN(id, (uint64_t)INT64_MAX));
    db_put_text(&q, is_signed ? text : STR(""));
    db_put_text(&q, is_signed ? STR("") : desk_cut(text, DESK_FIELD_MAX));
    bool changed = db_run(&q) > 0;
    rc = desk_end(desk, true, err);
    if (rc == RC_OK && changed && is_signed)
        desk->agents->untold_wait = true;
    return rc;
}

/* ---- telling those who are connected ---- */

struct untold {
    int64_t agent, version;
    struct desk_agent_link link;
    struct str note;
};

static size_t untold_find(struct desk *desk, struct untold ret_untold[TOLD_AT_ONCE])
{
    size_t count = 0;
    struct db_query q =
        db_query(desk->db, "SELECT a.id, a.intake, a.connection, p.version, p.note FROM agent a JOIN agent_policy p"
                           " ON p.version = (SELECT max(version) FROM agent_policy WHERE grp = a.grp AND note <> '')"
                           " WHERE a.intake >= 0 AND a.told < p.version ORDER BY a.id LIMIT ?1");
    db_put_i64(&q, TOLD_AT_ONCE);
    while (count < TOLD_AT_ONCE && db_next(&q)) {
        struct untold *row = &ret_untold[count++];
        row->agent = db_i64(&q);
        row->link.intake = (uint32_t)db_i64(&q);
        row->link.connection = (uint64_t)db_i64(&q);
        row->version = db_i64(&q);
        row->note = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    return count;
}

static void untold_watch(struct desk *desk)
{
    struct untold untold[TOLD_AT_ONCE];
    struct desk_agents *agents = desk->agents;
    if (!agents->untold_wait || agents->out.n - agents->taken > ROOM_MAX)
        return;
    size_t count = untold_find(desk, untold);
    for (size_t i = 0; i < count; i++) {
        struct buf *say = agent_say_begin(desk, "policy");
        json_put_int(say, "version", untold[i].version);
        json_put_str(say, "note", untold[i].note);
        agent_say_end(desk, untold[i].link);
        struct db_query q = db_query(desk->db, "UPDATE agent SET told = ?2 WHERE id = ?1");
        db_put_i64(&q, untold[i].agent);
        db_put_i64(&q, untold[i].version);
        db_run(&q);
    }
    agents->untold_wait = count == TOLD_AT_ONCE;
}

void agent_policies_watch(struct desk *desk, int64_t now_ns)
{
    unsigned_watch(desk, now_ns);
    untold_watch(desk);
}

/* ---- versions ---- */

static void old_forget(struct desk *desk, struct str group)
{
    struct db_query q = db_query(desk->db, "DELETE FROM agent_policy WHERE grp = ?1 AND version < (SELECT min(version)"
                                           " FROM (SELECT version FROM agent_policy WHERE grp = ?1"
                                           " ORDER BY version DESC LIMIT ?2)) AND version < (SELECT"
                                           " coalesce(max(version), 0) FROM agent_policy WHERE grp = ?1"
                                           " AND note <> '')");
    db_put_text(&q, group);
    db_put_i64(&q, DESK_AGENT_VERSIONS_MAX);
    db_run(&q);
}

int64_t agent_policy_put(struct desk *desk, const struct policy_change *change, int64_t now_ns)
{
    /* Above every number that was ever given, also when the newest rows are gone with their group. */
    struct db_query q =
        db_query(desk->db, "INSERT INTO meta (key, value) VALUES ('agent_policy', '1') ON CONFLICT (key)"
                           " DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
                           " RETURNING CAST(value AS INTEGER)");
    int64_t version = 0;
    while (db_next(&q))
        version = db_i64(&q);
    struct buf *body = desk_record_begin(desk, "policy.changed", change->who, now_ns);
    json_put_str(body, "group", change->group);
    json_put_int(body, "version", version);
    json_put_int(body, "was", change->was);
    json_put_str(body, "text", change->text);
    int64_t outgoing = desk_record_end(desk, 0, change->reason);
    q = db_query(desk->db, "INSERT INTO agent_policy (version, grp, text, note, error, was, made_ns, who, reason,"
                           " outgoing) VALUES (?1, ?2, ?3, '', '', ?4, ?5, ?6, ?7, ?8)");
    db_put_i64(&q, version);
    db_put_text(&q, change->group);
    db_put_text(&q, change->text);
    db_put_i64(&q, change->was);
    db_put_i64(&q, now_ns);
    db_put_text(&q, desk_cut(change->who, DESK_USER_MAX));
    db_put_text(&q, change->reason);
    db_put_i64(&q, outgoing);
    db_run(&q);
    old_forget(desk, change->group);
    desk->agents->unsigned_wait = true;
    desk->agents->signing_ns = 0;
    return version;
}

void agent_policy_move(struct desk *desk, const struct agent *agent, struct str group, struct str who, int64_t now_ns)
{
    struct str note;
    char storage[256];
    struct buf reason;
    int64_t before = agent_policy_now(desk, agent->group, &note);
    int64_t version = agent_policy_now(desk, group, &note);
    if (version == 0 || version > before)
        return;
    buf_init_fixed(&reason, storage, sizeof storage);
    buf_text(&reason, "the same again for ");
    buf_str(&reason, agent->name);
    const struct policy_change change = {
        .group = group, .text = text_of(desk, version, group), .was = version, .who = who, .reason = buf_view(&reason)};
    IGNORE(agent_policy_put(desk, &change, now_ns) == 0); /* its number is not asked for */
}

void agent_policies_kept(struct desk *desk, int64_t local_id, int64_t record)
{
    struct db_query q =
        db_query(desk->db, "UPDATE agent_policy SET record = ?1 WHERE outgoing = ?2 AND record IS NULL");
    db_put_i64(&q, record);
    db_put_i64(&q, local_id);
    db_run(&q);
}

/* ---- questions ---- */

/* One object, without the blanks between its words: it stands on one line of what is signed. False: refused. */
static bool policy_read(struct ask *ask, struct str text, struct str *ret_text)
{
    struct json_value *value = NULL;
    struct err why = {0};
    bool in_string = false;
    if (text.n > 4 * DESK_AGENT_POLICY_MAX || json_parse(ask->arena, text, 16, &value, &why) != RC_OK ||
        value->kind != JSON_OBJECT) {
        ask_invalid(ask, "text", why.text[0] ? arena_strz(ask->arena, str_of(why.text)) : "not one JSON object");
        return false;
    }
    char *out = arena_alloc_raw(ask->arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < value->text.n; i++) {
        char c = value->text.p[i];
        if (in_string && c == '\\' && i + 1 < value->text.n)
            out[n++] = value->text.p[i++];
        else if (c == '"')
            in_string = !in_string;
        if (in_string || !char_is_space(c))
            out[n++] = value->text.p[i];
    }
    *ret_text = str_at(out, n);
    if (!out || n > DESK_AGENT_POLICY_MAX)
        ask_invalid(ask, "text", "the policy has more than 32 KiB");
    else if (!desk_one_line(*ret_text))
        ask_invalid(ask, "text", "the policy has bytes that are not UTF-8, or control characters");
    return !ask->error;
}

static bool group_read(struct ask *ask, struct str *ret_group)
{
    *ret_group = ask_str(ask, "group");
    if (!agent_name_valid(*ret_group))
        ask_invalid(ask, "group", "a group has a name of 1 to 64 bytes without a colon");
    return !ask->error;
}

static bool reason_read(struct ask *ask, struct str *ret_reason)
{
    *ret_reason = str_trim(ask_str(ask, "reason"));
    if (ret_reason->n < AGENT_REASON_MIN || ret_reason->n > DESK_TEXT_MAX)
        ask_invalid(ask, "reason", "say in a few words why");
    return !ask->error;
}

/* As an agent will read it: what it would refuse is not signed. */
static bool policy_fits(struct ask *ask, const struct policy_change *change)
{
    const struct desk_agents *agents = ask->desk->agents;
    struct buf text CLEANUP(buf_done) = {0};
    struct err why = {0};
    if (!agents->policy_check)
        return true;
    buf_init(&text, DESK_AGENT_POLICY_MAX + 1024);
    policy_write(ask->desk, 1, change->group, change->text, &text);
    if (text.overflow || agents->policy_check(buf_view(&text), ask->arena, &why) != RC_OK) {
        const char *copy = arena_strz(ask->arena, str_of(why.text));
        ask_invalid(ask, "text", copy ? copy : "the policy does not read");
    }
    return !ask->error;
}

static bool group_fits(struct ask *ask, struct str group)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(DISTINCT grp) FROM agent_policy WHERE grp <> ?1");
    db_put_text(&q, group);
    if (db_one_i64(&q, 0) >= (int64_t)DESK_AGENT_GROUPS_MAX)
        ask_refuse(ask, "too_large", "there are 200 groups with a policy already");
    return !ask->error;
}

void ask_policy_save(struct ask *ask)
{
    struct policy_change change = {.who = ask->who};
    if (!group_read(ask, &change.group) || !policy_read(ask, ask_str(ask, "text"), &change.text) ||
        !policy_fits(ask, &change) || !reason_read(ask, &change.reason) || !group_fits(ask, change.group))
        return;
    json_put_int(ask->out, "version", agent_policy_put(ask->desk, &change, ask->now_ns));
}

void ask_policy_roll_back(struct ask *ask)
{
    struct policy_change change = {.was = ask_int(ask, "version"), .who = ask->who};
    if (!group_read(ask, &change.group) || !reason_read(ask, &change.reason))
        return;
    change.text = text_of(ask->desk, change.was, change.group);
    if (!change.text.n)
        ask_refuse(ask, "not_found", "the group's policy has no such version");
    else
        json_put_int(ask->out, "version", agent_policy_put(ask->desk, &change, ask->now_ns));
}

void ask_policy_list(struct ask *ask)
{
    struct db_query q = db_query(
        ask->desk->db,
        "SELECT g.grp, (SELECT count(*) FROM agent WHERE grp = g.grp AND state = 0),"
        " (SELECT count(*) FROM agent a WHERE a.grp = g.grp AND a.state = 0 AND a.policy < coalesce((SELECT"
        " max(version) FROM agent_policy WHERE grp = g.grp AND note <> ''), 0)),"
        " coalesce((SELECT max(version) FROM agent_policy WHERE grp = g.grp AND note <> ''), 0),"
        " coalesce((SELECT max(version) FROM agent_policy WHERE grp = g.grp), 0),"
        " coalesce((SELECT error FROM agent_policy WHERE grp = g.grp ORDER BY version DESC LIMIT 1), '')"
        " FROM (SELECT grp FROM agent WHERE state = 0 UNION SELECT grp FROM agent_policy) g ORDER BY g.grp LIMIT 500");
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_AGENTS);
    json_write_key(ask->out, "groups");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "group", db_text(&q));
        json_put_int(ask->out, "agents", db_i64(&q));
        json_put_int(ask->out, "behind", db_i64(&q));
        json_put_int(ask->out, "in_force", db_i64(&q));
        json_put_int(ask->out, "newest", db_i64(&q));
        json_put_str(ask->out, "error", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void versions_put(struct ask *ask, struct str group)
{
    struct db_query q = db_query(ask->desk->db, "SELECT version, was, made_ns, who, reason, note <> '', error,"
                                                " coalesce(record, -1) FROM agent_policy WHERE grp = ?1"
                                                " ORDER BY version DESC LIMIT ?2");
    db_put_text(&q, group);
    db_put_i64(&q, VERSIONS_SHOWN);
    json_write_key(ask->out, "versions");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_int(ask->out, "was", db_i64(&q));
        json_put_int(ask->out, "made_ns", db_i64(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_str(ask->out, "reason", db_text(&q));
        json_put_bool(ask->out, "signed", db_i64(&q));
        json_put_str(ask->out, "error", db_text(&q));
        json_put_int(ask->out, "record", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_policy_get(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct str group, note;
    if (!group_read(ask, &group))
        return;
    struct db_query q = db_query(desk->db, "SELECT coalesce(max(version), 0) FROM agent_policy WHERE grp = ?1"
                                           " AND (?2 = 0 OR version = ?2)");
    db_put_text(&q, group);
    db_put_i64(&q, ask_int(ask, "version"));
    int64_t version = db_one_i64(&q, 0);
    if (version == 0 && ask_int(ask, "version") != 0) {
        ask_refuse(ask, "not_found", "the group's policy has no such version");
        return;
    }
    q = db_query(desk->db, "SELECT coalesce(max(version), 0) FROM agent_policy WHERE grp = ?1 AND version < ?2");
    db_put_text(&q, group);
    db_put_i64(&q, version);
    int64_t before = db_one_i64(&q, 0);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_AGENTS);
    json_put_str(ask->out, "group", group);
    json_put_int(ask->out, "in_force", agent_policy_now(desk, group, &note));
    json_put_int(ask->out, "version", version);
    json_put_str(ask->out, "text", text_of(desk, version, group));
    json_put_int(ask->out, "before", before);
    json_put_str(ask->out, "before_text", text_of(desk, before, group));
    versions_put(ask, group);
}
