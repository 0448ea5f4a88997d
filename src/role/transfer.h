/* transfer.h - several HTTP and SMTP conversations at a time over libcurl's multi interface, so that a server which
 * does not answer keeps nobody else waiting. Inside the role out.
 *
 * A transfer owns its handle, its strings and the bounded buffer for what comes back. It ends by calling `done` once,
 * from transfers_run, and is freed behind it. */
#ifndef ROLE_TRANSFER_H
#define ROLE_TRANSFER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#define TRANSFERS_MAX       64
#define TRANSFER_PATIENCE_S 20
#define TRANSFER_CONNECT_S  10

struct transfers;

struct transfer {
    CURL *curl;
    struct arena *arena;         /* strings that must live as long as the transfer */
    struct curl_slist *list;     /* headers or recipients */
    struct str upload;           /* what transfer_read still has to give */
    struct buf answer;           /* body that came back, up to its limit */
    uint64_t id;                 /* the owner's */
    uint64_t kind;               /* the owner's */
    char error[CURL_ERROR_SIZE]; /* libcurl's words */
    /* code CURLE_OK: the server answered; status is HTTP's, 0 for SMTP. Else `why` says what failed. */
    void (*done)(void *context, struct transfer *transfer, CURLcode code, long status, const char *why);
    void *context;
};

struct transfers *transfers_new(void); /* NULL without memory */
/* A new one with the common options set; answers past the limit make it fail. NULL past TRANSFERS_MAX or without
 * memory. */
struct transfer *transfer_new(struct transfers *transfers, size_t answer_limit);
/* Begins it; `done`, `context` and the handle's options are set. Also when it cannot begin, `done` is called. */
void transfer_start(struct transfers *transfers, struct transfer *transfer);
/* What every conversation of this program over libcurl has: no signals, no proxy, a patience, and the answer's bytes
 * behind those of `answer`, past whose limit it fails with answer->overflow. For handles outside a transfer: http.h. */
void transfer_options(CURL *curl, char error[CURL_ERROR_SIZE], struct buf *answer, long patience_s);
/* Why it failed: libcurl's words for this case, or in general. */
const char *transfer_why(const char error[CURL_ERROR_SIZE], CURLcode code);
/* Frees one that was never started. */
void transfer_drop(struct transfer *transfer);
/* CURLOPT_READFUNCTION over transfer->upload. */
size_t transfer_read(char *buffer, size_t size, size_t count, void *transfer);
/* A POST of these bytes over https, or over http to this machine. False without memory or for another scheme. */
bool transfer_post(struct transfer *transfer, struct str url, const char *content_type, struct str body);

void transfers_run(struct transfers *transfers);
/* How soon transfers_run wants to be called; -1 when nothing is under way. */
int transfers_timeout_ms(const struct transfers *transfers);

/* Whether host[:port][/path] is this machine: only then may anything go in plain text. */
bool host_is_local(struct str server);

#endif
