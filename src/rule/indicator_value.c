#include "rule/indicator_value.h"

#include "codec/utf8.h"
#include "rule/cidr.h"

#include <string.h>

#define DOMAIN_MAX    253u
#define LABEL_MAX     63u
#define CODES_MAX     63u /* characters of one IDN label */
#define SCHEME_MAX    16u
#define V4_BITS       96u
#define V4_LEAST_BITS (V4_BITS + 8u) /* wider networks are refused */
#define V6_LEAST_BITS 16u

const char *indicator_kind_name(enum indicator_kind kind)
{
    static const char *const names[INDICATOR_KINDS] = {"address", "domain", "hash", "url"};
    return names[kind];
}

static void key_begin(struct indicator_key *key, enum indicator_kind kind)
{
    key->kind = kind;
    key->bits = 0;
    key->below = false;
    key->scheme = INDICATOR_NO_SCHEME;
    key->n = 0;
}

static bool all_digits(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!char_is_digit(text.p[i]))
            return false;
    return text.n > 0;
}

/* ---- addresses ---- */

/* "192.0.2.1:443" and "[2001:db8::1]:443" lose the port, "[2001:db8::1]" its brackets. */
static struct str without_port(struct str text)
{
    if (text.n && text.p[0] == '[') {
        size_t end = str_find(text, ']');
        struct str port = str_skip(text, end + 1);
        bool good = end < text.n && (!port.n || (port.p[0] == ':' && all_digits(str_skip(port, 1))));
        return good ? str_slice(text, 1, end) : STR_NONE;
    }
    size_t colon = str_find(text, ':');
    struct str port = str_skip(text, colon + 1);
    return colon < text.n && str_find(port, ':') == port.n && all_digits(port) ? str_slice(text, 0, colon) : text;
}

const char *indicator_address_key(struct str text, bool network, struct indicator_key *ret_key)
{
    struct cidr cidr = {.bits = 128};
    bool host_bits;
    key_begin(ret_key, INDICATOR_ADDRESS);
    text = without_port(str_trim(text));
    bool good = network ? cidr_parse(text, &cidr, &host_bits) : address_parse(text, cidr.address);
    if (!good)
        return "not an address or network";
    memcpy(ret_key->bytes, cidr.address, sizeof cidr.address);
    ret_key->n = sizeof cidr.address;
    ret_key->bits = cidr.bits;
    return NULL;
}

static bool is_v4(const struct indicator_key *key)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return key->bits >= V4_BITS && memcmp(key->bytes, mapped, sizeof mapped) == 0;
}

/* RFC 5952, 4: the longest run of zero groups, the first of equal ones, is "::"; a single group never is. */
static void v6_write(struct buf *out, const uint8_t bytes[16])
{
    unsigned best = 8;
    unsigned best_n = 1;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;
        while (i + n < 8 && bytes[2 * (i + n)] == 0 && bytes[2 * (i + n) + 1] == 0)
            n++;
        if (n > best_n) {
            best = i;
            best_n = n;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == best) {
            buf_text(out, "::");
            i += best_n - 1;
            continue;
        }
        buf_format(out, "%s%x", i > 0 && i != best + best_n ? ":" : "",
                   (unsigned)bytes[2 * i] << 8 | (unsigned)bytes[2 * i + 1]);
    }
}

static void address_write(struct buf *out, const struct indicator_key *key)
{
    uint8_t bytes[16];
    bool v4 = is_v4(key);
    memcpy(bytes, key->bytes, sizeof bytes);
    if (v4)
        buf_format(out, "%u.%u.%u.%u", bytes[12], bytes[13], bytes[14], bytes[15]);
    else
        v6_write(out, bytes);
    if (key->bits < 128)
        buf_format(out, "/%u", v4 ? key->bits - V4_BITS : key->bits);
}

/* ---- domain names ---- */

/* RFC 3492, 6.1 and 6.3; parameters of section 5. */
static uint32_t punycode_adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / 700 : delta / 2;
    delta += delta / points;
    for (; delta > 455; k += 36)
        delta /= 35;
    return k + 36 * delta / (delta + 38);
}

static char punycode_digit(uint32_t digit)
{
    return (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26));
}

static void punycode_number(struct buf *out, uint32_t number, uint32_t bias)
{
    for (uint32_t k = 36;; k += 36) {
        uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (number < t)
            break;
        buf_char(out, punycode_digit(t + (number - t) % (36 - t)));
        number = (number - t) / (36 - t);
    }
    buf_char(out, punycode_digit(number));
}

/* At most CODES_MAX codes below 0x110000: delta stays below 64 * 0x110000. */
static void punycode(const uint32_t *codes, size_t count, struct buf *out)
{
    uint32_t next = 128;
    uint32_t delta = 0;
    uint32_t bias = 72;
    uint32_t basic = 0;
    buf_text(out, "xn--");
    for (size_t i = 0; i < count; i++)
        if (codes[i] < 128) {
            buf_char(out, (char)codes[i]);
            basic++;
        }
    if (basic)
        buf_char(out, '-');
    for (uint32_t done = basic; done < count;) {
        uint32_t least = UINT32_MAX;
        for (size_t i = 0; i < count; i++)
            if (codes[i] >= next && codes[i] < least)
                least = codes[i];
        delta += (least - next) * (done + 1);
        next = least;
        for (size_t i = 0; i < count; i++) {
            delta += codes[i] < next;
            if (codes[i] != next)
                continue;
            punycode_number(out, delta, bias);
            bias = punycode_adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
        delta++;
        next++;
    }
}

static bool is_label_char(uint32_t c)
{
    return c < 128 && (char_is_alnum((char)c) || c == '-' || c == '_');
}

static bool ascii_label(struct str label, struct buf *out)
{
    if (label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        if (!is_label_char((unsigned char)label.p[i]))
            return false;
        buf_char(out, char_lower(label.p[i]));
    }
    return true;
}

/* A label with letters beyond ASCII: folded and as an A-label; folded to ASCII it is a plain one. */
static bool idn_label(struct str label, struct buf *out)
{
    uint32_t codes[CODES_MAX];
    char plain[CODES_MAX];
    size_t count = 0;
    size_t ascii = 0;
    size_t begin = out->n;
    if (!utf8_valid(label))
        return false;
    while (label.n) {
        uint32_t code;
        label = str_skip(label, utf8_decode(label, &code));
        code = utf8_fold_code(code);
        bool letter = code < 0x80 ? is_label_char(code) : code >= 0xc0; /* C1 controls and signs of Latin-1 are none */
        if (!letter || count == CODES_MAX)
            return false;
        if (code < 0x80)
            plain[ascii++] = (char)code;
        codes[count++] = code;
    }
    if (ascii == count)
        return ascii_label(str_at(plain, ascii), out);
    punycode(codes, count, out);
    return out->n - begin <= LABEL_MAX;
}

static bool label_put(struct str label, struct buf *out)
{
    if (label.n == 0)
        return false;
    for (size_t i = 0; i < label.n; i++)
        if ((unsigned char)label.p[i] >= 0x80)
            return idn_label(label, out);
    return ascii_label(label, out);
}

/* The name in its form behind what stands in `out`; false when it is none. A last label of digits is an address. */
static bool domain_put(struct str text, struct buf *out)
{
    size_t begin = out->n;
    struct str label = STR_NONE;
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n == 0 || text.n > DOMAIN_MAX)
        return false;
    while (text.p) {
        label = str_cut(&text, '.');
        if (out->n > begin)
            buf_char(out, '.');
        if (!label_put(label, out))
            return false;
    }
    return !all_digits(label) && !out->overflow && out->n - begin <= DOMAIN_MAX;
}

const char *indicator_domain_key(struct str text, struct indicator_key *ret_key)
{
    struct buf out;
    key_begin(ret_key, INDICATOR_DOMAIN);
    text = str_trim(text);
    ret_key->below = str_starts(text, STR("*.")) || str_starts(text, STR("."));
    if (ret_key->below)
        text = str_skip(text, text.p[0] == '*' ? 2 : 1);
    buf_init_fixed(&out, ret_key->bytes, sizeof ret_key->bytes);
    if (!domain_put(text, &out))
        return "not a domain name";
    ret_key->n = (uint16_t)out.n;
    return NULL;
}

/* ---- hashes ---- */

static int hex_value(char c)
{
    char lower = char_lower(c);
    return char_is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

const char *indicator_hash_key(struct str text, struct indicator_key *ret_key)
{
    key_begin(ret_key, INDICATOR_HASH);
    text = str_trim(text);
    if (text.n != 32 && text.n != 40 && text.n != 64)
        return "not an MD5, SHA-1 or SHA-256";
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_value(text.p[i]);
        int low = hex_value(text.p[i + 1]);
        if (high < 0 || low < 0)
            return "not an MD5, SHA-1 or SHA-256";
        ret_key->bytes[i / 2] = (char)(high << 4 | low);
    }
    ret_key->n = (uint16_t)(text.n / 2);
    return NULL;
}

/* ---- URLs ---- */

/* The scheme before "://"; empty when there is none. */
static struct str scheme_of(struct str url)
{
    size_t at = str_find(url, ':');
    struct str scheme = str_slice(url, 0, at);
    if (at > SCHEME_MAX || !str_starts(str_skip(url, at), STR("://")))
        return STR_NONE;
    for (size_t i = 0; i < scheme.n; i++)
        if (!char_is_alnum(scheme.p[i]) && !memchr("+-.", scheme.p[i], 3))
            return STR_NONE;
    return scheme.n && char_is_alpha(scheme.p[0]) ? scheme : STR_NONE;
}

/* Cuts host and port off; what follows stays in *rest, from the slash, question or number sign on. */
static struct str authority_cut(struct str *rest, struct str *ret_port)
{
    size_t end = 0;
    while (end < rest->n && !memchr("/?#\\", rest->p[end], 4))
        end++;
    struct str host = str_slice(*rest, 0, end);
    *rest = str_skip(*rest, end);
    const char *at = host.n ? memrchr(host.p, '@', host.n) : NULL;
    host = at ? str_skip(host, (size_t)(at - host.p) + 1) : host;
    bool bracket = host.n && host.p[0] == '[';
    size_t from = bracket ? str_find(host, ']') : 0;
    size_t colon = from + str_find(str_skip(host, from), ':');
    *ret_port = str_skip(host, colon + 1);
    return str_slice(host, 0, colon);
}

struct str indicator_url_host(struct str url)
{
    struct str port;
    struct str scheme = scheme_of(url);
    if (!scheme.n)
        return STR_NONE;
    url = str_skip(url, scheme.n + 3);
    struct str host = authority_cut(&url, &port);
    return host.n > 2 && host.p[0] == '[' ? str_slice(host, 1, str_find(host, ']')) : host;
}

static bool host_put(struct str host, struct buf *out)
{
    uint8_t address[16];
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        if (!address_parse(str_slice(host, 1, host.n - 1), address))
            return false;
        buf_char(out, '[');
        v6_write(out, address);
        buf_char(out, ']');
        return true;
    }
    if (address_parse(host, address) && str_find(host, ':') == host.n) {
        buf_str(out, host);
        return true;
    }
    return domain_put(host, out);
}

/* Escapes of unreserved characters are undone, those that stay are in upper case. */
static bool path_put(struct str path, struct buf *out)
{
    for (size_t i = 0; i < path.n && path.p[i] != '#'; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        int high = c == '%' && i + 2 < path.n ? hex_value(path.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(path.p[i + 2]) : -1;
        if (low < 0) {
            buf_char(out, (char)c);
            continue;
        }
        char plain = (char)(high << 4 | low);
        if (char_is_alnum(plain) || memchr("-._~", plain, 4))
            buf_char(out, plain);
        else
            buf_format(out, "%%%X%X", (unsigned)high, (unsigned)low);
        i += 2;
    }
    return true;
}

const char *indicator_url_key(struct str text, struct indicator_key *ret_key)
{
    struct str port;
    struct buf out;
    key_begin(ret_key, INDICATOR_URL);
    buf_init_fixed(&out, ret_key->bytes, sizeof ret_key->bytes);
    struct str rest = str_trim(text);
    struct str scheme = scheme_of(rest);
    rest = scheme.n ? str_skip(rest, scheme.n + 3) : rest;
    bool http = str_eq_nocase(scheme, STR("http"));
    bool https = str_eq_nocase(scheme, STR("https"));
    ret_key->scheme = http ? INDICATOR_HTTP : https ? INDICATOR_HTTPS : INDICATOR_NO_SCHEME;
    if (scheme.n && !http && !https) {
        for (size_t i = 0; i < scheme.n; i++)
            buf_char(&out, char_lower(scheme.p[i]));
        buf_text(&out, "://");
    }
    struct str host = authority_cut(&rest, &port);
    if (!host_put(host, &out) || (port.n && !all_digits(port)) || port.n > 5)
        return "not a URL";
    if (port.n && !str_is(port, https ? "443" : "80")) {
        buf_char(&out, ':');
        buf_str(&out, port);
    }
    if (!rest.n || (rest.p[0] != '/' && rest.p[0] != '\\'))
        buf_char(&out, '/');
    if (!path_put(rest, &out))
        return "not a URL";
    if (out.overflow)
        return "longer than 2048 bytes";
    ret_key->n = (uint16_t)out.n;
    return NULL;
}

/* ---- what a list holds ---- */

const char *indicator_guess_key(struct str text, struct indicator_key *ret_key)
{
    text = str_trim(text);
    struct str path = text;
    struct str host = str_cut(&path, '/');
    if (indicator_hash_key(text, ret_key) == NULL || indicator_address_key(text, true, ret_key) == NULL)
        return NULL;
    if (scheme_of(text).n)
        return indicator_url_key(text, ret_key);
    if (path.p && indicator_address_key(host, false, ret_key) == NULL && (path.n == 0 || all_digits(path)))
        return "not an address or network";
    if (path.p)
        return indicator_url_key(text, ret_key) ? "of no known kind" : NULL;
    return indicator_domain_key(text, ret_key) ? "of no known kind" : NULL;
}

static const char *address_unfit(const struct indicator_key *key)
{
    uint8_t bytes[16];
    static const uint8_t zero[16];
    bool v4 = is_v4(key);
    memcpy(bytes, key->bytes, sizeof bytes);
    bool holds_v4 = key->bits < V4_BITS && memcmp(bytes, zero, sizeof zero) == 0;
    if (holds_v4 || key->bits < (v4 ? V4_LEAST_BITS : V6_LEAST_BITS))
        return "a network so wide that it says nothing";
    if (v4 && (bytes[12] == 127 || bytes[12] == 0 || memcmp(bytes + 12, "\xff\xff\xff\xff", 4) == 0))
        return "an address that every machine has";
    if (memcmp(bytes, zero, 15) == 0 && bytes[15] <= 1)
        return "an address that every machine has";
    return NULL;
}

static bool is_empty_hash(struct str bytes)
{
    static const char md5[] = "\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e";
    static const char sha1[] = "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09";
    static const char sha256[] = "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
                                 "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";
    return str_eq(bytes, str_at(md5, sizeof md5 - 1)) || str_eq(bytes, str_at(sha1, sizeof sha1 - 1)) ||
           str_eq(bytes, str_at(sha256, sizeof sha256 - 1));
}

const char *indicator_key_unfit(const struct indicator_key *key)
{
    struct str bytes = str_at(key->bytes, key->n);
    switch (key->kind) {
    case INDICATOR_ADDRESS:
        return address_unfit(key);
    case INDICATOR_DOMAIN:
        return str_find(bytes, '.') == bytes.n ? "a name of one label" : NULL;
    case INDICATOR_HASH:
        return is_empty_hash(bytes) ? "the hash of an empty file" : NULL;
    case INDICATOR_URL:
    case INDICATOR_KINDS:
        break;
    }
    return NULL;
}

/* ---- texts ---- */

static bool is_fang(char c)
{
    return c == '[' || c == '(' || c == '{' || c == '\\';
}

size_t indicator_refang(struct str text, char ret_text[INDICATOR_TEXT_MAX])
{
    static const struct {
        struct str from;
        char to[4];
    } turns[] = {
        {STR_INIT("[.]"), "."},   {STR_INIT("(.)"), "."},   {STR_INIT("{.}"), "."},     {STR_INIT("[dot]"), "."},
        {STR_INIT("(dot)"), "."}, {STR_INIT("{dot}"), "."}, {STR_INIT("[://]"), "://"}, {STR_INIT("[:]"), ":"},
        {STR_INIT("[/]"), "/"},   {STR_INIT("[@]"), "@"},   {STR_INIT("\\."), "."},
    };
    struct buf out;
    text = str_trim(text);
    buf_init_fixed(&out, ret_text, INDICATOR_TEXT_MAX);
    if (str_starts_nocase(text, STR("hxxp"))) {
        buf_text(&out, "http");
        text = str_skip(text, 4);
    } else if (str_starts_nocase(text, STR("fxp:")) || str_starts_nocase(text, STR("fxp["))) {
        buf_text(&out, "ftp");
        text = str_skip(text, 3);
    }
    while (text.n) {
        size_t plain = 0;
        while (plain < text.n && !is_fang(text.p[plain]))
            plain++;
        buf_put(&out, text.p, plain);
        text = str_skip(text, plain);
        size_t at = 0;
        while (at < ARRAY_LEN(turns) && !str_starts_nocase(text, turns[at].from))
            at++;
        if (at < ARRAY_LEN(turns))
            buf_text(&out, turns[at].to);
        else
            buf_put(&out, text.p, MIN(text.n, (size_t)1));
        text = str_skip(text, at < ARRAY_LEN(turns) ? turns[at].from.n : 1);
    }
    return out.overflow ? 0 : out.n;
}

void indicator_key_write(struct buf *out, const struct indicator_key *key)
{
    switch (key->kind) {
    case INDICATOR_ADDRESS:
        address_write(out, key);
        return;
    case INDICATOR_HASH:
        buf_hex(out, key->bytes, key->n);
        return;
    case INDICATOR_URL:
        if (key->scheme != INDICATOR_NO_SCHEME)
            buf_text(out, key->scheme == INDICATOR_HTTP ? "http://" : "https://");
        break;
    case INDICATOR_DOMAIN:
    case INDICATOR_KINDS:
        break;
    }
    buf_put(out, key->bytes, key->n);
}
