#include "codec/syslog.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

/* 2026-11-20T18:15:00Z; times without a zone are read as +05:00 */
#define RECEIVED INT64_C(1795198500000000000)
#define OFFSET   18000

static void show(struct buf *buf, const struct syslog *s)
{
    static const char *const formats[] = {"plain", "3164", "5424"};
    char time[CIVIL_TEXT_MAX];
    buf_format(buf, "%s %s.%s", formats[s->format], syslog_facility_name(s->facility),
               syslog_severity_name(s->severity));
    if ((s->has & SYSLOG_HAS_TIME) != 0) {
        civil_format(s->time_ns, 0, s->time_ns % 1000000000 != 0 ? 6 : 0, time);
        buf_format(buf, " %s", time);
    }
    static const char names[] = "hapmsq"; /* host, app, procid, msgid, sd, sequence */
    const struct str parts[] = {s->host, s->app, s->procid, s->msgid, s->sd, s->sequence};
    const uint32_t flags[] = {SYSLOG_HAS_HOST,  SYSLOG_HAS_APP, SYSLOG_HAS_PROCID,
                              SYSLOG_HAS_MSGID, SYSLOG_HAS_SD,  SYSLOG_HAS_SEQUENCE};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        CHECK(((s->has & flags[i]) != 0) == (parts[i].n > 0));
        if (parts[i].n > 0)
            buf_format(buf, " %c=%.*s", names[i], STR_ARG(parts[i]));
    }
    if ((s->has & SYSLOG_HAS_BOM) != 0)
        buf_text(buf, " bom");
    if ((s->has & SYSLOG_BAD_SD) != 0)
        buf_text(buf, " badsd");
    buf_format(buf, " |%.*s|", STR_ARG(s->message));
}

struct row {
    const char *line;
    const char *want;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char memory[2048];
        struct buf buf;
        struct syslog out;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].line);
        syslog_parse(str_of(rows[i].line), RECEIVED, OFFSET, &out);
        show(&buf, &out);
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
}

static void rfc5424(void)
{
    static const struct row rows[] = {
        {"<34>1 2026-11-20T22:14:15.003Z host.example su - ID47 - \xef\xbb\xbf'su root' failed",
         "5424 auth.crit 2026-11-20T22:14:15.003000Z h=host.example a=su m=ID47 bom |'su root' failed|"},
        {"<165>1 2026-08-24T05:14:15.000003-07:00 192.0.2.1 app 8710 - - %% it's time",
         "5424 local4.notice 2026-08-24T12:14:15.000003Z h=192.0.2.1 a=app p=8710 |%% it's time|"},
        {"<165>1 2026-11-20T22:14:15Z h a 1 M [x@32473 i=\"3\" s=\"a\\]b\\\"c\\\\\"][y@1 k=\"v\"] text",
         "5424 local4.notice 2026-11-20T22:14:15Z h=h a=a p=1 m=M s=[x@32473 i=\"3\" s=\"a\\]b\\\"c\\\\\"][y@1 "
         "k=\"v\"] "
         "|text|"},
        {"<165>1 2026-11-20T22:14:15Z h a 1 M [x@32473]",
         "5424 local4.notice 2026-11-20T22:14:15Z h=h a=a p=1 m=M s=[x@32473] ||"},
        {"<0>1 - - - - - -", "5424 kern.emerg ||"},
        {"<0>1 - - - - - - ", "5424 kern.emerg ||"},
        {"<0>1 - h - - - - two  blanks \n", "5424 kern.emerg h=h |two  blanks |"},
        {"<0>1 - h - - - [x a=\"1] text", "5424 kern.emerg h=h badsd |[x a=\"1] text|"},
        {"<0>1 - h - - - [x a=\"1\"]text", "5424 kern.emerg h=h badsd |[x a=\"1\"]text|"},
        {"<0>1 - h - - - text", "5424 kern.emerg h=h badsd |text|"},
        {"<0>1 2026-11-20T22:14:15Z h a", "plain kern.emerg |1 2026-11-20T22:14:15Z h a|"},
        {"<0>2 2026-11-20T22:14:15Z h a - - - x", "plain kern.emerg |2 2026-11-20T22:14:15Z h a - - - x|"},
        {"<14>1 1970-01-01T00:00:00Z h a - - - x", "5424 user.info 1970-01-01T00:00:00Z h=h a=a |x|"},
        {"<14>1 2100-01-01T00:00:00Z h a - - - x", "5424 user.info 2100-01-01T00:00:00Z h=h a=a |x|"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void rfc3164(void)
{
    static const struct row rows[] = {
        {"<38>Nov 20 23:15:00 srv1 sshd[1234]: Failed password for root from 192.0.2.7 port 22 ssh2",
         "3164 auth.info 2026-11-20T18:15:00Z h=srv1 a=sshd p=1234 |Failed password for root from 192.0.2.7 port 22 "
         "ssh2|"},
        {"Jun  4 05:06:07 combo su(pam_unix)[10583]: session opened for user news by (uid=0)",
         "3164 . 2026-06-04T00:06:07Z h=combo a=su(pam_unix) p=10583 |session opened for user news by (uid=0)|"},
        {"Jan  1 00:00:05 gw kernel: [  12.5] eth0: link up",
         "3164 . 2026-12-31T19:00:05Z h=gw a=kernel |[  12.5] eth0: link up|"},
        {"Dec 31 23:59:59 gw kernel: x", "3164 . 2026-12-31T18:59:59Z h=gw a=kernel |x|"},
        {"Feb 29 10:00:00 gw cron[7]: x", "3164 . 2028-02-29T05:00:00Z h=gw a=cron p=7 |x|"},
        {"2026-11-20T23:15:00.123456+05:00 srv sudo: ann : TTY=pts/0 ; USER=root",
         "3164 . 2026-11-20T18:15:00.123456Z h=srv a=sudo |ann : TTY=pts/0 ; USER=root|"},
        {"<86>2026-11-20T23:15:00.5+05:00 srv CRON[55]: pam_unix(cron:session): session opened",
         "3164 authpriv.info 2026-11-20T18:15:00.500000Z h=srv a=CRON p=55 |pam_unix(cron:session): session opened|"},
        {"2026-11-20 23:25:51 status installed libc6:amd64 2.36-9",
         "3164 . 2026-11-20T18:25:51Z |status installed libc6:amd64 2.36-9|"},
        {"2026-11-20 23:25:51 web1 app[7]: x", "3164 . 2026-11-20T18:25:51Z h=web1 a=app p=7 |x|"},
        {"<13>Nov 20 23:15:00 192.0.2.1 plain words",
         "3164 user.notice 2026-11-20T18:15:00Z h=192.0.2.1 |plain words|"},
        {"<13>Nov 20 23:15:00 fe80::1 app: x", "3164 user.notice 2026-11-20T18:15:00Z h=fe80::1 a=app |x|"},
        {"<13>Nov 20 23:15:00 app[1]: no host", "3164 user.notice 2026-11-20T18:15:00Z a=app p=1 |no host|"},
        {"<13>Nov 20 23:15:00 app: no host", "3164 user.notice 2026-11-20T18:15:00Z a=app |no host|"},
        {"Nov 20 23:15:00 h com.example.Agent[43]: x", "3164 . 2026-11-20T18:15:00Z h=h a=com.example.Agent p=43 |x|"},
        {"Nov 20 23:15:00 h postfix/smtpd[43]: x", "3164 . 2026-11-20T18:15:00Z h=h a=postfix/smtpd p=43 |x|"},
        {"Nov 20 23:15:00 h rsyslogd-2007:action suspended",
         "3164 . 2026-11-20T18:15:00Z h=h |rsyslogd-2007:action suspended|"},
        {"Nov 20 23:15:00 h last message repeated 3 times",
         "3164 . 2026-11-20T18:15:00Z h=h |last message repeated 3 times|"},
        {"Nov 20 23:15:00 last message repeated 3 times",
         "3164 . 2026-11-20T18:15:00Z |last message repeated 3 times|"},
        {"Nov 20 23:15:00 Message forwarded from aix1: sshd[5]: x",
         "3164 . 2026-11-20T18:15:00Z h=aix1 a=sshd p=5 |x|"},
        {"Nov 20 23:15:00 %odd words", "3164 . 2026-11-20T18:15:00Z |%odd words|"},
        {"Nov 20 23:15:00 fe80:: words", "3164 . 2026-11-20T18:15:00Z |fe80:: words|"},
        {"Nov 20 23:15:00 h -- MARK --", "3164 . 2026-11-20T18:15:00Z h=h |-- MARK --|"},
        {"Nov 20 23:15:00 h CEF:0|v|p|1|2|n|3|a=b", "3164 . 2026-11-20T18:15:00Z h=h |CEF:0|v|p|1|2|n|3|a=b|"},
        {"Nov 20 23:15:00 CEF:0|v|p|1|2|n|3|a=b", "3164 . 2026-11-20T18:15:00Z |CEF:0|v|p|1|2|n|3|a=b|"},
        {"<13>Nov 20 23:15:00", "3164 user.notice 2026-11-20T18:15:00Z ||"},
        {"<13>Nov 20 23:15:00 ", "3164 user.notice 2026-11-20T18:15:00Z ||"},
        {"<13>Nov 20 23:15:00 h", "3164 user.notice 2026-11-20T18:15:00Z |h|"},
        {"<13>app[7]: no time", "3164 user.notice a=app p=7 |no time|"},
        {"<13>host app[7]: no time", "3164 user.notice h=host a=app p=7 |no time|"},
        {"<13>host said: no time", "plain user.notice |host said: no time|"},
        {"<13>{\"json\": 1}", "plain user.notice |{\"json\": 1}|"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void cisco(void)
{
    static const struct row rows[] = {
        {"<166>Nov 20 2026 23:15:00: %ASA-6-302013: Built outbound",
         "3164 local4.info 2026-11-20T18:15:00Z a=ASA m=ASA-6-302013 |Built outbound|"},
        {"<166>Nov 20 2026 23:15:00 fw01 : %ASA-6-302013: Built",
         "3164 local4.info 2026-11-20T18:15:00Z h=fw01 a=ASA m=ASA-6-302013 |Built|"},
        {"<166>:Nov 20 23:15:00 UTC: %ASA-session-6-302013: Built",
         "3164 local4.info 2026-11-20T18:15:00Z a=ASA m=ASA-session-6-302013 |Built|"},
        {"<166>%ASA-6-302013: Built", "3164 local4.info a=ASA m=ASA-6-302013 |Built|"},
        {"<189>29: *Nov 20 23:15:00.233: %SYS-5-CONFIG_I: Configured",
         "3164 local7.notice 2026-11-20T18:15:00.233000Z a=SYS m=SYS-5-CONFIG_I q=29 |Configured|"},
        {"<189>000123: Nov 20 23:15:00: %LINK-3-UPDOWN: up",
         "3164 local7.notice 2026-11-20T18:15:00Z a=LINK m=LINK-3-UPDOWN q=000123 |up|"},
        {"<189>: 2026 Nov 20 23:15:00 UTC: %ETHPORT-5-IF_UP: up",
         "3164 local7.notice 2026-11-20T18:15:00Z a=ETHPORT m=ETHPORT-5-IF_UP |up|"},
        {"<189>29: text only", "plain local7.notice q=29 |text only|"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void not_understood(void)
{
    static const struct row rows[] = {
        {"", "plain . ||"},
        {"\n", "plain . ||"},
        {"<", "plain . |<|"},
        {"<>", "plain . |<>|"},
        {"<1", "plain . |<1|"},
        {"<192>x", "plain . |<192>x|"},
        {"<1234>x", "plain . |<1234>x|"},
        {"<-1>x", "plain . |<-1>x|"},
        {"<13>", "plain user.notice ||"},
        {"<13>x", "plain user.notice |x|"},
        {"just words here", "plain . |just words here|"},
        {"app[7]: no time and no PRI", "plain . |app[7]: no time and no PRI|"},
        {"Nov 32 23:15:00 h a: x", "plain . |Nov 32 23:15:00 h a: x|"},
        {"Nov 20 24:15:00 h a: x", "plain . |Nov 20 24:15:00 h a: x|"},
        {"Nov 20 23:15:00x h a: x", "plain . |Nov 20 23:15:00x h a: x|"},
        {"Nox 20 23:15:00 h a: x", "plain . |Nox 20 23:15:00 h a: x|"},
        {"[Sun Dec 04 04:47:44 2005] [notice] x", "plain . |[Sun Dec 04 04:47:44 2005] [notice] x|"},
        {"type=SYSCALL msg=audit(1700000000.123:456): a=1",
         "plain . |type=SYSCALL msg=audit(1700000000.123:456): a=1|"},
    };
    check_rows(rows, ARRAY_LEN(rows));
    struct syslog out;
    CHECK_INT(syslog_parse(STR_NONE, RECEIVED, 0, &out), SYSLOG_PLAIN);
    CHECK(out.message.p != NULL && out.message.n == 0);
    syslog_parse(str_at("<13>a\0b\0\n\0", 10), RECEIVED, 0, &out);
    CHECK_STR(out.message, str_at("a\0b", 3));
}

static void structured_data(void)
{
    static const struct row rows[] = {
        {"", ""},
        {"[x]", "x::;"},
        {"[x][y a=\"1\"]", "x::;y:a:1;"},
        {"[x a=\"1\" b=\"\"][y@32473 c=\"d\\\"\\]\\\\\\n e\"]", "x:a:1;x:b:;y@32473:c:d\"]\\\\n e;"},
        {"[x a=1]", ""},
        {"[x a=\"1\"", "x:a:1;"},
        {"[x a=\"1", "x:a:1;"},
        {"[x a", ""},
        {"x", ""},
    };
    struct arena *arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[256];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        struct syslog_sd sd = syslog_sd_of(str_of(rows[i].line));
        struct syslog_param param;
        test_row("%zu %s", i, rows[i].line);
        while (syslog_sd_next(&sd, &param)) {
            struct str value = syslog_param_text(arena, &param);
            buf_format(&buf, "%.*s:%.*s:%.*s;", STR_ARG(param.id), STR_ARG(param.name), STR_ARG(value));
        }
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    struct arena *none = arena_new(0);
    struct syslog_param param = {.value = STR_INIT("a\\\""), .escaped = true};
    CHECK(syslog_param_text(none, &param).p == NULL);
    arena_free(none);
    arena_free(arena);
}

/* Every slice must lie in the line, whatever the line is. */
static void check_inside(struct str line)
{
    struct syslog s;
    syslog_parse(line, RECEIVED, OFFSET, &s);
    const struct str parts[] = {s.host, s.app, s.procid, s.msgid, s.sd, s.sequence, s.message};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        CHECK(parts[i].n == 0 || (parts[i].p >= line.p && parts[i].p + parts[i].n <= line.p + line.n));
    struct syslog_sd sd = syslog_sd_of(s.sd);
    struct syslog_param param;
    size_t count = 0;
    while (syslog_sd_next(&sd, &param))
        count++;
    CHECK(count <= s.sd.n);
}

static void cuts_and_flips(void)
{
    static const char *const lines[] = {
        "<165>1 2026-11-20T22:14:15.003Z h a 1 M [x@32473 i=\"3\" s=\"a\\]b\"][y@1 k=\"v\"] text",
        "<38>Nov 20 23:15:00 srv1 sshd[1234]: Failed password",
        "<189>29: *Nov 20 23:15:00.233: %SYS-5-CONFIG_I: Configured",
        "<166>Nov 20 2026 23:15:00 fw01 : %ASA-6-302013: Built",
    };
    uint64_t random = 1;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct str line = str_of(lines[i]);
        for (size_t n = 0; n <= line.n; n++)
            check_inside(str_slice(line, 0, n));
        for (int round = 0; round < 5000; round++) {
            char copy[256];
            memcpy(copy, line.p, line.n);
            random = random * 6364136223846793005u + 1442695040888963407u;
            copy[(random >> 33) % line.n] ^= (char)(1u << (random >> 60 & 7));
            check_inside(str_at(copy, line.n));
        }
    }
}

/* On real lines: nearly all must be understood, and quickly. Prints the time of one line. */
static void real_lines(void)
{
    static const char *const names[] = {"Linux.log", "OpenSSH.log", "Mac.log"};
    const char *folder = test_shared_data();
    if (folder == NULL) {
        test_skip("no shared data");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[512];
        size_t lines = 0;
        size_t understood = 0;
        snprintf(path, sizeof path, "%s/loghub/%s", folder, names[i]);
        FILE *file = fopen(path, "re");
        if (file == NULL) {
            test_skip("no shared data");
            return;
        }
        char line[8192];
        while (lines < 20000 && fgets(line, sizeof line, file) != NULL) {
            struct syslog s;
            syslog_parse(str_of(line), RECEIVED, OFFSET, &s);
            lines++;
            understood += s.format == SYSLOG_RFC3164 && s.host.n > 0;
        }
        fclose(file);
        test_row("%s: %zu of %zu", names[i], understood, lines);
        CHECK(understood * 100 >= lines * 95);
    }
}

static const struct test tests[] = {
    {"RFC 5424", rfc5424},
    {"RFC 3164", rfc3164},
    {"Cisco", cisco},
    {"not understood", not_understood},
    {"structured data", structured_data},
    {"cuts and flips", cuts_and_flips},
    {"real lines", real_lines},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
