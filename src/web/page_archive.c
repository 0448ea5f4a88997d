/* The archive as a whole: how much it holds, and the signed checkpoint that an auditor takes away. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/sheet.h"

static void tile(struct web_call *call, const char *key, int64_t number, bool bytes)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"tile\"><dt>"), ESC(html_text(html, str_of(key))), RAW("</dt><dd>"));
    if (bytes)
        HTML(html, BYTES(number));
    else
        HTML(html, NUMBER(number));
    HTML(html, RAW("</dd></div>"));
}

static void witness_row(struct web_call *call, const struct json_value *w)
{
    struct html *html = &call->html;
    struct str state = of_str(w, "state");
    bool good = str_is(state, "good") || str_is(state, "new");
    HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(w, "name")), RAW("</th>"));
    part_cell_classed(call, "archive.witness_state", "state-cell");
    HTML(html, RAW("<span class=\"state "), ESCZ(good ? "ok" : "bad"), RAW("\">"), SAY_OF("witness_state.", state),
         RAW("</span></td>"));
    part_cell(call, "archive.witness_size");
    HTML(html, NUMBER(of_int(w, "size")), RAW("</td>"));
    part_cell(call, "archive.witness_time");
    HTML(html, TIME(of_int(w, "time_ns")), RAW("</td>"));
    part_cell(call, "archive.witness_error");
    HTML(html, ESC(of_str(w, "error")), RAW("</td></tr>"));
}

static void witnesses(struct web_call *call, const struct json_value *outside)
{
    static const char *const heads[] = {"archive.witness",      "archive.witness_state", "archive.witness_size",
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
        call_ask_plain(call, WEB_QUERY, "archive");
        call_ask_plain(call, WEB_DESK, "witness.list");
        call_ask_plain(call, WEB_DESK, "mirror.list");
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *a = call_answer(call, 0);
    call_page(call, "archive.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("archive.title"), RAW("</h1><dl class=\"tiles\">"));
    tile(call, "archive.records", of_int(a, "records"), false);
    tile(call, "live.durable", of_int(a, "durable"), false);
    tile(call, "archive.segments", of_int(a, "segments"), false);
    tile(call, "archive.bytes_raw", of_int(a, "bytes_raw"), true);
    tile(call, "archive.bytes_stored", of_int(a, "bytes_stored"), true);
    HTML(html, RAW("<div class=\"tile\"><dt>"), SAY("archive.oldest"), RAW("</dt><dd>"), TIME(of_int(a, "oldest_ns")),
         RAW("</dd></div></dl><section class=\"card\"><h2>"), SAY("archive.checkpoint"), RAW("</h2><p>"),
         SAY("archive.checkpoint_about"), RAW("</p><p class=\"meta\">"), SAY("archive.origin"), RAW(" <code>"),
         ESC(of_str(a, "origin")), RAW("</code></p><pre class=\"raw\">"), ESC(of_str(a, "checkpoint")),
         RAW("</pre><p class=\"buttons\"><a class=\"button\" download href=\"/archive/checkpoint.txt\">"),
         SAY("archive.download"), RAW("</a> <a class=\"button\" download href=\"/archive/sheet.html\">"),
         SAY("archive.sheet"), RAW("</a></p></section>"));
    witnesses(call, call_answer(call, 1));
    mirrors(call, json_get(call_answer(call, 2), "mirrors"), of_int(a, "records"));
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
