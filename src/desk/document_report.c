/* document_report.c - what a process that met a stranger's file says of its signatures: believed as far as it is short,
 * one line, and says good only of what every answer of it says good. */
#include "base/bytes.h"
#include "desk/document_inside.h"

#define REPORT_DEPTH 6u
#define SIGNERS_MAX  32u
#define TEXT_MAX     200u
#define WORD_MAX     24u

static const char *const questions[] = {"bytes", "path", "period", "revocation"};

static bool verdict_find(struct str name, enum document_verdict *ret_verdict)
{
    for (enum document_verdict i = DOCUMENT_GOOD; i < DOCUMENT_VERDICTS; i++)
        if (str_is(name, document_verdict_name(i))) {
            *ret_verdict = i;
            return true;
        }
    return false;
}

/* A text key is made of it. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!(text.p[i] >= 'a' && text.p[i] <= 'z') && text.p[i] != '_')
            return false;
    return text.n > 0 && text.n <= WORD_MAX;
}

static void text_put(struct buf *out, const struct json_value *in, const char *name)
{
    struct str text = desk_cut(json_str(json_get(in, name), STR("")), TEXT_MAX);
    json_put_str(out, name, desk_one_line(text) ? text : STR(""));
}

/* An answer whose verdict and reason go together: "good" has no other reason, and nothing else has it. */
static bool answer_read(const struct json_value *in, const char *name, struct buf *out, enum document_verdict *ret)
{
    const struct json_value *answer = json_get(in, name);
    struct str reason = json_str(json_get(answer, "reason"), STR(""));
    if (!verdict_find(json_str(json_get(answer, "verdict"), STR("")), ret) || !is_word(reason) ||
        str_is(reason, "good") != (*ret == DOCUMENT_GOOD))
        return false;
    json_write_key(out, name);
    json_write_object(out);
    json_put_text(out, "verdict", document_verdict_name(*ret));
    json_put_str(out, "reason", reason);
    text_put(out, answer, "about");
    json_write_object_end(out);
    return true;
}

static enum document_verdict worst(enum document_verdict a, enum document_verdict b)
{
    if (a == DOCUMENT_BAD || b == DOCUMENT_BAD)
        return DOCUMENT_BAD;
    return a == DOCUMENT_UNKNOWN || b == DOCUMENT_UNKNOWN ? DOCUMENT_UNKNOWN : DOCUMENT_GOOD;
}

static bool signer_read(const struct json_value *in, struct buf *out, enum document_verdict *ret)
{
    static const char *const texts[] = {"name",   "person", "organisation", "organisation_code",
                                        "issuer", "serial", "algorithm"};
    static const char *const times[] = {"from_ns", "until_ns", "claimed_ns", "stamped_ns", "moment_ns"};
    enum document_verdict said, one;
    *ret = DOCUMENT_GOOD;
    if (in->kind != JSON_OBJECT || !verdict_find(json_str(json_get(in, "verdict"), STR("")), &said))
        return false;
    json_write_object(out);
    json_put_text(out, "verdict", document_verdict_name(said));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        text_put(out, in, texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        json_put_int(out, times[i], json_int(json_get(in, times[i]), 0));
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        if (!answer_read(in, questions[i], out, &one))
            return false;
        *ret = worst(*ret, one);
    }
    if (json_get(in, "stamp") && !answer_read(in, "stamp", out, &one))
        return false;
    json_write_object_end(out);
    return said == *ret;
}

bool document_report_read(struct arena *arena, struct str text, struct buf *out, enum document_verdict *ret_verdict)
{
    struct json_value *in = NULL;
    enum document_verdict said, all = DOCUMENT_GOOD, one;
    if (text.n > DESK_DOCUMENT_REPORT || json_parse(arena, text, REPORT_DEPTH, &in, NULL) != RC_OK ||
        in->kind != JSON_OBJECT || !verdict_find(json_str(json_get(in, "verdict"), STR("")), &said))
        return false;
    const struct json_value *signers = json_get(in, "signers");
    if (!signers || signers->kind != JSON_ARRAY || signers->count == 0 || signers->count > SIGNERS_MAX)
        return false;
    json_write_object(out);
    json_put_text(out, "verdict", document_verdict_name(said));
    json_write_key(out, "signers");
    json_write_array(out);
    for (const struct json_value *s = json_first(signers); s; s = s->next) {
        if (!signer_read(s, out, &one))
            return false;
        all = worst(all, one);
    }
    json_write_array_end(out);
    json_write_object_end(out);
    *ret_verdict = all;
    return said == all && !out->overflow;
}
