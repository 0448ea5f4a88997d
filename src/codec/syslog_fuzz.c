#include "codec/syslog.h"

#include "base/assert.h"
#include "codec/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void inside(struct str line, struct str part)
{
    ASSERT(part.n == 0 || (part.p >= line.p && part.p + part.n <= line.p + line.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str line = str_at(bytes, size);
    struct syslog s;
    int64_t time_ns = 0;
    syslog_parse(line, INT64_C(1795198500000000000), 18000, &s);
    inside(line, s.host);
    inside(line, s.app);
    inside(line, s.procid);
    inside(line, s.msgid);
    inside(line, s.sequence);
    inside(line, s.sd);
    inside(line, s.message);
    ASSERT(s.facility >= -1 && s.facility < 24 && s.severity >= -1 && s.severity < 8);
    struct arena *arena = arena_new(1 << 20);
    struct syslog_sd sd = syslog_sd_of(s.sd.n > 0 ? s.sd : line);
    struct syslog_param param;
    while (syslog_sd_next(&sd, &param))
        ASSERT(arena == NULL || syslog_param_text(arena, &param).n <= param.value.n);
    arena_free(arena);
    IGNORE(timestamp_any(line, INT64_MIN, -18000, &time_ns)); /* only must not crash */
    IGNORE(timestamp_any(line, INT64_MAX, 18000, &time_ns));
    return 0;
}
