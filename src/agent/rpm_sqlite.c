/* rpm_sqlite.c - the headers in the table Packages of rpm's SQLite file. Numbers are big-endian, pages begin at 1.
 *
 *   page 1: head, table of tables ──Packages──► root ──► pages ──► leaves: cells ──► overflow pages
 *   -wal:   head, frames: (head, page); the last frame of a page before the last commit takes the page's place */
#include "agent/rpm_database.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define HEAD         100u
#define DEPTH_MAX    20u /* as SQLite: BTCURSOR_MAX_DEPTH */
#define PAGE_LEAST   512u
#define USABLE_LEAST 480u
#define LEAF         0x0du
#define INNER        0x05u
#define LOG_HEAD     32u
#define FRAME_HEAD   24u
#define FRAMES_MAX   131072u /* half a GiB of pages of 4 KiB: a log that is larger is not read */
#define SCHEMA_MAX   512u    /* what is looked at of a row of the table of tables */

struct sqlite {
    struct rpm_walk *walk;
    uint32_t page_size;
    uint32_t usable;
    uint64_t *frames; /* page << 32 | number of the frame from 1, in order; what was committed */
    size_t frame_count;
    size_t frame_room;
    uint32_t root; /* of Packages */
};

/* ---- the log ---- */

struct sum {
    uint32_t a, b;
    bool big;
};

static void sum_add(struct sum *sum, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i + 8 <= n; i += 8) {
        sum->a += (sum->big ? get_be32(bytes + i) : get_le32(bytes + i)) + sum->b;
        sum->b += (sum->big ? get_be32(bytes + i + 4) : get_le32(bytes + i + 4)) + sum->a;
    }
}

static bool sum_is(const struct sum *sum, const uint8_t *bytes)
{
    return get_be32(bytes) == sum->a && get_be32(bytes + 4) == sum->b;
}

static bool frame_note(struct sqlite *sqlite, size_t number, uint32_t page)
{
    if (number > FRAMES_MAX)
        return false;
    if (number > sqlite->frame_room) {
        size_t room = MAX(sqlite->frame_room * 2, (size_t)256);
        uint64_t *grown = memory_resize(sqlite->frames, room * sizeof *grown);
        if (!grown)
            return false;
        sqlite->frames = grown;
        sqlite->frame_room = room;
    }
    sqlite->frames[number - 1] = (uint64_t)page << 32 | number;
    return true;
}

static int frame_order(const void *a, const void *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left < right ? -1 : left > right;
}

/* A log of another generation, or one whose head is not whole, holds nothing; nor does anything behind the first frame
 * that is not of this one. */
static bool log_open(struct sqlite *sqlite)
{
    struct rpm_walk *walk = sqlite->walk;
    const struct rpm_file *log = &walk->database->log;
    uint8_t head[LOG_HEAD];
    uint8_t frame[FRAME_HEAD];
    if (log->size < sizeof head || !rpm_walk_read(walk, log, 0, head, sizeof head))
        return log->size < sizeof head;
    struct sum sum = {.big = get_be32(head) & 1};
    sum_add(&sum, head, FRAME_HEAD);
    if ((get_be32(head) & ~1u) != 0x377f0682u || get_be32(head + 4) != 3007000 ||
        get_be32(head + 8) != sqlite->page_size || !sum_is(&sum, head + FRAME_HEAD))
        return true;
    uint64_t size = FRAME_HEAD + sqlite->page_size;
    for (uint64_t at = LOG_HEAD, number = 1; log->size - at >= size; at += size, number++) {
        if (!rpm_walk_read(walk, log, at, frame, sizeof frame) ||
            !rpm_walk_read(walk, log, at + FRAME_HEAD, walk->page, sqlite->page_size))
            return false;
        sum_add(&sum, frame, 8);
        sum_add(&sum, walk->page, sqlite->page_size);
        if (memcmp(frame + 8, head + 16, 8) != 0 || !sum_is(&sum, frame + 16))
            break;
        if (!frame_note(sqlite, number, get_be32(frame)))
            return false;
        if (get_be32(frame + 4)) /* committed so far */
            sqlite->frame_count = number;
    }
    if (sqlite->frame_count)
        qsort(sqlite->frames, sqlite->frame_count, sizeof *sqlite->frames, frame_order);
    return true;
}

/* The last frame that has the page; 0: none. */
static uint32_t frame_find(const struct sqlite *sqlite, uint32_t page)
{
    size_t from = 0;
    size_t to = sqlite->frame_count;
    while (from < to) { /* the first that is of a page behind it */
        size_t middle = from + (to - from) / 2;
        if (sqlite->frames[middle] >> 32 <= page)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == 0 || sqlite->frames[from - 1] >> 32 != page)
        return 0;
    return (uint32_t)sqlite->frames[from - 1];
}

/* ---- pages ---- */

static bool page_read(struct sqlite *sqlite, uint32_t page, uint64_t at, void *bytes, size_t n)
{
    const struct rpm_database *database = sqlite->walk->database;
    if (page == 0 || at + n > sqlite->page_size)
        return false;
    uint64_t frame = frame_find(sqlite, page);
    if (!frame)
        return rpm_walk_read(sqlite->walk, &database->file, (page - UINT64_C(1)) * sqlite->page_size + at, bytes, n);
    uint64_t begin = LOG_HEAD + (frame - 1) * (FRAME_HEAD + sqlite->page_size) + FRAME_HEAD;
    return rpm_walk_read(sqlite->walk, &database->log, begin + at, bytes, n);
}

/* Seven bits a byte, the highest first; the ninth byte has eight. */
static uint64_t number_read(struct reader *reader)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        uint8_t byte = read_u8(reader);
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80)
            return value;
    }
    return value << 8 | read_u8(reader);
}

struct cell {
    uint32_t page;
    uint64_t at;       /* of its first bytes in the page */
    uint64_t size;     /* in all */
    size_t here;       /* of them in the page */
    uint32_t overflow; /* where the others begin; 0: there are none */
};

static bool cell_read(struct sqlite *sqlite, uint32_t page, uint64_t at, struct cell *ret_cell)
{
    uint8_t bytes[18];
    uint8_t next[4];
    if (at >= sqlite->usable)
        return false;
    size_t n = MIN(sizeof bytes, sqlite->usable - at);
    if (!page_read(sqlite, page, at, bytes, n))
        return false;
    struct reader reader = reader_of(str_at(bytes, n));
    *ret_cell = (struct cell){.page = page, .size = number_read(&reader)};
    IGNORE(number_read(&reader)); /* the row's number */
    ret_cell->at = at + reader.at;
    uint64_t most = sqlite->usable - 35;
    uint64_t least = (sqlite->usable - 12) * UINT64_C(32) / 255 - 23;
    if (reader.failed || ret_cell->size > INT32_MAX)
        return false;
    if (ret_cell->size <= most) {
        ret_cell->here = ret_cell->size;
        return ret_cell->at + ret_cell->here <= sqlite->usable;
    }
    uint64_t wished = least + (ret_cell->size - least) % (sqlite->usable - 4);
    ret_cell->here = wished <= most ? wished : least;
    if (ret_cell->at + ret_cell->here + sizeof next > sqlite->usable ||
        !page_read(sqlite, page, ret_cell->at + ret_cell->here, next, sizeof next))
        return false;
    ret_cell->overflow = get_be32(next);
    return true;
}

typedef bool (*cell_each)(struct sqlite *sqlite, const struct cell *cell);

static bool leaf_read(struct sqlite *sqlite, uint32_t page, uint64_t head, size_t count, cell_each each)
{
    uint8_t place[2];
    struct cell cell;
    for (size_t i = 0; i < count; i++)
        if (!page_read(sqlite, page, head + 8 + 2 * i, place, sizeof place) ||
            !cell_read(sqlite, page, get_be16(place), &cell) || !each(sqlite, &cell))
            return false;
    return true;
}

/* The page below: that of a cell, behind the last cell that of the head. */
static bool child_read(struct sqlite *sqlite, uint32_t page, uint64_t head, bool last, size_t which,
                       uint32_t *ret_child)
{
    uint8_t bytes[4];
    uint64_t at = head + 8;
    if (!last) {
        if (!page_read(sqlite, page, head + 12 + 2 * which, bytes, 2))
            return false;
        at = get_be16(bytes);
    }
    if (!page_read(sqlite, page, at, bytes, sizeof bytes))
        return false;
    *ret_child = get_be32(bytes);
    return true;
}

static bool table_read(struct sqlite *sqlite, uint32_t root, cell_each each)
{
    struct {
        uint32_t page;
        size_t next;
    } path[DEPTH_MAX] = {{root, 0}};
    size_t depth = 1;
    while (depth) {
        uint8_t bytes[8];
        const uint32_t page = path[depth - 1].page;
        const size_t next = path[depth - 1].next++;
        const uint64_t head = page == 1 ? HEAD : 0;
        if (!page_read(sqlite, page, head, bytes, sizeof bytes))
            return false;
        size_t count = get_be16(bytes + 3);
        if (bytes[0] == LEAF) {
            if (!leaf_read(sqlite, page, head, count, each))
                return false;
            depth--;
        } else if (bytes[0] != INNER || (next <= count && depth == DEPTH_MAX)) {
            return false;
        } else if (next > count) {
            depth--;
        } else {
            path[depth].next = 0;
            if (!child_read(sqlite, page, head, next == count, next, &path[depth].page))
                return false;
            depth++;
        }
    }
    return true;
}

/* ---- rows ---- */

/* How long a value is, by its type. */
static uint64_t value_size(uint64_t type)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < ARRAY_LEN(sizes) ? sizes[type] : (type - 12) / 2;
}

/* Where the column begins; its type. The types of the row's columns stand in front of their values. */
static bool column_find(struct str row, unsigned column, uint64_t *ret_at, uint64_t *ret_type)
{
    struct reader reader = reader_of(row);
    uint64_t head = number_read(&reader);
    uint64_t at = head;
    uint64_t type = number_read(&reader);
    for (unsigned i = 0; i < column; i++) {
        at += MIN(value_size(type), UINT64_C(1) << 40);
        type = number_read(&reader);
    }
    *ret_at = at;
    *ret_type = type;
    return !reader.failed && reader.at <= head;
}

static struct str text_column(struct str row, unsigned column)
{
    uint64_t at = 0;
    uint64_t type = 0;
    if (!column_find(row, column, &at, &type) || type < 13 || type % 2 == 0 || at > row.n ||
        value_size(type) > row.n - at)
        return STR_NONE;
    return str_slice(row, at, at + value_size(type));
}

/* type, name, tbl_name, rootpage, sql */
static bool schema_row(struct sqlite *sqlite, const struct cell *cell)
{
    uint8_t bytes[SCHEMA_MAX];
    uint64_t at = 0;
    uint64_t type = 0;
    uint32_t root = 0;
    size_t n = MIN(cell->here, sizeof bytes);
    if (!page_read(sqlite, cell->page, cell->at, bytes, n))
        return false;
    struct str row = str_at(bytes, n);
    if (!str_is(text_column(row, 0), "table") || !str_is(text_column(row, 1), "Packages"))
        return true;
    if (!column_find(row, 3, &at, &type) || type < 1 || type > 4 || at + type > n)
        return false;
    for (size_t i = 0; i < type; i++)
        root = root << 8 | bytes[at + i];
    sqlite->root = root;
    return true;
}

/* hnum, which is the row's own number and therefore empty here; blob, the header. */
static bool package_row(struct sqlite *sqlite, const struct cell *cell)
{
    struct rpm_walk *walk = sqlite->walk;
    uint64_t at = 0;
    uint64_t type = 0;
    if (!page_read(sqlite, cell->page, cell->at, walk->page, cell->here))
        return false;
    struct str row = str_at(walk->page, cell->here);
    if (!column_find(row, 1, &at, &type) || type < 12 || type % 2 || at > row.n || value_size(type) > cell->size - at)
        return false;
    uint64_t left = value_size(type);
    uint32_t page = cell->overflow;
    struct str piece = str_slice(row, at, at + MIN(left, (uint64_t)row.n));
    rpm_header_begin(&walk->header, left, walk->database->brief);
    while (rpm_header_take(&walk->header, piece) && left > piece.n) {
        uint8_t next[4];
        left -= piece.n;
        size_t n = MIN(left, (uint64_t)sqlite->usable - sizeof next);
        if (!page_read(sqlite, page, 0, walk->page, sizeof next + n))
            return false;
        page = get_be32(walk->page);
        piece = str_at(walk->page + sizeof next, n);
    }
    return rpm_walk_give(walk);
}

bool rpm_sqlite_read(struct rpm_walk *walk)
{
    struct sqlite sqlite = {.walk = walk};
    uint8_t head[HEAD];
    if (!rpm_walk_read(walk, &walk->database->file, 0, head, sizeof head))
        return false;
    sqlite.page_size = get_be16(head + 16) == 1 ? RPM_PAGE_MAX : get_be16(head + 16);
    if (sqlite.page_size < PAGE_LEAST || (sqlite.page_size & (sqlite.page_size - 1)) ||
        sqlite.page_size - head[20] < USABLE_LEAST)
        return false;
    sqlite.usable = sqlite.page_size - head[20];
    bool whole = log_open(&sqlite) && table_read(&sqlite, 1, schema_row) && sqlite.root != 0 &&
                 table_read(&sqlite, sqlite.root, package_row);
    memory_free(sqlite.frames);
    return whole;
}
