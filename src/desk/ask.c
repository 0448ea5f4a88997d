/* ask.c - one question in, one answer out: who may, which handler, one transaction, refusals. */
#include "base/assert.h"
#include "desk/api_token.h"
#include "desk/factor.h"
#include "desk/metrics.h"

#include <string.h>

#define QUESTION_DEPTH 16u

/* Mirrors' use, refusals and reports are asked by web for who came with a token, never through the API. */
static const struct row {
    const char *ask;
    unsigned right;
    void (*handle)(struct ask *ask);
} rows[] = {
    {"session.open", RIGHT_NONE, ask_session_open},
    {"session.code", RIGHT_NONE, ask_session_code},
    {"session.check", RIGHT_NONE, ask_session_check},
    {"session.close", RIGHT_NONE, ask_session_close},
    {"password.change", RIGHT_NONE, ask_password_change},
    {"language.set", RIGHT_NONE, ask_language_set},
    {"factor.get", RIGHT_NONE, ask_factor_get},
    {"factor.begin", RIGHT_NONE, ask_factor_begin},
    {"factor.confirm", RIGHT_NONE, ask_factor_confirm},
    {"factor.codes", RIGHT_NONE, ask_factor_codes},
    {"factor.off", RIGHT_NONE, ask_factor_off},
    {"factor.seen", RIGHT_NONE, ask_factor_seen},
    {"object.list", RIGHT_READ, ask_object_list},
    {"object.save", RIGHT_OBJECTS, ask_object_save},
    {"object.card", RIGHT_READ, ask_object_card},
    {"object.export", RIGHT_READ, ask_object_export},
    {"object.versions", RIGHT_READ, ask_object_versions},
    {"object.version", RIGHT_READ, ask_object_version},
    {"object.draft_end", RIGHT_OBJECTS, ask_object_draft_end},
    {"object.act", RIGHT_OBJECTS, ask_object_act},
    {"source.list", RIGHT_READ, ask_source_list},
    {"coverage.list", RIGHT_READ, ask_coverage_list},
    {"coverage.source", RIGHT_READ, ask_coverage_source},
    {"coverage.object", RIGHT_READ, ask_coverage_object},
    {"coverage.set", RIGHT_OBJECTS, ask_coverage_set},
    {"parser.list", RIGHT_READ, ask_parser_list},
    {"parser.source", RIGHT_READ, ask_parser_source},
    {"parser.drafts", RIGHT_READ, ask_parser_drafts},
    {"parser.save", RIGHT_RULES, ask_parser_save},
    {"parser.end", RIGHT_RULES, ask_parser_end},
    {"parser.use", RIGHT_RULES, ask_parser_use},
    {"parser.stop", RIGHT_RULES, ask_parser_stop},
    {"parser.versions", RIGHT_READ, ask_parser_versions},
    {"incident.list", RIGHT_READ, ask_incident_list},
    {"incident.get", RIGHT_READ, ask_incident_get},
    {"incident.act", RIGHT_WORK, ask_incident_act},
    {"incident.edit", RIGHT_WORK, ask_incident_edit},
    {"incident.open", RIGHT_WORK, ask_incident_open},
    {"incident.told", RIGHT_WORK, ask_incident_told},
    {"vulnerability.list", RIGHT_READ, ask_vulnerability_list},
    {"vulnerability.get", RIGHT_READ, ask_vulnerability_get},
    {"vulnerability.act", RIGHT_WORK, ask_vulnerability_act},
    {"findings.list", RIGHT_READ, ask_findings_list},
    {"findings.get", RIGHT_READ, ask_findings_get},
    {"findings.begin", RIGHT_WORK, ask_findings_begin},
    {"findings.add", RIGHT_WORK, ask_findings_add},
    {"findings.end", RIGHT_WORK, ask_findings_end},
    {"findings.inform", RIGHT_WORK, ask_findings_inform},
    {"findings.note", RIGHT_WORK, ask_findings_note},
    {"clock.list", RIGHT_READ, ask_clock_list},
    {"clock.rules", RIGHT_READ, ask_clock_rules},
    {"clock.try", RIGHT_READ, ask_clock_try},
    {"upload.check", RIGHT_WORK, ask_upload_check},
    {"upload.add", RIGHT_WORK, ask_upload_add},
    {"upload.list", RIGHT_READ, ask_upload_list},
    {"upload.get", RIGHT_READ, ask_upload_get},
    {"upload.accept", RIGHT_WORK, ask_upload_accept},
    {"upload.drop", RIGHT_WORK, ask_upload_drop},
    {"survey.list", RIGHT_READ, ask_survey_list},
    {"survey.get", RIGHT_READ, ask_survey_get},
    {"survey.save", RIGHT_WORK, ask_survey_save},
    {"survey.act", RIGHT_WORK, ask_survey_act},
    {"survey.plan", RIGHT_READ, ask_survey_plan},
    {"survey.accept", RIGHT_WORK, ask_survey_accept},
    {"survey.calendar", RIGHT_READ, ask_survey_calendar},
    {"survey.faults", RIGHT_READ, ask_survey_faults},
    {"report.make", RIGHT_REPORTS, ask_report_make},
    {"report.list", RIGHT_READ, ask_report_list},
    {"report.get", RIGHT_READ, ask_report_get},
    {"document.check", RIGHT_OBJECTS, ask_document_check},
    {"document.add", RIGHT_OBJECTS, ask_document_add},
    {"document.list", RIGHT_READ, ask_document_list},
    {"document.get", RIGHT_READ, ask_document_get},
    {"document.judgement", RIGHT_READ, ask_document_judgement},
    {"document.file", RIGHT_READ, ask_document_file},
    {"document.judge", RIGHT_OBJECTS, ask_document_judge},
    {"document.review", RIGHT_OBJECTS, ask_document_review},
    {"document.end", RIGHT_OBJECTS, ask_document_end},
    {"document.violation", RIGHT_OBJECTS, ask_document_violation},
    {"document.mend", RIGHT_OBJECTS, ask_document_mend},
    {"catalogue", RIGHT_READ, ask_catalogue},
    {"channel.list", RIGHT_SETTINGS, ask_channel_list},
    {"channel.save", RIGHT_CHANNELS, ask_channel_save},
    {"user.list", RIGHT_USERS, ask_user_list},
    {"user.save", RIGHT_USERS, ask_user_save},
    {"factor.policy", RIGHT_USERS, ask_factor_policy},
    {"factor.reset", RIGHT_USERS, ask_factor_reset},
    {"witness.list", RIGHT_READ, ask_witness_list},
    {"receiver.list", RIGHT_READ, ask_receiver_list},
    {"canary.list", RIGHT_READ, ask_canary_list},
    {"announce.list", RIGHT_READ, ask_announce_list},
    {"announce.save", RIGHT_WORK, ask_announce_save},
    {"announce.end", RIGHT_WORK, ask_announce_end},
    {"loss.list", RIGHT_READ, ask_loss_list},
    {"loss.hours", RIGHT_READ, ask_loss_hours},
    {"loss.explain", RIGHT_WORK, ask_loss_explain},
    {"mirror.list", RIGHT_READ, ask_mirror_list},
    {"mirror.forget", RIGHT_CHANNELS, ask_mirror_forget},
    {"mirror.used", RIGHT_NONE, ask_mirror_used},
    {"mirror.refused", RIGHT_NONE, ask_mirror_refused},
    {"mirror.report", RIGHT_NONE, ask_mirror_report},
    {"mirror.cosign", RIGHT_NONE, ask_mirror_cosign},
    {"paper.record", RIGHT_READ, ask_paper_record},
    {"retention.list", RIGHT_READ, ask_retention_list},
    {"retention.propose", RIGHT_RETENTION, ask_retention_propose},
    {"retention.approve", RIGHT_RETENTION, ask_retention_approve},
    {"retention.refuse", RIGHT_RETENTION, ask_retention_refuse},
    {"rule.list", RIGHT_READ, ask_rule_list},
    {"rule.get", RIGHT_READ, ask_rule_get},
    {"rule.save", RIGHT_RULES, ask_rule_save},
    {"rule.report", RIGHT_READ, ask_rule_report},
    {"rule.coverage", RIGHT_READ, ask_rule_coverage},
    {"filter.list", RIGHT_READ, ask_filter_list},
    {"filter.hits", RIGHT_READ, ask_filter_hits},
    {"filter.draft", RIGHT_RULES, ask_filter_draft},
    {"filter.save", RIGHT_RULES, ask_filter_save},
    {"filter.end", RIGHT_RULES, ask_filter_end},
    {"rule.text", RIGHT_READ, ask_rule_text},
    {"rule.check", RIGHT_RULES, ask_rule_check},
    {"rule.write", RIGHT_RULES, ask_rule_write},
    {"rule.end", RIGHT_RULES, ask_rule_end},
    {"rule.packs", RIGHT_READ, ask_rule_packs},
    {"rule.activate", RIGHT_RULES, ask_rule_activate},
    {"rule.levels", RIGHT_READ, ask_rule_levels},
    {"rule.switch", RIGHT_RULES, ask_rule_switch},
    {"rule.restore", RIGHT_RULES, ask_rule_restore},
    {"rule.compare", RIGHT_RULES, ask_rule_compare},
    {"hunt.list", RIGHT_READ, ask_hunt_list},
    {"hunt.get", RIGHT_READ, ask_hunt_get},
    {"hunt.start", RIGHT_RULES, ask_hunt_start},
    {"hunt.stop", RIGHT_RULES, ask_hunt_stop},
    {"hunt.open", RIGHT_WORK, ask_hunt_open},
    {"indicator.list", RIGHT_READ, ask_indicator_list},
    {"indicator.check", RIGHT_RULES, ask_own_list_check},
    {"indicator.add", RIGHT_RULES, ask_own_list_add},
    {"indicator.own", RIGHT_READ, ask_own_list_list},
    {"indicator.get", RIGHT_READ, ask_own_list_get},
    {"indicator.version", RIGHT_READ, ask_own_list_version},
    {"indicator.take", RIGHT_RULES, ask_own_list_take},
    {"indicator.drop", RIGHT_RULES, ask_own_list_drop},
    {"indicator.end", RIGHT_RULES, ask_own_list_end},
    {"indicator.restore", RIGHT_RULES, ask_own_list_restore},
    {"agent.list", RIGHT_READ, ask_agent_list},
    {"agent.show", RIGHT_READ, ask_agent_show},
    {"agent.token", RIGHT_AGENTS, ask_agent_token},
    {"agent.token_end", RIGHT_AGENTS, ask_agent_token_end},
    {"agent.revoke", RIGHT_AGENTS, ask_agent_revoke},
    {"agent.save", RIGHT_AGENTS, ask_agent_save},
    {"inventory.list", RIGHT_READ, ask_inventory_list},
    {"inventory.show", RIGHT_READ, ask_inventory_show},
    {"inventory.changes", RIGHT_READ, ask_inventory_changes},
    {"inventory.search", RIGHT_READ, ask_inventory_search},
    {"inventory.object", RIGHT_READ, ask_inventory_object},
    {"inventory.ask", RIGHT_AGENTS, ask_inventory_ask},
    {"policy.list", RIGHT_READ, ask_policy_list},
    {"policy.get", RIGHT_READ, ask_policy_get},
    {"policy.save", RIGHT_AGENTS, ask_policy_save},
    {"policy.roll_back", RIGHT_AGENTS, ask_policy_roll_back},
    {"metrics.get", RIGHT_READ, ask_metrics_get},
    {"token.list", RIGHT_READ, ask_token_list},
    {"token.make", RIGHT_TOKENS, ask_token_make},
    {"token.end", RIGHT_TOKENS, ask_token_end},
    {"token.check", RIGHT_NONE, ask_token_check},
};

struct str ask_str(const struct ask *ask, const char *name)
{
    return json_str(json_get(ask->question, name), STR(""));
}

int64_t ask_int(const struct ask *ask, const char *name)
{
    return json_int(json_get(ask->question, name), 0);
}

void ask_refuse(struct ask *ask, const char *error, const char *text)
{
    if (ask->error)
        return;
    ask->error = error;
    ask->text = text;
}

void ask_invalid(struct ask *ask, const char *field, const char *text)
{
    if (ask->error)
        return;
    ask->field = field;
    ask_refuse(ask, "invalid", text);
}

static void keys_put(struct ask *ask, const char *name, const char *list)
{
    const struct desk_catalogue *catalogue = &ask->desk->catalogue;
    json_write_key(ask->out, name);
    json_write_array(ask->out);
    for (size_t i = 0; i < catalogue->count; i++)
        if (str_is(catalogue->row[i].list, list))
            json_write_str(ask->out, catalogue->row[i].key);
    json_write_array_end(ask->out);
}

void ask_catalogue(struct ask *ask)
{
    static const char *const lists[][2] = {
        {"kinds", "kind"},       {"scopes", "scope"},
        {"signs", "sign"},       {"consequences", "consequence"},
        {"contours", "contour"}, {"not_removed", "not_removed"},
    };
    static const char *const severities[] = {"4", "3", "2", "1"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        keys_put(ask, lists[i][0], lists[i][1]);
    json_write_key(ask->out, "severities");
    json_write_array(ask->out);
    for (size_t i = 0; i < ARRAY_LEN(severities); i++)
        json_write_text(ask->out, severities[i]);
    json_write_array_end(ask->out);
    duties_put_origins(ask->desk, ask->out);
    json_write_key(ask->out, "states");
    json_write_array(ask->out);
    for (enum desk_state state = 0; state < STATE_COUNT; state++)
        json_write_text(ask->out, desk_state_key(state));
    json_write_array_end(ask->out);
}

/* --- who may --- */

static const struct row *row_find(struct str ask)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(ask, rows[i].ask))
            return &rows[i];
    return NULL;
}

static void rights_check(struct ask *ask, const struct row *row)
{
    bool must_change = false;
    if (row->right == RIGHT_NONE)
        return;
    ask->who = desk_cut(ask_str(ask, "who"), DESK_USER_MAX);
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, role, must_change FROM user WHERE name = ?1 AND enabled = 1");
    db_put_text(&q, ask->who);
    if (db_next(&q)) {
        ask->user = db_i64(&q);
        ask->role = (enum role)db_i64(&q);
        must_change = db_i64(&q);
    }
    db_query_end(&q);
    if (ask->user == 0 || (role_rights(ask->role) & row->right) != row->right)
        ask_refuse(ask, "denied", "this user may not ask that");
    else if (must_change)
        ask_refuse(ask, "must_change", "the password must be changed first");
    else
        api_token_through(ask, row->right);
    /* A program has no phone: what its token may was said by a person who was signed in. */
    if (!ask->error && !ask->desk->through[0] && factor_is_lacking(ask->desk, ask->user))
        ask_refuse(ask, "must_enrol", "a second factor must be set up first");
}

/* Signing in must be possible to record; when the archive takes nothing any more, nothing is asked that is recorded. */
static void room_check(struct ask *ask)
{
    if (ask->desk->outgoing >= (int64_t)DESK_OUTGOING_MAX)
        ask_refuse(ask, "busy", "too many records wait for the archive");
}

/* --- the answer --- */

static void refusal_write(struct buf *answer, const struct ask *ask)
{
    buf_clear(answer);
    json_write_object(answer);
    json_put_bool(answer, "ok", false);
    json_put_text(answer, "error", ask->error);
    json_put_text(answer, "text", ask->text);
    if (ask->field)
        json_put_text(answer, "field", ask->field);
    if (ask->until_ns)
        json_put_int(answer, "until", ask->until_ns);
    json_write_object_end(answer);
}

static enum rc question_read(struct ask *ask, struct str question, const struct row **ret_row)
{
    struct json_value *value = NULL;
    struct err why;
    *ret_row = NULL;
    if (question.n > DESK_QUESTION_MAX || json_parse(ask->arena, question, QUESTION_DEPTH, &value, &why) != RC_OK ||
        value->kind != JSON_OBJECT) {
        ask_refuse(ask, "malformed", "the question is not one JSON object, is too deep or too long");
        return RC_INVALID;
    }
    ask->question = value;
    *ret_row = row_find(ask_str(ask, "ask"));
    if (!*ret_row)
        ask_refuse(ask, "malformed", "no such question");
    return *ret_row ? RC_OK : RC_INVALID;
}

static enum rc question_answer(struct ask *ask, const struct row *row, struct err *err)
{
    enum rc rc = desk_begin(ask->desk, err);
    if (rc != RC_OK)
        return rc;
    json_write_object(ask->out);
    json_put_bool(ask->out, "ok", true);
    rights_check(ask, row);
    if (!ask->error && row->right != RIGHT_READ)
        room_check(ask);
    if (!ask->error)
        row->handle(ask);
    json_write_object_end(ask->out);
    if (ask->out->overflow)
        ask_refuse(ask, "too_large", "the answer is too large");
    return desk_end(ask->desk, !ask->error || ask->keep, err);
}

enum rc desk_ask(struct desk *desk, struct str question, int64_t now_ns, struct arena *arena, struct buf *answer,
                 struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct ask ask = {.desk = desk, .arena = arena, .out = answer, .now_ns = now_ns};
    const struct row *row;
    buf_clear(answer);
    enum rc rc = RC_OK;
    desk->through[0] = '\0';
    desk->documents.given[0] = '\0';
    if (question_read(&ask, question, &row) == RC_OK)
        rc = question_answer(&ask, row, err);
    desk->through[0] = '\0'; /* what happens by itself comes through none */
    if (rc != RC_OK) {
        ask.error = "internal";
        ask.text = "the database failed";
        ask.field = NULL;
        ask.until_ns = 0;
    }
    if (ask.error) {
        desk->documents.given[0] = '\0';
        refusal_write(answer, &ask);
    }
    return rc;
}
