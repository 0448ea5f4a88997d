/* channel.c - where notices go: mail servers and webhooks. Secrets go in and never come out. */
#include "desk/inside.h"

#define CHANNELS_MAX 20

void ask_channel_list(struct ask *ask)
{
    json_write_key(ask->out, "channels");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, kind, recipient, server, sender, user, secret <> '', language,"
                                " enabled FROM channel ORDER BY id");
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_str(ask->out, "kind", db_text(&q));
        json_put_str(ask->out, "to", db_text(&q));
        json_put_str(ask->out, "server", db_text(&q));
        json_put_str(ask->out, "from", db_text(&q));
        json_put_str(ask->out, "user", db_text(&q));
        json_put_bool(ask->out, "has_secret", db_i64(&q));
        json_put_str(ask->out, "language", db_text(&q));
        json_put_bool(ask->out, "enabled", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

struct channel {
    int64_t id;
    struct str kind, to, server, from, user, secret, language;
    bool secret_given, enabled;
};

static bool line_valid(struct str text)
{
    return text.n <= DESK_FIELD_MAX && desk_one_line(text) && str_find(text, ' ') == text.n;
}

static bool mail_valid(struct str address)
{
    size_t at = str_find(address, '@');
    return line_valid(address) && at > 0 && at + 1 < address.n &&
           str_find(str_skip(address, at + 1), '@') + at + 1 == address.n;
}

static bool channel_known(struct ask *ask, int64_t id)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM channel WHERE id = ?1");
    db_put_i64(&q, id);
    return db_one_i64(&q, 0) > 0;
}

static void channel_check(struct ask *ask, const struct channel *c)
{
    enum term_language language;
    bool mail = str_is(c->kind, "mail");
    bool url = str_starts(c->to, STR("https://")) || str_starts(c->to, STR("http://"));
    if (!mail && !str_is(c->kind, "webhook"))
        ask_invalid(ask, "kind", "the kind is mail or webhook");
    else if (mail ? !mail_valid(c->to) : !url || !line_valid(c->to))
        ask_invalid(ask, "to", mail ? "not a mail address" : "not an http or https address");
    else if (!line_valid(c->server) || (mail && c->server.n == 0))
        ask_invalid(ask, "server", "the server is host:port");
    else if (mail ? !mail_valid(c->from) : !line_valid(c->from))
        ask_invalid(ask, "from", "not a mail address");
    else if (!line_valid(c->user))
        ask_invalid(ask, "user", "the user is too long or not one word");
    else if (c->secret.n > DESK_FIELD_MAX || !desk_one_line(c->secret))
        ask_invalid(ask, "secret", "the secret is too long or not one line");
    else if (!language_find(c->language, &language))
        ask_invalid(ask, "language", "not one of kk, ru, en");
    else if (c->id && !channel_known(ask, c->id))
        ask_refuse(ask, "not_found", "no such channel");
}

static bool channel_read(struct ask *ask, struct channel *c)
{
    const struct json_value *in = json_get(ask->question, "channel");
    *c = (struct channel){
        .id = json_int(json_get(in, "id"), 0),
        .kind = json_str(json_get(in, "kind"), STR("")),
        .to = json_str(json_get(in, "to"), STR("")),
        .server = json_str(json_get(in, "server"), STR("")),
        .from = json_str(json_get(in, "from"), STR("")),
        .user = json_str(json_get(in, "user"), STR("")),
        .secret = json_str(json_get(in, "secret"), STR("")),
        .language = json_str(json_get(in, "language"), STR("kk")),
        .secret_given = json_get(in, "secret"),
        .enabled = json_bool(json_get(in, "enabled"), true),
    };
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM channel");
    int64_t count = db_one_i64(&q, 0);
    channel_check(ask, c);
    if (!ask->error && c->id == 0 && count >= CHANNELS_MAX)
        ask_invalid(ask, "id", "there are too many channels");
    return !ask->error;
}

void ask_channel_save(struct ask *ask)
{
    struct channel c;
    if (!channel_read(ask, &c))
        return;
    struct db_query q = db_query(
        ask->desk->db, "INSERT INTO channel (id, kind, recipient, server, sender, user, secret, language, enabled)"
                       " VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE"
                       " SET kind = ?2, recipient = ?3, server = ?4, sender = ?5, user = ?6,"
                       " secret = iif(?10, ?7, secret), language = ?8, enabled = ?9");
    db_put_i64(&q, c.id);
    db_put_text(&q, c.kind);
    db_put_text(&q, c.to);
    db_put_text(&q, c.server);
    db_put_text(&q, c.from);
    db_put_text(&q, c.user);
    db_put_text(&q, c.secret);
    db_put_text(&q, c.language);
    db_put_i64(&q, c.enabled);
    db_put_i64(&q, c.secret_given);
    db_run(&q);
    if (c.id == 0)
        c.id = db_last_id(ask->desk->db);
    struct buf *body = desk_record_begin(ask->desk, "channel.saved", ask->who, ask->now_ns);
    json_put_int(body, "channel_id", c.id);
    json_put_str(body, "kind", c.kind);
    json_put_str(body, "to", c.to);
    json_put_str(body, "server", c.server);
    json_put_bool(body, "enabled", c.enabled);
    json_put_bool(body, "secret_set", c.secret_given);
    desk_record_end(ask->desk, 0, STR_NONE);
    json_put_int(ask->out, "id", c.id);
}
