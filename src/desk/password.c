/* password.c - Argon2id (RFC 9106), what is too weak, and passwords that the desk makes itself. */
#include "base/assert.h"
#include "codec/utf8.h"
#include "desk/inside.h"

#include <argon2.h>
#include <string.h>

#define PASSES      3
#define LANES       1
#define SALT_SIZE   16
#define DIGEST_SIZE 32

/* Common passwords of twelve characters and more, folded; shorter ones are refused for their length. */
static const char *const common[] = {
    "administrator",
    "administrator1",
    "adminadminadmin",
    "adminpassword",
    "changemenow1",
    "changeme1234",
    "iloveyou1234",
    "letmein12345",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "passw0rd1234",
    "p@ssw0rd1234",
    "p@ssword1234",
    "qwerty123456",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiop[]",
    "1qaz2wsx3edc",
    "1q2w3e4r5t6y",
    "qazwsxedcrfv",
    "zxcvbnmasdfg",
    "zaq12wsxcde3",
    "welcome12345",
    "welcome123456",
    "superadmin123",
    "administrator123",
    "kazakhstan123",
    "kazakhstan2026",
    "qazaqstan2026",
    "qorganqorgan",
    "йцукенгшщзхъ",
    "парольпароль",
    "қазақстан2026",
    "correcthorsebatterystaple",
};

static size_t characters(struct str text, size_t *ret_distinct)
{
    uint32_t seen[8] = {0};
    size_t count = 0;
    *ret_distinct = 0;
    for (struct str rest = text; rest.n; count++) {
        uint32_t code = 0;
        rest = str_skip(rest, utf8_decode(rest, &code));
        bool known = false;
        for (size_t i = 0; i < *ret_distinct && !known; i++)
            known = seen[i] == code;
        if (!known && *ret_distinct < ARRAY_LEN(seen))
            seen[(*ret_distinct)++] = code;
    }
    return count;
}

/* "123456789012", "abcdefghijkl", "987654321098": every character the one after, or before, the last. */
static bool is_run(struct str text)
{
    size_t up = 0, down = 0;
    for (size_t i = 1; i < text.n; i++) {
        int step = (unsigned char)text.p[i] - (unsigned char)text.p[i - 1];
        up += step == 1 || (text.p[i - 1] == '9' && text.p[i] == '0');
        down += step == -1 || (text.p[i - 1] == '0' && text.p[i] == '9');
    }
    return up + 1 >= text.n || down + 1 >= text.n;
}

const char *password_weakness(struct str user, struct str password)
{
    size_t distinct = 0;
    if (!utf8_valid(password) || password.n > DESK_PASSWORD_MAX)
        return "the password is not UTF-8 or too long";
    if (characters(password, &distinct) < DESK_PASSWORD_MIN)
        return "the password has fewer than 12 characters";
    if (distinct < 5)
        return "the password has fewer than 5 different characters";
    if (is_run(password))
        return "the password is a row of neighbours";
    if (utf8_eq_folded(user, password))
        return "the password is the user's name";
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        if (utf8_eq_folded(password, str_of(common[i])))
            return "the password is a common one";
    return NULL;
}

bool password_hash(struct desk *desk, struct str password, char ret_text[DESK_HASH_TEXT_MAX])
{
    uint8_t salt[SALT_SIZE];
    desk->random(salt, sizeof salt);
    int rc = argon2id_hash_encoded(PASSES, desk->argon_memory_kib, LANES, password.p ? password.p : "", password.n,
                                   salt, sizeof salt, DIGEST_SIZE, ret_text, DESK_HASH_TEXT_MAX);
    if (rc != ARGON2_OK)
        db_fail(desk->db, RC_LIMIT, "could not hash a password: out of memory");
    return rc == ARGON2_OK;
}

bool password_verify(struct str hash, struct str password)
{
    char text[DESK_HASH_TEXT_MAX];
    if (!str_copy_z(hash, text, sizeof text) || password.n > DESK_PASSWORD_MAX)
        return false;
    return argon2id_verify(text, password.p ? password.p : "", password.n) == ARGON2_OK;
}

struct str password_nobody(struct desk *desk)
{
    /* Made once from random bytes that are then forgotten. */
    struct db_query q = db_query(desk->db, "SELECT value FROM meta WHERE key = 'nobody'");
    struct str hash = STR_NONE;
    if (db_next(&q))
        hash = db_text_copy(&q, desk->scratch);
    db_query_end(&q);
    if (hash.n)
        return hash;
    char made[DESK_HASH_TEXT_MAX] = "";
    uint8_t unknown[32];
    desk->random(unknown, sizeof unknown);
    if (!password_hash(desk, str_at(unknown, sizeof unknown), made))
        return STR_NONE;
    explicit_bzero(unknown, sizeof unknown);
    q = db_query(desk->db, "INSERT INTO meta (key, value) VALUES ('nobody', ?1)");
    db_put_text(&q, str_of(made));
    db_run(&q);
    hash = arena_str(desk->scratch, str_of(made));
    if (!hash.p)
        db_fail(desk->db, RC_LIMIT, "out of memory for a password");
    return hash;
}

void password_make(struct desk *desk, char ret_password[DESK_FIRST_PASSWORD_Z])
{
    /* 32 signs without those that look alike; 20 of them are 100 bits, in four groups for the hand. */
    static const char signs[33] = "abcdefghjkmnpqrstuvwxyz23456789A";
    uint8_t bytes[20];
    desk->random(bytes, sizeof bytes);
    char *out = ret_password;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i && i % 5 == 0)
            *out++ = '-';
        *out++ = signs[bytes[i] % 32];
    }
    *out++ = '\0';
    ASSERT((size_t)(out - ret_password) <= DESK_FIRST_PASSWORD_Z);
    explicit_bzero(bytes, sizeof bytes);
}
