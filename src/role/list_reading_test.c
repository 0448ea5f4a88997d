/* A file that a person gave: what is kept of it, what is shown, what differs from the version that stands. */
#include "role/list_reading.h"

#include "base/test.h"
#include "codec/json.h"

#include <string.h>

struct kept {
    struct buf text;
    size_t parts;
    size_t most; /* parts, then nobody wants it */
};

static bool on_part(void *context, struct str lines)
{
    struct kept *kept = context;
    CHECK(lines.n > 0 && lines.n <= OWN_LIST_PART && lines.p[lines.n - 1] == '\n');
    buf_str(&kept->text, lines);
    kept->parts++;
    return kept->parts < kept->most;
}

static struct arena *arena;
static struct buf preview;
static struct kept kept;
static struct own_list_end end;
static struct json_value *json;

static enum rc read_list(struct str text, struct str base)
{
    struct err err = {0};
    const struct list_reading reading = {
        .text = text, .base = base, .days = 0, .seed = 7, .part = on_part, .context = &kept};
    buf_clear(&preview);
    buf_clear(&kept.text);
    kept.parts = 0;
    json = NULL;
    enum rc rc = list_reading_run(&reading, &preview, &end, &err);
    if (rc == RC_OK)
        CHECK_INT(json_parse(arena, end.preview, 4, &json, &err), RC_OK);
    return rc;
}

static size_t count(const char *name)
{
    const struct json_value *list = json_get(json, name);
    return list ? list->count : SIZE_MAX;
}

static struct str first(const char *list, const char *name)
{
    return json_str(json_get(json_first(json_get(json, list)), name), STR("?"));
}

static void begin(void)
{
    arena = arena_new((size_t)64 << 20);
    buf_init(&preview, OWN_LIST_PREVIEW);
    buf_init(&kept.text, (size_t)64 << 20);
    kept.most = SIZE_MAX;
}

static void over(void)
{
    buf_done(&preview);
    buf_done(&kept.text);
    arena_free(arena);
}

#define NAMES "value,type,note,confidence,valid_from,valid_until,subdomains\n"

static void what_is_kept_and_shown(void)
{
    begin();
    CHECK_INT(read_list(STR("value,note\n198.51.100.7,C2\nnothing at all\n127.0.0.1,\n*.evil.example,\n198.51.100.7,\n"
                            "hxxp://a.example/x,\n44d88612fea8a8f36de82e1278abb02f,\n"),
                        STR("")),
              RC_OK);
    CHECK_TEXT(buf_view(&kept.text), NAMES "\"198.51.100.7\",address,\"C2\",,,,\n"
                                           "\"evil.example\",domain,,,,,yes\n"
                                           "\"http://a.example/x\",url,,,,,\n"
                                           "\"44d88612fea8a8f36de82e1278abb02f\",hash,,,,,\n");
    CHECK(end.kinds[0] == 1 && end.kinds[1] == 1 && end.kinds[2] == 1 && end.kinds[3] == 1);
    CHECK(end.fault.n == 0 && end.refused == 2 && end.repeated == 1 && end.fresh == 4 && end.same == 0);
    CHECK(count("rows") == 4 && count("reasons") == 2 && count("new") == SIZE_MAX); /* nothing stands */
    CHECK_TEXT(first("reasons", "reason"), "of no known kind");
    CHECK_INT(json_int(json_get(json_first(json_get(json, "reasons")), "line"), 0), 3);
    CHECK_TEXT(first("rows", "note"), "C2");
    CHECK_TEXT(first("rows", "kind"), "address");
    over();
}

static void what_differs(void)
{
    begin();
    CHECK_INT(read_list(STR("value,note\n192.0.2.1,a\n192.0.2.2,\n192.0.2.3,\nb.example,\n"), STR("")), RC_OK);
    struct buf base;
    buf_init(&base, 65536);
    buf_text(&base, "# qorgan 7\n# expires: 2030-01-01\n# list-source: x\n# list-confidence: 5\n");
    buf_str(&base, buf_view(&kept.text));
    CHECK_INT(read_list(STR("value,note\n192.0.2.1,a\n192.0.2.2,other\n.b.example,\n"), buf_view(&base)), RC_OK);
    CHECK(end.same == 1 && end.changed == 1 && end.fresh == 1 && end.gone == 2);
    CHECK_TEXT(first("changed", "value"), "192.0.2.2");
    CHECK_TEXT(first("changed", "note"), "other");
    CHECK_TEXT(first("new", "value"), "b.example"); /* with its subdomains it is another one */
    CHECK_TEXT(first("gone", "value"), "192.0.2.3");
    CHECK(count("gone") == 2);
    CHECK_INT(read_list(STR("value,note\n192.0.2.1,a\n192.0.2.2,\n192.0.2.3,\nb.example,\n"), buf_view(&base)), RC_OK);
    CHECK(end.same == 4 && end.changed == 0 && end.fresh == 0 && end.gone == 0);
    buf_done(&base);
    over();
}

/* More than a part, each part of whole lines; all of it reads as the same list again. */
static void many(void)
{
    struct buf text;
    begin();
    buf_init(&text, (size_t)8 << 20);
    for (unsigned i = 0; i < 40000; i++)
        buf_format(&text, "host%u.example\n", i);
    CHECK_INT(read_list(buf_view(&text), STR("")), RC_OK);
    CHECK(kept.parts > 2 && end.kinds[1] == 40000 && end.refused == 0);
    CHECK(count("rows") == LIST_READING_ROWS);
    struct str copy = arena_str(arena, buf_view(&kept.text));
    CHECK_INT(read_list(copy, copy), RC_OK);
    CHECK(end.same == 40000 && end.fresh == 0);
    kept.most = 2;
    CHECK_INT(read_list(copy, STR("")), RC_END);
    CHECK_INT(kept.parts, 2);
    buf_done(&text);
    over();
}

/* What is hostile is shown within its room. */
static void hostile(struct buf *text, char host, char note)
{
    for (unsigned i = 0; i < 64; i++) {
        buf_format(text, "http://%c%u.example/", host, i);
        for (unsigned k = 0; k < 1900; k++)
            buf_char(text, '"');
        buf_text(text, "\t\xff\xff");
        for (unsigned k = 0; k < 190; k++)
            buf_char(text, note);
        buf_text(text, "\n");
    }
    for (unsigned i = 0; i < 100; i++)
        buf_format(text, "bad value %u\n", i);
}

static void the_largest(void)
{
    struct buf text;
    struct buf base;
    begin();
    buf_init(&text, (size_t)8 << 20);
    buf_init(&base, (size_t)8 << 20);
    hostile(&text, 'a', '\x02');
    hostile(&text, 'b', '\x02');
    hostile(&base, 'a', '\xfe');
    hostile(&base, 'c', '\x02');
    CHECK_INT(read_list(buf_view(&text), buf_view(&base)), RC_OK);
    CHECK(count("rows") == LIST_READING_ROWS && count("gone") == LIST_READING_DIFFERENT);
    CHECK(count("new") == LIST_READING_DIFFERENT && count("changed") == LIST_READING_DIFFERENT && end.refused > 0);
    buf_done(&text);
    buf_done(&base);
    over();
}

static void nothing(void)
{
    static const char *const texts[] = {"", "\n", "{}", "[", "# no more\n", "{\"objects\":[", "value\n"};
    begin();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        test_row("%s", texts[i]);
        CHECK_INT(read_list(str_of(texts[i]), STR("")), RC_OK);
        CHECK(end.kinds[0] + end.kinds[1] + end.kinds[2] + end.kinds[3] == 0);
    }
    over();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is kept and shown", what_is_kept_and_shown},
        {"what differs from what stands", what_differs},
        {"many parts", many},
        {"the largest that is shown", the_largest},
        {"nothing in it", nothing},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
