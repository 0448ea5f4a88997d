/* gen_syslog.c - syslog of many hosts whose sessions interleave in time, as a collector sees them.
 *
 * A session is a row of `kinds`: lines before, lines that repeat, lines after, each with its wait. What belongs to a
 * session (account, peer, port, process id, queue id) stays the same through it; what belongs to a host or an account
 * (address, key, home) stays the same for ever; sizes, sequence numbers and the like are new in each line. Seven hosts
 * of eight speak RFC 3164, the eighth RFC 5424. About a thousand lines a second; 2026-11-20 UTC and the days behind it.
 *
 * Attacks are as rare as on an honest day behind a firewall: about one line of a thousand is password guessing or a
 * probe of a web server, one of a hundred a refused packet. */
#include "base/civil.h"
#include "base/macros.h"
#include "bench/gen.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX    12
#define WARM_UP_MS   UINT64_C(900000)
#define START_GAP_MS 13 /* between two sessions that begin, on average: half of a draw below twice of it */
#define CLIENTS      8000

enum facility { KERN = 0, MAIL = 16, DAEMON = 24, AUTH = 32, CRON = 72, AUTHPRIV = 80, LOCAL0 = 128, LOCAL7 = 184 };

struct step {
    uint32_t wait_min_ms;
    uint32_t wait_max_ms;
    uint32_t chance;   /* of a thousand; 0 = always */
    uint32_t priority; /* facility + severity */
    const char *program;
    char pid; /* s: the session's, n: one above, d: the daemon's on that host, 1: init, 0: none */
    const char *text;
};

struct kind {
    const char *name;
    uint32_t weight;
    const char *roles; /* first letters of the hosts it runs on; NULL = all */
    uint32_t rounds_min;
    uint32_t rounds_max;
    size_t loop_first; /* steps that repeat: loop_first..loop_end-1 */
    size_t loop_end;
    struct step steps[STEPS_MAX];
};

/* Variables: value_put below. */
static const struct kind kinds[] = {
    {"ssh",
     40,
     NULL,
     0,
     3,
     5,
     8,
     {{0, 900, 60, AUTHPRIV + 6, "sshd", 's', "Failed password for $u from $p port $P ssh2"},
      {500, 3000, 0, AUTHPRIV + 6, "sshd", 's', "Accepted publickey for $u from $p port $P ssh2: ED25519 SHA256:$k"},
      {5, 60, 0, AUTHPRIV + 6, "sshd", 's', "pam_unix(sshd:session): session opened for user $u(uid=$i) by (uid=0)"},
      {5, 90, 0, AUTH + 6, "systemd-logind", 'd', "New session $s of user $u."},
      {5, 200, 0, DAEMON + 6, "systemd", '1', "Started session-$s.scope - Session $s of User $u."},
      {3000, 200000, 0, AUTHPRIV + 5, "sudo", 'n', "$v : TTY=pts/$y ; PWD=/home/$u ; USER=root ; COMMAND=$c"},
      {2, 9, 0, AUTHPRIV + 6, "sudo", 'n', "pam_unix(sudo:session): session opened for user root(uid=0) by $u(uid=$i)"},
      {50, 4000, 0, AUTHPRIV + 6, "sudo", 'n', "pam_unix(sudo:session): session closed for user root"},
      {5000, 600000, 0, AUTHPRIV + 6, "sshd", 's', "Received disconnect from $p port $P:11: disconnected by user"},
      {1, 9, 0, AUTHPRIV + 6, "sshd", 's', "Disconnected from user $u $p port $P"},
      {1, 20, 0, AUTHPRIV + 6, "sshd", 's', "pam_unix(sshd:session): session closed for user $u"},
      {5, 90, 0, AUTH + 6, "systemd-logind", 'd', "Session $s logged out. Waiting for processes to exit."}}},
    {"guess",
     1,
     "g",
     1,
     4,
     0,
     3,
     {{500, 4000, 0, AUTHPRIV + 6, "sshd", 's', "Invalid user $G from $e port $P"},
      {300, 2000, 0, AUTHPRIV + 6, "sshd", 's', "Failed password for invalid user $G from $e port $P ssh2"},
      {5, 900, 0, AUTHPRIV + 6, "sshd", 's', "Connection closed by invalid user $G $e port $P [preauth]"}}},
    {"cron",
     230,
     NULL,
     0,
     0,
     0,
     0,
     {{0, 900, 0, AUTHPRIV + 6, "CRON", 's', "pam_unix(cron:session): session opened for user $a(uid=0) by (uid=0)"},
      {1, 20, 0, CRON + 6, "CRON", 'n', "($a) CMD ($j)"},
      {200, 20000, 0, AUTHPRIV + 6, "CRON", 's', "pam_unix(cron:session): session closed for user $a"}}},
    {"web", 50, "w", 1, 14, 0, 1, {{20, 6000, 0, LOCAL7 + 6, "nginx", 'd', "$e - - [$C] \"$m $g HTTP/1.1\" $t $b"}}},
    {"web, combined",
     16,
     "w",
     1,
     14,
     0,
     1,
     {{20, 6000, 0, LOCAL7 + 6, "nginx", 'd', "$e - - [$C] \"$m $g HTTP/1.1\" $t $b \"$r\" \"$A\""}}},
    {"probe",
     1,
     "w",
     1,
     3,
     0,
     1,
     {{20, 900, 0, LOCAL7 + 6, "nginx", 'd', "$e - - [$C] \"GET $x HTTP/1.1\" 404 153 \"-\" \"$A\""}}},
    {"firewall",
     8,
     "g",
     1,
     5,
     0,
     1,
     {{100, 5000, 0, KERN + 4, "kernel", '0',
       "[$U] [UFW BLOCK] IN=eth0 OUT= MAC=$M SRC=$e DST=$h LEN=$L TOS=0x00 PREC=0x00 TTL=$T ID=$I PROTO=TCP SPT=$P "
       "DPT=$D WINDOW=1024 RES=0x00 SYN URGP=0 "}}},
    {"mail",
     60,
     "m",
     0,
     0,
     0,
     0,
     {{0, 900, 0, MAIL + 6, "postfix/smtpd", 's', "connect from $o[$e]"},
      {100, 900, 0, MAIL + 6, "postfix/smtpd", 's', "$q: client=$o[$e]"},
      {20, 200, 0, MAIL + 6, "postfix/cleanup", 'n', "$q: message-id=<$q@$o>"},
      {20, 90, 0, MAIL + 6, "postfix/qmgr", 'd', "$q: from=<$w@$o>, size=$b, nrcpt=1 (queue active)"},
      {20, 900, 0, MAIL + 6, "postfix/smtpd", 's',
       "disconnect from $o[$e] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"},
      {50, 3000, 0, MAIL + 6, "postfix/local", 'n',
       "$q: to=<$u@qala.example>, relay=local, delay=0.$z, delays=0.1/0/0/0.$y, dsn=2.0.0, status=sent (delivered to "
       "mailbox)"},
      {1, 20, 0, MAIL + 6, "postfix/qmgr", 'd', "$q: removed"}}},
    {"unit",
     150,
     NULL,
     0,
     0,
     0,
     0,
     {{0, 900, 0, DAEMON + 6, "systemd", '1', "Starting $n - $N..."},
      {90, 9000, 0, DAEMON + 6, "systemd", '1', "$n: Deactivated successfully."},
      {0, 9, 0, DAEMON + 6, "systemd", '1', "Finished $n - $N."},
      {0, 9, 500, DAEMON + 6, "systemd", '1', "$n: Consumed $zms CPU time."}}},
    {"database",
     60,
     "d",
     0,
     2,
     2,
     3,
     {{0, 900, 0, LOCAL0 + 6, "postgres", 's', "[$s-1] LOG:  connection received: host=$p port=$P"},
      {3, 30, 0, LOCAL0 + 6, "postgres", 's',
       "[$s-2] LOG:  connection authorized: user=$a database=$w application_name=$w"},
      {50, 60000, 0, LOCAL0 + 6, "postgres", 's', "[$s-3] LOG:  duration: $l.$z ms  statement: $S"},
      {50, 60000, 0, LOCAL0 + 6, "postgres", 's',
       "[$s-4] LOG:  disconnection: session time: 0:00:$y.$z user=$a database=$w host=$p port=$P"}}},
    {"names",
     80,
     "g",
     1,
     3,
     0,
     1,
     {{1, 900, 0, DAEMON + 6, "named", 'd', "client @0x$X $p#$P ($d): query: $d IN A +E(0)K ($h)"}}},
    {"lease",
     30,
     "g",
     0,
     0,
     0,
     0,
     {{0, 900, 0, DAEMON + 6, "dhcpd", 'd', "DHCPREQUEST for $p from $H via eth1"},
      {0, 3, 0, DAEMON + 6, "dhcpd", 'd', "DHCPACK on $p to $H via eth1"}}},
};

struct host {
    char name[16];
    char role;
    bool modern;
    uint32_t address; /* the last two bytes */
    uint32_t pid;
    uint32_t session;
    uint64_t uptime_us; /* at the start */
};

struct session {
    uint8_t kind;
    uint8_t step;
    uint8_t round;
    uint8_t rounds;
    uint16_t host;
    uint32_t pid;
    uint32_t number;
    uint64_t salt; /* what stays the same through the session follows from it */
};

struct maker {
    struct gen_random random;
    struct gen_queue queue;
    struct session *sessions;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t session_count;
    struct host *hosts;
    uint32_t host_count;
    uint32_t weight_sum;
    struct gen_text texts[ARRAY_LEN(kinds)][STEPS_MAX];
    size_t steps[ARRAY_LEN(kinds)];
    /* of the line at work */
    const struct session *session;
    const struct host *host;
    uint64_t at_ms;
    uint64_t day_s;     /* begin of the day that `day` and `clock_day` name */
    char month_day[8];  /* "Nov 20" */
    char iso_day[16];   /* "2026-11-20" */
    char clock_day[16]; /* "20/Nov/2026" */
};

static const char *const users[] = {"aigerim", "daniyar", "gulnara", "ivan", "marat", "olga", "saule", "timur",
                                    "zhanar",  "deploy",  "backup",  "asel", "bolat", "dana", "erlan", "farida"};
static const char *const services[] = {"root", "www-data", "backup", "postgres", "monitor", "app"};
static const char *const guessed[] = {"admin", "test", "oracle", "ubuntu", "user", "git", "ftp", "support"};
static const char *const words[] = {"budget",   "contract", "invoice",  "journal",  "minutes", "order",  "passport",
                                    "protocol", "quarter",  "report",   "schedule", "tender",  "ticket", "archive",
                                    "billing",  "catalog",  "delivery", "estate",   "finance", "ledger"};
static const char *const paths[] = {"/",
                                    "/login",
                                    "/api/v1/objects/#",
                                    "/static/app.css",
                                    "/static/app.js",
                                    "/img/#.png",
                                    "/search?q=*",
                                    "/reports/#.pdf",
                                    "/news/#",
                                    "/favicon.ico",
                                    "/api/v1/*/#",
                                    "/api/v1/*",
                                    "/static/fonts/*.woff2",
                                    "/img/*/#.jpg",
                                    "/*/#",
                                    "/api/v2/*/#/items?page=1"};
static const char *const probes[] = {"/wp-login.php", "/.env", "/cgi-bin/test?x=../../etc/passwd", "/phpmyadmin/"};
static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "python-requests/2.32",
    "curl/8.8.0",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/)"};
static const char *const commands[] = {"/usr/bin/systemctl restart nginx",
                                       "/usr/bin/apt-get update",
                                       "/usr/bin/journalctl -xe",
                                       "/usr/bin/systemctl status postgresql",
                                       "/usr/bin/tail -f /var/log/syslog",
                                       "/usr/bin/vi /etc/hosts",
                                       "/usr/bin/docker ps",
                                       "/usr/bin/df -h"};
static const char *const units[] = {
    "logrotate", "apt-daily",       "fstrim",          "man-db",      "systemd-tmpfiles-clean",
    "certbot",   "sysstat-collect", "phpsessionclean", "e2scrub_all", "motd-news"};
static const char *const unit_names[] = {"Rotate log files",
                                         "Daily apt download activities",
                                         "Discard unused blocks",
                                         "Daily man-db regeneration",
                                         "Cleanup of Temporary Directories",
                                         "Renew certificates",
                                         "system activity accounting tool",
                                         "Clean php session files",
                                         "Online ext4 Metadata Check",
                                         "Message of the Day"};
static const uint32_t ports[] = {22, 23, 80, 443, 445, 3389, 5432, 8080};
static const uint32_t statuses[] = {200, 200, 200, 200, 200, 200, 200, 304, 304, 302, 404, 500};

#define ONE_OF(list, number) ((list)[(number) % ARRAY_LEN(list)])

static void put_text(struct gen_out *out, const char *text)
{
    gen_put(out, text, strlen(text));
}

/* 10.A.B.C of the house's own machines. */
static void put_inner(struct gen_out *out, uint64_t draw)
{
    put_text(out, "10.9.");
    gen_put_u64(out, draw % 4);
    gen_put(out, ".", 1);
    gen_put_u64(out, 2 + (draw >> 8) % 60);
}

/* 100.64.0.0/10, which nobody has on the open network: clients from outside. */
static void put_outer(struct gen_out *out, uint64_t client)
{
    uint64_t draw = gen_mix(client, 0x6f75746572);
    put_text(out, "100.");
    gen_put_u64(out, 64 + draw % 64);
    gen_put(out, ".", 1);
    gen_put_u64(out, (draw >> 8) % 256);
    gen_put(out, ".", 1);
    gen_put_u64(out, 1 + (draw >> 16) % 254);
}

static void put_path(struct maker *m, struct gen_out *out)
{
    for (const char *p = ONE_OF(paths, gen_skewed(&m->random, ARRAY_LEN(paths))); *p != '\0'; p++) {
        if (*p == '#')
            gen_put_u64(out, 1 + gen_skewed(&m->random, 1000));
        else if (*p == '*')
            put_text(out, ONE_OF(words, gen_skewed(&m->random, ARRAY_LEN(words))));
        else
            gen_put(out, p, 1);
    }
}

static void put_base64(struct gen_out *out, uint64_t key)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned i = 0; i < 43; i++)
        gen_put(out, &signs[gen_mix(key, i) % 64], 1);
}

static void put_clock(const struct maker *m, struct gen_out *out)
{
    uint64_t second = m->at_ms / 1000 % 86400;
    gen_put_digits(out, second / 3600, 2);
    gen_put(out, ":", 1);
    gen_put_digits(out, second / 60 % 60, 2);
    gen_put(out, ":", 1);
    gen_put_digits(out, second % 60, 2);
}

static void put_mac(struct gen_out *out, uint64_t draw, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            gen_put(out, ":", 1);
        gen_put_hex(out, gen_mix(draw, i), 2, false);
    }
}

/* What is new in each line. False: not one of them. */
static bool fresh_put(struct maker *m, struct gen_out *out, char variable)
{
    struct gen_random *random = &m->random;
    switch (variable) {
    case 'b': /* bytes of an answer or a message: most of a few dozen sizes */
        gen_put_u64(out, gen_below(random, 12) > 0 ? 200 + gen_mix(gen_skewed(random, 100), 7) % 60000
                                                   : 120 + gen_below(random, 90000));
        return true;
    case 'g':
        put_path(m, out);
        return true;
    case 't':
        gen_put_u64(out, ONE_OF(statuses, gen_below(random, ARRAY_LEN(statuses))));
        return true;
    case 'x':
        put_text(out, ONE_OF(probes, gen_below(random, ARRAY_LEN(probes))));
        return true;
    case 'c':
        put_text(out, ONE_OF(commands, gen_skewed(random, ARRAY_LEN(commands))));
        return true;
    case 'z':
        gen_put_digits(out, gen_below(random, 1000), 3);
        return true;
    case 'y':
        gen_put_u64(out, gen_below(random, 10));
        return true;
    case 'l':
        gen_put_u64(out, gen_skewed(random, 900));
        return true;
    case 'I':
        gen_put_u64(out, gen_below(random, 65536));
        return true;
    case 'U': {
        uint64_t us = m->host->uptime_us + m->at_ms * 1000 + gen_below(random, 1000);
        gen_put_u64(out, us / 1000000);
        gen_put(out, ".", 1);
        gen_put_digits(out, us % 1000000, 6);
        return true;
    }
    case 'C':
        put_text(out, m->clock_day);
        gen_put(out, ":", 1);
        put_clock(m, out);
        put_text(out, " +0000");
        return true;
    default:
        return false;
    }
}

/* What stays the same through the session and is a number or an address. False: not one of them. */
static bool number_put(struct maker *m, struct gen_out *out, char variable, uint64_t draw)
{
    switch (variable) {
    case 'p':
        put_inner(out, draw);
        return true;
    case 'e': /* a few thousand clients come again and again */
        put_outer(out, (draw % 1024) * (draw >> 10 & 1023) * (draw >> 20 & 1023) / 1024 * CLIENTS >> 20);
        return true;
    case 'h':
        put_text(out, "10.20.");
        gen_put_u64(out, m->host->address >> 8);
        gen_put(out, ".", 1);
        gen_put_u64(out, m->host->address & 255);
        return true;
    case 'P':
        gen_put_u64(out, 32768 + draw % 28232);
        return true;
    case 'D':
        gen_put_u64(out, ONE_OF(ports, draw));
        return true;
    case 's':
        gen_put_u64(out, m->session->number);
        return true;
    case 'L':
        gen_put_u64(out, 40 + draw % 5 * 4);
        return true;
    case 'T':
        gen_put_u64(out, 44 + draw % 12);
        return true;
    case 'q':
        gen_put_hex(out, draw, 10, true);
        return true;
    case 'X':
        gen_put_hex(out, 0x7f0000000000 | draw % 64 << 12 | 0x168, 12, false);
        return true;
    case 'M':
        put_mac(out, m->session->host, 14);
        return true;
    case 'H':
        put_mac(out, draw % 800, 6);
        return true;
    case 'o':
        put_text(out, "mx");
        gen_put_u64(out, draw % 40);
        put_text(out, ".firm.example");
        return true;
    default:
        return false;
    }
}

static void word_put(struct gen_out *out, char variable, uint64_t draw, uint64_t user)
{
    switch (variable) {
    case 'u':
        put_text(out, ONE_OF(users, user));
        break;
    case 'v':
        gen_put(out, "          ", 8 - MIN(strlen(ONE_OF(users, user)), (size_t)8));
        put_text(out, ONE_OF(users, user));
        break;
    case 'i':
        gen_put_u64(out, 1000 + user % ARRAY_LEN(users));
        break;
    case 'k':
        put_base64(out, user % ARRAY_LEN(users));
        break;
    case 'a':
        put_text(out, ONE_OF(services, draw));
        break;
    case 'G':
        put_text(out, ONE_OF(guessed, draw));
        break;
    case 'w':
        put_text(out, ONE_OF(words, draw));
        break;
    case 'j':
        put_text(out, "test -x /usr/local/bin/");
        put_text(out, ONE_OF(words, draw));
        put_text(out, " && /usr/local/bin/");
        put_text(out, ONE_OF(words, draw));
        put_text(out, " --quiet");
        break;
    case 'n':
        put_text(out, ONE_OF(units, draw));
        put_text(out, ".service");
        break;
    case 'N':
        put_text(out, ONE_OF(unit_names, draw));
        break;
    case 'm':
        put_text(out, draw % 6 == 0 ? "POST" : "GET");
        break;
    case 'r':
        put_text(out, draw % 3 == 0 ? "-" : "https://portal.qala.example/");
        break;
    case 'A':
        put_text(out, ONE_OF(agents, (draw & 7) * (draw >> 3 & 7) / 9));
        break;
    case 'd':
        put_text(out, ONE_OF(words, draw));
        gen_put(out, draw >> 8 & 1 ? "." : "-", 1);
        put_text(out, ONE_OF(words, draw >> 9));
        put_text(out, ".example");
        break;
    case 'S':
        put_text(out, "SELECT * FROM ");
        put_text(out, ONE_OF(words, draw));
        put_text(out, " WHERE id = $1");
        break;
    default:
        break;
    }
}

static void value_put(void *context, struct gen_out *out, char variable)
{
    struct maker *m = context;
    /* A unit's file and its name, a job's two words: one draw for both. */
    uint64_t draw = gen_mix(m->session->salt, variable == 'N' ? 'n' : (uint64_t)(unsigned char)variable);
    /* People have their machines: three accounts to a host, mostly. */
    uint64_t user = m->session->host + gen_mix(m->session->salt, 'u') % 3;
    if (!fresh_put(m, out, variable) && !number_put(m, out, variable, draw))
        word_put(out, variable, draw, user);
}

static void day_begin(struct maker *m)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    m->day_s = GEN_START_S + m->at_ms / 1000 / 86400 * 86400;
    char text[CIVIL_TEXT_MAX];
    civil_format((int64_t)m->day_s * 1000000000, 0, 0, text);
    unsigned month = (unsigned)(text[5] - '0') * 10 + (unsigned)(text[6] - '0');
    snprintf(m->iso_day, sizeof m->iso_day, "%.10s", text);
    snprintf(m->month_day, sizeof m->month_day, "%s %c%c", months[(month - 1) % 12], text[8] == '0' ? ' ' : text[8],
             text[9]);
    snprintf(m->clock_day, sizeof m->clock_day, "%.2s/%s/%.4s", text + 8, months[(month - 1) % 12], text);
}

static uint64_t pid_of(const struct maker *m, const struct step *step)
{
    switch (step->pid) {
    case 's':
        return m->session->pid;
    case 'n':
        return m->session->pid + 1U + m->session->round;
    case 'd':
        return 600 + gen_mix(m->session->host, (uint64_t)(unsigned char)step->program[0]) % 3000;
    case '1':
        return 1;
    default:
        return 0;
    }
}

static bool line_put(struct maker *m, struct gen_out *out)
{
    const struct step *step = &kinds[m->session->kind].steps[m->session->step];
    uint64_t pid = pid_of(m, step);
    if (m->at_ms / 1000 / 86400 * 86400 + GEN_START_S != m->day_s)
        day_begin(m);
    gen_put(out, "<", 1);
    gen_put_u64(out, step->priority);
    if (m->host->modern) {
        put_text(out, ">1 ");
        put_text(out, m->iso_day);
        gen_put(out, "T", 1);
        put_clock(m, out);
        gen_put(out, ".", 1);
        gen_put_digits(out, m->at_ms % 1000, 3);
        gen_put(out, "Z ", 2);
    } else {
        gen_put(out, ">", 1);
        put_text(out, m->month_day);
        gen_put(out, " ", 1);
        put_clock(m, out);
        gen_put(out, " ", 1);
    }
    put_text(out, m->host->name);
    gen_put(out, " ", 1);
    put_text(out, step->program);
    if (m->host->modern) {
        gen_put(out, " ", 1);
        if (pid > 0)
            gen_put_u64(out, pid);
        else
            gen_put(out, "-", 1);
        put_text(out, " - - ");
    } else if (pid > 0) {
        gen_put(out, "[", 1);
        gen_put_u64(out, pid);
        put_text(out, "]: ");
    } else {
        put_text(out, ": ");
    }
    gen_text_put(out, &m->texts[m->session->kind][m->session->step], value_put, m);
    return gen_line_end(out);
}

/* ---- sessions ---- */

static uint64_t step_wait(struct maker *m, const struct session *session)
{
    const struct step *step = &kinds[session->kind].steps[session->step];
    return gen_between(&m->random, step->wait_min_ms, step->wait_max_ms);
}

static void session_begin(struct maker *m, uint64_t at_ms)
{
    uint32_t draw = gen_below(&m->random, m->weight_sum);
    size_t kind = 0;
    while (draw >= kinds[kind].weight)
        draw -= kinds[kind++].weight;
    uint32_t host = gen_below(&m->random, m->host_count);
    const char *roles = kinds[kind].roles;
    for (uint32_t i = 0; i < m->host_count && roles != NULL && m->hosts[host].role != roles[0]; i++)
        host = (host + 1) % m->host_count;
    uint32_t slot = m->free_count > 0 ? m->free_slots[--m->free_count] : m->session_count++;
    struct session *session = &m->sessions[slot];
    m->hosts[host].pid = 300 + (m->hosts[host].pid + gen_between(&m->random, 1, 12)) % 32000;
    *session =
        (struct session){.kind = (uint8_t)kind,
                         .host = (uint16_t)host,
                         .pid = m->hosts[host].pid,
                         .number = ++m->hosts[host].session,
                         .salt = gen_random_next(&m->random),
                         .rounds = (uint8_t)gen_between(&m->random, kinds[kind].rounds_min, kinds[kind].rounds_max)};
    if (session->rounds == 0 && kinds[kind].loop_end > 0 && kinds[kind].loop_first == 0)
        session->step = (uint8_t)kinds[kind].loop_end;
    gen_queue_add(&m->queue, at_ms + step_wait(m, session), slot);
}

/* The next step; false when the session is over. */
static bool session_advance(struct maker *m, struct session *session)
{
    const struct kind *kind = &kinds[session->kind];
    session->step++;
    if (kind->loop_end > 0 && session->step == kind->loop_end && ++session->round < session->rounds)
        session->step = (uint8_t)kind->loop_first;
    if (kind->loop_end > 0 && session->step == kind->loop_first && session->rounds == 0)
        session->step = (uint8_t)kind->loop_end;
    return session->step < m->steps[session->kind];
}

#define SESSIONS_MAX (1u << 20)

static void maker_init(struct maker *m, uint64_t seed, uint32_t hosts)
{
    static const char *const roles[] = {"web", "db", "app", "mail", "gw"};
    gen_random_init(&m->random, seed);
    m->hosts = gen_memory(hosts * sizeof m->hosts[0]);
    m->host_count = hosts;
    m->sessions = gen_memory(SESSIONS_MAX * sizeof m->sessions[0]);
    m->free_slots = gen_memory(SESSIONS_MAX * sizeof m->free_slots[0]);
    for (uint32_t i = 0; i < hosts; i++) {
        struct host *host = &m->hosts[i];
        snprintf(host->name, sizeof host->name, "%s%02u", ONE_OF(roles, i), i / 5 + 1);
        host->role = host->name[0];
        host->modern = i % 8 == 7;
        host->address = i / 200 << 8 | (i % 200 + 10);
        host->pid = gen_between(&m->random, 1000, 32000);
        host->session = gen_below(&m->random, 60000);
        host->uptime_us = UINT64_C(1000000) * gen_between(&m->random, 1000, 9000000);
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        m->weight_sum += kinds[i].weight;
        for (; m->steps[i] < STEPS_MAX && kinds[i].steps[m->steps[i]].text != NULL; m->steps[i]++)
            gen_text_compile(kinds[i].steps[m->steps[i]].text, NULL, &m->texts[i][m->steps[i]]);
    }
}

/* One line, or the begin of a session. False when the output is full. */
static bool maker_step(struct maker *m, struct gen_out *out, uint64_t *begin_ms)
{
    struct gen_queued first = m->queue.count > 0 ? gen_queue_first(&m->queue) : (struct gen_queued){.at = UINT64_MAX};
    if (first.at >= *begin_ms) {
        session_begin(m, *begin_ms);
        *begin_ms += gen_below(&m->random, 2 * START_GAP_MS + 1);
        return true;
    }
    struct session *session = &m->sessions[first.slot];
    const struct step *step = &kinds[session->kind].steps[session->step];
    bool said = step->chance == 0 || gen_below(&m->random, 1000) < step->chance;
    m->session = session;
    m->host = &m->hosts[session->host];
    m->at_ms = first.at - WARM_UP_MS;
    out->quiet = first.at < WARM_UP_MS;
    if (said && !out->quiet && !line_put(m, out))
        return false;
    if (session_advance(m, session)) {
        gen_queue_again(&m->queue, first.at + step_wait(m, session));
    } else {
        gen_queue_take(&m->queue);
        m->free_slots[m->free_count++] = first.slot;
    }
    return true;
}

void gen_syslog(struct gen_out *out, uint64_t seed, uint32_t hosts)
{
    struct maker *m = gen_memory(sizeof *m);
    uint64_t begin_ms = 0;
    maker_init(m, seed, hosts);
    while (maker_step(m, out, &begin_ms)) {
    }
}
