/* confined_command.h - what a command does with strangers' files: they are read into memory, and what they say is read
 * in a copy of the process without rights (os/confined.h). */
#ifndef CMD_CONFINED_COMMAND_H
#define CMD_CONFINED_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "os/confined.h"
#include "rule/rule.h"

/* As confined_run, after all that was printed is out; what the kernel lacks is told on standard error, where `what`,
 * "COMMAND: the check", is "less confined than it should be". */
enum rc confined_command(const struct confined *confined, const char *what, struct buf *answer,
                         struct err *err) MUST_USE;

/* Rule files that were read, or why they could not be: bytes, of which nothing was looked at. */
struct rule_text {
    struct str path;
    struct str text;
    const char *reason; /* why it could not be read; NULL: it was */
    struct rule_text *next;
};
struct rule_texts {
    struct arena *arena;
    struct rule_text *first;
    struct rule_text **last;
};

/* RC_LIMIT without memory. Call rule_texts_done in any case. */
enum rc rule_texts_init(struct rule_texts *texts, struct err *err) MUST_USE;
/* A folder, or one file: rule_folder.h says which files, and when this fails. */
enum rc rule_texts_read(struct rule_texts *texts, const char *path, struct err *err) MUST_USE;
/* In the copy: gives them to the rules as rule_folder_read would. */
enum rc rule_texts_give(const struct rule_texts *texts, struct rules *rules, struct err *err) MUST_USE;
/* The same of the first of one path, looked for from *cursor on, then from the beginning; *cursor is NULL at first. */
enum rc rule_texts_give_one(const struct rule_texts *texts, struct str path, const struct rule_text **cursor,
                            struct rules *rules, struct err *err) MUST_USE;
void rule_texts_done(struct rule_texts *texts);

#endif
