/* report_tables.c - which tables a report of each kind has, and where their rows come from.
 *
 * A summary is of a quarter: an event counts in the quarter in which it was detected, an incident in that in which it
 * was confirmed, a vulnerability in that in which it was first found, a term in that in which it began; how they stand
 * is how they stood when the report was made. What is standing then, and lists of what is overdue or due, are of that
 * moment. Source: order 52/NK p.17 and p.18: events (p.17 alone), incidents, vulnerabilities, changes of objects,
 * violations of the technical documentation, measures taken by owners and holders. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/report.h"

#define LIST_ROWS  1000 /* of a list of incidents, terms or objects */
#define TABLE_ROWS 500  /* of a table by object */
#define SHIFT_ROWS 300
#define ALL_ROWS   INT64_MAX

/* --- events: what was detected in the time ?1 to ?2, at the object ?3 or any --- */

#define DETECTED "WHERE i.detected_ns >= ?1 AND i.detected_ns < ?2 AND (?3 = 0 OR i.object = ?3)"
#define OUTCOMES                                                                                                       \
    "count(*), coalesce(sum(i.state IN (0, 1)), 0), coalesce(sum(i.state = 3), 0), coalesce(sum(i.state > 3), 0),"     \
    " coalesce(sum(i.state = 2), 0)"
#define OUTCOME_COLUMNS                                                                                                \
    {"total", CELL_NUMBER}, {"unjudged", CELL_NUMBER}, {"event", CELL_NUMBER}, {"incident", CELL_NUMBER},              \
    {                                                                                                                  \
        "false_positive", CELL_NUMBER                                                                                  \
    }

static const struct report_column outcome_columns[] = {{"outcome", CELL_OUTCOME}, {"total", CELL_NUMBER}, {0}};
static const struct report_column events_kind[] = {{"kind", CELL_KIND}, OUTCOME_COLUMNS, {0}};
static const struct report_column events_class[] = {{"class", CELL_CLASS}, OUTCOME_COLUMNS, {0}};
static const struct report_column events_object[] = {{"object", CELL_TEXT}, OUTCOME_COLUMNS, {0}};

static const struct report_section events[] = {
    {"events", outcome_columns,
     "SELECT CASE WHEN i.state < 2 THEN 'unjudged' WHEN i.state = 2 THEN 'false_positive' WHEN i.state = 3 THEN"
     " 'event' ELSE 'incident' END, count(*) FROM incident i " DETECTED " GROUP BY 1 ORDER BY 2 DESC, 1",
     3, ALL_ROWS, true, NULL},
    {"events_kind", events_kind,
     "SELECT i.kind, " OUTCOMES " FROM incident i " DETECTED " GROUP BY 1 ORDER BY 2 DESC, 1", 3, ALL_ROWS, true, NULL},
    {"events_class", events_class,
     "SELECT o.class, " OUTCOMES " FROM incident i JOIN object o ON o.id = i.object " DETECTED " GROUP BY 1 ORDER BY 1",
     3, ALL_ROWS, true, NULL},
    {"events_object", events_object,
     "SELECT o.name, " OUTCOMES " FROM incident i JOIN object o ON o.id = i.object " DETECTED
     " GROUP BY i.object ORDER BY 2 DESC, 1",
     3, TABLE_ROWS, true, NULL},
    {0}};

/* --- incidents: confirmed in that time, and not taken back since --- */

#define CONFIRMED                                                                                                      \
    "WHERE i.confirmed_ns > 0 AND i.confirmed_ns >= ?1 AND i.confirmed_ns < ?2 AND i.state > 3"                        \
    " AND (?3 = 0 OR i.object = ?3)"
#define SEVERITIES                                                                                                     \
    "count(*), coalesce(sum(i.severity = 4), 0), coalesce(sum(i.severity = 3), 0), coalesce(sum(i.severity = 2), 0),"  \
    " coalesce(sum(i.severity = 1), 0)"
#define SEVERITY_COLUMNS                                                                                               \
    {"total", CELL_NUMBER}, {"severity_4", CELL_NUMBER}, {"severity_3", CELL_NUMBER}, {"severity_2", CELL_NUMBER},     \
    {                                                                                                                  \
        "severity_1", CELL_NUMBER                                                                                      \
    }

static const struct report_column incidents_kind[] = {{"kind", CELL_KIND}, SEVERITY_COLUMNS, {0}};
static const struct report_column incidents_class[] = {{"class", CELL_CLASS}, SEVERITY_COLUMNS, {0}};
static const struct report_column incidents_state[] = {{"state", CELL_STATE}, SEVERITY_COLUMNS, {0}};
static const struct report_column incidents_result[] = {{"consequence", CELL_CONSEQUENCE}, SEVERITY_COLUMNS, {0}};
static const struct report_column incidents_object[] = {{"object", CELL_TEXT}, SEVERITY_COLUMNS, {0}};

static const struct report_section incidents[] = {
    {"incidents_kind", incidents_kind,
     "SELECT i.kind, " SEVERITIES " FROM incident i " CONFIRMED " GROUP BY 1 ORDER BY 2 DESC, 1", 3, ALL_ROWS, true,
     NULL},
    {"incidents_class", incidents_class,
     "SELECT o.class, " SEVERITIES " FROM incident i JOIN object o ON o.id = i.object " CONFIRMED
     " GROUP BY 1 ORDER BY 1",
     3, ALL_ROWS, true, NULL},
    {"incidents_state", incidents_state,
     "SELECT i.state, " SEVERITIES " FROM incident i " CONFIRMED " GROUP BY 1 ORDER BY 1", 3, ALL_ROWS, true, NULL},
    {"incidents_consequence", incidents_result,
     "SELECT i.consequence, " SEVERITIES " FROM incident i " CONFIRMED " GROUP BY 1 ORDER BY 2 DESC, 1", 3, ALL_ROWS,
     true, NULL},
    {"incidents_object", incidents_object,
     "SELECT o.name, " SEVERITIES " FROM incident i JOIN object o ON o.id = i.object " CONFIRMED
     " GROUP BY i.object ORDER BY 2 DESC, 1",
     3, TABLE_ROWS, true, NULL},
    {0}};

/* --- vulnerabilities: first found in that time --- */

#define FOUND "WHERE v.found_ns >= ?1 AND v.found_ns < ?2 AND (?3 = 0 OR v.object = ?3)"
#define WEAK_STATES                                                                                                    \
    "count(*), coalesce(sum(v.state = 0), 0), coalesce(sum(v.state = 1), 0), coalesce(sum(v.state = 2), 0),"           \
    " coalesce(sum(v.state = 3), 0)"
#define WEAK_COLUMNS                                                                                                   \
    {"total", CELL_NUMBER}, {"open", CELL_NUMBER}, {"fixed", CELL_NUMBER}, {"kept", CELL_NUMBER},                      \
    {                                                                                                                  \
        "closed", CELL_NUMBER                                                                                          \
    }

static const struct report_column weak_severity[] = {{"vulnerability_severity", CELL_WEAK_SEVERITY}, WEAK_COLUMNS, {0}};
static const struct report_column weak_class[] = {{"class", CELL_CLASS}, WEAK_COLUMNS, {0}};
static const struct report_column weak_object[] = {{"object", CELL_TEXT}, WEAK_COLUMNS, {0}};
static const struct report_column standing[] = {{"vulnerability_severity", CELL_WEAK_SEVERITY},
                                                {"total", CELL_NUMBER},
                                                {"open", CELL_NUMBER},
                                                {"fixed", CELL_NUMBER},
                                                {"kept", CELL_NUMBER},
                                                {0}};

#define STANDING(name)                                                                                                 \
    {                                                                                                                  \
        name, standing,                                                                                                \
            "SELECT c.severity, sum(c.count), sum(CASE c.state WHEN 0 THEN c.count ELSE 0 END), sum(CASE c.state"      \
            " WHEN 1 THEN c.count ELSE 0 END), sum(CASE c.state WHEN 2 THEN c.count ELSE 0 END)"                       \
            " FROM vulnerability_count c WHERE c.state < 3 AND c.count > 0 AND (?3 = 0 OR c.object = ?3)"              \
            " GROUP BY 1 ORDER BY 1 DESC",                                                                             \
            3, ALL_ROWS, true, NULL                                                                                    \
    }

static const struct report_section weaknesses[] = {
    {"vulnerabilities_severity", weak_severity,
     "SELECT v.severity, " WEAK_STATES " FROM vulnerability v " FOUND " GROUP BY 1 ORDER BY 1 DESC", 3, ALL_ROWS, true,
     NULL},
    {"vulnerabilities_class", weak_class,
     "SELECT o.class, " WEAK_STATES " FROM vulnerability v JOIN object o ON o.id = v.object " FOUND
     " GROUP BY 1 ORDER BY 1",
     3, ALL_ROWS, true, NULL},
    {"vulnerabilities_object", weak_object,
     "SELECT o.name, " WEAK_STATES " FROM vulnerability v JOIN object o ON o.id = v.object " FOUND
     " GROUP BY v.object ORDER BY 2 DESC, 1",
     3, TABLE_ROWS, true, NULL},
    STANDING("vulnerabilities_standing"),
    {0}};

/* --- objects --- */

static const struct report_column objects_changed[] = {{"object", CELL_TEXT},    {"class", CELL_CLASS},
                                                       {"changes", CELL_NUMBER}, {"values", CELL_NUMBER},
                                                       {"last", CELL_TIME},      {0}};
static const struct report_column objects_days[] = {
    {"day", CELL_TEXT}, {"what", CELL_WHAT}, {"object", CELL_TEXT}, {0}};

static const struct report_section objects[] = {
    {"objects_changed", objects_changed,
     "SELECT o.name, o.class, count(*), sum(w.changes), max(w.time_ns) FROM object_version w JOIN object o"
     " ON o.id = w.object WHERE w.time_ns >= ?1 AND w.time_ns < ?2 AND (?3 = 0 OR w.object = ?3)"
     " GROUP BY w.object ORDER BY 1",
     3, LIST_ROWS, true, NULL},
    {"objects_days", objects_days,
     "SELECT day, what, name FROM (SELECT id, name, trial_day AS day, 'trial' AS what FROM object"
     " UNION ALL SELECT id, name, trial_end_day, 'trial_end' FROM object"
     " UNION ALL SELECT id, name, industrial_day, 'industrial' FROM object"
     " UNION ALL SELECT id, name, discontinued_day, 'discontinued' FROM object"
     " UNION ALL SELECT id, name, critical_day, 'critical' FROM object)"
     " WHERE day >= date(?1 / 1000000000 + ?5, 'unixepoch') AND day < date(?2 / 1000000000 + ?5, 'unixepoch')"
     " AND (?3 = 0 OR id = ?3) ORDER BY 1, 3, 2",
     5, LIST_ROWS, false, NULL},
    {0}};

/* --- violations of the technical documentation: those that were noted, and what a person says besides --- */

static void words_fill(struct report_writer *writer)
{
    struct str rest = writer->words;
    while (rest.n) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (!line.n)
            continue;
        report_row_begin(writer);
        report_text_put(writer, line);
        report_row_end(writer);
    }
}

static const struct report_column words_columns[] = {{"violations", CELL_TEXT}, {0}};
static const struct report_column violations_columns[] = {{"object", CELL_TEXT},
                                                          {"day", CELL_TEXT},
                                                          {"violation", CELL_TEXT},
                                                          {"requirement", CELL_TEXT},
                                                          {"mended", CELL_TEXT},
                                                          {"measure", CELL_TEXT},
                                                          {0}};
static const struct report_section documents[] = {
    {"documents_violations", violations_columns,
     "SELECT o.name, v.found, v.what, v.requirement, v.mended, v.measure FROM document_violation v"
     " JOIN object o ON o.id = v.object WHERE (?3 = 0 OR v.object = ?3)"
     " AND ((v.found >= date(?1 / 1000000000 + ?5, 'unixepoch') AND v.found < date(?2 / 1000000000 + ?5, 'unixepoch'))"
     " OR (v.mended >= date(?1 / 1000000000 + ?5, 'unixepoch')"
     " AND v.mended < date(?2 / 1000000000 + ?5, 'unixepoch'))) ORDER BY v.found, v.id",
     5, LIST_ROWS, false, NULL},
    {"documents", words_columns, NULL, 0, LIST_ROWS, false, words_fill},
    {0}};

/* --- measures --- */

static const struct report_column measures_incidents[] = {{"number", CELL_TEXT},
                                                          {"object", CELL_TEXT},
                                                          {"confirmed", CELL_TIME},
                                                          {"kind", CELL_KIND},
                                                          {"state", CELL_STATE},
                                                          {"severity", CELL_SEVERITY},
                                                          {"consequence", CELL_CONSEQUENCE},
                                                          {"actions", CELL_TEXT},
                                                          {0}};
static const struct report_column measures_removed[] = {{"vulnerability_severity", CELL_WEAK_SEVERITY},
                                                        {"said_removed", CELL_NUMBER},
                                                        {"closed_by_survey", CELL_NUMBER},
                                                        {0}};
static const struct report_column measures_kept[] = {
    {"category", CELL_CATEGORY}, {"total", CELL_NUMBER}, {"past_day", CELL_NUMBER}, {0}};
static const struct report_column measures_terms[] = {
    {"term", CELL_TERM},      {"total", CELL_NUMBER},   {"met", CELL_NUMBER},       {"met_late", CELL_NUMBER},
    {"overdue", CELL_NUMBER}, {"running", CELL_NUMBER}, {"cancelled", CELL_NUMBER}, {0}};

static const struct report_section measures[] = {
    {"measures_incidents", measures_incidents,
     "SELECT i.number, o.name, i.confirmed_ns, i.kind, i.state, i.severity, i.consequence, i.actions FROM incident i"
     " JOIN object o ON o.id = i.object " CONFIRMED " ORDER BY i.confirmed_ns, i.id",
     3, LIST_ROWS, false, NULL},
    {"measures_removed", measures_removed,
     "SELECT severity, sum(fixed), sum(closed) FROM (SELECT severity, 1 AS fixed, 0 AS closed FROM vulnerability"
     " WHERE fixed_ns > 0 AND fixed_ns >= ?1 AND fixed_ns < ?2 AND (?3 = 0 OR object = ?3)"
     " UNION ALL SELECT severity, 0, 1 FROM vulnerability WHERE closed_ns > 0 AND closed_ns >= ?1 AND"
     " closed_ns < ?2 AND (?3 = 0 OR object = ?3)) GROUP BY 1 ORDER BY 1 DESC",
     3, ALL_ROWS, true, NULL},
    {"measures_kept", measures_kept,
     "SELECT v.category, count(*), coalesce(sum(v.until_ns > 0 AND v.until_ns < ?4), 0) FROM vulnerability v"
     " WHERE v.state = 2 AND (?3 = 0 OR v.object = ?3) GROUP BY 1 ORDER BY 1",
     4, ALL_ROWS, true, NULL},
    {"measures_terms", measures_terms,
     "SELECT c.rule, count(*), coalesce(sum(c.state = 1 AND c.met_ns <= c.due_ns), 0),"
     " coalesce(sum(c.state = 1 AND c.met_ns > c.due_ns), 0), coalesce(sum(c.state = 2), 0),"
     " coalesce(sum(c.state = 0), 0), coalesce(sum(c.state = 3), 0) FROM clock c WHERE c.trigger_ns >= ?1"
     " AND c.trigger_ns < ?2 AND (?3 = 0 OR c.object = ?3) GROUP BY 1 ORDER BY 1",
     3, ALL_ROWS, true, NULL},
    {0}};

/* --- terms --- */

#define TERM_JOINS                                                                                                     \
    " LEFT JOIN object o ON o.id = c.object LEFT JOIN incident i ON c.subject = 0 AND i.id = c.item"                   \
    " LEFT JOIN findings f ON c.subject = 1 AND f.id = c.item"                                                         \
    " LEFT JOIN vulnerability v ON c.subject = 2 AND v.id = c.item"                                                    \
    " LEFT JOIN survey s ON c.subject = 5 AND s.id = c.item"                                                           \
    " LEFT JOIN document d ON c.subject = 7 AND d.id = c.item"
#define TERM_SUBJECT                                                                                                   \
    "c.subject, coalesce(i.number, f.number, v.number, s.number, iif(d.id > 0, printf('D-%06d', d.id), NULL),"         \
    " printf('O-%06d', o.id), ''), coalesce((SELECT r.rule_id FROM rule r WHERE r.id = i.rule), ''),"                  \
    " coalesce(i.title, f.title, v.title, substr(s.kind, 1, 0), d.title, o.name, ''), coalesce(o.name, '')"
#define TERM_COLUMNS                                                                                                   \
    {"subject", CELL_SUBJECT}, {"number", CELL_TEXT}, {"title", CELL_TITLE}, {"object", CELL_TEXT},                    \
    {                                                                                                                  \
        "term", CELL_TERM                                                                                              \
    }

static const struct report_column overdue_term[] = {
    {"term", CELL_TERM}, {"total", CELL_NUMBER}, {"longest", CELL_SPAN}, {0}};
static const struct report_column overdue_rows[] = {
    TERM_COLUMNS, {"began", CELL_TIME}, {"due", CELL_TIME}, {"late_by", CELL_SPAN}, {0}};
static const struct report_column late_rows[] = {
    TERM_COLUMNS, {"due", CELL_TIME}, {"met_at", CELL_TIME}, {"late_by", CELL_SPAN}, {0}};

static const struct report_section overdue[] = {
    {"overdue_term", overdue_term,
     "SELECT c.rule, count(*), max(?4 - c.due_ns) FROM clock c WHERE c.state = 2 AND (?3 = 0 OR c.object = ?3)"
     " GROUP BY 1 ORDER BY 1",
     4, ALL_ROWS, true, NULL},
    {"overdue", overdue_rows,
     "SELECT " TERM_SUBJECT ", c.rule, c.trigger_ns, c.due_ns, max(?4 - c.due_ns, 0) FROM clock c" TERM_JOINS
     " WHERE c.state = 2 AND (?3 = 0 OR c.object = ?3) ORDER BY c.due_ns, c.id",
     4, LIST_ROWS, false, NULL},
    {"met_late", late_rows,
     "SELECT " TERM_SUBJECT ", c.rule, c.due_ns, c.met_ns, c.met_ns - c.due_ns FROM clock c" TERM_JOINS
     " WHERE c.state = 1 AND c.met_ns > c.due_ns AND c.met_ns >= ?1 AND c.met_ns < ?2 AND (?3 = 0 OR c.object = ?3)"
     " ORDER BY c.met_ns, c.id",
     3, LIST_ROWS, false, NULL},
    {0}};

/* --- vulnerabilities of an object: the columns of Annex 5, behind what finds the row --- */

#define WITH_COMMA(before, column) "CASE WHEN " before " <> '' AND " column " <> '' THEN ', ' ELSE '' END || " column

static const struct report_column annex5[] = {{"number", CELL_TEXT},
                                              {"found", CELL_TIME},
                                              {"contour", CELL_CONTOUR},
                                              {"object", CELL_TEXT},
                                              {"component", CELL_TEXT},
                                              {"port", CELL_TEXT},
                                              {"description", CELL_TEXT},
                                              {"more", CELL_TEXT},
                                              {"vulnerability_severity", CELL_WEAK_SEVERITY},
                                              {"vulnerability_state", CELL_WEAK_STATE},
                                              {0}};

static const struct report_section vulnerabilities[] = {
    STANDING("annex5_standing"),
    {"annex5", annex5,
     "SELECT v.number, v.found_ns, o.contour, o.name, v.component || " WITH_COMMA(
         "v.component",
         "v.address") " || " WITH_COMMA("v.component || v.address",
                                        "v.host") ", CASE WHEN v.port > 0 THEN v.port || '/' || v.protocol ELSE"
                                                  " v.protocol END, v.title || CASE WHEN v.description <> '' AND"
                                                  " v.description <> v.title THEN char(10) || substr(v.description, 1,"
                                                  " 500) ELSE '' END, v.cves || " WITH_COMMA(
                                                      "v.cves", "v.place") ", v.severity, v.state FROM vulnerability v "
                                                                           "JOIN object o ON o.id = v.object WHERE "
                                                                           "v.object = ?3 AND v.state < 3"
                                                                           " ORDER BY v.severity DESC, v.id",
     3, ALL_ROWS, false, NULL},
    {0}};

/* --- a shift --- */

static const struct report_column shift_counts[] = {{"what", CELL_WHAT}, {"total", CELL_NUMBER}, {0}};
static const struct report_column shift_new[] = {
    {"number", CELL_TEXT},       {"detected", CELL_TIME}, {"title", CELL_TITLE}, {"object", CELL_TEXT},
    {"severity", CELL_SEVERITY}, {"kind", CELL_KIND},     {"state", CELL_STATE}, {0}};
static const struct report_column shift_due[] = {TERM_COLUMNS, {"due", CELL_TIME}, {0}};
static const struct report_column shift_silent[] = {
    {"what", CELL_WHAT}, {"name", CELL_TEXT}, {"host", CELL_TEXT}, {"since", CELL_TIME}, {0}};
static const struct report_column shift_losses[] = {{"source", CELL_TEXT}, {"object", CELL_TEXT}, {"cause", CELL_CAUSE},
                                                    {"from", CELL_TIME},   {"to", CELL_TIME},     {0}};

#define COUNT_OF(word, what) "SELECT '" word "', count(*) FROM " what
#define IN_SHIFT(column)     column " > 0 AND " column " >= ?1 AND " column " < ?2"
#define OF_OBJECT            " AND (?3 = 0 OR object = ?3)"

static void silent_row(struct report_writer *writer, const char *what, struct str name, struct str host, int64_t ns)
{
    report_row_begin(writer);
    report_text_put(writer, str_of(what));
    report_text_put(writer, name);
    report_text_put(writer, host);
    report_number_put(writer, ns);
    report_row_end(writer);
}

static void source_silent(void *context, struct str name, struct str host, int64_t last_ns)
{
    silent_row(context, "source", name, host, last_ns);
}

/* Sources as they are known now, of all objects; agents, of the object that is asked for; mirrors. */
static void silent_fill(struct report_writer *writer)
{
    struct db *db = writer->ask->desk->db;
    desk_sources_silent(writer->ask->desk, writer->ask->now_ns, source_silent, writer);
    struct db_query q = db_query(db, "SELECT name, host, heard_ns FROM agent WHERE state = 0 AND silent = 1"
                                     " AND (?1 = 0 OR object = ?1) ORDER BY name, id");
    db_put_i64(&q, writer->parameter[REPORT_OBJECT]);
    while (db_next(&q)) {
        struct str name = db_text(&q), host = db_text(&q);
        silent_row(writer, "agent", name, host, db_i64(&q));
    }
    q = db_query(db, "SELECT name, address, last_ns FROM mirror WHERE silent = 1 ORDER BY name");
    while (db_next(&q)) {
        struct str name = db_text(&q), address = db_text(&q);
        silent_row(writer, "mirror", name, address, db_i64(&q));
    }
}

static const struct report_section shift[] = {
    {"shift_counts", shift_counts,
     COUNT_OF("detected", "incident WHERE ") IN_SHIFT("detected_ns") OF_OBJECT
     " UNION ALL " COUNT_OF("confirmed", "incident WHERE ") IN_SHIFT("confirmed_ns") OF_OBJECT
     " UNION ALL " COUNT_OF("ended", "incident WHERE ") IN_SHIFT("closed_ns") OF_OBJECT " UNION ALL " COUNT_OF(
         "open_now", "incident WHERE open = 1") OF_OBJECT " UNION ALL " COUNT_OF("found", "vulnerability WHERE ")
         IN_SHIFT("found_ns") OF_OBJECT " UNION ALL " COUNT_OF("overdue_now", "clock WHERE state = 2") OF_OBJECT
     " UNION ALL " COUNT_OF("losses", "loss WHERE ") IN_SHIFT("from_ns") OF_OBJECT,
     3, ALL_ROWS, false, NULL},
    {"shift_new", shift_new,
     "SELECT i.number, i.detected_ns, r.rule_id, i.title, o.name, i.severity, i.kind, i.state FROM incident i"
     " JOIN object o ON o.id = i.object JOIN rule r ON r.id = i.rule " DETECTED " ORDER BY i.severity DESC, i.id",
     3, SHIFT_ROWS, false, NULL},
    {"shift_due", shift_due,
     "SELECT " TERM_SUBJECT ", c.rule, c.due_ns FROM clock c" TERM_JOINS " WHERE c.state = 0 AND c.due_ns < ?4 +"
     " 43200000000000 AND (?3 = 0 OR c.object = ?3) ORDER BY c.due_ns, c.id",
     4, SHIFT_ROWS, false, NULL},
    {"shift_silent", shift_silent, NULL, 0, SHIFT_ROWS, false, silent_fill},
    {"shift_losses", shift_losses,
     "SELECT l.name, coalesce(o.name, ''), l.cause, l.from_ns, l.to_ns FROM loss l LEFT JOIN object o"
     " ON o.id = l.object WHERE l.explained_ns = 0 AND (l.to_ns = 0 OR (l.from_ns >= ?1 AND l.from_ns < ?2))"
     " AND (?3 = 0 OR l.object = ?3) ORDER BY l.from_ns DESC, l.id DESC",
     3, SHIFT_ROWS, false, NULL},
    {0}};

_Static_assert(SHIFT_HOURS *HOUR_S *SECOND_NS == 43200000000000, "the statement of shift_due has it in digits");

static const struct report_kind kinds[] = {
    {"summary_17", "M-25", true, {events, incidents, weaknesses, objects, documents, measures}},
    {"summary_18", "M-26", true, {incidents, weaknesses, objects, documents, measures}},
    {"overdue", "M-25", false, {overdue}},
    {"vulnerabilities", "M-19", true, {vulnerabilities}},
    {"shift", "M-25", false, {shift}},
};

const struct report_kind *report_kind_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}
