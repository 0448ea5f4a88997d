#include "role/roles.h"

const struct role_driver *role_driver_of(enum role role)
{
    static const struct role_driver *const drivers[ROLE_COUNT] = {
        [ROLE_SIGNER] = &signer_driver, [ROLE_KEEPER] = &keeper_driver,
        [ROLE_REAPER] = &reaper_driver, [ROLE_ENGINE] = &engine_driver,
        [ROLE_OUT] = &out_driver,       [ROLE_DESK] = &desk_driver,
        [ROLE_QUERY] = &query_driver,   [ROLE_COLLECTOR] = &collector_driver,
        [ROLE_INTAKE] = &intake_driver, [ROLE_WEB] = &web_driver,
        [ROLE_PACKER] = &packer_driver, [ROLE_JUDGE] = &judge_driver,
        [ROLE_HUNTER] = &hunter_driver, [ROLE_READER] = &reader_driver,
        [ROLE_DRAWER] = &drawer_driver, [ROLE_VERIFIER] = &verifier_driver,
    };
    return (unsigned)role < ROLE_COUNT ? drivers[role] : NULL;
}
