#!/usr/bin/env python3
"""factor.py - a second factor in the running service: set up on its page, asked for behind the password, and taken away
by who owns the machine. Codes are reckoned here, by RFC 6238."""
import base64
import hashlib
import hmac
import re
import struct
import sys
import tempfile
import time
import urllib.parse

from service import Service, check, check_equal, main
from web_api import PASSWORD, Web


def code(secret, step):
    """Of RFC 4226, of a secret in base32."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    value = struct.unpack(">I", mac[mac[19] & 15:][:4])[0] & 0x7fffffff
    return f"{value % 1000000:06d}"


def step():
    return int(time.time()) // 30


def post(web, path, **fields):
    """With the session's secret; (status, where it leads, page)."""
    body = urllib.parse.urlencode({"csrf": web.csrf, **fields})
    status, headers, text = web.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    return status, headers.get("Location"), text


def enter(service, leads_to):
    """With the password alone."""
    web = Web.__new__(Web)
    web.port, web.origin = service.ports["web-port"], f"https://127.0.0.1:{service.ports['web-port']}"
    web.cookies, web.csrf = {}, ""
    check_equal(web.form("/sign-in", user=service.user, password=PASSWORD), leads_to, "where the password leads")
    return web


def half_in(service):
    """A person between password and code."""
    return enter(service, "/sign-in/code")


def lost_phone():
    """set up, asked for, once each; a phone that is lost is taken off by who owns the machine, and recorded"""
    # without rules, which are most of a start
    with tempfile.TemporaryDirectory() as rules, Service(rules=rules) as service:
        web = Web(service)
        status, _, page = post(web, "/factor/begin", password=PASSWORD)
        found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
        check(status == 200 and found and '<svg class="qr"' in page, f"a secret is shown: {status}")
        secret = found.group(1).replace(" ", "")
        check(f"secret={secret}&amp;issuer=Qorgan" in page, "the address has it, too")
        status, _, page = post(web, "/factor/confirm", code=code(secret, step()))
        recovery = re.findall(r"<li><code>([A-Z2-7 ]+)</code>", page)
        check_equal((status, len(recovery)), (200, 10), "confirmed")

        other = half_in(service)
        check_equal(other.request("GET", "/api/object.list")[0], 401, "half of a sign-in is none")
        fresh = code(secret, step() + 1)
        check_equal(post(other, "/sign-in/code", code=fresh)[:2], (303, "/"), "the code signs in")
        check_equal(other.request("GET", "/api/object.list")[0], 200, "signed in")
        again = half_in(service)
        check_equal(post(again, "/sign-in/code", code=fresh)[0], 403, "no code comes twice")
        check_equal(post(again, "/sign-in/code", recovery=recovery[3].lower())[0], 303, "a recovery code")

        reason = ("--reason", "the only phone was lost")
        refused = service.run("factor-reset", service.user, *reason, check=False)
        check(refused.returncode == 1 and b"stop it first" in refused.stderr, f"it runs: {refused.stderr}")
        service.stop()
        for name, words in (("nobody", reason), (service.user, ("--reason", "lost"))):
            check_equal(service.run("factor-reset", name, *words, check=False).returncode, 1, f"{name}: {words}")
        service.run("factor-reset", service.user, *reason)
        check_equal(service.run("factor-reset", service.user, *reason, check=False).returncode, 1, "none is on now")
        service.start()
        check_equal(other.request("GET", "/api/object.list")[0], 401, "sessions ended")
        page = enter(service, "/factor").request("GET", "/factor")[2]  # the person is told
        check("the only phone was lost" in page and 'action="/factor/begin"' in page, "why, and what now")
        deadline = time.time() + 60
        while True:
            hits = [hit for hit in service.search("factor.reset") if '"event":"factor.reset"' in str(hit)]
            if hits or time.time() > deadline:
                break
            time.sleep(0.2)
        said = ('"who":"qorgan"', "the only phone was lost")
        check(hits and all(word in str(hits[0]) for word in said), f"the archive has the record: {hits}")
        for hit in service.search("factor"):
            check(secret not in str(hit), "the secret is nowhere")
        service.quiet()


if __name__ == "__main__":
    sys.exit(main([lost_phone]))
