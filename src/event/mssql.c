/* An audit event of Microsoft SQL Server, 33205 of the log Application: lines "name:value" in one string, which
 * become fields of their own. Source: Microsoft, "SQL Server Audit records", sys.fn_get_audit_file. */
#include "event/normaliser.h"

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && name.p[i] != '_')
            return false;
    return name.n > 0 && name.n <= 40;
}

/* Where the client is; in SQL Server before 2019 only the additional information says. */
static struct str address_in(struct str text)
{
    size_t at = str_search(text, STR("<address>"));
    struct str rest = str_skip(text, MIN(at + sizeof "<address>" - 1, text.n));
    size_t end = str_search(rest, STR("</address>"));
    return at < text.n && end < rest.n ? str_slice(rest, 0, end) : STR_NONE;
}

/* A statement is a user's text, of lines that may look like ours: it goes up to the last line that is none of it. */
static struct str statement_of(struct str text, struct str *ret_behind)
{
    struct str last = STR("\nadditional_information:");
    size_t end = text.n;
    for (size_t at = 0; at + last.n <= text.n; at++)
        if (str_starts(str_skip(text, at), last))
            end = at;
    *ret_behind = str_skip(text, end);
    return str_trim(str_slice(text, 0, end));
}

void mssql_audit(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    bool has_address = false;
    while (text.p && text.n) {
        struct str rest = text;
        struct str value = str_cut(&text, '\n');
        struct str name = str_cut(&value, ':');
        if (!value.p || !is_name(name))
            continue;
        if (str_is(name, "statement")) {
            struct str behind = STR_NONE;
            draft_say(draft, name, statement_of(str_skip(rest, name.n + 1), &behind));
            if (!has_address)
                draft_say(draft, STR("client_ip"), address_in(behind));
            return;
        }
        has_address = has_address || str_is(name, "client_ip");
        draft_say(draft, name, str_trim(value));
    }
}
