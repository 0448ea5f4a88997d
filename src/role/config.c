#include "role/config.h"

#include "desk/desk.h"

#define TEXT_MAX 4000u /* bytes of one text: all of them fit MSG_CONFIG */

struct number_row {
    const char *key;
    size_t offset;
    int64_t standard;
    int64_t least;
    int64_t most;
    const char *help;
};

struct text_row {
    const char *key;
    size_t offset;
    const char *standard;
    const char *help;
};

static const struct number_row numbers[] = {
#define X(member, key, standard, least, most, help) {key, offsetof(struct config, member), standard, least, most, help},
    CONFIG_NUMBERS(X)
#undef X
};

static const struct text_row texts[] = {
#define X(member, key, standard, help) {key, offsetof(struct config, member), standard, help},
    CONFIG_TEXTS(X)
#undef X
        {"data", offsetof(struct config, data), "", NULL},
    {"share", offsetof(struct config, share), "", NULL},
};

static int64_t *number_at(struct config *config, size_t offset)
{
    return (int64_t *)(void *)((char *)config + offset);
}

static struct str *text_at(struct config *config, size_t offset)
{
    return (struct str *)(void *)((char *)config + offset);
}

void config_defaults(struct config *ret_config)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *number_at(ret_config, numbers[i].offset) = numbers[i].standard;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *text_at(ret_config, texts[i].offset) = str_of(texts[i].standard);
}

static enum rc number_set(struct config *config, const struct number_row *row, struct str value, struct err *err)
{
    int64_t number = 0;
    if (!str_to_i64(value, &number) || number < row->least || number > row->most)
        return err_set(err, RC_INVALID, "\"%s\" must be a number from %lld to %lld, not \"%.*s\"", row->key,
                       (long long)row->least, (long long)row->most, STR_ARG(str_slice(value, 0, 40)));
    *number_at(config, row->offset) = number;
    return RC_OK;
}

enum rc config_set(struct config *config, struct str key, struct str value, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (str_is(key, numbers[i].key))
            return number_set(config, &numbers[i], value, err);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!str_is(key, texts[i].key))
            continue;
        if (value.n > TEXT_MAX)
            return err_set(err, RC_LIMIT, "\"%s\" is longer than %u bytes", texts[i].key, TEXT_MAX);
        if (str_find(value, '\n') != value.n || str_find(value, '\0') != value.n)
            return err_set(err, RC_INVALID, "\"%s\" may not hold line ends", texts[i].key);
        if (str_is(key, "party") && !desk_party_known(value))
            return err_set(err, RC_INVALID, "\"party\" is one of owner, centre, national");
        const char *copy = arena_strz(arena, value);
        if (!copy)
            return err_set(err, RC_LIMIT, "no memory for the configuration");
        *text_at(config, texts[i].offset) = str_of(copy);
        return RC_OK;
    }
    return err_set(err, RC_INVALID, "there is no option \"%.*s\"; `man qorgan.conf` lists them",
                   STR_ARG(str_slice(key, 0, 60)));
}

enum rc config_parse(struct config *config, struct str text, const char *name, struct arena *arena, struct err *err)
{
    unsigned line_number = 0;
    while (text.p) {
        struct str line = str_trim(str_cut(&text, '\n'));
        line_number++;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        size_t at = 0;
        while (at < line.n && !char_is_space(line.p[at]))
            at++;
        enum rc rc = config_set(config, str_slice(line, 0, at), str_trim(str_skip(line, at)), arena, err);
        if (rc != RC_OK) {
            IGNORE(err_wrap(err, "%s line %u", name, line_number)); /* the code stays rc */
            return rc;
        }
    }
    return RC_OK;
}

void config_write(const struct config *config, struct buf *out)
{
    struct config copy = *config;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_format(out, "%s %lld\n", numbers[i].key, (long long)*number_at(&copy, numbers[i].offset));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        buf_format(out, "%s ", texts[i].key);
        buf_str(out, *text_at(&copy, texts[i].offset));
        buf_char(out, '\n');
    }
}

void config_help(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        buf_format(out, "%s\t%lld\t%s\n", numbers[i].key, (long long)numbers[i].standard, numbers[i].help);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].help)
            buf_format(out, "%s\t%s\t%s\n", texts[i].key, texts[i].standard, texts[i].help);
}
