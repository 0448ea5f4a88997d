#include "archive/form.h"

#include "archive/varint.h"
#include "base/bytes.h"

#include <string.h>

struct form_reader {
    struct reader in;
    struct form *form;
    struct arena *arena;
    struct names *names;
};

static enum rc damaged(struct err *err, const char *what)
{
    return err_set(err, RC_CORRUPT, "a form is damaged: %s", what);
}

static struct str text_read(struct reader *in)
{
    uint64_t n = read_varint(in);
    if (n > reader_left(in)) {
        in->failed = true;
        return STR_NONE;
    }
    return read_bytes(in, (size_t)n);
}

static enum rc slots_read(struct form_reader *r, struct err *err)
{
    struct form *f = r->form;
    uint64_t raw_slots = read_varint(&r->in);
    uint64_t more = read_varint(&r->in);
    if (r->in.failed || raw_slots > CUT_SLOTS_MAX || more > FORM_SLOTS_MAX - CUT_SLOTS_MAX)
        return damaged(err, "slots");
    f->raw_slots = (uint32_t)raw_slots;
    f->slot_count = (uint32_t)(raw_slots + more);
    f->kinds = (const uint8_t *)read_bytes(&r->in, f->slot_count).p;
    f->pieces = arena_alloc_array(r->arena, (size_t)f->raw_slots + 1, sizeof *f->pieces);
    if (!f->pieces)
        return err_set(err, RC_LIMIT, "no memory for a form");
    for (uint32_t i = 0; i < f->slot_count && !r->in.failed; i++) {
        bool fits =
            i < f->raw_slots ? f->kinds[i] <= SLOT_CLOCK + 9 : f->kinds[i] == SLOT_TEXT || f->kinds[i] == SLOT_NUMBER;
        if (!fits)
            return damaged(err, "kinds of slots");
    }
    for (uint32_t i = 0; i <= f->raw_slots; i++)
        f->pieces[i] = text_read(&r->in);
    return r->in.failed ? damaged(err, "pieces") : RC_OK;
}

static bool place_read(struct form_reader *r, struct form_place *ret)
{
    uint64_t piece = read_varint(&r->in);
    uint64_t offset = read_varint(&r->in);
    if (r->in.failed || piece > r->form->raw_slots || offset > MIN(r->form->pieces[piece].n, (size_t)UINT16_MAX))
        return false;
    *ret = (struct form_place){(uint16_t)piece, (uint16_t)offset};
    return true;
}

static bool spec_read(struct form_reader *r, uint32_t position, struct form_spec *ret)
{
    const struct form *f = r->form;
    uint8_t op = read_u8(&r->in);
    *ret = (struct form_spec){.op = (enum form_op)op};
    switch (ret->op) {
    case FORM_ABSENT:
        return !r->in.failed && position >= f->field_count;
    case FORM_SPAN:
    case FORM_JSON:
        return place_read(r, &ret->from) && place_read(r, &ret->to) &&
               (ret->from.piece < ret->to.piece ||
                (ret->from.piece == ret->to.piece && ret->from.offset <= ret->to.offset));
    case FORM_CONST:
        ret->text = text_read(&r->in);
        return !r->in.failed;
    case FORM_SLOT:
    case FORM_SAME:
    case FORM_PLACE: {
        uint64_t number = read_varint(&r->in);
        ret->number = (uint32_t)number;
        if (r->in.failed || number > UINT32_MAX)
            return false;
        if (ret->op == FORM_SAME)
            return number < position;
        if (ret->op == FORM_SLOT)
            return number >= f->raw_slots && number < f->slot_count && f->kinds[number] == SLOT_TEXT;
        return number >= f->raw_slots && number + 1 < f->slot_count && f->kinds[number] == SLOT_NUMBER &&
               f->kinds[number + 1] == SLOT_NUMBER;
    }
    case FORM_OP_COUNT:
        break;
    }
    return false;
}

static enum rc fields_read(struct form_reader *r, struct err *err)
{
    struct form *f = r->form;
    uint64_t count = read_varint(&r->in);
    if (r->in.failed || count > EVENT_FIELDS_MAX)
        return damaged(err, "fields");
    f->fields = arena_alloc_array(r->arena, (size_t)count, sizeof *f->fields);
    if (!f->fields)
        return err_set(err, RC_LIMIT, "no memory for a form");
    f->field_count = (uint32_t)count;
    for (uint32_t i = 0; i < f->field_count; i++) {
        struct form_field *field = &f->fields[i];
        field->text = text_read(&r->in);
        field->type = read_u8(&r->in);
        if (r->in.failed || field->type > EVENT_OBJECT || !spec_read(r, i, &field->spec))
            return damaged(err, "fields");
        field->name = r->names ? names_put(r->names, field->text) : 0;
    }
    for (uint32_t i = 0; i < STATUTORY_COUNT; i++)
        if (!spec_read(r, f->field_count + i, &f->statutory[i]))
            return damaged(err, "statutory fields");
    return RC_OK;
}

enum rc form_read(struct str bytes, struct names *names, struct arena *arena, struct form *ret_form, struct err *err)
{
    struct form_reader r = {.in = reader_of(bytes), .form = ret_form, .arena = arena, .names = names};
    memset(ret_form, 0, sizeof *ret_form);
    ret_form->bytes = bytes;
    ret_form->has_event = read_u8(&r.in) == 1;
    uint64_t flags = read_varint(&r.in);
    struct str parser = text_read(&r.in);
    ret_form->flags = (uint32_t)flags;
    if (r.in.failed || flags > UINT32_MAX || bytes.n > FORM_SIZE_MAX)
        return damaged(err, "its beginning");
    ret_form->parser = arena_strz(arena, parser); /* events want it zero-terminated */
    if (!ret_form->parser)
        return err_set(err, RC_LIMIT, "no memory for a form");
    enum rc rc = slots_read(&r, err);
    rc = rc == RC_OK ? fields_read(&r, err) : rc;
    return rc != RC_OK || reader_done(&r.in) ? rc : damaged(err, "its end");
}

void form_write_spec(char **at, const struct form_spec *spec)
{
    char *p = *at;
    *p++ = (char)spec->op;
    switch (spec->op) {
    case FORM_SPAN:
    case FORM_JSON:
        p = put_varint(p, spec->from.piece);
        p = put_varint(p, spec->from.offset);
        p = put_varint(p, spec->to.piece);
        p = put_varint(p, spec->to.offset);
        break;
    case FORM_CONST:
        p = put_varint(p, spec->text.n);
        if (spec->text.n)
            memcpy(p, spec->text.p, spec->text.n);
        p += spec->text.n;
        break;
    case FORM_SLOT:
    case FORM_SAME:
    case FORM_PLACE:
        p = put_varint(p, spec->number);
        break;
    case FORM_ABSENT:
    case FORM_OP_COUNT:
        break;
    }
    *at = p;
}

const struct form_spec *form_spec_of(const struct form *form, const struct form_spec *spec)
{
    while (spec->op == FORM_SAME) /* each leads to an earlier one */
        spec = spec->number < form->field_count ? &form->fields[spec->number].spec
                                                : &form->statutory[spec->number - form->field_count];
    return spec;
}
