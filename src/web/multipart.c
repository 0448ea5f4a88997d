#include "web/multipart.h"

#include "base/assert.h"

#include <string.h>

/* RFC 2046 5.1.1: bchars; a blank may not be the last. */
static bool boundary_valid(struct str boundary)
{
    static const char marks[] = "'()+_,-./:=? ";
    if (boundary.n == 0 || boundary.n > MULTIPART_BOUNDARY_MAX || str_ends(boundary, STR(" ")))
        return false;
    for (size_t i = 0; i < boundary.n; i++)
        if (!char_is_alnum(boundary.p[i]) && (!boundary.p[i] || !strchr(marks, boundary.p[i])))
            return false;
    return true;
}

/* The value of one parameter of a header, quoted or not, as it stands: {NULL, 0} when there is none. A quoted one ends
 * at the next quote: browsers write one inside as %22. */
static struct str parameter_get(struct str header, const char *name)
{
    size_t at = str_find(header, ';');
    while (at < header.n) {
        struct str rest = str_trim(str_skip(header, at + 1));
        struct str key = str_cut(&rest, '=');
        bool quoted = str_starts(rest, STR("\""));
        if (!rest.p)
            return STR_NONE;
        rest = str_skip(rest, quoted ? 1 : 0);
        size_t end = str_find(rest, quoted ? '"' : ';');
        if (quoted && end == rest.n)
            return STR_NONE;
        struct str value = str_slice(rest, 0, end);
        if (str_eq_nocase(str_trim(key), str_of(name)))
            return quoted ? value : str_trim(value);
        size_t behind = quoted ? end + 1 : end;
        struct str after = str_skip(rest, behind);
        size_t next = str_find(after, ';');
        at = (size_t)(after.p - header.p) + next;
    }
    return STR_NONE;
}

bool multipart_begin(struct multipart *multipart, struct str content_type)
{
    struct str rest = content_type;
    struct str media = str_trim(str_cut(&rest, ';'));
    struct str boundary = parameter_get(content_type, "boundary");
    *multipart = (struct multipart){.state = MULTIPART_AT_BOUNDARY};
    if (!str_eq_nocase(media, STR("multipart/form-data")) || !boundary.p || !boundary_valid(boundary))
        return false;
    memcpy(multipart->mark, "\r\n--", 4);
    memcpy(multipart->mark + 4, boundary.p, boundary.n);
    multipart->mark_n = 4 + boundary.n;
    multipart->matched = 2; /* the first stands at the beginning of a line by itself */
    return true;
}

static enum multipart_event broken(struct multipart *m)
{
    m->state = MULTIPART_BROKEN;
    return MULTIPART_WRONG;
}

/* A name or a file's name of a part: one line. */
static bool word_valid(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if ((unsigned char)word.p[i] < ' ' || word.p[i] == 0x7f)
            return false;
    return true;
}

/* The head is whole: which part it is. Other headers than the first one of the disposition are passed over. */
static bool head_read(struct multipart *m)
{
    struct str rest = str_at(m->head, m->head_n - 2);
    struct str disposition = STR_NONE;
    while (rest.n && !disposition.p) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, ':');
        if (str_eq_nocase(str_trim(name), STR("content-disposition")))
            disposition = str_trim(line);
    }
    if (!disposition.p)
        return false;
    struct str kind = str_trim(str_slice(disposition, 0, str_find(disposition, ';')));
    m->name = parameter_get(disposition, "name");
    m->file = parameter_get(disposition, "filename");
    return str_eq_nocase(kind, STR("form-data")) && m->name.p && m->name.n && word_valid(m->name) &&
           (!m->file.p || word_valid(m->file));
}

static enum multipart_event head_take(struct multipart *m, struct str *input)
{
    while (input->n && m->state == MULTIPART_IN_HEAD) {
        if (m->head_n == sizeof m->head)
            return broken(m);
        m->head[m->head_n++] = input->p[0];
        *input = str_skip(*input, 1);
        struct str head = str_at(m->head, m->head_n);
        if (!str_ends(head, STR("\r\n\r\n")))
            continue;
        if (!head_read(m) || ++m->parts > MULTIPART_PARTS_MAX)
            return broken(m);
        m->state = m->file.p ? MULTIPART_IN_FILE : MULTIPART_IN_FIELD;
        m->value_n = 0;
    }
    return m->state == MULTIPART_IN_FILE ? MULTIPART_FILE : MULTIPART_MORE;
}

/* Moves on by one step: bytes of a part that cannot be of the boundary behind it, or nothing, when what came may be.
 * CR is in the mark but once, as its first: where a match ends, nothing of what was matched can begin another. */
static struct str data_take(struct multipart *m, struct str *input)
{
    if (m->matched == 0) {
        size_t at = str_find(*input, '\r');
        struct str data = str_slice(*input, 0, at);
        m->matched = at == 0;
        *input = str_skip(*input, at > 0 ? at : 1);
        return data;
    }
    while (input->n && m->matched < m->mark_n && input->p[0] == m->mark[m->matched]) {
        m->matched++;
        *input = str_skip(*input, 1);
    }
    if (m->matched == m->mark_n || input->n == 0)
        return STR("");
    struct str data = str_at(m->mark, m->matched);
    m->matched = 0;
    return data;
}

static enum multipart_event field_take(struct multipart *m, struct str *input, struct str *ret_value)
{
    while (input->n && m->matched < m->mark_n) {
        struct str data = data_take(m, input);
        if (data.n > sizeof m->value - m->value_n)
            return broken(m);
        if (data.n)
            memcpy(m->value + m->value_n, data.p, data.n);
        m->value_n += data.n;
    }
    if (m->matched < m->mark_n)
        return MULTIPART_MORE;
    *ret_value = str_at(m->value, m->value_n);
    m->state = MULTIPART_BEHIND;
    return MULTIPART_FIELD;
}

static enum multipart_event file_take(struct multipart *m, struct str *input, struct str *ret_value)
{
    while (input->n && m->matched < m->mark_n) {
        *ret_value = data_take(m, input);
        if (ret_value->n)
            return MULTIPART_BYTES;
    }
    if (m->matched < m->mark_n)
        return MULTIPART_MORE;
    m->state = MULTIPART_BEHIND;
    return MULTIPART_CLOSE;
}

/* Behind a boundary: CR LF and a head, or "--" and the end. */
static enum multipart_event pair_take(struct multipart *m, struct str *input)
{
    m->matched = 0;
    while (input->n && m->pair_n < sizeof m->pair) {
        m->pair[m->pair_n++] = input->p[0];
        *input = str_skip(*input, 1);
    }
    if (m->pair_n < sizeof m->pair)
        return MULTIPART_MORE;
    m->pair_n = m->head_n = 0;
    if (memcmp(m->pair, "\r\n", 2) == 0)
        m->state = MULTIPART_IN_HEAD;
    else if (memcmp(m->pair, "--", 2) == 0)
        m->state = MULTIPART_AT_END;
    else
        return broken(m);
    return MULTIPART_MORE;
}

static enum multipart_event first_take(struct multipart *m, struct str *input)
{
    while (input->n && m->matched < m->mark_n) {
        if (input->p[0] != m->mark[m->matched])
            return broken(m);
        m->matched++;
        *input = str_skip(*input, 1);
    }
    if (m->matched == m->mark_n)
        m->state = MULTIPART_BEHIND;
    return MULTIPART_MORE;
}

static enum multipart_event step(struct multipart *m, struct str *input, struct str *ret_value)
{
    switch (m->state) {
    case MULTIPART_AT_BOUNDARY:
        return first_take(m, input);
    case MULTIPART_BEHIND:
        return pair_take(m, input);
    case MULTIPART_IN_HEAD:
        return head_take(m, input);
    case MULTIPART_IN_FIELD:
        return field_take(m, input, ret_value);
    case MULTIPART_IN_FILE:
        return file_take(m, input, ret_value);
    case MULTIPART_AT_END:
        *input = str_skip(*input, input->n);
        return MULTIPART_DONE;
    case MULTIPART_BROKEN:
        break;
    }
    return MULTIPART_WRONG;
}

enum multipart_event multipart_next(struct multipart *multipart, struct str *input, struct str *ret_name,
                                    struct str *ret_value)
{
    enum multipart_event event = MULTIPART_MORE;
    *ret_value = STR("");
    ASSERT(multipart->mark_n > 4);
    while (event == MULTIPART_MORE) {
        size_t before = input->n;
        enum multipart_state state = multipart->state;
        event = step(multipart, input, ret_value);
        if (event == MULTIPART_MORE && input->n == before && multipart->state == state)
            break; /* nothing moved: it wants more */
    }
    *ret_name = multipart->name;
    if (event == MULTIPART_FILE)
        *ret_value = multipart->file;
    return event;
}
