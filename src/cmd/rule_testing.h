/* rule_testing.h - `qorgan rules test DIR...`: whether rules fire on their samples, and on no other. */
#ifndef CMD_RULE_TESTING_H
#define CMD_RULE_TESTING_H

#include "cmd/options.h"

/* An exit status. */
int rule_testing_command(const struct options *options);

#endif
