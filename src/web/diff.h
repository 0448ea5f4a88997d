/* diff.h - what became of a text line by line, and JSON laid out over lines so that lines can be compared. Pure. */
#ifndef WEB_DIFF_H
#define WEB_DIFF_H

#include "base/arena.h"
#include "base/str.h"

#define DIFF_LINES_MAX 4096u    /* of one text; what is behind them is one line */
#define DIFF_CELLS_MAX 1000000u /* of the table: two texts that differ in more are shown as gone and new */

enum diff_kind { DIFF_SAME, DIFF_GONE, DIFF_NEW };

struct diff_line {
    enum diff_kind kind;
    struct str text; /* without its line feed; borrowed */
};

/* A shortest way from one text to the other, lines that went before those that came. NULL without memory. */
struct diff_line *diff_lines(struct arena *arena, struct str before, struct str after, size_t *ret_count);
/* A member or an element a line, two blanks a level. What is no JSON comes back with its own lines. {NULL, 0} without
 * memory. */
struct str json_laid_out(struct arena *arena, struct str json);

#endif
