/* inventory_people.c - accounts of the machine itself: users, groups and who is in them. Those of a directory are not
 * in its files. */
#include "agent/inventory_parts.h"

#include <string.h>

#define PASSWD       "etc/passwd"
#define GROUP        "etc/group"
#define SHADOW       "etc/shadow"
#define PASSWORD_MAX 10000u

/* What shadow says, by name. */
struct password {
    struct str name;
    const char *state;
};

struct passwords {
    struct password *rows;
    size_t count;
    size_t room;
};

/* Grows in the arena; false past the limits. */
static bool room_make(struct look *look, void **rows, size_t *room, size_t count, size_t size, size_t most)
{
    if (count < *room)
        return true;
    size_t wanted = MIN(MAX(*room * 2, (size_t)64), most);
    void *grown = wanted > count ? arena_grow(look->arena, *rows, *room * size, wanted * size) : NULL;
    if (!grown)
        return false;
    *rows = grown;
    *room = wanted;
    return true;
}

static bool shadow_line(void *context, struct str line)
{
    struct look *look = context;
    struct passwords *passwords = look->part;
    struct str name;
    const char *state;
    void *rows = passwords->rows;
    if (!inventory_shadow_parse(line, &name, &state) ||
        !room_make(look, &rows, &passwords->room, passwords->count, sizeof *passwords->rows, PASSWORD_MAX))
        return true;
    passwords->rows = rows;
    passwords->rows[passwords->count++] = (struct password){arena_str(look->arena, name), state};
    return true;
}

/* Both files have the same order, but for who edits them by hand: the search begins where the last one ended. */
static const char *password_find(const struct passwords *passwords, struct str name, size_t *from)
{
    for (size_t i = 0; i < passwords->count; i++) {
        size_t at = (*from + i) % passwords->count;
        if (str_eq(passwords->rows[at].name, name)) {
            *from = at + 1;
            return passwords->rows[at].state;
        }
    }
    return NULL;
}

struct user_looking {
    struct passwords passwords; /* first: shadow_line */
    size_t from;
};

static bool user_line(void *context, struct str line)
{
    struct look *look = context;
    struct user_looking *part = look->part;
    struct inventory_user user;
    if (!inventory_user_parse(line, &user))
        return true;
    const char *password = password_find(&part->passwords, user.name, &part->from);
    look_begin(look, user.name);
    json_put_u64(&look->value, "uid", user.uid);
    json_put_u64(&look->value, "gid", user.gid);
    look_put(look, "home", user.home);
    look_put(look, "shell", user.shell);
    json_put_text(&look->value, "password", password ? password : "unknown");
    return look_end(look);
}

bool look_users(struct look *look)
{
    struct user_looking part = {0};
    look->part = &part;
    IGNORE(look_lines(look, SHADOW, shadow_line)); /* may not be read everywhere: "unknown" then */
    return look_lines(look, PASSWD, user_line);
}

static bool group_line(void *context, struct str line)
{
    struct look *look = context;
    struct inventory_group group;
    if (!inventory_group_parse(line, &group))
        return true;
    look_begin(look, group.name);
    json_put_u64(&look->value, "gid", group.gid);
    return look_end(look);
}

bool look_groups(struct look *look)
{
    return look_lines(look, GROUP, group_line);
}

/* ---- members ---- */

struct first_group {
    uint64_t gid;
    struct str user;
};

struct member_looking {
    struct first_group *rows;
    size_t count;
    size_t room;
};

static bool first_line(void *context, struct str line)
{
    struct look *look = context;
    struct member_looking *part = look->part;
    struct inventory_user user;
    void *rows = part->rows;
    if (!inventory_user_parse(line, &user) ||
        !room_make(look, &rows, &part->room, part->count, sizeof *part->rows, PASSWORD_MAX))
        return true;
    part->rows = rows;
    part->rows[part->count++] = (struct first_group){user.gid, arena_str(look->arena, user.name)};
    return true;
}

static bool member_put(struct look *look, const struct inventory_group *group, struct str user)
{
    look_begin(look, STR_NONE);
    buf_str(&look->key, str_slice(group->name, 0, LOOK_TEXT_MAX / 2));
    buf_char(&look->key, '/');
    buf_str(&look->key, str_slice(user, 0, LOOK_TEXT_MAX / 2));
    look_put(look, "group", group->name);
    look_put(look, "user", user);
    json_put_u64(&look->value, "gid", group->gid);
    return look_end(look);
}

static bool members_line(void *context, struct str line)
{
    struct look *look = context;
    const struct member_looking *part = look->part;
    struct inventory_group group;
    if (!inventory_group_parse(line, &group))
        return true;
    struct str rest = group.members;
    while (rest.n) {
        struct str user = str_trim(str_cut(&rest, ','));
        if (user.n && !member_put(look, &group, user))
            return false;
    }
    for (size_t i = 0; i < part->count; i++)
        if (part->rows[i].gid == group.gid && !member_put(look, &group, part->rows[i].user))
            return false;
    return true;
}

bool look_members(struct look *look)
{
    struct member_looking part = {0};
    look->part = &part;
    return look_lines(look, PASSWD, first_line) && look_lines(look, GROUP, members_line);
}
