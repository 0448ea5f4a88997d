/* search_print.h - how `qorgan search` writes events and tables: text, JSON lines, CSV, raw bytes. */
#ifndef CMD_SEARCH_PRINT_H
#define CMD_SEARCH_PRINT_H

#include "archive/search.h"
#include "base/buf.h"
#include "event/names.h"

#include <stdbool.h>

enum search_form { SEARCH_TEXT, SEARCH_JSON, SEARCH_RAW, SEARCH_CSV };

struct search_print {
    enum search_form form;
    const struct query *query;
    const struct names *names;
    struct buf line; /* of search_print_open */
    struct query_column column[QUERY_COLUMNS_MAX];
    size_t columns; /* 0: whole events */
    bool headed;    /* the line of names is out */
    bool failed;    /* nobody reads any more */
};

void search_print_open(struct search_print *print, enum search_form form, const struct query *query);
void search_print_close(struct search_print *print);
/* False when standard output takes no more. */
bool search_print_hit(struct search_print *print, const struct archive_hit *hit);
/* At most `limit` rows; 0 = all. */
bool search_print_table(struct search_print *print, const struct search_table *table, uint64_t limit);
/* How the answer was found, after `elapsed_ns`: JSON on standard output, else text on standard error. */
bool search_print_explain(struct search_print *print, const struct search_result *result, uint64_t elapsed_ns);

#endif
