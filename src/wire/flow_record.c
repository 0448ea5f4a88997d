#include "wire/flow_record.h"

#include "base/civil.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "wire/ber.h"
#include "wire/flow_elements.h"

#define REVERSE_ENTERPRISE 29305u /* RFC 5103 6.1 */
#define NAME_MAX_BYTES     96u
#define NTP_BEGIN_S        UINT64_C(2208988800) /* 1970, in seconds since 1900 */
#define MILLISECONDS_MAX   UINT64_C(9000000000000)
#define AHEAD_MAX_MS       3600000u
#define MILLISECOND_NS     INT64_C(1000000)
#define MICROSECOND_NS     INT64_C(1000)

/* What was written of one record, and what its times are told by. */
struct progress {
    unsigned written;     /* bit per flow_name */
    struct str uptime[2]; /* values of flowStartSysUpTime, flowEndSysUpTime */
    struct str delta[2];
    uint64_t init_ms;
};

static const struct flow_element *element_of(const struct flow_field *field)
{
    return field->enterprise == 0 || field->enterprise == REVERSE_ENTERPRISE ? flow_element(field->id) : NULL;
}

static bool is_address(const struct flow_field *field, enum flow_kind kind)
{
    const struct flow_element *element = field->enterprise == 0 ? flow_element(field->id) : NULL;
    return element && element->kind == kind && (element->as == FLOW_SRC_IP || element->as == FLOW_DST_IP);
}

bool flow_template_finish(struct flow_template *template)
{
    bool has_ipv4 = false;
    bool has_ipv6 = false;
    template->least = 0;
    for (size_t i = 0; i < template->count; i++) {
        struct flow_field *field = &template->fields[i];
        field->nth = 1;
        for (size_t k = 0; k < i; k++)
            if (template->fields[k].id == field->id && template->fields[k].enterprise == field->enterprise)
                field->nth++;
        template->least += field->length == FLOW_VARIABLE ? 1 : field->length;
        has_ipv4 |= is_address(field, FLOW_IPV4);
        has_ipv6 |= is_address(field, FLOW_IPV6);
    }
    template->two_families = has_ipv4 &&has_ipv6;
    return template->least > 0;
}

struct str flow_value_read(struct reader *reader, const struct flow_field *field)
{
    size_t length = field->length;
    if (length == FLOW_VARIABLE) {
        length = read_u8(reader);
        if (length == 255)
            length = read_be16(reader);
    }
    return read_bytes(reader, length);
}

/* ---- values ---- */

static void time_write(struct buf *out, int64_t time_ns, int digits)
{
    char text[CIVIL_TEXT_MAX];
    json_write_str(out, str_at(text, civil_format(time_ns, 0, digits, text)));
}

static void ntp_write(struct buf *out, struct str bytes, int digits)
{
    uint64_t seconds = get_be32(bytes.p);
    uint64_t fraction = get_be32(bytes.p + 4);
    seconds += seconds < NTP_BEGIN_S ? UINT64_C(1) << 32 : 0; /* the era after 2036 */
    int64_t nanoseconds = (int64_t)((fraction * UINT64_C(1000000000)) >> 32);
    time_write(out, (int64_t)(seconds - NTP_BEGIN_S) * SECOND_NS + nanoseconds, digits);
}

static void mac_write(struct buf *out, struct str bytes)
{
    char text[18];
    struct buf mac;
    buf_init_fixed(&mac, text, sizeof text);
    for (size_t i = 0; i < bytes.n; i++) {
        if (i)
            buf_char(&mac, ':');
        buf_hex(&mac, bytes.p + i, 1);
    }
    json_write_str(out, buf_view(&mac));
}

static void float_write(struct buf *out, struct str bytes)
{
    double value;
    if (bytes.n == 4) {
        uint32_t bits = get_be32(bytes.p);
        float single;
        memcpy(&single, &bits, sizeof single);
        value = (double)single;
    } else {
        uint64_t bits = get_be64(bytes.p);
        memcpy(&value, &bits, sizeof value);
    }
    json_write_double(out, value);
}

static bool time_value_write(struct buf *out, enum flow_kind kind, struct str bytes)
{
    if (kind == FLOW_SECONDS && bytes.n == 4) {
        time_write(out, (int64_t)get_be32(bytes.p) * SECOND_NS, 0);
        return true;
    }
    if (bytes.n != 8 || kind == FLOW_SECONDS)
        return false;
    if (kind == FLOW_MILLISECONDS && get_be64(bytes.p) > MILLISECONDS_MAX)
        return false;
    if (kind == FLOW_MILLISECONDS)
        time_write(out, (int64_t)get_be64(bytes.p) * MILLISECOND_NS, 3);
    else
        ntp_write(out, bytes, kind == FLOW_MICROSECONDS ? 6 : 9);
    return true;
}

/* False when the bytes are no value of the type. */
static bool typed_write(struct buf *out, enum flow_kind kind, struct str bytes)
{
    uint64_t number = 0;
    switch (kind) {
    case FLOW_UNSIGNED:
        if (bytes.n > 8 || !ber_to_u64(bytes, &number))
            return false;
        json_write_u64(out, number);
        return true;
    case FLOW_FLOAT:
        if (bytes.n == 4 || bytes.n == 8)
            float_write(out, bytes);
        return bytes.n == 4 || bytes.n == 8;
    case FLOW_BOOLEAN: /* 1 is true and 2 is false: RFC 7011 6.1.5 */
        if (bytes.n != 1 || bytes.p[0] < 1 || bytes.p[0] > 2)
            return false;
        json_write_bool(out, bytes.p[0] == 1);
        return true;
    case FLOW_MAC:
        if (bytes.n == 6)
            mac_write(out, bytes);
        return bytes.n == 6;
    case FLOW_TEXT:
        bytes = str_trim_end(bytes, '\0');
        if (utf8_valid(bytes))
            json_write_str(out, bytes);
        return utf8_valid(bytes);
    case FLOW_IPV4:
    case FLOW_IPV6:
        if (bytes.n == (kind == FLOW_IPV4 ? 4u : 16u))
            json_write_address(out, bytes);
        return bytes.n == (kind == FLOW_IPV4 ? 4u : 16u);
    case FLOW_SECONDS:
    case FLOW_MILLISECONDS:
    case FLOW_MICROSECONDS:
    case FLOW_NANOSECONDS:
        return time_value_write(out, kind, bytes);
    case FLOW_OCTETS:
        break;
    }
    return false;
}

/* ---- fields ---- */

static void name_write(const struct flow_field *field, const struct flow_element *element, struct buf *out)
{
    char storage[NAME_MAX_BYTES];
    struct buf name;
    buf_init_fixed(&name, storage, sizeof storage);
    if (element && field->enterprise == REVERSE_ENTERPRISE)
        buf_format(&name, "reverse%c%s", element->name[0] - ('a' - 'A') * (element->name[0] >= 'a'), element->name + 1);
    else if (element)
        buf_text(&name, element->name);
    else if (field->enterprise)
        buf_format(&name, "enterprise_%u_%u", field->enterprise, (unsigned)field->id);
    else
        buf_format(&name, "ie_%u", (unsigned)field->id);
    if (field->nth > 1)
        buf_format(&name, "_%u", field->nth);
    json_write_key_slice(out, buf_view(&name));
}

static bool all_zero(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.p[i])
            return false;
    return true;
}

/* The shared name, where the record has not got it yet; the element's own otherwise. */
static void key_write(struct progress *progress, const struct flow_field *field, const struct flow_element *element,
                      struct buf *out)
{
    const char *shared = element && field->enterprise == 0 ? flow_name_text(element->as) : NULL;
    if (!shared || progress->written >> element->as & 1) {
        name_write(field, element, out);
        return;
    }
    progress->written |= 1u << element->as;
    json_write_key(out, shared);
}

static void times_note(struct progress *progress, const struct flow_field *field, struct str value)
{
    if (field->enterprise || field->nth > 1)
        return;
    if (field->id == FLOW_ID_START_UPTIME || field->id == FLOW_ID_END_UPTIME)
        progress->uptime[field->id == FLOW_ID_END_UPTIME] = value;
    if (field->id == FLOW_ID_START_DELTA || field->id == FLOW_ID_END_DELTA)
        progress->delta[field->id == FLOW_ID_END_DELTA] = value;
    if (field->id == FLOW_ID_SYSTEM_INIT && value.n == 8)
        progress->init_ms = get_be64(value.p);
}

static void field_write(struct progress *progress, const struct flow_template *template, const struct flow_field *field,
                        struct str value, struct buf *out)
{
    const struct flow_element *element = element_of(field);
    bool padding = field->enterprise == 0 && field->id == FLOW_ID_PADDING;
    bool other_family =
        template->two_families && all_zero(value) && (is_address(field, FLOW_IPV4) || is_address(field, FLOW_IPV6));
    if (value.n == 0 || padding || other_family)
        return;
    times_note(progress, field, value);
    key_write(progress, field, element, out);
    if (!element || !typed_write(out, element->kind, value))
        json_write_hex(out, value);
}

/* How long before `now` a moment was; both count milliseconds since the device began, and pass zero every 50 days. A
 * moment a little after `now` is what some devices say of flows that go on. */
static int64_t before_ms(uint32_t now, uint32_t moment)
{
    uint32_t difference = now - moment;
    return difference > UINT32_MAX - AHEAD_MAX_MS ? -(int64_t)(moment - now) : (int64_t)difference;
}

/* When the flow began or ended, where its record counts from another clock. */
static bool moment_find(const struct progress *progress, const struct flow_context *context, size_t which,
                        int64_t *ret_ns)
{
    uint64_t number = 0;
    struct str uptime = progress->uptime[which];
    uint64_t init_ms = progress->init_ms ? progress->init_ms : context->init_ms;
    if (progress->delta[which].n == 4) {
        *ret_ns = context->export_ns - (int64_t)get_be32(progress->delta[which].p) * MICROSECOND_NS;
        return true;
    }
    if (uptime.n == 4 && context->has_uptime) {
        *ret_ns = context->export_ns - before_ms(context->uptime_ms, get_be32(uptime.p)) * MILLISECOND_NS;
        return true;
    }
    if (!ber_to_u64(uptime, &number) || !init_ms || number > MILLISECONDS_MAX || init_ms > MILLISECONDS_MAX)
        return false;
    *ret_ns = (int64_t)(init_ms + number) * MILLISECOND_NS;
    return true;
}

static void moments_write(const struct progress *progress, const struct flow_context *context, struct buf *out)
{
    for (size_t which = 0; which < 2; which++) {
        enum flow_name name = which == 0 ? FLOW_START : FLOW_END;
        int64_t moment_ns;
        if (progress->written >> name & 1 || !moment_find(progress, context, which, &moment_ns))
            continue;
        json_write_key(out, flow_name_text(name));
        time_write(out, moment_ns, progress->delta[which].n ? 6 : 3);
    }
}

bool flow_record_write(struct reader *reader, const struct flow_template *template, const struct flow_context *context,
                       struct buf *out)
{
    struct progress progress = {0};
    json_write_object(out);
    json_put_text(out, "flow_export", context->version);
    json_put_text(out, "exporter", context->exporter);
    json_put_u64(out, "observation_domain", context->domain);
    json_write_key(out, "export_time");
    time_write(out, context->export_ns, context->digits);
    if (context->sampling)
        json_put_u64(out, "sampling", context->sampling);
    for (size_t i = 0; i < template->count && !reader->failed; i++) {
        struct str value = flow_value_read(reader, &template->fields[i]);
        if (!reader->failed)
            field_write(&progress, template, &template->fields[i], value, out);
    }
    moments_write(&progress, context, out);
    json_write_object_end(out);
    return !reader->failed;
}
