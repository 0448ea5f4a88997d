#include "cmd/hunt_choice.h"

#include "base/arena.h"
#include "base/buf.h"
#include "cmd/data.h"
#include "os/random.h"
#include "role/explainer.h"
#include "role/rule_folder.h"

#include <sys/stat.h>

#define FILE_NAME_MAX 4096u

struct loading {
    const struct hunt_choice *choice;
    const struct hunt_choice_texts *texts;
    const struct rule_text *cursor;
    hunt_refused told;
    const struct rules *all;
    bool *wanted; /* of all */
    size_t refused;
};

static bool is_path(const char *named)
{
    struct stat stat_;
    return stat(named, &stat_) == 0;
}

/* A folder's name without the slashes behind it: rules below it are named FOLDER/FILE. */
static bool path_trim(const char *named, char ret_path[FILE_NAME_MAX])
{
    struct str path = str_of(named);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return str_copy_z(path, ret_path, FILE_NAME_MAX);
}

static bool is_below(struct str path, const char *folder)
{
    struct str head = str_of(folder);
    return str_eq(path, head) || (str_starts(path, head) && path.n > head.n && path.p[head.n] == '/');
}

/* ---- all of them ---- */

static enum rc read_path(struct rule_texts *rules, const char *named, struct err *err)
{
    char path[FILE_NAME_MAX];
    if (!path_trim(named, path))
        return err_set(err, RC_LIMIT, "the name of a folder of rules is too long");
    return rule_texts_read(rules, path, err);
}

static enum rc read_shipped(struct rule_texts *rules, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    buf_init(&path, FILE_NAME_MAX);
    enum rc rc = data_folder(&path, err);
    buf_text(&path, "/rules");
    return rc == RC_OK ? rule_texts_read(rules, buf_z(&path), err) : rc;
}

static enum rc read_all(const struct hunt_choice *choice, struct hunt_choice_texts *texts, struct err *err)
{
    bool ids = false;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < choice->named_count && rc == RC_OK; i++) {
        texts->is_path[i] = is_path(choice->named[i]);
        ids = ids || !texts->is_path[i];
        if (texts->is_path[i])
            rc = read_path(&texts->rules, choice->named[i], err);
    }
    for (size_t i = 0; i < choice->folder_count && rc == RC_OK; i++)
        rc = read_path(&texts->rules, choice->folders[i], err);
    if (rc == RC_OK && ids && choice->folder_count == 0)
        rc = read_shipped(&texts->rules, err);
    return rc;
}

enum rc hunt_choice_read(const struct hunt_choice *choice, struct hunt_choice_texts *texts, struct err *err)
{
    struct buf data CLEANUP(buf_done) = {0};
    buf_init(&data, FILE_NAME_MAX);
    texts->names = names_new(random_u64());
    texts->is_path = memory_new(choice->named_count + 1);
    enum rc rc =
        texts->names && texts->is_path ? data_folder(&data, err) : err_set(err, RC_LIMIT, "no memory for rules");
    rc = rc == RC_OK ? mapping_load(buf_z(&data), texts->names, &texts->mapping, err) : rc;
    rc = rc == RC_OK ? rule_texts_init(&texts->rules, err) : rc;
    return rc == RC_OK ? read_all(choice, texts, err) : rc;
}

void hunt_choice_done(struct hunt_choice_texts *texts)
{
    rule_texts_done(&texts->rules);
    mapping_free(texts->mapping);
    names_free(texts->names);
    memory_free(texts->is_path);
    *texts = (struct hunt_choice_texts){.names = NULL};
}

static enum rc give_all(void *context, struct rules *all, struct err *err)
{
    const struct loading *l = context;
    return rule_texts_give(&l->texts->rules, all, err);
}

static enum rc give_again(void *context, struct str file, struct rules *rules, struct err *err)
{
    struct loading *l = context;
    return rule_texts_give_one(&l->texts->rules, file, &l->cursor, rules, err);
}

/* ---- which are meant ---- */

static void want(struct loading *l, const struct rule *rule)
{
    l->wanted[rule->index] = l->wanted[rule->index] || rule->kind != RULE_FILTER;
}

static void tell_refused(struct loading *l, const char *path)
{
    for (size_t i = 0; i < rules_outcome_count(l->all); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(l->all, i);
        if (outcome->loaded || !is_below(outcome->path, path))
            continue;
        l->refused++;
        if (l->told)
            l->told(NULL, outcome);
    }
}

static enum rc want_path(struct loading *l, const char *named, struct err *err)
{
    char path[FILE_NAME_MAX];
    if (!path_trim(named, path))
        return err_set(err, RC_LIMIT, "the name of a folder of rules is too long");
    for (size_t i = 0; i < rules_count(l->all); i++)
        if (is_below(rules_at(l->all, i)->path, path))
            want(l, rules_at(l->all, i));
    tell_refused(l, path);
    return RC_OK;
}

static enum rc want_named(struct loading *l, const char *named, struct err *err)
{
    const struct rule *rule;
    enum rc rc = explainer_find(l->all, str_of(named), &rule, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "there is no rule, file or folder \"%s\"", named);
    if (rc == RC_OK)
        want(l, rule);
    return rc;
}

static enum rc choose(void *context, const struct rules *all, bool *wanted, struct err *err)
{
    struct loading *l = context;
    const struct hunt_choice *choice = l->choice;
    enum rc rc = RC_OK;
    l->all = all;
    l->wanted = wanted;
    for (size_t i = 0; i < choice->named_count && rc == RC_OK; i++)
        rc = l->texts->is_path[i] ? want_path(l, choice->named[i], err) : want_named(l, choice->named[i], err);
    return rc;
}

/* ---- all ---- */

enum rc hunt_choice_load(const struct hunt_choice *choice, struct hunt_choice_texts *texts, hunt_refused told,
                         struct hunt_rules *ret_rules, struct err *err)
{
    struct loading l = {.choice = choice, .texts = texts, .told = told};
    const struct hunt_texts given = {.all = give_all, .again = give_again, .choose = choose, .context = &l};
    enum rc rc = hunt_rules_load(&given, texts->names, texts->mapping, ret_rules, err);
    ret_rules->own = true;
    texts->names = NULL;
    texts->mapping = NULL;
    if (rc == RC_OK && ret_rules->wanted_count == 0 && l.refused)
        rc = err_set(err, RC_INVALID, "all rules that were named are refused");
    return rc;
}
