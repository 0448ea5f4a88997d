/* xml.h - a document of elements, walked from its beginning to its end; libxml2 stands behind it.
 *
 * An element is known by its path, the names from the root on without their prefixes: "report/results/result/host".
 * Nothing is fetched, no entity can be declared, nothing recurses. A document type without declarations is passed over.
 * Encodings that a document names are those that libxml2 knows; what is given is UTF-8.
 *
 * Limits: a depth of XML_DEPTH_MAX, paths of XML_PATH_MAX bytes, XML_TEXT_MAX bytes of text that is open at once (what
 * is longer is cut at a character), and libxml2's own for names and attributes. */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define XML_DEPTH_MAX 64u
#define XML_PATH_MAX  2048u
#define XML_TEXT_MAX  ((size_t)1 << 20)

struct xml_attributes; /* of one element */

/* All slices are borrowed until return. False ends the walk. */
struct xml_sink {
    bool (*begin)(void *context, struct str path, const struct xml_attributes *attributes);
    /* text: the element's own, without that of the elements in it. */
    bool (*end)(void *context, struct str path, struct str text);
    /* May be NULL. So many bytes of the document were read: also inside of one long text. */
    bool (*fed)(void *context, size_t bytes);
};

/* The first one of that name; {NULL, 0} when there is none. */
struct str xml_attribute(const struct xml_attributes *attributes, const char *name);

/* RC_END: a callback ended it. RC_INVALID: not well-formed. RC_DENIED: it declares an entity. RC_LIMIT. The last three
 * name the line, err->offset is its number. */
enum rc xml_walk(struct str text, const struct xml_sink *sink, void *context, struct err *err) MUST_USE;

#endif
