/* subject.h - what terms run for, notices tell of and history is about: an incident, a report of vulnerabilities, a
 * vulnerability, an object of informatization, a person (whose second factor it is about), a survey, a report, a
 * document of an object. The numbers are stored: add at the end only. Inside the room, in a transaction. */
#ifndef DESK_SUBJECT_H
#define DESK_SUBJECT_H

#include "base/buf.h"
#include "base/str.h"
#include "term/calendar.h"

#include <stdbool.h>
#include <stdint.h>

struct desk;
struct incident;

enum subject_kind {
    SUBJECT_INCIDENT,
    SUBJECT_FINDINGS,
    SUBJECT_VULNERABILITY,
    SUBJECT_OBJECT,
    SUBJECT_PERSON,
    SUBJECT_SURVEY,
    SUBJECT_REPORT,
    SUBJECT_DOCUMENT,
    SUBJECT_KINDS
};

struct subject {
    enum subject_kind kind;
    int64_t id;     /* of its row */
    int64_t object; /* of its object's row */
    int64_t zone_offset_s;
    struct str number, title, object_name;
    const struct incident *incident; /* of an incident; else NULL */
};

struct subject incident_subject(const struct incident *incident);
/* False when there is none, or the transaction failed. Lives in desk->scratch. */
bool subject_load(struct desk *desk, enum subject_kind kind, int64_t id, struct subject *ret_subject);
/* As a person reads it: of a survey the name of its kind, of which the title is the key. */
struct str subject_title(const struct desk *desk, const struct subject *subject, enum term_language language);
/* Who it is, as members of a record. */
void subject_put(struct buf *json, const struct subject *subject);
/* "incident", "findings", "vulnerability", "object", "person", "survey", "report". */
const char *subject_name(enum subject_kind kind);
/* What its ids begin with in keys that must differ: empty for incidents. */
const char *subject_mark(enum subject_kind kind);
/* desk_record_end with a row of the subject's history. */
int64_t subject_record_end(struct desk *desk, const struct subject *subject, struct str detail);

#endif
