#include "os/machine.h"

#include "base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define PIECE         ((size_t)8 << 10) /* the kernel makes netlink answers of a page or two */
#define UEVENT_GROUP  1u                /* what the kernel says; group 2 is udev's */
#define UEVENT_BYTES  4096u
#define UEVENTS_ONCE  256u
#define ANSWERS_MAX   64u
#define ANSWER_WAIT_S 1

static int file_open(int root, const char *path, int flags)
{
    ASSERT(path[0] != '/');
    return openat(root, path[0] ? path : ".", flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* A pipe or a device in the place of a file is none. */
static int plain_open(int root, const char *path)
{
    struct stat stat;
    int fd = file_open(root, path, 0);
    if (fd >= 0 && (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

int machine_open(int root, const char *path)
{
    return plain_open(root, path);
}

bool machine_read_at(int fd, uint64_t offset, void *bytes, size_t n)
{
    char *out = bytes;
    if (offset > INT64_MAX - n)
        return false;
    while (n) {
        ssize_t got = pread(fd, out, n, (off_t)offset);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        size_t more = got > 0 ? (size_t)got : 0;
        out += more;
        offset += more;
        n -= more;
    }
    return true;
}

bool machine_stream(int root, const char *path, bool (*each)(void *context, struct str piece), void *context)
{
    char bytes[PIECE];
    ssize_t got;
    bool more = true;
    int fd = plain_open(root, path);
    if (fd < 0)
        return false;
    do {
        do
            got = read(fd, bytes, sizeof bytes);
        while (got < 0 && errno == EINTR);
        more = got > 0 && each(context, str_at(bytes, (size_t)got));
    } while (more);
    close(fd);
    return got == 0;
}

struct reading {
    struct buf *out;
    size_t left;
    bool cut;
};

static bool piece_take(void *context, struct str piece)
{
    struct reading *reading = context;
    size_t n = MIN(piece.n, reading->left);
    buf_put(reading->out, piece.p, n);
    reading->left -= n;
    reading->cut = reading->cut || n < piece.n || reading->out->overflow;
    return !reading->cut;
}

bool machine_read(int root, const char *path, size_t most, struct buf *out, bool *ret_cut)
{
    struct reading reading = {.out = out, .left = most};
    bool read = machine_stream(root, path, piece_take, &reading);
    if (ret_cut)
        *ret_cut = reading.cut;
    return read || reading.cut;
}

bool machine_link(int root, const char *path, char ret_target[1024])
{
    ASSERT(path[0] != '/');
    ssize_t n = readlinkat(root, path, ret_target, 1024);
    ret_target[n > 0 && n < 1024 ? n : 0] = '\0';
    return n > 0 && n < 1024;
}

bool machine_list(int root, const char *path, bool (*each)(void *context, const char *name), void *context)
{
    const struct dirent *entry;
    bool more = true;
    int fd = file_open(root, path, O_DIRECTORY);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (more && (entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            more = each(context, entry->d_name);
    closedir(folder);
    return more;
}

bool machine_exists(int root, const char *path)
{
    struct stat stat;
    ASSERT(path[0] != '/');
    return fstatat(root, path, &stat, AT_SYMLINK_NOFOLLOW) == 0;
}

struct machine_stamp machine_stamp(int root, const char *path)
{
    struct stat stat;
    ASSERT(path[0] != '/');
    if (fstatat(root, path, &stat, 0) != 0)
        return (struct machine_stamp){0};
    return (struct machine_stamp){.number = stat.st_ino,
                                  .size = stat.st_size,
                                  .changed_ns = stat.st_ctim.tv_sec * INT64_C(1000000000) + stat.st_ctim.tv_nsec};
}

bool machine_space(int root, const char *path, struct machine_space *ret_space)
{
    struct statvfs space;
    bool held = false;
    if (str_search(str_of(path), STR("..")) < strlen(path))
        return false;
    int fd = openat(root, path[0] ? path : ".", O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    if (fd >= 0) {
        held = fstatvfs(fd, &space) == 0;
        close(fd);
    }
    if (held)
        *ret_space = (struct machine_space){.bytes = (uint64_t)space.f_blocks * space.f_frsize,
                                            .free = (uint64_t)space.f_bavail * space.f_frsize};
    return held;
}

bool machine_clock_synchronised(void)
{
    struct timex state = {.modes = 0}; /* asks, sets nothing */
    int word = adjtimex(&state);
    return word >= 0 && word != TIME_ERROR && !(state.status & STA_UNSYNC);
}

/* ---- netlink ---- */

static int netlink_open(int protocol, uint32_t groups)
{
    const struct sockaddr_nl at = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int machine_uevents_open(void)
{
    return netlink_open(NETLINK_KOBJECT_UEVENT, UEVENT_GROUP);
}

bool machine_uevents_came(int fd)
{
    char bytes[UEVENT_BYTES];
    bool came = false;
    for (unsigned i = 0; i < UEVENTS_ONCE; i++) {
        struct sockaddr_nl from = {0};
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return came || errno == ENOBUFS;
        came = came || from.nl_pid == 0; /* another process may write to the group: only the kernel is heard */
    }
    return came;
}

/* One datagram of the answer; true: the end has come. */
static bool answer_take(int fd, struct buf *out, bool *failed)
{
    char bytes[PIECE];
    struct sockaddr_nl from = {0};
    socklen_t size = sizeof from;
    struct nlmsghdr header;
    ssize_t got;
    do
        got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
    while (got < 0 && errno == EINTR);
    *failed = got < (ssize_t)sizeof header;
    if (*failed)
        return true;
    if (from.nl_pid != 0)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
        *failed = header.nlmsg_type == NLMSG_ERROR;
        return true;
    }
    buf_put(out, bytes, (size_t)got);
    return out->overflow;
}

bool machine_addresses(struct buf *out)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg body;
    } ask = {.header = {.nlmsg_len = sizeof ask,
                        .nlmsg_type = RTM_GETADDR,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                        .nlmsg_seq = 1},
             .body = {.ifa_family = AF_UNSPEC}};
    const struct timeval wait = {.tv_sec = ANSWER_WAIT_S}; /* the kernel answers at once, or does not */
    bool failed = false;
    int fd = netlink_open(NETLINK_ROUTE, 0);
    if (fd < 0)
        return false;
    int flags = fcntl(fd, F_GETFL);
    failed = flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
             setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
             send(fd, &ask, sizeof ask, 0) != (ssize_t)sizeof ask;
    for (unsigned i = 0; i < ANSWERS_MAX && !failed; i++)
        if (answer_take(fd, out, &failed))
            break;
    close(fd);
    return !failed && !out->overflow;
}
