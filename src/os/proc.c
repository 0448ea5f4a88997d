#include "os/proc.h"

#include "base/assert.h"
#include "os/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn static void child_begin(char *const argv[], int control)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        _exit(126);
    /* Above 3 first: `control` itself may be 3. */
    int copy = fcntl(control, F_DUPFD, PROC_CONTROL_FD + 1);
    if (copy < 0 || dup2(copy, PROC_CONTROL_FD) < 0)
        _exit(126);
    syscall(SYS_close_range, PROC_CONTROL_FD + 1, ~0u, 0);
    execv("/proc/self/exe", argv);
    _exit(127);
}

enum rc proc_spawn(char *const argv[], int control, pid_t *ret_pid, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return err_errno(err, errno, "could not start a process");
    if (pid == 0)
        child_begin(argv, control);
    *ret_pid = pid;
    return RC_OK;
}

static void copy_run(int (*work)(void *context, int out), void *context, const int ends[2], pid_t parent)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    close(ends[0]);
    IGNORE(sigaction(SIGINT, &ignore, NULL) != 0); /* without it the copy ends a moment earlier */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(126);
    _exit(work(context, ends[1]));
}

enum rc proc_copy(int (*work)(void *context, int out), void *context, pid_t *ret_pid, int *ret_from, struct err *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, errno, "could not make a pipe");
    IGNORE(fcntl(ends[0], F_SETPIPE_SZ, 1 << 20) < 0); /* more room, fewer waits */
    pid_t pid = fork();
    if (pid == 0)
        copy_run(work, context, ends, parent);
    int why = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_errno(err, why, "could not start a process");
    }
    *ret_pid = pid;
    *ret_from = ends[0];
    return RC_OK;
}

void proc_end(pid_t pid)
{
    int status = 0;
    IGNORE(kill(pid, SIGKILL) != 0); /* it may have ended by itself */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
}

enum rc proc_lead(struct err *err)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    IGNORE(sigaction(SIGTTOU, &ignore, NULL) != 0); /* a terminal may stop other groups that print */
    return setpgid(0, 0) == 0 ? RC_OK : err_errno(err, errno, "could not make a group of processes");
}

void proc_end_group(pid_t leader)
{
    siginfo_t ended = {0};
    while (waitid(P_PID, (id_t)leader, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    IGNORE(kill(-leader, SIGKILL) != 0); /* none may be left; the leader keeps the number until proc_wait */
}

static void why_put(int status, char *ret_why, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(ret_why, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(ret_why, size, "exit status %d", WEXITSTATUS(status));
}

int proc_wait(pid_t pid, char *ret_why, size_t size)
{
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
    }
    ASSERT(ended == pid);
    why_put(status, ret_why, size);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t proc_reap(char *ret_why, size_t size)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0)
        return 0;
    why_put(status, ret_why, size);
    return pid;
}

struct capabilities {
    uint32_t word[2];
};

static void capability_add(struct capabilities *set, unsigned capability)
{
    ASSERT(capability < 64);
    set->word[capability / 32] |= UINT32_C(1) << capability % 32;
}

static bool capabilities_set(const struct capabilities *set)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = set->word[0], .permitted = set->word[0]},
                                             {.effective = set->word[1], .permitted = set->word[1]}};
    return syscall(SYS_capset, &header, data) == 0;
}

static enum rc identity_take(const struct proc_identity *identity, struct err *err)
{
    struct capabilities keep = {0};
    if (identity->read_everything)
        capability_add(&keep, CAP_DAC_READ_SEARCH);
    if (identity->read_audit)
        capability_add(&keep, CAP_AUDIT_READ);
    gid_t groups[1] = {identity->extra_gid};
    if ((keep.word[0] || keep.word[1]) && prctl(PR_SET_KEEPCAPS, 1) != 0)
        return err_errno(err, errno, "could not keep a capability");
    if (setgroups(identity->extra_gid ? 1 : 0, groups) != 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) != 0)
        return err_errno(err, errno, "could not become user %u", identity->uid);
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
        IGNORE(prctl(PR_CAPBSET_DROP, capability)); /* refused once CAP_SETPCAP is gone: then nothing is left to drop */
    if (!capabilities_set(&keep))
        return err_errno(err, errno, "could not drop capabilities");
    if (setuid(0) == 0 || getuid() != identity->uid || getgid() != identity->gid)
        return err_set(err, RC_DENIED, "privileges came back after they were dropped");
    return RC_OK;
}

enum rc proc_close_memory(struct err *err)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return err_errno(err, errno, "could not close the process's memory to others");
    return RC_OK;
}

enum rc proc_drop(const struct proc_identity *identity, bool *ret_dropped, struct err *err)
{
    *ret_dropped = proc_is_root() && identity->uid != 0;
    enum rc rc = *ret_dropped ? identity_take(identity, err) : RC_OK;
    if (rc != RC_OK)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, errno, "could not give up new privileges");
    /* Cleared by the change of identity above. */
    if (!identity->outlives_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return err_errno(err, errno, "could not bind the process to its parent");
    return proc_close_memory(err);
}

int proc_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int proc_signal_next(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

#define IO_CLASS_BEST_EFFORT 2 /* linux/ioprio.h, which glibc has not */
#define IO_CLASS_SHIFT       13
#define IO_WHO_PROCESS       1
#define IO_LAST              7
#define BACKGROUND_NICE      15 /* more than that of the others */

bool proc_background(void)
{
    errno = 0;
    IGNORE(nice(BACKGROUND_NICE) == -1); /* may be where it comes to: errno tells */
    bool given = errno == 0;
    return syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, (IO_CLASS_BEST_EFFORT << IO_CLASS_SHIFT) | IO_LAST) == 0 && given;
}

void proc_set_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}

bool proc_is_root(void)
{
    return geteuid() == 0;
}

enum rc proc_user_find(const char *name, uint32_t *ret_uid, uint32_t *ret_gid, struct err *err)
{
    const struct passwd *user = getpwnam(name);
    if (!user)
        return err_set(err, RC_NOT_FOUND, "there is no user \"%s\"", name);
    *ret_uid = user->pw_uid;
    *ret_gid = user->pw_gid;
    return RC_OK;
}

enum rc proc_chown(const char *path, uint32_t uid, uint32_t gid, struct err *err)
{
    if (lchown(path, uid, gid) != 0)
        return err_errno(err, errno, "could not give \"%s\" to user %u", path, uid);
    return RC_OK;
}

struct owning {
    int folder;
    uint32_t uid;
    uint32_t gid;
    int trouble;
};

static bool file_own(void *context, const char *name)
{
    struct owning *owning = context;
    if (fchownat(owning->folder, name, owning->uid, owning->gid, AT_SYMLINK_NOFOLLOW) != 0)
        owning->trouble = errno;
    return owning->trouble == 0;
}

enum rc proc_chown_files(int folder, uint32_t uid, uint32_t gid, struct err *err)
{
    struct owning owning = {.folder = folder, .uid = uid, .gid = gid};
    int result = io_kernel.list(NULL, folder, file_own, &owning);
    if (result < 0 || owning.trouble)
        return err_errno(err, result < 0 ? -result : owning.trouble, "could not give the files to user %u", uid);
    return RC_OK;
}

enum rc proc_enter_folder(int folder, struct err *err)
{
    return fchdir(folder) == 0 ? RC_OK : err_errno(err, errno, "could not enter a folder");
}

int proc_memory_fd(const char *name, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) != 0) {
        int reason = errno;
        close(fd);
        return -reason;
    }
    return fd;
}

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int write_whole(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return -errno;
        bytes = str_skip(bytes, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

enum rc proc_seal(const char *name, struct str bytes, int *ret_fd, struct err *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_errno(err, errno, "no memory to share for %s", name);
    int result = write_whole(fd, bytes);
    if (result == 0 && fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        result = -errno;
    if (result < 0) {
        close(fd);
        return err_errno(err, -result, "memory to share for %s could not be filled", name);
    }
    *ret_fd = fd;
    return RC_OK;
}

enum rc proc_sealed_map(int fd, size_t max, struct str *ret_bytes, struct err *err)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 || st.st_size <= 0)
        return err_set(err, RC_INVALID, "shared memory that is not sealed");
    if ((uint64_t)st.st_size > max)
        return err_set(err, RC_LIMIT, "shared memory of %lld bytes is larger than %zu", (long long)st.st_size, max);
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(err, errno, "shared memory could not be read");
    *ret_bytes = str_at(p, (size_t)st.st_size);
    return RC_OK;
}

void proc_unmap(struct str bytes)
{
    if (bytes.p)
        munmap((void *)(uintptr_t)bytes.p, bytes.n);
}

void *proc_map(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

uint64_t proc_disk_free(int folder)
{
    struct statvfs st;
    return fstatvfs(folder, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
}

unsigned proc_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
