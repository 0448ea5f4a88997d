/* normaliser.h - what the parsers of this room share: one normaliser's state. Private to the room.
 *
 *   record -> detect (record.c) -> text.c, json.c, fields.c, web.c, audit.c -> draft -> sink
 *                                    audit.c -> audit_join.c -> draft -> sink, once complete
 *                                    json.c -> script_join.c -> draft -> sink, once whole
 *
 * A parser returns whether it understood the text; what it added is forgotten when it did not. */
#ifndef EVENT_NORMALISER_H
#define EVENT_NORMALISER_H

#include "codec/audit.h"
#include "codec/json.h"
#include "codec/weblog.h"
#include "event/audit_join.h"
#include "event/cache.h"
#include "event/draft.h"
#include "event/normalise.h"
#include "event/pick.h"
#include "event/script_join.h"
#include "event/transform.h"

/* Names that parsers write themselves. */
#define WORDS(X)                                                                                                       \
    X(WORD_HOST, "host")                                                                                               \
    X(WORD_PROGRAM, "program")                                                                                         \
    X(WORD_PID, "pid")                                                                                                 \
    X(WORD_FACILITY, "facility")                                                                                       \
    X(WORD_SEVERITY, "severity")                                                                                       \
    X(WORD_MSGID, "msgid")                                                                                             \
    X(WORD_MESSAGE, "message")                                                                                         \
    X(WORD_ORIGINAL, "event.original")                                                                                 \
    X(WORD_EVENT, "event")                                                                                             \
    X(WORD_EVENT_MESSAGE, "event.message")                                                                             \
    X(WORD_FULL_MESSAGE, "full_message")                                                                               \
    X(WORD_SHORT_MESSAGE, "short_message")                                                                             \
    X(WORD_LOG, "log")                                                                                                 \
    X(WORD_MSG, "msg")                                                                                                 \
    X(WORD_TYPE, "type")                                                                                               \
    X(WORD_NODE, "node")                                                                                               \
    X(WORD_SERIAL, "serial")                                                                                           \
    X(WORD_CHANNEL, "Channel")                                                                                         \
    X(WORD_EVENT_ID, "EventID")                                                                                        \
    X(WORD_HOSTNAME, "_HOSTNAME")                                                                                      \
    X(WORD_COMM, "_COMM")                                                                                              \
    X(WORD_AUDIT_ID, "_AUDIT_ID")                                                                                      \
    X(WORD_AUDIT_TIME, "_SOURCE_REALTIME_TIMESTAMP")                                                                   \
    X(WORD_TIME, "time")                                                                                               \
    X(WORD_TRANSPORT, "_TRANSPORT")                                                                                    \
    X(WORD_COMMAND_LINE, "CommandLine")                                                                                \
    X(WORD_TARGET_FILENAME, "TargetFilename")                                                                          \
    X(WORD_DESTINATION_IP, "DestinationIp")                                                                            \
    X(WORD_DESTINATION_PORT, "DestinationPort")                                                                        \
    X(WORD_INITIATED, "Initiated")                                                                                     \
    X(WORD_VENDOR, "DeviceVendor")                                                                                     \
    X(WORD_PRODUCT, "DeviceProduct")                                                                                   \
    X(WORD_VERSION, "DeviceVersion")                                                                                   \
    X(WORD_CLASS_ID, "DeviceEventClassID")                                                                             \
    X(WORD_NAME, "Name")                                                                                               \
    X(WORD_CEF_SEVERITY, "Severity")                                                                                   \
    X(WORD_CS_HOST, "cs-host")                                                                                         \
    X(WORD_C_IP, "c-ip")                                                                                               \
    X(WORD_CS_USERNAME, "cs-username")                                                                                 \
    X(WORD_CS_METHOD, "cs-method")                                                                                     \
    X(WORD_CS_URI_STEM, "cs-uri-stem")                                                                                 \
    X(WORD_CS_URI_QUERY, "cs-uri-query")                                                                               \
    X(WORD_C_URI, "c-uri")                                                                                             \
    X(WORD_CS_VERSION, "cs-version")                                                                                   \
    X(WORD_SC_STATUS, "sc-status")                                                                                     \
    X(WORD_SC_BYTES, "sc-bytes")                                                                                       \
    X(WORD_CS_REFERER, "cs-referer")                                                                                   \
    X(WORD_CS_USER_AGENT, "cs-user-agent")                                                                             \
    X(WORD_S_ACTION, "s-action")                                                                                       \
    X(WORD_R_IP, "r-ip")                                                                                               \
    X(WORD_REQUEST, "request")                                                                                         \
    X(WORD_SCRIPT_TEXT, "ScriptBlockText")                                                                             \
    X(WORD_SCRIPT_ID, "ScriptBlockId")                                                                                 \
    X(WORD_SCRIPT_NUMBER, "MessageNumber")                                                                             \
    X(WORD_SCRIPT_TOTAL, "MessageTotal")                                                                               \
    X(WORD_DATA, "Data")                                                                                               \
    X(WORD_PARAM1, "param1")

enum word {
#define X(id, text) id,
    WORDS(X)
#undef X
        WORD_COUNT
};

#define INNER_MAX    2  /* JSON that carries JSON that carries a line, and no further */
#define CARRIERS     8u /* words from WORD_CARRIER on: fields in which a line may be carried, the likeliest first */
#define WORD_CARRIER WORD_MESSAGE
#define STATES_MAX   16384 /* sources whose habits are remembered */
#define W3C_LINE_MAX 8192

/* What is remembered of one source between records. */
struct source_state {
    uint16_t file; /* row of mapping->files, from 1 */
    char *fields;  /* a #Fields: line of W3C, owned */
    size_t fields_n;
};

/* A program as first seen: its patterns and its rows. */
struct program_known {
    const struct program *program;
    struct rows rows;
};

/* The rows of a channel and an event id, as they were written. */
#define WINDOWS_KNOWN    32u
#define WINDOWS_TEXT_MAX 112u
struct windows_known {
    uint32_t channel_n; /* 0: nothing is known here */
    uint32_t id_n;
    char text[WINDOWS_TEXT_MAX]; /* of both, one behind the other */
    struct rows of_id;
    struct rows of_channel;
};

struct normaliser {
    const struct mapping *mapping;
    struct names *names;
    struct draft draft;
    int32_t offset_s;
    struct json_paths *json_paths;
    struct cache paths;    /* JSON path -> name id + 1; 0 = not kept */
    struct cache selector; /* selector key -> list index + 1; 0 = none */
    struct cache programs; /* as written -> index in known */
    struct cache sources;  /* source id -> index in state */
    struct program_known *known;
    uint32_t known_count;
    uint32_t known_room;
    struct source_state *state; /* [0] is for sources past the limit, always fresh */
    uint32_t state_count;
    uint32_t state_room;
    const struct program *any_program;   /* patterns for "*" */
    const struct program *plain_program; /* patterns for "-": lines without a header */
    const struct program *other_program; /* patterns for "?": of programs without patterns of their own */
    const struct pattern *pattern;       /* that took the record; NULL: none did */
    enum grasp grasp;                    /* of the record */
    struct str asked_program;            /* what patterns were asked of last; message.p == NULL: they were not */
    struct str asked_message;
    struct rows syslog_rows;
    struct rows journal_rows;
    struct rows json_rows;
    struct rows carried_rows; /* of JSON that carries words: whose they are */
    struct rows carrier_rows; /* and where it was, when the line does not say */
    struct rows windows_rows;
    struct windows_known windows_known[WINDOWS_KNOWN];
    struct rows audit_rows;
    struct rows audit_event_rows;
    struct rows web_rows;
    struct rows cef_rows;
    struct rows leef_rows;
    struct rows kv_rows;
    uint32_t inner;                  /* carriers around the text at work */
    uint32_t carrier_slot[CARRIERS]; /* of their words */
    struct picker picker;
    struct audit_join join;
    bool was_piece; /* the record given last, whatever was put together since */
    bool has_audit; /* this record is one of audit: */
    struct audit audit;
    struct str audit_text;
    struct script_join scripts;
    bool has_piece; /* this record is a part of a script block: */
    struct script_piece piece;
    uint32_t word[WORD_COUNT];
};

/* Adds a field named by a word; empty values are left out. */
void say(struct normaliser *normaliser, enum word word, struct str value);
/* The first value of a word's field in the draft; p == NULL when absent. Words are all in mapping tables' slots or not:
 * this walks the fields when they are not. */
struct str said(const struct normaliser *normaliser, enum word word);
/* Rows of "name=value" or "name=value/detail", in any case. */
struct rows rows_for(struct normaliser *normaliser, struct str name, struct str value, struct str detail);

/* text.c: what a program says in words. host and program may be empty. Always understood once there is a program. */
void text_message(struct normaliser *normaliser, struct str program, struct str message);
/* Any format that may stand inside a syslog message or alone: JSON, XML of Windows, CEF, LEEF, audit. */
bool text_nested(struct normaliser *normaliser, struct str text);
bool syslog_line(struct normaliser *normaliser, struct str text);
bool text_pairs(struct normaliser *normaliser, struct str text);
void pairs_add(struct normaliser *normaliser, struct str text);

bool json_line(struct normaliser *normaliser, struct str text);
bool winevent_line(struct normaliser *normaliser, struct str text);
/* mssql.c: the fields of an audit event of SQL Server, from its one string. */
void mssql_audit(struct normaliser *normaliser, struct str text);
bool cef_line(struct normaliser *normaliser, struct str text);
bool leef_line(struct normaliser *normaliser, struct str text);
bool web_line(struct normaliser *normaliser, struct str text);
bool w3c_line(struct normaliser *normaliser, struct source_state *state, struct str text);
bool audit_line(struct normaliser *normaliser, struct str text);
/* Adds the fields of one record to the draft. */
void audit_add(struct normaliser *normaliser, const struct audit *audit);
/* Adds what all records of an event say, joined by line feeds. */
void audit_whole(struct normaliser *normaliser, struct str lines);
/* A line that another format carries in a field: like a line of a file, but that words alone, which no pattern knows,
 * are not understood. What was added is forgotten then. */
bool text_inner(struct normaliser *normaliser, struct str text);
/* A line without any header that a pattern for program "-" knows. */
bool text_plain(struct normaliser *normaliser, struct str text);

#endif
