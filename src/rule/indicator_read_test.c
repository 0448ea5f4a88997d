#include "rule/indicator_read.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define NOW_NS (INT64_C(1795158000) * 1000000000) /* 2026-11-20 */
#define DAY_NS (INT64_C(86400) * 1000000000)

/* A file, the values that are taken of it ("kind value note", in order) and the reasons of refusals. */
struct row {
    const char *name;
    const char *text;
    const char *taken;
    const char *refused; /* "LINE reason; " */
};

static struct indicators *read_text(struct str text, bool all)
{
    struct err err = {0};
    struct indicators *indicators = indicators_new(7);
    struct indicator_reading reading = {.indicators = indicators, .all = all};
    CHECK(indicators != NULL);
    CHECK_INT(indicators_list(indicators, STR("list"), &err), RC_OK);
    CHECK_INT(indicator_read(&reading, text, &err), RC_OK);
    indicators_finish(indicators);
    return indicators;
}

static void taken_write(const struct indicators *indicators, struct buf *out)
{
    for (uint32_t i = 0; i < indicators_count(indicators); i++) {
        struct indicator one;
        indicators_at(indicators, i, &one);
        buf_format(out, "%s%s %s", i ? ", " : "", indicator_kind_name(one.key.kind), one.key.below ? "*." : "");
        indicator_key_write(out, &one.key);
        if (one.note.n)
            buf_format(out, " (%.*s)", STR_ARG(one.note));
    }
}

static void refused_write(const struct indicators *indicators, struct buf *out)
{
    struct indicator_list list = indicators_list_at(indicators, 0);
    for (size_t i = 0; i < list.reason_count; i++)
        buf_format(out, "%s%u %s", i ? "; " : "", list.reasons[i].line, list.reasons[i].text);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf out;
        test_row("%s", rows[i].name);
        buf_init(&out, 65536);
        struct indicators *indicators = read_text(str_of(rows[i].text), false);
        taken_write(indicators, &out);
        CHECK_TEXT(buf_view(&out), rows[i].taken);
        buf_clear(&out);
        refused_write(indicators, &out);
        CHECK_TEXT(buf_view(&out), rows[i].refused);
        indicators_free(indicators);
        buf_done(&out);
    }
}

static void csv_files(void)
{
    static const struct row rows[] = {
        {"one a line", "192.0.2.1\nevil.example\r\n\n# comment\nhxxp://e[.]example/a,b\n",
         "address 192.0.2.1, "
         "domain evil.example, url http://e.example/a,b",
         ""},
        {"with notes", "192.0.2.1,C2 server\n192.0.2.2;scanner\nevil.example\tphishing\n",
         "address 192.0.2.1 (C2 server), address 192.0.2.2 (scanner), domain evil.example (phishing)", ""},
        {"header",
         "type,value,note\nip-dst,192.0.2.1,C2\nsha256,275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aab"
         "f651fd0f,EICAR\n",
         "address 192.0.2.1 (C2), hash 275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
         " (EICAR)",
         ""},
        {"semicolons, BOM, case", "\xef\xbb\xbfValue;Subdomains\nEVIL.example;yes\nb.example;no\n",
         "domain *.evil.example, domain b.example", ""},
        {"typed columns", "md5,domain\n44d88612fea8a8f36de82e1278abb02f,evil.example\n,b.example\n",
         "hash 44d88612fea8a8f36de82e1278abb02f, domain evil.example, domain b.example", ""},
        {"names in a comment, loose quotes",
         "# Feed\n# \"first_seen_utc\",\"ioc_value\",\"ioc_type\",\"malware\"\n#####\n"
         "\"2026-01-01 10:00:00\", \"192.0.2.1:443\", \"ip:port\", \"Emotet\"\n",
         "address 192.0.2.1 (Emotet)", ""},
        {"quotes over lines", "value,note\nevil.example,\"one\ntwo\"\n192.0.2.1,x\n300.1.1.1,\n",
         "domain evil.example (one\ntwo), address 192.0.2.1 (x)", "5 of no known kind"},
        {"type and value differ", "type,value\nip,evil.example\ndomain,192.0.2.1\nmd5,aa\nmutex,x\n,192.0.2.9\n",
         "address 192.0.2.9",
         "2 not an address or network; 3 not a domain name; 4 not an MD5, SHA-1 or SHA-256; "
         "5 type \"mutex\" is not looked for"},
        {"composite",
         "type,value\ndomain|ip,evil.example|192.0.2.1\nfilename|md5,a.exe|44d88612fea8a8f36de82e1278abb02f\n",
         "domain evil.example, address 192.0.2.1, hash 44d88612fea8a8f36de82e1278abb02f", ""},
        {"directives", "# subdomains: yes\n# expires: never\nevil.example\n192.0.2.1\n",
         "domain *.evil.example, address 192.0.2.1", "2 a time that does not read"},
        {"what a list says of itself",
         "# List-Source: a centre, of others\nvalue,note\n192.0.2.1,\n192.0.2.2,own\n# list-source:\n192.0.2.3,\n",
         "address 192.0.2.1 (a centre, of others), address 192.0.2.2 (own), address 192.0.2.3", ""},
        {"the same without names", "# list-source: a centre\n192.0.2.1\n192.0.2.2;own\n\"192.0.2.3\"\n",
         "address 192.0.2.1 (a centre), address 192.0.2.2 (own), address 192.0.2.3 (a centre)", ""},
        {"bad times", "value,expires\nevil.example,soon\nb.example,\n", "domain b.example",
         "2 a time that does not read"},
        {"no values", "value,note\n,x\n", "", "2 a row without a value"},
        {"unfit", "0.0.0.0/0\n127.0.0.1\nlocalhost\nd41d8cd98f00b204e9800998ecf8427e\n", "",
         "1 a network so wide that it says nothing; 2 an address that every machine has; 3 a name of one label; "
         "4 the hash of an empty file"},
        {"broken quotes", "value,note\nevil.example,\"x\"y\n\"b.example\nc.example\n", "domain c.example",
         "2 text behind a closing quote; 3 a quote is never closed"},
        {"empty", "", "", ""},
        {"only comments", "# a: b\n#\n", "", ""},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

#define OBJECT(pattern)                                                                                                \
    "{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\",\"pattern_type\":\"stix\",\"pattern\":\"" pattern "\"}" \
    "]}"

static void stix_bundles(void)
{
    static const struct row rows[] = {
        {"address", OBJECT("[ipv4-addr:value = '192.0.2.1']"), "address 192.0.2.1", ""},
        {"network", OBJECT("[ipv4-addr:value ISSUBSET '192.0.2.0/24']"), "address 192.0.2.0/24", ""},
        {"v6", OBJECT("[ipv6-addr:value='2001:db8::1']"), "address 2001:db8::1", ""},
        {"hash", OBJECT("[file:hashes.'SHA-256' = '275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f']"),
         "hash 275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", ""},
        {"or",
         OBJECT("[domain-name:value = 'evil.example' OR url:value = 'http://e.example/it\\\\'s'] OR "
                "[file:hashes.MD5 = '44d88612fea8a8f36de82e1278abb02f']"),
         "domain evil.example, url http://e.example/it's, hash 44d88612fea8a8f36de82e1278abb02f", ""},
        {"in", OBJECT("[domain-name:value IN ('a.example', 'b.example')]"), "domain a.example, domain b.example", ""},
        {"and", OBJECT("[file:hashes.MD5 = '44d88612fea8a8f36de82e1278abb02f' AND file:name = 'x']"), "",
         "1 pattern with \"AND\""},
        {"part of or", OBJECT("[domain-name:value = 'a.example' OR process:name = 'x']"), "",
         "1 pattern on \"process:name\""},
        {"followed", OBJECT("[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']"), "",
         "1 pattern with \"FOLLOWEDBY\""},
        {"within", OBJECT("[domain-name:value = 'a.example'] WITHIN 5 SECONDS"), "", "1 pattern with \"WITHIN\""},
        {"not", OBJECT("[domain-name:value != 'a.example']"), "", "1 pattern with \"!=\""},
        {"like", OBJECT("[domain-name:value LIKE '%.example']"), "", "1 pattern with \"LIKE\""},
        {"matches", OBJECT("[url:value MATCHES 'a']"), "", "1 pattern with \"MATCHES\""},
        {"brackets", OBJECT("[(domain-name:value = 'a.example')]"), "", "1 pattern with \"(\""},
        {"unclosed", OBJECT("[domain-name:value = 'a.example'"), "", "1 a pattern that does not read"},
        {"no quote", OBJECT("[domain-name:value = 'a.example]"), "", "1 a pattern that does not read"},
        {"bad value", OBJECT("[ipv4-addr:value = 'x']"), "", "1 not an address or network"},
        {"empty", OBJECT(""), "", "1 an indicator without a pattern"},
        {"another language",
         "{\"objects\":[{\"type\":\"indicator\",\"pattern_type\":\"yara\",\"pattern\":\"x\"},\n"
         "{\"type\":\"malware\"}]}",
         "", "1 pattern type \"yara\" is not looked for"},
        {"names and lines",
         "{\"objects\":[\n{\"type\":\"indicator\",\"name\":\"\\u0421\\u0432\\u044f\\u0437\\u044c\",\n\"pattern\":"
         "\"[domain-name:value = 'a.example']\"},\n{\"type\":\"indicator\",\"pattern\":\"[x:y = 'z']\"}]}",
         "domain a.example (Связь)", "4 pattern on \"x:y\""},
        {"revoked",
         "{\"objects\":[{\"type\":\"indicator\",\"revoked\":true,\"pattern\":\"[domain-name:value = 'a.example']\"}]}",
         "", ""},
        {"backward",
         "{\"objects\":[{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'a.example']\",\"valid_from\":"
         "\"2026-01-02T00:00:00Z\",\"valid_until\":\"2026-01-01T00:00:00Z\"}]}",
         "", "1 it ends before it begins"},
        {"bad time",
         "{\"objects\":[{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'a.example']\",\"valid_from\":"
         "\"x\"}]}",
         "", "1 a time that does not read"},
        {"breaks off",
         "{\"objects\":[{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'a.example']\"},{\"type",
         "domain a.example", "1 the text ends inside a string"},
        {"something else", "{\"a\":[1,2,{}]}", "", "1 no STIX bundle and no MISP event"},
        {"empty object", "{}", "", "1 no STIX bundle and no MISP event"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void misp_events(void)
{
    static const struct row rows[] = {
        {"event",
         "{\"Event\":{\"info\":\"Campaign\",\"Attribute\":[{\"type\":\"ip-dst\",\"value\":\"192.0.2.1\",\"to_ids\":"
         "true},"
         "{\"type\":\"domain\",\"value\":\"evil.example\",\"to_ids\":true,\"comment\":\"C2\"},"
         "{\"type\":\"domain\",\"value\":\"good.example\",\"to_ids\":false}]}}",
         "address 192.0.2.1 (Campaign), domain evil.example (C2)", ""},
        {"objects",
         "{\"Event\":{\"Object\":[{\"name\":\"file\",\"Attribute\":[{\"type\":\"filename|sha256\",\"to_ids\":\"1\","
         "\"value\":\"a|275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f\"}]}]}}",
         "hash 275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", ""},
        {"several events",
         "{\"response\":[{\"Event\":{\"info\":\"A\",\"Attribute\":[{\"type\":\"url\",\"value\":\"http://a.example/\","
         "\"to_ids\":true}]}},{\"Event\":{\"Attribute\":[{\"type\":\"hostname\",\"value\":\"b.example\",\"to_ids\":"
         "true,"
         "\"Tag\":[{\"name\":\"tlp:red\"}]}]}}]}",
         "url http://a.example/ (A), domain b.example", ""},
        {"related events",
         "{\"Event\":{\"info\":\"A\",\"RelatedEvent\":[{\"Event\":{\"info\":\"B\"}}],\"Attribute\":[{\"type\":"
         "\"domain\","
         "\"value\":\"a.example\",\"to_ids\":true}]}}",
         "domain a.example (A)", ""},
        {"array",
         "[{\"Event\":{\"Attribute\":[{\"type\":\"ip-dst|port\",\"value\":\"192.0.2.1|443\",\"to_ids\":true}]}}]",
         "address 192.0.2.1", ""},
        {"two values",
         "{\"Event\":{\"Attribute\":[{\"type\":\"domain|ip\",\"value\":\"a.example|192.0.2.1\",\"to_ids\":true}]}}",
         "domain a.example, address 192.0.2.1", ""},
        {"deleted, unknown",
         "{\"Event\":{\"Attribute\":[{\"type\":\"md5\",\"value\":\"44d88612fea8a8f36de82e1278abb02f\","
         "\"to_ids\":true,\"deleted\":true},\n{\"type\":\"mutex\",\"value\":\"x\",\"to_ids\":true},\n{\"value\":\"x\","
         "\"to_ids\":true}"
         "]}}",
         "", "2 type \"mutex\" is not looked for; 3 type \"\" is not looked for"},
        {"proposals are none",
         "{\"Event\":{\"ShadowAttribute\":[{\"type\":\"ip-dst\",\"value\":\"192.0.2.1\",\"to_ids\":true}],"
         "\"Attribute\":[]}}",
         "", ""},
    };
    check_rows(rows, ARRAY_LEN(rows));
    struct indicators *all =
        read_text(STR("{\"Event\":{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\"}]}}"), true);
    CHECK_INT(indicators_count(all), 1);
    indicators_free(all);
    struct indicators *some =
        read_text(STR("{\"Event\":{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\"}]}}"), false);
    CHECK_INT(indicators_count(some), 0);
    CHECK_INT(indicators_list_at(some, 0).passed, 1);
    indicators_free(some);
}

static void confidence_of_the_list(void)
{
    static const struct {
        const char *text;
        int32_t confidence;
    } rows[] = {
        {"# list-confidence: 70\n192.0.2.1\n", 70},
        {"# list-confidence: 700\n192.0.2.1\n", 100},
        {"# list-confidence: high\n192.0.2.1\n", -1},
        {"# confidence: 70\n192.0.2.1\n", -1}, /* a comment as any */
        {"# list-confidence: 70\nvalue,confidence\n192.0.2.1,5\n", 5},
        {"# list-confidence: 70\nvalue,confidence\n192.0.2.1,\n", 70},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct indicator one = {0};
        struct indicators *indicators = read_text(str_of(rows[i].text), false);
        test_row("%s", rows[i].text);
        if (CHECK_INT(indicators_count(indicators), 1)) {
            indicators_at(indicators, 0, &one);
            CHECK_INT(one.confidence, rows[i].confidence);
        }
        indicators_free(indicators);
    }
}

static void times(void)
{
    static const struct {
        const char *text;
        bool end;
        int64_t day; /* since NOW_NS' day; INT64_MIN: no time */
    } rows[] = {
        {"2026-11-20", false, 0}, {"2026-11-20", true, 1},           {"2026-11-21T00:00:00Z", true, 1},
        {"1795132800", false, 0}, {"2026-11-21 00:00:00", false, 1}, {"soon", false, INT64_MIN},
        {"", false, INT64_MIN},   {"2026-13-01", false, INT64_MIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t time_ns = 0;
        test_row("%s", rows[i].text);
        bool good = indicator_time(str_of(rows[i].text), rows[i].end, &time_ns);
        CHECK_INT(good, rows[i].day != INT64_MIN);
        if (good)
            CHECK_INT(time_ns - rows[i].day * DAY_NS, INT64_C(1795132800) * 1000000000);
    }
    static const struct {
        const char *text;
        bool holds;
    } lists[] = {
        {"value,expires\nevil.example,2026-11-19\n", false},
        {"value,expires\nevil.example,2026-11-20\n", true},
        {"value,valid_from\nevil.example,2026-11-21\n", false},
        {"# expires: 2026-01-01\nevil.example\n", false},
        {"{\"objects\":[{\"type\":\"indicator\",\"pattern\":\"[domain-name:value='evil.example']\",\"valid_until\":"
         "\"2026-11-01T00:00:00Z\"}]}",
         false},
        {"{\"objects\":[{\"type\":\"indicator\",\"pattern\":\"[domain-name:value='evil.example']\",\"valid_until\":"
         "\"2027-11-01T00:00:00Z\"}]}",
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct indicators *indicators = read_text(str_of(lists[i].text), false);
        test_row("%s", lists[i].text);
        if (CHECK_INT(indicators_count(indicators), 1))
            CHECK_INT(indicators_holds(indicators, 0, NOW_NS, false), lists[i].holds);
        indicators_free(indicators);
    }
}

/* Every beginning of each kind of file, and one of its bytes changed, is read without harm. */
static void truncations_and_flips(void)
{
    static const char *const files[] = {
        "type,value,note,expires\nip-dst,192.0.2.1,\"a \"\"b\"\"\",2026-12-01\n\"x\", \"y\"\n",
        OBJECT("[domain-name:value IN ('a.example', 'b.example')] OR [file:hashes.'SHA-256' = 'x\\\\'y']"),
        "{\"Event\":{\"info\":\"A\",\"Attribute\":[{\"type\":\"domain|ip\",\"value\":\"a.example|1.2.3.4\"}]}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char text[512];
        size_t n = strlen(files[i]);
        for (size_t at = 0; at < n; at++) {
            memcpy(text, files[i], n);
            indicators_free(read_text(str_at(text, at), true));
            for (unsigned flip = 1; flip < 256; flip <<= 1) {
                text[at] = (char)((unsigned char)files[i][at] ^ flip);
                indicators_free(read_text(str_at(text, n), true));
            }
        }
    }
}

static const struct test tests[] = {
    {"CSV files", csv_files},     {"STIX bundles", stix_bundles},
    {"MISP events", misp_events}, {"confidence that a list says of itself", confidence_of_the_list},
    {"times and expiry", times},  {"truncated and changed files", truncations_and_flips},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
