/* gen_windows.c - events of Windows hosts as a forwarder sends them: JSON lines with Sysmon, Security and PowerShell.
 *
 * Shaped like public recordings of such hosts: about 33 members and 2.5 KB an event, its text in Message and again
 * member by member, 71 of 100 from Sysmon. What repeats there repeats here: a process keeps its GUID, number, account
 * and session; a binary its description and hashes; a caller's stack is one of a few hundred; a host touches the same
 * few thousand registry keys. Events come in bursts of one process doing one thing, and bursts of several hosts
 * overlap. */
#include "bench/gen_windows.h"

#include "base/civil.h"
#include "base/macros.h"
#include "bench/gen.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 64
#define BURSTS    5 /* under way at a time */
#define TRACES    300
#define KEYS      4000
#define MODULES   500
#define SCRIPTS   300
#define ACCOUNTS  8
#define RATE_US   4000 /* between two events of a burst, on average */

struct process {
    uint64_t guid;
    uint32_t number;
    uint32_t image;
    uint32_t account;
};

struct host {
    char name[32];
    uint32_t machine; /* first part of its GUIDs */
    uint32_t records[3];
    uint32_t logons;
    struct process processes[PROCESSES];
};

struct burst {
    uint32_t host;
    uint32_t process;
    uint32_t kind;
    uint32_t left;
    uint32_t place; /* in the keys, modules or processes that it walks through */
    uint32_t trace;
    uint32_t thread;
};

struct maker {
    struct gen_random random;
    struct gen_queue queue;
    struct burst bursts[BURSTS];
    struct host *hosts;
    uint32_t host_count;
    uint32_t weight_sum;
    struct gen_text traces[TRACES];
    struct gen_text keys[KEYS];
    struct gen_text scripts[SCRIPTS];
    struct gen_text *texts; /* of gen_windows_kinds */
    /* of the event at work */
    const struct burst *burst;
    struct host *host;
    const struct process *process;
    const struct process *target;
    uint32_t file; /* image or module whose properties are told */
    uint32_t draw;
    uint64_t at_us;
    char day[12];
    uint64_t day_s;
};

static const char *const json_signs[] = {"^", "\\r\\n", "~", "\\t", "`", "\\\\", "'", "\"", NULL, NULL};

#define ONE_OF(list, number) ((list)[(number) % ARRAY_LEN(list)])

static const char *const images[] = {"System32`svchost.exe",
                                     "System32`lsass.exe",
                                     "explorer.exe",
                                     "System32`services.exe",
                                     "System32`RuntimeBroker.exe",
                                     "System32`wbem`WmiPrvSE.exe",
                                     "System32`taskhostw.exe",
                                     "System32`csrss.exe",
                                     "System32`SearchIndexer.exe",
                                     "System32`dllhost.exe",
                                     "System32`conhost.exe",
                                     "System32`backgroundTaskHost.exe",
                                     "System32`WindowsPowerShell`v1.0`powershell.exe",
                                     "System32`cmd.exe",
                                     "System32`spoolsv.exe",
                                     "System32`wininit.exe",
                                     "System32`winlogon.exe",
                                     "System32`MsMpEng.exe",
                                     "System32`sihost.exe"};
static const char *const stems[] = {"net",    "crypt", "com", "rpc", "wbem", "user", "gdi",  "shell",
                                    "kernel", "sec",   "ole", "dns", "http", "msv",  "prop", "task",
                                    "twin",   "ui",    "uxt", "wer", "win",  "ws2"};
static const char *const tails[] = {"api32", "svc",    "core", "prov",  "util", "base",  "cfg",
                                    "32",    "ext",    "host", "mgr",   "ui",   "res",   "rt",
                                    "proxy", "client", "auth", "store", "sync", "trace", "lib"};
static const char *const accounts[] = {"SYSTEM",          "SYSTEM",  "SYSTEM",  "LOCAL SERVICE",
                                       "NETWORK SERVICE", "aigerim", "daniyar", "marat"};
static const char *const roots[] = {"HKLM`SOFTWARE`Microsoft`Windows`CurrentVersion",
                                    "HKLM`System`CurrentControlSet`Services",
                                    "HKLM`SOFTWARE`Microsoft`Windows NT`CurrentVersion",
                                    "HKLM`SOFTWARE`Policies`Microsoft",
                                    "HKU`S-1-5-21-1111111111-2222222222-333333333-1104`Software`Microsoft",
                                    "HKCR`CLSID"};
static const char *const key_words[] = {"Parameters",        "Explorer",  "Config",      "Cache",    "State",
                                        "Internet Settings", "Tcpip",     "Interfaces",  "Policies", "Setup",
                                        "Notifications",     "Session",   "Diagnostics", "Winlogon", "Perflib",
                                        "Shell Folders",     "Providers", "Events",      "Security", "Start"};
static const char *const cmdlets[] = {"Get-Item",    "Get-ChildItem", "Where-Object", "Select-Object",
                                      "Out-Default", "Get-Process",   "Get-Service",  "ForEach-Object",
                                      "Test-Path",   "Import-Module"};

static void put_text(struct gen_out *out, const char *text)
{
    gen_put(out, text, strlen(text));
}

/* Text with the signs of the tables. */
static void put_signs(struct gen_out *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '`')
            gen_put(out, "\\\\", 2);
        else
            gen_put(out, text, 1);
    }
}

static bool is_module(uint32_t file)
{
    return file >= ARRAY_LEN(images);
}

/* Its name without a folder. */
static void put_file_name(struct gen_out *out, uint32_t file)
{
    if (is_module(file)) {
        uint64_t draw = gen_mix(file, 1);
        put_text(out, ONE_OF(stems, draw));
        put_text(out, ONE_OF(tails, draw >> 8));
        put_text(out, ".dll");
    } else {
        const char *slash = strrchr(images[file], '`');
        put_text(out, slash != NULL ? slash + 1 : images[file]);
    }
}

static void put_path(struct gen_out *out, uint32_t file)
{
    put_text(out, "C:\\\\Windows\\\\");
    if (is_module(file)) {
        put_text(out, "System32\\\\");
        put_file_name(out, file);
    } else {
        put_signs(out, images[file]);
    }
}

static void put_hashes(struct gen_out *out, uint32_t file)
{
    static const struct {
        const char *name;
        unsigned words;
    } digests[] = {{"SHA1=", 0}, {",MD5=", 2}, {",SHA256=", 4}, {",IMPHASH=", 2}};
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        put_text(out, digests[i].name);
        for (unsigned word = 0; word < digests[i].words; word++)
            gen_put_hex(out, gen_mix(file, 100 * (i + 1) + word), 16, true);
        if (digests[i].words == 0) {
            gen_put_hex(out, gen_mix(file, 90), 16, true);
            gen_put_hex(out, gen_mix(file, 91), 16, true);
            gen_put_hex(out, gen_mix(file, 92), 8, true);
        }
    }
}

static void put_guid(struct gen_out *out, const struct host *host, uint64_t guid)
{
    gen_put(out, "{", 1);
    gen_put_hex(out, host->machine, 8, false);
    gen_put(out, "-", 1);
    gen_put_hex(out, guid >> 32, 4, false);
    put_text(out, "-5f63-");
    gen_put_hex(out, guid, 4, false);
    put_text(out, "-000000000400}");
}

static void put_account(struct gen_out *out, uint32_t account)
{
    put_text(out, account < 5 ? "NT AUTHORITY\\\\" : "QALA\\\\");
    put_text(out, ONE_OF(accounts, account));
}

/* "2026-11-20 00:00:00" of the event, `late_us` after it happened. */
static void put_time(struct maker *m, struct gen_out *out, uint64_t late_us, char between, bool fraction)
{
    uint64_t us = m->at_us + late_us;
    uint64_t second = us / 1000000;
    if (GEN_START_S + second / 86400 * 86400 != m->day_s) {
        char text[CIVIL_TEXT_MAX];
        m->day_s = GEN_START_S + second / 86400 * 86400;
        civil_format((int64_t)m->day_s * 1000000000, 0, 0, text);
        snprintf(m->day, sizeof m->day, "%.10s", text);
    }
    gen_put(out, m->day, 10);
    gen_put(out, &between, 1);
    gen_put_digits(out, second / 3600 % 24, 2);
    gen_put(out, ":", 1);
    gen_put_digits(out, second / 60 % 60, 2);
    gen_put(out, ":", 1);
    gen_put_digits(out, second % 60, 2);
    if (fraction) {
        gen_put(out, ".", 1);
        gen_put_digits(out, us / 1000 % 1000, 3);
    }
}

static void text_value(void *context, struct gen_out *out, char variable)
{
    (void)context;
    (void)out;
    (void)variable;
}

/* Properties of a binary. False: not one of them. */
static bool file_put(const struct maker *m, struct gen_out *out, char variable)
{
    switch (variable) {
    case 'M':
        put_path(out, m->file);
        return true;
    case 'O':
        put_file_name(out, m->file);
        return true;
    case 'h':
        put_hashes(out, m->file);
        return true;
    case 'd':
        put_text(out, "Example ");
        put_text(out, ONE_OF(key_words, gen_mix(m->file, 3)));
        put_text(out, is_module(m->file) ? " Library" : " Program");
        return true;
    case 'v':
        put_text(out, "10.0.19041.");
        gen_put_u64(out, gen_mix(m->file, 4) % 1500);
        return true;
    default:
        return false;
    }
}

static bool process_put(struct maker *m, struct gen_out *out, char variable)
{
    const struct process *process = m->process;
    switch (variable) {
    case 'g':
        put_guid(out, m->host, process->guid);
        return true;
    case 'p':
        gen_put_u64(out, process->number);
        return true;
    case 'x':
        put_text(out, "0x");
        gen_put_hex(out, process->number, 4, false);
        return true;
    case 'i':
        put_path(out, process->image);
        return true;
    case 'U':
        put_account(out, process->account);
        return true;
    case 'n':
        put_text(out, ONE_OF(accounts, process->account));
        return true;
    case 'l':
        put_text(out, "0x");
        gen_put_hex(out, process->account < 5 ? 0x3e7 : 0x2d4c00 + process->account, process->account < 5 ? 3 : 6,
                    false);
        return true;
    case 'G':
        put_guid(out, m->host, m->target->guid);
        return true;
    case 'P':
        gen_put_u64(out, m->target->number);
        return true;
    case 'I':
        put_path(out, m->target->image);
        return true;
    case 'V':
        put_account(out, m->target->account);
        return true;
    default:
        return false;
    }
}

static void event_put(struct maker *m, struct gen_out *out, char variable)
{
    uint32_t channel = gen_windows_kinds[m->burst->kind].channel;
    switch (variable) {
    case 'H':
        put_text(out, m->host->name);
        break;
    case 'N':
        gen_put_u64(out, m->host->records[channel]);
        break;
    case 'T': /* the channel's reader and the time of a batch's arrival */
        gen_put_u64(out, 1000 + gen_mix(m->host->machine, channel) % 800 * 4);
        break;
    case 'X':
        gen_put_u64(out, 2000 + gen_mix(m->host->machine, channel + 9) % 400 * 4);
        break;
    case 'S':
        gen_put_u64(out, m->burst->thread);
        break;
    case 'u':
        put_time(m, out, 0, ' ', true);
        break;
    case 'e':
        put_time(m, out, 0, ' ', false);
        break;
    case 'r':
        put_time(m, out, 1100000, ' ', false);
        break;
    case 'z':
        put_time(m, out, 1100000, 'T', true);
        break;
    case 'C':
        gen_text_put(out, &m->traces[m->burst->trace], text_value, NULL);
        break;
    case 'K':
        gen_text_put(out, &m->keys[m->draw % KEYS], text_value, NULL);
        break;
    case 'w':
        gen_text_put(out, &m->scripts[m->burst->trace % SCRIPTS], text_value, NULL);
        break;
    case 'a':
        put_text(out, m->burst->trace % 3 ? "0x1000" : "0x1410");
        break;
    case 'D': /* handle, port, sequence: new in each event */
        put_text(out, "0x");
        gen_put_hex(out, 0x40 + (m->draw & 0x1ff) * 4, 4, false);
        break;
    case 'o':
        gen_put_u64(out, 49152 + m->draw % 16384);
        break;
    case 'q':
        gen_put_u64(out, 15 + m->burst->place);
        break;
    case 's': /* the other side: one of the house's servers */
        put_text(out, "10.30.1.");
        gen_put_u64(out, 2 + m->burst->trace % 20);
        break;
    case 'c':
        put_text(out, "10.30.2.");
        gen_put_u64(out, 2 + m->burst->host);
        break;
    case 'k':
        put_text(out, ONE_OF(cmdlets, m->burst->trace));
        break;
    default:
        break;
    }
}

static void value_put(void *context, struct gen_out *out, char variable)
{
    struct maker *m = context;
    if (!process_put(m, out, variable) && !file_put(m, out, variable))
        event_put(m, out, variable);
}

/* ---- tables made once ---- */

static void made(struct gen_out *room, struct gen_text *ret_text)
{
    room->p[room->n] = '\0';
    gen_text_compile(room->p, NULL, ret_text);
    room->n = 0;
}

static void trace_make(struct gen_out *room, uint64_t trace, struct gen_text *ret_text)
{
    uint64_t frames = 6 + gen_mix(trace, 1) % 16;
    put_text(room, "C:\\\\Windows\\\\SYSTEM32\\\\ntdll.dll+9c5");
    gen_put_hex(room, gen_mix(trace, 2), 2, false);
    for (uint64_t i = 0; i < frames; i++) {
        uint64_t draw = gen_mix(trace / 3, i + 10); /* callers share the frames below */
        put_text(room, "|C:\\\\Windows\\\\System32\\\\");
        put_file_name(room, (uint32_t)(ARRAY_LEN(images) + draw % 40));
        gen_put(room, "+", 1);
        gen_put_hex(room, draw >> 20, 5, false);
    }
    put_text(room, "|C:\\\\Windows\\\\SYSTEM32\\\\ntdll.dll+6ce51");
    made(room, ret_text);
}

static void key_make(struct gen_out *room, uint64_t key, struct gen_text *ret_text)
{
    uint64_t family = gen_mix(key / 12, 5); /* keys that are walked through together begin alike */
    put_signs(room, ONE_OF(roots, family));
    for (unsigned i = 0; i < 1 + family % 3; i++) {
        put_text(room, "\\\\");
        put_text(room, ONE_OF(key_words, gen_mix(family, i)));
    }
    if (family >> 8 & 1) {
        put_text(room, "\\\\{");
        gen_put_hex(room, gen_mix(family, 7), 8, false);
        put_text(room, "-ace0-ae18-0445-");
        gen_put_hex(room, gen_mix(family, 8), 12, false);
        put_text(room, "}");
    }
    put_text(room, "\\\\");
    put_text(room, ONE_OF(key_words, gen_mix(key, 6)));
    made(room, ret_text);
}

static void script_make(struct gen_out *room, uint64_t script, struct gen_text *ret_text)
{
    uint64_t lines = 4 + gen_mix(script, 1) % 24;
    for (uint64_t i = 0; i < lines; i++) {
        uint64_t draw = gen_mix(script / 2, i + 2);
        put_text(room, "ParameterBinding(");
        put_text(room, ONE_OF(cmdlets, draw));
        put_text(room, "): name=\\\"InputObject\\\"; value=\\\"");
        put_text(room, ONE_OF(key_words, draw >> 8));
        put_text(room, " ");
        put_file_name(room, (uint32_t)(ARRAY_LEN(images) + (draw >> 16) % MODULES));
        put_text(room, "\\\"\\r\\n");
    }
    made(room, ret_text);
}

static void process_make(struct maker *m, struct host *host, uint32_t place)
{
    struct process *process = &host->processes[place];
    uint32_t draw = gen_below(&m->random, 1u << 20);
    process->guid = gen_random_next(&m->random);
    process->number = gen_between(&m->random, 100, 2500) * 4;
    process->image = draw % 3 ? 0 : draw / 3 % (uint32_t)ARRAY_LEN(images); /* most are svchost */
    process->account = draw >> 12 & (ACCOUNTS - 1);
}

static void burst_make(struct maker *m, struct burst *burst)
{
    uint32_t draw = gen_below(&m->random, m->weight_sum);
    uint32_t kind = 0;
    while (draw >= gen_windows_kinds[kind].weight)
        draw -= gen_windows_kinds[kind++].weight;
    *burst = (struct burst){.host = gen_skewed(&m->random, m->host_count),
                            .process = gen_skewed(&m->random, PROCESSES),
                            .kind = kind,
                            .left = gen_between(&m->random, 1, 2 * gen_windows_kinds[kind].length),
                            .place = gen_below(&m->random, 1u << 16),
                            .thread = gen_between(&m->random, 100, 2500) * 4};
    /* A process does what it did before: its stacks and keys follow from what it is, with a few to choose from. */
    struct host *host = &m->hosts[burst->host];
    uint64_t usual = gen_mix(host->processes[burst->process].image + burst->process % 4, gen_below(&m->random, 4));
    burst->trace = (uint32_t)(usual % TRACES);
    burst->place = (uint32_t)(usual >> 20) % 400 * 12;
    if (gen_below(&m->random, 60) == 0)
        process_make(m, host, burst->process);
}

static bool event_make(struct maker *m, struct gen_out *out, struct burst *burst)
{
    const struct gen_windows_kind *kind = &gen_windows_kinds[burst->kind];
    m->burst = burst;
    m->host = &m->hosts[burst->host];
    m->process = &m->host->processes[burst->process];
    m->target = &m->host->processes[(burst->place + burst->left) % PROCESSES];
    m->draw = kind->walks ? burst->place + burst->left : gen_below(&m->random, 1u << 20);
    m->file = kind->of_module ? (uint32_t)ARRAY_LEN(images) + m->draw % MODULES : m->process->image;
    m->host->records[kind->channel]++;
    gen_text_put(out, &m->texts[burst->kind], value_put, m);
    return gen_line_end(out);
}

static void maker_init(struct maker *m, uint64_t seed, uint32_t hosts)
{
    struct gen_out room;
    gen_out_init(&room, 0);
    gen_random_init(&m->random, seed);
    m->hosts = gen_memory(hosts * sizeof m->hosts[0]);
    m->host_count = hosts;
    for (uint32_t i = 0; i < hosts; i++) {
        snprintf(m->hosts[i].name, sizeof m->hosts[i].name, "WKS%03u.qala.example", i + 1);
        m->hosts[i].machine = (uint32_t)gen_random_next(&m->random);
        for (size_t channel = 0; channel < ARRAY_LEN(m->hosts[i].records); channel++)
            m->hosts[i].records[channel] = gen_between(&m->random, 10000, 900000);
        for (uint32_t place = 0; place < PROCESSES; place++)
            process_make(m, &m->hosts[i], place);
    }
    for (uint32_t i = 0; i < TRACES; i++)
        trace_make(&room, i, &m->traces[i]);
    for (uint32_t i = 0; i < KEYS; i++)
        key_make(&room, i, &m->keys[i]);
    for (uint32_t i = 0; i < SCRIPTS; i++)
        script_make(&room, i, &m->scripts[i]);
    m->texts = gen_memory(gen_windows_kind_count * sizeof m->texts[0]);
    for (size_t i = 0; i < gen_windows_kind_count; i++) {
        m->weight_sum += gen_windows_kinds[i].weight;
        gen_text_compile(gen_windows_kinds[i].text, json_signs, &m->texts[i]);
    }
}

void gen_windows(struct gen_out *out, uint64_t seed, uint32_t hosts)
{
    struct maker *m = gen_memory(sizeof *m);
    maker_init(m, seed, hosts);
    for (uint32_t i = 0; i < BURSTS; i++) {
        burst_make(m, &m->bursts[i]);
        gen_queue_add(&m->queue, i * 1000, i);
    }
    for (;;) {
        struct gen_queued first = gen_queue_first(&m->queue);
        struct burst *burst = &m->bursts[first.slot];
        m->at_us = first.at;
        if (!event_make(m, out, burst))
            return;
        burst->left--;
        uint64_t wait_us = gen_below(&m->random, 2 * RATE_US);
        if (burst->left == 0) {
            burst_make(m, burst);
            wait_us += gen_below(&m->random, 50 * RATE_US);
        }
        gen_queue_again(&m->queue, first.at + wait_us);
    }
}
