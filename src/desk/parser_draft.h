/* parser_draft.h - patterns that people wrote, as they are kept and as they are put into use. Inside this room. */
#ifndef DESK_PARSER_DRAFT_H
#define DESK_PARSER_DRAFT_H

#include "desk/inside.h"

#define PARSER_CELLS  6    /* of a table of patterns: name, program, pattern, kind, outcome, set */
#define PARSER_NEWEST (-1) /* a version: the newest, whether it stands or not */

struct parser_draft {
    int64_t id;
    int64_t version;
    struct str name, program, pattern, kind, outcome, sets, sample;
};

/* That version of what is named so, 0: the one that stands; without its sample. False: there is none. */
bool parser_draft_read(struct ask *ask, int64_t version, struct parser_draft *draft);
/* Members of a record. */
void parser_draft_put(struct buf *body, const struct parser_draft *draft);
/* Whether there is room for one more, of so many bytes, beside all that stand or are in use but those of its name. */
bool parser_draft_fits(struct ask *ask, struct str name, int64_t bytes);
/* Whether all that stand or are in use are no more than there is room for. */
bool parser_drafts_fit(struct ask *ask);

#endif
