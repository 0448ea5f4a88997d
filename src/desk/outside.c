/* outside.c - who vouches for the archive from outside, as the keeper reports it, for the archive page. Memory only. */
#include "base/assert.h"
#include "desk/inside.h"

#include <string.h>

#define TEXT_SIZE  ((size_t)48 << 10)
#define LINES_MAX  16  /* cosignatures of mirrors that wait for the keeper */
#define LINE_BYTES 512 /* of one */

struct desk_vouchers {
    struct buf witnesses;
    struct buf quorum;
    struct buf stamp;
    uint64_t round;
    struct {
        uint64_t size;
        size_t n;
        char line[LINE_BYTES];
    } lines[LINES_MAX]; /* oldest first */
    size_t line_count;
};

bool desk_vouchers_new(struct desk *desk)
{
    desk->vouchers = memory_new(sizeof *desk->vouchers);
    if (!desk->vouchers)
        return false;
    buf_init(&desk->vouchers->witnesses, TEXT_SIZE);
    buf_init(&desk->vouchers->quorum, TEXT_SIZE);
    buf_init(&desk->vouchers->stamp, TEXT_SIZE);
    return true;
}

void desk_vouchers_free(struct desk *desk)
{
    if (!desk->vouchers)
        return;
    buf_done(&desk->vouchers->witnesses);
    buf_done(&desk->vouchers->quorum);
    buf_done(&desk->vouchers->stamp);
    memory_free(desk->vouchers);
    desk->vouchers = NULL;
}

static void text_keep(struct buf *to, struct str text)
{
    buf_clear(to);
    to->overflow = false;
    if (text.n <= TEXT_SIZE)
        buf_str(to, text);
}

void desk_set_outside(struct desk *desk, const struct desk_outside *outside)
{
    ASSERT(desk->magic == DESK_MAGIC);
    text_keep(&desk->vouchers->witnesses, outside->witnesses);
    text_keep(&desk->vouchers->quorum, outside->quorum);
    text_keep(&desk->vouchers->stamp, outside->stamp);
    desk->vouchers->round = outside->round;
}

bool desk_take_cosignature(struct desk *desk, struct buf *out)
{
    struct desk_vouchers *v = desk->vouchers;
    ASSERT(desk->magic == DESK_MAGIC);
    if (!v->line_count)
        return false;
    buf_be64(out, v->lines[0].size);
    buf_put(out, v->lines[0].line, v->lines[0].n);
    v->line_count--;
    memmove(v->lines, v->lines + 1, v->line_count * sizeof v->lines[0]);
    return true;
}

/* One line of what may stand in a note; whether it is true is the keeper's question. */
static bool line_form(struct str line)
{
    size_t at = str_find(line, '\n');
    if (!line.n || line.n > LINE_BYTES || at != line.n - 1 || !str_starts(line, STR("\xe2\x80\x94 ")))
        return false;
    for (size_t i = 0; i < at; i++)
        if ((unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f)
            return false;
    return true;
}

void ask_mirror_cosign(struct ask *ask)
{
    struct desk_vouchers *v = ask->desk->vouchers;
    struct str line = ask_str(ask, "line");
    int64_t size = ask_int(ask, "size");
    if (size <= 0 || !line_form(line)) {
        ask_refuse(ask, "invalid", "no cosignature of a checkpoint");
        return;
    }
    if (v->line_count == LINES_MAX) {
        ask_refuse(ask, "busy", "other cosignatures wait; come again");
        return;
    }
    v->lines[v->line_count].size = (uint64_t)size;
    v->lines[v->line_count].n = line.n;
    memcpy(v->lines[v->line_count++].line, line.p, line.n);
}

/* What a mirror is to cosign, in the answer to its report. */
void desk_cosign_round(const struct desk *desk, struct buf *out)
{
    json_put_u64(out, "cosign", desk->vouchers->round);
}

void ask_witness_list(struct ask *ask)
{
    const struct desk_vouchers *vouchers = ask->desk->vouchers;
    const struct {
        const char *name;
        const struct buf *text;
        const char *otherwise;
    } members[] = {
        {"witnesses", &vouchers->witnesses, "[]"},
        {"quorum", &vouchers->quorum, "null"},
        {"stamp", &vouchers->stamp, "null"},
    };
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_write_key(ask->out, members[i].name);
        json_write_raw(ask->out, members[i].text->n ? buf_view(members[i].text) : str_of(members[i].otherwise));
    }
}
