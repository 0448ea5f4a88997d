#include "wire/snmp.h"

#include "base/assert.h"
#include "codec/json.h"
#include "codec/utf8.h"

#define PDU_TRAP_V1 0xa4u
#define PDU_INFORM  0xa6u
#define PDU_TRAP_V2 0xa7u
#define PDU_ANSWER  0xa2u

#define GENERIC_ENTERPRISE 6 /* of version 1: what it is stands in `specific` */

#define OID_UPTIME STR("1.3.6.1.2.1.1.3.0")
#define OID_TRAP   STR("1.3.6.1.6.3.1.1.4.1.0")
#define OID_TRAPS  "1.3.6.1.6.3.1.1.5." /* the generic ones, snmpTraps */

/* Tags of values: RFC 1155, RFC 2578 7.1, RFC 3416 3. */
#define TAG_ADDRESS   0x40u
#define TAG_COUNTER32 0x41u
#define TAG_GAUGE32   0x42u
#define TAG_TICKS     0x43u
#define TAG_OPAQUE    0x44u
#define TAG_COUNTER64 0x46u
#define TAG_NO_OBJECT 0x80u
#define TAG_NO_MORE   0x82u

enum shape { SIGNED, UNSIGNED, TEXT, HEX, ADDRESS, OID, NOTHING };

static const struct type_row {
    uint8_t tag;
    const char *name;
    enum shape shape;
} type_rows[] = {
    {BER_INTEGER, "integer", SIGNED},
    {BER_OCTETS, "octets", TEXT},
    {BER_NULL, "null", NOTHING},
    {BER_OID, "oid", OID},
    {TAG_ADDRESS, "address", ADDRESS},
    {TAG_COUNTER32, "counter32", UNSIGNED},
    {TAG_GAUGE32, "gauge32", UNSIGNED},
    {TAG_TICKS, "timeticks", UNSIGNED},
    {TAG_OPAQUE, "opaque", HEX},
    {TAG_COUNTER64, "counter64", UNSIGNED},
    {TAG_NO_OBJECT, "no_such_object", NOTHING},
    {0x81, "no_such_instance", NOTHING},
    {TAG_NO_MORE, "end_of_view", NOTHING},
};

static const struct type_row *type_find(uint8_t tag)
{
    for (size_t i = 0; i < ARRAY_LEN(type_rows); i++)
        if (type_rows[i].tag == tag)
            return &type_rows[i];
    return NULL;
}

struct binding {
    char oid_storage[BER_OID_TEXT_MAX];
    struct str oid; /* in figures */
    const struct type_row *type;
    struct str value;
};

/* Whether the value's content is what its type says. */
static bool value_valid(const struct type_row *type, struct str value)
{
    char storage[BER_OID_TEXT_MAX];
    struct buf text;
    int64_t number;
    uint64_t count;
    buf_init_fixed(&text, storage, sizeof storage);
    switch (type->shape) {
    case SIGNED:
        return ber_to_i64(value, &number);
    case UNSIGNED:
        return ber_to_u64(value, &count);
    case OID:
        return ber_oid_text(value, &text);
    case ADDRESS:
        return value.n == 4;
    case NOTHING:
        return value.n == 0;
    case TEXT:
    case HEX:
        break;
    }
    return true;
}

/* The next binding of a list; the reader fails where none stands. */
static void binding_read(struct reader *list, struct binding *ret_binding)
{
    struct reader reader = reader_of(read_ber_of(list, BER_SEQUENCE));
    struct str oid = read_ber_of(&reader, BER_OID);
    uint8_t tag;
    struct buf text;
    ret_binding->value = read_ber(&reader, &tag);
    ret_binding->type = type_find(tag);
    buf_init_fixed(&text, ret_binding->oid_storage, sizeof ret_binding->oid_storage);
    if (!reader_done(&reader) || !ret_binding->type || !ber_oid_text(oid, &text) ||
        !value_valid(ret_binding->type, ret_binding->value))
        list->failed = true;
    ret_binding->oid = buf_view(&text);
}

/* ---- reading ---- */

static enum rc refuse(enum rc rc, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return rc;
}

static enum rc bindings_check(struct snmp_message *message, const char **ret_reason)
{
    struct reader list = reader_of(message->bindings);
    struct binding binding;
    size_t count = 0;
    for (; reader_left(&list) && !list.failed; count++) {
        if (count == SNMP_BINDINGS_MAX)
            return refuse(RC_LIMIT, "a notification had more variable bindings than the limit", ret_reason);
        binding_read(&list, &binding);
    }
    return list.failed ? refuse(RC_INVALID, "a variable binding does not read", ret_reason) : RC_OK;
}

/* An OID's text, kept in the message. */
static bool oid_keep(struct snmp_message *message, size_t place, struct str content, const char *tail,
                     struct str *ret_text)
{
    struct buf text;
    buf_init_fixed(&text, message->storage + place * BER_OID_TEXT_MAX, BER_OID_TEXT_MAX);
    bool good = ber_oid_text(content, &text);
    buf_text(&text, tail);
    *ret_text = buf_view(&text);
    return good && !text.overflow;
}

static enum rc trap_v1_read(struct reader *pdu, struct snmp_message *message, const char **ret_reason)
{
    uint8_t tag;
    char tail[32];
    struct buf text;
    struct str enterprise = read_ber_of(pdu, BER_OID);
    struct str agent = read_ber_of(pdu, TAG_ADDRESS);
    message->generic = read_ber_integer(pdu);
    message->specific = read_ber_integer(pdu);
    struct str ticks = read_ber(pdu, &tag);
    message->bindings = read_ber_of(pdu, BER_SEQUENCE);
    if (!reader_done(pdu) || tag != TAG_TICKS || !ber_to_u64(ticks, &message->uptime) || agent.n != 4 ||
        message->generic < 0 || message->generic > GENERIC_ENTERPRISE || message->specific < 0 ||
        !oid_keep(message, 0, enterprise, "", &message->enterprise))
        return refuse(RC_INVALID, "a trap of version 1 does not read", ret_reason);
    if (get_be32(agent.p) != 0)
        message->agent = agent;
    if (message->generic == GENERIC_ENTERPRISE) {
        buf_init_fixed(&text, tail, sizeof tail);
        buf_text(&text, ".0.");
        buf_i64(&text, message->specific);
        if (!oid_keep(message, 1, enterprise, buf_z(&text), &message->trap))
            return refuse(RC_INVALID, "a trap of version 1 does not read", ret_reason);
        return bindings_check(message, ret_reason);
    }
    buf_init_fixed(&text, message->storage + BER_OID_TEXT_MAX, BER_OID_TEXT_MAX);
    buf_text(&text, OID_TRAPS);
    buf_i64(&text, message->generic + 1);
    message->trap = buf_view(&text);
    return bindings_check(message, ret_reason);
}

/* sysUpTime.0 and snmpTrapOID.0 stand first, in this order: RFC 3416 4.2.6. */
static enum rc trap_v2_read(struct reader *pdu, struct snmp_message *message, const char **ret_reason)
{
    message->request_id = read_ber_integer(pdu);
    int64_t error = read_ber_integer(pdu);
    int64_t index = read_ber_integer(pdu);
    struct str bindings = read_ber_of(pdu, BER_SEQUENCE);
    if (!reader_done(pdu) || error != 0 || index != 0)
        return refuse(RC_INVALID, "a notification does not read", ret_reason);
    struct reader list = reader_of(bindings);
    struct binding binding;
    binding_read(&list, &binding);
    if (list.failed || !str_eq(binding.oid, OID_UPTIME) || binding.type->tag != TAG_TICKS ||
        !ber_to_u64(binding.value, &message->uptime))
        return refuse(RC_INVALID, "a notification does not begin with sysUpTime.0", ret_reason);
    binding_read(&list, &binding);
    if (list.failed || !str_eq(binding.oid, OID_TRAP) || binding.type->tag != BER_OID ||
        !oid_keep(message, 1, binding.value, "", &message->trap))
        return refuse(RC_INVALID, "a notification does not say snmpTrapOID.0", ret_reason);
    message->bindings = str_skip(bindings, list.at);
    return bindings_check(message, ret_reason);
}

enum rc snmp_pdu_read(struct reader *reader, struct str whole, struct snmp_message *message, const char **ret_reason)
{
    uint8_t tag;
    message->pdu_at = (size_t)(reader->in.p - whole.p) + reader->at;
    struct reader pdu = reader_of(read_ber(reader, &tag));
    if (!reader_done(reader))
        return refuse(RC_INVALID, "a datagram was no SNMP message", ret_reason);
    if (tag == PDU_TRAP_V1 && message->version == SNMP_V1)
        return trap_v1_read(&pdu, message, ret_reason);
    message->inform = tag == PDU_INFORM;
    if ((tag == PDU_TRAP_V2 || tag == PDU_INFORM) && message->version != SNMP_V1)
        return trap_v2_read(&pdu, message, ret_reason);
    return refuse(RC_DENIED, "a message asked for something: only notifications are taken", ret_reason);
}

enum rc snmp_read(struct str datagram, struct snmp_message *ret_message, const char **ret_reason)
{
    struct reader outer = reader_of(datagram);
    struct reader reader = reader_of(read_ber_of(&outer, BER_SEQUENCE));
    int64_t version = read_ber_integer(&reader);
    *ret_message = (struct snmp_message){.version = version == 0 ? SNMP_V1 : SNMP_V2C};
    if (!reader_done(&outer) || reader.failed)
        return refuse(RC_INVALID, "a datagram was no SNMP message", ret_reason);
    if (version == 3) {
        ret_message->version = SNMP_V3;
        return refuse(RC_DENIED, "a message was of SNMP version 3, for which there are no users", ret_reason);
    }
    if (version != 0 && version != 1)
        return refuse(RC_DENIED, "a message was of an unknown version of SNMP", ret_reason);
    ret_message->community = read_ber_of(&reader, BER_OCTETS);
    if (reader.failed || ret_message->community.n > SNMP_COMMUNITY_MAX)
        return refuse(RC_INVALID, "a datagram was no SNMP message", ret_reason);
    return snmp_pdu_read(&reader, datagram, ret_message, ret_reason);
}

/* ---- writing ---- */

/* Text that people write: valid, and without control characters but blanks and line ends. */
static bool readable(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        if ((uint8_t)bytes.p[i] < ' ' && !char_is_space(bytes.p[i]))
            return false;
    return utf8_valid(bytes);
}

static void oid_write(struct buf *out, struct str content)
{
    char storage[BER_OID_TEXT_MAX];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    bool good = ber_oid_text(content, &text);
    ASSERT(good); /* value_valid looked */
    json_write_str(out, buf_view(&text));
}

static void value_write(struct buf *out, const struct binding *binding, enum snmp_value meant)
{
    int64_t number = 0;
    uint64_t count = 0;
    bool good = true;
    switch (binding->type->shape) {
    case SIGNED:
        good = ber_to_i64(binding->value, &number);
        json_write_int(out, number);
        break;
    case UNSIGNED:
        good = ber_to_u64(binding->value, &count);
        json_write_u64(out, count);
        break;
    case ADDRESS:
        json_write_address(out, binding->value);
        break;
    case OID:
        oid_write(out, binding->value);
        break;
    case TEXT:
        if (meant == SNMP_ADDRESS && (binding->value.n == 4 || binding->value.n == 16))
            json_write_address(out, binding->value);
        else if (readable(binding->value))
            json_write_str(out, binding->value);
        else
            json_write_hex(out, binding->value);
        break;
    case HEX:
        json_write_hex(out, binding->value);
        break;
    case NOTHING:
        json_write_null(out);
        break;
    }
    ASSERT(good);
}

/* The bindings that rules ask for by name, each once: a second instance of an object is in the list alone. */
static void named_write(const struct snmp_message *message, struct buf *out)
{
    struct reader list = reader_of(message->bindings);
    struct binding binding;
    uint64_t written = 0;
    while (reader_left(&list)) {
        binding_read(&list, &binding);
        const struct snmp_object *object = snmp_object_find(binding.oid);
        if (!object || object->value == SNMP_SECRET)
            continue;
        uint64_t bit = UINT64_C(1) << snmp_object_place(object);
        if (written & bit)
            continue;
        written |= bit;
        json_write_key(out, object->name);
        value_write(out, &binding, object->value);
    }
}

static void bindings_write(const struct snmp_message *message, struct buf *out)
{
    struct reader list = reader_of(message->bindings);
    struct binding binding;
    json_write_key(out, "varbinds");
    json_write_array(out);
    while (reader_left(&list)) {
        binding_read(&list, &binding);
        const struct snmp_object *object = snmp_object_find(binding.oid);
        json_write_object(out);
        json_put_str(out, "oid", binding.oid);
        json_put_text(out, "type", binding.type->name);
        json_write_key(out, "value");
        if (object && object->value == SNMP_SECRET)
            json_write_text(out, "withheld");
        else
            value_write(out, &binding, SNMP_AS_IT_IS);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

/* Who vouches for a notification of version 3. */
static void user_write(const struct snmp_message *message, struct buf *out)
{
    json_put_str(out, "snmp_user", message->user);
    json_put_text(out, "snmp_level", message->encrypted ? "authPriv" : "authNoPriv");
    json_write_key(out, "snmp_engine");
    json_write_hex(out, message->engine);
    if (message->context.n)
        json_put_str(out, "snmp_context", message->context);
}

void snmp_record_write(const struct snmp_message *message, const char *sender, struct buf *out)
{
    static const char *const versions[] = {[SNMP_V1] = "1", [SNMP_V2C] = "2c", [SNMP_V3] = "3"};
    const char *name = snmp_trap_name(message->trap);
    json_write_object(out);
    json_put_text(out, "snmp_version", versions[message->version]);
    json_put_text(out, "snmp_pdu", message->inform ? "inform" : "trap");
    if (message->version == SNMP_V3)
        user_write(message, out);
    json_put_text(out, "sender", sender);
    json_write_key(out, "agent");
    if (message->agent.n)
        json_write_address(out, message->agent);
    else
        json_write_text(out, sender);
    if (name)
        json_put_text(out, "trap", name);
    else
        json_put_str(out, "trap", message->trap);
    json_put_str(out, "trap_oid", message->trap);
    if (message->version == SNMP_V1) {
        json_put_str(out, "enterprise", message->enterprise);
        json_put_int(out, "generic_trap", message->generic);
        json_put_int(out, "specific_trap", message->specific);
    } else {
        json_put_int(out, "request_id", message->request_id);
    }
    json_put_u64(out, "uptime", message->uptime);
    named_write(message, out);
    bindings_write(message, out);
    json_write_object_end(out);
}

void snmp_answer_write(const struct snmp_message *message, struct str datagram, struct buf *out)
{
    ASSERT(message->inform && message->pdu_at < datagram.n && (uint8_t)datagram.p[message->pdu_at] == PDU_INFORM);
    size_t before = out->n;
    buf_str(out, datagram);
    if (!out->overflow)
        out->p[before + message->pdu_at] = (char)PDU_ANSWER;
}
