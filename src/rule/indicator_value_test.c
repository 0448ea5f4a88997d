#include "rule/indicator_value.h"

#include "base/test.h"

#include <string.h>

/* What reads becomes one form, written back as `want`; NULL: it is refused. */
struct row {
    const char *text;
    const char *want;
};

typedef const char *(*reader)(struct str text, struct indicator_key *ret_key);

static void check_rows(const struct row *rows, size_t count, reader read)
{
    struct indicator_key key;
    for (size_t i = 0; i < count; i++) {
        struct buf out;
        test_row("%s", rows[i].text);
        const char *reason = read(str_of(rows[i].text), &key);
        CHECK_INT(reason == NULL, rows[i].want != NULL);
        buf_init(&out, 4096);
        if (!reason && rows[i].want) {
            indicator_key_write(&out, &key);
            CHECK_TEXT(buf_view(&out), rows[i].want);
        }
        buf_done(&out);
    }
}

static const char *network(struct str text, struct indicator_key *ret_key)
{
    return indicator_address_key(text, true, ret_key);
}

static void addresses(void)
{
    static const struct row rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {" 192.0.2.1\r", "192.0.2.1"},
        {"192.0.2.1:8080", "192.0.2.1"},
        {"192.0.2.77/24", "192.0.2.0/24"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:db8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1::", "1::"},
        {"::", "::"},
        {"[2001:db8::1]:443", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"fe80::1%eth0", NULL},
        {"", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.01", NULL},
        {"192.0.2.1/33", NULL},
        {"192.0.2.1:x", NULL},
        {"[192.0.2.1", NULL},
        {"[2001:db8::1]x", NULL},
        {"2001:db8::1::2", NULL},
        {"2001:db8::/129", NULL},
        {"example.com", NULL},
    };
    check_rows(rows, ARRAY_LEN(rows), network);
}

static void domains(void)
{
    static const struct row rows[] = {
        {"Example.COM", "example.com"},
        {"example.com.", "example.com"},
        {"*.example.com", "example.com"},
        {".example.com", "example.com"},
        {"_dmarc.example.com", "_dmarc.example.com"},
        {"пример.рф", "xn--e1afmkfd.xn--p1ai"},
        {"ПРИМЕР.РФ", "xn--e1afmkfd.xn--p1ai"},
        {"қорған.қаз", "xn--80a0abi92bob.xn--80ao21a"},
        {"почемужеонинеговорятпорусски.example", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l.example"},
        {"他们为什么不说中文.example", "xn--ihqwcrb4cv8a8dqg056pqjye.example"},
        {"3年b組金八先生.example", "xn--3b-ww4c5e180e575a65lsy2b.example"},
        {"bücher.example", "xn--bcher-kva.example"},
        {"ſtraße.example", "xn--strae-oqa.example"},
        {"ſ.example", "s.example"},
        {"XN--E1AFMKFD.xn--p1ai", "xn--e1afmkfd.xn--p1ai"},
        {"localhost", "localhost"},
        {"", NULL},
        {".", NULL},
        {"..", NULL},
        {"*.", NULL},
        {"a..b", NULL},
        {"-a.example", NULL},
        {"a-.example", NULL},
        {"a b.example", NULL},
        {"192.0.2.1", NULL},
        {"a.b.1", NULL},
        {"a/b.example", NULL},
        {"\xff\xfe.example", NULL},
        {"a\xc2\xa0.example", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123.example", NULL},
    };
    struct indicator_key key;
    check_rows(rows, ARRAY_LEN(rows), indicator_domain_key);
    CHECK(indicator_domain_key(STR("*.example.com"), &key) == NULL && key.below);
    CHECK(indicator_domain_key(STR(".example.com"), &key) == NULL && key.below);
    CHECK(indicator_domain_key(STR("example.com"), &key) == NULL && !key.below);
}

/* A name of 253 bytes reads, one of 254 does not; a label of letters whose A-label is too long neither. */
static void long_domains(void)
{
    struct indicator_key key;
    char name[256];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    CHECK(indicator_domain_key(str_at(name, 253), &key) == NULL);
    CHECK(indicator_domain_key(str_at(name, 254), &key) != NULL);
    struct buf out;
    buf_init(&out, 1024);
    for (size_t i = 0; i < 64; i++)
        buf_text(&out, i % 2 ? "я" : "𐀀");
    CHECK(indicator_domain_key(buf_view(&out), &key) != NULL);
    buf_done(&out);
}

static void hashes(void)
{
    static const struct row rows[] = {
        {"44D88612FEA8A8F36DE82E1278ABB02F", "44d88612fea8a8f36de82e1278abb02f"},
        {"3395856ce81f2b7382dee72602f798b642f14140", "3395856ce81f2b7382dee72602f798b642f14140"},
        {"275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f",
         "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"},
        {"", NULL},
        {"44d88612fea8a8f36de82e1278abb02", NULL},
        {"44d88612fea8a8f36de82e1278abb02g", NULL},
        {"0x44d88612fea8a8f36de82e1278abb0", NULL},
    };
    check_rows(rows, ARRAY_LEN(rows), indicator_hash_key);
}

static void urls(void)
{
    static const struct row rows[] = {
        {"http://Evil.Example/A.exe", "http://evil.example/A.exe"},
        {"HTTPS://evil.example:443/a?b=C#d", "https://evil.example/a?b=C"},
        {"http://evil.example:80", "http://evil.example/"},
        {"http://evil.example:8080/x", "http://evil.example:8080/x"},
        {"http://user:pass@evil.example/x", "http://evil.example/x"},
        {"http://evil.example?x", "http://evil.example/?x"},
        {"http://evil.example/%7Ea%2fb%zz", "http://evil.example/~a%2Fb%zz"},
        {"evil.example/a", "evil.example/a"},
        {"ftp://evil.example/a", "ftp://evil.example/a"},
        {"http://192.0.2.1/a", "http://192.0.2.1/a"},
        {"http://[2001:DB8::1]:8080/a", "http://[2001:db8::1]:8080/a"},
        {"http://пример.рф/путь", "http://xn--e1afmkfd.xn--p1ai/путь"},
        {"", NULL},
        {"http://", NULL},
        {"http:///a", NULL},
        {"http://a b/", NULL},
        {"http://evil.example/a b", NULL},
        {"http://evil.example:port/", NULL},
        {"http://evil.example:123456/", NULL},
        {"http://[2001:db8::1/", NULL},
    };
    struct indicator_key a;
    struct indicator_key b;
    check_rows(rows, ARRAY_LEN(rows), indicator_url_key);
    CHECK(!indicator_url_key(STR("https://e.example:443/x"), &a) && !indicator_url_key(STR("http://e.example/x"), &b));
    CHECK_STR(str_at(a.bytes, a.n), str_at(b.bytes, b.n));
    char text[3000];
    memset(text, 'a', sizeof text);
    memcpy(text, "http://e.example/", 17);
    CHECK(indicator_url_key(str_at(text, sizeof text), &a) != NULL);
    CHECK_TEXT(indicator_url_host(STR("http://u@h.example:1/x")), "h.example");
    CHECK_TEXT(indicator_url_host(STR("http://[2001:db8::1]:1/x")), "2001:db8::1");
    CHECK_INT(indicator_url_host(STR("h.example/x")).n, 0);
}

static void guesses(void)
{
    static const struct {
        const char *text;
        int kind; /* -1: none */
    } rows[] = {
        {"192.0.2.1", INDICATOR_ADDRESS},
        {"192.0.2.0/24", INDICATOR_ADDRESS},
        {"192.0.2.1:80", INDICATOR_ADDRESS},
        {"192.0.2.1/99", -1},
        {"300.0.2.1", -1},
        {"2001:db8::", INDICATOR_ADDRESS},
        {"evil.example", INDICATOR_DOMAIN},
        {"*.evil.example", INDICATOR_DOMAIN},
        {"evil.example/x", INDICATOR_URL},
        {"192.0.2.1/x.exe", INDICATOR_URL},
        {"https://evil.example", INDICATOR_URL},
        {"44d88612fea8a8f36de82e1278abb02f", INDICATOR_HASH},
        {"", -1},
        {"a sentence of words", -1},
        {"<script>", -1},
        {"C:\\a.exe", -1},
    };
    struct indicator_key key;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].text);
        const char *reason = indicator_guess_key(str_of(rows[i].text), &key);
        CHECK_INT(reason ? -1 : (int)key.kind, rows[i].kind);
    }
}

static void unfit_values(void)
{
    static const struct {
        const char *text;
        bool unfit;
    } rows[] = {
        {"0.0.0.0/0", true},
        {"::/0", true},
        {"10.0.0.0/7", true},
        {"10.0.0.0/8", false},
        {"2000::/3", true},
        {"2001:db8::/32", false},
        {"::/64", true},
        {"127.0.0.1", true},
        {"::1", true},
        {"::", true},
        {"0.0.0.0", true},
        {"255.255.255.255", true},
        {"192.0.2.1", false},
        {"localhost", true},
        {"*.kz", true},
        {"gov.kz", false},
        {"::2", false},
        {"d41d8cd98f00b204e9800998ecf8427e", true},
        {"da39a3ee5e6b4b0d3255bfef95601890afd80709", true},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", true},
    };
    struct indicator_key key;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].text);
        if (CHECK(indicator_guess_key(str_of(rows[i].text), &key) == NULL))
            CHECK_INT(indicator_key_unfit(&key) != NULL, rows[i].unfit);
    }
}

static void refanging(void)
{
    static const struct row rows[] = {
        {"hxxp://1[.]2[.]3[.]4", "http://1.2.3.4"},
        {"hXXps[://]evil(.)example[/]x", "https://evil.example/x"},
        {"evil{.}example", "evil.example"},
        {"evil[dot]example", "evil.example"},
        {"evil(DOT)example", "evil.example"},
        {"hxxp[:]//e.example", "http://e.example"},
        {"2001[:]db8[:]:1", "2001:db8::1"},
        {"user[@]e.example", "user@e.example"},
        {"fxp://e.example", "ftp://e.example"},
        {"http://[2001:db8::1]/", "http://[2001:db8::1]/"},
        {"  e\\.example ", "e.example"},
        {"hxx", "hxx"},
    };
    char text[INDICATOR_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = indicator_refang(str_of(rows[i].text), text);
        CHECK_TEXT(str_at(text, n), rows[i].want);
    }
    char long_text[INDICATOR_TEXT_MAX + 1];
    memset(long_text, 'a', sizeof long_text);
    CHECK_INT(indicator_refang(str_at(long_text, sizeof long_text), text), 0);
    CHECK_INT(indicator_refang(str_at(long_text, INDICATOR_TEXT_MAX), text), INDICATOR_TEXT_MAX);
}

/* Whatever is cut off a value or changed in it, a form that reads is read the same from what it is written as. */
static void forms_are_stable(void)
{
    static const char *const good[] = {"192.0.2.77/24", "2001:db8::1", "a.пример.рф", "https://e.example:8443/a%20b?c",
                                       "44d88612fea8a8f36de82e1278abb02f"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        for (size_t cut = 0; cut <= strlen(good[i]); cut++)
            for (unsigned flip = 0; flip < 256; flip++) {
                char text[128];
                struct indicator_key key;
                struct indicator_key again;
                struct buf out;
                memcpy(text, good[i], cut);
                if (cut)
                    text[cut / 2] = (char)((unsigned char)text[cut / 2] ^ flip);
                if (indicator_guess_key(str_at(text, cut), &key))
                    continue;
                buf_init(&out, 4096);
                indicator_key_write(&out, &key);
                test_row("%.*s", STR_ARG(buf_view(&out)));
                CHECK(indicator_guess_key(buf_view(&out), &again) == NULL);
                CHECK(again.n == key.n && again.kind == key.kind && memcmp(again.bytes, key.bytes, key.n) == 0);
                buf_done(&out);
            }
}

static const struct test tests[] = {
    {"addresses and networks", addresses},
    {"domain names, case, IDN, subdomains", domains},
    {"the longest names", long_domains},
    {"hashes", hashes},
    {"URLs", urls},
    {"kinds are guessed", guesses},
    {"what would match everything is unfit", unfit_values},
    {"defanged values", refanging},
    {"a form reads back as itself", forms_are_stable},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
