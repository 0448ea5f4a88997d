#include "desk/api_token.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/agent.h"

#include <string.h>

#define SECRET_BYTES  32u
#define PREFIX        "qorgan_" /* so that what looks for secrets in files knows it */
#define PREFIX_N      (sizeof PREFIX - 1)
#define TOKEN_N       (PREFIX_N + 2 * SECRET_BYTES)
#define ADDRESSES_MAX 16u
#define USED_DAY_MAX  8 /* records of a token's use on one day, should its address change all the time */
#define TOUCH_NS      (MINUTE_S * SECOND_NS)      /* the last use is stored at most this often: a write each */
#define REFUSED_NS    (10 * MINUTE_S * SECOND_NS) /* refusals are recorded at most so often, the rest counted */

/* What a token may be for. The questions of a scope stand in src/web/api_table.c; here is what of a role it keeps. */
static const struct scope {
    const char *name;
    unsigned rights;
} scopes[] = {
    {"read", RIGHT_READ},
    {"search", RIGHT_READ},
    {"incidents", RIGHT_READ | RIGHT_WORK},
    {"vulnerabilities", RIGHT_READ | RIGHT_WORK},
    {"objects", RIGHT_READ | RIGHT_OBJECTS},
    {"rules", RIGHT_READ | RIGHT_RULES},
    {"agents", RIGHT_READ | RIGHT_AGENTS},
    {"administration", RIGHT_READ | RIGHT_SETTINGS | RIGHT_CHANNELS},
    {"metrics", RIGHT_READ},
    {"reports", RIGHT_READ | RIGHT_REPORTS},
};

struct token {
    int64_t id, user, scopes, until_ns, used_ns, used_day, ended_ns;
    struct str name, addresses, used_address;
};

static bool scope_find(struct str name, int64_t *ret_bit)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (str_is(name, scopes[i].name)) {
            *ret_bit = INT64_C(1) << i;
            return true;
        }
    return false;
}

static unsigned scopes_rights(int64_t bits)
{
    unsigned rights = 0;
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (bits >> i & 1)
            rights |= scopes[i].rights;
    return rights;
}

static void scopes_put(struct buf *out, int64_t bits)
{
    json_write_key(out, "scopes");
    json_write_array(out);
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (bits >> i & 1)
            json_write_text(out, scopes[i].name);
    json_write_array_end(out);
}

static bool token_load(struct ask *ask, const char *where, struct str digest, int64_t id, struct token *ret_token)
{
    struct db_query q = db_query(ask->desk->db, where);
    if (digest.n)
        db_put_text(&q, digest);
    else
        db_put_i64(&q, id);
    bool found = db_next(&q);
    if (found) {
        int64_t *const numbers[] = {&ret_token->id,       &ret_token->user,    &ret_token->scopes,
                                    &ret_token->until_ns, &ret_token->used_ns, &ret_token->used_day,
                                    &ret_token->ended_ns};
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            *numbers[i] = db_i64(&q);
        ret_token->name = db_text_copy(&q, ask->arena);
        ret_token->addresses = db_text_copy(&q, ask->arena);
        ret_token->used_address = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    return found;
}

#define LOAD                                                                                                           \
    "SELECT id, user, scopes, until_ns, used_ns, used_day, ended_ns, name, addresses, used_address FROM api_token"

static bool token_of_id(struct ask *ask, int64_t id, struct token *ret_token)
{
    return token_load(ask, LOAD " WHERE id = ?1", STR_NONE, id, ret_token);
}

static bool is_live(const struct token *token, int64_t now_ns)
{
    return token->ended_ns == 0 && token->until_ns > now_ns;
}

void api_token_through(struct ask *ask, unsigned right)
{
    struct desk *desk = ask->desk;
    struct token token;
    if (!json_get(ask->question, "through"))
        return;
    if (!token_of_id(ask, ask_int(ask, "through"), &token) || token.user != ask->user || !is_live(&token, ask->now_ns))
        ask_refuse(ask, "token_refused", "there is no such token, or it is over");
    else if ((scopes_rights(token.scopes) & right) != right)
        ask_refuse(ask, "token_scope", "the token is not for that");
    else if (!str_copy_z(token.name, desk->through, sizeof desk->through))
        desk->through[0] = '\0';
}

/* --- addresses: networks with commas --- */

static bool networks_valid(struct str list)
{
    size_t count = 0;
    for (struct str rest = list; rest.n;) {
        uint8_t address[16];
        unsigned bits;
        if (++count > ADDRESSES_MAX || !address_read(str_trim(str_cut(&rest, ',')), address, &bits))
            return false;
    }
    return true;
}

static bool bits_same(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

static bool networks_have(struct str list, struct str address)
{
    uint8_t from[16], network[16];
    unsigned whole, bits;
    if (!address_read(address, from, &whole) || whole != 128)
        return list.n == 0;
    for (struct str rest = list; rest.n;)
        if (address_read(str_trim(str_cut(&rest, ',')), network, &bits) && bits_same(from, network, bits))
            return true;
    return list.n == 0;
}

/* --- use --- */

static void refuse_recorded(struct ask *ask, const struct token *token, const char *error, const char *why)
{
    struct desk *desk = ask->desk;
    ask_refuse(ask, error, why);
    if (desk->token_refused_ns && ask->now_ns - desk->token_refused_ns < REFUSED_NS &&
        ask->now_ns >= desk->token_refused_ns) {
        desk->token_refused++;
        return;
    }
    ask->keep = true;
    struct buf *body = desk_record_begin(desk, "token.refused", STR("qorgan"), ask->now_ns);
    json_put_str(body, "name", token ? token->name : STR(""));
    json_put_str(body, "address", desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX));
    json_put_str(body, "asked", desk_cut(ask_str(ask, "for"), DESK_USER_MAX));
    json_put_text(body, "reason", why);
    json_put_int(body, "further", desk->token_refused);
    desk_record_end(desk, 0, STR_NONE);
    desk->token_refused = 0;
    desk->token_refused_ns = ask->now_ns;
}

/* The first use of a day, and a change of the address, up to eight a day, are records. */
static void use_store(struct ask *ask, const struct token *token, struct str user)
{
    struct db *db = ask->desk->db;
    struct str address = desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX);
    int64_t day = ask->now_ns / (DAY_S * SECOND_NS);
    bool anew = token->used_day != day || !str_eq(token->used_address, address);
    int64_t age = ask->now_ns - token->used_ns;
    if (!anew && age < TOUCH_NS && age >= 0)
        return;
    struct db_query q =
        db_query(db, "UPDATE api_token SET used_ns = ?2, used_count = CASE WHEN used_day <> ?3 THEN 1 WHEN used_address"
                     " <> ?4 THEN used_count + 1 ELSE used_count END, used_day = ?3, used_address = ?4 WHERE id = ?1");
    db_put_i64(&q, token->id);
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, day);
    db_put_text(&q, address);
    db_run(&q);
    q = db_query(db, "SELECT used_count FROM api_token WHERE id = ?1");
    db_put_i64(&q, token->id);
    if (db_one_i64(&q, 0) > USED_DAY_MAX || !anew)
        return;
    struct buf *body = desk_record_begin(ask->desk, "token.used", user, ask->now_ns);
    json_put_str(body, "name", token->name);
    json_put_str(body, "address", address);
    desk_record_end(ask->desk, 0, STR_NONE);
}

/* Is one of the scopes that the question is in among the token's? */
static bool has_scope(const struct ask *ask, const struct token *token)
{
    int64_t bit;
    for (const struct json_value *s = json_first(json_get(ask->question, "scopes")); s; s = s->next)
        if (scope_find(json_str(s, STR("")), &bit) && token->scopes & bit)
            return true;
    return !json_get(ask->question, "scopes");
}

void ask_token_check(struct ask *ask)
{
    struct token token;
    char digest[AGENT_DIGEST + 1];
    struct str text = ask_str(ask, "token"), user = STR(""), language = STR("");
    int64_t role = 0;
    if (text.n != TOKEN_N || !str_starts(text, STR(PREFIX)) ||
        !token_load(ask, LOAD " WHERE digest = ?1", agent_digest(ask->desk, text, digest), 0, &token)) {
        refuse_recorded(ask, NULL, "token_refused", "no such token");
        return;
    }
    struct db_query q = db_query(
        ask->desk->db, "SELECT role, name, language FROM user WHERE id = ?1 AND enabled = 1 AND must_change = 0");
    db_put_i64(&q, token.user);
    bool may = db_next(&q);
    if (may) {
        role = db_i64(&q);
        user = db_text_copy(&q, ask->arena);
        language = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    if (!is_live(&token, ask->now_ns))
        refuse_recorded(ask, &token, "token_refused", token.ended_ns ? "the token was ended" : "its time is over");
    else if (!may)
        refuse_recorded(ask, &token, "token_refused", "the account is blocked, or its password must be changed");
    else if (!networks_have(token.addresses, ask_str(ask, "address")))
        refuse_recorded(ask, &token, "token_refused", "not from this address");
    else if (!has_scope(ask, &token))
        refuse_recorded(ask, &token, "token_scope", "the token is not for that");
    if (ask->error)
        return;
    use_store(ask, &token, user);
    json_put_int(ask->out, "token", token.id);
    json_put_str(ask->out, "name", token.name);
    json_put_str(ask->out, "user", user);
    json_put_text(ask->out, "role", role_name(role));
    json_put_str(ask->out, "language", language);
    scopes_put(ask->out, token.scopes);
}

/* --- the list --- */

void ask_token_list(struct ask *ask)
{
    unsigned rights = role_rights(ask->role);
    struct buf *out = ask->out;
    json_put_bool(out, "may_change", rights & RIGHT_TOKENS);
    json_write_key(out, "may");
    json_write_array(out);
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if ((scopes[i].rights & rights) == scopes[i].rights)
            json_write_text(out, scopes[i].name);
    json_write_array_end(out);
    json_write_key(out, "tokens");
    json_write_array(out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT t.id, t.scopes, t.made_ns, t.until_ns, t.used_ns, t.ended_ns, t.name, u.name,"
                                " t.addresses, t.used_address, t.ended_by FROM api_token t JOIN user u ON u.id = t.user"
                                " WHERE ?1 OR t.user = ?2 ORDER BY t.ended_ns > 0, t.id DESC LIMIT 500");
    db_put_i64(&q, (rights & RIGHT_USERS) != 0);
    db_put_i64(&q, ask->user);
    while (db_next(&q)) {
        static const char *const numbers[] = {"made_ns", "until_ns", "used_ns", "ended_ns"};
        static const char *const texts[] = {"name", "user", "addresses", "used_address", "ended_by"};
        json_write_object(out);
        json_put_int(out, "id", db_i64(&q));
        scopes_put(out, db_i64(&q));
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            json_put_int(out, numbers[i], db_i64(&q));
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            json_put_str(out, texts[i], db_text(&q));
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

/* --- making and ending --- */

static int64_t count_live(struct ask *ask, int64_t user)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM api_token WHERE ended_ns = 0 AND until_ns > ?1"
                                                " AND (?2 = 0 OR user = ?2)");
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, user);
    return db_one_i64(&q, 0);
}

/* Of the question, none above what the person's own role may; 0 when it was refused. */
static int64_t scopes_read(struct ask *ask)
{
    unsigned rights = role_rights(ask->role);
    int64_t bits = 0, bit;
    for (const struct json_value *s = json_first(json_get(ask->question, "scopes")); s; s = s->next) {
        if (!scope_find(json_str(s, STR("")), &bit)) {
            ask_invalid(ask, "scopes", "no such scope");
            return 0;
        }
        bits |= bit;
        if (scopes_rights(bits) & ~rights) {
            ask_refuse(ask, "denied", "a token may not do more than who makes it");
            return 0;
        }
    }
    if (bits == 0)
        ask_invalid(ask, "scopes", "a token needs a scope");
    return bits;
}

static void token_record(struct ask *ask, const char *event, const struct token *token)
{
    struct buf *body = desk_record_begin(ask->desk, event, ask->who, ask->now_ns);
    json_put_int(body, "id", token->id);
    json_put_str(body, "name", token->name);
    scopes_put(body, token->scopes);
    json_put_int(body, "until_ns", token->until_ns);
    json_put_str(body, "addresses", token->addresses);
    desk_record_end(ask->desk, 0, STR_NONE);
}

static void token_store(struct ask *ask, struct token *token, struct str digest)
{
    struct db_query q =
        db_query(ask->desk->db, "INSERT INTO api_token (digest, user, name, scopes, addresses, made_ns, until_ns,"
                                " used_ns, used_address, used_day, used_count, ended_ns, ended_by)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '', 0, 0, 0, '')");
    db_put_text(&q, digest);
    db_put_i64(&q, ask->user);
    db_put_text(&q, token->name);
    db_put_i64(&q, token->scopes);
    db_put_text(&q, token->addresses);
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, token->until_ns);
    db_run(&q);
    token->id = db_last_id(ask->desk->db);
    /* what is over makes room for what is newer; records have it for good */
    q = db_query(ask->desk->db, "DELETE FROM api_token WHERE id IN (SELECT id FROM api_token WHERE ended_ns > 0 OR"
                                " until_ns <= ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)");
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, API_TOKENS_MAX);
    db_run(&q);
}

void ask_token_make(struct ask *ask)
{
    struct token token = {.user = ask->user,
                          .name = str_trim(ask_str(ask, "name")),
                          .addresses = str_trim(ask_str(ask, "addresses")),
                          .until_ns = ask_int(ask, "until_ns")};
    uint8_t secret[SECRET_BYTES];
    char text[TOKEN_N] = PREFIX, digest[AGENT_DIGEST + 1];
    if (token.name.n == 0 || token.name.n > DESK_USER_MAX || !desk_one_line(token.name))
        ask_invalid(ask, "name", "a token's name is one line of 1 to 64 bytes");
    else if (token.addresses.n > DESK_TEXT_MAX || !networks_valid(token.addresses))
        ask_invalid(ask, "addresses", "16 addresses or networks at most, with commas");
    else if (token.until_ns <= ask->now_ns || token.until_ns - ask->now_ns > API_TOKEN_DAYS * DAY_S * SECOND_NS)
        ask_invalid(ask, "until_ns", "a token ends within 366 days");
    token.scopes = ask->error ? 0 : scopes_read(ask);
    if (!ask->error && (count_live(ask, ask->user) >= API_TOKENS_A_USER || count_live(ask, 0) >= API_TOKENS_MAX))
        ask_refuse(ask, "too_large", "there are too many tokens");
    if (ask->error || !session_password_right(ask))
        return;
    ask->desk->random(secret, sizeof secret);
    hex_encode(secret, sizeof secret, text + PREFIX_N);
    token_store(ask, &token, agent_digest(ask->desk, str_at(text, TOKEN_N), digest));
    token_record(ask, "token.made", &token);
    json_put_int(ask->out, "id", token.id);
    json_put_int(ask->out, "until_ns", token.until_ns);
    json_put_str(ask->out, "token", str_at(text, TOKEN_N));
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text, sizeof text);
}

static void token_finish(struct ask *ask, const struct token *token)
{
    struct db_query q = db_query(ask->desk->db, "UPDATE api_token SET ended_ns = ?2, ended_by = ?3 WHERE id = ?1");
    db_put_i64(&q, token->id);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_run(&q);
    token_record(ask, "token.ended", token);
}

void ask_token_end(struct ask *ask)
{
    struct token token;
    bool all = role_rights(ask->role) & RIGHT_USERS;
    if (!token_of_id(ask, ask_int(ask, "id"), &token) || (!all && token.user != ask->user))
        ask_refuse(ask, "not_found", "there is no such token of yours");
    else if (!is_live(&token, ask->now_ns))
        ask_refuse(ask, "state_refuses", "the token is over");
    else
        token_finish(ask, &token);
}

void api_tokens_block(struct ask *ask, int64_t user)
{
    int64_t ids[API_TOKENS_A_USER];
    size_t count = 0;
    struct db_query q =
        db_query(ask->desk->db, "SELECT id FROM api_token WHERE user = ?1 AND ended_ns = 0 AND until_ns > ?2");
    db_put_i64(&q, user);
    db_put_i64(&q, ask->now_ns);
    while (count < ARRAY_LEN(ids) && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    for (size_t i = 0; i < count; i++) {
        struct token token;
        if (token_of_id(ask, ids[i], &token))
            token_finish(ask, &token);
    }
}
