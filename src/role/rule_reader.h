/* rule_reader.h - under `desk`: reads a rule's text that a person wrote, alone, as the service reads rules: what loads,
 * what does not and why, which ids are taken. Nothing is compiled. */
#ifndef ROLE_RULE_READER_H
#define ROLE_RULE_READER_H

#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "role/rule_supply.h"
#include "rule/rule.h"

/* `whole` are the rules that are loaded, finished: what the text names of them is found there, and an id or a name that
 * one of them has, whose file is not `path`, is taken. What comes back lives in the arena. RC_LIMIT without memory, or
 * when the text has too many documents. */
enum rc rule_reader_read(const struct rules *whole, struct str path, struct str text, struct arena *arena,
                         struct desk_rule_reading *ret_reading, struct err *err) MUST_USE;
/* The line that an error's text begins with ("line 7: ..."), or `otherwise`. */
uint32_t rule_reader_line(struct str text, uint32_t otherwise);

/* desk_options.rule_read and rule_file; their context is the place of a pointer to the supply, NULL until it is made.
 * RC_AGAIN: there is none, or it has no rules yet; else as rule_reader_read. */
enum rc rule_reader_ask(void *place, struct str path, struct str text, struct arena *arena,
                        struct desk_rule_reading *ret_reading, struct err *err);
bool rule_reader_file(void *place, struct str path, struct arena *arena, struct str *ret_text);

#endif
