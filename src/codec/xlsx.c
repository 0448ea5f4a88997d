/* xlsx.c - a workbook read: which sheets there are, the texts that they share, then sheet by sheet. */
#include "codec/xlsx.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "codec/utf8.h"
#include "codec/xml.h"
#include "codec/zipfile.h"

#include <string.h>

#define SHARED_MAX  200000u
#define ARENA_BYTES (3 * XLSX_BYTES_MAX)
#define CELL_BYTES  ((size_t)1 << 20)

enum cell_type { CELL_PLAIN, CELL_SHARED, CELL_INLINE };

struct sheet {
    struct str name, id, target;
};

struct reading {
    struct zipfile *file;
    struct arena *arena;
    size_t left; /* bytes that may still be unpacked */
    struct sheet sheet[XLSX_SHEETS_MAX];
    size_t sheets;
    struct str *shared;
    size_t shared_count;
    struct buf text; /* of the cell or shared text that is open */
    enum cell_type type;
    uint32_t row, column;
    bool row_known;
    size_t cells;
    size_t at; /* the sheet that is read */
    xlsx_cell cell;
    void *context;
    enum rc rc; /* why a walk was ended */
    const char *reason;
};

static bool stop(struct reading *r, enum rc rc, const char *reason)
{
    if (r->rc == RC_OK) {
        r->rc = rc;
        r->reason = reason;
    }
    return false;
}

/* --- parts --- */

/* The part of this name; RC_END: there is none. */
static enum rc part_read(struct reading *r, struct str name, struct str *ret_bytes, struct err *err)
{
    for (size_t i = 0; i < zipfile_count(r->file); i++) {
        struct zipfile_entry entry;
        enum rc rc = zipfile_entry(r->file, i, &entry, err);
        if (rc != RC_OK)
            return rc;
        if (!str_eq(entry.name, name))
            continue;
        rc = zipfile_read(r->file, i, MIN(r->left, XLSX_PART_MAX), r->arena, ret_bytes, err);
        if (rc == RC_OK)
            r->left -= MIN(ret_bytes->n, r->left);
        return rc;
    }
    return RC_END;
}

static enum rc part_walk(struct reading *r, struct str name, const struct xml_sink *sink, struct err *err)
{
    struct str bytes;
    r->rc = RC_OK;
    enum rc rc = part_read(r, name, &bytes, err);
    if (rc != RC_OK)
        return rc;
    rc = xml_walk(bytes, sink, r, err);
    rc = rc == RC_DENIED ? RC_INVALID : rc; /* a spreadsheet declares no entities */
    return rc == RC_END ? err_set(err, r->rc, "xlsx: %s", r->reason) : rc;
}

static struct str copy(struct reading *r, struct str text)
{
    struct str made = arena_str(r->arena, text.p ? text : STR(""));
    if (!made.p)
        stop(r, RC_LIMIT, "no memory");
    return made;
}

/* --- the workbook --- */

static bool workbook_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct reading *r = context;
    if (!str_is(path, "workbook/sheets/sheet"))
        return true;
    if (r->sheets == XLSX_SHEETS_MAX)
        return stop(r, RC_LIMIT, "too many sheets");
    r->sheet[r->sheets].name = copy(r, xml_attribute(attributes, "name"));
    r->sheet[r->sheets].id = copy(r, xml_attribute(attributes, "id"));
    r->sheet[r->sheets].target = STR("");
    r->sheets++;
    return r->rc == RC_OK;
}

static bool nothing_end(void *context, struct str path, struct str text)
{
    (void)context, (void)path, (void)text;
    return true;
}

static bool relation_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct reading *r = context;
    if (!str_is(path, "Relationships/Relationship") || str_is(xml_attribute(attributes, "TargetMode"), "External"))
        return true;
    struct str id = xml_attribute(attributes, "Id"), target = xml_attribute(attributes, "Target");
    for (size_t i = 0; i < r->sheets; i++) {
        struct buf full;
        if (!id.n || !str_eq(r->sheet[i].id, id))
            continue;
        buf_init(&full, 1024);
        if (!str_starts(target, STR("/")))
            buf_text(&full, "xl/");
        buf_str(&full, str_starts(target, STR("/")) ? str_skip(target, 1) : target);
        r->sheet[i].target = copy(r, buf_view(&full));
        buf_done(&full);
    }
    return r->rc == RC_OK;
}

/* --- shared texts --- */

bool xlsx_escape(struct str text, uint32_t *ret_code)
{
    uint8_t code[2];
    if (text.n < XLSX_ESCAPE_BYTES || !str_starts(text, STR("_x")) || text.p[6] != '_' ||
        !hex_decode(str_slice(text, 2, 6), code, sizeof code))
        return false;
    *ret_code = (uint32_t)code[0] << 8 | code[1];
    return true;
}

static bool is_character(uint32_t code)
{
    return code >= 0x20 ? (code < 0xd800 || code > 0xdfff) && code < 0xfffe : code == 9 || code == 10 || code == 13;
}

static bool text_add(struct reading *r, struct str text)
{
    struct str rest = text;
    while (rest.n) {
        char character[4];
        uint32_t code;
        if (xlsx_escape(rest, &code)) {
            buf_put(&r->text, character, utf8_encode(is_character(code) ? code : UTF8_REPLACEMENT, character));
            rest = str_skip(rest, XLSX_ESCAPE_BYTES);
        } else {
            size_t n = 1 + str_find(str_skip(rest, 1), '_');
            buf_str(&r->text, str_slice(rest, 0, n));
            rest = str_skip(rest, n);
        }
    }
    return r->text.overflow ? stop(r, RC_LIMIT, "a text is too long") : true;
}

static bool shared_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct reading *r = context;
    (void)attributes;
    if (str_is(path, "sst/si"))
        buf_clear(&r->text);
    return true;
}

static bool shared_end(void *context, struct str path, struct str text)
{
    struct reading *r = context;
    if (str_is(path, "sst/si/t") || str_is(path, "sst/si/r/t"))
        return text_add(r, text);
    if (!str_is(path, "sst/si"))
        return true;
    if (r->shared_count == SHARED_MAX)
        return stop(r, RC_LIMIT, "too many shared texts");
    r->shared[r->shared_count++] = copy(r, buf_view(&r->text));
    return r->rc == RC_OK;
}

/* --- sheets --- */

/* "AB12"; false when it is none or outside the limits. */
static bool place_read(struct str place, uint32_t *ret_row, uint32_t *ret_column)
{
    uint64_t row = 0, column = 0;
    size_t i = 0;
    for (; i < place.n && i < 3 && place.p[i] >= 'A' && place.p[i] <= 'Z'; i++)
        column = column * 26 + (uint64_t)(place.p[i] - 'A' + 1);
    if (i == 0 || !str_to_u64(str_skip(place, i), &row) || row == 0 || row > XLSX_ROWS_MAX || column > XLSX_COLUMNS_MAX)
        return false;
    *ret_row = (uint32_t)row - 1;
    *ret_column = (uint32_t)column - 1;
    return true;
}

/* A row or cell that does not say its place follows the one before. Rows only rise. */
static bool row_begin(struct reading *r, struct str number)
{
    uint64_t row = r->row_known ? (uint64_t)r->row + 2 : 1;
    if (number.p && (!str_to_u64(number, &row) || row == 0))
        return stop(r, RC_INVALID, "a row has no number");
    if (row > XLSX_ROWS_MAX)
        return stop(r, RC_LIMIT, "too many rows");
    if (r->row_known && row - 1 <= r->row)
        return stop(r, RC_INVALID, "rows do not rise");
    r->row = (uint32_t)row - 1;
    r->row_known = true;
    r->column = UINT32_MAX;
    return true;
}

static bool cell_begin(struct reading *r, const struct xml_attributes *attributes)
{
    struct str place = xml_attribute(attributes, "r"), type = xml_attribute(attributes, "t");
    uint32_t row = r->row, column = r->column + 1;
    if (place.p && (!place_read(place, &row, &column) || row != r->row))
        return stop(r, RC_LIMIT, "a cell is outside the limits, or not in its row");
    if (column >= XLSX_COLUMNS_MAX || r->cells++ == XLSX_CELLS_MAX)
        return stop(r, RC_LIMIT, "too many cells");
    r->column = column;
    r->type = str_is(type, "s") ? CELL_SHARED : str_is(type, "inlineStr") ? CELL_INLINE : CELL_PLAIN;
    buf_clear(&r->text);
    return true;
}

static bool sheet_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct reading *r = context;
    if (str_is(path, "worksheet/sheetData/row"))
        return row_begin(r, xml_attribute(attributes, "r"));
    if (str_is(path, "worksheet/sheetData/row/c"))
        return cell_begin(r, attributes);
    return true;
}

static bool cell_end(struct reading *r)
{
    uint64_t index = 0;
    struct str text = buf_view(&r->text);
    if (r->type == CELL_SHARED && text.n) {
        if (!str_to_u64(text, &index) || index >= r->shared_count)
            return stop(r, RC_INVALID, "a cell names a shared text that is not there");
        text = r->shared[index];
    }
    if (text.n && !r->cell(r->context, r->sheet[r->at].name, r->row, r->column, text))
        return stop(r, RC_END, "ended");
    return true;
}

static bool sheet_end(void *context, struct str path, struct str text)
{
    struct reading *r = context;
    if (str_is(path, "worksheet/sheetData/row/c"))
        return cell_end(r);
    bool plain = r->type != CELL_INLINE && str_is(path, "worksheet/sheetData/row/c/v");
    bool inside = r->type == CELL_INLINE &&
                  (str_is(path, "worksheet/sheetData/row/c/is/t") || str_is(path, "worksheet/sheetData/row/c/is/r/t"));
    return plain || inside ? text_add(r, text) : true;
}

static enum rc sheets_read(struct reading *r, struct err *err)
{
    static const struct xml_sink sink = {.begin = sheet_begin, .end = sheet_end};
    for (r->at = 0; r->at < r->sheets; r->at++) {
        r->row_known = false;
        r->row = 0;
        enum rc rc = part_walk(r, r->sheet[r->at].target, &sink, err);
        if (rc == RC_END && r->rc == RC_OK)
            return err_set(err, RC_INVALID, "xlsx: a sheet is not there");
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc workbook_read(struct reading *r, struct err *err)
{
    static const struct xml_sink workbook = {.begin = workbook_begin, .end = nothing_end},
                                 relations = {.begin = relation_begin, .end = nothing_end},
                                 shared = {.begin = shared_begin, .end = shared_end};
    r->shared = arena_alloc_array(r->arena, SHARED_MAX, sizeof *r->shared);
    if (!r->shared)
        return err_set(err, RC_LIMIT, "xlsx: no memory");
    if (zipfile_count(r->file) > XLSX_ENTRIES_MAX)
        return err_set(err, RC_LIMIT, "xlsx: too many entries");
    enum rc rc = part_walk(r, STR("xl/workbook.xml"), &workbook, err);
    if (rc == RC_OK)
        rc = part_walk(r, STR("xl/_rels/workbook.xml.rels"), &relations, err);
    if (rc == RC_END)
        return err_set(err, RC_INVALID, "xlsx: there is no workbook in it");
    if (rc == RC_OK)
        rc = part_walk(r, STR("xl/sharedStrings.xml"), &shared, err);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    return sheets_read(r, err);
}

enum rc xlsx_read(struct str bytes, xlsx_cell cell, void *context, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(ARENA_BYTES);
    struct reading *r = arena ? arena_alloc(arena, sizeof *r) : NULL;
    if (!r)
        return err_set(err, RC_LIMIT, "xlsx: no memory");
    *r = (struct reading){.arena = arena, .left = XLSX_BYTES_MAX, .cell = cell, .context = context};
    enum rc rc = zipfile_open(bytes, &r->file, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&r->text, CELL_BYTES);
    rc = workbook_read(r, err);
    buf_done(&r->text);
    zipfile_free(r->file);
    return rc;
}
