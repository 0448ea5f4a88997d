#include "web/filter_offer.h"

#define TREE_DEPTH 32u
#define FOUND_CUT  400u /* bytes at which an explanation cuts texts (doc/api.md): one as long may lack its end */

/* Who and where, as events of the common sources call it. */
static const char *const known_fields[] = {
    "Computer",
    "host",
    "hostname",
    "host.name",
    "account",
    "User",
    "user",
    "user.name",
    "TargetUserName",
    "SubjectUserName",
    "acct",
    "src",
    "IpAddress",
    "SourceIp",
    "src_ip",
    "source.ip",
    "addr",
    "client",
    "dst",
    "DestinationIp",
    "Image",
    "NewProcessName",
    "exe",
    "program",
    "ParentImage",
    "ParentProcessName",
    "CommandLine",
    "ParentCommandLine",
};
#define HOSTS 4u /* of these, the first say the host */

static bool is_known(struct str field, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(field, str_of(known_fields[i])))
            return true;
    return false;
}

/* A whole line has its numbers and times in it: taken exactly, it would never come again. */
static bool is_line(struct str field)
{
    return str_is(field, "message") || str_is(field, "raw");
}

static struct offer *offer_of(struct offers *offers, struct str field)
{
    for (size_t i = 0; i < offers->count; i++)
        if (str_eq(offers->row[i].field, field))
            return &offers->row[i];
    return NULL;
}

static struct offer *offer_add(struct offers *offers, struct str field, enum offer_why why)
{
    bool good = field.n > 0 && field.n <= OFFER_FIELD_MAX;
    for (size_t i = 0; i < field.n && good; i++)
        good = field.p[i] != '|' && (unsigned char)field.p[i] >= 0x20 && field.p[i] != 0x7f;
    if (!good || offers->count == OFFER_MAX)
        return NULL;
    struct offer *offer = &offers->row[offers->count++];
    *offer = (struct offer){.field = field, .why = why};
    return offer;
}

/* Each value once. */
static void value_add(struct offer *offer, struct str value)
{
    for (size_t i = 0; i < offer->count; i++)
        if (str_eq(offer->values[i], value))
            return;
    if (offer->count < OFFER_VALUES_MAX)
        offer->values[offer->count++] = value;
}

/* All of its values, or it is not offered: one of several would hold back other events. */
static bool values_fit(const struct json_value *value)
{
    if (value->kind != JSON_ARRAY)
        return value->kind == JSON_STRING && value->text.n <= OFFER_VALUE_MAX;
    for (const struct json_value *v = value->first; v; v = v->next)
        if (v->kind != JSON_STRING || v->text.n > OFFER_VALUE_MAX)
            return false;
    return value->count > 0 && value->count <= OFFER_VALUES_MAX;
}

static void field_offer(struct offers *offers, const struct json_value *value, enum offer_why why)
{
    if (offer_of(offers, value->key) || !values_fit(value))
        return;
    struct offer *offer = offer_add(offers, value->key, why);
    if (!offer)
        return;
    if (value->kind != JSON_ARRAY)
        value_add(offer, value->text);
    for (const struct json_value *v = value->kind == JSON_ARRAY ? value->first : NULL; v; v = v->next)
        value_add(offer, v->text);
}

static const struct json_value *field_named(const struct json_value *fields, struct str name)
{
    const struct json_value *caseless = NULL;
    for (const struct json_value *f = json_first(fields); f; f = f->next) {
        if (str_eq(f->key, name))
            return f;
        caseless = !caseless && str_eq_nocase(f->key, name) ? f : caseless;
    }
    return caseless;
}

/* A test that held: its field as the event has it. An event of several records has fields that this record lacks: these
 * are known by the value that the explanation found, when there is but one. */
static void test_offer(struct offers *offers, const struct json_value *test, const struct json_value *fields)
{
    struct str name = json_str(json_get(test, "field"), STR(""));
    struct str found = json_str(json_get(test, "found"), STR_NONE);
    const struct json_value *own = field_named(fields, name);
    if (!json_bool(json_get(test, "held"), false) || name.n == 0)
        return;
    if (own)
        field_offer(offers, own, OFFER_MATCHED);
    if (own || !found.p || found.n >= FOUND_CUT || json_int(json_get(test, "values"), 0) != 1 || offer_of(offers, name))
        return;
    struct offer *offer = offer_add(offers, name, OFFER_MATCHED);
    if (offer)
        value_add(offer, found);
}

/* Depth first, with a stack of its own. What stands below a "not" is what the event is not; filters are no part of the
 * rule. */
static void tree_offer(struct offers *offers, const struct json_value *root, const struct json_value *fields)
{
    const struct json_value *stack[TREE_DEPTH];
    const struct json_value *at = root;
    size_t depth = 0;
    while (at) {
        struct str kind = json_str(json_get(at, "kind"), STR(""));
        const struct json_value *kid = json_first(json_get(at, "of"));
        bool passed_over = str_is(kind, "not") || json_get(at, "filter");
        if (str_is(kind, "test") && !passed_over)
            test_offer(offers, at, fields);
        if (kid && !passed_over && depth < TREE_DEPTH) {
            stack[depth++] = at;
            at = kid;
            continue;
        }
        while (depth && !at->next)
            at = stack[--depth];
        at = depth ? at->next : NULL;
    }
}

bool offers_make(struct arena *arena, const struct json_value *record, const struct json_value *explained,
                 struct str rule, struct offers *ret_offers)
{
    const struct json_value *fields = json_get(record, "fields");
    *ret_offers = (struct offers){.row = arena_alloc_array(arena, OFFER_MAX, sizeof *ret_offers->row)};
    if (!ret_offers->row)
        return false;
    for (const struct json_value *e = json_first(json_get(explained, "explained")); e; e = e->next)
        if (str_eq(json_str(json_get(e, "rule_id"), STR("")), rule))
            tree_offer(ret_offers, json_get(e, "tree"), fields);
    for (const struct json_value *f = json_first(fields); f; f = f->next)
        if (is_known(f->key, sizeof known_fields / sizeof known_fields[0]))
            field_offer(ret_offers, f, OFFER_KNOWN);
    for (const struct json_value *f = json_first(fields); f; f = f->next)
        field_offer(ret_offers, f, OFFER_OTHER);
    for (size_t i = 0; i < ret_offers->count; i++) {
        struct offer *offer = &ret_offers->row[i];
        offer->ticked = offer->why == OFFER_MATCHED ? !is_line(offer->field) : is_known(offer->field, HOSTS);
    }
    return true;
}

size_t offers_tick(struct offers *offers, const struct form *form)
{
    size_t count = 0;
    for (size_t i = 0; i < offers->count; i++)
        offers->row[i].ticked = false;
    for (size_t i = 0; i < form->count; i++) {
        uint64_t number = 0;
        if (!str_is(form->fields[i].name, "c") || !str_to_u64(form->fields[i].value, &number) ||
            number >= offers->count)
            continue;
        count += !offers->row[number].ticked;
        offers->row[number].ticked = true;
    }
    return count;
}

void offers_write(struct buf *out, const struct offers *offers)
{
    json_write_key(out, "conditions");
    json_write_array(out);
    for (size_t i = 0; i < offers->count; i++) {
        const struct offer *offer = &offers->row[i];
        if (!offer->ticked)
            continue;
        json_write_object(out);
        json_put_str(out, "field", offer->field);
        json_write_key(out, "values");
        json_write_array(out);
        for (size_t k = 0; k < offer->count; k++)
            json_write_str(out, offer->values[k]);
        json_write_array_end(out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}
