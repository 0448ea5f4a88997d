#include "desk/time_source.h"

#include "base/assert.h"
#include "base/civil.h"
#include "desk/agent.h"
#include "desk/own_alarm.h"

#define SECONDS_MAX (INT64_C(3650) * DAY_S)
#define ERROR_MAX   (INT64_C(1) << 50)

static const char *const choice_keys[] = {"accepted", "foreign", "none"};

/* ---- what is accepted ---- */

static bool is_accepted(struct str accepted, struct str server)
{
    while (accepted.n) {
        struct str one = str_cut(&accepted, ' ');
        bool below = one.n > 1 && one.p[0] == '.' && server.n > one.n;
        if (one.n && str_eq_nocase(one, below ? str_skip(server, server.n - one.n) : server))
            return true;
    }
    return false;
}

enum time_choice time_choice_of(struct str accepted, struct str servers)
{
    bool any = false;
    if (!str_trim(accepted).n)
        return TIME_ACCEPTED;
    while (servers.n) {
        struct str server = str_cut(&servers, ' ');
        if (server.n && !is_accepted(accepted, server))
            return TIME_FOREIGN;
        any = any || server.n;
    }
    return any ? TIME_ACCEPTED : TIME_NONE_SAID;
}

/* ---- what was said ---- */

struct said {
    bool synced;
    int64_t lost_s, error_us;
    struct str daemon, servers;
};

/* What was known of a clock before. */
struct known {
    int64_t lost_ns, told, choice;
};

static struct known known_read(struct desk *desk, struct str uuid)
{
    struct known known = {.choice = TIME_ACCEPTED};
    struct db_query q = db_query(desk->db, "SELECT lost_ns, told, choice FROM time_source WHERE agent = ?1");
    db_put_text(&q, uuid);
    if (db_next(&q)) {
        known.lost_ns = db_i64(&q);
        known.told = db_i64(&q);
        known.choice = db_i64(&q);
    }
    db_query_end(&q);
    return known;
}

static void known_store(struct desk *desk, struct str uuid, const struct said *said, const struct known *known)
{
    struct db_query q = db_query(desk->db, "INSERT INTO time_source (agent, lost_ns, told, choice, error_us, daemon,"
                                           " servers) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (agent) DO UPDATE"
                                           " SET lost_ns = excluded.lost_ns, told = excluded.told,"
                                           " choice = excluded.choice, error_us = excluded.error_us,"
                                           " daemon = excluded.daemon, servers = excluded.servers");
    db_put_text(&q, uuid);
    db_put_i64(&q, known->lost_ns);
    db_put_i64(&q, known->told);
    db_put_i64(&q, known->choice);
    db_put_i64(&q, said->error_us);
    db_put_text(&q, said->daemon);
    db_put_text(&q, said->servers);
    db_run(&q);
}

static int64_t record_put(struct desk *desk, const char *event, const struct agent *agent, const struct said *said,
                          int64_t now_ns)
{
    struct buf *body = agent->id ? agent_record_begin(desk, event, agent, STR("qorgan"), now_ns)
                                 : desk_record_begin(desk, event, STR("qorgan"), now_ns);
    json_put_int(body, "error_us", said->error_us);
    json_put_str(body, "daemon", said->daemon);
    json_put_str(body, "servers", said->servers);
    return desk_record_end(desk, 0, said->servers);
}

static void loss_tell(struct desk *desk, const struct agent *agent, const struct said *said, int64_t lost_ns,
                      int64_t now_ns)
{
    char storage[160], since[CIVIL_TEXT_MAX];
    struct buf text;
    civil_format(lost_ns, 0, 0, since);
    buf_init_fixed(&text, storage, sizeof storage);
    buf_format(&text, "its clock follows no source of time since %s; it may be off by %lld ms", since,
               (long long)(said->error_us / 1000));
    struct own_alarm alarm = {.trouble = TIME_SOURCE_LOST,
                              .object = agent->object,
                              .host = agent->id ? (agent->host.n ? agent->host : agent->name) : STR("qorgan"),
                              .address = agent->id ? agent->address : STR(""),
                              .text = buf_view(&text)};
    own_alarm_put(desk, &alarm, record_put(desk, "time.lost", agent, said, now_ns), now_ns);
}

static struct str line_of(const struct json_value *time, const char *name, size_t most)
{
    struct str text = json_str(json_get(time, name), STR(""));
    return text.n <= most && desk_one_line(text) ? text : STR("");
}

void time_said(struct desk *desk, struct str uuid, const struct json_value *time, int64_t now_ns)
{
    struct agent agent = {0};
    if (!time || time->kind != JSON_OBJECT || (uuid.n && !agent_load(desk, uuid, &agent)))
        return;
    struct said said = {.synced = json_bool(json_get(time, "synced"), false),
                        .lost_s = MIN(MAX(json_int(json_get(time, "lost_s"), 0), 0), SECONDS_MAX),
                        .error_us = MIN(MAX(json_int(json_get(time, "error_us"), 0), 0), ERROR_MAX),
                        .daemon = line_of(time, "daemon", DESK_FIELD_MAX),
                        .servers = line_of(time, "servers", TIME_TEXT_MAX)};
    struct known was = known_read(desk, uuid), is = was;
    is.choice = time_choice_of(desk->time_servers, said.servers);
    is.lost_ns = said.synced ? 0 : was.lost_ns ? was.lost_ns : now_ns - said.lost_s * SECOND_NS;
    bool lasts = is.lost_ns && now_ns - is.lost_ns >= desk->time_lost_ns;
    is.told = !said.synced && (was.told || lasts);
    known_store(desk, uuid, &said, &is);
    if (is.told && !was.told)
        loss_tell(desk, &agent, &said, is.lost_ns, now_ns);
    if (was.told && !is.told)
        IGNORE(record_put(desk, "time.back", &agent, &said, now_ns) == 0); /* its number is not asked for */
    if (is.choice != was.choice)
        IGNORE(record_put(desk, is.choice == TIME_ACCEPTED ? "time.accepted" : "time.foreign", &agent, &said, now_ns) ==
               0);
}

enum rc desk_time_said(struct desk *desk, struct str text, int64_t now_ns, struct err *err)
{
    struct json_value *value = NULL;
    ASSERT(desk->magic == DESK_MAGIC);
    if (desk->outgoing >= (int64_t)DESK_OUTGOING_MAX)
        return RC_OK; /* it is said again in a minute */
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct err why;
    if (json_parse(desk->scratch, text, 4, &value, &why) == RC_OK)
        time_said(desk, STR(""), json_get(value, "time"), now_ns);
    return desk_end(desk, true, err);
}

void time_clean(struct desk *desk)
{
    db_run_i64(desk->db,
               "DELETE FROM time_source WHERE agent <> '' AND agent NOT IN (SELECT uuid FROM agent WHERE"
               " state = ?1)",
               AGENT_ACTIVE);
}

/* ---- what is shown ---- */

void time_put(struct desk *desk, struct buf *out, struct str uuid)
{
    struct db_query q = db_query(desk->db, "SELECT lost_ns, told, choice, error_us, daemon, servers FROM time_source"
                                           " WHERE agent = ?1");
    db_put_text(&q, uuid);
    if (!db_next(&q))
        return;
    json_write_key(out, "time");
    json_write_object(out);
    json_put_int(out, "lost_ns", db_i64(&q));
    json_put_bool(out, "lost", db_i64(&q));
    int64_t choice = db_i64(&q);
    json_put_text(out, "choice", choice_keys[choice >= 0 && choice < (int64_t)ARRAY_LEN(choice_keys) ? choice : 0]);
    json_put_int(out, "error_us", db_i64(&q));
    json_put_str(out, "daemon", db_text(&q));
    json_put_str(out, "servers", db_text(&q));
    json_write_object_end(out);
    db_query_end(&q);
}

int64_t time_lost_count(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM time_source t JOIN agent a ON a.uuid = t.agent"
                                           " AND a.state = 0 WHERE t.told = 1");
    return db_one_i64(&q, 0);
}
