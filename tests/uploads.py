#!/usr/bin/env python3
"""Files of scanners, uploaded with the real service: by the page's form and by the API; read, counted, shown, accepted;
damaged and hostile ones; cut off, too many at once, and a service that is killed in between."""
import gzip
import hashlib
import http.client
import io
import json
import os
import re
import signal
import ssl
import sys
import time
import urllib.parse
import zipfile

from service import ROOT, Service, check, check_equal, main
from web_api import Web

SAMPLES = os.path.join(ROOT, "fuzz", "scan_report")
MIB = 1 << 20


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as file:
        return file.read()


def link_of(web):
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection("127.0.0.1", web.port, timeout=300, context=context)


def heads(web, **more):
    cookies = "; ".join(f"{key}={value}" for key, value in web.cookies.items())
    return {"Origin": web.origin, "Cookie": cookies, **more}


def push(web, content, status=200, csrf=None, length=None, **said):
    """By the API, as a script would: the bytes as they are."""
    query = urllib.parse.urlencode({"object": 1, "origin": "survey", "name": "scan", **said})
    link = link_of(web)
    try:
        link.request("POST", f"/api/upload?{query}", body=content,
                     headers=heads(web, **{"Content-Type": "application/octet-stream",
                                           "X-CSRF-Token": web.csrf if csrf is None else csrf,
                                           "Content-Length": str(len(content) if length is None else length)}))
        answer = link.getresponse()
        text = answer.read().decode()
    finally:
        link.close()
    check_equal(answer.status, status, text)
    return json.loads(text)


def form(web, content, name="scan.xml", **fields):
    """By the page's form, without scripts; where it leads, or the page that says why not."""
    mark = "----form" + hashlib.sha256(content[:100]).hexdigest()[:20]
    body = b""
    for key, value in {"csrf": web.csrf, "object": "1", "origin": "survey", "title": "", "received": "",
                       **fields}.items():
        body += f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    body += (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
             f"Content-Type: text/xml\r\n\r\n").encode() + content + f"\r\n--{mark}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    return web.request("POST", "/vulnerabilities/uploads", body, kind)


def wait(web, upload, states=("ready", "failed", "done", "dropped"), seconds=60):
    deadline = time.time() + seconds
    while time.time() < deadline:
        answer = web.ask("upload.get", id=upload)
        if answer.get("ok") and answer["upload"]["state"] in states:
            return answer["upload"]
        time.sleep(0.05)
    raise RuntimeError(f"the upload did not come to {states}: {answer}")


def counts(upload):
    totals = {}
    for row in upload["counts"]:
        totals[row["fate"]] = totals.get(row["fate"], 0) + row["count"]
    return totals


def accept(web, upload):
    done = web.change("upload.accept", id=upload)
    check(done["ok"], done)
    done = wait(web, upload, ("done", "failed"))
    check_equal(done["state"], "done", done)
    return web.ask("findings.get", id=done["report"])["report"]


def table(count, first=0, title="Weak"):
    """A report of so many findings, some hundred bytes each."""
    lines = ["address,port,title,severity,description"]
    for i in range(first, first + count):
        lines.append(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255},443,{title} {i % 7},high,{'d' * 60}")
    return ("\n".join(lines) + "\n").encode()


def every_format():
    """each sample, as it is, in gzip and in a ZIP: shown first, and taken only when it is accepted"""
    with Service() as service:
        web = Web(service)
        wanted = {"nmap.xml": (4, 0), "openvas.xml": (1, 1), "nessus.xml": (2, 0), "sarif.json": (2, 0),
                  "vex.json": (1, 3), "table.csv": (2, 0)}
        total = 0
        for name, (fresh, decided) in wanted.items():
            content = sample(name)
            digest = hashlib.sha256(content).hexdigest()
            status, headers, page = form(web, content, name, title="a survey")
            check_equal(status, 303, page)
            path = headers["Location"]
            upload = wait(web, int(path.rsplit("/", 1)[1]))
            check_equal((upload["state"], counts(upload), upload["decided"], upload["sha256"], upload["name"]),
                        ("ready", {"fresh": fresh}, decided, digest, name), name)
            check_equal([term["clock"] for term in upload["terms"]], ["M-18"], "the term that would start")
            check_equal(web.ask("vulnerability.list", state="all")["total"], total, "nothing is taken yet")
            status, _, page = web.request("GET", path)
            check(status == 200 and 'id="counts"' in page and f"{path}/accept" in page and digest in page, page)
            check_equal(web.form(path + "/accept", at=path), path, "accepted")
            done = wait(web, upload["id"], ("done", "failed"))
            report = web.ask("findings.get", id=done["report"])["report"]
            total += fresh
            check_equal((report["fresh"], report["sha256"], report["title"], report["ended_ns"] > 0),
                        (fresh, digest, "a survey", True), name)
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr("folder/" + name, content)
            for again in (content, gzip.compress(content), packed.getvalue()):
                upload = wait(web, push(web, again)["id"])
                check_equal((counts(upload), upload["terms"]), ({"known": fresh}, []), name + " again")
                check_equal("twin" in upload, again == content, "the very file")
                web.change("upload.drop", id=upload["id"])
        check_equal(web.ask("vulnerability.list", state="all")["total"], total, "all that was accepted")
        found = service.search('type:lifecycle "findings.ended"')
        check_equal({json.loads(hit["raw"])["sha256"] for hit in found},
                    {hashlib.sha256(sample(name)).hexdigest() for name in wanted}, "the archive has the digests")
        check_equal(len(service.search('type:lifecycle "upload.accepted"')), len(wanted), "who accepted")
        kept = os.listdir(os.path.join(service.data, "desk"))
        check(not [name for name in kept if "upload" in name], f"no file stays: {kept}")
        service.quiet()


def refusals():
    """damaged and hostile files: a reason with its line, nothing taken, and the next file is read as if nothing was"""
    with Service() as service:
        web = Web(service)
        nmap = sample("nmap.xml")
        bomb = b'<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa">' + b"".join(
            f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">'.encode() for i in range(9)) + \
            b"]>\n<nmaprun>&j;</nmaprun>"
        half = nmap[:len(nmap) // 2]
        two = io.BytesIO()
        with zipfile.ZipFile(two, "w") as file:
            file.writestr("a.xml", nmap)
            file.writestr("b.xml", nmap)
        rows = [
            ("words", b"some text", "unknown", 0),
            ("cut off", half, "damaged", half.count(b"\n") + 1),
            ("bomb of entities", bomb, "entity", 1),
            ("a file of this machine",
             b'<!DOCTYPE nmaprun [<!ENTITY a SYSTEM "file:///etc/passwd">]><nmaprun>&a;</nmaprun>', "entity", 1),
            ("too deep", b"<nmaprun>\n" + b"<a>" * 100000, "limit", 2),
            ("deep JSON", b'{"version":"2.1.0","runs":' + b"[" * 500000, None, None),
            ("JSON that ends", b'{"version":"2.1.0",\n"runs":[\n{"tool":', "damaged", 3),
            ("CSV", b"host,title\na,b\n\"", "damaged", 3),
            ("one text of 100 MB", b"<nmaprun><host>" + b"x" * (100 * MIB), "damaged", 1),
            ("zeros", b"\0" * MIB, None, None),
            ("gzip, cut off", gzip.compress(nmap)[:-9], "packed", 0),
            ("gzip of 2 GB", gzip.compress(b"\0" * (64 * MIB)) * 32, "large", 0),
            ("ZIP of two", two.getvalue(), "packed", 0),
            ("ZIP, cut off", two.getvalue()[:-30], "packed", 0),
        ]
        for name, content, fault, line in rows:
            upload = wait(web, push(web, content)["id"])
            check_equal(upload["state"], "failed", name)
            if fault:
                check_equal((upload["fault"], upload["line"]), (fault, line), f"{name}: {upload['detail']}")
            check("root:" not in json.dumps(upload), name)
            for language in ("kk", "ru", "en"):
                web.form("/language", at="/password", language=language)
                status, _, page = web.request("GET", f"/vulnerabilities/uploads/{upload['id']}")
                check(status == 200 and "upload.fault" not in page and "/accept" not in page, page)
        upload = wait(web, push(web, nmap)["id"])
        check_equal(upload["state"], "ready", "a good one behind them")
        check_equal(web.ask("vulnerability.list", state="all")["total"], 0, "nothing was taken")
        check_equal(web.ask("findings.list")["total"], 0, "no report was begun")
        service.quiet()


def who_may():
    """without a session, its secret, or the right, and with what is wrong of a form: nothing is kept of the file"""
    with Service() as service:
        web = Web(service)
        content = table(1000)
        check_equal(push(web, content, 403, csrf="0" * 32)["error"], "csrf", "another secret")
        check_equal(push(web, content, 422, object=77)["field"], "object", "no such object")
        check_equal(push(web, content, 422, origin="rumour")["field"], "origin", "no such origin")
        check_equal(push(web, b"", 422)["field"], "file", "an empty file")
        check_equal(form(web, content, csrf="0" * 32)[0], 403, "a form of another session")
        check_equal(form(web, content, received="never")[0], 422, "no time")
        check_equal(form(web, b"", name="")[0], 422, "no file was chosen")
        status, _, page = form(web, content, origin="rumour")
        check(status == 422 and 'id="f-file"' in page, f"the form is shown again: {status} {page}")
        cookies, web.cookies = web.cookies, {}
        check_equal(push(web, content, 401)["error"], "session_ended", "no session")
        check_equal(form(web, content)[0] in (303, 401), True, "no session")
        web.cookies = cookies
        body = b"--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n" + web.csrf.encode() + b"\r\n--b"
        for wrong in (body, body + b"\r\nX: y\r\n\r\n1", body + b"--", b"nonsense"):
            status, _, _ = web.request("POST", "/vulnerabilities/uploads", wrong,
                                       {"Content-Type": "multipart/form-data; boundary=b"})
            check(400 <= status < 500, f"{status}: {wrong[-20:]}")
        status, _, _ = web.request("POST", "/vulnerabilities/uploads", b"a=b",
                                   {"Content-Type": "application/x-www-form-urlencoded"})
        check_equal(status, 415, "no file can be in it")
        link = link_of(web)
        link.putrequest("POST", "/api/upload?object=1&origin=survey")
        for key, value in heads(web, **{"X-CSRF-Token": web.csrf, "Content-Type": "application/octet-stream",
                                        "Content-Length": str(600 * MIB)}).items():
            link.putheader(key, value)
        link.endheaders()
        check_equal(link.getresponse().status, 413, "more than may come")
        link.close()
        check_equal(web.ask("upload.list")["total"], 0, "nothing was kept")
        service.quiet()


def begun(web, length, csrf=None, false_length=None):
    """A connection on which a file of so many bytes is on its way, and the first of it came; None: it comes in chunks,
    whatever it says."""
    link = link_of(web)
    link.putrequest("POST", "/api/upload?object=1&origin=survey&name=slow")
    size = {"Content-Length": str(length)} if length else {"Transfer-Encoding": "chunked"}
    if false_length:
        size["Content-Length"] = str(false_length)
    for key, value in heads(web, **{"X-CSRF-Token": web.csrf if csrf is None else csrf,
                                    "Content-Type": "application/octet-stream", **size}).items():
        link.putheader(key, value)
    link.endheaders()
    link.send(b"x" * 4096 if length else chunk(b"x" * 4096))
    return link


def chunk(content):
    return b"%x\r\n%s\r\n" % (len(content), content)


def form_begun(web, length):
    """The same of the page's form, with nothing but the fields and the file's first bytes."""
    link = link_of(web)
    body = b"".join(b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % field
                    for field in [(b"csrf", web.csrf.encode()), (b"object", b"1"), (b"origin", b"survey")])
    body += b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"x" * 4096
    link.putrequest("POST", "/vulnerabilities/uploads")
    for key, value in heads(web, **{"Content-Type": "multipart/form-data; boundary=B",
                                    "Content-Length": str(length)}).items():
        link.putheader(key, value)
    link.endheaders()
    link.send(body)
    return link


def files_of_desk(service):
    return len(os.listdir(f"/proc/{service.pids('desk')[0]}/fd"))


def alive(web):
    try:
        return web.ask("upload.list").get("ok", False)
    except OSError:
        return False


def cut_off_and_full():
    """uploads that stop in the middle leave nothing, more than may be received at one time are told so"""
    with Service() as service:
        web = Web(service)
        slow = [begun(web, 2 * MIB) for _ in range(4)]
        time.sleep(0.5)
        check_equal(push(web, table(10), 503)["error"], "upload_full", "a fifth")
        open_files = os.listdir(f"/proc/{service.pids('desk')[0]}/fd")
        for link in slow:
            link.close()
        deadline = time.time() + 10
        while time.time() < deadline and len(os.listdir(f"/proc/{service.pids('desk')[0]}/fd")) >= len(open_files):
            time.sleep(0.1)
        check(len(os.listdir(f"/proc/{service.pids('desk')[0]}/fd")) <= len(open_files) - 4, "the desk let them go")
        check_equal(web.ask("upload.list")["total"], 0, "none of them is there")
        slow = [begun(web, 2 * MIB) for _ in range(4)]
        time.sleep(0.5)
        os.kill(service.pids("web")[0], 9)
        deadline = time.time() + 20
        while time.time() < deadline and not alive(web):
            time.sleep(0.2)
        ids = [push(web, table(10, first=10 * i))["id"] for i in range(16)]
        over = [row for row in web.ask("upload.list", limit=100)["uploads"] if row["ended_ns"]]
        check_equal(over, [], "none of sixteen is over")
        check_equal(push(web, table(10), 409)["error"], "uploads_full", "a seventeenth")
        for upload in ids:
            wait(web, upload)
        check_equal(web.change("upload.drop", id=ids[0])["ok"], True, "one is dropped")
        check_equal(wait(web, push(web, table(10))["id"])["state"], "ready", "there is room again")
        check_equal(web.change("upload.accept", id=ids[0])["error"], "state_refuses", "a dropped one is over")


def length_unknown_and_longest():
    """a file whose length is not said counts as the longest; the longest may have a form around it"""
    with Service() as service:
        web = Web(service)
        before = files_of_desk(service)
        link = form_begun(web, 512 * MIB + 2000)
        time.sleep(0.5)
        check_equal(files_of_desk(service), before + 1, "the longest file has room in a form")
        link.close()
        reader = service.pids("reader")[0]  # none is read yet: it is not about to end
        os.kill(reader, signal.SIGSTOP)
        try:
            ids = [push(web, table(10, first=10 * i))["id"] for i in range(2)]  # the second waits, with the desk
            time.sleep(0.5)
            before = files_of_desk(service)
            slow = [begun(web, None, false_length=size) for size in (None, None, None, 10)]
            time.sleep(0.5)
            check_equal(files_of_desk(service), before + 3, "beside a file that waits, four more would be too much")
            for link in slow:
                link.close()
        finally:
            os.kill(reader, signal.SIGCONT)
        for upload in ids:
            check_equal(wait(web, upload)["state"], "ready", "they are read")
        link = begun(web, None)
        link.send(chunk(table(5)) + b"0\r\n\r\n")
        answer = link.getresponse()
        check_equal(answer.status, 200, answer.read())
        link.close()
        service.quiet()


def without_end():
    """whoever has no right and sends without an end is sent away"""
    with Service() as service:
        web = Web(service)
        link = begun(web, None, csrf="none")
        piece = chunk(b"x" * MIB)
        sent = 0
        try:
            while sent < 600:
                link.send(piece)
                sent += 1
        except OSError:
            pass
        link.close()
        check(500 <= sent < 600, f"{sent} MiB were taken")
        service.quiet()


def two_people():
    """the same file twice: who accepts second sees that the numbers are others, and nothing counts twice"""
    with Service() as service:
        web, other = Web(service), Web(service)
        content = table(700)
        first, second = push(web, content)["id"], push(other, content)["id"]
        for upload in (first, second):
            check_equal(counts(wait(web, upload)), {"fresh": 700}, "both would be new")
        report = accept(web, first)
        check_equal((report["fresh"], report["known"]), (700, 0), "the first")
        upload = other.ask("upload.get", id=second)["upload"]
        check_equal((upload["stale"], upload["twin"]), (True, report["id"]), "what the second sees")
        check_equal(other.change("upload.accept", id=second)["error"], "upload_stale", "it is not taken unseen")
        upload = wait(other, second)
        check_equal((upload["stale"], counts(upload)), (False, {"known": 700}), "counted anew")
        report = accept(other, second)
        check_equal((report["fresh"], report["known"], report["clocks"]), (0, 700, []), "the second")
        check_equal(web.ask("vulnerability.list", state="all")["total"], 700, "nothing counts twice")
        service.quiet()


def control_survey():
    """a control survey shows what it would close, and closes that"""
    with Service() as service:
        web = Web(service)
        nmap = sample("nmap.xml")
        report = accept(web, wait(web, push(web, nmap)["id"])["id"])
        ids = [row["id"] for row in web.ask("vulnerability.list")["vulnerabilities"]]
        check_equal(web.change("vulnerability.act", ids=ids, act="fix", reason="updated")["changed"], 4, "removed")
        empty = b"<nmaprun><host><address addr='192.0.2.1' addrtype='ipv4'/></host></nmaprun>"
        upload = wait(web, push(web, empty, origin="control")["id"])
        check_equal((counts(upload), upload["scanner"], upload["terms"]), ({"closed": 4}, "nmap", []), "would close")
        again = wait(web, push(web, nmap, origin="control")["id"])
        check_equal(counts(again), {"returned": 4}, "would come back")
        check_equal(accept(web, upload["id"])["closed"], 4, "closed")
        check_equal(web.ask("vulnerability.list", state="closed")["total"], 4, "they are")
        check_equal(report["closed"], 0, "of the first")
        service.quiet()


def long_report(mib):
    """nmap's sample, with so much in front of its first host."""
    nmap = sample("nmap.xml")
    begin = nmap.index(b"<host")
    lines = b"".join(b"<!-- %07d %s -->%s\n" % (i, b"x" * 607, b"<i x='1'/>" * 40) for i in range(1024))
    return nmap[:begin] + lines * mib + nmap[begin:]


def large():
    """hundreds of megabytes: the web process stays small, progress is seen, other questions are answered meanwhile"""
    with Service() as service:
        web = Web(service)
        nmap = sample("nmap.xml")
        content = long_report(500)
        began = time.time()
        upload = push(web, content)["id"]
        memory = status_of(service, "web", "VmHWM")
        check(memory < 48 * 1024, f"{memory} kB in the process that received it")
        seen = set()
        while True:
            answer = web.ask("upload.get", id=upload)
            check(answer["ok"], f"upload.get: {answer}")
            if answer["upload"]["state"] != "reading":
                break
            seen.add(answer["upload"]["permille"])
            time.sleep(0.1)  # who asks more often is told to wait
            check(web.ask("object.list")["ok"], "others are answered")  # some, before it is read: "progress" below
        print(f"# 500 MB in {time.time() - began:.1f} s, {len(seen)} steps seen, {memory} kB")
        check(len(seen) > 2, "progress")
        check_equal((wait(web, upload)["state"], counts(wait(web, upload))), ("ready", {"fresh": 4}), "it is read")
        check_equal(web.change("upload.drop", id=upload)["ok"], True, "and dropped")
        stopped = push(web, content)["id"]
        check_equal(web.change("upload.drop", id=stopped)["ok"], True, "stopped while it is read")
        check_equal(wait(web, push(web, nmap)["id"], seconds=20)["state"], "ready", "the next one does not wait for it")
        service.quiet()


def status_of(service, role, field):
    with open(f"/proc/{service.pids(role)[0]}/status", encoding="ascii") as file:
        return int(re.search(field + r":\s+(\d+)", file.read()).group(1))


def killed():
    """processes and the service killed while a report is counted and taken: it goes on, and is whole or not there"""
    with Service() as service:
        web = Web(service)
        count = 20000
        upload = push(web, table(count))["id"]
        wait(web, upload, ("counting", "ready"))
        service.kill()
        service.start()
        web = Web(service)
        check_equal(counts(wait(web, upload)), {"fresh": count}, "counted once")
        check(web.change("upload.accept", id=upload)["ok"], "accepted")
        kills = 0
        while (row := web.ask("upload.get", id=upload)["upload"])["state"] == "taking" and kills < 4:
            report = web.ask("findings.get", id=row["report"])["report"]
            half = report["ended_ns"] == 0 and report["clocks"] == []
            # It may have ended between the two questions.
            check(half or web.ask("upload.get", id=upload)["upload"]["state"] != "taking", "half a report is none")
            time.sleep(0.1)
            if kills % 2:
                service.kill()
                service.start()
                web = Web(service)
            else:
                os.kill(service.pids("desk")[0], 9)
                deadline = time.time() + 20
                while time.time() < deadline and not web.ask("upload.get", id=upload).get("ok"):
                    time.sleep(0.1)
            kills += 1
        done = wait(web, upload, ("done", "failed"), 120)
        report = web.ask("findings.get", id=done["report"])["report"]
        check(kills > 0, "it was killed while it was at work")
        check_equal((report["fresh"], report["known"], report["ended_ns"] > 0, len(report["clocks"])),
                    (count, 0, True, 1), f"whole, after {kills} ends")
        check_equal(web.ask("vulnerability.list", state="all")["total"], count, "each once")
        lost = push(web, long_report(300))["id"]
        wait(web, lost, ("reading",))
        os.kill(service.pids("reader")[0], 9)
        ended = wait(web, lost)
        check_equal((ended["state"], ended["fault"]), ("failed", "died"), "the reader died")
        check_equal(wait(web, push(web, sample("nmap.xml"))["id"])["state"], "ready", "the next one reads")


if __name__ == "__main__":
    sys.exit(main([every_format, refusals, who_may, cut_off_and_full, length_unknown_and_longest,
                   without_end, two_people, control_survey, large, killed]))
