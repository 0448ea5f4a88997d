#include "codec/xml.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool begin(void *context, uint32_t depth, struct str name, const struct xml_attributes *attributes)
{
    uint32_t *open = context;
    ASSERT(depth == ++*open && depth <= XML_DEPTH_MAX && name.p);
    return xml_attribute(attributes, "refuse").n == 0;
}

static bool end(void *context, uint32_t depth, struct str name, struct str text)
{
    uint32_t *open = context;
    ASSERT(depth == (*open)-- && name.p && text.n <= 4096);
    return true;
}

/* What begins ends in its order, and a text that was put reads back. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint32_t open = 0;
    struct xml_handler handler = {&open, 4096, begin, end};
    if (xml_read(str_at(bytes, size), &handler, NULL) == RC_OK)
        ASSERT(open == 0);
    return 0;
}
