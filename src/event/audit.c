/* Linux audit records, and what only the whole of an event's records can say: the command line, the file made, the
 * address connected to. */
#include "base/bytes.h"
#include "codec/utf8.h"
#include "event/normaliser.h"

#include <string.h>

/* What the records of one event say together. */
struct whole {
    struct arena *arena;
    struct buf command; /* EXECVE arguments */
    uint64_t argument;  /* index of the last one */
    bool has_argument;
    struct str title;
    struct str cwd;
    struct str created;
    struct str address;
    struct str port;
    struct str arch;
    struct str syscall;
    struct str syscall_name;
};

static struct str field_text(struct arena *arena, const struct audit_field *field)
{
    if (!field->hex)
        return field->value;
    struct str text = audit_text(arena, field);
    return text.n ? utf8_make_valid(arena, text) : text;
}

/* Socket addresses and the like are hexadecimal because they are bytes, not because they are text. */
static bool is_binary(struct str name)
{
    return str_is(name, "saddr") || str_is(name, "data_hash");
}

void audit_add(struct normaliser *normaliser, const struct audit *audit)
{
    struct draft *draft = &normaliser->draft;
    struct audit_reader reader = audit_fields(audit);
    struct audit_field field;
    say(normaliser, WORD_TYPE, audit->type);
    while (audit_next(&reader, &field)) {
        struct str value = is_binary(field.name) ? field.value : field_text(draft->arena, &field);
        if (value.n)
            draft_add(draft, names_put(normaliser->names, field.name), EVENT_STRING, value);
    }
}

bool audit_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct audit audit;
    if (!audit_parse(text, &audit))
        return false;
    draft->event.parser = "audit";
    draft_own_time(draft, audit.time_ns);
    say(normaliser, WORD_NODE, audit.node);
    audit_add(normaliser, &audit);
    draft_apply_list(draft, rows_for(normaliser, STR("audit"), audit.type, STR_NONE));
    draft_apply_list(draft, normaliser->audit_rows);
    draft_statutory(draft, STATUTORY_HOST, audit.node);
    if (audit.node.n &&
        !draft_replace(draft, mapping_slot(normaliser->mapping, normaliser->word[WORD_HOST]), audit.node))
        say(normaliser, WORD_HOST, audit.node); /* a relay's name stands in the header of syslog */
    draft_statutory(draft, STATUTORY_DESCRIPTION, text);
    normaliser->audit = audit;
    normaliser->audit_text = text;
    normaliser->has_audit = true;
    return true;
}

/* --- joined events --- */

/* a0, a1, and the parts a2[0], a2[1] of a long one; a2_len is none. */
static bool argument_index(struct str name, uint64_t *ret_index)
{
    if (name.n < 2 || name.p[0] != 'a')
        return false;
    struct str digits = str_skip(name, 1);
    digits = str_slice(digits, 0, str_find(digits, '['));
    return str_to_u64(digits, ret_index);
}

static void whole_execve(struct whole *whole, const struct audit_field *field)
{
    uint64_t index = 0;
    if (!argument_index(field->name, &index))
        return;
    if (whole->has_argument && index != whole->argument)
        buf_char(&whole->command, ' ');
    whole->argument = index;
    whole->has_argument = true;
    buf_str(&whole->command, field_text(whole->arena, field));
}

/* struct sockaddr in hexadecimal: family in the machine's order (little), the rest in the network's. */
static void whole_address(struct whole *whole, struct str hex)
{
    uint8_t bytes[28];
    size_t n = MIN(hex.n / 2, sizeof bytes);
    char storage[64];
    struct buf text;
    if (n < 16 || !hex_decode(str_slice(hex, 0, 2 * n), bytes, n) || bytes[1] != 0)
        return;
    bool is_v6 = bytes[0] == 10;
    if ((bytes[0] != 2 && !is_v6) || (is_v6 && n < 24))
        return;
    buf_init_fixed(&text, storage, sizeof storage);
    if (is_v6)
        buf_ipv6(&text, bytes + 8);
    else
        buf_ipv4(&text, bytes + 4);
    whole->address = arena_str(whole->arena, buf_view(&text));
    buf_clear(&text);
    buf_u64(&text, get_be16(bytes + 2));
    whole->port = arena_str(whole->arena, buf_view(&text));
}

static struct str path_join(struct arena *arena, struct str folder, struct str name)
{
    if (!folder.n || str_starts(name, STR("/")))
        return name;
    struct str parts[2] = {str_is(folder, "/") ? STR("") : folder, name};
    if (!parts[0].n) {
        parts[0] = STR("/");
        return transform_join(arena, parts, 2, STR(""));
    }
    return transform_join(arena, parts, 2, STR("/"));
}

static void whole_path(struct whole *whole, const struct audit *audit)
{
    struct audit_reader reader = audit_fields(audit);
    struct audit_field field;
    struct str name = STR_NONE;
    bool created = false;
    while (audit_next(&reader, &field)) {
        if (str_is(field.name, "name"))
            name = field_text(whole->arena, &field);
        else if (str_is(field.name, "nametype"))
            created = str_is(field.value, "CREATE");
    }
    if (created && name.n && !whole->created.n)
        whole->created = name;
}

static void whole_syscall(struct whole *whole, const struct audit_field *field)
{
    if (str_is(field->name, "arch"))
        whole->arch = field->value;
    else if (str_is(field->name, "syscall"))
        whole->syscall = field->value;
    else if (str_is(field->name, "SYSCALL"))
        whole->syscall_name = field->value;
}

static void whole_add(struct whole *whole, const struct audit *audit)
{
    struct audit_reader reader = audit_fields(audit);
    struct audit_field field;
    if (str_is(audit->type, "PATH")) {
        whole_path(whole, audit);
        return;
    }
    while (audit_next(&reader, &field)) {
        if (str_is(audit->type, "EXECVE"))
            whole_execve(whole, &field);
        else if (str_is(audit->type, "SYSCALL"))
            whole_syscall(whole, &field);
        else if (str_is(field.name, "proctitle"))
            whole->title = field_text(whole->arena, &field);
        else if (str_is(field.name, "cwd"))
            whole->cwd = field_text(whole->arena, &field);
        else if (str_is(field.name, "saddr"))
            whole_address(whole, field.value);
    }
}

/* Numbers of connect(2): Linux unistd.h of x86_64, aarch64, i386. */
static bool is_connect(const struct whole *whole)
{
    static const char *const numbers[][2] = {{"c000003e", "42"}, {"c00000b7", "203"}, {"40000003", "362"}};
    if (whole->syscall_name.n)
        return str_is(whole->syscall_name, "connect");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (str_is(whole->arch, numbers[i][0]) && str_is(whole->syscall, numbers[i][1]))
            return true;
    return false;
}

static void whole_say(struct normaliser *normaliser, const struct whole *whole)
{
    struct draft *draft = &normaliser->draft;
    struct str command = buf_view(&whole->command);
    if (whole->has_argument)
        say(normaliser, WORD_COMMAND_LINE, command.n ? arena_str(draft->arena, command) : whole->title);
    if (whole->created.n)
        say(normaliser, WORD_TARGET_FILENAME, path_join(draft->arena, whole->cwd, whole->created));
    if (whole->address.n && is_connect(whole)) {
        say(normaliser, WORD_DESTINATION_IP, whole->address);
        say(normaliser, WORD_DESTINATION_PORT, whole->port);
        say(normaliser, WORD_INITIATED, STR("true"));
    }
}

void audit_whole(struct normaliser *normaliser, struct str lines)
{
    struct draft *draft = &normaliser->draft;
    struct whole whole = {.arena = draft->arena};
    buf_init(&whole.command, AUDIT_TEXT_MAX);
    while (lines.p) {
        struct audit audit;
        if (!audit_parse(str_cut(&lines, '\n'), &audit))
            continue;
        draft_own_time(draft, audit.time_ns);
        draft_statutory(draft, STATUTORY_HOST, audit.node);
        audit_add(normaliser, &audit);
        whole_add(&whole, &audit);
    }
    whole_say(normaliser, &whole);
    buf_done(&whole.command);
    draft_apply_list(draft, normaliser->audit_event_rows);
    draft_statutory(draft, STATUTORY_DESCRIPTION, said(normaliser, WORD_COMMAND_LINE));
}
