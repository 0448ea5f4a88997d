/* report.c - questions about reports: make one, those that were made, one of them as it was stored. */
#include "desk/report.h"

#include "base/assert.h"
#include "base/civil.h"
#include "desk/object.h"

#include <string.h>

#define LIST_DEFAULT 50
#define LIST_MAX     200
#define YEAR_FIRST   2018 /* of the order */
#define HOURS_MAX    168
#define DAYS_MAX     3660
#define TEXT_OF_ID   16

struct report {
    const struct report_kind *kind;
    const struct clock_rule *rule;
    int64_t object, zone_offset_s, from_ns, to_ns;
    struct str object_name, edition, words;
};

/* --- what is asked for --- */

static bool quarter_read(struct ask *ask, struct report *report)
{
    int64_t year = ask_int(ask, "year"), quarter = ask_int(ask, "quarter");
    if (year < YEAR_FIRST || year > 2199)
        ask_invalid(ask, "year", "the year is from 2018 on");
    else if (quarter < 1 || quarter > 4)
        ask_invalid(ask, "quarter", "the quarter is 1, 2, 3 or 4");
    if (ask->error)
        return false;
    struct civil first = {.year = (int32_t)year, .month = (int32_t)(3 * quarter - 2), .day = 1};
    struct civil past = {.year = (int32_t)(year + quarter / 4), .month = (int32_t)(3 * quarter % 12 + 1), .day = 1};
    report->from_ns = civil_to_ns(&first, (int32_t)report->zone_offset_s);
    report->to_ns = civil_to_ns(&past, (int32_t)report->zone_offset_s);
    if (report->from_ns > ask->now_ns)
        ask_invalid(ask, "quarter", "that quarter has not begun");
    return !ask->error;
}

/* So many of a unit back from now; what is not said is `usual`. */
static bool back_read(struct ask *ask, struct report *report, const char *name, int64_t usual, int64_t most)
{
    int64_t count = json_int(json_get(ask->question, name), usual);
    int64_t unit_s = most == HOURS_MAX ? HOUR_S : DAY_S;
    if (count < 1 || count > most)
        ask_invalid(ask, name, "not so far back");
    report->from_ns = ask->now_ns - count * unit_s * SECOND_NS;
    report->to_ns = ask->now_ns;
    return !ask->error;
}

static bool period_read(struct ask *ask, struct report *report)
{
    struct str name = str_of(report->kind->name);
    report->from_ns = report->to_ns = ask->now_ns;
    if (str_starts(name, STR("summary_")))
        return quarter_read(ask, report);
    if (str_is(name, "shift"))
        return back_read(ask, report, "hours", SHIFT_HOURS, HOURS_MAX);
    if (str_is(name, "overdue"))
        return back_read(ask, report, "days", OVERDUE_DAYS, DAYS_MAX);
    return true;
}

static bool object_read(struct ask *ask, struct report *report)
{
    report->object = ask_int(ask, "object");
    report->zone_offset_s = ask->desk->zone_offset_s;
    report->object_name = STR("");
    if (report->object == 0 && !str_is(str_of(report->kind->name), "vulnerabilities"))
        return true;
    struct db_query q = db_query(ask->desk->db, "SELECT name, zone_offset_s FROM object WHERE id = ?1");
    db_put_i64(&q, report->object);
    bool found = db_next(&q);
    if (found) {
        report->object_name = db_text_copy(&q, ask->arena);
        report->zone_offset_s = db_i64(&q);
    } else {
        ask_invalid(ask, "object", "no such object");
    }
    db_query_end(&q);
    return found;
}

static bool report_read(struct ask *ask, struct report *report)
{
    *report = (struct report){.kind = report_kind_find(ask_str(ask, "kind")), .words = ask_str(ask, "violations")};
    if (!report->kind)
        ask_invalid(ask, "kind", "the kind is summary_17, summary_18, overdue, vulnerabilities or shift");
    else if (report->words.n > REPORT_WORDS_MAX)
        ask_invalid(ask, "violations", "the text has 8,000 bytes at most");
    if (ask->error || !object_read(ask, report) || !period_read(ask, report))
        return false;
    report->rule = clock_rule_find(&ask->desk->rules, str_of(report->kind->rule));
    report->edition = report->rule ? report->rule->edition : STR("");
    return true;
}

/* --- its text --- */

static struct str number_text(int64_t id, char ret_text[TEXT_OF_ID])
{
    struct buf text;
    buf_init_fixed(&text, ret_text, TEXT_OF_ID);
    buf_format(&text, "R-%06lld", (long long)id);
    return buf_view(&text);
}

static void text_member(struct buf *out, const char *name, struct str text)
{
    json_write_key(out, name);
    json_write_canonical(out, text);
}

/* Members in the order of their names. */
static void content_write(struct report_writer *writer, const struct report *report, int64_t id)
{
    struct buf *out = writer->out;
    char number[TEXT_OF_ID];
    json_write_object(out);
    json_put_int(out, "archive_size", desk_archive_size(writer->ask->desk));
    text_member(out, "edition", report->edition);
    text_member(out, "format", STR(REPORT_FORMAT));
    json_put_int(out, "from_s", report->from_ns / SECOND_NS);
    text_member(out, "kind", str_of(report->kind->name));
    text_member(out, "made_by", writer->ask->who);
    json_put_int(out, "made_s", writer->ask->now_ns / SECOND_NS);
    text_member(out, "number", number_text(id, number));
    text_member(out, "object", report->object_name);
    json_put_int(out, "object_id", report->object);
    json_write_key(out, "paragraph");
    report_paragraph_put(out, report->kind->paragraph ? report->rule : NULL);
    json_write_key(out, "sections");
    report_sections_put(writer, report->kind);
    json_put_int(out, "to_s", report->to_ns / SECOND_NS);
    json_put_int(out, "zone_offset_s", report->zone_offset_s);
    json_write_object_end(out);
    if (out->overflow)
        db_fail(writer->ask->desk->db, RC_LIMIT, "a report is too long");
}

/* --- making one --- */

static bool room_check(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*), coalesce(sum(bytes), 0) FROM report");
    int64_t count = 0, bytes = 0;
    if (db_next(&q)) {
        count = db_i64(&q);
        bytes = db_i64(&q);
    }
    db_query_end(&q);
    if (count >= REPORTS_MAX || bytes >= REPORTS_BYTES_MAX)
        ask_refuse(ask, "reports_full", "there is no place for a further report");
    return !ask->error;
}

static void report_store(struct report_writer *writer, const struct report *report, int64_t id, struct str sha256)
{
    struct ask *ask = writer->ask;
    struct db_query q =
        db_query(ask->desk->db, "INSERT INTO report (id, kind, object, from_ns, to_ns, made_ns, who, archive_size,"
                                " edition, sha256, bytes, left_out, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                                " ?9, ?10, ?11, ?12, ?13)");
    db_put_i64(&q, id);
    db_put_text(&q, str_of(report->kind->name));
    db_put_i64(&q, report->object);
    db_put_i64(&q, report->from_ns);
    db_put_i64(&q, report->to_ns);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_i64(&q, desk_archive_size(ask->desk));
    db_put_text(&q, report->edition);
    db_put_text(&q, sha256);
    db_put_i64(&q, (int64_t)writer->out->n);
    db_put_i64(&q, writer->left_out);
    db_put_text(&q, buf_view(writer->out));
    db_run(&q);
}

static void report_record(struct report_writer *writer, const struct report *report, int64_t id, struct str sha256)
{
    struct ask *ask = writer->ask;
    char number[TEXT_OF_ID];
    struct buf *body = desk_record_begin_paper(ask->desk, "report.made", sha256, ask->who, ask->now_ns);
    json_put_str(body, "report", number_text(id, number));
    json_put_text(body, "kind", report->kind->name);
    json_put_str(body, "edition", report->edition);
    json_put_int(body, "object_id", report->object);
    json_put_str(body, "object", report->object_name);
    json_put_int(body, "from_ns", report->from_ns);
    json_put_int(body, "to_ns", report->to_ns);
    json_put_int(body, "archive_size", desk_archive_size(ask->desk));
    json_put_u64(body, "bytes", writer->out->n);
    json_put_int(body, "left_out", writer->left_out);
    desk_record_end_of(ask->desk, SUBJECT_REPORT, id, STR_NONE);
}

void ask_report_make(struct ask *ask)
{
    struct report report;
    if (!report_read(ask, &report) || !room_check(ask))
        return;
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(max(id), 0) + 1 FROM report");
    int64_t id = db_one_i64(&q, 1);
    struct buf content;
    buf_init(&content, REPORT_BYTES_MAX);
    struct report_writer writer = {.ask = ask,
                                   .out = &content,
                                   .words = report.words,
                                   .parameter = {[REPORT_FROM] = report.from_ns,
                                                 [REPORT_TO] = report.to_ns,
                                                 [REPORT_OBJECT] = report.object,
                                                 [REPORT_MADE] = ask->now_ns,
                                                 [REPORT_ZONE] = report.zone_offset_s}};
    content_write(&writer, &report, id);
    struct str sha256 = object_card_digest(ask, buf_view(&content));
    if (sha256.n && !db_failed(ask->desk->db)) {
        report_store(&writer, &report, id, sha256);
        report_record(&writer, &report, id, sha256);
        json_put_int(ask->out, "id", id);
        json_put_str(ask->out, "sha256", sha256);
        json_put_u64(ask->out, "bytes", content.n);
        json_put_int(ask->out, "left_out", writer.left_out);
    }
    buf_done(&content);
}

/* --- those that were made --- */

#define COLUMNS                                                                                                        \
    "SELECT r.id, r.kind, r.object, coalesce(o.name, ''), r.from_ns, r.to_ns, r.made_ns, r.who, r.archive_size,"       \
    " r.edition, r.sha256, r.bytes, r.left_out, coalesce((SELECT h.record FROM history h WHERE h.subject = 6 AND"      \
    " h.item = r.id ORDER BY h.id LIMIT 1), 0)"
#define FILTER " FROM report r LEFT JOIN object o ON o.id = r.object WHERE (?1 = '' OR r.kind = ?1)"

_Static_assert(SUBJECT_REPORT == 6, "the statements have it in digits");

static void row_put(struct buf *out, struct db_query *q)
{
    char number[TEXT_OF_ID];
    int64_t id = db_i64(q);
    json_put_int(out, "id", id);
    json_put_str(out, "number", number_text(id, number));
    json_put_str(out, "kind", db_text(q));
    json_put_int(out, "object_id", db_i64(q));
    json_put_str(out, "object", db_text(q));
    json_put_int(out, "from_ns", db_i64(q));
    json_put_int(out, "to_ns", db_i64(q));
    json_put_int(out, "made_ns", db_i64(q));
    json_put_str(out, "who", db_text(q));
    json_put_int(out, "archive_size", db_i64(q));
    json_put_str(out, "edition", db_text(q));
    json_put_str(out, "sha256", db_text(q));
    json_put_int(out, "bytes", db_i64(q));
    json_put_int(out, "left_out", db_i64(q));
    json_put_int(out, "record", db_i64(q));
}

void ask_report_list(struct ask *ask)
{
    struct str kind = ask_str(ask, "kind");
    int64_t limit = ask_int(ask, "limit");
    if (kind.n && !report_kind_find(kind)) {
        ask_invalid(ask, "kind", "no such kind");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM report r WHERE (?1 = '' OR r.kind = ?1)");
    db_put_text(&q, kind.n ? kind : STR(""));
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_make", role_rights(ask->role) & RIGHT_REPORTS);
    q = db_query(ask->desk->db, COLUMNS FILTER " ORDER BY r.id DESC LIMIT ?2 OFFSET ?3");
    db_put_text(&q, kind.n ? kind : STR(""));
    db_put_i64(&q, limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "reports");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        row_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* The text is a member as it was stored: its bytes are those that the digest is of. */
void ask_report_get(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, COLUMNS ", r.content FROM report r LEFT JOIN object o"
                                                        " ON o.id = r.object WHERE r.id = ?1");
    db_put_i64(&q, ask_int(ask, "id"));
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such report");
        return;
    }
    json_write_key(ask->out, "report");
    json_write_object(ask->out);
    row_put(ask->out, &q);
    json_write_object_end(ask->out);
    json_write_key(ask->out, "content");
    json_write_raw(ask->out, db_text(&q));
    db_query_end(&q);
}
