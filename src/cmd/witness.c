/* witness.c - `qorgan witness`: remembers for each log the newest checkpoint and cosigns the next only when it is
 * proven to continue it. Belongs on a machine that the log's administrators cannot enter. `--show` prints what it has
 * seen.
 *
 * DATA/witness.key and .pub (made on first start), tls.crt and tls.key with --tls (put your own there), lock, and
 * logs/, one file a log (role/witness.h). */
#include "role/witness.h"

#include "base/bytes.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "os/tls.h"
#include "role/log.h"
#include "tlog/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX ((size_t)16000)

struct setting {
    struct options options;
    struct arena *arena;
    int data;
    int logs_folder;
    struct signing_key *key;
    struct note_key logs[WITNESS_LOGS_MAX];
    size_t log_count;
    struct str certificate;
    struct str tls_key;
};

/* ---- the keys of the logs ---- */

static enum rc log_add(struct setting *s, struct str vkey, struct err *err)
{
    if (s->log_count == WITNESS_LOGS_MAX)
        return err_set(err, RC_LIMIT, "more than %d keys of logs", WITNESS_LOGS_MAX);
    struct note_key *key = &s->logs[s->log_count];
    enum rc rc = note_key_parse(vkey, key, err);
    if (rc == RC_OK && key->type != NOTE_ED25519)
        rc = err_set(err, RC_INVALID, "\"%s\" is not the key of a log", key->name);
    s->log_count += rc == RC_OK;
    return rc;
}

/* Lines "<vkey>" or, as in a policy, "log <vkey> [url]"; other lines of a policy are passed over. */
static enum rc logs_read(struct setting *s, const char *path, struct err *err)
{
    struct str rest;
    enum rc rc = file_load_path(path, POLICY_SIZE_MAX, s->arena, &rest, err);
    for (unsigned number = 1; rc == RC_OK && rest.n > 0; number++) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        bool policy =
            str_starts(line, STR("witness ")) || str_starts(line, STR("group ")) || str_starts(line, STR("quorum "));
        if (line.n == 0 || line.p[0] == '#' || policy)
            continue;
        struct str word = str_cut(&line, ' ');
        if (str_is(word, "log")) {
            line = str_trim(line);
            word = str_cut(&line, ' ');
        }
        rc = log_add(s, word, err);
        if (rc != RC_OK)
            IGNORE(err_wrap(err, "\"%s\" line %u", path, number)); /* the code stays rc */
    }
    return rc;
}

static enum rc logs_take(struct setting *s, struct err *err)
{
    const char *path = options_text(&s->options, "logs");
    enum rc rc = path ? logs_read(s, path, err) : RC_OK;
    for (size_t i = 0; rc == RC_OK; i++) {
        const char *vkey = options_list(&s->options, "log", i);
        if (!vkey)
            break;
        rc = log_add(s, str_of(vkey), err);
    }
    if (rc == RC_OK && s->log_count == 0)
        rc = err_set(err, RC_INVALID, "no log is known: give --log VKEY or --logs FILE");
    return rc;
}

/* ---- the folder ---- */

static enum rc key_make(struct setting *s, struct err *err)
{
    struct buf text CLEANUP(buf_done);
    buf_init(&text, KEY_FILE_MAX);
    const char *name = options_text(&s->options, "name");
    if (!name)
        return err_set(err, RC_INVALID, "on its first start a witness needs --name NAME, which becomes its key's name");
    enum rc rc = signing_key_generate(str_of(name), NOTE_COSIGNATURE, &s->key, err);
    if (rc != RC_OK)
        return rc;
    signing_key_write(s->key, &text);
    buf_char(&text, '\n');
    rc = file_replace(&io_kernel, s->data, "witness.key", buf_view(&text), err);
    key_cleanse(text.p, text.n);
    buf_clear(&text);
    note_key_write(signing_key_public(s->key), &text);
    buf_char(&text, '\n');
    return rc == RC_OK ? file_replace(&io_kernel, s->data, "witness.pub", buf_view(&text), err) : rc;
}

static enum rc key_take(struct setting *s, struct err *err)
{
    struct str text;
    enum rc rc = file_load(&io_kernel, s->data, "witness.key", KEY_FILE_MAX, s->arena, &text, err);
    if (rc == RC_NOT_FOUND) {
        /* What was cosigned with a lost key is never continued with another as if nothing had happened. */
        rc = file_load(&io_kernel, s->data, "witness.pub", KEY_FILE_MAX, s->arena, &text, err);
        if (rc == RC_OK)
            return err_set(err, RC_CORRUPT,
                           "witness.key is gone, but witness.pub is there: put the key back from its "
                           "copy, or begin with an empty folder");
        return rc == RC_NOT_FOUND ? key_make(s, err) : rc;
    }
    if (rc == RC_OK)
        rc = signing_key_parse(text, &s->key, err);
    if (rc == RC_OK && signing_key_public(s->key)->type != NOTE_COSIGNATURE)
        rc = err_set(err, RC_INVALID, "witness.key is not the key of a witness");
    return rc;
}

static enum rc certificate_take(struct setting *s, struct err *err)
{
    char host[256] = "localhost";
    struct buf certificate CLEANUP(buf_done);
    struct buf key CLEANUP(buf_done);
    buf_init(&certificate, KEY_FILE_MAX);
    buf_init(&key, KEY_FILE_MAX);
    enum rc rc = file_load(&io_kernel, s->data, "tls.crt", KEY_FILE_MAX, s->arena, &s->certificate, err);
    if (rc == RC_NOT_FOUND) {
        if (gethostname(host, sizeof host - 1) != 0 || !host[0])
            snprintf(host, sizeof host, "localhost");
        host[63] = '\0'; /* the common name's limit, X.520 */
        rc = tls_certificate_make(host, &certificate, &key, err);
        rc = rc == RC_OK ? file_replace(&io_kernel, s->data, "tls.key", buf_view(&key), err) : rc;
        rc = rc == RC_OK ? file_replace(&io_kernel, s->data, "tls.crt", buf_view(&certificate), err) : rc;
        key_cleanse(key.p, key.n);
        rc = rc == RC_OK ? file_load(&io_kernel, s->data, "tls.crt", KEY_FILE_MAX, s->arena, &s->certificate, err) : rc;
    }
    return rc == RC_OK ? file_load(&io_kernel, s->data, "tls.key", KEY_FILE_MAX, s->arena, &s->tls_key, err) : rc;
}

static enum rc folder_take(struct setting *s, bool make, struct err *err)
{
    const char *path = options_text(&s->options, "data");
    if (make && mkdir(path, 0711) != 0 && errno != EEXIST)
        return err_errno(err, errno, "could not create the folder \"%s\"", path);
    s->data = io_open_folder(path);
    if (s->data < 0)
        return err_errno(err, -s->data, "could not open the folder \"%s\"", path);
    if (!make)
        return folder_open(&io_kernel, s->data, "logs", false, &s->logs_folder, err);
    int lock = io_kernel.open(NULL, s->data, "lock", IO_READ | IO_WRITE | IO_CREATE); /* held until the end */
    int result = lock < 0 ? lock : io_kernel.lock(NULL, lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "another witness runs on the folder \"%s\"; stop it first", path);
    if (result < 0)
        return err_errno(err, -result, "could not lock the folder \"%s\"", path);
    return folder_open(&io_kernel, s->data, "logs", true, &s->logs_folder, err);
}

/* ---- giving up rights ---- */

/* The memories belong to the user who writes them; keys stay root's and are read before. */
static enum rc rights_drop(const struct setting *s, struct err *err)
{
    char path[4096];
    struct buf missing CLEANUP(buf_done);
    uint32_t id = (uint32_t)options_number(&s->options, "uid");
    struct proc_identity identity = {.uid = id, .gid = id, .outlives_parent = true};
    struct sandbox_path paths[] = {{.path = path, .access = SANDBOX_READ | SANDBOX_WRITE}};
    struct sandbox sandbox = {
        .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_ACCEPT, .paths = paths, .path_count = 1, .files_max = 512};
    bool dropped = false;
    buf_init(&missing, 4096);
    snprintf(path, sizeof path, "%s/logs", options_text(&s->options, "data"));
    enum rc rc = RC_OK;
    if (proc_is_root() && id) {
        rc = proc_chown(path, id, id, err);
        rc = rc == RC_OK ? proc_chown_files(s->logs_folder, id, id, err) : rc;
    }
    rc = rc == RC_OK ? sandbox_hold(paths, 1, err) : rc;
    rc = rc == RC_OK ? proc_drop(&identity, &dropped, err) : rc;
    rc = rc == RC_OK ? sandbox_enter(&sandbox, &missing, err) : rc;
    if (rc == RC_OK && !dropped)
        log_info("not started by root: runs as the user who started it");
    for (struct str rest = buf_view(&missing); rest.n > 0;) {
        struct str line = str_cut(&rest, '\n');
        log_warning("missing: %.*s", STR_ARG(line));
    }
    return rc;
}

/* ---- serving ---- */

struct running {
    struct witness *witness;
    int signals;
    bool stop;
};

static void on_request(void *context, unsigned events)
{
    const struct running *running = context;
    (void)events;
    witness_run(running->witness);
}

static void on_signal(void *context, unsigned events)
{
    struct running *running = context;
    (void)events;
    int number = proc_signal_next(running->signals);
    running->stop = running->stop || number == SIGTERM || number == SIGINT || number == SIGHUP;
}

static void greet(const struct setting *s, uint16_t port)
{
    struct buf vkey CLEANUP(buf_done);
    buf_init(&vkey, 4096);
    note_key_write(signing_key_public(s->key), &vkey);
    printf("Qorgan witness runs.\nkey   %s\nat    %s://%s:%u\nlogs  %zu\n", buf_z(&vkey),
           s->certificate.n ? "https" : "http", options_text(&s->options, "listen"), port, s->log_count);
    if (s->certificate.n) {
        struct err err = {0};
        buf_clear(&vkey);
        if (tls_fingerprint(s->certificate, &vkey, &err) == RC_OK)
            printf("tls   %s\n", buf_z(&vkey));
    }
    IGNORE(fflush(stdout) != 0); /* nobody may be looking */
}

static enum rc loop_run(struct running *running, struct err *err)
{
    struct loop *loop = loop_new();
    struct loop_watch *requests =
        loop ? loop_add(loop, witness_fd(running->witness), LOOP_READ, on_request, running) : NULL;
    struct loop_watch *signals = loop ? loop_add(loop, running->signals, LOOP_READ, on_signal, running) : NULL;
    enum rc rc = requests && signals ? RC_OK : err_set(err, RC_IO, "the listening socket could not be watched");
    while (rc == RC_OK && !running->stop) {
        loop_wait(loop, witness_timeout_ms(running->witness));
        witness_run(running->witness);
    }
    loop_free(loop);
    return rc;
}

static enum rc serve(struct setting *s, struct err *err)
{
    struct witness_config config = {
        .folder = s->logs_folder,
        .key = s->key,
        .logs = s->logs,
        .log_count = s->log_count,
        .cert_pem = s->certificate,
        .key_pem = s->tls_key,
        .silent_s = options_number(&s->options, "silent"),
    };
    struct running running = {.signals = proc_signals()};
    const char *address = options_text(&s->options, "listen");
    uint16_t port = (uint16_t)options_number(&s->options, "port");
    enum rc rc = port ? net_port_free(NET_TCP, address, port, err) : RC_OK;
    rc = rc == RC_OK ? net_listen(NET_TCP, address, port, &config.listen_fd, err) : rc;
    port = rc == RC_OK ? net_port(config.listen_fd) : port;
    rc = rc == RC_OK ? witness_start(&config, &running.witness, err) : rc;
    rc = rc == RC_OK ? rights_drop(s, err) : rc;
    if (rc == RC_OK) {
        greet(s, port);
        rc = loop_run(&running, err);
    }
    witness_stop(running.witness);
    return rc;
}

/* ---- showing ---- */

static void show_json(const struct witness_memory *memory, int64_t quiet_s, bool alarm)
{
    struct buf line CLEANUP(buf_done);
    char root[44];
    buf_init(&line, 8192);
    json_write_object(&line);
    json_put_text(&line, "origin", memory->origin);
    json_put_u64(&line, "size", memory->head.size);
    json_put_str(&line, "root", str_at(root, base64_encode(memory->head.root.bytes, TLOG_HASH_SIZE, root)));
    json_put_u64(&line, "cosigned_s", memory->cosigned_s);
    json_put_u64(&line, "grown_s", memory->grown_s);
    json_put_int(&line, "quiet_s", memory->cosigned_s ? quiet_s : -1);
    json_put_bool(&line, "alarm", alarm);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
}

static void show_text(const struct witness_memory *memory, int64_t quiet_s, bool alarm)
{
    char time[CIVIL_TEXT_MAX];
    char root[45] = "";
    civil_format((int64_t)memory->cosigned_s * SECOND_NS, 0, 0, time);
    base64_encode(memory->head.root.bytes, TLOG_HASH_SIZE, root);
    printf("%s\n", memory->origin);
    if (memory->cosigned_s == 0)
        printf("  never seen\n");
    else
        printf("  size      %llu\n  root      %s\n  cosigned  %s\n  grew      %lld s ago\n",
               (unsigned long long)memory->head.size, root, time, (long long)quiet_s);
    if (alarm)
        printf("  ALARM     the log does not grow: it is switched off, or cannot reach this witness\n");
}

/* CMD_FAILED when a log does not grow. */
static int show(const struct setting *s)
{
    struct err err = {0};
    int status = CMD_OK;
    int64_t now_s = clock_real_ns() / SECOND_NS;
    bool json = options_flag(&s->options, "json");
    for (size_t i = 0; i < s->log_count; i++) {
        struct witness_memory memory;
        struct str origin = str_of(s->logs[i].name);
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = str_is(origin, s->logs[k].name);
        if (again)
            continue;
        enum rc rc = witness_load(s->logs_folder, origin, signing_key_public(s->key), &memory, &err);
        if (rc == RC_NOT_FOUND)
            rc = witness_memory_init(&memory, origin, &err);
        if (rc != RC_OK)
            return cmd_fail("witness", &err);
        int64_t quiet_s = now_s - (int64_t)memory.grown_s;
        bool alarm = memory.cosigned_s == 0 || quiet_s >= options_number(&s->options, "silent");
        (json ? show_json : show_text)(&memory, quiet_s, alarm);
        status = alarm ? CMD_FAILED : status;
    }
    return fflush(stdout) == 0 ? status : CMD_FAILED;
}

int cmd_witness(int argc, char **argv)
{
    static struct setting s = {.data = -1, .logs_folder = -1};
    struct err err = {0};
    int status = options_parse("witness", argc, argv, &s.options);
    if (status != OPTIONS_GO)
        return status;
    bool shows = options_flag(&s.options, "show");
    log_open("witness");
    umask(0077);
    s.arena = arena_new((size_t)4 << 20);
    enum rc rc = s.arena ? logs_take(&s, &err) : err_set(&err, RC_LIMIT, "no memory");
    if (rc == RC_INVALID)
        return cmd_usage("witness", "%s", err.text);
    rc = rc == RC_OK ? folder_take(&s, !shows, &err) : rc;
    rc = rc == RC_OK ? key_take(&s, &err) : rc;
    if (rc == RC_OK && !shows && options_flag(&s.options, "tls"))
        rc = certificate_take(&s, &err);
    if (rc == RC_OK && shows)
        status = show(&s);
    else if (rc == RC_OK)
        rc = serve(&s, &err);
    signing_key_free(s.key);
    arena_free(s.arena);
    if (rc != RC_OK)
        return cmd_fail("witness", &err);
    return shows ? status : CMD_OK;
}
