#include "wire/journal_export.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"

#include <string.h>

#define VALUE_HEAD 8u                            /* bytes of a binary field's length */
#define HELD_MAX   (3 * JOURNAL_EXPORT_JSON_MAX) /* a field that no object could hold is not held longer */
#define KEEP_MAX   16384u

void journal_export_init(struct journal_export *export)
{
    *export = (struct journal_export){0};
    buf_init(&export->held, HELD_MAX);
    buf_init(&export->json, JOURNAL_EXPORT_JSON_MAX);
}

void journal_export_done(struct journal_export *export)
{
    buf_done(&export->held);
    buf_done(&export->json);
}

static enum rc broken(struct journal_export *export, enum rc rc, const char *reason)
{
    export->reason = reason;
    return rc;
}

/* --- fields --- */

static void cursor_read(struct journal_export *export, struct str value)
{
    struct str id = STR_NONE;
    uint64_t sequence = 0;
    while (value.p) {
        struct str part = str_cut(&value, ';');
        if (str_starts(part, STR("s=")))
            id = str_skip(part, 2);
        if (str_starts(part, STR("i=")) && !str_hex_to_u64(str_skip(part, 2), &sequence))
            sequence = 0;
    }
    if (sequence == 0 || !str_copy_z(id, export->id, sizeof export->id))
        export->id[0] = '\0';
    export->sequence = sequence;
}

static void address_take(struct journal_export *export, struct str name, struct str value)
{
    uint64_t us = 0;
    if (str_is(name, "__CURSOR"))
        cursor_read(export, value);
    else if (str_is(name, "__REALTIME_TIMESTAMP") && str_to_u64(value, &us) && us < INT64_MAX / 1000)
        export->time_ns = (int64_t)us * 1000;
}

static void field_take(struct journal_export *export, struct str name, struct str value)
{
    struct buf *json = &export->json;
    if (json->n == 0)
        json_write_object(json);
    if (str_starts(name, STR("__"))) {
        address_take(export, name, value);
        return;
    }
    bool fits = json->n + 6 * value.n + name.n + 64 <= JOURNAL_EXPORT_JSON_MAX;
    if (++export->fields > JOURNAL_EXPORT_FIELDS_MAX || !fits || str_find(value, '\0') != value.n) {
        export->left_out++;
        return;
    }
    json_write_key_slice(json, name);
    json_write_str(json, value);
}

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && name.p[i] != '_')
            return false;
    return name.n > 0 && name.n <= JOURNAL_EXPORT_NAME_MAX;
}

/* --- entries --- */

static void entry_begin(struct journal_export *export)
{
    export->given = false;
    export->fields = 0;
    export->left_out = 0;
    export->id[0] = '\0';
    export->sequence = 0;
    export->time_ns = 0;
    buf_clear(&export->json);
    if (export->json.capacity > KEEP_MAX) {
        buf_done(&export->json);
        buf_init(&export->json, JOURNAL_EXPORT_JSON_MAX);
    }
}

static enum rc entry_give(struct journal_export *export, struct journal_export_entry *ret_entry)
{
    if (export->left_out)
        json_put_u64(&export->json, "QORGAN_FIELDS_LEFT_OUT", export->left_out);
    json_write_object_end(&export->json);
    if (export->json.overflow)
        return broken(export, RC_LIMIT, "no memory for an entry");
    export->given = true;
    *ret_entry =
        (struct journal_export_entry){buf_view(&export->json), str_of(export->id), export->sequence, export->time_ns};
    return RC_OK;
}

/* A field that has its length: RC_AGAIN until it is whole; a long one is passed over without being held. */
static enum rc binary_take(struct journal_export *export, struct str name, struct str bytes, size_t *ret_used)
{
    if (!name_valid(name))
        return broken(export, RC_INVALID, "a field's name does not read");
    if (bytes.n < VALUE_HEAD)
        return RC_AGAIN;
    uint64_t length = get_le64(bytes.p);
    if (length > JOURNAL_EXPORT_FIELD_MAX)
        return broken(export, RC_INVALID, "a field longer than any may be");
    if (length > JOURNAL_EXPORT_JSON_MAX) {
        if (export->json.n == 0)
            json_write_object(&export->json);
        export->left_out++;
        export->skip = length;
        export->skipping = true;
        *ret_used = VALUE_HEAD;
        return RC_OK;
    }
    if (bytes.n < VALUE_HEAD + length + 1)
        return RC_AGAIN;
    if (bytes.p[VALUE_HEAD + length] != '\n')
        return broken(export, RC_INVALID, "no line feed behind a field");
    field_take(export, name, str_slice(bytes, VALUE_HEAD, VALUE_HEAD + (size_t)length));
    *ret_used = VALUE_HEAD + (size_t)length + 1;
    return RC_OK;
}

static enum rc skip_on(struct journal_export *export, struct str *input)
{
    size_t n = (size_t)MIN(export->skip, (uint64_t)input->n);
    *input = str_skip(*input, n);
    export->skip -= n;
    if (export->skip > 0 || input->n == 0)
        return RC_AGAIN;
    if (input->p[0] != '\n')
        return broken(export, RC_INVALID, "no line feed behind a field");
    *input = str_skip(*input, 1);
    export->skipping = false;
    return RC_OK;
}

/* A text too long for any object: up to its line feed. */
static enum rc skip_line_on(struct journal_export *export, struct str *input)
{
    size_t n = str_find(*input, '\n');
    export->skip_line = n == input->n;
    *input = str_skip(*input, MIN(n + 1, input->n));
    return export->skip_line ? RC_AGAIN : RC_OK;
}

/* A field that is not whole: it is held, unless it is a line that no object could hold. */
static void field_hold(struct journal_export *export, struct str text, bool direct)
{
    if (text.n <= JOURNAL_EXPORT_JSON_MAX || str_find(text, '\n') < text.n) {
        if (direct)
            buf_str(&export->held, text);
        return;
    }
    if (export->json.n == 0)
        json_write_object(&export->json);
    export->left_out++;
    export->skip_line = true;
    buf_clear(&export->held);
}

/* One line or binary field at the front of the text. *ret_end: the line was empty. RC_AGAIN: it is not whole. */
static enum rc field_read(struct journal_export *export, struct str text, size_t *ret_used, bool *ret_end)
{
    size_t n = str_find(text, '\n');
    *ret_end = false;
    if (n == text.n)
        return RC_AGAIN;
    struct str line = str_slice(text, 0, n);
    *ret_used = n + 1;
    if (line.n == 0) {
        *ret_end = true;
        return RC_OK;
    }
    struct str value = line;
    struct str name = str_cut(&value, '=');
    if (value.p) {
        if (!name_valid(name))
            return broken(export, RC_INVALID, "a field's name does not read");
        field_take(export, name, value);
        return RC_OK;
    }
    size_t used = 0;
    enum rc rc = binary_take(export, line, str_skip(text, n + 1), &used);
    *ret_used += used;
    return rc;
}

enum rc journal_export_next(struct journal_export *export, struct str *input, struct journal_export_entry *ret_entry)
{
    if (export->given)
        entry_begin(export);
    for (;;) {
        enum rc rc = export->skipping ? skip_on(export, input) : RC_OK;
        if (rc == RC_OK && export->skip_line)
            rc = skip_line_on(export, input);
        if (rc != RC_OK)
            return rc;
        bool direct = export->held.n == 0;
        size_t held = export->held.n;
        size_t used = 0;
        bool end = false;
        struct str part = str_slice(*input, 0, JOURNAL_EXPORT_JSON_MAX);
        if (!direct)
            buf_str(&export->held, part);
        struct str text = direct ? part : buf_view(&export->held);
        if (part.n == 0)
            return RC_AGAIN;
        rc = field_read(export, text, &used, &end);
        if (rc == RC_AGAIN) {
            field_hold(export, text, direct);
            *input = str_skip(*input, part.n);
            if (export->held.overflow)
                return broken(export, RC_LIMIT, "no memory for a field");
            continue;
        }
        if (rc != RC_OK)
            return rc;
        /* What was held is the front of one field, so that its end lies in the input. */
        ASSERT(used > held);
        *input = str_skip(*input, used - held);
        buf_clear(&export->held);
        if (end && export->json.n)
            return entry_give(export, ret_entry);
    }
}

bool journal_export_whole(const struct journal_export *export)
{
    return export->held.n == 0 && !export->skipping && !export->skip_line && (export->given || export->json.n == 0);
}

size_t journal_export_held(const struct journal_export *export)
{
    return export->held.capacity + export->json.capacity;
}
