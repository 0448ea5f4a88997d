#include "codec/xml.h"

#include "base/arena.h"
#include "base/assert.h"

#include <libxml/parser.h>

struct walk {
    const struct xml_handler *handler;
    xmlParserCtxtPtr parser;
    struct buf text; /* of the innermost element */
    uint32_t depth;
    bool refused;
    bool children[XML_DEPTH_MAX]; /* an element stood in it */
};

static struct str text_of(const xmlChar *text)
{
    return text ? str_of((const char *)text) : STR_NONE;
}

static struct str local_name(const xmlChar *name)
{
    struct str text = text_of(name);
    size_t colon = str_find(text, ':');
    return colon < text.n ? str_skip(text, colon + 1) : text;
}

static void refuse(struct walk *walk)
{
    walk->refused = true;
    xmlStopParser(walk->parser);
}

static void on_start(void *context, const xmlChar *qualified, const xmlChar **pairs)
{
    struct walk *walk = context;
    struct xml_attributes attributes = {pairs};
    if (walk->refused)
        return;
    if (walk->depth == XML_DEPTH_MAX) {
        refuse(walk);
        return;
    }
    if (walk->depth)
        walk->children[walk->depth - 1] = true;
    walk->children[walk->depth++] = false;
    buf_clear(&walk->text);
    if (!walk->handler->begin(walk->handler->context, walk->depth, local_name(qualified), &attributes))
        refuse(walk);
}

static void on_end(void *context, const xmlChar *qualified)
{
    struct walk *walk = context;
    if (walk->refused || !walk->depth)
        return;
    struct str text = walk->children[walk->depth - 1] ? STR_NONE : buf_view(&walk->text);
    if (!walk->handler->end(walk->handler->context, walk->depth, local_name(qualified), text))
        refuse(walk);
    walk->depth--;
    buf_clear(&walk->text);
}

static void on_text(void *context, const xmlChar *text, int n)
{
    struct walk *walk = context;
    if (walk->refused || !walk->depth || walk->children[walk->depth - 1])
        return; /* the blanks between elements */
    buf_put(&walk->text, (const char *)text, (size_t)n);
    if (walk->text.overflow)
        refuse(walk);
}

static void on_document_type(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    (void)name, (void)external_id, (void)system_id;
    refuse(context);
}

enum rc xml_read(struct str text, const struct xml_handler *handler, struct err *err)
{
    xmlSAXHandler sax = {.initialized = 1,
                         .startElement = on_start,
                         .endElement = on_end,
                         .characters = on_text,
                         .ignorableWhitespace = on_text,
                         .cdataBlock = on_text,
                         .internalSubset = on_document_type};
    struct walk walk = {.handler = handler};
    ASSERT(handler->begin && handler->end);
    buf_init(&walk.text, handler->text_max);
    walk.parser = xmlCreatePushParserCtxt(&sax, &walk, NULL, 0, NULL);
    enum rc rc = walk.parser && text.n <= INT32_MAX ? RC_OK : err_set(err, RC_LIMIT, "no memory for XML");
    if (rc == RC_OK) {
        /* NOENT: the five entities are put in place also in attributes; others cannot be declared. */
        xmlCtxtUseOptions(walk.parser, XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOERROR |
                                           XML_PARSE_NOWARNING);
        int failed = xmlParseChunk(walk.parser, text.p, (int)text.n, 1);
        if (walk.text.overflow)
            rc = err_set(err, RC_LIMIT, "an element's text is longer than %zu bytes", handler->text_max);
        else if (walk.refused || failed || !walk.parser->wellFormed || walk.depth)
            rc = err_set(err, RC_INVALID, "not well-formed XML, or not what was awaited");
    }
    if (walk.parser && walk.parser->myDoc) /* the declaration's */
        xmlFreeDoc(walk.parser->myDoc);
    xmlFreeParserCtxt(walk.parser);
    buf_done(&walk.text);
    return rc;
}

struct str xml_attribute(const struct xml_attributes *attributes, const char *name)
{
    for (const unsigned char **pair = attributes->pairs; pair && *pair; pair += 2)
        if (str_is(local_name(pair[0]), name))
            return pair[1] ? text_of(pair[1]) : STR("");
    return STR_NONE;
}

void xml_put(struct buf *out, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *entity = text.p[i] == '&'    ? "&amp;"
                             : text.p[i] == '<'  ? "&lt;"
                             : text.p[i] == '>'  ? "&gt;"
                             : text.p[i] == '"'  ? "&quot;"
                             : text.p[i] == '\r' ? "&#13;" /* else they read back as line feeds, or as blanks */
                             : text.p[i] == '\n' ? "&#10;"
                             : text.p[i] == '\t' ? "&#9;"
                                                 : NULL;
        if (!entity)
            continue;
        buf_str(out, str_slice(text, from, i));
        buf_text(out, entity);
        from = i + 1;
    }
    buf_str(out, str_skip(text, from));
}
