/* parser_folder.h - the tables of patterns as the service reads them: those that come with it, and the site's own in
 * the folder that the setting `parsers` names: parsers.tsv, and parsers/FAMILY.tsv of each of its rows
 * (doc/add-a-parser.md).
 *
 * Who parses reads them once, when it starts; at SIGHUP the parent starts these processes anew, one after another, when
 * the stamp is another. The log waits meanwhile, so that no record is lost or parsed twice. */
#ifndef ROLE_PARSER_FOLDER_H
#define ROLE_PARSER_FOLDER_H

#include "base/err.h"
#include "event/normalise.h"
#include "role/config.h"

#include <stdint.h>

/* A folder without parsers.tsv has no patterns. Tables of the site that do not load are an error in the log, and the
 * others are taken: records go on to be parsed. Fails as mapping_load does. */
enum rc parsers_load_configured(const struct config *config, struct names *names, struct mapping **ret_mapping,
                                struct err *err) MUST_USE;
/* Another number when a file of the folder came, went or was written anew; the files are not read. */
uint64_t parsers_stamp(const struct config *config);

#endif
