/* Documents of an object: what is missing, a file that is given and one that goes out, signatures and acts. */
#include "base/test.h"
#include "web/fake_peers.h"

#define FIELDS "csrf=" FAKE_CSRF "&object=1&kind=1_1&title=Policy&language=kk&pages=14&approved=2026-01-12&form=signed"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_is_there(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/security")), 200);
    CHECK(asked("\"ask\":\"document.list\"") && asked("\"object\":1"));
    CHECK(seen_has("Of the 27 documents of Annex 3, 2 are missing."));
    CHECK(seen_has("Information security policy<br>") && seen_has("href=\"/documents/7\"") && seen_has("Not valid"));
    CHECK(seen_has("Missing") && seen_has("not in ru") && seen_has("Documents that are not of Annex 3"));
    CHECK(seen_has("name=\"object\" value=\"1\"") && seen_has("enctype=\"multipart/form-data\""));
    peers.ask = "document.list";
    peers.json = STR("{\"ok\":true,\"may_change\":false,\"documents\":[],\"missing\":[]}");
    CHECK_INT(status_of(get("/objects/1/security")), 200);
    CHECK(!seen_has("multipart/form-data"));
}

static void a_file_comes(void)
{
    peers_reset();
    CHECK_INT(status_of(post_file(post("/documents", FIELDS "&name=p.p7m"))), 303);
    CHECK_TEXT(seen_location, "/documents/7");
    const char *check = strstr(peers.asked, "\"document.check\"");
    const char *add = strstr(peers.asked, "\"document.add\"");
    CHECK(check && add && check < add && asked("\"sha256\":") && asked("\"pages\":14,\"kind\":\"1_1\""));
    CHECK_INT(status_of(post_file(post("/documents", "csrf=" FAKE_CSRF "&version=3&of=7&form=plain&name=p.p7s"))), 303);
    CHECK(asked("\"version\":3,\"name\":\"p.p7s\"") && !asked("\"form\""));
    CHECK_INT(status_of(post_file(post("/documents", FIELDS))), 422); /* no file */
    CHECK(!asked("document.check"));
    CHECK_INT(status_of(post_file(post("/documents", "object=1&name=p"))), 403);
}

/* Whatever is refused, nothing behind it is asked, and the form comes back with what was typed. */
static void a_file_is_refused(void)
{
    static const struct {
        const char *ask;
        const char *error; /* NULL: no answer */
        unsigned status;
    } rows[] = {{"document.check", "documents_full", 507},
                {"document.check", "invalid", 422},
                {"document.check", "denied", 403},
                {"document.check", NULL, 503},
                {"body", "upload_long", 413},
                {"body", "upload_disk", 507},
                {"document.add", "documents_coming", 409},
                {"document.add", NULL, 503}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[128] = "";
        peers_reset();
        peers.ask = rows[i].ask;
        snprintf(json, sizeof json, "{\"ok\":false,\"error\":\"%s\",\"field\":\"title\",\"text\":\"x\"}",
                 rows[i].error ? rows[i].error : "");
        peers.json = rows[i].error ? str_of(json) : STR_NONE;
        test_row("%s %s", rows[i].ask, rows[i].error ? rows[i].error : "nothing");
        CHECK_INT(status_of(post_file(post("/documents", FIELDS "&name=p.p7m"))), rows[i].status);
        CHECK(!rows[i].error || seen_has("value=\"Policy\""));
        CHECK(strcmp(rows[i].ask, "document.check") != 0 || !asked("\"body\""));
        CHECK(strcmp(rows[i].ask, "document.add") == 0 || !asked("document.add"));
        peers.given = 0;
        CHECK_INT(status_of(post_file(post("/documents", "csrf=" FAKE_CSRF "&document=7&language=kk&name=p"))),
                  rows[i].status);
        CHECK(!rows[i].error || seen_has("name=\"document\" value=\"7\""));
        CHECK_INT(status_of(post_file(api_post("/api/document?object=1&kind=1_1&name=p", ""))), rows[i].status);
    }
    peers_reset();
    CHECK_INT(status_of(post_file(api_post("/api/document?object=1&kind=1_1&name=p", ""))), 200);
    CHECK(seen_has("\"document\":7"));
    CHECK_INT(status_of(get("/api/document")), 404);
}

static void limits_of_files(void)
{
    static const struct {
        const char *method, *path;
        enum web_stream stream;
        int64_t max;
    } rows[] = {
        {"POST", "/documents", WEB_STREAM_FORM, WEB_DOCUMENT_MAX},
        {"POST", "/api/document", WEB_STREAM_RAW, WEB_DOCUMENT_MAX},
        {"POST", "/api/upload", WEB_STREAM_RAW, WEB_UPLOAD_MAX},
        {"POST", "/api/indicators", WEB_STREAM_RAW, WEB_LIST_MAX},
        {"GET", "/documents", WEB_STREAM_NONE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t max = -1;
        test_row("%s %s", rows[i].method, rows[i].path);
        CHECK_INT(web_streams(str_of(rows[i].method), str_of(rows[i].path), &max), rows[i].stream);
        CHECK_INT(max, rows[i].max);
    }
}

/* Its name is a person's: it may not end the header, nor name a folder. */
static void a_file_goes_out(void)
{
    static const char *const paths[] = {"/documents/files/5", "/api/document.file?file=5"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        peers_reset();
        struct web_call *call = run(get(paths[i]));
        const struct web_response *response = call ? web_response(call) : NULL;
        if (CHECK(response)) {
            CHECK(response->status == 200 && response->file && response->body.n == 0);
            CHECK_TEXT(response->content_type, "application/octet-stream");
            CHECK(str_starts(response->disposition,
                             STR("attachment; filename=\"______________1_.pdf\"; filename*=UTF-8''")));
            CHECK(str_ends(response->disposition, STR("%20%221%22.pdf")));
        }
        CHECK(asked("\"ask\":\"document.file\"") && asked("\"file\":5"));
        web_call_free(call);
        peers.ask = "document.file";
        peers.json = STR("{\"ok\":false,\"error\":\"state_refuses\",\"text\":\"x\"}");
        CHECK_INT(status_of(get(paths[i])), 409);
        peers.json = STR("{\"ok\":false,\"error\":\"denied\",\"text\":\"x\"}");
        CHECK_INT(status_of(get(paths[i])), 403);
    }
}

static void what_is_said_of_signatures(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/documents/7")), 200);
    CHECK(seen_has("Not known") && seen_has("nobody says whether the certificate was revoked"));
    CHECK(seen_has("IIN x") && seen_has("BIN x") && seen_has("by the signer&#39;s own word"));
    CHECK(seen_has("nothing shows when it was signed") && seen_has("href=\"/documents/judgements/8\""));
    CHECK(seen_has("There is no signature (CMS) in this file") && seen_has("It could not be written to the disk."));
    CHECK(seen_has("href=\"/documents/files/5\"") && !seen_has("href=\"/documents/files/4\"")); /* it is lost */
    CHECK(!seen_has("data-refresh"));
    CHECK_INT(status_of(get("/documents/judgements/9")), 200);
    CHECK(asked("\"ask\":\"document.judgement\"") && seen_has("Not known"));
    peers.ask = "document.get";
    peers.json =
        STR("{\"ok\":true,\"may_change\":false,\"document\":{\"id\":7,\"title\":\"t\",\"ended_ns\":4,\"versions\":[{"
            "\"id\":3,\"files\":[{\"id\":5,\"form\":\"signed\",\"state\":\"kept\",\"judgements\":[{\"id\":1,"
            "\"judged_ns\":0,\"verdict\":\"good\"}]}]}]}}");
    CHECK_INT(status_of(get("/documents/7")), 200);
    CHECK(seen_has("data-refresh") && seen_has("Being verified") && !seen_has("Valid")); /* whatever it is said to be */
    CHECK(!seen_has("value=\"judge\"") && seen_has("Of no more use"));
}

static void violations(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/security")), 200);
    CHECK(seen_has("Stands") && seen_has("Measures taken") && seen_has("/objects/1/surveys"));
    CHECK_INT(status_of(post("/objects/1/security", "csrf=" FAKE_CSRF "&act=violation&day=2026-11-01&requirement=r&"
                                                    "document=7&note=what")),
              303);
    CHECK(asked("\"ask\":\"document.violation\"") && asked("\"object\":1,\"document\":7,\"requirement\":\"r\","
                                                           "\"day\":\"2026-11-01\",\"note\":\"what\""));
    CHECK_INT(status_of(post("/objects/1/security", "csrf=" FAKE_CSRF "&act=mend&id=4&day=2026-11-02&note=done")), 303);
    CHECK(asked("\"ask\":\"document.mend\"") && asked("\"id\":4,\"day\":\"2026-11-02\""));
    CHECK_INT(status_of(post("/objects/1/security", "csrf=" FAKE_CSRF "&act=forget&id=4")), 400);
    CHECK_INT(status_of(post("/objects/1/security", "act=mend&id=4")), 403);
    peers.ask = "document.mend";
    peers.json = STR("{\"ok\":false,\"error\":\"state_refuses\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/objects/1/security", "csrf=" FAKE_CSRF "&act=mend&id=4&day=2026-11-02&note=done")), 409);
    CHECK(seen_has("First-level documents"));
}

static void acts(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/documents/7", "csrf=" FAKE_CSRF "&act=judge&file=6")), 303);
    CHECK(asked("\"ask\":\"document.judge\"") && asked("\"file\":6"));
    CHECK_INT(status_of(post("/documents/7", "csrf=" FAKE_CSRF "&act=review&day=2026-11-20&note=seen")), 303);
    CHECK(asked("\"ask\":\"document.review\"") && asked("\"id\":7,\"day\":\"2026-11-20\",\"note\":\"seen\""));
    CHECK_INT(status_of(post("/documents/7", "csrf=" FAKE_CSRF "&act=end&note=old")), 303);
    CHECK(asked("\"ask\":\"document.end\""));
    CHECK_INT(status_of(post("/documents/7", "csrf=" FAKE_CSRF "&act=burn")), 400);
    CHECK_INT(status_of(post("/documents/7", "act=end&note=old")), 403);
    peers.ask = "document.review";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"day\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/documents/7", "csrf=" FAKE_CSRF "&act=review&day=2027-01-01&note=seen")), 422);
    CHECK(seen_has("value=\"2027-01-01\"") && seen_has("aria-invalid"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is there", what_is_there},
        {"a file comes", a_file_comes},
        {"a file is refused", a_file_is_refused},
        {"limits of files", limits_of_files},
        {"a file goes out", a_file_goes_out},
        {"what is said of signatures", what_is_said_of_signatures},
        {"violations", violations},
        {"acts", acts},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
