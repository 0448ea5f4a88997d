#!/usr/bin/env python3
"""`qorgan signature` against the real OpenSSL: its authorities, documents, lists of revoked certificates, responder's
answers and time stamps."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from service import QORGAN, check, check_equal, main

CONFIG = """
[ca]
default_ca = it
[it]
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
copy_extensions = copy
[any]
commonName = supplied
organizationName = optional
serialNumber = optional
[ca_part]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[person]
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[stamps]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = stamps_here
[stamps_here]
serial = {folder}/tsa-serial
signer_digest = sha256
default_policy = 1.2.398.3.3.2.6.1
digests = sha256
ess_cert_id_alg = sha256
"""


def openssl(*arguments, status=0):
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, timeout=120)
    check_equal(done.returncode, status, f"openssl {arguments}: {done.stderr.decode(errors='replace')[-600:]}")
    return done.stdout


class Authority:
    """A root, a person below it and an authority of time stamps; documents that the person signs."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-signature-")
        self.config = self.path("openssl.cnf")
        for name, text in (("openssl.cnf", CONFIG.format(folder=self.folder)), ("index.txt", ""), ("serial", "10\n"),
                           ("crlnumber", "01\n"), ("tsa-serial", "01\n"), ("document.txt", "Қауіпсіздік саясаты\n"),
                           ("other.txt", "another\n")):
            with open(self.path(name), "w", encoding="utf-8") as out:
                out.write(text)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "60", "-subj", "/CN=Root", "-keyout",
                self.path("ca.key"), "-out", self.path("ca.pem"), "-config", self.config, "-extensions", "ca_part")
        self.issue("person", "/O=Hospital/CN=Aigul/serialNumber=IIN1", "person")
        self.issue("stamps", "/CN=Stamps", "stamps")
        self.list_make()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, subject, part, *more):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout",
                self.path(name + ".key"), "-out", self.path(name + ".csr"), "-config", self.config)
        openssl("ca", "-batch", "-config", self.config, "-extensions", part, "-in", self.path(name + ".csr"), "-out",
                self.path(name + ".pem"), "-notext", *more)

    def list_make(self):
        openssl("ca", "-config", self.config, "-gencrl", "-out", self.path("list.pem"))

    def sign(self, name, *more):
        openssl("cms", "-sign", "-binary", "-in", self.path("document.txt"), "-signer", self.path("person.pem"),
                "-inkey", self.path("person.key"), "-md", "sha256", "-out", self.path(name), *more)
        return self.path(name)


def judge(path, *more, status=0):
    done = subprocess.run([QORGAN, "signature", path, "--json", *more], capture_output=True, text=True, check=False,
                          timeout=60)
    check_equal(done.returncode, status, f"{more}: {done.stdout[-400:]} {done.stderr[-400:]}")
    check("less confined" not in done.stderr, done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


def reasons(report):
    signer = report["signers"][0]
    return tuple(signer[question]["reason"] for question in ("bytes", "path", "period", "revocation"))


def documents():
    """what OpenSSL signs is good; what is missing is unknown, and what was changed is bad"""
    with Authority() as it:
        known = ("--root", it.path("ca.pem"), "--crl", it.path("list.pem"))
        document = ("--document", it.path("document.txt"))
        for form, nodetach in (("DER", True), ("PEM", True), ("DER", False)):
            signed = it.sign("signed." + form, "-outform", form, *(["-nodetach"] if nodetach else []))
            report = judge(signed, *known, *([] if nodetach else document))
            check_equal((report["verdict"], report["detached"]), ("good", not nodetach), form)
            signer = report["signers"][0]
            check_equal((signer["name"], signer["person"], signer["organisation"], signer["issuer"],
                         signer["algorithm"]), ("Aigul", "IIN1", "Hospital", "Root", "ECDSA, SHA-256"), "who")
        detached = it.path("signed.DER")
        check_equal(reasons(judge(detached, *known, status=1))[0], "no_document", "alone")
        other = ("--document", it.path("other.txt"))
        check_equal(reasons(judge(detached, *known, *other, status=1))[0], "digest", "another")
        check_equal(reasons(judge(detached, *document, status=1)), ("good", "no_issuer", "good", "not_asked"), "alone")
        check_equal(reasons(judge(detached, *document, "--root", it.path("ca.pem"), status=1))[3], "silent", "no list")
        check_equal(reasons(judge(detached, *document, *known, "--at", "2020-01-01", status=1))[2], "not_yet", "then")
        words = subprocess.run([QORGAN, "signature", detached, *document, *known], capture_output=True, text=True,
                               check=False, timeout=60).stdout
        check(words.startswith("good: Aigul, IIN1, Hospital\n") and "no time stamp shows" in words, words)


def revoked():
    """by a list and by the responder's answer; a silent responder is never good"""
    with Authority() as it:
        signed = it.sign("signed.p7s", "-outform", "DER", "-nodetach")
        known = ("--root", it.path("ca.pem"))
        answer = ("ocsp", "-index", it.path("index.txt"), "-CA", it.path("ca.pem"), "-rsigner", it.path("ca.pem"),
                  "-rkey", it.path("ca.key"), "-issuer", it.path("ca.pem"), "-cert", it.path("person.pem"), "-ndays",
                  "1", "-noverify", "-respout")
        openssl(*answer, it.path("good.der"))
        check_equal(judge(signed, *known, "--ocsp", it.path("good.der"))["verdict"], "good", "an answer")
        openssl("ca", "-config", it.config, "-revoke", it.path("person.pem"))
        it.list_make()
        check_equal(reasons(judge(signed, *known, "--crl", it.path("list.pem"), status=1))[3], "revoked", "a list")
        openssl(*answer, it.path("bad.der"))
        report = judge(signed, *known, "--ocsp", it.path("good.der"), "--ocsp", it.path("bad.der"), status=1)
        check_equal((report["verdict"], reasons(report)[3]), ("bad", "revoked"), "both answers")
        with open(it.path("later.der"), "wb") as out:
            out.write(b"\x30\x03\x0a\x01\x03")  # tryLater
        words = judge(signed, *known, "--ocsp", it.path("later.der"), status=1)
        check("no answers of a responder" in words, words)


def stamped():
    """a time stamp by `openssl ts` says when it was signed: what was revoked since stays good"""
    with Authority() as it:
        signed = it.sign("signed.p7s", "-outform", "DER", "-nodetach")
        known = ["--root", it.path("ca.pem"), "--crl", it.path("list.pem")]
        token = it.path("token.der")
        stamp_put(it, signed, token)
        report = judge(it.path("stamped.p7s"), *known)
        signer = report["signers"][0]
        check(signer["stamped_ns"] > 0 and signer["stamp"]["verdict"] == "good", signer)
        time.sleep(1.1)
        openssl("ca", "-config", it.config, "-revoke", it.path("person.pem"))
        it.list_make()
        check_equal(judge(it.path("stamped.p7s"), *known)["verdict"], "good", "signed before it was revoked")
        check_equal(reasons(judge(signed, *known, status=1))[3], "revoked", "nothing shows when it was signed")
        check_equal(judge(it.path("stamped.p7s"), *known[:2], status=1)["signers"][0]["stamp"]["reason"], "silent",
                    "a stamp is believed only when its own certificate is")


def endless():
    """a certificate without an end ends in 9999, which nanoseconds do not reach"""
    with Authority() as it:
        it.issue("endless", "/CN=Endless", "person", "-enddate", "99991231235959Z")
        signed = it.path("signed.p7s")
        openssl("cms", "-sign", "-binary", "-nodetach", "-in", it.path("document.txt"), "-signer",
                it.path("endless.pem"), "-inkey", it.path("endless.key"), "-outform", "DER", "-out", signed)
        known = ("--root", it.path("ca.pem"), "--crl", it.path("list.pem"))
        check_equal(judge(signed, *known)["signers"][0]["until_ns"], 9223372036 * 10**9, "the last second that fits")
        words = subprocess.run([QORGAN, "signature", signed, *known], capture_output=True, text=True, check=False,
                               timeout=60).stdout
        check(" to 9999-12-31T23:59:59Z; " in words, words)


def stamp_put(it, signed, token):
    """The time stamp of the signature's value, as an attribute that is not signed: by the bytes of the document."""
    with open(signed, "rb") as read:
        whole = read.read()
    value = signature_of(whole)
    with open(it.path("value.bin"), "wb") as out:
        out.write(value)
    openssl("ts", "-query", "-data", it.path("value.bin"), "-sha256", "-cert", "-out", it.path("query.tsq"))
    openssl("ts", "-reply", "-config", it.config, "-section", "stamps_here", "-queryfile", it.path("query.tsq"),
            "-signer", it.path("stamps.pem"), "-inkey", it.path("stamps.key"), "-token_out", "-out", token)
    with open(token, "rb") as read:
        stamp = read.read()
    oid = bytes.fromhex("060b2a864886f70d010910020e")
    attribute = element(0xa1, element(0x30, oid + element(0x31, stamp)))
    with open(it.path("stamped.p7s"), "wb") as out:
        out.write(appended(whole, attribute))


def element(tag, content):
    n = len(content)
    if n < 0x80:
        return bytes([tag, n]) + content
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(size)]) + size + content


def cut(data):
    """The first element: tag, content, what follows it."""
    n, at = data[1], 2
    if n >= 0x80:
        at += n - 0x80
        n = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + n], data[at + n:]


def parts(content):
    found = []
    while content:
        tag, inside, content = cut(content)
        found.append((tag, inside))
    return found


def signature_of(whole):
    content = parts(cut(whole)[1])[1][1]
    info = parts(parts(cut(content)[1])[-1][1])[0][1]
    return [inside for tag, inside in parts(info) if tag == 0x04][-1]


def appended(whole, attribute):
    """The document with something behind the signature of its only signer."""
    head, (outer_tag, content) = parts(cut(whole)[1])
    rows = parts(cut(content)[1])
    info = cut(rows[-1][1])[1]
    rows[-1] = (0x31, element(0x30, info + attribute))
    inside = element(0x30, b"".join(element(tag, part) for tag, part in rows))
    return element(0x30, element(*head) + element(outer_tag, inside))


def bad_input():
    """what is no signed document, or nothing to be believed, is refused with the file and the reason"""
    with Authority() as it:
        signed = it.sign("signed.p7s", "-outform", "DER", "-nodetach")
        for name, wanted in (("document.txt", "no signed document"), ("ca.pem", "no signed document"),
                             ("nothing", "there is no file")):
            words = judge(it.path(name), status=1)
            check(wanted in words, f"{name}: {words}")
        for option, path in (("--root", signed), ("--crl", it.path("ca.pem")), ("--ocsp", it.path("list.pem"))):
            words = judge(signed, option, path, status=1)
            check(os.path.basename(path) in words and "no " in words, f"{option}: {words}")


if __name__ == "__main__":
    sys.exit(main([documents, revoked, stamped, endless, bad_input]))
