#include "agent/inventory_text.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define TCP_LISTENS 0x0a /* include/net/tcp_states.h */
#define UDP_BOUND   0x07 /* TCP_CLOSE: not connected */

/* ---- lines out of pieces ---- */

bool inventory_lines_take(struct inventory_lines *lines, struct str piece, inventory_line each, void *context)
{
    while (piece.n) {
        size_t end = str_find(piece, '\n');
        size_t n = MIN(end, sizeof lines->bytes - lines->n);
        memcpy(lines->bytes + lines->n, piece.p, n);
        lines->n += n;
        if (end == piece.n)
            return true;
        piece = str_skip(piece, end + 1);
        size_t length = lines->n;
        lines->n = 0;
        if (!each(context, str_at(lines->bytes, length)))
            return false;
    }
    return true;
}

bool inventory_lines_end(struct inventory_lines *lines, inventory_line each, void *context)
{
    size_t length = lines->n;
    lines->n = 0;
    return length == 0 || each(context, str_at(lines->bytes, length));
}

/* ---- accounts ---- */

/* Cuts exactly `count` fields; the last one has everything that is left, and no colon. */
static bool fields_cut(struct str line, struct str *fields, size_t count)
{
    struct str rest = line;
    for (size_t i = 0; i < count; i++) {
        if (!rest.p)
            return false;
        fields[i] = str_cut(&rest, ':');
    }
    return !rest.p;
}

bool inventory_user_parse(struct str line, struct inventory_user *ret_user)
{
    struct str fields[7];
    *ret_user = (struct inventory_user){0};
    if (!fields_cut(line, fields, ARRAY_LEN(fields)) || fields[0].n == 0 || !str_to_u64(fields[2], &ret_user->uid) ||
        !str_to_u64(fields[3], &ret_user->gid))
        return false;
    ret_user->name = fields[0];
    ret_user->home = fields[5];
    ret_user->shell = fields[6];
    return true;
}

bool inventory_group_parse(struct str line, struct inventory_group *ret_group)
{
    struct str fields[4];
    *ret_group = (struct inventory_group){0};
    if (!fields_cut(line, fields, ARRAY_LEN(fields)) || fields[0].n == 0 || !str_to_u64(fields[2], &ret_group->gid))
        return false;
    ret_group->name = fields[0];
    ret_group->members = fields[3];
    return true;
}

bool inventory_shadow_parse(struct str line, struct str *ret_name, const char **ret_password)
{
    struct str fields[9];
    if (!fields_cut(line, fields, ARRAY_LEN(fields)) || fields[0].n == 0)
        return false;
    *ret_name = fields[0];
    if (fields[1].n == 0)
        *ret_password = "none";
    else
        *ret_password = fields[1].p[0] == '!' || fields[1].p[0] == '*' ? "locked" : "set";
    return true;
}

/* ---- packages ---- */

/* What does not fit is left empty: a version that is cut would be another version. */
static void text_keep(struct str text, char *ret_text, size_t size)
{
    if (!str_copy_z(text, ret_text, size))
        ret_text[0] = '\0';
}

/* "want flag state": the third word. Files are there from "unpacked" on. */
static bool is_installed(struct str status)
{
    static const char *const states[] = {"installed", "unpacked", "half-configured", "triggers-awaited",
                                         "triggers-pending"};
    struct str rest = status;
    IGNORE(str_cut(&rest, ' ').n);
    IGNORE(str_cut(&rest, ' ').n);
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_is(rest, states[i]))
            return true;
    return false;
}

bool inventory_package_line(struct inventory_package *package, struct str line)
{
    struct str value = line;
    if (line.n == 0)
        return package->installed && package->name[0] && package->version[0];
    if (char_is_space(line.p[0])) /* goes on with the field before */
        return false;
    struct str field = str_cut(&value, ':');
    if (!value.p)
        return false;
    value = str_trim(value);
    if (str_is(field, "Package"))
        text_keep(value, package->name, sizeof package->name);
    else if (str_is(field, "Architecture"))
        text_keep(value, package->architecture, sizeof package->architecture);
    else if (str_is(field, "Version"))
        text_keep(value, package->version, sizeof package->version);
    else if (str_is(field, "Source"))
        text_keep(value, package->source, sizeof package->source);
    else if (str_is(field, "Status"))
        package->installed = is_installed(value);
    return false;
}

/* ---- sockets ---- */

static struct str word_cut(struct str *rest)
{
    *rest = str_trim(*rest);
    return rest->n ? str_cut(rest, ' ') : STR_NONE;
}

/* "0100007F:0016": words of the machine's own order, in hexadecimal digits; the port is a number. */
static bool end_parse(struct str word, uint8_t ret_address[16], size_t *ret_n, uint16_t *ret_port)
{
    uint8_t port[2];
    struct str digits = str_cut(&word, ':');
    if (!word.p || (digits.n != 8 && digits.n != 32) || !hex_decode(word, port, sizeof port) ||
        !hex_decode(digits, ret_address, digits.n / 2))
        return false;
    *ret_n = digits.n / 2;
    *ret_port = get_be16(port);
    for (size_t i = 0; i < *ret_n; i += 4) { /* printed as a number: the address's bytes are those of the number */
        uint32_t number = get_be32(ret_address + i);
        memcpy(ret_address + i, &number, sizeof number);
    }
    return true;
}

bool inventory_socket_parse(struct str line, bool udp, struct inventory_socket *ret_socket)
{
    struct str rest = line;
    struct str words[10];
    uint8_t remote[16];
    size_t remote_n = 0;
    uint16_t remote_port = 0;
    uint64_t state = 0;
    *ret_socket = (struct inventory_socket){0};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = word_cut(&rest);
    if (!str_ends(words[0], STR(":")) ||
        !end_parse(words[1], ret_socket->address, &ret_socket->address_n, &ret_socket->port) ||
        !end_parse(words[2], remote, &remote_n, &remote_port) || remote_n != ret_socket->address_n ||
        !str_hex_to_u64(words[3], &state) || !str_to_u64(words[7], &ret_socket->uid) ||
        !str_to_u64(words[9], &ret_socket->inode))
        return false;
    ret_socket->listens = udp ? state == UDP_BOUND && remote_port == 0 : state == TCP_LISTENS;
    return true;
}

void inventory_socket_write(const struct inventory_socket *socket, struct buf *out)
{
    if (socket->address_n == 4) {
        buf_ipv4(out, socket->address);
    } else {
        buf_char(out, '[');
        buf_ipv6(out, socket->address);
        buf_char(out, ']');
    }
    buf_format(out, ":%u", socket->port);
}

bool inventory_socket_inode(struct str link, uint64_t *ret_inode)
{
    struct str begin = STR("socket:[");
    if (!str_starts(link, begin) || !str_ends(link, STR("]")))
        return false;
    return str_to_u64(str_slice(link, begin.n, link.n - 1), ret_inode);
}

/* ---- mounts and settings ---- */

bool inventory_mount_parse(struct str line, struct inventory_mount *ret_mount)
{
    struct str rest = line;
    ret_mount->device = word_cut(&rest);
    ret_mount->folder = word_cut(&rest);
    ret_mount->type = word_cut(&rest);
    ret_mount->options = word_cut(&rest);
    return ret_mount->options.n > 0 && ret_mount->folder.p[0] == '/';
}

static bool octal_read(struct str digits, uint8_t *ret_byte)
{
    unsigned value = 0;
    for (size_t i = 0; i < 3; i++) {
        if (i >= digits.n || digits.p[i] < '0' || digits.p[i] > '7')
            return false;
        value = value * 8 + (unsigned)(digits.p[i] - '0');
    }
    *ret_byte = (uint8_t)value;
    return value <= UINT8_MAX;
}

void inventory_unescape(struct str word, struct buf *out)
{
    uint8_t byte = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '\\' && octal_read(str_skip(word, i + 1), &byte)) {
            buf_u8(out, byte);
            i += 3;
        } else {
            buf_char(out, word.p[i]);
        }
    }
}

bool inventory_assignment_parse(struct str line, struct str *ret_name, struct str *ret_value)
{
    struct str value = str_trim(line);
    if (value.n == 0 || value.p[0] == '#' || value.p[0] == ';')
        return false;
    *ret_name = str_trim(str_cut(&value, '='));
    if (!value.p || ret_name->n == 0)
        return false;
    value = str_trim(value);
    bool quoted = value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') && value.p[value.n - 1] == value.p[0];
    *ret_value = quoted ? str_slice(value, 1, value.n - 1) : value;
    return true;
}

bool inventory_colon_parse(struct str line, struct str *ret_name, struct str *ret_value)
{
    struct str value = line;
    *ret_name = str_trim(str_cut(&value, ':'));
    *ret_value = value.p ? str_trim(value) : STR_NONE;
    return value.p && ret_name->n;
}

bool inventory_time_servers(struct str line, enum inventory_time format, struct str *ret_servers)
{
    struct str rest = str_trim(line);
    struct str name;
    if (format == INVENTORY_TIME_TIMESYNCD)
        return inventory_assignment_parse(line, &name, ret_servers) && ret_servers->n > 0 &&
               (str_is(name, "NTP") || str_is(name, "FallbackNTP"));
    struct str word = word_cut(&rest);
    if (!str_is(word, "server") && !str_is(word, "pool") && !str_is(word, "peer"))
        return false;
    *ret_servers = word_cut(&rest);
    return ret_servers->n > 0;
}

/* ---- addresses ---- */

/* Lengths are in the machine's own order; what follows one begins at a multiple of four. */
static struct str aligned_take(struct reader *reader, size_t n)
{
    struct str bytes = read_bytes(reader, n);
    IGNORE(read_bytes(reader, MIN((4 - n % 4) % 4, reader_left(reader))).n); /* the last one may lack its fill */
    return bytes;
}

static void attributes_read(struct reader *body, struct inventory_address *address)
{
    bool local = false;
    while (!body->failed && reader_left(body) >= sizeof(struct rtattr)) {
        struct rtattr attribute;
        read_copy(body, &attribute, sizeof attribute);
        if (attribute.rta_len < sizeof attribute)
            return;
        struct str value = aligned_take(body, attribute.rta_len - sizeof attribute);
        uint32_t flags = 0;
        if (attribute.rta_type == IFA_FLAGS && value.n == sizeof flags) {
            memcpy(&flags, value.p, sizeof flags);
            address->temporary = address->temporary || (flags & IFA_F_TEMPORARY);
        }
        /* Of a line between two ends the one is IFA_LOCAL, the other IFA_ADDRESS. */
        bool is_local = attribute.rta_type == IFA_LOCAL;
        if ((is_local || (attribute.rta_type == IFA_ADDRESS && !local)) && (value.n == 4 || value.n == 16)) {
            memcpy(address->bytes, value.p, value.n);
            address->n = value.n;
            local = is_local;
        }
    }
}

bool inventory_address_next(struct reader *messages, struct inventory_address *ret_address)
{
    while (reader_left(messages) >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr header;
        struct ifaddrmsg head;
        read_copy(messages, &header, sizeof header);
        if (header.nlmsg_len < sizeof header)
            return false;
        struct reader body = reader_of(aligned_take(messages, header.nlmsg_len - sizeof header));
        if (messages->failed)
            return false;
        read_copy(&body, &head, sizeof head);
        if (header.nlmsg_type != RTM_NEWADDR || body.failed)
            continue;
        *ret_address = (struct inventory_address){
            .interface = head.ifa_index, .prefix = head.ifa_prefixlen, .temporary = head.ifa_flags & IFA_F_TEMPORARY};
        attributes_read(&body, ret_address);
        if (ret_address->n && !body.failed)
            return true;
    }
    return false;
}
