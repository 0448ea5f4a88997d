/* card.h - all that is said of one object: its settings, the fields of the questionnaire, its contacts, hosts and
 * networks, technical and software means, documents. What stands is compared with what comes, whole.
 *
 *   database ──card_load──► struct card ──card_read (a question's "object")──► struct card ──card_store──► database
 *                                └──── card_diff: which values were and are ────┘
 *
 * Every value is text, so that one rule compares them all: numbers in digits, yes and no as "1" and "0", days as
 * "2026-11-20". Rows of lists have no order of their own in a comparison: what differs is gone, and new.
 * Owner: the arena's. Source: order 52/NK, Annex 1. Inside the room, in a transaction. */
#ifndef DESK_CARD_H
#define DESK_CARD_H

#include "desk/inside.h"
#include "desk/questionnaire.h"

#define CARD_FORMAT      "qorgan.object/1"   /* doc/format/object.md */
#define CARD_BYTES_MAX   ((size_t)256 << 10) /* of a card, written */
#define CARD_COLUMNS_MAX 7u

/* Settings: enum, member and column, kind. The order is that of the written card. */
#define CARD_SETTINGS(X)                                                                                               \
    X(CARD_NAME, name, CARD_TEXT)                                                                                      \
    X(CARD_CLASS, class, CARD_NUMBER)                                                                                  \
    X(CARD_CONTOUR, contour, CARD_TEXT)                                                                                \
    X(CARD_OWNER, owner, CARD_TEXT)                                                                                    \
    X(CARD_ZONE, zone_offset_s, CARD_NUMBER)                                                                           \
    X(CARD_KEEP_DAYS, keep_days, CARD_NUMBER)                                                                          \
    X(CARD_CRITICAL, critical, CARD_FLAG)                                                                              \
    X(CARD_CRITICAL_DAY, critical_day, CARD_DAY)         /* included in the list of critical objects */                \
    X(CARD_PRIVATE, private, CARD_FLAG)                  /* its owner is outside the state: 832 p.50-1 */              \
    X(CARD_TRIAL_DAY, trial_day, CARD_DAY)               /* trial operation began */                                   \
    X(CARD_TRIAL_END_DAY, trial_end_day, CARD_DAY)       /* and ended */                                               \
    X(CARD_INDUSTRIAL_DAY, industrial_day, CARD_DAY)     /* put into industrial operation */                           \
    X(CARD_DISCONTINUED_DAY, discontinued_day, CARD_DAY) /* operation discontinued */

enum card_setting {
#define X(id, name, kind) id,
    CARD_SETTINGS(X)
#undef X
        CARD_SETTING_COUNT
};

enum card_list { CARD_CONTACTS, CARD_ASSETS, CARD_MEANS, CARD_DOCUMENTS, CARD_LIST_COUNT };

/* Columns that code knows by name. */
enum { CONTACT_SINCE = 4 };
enum { MEANS_KIND, MEANS_NAME, MEANS_PURPOSE, MEANS_VERSION, MEANS_ADDRESSES, MEANS_DOMAINS, MEANS_RESERVE };
enum { DOCUMENT_KIND };

struct card_row {
    struct str cell[CARD_COLUMNS_MAX];
};

struct card {
    int64_t id;      /* 0: not stored yet */
    int64_t version; /* one more with each change */
    struct str setting[CARD_SETTING_COUNT];
    struct str field[QUESTIONNAIRE_MAX]; /* by the questionnaire's rows; empty where the value stands elsewhere */
    struct card_row *row[CARD_LIST_COUNT];
    size_t count[CARD_LIST_COUNT];
};

/* Of id 0 an empty one. False: there is none, or the question was refused for want of memory. */
bool card_load(struct ask *ask, int64_t id, struct card *ret_card);
/* Puts members of a question's "object" over it; what is left out stays. False: refused, by the field that is wrong. */
bool card_read(struct ask *ask, const struct json_value *in, struct card *card);
/* Its settings, fields and lists as they stand. */
void card_store(struct desk *desk, struct card *card);
/* Members of an object that card_read takes. */
void card_put(struct desk *desk, const struct card *card, struct buf *json);
void card_settings_put(struct buf *json, const struct card *card);
void card_list_put(struct buf *json, const struct card *card, enum card_list list);
const char *card_list_name(enum card_list list);
/* What differs, as an array of {"field","was","now"} of at most `room` bytes; returns how many there are. */
size_t card_diff(struct ask *ask, const struct card *was, const struct card *now, size_t room, struct buf *json);
/* The setting as a number; a day as days since 1970, 0 when it is empty. */
int64_t card_number(const struct card *card, enum card_setting setting);
bool card_day_read(struct str text, int64_t *ret_day);
/* The day of a moment, "2026-11-20", in the arena. */
struct str card_day_text(struct ask *ask, int64_t zone_offset_s, int64_t ns);
/* The value that a row of the questionnaire stands for, or a mark that there is one; empty: it is missing. */
struct str card_value(const struct desk *desk, const struct card *card, size_t field);
/* Whether its value is kept by its id: it stands neither in a setting nor in a list. */
bool card_field_kept(const struct question_field *field);
/* All cells; of contacts with or without the day since when. */
bool card_row_same(const struct card_row *a, const struct card_row *b, enum card_list list, bool with_since);

#endif
