/* yaml_write.c - text as a YAML scalar: the one style that can hold everything, double quotes. */
#include "codec/utf8.h"
#include "codec/yaml.h"

/* What libyaml reads as it stands and a person sees for what it is. */
static bool is_plain(uint32_t code)
{
    bool ascii = code >= 0x20 && code < 0x7f && code != '"' && code != '\\';
    bool mark = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                (code >= 0x2066 && code <= 0x2069) || code == 0xfeff || code == 0xfffe || code == 0xffff;
    return ascii || (code > 0xa0 && !mark);
}

void yaml_write_str(struct buf *buf, struct str text)
{
    buf_char(buf, '"');
    for (size_t n; text.n > 0; text = str_skip(text, n)) {
        uint32_t code;
        n = utf8_decode(text, &code);
        if (is_plain(code) && code != UTF8_REPLACEMENT)
            buf_str(buf, str_slice(text, 0, n));
        else if (code == '"' || code == '\\')
            buf_format(buf, "\\%c", (char)code);
        else if (code < 0x100)
            buf_format(buf, "\\x%02x", code);
        else if (code < 0x10000)
            buf_format(buf, "\\u%04x", code);
        else
            buf_format(buf, "\\U%08x", code);
    }
    buf_char(buf, '"');
}
