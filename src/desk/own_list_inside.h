/* own_list_inside.h - one version of a list as the room knows it. Inside the room, in a transaction. */
#ifndef DESK_OWN_LIST_INSIDE_H
#define DESK_OWN_LIST_INSIDE_H

#include "desk/inside.h"
#include "desk/own_list.h"

/* The numbers are stored: add at the end only. Of those from FAILED on no text is kept. */
#define OWN_LIST_STATES(X)                                                                                             \
    X(OWN_LIST_READING, "reading")                                                                                     \
    X(OWN_LIST_READY, "ready")                                                                                         \
    X(OWN_LIST_TAKEN, "taken")                                                                                         \
    X(OWN_LIST_FAILED, "failed")                                                                                       \
    X(OWN_LIST_DROPPED, "dropped")                                                                                     \
    X(OWN_LIST_OLD, "old") /* it was taken, and many after it */

enum own_list_state {
#define X(id, name) id,
    OWN_LIST_STATES(X)
#undef X
        OWN_LIST_STATE_COUNT
};
const char *own_list_state_name(int64_t state);

/* What was done with a list; stored as text. */
struct own_list_step {
    const char *act;    /* list.ACT is the record's event */
    int64_t was;        /* number of the version that stood; 0: none did */
    int64_t expires_ns; /* of what stands from here on */
    struct str reason;
};

struct own_list_version {
    int64_t id, list, state, number, made_ns, expires_ns, confidence, bytes, file, basis, ended_ns;
    int64_t kinds[OWN_LIST_KINDS];
    int64_t repeated, revoked, passed, refused, fresh, changed, same, gone, parts, stored;
    int64_t standing; /* the version of its list that stands; 0: none */
    struct str list_name, source, name, who, sha256, fault, detail, taken_by;
};

bool own_list_load(struct desk *desk, int64_t id, struct arena *arena, struct own_list_version *ret_version);
int64_t own_list_entries(const struct own_list_version *version);
/* It is over: failed or dropped. */
void own_list_over(struct desk *desk, int64_t id, enum own_list_state state, int64_t now_ns);
/* Which version stands: 0 none. History, record and what engines are to be given. */
void own_list_stand(struct desk *desk, const struct own_list_version *version, const struct own_list_step *step,
                    struct str who, int64_t now_ns);
/* The record of a version that is not taken: added, dropped. */
void own_list_record(struct ask *ask, const struct own_list_version *version, const char *event);
void own_lists_settle(struct desk *desk, bool held);    /* a transaction is over */
void own_lists_tick(struct desk *desk, int64_t now_ns); /* ends what expired */
void own_lists_clean(struct desk *desk, int64_t now_ns);
void own_lists_kept(struct desk *desk, int64_t local_id, int64_t record); /* a record of a step is kept */

#endif
