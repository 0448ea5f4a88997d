#include "rule/indicator_read.h"

#include "base/civil.h"
#include "codec/timestamp.h"

#include <string.h>

#define DAY_NS    (DAY_S * SECOND_NS)
#define TIME_TEXT 32u

#define ANY     INDICATOR_WANT_ANY
#define ADDRESS INDICATOR_WANT_ADDRESS
#define DOMAIN  INDICATOR_WANT_DOMAIN
#define HOST    INDICATOR_WANT_HOST
#define HASH    INDICATOR_WANT_HASH
#define URL     INDICATOR_WANT_URL
#define NOTHING INDICATOR_WANT_NOTHING

/* MISP's types, those of common feeds, and our own words. */
static const struct indicator_type types[] = {
    {"", {ANY}},
    {"address", {ADDRESS}},
    {"cidr", {ADDRESS}},
    {"domain", {DOMAIN}},
    {"domain-name", {DOMAIN}},
    {"domain|ip", {DOMAIN, ADDRESS}},
    {"filehash-md5", {HASH}},
    {"filehash-sha1", {HASH}},
    {"filehash-sha256", {HASH}},
    {"filename|md5", {NOTHING, HASH}},
    {"filename|sha1", {NOTHING, HASH}},
    {"filename|sha256", {NOTHING, HASH}},
    {"fqdn", {DOMAIN}},
    {"hash", {HASH}},
    {"host", {HOST}},
    {"hostname", {DOMAIN}},
    {"hostname|port", {DOMAIN, NOTHING}},
    {"ip", {ADDRESS}},
    {"ip-dst", {ADDRESS}},
    {"ip-dst|port", {ADDRESS, NOTHING}},
    {"ip-src", {ADDRESS}},
    {"ip-src|port", {ADDRESS, NOTHING}},
    {"ip:port", {ADDRESS}},
    {"ipv4", {ADDRESS}},
    {"ipv4-addr", {ADDRESS}},
    {"ipv6", {ADDRESS}},
    {"ipv6-addr", {ADDRESS}},
    {"malware-sample", {NOTHING, HASH}},
    {"md5", {HASH}},
    {"md5_hash", {HASH}},
    {"network", {ADDRESS}},
    {"sha-1", {HASH}},
    {"sha-256", {HASH}},
    {"sha1", {HASH}},
    {"sha1_hash", {HASH}},
    {"sha256", {HASH}},
    {"sha256_hash", {HASH}},
    {"uri", {URL}},
    {"url", {URL}},
};

const struct indicator_type *indicator_type_find(struct str name)
{
    name = str_trim(name);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq_nocase(name, str_of(types[i].name)))
            return &types[i];
    return NULL;
}

static const char *key_of(enum indicator_want want, struct str text, struct indicator_key *ret_key)
{
    switch (want) {
    case INDICATOR_WANT_ADDRESS:
        return indicator_address_key(text, true, ret_key);
    case INDICATOR_WANT_DOMAIN:
        return indicator_domain_key(text, ret_key);
    case INDICATOR_WANT_HOST:
        if (indicator_address_key(text, true, ret_key) == NULL)
            return NULL;
        return indicator_domain_key(text, ret_key) ? "not an address or domain name" : NULL;
    case INDICATOR_WANT_HASH:
        return indicator_hash_key(text, ret_key);
    case INDICATOR_WANT_URL:
        return indicator_url_key(text, ret_key);
    case INDICATOR_WANT_ANY:
    case INDICATOR_WANT_NOTHING:
        break;
    }
    return indicator_guess_key(text, ret_key);
}

enum rc indicator_take(struct indicators *indicators, uint32_t line, enum indicator_want want, struct str value,
                       const struct indicator_about *about, struct err *err)
{
    char plain[INDICATOR_TEXT_MAX] UNINITIALISED;
    struct indicator_key key UNINITIALISED;
    size_t n = indicator_refang(value, plain);
    const char *reason = n ? key_of(want, str_at(plain, n), &key) : value.n ? "longer than 2048 bytes" : "empty";
    if (reason) {
        indicators_refuse(indicators, line, reason, value);
        return RC_OK;
    }
    key.below = key.below || (about->below && key.kind == INDICATOR_DOMAIN);
    return indicators_add(indicators, line, &key, about, err);
}

bool indicator_time(struct str text, bool end, int64_t *ret_ns)
{
    char day[TIME_TEXT];
    text = str_trim(text);
    if (text.n != 10 || str_find(text, '-') != 4)
        return timestamp_any(text, 0, 0, ret_ns);
    memcpy(day, text.p, text.n);
    memcpy(day + text.n, "T00:00:00Z", 10);
    if (!timestamp_any(str_at(day, text.n + 10), 0, 0, ret_ns))
        return false;
    *ret_ns = !end ? *ret_ns : *ret_ns > INT64_MAX - DAY_NS ? INT64_MAX : *ret_ns + DAY_NS;
    return true;
}

enum rc indicator_read(const struct indicator_reading *reading, struct str text, struct err *err)
{
    struct str begin = str_starts(text, STR("\xef\xbb\xbf")) ? str_skip(text, 3) : text;
    while (begin.n && char_is_space(begin.p[0]))
        begin = str_skip(begin, 1);
    struct str inner = str_trim(str_slice(begin, 1, 64));
    bool json = begin.n && (begin.p[0] == '{' || (begin.p[0] == '[' && inner.n && strchr("{]", inner.p[0])));
    return json ? indicator_json_read(reading, text, err) : indicator_csv_read(reading, text, err);
}
