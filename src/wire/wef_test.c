#include "wire/wef.h"

#include "base/buf.h"
#include "base/test.h"
#include "wire/wef_subscription.h"

#include <stdio.h>

#define QUERY(inside) "  query: |\n    <QueryList>" inside "</QueryList>\n"
#define SELECT        "<Query><Select Path=\"Security\">*</Select></Query>"
#define GOOD          QUERY(SELECT)

static const struct {
    const char *text;
    const char *want; /* what was read, or the refusal behind '!' */
} files[] = {
    {"- name: a\n" GOOD, "a raw 300 30 Security all;"},
    {"- name: a.b-1\n  format: rendered\n  heartbeat: 60\n  latency: 1\n  existing: true\n  computers: [x, "
     "'*.kz']\n" GOOD,
     "a.b-1 rendered 60 1 existing Security x *.kz;"},
    {"- name: a\n" GOOD "- name: b\n" QUERY("<Query Path=\"System\"><Select>*</Select><Select "
                                            "Path=\"SYSTEM\">*</Select><Suppress Path=\"X\">*</Suppress></Query>"),
     "a raw 300 30 Security all;b raw 300 30 System all;"},
    {"", "!the file must be one list of 1 to 16 subscriptions"},
    {"[]", "!the file must be one list of 1 to 16 subscriptions"},
    {"name: a\n", "!the file must be one list of 1 to 16 subscriptions"},
    {"- a\n", "!subscription 1, line 1: a subscription begins with \"- name: ...\""},
    {"- name: a b\n" GOOD, "!subscription 1, line 1: \"name\" must be 1 to 63 letters, digits, dots and hyphens"},
    {"- format: raw\n" GOOD, "!subscription 1, line 1: \"name\" must be 1 to 63 letters, digits, dots and hyphens"},
    {"- name: a\n" GOOD "- name: A\n" GOOD, "!subscription 2, line 4: the name stands there twice"},
    {"- name: a\n  compuetrs: [x]\n" GOOD, "!subscription 1, line 1: there is no key \"compuetrs\": name, computers, "
                                           "format, heartbeat, latency, existing and "
                                           "query are"},
    {"- name: a\n  computers: x\n" GOOD, "!subscription 1, line 1: \"computers\" must be a list of 1 to 64 names"},
    {"- name: a\n  computers: []\n" GOOD, "!subscription 1, line 1: \"computers\" must be a list of 1 to 64 names"},
    {"- name: a\n  computers: [[x]]\n" GOOD,
     "!subscription 1, line 1: \"computers\" must be a list of names, in quotation marks where * begins one"},
    {"- name: a\n  format: text\n" GOOD, "!subscription 1, line 1: \"format\" must be raw or rendered"},
    {"- name: a\n  existing: 1\n" GOOD, "!subscription 1, line 1: \"existing\" must be true or false"},
    {"- name: a\n  heartbeat: 0\n" GOOD,
     "!subscription 1, line 1: \"heartbeat\" must be a number of seconds from 1 to 86400"},
    {"- name: a\n  latency: 1h\n" GOOD,
     "!subscription 1, line 1: \"latency\" must be a number of seconds from 1 to 3600"},
    {"- name: a\n", "!subscription 1, line 1: the query has to begin with <QueryList>"},
    {"- name: a\n  query: '<QueryList>'\n", "!subscription 1, line 1: the query is not well-formed XML"},
    {"- name: a\n  query: '<?xml version=\"1.0\"?><QueryList/>'\n",
     "!subscription 1, line 1: the query has to begin with <QueryList>"},
    {"- name: a\n  query: '<!DOCTYPE q><QueryList/>'\n",
     "!subscription 1, line 1: the query has to begin with <QueryList>"},
    {"- name: a\n  query: '<Query/>'\n", "!subscription 1, line 1: the query has to begin with <QueryList>"},
    {"- name: a\n" QUERY(""), "!subscription 1, line 1: the query selects nothing"},
    {"- name: a\n" QUERY("<Select Path='x'>*</Select>"),
     "!subscription 1, line 1: the query may hold QueryList, in it Query, and in that Select and Suppress"},
    {"- name: a\n" QUERY("<Query><Other/></Query>"),
     "!subscription 1, line 1: the query may hold QueryList, in it Query, and in that Select and Suppress"},
    {"- name: a\n" QUERY("<Query><Select>*</Select></Query>"),
     "!subscription 1, line 1: the query has a Select or Suppress without a Path"},
};

static void file_read(struct arena *arena, struct str text, struct buf *got)
{
    struct wef_subscriptions all;
    struct err err = {0};
    buf_clear(got);
    arena_reset(arena);
    if (wef_subscriptions_read(arena, text, &all, &err) != RC_OK) {
        buf_format(got, "!%s", err.text);
        return;
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct wef_subscription *s = &all.list[i];
        buf_format(got, "%.*s %s %lld %lld", STR_ARG(s->name), s->rendered ? "rendered" : "raw",
                   (long long)s->heartbeat_s, (long long)s->latency_s);
        buf_text(got, s->existing ? " existing" : "");
        for (size_t k = 0; k < s->channel_count; k++)
            buf_format(got, " %.*s", STR_ARG(s->channels[k]));
        for (size_t k = 0; k < s->computer_count; k++)
            buf_format(got, " %.*s", STR_ARG(s->computers[k]));
        buf_text(got, s->computer_count ? ";" : " all;");
    }
}

static void subscriptions(void)
{
    struct arena *arena = arena_new(WEF_MEMORY);
    struct buf got;
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        test_row("%zu", i);
        file_read(arena, str_of(files[i].text), &got);
        CHECK_TEXT(buf_view(&got), files[i].want);
    }
    struct str whole = str_of(files[1].text);
    for (size_t n = 0; n + 1 < whole.n; n++) { /* no truncation is taken for the whole */
        test_row("%zu", n);
        file_read(arena, str_slice(whole, 0, n), &got);
        CHECK(got.n > 0 && got.p[0] == '!');
    }
    buf_done(&got);
    arena_free(arena);
}

/* A name keeps its id, whatever else changes; the version is another with each change but that of the computers. */
static void ids(void)
{
    static const char *const texts[] = {
        "- name: a\n" GOOD,
        "- name: a\n  computers: [x]\n" GOOD,
        "- name: a\n  latency: 31\n" GOOD,
        "- name: a\n  format: rendered\n" GOOD,
        "- name: a\n" QUERY("<Query><Select Path=\"Security\">*[System]</Select></Query>"),
        "- name: b\n" GOOD,
    };
    struct arena *arena = arena_new(WEF_MEMORY);
    struct wef_subscriptions all[ARRAY_LEN(texts)];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        CHECK_INT(wef_subscriptions_read(arena, str_of(texts[i]), &all[i], NULL), RC_OK);
    for (size_t i = 1; i < ARRAY_LEN(texts); i++) {
        test_row("%zu", i);
        CHECK(str_eq(str_of(all[0].list[0].id), str_of(all[i].list[0].id)) == (i < 5));
        CHECK(str_eq(str_of(all[0].list[0].version), str_of(all[i].list[0].version)) == (i < 2));
    }
    CHECK(wef_subscription_find(&all[0], str_of(all[0].list[0].id)) == &all[0].list[0]);
    CHECK(wef_subscription_find(&all[0], str_of(all[5].list[0].id)) == NULL);
    CHECK(wef_subscription_find(&all[0], STR("")) == NULL);
    arena_free(arena);
}

static void computers(void)
{
    static const struct {
        const char *pattern;
        const char *name;
        bool fits;
    } all[] = {
        {"pc1", "pc1", true},
        {"PC1.corp.kz", "pc1.CORP.kz", true},
        {"*", "pc1", true},
        {"*.corp.kz", "pc1.corp.kz", true},
        {"pc*", "pc1.corp.kz", true},
        {"p*.c*kz", "pc1.corp.kz", true},
        {"pc1", "pc10", false},
        {"pc10", "pc1", false},
        {"*.corp.kz", "corp.kz", false},
        {"*.corp.kz", "pc1.corp.kz.evil.org", false},
        {"pc?", "pc1", false},
        {"*a*b", "xaybzb", true},
        {"*a*b", "xaybz", false},
        {"", "pc1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct str pattern = str_of(all[i].pattern);
        struct wef_subscription subscription = {.computers = &pattern, .computer_count = 1};
        test_row("%zu", i);
        CHECK(wef_subscription_is_for(&subscription, str_of(all[i].name)) == all[i].fits);
    }
    CHECK(wef_subscription_is_for(&(struct wef_subscription){.computer_count = 0}, STR("pc1")));
}

/* ---- events ---- */

#define EVENT(system) "<Event xmlns='urn:e'><System>" system "</System></Event>"
#define TIME          "<TimeCreated SystemTime='2026-11-20T10:00:30.1234567Z'/>"

static void events(void)
{
    static const struct {
        const char *xml;
        const char *want; /* NULL: it does not say which it is */
    } all[] = {
        {EVENT(TIME "<EventRecordID>7</EventRecordID><Channel>Security</Channel><Computer>PC1.corp.kz</Computer>"),
         "security 7 PC1.corp.kz 1795168830"},
        {EVENT("<EventRecordID> 7 </EventRecordID><Channel>A/B c</Channel>"), "a/b c 7  0"},
        {EVENT("<TimeCreated SystemTime='x'/><EventRecordID>1099511627775</EventRecordID><Channel>S</Channel>"),
         "s 1099511627775  0"},
        {EVENT("<EventRecordID>1099511627776</EventRecordID><Channel>S</Channel>"), NULL},
        {EVENT("<EventRecordID>0</EventRecordID><Channel>S</Channel>"), NULL},
        {EVENT("<EventRecordID>-1</EventRecordID><Channel>S</Channel>"), NULL},
        {EVENT("<EventRecordID>7</EventRecordID>"), NULL},
        {EVENT("<Channel>S</Channel>"), NULL},
        {EVENT("<EventRecordID>7</EventRecordID><Channel> </Channel>"), NULL},
        {"<Event><EventData><EventRecordID>7</EventRecordID><Channel>S</Channel></EventData></Event>", NULL},
        {"<!DOCTYPE e>" EVENT("<EventRecordID>7</EventRecordID><Channel>S</Channel>"), NULL},
        {"<Events/>", NULL},
        {"", NULL},
        {"no XML", NULL},
    };
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct wef_event event;
        char got[256];
        test_row("%zu", i);
        CHECK(wef_event_read(arena, str_of(all[i].xml), &event) == (all[i].want != NULL));
        if (!all[i].want)
            continue;
        snprintf(got, sizeof got, "%.*s %llu %.*s %lld", STR_ARG(event.channel), (unsigned long long)event.record,
                 STR_ARG(event.computer), (long long)(event.time_ns / 1000000000));
        CHECK_TEXT(str_of(got), all[i].want);
    }
    struct str whole = str_of(all[0].xml);
    for (size_t n = 0; n < whole.n; n++) {
        struct wef_event event;
        test_row("%zu", n);
        CHECK(!wef_event_read(arena, str_slice(whole, 0, n), &event));
    }
    arena_free(arena);
}

#define MINUTE INT64_C(60000000000)
#define NOW    (INT64_C(29919600) * MINUTE) /* in 2026 */

static void sequences(void)
{
    static const struct {
        uint64_t highest;
        int64_t highest_ns;
        uint64_t record;
        int64_t time_ns;
        bool is_new;
    } all[] = {
        {100, NOW, 101, NOW, false},              /* the next one */
        {100, NOW, 100, NOW, false},              /* sent again */
        {100, NOW, 50, NOW - MINUTE, false},      /* sent again */
        {100, NOW, 99, NOW + 10 * MINUTE, false}, /* times of one log are not quite in their order */
        {100, NOW, 99, NOW + 11 * MINUTE, true},  /* cannot have been before it */
        {100, NOW, 1, NOW + 999999 * MINUTE, true},
        {100, NOW, 100, NOW + 11 * MINUTE, true},
        {100, NOW, 5000, NOW + 11 * MINUTE, false}, /* above: no matter when */
        {100, NOW, 5000, NOW - 999999 * MINUTE, false},
        {100, NOW, 1, 0, false}, /* no time */
        {100, 0, 1, NOW, true},
        {100, NOW, 1, INT64_MAX, true},
        {100, NOW, 1, INT64_MIN, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        uint64_t highest = wef_sequence(all[i].highest, all[i].highest_ns);
        uint64_t sequence = wef_sequence(all[i].record, all[i].time_ns);
        test_row("%zu", i);
        CHECK(wef_log_is_new(highest, sequence) == all[i].is_new);
        CHECK((sequence > highest) ==
              (all[i].record > all[i].highest || (all[i].record == all[i].highest && all[i].is_new)));
        CHECK_INT(wef_sequence_record(sequence), all[i].record);
    }
    CHECK(!wef_log_is_new(0, wef_sequence(1, NOW))); /* nothing is there yet */
    CHECK(wef_sequence(WEF_RECORD_MAX, INT64_MAX) == UINT64_MAX);
    CHECK(wef_epoch("i", STR("pc"), STR("security"), 0) == wef_epoch("i", STR("pc"), STR("security"), 0));
    CHECK(wef_epoch("i", STR("pc"), STR("security"), 0) != wef_epoch("i", STR("pc"), STR("security"), 1));
    CHECK(wef_epoch("i", STR("pc"), STR("security"), 0) != wef_epoch("i", STR("pc"), STR("system"), 0));
    CHECK(wef_epoch("i", STR("pc"), STR("security"), 0) != wef_epoch("i", STR("dc"), STR("security"), 0));
    CHECK(wef_epoch("i", STR("pc"), STR("security"), 0) != wef_epoch("j", STR("pc"), STR("security"), 0));
}

static const struct test tests[] = {
    {"subscriptions", subscriptions}, {"ids", ids}, {"computers", computers}, {"events", events},
    {"sequences", sequences},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
