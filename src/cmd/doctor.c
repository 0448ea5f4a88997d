/* doctor.c - `qorgan doctor`: what is wrong with a data folder, what it means and what mends it. Changes nothing: every
 * file is opened for reading only and no lock is taken, so that it works beside the service and on a read-only mount.
 *
 *     folders, names, modes -> configuration -> database -> keys -> what was signed -> records -> compare
 *
 * What was signed is read before the records: a service that runs only adds records behind it. */
#include "archive/folder.h"
#include "archive/sealed_io.h"
#include "archive/tombstone.h"
#include "archive/verify.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "db/db.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/vault.h"
#include "role/config.h"
#include "role/keep.h"
#include "role/parent.h"
#include "role/signer_slots.h"
#include "tlog/key.h"
#include "wal/wal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LINE_BYTES   ((size_t)1 << 16)
#define ARENA_BYTES  ((size_t)64 << 20)
#define LOAD_MAX     ((size_t)1 << 20)
#define PATH_BYTES   2048
#define SPACE_LOW    (UINT64_C(1) << 30) /* bytes */
#define SPACE_NONE   (UINT64_C(64) << 20)
#define CLOCK_LEAP   (INT64_C(60) * 1000000000) /* a signature this far ahead: the clock was put back */
#define ASIDE        "put the file aside (mv), start again"
#define RESTORE      "stop the service, put the file back from the mirror or a backup, run qorgan verify"
#define NEW_INSTANCE "restore a newer copy; if there is none: qorgan serve --new-instance, which records the break"

enum severity { NOTE, WARNING, FAULT };

/* id, name, severity, what it means, what mends it */
#define FINDINGS(X)                                                                                                    \
    X(FOUND_MISSING, "missing", FAULT, "something the service needs is not there", RESTORE)                            \
    X(FOUND_UNREADABLE, "unreadable", FAULT, "this could not be looked at, so it may be good or not",                  \
      "run qorgan doctor as root; if it was root, look at the disk (dmesg)")                                           \
    X(FOUND_FOREIGN, "foreign-file", WARNING, "the file is none of the archive's and is not looked at", ASIDE)         \
    X(FOUND_KIND, "wrong-kind", FAULT, "a link, device or folder stands where a file belongs", RESTORE)                \
    X(FOUND_TMP, "leftover", NOTE, "a file was being made; it means nothing", "rm it while the service is stopped")    \
    X(FOUND_ASIDE, "set-aside", NOTE, "a damaged log file that a new instance left as evidence", "keep it")            \
    X(FOUND_MODE, "permissions", FAULT, "others than the owner may change or read it", "chmod as the text says")       \
    X(FOUND_OWNER, "owner", WARNING, "it is not its folder's owner's", "start the service as root: it gives it back")  \
    X(FOUND_CONFIG, "configuration", FAULT, "the service does not start", "correct the line in qorgan.conf")           \
    X(FOUND_DATABASE, "database", FAULT, "incidents, people and settings may be lost; the evidence is not",            \
      "stop the service, put desk/desk.db back from a backup and remove desk.db-wal and desk.db-shm")                  \
    X(FOUND_JOURNAL, "database-journal", NOTE, "what was written last stands there and was not looked at",             \
      "nothing while the service runs; else the next start merges it")                                                 \
    X(FOUND_DATABASE_BUSY, "database-busy", WARNING, "damaged, or changed while it was read: it has a journal",        \
      "stop the service (a clean stop merges the journal) and run qorgan doctor again")                                \
    X(FOUND_MASTER_KEY, "master-key", FAULT, "what is encrypted could not be read, so the records were not checked",   \
      "give the file of master keys back (setting encryption), or run this as root where the credential is")           \
    X(FOUND_KEY_MISSING, "key-missing", FAULT, "the archive cannot be signed on",                                      \
      "put keys/signer.key back from its copy, or qorgan serve --new-instance")                                        \
    X(FOUND_KEY_DAMAGED, "key-damaged", FAULT, "the key does not parse or is not the other file's",                    \
      "put keys/ back from its copy, or qorgan serve --new-instance")                                                  \
    X(FOUND_KEY_FOREIGN, "key-foreign", FAULT, "the key is of another archive", "put this archive's keys/ back")       \
    X(FOUND_TLS, "certificate", FAULT, "the web pages and TLS do not start",                                           \
      "put both files back, or remove both: the next start makes new ones")                                            \
    X(FOUND_STATE, "signer-state", WARNING, "what was signed last is not known: a rollback would be seen less well",   \
      "put keys/signer.state back from a copy not older than the archive")                                             \
    X(FOUND_INSTANCE, "instance", FAULT, "it is not known which archive this is", RESTORE)                             \
    X(FOUND_LOG_TORN, "log-torn", NOTE, "a crash, or a write in progress; nothing acknowledged was in it",             \
      "nothing to do: the next start cuts it off")                                                                     \
    X(FOUND_LOG, "log-damaged", FAULT, "records that are not sealed yet cannot be read from here on", RESTORE)         \
    X(FOUND_SEGMENT_MISSING, "segment-missing", FAULT, "records are gone and no retention record says why", RESTORE)   \
    X(FOUND_SEGMENT, "segment-damaged", FAULT, "the records named cannot be trusted", RESTORE)                         \
    X(FOUND_SEQUENCE, "sequence", NOTE, "a source repeated itself or came out of order", "look at the source")         \
    X(FOUND_CHECKPOINT, "checkpoint", FAULT, "a stored checkpoint or its path is damaged or contradicts the records",  \
      RESTORE)                                                                                                         \
    X(FOUND_CHECKPOINT_OLD, "checkpoint-earlier", NOTE, "an incident in the archive ended that instance", "nothing")   \
    X(FOUND_UNSIGNED, "checkpoint-unsigned", FAULT, "the newest checkpoint is not signed by keys/signer.pub", RESTORE) \
    X(FOUND_ROLLBACK, "rollback", FAULT, "the folder, or a part, was put back to an older copy", NEW_INSTANCE)         \
    X(FOUND_OTHER_TREE, "other-tree", FAULT, "the records are not those that were signed", NEW_INSTANCE)               \
    X(FOUND_NOTE_BAD, "note-refused", FAULT, "the note given cannot be believed, so it was not compared",              \
      "give the file as the witness, mirror or agent keeps it, of this archive")                                       \
    X(FOUND_NOTE_GOOD, "note-agrees", NOTE, "nothing up to that size was rolled back", "nothing")                      \
    X(FOUND_NOT_COMPARED, "not-compared", WARNING, "damage hides whether the records are those that were signed",      \
      "mend the damage first, then run qorgan doctor again")                                                           \
    X(FOUND_NOTE_NONE, "no-outside-note", NOTE, "a copy put back whole, keys too, is not seen from inside",            \
      "qorgan doctor --checkpoint FILE with a note from a witness, a mirror or the daily sheet")                       \
    X(FOUND_CLOCK, "clock", FAULT, "the clock is behind the last signature", "set the clock (timedatectl)")            \
    X(FOUND_SPACE, "space", WARNING, "the archive will soon refuse records", "make room or enlarge the disk")          \
    X(FOUND_SPACE_NONE, "space-none", FAULT, "the archive refuses records", "make room or enlarge the disk now")

enum found {
#define X(id, ...) id,
    FINDINGS(X)
#undef X
};

static const struct finding_row {
    const char *name;
    enum severity severity;
    const char *means;
    const char *mend;
} rows[] = {
#define X(id, name, severity, means, mend) [id] = {name, severity, means, mend},
    FINDINGS(X)
#undef X
};

struct doctor {
    const char *data;
    bool json;
    uint64_t count[FAULT + 1];
    struct arena *arena;
    int archive; /* -1: there is none */
    struct instance instance;
    bool has_instance;
    struct note_key key; /* keys/signer.pub */
    bool has_key;
    struct signer_state signed_last;
    bool has_signed;
    struct vault *vault; /* master keys; NULL: encryption is off, or they are not to be had */
    bool keyless;        /* they are not to be had, which is told */
    bool closed;         /* a file of the archive may not be read, or opening it would wait: told */
    struct verify_result verified;
    bool ended;        /* verification came to its end */
    bool damaged;      /* it found damage, not only an early end */
    bool records_good; /* it found nothing */
};

static void tell(struct doctor *d, enum found found, const char *file, const char *format, ...) PRINTF(4, 5);
static void tell(struct doctor *d, enum found found, const char *file, const char *format, ...)
{
    static const char *const severities[] = {"note", "warning", "FAULT"};
    const struct finding_row *row = &rows[found];
    char text[ERR_TEXT_MAX];
    struct buf line CLEANUP(buf_done) = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->count[row->severity]++;
    buf_init(&line, LINE_BYTES);
    if (d->json) {
        json_write_object(&line);
        json_put_text(&line, "finding", row->name);
        json_put_text(&line, "severity", row->severity == FAULT ? "fault" : severities[row->severity]);
        json_put_text(&line, "file", file);
        json_put_text(&line, "text", text);
        json_put_text(&line, "means", row->means);
        json_put_text(&line, "mend", row->mend);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s %s: %s: %s\n    means: %s\n    mend:  %s", severities[row->severity], row->name, file,
                   text, row->means, row->mend);
    }
    printf("%s\n", buf_z(&line));
}

/* ---- folders ---- */

struct place {
    const char *path; /* below the data folder */
    bool required;
    mode_t closed;       /* bits that the folder may not have */
    mode_t files_closed; /* nor its files; those called *.key none of others' */
    bool (*known)(struct str name);
};

static bool known_log(struct str name)
{
    uint64_t number;
    if (str_ends(name, STR(WAL_ASIDE)))
        name = str_slice(name, 0, name.n - strlen(WAL_ASIDE));
    return wal_file_name_parse(name, &number);
}

/* Segments, what is to take their place, tombstones of deleted ones, the keys of encrypted ones, what a mirror is
 * fetching. */
static bool known_segment(struct str name)
{
    uint64_t number;
    uint64_t serial;
    return segment_name_parse(name, &number) || tombstone_name_parse(name, &number) ||
           sealed_key_name_parse(name, &number, &serial) || segment_cold_name_parse(name, &number) ||
           (sealed_name_parse(name, &number) &&
            (str_ends(name, STR(".part")) || str_ends(name, STR(".stone")) || str_ends(name, STR(".pack"))));
}

/* What the packer makes, and its keys. */
static bool known_packed(struct str name)
{
    uint64_t number;
    uint64_t serial;
    return segment_cold_name_parse(name, &number) || sealed_key_name_parse(name, &number, &serial) ||
           (sealed_name_parse(name, &number) && str_ends(name, STR(".pack")));
}

static bool known_checkpoint(struct str name)
{
    uint64_t number;
    struct str rest = str_skip(name, 16);
    bool suffix = !rest.n || str_is(rest, PATH_SUFFIX) || str_is(rest, STAMP_SUFFIX) || str_is(rest, ".old");
    return str_is(name, NAME_LATEST) || str_is(name, NAME_COSIGNED) ||
           (suffix && checkpoint_name_parse(str_slice(name, 0, 16), &number));
}

static bool known_archive(struct str name)
{
    static const char *const names[] = {NAME_WAL, NAME_SEG, NAME_PACK, NAME_CHECKPOINTS, NAME_INSTANCE, NAME_LOCK};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static void check_mode(struct doctor *d, const char *file, mode_t mode, mode_t closed)
{
    mode_t extra = mode & closed;
    if (extra)
        tell(d, FOUND_MODE, file, "mode %04o; chmod %04o %s/%s", (unsigned)(mode & 07777),
             (unsigned)(mode & 07777 & ~extra), d->data, file);
}

static void check_entry(struct doctor *d, const struct place *place, DIR *folder, const char *name)
{
    char file[PATH_BYTES];
    struct stat about;
    struct stat parent;
    bool tmp = str_ends(str_of(name), STR(".tmp"));
    snprintf(file, sizeof file, "%s%s%s", place->path, place->path[0] ? "/" : "", name);
    if (fstatat(dirfd(folder), name, &about, AT_SYMLINK_NOFOLLOW) != 0 || fstat(dirfd(folder), &parent) != 0) {
        if (errno != ENOENT) /* removed while we looked */
            tell(d, FOUND_UNREADABLE, file, "%s", strerror(errno));
        return;
    }
    bool known = !place->known || place->known(str_of(name));
    if (tmp)
        tell(d, FOUND_TMP, file, "%lld bytes", (long long)about.st_size);
    else if (place->known == known_segment && sealed_key_orphan(&io_kernel, dirfd(folder), name))
        tell(d, FOUND_TMP, file, "a key of no segment that is here");
    else if (place->known == known_log && str_ends(str_of(name), STR(WAL_ASIDE)))
        tell(d, FOUND_ASIDE, file, "%lld bytes", (long long)about.st_size);
    else if (!known)
        tell(d, FOUND_FOREIGN, file, "not a name that this folder has");
    if (S_ISDIR(about.st_mode) && place->known != known_log && place->known != known_segment &&
        place->known != known_packed)
        return; /* a folder of its own row */
    bool archive = str_starts(str_of(place->path), STR("archive"));
    if (!S_ISREG(about.st_mode) && place->path[0] && known) {
        tell(d, FOUND_KIND, file, "not a regular file");
        d->closed |= archive && !S_ISLNK(about.st_mode) && !S_ISDIR(about.st_mode); /* opening a pipe waits */
    }
    if (!S_ISREG(about.st_mode))
        return;
    if (archive && known && faccessat(dirfd(folder), name, R_OK, AT_EACCESS) != 0 && errno != ENOENT) {
        tell(d, FOUND_UNREADABLE, file, "%s", strerror(errno));
        d->closed = true;
    }
    bool secret = !archive && str_ends(str_of(name), STR(".key"));
    check_mode(d, file, about.st_mode, secret ? 0077 : place->files_closed);
    if (place->known && place->known != known_archive && about.st_uid != parent.st_uid)
        tell(d, FOUND_OWNER, file, "owner %u, its folder's is %u", (unsigned)about.st_uid, (unsigned)parent.st_uid);
}

static void check_place(struct doctor *d, const struct place *place)
{
    char path[PATH_BYTES];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", d->data, place->path);
    DIR *folder = opendir(path);
    if (!folder) {
        if (errno == ENOENT && place->required)
            tell(d, FOUND_MISSING, place->path, "the folder is not there");
        else if (errno == ENOTDIR)
            tell(d, FOUND_KIND, place->path, "not a folder");
        else if (errno != ENOENT)
            tell(d, FOUND_UNREADABLE, place->path, "%s", strerror(errno));
        return;
    }
    if (fstat(dirfd(folder), &about) == 0)
        check_mode(d, place->path[0] ? place->path : ".", about.st_mode, place->closed);
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            check_entry(d, place, folder, entry->d_name);
    closedir(folder);
}

static void check_places(struct doctor *d)
{
    static const struct place places[] = {
        {"", true, 0022, 0022, NULL},
        {"archive", true, 0022, 0027, known_archive},
        {"archive/wal", true, 0022, 0027, known_log},
        {"archive/seg", true, 0022, 0027, known_segment},
        {"archive/pack", false, 0022, 0027, known_packed},
        {"archive/checkpoints", true, 0022, 0027, known_checkpoint},
        {"desk", false, 0022, 0077, NULL},
        {"collect", false, 0022, 0027, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        check_place(d, &places[i]);
}

static void check_space(struct doctor *d)
{
    struct statvfs about;
    if (statvfs(d->data, &about) != 0)
        return; /* the folder was opened: told already */
    uint64_t space = (uint64_t)about.f_bavail * about.f_frsize;
    if (space < SPACE_LOW)
        tell(d, space < SPACE_NONE ? FOUND_SPACE_NONE : FOUND_SPACE, ".", "%llu MiB are free",
             (unsigned long long)(space >> 20));
}

/* ---- configuration, database ---- */

static enum rc load(struct doctor *d, const char *relative, struct str *ret_bytes, struct err *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", d->data, relative);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return RC_NOT_FOUND;
    return file_load_path(path, LOAD_MAX, d->arena, ret_bytes, err);
}

static void check_config(struct doctor *d)
{
    struct config config;
    struct str text;
    struct err err = {0};
    enum rc rc = load(d, "qorgan.conf", &text, &err);
    if (rc == RC_NOT_FOUND)
        return; /* everything has a default */
    if (rc != RC_OK) {
        tell(d, FOUND_UNREADABLE, "qorgan.conf", "%s", err.text);
        return;
    }
    config_defaults(&config);
    rc = config_parse(&config, text, "qorgan.conf", d->arena, &err);
    if (rc == RC_OK && share_find(d->arena, &config.share, NULL) == RC_OK)
        rc = keep_check(&config, clock_real_ns(), d->arena, &text, &err);
    if (rc != RC_OK) {
        tell(d, FOUND_CONFIG, "qorgan.conf", "%s", err.text);
        return;
    }
    d->keyless = vault_open(config.encryption, &d->vault, &err) != RC_OK;
    if (d->keyless)
        tell(d, FOUND_MASTER_KEY, "qorgan.conf", "%s", err.text);
}

static void check_database(struct doctor *d)
{
    char path[PATH_BYTES];
    struct stat about;
    struct err err = {0};
    snprintf(path, sizeof path, "%s/desk/desk.db-wal", d->data);
    bool busy = stat(path, &about) == 0 && about.st_size > 0;
    if (busy)
        tell(d, FOUND_JOURNAL, "desk/desk.db-wal", "%lld bytes", (long long)about.st_size);
    snprintf(path, sizeof path, "%s/desk/desk.db", d->data);
    if (lstat(path, &about) != 0) {
        if (errno != ENOENT)
            tell(d, FOUND_UNREADABLE, "desk/desk.db", "%s", strerror(errno));
        else if (d->has_key)
            tell(d, FOUND_DATABASE, "desk/desk.db", "the file is not there: the next start makes an empty one");
        return;
    }
    if (!S_ISREG(about.st_mode))
        return; /* check_places tells */
    enum rc rc = db_check(path, &err);
    if (rc != RC_OK)
        tell(d,
             rc == RC_DENIED ? FOUND_UNREADABLE
             : busy          ? FOUND_DATABASE_BUSY
                             : FOUND_DATABASE,
             "desk/desk.db", "%s", err.text);
}

/* ---- keys ---- */

static void check_public(struct doctor *d)
{
    struct str text;
    struct err err = {0};
    enum rc rc = load(d, "keys/signer.pub", &text, &err);
    if (rc == RC_NOT_FOUND && d->has_instance)
        tell(d, FOUND_KEY_MISSING, "keys/signer.pub", "the file is not there");
    if (rc != RC_OK)
        return;
    rc = note_key_parse(str_trim(text), &d->key, &err);
    if (rc != RC_OK) {
        tell(d, FOUND_KEY_DAMAGED, "keys/signer.pub", "%s", err.text);
        return;
    }
    d->has_key = true;
    if (d->has_instance && strcmp(d->key.name, d->instance.origin) != 0)
        tell(d, FOUND_KEY_FOREIGN, "keys/signer.pub", "the key is of \"%s\", the archive is \"%s\"", d->key.name,
             d->instance.origin);
}

static void check_secret(struct doctor *d)
{
    struct str text;
    struct err err = {0};
    struct signing_key *key = NULL;
    enum rc rc = load(d, "keys/signer.key", &text, &err);
    if (rc == RC_NOT_FOUND && (d->has_instance || d->has_key))
        tell(d, FOUND_KEY_MISSING, "keys/signer.key", "the file is not there");
    if (rc == RC_NOT_FOUND)
        return;
    if (rc != RC_OK) {
        tell(d, FOUND_UNREADABLE, "keys/signer.key", "%s", err.text);
        return;
    }
    struct buf line CLEANUP(buf_done) = {0};
    struct str public_text;
    buf_init(&line, LINE_BYTES);
    rc = signing_key_parse(text, &key, &err);
    key_cleanse((char *)(uintptr_t)text.p, text.n);
    if (rc != RC_OK) {
        tell(d, FOUND_KEY_DAMAGED, "keys/signer.key", "%s", err.text);
        return;
    }
    note_key_write(signing_key_public(key), &line);
    if (d->has_key && load(d, "keys/signer.pub", &public_text, &err) == RC_OK &&
        !str_eq(str_trim(public_text), buf_view(&line)))
        tell(d, FOUND_KEY_DAMAGED, "keys/signer.pub", "it is not the public half of keys/signer.key");
    signing_key_free(key);
}

static void check_state(struct doctor *d)
{
    char path[PATH_BYTES];
    uint64_t turn = 0;
    snprintf(path, sizeof path, "%s/keys/signer.state", d->data);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        if (errno != ENOENT)
            tell(d, FOUND_UNREADABLE, "keys/signer.state", "%s", strerror(errno));
        else if (d->has_instance)
            tell(d, FOUND_STATE, "keys/signer.state", "the file is not there");
        return;
    }
    d->has_signed = signer_slots_read(fd, &turn, &d->signed_last);
    close(fd);
    if (!d->has_signed && d->has_instance)
        tell(d, FOUND_STATE, "keys/signer.state", "no slot of it is whole");
    if (d->has_signed && d->signed_last.signed_ns > clock_real_ns() + CLOCK_LEAP)
        tell(d, FOUND_CLOCK, "keys/signer.state", "the last signature was made %lld s from now",
             (long long)((d->signed_last.signed_ns - clock_real_ns()) / 1000000000));
}

static void check_keys(struct doctor *d)
{
    static const struct place place = {"keys", true, 0077, 0022, NULL};
    char certificate[PATH_BYTES];
    char key[PATH_BYTES];
    check_place(d, &place);
    check_public(d);
    check_secret(d);
    check_state(d);
    snprintf(certificate, sizeof certificate, "%s/keys/tls.crt", d->data);
    snprintf(key, sizeof key, "%s/keys/tls.key", d->data);
    bool has[] = {access(certificate, F_OK) == 0, access(key, F_OK) == 0};
    if (has[0] != has[1])
        tell(d, FOUND_TLS, has[0] ? "keys/tls.key" : "keys/tls.crt", "the file is not there, its other half is");
}

/* ---- records ---- */

static void verified(void *context, const struct verify_finding *v)
{
    struct doctor *d = context;
    struct str file = str_of(v->file);
    enum found found = FOUND_INSTANCE;
    char place[64] = "";
    if (v->short_end)
        return; /* check_records tells, when it is not damage that cuts the records off */
    d->damaged |= !v->warning && !str_starts(file, STR(NAME_CHECKPOINTS));
    if (str_starts(file, STR(NAME_CHECKPOINTS)))
        found = v->warning ? FOUND_CHECKPOINT_OLD : FOUND_CHECKPOINT;
    else if (v->warning)
        found = v->record == UINT64_MAX ? FOUND_LOG_TORN : FOUND_SEQUENCE;
    else if (str_starts(file, STR(NAME_WAL)))
        found = FOUND_LOG;
    else if (str_is(file, NAME_SEG))
        found = FOUND_SEGMENT_MISSING;
    else if (str_starts(file, STR(NAME_SEG)))
        found = FOUND_SEGMENT;
    if (v->offset >= 0)
        snprintf(place, sizeof place, " (offset %lld)", (long long)v->offset);
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "archive/%s", v->file);
    tell(d, found, path, "%s%s", v->text, place);
}

/* Without the master keys: the digests that encrypted segments carry of their stored bytes. */
static void check_stored(struct doctor *d)
{
    struct numbers numbers = {0};
    struct err err = {0};
    int folder = -1;
    enum rc rc = folder_open(&io_kernel, d->archive, NAME_SEG, false, &folder, &err);
    rc = rc == RC_OK ? numbers_list(&io_kernel, folder, segment_name_parse, &numbers, &err) : rc;
    if (rc != RC_OK)
        tell(d, FOUND_UNREADABLE, "archive/" NAME_SEG, "%s", err.text);
    for (size_t i = 0; i < numbers.count && rc == RC_OK; i++) {
        char name[SEGMENT_NAME_MAX];
        char path[PATH_BYTES];
        segment_name(numbers.list[i], name);
        snprintf(path, sizeof path, "archive/" NAME_SEG "/%s", name);
        enum rc checked = sealed_check(&io_kernel, folder, name, &err);
        if (checked != RC_OK && checked != RC_END) /* the end: a plain one */
            tell(d, checked == RC_CORRUPT ? FOUND_SEGMENT : FOUND_UNREADABLE, path, "%s", err.text);
    }
    numbers_done(&numbers);
    if (folder >= 0)
        close(folder);
}

static void check_records(struct doctor *d)
{
    struct verify_options options = {.finding = verified, .context = d, .vault = d->vault};
    struct err err = {0};
    if (d->closed)
        return; /* told with the files */
    enum rc rc = archive_verify(&io_kernel, d->archive, &options, &d->verified, &err);
    d->ended = rc == RC_OK || rc == RC_CORRUPT;
    d->records_good = rc == RC_OK;
    if (rc == RC_DENIED && !d->keyless)
        tell(d, FOUND_MASTER_KEY, "archive", "%s", err.text);
    if (rc == RC_DENIED)
        check_stored(d);
    else if (!d->ended)
        tell(d, rc == RC_NOT_FOUND ? FOUND_MISSING : FOUND_UNREADABLE, "archive", "%s", err.text);
    else if (d->ended && !d->damaged && d->verified.checkpoint_size > d->verified.size)
        tell(d, FOUND_ROLLBACK, "archive", "there are %llu records, a stored checkpoint names %llu",
             (unsigned long long)d->verified.size, (unsigned long long)d->verified.checkpoint_size);
}

/* The records against a head that was signed. True when it could be compared and agrees. */
static bool compare(struct doctor *d, const char *file, const struct tlog_head *head)
{
    struct archive_reader *reader CLEANUP(archive_reader_cleanup) = NULL;
    struct archive_reader_options options = {.vault = d->vault};
    struct tlog_hash root;
    struct err err = {0};
    if (!d->ended || d->damaged) {
        tell(d, FOUND_NOT_COMPARED, file, "%llu records were signed", (unsigned long long)head->size);
        return false;
    }
    if (head->size > d->verified.size) {
        tell(d, FOUND_ROLLBACK, file, "%llu records were signed, the archive has %llu", (unsigned long long)head->size,
             (unsigned long long)d->verified.size);
        return false;
    }
    if (!d->records_good)
        return false; /* a checkpoint contradicts: told already */
    enum rc rc = archive_reader_open(&io_kernel, d->archive, &options, &reader, &err);
    rc = rc == RC_OK ? archive_reader_root(reader, head->size, &root, &err) : rc;
    if (rc != RC_OK) {
        tell(d, FOUND_UNREADABLE, file, "%s", err.text);
        return false;
    }
    if (tlog_hash_eq(&root, &head->root))
        return true;
    tell(d, FOUND_OTHER_TREE, file, "the first %llu records are not those that were signed",
         (unsigned long long)head->size);
    return false;
}

/* Parsed, of this archive, signed by its key. */
static bool note_good(const struct doctor *d, struct str bytes, struct checkpoint *ret_checkpoint, struct err *err)
{
    struct note *note = arena_alloc(d->arena, sizeof *note);
    enum rc rc = note ? note_parse(bytes, note, err) : err_set(err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? checkpoint_parse(note->text, ret_checkpoint, err) : rc;
    if (rc != RC_OK)
        return false;
    if (d->has_instance && !str_is(ret_checkpoint->origin, d->instance.origin))
        return err_set(err, RC_INVALID, "it is of \"%.*s\"", STR_ARG(ret_checkpoint->origin)) == RC_OK;
    if (!d->has_key)
        return err_set(err, RC_INVALID, "there is no public key to check it with") == RC_OK;
    rc = note_verify(note, &d->key, NULL, err);
    if (rc != RC_OK)
        IGNORE(err_set(err, rc, "it is not signed by this archive's key"));
    return rc == RC_OK;
}

static void compare_latest(struct doctor *d)
{
    struct checkpoint checkpoint;
    struct str bytes;
    struct err err = {0};
    enum rc rc = load(d, "archive/" NAME_CHECKPOINTS "/" NAME_LATEST, &bytes, &err);
    if (rc == RC_NOT_FOUND && d->has_signed && d->signed_last.head.size)
        tell(d, FOUND_MISSING, "archive/" NAME_CHECKPOINTS "/" NAME_LATEST,
             "there is none, but %llu records were signed", (unsigned long long)d->signed_last.head.size);
    if (rc == RC_OK && d->has_key && !note_good(d, bytes, &checkpoint, &err))
        tell(d, FOUND_UNSIGNED, "archive/" NAME_CHECKPOINTS "/" NAME_LATEST, "%s", err.text);
}

static void compare_given(struct doctor *d, const char *file)
{
    struct checkpoint checkpoint;
    struct str bytes;
    struct err err = {0};
    if (file_load_path(file, LOAD_MAX, d->arena, &bytes, &err) != RC_OK || !note_good(d, bytes, &checkpoint, &err))
        tell(d, FOUND_NOTE_BAD, file, "%s", err.text);
    else if (compare(d, file, &checkpoint.head))
        tell(d, FOUND_NOTE_GOOD, file, "its %llu records are in the archive", (unsigned long long)checkpoint.head.size);
}

static void load_instance(struct doctor *d)
{
    struct err err = {0};
    d->archive = -1;
    if (archive_folder(d->data, &d->archive, &err) != RC_OK) {
        d->archive = -1;
        return; /* check_places tells */
    }
    enum rc rc = instance_load(&io_kernel, d->archive, &d->instance, &err);
    d->has_instance = rc == RC_OK;
    if (rc == RC_NOT_FOUND)
        tell(d, FOUND_INSTANCE, "archive/" NAME_INSTANCE, "the file is not there");
    else if (rc == RC_IO)
        tell(d, FOUND_UNREADABLE, "archive/" NAME_INSTANCE, "%s", err.text);
}

static void examine(struct doctor *d, const struct options *options)
{
    load_instance(d);
    check_places(d);
    check_space(d);
    check_config(d);
    check_keys(d);
    check_database(d);
    if (d->archive < 0)
        return;
    compare_latest(d);
    if (!d->has_instance && !d->has_key)
        return;
    check_records(d);
    if (d->has_signed && d->has_instance && str_is(str_of(d->signed_last.origin), d->instance.origin))
        IGNORE(compare(d, "keys/signer.state", &d->signed_last.head)); /* tells what differs */
    for (size_t i = 0; options_list(options, "checkpoint", i); i++)
        compare_given(d, options_list(options, "checkpoint", i));
    if (!options_given(options, "checkpoint"))
        tell(d, FOUND_NOTE_NONE, "archive", "nothing from outside was compared");
}

static void print_result(const struct doctor *d)
{
    struct buf line CLEANUP(buf_done) = {0};
    buf_init(&line, LINE_BYTES);
    if (d->json) {
        json_write_object(&line);
        json_put_bool(&line, "ok", d->count[FAULT] == 0);
        json_put_u64(&line, "faults", d->count[FAULT]);
        json_put_u64(&line, "warnings", d->count[WARNING]);
        json_put_u64(&line, "notes", d->count[NOTE]);
        json_put_u64(&line, "records", d->verified.size);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s: %llu faults, %llu warnings, %llu notes; %llu records read; nothing was changed",
                   d->count[FAULT] ? "FAULTS FOUND" : "good", (unsigned long long)d->count[FAULT],
                   (unsigned long long)d->count[WARNING], (unsigned long long)d->count[NOTE],
                   (unsigned long long)d->verified.size);
    }
    printf("%s\n", buf_z(&line));
}

int cmd_doctor(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int status = options_parse("doctor", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    struct doctor d = {.data = options_text(&options, "data"), .json = options_flag(&options, "json"), .archive = -1};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(ARENA_BYTES);
    int folder = io_open_folder(d.data);
    if (folder < 0 || !arena) {
        IGNORE(err_errno(&err, folder < 0 ? -folder : ENOMEM, "could not open the data folder \"%s\"", d.data));
        return cmd_fail("doctor", &err);
    }
    d.arena = arena;
    examine(&d, &options);
    print_result(&d);
    vault_free(d.vault);
    if (d.archive >= 0)
        close(d.archive);
    close(folder);
    return d.count[FAULT] ? CMD_FAILED : CMD_OK;
}
