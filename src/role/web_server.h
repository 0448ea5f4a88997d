/* web_server.h - HTTPS in front of the room web: the only place that knows libmicrohttpd.
 *
 * The role's loop polls web_server_fd() for reading, no longer than web_server_timeout_ms(), and then calls
 * web_server_run(). Requests that need desk or query are asked through the function given to web_server_set_ask; the
 * role hands their answers to web_server_answer, in any order, also from inside the ask function. Until then the
 * connection is suspended and costs no time. Questions older than WEB_SERVER_ANSWER_S are given up as unanswered.
 *
 * Limits: connections, connections an address, body, header block, and seconds of silence: below. A peer past a limit
 * is refused or closed; nobody else notices. Single-threaded: no thread is started. */
#ifndef ROLE_WEB_SERVER_H
#define ROLE_WEB_SERVER_H

#include "base/err.h"
#include "base/str.h"
#include "web/web.h"

#include <stdint.h>

#define WEB_SERVER_CONNECTIONS_MAX 512
#define WEB_SERVER_PER_ADDRESS_MAX 64
#define WEB_SERVER_HEADER_MAX      (32u << 10) /* bytes of one connection's header block and read buffer together */
#define WEB_SERVER_IDLE_S          15          /* silence after which a connection is closed */
#define WEB_SERVER_ANSWER_S        20          /* age at which a question is given up */
#define WEB_SERVER_UI_FILES_MAX    64
#define WEB_SERVER_FILES_MAX       4 /* that are received at one time */

struct web_server;

struct web_server_config {
    int listen_fd;           /* bound and listening, non-blocking; owned by the server from a successful start on */
    const char *data;        /* folder that holds i18n/ (every .tsv there is read) */
    const char *ui;          /* folder of styles, scripts, icons */
    struct str cert_pem;     /* copied */
    struct str key_pem;      /* copied */
    uint32_t calls_a_minute; /* see web_set_rate; 0: as it is */
    uint64_t seed;
};

/* Reads texts and files, starts TLS. Errors name the file. No file is opened after it returns. */
enum rc web_server_start(const struct web_server_config *config, struct web_server **ret_server,
                         struct err *err) MUST_USE;
void web_server_stop(struct web_server *server); /* NULL is fine */

/* One question of some request: exactly one web_server_answer with its id follows, sooner or later or never. */
typedef void (*web_server_ask)(void *context, enum web_peer peer, uint32_t id, struct str json);
void web_server_set_ask(struct web_server *server, web_server_ask ask, void *context);
/* An answer; {NULL, 0} when the peer is gone. Unknown ids (given up, connection closed) are dropped silently. */
void web_server_answer(struct web_server *server, uint32_t id, struct str json);

/* The same with a file that goes along with it, whose descriptor is taken over. */
void web_server_answer_file(struct web_server *server, uint32_t id, struct str json, int fd);

/* A request brings a file of so many bytes (0: it does not say): exactly one web_server_file with the id follows,
 * sooner or later or never. Until then its bytes wait in the network. `gone`: nothing is written to that file any more,
 * whether it came whole or not; the question that tells of it came before. Both with the context of web_server_set_ask.
 */
typedef void (*web_server_file_ask)(void *context, uint32_t id, uint64_t bytes);
typedef void (*web_server_file_gone)(void *context, uint64_t number);
void web_server_set_files(struct web_server *server, web_server_file_ask ask, web_server_file_gone gone);
/* The descriptor to write to, which is taken over; -1: there is no room. */
void web_server_file(struct web_server *server, uint32_t id, uint64_t number, int fd);

int web_server_fd(const struct web_server *server);
/* Milliseconds until web_server_run must be called even if the descriptor stays quiet; -1 = no need. */
int web_server_timeout_ms(const struct web_server *server);
void web_server_run(struct web_server *server);

struct web_server_counters {
    uint64_t requests;
    uint64_t refused;  /* 4xx */
    uint64_t failed;   /* 5xx */
    uint64_t given_up; /* questions without an answer in time */
    uint32_t waiting;  /* questions asked and open */
};
struct web_server_counters web_server_counters(const struct web_server *server);

#endif
