#include "msg/msg.h"

#include "base/assert.h"

#include <string.h>

struct msg_row {
    const char *name;
    unsigned from;
    unsigned to;
    uint32_t size_max;
};

static const struct msg_row rows[] = {
#define X(id, name, from, to, size) {name, from, to, size},
    MESSAGES(X)
#undef X
};

static const char *const names[] = {
#define X(id, name) name,
    ROLES(X)
#undef X
};

const char *msg_role_name(enum role role)
{
    ASSERT((unsigned)role < ROLE_COUNT);
    return names[role];
}

bool msg_role_parse(const char *name, enum role *ret_role)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        if (strcmp(names[i], name) == 0) {
            *ret_role = (enum role)i;
            return true;
        }
    return false;
}

const char *msg_name(enum msg_type type)
{
    return (unsigned)type < MSG_COUNT ? rows[type].name : "?";
}

bool msg_allowed(enum msg_type type, enum role from, enum role to)
{
    return (unsigned)type < MSG_COUNT && (rows[type].from >> from & 1) && (rows[type].to >> to & 1);
}

bool msg_secret(enum msg_type type)
{
    return type == MSG_SECRET || type == MSG_LOG_FILE;
}

uint32_t msg_size_max(enum msg_type type)
{
    ASSERT((unsigned)type < MSG_COUNT);
    return rows[type].size_max;
}
