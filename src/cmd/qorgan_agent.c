/* qorgan-agent - collects what its host writes down and delivers it to a Qorgan server. One small program with the
 * rooms that it needs and no others. */
#include "agent/agent.h"
#include "agent/relay.h"
#include "agent/store.h"
#include "base/arena.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define DATA_DEFAULT  "/var/lib/qorgan-agent"
#define RELAY_DEFAULT "/etc/qorgan/relay.conf"
#define STATUS_OLD_S  60
#define USAGE_STATUS  2

#ifndef QORGAN_VERSION
#define QORGAN_VERSION "unknown"
#endif

static const char usage[] =
    "usage: qorgan-agent enrol TOKEN [--data DIR] [--anew]\n"
    "       qorgan-agent run [--data DIR] [--journal DIR]\n"
    "       qorgan-agent status [--data DIR] [--json]\n"
    "       qorgan-agent relay [--config FILE]\n"
    "       qorgan-agent version | --version | --help\n"
    "\n"
    "enrol   makes a key and has it certified by the server that the one-time token names\n"
    "run     collects what the server's policy says and delivers it, until SIGTERM\n"
    "status  says how the running agent is\n"
    "relay   passes connections of agents on to the server, without opening them, until SIGTERM\n"
    "\n"
    "  --data DIR     folder of the agent; default " DATA_DEFAULT "\n"
    "  --anew         enrol although the host is enrolled: a new identity, the spool stays\n"
    "  --journal DIR  read the journal in this folder instead of the machine's own\n"
    "  --json         one JSON object\n"
    "  --config FILE  of the relay; default " RELAY_DEFAULT "\n"
    "\n"
    "exit status: 0 done, 1 failed, 2 wrong usage; of status: 1 when it does not run or is not connected\n";

struct call {
    const char *command;
    const char *token;
    struct agent_options options;
    struct relay_options relay;
    bool anew;
    bool json;
};

static bool value_take(const char *name, int argc, char **argv, int *at, const char **ret_value)
{
    struct str argument = str_of(argv[*at]);
    struct str option = str_of(name);
    if (str_eq(argument, option) && *at + 1 < argc) {
        *ret_value = argv[++*at];
        return true;
    }
    if (str_starts(argument, option) && argument.n > option.n && argument.p[option.n] == '=') {
        *ret_value = argv[*at] + option.n + 1;
        return true;
    }
    return false;
}

static bool call_parse(int argc, char **argv, struct call *call)
{
    *call = (struct call){.options = {.data = DATA_DEFAULT, .version = QORGAN_VERSION},
                          .relay = {.config = RELAY_DEFAULT, .version = QORGAN_VERSION}};
    if (argc < 2)
        return false;
    call->command = argv[1];
    bool enrols = strcmp(call->command, "enrol") == 0;
    bool runs = strcmp(call->command, "run") == 0;
    bool asks = strcmp(call->command, "status") == 0;
    bool relays = strcmp(call->command, "relay") == 0;
    for (int at = 2; at < argc; at++) {
        if (!relays && value_take("--data", argc, argv, &at, &call->options.data))
            continue;
        if (relays && value_take("--config", argc, argv, &at, &call->relay.config))
            continue;
        if (runs && value_take("--journal", argc, argv, &at, &call->options.journal))
            continue;
        if (enrols && strcmp(argv[at], "--anew") == 0)
            call->anew = true;
        else if (asks && strcmp(argv[at], "--json") == 0)
            call->json = true;
        else if (enrols && !call->token && argv[at][0] != '-')
            call->token = argv[at];
        else
            return false;
    }
    return (enrols && call->token) || runs || asks || relays || (strcmp(call->command, "version") == 0 && argc == 2);
}

static int fail(const char *command, const struct err *err)
{
    fprintf(stderr, "qorgan-agent %s: %s\n", command, err->text);
    return 1;
}

static int enrol(const struct call *call)
{
    struct err err = {0};
    enum rc rc = agent_enrol(&call->options, str_of(call->token), call->anew, &err);
    if (rc != RC_OK)
        return fail("enrol", &err);
    printf("enrolled; start it with: systemctl enable --now qorgan-agent\n");
    return 0;
}

static void row(const char *name, const struct json_value *object, const char *key)
{
    const struct json_value *value = json_get(object, key);
    if (value && value->text.n)
        printf("%-12s %.*s\n", name, STR_ARG(value->text));
}

static void status_print(const struct json_value *object, const char *state)
{
    static const char *const rows[][2] = {
        {"agent", "agent"},
        {"server", "server"},
        {"trouble", "trouble"},
        {"last reason", "reason"},
        {"policy", "policy"},
        {"records", "records"},
        {"durable", "durable"},
        {"covered", "covered"},
        {"lost", "lost"},
        {"spool bytes", "spool_bytes"},
        {"spool limit", "spool_limit"},
        {"files", "files"},
        {"journal", "journal"},
        {"audit", "audit"},
        {"clock us", "clock_offset_us"},
    };
    printf("%-12s %s\n", "state", state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        row(rows[i][0], object, rows[i][1]);
}

static int status(const struct call *call)
{
    struct err err = {0};
    struct str text;
    struct json_value *object = NULL;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    int folder = io_open_folder(call->options.data);
    enum rc rc = arena ? RC_OK : err_set(&err, RC_LIMIT, "no memory");
    if (folder < 0)
        rc = err_errno(&err, -folder, "could not open \"%s\"", call->options.data);
    if (rc == RC_OK)
        rc = file_load(&io_kernel, folder, STORE_STATUS, STORE_FILE_MAX, arena, &text, &err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(&err, rc, "the agent has not run yet");
    if (rc == RC_OK)
        rc = json_parse(arena, text, JSON_DEPTH, &object, &err);
    if (rc != RC_OK)
        return fail("status", &err);
    int64_t age_s = clock_real_ns() / 1000000000 - json_int(json_get(object, "time"), 0);
    struct str state = json_str(json_get(object, "state"), STR("unknown"));
    bool silent = age_s > STATUS_OLD_S && !str_is(state, "stopped");
    char words[64];
    if (!str_copy_z(silent ? STR("silent: it was killed, or hangs") : state, words, sizeof words))
        return 1;
    if (call->json)
        printf("%.*s", STR_ARG(text));
    else
        status_print(object, words);
    return str_is(state, "connected") && !silent && !json_get(object, "trouble") ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct call call;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)) {
        printf("qorgan-agent %s\n", QORGAN_VERSION);
        return 0;
    }
    if (!call_parse(argc, argv, &call)) {
        fputs(usage, stderr);
        return USAGE_STATUS;
    }
    int result = strcmp(call.command, "enrol") == 0   ? enrol(&call)
                 : strcmp(call.command, "run") == 0   ? agent_run(&call.options)
                 : strcmp(call.command, "relay") == 0 ? agent_relay(&call.relay)
                                                      : status(&call);
    return fflush(stdout) == 0 ? result : 1;
}
