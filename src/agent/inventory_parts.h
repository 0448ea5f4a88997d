/* inventory_parts.h - what the looks of inventory_look.h share. Inside the room only. */
#ifndef AGENT_INVENTORY_PARTS_H
#define AGENT_INVENTORY_PARTS_H

#include "agent/inventory_look.h"
#include "agent/inventory_text.h"
#include "base/arena.h"
#include "codec/json.h"

#include <stdarg.h>

#define LOOK_TEXT_MAX 256u
#define LOOK_ARENA    ((size_t)1 << 20)
#define LOOK_DPKG     "var/lib/dpkg/status"

struct look;

struct look_lines {
    struct inventory_lines lines;
    inventory_line each;
    struct look *look;
};

struct look {
    const struct inventory_machine *machine;
    inventory_each each;
    void *context;
    bool more; /* `each` wants more */
    struct arena *arena;
    struct buf key, value, now, text;
    char key_bytes[INVENTORY_KEY_MAX];
    char value_bytes[INVENTORY_VALUE_MAX];
    char now_bytes[INVENTORY_VALUE_MAX];
    char text_bytes[LOOK_TEXT_MAX];
    char path[1024];
    char target[1024];
    struct look_lines lines;
    void *part; /* of the kind at work */
};

/* An item: begin, put members, end. False from the end: no more are wanted. */
void look_begin(struct look *look, struct str key);
void look_put(struct look *look, const char *name, struct str value); /* nothing when it is empty */
struct buf *look_now(struct look *look);                              /* for json_put_...: what is no change */
bool look_end(struct look *look);

/* A short file, trimmed; empty when there is none. Until the next one. */
struct str look_file(struct look *look, const char *path);
void look_put_file(struct look *look, const char *name, const char *path);
const char *look_path(struct look *look, const char *format, ...) PRINTF(2, 3); /* until the next one */
/* Where a link leads, its last part; empty when it is no link. Until the next one. */
struct str look_last_part(struct look *look, const char *path);
/* The lines of a file; `each` gets the look. False: it cannot be read, or `each` ended it. */
bool look_lines(struct look *look, const char *path, inventory_line each);

bool look_system(struct look *look); /* inventory_system.c, as the next two */
bool look_time(struct look *look);
bool look_packages(struct look *look);
/* The packages of rpm: inventory_rpm.c. */
enum look_rpm {
    LOOK_RPM_NONE,
    LOOK_RPM_OTHER,  /* there is a database, of a form that is not read */
    LOOK_RPM_CLOSED, /* it cannot be opened, or its beginning cannot be read: nobody knows what it has */
    LOOK_RPM_READ,
};
enum look_rpm look_rpm_there(const struct inventory_machine *machine);
bool look_rpm(struct look *look);
/* What is another when the database changed; *ret_settled: it did not change just now. 0: there is none. */
uint64_t look_rpm_stamp(const struct inventory_machine *machine, bool *ret_settled);
uint64_t look_stamp_mix(uint64_t mixed, const struct inventory_machine *machine, const char *path);
bool look_users(struct look *look); /* inventory_people.c, as the next two */
bool look_groups(struct look *look);
bool look_members(struct look *look);
bool look_ports(struct look *look); /* inventory_net.c, as the next */
bool look_interfaces(struct look *look);
bool look_services(struct look *look); /* inventory_services.c */
bool look_disks(struct look *look);    /* inventory_devices.c, as the next three */
bool look_mounts(struct look *look);
bool look_usb(struct look *look);
bool look_modems(struct look *look);

#endif
