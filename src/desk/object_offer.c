/* object_offer.c - what agents tell of an object's machines, offered for point 12 of Annex 1: nobody types it again,
 * and where the card says another thing it is seen. A machine is known by its host name among the domains of a row, or
 * by one of its addresses. */
#include "base/assert.h"
#include "desk/object.h"

#define OFFERS_MAX    200
#define ADDRESSES_MAX 32

struct machine {
    struct str agent, host, domain, os, vendor, model, serial;
    struct str address[ADDRESSES_MAX];
    size_t count;
};

static bool listed(struct str list, struct str word)
{
    struct str rest = list;
    while (rest.p && word.n)
        if (str_eq_nocase(str_trim(str_cut(&rest, ',')), word))
            return true;
    return false;
}

static void addresses_load(struct ask *ask, int64_t agent, struct machine *m)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT DISTINCT e.value FROM inventory_item i, json_each(i.value, '$.addresses') e"
                                " WHERE i.agent = ?1 AND i.kind = 'interface' AND json_extract(i.value, '$.type') <>"
                                " 'loopback' ORDER BY 1 LIMIT ?2");
    db_put_i64(&q, agent);
    db_put_i64(&q, ADDRESSES_MAX);
    while (m->count < ADDRESSES_MAX && db_next(&q)) {
        uint8_t address[16];
        unsigned bits;
        struct str text = db_text(&q);
        text = str_slice(text, 0, str_find(text, '/'));
        if (text.n <= 45 && address_read(text, address, &bits)) {
            struct str copy = arena_str(ask->arena, text);
            if (copy.p)
                m->address[m->count++] = copy;
        }
    }
    db_query_end(&q);
}

/* The row of the card's means that is this machine; NULL: none. */
static const struct card_row *row_of(const struct card *card, const struct machine *m)
{
    for (size_t n = 0; n < card->count[CARD_MEANS]; n++) {
        const struct card_row *row = &card->row[CARD_MEANS][n];
        if (!str_is(row->cell[MEANS_KIND], "technical"))
            continue;
        if (listed(row->cell[MEANS_DOMAINS], m->host))
            return row;
        for (size_t i = 0; i < m->count; i++)
            if (listed(row->cell[MEANS_ADDRESSES], m->address[i]))
                return row;
    }
    return NULL;
}

/* Whether the row names just the addresses that the machine has. */
static bool addresses_same(const struct card_row *row, const struct machine *m)
{
    size_t said = 0;
    struct str rest = row->cell[MEANS_ADDRESSES];
    while (rest.p && row->cell[MEANS_ADDRESSES].n && said <= ADDRESSES_MAX)
        said += str_trim(str_cut(&rest, ',')).n > 0;
    bool same = said == m->count;
    for (size_t i = 0; i < m->count && same; i++)
        same = listed(row->cell[MEANS_ADDRESSES], m->address[i]);
    return same;
}

static bool os_listed(const struct card *card, struct str os)
{
    for (size_t n = 0; n < card->count[CARD_MEANS]; n++)
        if (str_eq_nocase(card->row[CARD_MEANS][n].cell[MEANS_NAME], os))
            return true;
    return false;
}

static void offer_put(struct ask *ask, const struct card *card, const struct machine *m)
{
    const struct card_row *row = row_of(card, m);
    char storage[2048];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    json_write_object(ask->out);
    json_put_text(ask->out, "state", !row ? "new" : addresses_same(row, m) ? "same" : "differs");
    json_put_str(ask->out, "agent", m->agent);
    json_put_text(ask->out, "kind", "technical");
    buf_format(&text, "%.*s %.*s %.*s", STR_ARG(m->vendor), STR_ARG(m->model), STR_ARG(m->serial));
    struct str name = str_trim(buf_view(&text));
    json_put_str(ask->out, "name", desk_cut(name.n ? name : m->host, DESK_NAME_MAX));
    buf_clear(&text);
    for (size_t i = 0; i < m->count && text.n < 440; i++) {
        buf_text(&text, text.n ? ", " : "");
        buf_str(&text, m->address[i]);
    }
    json_put_str(ask->out, "addresses", buf_view(&text));
    json_put_str(ask->out, "said", row ? row->cell[MEANS_ADDRESSES] : STR(""));
    json_put_str(ask->out, "domains", m->host);
    json_put_str(ask->out, "os", m->os);
    json_put_bool(ask->out, "os_listed", !m->os.n || os_listed(card, m->os));
    json_write_object_end(ask->out);
}

static struct str cut_copy(struct ask *ask, struct db_query *q)
{
    struct str text = arena_str(ask->arena, desk_cut(db_text(q), DESK_NAME_MAX));
    return text.p ? text : STR("");
}

#define PART(key, member)                                                                                              \
    "coalesce((SELECT json_extract(value, '$." member "') FROM inventory_item WHERE agent = a.id AND kind = 'system'"  \
    " AND key = '" key "'), '')"

void object_offers_put(struct ask *ask, const struct card *card)
{
    int64_t *ids = arena_alloc_array(ask->arena, OFFERS_MAX, sizeof *ids);
    size_t count = 0;
    struct db_query q = db_query(ask->desk->db, "SELECT a.id FROM inventory_host h JOIN agent a ON a.id = h.agent"
                                                " WHERE a.state = 0 AND a.object = ?1 ORDER BY a.name, a.id LIMIT ?2");
    db_put_i64(&q, card->id);
    db_put_i64(&q, ids ? OFFERS_MAX : 0);
    while (count < OFFERS_MAX && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    json_write_key(ask->out, "offers");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        struct machine m = {0};
        q = db_query(ask->desk->db,
                     "SELECT a.uuid, a.host, " PART("os", "name") ", " PART("hardware", "vendor") ", " PART(
                         "hardware", "model") ", " PART("hardware", "serial") " FROM agent a WHERE a.id = ?1");
        db_put_i64(&q, ids[i]);
        if (db_next(&q)) {
            struct str *const parts[] = {&m.agent, &m.host, &m.os, &m.vendor, &m.model, &m.serial};
            for (size_t k = 0; k < ARRAY_LEN(parts); k++)
                *parts[k] = cut_copy(ask, &q);
        }
        db_query_end(&q);
        addresses_load(ask, ids[i], &m);
        offer_put(ask, card, &m);
    }
    json_write_array_end(ask->out);
}
