/* inventory_text.h - what the files of a machine say, line by line: accounts, packages, sockets, mounts, settings of
 * time services, and the kernel's list of addresses. Pure: reading is os/machine.h.
 *
 * Slices point into the line that was given. A line that is not of its form gives false and nothing else.
 * Sources: passwd(5), group(5), shadow(5), deb-control(5), proc(5), os-release(5), fstab(5), chrony.conf(5),
 * timesyncd.conf(5), rtnetlink(7). */
#ifndef AGENT_INVENTORY_TEXT_H
#define AGENT_INVENTORY_TEXT_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- lines out of pieces ---- */

#define INVENTORY_LINE_MAX 4096u

struct inventory_lines {
    char bytes[INVENTORY_LINE_MAX];
    size_t n;
};
typedef bool (*inventory_line)(void *context, struct str line);
/* Gives the lines that end in the piece; one that is longer than INVENTORY_LINE_MAX is given cut. False: `each` said
 * so. */
bool inventory_lines_take(struct inventory_lines *lines, struct str piece, inventory_line each, void *context);
/* The last line, when no line feed ended it. */
bool inventory_lines_end(struct inventory_lines *lines, inventory_line each, void *context);

/* ---- accounts ---- */

struct inventory_user {
    struct str name;
    uint64_t uid;
    uint64_t gid;
    struct str home;
    struct str shell;
};
bool inventory_user_parse(struct str line, struct inventory_user *ret_user) MUST_USE;

struct inventory_group {
    struct str name;
    uint64_t gid;
    struct str members; /* a comma between them */
};
bool inventory_group_parse(struct str line, struct inventory_group *ret_group) MUST_USE;

/* "set", "locked" or "none"; nothing of the password itself. */
bool inventory_shadow_parse(struct str line, struct str *ret_name, const char **ret_password) MUST_USE;

/* ---- packages: paragraphs of /var/lib/dpkg/status ---- */

#define INVENTORY_NAME_MAX    128u
#define INVENTORY_VERSION_MAX 128u

struct inventory_package {
    char name[INVENTORY_NAME_MAX];
    char architecture[32];
    char version[INVENTORY_VERSION_MAX];
    char source[INVENTORY_NAME_MAX]; /* package and, when it differs, version in brackets, as it is written */
    bool installed;                  /* unpacked or better: its files are there */
};
/* Takes a line of a paragraph. True: the paragraph ended, and *package is whole and installed; the next line begins
 * another. An empty line ends one. */
bool inventory_package_line(struct inventory_package *package, struct str line) MUST_USE;

/* ---- sockets: /proc/net/tcp, tcp6, udp, udp6 ---- */

struct inventory_socket {
    uint8_t address[16];
    size_t address_n; /* 4 or 16 */
    uint16_t port;
    uint64_t uid;
    uint64_t inode;
    bool listens; /* tcp: LISTEN; udp: bound and talks to nobody in particular */
};
bool inventory_socket_parse(struct str line, bool udp, struct inventory_socket *ret_socket) MUST_USE;
/* "192.0.2.1:22", "[2001:db8::1]:22" */
void inventory_socket_write(const struct inventory_socket *socket, struct buf *out);
/* "socket:[12345]" */
bool inventory_socket_inode(struct str link, uint64_t *ret_inode) MUST_USE;

/* ---- mounts and settings ---- */

struct inventory_mount {
    struct str device;
    struct str folder;
    struct str type;
    struct str options;
};
bool inventory_mount_parse(struct str line, struct inventory_mount *ret_mount) MUST_USE;
/* A word of /proc/mounts: \040 is a blank. */
void inventory_unescape(struct str word, struct buf *out);

/* NAME=value, value or 'value' in quotes, as in os-release; comments and empty lines are none. */
bool inventory_assignment_parse(struct str line, struct str *ret_name, struct str *ret_value) MUST_USE;
/* "Name : value" as in cpuinfo, "MemTotal:   1 kB" as in meminfo; trimmed. */
bool inventory_colon_parse(struct str line, struct str *ret_name, struct str *ret_value) MUST_USE;

enum inventory_time { INVENTORY_TIME_CHRONY, INVENTORY_TIME_NTP, INVENTORY_TIME_TIMESYNCD };
/* The time servers that a line of the settings names, a blank between them. */
bool inventory_time_servers(struct str line, enum inventory_time format, struct str *ret_servers) MUST_USE;

/* ---- addresses: netlink messages RTM_NEWADDR ---- */

struct inventory_address {
    uint32_t interface; /* its index */
    uint8_t bytes[16];
    size_t n; /* 4 or 16 */
    uint8_t prefix;
    bool temporary; /* made anew every few hours (RFC 8981) */
};
/* The next one; false: there is none, or what is left is not whole. */
bool inventory_address_next(struct reader *messages, struct inventory_address *ret_address);

#endif
