/* out.c - the only process that opens connections: mail by SMTP, webhooks by HTTP, and out_witness.c: witnesses and
 * time-stamp authorities. Conversations run side by side (transfer.h); the desk gives one notice at a time.
 *
 * TLS is demanded: smtps:// and https:// as they are, STARTTLS on plain SMTP when the server offers it; only servers on
 * this machine may be spoken to in plain text. The answer says what the server said; secrets are never logged. */
#include "role/out.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/json.h"
#include "os/clock.h"
#include "role/log.h"
#include "role/roles.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX ((size_t)512 << 10)

struct notice {
    struct str key;
    struct str to;
    struct str server;
    struct str from;
    struct str user;
    struct str secret;
    struct str subject;
    struct str body;
};

/* A header value may hold no line end: everything below a blank becomes one. */
static void put_header(struct buf *out, const char *name, struct str value)
{
    buf_format(out, "%s: ", name);
    for (size_t i = 0; i < value.n; i++)
        buf_char(out, (unsigned char)value.p[i] < ' ' ? ' ' : value.p[i]);
    buf_text(out, "\r\n");
}

/* RFC 2047: the subject as encoded words of at most 45 bytes, cut between code points. */
static void put_subject(struct buf *out, struct str subject)
{
    buf_text(out, "Subject:");
    while (subject.n) {
        size_t n = MIN(subject.n, (size_t)45);
        while (n < subject.n && n > 1 && ((unsigned char)subject.p[n] & 0xc0) == 0x80)
            n--;
        char text[64];
        size_t length = base64_encode(subject.p, n, text);
        buf_format(out, " =?UTF-8?B?%.*s?=\r\n", (int)length, text);
        subject = str_skip(subject, n);
    }
    if (out->n && out->p[out->n - 1] == ':')
        buf_text(out, "\r\n");
}

static void put_date(struct buf *out, int64_t now_ns)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil c = civil_from_ns(now_ns, 0);
    buf_format(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
               days[civil_weekday(civil_to_days(c.year, c.month, c.day)) - 1], c.day, months[c.month - 1], c.year,
               c.hour, c.minute, c.second);
}

static void mail_write(struct buf *out, const struct notice *notice)
{
    buf_clear(out);
    put_date(out, clock_real_ns());
    put_header(out, "From", notice->from);
    put_header(out, "To", notice->to);
    buf_format(out, "Message-ID: <%.*s@qorgan>\r\n", STR_ARG(str_slice(notice->key, 0, 200)));
    put_subject(out, notice->subject);
    buf_text(out,
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
             "Auto-Submitted: auto-generated\r\n\r\n");
    for (struct str rest = notice->body; rest.n; rest = str_skip(rest, 57)) {
        char line[80];
        buf_put(out, line, base64_encode(rest.p, MIN(rest.n, (size_t)57), line));
        buf_text(out, "\r\n");
    }
}

static bool mail_prepare(struct transfer *transfer, struct out *out, const struct notice *notice)
{
    char url[512];
    char from[512];
    char to[512];
    CURL *curl = transfer->curl;
    bool given = str_search(notice->server, STR("://")) != notice->server.n;
    snprintf(url, sizeof url, "%s%.*s", given ? "" : "smtp://", STR_ARG(notice->server));
    snprintf(from, sizeof from, "<%.*s>", STR_ARG(notice->from));
    snprintf(to, sizeof to, "<%.*s>", STR_ARG(notice->to));
    mail_write(&out->message, notice);
    transfer->upload = arena_str(transfer->arena, buf_view(&out->message));
    transfer->list = curl_slist_append(NULL, to);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, transfer->list);
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     host_is_local(notice->server) ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
    if (notice->user.n) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, arena_strz(transfer->arena, notice->user));
        curl_easy_setopt(curl, CURLOPT_PASSWORD, arena_strz(transfer->arena, notice->secret));
    }
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, transfer_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    return !out->message.overflow && transfer->list && transfer->upload.p;
}

static bool webhook_prepare(struct transfer *transfer, const struct notice *notice)
{
    char header[1024];
    snprintf(header, sizeof header, "Idempotency-Key: %.*s", STR_ARG(str_slice(notice->key, 0, 200)));
    transfer->list = curl_slist_append(NULL, header);
    if (notice->secret.n && notice->secret.n < 900) {
        snprintf(header, sizeof header, "Authorization: Bearer %.*s", STR_ARG(notice->secret));
        transfer->list = curl_slist_append(transfer->list, header);
        explicit_bzero(header, sizeof header);
    }
    curl_easy_setopt(transfer->curl, CURLOPT_FAILONERROR, 1L);
    return transfer_post(transfer, notice->to, "application/json; charset=utf-8", notice->body);
}

static void notice_answer(struct out *out, uint64_t id, bool sent, const char *text)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    buf_clear(&out->answer);
    json_write_object(&out->answer);
    json_put_bool(&out->answer, "sent", sent);
    json_put_text(&out->answer, "text", text);
    json_write_object_end(&out->answer);
    if (!desk || !channel_send(desk, MSG_NOTICE_RESULT, id, buf_view(&out->answer)))
        log_warning("the desk does not take its answer");
}

static void notice_done(void *context, struct transfer *transfer, CURLcode code, long status, const char *why)
{
    struct out *out = context;
    (void)status; /* FAILONERROR made a refusal an error */
    if (code != CURLE_OK)
        log_warning("a notice by %s was not taken: %s", transfer->kind ? "mail" : "webhook", why);
    notice_answer(out, transfer->id, code == CURLE_OK, why);
}

static void notice_send(struct out *out, uint64_t id, const struct json_value *value)
{
    struct notice notice = {
        .key = json_str(json_get(value, "key"), STR_NONE),
        .to = json_str(json_get(value, "to"), STR_NONE),
        .server = json_str(json_get(value, "server"), STR_NONE),
        .from = json_str(json_get(value, "from"), STR_NONE),
        .user = json_str(json_get(value, "user"), STR_NONE),
        .secret = json_str(json_get(value, "secret"), STR_NONE),
        .subject = json_str(json_get(value, "subject"), STR_NONE),
        .body = json_str(json_get(value, "body"), STR_NONE),
    };
    bool mail = str_is(json_str(json_get(value, "kind"), STR_NONE), "mail");
    /* What a webhook answers is of no interest, as long as it is no flood. */
    struct transfer *transfer = transfer_new(out->transfers, (size_t)1 << 20);
    if (!transfer) {
        notice_answer(out, id, false, "no memory");
        return;
    }
    transfer->id = id;
    transfer->kind = mail;
    transfer->done = notice_done;
    transfer->context = out;
    curl_easy_setopt(transfer->curl, CURLOPT_FRESH_CONNECT, 1L); /* a notice is a conversation of its own */
    curl_easy_setopt(transfer->curl, CURLOPT_FORBID_REUSE, 1L);
    if (mail ? mail_prepare(transfer, out, &notice) : webhook_prepare(transfer, &notice)) {
        transfer_start(out->transfers, transfer);
        return;
    }
    notice_answer(out, id, false, "the notice could not be prepared");
    transfer_drop(transfer);
}

static enum rc out_start(struct process *process, void **ret_self, struct err *err)
{
    struct out *out = memory_new(sizeof *out);
    if (!out || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(err, RC_LIMIT, "no memory for the mail and web client");
    out->process = process;
    out->transfers = transfers_new();
    out->scratch = arena_new((size_t)8 << 20);
    ASSERT(out->scratch && out->transfers);
    buf_init(&out->message, MESSAGE_MAX);
    buf_init(&out->answer, 65536);
    *ret_self = out;
    return out_witness_start(out, err);
}

static void out_message(void *self, struct channel *channel, struct msg *msg)
{
    struct out *out = self;
    struct json_value *value = NULL;
    struct err err = {0};
    (void)channel;
    if (msg->type == MSG_COSIGN)
        out_cosign(out, msg);
    if (msg->type == MSG_STAMP)
        out_stamp(out, msg);
    if (msg->type != MSG_NOTICE)
        return;
    arena_reset(out->scratch);
    if (json_parse(out->scratch, msg->body, 4, &value, &err) != RC_OK) {
        log_error("a notice is damaged: %s", err.text);
        return;
    }
    notice_send(out, msg->id, value);
    arena_reset(out->scratch);
}

static void out_tick(void *self, int64_t now_ns)
{
    const struct out *out = self;
    (void)now_ns;
    transfers_run(out->transfers);
}

static int out_timeout_ms(void *self)
{
    const struct out *out = self;
    return transfers_timeout_ms(out->transfers);
}

static size_t out_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    (void)config;
    (void)arena;
    static const char *const readable[] = {"/etc", "/usr/lib", "/lib", "/usr/share/ca-certificates",
                                           "/run/systemd/resolve"};
    ASSERT(size >= ARRAY_LEN(readable));
    for (size_t i = 0; i < ARRAY_LEN(readable); i++)
        ret[i] = (struct sandbox_path){.path = readable[i], .access = SANDBOX_READ};
    return ARRAY_LEN(readable);
}

const struct role_driver out_driver = {
    .role = ROLE_OUT,
    .calls = SANDBOX_OPEN | SANDBOX_CONNECT | SANDBOX_THREADS,
    .files_max = 256,
    .paths = out_paths,
    .start = out_start,
    .message = out_message,
    .tick = out_tick,
    .timeout_ms = out_timeout_ms,
};
