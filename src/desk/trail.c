/* trail.c - what correlations were told, kept until no window holds it: so that they begin after a restart where they
 * were. Rows go with the matches of the same transaction, which is what engines are told is kept: a match is either in
 * the trail or comes again. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/inside.h"

#define CLEAN_NS (10 * SECOND_NS)

static int64_t removed_bytes(struct db_query *q, uint64_t *ret_rows)
{
    int64_t bytes = 0;
    while (db_next(q)) {
        bytes += db_i64(q);
        *ret_rows += 1;
    }
    return bytes;
}

/* Both give the bytes of the rows they removed. */
static int64_t old_remove(struct desk *desk, int64_t clock_ns)
{
    uint64_t rows = 0;
    struct db_query q = db_query(desk->db, "DELETE FROM trail WHERE until_ns < ?1 RETURNING length(body)");
    db_put_i64(&q, clock_ns);
    return removed_bytes(&q, &rows);
}

/* The oldest, a sixty-fourth at once: each removal looks for them anew. */
static int64_t oldest_remove(struct desk *desk, uint64_t *ret_rows)
{
    struct db_query q = db_query(desk->db, "DELETE FROM trail WHERE id IN (SELECT id FROM trail ORDER BY id LIMIT"
                                           " 1 + (SELECT count(*) FROM trail) / 64) RETURNING length(body)");
    return removed_bytes(&q, ret_rows);
}

void trail_open(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT coalesce(sum(length(body)), 0) FROM trail");
    desk->trail.bytes = db_one_i64(&q, 0);
}

struct trail trail_put(struct desk *desk, const struct desk_batch *batch)
{
    struct trail trail = desk->trail;
    for (size_t i = 0; i < batch->trail_count; i++) {
        const struct desk_trail *row = &batch->trails[i];
        struct db_query q = db_query(desk->db, "INSERT INTO trail (until_ns, body) VALUES (?1, ?2)");
        ASSERT(row->body.n <= DESK_TRAIL_BODY_MAX);
        db_put_i64(&q, row->until_ns);
        db_put_blob(&q, row->body);
        db_run(&q);
        trail.bytes += (int64_t)row->body.n;
    }
    bool due = batch->clock_ns - trail.cleaned_ns >= CLEAN_NS || batch->clock_ns < trail.cleaned_ns;
    if (batch->trail_count && due) {
        trail.cleaned_ns = batch->clock_ns;
        trail.bytes -= old_remove(desk, batch->clock_ns);
    }
    int64_t removed = 1;
    while (trail.bytes > (int64_t)DESK_TRAIL_BYTES && removed > 0) {
        removed = oldest_remove(desk, &trail.cut);
        trail.bytes -= removed;
    }
    return trail;
}

enum rc desk_trail_read(struct desk *desk, desk_trail_sink sink, void *context, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT body FROM trail ORDER BY id");
    while (db_next(&q))
        sink(context, db_text(&q));
    return db_end(desk->db, true, err);
}

uint64_t desk_trail_cut(const struct desk *desk)
{
    return desk->trail.cut;
}
