#include "codec/xml.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/macros.h"
#include "codec/utf8.h"

#include <libxml/parser.h>
#include <string.h>

#define CHUNK ((size_t)64 << 10)

struct xml_attributes {
    const xmlChar **list; /* name, value, name, value, NULL; NULL: none */
};

struct level {
    size_t path_n; /* of the path with this element */
    size_t text_at;
    bool cut; /* its text had no room */
};

struct walk {
    const struct xml_sink *sink;
    void *context;
    xmlParserCtxtPtr parser;
    enum rc rc;         /* why it ended before its end */
    const char *reason; /* constant */
    uint32_t depth;
    struct buf text; /* of all elements that are open, the innermost last */
    struct level levels[XML_DEPTH_MAX];
    char path[XML_PATH_MAX];
};

static struct str text_of(const xmlChar *text)
{
    return text ? str_of((const char *)text) : STR_NONE;
}

/* A name without its prefix; whole when nothing is behind that. */
static struct str local_name(const xmlChar *name)
{
    struct str text = text_of(name);
    size_t colon = str_find(text, ':');
    return str_skip(text, colon + 1 < text.n ? colon + 1 : 0);
}

struct str xml_attribute(const struct xml_attributes *attributes, const char *name)
{
    for (const xmlChar **at = attributes->list; at && *at; at += 2)
        if (str_is(local_name(at[0]), name))
            return text_of(at[1]);
    return STR_NONE;
}

static void walk_end(struct walk *walk, enum rc rc, const char *reason)
{
    if (walk->rc == RC_OK) {
        walk->rc = rc;
        walk->reason = reason;
    }
    xmlStopParser(walk->parser);
}

static void on_start(void *context, const xmlChar *qualified, const xmlChar **attributes)
{
    struct walk *walk = context;
    struct str name = local_name(qualified);
    size_t base = walk->depth ? walk->levels[walk->depth - 1].path_n : 0;
    if (walk->rc != RC_OK)
        return;
    if (walk->depth == XML_DEPTH_MAX || name.n + 1 > XML_PATH_MAX - base) {
        walk_end(walk, RC_LIMIT, "elements are too deep in each other");
        return;
    }
    if (base > 0)
        walk->path[base++] = '/';
    memcpy(walk->path + base, name.p, name.n);
    walk->levels[walk->depth++] = (struct level){base + name.n, walk->text.n, false};
    const struct xml_attributes given = {attributes};
    if (!walk->sink->begin(walk->context, str_at(walk->path, base + name.n), &given))
        walk_end(walk, RC_END, "");
}

static void on_end(void *context, const xmlChar *qualified)
{
    struct walk *walk = context;
    (void)qualified;
    if (walk->rc != RC_OK || !walk->depth)
        return;
    const struct level *level = &walk->levels[--walk->depth];
    struct str text = str_skip(buf_view(&walk->text), level->text_at);
    size_t valid = utf8_valid_prefix(text); /* of a CDATA section libxml2 does not look at it */
    if (valid < text.n && !level->cut) {
        walk_end(walk, RC_INVALID, "not a well-formed XML document: a text is no UTF-8");
        return;
    }
    text.n = valid;
    bool more = walk->sink->end(walk->context, str_at(walk->path, level->path_n), text.n ? text : STR(""));
    walk->text.n = level->text_at;
    if (!more)
        walk_end(walk, RC_END, "");
}

static void on_text(void *context, const xmlChar *text, int n)
{
    struct walk *walk = context;
    size_t room = XML_TEXT_MAX - walk->text.n;
    if (walk->rc != RC_OK || !walk->depth)
        return;
    struct level *level = &walk->levels[walk->depth - 1];
    if (!level->cut)
        buf_put(&walk->text, text, MIN((size_t)n, room));
    level->cut = level->cut || (size_t)n > room;
    if (walk->text.overflow)
        walk_end(walk, RC_LIMIT, "no memory for an XML document");
}

static void on_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id, const xmlChar *system_id,
                      xmlChar *content)
{
    (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
    walk_end(context, RC_DENIED, "it declares an entity");
}

static void on_unparsed(void *context, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id,
                        const xmlChar *notation)
{
    (void)name, (void)public_id, (void)system_id, (void)notation;
    walk_end(context, RC_DENIED, "it declares an entity");
}

/* The tree that the parser wants for a document type is not made: nothing is looked up in it. */
static void on_document_type(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    (void)context, (void)name, (void)external_id, (void)system_id;
}

/* What is wrong is said by the return; libxml2 would print it. */
static void on_error(void *context, const char *format, ...)
{
    (void)context, (void)format;
}

static enum rc line_error(struct err *err, enum rc rc, int line, const char *reason)
{
    err_set(err, rc, "line %d: %s", line, reason);
    if (err)
        err->offset = line > 0 ? (uint64_t)line : 0;
    return rc;
}

static enum rc document_feed(struct walk *walk, struct str text, struct err *err)
{
    int failed = 0;
    for (size_t at = 0; at < text.n && !failed && walk->rc == RC_OK; at += CHUNK) {
        failed = xmlParseChunk(walk->parser, text.p + at, (int)MIN(CHUNK, text.n - at), 0);
        if (walk->rc == RC_OK && walk->sink->fed && !walk->sink->fed(walk->context, MIN(at + CHUNK, text.n)))
            walk_end(walk, RC_END, "");
    }
    if (!failed && walk->rc == RC_OK)
        failed = xmlParseChunk(walk->parser, "", 0, 1);
    int line = walk->parser->input ? walk->parser->input->line : 0;
    if (walk->rc == RC_END)
        return RC_END;
    if (walk->rc != RC_OK)
        return line_error(err, walk->rc, line, walk->reason);
    if (failed == XML_ERR_NO_MEMORY)
        return line_error(err, RC_LIMIT, line, "no memory for an XML document");
    if (failed || !walk->parser->wellFormed || walk->depth)
        return line_error(err, RC_INVALID, line, "not a well-formed XML document");
    return RC_OK;
}

enum rc xml_walk(struct str text, const struct xml_sink *sink, void *context, struct err *err)
{
    ASSERT(sink->begin && sink->end);
    xmlSAXHandler handler = {.initialized = 1,
                             .startElement = on_start,
                             .endElement = on_end,
                             .characters = on_text,
                             .ignorableWhitespace = on_text,
                             .cdataBlock = on_text,
                             .internalSubset = on_document_type,
                             .entityDecl = on_entity,
                             .unparsedEntityDecl = on_unparsed};
    struct walk *walk = memory_new(sizeof *walk);
    if (!walk)
        return err_set(err, RC_LIMIT, "no memory for an XML document");
    walk->sink = sink;
    walk->context = context;
    buf_init(&walk->text, XML_TEXT_MAX);
    walk->parser = xmlCreatePushParserCtxt(&handler, walk, NULL, 0, NULL);
    enum rc rc = RC_LIMIT;
    if (walk->parser) {
        /* NOENT: the five entities are put in place also in attributes; others cannot be declared. */
        xmlCtxtUseOptions(walk->parser, XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        xmlSetGenericErrorFunc(NULL, on_error);
        rc = document_feed(walk, text, err);
        xmlSetGenericErrorFunc(NULL, NULL);
        if (walk->parser->myDoc) /* the declaration's */
            xmlFreeDoc(walk->parser->myDoc);
        xmlFreeParserCtxt(walk->parser);
    } else {
        err_set(err, RC_LIMIT, "no memory for an XML document");
    }
    buf_done(&walk->text);
    memory_free(walk);
    return rc;
}
