#include "codec/audit.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/test.h"

#include <string.h>

static void show(struct buf *buf, struct arena *arena, struct str line)
{
    struct audit audit;
    struct audit_field field;
    char time[CIVIL_TEXT_MAX];
    if (!audit_parse(line, &audit)) {
        buf_text(buf, "refused");
        return;
    }
    civil_format(audit.time_ns, 0, 3, time);
    buf_format(buf, "%.*s %s %lu", STR_ARG(audit.type), time, (unsigned long)audit.serial);
    if (audit.node.n > 0)
        buf_format(buf, " node=%.*s", STR_ARG(audit.node));
    struct audit_reader reader = audit_fields(&audit);
    while (audit_next(&reader, &field)) {
        struct str text = audit_text(arena, &field);
        buf_format(buf, " %s%s%s%.*s=%.*s", field.nested ? "'" : "", field.enriched ? "+" : "",
                   field.quoted ? "\"" : "", STR_ARG(field.name), STR_ARG(text));
    }
}

static const struct {
    const char *line;
    const char *want;
} rows[] = {
    {"type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 a0=41 success=yes comm=\"dd\" "
     "exe=2F746D702F6120622F6464 key=(null)",
     "SYSCALL 2023-11-14T22:13:20.123Z 456 arch=c000003e syscall=59 a0=41 success=yes \"comm=dd exe=/tmp/a b/dd "
     "key=(null)"},
    {"type=EXECVE msg=audit(1700000000.123:456): argc=3 a0=\"sh\" a1=2D632078 a2[0]=4142 a2_len=5",
     "EXECVE 2023-11-14T22:13:20.123Z 456 argc=3 \"a0=sh a1=-c x a2[0]=AB a2_len=5"},
    {"type=PROCTITLE msg=audit(1700000000.000:1): proctitle=6C73002D6C00",
     "PROCTITLE 2023-11-14T22:13:20.000Z 1 proctitle=ls -l"},
    {"type=USER_AUTH msg=audit(1700000000.123:7): pid=5 uid=0 msg='op=PAM:authentication acct=\"ann\" "
     "exe=\"/usr/bin/sudo\" hostname=? addr=192.0.2.1 res=failed'\x1dUID=\"root\" AUID=\"unset\"",
     "USER_AUTH 2023-11-14T22:13:20.123Z 7 pid=5 uid=0 'op=PAM:authentication '\"acct=ann '\"exe=/usr/bin/sudo "
     "'hostname=? 'addr=192.0.2.1 'res=failed +\"UID=root +\"AUID=unset"},
    {"type=USER_CMD msg=audit(1700000000.123:7): pid=5 msg='cwd=\"/\" cmd=6C73202D6C terminal=pts/0 res=success'",
     "USER_CMD 2023-11-14T22:13:20.123Z 7 pid=5 '\"cwd=/ 'cmd=ls -l 'terminal=pts/0 'res=success"},
    {"type=USER_LOGIN msg=audit(1700000000.123:7): user pid=5 msg='PAM: authentication acct=root : "
     "exe=\"/usr/sbin/sshd\" (hostname=h, addr=192.0.2.1, terminal=ssh res=failed)'",
     "USER_LOGIN 2023-11-14T22:13:20.123Z 7 pid=5 'acct=root '\"exe=/usr/sbin/sshd 'hostname=h 'addr=192.0.2.1 "
     "'terminal=ssh 'res=failed"},
    {"node=srv1 type=CWD msg=audit(1700000000.123:456): cwd=\"/home/a b\"",
     "CWD 2023-11-14T22:13:20.123Z 456 node=srv1 \"cwd=/home/a b"},
    {"audit: type=1400 audit(1700000000.123:9): apparmor=\"DENIED\" operation=\"open\" name=\"/etc/shadow\" pid=7",
     "AVC 2023-11-14T22:13:20.123Z 9 \"apparmor=DENIED \"operation=open \"name=/etc/shadow pid=7"},
    {"[   12.345678] audit: type=1326 audit(1700000000.123:9): auid=0 sig=31",
     "SECCOMP 2023-11-14T22:13:20.123Z 9 auid=0 sig=31"},
    {"type=AVC msg=audit(1700000000.123:9): avc:  denied  { read write } for  pid=1 comm=\"x\" permissive=0",
     "AVC 2023-11-14T22:13:20.123Z 9 seresult=denied seperms=read write pid=1 \"comm=x permissive=0"},
    {"type=UNKNOWN[1999] msg=audit(1700000000.123:9): a=1", "UNKNOWN[1999] 2023-11-14T22:13:20.123Z 9 a=1"},
    {"type=1999 msg=audit(1700000000.123:9): a=1", "1999 2023-11-14T22:13:20.123Z 9 a=1"},
    {"type=EOE msg=audit(1700000000.123:9): ", "EOE 2023-11-14T22:13:20.123Z 9"},
    {"type=X msg=audit(1700000000.123:9): comm=ABC key=\"", "X 2023-11-14T22:13:20.123Z 9 comm=ABC \"key="},
    {"type=X msg=audit(1700000000.123:9): msg='a=1 b=2", "X 2023-11-14T22:13:20.123Z 9 'a=1 'b=2"},
    {"type=X msg=audit(1700000000.123:9): msg='' c=1", "X 2023-11-14T22:13:20.123Z 9 c=1"},
    {"type=X msg=audit(1700000000:9): a=1", "refused"},
    {"type=X msg=audit(1700000000.123): a=1", "refused"},
    {"type=X msg=audit(1700000000.123:9) a=1", "refused"},
    {"type=X msg=audit(99999999999999999999.123:9): a=1", "refused"},
    {"type=X msg=audit(9999999999999999999.123:9): a=1", "refused"},
    {"type=X msg=audit(-1.123:9): a=1", "refused"},
    {"type=X msg=audit(1.1234:9): a=1", "refused"},
    {"type= msg=audit(1700000000.123:9): a=1", "refused"},
    {"type=X audit", "refused"},
    {"msg=audit(1700000000.123:9): a=1", "refused"},
    {"audit: ", "refused"},
    {"[", "refused"},
    {"", "refused"},
};

static void lines(void)
{
    struct arena *arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[1024];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].line);
        show(&buf, arena, str_of(rows[i].line));
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    arena_free(arena);
}

static void type_names(void)
{
    const char *before = "";
    CHECK_TEXT(str_of(audit_type_name(1300)), "SYSCALL");
    CHECK_TEXT(str_of(audit_type_name(1005)), "USER");
    CHECK_TEXT(str_of(audit_type_name(2507)), "VIRT_MIGRATE_OUT");
    CHECK(audit_type_name(0) == NULL && audit_type_name(1301) == NULL && audit_type_name(UINT32_MAX) == NULL);
    size_t count = 0;
    for (uint32_t number = 0; number < 3000; number++) {
        const char *name = audit_type_name(number);
        if (name == NULL)
            continue;
        CHECK(strcmp(name, before) != 0);
        before = name;
        count++;
    }
    CHECK(count > 150);
}

static void cuts_and_flips(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct str text = str_of(rows[3].line);
    uint64_t random = 1;
    for (size_t i = 0; i < 20000; i++) {
        char copy[512];
        char memory[2048];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        memcpy(copy, text.p, text.n);
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (i > text.n)
            copy[(random >> 33) % text.n] ^= (char)(1u << (random >> 60 & 7));
        show(&buf, arena, str_at(copy, i > text.n ? text.n : i));
        CHECK(!buf.overflow);
        arena_reset(arena);
    }
    struct arena *none = arena_new(0);
    struct audit_field field = {.value = STR_INIT("4142"), .hex = true};
    CHECK(audit_text(none, &field).p == NULL);
    arena_free(none);
    arena_free(arena);
}

/* A closing brace is looked for only nearby, or a record of opening braces would take quadratic time. */
static void far_brace(void)
{
    char memory[2048];
    struct buf buf;
    struct audit audit;
    struct audit_field field;
    buf_init_fixed(&buf, memory, sizeof memory);
    buf_text(&buf, "type=AVC msg=audit(1700000000.123:9): ");
    for (int i = 0; i < 300; i++)
        buf_text(&buf, "{ ");
    buf_text(&buf, "a=1 }");
    CHECK(audit_parse(buf_view(&buf), &audit));
    struct audit_reader reader = audit_fields(&audit);
    CHECK(audit_next(&reader, &field));
    CHECK_TEXT(field.name, "seperms");
    CHECK(field.value.n > 400 && field.value.n < 512);
}

static const struct test tests[] = {
    {"lines", lines}, {"type names", type_names}, {"far brace", far_brace}, {"cuts and flips", cuts_and_flips}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
