/* What files of a machine say, from any bytes: the first says which of them. */
#include "agent/inventory_text.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct inventory_package package;

static bool on_line(void *context, struct str line)
{
    struct inventory_user user;
    struct inventory_group group;
    struct inventory_socket socket;
    struct inventory_mount mount;
    struct str name, value;
    const char *state;
    uint64_t inode;
    (void)context;
    ASSERT(line.n <= INVENTORY_LINE_MAX);
    if (inventory_user_parse(line, &user))
        ASSERT(user.name.n > 0 && user.name.n < line.n);
    if (inventory_group_parse(line, &group))
        ASSERT(group.name.n > 0);
    if (inventory_shadow_parse(line, &name, &state))
        ASSERT(state != NULL && name.n > 0);
    for (int udp = 0; udp < 2; udp++)
        if (inventory_socket_parse(line, udp != 0, &socket)) {
            char text[64];
            struct buf out;
            buf_init_fixed(&out, text, sizeof text);
            inventory_socket_write(&socket, &out);
            ASSERT(!out.overflow && (socket.address_n == 4 || socket.address_n == 16));
        }
    if (inventory_mount_parse(line, &mount)) {
        char text[INVENTORY_LINE_MAX];
        struct buf out;
        buf_init_fixed(&out, text, sizeof text);
        inventory_unescape(mount.folder, &out);
        ASSERT(!out.overflow && out.n <= mount.folder.n);
    }
    for (int format = INVENTORY_TIME_CHRONY; format <= INVENTORY_TIME_TIMESYNCD; format++)
        if (inventory_time_servers(line, (enum inventory_time)format, &value))
            ASSERT(value.n > 0 && value.n <= line.n);
    IGNORE(inventory_assignment_parse(line, &name, &value)); /* that it ends is what is asked */
    IGNORE(inventory_colon_parse(line, &name, &value));
    IGNORE(inventory_socket_inode(line, &inode));
    if (inventory_package_line(&package, line))
        ASSERT(package.name[0] && package.version[0]);
    if (line.n == 0)
        package = (struct inventory_package){0};
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct inventory_lines lines;
    struct inventory_address address;
    struct str input = str_at(bytes, size);
    lines.n = 0;
    package = (struct inventory_package){0};
    size_t piece = size ? (size_t)bytes[0] + 1 : 1;
    for (struct str rest = input; rest.n; rest = str_skip(rest, piece))
        ASSERT(inventory_lines_take(&lines, str_slice(rest, 0, piece), on_line, NULL));
    ASSERT(inventory_lines_end(&lines, on_line, NULL));
    struct reader reader = reader_of(input);
    while (inventory_address_next(&reader, &address))
        ASSERT(address.n == 4 || address.n == 16);
    return 0;
}
