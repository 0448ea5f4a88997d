/* demo.c - plays a short, invented attack into the running service: guessing of passwords, a success, a privilege
 * taken, a log cleared. Every line is marked with a host name that exists nowhere. */
#include "base/buf.h"
#include "base/civil.h"
#include "cmd/archive_client.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "os/clock.h"
#include "os/random.h"

#include <stdio.h>

#define STEP_NS (SECOND_NS * 2)

struct scene {
    unsigned times;
    const char *program;
    const char *text;
};

static const struct scene scenes[] = {
    {1, "systemd[1]", "Started Session 12 of User aigerim."},
    {1, "sshd[2101]", "Accepted publickey for aigerim from 192.0.2.10 port 50122 ssh2: ED25519 SHA256:demo"},
    {12, "sshd[3377]", "Failed password for root from 203.0.113.66 port 40022 ssh2"},
    {6, "sshd[3391]", "Failed password for invalid user admin from 203.0.113.66 port 40188 ssh2"},
    {6, "sshd[3402]", "Failed password for operator from 203.0.113.66 port 40310 ssh2"},
    {1, "sshd[3402]", "Accepted password for operator from 203.0.113.66 port 40310 ssh2"},
    {1, "sudo", "operator : TTY=pts/1 ; PWD=/home/operator ; USER=root ; COMMAND=/usr/sbin/useradd -o -u 0 support"},
    {1, "useradd[3461]", "new user: name=support, UID=0, GID=0, home=/home/support, shell=/bin/bash, from=/dev/pts/1"},
    {1, "sudo",
     "operator : TTY=pts/1 ; PWD=/home/operator ; USER=root ; COMMAND=/usr/bin/truncate -s 0 /var/log/auth.log"},
    {1, "systemd[1]", "Stopping auditd.service - Security Auditing Service..."},
    {1, "systemd[1]", "Stopped auditd.service - Security Auditing Service."},
};

static enum rc scenes_play(struct archive_client *client, unsigned *ret_lines, struct err *err)
{
    unsigned total = 0;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        total += scenes[i].times;
    int64_t time_ns = clock_real_ns() - (int64_t)total * STEP_NS;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        for (unsigned k = 0; k < scenes[i].times; k++) {
            char when[CIVIL_TEXT_MAX];
            char line[1024];
            civil_format(time_ns, 0, 3, when);
            int n = snprintf(line, sizeof line, "<86>%s qorgan-demo %s: %s", when, scenes[i].program, scenes[i].text);
            enum rc rc = archive_client_record(client, str_at(line, (size_t)n), err);
            if (rc != RC_OK)
                return rc;
            time_ns += STEP_NS;
            ++*ret_lines;
        }
    }
    return RC_OK;
}

int cmd_demo(int argc, char **argv)
{
    struct options options;
    int status = options_parse("demo", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    struct archive_client *client = NULL;
    struct err err = {0};
    unsigned lines = 0;
    uint64_t highest = 0;
    enum rc rc = archive_client_open(options_text(&options, "data"), &client, &err);
    if (rc == RC_OK)
        rc = archive_client_begin(client, "demo", random_u64() | 1, &highest, &err);
    if (rc == RC_OK)
        rc = scenes_play(client, &lines, &err);
    if (rc == RC_OK)
        rc = archive_client_end(client, &err);
    if (client)
        archive_client_close(client);
    if (rc != RC_OK)
        return cmd_fail("demo", &err);
    if (options_flag(&options, "json")) {
        printf("{\"lines\":%u,\"host\":\"qorgan-demo\"}\n", lines);
        return CMD_OK;
    }
    printf(
        "%u invented lines of host \"qorgan-demo\" are durable in the archive. In a few seconds the incident list "
        "shows what "
        "they\nmean: guessed passwords, a success after them, a new account with the rights of root, a log cleared.\n",
        lines);
    return CMD_OK;
}
