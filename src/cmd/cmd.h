/* cmd.h - the commands of `qorgan`: one function and one file each, dispatched from one table.
 *
 * Everything a person can read about a command (help, man page, completion) and its parser come from its row in
 * commands.c. Every command returns the exit status: 0 done, 1 failed (or found a difference), 2 wrong usage.
 * Results go to standard output, errors and progress to standard error. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/err.h"
#include "base/macros.h"

#define CMD_OK     0
#define CMD_FAILED 1
#define CMD_USAGE  2

/* argv[0] is the command's name. */
int cmd_serve(int argc, char **argv);
int cmd_ingest(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_proof(int argc, char **argv);
int cmd_certificate(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_parse(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_indicators(int argc, char **argv);
int cmd_coverage(int argc, char **argv);
int cmd_losses(int argc, char **argv);
int cmd_inventory(int argc, char **argv);
int cmd_findings(int argc, char **argv);
int cmd_signature(int argc, char **argv);
int cmd_object_card(int argc, char **argv);
int cmd_sheet(int argc, char **argv);
int cmd_witness(int argc, char **argv);
int cmd_forward(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_mirror(int argc, char **argv);
int cmd_mirror_token(int argc, char **argv);
int cmd_sender_token(int argc, char **argv);
int cmd_factor_reset(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* `qorgan -x ROLE`: one process of the service, started by `serve` only. argv[0] is the role's name. */
int cmd_role(int argc, char **argv);

/* Prints "qorgan COMMAND: text" to standard error and returns CMD_FAILED. */
int cmd_fail(const char *command, const struct err *err);
/* As cmd_fail for a mistake in the call itself; points at --help and returns CMD_USAGE. */
int cmd_usage(const char *command, const char *format, ...) PRINTF(2, 3);

#endif
