/* rule_pack_facts.h - under desk: what a bundle of rules tells of packs, told to room desk. */
#ifndef ROLE_RULE_PACK_FACTS_H
#define ROLE_RULE_PACK_FACTS_H

#include "base/err.h"
#include "base/str.h"
#include "desk/desk.h"

/* `bundle` as in rule_bundle.h. Facts that do not read are passed over. */
enum rc rule_pack_facts_tell(struct str bundle, struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;

#endif
