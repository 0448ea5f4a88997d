#include "db/db.h"

#include "base/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const schema[] = {
    "CREATE TABLE one (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT",
    "CREATE TABLE two (id INTEGER PRIMARY KEY, one INTEGER NOT NULL REFERENCES one(id), body TEXT) STRICT",
};

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct db *fresh(void)
{
    struct db *db = NULL;
    struct err err;
    if (!CHECK_INT(db_open(":memory:", &db, &err), RC_OK))
        return NULL;
    CHECK_INT(db_migrate(db, schema, ARRAY_LEN(schema), &err), RC_OK);
    return db;
}

static void insert(struct db *db, const char *name)
{
    struct db_query q = db_query(db, "INSERT INTO one (name) VALUES (?1)");
    db_put_text(&q, str_of(name));
    db_run(&q);
}

static int64_t count(struct db *db)
{
    struct err err;
    CHECK_INT(db_begin(db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(db, "SELECT count(*) FROM one");
    int64_t n = db_one_i64(&q, -1);
    CHECK_INT(db_end(db, true, &err), RC_OK);
    return n;
}

static void values_come_back(void)
{
    struct db *db = fresh();
    struct err err;
    static const char *const names[] = {"", "a'; DROP TABLE one; --", "қорған", "\"", "x"};
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        insert(db, names[i]);
    CHECK_INT(db_last_id(db), 5);
    CHECK_INT(db_end(db, true, &err), RC_OK);
    CHECK_INT(db_begin(db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(db, "SELECT id, name, NULL FROM one ORDER BY id");
    size_t n = 0;
    while (db_next(&q)) {
        CHECK_INT(db_i64(&q), n + 1);
        CHECK_TEXT(db_text(&q), names[n]);
        CHECK_INT(db_i64(&q), 0);
        n++;
    }
    CHECK_INT(n, ARRAY_LEN(names));
    CHECK(!db_next(&q));
    CHECK_INT(db_end(db, true, &err), RC_OK);
    db_close(db);
}

static void a_failure_sticks_and_rolls_back(void)
{
    struct db *db = fresh();
    struct err err;
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    insert(db, "a");
    insert(db, "a");
    CHECK(db_failed(db));
    insert(db, "b");
    struct db_query q = db_query(db, "SELECT count(*) FROM one");
    CHECK_INT(db_one_i64(&q, -1), -1);
    CHECK_INT(db_end(db, true, &err), RC_EXISTS);
    CHECK(strstr(err.text, "UNIQUE") != NULL);
    CHECK_INT(count(db), 0);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK); /* the failure is over */
    insert(db, "a");
    db_fail(db, RC_DENIED, "no");
    CHECK_INT(db_end(db, true, &err), RC_DENIED);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    insert(db, "a");
    CHECK_INT(db_end(db, false, &err), RC_OK);
    CHECK_INT(count(db), 0);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    db_run_i64(db, "INSERT INTO two (one) VALUES (?1)", 77);
    CHECK_INT(db_end(db, true, &err), RC_EXISTS); /* foreign key */
    db_close(db);
}

static void a_full_arena_is_a_failure(void)
{
    struct db *db = fresh();
    struct err err;
    struct arena *arena = arena_new(16);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    struct db_query q = db_query(db, "SELECT 'a text longer than sixteen bytes'");
    CHECK(db_next(&q));
    CHECK(db_text_copy(&q, arena).p == NULL);
    CHECK_INT(db_end(db, true, &err), RC_LIMIT);
    arena_free(arena);
    db_close(db);
}

static void a_full_disk_loses_nothing(void)
{
    struct db *db = NULL;
    struct err err;
    CHECK_INT(db_open(path_of("full.db"), &db, &err), RC_OK);
    CHECK_INT(db_migrate(db, schema, ARRAY_LEN(schema), &err), RC_OK);
    db_limit_pages(db, 8);
    char name[600];
    int64_t kept = 0;
    enum rc rc = RC_OK;
    for (int i = 0; i < 100 && rc == RC_OK; i++) {
        snprintf(name, sizeof name, "%0500d", i);
        CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
        insert(db, name);
        rc = db_end(db, true, &err);
        kept += rc == RC_OK;
    }
    CHECK_INT(rc, RC_IO);
    CHECK(strstr(err.text, "full") != NULL);
    CHECK(kept > 0);
    CHECK_INT(count(db), kept);
    db_limit_pages(db, 0);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    insert(db, "room again");
    CHECK_INT(db_end(db, true, &err), RC_OK);
    CHECK_INT(count(db), kept + 1);
    db_close(db);
}

static void versions(void)
{
    struct db *db = NULL;
    struct err err;
    CHECK_INT(db_open(path_of("version.db"), &db, &err), RC_OK);
    CHECK_INT(db_migrate(db, schema, 1, &err), RC_OK);
    CHECK_INT(db_migrate(db, schema, 2, &err), RC_OK);
    CHECK_INT(db_migrate(db, schema, 2, &err), RC_OK);
    CHECK_INT(db_migrate(db, schema, 1, &err), RC_CORRUPT);
    static const char *const broken[] = {"", "", "CREATE TABLE three (id); CREATE TABLE one (id)"};
    CHECK_INT(db_migrate(db, broken, 3, &err), RC_IO);
    static const char *const mended[] = {"", "", "CREATE TABLE three (id)"};
    CHECK_INT(db_migrate(db, mended, 3, &err), RC_OK); /* the broken step left nothing behind */
    db_close(db);
}

static void files_that_are_refused(void)
{
    struct db *db = NULL;
    struct err err;
    CHECK_INT(db_open(path_of("no/such/folder.db"), &db, &err), RC_IO);
    CHECK(db == NULL);
    int fd = open(path_of("garbage.db"), O_CREAT | O_WRONLY, 0600);
    char garbage[4096];
    memset(garbage, 'g', sizeof garbage);
    CHECK_INT(write(fd, garbage, sizeof garbage), sizeof garbage);
    close(fd);
    CHECK_INT(db_open(path_of("garbage.db"), &db, &err), RC_CORRUPT);
    CHECK(db == NULL);
    CHECK_INT(mkdir(path_of("folder.db"), 0700), 0);
    CHECK_INT(db_open(path_of("folder.db"), &db, &err), RC_IO);
    CHECK_INT(symlink("version.db", path_of("link.db")), 0);
    CHECK_INT(db_open(path_of("link.db"), &db, &err), RC_IO);
}

/* A page overwritten in the middle is seen at the next open. */
static void damage_is_seen(void)
{
    struct db *db = NULL;
    struct err err;
    CHECK_INT(db_open(path_of("damage.db"), &db, &err), RC_OK);
    CHECK_INT(db_migrate(db, schema, ARRAY_LEN(schema), &err), RC_OK);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    char name[64];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "name %050d", i);
        insert(db, name);
    }
    CHECK_INT(db_end(db, true, &err), RC_OK);
    db_close(db);
    struct stat st;
    CHECK_INT(stat(path_of("damage.db"), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(db_check(path_of("damage.db"), &err), RC_OK);
    int fd = open(path_of("damage.db"), O_WRONLY);
    char zero[4096] = {1};
    CHECK_INT(pwrite(fd, zero, sizeof zero, 4096), sizeof zero);
    close(fd);
    CHECK_INT(db_check(path_of("damage.db"), &err), RC_CORRUPT);
    CHECK_INT(db_open(path_of("damage.db"), &db, &err), RC_CORRUPT);
}

/* What db_end committed is there after kill -9, what it did not is gone. */
static void a_kill_keeps_what_was_committed(void)
{
    for (int round = 0; round < 5; round++) {
        int pipes[2];
        CHECK_INT(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            struct db *db = NULL;
            char name[64];
            if (db_open(path_of("kill.db"), &db, NULL) != RC_OK || db_migrate(db, schema, 2, NULL) != RC_OK)
                _exit(1);
            for (int i = 0;; i++) {
                snprintf(name, sizeof name, "%d-%d", round, i);
                if (db_begin(db, DB_WRITE, NULL) != RC_OK)
                    _exit(2);
                insert(db, name);
                if (db_end(db, true, NULL) != RC_OK || write(pipes[1], "x", 1) != 1)
                    _exit(3);
            }
        }
        char seen[1];
        for (int i = 0; i < 20; i++)
            CHECK_INT(read(pipes[0], seen, 1), 1);
        kill(child, SIGKILL);
        int status;
        CHECK_INT(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status));
        close(pipes[1]);
        int64_t told = 20;
        while (read(pipes[0], seen, 1) == 1)
            told++;
        close(pipes[0]);
        struct db *db = NULL;
        struct err err;
        CHECK_INT(db_open(path_of("kill.db"), &db, &err), RC_OK);
        CHECK_INT(db_begin(db, DB_READ, &err), RC_OK);
        struct db_query q = db_query(db, "SELECT count(*) FROM one WHERE name GLOB ?1");
        char glob[16];
        snprintf(glob, sizeof glob, "%d-*", round);
        db_put_text(&q, str_of(glob));
        int64_t there = db_one_i64(&q, -1);
        CHECK(there == told || there == told + 1);
        CHECK_INT(db_end(db, true, &err), RC_OK);
        db_close(db);
    }
}

static const struct test tests[] = {
    {"values come back", values_come_back},
    {"a failure sticks and rolls back", a_failure_sticks_and_rolls_back},
    {"a full arena is a failure", a_full_arena_is_a_failure},
    {"a full disk loses nothing", a_full_disk_loses_nothing},
    {"versions", versions},
    {"files that are refused", files_that_are_refused},
    {"damage is seen", damage_is_seen},
    {"a kill keeps what was committed", a_kill_keeps_what_was_committed},
};

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-db-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    int result = test_run(tests, ARRAY_LEN(tests), argc, argv);
    static const char *const names[] = {"full.db", "version.db", "garbage.db", "link.db", "damage.db", "kill.db"};
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(ends); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", names[i / ARRAY_LEN(ends)], ends[i % ARRAY_LEN(ends)]);
        unlink(path_of(name));
    }
    rmdir(path_of("folder.db"));
    rmdir(folder);
    return result;
}
