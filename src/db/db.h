/* db.h - the only place that knows SQLite.
 *
 * Statements are constants with parameters; nothing is ever built from text. Errors are sticky: after the first
 * failure in a transaction every query gives no rows and zero values, and `db_end` rolls back and returns the failure.
 * So a transaction is a straight line of queries with one check at its end:
 *
 *     rc = db_begin(db, DB_WRITE, err);
 *     struct db_query q = db_query(db, "SELECT id, name FROM user WHERE role = ?1");
 *     db_put_text(&q, role);
 *     while (db_next(&q)) { id = db_i64(&q); name = db_text(&q); }
 *     db_run_i64(db, "DELETE FROM session WHERE user = ?1", id);
 *     return db_end(db, true, err);
 *
 * The file is opened before the sandbox closes (SQLite keeps -wal and -shm beside it, open as long as the database).
 * Write-ahead log, synchronous FULL: what db_end committed survives a power cut. Single-threaded.
 * Owner: the caller owns `struct db`; a query is borrowed from it and ends with its last row or db_query_end.
 * Errors: RC_IO the system refused (disk full...), RC_CORRUPT the file is damaged, RC_EXISTS locked by another or a
 * constraint was broken, RC_LIMIT a bound. Source: sqlite.org/c3ref, sqlite.org/wal.html. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_STATEMENTS_MAX 1024 /* different statements a program uses */
#define DB_VALUE_MAX      ((size_t)4 << 20)

struct db;

/* Opens or creates the database at `path` (":memory:" for tests), checks it (quick_check) and sets it up. */
enum rc db_open(const char *path, struct db **ret_db, struct err *err) MUST_USE;
/* Whether the file is whole (quick_check), read-only, without a lock, without its -wal: nothing beside it is made or
 * read, so that a database in use can look damaged for a moment. RC_CORRUPT; RC_DENIED when it may not be read. */
enum rc db_check(const char *path, struct err *err) MUST_USE;
void db_close(struct db *db); /* NULL is fine; a transaction that is open is rolled back */

/* Brings the schema up to date: steps[i] are constant statements that lead from version i to i + 1, each step in a
 * transaction of its own. RC_CORRUPT when the database's version is above `count`: a newer program made it. */
enum rc db_migrate(struct db *db, const char *const *steps, size_t count, struct err *err) MUST_USE;

enum db_mode { DB_READ, DB_WRITE };
/* Transactions do not nest. */
enum rc db_begin(struct db *db, enum db_mode mode, struct err *err) MUST_USE;
/* Commits when `commit` and nothing failed since db_begin; else rolls back. Returns the first failure. */
enum rc db_end(struct db *db, bool commit, struct err *err) MUST_USE;
bool db_failed(const struct db *db);
/* Makes the open transaction fail with a reason of the caller's. The first failure stays. */
void db_fail(struct db *db, enum rc rc, const char *text);

struct db_query {
    struct db *db;
    void *statement;
    int put; /* parameters bound so far */
    int got; /* columns read of the present row */
};

/* `sql` is a string literal (its address is the key of the statement cache). The same statement may not be used while
 * a query of it is running. */
struct db_query db_query(struct db *db, const char *sql);
/* Binds the next parameter. Texts and blobs are copied. */
void db_put_i64(struct db_query *query, int64_t value);
void db_put_text(struct db_query *query, struct str value);
void db_put_blob(struct db_query *query, struct str value);
void db_put_null(struct db_query *query);
/* The next row; false at the end or after a failure, and the query is over then. */
bool db_next(struct db_query *query) MUST_USE;
/* The next column of the row. Texts are borrowed until the next db_next of this query; NULL gives 0 or the empty
 * slice. */
int64_t db_i64(struct db_query *query);
struct str db_text(struct db_query *query);
struct str db_text_copy(struct db_query *query, struct arena *arena); /* a full arena makes the transaction fail */
void db_query_end(struct db_query *query);                            /* before the last row */

/* Runs a statement that gives no rows; returns how many rows it changed. */
int64_t db_run(struct db_query *query);
int64_t db_run_i64(struct db *db, const char *sql, int64_t value);
/* The first column of the first row, or `otherwise` when there is no row. */
int64_t db_one_i64(struct db_query *query, int64_t otherwise);
int64_t db_last_id(const struct db *db); /* row id of the last insert */

/* For tests: the n-th query or commit from now (1 = the next) fails, once; 0 = off. Returns whether the last one set
 * was reached. */
bool db_fail_at(struct db *db, uint64_t n);
/* For tests: the file may not grow past this many pages (0: no limit), so that the disk is full. */
void db_limit_pages(struct db *db, int64_t pages);

#endif
