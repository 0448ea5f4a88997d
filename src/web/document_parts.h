/* document_parts.h - what the pages of documents of an object share: a file that is given, kinds, states of signatures.
 */
#ifndef WEB_DOCUMENT_PARTS_H
#define WEB_DOCUMENT_PARTS_H

#include "web/call.h"

/* The kinds of order 52/НҚ, Annex 3, in its order, and "other"; ends with NULL. Texts: document_kind.KEY. */
extern const char *const document_kinds[];

/* The form that gives a file, with what was typed when it comes back. Of one of these, the others 0: of a new document
 * of an object, of a new version of a document, or a signature beside a version's file, `document` being its own. */
struct document_of {
    int64_t object, document, version;
};
void document_form(struct web_call *call, const struct document_of *of, struct str wrong);
/* What signatures are worth together: good, bad, unknown, waits, none. */
void document_signatures(struct web_call *call, struct str word);
/* An object's documents as the answers `at` and `at` + 1, object.card and document.list, say; with an error above. */
void document_list_ask(struct web_call *call, int64_t object);
void document_list_show(struct web_call *call, size_t at, const struct json_value *failed);
/* What does not meet the documentation, and the terms of surveys of it. */
void document_violations(struct web_call *call, const struct json_value *object, const struct json_value *answer);
/* One document as the answer `at`, document.get, says. */
void document_ask(struct web_call *call, int64_t id);
void document_show(struct web_call *call, size_t at, const struct json_value *failed);
/* Signers of a report and what is said of each. */
void document_report(struct web_call *call, const struct json_value *report);

#endif
