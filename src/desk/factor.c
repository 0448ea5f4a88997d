#include "desk/factor.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/base32.h"
#include "tlog/hotp.h"

#include <string.h>

#define RECOVERY_BYTES 10 /* sixteen signs: four groups of four */
#define RECOVERY_TEXT  32
#define NEAR_STEPS     1 /* a phone's clock may be so far off */

bool factor_is_on(struct desk *desk, int64_t user)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM factor WHERE user = ?1 AND since_ns > 0");
    db_put_i64(&q, user);
    return db_one_i64(&q, 0) > 0;
}

bool factor_is_lacking(struct desk *desk, int64_t user)
{
    struct db_query q =
        db_query(desk->db, "SELECT count(*) FROM meta m, user u WHERE m.key = 'factor_roles' AND u.id = ?1"
                           " AND (CAST(m.value AS INTEGER) >> u.role & 1) = 1"
                           " AND NOT EXISTS (SELECT 1 FROM factor f WHERE f.user = u.id AND f.since_ns > 0)");
    db_put_i64(&q, user);
    return db_one_i64(&q, 1) > 0;
}

void factor_sign_in_put(struct ask *ask, const struct person *person)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM factor WHERE user = ?1 AND reset_ns > 0");
    db_put_i64(&q, person->id);
    json_put_bool(ask->out, "factor_reset", db_one_i64(&q, 0) > 0);
    json_put_bool(ask->out, "must_enrol", factor_is_lacking(ask->desk, person->id));
}

void factor_roles_put(struct desk *desk, struct buf *out)
{
    int64_t roles = desk_meta_read(desk, "factor_roles");
    json_write_key(out, "factor_roles");
    json_write_array(out);
    for (int64_t role = 0; role < ROLE_COUNT; role++)
        if (roles >> role & 1)
            json_write_text(out, role_name(role));
    json_write_array_end(out);
}

/* --- codes of a phone --- */

/* Six digits, with blanks as phones show them; false: something else. */
static bool code_read(struct str text, uint32_t *ret_code)
{
    unsigned digits = 0;
    *ret_code = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ')
            continue;
        if (!char_is_digit(text.p[i]) || ++digits > HOTP_DIGITS)
            return false;
        *ret_code = *ret_code * 10 + (uint32_t)(text.p[i] - '0');
    }
    return digits == HOTP_DIGITS;
}

int64_t factor_step(struct desk *desk, struct str secret, struct str code, int64_t after, int64_t now_ns)
{
    uint32_t want = 0;
    int64_t now = now_ns / (TOTP_STEP_S * SECOND_NS), found = 0;
    bool whole = code_read(code, &want);
    ASSERT(secret.n == HOTP_SECRET_BYTES);
    if (now <= NEAR_STEPS)
        return 0;
    for (int64_t step = now + NEAR_STEPS; step >= now - NEAR_STEPS; step--) {
        uint32_t value = 0;
        if (!hotp_value(secret, (uint64_t)step, &value))
            db_fail(desk->db, RC_LIMIT, "could not reckon a code: out of memory");
        bool fits = (value % HOTP_CODES ^ want) == 0 && step > after;
        found = fits ? step : found; /* the lowest that fits: the others stay to be used */
    }
    return whole && !db_failed(desk->db) ? found : 0;
}

static void secret_read(struct db_query *q, uint8_t ret_secret[HOTP_SECRET_BYTES])
{
    struct str secret = db_text(q);
    if (secret.n == HOTP_SECRET_BYTES)
        memcpy(ret_secret, secret.p, HOTP_SECRET_BYTES);
}

static bool code_take(struct ask *ask, const struct person *person)
{
    struct desk *desk = ask->desk;
    uint8_t secret[HOTP_SECRET_BYTES] = {0};
    int64_t last = INT64_MAX;
    struct db_query q = db_query(desk->db, "SELECT secret, step FROM factor WHERE user = ?1 AND since_ns > 0");
    db_put_i64(&q, person->id);
    if (db_next(&q)) {
        secret_read(&q, secret);
        last = db_i64(&q);
    }
    db_query_end(&q);
    struct str kept = str_at(secret, sizeof secret);
    int64_t step = factor_step(desk, kept, ask_str(ask, "code"), last, ask->now_ns);
    bool used = !step && factor_step(desk, kept, ask_str(ask, "code"), 0, ask->now_ns) && last != INT64_MAX;
    explicit_bzero(secret, sizeof secret);
    if (!step) {
        session_refuse(ask, person->name, "code_refused", used ? "the code was used before" : "wrong code");
        return false;
    }
    q = db_query(desk->db, "UPDATE factor SET step = ?2 WHERE user = ?1");
    db_put_i64(&q, person->id);
    db_put_i64(&q, step);
    db_run(&q);
    return true;
}

/* --- recovery codes --- */

static struct str recovery_digest(struct desk *desk, const uint8_t bytes[RECOVERY_BYTES],
                                  char storage[2 * TLOG_HASH_SIZE])
{
    struct tlog_hash hash;
    tlog_hash_bytes(desk->hasher, str_at(bytes, RECOVERY_BYTES), &hash);
    return str_at(storage, hex_encode(hash.bytes, sizeof hash.bytes, storage));
}

int64_t factor_codes_left(struct desk *desk, int64_t user)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM factor_code WHERE user = ?1 AND used_ns = 0");
    db_put_i64(&q, user);
    return db_one_i64(&q, 0);
}

static bool recovery_take(struct ask *ask, const struct person *person)
{
    uint8_t bytes[RECOVERY_BYTES];
    char digest[2 * TLOG_HASH_SIZE];
    size_t n = 0;
    int64_t taken = 0;
    if (base32_read(ask_str(ask, "recovery"), bytes, sizeof bytes, &n) && n == sizeof bytes) {
        struct db_query q = db_query(
            ask->desk->db, "UPDATE factor_code SET used_ns = ?3 WHERE user = ?1 AND digest = ?2 AND used_ns = 0");
        db_put_i64(&q, person->id);
        db_put_text(&q, recovery_digest(ask->desk, bytes, digest));
        db_put_i64(&q, ask->now_ns);
        taken = db_run(&q);
    }
    explicit_bzero(bytes, sizeof bytes);
    if (taken != 1) {
        session_refuse(ask, person->name, "code_refused", "wrong recovery code");
        return false;
    }
    struct buf *body = session_record(ask, "factor.recovery", person->name);
    json_put_int(body, "left", factor_codes_left(ask->desk, person->id));
    desk_record_end_of(ask->desk, SUBJECT_PERSON, person->id, STR_NONE);
    return true;
}

const char *factor_take(struct ask *ask, const struct person *person)
{
    if (ask_str(ask, "recovery").n)
        return recovery_take(ask, person) ? "recovery" : NULL;
    return code_take(ask, person) ? "code" : NULL;
}

void factor_codes_make(struct ask *ask, int64_t user)
{
    struct desk *desk = ask->desk;
    db_run_i64(desk->db, "DELETE FROM factor_code WHERE user = ?1", user);
    json_write_key(ask->out, "recovery");
    json_write_array(ask->out);
    for (size_t i = 0; i < FACTOR_CODES; i++) {
        uint8_t bytes[RECOVERY_BYTES];
        char digest[2 * TLOG_HASH_SIZE], storage[RECOVERY_TEXT];
        struct buf text;
        desk->random(bytes, sizeof bytes);
        buf_init_fixed(&text, storage, sizeof storage);
        base32_write(&text, bytes, sizeof bytes, 4);
        struct db_query q = db_query(desk->db, "INSERT INTO factor_code (user, digest, used_ns) VALUES (?1, ?2, 0)");
        db_put_i64(&q, user);
        db_put_text(&q, recovery_digest(desk, bytes, digest));
        db_run(&q);
        json_write_str(ask->out, buf_view(&text));
        explicit_bzero(bytes, sizeof bytes);
        explicit_bzero(storage, sizeof storage);
    }
    json_write_array_end(ask->out);
}

void factor_remove(struct desk *desk, int64_t user)
{
    db_run_i64(desk->db, "DELETE FROM factor WHERE user = ?1", user);
    db_run_i64(desk->db, "DELETE FROM factor_code WHERE user = ?1", user);
    db_run_i64(desk->db, "DELETE FROM half_session WHERE user = ?1", user); /* no code could end them */
}
