/* xml.h - XML as elements that begin and end, read by libxml2's SAX reader: no tree, no document type, no entities but
 * XML's five, nothing opened. For protocols; events of Windows have winevent.h. Names are without their prefix. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XML_DEPTH_MAX 64u /* elements that are open at once */

/* Of the element that begins; gone after the call. */
struct xml_attributes {
    const unsigned char **pairs; /* libxml2's: name, value, ..., NULL */
};

struct xml_handler {
    void *context;
    size_t text_max; /* bytes of one element's text, at most 10 MB (libxml2's own limit) */
    /* The root has depth 1. False refuses the document. */
    bool (*begin)(void *context, uint32_t depth, struct str name, const struct xml_attributes *attributes);
    /* The text that stood right in it, when no element did: CDATA or not, as it is. Else the empty slice. */
    bool (*end)(void *context, uint32_t depth, struct str name, struct str text);
};

/* `text` is valid UTF-8, whatever encoding it declares. RC_INVALID: not well-formed, a document type, too deep, or
 * refused by the handler; RC_LIMIT: a text is too long, or no memory. What was told before is what stood before it. */
enum rc xml_read(struct str text, const struct xml_handler *handler, struct err *err) MUST_USE;
/* The attribute's value; {NULL, 0} when it has none of this name. */
struct str xml_attribute(const struct xml_attributes *attributes, const char *name);
/* Puts a text so that it reads back the same as an element's text or an attribute's value in double quotes. */
void xml_put(struct buf *out, struct str text);

#endif
