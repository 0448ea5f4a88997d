/* own_list_ask.c - the questions about lists that people give: may one be given, here it is, what does it hold, take
 * it, end it, take an earlier version back. */
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/own_list_inside.h"
#include "desk/rulebook.h"

#include <string.h>

#define LISTS_SHOWN    500
#define OPEN_SHOWN     20
#define VERSIONS_SHOWN 50
#define STEPS_SHOWN    100
#define REASON_SHOWN   300 /* bytes */
#define DAYS_MAX       36525

/* ---- what is said of one ---- */

struct said {
    struct str list, source, name;
    int64_t confidence, expires_ns;
};

/* Letters and digits first: it is the name of a file. */
static bool name_good(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && (i == 0 || !strchr("._-", name.p[i])))
            return false;
    return name.n > 0 && name.n <= OWN_LIST_NAME;
}

/* A list is called as its file is, as those in folders are. */
static struct str name_read(struct ask *ask)
{
    struct buf out;
    struct str name = str_trim(ask_str(ask, "list"));
    char *storage = arena_alloc(ask->arena, OWN_LIST_NAME + 8);
    if (!storage || str_ends(name, STR(".csv")) || name.n == 0 || name.n > OWN_LIST_NAME)
        return name;
    buf_init_fixed(&out, storage, OWN_LIST_NAME + 8);
    buf_str(&out, name);
    buf_text(&out, ".csv");
    return buf_view(&out);
}

/* An end that may be: none, or later than now. */
static void expires_check(struct ask *ask, int64_t expires_ns)
{
    if (expires_ns != 0 && expires_ns <= ask->now_ns)
        ask_invalid(ask, "expires_ns", "the list would have ended already");
    else if (expires_ns > ask->now_ns && expires_ns - ask->now_ns > DAYS_MAX * DAY_S * SECOND_NS)
        ask_invalid(ask, "expires_ns", "the list would end in more than a hundred years");
}

static struct said said_read(struct ask *ask)
{
    struct said said = {.list = name_read(ask),
                        .source = str_trim(ask_str(ask, "source")),
                        .name = ask_str(ask, "name"),
                        .confidence = json_int(json_get(ask->question, "confidence"), -1),
                        .expires_ns = ask_int(ask, "expires_ns")};
    if (!name_good(said.list))
        ask_invalid(ask, "list", "a list is named with letters, digits, '.', '-' and '_', at most 64");
    else if (said.source.n == 0 || said.source.n > OWN_LIST_SOURCE || !desk_one_line(said.source))
        ask_invalid(ask, "source", "a source of one line is needed, of at most 200 bytes");
    else if (said.confidence < -1 || said.confidence > 100)
        ask_invalid(ask, "confidence", "confidence is a number from 0 to 100");
    else if (said.name.n > DESK_NAME_MAX || !desk_one_line(said.name))
        ask_invalid(ask, "name", "the name of the file is too long");
    expires_check(ask, said.expires_ns);
    return said;
}

static int64_t list_find(struct desk *desk, struct str name)
{
    struct db_query q = db_query(desk->db, "SELECT id FROM own_list WHERE name = ?1");
    db_put_text(&q, name);
    return db_one_i64(&q, 0);
}

/* One file a list at a time: what is shown of it is against the version that stands. */
static void room_check(struct ask *ask, const struct said *said)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM own_list_version WHERE state IN (0, 1)");
    if (db_one_i64(&q, 0) >= (int64_t)OWN_LISTS_OPEN)
        ask_refuse(ask, "uploads_full", "too many lists wait to be read or taken");
    q = db_query(ask->desk->db, "SELECT count(*) FROM own_list_version WHERE state IN (0, 1) AND list = ?1");
    db_put_i64(&q, list_find(ask->desk, said->list));
    if (db_one_i64(&q, 0) > 0)
        ask_refuse(ask, "list_waits", "a file of this list waits to be taken or given up");
}

/* Before the bytes of a file are waited for: would it be read? */
void ask_own_list_check(struct ask *ask)
{
    struct said said = said_read(ask);
    room_check(ask, &said);
}

static int64_t list_made(struct ask *ask, struct str name)
{
    int64_t list = list_find(ask->desk, name);
    if (list)
        return list;
    struct db_query q = db_query(ask->desk->db, "INSERT INTO own_list (name) VALUES (?1)");
    db_put_text(&q, name);
    db_run(&q);
    return db_last_id(ask->desk->db);
}

void ask_own_list_add(struct ask *ask)
{
    struct own_list_version version;
    struct said said = said_read(ask);
    int64_t bytes = ask_int(ask, "bytes");
    struct str sha256 = ask_str(ask, "sha256");
    uint8_t digest[TLOG_HASH_SIZE];
    room_check(ask, &said);
    if (bytes > OWN_LIST_BYTES)
        ask_refuse(ask, "list_long", "the file of a list is larger than 64 MiB");
    else if (bytes <= 0 || !hex_decode(sha256, digest, sizeof digest))
        ask_invalid(ask, "file", "there is no file");
    if (ask->error)
        return;
    struct db_query q =
        db_query(ask->desk->db, "INSERT INTO own_list_version (list, state, source, confidence, expires_ns, name, who,"
                                " made_ns, bytes, sha256, file) VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    db_put_i64(&q, list_made(ask, said.list));
    db_put_text(&q, said.source);
    db_put_i64(&q, said.confidence);
    db_put_i64(&q, said.expires_ns);
    db_put_text(&q, said.name);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, bytes);
    db_put_text(&q, sha256);
    db_put_i64(&q, ask_int(ask, "file"));
    db_run(&q);
    int64_t id = db_last_id(ask->desk->db);
    if (!own_list_load(ask->desk, id, ask->arena, &version))
        return;
    own_list_record(ask, &version, "list.added");
    ask->desk->own_lists.waits = true;
    json_put_int(ask->out, "id", id);
}

/* ---- shown ---- */

static void version_put(struct ask *ask, const struct own_list_version *v)
{
    struct buf *out = ask->out;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"id", v->id},
                   {"list_id", v->list},
                   {"version", v->number},
                   {"made_ns", v->made_ns},
                   {"ended_ns", v->ended_ns},
                   {"expires_ns", v->expires_ns},
                   {"confidence", v->confidence},
                   {"bytes", v->bytes},
                   {"entries", own_list_entries(v)},
                   {"address", v->kinds[0]},
                   {"domain", v->kinds[1]},
                   {"hash", v->kinds[2]},
                   {"url", v->kinds[3]},
                   {"repeated", v->repeated},
                   {"revoked", v->revoked},
                   {"passed", v->passed},
                   {"refused", v->refused},
                   {"new", v->fresh},
                   {"changed", v->changed},
                   {"same", v->same},
                   {"gone", v->gone}};
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"list", v->list_name}, {"source", v->source}, {"name", v->name},     {"who", v->who},
                 {"sha256", v->sha256},  {"fault", v->fault},   {"detail", v->detail}, {"taken_by", v->taken_by}};
    json_put_text(out, "state", own_list_state_name(v->state));
    json_put_bool(out, "stands", v->standing == v->id);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(out, numbers[i].name, numbers[i].value);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(out, texts[i].name, texts[i].value);
}

static void may_put(struct ask *ask)
{
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
}

/* Those that a query names; its ids are read before the rows are. */
static void versions_put(struct ask *ask, const char *key, struct db_query *q)
{
    int64_t ids[VERSIONS_SHOWN];
    size_t count = 0;
    while (count < VERSIONS_SHOWN && db_next(q))
        ids[count++] = db_i64(q);
    db_query_end(q);
    json_write_key(ask->out, key);
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        struct own_list_version version;
        if (!own_list_load(ask->desk, ids[i], ask->arena, &version))
            break;
        json_write_object(ask->out);
        version_put(ask, &version);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* Lists of which a version stands, or stood. */
static void lists_put(struct ask *ask)
{
    struct db_query q = db_query(
        ask->desk->db, "SELECT l.id, l.standing, l.expires_ns, l.since_ns, v.number,"
                       " v.address + v.domain + v.hash + v.url, v.confidence, l.name, v.source FROM own_list l"
                       " JOIN own_list_version v ON v.id = CASE WHEN l.standing > 0 THEN l.standing ELSE (SELECT"
                       " max(id) FROM own_list_version w WHERE w.list = l.id AND w.number > 0) END"
                       " ORDER BY l.standing = 0, l.name LIMIT ?1");
    static const char *const numbers[] = {"id",      "standing", "expires_ns", "since_ns",
                                          "version", "entries",  "confidence"};
    db_put_i64(&q, LISTS_SHOWN);
    json_write_key(ask->out, "lists");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            json_put_int(ask->out, numbers[i], db_i64(&q));
        json_put_str(ask->out, "list", db_text(&q));
        json_put_str(ask->out, "source", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* Lists, and files that wait or came to nothing. */
void ask_own_list_list(struct ask *ask)
{
    may_put(ask);
    json_put_int(ask->out, "bytes_max", OWN_LIST_BYTES);
    lists_put(ask);
    struct db_query q = db_query(ask->desk->db, "SELECT id FROM own_list_version WHERE number = 0"
                                                " ORDER BY state > 1, id DESC LIMIT ?1");
    db_put_i64(&q, OPEN_SHOWN);
    versions_put(ask, "files", &q);
}

static void steps_put(struct ask *ask, int64_t list)
{
    struct db_query q = db_query(ask->desk->db, "SELECT time_ns, version, expires_ns, coalesce(record, 0), act, who,"
                                                " reason FROM own_list_step WHERE list = ?1 ORDER BY id DESC LIMIT ?2");
    db_put_i64(&q, list);
    db_put_i64(&q, STEPS_SHOWN);
    json_write_key(ask->out, "history");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_int(ask->out, "expires_ns", db_i64(&q));
        json_put_int(ask->out, "record", db_i64(&q));
        json_put_str(ask->out, "act", db_text(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_str(ask->out, "reason", desk_cut(db_text(&q), REASON_SHOWN));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* "id": a list, its versions, what was done with it. */
void ask_own_list_get(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, standing, expires_ns, since_ns, name FROM own_list WHERE id = ?1");
    db_put_i64(&q, ask_int(ask, "id"));
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such list");
        return;
    }
    int64_t id = db_i64(&q);
    may_put(ask);
    json_put_int(ask->out, "id", id);
    json_put_int(ask->out, "standing", db_i64(&q));
    json_put_int(ask->out, "expires_ns", db_i64(&q));
    json_put_int(ask->out, "since_ns", db_i64(&q));
    json_put_str(ask->out, "list", db_text(&q));
    db_query_end(&q);
    q = db_query(ask->desk->db, "SELECT id FROM own_list_version WHERE list = ?1 AND number > 0"
                                " ORDER BY number DESC LIMIT ?2");
    db_put_i64(&q, id);
    db_put_i64(&q, VERSIONS_SHOWN);
    versions_put(ask, "versions", &q);
    steps_put(ask, id);
}

static bool version_asked(struct ask *ask, struct own_list_version *ret_version)
{
    if (own_list_load(ask->desk, ask_int(ask, "id"), ask->arena, ret_version))
        return true;
    ask_refuse(ask, "not_found", "no such version of a list");
    return false;
}

static bool is_stale(const struct own_list_version *version)
{
    return version->state == OWN_LIST_READY && version->basis != version->standing;
}

static void preview_put(struct ask *ask, int64_t version)
{
    struct db_query q = db_query(ask->desk->db, "SELECT preview FROM own_list_version WHERE id = ?1 AND preview <> ''");
    db_put_i64(&q, version);
    json_write_key(ask->out, "preview");
    bool found = db_next(&q);
    json_write_raw(ask->out, found ? db_text(&q) : STR("{}"));
    db_query_end(&q);
}

/* "id": a version, with what a person is shown before it is taken. */
void ask_own_list_version(struct ask *ask)
{
    struct own_list_version version;
    if (!version_asked(ask, &version))
        return;
    may_put(ask);
    json_write_key(ask->out, "version");
    json_write_object(ask->out);
    version_put(ask, &version);
    json_put_int(ask->out, "standing", version.standing);
    json_put_bool(ask->out, "stale", is_stale(&version));
    preview_put(ask, version.id);
    json_write_object_end(ask->out);
}

/* ---- acts ---- */

/* Beside those of other lists that stand. */
static void limits_check(struct ask *ask, const struct own_list_version *version)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM own_list WHERE standing > 0 AND id <> ?1");
    db_put_i64(&q, version->list);
    if (db_one_i64(&q, 0) >= (int64_t)OWN_LISTS_MAX)
        ask_refuse(ask, "too_large", "there are too many lists: end some that are not needed");
    q = db_query(ask->desk->db, "SELECT coalesce(sum(v.address + v.domain + v.hash + v.url), 0) FROM own_list l"
                                " JOIN own_list_version v ON v.id = l.standing WHERE l.id <> ?1");
    db_put_i64(&q, version->list);
    if (db_one_i64(&q, 0) + own_list_entries(version) > (int64_t)OWN_LIST_ENTRIES)
        ask_refuse(ask, "too_large", "there would be more indicators than there is room for");
}

static int64_t number_of(struct ask *ask, int64_t version)
{
    struct db_query q = db_query(ask->desk->db, "SELECT number FROM own_list_version WHERE id = ?1");
    db_put_i64(&q, version);
    return db_one_i64(&q, 0);
}

/* Of a list no more versions are kept than can be taken back. */
static void old_versions_end(struct ask *ask, int64_t list)
{
    struct db_query q =
        db_query(ask->desk->db, "UPDATE own_list_version SET state = ?2 WHERE list = ?1 AND state = ?3 AND number <="
                                " (SELECT max(number) FROM own_list_version WHERE list = ?1) - ?4"
                                " AND id <> (SELECT standing FROM own_list WHERE id = ?1)");
    db_put_i64(&q, list);
    db_put_i64(&q, OWN_LIST_OLD);
    db_put_i64(&q, OWN_LIST_TAKEN);
    db_put_i64(&q, OWN_LIST_VERSIONS);
    if (db_run(&q) > 0)
        ask->desk->own_lists.works = true;
}

static void take_check(struct ask *ask, const struct own_list_version *version)
{
    if (version->state != OWN_LIST_READY)
        ask_refuse(ask, "state_refuses", "the file is not read, or was taken or given up already");
    else if (is_stale(version))
        ask_refuse(ask, "list_stale", "another version stands than what was shown is against: give the file again");
    else if (version->expires_ns && version->expires_ns <= ask->now_ns)
        ask_refuse(ask, "list_over", "the list would have ended already: give the file again with another end");
    limits_check(ask, version);
}

void ask_own_list_take(struct ask *ask)
{
    struct own_list_version version;
    if (!version_asked(ask, &version))
        return;
    take_check(ask, &version);
    if (ask->error)
        return;
    struct db_query q =
        db_query(ask->desk->db, "SELECT coalesce(max(number), 0) + 1 FROM own_list_version WHERE list = ?1");
    db_put_i64(&q, version.list);
    version.number = db_one_i64(&q, 1);
    q = db_query(ask->desk->db, "UPDATE own_list_version SET state = ?2, number = ?3, taken_by = ?4 WHERE id = ?1");
    db_put_i64(&q, version.id);
    db_put_i64(&q, OWN_LIST_TAKEN);
    db_put_i64(&q, version.number);
    db_put_text(&q, ask->who);
    db_run(&q);
    const struct own_list_step step = {
        .act = "taken", .was = number_of(ask, version.standing), .expires_ns = version.expires_ns};
    own_list_stand(ask->desk, &version, &step, ask->who, ask->now_ns);
    old_versions_end(ask, version.list);
    json_put_str(ask->out, "list", version.list_name);
    json_put_int(ask->out, "list_id", version.list);
    json_put_int(ask->out, "version", version.number);
}

void ask_own_list_drop(struct ask *ask)
{
    struct own_list_version version;
    if (!version_asked(ask, &version))
        return;
    if (version.state > OWN_LIST_READY) {
        ask_refuse(ask, "state_refuses", "the file was taken, or it is over");
        return;
    }
    own_list_record(ask, &version, "list.dropped");
    own_list_over(ask->desk, version.id, OWN_LIST_DROPPED, ask->now_ns);
}

/* "id": a list, "reason". */
void ask_own_list_end(struct ask *ask)
{
    struct own_list_version version;
    struct str reason = rule_reason(ask);
    struct db_query q = db_query(ask->desk->db, "SELECT standing FROM own_list WHERE id = ?1");
    db_put_i64(&q, ask_int(ask, "id"));
    int64_t standing = db_one_i64(&q, -1);
    if (standing < 0)
        ask_refuse(ask, "not_found", "no such list");
    else if (standing == 0 || !own_list_load(ask->desk, standing, ask->arena, &version))
        ask_refuse(ask, "state_refuses", "the list has ended already");
    if (ask->error)
        return;
    const struct own_list_step step = {.act = "ended", .was = version.number, .reason = reason};
    own_list_stand(ask->desk, &version, &step, ask->who, ask->now_ns);
}

/* "id": a version that was taken, "reason", "expires_ns": left out: its own end. */
void ask_own_list_restore(struct ask *ask)
{
    struct own_list_version version;
    if (!version_asked(ask, &version))
        return;
    struct str reason = rule_reason(ask);
    int64_t expires_ns = json_int(json_get(ask->question, "expires_ns"), version.expires_ns);
    if (version.state != OWN_LIST_TAKEN)
        ask_refuse(ask, "state_refuses", "the version was not taken, or its text is not kept any more");
    else if (version.standing == version.id)
        ask_refuse(ask, "state_refuses", "this version stands already");
    expires_check(ask, expires_ns);
    limits_check(ask, &version);
    if (ask->error)
        return;
    const struct own_list_step step = {
        .act = "restored", .was = number_of(ask, version.standing), .expires_ns = expires_ns, .reason = reason};
    own_list_stand(ask->desk, &version, &step, ask->who, ask->now_ns);
    json_put_int(ask->out, "version", version.number);
}
