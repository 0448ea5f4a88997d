#include "role/hunt_report.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "msg/msg.h"

#define REASON_MAX 500u /* bytes of the text of a failure */
#define HIT_MAX    (24 + 4 * (2 + (size_t)HUNT_REPORT_TEXT))
#define COUNT_SIZE ((size_t)16)
#define CHANGE_MAX                                                                                                     \
    (2 + (2 + (size_t)HUNT_REPORT_ID) + (2 + (size_t)HUNT_REPORT_TITLE) + 32 + 2 * (1 + 8 * (size_t)DESK_HUNT_NAMED))
#define CHANGE_INDICATORS 1u
#define CHANGE_TOO_MANY   2u

_Static_assert(HUNT_ORDER_BYTES <= MSG_MIB, "an order fits its message");
_Static_assert(6 + REASON_MAX + DESK_LISTS_MAX * (42 + (size_t)HUNT_LIST_NAME + HUNT_LIST_REASON + HUNT_LIST_EXAMPLE) <=
                   HUNT_LISTS_BYTES,
               "what is said of lists fits its message");
_Static_assert(96 + REASON_MAX + DESK_RULES_MAX * COUNT_SIZE + DESK_HUNT_HITS * HIT_MAX +
                           DESK_HUNT_CHANGES * CHANGE_MAX <=
                       HUNT_REPORT_BYTES &&
                   HUNT_REPORT_BYTES <= 3 * MSG_MIB,
               "a report fits its message");

/* Not within a character. */
static void text_put(struct buf *out, struct str text, size_t limit)
{
    size_t n = MIN(text.n, limit);
    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    buf_be16(out, (uint16_t)n);
    buf_str(out, str_slice(text, 0, n));
}

static struct str text_read(struct reader *in, size_t limit)
{
    struct str text = read_bytes(in, read_be16(in));
    in->failed = in->failed || text.n > limit;
    return text;
}

void hunt_order_write(const struct desk_hunt_order *order, struct buf *out)
{
    ASSERT(order->count <= DESK_RULES_MAX);
    buf_be64(out, (uint64_t)order->from_ns);
    buf_be64(out, (uint64_t)order->to_ns);
    text_put(out, order->pack, HUNT_ORDER_PACK);
    buf_u8(out, (uint8_t)order->lists);
    for (size_t i = 0; i < order->count; i++)
        buf_be64(out, order->hashes[i]);
}

bool hunt_order_read(struct str body, struct arena *arena, struct desk_hunt_order *ret_order)
{
    struct reader in = reader_of(body);
    struct desk_hunt_order order = {0};
    order.from_ns = (int64_t)read_be64(&in);
    order.to_ns = (int64_t)read_be64(&in);
    order.pack = arena_str(arena, text_read(&in, HUNT_ORDER_PACK));
    uint8_t lists = read_u8(&in);
    size_t count = reader_left(&in) / 8;
    uint64_t *hashes = arena_alloc_array(arena, count + 1, sizeof *hashes);
    if (in.failed || !hashes || !order.pack.p || reader_left(&in) % 8 || count > DESK_RULES_MAX || order.from_ns < 0 ||
        order.to_ns < 0 || lists > DESK_LISTS_ALL)
        return false;
    order.lists = (enum desk_hunt_lists)lists;
    for (order.count = 0; order.count < count; order.count++)
        hashes[order.count] = read_be64(&in);
    order.hashes = hashes;
    *ret_order = order;
    return reader_done(&in);
}

void hunt_lists_write(const struct desk_lists *lists, struct buf *out)
{
    ASSERT(lists->count <= DESK_LISTS_MAX);
    text_put(out, lists->trouble, REASON_MAX);
    buf_be32(out, (uint32_t)lists->count);
    for (size_t i = 0; i < lists->count; i++) {
        const struct desk_list *list = &lists->rows[i];
        text_put(out, list->name, HUNT_LIST_NAME);
        buf_be64(out, list->entries);
        buf_be64(out, list->fresh);
        buf_be64(out, list->expired);
        buf_be64(out, list->refused);
        buf_be32(out, list->line);
        text_put(out, list->reason, HUNT_LIST_REASON);
        text_put(out, list->example, HUNT_LIST_EXAMPLE);
    }
}

static void list_read(struct reader *in, struct desk_list *list)
{
    list->name = text_read(in, HUNT_LIST_NAME);
    list->entries = read_be64(in);
    list->fresh = read_be64(in);
    list->expired = read_be64(in);
    list->refused = read_be64(in);
    list->line = read_be32(in);
    list->reason = text_read(in, HUNT_LIST_REASON);
    list->example = text_read(in, HUNT_LIST_EXAMPLE);
}

bool hunt_lists_read(struct str body, struct arena *arena, struct desk_lists *ret_lists)
{
    struct reader in = reader_of(body);
    struct desk_lists lists = {.trouble = text_read(&in, REASON_MAX)};
    size_t count = read_be32(&in);
    if (in.failed || count > DESK_LISTS_MAX)
        return false;
    struct desk_list *rows = arena_alloc_array(arena, count + 1, sizeof *rows);
    for (; rows && lists.count < count && !in.failed; lists.count++)
        list_read(&in, &rows[lists.count]);
    if (!rows || !reader_done(&in))
        return false;
    lists.rows = rows;
    *ret_lists = lists;
    return true;
}

static void records_put(struct buf *out, const uint64_t *records, size_t count)
{
    ASSERT(count <= DESK_HUNT_NAMED);
    buf_u8(out, (uint8_t)count);
    for (size_t i = 0; i < count; i++)
        buf_be64(out, records[i]);
}

static void changes_put(struct buf *out, const struct desk_hunt_report *report)
{
    ASSERT(report->change_count <= DESK_HUNT_CHANGES);
    buf_be64(out, report->gained);
    buf_be64(out, report->lost);
    buf_be64(out, report->change_total);
    buf_be32(out, (uint32_t)report->change_count);
    for (size_t i = 0; i < report->change_count; i++) {
        const struct desk_hunt_change *change = &report->changes[i];
        const uint64_t numbers[] = {change->gained, change->lost, change->before, change->after};
        buf_u8(out, (uint8_t)change->kind);
        buf_u8(out,
               (uint8_t)((change->of_indicators ? CHANGE_INDICATORS : 0) | (change->too_many ? CHANGE_TOO_MANY : 0)));
        text_put(out, change->rule_id, HUNT_REPORT_ID);
        text_put(out, change->title, HUNT_REPORT_TITLE);
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
            buf_be64(out, numbers[k]);
        records_put(out, change->gained_records, change->gained_count);
        records_put(out, change->lost_records, change->lost_count);
    }
}

void hunt_report_write(const struct desk_hunt_report *report, struct buf *out)
{
    const uint64_t numbers[] = {report->records, report->too_large, report->gone, report->evicted, report->passed};
    ASSERT(report->count_count <= DESK_RULES_MAX && report->hit_count <= DESK_HUNT_HITS);
    buf_u8(out, (uint8_t)report->state);
    buf_u8(out, (uint8_t)report->trouble);
    buf_be32(out, report->permille);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_be64(out, numbers[i]);
    text_put(out, report->text, REASON_MAX);
    buf_be32(out, (uint32_t)report->count_count);
    for (size_t i = 0; i < report->count_count; i++) {
        buf_be64(out, report->counts[i].hash);
        buf_be64(out, report->counts[i].hits);
    }
    buf_be32(out, (uint32_t)report->hit_count);
    for (size_t i = 0; i < report->hit_count; i++) {
        const struct desk_hunt_hit *hit = &report->hits[i];
        const struct str texts[] = {hit->host, hit->account, hit->address, hit->text};
        buf_be64(out, hit->hash);
        buf_be64(out, hit->record);
        buf_be64(out, (uint64_t)hit->time_ns);
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            text_put(out, texts[k], HUNT_REPORT_TEXT);
    }
    changes_put(out, report);
}

static bool counts_read(struct reader *in, struct arena *arena, struct desk_hunt_report *report)
{
    size_t count = read_be32(in);
    if (in->failed || count > DESK_RULES_MAX || count > reader_left(in) / COUNT_SIZE)
        return false;
    struct desk_hunt_count *counts = arena_alloc_array(arena, count + 1, sizeof *counts);
    for (size_t i = 0; i < count && counts; i++) {
        counts[i].hash = read_be64(in);
        counts[i].hits = read_be64(in);
    }
    report->counts = counts;
    report->count_count = count;
    return counts != NULL;
}

static bool hits_read(struct reader *in, struct arena *arena, struct desk_hunt_report *report)
{
    size_t count = read_be32(in);
    if (in->failed || count > DESK_HUNT_HITS)
        return false;
    struct desk_hunt_hit *hits = arena_alloc_array(arena, count + 1, sizeof *hits);
    for (size_t i = 0; i < count && hits; i++) {
        struct desk_hunt_hit *hit = &hits[i];
        hit->hash = read_be64(in);
        hit->record = read_be64(in);
        hit->time_ns = (int64_t)read_be64(in);
        hit->host = text_read(in, HUNT_REPORT_TEXT);
        hit->account = text_read(in, HUNT_REPORT_TEXT);
        hit->address = text_read(in, HUNT_REPORT_TEXT);
        hit->text = text_read(in, HUNT_REPORT_TEXT);
    }
    report->hits = hits;
    report->hit_count = count;
    return hits != NULL;
}

static const uint64_t *records_read(struct reader *in, struct arena *arena, size_t *ret_count)
{
    size_t count = read_u8(in);
    uint64_t *records = arena_alloc_array(arena, DESK_HUNT_NAMED, sizeof *records);
    in->failed = in->failed || count > DESK_HUNT_NAMED || !records;
    for (size_t i = 0; i < count && !in->failed; i++)
        records[i] = read_be64(in);
    *ret_count = in->failed ? 0 : count;
    return records;
}

static void change_read(struct reader *in, struct arena *arena, struct desk_hunt_change *change)
{
    uint8_t kind = read_u8(in);
    uint8_t flags = read_u8(in);
    in->failed = in->failed || kind > DESK_CHANGE_AFFECTED || flags > (CHANGE_INDICATORS | CHANGE_TOO_MANY);
    change->kind = in->failed ? DESK_CHANGE_ADDED : (enum desk_hunt_change_kind)kind;
    change->of_indicators = flags & CHANGE_INDICATORS;
    change->too_many = flags & CHANGE_TOO_MANY;
    change->rule_id = text_read(in, HUNT_REPORT_ID);
    change->title = text_read(in, HUNT_REPORT_TITLE);
    change->gained = read_be64(in);
    change->lost = read_be64(in);
    change->before = read_be64(in);
    change->after = read_be64(in);
    change->gained_records = records_read(in, arena, &change->gained_count);
    change->lost_records = records_read(in, arena, &change->lost_count);
}

static bool changes_read(struct reader *in, struct arena *arena, struct desk_hunt_report *report)
{
    report->gained = read_be64(in);
    report->lost = read_be64(in);
    report->change_total = read_be64(in);
    size_t count = read_be32(in);
    if (in->failed || count > DESK_HUNT_CHANGES || count > report->change_total)
        return false;
    struct desk_hunt_change *changes = arena_alloc_array(arena, count + 1, sizeof *changes);
    for (size_t i = 0; i < count && changes && !in->failed; i++)
        change_read(in, arena, &changes[i]);
    report->changes = changes;
    report->change_count = count;
    return changes && !in->failed;
}

static bool state_fits(uint8_t state, uint8_t trouble)
{
    if (state == DESK_HUNT_FAILED)
        return trouble > DESK_HUNT_WELL && trouble < DESK_HUNT_TROUBLES;
    return (state == DESK_HUNT_RUNNING || state == DESK_HUNT_DONE) && trouble == DESK_HUNT_WELL;
}

bool hunt_report_read(struct str body, struct arena *arena, struct desk_hunt_report *ret_report)
{
    struct reader in = reader_of(body);
    struct desk_hunt_report report = {0};
    uint8_t state = read_u8(&in);
    uint8_t trouble = read_u8(&in);
    report.permille = read_be32(&in);
    report.records = read_be64(&in);
    report.too_large = read_be64(&in);
    report.gone = read_be64(&in);
    report.evicted = read_be64(&in);
    report.passed = read_be64(&in);
    report.text = text_read(&in, REASON_MAX);
    if (in.failed || !state_fits(state, trouble) || report.permille > 1000)
        return false;
    report.state = (enum desk_hunt_state)state;
    report.trouble = (enum desk_hunt_trouble)trouble;
    if (!counts_read(&in, arena, &report) || !hits_read(&in, arena, &report) || !changes_read(&in, arena, &report) ||
        !reader_done(&in))
        return false;
    *ret_report = report;
    return true;
}
