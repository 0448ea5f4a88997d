/* own_lists.h - under desk: lists of indicators that people gave, as files in a folder of the product's own beside the
 * configured ones (role/indicator_folder.h): what engines, query and hunter read follows what the desk says stands.
 *
 *   at rest ──another version of a list stands──► sweep ──► write each, unless its file is that version ──► at rest
 *
 * Sweep: files that do not stand go. Write: a part at a time, synced, renamed. The parent is told when a file came or
 * went.
 *
 * A file is whole or not there; whoever dies in between begins anew. It begins with comments that say which version it
 * is and what holds for the whole list (doc/indicators.md), then the version's text follows. What cannot be written is
 * told as a list that could not be read is (desk_lists_taken), and is tried again. */
#ifndef ROLE_OWN_LISTS_H
#define ROLE_OWN_LISTS_H

#include "base/str.h"
#include "desk/desk.h"

#include <stdbool.h>
#include <stdint.h>

struct own_lists;

/* The desk is borrowed; `folder`: where its files are, open. NULL without memory. */
struct own_lists *own_lists_new(struct desk *desk, int folder);
void own_lists_free(struct own_lists *self); /* NULL is fine */
/* Works for some milliseconds. Call it often. True: records wait for the archive. */
bool own_lists_look(struct own_lists *self, int64_t now_ns);
bool own_lists_at_rest(const struct own_lists *self); /* the files are what stands */
/* A file of them, to be read; -errno. */
int own_lists_open(const struct own_lists *self, struct str name) MUST_USE;
int own_lists_timeout_ms(const struct own_lists *self); /* -1: nothing waits */

#endif
