/* indicator.h - lists of addresses, networks, domain names, file hashes and URLs that mean harm.
 *
 *   indicators_new -> (indicators_list -> indicator_csv_read | indicator_json_read) each file -> indicators_finish
 *   indicators_find                                            immutable then; many readers
 *
 * One open-addressed table of keyed 64-bit hashes (SipHash), 8 bytes a slot, at most 7 of 10 taken; an entry is 24
 * bytes beside its text, so that an indicator takes 36 bytes and its text. Networks stand in the same table under their
 * prefix; which lengths there are is known, and only these are asked. What a list holds twice is one entry, valid for
 * both times. What cannot be taken is counted by reason, with the line of the first.
 *
 * Times: an indicator with an end is passed over for an event later than its end. The event's own time decides, not the
 * clock: a record gives the same verdict whenever it is read, and a search over the archive finds what was bad then. */
#ifndef RULE_INDICATOR_H
#define RULE_INDICATOR_H

#include "base/err.h"
#include "rule/indicator_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDICATORS_MAX         5000000u /* entries of all lists */
#define INDICATOR_LISTS_MAX    1024u
#define INDICATOR_TEXTS_MAX    (UINT32_C(1) << 30) /* bytes of all values and notes */
#define INDICATOR_NOTE_MAX     200u                /* bytes; a longer note is cut */
#define INDICATOR_REASONS_MAX  64u                 /* a list; further ones are counted as one */
#define INDICATOR_REASON_TEXT  96u
#define INDICATOR_EXAMPLE_TEXT 80u

struct indicators;

/* `seed` keys the hash: random in the product. NULL without memory. */
struct indicators *indicators_new(uint64_t seed);
void indicators_free(struct indicators *indicators); /* NULL is fine */
/* Entries without an end of their own end so many days after their date, when the list gives one; 0: never. */
void indicators_days(struct indicators *indicators, uint32_t days);

/* What a list says beside the value. */
struct indicator_about {
    int64_t from_ns;    /* valid from; 0: always */
    int64_t until_ns;   /* valid until, excluded; 0: no end */
    int64_t dated_ns;   /* when it was seen or written; 0: not said */
    int32_t confidence; /* 0..100; -1: not said */
    bool below;         /* of a domain: its subdomains too */
    struct str note;
};

/* Begins the next list. RC_LIMIT. */
enum rc indicators_list(struct indicators *indicators, struct str name, struct err *err) MUST_USE;
/* One value of the list begun last. A value that is unfit is refused and RC_OK. RC_LIMIT: no room for more. */
enum rc indicators_add(struct indicators *indicators, uint32_t line, const struct indicator_key *key,
                       const struct indicator_about *about, struct err *err) MUST_USE;
void indicators_refuse(struct indicators *indicators, uint32_t line, const char *reason, struct str value);
/* Not an indicator, or one that its author took back or does not want to alert: counted, no fault. */
void indicators_pass(struct indicators *indicators, bool revoked);
/* No more lists: gives back what was held for growth. */
void indicators_finish(struct indicators *indicators);

/* ---- asking ---- */

struct indicator {
    uint32_t entry; /* its number, from 0 */
    struct indicator_key key;
    struct str list;
    struct str note;
    int64_t from_ns;
    int64_t until_ns;
    int32_t confidence;
};

#define INDICATOR_NONE UINT32_MAX
/* The first entry of exactly this key, and the next one of the same key behind `after` (INDICATOR_NONE: the first). The
 * scheme of a URL does not matter, nor does `below`. INDICATOR_NONE: no more. */
uint32_t indicators_find(const struct indicators *indicators, const struct indicator_key *key, uint32_t after);
/* Valid for an event of that time; `from` is not asked when `any_begin`. */
bool indicators_holds(const struct indicators *indicators, uint32_t entry, int64_t time_ns, bool any_begin);
bool indicators_below(const struct indicators *indicators, uint32_t entry); /* of a domain: with its subdomains */
/* It has ended at that time. */
bool indicators_ended(const struct indicators *indicators, uint32_t entry, int64_t now_ns);
/* From here on it holds for no event. For who looks for some of the entries only; before there are other readers. */
void indicators_leave(struct indicators *indicators, uint32_t entry);
/* The same number for the same value in a list of the same name, whatever else is said of it, under the same key. */
uint64_t indicators_mark(const struct indicators *indicators, uint32_t entry, const uint64_t key[2]);
void indicators_at(const struct indicators *indicators, uint32_t entry, struct indicator *ret_indicator);
size_t indicators_count(const struct indicators *indicators);
bool indicators_have(const struct indicators *indicators, enum indicator_kind kind);
bool indicators_any_below(const struct indicators *indicators);
/* False: no domain of the lists ends in the name's last label. The name is ASCII, without a dot at its end. */
bool indicators_tail(const struct indicators *indicators, struct str name);
/* The next prefix length below `bits` of which there is an entry (129: the longest); -1: none. */
int indicators_bits(const struct indicators *indicators, int bits);
size_t indicators_memory(const struct indicators *indicators); /* bytes held */

/* ---- what became of the lists ---- */

struct indicator_reason {
    char text[INDICATOR_REASON_TEXT];
    char example[INDICATOR_EXAMPLE_TEXT];
    uint32_t line; /* of the first */
    uint64_t count;
};

struct indicator_list {
    struct str name;
    uint64_t kinds[INDICATOR_KINDS]; /* taken */
    uint64_t repeated;
    uint64_t revoked;
    uint64_t passed; /* no indicators, or not meant to alert */
    uint64_t refused;
    size_t reason_count;
    const struct indicator_reason *reasons;
};
size_t indicators_list_count(const struct indicators *indicators);
struct indicator_list indicators_list_at(const struct indicators *indicators, size_t index);
/* The entries of a list: from *ret_first up to, without, *ret_end. */
void indicators_list_entries(const struct indicators *indicators, size_t list, uint32_t *ret_first, uint32_t *ret_end);
/* Entries of a list that have ended at that time. Walks them. */
uint64_t indicators_expired(const struct indicators *indicators, size_t list, int64_t now_ns);

#endif
