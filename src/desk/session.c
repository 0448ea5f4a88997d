/* session.c - signing in, staying signed in, lock-out.
 *
 *   password ──► no second factor is on ──────────────────────────► session
 *       │  right                                                      ▲
 *       └──────► one is on ──► half signed in, five minutes ── code ──┘
 *
 * A token is 256 random bits, given once; only its SHA-256 is stored. Failures are counted by user name, known or not,
 * and by address. Five failures lock a name for 15 minutes; an address waits 1, 2, 4... seconds from its fifth failure
 * on, at most 15 minutes. Source: order 111/NK Annex 1 (authentication functions).
 *
 * Whoever is half signed in stands in a table of its own (half_session): no question but session.code looks there, so
 * that he may do nothing else whatever is added later, and no session has to be told from half of one.
 *
 * The password comes first and a code is wanted only once it was right. An unknown name, a wrong password and a blocked
 * account are one answer after one Argon2id, whether a second factor is on or not: who does not know the password
 * learns neither that it is wrong by a letter nor that a code would come. Who knows it learns no more than he knew. To
 * ask everybody for a code at once would hide that too, but would let anybody use up people's codes, and ask those for
 * one who have none.
 *
 * Failures are forgotten only when the sign-in is whole. Were they forgotten at a right password, who knows it could
 * try four codes and the password again, for ever. So wrong codes lock like wrong passwords, on the same count: of 10^6
 * codes with three that hold, 480 tries a day hit once in two years on the average, and each of them is a record. */
#include "desk/session.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/factor.h"

#include <string.h>

#define FAILURES_MAX    5
#define LOCK_NS         (15 * MINUTE_S * SECOND_NS)
#define FORGET_NS       (HOUR_S * SECOND_NS)
#define IDLE_NS         (30 * MINUTE_S * SECOND_NS)
#define ABSOLUTE_NS     (12 * HOUR_S * SECOND_NS)
#define TOUCH_NS        (MINUTE_S * SECOND_NS) /* the idle limit is moved on at most this often: a write each */
#define ATTEMPT_KEY_MAX 300
#define TOKEN_HEX       SESSION_TOKEN_HEX
#define HALF_NS         (5 * MINUTE_S * SECOND_NS) /* between password and code */
#define CSRF_HEX        32

/* --- attempts --- */

struct attempt {
    int64_t failures;
    int64_t until_ns;
    int64_t last_ns;
};

static struct attempt attempt_get(struct desk *desk, struct str name)
{
    struct attempt attempt = {0};
    struct db_query q = db_query(desk->db, "SELECT failures, until_ns, last_ns FROM attempt WHERE name = ?1");
    db_put_text(&q, name);
    if (db_next(&q)) {
        attempt.failures = db_i64(&q);
        attempt.until_ns = db_i64(&q);
        attempt.last_ns = db_i64(&q);
    }
    db_query_end(&q);
    return attempt;
}

static void attempt_put(struct desk *desk, struct str name, struct attempt attempt)
{
    struct db_query q =
        db_query(desk->db, "INSERT INTO attempt (name, failures, until_ns, last_ns) VALUES (?1, ?2, ?3, ?4)"
                           " ON CONFLICT (name) DO UPDATE SET failures = ?2, until_ns = ?3, last_ns = ?4");
    db_put_text(&q, name);
    db_put_i64(&q, attempt.failures);
    db_put_i64(&q, attempt.until_ns);
    db_put_i64(&q, attempt.last_ns);
    db_run(&q);
}

static struct str attempt_key(struct buf *buf, char storage[ATTEMPT_KEY_MAX], const char *what, struct str name)
{
    buf_init_fixed(buf, storage, ATTEMPT_KEY_MAX);
    buf_text(buf, what);
    buf_str(buf, desk_cut(name, DESK_FIELD_MAX));
    return buf_view(buf);
}

/* One more failure of a name or an address; returns until when it is locked, 0 when it is not. */
static int64_t attempt_fail(struct desk *desk, struct str name, bool is_user, int64_t now_ns)
{
    struct attempt attempt = attempt_get(desk, name);
    bool old = attempt.last_ns + FORGET_NS < now_ns || attempt.last_ns > now_ns;
    bool served = is_user && attempt.until_ns && attempt.until_ns <= now_ns;
    attempt.failures = old || served ? 1 : attempt.failures + 1;
    attempt.last_ns = now_ns;
    attempt.until_ns = 0;
    if (is_user && attempt.failures >= FAILURES_MAX)
        attempt.until_ns = now_ns + LOCK_NS;
    else if (!is_user && attempt.failures >= FAILURES_MAX)
        attempt.until_ns = now_ns + MIN(LOCK_NS, SECOND_NS << MIN(attempt.failures - FAILURES_MAX, 20));
    attempt_put(desk, name, attempt);
    return attempt.until_ns;
}

/* --- sessions --- */

static struct str token_hash(struct desk *desk, struct str token, char storage[TOKEN_HEX])
{
    struct tlog_hash hash;
    tlog_hash_bytes(desk->hasher, token, &hash);
    return str_at(storage, hex_encode(hash.bytes, sizeof hash.bytes, storage));
}

void sessions_clean(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "DELETE FROM session WHERE used_ns < ?1 OR opened_ns < ?2");
    db_put_i64(&q, now_ns - IDLE_NS);
    db_put_i64(&q, now_ns - ABSOLUTE_NS);
    db_run(&q);
    q = db_query(desk->db, "DELETE FROM half_session WHERE opened_ns <= ?1 OR opened_ns > ?2");
    db_put_i64(&q, now_ns - HALF_NS);
    db_put_i64(&q, now_ns);
    db_run(&q);
    q = db_query(desk->db, "DELETE FROM attempt WHERE last_ns < ?1 AND until_ns < ?2");
    db_put_i64(&q, now_ns - FORGET_NS);
    db_put_i64(&q, now_ns);
    db_run(&q);
}

static struct str token_make(struct desk *desk, char storage[TOKEN_HEX])
{
    uint8_t bytes[TOKEN_HEX / 2];
    desk->random(bytes, sizeof bytes);
    struct str made = str_at(storage, hex_encode(bytes, sizeof bytes, storage));
    explicit_bzero(bytes, sizeof bytes);
    return made;
}

static void session_make(struct ask *ask, int64_t user)
{
    struct desk *desk = ask->desk;
    uint8_t bytes[CSRF_HEX / 2];
    char token[TOKEN_HEX], csrf[CSRF_HEX], hash[TOKEN_HEX];
    sessions_clean(desk, ask->now_ns);
    /* The oldest give way, so that with the new one there are at most five. */
    struct db_query q =
        db_query(desk->db, "DELETE FROM session WHERE token IN (SELECT token FROM session WHERE user = ?1"
                           " ORDER BY opened_ns DESC, token LIMIT -1 OFFSET ?2)");
    db_put_i64(&q, user);
    db_put_i64(&q, DESK_SESSIONS_A_USER - 1);
    db_run(&q);
    struct str made = token_make(desk, token);
    desk->random(bytes, sizeof bytes);
    q = db_query(desk->db, "INSERT INTO session (token, user, csrf, address, opened_ns, used_ns)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?5)");
    db_put_text(&q, token_hash(desk, made, hash));
    db_put_i64(&q, user);
    db_put_text(&q, str_at(csrf, hex_encode(bytes, sizeof bytes, csrf)));
    db_put_text(&q, desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX));
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    json_put_str(ask->out, "token", made);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(token, sizeof token);
}

static bool person_find(struct ask *ask, struct str name, struct person *ret_person)
{
    struct db_query q = db_query(
        ask->desk->db, "SELECT id, role, name, language, hash, enabled, must_change FROM user WHERE name = ?1");
    db_put_text(&q, name);
    bool found = db_next(&q);
    if (found)
        *ret_person = (struct person){
            .id = db_i64(&q),
            .role = db_i64(&q),
            .name = db_text_copy(&q, ask->arena),
            .language = db_text_copy(&q, ask->arena),
            .hash = db_text_copy(&q, ask->arena),
            .enabled = db_i64(&q),
            .must_change = db_i64(&q),
        };
    db_query_end(&q);
    return found;
}

static void person_put(struct buf *out, const struct person *person)
{
    json_put_str(out, "user", person->name);
    json_put_text(out, "role", role_name(person->role));
    json_put_str(out, "language", person->language);
    json_put_bool(out, "must_change", person->must_change);
}

struct buf *session_record(struct ask *ask, const char *event, struct str user)
{
    struct buf *body = desk_record_begin(ask->desk, event, user, ask->now_ns);
    json_put_str(body, "user", desk_cut(user, DESK_USER_MAX));
    json_put_str(body, "address", desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX));
    return body;
}

static void attempt_record(struct ask *ask, const char *event, struct str user, const char *why)
{
    struct buf *body = session_record(ask, event, user);
    if (why)
        json_put_text(body, "reason", why);
    desk_record_end(ask->desk, 0, STR_NONE);
}

static void refuse_locked(struct ask *ask, struct str user, int64_t until_ns)
{
    ask_refuse(ask, "locked", "too many failed attempts");
    ask->until_ns = until_ns;
    ask->keep = true;
    attempt_record(ask, "session.locked", user, "too many failed attempts");
}

void session_refuse(struct ask *ask, struct str user, const char *error, const char *why)
{
    char storage[ATTEMPT_KEY_MAX];
    struct buf buf;
    ask_refuse(ask, error, "what was given for signing in is wrong");
    ask->keep = true;
    attempt_fail(ask->desk, attempt_key(&buf, storage, "user:", user), true, ask->now_ns);
    if (ask_str(ask, "address").n) /* without one, all who have none would wait for each other */
        attempt_fail(ask->desk, attempt_key(&buf, storage, "address:", ask_str(ask, "address")), false, ask->now_ns);
    attempt_record(ask, "session.refused", user, why);
}

static void refuse_password(struct ask *ask, struct str user, const char *why)
{
    session_refuse(ask, user, "sign_in_refused", why);
}

static int64_t locked_until(struct ask *ask, struct str user)
{
    char storage[ATTEMPT_KEY_MAX];
    struct buf buf;
    int64_t by_name = attempt_get(ask->desk, attempt_key(&buf, storage, "user:", user)).until_ns;
    int64_t by_address =
        attempt_get(ask->desk, attempt_key(&buf, storage, "address:", ask_str(ask, "address"))).until_ns;
    return MAX(by_name, by_address) > ask->now_ns ? MAX(by_name, by_address) : 0;
}

bool session_locked(struct ask *ask, struct str user)
{
    int64_t until_ns = locked_until(ask, user);
    if (until_ns)
        refuse_locked(ask, user, until_ns);
    return until_ns != 0;
}

/* The sign-in is whole: failures are forgotten, the session is made. */
static void session_enter(struct ask *ask, const struct person *person, const char *factor)
{
    char storage[ATTEMPT_KEY_MAX], second[ATTEMPT_KEY_MAX];
    struct buf buf, other;
    struct db_query q = db_query(ask->desk->db, "DELETE FROM attempt WHERE name = ?1 OR name = ?2");
    db_put_text(&q, attempt_key(&buf, storage, "user:", person->name));
    db_put_text(&q, attempt_key(&other, second, "address:", ask_str(ask, "address")));
    db_run(&q);
    session_make(ask, person->id);
    person_put(ask->out, person);
    factor_sign_in_put(ask, person);
    q = db_query(ask->desk->db, "UPDATE user SET last_ns = ?1 WHERE id = ?2");
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, person->id);
    db_run(&q);
    struct buf *body = session_record(ask, "session.opened", person->name);
    if (factor)
        json_put_text(body, "factor", factor);
    desk_record_end(ask->desk, 0, STR_NONE);
}

/* The password was right, a code is wanted. */
static void half_make(struct ask *ask, const struct person *person)
{
    struct desk *desk = ask->desk;
    char token[TOKEN_HEX], hash[TOKEN_HEX];
    sessions_clean(desk, ask->now_ns);
    struct db_query q =
        db_query(desk->db, "DELETE FROM half_session WHERE token IN (SELECT token FROM half_session WHERE user = ?1"
                           " ORDER BY opened_ns DESC, token LIMIT -1 OFFSET ?2)");
    db_put_i64(&q, person->id);
    db_put_i64(&q, DESK_SESSIONS_A_USER - 1);
    db_run(&q);
    struct str made = token_make(desk, token);
    q = db_query(desk->db, "INSERT INTO half_session (token, user, opened_ns) VALUES (?1, ?2, ?3)");
    db_put_text(&q, token_hash(desk, made, hash));
    db_put_i64(&q, person->id);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    json_put_str(ask->out, "half", made);
    json_put_int(ask->out, "until_ns", ask->now_ns + HALF_NS);
    attempt_record(ask, "session.code_wanted", person->name, NULL);
    explicit_bzero(token, sizeof token);
}

void ask_session_open(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct str user = desk_cut(ask_str(ask, "user"), DESK_USER_MAX);
    struct person person = {0};
    if (session_locked(ask, user))
        return;
    bool known = person_find(ask, user, &person);
    struct str hash = known ? person.hash : password_nobody(desk);
    bool right = password_verify(hash, ask_str(ask, "password"));
    if (!known || !right || !person.enabled)
        refuse_password(ask, user, !known ? "no such user" : right ? "the account is disabled" : "wrong password");
    else if (factor_is_on(desk, person.id))
        half_make(ask, &person);
    else
        session_enter(ask, &person, NULL);
}

/* Whose half session the question's is. One from after now is of a clock that was put back: it is over, too. */
static bool half_find(struct ask *ask, struct str *ret_hash, struct person *ret_person)
{
    struct str half = ask_str(ask, "half"), name = STR("");
    char *storage = arena_alloc_raw(ask->arena, TOKEN_HEX);
    if (half.n == TOKEN_HEX && storage) {
        *ret_hash = token_hash(ask->desk, half, storage);
        struct db_query q =
            db_query(ask->desk->db, "SELECT u.name FROM half_session h JOIN user u ON u.id = h.user"
                                    " WHERE h.token = ?1 AND h.opened_ns > ?2 AND h.opened_ns <= ?3 AND u.enabled = 1");
        db_put_text(&q, *ret_hash);
        db_put_i64(&q, ask->now_ns - HALF_NS);
        db_put_i64(&q, ask->now_ns);
        if (db_next(&q))
            name = db_text_copy(&q, ask->arena);
        db_query_end(&q);
    }
    bool found = name.n && person_find(ask, name, ret_person);
    if (!found)
        ask_refuse(ask, "session_ended", "there is no such half of a sign-in, or it is over");
    return found;
}

void ask_session_code(struct ask *ask)
{
    struct str hash;
    struct person person;
    if (!half_find(ask, &hash, &person) || session_locked(ask, person.name))
        return;
    const char *factor = factor_take(ask, &person);
    if (!factor)
        return;
    struct db_query q = db_query(ask->desk->db, "DELETE FROM half_session WHERE token = ?1");
    db_put_text(&q, hash);
    db_run(&q);
    session_enter(ask, &person, factor);
}

bool session_find(struct ask *ask, struct session *ret_session)
{
    char storage[TOKEN_HEX];
    struct str token = ask_str(ask, "token");
    bool found = false;
    if (token.n == TOKEN_HEX) {
        struct db_query q =
            db_query(ask->desk->db, "SELECT s.token, u.name, s.csrf, s.used_ns, s.opened_ns FROM session s JOIN user u"
                                    " ON u.id = s.user WHERE s.token = ?1 AND u.enabled = 1");
        db_put_text(&q, token_hash(ask->desk, token, storage));
        if (db_next(&q)) {
            ret_session->token = db_text_copy(&q, ask->arena);
            ret_session->user = db_text_copy(&q, ask->arena);
            ret_session->csrf = db_text_copy(&q, ask->arena);
            ret_session->used_ns = db_i64(&q);
            found = ret_session->used_ns + IDLE_NS > ask->now_ns && db_i64(&q) + ABSOLUTE_NS > ask->now_ns;
        }
        db_query_end(&q);
    }
    if (!found)
        ask_refuse(ask, "session_ended", "there is no such session, or it is over");
    return found;
}

bool session_person(struct ask *ask, struct session *ret_session, struct person *ret_person)
{
    return session_find(ask, ret_session) && person_find(ask, ret_session->user, ret_person);
}

void ask_session_check(struct ask *ask)
{
    struct session session;
    struct person person;
    if (!session_person(ask, &session, &person))
        return;
    person_put(ask->out, &person);
    json_put_bool(ask->out, "must_enrol", factor_is_lacking(ask->desk, person.id));
    json_put_str(ask->out, "csrf", session.csrf);
    int64_t age = ask->now_ns - session.used_ns;
    /* A page that renews itself is no sign of a person: an open screen must not stay signed in for ever. */
    bool passive = json_bool(json_get(ask->question, "passive"), false);
    if (passive || (age < TOUCH_NS && age >= 0))
        return;
    struct db_query q = db_query(ask->desk->db, "UPDATE session SET used_ns = ?1 WHERE token = ?2");
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, session.token);
    db_run(&q);
}

void ask_session_close(struct ask *ask)
{
    struct session session;
    if (!session_find(ask, &session))
        return;
    struct db_query q = db_query(ask->desk->db, "DELETE FROM session WHERE token = ?1");
    db_put_text(&q, session.token);
    db_run(&q);
    attempt_record(ask, "session.closed", session.user, NULL);
}

void ask_password_change(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct session session;
    struct person person;
    char hash[DESK_HASH_TEXT_MAX];
    struct str fresh = ask_str(ask, "new");
    if (!session_person(ask, &session, &person) || session_locked(ask, person.name))
        return;
    if (!password_verify(person.hash, ask_str(ask, "old"))) {
        refuse_password(ask, person.name, "wrong old password");
        return;
    }
    const char *weakness = password_weakness(person.name, fresh);
    if (!weakness && str_eq(fresh, ask_str(ask, "old")))
        weakness = "the password is the old one";
    if (weakness) {
        ask_refuse(ask, "password_weak", weakness);
        return;
    }
    if (!password_hash(desk, fresh, hash))
        return;
    struct db_query q = db_query(desk->db, "UPDATE user SET hash = ?1, must_change = 0 WHERE id = ?2");
    db_put_text(&q, str_of(hash));
    db_put_i64(&q, person.id);
    db_run(&q);
    sessions_end(desk, person.id, session.token);
    attempt_record(ask, "password.changed", person.name, NULL);
}

bool session_password_is(struct ask *ask, const struct person *person, const char *why)
{
    if (!session_locked(ask, person->name) && !password_verify(person->hash, ask_str(ask, "password")))
        refuse_password(ask, person->name, why);
    return !ask->error;
}

bool session_password_right(struct ask *ask)
{
    struct person person;
    if (!person_find(ask, ask->who, &person)) {
        ask_refuse(ask, "denied", "this user may not ask that");
        return false;
    }
    return session_password_is(ask, &person, "wrong password for a token");
}

void sessions_end(struct desk *desk, int64_t user, struct str keep)
{
    struct db_query q = db_query(desk->db, "DELETE FROM session WHERE user = ?1 AND token <> ?2");
    db_put_i64(&q, user);
    db_put_text(&q, keep);
    db_run(&q);
    db_run_i64(desk->db, "DELETE FROM half_session WHERE user = ?1", user);
}

void ask_language_set(struct ask *ask)
{
    struct session session;
    enum term_language language;
    if (!session_find(ask, &session))
        return;
    if (!language_find(ask_str(ask, "language"), &language)) {
        ask_invalid(ask, "language", "not one of kk, ru, en");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "UPDATE user SET language = ?1 WHERE name = ?2");
    db_put_text(&q, str_of(language_name(language)));
    db_put_text(&q, session.user);
    db_run(&q);
}
