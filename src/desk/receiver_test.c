/* What forwarders say of receivers: what reads and what does not, who is late, and what the archive is told of it. */
#include "desk/desk_testing.h"
#include "desk/receiver_text.h"

#include <string.h>

static struct stand stand;

static const char good[] =
    "centre\t{\"receiver\":\"kafka+tls://k/t\",\"format\":\"json\",\"query\":\"a:b\",\"own\":true,"
    "\"next\":812,\"signed\":940,\"given\":3,\"at_ns\":5,\"waiting_ns\":4,\"error\":\"why\","
    "\"error_ns\":2}";

static void texts(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct receiver r;
    struct err err;
    CHECK_INT(receiver_read(arena, str_of(good), &r, &err), RC_OK);
    CHECK(strcmp(r.name, "centre") == 0 && strcmp(r.url, "kafka+tls://k/t") == 0 && strcmp(r.format, "json") == 0);
    CHECK(strcmp(r.query, "a:b") == 0 && strcmp(r.error, "why") == 0 && r.own);
    CHECK(r.next == 812 && r.given == 3 && r.at_ns == 5 && r.waiting_ns == 4 && r.error_ns == 2);
    for (size_t n = 0; n < sizeof good - 1; n++)
        CHECK(receiver_read(arena, str_at(good, n), &r, &err) != RC_OK);
    /* One line, and cut between characters. */
    CHECK_INT(receiver_read(arena,
                            STR("a\t{\"receiver\":\"a\\nb\\u0000\",\"format\":\"aaaaaaaaaaaaaaa\\u04d8\",\"next\":0,"
                                "\"at_ns\":1,\"error_ns\":9,\"waiting_ns\":-1}"),
                            &r, &err),
              RC_OK);
    CHECK(strcmp(r.url, "a b ") == 0 && strcmp(r.format, "aaaaaaaaaaaaaaa") == 0 && r.error_ns == 0);
    CHECK(r.waiting_ns == 0);
}

static void no_texts(void)
{
    static const char *const rows[] = {
        "",
        "\t",
        "a",
        "a\t",
        "a\t[]",
        "a\t{}",
        "a\t{\"receiver\":\"u\",\"next\":1}",
        "a\t{\"receiver\":\"u\",\"at_ns\":1}",
        "a\t{\"next\":1,\"at_ns\":1}",
        "a\t{\"receiver\":\"\",\"next\":1,\"at_ns\":1}",
        "a\t{\"receiver\":5,\"next\":1,\"at_ns\":1}",
        "a\t{\"receiver\":\"u\",\"next\":-1,\"at_ns\":1}",
        "a\t{\"receiver\":\"u\",\"next\":1,\"at_ns\":0}",
        "a\t{\"receiver\":\"u\",\"next\":99999999999999999999,\"at_ns\":1}",
        "\t{\"receiver\":\"u\",\"next\":1,\"at_ns\":1}",
        ".a\t{\"receiver\":\"u\",\"next\":1,\"at_ns\":1}",
        "a/b\t{\"receiver\":\"u\",\"next\":1,\"at_ns\":1}",
        "a b\t{\"receiver\":\"u\",\"next\":1,\"at_ns\":1}",
        "a\t{\"receiver\":\"u\",\"next\":1,\"at_ns\":1}}",
    };
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct receiver r;
        struct err err;
        test_row("%s", rows[i]);
        CHECK(receiver_read(arena, str_of(rows[i]), &r, &err) != RC_OK);
    }
    char name[RECEIVER_NAME_MAX + 1];
    memset(name, 'a', sizeof name);
    CHECK(receiver_name_valid(str_at(name, RECEIVER_NAME_MAX)) && !receiver_name_valid(str_at(name, sizeof name)));
}

/* The desk is told by two forwarders. */
static void told(int64_t a_at_ns, int64_t a_waiting_ns, const char *b_error)
{
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "b\t{\"receiver\":\"nats+tls://n/s\",\"next\":9,\"at_ns\":%lld,\"error\":\"%s\",\"error_ns\":7}\n"
                     "nonsense\n"
                     "a\t{\"receiver\":\"https://c/in\",\"next\":8,\"at_ns\":%lld,\"waiting_ns\":%lld}\n",
                     (long long)stand.now, b_error, (long long)a_at_ns, (long long)a_waiting_ns);
    desk_set_receivers(stand.desk, str_at(text, (size_t)n));
    stand.now += S(6);
    CHECK_INT(desk_watch_receivers(stand.desk, stand.now, NULL), RC_OK);
}

/* The states of both, by name. */
static bool shown(const char *first, const char *second)
{
    if (!CHECK(stand_ask(&stand, "{'ask':'receiver.list','who':'admin'}")))
        return false;
    const struct json_value *a = json_first(json_get(stand.json, "receivers"));
    const struct json_value *b = a ? a->next : NULL;
    CHECK_TEXT(json_str(json_get(a, "name"), STR("")), "a");
    CHECK_TEXT(json_str(json_get(b, "name"), STR("")), "b");
    CHECK(b && !b->next);
    return str_is(json_str(json_get(a, "state"), STR("")), first) &&
           str_is(json_str(json_get(b, "state"), STR("")), second);
}

static int64_t recorded(const char *event)
{
    struct json_value *newest = NULL;
    return stand_records(&stand, event, &newest);
}

static void who_is_late(void)
{
    struct err err = {0};
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return;
    stand_sign_in(&stand);
    CHECK(stand_ask(&stand, "{'ask':'receiver.list','who':'admin'}"));
    CHECK(json_get(stand.json, "receivers") && !json_first(json_get(stand.json, "receivers")));
    told(stand.now, 0, "");
    CHECK(shown("ok", "ok"));
    CHECK_INT(recorded("receiver.late"), 0);
    told(stand.now, stand.now - S(60), "refused");
    CHECK(shown("ok", "refuses"));
    CHECK_INT(recorded("receiver.late"), 0);
    told(stand.now, stand.now - S(900), "");
    CHECK(shown("behind", "ok"));
    told(stand.now, stand.now - S(960), "");
    CHECK_INT(recorded("receiver.late"), 1); /* once */
    CHECK_INT(recorded("receiver.caught-up"), 0);
    told(stand.now, 0, "");
    CHECK_INT(recorded("receiver.caught-up"), 1);
    told(stand.now - S(175), 0, "");
    CHECK(shown("silent", "ok"));
    CHECK_INT(recorded("receiver.late"), 2);
    desk_set_receivers(stand.desk, STR_NONE); /* its folder was removed: it is no receiver any more */
    stand.now += S(6);
    CHECK_INT(desk_watch_receivers(stand.desk, stand.now, NULL), RC_OK);
    CHECK_INT(recorded("receiver.late"), 2);
    CHECK_INT(recorded("receiver.caught-up"), 1);
    stand_close(&stand);
}

static const struct test tests[] = {{"texts", texts}, {"no texts", no_texts}, {"who is late", who_is_late}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
