/* card_diff.c - what differs between two cards of an object, and what a questionnaire lacks. */
#include "base/assert.h"
#include "desk/card.h"

struct differing {
    struct ask *ask;
    struct buf *json;
    size_t room, begin, count;
};

static void change_put(struct differing *d, struct str field, struct str was, struct str now)
{
    size_t before = d->json->n;
    d->count++;
    json_write_object(d->json);
    json_put_str(d->json, "field", field);
    json_put_str(d->json, "was", was);
    json_put_str(d->json, "now", now);
    json_write_object_end(d->json);
    if (d->json->n - d->begin > d->room) /* as it is written, escapes and all */
        d->json->n = before;
}

/* The cells of a row that say something. */
static struct str row_text(struct ask *ask, const struct card_row *row)
{
    struct buf text;
    buf_init(&text, 8192);
    for (size_t i = 0; i < CARD_COLUMNS_MAX; i++) {
        if (!row->cell[i].n)
            continue;
        if (text.n)
            buf_text(&text, "; ");
        buf_str(&text, row->cell[i]);
    }
    struct str copy = arena_str(ask->arena, buf_view(&text));
    buf_done(&text);
    return copy.n ? copy : STR("");
}

bool card_row_same(const struct card_row *a, const struct card_row *b, enum card_list list, bool with_since)
{
    for (size_t i = 0; i < CARD_COLUMNS_MAX; i++) {
        bool since = list == CARD_CONTACTS && i == CONTACT_SINCE;
        if ((with_since || !since) && !str_eq(a->cell[i], b->cell[i]))
            return false;
    }
    return true;
}

/* Rows of `a` that `b` has not so often: each row of b answers for one. */
static void rows_diff(struct differing *d, const struct card *a, const struct card *b, enum card_list list, bool gone)
{
    uint64_t used[8] = {0}; /* 500 rows at most */
    for (size_t n = 0; n < a->count[list]; n++) {
        size_t k = 0;
        while (k < b->count[list] &&
               ((used[k / 64] >> k % 64 & 1) != 0 || !card_row_same(&a->row[list][n], &b->row[list][k], list, true)))
            k++;
        if (k < b->count[list]) {
            used[k / 64] |= UINT64_C(1) << k % 64;
            continue;
        }
        struct str text = row_text(d->ask, &a->row[list][n]);
        change_put(d, str_of(card_list_name(list)), gone ? text : STR(""), gone ? STR("") : text);
    }
}

size_t card_diff(struct ask *ask, const struct card *was, const struct card *now, size_t room, struct buf *json)
{
    static const char *const names[CARD_SETTING_COUNT] = {
#define X(id, name, kind) [id] = #name,
        CARD_SETTINGS(X)
#undef X
    };
    struct differing d = {ask, json, room, json->n, 0};
    const struct questionnaire *q = &ask->desk->questionnaire;
    json_write_array(json);
    for (size_t i = 0; i < CARD_SETTING_COUNT; i++)
        if (!str_eq(was->setting[i], now->setting[i]))
            change_put(&d, str_of(names[i]), was->setting[i], now->setting[i]);
    for (size_t i = 0; i < q->count; i++)
        if (!str_eq(was->field[i], now->field[i]))
            change_put(&d, q->field[i].id, was->field[i], now->field[i]);
    for (size_t list = 0; list < CARD_LIST_COUNT; list++) {
        rows_diff(&d, was, now, (enum card_list)list, true);
        rows_diff(&d, now, was, (enum card_list)list, false);
    }
    json_write_array_end(json);
    return d.count;
}

/* A row that says nothing is no contact. */
static bool contact_said(const struct card *card)
{
    for (size_t n = 0; n < card->count[CARD_CONTACTS]; n++)
        for (size_t i = 0; i < CONTACT_SINCE; i++)
            if (card->row[CARD_CONTACTS][n].cell[i].n)
                return true;
    return false;
}

struct str card_value(const struct desk *desk, const struct card *card, size_t field)
{
    ASSERT(field < desk->questionnaire.count);
    const struct question_field *f = &desk->questionnaire.field[field];
    if (str_is(f->id, "name"))
        return card->setting[CARD_NAME];
    if (str_is(f->id, "owner"))
        return card->setting[CARD_OWNER];
    if (f->kind == QUESTION_CONTACTS)
        return contact_said(card) ? STR("+") : STR("");
    if (f->kind == QUESTION_MEANS)
        return card->count[CARD_MEANS] ? STR("+") : STR("");
    if (f->kind != QUESTION_DOCUMENT)
        return card->field[field];
    for (size_t i = 0; i < card->count[CARD_DOCUMENTS]; i++)
        if (str_eq(card->row[CARD_DOCUMENTS][i].cell[DOCUMENT_KIND], f->id))
            return STR("+");
    return STR("");
}
