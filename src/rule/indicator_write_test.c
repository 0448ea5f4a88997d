/* Lists come out as CSV and read back as they were. */
#include "rule/indicator_write.h"

#include "base/test.h"
#include "rule/indicator_read.h"

#include <stdio.h>
#include <string.h>

static struct indicators *read_text(struct str text)
{
    struct err err = {0};
    struct indicators *indicators = indicators_new(7);
    struct indicator_reading reading = {.indicators = indicators};
    CHECK(indicators != NULL);
    CHECK_INT(indicators_list(indicators, STR("list"), &err), RC_OK);
    CHECK_INT(indicator_read(&reading, text, &err), RC_OK);
    indicators_finish(indicators);
    return indicators;
}

static uint32_t write_all(const struct indicators *indicators, struct buf *out)
{
    uint32_t refused = 0;
    indicator_names_write(out);
    for (uint32_t i = 0; i < indicators_count(indicators); i++) {
        struct indicator one;
        indicators_at(indicators, i, &one);
        size_t before = out->n;
        bool written = indicator_line_write(&one, out);
        CHECK(written || out->n == before);
        CHECK(out->n - before <= INDICATOR_LINE_MAX);
        refused += !written;
    }
    return refused;
}

static const char *const texts[] = {
    "value,note,confidence,valid_from,valid_until,subdomains\n"
    "198.51.100.7,C2,80,2026-01-01,2026-12-31,\n"
    "2001:db8::/32,\"says \"\"hello\"\", twice\",,,,\n"
    "192.0.2.0/24,,0,,,\n"
    "evil.example,,100,1970-01-01T00:00:01Z,,yes\n"
    "evil.example,\"a, \"\"b\"\"\",,,,\n"
    "hxxps://a[.]example/x?y=\"z\",phish,,,,\n"
    "ftp://files.example/a,;|,,,,\n"
    "44d88612fea8a8f36de82e1278abb02f,# no comment,,,,\n",
    "# subdomains: yes\n.xn--e1afmkfd.xn--p1ai\nпример.рф\n\"quoted.example\",\"two\nlines\ttabs\"\n",
    "{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\",\"pattern_type\":\"stix\",\"name\":\"a \\\"b\\\"\\nc\","
    "\"valid_from\":\"2026-01-01T00:00:00Z\",\"valid_until\":\"2027-01-01T00:00:00Z\",\"confidence\":7,"
    "\"pattern\":\"[domain-name:value = 'e.example' OR url:value = 'http://f.example:8080/a,b;c|d']\"}]}",
    "{\"Event\":{\"Attribute\":[{\"type\":\"ip-dst|port\",\"value\":\"203.0.113.6|443\",\"comment\":\"\\u0000\\u0007,"
    "\","
    "\"to_ids\":true}]}}",
};

static void there_and_back(void)
{
    for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
        struct buf once;
        struct buf twice;
        test_row("%zu", t);
        buf_init(&once, 65536);
        buf_init(&twice, 65536);
        struct indicators *first = read_text(str_of(texts[t]));
        CHECK(indicators_count(first) > 0);
        CHECK_INT(write_all(first, &once), 0);
        struct indicators *second = read_text(buf_view(&once));
        CHECK_INT(indicators_list_at(second, 0).refused, 0);
        CHECK_INT(write_all(second, &twice), 0);
        CHECK_TEXT(buf_view(&twice), buf_z(&once));
        CHECK_INT(indicators_count(first), indicators_count(second));
        for (uint32_t i = 0; i < indicators_count(first) && i < indicators_count(second); i++) {
            struct indicator a;
            struct indicator b;
            indicators_at(first, i, &a);
            indicators_at(second, i, &b);
            CHECK(a.key.kind == b.key.kind && a.key.below == b.key.below && a.key.bits == b.key.bits);
            CHECK(a.key.n == b.key.n && memcmp(a.key.bytes, b.key.bytes, a.key.n) == 0);
            CHECK(a.from_ns == b.from_ns && a.until_ns == b.until_ns && a.confidence == b.confidence);
        }
        indicators_free(first);
        indicators_free(second);
        buf_done(&once);
        buf_done(&twice);
    }
}

static void lines(void)
{
    struct buf out;
    struct indicators *indicators = read_text(STR("value,note,confidence,valid_until\n"
                                                  "hxxp://a[.]example/b,\"x \"\"y\"\"\",5,2026-12-31\n"
                                                  "*.evil.example,,,\n"));
    buf_init(&out, 65536);
    CHECK_INT(write_all(indicators, &out), 0);
    CHECK_TEXT(buf_view(&out), "value,type,note,confidence,valid_from,valid_until,subdomains\n"
                               "\"http://a.example/b\",url,\"x \"\"y\"\"\",5,,2027-01-01T00:00:00Z,\n"
                               "\"evil.example\",domain,,,,,yes\n");
    indicators_free(indicators);
    buf_done(&out);
}

/* A value that is undone once more when it is read again would be another one. */
static void what_does_not_read_back(void)
{
    struct buf out;
    struct indicator one = {.key = {.kind = INDICATOR_URL, .scheme = INDICATOR_HTTP}, .confidence = -1};
    static const char *const values[] = {"a.example/x[.]y", "a.example/x[dot]y", "", "a b"};
    buf_init(&out, 65536);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        test_row("%s", values[i]);
        one.key.n = (uint16_t)strlen(values[i]);
        memcpy(one.key.bytes, values[i], one.key.n);
        CHECK(!indicator_line_write(&one, &out));
    }
    one.key.kind = INDICATOR_ADDRESS;
    one.key.n = 16;
    one.key.bits = 0;
    memset(one.key.bytes, 0, sizeof one.key.bytes);
    IGNORE(indicator_line_write(&one, &out)); /* the whole of IPv6 may be written; it is refused when it is read */
    buf_done(&out);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"lists are written and read back as they were", there_and_back},
        {"a line", lines},
        {"what would not read back is not written", what_does_not_read_back},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
