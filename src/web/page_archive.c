/* The archive as a whole: how much it holds, and the signed checkpoint that an auditor takes away. */
#include "base/civil.h"
#include "codec/json.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/sheet.h"

/* ---- health ---- */

#define SECOND_NS    INT64_C(1000000000)
#define DAY_NS       (86400 * SECOND_NS)
#define STALE_NS     (3600 * SECOND_NS) /* a checkpoint older than this is told */
#define UNVERIFIED_D 31                 /* days without `qorgan verify` that are told */
#define DISK_LOW_D   30                 /* days that the free space lasts, below which it is told */
#define DISK_LONG_D  36525              /* and above which it says nothing to anybody */
#define GROWTH_MIN   (3600 * SECOND_NS) /* no growth is told of a younger archive */
#define VERIFY_MS    1000               /* work on looking for the last verification */
/* How such a record begins (msg/batch.h). The name alone would also be found in what strangers can write into a record,
 * the name of a refused sign-in say; behind a bare quotation mark it stands in no value. Of any age: faults stay told
 * until a later verification finds none. */
#define VERIFIED_QUERY "type:lifecycle \"{\\\"event\\\":\\\"archive.verified\\\",\""

struct health {
    const struct json_value *archive;
    const struct json_value *outside;
    const struct json_value *mirrors;
    const struct json_value *receivers;
    const struct json_value *time; /* of this machine's clock */
    int64_t now_ns;
    int64_t durable;
    int64_t checkpoint_size;
    int64_t checkpoint_ns;
    int64_t disk_free;
    int64_t deletion_ns; /* when the next segment may go, by its keeper; 0 not known */
    int64_t losses_open; /* that nobody explained */
    bool proposal_waits;
    bool rules_behind;    /* somebody works with those of before */
    bool lists_behind;    /* or not with all lists of indicators */
    bool patterns_behind; /* or could not take all patterns */
    bool canary_lost;     /* canaries do not come through the service */
    int64_t growth;       /* stored bytes a day on average; 0 not known */
    int64_t verified_ns;  /* 0: none found */
    int64_t verified_faults;
    int64_t verified_size;
    int64_t verified_uid;
    bool verified_unknown; /* the search did not end */
};

enum { ASK_ARCHIVE, ASK_WITNESSES, ASK_MIRRORS, ASK_RECEIVERS, ASK_TOTALS, ASK_LOSSES, ASK_VERIFIED };

static void health_ask(struct web_call *call)
{
    call_ask_plain(call, WEB_QUERY, "archive");
    call_ask_plain(call, WEB_DESK, "witness.list");
    call_ask_plain(call, WEB_DESK, "mirror.list");
    call_ask_plain(call, WEB_DESK, "receiver.list");
    json_put_int(call_ask(call, WEB_DESK, "source.list"), "limit", 1);
    call_ask_end(call);
    json_put_int(call_ask(call, WEB_DESK, "loss.list"), "limit", 1);
    call_ask_end(call);
    struct buf *buf = call_ask(call, WEB_QUERY, "search");
    json_put_text(buf, "query", VERIFIED_QUERY);
    json_put_bool(buf, "hide_own", false);
    json_put_int(buf, "before", INT64_MAX); /* from the newest, and no further than the first */
    json_put_int(buf, "limit", 1);
    json_put_int(buf, "wait_ms", VERIFY_MS);
    call_ask_end(call);
}

/* Only a record that the archive wrote itself counts. */
static void verified_read(struct web_call *call, struct health *health)
{
    const struct json_value *answer = call_answer(call, ASK_VERIFIED);
    const struct json_value *event = json_first(json_get(answer, "events"));
    struct json_value *record = NULL;
    health->verified_unknown = !of_bool(answer, "complete");
    if (!event || !str_is(of_str(event, "type"), "lifecycle") ||
        json_parse(call->arena, of_str(event, "raw"), 4, &record, NULL) != RC_OK ||
        !str_is(of_str(record, "event"), "archive.verified"))
        return;
    health->verified_ns = of_int(event, "received_ns");
    health->verified_faults = of_int(record, "faults") + !str_is(of_str(record, "result"), "good");
    health->verified_size = of_int(record, "size");
    health->verified_uid = of_int(record, "uid");
}

static struct health health_read(struct web_call *call)
{
    const struct json_value *totals = json_get(call_answer(call, ASK_TOTALS), "totals");
    struct health health = {
        .archive = call_answer(call, ASK_ARCHIVE),
        .outside = call_answer(call, ASK_WITNESSES),
        .mirrors = json_get(call_answer(call, ASK_MIRRORS), "mirrors"),
        .receivers = json_get(call_answer(call, ASK_RECEIVERS), "receivers"),
        .now_ns = call->html.now_ns,
        .durable = of_int(totals, "durable"),
        .checkpoint_size = of_int(totals, "checkpoint_size"),
        .checkpoint_ns = of_int(totals, "checkpoint_ns"),
        .disk_free = of_int(totals, "disk_free"),
        .deletion_ns = of_int(totals, "deletion_ns"),
        .losses_open = of_int(json_get(call_answer(call, ASK_LOSSES), "totals"), "open"),
        .proposal_waits = of_bool(totals, "proposal_waits"),
        .rules_behind = of_int(totals, "rules_behind") > 0,
        .lists_behind = of_int(totals, "lists_behind") > 0,
        .patterns_behind = of_int(totals, "patterns_behind") > 0,
        .canary_lost = of_int(totals, "canary_troubles") > 0,
        .time = json_get(totals, "time"),
    };
    int64_t oldest = of_int(health.archive, "oldest_ns");
    if (oldest > 0 && health.now_ns > oldest && health.now_ns - oldest >= GROWTH_MIN)
        health.growth =
            (int64_t)((double)of_int(health.archive, "bytes_stored") * DAY_NS / (double)(health.now_ns - oldest));
    verified_read(call, &health);
    return health;
}

static bool checkpoint_late(const struct health *h)
{
    return h->durable > h->checkpoint_size && h->now_ns - h->checkpoint_ns > STALE_NS;
}

static bool witness_is(const struct health *h, const char *state)
{
    for (const struct json_value *w = json_first(json_get(h->outside, "witnesses")); w; w = w->next)
        if (str_is(of_str(w, "state"), state))
            return true;
    return false;
}

static bool archive_behind(const struct health *h)
{
    return witness_is(h, "behind");
}

static bool archive_forked(const struct health *h)
{
    return witness_is(h, "forked");
}

static bool witness_missing(const struct health *h)
{
    return witness_is(h, "missing");
}

static bool quorum_lost(const struct health *h)
{
    return of_bool(json_get(h->outside, "quorum"), "lost");
}

static bool stamp_bad(const struct health *h)
{
    return of_str(json_get(h->outside, "stamp"), "error").n > 0;
}

static bool mirror_bad(const struct health *h)
{
    for (const struct json_value *m = json_first(h->mirrors); m; m = m->next)
        if (of_bool(m, "silent") || str_is(of_str(m, "state"), "stopped"))
            return true;
    return false;
}

static bool receiver_late(const struct health *h)
{
    for (const struct json_value *r = json_first(h->receivers); r; r = r->next)
        if (str_is(of_str(r, "state"), "silent") || str_is(of_str(r, "state"), "behind"))
            return true;
    return false;
}

static bool verify_bad(const struct health *h)
{
    return h->verified_ns > 0 && h->verified_faults > 0;
}

static bool verify_missing(const struct health *h)
{
    bool late = h->now_ns - h->verified_ns > UNVERIFIED_D * DAY_NS;
    return late && !(h->verified_ns == 0 && h->verified_unknown);
}

static bool verify_unknown(const struct health *h)
{
    return h->verified_ns == 0 && h->verified_unknown;
}

static bool disk_low(const struct health *h)
{
    return h->growth > 0 && h->disk_free / h->growth < DISK_LOW_D;
}

static bool witness_none(const struct health *h)
{
    return !json_first(json_get(h->outside, "witnesses"));
}

static bool mirror_none(const struct health *h)
{
    return !json_first(h->mirrors);
}

static bool rules_behind(const struct health *h)
{
    return h->rules_behind;
}

static bool lists_behind(const struct health *h)
{
    return h->lists_behind;
}

static bool patterns_behind(const struct health *h)
{
    return h->patterns_behind;
}

static bool time_lost(const struct health *h)
{
    return of_bool(h->time, "lost");
}

static bool time_foreign(const struct health *h)
{
    struct str choice = of_str(h->time, "choice");
    return choice.n && !str_is(choice, "accepted");
}

static bool canary_lost(const struct health *h)
{
    return h->canary_lost;
}

static bool proposal_waits(const struct health *h)
{
    return h->proposal_waits;
}

/* One sentence a problem: what is wrong and what to do. Worst first. */
static void states(struct web_call *call, const struct health *health)
{
    static const struct {
        bool (*wrong)(const struct health *health);
        const char *kind;
        const char *key;
    } rows[] = {
        {archive_forked, "bad", "archive.state_forked"},
        {archive_behind, "bad", "archive.state_behind"},
        {verify_bad, "bad", "archive.state_verify_bad"},
        {checkpoint_late, "bad", "archive.state_checkpoint"},
        {quorum_lost, "bad", "archive.state_quorum"},
        {witness_missing, "bad", "archive.state_witness"},
        {mirror_bad, "bad", "archive.state_mirror"},
        {receiver_late, "bad", "archive.state_receiver"},
        {disk_low, "bad", "archive.state_disk"},
        {rules_behind, "bad", "archive.state_rules"},
        {lists_behind, "bad", "archive.state_lists"},
        {patterns_behind, "bad", "archive.state_patterns"},
        {canary_lost, "bad", "archive.state_canary"},
        {time_lost, "bad", "archive.state_time"},
        {stamp_bad, "warn", "archive.state_stamp"},
        {time_foreign, "warn", "archive.state_time_foreign"},
        {verify_missing, "warn", "archive.state_verify_missing"},
        {verify_unknown, "warn", "archive.state_verify_unknown"},
        {witness_none, "warn", "archive.state_witness_none"},
        {mirror_none, "warn", "archive.state_mirror_none"},
        {proposal_waits, "warn", "archive.state_proposal"},
    };
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].wrong(health))
            continue;
        part_notice(call, rows[i].kind, rows[i].key);
        good = false;
    }
    if (good)
        part_notice(call, "ok", "archive.state_good");
}

static void tiles(struct web_call *call, const struct health *h)
{
    const struct json_value *a = h->archive;
    struct html *html = &call->html;
    int64_t oldest = of_int(a, "oldest_ns");
    int64_t stored = of_int(a, "bytes_stored");
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_number(call, "archive.records", of_int(a, "records"));
    part_tile_number(call, "archive.segments", of_int(a, "segments"));
    part_tile_number(call, "archive.cold", of_int(a, "cold_segments"));
    part_tile_bytes(call, "archive.bytes_raw", of_int(a, "bytes_raw"));
    part_tile_bytes(call, "archive.bytes_stored", stored);
    part_tile_begin(call, "archive.ratio");
    if (stored > 0)
        HTML(html, FIXED((int64_t)((double)of_int(a, "bytes_raw") * 1000 / (double)stored)));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</dd></div>"));
    part_tile_bytes(call, "archive.growth", h->growth);
    part_tile_bytes(call, "live.disk_free", h->disk_free);
    part_tile_begin(call, "archive.disk_lasts");
    if (h->growth > 0 && h->disk_free / h->growth > DISK_LONG_D)
        HTML(html, RAW("&gt; "), NUMBER(DISK_LONG_D));
    else if (h->growth > 0)
        HTML(html, NUMBER(h->disk_free / h->growth));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</dd></div>"));
    part_tile_time(call, "archive.oldest", oldest);
    part_tile_time(call, "archive.newest", of_int(a, "newest_ns"));
    part_tile_time(call, "archive.deletion", h->deletion_ns > 0 ? h->deletion_ns : of_int(a, "keep_until_ns"));
    part_tile_number(call, "archive.checkpoint_size", h->checkpoint_size);
    part_tile_time(call, "archive.checkpoint_time", h->checkpoint_ns);
    part_tile_time(call, "archive.verified", h->verified_ns);
    HTML(html, RAW("</dl>"));
    if (h->verified_ns > 0)
        HTML(html, RAW("<p class=\"meta\">"), SAY("archive.verified_size"), RAW(": "), NUMBER(h->verified_size),
             RAW(" \xc2\xb7 "), SAY("archive.verified_faults"), RAW(": "), NUMBER(h->verified_faults),
             RAW(" \xc2\xb7 "), SAY("archive.verified_uid"), RAW(": "), INT(h->verified_uid), RAW("</p>"));
    HTML(html, RAW("<p class=\"meta\">"), SAY("archive.deletion_about"), RAW(" <a href=\"/archive/retention\">"),
         SAY("retention.title"), RAW("</a> <a href=\"/archive/receivers\">"), SAY("receivers.title"),
         RAW("</a></p><p class=\"meta\" id=\"losses-line\">"), SAY("losses.open"), RAW(": "), NUMBER(h->losses_open),
         RAW(" <a href=\"/losses\">"), SAY("losses.title"), RAW("</a> <a href=\"/canary\">"), SAY("canary.title"),
         RAW("</a></p>"));
}

/* ---- who vouches ---- */

static void witness_row(struct web_call *call, const struct json_value *w)
{
    struct html *html = &call->html;
    struct str state = of_str(w, "state");
    bool good = str_is(state, "good") || str_is(state, "new");
    HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(w, "name")), RAW("</th>"));
    part_cell_classed(call, "archive.witness_state", "state-cell");
    HTML(html, RAW("<span class=\"state "), ESCZ(good ? "ok" : "bad"), RAW("\">"));
    part_icon(call, good ? "ok" : "bad");
    HTML(html, RAW(" "), SAY_OF("witness_state.", state), RAW("</span></td>"));
    part_cell_classed(call, "archive.witness_size", "number");
    HTML(html, NUMBER(of_int(w, "size")), RAW("</td>"));
    part_cell(call, "archive.witness_time");
    HTML(html, TIME(of_int(w, "time_ns")), RAW("</td>"));
    part_cell(call, "archive.witness_error");
    if (of_str(w, "error").n > 0)
        HTML(html, RAW("<code lang=\"en\">"), ESC(of_str(w, "error")), RAW("</code>"));
    HTML(html, RAW("</td></tr>"));
}

static void witnesses(struct web_call *call, const struct json_value *outside)
{
    static const char *const heads[] = {"archive.witness",      "archive.witness_state", "#archive.witness_size",
                                        "archive.witness_time", "archive.witness_error", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(outside, "witnesses");
    const struct json_value *stamp = json_get(outside, "stamp");
    HTML(html, RAW("<section class=\"card\" id=\"witnesses\"><h2>"), SAY("archive.witnesses"), RAW("</h2><p>"));
    if (!json_first(rows)) {
        HTML(html, SAY("archive.witnesses_none"), RAW("</p>"));
    } else {
        HTML(html, SAY("archive.witnesses_about"), RAW("</p><table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *w = json_first(rows); w; w = w->next)
            witness_row(call, w);
        HTML(html, RAW("</tbody></table><p class=\"meta\">"), SAY("archive.quorum"), RAW(": "),
             NUMBER(of_int(json_get(outside, "quorum"), "size")), RAW("</p>"));
    }
    if (stamp && stamp->kind == JSON_OBJECT)
        HTML(html, RAW("<p class=\"meta\">"), SAY("archive.stamp"), RAW(": "), TIME(of_int(stamp, "time_ns")), RAW(" "),
             ESC(of_str(stamp, "error")), RAW("</p>"));
    HTML(html, RAW("</section>"));
}

static const char *mirror_state(const struct json_value *m)
{
    if (str_is(of_str(m, "state"), "stopped"))
        return "archive.mirror_is_stopped";
    return of_bool(m, "silent") ? "archive.mirror_is_silent" : "archive.mirror_is_ok";
}

static void mirror_row(struct web_call *call, const struct json_value *m, int64_t records)
{
    struct html *html = &call->html;
    bool bad = of_bool(m, "silent") || str_is(of_str(m, "state"), "stopped");
    HTML(html, RAW("<tr"));
    if (bad)
        HTML(html, RAW(" class=\"silent\""));
    HTML(html, RAW("><th scope=\"row\">"), ESC(of_str(m, "name")), RAW("</th>"));
    part_cell(call, "archive.mirror_address");
    HTML(html, ESC(of_str(m, "address")), RAW("</td>"));
    part_cell_classed(call, "archive.mirror_records", "number");
    HTML(html, NUMBER(of_int(m, "size")), RAW("</td>"));
    part_cell_classed(call, "archive.mirror_lag", "number");
    HTML(html, NUMBER(MAX(records - of_int(m, "size"), 0)), RAW("</td>"));
    part_cell(call, "archive.mirror_last");
    HTML(html, TIME(of_int(m, "last_ns")), RAW("</td>"));
    part_cell_classed(call, "archive.mirror_state", "state-cell");
    HTML(html, RAW("<span class=\"state "), ESCZ(bad ? "bad" : "ok"), RAW("\">"));
    part_icon(call, bad ? "bad" : "ok");
    HTML(html, RAW(" "), ESC(html_text(html, str_of(mirror_state(m)))), RAW("</span>"));
    if (of_str(m, "reason").n > 0)
        HTML(html, RAW(" <small><code lang=\"en\">"), ESC(of_str(m, "reason")), RAW("</code></small>"));
    HTML(html, RAW("</td></tr>"));
}

static void mirrors(struct web_call *call, const struct json_value *list, int64_t records)
{
    static const char *const heads[] = {"archive.mirror",
                                        "archive.mirror_address",
                                        "#archive.mirror_records",
                                        "#archive.mirror_lag",
                                        "archive.mirror_last",
                                        "archive.mirror_state",
                                        NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("archive.mirrors"), RAW("</h2><p>"),
         SAY("archive.mirrors_about"), RAW("</p>"));
    if (!json_first(list)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("archive.mirrors_none"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *m = json_first(list); m; m = m->next)
        mirror_row(call, m, records);
    HTML(html, RAW("</tbody></table></section>"));
}

void page_archive(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        health_ask(call);
        return;
    }
    /* Without the search for it the last verification is unknown, and the page says so. */
    for (size_t i = 0; i < ASK_VERIFIED; i++)
        if (call_failed_at(call, i))
            return;
    struct health health = health_read(call);
    const struct json_value *a = health.archive;
    call_page(call, "archive.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("archive.title"), RAW("</h1>"));
    states(call, &health);
    tiles(call, &health);
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("archive.checkpoint"), RAW("</h2><p>"),
         SAY("archive.checkpoint_about"), RAW("</p><p class=\"meta\">"), SAY("archive.origin"), RAW(" <code>"),
         ESC(of_str(a, "origin")), RAW("</code></p><pre class=\"raw whole\">"), ESC(of_str(a, "checkpoint")),
         RAW("</pre><p class=\"buttons\"><a class=\"button\" download href=\"/archive/checkpoint.txt\">"),
         SAY("archive.download"), RAW("</a> <a class=\"button\" download href=\"/archive/sheet.html\">"),
         SAY("archive.sheet"), RAW("</a> <a class=\"button\" href=\"/papers\">"), SAY("papers.title"),
         RAW("</a> <a class=\"button\" href=\"/search\">"), SAY("archive.search"), RAW("</a></p></section>"));
    witnesses(call, health.outside);
    mirrors(call, health.mirrors, of_int(a, "records"));
    call_page_end(call, 200);
}

void page_checkpoint(struct web_call *call)
{
    if (call->phase == 0) {
        call_ask_plain(call, WEB_QUERY, "archive");
        return;
    }
    if (call_failed(call))
        return;
    call_download(call, "text/plain; charset=utf-8", STR("checkpoint.txt"), of_str(call_answer(call, 0), "checkpoint"));
}

/* For paper: a file, because the page's own styles are not for printing and none may stand inside it. */
void page_sheet(struct web_call *call)
{
    struct sheet sheet;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_QUERY, "archive");
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *a = call_answer(call, 0);
    if (sheet_read(of_str(a, "checkpoint"), of_int(a, "checkpoint_ns"), &sheet, NULL) != RC_OK) {
        call_fail(call, 404, STR("not_found"), STR_NONE);
        return;
    }
    sheet_html(&call->html, &sheet);
    call_download(call, "text/html; charset=utf-8", STR("checkpoint.html"), buf_view(call->html.out));
}
