/* A chart is stacked bars: one a step of time, in it the eight series with most records and the rest. The same figures
 * stand in the table below it. */
#include "web/search_parts.h"

#include "web/parts.h"

#include <string.h>

#define SERIES_MAX 8 /* and one for the rest */
#define STEPS_MAX  1000
#define HEIGHT     60
#define WIDTH      8 /* of a step */

static bool is_kind(const struct json_value *column, const char *kind)
{
    return str_is(of_str(column, "kind"), kind);
}

static int64_t table_columns(const struct json_value *table)
{
    const struct json_value *columns = json_get(table, "columns");
    return columns ? MIN((int64_t)columns->count, 64) : 0;
}

/* ---- the chart ---- */

struct series {
    struct str name;
    int64_t total;
};

struct chart {
    const struct json_value *columns;
    const struct json_value *rows;
    int64_t from_ns;
    int64_t step_ns;
    int64_t steps;
    struct series series[SERIES_MAX + 1];
    int64_t series_count; /* without the rest */
    bool rest;
    int64_t *counts; /* step by step, SERIES_MAX + 1 each */
    int64_t most;
};

/* The texts of a row between its time and its count, as one name. */
static struct str series_name(struct web_call *call, const struct chart *chart, const struct json_value *row)
{
    struct buf out;
    char *room = arena_alloc_raw(call->arena, 512);
    if (!room)
        return STR_NONE;
    buf_init_fixed(&out, room, 512);
    const struct json_value *column = json_first(chart->columns);
    for (const struct json_value *cell = json_first(row); cell && column; cell = cell->next, column = column->next) {
        if (!is_kind(column, "text"))
            continue;
        if (out.n)
            buf_text(&out, " \xc2\xb7 ");
        buf_str(&out, str_slice(json_str(cell, STR("")), 0, 100));
    }
    return buf_view(&out);
}

/* A row's cell of the given kind; -1 when there is none. */
static int64_t number_of(const struct chart *chart, const struct json_value *row, const char *kind)
{
    const struct json_value *column = json_first(chart->columns);
    for (const struct json_value *cell = json_first(row); cell && column; cell = cell->next, column = column->next)
        if (is_kind(column, kind))
            return json_int(cell, -1);
    return -1;
}

static bool chart_span(struct chart *chart)
{
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    for (const struct json_value *row = json_first(chart->rows); row; row = row->next) {
        int64_t time = number_of(chart, row, "time");
        if (time < 0 || number_of(chart, row, "count") < 0)
            return false;
        first = MIN(first, time);
        last = MAX(last, time);
    }
    if (first > last || (last - first) / chart->step_ns >= STEPS_MAX)
        return false;
    chart->from_ns = first;
    chart->steps = (last - first) / chart->step_ns + 1;
    return true;
}

/* The series with most records, the largest first; each row's series is looked for among them by name. */
static bool chart_series(struct web_call *call, struct chart *chart)
{
    size_t room = chart->rows->count;
    struct series *all = arena_alloc_array(call->arena, room + 1, sizeof *all);
    size_t count = 0;
    if (!all)
        return false;
    for (const struct json_value *row = json_first(chart->rows); row && count < room; row = row->next) {
        struct str name = series_name(call, chart, row);
        size_t at = 0;
        while (at < count && !str_eq(all[at].name, name))
            at++;
        all[at].name = name;
        all[at].total += MIN(number_of(chart, row, "count"), INT64_MAX / 4096);
        count += at == count;
    }
    for (size_t i = 0; i < count && i < SERIES_MAX; i++) {
        size_t best = i;
        for (size_t k = i + 1; k < count; k++)
            if (all[k].total > all[best].total)
                best = k;
        struct series swap = all[i];
        all[i] = all[best];
        all[best] = swap;
        chart->series[chart->series_count++] = all[i];
    }
    chart->rest = count > SERIES_MAX;
    return true;
}

static bool chart_counts(struct web_call *call, struct chart *chart)
{
    chart->counts = arena_alloc_array(call->arena, (size_t)chart->steps * (SERIES_MAX + 1), sizeof *chart->counts);
    if (!chart->counts)
        return false;
    for (const struct json_value *row = json_first(chart->rows); row; row = row->next) {
        struct str name = series_name(call, chart, row);
        int64_t at = 0;
        while (at < chart->series_count && !str_eq(chart->series[at].name, name))
            at++;
        at = at == chart->series_count ? SERIES_MAX : at;
        int64_t step = (number_of(chart, row, "time") - chart->from_ns) / chart->step_ns;
        chart->counts[step * (SERIES_MAX + 1) + at] += MIN(number_of(chart, row, "count"), INT64_MAX / 4096);
    }
    for (int64_t i = 0; i < chart->steps; i++) {
        int64_t sum = 0;
        for (int64_t k = 0; k <= SERIES_MAX; k++)
            sum += chart->counts[i * (SERIES_MAX + 1) + k];
        chart->most = MAX(chart->most, sum);
    }
    return chart->most > 0;
}

static void chart_bar(struct web_call *call, const struct chart *chart, int64_t step)
{
    struct html *html = &call->html;
    const int64_t *counts = &chart->counts[step * (SERIES_MAX + 1)];
    int64_t sum = 0;
    for (int64_t k = 0; k <= SERIES_MAX; k++) {
        int64_t below = (int64_t)((double)sum * HEIGHT / (double)chart->most);
        sum += counts[k];
        int64_t above = (int64_t)((double)sum * HEIGHT / (double)chart->most);
        if (counts[k] <= 0)
            continue;
        HTML(html, RAW("<rect class=\"s"), INT(k), RAW("\" x=\""), INT(step * WIDTH), RAW("\" y=\""),
             INT(HEIGHT - MAX(above, below + 1)), RAW("\" width=\""), INT(WIDTH - 1), RAW("\" height=\""),
             INT(MAX(above - below, 1)), RAW("\"><title>"), MOMENT(chart->from_ns + step * chart->step_ns), RAW(" "));
        if (k < SERIES_MAX)
            HTML(html, ESC(chart->series[k].name));
        else
            HTML(html, SAY("search.rest"));
        HTML(html, RAW(": "), NUMBER(counts[k]), RAW("</title></rect>"));
    }
}

static void chart_show(struct web_call *call, const struct chart *chart)
{
    struct html *html = &call->html;
    HTML(html, RAW("<figure class=\"histogram chart\"><figcaption><span>"), SAY("search.in_time"), RAW("</span><span>"),
         SAY("search.most"), RAW(" "), NUMBER(chart->most), RAW("</span></figcaption><svg viewBox=\"0 0 "),
         INT(chart->steps * WIDTH), RAW(" 60\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""),
         SAY("search.in_time"), RAW("\">"));
    for (int64_t i = 0; i < chart->steps; i++)
        chart_bar(call, chart, i);
    HTML(html, RAW("</svg><div class=\"axis\">"), TIME(chart->from_ns),
         TIME(chart->from_ns + chart->steps * chart->step_ns), RAW("</div>"));
    if (chart->series_count > 1) {
        HTML(html, RAW("<ul class=\"legend\">"));
        for (int64_t k = 0; k < chart->series_count; k++)
            HTML(html, RAW("<li><svg class=\"key\" viewBox=\"0 0 8 8\" aria-hidden=\"true\"><rect class=\"s"), INT(k),
                 RAW("\" width=\"8\" height=\"8\"/></svg>"), ESC(chart->series[k].name), RAW("</li>"));
        if (chart->rest)
            HTML(html,
                 RAW("<li><svg class=\"key\" viewBox=\"0 0 8 8\" aria-hidden=\"true\"><rect class=\"s8\" "
                     "width=\"8\" height=\"8\"/></svg>"),
                 SAY("search.rest"), RAW("</li>"));
        HTML(html, RAW("</ul>"));
    }
    HTML(html, RAW("</figure>"));
}

/* ---- the table ---- */

static void heads(struct web_call *call, const struct json_value *columns)
{
    struct html *html = &call->html;
    HTML(html, RAW("<thead><tr>"));
    for (const struct json_value *c = json_first(columns); c; c = c->next) {
        if (is_kind(c, "count"))
            HTML(html, RAW("<th scope=\"col\" class=\"number\">"), SAY("search.count"));
        else if (is_kind(c, "time") && str_is(of_str(c, "name"), "time"))
            HTML(html, RAW("<th scope=\"col\">"), SAY("event.time"));
        else
            HTML(html, RAW("<th scope=\"col\">"), ESC(of_str(c, "name")));
        HTML(html, RAW("</th>"));
    }
    HTML(html, RAW("</tr></thead>"));
}

static int64_t most_of(const struct json_value *columns, const struct json_value *rows)
{
    const struct chart view = {.columns = columns};
    int64_t most = 1;
    for (const struct json_value *row = json_first(rows); row; row = row->next)
        most = MAX(most, number_of(&view, row, "count"));
    return most;
}

static void cell_show(struct web_call *call, const struct json_value *column, const struct json_value *cell,
                      int64_t most)
{
    struct html *html = &call->html;
    int64_t number = json_int(cell, 0);
    if (is_kind(column, "count")) {
        int64_t width = number > 0 ? MAX((int64_t)((double)number * 100 / (double)most), 1) : 0;
        part_cell_classed(call, "search.count", "number");
        HTML(html, NUMBER(number),
             RAW("<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                 "<rect width=\""),
             INT(width), RAW("\" height=\"4\"/></svg></td>"));
        return;
    }
    HTML(html, RAW("<td data-label=\""), ESC(of_str(column, "name")), RAW("\">"));
    if (is_kind(column, "time"))
        HTML(html, TIME(number));
    else
        HTML(html, ESC(json_str(cell, STR(""))));
    HTML(html, RAW("</td>"));
}

static void notices(struct web_call *call, const struct json_value *answer, const struct json_value *table)
{
    struct html *html = &call->html;
    const struct json_value *rows = json_get(table, "rows");
    int64_t shown = rows ? rows->count : 0;
    if (of_int(table, "lost") > 0) {
        HTML(html, RAW("<p class=\"notice warn\">"));
        SAY_WITH(html, "search.lost", NUMBER(of_int(table, "lost")));
        HTML(html, RAW("</p>"));
    }
    if (of_int(table, "rows_total") > shown) {
        HTML(html, RAW("<p class=\"notice warn\">"));
        SAY_WITH(html, "search.rows_shown", NUMBER(shown), NUMBER(of_int(table, "rows_total")));
        HTML(html, RAW("</p>"));
    }
    if (of_int(answer, "unsorted") > 0)
        part_notice(call, "warn", "search.unsorted");
}

void search_table_show(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    const struct json_value *table = json_get(answer, "table");
    struct chart chart = {.columns = json_get(table, "columns"), .rows = json_get(table, "rows")};
    chart.step_ns = of_int(table, "step_ns");
    notices(call, answer, table);
    if (!json_first(chart.rows) || table_columns(table) == 0) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("search.nothing"), RAW("</p>"));
        return;
    }
    if (chart.step_ns > 0 && chart_span(&chart) && chart_series(call, &chart) && chart_counts(call, &chart))
        chart_show(call, &chart);
    int64_t most = most_of(chart.columns, chart.rows);
    HTML(html, RAW("<table class=\"rows counted\">"));
    heads(call, chart.columns);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *row = json_first(chart.rows); row; row = row->next) {
        const struct json_value *column = json_first(chart.columns);
        HTML(html, RAW("<tr>"));
        for (const struct json_value *c = json_first(row); c && column; c = c->next, column = column->next)
            cell_show(call, column, c, most);
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

/* ---- what is not there any more ---- */

void search_deleted_show(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    int64_t under = of_int(answer, "gone_under");
    if (of_int(answer, "gone_records") <= 0)
        return;
    HTML(html, RAW("<p class=\"notice warn\" role=\"status\">"));
    part_icon(call, "warn");
    HTML(html, RAW(" <span>"));
    SAY_WITH(html, "search.deleted", NUMBER(of_int(answer, "gone_records")), NUMBER(of_int(answer, "gone_first")),
             NUMBER(MAX(of_int(answer, "gone_end") - 1, 0)));
    HTML(html, RAW(" <a href=\"/records/"), INT(under), RAW("\">"), SAY("retention.record"), RAW(" "), NUMBER(under),
         RAW("</a></span></p>"));
}

/* ---- how it was found ---- */

void search_explain_show(struct web_call *call, const struct json_value *answer)
{
    static const char *const keys[] = {"segments",          "segments_by_time", "segments_by_filter", "blocks",
                                       "blocks_by_time",    "blocks_by_filter", "blocks_by_template", "blocks_by_index",
                                       "blocks_by_columns", "blocks_decoded",   "tail_records"};
    struct html *html = &call->html;
    const struct json_value *explain = json_get(answer, "explain");
    if (!explain)
        return;
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("search.explain"),
         RAW("</summary><table class=\"pairs\"><tbody>"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        HTML(html, RAW("<tr><th scope=\"row\">"), SAY_OF("explain.", str_of(keys[i])), RAW("</th><td>"),
             NUMBER(of_int(explain, keys[i])), RAW("</td></tr>"));
    HTML(html, RAW("<tr><th scope=\"row\">"), SAY("explain.scanned"), RAW("</th><td>"),
         NUMBER(of_int(answer, "scanned")), RAW("</td></tr><tr><th scope=\"row\">"), SAY("explain.bytes_read"),
         RAW("</th><td>"), BYTES(of_int(explain, "bytes_read")), RAW("</td></tr><tr><th scope=\"row\">"),
         SAY("explain.elapsed"), RAW("</th><td>"), FIXED(MAX(of_int(answer, "elapsed_ns"), 0) / 1000),
         RAW("</td></tr></tbody></table></details>"));
}
