/* One scan for a word or phrase over the raw bytes of all records of a block. What is found must not reach over a
 * record's end and must stand at word borders, exactly as query_needle_in says of a record alone. */
#include "archive/query_block.h"
#include "archive/words.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- folding ---- */

typedef unsigned char lanes __attribute__((vector_size(16)));

/* Whether some byte begins a Cyrillic letter, whose case lies in two bytes; ASCII is in lower case in any event. */
static bool lower(struct str text, char *out)
{
    lanes any = {0};
    bool found = false;
    size_t i = 0;
    for (; i + sizeof any <= text.n; i += sizeof any) {
        lanes c;
        memcpy(&c, text.p + i, sizeof c);
        any |= (lanes)(c == 0xd0) | (lanes)(c == 0xd2) | (lanes)(c == 0xd3);
        c += (lanes)((c >= 'A') & (c <= 'Z')) & ('a' - 'A');
        memcpy(out + i, &c, sizeof c);
    }
    for (; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        found = found || c == 0xd0 || c == 0xd2 || c == 0xd3;
        out[i] = char_lower(text.p[i]);
    }
    return found || (get_le64((const char *)&any) | get_le64((const char *)&any + 8)) != 0;
}

static void fold_records(const struct block_scan *scan, char *out)
{
    if (!lower(scan->raw, out))
        return;
    for (uint32_t i = 0; i < scan->count; i++) {
        struct str record = str_slice(scan->raw, scan->offset[i], scan->offset[i + 1]);
        if (lower(record, out + scan->offset[i]))
            word_fold_text(record, out + scan->offset[i]);
    }
}

enum rc block_scan_open(struct block *block, struct arena *arena, struct block_scan *ret_scan, struct err *err)
{
    struct block_scan *scan = ret_scan;
    scan->count = block_count(block);
    enum rc rc = block_raw_all(block, &scan->raw, &scan->offset, err);
    if (rc != RC_OK)
        return rc;
    char *folded = arena_alloc_raw(arena, scan->raw.n + 1);
    if (!folded)
        return err_set(err, RC_LIMIT, "no memory to search a block");
    fold_records(scan, folded);
    scan->folded = str_at(folded, scan->raw.n);
    for (uint32_t i = 0; i < scan->count && !scan->has_long; i++)
        scan->has_long = scan->offset[i + 1] - scan->offset[i] > QUERY_WINDOW;
    scan->open = true;
    return RC_OK;
}

/* ---- finding ---- */

/* Where the needle stands at or behind `from`; text.n when nowhere. */
static size_t find(struct str text, size_t from, struct str needle)
{
    if (needle.n > text.n || from > text.n - needle.n)
        return text.n;
    size_t last = text.n - needle.n;
    size_t i = from;
#if defined(__SSE2__)
    const __m128i head = _mm_set1_epi8(needle.p[0]);
    const __m128i tail = _mm_set1_epi8(needle.p[needle.n - 1]);
    for (; i + 16 <= last + 1; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(text.p + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(text.p + i + needle.n - 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, head), _mm_cmpeq_epi8(b, tail)));
        for (; hits; hits &= hits - 1) {
            size_t at = i + (size_t)__builtin_ctz(hits);
            if (memcmp(text.p + at, needle.p, needle.n) == 0)
                return at;
        }
    }
#endif
    if (i > last)
        return text.n;
    const char *found = memmem(text.p + i, text.n - i, needle.p, needle.n);
    return found ? (size_t)(found - text.p) : text.n;
}

static bool border(struct str text, size_t at)
{
    return at == 0 || at >= text.n || !word_char(text.p[at - 1]) || !word_char(text.p[at]);
}

/* The longest run of a pattern that stands for itself: a record without it cannot match. */
static struct str literal_of(const struct query_needle *needle)
{
    struct str best = STR_NONE;
    struct str rest = needle->text;
    if (!needle->glob)
        return needle->text;
    while (rest.n) {
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '*' && rest.p[n] != '?')
            n++;
        if (n > best.n)
            best = str_slice(rest, 0, n);
        rest = str_skip(rest, n + 1);
    }
    return best;
}

static void set(uint64_t *bits, uint32_t position)
{
    bits[position / 64] |= UINT64_C(1) << (position % 64);
}

static struct str record_at(const struct block_scan *scan, uint32_t position)
{
    return str_slice(scan->raw, scan->offset[position], scan->offset[position + 1]);
}

static void scan_all(const struct block_scan *scan, const struct query_needle *needle, struct str literal,
                     uint64_t *bits)
{
    uint32_t record = 0;
    size_t at = find(scan->folded, 0, literal);
    while (at < scan->folded.n) {
        while (scan->offset[record + 1] <= at)
            record++;
        size_t begin = scan->offset[record];
        size_t end = scan->offset[record + 1];
        struct str raw = record_at(scan, record);
        bool whole = at + literal.n <= end && raw.n <= QUERY_WINDOW;
        bool match = whole && (needle->glob ? query_needle_in(needle, raw)
                                            : (needle->open_start || border(raw, at - begin)) &&
                                                  (needle->open_end || border(raw, at - begin + literal.n)));
        if (match)
            set(bits, record);
        /* a pattern was tried on the whole record */
        at = find(scan->folded, match || (whole && needle->glob) ? end : at + 1, literal);
    }
}

void block_scan_find(const struct block_scan *scan, const struct query_needle *needle, const uint64_t *mask,
                     uint64_t *bits)
{
    struct str literal = literal_of(needle);
    ASSERT(scan->open);
    if (mask && bits_count(mask, scan->count) * 32 < scan->count) {
        for (uint32_t i = bits_next(mask, 0, scan->count); i < scan->count; i = bits_next(mask, i + 1, scan->count))
            if (query_needle_in(needle, record_at(scan, i)))
                set(bits, i);
        return;
    }
    if (literal.n)
        scan_all(scan, needle, literal, bits);
    for (uint32_t i = 0; i < scan->count && (scan->has_long || !literal.n); i++)
        if ((!literal.n || scan->offset[i + 1] - scan->offset[i] > QUERY_WINDOW) &&
            query_needle_in(needle, record_at(scan, i)))
            set(bits, i);
}
