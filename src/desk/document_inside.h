/* document_inside.h - documents, their versions and files as the room knows them. Inside the room, in a transaction. */
#ifndef DESK_DOCUMENT_INSIDE_H
#define DESK_DOCUMENT_INSIDE_H

#include "desk/document.h"
#include "desk/inside.h"

/* The numbers of these three are stored: add at the end only. */
enum document_form { DOCUMENT_PLAIN, DOCUMENT_SIGNED, DOCUMENT_BESIDE, DOCUMENT_FORMS }; /* BESIDE: a signature */
enum document_state { DOCUMENT_COMING, DOCUMENT_KEPT, DOCUMENT_LOST, DOCUMENT_STATES };
enum document_verdict { DOCUMENT_GOOD, DOCUMENT_BAD, DOCUMENT_UNKNOWN, DOCUMENT_VERDICTS };

#define DOCUMENT_KINDS 27u /* of Annex 3; any other document is "other" */

struct document {
    int64_t id, object, made_ns, ended_ns, zone_offset_s;
    struct str kind, title, who, reviewed, counted, ended_by, ended_why, object_name;
};

struct document_version {
    int64_t id, document, number, pages, made_ns;
    struct str language, approved, approved_by, note, who;
};

struct document_file {
    int64_t id, version, form, bytes, file, state, made_ns;
    struct str name, sha256, fault, who;
};

/* "1_1", "2_1" to "2_12", "3_1" to "3_6", "4_1" to "4_8": level and number. NULL: there are no more. */
const char *document_kind_at(size_t i);
bool document_kind_known(struct str kind); /* of these, or "other" */
const char *document_form_name(int64_t form);
const char *document_state_name(int64_t state);
const char *document_verdict_name(int64_t verdict);

bool document_load(struct ask *ask, int64_t id, struct document *ret_document);
bool document_version_load(struct ask *ask, int64_t id, struct document_version *ret_version);
bool document_file_load(struct ask *ask, int64_t id, struct document_file *ret_file);
struct subject document_subject(const struct document *document, char storage[16]);

/* What was said and what was looked through: the term to review counts from the newest of it. */
void document_terms(struct ask *ask, const struct document *document);
/* A judgement of a signature is ordered. */
void document_judge(struct ask *ask, int64_t file);
/* How many of its files are coming, kept: bytes of all, each content once. */
int64_t document_bytes(struct desk *desk);

/* Members "violations_open", "violations" of an object. */
void document_violations_put(struct ask *ask, int64_t object);

/* What a report says, read and written anew into `out` (give it DESK_DOCUMENT_REPORT). False: it is none. */
bool document_report_read(struct arena *arena, struct str text, struct buf *out, enum document_verdict *ret_verdict);

#endif
