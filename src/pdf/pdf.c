/* pdf.c - where everything goes on the pages. Pages are laid out twice: the first time nothing is drawn, so that each
 * page can say how many there are. */
#include "pdf/pdf.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/utf8.h"
#include "pdf/pdf_fonts.h"

#include <cairo-pdf.h>

/* Points. */
#define PAGE_SHORT  595.276
#define PAGE_LONG   841.89
#define MARGIN      42.0
#define FOOT        20.0 /* of a page's number, below the text */
#define CELL_PAD    3.0
#define GAP         8.0
#define LEADING     1.32
#define WIDE_COLUMN 240.0 /* a column asks for no more than this by itself */
#define SOLID       90.0  /* a word is not broken to make a column narrower than this */
#define WIDE_TABLE  7u    /* from so many columns on the sheet lies */

enum size { SIZE_TITLE, SIZE_CHAPTER, SIZE_TABLE, SIZE_TEXT, SIZE_CELL, SIZE_FOOT };
static const double sizes[] = {15, 12.5, 10, 9, 7.5, 7};

struct sheet {
    const struct pdf_fonts *fonts;
    const struct pdf_document *document;
    struct arena *arena; /* of one row, rewound */
    cairo_t *cairo;      /* NULL: it is only measured */
    double width, height, y;
    size_t page, pages; /* pages 0: not known yet */
    bool full;          /* more than PDF_PAGES_MAX */
    enum pdf_face face; /* that is set */
    double size;
    bool set;
};

/* --- text --- */

static void tag(struct sheet *s, const char *name)
{
    if (s->cairo)
        cairo_tag_begin(s->cairo, name, NULL);
}

static void tag_end(struct sheet *s, const char *name)
{
    if (s->cairo)
        cairo_tag_end(s->cairo, name);
}

/* `text` is clean; y is that of its base line. */
static void text_at(struct sheet *s, enum pdf_face face, double size, double x, double y, struct str text)
{
    struct arena_mark mark = arena_mark(s->arena);
    if (!s->cairo || text.n == 0)
        return;
    if (!s->set || s->face != face || s->size > size || s->size < size) {
        cairo_set_font_face(s->cairo, pdf_face_of(s->fonts, face));
        cairo_set_font_size(s->cairo, size);
        s->face = face;
        s->size = size;
        s->set = true;
    }
    const char *z = arena_strz(s->arena, text);
    cairo_move_to(s->cairo, x, y);
    if (z)
        cairo_show_text(s->cairo, z);
    arena_rewind(s->arena, mark);
}

static struct str clean(struct sheet *s, enum pdf_face face, struct str text)
{
    return pdf_clean(s->fonts, face, text, s->arena);
}

static void rule_at(struct sheet *s, double y, double grey)
{
    if (!s->cairo)
        return;
    cairo_set_source_rgb(s->cairo, grey, grey, grey);
    cairo_set_line_width(s->cairo, 0.4);
    cairo_move_to(s->cairo, MARGIN, y);
    cairo_line_to(s->cairo, s->width - MARGIN, y);
    cairo_stroke(s->cairo);
    cairo_set_source_rgb(s->cairo, 0, 0, 0);
}

/* --- pages --- */

static double bottom(const struct sheet *s)
{
    return s->height - MARGIN - FOOT;
}

static void foot(struct sheet *s)
{
    char storage[64];
    struct buf number;
    struct arena_mark mark = arena_mark(s->arena);
    double y = s->height - MARGIN + sizes[SIZE_FOOT];
    buf_init_fixed(&number, storage, sizeof storage);
    buf_format(&number, "%zu / %zu", s->page, s->pages);
    text_at(s, PDF_REGULAR, sizes[SIZE_FOOT], MARGIN, y, clean(s, PDF_REGULAR, s->document->of));
    double width = pdf_width(s->fonts, PDF_REGULAR, sizes[SIZE_FOOT], buf_view(&number));
    text_at(s, PDF_REGULAR, sizes[SIZE_FOOT], s->width - MARGIN - width, y, buf_view(&number));
    arena_rewind(s->arena, mark);
}

static void page_begin(struct sheet *s)
{
    s->full |= s->page == PDF_PAGES_MAX;
    s->page++;
    s->y = MARGIN;
    s->set = false;
    foot(s);
}

static void page_next(struct sheet *s)
{
    if (s->cairo)
        cairo_show_page(s->cairo);
    page_begin(s);
}

/* Goes on with the next page where `height` finds no place. */
static void room(struct sheet *s, double height)
{
    if (s->y + height > bottom(s) && s->y > MARGIN)
        page_next(s);
}

/* Lines of a text over the whole width. */
static void paragraph(struct sheet *s, const char *name, enum pdf_face face, enum size size, struct str text)
{
    struct arena_mark mark = arena_mark(s->arena);
    struct str rest = clean(s, face, text);
    tag(s, name);
    while (rest.n && !s->full) {
        struct str line = pdf_line(s->fonts, face, sizes[size], s->width - 2 * MARGIN, &rest);
        room(s, sizes[size] * LEADING);
        s->y += sizes[size] * LEADING;
        text_at(s, face, sizes[size], MARGIN, s->y - sizes[size] * (LEADING - 1), line);
    }
    tag_end(s, name);
    arena_rewind(s->arena, mark);
}

/* --- tables --- */

struct columns {
    size_t count;
    double x[PDF_COLUMNS_MAX], width[PDF_COLUMNS_MAX]; /* between the pads */
    bool number[PDF_COLUMNS_MAX];
};

struct wish {
    double least, most;
};

static void wish_cell(const struct sheet *s, struct wish *wish, enum pdf_face face, struct str text)
{
    double word = pdf_word_width(s->fonts, face, sizes[SIZE_CELL], text);
    double whole = pdf_width(s->fonts, face, sizes[SIZE_CELL], text);
    word = MIN(word, SOLID) + 0.01;
    whole = MIN(whole, WIDE_COLUMN) + 0.01;
    wish->least = word > wish->least ? word : wish->least;
    wish->most = whole > wish->most ? whole : wish->most;
}

/* Each column what it wishes; where that is too much, each its longest words and a share of the rest. */
static void columns_share(const struct sheet *s, struct columns *columns, const struct wish *wish)
{
    double all = s->width - 2 * MARGIN - 2 * CELL_PAD * (double)columns->count;
    double least = 0, most = 0, x = MARGIN;
    for (size_t i = 0; i < columns->count; i++) {
        least += wish[i].least;
        most += wish[i].most;
    }
    for (size_t i = 0; i < columns->count; i++) {
        if (most <= all)
            columns->width[i] = wish[i].most + (all - most) / (double)columns->count;
        else if (least < all)
            columns->width[i] = wish[i].least + (all - least) * (wish[i].most - wish[i].least) / (most - least);
        else
            columns->width[i] = wish[i].least * all / least;
        columns->x[i] = x + CELL_PAD;
        x += columns->width[i] + 2 * CELL_PAD;
    }
}

static void columns_of(const struct sheet *s, const struct pdf_table *table, struct columns *columns)
{
    struct wish wish[PDF_COLUMNS_MAX] = {0};
    *columns = (struct columns){.count = table->columns};
    for (size_t i = 0; i < table->columns; i++) {
        columns->number[i] = table->number[i];
        wish_cell(s, &wish[i], PDF_BOLD, table->head[i]);
    }
    for (const struct json_value *row = json_first(table->rows); row; row = row->next) {
        const struct json_value *cell = json_first(row);
        for (size_t i = 0; i < table->columns && cell; i++, cell = cell->next)
            wish_cell(s, &wish[i], PDF_REGULAR, str_slice(json_str(cell, STR("")), 0, PDF_TEXT_MAX));
    }
    columns_share(s, columns, wish);
}

/* What is still to be set of the cells of a row. */
struct row {
    struct str rest[PDF_COLUMNS_MAX];
    enum pdf_face face;
    const char *cell_tag;
};

static size_t lines_of(const struct sheet *s, const struct columns *columns, const struct row *row)
{
    size_t most = 1;
    for (size_t i = 0; i < columns->count; i++) {
        struct str rest = row->rest[i];
        size_t lines = 0;
        for (; rest.n; lines++)
            IGNORE(pdf_line(s->fonts, row->face, sizes[SIZE_CELL], columns->width[i], &rest).n > 0);
        most = MAX(most, lines);
    }
    return most;
}

/* So many lines of each cell, here. */
static void row_part(struct sheet *s, const struct columns *columns, struct row *row, size_t lines)
{
    double leading = sizes[SIZE_CELL] * LEADING, top = s->y + CELL_PAD;
    tag(s, "TR");
    for (size_t i = 0; i < columns->count; i++) {
        tag(s, row->cell_tag);
        for (size_t n = 0; n < lines && row->rest[i].n; n++) {
            struct str line = pdf_line(s->fonts, row->face, sizes[SIZE_CELL], columns->width[i], &row->rest[i]);
            double x = columns->x[i], y = top + leading * (double)n + sizes[SIZE_CELL];
            if (columns->number[i])
                x += columns->width[i] - pdf_width(s->fonts, row->face, sizes[SIZE_CELL], line);
            text_at(s, row->face, sizes[SIZE_CELL], x, y, line);
        }
        tag_end(s, row->cell_tag);
    }
    tag_end(s, "TR");
    s->y = top + leading * (double)lines + CELL_PAD;
    rule_at(s, s->y, row->face == PDF_BOLD ? 0.45 : 0.8);
}

static void head_row(struct sheet *s, const struct columns *columns, const struct pdf_table *table)
{
    struct arena_mark mark = arena_mark(s->arena);
    struct row row = {.face = PDF_BOLD, .cell_tag = "TH"};
    for (size_t i = 0; i < table->columns; i++)
        row.rest[i] = clean(s, PDF_BOLD, table->head[i]);
    row_part(s, columns, &row, MIN(lines_of(s, columns, &row), (size_t)12));
    arena_rewind(s->arena, mark);
}

/* A row that is longer than what is left of the page goes on with the next, below the heads. */
static void body_row(struct sheet *s, const struct columns *columns, const struct pdf_table *table, struct row *row)
{
    double leading = sizes[SIZE_CELL] * LEADING;
    for (size_t left = lines_of(s, columns, row); left > 0 && !s->full;) {
        double space = bottom(s) - s->y - 2 * CELL_PAD;
        size_t fit = space > leading ? (size_t)(space / leading) : 0;
        bool whole = fit >= left;
        if (!whole && (fit < 3 || left <= 12)) {
            page_next(s);
            head_row(s, columns, table);
            space = bottom(s) - s->y - 2 * CELL_PAD;
            fit = MAX((size_t)(space / leading), (size_t)1);
        }
        size_t now = MIN(left, fit);
        row_part(s, columns, row, now);
        left -= now;
    }
}

static void table_set(struct sheet *s, const struct pdf_table *table)
{
    struct columns columns;
    if (table->title.n) {
        s->y += GAP / 2;
        room(s, 60);
        paragraph(s, "H3", PDF_BOLD, SIZE_TABLE, table->title);
    }
    if (table->columns && json_first(table->rows)) {
        columns_of(s, table, &columns);
        tag(s, "Table");
        room(s, 45);
        head_row(s, &columns, table);
        for (const struct json_value *row = json_first(table->rows); row && !s->full; row = row->next) {
            struct arena_mark mark = arena_mark(s->arena);
            struct row set = {.face = table->totals && !row->next ? PDF_BOLD : PDF_REGULAR, .cell_tag = "TD"};
            const struct json_value *cell = json_first(row);
            for (size_t i = 0; i < columns.count && cell; i++, cell = cell->next)
                set.rest[i] = clean(s, set.face, json_str(cell, STR("")));
            body_row(s, &columns, table, &set);
            arena_rewind(s->arena, mark);
        }
        tag_end(s, "Table");
    }
    if (table->note.n)
        paragraph(s, "P", PDF_REGULAR, SIZE_TEXT, table->note);
    s->y += GAP;
}

/* Name and value, side by side. */
static void facts_set(struct sheet *s)
{
    struct pdf_table table = {.columns = 2, .rows = s->document->facts};
    struct columns columns;
    if (!json_first(table.rows))
        return;
    columns_of(s, &table, &columns);
    tag(s, "Table");
    for (const struct json_value *fact = json_first(table.rows); fact && !s->full; fact = fact->next) {
        struct arena_mark mark = arena_mark(s->arena);
        const struct json_value *name = json_first(fact);
        struct row row = {.cell_tag = "TD"};
        row.rest[0] = clean(s, PDF_REGULAR, json_str(name, STR("")));
        row.rest[1] = clean(s, PDF_REGULAR, json_str(name ? name->next : NULL, STR("")));
        body_row(s, &columns, &table, &row);
        arena_rewind(s->arena, mark);
    }
    tag_end(s, "Table");
    s->y += GAP;
}

/* --- the whole --- */

static void document_set(struct sheet *s)
{
    const struct pdf_document *document = s->document;
    s->page = 0;
    page_begin(s);
    tag(s, "Document");
    paragraph(s, "H1", PDF_BOLD, SIZE_TITLE, document->title);
    s->y += GAP;
    facts_set(s);
    for (size_t i = 0; i < document->block_count && !s->full; i++) {
        if (document->block[i].table) {
            table_set(s, document->block[i].table);
        } else {
            s->y += GAP;
            room(s, 90);
            paragraph(s, "H2", PDF_BOLD, SIZE_CHAPTER, document->block[i].chapter);
        }
    }
    if (document->signature.n) {
        room(s, 40);
        s->y += 2 * GAP;
        paragraph(s, "P", PDF_REGULAR, SIZE_TEXT, document->signature);
    }
    tag_end(s, "Document");
}

static cairo_status_t bytes_take(void *context, const unsigned char *bytes, unsigned n)
{
    struct buf *out = context;
    buf_put(out, bytes, n);
    return out->overflow ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static void describe(const struct pdf_document *document, struct arena *arena, cairo_surface_t *surface)
{
    char time[CIVIL_TEXT_MAX];
    int64_t made_s = MIN(MAX(document->made_s, 0), INT64_MAX / SECOND_NS);
    const struct {
        cairo_pdf_metadata_t what;
        struct str text;
    } rows[] = {{CAIRO_PDF_METADATA_TITLE, document->title},
                {CAIRO_PDF_METADATA_SUBJECT, document->subject},
                {CAIRO_PDF_METADATA_AUTHOR, document->author},
                {CAIRO_PDF_METADATA_CREATOR, STR("Qorgan")}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str valid = utf8_make_valid(arena, rows[i].text);
        const char *z = valid.n ? arena_strz(arena, valid) : NULL;
        if (z)
            cairo_pdf_surface_set_metadata(surface, rows[i].what, z);
    }
    civil_format(made_s * SECOND_NS, 0, 0, time);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, time);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, time);
}

static bool lies(const struct pdf_document *document)
{
    for (size_t i = 0; i < document->block_count; i++)
        if (document->block[i].table && document->block[i].table->columns >= WIDE_TABLE)
            return true;
    return false;
}

static enum rc sheets_draw(struct sheet *sheet, struct buf *out, struct err *err)
{
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(bytes_take, out, sheet->width, sheet->height);
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_5);
    describe(sheet->document, sheet->arena, surface);
    sheet->cairo = cairo_create(surface);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(sheet->cairo, options);
    document_set(sheet);
    cairo_status_t status = cairo_status(sheet->cairo);
    cairo_font_options_destroy(options);
    cairo_destroy(sheet->cairo);
    cairo_surface_finish(surface);
    status = status ? status : cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (out->overflow)
        return err_set(err, RC_LIMIT, "the document is too large");
    return status == CAIRO_STATUS_SUCCESS
               ? RC_OK
               : err_set(err, RC_LIMIT, "could not draw a document: %s", cairo_status_to_string(status));
}

enum rc pdf_draw(const struct pdf_fonts *fonts, const struct pdf_document *document, struct arena *arena,
                 struct buf *out, struct err *err)
{
    bool wide = lies(document);
    struct sheet sheet = {.fonts = fonts,
                          .document = document,
                          .arena = arena,
                          .width = wide ? PAGE_LONG : PAGE_SHORT,
                          .height = wide ? PAGE_SHORT : PAGE_LONG};
    document_set(&sheet);
    if (sheet.full)
        return err_set(err, RC_LIMIT, "the document has more than %u pages", PDF_PAGES_MAX);
    sheet.pages = sheet.page;
    return sheets_draw(&sheet, out, err);
}
