#include "os/sandbox.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in Debian 12's header; the kernel's own numbers (include/uapi/linux/landlock.h, ABI 2 to 4). */
#define ACCESS_REFER    (UINT64_C(1) << 13)
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define NET_BIND_TCP    (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                                       \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |                       \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | ACCESS_TRUNCATE)
#define FS_FILE_ONLY (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)

struct ruleset {
    uint64_t fs;
    uint64_t net;
};

static uint64_t fs_known(long abi)
{
    uint64_t known = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* ABI 1: bits 0 to 12 */
    known |= abi >= 2 ? ACCESS_REFER : 0;
    known |= abi >= 3 ? ACCESS_TRUNCATE : 0;
    return known;
}

enum rc sandbox_hold(struct sandbox_path *paths, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int fd = open(paths[i].path, O_PATH | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            return err_errno(err, errno, "could not open \"%s\" for the sandbox", paths[i].path);
        paths[i].held = fd + 1;
    }
    return RC_OK;
}

static enum rc path_allow(int ruleset, const struct sandbox_path *path, uint64_t known, struct err *err)
{
    int fd = path->held - 1;
    if (fd < 0)
        return RC_OK;
    uint64_t access = 0;
    access |= (path->access & SANDBOX_READ) ? FS_READ : 0;
    access |= (path->access & SANDBOX_WRITE) ? FS_WRITE : 0;
    access |= (path->access & SANDBOX_REMOVE) ? LANDLOCK_ACCESS_FS_REMOVE_FILE : 0;
    access |= (path->access & SANDBOX_RENAME) ? LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG : 0;
    access |= (path->access & SANDBOX_MOVE) ? ACCESS_REFER : 0;
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        access &= FS_FILE_ONLY;
    struct landlock_path_beneath_attr rule = {.allowed_access = access & known, .parent_fd = fd};
    long result =
        rule.allowed_access ? syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) : 0;
    int reason = errno;
    close(fd);
    return result == 0 ? RC_OK : err_errno(err, reason, "could not allow \"%s\" in the sandbox", path->path);
}

static enum rc landlock_enter(const struct sandbox *sandbox, struct buf *missing, struct err *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        buf_text(missing, "Landlock is not in this kernel: files are guarded by owners and seccomp only\n");
        return RC_OK;
    }
    bool net = abi >= 4 && !(sandbox->calls & SANDBOX_CONNECT);
    if (abi < 4)
        buf_text(missing, "this kernel's Landlock does not know TCP: connections are guarded by seccomp only\n");
    for (size_t i = 0; i < sandbox->path_count && abi < 2; i++)
        if (sandbox->paths[i].access & SANDBOX_MOVE) {
            buf_text(missing,
                     "this kernel's Landlock lets no file change its folder: packed segments stay where they are\n");
            break;
        }
    struct ruleset attributes = {.fs = fs_known(abi), .net = net ? NET_BIND_TCP | NET_CONNECT_TCP : 0};
    long ruleset =
        syscall(SYS_landlock_create_ruleset, &attributes, abi >= 4 ? sizeof attributes : sizeof attributes.fs, 0);
    if (ruleset < 0)
        return err_errno(err, errno, "could not create the sandbox");
    enum rc rc = RC_OK;
    for (size_t i = 0; i < sandbox->path_count && rc == RC_OK; i++)
        rc = path_allow((int)ruleset, &sandbox->paths[i], attributes.fs, err);
    if (rc == RC_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        rc = err_errno(err, errno, "could not enter the sandbox");
    close((int)ruleset);
    return rc;
}

static const int calls_always[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock), /* keys: os/cipher.h */
    SCMP_SYS(brk),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(adjtimex), /* to read: the clock is set by who has a capability for it */
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(time),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrandom),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(tgkill),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(membarrier),
    SCMP_SYS(fstatfs),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(prlimit64),
    SCMP_SYS(ioctl),
    SCMP_SYS(getcpu),
};

static const int calls_open[] = {
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(getdents64),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(getcwd),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(fadvise64),
};

static const int calls_change[] = {
    SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fsync),           SCMP_SYS(fdatasync),
    SCMP_SYS(mkdirat),   SCMP_SYS(mkdir),     SCMP_SYS(renameat),        SCMP_SYS(renameat2),
    SCMP_SYS(rename),    SCMP_SYS(fchmod),    SCMP_SYS(flock),           SCMP_SYS(memfd_create),
    SCMP_SYS(fchown),    SCMP_SYS(umask),     SCMP_SYS(sync_file_range), SCMP_SYS(utimensat),
};

static const int calls_list[] = {SCMP_SYS(getdents64)};
static const int calls_seal[] = {SCMP_SYS(memfd_create)};
static const int calls_clock[] = {SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime)};
static const int calls_copies[] = {SCMP_SYS(wait4)};
static const int calls_unlink[] = {SCMP_SYS(unlink), SCMP_SYS(unlinkat)};
static const int calls_accept[] = {SCMP_SYS(accept), SCMP_SYS(accept4)};
static const int calls_connect[] = {SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(socketpair)};
static const int calls_threads[] = {
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(prctl),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setscheduler),
};

struct call_group {
    unsigned flag; /* 0 = always */
    const int *calls;
    size_t count;
};

static const struct call_group groups[] = {
    {0, calls_always, ARRAY_LEN(calls_always)},
    {SANDBOX_OPEN, calls_open, ARRAY_LEN(calls_open)},
    {SANDBOX_CHANGE, calls_change, ARRAY_LEN(calls_change)},
    {SANDBOX_UNLINK, calls_unlink, ARRAY_LEN(calls_unlink)},
    {SANDBOX_ACCEPT, calls_accept, ARRAY_LEN(calls_accept)},
    {SANDBOX_CONNECT, calls_connect, ARRAY_LEN(calls_connect)},
    {SANDBOX_THREADS, calls_threads, ARRAY_LEN(calls_threads)},
    {SANDBOX_LIST, calls_list, ARRAY_LEN(calls_list)},
    {SANDBOX_SEAL, calls_seal, ARRAY_LEN(calls_seal)},
    {SANDBOX_CLOCK, calls_clock, ARRAY_LEN(calls_clock)},
    {SANDBOX_COPIES, calls_copies, ARRAY_LEN(calls_copies)},
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

/* What fork asks for and no more: no thread, no namespace. The copy may bind itself to its maker, and a signal, which
 * might go to any process of the same user, is refused: whoever waits for a copy waits for its own end. */
static int copies_allow(scmp_filter_ctx filter)
{
    const uint64_t fork_flags = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, UINT64_C(0xffffffff), fork_flags));
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 2,
                                  SCMP_A0(SCMP_CMP_EQ, (uint64_t)PR_SET_PDEATHSIG, 0),
                                  SCMP_A1(SCMP_CMP_EQ, (uint64_t)SIGKILL, 0));
    return result == 0 ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 0) : result;
}

static enum rc seccomp_enter(unsigned calls, struct buf *missing, struct err *err)
{
    if (UNDER_SANITIZER) {
        buf_text(missing, "seccomp is off in this build: a sanitizer needs calls of its own\n");
        return RC_OK;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return err_set(err, RC_LIMIT, "no memory for the system call filter");
    int result = 0;
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        if (groups[g].flag && !(calls & groups[g].flag))
            continue;
        for (size_t i = 0; i < groups[g].count && result == 0; i++) {
            result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, groups[g].calls[i], 0);
            result = result == -EEXIST ? 0 : result;
        }
    }
    /* libraries probe for what they may: a socket asked for where none is allowed is refused, not fatal */
    if (result == 0 && !(calls & SANDBOX_CONNECT))
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 0);
    if (result == 0 && !(calls & SANDBOX_OPEN))
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
    ASSERT(!(calls & SANDBOX_COPIES) || !(calls & SANDBOX_THREADS));
    if (result == 0 && (calls & SANDBOX_COPIES))
        result = copies_allow(filter);
    else if (result == 0 && !(calls & SANDBOX_THREADS))
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 0);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    if (result == -EINVAL || result == -ENOSYS || result == -ECANCELED) {
        buf_text(missing, "seccomp is not in this kernel: system calls are not limited\n");
        return RC_OK;
    }
    return result == 0 ? RC_OK : err_errno(err, -result, "could not limit system calls");
}

/* Lowers a limit; one that is lower already stays: whoever started us may not raise it. */
static enum rc limit_set(int what, uint64_t value, struct err *err)
{
    struct rlimit limit;
    if (value == 0)
        return RC_OK;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0)
        return err_errno(err, errno, "could not read a resource limit");
    limit.rlim_max = MIN(limit.rlim_max, value);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit((__rlimit_resource_t)what, &limit) != 0)
        return err_errno(err, errno, "could not set a resource limit");
    return RC_OK;
}

enum rc sandbox_enter(const struct sandbox *sandbox, struct buf *missing, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, errno, "could not give up new privileges");
    ASSERT(sandbox->path_count == 0 || sandbox->paths != NULL);
    enum rc rc = UNDER_SANITIZER ? RC_OK : limit_set(RLIMIT_AS, sandbox->memory_max, err);
    if (rc == RC_OK)
        rc = limit_set(RLIMIT_NOFILE, sandbox->files_max, err);
    if (rc == RC_OK)
        rc = limit_set(RLIMIT_CPU, sandbox->cpu_s_max, err);
    if (rc == RC_OK)
        rc = landlock_enter(sandbox, missing, err);
    return rc == RC_OK ? seccomp_enter(sandbox->calls, missing, err) : rc;
}
