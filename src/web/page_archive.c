/* The archive as a whole: how much it holds, and the signed checkpoint that an auditor takes away. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/route.h"

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

void page_archive(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_QUERY, "archive");
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
         SAY("archive.download"), RAW("</a></p></section>"));
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
