#include "agent/config.h"
#include "agent/memory.h"
#include "base/test.h"
#include "tlog/key.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIN    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SECRET "0123456789abcdef0123456789abcdef"

static void configurations_are_judged(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", true},
        {"# nothing\n\n", true},
        {"servers = a.example:6515", true},
        {"servers=a:1,b:2 , [2001:db8::1]:3\n", true},
        {"allow = /var/log /srv/app\n spool-size = 64M\n", true},
        {"user = logs\ncommand-user = who\ncommands = off\nsandbox = on", true},
        {"spool-size = 4194304", true},
        {"servers =", false},
        {"servers = a", false},
        {"servers = a:", false},
        {"servers = a:0", false},
        {"servers = a:65536", false},
        {"servers = :1", false},
        {"servers = a:1,", false},
        {"servers = a b:1", false},
        {"servers = 2001:db8::1:3", false},
        {"servers = [a]:3", false},
        {"servers = a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1", false},
        {"allow = var/log", false},
        {"allow = /var/../etc", false},
        {"allow =", false},
        {"spool-size = 1M", false},
        {"spool-size = 2T", false},
        {"spool-size = 18446744073709551615G", false},
        {"spool-size = M", false},
        {"spool-size = -4M", false},
        {"user =", false},
        {"commands = maybe", false},
        {"server = a:1", false},
        {"allow", false},
        {"= x", false},
    };
    static struct agent_config config;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        test_row("%s", rows[i].text);
        agent_config_defaults(&config);
        CHECK_INT(agent_config_parse(str_of(rows[i].text), &config, &err), rows[i].good ? RC_OK : RC_INVALID);
        CHECK((err.text[0] != '\0') != rows[i].good);
    }
    test_row("-");
    agent_config_defaults(&config);
    CHECK_INT(agent_config_parse(STR("servers=a:1,[2001:db8::1]:3\nspool-size = 2G\n"), &config, NULL), RC_OK);
    CHECK_INT(config.servers.count, 2);
    CHECK_TEXT(str_of(config.servers.server[1].host), "2001:db8::1");
    CHECK_INT(config.servers.server[1].port, 3);
    CHECK_INT(config.spool_size, INT64_C(2) << 30);
}

static void paths_are_allowed_below_only(void)
{
    static const struct {
        const char *allow;
        const char *path;
        bool allowed;
    } rows[] = {
        {"/var/log", "/var/log", true},    {"/var/log", "/var/log/a", true},
        {"/var/log/", "/var/log/a", true}, {"/srv  /var/log", "/var/log/a", true},
        {"/", "/etc/passwd", true},        {"/var/log", "/var/logs", false},
        {"/var/log", "/var", false},       {"/var/log", "/etc/shadow", false},
        {"/var/log", "/", false},
    };
    static struct agent_config config;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].allow, rows[i].path);
        CHECK(str_copy_z(str_of(rows[i].allow), config.allow, sizeof config.allow));
        CHECK_INT(agent_path_allowed(&config, str_of(rows[i].path)), rows[i].allowed);
    }
}

static void tokens_are_judged(void)
{
    static const char *const bad[] = {
        "",
        "qorgan1",
        "qorgan1.",
        "qorgan1.a:1." PIN,
        "qorgan1.a:1." PIN ".",
        "qorgan1.a:1." PIN "." SECRET "00",
        "qorgan1.a:1." PIN "0." SECRET,
        "qorgan1.a." PIN "." SECRET,
        "qorgan1.." PIN "." SECRET,
        "qorgan2.a:1." PIN "." SECRET,
        ".a:1." PIN "." SECRET,
        "qorgan1.a:1." SECRET "." PIN,
        "qorgan1.a:1.g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff." SECRET,
    };
    static struct agent_token token;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        test_row("%s", bad[i]);
        CHECK_INT(agent_token_parse(str_of(bad[i]), &token, &err), RC_INVALID);
        CHECK(str_search(str_of(err.text), STR("0123456789")) == strlen(err.text));
    }
    test_row("-");
    CHECK_INT(agent_token_parse(STR(" qorgan1.logs.example.kz:6515,192.0.2.1:7." PIN "." SECRET "\n"), &token, NULL),
              RC_OK);
    CHECK_INT(token.servers.count, 2);
    CHECK_TEXT(str_of(token.servers.server[0].host), "logs.example.kz");
    CHECK_TEXT(str_of(token.servers.server[1].host), "192.0.2.1");
    CHECK_TEXT(token.servers_text, "logs.example.kz:6515,192.0.2.1:7");
    CHECK_INT(token.pin[1], 0x11);
    CHECK_INT(token.secret[15], 0xef);
}

static void memory_survives(void)
{
    static const char *const bad[] = {
        "",
        "qorgan-agent memory 2\n",
        "qorgan-agent memory 1\nsize 3\n",
        "qorgan-agent memory 1\nsize 0\nroot " PIN "\n",
        "qorgan-agent memory 1\nroot " PIN "\n",
        "qorgan-agent memory 1\nsize 3\nroot 00\n",
        "qorgan-agent memory 1\nkey x\n",
        "qorgan-agent memory 1\nspool x\n",
        "qorgan-agent memory 1\ntrouble \n",
        "qorgan-agent memory 1\nother 1\n",
        "qorgan-agent memory 1\nspool 1",
    };
    static struct agent_memory memory;
    static struct agent_memory again;
    struct signing_key *key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK_INT(agent_memory_parse(str_of(bad[i]), &memory, NULL), RC_CORRUPT);
    }
    test_row("-");
    CHECK_INT(signing_key_generate(STR("a/1"), NOTE_ED25519, &key, NULL), RC_OK);
    memory = (struct agent_memory){.has_key = true,
                                   .key = *signing_key_public(key),
                                   .seen = {.size = 9, .root = {{1, 2}}},
                                   .spool = 77,
                                   .trouble = "why it is so"};
    char path[] = "/tmp/qorgan-memory-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    int folder = io_open_folder(path);
    CHECK_INT(agent_memory_load(&io_kernel, folder, &again, NULL), RC_NOT_FOUND);
    CHECK_INT(agent_memory_save(&io_kernel, folder, &memory, NULL), RC_OK);
    CHECK_INT(agent_memory_load(&io_kernel, folder, &again, NULL), RC_OK);
    CHECK(again.has_key && memcmp(again.key.public_key, memory.key.public_key, 32) == 0);
    CHECK(again.seen.size == 9 && tlog_hash_eq(&again.seen.root, &memory.seen.root) && again.spool == 77);
    CHECK_TEXT(str_of(again.trouble), "why it is so");
    unlinkat(folder, MEMORY_NAME, 0);
    close(folder);
    rmdir(path);
    signing_key_free(key);
}

static const struct test tests[] = {
    {"configurations are judged", configurations_are_judged},
    {"paths are allowed below only", paths_are_allowed_below_only},
    {"tokens are judged", tokens_are_judged},
    {"memory survives", memory_survives},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
