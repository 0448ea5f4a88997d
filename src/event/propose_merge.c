/* Pieces of two messages beside each other, so that most bytes of constants fall together: the longest common
 * subsequence, weighed. */
#include "event/propose_pieces.h"

static size_t weight(const struct piece *a, const struct piece *b)
{
    if (a->open != b->open)
        return 0;
    if (a->open)
        return a->kind == b->kind ? 2 : 0;
    return str_eq(a->text, b->text) ? 1 + text_letters(a->text) * 2 : 0;
}

static enum capture_kind kind_join(enum capture_kind a, enum capture_kind b)
{
    if (a == b)
        return a;
    if (a == CAPTURE_ANY || b == CAPTURE_ANY)
        return CAPTURE_ANY;
    bool hex = (a == CAPTURE_NUMBER || a == CAPTURE_HEX) && (b == CAPTURE_NUMBER || b == CAPTURE_HEX);
    return hex ? CAPTURE_HEX : CAPTURE_WORD;
}

static enum capture_kind piece_kind(const struct piece *piece)
{
    if (piece->open)
        return piece->kind;
    return text_all_are(piece->text, CAPTURE_WORD) ? CAPTURE_WORD : CAPTURE_ANY;
}

/* Pieces as one open one, from the first's begin to the last's end. */
static void gap_join(struct piece *gap, const struct piece *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum capture_kind kind = piece_kind(&piece[i]);
        /* of a row of pieces only a word says less than each alone */
        gap->kind = gap->text.p ? kind_join(gap->kind, i > 0 && kind != CAPTURE_ANY ? CAPTURE_WORD : kind) : kind;
        gap->text = gap->text.p ? gap->text : piece[i].text;
        gap->hint = gap->hint.n ? gap->hint : piece[i].hint;
    }
}

static bool gap_add(struct pieces *out, const struct piece *a, size_t an, const struct piece *b, size_t bn)
{
    struct piece gap = {.open = true};
    if (an + bn == 0)
        return true;
    gap_join(&gap, a, an);
    gap_join(&gap, b, bn);
    if (an == 0 || bn == 0)
        gap.kind = CAPTURE_ANY; /* it may be empty */
    gap.text.n = 0;
    if (out->count == PIECES_MAX)
        return false;
    out->piece[out->count++] = gap;
    return true;
}

/* table[i][j]: the most that a's pieces from i and b's from j have in common. */
static uint32_t *common_table(struct arena *arena, const struct pieces *a, const struct pieces *b)
{
    size_t width = b->count + 1;
    uint32_t *table = arena_alloc_array(arena, (a->count + 1) * width, sizeof *table);
    if (!table)
        return NULL;
    for (size_t i = a->count; i-- > 0;)
        for (size_t j = b->count; j-- > 0;) {
            size_t both = weight(&a->piece[i], &b->piece[j]);
            uint32_t most = MAX(table[(i + 1) * width + j], table[i * width + j + 1]);
            uint32_t with = both ? table[(i + 1) * width + j + 1] + (uint32_t)both : 0;
            table[i * width + j] = MAX(most, with);
        }
    return table;
}

static bool piece_both(struct pieces *out, const struct piece *a, const struct piece *b)
{
    struct piece both = *a;
    if (out->count == PIECES_MAX)
        return false;
    both.hint = a->hint.n ? a->hint : b->hint;
    if (!str_eq(a->text, b->text))
        both.text.n = 0; /* it is known to vary */
    out->piece[out->count++] = both;
    return true;
}

bool pieces_merge(struct arena *arena, struct pieces *a, const struct pieces *b)
{
    struct pieces *out = arena_alloc(arena, sizeof *out);
    const uint32_t *table = common_table(arena, a, b);
    size_t width = b->count + 1;
    size_t i = 0, j = 0, gap_i = 0, gap_j = 0;
    if (!out || !table)
        return false;
    out->count = 0;
    while (i < a->count && j < b->count) {
        size_t both = weight(&a->piece[i], &b->piece[j]);
        if (both && table[i * width + j] == table[(i + 1) * width + j + 1] + both) {
            if (!gap_add(out, &a->piece[gap_i], i - gap_i, &b->piece[gap_j], j - gap_j) ||
                !piece_both(out, &a->piece[i], &b->piece[j]))
                return false;
            gap_i = ++i;
            gap_j = ++j;
        } else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    if (!gap_add(out, &a->piece[gap_i], a->count - gap_i, &b->piece[gap_j], b->count - gap_j))
        return false;
    *a = *out;
    return true;
}

void pieces_close(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++) {
        struct piece *piece = &pieces->piece[i];
        if (piece->open && piece->text.n > 0 && piece->kind == CAPTURE_WORD && !piece->hint.n &&
            text_is_plain(piece->text))
            piece->open = false;
    }
}

void pieces_fold(struct pieces *pieces)
{
    size_t count = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        struct piece *piece = &pieces->piece[i];
        if (count > 0 && piece->open && pieces->piece[count - 1].open) {
            struct piece *before = &pieces->piece[count - 1];
            before->kind = CAPTURE_ANY;
            before->hint = before->hint.n ? before->hint : piece->hint;
            continue;
        }
        pieces->piece[count++] = *piece;
    }
    pieces->count = count;
}
