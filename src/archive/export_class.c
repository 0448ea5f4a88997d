#include "archive/export_class.h"

#include "base/assert.h"

/* "*", or one of the names between the bars; a star at a name's end stands for any rest. */
static bool fits(struct str names, struct str value)
{
    while (names.p) {
        struct str name = str_cut(&names, '|');
        bool open = name.n > 0 && name.p[name.n - 1] == '*';
        struct str fixed = str_slice(name, 0, name.n - open);
        if (open ? str_starts_nocase(value, fixed) : str_eq_nocase(value, fixed))
            return true;
    }
    return false;
}

enum rc export_classes_read(struct export_classes *classes, struct str tsv, struct err *err)
{
    classes->count = 0;
    for (size_t line = 1; tsv.n > 0; line++) {
        struct str rest = str_cut(&tsv, '\n');
        if (rest.n == 0 || rest.p[0] == '#' || str_starts(rest, STR("class\t")))
            continue;
        struct str class = str_cut(&rest, '\t');
        struct str kind = str_cut(&rest, '\t');
        struct str parser = str_cut(&rest, '\t');
        struct str service = str_cut(&rest, '\t');
        if (class.n == 0 || kind.n == 0 || parser.n == 0 || service.n == 0 || rest.p ||
            classes->count == EXPORT_CLASS_ROWS_MAX)
            return err_set(err, RC_INVALID, "export_classes.tsv: line %zu does not read", line);
        classes->row[classes->count].class = class;
        classes->row[classes->count].kind = kind;
        classes->row[classes->count].parser = parser;
        classes->row[classes->count++].service = service;
    }
    size_t last = classes->count - 1;
    if (classes->count == 0 || !str_is(classes->row[last].kind, "*") || !str_is(classes->row[last].parser, "*") ||
        !str_is(classes->row[last].service, "*"))
        return err_set(err, RC_INVALID, "export_classes.tsv: the last row must fit every record");
    return RC_OK;
}

struct str export_class_of(const struct export_classes *classes, const struct archive_hit *hit)
{
    struct str parser = str_of(hit->event.parser ? hit->event.parser : "");
    struct str service = hit->event.statutory[STATUTORY_SERVICE];
    ASSERT(classes->count > 0);
    for (size_t i = 0; i + 1 < classes->count; i++) {
        if (fits(classes->row[i].kind, hit->source.kind) && fits(classes->row[i].parser, parser) &&
            fits(classes->row[i].service, service))
            return classes->row[i].class;
    }
    return classes->row[classes->count - 1].class;
}
