/* One record with everything known of it, and what proves it. */
#include "base/bytes.h"
#include "web/events.h"
#include "web/explain.h"
#include "web/parts.h"
#include "web/route.h"

/* The record number of the address; 404 when it is none. */
static bool record_number(struct web_call *call, uint64_t *ret_record)
{
    if (str_to_u64(call->args[0], ret_record) && *ret_record <= INT64_MAX)
        return true;
    call_fail(call, 404, STR("no_page"), STR(""));
    return false;
}

static void ask_record(struct web_call *call, const char *ask, uint64_t record)
{
    json_put_u64(call_ask(call, WEB_QUERY, ask), "record", record);
    call_ask_end(call);
}

static void pair(struct web_call *call, const char *key, struct str value)
{
    HTML(&call->html, RAW("<tr><th scope=\"row\">"), ESC(html_text(&call->html, str_of(key))), RAW("</th><td><code>"),
         ESC(value), RAW("</code></td></tr>"));
}

static void leaf_table(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("record.leaf"), RAW("</caption><tbody>"));
    pair(call, "record.leaf_hash", of_str(r, "leaf_hash"));
    pair(call, "record.source_id", of_str(r, "source_id"));
    pair(call, "record.epoch", of_text(r, "epoch"));
    pair(call, "record.sequence", of_text(r, "sequence"));
    pair(call, "record.boot", of_text(r, "received_boot_ns"));
    HTML(html, RAW("<tr><th scope=\"row\">"), SAY("record.transport"), RAW("</th><td>"),
         SAY_OF("source_kind.", of_str(r, "transport")), RAW("</td></tr></tbody></table>"));
}

static void proof_part(struct web_call *call, uint64_t record)
{
    struct html *html = &call->html;
    struct str error = call_error(call, 1);
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("record.proof"), RAW("</h2><p>"), SAY("record.proof_about"),
         RAW("</p>"));
    if (error.n > 0) {
        part_error(call, error, STR(""), of_str(call->questions[1].answer, "text"));
        HTML(html, RAW("</section>"));
        return;
    }
    const struct json_value *proof = call_answer(call, 1);
    HTML(html, RAW("<table class=\"pairs\"><tbody><tr><th scope=\"row\">"), SAY("record.checkpoint"), RAW("</th><td>"),
         NUMBER(of_int(proof, "checkpoint_size")), RAW("</td></tr>"));
    pair(call, "record.root", of_str(proof, "root"));
    HTML(html,
         RAW("</tbody></table><p class=\"buttons\"><a class=\"button\" download href=\"/proof-sheet.txt?records="),
         INT((int64_t)record), RAW("\">"), SAY("record.download_sheet"), RAW("</a> "));
    HTML(html, RAW("<a class=\"button\" download href=\"/records/"), INT((int64_t)record), RAW("/proof.txt\">"),
         SAY("record.download_proof"), RAW("</a> <a class=\"button\" download href=\"/records/"), INT((int64_t)record),
         RAW("/leaf\">"), SAY("record.download_leaf"), RAW("</a></p><p class=\"hint\">"), SAY("record.verify"),
         RAW("</p><pre class=\"raw\">qorgan-verify --vkey "), SAY("record.vkey"), RAW(" --proof proof-"),
         INT((int64_t)record), RAW(".txt --leaf leaf-"), INT((int64_t)record), RAW(".bin</pre></section>"));
}

/* The rules that it hit, each with its why. */
static void hits_part(struct web_call *call, const struct json_value *r, int64_t record)
{
    struct html *html = &call->html;
    if (!json_first(json_get(r, "rules")))
        return;
    HTML(html, RAW("<p class=\"hits\">"), SAY("event.rules"));
    for (const struct json_value *rule = json_first(json_get(r, "rules")); rule; rule = rule->next) {
        struct str title = texts_get_of(html->texts, STR("rule."), rule->text, html->language);
        HTML(html, RAW(" <span>"));
        event_rule(call, rule->text);
        HTML(html, RAW(" "));
        explain_link(call, record, rule->text, title.p ? title : rule->text);
        filter_link(call, record, rule->text, title.p ? title : rule->text);
        HTML(html, RAW("</span>"));
    }
    HTML(html, RAW("</p>"));
}

void page_record(struct web_call *call)
{
    uint64_t record = 0;
    struct html *html = &call->html;
    if (!record_number(call, &record))
        return;
    if (call->phase == 0) {
        ask_record(call, "record", record);
        ask_record(call, "proof", record);
        return;
    }
    if (call_failed_at(call, 0))
        return;
    const struct json_value *r = call_answer(call, 0);
    call_page_titled(
        call, call_format(call, "%.*s %llu", STR_ARG(html_text(html, STR("event.record"))), (unsigned long long)record),
        SECTION_SEARCH);
    HTML(html, RAW("<h1>"), SAY("event.record"), RAW(" "), INT((int64_t)record), RAW("</h1><p class=\"meta\">"),
         TIME(of_int(r, "time_ns")), RAW(" \xc2\xb7 "), SAY("event.received"), RAW(" "), TIME(of_int(r, "received_ns")),
         RAW(" \xc2\xb7 "), SAY("event.source"), RAW(" <b>"), ESC(of_str(r, "source")), RAW("</b> <small>"),
         SAY_OF("source_kind.", of_str(r, "kind")), RAW("</small>"));
    event_parser(call, r);
    HTML(html, RAW("</p>"));
    hits_part(call, r, (int64_t)record);
    if (event_is_own(r)) {
        HTML(html, RAW("<p class=\"own\">"));
        event_own(call, r);
        HTML(html, RAW("</p>"));
    }
    HTML(html, RAW("<h2>"), SAY("event.raw"), RAW("</h2><pre class=\"raw whole\">"), ESC(of_str(r, "raw")),
         RAW("</pre><div class=\"columns\">"));
    event_fields(call, r);
    leaf_table(call, r);
    HTML(html, RAW("</div>"));
    if (!event_is_own(r)) {
        HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/parsers/pattern?record="),
             INT((int64_t)record), RAW("\">"), SAY("parsers.make"), RAW("</a></p>"));
        HTML(html, RAW("<section class=\"card\"><h2>"), SAY("explain.title"), RAW("</h2>"));
        explain_form(call, (int64_t)record, STR(""), false);
        HTML(html, RAW("</section>"));
    }
    proof_part(call, record);
    call_page_end(call, 200);
}

void page_record_proof(struct web_call *call)
{
    uint64_t record = 0;
    if (!record_number(call, &record))
        return;
    if (call->phase == 0) {
        ask_record(call, "proof", record);
        return;
    }
    if (call_failed(call))
        return;
    call_download(call, "text/plain; charset=utf-8", call_format(call, "proof-%llu.txt", (unsigned long long)record),
                  of_str(call_answer(call, 0), "proof"));
}

/* /proof-sheet.txt?records=1,2,3: one file for all of them, in the language of the pages. */
void page_proof_sheet(struct web_call *call)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_QUERY, "sheet");
        json_put_str(buf, "records", form_get(&call->query, "records"));
        json_put_text(buf, "lang", language_code(call->html.language));
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    call_download(call, "text/plain; charset=utf-8", STR("proof-sheet.txt"), of_str(call_answer(call, 0), "sheet"));
}

void page_record_leaf(struct web_call *call)
{
    uint64_t record = 0;
    if (!record_number(call, &record))
        return;
    if (call->phase == 0) {
        ask_record(call, "proof", record);
        return;
    }
    if (call_failed(call))
        return;
    struct str text = of_str(call_answer(call, 0), "leaf");
    size_t size = text.n / 4 * 3 + 3;
    size_t n = 0;
    char *bytes = arena_alloc_raw(call->arena, size);
    if (!bytes || !base64_decode(text, bytes, size, &n)) {
        call_fail(call, 502, STR("unavailable"), STR("the leaf is not base64"));
        return;
    }
    call_download(call, "application/octet-stream", call_format(call, "leaf-%llu.bin", (unsigned long long)record),
                  str_at(bytes, n));
}
