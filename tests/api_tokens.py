#!/usr/bin/env python3
"""Programs at the API of the real service: tokens with scopes, their end, limits, the document and the metrics."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

from service import ROOT, Service, check, check_equal, main
from web_api import PASSWORD, Web

LINE = re.compile(r'^([a-z_:][a-z0-9_:]*)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? '
                  r'(-?[0-9.e+-]+|\+Inf|NaN)$')


def make(web, *scopes, days=1, **more):
    answer = web.change("token.make", name="program", scopes=list(scopes), password=PASSWORD,
                        until_ns=int((time.time() + days * 86400) * 1e9), **{"addresses": "", **more})
    check(answer["ok"], answer)
    return answer


def program(web, token, method, path, body=None):
    """As a program asks: no cookie, no secret."""
    cookies, web.cookies = web.cookies, {}
    try:
        status, headers, text = web.request(method, path, None if body is None else json.dumps(body),
                                            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    finally:
        web.cookies = cookies
    return status, headers, text


def wait_found(service, query):
    """The records that a search finds, once it finds something."""
    end = time.time() + 20
    while time.time() < end:
        found = service.search(query)
        if found:
            return [json.loads(hit["raw"]) for hit in found]
        time.sleep(0.2)
    return []


def scopes():
    """a token may what its scopes say and no more; what it changes says through what"""
    with Service() as service:
        web = Web(service)
        reading = make(web, "read")["token"]
        working = make(web, "vulnerabilities")["token"]
        check_equal(program(web, reading, "GET", "/api/object.list")[0], 200, "read")
        check_equal(program(web, reading, "GET", "/api/clock.list?state=standing")[0], 200, "a newer question")
        note = {"object": 1, "origin": "own", "title": "by a program", "findings": [
            {"scanner": "p", "check": "c", "host": "h", "title": "t", "severity": 3}]}
        check_equal(program(web, reading, "POST", "/api/findings.note", note)[0], 403, "reading changes nothing")
        status, _, text = program(web, working, "POST", "/api/findings.note", note)
        check_equal((status, json.loads(text)["fresh"]), (200, 1), text)
        check_equal(program(web, working, "GET", "/api/rule.list")[0], 403, "not its scope")
        for path in ("/api/user.list", "/api/channel.list", "/metrics"):
            check_equal(program(web, reading, "GET", path)[0], 403, path)
        check_equal(program(web, "qorgan_" + "0" * 64, "GET", "/api/object.list")[0], 401, "no such token")
        check_equal(program(web, reading, "GET", "/api/object.list?nothing=1")[0], 422, "no such member")
        check_equal(program(web, reading, "GET", "/")[0] in (302, 303), True, "pages are for people")
        through = wait_found(service, 'type:lifecycle "through"')
        check(through and all(record["through"] == "program" for record in through), through)
        service.quiet()


def the_end():
    """ended, from elsewhere, or not made: refused, and the archive says so"""
    with Service() as service:
        web = Web(service)
        token = make(web, "read")
        check_equal(program(web, token["token"], "GET", "/api/archive")[0], 200, "it stands")
        check_equal(web.change("token.end", id=token["id"])["ok"], True, "ended")
        status, headers, _ = program(web, token["token"], "GET", "/api/archive")
        check_equal((status, "invalid_token" in headers.get("WWW-Authenticate", "")), (401, True), "ended")
        away = make(web, "read", addresses="192.0.2.0/24")["token"]
        check_equal(program(web, away, "GET", "/api/archive")[0], 401, "from another address")
        check_equal(web.change("token.make", name="n", scopes=["read"], addresses="", password="wrong",
                               until_ns=int((time.time() + 86400) * 1e9))["error"], "sign_in_refused", "whose password")
        check_equal(web.change("token.make", name="n", scopes=["read"], addresses="", password=PASSWORD,
                               until_ns=int((time.time() + 400 * 86400) * 1e9))["error"], "invalid", "too long")
        check(wait_found(service, 'type:lifecycle "token.refused"'), "the archive says that one was refused")
        service.quiet()


def upload():
    """a scanner's file comes with a token of that scope, and with no other"""
    with Service() as service:
        web = Web(service)
        with open(os.path.join(ROOT, "fuzz", "scan_report", "nmap.xml"), "rb") as sample:
            body = sample.read()
        path = "/api/upload?object=1&origin=survey&name=scan.xml"
        for scope, wanted in (("read", 403), ("vulnerabilities", 200)):
            token = make(web, scope)["token"]
            cookies, web.cookies = web.cookies, {}
            status, _, text = web.request("POST", path, body, {"Authorization": f"Bearer {token}",
                                                               "Content-Type": "application/octet-stream"})
            web.cookies = cookies
            check_equal(status, wanted, f"{scope}: {text}")
        service.quiet()


def document_and_metrics():
    """the document names every question; metrics are Prometheus' text"""
    with Service() as service:
        web = Web(service)
        token = make(web, "metrics", "read")["token"]
        status, headers, text = program(web, token, "GET", "/api/openapi.json")
        document = json.loads(text)
        check_equal((status, document["openapi"], headers["Content-Type"].split(";")[0]),
                    (200, "3.1.0", "application/json"), "the document")
        for path in ("/api/clock.list", "/api/upload.get", "/api/object.card", "/api/parser.use", "/api/token.make",
                     "/api/upload"):
            check(path in document["paths"], path)
        status, headers, text = program(web, token, "GET", "/metrics")
        check_equal((status, headers["Content-Type"].startswith("text/plain; version=0.0.4")), (200, True), headers)
        typed = set()
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                check(line.split()[2] not in typed, f"{line} twice")
                typed.add(line.split()[2])
            elif line and not line.startswith("#"):
                found = LINE.match(line)
                check(found and found.group(1) in typed, line)
        check(len(typed) > 10, f"{len(typed)} metrics")
        if not shutil.which("promtool"):
            print("# promtool is not installed: it was not asked")
            return
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        check_equal(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    sys.exit(main([scopes, the_end, upload, document_and_metrics]))
