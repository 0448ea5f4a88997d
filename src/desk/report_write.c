/* report_write.c - tables of a report as text: members in the order of their names, texts and whole numbers only, no
 * blanks, so that there is one way to write it (RFC 8785). */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/report.h"
#include "desk/vulnerability.h"

#define ROOM                                                                                                           \
    ((size_t)48 << 10) /* kept free by rows: for what stands around them, and the one that is being written            \
                        */

static const char *const cell_names[REPORT_CELL_COUNT] = {
#define X(id, name) [id] = (name),
    REPORT_CELLS(X)
#undef X
};

/* --- cells --- */

static const struct report_column *column_next(struct report_writer *writer)
{
    const struct report_column *column = &writer->section->columns[writer->cell];
    ASSERT(column->key && writer->cell < REPORT_COLUMNS_MAX);
    writer->cell++;
    return column;
}

static const char *digit_name(int64_t number)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4"};
    ASSERT(number >= 0 && number < (int64_t)ARRAY_LEN(digits));
    return digits[number];
}

static const char *state_name(int64_t number)
{
    return desk_state_key((enum desk_state)number);
}

static const char *subject_word(int64_t number)
{
    return subject_name((enum subject_kind)number);
}

static const char *(*const number_names[REPORT_CELL_COUNT])(int64_t) = {
    [CELL_STATE] = state_name,
    [CELL_SEVERITY] = digit_name,
    [CELL_CLASS] = digit_name,
    [CELL_SUBJECT] = subject_word,
    [CELL_WEAK_STATE] = vulnerability_state_name,
    [CELL_WEAK_SEVERITY] = vulnerability_severity_name,
};

void report_number_put(struct report_writer *writer, int64_t number)
{
    size_t place = writer->cell;
    const struct report_column *column = column_next(writer);
    if (column->cell == CELL_TIME || column->cell == CELL_SPAN)
        number = number / SECOND_NS;
    if (number_names[column->cell]) {
        json_write_canonical(writer->out, str_of(number_names[column->cell](number)));
        return;
    }
    ASSERT(column->cell == CELL_NUMBER || column->cell == CELL_TIME || column->cell == CELL_SPAN);
    writer->row_number[place] = number;
    json_write_int(writer->out, number);
}

void report_text_put(struct report_writer *writer, struct str text)
{
    const struct report_column *column = column_next(writer);
    ASSERT(column->cell == CELL_TEXT || column->cell >= CELL_KIND);
    json_write_canonical(writer->out, desk_cut(text, REPORT_CELL_MAX));
}

/* Said in three languages, in the order of the languages' names. */
static const enum term_language said_order[TERM_LANGUAGES] = {TERM_EN, TERM_KK, TERM_RU};

static void title_put(struct report_writer *writer, struct str rule_id, struct str title)
{
    struct buf *out = writer->out;
    column_next(writer);
    json_write_object(out);
    for (size_t i = 0; i < TERM_LANGUAGES; i++) {
        struct str said = desk_title(&writer->ask->desk->texts, rule_id, title, said_order[i]);
        json_write_key(out, language_name(said_order[i]));
        json_write_canonical(out, desk_cut(said, DESK_NAME_MAX));
    }
    json_write_object_end(out);
}

void report_paragraph_put(struct buf *out, const struct clock_rule *rule)
{
    json_write_object(out);
    for (size_t i = 0; i < TERM_LANGUAGES; i++) {
        char storage[300];
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        if (rule)
            buf_format(&text, "%.*s, %.*s (%.*s)", STR_ARG(rule->act), STR_ARG(rule->paragraph[said_order[i]]),
                       STR_ARG(rule->id));
        json_write_key(out, language_name(said_order[i]));
        json_write_canonical(out, buf_view(&text));
    }
    json_write_object_end(out);
}

static void cell_put(struct report_writer *writer, struct db_query *q)
{
    enum report_cell cell = writer->section->columns[writer->cell].cell;
    if (cell == CELL_TITLE) {
        struct str rule_id = db_text(q);
        title_put(writer, rule_id, db_text(q));
    } else if (cell == CELL_TERM) {
        column_next(writer);
        report_paragraph_put(writer->out, clock_rule_find(&writer->ask->desk->rules, db_text(q)));
    } else if (cell == CELL_TEXT || cell >= CELL_KIND) {
        report_text_put(writer, db_text(q));
    } else {
        report_number_put(writer, db_i64(q));
    }
}

/* --- rows --- */

void report_row_begin(struct report_writer *writer)
{
    writer->row_began = writer->out->n;
    writer->cell = 0;
    json_write_array(writer->out);
}

/* One that finds no place is taken back, and counts nevertheless. */
void report_row_end(struct report_writer *writer)
{
    const struct report_section *section = writer->section;
    ASSERT(!section->columns[writer->cell].key);
    json_write_array_end(writer->out);
    for (size_t i = 0; section->columns[i].key; i++)
        if (section->columns[i].cell == CELL_NUMBER)
            writer->total[i] += writer->row_number[i];
    if (writer->rows < section->rows_max && writer->out->n <= REPORT_BYTES_MAX - ROOM) {
        writer->rows++;
        return;
    }
    writer->out->n = writer->row_began;
    writer->section_left_out++;
}

static void rows_put(struct report_writer *writer)
{
    const struct report_section *section = writer->section;
    if (section->fill) {
        section->fill(writer);
        return;
    }
    struct db_query q = db_query(writer->ask->desk->db, section->sql);
    for (int i = 0; i < section->parameters; i++)
        db_put_i64(&q, writer->parameter[i]);
    while (db_next(&q)) {
        report_row_begin(writer);
        for (size_t i = 0; section->columns[i].key; i++)
            cell_put(writer, &q);
        report_row_end(writer);
    }
}

static void totals_put(struct report_writer *writer)
{
    json_write_key(writer->out, "totals");
    json_write_array(writer->out);
    for (size_t i = 0; writer->section->columns[i].key; i++) {
        if (writer->section->columns[i].cell == CELL_NUMBER)
            json_write_int(writer->out, writer->total[i]);
        else
            json_write_canonical(writer->out, STR(""));
    }
    json_write_array_end(writer->out);
}

static void section_put(struct report_writer *writer, const struct report_section *section)
{
    struct buf *out = writer->out;
    writer->section = section;
    writer->rows = writer->section_left_out = 0;
    for (size_t i = 0; i < REPORT_COLUMNS_MAX; i++)
        writer->total[i] = writer->row_number[i] = 0;
    json_write_object(out);
    json_write_key(out, "columns");
    json_write_array(out);
    for (size_t i = 0; section->columns[i].key; i++) {
        json_write_array(out);
        json_write_canonical(out, str_of(section->columns[i].key));
        json_write_canonical(out, str_of(cell_names[section->columns[i].cell]));
        json_write_array_end(out);
    }
    json_write_array_end(out);
    json_write_key(out, "key");
    json_write_canonical(out, str_of(section->key));
    json_write_key(out, "rows");
    json_write_array(out);
    rows_put(writer);
    json_write_array_end(out);
    json_put_int(out, "rows_left_out", writer->section_left_out);
    if (section->adds_up)
        totals_put(writer);
    json_write_object_end(out);
    writer->left_out += writer->section_left_out;
}

void report_sections_put(struct report_writer *writer, const struct report_kind *kind)
{
    json_write_array(writer->out);
    for (size_t i = 0; i < REPORT_CHAPTERS_MAX && kind->chapters[i]; i++)
        for (const struct report_section *section = kind->chapters[i]; section->key; section++)
            section_put(writer, section);
    json_write_array_end(writer->out);
}
