#include "event/transform.h"

#include "base/civil.h"
#include "codec/timestamp.h"

#include <string.h>

/* `head` instead of the first `cut` bytes. */
static struct str replace_head(struct arena *arena, struct str value, size_t cut, struct str head)
{
    size_t n = head.n + value.n - cut;
    char *p = arena_alloc_raw(arena, n + 1);
    if (!p)
        return STR_NONE;
    memcpy(p, head.p, head.n);
    memcpy(p + head.n, value.p + cut, value.n - cut);
    return str_at(p, n);
}

static struct str to_decimal(struct arena *arena, struct str value)
{
    uint64_t number = 0;
    if (!str_starts_nocase(value, STR("0x")) || !str_hex_to_u64(value, &number))
        return value;
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return arena_str(arena, str_at(digits + at, sizeof digits - at));
}

static struct str from_device(struct arena *arena, struct str value)
{
    struct str head = STR("\\device\\harddiskvolume");
    size_t at = head.n;
    if (!str_starts_nocase(value, head))
        return value;
    while (at < value.n && char_is_digit(value.p[at]))
        at++;
    return replace_head(arena, value, at, STR("C:"));
}

static struct str from_registry(struct arena *arena, struct str value)
{
    if (str_starts_nocase(value, STR("\\REGISTRY\\MACHINE")))
        return replace_head(arena, value, sizeof "\\REGISTRY\\MACHINE" - 1, STR("HKLM"));
    if (str_starts_nocase(value, STR("\\REGISTRY\\USER")))
        return replace_head(arena, value, sizeof "\\REGISTRY\\USER" - 1, STR("HKU"));
    return value;
}

static struct str from_map(struct str map, struct str value)
{
    while (map.p) {
        struct str to = str_cut(&map, ',');
        struct str from = str_cut(&to, ':');
        if (str_eq_nocase(from, value))
            return to;
    }
    return value;
}

static struct str to_time(struct arena *arena, struct str value, int64_t received_ns, int32_t offset_s)
{
    char text[CIVIL_TEXT_MAX];
    int64_t time_ns = 0;
    if (!timestamp_any(value, received_ns, offset_s, &time_ns))
        return STR_NONE;
    size_t n = civil_format(time_ns, 0, time_ns % SECOND_NS ? 3 : 0, text);
    return arena_str(arena, str_at(text, n));
}

static struct str to_lower(struct arena *arena, struct str value)
{
    struct str copy = arena_str(arena, value);
    char *p = copy.n ? (char *)(uintptr_t)copy.p : NULL;
    for (size_t i = 0; i < copy.n; i++)
        p[i] = char_lower(p[i]);
    return copy;
}

struct str transform_value(struct arena *arena, const struct set *set, struct str value, int64_t received_ns,
                           int32_t offset_s)
{
    switch (set->transform) {
    case TRANSFORM_DECIMAL:
        return to_decimal(arena, value);
    case TRANSFORM_DEVICE:
        return from_device(arena, value);
    case TRANSFORM_REGISTRY:
        return from_registry(arena, value);
    case TRANSFORM_MAP:
        return from_map(set->argument, value);
    case TRANSFORM_TIME:
        return to_time(arena, value, received_ns, offset_s);
    case TRANSFORM_LOWER:
        return to_lower(arena, value);
    case TRANSFORM_NONE:
    case TRANSFORM_JOIN:
        break;
    }
    return value;
}

struct str transform_join(struct arena *arena, const struct str *parts, uint32_t count, struct str between)
{
    size_t n = 0;
    if (!count || !parts[count - 1].n || str_is(parts[count - 1], "-"))
        return STR_NONE;
    for (uint32_t i = 0; i < count; i++)
        n += parts[i].n + between.n;
    char *p = arena_alloc_raw(arena, n + 1);
    if (!p)
        return STR_NONE;
    n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!parts[i].n || str_is(parts[i], "-"))
            continue;
        if (n) {
            memcpy(p + n, between.p, between.n);
            n += between.n;
        }
        memcpy(p + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return str_at(p, n);
}
