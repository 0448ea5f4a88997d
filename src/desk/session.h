/* session.h - what signing in (session.c) shares with the second factor (factor.c). Inside the room, in a
 * transaction. */
#ifndef DESK_SESSION_H
#define DESK_SESSION_H

#include "desk/inside.h"

#define SESSION_TOKEN_HEX 64

struct person {
    int64_t id;
    int64_t role;
    struct str name, language, hash;
    bool enabled, must_change;
};

struct session {
    struct str token; /* its hash */
    struct str user;
    struct str csrf;
    int64_t used_ns;
};

/* The living session of the question's token; refuses when there is none. */
bool session_find(struct ask *ask, struct session *ret_session);
/* The same and its person. */
bool session_person(struct ask *ask, struct session *ret_session, struct person *ret_person);
/* Is `password` of the question the person's? Refuses, counts and records as signing in does. */
bool session_password_is(struct ask *ask, const struct person *person, const char *why);
/* Refuses when the name or the address is locked. */
bool session_locked(struct ask *ask, struct str user);
/* What was said is wrong: counted for the name and the address, recorded with `why`, refused with `error`. */
void session_refuse(struct ask *ask, struct str user, const char *error, const char *why);
/* Ends all of the person's sessions but `keep` (a hash; empty: none), and what is half signed in. */
void sessions_end(struct desk *desk, int64_t user, struct str keep);
/* A record about a person and from where; members may be added until desk_record_end. */
struct buf *session_record(struct ask *ask, const char *event, struct str user);

#endif
