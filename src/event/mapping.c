#include "event/mapping.h"

struct rows mapping_rows(const struct mapping *mapping, struct str key)
{
    const uint64_t *at = map_get(mapping->lists, key);
    return at ? mapping->list[*at - 1] : (struct rows){.count = 0};
}

const struct program *mapping_program(const struct mapping *mapping, struct str lower_name)
{
    const uint64_t *at = map_get(mapping->programs, lower_name);
    return at ? &mapping->program[*at - 1] : NULL;
}

struct str program_base(struct str program)
{
    size_t slash = program.n;
    while (slash > 0 && program.p[slash - 1] != '/')
        slash--;
    program = str_skip(program, slash);
    if (program.n > 1 && program.p[0] == '(')
        return str_slice(program, 1, str_find(program, ')'));
    return str_slice(program, 0, str_find(program, '('));
}

const struct program *mapping_program_written(const struct mapping *mapping, struct str program)
{
    char lower[MAPPING_KEY_MAX];
    program = program_base(program);
    if (!program.n || program.n > sizeof lower)
        return NULL;
    for (size_t i = 0; i < program.n; i++)
        lower[i] = char_lower(program.p[i]);
    return mapping_program(mapping, str_at(lower, program.n));
}

/* Inside the wrappers of Windows events names may have blanks ("Threat Name"); Sigma writes them without. */
static uint32_t put_without_blanks(struct names *names, struct str name)
{
    char text[NAMES_TEXT_MAX];
    size_t n = 0;
    if (str_find(name, ' ') == name.n || name.n > sizeof text)
        return names_put(names, name);
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != ' ')
            text[n++] = name.p[i];
    return names_put(names, str_at(text, n));
}

uint32_t mapping_path(const struct mapping *mapping, struct names *names, struct str path)
{
    const uint64_t *exact = map_get(mapping->paths, path);
    if (exact)
        return (uint32_t)*exact;
    for (size_t at = path.n; at-- > 0;) {
        if (path.p[at] != '.')
            continue;
        const uint64_t *container = map_get(mapping->paths, str_slice(path, 0, at));
        if (container && *container == 0)
            return put_without_blanks(names, str_skip(path, at + 1));
    }
    return names_put(names, path);
}
