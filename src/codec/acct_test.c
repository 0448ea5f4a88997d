#include "codec/acct.h"

#include "base/test.h"
#include "codec/json.h"

#include <string.h>

/* acct(5): flag, version, tty, exit code, uid, gid, pid, ppid, start, elapsed (float), user, system, memory, io, rw,
 * minor and major faults, swaps, command. 34816 is 0x8800; 250 ticks as a float are 0x437a0000. */
static const unsigned char sample[ACCT_SIZE] = {
    0x12, 0x03, 0x00, 0x88, 0x09, 0x00, 0x00, 0x00, 0xe8, 0x03, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00,
    0x4d, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0xe6, 0x28, 0x69, 0x00, 0x00, 0x7a, 0x43,
    0x05, 0x00, 0x01, 0x20, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x04, 0x40, 0x00, 0x00,
    's',  'l',  'e',  'e',  'p',  0,    'x',  0,    0,    0,    0,    0,    0,    0,    0,    0,
};

static void a_record_reads(void)
{
    struct acct_record record;
    char storage[ACCT_JSON_MAX];
    struct buf json;
    CHECK(acct_parse(str_at(sample, sizeof sample), &record));
    buf_init_fixed(&json, storage, sizeof storage);
    acct_write(&json, &record);
    CHECK_TEXT(buf_view(&json),
               "{\"event\":\"process.end\",\"command\":\"sleep\",\"uid\":1000,\"gid\":100,\"pid\":77,\"ppid\":1,"
               "\"tty\":34816,\"start\":\"2025-11-28T00:00:00Z\",\"elapsed_s\":2.5,\"user_s\":0.05,"
               "\"system_s\":0.08,\"memory_kib\":10,\"minor_faults\":3,\"major_faults\":256,\"exit\":0,\"signal\":9,"
               "\"flags\":[\"su\",\"signal\"]}");
}

static void a_whole_name_and_an_exit_status(void)
{
    unsigned char bytes[ACCT_SIZE];
    struct acct_record record;
    memcpy(bytes, sample, sizeof bytes);
    memset(bytes + 48, 'n', 16);
    bytes[0] = 0;
    bytes[4] = 0;
    bytes[5] = 3;
    CHECK(acct_parse(str_at(bytes, sizeof bytes), &record));
    CHECK_INT(record.command.n, 16);
    CHECK_INT(record.exit >> 8, 3);
    CHECK_INT(record.flags, 0);
}

static void the_other_byte_order(void)
{
    static const struct {
        size_t at;
        size_t size;
    } numbers[] = {{2, 2},  {4, 4},  {8, 4},  {12, 4}, {16, 4}, {20, 4}, {24, 4}, {28, 4},
                   {32, 2}, {34, 2}, {36, 2}, {38, 2}, {40, 2}, {42, 2}, {44, 2}, {46, 2}};
    unsigned char bytes[ACCT_SIZE];
    struct acct_record little, big;
    memcpy(bytes, sample, sizeof bytes);
    bytes[1] = 0x83;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        for (size_t k = 0; k < numbers[i].size; k++)
            bytes[numbers[i].at + k] = sample[numbers[i].at + numbers[i].size - 1 - k];
    CHECK(acct_parse(str_at(sample, sizeof sample), &little));
    CHECK(acct_parse(str_at(bytes, sizeof bytes), &big));
    CHECK(big.pid == little.pid && big.uid == little.uid && big.start_s == little.start_s && big.tty == little.tty);
    CHECK(big.system_s >= little.system_s && big.system_s <= little.system_s && big.elapsed_s >= 2.5 &&
          big.major_faults == little.major_faults);
}

static void what_is_no_record_is_refused(void)
{
    unsigned char bytes[ACCT_SIZE + 1] = {0};
    struct acct_record record;
    memcpy(bytes, sample, sizeof sample);
    for (size_t n = 0; n < ACCT_SIZE; n++)
        CHECK(!acct_parse(str_at(bytes, n), &record));
    CHECK(!acct_parse(str_at(bytes, sizeof bytes), &record));
    for (unsigned version = 0; version < 256; version++) {
        bytes[1] = (unsigned char)version;
        CHECK_INT(acct_parse(str_at(bytes, ACCT_SIZE), &record), version == 3 || version == 0x83);
    }
}

/* Times that are no numbers, or none that can be, are none. */
static void odd_times(void)
{
    static const unsigned char odd[][4] = {
        {0, 0, 0xc0, 0x7f}, {0, 0, 0x80, 0x7f}, {0, 0, 0x80, 0xff}, {0, 0, 0x80, 0xbf}, {0xff, 0xff, 0x7f, 0x7f}};
    unsigned char bytes[ACCT_SIZE];
    struct acct_record record;
    memcpy(bytes, sample, sizeof bytes);
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        memcpy(bytes + 28, odd[i], 4);
        CHECK(acct_parse(str_at(bytes, sizeof bytes), &record));
        CHECK(record.elapsed_s >= 0 && record.elapsed_s <= 0);
    }
    memset(bytes + 32, 0xff, 4); /* the largest that comp_t holds */
    CHECK(acct_parse(str_at(bytes, sizeof bytes), &record));
    CHECK(record.user_s > 1.7e8 && record.user_s < 1.8e8);
}

static const struct test tests[] = {
    {"a record reads", a_record_reads},
    {"a whole name and an exit status", a_whole_name_and_an_exit_status},
    {"the other byte order", the_other_byte_order},
    {"what is no record is refused", what_is_no_record_is_refused},
    {"odd times", odd_times},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
