/* inventory_search.c - which machines have it: a package below a version, a port, a user, a device, over all of them.
 * Names begin as they were asked for, or are the same: that is what the index is sorted by. */
#include "desk/agent.h"
#include "desk/inventory.h"

#define LIST_DEFAULT 100
#define LIST_MAX     500
#define LOOKED_MAX   200000 /* items that one search compares */
#define DEPTH        12u    /* of an item */

enum order { ANY, BELOW, UP_TO, SAME, FROM, ABOVE };

static const struct {
    const char *word;
    enum order order;
} orders[] = {{"", ANY},   {"lt", BELOW}, {"<", BELOW}, {"le", UP_TO}, {"<=", UP_TO}, {"eq", SAME},
              {"=", SAME}, {"ge", FROM},  {">=", FROM}, {"gt", ABOVE}, {">", ABOVE}};

struct wish {
    struct str kind, name, version;
    enum order order;
    bool exact;
    int64_t object, offset, limit;
};

static bool wish_read(struct ask *ask, struct wish *wish)
{
    struct str word = ask_str(ask, "op");
    size_t at = 0;
    *wish = (struct wish){.kind = ask_str(ask, "kind").n ? ask_str(ask, "kind") : STR("package"),
                          .name = str_trim(ask_str(ask, "name")),
                          .version = str_trim(ask_str(ask, "version")),
                          .exact = json_bool(json_get(ask->question, "exact"), false),
                          .object = MAX(ask_int(ask, "object"), 0),
                          .offset = MAX(ask_int(ask, "offset"), 0),
                          .limit = ask_int(ask, "limit")};
    wish->limit = wish->limit <= 0 ? LIST_DEFAULT : MIN(wish->limit, LIST_MAX);
    while (at < ARRAY_LEN(orders) && !str_is(word, orders[at].word))
        at++;
    if (at == ARRAY_LEN(orders))
        ask_invalid(ask, "op", "the comparison is one of lt, le, eq, ge, gt");
    else
        wish->order = orders[at].order;
    if (wish->name.n == 0 || wish->name.n > DESK_NAME_MAX)
        ask_invalid(ask, "name", "say what is looked for");
    if ((wish->order == ANY) != (wish->version.n == 0))
        ask_invalid(ask, "version", "a comparison and a version belong together");
    wish->exact = wish->exact || wish->order != ANY; /* versions of different packages are not compared */
    return !ask->error;
}

struct found {
    struct str key, name, version, also, value;
};

/* Which tool installed it says how its versions are ordered; one that does not say so is dpkg. */
static int version_order(struct arena *scratch, const struct wish *wish, const struct found *found)
{
    struct arena_mark mark = arena_mark(scratch);
    struct json_value *value = NULL;
    struct str tool = STR("");
    if (json_parse(scratch, found->value, DEPTH, &value, NULL) == RC_OK)
        tool = json_str(json_get(value, "tool"), tool);
    int order = inventory_version_compare(tool, found->version, wish->version);
    arena_rewind(scratch, mark);
    return order;
}

static bool version_fits(struct arena *scratch, const struct wish *wish, const struct found *found)
{
    if (wish->order == ANY)
        return true;
    if (found->version.n == 0)
        return false;
    int order = version_order(scratch, wish, found);
    switch (wish->order) {
    case BELOW:
        return order < 0;
    case UP_TO:
        return order <= 0;
    case SAME:
        return order == 0;
    case FROM:
        return order >= 0;
    case ABOVE:
        return order > 0;
    case ANY:
        break;
    }
    return true;
}

/* The last text of all that begin with this one: behind it stands the last character that there is. */
static struct str end_of(struct ask *ask, struct str begin)
{
    struct buf out;
    char storage[DESK_NAME_MAX + 4];
    buf_init_fixed(&out, storage, sizeof storage);
    buf_str(&out, begin);
    buf_text(&out, "\xf4\x8f\xbf\xbf");
    return arena_str(ask->desk->scratch, buf_view(&out));
}

static void found_put(struct buf *out, struct db_query *q, const struct found *found)
{
    json_write_object(out);
    json_put_str(out, "key", found->key);
    json_put_str(out, "item", found->name);
    json_put_str(out, "version", found->version);
    json_put_str(out, "also", found->also);
    json_write_key(out, "value");
    json_write_raw(out, found->value);
    json_put_int(out, "since_ns", db_i64(q));
    json_put_str(out, "agent", db_text(q));
    json_put_str(out, "name", db_text(q));
    json_put_str(out, "host", db_text(q));
    json_put_str(out, "object", db_text(q));
    json_write_object_end(out);
}

void ask_inventory_search(struct ask *ask)
{
    struct wish wish;
    int64_t looked = 0;
    int64_t total = 0;
    if (!wish_read(ask, &wish))
        return;
    struct db_query q = db_query(
        ask->desk->db, "SELECT i.key, i.name, i.version, i.also, i.value, i.since_ns, a.uuid, a.name, a.host, o.name"
                       " FROM inventory_item i JOIN agent a ON a.id = i.agent JOIN object o ON o.id = a.object"
                       " WHERE a.state = 0 AND (?4 = 0 OR a.object = ?4) AND ((i.kind = ?1 AND i.name >= ?2 AND"
                       " i.name <= ?3) OR (i.kind = ?1 AND i.also <> '' AND i.also >= ?2 AND i.also <= ?3))"
                       " ORDER BY i.name, a.name, i.key LIMIT ?5");
    db_put_text(&q, wish.kind);
    db_put_text(&q, wish.name);
    db_put_text(&q, wish.exact ? wish.name : end_of(ask, wish.name));
    db_put_i64(&q, wish.object);
    db_put_i64(&q, LOOKED_MAX);
    json_write_key(ask->out, "found");
    json_write_array(ask->out);
    while (db_next(&q)) {
        struct found found;
        found.key = db_text(&q);
        found.name = db_text(&q);
        found.version = db_text(&q);
        found.also = db_text(&q);
        found.value = db_text(&q);
        looked++;
        if (!version_fits(ask->desk->scratch, &wish, &found))
            continue;
        if (total >= wish.offset && total < wish.offset + wish.limit)
            found_put(ask->out, &q, &found);
        total++;
    }
    json_write_array_end(ask->out);
    json_put_int(ask->out, "total", total);
    json_put_bool(ask->out, "cut", looked == LOOKED_MAX);
}
