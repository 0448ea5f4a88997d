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

    const struct join_rule *join; /* NULL: each line is a record */
    size_t held;                  /* bytes behind `offset` of a record that may go on */
    uint32_t held_lines;
    struct buf copy;  /* of them, or of their beginning when there is no room for more */
    int64_t size;     /* of the file when it was last read */
    uint64_t grew_ns; /* when that changed */
    uint64_t forced;  /* a record ends with this line because nothing more came for a time; 0: none yet */
    uint64_t mark;    /* of the sink, when that record was given */
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
    uint64_t failed_ns; /* when the state file could last not be written; 0: it could */
    char *state;        /* as it was read at the start: consulted for files found */
    size_t state_size;
    size_t next_file; /* whose turn it is */
    struct join_rules *join;
    size_t copies; /* bytes of all copies */
    bool forced;   /* an end stands in no state file yet */
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

/* It is the path, or below it. */
static bool path_holds(const char *named, const char *path, bool folder)
{
    struct str one = str_trim_end(str_of(named), '/');
    struct str text = str_of(path);
    bool below = str_starts(text, one) && (text.n == one.n || text.p[one.n] == '/');
    return below || (is_pattern(one) && pattern_holds(named, path, folder));
}

static bool is_named(const struct follower *follower, const char *path, bool folder)
{
    for (size_t i = 0; i < follower->path_count; i++)
        if (path_holds(follower->path[i], path, folder))
            return true;
    return false;
}

static const struct join_rule *join_of(const struct follower *follower, const char *path)
{
    for (size_t i = 0; i < follower->join->count; i++)
        if (path_holds(follower->join->rule[i].path, path, false))
            return &follower->join->rule[i];
    return NULL;
}

/* ---- life ---- */

static void held_drop(struct follower *follower, struct followed *file)
{
    follower->copies -= file->copy.n;
    buf_done(&file->copy);
    buf_init(&file->copy, FOLLOW_LINE_MAX);
    file->held = 0;
    file->held_lines = 0;
}

static void file_close(struct follower *follower, struct followed *file)
{
    held_drop(follower, file);
    close(file->fd);
}

static enum rc state_load(struct follower *follower, struct err *err)
{
    struct str text = STR_NONE;
    enum rc rc =
        file_load(&io_kernel, follower->options.state_folder, STATE_NAME, STATE_MAX, follower->state_arena, &text, err);
    if (rc != RC_OK || text.n == 0)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    follower->state = arena_alloc_raw(follower->state_arena, text.n);
    if (!follower->state)
        return err_set(err, RC_LIMIT, "no memory to follow files");
    memcpy(follower->state, text.p, text.n);
    follower->state_size = text.n;
    return RC_OK;
}

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
    follower->state_arena = arena_new(2 * STATE_MAX + 65536);
    follower->join = memory_new(sizeof *follower->join);
    follower->next_epoch = options->seed | 1;
    enum rc rc = RC_OK;
    if (!follower->files || !follower->bytes || !follower->state_arena || !follower->join)
        rc = err_set(err, RC_LIMIT, "no memory to follow files");
    else
        rc = paths_take(follower, options->paths, err);
    if (rc == RC_OK)
        rc = join_rules_parse(options->join, follower->join, err);
    if (rc == RC_OK)
        rc = state_load(follower, err);
    if (rc == RC_OK)
        return follower;
    follower_free(follower);
    return NULL;
}

void follower_free(struct follower *follower)
{
    if (!follower)
        return;
    for (size_t i = 0; i < follower->count; i++)
        file_close(follower, &follower->files[i]);
    memory_free(follower->files);
    memory_free(follower->bytes);
    memory_free(follower->join);
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
    struct str rest = str_at(follower->state, follower->state_size);
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
        file->forced = next_number(&line); /* the path, when there is none */
        return true;
    }
    return false;
}

/* What was said of this inode is over: met again, it would be taken for what it was at the start. */
static void state_forget(struct follower *follower, const struct followed *file)
{
    struct str rest = str_at(follower->state, follower->state_size);
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        size_t at = (size_t)(line.p - follower->state);
        if (next_number(&line) != file->device || next_number(&line) != file->inode)
            continue;
        for (; char_is_digit(follower->state[at]); at++)
            follower->state[at] = '0'; /* no file's device */
    }
}

enum rc follower_save(struct follower *follower, struct err *err)
{
    struct buf out;
    buf_init(&out, STATE_MAX);
    for (size_t i = 0; i < follower->count; i++) {
        const struct followed *file = &follower->files[i];
        if (!file->epoch)
            continue;
        buf_format(&out, "%llu %llu %llu %llu %llu %lld ", (unsigned long long)file->device,
                   (unsigned long long)file->inode, (unsigned long long)file->epoch,
                   (unsigned long long)file->head_hash, (unsigned long long)file->line, (long long)file->offset);
        if (file->forced)
            buf_format(&out, "%llu ", (unsigned long long)file->forced);
        buf_format(&out, "%s\n", file->path);
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
    file->forced = 0;
    file->unsaved = true;
}

/* The state file, now or, after it could not be written, in a while. */
static bool state_save(struct follower *follower)
{
    struct err err = {0};
    if (follower->failed_ns && follower->now_ns - follower->failed_ns < RETRY_NS)
        return false;
    bool saved = follower_save(follower, &err) == RC_OK;
    follower->failed_ns = saved ? 0 : follower->now_ns;
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
    file->join = join_of(follower, file->path);
    if (state_find(follower, file))
        ask(follower, file);
    else
        epoch_begin(follower, file);
}

/* Those that the state file knows first, all of them: it is written anew with the first new epoch, and a rotated file
 * that were not in it then would not be found after a crash. So this does not wait for room either.
 *
 * An epoch is on disk before its first line leaves, so that a restart does not begin it anew under another and give
 * each line twice. While the state file cannot be written, on a full disk, the file keeps its lines: it is the buffer.
 */
static void heads_read(struct follower *follower)
{
    bool unsaved = false;
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *file = &follower->files[i];
        if (file->state == FOLLOW_NEW && !file->unsaved)
            head_read(follower, file);
        unsaved |= file->unsaved;
    }
    if (!unsaved || !state_save(follower))
        return;
    for (size_t i = 0; i < follower->count; i++) {
        struct followed *file = &follower->files[i];
        if (!file->unsaved)
            continue;
        file->unsaved = false;
        ask(follower, file);
    }
}

static void shrank(struct follower *follower, struct followed *file)
{
    held_drop(follower, file);
    file->size = 0;
    file->forced = 0;
    file->head_hash = 0;
    file->epoch = 0;
    file->line = 0;
    file->offset = 0;
    file->high = 0;
    file->state = FOLLOW_NEW;
    file->unsaved = false;
    state_forget(follower, file);
}

/* Gives or passes over the line that `bytes` begin with; returns how many bytes were used, 0 when it is not whole. */
static size_t line_give(struct follower *follower, struct followed *file, struct str bytes, bool last)
{
    const struct follow_sink *sink = &follower->options.sink;
    size_t end = str_find(bytes, '\n');
    bool whole = end < bytes.n;
    bool long_line = end >= FOLLOW_LINE_MAX;
    if (!whole && !long_line && !last)
        return 0;
    end = MIN(end, FOLLOW_LINE_MAX);
    struct str line = str_trim_end(str_slice(bytes, 0, end), '\r');
    if (file->cutting) {
        sink->gap(sink->context, str_of(file->path), file->epoch, end, "a line was longer than 1 MiB and was cut");
    } else {
        /* An empty line has a number too, but is no record. */
        if (file->state == FOLLOW_READING && line.n &&
            !sink->line(sink->context, str_of(file->path), file->epoch, file->line + 1, line, false))
            return 0;
        file->line++;
    }
    whole = end < bytes.n && bytes.p[end] == '\n';
    file->cutting = !whole && long_line;
    if (file->state == FOLLOW_COUNTING && file->line == file->high && !file->cutting)
        file->state = FOLLOW_READING;
    return end + (whole ? 1 : 0);
}

/* ---- joined lines ---- */

struct piece {
    size_t bytes;
    uint32_t lines;
    bool whole; /* nothing that comes can belong to it */
    bool cut;
    bool is_long; /* a line past the limit of lines: it stands alone */
};

/* The record that `bytes` begin with, as far as it is there. */
static struct piece piece_find(const struct followed *file, struct str bytes, bool last)
{
    const struct join_rule *rule = file->join;
    struct piece piece = {.bytes = file->held, .lines = file->held_lines};
    ASSERT(file->held <= bytes.n);
    for (;;) {
        struct str rest = str_skip(bytes, piece.bytes);
        size_t end = str_find(rest, '\n');
        bool line_whole = end < rest.n;
        piece.is_long = end >= FOLLOW_LINE_MAX && piece.lines == 0;
        bool there = rest.n > 0 && (line_whole || end >= FOLLOW_LINE_MAX || last);
        piece.whole = piece.is_long || (piece.lines > 0 && file->line + piece.lines == file->forced) ||
                      (piece.lines > 0 && there && join_begins(rule, str_slice(rest, 0, end)));
        /* More than a limit holds; half a line that is too much already will not become less. */
        piece.cut = !piece.whole && piece.lines > 0 && rest.n > 0 &&
                    (piece.bytes + end > rule->bytes || (there && piece.lines >= rule->lines));
        piece.whole |= piece.cut;
        if (piece.whole || !there)
            return piece;
        piece.bytes += end + (line_whole ? 1 : 0);
        piece.lines++;
    }
}

static bool piece_give(struct follower *follower, struct followed *file, struct str text, const struct piece *piece)
{
    const struct follow_sink *sink = &follower->options.sink;
    if (str_ends(text, STR("\n")))
        text = str_slice(text, 0, text.n - 1);
    text = str_trim_end(text, '\r');
    bool empty = true;
    for (size_t i = 0; i < text.n && empty; i++)
        empty = text.p[i] == '\n' || text.p[i] == '\r';
    if (!empty &&
        !sink->line(sink->context, str_of(file->path), file->epoch, file->line + piece->lines, text, piece->cut))
        return false;
    file->line += piece->lines;
    if (file->line == file->forced)
        file->mark = sink->mark(sink->context);
    held_drop(follower, file);
    return true;
}

static void piece_hold(struct follower *follower, struct followed *file, struct str bytes, const struct piece *piece)
{
    struct str more = str_slice(bytes, file->copy.n, piece->bytes);
    if (file->copy.n == file->held && more.n <= FOLLOW_COPIES_MAX - follower->copies) {
        buf_str(&file->copy, more);
        follower->copies += more.n;
    }
    file->held = piece->bytes;
    file->held_lines = piece->lines;
}

/* Ends what is held here, unless the end before this one could still be read again by who knows of this one only. */
static void piece_force(struct follower *follower, struct followed *file)
{
    const struct follow_sink *sink = &follower->options.sink;
    if (file->forced > file->high && file->line >= file->forced && !sink->kept(sink->context, file->mark))
        return;
    file->forced = file->line + file->held_lines;
    follower->forced = true; /* given when it stands in the state file */
}

static bool wait_is_over(const struct follower *follower, const struct followed *file, bool last)
{
    return file->held_lines > 0 && file->line + file->held_lines != file->forced &&
           (last || follower->now_ns - file->grew_ns >= file->join->wait_ns);
}

static size_t piece_next(struct follower *follower, struct followed *file, struct str bytes, bool last)
{
    if (file->cutting)
        return line_give(follower, file, bytes, last);
    struct piece piece = piece_find(file, bytes, last);
    if (piece.is_long)
        return line_give(follower, file, bytes, last);
    if (piece.whole && !(follower->forced && file->line + piece.lines == file->forced))
        return piece_give(follower, file, str_slice(bytes, 0, piece.bytes), &piece) ? piece.bytes : 0;
    piece_hold(follower, file, bytes, &piece);
    if (wait_is_over(follower, file, last))
        piece_force(follower, file);
    return 0;
}

/* Gives the records of `bytes`, which begin at file->offset; returns how many bytes were used. */
static size_t lines_give(struct follower *follower, struct followed *file, struct str bytes, bool last)
{
    size_t used = 0;
    size_t n = 1;
    while (used < bytes.n && n > 0) {
        struct str rest = str_skip(bytes, used);
        bool joined = file->join && file->state == FOLLOW_READING;
        n = joined ? piece_next(follower, file, rest, last) : line_give(follower, file, rest, last);
        used += n;
    }
    return used;
}

/* What was held when the file was truncated. False: it is not taken yet. */
static bool held_save(struct follower *follower, struct followed *file)
{
    const struct follow_sink *sink = &follower->options.sink;
    const struct piece piece = {.bytes = file->held, .lines = file->held_lines};
    if (file->held == 0)
        return true;
    if (file->copy.n == file->held)
        return piece_give(follower, file, buf_view(&file->copy), &piece);
    sink->gap(sink->context, str_of(file->path), file->epoch, file->held,
              "a file was truncated while its last record was waited for");
    return true;
}

/* What is held and waited for need not be read again. */
static bool nothing_new(const struct follower *follower, const struct followed *file, bool last)
{
    return file->held > 0 && file->offset + (int64_t)file->held == file->size && file->state == FOLLOW_READING &&
           file->line + file->held_lines != file->forced && !wait_is_over(follower, file, last);
}

/* True when more may be there. */
static bool file_read(struct follower *follower, struct followed *file)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0)
        return false;
    if (st.st_size < file->offset + (int64_t)file->held) {
        if (!held_save(follower, file))
            return false;
        shrank(follower, file);
        return true;
    }
    if (st.st_size != file->size) {
        file->size = st.st_size;
        file->grew_ns = file->quiet_ns = follower->now_ns;
        if (file->renamed) /* its last line may have been taken for whole: it is looked at anew */
            held_drop(follower, file);
    }
    bool last = file->renamed && follower->now_ns - file->quiet_ns > LINGER_NS;
    if (nothing_new(follower, file, last))
        return false;
    ssize_t got = pread(file->fd, follower->bytes, FOLLOW_LINE_MAX + READ_SIZE, file->offset);
    if (got < (ssize_t)file->held)
        return false; /* truncated just now: seen the next time */
    size_t used = lines_give(follower, file, str_at(follower->bytes, (size_t)got), last);
    file->offset += (int64_t)used;
    if (used)
        file->quiet_ns = follower->now_ns;
    else if (last && file->offset >= file->size)
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
    buf_init(&file->copy, FOLLOW_LINE_MAX);
    snprintf(file->path, sizeof file->path, "%s", path);
}

/* A file that the state file knows by another name was rotated while nobody watched: its rest is read under the old. */
static const char *old_path(const struct follower *follower, const struct stat *st, char storage[FOLLOW_PATH_MAX])
{
    struct str rest = str_at(follower->state, follower->state_size);
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        if (next_number(&line) != st->st_dev || next_number(&line) != st->st_ino)
            continue;
        for (int i = 0; i < 4; i++)
            IGNORE(next_number(&line) == 0); /* epoch, head, line, offset */
        if (line.n && char_is_digit(line.p[0]))
            IGNORE(next_number(&line) == 0); /* forced */
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
            state_forget(follower, file);
            file_close(follower, file);
            follower->files[i] = follower->files[--follower->count];
        }
    }
}

/* The ends of records that were waited for, before the records leave. */
static void forced_save(struct follower *follower)
{
    if (follower->forced && state_save(follower))
        follower->forced = false;
}

bool follower_step(struct follower *follower, uint64_t now_boot_ns)
{
    follower->now_ns = now_boot_ns;
    forced_save(follower);
    if (follower->scanned_ns == 0 || now_boot_ns - follower->scanned_ns >= SCAN_NS) {
        follower->scanned_ns = now_boot_ns;
        scan(follower);
        forget_done(follower);
    }
    heads_read(follower);
    bool more = false;
    unsigned reads = 0;
    for (size_t i = 0; i < follower->count && reads < READS_A_STEP; i++) {
        struct followed *file = &follower->files[follower->next_file++ % follower->count];
        if (!follower->options.sink.room(follower->options.sink.context))
            return true;
        if (file->state != FOLLOW_READING && file->state != FOLLOW_COUNTING)
            continue;
        bool grew = file_read(follower, file);
        more |= grew;
        reads += grew;
    }
    return more;
}
