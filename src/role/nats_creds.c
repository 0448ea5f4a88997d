#include "role/nats_creds.h"

#include "base/assert.h"

#include <string.h>

#define DASHES 3u

/* A line "---WORDS---". */
static bool is_border(struct str line, struct str words)
{
    struct str middle = str_trim_end(line, '-');
    size_t behind = line.n - middle.n;
    size_t before = 0;
    while (before < middle.n && middle.p[before] == '-')
        before++;
    return before >= DASHES && behind >= DASHES && str_eq(str_skip(middle, before), words);
}

/* The one line between a beginning and its end; p == NULL when there is no such. */
static struct str value_find(struct str text, struct str begin, struct str end)
{
    struct str value = STR_NONE;
    bool inside = false;
    while (text.p) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (inside && is_border(line, end))
            return value;
        if (inside && line.n && value.p)
            return STR_NONE; /* two */
        if (inside && line.n)
            value = line;
        inside = inside || is_border(line, begin);
    }
    return STR_NONE;
}

/* base64url, base64url, base64url */
static bool is_jwt(struct str text)
{
    unsigned dots = 0;
    size_t part = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && part > 0 && dots < 2) {
            dots++;
            part = 0;
        } else if (char_is_alnum(c) || c == '-' || c == '_') {
            part++;
        } else {
            return false;
        }
    }
    return dots == 2 && part > 0;
}

static bool is_seed(struct str text)
{
    bool good = text.n == NATS_SEED_N && str_starts(text, STR("SU"));
    for (size_t i = 0; i < text.n && good; i++)
        good = (text.p[i] >= 'A' && text.p[i] <= 'Z') || (text.p[i] >= '2' && text.p[i] <= '7');
    return good;
}

enum rc nats_creds_parse(struct str text, struct nats_creds *ret_creds, struct err *err)
{
    struct str jwt = value_find(text, STR("BEGIN NATS USER JWT"), STR("END NATS USER JWT"));
    struct str seed = value_find(text, STR("BEGIN USER NKEY SEED"), STR("END USER NKEY SEED"));
    *ret_creds = (struct nats_creds){STR_NONE, STR_NONE};
    if (!jwt.p)
        return err_set(err, RC_INVALID, "the file of the credentials has no whole part \"NATS USER JWT\" of one line");
    if (!seed.p)
        return err_set(err, RC_INVALID, "the file of the credentials has no whole part \"USER NKEY SEED\" of one line");
    if (jwt.n > NATS_JWT_MAX)
        return err_set(err, RC_LIMIT, "the JWT of the credentials is longer than %zu bytes", NATS_JWT_MAX);
    if (!is_jwt(jwt))
        return err_set(err, RC_INVALID, "the JWT of the credentials has not the form of one");
    if (!is_seed(seed))
        return err_set(err, RC_INVALID, "the seed of the credentials is not that of a user: SU and %u characters more",
                       NATS_SEED_N - 2);
    *ret_creds = (struct nats_creds){jwt, seed};
    return RC_OK;
}
