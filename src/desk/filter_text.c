#include "desk/filter_text.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/utf8.h"
#include "codec/yaml.h"

#include <stdlib.h>

#define ESCAPED_MAX (2 * (size_t)FILTER_VALUE_MAX)
#define FIELD_MAX   256u

bool filter_field_valid(struct str field)
{
    for (size_t i = 0; i < field.n; i++)
        if (field.p[i] == '|' || (unsigned char)field.p[i] < 0x20 || field.p[i] == 0x7f)
            return false;
    return field.n > 0 && field.n <= FIELD_MAX && utf8_valid(field);
}

bool filter_condition_valid(const struct filter_condition *condition)
{
    bool valid = filter_field_valid(condition->field) && condition->count > 0 && condition->count <= FILTER_VALUES_MAX;
    for (size_t i = 0; valid && i < condition->count; i++)
        valid = condition->values[i].n <= FILTER_VALUE_MAX && utf8_valid(condition->values[i]);
    return valid;
}

/* A backslash, a star and a question mark mean themselves behind a backslash. */
static void value_write(struct buf *out, struct str value)
{
    char storage[ESCAPED_MAX];
    struct buf escaped;
    ASSERT(value.n <= FILTER_VALUE_MAX);
    buf_init_fixed(&escaped, storage, sizeof storage);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\\' || value.p[i] == '*' || value.p[i] == '?')
            buf_char(&escaped, '\\');
        buf_char(&escaped, value.p[i]);
    }
    yaml_write_str(out, buf_view(&escaped));
}

static void condition_write(struct buf *out, const struct filter_condition *condition, bool cased)
{
    struct buf key CLEANUP(buf_done) = {0};
    ASSERT(filter_condition_valid(condition));
    buf_init(&key, FIELD_MAX + 16);
    buf_str(&key, condition->field);
    if (cased)
        buf_text(&key, "|cased");
    if (condition->count > 1)
        buf_text(&key, "|all");
    buf_text(out, "        ");
    yaml_write_str(out, buf_view(&key));
    buf_char(out, ':');
    for (size_t i = 0; i < condition->count; i++) {
        buf_text(out, condition->count > 1 ? "\n            - " : " ");
        value_write(out, condition->values[i]);
    }
    buf_char(out, '\n');
}

static void member_write(struct buf *out, const char *head, struct str value)
{
    if (value.n == 0)
        return;
    buf_text(out, head);
    yaml_write_str(out, value);
    buf_char(out, '\n');
}

/* Texts of Windows are compared as Windows does. */
static bool is_cased(const struct filter_text *filter)
{
    return !str_eq_nocase(filter->product, STR("windows"));
}

void filter_text_write(struct buf *out, const struct filter_text *filter)
{
    int32_t year, month, day;
    ASSERT(filter->count > 0 && filter->count <= FILTER_CONDITIONS_MAX && filter->rule.n > 0);
    civil_from_days(filter->day, &year, &month, &day);
    if (filter->record != UINT64_MAX)
        buf_format(out, "# made from record %llu\n", (unsigned long long)filter->record);
    member_write(out, "title: ", filter->title);
    member_write(out, "id: ", filter->id);
    member_write(out, "description: ", filter->reason);
    member_write(out, "author: ", filter->who);
    buf_format(out, "date: %04d-%02d-%02d\nlogsource:\n", year, month, day);
    member_write(out, "    product: ", filter->product);
    member_write(out, "    category: ", filter->category);
    member_write(out, "    service: ", filter->service);
    buf_text(out, "filter:\n    rules:\n");
    member_write(out, "        - ", filter->rule);
    buf_text(out, "    selection:\n");
    for (size_t i = 0; i < filter->count; i++)
        condition_write(out, &filter->conditions[i], is_cased(filter));
    buf_text(out, "    condition: not selection\n");
}

static int by_field(const void *a, const void *b)
{
    const struct filter_condition *left = *(const struct filter_condition *const *)a;
    const struct filter_condition *right = *(const struct filter_condition *const *)b;
    return str_compare(left->field, right->field);
}

/* Lengths stand before the parts: no two meanings read the same. */
static void part_write(struct buf *out, struct str part)
{
    buf_format(out, "%zu:", part.n);
    buf_str(out, part);
}

void filter_text_meaning(struct buf *out, const struct filter_text *filter)
{
    const struct filter_condition *sorted[FILTER_CONDITIONS_MAX];
    ASSERT(filter->count <= FILTER_CONDITIONS_MAX);
    for (size_t i = 0; i < filter->count; i++)
        sorted[i] = &filter->conditions[i];
    qsort(sorted, filter->count, sizeof(sorted[0]), by_field);
    part_write(out, filter->rule);
    buf_text(out, is_cased(filter) ? "=" : "~");
    for (size_t i = 0; i < filter->count; i++) {
        part_write(out, sorted[i]->field);
        for (size_t k = 0; k < sorted[i]->count; k++)
            part_write(out, sorted[i]->values[k]);
        buf_char(out, ';');
    }
}
