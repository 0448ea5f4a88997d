/* inventory_system.c - the machine and its system as a whole, its packages, and where its time comes from. */
#include "agent/inventory_parts.h"
#include "os/machine.h"

#include <string.h>

#define SETTINGS_MAX 32u

/* ---- the system ---- */

struct os_release {
    char id[64], name[128], version[64];
};

static bool release_line(void *context, struct str line)
{
    struct look *look = context;
    struct os_release *release = look->part;
    struct str name, value;
    bool fits = true;
    if (!inventory_assignment_parse(line, &name, &value))
        return true;
    if (str_is(name, "ID"))
        fits = str_copy_z(value, release->id, sizeof release->id);
    else if (str_is(name, "PRETTY_NAME"))
        fits = str_copy_z(value, release->name, sizeof release->name);
    else if (str_is(name, "VERSION_ID"))
        fits = str_copy_z(value, release->version, sizeof release->version);
    (void)fits; /* else it stays empty */
    return true;
}

static bool os_put(struct look *look)
{
    struct os_release release = {0};
    look->part = &release;
    if (!look_lines(look, "etc/os-release", release_line))
        IGNORE(look_lines(look, "usr/lib/os-release", release_line)); /* nothing is known then */
    look_begin(look, STR("os"));
    look_put(look, "id", str_of(release.id));
    look_put(look, "name", str_of(release.name));
    look_put(look, "version", str_of(release.version));
    return look_end(look);
}

struct processor {
    char model[128];
    uint64_t count;
};

static bool processor_line(void *context, struct str line)
{
    struct look *look = context;
    struct processor *processor = look->part;
    struct str name, value;
    if (!inventory_colon_parse(line, &name, &value))
        return true;
    processor->count += str_is(name, "processor");
    if (!processor->model[0] && (str_is(name, "model name") || str_is(name, "Model") || str_is(name, "cpu")))
        IGNORE(str_copy_z(value, processor->model, sizeof processor->model)); /* else it stays empty */
    return true;
}

static bool memory_line(void *context, struct str line)
{
    struct look *look = context;
    uint64_t *kib = look->part;
    struct str name, value;
    if (inventory_colon_parse(line, &name, &value) && str_is(name, "MemTotal"))
        return !str_to_u64(str_cut(&value, ' '), kib);
    return true;
}

static bool boot_line(void *context, struct str line)
{
    struct look *look = context;
    uint64_t *at_s = look->part;
    struct str begin = STR("btime ");
    return !str_starts(line, begin) || !str_to_u64(str_trim(str_skip(line, begin.n)), at_s);
}

static bool processor_put(struct look *look)
{
    struct processor processor = {0};
    uint64_t kib = 0;
    look->part = &processor;
    if (look_lines(look, "proc/cpuinfo", processor_line)) {
        look_begin(look, STR("cpu"));
        look_put(look, "model", str_of(processor.model));
        json_put_u64(&look->value, "processors", processor.count);
        if (!look_end(look))
            return false;
    }
    look->part = &kib;
    IGNORE(look_lines(look, "proc/meminfo", memory_line)); /* it ends where it is found */
    if (kib == 0 || kib > UINT64_MAX / 1024)
        return true;
    look_begin(look, STR("memory"));
    json_put_u64(&look->value, "bytes", kib * 1024);
    return look_end(look);
}

static bool boot_put(struct look *look)
{
    uint64_t at_s = 0;
    struct str id = look_file(look, "proc/sys/kernel/random/boot_id");
    if (id.n == 0)
        return true;
    look_begin(look, STR("boot"));
    look_put(look, "id", id);
    look->part = &at_s;
    IGNORE(look_lines(look, "proc/stat", boot_line)); /* it ends where it is found */
    if (at_s)                                         /* the kernel computes it anew from the clock: it is no change */
        json_put_u64(look_now(look), "at_s", at_s);
    return look_end(look);
}

/* Which package tools have a database here, so that a list that is empty does not pass for none installed. */
static bool tools_put(struct look *look)
{
    static const struct {
        const char *path;
        const char *name;
        bool read;
    } tools[] = {
        {LOOK_DPKG, "dpkg", true},
        {"lib/apk/db/installed", "apk", false},
        {"var/lib/pacman/local", "pacman", false},
    };
    const enum look_rpm rpm = look_rpm_there(look->machine);
    look_begin(look, STR("packages"));
    for (int read = 1; read >= 0; read--) {
        json_write_key(&look->value, read ? "read" : "not_read");
        json_write_array(&look->value);
        for (size_t i = 0; i < ARRAY_LEN(tools); i++)
            if (tools[i].read == (read != 0) && machine_exists(look->machine->root, tools[i].path))
                json_write_text(&look->value, tools[i].name);
        if (rpm != LOOK_RPM_NONE && (rpm == LOOK_RPM_READ) == (read != 0))
            json_write_text(&look->value, "rpm");
        json_write_array_end(&look->value);
    }
    return look_end(look);
}

#define DMI "sys/class/dmi/id/"

static bool files_put(struct look *look, const char *key, const char *const (*rows)[2])
{
    look_begin(look, str_of(key));
    for (; (*rows)[0]; rows++)
        look_put_file(look, (*rows)[0], (*rows)[1]);
    return look->value.n <= 1 || look_end(look); /* one that says nothing is none */
}

bool look_system(struct look *look)
{
    static const char *const host[][2] = {{"name", "proc/sys/kernel/hostname"},
                                          {"domain", "proc/sys/kernel/domainname"},
                                          {"machine_id", "etc/machine-id"},
                                          {NULL, NULL}};
    static const char *const kernel[][2] = {{"name", "proc/sys/kernel/ostype"},
                                            {"release", "proc/sys/kernel/osrelease"},
                                            {"version", "proc/sys/kernel/version"},
                                            {NULL, NULL}};
    static const char *const hardware[][2] = {{"vendor", DMI "sys_vendor"},
                                              {"model", DMI "product_name"},
                                              {"version", DMI "product_version"},
                                              {"serial", DMI "product_serial"},
                                              {"uuid", DMI "product_uuid"},
                                              {"chassis", DMI "chassis_serial"},
                                              {NULL, NULL}};
    static const char *const board[][2] = {
        {"vendor", DMI "board_vendor"}, {"model", DMI "board_name"}, {"serial", DMI "board_serial"}, {NULL, NULL}};
    static const char *const firmware[][2] = {
        {"vendor", DMI "bios_vendor"}, {"version", DMI "bios_version"}, {"date", DMI "bios_date"}, {NULL, NULL}};
    return files_put(look, "host", host) && os_put(look) && files_put(look, "kernel", kernel) &&
           files_put(look, "hardware", hardware) && files_put(look, "board", board) &&
           files_put(look, "firmware", firmware) && processor_put(look) && boot_put(look) && tools_put(look);
}

/* ---- time ---- */

struct servers {
    enum inventory_time format;
    struct buf list; /* a blank between them */
    char bytes[1024];
};

static bool server_line(void *context, struct str line)
{
    struct look *look = context;
    struct servers *servers = look->part;
    struct str names;
    if (!inventory_time_servers(line, servers->format, &names))
        return true;
    struct str rest = names;
    while (rest.n) {
        struct str name = str_trim(str_cut(&rest, ' '));
        if (name.n == 0 || servers->list.n + name.n + 1 > sizeof servers->bytes)
            continue;
        if (servers->list.n)
            buf_char(&servers->list, ' ');
        buf_str(&servers->list, name);
    }
    return true;
}

/* Names of files in a folder, in their order: a list that changed its order would be a change. */
struct names {
    size_t count;
    char name[SETTINGS_MAX][64];
};

static bool settings_name(void *context, const char *name)
{
    struct names *names = context;
    struct str text = str_of(name);
    size_t at = 0;
    if (!str_ends(text, STR(".conf")) && !str_ends(text, STR(".sources")))
        return true;
    if (names->count == SETTINGS_MAX || text.n >= sizeof names->name[0])
        return true;
    while (at < names->count && strcmp(names->name[at], name) < 0)
        at++;
    for (size_t i = names->count; i > at; i--)
        memcpy(names->name[i], names->name[i - 1], sizeof names->name[i]);
    IGNORE(!str_copy_z(text, names->name[at], sizeof names->name[at])); /* it fits: above */
    names->count++;
    return true;
}

struct time_service {
    const char *name;
    enum inventory_time format;
    const char *settings[2]; /* the first that is there counts */
    const char *folders[2];  /* files in them as well */
    const char *runs;        /* there while it runs */
};

static void servers_read(struct look *look, const struct time_service *service)
{
    struct servers *servers = look->part;
    servers->format = service->format;
    for (size_t i = 0; i < ARRAY_LEN(service->settings) && service->settings[i]; i++)
        if (look_lines(look, service->settings[i], server_line))
            break;
    for (size_t i = 0; i < ARRAY_LEN(service->folders) && service->folders[i]; i++) {
        struct names names = {0};
        IGNORE(machine_list(look->machine->root, service->folders[i], settings_name, &names)); /* there need be none */
        for (size_t at = 0; at < names.count; at++)
            IGNORE(look_lines(look, look_path(look, "%s/%s", service->folders[i], names.name[at]), server_line));
    }
}

/* What was said of one that is not the real machine, too. */
static bool is_synchronised(const struct look *look)
{
    return look->machine->real ? machine_clock_synchronised()
                               : machine_exists(look->machine->root, "run/systemd/timesync/synchronized");
}

static void word_add(struct buf *words, const char *word)
{
    if (words->n)
        buf_char(words, ' ');
    buf_text(words, word);
}

bool look_time(struct look *look)
{
    static const struct time_service services[] = {
        {"chrony",
         INVENTORY_TIME_CHRONY,
         {"etc/chrony/chrony.conf", "etc/chrony.conf"},
         {"etc/chrony/conf.d", "etc/chrony/sources.d"},
         "run/chrony/chronyd.pid"},
        {"ntp", INVENTORY_TIME_NTP, {"etc/ntpsec/ntp.conf", "etc/ntp.conf"}, {"etc/ntpsec/ntp.d"}, "run/ntpd.pid"},
        {"systemd-timesyncd",
         INVENTORY_TIME_TIMESYNCD,
         {"etc/systemd/timesyncd.conf", "usr/lib/systemd/timesyncd.conf"},
         {"etc/systemd/timesyncd.conf.d", "usr/lib/systemd/timesyncd.conf.d"},
         "run/systemd/timesync"},
    };
    char installed_bytes[128], running_bytes[128];
    struct buf installed, running;
    struct servers servers;
    buf_init_fixed(&installed, installed_bytes, sizeof installed_bytes);
    buf_init_fixed(&running, running_bytes, sizeof running_bytes);
    buf_init_fixed(&servers.list, servers.bytes, sizeof servers.bytes);
    look->part = &servers;
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        const int root = look->machine->root;
        if (!machine_exists(root, services[i].settings[0]) && !machine_exists(root, services[i].settings[1]))
            continue;
        word_add(&installed, services[i].name);
        if (machine_exists(root, services[i].runs))
            word_add(&running, services[i].name);
        servers_read(look, &services[i]);
    }
    look_begin(look, STR("source"));
    json_put_bool(&look->value, "synchronised", is_synchronised(look));
    json_put_str(&look->value, "running", buf_view(&running));
    json_put_str(&look->value, "installed", buf_view(&installed));
    json_put_str(&look->value, "servers", buf_view(&servers.list));
    return look_end(look);
}

/* ---- packages ---- */

static bool package_put(struct look *look, struct inventory_package *package)
{
    look_begin(look, str_of(package->name));
    if (package->architecture[0])
        buf_format(&look->key, ":%s", package->architecture);
    look_put(look, "name", str_of(package->name));
    look_put(look, "version", str_of(package->version));
    look_put(look, "source", str_of(package->source));
    return look_end(look);
}

static bool package_line(void *context, struct str line)
{
    struct look *look = context;
    struct inventory_package *package = look->part;
    bool more = true;
    if (inventory_package_line(package, line))
        more = package_put(look, package);
    if (line.n == 0)
        *package = (struct inventory_package){0};
    return more;
}

bool look_packages(struct look *look)
{
    struct inventory_package package = {0};
    const enum look_rpm there = look_rpm_there(look->machine);
    const bool rpm = there == LOOK_RPM_READ;
    if (there == LOOK_RPM_CLOSED) /* dpkg's alone would say that what rpm installed is gone */
        return false;
    look->part = &package;
    if (!rpm || machine_exists(look->machine->root, LOOK_DPKG))
        if (!look_lines(look, LOOK_DPKG, package_line) || !package_line(look, STR("")))
            return false;
    return !rpm || look_rpm(look);
}
