/* upload_inside.h - one upload as the room knows it. Inside the room, in a transaction. */
#ifndef DESK_UPLOAD_INSIDE_H
#define DESK_UPLOAD_INSIDE_H

#include "desk/upload.h"
#include "desk/vulnerability.h"

/* The numbers are stored: add at the end only. Those from DONE on are over. */
#define UPLOAD_STATES(X)                                                                                               \
    X(UPLOAD_READING, "reading")                                                                                       \
    X(UPLOAD_COUNTING, "counting")                                                                                     \
    X(UPLOAD_READY, "ready")                                                                                           \
    X(UPLOAD_TAKING, "taking")                                                                                         \
    X(UPLOAD_DONE, "done")                                                                                             \
    X(UPLOAD_FAILED, "failed")                                                                                         \
    X(UPLOAD_DROPPED, "dropped")

enum upload_state {
#define X(id, name) id,
    UPLOAD_STATES(X)
#undef X
        UPLOAD_STATE_COUNT
};

/* What taking would do with a finding. Stored. */
enum upload_fate { UPLOAD_FRESH, UPLOAD_RETURNED, UPLOAD_KNOWN, UPLOAD_CLOSED, UPLOAD_FATES };

#define UPLOAD_SEVERITIES 5

struct upload {
    int64_t id, object, control, received_ns, made_ns, bytes, file, state, line, findings, hosts, passed, broken, cut;
    int64_t parts, counted, decided, repeated, basis, report, ended_ns;
    struct str origin, title, name, who, sha256, format, scanner, fault, detail, accepted_by, object_name;
};

bool upload_load(struct desk *desk, int64_t id, struct arena *arena, struct upload *ret_upload);
const char *upload_state_name(int64_t state);
const char *upload_fate_name(int64_t fate);
/* The newest report of an object: numbers counted before it was there may be others now. */
int64_t upload_basis(struct desk *desk, int64_t object);
/* What was counted is forgotten, and is counted anew. */
void upload_recount(struct desk *desk, int64_t id);
/* It is over: failed or dropped. */
void upload_over(struct desk *desk, int64_t id, enum upload_state state, int64_t now_ns);
void upload_record(struct ask *ask, const struct upload *upload, const char *event);
void uploads_clean(struct desk *desk, int64_t now_ns);

#endif
