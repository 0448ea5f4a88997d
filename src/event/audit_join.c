#include "event/audit_join.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hash.h"
#include "codec/utf8.h"

#include <string.h>

struct str source_kind_constant(struct str kind)
{
    static const char *const kinds[] = {"udp",   "tcp",  "tls",   "file",    "journal", "import",
                                        "agent", "desk", "audit", "command", "relp",    "http",
                                        "beats", "gelf", "snmp",  "netflow", "wef"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(kind, kinds[i]))
            return str_of(kinds[i]);
    return STR_NONE;
}

bool audit_join_init(struct audit_join *join)
{
    *join = (struct audit_join){.pending = memory_new(AUDIT_PENDING_MAX * sizeof *join->pending)};
    return join->pending != NULL;
}

void audit_join_done(struct audit_join *join)
{
    while (join->count)
        audit_join_remove(join, (int)join->count - 1);
    memory_free(join->pending);
    join->pending = NULL;
}

bool audit_joins(struct str type)
{
    static const char *const types[] = {
        "SYSCALL",
        "EXECVE",
        "PATH",
        "CWD",
        "PROCTITLE",
        "SOCKADDR",
        "EOE",
        "IPC",
        "FD_PAIR",
        "OBJ_PID",
        "MMAP",
        "BPRM_FCAPS",
        "CAPSET",
        "SOCKETCALL",
        "MQ_OPEN",
        "MQ_NOTIFY",
        "MQ_SENDRECV",
        "MQ_GETSETATTR",
        "IPC_SET_PERM",
        "NETFILTER_CFG",
        "TTY",
        "KERN_MODULE",
        "OPENAT2",
        "URINGOP",
        "TIME_INJOFFSET",
        "TIME_ADJNTPVAL",
        "BPF",
        "AVC",
        "SELINUX_ERR",
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(type, types[i]))
            return true;
    return false;
}

static bool is_same(const struct audit_pending *pending, const struct event_source *source, const struct audit *audit,
                    uint64_t node)
{
    return pending->serial == audit->serial && pending->time_ns == audit->time_ns && pending->node == node &&
           memcmp(pending->source, source->id, sizeof pending->source) == 0;
}

static struct audit_pending *pending_new(struct audit_join *join, const struct event_source *source,
                                         const struct audit *audit, uint64_t node)
{
    ASSERT(join->count < AUDIT_PENDING_MAX);
    struct audit_pending *pending = &join->pending[join->count++];
    memset(pending, 0, sizeof *pending);
    memcpy(pending->source, source->id, sizeof pending->source);
    pending->node = node;
    pending->time_ns = audit->time_ns;
    pending->serial = audit->serial;
    buf_init(&pending->text, AUDIT_TEXT_MAX);
    pending->kind = source_kind_constant(source->kind);
    pending->name_n = MIN(source->name.n, sizeof pending->name);
    if (pending->name_n)
        memcpy(pending->name, source->name.p, pending->name_n);
    return pending;
}

void audit_join_add(struct audit_join *join, const struct event_source *source, const struct audit_piece *piece,
                    int *ret_ready)
{
    const struct audit *audit = piece->audit;
    uint64_t node = hash_text(0, audit->node);
    struct audit_pending *pending = NULL;
    *ret_ready = -1;
    for (uint32_t i = join->count; i-- > 0 && !pending;)
        if (is_same(&join->pending[i], source, audit, node))
            pending = &join->pending[i];
    bool ends = str_is(audit->type, "EOE") || str_is(audit->type, "PROCTITLE");
    if (!pending && ends)
        return; /* the event went already, or never had a piece */
    if (!pending)
        pending = pending_new(join, source, audit, node);
    pending->received_ns = piece->received_ns;
    if (!pending->host_n && piece->host.n) {
        pending->host_n = utf8_valid_prefix(str_slice(piece->host, 0, sizeof pending->host));
        memcpy(pending->host, piece->host.p, pending->host_n);
    }
    if (pending->record_count < EVENT_RECORDS_MAX && pending->text.n + piece->line.n < AUDIT_TEXT_MAX) {
        if (pending->text.n)
            buf_char(&pending->text, '\n');
        buf_str(&pending->text, piece->line);
        pending->record[pending->record_count++] = piece->record;
        if (!pending->has_syscall && str_is(audit->type, "SYSCALL")) {
            pending->has_syscall = true;
            pending->syscall = piece->record;
        }
    }
    if (ends)
        *ret_ready = (int)(pending - join->pending);
}

/* At least so much between the two; times come from input and may be extreme. */
static bool is_past(int64_t now_ns, int64_t then_ns, int64_t least_ns)
{
    int64_t age = 0;
    return __builtin_sub_overflow(now_ns, then_ns, &age) ? now_ns > then_ns : age >= least_ns;
}

int audit_join_due(const struct audit_join *join, const uint8_t source[16], int64_t event_ns, int64_t received_ns)
{
    for (uint32_t i = 0; i < join->count; i++) {
        const struct audit_pending *pending = &join->pending[i];
        bool over = is_past(event_ns, pending->time_ns, AUDIT_WAIT_NS) ||
                    is_past(received_ns, pending->received_ns, AUDIT_WAIT_NS);
        if (over && memcmp(pending->source, source, 16) == 0)
            return (int)i;
    }
    return -1;
}

int audit_join_stale(const struct audit_join *join, int64_t now_ns)
{
    for (uint32_t i = 0; i < join->count; i++)
        if (is_past(now_ns, join->pending[i].received_ns, AUDIT_STALE_NS))
            return (int)i;
    return -1;
}

void audit_join_remove(struct audit_join *join, int at)
{
    ASSERT(at >= 0 && (uint32_t)at < join->count);
    struct audit_pending *pending = &join->pending[at];
    buf_done(&pending->text);
    memmove(pending, pending + 1, (join->count - (uint32_t)at - 1) * sizeof *pending);
    join->count--;
}
