/* The reaper's side, with a judge that lies, is late, ends, asks for what it may not have; and files that change while
 * they are judged. The files hold anything: nothing here decodes them. */
#include "role/judging.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/net.h"
#include "role/judge_io.h"
#include "role/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)

static struct {
    char path[64];
    int folders[JUDGING_FOLDERS];
    int pack;
    struct loop *loop;
    struct channel *reaper; /* its end of the channel to the judge */
    struct channel *judge;  /* the other end: this test */
    struct judging *judging;
    struct replace *replace;
    uint64_t now_ns;
    uint64_t asked; /* id of the last question */
    unsigned questions;
    uint64_t first; /* that it is about */
    unsigned verdicts;
    struct judging_verdict verdict;
    unsigned stuck;
    unsigned strays;
    unsigned opened;
    int error; /* of the last OPENED */
    int fd;
} stand;

static void on_reaper_message(void *context, struct channel *channel, struct msg *msg)
{
    (void)context;
    (void)channel;
    judging_message(stand.judging, msg);
}

static void on_judge_message(void *context, struct channel *channel, struct msg *msg)
{
    (void)context;
    (void)channel;
    struct reader in = reader_of(msg->body);
    uint32_t value = read_be32(&in);
    if (msg->type == MSG_JUDGE) {
        stand.asked = msg->id;
        stand.first = read_be64(&in);
        stand.questions++;
    }
    if (msg->type == MSG_OPENED) {
        stand.opened++;
        stand.error = (int)value;
        stand.fd = msg->fd_count ? msg->fds[0] : -1;
        msg->fd_count = 0;
    }
}

static void on_closed(void *context, struct channel *channel, const char *reason)
{
    (void)context;
    (void)reason;
    channel_free(channel);
    if (channel == stand.reaper)
        stand.reaper = NULL;
    else
        stand.judge = NULL;
}

static void on_verdict(void *context, const struct judging_question *question, const struct judging_verdict *verdict)
{
    (void)context;
    stand.verdicts++;
    stand.verdict = *verdict;
    if (question->kind == JUDGING_SAME && stand.replace)
        replace_judged(stand.replace, verdict);
}

static void on_stuck(void *context)
{
    (void)context;
    stand.stuck++;
}

static void on_stray(void *context)
{
    (void)context;
    stand.strays++;
}

static void judge_comes(void)
{
    int fds[2];
    CHECK_INT(net_pair(fds), 0);
    struct channel_options options = {.loop = stand.loop,
                                      .fd = fds[0],
                                      .self = ROLE_REAPER,
                                      .peer = ROLE_JUDGE,
                                      .message = on_reaper_message,
                                      .closed = on_closed};
    stand.reaper = channel_new(&options);
    options.fd = fds[1];
    options.self = ROLE_JUDGE;
    options.peer = ROLE_REAPER;
    options.message = on_judge_message;
    stand.judge = channel_new(&options);
    judging_up(stand.judging, stand.reaper);
}

static void judge_goes(void)
{
    channel_free(stand.reaper);
    channel_free(stand.judge);
    stand.reaper = stand.judge = NULL;
    judging_down(stand.judging);
}

static void made(void)
{
    static const char *const names[JUDGING_FOLDERS] = {"", "wal", "seg", "checkpoints"};
    memset(&stand, 0, sizeof stand);
    stand.now_ns = 1000 * SECOND;
    snprintf(stand.path, sizeof stand.path, "/tmp/qorgan-judging-XXXXXX");
    CHECK(mkdtemp(stand.path) != NULL);
    for (int i = 0; i < JUDGING_FOLDERS; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", stand.path, names[i]);
        CHECK(i == 0 || mkdir(path, 0700) == 0);
        stand.folders[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(stand.folders[i] >= 0);
    }
    CHECK_INT(mkdirat(stand.folders[JUDGING_ARCHIVE], "pack", 0700), 0);
    stand.pack = openat(stand.folders[JUDGING_ARCHIVE], "pack", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct judging_options judging = {.judged = on_verdict, .stuck = on_stuck};
    memcpy(judging.folders, stand.folders, sizeof judging.folders);
    stand.loop = loop_new();
    stand.judging = judging_new(&judging);
    const struct replace_options replace = {.archive = stand.folders[JUDGING_ARCHIVE],
                                            .staging = {stand.pack, stand.folders[JUDGING_SEGMENTS]},
                                            .judging = stand.judging,
                                            .stray = on_stray};
    stand.replace = replace_new(&replace);
    judge_comes();
}

static void removed(void)
{
    replace_free(stand.replace);
    judging_free(stand.judging);
    channel_free(stand.reaper);
    channel_free(stand.judge);
    loop_free(stand.loop);
    for (int i = 0; i < JUDGING_FOLDERS; i++)
        close(stand.folders[i]);
    close(stand.pack);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", stand.path, (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
}

static void put(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", stand.path, name);
    struct err err = {0};
    CHECK_INT(file_write_path(path, str_of(text), &err), RC_OK);
}

static void name_of(uint64_t first, const char *suffix, char ret_name[64])
{
    snprintf(ret_name, 64, "seg/%016llx%s", (unsigned long long)first, suffix);
}

static void put_segment(uint64_t first, const char *suffix, const char *text)
{
    char name[64];
    name_of(first, suffix, name);
    put(name, text);
}

static bool holds(uint64_t first, const char *suffix, const char *text)
{
    char name[64];
    char bytes[64];
    name_of(first, suffix, name);
    int fd = openat(stand.folders[JUDGING_ARCHIVE], name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0)
        close(fd);
    return n >= 0 && str_eq(str_at(bytes, (size_t)n), str_of(text));
}

static bool is_there(uint64_t first, const char *suffix)
{
    char name[64];
    name_of(first, suffix, name);
    return faccessat(stand.folders[JUDGING_ARCHIVE], name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void turn(void)
{
    for (int i = 0; i < 6; i++) {
        loop_wait(stand.loop, 0);
        judging_tick(stand.judging, stand.now_ns);
        replace_step(stand.replace, stand.now_ns);
    }
}

static void say(uint64_t id, uint32_t rc, const char *digest_of, const char *text)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash digest;
    struct buf body;
    tlog_hash_bytes(hasher, str_of(digest_of), &digest);
    buf_init(&body, 4096);
    buf_be32(&body, rc);
    buf_put(&body, digest.bytes, sizeof digest.bytes);
    buf_text(&body, text);
    CHECK(channel_send(stand.judge, MSG_JUDGED, id, buf_view(&body)));
    buf_done(&body);
}

/* ---- what the judge says ---- */

static void ask_decision(void)
{
    const struct judging_question question = {.kind = JUDGING_KEYS, .first = 7};
    CHECK_INT(judging_ask(stand.judging, &question, stand.now_ns), RC_OK);
    turn();
}

static void nonsense_is_a_no(void)
{
    static const struct {
        const char *body; /* behind the digest */
        uint32_t rc;
        size_t n; /* of the whole, cut */
        enum rc want;
    } rows[] = {
        {"", RC_OK, 0, RC_DENIED},
        {"", RC_OK, 3, RC_DENIED},
        {"", RC_OK, 4, RC_DENIED},
        {"", RC_OK, 35, RC_DENIED},
        {"", RC_OK, 36, RC_OK},
        {"well", RC_OK, 40, RC_DENIED},
        {"", RC_DENIED, 36, RC_DENIED},
        {"", RC_CORRUPT + 1, 36, RC_DENIED},
        {"why", RC_CORRUPT + 1, 39, RC_DENIED},
        {"why", RC_CORRUPT, 39, RC_CORRUPT},
        {"", UINT32_MAX, 36, RC_DENIED},
    };
    made();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[64] = {0};
        test_row("row %zu", i);
        ask_decision();
        CHECK(!judging_free_for(stand.judging, JUDGING_KEYS));
        put_be32(body, rows[i].rc);
        memcpy(body + 36, rows[i].body, strlen(rows[i].body));
        stand.verdicts = 0;
        CHECK(channel_send(stand.judge, MSG_JUDGED, stand.asked + 1, str_at(body, rows[i].n))); /* nobody asked that */
        turn();
        CHECK_INT(stand.verdicts, 0);
        CHECK(channel_send(stand.judge, MSG_JUDGED, stand.asked, str_at(body, rows[i].n)));
        turn();
        CHECK_INT(stand.verdicts, 1);
        CHECK_INT(stand.verdict.rc, rows[i].want);
        CHECK((rows[i].want == RC_OK) == (stand.verdict.text[0] == '\0'));
        CHECK(channel_send(stand.judge, MSG_JUDGED, stand.asked, str_at(body, rows[i].n))); /* nor that twice */
        turn();
        CHECK_INT(stand.verdicts, 1);
    }
    removed();
}

static void late_is_a_no(void)
{
    made();
    ask_decision();
    stand.now_ns += 600 * SECOND - 1;
    turn();
    CHECK_INT(stand.verdicts, 0);
    stand.now_ns++;
    turn();
    CHECK_INT(stand.verdicts, 1);
    CHECK_INT(stand.verdict.rc, RC_DENIED);
    CHECK_INT(stand.stuck, 1);
    say(stand.asked, RC_OK, "", ""); /* too late */
    turn();
    CHECK_INT(stand.verdicts, 1);
    removed();
}

static void the_end_is_a_no(void)
{
    made();
    ask_decision();
    judge_goes();
    CHECK_INT(stand.verdicts, 1);
    CHECK(stand.verdict.rc != RC_OK && stand.verdict.text[0]);
    CHECK(!judging_free_for(stand.judging, JUDGING_KEYS));
    judge_comes();
    CHECK(judging_free_for(stand.judging, JUDGING_KEYS));
    removed();
}

/* ---- what the judge asks for ---- */

static void ask_open(uint32_t folder, const char *name, size_t n)
{
    char body[128];
    put_be32(body, folder);
    memcpy(body + 4, name, n);
    stand.opened = 0;
    CHECK(channel_send(stand.judge, MSG_OPEN, 5, str_at(body, 4 + n)));
    turn();
    CHECK_INT(stand.opened, 1);
}

static void it_gets_what_is_of_the_archive(void)
{
    static const struct {
        uint32_t folder;
        const char *name;
        bool given;
    } rows[] = {
        {JUDGING_ARCHIVE, "instance", true},
        {JUDGING_ARCHIVE, "", true},
        {JUDGING_ARCHIVE, "other", false},
        {JUDGING_ARCHIVE, "seg", false},
        {JUDGING_ARCHIVE, "seg/x.seg", false},
        {JUDGING_SEGMENTS, "x.seg", true},
        {JUDGING_SEGMENTS, "", true},
        {JUDGING_SEGMENTS, ".", false},
        {JUDGING_SEGMENTS, "..", false},
        {JUDGING_SEGMENTS, "../instance", false},
        {JUDGING_SEGMENTS, "/etc/passwd", false},
        {JUDGING_SEGMENTS, "sub", false},
        {JUDGING_SEGMENTS, "link", false},
        {JUDGING_SEGMENTS, "pipe", false},
        {JUDGING_SEGMENTS, "absent", false},
        {JUDGING_LOG, "y.wal", true},
        {JUDGING_CHECKPOINTS, "latest", true},
        {JUDGING_FOLDERS, "", false},
        {UINT32_MAX, "x", false},
    };
    made();
    put("instance", "i");
    put("other", "o");
    put("seg/x.seg", "x");
    put("wal/y.wal", "y");
    put("checkpoints/latest", "l");
    int seg = stand.folders[JUDGING_SEGMENTS];
    CHECK(mkdirat(seg, "sub", 0700) == 0 && symlinkat("../other", seg, "link") == 0 &&
          mkfifoat(seg, "pipe", 0600) == 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%u \"%s\"", rows[i].folder, rows[i].name);
        ask_open(rows[i].folder, rows[i].name, strlen(rows[i].name));
        CHECK((stand.fd >= 0) == rows[i].given);
        CHECK((stand.error == 0) == rows[i].given);
        if (stand.fd >= 0) {
            CHECK_INT(fcntl(stand.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
            close(stand.fd);
        }
    }
    ask_open(JUDGING_SEGMENTS, "x.seg\0y", 7);
    CHECK(stand.fd < 0);
    char longest[100];
    memset(longest, 'a', sizeof longest);
    ask_open(JUDGING_SEGMENTS, longest, sizeof longest);
    CHECK(stand.fd < 0);
    removed();
}

static int from_folders(void *context, enum judging_folder folder, const char *name)
{
    (void)context;
    return openat(stand.folders[folder], name[0] ? name : ".", O_RDONLY | O_CLOEXEC);
}

static bool count_name(void *context, const char *name)
{
    unsigned *count = context;
    *count += strcmp(name, "x.seg") == 0;
    return true;
}

/* Reading goes through what was given; nothing can be changed. */
static void its_table_changes_nothing(void)
{
    made();
    put("instance", "i");
    put("seg/x.seg", "x");
    const struct judge_io_options options = {.ask = from_folders};
    struct judge_io *judge_io = judge_io_new(&options);
    const struct io *io = judge_io_table(judge_io);
    int archive = judge_io_archive(judge_io);
    int seg = io->open(io->self, archive, "seg", IO_READ | IO_FOLDER);
    CHECK(archive >= 0 && seg >= 0);
    CHECK_INT(io->open(io->self, archive, "other", IO_READ | IO_FOLDER), -EACCES);
    CHECK_INT(io->open(io->self, seg, "wal", IO_READ | IO_FOLDER), -EACCES);
    CHECK_INT(io->open(io->self, AT_FDCWD, "x.seg", IO_READ), -EACCES);
    CHECK_INT(io->open(io->self, seg, "x.seg", IO_READ | IO_WRITE), -EROFS);
    CHECK_INT(io->open(io->self, seg, "n", IO_READ | IO_CREATE), -EROFS);
    int fd = io->open(io->self, seg, "x.seg", IO_READ);
    char byte = 0;
    CHECK_INT(io->pread(io->self, fd, &byte, 1, 0), 1);
    CHECK_INT(byte, 'x');
    unsigned count = 0;
    CHECK_INT(io->list(io->self, seg, count_name, &count), 0);
    CHECK_INT(io->list(io->self, seg, count_name, &count), 0);
    CHECK_INT(count, 2);
    CHECK_INT(io->pwrite(io->self, fd, &byte, 1, 0), -EROFS);
    CHECK_INT(io->truncate(io->self, fd, 0), -EROFS);
    CHECK_INT(io->allocate(io->self, fd, 0, 1), -EROFS);
    CHECK_INT(io->sync(io->self, fd), -EROFS);
    CHECK_INT(io->read_only(io->self, fd), -EROFS);
    CHECK_INT(io->lock(io->self, seg), -EROFS);
    CHECK_INT(io->rename(io->self, seg, "x.seg", "z"), -EROFS);
    CHECK_INT(io->unlink(io->self, seg, "x.seg"), -EROFS);
    CHECK_INT(io->mkdir(io->self, seg, "d"), -EROFS);
    CHECK_INT(io->close(io->self, fd), 0);
    CHECK_INT(io->close(io->self, seg), 0);
    CHECK_INT(io->list(io->self, seg, count_name, &count), -EACCES); /* it is closed */
    CHECK_INT(io->close(io->self, archive), 0);
    judge_io_free(judge_io);
    removed();
}

/* ---- replacing ---- */

static void asked_about(uint64_t first)
{
    unsigned before = stand.questions;
    turn();
    CHECK_INT(stand.questions, before + 1);
    CHECK_INT(stand.first, first);
}

static void packed_takes_its_place(void)
{
    made();
    put_segment(0, ".seg", "hot");
    put_segment(0, ".cold", "cold");
    asked_about(0);
    CHECK(holds(0, ".seg", "hot"));
    say(stand.asked, RC_OK, "cold", "");
    turn();
    CHECK(holds(0, ".seg", "cold") && !is_there(0, ".cold"));
    put_segment(9, ".cold", "of none");
    stand.now_ns += 5 * SECOND;
    turn();
    CHECK_INT(stand.strays, 1);
    removed();
}

enum deed {
    DEED_NO,
    DEED_OTHER_DIGEST,
    DEED_END,
    DEED_LATE,
    DEED_EXCHANGED,
    DEED_EXCHANGED_SAME,
    DEED_CHANGED,
    DEED_CHANGED_AND_BACK,
    DEED_GREW,
    DEED_LINKED,
    DEED_GONE,
    DEED_SYMLINK,
    DEED_SEGMENT_EXCHANGED,
    DEED_TOMBSTONE,
    DEEDS
};

/* What somebody does while the judge reads. */
static void deed_do(enum deed deed)
{
    int seg = stand.folders[JUDGING_SEGMENTS];
    const char *cold = "0000000000000000.cold";
    if (deed == DEED_EXCHANGED || deed == DEED_EXCHANGED_SAME || deed == DEED_SYMLINK) {
        put("seg/planted", deed == DEED_EXCHANGED_SAME ? "cold" : "evil");
        CHECK(deed != DEED_SYMLINK || symlinkat("planted", seg, "link") == 0);
        CHECK_INT(renameat(seg, deed == DEED_SYMLINK ? "link" : "planted", seg, cold), 0);
    }
    if (deed == DEED_CHANGED || deed == DEED_CHANGED_AND_BACK)
        put_segment(0, ".cold", "evil");
    if (deed == DEED_CHANGED_AND_BACK)
        put_segment(0, ".cold", "cold");
    if (deed == DEED_GREW)
        put_segment(0, ".cold", "cold and evil");
    if (deed == DEED_LINKED)
        CHECK_INT(linkat(seg, cold, seg, "planted", 0), 0);
    if (deed == DEED_GONE)
        CHECK_INT(unlinkat(seg, cold, 0), 0);
    if (deed == DEED_SEGMENT_EXCHANGED) {
        put("seg/planted", "hot");
        CHECK_INT(renameat(seg, "planted", seg, "0000000000000000.seg"), 0);
    }
    if (deed == DEED_TOMBSTONE)
        put_segment(0, ".gone", "t");
}

static void only_what_was_judged(void)
{
    for (enum deed deed = 0; deed < DEEDS; deed++) {
        test_row("deed %d", (int)deed);
        made();
        put_segment(0, ".seg", "hot");
        put_segment(0, ".cold", "cold");
        asked_about(0);
        usleep(20000); /* the file system's clock is coarse */
        deed_do(deed);
        if (deed == DEED_END)
            judge_goes();
        else if (deed == DEED_LATE)
            stand.now_ns += HOUR;
        else if (deed == DEED_NO)
            say(stand.asked, RC_DENIED, "", "it differs");
        else
            say(stand.asked, RC_OK, deed == DEED_OTHER_DIGEST ? "other" : "cold", "");
        turn();
        CHECK(holds(0, ".seg", "hot"));
        CHECK_INT(stand.verdicts, 1);
        CHECK_INT(stand.stuck, deed == DEED_LATE);
        if (deed == DEED_END)
            judge_comes();
        unsigned questions = stand.questions;
        stand.now_ns += HOUR / 2;
        turn();
        CHECK_INT(stand.questions, questions); /* it is refused for an hour */
        removed();
    }
}

/* The judge reads the file that will be renamed, whatever stands under its name. */
static void it_reads_the_held_file(void)
{
    char byte = 0;
    made();
    put_segment(0, ".seg", "hot");
    put_segment(0, ".cold", "cold");
    asked_about(0);
    deed_do(DEED_EXCHANGED);
    ask_open(JUDGING_SEGMENTS, "0000000000000000.cold", 21);
    CHECK(stand.fd >= 0);
    CHECK_INT(pread(stand.fd, &byte, 1, 0), 1);
    CHECK_INT(byte, 'c');
    close(stand.fd);
    removed();
}

static void planted_names_are_refused(void)
{
    made();
    int seg = stand.folders[JUDGING_SEGMENTS];
    put("elsewhere", "evil");
    put("seg/hard", "evil");
    for (uint64_t first = 0; first < 5; first++)
        put_segment(first, ".seg", "hot");
    CHECK_INT(symlinkat("../elsewhere", seg, "0000000000000000.cold"), 0);
    CHECK_INT(linkat(seg, "hard", seg, "0000000000000001.cold", 0), 0);
    CHECK_INT(mkfifoat(seg, "0000000000000002.cold", 0600), 0);
    CHECK_INT(mkdirat(seg, "0000000000000003.cold", 0700), 0);
    put_segment(4, ".cold", "cold");
    turn();
    CHECK_INT(stand.questions, 1);
    CHECK_INT(stand.first, 4);
    removed();
}

/* Who has it open for writing could change it later, when nobody looks. */
static void not_while_somebody_writes(void)
{
    made();
    put_segment(0, ".seg", "hot");
    put_segment(0, ".cold", "cold");
    int fd = openat(stand.folders[JUDGING_SEGMENTS], "0000000000000000.cold", O_RDWR | O_CLOEXEC);
    int probe = openat(stand.folders[JUDGING_SEGMENTS], "0000000000000000.cold", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && probe >= 0);
    int result = io_unwritten(probe);
    if (result == -EOPNOTSUPP) {
        test_skip("this file system does not tell who writes a file");
    } else {
        CHECK_INT(result, -EBUSY);
        turn();
        CHECK_INT(stand.questions, 0);
        close(fd);
        CHECK_INT(io_unwritten(probe), 0);
        stand.now_ns += 30 * SECOND;
        asked_about(0);
    }
    close(probe);
    removed();
}

/* However many were refused, the next one is looked at. */
static void refused_ones_hold_up_nobody(void)
{
    made();
    for (uint64_t first = 0; first < 200; first++) {
        put_segment(first, ".seg", "hot");
        put_segment(first, ".cold", "cold");
    }
    for (uint64_t first = 0; first < 199; first++) {
        asked_about(first);
        say(stand.asked, RC_DENIED, "", "it differs");
    }
    asked_about(199);
    say(stand.asked, RC_OK, "cold", "");
    turn();
    CHECK(holds(199, ".seg", "cold"));
    CHECK(holds(0, ".seg", "hot"));
    stand.now_ns += HOUR;
    asked_about(0); /* a fault may have passed */
    removed();
}

static const struct test tests[] = {
    {"nonsense is a no", nonsense_is_a_no},
    {"late is a no", late_is_a_no},
    {"the end is a no", the_end_is_a_no},
    {"it gets what is of the archive", it_gets_what_is_of_the_archive},
    {"its table changes nothing", its_table_changes_nothing},
    {"packed takes its place", packed_takes_its_place},
    {"only what was judged", only_what_was_judged},
    {"it reads the held file", it_reads_the_held_file},
    {"planted names are refused", planted_names_are_refused},
    {"not while somebody writes", not_while_somebody_writes},
    {"refused ones hold up nobody", refused_ones_hold_up_nobody},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
