/* outbox.c - notices: written with the change they tell of, sent by another process, tried again until they arrive. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/inside.h"

#define LENT_NS      (5 * MINUTE_S * SECOND_NS)
#define BACKOFF_NS   (10 * SECOND_NS)
#define BACKOFF_MAX  (HOUR_S * SECOND_NS)
#define TRIES_MAX    20
#define CHANNELS_MAX 20
#define BODY_MAX     ((size_t)64 << 10)
#define ANSWER_MAX   500

enum outbox_state { OUTBOX_WAITING, OUTBOX_LENT, OUTBOX_SENT, OUTBOX_FAILED };

static const char *const state_names[] = {
    [OUTBOX_WAITING] = "waiting",
    [OUTBOX_LENT] = "sending",
    [OUTBOX_SENT] = "sent",
    [OUTBOX_FAILED] = "failed",
};

/* --- writing a notice --- */

/* Local time with its zone, to the second: what people read in a mail. */
static struct str moment(char text[CIVIL_TEXT_MAX], int64_t time_ns, int64_t zone_offset_s)
{
    return time_ns ? str_at(text, civil_format(time_ns, (int32_t)zone_offset_s, 0, text)) : STR("-");
}

static void duty_fill(struct desk *desk, struct buf *out, const struct subject *subject, const struct notice *notice,
                      const char *part, enum term_language language)
{
    char due[CIVIL_TEXT_MAX], key_text[64];
    struct buf key;
    buf_init_fixed(&key, key_text, sizeof key_text);
    buf_format(&key, "duty_%s.%s", notice->kind, part);
    const struct desk_fill fills[] = {
        {"n", STR("\n")},
        {"number", subject->number},
        {"title", subject_title(desk, subject, language)},
        {"object", subject->object_name},
        {"clock", notice->clock_rule},
        {"due", moment(due, notice->due_ns, subject->zone_offset_s)},
        {"what", desk_text(&desk->texts, "notice.clock_", notice->clock_rule, language)},
    };
    desk_fill(out, desk_text(&desk->texts, "notice.", buf_view(&key), language), fills, ARRAY_LEN(fills));
}

static void mail_fill(struct desk *desk, struct buf *out, const struct incident *incident, const struct notice *notice,
                      const char *part, enum term_language language)
{
    char detected[CIVIL_TEXT_MAX], due[CIVIL_TEXT_MAX], key_text[64],
        severity_text[2] = {(char)('0' + incident->severity)};
    struct buf key;
    buf_init_fixed(&key, key_text, sizeof key_text);
    buf_format(&key, "%s.%s", notice->kind, part);
    const struct desk_fill fills[] = {
        {"n", STR("\n")},
        {"number", incident->number},
        {"title", desk_title(&desk->texts, incident->rule_id, incident->title, language)},
        {"object", incident->object_name},
        {"severity", desk_text(&desk->texts, "notice.severity_", str_at(severity_text, 1), language)},
        {"state", desk_text(&desk->texts, "state.", str_of(desk_state_key(incident->state)), language)},
        {"kind", desk_text(&desk->texts, "kind.", incident->kind, language)},
        {"host", incident->host.n ? incident->host : STR("-")},
        {"account", incident->account.n ? incident->account : STR("-")},
        {"address", incident->address.n ? incident->address : STR("-")},
        {"detected", moment(detected, incident->detected_ns, incident->zone_offset_s)},
        {"clock", notice->clock_rule.n ? notice->clock_rule : STR("-")},
        {"due", moment(due, notice->due_ns, incident->zone_offset_s)},
        {"what", desk_text(&desk->texts, "notice.clock_", notice->clock_rule, language)},
    };
    desk_fill(out, desk_text(&desk->texts, "notice.", buf_view(&key), language), fills, ARRAY_LEN(fills));
}

static void webhook_fill(struct desk *desk, struct buf *out, const struct subject *subject, const struct notice *notice,
                         enum term_language language, int64_t now_ns)
{
    json_write_object(out);
    json_put_text(out, "notice", notice->kind);
    json_put_int(out, "time_ns", now_ns);
    if (subject->incident) {
        struct incident shown = *subject->incident;
        shown.title = desk_title(&desk->texts, shown.rule_id, shown.title, language);
        incident_put(out, &shown);
        json_put_int(out, "detected_ns", shown.detected_ns);
    } else {
        subject_put(out, subject);
    }
    if (notice->clock_rule.n)
        json_put_str(out, "clock", notice->clock_rule);
    if (notice->due_ns)
        json_put_int(out, "due_ns", notice->due_ns);
    json_write_object_end(out);
}

/* A mail subject is one line whatever a log put into the title. */
static void title_clean(struct buf *title)
{
    for (size_t i = 0; i < title->n; i++)
        if ((unsigned char)title->p[i] < 0x20 || title->p[i] == 0x7f)
            title->p[i] = ' ';
}

struct target {
    int64_t channel;
    bool mail;
    enum term_language language;
};

static void target_put(struct desk *desk, const struct subject *subject, const struct notice *notice,
                       const struct target *target, int64_t now_ns)
{
    struct buf title, body, key;
    buf_init(&title, 2000);
    buf_init(&body, BODY_MAX);
    buf_init(&key, 200);
    buf_format(&key, "%s-%s%lld-%lld-%lld-%s-%lld", desk->instance, subject_mark(subject->kind), (long long)subject->id,
               (long long)notice->clock, (long long)notice->stage, notice->kind, (long long)target->channel);
    if (notice->clock == 0) /* a second confirmation after a reopening is another notice */
        buf_format(&key, "-%lld", (long long)now_ns);
    if (target->mail) {
        if (subject->incident) {
            mail_fill(desk, &title, subject->incident, notice, "subject", target->language);
            mail_fill(desk, &body, subject->incident, notice, "body", target->language);
        } else {
            duty_fill(desk, &title, subject, notice, "subject", target->language);
            duty_fill(desk, &body, subject, notice, "body", target->language);
        }
    } else {
        webhook_fill(desk, &body, subject, notice, target->language, now_ns);
    }
    title_clean(&title);
    struct db_query q =
        db_query(desk->db, "INSERT OR IGNORE INTO outbox (key, subject, item, channel, title, body, due_ns,"
                           " tries, state, time_ns, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?7, '')");
    db_put_text(&q, buf_view(&key));
    db_put_i64(&q, subject->kind);
    db_put_i64(&q, subject->id);
    db_put_i64(&q, target->channel);
    db_put_text(&q, buf_view(&title));
    db_put_text(&q, buf_view(&body));
    db_put_i64(&q, now_ns);
    db_run(&q);
    if (title.overflow || body.overflow || key.overflow)
        db_fail(desk->db, RC_LIMIT, "a notice is too long");
    buf_done(&title);
    buf_done(&body);
    buf_done(&key);
}

void notice_put(struct desk *desk, const struct subject *subject, const struct notice *notice, int64_t now_ns)
{
    struct target targets[CHANNELS_MAX];
    size_t count = 0;
    struct db_query q =
        db_query(desk->db, "SELECT id, kind = 'mail', language FROM channel WHERE enabled = 1 LIMIT ?1");
    db_put_i64(&q, CHANNELS_MAX);
    while (count < CHANNELS_MAX && db_next(&q)) {
        struct target *target = &targets[count++];
        target->channel = db_i64(&q);
        target->mail = db_i64(&q);
        if (!language_find(db_text(&q), &target->language))
            target->language = TERM_KK;
    }
    db_query_end(&q);
    if (count == 0)
        return;
    q = db_query(desk->db, "SELECT count(*) FROM outbox WHERE state < 2");
    if (db_one_i64(&q, 0) >= DESK_OUTBOX_MAX) {
        subject_put(desk_record_begin(desk, "notice.dropped", STR("qorgan"), now_ns), subject);
        subject_record_end(desk, subject, str_of(notice->kind));
        return;
    }
    for (size_t i = 0; i < count; i++)
        target_put(desk, subject, notice, &targets[i], now_ns);
}

void notices_put(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item)
{
    json_write_key(json, "outbox");
    json_write_array(json);
    struct db_query q =
        db_query(desk->db, "SELECT c.kind, c.recipient, o.state, o.time_ns, o.tries, o.answer FROM outbox o"
                           " JOIN channel c ON c.id = o.channel WHERE o.subject = ?1 AND o.item = ?2"
                           " ORDER BY o.id DESC LIMIT 100");
    db_put_i64(&q, kind);
    db_put_i64(&q, item);
    while (db_next(&q)) {
        json_write_object(json);
        json_put_str(json, "channel", db_text(&q));
        json_put_str(json, "to", db_text(&q));
        json_put_text(json, "state", state_names[db_i64(&q)]);
        json_put_int(json, "time_ns", db_i64(&q));
        json_put_int(json, "tries", db_i64(&q));
        json_put_str(json, "answer", db_text(&q));
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* --- sending --- */

static bool notice_lend(struct desk *desk, int64_t now_ns, struct arena *arena, struct desk_notice *notice)
{
    struct db_query q =
        db_query(desk->db, "SELECT o.id, o.key, c.kind, c.recipient, c.server, c.sender, c.user, c.secret, o.title,"
                           " o.body, o.tries FROM outbox o JOIN channel c ON c.id = o.channel"
                           " WHERE o.state < 2 AND o.due_ns <= ?1 ORDER BY o.due_ns, o.id LIMIT 1");
    db_put_i64(&q, now_ns);
    bool found = db_next(&q);
    if (found) {
        notice->id = db_i64(&q);
        struct str *const texts[] = {&notice->key,  &notice->kind,   &notice->to,      &notice->server, &notice->from,
                                     &notice->user, &notice->secret, &notice->subject, &notice->body};
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            *texts[i] = db_text_copy(&q, arena);
        notice->tries = (uint32_t)db_i64(&q);
    }
    db_query_end(&q);
    if (!found)
        return false;
    q = db_query(desk->db, "UPDATE outbox SET state = 1, tries = tries + 1, due_ns = ?1, time_ns = ?2 WHERE id = ?3");
    db_put_i64(&q, now_ns + LENT_NS);
    db_put_i64(&q, now_ns);
    db_put_i64(&q, notice->id);
    db_run(&q);
    return true;
}

enum rc desk_outbox_take(struct desk *desk, int64_t now_ns, struct arena *arena, struct desk_notice *ret_notice,
                         struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    bool found = notice_lend(desk, now_ns, arena, ret_notice);
    rc = desk_end(desk, true, err);
    return rc == RC_OK && !found ? RC_END : rc;
}

static int64_t backoff(int64_t tries)
{
    return MIN(BACKOFF_MAX, BACKOFF_NS << MIN(MAX(tries - 1, 0), 20));
}

/* What is known of a notice when its result comes. */
struct lent {
    int64_t kind, item, tries;
    struct str channel, to;
};

static bool lent_load(struct desk *desk, int64_t id, struct lent *lent)
{
    struct db_query q = db_query(desk->db, "SELECT o.subject, o.item, o.tries, c.kind, c.recipient FROM outbox o"
                                           " JOIN channel c ON c.id = o.channel WHERE o.id = ?1 AND o.state < 2");
    db_put_i64(&q, id);
    bool found = db_next(&q);
    if (found) {
        lent->kind = db_i64(&q);
        lent->item = db_i64(&q);
        lent->tries = db_i64(&q);
        lent->channel = db_text_copy(&q, desk->scratch);
        lent->to = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    return found;
}

static void result_write(struct desk *desk, int64_t id, const struct lent *lent, bool sent, struct str text,
                         int64_t now_ns)
{
    struct subject subject;
    bool given_up = !sent && lent->tries >= TRIES_MAX;
    struct db_query q =
        db_query(desk->db, "UPDATE outbox SET state = ?1, due_ns = ?2, time_ns = ?3, answer = ?4 WHERE id = ?5");
    db_put_i64(&q, sent ? OUTBOX_SENT : given_up ? OUTBOX_FAILED : OUTBOX_WAITING);
    db_put_i64(&q, now_ns + backoff(lent->tries));
    db_put_i64(&q, now_ns);
    db_put_text(&q, desk_cut(text, ANSWER_MAX));
    db_put_i64(&q, id);
    db_run(&q);
    if ((!sent && !given_up) || !subject_load(desk, (enum subject_kind)lent->kind, lent->item, &subject))
        return;
    struct buf *body = desk_record_begin(desk, sent ? "notice.sent" : "notice.failed", STR("qorgan"), now_ns);
    subject_put(body, &subject);
    json_put_str(body, "channel", lent->channel);
    json_put_str(body, "to", lent->to);
    json_put_int(body, "tries", lent->tries);
    json_put_str(body, "answer", desk_cut(text, ANSWER_MAX));
    subject_record_end(desk, &subject, lent->to);
}

enum rc desk_outbox_result(struct desk *desk, int64_t id, bool sent, struct str text, int64_t now_ns, struct err *err)
{
    struct lent lent;
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    if (lent_load(desk, id, &lent))
        result_write(desk, id, &lent, sent, text, now_ns);
    return desk_end(desk, true, err);
}
