/* qorgan_verify.h - the auditor's program: what its files share. It judges an archive it did not write, so it uses no
 * room of the archive: formats are read here anew from doc/format. */
#ifndef CMD_QORGAN_VERIFY_H
#define CMD_QORGAN_VERIFY_H

#include "base/buf.h"
#include "base/err.h"
#include "paper/paper_text.h"
#include "tlog/proof.h"

#include <stdbool.h>
#include <stdint.h>

enum verify_exit {
    VERIFY_PROVEN = 0,
    VERIFY_NOT = 1,
    VERIFY_USAGE = 2,
};

enum language {
    LANGUAGE_EN,
    LANGUAGE_RU,
    LANGUAGE_KK,
    LANGUAGE_COUNT,
};

/* One row a text: name, English, Russian, Kazakh (verify_text.c holds the rows). */
enum text {
#define X(id, en, ru, kk) TEXT_##id,
#include "cmd/qorgan_verify_texts.h"
#undef X
    TEXT_COUNT
};

/* By LC_ALL, LC_MESSAGES, LANG, as setlocale would; English otherwise. */
enum language text_language(void);
const char *text_of(enum language language, enum text text);

/* The text with {1} and {2} filled in. */
void text_fill(struct buf *out, enum language language, enum text text, const char *first, const char *second);

/* "    Label            value" with the values in one column, whatever alphabet the label has. */
void print_row(enum language language, enum text label, const char *value);
/* The same with a label that papers have. */
void print_paper_row(enum language language, enum paper_text label, const char *value);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_string(struct buf *out, struct str text);
/* Raw bytes for a terminal: control characters and what is not UTF-8 as \xNN. */
void safe_text(struct buf *out, struct str bytes);

struct verify_options {
    const char *policy;
    const char *vkey;
    const char *proof;
    const char *leaf;
    const char *data;
    const char *checkpoint;
    const char *stamp;
    const char *stamp_ca;
    const char *certificate;
    const char *export; /* the file; its proof is FILE.proof, or `proof` */
    const char *master_key;
    bool json;
    enum language language;
};

/* Keys to believe, from --policy or --vkey. */
enum rc verify_load_policy(const struct verify_options *options, struct arena *arena, struct policy *ret_policy,
                           struct err *err) MUST_USE;
/* Papers (qorgan_verify_paper.c). */
bool verify_is_sheet(struct str text);
int verify_sheet(const struct verify_options *options, struct arena *arena);
int verify_certificate(const struct verify_options *options, struct arena *arena);
int verify_export(const struct verify_options *options, struct arena *arena);
/* Checks one exported proof or proof sheet and prints the result. */
int verify_proof_file(const struct verify_options *options, struct arena *arena);
/* Checks one checkpoint note, with its time stamp when there is one, and prints the result. */
int verify_checkpoint_file(const struct verify_options *options, struct arena *arena);

#endif
