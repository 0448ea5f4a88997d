/* Machines: what is asked of the desk, what a page keeps of a search, and tables that no program takes for formulas. */
#include "base/test.h"
#include "web/fake_peers.h"

#define AGENT "0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_was_chosen_is_asked(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/inventory?kind=package&name=openssl&op=lt&version=3.0.15&offset=100")), 200);
    CHECK(asked("\"ask\":\"inventory.search\",") &&
          asked("\"kind\":\"package\",\"name\":\"openssl\",\"op\":\"lt\",\"version\":\"3.0.15\","
                "\"exact\":false,\"offset\":100"));
    CHECK(seen_has("href=\"/inventory?kind=package&amp;name=openssl&amp;op=lt&amp;version=3.0.15&amp;exact=&amp;"
                   "offset=200\""));
    CHECK(seen_has("<option value=\"lt\" selected>"));
    peers_reset();
    CHECK_INT(status_of(get("/inventory")), 200);
    CHECK(asked("\"ask\":\"inventory.list\"") && !asked("inventory.search"));
}

/* Half of a comparison is none; words of no list ask for nothing. */
static void what_is_no_choice_is_not_asked(void)
{
    static const char *const wrong[] = {"op=lt",        "version=3", "op=like&version=3",
                                        "kind=Package", "kind=x",    "op=&version="};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char path[128];
        test_row("%s", wrong[i]);
        snprintf(path, sizeof path, "/inventory?name=a&%s", wrong[i]);
        peers_reset();
        CHECK_INT(status_of(get(path)), 200);
        CHECK(asked("\"kind\":\"\",\"name\":\"a\",\"op\":\"\",\"version\":\"\""));
    }
}

static void one_machine_and_its_object(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/inventory/" AGENT "?kind=port&text=22")), 200);
    CHECK(asked("\"ask\":\"inventory.show\"") &&
          asked("\"agent\":\"" AGENT "\",\"kind\":\"port\",\"text\":\"22\",\"offset\":0"));
    CHECK(asked("\"ask\":\"inventory.changes\""));
    CHECK(seen_has("action=\"/inventory/" AGENT "/ask\"") &&
          seen_has("href=\"/inventory/" AGENT "/csv?kind=port&amp;text=22\""));
    CHECK_INT(status_of(post("/inventory/" AGENT "/ask", "csrf=" FAKE_CSRF)), 303);
    CHECK(asked("\"ask\":\"inventory.ask\"") && asked("\"agent\":\"" AGENT "\""));
    CHECK_INT(status_of(post("/inventory/" AGENT "/ask", "a=b")), 403);
    peers_reset();
    CHECK_INT(status_of(get("/objects/7/inventory")), 200);
    CHECK(asked("\"ask\":\"inventory.object\"") && asked("\"object\":7"));
    peers.ask = "inventory.show";
    peers.json = STR("{\"ok\":false,\"error\":\"not_found\"}");
    CHECK_INT(status_of(get("/inventory/x")), 404);
}

static void a_table_holds_no_formula(void)
{
    peers_reset();
    peers.ask = "inventory.show";
    peers.json =
        STR("{\"ok\":true,\"total\":1,\"items\":[{\"kind\":\"user\",\"key\":\"=1+1\",\"value\":{\"a\":\"b\"},"
            "\"since_ns\":0},{\"kind\":\"user\",\"key\":\"say \\\"x\\\",\\ny\",\"value\":{},\"since_ns\":0}]}");
    CHECK_INT(status_of(get("/inventory/" AGENT "/csv?kind=user")), 200);
    CHECK(seen_has("kind,key,value,since\n\"user\",\"'=1+1\",\"{\"\"a\"\":\"\"b\"\"}\",\"1970-01-01T00:00:00Z\"\n"));
    CHECK(seen_has("\"user\",\"say \"\"x\"\",\ny\",\"{}\","));
    CHECK(!seen_has("\"...\""));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was chosen is asked", what_was_chosen_is_asked},
        {"what is no choice is not asked", what_is_no_choice_is_not_asked},
        {"one machine and its object", one_machine_and_its_object},
        {"a table holds no formula", a_table_holds_no_formula},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
