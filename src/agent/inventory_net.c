/* inventory_net.c - sockets that listen, and interfaces with their addresses. */
#include "agent/inventory_parts.h"
#include "base/assert.h"
#include "os/machine.h"

#include <stdlib.h>
#include <string.h>

#define SOCKETS_MAX   4000u
#define PROCESSES_MAX 20000u
#define ADDRESSES_MAX 64u /* of one interface */

/* ---- ports ---- */

struct listener {
    struct inventory_socket socket;
    const char *protocol;
    char program[32];
};

struct port_looking {
    struct listener *rows;
    size_t count;
    size_t processes;
    const char *protocol;
    bool udp;
    uint64_t dynamic_from; /* ports that programs get when they ask for any */
    uint64_t dynamic_to;
    char process[32];
};

/* A socket that a program opened for an answer comes and goes all the time: it serves nobody. */
static bool is_dynamic(const struct port_looking *part, const struct inventory_socket *socket)
{
    return part->udp && socket->port >= part->dynamic_from && socket->port <= part->dynamic_to;
}

static bool socket_line(void *context, struct str line)
{
    struct look *look = context;
    struct port_looking *part = look->part;
    struct inventory_socket socket;
    if (!inventory_socket_parse(line, part->udp, &socket) || !socket.listens || is_dynamic(part, &socket))
        return true;
    if (part->count < SOCKETS_MAX)
        part->rows[part->count++] = (struct listener){.socket = socket, .protocol = part->protocol};
    return true;
}

/* Rows stand by their inode then. */
static int by_inode(const void *a, const void *b)
{
    const struct listener *left = a;
    const struct listener *right = b;
    return left->socket.inode < right->socket.inode ? -1 : left->socket.inode > right->socket.inode;
}

static bool descriptor_name(void *context, const char *name)
{
    struct look *look = context;
    struct port_looking *part = look->part;
    char target[1024];
    struct listener key = {0};
    if (!machine_link(look->machine->root, look_path(look, "proc/%s/fd/%s", part->process, name), target) ||
        !inventory_socket_inode(str_of(target), &key.socket.inode))
        return true;
    struct listener *found = bsearch(&key, part->rows, part->count, sizeof *part->rows, by_inode);
    if (!found || found->program[0])
        return true;
    struct str program = look_file(look, look_path(look, "proc/%s/comm", part->process));
    if (!str_copy_z(program, found->program, sizeof found->program))
        found->program[0] = '\0';
    return true;
}

static bool process_name(void *context, const char *name)
{
    struct look *look = context;
    struct port_looking *part = look->part;
    uint64_t number;
    char folder[64];
    struct buf path;
    if (!str_to_u64(str_of(name), &number) || !str_copy_z(str_of(name), part->process, sizeof part->process))
        return true;
    buf_init_fixed(&path, folder, sizeof folder);
    buf_format(&path, "proc/%s/fd", name);
    IGNORE(machine_list(look->machine->root, buf_z(&path), descriptor_name, look)); /* another's may not be read */
    return ++part->processes < PROCESSES_MAX;
}

static bool port_put(struct look *look, const struct listener *row)
{
    look_begin(look, STR_NONE);
    buf_format(&look->key, "%s ", row->protocol);
    inventory_socket_write(&row->socket, &look->key);
    char bytes[64];
    struct buf address;
    buf_init_fixed(&address, bytes, sizeof bytes);
    if (row->socket.address_n == 4)
        buf_ipv4(&address, row->socket.address);
    else
        buf_ipv6(&address, row->socket.address);
    json_put_text(&look->value, "protocol", row->protocol);
    json_put_str(&look->value, "address", buf_view(&address));
    json_put_u64(&look->value, "port", row->socket.port);
    json_put_u64(&look->value, "uid", row->socket.uid);
    look_put(look, "program", str_of(row->program));
    return look_end(look);
}

/* "32768\t60999" */
static void dynamic_read(struct look *look, struct port_looking *part)
{
    struct str rest = look_file(look, "proc/sys/net/ipv4/ip_local_port_range");
    struct str from = str_cut(&rest, '\t');
    if (str_to_u64(from, &part->dynamic_from) && str_to_u64(str_trim(rest), &part->dynamic_to))
        return;
    part->dynamic_from = 32768;
    part->dynamic_to = 60999;
}

bool look_ports(struct look *look)
{
    static const struct {
        const char *path;
        const char *protocol;
        bool udp;
        bool must;
    } files[] = {{"proc/net/tcp", "tcp", false, true},
                 {"proc/net/tcp6", "tcp", false, false},
                 {"proc/net/udp", "udp", true, true},
                 {"proc/net/udp6", "udp", true, false}};
    struct port_looking part = {.rows = arena_alloc_array(look->arena, SOCKETS_MAX, sizeof *part.rows)};
    if (!part.rows)
        return false;
    look->part = &part;
    dynamic_read(look, &part);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        part.protocol = files[i].protocol;
        part.udp = files[i].udp;
        if (!look_lines(look, files[i].path, socket_line) && files[i].must)
            return false;
    }
    if (part.count) { /* qsort of none may not be given NULL */
        qsort(part.rows, part.count, sizeof *part.rows, by_inode);
        IGNORE(machine_list(look->machine->root, "proc", process_name, look)); /* what it did not see has no name */
    }
    for (size_t i = 0; i < part.count; i++)
        if (!port_put(look, &part.rows[i]))
            return false;
    return true;
}

/* ---- interfaces ---- */

struct interface_looking {
    struct buf messages;
};

/* Those of one end of a pipe to a container come and go with it. */
static bool is_passing(struct str name)
{
    return str_starts(name, STR("veth"));
}

static int by_text(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static void addresses_put(struct look *look, const struct interface_looking *part, uint64_t index)
{
    struct reader reader = reader_of(buf_view(&part->messages));
    struct inventory_address address;
    char texts[ADDRESSES_MAX][64];
    const char *order[ADDRESSES_MAX];
    size_t count = 0;
    while (count < ADDRESSES_MAX && inventory_address_next(&reader, &address)) {
        struct buf text;
        if (address.interface != index || address.temporary)
            continue;
        buf_init_fixed(&text, texts[count], sizeof texts[count]);
        if (address.n == 4)
            buf_ipv4(&text, address.bytes);
        else
            buf_ipv6(&text, address.bytes);
        buf_format(&text, "/%u", address.prefix);
        order[count++] = buf_z(&text);
    }
    if (count == 0)
        return;
    qsort(order, count, sizeof order[0], by_text); /* the kernel's order is not fixed */
    json_write_key(&look->value, "addresses");
    json_write_array(&look->value);
    for (size_t i = 0; i < count; i++)
        json_write_text(&look->value, order[i]);
    json_write_array_end(&look->value);
}

static const char *interface_type(struct look *look, const char *name)
{
    uint64_t type = 0;
    if (machine_exists(look->machine->root, look_path(look, "sys/class/net/%s/phy80211", name)) ||
        machine_exists(look->machine->root, look_path(look, "sys/class/net/%s/wireless", name)))
        return "wireless";
    struct str number = look_file(look, look_path(look, "sys/class/net/%s/type", name));
    if (!str_to_u64(number, &type))
        return "unknown";
    /* include/uapi/linux/if_arp.h */
    return type == 1 ? "ethernet" : type == 772 ? "loopback" : type == 512 ? "ppp" : type == 519 ? "wwan" : "other";
}

static bool interface_name(void *context, const char *name)
{
    struct look *look = context;
    const struct interface_looking *part = look->part;
    uint64_t index = 0;
    if (is_passing(str_of(name)) ||
        !machine_exists(look->machine->root, look_path(look, "sys/class/net/%s/type", name)))
        return true;
    IGNORE(!str_to_u64(look_file(look, look_path(look, "sys/class/net/%s/ifindex", name)), &index)); /* 0: none */
    look_begin(look, str_of(name));
    json_put_text(&look->value, "type", interface_type(look, name));
    look_put_file(look, "mac", look_path(look, "sys/class/net/%s/address", name));
    look_put(look, "driver", look_last_part(look, look_path(look, "sys/class/net/%s/device/driver", name)));
    addresses_put(look, part, index);
    return look_end(look);
}

bool look_interfaces(struct look *look)
{
    struct interface_looking part;
    buf_init(&part.messages, MACHINE_ADDRESSES_MAX);
    if (look->machine->real && !machine_addresses(&part.messages)) {
        buf_done(&part.messages);
        return false; /* else all addresses would be gone */
    }
    look->part = &part;
    bool whole = machine_list(look->machine->root, "sys/class/net", interface_name, look);
    buf_done(&part.messages);
    return whole;
}
