/* signature_testing.h - for tests of this room: keys, certificates, lists, answers, time stamps and signed documents,
 * written byte by byte, so that what is tested is not read by what wrote it. All of them live until test_end; DER. */
#ifndef SIGNATURE_SIGNATURE_TESTING_H
#define SIGNATURE_SIGNATURE_TESTING_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/macros.h"
#include "base/str.h"
#include "signature/gost.h"

#include <gcrypt.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum test_key_kind { KEY_RSA, KEY_EC, KEY_ED25519, KEY_GOST_2004, KEY_GOST_256, KEY_GOST_512, KEY_RSA_WEAK, KEY_KINDS };

struct test_key {
    enum test_key_kind kind;
    void *secret; /* EVP_PKEY, or gcry_sexp_t */
    struct str spki;
};

struct test_certificate {
    const char *name;
    const char *issuer; /* NULL: itself */
    const struct test_key *key;
    const struct test_key *issuer_key;
    unsigned serial;
    int64_t from_s;
    int64_t until_s;
    bool authority;
    unsigned path_length; /* and one more; 0: none */
    const char *use;      /* "stamp", "responder", NULL */
    unsigned key_usage;   /* first byte of the bit string; 0: none */
    bool unknown_critical;
    const char *permitted; /* a DNS name's constraint */
    const char *point;     /* where its lists are, a URI; NULL: not said */
    bool use_mild;         /* the use is not critical */
};

struct test_list {
    const char *issuer;
    const struct test_key *issuer_key;
    int64_t from_s;
    int64_t until_s;
    unsigned revoked; /* a serial; 0: none */
    int64_t revoked_s;
    bool delta;
    bool mild;         /* ... and its extension is not critical */
    unsigned reason;   /* of the revocation, and one more; 0: none */
    const char *point; /* the part of the certificates that it is of, a URI; NULL: all */
};

struct test_response {
    struct str issuer; /* certificate, DER */
    unsigned serial;
    const struct test_key *signer;
    struct str signer_certificate; /* put in; none: the issuer's own */
    int64_t from_s;
    int64_t until_s;
    char status; /* 'g', 'r', 'u' */
    int64_t revoked_s;
    unsigned reason; /* and one more; 0: none */
    bool try_later;
};

struct test_document {
    struct str content;
    bool detached;
    bool plain;             /* without signed attributes */
    struct str certificate; /* of the signer */
    const struct test_key *key;
    struct str others[4]; /* certificates put in */
    struct str list;      /* put in */
    int64_t claimed_s;
    bool names_certificate;                       /* signingCertificateV2 */
    bool names_other;                             /* ... of another one */
    bool leave_certificates;                      /* none is put in */
    bool wrong_type;                              /* the attribute says another type of content */
    struct str stamp;                             /* a token */
    struct str (*stamp_of)(struct str signature); /* makes it */
    const char *type;                             /* of the content, a dotted identifier; NULL: data */
    bool long_lengths;                            /* BER: the outermost have no definite length */
    bool attributes_shown;                        /* what is signed as attributes stands as the document, without any */
    bool empty_digest;                            /* in the attribute; by an algorithm of libgcrypt */
};

#define TEST_TYPE_STAMP "1.2.840.113549.1.9.16.1.4"

#define KEYS_EACH 6u

static struct arena *arena;
static struct test_key *keys[KEY_KINDS][KEYS_EACH];

/* ---- DER ---- */

static struct str kept(const void *bytes, size_t n)
{
    arena = arena ? arena : arena_new((size_t)256 << 20);
    struct str copy = arena_str(arena, str_at(bytes, n));
    ASSERT(copy.p || n == 0);
    return copy;
}

/* An element of that tag over what follows, until an empty slice with p == NULL. */
static struct str der(unsigned tag, ...)
{
    struct buf inside CLEANUP(buf_done);
    struct buf out CLEANUP(buf_done);
    buf_init(&inside, (size_t)16 << 20);
    buf_init(&out, (size_t)16 << 20);
    va_list args;
    va_start(args, tag);
    for (struct str part = va_arg(args, struct str); part.p; part = va_arg(args, struct str))
        buf_str(&inside, part);
    va_end(args);
    buf_u8(&out, (uint8_t)tag);
    if (inside.n < 0x80) {
        buf_u8(&out, (uint8_t)inside.n);
    } else {
        buf_u8(&out, 0x84);
        unsigned n = (unsigned)inside.n;
        size_t bytes = n > 0xffffff ? 4 : n > 0xffff ? 3 : n > 0xff ? 2 : 1;
        out.n--;
        buf_u8(&out, (uint8_t)(0x80 + bytes));
        for (size_t i = bytes; i-- > 0;)
            buf_u8(&out, (uint8_t)(n >> 8 * i));
    }
    buf_str(&out, buf_view(&inside));
    ASSERT(!out.overflow && !inside.overflow);
    return kept(out.p, out.n);
}
#define DER(tag, ...) der(tag, __VA_ARGS__, STR_NONE)
#define NOTHING       STR("") /* a part that adds no byte; p is set */
#define SEQ(...)      DER(0x30, __VA_ARGS__)
#define SET(...)      DER(0x31, __VA_ARGS__)

static struct str oid(const char *dotted)
{
    ASN1_OBJECT *object = OBJ_txt2obj(dotted, 1);
    unsigned char *out = NULL;
    int n = i2d_ASN1_OBJECT(object, &out);
    ASSERT(n > 0);
    struct str made = kept(out, (size_t)n);
    OPENSSL_free(out);
    ASN1_OBJECT_free(object);
    return made;
}

static struct str integer(unsigned value)
{
    uint8_t bytes[5] = {0, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    size_t at = 0;
    while (at < 4 && bytes[at] == 0 && bytes[at + 1] < 0x80)
        at++;
    return DER(2, str_at(bytes + at, 5 - at));
}

static struct str flag(bool value)
{
    return DER(1, value ? STR("\xff") : STR("\0"));
}

static struct str time_of(int64_t time_s, bool general)
{
    char text[64];
    struct civil c = civil_from_ns(time_s * SECOND_NS, 0);
    int n = general ? snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute,
                               c.second)
                    : snprintf(text, sizeof text, "%02d%02d%02d%02d%02d%02dZ", c.year % 100, c.month, c.day, c.hour,
                               c.minute, c.second);
    return DER(general ? 24 : 23, str_at(text, (size_t)n));
}

static struct str name_of(const char *common)
{
    return SEQ(SET(SEQ(oid("2.5.4.10"), DER(12, STR("\xd2\x9a\xd0\xb0\xd0\xb7")))),
               SET(SEQ(oid("2.5.4.11"), DER(12, STR("BIN123456789012")))),
               SET(SEQ(oid("2.5.4.5"), DER(19, STR("IIN123456789011")))),
               SET(SEQ(oid("2.5.4.3"), DER(12, str_of(common)))));
}

/* ---- keys ---- */

static const struct {
    const char *key;
    const char *parameters;
    const char *signature;
    const char *digest;
    const char *curve;
    int hash;
} gosts[GOST_COUNT] = {
    {"1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1", "1.2.398.3.10.1.1.1.2", "1.2.398.3.10.1.3.1",
     "(curve \"GOST2001-CryptoPro-A\")", GCRY_MD_GOSTR3411_94},
    {"1.2.398.3.10.1.1.2.1", "1.2.398.3.10.1.1.2.1.1", "1.2.398.3.10.1.1.2.3.1", "1.2.398.3.10.1.3.2",
     "(p #00FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97#)"
     "(a #00C2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335#)"
     "(b #295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513#)"
     "(g #0491E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28"
     "32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C#)"
     "(n #400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67#)(h #04#)",
     GCRY_MD_STRIBOG256},
    {"1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.2.1", "1.2.398.3.10.1.1.2.3.2", "1.2.398.3.10.1.3.3",
     "(curve \"GOST2012-512-tc26-A\")", GCRY_MD_STRIBOG512},
};

static bool is_gost(const struct test_key *key)
{
    return key->kind >= KEY_GOST_2004 && key->kind <= KEY_GOST_512;
}

static void reversed(const unsigned char *from, size_t n, unsigned char *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = from[n - 1 - i];
}

static void key_gost(struct test_key *key, unsigned which)
{
    enum gost gost = (enum gost)(key->kind - KEY_GOST_2004);
    size_t size = gost_size(gost);
    unsigned char d[64];
    unsigned char point[130];
    char format[900];
    gcry_sexp_t half = NULL;
    gcry_ctx_t curve = NULL;
    gost_ready();
    memset(d, 0x31 + (int)which, sizeof d);
    snprintf(format, sizeof format, "(private-key (ecc %s (d %%b)))", gosts[gost].curve);
    ASSERT(gcry_sexp_build(&half, NULL, format, (int)size, d) == 0);
    ASSERT(gcry_mpi_ec_new(&curve, half, NULL) == 0);
    gcry_mpi_t q = gcry_mpi_ec_get_mpi("q", curve, 1);
    unsigned bits = 0;
    const unsigned char *opaque = gcry_mpi_get_flag(q, GCRYMPI_FLAG_OPAQUE) ? gcry_mpi_get_opaque(q, &bits) : NULL;
    unsigned char raw[130];
    size_t raw_n = 0;
    if (opaque) {
        raw_n = (bits + 7) / 8;
        memcpy(raw, opaque, raw_n);
    } else {
        ASSERT(gcry_mpi_print(GCRYMPI_FMT_USG, raw, sizeof raw, &raw_n, q) == 0);
    }
    ASSERT(raw_n == 2 * size + 1 && raw[0] == 4);
    snprintf(format, sizeof format, "(private-key (ecc %s (q %%b)(d %%b)))", gosts[gost].curve);
    ASSERT(gcry_sexp_build((gcry_sexp_t *)&key->secret, NULL, format, (int)raw_n, raw, (int)size, d) == 0);
    reversed(raw + 1, size, point);
    reversed(raw + 1 + size, size, point + size);
    key->spki = SEQ(SEQ(oid(gosts[gost].key), SEQ(oid(gosts[gost].parameters), oid(gosts[gost].digest))),
                    DER(3, STR("\0"), DER(4, str_at(point, 2 * size))));
    gcry_mpi_release(q);
    gcry_ctx_release(curve);
    gcry_sexp_release(half);
}

/* Made once a process; `which` tells keys of a kind apart. */
static const struct test_key *test_key(enum test_key_kind kind, unsigned which)
{
    ASSERT(kind < KEY_KINDS && which < KEYS_EACH);
    if (keys[kind][which])
        return keys[kind][which];
    struct test_key *key = memory_new(sizeof *key);
    ASSERT(key);
    key->kind = kind;
    if (is_gost(key)) {
        key_gost(key, which);
    } else {
        EVP_PKEY *made = kind == KEY_RSA        ? EVP_RSA_gen(2048)
                         : kind == KEY_RSA_WEAK ? EVP_RSA_gen(1024)
                         : kind == KEY_EC       ? EVP_EC_gen("P-256")
                                                : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        unsigned char *out = NULL;
        int n = i2d_PUBKEY(made, &out);
        ASSERT(n > 0);
        key->secret = made;
        key->spki = kept(out, (size_t)n);
        OPENSSL_free(out);
    }
    keys[kind][which] = key;
    return key;
}

static struct str algorithm_of(const struct test_key *key)
{
    if (is_gost(key))
        return SEQ(oid(gosts[key->kind - KEY_GOST_2004].signature));
    if (key->kind == KEY_EC)
        return SEQ(oid("1.2.840.10045.4.3.2"));
    if (key->kind == KEY_ED25519)
        return SEQ(oid("1.3.101.112"));
    return SEQ(oid("1.2.840.113549.1.1.11"), DER(5, NOTHING));
}

static struct str digest_algorithm_of(const struct test_key *key)
{
    return SEQ(oid(is_gost(key) ? gosts[key->kind - KEY_GOST_2004].digest : "2.16.840.1.101.3.4.2.1"));
}

static struct str digest_of_bytes(const struct test_key *key, struct str bytes)
{
    unsigned char value[64];
    unsigned n = 32;
    if (is_gost(key)) {
        int hash = gosts[key->kind - KEY_GOST_2004].hash;
        n = gcry_md_get_algo_dlen(hash);
        gcry_md_hash_buffer(hash, value, bytes.p, bytes.n);
    } else {
        ASSERT(EVP_Digest(bytes.p, bytes.n, value, &n, EVP_sha256(), NULL) == 1);
    }
    return kept(value, n);
}

static void number_put(gcry_sexp_t signature, const char *name, size_t size, unsigned char *ret)
{
    unsigned char number[65] = {0};
    size_t n = 0;
    gcry_sexp_t token = gcry_sexp_find_token(signature, name, 0);
    gcry_mpi_t value = gcry_sexp_nth_mpi(token, 1, GCRYMPI_FMT_USG);
    ASSERT(gcry_mpi_print(GCRYMPI_FMT_USG, number, sizeof number, &n, value) == 0 && n <= size);
    memset(ret, 0, size);
    reversed(number, n, ret);
    gcry_mpi_release(value);
    gcry_sexp_release(token);
}

static struct str sign_gost(const struct test_key *key, struct str bytes)
{
    struct str digest = digest_of_bytes(key, bytes);
    unsigned char value[64];
    unsigned char out[128];
    gcry_sexp_t data = NULL;
    gcry_sexp_t signature = NULL;
    reversed((const unsigned char *)digest.p, digest.n, value);
    ASSERT(gcry_sexp_build(&data, NULL, "(data (flags gost)(value %b))", (int)digest.n, value) == 0);
    ASSERT(gcry_pk_sign(&signature, data, key->secret) == 0);
    number_put(signature, "r", digest.n, out);
    number_put(signature, "s", digest.n, out + digest.n);
    gcry_sexp_release(data);
    gcry_sexp_release(signature);
    return kept(out, 2 * digest.n);
}

static struct str sign(const struct test_key *key, struct str bytes)
{
    unsigned char out[512];
    size_t n = sizeof out;
    if (is_gost(key))
        return sign_gost(key, bytes);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = key->kind == KEY_ED25519 ? NULL : EVP_sha256();
    ASSERT(EVP_DigestSignInit(ctx, NULL, md, NULL, key->secret) == 1);
    ASSERT(EVP_DigestSign(ctx, out, &n, (const unsigned char *)bytes.p, bytes.n) == 1);
    EVP_MD_CTX_free(ctx);
    return kept(out, n);
}

static struct str signed_sequence(struct str body, const struct test_key *key)
{
    return SEQ(body, algorithm_of(key), DER(3, STR("\0"), sign(key, body)));
}

/* ---- certificates and what is said of them ---- */

static struct str extension(const char *id, bool critical, struct str value)
{
    return SEQ(oid(id), critical ? flag(true) : NOTHING, DER(4, value));
}

/* Of a point of distribution, by one URI. */
static struct str point_of(const char *uri)
{
    return DER(0xa0, DER(0xa0, DER(0x86, str_of(uri))));
}

static struct str test_certificate_make(const struct test_certificate *c)
{
    const char *issuer = c->issuer ? c->issuer : c->name;
    uint8_t usage[] = {0, (uint8_t)c->key_usage};
    const char *use = !c->use ? NULL : strcmp(c->use, "stamp") == 0 ? "1.3.6.1.5.5.7.3.8" : "1.3.6.1.5.5.7.3.9";
    struct str length = c->path_length ? integer(c->path_length - 1) : NOTHING;
    struct str extensions =
        SEQ(c->authority ? extension("2.5.29.19", true, SEQ(flag(true), length)) : NOTHING,
            c->key_usage ? extension("2.5.29.15", true, DER(3, str_at(usage, 2))) : NOTHING,
            use ? extension("2.5.29.37", !c->use_mild, SEQ(oid(use))) : NOTHING,
            c->point ? extension("2.5.29.31", false, SEQ(SEQ(point_of(c->point)))) : NOTHING,
            c->unknown_critical ? extension("1.2.398.9.9.9", true, DER(5, NOTHING)) : NOTHING,
            c->permitted ? extension("2.5.29.30", true, SEQ(DER(0xa0, SEQ(DER(0x82, str_of(c->permitted)))))) : NOTHING,
            c->authority ? NOTHING : extension("2.5.29.17", false, SEQ(DER(0x82, STR("host.example.kz")))));
    const struct test_key *by = c->issuer_key ? c->issuer_key : c->key;
    struct str body = SEQ(DER(0xa0, integer(2)), integer(c->serial), algorithm_of(by), name_of(issuer),
                          SEQ(time_of(c->from_s, false), time_of(c->until_s, false)), name_of(c->name), c->key->spki,
                          DER(0xa3, extensions));
    return signed_sequence(body, by);
}

static struct str test_list_make(const struct test_list *l)
{
    uint8_t reason = (uint8_t)(l->reason - 1);
    struct str why = l->reason ? SEQ(extension("2.5.29.21", false, DER(10, str_at(&reason, 1)))) : NOTHING;
    struct str revoked = l->revoked ? SEQ(SEQ(integer(l->revoked), time_of(l->revoked_s, false), why)) : NOTHING;
    struct str delta = l->delta ? extension("2.5.29.27", !l->mild, integer(1)) : NOTHING;
    struct str point = l->point ? extension("2.5.29.28", true, SEQ(point_of(l->point))) : NOTHING;
    struct str extensions = l->delta || l->point ? DER(0xa0, SEQ(delta, point)) : NOTHING;
    struct str body = SEQ(integer(1), algorithm_of(l->issuer_key), name_of(l->issuer), time_of(l->from_s, false),
                          l->until_s ? time_of(l->until_s, false) : NOTHING, revoked, extensions);
    return signed_sequence(body, l->issuer_key);
}

static struct str sha1(struct str bytes)
{
    unsigned char value[20];
    unsigned n = 20;
    ASSERT(EVP_Digest(bytes.p, bytes.n, value, &n, EVP_sha1(), NULL) == 1);
    return kept(value, n);
}

static struct str test_response_make(const struct test_response *r)
{
    if (r->try_later)
        return SEQ(DER(10, STR("\x03")));
    const unsigned char *at = (const unsigned char *)r->issuer.p;
    X509 *issuer = d2i_X509(NULL, &at, (long)r->issuer.n);
    const unsigned char *name = NULL;
    size_t name_n = 0;
    ASSERT(issuer && X509_NAME_get0_der(X509_get_subject_name(issuer), &name, &name_n) == 1);
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer);
    struct str subject = kept(name, name_n);
    struct str id = SEQ(SEQ(oid("1.3.14.3.2.26"), DER(5, NOTHING)), DER(4, sha1(subject)),
                        DER(4, sha1(str_at(key->data, (size_t)key->length))), integer(r->serial));
    uint8_t reason = (uint8_t)(r->reason - 1);
    struct str why = r->reason ? DER(0xa0, DER(10, str_at(&reason, 1))) : NOTHING;
    struct str status = r->status == 'g'   ? DER(0x80, NOTHING)
                        : r->status == 'r' ? DER(0xa1, time_of(r->revoked_s, true), why)
                                           : DER(0x82, NOTHING);
    struct str single =
        SEQ(id, status, time_of(r->from_s, true), r->until_s ? DER(0xa0, time_of(r->until_s, true)) : NOTHING);
    struct str body = SEQ(DER(0xa1, subject), time_of(r->from_s, true), SEQ(single));
    struct str certificates = r->signer_certificate.n ? DER(0xa0, SEQ(r->signer_certificate)) : NOTHING;
    struct str basic = SEQ(body, algorithm_of(r->signer), DER(3, STR("\0"), sign(r->signer, body)), certificates);
    X509_free(issuer);
    return SEQ(DER(10, STR("\0")), DER(0xa0, SEQ(oid("1.3.6.1.5.5.7.48.1.1"), DER(4, basic))));
}

/* ---- documents ---- */

static struct str attribute(const char *id, struct str value)
{
    return SEQ(oid(id), SET(value));
}

/* Issuer and serial number of the certificate. */
static struct str signer_id(struct str certificate)
{
    const unsigned char *at = (const unsigned char *)certificate.p;
    unsigned char *name = NULL;
    unsigned char *number = NULL;
    X509 *x = d2i_X509(NULL, &at, (long)certificate.n);
    ASSERT(x);
    int name_n = i2d_X509_NAME(X509_get_issuer_name(x), &name);
    int number_n = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &number);
    struct str id = SEQ(kept(name, (size_t)name_n), kept(number, (size_t)number_n));
    OPENSSL_free(name);
    OPENSSL_free(number);
    X509_free(x);
    return id;
}

static struct str attributes_of(const struct test_document *d, const char *type)
{
    struct str named = d->names_other ? STR("another certificate") : d->certificate;
    struct str certificate = NOTHING;
    if (d->names_certificate || d->names_other)
        certificate =
            attribute("1.2.840.113549.1.9.16.2.47", SEQ(SEQ(SEQ(is_gost(d->key) ? digest_algorithm_of(d->key) : NOTHING,
                                                                DER(4, digest_of_bytes(d->key, named))))));
    return SET(
        attribute("1.2.840.113549.1.9.3", oid(d->wrong_type ? "1.2.840.113549.1.7.5" : type)),
        d->claimed_s ? attribute("1.2.840.113549.1.9.5", time_of(d->claimed_s, false)) : NOTHING,
        attribute("1.2.840.113549.1.9.4", DER(4, d->empty_digest ? NOTHING : digest_of_bytes(d->key, d->content))),
        certificate);
}

static struct str with_tag(struct str element, unsigned tag)
{
    char *copy = (char *)(uintptr_t)kept(element.p, element.n).p;
    copy[0] = (char)tag;
    return str_at(copy, element.n);
}

static struct str test_document_make(const struct test_document *d)
{
    const char *type = d->type ? d->type : "1.2.840.113549.1.7.1";
    struct str attributes = d->plain ? NOTHING : attributes_of(d, type);
    struct str signature = sign(d->key, d->plain ? d->content : attributes);
    bool plain = d->plain || d->attributes_shown;
    struct str digest = d->empty_digest ? SEQ(oid(gosts[GOST_2015_256].digest)) : digest_algorithm_of(d->key);
    struct str shown = d->attributes_shown ? attributes : d->content;
    struct str stamp = d->stamp_of ? d->stamp_of(signature) : d->stamp;
    struct str unsigned_part = stamp.n ? DER(0xa1, attribute("1.2.840.113549.1.9.16.2.14", stamp)) : NOTHING;
    struct str info = SEQ(integer(1), signer_id(d->certificate), digest, plain ? NOTHING : with_tag(attributes, 0xa0),
                          algorithm_of(d->key), DER(4, signature), unsigned_part);
    struct str content = d->detached ? NOTHING : DER(0xa0, DER(4, shown));
    struct str others[ARRAY_LEN(d->others)];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = d->others[i].n ? d->others[i] : NOTHING;
    struct str certificates = DER(0xa0, d->certificate, others[0], others[1], others[2], others[3]);
    struct str inside =
        SEQ(integer(type == d->type ? 3 : 1), SET(digest_algorithm_of(d->key)), SEQ(oid(type), content),
            d->leave_certificates ? NOTHING : certificates, d->list.n ? DER(0xa1, d->list) : NOTHING, SET(info));
    if (!d->long_lengths)
        return SEQ(oid("1.2.840.113549.1.7.2"), DER(0xa0, inside));
    struct buf out CLEANUP(buf_done);
    struct str id = oid("1.2.840.113549.1.7.2");
    buf_init(&out, (size_t)16 << 20);
    buf_str(&out, STR("\x30\x80"));
    buf_str(&out, id);
    buf_str(&out, STR("\xa0\x80"));
    buf_str(&out, inside);
    buf_str(&out, STR("\0\0\0\0"));
    return kept(out.p, out.n);
}

/* For a signature; `wrong`: for another. */
static struct str test_stamp_info(struct str signature, int64_t time_s, bool wrong)
{
    const struct test_key sha256 = {.kind = KEY_RSA};
    struct str digest = digest_of_bytes(&sha256, wrong ? STR("another signature") : signature);
    return SEQ(integer(1), oid("1.2.398.3.3.2.6.1"),
               SEQ(SEQ(oid("2.16.840.1.101.3.4.2.1"), DER(5, NOTHING)), DER(4, digest)), integer(77),
               time_of(time_s, true));
}

static void test_end(void)
{
    for (size_t kind = 0; kind < KEY_KINDS; kind++)
        for (size_t i = 0; i < KEYS_EACH; i++) {
            struct test_key *key = keys[kind][i];
            if (!key)
                continue;
            if (is_gost(key))
                gcry_sexp_release(key->secret);
            else
                EVP_PKEY_free(key->secret);
            memory_free(key);
            keys[kind][i] = NULL;
        }
    arena_free(arena);
    arena = NULL;
}

#endif
