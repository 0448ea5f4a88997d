/* object_terms.c - how long event logs of single objects are kept, for whoever judges what may be deleted. */
#include "base/assert.h"
#include "base/bytes.h"
#include "desk/asset_rules.h"
#include "desk/inside.h"

void object_term_check(struct ask *ask, int64_t object, int64_t days)
{
    const struct desk *desk = ask->desk;
    struct err err = {0};
    if (days == 0)
        return;
    if (days < 0 || days > (int64_t)DESK_TERM_DAYS_MAX) {
        ask_invalid(ask, "keep_days", "event logs are kept for a whole number of days, at most 36525");
        return;
    }
    if (desk->term_check && desk->term_check(desk->term_context, (uint32_t)days, ask->now_ns, &err) != RC_OK) {
        const char *text = arena_strz(ask->arena, str_of(err.text));
        ask_invalid(ask, "keep_days", text ? text : "it is shorter than event logs must be kept");
        return;
    }
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM object WHERE keep_days > 0 AND id <> ?1");
    db_put_i64(&q, object);
    if (db_one_i64(&q, 0) >= (int64_t)DESK_TERMS_MAX)
        ask_invalid(ask, "keep_days", "256 objects have a term of their own already");
}

uint64_t desk_objects_version(const struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->objects_version;
}

static enum rc rules_write(struct desk *desk, struct buf *out, struct err *err)
{
    asset_rules_write(assets_rules(desk), out);
    return out->overflow ? err_set(err, RC_LIMIT, "no memory for the objects' rules") : RC_OK;
}

enum rc desk_object_rules(struct desk *desk, struct buf *out, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err); /* reads the rules anew when they changed */
    if (rc != RC_OK)
        return rc;
    struct err why = {0};
    enum rc written = db_failed(desk->db) ? RC_OK : rules_write(desk, out, &why);
    rc = desk_end(desk, false, err);
    return rc == RC_OK && written != RC_OK ? err_set(err, written, "%s", why.text) : rc;
}

static void terms_write(struct desk *desk, struct str rules, struct buf *out)
{
    struct tlog_hash digest;
    char text[2 * TLOG_HASH_SIZE];
    tlog_hash_bytes(desk->hasher, rules, &digest);
    json_write_object(out);
    json_put_str(out, "rules", str_at(text, hex_encode(digest.bytes, TLOG_HASH_SIZE, text)));
    json_write_key(out, "objects");
    json_write_array(out);
    struct db_query q = db_query(desk->db, "SELECT id, name, keep_days FROM object WHERE keep_days > 0 ORDER BY id");
    while (db_next(&q)) {
        json_write_object(out);
        json_put_int(out, "id", db_i64(&q));
        json_put_str(out, "name", db_text(&q));
        json_put_int(out, "days", db_i64(&q));
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
}

enum rc desk_object_terms(struct desk *desk, struct buf *out, struct err *err)
{
    struct buf rules CLEANUP(buf_done) = {0};
    buf_init(&rules, ASSET_RULES_BYTES);
    enum rc rc = desk_object_rules(desk, &rules, err);
    rc = rc == RC_OK ? desk_begin(desk, err) : rc;
    if (rc != RC_OK)
        return rc;
    terms_write(desk, buf_view(&rules), out);
    rc = desk_end(desk, false, err);
    return rc == RC_OK && out->overflow ? err_set(err, RC_LIMIT, "no memory for the objects' terms") : rc;
}
