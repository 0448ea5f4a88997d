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
    hunt_refused told;
    void *context;
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

static enum rc read_path(struct rules *rules, const char *named, struct err *err)
{
    char path[FILE_NAME_MAX];
    if (!path_trim(named, path))
        return err_set(err, RC_LIMIT, "the name of a folder of rules is too long");
    return rule_folder_read(&io_kernel, path, rules, err);
}

static enum rc read_shipped(struct rules *rules, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    buf_init(&path, FILE_NAME_MAX);
    enum rc rc = data_folder(&path, err);
    buf_text(&path, "/rules");
    return rc == RC_OK ? rule_folder_read(&io_kernel, buf_z(&path), rules, err) : rc;
}

static enum rc read_all(void *context, struct rules *all, struct err *err)
{
    const struct loading *l = context;
    const struct hunt_choice *choice = l->choice;
    bool ids = false;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < choice->named_count && rc == RC_OK; i++) {
        if (is_path(choice->named[i]))
            rc = read_path(all, choice->named[i], err);
        else
            ids = true;
    }
    for (size_t i = 0; i < choice->folder_count && rc == RC_OK; i++)
        rc = read_path(all, choice->folders[i], err);
    if (rc == RC_OK && ids && choice->folder_count == 0)
        rc = read_shipped(all, err);
    return rc;
}

static enum rc read_again(void *context, struct str file, struct rules *rules, struct err *err)
{
    char path[FILE_NAME_MAX];
    (void)context;
    if (!str_copy_z(file, path, sizeof path))
        return err_set(err, RC_LIMIT, "the name of a file of rules is too long");
    return rule_folder_read(&io_kernel, path, rules, err);
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
            l->told(l->context, outcome);
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
        rc = is_path(choice->named[i]) ? want_path(l, choice->named[i], err) : want_named(l, choice->named[i], err);
    return rc;
}

/* ---- all ---- */

enum rc hunt_choice_load(const struct hunt_choice *choice, hunt_refused told, void *context,
                         struct hunt_rules *ret_rules, struct err *err)
{
    struct loading l = {.choice = choice, .told = told, .context = context};
    const struct hunt_texts texts = {.all = read_all, .again = read_again, .choose = choose, .context = &l};
    struct buf data CLEANUP(buf_done) = {0};
    struct mapping *mapping = NULL;
    struct names *names = names_new(random_u64());
    buf_init(&data, FILE_NAME_MAX);
    *ret_rules = (struct hunt_rules){.wanted_count = 0};
    enum rc rc = names ? data_folder(&data, err) : err_set(err, RC_LIMIT, "no memory for rules");
    rc = rc == RC_OK ? mapping_load(buf_z(&data), names, &mapping, err) : rc;
    if (rc != RC_OK) {
        names_free(names);
        return rc;
    }
    rc = hunt_rules_load(&texts, names, mapping, ret_rules, err);
    ret_rules->own = true;
    if (rc == RC_OK && ret_rules->wanted_count == 0 && l.refused)
        rc = err_set(err, RC_INVALID, "all rules that were named are refused");
    return rc;
}
