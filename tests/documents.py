#!/usr/bin/env python3
"""Documents of an object with the real service and the real OpenSSL: a file that is given is kept byte by byte, under
its SHA-256; signatures by a test authority are judged valid, not valid and not known; the desk is killed."""
import hashlib
import http.client
import json
import os
import signal
import stat
import sys
import time
import urllib.parse

from service import Service, check, check_equal, main
from signature import Authority, openssl
from uploads import heads, link_of
from web_api import Web

MIB = 1 << 20


def give(web, content, status=200, **said):
    """By the API, as a script would."""
    query = urllib.parse.urlencode({"name": "policy.pdf", **said})
    link = link_of(web)
    try:
        link.request("POST", f"/api/document?{query}", body=content,
                     headers=heads(web, **{"Content-Type": "application/octet-stream", "X-CSRF-Token": web.csrf}))
        answer = link.getresponse()
        text = answer.read()
    finally:
        link.close()
    check_equal(answer.status, status, text)
    return json.loads(text)


def fetch(web, path):
    link = link_of(web)
    try:
        link.request("GET", path, headers=heads(web))
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        link.close()


def files_of(web, document):
    answer = web.ask("document.get", id=document)
    check(answer.get("ok"), answer)
    return [file for version in answer["document"]["versions"] for file in version["files"]]


def wait(web, document, file, judged=0, seconds=60):
    """Until the file is kept or lost, and so many judgements of it are there."""
    deadline = time.time() + seconds
    row = None
    while time.time() < deadline:
        row = [one for one in files_of(web, document) if one["id"] == file][0]
        done = [one for one in row["judgements"] if one["judged_ns"]]
        if row["state"] != "coming" and len(done) >= judged:
            return row
        time.sleep(0.05)
    raise RuntimeError(f"the file was not kept and judged {judged} times: {row}")


def verdict(file):
    """Of the newest judgement: the verdict, and why of each question."""
    newest = file["judgements"][0]
    signer = (newest.get("report") or {"signers": [{}]})["signers"][0]
    return newest["verdict"], [signer.get(name, {}).get("reason") for name in ("bytes", "path", "period", "revocation")]


NEW = {"object": 1, "kind": "1_1", "title": "Security policy", "language": "kk", "approved": "2026-01-12", "pages": 14}


def signed_and_judged():
    """signed: valid; changed: not valid; without lists: not known; the bytes come out as they came"""
    with Authority() as it:
        lists = it.path("lists")
        os.mkdir(lists)
        os.chmod(it.folder, 0o755)
        settings = {"signature_roots": it.path("ca.pem"), "signature_lists": lists}
        with Service(**settings) as service:
            web = Web(service)
            document = it.path("document.txt")
            with open(document, "rb") as read:
                content = read.read()
            signed = it.sign("inside.p7m", "-outform", "DER", "-nodetach")
            with open(signed, "rb") as read:
                inside = read.read()
            made = give(web, inside, name="саясат.p7m", form="signed", **NEW)
            file = wait(web, made["document"], made["file"], 1)
            check_equal((file["sha256"], file["bytes"]), (hashlib.sha256(inside).hexdigest(), len(inside)), "kept")
            check_equal(verdict(file), ("unknown", ["good", "good", "good", "silent"]), "without a list: not known")
            it.list_make()
            os.rename(it.path("list.pem"), os.path.join(lists, "list.pem"))
            check(web.change("document.judge", file=made["file"])["ok"], "verify again")
            file = wait(web, made["document"], made["file"], 2)
            check_equal(verdict(file), ("good", ["good"] * 4), "valid")
            signer = file["judgements"][0]["report"]["signers"][0]
            who = (signer["name"], signer["person"], signer["organisation"])
            check_equal(who, ("Aigul", "IIN1", "Hospital"), "who")
            check_equal(file["judgements"][1]["verdict"], "unknown", "the judgement before stays")
            outside = it.sign("beside.p7s", "-outform", "DER")
            changed = give(web, content + b"!", document=made["document"], language="ru", name="policy.txt")
            wait(web, made["document"], changed["file"])
            with open(outside, "rb") as read:
                beside = give(web, read.read(), version=changed["version"], name="policy.p7s")
            file = wait(web, made["document"], beside["file"], 1)
            check_equal((verdict(file)[0], verdict(file)[1][0]), ("bad", "digest"), "changed: not valid")
            nothing = give(web, b"no signature", document=made["document"], language="en", form="signed")
            file = wait(web, made["document"], nothing["file"], 1)
            check_equal((file["judgements"][0]["verdict"], file["judgements"][0]["fault"]), ("unknown", "no_signature"),
                        "what is no signature is not known")
            openssl("ca", "-config", it.config, "-revoke", it.path("person.pem"))
            it.list_make()
            os.rename(it.path("list.pem"), os.path.join(lists, "list.pem"))
            web.change("document.judge", file=made["file"])
            file = wait(web, made["document"], made["file"], 3)
            check_equal(verdict(file), ("bad", ["good"] * 3 + ["revoked"]), "revoked")
            row = web.ask("document.list", object=1)["documents"][0]
            seen = (row["languages"], row["signatures"], row["review"])
            check_equal(seen, (["kk", "ru", "en"], "bad", "running"), row)
            _, _, page = web.request("GET", f"/documents/{made['document']}")
            check("Aigul" in page and "IIN1" not in page, "the person's number stands beside its name")
            byte_by_byte(service, web)
            service.quiet()
            killed(service, web)


def byte_by_byte(service, web):
    """64 MiB less one byte, with a hostile name: what comes out is what came in; one more than may be is refused."""
    content = os.urandom(MIB) * 63 + os.urandom(MIB - 1)
    made = give(web, content, name='../a "b".pdf', **NEW)
    file = wait(web, made["document"], made["file"])
    check_equal(file["state"], "kept", file)
    digest = hashlib.sha256(content).hexdigest()
    kept = os.path.join(service.data, "desk/documents", digest)
    mode = os.stat(kept)
    check_equal((stat.S_IMODE(mode.st_mode) & 0o227, mode.st_size), (0, len(content)), "private, read-only, whole")
    check("coming.new" not in os.listdir(os.path.dirname(kept)), "nothing stays of its way there")
    for path in (f"/documents/files/{made['file']}", f"/api/document.file?file={made['file']}"):
        status, headers, body = fetch(web, path)
        check_equal(status, 200, headers)
        check(body == content, f"{path}: the bytes are others")
        check_equal((headers["X-Content-Type-Options"], headers["Content-Type"]),
                    ("nosniff", "application/octet-stream"), path)
        check(headers["Content-Disposition"].startswith('attachment; filename="_._a__b_.pdf"'), headers)
    status, _, text = fetch(web, "/api/document.file?file=99")
    check_equal(status, 404, text)
    kept_cookies, web.cookies = web.cookies, {}
    check_equal(fetch(web, f"/api/document.file?file={made['file']}")[0], 401, "nobody")
    web.cookies = kept_cookies
    check_equal(give(web, content + b"12", 413, **NEW)["error"], "upload_long", "one byte more")


def killed(service, web):
    """The desk dies while a file is copied: it is kept or lost, and says which; the next one is kept."""
    content = os.urandom(MIB) * 8
    made = give(web, content, **NEW)
    dead = service.pids("desk")
    os.kill(dead[0], signal.SIGKILL)
    deadline = time.time() + 60
    while service.pids("desk") in ([], dead):  # what is asked of a desk that is away is given up after 20 seconds
        check(time.time() < deadline, "no desk was started again")
        time.sleep(0.05)
    file = wait(web, made["document"], made["file"])
    if file["state"] == "kept":
        check(fetch(web, f"/documents/files/{made['file']}")[2] == content, "the bytes are others")
    else:
        check_equal((file["state"], file["fault"]), ("lost", "died"), file)
    again = give(web, content, document=made["document"], language="ru")
    check_equal(wait(web, made["document"], again["file"])["state"], "kept", "and the next one is kept")


if __name__ == "__main__":
    sys.exit(main([signed_and_judged]))
