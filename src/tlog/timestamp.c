#include "tlog/timestamp.h"

#include "base/assert.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <time.h>

static void req_cleanup(TS_REQ **req)
{
    TS_REQ_free(*req);
}

static void resp_cleanup(TS_RESP **resp)
{
    TS_RESP_free(*resp);
}

static void verify_cleanup(TS_VERIFY_CTX **verify)
{
    TS_VERIFY_CTX_free(*verify); /* with its store */
}

static enum rc no_memory(struct err *err)
{
    ERR_clear_error();
    return err_set(err, RC_LIMIT, "no memory for a time stamp");
}

static enum rc denied(struct err *err)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    enum rc rc = err_set(err, RC_DENIED, "the time stamp does not hold: %s", reason ? reason : "unknown reason");
    ERR_clear_error();
    return rc;
}

static bool imprint_set(TS_REQ *req, const struct tlog_hash *imprint)
{
    TS_MSG_IMPRINT *print = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    bool made = print && algorithm && X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) &&
                TS_MSG_IMPRINT_set_algo(print, algorithm) &&
                TS_MSG_IMPRINT_set_msg(print, (unsigned char *)(uintptr_t)imprint->bytes, TLOG_HASH_SIZE) &&
                TS_REQ_set_msg_imprint(req, print); /* all of them copy */
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(print);
    return made;
}

static TS_REQ *req_make(const struct tlog_hash *imprint, const uint64_t *nonce)
{
    TS_REQ *req = TS_REQ_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    bool made = req && number && TS_REQ_set_version(req, 1) && imprint_set(req, imprint) && TS_REQ_set_cert_req(req, 1);
    if (made && nonce)
        made = ASN1_INTEGER_set_uint64(number, *nonce) && TS_REQ_set_nonce(req, number);
    ASN1_INTEGER_free(number);
    if (made)
        return req;
    TS_REQ_free(req);
    return NULL;
}

enum rc timestamp_request(const struct tlog_hash *imprint, uint64_t nonce, struct buf *ret_der, struct err *err)
{
    TS_REQ *req CLEANUP(req_cleanup) = req_make(imprint, &nonce);
    unsigned char *der = NULL;
    int n = req ? i2d_TS_REQ(req, &der) : -1;
    if (n <= 0)
        return no_memory(err);
    buf_put(ret_der, der, (size_t)n);
    OPENSSL_free(der);
    return ret_der->overflow ? no_memory(err) : RC_OK;
}

/* The certificates of a PEM text, none of them forgotten: a damaged one is not the end of the text. */
static enum rc store_make(struct str pem, time_t at, X509_STORE **ret_store, struct err *err)
{
    X509_STORE *store = X509_STORE_new();
    BIO *bio = pem.n > 0 && pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    size_t count = 0;
    bool good = store && bio;
    ERR_clear_error();
    for (X509 *certificate; good && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; count++) {
        good = X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    /* The end of the text is an error to PEM_read_bio_X509. */
    good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!good || count == 0) {
        X509_STORE_free(store);
        return err_set(err, RC_INVALID, "a certificate of the time-stamp authority cannot be read, or there is none");
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), at);
    *ret_store = store;
    return RC_OK;
}

static bool time_of(TS_RESP *resp, time_t *ret_time)
{
    TS_TST_INFO *info = TS_RESP_get_tst_info(resp);
    const ASN1_GENERALIZEDTIME *stamped = info ? TS_TST_INFO_get_time(info) : NULL;
    struct tm tm = {0};
    if (!stamped || ASN1_TIME_to_tm(stamped, &tm) != 1)
        return false;
    *ret_time = timegm(&tm);
    return *ret_time > 0;
}

static enum rc refused(TS_RESP *resp, struct err *err)
{
    const TS_STATUS_INFO *status = TS_RESP_get_status_info(resp);
    long code = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status));
    ERR_clear_error();
    return err_set(err, RC_DENIED, "the authority gave no time stamp (status %ld)", code);
}

enum rc timestamp_verify(struct str response, const struct tlog_hash *imprint, const uint64_t *nonce, struct str ca_pem,
                         int64_t *ret_time_s, struct err *err)
{
    const unsigned char *at = (const unsigned char *)response.p;
    time_t stamped = 0;
    X509_STORE *store = NULL;
    if (response.n == 0 || response.n > TIMESTAMP_RESPONSE_MAX)
        return err_set(err, RC_INVALID, "a time-stamp response has 1 to %d bytes, not %zu", TIMESTAMP_RESPONSE_MAX,
                       response.n);
    TS_RESP *resp CLEANUP(resp_cleanup) = d2i_TS_RESP(NULL, &at, (long)response.n);
    ERR_clear_error();
    if (!resp || (const char *)at != response.p + response.n)
        return err_set(err, RC_INVALID, "this is not a time-stamp response");
    if (!TS_RESP_get_token(resp))
        return refused(resp, err);
    if (!time_of(resp, &stamped))
        return err_set(err, RC_INVALID, "the time stamp names no time");
    TS_REQ *req CLEANUP(req_cleanup) = req_make(imprint, nonce);
    TS_VERIFY_CTX *verify CLEANUP(verify_cleanup) = req ? TS_REQ_to_TS_VERIFY_CTX(req, NULL) : NULL;
    if (!verify)
        return no_memory(err);
    enum rc rc = store_make(ca_pem, stamped, &store, err);
    if (rc != RC_OK)
        return rc;
    TS_VERIFY_CTX_set_store(verify, store);
    TS_VERIFY_CTX_add_flags(verify, TS_VFY_SIGNATURE);
    if (TS_RESP_verify_response(verify, resp) != 1)
        return denied(err);
    ERR_clear_error();
    *ret_time_s = stamped;
    return RC_OK;
}
