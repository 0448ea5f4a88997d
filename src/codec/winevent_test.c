#include "codec/winevent.h"

#include "base/test.h"

#include <string.h>

#define HEAD "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>"

static void put_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    CHECK_INT(kind, JSON_STRING);
    buf_format(context, "[%.*s=%.*s]", STR_ARG(path), STR_ARG(value));
}

static const struct {
    const char *text;
    const char *want;
} rows[] = {
    {HEAD "<System><Provider Name='P' Guid='{G}'/><EventID Qualifiers='0'>1</EventID><Correlation/></System></Event>",
     "[Event.System.Provider.#attributes.Name=P][Event.System.Provider.#attributes.Guid={G}]"
     "[Event.System.EventID.#attributes.Qualifiers=0][Event.System.EventID=1]"},
    {"<?xml version=\"1.0\" encoding=\"utf-16\"?>\n" HEAD "\n  <System>\n    <Channel>Security</Channel>\n  </System>\n"
     "</Event>\n",
     "[Event.System.Channel=Security]"},
    {HEAD "<EventData><Data Name=\"CommandLine\">a &lt;b&gt; &amp;&quot; &#x41;</Data><Data Name=\"Empty\"></Data>"
          "<Data Name=\"None\"/></EventData></Event>",
     "[Event.EventData.CommandLine=a <b> &\" A][Event.EventData.Empty=][Event.EventData.None=]"},
    {HEAD "<EventData><Data>first</Data><Data>second</Data><Binary>00FF</Binary></EventData></Event>",
     "[Event.EventData.Data=first][Event.EventData.Data=second][Event.EventData.Binary=00FF]"},
    {HEAD "<EventData><Data Name='Threat &amp; Name'> kept  blanks\n</Data><Data Name=''>x</Data></EventData></Event>",
     "[Event.EventData.Threat & Name= kept  blanks\n][Event.EventData.Data=x]"},
    {HEAD "<UserData><LogFileCleared xmlns='http://x'><SubjectUserName>ann</SubjectUserName><Deep><A>1</A></Deep>"
          "</LogFileCleared></UserData></Event>",
     "[Event.UserData.SubjectUserName=ann][Event.UserData.Deep.A=1]"},
    {"<e:Event xmlns:e='http://x'><e:System><e:EventID>7</e:EventID></e:System></e:Event>", "[Event.System.EventID=7]"},
    {HEAD "<RenderingInfo Culture='en-US'><Message><![CDATA[two <lines>\nof text]]></Message></RenderingInfo></Event>",
     "[Event.RenderingInfo.#attributes.Culture=en-US][Event.RenderingInfo.Message=two <lines>\nof text]"},
    {HEAD "<EventData><Data Name='Пайдаланушы'>Әлия</Data></EventData></Event>", "[Event.EventData.Пайдаланушы=Әлия]"},
    {HEAD "<EventData><Data Name='A'>1</Data></EventData>", "[Event.EventData.A=1] refused"},
    {HEAD "<EventData><Data Name='A'>1</Date></EventData></Event>", " refused"},
    {HEAD "</Event> and more", " refused"},
    {"<Events>" HEAD "</Event></Events>", " refused"},
    {"<!DOCTYPE Event [<!ENTITY a 'aaaaaaaaaa'>]><Event><System><Channel>&a;</Channel></System></Event>", " refused"},
    {"<!DOCTYPE Event SYSTEM 'file:///etc/passwd'><Event><System><Channel>x</Channel></System></Event>", " refused"},
    {HEAD "<System><Channel>&unknown;</Channel></System></Event>", " refused"},
    {"<Event>", " refused"},
    {"", " refused"},
    {"{}", " refused"},
};

static void texts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[4096];
        struct buf buf;
        struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
        struct err err = {0};
        uint32_t lost = 0;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].text);
        enum rc rc = winevent_flatten(arena, str_of(rows[i].text), put_leaf, &buf, &lost, &err);
        CHECK(rc == RC_OK || rc == RC_INVALID);
        CHECK_INT(lost, 0);
        if (rc != RC_OK)
            buf_text(&buf, " refused");
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
}

static void begins(void)
{
    CHECK(winevent_begins(STR("<Event>")));
    CHECK(winevent_begins(STR("<Event xmlns='x'>")));
    CHECK(winevent_begins(STR("<?xml version='1.0'?><Event>")));
    CHECK(!winevent_begins(STR("<Events><Event>")));
    CHECK(!winevent_begins(STR("<13>Nov 20")));
    CHECK(!winevent_begins(STR("<Event")));
    CHECK(!winevent_begins(STR("")));
}

static void finds(void)
{
    static const char text[] = "<?xml version='1.0'?>\n<Events>\n<Event a='1'>\n<EventData/></Event><Event><x>";
    size_t end;
    struct str rest = str_of(text);
    size_t at = winevent_find(rest, &end);
    CHECK_STR(str_slice(rest, at, end), STR("<Event a='1'>\n<EventData/></Event>"));
    rest = str_skip(rest, end);
    at = winevent_find(rest, &end);
    CHECK_STR(str_slice(rest, at, end), STR("<Event><x>"));
    CHECK_INT(winevent_find(STR("<Events></Events><EventData>"), &end), 28);
    CHECK_INT(winevent_find(STR(""), &end), 0);
}

static void count_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    uint32_t *count = context;
    CHECK(kind == JSON_STRING && path.n && value.p);
    ++*count;
}

/* What is too much is counted or refused; nothing grows without end. */
static void limits(void)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)64 << 20);
    struct err err = {0};
    uint32_t count = 0;
    uint32_t lost = 0;
    buf_init(&text, (size_t)16 << 20);
    buf_text(&text, HEAD "<EventData>");
    for (uint32_t i = 0; i < WINEVENT_LEAVES_MAX + 100; i++)
        buf_format(&text, "<Data Name='n%u'>%u</Data>", i, i);
    buf_text(&text, "</EventData></Event>");
    CHECK_INT(winevent_flatten(arena, buf_view(&text), count_leaf, &count, &lost, &err), RC_OK);
    CHECK_INT(count, WINEVENT_LEAVES_MAX);
    CHECK_INT(lost, 100);
    buf_clear(&text);
    buf_text(&text, "<Event>");
    for (uint32_t i = 0; i < WINEVENT_DEPTH_MAX + 1; i++)
        buf_text(&text, "<a>");
    count = 0;
    CHECK_INT(winevent_flatten(arena, buf_view(&text), count_leaf, &count, &lost, &err), RC_INVALID);
    CHECK_INT(count, 0);
    buf_clear(&text);
    buf_text(&text, HEAD "<EventData><Data Name='big'>");
    for (uint32_t i = 0; i <= WINEVENT_TEXT_MAX / 16; i++)
        buf_text(&text, "0123456789abcdef");
    buf_text(&text, "</Data><Data Name='small'>1</Data></EventData></Event>");
    CHECK_INT(winevent_flatten(arena, buf_view(&text), count_leaf, &count, &lost, &err), RC_OK);
    CHECK_INT(count, 1);
    CHECK_INT(lost, 1);
    buf_clear(&text);
    buf_text(&text, HEAD "<EventData><Data Name='");
    for (uint32_t i = 0; i < JSON_PATH_MAX; i++)
        buf_char(&text, 'x');
    buf_text(&text, "'>1</Data></EventData></Event>");
    CHECK_INT(winevent_flatten(arena, buf_view(&text), count_leaf, &count, &lost, &err), RC_OK);
    CHECK_INT(count, 1);
    CHECK_INT(lost, 1);
}

static const struct test tests[] = {
    {"texts", texts},
    {"begins", begins},
    {"finds", finds},
    {"limits", limits},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
