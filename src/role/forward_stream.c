#include "role/forward_stream.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/macros.h"
#include "os/clock.h"
#include "role/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define TURN_MS   200 /* between two looks at `stop` */
#define SETTLE_MS 5

struct stream {
    CURL *curl;
    curl_socket_t fd;
    struct stream_options options;
    char error[CURL_ERROR_SIZE];
};

static bool stopped(const struct stream *stream)
{
    return stream->options.stop && stream->options.stop(stream->options.context);
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return stopped(context);
}

static void blob_set(CURL *curl, CURLoption option, struct str pem)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)pem.p, .len = pem.n, .flags = CURL_BLOB_COPY};
    if (pem.n)
        curl_easy_setopt(curl, option, &blob);
}

static void options_set(struct stream *stream)
{
    const struct stream_options *options = &stream->options;
    CURL *curl = stream->curl;
    char url[512];
    snprintf(url, sizeof url, "%s://%s:%u", options->tls ? "https" : "http", options->host, options->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, options->patience_s);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, stream->error);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, stream);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (!options->tls)
        return;
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L); /* it is not HTTP that is spoken */
    blob_set(curl, CURLOPT_CAINFO_BLOB, options->ca_pem);
    blob_set(curl, CURLOPT_SSLCERT_BLOB, options->certificate);
    blob_set(curl, CURLOPT_SSLKEY_BLOB, options->key);
}

enum rc stream_open(const struct stream_options *options, struct stream **ret_stream, struct err *err)
{
    struct stream *stream = memory_new(sizeof *stream);
    if (!stream)
        return err_set(err, RC_LIMIT, "no memory");
    stream->options = *options;
    stream->curl = curl_easy_init();
    if (!stream->curl) {
        memory_free(stream);
        return err_set(err, RC_LIMIT, "no memory for a connection");
    }
    options_set(stream);
    CURLcode code = curl_easy_perform(stream->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(stream->curl, CURLINFO_ACTIVESOCKET, &stream->fd);
    if (code == CURLE_OK && stream->fd != CURL_SOCKET_BAD) {
        *ret_stream = stream;
        return RC_OK;
    }
    enum rc rc = code == CURLE_ABORTED_BY_CALLBACK                                          ? RC_AGAIN
                 : code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ? RC_DENIED
                                                                                            : RC_IO;
    IGNORE(err_set(err, rc, "could not connect to %s port %u: %s", options->host, options->port,
                   transfer_why(stream->error, code)));
    stream_close(stream);
    return rc;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    curl_easy_cleanup(stream->curl);
    memory_free(stream);
}

/* A syslog server says nothing; whatever comes is read away, and the end is noticed. */
static enum rc hung_up(struct stream *stream, struct err *err)
{
    char bytes[4096];
    size_t got = 0;
    CURLcode code = curl_easy_recv(stream->curl, bytes, sizeof bytes, &got);
    if (code == CURLE_AGAIN || (code == CURLE_OK && got > 0))
        return RC_OK;
    return err_set(err, RC_IO, "the peer closed the connection");
}

/* One turn of waiting. RC_OK: try again. */
static enum rc wait_turn(struct stream *stream, short events, int ms, uint64_t since_ns, struct err *err)
{
    struct pollfd poll_fd = {.fd = stream->fd, .events = (short)(events | POLLIN)};
    if (stopped(stream))
        return err_set(err, RC_AGAIN, "stopped");
    if (clock_boot_ns() - since_ns > (uint64_t)stream->options.patience_s * 1000000000)
        return err_set(err, RC_IO, "the peer took nothing for %ld seconds", stream->options.patience_s);
    IGNORE(poll(&poll_fd, 1, ms)); /* a signal, or nothing: the next turn sees */
    return poll_fd.revents & (POLLIN | POLLHUP | POLLERR) ? hung_up(stream, err) : RC_OK;
}

enum rc stream_send(struct stream *stream, struct str bytes, struct err *err)
{
    uint64_t since_ns = clock_boot_ns();
    while (bytes.n) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(stream->curl, bytes.p, bytes.n, &sent);
        if (code == CURLE_OK && sent > 0) {
            bytes = str_skip(bytes, sent);
            since_ns = clock_boot_ns();
            continue;
        }
        if (code != CURLE_OK && code != CURLE_AGAIN)
            return err_set(err, RC_IO, "the connection broke: %s", transfer_why(stream->error, code));
        enum rc rc = wait_turn(stream, POLLOUT, TURN_MS, since_ns, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc stream_settle(struct stream *stream, struct err *err)
{
    uint64_t since_ns = clock_boot_ns();
    for (;;) {
        int waiting = 0;
        if (ioctl(stream->fd, SIOCOUTQ, &waiting) != 0)
            return err_errno(err, errno, "the connection cannot be asked what arrived");
        if (waiting == 0)
            return hung_up(stream, err); /* acknowledged, and then reset, is not taken */
        enum rc rc = wait_turn(stream, 0, SETTLE_MS, since_ns, err);
        if (rc != RC_OK)
            return rc;
    }
}
