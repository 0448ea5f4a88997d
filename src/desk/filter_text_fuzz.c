/* A filter made of whatever bytes: what may be said of it is one YAML document, in which the values stand as they were
 * but for the backslashes that keep wildcards from being any. */
#include "desk/filter_text.h"

#include "base/assert.h"
#include "codec/utf8.h"
#include "codec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The value of which `text` is the escaped form. */
static struct str unescaped(struct arena *arena, struct str text)
{
    char *plain = arena_alloc_raw(arena, text.n + 1);
    size_t n = 0;
    ASSERT(plain);
    for (size_t i = 0; i < text.n; i++) {
        ASSERT(text.p[i] != '*' && text.p[i] != '?');
        if (text.p[i] == '\\')
            i++;
        ASSERT(i < text.n);
        plain[n++] = text.p[i];
    }
    return str_at(plain, n);
}

static void check(struct arena *arena, const struct filter_text *filter, struct str text)
{
    struct yaml_node *document = NULL;
    struct err err;
    size_t count = 0;
    ASSERT(yaml_parse(arena, text, &document, &count, &err) == RC_OK && count == 1);
    const struct yaml_node *selection = yaml_get(yaml_get(document, "filter"), "selection");
    ASSERT(selection && selection->kind == YAML_MAPPING && selection->count == 1);
    const struct yaml_node *value = selection->first;
    ASSERT(str_starts(value->key->text, filter->conditions[0].field));
    value = filter->conditions[0].count > 1 ? value->first : value;
    for (size_t i = 0; i < filter->conditions[0].count; i++, value = value->next)
        ASSERT(str_eq(unescaped(arena, value->text), filter->conditions[0].values[i]));
    ASSERT(str_eq(yaml_get_text(document, "title", STR("")), filter->title));
}

/* Field, title and values stand with line feeds between them. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct str rest = str_at(bytes, MIN(size, (size_t)4096));
    struct str values[FILTER_VALUES_MAX];
    struct filter_condition condition = {.field = str_cut(&rest, '\n'), .values = values};
    struct filter_text filter = {.id = STR("1"), .rule = STR("r"), .product = STR("windows"), .record = 7};
    filter.title = rest.p ? str_cut(&rest, '\n') : STR("");
    while (rest.p && condition.count < FILTER_VALUES_MAX)
        values[condition.count++] = str_cut(&rest, '\n');
    if (!arena || filter.title.n == 0 || !utf8_valid(filter.title) || !filter_condition_valid(&condition))
        return 0;
    filter.conditions = &condition;
    filter.count = 1;
    buf_init(&out, (size_t)1 << 20);
    filter_text_write(&out, &filter);
    ASSERT(!out.overflow);
    check(arena, &filter, buf_view(&out));
    return 0;
}
