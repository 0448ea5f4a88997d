#include "web/compare.h"

#include "web/hunts.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x94"

/* ---- a version that waits ---- */

static void newest(struct web_call *call, const struct json_value *next)
{
    struct html *html = &call->html;
    struct str state = of_str(next, "state");
    if (of_int(next, "hunt") <= 0)
        return;
    HTML(html, RAW("<p>"), SAY("compare.newest"), RAW(" <a href=\"/hunts/"), INT(of_int(next, "hunt")), RAW("\">"),
         SAY_OF("hunt_state.", state), RAW("</a>"));
    if (str_is(state, "running"))
        HTML(html, RAW(" "), INT(of_int(next, "permille") / 10), RAW("\xc2\xa0%"));
    HTML(html, RAW("</p>"));
    if (!str_is(state, "done"))
        return;
    HTML(html, RAW("<ul><li>"), SAY("compare.changes"), RAW(": <b>"), NUMBER(of_int(next, "changes")),
         RAW("</b></li><li>"), SAY("compare.gained"), RAW(": <b>"), NUMBER(of_int(next, "gained")),
         RAW("</b></li><li>"), SAY("compare.lost"), RAW(": <b>"), NUMBER(of_int(next, "lost")), RAW("</b></li></ul>"));
}

bool compare_any(const struct json_value *packs)
{
    for (const struct json_value *p = json_first(packs); p; p = p->next)
        if (json_get(p, "next"))
            return true;
    return false;
}

void compare_form(struct web_call *call, const struct json_value *packs, int64_t days)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"compare\"><h2>"), SAY("compare.start"), RAW("</h2><p>"),
         SAY("compare.about"),
         RAW("</p><form class=\"stack\" method=\"post\" action=\"/rules/packs/compare\"><div class=\"field\"><label "
             "for=\"f-waits\">"));
    HTML(html, SAY("packs.pack"), RAW("</label><select id=\"f-waits\" name=\"pack\">"));
    for (const struct json_value *p = json_first(packs); p; p = p->next)
        if (json_get(p, "next"))
            HTML(html, RAW("<option value=\""), ESC(of_str(p, "name")), RAW("\">"), ESC(of_str(p, "name")), RAW(" "),
                 ESC(of_str(p, "version")), RAW(" \xe2\x86\x92 "), ESC(of_str(json_get(p, "next"), "version")),
                 RAW("</option>"));
    HTML(html, RAW("</select></div>"));
    part_csrf(call);
    hunts_range(call, days);
    HTML(html, RAW("<p class=\"buttons\"><button class=\"main\">"), SAY("compare.start"),
         RAW("</button></p></form></section>"));
}

void compare_waiting(struct web_call *call, const struct json_value *pack)
{
    struct html *html = &call->html;
    const struct json_value *next = json_get(pack, "next");
    if (!next)
        return;
    HTML(html, RAW("<section class=\"waits\"><h3>"), SAY("compare.waits"), RAW(": "), ESC(of_str(next, "version")),
         RAW("</h3><p>"), SAY("packs.imported"), RAW(" "), TIME(of_int(next, "imported_ns")), RAW(" \xc2\xb7 "),
         SAY("packs.files"), RAW(" "), NUMBER(of_int(next, "files")), RAW(" \xc2\xb7 "),
         SAY_OF("pack_signature.", of_str(next, "signature")), RAW(" "), ESC(of_str(next, "signer")), RAW("</p>"));
    newest(call, next);
    HTML(html, RAW("<p class=\"hint\">"), SAY("compare.switch"), RAW("</p><pre class=\"raw\">qorgan rules switch "),
         ESC(of_str(pack, "name")), RAW(" "), ESC(of_str(next, "version")),
         RAW("\nsystemctl reload qorgan</pre></section>"));
}

/* ---- as a hunt ---- */

bool compare_is(const struct json_value *hunt)
{
    return of_str(hunt, "pack").n > 0;
}

void compare_name(struct web_call *call, const struct json_value *hunt)
{
    struct str was = of_str(hunt, "was_version");
    SAY_WITH(&call->html, "compare.of", ESC(of_str(hunt, "pack")), ESC(was.n ? was : STR(DASH)),
             ESC(of_str(hunt, "version")));
}

void compare_tiles(struct web_call *call, const struct json_value *hunt)
{
    part_tile_number(call, "compare.changes", of_int(hunt, "changes"));
    part_tile_number(call, "compare.gained", of_int(hunt, "gained"));
    part_tile_number(call, "compare.lost", of_int(hunt, "lost"));
}

static void rule_cell(struct web_call *call, const struct json_value *row)
{
    struct html *html = &call->html;
    struct str id = of_str(row, "rule_id");
    struct str state = of_str(row, "state");
    struct str title = part_rule_title(call, id, of_str(row, "title"));
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"));
    if (state.n)
        HTML(html, RAW("<a href=\"/rules/"), URL(id), RAW("\">"), ESC(title.n ? title : id), RAW("</a>"));
    else
        HTML(html, ESC(title.n ? title : id));
    HTML(html, RAW("<small class=\"under\">"), SAY_OF("compare_change.", of_str(row, "change")));
    if (state.n)
        HTML(html, RAW(" \xc2\xb7 "), SAY_OF("rule_state.", state));
    HTML(html, RAW("</small>"));
    if (of_bool(row, "indicators"))
        HTML(html, RAW("<small class=\"under\">"), SAY("compare.indicators"), RAW("</small>"));
    if (of_bool(row, "too_many"))
        HTML(html, RAW("<small class=\"under hit\">"), SAY("compare.too_many"), RAW("</small>"));
    HTML(html, RAW("</th>"));
}

/* The number, and the first records of it. */
static void difference_cell(struct web_call *call, const struct json_value *row, const char *label, const char *member)
{
    struct html *html = &call->html;
    bool gained = strcmp(member, "gained") == 0;
    part_cell_classed(call, label, "number");
    if (of_bool(row, "too_many"))
        HTML(html, RAW(DASH));
    else
        HTML(html, NUMBER(of_int(row, member)));
    const struct json_value *records = json_get(row, gained ? "gained_records" : "lost_records");
    if (json_first(records))
        HTML(html, RAW("<small class=\"under\">"));
    for (const struct json_value *r = json_first(records); r; r = r->next)
        HTML(html, RAW(" <a href=\"/records/"), INT(json_int(r, 0)), RAW("\">"), INT(json_int(r, 0)), RAW("</a>"));
    if (json_first(records) && of_int(row, member) > (int64_t)records->count)
        HTML(html, RAW(" \xe2\x80\xa6"));
    if (json_first(records))
        HTML(html, RAW("</small>"));
    HTML(html, RAW("</td>"));
}

static void difference_row(struct web_call *call, const struct json_value *row)
{
    static const char *const counts[][2] = {{"compare.before", "before"}, {"compare.after", "after"}};
    struct html *html = &call->html;
    rule_cell(call, row);
    difference_cell(call, row, "compare.gained", "gained");
    difference_cell(call, row, "compare.lost", "lost");
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        part_cell_classed(call, counts[i][0], "number");
        HTML(html, NUMBER(of_int(row, counts[i][1])), RAW("</td>"));
    }
    HTML(html, RAW("</tr>"));
}

void compare_differences(struct web_call *call, const struct json_value *hunt, int64_t offset, int64_t size)
{
    static const char *const heads[] = {"rules.rule",      "#compare.gained", "#compare.lost",
                                        "#compare.before", "#compare.after",  NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(hunt, "differ");
    bool done = str_is(of_str(hunt, "state"), "done");
    char path[64];
    HTML(html, RAW("<section class=\"card\" id=\"differences\"><h2>"), SAY("compare.changes"), RAW(" <small>"),
         NUMBER(of_int(hunt, "changes")), RAW("</small></h2><p class=\"hint\">"), SAY("compare.reads"), RAW("</p>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"),
             ESC(html_text(html, done ? STR("compare.none") : STR("compare.none_yet"))), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *row = json_first(rows); row; row = row->next)
        difference_row(call, row);
    HTML(html, RAW("</tbody></table>"));
    if (of_int(hunt, "changes") > of_int(hunt, "told")) {
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "compare.told", NUMBER(of_int(hunt, "told")));
        HTML(html, RAW("</p>"));
    }
    snprintf(path, sizeof path, "/hunts/%lld?offset=", (long long)of_int(hunt, "id"));
    part_pager(call, path, offset, size, of_int(hunt, "told"));
    HTML(html, RAW("</section>"));
}

/* ---- ordered ---- */

void act_compare(struct web_call *call)
{
    int64_t from_ns;
    int64_t to_ns;
    struct str error = call->phase > 0 ? call_error(call, 0) : STR("");
    if (call->phase > 0 && error.n == 0) {
        call_redirect_slice(call, call_format(call, "/hunts/%lld", (long long)of_int(call_answer(call, 0), "id")));
    } else if (call->phase > 0) {
        call_fail(call, status_of_error(error), error, STR(""));
    } else if (!hunts_range_read(call, &from_ns, &to_ns)) {
        call_fail(call, 422, STR("bad_time"), STR(""));
    } else {
        struct buf *buf = call_ask(call, WEB_DESK, "rule.compare");
        json_put_str(buf, "pack", form_get(&call->form, "pack"));
        json_put_int(buf, "from_ns", from_ns);
        json_put_int(buf, "to_ns", to_ns);
        call_ask_end(call);
    }
}
