/* agent_parts.h - what the pages about agents share. */
#ifndef WEB_AGENT_PARTS_H
#define WEB_AGENT_PARTS_H

#include "web/parts.h"

/* The views about agents; `here` is the path of the present one, NULL for none of them. */
void agent_tabs(struct web_call *call, const char *here);
/* A state's word with its mark. */
void agent_state(struct web_call *call, struct str state);
/* The agent's clock beside the server's, in milliseconds; marked past a second. */
void agent_offset(struct web_call *call, const struct json_value *agent);
/* How full its spool is. */
void agent_spool(struct web_call *call, const struct json_value *agent);
/* The version in force there, and the one that it should have. */
void agent_policy(struct web_call *call, const struct json_value *agent);
/* A select of objects, as object.list gives them. */
void agent_objects(struct web_call *call, const struct json_value *objects, int64_t chosen, bool wrong);
/* An input for a group's name that offers those that there are. */
void agent_group(struct web_call *call, const struct json_value *groups, struct str value, bool wrong);
/* Where canaries stop, or that they come; `seen_ns` 0: none came yet, -1: it makes none. */
void agent_canary_hop(struct web_call *call, struct str hop, int64_t seen_ns);
/* What a clock follows, as agent.show has it; NULL: it was never said. */
void agent_time(struct web_call *call, const struct json_value *time);
/* "Saved", after a redirect to ?saved=1. */
void agent_saved(struct web_call *call);

#endif
