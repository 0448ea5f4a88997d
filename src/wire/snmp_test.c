#include "wire/snmp.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

#define RECORD_MAX 65536

/* ---- BER ---- */

static void integers(void)
{
    static const struct {
        struct str content;
        bool good;
        int64_t value;
    } rows[] = {
        {STR_INIT("\x00"), true, 0},
        {STR_INIT("\x7f"), true, 127},
        {STR_INIT("\x80"), true, -128},
        {STR_INIT("\x00\x80"), true, 128},
        {STR_INIT("\xff\xff\xff\xff"), true, -1},
        {STR_INIT("\x80\0\0\0\0\0\0\0"), true, INT64_MIN},
        {STR_INIT(""), false, 0},
        {STR_INIT("\0\0\0\0\0\0\0\0\0"), false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 0;
        test_row("%zu", i);
        CHECK_INT(ber_to_i64(rows[i].content, &value), rows[i].good);
        CHECK_INT(value, rows[i].value);
    }
    static const int64_t values[] = {0, 1, -1, 127, 128, -128, -129, 32767, 32768, INT32_MAX, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char storage[16];
        struct buf out;
        buf_init_fixed(&out, storage, sizeof storage);
        ber_put_integer(&out, values[i]);
        struct reader reader = reader_of(buf_view(&out));
        test_row("put %zu", i);
        CHECK_INT(read_ber_integer(&reader), values[i]);
        CHECK(reader_done(&reader));
    }
}

static void counters(void)
{
    static const struct {
        struct str content;
        bool good;
        uint64_t value;
    } rows[] = {
        {STR_INIT("\x00"), true, 0},
        {STR_INIT("\xff\xff\xff\xff"), true, UINT32_MAX}, /* of a sender that forgot the zero before it */
        {STR_INIT("\x00\xff\xff\xff\xff"), true, UINT32_MAX},
        {STR_INIT("\x00\xff\xff\xff\xff\xff\xff\xff\xff"), true, UINT64_MAX},
        {STR_INIT(""), false, 0},
        {STR_INIT("\x01\0\0\0\0\0\0\0\0"), false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        test_row("%zu", i);
        CHECK_INT(ber_to_u64(rows[i].content, &value), rows[i].good);
        CHECK(value == rows[i].value);
    }
}

static void object_identifiers(void)
{
    static const struct {
        struct str content;
        const char *want; /* NULL: it is none */
    } rows[] = {
        {STR_INIT("\x2b\x06\x01"), "1.3.6.1"},
        {STR_INIT("\x00"), "0.0"},
        {STR_INIT("\x78"), "2.40"},
        {STR_INIT("\x88\x37\x03"), "2.999.3"},
        {STR_INIT("\x2b\x8f\xff\xff\xff\x7f"), "1.3.4294967295"},
        {STR_INIT(""), NULL},
        {STR_INIT("\x2b\x80\x01"), NULL},             /* begins with no bit */
        {STR_INIT("\x2b\x81"), NULL},                 /* goes on, and ends */
        {STR_INIT("\x2b\x90\x80\x80\x80\x00"), NULL}, /* 2^32 */
        {STR_INIT("\x2b\xff\xff\xff\xff\xff\xff\x7f"), NULL},
    };
    char storage[BER_OID_TEXT_MAX];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        buf_clear(&out);
        CHECK_INT(ber_oid_text(rows[i].content, &out), rows[i].want != NULL);
        CHECK_TEXT(buf_view(&out), rows[i].want ? rows[i].want : "");
    }
    static char many[BER_OID_PARTS_MAX];
    memset(many, 1, sizeof many);
    buf_clear(&out);
    CHECK(ber_oid_text(str_at(many, BER_OID_PARTS_MAX - 1), &out)); /* the first byte is two parts */
    buf_clear(&out);
    CHECK(!ber_oid_text(str_at(many, BER_OID_PARTS_MAX), &out));
}

/* ---- messages ---- */

#define UPTIME   "\x30\x0e\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x43\x02\x01\x02"
#define TRAP_OID "\x30\x17\x06\x0a\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00\x06\x09\x2b\x06\x01\x06\x03\x01\x01\x05"
#define IF_INDEX "\x30\x0f\x06\x0a\x2b\x06\x01\x02\x01\x02\x02\x01\x01\x03\x02\x01\x03"

/* linkDown (3) with ifIndex.3 = 3, of version 2c; `pdu` a7 or a6. */
#define LINK_DOWN(pdu)                                                                                                 \
    "\x30\x53\x02\x01\x01\x04\x06public" pdu "\x46\x02\x02\x04\xd2\x02\x01\x00\x02\x01\x00\x30\x3a" UPTIME TRAP_OID    \
    "\x03" IF_INDEX
#define LINK_DOWN_SIZE 85

static const char good_v1[] = "\x30\x2e\x02\x01\x00\x04\x06public\xa4\x21\x06\x06\x2b\x06\x01\x04\x01\x09\x40\x04\xc0"
                              "\x00\x02\x07\x02\x01\x06\x02\x01\x11\x43\x01\x05\x30\x08\x30\x06\x06\x02\x2b\x06\x05"
                              "\x00";

static enum rc read_text(struct str datagram, struct buf *out)
{
    struct snmp_message message;
    const char *reason = NULL;
    buf_clear(out);
    enum rc rc = snmp_read(datagram, &message, &reason);
    CHECK_INT(rc != RC_OK, reason != NULL);
    if (rc == RC_OK)
        snmp_record_write(&message, "192.0.2.1", out);
    CHECK(!out->overflow);
    return rc;
}

static void records(void)
{
    static const struct {
        struct str datagram;
        const char *want;
    } rows[] = {
        {STR_INIT(LINK_DOWN("\xa7")),
         "{\"snmp_version\":\"2c\",\"snmp_pdu\":\"trap\",\"sender\":\"192.0.2.1\",\"agent\":\"192.0.2.1\","
         "\"trap\":\"linkDown\",\"trap_oid\":\"1.3.6.1.6.3.1.1.5.3\",\"request_id\":1234,\"uptime\":258,"
         "\"ifIndex\":3,\"varbinds\":[{\"oid\":\"1.3.6.1.2.1.2.2.1.1.3\",\"type\":\"integer\",\"value\":3}]}"},
        {STR_INIT(LINK_DOWN("\xa6")),
         "{\"snmp_version\":\"2c\",\"snmp_pdu\":\"inform\",\"sender\":\"192.0.2.1\",\"agent\":\"192.0.2.1\","
         "\"trap\":\"linkDown\",\"trap_oid\":\"1.3.6.1.6.3.1.1.5.3\",\"request_id\":1234,\"uptime\":258,"
         "\"ifIndex\":3,\"varbinds\":[{\"oid\":\"1.3.6.1.2.1.2.2.1.1.3\",\"type\":\"integer\",\"value\":3}]}"},
        {{good_v1, sizeof good_v1 - 1},
         "{\"snmp_version\":\"1\",\"snmp_pdu\":\"trap\",\"sender\":\"192.0.2.1\",\"agent\":\"192.0.2.7\","
         "\"trap\":\"1.3.6.1.4.1.9.0.17\",\"trap_oid\":\"1.3.6.1.4.1.9.0.17\",\"enterprise\":\"1.3.6.1.4.1.9\","
         "\"generic_trap\":6,\"specific_trap\":17,\"uptime\":5,"
         "\"varbinds\":[{\"oid\":\"1.3.6\",\"type\":\"null\",\"value\":null}]}"},
    };
    struct buf out;
    buf_init(&out, RECORD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_INT(read_text(rows[i].datagram, &out), RC_OK);
        CHECK_TEXT(buf_view(&out), rows[i].want);
    }
    buf_done(&out);
}

/* One byte of a good message changed to what makes it another. */
static void refusals(void)
{
    static const struct {
        size_t at;
        char byte;
        enum rc want;
        const char *why;
    } rows[] = {
        {0, 0x31, RC_INVALID, "no sequence"},
        {1, 0x54, RC_INVALID, "longer than the datagram"},
        {1, 0x52, RC_INVALID, "a byte behind it"},
        {1, (char)0x80, RC_INVALID, "a length without an end"},
        {4, 0, RC_DENIED, "a trap of version 2 in a message of version 1"},
        {4, 2, RC_DENIED, "version 2, which nobody speaks"},
        {4, 3, RC_DENIED, "version 3"},
        {5, 0x02, RC_INVALID, "a community that is no text"},
        {13, (char)0xa0, RC_DENIED, "a question"},
        {13, (char)0xa2, RC_DENIED, "an answer"},
        {13, (char)0xa4, RC_DENIED, "a trap of version 1 in a message of version 2c"},
        {13, (char)0xa8, RC_DENIED, "a report"},
        {21, 1, RC_INVALID, "an error status"},
        {24, 1, RC_INVALID, "an error index"},
        {25, 0x31, RC_INVALID, "no list"},
        {36, 4, RC_INVALID, "it does not begin with sysUpTime.0"},
        {39, 0x02, RC_INVALID, "an uptime that is an integer"},
        {54, 1, RC_INVALID, "no snmpTrapOID.0"},
        {57, 4, RC_INVALID, "a trap's name that is text"},
        {68, 0x31, RC_INVALID, "a binding that is none"},
        {73, (char)0x80, RC_INVALID, "a broken OID of a binding"},
        {82, 0x1f, RC_INVALID, "a type of several bytes"},
        {82, 0x47, RC_INVALID, "a type that is none"},
        {82, 0x05, RC_INVALID, "nothing, with a byte of it"},
        {82, 0x40, RC_INVALID, "an address of one byte"},
    };
    static const char good[] = LINK_DOWN("\xa7");
    char bytes[LINK_DOWN_SIZE];
    struct buf out;
    buf_init(&out, RECORD_MAX);
    CHECK_INT(sizeof good - 1, LINK_DOWN_SIZE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memcpy(bytes, good, sizeof bytes);
        bytes[rows[i].at] = rows[i].byte;
        test_row("%s", rows[i].why);
        CHECK_INT(read_text(str_at(bytes, sizeof bytes), &out), rows[i].want);
    }
    test_row("a generic trap of version 1 that is none");
    char version_1[sizeof good_v1 - 1];
    memcpy(version_1, good_v1, sizeof version_1);
    version_1[31] = 7;
    CHECK_INT(read_text(str_at(version_1, sizeof version_1), &out), RC_INVALID);
    buf_done(&out);
}

/* No truncation reads, and no change of a byte does more than change what is read. */
static void truncations_and_changes(void)
{
    const struct str samples[] = {STR(LINK_DOWN("\xa7")), STR(LINK_DOWN("\xa6")), {good_v1, sizeof good_v1 - 1}};
    char bytes[128];
    struct buf out;
    buf_init(&out, RECORD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        for (size_t n = 0; n < samples[i].n; n++) {
            test_row("sample %zu cut to %zu", i, n);
            CHECK(read_text(str_slice(samples[i], 0, n), &out) != RC_OK);
        }
        for (size_t at = 0; at < samples[i].n; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                memcpy(bytes, samples[i].p, samples[i].n);
                bytes[at] = (char)(bytes[at] ^ (1 << bit));
                test_row("sample %zu, byte %zu bit %u", i, at, bit);
                IGNORE(read_text(str_at(bytes, samples[i].n), &out) == RC_OK);
            }
        }
    }
    buf_done(&out);
}

/* ---- values ---- */

/* A trap of version 2c with these bindings' bytes behind the first two. */
static struct str trap_with(struct buf *out, struct str bindings)
{
    char storage[4096];
    struct buf list;
    struct buf pdu;
    struct buf message;
    char pdu_storage[4096];
    char message_storage[4096];
    buf_init_fixed(&list, storage, sizeof storage);
    buf_init_fixed(&pdu, pdu_storage, sizeof pdu_storage);
    buf_init_fixed(&message, message_storage, sizeof message_storage);
    buf_str(&list, STR(UPTIME TRAP_OID "\x05"));
    buf_str(&list, bindings);
    ber_put_integer(&pdu, 1);
    ber_put_integer(&pdu, 0);
    ber_put_integer(&pdu, 0);
    ber_put(&pdu, BER_SEQUENCE, buf_view(&list));
    ber_put_integer(&message, 1);
    ber_put(&message, BER_OCTETS, STR("c0mmunity"));
    ber_put(&message, 0xa7, buf_view(&pdu));
    buf_clear(out);
    ber_put(out, BER_SEQUENCE, buf_view(&message));
    return buf_view(out);
}

static void binding_put(struct buf *list, struct str oid, uint8_t tag, struct str value)
{
    char storage[4096];
    struct buf binding;
    buf_init_fixed(&binding, storage, sizeof storage);
    ber_put(&binding, BER_OID, oid);
    ber_put(&binding, tag, value);
    ber_put(list, BER_SEQUENCE, buf_view(&binding));
}

static void values(void)
{
    static const struct {
        uint8_t tag;
        struct str value;
        const char *want; /* NULL: the message is refused */
    } rows[] = {
        {0x02, STR_INIT("\xff"), "\"integer\",\"value\":-1}"},
        {0x04, STR_INIT("plain \xd0\xb6"), "\"octets\",\"value\":\"plain \xd0\xb6\"}"},
        {0x04, STR_INIT("\xd0"), "\"octets\",\"value\":\"0xd0\"}"},
        {0x04, STR_INIT("a\0b"), "\"octets\",\"value\":\"0x610062\"}"},
        {0x04, STR_INIT(""), "\"octets\",\"value\":\"\"}"},
        {0x05, STR_INIT(""), "\"null\",\"value\":null}"},
        {0x06, STR_INIT("\x2b\x06"), "\"oid\",\"value\":\"1.3.6\"}"},
        {0x40, STR_INIT("\xc0\x00\x02\x01"), "\"address\",\"value\":\"192.0.2.1\"}"},
        {0x41, STR_INIT("\xff\xff\xff\xff"), "\"counter32\",\"value\":4294967295}"},
        {0x42, STR_INIT("\x07"), "\"gauge32\",\"value\":7}"},
        {0x43, STR_INIT("\x07"), "\"timeticks\",\"value\":7}"},
        {0x44, STR_INIT("\x9f\x78"), "\"opaque\",\"value\":\"0x9f78\"}"},
        {0x46, STR_INIT("\0\xff\xff\xff\xff\xff\xff\xff\xff"), "\"counter64\",\"value\":18446744073709551615}"},
        {0x80, STR_INIT(""), "\"no_such_object\",\"value\":null}"},
        {0x81, STR_INIT(""), "\"no_such_instance\",\"value\":null}"},
        {0x82, STR_INIT(""), "\"end_of_view\",\"value\":null}"},
        {0x83, STR_INIT(""), NULL},
        {0x02, STR_INIT(""), NULL},
        {0x06, STR_INIT("\x2b\x80"), NULL},
        {0x40, STR_INIT("\xc0\x00\x02"), NULL},
        {0x46, STR_INIT(""), NULL},
        {0x80, STR_INIT("x"), NULL},
        {0x30, STR_INIT(""), NULL},
    };
    struct buf datagram;
    struct buf list;
    struct buf out;
    buf_init(&datagram, RECORD_MAX);
    buf_init(&list, RECORD_MAX);
    buf_init(&out, RECORD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        buf_clear(&list);
        binding_put(&list, STR("\x2b\x06"), rows[i].tag, rows[i].value);
        enum rc rc = read_text(trap_with(&datagram, buf_view(&list)), &out);
        CHECK_INT(rc, rows[i].want ? RC_OK : RC_INVALID);
        if (rows[i].want)
            CHECK(str_search(buf_view(&out), str_of(rows[i].want)) < out.n);
    }
    buf_done(&datagram);
    buf_done(&list);
    buf_done(&out);
}

/* A community is nowhere in a record: neither the message's nor one in a binding. */
static void secrets(void)
{
    struct buf datagram;
    struct buf list;
    struct buf out;
    buf_init(&datagram, RECORD_MAX);
    buf_init(&list, RECORD_MAX);
    buf_init(&out, RECORD_MAX);
    binding_put(&list, STR("\x2b\x06\x01\x06\x03\x12\x01\x04\x00"), BER_OCTETS, STR("handed-on"));
    binding_put(&list, STR("\x2b\x06\x01\x04\x01\x09\x02\x01\x05\x00"), 0x40, STR("\xc6\x33\x64\x09"));
    binding_put(&list, STR("\x2b\x06\x01\x04\x01\x09\x02\x01\x05\x01"), 0x40, STR("\xc6\x33\x64\x0a"));
    binding_put(&list, STR("\x2b\x06\x01\x06\x03\x12\x01\x04"), BER_OCTETS, STR("forgot-the-instance"));
    CHECK_INT(read_text(trap_with(&datagram, buf_view(&list)), &out), RC_OK);
    CHECK(str_search(buf_view(&out), STR("c0mmunity")) == out.n);
    CHECK(str_search(buf_view(&out), STR("handed-on")) == out.n);
    CHECK(str_search(buf_view(&out), STR("forgot-the-instance")) == out.n);
    CHECK(str_search(buf_view(&out), STR("\"value\":\"withheld\"")) < out.n);
    CHECK(str_search(buf_view(&out), STR("\"authAddr\":\"198.51.100.9\",\"varbinds\"")) < out.n); /* the first one */
    buf_done(&datagram);
    buf_done(&list);
    buf_done(&out);
}

static void limits(void)
{
    static char long_community[SNMP_COMMUNITY_MAX + 1];
    struct buf datagram;
    struct buf list;
    struct buf out;
    buf_init(&datagram, RECORD_MAX);
    buf_init(&list, RECORD_MAX);
    buf_init(&out, RECORD_MAX);
    for (unsigned i = 0; i < SNMP_BINDINGS_MAX - 2; i++)
        binding_put(&list, STR("\x2b\x06"), BER_NULL, STR_NONE);
    CHECK_INT(read_text(trap_with(&datagram, buf_view(&list)), &out), RC_OK);
    for (unsigned i = 0; i < 3; i++)
        binding_put(&list, STR("\x2b\x06"), BER_NULL, STR_NONE);
    CHECK_INT(read_text(trap_with(&datagram, buf_view(&list)), &out), RC_LIMIT);
    for (size_t extra = 0; extra < 2; extra++) {
        struct buf message;
        char storage[1024];
        memset(long_community, 'c', sizeof long_community);
        buf_init_fixed(&message, storage, sizeof storage);
        ber_put_integer(&message, 0);
        ber_put(&message, BER_OCTETS, str_at(long_community, SNMP_COMMUNITY_MAX + extra));
        buf_str(&message, str_skip(str_at(good_v1, sizeof good_v1 - 1), 13));
        buf_clear(&datagram);
        ber_put(&datagram, BER_SEQUENCE, buf_view(&message));
        CHECK_INT(read_text(buf_view(&datagram), &out), extra ? RC_INVALID : RC_OK);
    }
    buf_done(&datagram);
    buf_done(&list);
    buf_done(&out);
}

static void answers(void)
{
    struct snmp_message message;
    const char *reason = NULL;
    struct buf out;
    buf_init(&out, RECORD_MAX);
    CHECK_INT(snmp_read(STR(LINK_DOWN("\xa6")), &message, &reason), RC_OK);
    CHECK(message.inform);
    CHECK_INT(message.request_id, 1234);
    snmp_answer_write(&message, STR(LINK_DOWN("\xa6")), &out);
    CHECK_STR(buf_view(&out), STR(LINK_DOWN("\xa2")));
    CHECK_INT(snmp_read(STR(LINK_DOWN("\xa7")), &message, &reason), RC_OK);
    CHECK(!message.inform);
    buf_done(&out);
}

static const struct test tests[] = {
    {"integers", integers}, {"counters", counters}, {"object identifiers", object_identifiers},
    {"records", records},   {"refusals", refusals}, {"truncations and changes", truncations_and_changes},
    {"values", values},     {"secrets", secrets},   {"limits", limits},
    {"answers", answers},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
