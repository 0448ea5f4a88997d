#include "cmd/search_print.h"

#include "base/civil.h"
#include "codec/json.h"
#include "paper/visible.h"
#include "role/hit.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES ((size_t)64 << 20)
#define WIDTH_MAX  60 /* of a column of text, in characters; longer cells push the rest */
#define GAP        2

static void put_time(struct buf *out, const char *key, int64_t time_ns)
{
    char text[CIVIL_TEXT_MAX];
    size_t n = civil_format(time_ns, 0, 9, text);
    json_put_str(out, key, str_at(text, n));
}

static void put_json(struct search_print *p, const struct archive_hit *hit)
{
    struct buf *out = &p->line;
    json_write_object(out);
    json_put_u64(out, "record", hit->leaf.index);
    put_time(out, "time", hit->event.time_ns);
    put_time(out, "received", hit->leaf.received_ns);
    json_put_str(out, "source", hit->source.name);
    json_put_str(out, "source_kind", hit->source.kind);
    json_put_text(out, "type", leaf_type_name(hit->leaf.type));
    json_put_text(out, "transport", transport_name(hit->leaf.transport));
    json_put_text(out, "parser", hit->event.parser ? hit->event.parser : "");
    json_put_str(out, "raw", hit->raw);
    hit_write_derived(out, hit, p->names);
    json_write_object_end(out);
}

static void put_text(struct search_print *p, const struct archive_hit *hit)
{
    char time[CIVIL_TEXT_MAX];
    size_t n = civil_format(hit->event.time_ns, 0, 3, time);
    buf_u64(&p->line, hit->leaf.index);
    buf_char(&p->line, ' ');
    buf_put(&p->line, time, n);
    buf_char(&p->line, ' ');
    visible_show(&p->line, hit->source.name.n ? hit->source.name : STR("-"));
    buf_text(&p->line, ": ");
    visible_show(&p->line, hit->raw);
}

/* ---- cells ---- */

static struct str moment(int64_t time_ns, int digits, char room[CIVIL_TEXT_MAX])
{
    return str_at(room, civil_format(time_ns, 0, time_ns % SECOND_NS ? digits : 0, room));
}

/* A cell of a table, or of an event whose columns were chosen. */
static struct str cell_text(const struct query_column *column, const struct search_cell *cell,
                            char room[CIVIL_TEXT_MAX])
{
    struct buf out;
    switch (column->kind) {
    case QUERY_COLUMN_MOMENT:
        return moment(cell->number, 9, room);
    case QUERY_COLUMN_COUNT:
        buf_init_fixed(&out, room, CIVIL_TEXT_MAX);
        buf_i64(&out, cell->number);
        return buf_view(&out);
    case QUERY_COLUMN_TEXT:
        break;
    }
    return cell->text;
}

static void put_csv(struct buf *out, struct str text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.n && !quoted; i++)
        quoted = strchr(",\"\r\n", text.p[i]) != NULL;
    if (!quoted) {
        buf_str(out, text);
        return;
    }
    buf_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_char(out, '"');
        buf_char(out, text.p[i]);
    }
    buf_char(out, '"');
}

/* Of what visible_show makes of it. */
static size_t width_of(struct str text)
{
    size_t width = 0;
    while (text.n > 0) {
        size_t n = visible_character(text);
        width += n ? 1 : sizeof "\\xff" - 1;
        text = str_skip(text, MAX(n, 1));
    }
    return width;
}

/* `width` of 0: as it is; a count stands at the right. */
static void put_padded(struct buf *out, struct str text, size_t width, bool right, bool last)
{
    size_t blanks = width > width_of(text) ? width - width_of(text) : 0;
    for (size_t i = 0; i < blanks && right; i++)
        buf_char(out, ' ');
    visible_show(out, text);
    for (size_t i = 0; i < blanks && !right && !last; i++)
        buf_char(out, ' ');
    for (size_t i = 0; i < GAP && !last; i++)
        buf_char(out, ' ');
}

static void put_row(struct search_print *p, const struct search_cell *cells, const size_t *width)
{
    char room[CIVIL_TEXT_MAX];
    if (p->form == SEARCH_JSON)
        json_write_object(&p->line);
    for (size_t i = 0; i < p->columns; i++) {
        struct str text = cell_text(&p->column[i], &cells[i], room);
        bool count = p->column[i].kind == QUERY_COLUMN_COUNT;
        switch (p->form) {
        case SEARCH_JSON:
            json_write_key_slice(&p->line, p->column[i].name);
            if (count)
                json_write_int(&p->line, cells[i].number);
            else
                json_write_str(&p->line, text);
            break;
        case SEARCH_CSV:
            if (i)
                buf_char(&p->line, ',');
            put_csv(&p->line, text);
            break;
        case SEARCH_TEXT:
        case SEARCH_RAW:
            put_padded(&p->line, text, width[i], count, i + 1 == p->columns);
            break;
        }
    }
    if (p->form == SEARCH_JSON)
        json_write_object_end(&p->line);
}

static void put_heads(struct search_print *p, const size_t *width)
{
    for (size_t i = 0; i < p->columns; i++) {
        if (p->form == SEARCH_CSV) {
            if (i)
                buf_char(&p->line, ',');
            put_csv(&p->line, p->column[i].name);
        } else {
            put_padded(&p->line, p->column[i].name, width[i], p->column[i].kind == QUERY_COLUMN_COUNT,
                       i + 1 == p->columns);
        }
    }
}

/* ---- lines ---- */

static bool line_out(struct search_print *p)
{
    buf_char(&p->line, '\n');
    struct str line = buf_view(&p->line);
    p->failed = p->failed || p->line.overflow || fwrite(line.p, 1, line.n, stdout) != line.n;
    buf_clear(&p->line);
    return !p->failed;
}

static bool heads_out(struct search_print *p, const size_t *width)
{
    if (p->headed || p->form == SEARCH_JSON)
        return true;
    p->headed = true;
    put_heads(p, width);
    return line_out(p);
}

static bool print_cells(struct search_print *p, const struct archive_hit *hit)
{
    static const size_t width[QUERY_COLUMNS_MAX];
    struct search_cell cells[QUERY_COLUMNS_MAX];
    static char room[QUERY_COLUMNS_MAX][QUERY_CELL_MAX];
    for (size_t i = 0; i < p->columns; i++) {
        cells[i].number = 0;
        cells[i].text = query_cell(p->query, i, hit, p->names, room[i], &cells[i].number);
    }
    if (!heads_out(p, width))
        return false;
    put_row(p, cells, width);
    return line_out(p);
}

static bool print_csv(struct search_print *p, const struct archive_hit *hit)
{
    char room[CIVIL_TEXT_MAX];
    if (!p->headed) {
        buf_text(&p->line, "record,time,received,source,type,raw");
        p->headed = true;
        if (!line_out(p))
            return false;
    }
    buf_u64(&p->line, hit->leaf.index);
    buf_char(&p->line, ',');
    buf_str(&p->line, moment(hit->event.time_ns, 9, room));
    buf_char(&p->line, ',');
    buf_str(&p->line, moment(hit->leaf.received_ns, 9, room));
    buf_char(&p->line, ',');
    put_csv(&p->line, hit->source.name);
    buf_char(&p->line, ',');
    buf_text(&p->line, leaf_type_name(hit->leaf.type));
    buf_char(&p->line, ',');
    put_csv(&p->line, hit->raw);
    return line_out(p);
}

void search_print_open(struct search_print *print, enum search_form form, const struct query *query)
{
    *print = (struct search_print){.form = form, .query = query};
    print->columns = query_columns(query, print->column, ARRAY_LEN(print->column));
    buf_init(&print->line, LINE_BYTES);
}

void search_print_close(struct search_print *print)
{
    buf_done(&print->line);
}

bool search_print_hit(struct search_print *print, const struct archive_hit *hit)
{
    if (print->columns)
        return print_cells(print, hit);
    switch (print->form) {
    case SEARCH_JSON:
        put_json(print, hit);
        break;
    case SEARCH_TEXT:
        put_text(print, hit);
        break;
    case SEARCH_RAW:
        buf_str(&print->line, hit->raw);
        break;
    case SEARCH_CSV:
        return print_csv(print, hit);
    }
    return line_out(print);
}

bool search_print_table(struct search_print *print, const struct search_table *table, uint64_t limit)
{
    size_t width[QUERY_COLUMNS_MAX] = {0};
    size_t rows = limit && table->rows > limit ? (size_t)limit : table->rows;
    char room[CIVIL_TEXT_MAX];
    for (size_t i = 0; i < table->columns; i++) {
        width[i] = width_of(table->column[i].name);
        for (size_t r = 0; r < rows; r++) {
            size_t n = width_of(cell_text(&table->column[i], &table->cells[r * table->columns + i], room));
            width[i] = MAX(width[i], MIN(n, (size_t)WIDTH_MAX));
        }
    }
    bool ok = heads_out(print, width);
    for (size_t r = 0; r < rows && ok; r++) {
        put_row(print, &table->cells[r * table->columns], width);
        ok = line_out(print);
    }
    return ok;
}

bool search_print_explain(struct search_print *print, const struct search_result *result, uint64_t elapsed_ns)
{
    const struct search_explain *e = &result->explain;
    if (print->form == SEARCH_JSON) {
        json_write_object(&print->line);
        json_write_key(&print->line, "explain");
        search_explain_write(&print->line, e);
        json_put_u64(&print->line, "scanned", result->scanned);
        json_put_u64(&print->line, "matched", result->matched);
        json_put_u64(&print->line, "gone_records", result->gone_records);
        json_put_u64(&print->line, "elapsed_ns", elapsed_ns);
        json_write_object_end(&print->line);
        return line_out(print);
    }
#define N(value) (unsigned long long)(value)
    fprintf(stderr, "segments %llu: %llu passed over by time, %llu by word filters\n", N(e->segments),
            N(e->segments_by_time), N(e->segments_by_filter));
    fprintf(stderr,
            "blocks   %llu: %llu passed over by time, %llu by word filters, %llu by templates; %llu counted from the "
            "index, %llu answered from columns, %llu decoded\n",
            N(e->blocks), N(e->blocks_by_time), N(e->blocks_by_filter), N(e->blocks_by_template), N(e->blocks_by_index),
            N(e->blocks_by_columns), N(e->blocks_decoded));
    fprintf(stderr, "records  %llu looked at, %llu of them in the log; %llu matched\n", N(result->scanned),
            N(e->tail_records), N(result->matched));
    fprintf(stderr, "read     %llu bytes in %.3f ms\n", N(e->bytes_read), (double)elapsed_ns / 1e6);
#undef N
    return true;
}
