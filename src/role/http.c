#include "role/http.h"

#include "base/arena.h"
#include "base/assert.h"
#include "role/transfer.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#define HEADER_MAX 1024
#define CA_MAX     ((size_t)1 << 20)

struct http {
    CURL *curl;
    struct curl_slist *headers;
    struct curl_slist *json_headers;
    struct http_options options;
    uint8_t pin[32];
    bool pin_failed;
    struct buf ca;
    char error[CURL_ERROR_SIZE];
};

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct http *http = context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return http->options.stop && http->options.stop(http->options.context);
}

/* In place of chain and name: the certificate itself is the one that was written down. */
static int on_certificate(X509_STORE_CTX *store, void *context)
{
    struct http *http = context;
    const X509 *certificate = X509_STORE_CTX_get0_cert(store);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool same = certificate && X509_digest(certificate, EVP_sha256(), digest, &n) == 1 && n == sizeof http->pin &&
                memcmp(digest, http->pin, sizeof http->pin) == 0;
    http->pin_failed = !same;
    if (!same)
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return same;
}

static CURLcode on_ssl(CURL *curl, void *ssl_ctx, void *context)
{
    SSL_CTX *ctx = ssl_ctx;
    (void)curl;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_certificate, context);
    return CURLE_OK;
}

static void identity_options(struct http *http)
{
    CURL *curl = http->curl;
    if (http->options.pin) {
        /* curl's own check is off; on_ssl turns OpenSSL's back on, with ours in its place */
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_ssl);
        curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, http);
    } else if (http->ca.n) {
        struct curl_blob blob = {.data = http->ca.p, .len = http->ca.n, .flags = CURL_BLOB_COPY};
        curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
        curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

static bool headers_make(struct http *http)
{
    char line[HEADER_MAX];
    struct buf header;
    buf_init_fixed(&header, line, sizeof line);
    buf_text(&header, "Authorization: Bearer ");
    buf_str(&header, http->options.bearer);
    const char *text = buf_z(&header);
    bool named = http->options.bearer.n > 0;
    struct curl_slist *one = named && !header.overflow ? curl_slist_append(NULL, text) : NULL;
    struct curl_slist *two = one ? curl_slist_append(NULL, text) : NULL;
    http->headers = one;
    http->json_headers = !named || two ? curl_slist_append(two, "Content-Type: application/json") : NULL;
    explicit_bzero(line, sizeof line);
    return (!named || http->headers) && http->json_headers;
}

enum rc http_new(const struct http_options *options, struct http **ret_http, struct err *err)
{
    struct http *http = memory_new(sizeof *http);
    if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        memory_free(http);
        return err_set(err, RC_LIMIT, "no memory for the web client");
    }
    http->options = *options;
    buf_init(&http->ca, CA_MAX);
    buf_str(&http->ca, options->ca_pem);
    if (options->pin)
        memcpy(http->pin, options->pin, sizeof http->pin);
    http->curl = curl_easy_init();
    if (!http->curl || http->ca.overflow || !headers_make(http)) {
        http_free(http);
        return err_set(err, RC_LIMIT, "no memory for the web client, or its token or certificates are too long");
    }
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    identity_options(http);
    *ret_http = http;
    return RC_OK;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    curl_slist_free_all(http->headers);
    curl_slist_free_all(http->json_headers);
    if (http->curl)
        curl_easy_cleanup(http->curl);
    buf_done(&http->ca);
    memory_free(http);
}

static enum rc failure(const struct http *http, CURLcode code, bool too_long, struct err *err)
{
    const char *text = transfer_why(http->error, code);
    if (http->pin_failed)
        return err_set(err, RC_DENIED, "the server's certificate is not the one that was pinned");
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR)
        return err_set(err, RC_DENIED, "the server's certificate is refused: %s", text);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return err_set(err, RC_AGAIN, "stopped");
    if (too_long)
        return err_set(err, RC_LIMIT, "the server's answer is longer than this program takes");
    return err_set(err, RC_IO, "could not reach the server: %s", text);
}

enum rc http_exchange(struct http *http, const char *url, struct str json, struct buf *ret_body, unsigned *ret_status,
                      struct err *err)
{
    CURL *curl = http->curl;
    long status = 0;
    ASSERT(url != NULL);
    buf_clear(ret_body);
    http->pin_failed = false;
    http->error[0] = '\0';
    transfer_options(curl, http->error, ret_body, http->options.patience_s);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (json.n) {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->json_headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)json.n);
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, json.p);
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return failure(http, code, ret_body->overflow, err);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_status = (unsigned)status;
    return RC_OK;
}
