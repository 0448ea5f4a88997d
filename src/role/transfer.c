#include "role/transfer.h"

#include "base/assert.h"

#include <string.h>

#define STRINGS_MAX ((size_t)2 << 20)
#define SOON_MS     10

struct transfers {
    CURLM *multi;
    size_t count; /* under way */
};

struct transfers *transfers_new(void)
{
    struct transfers *transfers = memory_new(sizeof *transfers);
    if (!transfers)
        return NULL;
    transfers->multi = curl_multi_init();
    if (!transfers->multi) {
        memory_free(transfers);
        return NULL;
    }
    return transfers;
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *answer = context;
    buf_put(answer, bytes, size * count);
    return answer->overflow ? 0 : size * count;
}

void transfer_options(CURL *curl, char error[CURL_ERROR_SIZE], struct buf *answer, long patience_s)
{
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, patience_s);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)TRANSFER_CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

const char *transfer_why(const char error[CURL_ERROR_SIZE], CURLcode code)
{
    return error[0] ? error : curl_easy_strerror(code);
}

size_t transfer_read(char *buffer, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t n = MIN(size * count, transfer->upload.n);
    if (n)
        memcpy(buffer, transfer->upload.p, n);
    transfer->upload = str_skip(transfer->upload, n);
    return n;
}

void transfer_drop(struct transfer *transfer)
{
    if (transfer->curl)
        curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->list);
    buf_done(&transfer->answer);
    arena_free(transfer->arena);
    memory_free(transfer);
}

struct transfer *transfer_new(struct transfers *transfers, size_t answer_limit)
{
    struct transfer *transfer = transfers->count < TRANSFERS_MAX ? memory_new(sizeof *transfer) : NULL;
    if (!transfer)
        return NULL;
    buf_init(&transfer->answer, answer_limit);
    transfer->curl = curl_easy_init();
    transfer->arena = arena_new(STRINGS_MAX);
    if (!transfer->curl || !transfer->arena) {
        transfer_drop(transfer);
        return NULL;
    }
    transfer_options(transfer->curl, transfer->error, &transfer->answer, TRANSFER_PATIENCE_S);
    curl_easy_setopt(transfer->curl, CURLOPT_PRIVATE, transfer);
    return transfer;
}

static void finish(struct transfers *transfers, struct transfer *transfer, CURLcode code)
{
    long status = 0;
    const char *why = "";
    if (code == CURLE_OK)
        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    else
        why = transfer_why(transfer->error, code);
    transfer->done(transfer->context, transfer, code, status, why);
    curl_multi_remove_handle(transfers->multi, transfer->curl);
    transfers->count--;
    transfer_drop(transfer);
}

void transfer_start(struct transfers *transfers, struct transfer *transfer)
{
    ASSERT(transfer->done != NULL);
    transfers->count++;
    if (curl_multi_add_handle(transfers->multi, transfer->curl) != CURLM_OK)
        finish(transfers, transfer, CURLE_OUT_OF_MEMORY);
}

void transfers_run(struct transfers *transfers)
{
    int running = 0;
    int left = 0;
    if (transfers->count == 0)
        return;
    IGNORE(curl_multi_perform(transfers->multi, &running) != CURLM_OK); /* each transfer says for itself how it went */
    for (CURLMsg *msg; (msg = curl_multi_info_read(transfers->multi, &left)) != NULL;) {
        struct transfer *transfer = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        ASSERT(transfer != NULL);
        finish(transfers, transfer, code);
    }
}

int transfers_timeout_ms(const struct transfers *transfers)
{
    return transfers->count ? SOON_MS : -1;
}

/* The whole host is looked at, so that 127.example.org and 127.0.0.1@example.org are not this machine. */
bool host_is_local(struct str server)
{
    struct str rest = server;
    struct str authority = str_cut(&rest, '/');
    if (str_find(authority, '@') < authority.n)
        return false;
    if (str_starts(authority, STR("[::1]")))
        return authority.n == 5 || authority.p[5] == ':';
    struct str host = str_cut(&authority, ':');
    size_t dots = 0;
    size_t digits = 0;
    for (size_t i = 0; i < host.n; i++) {
        dots += host.p[i] == '.';
        digits += char_is_digit(host.p[i]);
    }
    return str_is(host, "localhost") || (str_starts(host, STR("127.")) && dots == 3 && dots + digits == host.n);
}

bool transfer_post(struct transfer *transfer, struct str url, const char *content_type, struct str body)
{
    char header[256];
    struct buf text;
    struct str host = str_skip(url, str_search(url, STR("://")) + 3);
    const char *address = arena_strz(transfer->arena, url);
    buf_init_fixed(&text, header, sizeof header);
    buf_format(&text, "Content-Type: %s", content_type);
    struct curl_slist *list = curl_slist_append(transfer->list, buf_z(&text));
    if (!address || !list)
        return false;
    transfer->list = list;
    curl_easy_setopt(transfer->curl, CURLOPT_URL, address);
    curl_easy_setopt(transfer->curl, CURLOPT_PROTOCOLS_STR, host_is_local(host) ? "http,https" : "https");
    curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->list);
    curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDSIZE, (long)body.n);
    return curl_easy_setopt(transfer->curl, CURLOPT_COPYPOSTFIELDS, body.p ? body.p : "") == CURLE_OK;
}
