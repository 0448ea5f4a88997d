/* Search over the archive: the query, how the hits lie in time, the hits newest first. */
#include "base/civil.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/search_parts.h"

#define PAGE_EVENTS 100
#define FIRST_MS    700  /* of work before the page is shown */
#define MORE_MS     1000 /* each time that more is asked for */
#define LINE_SHOWN  360  /* bytes of a record shown before it is opened */

struct range {
    const char *key;
    int64_t seconds; /* 0 = all; -1 = from and to */
};

static const struct range ranges[] = {
    {"15m", 15 * MINUTE_S}, {"1h", HOUR_S},      {"24h", DAY_S}, {"7d", 7 * DAY_S},
    {"30d", 30 * DAY_S},    {"90d", 90 * DAY_S}, {"all", 0},     {"custom", -1},
};

struct search {
    struct str text;
    const struct range *range;
    int64_t from_ns;
    int64_t to_ns;
    int64_t before;
    int64_t skip;      /* events that the pages before this one gave */
    int64_t now_ns;    /* when the first of them was asked for; 0: this is the first */
    const char *error; /* of what the address says; NULL: none */
    bool own;          /* records that the archive wrote itself are wanted */
    bool hidden;       /* they are left out of what is asked */
    struct str job;    /* a search under way that is gone on with */
    bool stop;         /* it is to be stopped */
};

/* Heartbeats and sessions would bury what came from outside. A person who asks by type knows what to ask for. */
static bool hides_own(const struct search *search)
{
    return !search->own && str_search(search->text, STR("type:")) == search->text.n;
}

/* All pages of a search look at the same time: "the last hour" does not move on under them. */
static int64_t now_of(const struct web_call *call, const struct search *search)
{
    return search->now_ns > 0 ? search->now_ns : call->html.now_ns;
}

static struct search search_of(const struct web_call *call)
{
    struct search search = {.text = form_get(&call->query, "q"), .range = &ranges[2]};
    struct str range = form_get(&call->query, "range");
    struct str from = form_get(&call->query, "from");
    struct str to = form_get(&call->query, "to");
    struct str before = form_get(&call->query, "before");
    struct str skip = form_get(&call->query, "skip");
    bool known = range.n == 0;
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (!str_is(range, ranges[i].key))
            continue;
        search.range = &ranges[i];
        known = true;
    }
    search.before = form_int(&call->query, "before", before.n ? -1 : 0);
    search.skip = form_int(&call->query, "skip", skip.n ? -1 : 0);
    struct str now = form_get(&call->query, "now");
    search.now_ns = form_int(&call->query, "now", now.n ? -1 : 0);
    if (!known || search.before < 0 || search.skip < 0 || search.now_ns < 0 || search.now_ns > call->html.now_ns)
        search.error = "bad_request";
    if (search.range->seconds > 0)
        search.from_ns = now_of(call, &search) - search.range->seconds * SECOND_NS;
    if (search.range->seconds < 0) {
        bool good_from = from.n == 0 || time_of_input(from, call->html.zone_s, &search.from_ns);
        bool good_to = to.n == 0 || time_of_input(to, call->html.zone_s, &search.to_ns);
        if (!good_from || !good_to)
            search.error = "bad_time";
        else if (search.to_ns && search.from_ns >= search.to_ns)
            search.error = "times_reversed";
    }
    search.own = form_get(&call->query, "own").p != NULL;
    search.hidden = hides_own(&search);
    search.job = form_get(&call->query, "job");
    search.stop = form_get(&call->query, "stop").n > 0;
    return search;
}

static void query_form(struct web_call *call, const struct search *search)
{
    struct html *html = &call->html;
    HTML(html,
         RAW("<form class=\"query\" role=\"search\" action=\"/search\"><div class=\"field grow\"><label for=\"q\">"),
         SAY("search.query"),
         RAW("</label><input id=\"q\" name=\"q\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" "
             "autocapitalize=\"none\" maxlength=\"4096\" value=\""),
         ESC(search->text), RAW("\"></div><div class=\"field\"><label for=\"range\">"), SAY("search.range"),
         RAW("</label><select id=\"range\" name=\"range\">"));
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        HTML(html, RAW("<option value=\""), ESCZ(ranges[i].key), RAW("\""));
        if (&ranges[i] == search->range)
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), SAY_OF("range.", str_of(ranges[i].key)), RAW("</option>"));
    }
    HTML(html, RAW("</select></div><div class=\"field custom\"><label for=\"from\">"), SAY("search.from"),
         RAW("</label><input id=\"from\" name=\"from\" type=\"datetime-local\" step=\"1\""));
    if (search->range->seconds < 0 && search->from_ns > 0)
        HTML(html, RAW(" value=\""), INPUT_TIME(search->from_ns), RAW("\""));
    HTML(html, RAW("></div><div class=\"field custom\"><label for=\"to\">"), SAY("search.to"),
         RAW("</label><input id=\"to\" name=\"to\" type=\"datetime-local\" step=\"1\""));
    if (search->range->seconds < 0 && search->to_ns > 0)
        HTML(html, RAW(" value=\""), INPUT_TIME(search->to_ns), RAW("\""));
    HTML(html, RAW("></div>"));
    part_check(call, "own", "search.own", search->own);
    HTML(html, RAW("<button class=\"main\">"), SAY("search.go"), RAW("</button></form>"));
}

static void help(struct web_call *call, bool open)
{
    static const struct {
        const char *example;
        const char *key;
    } rows[] = {
        {"failed password", "help.words"},
        {"\"failed password\"", "help.phrase"},
        {"host:web1 account:root", "help.field"},
        {"-app:cron", "help.not"},
        {"account:adm*", "help.wildcard"},
        {"status>=500", "help.compare"},
        {"src:10.0.0.0/8", "help.network"},
        {"(sudo or su) and not root", "help.logic"},
        {"rule:*", "help.rule"},
        {"failed | count by host, account", "help.count"},
        {"status>=500 | timechart 1h by host", "help.timechart"},
        {"failed | sort src, -time | head 20 | fields time, src, host", "help.sort"},
    };
    struct html *html = &call->html;
    HTML(html, RAW("<details class=\"help\""));
    if (open)
        HTML(html, RAW(" open"));
    HTML(html, RAW("><summary>"), SAY("help.title"), RAW("</summary><table class=\"pairs\"><tbody>"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/search?range=24h&amp;q="), URL(str_of(rows[i].example)),
             RAW("\"><code>"), ESCZ(rows[i].example), RAW("</code></a></th><td>"),
             ESC(html_text(html, str_of(rows[i].key))), RAW("</td></tr>"));
    HTML(html, RAW("</tbody></table></details>"));
}

/* A link that narrows the search to one bar. */
static void bar_link(struct web_call *call, const struct search *search, int64_t from_ns, int64_t step_ns)
{
    int64_t to_ns = (from_ns + step_ns + SECOND_NS - 1) / SECOND_NS * SECOND_NS;
    HTML(&call->html, RAW("/search?range=custom&amp;q="), URL(search->text), RAW("&amp;from="), INPUT_TIME(from_ns),
         RAW("&amp;to="), INPUT_TIME(to_ns));
    if (search->own)
        HTML(&call->html, RAW("&amp;own=yes"));
}

static void histogram_table(struct web_call *call, const struct search *search, const struct json_value *counts,
                            int64_t from_ns, int64_t step_ns)
{
    struct html *html = &call->html;
    int64_t at = from_ns;
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("search.as_table"),
         RAW("</summary><table class=\"rows\"><thead><tr><th scope=\"col\">"), SAY("event.time"),
         RAW("</th><th scope=\"col\">"), SAY("search.count"), RAW("</th></tr></thead><tbody>"));
    for (const struct json_value *c = json_first(counts); c; c = c->next, at += step_ns) {
        if (json_int(c, 0) <= 0)
            continue;
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\""));
        bar_link(call, search, at, step_ns);
        HTML(html, RAW("\">"), TIME(at), RAW("</a></th>"));
        part_cell_classed(call, "search.count", "number");
        HTML(html, NUMBER(json_int(c, 0)), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table></details>"));
}

static void histogram(struct web_call *call, const struct search *search, const struct json_value *h)
{
    struct html *html = &call->html;
    const struct json_value *counts = json_get(h, "counts");
    int64_t from_ns = of_int(h, "from_ns");
    int64_t step_ns = of_int(h, "step_ns");
    int64_t most = 0;
    for (const struct json_value *c = json_first(counts); c; c = c->next)
        most = MAX(most, json_int(c, 0));
    if (!counts || counts->count == 0 || counts->count > 1000 || step_ns <= 0 || most <= 0 || from_ns < 0 ||
        step_ns > (INT64_MAX - SECOND_NS - from_ns) / (int64_t)counts->count)
        return;
    int64_t n = counts->count;
    int64_t at = from_ns;
    int64_t i = 0;
    HTML(html, RAW("<figure class=\"histogram\"><figcaption><span>"), SAY("search.in_time"), RAW("</span><span>"),
         SAY("search.most"), RAW(" "), NUMBER(most), RAW("</span></figcaption><svg viewBox=\"0 0 "), INT(n * 8),
         RAW(" 60\" preserveAspectRatio=\"none\" role=\"group\" aria-label=\""), SAY("search.in_time"), RAW("\">"));
    for (const struct json_value *c = json_first(counts); c; c = c->next, at += step_ns, i++) {
        int64_t count = json_int(c, 0);
        if (count <= 0)
            continue;
        int64_t height = MAX((int64_t)((double)count * 60 / (double)most), 1);
        HTML(html, RAW("<a tabindex=\"-1\" href=\""));
        bar_link(call, search, at, step_ns);
        HTML(html, RAW("\"><rect x=\""), INT(i * 8), RAW("\" y=\""), INT(60 - height), RAW("\" width=\"7\" height=\""),
             INT(height), RAW("\"><title>"), MOMENT(at), RAW(": "), NUMBER(count), RAW("</title></rect></a>"));
    }
    HTML(html, RAW("</svg><div class=\"axis\">"), TIME(from_ns), TIME(at), RAW("</div></figure>"));
    histogram_table(call, search, counts, from_ns, step_ns);
}

static void event_row(struct web_call *call, const struct json_value *e)
{
    struct html *html = &call->html;
    int64_t record = of_int(e, "record");
    HTML(html, RAW("<li><a class=\"record\" href=\"/records/"), INT(record), RAW("\" aria-label=\""),
         SAY("event.record"), RAW(" "), INT(record), RAW("\">"), INT(record), RAW("</a><details><summary>"),
         TIME(of_int(e, "time_ns")), RAW(" <span class=\"source\">"), ESC(of_str(e, "source")), RAW("</span> "));
    if (json_first(json_get(e, "rules"))) {
        HTML(html, RAW("<span class=\"hit\">"));
        part_icon(call, "warn");
        HTML(html, SAY("event.hit"), RAW("</span> "));
    }
    if (event_is_own(e)) {
        HTML(html, RAW("<span class=\"line own\">"));
        event_own(call, e);
    } else {
        HTML(html, RAW("<span class=\"line\">"));
        event_line(call, of_str(e, "raw"), LINE_SHOWN);
    }
    HTML(html, RAW("</span></summary><div class=\"opened\">"));
    if (json_first(json_get(e, "rules"))) {
        HTML(html, RAW("<p>"), SAY("event.rules"), RAW(" "));
        event_rules(call, e);
        HTML(html, RAW("</p>"));
    }
    HTML(html, RAW("<pre class=\"raw\">"), ESC(of_str(e, "raw")), RAW("</pre><p class=\"meta\">"),
         SAY("event.received"), RAW(" "), TIME(of_int(e, "received_ns")));
    event_parser(call, e);
    HTML(html, RAW("</p><div class=\"columns\">"));
    event_fields(call, e);
    HTML(html, RAW("</div></div></details></li>"));
}

/* The page of this search, to which members of the address may be added. */
static void address(struct web_call *call, const struct search *search)
{
    struct html *html = &call->html;
    HTML(html, RAW("/search?q="), URL(search->text), RAW("&amp;range="), ESCZ(search->range->key));
    if (search->own)
        HTML(html, RAW("&amp;own=yes"));
    if (search->range->seconds < 0 && search->from_ns > 0)
        HTML(html, RAW("&amp;from="), INPUT_TIME(search->from_ns));
    if (search->range->seconds < 0 && search->to_ns > 0)
        HTML(html, RAW("&amp;to="), INPUT_TIME(search->to_ns));
    if (search->before > 0)
        HTML(html, RAW("&amp;before="), INT(search->before));
    if (search->skip > 0)
        HTML(html, RAW("&amp;skip="), INT(search->skip));
    if (search->now_ns > 0)
        HTML(html, RAW("&amp;now="), INT(search->now_ns));
}

/* What is found, and while more is looked for the way to it: a script goes there by itself. */
static void found_begin(struct web_call *call, const struct search *search, const struct json_value *answer)
{
    struct html *html = &call->html;
    struct str job = of_str(answer, "job");
    HTML(html, RAW("<section id=\"found\""));
    if (job.n > 0) {
        HTML(html, RAW(" data-refresh=\"0.2\" data-whole=\"yes\" data-from=\""));
        address(call, search);
        HTML(html, RAW("&amp;job="), URL(job), RAW("\""));
    }
    HTML(html, RAW(">"));
}

static void progress(struct web_call *call, const struct search *search, const struct json_value *answer)
{
    struct html *html = &call->html;
    struct str job = of_str(answer, "job");
    int64_t permille = MAX(MIN(of_int(answer, "permille"), 1000), 0);
    if (job.n == 0)
        return;
    HTML(html, RAW("<div class=\"progress\"><progress max=\"1000\" value=\""), INT(permille), RAW("\" aria-label=\""),
         SAY("search.under_way"), RAW("\"></progress><span>"));
    SAY_WITH(html, "search.progress", INT(permille / 10));
    HTML(html, RAW("</span><a class=\"button\" id=\"stop\" href=\""));
    address(call, search);
    HTML(html, RAW("&amp;job="), URL(job), RAW("&amp;stop=yes\">"), SAY("search.stop"),
         RAW("</a><noscript><a class=\"button\" href=\""));
    address(call, search);
    HTML(html, RAW("&amp;job="), URL(job), RAW("\">"), SAY("search.go_on"), RAW("</a></noscript></div>"));
}

static void events_show(struct web_call *call, const struct search *search, const struct json_value *events)
{
    struct html *html = &call->html;
    if (!json_first(events)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("search.nothing"));
        if (search->hidden)
            HTML(html, RAW(" "), SAY("search.hidden"));
        HTML(html, RAW("</p>"));
        return;
    }
    HTML(html, RAW("<ol class=\"events\">"));
    for (const struct json_value *e = json_first(events); e; e = e->next)
        event_row(call, e);
    HTML(html, RAW("</ol>"));
}

/* To the form that makes files with their proofs of what was found. */
static void export_link(struct web_call *call, const struct search *search)
{
    struct html *html = &call->html;
    if (str_find(search->text, '|') < search->text.n)
        return;
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/papers?q="), URL(search->text));
    if (search->from_ns > 0)
        HTML(html, RAW("&amp;from="), INPUT_TIME(search->from_ns));
    if (search->to_ns > 0)
        HTML(html, RAW("&amp;to="), INPUT_TIME(search->to_ns));
    if (search->own)
        HTML(html, RAW("&amp;own=yes"));
    HTML(html, RAW("#export\">"), SAY("papers.export_these"), RAW("</a></p>"));
}

static void results(struct web_call *call, struct search *search, const struct json_value *answer)
{
    struct html *html = &call->html;
    int64_t next = of_int(answer, "next_before");
    int64_t next_skip = of_int(answer, "next_skip");
    bool under_way = of_str(answer, "job").n > 0;
    const struct json_value *events = json_get(answer, "events");
    found_begin(call, search, answer);
    HTML(html, RAW("<h2>"), SAY("search.results"), RAW(" <small>"));
    SAY_WITH(html, "search.counts", NUMBER(of_int(answer, "matched")), NUMBER(of_int(answer, "scanned")));
    HTML(html, RAW("</small></h2>"));
    progress(call, search, answer);
    if (of_bool(answer, "stopped"))
        part_notice(call, "warn", "search.stopped");
    else if (!of_bool(answer, "complete") && !under_way)
        part_notice(call, "warn", "search.incomplete");
    search_deleted_show(call, answer);
    histogram(call, search, json_get(answer, "histogram"));
    if (json_get(answer, "table"))
        search_table_show(call, answer);
    if (json_first(events) || (!json_get(answer, "table") && !under_way))
        events_show(call, search, events);
    if (next > 0 || next_skip > 0) {
        search->before = next;
        search->skip = next_skip;
        search->now_ns = of_int(answer, "now_ns");
        HTML(html, RAW("<p class=\"more\"><a class=\"button\" rel=\"next\" href=\""));
        address(call, search);
        HTML(html, RAW("\">"), ESC(html_text(html, str_of(of_bool(answer, "sorted") ? "search.more" : "search.older"))),
             RAW("</a></p>"));
    }
    if (json_first(events))
        export_link(call, search);
    search_explain_show(call, answer);
    HTML(html, RAW("</section>"));
}

/* Where in the text the query went wrong: the text up to there, a mark, the rest. */
static void wrong_query(struct web_call *call, const struct search *search, const struct json_value *answer)
{
    struct html *html = &call->html;
    int64_t offset = json_int(json_get(answer, "offset"), -1);
    part_error(call, STR("query_invalid"), STR(""), of_str(answer, "text"));
    if (offset < 0 || (uint64_t)offset > search->text.n)
        return;
    HTML(html, RAW("<pre class=\"raw\">"), ESC(str_slice(search->text, 0, (size_t)offset)), RAW("<mark>"),
         ESC((size_t)offset == search->text.n ? STR("\xe2\x80\xb8")
                                              : str_slice(search->text, (size_t)offset, search->text.n)),
         RAW("</mark></pre>"));
}

static void ask_search(struct web_call *call, const struct search *search)
{
    struct buf *buf = call_ask(call, WEB_QUERY, "search");
    bool more = search->job.n > 0;
    json_put_str(buf, "query", search->text);
    json_put_bool(buf, "hide_own", search->hidden);
    json_put_int(buf, "from_ns", search->from_ns);
    json_put_int(buf, "to_ns", search->to_ns);
    json_put_int(buf, "limit", PAGE_EVENTS);
    json_put_int(buf, "before", search->before);
    json_put_int(buf, "skip", search->skip);
    json_put_int(buf, "now_ns", now_of(call, search));
    json_put_int(buf, "wait_ms", more ? MORE_MS : FIRST_MS);
    if (more)
        json_put_str(buf, "job", search->job);
    if (more && search->stop)
        json_put_bool(buf, "stop", true);
    call_ask_end(call);
}

/* One that nobody asked for in time, or that gave way to others: a person begins it anew, no script does. */
static void gone(struct web_call *call, const struct search *search)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"found\" data-gone=\"yes\">"));
    part_error(call, STR("search_gone"), STR(""), STR(""));
    HTML(html, RAW("<p class=\"more\"><a class=\"button\" href=\""));
    address(call, search);
    HTML(html, RAW("\">"), SAY("search.again"), RAW("</a></p></section>"));
}

void page_search(struct web_call *call)
{
    struct search search = search_of(call);
    struct html *html = &call->html;
    if (call->phase == 0 && !search.error) {
        ask_search(call, &search);
        return;
    }
    struct str error = search.error ? str_of(search.error) : call_error(call, 0);
    bool is_gone = str_is(error, "search_gone");
    bool shown = error.n == 0 || search.error || is_gone || str_is(error, "query_invalid");
    if (!shown && call_failed_at(call, 0))
        return;
    call_page(call, "search.title", SECTION_SEARCH);
    HTML(html, RAW("<h1>"), SAY("search.title"), RAW("</h1>"));
    query_form(call, &search);
    help(call, search.text.n == 0 && error.n > 0);
    if (search.error)
        part_error(call, error, STR(""), STR(""));
    else if (is_gone)
        gone(call, &search);
    else if (error.n > 0)
        wrong_query(call, &search, call->questions[0].answer);
    else
        results(call, &search, call_answer(call, 0));
    call_page_end(call, error.n == 0 ? 200 : is_gone ? 404 : 422);
}
