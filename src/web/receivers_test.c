/* The page of receivers: each state in each language, what a row shows, and the sentence on the archive's page. */
#include "base/test.h"
#include "web/fake_peers.h"

static const char *const languages[] = {"kk", "ru", "en"};

static const struct {
    const char *state;
    bool late;
    const char *says[3]; /* by language */
} states[] = {
    {"ok", false, {"қабылдап отыр", "принимает", "takes records"}},
    {"refuses", false, {"қазір қабылдамайды", "сейчас не принимает", "takes none now"}},
    {"behind", true, {" кешігіп қалды</span>", " отстаёт</span>", " is behind</span>"}},
    {"silent", true, {"беруші бағдарлама үндемейді", "передающая программа молчит", "its forwarder is silent"}},
};

static void answer(const char *state, const char *language, char json[512])
{
    snprintf(json, 512,
             "{\"ok\":true,\"receivers\":[{\"name\":\"centre\",\"address\":\"kafka+tls://k1/t\",\"format\":\"json\","
             "\"query\":\"a:<b>\",\"state\":\"%s\",\"next\":5,\"error\":\"why <not>\",\"error_ns\":7}]}",
             state);
    peers_reset();
    peers.ask = "receiver.list";
    peers.json = str_of(json);
    peers.language = language;
}

static void states_are_said(void)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
            char json[512];
            test_row("%s %s", states[i].state, languages[k]);
            answer(states[i].state, languages[k], json);
            CHECK_INT(status_of(get("/archive/receivers")), 200);
            CHECK(seen_has(states[i].says[k]) && !seen_has("receiver_state.") && !seen_has("receivers."));
            CHECK(seen_has(">centre<") && seen_has(">kafka+tls<") && seen_has("title=\"kafka+tls://k1/t\""));
            CHECK(seen_has("a:&lt;b&gt;") && seen_has("why &lt;not&gt;"));
            CHECK(seen_has("class=\"silent\"") == states[i].late);
        }
}

static void the_archive_says_it(void)
{
    static const char *const says[] = {"Жазба алушылардың бірі кешігіп қалды", "Один из получателей записей отстаёт",
                                       "A receiver of records is late"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
            char json[512];
            test_row("%s %s", states[i].state, languages[k]);
            answer(states[i].state, languages[k], json);
            CHECK_INT(status_of(get("/archive")), 200);
            CHECK(seen_has(says[k]) == states[i].late && seen_has("href=\"/archive/receivers\""));
        }
}

static void none(void)
{
    peers_reset();
    peers.ask = "receiver.list";
    peers.json = STR("{\"ok\":true,\"receivers\":[]}");
    CHECK_INT(status_of(get("/archive/receivers")), 200);
    CHECK(seen_has("There is no receiver.") && !seen_has("<table"));
    peers.json = STR("{\"ok\":true,\"receivers\":[{\"name\":\"a\",\"address\":\"x\",\"state\":\"\",\"own\":true}]}");
    CHECK_INT(status_of(get("/archive/receivers")), 200);
    CHECK(seen_has("own too") && seen_has("its forwarder is silent")); /* what is not known is not good */
    peers.json = STR("{\"ok\":false,\"error\":\"unavailable\"}");
    CHECK(status_of(get("/archive/receivers")) >= 400);
}

static const struct test tests[] = {
    {"states", states_are_said}, {"the archive's page", the_archive_says_it}, {"none", none}};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
