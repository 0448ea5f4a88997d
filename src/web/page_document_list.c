/* The technical documentation on information security of an object: each document of order 52/НҚ, Annex 3 with what
 * there is of it, and the form that gives a new one. Files come and go out here, for pages and for programs. */
#include "web/document_parts.h"
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"

/* ---- the list ---- */

void document_list_ask(struct web_call *call, int64_t object)
{
    json_put_int(call_ask(call, WEB_DESK, "object.card"), "id", object);
    call_ask_end(call);
    json_put_int(call_ask(call, WEB_DESK, "document.list"), "object", object);
    call_ask_end(call);
}

static void languages_show(struct web_call *call, const struct json_value *d)
{
    struct html *html = &call->html;
    for (const struct json_value *l = json_first(json_get(d, "languages")); l; l = l->next)
        HTML(html, RAW("<span class=\"tag\">"), ESC(l->text), RAW("</span> "));
    for (const struct json_value *l = json_first(json_get(d, "languages_missing")); l; l = l->next) {
        HTML(html, RAW("<small class=\"bad\">"));
        SAY_WITH(html, "document.language_missing", ESC(l->text));
        HTML(html, RAW("</small> "));
    }
}

static void review_show(struct web_call *call, const struct json_value *d)
{
    struct html *html = &call->html;
    if (of_int(d, "due_ns") > 0)
        part_remaining(call, of_int(d, "due_ns"));
    else if (of_str(d, "approved").n == 0 && of_int(d, "ended_ns") == 0)
        HTML(html, RAW("<small class=\"bad\">"), SAY("document.no_day"), RAW("</small>"));
}

static void document_row(struct web_call *call, const struct json_value *d, bool first)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"));
    if (first)
        HTML(html, SAY_OF("document_kind.", of_str(d, "kind")), RAW("<br>"));
    HTML(html, RAW("<a href=\"/documents/"), INT(of_int(d, "id")), RAW("\">"), ESC(of_str(d, "title")), RAW("</a>"));
    if (of_int(d, "ended_ns") > 0)
        HTML(html, RAW(" <small>"), SAY("document.ended"), RAW("</small>"));
    HTML(html, RAW("</th>"));
    part_cell(call, "document.languages");
    languages_show(call, d);
    HTML(html, RAW("</td>"));
    part_cell(call, "document.approved");
    HTML(html, ESC(of_str(d, "approved")), RAW("</td>"));
    part_cell(call, "document.review");
    review_show(call, d);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "document.signatures", "state-cell");
    if (of_bool(d, "coming"))
        HTML(html, SAY("document.state_coming"));
    else
        document_signatures(call, of_str(d, "signatures"));
    HTML(html, RAW("</td></tr>"));
}

static bool is_missing(const struct json_value *answer, const char *kind)
{
    for (const struct json_value *k = json_first(json_get(answer, "missing")); k; k = k->next)
        if (str_is(k->text, kind))
            return true;
    return false;
}

static void kind_rows(struct web_call *call, const struct json_value *answer, const char *kind)
{
    struct html *html = &call->html;
    bool first = true;
    for (const struct json_value *d = json_first(json_get(answer, "documents")); d; d = d->next) {
        if (!str_is(of_str(d, "kind"), kind))
            continue;
        document_row(call, d, first);
        first = false;
    }
    if (!first || !is_missing(answer, kind))
        return;
    HTML(html, RAW("<tr class=\"silent\"><th scope=\"row\" class=\"grow\">"), SAY_OF("document_kind.", str_of(kind)),
         RAW("</th>"));
    part_cell(call, "document.languages");
    HTML(html, RAW("<span class=\"bad\">"), SAY("document.missing"), RAW("</span></td>"));
    part_cell(call, "document.approved");
    HTML(html, RAW("</td>"));
    part_cell(call, "document.review");
    HTML(html, RAW("</td>"));
    part_cell(call, "document.signatures");
    HTML(html, RAW("</td></tr>"));
}

/* A level of Annex 3, or, '\0', what is not of it. */
static void level_show(struct web_call *call, const struct json_value *answer, char level)
{
    static const char *const heads[] = {"document.document", "document.languages",  "document.approved",
                                        "document.review",   "document.signatures", NULL};
    struct html *html = &call->html;
    const char word[] = {level ? level : '5', '\0'};
    HTML(html, RAW("<h2>"), SAY_OF("document.level_", str_of(word)), RAW("</h2><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (size_t i = 0; document_kinds[i]; i++)
        if (level ? document_kinds[i][0] == level : str_is(str_of(document_kinds[i]), "other"))
            kind_rows(call, answer, document_kinds[i]);
    HTML(html, RAW("</tbody></table>"));
}

static bool has_kind(const struct json_value *answer, const char *kind)
{
    for (const struct json_value *d = json_first(json_get(answer, "documents")); d; d = d->next)
        if (str_is(of_str(d, "kind"), kind))
            return true;
    return false;
}

static int64_t count_of(const struct json_value *list)
{
    int64_t count = 0;
    for (const struct json_value *item = json_first(list); item; item = item->next)
        count++;
    return count;
}

void document_list_show(struct web_call *call, size_t at, const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str error = of_str(failed, "error");
    const struct json_value *object = json_get(call_answer(call, at), "object");
    const struct json_value *answer = call_answer(call, at + 1);
    int64_t missing = count_of(json_get(answer, "missing"));
    const struct document_of of = {.object = of_int(object, "id")};
    object_head(call, object, "/security");
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    HTML(html, RAW("<p class=\"about\">"), SAY("document.about"), RAW("</p><p>"));
    SAY_WITH(html, "document.missing_count", NUMBER(missing), NUMBER(27));
    HTML(html, RAW("</p>"));
    for (char level = '1'; level <= '4'; level++)
        level_show(call, answer, level);
    if (has_kind(answer, "other"))
        level_show(call, answer, '\0');
    document_violations(call, object, answer);
    if (of_bool(answer, "may_change")) {
        HTML(html, RAW("<section class=\"card\" id=\"new\"><h2>"), SAY("document.new"), RAW("</h2>"));
        document_form(call, &of, of_str(failed, "field"));
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "document.room", BYTES(of_int(answer, "bytes")), BYTES(of_int(answer, "bytes_max")));
        HTML(html, RAW("</p></section>"));
    }
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_object_documents(struct web_call *call)
{
    if (call->phase == 0)
        document_list_ask(call, object_id(call));
    else if (!call_failed(call))
        document_list_show(call, 0, NULL);
}

/* ---- a file comes ---- */

/* What is said of it, for document.check and document.add. */
static void said_put(struct buf *buf, const struct form *form)
{
    static const char *const texts[] = {"kind", "title", "language", "approved", "approved_by", "form", "note", "name"};
    static const char *const numbers[] = {"object", "document", "version", "pages"};
    bool beside = form_int(form, "version", 0) > 0;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (form_get(form, numbers[i]).n)
            json_put_int(buf, numbers[i], form_int(form, numbers[i], -1));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (form_get(form, texts[i]).p && !(beside && str_is(str_of(texts[i]), "form")))
            json_put_str(buf, texts[i], form_get(form, texts[i]));
}

/* check, the file, add: the question of this phase, after one without an error. True: all is said. */
static bool add_step(struct web_call *call, const struct form *form)
{
    struct buf *buf;
    const struct json_value *file;
    switch (call->question_count) {
    case 0:
        said_put(call_ask(call, WEB_DESK, "document.check"), form);
        call_ask_end(call);
        return false;
    case 1:
        call_ask_plain(call, WEB_BODY, "body");
        return false;
    case 2:
        file = call_answer(call, 1);
        buf = call_ask(call, WEB_DESK, "document.add");
        said_put(buf, form);
        json_put_int(buf, "file", of_int(file, "file"));
        json_put_int(buf, "bytes", of_int(file, "bytes"));
        json_put_str(buf, "sha256", of_str(file, "sha256"));
        call_ask_end(call);
        return false;
    default:
        return true;
    }
}

/* The first question that was refused; question_count: none was. */
static size_t refused_at(const struct web_call *call)
{
    size_t i = 0;
    while (i < call->question_count && call_error(call, i).n == 0)
        i++;
    return i;
}

/* The page that the form stands on. */
static void back_ask(struct web_call *call)
{
    int64_t object = form_int(&call->form, "object", 0);
    int64_t document = form_int(&call->form, form_get(&call->form, "of").n ? "of" : "document", 0);
    if (object > 0)
        document_list_ask(call, object);
    else
        document_ask(call, document);
}

static void back_show(struct web_call *call, size_t failed)
{
    for (size_t i = failed + 1; i < call->question_count; i++)
        if (call_failed_at(call, i))
            return;
    if (form_int(&call->form, "object", 0) > 0)
        document_list_show(call, failed + 1, call->questions[failed].answer);
    else
        document_show(call, failed + 1, call->questions[failed].answer);
}

void act_document_add(struct web_call *call)
{
    size_t failed = refused_at(call);
    if (call->phase == 0 && form_get(&call->form, "name").n == 0) {
        call_fail(call, 422, STR("upload_none"), STR(""));
        return;
    }
    if (failed + 1 < call->question_count) {
        back_show(call, failed);
    } else if (failed < call->question_count) {
        if (str_is(call_error(call, failed), "session_ended"))
            call_fail(call, 401, STR("session_ended"), STR(""));
        else if (!call->questions[failed].answer)
            IGNORE(!call_failed_at(call, failed));
        else
            back_ask(call);
    } else if (add_step(call, &call->form)) {
        call_redirect_slice(call,
                            call_format(call, "/documents/%lld", (long long)of_int(call_answer(call, 2), "document")));
    }
}

/* The same for programs: what is said of the file stands in the query. */
void api_document_add(struct web_call *call)
{
    size_t failed = refused_at(call);
    if (failed < call->question_count && !call->questions[failed].answer)
        call_fail(call, 503, STR("unavailable"), STR("no answer"));
    else if (failed < call->question_count)
        call_json(call, status_of_error(call_error(call, failed)), call->questions[failed].answer_text);
    else if (add_step(call, &call->query))
        call_json(call, 200, call->questions[2].answer_text);
}

/* ---- a file goes out ---- */

static void file_ask(struct web_call *call, int64_t file)
{
    json_put_int(call_ask(call, WEB_DESK, "document.file"), "file", file);
    call_ask_end(call);
}

void page_document_file(struct web_call *call)
{
    int64_t file = 0;
    if (call->phase == 0)
        file_ask(call, str_to_i64(call->args[0], &file) ? file : -1);
    else if (!call_failed(call))
        call_file(call, of_str(call_answer(call, 0), "name"));
}

void api_document_file(struct web_call *call)
{
    if (call->phase == 0)
        file_ask(call, form_int(&call->query, "file", -1));
    else if (!call_failed(call))
        call_file(call, of_str(call_answer(call, 0), "name"));
}
