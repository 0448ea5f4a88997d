/* table.c - CSV with a head: the columns of SCAN_TEXTS, and port, cve, cvss, severity, time; in any order and case,
 * others are passed over. Comma, semicolon or tab. */
#include "base/macros.h"
#include "codec/csv.h"
#include "codec/timestamp.h"
#include "scan/reading.h"

enum column {
    COLUMN_TEXT, /* and which, in `text` */
    COLUMN_PORT,
    COLUMN_CVE,
    COLUMN_SCORE,
    COLUMN_SEVERITY,
    COLUMN_TIME,
    COLUMN_SCANNER,
    COLUMN_NONE,
};

struct head {
    uint8_t column[CSV_FIELDS_MAX];
    uint8_t text[CSV_FIELDS_MAX];
    uint32_t count;
    bool has_title;
    bool has_place;
};

static const struct {
    const char *name;
    enum column column;
    enum scan_text text;
} names[] = {
#define X(id, name, limit, line) {name, COLUMN_TEXT, id},
    SCAN_TEXTS(X)
#undef X
        {"ip", COLUMN_TEXT, SCAN_ADDRESS},
    {"hostname", COLUMN_TEXT, SCAN_HOST},
    {"name", COLUMN_TEXT, SCAN_TITLE},
    {"port", COLUMN_PORT, 0},
    {"cve", COLUMN_CVE, 0},
    {"cves", COLUMN_CVE, 0},
    {"cvss", COLUMN_SCORE, 0},
    {"severity", COLUMN_SEVERITY, 0},
    {"time", COLUMN_TIME, 0},
    {"scanner", COLUMN_SCANNER, 0},
};

static void head_read(const struct csv *csv, struct head *head)
{
    *head = (struct head){.count = csv->count};
    for (uint32_t i = 0; i < csv->count; i++) {
        struct str name = str_trim(csv->field[i].text);
        head->column[i] = COLUMN_NONE;
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (!str_eq_nocase(name, str_of(names[k].name)))
                continue;
            head->column[i] = (uint8_t)names[k].column;
            head->text[i] = (uint8_t)names[k].text;
        }
        bool is_text = head->column[i] == COLUMN_TEXT;
        head->has_title |= is_text && head->text[i] == SCAN_TITLE;
        head->has_place |=
            is_text && (head->text[i] == SCAN_ADDRESS || head->text[i] == SCAN_HOST || head->text[i] == SCAN_COMPONENT);
    }
}

/* The first of them that gives a head. */
static bool head_find(struct str text, struct csv *csv, struct head *head)
{
    static const char separators[] = {',', ';', '\t'};
    for (size_t i = 0; i < sizeof separators; i++) {
        csv_open(csv, text, separators[i]);
        if (csv_next(csv, NULL) != RC_OK)
            continue;
        head_read(csv, head);
        if (head->has_title && head->has_place)
            return true;
    }
    return false;
}

/* "5.9", or "5,9" as spreadsheets write it where that is the custom. */
static void score_take(struct reading *reading, struct str text)
{
    char number[8];
    if (!str_copy_z(text, number, sizeof number))
        return;
    if (str_find(text, ',') < text.n)
        number[str_find(text, ',')] = '.';
    finding_score(reading, str_of(number));
}

static void cell_take(struct reading *reading, enum column column, enum scan_text which, struct str text)
{
    int64_t time_ns;
    switch (column) {
    case COLUMN_TEXT:
        finding_text(reading, which, text);
        break;
    case COLUMN_PORT:
        finding_port(reading, text);
        break;
    case COLUMN_CVE:
        finding_cves(reading, text);
        break;
    case COLUMN_SCORE:
        score_take(reading, str_trim(text));
        break;
    case COLUMN_SEVERITY:
        finding_severity(reading, text);
        break;
    case COLUMN_TIME:
        if (timestamp_any(str_trim(text), 0, 0, &time_ns))
            reading->finding.seen_ns = time_ns;
        break;
    case COLUMN_SCANNER:
        finding_scanner(reading, text);
        break;
    case COLUMN_NONE:
        break;
    }
}

static bool line_take(struct reading *reading, const struct csv *csv, const struct head *head)
{
    uint64_t broken = reading->summary->broken;
    finding_begin(reading, STR("csv"));
    for (uint32_t i = 0; i < csv->count && i < head->count; i++) {
        struct str text = csv_text(reading->texts, &csv->field[i]);
        cell_take(reading, (enum column)head->column[i], (enum scan_text)head->text[i], text.p ? text : STR(""));
    }
    if (!finding_end(reading))
        return false;
    if (reading->summary->broken > broken && !reading->summary->first_broken)
        reading->summary->first_broken = csv->line;
    return true;
}

enum rc table_read(struct reading *reading, struct err *err)
{
    struct csv *csv = arena_alloc(reading->arena, sizeof *csv);
    struct head *head = arena_alloc(reading->arena, sizeof *head);
    if (!csv || !head)
        return err_set(err, RC_LIMIT, "no memory for a table");
    if (!head_find(reading->bytes, csv, head))
        return err_set(err, RC_NOT_FOUND,
                       "no report of a scanner: a table begins with a line that names title, and address, host or "
                       "component");
    for (;;) {
        enum rc rc = csv_next(csv, err);
        if (rc == RC_END)
            return RC_OK;
        if (rc != RC_OK) {
            reading->summary->line = csv->lines + 1;
            return rc;
        }
        if (!line_take(reading, csv, head) || !reading_passed(reading, reading->bytes.n - csv->rest.n))
            return RC_END;
    }
}
