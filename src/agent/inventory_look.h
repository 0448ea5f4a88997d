/* inventory_look.h - what a machine is made of, looked up in its files: one kind at a time, item by item.
 *
 * An item is a key and a JSON object whose members always stand in the same order; `now` holds what changes all the
 * time (free space, time of boot) and is no change. Nothing is started, nothing is asked but files and the kernel.
 * Serial numbers are told where the rights allow to read them; nothing of a password but whether there is one.
 *
 *   system     host os kernel hardware board firmware cpu memory boot packages
 *   time       source: which services are there, what servers they have, whether the clock is synchronised
 *   package    NAME:ARCHITECTURE of dpkg and rpm; what rpm installed several times, as kernels are, has its version
 *              behind it. Databases of other package tools are not read, and `system packages` says so
 *   user, group, member      member: USER in GROUP, by the group's list or as the user's first group
 *   port       PROTOCOL ADDRESS:PORT that listens, who owns it, and the program where the rights allow
 *   service    units of systemd: enabled, masked, and whether an enabled service runs
 *   disk, mount, interface, usb, modem
 */
#ifndef AGENT_INVENTORY_LOOK_H
#define AGENT_INVENTORY_LOOK_H

#include "agent/inventory_state.h"

#include <stdbool.h>
#include <stdint.h>

/* X(enum, name, items at most, seconds between two looks) */
#define INVENTORY_KINDS(X)                                                                                             \
    X(INVENTORY_SYSTEM, "system", 64, 300)                                                                             \
    X(INVENTORY_TIME, "time", 16, 60)                                                                                  \
    X(INVENTORY_PACKAGE, "package", 20000, 300)                                                                        \
    X(INVENTORY_USER, "user", 10000, 60)                                                                               \
    X(INVENTORY_GROUP, "group", 10000, 60)                                                                             \
    X(INVENTORY_MEMBER, "member", 20000, 60)                                                                           \
    X(INVENTORY_PORT, "port", 4000, 60)                                                                                \
    X(INVENTORY_SERVICE, "service", 4000, 120)                                                                         \
    X(INVENTORY_DISK, "disk", 1000, 30)                                                                                \
    X(INVENTORY_MOUNT, "mount", 1000, 120)                                                                             \
    X(INVENTORY_INTERFACE, "interface", 1000, 60)                                                                      \
    X(INVENTORY_USB, "usb", 1000, 5)                                                                                   \
    X(INVENTORY_MODEM, "modem", 200, 5)

enum inventory_kind {
#define X(kind, name, most, seconds) kind,
    INVENTORY_KINDS(X)
#undef X
        INVENTORY_KIND_COUNT
};

const char *inventory_kind_name(enum inventory_kind kind);
uint32_t inventory_kind_most(enum inventory_kind kind);
uint32_t inventory_kind_seconds(enum inventory_kind kind);

struct inventory_machine {
    int root;  /* a folder that stands for "/"; borrowed */
    bool real; /* it is this machine's own: the kernel may be asked as well */
};

/* False from it ends the look. */
typedef bool (*inventory_each)(void *context, const struct inventory_item *item);

/* Gives the items of a kind. False: what is to be looked at cannot be read, or `each` ended it: nothing follows from
 * what was not given. */
bool inventory_look(const struct inventory_machine *machine, enum inventory_kind kind, inventory_each each,
                    void *context);
/* What cannot be unchanged when the items are not; false: nobody can say so without a look. */
bool inventory_look_unchanged(const struct inventory_machine *machine, enum inventory_kind kind, uint64_t *stamp);

#endif
