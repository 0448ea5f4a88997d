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

struct str export_class_find(const struct export_classes *classes, struct str kind, struct str parser,
                             struct str service)
{
    ASSERT(classes->count > 0);
    for (size_t i = 0; i + 1 < classes->count; i++)
        if (fits(classes->row[i].kind, kind) && fits(classes->row[i].parser, parser) &&
            fits(classes->row[i].service, service))
            return classes->row[i].class;
    return classes->row[classes->count - 1].class;
}

struct str export_class_of(const struct export_classes *classes, const struct archive_hit *hit)
{
    struct str parser = str_of(hit->event.parser ? hit->event.parser : "");
    return export_class_find(classes, hit->source.kind, parser, hit->event.statutory[STATUTORY_SERVICE]);
}

static enum rc class_find(struct export_choice *choice, struct str name, size_t *ret_class, struct err *err)
{
    for (size_t i = 0; i < choice->class_count; i++) {
        *ret_class = i;
        if (str_eq(choice->class[i].name, name))
            return RC_OK;
    }
    if (choice->class_count == EXPORT_CLASSES_MAX)
        return err_set(err, RC_LIMIT, "there are more than %d source classes", EXPORT_CLASSES_MAX);
    *ret_class = choice->class_count;
    struct export_class *class = &choice->class[choice->class_count];
    *class = (struct export_class){.name = name, .layout = choice->form};
    enum rc rc = export_layout_columns(&class->layout, choice->columns, name, choice->language, err);
    choice->class_count += rc == RC_OK;
    return rc;
}

enum rc export_choice_check(struct export_choice *choice, struct err *err)
{
    size_t class = 0;
    return str_is(choice->asked, EXPORT_CLASS_AUTO) ? RC_OK : class_find(choice, choice->asked, &class, err);
}

enum rc export_choose(struct export_choice *choice, const struct archive_hit *hit, size_t *ret_class, struct err *err)
{
    bool automatic = str_is(choice->asked, EXPORT_CLASS_AUTO);
    if (!choice->own && hit->leaf.type != LEAF_RAW && hit->leaf.type != LEAF_DIGEST)
        return RC_END; /* what Qorgan tells of itself is no event of a source */
    return class_find(choice, automatic ? export_class_of(choice->classes, hit) : choice->asked, ret_class, err);
}
