#include "desk/receiver_text.h"

#include "codec/json.h"

#include <string.h>

#define DEPTH 4

bool receiver_name_valid(struct str name)
{
    if (!name.n || name.n > RECEIVER_NAME_MAX || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && name.p[i] != '.' && name.p[i] != '-' && name.p[i] != '_')
            return false;
    return true;
}

/* Cut between characters; control characters become blanks. */
static void text_take(char *to, size_t size, const struct json_value *value)
{
    struct str text = json_str(value, STR_NONE);
    size_t n = MIN(text.n, size - 1);
    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i];
    to[n] = '\0';
}

enum rc receiver_read(struct arena *arena, struct str line, struct receiver *ret_receiver, struct err *err)
{
    struct receiver r = {.own = false};
    struct json_value *top = NULL;
    struct str name = str_cut(&line, '\t');
    if (!receiver_name_valid(name) || !str_copy_z(name, r.name, sizeof r.name))
        return err_set(err, RC_INVALID, "a forwarder's folder has no name that can be one");
    enum rc rc = json_parse(arena, line, DEPTH, &top, err);
    if (rc != RC_OK)
        return rc;
    text_take(r.url, sizeof r.url, json_get(top, "receiver"));
    text_take(r.format, sizeof r.format, json_get(top, "format"));
    text_take(r.query, sizeof r.query, json_get(top, "query"));
    text_take(r.error, sizeof r.error, json_get(top, "error"));
    r.own = json_bool(json_get(top, "own"), false);
    r.next = json_int(json_get(top, "next"), -1);
    r.given = MAX(json_int(json_get(top, "given"), 0), 0);
    r.at_ns = json_int(json_get(top, "at_ns"), 0);
    r.waiting_ns = MAX(json_int(json_get(top, "waiting_ns"), 0), 0);
    r.error_ns = r.error[0] ? MAX(json_int(json_get(top, "error_ns"), 0), 0) : 0;
    if (!r.url[0] || r.next < 0 || r.at_ns <= 0)
        return err_set(err, RC_INVALID, "it does not say who, how far and when");
    *ret_receiver = r;
    return RC_OK;
}
