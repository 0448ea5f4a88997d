#include "wire/snmp_v3.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is read lies in the datagram, the MAC where it is said to be; what is written of it reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str datagram = str_at(bytes, size);
    struct snmp_message message;
    struct snmp_v3 head;
    struct snmp_v3 again;
    const char *reason = NULL;
    struct buf out;
    if (snmp_v3_read(datagram, &head, &reason) != RC_OK)
        return 0;
    ASSERT(head.mac_at + head.mac_n <= size && head.data.n <= size && (!head.encrypted || head.salt.n == SNMP_V3_SALT));
    IGNORE(snmp_v3_scoped_read(head.data, &message, &reason) == RC_OK);
    head.salt = str_slice(head.salt, 0, SNMP_V3_SALT);
    buf_init(&out, 1 << 20);
    size_t mac_at = snmp_v3_write(&head, &out);
    ASSERT(!out.overflow && snmp_v3_read(buf_view(&out), &again, &reason) == RC_OK);
    ASSERT(again.mac_n == head.mac_n && (head.mac_n == 0 || again.mac_at == mac_at) && str_eq(again.data, head.data));
    ASSERT(str_eq(again.user, head.user) && str_eq(again.engine, head.engine) && again.boots == head.boots &&
           again.time == head.time && again.id == head.id);
    buf_clear(&out);
    snmp_v3_report_write(SNMP_V3_UNKNOWN_ENGINE, STR("engine"), head.data, 1, &out);
    ASSERT(!out.overflow);
    buf_done(&out);
    return 0;
}
