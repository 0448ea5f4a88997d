#include "codec/acct.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"

#include <string.h>

#define VERSION    3u
#define BIG_ENDIAN 0x80u
#define TICKS      100.0 /* AHZ: a second of the times, whatever the kernel counts in */

struct place {
    const unsigned char *bytes;
    bool big;
};

static uint64_t number(const struct place *place, size_t at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | place->bytes[at + (place->big ? i : size - 1 - i)];
    return value;
}

/* comp_t: three bits of an exponent of 8 above thirteen bits (acct(5)). */
static uint64_t packed(const struct place *place, size_t at)
{
    uint64_t value = number(place, at, 2);
    return (value & 0x1fff) << 3 * (value >> 13);
}

static double seconds(const struct place *place, size_t at)
{
    uint32_t bits = (uint32_t)number(place, at, 4);
    float ticks;
    memcpy(&ticks, &bits, sizeof ticks);
    bool sane = ticks >= 0 && ticks < 1e15F; /* false for what is no number */
    return sane ? (double)ticks / TICKS : 0;
}

bool acct_parse(struct str bytes, struct acct_record *ret_record)
{
    if (bytes.n != ACCT_SIZE || ((unsigned char)bytes.p[1] & ~BIG_ENDIAN) != VERSION)
        return false;
    const struct place place = {(const unsigned char *)bytes.p, (unsigned char)bytes.p[1] & BIG_ENDIAN};
    struct str command = str_skip(bytes, 48);
    *ret_record = (struct acct_record){
        .flags = place.bytes[0],
        .tty = (uint16_t)number(&place, 2, 2),
        .exit = (uint32_t)number(&place, 4, 4),
        .uid = (uint32_t)number(&place, 8, 4),
        .gid = (uint32_t)number(&place, 12, 4),
        .pid = (uint32_t)number(&place, 16, 4),
        .parent = (uint32_t)number(&place, 20, 4),
        .start_s = (uint32_t)number(&place, 24, 4),
        .elapsed_s = seconds(&place, 28),
        .user_s = (double)packed(&place, 32) / TICKS,
        .system_s = (double)packed(&place, 34) / TICKS,
        .memory_kib = packed(&place, 36),
        .minor_faults = packed(&place, 42),
        .major_faults = packed(&place, 44),
        .command = str_slice(command, 0, str_find(command, '\0')),
    };
    return true;
}

static void put_seconds(struct buf *out, const char *key, double value)
{
    json_write_key(out, key);
    json_write_double(out, value);
}

static void put_flags(struct buf *out, uint8_t flags)
{
    static const struct {
        uint8_t flag;
        const char *word;
    } words[] = {{ACCT_FORK, "fork"}, {ACCT_SU, "su"}, {ACCT_CORE, "core"}, {ACCT_SIGNAL, "signal"}};
    json_write_key(out, "flags");
    json_write_array(out);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (flags & words[i].flag)
            json_write_text(out, words[i].word);
    json_write_array_end(out);
}

void acct_write(struct buf *out, const struct acct_record *record)
{
    char time[CIVIL_TEXT_MAX];
    ASSERT(record->command.n <= 16);
    json_write_object(out);
    json_put_text(out, "event", "process.end");
    json_put_str(out, "command", record->command);
    json_put_u64(out, "uid", record->uid);
    json_put_u64(out, "gid", record->gid);
    json_put_u64(out, "pid", record->pid);
    json_put_u64(out, "ppid", record->parent);
    if (record->tty)
        json_put_u64(out, "tty", record->tty);
    json_put_str(out, "start", str_at(time, civil_format((int64_t)record->start_s * SECOND_NS, 0, 0, time)));
    put_seconds(out, "elapsed_s", record->elapsed_s);
    put_seconds(out, "user_s", record->user_s);
    put_seconds(out, "system_s", record->system_s);
    json_put_u64(out, "memory_kib", record->memory_kib);
    json_put_u64(out, "minor_faults", record->minor_faults);
    json_put_u64(out, "major_faults", record->major_faults);
    json_put_u64(out, "exit", record->exit >> 8 & 0xff);
    if (record->exit & 0x7f)
        json_put_u64(out, "signal", record->exit & 0x7f);
    put_flags(out, record->flags);
    json_write_object_end(out);
}
