#include "archive/dictionary.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define ARENA_MAX (3 * DICTIONARY_PLAIN_MAX)

struct dictionary {
    uint32_t owners;
    struct names *names;
    struct arena *arena;
    struct form **forms;
    uint32_t form_count;
    uint32_t form_room;
    struct str *values;
    uint32_t value_count;
    uint32_t value_room;
    size_t plain;
};

struct dictionary *dictionary_new(struct names *names)
{
    struct dictionary *d = memory_new(sizeof *d);
    if (!d)
        return NULL;
    d->owners = 1;
    d->names = names;
    d->arena = arena_new(ARENA_MAX);
    if (!d->arena) {
        memory_free(d);
        return NULL;
    }
    return d;
}

void dictionary_hold(struct dictionary *dictionary)
{
    dictionary->owners++;
}

void dictionary_free(struct dictionary *dictionary)
{
    if (!dictionary || --dictionary->owners > 0)
        return;
    arena_free(dictionary->arena);
    memory_free(dictionary->forms);
    memory_free(dictionary->values);
    memory_free(dictionary);
}

/* Room for `count` more elements; false past the limit or without memory. */
static bool grow(void **array, uint32_t *room, uint32_t used, uint64_t more, size_t size)
{
    uint64_t want = used + more;
    if (want <= *room)
        return true;
    uint64_t grown = MAX((uint64_t)*room * 2, want + 64);
    void *bigger = memory_resize(*array, (size_t)grown * size);
    if (!bigger)
        return false;
    *array = bigger;
    *room = (uint32_t)grown;
    return true;
}

static bool text_read(struct reader *in, struct str *ret)
{
    uint64_t n = read_varint(in);
    if (in->failed || n > reader_left(in))
        return false;
    *ret = read_bytes(in, (size_t)n);
    return !in->failed;
}

static enum rc forms_add(struct dictionary *d, struct reader *in, struct err *err)
{
    uint64_t count = read_varint(in);
    if (in->failed || count > reader_left(in) || d->form_count + count > DICTIONARY_FORMS_MAX)
        return err_set(err, RC_CORRUPT, "a dictionary is damaged: forms");
    if (!grow((void **)&d->forms, &d->form_room, d->form_count, count, sizeof(struct form *)))
        return err_set(err, RC_LIMIT, "no memory for a dictionary");
    for (uint64_t i = 0; i < count; i++) {
        struct str bytes;
        struct form *form = arena_alloc_raw(d->arena, sizeof *form);
        if (!form)
            return err_set(err, RC_LIMIT, "no memory for a dictionary");
        if (!text_read(in, &bytes))
            return err_set(err, RC_CORRUPT, "a dictionary is damaged: forms");
        enum rc rc = form_read(bytes, d->names, d->arena, form, err);
        if (rc != RC_OK)
            return rc;
        d->forms[d->form_count++] = form;
    }
    return RC_OK;
}

static enum rc values_add(struct dictionary *d, struct reader *in, struct err *err)
{
    uint64_t count = read_varint(in);
    if (in->failed || count > reader_left(in) || d->value_count + count > DICTIONARY_VALUES_MAX)
        return err_set(err, RC_CORRUPT, "a dictionary is damaged: values");
    if (!grow((void **)&d->values, &d->value_room, d->value_count, count, sizeof(struct str)))
        return err_set(err, RC_LIMIT, "no memory for a dictionary");
    for (uint64_t i = 0; i < count; i++)
        if (!text_read(in, &d->values[d->value_count++]))
            return err_set(err, RC_CORRUPT, "a dictionary is damaged: values");
    return RC_OK;
}

enum rc dictionary_add(struct dictionary *dictionary, struct str plain, struct err *err)
{
    struct dictionary *d = dictionary;
    if (plain.n > DICTIONARY_PLAIN_MAX - d->plain)
        return err_set(err, RC_LIMIT, "a dictionary is too large");
    struct str copy = arena_str(d->arena, plain);
    if (!copy.p)
        return err_set(err, RC_LIMIT, "no memory for a dictionary");
    d->plain += plain.n;
    struct reader in = reader_of(copy);
    enum rc rc = forms_add(d, &in, err);
    rc = rc == RC_OK ? values_add(d, &in, err) : rc;
    return rc != RC_OK || reader_done(&in) ? rc : err_set(err, RC_CORRUPT, "a dictionary is damaged: its end");
}

uint32_t dictionary_forms(const struct dictionary *dictionary)
{
    return dictionary->form_count;
}

uint32_t dictionary_values(const struct dictionary *dictionary)
{
    return dictionary->value_count;
}

const struct form *dictionary_form(const struct dictionary *dictionary, uint32_t number)
{
    ASSERT(number < dictionary->form_count);
    return dictionary->forms[number];
}

struct str dictionary_value(const struct dictionary *dictionary, uint32_t number)
{
    ASSERT(number < dictionary->value_count);
    return dictionary->values[number];
}

void dictionary_write(const struct dictionary *dictionary, struct buf *out)
{
    buf_varint(out, dictionary->form_count);
    for (uint32_t i = 0; i < dictionary->form_count; i++) {
        buf_varint(out, dictionary->forms[i]->bytes.n);
        buf_str(out, dictionary->forms[i]->bytes);
    }
    buf_varint(out, dictionary->value_count);
    for (uint32_t i = 0; i < dictionary->value_count; i++) {
        buf_varint(out, dictionary->values[i].n);
        buf_str(out, dictionary->values[i]);
    }
}

size_t dictionary_size(const struct dictionary *dictionary)
{
    return arena_used(dictionary->arena) + dictionary->form_room * sizeof(struct form *) +
           dictionary->value_room * sizeof(struct str);
}
