#include "web/web.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "web/api.h"
#include "web/call.h"
#include "web/fake.h"
#include "web/fake_peers.h"
#include "web/route.h"

#include <stdio.h>
#include <string.h>

static void same_request_same_bytes(void)
{
    peers_reset();
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(4u << 20);
        CHECK_INT(status_of(get(pages[i])), 200);
        struct str first = arena_str(arena, buf_view(&seen));
        CHECK_INT(status_of(get(pages[i])), 200);
        test_row("%s", pages[i]);
        CHECK(str_eq(first, buf_view(&seen)));
    }
}

/* What a page was narrowed to goes on to its other pages. */
static void pagers_keep_what_was_chosen(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/coverage/annex4?object=1&class=os&only=missing&offset=100")), 200);
    CHECK(seen_has("href=\"/coverage/annex4?object=1&amp;class=os&amp;only=missing&amp;offset=0\""));
    CHECK_INT(status_of(get("/coverage/annex4?object=1&class=unknown&only=unknown&offset=100")), 200);
    CHECK(seen_has("href=\"/coverage/annex4?object=1&amp;class=&amp;only=&amp;offset=0\""));
}

/* Hostile text in every member that is text, and in the request itself. */
static void hostile_strings_stay_text(void)
{
    static const char *const more[] = {
        "/search?q=%22%3E%3Cscript%3Eevil()%3C/script%3E&range=%22%3Cscript%3Eevil()&from=%3Cscript%3Eevil()",
        "/search?q=%22%3E%3Cscript%3Eevil()%3C/script%3E&range=custom&from=2026-11-20T00:00",
        "/sign-in?back=/%22%3E%3Cscript%3Eevil()%3C/script%3E",
        "/%3Cscript%3Eevil()",
        "/incidents?state=%3Cscript%3Eevil()",
        "/rules?text=%22%3E%3Cscript%3Eevil()&state=%22%3E%3Cscript%3Eevil()",
        "/rules/%22%3E%3Cscript%3Eevil()",
        "/terms?clock=%22%3E%3Cscript%3Eevil()&state=%22%3E%3Cscript%3Eevil()",
        "/terms/try?clock=M-18&start=2026-11-27T10:00",
        "/terms/try?clock=%22%3E%3Cscript%3Eevil()&start=%22%3E%3Cscript%3Eevil()",
        "/objects/%3Cscript%3Eevil()",
        "/?%22%3E%3Cscript%3Eevil()%3C/script%3E",
        "/records/9/why?rule=%22%3E%3Cscript%3Eevil()%3C/script%3E",
    };
    peers_reset();
    peers.evil = true;
    for (size_t i = 0; i < ARRAY_LEN(pages) + ARRAY_LEN(more); i++) {
        const char *target = i < ARRAY_LEN(pages) ? pages[i] : more[i - ARRAY_LEN(pages)];
        unsigned status = status_of(get(target));
        test_row("%s", target);
        CHECK(status == 200 || status == 404 || status == 422);
        CHECK(!seen_has("<script>evil") && !seen_has("<img") && !seen_has("</textarea>&#34;"));
        CHECK(!seen_has("\xe2\x80\xae") && !seen_has("\x1b"));
        CHECK_INT(str_find(buf_view(&seen), '\0'), seen.n);
        CHECK(utf8_valid(buf_view(&seen)));
    }
    /* and where a form comes back with what was sent */
    static const struct {
        const char *path;
        const char *ask;
        const char *body;
    } forms[] = {
        {"/incidents/6/edit", "incident.edit", "title=%22%3E%3Cscript%3Eevil()&note=%3C/textarea%3E%3Cscript%3Eevil()"},
        {"/incidents/6/act", "incident.act", "act=%3Cscript%3Eevil()&reason=%3C/textarea%3E%3Cscript%3Eevil()"},
        {"/objects/1", "object.save", "name=%22%3E%3Cscript%3Eevil()&contact_name_0=%22%3E%3Cscript%3Eevil()"},
        {"/objects/1/card", "object.save", "f_more=%3C/textarea%3E%3Cscript%3Eevil()&reason=%3Cscript%3Eevil()"},
        {"/objects/1/means", "object.save", "act=save&name=%22%3E%3Cscript%3Eevil()"},
        {"/objects/1/terms", "object.act", "act=x&note=%3C/textarea%3E%3Cscript%3Eevil()"},
        {"/objects/1/exchange", "object.save", "act=see&card=%3C/textarea%3E%3Cscript%3Eevil()"},
        {"/channels/1", "channel.save", "to=%22%3E%3Cscript%3Eevil()&kind=%22%3E%3Cscript%3Eevil()"},
        {"/users/bob", "user.save", "role=%22%3E%3Cscript%3Eevil()"},
        {"/papers/certificate", "paper.begin", "source=%22%3E%3Cscript%3Eevil()&day=%22%3E%3Cscript%3Eevil()"},
        {"/papers/export", "paper.begin", "q=%22%3E%3Cscript%3Eevil()&class=%22%3E%3Cscript%3Eevil()"},
        {"/rules/a3f0", "rule.save", "state=%22%3E%3Cscript%3Eevil()&reason=%3C/textarea%3E%3Cscript%3Eevil()"},
        {"/losses/4", "loss.explain", "explanation=%3C/q%3E%3Cscript%3Eevil()"},
        {"/archive/retention/4", "retention.refuse", "act=refuse&reason=%3C/textarea%3E%3Cscript%3Eevil()"},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char body[512];
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "&%s", forms[i].body);
        peers.ask = forms[i].ask;
        peers.json =
            STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"<script>evil()\",\"text\":\"<script>evil()\"}");
        test_row("%s", forms[i].path);
        CHECK_INT(status_of(post(forms[i].path, body)), 422);
        CHECK(!seen_has("<script>evil"));
        CHECK(seen_has("&lt;script&gt;evil()"));
    }
}

/* Cuts of the answer for every page that asks for it; of the others none can be another page. Gives how many ask. */
static unsigned cut_for_pages(struct str whole)
{
    unsigned asking = 0;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        peers.given = 0;
        for (size_t n = 0; n < whole.n && (n == 0 || peers.given > 0); n += 1 + n / 64) {
            peers.json = str_slice(whole, 0, n);
            unsigned status = status_of(get(pages[i]));
            if (status != 200 && status != 303 && status != 503) {
                test_row("%s cut at %zu of %s", pages[i], n, peers.ask);
                CHECK_INT(status, 503);
            }
        }
        asking += peers.given > 0;
    }
    return asking;
}

static void answers_may_be_missing_or_cut(void)
{
    unsigned asking = 0;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        peers_reset();
        peers.ask = "*";
        test_row("%s without answers", pages[i]);
        CHECK_INT(status_of(get(pages[i])), strcmp(pages[i], "/password") == 0 ? 200 : 503);
        peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
        test_row("%s denied", pages[i]);
        CHECK_INT(status_of(get(pages[i])), strcmp(pages[i], "/password") == 0 ? 200 : 403);
        peers.json = STR("{\"ok\":false}");
        CHECK_INT(status_of(get(pages[i])), strcmp(pages[i], "/password") == 0 ? 200 : 500);
        peers.json = STR("{\"ok\":true}");
        test_row("%s with empty answers", pages[i]);
        unsigned status = status_of(get(pages[i]));
        CHECK(status == 200 || status == 404);
    }
    for (size_t k = 0; fake_answers[k].ask; k++) {
        struct buf whole;
        peers_reset();
        buf_init(&whole, 1u << 20);
        put_answer(&whole, fake_answers[k].json);
        peers.ask = fake_answers[k].ask;
        asking += cut_for_pages(buf_view(&whole));
        buf_done(&whole);
    }
    CHECK(asking > 2 * ARRAY_LEN(pages)); /* session.check, and one of its own at least */
}

/* Every string becomes a number, every number a list, every list a word. */
static void answers_may_have_wrong_types(void)
{
    static const struct {
        const char *from;
        const char *to;
    } swaps[] = {{"\"x\"", "17"},
                 {":[", ":\"a\",\"z\":["},
                 {":1", ":[1]"},
                 {":{", ":null,\"z\":{"},
                 {"9", "-9"},
                 {"_ns\":1", "_ns\":9223372036854775807,\"z\":1"},
                 {"counts\":[", "counts\":[-5,\"x\",1e9,"}};
    for (size_t s = 0; s < ARRAY_LEN(swaps); s++)
        for (size_t k = 0; fake_answers[k].ask; k++) {
            struct buf plain;
            struct buf buf;
            peers_reset();
            buf_init(&plain, 1u << 20);
            buf_init(&buf, 1u << 20);
            put_answer(&plain, fake_answers[k].json);
            struct str rest = buf_view(&plain);
            while (rest.n > 0) {
                size_t at = str_search(rest, str_of(swaps[s].from));
                buf_str(&buf, str_slice(rest, 0, at));
                if (at < rest.n)
                    buf_text(&buf, swaps[s].to);
                rest = str_skip(rest, MIN(rest.n, at + strlen(swaps[s].from)));
            }
            peers.ask = fake_answers[k].ask;
            peers.json = buf_view(&buf);
            for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
                unsigned status = status_of(get(pages[i]));
                test_row("%s with %s instead of %s in %s", pages[i], swaps[s].to, swaps[s].from, peers.ask);
                CHECK(status == 200 || status == 303 || status == 404 || status == 503);
                CHECK(utf8_valid(buf_view(&seen)));
            }
            buf_done(&plain);
            buf_done(&buf);
        }
}

static void path_of(const struct route *route, const char *star, char *ret_path, size_t size)
{
    struct buf buf;
    buf_init_fixed(&buf, ret_path, size);
    for (const char *p = route->pattern; *p; p++) {
        if (*p == '*')
            buf_text(&buf, star);
        else
            buf_char(&buf, *p);
    }
    IGNORE(buf_z(&buf)[0] == '\0');
}

static void routes_are_reachable(void)
{
    peers_reset();
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        const struct route *found = NULL;
        struct str args[CALL_ARGS_MAX];
        const char *allow = NULL;
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
        char path[256];
        path_of(route, "x%20y", path, sizeof path);
        test_row("%s %s", route->method, path);
        CHECK_INT(route_find(arena, str_of(route->method), str_of(path), &found, args, &allow), ROUTE_FOUND);
        CHECK(found == route);
        if (strchr(route->pattern, '*'))
            CHECK_TEXT(args[0], "x y");
        CHECK_INT(route_find(arena, STR("DELETE"), str_of(path), &found, args, &allow), ROUTE_NO_METHOD);
        CHECK(allow != NULL);
    }
    static const char *const none[] = {
        "",          "/nope",      "//",       "/incidents/", "/incidents/6/", "/incidents//act",
        "incidents", "/INCIDENTS", "/ui/x",    "/api/",       "/records/9/x",  "/incidents/%2F",
        "/..",       "/ui/../x/y", "/search/x"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        test_row("%s", none[i]);
        CHECK_INT(status_of(get(none[i])), 404);
    }
    struct web_http put = get("/search");
    put.method = STR("PUT");
    CHECK_INT(status_of(put), 405);
    CHECK_INT(status_of(get("/sign-out")), 405);
    CHECK_INT(status_of(get("/records/-1")), 404);
    CHECK_INT(status_of(get("/records/1x")), 404);
    CHECK_INT(status_of(get("/records/99999999999999999999")), 404);
}

static void sessions(void)
{
    peers_reset();
    struct web_http http = get("/incidents?state=all");
    http.cookie = STR("");
    CHECK_INT(status_of(http), 303);
    CHECK_TEXT(seen_location, "/sign-in?back=%2Fincidents%3Fstate%3Dall");
    CHECK_TEXT(str_of(peers.asked), "");
    static const char *const bad[] = {"__Host-qorgan=short", "__Host-qorgan=" FAKE_TOKEN "a",
                                      SIGNED "; __Host-qorgan=x", "__Host-qorgan=\"" FAKE_TOKEN "\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        http.cookie = str_of(bad[i]);
        CHECK_INT(status_of(http), 303);
        CHECK_TEXT(str_of(peers.asked), "");
    }
    peers.ask = "session.check";
    peers.json = STR("{\"ok\":false,\"error\":\"session_ended\"}");
    CHECK_INT(status_of(get("/")), 303);
    CHECK_TEXT(seen_location, "/sign-in");
    CHECK(strstr(seen_cookies, "__Host-qorgan=;") && strstr(seen_cookies, "Max-Age=0"));
    CHECK_INT(status_of(get("/api/source.list")), 401);
    CHECK(seen_has("\"session_ended\""));
    peers.json = STR_NONE;
    CHECK_INT(status_of(get("/")), 503);
    peers_reset();
    peers.ask = "session.check";
    peers.json = STR("{\"ok\":true,\"user\":\"a\",\"role\":\"auditor\",\"language\":\"kk\",\"must_change\":true,"
                     "\"csrf\":\"" FAKE_CSRF "\"}");
    CHECK_INT(status_of(get("/incidents")), 303);
    CHECK_TEXT(seen_location, "/password");
    CHECK_INT(status_of(get("/api/source.list")), 403);
    CHECK_INT(status_of(get("/password")), 200);
    CHECK(seen_has("<html lang=\"kk\">") && !seen_has("/users"));
    struct web_http fresh = get("/");
    fresh.refresh = true;
    CHECK_INT(status_of(fresh), 303);
    CHECK(strstr(peers.asked, "\"passive\":true") != NULL);
}

static void signing_in(void)
{
    static const char good[] = "user=ann&password=p%26w&back=/search%3Fq%3Dx&csrf=0123456789abcdef0123456789abcdef";
    peers_reset();
    struct web_http page = get("/sign-in");
    page.cookie = STR("");
    memset(page.random, 0xab, sizeof page.random);
    CHECK_INT(status_of(page), 200);
    CHECK(strstr(seen_cookies,
                 "__Host-qorgan-form=abababababababababababababababab; Path=/; Secure; HttpOnly; SameSite=Strict"));
    CHECK(seen_has("value=\"abababababababababababababababab\""));
    struct web_http http = post("/sign-in", good);
    http.cookie = STR(FORM_COOKIE);
    http.address = STR("192.0.2.7");
    CHECK_INT(status_of(http), 303);
    CHECK_TEXT(seen_location, "/search?q=x");
    CHECK(strstr(seen_cookies, "__Host-qorgan=" FAKE_TOKEN "; Path=/; Secure; HttpOnly; SameSite=Strict\n"));
    CHECK(strstr(peers.asked, "\"password\":\"p&w\"") && strstr(peers.asked, "\"address\":\"192.0.2.7\""));
    http.cookie = STR("");
    CHECK_INT(status_of(http), 403);
    CHECK_TEXT(str_of(peers.asked), "");
    http.cookie = STR("__Host-qorgan-form=1123456789abcdef0123456789abcdef");
    CHECK_INT(status_of(http), 403);
    http.cookie = STR("__Host-qorgan-form=; x=y");
    http.body = STR("user=a&password=b&csrf=");
    CHECK_INT(status_of(http), 403);
    http = post("/sign-in", good);
    http.origin = STR("https://evil.example");
    CHECK_INT(status_of(http), 403);
    http.origin = STR("null");
    CHECK_INT(status_of(http), 403);
    http.origin = STR("http://localhost:8443");
    CHECK_INT(status_of(http), 403);
    http.origin = STR("https://localhost:8443");
    CHECK_INT(status_of(http), 303);
    http.fetch_site = STR("cross-site");
    CHECK_INT(status_of(http), 403);
    http.fetch_site = STR("same-origin");
    CHECK_INT(status_of(http), 303);
    http.content_type = STR("text/plain");
    CHECK_INT(status_of(http), 415);
    peers.ask = "session.open";
    peers.json = STR("{\"ok\":false,\"error\":\"sign_in_refused\"}");
    CHECK_INT(status_of(post("/sign-in", good)), 403);
    CHECK(seen_has("wrong") && seen_has("value=\"ann\"") && !seen_has("p&amp;w"));
    peers.json = STR("{\"ok\":false,\"error\":\"locked\",\"until\":1795219893000000000}");
    CHECK_INT(status_of(post("/sign-in", good)), 403);
    CHECK(seen_has("locked until") && seen_has("05:11:33"));
    peers.json = STR("{\"ok\":true,\"token\":\"a; Path=/x\"}");
    CHECK_INT(status_of(post("/sign-in", good)), 502);
    CHECK_TEXT(str_of(seen_cookies), "");
}

static void redirects_stay_here(void)
{
    static const char *const bad[] = {"",     "x",         "//evil",   "/\\evil",  "https://evil", "/a\r\nSet-Cookie:x",
                                      "/a b", "/\xd2\x9b", "\\\\evil", "/\t/evil", "/a\\b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%zu", i);
        CHECK_TEXT(safe_path(str_of(bad[i])), "/");
    }
    CHECK_TEXT(safe_path(STR("/search?q=%2F%2Fevil")), "/search?q=%2F%2Fevil");
    CHECK_TEXT(safe_path(STR("/")), "/");
    peers_reset();
    CHECK_INT(status_of(post("/language", "language=kk&back=//evil.example&csrf=" FAKE_CSRF)), 303);
    CHECK_TEXT(seen_location, "/");
}

static void every_post_needs_the_secret(void)
{
    static const char *const bodies[] = {"",
                                         "csrf=",
                                         "csrf=bbbb",
                                         "csrf=cbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                                         "csrf=" FAKE_CSRF "b",
                                         "csrf=0123456789abcdef0123456789abcdef"};
    peers_reset();
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        if (strcmp(route->method, "POST") != 0 || route->access == ACCESS_OPEN ||
            route->access == ACCESS_MIRROR) /* no cookie of a browser opens it */
            continue;
        char path[256];
        path_of(route, route->access == ACCESS_API ? "incident.act" : "6", path, sizeof path);
        for (size_t k = 0; k < ARRAY_LEN(bodies); k++) {
            struct web_http http = route->access == ACCESS_API ? api_post(path, "{}") : post(path, bodies[k]);
            http = post_file(http);
            http.csrf = k == 0 ? STR("") : STR("cbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
            test_row("%s with \"%s\"", path, bodies[k]);
            CHECK_INT(status_of(http), 403);
            CHECK(strstr(peers.asked, "session.check") && !strstr(peers.asked + 20, "\"ask\""));
        }
    }
    /* a session without a secret protects nothing: refused, not matched by an empty one */
    peers.ask = "session.check";
    peers.json = STR("{\"ok\":true,\"user\":\"a\",\"role\":\"analyst\",\"language\":\"en\",\"must_change\":false}");
    CHECK_INT(status_of(post("/sign-out", "csrf=")), 403);
}

static struct web_http mirror_get(const char *target, const char *authorization)
{
    struct web_http http = get(target);
    http.cookie = STR(SIGNED); /* a session opens nothing here */
    http.authorization = str_of(authorization);
    return http;
}

static void mirrors_ask(void)
{
    peers_reset();
    CHECK_INT(status_of(mirror_get("/mirror/v1/checkpoint", "Bearer abc")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"mirror.checkpoint\",\"token\":\"abc\""));
    CHECK(!strstr(peers.asked, "session.check") && !strstr(peers.asked, "mirror.used"));
    /* the first use is told before a byte goes out; the bytes come as they are */
    CHECK_INT(status_of(mirror_get("/mirror/v1/segment?first=0&offset=0&size=9", "bearer abc")), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"mirror.used\",\"name\":\"m\""));
    CHECK(str_ends(buf_view(&seen), STR("}\n{bytes}\n")));
    peers.ask = "mirror.used";
    peers.json = STR("{\"ok\":false,\"error\":\"busy\"}");
    CHECK_INT(status_of(mirror_get("/mirror/v1/segment?first=0&offset=0&size=9", "Bearer abc")), 503);
    CHECK(str_search(buf_view(&seen), STR("{bytes}")) == seen.n);
    peers.json = STR("{\"ok\":false,\"error\":\"mirror_full\",\"text\":\"64 already\"}"); /* the mirror is told why */
    CHECK_INT(status_of(mirror_get("/mirror/v1/segment?first=0&offset=0&size=9", "Bearer abc")), 409);
    CHECK(str_search(buf_view(&seen), STR("64 already")) < seen.n &&
          str_search(buf_view(&seen), STR("{bytes}")) == seen.n);
    static const struct {
        const char *json;
        unsigned status;
    } rows[] = {
        {"{\"ok\":false,\"error\":\"mirror_denied\"}", 401},
        {"{\"ok\":false,\"error\":\"mirror_busy\",\"retry_ms\":7}", 429},
        {"{\"ok\":false,\"error\":\"mirror_sealed\",\"name\":\"m\",\"tell\":true}", 409},
        {"{\"ok\":false,\"error\":\"mirror_corrupt\"}", 500},
        {"nonsense", 503},
        {"{\"ok\":true,\"name\":\"m\"}", 503}, /* the bytes are cut off */
    };
    peers.ask = "mirror.segment";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        peers.json = str_of(rows[i].json);
        test_row("row %zu", i);
        CHECK_INT(status_of(mirror_get("/mirror/v1/segment?first=0&offset=0&size=9", "Bearer abc")), rows[i].status);
        CHECK((strstr(peers.asked, "mirror.refused") != NULL) == (i == 0));
        CHECK((strstr(peers.asked, "mirror.used") != NULL) == (i == 2));
    }
    peers_reset();
    static const char *const bad[] = {"/mirror/v1/segment?first=0&offset=0",
                                      "/mirror/v1/segment?first=-1&offset=0&size=1", "/mirror/v1/log?from=1&to=x",
                                      "/mirror/v1/consistency", "/mirror/v1/notes"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_INT(status_of(mirror_get(bad[i], "Bearer abc")), 400);
        CHECK_TEXT(str_of(peers.asked), "");
    }
    CHECK_INT(status_of(mirror_get("/mirror/v1/enter", "Bearer abc")), 404);
    IGNORE(status_of(mirror_get("/mirror/v1/checkpoint", "Basic abc")));
    CHECK(strstr(peers.asked, "\"token\":\"\""));
    struct web_http report =
        api_post("/mirror/v1/report", "{\"size\":7,\"state\":\"ok\",\"ask\":\"user.save\",\"name\":\"z\"}");
    report.authorization = STR("Bearer abc");
    CHECK_INT(status_of(report), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"mirror.report\",\"name\":\"m\"") && !strstr(peers.asked, "user.save"));
    CHECK_TEXT(buf_view(&seen), "{\"ok\":true,\"cosign\":7}");
    report.body = STR("[]");
    CHECK_INT(status_of(report), 400);
    struct web_http cosign = api_post("/mirror/v1/cosign", "{\"size\":7,\"line\":\"a line\",\"name\":\"z\"}");
    cosign.authorization = STR("Bearer abc");
    peers_reset();
    CHECK_INT(status_of(cosign), 200);
    CHECK(strstr(peers.asked, "\"ask\":\"mirror.cosign\",\"name\":\"m\",\"size\":7,\"line\":\"a line\""));
    CHECK(strstr(peers.asked, "\"ask\":\"mirror.enter\",\"token\":\"abc\""));
    peers.ask = "mirror.enter";
    peers.json = STR("{\"ok\":false,\"error\":\"mirror_denied\"}");
    CHECK_INT(status_of(cosign), 401);
    CHECK(!strstr(peers.asked, "mirror.cosign"));
    peers_reset();
}

static void changes_are_asked(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/incidents/6/act", "csrf=" FAKE_CSRF "&act=confirm&reason=seen+it")), 303);
    CHECK_TEXT(seen_location, "/incidents/6?saved=1");
    CHECK(strstr(peers.asked,
                 "{\"ask\":\"incident.act\",\"who\":\"ann x\",\"id\":6,\"act\":\"confirm\",\"reason\":\"seen it\"}"));
    CHECK_INT(status_of(post("/incidents/6/edit",
                             "csrf=" FAKE_CSRF "&title=T&severity=3&repeat=yes&object_id=1&note=a%0D%0Ab")),
              303);
    CHECK(strstr(peers.asked,
                 "\"fields\":{\"title\":\"T\",\"note\":\"a\\nb\",\"severity\":3,\"object_id\":1,\"repeat\":true}"));
    CHECK_INT(status_of(post("/objects/new", "csrf=" FAKE_CSRF "&name=N&class=2&contour=internal&owner=O&zone=-03%3A30&"
                                             "contact_name_1=A&contact_email_1=a%40b&contact_phone_1=")),
              303);
    CHECK(strstr(peers.asked,
                 "\"object\":{\"id\":0,\"name\":\"N\",\"class\":2,\"contour\":\"internal\",\"owner\":\"O\","
                 "\"zone_offset_s\":-12600,\"critical\":false,\"contacts\":[{\"name\":\"A\",\"email\":\"a@b\","
                 "\"phone\":\"\",\"post\":\"\"}]}"));
    CHECK_INT(
        status_of(post("/objects/1", "csrf=" FAKE_CSRF "&name=N&zone=%2B05:00&assets=web-*%0D%0A+10.0.0.0/8%0D%0A%0D%0A"
                                     "beef%0D%0Afe80::1")),
        303);
    CHECK(strstr(peers.asked, "\"assets\":[{\"kind\":\"host\",\"pattern\":\"web-*\"},{\"kind\":\"address\",\"pattern\":"
                              "\"10.0.0.0/8\"},{\"kind\":\"host\",\"pattern\":\"beef\"},{\"kind\":\"address\","
                              "\"pattern\":\"fe80::1\"}]"));
    static const struct {
        const char *sent;
        const char *asked; /* NULL: nothing of it */
    } terms[] = {{"", NULL},
                 {"&keep_days=", "\"keep_days\":0,"},
                 {"&keep_days=+1500+", "\"keep_days\":1500,"},
                 {"&keep_days=0", "\"keep_days\":-1,"},
                 {"&keep_days=three+years", "\"keep_days\":-1,"}};
    for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
        char body[256];
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "&name=N&zone=%%2B05:00%s", terms[i].sent);
        test_row("%s", terms[i].sent);
        CHECK_INT(status_of(post("/objects/1", body)), 303);
        CHECK(terms[i].asked ? strstr(peers.asked, terms[i].asked) != NULL : !strstr(peers.asked, "keep_days"));
    }
    CHECK_INT(status_of(post("/channels/1", "csrf=" FAKE_CSRF "&kind=mail&to=a%40b&secret=")), 303);
    CHECK(strstr(peers.asked, "\"id\":1") && !strstr(peers.asked, "secret") &&
          strstr(peers.asked, "\"enabled\":false"));
    CHECK_INT(status_of(post("/users/new", "csrf=" FAKE_CSRF "&name=bob&role=analyst&password=pp&enabled=yes")), 303);
    CHECK(strstr(peers.asked, "\"user\":{\"name\":\"bob\",\"role\":\"analyst\",\"password\":\"pp\",\"enabled\":true}"));
    CHECK_INT(status_of(post("/password", "csrf=" FAKE_CSRF "&old=a&new=b&again=c")), 422);
    CHECK(!strstr(peers.asked, "password.change"));
    CHECK_INT(status_of(post("/sign-out", "csrf=" FAKE_CSRF)), 303);
    CHECK(strstr(seen_cookies, "Max-Age=0") && strstr(peers.asked, "session.close"));
    peers.ask = "incident.act";
    peers.json = STR("{\"ok\":false,\"error\":\"state_refuses\"}");
    CHECK_INT(status_of(post("/incidents/6/act", "csrf=" FAKE_CSRF "&act=close&reason=kept+text")), 409);
    CHECK(seen_has("The state does not allow this act.") && seen_has("kept text"));
}

/* A paper is begun by a form, shown while it is worked on, recorded by the desk once, and then its files are there. */
static void papers(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/papers?day=2026-11-20&from=2026-11-21T05:00:01")), 200);
    CHECK(seen_has("name=\"day\" type=\"date\" value=\"2026-11-20\" required>"));
    CHECK(seen_has("name=\"from\" type=\"datetime-local\" value=\"2026-11-21T05:00:01\" step=\"1\">"));
    CHECK_INT(status_of(post("/papers/certificate", "csrf=" FAKE_CSRF "&source=web+1&way=udp&day=2026-11-20")), 303);
    CHECK_TEXT(seen_location, "/papers/0123456789abcdef");
    CHECK(strstr(peers.asked, "{\"ask\":\"paper.begin\",\"who\":\"ann x\",\"paper\":\"certificate\",\"source\":\"web "
                              "1\",\"kind\":\"udp\",\"day\":\"2026-11-20\",\"lang\":\"en\"}"));
    CHECK_INT(status_of(post("/papers/export", "csrf=" FAKE_CSRF "&q=a+b&from=2026-11-21T05:00&class=auto&format=csv")),
              303);
    CHECK(strstr(peers.asked, "\"query\":\"a b\",\"from_ns\":1795219200000000000,\"to_ns\":0,\"class\":\"auto\","
                              "\"format\":\"csv\",\"own\":false,\"lang\":\"en\"}"));
    CHECK_INT(status_of(post("/papers/export", "csrf=" FAKE_CSRF "&q=a&from=soon")), 422);
    CHECK(!strstr(peers.asked, "paper.begin"));
    CHECK_INT(status_of(get("/papers/0123456789abcdef")), 200);
    CHECK(strstr(peers.asked, "{\"ask\":\"paper.record\",\"who\":\"ann x\",\"paper\":\"export\",\"files\":[{\"name\":"
                              "\"x\",\"sha256\":\"x\"}]}"));
    CHECK(seen_has("href=\"/papers/x/x.proof\"") && !seen_has("data-refresh"));
    peers.ask = "paper.state";
    peers.json = STR("{\"ok\":true,\"token\":\"0a\",\"paper\":\"certificate\",\"state\":\"working\",\"permille\":420}");
    CHECK_INT(status_of(get("/papers/0a")), 200);
    CHECK(!strstr(peers.asked, "paper.record") && seen_has("data-from=\"/papers/0a\"") && seen_has("42 % done"));
    peers.json = STR("{\"ok\":true,\"token\":\"0a\",\"paper\":\"export\",\"state\":\"failed\",\"failed\":"
                     "\"paper_too_large\"}");
    CHECK_INT(status_of(get("/papers/0a")), 200);
    CHECK(seen_has("too much for the page") && !seen_has("data-refresh"));
    peers.json = STR("{\"ok\":false,\"error\":\"paper_gone\"}");
    CHECK_INT(status_of(get("/papers/0a")), 404);
    peers.ask = "paper.begin";
    peers.json = STR("{\"ok\":false,\"error\":\"paper_source\"}");
    CHECK_INT(status_of(post("/papers/certificate", "csrf=" FAKE_CSRF "&source=kept+text&day=2026-11-20")), 422);
    CHECK(seen_has("no such source") && seen_has("kept text"));
    peers.json = STR("nonsense");
    CHECK_INT(status_of(post("/papers/export", "csrf=" FAKE_CSRF "&q=a")), 503);
}

/* --- what is said in the reader's language --- */

#define PORT_SCAN    "41e3cf92-8f6a-5e90-9e11-79dd39fe677d"
#define PORT_SCAN_KK "\xd0\x9f\xd0\xbe\xd1\x80\xd1\x82\xd1\x82\xd0\xb0\xd1\x80\xd0\xb4\xd1\x8b " /* Порттарды */

/* All questions but session.check get the answer; the session's language is Kazakh. */
static unsigned in_kazakh(struct web_http http, const char *ask, const char *answer)
{
    peers_reset();
    peers.ask = ask;
    peers.json = str_of(answer);
    peers.language = "kk";
    return status_of(http);
}

static void rule_titles(void)
{
    static const struct {
        const char *rule;
        const char *title;
        bool translated;
    } rows[] = {
        {PORT_SCAN, "Port scan", true}, {PORT_SCAN, "Port scan of the portal", false},
        {PORT_SCAN, "", false},         {"no such rule", "Port scan", false},
        {"", "Port scan", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[1024];
        snprintf(json, sizeof json,
                 "{\"ok\":true,\"total\":1,\"incidents\":[{\"id\":6,\"title\":\"%s\",\"rule_id\":\"%s\"}],"
                 "\"incident\":{\"id\":6,\"title\":\"%s\",\"rule_id\":\"%s\",\"rule_title\":\"%s\"}}",
                 rows[i].title, rows[i].rule, rows[i].title, rows[i].rule, rows[i].title);
        test_row("%s, %s", rows[i].rule, rows[i].title);
        CHECK_INT(in_kazakh(get("/incidents"), "incident.list", json), 200);
        CHECK(seen_has(PORT_SCAN_KK) == rows[i].translated);
        CHECK(seen_has(">Port scan<") == (!rows[i].translated && strcmp(rows[i].title, "Port scan") == 0));
        CHECK_INT(in_kazakh(get("/incidents/6"), "incident.get", json), 200);
        CHECK(seen_has("name=\"title\" type=\"text\" value=\"" PORT_SCAN_KK) == rows[i].translated);
        CHECK(seen_has("name=\"title_shown\" value=\"" PORT_SCAN_KK) == rows[i].translated);
    }
    /* saving what was shown leaves the title as it is stored, saving anything else changes it */
    peers_reset();
    CHECK_INT(status_of(post("/incidents/6/edit", "csrf=" FAKE_CSRF "&title=A&title_shown=A&note=n")), 303);
    CHECK(strstr(peers.asked, "\"fields\":{\"note\":\"n\""));
    CHECK_INT(status_of(post("/incidents/6/edit", "csrf=" FAKE_CSRF "&title=B&title_shown=A&note=n")), 303);
    CHECK(strstr(peers.asked, "\"fields\":{\"title\":\"B\",\"note\":\"n\""));
    CHECK_INT(status_of(post("/incidents/6/edit", "csrf=" FAKE_CSRF "&title=&title_shown=A")), 303);
    CHECK(strstr(peers.asked, "\"fields\":{\"title\":\"\""));
}

static void marks_of_events(void)
{
    static const char event[] =
        "{\"ok\":true,\"record\":9,\"kind\":\"udp\",\"transport\":\"file\",\"type\":\"raw\",\"raw\":\"x\",\"complete\":"
        "true,"
        "\"statutory\":{\"kind\":\"sign_in\",\"outcome\":\"failure\"},\"rules\":[\"" PORT_SCAN "\",\"own-rule-7\"],"
        "\"events\":[{\"record\":9,\"statutory\":{\"kind\":\"sign_in\"},\"rules\":[\"" PORT_SCAN "\"]}]}";
    CHECK_INT(in_kazakh(get("/records/9"), "record", event), 200);
    CHECK(seen_has(">" PORT_SCAN_KK) && seen_has(": " PORT_SCAN "\" href") && seen_has(">own-rule-7</a>"));
    CHECK(seen_has("<span title=\"sign_in\">") && !seen_has(">sign_in<") && !seen_has(">failure<"));
    CHECK(seen_has("UDP ") && !seen_has(">udp<") && !seen_has(">file<"));
    CHECK_INT(in_kazakh(get("/search"), "search", event), 200);
    CHECK(seen_has(">" PORT_SCAN_KK) && seen_has("<span title=\"sign_in\">"));
}

static void own_records(void)
{
    static const struct {
        const char *type;
        const char *raw;
        const char *says; /* in English; "" = its bytes as they are */
    } rows[] = {
        {"lifecycle", "{'event':'heartbeat','size':1234}",
         "The archive is at work: 1\xe2\x80\xaf"
         "234 records"},
        {"lifecycle", "{'event':'session.opened','user':'ann','address':'::1'}", "ann signed in from ::1"},
        {"lifecycle", "{'event':'session.opened','user':'<b>','address':''}", "&lt;b&gt; signed in from \xe2\x80\x94"},
        {"lifecycle", "{'event':'source','name':'n','kind':'tls'}", "New source: n (syslog over TLS)"},
        {"lifecycle", "{'event':'source','name':'n','kind':'odd'}", "New source: n (odd)"},
        {"lifecycle", "{'event':'clock.started','incident':'2026-1','title':'T','clock':'M-04','who':'qorgan'}",
         "2026-1 &#34;T&#34;: Term started \xc2\xb7 M-04<"},
        {"lifecycle", "{'event':'incident.closed','incident':'2026-1','title':'T','who':'ann','to':'closed'}",
         "2026-1 &#34;T&#34;: Closed \xc2\xb7 ann<"},
        {"lifecycle", "{'event':'notice.sent','incident':'2026-1','title':'T','who':'qorgan','to':'a@b'}",
         "Notice sent \xc2\xb7 a@b<"},
        {"lifecycle", "{'event':'clock.step','step_ns':-2500000000}",
         "clock was set by \xe2\x88\x92"
         "2\xe2\x80\xaf"
         "500 ms"},
        {"lifecycle", "{'event':'source.silent','name':'n','kind':'udp'}", "A source fell silent: n (syslog over UDP)"},
        {"retention", "{'count':400,'event':'retention','first':0}", "400 records from number 0 on"},
        {"lifecycle", "{'event':'rules.changed','loaded':250,'refused':1}", "250 loaded, 1 refused"},
        {"lifecycle", "{'event':'rule.changed','rule_id':'x','title':'Root signed in','state':'off'}",
         "Rule &#34;Root signed in&#34; is now: off"},
        {"lifecycle", "{'event':'retention.proposed','who':'ann','records':7}", "ann proposed to delete 7 records"},
        {"gap", "{'event':'gap','reason':'r','count':7}", "Records lost: 7"},
        {"gap", "{'event':'gap','reason':'r','bytes':2048}", "Data lost: 2.0\xc2\xa0KiB"},
        {"gap", "{'event':'gap','reason':'r'}", ""},
        {"gap", "{'event':'session.opened','user':'ann'}", ""},
        {"lifecycle", "{'event':'nothing known'}", ""},
        {"lifecycle", "{'event':'incident.closed'}", ""},
        {"lifecycle", "{'event':5}", ""},
        {"lifecycle", "{'event':'heartbeat'", ""},
        {"lifecycle", "[]", ""},
        {"lifecycle", "", ""},
        /* a log line cannot pass for a word of ours */
        {"raw", "{'event':'session.opened','user':'ann','address':'::1'}", ""},
        {"digest", "{'event':'heartbeat','size':1}", ""},
        {"", "{'event':'heartbeat','size':1}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
        char *raw = arena_strz(arena, str_of(rows[i].raw));
        struct buf json;
        buf_init(&json, 1u << 16);
        for (char *p = raw; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        buf_text(&json, "{\"ok\":true,\"complete\":true,\"events\":[{\"record\":9,\"type\":");
        json_write_str(&json, str_of(rows[i].type));
        buf_text(&json, ",\"raw\":");
        json_write_str(&json, str_of(raw));
        buf_text(&json, "}]}");
        test_row("%s %s", rows[i].type, rows[i].raw);
        peers_reset();
        peers.ask = "search";
        peers.json = buf_view(&json);
        CHECK_INT(status_of(get("/search")), 200);
        if (rows[i].says[0])
            CHECK(seen_has(rows[i].says));
        else
            CHECK(!seen_has("signed in from") && !seen_has("is at work") && !seen_has(" lost: "));
        buf_done(&json);
    }
}

/* What the archive page says of the last verification: only the archive's own record counts. */
static void health_of_the_archive(void)
{
    static const struct {
        const char *type;
        const char *result;
        const char *says;
    } rows[] = {
        {"lifecycle", "good\\\",\\\"faults\\\":0", "Verified by (uid)"},
        {"lifecycle", "faults\\\",\\\"faults\\\":2", "The last verification found faults"},
        {"raw", "good\\\",\\\"faults\\\":0", "No full verification is recorded"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf json;
        buf_init(&json, 4096);
        buf_format(&json,
                   "{\"ok\":true,\"complete\":true,\"events\":[{\"type\":\"%s\",\"received_ns\":5,\"raw\":"
                   "\"{\\\"event\\\":\\\"archive.verified\\\",\\\"result\\\":\\\"%s}\"}]}",
                   rows[i].type, rows[i].result);
        test_row("%s %s", rows[i].type, rows[i].result);
        peers_reset();
        peers.ask = "search";
        peers.json = buf_view(&json);
        CHECK_INT(status_of(get("/archive")), 200);
        CHECK(seen_has(rows[i].says));
        buf_done(&json);
    }
    /* the page outlives a search that fails, and never calls that good */
    peers.json = STR("{\"ok\":false,\"error\":\"search_failed\"}");
    CHECK_INT(status_of(get("/archive")), 200);
    CHECK(seen_has("the search did not end") && !seen_has("The archive is well"));
}

/* What a witness says is a sentence of the archive page and a word in its row, in each language. */
static void witnesses_of_the_archive(void)
{
    static const char *const languages[] = {"kk", "ru", "en"};
    static const struct {
        const char *state;
        const char *says[3]; /* by language */
    } rows[] = {
        {"missing", {"Куәгердің бірі растамайды", "Один из свидетелей не заверяет", "A witness does not cosign"}},
        {"behind",
         {"Мұрағат куәгер растаған көлемнен қысқа", "Архив короче того, что заверил свидетель",
          "The archive is behind what a witness cosigned"}},
        {"forked",
         {"Мұрағат куәгер растаған мұрағаттың жалғасы емес", "Архив не продолжает то, что заверил свидетель",
          "The archive is not the tree that a witness cosigned"}},
        {"good", {"", "", ""}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
            char json[512];
            snprintf(
                json, sizeof json,
                "{\"ok\":true,\"witnesses\":[{\"name\":\"w1\",\"state\":\"%s\",\"size\":5,\"error\":\"why <not>\"}],"
                "\"quorum\":null,\"stamp\":null}",
                rows[i].state);
            test_row("%s %s", rows[i].state, languages[k]);
            peers_reset();
            peers.ask = "witness.list";
            peers.json = str_of(json);
            peers.language = languages[k];
            CHECK_INT(status_of(get("/archive")), 200);
            CHECK(seen_has(">w1<") && seen_has("why &lt;not&gt;") && !seen_has("witness_state."));
            for (size_t other = 0; other < ARRAY_LEN(rows); other++)
                if (rows[other].says[k][0])
                    CHECK(seen_has(rows[other].says[k]) == (other == i));
        }
}

/* Deletion: what is asked, what is shown after a refusal, and no form where none can work. */
static void deletion_of_old_records(void)
{
    static const char chosen[] = "csrf=" FAKE_CSRF "&s0=yes&s300=yes&sx=1&reason=the+term+is+over";
    peers_reset();
    CHECK_INT(status_of(post("/archive/retention", chosen)), 303);
    CHECK(strstr(peers.asked, "\"retention.propose\"") &&
          strstr(peers.asked, "\"segments\":[0,300],\"reason\":\"the term is over\""));
    CHECK_TEXT(seen_location, "/archive/retention?saved=1");
    CHECK_INT(status_of(post("/archive/retention/4", "csrf=" FAKE_CSRF "&act=approve&reason=so+it+is")), 303);
    CHECK(strstr(peers.asked, "\"retention.approve\"") && strstr(peers.asked, "\"id\":4,\"reason\":\"so it is\""));
    CHECK_INT(status_of(post("/archive/retention/4", "csrf=" FAKE_CSRF "&act=refuse&reason=no")), 303);
    CHECK(strstr(peers.asked, "\"retention.refuse\"") && strstr(peers.asked, "\"id\":4,\"reason\":\"no\""));
    CHECK_INT(status_of(post("/archive/retention/4", "csrf=" FAKE_CSRF "&act=eat")), 400);
    CHECK_INT(status_of(post("/archive/retention/x", "csrf=" FAKE_CSRF "&act=approve")), 400);
    CHECK(!strstr(peers.asked, "retention."));
    CHECK_INT(status_of(post("/archive/retention/4", "act=approve&reason=x")), 403); /* without the form's secret */
    peers.ask = "retention.approve";
    peers.json = STR("{\"ok\":false,\"error\":\"same_person\"}");
    CHECK_INT(status_of(post("/archive/retention/4", "csrf=" FAKE_CSRF "&act=approve&reason=typed+words")), 403);
    CHECK(seen_has("Who proposed it may not approve it.") && seen_has("typed words</textarea>"));
    peers.ask = "retention.list";
    peers.json = STR("{\"ok\":true,\"known\":true,\"may_propose\":true,\"segments\":[{\"first\":0,\"end\":5,\"state\":"
                     "\"may\"},{\"first\":5,\"end\":9,\"state\":\"held\"},{\"first\":9,\"end\":20,\"state\":\"kept\"}],"
                     "\"proposals\":[{\"id\":1,\"state\":\"expired\"}]}");
    CHECK_INT(status_of(get("/archive/retention")), 200);
    CHECK(seen_has("name=\"s0\" value=\"yes\" checked") && !seen_has("name=\"s5\"") && !seen_has("name=\"s9\""));
    CHECK(seen_has("Propose deletion") && seen_has("Earlier decisions") && !seen_has("value=\"approve\""));
    peers.json =
        STR("{\"ok\":true,\"known\":true,\"may_propose\":true,\"undecided\":3,\"segments\":["
            "{\"first\":0,\"end\":5,\"state\":\"kept\",\"why\":\"object\",\"object\":\"Portal\"},"
            "{\"first\":5,\"end\":9,\"state\":\"kept\",\"why\":\"object\",\"object\":\"Base\",\"undecided\":true},"
            "{\"first\":9,\"end\":20,\"state\":\"may\",\"why\":\"source\"},"
            "{\"first\":20,\"end\":30,\"state\":\"may\",\"why\":\"object\",\"object\":\"Mail\"}]}");
    CHECK_INT(status_of(get("/archive/retention")), 200);
    CHECK(seen_has("id=\"objects\"") && seen_has("Portal</td>") && !seen_has("Base") && !seen_has("name=\"s0\""));
    CHECK(seen_has("until then it counts as belonging to all objects") && seen_has("whose records they have: 3."));
    CHECK(seen_has("name=\"s9\"") && seen_has("by the setting keep-days-sources"));
    CHECK(seen_has("<small>Mail</small>") && !seen_has("Mail</td>"));
    peers.json =
        STR("{\"ok\":true,\"known\":false,\"segments\":[{\"first\":0,\"end\":5,\"state\":\"may\"}],\"proposals\":[{"
            "\"id\":1,\"state\":\"proposed\",\"may_refuse\":true,\"own\":true}]}");
    CHECK_INT(status_of(get("/archive/retention")), 200);
    CHECK(seen_has("It is not known yet") && !seen_has("<form method=\"post\" action=\"/archive/retention\""));
    CHECK(seen_has("Withdraw the proposal") && seen_has("your own proposal") && !seen_has("value=\"approve\""));
    peers.json =
        STR("{\"ok\":true,\"known\":true,\"proposals\":[{\"id\":1,\"state\":\"approved\",\"may_refuse\":true}]}");
    CHECK_INT(status_of(get("/archive/retention")), 200);
    CHECK(seen_has("Withdraw the proposal") && seen_has("that still wait can be stopped"));
    CHECK_INT(status_of(get("/search")), 200);
    CHECK(seen_has("After their term 5 records were deleted, their numbers are from 0 to 5.") &&
          seen_has("<a href=\"/records/8\">Record 8</a>"));
    peers.ask = "record";
    peers.json = STR("{\"ok\":false,\"error\":\"record_deleted\",\"text\":\"record 5 is gone\",\"under\":812}");
    CHECK_INT(status_of(get("/records/5")), 410);
    CHECK(seen_has("This record was deleted after its term") && seen_has("Record 812") && !seen_has("is gone"));
}

static void languages(void)
{
    peers_reset();
    struct web_http http = get("/sign-in");
    http.cookie = STR("");
    http.accept_language = STR("kk-KZ,ru;q=0.8");
    CHECK_INT(status_of(http), 200);
    CHECK(seen_has("<html lang=\"kk\">"));
    http.cookie = STR("__Host-qorgan-language=en");
    CHECK_INT(status_of(http), 200);
    CHECK(seen_has("<html lang=\"en\">"));
    http = post("/language", "language=kk&back=/sign-in&csrf=0123456789abcdef0123456789abcdef");
    http.cookie = STR(FORM_COOKIE);
    CHECK_INT(status_of(http), 303);
    CHECK_TEXT(seen_location, "/sign-in");
    CHECK(strstr(seen_cookies, "__Host-qorgan-language=kk;"));
    CHECK_TEXT(str_of(peers.asked), "");
    CHECK_INT(status_of(post("/language", "language=kk&back=/objects&csrf=" FAKE_CSRF)), 303);
    CHECK(strstr(peers.asked, "\"language\":\"kk\"") != NULL);
    CHECK_INT(status_of(post("/language", "language=de&csrf=" FAKE_CSRF)), 400);
}

static void programs_ask(void)
{
    peers_reset();
    for (size_t i = 0; api_at(i); i++) {
        char path[64];
        snprintf(path, sizeof path, "/api/%s", api_at(i)->ask);
        test_row("%s", path);
        CHECK_INT(status_of(get(path)), api_at(i)->changes ? 405 : 200);
        CHECK_INT(status_of(api_post(path, "{\"ask\":\"x\",\"who\":\"root\"}")), api_at(i)->changes ? 200 : 405);
        if (api_at(i)->changes)
            CHECK(strstr(peers.asked, "\"who\":\"ann x\"}") && !strstr(peers.asked, "root"));
    }
    CHECK_INT(status_of(api_post("/api/incident.act", "{\"who\":\"root\",\"id\":6,\"reason\":\"a\\\"b\"}")), 200);
    CHECK(strstr(peers.asked, "\"who\":\"ann x\",\"id\":6,\"reason\":\"a\\\"b\"}") && !strstr(peers.asked, "root"));
    CHECK_INT(status_of(get("/api/incident.list?state=open&limit=5&offset=2")), 200);
    CHECK(strstr(peers.asked, "\"state\":\"open\",\"offset\":2,\"limit\":5}") != NULL);
    CHECK_INT(status_of(get("/api/incident.get?id=x")), 400);
    CHECK_INT(status_of(get("/api/incident.get?id=-1")), 400);
    CHECK_INT(status_of(get("/api/session.open")), 404);
    CHECK_INT(status_of(get("/api/nope")), 404);
    CHECK_INT(status_of(api_post("/api/incident.act", "[]")), 400);
    CHECK_INT(status_of(api_post("/api/incident.act", "{\"a\":")), 400);
    CHECK_INT(status_of(api_post("/api/incident.act", "")), 400);
    struct web_http http = api_post("/api/incident.act", "{}");
    http.content_type = STR("application/x-www-form-urlencoded");
    CHECK_INT(status_of(http), 415);
    peers.ask = "source.list";
    CHECK_INT(status_of(get("/api/source.list")), 503);
    peers.json = STR("{\"ok\":false,\"error\":\"denied\"}");
    CHECK_INT(status_of(get("/api/source.list")), 403);
    CHECK_TEXT(buf_view(&seen), "{\"ok\":false,\"error\":\"denied\"}");
}

static void limits(void)
{
    static char large[WEB_BODY_MAX + 16];
    peers_reset();
    memset(large, 'a', sizeof large);
    struct web_http http = get("/search");
    http.query = str_at(large, WEB_TARGET_MAX);
    CHECK_INT(status_of(http), 414);
    http = post("/sign-out", "");
    http.body = str_at(large, WEB_BODY_MAX + 1);
    CHECK_INT(status_of(http), 413);
    for (size_t i = 1; i < sizeof large; i += 2)
        large[i] = '&';
    http.body = str_at(large, 2 * FORM_FIELDS_MAX + 2);
    CHECK_INT(status_of(http), 413);
    http = get("/search");
    http.query = str_at(large, 2 * FORM_FIELDS_MAX + 2);
    CHECK_INT(status_of(http), 414);
    /* an answer past the limit is none */
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(16u << 20);
    char *answer = arena_alloc(arena, WEB_ANSWER_MAX + 1);
    memset(answer, ' ', WEB_ANSWER_MAX + 1);
    memcpy(answer, "{\"ok\":true}", 11);
    peers.ask = "source.list";
    peers.json = str_at(answer, WEB_ANSWER_MAX + 1);
    CHECK_INT(status_of(get("/")), 503);
    peers.json = str_at(answer, WEB_ANSWER_MAX);
    CHECK_INT(status_of(get("/")), 200);
    /* a page past its limit is not sent cut */
    struct buf buf;
    buf_init(&buf, WEB_ANSWER_MAX);
    buf_text(&buf, "{\"ok\":true,\"sources\":[");
    for (int i = 0; buf.n < WEB_ANSWER_MAX - 4096; i++)
        buf_text(&buf, i ? ",{\"name\":\"<<<<<<<<<<<<<<<<<<<<\"}" : "{\"name\":\"a\"}");
    buf_text(&buf, "]}");
    peers.json = buf_view(&buf);
    CHECK_INT(status_of(get("/")), 500);
    CHECK_TEXT(buf_view(&seen), "the page is too large\n");
    buf_done(&buf);
}

static void assets_are_served(void)
{
    char path[128];
    peers_reset();
    struct web_http http = get("/sign-in");
    http.cookie = STR("");
    CHECK_INT(status_of(http), 200);
    struct str page = buf_view(&seen);
    struct str rest = str_skip(page, str_search(page, STR("/ui/")));
    CHECK(str_copy_z(str_slice(rest, 0, str_find(rest, '"')), path, sizeof path));
    http = get(path);
    http.cookie = STR("");
    struct web_call *call = run(http);
    CHECK_INT(web_response(call)->status, 200);
    CHECK(web_response(call)->immutable);
    CHECK_TEXT(web_response(call)->content_type, "text/css; charset=utf-8");
    CHECK_INT(web_response(call)->cookie_count, 0);
    web_call_free(call);
    CHECK_INT(status_of(get("/ui/0000000000000000/style.css")), 404);
    CHECK_INT(status_of(get("/favicon.ico")), 200);
    bool csp = false;
    for (const struct web_security_header *h = web_security_headers(); h->name; h++)
        csp |= strcmp(h->name, "Content-Security-Policy") == 0 && !strstr(h->value, "unsafe") &&
               strstr(h->value, "frame-ancestors 'none'");
    CHECK(csp);
}

static void memory_may_run_out(void)
{
    static const char *const some[] = {"/",          "/search?q=a",          "/records/9", "/incidents/6",
                                       "/objects/1", "/records/9/why?rule=a"};
    peers_reset();
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        uint64_t before = memory_allocations();
        CHECK_INT(status_of(get(some[i])), 200);
        uint64_t count = memory_allocations() - before;
        for (uint64_t n = 1; n <= count; n++) {
            memory_fail_at(n);
            /* the peers of this test allocate too: only that nothing breaks is asked */
            struct web_http http = get(some[i]);
            http.time_ns = NOW_NS;
            struct web_call *call = web_request(web, &http);
            if (call && !web_response(call))
                IGNORE(web_answer(call, 0, STR("{\"ok\":true,\"user\":\"a\",\"csrf\":\"" FAKE_CSRF "\"}")));
            for (size_t k = call && !web_response(call) ? web_question_count(call) : 0; k-- > 0;)
                IGNORE(web_answer(call, k, STR("{\"ok\":true,\"incident\":{\"id\":6}}")));
            if (call && web_response(call))
                CHECK(web_response(call)->status >= 200);
            web_call_free(call);
            memory_fail_at(0);
        }
    }
}

static const struct test tests[] = {
    {"pages answer", pages_answer},
    {"the same request gives the same bytes", same_request_same_bytes},
    {"pagers keep what was chosen", pagers_keep_what_was_chosen},
    {"hostile strings stay text", hostile_strings_stay_text},
    {"answers may be missing or cut", answers_may_be_missing_or_cut},
    {"answers may have wrong types", answers_may_have_wrong_types},
    {"routes are reachable", routes_are_reachable},
    {"sessions", sessions},
    {"signing in", signing_in},
    {"redirects stay here", redirects_stay_here},
    {"every POST needs the secret", every_post_needs_the_secret},
    {"papers", papers},
    {"mirrors ask", mirrors_ask},
    {"changes are asked", changes_are_asked},
    {"rule titles", rule_titles},
    {"marks of events", marks_of_events},
    {"own records", own_records},
    {"health of the archive", health_of_the_archive},
    {"deletion of old records", deletion_of_old_records},
    {"witnesses of the archive", witnesses_of_the_archive},
    {"languages", languages},
    {"programs ask", programs_ask},
    {"limits", limits},
    {"assets are served", assets_are_served},
    {"memory may run out", memory_may_run_out},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
