#include "wire/snmp_v3.h"

#include "base/assert.h"

#include <string.h>

#define FLAG_AUTHENTICATED 1u
#define FLAG_ENCRYPTED     2u
#define FLAG_REPORTABLE    4u
#define MODEL_USER_BASED   3
#define PDU_REPORT         0xa8u
#define TAG_COUNTER32      0x41u
#define MESSAGE_SIZE       65507 /* the longest that we take */
#define PART_MAX           256u  /* bytes of the head's parts */

static enum rc refuse(enum rc rc, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return rc;
}

/* usmSecurityParameters: a sequence inside an octet string. */
static bool parameters_read(struct str bytes, struct str datagram, struct snmp_v3 *head)
{
    struct reader outer = reader_of(bytes);
    struct reader reader = reader_of(read_ber_of(&outer, BER_SEQUENCE));
    head->engine = read_ber_of(&reader, BER_OCTETS);
    int64_t boots = read_ber_integer(&reader);
    int64_t time = read_ber_integer(&reader);
    head->user = read_ber_of(&reader, BER_OCTETS);
    struct str mac = read_ber_of(&reader, BER_OCTETS);
    head->salt = read_ber_of(&reader, BER_OCTETS);
    if (!reader_done(&reader) || !reader_done(&outer) || boots < 0 || boots > INT32_MAX || time < 0 ||
        time > INT32_MAX || head->engine.n > SNMP_V3_ENGINE_MAX || head->user.n > SNMP_V3_USER_MAX ||
        mac.n > SNMP_V3_MAC_MAX)
        return false;
    head->boots = (uint32_t)boots;
    head->time = (uint32_t)time;
    head->mac_n = mac.n;
    head->mac_at = mac.n ? (size_t)(mac.p - datagram.p) : 0;
    return !head->encrypted || head->salt.n == SNMP_V3_SALT;
}

enum rc snmp_v3_read(struct str datagram, struct snmp_v3 *ret_head, const char **ret_reason)
{
    struct reader outer = reader_of(datagram);
    struct reader reader = reader_of(read_ber_of(&outer, BER_SEQUENCE));
    *ret_head = (struct snmp_v3){0};
    int64_t version = read_ber_integer(&reader);
    struct reader global = reader_of(read_ber_of(&reader, BER_SEQUENCE));
    ret_head->id = read_ber_integer(&global);
    int64_t size = read_ber_integer(&global);
    struct str flags = read_ber_of(&global, BER_OCTETS);
    int64_t model = read_ber_integer(&global);
    struct str parameters = read_ber_of(&reader, BER_OCTETS);
    uint8_t tag;
    struct str rest = str_skip(reader.in, reader.at);
    struct str data = read_ber(&reader, &tag);
    if (!reader_done(&reader) || !reader_done(&outer) || !reader_done(&global) || version != 3 || flags.n != 1 ||
        size < 0 || ret_head->id < 0 || ret_head->id > INT32_MAX)
        return refuse(RC_INVALID, "a message of SNMP version 3 does not read", ret_reason);
    if (model != MODEL_USER_BASED)
        return refuse(RC_DENIED, "a message of SNMP version 3 was of another security model than USM", ret_reason);
    ret_head->authenticated = (uint8_t)flags.p[0] & FLAG_AUTHENTICATED;
    ret_head->encrypted = (uint8_t)flags.p[0] & FLAG_ENCRYPTED;
    ret_head->reportable = (uint8_t)flags.p[0] & FLAG_REPORTABLE;
    ret_head->data = ret_head->encrypted ? data : rest;
    if (tag != (ret_head->encrypted ? BER_OCTETS : BER_SEQUENCE) || (ret_head->encrypted && !ret_head->authenticated) ||
        !parameters_read(parameters, datagram, ret_head))
        return refuse(RC_INVALID, "a message of SNMP version 3 does not read", ret_reason);
    return RC_OK;
}

enum rc snmp_v3_scoped_read(struct str scoped, struct snmp_message *ret_message, const char **ret_reason)
{
    struct reader outer = reader_of(scoped);
    struct reader reader = reader_of(read_ber_of(&outer, BER_SEQUENCE));
    *ret_message = (struct snmp_message){.version = SNMP_V3};
    read_ber_of(&reader, BER_OCTETS); /* contextEngineID */
    ret_message->context = read_ber_of(&reader, BER_OCTETS);
    if (reader.failed || ret_message->context.n > SNMP_COMMUNITY_MAX)
        return refuse(RC_INVALID, "the scoped PDU of a message does not read", ret_reason);
    return snmp_pdu_read(&reader, scoped, ret_message, ret_reason);
}

/* ---- writing ---- */

size_t snmp_v3_write(const struct snmp_v3 *head, struct buf *out)
{
    static const char zeroes[SNMP_V3_MAC_MAX];
    char storage[4][PART_MAX];
    struct buf
        parts[4]; /* global data, security parameters, these as an octet string, all that stands before the data */
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_init_fixed(&parts[i], storage[i], PART_MAX);
    char flags = (char)((head->authenticated ? FLAG_AUTHENTICATED : 0) | (head->encrypted ? FLAG_ENCRYPTED : 0) |
                        (head->reportable ? FLAG_REPORTABLE : 0));
    ber_put_integer(&parts[0], head->id);
    ber_put_integer(&parts[0], MESSAGE_SIZE);
    ber_put(&parts[0], BER_OCTETS, str_at(&flags, 1));
    ber_put_integer(&parts[0], MODEL_USER_BASED);
    ber_put(&parts[1], BER_OCTETS, head->engine);
    ber_put_integer(&parts[1], head->boots);
    ber_put_integer(&parts[1], head->time);
    ber_put(&parts[1], BER_OCTETS, head->user);
    ber_put(&parts[1], BER_OCTETS, str_at(zeroes, head->mac_n));
    size_t behind = 2 + head->salt.n; /* of the MAC, in the parameters */
    ber_put(&parts[1], BER_OCTETS, head->salt);
    ber_put(&parts[2], BER_SEQUENCE, buf_view(&parts[1]));
    ber_put_integer(&parts[3], 3);
    ber_put(&parts[3], BER_SEQUENCE, buf_view(&parts[0]));
    ber_put(&parts[3], BER_OCTETS, buf_view(&parts[2]));
    ASSERT(!parts[3].overflow && head->salt.n <= SNMP_V3_SALT && head->mac_n <= SNMP_V3_MAC_MAX);
    struct buf whole;
    buf_init(&whole, (size_t)1 << 17);
    buf_str(&whole, buf_view(&parts[3]));
    if (head->encrypted)
        ber_put(&whole, BER_OCTETS, head->data);
    else
        buf_str(&whole, head->data);
    size_t before = out->n;
    ber_put(out, BER_SEQUENCE, buf_view(&whole));
    out->overflow |= whole.overflow;
    size_t mac_at = out->overflow ? before : out->n - whole.n + parts[3].n - behind - head->mac_n;
    buf_done(&whole);
    return mac_at;
}

/* The request id of whatever PDU stands in it; 0 when none can be read. */
static int64_t request_id_of(struct str scoped)
{
    uint8_t tag;
    struct reader outer = reader_of(scoped);
    struct reader reader = reader_of(read_ber_of(&outer, BER_SEQUENCE));
    read_ber_of(&reader, BER_OCTETS);
    read_ber_of(&reader, BER_OCTETS);
    struct reader pdu = reader_of(read_ber(&reader, &tag));
    int64_t id = read_ber_integer(&pdu);
    return pdu.failed || reader.failed ? 0 : id;
}

void snmp_v3_report_write(enum snmp_v3_report report, struct str engine, struct str scoped, uint32_t count,
                          struct buf *out)
{
    /* usmStatsNotInTimeWindows.0 and usmStatsUnknownEngineIDs.0: RFC 3414 5. */
    const struct str oid = report == SNMP_V3_NOT_IN_TIME ? STR("\x2b\x06\x01\x06\x03\x0f\x01\x01\x02\x00")
                                                         : STR("\x2b\x06\x01\x06\x03\x0f\x01\x01\x04\x00");
    const char number[] = {0, (char)(count >> 24), (char)(count >> 16), (char)(count >> 8), (char)count};
    char storage[4][PART_MAX];
    struct buf parts[4]; /* binding, list, PDU's content, scoped PDU's content */
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_init_fixed(&parts[i], storage[i], PART_MAX);
    ber_put(&parts[0], BER_OID, oid);
    ber_put(&parts[0], TAG_COUNTER32, str_at(number, sizeof number));
    ber_put(&parts[1], BER_SEQUENCE, buf_view(&parts[0]));
    ber_put_integer(&parts[2], request_id_of(scoped));
    ber_put_integer(&parts[2], 0);
    ber_put_integer(&parts[2], 0);
    ber_put(&parts[2], BER_SEQUENCE, buf_view(&parts[1]));
    ber_put(&parts[3], BER_OCTETS, engine);
    ber_put(&parts[3], BER_OCTETS, STR_NONE);
    ber_put(&parts[3], PDU_REPORT, buf_view(&parts[2]));
    ASSERT(!parts[3].overflow);
    ber_put(out, BER_SEQUENCE, buf_view(&parts[3]));
}
