/* roles.h - every role's driver: the table that `qorgan -x ROLE` looks into. */
#ifndef ROLE_ROLES_H
#define ROLE_ROLES_H

#include "role/process.h"

extern const struct role_driver collector_driver;
extern const struct role_driver desk_driver;
extern const struct role_driver engine_driver;
extern const struct role_driver hunter_driver;
extern const struct role_driver intake_driver;
extern const struct role_driver judge_driver;
extern const struct role_driver keeper_driver;
extern const struct role_driver out_driver;
extern const struct role_driver packer_driver;
extern const struct role_driver query_driver;
extern const struct role_driver reader_driver;
extern const struct role_driver drawer_driver;
extern const struct role_driver verifier_driver;
extern const struct role_driver reaper_driver;
extern const struct role_driver signer_driver;
extern const struct role_driver web_driver;

/* NULL for the parent. */
const struct role_driver *role_driver_of(enum role role);

#endif
