#include "web/document_parts.h"

#include "web/parts.h"

const char *const document_kinds[] = {"1_1",  "2_1",  "2_2",  "2_3", "2_4", "2_5", "2_6", "2_7",   "2_8", "2_9",
                                      "2_10", "2_11", "2_12", "3_1", "3_2", "3_3", "3_4", "3_5",   "3_6", "4_1",
                                      "4_2",  "4_3",  "4_4",  "4_5", "4_6", "4_7", "4_8", "other", NULL};

static const char *const languages[] = {"kk", "ru", "en", NULL};
static const char *const forms[] = {"plain", "signed", NULL};

static struct str typed(const struct web_call *call, const char *name)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : STR("");
}

static void version_fields(struct web_call *call, struct str wrong)
{
    struct str language = typed(call, "language");
    part_choice(call, "language", "document.language", "document_language.", languages,
                language.n ? language : STR("kk"));
    part_input(call, "pages", "document.pages", typed(call, "pages"),
               INPUT_NUMBER | (str_is(wrong, "pages") ? INPUT_WRONG : 0));
    part_input(call, "approved", "document.approved", typed(call, "approved"),
               INPUT_DATE | (str_is(wrong, "approved") ? INPUT_WRONG : 0));
    part_input(call, "approved_by", "document.approved_by", typed(call, "approved_by"),
               str_is(wrong, "approved_by") ? INPUT_WRONG : 0);
    part_choice(call, "form", "document.form", "document.form_", forms, typed(call, "form"));
    part_input(call, "note", "document.note", typed(call, "note"), str_is(wrong, "note") ? INPUT_WRONG : 0);
}

static void hidden_id(struct web_call *call, const char *name, int64_t id)
{
    if (id)
        part_hidden(call, name, call_format(call, "%lld", (long long)id));
}

/* The file stands last: what is said of it must be there before it comes. */
void document_form(struct web_call *call, const struct document_of *of, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"grid\" method=\"post\" enctype=\"multipart/form-data\" action=\"/documents\">"));
    part_csrf(call);
    hidden_id(call, "object", of->object);
    hidden_id(call, of->version ? "of" : "document", of->document);
    hidden_id(call, "version", of->version);
    if (of->object) {
        part_choice(call, "kind", "document.kind", "document_kind.", document_kinds, typed(call, "kind"));
        part_input(call, "title", "document.title", typed(call, "title"),
                   INPUT_REQUIRED | (str_is(wrong, "title") ? INPUT_WRONG : 0));
    }
    if (!of->version)
        version_fields(call, wrong);
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-file-"), INT(of->version), RAW("\">"));
    if (of->version)
        HTML(html, SAY("document.signature_file"));
    else
        HTML(html, SAY("document.file"));
    HTML(html, RAW("</label><input id=\"f-file-"), INT(of->version),
         RAW("\" name=\"file\" type=\"file\" required></div><p class=\"hint wide\">"));
    SAY_WITH(html, "document.file_hint", NUMBER(WEB_DOCUMENT_MAX >> 20));
    HTML(html, RAW("</p><p class=\"buttons wide\"><button class=\"main\">"), SAY("document.send"),
         RAW("</button></p></form>"));
}

static enum part_mood mood_of(struct str word)
{
    return str_is(word, "good")    ? MOOD_GOOD
           : str_is(word, "bad")   ? MOOD_BAD
           : str_is(word, "waits") ? MOOD_RUNNING
                                   : MOOD_CALM;
}

void document_signatures(struct web_call *call, struct str word)
{
    part_state_mood(call, "signature.verdict_", word, mood_of(word));
}

/* ---- what a report says ---- */

/* "IIN850101300123" of certificates of NCA RK: the number beside its name. */
static void code_show(struct web_call *call, struct str code)
{
    struct html *html = &call->html;
    if (code.n == 0)
        return;
    HTML(html, RAW(", "));
    if (str_starts(code, STR("IIN")))
        HTML(html, SAY("signature.iin"), RAW(" "), ESC(str_skip(code, 3)));
    else if (str_starts(code, STR("BIN")))
        HTML(html, SAY("signature.bin"), RAW(" "), ESC(str_skip(code, 3)));
    else
        HTML(html, ESC(code));
}

static void answer_row(struct web_call *call, const char *key, const struct json_value *answer)
{
    struct html *html = &call->html;
    if (!answer)
        return;
    struct str verdict = of_str(answer, "verdict");
    part_row_begin(call, key);
    part_state_mood(call, "signature.answer_", verdict, mood_of(verdict));
    if (!str_is(verdict, "good"))
        HTML(html, RAW(": "), SAY_OF("signature.why_", of_str(answer, "reason")));
    if (of_str(answer, "about").n)
        HTML(html, RAW(" <small>("), ESC(of_str(answer, "about")), RAW(")</small>"));
    HTML(html, RAW("</td></tr>"));
}

static void time_row(struct web_call *call, const char *key, int64_t ns)
{
    if (ns == 0)
        return;
    part_row_begin(call, key);
    HTML(&call->html, TIME(ns), RAW("</td></tr>"));
}

static void certificate_row(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    if (of_str(s, "serial").n == 0)
        return;
    part_row_begin(call, "signature.certificate");
    HTML(html, RAW("<code>"), ESC(of_str(s, "serial")), RAW("</code> "), ESC(of_str(s, "issuer")),
         RAW("<small class=\"under\">"), TIME(of_int(s, "from_ns")), RAW(" \xe2\x80\x93 "), TIME(of_int(s, "until_ns")),
         RAW("</small></td></tr>"));
    part_row_begin(call, "signature.algorithm");
    if (of_str(s, "algorithm").n)
        HTML(html, ESC(of_str(s, "algorithm")));
    else
        HTML(html, SAY("signature.why_algorithm"));
    HTML(html, RAW("</td></tr>"));
}

static void signer_show(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs signer\"><caption>"));
    document_signatures(call, of_str(s, "verdict"));
    HTML(html, RAW(" "));
    if (of_str(s, "name").n)
        HTML(html, ESC(of_str(s, "name")));
    else
        HTML(html, SAY("signature.nobody"));
    code_show(call, of_str(s, "person"));
    if (of_str(s, "organisation").n)
        HTML(html, RAW(", "), ESC(of_str(s, "organisation")));
    code_show(call, of_str(s, "organisation_code"));
    HTML(html, RAW("</caption><tbody>"));
    answer_row(call, "signature.bytes", json_get(s, "bytes"));
    answer_row(call, "signature.path", json_get(s, "path"));
    answer_row(call, "signature.period", json_get(s, "period"));
    answer_row(call, "signature.revocation", json_get(s, "revocation"));
    answer_row(call, "signature.stamp", json_get(s, "stamp"));
    time_row(call, "signature.stamped", of_int(s, "stamped_ns"));
    time_row(call, "signature.claimed", of_int(s, "claimed_ns"));
    time_row(call, of_int(s, "stamped_ns") ? "signature.moment" : "signature.moment_now", of_int(s, "moment_ns"));
    certificate_row(call, s);
    HTML(html, RAW("</tbody></table>"));
}

void document_report(struct web_call *call, const struct json_value *report)
{
    for (const struct json_value *s = json_first(json_get(report, "signers")); s; s = s->next)
        signer_show(call, s);
}
