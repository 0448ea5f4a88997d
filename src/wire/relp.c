#include "wire/relp.h"

#include "base/assert.h"

#include <string.h>

#define NUMBER_MAX   999999999u
#define DIGITS_MAX   9u
#define COMMAND_MAX  32u
#define OFFERS       "relp_version=0\nrelp_software=qorgan\ncommands=syslog"
#define OK_TEXT      "200 OK"
#define CLOSE_NOTICE "0 serverclose 0\n"

void relp_init(struct relp *relp, size_t frame_max)
{
    ASSERT(frame_max > 0);
    *relp = (struct relp){.state = RELP_NEW, .frame_max = frame_max};
}

static enum rc broken(struct relp *relp, const char *reason)
{
    relp->reason = reason;
    return RC_INVALID;
}

/* What stands before a frame's data. */
struct head {
    uint64_t number;
    struct str command;
    uint64_t length;
    size_t size; /* of the header; the data or the line feed stands behind it */
};

/* A word of at most `most` bytes and the byte that ends it. RC_AGAIN when its end is not in sight. */
static enum rc word_read(struct str input, size_t at, size_t most, struct str *ret_word, char *ret_end)
{
    size_t end = at;
    while (end < input.n && input.p[end] != ' ' && input.p[end] != '\n')
        if (++end - at > most)
            return RC_INVALID;
    if (end == input.n)
        return RC_AGAIN;
    *ret_word = str_slice(input, at, end);
    *ret_end = input.p[end];
    return end > at ? RC_OK : RC_INVALID;
}

static enum rc head_read(struct str input, struct head *ret_head)
{
    struct str number;
    struct str length;
    char end = ' ';
    enum rc rc = word_read(input, 0, DIGITS_MAX, &number, &end);
    if (rc != RC_OK)
        return rc;
    if (end != ' ' || !str_to_u64(number, &ret_head->number))
        return RC_INVALID;
    size_t at = number.n + 1;
    rc = word_read(input, at, COMMAND_MAX, &ret_head->command, &end);
    if (rc != RC_OK)
        return rc;
    if (end != ' ')
        return RC_INVALID;
    at += ret_head->command.n + 1;
    rc = word_read(input, at, DIGITS_MAX, &length, &end);
    if (rc != RC_OK)
        return rc;
    if (!str_to_u64(length, &ret_head->length) || (ret_head->length > 0 && end != ' '))
        return RC_INVALID;
    ret_head->size = at + length.n + (ret_head->length > 0 ? 1 : 0);
    /* Some senders put the blank also behind a length of 0. */
    if (ret_head->length == 0 && end == ' ')
        ret_head->size++;
    return RC_OK;
}

/* The rest of a record that was given cut, and the line feed that ends every frame. */
static enum rc tail_drop(struct relp *relp, struct str *input)
{
    size_t n = MIN(relp->skip, input->n);
    *input = str_skip(*input, n);
    relp->skip -= n;
    relp->lost_bytes += n;
    if (relp->skip > 0 || (relp->trailer && input->n == 0))
        return RC_AGAIN;
    if (!relp->trailer)
        return RC_OK;
    if (input->p[0] != '\n')
        return broken(relp, "no line feed behind a frame");
    *input = str_skip(*input, 1);
    relp->trailer = false;
    return RC_OK;
}

static enum rc command_of(struct relp *relp, const struct head *head, enum relp_command *ret_command)
{
    static const char *const names[] = {
        [RELP_COMMAND_OPEN] = "open", [RELP_COMMAND_SYSLOG] = "syslog", [RELP_COMMAND_CLOSE] = "close"};
    size_t i = 0;
    while (i < ARRAY_LEN(names) && !str_is(head->command, names[i]))
        i++;
    if (i == ARRAY_LEN(names))
        return broken(relp, "a command that was not offered");
    *ret_command = (enum relp_command)i;
    if (head->number == 0 || head->number > NUMBER_MAX)
        return broken(relp, "a number that no sender may use");
    if ((relp->state == RELP_NEW) != (*ret_command == RELP_COMMAND_OPEN))
        return broken(relp, relp->state == RELP_NEW ? "a command before the session was opened" : "opened twice");
    if (*ret_command != RELP_COMMAND_SYSLOG && head->length > RELP_OFFERS_MAX)
        return broken(relp, "an offer or a close that is too long");
    return RC_OK;
}

/* Lines "name=value"; the version must be there, and "syslog" among the commands. */
static bool offers_fit(struct str offers)
{
    bool version = false;
    bool syslog = false;
    while (offers.p) {
        struct str value = str_cut(&offers, '\n');
        struct str name = str_cut(&value, '=');
        version |= str_is(name, "relp_version");
        while (str_is(name, "commands") && value.p)
            syslog |= str_is(str_trim(str_cut(&value, ',')), "syslog");
    }
    return version && syslog;
}

static void state_to(struct relp *relp, enum relp_state state)
{
    ASSERT((relp->state == RELP_NEW && state == RELP_OPEN) || (relp->state == RELP_OPEN && state == RELP_CLOSED));
    relp->state = state;
}

enum rc relp_next(struct relp *relp, struct str *input, struct relp_frame *ret_frame)
{
    struct head head = {0};
    enum rc rc = tail_drop(relp, input);
    if (rc != RC_OK)
        return rc;
    if (relp->state == RELP_CLOSED)
        return input->n ? broken(relp, "bytes behind the close") : RC_AGAIN;
    rc = head_read(*input, &head);
    if (rc != RC_OK)
        return rc == RC_INVALID ? broken(relp, "a frame's header does not read") : rc;
    rc = command_of(relp, &head, &ret_frame->command);
    if (rc != RC_OK)
        return rc;
    size_t length = (size_t)head.length;
    size_t given = ret_frame->command == RELP_COMMAND_SYSLOG ? MIN(length, relp->frame_max) : length;
    if (input->n - head.size < given)
        return RC_AGAIN;
    ret_frame->number = (uint32_t)head.number;
    ret_frame->data = str_slice(*input, head.size, head.size + given);
    ret_frame->truncated = given < length;
    if (ret_frame->command == RELP_COMMAND_OPEN && !offers_fit(ret_frame->data))
        return broken(relp, "no version or no syslog among the offers");
    if (ret_frame->command != RELP_COMMAND_SYSLOG)
        state_to(relp, ret_frame->command == RELP_COMMAND_OPEN ? RELP_OPEN : RELP_CLOSED);
    *input = str_skip(*input, head.size + given);
    relp->skip = length - given;
    relp->trailer = true;
    return RC_OK;
}

void relp_answer(struct buf *out, enum relp_command command, uint32_t number)
{
    switch (command) {
    case RELP_COMMAND_OPEN:
        buf_format(out, "%u rsp %zu " OK_TEXT "\n" OFFERS "\n", number, sizeof(OK_TEXT "\n" OFFERS) - 1);
        break;
    case RELP_COMMAND_SYSLOG:
        buf_format(out, "%u rsp %zu " OK_TEXT "\n", number, sizeof OK_TEXT - 1);
        break;
    case RELP_COMMAND_CLOSE:
        buf_format(out, "%u rsp 0\n" CLOSE_NOTICE, number);
        break;
    }
}

void relp_refuse(struct buf *out, uint32_t number, const char *why)
{
    if (number)
        buf_format(out, "%u rsp %zu 500 %s\n", number, strlen(why) + 4, why);
    buf_text(out, CLOSE_NOTICE);
}
