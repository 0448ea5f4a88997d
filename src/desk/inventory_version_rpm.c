/* inventory_version_rpm.c - the order of versions of rpm's packages. Written from rpm-version(7): what is neither
 * letter nor digit parts segments and counts for nothing else; segments of digits are numbers and above those of
 * letters; '~' is before everything, the end too; '^' is behind the end and before any other segment. */
#include "desk/inventory.h"

static bool is_word(char c)
{
    return char_is_alnum(c) || c == '~' || c == '^';
}

static struct str separators_skip(struct str s)
{
    size_t n = 0;
    while (n < s.n && !is_word(s.p[n]))
        n++;
    return str_skip(s, n);
}

static struct str segment_cut(struct str *rest, bool digits)
{
    size_t n = 0;
    while (n < rest->n && (digits ? char_is_digit(rest->p[n]) : char_is_alpha(rest->p[n])))
        n++;
    struct str segment = str_slice(*rest, 0, n);
    *rest = str_skip(*rest, n);
    return segment;
}

/* Numbers of any length. */
static int number_compare(struct str a, struct str b)
{
    while (a.n && a.p[0] == '0')
        a = str_skip(a, 1);
    while (b.n && b.p[0] == '0')
        b = str_skip(b, 1);
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return str_compare(a, b);
}

static bool begins(struct str s, char c)
{
    return s.n > 0 && s.p[0] == c;
}

/* At '~' or '^' in one of them; 0: in both, and both go on behind it. */
static int mark_compare(struct str *a, struct str *b)
{
    const char mark = begins(*a, '~') || begins(*b, '~') ? '~' : '^';
    if (begins(*a, mark) && begins(*b, mark)) {
        *a = str_skip(*a, 1);
        *b = str_skip(*b, 1);
        return 0;
    }
    bool left = begins(*a, mark);
    if (mark == '~')
        return left ? -1 : 1;
    const struct str other = left ? *b : *a;
    return (other.n == 0) == left ? 1 : -1;
}

static int part_compare(struct str a, struct str b)
{
    for (;;) {
        a = separators_skip(a);
        b = separators_skip(b);
        int differs = 0;
        if (begins(a, '~') || begins(b, '~') || begins(a, '^') || begins(b, '^')) {
            differs = mark_compare(&a, &b);
        } else if (a.n == 0 || b.n == 0) {
            return a.n == b.n ? 0 : a.n ? 1 : -1;
        } else {
            bool number = char_is_digit(a.p[0]);
            struct str left = segment_cut(&a, number);
            struct str right = segment_cut(&b, number);
            if (right.n == 0) /* of the other kind */
                return number ? 1 : -1;
            differs = number ? number_compare(left, right) : str_compare(left, right);
        }
        if (differs)
            return differs;
    }
}

struct label {
    struct str epoch, version, release; /* release: none when p is NULL */
};

static struct label label_cut(struct str text)
{
    struct label label = {.epoch = STR("0"), .version = text, .release = STR_NONE};
    size_t digits = 0;
    while (digits < text.n && char_is_digit(text.p[digits]))
        digits++;
    if (digits < text.n && text.p[digits] == ':') {
        label.epoch = str_slice(text, 0, digits);
        label.version = str_skip(text, digits + 1);
    }
    for (size_t i = label.version.n; i > 0; i--)
        if (label.version.p[i - 1] == '-') {
            label.release = str_skip(label.version, i);
            label.version = str_slice(label.version, 0, i - 1);
            break;
        }
    return label;
}

int inventory_version_compare_rpm(struct str a, struct str b)
{
    struct label left = label_cut(a);
    struct label right = label_cut(b);
    int differs = number_compare(left.epoch, right.epoch);
    if (!differs)
        differs = part_compare(left.version, right.version);
    if (!differs && left.release.p && right.release.p)
        differs = part_compare(left.release, right.release);
    return differs < 0 ? -1 : differs > 0;
}
