/* desk_data.h - under desk: what it knows from data/ of the product: clocks, catalogues, texts, calendars. */
#ifndef ROLE_DESK_DATA_H
#define ROLE_DESK_DATA_H

#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"

/* Below the folder `share`; the texts are in the arena. Each file at most 4 MiB, 64 calendars. */
enum rc desk_data_load(struct str share, struct arena *arena, struct desk_data *ret_data, struct err *err) MUST_USE;

#endif
