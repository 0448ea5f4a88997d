#include "codec/weblog.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = str_at(bytes, size);
    struct weblog weblog;
    struct w3c w3c;
    struct str value[W3C_FIELDS_MAX];
    int64_t time_ns = 0;
    if (weblog_parse(text, &weblog))
        ASSERT(weblog.request.n + weblog.agent.n + weblog.referer.n < size && weblog.method.n <= weblog.request.n);
    if (weblog_squid(text, &weblog))
        ASSERT(weblog.request.n < size && weblog.stem.n + weblog.query.n <= weblog.request.n);
    struct str rest = text;
    struct str head = str_cut(&rest, 10);
    if (w3c_fields(head, &w3c) && w3c_row(&w3c, rest, value))
        IGNORE(w3c_time(&w3c, value, &time_ns)); /* only must not crash */
    ASSERT(!w3c_fields(head, &w3c) || w3c.count <= W3C_FIELDS_MAX);
    return 0;
}
