#include "agent/policy.h"

#include "agent/join.h"
#include "base/buf.h"
#include "codec/canary_text.h"
#include "codec/json.h"
#include "wire/delivery_batch.h"

#include <string.h>

#define HEADING     "qorgan agent policy"
#define JSON_LEVELS 6u
#define PATH_BYTES  1023u

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return true;
    return false;
}

/* ---- files ---- */

/* Absolute, and the same however it is read: no "..", nothing that the list of paths would be cut at. */
static bool path_fits(struct str path)
{
    struct str rest = path;
    if (path.n == 0 || path.n > PATH_BYTES || path.p[0] != '/' || has_control(path) || str_find(path, ' ') < path.n)
        return false;
    while (rest.p) {
        struct str part = str_cut(&rest, '/');
        if (str_is(part, "..") || str_is(part, "."))
            return false;
    }
    return true;
}

static enum rc files_read(const struct json_value *list, struct arena *arena, struct agent_policy *policy,
                          struct err *err)
{
    char storage[POLICY_PATHS_MAX];
    struct buf paths;
    buf_init_fixed(&paths, storage, sizeof storage);
    if (list->kind != JSON_ARRAY || list->count > POLICY_FILES_MAX)
        return err_set(err, RC_INVALID, "files is no list of at most %u paths", POLICY_FILES_MAX);
    for (const struct json_value *one = json_first(list); one; one = one->next) {
        struct str path = json_str(one, STR_NONE);
        if (!path_fits(path))
            return err_set(err, RC_INVALID, "\"%.*s\" is no path that can be followed",
                           STR_ARG(str_slice(path, 0, 200)));
        if (paths.n)
            buf_char(&paths, ' ');
        buf_str(&paths, path);
    }
    if (paths.overflow)
        return err_set(err, RC_LIMIT, "the paths of files are longer than %u bytes", POLICY_PATHS_MAX);
    policy->files = arena_str(arena, buf_view(&paths));
    return policy->files.p || paths.n == 0 ? RC_OK : err_set(err, RC_LIMIT, "no memory for a policy");
}

/* Each string one rule (join.h). */
static enum rc join_read(const struct json_value *list, struct arena *arena, struct agent_policy *policy,
                         struct err *err)
{
    char storage[JOIN_TEXT_MAX];
    struct buf rules;
    buf_init_fixed(&rules, storage, sizeof storage);
    if (list->kind != JSON_ARRAY || list->count > JOIN_RULES_MAX)
        return err_set(err, RC_INVALID, "join is no list of at most %u rules", JOIN_RULES_MAX);
    for (const struct json_value *one = json_first(list); one; one = one->next) {
        struct str rule = json_str(one, STR_NONE);
        if (str_trim(rule).n == 0 || str_find(rule, ';') < rule.n)
            return err_set(err, RC_INVALID, "\"%.*s\" is no rule of joining", STR_ARG(str_slice(rule, 0, 200)));
        if (rules.n)
            buf_char(&rules, ';');
        buf_str(&rules, rule);
    }
    if (rules.overflow)
        return err_set(err, RC_LIMIT, "the rules of joining are longer than %u bytes", JOIN_TEXT_MAX);
    struct join_rules *parsed = arena_alloc(arena, sizeof *parsed);
    policy->join = arena_str(arena, buf_view(&rules));
    if (!parsed || (rules.n && !policy->join.p))
        return err_set(err, RC_LIMIT, "no memory for a policy");
    return join_rules_parse(policy->join, parsed, err);
}

/* ---- commands ---- */

static bool name_fits(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'z') && name.p[i] != '_' &&
            name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= POLICY_NAME_MAX;
}

static bool number_read(const struct json_value *object, const char *key, uint32_t most, uint32_t *value)
{
    const struct json_value *member = json_get(object, key);
    int64_t number = json_int(member, member ? -1 : (int64_t)*value);
    if (number < 1 || number > (int64_t)most)
        return false;
    *value = (uint32_t)number;
    return true;
}

static bool arguments_read(const struct json_value *list, struct arena *arena, struct agent_command *command)
{
    size_t count = 0;
    if (!list || list->kind != JSON_ARRAY || list->count == 0 || list->count > POLICY_ARGUMENTS)
        return false;
    for (const struct json_value *one = json_first(list); one; one = one->next) {
        struct str text = json_str(one, STR_NONE);
        bool right = one->kind == JSON_STRING && text.n <= PATH_BYTES && str_find(text, '\0') == text.n;
        if (!right || (count == 0 && !path_fits(text)))
            return false;
        command->argv[count] = arena_strz(arena, text);
        if (!command->argv[count++])
            return false;
    }
    return true;
}

static enum rc command_read(const struct json_value *object, struct arena *arena, struct agent_policy *policy,
                            struct err *err)
{
    struct agent_command *command = &policy->commands[policy->command_count];
    *command = (struct agent_command){.every_s = 300, .timeout_s = 10, .bytes_max = 65536};
    command->name = arena_str(arena, json_str(json_get(object, "name"), STR_NONE));
    if (object->kind != JSON_OBJECT || !name_fits(command->name))
        return err_set(err, RC_INVALID, "command %zu has no fit name", policy->command_count + 1);
    for (size_t i = 0; i < policy->command_count; i++)
        if (str_eq(policy->commands[i].name, command->name))
            return err_set(err, RC_INVALID, "command %.*s stands twice", STR_ARG(command->name));
    if (!number_read(object, "every_s", 604800, &command->every_s) || command->every_s < 10 ||
        !number_read(object, "timeout_s", 600, &command->timeout_s) ||
        !number_read(object, "bytes", DELIVERY_RECORD_MAX, &command->bytes_max) ||
        !arguments_read(json_get(object, "argv"), arena, command))
        return err_set(err, RC_INVALID, "command %.*s has a value that may not be", STR_ARG(command->name));
    policy->command_count++;
    return RC_OK;
}

static enum rc commands_read(const struct json_value *list, struct arena *arena, struct agent_policy *policy,
                             struct err *err)
{
    if (list->kind != JSON_ARRAY || list->count > POLICY_COMMANDS_MAX)
        return err_set(err, RC_INVALID, "commands is no list of at most %u", POLICY_COMMANDS_MAX);
    for (const struct json_value *one = json_first(list); one; one = one->next) {
        enum rc rc = command_read(one, arena, policy, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

/* ---- the object ---- */

static enum rc flag_read(const struct json_value *member, bool *ret_flag, struct err *err)
{
    if (member->kind != JSON_TRUE && member->kind != JSON_FALSE)
        return err_set(err, RC_INVALID, "%.*s is neither true nor false", STR_ARG(member->key));
    *ret_flag = member->kind == JSON_TRUE;
    return RC_OK;
}

static enum rc durable_read(const struct json_value *member, struct agent_policy *policy, struct err *err)
{
    struct str text = json_str(member, STR_NONE);
    if (!str_is(text, "immediate") && !str_is(text, "soon"))
        return err_set(err, RC_INVALID, "durable is neither \"soon\" nor \"immediate\"");
    policy->immediate = str_is(text, "immediate");
    return RC_OK;
}

static enum rc canary_read_s(const struct json_value *member, struct agent_policy *policy, struct err *err)
{
    int64_t seconds = json_int(member, -1);
    if (seconds < 0 || seconds > (int64_t)CANARY_EVERY_MAX)
        return err_set(err, RC_INVALID, "canary_s is no number from 0 to %u", CANARY_EVERY_MAX);
    policy->canary_s = (uint32_t)seconds;
    return RC_OK;
}

static enum rc member_read(const struct json_value *member, struct arena *arena, struct agent_policy *policy,
                           struct buf *passed_over, struct err *err)
{
    if (str_is(member->key, "files"))
        return files_read(member, arena, policy, err);
    if (str_is(member->key, "join"))
        return join_read(member, arena, policy, err);
    if (str_is(member->key, "journal"))
        return flag_read(member, &policy->journal, err);
    if (str_is(member->key, "audit"))
        return flag_read(member, &policy->audit, err);
    if (str_is(member->key, "accounting"))
        return flag_read(member, &policy->accounting, err);
    policy->inventory_named = policy->inventory_named || str_is(member->key, "inventory");
    if (str_is(member->key, "inventory"))
        return flag_read(member, &policy->inventory, err);
    if (str_is(member->key, "durable"))
        return durable_read(member, policy, err);
    if (str_is(member->key, "canary_s"))
        return canary_read_s(member, policy, err);
    if (str_is(member->key, "commands"))
        return commands_read(member, arena, policy, err);
    if (passed_over->n)
        buf_char(passed_over, ',');
    buf_str(passed_over, str_slice(member->key, 0, POLICY_NAME_MAX));
    return RC_OK;
}

/* A member that stands twice would mean two things. */
static bool stands_twice(const struct json_value *object, const struct json_value *member)
{
    for (const struct json_value *one = json_first(object); one && one != member; one = one->next)
        if (str_eq(one->key, member->key))
            return true;
    return false;
}

static enum rc object_read(struct str json, struct arena *arena, struct agent_policy *policy, struct err *err)
{
    char storage[1024];
    struct buf passed_over;
    struct json_value *object = NULL;
    buf_init_fixed(&passed_over, storage, sizeof storage);
    enum rc rc = json_parse(arena, json, JSON_LEVELS, &object, err);
    if (rc != RC_OK)
        return rc;
    if (object->kind != JSON_OBJECT || object->count > 64)
        return err_set(err, RC_INVALID, "what is to be collected is no object");
    for (const struct json_value *member = json_first(object); member && rc == RC_OK; member = member->next)
        rc = stands_twice(object, member) ? err_set(err, RC_INVALID, "a member stands twice")
                                          : member_read(member, arena, policy, &passed_over, err);
    policy->passed_over = arena_str(arena, buf_view(&passed_over));
    return rc;
}

enum rc agent_policy_parse(struct str text, struct arena *arena, struct agent_policy *ret_policy, struct err *err)
{
    uint64_t version = 0;
    struct str rest = text;
    *ret_policy = (struct agent_policy){.inventory = true, .canary_s = CANARY_EVERY_S};
    if (!str_is(str_cut(&rest, '\n'), HEADING))
        return err_set(err, RC_INVALID, "it is no policy of agents");
    struct str origin = str_cut(&rest, '\n');
    struct str group = str_cut(&rest, '\n');
    struct str number = str_cut(&rest, '\n');
    if (origin.n == 0 || origin.n > NOTE_NAME_MAX || group.n == 0 || group.n > NOTE_NAME_MAX || has_control(origin) ||
        has_control(group) || !str_to_u64(number, &version) || version == 0 || version > UINT32_MAX || !rest.p)
        return err_set(err, RC_INVALID, "a line of the policy's head may not be so");
    ret_policy->origin = arena_str(arena, origin);
    ret_policy->group = arena_str(arena, group);
    ret_policy->version = (uint32_t)version;
    if (!ret_policy->origin.p || !ret_policy->group.p)
        return err_set(err, RC_LIMIT, "no memory for a policy");
    return object_read(rest, arena, ret_policy, err);
}

enum rc agent_policy_open(struct str note, const struct note_key *key, struct arena *arena,
                          struct agent_policy *ret_policy, struct err *err)
{
    struct note parsed;
    enum rc rc = note_parse(note, &parsed, err);
    if (rc == RC_OK)
        rc = note_verify(&parsed, key, NULL, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, RC_DENIED, "the policy is not signed by the archive's key");
    if (rc == RC_OK)
        rc = agent_policy_parse(parsed.text, arena, ret_policy, err);
    if (rc == RC_OK && !str_is(ret_policy->origin, key->name))
        return err_set(err, RC_DENIED, "the policy is of another archive");
    return rc;
}
