#include "wire/netflow.h"

#include "base/arena.h"
#include "base/test.h"
#include "wire/record_list.h"

#include <stdio.h>

#define HELD_MAX ((size_t)1 << 20)

/* ---- making messages ---- */

/* Bytes as a text of hexadecimal digits; blanks are passed over. */
static struct str bytes_of(struct buf *out, const char *text)
{
    char digits[2];
    size_t n = 0;
    buf_clear(out);
    for (; *text; text++) {
        uint8_t byte = 0;
        if (*text == ' ')
            continue;
        digits[n++] = *text;
        if (n < 2)
            continue;
        n = 0;
        CHECK(hex_decode(str_at(digits, 2), &byte, 1));
        buf_u8(out, byte);
    }
    CHECK_INT(n, 0);
    return buf_view(out);
}

struct bench {
    struct netflow *netflow;
    struct buf message;
    struct buf list;
    struct buf text; /* the records of the last message, a line each */
    uint64_t now_ns;
};

static void bench_init(struct bench *bench, size_t sessions, size_t held)
{
    *bench = (struct bench){.netflow = netflow_new(sessions, held, 7), .now_ns = 1};
    CHECK(bench->netflow != NULL);
    buf_init(&bench->message, 1 << 20);
    buf_init(&bench->list, NETFLOW_LIST_MAX + (1 << 20));
    buf_init(&bench->text, 1 << 20);
}

static void bench_done(struct bench *bench)
{
    netflow_free(bench->netflow);
    buf_done(&bench->message);
    buf_done(&bench->list);
    buf_done(&bench->text);
}

static enum rc give_bytes(struct bench *bench, const char *sender, uint16_t port, struct str message)
{
    struct str record;
    buf_clear(&bench->list);
    buf_clear(&bench->text);
    enum rc rc = netflow_take(bench->netflow, sender, port, message, bench->now_ns, &bench->list);
    for (struct str rest = buf_view(&bench->list); record_list_next(&rest, &record);) {
        buf_str(&bench->text, record);
        buf_char(&bench->text, '\n');
    }
    return rc;
}

static enum rc give(struct bench *bench, const char *hex)
{
    return give_bytes(bench, "192.0.2.1", 2055, bytes_of(&bench->message, hex));
}

static size_t records_of(const struct bench *bench)
{
    struct str record;
    size_t count = 0;
    for (struct str rest = buf_view(&bench->list); record_list_next(&rest, &record);)
        count++;
    return count;
}

static struct netflow_losses losses_of(struct bench *bench)
{
    struct netflow_losses sum = {0};
    struct netflow_losses losses;
    char sender[NETFLOW_SENDER_MAX];
    while (netflow_losses_next(bench->netflow, sender, &losses)) {
        sum.flows += losses.flows;
        sum.messages += losses.messages;
        sum.sets += losses.sets;
        sum.templates += losses.templates;
        sum.broken += losses.broken;
        sum.cut += losses.cut;
    }
    return sum;
}

/* ---- NetFlow 5 ---- */

/* Exported at 1700000000.5, 100 s after the device began, from sequence 16 on; engine 1/2; one packet of 100. */
#define HEAD_5(count, sequence) "0005" count "000186a0 6553f100 1dcd6500" sequence "0102 4064"
#define FLOW_5                                                                                                         \
    "c0000201 c6336402 c00002fe 0001 0002 00000003 00000180 00017318 00018a88 9c40 0035 00 1b 11 00 fde8 0000 18 00 "  \
    "0000"

static void version_5(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    CHECK_INT(give(&bench, HEAD_5("0001", "00000010") FLOW_5), RC_OK);
    CHECK_TEXT(buf_view(&bench.text),
               "{\"flow_export\":\"netflow5\",\"exporter\":\"192.0.2.1\",\"observation_domain\":258,"
               "\"export_time\":\"2023-11-14T22:13:20.500000000Z\",\"sampling\":100,\"src_ip\":\"192.0.2.1\","
               "\"dst_ip\":\"198.51.100.2\",\"ipNextHopIPv4Address\":\"192.0.2.254\",\"ingressInterface\":1,"
               "\"egressInterface\":2,\"packetDeltaCount\":3,\"octetDeltaCount\":384,\"flowStartSysUpTime\":95000,"
               "\"flowEndSysUpTime\":101000,\"src_port\":40000,\"dst_port\":53,\"tcpControlBits\":27,"
               "\"protocolIdentifier\":17,\"ipClassOfService\":0,\"bgpSourceAsNumber\":65000,"
               "\"bgpDestinationAsNumber\":0,\"sourceIPv4PrefixLength\":24,\"destinationIPv4PrefixLength\":0,"
               "\"start\":\"2023-11-14T22:13:15.500Z\",\"end\":\"2023-11-14T22:13:21.500Z\"}\n");
    CHECK_INT(give(&bench, HEAD_5("0002", "00000011") FLOW_5 FLOW_5), RC_OK);
    CHECK_INT(records_of(&bench), 2);
    CHECK_INT(losses_of(&bench).flows, 0);
    static const char *const bad[] = {
        "",
        "00",
        "0005",
        HEAD_5("0000", "00000013"),
        HEAD_5("0001", "00000013"),
        HEAD_5("0002", "00000013") FLOW_5,
        HEAD_5("0001", "00000013") FLOW_5 "00",
        "0005 0001 000186a0 6553f100 3b9aca00 00000013 0102 0000" FLOW_5, /* a second of a thousand million and one */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%zu", i);
        CHECK(give(&bench, bad[i]) != RC_OK);
        CHECK_INT(records_of(&bench), 0);
    }
    static const char *const strange[] = {"0001", "0007 0001", "000b 0010", "3c31 333e"};
    for (size_t i = 0; i < ARRAY_LEN(strange); i++)
        CHECK_INT(give(&bench, strange[i]), RC_DENIED);
    bench_done(&bench);
}

/* ---- NetFlow 9 ---- */

#define HEAD_9(sequence) "0009 0001 000186a0 6553f100" sequence "00000007"
/* 256: addresses, protocol, bytes of three octets' length, a number nobody knows, an interface's name of 4 bytes. */
#define TEMPLATE_9 "0000 0020 0100 0006 0008 0004 000c 0004 0004 0001 0001 0003 ea60 0002 0052 0004"
#define DATA_9     "0100 0018 c0000201 c6336402 06 0186a0 beef 65743000 0000"
#define RECORD_9                                                                                                       \
    "{\"flow_export\":\"netflow9\",\"exporter\":\"192.0.2.1\",\"observation_domain\":7,"                               \
    "\"export_time\":\"2023-11-14T22:13:20Z\",\"src_ip\":\"192.0.2.1\",\"dst_ip\":\"198.51.100.2\","                   \
    "\"protocolIdentifier\":6,\"octetDeltaCount\":100000,\"ie_60000\":\"0xbeef\",\"interfaceName\":\"et0\"}\n"

static void version_9(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    CHECK_INT(give(&bench, HEAD_9("00000001") TEMPLATE_9 DATA_9), RC_OK);
    CHECK_TEXT(buf_view(&bench.text), RECORD_9);
    CHECK_INT(give(&bench, HEAD_9("00000002") DATA_9 DATA_9), RC_OK);
    CHECK_TEXT(buf_view(&bench.text), RECORD_9 RECORD_9);
    /* The address and the source id are whose templates they are, the port is not. */
    CHECK_INT(give_bytes(&bench, "192.0.2.1", 9, bytes_of(&bench.message, HEAD_9("00000003") DATA_9)), RC_OK);
    CHECK_INT(records_of(&bench), 1);
    CHECK_INT(give_bytes(&bench, "192.0.2.2", 9, bytes_of(&bench.message, HEAD_9("00000003") DATA_9)), RC_OK);
    CHECK_INT(records_of(&bench), 0);
    CHECK_INT(give(&bench, "0009 0001 000186a0 6553f100 00000003 00000008" DATA_9), RC_OK);
    CHECK_INT(records_of(&bench), 0);
    struct netflow_losses losses = losses_of(&bench);
    CHECK_INT(losses.messages + losses.sets + losses.templates + losses.broken, 0);
    bench_done(&bench);
}

/* What came before its template waits for it, for a time. */
static void waiting(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    CHECK_INT(give(&bench, HEAD_9("00000001") DATA_9), RC_OK);
    CHECK_INT(give(&bench, HEAD_9("00000002") DATA_9), RC_OK);
    CHECK_INT(records_of(&bench), 0);
    CHECK_INT(give(&bench, HEAD_9("00000003") TEMPLATE_9), RC_OK);
    CHECK_TEXT(buf_view(&bench.text), RECORD_9 RECORD_9);
    CHECK_INT(give(&bench, HEAD_9("00000004") TEMPLATE_9), RC_OK); /* the same again changes nothing */
    CHECK_INT(records_of(&bench), 0);
    CHECK_INT(give(&bench, HEAD_9("00000005") "0101 0008 00000000"), RC_OK);
    netflow_tick(bench.netflow, 1 + NETFLOW_WAIT_NS);
    CHECK_INT(losses_of(&bench).sets, 0);
    netflow_tick(bench.netflow, 2 + NETFLOW_WAIT_NS);
    CHECK_INT(losses_of(&bench).sets, 1);
    for (unsigned i = 0; i < NETFLOW_WAITING_MAX + 5; i++)
        CHECK_INT(give(&bench, HEAD_9("00000006") "0101 0008 00000000"), RC_OK);
    CHECK_INT(losses_of(&bench).sets, 5);
    bench_done(&bench);
}

/* Options: scopes are passed over, the sampling rate counts for what comes behind. */
static void options_9(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    CHECK_INT(give(&bench, HEAD_9("00000001") TEMPLATE_9 "0001 0018 0101 0004 0008 0001 0004 0022 0004 0023 0001 0000"),
              RC_OK);
    CHECK_INT(give(&bench, HEAD_9("00000002") "0101 0010 00000000 000003e8 02 000000" DATA_9), RC_OK);
    CHECK_INT(records_of(&bench), 1);
    CHECK(str_search(buf_view(&bench.text), STR("\"sampling\":1000,")) < bench.text.n);
    CHECK_INT(losses_of(&bench).templates, 0);
    bench_done(&bench);
}

static void bad_templates(void)
{
    static const struct {
        const char *sets;
        uint64_t refused;
        uint64_t broken;
    } rows[] = {
        {"0000 0008 0100 0000", 1, 0},           /* no field */
        {"0000 000c 00ff 0001 0001 0004", 1, 0}, /* a number below 256 */
        {"0000 000c 0100 0001 0001 0000", 1, 0}, /* records without a byte */
        {"0000 000c 0100 0001 0001 ffff", 1, 0}, /* a length that NetFlow 9 has not */
        {"0000 000c 0100 0002 0001 0004", 0, 1}, /* less than it says */
        {"0000 000a 0100 0001 0001", 0, 1},
        {"0000 0003", 0, 1},                                    /* a set shorter than its head */
        {"0000 00ff 0100", 0, 1},                               /* longer than the message */
        {"0001 000e 0101 0008 0000 0001 0004", 0, 1},           /* options, less than they say */
        {"0001 000a 0101 0000 0000", 1, 0},                     /* options without a field */
        {"0001 0008 0101 0000", 0, 0},                          /* no whole options template: it fills up */
        {"0001 0012 0101 0004 0004 0001 0000 0022 0000", 1, 0}, /* options without a byte */
        {"0000 000c 0000 0000 0000 0000", 0, 0},                /* zeroes fill a set up */
        {"0005 0008 ffff ffff", 0, 0},                          /* a set of a later version */
    };
    struct bench bench;
    char text[512];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bench_init(&bench, 4, HELD_MAX);
        snprintf(text, sizeof text, "%s %s", HEAD_9("00000001"), rows[i].sets);
        test_row("%zu", i);
        CHECK_INT(give(&bench, text), rows[i].broken ? RC_INVALID : RC_OK);
        struct netflow_losses losses = losses_of(&bench);
        CHECK_INT(losses.templates, rows[i].refused);
        CHECK_INT(losses.broken, rows[i].broken);
        CHECK_INT(records_of(&bench), 0);
        bench_done(&bench);
    }
}

/* ---- IPFIX ---- */

#define HEAD_10(length, sequence) "000a" length "6553f100" sequence "00000009"

/* Every type of value, those of a wrong length, another's element, the other direction, one twice, text of any length.
 */
static void types(void)
{
    static const struct {
        const char *field; /* element, length[, enterprise] */
        const char *value;
        const char *want; /* as the record says it */
    } rows[] = {
        {"0001 0008", "ffffffffffffffff", "\"octetDeltaCount\":18446744073709551615}"},
        {"0001 0001", "07", "\"octetDeltaCount\":7}"},
        {"0001 0009", "000000000000000007", "\"octetDeltaCount\":\"0x000000000000000007\"}"},
        {"001b 0010", "20010db8000000000000000000000001", "\"src_ip\":\"2001:db8::1\"}"},
        {"0008 0005", "c000020101", "\"src_ip\":\"0xc000020101\"}"},
        {"0038 0006", "02000000000a", "\"sourceMacAddress\":\"02:00:00:00:00:0a\"}"},
        {"0038 0005", "0200000000", "\"sourceMacAddress\":\"0x0200000000\"}"},
        {"0137 0008", "3fe0000000000000", "\"samplingProbability\":0.5}"},
        {"0137 0004", "3f000000", "\"samplingProbability\":0.5}"},
        {"0137 0002", "3f00", "\"samplingProbability\":\"0x3f00\"}"},
        {"0114 0001", "01", "\"dataRecordsReliability\":true}"},
        {"0114 0001", "02", "\"dataRecordsReliability\":false}"},
        {"0114 0001", "00", "\"dataRecordsReliability\":\"0x00\"}"},
        {"0052 ffff", "03 657468", "\"interfaceName\":\"eth\"}"},
        {"0052 ffff", "ff 0003 657468", "\"interfaceName\":\"eth\"}"},
        {"0052 0003", "ff0000", "\"interfaceName\":\"0xff0000\"}"},
        {"0052 ffff", "00", "\"export_time\":\"2023-11-14T22:13:20Z\"}"},
        {"005f 0004", "0d000050", "\"applicationId\":\"0x0d000050\"}"},
        {"0096 0004", "6553f0ff", "\"start\":\"2023-11-14T22:13:19Z\"}"},
        {"0097 0004", "6553f0ff", "\"end\":\"2023-11-14T22:13:19Z\"}"},
        {"0098 0008", "0000018bcfe567d9", "\"start\":\"2023-11-14T22:13:19.961Z\"}"},
        {"0098 0008", "ffffffffffffffff", "\"start\":\"0xffffffffffffffff\"}"},
        {"009a 0008", "e8fe6f80 80000000", "\"start\":\"2023-11-14T22:13:20.500000Z\"}"},
        {"009c 0008", "e8fe6f80 40000000", "\"start\":\"2023-11-14T22:13:20.250000000Z\"}"},
        {"009e 0004", "000f4240", "\"flowStartDeltaMicroseconds\":1000000,\"start\":\"2023-11-14T22:13:19.000000Z\"}"},
        {"8001 0002 00008af1", "beef", "\"enterprise_35569_1\":\"0xbeef\"}"},
        {"8001 0002 00007279", "0005", "\"reverseOctetDeltaCount\":5}"},
        {"8007 0002 00007279", "0035", "\"reverseSourceTransportPort\":53}"},
        {"03e7 0002", "beef", "\"ie_999\":\"0xbeef\"}"},
        {"0041 0002", "beef", "\"ie_65\":\"0xbeef\"}"},
        {"00d2 0002", "0000", "\"export_time\":\"2023-11-14T22:13:20Z\"}"},
    };
    struct bench bench;
    char text[512];
    bench_init(&bench, 4, HELD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        size_t field = bytes_of(&bench.message, rows[i].field).n;
        size_t value = bytes_of(&bench.message, rows[i].value).n;
        snprintf(text, sizeof text, "000a %04zx 6553f100 00000000 %08zx 0002 %04zx 0100 0001 %s 0100 %04zx %s",
                 16 + 8 + field + 4 + value, i, 8 + field, rows[i].field, 4 + value, rows[i].value);
        CHECK_INT(give(&bench, text), RC_OK);
        CHECK_INT(records_of(&bench), 1);
        CHECK(str_ends(str_trim(buf_view(&bench.text)), str_of(rows[i].want)));
    }
    bench_done(&bench);
}

static void names_twice(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    /* sourceIPv4Address, sourceIPv6Address, a port by two elements, one element three times */
    CHECK_INT(give(&bench,
                   HEAD_10("006e", "00000000") "0002 0024 0100 0007 0008 0004 001b 0010 0007 0002 00b6 0002 0029 0001 "
                                               "0029 0001 0029 0001"
                                               "0100 003a 00000000 20010db8000000000000000000000001 0035 0036 01 02 03"
                                               "c0000201 00000000000000000000000000000000 0035 0036 01 02 03"),
              RC_OK);
    CHECK_TEXT(buf_view(&bench.text),
               "{\"flow_export\":\"ipfix\",\"exporter\":\"192.0.2.1\",\"observation_domain\":9,"
               "\"export_time\":\"2023-11-14T22:13:20Z\",\"src_ip\":\"2001:db8::1\",\"src_port\":53,"
               "\"tcpSourcePort\":54,\"exportedMessageTotalCount\":1,\"exportedMessageTotalCount_2\":2,"
               "\"exportedMessageTotalCount_3\":3}\n"
               "{\"flow_export\":\"ipfix\",\"exporter\":\"192.0.2.1\",\"observation_domain\":9,"
               "\"export_time\":\"2023-11-14T22:13:20Z\",\"src_ip\":\"192.0.2.1\",\"src_port\":53,"
               "\"tcpSourcePort\":54,\"exportedMessageTotalCount\":1,\"exportedMessageTotalCount_2\":2,"
               "\"exportedMessageTotalCount_3\":3}\n");
    bench_done(&bench);
}

/* Two flows of one byte's template each; the port is a part of whose they are. */
#define TEMPLATE_10 "0002 000c 0100 0001 0004 0001"
#define DATA_10     "0100 0006 06 11"

static void withdrawals(void)
{
    static const struct {
        const char *set;
        size_t records;
    } rows[] = {
        {"0002 0008 0100 0000", 0}, /* this template */
        {"0002 0008 0002 0000", 0}, /* all of them */
        {"0003 0008 0003 0000", 2}, /* all options templates */
        {"0003 0008 0100 0000", 2}, /* an options template of this number */
        {"0002 0008 0101 0000", 2}, /* another */
    };
    struct bench bench;
    char text[512];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        bench_init(&bench, 4, HELD_MAX);
        CHECK_INT(give(&bench, HEAD_10("0022", "00000000") TEMPLATE_10 DATA_10), RC_OK);
        CHECK_INT(records_of(&bench), 2);
        CHECK_INT(give_bytes(&bench, "192.0.2.1", 7, bytes_of(&bench.message, HEAD_10("0016", "00000002") DATA_10)),
                  RC_OK);
        CHECK_INT(records_of(&bench), 0);
        snprintf(text, sizeof text, "%s %s %s", HEAD_10("001e", "00000002"), rows[i].set, DATA_10);
        CHECK_INT(give(&bench, text), RC_OK);
        CHECK_INT(records_of(&bench), rows[i].records);
        bench_done(&bench);
    }
}

/* Two counters of a scope: one packet of (1 + 99) / 1; when the device began, by which its clock is told. */
static void options_10(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    CHECK_INT(give(&bench,
                   HEAD_10("004e", "00000000") "0003 001a 0101 0004 0001 0095 0004 0131 0004 0132 0004 00a0 0008"
                                               "0101 0018 00000009 00000001 00000063 0000018bcfe40000"
                                               "0002 000c 0100 0001 0016 0004"),
              RC_OK);
    CHECK_INT(give(&bench, HEAD_10("0018", "00000001") "0100 0008 00000400"), RC_OK);
    CHECK(str_search(buf_view(&bench.text), STR("\"sampling\":100,")) < bench.text.n);
    CHECK(str_search(buf_view(&bench.text), STR("\"start\":\"2023-11-14T22:11:48.864Z\"")) < bench.text.n);
    CHECK_INT(losses_of(&bench).flows, 0); /* options count in the sequence */
    bench_done(&bench);
}

static void bad_messages(void)
{
    static const char *const bad[] = {
        "000a",
        "000a 0010 6553f100 00000000",
        HEAD_10("0011", "00000000"),
        HEAD_10("000f", "00000000"),
        HEAD_10("0010", "00000000") "00",
        HEAD_10("0018", "00000000") "0100 0009 00000000",
        HEAD_10("0022", "00000000") "0002 0010 0100 0001 8004 0001 00 0100 0006 06 11", /* no enterprise */
    };
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%zu", i);
        CHECK_INT(give(&bench, bad[i]), RC_INVALID);
        CHECK_INT(losses_of(&bench).broken, 1);
        CHECK_INT(records_of(&bench), 0);
    }
    test_row("lengths of messages in a stream");
    CHECK_INT(netflow_message_length(STR("\0\x0a\0")), 0);
    CHECK_INT(netflow_message_length(STR("\0\x0a\x01\0")), 256);
    CHECK(netflow_message_length(STR("\0\x0a\0\x0f")) == SIZE_MAX);
    CHECK(netflow_message_length(STR("\0\x09\x01\0")) == SIZE_MAX);
    bench_done(&bench);
}

/* Every truncation and every changed bit: it reads or it does not, and nothing else happens. */
static void truncations_and_changes(void)
{
    static const char *const samples[] = {
        HEAD_5("0001", "00000010") FLOW_5,
        HEAD_9("00000001") TEMPLATE_9 DATA_9,
        HEAD_9("00000001") "0001 0018 0101 0004 0008 0001 0004 0022 0004 0023 0001 0000",
        HEAD_10("0022", "00000000") TEMPLATE_10 DATA_10,
    };
    struct buf sample;
    struct bench bench;
    buf_init(&sample, 4096);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct str whole = bytes_of(&sample, samples[i]);
        for (size_t n = 0; n < whole.n; n++) {
            bench_init(&bench, 2, HELD_MAX);
            test_row("sample %zu cut to %zu", i, n);
            enum rc rc = give_bytes(&bench, "192.0.2.1", 1, str_slice(whole, 0, n));
            CHECK(rc != RC_OK || (i > 0 && i < 3)); /* NetFlow 9 may end behind any set */
            bench_done(&bench);
        }
        for (size_t bit = 0; bit < 8 * whole.n; bit++) {
            bench_init(&bench, 2, HELD_MAX);
            sample.p[bit / 8] = (char)(sample.p[bit / 8] ^ (1 << bit % 8));
            IGNORE(give_bytes(&bench, "192.0.2.1", 1, whole) == RC_OK);
            sample.p[bit / 8] = (char)(sample.p[bit / 8] ^ (1 << bit % 8));
            bench_done(&bench);
        }
    }
    buf_done(&sample);
}

/* ---- sequences ---- */

static void sequences(void)
{
    static const struct {
        const char *name;
        unsigned version;
        uint32_t numbers[6]; /* of messages with two flows each */
        uint64_t flows;
        uint64_t messages;
    } rows[] = {
        {"all there", 10, {0, 2, 4, 6, 8, 10}, 0, 0},
        {"all there, from anywhere", 10, {99, 101, 103, 105, 107, 109}, 0, 0},
        {"past the end of numbers", 10, {UINT32_MAX - 1, 0, 2, 4, 6, 8}, 0, 0},
        {"two messages missed", 10, {0, 2, 8, 10, 12, 14}, 4, 0},
        {"one late", 10, {0, 2, 6, 4, 8, 10}, 0, 0},
        {"one late, one missed", 10, {0, 2, 8, 4, 10, 12}, 2, 0},
        {"a device that began anew", 10, {50000, 50002, 0, 2, 4, 6}, 0, 0},
        {"a step of 2^31", 10, {0, 2, UINT32_C(1) << 31, (UINT32_C(1) << 31) + 2, 0, 2}, 0, 0},
        {"messages of version 9", 9, {1, 2, 3, 4, 5, 6}, 0, 0},
        {"three missed", 9, {1, 2, 5, 6, 8, 9}, 0, 3},
        {"version 5 counts flows", 5, {0, 2, 4, 6, 10, 12}, 2, 0},
    };
    struct bench bench;
    char text[1024];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bench_init(&bench, 4, HELD_MAX);
        for (size_t k = 0; k < ARRAY_LEN(rows[i].numbers); k++) {
            uint32_t number = rows[i].numbers[k];
            test_row("%s, message %zu", rows[i].name, k);
            if (rows[i].version == 10)
                snprintf(text, sizeof text, "000a 0022 6553f100 %08x 00000009" TEMPLATE_10 DATA_10, number);
            else if (rows[i].version == 9)
                snprintf(text, sizeof text, "0009 0001 000186a0 6553f100 %08x 00000007" TEMPLATE_9 DATA_9, number);
            else
                snprintf(text, sizeof text, "0005 0002 000186a0 6553f100 1dcd6500 %08x 0102 0000" FLOW_5 FLOW_5,
                         number);
            CHECK_INT(give(&bench, text), RC_OK);
        }
        test_row("%s", rows[i].name);
        struct netflow_losses losses = losses_of(&bench);
        CHECK_INT(losses.flows, rows[i].flows);
        CHECK_INT(losses.messages, rows[i].messages);
        bench_done(&bench);
    }
}

/* Some count what is in the message itself; a set without its template leaves the count unknown for one message. */
static void odd_sequences(void)
{
    static const struct {
        const char *sets;
        const char *length;
        uint32_t sequence;
    } messages[] = {
        {TEMPLATE_10 DATA_10, "0022", 2},
        {"0100 0007 06 11 01", "0017", 5},
        {DATA_10, "0016", 7},
        {"0100 0005 01", "0015", 8},
        {"0100 0005 01", "0015", 10}, /* one is missing */
        {"0101 0006 01 02", "0016", 11},
        {DATA_10, "0016", 500},
    };
    struct bench bench;
    char text[512];
    bench_init(&bench, 4, HELD_MAX);
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        test_row("%zu", i);
        snprintf(text, sizeof text, "000a %s 6553f100 %08x 00000009 %s", messages[i].length, messages[i].sequence,
                 messages[i].sets);
        CHECK_INT(give(&bench, text), RC_OK);
        CHECK_INT(losses_of(&bench).flows, i == 4 ? 1 : 0);
    }
    test_row("a device that began anew, by its uptime");
    CHECK_INT(give(&bench, "0009 0001 000f4240 6553f100 00000009 00000007" TEMPLATE_9), RC_OK);
    CHECK_INT(give(&bench, "0009 0001 00000010 6553f100 00000064 00000007" TEMPLATE_9), RC_OK);
    CHECK_INT(losses_of(&bench).messages, 0);
    bench_done(&bench);
}

/* ---- limits ---- */

static void many_templates(void)
{
    struct bench bench;
    char text[512];
    bench_init(&bench, 4, HELD_MAX);
    for (unsigned i = 0; i < NETFLOW_TEMPLATES_MAX + 3; i++) {
        snprintf(text, sizeof text, "%s 0000 000c %04x 0001 0001 0004", HEAD_9("00000001"), 256 + i);
        CHECK_INT(give(&bench, text), RC_OK);
    }
    CHECK_INT(losses_of(&bench).templates, 3);
    for (unsigned fields = NETFLOW_FIELDS_MAX; fields < NETFLOW_FIELDS_MAX + 2; fields++) {
        bytes_of(&bench.message, HEAD_9("00000001"));
        buf_be16(&bench.message, 0);
        buf_be16(&bench.message, (uint16_t)(8 + 4 * fields));
        buf_be16(&bench.message, 256);
        buf_be16(&bench.message, (uint16_t)fields);
        for (unsigned i = 0; i < fields; i++)
            buf_be32(&bench.message, 0x00010001);
        CHECK_INT(give_bytes(&bench, "192.0.2.1", 1, buf_view(&bench.message)), RC_OK);
        CHECK_INT(losses_of(&bench).templates, fields > NETFLOW_FIELDS_MAX);
    }
    bench_done(&bench);
}

/* Past the sessions and past the bytes those go that were silent for longest; what waited for them is counted. */
static void many_sessions(void)
{
    struct bench bench;
    char sender[NETFLOW_SENDER_MAX];
    bench_init(&bench, 8, HELD_MAX);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(sender, sizeof sender, "192.0.2.%u", i);
        bench.now_ns = i + 1;
        CHECK_INT(give_bytes(&bench, sender, 1, bytes_of(&bench.message, HEAD_9("00000001") DATA_9)), RC_OK);
    }
    CHECK_INT(losses_of(&bench).sets, 12);
    CHECK_INT(give_bytes(&bench, "192.0.2.19", 1, bytes_of(&bench.message, HEAD_9("00000002") TEMPLATE_9)), RC_OK);
    CHECK_INT(records_of(&bench), 1);
    CHECK_INT(give_bytes(&bench, "192.0.2.3", 1, bytes_of(&bench.message, HEAD_9("00000002") TEMPLATE_9)), RC_OK);
    CHECK_INT(records_of(&bench), 0);
    bench_done(&bench);
    bench_init(&bench, 64, (size_t)64 << 10);
    for (unsigned i = 0; i < 64; i++) {
        snprintf(sender, sizeof sender, "192.0.2.%u", i);
        bench.now_ns = i + 1;
        CHECK_INT(give_bytes(&bench, sender, 1, bytes_of(&bench.message, HEAD_9("00000001") TEMPLATE_9 DATA_9)), RC_OK);
        CHECK_INT(records_of(&bench), 1);
        CHECK(netflow_held(bench.netflow) <= (size_t)64 << 10);
    }
    bench_done(&bench);
}

static void many_flows(void)
{
    struct bench bench;
    bench_init(&bench, 4, HELD_MAX);
    bytes_of(&bench.message, HEAD_9("00000001") "0000 000c 0100 0001 0004 0001");
    buf_be16(&bench.message, 256);
    buf_be16(&bench.message, 4 + NETFLOW_RECORDS_MAX + 1);
    for (unsigned i = 0; i < NETFLOW_RECORDS_MAX + 1; i++)
        buf_u8(&bench.message, 6);
    CHECK_INT(give_bytes(&bench, "192.0.2.1", 1, buf_view(&bench.message)), RC_OK);
    CHECK_INT(records_of(&bench), NETFLOW_RECORDS_MAX);
    CHECK_INT(losses_of(&bench).cut, 1);
    bench_done(&bench);
}

/* Each allocation fails once: nothing is lost but what is counted or refused. */
static void without_memory(void)
{
    struct bench bench;
    for (uint64_t n = 1; n < 12; n++) {
        bench_init(&bench, 4, HELD_MAX);
        bytes_of(&bench.message, HEAD_9("00000001") DATA_9 TEMPLATE_9 DATA_9);
        buf_clear(&bench.list);
        memory_fail_at(n);
        enum rc rc = netflow_take(bench.netflow, "192.0.2.1", 1, buf_view(&bench.message), 1, &bench.list);
        memory_fail_at(0);
        struct netflow_losses losses = losses_of(&bench);
        test_row("allocation %lu", (unsigned long)n);
        CHECK(rc == RC_OK || rc == RC_LIMIT);
        CHECK(records_of(&bench) == 2 || losses.sets + losses.templates + losses.broken + losses.cut > 0);
        bench_done(&bench);
    }
}

static const struct test tests[] = {
    {"version 5", version_5},
    {"version 9", version_9},
    {"waiting", waiting},
    {"options of version 9", options_9},
    {"bad templates", bad_templates},
    {"types", types},
    {"names twice", names_twice},
    {"withdrawals", withdrawals},
    {"options of IPFIX", options_10},
    {"bad messages", bad_messages},
    {"truncations and changes", truncations_and_changes},
    {"sequences", sequences},
    {"odd sequences", odd_sequences},
    {"many templates", many_templates},
    {"many sessions", many_sessions},
    {"many flows", many_flows},
    {"without memory", without_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
