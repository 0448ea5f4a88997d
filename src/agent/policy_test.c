#include "agent/policy.h"

#include "base/buf.h"
#include "base/test.h"
#include "tlog/key.h"

#include <string.h>

#define HEAD "qorgan agent policy\narchive.example/1\nservers\n7\n"

static struct agent_policy policy;

static enum rc parse(const char *text, struct arena *arena, struct err *err)
{
    return agent_policy_parse(str_of(text), arena, &policy, err);
}

static void a_policy_reads(void)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    struct err err = {0};
    CHECK_INT(parse(HEAD "{\"files\":[\"/var/log\",\"/srv/a.log\"],\"journal\":true,\"audit\":true,"
                         "\"durable\":\"immediate\",\"canary_s\":0,\"later\":1,\"more\":[],"
                         "\"commands\":[{\"name\":\"users\",\"argv\":[\"/usr/bin/who\",\"-a\"],\"every_s\":60}]}\n",
                    arena, &err),
              RC_OK);
    CHECK_TEXT(policy.origin, "archive.example/1");
    CHECK_TEXT(policy.group, "servers");
    CHECK_INT(policy.version, 7);
    CHECK_TEXT(policy.files, "/var/log /srv/a.log");
    CHECK(policy.journal && policy.audit && policy.immediate);
    CHECK(policy.inventory && !policy.inventory_named); /* unless it says otherwise */
    CHECK_TEXT(policy.passed_over, "later,more");
    CHECK_INT(policy.command_count, 1);
    CHECK_INT(policy.canary_s, 0);
    CHECK_TEXT(policy.commands[0].name, "users");
    CHECK_TEXT(str_of(policy.commands[0].argv[1]), "-a");
    CHECK(policy.commands[0].argv[2] == NULL);
    CHECK_INT(policy.commands[0].every_s, 60);
    CHECK_INT(policy.commands[0].timeout_s, 10);
    CHECK_INT(policy.commands[0].bytes_max, 65536);
    CHECK_INT(parse(HEAD "{}", arena, &err), RC_OK); /* nothing at all is to be collected */
    CHECK_INT(policy.canary_s, 300);                 /* unless a policy says otherwise */
    CHECK(policy.files.n == 0 && !policy.journal && !policy.audit && !policy.immediate && !policy.command_count);
    CHECK_INT(parse(HEAD "{\"files\":[]}", arena, &err), RC_OK);
    CHECK_INT(parse(HEAD "{\"join\":[\"/a java\",\"/b/*.log pattern=x wait=3\"],\"accounting\":true}", arena, &err),
              RC_OK);
    CHECK_TEXT(policy.join, "/a java;/b/*.log pattern=x wait=3");
    CHECK(policy.accounting && policy.passed_over.n == 0);
    CHECK_INT(parse(HEAD "{\"inventory\":false}", arena, &err), RC_OK);
    CHECK(!policy.inventory && policy.inventory_named);
    arena_free(arena);
}

static const char *const refused[] = {
    "",
    "qorgan agent policy",
    "qorgan agent policies\na\nb\n1\n{}",
    "qorgan agent policy\n\nb\n1\n{}",
    "qorgan agent policy\na\n\n1\n{}",
    "qorgan agent policy\na\nb\n0\n{}",
    "qorgan agent policy\na\nb\n-1\n{}",
    "qorgan agent policy\na\nb\n4294967296\n{}",
    "qorgan agent policy\na\nb\n1",
    "qorgan agent policy\na\nb\n1\n",
    "qorgan agent policy\na\tb\nb\n1\n{}",
    HEAD "[]",
    HEAD "{\"accounting\":1}",
    HEAD "{\"join\":\"/a java\"}",
    HEAD "{\"join\":[1]}",
    HEAD "{\"join\":[\"\"]}",
    HEAD "{\"join\":[\"/a\"]}",
    HEAD "{\"join\":[\"/a java;/b java\"]}",
    HEAD "{\"join\":[\"/a pattern=(\"]}",
    HEAD "{",
    HEAD "{}{}",
    HEAD "{\"files\":1}",
    HEAD "{\"files\":\"/var/log\"}",
    HEAD "{\"files\":[1]}",
    HEAD "{\"files\":[\"\"]}",
    HEAD "{\"files\":[\"var/log\"]}",
    HEAD "{\"files\":[\"/var/log dir\"]}",
    HEAD "{\"files\":[\"/var/../etc\"]}",
    HEAD "{\"files\":[\"/var/./etc\"]}",
    HEAD "{\"files\":[\"/var\\n\"]}",
    HEAD "{\"files\":[\"/var\\u0000\"]}",
    HEAD "{\"files\":[\"/a\"],\"files\":[]}",
    HEAD "{\"journal\":1}",
    HEAD "{\"journal\":\"true\"}",
    HEAD "{\"audit\":null}",
    HEAD "{\"inventory\":\"on\"}",
    HEAD "{\"inventory\":1}",
    HEAD "{\"durable\":true}",
    HEAD "{\"durable\":\"now\"}",
    HEAD "{\"canary_s\":-1}",
    HEAD "{\"canary_s\":86401}",
    HEAD "{\"canary_s\":\"300\"}",
    HEAD "{\"canary_s\":2.5}",
    HEAD "{\"canary_s\":null}",
    HEAD "{\"commands\":{}}",
    HEAD "{\"commands\":[1]}",
    HEAD "{\"commands\":[{}]}",
    HEAD "{\"commands\":[{\"name\":\"A\",\"argv\":[\"/a\"]}]}",
    HEAD "{\"commands\":[{\"name\":\"a/b\",\"argv\":[\"/a\"]}]}",
    HEAD "{\"commands\":[{\"name\":\"a\"}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[]}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"who\"]}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/bin/sh\",1]}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/bin/x\",\"a\\u0000b\"]}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\"],\"every_s\":9}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\"],\"every_s\":1.5}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\"],\"timeout_s\":0}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\"],\"timeout_s\":601}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\"],\"bytes\":1048577}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\"]},{\"name\":\"a\",\"argv\":[\"/b\"]}]}",
    HEAD "{\"commands\":[{\"name\":\"a\",\"argv\":[\"/a\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
         "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\"]}]}",
};

static void what_may_not_be_is_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena *arena = arena_new((size_t)1 << 20);
        struct err err = {0};
        test_row("%s", refused[i]);
        CHECK(parse(refused[i], arena, &err) != RC_OK);
        CHECK(err.text[0] != '\0');
        arena_free(arena);
    }
    test_row("-");
}

static void limits_hold(void)
{
    struct arena *arena = arena_new((size_t)4 << 20);
    struct buf text;
    buf_init(&text, (size_t)1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        buf_clear(&text);
        buf_text(&text, HEAD "{\"files\":[");
        unsigned count = round == 1 ? POLICY_FILES_MAX + 1 : round == 2 ? 10 : POLICY_FILES_MAX;
        for (unsigned i = 0; i < count; i++) {
            buf_format(&text, "%s\"/", i ? "," : "");
            for (unsigned n = 0; n < (round == 2 ? 600u : 10u); n++)
                buf_char(&text, 'x');
            buf_char(&text, '"');
        }
        buf_text(&text, "]}");
        test_row("round %u", round);
        CHECK_INT(agent_policy_parse(buf_view(&text), arena, &policy, NULL), round == 0   ? RC_OK
                                                                             : round == 1 ? RC_INVALID
                                                                                          : RC_LIMIT);
    }
    test_row("-");
    struct arena *small = arena_new(64);
    CHECK(small == NULL || agent_policy_parse(STR(HEAD "{\"files\":[\"/var/log\"]}"), small, &policy, NULL) != RC_OK);
    arena_free(small);
    buf_done(&text);
    arena_free(arena);
}

/* Signed by the archive's key, and by it only; whatever byte is changed. */
static void only_the_archive_signs(void)
{
    struct arena *arena = arena_new((size_t)8 << 20);
    struct signing_key *key = NULL;
    struct signing_key *other = NULL;
    struct signing_key *namesake = NULL;
    struct buf note;
    struct str text = STR(HEAD "{\"files\":[\"/var/log\"]}\n");
    buf_init(&note, 65536);
    CHECK_INT(signing_key_generate(STR("archive.example/1"), NOTE_ED25519, &key, NULL), RC_OK);
    CHECK_INT(signing_key_generate(STR("archive.example/2"), NOTE_ED25519, &other, NULL), RC_OK);
    CHECK_INT(signing_key_generate(STR("archive.example/1"), NOTE_ED25519, &namesake, NULL), RC_OK);
    buf_str(&note, text);
    buf_char(&note, '\n');
    CHECK_INT(signing_key_sign(key, text, 0, &note, NULL), RC_OK);
    CHECK_INT(agent_policy_open(buf_view(&note), signing_key_public(key), arena, &policy, NULL), RC_OK);
    CHECK_TEXT(policy.files, "/var/log");
    CHECK_INT(agent_policy_open(buf_view(&note), signing_key_public(other), arena, &policy, NULL), RC_DENIED);
    CHECK_INT(agent_policy_open(buf_view(&note), signing_key_public(namesake), arena, &policy, NULL), RC_DENIED);
    CHECK(agent_policy_open(text, signing_key_public(key), arena, &policy, NULL) != RC_OK);
    for (size_t i = 0; i < note.n; i++) {
        test_row("byte %zu", i);
        note.p[i] ^= 1;
        CHECK(agent_policy_open(buf_view(&note), signing_key_public(key), arena, &policy, NULL) != RC_OK);
        note.p[i] ^= 1;
        CHECK(agent_policy_open(str_slice(buf_view(&note), 0, i), signing_key_public(key), arena, &policy, NULL) !=
              RC_OK);
    }
    test_row("-");
    /* the same words signed by another archive, under its own name */
    buf_clear(&note);
    buf_str(&note, text);
    buf_char(&note, '\n');
    CHECK_INT(signing_key_sign(other, text, 0, &note, NULL), RC_OK);
    CHECK_INT(agent_policy_open(buf_view(&note), signing_key_public(other), arena, &policy, NULL), RC_DENIED);
    buf_done(&note);
    signing_key_free(key);
    signing_key_free(other);
    signing_key_free(namesake);
    arena_free(arena);
}

static const struct test tests[] = {
    {"a policy reads", a_policy_reads},
    {"what may not be is refused", what_may_not_be_is_refused},
    {"limits hold", limits_hold},
    {"only the archive signs", only_the_archive_signs},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
