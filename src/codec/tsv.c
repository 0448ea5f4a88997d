#include "codec/tsv.h"

#include "codec/utf8.h"

#include <string.h>

/* The next line that is neither empty nor a comment; false at the end. */
static bool take_line(struct tsv *tsv, struct str *ret_line)
{
    while (tsv->rest.p != NULL && tsv->rest.n > 0) {
        struct str line = str_cut(&tsv->rest, '\n');
        tsv->line++;
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n > 0 && line.p[0] != '#') {
            *ret_line = line;
            return true;
        }
    }
    return false;
}

static enum rc split(struct tsv *tsv, struct str line, struct str cells[TSV_COLUMNS_MAX], uint32_t *ret_count,
                     struct err *err)
{
    *ret_count = 0;
    if (!utf8_valid(line))
        return err_set(err, RC_INVALID, "line %u: not valid UTF-8", tsv->line);
    while (line.p != NULL) {
        if (*ret_count == TSV_COLUMNS_MAX)
            return err_set(err, RC_LIMIT, "line %u: more than %u columns", tsv->line, TSV_COLUMNS_MAX);
        cells[(*ret_count)++] = str_cut(&line, '\t');
    }
    return RC_OK;
}

enum rc tsv_open(struct tsv *tsv, struct str text, struct err *err)
{
    memset(tsv, 0, sizeof *tsv);
    struct str line;
    tsv->rest = str_starts(text, STR("\xef\xbb\xbf")) ? str_skip(text, 3) : text;
    if (!take_line(tsv, &line))
        return err_set(err, RC_INVALID, "line %u: the row with the names of the columns is missing", tsv->line + 1);
    enum rc rc = split(tsv, line, tsv->name, &tsv->columns, err);
    if (rc != RC_OK)
        return rc;
    for (uint32_t i = 0; i < tsv->columns; i++) {
        if (tsv->name[i].n == 0)
            return err_set(err, RC_INVALID, "line %u: column %u has no name", tsv->line, i + 1);
        for (uint32_t other = 0; other < i; other++) {
            if (str_eq(tsv->name[i], tsv->name[other]))
                return err_set(err, RC_INVALID, "line %u: column name \"%.*s\" stands twice", tsv->line,
                               STR_ARG(tsv->name[i]));
        }
    }
    return RC_OK;
}

enum rc tsv_next(struct tsv *tsv, struct err *err)
{
    struct str line;
    uint32_t count = 0;
    if (!take_line(tsv, &line))
        return RC_END;
    enum rc rc = split(tsv, line, tsv->cell, &count, err);
    if (rc == RC_OK && count != tsv->columns)
        return err_set(err, RC_INVALID, "line %u: %u cells, but there are %u columns", tsv->line, count, tsv->columns);
    return rc;
}

int tsv_column(const struct tsv *tsv, const char *name)
{
    for (uint32_t i = 0; i < tsv->columns; i++) {
        if (str_is(tsv->name[i], name))
            return (int)i;
    }
    return -1;
}

enum rc tsv_need(const struct tsv *tsv, const char *name, int *ret_column, struct err *err)
{
    *ret_column = tsv_column(tsv, name);
    return *ret_column >= 0 ? RC_OK : err_set(err, RC_INVALID, "column \"%s\" is missing", name);
}
