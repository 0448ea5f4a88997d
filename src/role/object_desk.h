/* object_desk.h - under desk: how long event logs of single objects are kept, told to the keeper, and whose records are
 * whose, told to the packer. */
#ifndef ROLE_OBJECT_DESK_H
#define ROLE_OBJECT_DESK_H

#include "desk/desk.h"

#include <stdint.h>

/* desk_objects_version of what each was told; 0: nothing, as when it appears. */
struct object_desk {
    uint64_t terms; /* the keeper */
    uint64_t rules; /* the packer */
};

/* At their start and after each change; cheap when nothing changed. */
void object_desk_send(struct desk *desk, struct object_desk *told);

#endif
