/* parser_folder.h - the tables of patterns as the service reads them: those that come with it, and the site's own in
 * the folder that the setting `parsers` names: parsers.tsv, and parsers/FAMILY.tsv of each of its rows
 * (doc/add-a-parser.md).
 *
 * Who parses reads them once, when it starts; at SIGHUP the parent starts these processes anew, one after another, when
 * the stamp is another. The log waits meanwhile, so that no record is lost or parsed twice. Patterns that people wrote
 * in the service come while it is at work, between two records. */
#ifndef ROLE_PARSER_FOLDER_H
#define ROLE_PARSER_FOLDER_H

#include "base/err.h"
#include "event/normalise.h"
#include "role/config.h"

#include <stdbool.h>
#include <stdint.h>

/* The patterns of one process: the tables as they were when it started, and those that people wrote in the service,
 * which the desk gives (MSG_PATTERNS). No file is opened behind parsers_open. */
struct parsers;

#define PARSERS_OWN_MAX ((size_t)1 << 20) /* bytes of the table of people's patterns; a message has room for it */

/* Without patterns of people. A folder without parsers.tsv has no patterns. Tables of the site that do not load are an
 * error in the log, and the others are taken: records go on to be parsed. `names` is borrowed. Fails as mapping_load
 * does. */
enum rc parsers_open(const struct config *config, struct names *names, struct parsers **ret_parsers,
                     struct err *err) MUST_USE;
void parsers_free(struct parsers *parsers);                     /* NULL is fine */
struct mapping *parsers_mapping(const struct parsers *parsers); /* in force, until parsers_set */
/* The mapping with these patterns of people, a table; the caller's until parsers_set. NULL: they are those in force.
 * Fails as mapping_load_own does; those in force stay. RC_INVALID with a mapping: a part of them cannot be had, which
 * the error names, with the first one's reason, as it does when the same table comes again; the mapping has the
 * others. */
enum rc parsers_make(struct parsers *parsers, struct str own, struct mapping **ret_mapping, struct err *err) MUST_USE;
/* Puts what parsers_make made last into force. Nothing may point into the mapping of before any more. */
void parsers_set(struct parsers *parsers, struct mapping *mapping);
/* Whether the table would load, without changing anything; *ret_column as of mapping_load_own. */
enum rc parsers_check(struct parsers *parsers, struct str own, const char **ret_column, struct err *err) MUST_USE;

/* Another number when a file of the folder came, went or was written anew; the files are not read. */
uint64_t parsers_stamp(const struct config *config);

#endif
