#include "web/behind.h"

#include "web/parts.h"

void behind_show(struct web_call *call, const struct json_value *rows, const char *key, const char *id)
{
    static const char *const heads[] = {"rules.behind_process", "rules.behind_since", "rules.reason", NULL};
    struct html *html = &call->html;
    if (!json_first(rows))
        return;
    part_notice(call, "bad", key);
    HTML(html, RAW("<table class=\"rows\" id=\""), ESCZ(id), RAW("\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><code>"), ESC(of_str(r, "process")), RAW("</code></th>"));
        part_cell(call, "rules.behind_since");
        HTML(html, TIME(of_int(r, "since_ns")), RAW("</td>"));
        part_cell_classed(call, "rules.reason", "grow");
        HTML(html, RAW("<code lang=\"en\">"), ESC(of_str(r, "reason")), RAW("</code></td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}
