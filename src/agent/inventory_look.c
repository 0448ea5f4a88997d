#include "agent/inventory_look.h"

#include "agent/inventory_parts.h"
#include "base/assert.h"
#include "codec/utf8.h"
#include "os/machine.h"

#include <string.h>

struct kind_row {
    const char *name;
    uint32_t most;
    uint32_t seconds;
};

static const struct kind_row rows[] = {
#define X(kind, name, most, seconds) [kind] = {name, most, seconds},
    INVENTORY_KINDS(X)
#undef X
};

const char *inventory_kind_name(enum inventory_kind kind)
{
    ASSERT(kind < INVENTORY_KIND_COUNT);
    return rows[kind].name;
}

uint32_t inventory_kind_most(enum inventory_kind kind)
{
    ASSERT(kind < INVENTORY_KIND_COUNT);
    return rows[kind].most;
}

uint32_t inventory_kind_seconds(enum inventory_kind kind)
{
    ASSERT(kind < INVENTORY_KIND_COUNT);
    return rows[kind].seconds;
}

/* ---- items ---- */

void look_begin(struct look *look, struct str key)
{
    buf_clear(&look->key);
    buf_clear(&look->value);
    buf_clear(&look->now);
    look->key.overflow = look->value.overflow = look->now.overflow = false;
    buf_str(&look->key, str_slice(key, 0, INVENTORY_KEY_MAX));
    json_write_object(&look->value);
}

void look_put(struct look *look, const char *name, struct str value)
{
    value = str_slice(str_trim(value), 0, LOOK_TEXT_MAX);
    if (value.n)
        json_put_str(&look->value, name, value);
}

bool look_end(struct look *look)
{
    json_write_object_end(&look->value);
    if (look->now.n)
        json_write_object_end(&look->now);
    if (look->key.n == 0 || look->key.overflow || look->value.overflow || look->now.overflow)
        return true; /* larger than items may be: none of ours is, unless somebody aims at it */
    struct arena_mark mark = arena_mark(look->arena);
    /* It is kept and told as JSON: one that is no text would come back from there as another key. */
    struct str key = utf8_make_valid(look->arena, buf_view(&look->key));
    const struct inventory_item item = {key, buf_view(&look->value), buf_view(&look->now)};
    if (key.n > 0 && key.n <= INVENTORY_KEY_MAX)
        look->more = look->each(look->context, &item);
    arena_rewind(look->arena, mark);
    return look->more;
}

struct buf *look_now(struct look *look)
{
    if (look->now.n == 0)
        json_write_object(&look->now);
    return &look->now;
}

struct str look_file(struct look *look, const char *path)
{
    buf_clear(&look->text);
    look->text.overflow = false;
    if (!machine_read(look->machine->root, path, LOOK_TEXT_MAX, &look->text, NULL))
        return STR_NONE;
    return str_trim(str_trim_end(buf_view(&look->text), '\0'));
}

void look_put_file(struct look *look, const char *name, const char *path)
{
    look_put(look, name, look_file(look, path));
}

const char *look_path(struct look *look, const char *format, ...)
{
    struct buf path;
    va_list args;
    buf_init_fixed(&path, look->path, sizeof look->path);
    va_start(args, format);
    buf_vformat(&path, format, args);
    va_end(args);
    return buf_z(&path);
}

struct str look_last_part(struct look *look, const char *path)
{
    if (!machine_link(look->machine->root, path, look->target))
        return STR_NONE;
    struct str rest = str_of(look->target);
    struct str part = rest;
    while (rest.p)
        part = str_cut(&rest, '/');
    return part;
}

/* ---- lines of a file ---- */

static bool on_piece(void *context, struct str piece)
{
    struct look_lines *lines = context;
    return inventory_lines_take(&lines->lines, piece, lines->each, lines->look);
}

bool look_lines(struct look *look, const char *path, inventory_line each)
{
    struct look_lines *lines = &look->lines;
    lines->lines.n = 0;
    lines->look = look;
    lines->each = each;
    return machine_stream(look->machine->root, path, on_piece, lines) && inventory_lines_end(&lines->lines, each, look);
}

/* ---- the whole ---- */

bool inventory_look(const struct inventory_machine *machine, enum inventory_kind kind, inventory_each each,
                    void *context)
{
    static bool (*const looks[])(struct look * look) = {
        [INVENTORY_SYSTEM] = look_system,        [INVENTORY_TIME] = look_time,
        [INVENTORY_PACKAGE] = look_packages,     [INVENTORY_USER] = look_users,
        [INVENTORY_GROUP] = look_groups,         [INVENTORY_MEMBER] = look_members,
        [INVENTORY_PORT] = look_ports,           [INVENTORY_SERVICE] = look_services,
        [INVENTORY_DISK] = look_disks,           [INVENTORY_MOUNT] = look_mounts,
        [INVENTORY_INTERFACE] = look_interfaces, [INVENTORY_USB] = look_usb,
        [INVENTORY_MODEM] = look_modems,
    };
    _Static_assert(ARRAY_LEN(looks) == INVENTORY_KIND_COUNT, "a look of each kind");
    struct look *look = memory_new(sizeof *look);
    if (!look)
        return false;
    look->machine = machine;
    look->each = each;
    look->context = context;
    look->more = true;
    look->arena = arena_new(LOOK_ARENA);
    buf_init_fixed(&look->key, look->key_bytes, sizeof look->key_bytes);
    buf_init_fixed(&look->value, look->value_bytes, sizeof look->value_bytes);
    buf_init_fixed(&look->now, look->now_bytes, sizeof look->now_bytes);
    buf_init_fixed(&look->text, look->text_bytes, sizeof look->text_bytes);
    bool whole = look->arena && looks[kind](look) && look->more && !arena_spent(look->arena);
    arena_free(look->arena);
    memory_free(look);
    return whole;
}

/* A file that is not there, or is empty, adds nothing. */
uint64_t look_stamp_mix(uint64_t mixed, const struct inventory_machine *machine, const char *path)
{
    const struct machine_stamp now = machine_stamp(machine->root, path);
    if (now.size == 0)
        return mixed;
    return mixed * 31 +
           (now.number * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)now.size << 32 ^ (uint64_t)now.changed_ns);
}

bool inventory_look_unchanged(const struct inventory_machine *machine, enum inventory_kind kind, uint64_t *stamp)
{
    if (kind != INVENTORY_PACKAGE)
        return false;
    bool settled = true;
    uint64_t mixed = look_stamp_mix(look_rpm_stamp(machine, &settled), machine, LOOK_DPKG);
    bool same = mixed == *stamp && mixed != 0;
    *stamp = settled ? mixed : 0;
    return same;
}
