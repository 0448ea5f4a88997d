#include "wire/wef_subscription.h"

#include "codec/xml.h"
#include "codec/yaml.h"

#include <string.h>

/* ---- the query ---- */

struct query {
    struct arena *arena;
    struct wef_subscription *subscription;
    struct str path; /* of the Query that is open */
    const char *reason;
};

static bool refuse(struct query *query, const char *reason)
{
    query->reason = reason;
    return false;
}

static bool channel_add(struct query *query, struct str channel)
{
    struct wef_subscription *subscription = query->subscription;
    for (size_t i = 0; i < subscription->channel_count; i++)
        if (str_eq_nocase(subscription->channels[i], channel))
            return true;
    if (subscription->channel_count == WEF_CHANNELS_MAX)
        return refuse(query, "names more than 64 channels");
    struct str copy = arena_str(query->arena, channel);
    subscription->channels[subscription->channel_count++] = copy;
    return copy.p || refuse(query, "found no memory");
}

static bool query_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct query *query = context;
    struct str channel = xml_attribute(attributes, "Path");
    bool selects = str_is(path, "QueryList/Query/Select");
    if (str_is(path, "QueryList"))
        return true;
    if (str_is(path, "QueryList/Query")) {
        query->path = channel.n ? arena_str(query->arena, channel) : STR_NONE;
        return true;
    }
    if (!selects && !str_is(path, "QueryList/Query/Suppress"))
        return refuse(query, "may hold QueryList, in it Query, and in that Select and Suppress");
    channel = channel.n ? channel : query->path;
    if (!channel.n)
        return refuse(query, "has a Select or Suppress without a Path");
    return !selects || channel_add(query, channel);
}

static bool query_end(void *context, struct str path, struct str text)
{
    (void)context, (void)path, (void)text;
    return true;
}

static enum rc query_read(struct arena *arena, struct wef_subscription *subscription, struct err *err)
{
    static const struct xml_sink sink = {query_begin, query_end, NULL};
    struct query query = {.arena = arena, .subscription = subscription};
    if (!str_starts(subscription->query, STR("<QueryList"))) /* it becomes a part of another document */
        return err_set(err, RC_INVALID, "the query has to begin with <QueryList>");
    enum rc rc = xml_walk(subscription->query, &sink, &query, err);
    if (query.reason)
        return err_set(err, RC_INVALID, "the query %s", query.reason);
    if (rc != RC_OK)
        return err_set(err, RC_INVALID, "the query is not well-formed XML");
    return subscription->channel_count ? RC_OK : err_set(err, RC_INVALID, "the query selects nothing");
}

/* ---- the file ---- */

static bool name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && name.p[i] != '.' && name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= WEF_NAME_MAX;
}

static void uuid_make(struct str text, char ret_text[UUID_TEXT + 1])
{
    static const uint64_t keys[2][2] = {{UINT64_C(0x716f7267616e2077), UINT64_C(0x65662073756273)},
                                        {UINT64_C(0x716f7267616e2077), UINT64_C(0x65662073756274)}};
    uint8_t uuid[16];
    put_be64(uuid, siphash(keys[0], text.p, text.n));
    put_be64(uuid + 8, siphash(keys[1], text.p, text.n));
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80); /* version 8, variant 1: RFC 9562 */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    uuid_encode(uuid, ret_text);
}

static enum rc number_get(const struct yaml_node *node, const char *key, int64_t most, int64_t *number, struct err *err)
{
    const struct yaml_node *value = yaml_get(node, key);
    int64_t read = 0;
    if (!value)
        return RC_OK;
    if (!yaml_to_i64(value, &read) || read < 1 || read > most)
        return err_set(err, RC_INVALID, "\"%s\" must be a number of seconds from 1 to %lld", key, (long long)most);
    *number = read;
    return RC_OK;
}

static enum rc keys_check(const struct yaml_node *node, struct err *err)
{
    static const char *const known[] = {"name", "computers", "format", "heartbeat", "latency", "existing", "query"};
    for (const struct yaml_node *value = node->first; value; value = value->next) {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found = found || str_is(value->key->text, known[i]);
        if (!found)
            return err_set(
                err, RC_INVALID,
                "there is no key \"%.*s\": name, computers, format, heartbeat, latency, existing and query are",
                STR_ARG(str_slice(value->key->text, 0, 40)));
    }
    return RC_OK;
}

static enum rc computers_read(struct arena *arena, const struct yaml_node *node, struct wef_subscription *subscription,
                              struct err *err)
{
    if (!node)
        return RC_OK;
    if (node->kind != YAML_SEQUENCE || node->count == 0 || node->count > WEF_COMPUTERS_MAX)
        return err_set(err, RC_INVALID, "\"computers\" must be a list of 1 to %u names", WEF_COMPUTERS_MAX);
    subscription->computers = arena_alloc_array(arena, node->count, sizeof(struct str));
    if (!subscription->computers)
        return err_set(err, RC_LIMIT, "no memory");
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (item->kind != YAML_SCALAR || !item->text.n)
            return err_set(err, RC_INVALID,
                           "\"computers\" must be a list of names, in quotation marks where * begins one");
        subscription->computers[subscription->computer_count++] = item->text;
    }
    return RC_OK;
}

static enum rc choices_read(const struct yaml_node *node, struct wef_subscription *subscription, struct err *err)
{
    struct str format = yaml_get_text(node, "format", STR("raw"));
    const struct yaml_node *existing = yaml_get(node, "existing");
    subscription->rendered = str_is(format, "rendered");
    if (!subscription->rendered && !str_is(format, "raw"))
        return err_set(err, RC_INVALID, "\"format\" must be raw or rendered");
    if (existing && !yaml_to_bool(existing, &subscription->existing))
        return err_set(err, RC_INVALID, "\"existing\" must be true or false");
    subscription->heartbeat_s = 300;
    subscription->latency_s = 30;
    enum rc rc = number_get(node, "heartbeat", 86400, &subscription->heartbeat_s, err);
    return rc == RC_OK ? number_get(node, "latency", 3600, &subscription->latency_s, err) : rc;
}

static enum rc subscription_read(struct arena *arena, const struct yaml_node *node,
                                 struct wef_subscription *subscription, struct err *err)
{
    if (node->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "a subscription begins with \"- name: ...\"");
    subscription->name = yaml_get_text(node, "name", STR_NONE);
    subscription->query = str_trim(yaml_get_text(node, "query", STR_NONE));
    subscription->channels = arena_alloc_array(arena, WEF_CHANNELS_MAX, sizeof(struct str));
    if (!subscription->channels)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = keys_check(node, err);
    if (rc == RC_OK && !name_is_valid(subscription->name))
        rc = err_set(err, RC_INVALID, "\"name\" must be 1 to %u letters, digits, dots and hyphens", WEF_NAME_MAX);
    if (rc == RC_OK)
        rc = computers_read(arena, yaml_get(node, "computers"), subscription, err);
    if (rc == RC_OK)
        rc = choices_read(node, subscription, err);
    if (rc == RC_OK)
        rc = query_read(arena, subscription, err);
    if (rc != RC_OK)
        return rc;
    struct buf all;
    buf_init(&all, YAML_SIZE_MAX);
    buf_format(&all, "%.*s %d %d %lld %lld ", STR_ARG(subscription->name), subscription->rendered,
               subscription->existing, (long long)subscription->heartbeat_s, (long long)subscription->latency_s);
    buf_str(&all, subscription->query);
    uuid_make(subscription->name, subscription->id);
    uuid_make(buf_view(&all), subscription->version);
    buf_done(&all);
    return RC_OK;
}

static bool is_twice(const struct wef_subscriptions *subscriptions)
{
    const struct wef_subscription *last = &subscriptions->list[subscriptions->count - 1];
    for (size_t i = 0; i + 1 < subscriptions->count; i++)
        if (str_eq_nocase(subscriptions->list[i].name, last->name))
            return true;
    return false;
}

enum rc wef_subscriptions_read(struct arena *arena, struct str text, struct wef_subscriptions *ret_subscriptions,
                               struct err *err)
{
    struct yaml_node *document = NULL;
    size_t count = 0;
    *ret_subscriptions = (struct wef_subscriptions){0};
    enum rc rc = yaml_parse(arena, text, &document, &count, err);
    if (rc != RC_OK)
        return rc;
    if (count != 1 || document->kind != YAML_SEQUENCE || document->count == 0 ||
        document->count > WEF_SUBSCRIPTIONS_MAX)
        return err_set(err, RC_INVALID, "the file must be one list of 1 to %u subscriptions", WEF_SUBSCRIPTIONS_MAX);
    ret_subscriptions->list = arena_alloc_array(arena, document->count, sizeof(struct wef_subscription));
    if (!ret_subscriptions->list)
        return err_set(err, RC_LIMIT, "no memory");
    for (const struct yaml_node *node = document->first; node && rc == RC_OK; node = node->next) {
        rc = subscription_read(arena, node, &ret_subscriptions->list[ret_subscriptions->count++], err);
        if (rc == RC_OK && is_twice(ret_subscriptions))
            rc = err_set(err, RC_INVALID, "the name stands there twice");
        if (rc != RC_OK)
            IGNORE(err_wrap(err, "subscription %zu, line %u", ret_subscriptions->count, node->line)); /* stays rc */
    }
    return rc;
}

/* ---- who gets it ---- */

/* '*' stands for any bytes; no recursion, one place to come back to. */
static bool name_fits(struct str pattern, struct str name)
{
    size_t at = 0;
    size_t p = 0;
    size_t star = SIZE_MAX;
    size_t star_at = 0;
    while (at < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            star_at = at;
        } else if (p < pattern.n && char_lower(pattern.p[p]) == char_lower(name.p[at])) {
            p++;
            at++;
        } else if (star != SIZE_MAX) {
            p = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool wef_subscription_is_for(const struct wef_subscription *subscription, struct str computer)
{
    for (size_t i = 0; i < subscription->computer_count; i++)
        if (name_fits(subscription->computers[i], computer))
            return true;
    return subscription->computer_count == 0;
}

const struct wef_subscription *wef_subscription_find(const struct wef_subscriptions *subscriptions, struct str id)
{
    for (size_t i = 0; i < subscriptions->count; i++)
        if (str_eq_nocase(id, str_of(subscriptions->list[i].id)))
            return &subscriptions->list[i];
    return NULL;
}
