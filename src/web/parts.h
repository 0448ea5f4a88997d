/* parts.h - pieces that pages share: form fields, marks, tables' cells, notices, icons. */
#ifndef WEB_PARTS_H
#define WEB_PARTS_H

#include "codec/json.h"
#include "web/call.h"

/* Own small SVGs; decorative: hidden from readers, the word stands beside. Names: brand, ok, warn, bad, running. */
void part_icon(struct web_call *call, const char *name);
/* A title that still is its rule's own, in the page's language; any other (a person wrote it, a rule of the site) as it
 * is. */
struct str part_rule_title(const struct web_call *call, struct str rule_id, struct str title);
/* A link to a record of the archive, by its number; nothing for 0, which is none yet. */
void part_record(struct web_call *call, int64_t record);
/* Hidden field with the form's secret. */
void part_csrf(struct web_call *call);
/* Level 4..1 as word, number and bars. */
void part_severity(struct web_call *call, int64_t severity);
/* The same with other words: the text of `family` and `word`. */
void part_severity_said(struct web_call *call, int64_t severity, const char *family, struct str word);
/* A state's word with an icon; `family` is the texts' prefix, e.g. "state." */
void part_state(struct web_call *call, const char *family, struct str state);
/* The same where states have other names: what they mean is said. */
enum part_mood { MOOD_CALM, MOOD_RUNNING, MOOD_GOOD, MOOD_BAD };
void part_state_mood(struct web_call *call, const char *family, struct str state, enum part_mood mood);
/* Pages that belong together, as tabs; `here` is the path of the open one, or NULL. `label` and the tabs' keys are of
 * data/i18n. */
struct part_tab {
    const char *path;
    const char *key;
};
void part_tabs(struct web_call *call, const char *label, const struct part_tab *tabs, size_t count, const char *here);
/* A due moment that counts down: time left, or how long ago it passed, as text with a mark. */
void part_remaining(struct web_call *call, int64_t due_ns);
/* <td data-label="…">, closed by the caller. The label is shown where the table becomes a list of cards. */
void part_cell(struct web_call *call, const char *label);
void part_cell_classed(struct web_call *call, const char *label, const char *class);
/* <tr> with its head in a table of class "pairs"; what it says and </td></tr> are the caller's. */
void part_row_begin(struct web_call *call, const char *key);
/* Column heads from keys, NULL-terminated; "#key" heads a column of numbers. */
void part_heads(struct web_call *call, const char *const *keys);
/* One cell of <dl class="tiles">: a label and what stands under it, closed by the caller with </dd></div>. */
void part_tile_begin(struct web_call *call, const char *key);
void part_tile_text(struct web_call *call, const char *key, struct str text);
void part_tile_number(struct web_call *call, const char *key, int64_t number);
/* A dash for what is 0: not known, or not there yet. */
void part_tile_bytes(struct web_call *call, const char *key, int64_t bytes);
void part_tile_time(struct web_call *call, const char *key, int64_t ns);
/* A notice: kind is "ok", "warn" or "bad". */
void part_notice(struct web_call *call, const char *kind, const char *key);
/* An error of a peer: text of "error.<key>", and of "field.<field>" when it names one. */
void part_error(struct web_call *call, struct str key, struct str field, struct str detail);

/* A page that was come back to with ?saved=N: the text of `key` and N. Nothing without one. */
void part_saved(struct web_call *call, const char *key);

/* The query's "offset": 0 when it is not said, negative or no number. */
int64_t part_offset(const struct web_call *call);
/* Links to the pages before and after; `path` ends with "offset=". Nothing when all is on one page. */
void part_pager(struct web_call *call, const char *path, int64_t offset, int64_t size, int64_t total);

/* A labelled input; flags below. The label is the text of `label`. */
enum input_flags {
    INPUT_REQUIRED = 1,
    INPUT_PASSWORD_OLD = 2,
    INPUT_PASSWORD_NEW = 4,
    INPUT_WRONG = 8,
    INPUT_NUMBER = 16,
    INPUT_MAIL = 32,
    INPUT_USER = 64,
    INPUT_WIDE = 128, /* takes the whole row of its form */
    INPUT_DATE = 256,
    INPUT_MOMENT = 512, /* a date and a time to the second */
    INPUT_CODE = 1024,  /* six digits of a phone */
    INPUT_RECOVERY = 2048,
    INPUT_FOCUS = 4096 /* whoever opens the page types there */
};
void part_input(struct web_call *call, const char *name, const char *label, struct str value, unsigned flags);
void part_area(struct web_call *call, const char *name, const char *label, struct str value, bool wrong);
/* The code of a second factor, and where there is no phone a recovery code (page_factor.c). */
void part_factor_code(struct web_call *call, unsigned flags);
void part_check(struct web_call *call, const char *name, const char *label, bool on);
/* Choices from a JSON list of keys; texts are family + key. An unknown present value stays choosable. */
void part_select(struct web_call *call, const char *name, const char *label, const char *family,
                 const struct json_value *keys, struct str value);
/* Choices among the objects of object.list. */
void part_objects(struct web_call *call, const char *name, const char *label, const struct json_value *objects,
                  struct str value);
/* The same from constant keys, NULL-terminated. */
void part_choice(struct web_call *call, const char *name, const char *label, const char *family,
                 const char *const *keys, struct str value);

/* Of a form that filters: a choice that may be left open, as the text of `none` says, with what the query has of it. */
void part_filter(struct web_call *call, const char *name, const char *label, const char *family,
                 const char *const *keys, const char *none);
/* What the query has of it, when it is one of the keys; empty otherwise. */
struct str part_filter_value(const struct web_call *call, const char *name, const char *const *keys);
void part_hidden(struct web_call *call, const char *name, struct str value);
/* The day of a moment in the page's zone, as inputs of dates take it. */
struct str part_day(struct web_call *call, int64_t ns);

/* Members of answers. */
struct str of_str(const struct json_value *object, const char *key);
int64_t of_int(const struct json_value *object, const char *key);
bool of_bool(const struct json_value *object, const char *key);
/* A number in thousandths, for FIXED; 0 when it is negative or absurd. */
int64_t of_thousandths(const struct json_value *object, const char *key);
/* Text of a number or string member, for selects and inputs. */
struct str of_text(const struct json_value *object, const char *key);

#endif
