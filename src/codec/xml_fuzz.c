#include "codec/xml.h"

#include "base/assert.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool on_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    int *open = context;
    ASSERT(path.n > 0 && path.n <= XML_PATH_MAX && ++*open <= (int)XML_DEPTH_MAX);
    struct str value = xml_attribute(attributes, "a");
    return utf8_valid(value.p ? value : STR(""));
}

static bool on_end(void *context, struct str path, struct str text)
{
    int *open = context;
    ASSERT(path.n > 0 && (*open)-- > 0 && text.n <= XML_TEXT_MAX && utf8_valid(text));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct xml_sink sink = {on_begin, on_end, NULL};
    struct err err = {0};
    int open = 0;
    enum rc rc = xml_walk(str_at(bytes, size), &sink, &open, &err);
    ASSERT(rc == RC_OK ? open == 0 : rc == RC_INVALID || rc == RC_DENIED || rc == RC_LIMIT || rc == RC_END);
    return 0;
}
