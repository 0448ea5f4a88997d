/* factor_ask.c - what people do with second factors: set one up, take it down, make recovery codes; what administrators
 * do: say which roles must have one, take one away from who lost the phone. factor.h says why. */
#include "base/assert.h"
#include "base/civil.h"
#include "codec/base32.h"
#include "desk/factor.h"
#include "desk/factor_reset.h"
#include "tlog/hotp.h"

#include <string.h>

#define WAIT_NS     (15 * MINUTE_S * SECOND_NS) /* for the first code of a new secret */
#define SECRET_TEXT 64

static void told(struct ask *ask, const struct person *person, const char *event)
{
    session_record(ask, event, person->name);
    desk_record_end_of(ask->desk, SUBJECT_PERSON, person->id, STR_NONE);
}

/* The person of the session, who must have a password of his own: one that was given is known to another. */
static bool person_read(struct ask *ask, struct session *session, struct person *ret_person)
{
    if (!session_person(ask, session, ret_person))
        return false;
    if (ret_person->must_change)
        ask_refuse(ask, "must_change", "the password must be changed first");
    return !ask->error;
}

/* The same, with his password and, where one is on, a code: an open screen is not enough. */
static bool person_proven(struct ask *ask, struct session *session, struct person *ret_person)
{
    if (!person_read(ask, session, ret_person) ||
        !session_password_is(ask, ret_person, "wrong password for a second factor"))
        return false;
    return !factor_is_on(ask->desk, ret_person->id) || factor_take(ask, ret_person);
}

void ask_factor_get(struct ask *ask)
{
    struct session session;
    struct person person;
    int64_t since_ns = 0, next_ns = 0, reset_ns = 0;
    struct str by = STR(""), why = STR("");
    if (!person_read(ask, &session, &person))
        return;
    struct db_query q =
        db_query(ask->desk->db, "SELECT since_ns, next_ns, reset_ns, reset_by, reset_why FROM factor WHERE user = ?1");
    db_put_i64(&q, person.id);
    if (db_next(&q)) {
        since_ns = db_i64(&q);
        next_ns = db_i64(&q);
        reset_ns = db_i64(&q);
        by = db_text_copy(&q, ask->arena);
        why = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    json_put_int(ask->out, "since_ns", since_ns);
    json_put_bool(ask->out, "waits", next_ns && next_ns + WAIT_NS > ask->now_ns && next_ns <= ask->now_ns);
    json_put_int(ask->out, "codes", factor_codes_left(ask->desk, person.id));
    json_put_bool(ask->out, "required", desk_meta_read(ask->desk, "factor_roles") >> person.role & 1);
    json_put_int(ask->out, "reset_ns", reset_ns);
    json_put_str(ask->out, "reset_by", by);
    json_put_str(ask->out, "reset_why", why);
    history_put(ask->desk, ask->out, SUBJECT_PERSON, person.id);
}

void ask_factor_begin(struct ask *ask)
{
    struct session session;
    struct person person;
    uint8_t secret[HOTP_SECRET_BYTES];
    char storage[SECRET_TEXT];
    struct buf text;
    if (!person_proven(ask, &session, &person))
        return;
    ask->desk->random(secret, sizeof secret);
    struct db_query q =
        db_query(ask->desk->db, "INSERT INTO factor (user, secret, step, since_ns, next, next_ns, reset_ns, reset_by,"
                                " reset_why) VALUES (?1, X'', 0, 0, ?2, ?3, 0, '', '')"
                                " ON CONFLICT (user) DO UPDATE SET next = excluded.next, next_ns = excluded.next_ns");
    db_put_i64(&q, person.id);
    db_put_blob(&q, str_at(secret, sizeof secret));
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    buf_init_fixed(&text, storage, sizeof storage);
    base32_write(&text, secret, sizeof secret, 0);
    json_put_str(ask->out, "secret", buf_view(&text));
    json_put_int(ask->out, "until_ns", ask->now_ns + WAIT_NS);
    told(ask, &person, "factor.begun");
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(storage, sizeof storage);
}

/* The secret that waits; false: none does. */
static bool waiting_read(struct ask *ask, int64_t user, uint8_t ret_secret[HOTP_SECRET_BYTES])
{
    struct db_query q = db_query(
        ask->desk->db, "SELECT next FROM factor WHERE user = ?1 AND next_ns > ?2 AND next_ns <= ?3 AND next <> X''");
    db_put_i64(&q, user);
    db_put_i64(&q, ask->now_ns - WAIT_NS);
    db_put_i64(&q, ask->now_ns);
    bool found = false;
    if (db_next(&q)) {
        struct str secret = db_text(&q);
        found = secret.n == HOTP_SECRET_BYTES;
        memcpy(ret_secret, secret.p, MIN(secret.n, HOTP_SECRET_BYTES));
    }
    db_query_end(&q);
    return found;
}

void ask_factor_confirm(struct ask *ask)
{
    struct session session;
    struct person person;
    uint8_t secret[HOTP_SECRET_BYTES] = {0};
    if (!person_read(ask, &session, &person))
        return;
    if (!waiting_read(ask, person.id, secret)) {
        ask_refuse(ask, "factor_over", "no secret waits for its first code, or it waited too long");
        return;
    }
    int64_t step = factor_step(ask->desk, str_at(secret, sizeof secret), ask_str(ask, "code"), 0, ask->now_ns);
    explicit_bzero(secret, sizeof secret);
    if (!step) {
        ask_refuse(ask, "code_refused", "that is not the code of the new secret");
        return;
    }
    struct db_query q =
        db_query(ask->desk->db, "UPDATE factor SET secret = next, step = ?2, since_ns = ?3, next = X'', next_ns = 0,"
                                " reset_ns = 0, reset_by = '', reset_why = '' WHERE user = ?1");
    db_put_i64(&q, person.id);
    db_put_i64(&q, step);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    factor_codes_make(ask, person.id);
    sessions_end(ask->desk, person.id, session.token); /* they were opened without it */
    told(ask, &person, "factor.on");
}

/* Proven, and one is on. */
static bool standing_read(struct ask *ask, struct session *session, struct person *ret_person)
{
    if (!person_read(ask, session, ret_person))
        return false;
    if (!factor_is_on(ask->desk, ret_person->id))
        ask_refuse(ask, "state_refuses", "no second factor is on");
    return !ask->error && person_proven(ask, session, ret_person);
}

void ask_factor_codes(struct ask *ask)
{
    struct session session;
    struct person person;
    if (!standing_read(ask, &session, &person))
        return;
    factor_codes_make(ask, person.id);
    told(ask, &person, "factor.codes");
}

void ask_factor_off(struct ask *ask)
{
    struct session session;
    struct person person;
    if (!person_read(ask, &session, &person))
        return;
    if (desk_meta_read(ask->desk, "factor_roles") >> person.role & 1) {
        ask_refuse(ask, "factor_required", "people of this role must have a second factor");
        return;
    }
    if (!standing_read(ask, &session, &person))
        return;
    factor_remove(ask->desk, person.id);
    told(ask, &person, "factor.off");
}

void ask_factor_seen(struct ask *ask)
{
    struct session session;
    struct person person;
    if (!person_read(ask, &session, &person))
        return;
    if (db_run_i64(ask->desk->db, "UPDATE factor SET reset_ns = 0 WHERE user = ?1 AND reset_ns > 0", person.id) > 0)
        told(ask, &person, "factor.seen");
}

/* --- administrators --- */

void ask_factor_policy(struct ask *ask)
{
    struct desk *desk = ask->desk;
    int64_t bits = 0, was = desk_meta_read(desk, "factor_roles");
    const struct json_value *list = json_get(ask->question, "roles");
    if (!list || list->kind != JSON_ARRAY)
        ask_invalid(ask, "roles", "which roles must have a second factor is a list");
    for (const struct json_value *v = json_first(list); v && !ask->error; v = v->next) {
        enum role role;
        if (role_find(json_str(v, STR("")), &role))
            bits |= INT64_C(1) << role;
        else
            ask_invalid(ask, "roles", "no such role");
    }
    /* else the one who can take it back would have locked himself out */
    if (!ask->error && bits >> ask->role & 1 && !factor_is_on(desk, ask->user))
        ask_refuse(ask, "factor_first", "who asks it of his own role sets one up first");
    if (ask->error || bits == was)
        return;
    desk_meta_store(desk, "factor_roles", bits);
    struct buf *body = desk_record_begin(desk, "factor.policy", ask->who, ask->now_ns);
    factor_roles_put(desk, body);
    json_put_int(body, "was", was);
    desk_record_end_of(desk, SUBJECT_PERSON, ask->user, STR_NONE);
}

/* His own is not an administrator's to reset: whoever sits at his open screen could, and two persons would be one. */
void ask_factor_reset(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct factor_reset reset = {.user = desk_cut(ask_str(ask, "user"), DESK_USER_MAX), .who = ask->who};
    struct subject subject;
    struct db_query q = db_query(desk->db, "SELECT id FROM user WHERE name = ?1");
    db_put_text(&q, reset.user);
    reset.id = db_one_i64(&q, 0);
    if (reset.id == 0)
        ask_refuse(ask, "not_found", "no such user");
    else if (reset.id == ask->user)
        ask_refuse(ask, "factor_own", "another administrator resets it");
    else if (!factor_is_on(desk, reset.id))
        ask_refuse(ask, "state_refuses", "no second factor is on");
    else if (!factor_reset_reason(ask_str(ask, "reason"), &reset.reason))
        ask_invalid(ask, "reason", "a reason of ten characters at least must be given");
    if (ask->error)
        return;
    factor_reset_store(desk, &reset, ask->now_ns);
    account_handed(ask, reset.id, true);
    if (subject_load(desk, SUBJECT_PERSON, reset.id, &subject))
        notice_put(desk, &subject, &(struct notice){.kind = "factor_reset"}, ask->now_ns);
}
