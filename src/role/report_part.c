#include "role/report_part.h"

#include "base/bytes.h"
#include "base/macros.h"

#define END_TEXT_MAX 1024u

bool report_part_read(struct str body, uint32_t *ret_count, struct str *ret_list)
{
    struct reader in = reader_of(body);
    *ret_count = read_be32(&in);
    *ret_list = read_bytes(&in, reader_left(&in));
    return !in.failed && *ret_count > 0 && *ret_count <= DESK_UPLOAD_PART_COUNT && ret_list->n <= DESK_UPLOAD_PART;
}

bool report_told_read(struct str body, struct report_told *ret_told)
{
    struct reader in = reader_of(body);
    ret_told->bytes = read_be64(&in);
    ret_told->findings = read_be64(&in);
    return reader_done(&in) && ret_told->bytes <= INT64_MAX && ret_told->findings <= INT64_MAX;
}

bool report_end_read(struct str body, struct desk_upload_end *ret_end)
{
    struct reader in = reader_of(body);
    struct str *const texts[] = {&ret_end->fault, &ret_end->detail, &ret_end->format, &ret_end->scanner};
    int64_t *const numbers[] = {&ret_end->line, &ret_end->hosts, &ret_end->passed, &ret_end->broken, &ret_end->cut};
    bool sane = true;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = read_bytes(&in, read_be16(&in));
        sane = sane && texts[i]->n <= END_TEXT_MAX;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t number = read_be64(&in);
        sane = sane && number <= INT64_MAX;
        *numbers[i] = (int64_t)MIN(number, (uint64_t)INT64_MAX);
    }
    return reader_done(&in) && sane;
}

void report_told_write(const struct report_told *told, struct buf *out)
{
    buf_be64(out, told->bytes);
    buf_be64(out, told->findings);
}

void report_end_write(const struct desk_upload_end *end, struct buf *out)
{
    const struct str texts[] = {end->fault, end->detail, end->format, end->scanner};
    const int64_t numbers[] = {end->line, end->hosts, end->passed, end->broken, end->cut};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = str_slice(texts[i], 0, END_TEXT_MAX);
        buf_be16(out, (uint16_t)text.n);
        buf_str(out, text);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_be64(out, numbers[i] > 0 ? (uint64_t)numbers[i] : 0);
}

#define LIST_NUMBERS (OWN_LIST_KINDS + 8)

/* All numbers of an end, in their order. */
static void list_numbers(struct own_list_end *end, int64_t *ret_numbers[LIST_NUMBERS])
{
    int64_t *const others[] = {&end->repeated, &end->revoked, &end->passed, &end->refused,
                               &end->fresh,    &end->changed, &end->same,   &end->gone};
    _Static_assert(ARRAY_LEN(others) + OWN_LIST_KINDS == LIST_NUMBERS, "each number has its place");
    for (size_t i = 0; i < OWN_LIST_KINDS; i++)
        ret_numbers[i] = &end->kinds[i];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ret_numbers[OWN_LIST_KINDS + i] = others[i];
}

bool list_end_read(struct str body, struct own_list_end *ret_end)
{
    struct reader in = reader_of(body);
    struct str *const texts[] = {&ret_end->fault, &ret_end->detail};
    int64_t *numbers[LIST_NUMBERS];
    bool sane = true;
    list_numbers(ret_end, numbers);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = read_bytes(&in, read_be16(&in));
        sane = sane && texts[i]->n <= END_TEXT_MAX;
    }
    for (size_t i = 0; i < LIST_NUMBERS; i++) {
        uint64_t number = read_be64(&in);
        sane = sane && number <= INT64_MAX;
        *numbers[i] = (int64_t)MIN(number, (uint64_t)INT64_MAX);
    }
    ret_end->preview = read_bytes(&in, reader_left(&in));
    return reader_done(&in) && sane && ret_end->preview.n > 0 && ret_end->preview.n <= OWN_LIST_PREVIEW;
}

void list_end_write(const struct own_list_end *end, struct buf *out)
{
    struct own_list_end copy = *end;
    const struct str texts[] = {end->fault, end->detail};
    int64_t *numbers[LIST_NUMBERS];
    list_numbers(&copy, numbers);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = str_slice(texts[i], 0, END_TEXT_MAX);
        buf_be16(out, (uint16_t)text.n);
        buf_str(out, text);
    }
    for (size_t i = 0; i < LIST_NUMBERS; i++)
        buf_be64(out, *numbers[i] > 0 ? (uint64_t)*numbers[i] : 0);
    buf_str(out, end->preview);
}
