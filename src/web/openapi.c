/* /api/openapi.json - the API as a document (OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0), written from the
 * table that questions are checked with, so that it says what holds. */
#include "web/api.h"
#include "web/parts.h"
#include "web/route.h"

#include <string.h>

static void object_begin(struct buf *out, const char *key)
{
    if (key)
        json_write_key(out, key);
    json_write_object(out);
}

static void schema_put(struct buf *out, const struct api_member *member);

static void properties_put(struct buf *out, const struct api_member *members)
{
    object_begin(out, "properties");
    for (size_t i = 0; members[i].type != API_NONE; i++) {
        json_write_key(out, members[i].name);
        schema_put(out, &members[i]);
    }
    json_write_object_end(out);
}

static void items_put(struct buf *out, const struct api_member *member)
{
    object_begin(out, "items");
    if (member->type == API_ROWS) {
        json_put_text(out, "type", "object");
        properties_put(out, member->of);
    } else {
        json_put_text(out, "type", member->type == API_TEXTS ? "string" : "integer");
    }
    json_write_object_end(out);
    if (member->max > 0)
        json_put_int(out, "maxItems", member->max);
}

/* As deep as the table is: three levels. */
static void schema_put(struct buf *out, const struct api_member *member)
{
    static const char *const types[API_TYPE_COUNT] = {
        [API_TEXT] = "string", [API_INT] = "integer",   [API_BOOL] = "boolean", [API_TEXTS] = "array",
        [API_INTS] = "array",  [API_OBJECT] = "object", [API_ROWS] = "array"};
    json_write_object(out);
    json_put_text(out, "type", types[member->type]);
    if (member->type == API_TEXT && member->max > 0)
        json_put_int(out, "maxLength", member->max); /* bytes; a character is one at least */
    if (member->type == API_INT)
        json_put_text(out, "format", "int64");
    if (member->type == API_OBJECT)
        properties_put(out, member->of);
    if (member->type == API_TEXTS || member->type == API_INTS || member->type == API_ROWS)
        items_put(out, member);
    json_write_object_end(out);
}

static void parameters_put(struct buf *out, const struct api_member *members)
{
    json_write_key(out, "parameters");
    json_write_array(out);
    for (size_t i = 0; members[i].type != API_NONE; i++) {
        json_write_object(out);
        json_put_text(out, "name", members[i].name);
        json_put_text(out, "in", "query");
        object_begin(out, "schema");
        json_put_text(out, "type",
                      members[i].type == API_INT    ? "integer"
                      : members[i].type == API_BOOL ? "boolean"
                                                    : "string");
        if (members[i].type == API_INT)
            json_put_int(out, "minimum", 0);
        if (members[i].type == API_TEXT && members[i].max > 0)
            json_put_int(out, "maxLength", members[i].max);
        json_write_object_end(out);
        if (members[i].type == API_INT && members[i].max > 0) {
            json_write_key(out, "description");
            char text[64];
            struct buf says;
            buf_init_fixed(&says, text, sizeof text);
            buf_format(&says, "more than %u counts as %u", members[i].max, members[i].max);
            json_write_str(out, buf_view(&says));
        }
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void body_put(struct buf *out, const struct api_member *members)
{
    object_begin(out, "requestBody");
    json_put_bool(out, "required", true);
    object_begin(out, "content");
    object_begin(out, "application/json");
    object_begin(out, "schema");
    json_put_text(out, "type", "object");
    properties_put(out, members);
    json_put_bool(out, "additionalProperties", false);
    for (int i = 0; i < 4; i++)
        json_write_object_end(out);
}

static void refer(struct buf *out, const char *key, const char *to)
{
    object_begin(out, key);
    json_put_text(out, "$ref", to);
    json_write_object_end(out);
}

static void responses_put(struct buf *out, const char *type)
{
    object_begin(out, "responses");
    object_begin(out, "200");
    json_put_text(out, "description", "the answer (doc/api.md)");
    object_begin(out, "content");
    object_begin(out, type);
    if (strcmp(type, "application/json") == 0) {
        refer(out, "schema", "#/components/schemas/Answer");
    } else {
        object_begin(out, "schema");
        json_put_text(out, "type", "string");
        json_write_object_end(out);
    }
    for (int i = 0; i < 3; i++)
        json_write_object_end(out);
    refer(out, "429", "#/components/responses/TooOften");
    refer(out, "4XX", "#/components/responses/Refused");
    refer(out, "5XX", "#/components/responses/Refused");
    json_write_object_end(out);
}

/* Who may: a session, or a token with one of the scopes. Each is a choice of its own. */
static void security_put(struct buf *out, const char *scope, bool read)
{
    const char *const choices[] = {scope, read ? "read" : NULL};
    json_write_key(out, "security");
    json_write_array(out);
    json_write_object(out);
    json_write_key(out, "session");
    json_write_array(out);
    json_write_array_end(out);
    json_write_object_end(out);
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        if (!choices[i] || strcmp(choices[i], API_PERSON) == 0)
            continue;
        json_write_object(out);
        json_write_key(out, "token");
        json_write_array(out);
        if (choices[i][0])
            json_write_text(out, choices[i]);
        json_write_array_end(out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void question_put(struct buf *out, const struct api_row *row)
{
    char path[64];
    struct buf text;
    buf_init_fixed(&text, path, sizeof path);
    buf_format(&text, "/api/%s", row->ask);
    object_begin(out, buf_z(&text));
    object_begin(out, row->changes ? "post" : "get");
    json_put_text(out, "operationId", row->ask);
    json_write_key(out, "tags");
    json_write_array(out);
    json_write_text(out, row->scope);
    json_write_array_end(out);
    security_put(out, row->scope, api_read_opens(row));
    if (row->changes)
        body_put(out, row->members);
    else
        parameters_put(out, row->members);
    responses_put(out, "application/json");
    json_write_object_end(out);
    json_write_object_end(out);
}

static void plain_put(struct buf *out, const char *path, const char *scope, const char *type)
{
    object_begin(out, path);
    object_begin(out, "get");
    json_put_text(out, "operationId", path + 1);
    security_put(out, scope, false);
    responses_put(out, type);
    json_write_object_end(out);
    json_write_object_end(out);
}

/* A POST whose body is no JSON: a file's bytes; what is said of it stands in the query. */
static void file_put(struct buf *out, const char *path, const char *scope, const struct api_member *members)
{
    object_begin(out, path);
    object_begin(out, "post");
    json_put_text(out, "operationId", path + strlen("/api/"));
    security_put(out, scope, false);
    parameters_put(out, members);
    object_begin(out, "requestBody");
    json_put_bool(out, "required", true);
    object_begin(out, "content");
    object_begin(out, "application/octet-stream");
    for (int i = 0; i < 3; i++)
        json_write_object_end(out);
    responses_put(out, "application/json");
    json_write_object_end(out);
    json_write_object_end(out);
}

/* A file's bytes as they came. */
static void document_file_put(struct buf *out)
{
    static const struct api_member members[] = {{"file", API_INT, 0, NULL}, {0}};
    object_begin(out, "/api/document.file");
    object_begin(out, "get");
    json_put_text(out, "operationId", "document.file");
    security_put(out, "objects", false);
    parameters_put(out, members);
    responses_put(out, "application/octet-stream");
    json_write_object_end(out);
    json_write_object_end(out);
}

static void files_put(struct buf *out)
{
    static const struct api_member report[] = {{"object", API_INT, 0, NULL},      {"origin", API_TEXT, 0, NULL},
                                               {"name", API_TEXT, 0, NULL},       {"title", API_TEXT, 0, NULL},
                                               {"received_ns", API_INT, 0, NULL}, {0}};
    static const struct api_member list[] = {{"list", API_TEXT, 0, NULL},      {"source", API_TEXT, 0, NULL},
                                             {"confidence", API_INT, 0, NULL}, {"expires_ns", API_INT, 0, NULL},
                                             {"name", API_TEXT, 0, NULL},      {0}};
    static const struct api_member document[] = {{"object", API_INT, 0, NULL},
                                                 {"document", API_INT, 0, NULL},
                                                 {"version", API_INT, 0, NULL},
                                                 {"kind", API_TEXT, 0, NULL},
                                                 {"title", API_TEXT, 0, NULL},
                                                 {"language", API_TEXT, 0, NULL},
                                                 {"pages", API_INT, 0, NULL},
                                                 {"approved", API_TEXT, 0, NULL},
                                                 {"approved_by", API_TEXT, 0, NULL},
                                                 {"form", API_TEXT, 0, NULL},
                                                 {"note", API_TEXT, 0, NULL},
                                                 {"name", API_TEXT, 0, NULL},
                                                 {0}};
    file_put(out, "/api/upload", "vulnerabilities", report);
    file_put(out, "/api/indicators", "rules", list);
    file_put(out, "/api/document", "objects", document);
}

static void response_put(struct buf *out, const char *key, const char *says, bool retry)
{
    object_begin(out, key);
    json_put_text(out, "description", says);
    if (retry) {
        object_begin(out, "headers");
        object_begin(out, "Retry-After");
        json_put_text(out, "description", "seconds");
        object_begin(out, "schema");
        json_put_text(out, "type", "integer");
        for (int i = 0; i < 3; i++)
            json_write_object_end(out);
    }
    object_begin(out, "content");
    object_begin(out, "application/json");
    refer(out, "schema", "#/components/schemas/Refusal");
    for (int i = 0; i < 3; i++)
        json_write_object_end(out);
}

static void property_put(struct buf *out, const char *key, const char *type, const char *says)
{
    object_begin(out, key);
    json_put_text(out, "type", type);
    json_put_text(out, "description", says);
    json_write_object_end(out);
}

static void schemas_put(struct buf *out)
{
    object_begin(out, "schemas");
    object_begin(out, "Answer");
    json_put_text(out, "type", "object");
    object_begin(out, "properties");
    property_put(out, "ok", "boolean", "true; the further members stand in doc/api.md");
    json_write_object_end(out);
    json_write_object_end(out);
    object_begin(out, "Refusal");
    json_put_text(out, "type", "object");
    object_begin(out, "properties");
    property_put(out, "ok", "boolean", "false");
    object_begin(out, "error");
    json_put_text(out, "type", "string");
    json_write_key(out, "examples"); /* no enumeration: a later version may refuse for another reason */
    json_write_array(out);
    for (size_t i = 0; call_error_at(i); i++)
        json_write_text(out, call_error_at(i));
    json_write_array_end(out);
    json_write_object_end(out);
    property_put(out, "text", "string", "why, in English, for logs");
    property_put(out, "field", "string", "with error invalid: the member that is wrong");
    property_put(out, "until", "integer", "with error locked: until then, ns UTC");
    for (int i = 0; i < 3; i++)
        json_write_object_end(out);
}

static void components_put(struct buf *out)
{
    object_begin(out, "components");
    schemas_put(out);
    object_begin(out, "responses");
    response_put(out, "Refused", "refused; error says why", false);
    response_put(out, "TooOften", "asked too often, or by too many refused tokens", true);
    json_write_object_end(out);
    object_begin(out, "securitySchemes");
    object_begin(out, "token");
    json_put_text(out, "type", "http");
    json_put_text(out, "scheme", "bearer");
    json_put_text(out, "description", "a token made by a person (token.make); what it is for are its scopes");
    json_write_object_end(out);
    object_begin(out, "session");
    json_put_text(out, "type", "apiKey");
    json_put_text(out, "in", "cookie");
    json_put_text(out, "name", COOKIE_SESSION);
    json_put_text(out, "description", "a person who signed in; a POST needs the header X-CSRF-Token as well");
    for (int i = 0; i < 3; i++)
        json_write_object_end(out);
}

void api_document(struct web_call *call)
{
    struct buf *out = &call->out;
    buf_clear(out);
    json_write_object(out);
    json_put_text(out, "openapi", "3.1.0");
    object_begin(out, "info");
    json_put_text(out, "title", "Qorgan");
    json_put_text(out, "version", "1");
    json_put_text(
        out, "description",
        "Questions to an installation of Qorgan. Times are nanoseconds UTC; answers are described in doc/api.md.");
    json_write_object_end(out);
    object_begin(out, "paths");
    for (size_t i = 0; api_at(i); i++)
        question_put(out, api_at(i));
    files_put(out);
    document_file_put(out);
    plain_put(out, "/api/openapi.json", "", "application/json");
    plain_put(out, "/metrics", "metrics", "text/plain");
    json_write_object_end(out);
    components_put(out);
    json_write_object_end(out);
    call_json(call, 200, buf_view(out));
}
