#include "role/match.h"

#include "base/bytes.h"

/* 5 texts, and name and value of each carried field, each with its length; the numbers in front. */
_Static_assert(64 + (5 + 2 * RULE_CARRY_MAX) * (MATCH_TEXT_MAX + 2) <= 512 * 1024, "a match fits its message");

static void put_text(struct buf *out, struct str text)
{
    text = str_slice(text, 0, MATCH_TEXT_MAX);
    buf_be16(out, (uint16_t)text.n);
    buf_str(out, text);
}

static struct str get_text(struct reader *reader)
{
    return read_bytes(reader, read_be16(reader));
}

void match_write(const struct match *match, struct buf *out)
{
    buf_be64(out, match->record);
    buf_be64(out, (uint64_t)match->time_ns);
    buf_be64(out, match->rule_hash);
    put_text(out, match->source);
    put_text(out, match->host);
    put_text(out, match->account);
    put_text(out, match->address);
    put_text(out, match->description);
    buf_be16(out, (uint16_t)match->value_count);
    for (size_t i = 0; i < match->value_count; i++) {
        put_text(out, match->values[i].name);
        put_text(out, match->values[i].value);
    }
}

bool match_read(struct str body, struct match *ret_match)
{
    struct reader reader = reader_of(body);
    ret_match->record = read_be64(&reader);
    ret_match->time_ns = (int64_t)read_be64(&reader);
    ret_match->rule_hash = read_be64(&reader);
    ret_match->source = get_text(&reader);
    ret_match->host = get_text(&reader);
    ret_match->account = get_text(&reader);
    ret_match->address = get_text(&reader);
    ret_match->description = get_text(&reader);
    ret_match->value_count = read_be16(&reader);
    if (ret_match->value_count > RULE_CARRY_MAX)
        return false;
    for (size_t i = 0; i < ret_match->value_count; i++) {
        ret_match->values[i].name = get_text(&reader);
        ret_match->values[i].value = get_text(&reader);
    }
    return reader_done(&reader);
}
