/* outside.c - who vouches for the archive from outside, as the keeper reports it, for the archive page. Memory only. */
#include "base/assert.h"
#include "desk/inside.h"

#define TEXT_SIZE ((size_t)48 << 10)

struct desk_vouchers {
    struct buf witnesses;
    struct buf quorum;
    struct buf stamp;
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
