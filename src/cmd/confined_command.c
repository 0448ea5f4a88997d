#include "cmd/confined_command.h"

#include "base/assert.h"
#include "role/rule_folder.h"

#include <stdio.h>

#define TEXTS_MEMORY ((size_t)1 << 30)
#define LINE_BYTES   65536u

enum rc confined_command(const struct confined *confined, const char *what, struct buf *answer, struct err *err)
{
    struct buf missing CLEANUP(buf_done);
    buf_init(&missing, LINE_BYTES);
    fflush(NULL); /* else the copy would print it too */
    enum rc rc = confined_run(confined, answer, &missing, err);
    for (struct str rest = buf_view(&missing); rest.n;) {
        struct str line = str_cut(&rest, '\n');
        fprintf(stderr, "qorgan %s is less confined than it should be: %.*s\n", what, STR_ARG(line));
    }
    return rc;
}

/* ---- rule files ---- */

enum rc rule_texts_init(struct rule_texts *texts, struct err *err)
{
    *texts = (struct rule_texts){.arena = arena_new(TEXTS_MEMORY)};
    texts->last = &texts->first;
    return texts->arena ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
}

static enum rc text_add(struct rule_texts *texts, struct rule_text text, struct err *err)
{
    struct rule_text *copy = arena_alloc(texts->arena, sizeof *copy);
    if (copy)
        *copy = (struct rule_text){arena_str(texts->arena, text.path), arena_str(texts->arena, text.text), NULL, NULL};
    if (copy && text.reason)
        copy->reason = arena_strz(texts->arena, str_of(text.reason));
    if (arena_spent(texts->arena))
        return err_set(err, RC_LIMIT, "no memory for rules: there are more than %zu MiB of them", TEXTS_MEMORY >> 20);
    *texts->last = copy;
    texts->last = &copy->next;
    return RC_OK;
}

static enum rc on_file(void *context, struct str path, struct str text, struct err *err)
{
    return text_add(context, (struct rule_text){.path = path, .text = text}, err);
}

static enum rc on_refusal(void *context, struct str path, const char *reason, struct err *err)
{
    return text_add(context, (struct rule_text){.path = path, .reason = reason}, err);
}

enum rc rule_texts_read(struct rule_texts *texts, const char *path, struct err *err)
{
    const struct rule_folder_sink sink = {on_file, on_refusal, texts};
    ASSERT(texts->arena);
    return rule_folder_walk(&io_kernel, path, &sink, err);
}

static enum rc text_give(const struct rule_text *t, struct rules *rules, struct err *err)
{
    return t->reason ? rules_refuse(rules, t->path, t->reason, err) : rules_add(rules, t->path, t->text, err);
}

enum rc rule_texts_give(const struct rule_texts *texts, struct rules *rules, struct err *err)
{
    enum rc rc = RC_OK;
    for (const struct rule_text *t = texts->first; t && rc == RC_OK; t = t->next)
        rc = text_give(t, rules, err);
    return rc;
}

static const struct rule_text *text_find(const struct rule_text *from, const struct rule_text *end, struct str path)
{
    const struct rule_text *t = from;
    while (t && t != end && !str_eq(t->path, path))
        t = t->next;
    return t != end ? t : NULL;
}

enum rc rule_texts_give_one(const struct rule_texts *texts, struct str path, const struct rule_text **cursor,
                            struct rules *rules, struct err *err)
{
    const struct rule_text *found = text_find(*cursor, NULL, path);
    if (!found)
        found = text_find(texts->first, *cursor, path);
    if (!found)
        return err_set(err, RC_NOT_FOUND, "there is no file \"%.*s\" among the rules", STR_ARG(path));
    *cursor = found;
    return text_give(found, rules, err);
}

void rule_texts_done(struct rule_texts *texts)
{
    arena_free(texts->arena);
    *texts = (struct rule_texts){.arena = NULL};
}
