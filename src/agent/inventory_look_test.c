/* A machine made of files in a folder: what is seen of it, and what follows when a file is not there. */
#include "agent/inventory_look.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "codec/json.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder_path[64];
static struct inventory_machine machine;
static struct buf seen;

static void file_put(const char *path, const char *text)
{
    char part[512];
    for (size_t i = 0; path[i]; i++)
        if (path[i] == '/' && str_copy_z(str_at(path, i), part, sizeof part))
            IGNORE(mkdirat(machine.root, part, 0755) != 0); /* there already, or the open says it */
    int fd = openat(machine.root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), (int64_t)strlen(text));
    close(fd);
}

static void link_put(const char *path, const char *target)
{
    file_put(path, "");
    CHECK_INT(unlinkat(machine.root, path, 0), 0);
    CHECK_INT(symlinkat(target, machine.root, path), 0);
}

static void machine_make(void)
{
    snprintf(folder_path, sizeof folder_path, "/tmp/qorgan-machine-XXXXXX");
    CHECK(mkdtemp(folder_path) != NULL);
    machine.root = open(folder_path, O_RDONLY | O_DIRECTORY);
    CHECK(machine.root >= 0);
    buf_init(&seen, (size_t)8 << 20);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

static void machine_remove(void)
{
    close(machine.root);
    buf_done(&seen);
    CHECK_INT(nftw(folder_path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static bool item_note(void *context, const struct inventory_item *item)
{
    size_t *most = context;
    struct arena *arena = arena_new((size_t)1 << 16);
    struct json_value *value = NULL;
    CHECK(item->key.n > 0 && item->key.n <= INVENTORY_KEY_MAX && item->value.n <= INVENTORY_VALUE_MAX);
    CHECK_INT(json_parse(arena, item->value, 8, &value, NULL), RC_OK);
    buf_format(&seen, "%.*s %.*s", STR_ARG(item->key), STR_ARG(item->value));
    if (item->now.n)
        buf_format(&seen, " now %.*s", STR_ARG(item->now));
    buf_char(&seen, '\n');
    arena_free(arena);
    return !most || --*most > 0;
}

static bool look(enum inventory_kind kind)
{
    buf_clear(&seen);
    return inventory_look(&machine, kind, item_note, NULL);
}

static bool has(const char *text)
{
    return str_search(buf_view(&seen), str_of(text)) < seen.n;
}

static void an_empty_machine_is_not_taken_for_one_without_accounts(void)
{
    /* What must be there and is not: nothing follows. What need not be there: nothing is there. */
    static const struct {
        enum inventory_kind kind;
        bool whole;
    } rows[] = {{INVENTORY_PACKAGE, false}, {INVENTORY_USER, false},      {INVENTORY_GROUP, false},
                {INVENTORY_MEMBER, false},  {INVENTORY_PORT, false},      {INVENTORY_MOUNT, false},
                {INVENTORY_USB, true},      {INVENTORY_MODEM, true},      {INVENTORY_DISK, true},
                {INVENTORY_SERVICE, true},  {INVENTORY_INTERFACE, false}, {INVENTORY_TIME, true},
                {INVENTORY_SYSTEM, true}};
    machine_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", inventory_kind_name(rows[i].kind));
        CHECK(look(rows[i].kind) == rows[i].whole);
    }
    machine_remove();
}

static void accounts(void)
{
    machine_make();
    file_put("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nbroken\neve:x:1000:27::/home/eve:/bin/sh\nold:x:3:3::/:");
    file_put("etc/group", "root:x:0:\nsudo:x:27:bob,eve\nbad\nempty:x:30:,,\n");
    CHECK(look(INVENTORY_USER));
    CHECK(has("root {\"uid\":0,\"gid\":0,\"home\":\"/root\",\"shell\":\"/bin/bash\",\"password\":\"unknown\"}\n"));
    CHECK(has("old {\"uid\":3") && !has("broken"));
    file_put("etc/shadow", "root:*:1::::::\nold::1::::::\neve:$y$secret:1::::::\n");
    CHECK(look(INVENTORY_USER));
    CHECK(has("root {\"uid\":0,\"gid\":0,\"home\":\"/root\",\"shell\":\"/bin/bash\",\"password\":\"locked\"}\n"));
    CHECK(has("\"home\":\"/home/eve\",\"shell\":\"/bin/sh\",\"password\":\"set\"}") && !has("secret"));
    CHECK(has("old {\"uid\":3,\"gid\":3,\"home\":\"/\",\"password\":\"none\"}"));
    CHECK(look(INVENTORY_GROUP) && has("sudo {\"gid\":27}\n") && !has("bad"));
    CHECK(look(INVENTORY_MEMBER));
    CHECK(has("sudo/bob {\"group\":\"sudo\",\"user\":\"bob\",\"gid\":27}\n") && has("sudo/eve ") && has("root/root "));
    CHECK(!has("empty/"));
    size_t most = 2;
    CHECK(!inventory_look(&machine, INVENTORY_USER, item_note, &most)); /* ended is not whole */
    machine_remove();
}

static void packages(void)
{
    uint64_t stamp = 0;
    machine_make();
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    file_put("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1.2\n\n"
                                    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
                                    "Package: b\nStatus: install ok installed\nArchitecture: amd64\n"
                                    "Source: bb (3)\nVersion: 4");
    CHECK(look(INVENTORY_PACKAGE));
    CHECK(has("a:all {\"name\":\"a\",\"version\":\"1.2\"}\n"));
    CHECK(has("b:amd64 {\"name\":\"b\",\"version\":\"4\",\"source\":\"bb (3)\"}\n") && !has("gone"));
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    CHECK(inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    file_put("var/lib/dpkg/status", "Package: a\n");
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_USER, &stamp));
    CHECK(look(INVENTORY_SYSTEM) && has("packages {\"read\":[\"dpkg\"],\"not_read\":[]}\n"));
    file_put("var/lib/rpm/rpmdb.sqlite", "x");
    CHECK(look(INVENTORY_SYSTEM) && has("\"not_read\":[\"rpm\"]}"));
    file_put("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n");
    CHECK(look(INVENTORY_PACKAGE) && has("a {"));
    file_put("var/lib/dpkg/status", "Package: \xe4\nStatus: install ok installed\nVersion: 1\n");
    CHECK(look(INVENTORY_PACKAGE) && has("\xef\xbf\xbd {")); /* a key is a text: it is the same when it was kept */
    CHECK_INT(unlinkat(machine.root, "var/lib/dpkg/status", 0), 0);
    CHECK(!look(INVENTORY_PACKAGE)); /* what is not read is not taken for none */
    machine_remove();
}

/* A sample of rpm_database_test.c: u32 size of the file | the file | its log. */
static void database_put(const char *sample, const char *path, const char *log, size_t most)
{
    static char bytes[32768];
    char from[512];
    snprintf(from, sizeof from, "%s/fuzz/agent_rpm_database/%s", test_source_dir(), sample);
    FILE *file = fopen(from, "rb");
    size_t n = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (!CHECK(n > 1024))
        return;
    fclose(file);
    size_t size = get_le32(bytes);
    file_put(path, "");
    int fd = openat(machine.root, path, O_WRONLY);
    CHECK(write(fd, bytes + 4, MIN(size, most)) > 0);
    close(fd);
    if (!log)
        return;
    file_put(log, "");
    fd = openat(machine.root, log, O_WRONLY);
    CHECK(write(fd, bytes + 4 + size, n - 4 - size) > 0);
    close(fd);
}

static bool all_of_rpm_are_seen(void)
{
    return has("alpha:x86_64 {\"name\":\"alpha\",\"version\":\"2:1.0-1.el9\",\"vendor\":\"Qorgan\","
               "\"installed_s\":1700000000,\"tool\":\"rpm\"}\n") &&
           has("beta-libs:noarch {\"name\":\"beta-libs\",\"version\":\"3.0.7-24.el9\",\"source\":\"beta\",") &&
           has("kernel:x86_64 5.14.0-70.el9 {\"name\":\"kernel\",\"version\":\"5.14.0-70.el9\",\"installed_s\":") &&
           has("kernel:x86_64 5.14.0-71.el9 {") &&
           has("gpg-pubkey {\"name\":\"gpg-pubkey\",\"version\":\"fd431d51-4ae0493b\",\"tool\":\"rpm\"}\n") &&
           has("tool:x86_64 {\"name\":\"tool\",\"version\":\"1^git2-3\",\"source\":\"tool-set "
               "(9-1)\",\"tool\":\"rpm\"}\n");
}

static void packages_of_rpm(void)
{
    static const char *const rows[][3] = {
        {"sqlite", "var/lib/rpm/rpmdb.sqlite", NULL},
        {"log", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite-wal"},
        {"sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite", NULL},
        {"log", "usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite-wal"},
        {"ndb", "usr/lib/sysimage/rpm/Packages.db", NULL},
        {"ndb", "var/lib/rpm/Packages.db", NULL},
        {"berkeley", "var/lib/rpm/Packages", NULL},
        {"berkeley", "usr/lib/sysimage/rpm/Packages", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i][1]);
        machine_make();
        database_put(rows[i][0], rows[i][1], rows[i][2], SIZE_MAX);
        CHECK(look(INVENTORY_PACKAGE) && all_of_rpm_are_seen());
        CHECK(look(INVENTORY_SYSTEM) && has("packages {\"read\":[\"rpm\"],\"not_read\":[]}\n"));
        file_put("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n");
        CHECK(look(INVENTORY_PACKAGE) && all_of_rpm_are_seen() && has("a {\"name\":\"a\",\"version\":\"1\"}\n"));
        CHECK(look(INVENTORY_SYSTEM) && has("packages {\"read\":[\"dpkg\",\"rpm\"],\"not_read\":[]}\n"));
        database_put(rows[i][0], rows[i][1], rows[i][2], 1100);
        CHECK(!look(INVENTORY_PACKAGE)); /* damaged */
        machine_remove();
    }
}

/* Both tools on one host: those of the other one are not all there is. */
static void what_stands_in_the_place_of_a_database(void)
{
    static const char *const path = "var/lib/rpm/rpmdb.sqlite";
    machine_make();
    file_put("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n");
    file_put(path, "");
    CHECK(look(INVENTORY_PACKAGE) && has("a {")); /* never one of rpm's */
    CHECK_INT(unlinkat(machine.root, path, 0), 0);
    CHECK_INT(mkfifoat(machine.root, path, 0644), 0);
    CHECK(!look(INVENTORY_PACKAGE));
    CHECK(look(INVENTORY_SYSTEM) && has("packages {\"read\":[\"dpkg\"],\"not_read\":[\"rpm\"]}\n"));
    CHECK_INT(unlinkat(machine.root, path, 0), 0);
    CHECK_INT(mkdirat(machine.root, path, 0755), 0);
    CHECK(!look(INVENTORY_PACKAGE));
    CHECK_INT(unlinkat(machine.root, path, AT_REMOVEDIR), 0);
    link_put(path, "rpmdb.sqlite"); /* to itself */
    CHECK(!look(INVENTORY_PACKAGE));
    machine_remove();
}

static void a_database_of_rpm_that_changes_is_looked_at(void)
{
    const struct timespec nap = {.tv_sec = 2, .tv_nsec = 200000000};
    uint64_t stamp = 0;
    machine_make();
    database_put("berkeley", "var/lib/rpm/Packages", NULL, SIZE_MAX); /* left behind by an older rpm */
    database_put("log", "var/lib/rpm/rpmdb.sqlite", NULL, SIZE_MAX);
    CHECK(look(INVENTORY_PACKAGE) && has("alpha") && !has("tool:x86_64"));
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp)); /* written just now: perhaps not all */
    CHECK_INT(nanosleep(&nap, NULL), 0);
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    CHECK(inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    CHECK(inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    database_put("log", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite-wal", SIZE_MAX);
    CHECK(!inventory_look_unchanged(&machine, INVENTORY_PACKAGE, &stamp));
    CHECK(look(INVENTORY_PACKAGE) && all_of_rpm_are_seen());
    machine_remove();
}

#define HEADS "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

static void ports(void)
{
    machine_make();
    file_put("proc/net/tcp", HEADS "   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 500 1\n"
                                   "   1: 0100007F:0CEA 0100007F:9999 01 0:0 0:0 0 0 0 501 1\n"
                                   "   2: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 33 0 502 1\n");
    CHECK(!look(INVENTORY_PORT)); /* the list of the other protocol is not there */
    file_put("proc/net/udp", HEADS "   0: 00000000:0035 00000000:0000 07 0:0 0:0 0 0 0 503 1\n"
                                   "   0: 00000000:C350 00000000:0000 07 0:0 0:0 0 0 0 504 1\n");
    file_put("proc/77/comm", "sshd\n");
    link_put("proc/77/fd/3", "socket:[500]");
    link_put("proc/77/fd/4", "pipe:[502]");
    CHECK(look(INVENTORY_PORT));
    CHECK(has("tcp 0.0.0.0:22 {\"protocol\":\"tcp\",\"address\":\"0.0.0.0\",\"port\":22,\"uid\":0,"
              "\"program\":\"sshd\"}\n"));
    CHECK(has("tcp 127.0.0.1:8080 {\"protocol\":\"tcp\",\"address\":\"127.0.0.1\",\"port\":8080,\"uid\":33}\n"));
    CHECK(has("udp 0.0.0.0:53 ") && !has("3306") && !has("50000"));
    file_put("proc/net/tcp6", HEADS
             "   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9\n");
    CHECK(look(INVENTORY_PORT) && has("tcp [::]:443 "));
    machine_remove();
}

static void devices(void)
{
    static const char *const stick[][2] = {{"idVendor", "0781\n"},
                                           {"idProduct", "5581\n"},
                                           {"serial", "4C53\n"},
                                           {"manufacturer", "SanDisk\n"},
                                           {"product", "Ultra\n"},
                                           {"1-2:1.0/bInterfaceClass", "08\n"},
                                           {"1-2:1.0/bInterfaceSubClass", "06\n"}};
    machine_make();
    for (size_t i = 0; i < ARRAY_LEN(stick); i++) {
        char path[128];
        snprintf(path, sizeof path, "sys/bus/usb/devices/1-2/%s", stick[i][0]);
        file_put(path, stick[i][1]);
    }
    file_put("sys/bus/usb/devices/1-3/idVendor", "12d1\n");
    file_put("sys/bus/usb/devices/1-3/idProduct", "1506\n");
    file_put("sys/bus/usb/devices/1-3/1-3:1.0/bInterfaceClass", "ff\n");
    link_put("sys/bus/usb/devices/1-3/1-3:1.0/driver", "../../../bus/usb-serial/drivers/option");
    file_put("sys/bus/usb/devices/usb1/idVendor", "1d6b\n");
    file_put("sys/bus/usb/devices/1-2:1.0/bInterfaceClass", "08\n");
    CHECK(look(INVENTORY_USB));
    CHECK(has("1-2 0781:5581 4C53 {\"class\":[\"storage\"],\"plug\":\"1-2\",\"vendor\":\"0781\",\"product\":\"5581\","
              "\"maker\":\"SanDisk\",\"name\":\"Ultra\",\"serial\":\"4C53\"}\n"));
    CHECK(has("1-3 12d1:1506 {\"class\":[\"modem\"],") && !has("1d6b"));
    file_put("sys/class/tty/ttyUSB0/dev", "188:0\n");
    file_put("sys/class/tty/tty1/dev", "4:1\n");
    link_put("sys/class/tty/ttyUSB0/device/driver", "../x/option1");
    CHECK(look(INVENTORY_MODEM) && has("ttyUSB0 {\"by\":\"tty\",\"driver\":\"option1\"}\n") && !has("tty1"));
    file_put("sys/block/sda/size", "2000\n");
    file_put("sys/block/sda/removable", "1\n");
    file_put("sys/block/sda/device/model", "Ultra           \n");
    file_put("sys/block/loop0/size", "2000\n");
    file_put("sys/block/sr0/size", "0\n");
    CHECK(look(INVENTORY_DISK));
    CHECK(
        has("sda {\"bytes\":1024000,\"bus\":\"unknown\",\"removable\":true,\"rotates\":false,\"model\":\"Ultra\"}\n"));
    CHECK(!has("loop0") && !has("sr0"));
    machine_remove();
}

static void mounts_interfaces_services(void)
{
    machine_make();
    file_put("srv/a b/x", "");
    file_put("proc/mounts", "/dev/sda1 /srv/a\\040b ext4 rw,nosuid,relatime 0 0\nproc /proc proc rw 0 0\n"
                            "tmpfs /run tmpfs rw 0 0\nserver:/x /mnt/x nfs4 ro 0 0\n");
    CHECK(look(INVENTORY_MOUNT));
    CHECK(has("/srv/a b {\"device\":\"/dev/sda1\",\"type\":\"ext4\",\"options\":[\"nosuid\"],\"bytes\":"));
    CHECK(has("} now {\"free\":") && !has("/run") && !has("/proc"));
    CHECK(has("/mnt/x {\"device\":\"server:/x\",\"type\":\"nfs4\",\"options\":[\"ro\"]}\n"));
    file_put("sys/class/net/eth0/type", "1\n");
    file_put("sys/class/net/eth0/address", "52:54:00:12:34:56\n");
    file_put("sys/class/net/wlan0/type", "1\n");
    file_put("sys/class/net/wlan0/wireless/link", "0\n");
    file_put("sys/class/net/veth77/type", "1\n");
    file_put("sys/class/net/bonding_masters", "\n");
    CHECK(look(INVENTORY_INTERFACE));
    CHECK(has("eth0 {\"type\":\"ethernet\",\"mac\":\"52:54:00:12:34:56\"}\n") && has("wlan0 {\"type\":\"wireless\"}"));
    CHECK(!has("veth") && !has("bonding"));
    file_put("usr/lib/systemd/system/ssh.service", "[Install]\n");
    file_put("usr/lib/systemd/system/getty@.service", "");
    file_put("usr/lib/systemd/system/x.timer", "");
    link_put("etc/systemd/system/multi-user.target.wants/ssh.service", "/lib/systemd/system/ssh.service");
    link_put("etc/systemd/system/getty.target.wants/getty@tty1.service", "/lib/systemd/system/getty@.service");
    link_put("etc/systemd/system/bad.service", "/dev/null");
    file_put("sys/fs/cgroup/system.slice/ssh.service/cgroup.procs", "1\n");
    CHECK(look(INVENTORY_SERVICE));
    CHECK(has("ssh.service {\"enabled\":true,\"masked\":false,\"running\":true}\n"));
    CHECK(has("getty@tty1.service {\"enabled\":true,\"masked\":false,\"running\":false}\n"));
    CHECK(has("bad.service {\"enabled\":false,\"masked\":true}\n") && has("x.timer {\"enabled\":false"));
    CHECK(!has("getty@.service"));
    machine_remove();
}

static void the_system_and_its_time(void)
{
    machine_make();
    link_put("etc/os-release", "../usr/lib/os-release");
    file_put("usr/lib/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n");
    file_put("proc/sys/kernel/hostname", "srv-1\n");
    file_put("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    file_put("proc/sys/kernel/random/boot_id", "b00t\n");
    file_put("proc/stat", "cpu  1 2\nbtime 1795000000\nprocesses 3\n");
    file_put("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\n\nprocessor\t: 1\nmodel name\t: Some CPU\n");
    file_put("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
    file_put("sys/class/dmi/id/sys_vendor", "QEMU\n");
    file_put("sys/class/dmi/id/product_serial", "S-1\n");
    CHECK(look(INVENTORY_SYSTEM));
    CHECK(has("host {\"name\":\"srv-1\"}\n") && has("kernel {\"release\":\"6.1.0-18-amd64\"}\n"));
    CHECK(has("os {\"id\":\"debian\",\"name\":\"Debian GNU/Linux 12 (bookworm)\",\"version\":\"12\"}\n"));
    CHECK(has("hardware {\"vendor\":\"QEMU\",\"serial\":\"S-1\"}\n") && !has("board"));
    CHECK(has("cpu {\"model\":\"Some CPU\",\"processors\":2}\n") && has("memory {\"bytes\":2097152}\n"));
    CHECK(has("boot {\"id\":\"b00t\"} now {\"at_s\":1795000000}\n"));
    CHECK(look(INVENTORY_TIME));
    CHECK(has("source {\"synchronised\":false,\"running\":\"\",\"installed\":\"\",\"servers\":\"\"}\n"));
    file_put("etc/chrony/chrony.conf", "pool a.example iburst\n");
    file_put("etc/chrony/sources.d/b.sources", "server c.example\n");
    file_put("etc/chrony/sources.d/a.sources", "server b.example\n");
    file_put("etc/chrony/sources.d/a.txt", "server no.example\n");
    file_put("run/chrony/chronyd.pid", "1\n");
    file_put("run/systemd/timesync/synchronized", "");
    CHECK(look(INVENTORY_TIME));
    CHECK(has("source {\"synchronised\":true,\"running\":\"chrony\",\"installed\":\"chrony\","
              "\"servers\":\"a.example b.example c.example\"}\n"));
    machine_remove();
}

/* A long text is cut, one that is not UTF-8 is mended, and what does not fit is left out; all are JSON (item_note). */
static void what_is_strange_stays_an_item(void)
{
    char line[3000];
    machine_make();
    memset(line, 'h', sizeof line);
    memcpy(line, "a:x:1:1::/", 10);
    memcpy(line + 2900, ":/bin/sh\nb\xff\x01\"\\:x:2:2::/:/\n", 27);
    line[2927] = '\0';
    file_put("etc/passwd", line);
    CHECK(look(INVENTORY_USER) && has("a {\"uid\":1") && has("\"password\":\"unknown\"}\nb"));
    CHECK(seen.n < 1000);
    IGNORE(mkdirat(machine.root, "proc", 0755) != 0);
    CHECK_INT(mkfifoat(machine.root, "proc/mounts", 0644), 0); /* a pipe would hold us up */
    CHECK(!look(INVENTORY_MOUNT));
    machine_remove();
}

static void the_real_machine(void)
{
    machine_make();
    int root = machine.root;
    machine = (struct inventory_machine){.root = open("/", O_RDONLY | O_DIRECTORY), .real = true};
    CHECK(look(INVENTORY_SYSTEM) && has("kernel {"));
    CHECK(look(INVENTORY_USER) && has("root {\"uid\":0"));
    CHECK(look(INVENTORY_TIME) && has("source {"));
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++)
        IGNORE(look((enum inventory_kind)i)); /* whatever it has: items that are no items are found */
    close(machine.root);
    machine = (struct inventory_machine){.root = root};
    machine_remove();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"an empty machine is not taken for one without accounts",
         an_empty_machine_is_not_taken_for_one_without_accounts},
        {"accounts", accounts},
        {"packages", packages},
        {"packages of rpm", packages_of_rpm},
        {"what stands in the place of a database", what_stands_in_the_place_of_a_database},
        {"a database of rpm that changes is looked at", a_database_of_rpm_that_changes_is_looked_at},
        {"ports", ports},
        {"devices", devices},
        {"mounts, interfaces, services", mounts_interfaces_services},
        {"the system and its time", the_system_and_its_time},
        {"what is strange stays an item", what_is_strange_stays_an_item},
        {"the real machine", the_real_machine},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
