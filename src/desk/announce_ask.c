/* announce_ask.c - people announce planned changes of event logging, take them back, and see those that nobody
 * announced. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/announce.h"
#include "desk/loss.h"

#include <string.h>

#define LIST_DEFAULT 100
#define LIST_MAX     500
#define WORDS_MIN    3u
#define TERM         "M-13"

struct announcement {
    uint8_t source[16];
    int64_t from_ns, to_ns;
    struct str what, before, after;
};

static bool source_known(struct desk *desk, const uint8_t id[16])
{
    struct str kind, name, host;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM annex_source WHERE source = ?1");
    db_put_blob(&q, str_at(id, 16));
    return db_one_i64(&q, 0) > 0 || desk_source_names(desk, id, &kind, &name, &host);
}

static bool announcement_read(struct ask *ask, struct announcement *a)
{
    *a = (struct announcement){.from_ns = ask_int(ask, "from_ns"),
                               .to_ns = ask_int(ask, "to_ns"),
                               .what = str_trim(ask_str(ask, "what")),
                               .before = ask_str(ask, "before"),
                               .after = ask_str(ask, "after")};
    if (!hex_decode(ask_str(ask, "source"), a->source, sizeof a->source) || !source_known(ask->desk, a->source))
        ask_invalid(ask, "source", "there is no such source");
    else if (a->from_ns <= 0 || a->from_ns > INT64_MAX / 2)
        ask_invalid(ask, "from_ns", "say when the change begins");
    else if (a->to_ns <= a->from_ns || a->to_ns - a->from_ns > ANNOUNCE_SPAN_NS)
        ask_invalid(ask, "to_ns", "the change ends after it begins, within a year");
    else if (a->what.n < WORDS_MIN || a->what.n > DESK_TEXT_MAX)
        ask_invalid(ask, "what", "say in a few words what changes");
    else if (a->before.n > ANNOUNCE_TEXT_MAX || a->after.n > ANNOUNCE_TEXT_MAX)
        ask_invalid(ask, a->before.n > ANNOUNCE_TEXT_MAX ? "before" : "after", "a sample has 4,000 bytes at most");
    return !ask->error;
}

/* The term of the acts and its explanation in each language. */
static int64_t due_put(struct ask *ask, struct db_query *q, const struct announcement *a)
{
    struct desk *desk = ask->desk;
    const struct clock_rule *rule = clock_rule_find(&desk->rules, STR(TERM));
    struct clock_due *due = arena_alloc(desk->scratch, sizeof *due);
    struct err err;
    bool known = rule && clock_due(rule, a->from_ns, desk->zone_offset_s, desk->calendar, due, &err) == RC_OK;
    struct buf text;
    buf_init(&text, DESK_CLOCK_TEXT);
    db_put_i64(q, known ? due->due_ns : 0);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++) {
        buf_clear(&text);
        if (known)
            clock_explain(rule, due, desk->calendar, &desk->words[language], &text);
        db_put_text(q, buf_view(&text));
    }
    buf_done(&text);
    return known ? due->due_ns : 0;
}

static void announcement_record(struct ask *ask, const char *event, int64_t id, struct str detail)
{
    char hex[32];
    struct buf *body = desk_record_begin(ask->desk, event, ask->who, ask->now_ns);
    struct db_query q =
        db_query(ask->desk->db, "SELECT source, kind, name, from_ns, to_ns, what, before, after, due_ns,"
                                " made_ns FROM announcement WHERE id = ?1");
    db_put_i64(&q, id);
    json_put_int(body, "announcement", id);
    if (db_next(&q)) {
        struct str source = db_text(&q);
        json_put_str(body, "id", str_at(hex, hex_encode(source.p, MIN(source.n, (size_t)16), hex)));
        json_put_str(body, "kind", db_text(&q));
        json_put_str(body, "name", db_text(&q));
        json_put_int(body, "from_ns", db_i64(&q));
        json_put_int(body, "to_ns", db_i64(&q));
        json_put_str(body, "what", db_text(&q));
        json_put_str(body, "before", db_text(&q));
        json_put_str(body, "after", db_text(&q));
        int64_t due_ns = db_i64(&q);
        json_put_int(body, "due_ns", due_ns);
        json_put_bool(body, "in_time", due_ns && db_i64(&q) <= due_ns);
    }
    db_query_end(&q);
    IGNORE(desk_record_end(ask->desk, 0, detail) > 0);
}

void ask_announce_save(struct ask *ask)
{
    struct announcement a;
    if (!announcement_read(ask, &a))
        return;
    struct source_facts facts = source_facts(ask->desk, a.source);
    struct db_query q =
        db_query(ask->desk->db,
                 "INSERT INTO announcement (source, kind, name, from_ns, to_ns, what, before, after, who, made_ns,"
                 " due_ns, kk, ru, en, ended_ns, ended_by, ended_why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                 " ?10, ?11, ?12, ?13, ?14, 0, '', '')");
    db_put_blob(&q, str_at(a.source, 16));
    db_put_text(&q, facts.kind);
    db_put_text(&q, facts.name);
    db_put_i64(&q, a.from_ns);
    db_put_i64(&q, a.to_ns);
    db_put_text(&q, a.what);
    db_put_text(&q, a.before);
    db_put_text(&q, a.after);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    int64_t due_ns = due_put(ask, &q, &a);
    db_run(&q);
    int64_t id = db_last_id(ask->desk->db);
    json_put_int(ask->out, "id", id);
    json_put_int(ask->out, "due_ns", due_ns);
    json_put_bool(ask->out, "in_time", due_ns && ask->now_ns <= due_ns);
    announcement_record(ask, "logging.announced", id, STR_NONE);
}

void ask_announce_end(struct ask *ask)
{
    int64_t id = ask_int(ask, "id");
    struct str reason = str_trim(ask_str(ask, "reason"));
    if (reason.n < WORDS_MIN || reason.n > DESK_TEXT_MAX) {
        ask_invalid(ask, "reason", "say in a few words why");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "UPDATE announcement SET ended_ns = ?2, ended_by = ?3, ended_why = ?4"
                                                " WHERE id = ?1 AND ended_ns = 0");
    db_put_i64(&q, id);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_text(&q, reason);
    if (db_run(&q) > 0)
        announcement_record(ask, "logging.withdrawn", id, reason);
    else
        ask_refuse(ask, "not_found", "no such announcement stands");
}

/* ---- what is shown ---- */

static void hex_put(struct buf *out, const char *name, struct str source)
{
    char hex[32];
    json_put_str(out, name, str_at(hex, hex_encode(source.p, MIN(source.n, (size_t)16), hex)));
}

static void announcement_put(struct ask *ask, struct db_query *q)
{
    static const char *const texts[] = {"kind", "name", "what", "before", "after", "who"};
    static const char *const languages[] = {"kk", "ru", "en"};
    struct buf *out = ask->out;
    json_write_object(out);
    json_put_int(out, "id", db_i64(q));
    hex_put(out, "source", db_text(q));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(out, texts[i], db_text(q));
    int64_t from_ns = db_i64(q), to_ns = db_i64(q), made_ns = db_i64(q), due_ns = db_i64(q), ended_ns = db_i64(q);
    json_put_int(out, "from_ns", from_ns);
    json_put_int(out, "to_ns", to_ns);
    json_put_int(out, "made_ns", made_ns);
    json_put_int(out, "due_ns", due_ns);
    json_put_bool(out, "in_time", due_ns && made_ns <= due_ns);
    json_put_int(out, "ended_ns", ended_ns);
    json_put_text(out, "state",
                  ended_ns                ? "withdrawn"
                  : ask->now_ns < from_ns ? "planned"
                  : ask->now_ns <= to_ns  ? "now"
                                          : "over");
    json_put_str(out, "ended_by", db_text(q));
    json_put_str(out, "ended_why", db_text(q));
    json_write_key(out, "explanation");
    json_write_object(out);
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        json_put_str(out, languages[i], db_text(q));
    json_write_object_end(out);
    json_write_object_end(out);
}

static void announcements_put(struct ask *ask, int64_t offset, int64_t limit)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, source, kind, name, what, before, after, who, from_ns, to_ns,"
                                " made_ns, due_ns, ended_ns, ended_by, ended_why, kk, ru, en"
                                " FROM announcement ORDER BY id DESC LIMIT ?1 OFFSET ?2");
    db_put_i64(&q, limit);
    db_put_i64(&q, offset);
    json_write_key(ask->out, "announcements");
    json_write_array(ask->out);
    while (db_next(&q))
        announcement_put(ask, &q);
    json_write_array_end(ask->out);
}

static void changes_put(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT source, name, kind, from_ns, found_ns, was, now, announcement"
                                                " FROM logging_change ORDER BY found_ns DESC LIMIT 200");
    json_write_key(ask->out, "changes");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        hex_put(ask->out, "source", db_text(&q));
        json_put_str(ask->out, "name", db_text(&q));
        json_put_str(ask->out, "change", db_text(&q));
        json_put_int(ask->out, "from_ns", db_i64(&q));
        json_put_int(ask->out, "found_ns", db_i64(&q));
        json_put_int(ask->out, "was_permille", db_i64(&q));
        json_put_int(ask->out, "now_permille", db_i64(&q));
        json_put_int(ask->out, "announcement", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void sources_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT source, kind, name FROM annex_source ORDER BY name, kind LIMIT 1000");
    json_write_key(ask->out, "sources");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        hex_put(ask->out, "source", db_text(&q));
        json_put_str(ask->out, "kind", db_text(&q));
        json_put_str(ask->out, "name", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_announce_list(struct ask *ask)
{
    int64_t limit = ask_int(ask, "limit");
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM announcement");
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    announcements_put(ask, MAX(ask_int(ask, "offset"), 0), limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
    changes_put(ask);
    sources_put(ask);
}
