#include "agent/follow.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_NS      UINT64_C(2000000000)
#define LINGER_NS    UINT64_C(10000000000) /* a renamed file may still be written to */
#define READ_SIZE    ((size_t)256 << 10)
#define PROBE_SIZE   4096
#define READS_A_STEP 8
#define DEPTH_MAX    4
#define STATE_MAX    ((size_t)8 << 20)
#define STATE_NAME   "followed"
#define RETRY_NS     UINT64_C(1000000000) /* after the state file could not be written */
#define FOLDERS_MAX  64

enum follow_state {
    FOLLOW_NEW,      /* its first line is not whole yet */
    FOLLOW_ASKED,    /* the archive was asked how far it has the file */
    FOLLOW_COUNTING, /* passing over lines that the archive has */
    FOLLOW_READING,
    FOLLOW_DONE, /* to be closed */
};

struct followed {
    enum follow_state state;
    char path[FOLLOW_PATH_MAX];
    int fd;
    uint64_t device;
    uint64_t inode;
    uint64_t epoch; /* 0 = not known yet */
    uint64_t head_hash;
    uint64_t question;
    uint64_t high;     /* lines up to this number are in the archive */
    uint64_t line;     /* number of the last line passed or given */
    int64_t offset;    /* behind that line */
    bool renamed;      /* no longer at its path */
    uint64_t quiet_ns; /* since when a renamed file has not grown */
    bool cutting;      /* inside a line past the limit, whose beginning was given */
    bool unsaved;      /* its epoch is not on the disk: nothing of it may leave */
};

struct follower {
    struct follow_options options;
    char storage[4096]; /* the paths, ended by NUL */
    char roots[4096];   /* where a look at each begins */
    const char *path[FOLDERS_MAX];
    char *root[FOLDERS_MAX + 1]; /* ends with NULL */
    size_t path_count;
    struct followed *files;
    size_t count;
    uint64_t next_question;
    uint64_t next_epoch;
    uint64_t scanned_ns;
    uint64_t now_ns;
    char *bytes; /* FOLLOW_LINE_MAX + READ_SIZE */
    struct arena *state_arena;
    struct str state;   /* as it was read at the start: consulted for files found */
    size_t next_file;   /* whose turn it is */
    uint64_t failed_ns; /* when the state file could last not be written; 0: it could */
};

static uint64_t hash_of(struct str bytes)
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e2066), UINT64_C(0x6f6c6c6f77206b65)};
    return siphash(key, bytes.p, bytes.n);
}

/* ---- paths ---- */

static bool is_pattern(struct str part)
{
    return str_find(part, '*') < part.n || str_find(part, '?') < part.n || str_find(part, '[') < part.n;
}

struct str follow_root(struct str path)
{
    size_t end = 0;
    for (size_t at = 0; at < path.n; at = end + 1) {
        end = at + str_find(str_skip(path, at), '/');
        if (is_pattern(str_slice(path, at, end)))
            return str_slice(path, 0, MAX(at, (size_t)1) - (at > 1));
    }
    return path;
}

static enum rc paths_take(struct follower *follower, struct str paths, struct err *err)
{
    struct buf names;
    struct buf roots;
    buf_init_fixed(&names, follower->storage, sizeof follower->storage);
    buf_init_fixed(&roots, follower->roots, sizeof follower->roots);
    while (paths.p) {
        struct str one = str_cut(&paths, ' ');
        if (one.n == 0)
            continue;
        if (follower->path_count == FOLDERS_MAX)
            return err_set(err, RC_LIMIT, "more than %d files and folders to follow", FOLDERS_MAX);
        follower->path[follower->path_count] = follower->storage + names.n;
        follower->root[follower->path_count++] = follower->roots + roots.n;
        buf_str(&names, one);
        buf_char(&names, '\0');
        buf_str(&roots, follow_root(one));
        buf_char(&roots, '\0');
    }
    return !names.overflow && !roots.overflow
               ? RC_OK
               : err_set(err, RC_LIMIT, "the list of files to follow is longer than %zu bytes",
                         sizeof follower->storage - 1);
}

/* The path is the pattern's, or below a folder that is; of a folder also: something below it may be. */
static bool pattern_holds(const char *pattern, const char *path, bool folder)
{
    char head[FOLLOW_PATH_MAX];
    size_t parts = 0;
    size_t n = 0;
    if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD | FNM_LEADING_DIR) == 0)
        return true;
    for (const char *p = path; folder && *p; p++)
        parts += *p == '/';
    while (folder && pattern[n] && n < sizeof head && (pattern[n] != '/' || parts-- > 0))
        n++;
    return folder && n < sizeof head && str_copy_z(str_at(pattern, n), head, sizeof head) &&
           fnmatch(head, path, FNM_PATHNAME | FNM_PERIOD) == 0;
}

/* One of the paths, or below one of them. */
static bool is_named(const struct follower *follower, const char *path, bool folder)
{
    for (size_t i = 0; i < follower->path_count; i++) {
        struct str one = str_trim_end(str_of(follower->path[i]), '/');
        struct str text = str_of(path);
        bool below = str_starts(text, one) && (text.n == one.n || text.p[one.n] == '/');
        if (below || (is_pattern(one) && pattern_holds(follower->path[i], path, folder)))
            return true;
    }
    return false;
}

/* ---- life ---- */

struct follower *follower_new(const struct follow_options *options, struct err *err)
{
    struct follower *follower = memory_new(sizeof *follower);
    if (!follower) {
        IGNORE(err_set(err, RC_LIMIT, "no memory")); /* NULL says it */
        return NULL;
    }
    follower->options = *options;
    follower->files = memory_new(FOLLOW_FILES_MAX * sizeof *follower->files);
    follower->bytes = memory_new(FOLLOW_LINE_MAX + READ_SIZE);
    follower->state_arena = arena_new(STATE_MAX + 65536);
    follower->next_epoch = options->seed | 1;
    enum rc rc = RC_OK;
    if (!follower->files || !follower->bytes || !follower->state_arena)
        rc = err_set(err, RC_LIMIT, "no memory to follow files");
    else
        rc = paths_take(follower, options->paths, err);
    if (rc == RC_OK)
        rc = file_load(&io_kernel, options->state_folder, STATE_NAME, STATE_MAX, follower->state_arena,
                       &follower->state, err);
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return follower;
    follower_free(follower);
    return NULL;
}

void follower_free(struct follower *follower)
{
    if (!follower)
        return;
    for (size_t i = 0; i < follower->count; i++)
        close(follower->files[i].fd);
    memory_free(follower->files);
    memory_free(follower->bytes);
    arena_free(follower->state_arena);
    memory_free(follower);
}

size_t follower_count(const struct follower *follower)
{
    return follower->count;
}

/* ---- state ---- */

static uint64_t next_number(struct str *line)
{
    uint64_t value = 0;
    return str_to_u64(str_cut(line, ' '), &value) ? value : 0;
}

/* What the state file said of this inode with this first line. */
static bool state_find(const struct follower *follower, struct followed *file)
{
    struct str rest = follower->state;
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        uint64_t device = next_number(&line);
        uint64_t inode = next_number(&line);
        uint64_t epoch = next_number(&line);
        uint64_t head = next_number(&line);
        uint64_t number = next_number(&line);
        uint64_t offset = next_number(&line);
        if (device != file->device || inode != file->inode || head != file->head_hash || epoch == 0)
            continue;
        file->epoch = epoch;
        file->line = number;
        file->offset = (int64_t)offset;
        return true;
    }
    return false;
}

enum rc follower_save(struct follower *follower, struct err *err)
{
    struct buf out;
    buf_init(&out, STATE_MAX);
    for (size_t i = 0; i < follower->count; i++) {
        const struct followed *file = &follower->files[i];
        if (file->epoch)
            buf_format(&out, "%llu %llu %llu %llu %llu %lld %s\n", (unsigned long long)file->device,
                       (unsigned long long)file->inode, (unsigned long long)file->epoch,
                       (unsigned long long)file->head_hash, (unsigned long long)file->line, (long long)file->offset,
                       file->path);
    }
    enum rc rc = out.overflow
                     ? err_set(err, RC_LIMIT, "too many files to remember")
                     : file_replace(&io_kernel, follower->options.state_folder, STATE_NAME, buf_view(&out), err);
    buf_done(&out);
    return rc;
}

static void epoch_begin(struct follower *follower, struct followed *file)
{
    file->epoch = hash_of(str_at(&follower->next_epoch, sizeof follower->next_epoch)) | 1;
    follower->next_epoch += 2;
    file->line = 0;
    file->offset = 0;
    file->cutting = false;
    file->unsaved = true;
}

/* On disk before its first line leaves, so that a restart does not begin it anew under another epoch and give each line
 * twice. While the state file cannot be written, on a full disk, the file keeps its lines: it is the buffer. */
static bool epoch_save(struct follower *follower, struct followed *file)
{
    struct err err = {0};
    if (follower->failed_ns && follower->now_ns - follower->failed_ns < RETRY_NS)
        return false;
    bool saved = follower_save(follower, &err) == RC_OK;
    follower->failed_ns = saved ? 0 : follower->now_ns;
    file->unsaved = !saved;
    return saved;
}

/* ---- questions ---- */

static void ask(struct follower *follower, struct followed *file)
{
    file->state = FOLLOW_ASKED;
    file->question = ++follower->next_question;
    follower->options.sink.ask(follower->options.sink.context, file->question, str_of(file->path), file->epoch);
}

void follower_ask_again(struct follower *follower)
{
    for (size_t i = 0; i < follower->count; i++)
        if (follower->files[i].state == FOLLOW_ASKED)
            ask(follower, &follower->files[i]);
}

void follower_high(struct follower *follower, uint64_t question, uint64_t sequence)
{
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *file = &follower->files[i];
        if (file->state != FOLLOW_ASKED || file->question != question)
            continue;
        file->high = sequence;
        /* The position remembered is a hint: past what the archive has it would leave lines out. */
        if (file->line > sequence) {
            file->line = 0;
            file->offset = 0;
        }
        file->state = file->line < sequence ? FOLLOW_COUNTING : FOLLOW_READING;
        return;
    }
}

/* ---- reading ---- */

static void head_read(struct follower *follower, struct followed *file)
{
    char head[PROBE_SIZE];
    if (file->unsaved) {
        if (epoch_save(follower, file))
            ask(follower, file);
        return;
    }
    ssize_t got = pread(file->fd, head, sizeof head, 0);
    if (got <= 0)
        return;
    struct str bytes = str_at(head, (size_t)got);
    if (str_find(bytes, '\0') < MIN(bytes.n, (size_t)512)) {
        file->state = FOLLOW_DONE;
        return;
    }
    size_t end = str_find(bytes, '\n');
    if (end == bytes.n && bytes.n < sizeof head)
        return; /* the first line is not whole: its hash would change */
    file->head_hash = hash_of(str_slice(bytes, 0, MIN(end, (size_t)1024)));
    if (!state_find(follower, file))
        epoch_begin(follower, file);
    if (!file->unsaved || epoch_save(follower, file))
        ask(follower, file);
}

static void shrank(struct follower *follower, struct followed *file)
{
    file->head_hash = 0;
    file->epoch = 0;
    file->line = 0;
    file->offset = 0;
    file->high = 0;
    file->state = FOLLOW_NEW;
    file->unsaved = false;
    /* What was said of this inode is over. */
    follower->state = STR_NONE;
}

/* Gives the lines of `bytes`, which begin at file->offset; returns how many bytes were used. */
static size_t lines_give(struct follower *follower, struct followed *file, struct str bytes, bool last)
{
    const struct follow_sink *sink = &follower->options.sink;
    size_t used = 0;
    while (used < bytes.n) {
        struct str rest = str_skip(bytes, used);
        size_t end = str_find(rest, '\n');
        bool whole = end < rest.n;
        bool long_line = end >= FOLLOW_LINE_MAX;
        if (!whole && !long_line && !last)
            break;
        end = MIN(end, FOLLOW_LINE_MAX);
        struct str line = str_trim_end(str_slice(rest, 0, end), '\r');
        if (file->cutting) {
            sink->gap(sink->context, str_of(file->path), file->epoch, end, "a line was longer than 1 MiB and was cut");
        } else {
            /* An empty line has a number too, but is no record. */
            if (file->state == FOLLOW_READING && line.n &&
                !sink->line(sink->context, str_of(file->path), file->epoch, file->line + 1, line))
                break;
            file->line++;
        }
        whole = end < rest.n && rest.p[end] == '\n';
        file->cutting = !whole && long_line;
        used += end + (whole ? 1 : 0);
        if (file->state == FOLLOW_COUNTING && file->line == file->high && !file->cutting)
            file->state = FOLLOW_READING;
    }
    return used;
}

/* True when more may be there. */
static bool file_read(struct follower *follower, struct followed *file)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0)
        return false;
    if (st.st_size < file->offset) {
        shrank(follower, file);
        return true;
    }
    bool last = file->renamed && follower->now_ns - file->quiet_ns > LINGER_NS;
    ssize_t got = pread(file->fd, follower->bytes, FOLLOW_LINE_MAX + READ_SIZE, file->offset);
    if (got < 0)
        return false;
    size_t used = lines_give(follower, file, str_at(follower->bytes, (size_t)got), last);
    file->offset += (int64_t)used;
    if (used)
        file->quiet_ns = follower->now_ns;
    else if (last)
        file->state = FOLLOW_DONE;
    /* Fewer lines than the archive has: it was truncated while nobody watched. */
    if (file->state == FOLLOW_COUNTING && used == 0)
        shrank(follower, file);
    return used > 0;
}

/* ---- finding ---- */

static bool name_followed(struct str name)
{
    static const char *const passed[] = {".gz", ".xz",  ".bz2", ".zst",    ".old",    ".bak",    ".journal",
                                         "~",   "wtmp", "btmp", "lastlog", "faillog", "tallylog"};
    for (size_t i = 0; i < ARRAY_LEN(passed); i++)
        if (str_ends(name, str_of(passed[i])))
            return false;
    /* "syslog.1", "audit.log.2", "messages-20261120": rotated away. */
    size_t digits = 0;
    while (digits < name.n && char_is_digit(name.p[name.n - 1 - digits]))
        digits++;
    return digits == 0 || digits == name.n || (name.p[name.n - 1 - digits] != '.' && digits < 8);
}

static struct followed *file_known(struct follower *follower, uint64_t device, uint64_t inode)
{
    for (size_t i = 0; i < follower->count; i++)
        if (follower->files[i].inode == inode && follower->files[i].device == device)
            return &follower->files[i];
    return NULL;
}

static void file_found(struct follower *follower, const char *path, const struct stat *st, bool rotated)
{
    struct followed *known = file_known(follower, st->st_dev, st->st_ino);
    if (known) {
        known->renamed = strcmp(known->path, path) != 0;
        return;
    }
    if (follower->count == FOLLOW_FILES_MAX || strlen(path) >= FOLLOW_PATH_MAX)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    struct followed *file = &follower->files[follower->count++];
    *file = (struct followed){
        .fd = fd, .device = st->st_dev, .inode = st->st_ino, .renamed = rotated, .quiet_ns = follower->now_ns};
    snprintf(file->path, sizeof file->path, "%s", path);
}

/* A file that the state file knows by another name was rotated while nobody watched: its rest is read under the old. */
static const char *old_path(const struct follower *follower, const struct stat *st, char storage[FOLLOW_PATH_MAX])
{
    struct str rest = follower->state;
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        if (next_number(&line) != st->st_dev || next_number(&line) != st->st_ino)
            continue;
        for (int i = 0; i < 4; i++)
            IGNORE(next_number(&line) == 0); /* epoch, head, line, offset */
        return str_copy_z(line, storage, FOLLOW_PATH_MAX) ? storage : NULL;
    }
    return NULL;
}

static void entry_look(struct follower *follower, const FTSENT *entry)
{
    const struct stat *st = entry->fts_statp;
    char storage[FOLLOW_PATH_MAX];
    if (name_followed(str_at(entry->fts_name, entry->fts_namelen)) && is_named(follower, entry->fts_path, false)) {
        file_found(follower, entry->fts_path, st, false);
        return;
    }
    struct followed *known = file_known(follower, st->st_dev, st->st_ino);
    if (known) {
        known->renamed = true;
        return;
    }
    const char *path = old_path(follower, st, storage);
    if (!path)
        return;
    size_t before = follower->count;
    file_found(follower, entry->fts_path, st, true);
    if (follower->count > before)
        snprintf(follower->files[before].path, FOLLOW_PATH_MAX, "%s", path);
}

/* Not looked into: what lies too deep, the journal's files, what no path leads to. */
static bool is_skipped(const struct follower *follower, const FTSENT *entry)
{
    bool journal = str_is(str_at(entry->fts_name, entry->fts_namelen), "journal");
    return entry->fts_level > DEPTH_MAX || journal || !is_named(follower, entry->fts_path, true);
}

static void scan(struct follower *follower)
{
    FTS *walk = follower->path_count ? fts_open(follower->root, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    if (!walk)
        return;
    /* What is not met again is no longer at its path. */
    for (size_t i = 0; i < follower->count; i++)
        follower->files[i].renamed = true;
    FTSENT *entry;
    while ((entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_D && is_skipped(follower, entry))
            fts_set(walk, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F)
            entry_look(follower, entry);
    }
    fts_close(walk);
}

static void forget_done(struct follower *follower)
{
    for (size_t i = follower->count; i-- > 0;) {
        struct followed *file = &follower->files[i];
        bool gone = file->renamed && file->state == FOLLOW_NEW && !file->unsaved &&
                    follower->now_ns - file->quiet_ns > LINGER_NS;
        /* A binary file that is still at its path stays known, so that it is not looked into again and again. */
        if (gone || (file->state == FOLLOW_DONE && file->renamed)) {
            close(file->fd);
            follower->files[i] = follower->files[--follower->count];
        }
    }
}

bool follower_step(struct follower *follower, uint64_t now_boot_ns)
{
    follower->now_ns = now_boot_ns;
    if (follower->scanned_ns == 0 || now_boot_ns - follower->scanned_ns >= SCAN_NS) {
        follower->scanned_ns = now_boot_ns;
        scan(follower);
        forget_done(follower);
    }
    bool more = false;
    unsigned reads = 0;
    for (size_t i = 0; i < follower->count && reads < READS_A_STEP; i++) {
        struct followed *file = &follower->files[follower->next_file++ % follower->count];
        if (!follower->options.sink.room(follower->options.sink.context))
            return true;
        if (file->state == FOLLOW_NEW)
            head_read(follower, file);
        if (file->state != FOLLOW_READING && file->state != FOLLOW_COUNTING)
            continue;
        bool grew = file_read(follower, file);
        more |= grew;
        reads += grew;
    }
    return more;
}
