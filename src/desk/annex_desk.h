/* annex_desk.h - what the desk keeps of coverage of order 52/НҚ, Annex 4, by source. Inside this room.
 *
 *   engines ─ desk_count_rules ─► annex_store (same transaction) ─► tables annex_count, annex_source
 *   clock ─── desk_watch_annex ─► annex_look (judge) ─► record coverage.missing when findings changed; table annex_told
 *   people ── ask_coverage_*    ─► annex_look; coverage.set: classes of a source, with a reason
 *
 * The database is the truth; memory holds what lists need of every source (at most DESK_SOURCES_MAX), as it was judged
 * last. Rows of a source past the limit are not stored: annex->lost counts their records. */
#ifndef DESK_ANNEX_DESK_H
#define DESK_ANNEX_DESK_H

#include "base/map.h"
#include "desk/inside.h"

#define ANNEX_NAME_MAX 128u

struct annex_source {
    uint8_t id[16];
    int64_t known_ns; /* its first record was received */
    unsigned set;     /* classes that a person set, a bit each; 0: none did */
    /* as it was judged last */
    bool is_judged;
    unsigned classes;
    int64_t object;
    uint64_t records;
    uint64_t seen[ANNEX_CLASS_COUNT]; /* a bit for each row of the class */
    uint64_t missing[ANNEX_CLASS_COUNT];
};

/* A source looked at. Texts live in the desk's scratch. */
struct annex_view {
    struct annex_source *source;
    struct str kind, name, host, reason, who;
    int64_t changed_ns;
    bool due;
    enum annex_class main;
    uint64_t class_records[ANNEX_CLASS_COUNT]; /* as derived record by record */
    struct annex_formats formats;              /* of all classes */
    struct annex_seen seen[ANNEX_CLASS_COUNT]; /* of judged classes; what is of no such is in `main` */
    struct annex_cell cell[ANNEX_CLASS_COUNT][ANNEX_CLASS_ROWS];
};

struct desk_annex {
    bool is_on; /* the tables were given */
    struct annex table;
    int64_t after_ns; /* a source known for so long is due */
    struct map *index;
    struct annex_source *source;
    size_t count;
    size_t room;
    uint64_t lost; /* records of sources past the limit */
    size_t next;   /* to be watched */
    int64_t pass_ns;
    struct annex_view view;
};

bool desk_annex_new(struct desk *desk);
void desk_annex_free(struct desk *desk);
void desk_annex_after(struct desk *desk, int64_t days);
enum rc desk_annex_read(struct desk *desk, const struct desk_data *data, struct err *err) MUST_USE;

/* In a transaction. */
void annex_load(struct desk *desk);
void annex_store(struct desk *desk, const struct desk_annex_count *counts, size_t n);
/* Once it has held. */
void annex_remember(struct desk *desk, const struct desk_annex_count *counts, size_t n);
struct annex_source *annex_source_of(const struct desk *desk, const uint8_t id[16]);
/* In a transaction: reads and judges a source into annex->view. */
struct annex_view *annex_look(struct desk *desk, struct annex_source *source, int64_t now_ns);
/* Classes as a JSON array of keys. */
void annex_classes_put(struct buf *out, const char *key, unsigned classes);
size_t annex_bits(uint64_t bits);

#endif
