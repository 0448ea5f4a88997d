#include "desk/rhythm_desk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/loss.h"
#include "desk/rhythm.h"

#include <string.h>

#define HOUR_NS   (HOUR_S * SECOND_NS)
#define AT_ONCE   200
#define ALIVE_NS  (MINUTE_S * SECOND_NS)
#define AWAY_NS   (10 * MINUTE_S * SECOND_NS)
#define TEN_A_DAY 6 /* records in an hour that are one in ten minutes */

/* --- small things --- */

static int64_t hour_of(const struct desk *desk, int64_t time_ns)
{
    return (time_ns + desk->zone_offset_s * SECOND_NS) / HOUR_NS;
}

static int64_t hour_end_ns(const struct desk *desk, int64_t hour)
{
    return (hour + 1) * HOUR_NS - desk->zone_offset_s * SECOND_NS;
}

/* 1970 began on a Thursday; the week on Monday. */
static int64_t slot_of(int64_t hour)
{
    return (hour + 3 * 24) % (int64_t)RHYTHM_SLOTS;
}

static size_t counts_read(struct str bytes, uint32_t *ret_counts, size_t most)
{
    size_t n = MIN(bytes.n / 4, most);
    for (size_t i = 0; i < n; i++)
        ret_counts[i] = get_be32((const uint8_t *)bytes.p + 4 * i);
    return n;
}

/* What is usual in that hour. */
static struct rhythm rhythm_read(struct desk *desk, const uint8_t id[16], int64_t slot)
{
    uint32_t week[RHYTHM_WEEKS], day[RHYTHM_DAYS];
    size_t weeks = 0, days = 0;
    struct db_query q = db_query(desk->db, "SELECT slot, counts FROM rhythm WHERE source = ?1 AND slot IN (?2, ?2 + 24,"
                                           " ?2 + 48, ?2 + 72, ?2 + 96, ?2 + 120, ?2 + 144)");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, slot % 24);
    while (db_next(&q)) {
        bool same = db_i64(&q) == slot;
        struct str bytes = db_text(&q);
        size_t n = counts_read(bytes, day + days, MIN((size_t)RHYTHM_WEEKS, RHYTHM_DAYS - days));
        if (same) {
            memcpy(week, day + days, n * sizeof *week);
            weeks = n;
        }
        days += n;
    }
    return rhythm_of(week, weeks, day, days);
}

bool rhythm_expects(struct desk *desk, const uint8_t id[16], int64_t time_ns)
{
    struct rhythm rhythm = rhythm_read(desk, id, slot_of(hour_of(desk, time_ns)));
    return !rhythm.known || rhythm.median >= TEN_A_DAY;
}

/* --- counting --- */

static void trouble_tell(struct desk *desk, const uint8_t id[16], enum own_trouble trouble, int64_t hour,
                         const int64_t numbers[2])
{
    char storage[160], from[CIVIL_TEXT_MAX];
    struct buf text;
    civil_format(hour_end_ns(desk, hour) - HOUR_NS, 0, 0, from);
    buf_init_fixed(&text, storage, sizeof storage);
    buf_format(&text, "%lld records in the hour from %s; %lld are usual", (long long)numbers[0], from,
               (long long)numbers[1]);
    source_trouble(desk, &(struct source_trouble){id, trouble, trouble == SOURCE_LOW ? "source.low" : "source.burst",
                                                  buf_view(&text), hour_end_ns(desk, hour)});
}

/* True: it is one whose rhythm is learned. */
static bool source_begin(struct desk *desk, const uint8_t id[16], int64_t hour)
{
    struct db_query q = db_query(desk->db, "SELECT since FROM rhythm_source WHERE source = ?1");
    db_put_blob(&q, str_at(id, 16));
    if (db_one_i64(&q, -1) >= 0)
        return true;
    q = db_query(desk->db, "SELECT count(*) FROM rhythm_source");
    if (db_one_i64(&q, 0) >= RHYTHM_SOURCES)
        return false;
    q = db_query(desk->db, "INSERT INTO rhythm_source (source, since, judged) VALUES (?1, ?2, 0)");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, hour);
    db_run(&q);
    return true;
}

static void hour_add(struct desk *desk, const uint8_t id[16], int64_t hour, int64_t records)
{
    struct db_query q = db_query(desk->db, "UPDATE rhythm_hour SET count = min(count + ?3, 1 << 60)"
                                           " WHERE source = ?1 AND hour = ?2 RETURNING count, high");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, hour);
    db_put_i64(&q, records);
    bool found = db_next(&q);
    int64_t count = found ? db_i64(&q) : records;
    int64_t high = found ? db_i64(&q) : 0;
    db_query_end(&q);
    struct rhythm rhythm = {0};
    if (!found) {
        if (!source_begin(desk, id, hour))
            return;
        rhythm = rhythm_read(desk, id, slot_of(hour));
        high = (int64_t)rhythm.high;
        q = db_query(desk->db, "INSERT INTO rhythm_hour (source, hour, count, high) VALUES (?1, ?2, ?3, ?4)");
        db_put_blob(&q, str_at(id, 16));
        db_put_i64(&q, hour);
        db_put_i64(&q, count);
        db_put_i64(&q, high);
        db_run(&q);
    }
    if (!high || count <= high)
        return;
    rhythm = rhythm_read(desk, id, slot_of(hour));
    trouble_tell(desk, id, SOURCE_BURST, hour, (int64_t[]){count, (int64_t)rhythm.median});
}

/* An engine tells its counts every few seconds; one that catches up has read hours in them. */
static bool is_of_hours(const struct desk *desk, int64_t first_ns, int64_t last_ns)
{
    return last_ns - first_ns >= RHYTHM_GRACE_NS && hour_of(desk, first_ns) < hour_of(desk, last_ns);
}

/* The source's hours up to this one are not whole: as if they were judged. */
static void hours_leave(struct desk *desk, const uint8_t id[16], int64_t hour)
{
    struct db_query q = db_query(desk->db, "UPDATE rhythm_source SET judged = max(judged, ?2) WHERE source = ?1");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, hour);
    db_run(&q);
}

void rhythm_store(struct desk *desk, const struct desk_annex_count *counts, size_t n, int64_t now_ns)
{
    int64_t open = desk_meta_read(desk, "rhythm_hour"); /* hours before are closed */
    for (size_t i = 0; i < n && !db_failed(desk->db); i++) {
        int64_t time_ns = MIN(counts[i].count.last_ns, now_ns); /* of receiving: the clock may have been set */
        int64_t records = (int64_t)MIN(counts[i].count.records, UINT64_C(1) << 40);
        if (!open || hour_of(desk, time_ns) < open)
            continue;
        if (is_of_hours(desk, counts[i].count.first_ns, time_ns))
            hours_leave(desk, counts[i].source, hour_of(desk, time_ns));
        else
            hour_add(desk, counts[i].source, hour_of(desk, time_ns), records);
    }
}

/* --- hours that are over --- */

static void slot_add(struct desk *desk, const uint8_t id[16], int64_t slot, int64_t count)
{
    uint32_t counts[RHYTHM_WEEKS + 1];
    uint8_t bytes[4 * RHYTHM_WEEKS];
    struct db_query q = db_query(desk->db, "SELECT counts FROM rhythm WHERE source = ?1 AND slot = ?2");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, slot);
    size_t n = db_next(&q) ? counts_read(db_text(&q), counts, RHYTHM_WEEKS) : 0;
    db_query_end(&q);
    counts[n++] = (uint32_t)MIN(count, (int64_t)UINT32_MAX);
    size_t first = n > RHYTHM_WEEKS ? n - RHYTHM_WEEKS : 0;
    for (size_t i = first; i < n; i++)
        put_be32(bytes + 4 * (i - first), counts[i]);
    q = db_query(desk->db, "INSERT INTO rhythm (source, slot, counts) VALUES (?1, ?2, ?3)"
                           " ON CONFLICT (source, slot) DO UPDATE SET counts = excluded.counts");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, slot);
    db_put_blob(&q, str_at(bytes, 4 * (n - first)));
    db_run(&q);
}

static void hour_judge(struct desk *desk, const uint8_t id[16], int64_t hour)
{
    struct db_query q = db_query(desk->db, "SELECT count FROM rhythm_hour WHERE source = ?1 AND hour = ?2");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, hour);
    int64_t count = db_one_i64(&q, 0);
    struct rhythm rhythm = rhythm_read(desk, id, slot_of(hour));
    int64_t numbers[2] = {count, (int64_t)rhythm.median};
    if (rhythm.known && (uint64_t)count < rhythm.low)
        trouble_tell(desk, id, SOURCE_LOW, hour, numbers);
    else
        source_calm(desk, id, SOURCE_LOW, hour_end_ns(desk, hour));
    if (rhythm.known && (uint64_t)count > rhythm.high)
        trouble_tell(desk, id, SOURCE_BURST, hour, numbers);
    else
        source_calm(desk, id, SOURCE_BURST, hour_end_ns(desk, hour));
    slot_add(desk, id, slot_of(hour), count);
    q = db_query(desk->db, "UPDATE rhythm_source SET judged = ?2 WHERE source = ?1");
    db_put_blob(&q, str_at(id, 16));
    db_put_i64(&q, hour);
    db_run(&q);
}

static void hours_end(struct desk *desk, int64_t hour)
{
    db_run_i64(desk->db, "DELETE FROM rhythm_hour WHERE hour <= ?1", hour);
    desk_meta_store(desk, "rhythm_hour", hour + 1);
}

/* Some sources of an hour that were not judged in it; true: there are more. */
static bool hour_close(struct desk *desk, int64_t hour)
{
    uint8_t ids[AT_ONCE][16];
    size_t n = 0;
    struct db_query q =
        db_query(desk->db, "SELECT source FROM rhythm_source WHERE judged < ?1 AND since < ?1 LIMIT ?2");
    db_put_i64(&q, hour); /* the hour in which it was seen first is not whole */
    db_put_i64(&q, AT_ONCE);
    while (db_next(&q)) {
        struct str id = db_text(&q);
        if (id.n == 16 && n < AT_ONCE)
            memcpy(ids[n++], id.p, 16);
    }
    for (size_t i = 0; i < n && !db_failed(desk->db); i++)
        hour_judge(desk, ids[i], hour);
    if (n == AT_ONCE)
        return true;
    hours_end(desk, hour);
    return false;
}

/* True when the hours since it was here last are whole. */
static bool is_awake(struct desk *desk, int64_t now_ns)
{
    int64_t alive_ns = desk_meta_read(desk, "rhythm_alive");
    if (now_ns - alive_ns >= ALIVE_NS || now_ns < alive_ns)
        desk_meta_store(desk, "rhythm_alive", now_ns);
    return alive_ns && now_ns - alive_ns < AWAY_NS && now_ns >= alive_ns;
}

bool rhythm_watch(struct desk *desk, int64_t now_ns, int64_t read_ns)
{
    int64_t hour = desk_meta_read(desk, "rhythm_hour");
    if (!is_awake(desk, now_ns) || !hour) {
        hours_end(desk, hour_of(desk, now_ns));
        return false;
    }
    int64_t end_ns = hour_end_ns(desk, hour);
    if (now_ns < end_ns + RHYTHM_GRACE_NS)
        return false;
    if (read_ns >= end_ns)
        return hour_close(desk, hour) || now_ns >= end_ns + HOUR_NS;
    if (now_ns >= end_ns + RHYTHM_PATIENCE_NS)
        hours_end(desk, hour);
    return false;
}
