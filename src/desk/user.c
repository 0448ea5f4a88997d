/* user.c - accounts and what their roles may do. */
#include "base/assert.h"
#include "desk/api_token.h"
#include "desk/factor.h"
#include "desk/session.h"

#define USERS_MAX 1000

static const struct {
    const char *name;
    unsigned rights;
} roles[] = {
    [ROLE_ADMINISTRATOR] = {"administrator", RIGHT_READ | RIGHT_WORK | RIGHT_OBJECTS | RIGHT_CHANNELS | RIGHT_SETTINGS |
                                                 RIGHT_USERS | RIGHT_RETENTION | RIGHT_RULES | RIGHT_AGENTS |
                                                 RIGHT_TOKENS | RIGHT_REPORTS},
    [ROLE_ANALYST] = {"analyst", RIGHT_READ | RIGHT_WORK | RIGHT_RULES | RIGHT_TOKENS | RIGHT_REPORTS},
    [ROLE_OFFICER] = {"officer", RIGHT_READ | RIGHT_WORK | RIGHT_OBJECTS | RIGHT_CHANNELS | RIGHT_SETTINGS |
                                     RIGHT_RETENTION | RIGHT_RULES | RIGHT_TOKENS | RIGHT_REPORTS},
    [ROLE_AUDITOR] = {"auditor", RIGHT_READ | RIGHT_SETTINGS | RIGHT_TOKENS},
};

const char *role_name(int64_t role)
{
    ASSERT(role >= 0 && role < ROLE_COUNT);
    return roles[role].name;
}

unsigned role_rights(enum role role)
{
    ASSERT(role < ROLE_COUNT);
    return roles[role].rights;
}

bool role_find(struct str name, enum role *ret_role)
{
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (str_is(name, roles[role].name)) {
            *ret_role = role;
            return true;
        }
    return false;
}

void user_first(struct desk *desk, int64_t now_ns, struct desk_first *ret_first)
{
    char hash[DESK_HASH_TEXT_MAX];
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM user");
    if (db_one_i64(&q, 1) > 0)
        return;
    IGNORE(str_copy_z(STR("admin"), ret_first->user, sizeof ret_first->user)); /* it fits */
    password_make(desk, ret_first->password);
    if (!password_hash(desk, str_of(ret_first->password), hash))
        return;
    q = db_query(desk->db, "INSERT INTO user (name, role, language, hash, enabled, must_change, created_ns, last_ns)"
                           " VALUES ('admin', ?1, 'kk', ?2, 1, 1, ?3, 0)");
    db_put_i64(&q, ROLE_ADMINISTRATOR);
    db_put_text(&q, str_of(hash));
    db_put_i64(&q, now_ns);
    db_run(&q);
    struct buf *body = desk_record_begin(desk, "user.saved", STR("qorgan"), now_ns);
    json_put_text(body, "user", "admin");
    json_put_text(body, "role", role_name(ROLE_ADMINISTRATOR));
    json_put_bool(body, "enabled", true);
    json_put_bool(body, "password_set", true);
    desk_record_end(desk, 0, STR_NONE);
    ret_first->made = true;
}

void ask_user_list(struct ask *ask)
{
    json_write_key(ask->out, "users");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT u.name, u.role, u.language, u.enabled, u.must_change, u.last_ns,"
                                " coalesce((SELECT until_ns FROM attempt WHERE name = 'user:' || u.name), 0),"
                                " coalesce((SELECT since_ns FROM factor WHERE user = u.id), 0)"
                                " FROM user u ORDER BY u.name");
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "name", db_text(&q));
        json_put_text(ask->out, "role", role_name(db_i64(&q)));
        json_put_str(ask->out, "language", db_text(&q));
        json_put_bool(ask->out, "enabled", db_i64(&q));
        json_put_bool(ask->out, "must_change", db_i64(&q));
        json_put_int(ask->out, "last_ns", db_i64(&q));
        int64_t until_ns = db_i64(&q);
        json_put_int(ask->out, "locked_until", until_ns > ask->now_ns ? until_ns : 0);
        json_put_int(ask->out, "factor_ns", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    factor_roles_put(ask->desk, ask->out);
}

static bool name_valid(struct str name)
{
    if (name.n == 0 || name.n > DESK_USER_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && str_find(STR("._-@"), name.p[i]) == 4)
            return false;
    return true;
}

struct account {
    int64_t id; /* 0: new */
    struct str name;
    enum role role;
    bool enabled;
    struct str password; /* empty: stays */
};

/* Is there an enabled administrator besides this account? */
static bool other_administrator(struct ask *ask, int64_t id)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT count(*) FROM user WHERE role = ?1 AND enabled = 1 AND id <> ?2");
    db_put_i64(&q, ROLE_ADMINISTRATOR);
    db_put_i64(&q, id);
    return db_one_i64(&q, 0) > 0;
}

/* What the question says of the account, checked. */
static bool account_read(struct ask *ask, struct account *account)
{
    const struct json_value *user = json_get(ask->question, "user");
    account->name = json_str(json_get(user, "name"), STR(""));
    account->enabled = json_bool(json_get(user, "enabled"), true);
    account->password = json_str(json_get(user, "password"), STR(""));
    if (!name_valid(account->name))
        ask_invalid(ask, "name", "a user's name is 1 to 64 letters, digits and . _ - @");
    else if (!role_find(json_str(json_get(user, "role"), STR("")), &account->role))
        ask_invalid(ask, "role", "no such role");
    if (ask->error)
        return false;
    struct db_query q = db_query(ask->desk->db, "SELECT id FROM user WHERE name = ?1");
    db_put_text(&q, account->name);
    account->id = db_one_i64(&q, 0);
    q = db_query(ask->desk->db, "SELECT count(*) FROM user");
    const char *weakness = account->password.n ? password_weakness(account->name, account->password) : NULL;
    if (account->id == 0 && db_one_i64(&q, 0) >= USERS_MAX)
        ask_invalid(ask, "name", "there are too many users");
    else if (account->id == 0 && account->password.n == 0)
        ask_invalid(ask, "password", "a new user needs a password");
    else if (weakness)
        ask_refuse(ask, "password_weak", weakness);
    else if ((account->role != ROLE_ADMINISTRATOR || !account->enabled) && account->id &&
             !other_administrator(ask, account->id))
        ask_invalid(ask, account->enabled ? "role" : "enabled", "the last administrator must stay");
    db_query_end(&q);
    return !ask->error;
}

void account_handed(struct ask *ask, int64_t id, bool anew)
{
    struct db_query q = db_query(ask->desk->db, "INSERT OR IGNORE INTO handed (user, giver, anew) VALUES (?1, ?2, ?3)");
    db_put_i64(&q, id);
    db_put_i64(&q, ask->user);
    db_put_i64(&q, anew);
    db_run(&q);
}

static void account_write(struct ask *ask, const struct account *account, struct str hash)
{
    struct db *db = ask->desk->db;
    struct db_query q;
    if (account->id == 0) {
        q = db_query(db, "INSERT INTO user (role, enabled, name, language, hash, must_change, created_ns, last_ns)"
                         " VALUES (?1, ?2, ?3, 'kk', ?4, 1, ?5, 0)");
        db_put_i64(&q, account->role);
        db_put_i64(&q, account->enabled);
        db_put_text(&q, account->name);
        db_put_text(&q, hash);
        db_put_i64(&q, ask->now_ns);
        db_run(&q);
        account_handed(ask, db_last_id(db), false);
        return;
    }
    q = db_query(db, "UPDATE user SET role = ?1, enabled = ?2 WHERE id = ?3");
    db_put_i64(&q, account->role);
    db_put_i64(&q, account->enabled);
    db_put_i64(&q, account->id);
    db_run(&q);
    if (hash.n) {
        q = db_query(db, "UPDATE user SET hash = ?1, must_change = ?2 WHERE id = ?3");
        db_put_text(&q, hash);
        db_put_i64(&q, account->id != ask->user);
        db_put_i64(&q, account->id);
        db_run(&q);
        if (account->id != ask->user)
            account_handed(ask, account->id, true);
        q = db_query(db, "DELETE FROM attempt WHERE name = 'user:' || ?1");
        db_put_text(&q, account->name);
        db_run(&q);
    }
    if (hash.n || !account->enabled)
        sessions_end(ask->desk, account->id, STR(""));
}

void ask_user_save(struct ask *ask)
{
    struct account account = {0};
    char hash[DESK_HASH_TEXT_MAX] = "";
    if (!account_read(ask, &account))
        return;
    if (account.password.n && !password_hash(ask->desk, account.password, hash))
        return;
    account_write(ask, &account, str_of(hash));
    struct buf *body = desk_record_begin(ask->desk, "user.saved", ask->who, ask->now_ns);
    json_put_str(body, "user", account.name);
    json_put_text(body, "role", role_name(account.role));
    json_put_bool(body, "enabled", account.enabled);
    json_put_bool(body, "password_set", account.password.n > 0);
    desk_record_end(ask->desk, 0, STR_NONE);
    if (!account.enabled && account.id)
        api_tokens_block(ask, account.id);
}
