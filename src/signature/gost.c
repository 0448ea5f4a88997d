#include "signature/gost.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/macros.h"

#include <gcrypt.h>
#include <string.h>

#define NUMBER_MAX 64u

struct gost_hash {
    gcry_md_hd_t md;
    int algorithm;
};

static const struct {
    int hash;
    size_t size;
    const char *curve; /* of the key, with %b for the point */
    bool cofactor;     /* has points of a small order */
} kinds[GOST_COUNT] = {
    [GOST_2004] = {GCRY_MD_GOSTR3411_94, 32, "(public-key (ecc (curve \"GOST2001-CryptoPro-A\")(q %b)))", false},
    /* libgcrypt 1.10 has no name for this one. */
    [GOST_2015_256] = {GCRY_MD_STRIBOG256, 32,
                       "(public-key (ecc"
                       "(p #00FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97#)"
                       "(a #00C2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335#)"
                       "(b #295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513#)"
                       "(g #0491E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28"
                       "32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C#)"
                       "(n #400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67#)(h #04#)"
                       "(q %b)))",
                       true},
    [GOST_2015_512] = {GCRY_MD_STRIBOG512, 64, "(public-key (ecc (curve \"GOST2012-512-tc26-A\")(q %b)))", false},
};

void gost_ready(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return;
    IGNORE(gcry_check_version(NULL) == NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0); /* nothing here is secret */
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

struct gost_hash *gost_hash_new(enum gost gost)
{
    ASSERT(gost < GOST_COUNT);
    gost_ready();
    struct gost_hash *hash = memory_new(sizeof *hash);
    if (!hash)
        return NULL;
    hash->algorithm = kinds[gost].hash;
    if (gcry_md_open(&hash->md, hash->algorithm, 0) == 0)
        return hash;
    memory_free(hash);
    return NULL;
}

void gost_hash_put(struct gost_hash *hash, const void *bytes, size_t n)
{
    gcry_md_write(hash->md, bytes, n);
}

size_t gost_hash_end(struct gost_hash *hash, uint8_t ret_digest[GOST_DIGEST_MAX])
{
    size_t n = gcry_md_get_algo_dlen(hash->algorithm);
    ASSERT(n <= GOST_DIGEST_MAX);
    memcpy(ret_digest, gcry_md_read(hash->md, hash->algorithm), n);
    gcry_md_close(hash->md);
    memory_free(hash);
    return n;
}

size_t gost_size(enum gost gost)
{
    return kinds[gost].size;
}

static void reversed(const void *bytes, size_t n, uint8_t *ret)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < n; i++)
        ret[i] = from[n - 1 - i];
}

/* On a curve with a cofactor: whether the point is of the group that the numbers count in. Signatures of a point of the
 * few others can be made by anybody. */
static bool point_of_group(gcry_mpi_point_t q, gcry_ctx_t curve)
{
    gcry_mpi_t n = gcry_mpi_ec_get_mpi("n", curve, 1);
    gcry_mpi_point_t end = gcry_mpi_point_new(0);
    bool good = false;
    if (n) {
        gcry_mpi_ec_mul(end, n, q, curve);
        good = gcry_mpi_ec_get_affine(NULL, NULL, end, curve) != 0; /* at infinity */
    }
    gcry_mpi_point_release(end);
    gcry_mpi_release(n);
    return good;
}

/* NULL: not a point of the curve, or no memory. libgcrypt looks at the point when the curve is asked for. */
static gcry_sexp_t key_make(enum gost gost, struct str key)
{
    size_t size = kinds[gost].size;
    uint8_t point[2 * NUMBER_MAX + 1] = {4};
    gcry_sexp_t sexp = NULL;
    gcry_ctx_t curve = NULL;
    gcry_mpi_point_t q = NULL;
    reversed(key.p, size, point + 1);
    reversed(key.p + size, size, point + 1 + size);
    if (gcry_sexp_build(&sexp, NULL, kinds[gost].curve, (int)(2 * size + 1), point) != 0)
        return NULL;
    bool good = gcry_mpi_ec_new(&curve, sexp, NULL) == 0 && (q = gcry_mpi_ec_get_point("q", curve, 1)) != NULL &&
                gcry_mpi_ec_curve_point(q, curve) != 0 && (!kinds[gost].cofactor || point_of_group(q, curve));
    gcry_mpi_point_release(q);
    gcry_ctx_release(curve);
    if (good)
        return sexp;
    gcry_sexp_release(sexp);
    return NULL;
}

bool gost_verify(enum gost gost, struct str key, const uint8_t *digest, struct str signature)
{
    uint8_t number[3][NUMBER_MAX];
    gcry_sexp_t value = NULL;
    gcry_sexp_t given = NULL;
    ASSERT(gost < GOST_COUNT);
    size_t size = kinds[gost].size;
    if (key.n != 2 * size || signature.n != 2 * size)
        return false;
    gost_ready();
    reversed(digest, size, number[0]);
    reversed(signature.p, size, number[1]);
    reversed(signature.p + size, size, number[2]);
    gcry_sexp_t public_key = key_make(gost, key);
    bool good =
        public_key && gcry_sexp_build(&value, NULL, "(data (flags gost)(value %b))", (int)size, number[0]) == 0 &&
        gcry_sexp_build(&given, NULL, "(sig-val (gost (r %b)(s %b)))", (int)size, number[1], (int)size, number[2]) ==
            0 &&
        gcry_pk_verify(given, value, public_key) == 0;
    gcry_sexp_release(public_key);
    gcry_sexp_release(value);
    gcry_sexp_release(given);
    return good;
}
