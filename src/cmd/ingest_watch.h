/* ingest_watch.h - `qorgan ingest --watch FOLDER...`: files that are laid into a folder become records, then move to
 * its done/, or to its refused/ with the reason beside them. */
#ifndef CMD_INGEST_WATCH_H
#define CMD_INGEST_WATCH_H

#include "cmd/options.h"

/* Runs until SIGTERM, SIGINT or SIGHUP. Returns the exit status. */
int ingest_watch(const struct options *options);

#endif
