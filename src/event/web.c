/* Web server logs under their W3C names, which are Sigma's. */
#include "event/normaliser.h"

#include <string.h>

/* Where the URI stands in "GET /x?y HTTP/1.1"; the query still in. */
static struct str request_uri(const struct weblog *weblog)
{
    if (!weblog->query.p || !weblog->stem.p || weblog->query.p < weblog->stem.p)
        return weblog->stem;
    return str_at(weblog->stem.p, (size_t)(weblog->query.p - weblog->stem.p) + weblog->query.n);
}

bool web_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct weblog weblog;
    if (!weblog_parse(text, &weblog) && !weblog_squid(text, &weblog))
        return false;
    draft->event.parser = "weblog";
    draft_own_time(draft, weblog.time_ns);
    say(normaliser, WORD_CS_HOST, weblog.vhost);
    say(normaliser, WORD_C_IP, weblog.client);
    say(normaliser, WORD_CS_USERNAME, weblog.user);
    say(normaliser, WORD_CS_METHOD, weblog.method);
    say(normaliser, WORD_CS_URI_STEM, weblog.stem);
    say(normaliser, WORD_CS_URI_QUERY, weblog.query);
    say(normaliser, WORD_C_URI, request_uri(&weblog));
    say(normaliser, WORD_CS_VERSION, weblog.protocol);
    say(normaliser, WORD_SC_STATUS, weblog.status);
    say(normaliser, WORD_SC_BYTES, weblog.bytes);
    say(normaliser, WORD_CS_REFERER, weblog.referer);
    say(normaliser, WORD_CS_USER_AGENT, weblog.agent);
    say(normaliser, WORD_REQUEST, weblog.request);
    say(normaliser, WORD_S_ACTION, weblog.action);
    say(normaliser, WORD_R_IP, weblog.peer);
    draft_apply_list(draft, normaliser->web_rows);
    draft_statutory(draft, STATUTORY_DESCRIPTION, weblog.request);
    return true;
}

static bool w3c_remember(struct source_state *state, struct str text)
{
    if (text.n > W3C_LINE_MAX)
        return false;
    if (state->fields_n == text.n && memcmp(state->fields, text.p, text.n) == 0)
        return true;
    char *copy = memory_new(text.n + 1);
    if (!copy)
        return false;
    memcpy(copy, text.p, text.n);
    memory_free(state->fields);
    state->fields = copy;
    state->fields_n = text.n;
    return true;
}

/* "cs(User-Agent)" is cs-user-agent in Sigma. */
static uint32_t w3c_name(struct normaliser *normaliser, struct str name)
{
    static const char *const sigma[][2] = {
        {"cs(User-Agent)", "cs-user-agent"},
        {"cs(Referer)", "cs-referer"},
        {"cs(Host)", "cs-host"},
        {"cs(Cookie)", "cs-cookie"},
    };
    for (size_t i = 0; i < ARRAY_LEN(sigma); i++)
        if (str_eq_nocase(name, str_of(sigma[i][0])))
            name = str_of(sigma[i][1]);
    return names_put(normaliser->names, name);
}

bool w3c_line(struct normaliser *normaliser, struct source_state *state, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct w3c w3c;
    struct str value[W3C_FIELDS_MAX];
    if (text.p[0] == '#') {
        bool directive = str_starts_nocase(text, STR("#Fields:")) ? w3c_fields(text, &w3c) && w3c_remember(state, text)
                                                                  : state->fields != NULL;
        directive |= str_starts(text, STR("#Software:")) || str_starts(text, STR("#Version:")) ||
                     str_starts(text, STR("#Date:"));
        if (directive)
            draft->event.parser = "w3c";
        return directive;
    }
    if (!state->fields || !w3c_fields(str_at(state->fields, state->fields_n), &w3c) || !w3c_row(&w3c, text, value))
        return false;
    draft->event.parser = "w3c";
    int64_t time_ns = 0;
    if (w3c_time(&w3c, value, &time_ns))
        draft_own_time(draft, time_ns);
    for (uint32_t i = 0; i < w3c.count; i++)
        if (value[i].n)
            draft_add(draft, w3c_name(normaliser, w3c.name[i]), EVENT_STRING, value[i]);
    draft_apply_list(draft, normaliser->web_rows);
    return true;
}
