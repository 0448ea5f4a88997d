/* inventory_version.c - the order of versions of packages. Written from deb-version(7) and Debian policy 5.6.12: parts
 * of no digits and of digits by turns; letters before the rest, '~' before everything, the end too. Those of rpm:
 * inventory_version_rpm.c. */
#include "desk/inventory.h"

/* What a character weighs where digits do not count: '~' < end < letters < all others. */
static int weight(struct str s, size_t at)
{
    if (at >= s.n || char_is_digit(s.p[at]))
        return 0;
    if (s.p[at] == '~')
        return -1;
    return char_is_alpha(s.p[at]) ? (unsigned char)s.p[at] : (unsigned char)s.p[at] + 256;
}

/* Numbers of any length: without the zeros in front the longer one is greater. */
static int number_compare(struct str a, size_t *i, struct str b, size_t *k)
{
    int differs = 0;
    while (*i < a.n && a.p[*i] == '0')
        (*i)++;
    while (*k < b.n && b.p[*k] == '0')
        (*k)++;
    for (; *i < a.n && *k < b.n && char_is_digit(a.p[*i]) && char_is_digit(b.p[*k]); (*i)++, (*k)++)
        differs = differs ? differs : a.p[*i] - b.p[*k];
    if (*i < a.n && char_is_digit(a.p[*i]))
        return 1;
    if (*k < b.n && char_is_digit(b.p[*k]))
        return -1;
    return differs;
}

static int part_compare(struct str a, struct str b)
{
    size_t i = 0;
    size_t k = 0;
    while (i < a.n || k < b.n) {
        while ((i < a.n && !char_is_digit(a.p[i])) || (k < b.n && !char_is_digit(b.p[k]))) {
            int differs = weight(a, i) - weight(b, k);
            if (differs)
                return differs;
            i++;
            k++;
        }
        int differs = number_compare(a, &i, b, &k);
        if (differs)
            return differs;
    }
    return 0;
}

struct version {
    struct str epoch, upstream, revision;
};

static struct version version_cut(struct str text)
{
    struct version version = {.epoch = STR("0"), .upstream = text, .revision = STR("0")};
    size_t colon = str_find(text, ':');
    if (colon < text.n) {
        version.epoch = str_slice(text, 0, colon);
        version.upstream = str_skip(text, colon + 1);
    }
    for (size_t i = version.upstream.n; i > 0; i--)
        if (version.upstream.p[i - 1] == '-') {
            version.revision = str_skip(version.upstream, i);
            version.upstream = str_slice(version.upstream, 0, i - 1);
            break;
        }
    return version;
}

static int version_compare(struct str a, struct str b)
{
    struct version left = version_cut(a);
    struct version right = version_cut(b);
    int differs = part_compare(left.epoch, right.epoch);
    if (!differs)
        differs = part_compare(left.upstream, right.upstream);
    if (!differs)
        differs = part_compare(left.revision, right.revision);
    return differs < 0 ? -1 : differs > 0;
}

int inventory_version_compare(struct str tool, struct str a, struct str b)
{
    return str_is(tool, "rpm") ? inventory_version_compare_rpm(a, b) : version_compare(a, b);
}
