/* object_parts.h - what the pages of one object have in common. */
#ifndef WEB_OBJECT_PARTS_H
#define WEB_OBJECT_PARTS_H

#include "web/call.h"

/* Of the address; 0 for "new" and for what is no number. */
int64_t object_id(const struct web_call *call);
/* Its tabs; `here` is the last part of the open one's path. */
void object_tabs(struct web_call *call, int64_t id, const char *here);
/* Begins the page: the object's name, its tabs. */
void object_head(struct web_call *call, const struct json_value *object, const char *here);
/* Asks for the object of the address. */
void object_ask(struct web_call *call);
/* A form's hidden version: `now`, but as it was sent when the form comes back for another reason than somebody else's
 * change: whoever mends a wrong day has not seen more than before. */
void object_seen(struct web_call *call, const char *name, int64_t now, struct str error);
/* The beginning of an object.save: the version that the form was made of, its reason, {"id". The caller writes further
 * members of the object and ends both. */
struct buf *object_save_begin(struct web_call *call);
void object_save_end(struct web_call *call, struct buf *buf);
/* What differs: a table of what was and is. */
void object_changes(struct web_call *call, const struct json_value *changes);
/* "field." text of a field of the card: the questionnaire's own name, or that of the setting or list. */
void object_field_name(struct web_call *call, const struct json_value *object, struct str field);
/* The name of a field of the questionnaire in the page's language. */
struct str object_label(const struct web_call *call, const struct json_value *field);
/* A value of a choice as a text: "yes", "high", "internal". */
void object_choice(struct web_call *call, struct str value);

#endif
