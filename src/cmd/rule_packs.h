/* rule_packs.h - `qorgan rules import | packs | rollback | remove | pack`: packs of rules below a data folder. */
#ifndef CMD_RULE_PACKS_H
#define CMD_RULE_PACKS_H

#include "base/arena.h"
#include "base/err.h"
#include "cmd/options.h"
#include "role/rule_pack_source.h"
#include "role/rule_packs.h"
#include "rule/rule.h"
#include "tlog/note.h"

#include <stdbool.h>

#define RULE_PACKS_RELOAD "takes effect with `systemctl reload qorgan`, or when the service starts"

/* Each returns an exit status. */
int rule_packs_import_command(const struct options *options);
int rule_packs_list_command(const struct options *options);
int rule_packs_rollback_command(const struct options *options);
int rule_packs_remove_command(const struct options *options);
int rule_packs_sign_command(const struct options *options);

/* --- what they share (rule_packs.c) --- */

/* The folder of the packs of --data, open, locked against a second command that writes. RC_NOT_FOUND when there is none
 * and it is not to be made. Close both. */
enum rc rule_packs_of(const struct options *options, bool write, struct rule_packs *ret_packs, int *ret_lock,
                      struct err *err) MUST_USE;
/* A verifier key, or the path of a file that holds one. */
enum rc rule_packs_key(const char *text, struct note_key *ret_key, struct err *err) MUST_USE;
/* Loads and compiles rule files as the service would; they are called "pack:NAME/VERSION/PATH". */
enum rc rule_packs_load(const struct rule_pack *pack, const struct str *texts, struct rules **ret_rules,
                        struct err *err) MUST_USE;
/* How a signature stands: "verified", "unverified", "none". */
const char *rule_packs_signature(struct str note, struct str key);

/* Name, version, source, licence of a pack that is to be: what its author signed, else what the options say; a version
 * that nobody says is made of date and digest. RC_INVALID when the two contradict each other. */
enum rc rule_packs_identify(const struct options *options, const struct pack_source *source, struct arena *arena,
                            struct rule_pack *ret_pack, struct err *err) MUST_USE;
/* Whether what it is called is fit to be stored. RC_INVALID. */
enum rc rule_packs_called_check(const struct rule_pack *pack, struct err *err) MUST_USE;
/* Count, digest and time of a pack of these files. */
enum rc rule_packs_count(const struct pack_source *source, struct rule_pack *pack, struct err *err) MUST_USE;
/* What was left out, refused and warned of: to standard output. Returns how many rules were refused. */
size_t rule_packs_report(const struct pack_source *source, const struct rules *rules, bool json);

#endif
