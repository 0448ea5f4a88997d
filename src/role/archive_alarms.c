#include "role/archive_alarms.h"

#include "base/macros.h"

/* Titles by rule id stand in data/i18n/rules.tsv as those of rules do. */
static const struct row {
    const char *rule;
    const char *title;
    enum desk_level level;
    const char *kind;
} rows[] = {
    {"qorgan-witness-missing", "A witness does not cosign", DESK_MEDIUM, "other"},
    {"qorgan-witness-behind", "The archive is behind what a witness cosigned", DESK_CRITICAL, "unauthorised_access"},
    {"qorgan-witness-forked", "The archive is not the tree that a witness cosigned", DESK_CRITICAL,
     "unauthorised_access"},
    {"qorgan-quorum-lost", "The quorum of witnesses is not reached", DESK_HIGH, "other"},
    {"qorgan-archive-stalled", "The archive does not grow", DESK_HIGH, "other"},
    {"qorgan-stamp-missing", "Time stamps of the archive are missing", DESK_MEDIUM, "other"},
};

static const struct row *row_find(struct str rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(rule, rows[i].rule))
            return &rows[i];
    return NULL;
}

static bool is_told(const struct archive_alarms *alarms, const struct archive_alarm *alarm)
{
    for (size_t i = 0; i < MIN(alarms->count, (size_t)ARCHIVE_ALARMS_MAX); i++)
        if (alarms->told[i].record == alarm->record && str_is(alarm->rule, alarms->told[i].rule))
            return true;
    return false;
}

bool archive_alarm_match(struct archive_alarms *alarms, const struct archive_alarm *alarm, struct desk_match *ret_match)
{
    const struct row *row = row_find(alarm->rule);
    if (!row || is_told(alarms, alarm))
        return false;
    size_t place = alarms->count++ % ARCHIVE_ALARMS_MAX;
    alarms->told[place].record = alarm->record;
    IGNORE(!str_copy_z(alarm->rule, alarms->told[place].rule, sizeof alarms->told[place].rule)); /* the table's fit */
    *ret_match = (struct desk_match){
        .record = alarm->record,
        .rule_id = str_of(row->rule),
        .title = str_of(row->title),
        .level = row->level,
        .always = true,
        .kind = str_of(row->kind),
        .time_ns = alarm->time_ns,
        .source = STR("qorgan"),
        .host = alarm->host,
        .description = alarm->text,
    };
    return true;
}
