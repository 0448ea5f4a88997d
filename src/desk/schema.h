/* schema.h - the tables of the desk, as steps that are never changed once released; a change is a new step.
 * Internal to the room. */
#ifndef DESK_SCHEMA_H
#define DESK_SCHEMA_H

#include <stddef.h>

extern const char *const desk_schema[];
extern const size_t desk_schema_count;

#endif
