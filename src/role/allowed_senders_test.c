#include "role/allowed_senders.h"

#include "base/test.h"

#include <string.h>

static struct config config;
static struct allowed_senders allowed;

static enum rc read_list(const char *text, struct err *err)
{
    config_defaults(&config);
    config.snmp_senders = str_of(text);
    return allowed_senders_read(&config, RECEIVER_SNMP, &allowed, err);
}

static void who_may_send(void)
{
    static const struct {
        const char *list;
        const char *address;
        bool want;
    } rows[] = {
        {"", "203.0.113.9", true},
        {"   ", "203.0.113.9", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "192.0.2.10", false},
        {"192.0.2.0/24 10.0.0.0/8", "10.255.0.1", true},
        {"192.0.2.0/24  10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.0/31", "192.0.2.1", true},
        {"192.0.2.0/31", "192.0.2.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"192.0.2.1", "", false},
        {"192.0.2.1", "local", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s in %s", rows[i].address, rows[i].list);
        CHECK_INT(read_list(rows[i].list, NULL), RC_OK);
        CHECK_INT(allowed_sender(&allowed, rows[i].address), rows[i].want);
        CHECK_INT(allowed_sender(&allowed, rows[i].address), rows[i].want); /* as remembered */
        CHECK_INT(allowed_sender(&allowed, "198.51.100.77"),
                  allowed.count == 0 || strstr(rows[i].list, "0.0.0.0/0") || strstr(rows[i].list, "::/0"));
        CHECK_INT(allowed_sender(&allowed, rows[i].address), rows[i].want);
    }
}

static void refusals_name_the_word(void)
{
    static const struct {
        const char *list;
        const char *want;
    } rows[] = {
        {"192.0.2.0/24 router1", "\"snmp-senders\": \"router1\" is neither an address nor a network"},
        {"192.0.2.0/33", "\"snmp-senders\": \"192.0.2.0/33\" is neither an address nor a network"},
        {"192.0.2.1/24", "\"snmp-senders\": in \"192.0.2.1/24\" bits are set behind the network's"},
        {"192.0.2.0-192.0.2.9", "\"snmp-senders\": \"192.0.2.0-192.0.2.9\" is neither an address nor a network"},
        {"192.0.2.1,192.0.2.2", "\"snmp-senders\": \"192.0.2.1,192.0.2.2\" is neither an address nor a network"},
        {"/8", "\"snmp-senders\": \"/8\" is neither an address nor a network"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%s", rows[i].list);
        CHECK_INT(read_list(rows[i].list, &err), RC_INVALID);
        CHECK_TEXT(str_of(err.text), rows[i].want);
    }
    static char many[(ALLOWED_NETWORKS + 1) * 9 + 1];
    for (size_t i = 0; i <= ALLOWED_NETWORKS; i++)
        memcpy(many + i * 9, "10.0.0.1 ", 9);
    CHECK_INT(read_list(many, NULL), RC_LIMIT);
    many[ALLOWED_NETWORKS * 9] = '\0';
    CHECK_INT(read_list(many, NULL), RC_OK);
}

static void each_has_its_own(void)
{
    config_defaults(&config);
    config.syslog_senders = STR("192.0.2.1");
    config.gelf_senders = STR("192.0.2.2");
    config.snmp_senders = STR("192.0.2.3");
    config.netflow_senders = STR("192.0.2.4");
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    for (unsigned receiver = 0; receiver <= RECEIVER_OPEN; receiver++) {
        CHECK_INT(allowed_senders_read(&config, (enum receiver)receiver, &allowed, NULL), RC_OK);
        for (unsigned i = 0; i < ARRAY_LEN(addresses); i++)
            CHECK_INT(allowed_sender(&allowed, addresses[i]), i == receiver || receiver == RECEIVER_OPEN);
    }
}

static const struct test tests[] = {
    {"who may send", who_may_send},
    {"refusals name the word", refusals_name_the_word},
    {"each has its own", each_has_its_own},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
