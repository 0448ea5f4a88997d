#include "agent/inventory_text.h"

#include "base/test.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Lines, each with a comma behind it; '<' where one is longer than the limit. */
static bool line_note(void *context, struct str line)
{
    struct buf *out = context;
    buf_str(out, str_slice(line, 0, 8));
    buf_char(out, line.n >= INVENTORY_LINE_MAX ? '<' : ',');
    return !str_is(line, "stop");
}

static void lines_come_whole_from_any_pieces(void)
{
    static struct inventory_lines lines;
    static const char text[] = "one\n\ntwo\nthree";
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        char storage[256];
        struct buf out;
        struct str rest = STR("one\n\ntwo\nthree");
        buf_init_fixed(&out, storage, sizeof storage);
        lines.n = 0;
        test_row("pieces of %zu", piece);
        for (; rest.n; rest = str_skip(rest, piece))
            CHECK(inventory_lines_take(&lines, str_slice(rest, 0, piece), line_note, &out));
        CHECK(inventory_lines_end(&lines, line_note, &out));
        CHECK_TEXT(buf_view(&out), "one,,two,three,");
    }
}

static void a_line_that_is_too_long_is_cut_and_the_next_is_whole(void)
{
    static struct inventory_lines lines;
    static char text[3 * INVENTORY_LINE_MAX];
    char storage[256];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    memset(text, 'x', sizeof text);
    text[sizeof text - 6] = '\n';
    memcpy(text + sizeof text - 5, "next\n", 5);
    CHECK(inventory_lines_take(&lines, str_at(text, sizeof text), line_note, &out));
    CHECK_TEXT(buf_view(&out), "xxxxxxxx<next,");
    CHECK(!inventory_lines_take(&lines, STR("stop\nmore\n"), line_note, &out));
    CHECK_TEXT(buf_view(&out), "xxxxxxxx<next,stop,");
}

static void accounts(void)
{
    static const char *const wrong[] = {"",
                                        "root",
                                        "root:x:0:0:root:/root",
                                        ":x:0:0:root:/root:/bin/sh",
                                        "+::::::",
                                        "a:x:-1:0::/:/b",
                                        "a:x:0:0x::/:/b",
                                        "a:x:1:2:g:/h:/s:more",
                                        "a:x::0::/:/b",
                                        "a:x:18446744073709551616:0::/:/b"};
    struct inventory_user user;
    CHECK(inventory_user_parse(STR("www-data:x:33:34:www:/var/www:/usr/sbin/nologin"), &user));
    CHECK_TEXT(user.name, "www-data");
    CHECK(user.uid == 33 && user.gid == 34);
    CHECK_TEXT(user.home, "/var/www");
    CHECK_TEXT(user.shell, "/usr/sbin/nologin");
    CHECK(inventory_user_parse(STR("a:x:0:0:::"), &user) && user.shell.n == 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!inventory_user_parse(str_of(wrong[i]), &user));
    }
}

static void groups_and_passwords(void)
{
    static const char *const wrong[] = {"",    "sudo", "sudo:x:27", ":x:27:eve", "sudo:x:a:eve", "sudo:x:27:eve:more",
                                        "+:::"};
    static const struct {
        const char *line;
        const char *state;
    } passwords[] = {{"a:$y$j9T$x:19000:0:99999:7:::", "set"},
                     {"a::19000:0:99999:7:::", "none"},
                     {"a:!:19000:0:99999:7:::", "locked"},
                     {"a:!$6$x:19000:0:99999:7:::", "locked"},
                     {"a:*:19000::::::", "locked"},
                     {"a:*:19000", NULL},
                     {":*:19000::::::", NULL},
                     {"a:*:19000:::::::", NULL},
                     {"", NULL}};
    struct inventory_group group;
    struct str name;
    const char *state;
    CHECK(inventory_group_parse(STR("sudo:x:27:eve,bob"), &group) && group.gid == 27);
    CHECK_TEXT(group.members, "eve,bob");
    CHECK(inventory_group_parse(STR("sudo:x:27:"), &group) && group.members.n == 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!inventory_group_parse(str_of(wrong[i]), &group));
    }
    for (size_t i = 0; i < ARRAY_LEN(passwords); i++) {
        test_row("%s", passwords[i].line);
        bool parsed = inventory_shadow_parse(str_of(passwords[i].line), &name, &state);
        CHECK(parsed == (passwords[i].state != NULL));
        if (parsed)
            CHECK_TEXT(str_of(state), passwords[i].state);
    }
}

/* How many packages a text tells, and the last of them. */
static size_t packages_of(struct str text, struct inventory_package *ret_last)
{
    struct inventory_package package = {0};
    size_t count = 0;
    while (str_find(text, '\n') < text.n) {
        struct str line = str_cut(&text, '\n');
        if (inventory_package_line(&package, line)) {
            *ret_last = package;
            count++;
        }
        if (line.n == 0)
            package = (struct inventory_package){0};
    }
    return count;
}

#define PARAGRAPH                                                                                                      \
    "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.11-1)\n"                \
    "Version: 3.0.11-1~deb12u2\nDescription: x\n Package: not this\n .\n\n"

static void packages(void)
{
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {PARAGRAPH, 1},
        {PARAGRAPH PARAGRAPH "\n\n" PARAGRAPH, 3},
        {"", 0},
        {"\n\n\n", 0},
        {"Package: a\nVersion: 1\n\n", 0}, /* no state */
        {"Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\n", 0},
        {"Package: a\nStatus: install ok half-installed\nVersion: 1\n\n", 0},
        {"Package: a\nStatus: installed\nVersion: 1\n\n", 0},
        {"Package: a\nStatus: install ok unpacked\nVersion: 1\n\n", 1},
        {"Package: a\nStatus: hold ok installed\nVersion: 1\n\n", 1},
        {"Package: a\nStatus: install ok installed\n\n", 0},
        {"Status: install ok installed\nVersion: 1\n\n", 0},
        {"Package:\nStatus: install ok installed\nVersion: 1\n\n", 0},
        {"nonsense\nPackage: a\nStatus: install ok installed\nVersion: 1\n\n", 1},
        {" Package: a\nStatus: install ok installed\nVersion: 1\n\n", 0},
        {"Package: a\nStatus: install ok installed\nVersion: 1", 0}, /* its end has not come */
    };
    struct inventory_package package = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].text);
        CHECK_INT(packages_of(str_of(rows[i].text), &package), rows[i].count);
    }
    CHECK_INT(packages_of(STR(PARAGRAPH), &package), 1);
    CHECK_TEXT(str_of(package.name), "libssl3");
    CHECK_TEXT(str_of(package.version), "3.0.11-1~deb12u2");
    CHECK_TEXT(str_of(package.architecture), "amd64");
    CHECK_TEXT(str_of(package.source), "openssl (3.0.11-1)");
    for (size_t n = 0; n + 1 < sizeof PARAGRAPH - 1; n++) /* not one before its end */
        CHECK_INT(packages_of(str_slice(STR(PARAGRAPH), 0, n), &package), 0);
}

static void a_version_that_is_too_long_is_none(void)
{
    char text[600];
    struct buf out;
    struct inventory_package package = {0};
    buf_init_fixed(&out, text, sizeof text);
    buf_text(&out, "Package: a\nStatus: install ok installed\nVersion: ");
    for (unsigned i = 0; i < INVENTORY_VERSION_MAX; i++)
        buf_char(&out, '9');
    buf_text(&out, "\n\n");
    CHECK_INT(packages_of(buf_view(&out), &package), 0);
}

#define TCP_LINE                                                                                                       \
    "   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 12345 1 "              \
    "0000000000000000 100 0 0 10 0"

static void sockets(void)
{
    static const struct {
        const char *line;
        bool udp;
        const char *text; /* NULL: it is refused; "": it does not listen */
    } rows[] = {
        {TCP_LINE, false, "127.0.0.1:3306"},
        {"  1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0  0  0 7", false,
         "[::1]:22"},
        {"  1: B80D01200000000000000000010000FF:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0  0  0 7", false,
         "[2001:db8::ff00:1]:22"},
        {"  2: 0100007F:0CEA 0100007F:9999 01 0:0 0:0 0 0 0 5", false, ""},
        {"  2: 00000000:0044 00000000:0000 07 0:0 0:0 0 0 0 5", true, "0.0.0.0:68"},
        {"  2: 00000000:0044 00000000:0000 07 0:0 0:0 0 0 0 5", false, ""},
        {"  2: 00000000:0044 0100007F:0035 07 0:0 0:0 0 0 0 5", true, ""},
        {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", false,
         NULL},
        {"", false, NULL},
        {"   0: 0100007F:0CEA", false, NULL},
        {"   0: 0100007:0CEA 00000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007F:0CE 00000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007G:0CEA 00000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007F0CEA 00000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007F:0CEA 0000000000000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007F:0CEA 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007F:0CEA 00000000:0000 XY 0:0 0:0 0 0 0 5", false, NULL},
        {"   0: 0100007F:0CEA 00000000:0000 0A 0:0 0:0 0 -1 0 5", false, NULL},
        {"   0: 0100007F:0CEA 00000000:0000 0A 0:0 0:0 0 0 0 x", false, NULL},
        {"   0 0100007F:0CEA 00000000:0000 0A 0:0 0:0 0 0 0 5", false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct inventory_socket socket;
        char storage[64];
        struct buf out;
        buf_init_fixed(&out, storage, sizeof storage);
        test_row("%s", rows[i].line);
        bool parsed = inventory_socket_parse(str_of(rows[i].line), rows[i].udp, &socket);
        CHECK(parsed == (rows[i].text != NULL));
        if (!parsed)
            continue;
        CHECK(socket.listens == (rows[i].text[0] != '\0'));
        inventory_socket_write(&socket, &out);
        if (socket.listens)
            CHECK_TEXT(buf_view(&out), rows[i].text);
    }
}

/* Every truncation: refused as long as the inode is not there. */
static void a_socket_that_is_cut_is_none(void)
{
    struct inventory_socket socket;
    struct str line = STR(TCP_LINE);
    size_t inode = str_search(line, STR("12345"));
    for (size_t n = 0; n <= inode; n++)
        CHECK(!inventory_socket_parse(str_slice(line, 0, n), false, &socket));
    CHECK(inventory_socket_parse(line, false, &socket) && socket.uid == 110 && socket.inode == 12345);
}

static void inodes(void)
{
    static const char *const wrong[] = {"",          "socket:[", "socket:[]", "socket:[x]",
                                        "socket:[1", "pipe:[1]", "socket:1]", "socket:[-1]"};
    uint64_t inode = 0;
    CHECK(inventory_socket_inode(STR("socket:[12345]"), &inode) && inode == 12345);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!inventory_socket_inode(str_of(wrong[i]), &inode));
    }
}

static void mounts_and_words(void)
{
    static const char *const wrong[] = {"", "/dev/sda1", "/dev/sda1 /", "/dev/sda1 / ext4", "a b ext4 rw"};
    static const char *const words[][2] = {
        {"/a\\040b", "/a b"}, {"/a\\", "/a\\"}, {"/a\\04", "/a\\04"}, {"\\134x", "\\x"},
        {"\\777", "\\777"},   {"\\0409", " 9"}, {"\\089", "\\089"},   {"", ""}};
    struct inventory_mount mount;
    CHECK(inventory_mount_parse(STR("/dev/sda1 /srv/a\\040b ext4 rw,relatime 0 0"), &mount));
    CHECK_TEXT(mount.folder, "/srv/a\\040b");
    CHECK_TEXT(mount.type, "ext4");
    CHECK_TEXT(mount.options, "rw,relatime");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!inventory_mount_parse(str_of(wrong[i]), &mount));
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char storage[64];
        struct buf out;
        buf_init_fixed(&out, storage, sizeof storage);
        inventory_unescape(str_of(words[i][0]), &out);
        CHECK_TEXT(buf_view(&out), words[i][1]);
    }
}

static void settings(void)
{
    static const char *const wrong[] = {"", "#A=1", ";A=1", "A", "=1", "  ", " # A=1"};
    static const struct {
        const char *line;
        enum inventory_time format;
        const char *servers; /* NULL: none */
    } rows[] = {
        {"server time.example.kz iburst", INVENTORY_TIME_CHRONY, "time.example.kz"},
        {"  pool 2.debian.pool.ntp.org iburst", INVENTORY_TIME_NTP, "2.debian.pool.ntp.org"},
        {"peer 192.0.2.1", INVENTORY_TIME_NTP, "192.0.2.1"},
        {"NTP=a.example b.example", INVENTORY_TIME_TIMESYNCD, "a.example b.example"},
        {"FallbackNTP=c.example", INVENTORY_TIME_TIMESYNCD, "c.example"},
        {"#NTP=a.example", INVENTORY_TIME_TIMESYNCD, NULL},
        {"NTP=", INVENTORY_TIME_TIMESYNCD, NULL},
        {"RootDistanceMaxSec=5", INVENTORY_TIME_TIMESYNCD, NULL},
        {"server", INVENTORY_TIME_CHRONY, NULL},
        {"#server a", INVENTORY_TIME_CHRONY, NULL},
        {"serverx a", INVENTORY_TIME_CHRONY, NULL},
        {"driftfile /var/lib/chrony/drift", INVENTORY_TIME_CHRONY, NULL},
        {"", INVENTORY_TIME_CHRONY, NULL},
    };
    struct str name, value;
    CHECK(inventory_assignment_parse(STR("PRETTY_NAME=\"Debian GNU/Linux 12\""), &name, &value));
    CHECK_TEXT(value, "Debian GNU/Linux 12");
    CHECK(inventory_assignment_parse(STR("ID=debian"), &name, &value));
    CHECK_TEXT(value, "debian");
    CHECK(inventory_assignment_parse(STR("A=\""), &name, &value));
    CHECK_TEXT(value, "\"");
    CHECK(inventory_colon_parse(STR("model name\t: Some CPU"), &name, &value));
    CHECK_TEXT(name, "model name");
    CHECK_TEXT(value, "Some CPU");
    CHECK(!inventory_colon_parse(STR("model name"), &name, &value) &&
          !inventory_colon_parse(STR(": a"), &name, &value));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!inventory_assignment_parse(str_of(wrong[i]), &name, &value));
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str servers = STR_NONE;
        test_row("%s", rows[i].line);
        bool found = inventory_time_servers(str_of(rows[i].line), rows[i].format, &servers);
        CHECK(found == (rows[i].servers != NULL));
        if (found)
            CHECK_TEXT(servers, rows[i].servers);
    }
}

/* ---- addresses ---- */

static void attribute_put(struct buf *out, uint16_t type, const void *bytes, uint16_t n)
{
    const struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)(sizeof attribute + n)};
    buf_put(out, &attribute, sizeof attribute);
    buf_put(out, bytes, n);
    while (out->n % 4)
        buf_char(out, '\0');
}

static void message_put(struct buf *out, uint16_t type, const struct ifaddrmsg *head, struct str attributes)
{
    const struct nlmsghdr header = {.nlmsg_type = type,
                                    .nlmsg_len = (uint32_t)(sizeof header + sizeof *head + attributes.n)};
    buf_put(out, &header, sizeof header);
    buf_put(out, head, sizeof *head);
    buf_str(out, attributes);
}

static void messages_make(struct buf *out)
{
    char storage[256];
    struct buf attributes;
    const uint32_t temporary = IFA_F_TEMPORARY;
    const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    const struct ifaddrmsg v4 = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 2};
    const struct ifaddrmsg v6 = {.ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = 3};
    buf_init_fixed(&attributes, storage, sizeof storage);
    attribute_put(&attributes, IFA_LOCAL, "\300\0\2\1", 4);
    attribute_put(&attributes, IFA_ADDRESS, "\300\0\2\2", 4); /* the other end */
    message_put(out, RTM_NEWADDR, &v4, buf_view(&attributes));
    message_put(out, RTM_DELADDR, &v4, buf_view(&attributes));
    buf_clear(&attributes);
    attribute_put(&attributes, IFA_ADDRESS, six, 16);
    attribute_put(&attributes, IFA_FLAGS, &temporary, 4);
    message_put(out, RTM_NEWADDR, &v6, buf_view(&attributes));
}

static void addresses(void)
{
    char storage[1024];
    struct buf out;
    struct inventory_address address;
    buf_init_fixed(&out, storage, sizeof storage);
    messages_make(&out);
    struct reader reader = reader_of(buf_view(&out));
    CHECK(inventory_address_next(&reader, &address));
    CHECK(address.interface == 2 && address.n == 4 && address.prefix == 24 && !address.temporary);
    CHECK(memcmp(address.bytes, "\300\0\2\1", 4) == 0);
    CHECK(inventory_address_next(&reader, &address));
    CHECK(address.interface == 3 && address.n == 16 && address.prefix == 64 && address.temporary);
    CHECK(!inventory_address_next(&reader, &address));
    for (size_t n = 0; n < out.n; n++) { /* what is cut gives fewer, and ends */
        size_t count = 0;
        reader = reader_of(str_slice(buf_view(&out), 0, n));
        while (inventory_address_next(&reader, &address))
            count++;
        CHECK(count < 2);
    }
    for (size_t at = 0; at < out.n; at++) { /* and any byte that is another ends too */
        char saved = storage[at];
        storage[at] = '\0';
        size_t count = 0;
        reader = reader_of(buf_view(&out));
        while (inventory_address_next(&reader, &address) && count < 100)
            count++;
        CHECK(count < 100);
        storage[at] = saved;
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"lines come whole from any pieces", lines_come_whole_from_any_pieces},
        {"a line that is too long is cut and the next is whole", a_line_that_is_too_long_is_cut_and_the_next_is_whole},
        {"accounts", accounts},
        {"groups and passwords", groups_and_passwords},
        {"packages", packages},
        {"a version that is too long is none", a_version_that_is_too_long_is_none},
        {"sockets", sockets},
        {"a socket that is cut is none", a_socket_that_is_cut_is_none},
        {"inodes", inodes},
        {"mounts and words", mounts_and_words},
        {"settings", settings},
        {"addresses", addresses},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
