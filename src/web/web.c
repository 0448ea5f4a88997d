#include "web/web.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/tsv.h"
#include "web/call.h"
#include "web/rate.h"
#include "web/route.h"

#include <string.h>

#define ASSET_BYTES_MAX (4u << 20)
#define EVENT_KINDS_MAX (1u << 18)

static const struct web_security_header security[] = {
    {"Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; "
                                "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
                                "frame-ancestors 'none'"},
    {"Strict-Transport-Security", "max-age=31536000"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "same-origin"}, /* with no-referrer browsers send "Origin: null" */
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {NULL, NULL},
};

const struct web_security_header *web_security_headers(void)
{
    return security;
}

struct web *web_new(uint64_t seed)
{
    struct arena *arena = arena_new(ASSET_BYTES_MAX + RATE_BUCKETS * 32 + (1u << 16));
    struct web *web = arena ? arena_alloc(arena, sizeof *web) : NULL;
    struct texts *texts = web ? texts_new(seed) : NULL;
    struct rate *rate = web ? rate_new(arena, seed) : NULL;
    if (!texts || !rate) {
        texts_free(texts);
        arena_free(arena);
        return NULL;
    }
    web->arena = arena;
    web->texts = texts;
    web->rate = rate;
    return web;
}

void web_set_rate(struct web *web, uint32_t calls_a_minute)
{
    rate_set(web->rate, calls_a_minute);
}

void web_free(struct web *web)
{
    if (!web)
        return;
    texts_free(web->texts);
    arena_free(web->arena);
}

enum rc web_add_texts(struct web *web, const char *file, struct str tsv, struct err *err)
{
    return texts_add(web->texts, file, tsv, err);
}

enum rc web_add_event_kinds(struct web *web, struct str tsv, struct err *err)
{
    static const char file[] = "event_kinds.tsv";
    static const char *const names[] = {"key", "kk", "ru", "en"};
    int columns[ARRAY_LEN(names)];
    struct tsv rows;
    struct buf lines;
    buf_init(&lines, EVENT_KINDS_MAX);
    enum rc rc = tsv_open(&rows, tsv, err);
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == RC_OK; i++)
        rc = tsv_need(&rows, names[i], &columns[i], err);
    while (rc == RC_OK && (rc = tsv_next(&rows, err)) == RC_OK) {
        buf_text(&lines, "event_kind.");
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            buf_str(&lines, rows.cell[columns[i]]);
            buf_char(&lines, i + 1 < ARRAY_LEN(names) ? '\t' : '\n');
        }
    }
    if (rc == RC_END && lines.overflow)
        rc = err_set(err, RC_LIMIT, "\"%s\" is larger than %u bytes", file, EVENT_KINDS_MAX);
    else if (rc == RC_END)
        rc = texts_add(web->texts, file, buf_view(&lines), err);
    else
        err_wrap(err, file);
    buf_done(&lines);
    return rc;
}

static const char *type_of_asset(struct str name)
{
    static const struct {
        const char *end;
        const char *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".woff2", "font/woff2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_ends(name, str_of(types[i].end)))
            return types[i].type;
    return NULL;
}

enum rc web_add_asset(struct web *web, struct str name, struct str bytes, struct err *err)
{
    static const uint64_t keys[2][2] = {{1, 2}, {3, 4}}; /* not secret: only a change of content must show */
    const char *type = type_of_asset(name);
    if (!type)
        return err_set(err, RC_INVALID, "file \"%.*s\" has no known ending", STR_ARG(name));
    if (web->asset_count == ARRAY_LEN(web->assets))
        return err_set(err, RC_LIMIT, "more than %zu files of the interface", ARRAY_LEN(web->assets));
    struct asset *asset = &web->assets[web->asset_count];
    asset->name = arena_str(web->arena, name);
    asset->bytes = arena_str(web->arena, bytes);
    asset->type = type;
    if (!asset->name.p || !asset->bytes.p)
        return err_set(err, RC_LIMIT, "files of the interface exceed %u bytes", ASSET_BYTES_MAX);
    web->asset_count++;
    /* the order of adding must not matter: folders list in any order */
    for (size_t i = 0; i < 2; i++)
        web->asset_hash[i] += siphash(keys[i], name.p, name.n) * 31 ^ siphash(keys[i], bytes.p, bytes.n);
    return RC_OK;
}

enum rc web_add_switch_on(struct web *web, struct str name, struct str bytes, struct err *err)
{
    size_t at = web->switch_on_count;
    if (at == ARRAY_LEN(web->switch_on))
        return err_set(err, RC_LIMIT, "more than %zu files of data/switch-on", at);
    web->switch_on[at].name = arena_str(web->arena, name);
    web->switch_on[at].bytes = arena_str(web->arena, bytes);
    if (!web->switch_on[at].name.p || !web->switch_on[at].bytes.p)
        return err_set(err, RC_LIMIT, "files of the interface exceed %u bytes", ASSET_BYTES_MAX);
    web->switch_on_count++;
    return RC_OK;
}

enum rc web_check(const struct web *web, struct err *err)
{
    static const char *const assets[] = {"style.css", "qorgan.js", "icon.svg"};
    static const char *const texts[] = {"app.name", "error.unknown", "session.title", "unit.day"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!texts_get(web->texts, str_of(texts[i]), LANGUAGE_EN).p)
            return err_set(err, RC_NOT_FOUND, "text \"%s\" is missing", texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
        size_t at = 0;
        while (at < web->asset_count && !str_is(web->assets[at].name, assets[i]))
            at++;
        if (at == web->asset_count)
            return err_set(err, RC_NOT_FOUND, "file \"%s\" of the interface is missing", assets[i]);
    }
    return RC_OK;
}

/* --- assets --- */

void page_asset(struct web_call *call)
{
    const struct web *web = call->web;
    struct str want = call_format(call, "%016llx", (unsigned long long)web->asset_hash[0]);
    for (size_t i = 0; i < web->asset_count; i++) {
        if (!str_eq(call->args[1], web->assets[i].name) || !str_eq(call->args[0], want))
            continue;
        call_bytes(call, 200, web->assets[i].type, web->assets[i].bytes);
        call->response.immutable = true;
        return;
    }
    call_bytes(call, 404, "text/plain; charset=utf-8", STR("not found\n"));
}

void page_icon(struct web_call *call)
{
    for (size_t i = 0; i < call->web->asset_count; i++)
        if (str_is(call->web->assets[i].name, "icon.svg")) {
            call_bytes(call, 200, call->web->assets[i].type, call->web->assets[i].bytes);
            return;
        }
    call_bytes(call, 404, "text/plain; charset=utf-8", STR("not found\n"));
}
