/* rule_text.c - rules and filters that people wrote: which texts are in effect, until when, and what stood before.
 *
 *      put ──> in effect ──(put of the same name, end, expiry)──> ended, a version of history
 *
 * Each step is a row and a record with the whole text, in one transaction. Those in effect are kept in memory and read
 * again once a transaction that changed them has held. What a text says is not looked at here: who puts it does. */
#include "base/assert.h"
#include "codec/utf8.h"
#include "desk/inside.h"

#include <string.h>

#define TEXTS_MEMORY  (DESK_RULE_TEXTS_BYTES + ((size_t)16 << 20)) /* with the table and what rounding costs */
#define NAME_BYTES    128
#define HISTORY_BYTES ((int64_t)256 << 20) /* of ended versions: past it the oldest go; the archive has them */

struct rule_texts {
    struct arena *arena;
    struct desk_rule_text *text;
    size_t count;
    uint64_t version;
    bool changed; /* by the transaction that is open */
    bool stale;   /* to be read again */
};

bool rule_texts_new(struct desk *desk)
{
    struct rule_texts *texts = memory_new(sizeof *texts);
    desk->rule_texts = texts;
    if (!texts)
        return false;
    texts->version = 1;
    texts->stale = true;
    return true;
}

void rule_texts_free(struct desk *desk)
{
    if (!desk->rule_texts)
        return;
    arena_free(desk->rule_texts->arena);
    memory_free(desk->rule_texts);
    desk->rule_texts = NULL;
}

/* --- those in effect --- */

static struct str copied(struct db_query *q, struct arena *arena)
{
    return arena_str(arena, db_text(q));
}

static void rows_read(struct desk *desk, struct rule_texts *fresh, size_t room)
{
    struct db_query q = db_query(desk->db, "SELECT kind, name, title, text, who, reason, expires_ns FROM rule_text"
                                           " WHERE ended_ns = 0 ORDER BY kind, name");
    while (db_next(&q)) {
        ASSERT(fresh->count < room);
        struct desk_rule_text *text = &fresh->text[fresh->count++];
        text->kind = copied(&q, fresh->arena);
        text->name = copied(&q, fresh->arena);
        text->title = copied(&q, fresh->arena);
        text->text = copied(&q, fresh->arena);
        text->who = copied(&q, fresh->arena);
        text->reason = copied(&q, fresh->arena);
        text->expires_ns = db_i64(&q);
    }
}

/* Without memory what was in effect stays, and the next transaction tries again. */
void rule_texts_renew(struct desk *desk)
{
    struct rule_texts *texts = desk->rule_texts;
    if (!texts->stale)
        return;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM rule_text WHERE ended_ns = 0");
    size_t room = (size_t)db_one_i64(&q, 0);
    struct rule_texts fresh = {.arena = arena_new(TEXTS_MEMORY), .version = texts->version + 1};
    if (fresh.arena)
        fresh.text = arena_alloc_array(fresh.arena, room + 1, sizeof *fresh.text);
    if (fresh.text)
        rows_read(desk, &fresh, room);
    if (!fresh.text || arena_spent(fresh.arena) || db_failed(desk->db)) {
        arena_free(fresh.arena);
        return;
    }
    arena_free(texts->arena);
    *texts = fresh;
}

bool rule_texts_known(const struct desk *desk)
{
    return !desk->rule_texts->stale;
}

void rule_texts_settle(struct desk *desk, bool held)
{
    struct rule_texts *texts = desk->rule_texts;
    struct err ignored;
    bool changed = texts->changed && held;
    texts->changed = false;
    texts->stale = texts->stale || changed;
    if (!changed || db_begin(desk->db, DB_READ, &ignored) != RC_OK)
        return; /* the next transaction reads them */
    rule_texts_renew(desk);
    IGNORE(db_end(desk->db, true, &ignored));
}

bool desk_rule_text_next(const struct desk *desk, size_t *at, struct desk_rule_text *ret_text)
{
    ASSERT(desk->magic == DESK_MAGIC);
    if (*at >= desk->rule_texts->count)
        return false;
    *ret_text = desk->rule_texts->text[(*at)++];
    return true;
}

uint64_t desk_rule_texts_version(const struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->rule_texts->version;
}

/* --- changes --- */

void rule_text_uuid(struct buf *out, const uint8_t *bytes, uint8_t version)
{
    uint8_t id[RULE_TEXT_UUID_BYTES];
    memcpy(id, bytes, sizeof id);
    id[6] = (uint8_t)(version << 4 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    for (size_t i = 0; i < sizeof id; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_char(out, '-');
        buf_hex(out, &id[i], 1);
    }
}

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && str_find(STR("-._"), name.p[i]) == 3)
            return false;
    return name.n > 0 && name.n <= NAME_BYTES;
}

bool rule_text_valid(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] < 0x20 && str_find(STR("\n\r\t"), text.p[i]) == 3) || text.p[i] == 0x7f)
            return false;
    return utf8_valid(text);
}

static enum rc text_check(const struct desk_rule_text *text, struct err *err)
{
    if (!str_is(text->kind, "rule") && !str_is(text->kind, "filter"))
        return err_set(err, RC_INVALID, "no such kind of text");
    if (!name_valid(text->name))
        return err_set(err, RC_INVALID, "an id has letters, digits, - . _ and at most %d of them", NAME_BYTES);
    if (text->title.n > DESK_NAME_MAX || !desk_one_line(text->title))
        return err_set(err, RC_INVALID, "the title is not one line of at most %d bytes", DESK_NAME_MAX);
    if (text->text.n == 0 || !rule_text_valid(text->text))
        return err_set(err, RC_INVALID, "the text is empty, not UTF-8, or has control characters");
    if (text->text.n > DESK_RULE_TEXT_MAX)
        return err_set(err, RC_INVALID, "the text is longer than %zu KiB", DESK_RULE_TEXT_MAX >> 10);
    if (text->reason.n > DESK_TEXT_MAX || !rule_text_valid(text->reason))
        return err_set(err, RC_INVALID, "the reason is too long, or has control characters");
    if (text->expires_ns < 0 || text->who.n > DESK_USER_MAX)
        return err_set(err, RC_INVALID, "no such time or user");
    return RC_OK;
}

static size_t text_bytes(const struct desk_rule_text *text)
{
    return text->kind.n + text->name.n + text->title.n + text->text.n + text->who.n + text->reason.n;
}

static enum rc room_check(struct desk *desk, const struct desk_rule_text *text, struct err *err)
{
    int64_t count = 0, bytes = 0;
    struct db_query q = db_query(desk->db, "SELECT count(*), coalesce(sum(bytes), 0) FROM rule_text"
                                           " WHERE ended_ns = 0 AND NOT (kind = ?1 AND name = ?2)");
    db_put_text(&q, text->kind);
    db_put_text(&q, text->name);
    if (db_next(&q)) {
        count = db_i64(&q);
        bytes = db_i64(&q);
    }
    db_query_end(&q);
    if (count >= (int64_t)DESK_RULE_TEXTS_MAX)
        return err_set(err, RC_LIMIT, "there are %u own rules and filters already", DESK_RULE_TEXTS_MAX);
    if (bytes + (int64_t)text_bytes(text) > (int64_t)DESK_RULE_TEXTS_BYTES)
        return err_set(err, RC_LIMIT, "own rules and filters have %zu MiB already", DESK_RULE_TEXTS_BYTES >> 20);
    return RC_OK;
}

/* `act`: put, ended or expired. The text goes along only when it begins to stand. */
static int64_t change_tell(struct desk *desk, const struct desk_rule_text *text, const char *act, int64_t version,
                           int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, "rule.text", text->who, now_ns);
    json_put_text(body, "act", act);
    json_put_str(body, "kind", text->kind);
    json_put_str(body, "name", text->name);
    json_put_str(body, "title", text->title);
    json_put_int(body, "version", version);
    if (text->expires_ns)
        json_put_int(body, "expires_ns", text->expires_ns);
    if (text->text.n)
        json_put_str(body, "text", text->text);
    return desk_record_end(desk, 0, text->reason);
}

/* The row in effect ends; false: there is none. */
static bool row_end(struct desk *desk, const struct desk_rule_text *text, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE rule_text SET ended_ns = ?3, ended_by = ?4, ended_why = ?5"
                                           " WHERE kind = ?1 AND name = ?2 AND ended_ns = 0");
    db_put_text(&q, text->kind);
    db_put_text(&q, text->name);
    db_put_i64(&q, MAX(now_ns, 1));
    db_put_text(&q, text->who);
    db_put_text(&q, text->reason);
    bool was = db_run(&q) > 0;
    desk->rule_texts->changed = desk->rule_texts->changed || was;
    return was;
}

static void row_add(struct desk *desk, const struct desk_rule_text *text, int64_t version, int64_t outgoing,
                    int64_t now_ns)
{
    struct db_query q =
        db_query(desk->db, "INSERT INTO rule_text (kind, name, version, bytes, from_ns, expires_ns, ended_ns, title,"
                           " who, reason, ended_by, ended_why, outgoing, text)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, '', '', ?10, ?11)");
    db_put_text(&q, text->kind);
    db_put_text(&q, text->name);
    db_put_i64(&q, version);
    db_put_i64(&q, (int64_t)text_bytes(text));
    db_put_i64(&q, now_ns);
    db_put_i64(&q, text->expires_ns);
    db_put_text(&q, text->title);
    db_put_text(&q, text->who);
    db_put_text(&q, text->reason);
    db_put_i64(&q, outgoing);
    db_put_text(&q, text->text);
    db_run(&q);
    desk->rule_texts->changed = true;
}

enum rc rule_text_put(struct desk *desk, const struct desk_rule_text *text, int64_t now_ns, struct err *err)
{
    enum rc rc = text_check(text, err);
    if (rc == RC_OK && text->expires_ns && text->expires_ns <= now_ns)
        rc = err_set(err, RC_INVALID, "the text would have expired already");
    if (rc == RC_OK)
        rc = room_check(desk, text, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q =
        db_query(desk->db, "SELECT coalesce(max(version), 0) + 1 FROM rule_text WHERE kind = ?1 AND name = ?2");
    db_put_text(&q, text->kind);
    db_put_text(&q, text->name);
    int64_t version = db_one_i64(&q, 1);
    IGNORE(row_end(desk, text, now_ns));
    row_add(desk, text, version, change_tell(desk, text, "put", version, now_ns), now_ns);
    return RC_OK;
}

/* What is in effect under a name, without its text. */
static bool head_read(struct desk *desk, struct desk_rule_text *text, int64_t *ret_version)
{
    struct db_query q = db_query(desk->db, "SELECT title, expires_ns, version FROM rule_text"
                                           " WHERE kind = ?1 AND name = ?2 AND ended_ns = 0");
    db_put_text(&q, text->kind);
    db_put_text(&q, text->name);
    bool found = db_next(&q);
    if (found) {
        text->title = db_text_copy(&q, desk->scratch);
        text->expires_ns = db_i64(&q);
        *ret_version = db_i64(&q);
    }
    db_query_end(&q);
    return found;
}

enum rc rule_text_end(struct desk *desk, const struct desk_rule_text *which, int64_t now_ns, struct err *err)
{
    struct desk_rule_text text = {.kind = which->kind, .name = which->name, .who = which->who, .reason = which->reason};
    int64_t version = 0;
    if (text.reason.n > DESK_TEXT_MAX || !rule_text_valid(text.reason))
        return err_set(err, RC_INVALID, "the reason is too long, or has control characters");
    if (!head_read(desk, &text, &version) || !row_end(desk, &text, now_ns))
        return err_set(err, RC_NOT_FOUND, "no text of that name is in effect");
    IGNORE(change_tell(desk, &text, "ended", version, now_ns));
    return RC_OK;
}

void rule_text_refused(struct ask *ask, enum rc rc, const struct err *err, const char *field)
{
    const char *kept = arena_strz(ask->arena, str_of(err->text));
    const char *why = kept ? kept : "no memory to say why";
    ASSERT(rc != RC_OK && field);
    if (rc == RC_INVALID)
        ask_invalid(ask, field, why);
    else
        ask_refuse(ask, rc == RC_NOT_FOUND ? "not_found" : rc == RC_AGAIN ? "unavailable" : "too_large", why);
}

/* One at a time: ending it changes what the query sees. */
static bool expired_next(struct desk *desk, int64_t now_ns, struct desk_rule_text *ret)
{
    struct db_query q = db_query(desk->db, "SELECT kind, name FROM rule_text WHERE ended_ns = 0 AND expires_ns > 0"
                                           " AND expires_ns <= ?1 ORDER BY expires_ns LIMIT 1");
    db_put_i64(&q, now_ns);
    bool found = db_next(&q);
    if (found) {
        *ret =
            (struct desk_rule_text){.kind = db_text_copy(&q, desk->scratch), .name = db_text_copy(&q, desk->scratch)};
        ret->who = STR("qorgan");
    }
    db_query_end(&q);
    return found;
}

#define EXPIRED_MAX 1000 /* ended in one tick; the rest in the next */

void rule_texts_tick(struct desk *desk, int64_t now_ns)
{
    struct desk_rule_text text;
    int64_t version = 0;
    for (size_t i = 0; i < EXPIRED_MAX && expired_next(desk, now_ns, &text); i++) {
        if (!head_read(desk, &text, &version) || !row_end(desk, &text, now_ns))
            return; /* the database failed */
        IGNORE(change_tell(desk, &text, "expired", version, now_ns));
    }
}

void rule_texts_clean(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "DELETE FROM rule_text WHERE id IN (SELECT id FROM (SELECT id,"
                                           " sum(bytes) OVER (ORDER BY id DESC) AS past FROM rule_text"
                                           " WHERE ended_ns > 0) WHERE past > ?1)");
    db_put_i64(&q, HISTORY_BYTES);
    db_run(&q);
}

enum rc desk_rule_text_put(struct desk *desk, const struct desk_rule_text *text, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    rc = rule_text_put(desk, text, now_ns, err);
    enum rc end = desk_end(desk, rc == RC_OK, rc == RC_OK ? err : NULL);
    return rc == RC_OK ? end : rc;
}

enum rc desk_rule_text_end(struct desk *desk, const struct desk_rule_text *which, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    rc = rule_text_end(desk, which, now_ns, err);
    enum rc end = desk_end(desk, rc == RC_OK, rc == RC_OK ? err : NULL);
    return rc == RC_OK ? end : rc;
}
