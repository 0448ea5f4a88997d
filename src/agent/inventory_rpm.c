/* inventory_rpm.c - the packages of rpm. Its database is read from the file (rpm_database.h): asking the rpm program
 * would mean that the process which reads every log may start one, or has another do it all the time. */
#include "agent/inventory_parts.h"
#include "agent/rpm_database.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLED_NS INT64_C(2000000000)

/* The first that is there counts: rpm leaves an older form behind until somebody removes it. */
static const struct {
    const char *path;
    const char *log;
} places[] = {
    {"var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite-wal"},
    {"usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite-wal"},
    {"var/lib/rpm/Packages.db", NULL},
    {"usr/lib/sysimage/rpm/Packages.db", NULL},
    {"var/lib/rpm/Packages", NULL},
    {"usr/lib/sysimage/rpm/Packages", NULL},
};

static size_t place_find(const struct inventory_machine *machine)
{
    size_t at = 0;
    while (at < ARRAY_LEN(places) && !machine_exists(machine->root, places[at].path))
        at++;
    return at;
}

/* ---- the file ---- */

static bool file_read(void *context, uint64_t offset, void *bytes, size_t n)
{
    const int *fd = context;
    return machine_read_at(*fd, offset, bytes, n);
}

struct files {
    int fd, log;
    struct rpm_database database;
};

static struct rpm_file file_open(const struct inventory_machine *machine, const char *path, int *ret_fd)
{
    *ret_fd = path ? machine_open(machine->root, path) : -1;
    int64_t size = *ret_fd >= 0 ? machine_stamp(machine->root, path).size : 0;
    return (struct rpm_file){.read = file_read, .context = ret_fd, .size = size > 0 ? (uint64_t)size : 0};
}

static void files_open(const struct inventory_machine *machine, size_t place, struct files *ret_files)
{
    ret_files->database = (struct rpm_database){.file = file_open(machine, places[place].path, &ret_files->fd)};
    ret_files->database.log = file_open(machine, places[place].log, &ret_files->log);
}

static void files_close(const struct files *files)
{
    if (files->fd >= 0)
        close(files->fd);
    if (files->log >= 0)
        close(files->log);
}

enum look_rpm look_rpm_there(const struct inventory_machine *machine)
{
    struct files files;
    size_t place = place_find(machine);
    if (place == ARRAY_LEN(places))
        return LOOK_RPM_NONE;
    files_open(machine, place, &files);
    char first;
    const struct rpm_file *file = &files.database.file;
    bool opens = files.fd >= 0 && (file->size == 0 || machine_read_at(files.fd, 0, &first, 1));
    enum rpm_form form = opens ? rpm_database_form(file) : RPM_UNKNOWN;
    files_close(&files);
    if (!opens)
        return LOOK_RPM_CLOSED;
    return form == RPM_UNKNOWN ? LOOK_RPM_OTHER : LOOK_RPM_READ;
}

/* Files say their time by the kernel's tick: of what was written just now nobody knows whether it was all. */
uint64_t look_rpm_stamp(const struct inventory_machine *machine, bool *ret_settled)
{
    uint64_t mixed = 0;
    size_t place = place_find(machine);
    *ret_settled = true;
    if (place == ARRAY_LEN(places))
        return 0;
    const char *const paths[] = {places[place].path, places[place].log};
    for (size_t i = 0; i < ARRAY_LEN(paths) && paths[i]; i++) {
        mixed = look_stamp_mix(mixed, machine, paths[i]);
        *ret_settled =
            *ret_settled && clock_real_ns() - machine_stamp(machine->root, paths[i]).changed_ns >= SETTLED_NS;
    }
    return mixed;
}

/* ---- what is installed several times ---- */

struct reading {
    struct look *look;
    uint64_t *names; /* digests of names with architectures, in order */
    size_t count, most;
};

static uint64_t name_digest(const struct rpm_package *package)
{
    static const uint64_t key[2] = {0, 0};
    char text[sizeof package->name + sizeof package->architecture];
    struct buf name;
    buf_init_fixed(&name, text, sizeof text);
    buf_format(&name, "%s:%s", package->name, package->architecture);
    return siphash(key, name.p, name.n);
}

static bool name_note(void *context, const struct rpm_package *package)
{
    struct reading *reading = context;
    if (reading->count < reading->most && package->name[0])
        reading->names[reading->count++] = name_digest(package);
    return true;
}

static int digest_order(const void *a, const void *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left < right ? -1 : left > right;
}

/* `names` keeps those that came more than once. */
static void repeated_keep(struct reading *reading)
{
    size_t kept = 0;
    if (reading->count)
        qsort(reading->names, reading->count, sizeof *reading->names, digest_order);
    for (size_t i = 1; i < reading->count; i++)
        if (reading->names[i] == reading->names[i - 1] && (kept == 0 || reading->names[kept - 1] != reading->names[i]))
            reading->names[kept++] = reading->names[i];
    reading->count = kept;
}

static bool is_repeated(const struct reading *reading, const struct rpm_package *package)
{
    uint64_t digest = name_digest(package);
    return reading->count && bsearch(&digest, reading->names, reading->count, sizeof digest, digest_order) != NULL;
}

/* ---- packages ---- */

/* "openssl-3.0.7-24.el9.src.rpm": as dpkg says it, "openssl (3.0.7-24.el9)", and less where it is the package's own. */
static void source_put(struct look *look, const struct rpm_package *package)
{
    char bytes[sizeof package->source + 4];
    struct buf out;
    struct str name = str_of(package->source);
    size_t dashes = 0;
    if (!str_ends(name, STR(".rpm")))
        return;
    name = str_slice(name, 0, name.n - 4);
    name = str_slice(name, 0, name.n - (str_ends(name, STR(".src")) ? 4 : str_ends(name, STR(".nosrc")) ? 6 : 0));
    size_t at = name.n;
    while (at > 0 && dashes < 2)
        dashes += name.p[--at] == '-';
    struct str version = str_skip(name, at + 1);
    name = str_slice(name, 0, at);
    char own[sizeof package->version + sizeof package->release];
    buf_init_fixed(&out, own, sizeof own);
    buf_format(&out, "%s-%s", package->version, package->release);
    bool same_version = str_eq(version, buf_view(&out));
    if (dashes < 2 || name.n == 0 || (same_version && str_is(name, package->name)))
        return;
    buf_init_fixed(&out, bytes, sizeof bytes);
    buf_str(&out, name);
    if (!same_version)
        buf_format(&out, " (%.*s)", STR_ARG(version));
    look_put(look, "source", buf_view(&out));
}

static bool package_put(void *context, const struct rpm_package *package)
{
    struct reading *reading = context;
    struct look *look = reading->look;
    char bytes[sizeof package->version + sizeof package->release + 16];
    struct buf version;
    if (!package->name[0] || !package->version[0] || !package->release[0])
        return true;
    buf_init_fixed(&version, bytes, sizeof bytes);
    if (package->epoch)
        buf_format(&version, "%" PRIu32 ":", package->epoch);
    buf_format(&version, "%s-%s", package->version, package->release);
    look_begin(look, str_of(package->name));
    if (package->architecture[0])
        buf_format(&look->key, ":%s", package->architecture);
    if (is_repeated(reading, package))
        buf_format(&look->key, " %.*s", STR_ARG(buf_view(&version)));
    look_put(look, "name", str_of(package->name));
    look_put(look, "version", buf_view(&version));
    source_put(look, package);
    look_put(look, "vendor", str_of(package->vendor));
    if (package->installed_s)
        json_put_u64(&look->value, "installed_s", package->installed_s);
    look_put(look, "tool", STR("rpm"));
    return look_end(look);
}

/* Twice through the file, the first time briefly: a key that has the version in it would make of each upgrade a package
 * that went and another that came. */
bool look_rpm(struct look *look)
{
    struct files files;
    bool settled;
    struct reading reading = {.look = look, .most = inventory_kind_most(INVENTORY_PACKAGE)};
    reading.names = arena_alloc_array(look->arena, reading.most, sizeof *reading.names);
    size_t place = place_find(look->machine);
    uint64_t stamp = look_rpm_stamp(look->machine, &settled);
    if (!reading.names || place == ARRAY_LEN(places))
        return false;
    files_open(look->machine, place, &files);
    files.database.brief = true;
    bool whole = rpm_database_read(&files.database, name_note, &reading);
    repeated_keep(&reading);
    files.database.brief = false;
    whole = whole && rpm_database_read(&files.database, package_put, &reading);
    files_close(&files);
    return whole && look_rpm_stamp(look->machine, &settled) == stamp;
}
