#include "agent/time_source.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Names are those of hosts, each stands once, and their own lines give the same. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (enum time_form form = TIME_NTP_LINES; form <= TIME_SYSTEMD; form++) {
        struct time_source source = {.daemon = ""}, again = {.daemon = ""};
        struct buf text;
        time_source_read(str_at(bytes, size), form, &source);
        ASSERT(source.count <= TIME_SERVERS_MAX);
        buf_init(&text, 65536);
        for (size_t i = 0; i < source.count; i++)
            buf_format(&text, "%s %s\n", form == TIME_SYSTEMD ? "NTP=" : "server", source.server[i]);
        time_source_read(buf_view(&text), form, &again);
        ASSERT(again.count == source.count);
        buf_done(&text);
    }
    return 0;
}
