/* findings_ask.c - reports of vulnerabilities: begun, filled part by part, ended; their lists and terms. */
#include "base/assert.h"
#include "base/bytes.h"
#include "desk/vulnerability.h"

#include <string.h>

#define LIST_DEFAULT 50
#define LIST_MAX     200
#define SUMMARY_MAX  2000
#define NAMED_MAX    2000 /* numbers in a record */

static const struct {
    const char *name;
    size_t limit;
    bool line;
} text_rows[] = {
#define X(id, name, limit, line) [id] = {name, limit, line},
    VULNERABILITY_TEXTS(X)
#undef X
};

/* --- begin --- */

static struct findings_begin begin_read(struct ask *ask)
{
    return (struct findings_begin){.object = ask_int(ask, "object"),
                                   .received_ns = ask_int(ask, "received_ns"),
                                   .origin = ask_str(ask, "origin"),
                                   .title = str_trim(ask_str(ask, "title")),
                                   .format = ask_str(ask, "format"),
                                   .scanner = ask_str(ask, "scanner"),
                                   .sha256 = ask_str(ask, "sha256"),
                                   .control = json_bool(json_get(ask->question, "control"), false)};
}

bool findings_check(struct ask *ask, struct findings_begin *begin)
{
    uint8_t digest[32];
    if (!begin->received_ns)
        begin->received_ns = ask->now_ns;
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object WHERE id = ?1");
    db_put_i64(&q, begin->object);
    if (db_one_i64(&q, 0) == 0)
        ask_invalid(ask, "object", "no such object");
    else if (!str_is(begin->origin, "survey") && !str_is(begin->origin, "own"))
        ask_invalid(ask, "origin", "the origin is survey or own");
    else if (begin->control && !str_is(begin->origin, "survey"))
        ask_invalid(ask, "control", "only a survey is a control survey");
    else if (!begin->title.n || begin->title.n > DESK_NAME_MAX || !desk_one_line(begin->title))
        ask_invalid(ask, "title", "the title is empty or too long");
    else if (begin->format.n > 32 || !desk_one_line(begin->format) || begin->scanner.n > 64 ||
             !desk_one_line(begin->scanner))
        ask_invalid(ask, "format", "not a format");
    else if (begin->sha256.n && !hex_decode(begin->sha256, digest, sizeof digest))
        ask_invalid(ask, "sha256", "not 64 hexadecimal digits");
    else if (begin->received_ns <= 0 || begin->received_ns > ask->now_ns)
        ask_invalid(ask, "received_ns", "it was received before now");
    q = db_query(ask->desk->db, "SELECT count(*) FROM findings");
    if (db_one_i64(&q, 0) >= FINDINGS_MAX)
        ask_refuse(ask, "too_large", "there are too many reports");
    return !ask->error;
}

static struct str number_of(struct ask *ask, const char *mark, int64_t id)
{
    char storage[32];
    struct buf number;
    buf_init_fixed(&number, storage, sizeof storage);
    buf_format(&number, "%s-%06lld", mark, (long long)id);
    struct str copy = arena_str(ask->arena, buf_view(&number));
    return copy.p ? copy : STR("");
}

int64_t findings_insert(struct ask *ask, struct findings_begin *begin)
{
    if (!findings_check(ask, begin))
        return 0;
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(max(id), 0) + 1 FROM findings");
    int64_t id = db_one_i64(&q, 1);
    struct str number = number_of(ask, "F", id);
    q = db_query(ask->desk->db,
                 "INSERT INTO findings (id, number, object, origin, control, title, format, scanner, sha256, who,"
                 " received_ns, made_ns, ended_ns, informed_ns, fresh, known, returned, closed, summary)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0, 0, 0, 0, 0, '')");
    const struct str texts[] = {begin->title, begin->format, begin->scanner, begin->sha256, ask->who};
    db_put_i64(&q, id);
    db_put_text(&q, number);
    db_put_i64(&q, begin->object);
    db_put_text(&q, begin->origin);
    db_put_i64(&q, begin->control);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        db_put_text(&q, texts[i]);
    db_put_i64(&q, begin->received_ns);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    json_put_int(ask->out, "id", id);
    json_put_str(ask->out, "number", number);
    return id;
}

void ask_findings_begin(struct ask *ask)
{
    struct findings_begin begin = begin_read(ask);
    IGNORE(findings_insert(ask, &begin) == 0);
}

/* --- parts --- */

/* What a part did: how many, and which, for the record. */
struct part {
    struct ask *ask;
    const struct findings *findings;
    int64_t fresh, known, returned;
    int64_t decided;                /* that the tool calls fixed, or none: people decide here */
    int64_t items[FINDINGS_A_PART]; /* that are new or returned */
    bool is_return[FINDINGS_A_PART];
    size_t item_count;
};

static bool cves_read(struct ask *ask, const struct json_value *list, struct finding *finding)
{
    if (list && (list->kind != JSON_ARRAY || list->count > VULNERABILITY_CVES)) {
        ask_invalid(ask, "cves", "not a list of CVE numbers, or too long");
        return false;
    }
    for (const struct json_value *one = json_first(list); one; one = one->next) {
        struct str cve = json_str(one, STR(""));
        if (!str_starts(cve, STR("CVE-")) || cve.n < 13 || cve.n > 24 || !desk_one_line(cve)) {
            ask_invalid(ask, "cves", "not a CVE number");
            return false;
        }
        finding->cves[finding->cve_count++] = cve;
    }
    return true;
}

bool finding_read(struct ask *ask, const struct json_value *in, struct finding *finding)
{
    *finding = (struct finding){.port = json_int(json_get(in, "port"), 0),
                                .score = json_int(json_get(in, "score"), 0),
                                .severity = json_int(json_get(in, "severity"), 0),
                                .seen_ns = json_int(json_get(in, "seen_ns"), 0)};
    for (size_t i = 0; i < FINDING_TEXT_COUNT; i++) {
        struct str text = str_trim(json_str(json_get(in, text_rows[i].name), STR("")));
        finding->text[i] = text.n ? text : STR("");
        if (text.n > text_rows[i].limit || (text_rows[i].line && !desk_one_line(text))) {
            ask_invalid(ask, text_rows[i].name, "too long, or not one line");
            return false;
        }
    }
    bool somewhere =
        finding->text[FINDING_ADDRESS].n || finding->text[FINDING_HOST].n || finding->text[FINDING_COMPONENT].n;
    if (!finding->text[FINDING_TITLE].n)
        ask_invalid(ask, "title", "a vulnerability has a title");
    else if (!somewhere)
        ask_invalid(ask, "address", "a vulnerability is at an address, on a host or in a component");
    else if (finding->port < 0 || finding->port > UINT16_MAX)
        ask_invalid(ask, "port", "not a port");
    else if (finding->score < 0 || finding->score > 100 || finding->severity < 0 || finding->severity > 4)
        ask_invalid(ask, "severity", "not a severity");
    if (finding->seen_ns <= 0 || finding->seen_ns > ask->now_ns)
        finding->seen_ns = ask->now_ns;
    return !ask->error && cves_read(ask, json_get(in, "cves"), finding);
}

static void cves_write(struct buf *out, const struct finding *finding)
{
    for (size_t i = 0; i < finding->cve_count; i++) {
        if (i > 0)
            buf_char(out, ' ');
        buf_str(out, finding->cves[i]);
    }
}

static void cves_store(struct ask *ask, int64_t vulnerability, const struct finding *finding)
{
    for (size_t i = 0; i < finding->cve_count; i++) {
        struct db_query q =
            db_query(ask->desk->db, "INSERT OR IGNORE INTO vulnerability_cve (cve, vulnerability) VALUES (?1, ?2)");
        db_put_text(&q, finding->cves[i]);
        db_put_i64(&q, vulnerability);
        db_run(&q);
    }
}

static int64_t vulnerability_insert(struct part *part, const struct finding *finding, const uint8_t print[16])
{
    struct ask *ask = part->ask;
    char storage[VULNERABILITY_CVES * 25];
    struct buf cves;
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(max(id), 0) + 1 FROM vulnerability");
    int64_t id = db_one_i64(&q, 1);
    if (id > VULNERABILITIES_MAX) {
        ask_refuse(ask, "too_large", "there are too many vulnerabilities");
        return 0;
    }
    buf_init_fixed(&cves, storage, sizeof storage);
    cves_write(&cves, finding);
    q = db_query(ask->desk->db,
                 "INSERT INTO vulnerability (id, number, object, print, findings, last_findings, scanner, checked,"
                 " address, host, protocol, component, place, tool_print, title, description, solution, evidence, cves,"
                 " port, score, severity, found_ns, seen_ns, state, category, justification, until_ns, times, returned,"
                 " fixed_ns, closed_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                 " ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?22, 0, '', '', 0, 1, 0, 0, 0)");
    db_put_i64(&q, id);
    db_put_text(&q, number_of(ask, "V", id));
    db_put_i64(&q, part->findings->object);
    db_put_blob(&q, str_at(print, 16));
    db_put_i64(&q, part->findings->id);
    for (size_t i = 0; i < FINDING_TEXT_COUNT; i++)
        db_put_text(&q, finding->text[i]);
    db_put_text(&q, buf_view(&cves));
    db_put_i64(&q, finding->port);
    db_put_i64(&q, finding->score);
    db_put_i64(&q, finding->severity);
    db_put_i64(&q, finding->seen_ns);
    db_run(&q);
    cves_store(ask, id, finding);
    vulnerability_count(ask->desk, part->findings->object, VULNERABILITY_OPEN, finding->severity, 1);
    return id;
}

/* What is known of one that is seen again. */
struct again {
    int64_t id, state, severity, last;
};

static void again_store(struct part *part, const struct finding *finding, const struct again *known, bool returns)
{
    char storage[VULNERABILITY_CVES * 25];
    struct buf cves;
    buf_init_fixed(&cves, storage, sizeof storage);
    cves_write(&cves, finding);
    struct db_query q = db_query(
        part->ask->desk->db,
        "UPDATE vulnerability SET last_findings = ?2, seen_ns = max(seen_ns, ?3), times = times + ?4,"
        " score = max(score, ?5), severity = max(severity, ?8), state = CASE WHEN ?6 THEN 0 ELSE state END,"
        " findings = CASE WHEN ?6 THEN ?2 ELSE findings END, returned = returned + ?6,"
        " fixed_ns = CASE WHEN ?6 THEN 0 ELSE fixed_ns END, closed_ns = CASE WHEN ?6 THEN 0 ELSE closed_ns END,"
        " evidence = CASE WHEN ?7 <> '' THEN ?7 ELSE evidence END,"
        " cves = CASE WHEN length(?9) > length(cves) THEN ?9 ELSE cves END WHERE id = ?1");
    db_put_i64(&q, known->id);
    db_put_i64(&q, part->findings->id);
    db_put_i64(&q, finding->seen_ns);
    db_put_i64(&q, known->last != part->findings->id);
    db_put_i64(&q, finding->score);
    db_put_i64(&q, returns);
    db_put_text(&q, finding->text[FINDING_EVIDENCE]);
    db_put_i64(&q, finding->severity);
    db_put_text(&q, buf_view(&cves));
    db_run(&q);
    cves_store(part->ask, known->id, finding);
}

/* Seen once more: as bad as whoever thinks worst of it. What was said to be removed, or was closed, is open again and
 * owed anew. */
static void vulnerability_again(struct part *part, const struct finding *finding, int64_t id)
{
    struct desk *desk = part->ask->desk;
    struct again known = {.id = id};
    struct db_query q = db_query(desk->db, "SELECT state, severity, last_findings FROM vulnerability WHERE id = ?1");
    db_put_i64(&q, id);
    if (!db_next(&q))
        return;
    known.state = db_i64(&q);
    known.severity = db_i64(&q);
    known.last = db_i64(&q);
    db_query_end(&q);
    bool returns = known.state == VULNERABILITY_FIXED || known.state == VULNERABILITY_CLOSED;
    again_store(part, finding, &known, returns);
    vulnerability_count(desk, part->findings->object, known.state, known.severity, -1);
    vulnerability_count(desk, part->findings->object, returns ? VULNERABILITY_OPEN : known.state,
                        MAX(known.severity, finding->severity), 1);
    if (!returns) {
        part->known += known.last != part->findings->id;
        return;
    }
    part->returned++;
    part->is_return[part->item_count] = true;
    part->items[part->item_count++] = id;
}

static void finding_take(struct part *part, const struct json_value *in)
{
    struct finding finding;
    uint8_t print[16];
    if (!finding_read(part->ask, in, &finding))
        return;
    if (!str_is(json_str(json_get(in, "verdict"), STR("open")), "open")) {
        part->decided++;
        return;
    }
    vulnerability_print(part->ask->desk, &finding, print);
    int64_t id = vulnerability_find(part->ask->desk, part->findings->object, print);
    if (id) {
        vulnerability_again(part, &finding, id);
        return;
    }
    id = vulnerability_insert(part, &finding, print);
    if (!id)
        return;
    part->fresh++;
    part->is_return[part->item_count] = false;
    part->items[part->item_count++] = id;
}

static void part_record(const struct part *part)
{
    struct ask *ask = part->ask;
    const struct subject subject = findings_subject(part->findings);
    struct buf *body = desk_record_begin(ask->desk, "findings.taken", ask->who, ask->now_ns);
    subject_put(body, &subject);
    for (int returned = 0; returned < 2; returned++) {
        json_write_key(body, returned ? "returned" : "new");
        json_write_array(body);
        for (size_t i = 0; i < part->item_count; i++)
            if (part->is_return[i] == (returned > 0))
                json_write_str(body, number_of(ask, "V", part->items[i]));
        json_write_array_end(body);
    }
    json_put_int(body, "known", part->known);
    int64_t outgoing = desk_record_end(ask->desk, 0, STR_NONE);
    for (size_t i = 0; i < part->item_count; i++)
        history_add(ask->desk, SUBJECT_VULNERABILITY, part->items[i],
                    &(struct history_row){part->is_return[i] ? "vulnerability.returned" : "vulnerability.found",
                                          part->findings->number, outgoing});
}

static bool findings_asked(struct ask *ask, bool open, struct findings *ret_findings)
{
    if (!findings_load(ask->desk, ask_int(ask, "id"), ask->arena, ret_findings)) {
        ask_refuse(ask, "not_found", "no such report");
        return false;
    }
    if (open != (ret_findings->ended_ns == 0)) {
        ask_refuse(ask, "state_refuses", open ? "the report was ended" : "the report was not ended");
        return false;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM upload WHERE report = ?1 AND state = 3");
    db_put_i64(&q, ret_findings->id);
    if (db_one_i64(&q, 0) > 0) {
        ask_refuse(ask, "state_refuses", "the report is filled from a file");
        return false;
    }
    return true;
}

void findings_take(struct ask *ask, struct findings *findings, const struct json_value *list)
{
    if (!list || list->kind != JSON_ARRAY || list->count > FINDINGS_A_PART) {
        ask_invalid(ask, "findings", "not a list, or too long");
        return;
    }
    struct part *part = arena_alloc(ask->arena, sizeof *part);
    if (!part) {
        ask_refuse(ask, "too_large", "no memory for a part of a report");
        return;
    }
    *part = (struct part){.ask = ask, .findings = findings};
    for (const struct json_value *in = list->first; in && !ask->error; in = in->next)
        finding_take(part, in);
    if (ask->error)
        return;
    part_record(part);
    struct db_query q = db_query(ask->desk->db, "UPDATE findings SET fresh = fresh + ?2, known = known + ?3,"
                                                " returned = returned + ?4 WHERE id = ?1");
    db_put_i64(&q, findings->id);
    db_put_i64(&q, part->fresh);
    db_put_i64(&q, part->known);
    db_put_i64(&q, part->returned);
    db_run(&q);
    findings->fresh += part->fresh;
    findings->known += part->known;
    findings->returned += part->returned;
    json_put_int(ask->out, "fresh", part->fresh);
    json_put_int(ask->out, "known", part->known);
    json_put_int(ask->out, "returned", part->returned);
    json_put_int(ask->out, "decided", part->decided);
}

void ask_findings_add(struct ask *ask)
{
    struct findings findings;
    if (findings_asked(ask, true, &findings))
        findings_take(ask, &findings, json_get(ask->question, "findings"));
}

/* --- end --- */

struct closing {
    int64_t id, severity, findings;
};

/* Said to be removed, and not seen again by the survey's scanner. */
static size_t unseen_load(struct ask *ask, const struct findings *findings, struct closing closing[NAMED_MAX])
{
    size_t count = 0;
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, severity, findings FROM vulnerability WHERE object = ?1 AND state = 1"
                                " AND last_findings < ?2 AND (?3 = '' OR scanner = ?3) ORDER BY id LIMIT ?4");
    db_put_i64(&q, findings->object);
    db_put_i64(&q, findings->id);
    db_put_text(&q, findings->scanner);
    db_put_i64(&q, NAMED_MAX);
    while (count < NAMED_MAX && db_next(&q)) {
        closing[count].id = db_i64(&q);
        closing[count].severity = db_i64(&q);
        closing[count++].findings = db_i64(&q);
    }
    db_query_end(&q);
    return count;
}

static int64_t closing_record(struct ask *ask, const struct findings *findings, const struct closing *closing, size_t n)
{
    const struct subject subject = findings_subject(findings);
    struct buf *body = desk_record_begin(ask->desk, "findings.closed", ask->who, ask->now_ns);
    subject_put(body, &subject);
    json_write_key(body, "closed");
    json_write_array(body);
    for (size_t i = 0; i < n; i++)
        json_write_str(body, number_of(ask, "V", closing[i].id));
    json_write_array_end(body);
    return desk_record_end(ask->desk, 0, STR_NONE);
}

/* A control survey closes; NAMED_MAX at most in one call. */
static int64_t control_close(struct ask *ask, const struct findings *findings)
{
    struct closing *closing = arena_alloc_array(ask->arena, NAMED_MAX, sizeof *closing);
    size_t count = closing ? unseen_load(ask, findings, closing) : 0;
    if (!closing)
        ask_refuse(ask, "too_large", "no memory to close vulnerabilities");
    if (count == 0)
        return 0;
    int64_t outgoing = closing_record(ask, findings, closing, count);
    for (size_t i = 0; i < count; i++) {
        struct db_query q = db_query(ask->desk->db, "UPDATE vulnerability SET state = 3, closed_ns = ?2 WHERE id = ?1");
        db_put_i64(&q, closing[i].id);
        db_put_i64(&q, ask->now_ns);
        db_run(&q);
        vulnerability_count(ask->desk, findings->object, VULNERABILITY_FIXED, closing[i].severity, -1);
        vulnerability_count(ask->desk, findings->object, VULNERABILITY_CLOSED, closing[i].severity, 1);
        history_add(ask->desk, SUBJECT_VULNERABILITY, closing[i].id,
                    &(struct history_row){"vulnerability.closed", findings->number, outgoing});
        findings_settle(ask->desk, closing[i].findings, ask->who, ask->now_ns);
    }
    return (int64_t)count;
}

static void ended_record(struct ask *ask, const struct findings *findings)
{
    const struct subject subject = findings_subject(findings);
    struct buf *body = desk_record_begin(ask->desk, "findings.ended", ask->who, ask->now_ns);
    subject_put(body, &subject);
    json_put_str(body, "origin", findings->origin);
    json_put_bool(body, "control", findings->control);
    json_put_str(body, "format", findings->format);
    json_put_str(body, "scanner", findings->scanner);
    json_put_str(body, "sha256", findings->sha256);
    json_put_int(body, "received_ns", findings->received_ns);
    json_put_int(body, "fresh", findings->fresh);
    json_put_int(body, "known", findings->known);
    json_put_int(body, "returned", findings->returned);
    json_put_int(body, "closed", findings->closed);
    subject_record_end(ask->desk, &subject, STR_NONE);
}

/* Only where there is something that somebody has to answer for. */
static void terms_start(struct ask *ask, const struct findings *findings)
{
    const struct subject subject = findings_subject(findings);
    bool survey = str_is(findings->origin, "survey");
    if (findings->fresh + findings->returned == 0)
        return;
    clocks_start(ask->desk, &subject, survey ? "findings_survey" : "findings_own", findings->received_ns, ask->now_ns);
    if (findings->critical)
        clocks_start(ask->desk, &subject, "findings_critical", findings->received_ns, ask->now_ns);
}

/* One call closes NAMED_MAX at most. */
bool findings_finish(struct ask *ask, struct findings *findings, struct str summary)
{
    if (summary.n > SUMMARY_MAX || !desk_one_line(summary)) {
        ask_invalid(ask, "summary", "too long, or not one line");
        return false;
    }
    int64_t closed = findings->control ? control_close(ask, findings) : 0;
    bool more = closed == NAMED_MAX;
    struct db_query q = db_query(ask->desk->db, "UPDATE findings SET closed = closed + ?2, ended_ns = ?3, summary = ?4"
                                                " WHERE id = ?1");
    db_put_i64(&q, findings->id);
    db_put_i64(&q, closed);
    db_put_i64(&q, more ? 0 : ask->now_ns);
    db_put_text(&q, summary);
    db_run(&q);
    json_put_bool(ask->out, "more", more);
    findings->closed += closed;
    if (more)
        return true;
    ended_record(ask, findings);
    terms_start(ask, findings);
    return false;
}

void ask_findings_end(struct ask *ask)
{
    struct findings findings;
    if (findings_asked(ask, true, &findings))
        IGNORE(findings_finish(ask, &findings, ask_str(ask, "summary")));
}

/* A report of few, in one question. */
void ask_findings_note(struct ask *ask)
{
    struct findings findings;
    struct findings_begin begin = begin_read(ask);
    int64_t id = findings_insert(ask, &begin);
    if (!id || !findings_load(ask->desk, id, ask->arena, &findings))
        return;
    findings_take(ask, &findings, json_get(ask->question, "findings"));
    if (!ask->error)
        IGNORE(findings_finish(ask, &findings, ask_str(ask, "summary")));
}

/* --- what was told of a report --- */

void ask_findings_inform(struct ask *ask)
{
    struct findings findings;
    struct str note = str_trim(ask_str(ask, "note"));
    if (!findings_asked(ask, false, &findings))
        return;
    if (note.n < 3 || note.n > DESK_TEXT_MAX) {
        ask_invalid(ask, "note", "what was sent, and how, in three characters at least");
        return;
    }
    const struct subject subject = findings_subject(&findings);
    subject_put(desk_record_begin(ask->desk, "findings.informed", ask->who, ask->now_ns), &subject);
    subject_record_end(ask->desk, &subject, note);
    clocks_meet(ask->desk, &subject, "inform", ask->who, ask->now_ns);
    struct db_query q = db_query(ask->desk->db, "UPDATE findings SET informed_ns = ?2 WHERE id = ?1");
    db_put_i64(&q, findings.id);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
}

/* --- lists --- */

#define ROW                                                                                                            \
    "SELECT f.id, f.number, f.object, o.name, f.origin, f.control, f.title, f.format, f.scanner, f.sha256, f.who,"     \
    " f.received_ns, f.made_ns, f.ended_ns, f.informed_ns, f.fresh, f.known, f.returned, f.closed, f.summary,"         \
    " (SELECT count(*) FROM vulnerability v WHERE v.findings = f.id AND v.state = 0)"                                  \
    " FROM findings f JOIN object o ON o.id = f.object"

static void row_put(struct buf *out, struct db_query *q)
{
    json_put_int(out, "id", db_i64(q));
    json_put_str(out, "number", db_text(q));
    json_put_int(out, "object_id", db_i64(q));
    json_put_str(out, "object", db_text(q));
    json_put_str(out, "origin", db_text(q));
    json_put_bool(out, "control", db_i64(q) > 0);
    json_put_str(out, "title", db_text(q));
    json_put_str(out, "format", db_text(q));
    json_put_str(out, "scanner", db_text(q));
    json_put_str(out, "sha256", db_text(q));
    json_put_str(out, "who", db_text(q));
    static const char *const numbers[] = {"received_ns", "made_ns", "ended_ns", "informed_ns",
                                          "fresh",       "known",   "returned", "closed"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(out, numbers[i], db_i64(q));
    json_put_str(out, "summary", db_text(q));
    json_put_int(out, "open", db_i64(q));
}

void ask_findings_list(struct ask *ask)
{
    int64_t ids[LIST_MAX];
    size_t count = 0;
    int64_t limit = ask_int(ask, "limit"), object = ask_int(ask, "object");
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM findings WHERE ?1 = 0 OR object = ?1");
    db_put_i64(&q, object);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    q = db_query(ask->desk->db,
                 "SELECT id FROM findings WHERE ?1 = 0 OR object = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3");
    db_put_i64(&q, object);
    db_put_i64(&q, limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    while (count < LIST_MAX && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    json_write_key(ask->out, "findings");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        q = db_query(ask->desk->db, ROW " WHERE f.id = ?1");
        db_put_i64(&q, ids[i]);
        if (!db_next(&q))
            break;
        json_write_object(ask->out);
        row_put(ask->out, &q);
        db_query_end(&q);
        clocks_put_next(ask->desk, ask->out, SUBJECT_FINDINGS, ids[i]);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_findings_get(struct ask *ask)
{
    int64_t id = ask_int(ask, "id");
    struct db_query q = db_query(ask->desk->db, ROW " WHERE f.id = ?1");
    db_put_i64(&q, id);
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such report");
        return;
    }
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    json_write_key(ask->out, "report");
    json_write_object(ask->out);
    row_put(ask->out, &q);
    db_query_end(&q);
    clocks_put_next(ask->desk, ask->out, SUBJECT_FINDINGS, id);
    clocks_put(ask->desk, ask->out, SUBJECT_FINDINGS, id);
    history_put(ask->desk, ask->out, SUBJECT_FINDINGS, id);
    notices_put(ask->desk, ask->out, SUBJECT_FINDINGS, id);
    json_write_object_end(ask->out);
}
