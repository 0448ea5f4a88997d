/* inventory_services.c - units of systemd, as their files and links say: services, sockets and timers. Whether a
 * service runs is said of enabled ones only: others come and go by themselves. */
#include "agent/inventory_parts.h"
#include "os/machine.h"

#include <string.h>

#define UNITS_MAX 4000u
#define UNIT_NAME 96u
#define WANTS_MAX 256u

struct unit {
    char name[UNIT_NAME];
    bool enabled;
    bool masked;
};

struct unit_looking {
    struct unit *units;
    size_t count;
    const char *folder;
    bool wants; /* links of a folder TARGET.wants are at work: they enable */
    size_t folders;
    char wanted[WANTS_MAX][UNIT_NAME];
};

static bool is_unit(struct str name)
{
    return str_ends(name, STR(".service")) || str_ends(name, STR(".socket")) || str_ends(name, STR(".timer"));
}

/* "getty@.service" is no unit but the form of some. */
static bool is_template(struct str name)
{
    return str_search(name, STR("@.")) < name.n;
}

static struct unit *unit_of(struct unit_looking *part, const char *name)
{
    for (size_t i = 0; i < part->count; i++)
        if (strcmp(part->units[i].name, name) == 0)
            return &part->units[i];
    if (part->count == UNITS_MAX || !str_copy_z(str_of(name), part->units[part->count].name, UNIT_NAME))
        return NULL;
    return &part->units[part->count++];
}

static bool unit_name(void *context, const char *name)
{
    struct look *look = context;
    struct unit_looking *part = look->part;
    struct str text = str_of(name);
    bool folder = str_ends(text, STR(".wants")) || str_ends(text, STR(".requires"));
    if (!part->wants && folder && part->folders < WANTS_MAX && str_copy_z(text, part->wanted[part->folders], UNIT_NAME))
        part->folders++;
    if (!is_unit(text) || is_template(text))
        return true;
    struct unit *unit = unit_of(part, name);
    if (unit && part->wants)
        unit->enabled = true;
    else if (unit && machine_link(look->machine->root, look_path(look, "%s/%s", part->folder, name), look->target))
        unit->masked = unit->masked || str_is(str_of(look->target), "/dev/null");
    return true;
}

/* In etc: what a person, or the package's installation, enabled and masked. */
static void folder_read(struct look *look, const char *folder)
{
    struct unit_looking *part = look->part;
    char path[2 * UNIT_NAME];
    part->folder = folder;
    part->folders = 0;
    part->wants = false;
    IGNORE(machine_list(look->machine->root, folder, unit_name, look)); /* one that is not there has none */
    part->wants = true;
    for (size_t i = 0; i < part->folders; i++) {
        struct buf name;
        buf_init_fixed(&name, path, sizeof path);
        buf_format(&name, "%s/%s", folder, part->wanted[i]);
        IGNORE(machine_list(look->machine->root, buf_z(&name), unit_name, look)); /* as above */
    }
}

static bool runs(struct look *look, const char *name)
{
    static const char *const places[] = {"sys/fs/cgroup/system.slice", "sys/fs/cgroup/systemd/system.slice"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (machine_exists(look->machine->root, look_path(look, "%s/%s", places[i], name)))
            return true;
    return false;
}

static bool unit_put(struct look *look, const struct unit *unit)
{
    look_begin(look, str_of(unit->name));
    json_put_bool(&look->value, "enabled", unit->enabled);
    json_put_bool(&look->value, "masked", unit->masked);
    if (unit->enabled && str_ends(str_of(unit->name), STR(".service")))
        json_put_bool(&look->value, "running", runs(look, unit->name));
    return look_end(look);
}

bool look_services(struct look *look)
{
    static const char *const folders[] = {"etc/systemd/system", "usr/lib/systemd/system"};
    struct unit_looking *part = arena_alloc(look->arena, sizeof *part);
    if (part)
        part->units = arena_alloc_array(look->arena, UNITS_MAX, sizeof *part->units);
    if (!part || !part->units)
        return false;
    look->part = part;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        folder_read(look, folders[i]);
    for (size_t i = 0; i < part->count; i++)
        if (!unit_put(look, &part->units[i]))
            return false;
    return true;
}
