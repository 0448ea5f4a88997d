#include "cmd/rule_case.h"

#include "base/bytes.h"

/* verdict u8, nanoseconds be64, then file, rule, title and why, each be32 and bytes. */

static void text_put(struct buf *out, struct str text)
{
    buf_be32(out, (uint32_t)text.n);
    buf_str(out, text);
}

static struct str text_take(struct reader *r)
{
    return read_bytes(r, read_be32(r));
}

void rule_case_put(struct buf *out, const struct rule_case *taken)
{
    buf_u8(out, (uint8_t)taken->verdict);
    buf_be64(out, taken->took_ns);
    text_put(out, str_of(taken->file));
    text_put(out, taken->rule);
    text_put(out, taken->title);
    text_put(out, str_of(taken->why));
}

enum rc rule_case_take(struct arena *arena, struct str bytes, struct rule_case *ret_case, struct err *err)
{
    struct reader r = reader_of(bytes);
    uint8_t verdict = read_u8(&r);
    uint64_t took_ns = read_be64(&r);
    struct str file = text_take(&r);
    struct str rule = text_take(&r);
    struct str title = text_take(&r);
    struct str why = text_take(&r);
    if (r.failed || reader_left(&r) || verdict > CASE_SKIPPED)
        return err_set(err, RC_CORRUPT, "a case that was judged does not read");
    *ret_case = (struct rule_case){.file = arena_strz(arena, file),
                                   .rule = rule,
                                   .title = title,
                                   .verdict = (enum rule_case_verdict)verdict,
                                   .why = arena_strz(arena, why),
                                   .took_ns = took_ns};
    return ret_case->file && ret_case->why ? RC_OK : err_set(err, RC_LIMIT, "no memory for a case");
}
