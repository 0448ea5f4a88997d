/* Patterns proposed from messages: what becomes constant and what open, what it is called, and that the pattern fits
 * its messages whatever their bytes; other names for captures. */
#include "event/propose.h"

#include "base/test.h"
#include "event/normalise.h"
#include "event/template.h"

#include <stdio.h>
#include <string.h>

static struct arena *arena;

static enum rc propose(const char *const *messages, size_t count, struct buf *out)
{
    struct str message[PROPOSE_MESSAGES_MAX + 1];
    struct err err = {0};
    for (size_t i = 0; i < count; i++)
        message[i] = str_of(messages[i]);
    arena_reset(arena);
    buf_clear(out);
    enum rc rc = pattern_propose(arena, message, count, out, &err);
    CHECK(rc == RC_OK || (out->n == 0 && err.text[0]));
    return rc;
}

/* Unlike the room's own check: by the words of template.h. */
static bool fits(struct str pattern, struct str message)
{
    struct template template;
    struct str value[TEMPLATE_CAPTURES];
    struct err err;
    return CHECK_INT(template_compile(arena, pattern, &template, &err), RC_OK) &&
           template_match(&template, str_trim(message), value);
}

static void of_one(void)
{
    static const char *const cases[][2] = {
        {"Failed password for root from 10.0.0.7 port 4242 ssh2",
         "Failed password for root from {src} port {src_port:num} ssh2"},
        {"session 17 closed after 3.5 s", "session {session:num} closed after {after:word} s"},
        {"user=alice uid=1000 cmd=\"/bin/ls -l\" rc=0", "user={account+:word} uid={uid:num} cmd=\"{cmd}\" rc={rc:num}"},
        {"connection 192.0.2.7:51514 -> 10.1.1.1:443 allowed",
         "connection {connection:ip}:{port:num} -> {address:ip}:{port2:num} allowed"},
        {"2026-11-28T21:00:00.123Z worker-3 started", "{time:word} {word:word} started"},
        {"opened /etc/shadow", "opened {object:word}"},
        {"hash 9f86d081884c7d65 of C:\\Windows\\notepad.exe", "hash {hex:hex} of {object:word}"},
        {"lease for 00:1c:42:2e:60:4a given", "lease for {mac:word} given"},
        {"mail from ops@example.kz accepted", "mail from {mail:word} accepted"},
        {"type='logon' kind=7", "type='{type}' kind={value:num}"},
        {"a {brace} and\ta tab", "a {{brace} and{tab}a tab"},
        {"IPv6 fe80::1 up", "IPv6 {address:ip} up"},
        {"backup started", "backup started"},
        {"%LINK-3-UPDOWN: Interface Gi0/1 down", "%LINK-3-UPDOWN: Interface {interface:word} down"},
        {"  blanks around 7  ", "blanks around {around:num}"},
        {"don't stop", "don't stop"},
        {"\xd2\x9a\xd0\xb0\xd1\x82\xd0\xb5 42", "\xd2\x9a\xd0\xb0\xd1\x82\xd0\xb5 {number:num}"},
        {"bad \xff bytes", "bad {bad} bytes"},
    };
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 8192);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        test_row("%s", cases[i][0]);
        CHECK_INT(propose(&cases[i][0], 1, &out), RC_OK);
        CHECK_TEXT(buf_view(&out), cases[i][1]);
        CHECK(fits(buf_view(&out), str_of(cases[i][0])));
    }
}

static void of_several(void)
{
    static const struct {
        const char *message[4];
        const char *pattern;
    } cases[] = {
        {{"door opened by alice", "door opened by bob"}, "door opened by {by:word}"},
        {{"door opened by alice", "door closed by bob", "door opened by carol"}, "door {door:word} by {by:word}"},
        {{"job backup-1 ended", "job backup-1 ended"}, "job backup-1 ended"},
        {{"job backup-1 ended", "job backup-2 ended"}, "job {job:word} ended"},
        {{"from 10.0.0.1 ok", "from 10.0.0.1 ok"}, "from {src} ok"},
        {{"disk full", "disk nearly full"}, "disk {disk}full"},
        {{"code 17 x", "code ff x"}, "code {code:word} x"},
        {{"password for root from 10.0.0.1", "password for bob from 10.0.0.2"},
         "password for {account+:word} from {src}"},
        {{"msg='a b' end", "msg='c' end"}, "msg='{msg}' end"},
    };
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 8192);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t count = 0;
        while (count < 4 && cases[i].message[count])
            count++;
        test_row("%s", cases[i].pattern);
        CHECK_INT(propose(cases[i].message, count, &out), RC_OK);
        CHECK_TEXT(buf_view(&out), cases[i].pattern);
        for (size_t k = 0; k < count; k++)
            CHECK(fits(buf_view(&out), str_of(cases[i].message[k])));
    }
}

static void refusals(void)
{
    static const char *const none[] = {"", "  \t ", "12", "10.0.0.1 22", "\xff\xfe", "\x01\x02", "= = =", "{{}}"};
    static const char *const apart[] = {"alpha", "beta"};
    static char longer[PATTERN_TEXT_MAX + 2];
    const char *many[PROPOSE_MESSAGES_MAX + 1];
    const char *long_one[] = {longer};
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 8192);
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        test_row("%s", none[i]);
        CHECK_INT(propose(&none[i], 1, &out), RC_INVALID);
    }
    CHECK_INT(propose(none, 0, &out), RC_INVALID);
    CHECK_INT(propose(apart, 2, &out), RC_INVALID);
    memset(longer, 'x', sizeof longer - 1);
    CHECK_INT(propose(long_one, 1, &out), RC_LIMIT);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = "the same";
    CHECK_INT(propose(many, ARRAY_LEN(many), &out), RC_LIMIT);
    CHECK_INT(propose(many, ARRAY_LEN(many) - 1, &out), RC_OK);
}

static uint64_t seed = 88172645463325252u;
static uint32_t pick(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 24) % n;
}

/* Whatever is proposed fits; every truncation of long messages with all that there can be, and random bytes. */
static void always_fits(void)
{
    static const char sample[] = "login: user=\"Ayan B\" from 10.0.0.7:51514 at 2026-11-28T21:00:00Z (id=17; path=/etc/"
                                 "passwd; sum=9f86d081884c7d65) 'ok' {x} via fe80::1, %ASA-4-106023: 4.5%";
    struct buf out CLEANUP(buf_done) = {0};
    char text[2][1200];
    struct err err;
    buf_init(&out, 8192);
    for (size_t n = 0; n < sizeof sample; n++) {
        struct str message[2] = {str_at(sample, n), str_at(sample, sizeof sample - 1 - n)};
        for (size_t count = 1; count <= 2; count++) {
            arena_reset(arena);
            buf_clear(&out);
            if (pattern_propose(arena, message, count, &out, &err) != RC_OK)
                continue;
            for (size_t k = 0; k < count; k++)
                CHECK(!str_trim(message[k]).n || fits(buf_view(&out), message[k]));
        }
    }
    for (unsigned round = 0; round < 3000; round++) {
        static const char bytes[] = "ab1.:/ =\"'({\t\xd2\x9a\xff\x01-,;+";
        size_t n = 1 + pick(round % 50 == 0 ? 1190 : 60);
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < n; i++)
                text[k][i] = k && pick(8) ? text[0][i] : bytes[pick(sizeof bytes)];
        struct str message[2] = {str_at(text[0], n), str_at(text[1], n)};
        arena_reset(arena);
        buf_clear(&out);
        if (pattern_propose(arena, message, 2, &out, &err) != RC_OK)
            continue;
        CHECK(out.n <= TEMPLATE_BYTES);
        for (size_t k = 0; k < 2; k++)
            CHECK(!str_trim(message[k]).n || fits(buf_view(&out), message[k]));
    }
}

static void other_names(void)
{
    static const char text[] = "{{a} {tab}{x} by {account+:word} at {n:num}, {} {kv}";
    const struct str names[] = {STR("what"), STR(""), STR_NONE, STR("rest"), STR("no")};
    static const char *const bad[] = {"a b", "kind", "outcome", "kv", "a{", "n+", "a:num", "\xd0\xb0"};
    struct buf out CLEANUP(buf_done) = {0};
    struct err err;
    buf_init(&out, 8192);
    CHECK_INT(pattern_rename(arena, str_of(text), names, 5, &out, &err), RC_OK);
    CHECK_TEXT(buf_view(&out), "{{a} {tab}{what} by {+:word} at {n:num}, {rest} {kv}");
    buf_clear(&out);
    CHECK_INT(pattern_rename(arena, str_of(text), names, 0, &out, &err), RC_OK);
    CHECK_TEXT(buf_view(&out), text);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct str name = str_of(bad[i]);
        test_row("%s", bad[i]);
        CHECK_INT(pattern_rename(arena, str_of(text), &name, 1, &out, &err), RC_INVALID);
    }
    CHECK_INT(pattern_rename(arena, STR("{a}{b}"), names, 1, &out, &err), RC_INVALID);
    buf_clear(&out);
    CHECK_INT(pattern_rename(arena, STR("{src} x"), names, 1, &out, &err), RC_OK);
    CHECK_TEXT(buf_view(&out), "{what:word} x"); /* it was a word without saying so */
}

static void no_memory(void)
{
    const struct str messages[] = {STR("door opened by alice at 12"), STR("door closed by bob at 13")};
    bool done = false;
    for (uint64_t n = 1; n < 40 && !done; n++) {
        struct buf out CLEANUP(buf_done) = {0};
        struct err err = {0};
        struct arena *small = arena_new((size_t)8 << 20);
        buf_init(&out, 8192);
        memory_fail_at(n);
        enum rc rc = pattern_propose(small, messages, 2, &out, &err);
        memory_fail_at(0);
        CHECK(rc == RC_OK || rc == RC_LIMIT || rc == RC_INVALID);
        done = rc == RC_OK && !out.overflow;
        arena_free(small);
    }
    CHECK(done);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"of one message", of_one},      {"of several messages", of_several}, {"refusals", refusals},
        {"it always fits", always_fits}, {"other names", other_names},        {"without memory", no_memory},
    };
    arena = arena_new((size_t)8 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
