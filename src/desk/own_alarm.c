/* own_alarm.c - troubles of the product itself that become incidents. The record that tells of one is its evidence, so
 * that the incident is opened when the archive has said under which number it keeps it; until then a row waits. */
#include "desk/own_alarm.h"

#include "base/assert.h"

static const struct {
    const char *rule; /* its title stands in data/i18n/rules.tsv */
    const char *title;
    enum desk_level level;
    const char *kind;
} troubles[] = {
    [AGENT_TOKEN_USED] = {"qorgan-agent-token", "A token that enrolled an agent was used again", DESK_HIGH,
                          "unauthorised_access"},
    [AGENT_COPIED] = {"qorgan-agent-copied", "An agent exists twice", DESK_HIGH, "unauthorised_access"},
    [AGENT_CONTRADICTS] = {"qorgan-agent-contradicts", "An agent does not trust the archive", DESK_CRITICAL,
                           "unauthorised_access"},
    [AGENT_SILENT] = {"qorgan-agent-silent", "An agent is silent", DESK_MEDIUM, "other"},
    [SOURCE_TIME] = {"qorgan-source-time", "A source's clock went back or is ahead", DESK_MEDIUM, "other"},
    [SOURCE_LOW] = {"qorgan-source-low", "A source sends far less than usual", DESK_MEDIUM, "other"},
    [SOURCE_BURST] = {"qorgan-source-burst", "A source sends far more than usual", DESK_MEDIUM, "other"},
    [CANARY_LOST] = {"qorgan-canary-lost", "Detection does not pass its canaries", DESK_HIGH, "other"},
    [CANARY_OF_AGENT] = {"qorgan-canary-agent", "An agent's canary does not come", DESK_MEDIUM, "other"},
    [TIME_SOURCE_LOST] = {"qorgan-time-lost", "A clock follows no source of time", DESK_MEDIUM, "other"},
    [RULES_NOT_TAKEN] = {"qorgan-rules-not-taken", "Detection works with the rules of before", DESK_HIGH, "other"},
    [LISTS_NOT_TAKEN] = {"qorgan-lists-not-taken", "Lists of indicators are not all in use", DESK_HIGH, "other"},
    [PATTERNS_NOT_TAKEN] = {"qorgan-patterns-not-taken", "Not all of our own patterns were taken", DESK_HIGH, "other"},
};

void own_alarm_put(struct desk *desk, const struct own_alarm *alarm, int64_t outgoing, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "INSERT INTO agent_alarm (outgoing, trouble, object, host, address, text,"
                                           " time_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    db_put_i64(&q, outgoing);
    db_put_i64(&q, alarm->trouble);
    db_put_i64(&q, alarm->object);
    db_put_text(&q, desk_cut(alarm->host, DESK_FIELD_MAX));
    db_put_text(&q, desk_cut(alarm->address, DESK_FIELD_MAX));
    db_put_text(&q, desk_cut(alarm->text, DESK_EVENT_MAX));
    db_put_i64(&q, now_ns);
    db_run(&q);
}

void own_alarms_kept(struct desk *desk, int64_t local_id, int64_t record)
{
    struct desk_match match = {.record = (uint64_t)record, .always = true, .source = STR("qorgan")};
    struct db_query q = db_query(desk->db, "SELECT trouble, object, host, address, text, time_ns FROM agent_alarm"
                                           " WHERE outgoing = ?1");
    db_put_i64(&q, local_id);
    bool found = db_next(&q);
    int64_t trouble = found ? db_i64(&q) : -1;
    if (found) {
        match.object = db_i64(&q);
        match.host = db_text_copy(&q, desk->scratch);
        match.address = db_text_copy(&q, desk->scratch);
        match.description = db_text_copy(&q, desk->scratch);
        match.time_ns = db_i64(&q);
    }
    db_query_end(&q);
    if (trouble < 0 || trouble >= (int64_t)ARRAY_LEN(troubles))
        return;
    match.rule_id = str_of(troubles[trouble].rule);
    match.title = str_of(troubles[trouble].title);
    match.level = troubles[trouble].level;
    match.kind = str_of(troubles[trouble].kind);
    struct desk_matched done;
    IGNORE(match_open(desk, &match, match.time_ns, &done) == 0); /* its id is not asked for */
    db_run_i64(desk->db, "DELETE FROM agent_alarm WHERE outgoing = ?1", local_id);
}
