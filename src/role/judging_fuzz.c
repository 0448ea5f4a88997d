/* What the judge says to the reaper, which has the right to remove: the first byte chooses the message and its id, the
 * rest is the body. Only what makes sense becomes a verdict, once, and only names of the archive are opened. */
#include "role/judging.h"

#include "base/assert.h"
#include "os/loop.h"
#include "os/net.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static unsigned verdicts;

static void on_verdict(void *context, const struct judging_question *question, const struct judging_verdict *verdict)
{
    (void)context;
    verdicts++;
    ASSERT(question->first == 7 && (verdict->rc == RC_OK) == (verdict->text[0] == '\0'));
    ASSERT(memchr(verdict->text, 0, sizeof verdict->text));
}

static void on_stuck(void *context)
{
    (void)context;
}

static void on_message(void *context, struct channel *channel, struct msg *msg)
{
    (void)context, (void)channel, (void)msg;
}

static void on_closed(void *context, struct channel *channel, const char *reason)
{
    (void)context, (void)channel, (void)reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int fds[2];
    struct loop *loop = loop_new();
    int folder = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!loop || folder < 0 || size == 0 || net_pair(fds) != 0) {
        loop_free(loop);
        close(folder);
        return 0;
    }
    const struct channel_options reaper = {.loop = loop,
                                           .fd = fds[0],
                                           .self = ROLE_REAPER,
                                           .peer = ROLE_JUDGE,
                                           .message = on_message,
                                           .closed = on_closed};
    const struct judging_options options = {
        .folders = {folder, folder, folder, folder}, .judged = on_verdict, .stuck = on_stuck};
    struct channel *channel = channel_new(&reaper);
    struct judging *judging = judging_new(&options);
    const struct judging_question question = {.kind = JUDGING_DELETE, .first = 7};
    const struct msg msg = {.type = bytes[0] & 1 ? MSG_JUDGED : MSG_OPEN,
                            .id = bytes[0] >> 1 & 3,
                            .body = str_at(bytes + 1, MIN(size - 1, (size_t)4096))};
    verdicts = 0;
    judging_up(judging, channel);
    ASSERT(judging_ask(judging, &question, 1) == RC_OK);
    judging_message(judging, &msg);
    ASSERT(verdicts == (msg.type == MSG_JUDGED && msg.id == 1));
    judging_down(judging);
    ASSERT(verdicts == 1);
    judging_free(judging);
    channel_free(channel);
    close(fds[1]);
    close(folder);
    loop_free(loop);
    return 0;
}
