/* signature_report.h - what was found of the signatures of a document, as JSON: for the desk (desk/document.h), pages
 * and `qorgan signature --json`.
 *
 *   {"verdict":"good|bad|unknown","detached":B,"signers":[{"verdict":..,"name":..,"person":..,"organisation":..,
 *    "organisation_code":..,"issuer":..,"serial":..,"algorithm":..,"from_ns":..,"until_ns":..,"claimed_ns":..,
 *    "stamped_ns":..,"moment_ns":..,"bytes":A,"path":A,"period":A,"revocation":A,"stamp":A}, ...]}
 *   A: {"verdict":..,"reason":"..","about":".."}; "stamp" only where there is one. Names: signature/signature.h.
 *
 * Between desk and verifier, a document at a time; a fresh verifier is started for the next:
 *
 *   MSG_VERIFY_BESIDE, the document's descriptor  ──►   when the signature lies beside it
 *   MSG_VERIFY, that of what is signed            ──►   judged by the certificates and lists of this moment
 *                                                 ◄──   MSG_VERIFIED: u8 0 and the JSON, or u8 1 and why not, a word
 *   MSG_VERIFY_STOP                               ──►   it ends */
#ifndef ROLE_SIGNATURE_REPORT_H
#define ROLE_SIGNATURE_REPORT_H

#include "base/buf.h"
#include "signature/signature.h"

void signature_report_write(const struct signature_report *report, struct buf *out);

#endif
