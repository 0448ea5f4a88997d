/* api.h - /api/ASK: the questions of doc/api.md over HTTP.
 *
 * What only reads is a GET with its members as parameters; what changes is a POST of the JSON object with the session's
 * secret in X-CSRF-Token. Sessions and passwords are not reached this way. The answer is the peer's, unchanged. */
#ifndef WEB_API_H
#define WEB_API_H

#include "web/web.h"

#include <stdbool.h>
#include <stddef.h>

#define API_MEMBERS_MAX 11

enum api_type { API_NONE, API_TEXT, API_INT, API_BOOL /* true or not */ };

struct api_member {
    const char *name;
    enum api_type type;
};

struct api_row {
    const char *ask;
    enum web_peer peer;
    bool changes;
    struct api_member members[API_MEMBERS_MAX]; /* of a GET; ends with API_NONE */
};

/* NULL after the last. */
const struct api_row *api_at(size_t i);

#endif
