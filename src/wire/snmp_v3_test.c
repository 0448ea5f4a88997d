#include "wire/snmp_v3.h"

#include "base/test.h"

#include <string.h>

#define SIZE_MAX_OF_OUT 4096

/* A scoped PDU with a trap coldStart, and with a question of request id 77. */
#define SCOPED                                                                                                         \
    "\x30\x3f\x04\x05\x80\x00\x00\x00\x05\x04\x00\xa7\x34\x02\x01\x09\x02\x01\x00\x02\x01\x00\x30\x29\x30\x0e\x06\x08" \
    "\x2b\x06\x01\x02\x01\x01\x03\x00\x43\x02\x01\x02\x30\x17\x06\x0a\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00\x06\x09" \
    "\x2b\x06\x01\x06\x03\x01\x01\x05\x01"
#define QUESTION "\x30\x11\x04\x00\x04\x00\xa0\x0b\x02\x01\x4d\x02\x01\x00\x02\x01\x00\x30\x00"

static struct snmp_v3 head_of(struct str data)
{
    return (struct snmp_v3){.id = 4711,
                            .authenticated = true,
                            .reportable = true,
                            .engine = STR("\x80\0\0\0\x05x"),
                            .boots = 7,
                            .time = 100000,
                            .user = STR("alice"),
                            .mac_n = 24,
                            .data = data};
}

static void written_and_read(void)
{
    char storage[SIZE_MAX_OF_OUT];
    const char *reason = NULL;
    struct snmp_v3 got;
    struct buf out;
    for (unsigned i = 0; i < 16; i++) {
        struct snmp_v3 head = head_of(STR(SCOPED));
        head.authenticated = i & 1 || i & 2;
        head.encrypted = i & 2;
        head.reportable = i & 4;
        head.salt = head.encrypted ? STR("saltsalt") : STR_NONE;
        head.mac_n = i & 8 ? 48 : 12;
        test_row("%u", i);
        buf_init_fixed(&out, storage, sizeof storage);
        size_t mac_at = snmp_v3_write(&head, &out);
        CHECK_INT(snmp_v3_read(buf_view(&out), &got, &reason), RC_OK);
        CHECK_INT(got.mac_at, mac_at);
        CHECK_INT(got.mac_n, head.mac_n);
        CHECK_INT(got.id, head.id);
        CHECK_INT(got.boots, head.boots);
        CHECK_INT(got.time, head.time);
        CHECK_INT(got.authenticated, head.authenticated);
        CHECK_INT(got.encrypted, head.encrypted);
        CHECK_INT(got.reportable, head.reportable);
        CHECK_STR(got.engine, head.engine);
        CHECK_STR(got.user, head.user);
        CHECK_STR(got.salt, head.salt);
        CHECK_STR(got.data, head.data);
        for (size_t n = 0; n < out.n; n++)
            CHECK_INT(snmp_v3_read(str_slice(buf_view(&out), 0, n), &got, &reason), RC_INVALID);
    }
}

/* One change in what would be good otherwise. */
static void refusals(void)
{
    static const struct {
        size_t at;
        char byte;
        enum rc want;
        const char *why;
    } rows[] = {
        {4, 2, RC_INVALID, "another version"},
        {7, 0x04, RC_INVALID, "an id that is text"},
        {9, (char)0x92, RC_INVALID, "an id below zero"},
        {17, 0, RC_INVALID, "flags that do not read"},
        {18, 2, RC_INVALID, "encrypted and not authenticated"},
        {18, 3, RC_INVALID, "encrypted, and the data are not"},
        {21, 1, RC_DENIED, "another security model"},
        {22, 0x30, RC_INVALID, "parameters that are no text"},
    };
    char storage[SIZE_MAX_OF_OUT];
    const char *reason = NULL;
    struct snmp_v3 got;
    struct buf out;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct snmp_v3 head = head_of(STR(SCOPED));
        test_row("%s", rows[i].why);
        buf_init_fixed(&out, storage, sizeof storage);
        IGNORE(snmp_v3_write(&head, &out) == 0);
        size_t shift = (uint8_t)out.p[1] >= 0x80 ? (uint8_t)out.p[1] & 0x7f : 0;
        out.p[rows[i].at + shift] = rows[i].byte;
        CHECK_INT(snmp_v3_read(buf_view(&out), &got, &reason), rows[i].want);
    }
    static char many[SNMP_V3_ENGINE_MAX + 1];
    struct snmp_v3 long_engine = head_of(STR(SCOPED));
    struct snmp_v3 long_user = head_of(STR(SCOPED));
    long_engine.engine = str_at(many, sizeof many);
    long_user.user = str_at(many, sizeof many);
    for (size_t i = 0; i < 2; i++) {
        buf_init_fixed(&out, storage, sizeof storage);
        IGNORE(snmp_v3_write(i ? &long_user : &long_engine, &out) == 0);
        CHECK_INT(snmp_v3_read(buf_view(&out), &got, &reason), RC_INVALID);
    }
}

static void scoped_pdus(void)
{
    struct snmp_message message;
    const char *reason = NULL;
    CHECK_INT(sizeof SCOPED - 1, 65);
    CHECK_INT(snmp_v3_scoped_read(STR(SCOPED), &message, &reason), RC_OK);
    CHECK_TEXT(message.trap, "1.3.6.1.6.3.1.1.5.1");
    CHECK_INT(message.version, SNMP_V3);
    CHECK_INT(snmp_v3_scoped_read(STR(SCOPED "\0\0\0"), &message, &reason), RC_OK); /* filled up to a block */
    CHECK_INT(snmp_v3_scoped_read(STR(QUESTION), &message, &reason), RC_DENIED);
    for (size_t n = 0; n < sizeof SCOPED - 1; n++) {
        test_row("cut to %zu", n);
        CHECK(snmp_v3_scoped_read(str_slice(STR(SCOPED), 0, n), &message, &reason) != RC_OK);
    }
}

static void reports(void)
{
    static const struct {
        enum snmp_v3_report report;
        struct str scoped;
        struct str want;
    } rows[] = {
        {SNMP_V3_UNKNOWN_ENGINE, STR_INIT(QUESTION),
         STR_INIT("\x30\x27\x04\x01"
                  "e\x04\x00\xa8\x20\x02\x01\x4d\x02\x01\x00\x02\x01\x00\x30\x15\x30\x13\x06\x0a\x2b\x06\x01\x06\x03"
                  "\x0f\x01\x01\x04\x00\x41\x05\x00\x00\x00\x00\x05")},
        {SNMP_V3_NOT_IN_TIME, STR_INIT("nonsense"),
         STR_INIT("\x30\x27\x04\x01"
                  "e\x04\x00\xa8\x20\x02\x01\x00\x02\x01\x00\x02\x01\x00\x30\x15\x30\x13\x06\x0a\x2b\x06\x01\x06\x03"
                  "\x0f\x01\x01\x02\x00\x41\x05\x00\x00\x00\x00\x05")},
    };
    char storage[SIZE_MAX_OF_OUT];
    struct buf out;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        buf_init_fixed(&out, storage, sizeof storage);
        snmp_v3_report_write(rows[i].report, STR("e"), rows[i].scoped, 5, &out);
        CHECK_STR(buf_view(&out), rows[i].want);
    }
}

static const struct test tests[] = {
    {"written and read", written_and_read},
    {"refusals", refusals},
    {"scoped PDUs", scoped_pdus},
    {"reports", reports},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
