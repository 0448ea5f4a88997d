#include "codec/winevent.h"

#include <libxml/parser.h>
#include <string.h>

#define PATH_TOO_LONG SIZE_MAX

/* One open element. */
struct level {
    size_t path_n; /* of the walk's path with it, or PATH_TOO_LONG */
    bool has_children;
    bool is_value; /* below EventData or UserData: empty is a value */
};

struct walk {
    struct arena *arena;
    json_leaf leaf;
    void *context;
    xmlParserCtxtPtr parser;
    uint32_t leaves;
    uint32_t lost;
    uint32_t depth;   /* of elements that are open */
    uint32_t payload; /* depth of the EventData or UserData that is open; 0: none */
    bool is_user_data;
    bool refused; /* a document type, another root */
    bool text_lost;
    struct buf text; /* of the innermost element */
    struct level levels[WINEVENT_DEPTH_MAX];
    char path[JSON_PATH_MAX];
};

/* <Event> or <Event ...>, not <Events> or <EventData>. */
static bool is_event(struct str text)
{
    struct str rest = str_skip(text, 6);
    return str_starts(text, STR("<Event")) && rest.n && (rest.p[0] == '>' || char_is_space(rest.p[0]));
}

bool winevent_begins(struct str text)
{
    return str_starts(text, STR("<?xml")) || is_event(text);
}

size_t winevent_find(struct str text, size_t *ret_end)
{
    size_t at = 0;
    do
        at += str_search(str_skip(text, at), STR("<Event"));
    while (at < text.n && !is_event(str_skip(text, at)) && ++at);
    size_t end = at + str_search(str_skip(text, at), STR("</Event>"));
    *ret_end = end < text.n ? end + 8 : text.n;
    return at;
}

static struct str text_of(const xmlChar *text)
{
    return text ? str_of((const char *)text) : STR_NONE;
}

static void refuse(struct walk *walk)
{
    walk->refused = true;
    xmlStopParser(walk->parser);
}

static size_t path_add(struct walk *walk, size_t base, struct str name)
{
    if (base == PATH_TOO_LONG || name.n + 1 > JSON_PATH_MAX - base)
        return PATH_TOO_LONG;
    if (base > 0)
        walk->path[base++] = '.';
    memcpy(walk->path + base, name.p, name.n);
    return base + name.n;
}

static void give(struct walk *walk, size_t path_n, struct str value)
{
    if (path_n == PATH_TOO_LONG || walk->leaves == WINEVENT_LEAVES_MAX) {
        walk->lost++;
        return;
    }
    value = arena_str(walk->arena, value.p ? value : STR(""));
    walk->leaves++;
    walk->leaf(walk->context, str_at(walk->path, path_n), JSON_STRING, value.p ? value : STR(""));
}

/* A name without its prefix. */
static struct str local_name(const xmlChar *name)
{
    struct str text = text_of(name);
    return str_skip(text, str_find(text, ':') < text.n ? str_find(text, ':') + 1 : 0);
}

/* Attributes are name, value, name, value, NULL; a namespace is none. */
static bool is_namespace(const xmlChar *name)
{
    return str_is(text_of(name), "xmlns") || str_starts(text_of(name), STR("xmlns:"));
}

static struct str attribute_named(const xmlChar **attributes, const char *name)
{
    for (; attributes && *attributes; attributes += 2)
        if (str_is(text_of(attributes[0]), name))
            return text_of(attributes[1]);
    return STR_NONE;
}

static void attributes_give(struct walk *walk, size_t base, const xmlChar **attributes)
{
    size_t inside = path_add(walk, base, STR("#attributes"));
    for (; attributes && *attributes; attributes += 2)
        if (!is_namespace(attributes[0]))
            give(walk, path_add(walk, inside, local_name(attributes[0])), text_of(attributes[1]));
}

/* The part of the path that an element is; empty when it has none. */
static struct str element_name(const struct walk *walk, struct str local, const xmlChar **attributes)
{
    if (walk->payload && walk->is_user_data && walk->depth == walk->payload)
        return STR_NONE;
    struct str name = walk->payload && !walk->is_user_data ? attribute_named(attributes, "Name") : STR_NONE;
    return name.n ? name : local;
}

static void on_start(void *context, const xmlChar *qualified, const xmlChar **attributes)
{
    struct walk *walk = context;
    struct str local = local_name(qualified);
    if (walk->refused)
        return;
    if (walk->depth == WINEVENT_DEPTH_MAX || (walk->depth == 0 && !str_is(local, "Event"))) {
        refuse(walk);
        return;
    }
    struct level *parent = walk->depth ? &walk->levels[walk->depth - 1] : NULL;
    struct level *level = &walk->levels[walk->depth];
    size_t base = parent ? parent->path_n : 0;
    struct str name = element_name(walk, local, attributes);
    *level = (struct level){.path_n = name.n ? path_add(walk, base, name) : base, .is_value = walk->payload != 0};
    if (parent)
        parent->has_children = true;
    walk->depth++;
    buf_clear(&walk->text);
    walk->text_lost = false;
    if (!walk->payload)
        attributes_give(walk, level->path_n, attributes);
    if (walk->depth == 2 && (str_is(local, "EventData") || str_is(local, "UserData"))) {
        walk->payload = walk->depth;
        walk->is_user_data = str_is(local, "UserData");
    }
}

static void on_end(void *context, const xmlChar *qualified)
{
    struct walk *walk = context;
    (void)qualified;
    if (walk->refused || !walk->depth)
        return;
    const struct level *level = &walk->levels[--walk->depth];
    if (walk->payload > walk->depth)
        walk->payload = 0;
    bool is_leaf = !level->has_children && (walk->text.n || level->is_value);
    if (walk->text_lost)
        walk->lost++;
    else if (is_leaf)
        give(walk, level->path_n, buf_view(&walk->text));
    buf_clear(&walk->text);
    walk->text_lost = false;
}

static void on_text(void *context, const xmlChar *text, int n)
{
    struct walk *walk = context;
    if (walk->refused || !walk->depth || walk->levels[walk->depth - 1].has_children)
        return; /* the blanks between elements */
    buf_put(&walk->text, (const char *)text, (size_t)n);
    if (walk->text.overflow)
        walk->text_lost = true;
}

static void on_document_type(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    (void)name, (void)external_id, (void)system_id;
    refuse(context);
}

enum rc winevent_flatten(struct arena *arena, struct str text, json_leaf leaf, void *context, uint32_t *ret_lost,
                         struct err *err)
{
    xmlSAXHandler handler = {.initialized = 1,
                             .startElement = on_start,
                             .endElement = on_end,
                             .characters = on_text,
                             .ignorableWhitespace = on_text,
                             .cdataBlock = on_text,
                             .internalSubset = on_document_type};
    struct walk *walk = arena_alloc(arena, sizeof *walk);
    if (!walk)
        return err_set(err, RC_LIMIT, "no memory for an XML event");
    walk->arena = arena;
    walk->leaf = leaf;
    walk->context = context;
    buf_init(&walk->text, WINEVENT_TEXT_MAX);
    walk->parser = xmlCreatePushParserCtxt(&handler, walk, NULL, 0, NULL);
    enum rc rc = walk->parser && text.n <= INT32_MAX ? RC_OK : err_set(err, RC_LIMIT, "no memory for an XML event");
    if (rc == RC_OK) {
        /* NOENT: the five entities are put in place also in attributes; others cannot be declared. */
        xmlCtxtUseOptions(walk->parser, XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOERROR |
                                            XML_PARSE_NOWARNING);
        int failed = xmlParseChunk(walk->parser, text.p, (int)text.n, 1);
        if (walk->refused || failed || !walk->parser->wellFormed || walk->depth)
            rc = err_set(err, RC_INVALID, "not a well-formed XML event");
    }
    if (walk->parser && walk->parser->myDoc) /* the declaration's */
        xmlFreeDoc(walk->parser->myDoc);
    xmlFreeParserCtxt(walk->parser);
    buf_done(&walk->text);
    if (ret_lost)
        *ret_lost = walk->lost;
    return rc;
}
