#include "db/db.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/io.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS    5000
#define PATH_LIMIT 4096

struct statement {
    const char *sql; /* the literal itself, not a copy: its address is the key */
    sqlite3_stmt *prepared;
    bool running;
};

struct db {
    sqlite3 *handle;
    struct statement statement[DB_STATEMENTS_MAX];
    uint32_t statement_count;
    bool in_transaction;
    uint64_t fail_in;   /* tests: the query that counts it down to zero fails */
    struct err failure; /* code RC_OK: nothing failed in this transaction */
};

static const char begin_write[] = "BEGIN IMMEDIATE";
static const char begin_read[] = "BEGIN";
static const char commit_all[] = "COMMIT";

static enum rc rc_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return RC_CORRUPT;
    case SQLITE_CONSTRAINT:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RC_EXISTS;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        return RC_LIMIT;
    default:
        return RC_IO;
    }
}

static void fail(struct db *db, const char *doing)
{
    if (db->failure.code != RC_OK)
        return;
    int code = sqlite3_extended_errcode(db->handle);
    IGNORE(err_set(&db->failure, rc_of(code), "could not %s: %s", doing, sqlite3_errmsg(db->handle)));
}

void db_fail(struct db *db, enum rc rc, const char *text)
{
    ASSERT(rc != RC_OK);
    if (db->failure.code == RC_OK)
        IGNORE(err_set(&db->failure, rc, "%s", text));
}

bool db_failed(const struct db *db)
{
    return db->failure.code != RC_OK;
}

/* Statements that give no rows, or rows nobody reads; constant text. */
static bool execute(struct db *db, const char *sql, const char *doing)
{
    if (db->failure.code != RC_OK)
        return false;
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    fail(db, doing);
    return false;
}

static enum rc failure_take(struct db *db, struct err *err)
{
    enum rc rc = db->failure.code;
    if (rc != RC_OK && err)
        *err = db->failure;
    db->failure = (struct err){0};
    return rc;
}

/* SQLite would make the file readable for all that the umask lets; it holds secrets, so it is the owner's alone. */
static enum rc file_make(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct str folder = slash ? str_at(path, slash == path ? 1 : (size_t)(slash - path)) : STR(".");
    char folder_z[PATH_LIMIT];
    if (!str_copy_z(folder, folder_z, sizeof folder_z))
        return err_set(err, RC_LIMIT, "could not open database: path too long");
    int at = io_open_folder(folder_z);
    if (at < 0)
        return err_errno(err, -at, "could not open folder \"%s\" of the database", folder_z);
    int fd = io_kernel.open(io_kernel.self, at, slash ? slash + 1 : path, IO_READ | IO_WRITE | IO_CREATE);
    io_kernel.close(io_kernel.self, at);
    if (fd < 0)
        return err_errno(err, -fd, "could not open database \"%s\"", path);
    int failed = fchmod(fd, 0600) == 0 ? 0 : errno;
    io_kernel.close(io_kernel.self, fd);
    return failed ? err_errno(err, failed, "could not protect database \"%s\"", path) : RC_OK;
}

static void check_file(struct db *db)
{
    sqlite3_stmt *check = NULL;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &check, NULL) != SQLITE_OK ||
        sqlite3_step(check) != SQLITE_ROW)
        fail(db, "check the database");
    else if (strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
        db_fail(db, RC_CORRUPT, "the database is damaged; restore it from a copy");
    sqlite3_finalize(check);
}

static void set_up(struct db *db)
{
    static const char *const lines[] = {
        "PRAGMA journal_mode = WAL",   "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON",
        "PRAGMA temp_store = MEMORY",  "PRAGMA cache_size = -8192", "PRAGMA trusted_schema = OFF",
        "PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0",      "PRAGMA secure_delete = ON",
    };
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, (int)DB_VALUE_MAX);
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        execute(db, lines[i], "set up the database");
    check_file(db);
    /* A first write makes -wal and -shm now, while the sandbox still lets files be opened. */
    execute(db, "BEGIN IMMEDIATE", "lock the database");
    execute(db, "COMMIT", "unlock the database");
}

/* SQLite makes every path absolute and looks at each folder above the file, which the user we run as may not. A name as
 * it was given works as well: the process stays in its folder. */
static int path_keep(sqlite3_vfs *vfs, const char *name, int size, char *ret_path)
{
    (void)vfs;
    return size > 0 && str_copy_z(str_of(name), ret_path, (size_t)size) ? SQLITE_OK : SQLITE_CANTOPEN;
}

static const char *vfs_make(void)
{
    static sqlite3_vfs vfs;
    if (!vfs.zName) {
        vfs = *sqlite3_vfs_find(NULL);
        vfs.zName = "qorgan";
        vfs.xFullPathname = path_keep;
        int code = sqlite3_vfs_register(&vfs, 0);
        ASSERT(code == SQLITE_OK);
    }
    return vfs.zName;
}

enum rc db_open(const char *path, struct db **ret_db, struct err *err)
{
    *ret_db = NULL;
    bool memory = strcmp(path, ":memory:") == 0;
    enum rc rc = memory ? RC_OK : file_make(path, err);
    if (rc != RC_OK)
        return rc;
    struct db *db = memory_new(sizeof *db);
    if (!db)
        return err_set(err, RC_LIMIT, "out of memory");
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (memory ? 0 : SQLITE_OPEN_NOFOLLOW);
    if (sqlite3_open_v2(path, &db->handle, flags, memory ? NULL : vfs_make()) != SQLITE_OK) {
        rc = err_set(err, RC_IO, "could not open database \"%s\": %s", path,
                     db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
        db_close(db);
        return rc;
    }
    set_up(db);
    rc = failure_take(db, err);
    if (rc != RC_OK) {
        err_wrap(err, "database \"%s\"", path);
        db_close(db);
        return rc;
    }
    *ret_db = db;
    return RC_OK;
}

/* "file:" and the path with every byte that an URI reads otherwise in %XX. */
static bool uri_make(const char *path, char *ret_uri, size_t size)
{
    struct buf uri;
    buf_init_fixed(&uri, ret_uri, size - 1);
    buf_text(&uri, "file:");
    for (const char *at = path; *at; at++) {
        bool plain = char_is_digit(*at) || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '/';
        if (plain)
            buf_char(&uri, *at);
        else
            buf_format(&uri, "%%%02X", (unsigned)(unsigned char)*at);
    }
    buf_text(&uri, "?immutable=1");
    ret_uri[uri.n] = '\0';
    return !uri.overflow;
}

enum rc db_check(const char *path, struct err *err)
{
    char uri[3 * PATH_LIMIT + 32];
    struct db *db = memory_new(sizeof *db);
    if (!db || !uri_make(path, uri, sizeof uri)) {
        memory_free(db);
        return err_set(err, RC_LIMIT, "could not check the database: out of memory, or the path is too long");
    }
    if (access(path, R_OK) != 0 && errno == EACCES) {
        memory_free(db);
        return err_set(err, RC_DENIED, "could not open the database: permission denied");
    }
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(uri, &db->handle, flags, NULL) != SQLITE_OK)
        fail(db, "open the database");
    else
        check_file(db);
    enum rc rc = failure_take(db, err);
    db_close(db);
    return rc;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (uint32_t i = 0; i < db->statement_count; i++)
        sqlite3_finalize(db->statement[i].prepared);
    sqlite3_close_v2(db->handle);
    memory_free(db);
}

static struct statement *statement_of(struct db *db, const char *sql);

/* The same for what frames every transaction: compiled once. */
static bool execute_kept(struct db *db, const char *sql, const char *doing)
{
    const struct statement *statement = db->failure.code == RC_OK ? statement_of(db, sql) : NULL;
    if (!statement)
        return false;
    bool done = sqlite3_step(statement->prepared) == SQLITE_DONE;
    if (!done)
        fail(db, doing);
    sqlite3_reset(statement->prepared);
    return done;
}

enum rc db_begin(struct db *db, enum db_mode mode, struct err *err)
{
    ASSERT(!db->in_transaction);
    ASSERT(db->failure.code == RC_OK);
    if (!execute_kept(db, mode == DB_WRITE ? begin_write : begin_read, "begin"))
        return failure_take(db, err);
    db->in_transaction = true;
    return RC_OK;
}

bool db_fail_at(struct db *db, uint64_t n)
{
    bool reached = db->fail_in == 0;
    db->fail_in = n;
    return reached;
}

static void fail_when_asked(struct db *db)
{
    if (db->fail_in && --db->fail_in == 0)
        db_fail(db, RC_IO, "could not run a statement: a failure was injected");
}

enum rc db_end(struct db *db, bool commit, struct err *err)
{
    ASSERT(db->in_transaction);
    for (uint32_t i = 0; i < db->statement_count; i++)
        if (db->statement[i].running) {
            sqlite3_reset(db->statement[i].prepared);
            db->statement[i].running = false;
        }
    if (commit) {
        fail_when_asked(db);
        execute_kept(db, commit_all, "commit");
    }
    /* A failed statement may have rolled back by itself; then this one has nothing to do. */
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    db->in_transaction = false;
    return failure_take(db, err);
}

static int64_t version_get(struct db *db)
{
    sqlite3_stmt *get = NULL;
    int64_t version = 0;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &get, NULL) != SQLITE_OK ||
        sqlite3_step(get) != SQLITE_ROW)
        fail(db, "read the version");
    else
        version = sqlite3_column_int64(get, 0);
    sqlite3_finalize(get);
    return version;
}

/* PRAGMA takes no parameters; the text holds nothing but our own number. */
static void version_set(struct db *db, size_t version)
{
    char sql[48];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", version);
    execute(db, sql, "write the version");
}

enum rc db_migrate(struct db *db, const char *const *steps, size_t count, struct err *err)
{
    ASSERT(!db->in_transaction);
    int64_t version = version_get(db);
    if (db->failure.code != RC_OK)
        return failure_take(db, err);
    if (version < 0 || (uint64_t)version > count)
        return err_set(err, RC_CORRUPT,
                       "the database has version %lld, this program knows %zu: a newer program made it",
                       (long long)version, count);
    for (size_t i = (size_t)version; i < count; i++) {
        enum rc rc = db_begin(db, DB_WRITE, err);
        if (rc != RC_OK)
            return rc;
        execute(db, steps[i], "bring the database up to date");
        version_set(db, i + 1);
        rc = db_end(db, true, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static struct statement *statement_of(struct db *db, const char *sql)
{
    for (uint32_t i = 0; i < db->statement_count; i++)
        if (db->statement[i].sql == sql)
            return &db->statement[i];
    ASSERT(db->statement_count < DB_STATEMENTS_MAX);
    struct statement *statement = &db->statement[db->statement_count];
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->prepared, NULL) != SQLITE_OK) {
        fail(db, "prepare a statement");
        return NULL;
    }
    statement->sql = sql;
    db->statement_count++;
    return statement;
}

struct db_query db_query(struct db *db, const char *sql)
{
    ASSERT(db->in_transaction);
    struct db_query query = {.db = db};
    fail_when_asked(db);
    if (db->failure.code != RC_OK)
        return query;
    struct statement *statement = statement_of(db, sql);
    if (!statement)
        return query;
    ASSERT(!statement->running);
    statement->running = true;
    query.statement = statement;
    return query;
}

static sqlite3_stmt *prepared(const struct db_query *query)
{
    return ((struct statement *)query->statement)->prepared;
}

/* Whether the query still lives; binding and reading go on only then. */
static bool alive(struct db_query *query)
{
    if (query->statement && query->db->failure.code != RC_OK)
        db_query_end(query);
    return query->statement;
}

void db_query_end(struct db_query *query)
{
    struct statement *statement = query->statement;
    if (!statement)
        return;
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
    statement->running = false;
    query->statement = NULL;
}

static void bound(struct db_query *query, int code)
{
    if (code != SQLITE_OK)
        fail(query->db, "bind a parameter");
}

void db_put_i64(struct db_query *query, int64_t value)
{
    if (alive(query))
        bound(query, sqlite3_bind_int64(prepared(query), ++query->put, value));
}

void db_put_text(struct db_query *query, struct str value)
{
    if (alive(query))
        bound(query, sqlite3_bind_text64(prepared(query), ++query->put, value.p ? value.p : "", value.n,
                                         SQLITE_TRANSIENT, SQLITE_UTF8));
}

void db_put_blob(struct db_query *query, struct str value)
{
    if (alive(query))
        bound(query,
              sqlite3_bind_blob64(prepared(query), ++query->put, value.p ? value.p : "", value.n, SQLITE_TRANSIENT));
}

void db_put_null(struct db_query *query)
{
    if (alive(query))
        bound(query, sqlite3_bind_null(prepared(query), ++query->put));
}

bool db_next(struct db_query *query)
{
    if (!alive(query))
        return false;
    ASSERT(query->put == sqlite3_bind_parameter_count(prepared(query)));
    query->got = 0;
    int code = sqlite3_step(prepared(query));
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        fail(query->db, "run a statement");
    db_query_end(query);
    return false;
}

int64_t db_i64(struct db_query *query)
{
    if (!alive(query))
        return 0;
    ASSERT(query->got < sqlite3_column_count(prepared(query)));
    return sqlite3_column_int64(prepared(query), query->got++);
}

struct str db_text(struct db_query *query)
{
    if (!alive(query))
        return STR_NONE;
    ASSERT(query->got < sqlite3_column_count(prepared(query)));
    int column = query->got++;
    const void *p = sqlite3_column_blob(prepared(query), column);
    return p ? str_at(p, (size_t)sqlite3_column_bytes(prepared(query), column)) : STR("");
}

struct str db_text_copy(struct db_query *query, struct arena *arena)
{
    struct str copy = arena_str(arena, db_text(query));
    if (!copy.p)
        db_fail(query->db, RC_LIMIT, "out of memory for the rows of a query");
    return copy;
}

int64_t db_run(struct db_query *query)
{
    struct db *db = query->db;
    while (db_next(query))
        continue;
    return db->failure.code == RC_OK ? sqlite3_changes64(db->handle) : 0;
}

int64_t db_run_i64(struct db *db, const char *sql, int64_t value)
{
    struct db_query query = db_query(db, sql);
    db_put_i64(&query, value);
    return db_run(&query);
}

int64_t db_one_i64(struct db_query *query, int64_t otherwise)
{
    int64_t value = otherwise;
    if (db_next(query))
        value = db_i64(query);
    db_query_end(query);
    return value;
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

/* Tests only; PRAGMA takes no parameters and the number is ours. */
void db_limit_pages(struct db *db, int64_t pages)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)(pages ? pages : 0x3ffffffe));
    sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}
