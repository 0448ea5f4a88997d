/* call.h - one request on its way through the room; seen by the room's own files only.
 *
 *   begin ──► SESSION (session.check asked) ──► HANDLER phase 0 ──asks──► phase 1 … ──► DONE
 *      └─ a route open to all, or a cookie that cannot be ours: straight to the handler or to the sign-in page
 *
 * A handler is called again each time all questions of its last phase are answered. It either asks further questions
 * (call_ask) or finishes the response (call_page_end, call_redirect, call_fail …), never both. */
#ifndef WEB_CALL_H
#define WEB_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "web/form.h"
#include "web/html.h"
#include "web/web.h"

#define CALL_ARGS_MAX   2
#define CALL_MEMORY_MAX (32u << 20)
#define TOKEN_DIGITS    64 /* of a session's token */
#define CSRF_DIGITS     32
#define COOKIE_SESSION  "__Host-qorgan"
#define COOKIE_HALF     "__Host-qorgan-half" /* between password and code */
#define COOKIE_FORM     "__Host-qorgan-form"
#define COOKIE_LANGUAGE "__Host-qorgan-language"

struct rate;
struct route;

/* Parts of a page's frame. */
enum section {
    SECTION_NONE,
    SECTION_LIVE,
    SECTION_SEARCH,
    SECTION_INCIDENTS,
    SECTION_TERMS,
    SECTION_VULNERABILITIES,
    SECTION_SURVEYS,
    SECTION_REPORTS,
    SECTION_RULES,
    SECTION_OBJECTS,
    SECTION_AGENTS,
    SECTION_ARCHIVE,
    SECTION_CHANNELS,
    SECTION_USERS,
};

enum call_stage { CALL_SESSION, CALL_HANDLER, CALL_DONE };

struct question {
    enum web_peer peer;
    struct str json;
    bool with_bytes; /* behind the answer's object a line feed and bytes may follow */
    bool answered;
    struct str answer_text;
    struct str answer_bytes;
    struct json_value *answer; /* NULL: none came, or it was not JSON */
};

struct web_call {
    const struct web *web;
    struct arena *arena;
    struct web_http http;
    struct form query;
    struct form form; /* of an urlencoded body */
    const struct route *route;
    struct str args[CALL_ARGS_MAX];
    bool head; /* HEAD: the body is made and left out */

    bool signed_in;
    bool must_change;
    bool must_enrol; /* a second factor, first */
    struct str token;
    struct str user;
    struct str role;
    struct str csrf;   /* the session's, or the form cookie's before sign-in */
    struct str bearer; /* a program's token, which it came with; no session then */
    int64_t through;   /* its number, once it is checked */

    enum call_stage stage;
    uint32_t phase;
    struct question questions[WEB_QUESTIONS_MAX];
    size_t question_count; /* of all phases of the handler: answers of earlier phases stay readable */
    size_t first;          /* where the present phase's questions begin */
    size_t open;           /* questions not yet answered */

    struct html html;
    struct buf out;
    struct web_response response;
};

struct web {
    struct arena *arena;
    struct texts *texts;
    struct asset {
        struct str name;
        struct str bytes;
        const char *type;
    } assets[64];
    size_t asset_count;
    struct {
        struct str name;
        struct str bytes;
    } switch_on[64]; /* data/switch-on/ */
    size_t switch_on_count;
    uint64_t asset_hash[2]; /* of all names and bytes: part of their address */
    bool asset_hash_known;
    struct rate *rate; /* rate.h; changed by calls */
};

struct buf *call_ask(struct web_call *call, enum web_peer peer, const char *ask);
void call_ask_end(struct web_call *call);
/* The same when the answer may carry bytes: answer_bytes of the question. */
void call_ask_end_bytes(struct web_call *call);
/* A question without further members. */
void call_ask_plain(struct web_call *call, enum web_peer peer, const char *ask);
/* The answer, or NULL when it is missing or not ok. */
const struct json_value *call_answer(const struct web_call *call, size_t i);
/* "" when the answer is ok, else its error key; "unavailable" when there is none. */
struct str call_error(const struct web_call *call, size_t i);
/* When any answer of the phase is not ok: finishes with the fitting page (the end of a session leads to sign-in). */
bool call_failed(struct web_call *call);
bool call_failed_at(struct web_call *call, size_t i);

void call_page(struct web_call *call, const char *title, enum section section);
void call_page_titled(struct web_call *call, struct str title, enum section section);
void call_page_end(struct web_call *call, unsigned status);
/* A page that says what is wrong; `key` is one under "error.". */
void call_fail(struct web_call *call, unsigned status, struct str key, struct str detail);
/* 303 to a path of ours. */
void call_redirect(struct web_call *call, const char *path);
void call_redirect_slice(struct web_call *call, struct str path);
void call_bytes(struct web_call *call, unsigned status, const char *content_type, struct str bytes);
void call_json(struct web_call *call, unsigned status, struct str json);
void call_download(struct web_call *call, const char *content_type, struct str name, struct str bytes);
/* The file that comes along with the last answer, to be saved under this name. */
void call_file(struct web_call *call, struct str name);
void call_cookie(struct web_call *call, const char *name, struct str value, int64_t max_age_s);
/* The status that an error key of a peer means. */
unsigned status_of_error(struct str key);
/* A path that may be redirected to: ours, without a way to another host; "/" otherwise. */
struct str safe_path(struct str path);
/* Path and query as they came, for coming back. */
struct str call_target(struct web_call *call);
/* The token of "Authorization: Bearer" (RFC 6750 2.1); empty when there is none. */
struct str bearer_of(const struct web_call *call);
bool is_hex(struct str text, size_t digits);   /* of small letters, exactly so many */
bool equal_secret(struct str a, struct str b); /* in time that depends on the length only */
struct str call_format(struct web_call *call, const char *format, ...) PRINTF(2, 3);

#endif
