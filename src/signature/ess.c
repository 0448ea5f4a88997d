#include "signature/ess.h"

#include "signature/trust.h"

#include <openssl/err.h>

static const struct digest *digest_read(struct str algorithm)
{
    const unsigned char *at = (const unsigned char *)algorithm.p;
    ASN1_OBJECT *oid = d2i_ASN1_OBJECT(NULL, &at, (long)algorithm.n);
    const struct digest *digest = oid ? digest_of(oid) : NULL;
    ASN1_OBJECT_free(oid);
    ERR_clear_error();
    return digest;
}

bool ess_first_read(struct str value, bool second, struct ess_first *ret_first)
{
    int tag[4] = {-1, -1, -1, -1};
    struct str list = der_cut(&value, &tag[0]); /* the whole, its certificates, the first of them */
    struct str certificates = der_cut(&list, &tag[1]);
    struct str id = der_cut(&certificates, &tag[2]);
    if (value.n || tag[0] != V_ASN1_SEQUENCE || tag[1] != V_ASN1_SEQUENCE || tag[2] != V_ASN1_SEQUENCE)
        return false;
    ret_first->digest = digest_of(OBJ_nid2obj(second ? NID_sha256 : NID_sha1));
    struct str piece = der_cut(&id, &tag[3]);
    if (second && tag[3] == V_ASN1_SEQUENCE) {
        ret_first->digest = digest_read(piece);
        piece = der_cut(&id, &tag[3]);
    }
    ret_first->hash = piece;
    return tag[3] == V_ASN1_OCTET_STRING && ret_first->digest && piece.n > 0;
}
