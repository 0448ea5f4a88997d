/* rpm_database.h - the packages of an rpm database, read from its file: nothing is started, locked or written.
 *
 *   RHEL 9, Fedora:  rpmdb.sqlite   SQLite: the table Packages, with what its write-ahead log has committed
 *   SUSE:            Packages.db    rpm's own "ndb": slots, and blobs that they lead to
 *   RHEL 7 and 8:    Packages       Berkeley DB: a hash whose values lie on overflow pages
 *
 * A file that is written meanwhile may say anything: whoever reads it sees afterwards whether it stayed the same. What
 * leads in circles ends: reads and their bytes are counted, and 4 GiB of a file are the most. Memory: 130 KiB, and 8
 * bytes a page of the log while it is read.
 * Pure: the bytes come through `read`. Sources: the SQLite database file format (sqlite.org/fileformat2.html, 1 and 4);
 * rpm's own readers of the other two (ndb/rpmpkg.c, bdb_ro.c); Berkeley DB's dbinc/db_page.h. */
#ifndef AGENT_RPM_DATABASE_H
#define AGENT_RPM_DATABASE_H

#include "agent/rpm_header.h"

#include <stdbool.h>
#include <stdint.h>

struct rpm_file {
    bool (*read)(void *context, uint64_t offset, void *bytes, size_t n); /* all of them, or false */
    void *context;
    uint64_t size; /* 0: there is no such file */
};

enum rpm_form { RPM_UNKNOWN, RPM_SQLITE, RPM_NDB, RPM_BERKELEY };

struct rpm_database {
    struct rpm_file file;
    struct rpm_file log; /* SQLite's */
    bool brief;          /* as in rpm_header.h */
};

/* By its first bytes. */
enum rpm_form rpm_database_form(const struct rpm_file *file);

/* False from it ends the reading. A package without a name comes too. */
typedef bool (*rpm_each)(void *context, const struct rpm_package *package);
/* False: it is none, it is damaged, or `each` ended it. */
bool rpm_database_read(const struct rpm_database *database, rpm_each each, void *context) MUST_USE;

/* ---- inside: what the readers of the forms share ---- */

#define RPM_PAGE_MAX 65536u

struct rpm_walk {
    const struct rpm_database *database;
    rpm_each each;
    void *context;
    uint64_t reads_left, bytes_left;
    struct rpm_header header;
    uint8_t page[RPM_PAGE_MAX];
    uint8_t piece[RPM_PAGE_MAX];
};

bool rpm_walk_read(struct rpm_walk *walk, const struct rpm_file *file, uint64_t offset, void *bytes, size_t n);
/* The header's last piece was taken: gives the package. */
bool rpm_walk_give(struct rpm_walk *walk);
bool rpm_sqlite_read(struct rpm_walk *walk);

#endif
