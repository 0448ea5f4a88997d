#!/usr/bin/env python3
"""Lists of indicators: checked by the command, looked for by the real service, hunted for in the archive."""
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

from service import QORGAN, ROOT, Service, check, check_equal, main
from web_api import Web

ADDRESS_RULE = "3d2f1f0a-6f4e-4c7b-9a53-1c8be52f7f01"
LISTED = "203.0.113.66"
SECOND = "203.0.113.67"
MARKER = "203.0.113.99"
EXPIRED = "203.0.113.77"
ACCEPTED = "<38>{stamp} web1 sshd[812]: Accepted password for ann from {address} port 4022 ssh2\n"
STIX = {"type": "bundle", "id": "bundle--1", "objects": [
    {"type": "indicator", "pattern_type": "stix", "name": "C2 of a campaign", "valid_from": "2026-01-01T00:00:00Z",
     "pattern": "[domain-name:value = 'evil.example' OR url:value = 'http://files.example/a.sh']"},
    {"type": "indicator", "pattern_type": "stix", "pattern": "[process:name = 'x']"},
    {"type": "malware", "name": "x"}]}
MISP = {"Event": {"info": "Campaign", "Attribute": [
    {"type": "ip-dst|port", "value": f"{LISTED}|443", "to_ids": True, "comment": "C2"},
    {"type": "domain", "value": "quiet.example", "to_ids": False}], "Object": [
        {"name": "file", "Attribute": [{"type": "md5", "value": "44d88612fea8a8f36de82e1278abb02f",
                                        "to_ids": True}]}]}}


class Lists:
    """A folder of lists."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="qorgan-lists-")
        os.chmod(self.path, 0o755)  # the engines are other users when root runs this
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, content):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content if isinstance(content, str) else json.dumps(content))
        return path


def qorgan(*arguments, status=0):
    done = subprocess.run([QORGAN, *arguments], capture_output=True, text=True, check=False, timeout=120)
    check_equal(done.returncode, status, f"status of {arguments}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def line(address, when=None):
    when = when or datetime.datetime.now(datetime.timezone.utc)
    return ACCEPTED.format(stamp=when.strftime("%Y-%m-%dT%H:%M:%SZ"), address=address)


def checked():
    """indicators check: what lists hold, what has expired, what is refused with its line; the exit status"""
    with Lists() as lists:
        lists.file("a.csv", f"value,note,expires\n{LISTED},C2,\n{EXPIRED},old,2020-01-01\nhxxp://1[.]2[.]3[.]4/x,,\n"
                   "not an indicator,,\n127.0.0.1,,\n")
        lists.file("b.json", STIX)
        lists.file("c.json", MISP)
        lists.file("notes.md", "not a list")
        said, _ = qorgan("indicators", "check", "--json", lists.path, status=1)
        rows = [json.loads(row) for row in said.splitlines()]
        check_equal([row["list"] for row in rows], ["a.csv", "b.json", "c.json"], "lists")
        check_equal([[row[key] for key in ("address", "domain", "hash", "url", "expired", "passed", "refused")]
                     for row in rows], [[2, 0, 0, 1, 1, 0, 2], [0, 1, 0, 1, 0, 1, 1], [1, 0, 1, 0, 0, 1, 0]], "counts")
        check_equal([(why["line"], why["reason"]) for why in rows[0]["refused_why"]],
                    [(5, "of no known kind"), (6, "an address that every machine has")], "why")
        check_equal(rows[1]["refused_why"][0]["reason"], 'pattern on "process:name"', "why of STIX")
        said, _ = qorgan("indicators", "check", lists.path, status=1)
        check("refused 1, first in line 5: of no known kind: not an indicator" in said, said)
        said, _ = qorgan("indicators", "check", os.path.join(lists.path, "c.json"))
        check("1 lists, 0 refused" in said, said)
        rows = qorgan("indicators", "check", "--json", "--all", os.path.join(lists.path, "c.json"))[0]
        check_equal(json.loads(rows)["domain"], 1, "--all takes what is not meant for detection")
        qorgan("indicators", "check", os.path.join(lists.path, "absent"), status=1)
        for wrong in (("check",), ("hunt",), ("try", "x"), ("hunt", "x", "--indicators", lists.path)):
            qorgan("indicators", *wrong, status=2)


def detected():
    """detect --indicators and rules test --indicators: the rules that come with the program fire on what is listed"""
    with Lists() as lists:
        lists.file("a.json", MISP)
        log = lists.file("auth.log", line(LISTED) + line("203.0.113.1"))
        rules = os.path.join(ROOT, "data", "rules", "indicator")
        said, _ = qorgan("detect", "--rules", rules, "--indicators", lists.path, "--json", log)
        found = [json.loads(row) for row in said.splitlines()]
        check_equal([(row["record"], row["level"]) for row in found], [(1, "medium")], "matches")
        check_equal(qorgan("detect", "--rules", rules, log)[0], "", "without a list nothing matches")
        for address, match in ((LISTED, True), ("203.0.113.1", False)):
            said, _ = qorgan("rules", "explain", "--json", "--indicators", lists.path, ADDRESS_RULE, "--line",
                             line(address).strip())
            check_equal(json.loads(said)[0]["match"], match, f"a line with {address} explained")
        with open(os.path.join(rules, "hash_listed.yml"), encoding="utf-8") as rule:
            lists.file("own.yml", rule.read())
        lists.file("own.must.log", "Nov 20 10:00:00 web1 scan[1]: found 44d88612fea8a8f36de82e1278abb02f in /tmp/a\n")
        qorgan("rules", "test", lists.path, "--indicators", os.path.join(lists.path, "a.json"))
        said, _ = qorgan("rules", "test", lists.path, status=1)
        check("it did not fire on record 1" in said, said)
        lists.file("own.indicators.csv", "44d88612fea8a8f36de82e1278abb02f\n")
        qorgan("rules", "test", lists.path)
        lists.file("own.indicators.csv", "44d88612fea8a8f36de82e1278abb02f\nnothing\n")
        said, _ = qorgan("rules", "test", lists.path, status=1)
        check("line 2: a name of one label" in said, said)


def incidents(web):
    """Those of the rule for listed addresses; the line may open one of another rule, too."""
    found = web.ask("incident.list", state="all")["incidents"]
    return [incident for incident in found if ADDRESS_RULE in json.dumps(web.ask("incident.get", id=incident["id"]))]


def explained(service, web, lists):
    """The service and the command say of the listed record that the rule matches, and of another that it does not."""
    for word, match in ((f"from {LISTED}", True), ("from 203.0.113.1 ", False)):
        record = next(hit["record"] for hit in service.search("Accepted") if word in hit["raw"])
        answer = web.ask("explain", rule=ADDRESS_RULE, record=record)
        check_equal((answer["ok"], answer.get("match")), (True, match), f"why of {word}: {answer}")
        said = service.run("rules", "explain", "--json", "--indicators", lists, ADDRESS_RULE, str(record)).stdout
        check_equal(json.loads(said), answer["explained"], "what the command says")


def served():
    """the service: a listed address opens an incident, an expired one does not; hunt finds old records of a new list"""
    with Lists() as lists:
        lists.file("a.json", MISP)
        lists.file("b.csv", f"value,expires\n{EXPIRED},2020-01-01\nx y,\n")
        with Service(indicators=lists.path, log_rotate_s=10) as service:
            service.tcp((line(EXPIRED) + line("203.0.113.1") + line("198.51.100.99")).encode())
            check_equal(len(service.wait_for("Accepted", 3)), 3, "records")
            web = Web(service)
            time.sleep(2)
            check_equal(len(incidents(web)), 0, "incidents of an expired address")
            service.tcp(line(LISTED).encode())
            deadline = time.time() + 30
            while time.time() < deadline and not incidents(web):
                time.sleep(0.3)
            check_equal(len(incidents(web)), 1, "incidents of the listed address")
            card = json.dumps(web.ask("incident.get", id=incidents(web)[0]["id"]), ensure_ascii=False)
            check(f"indicator.value={LISTED} indicator.list=a.json indicator.note=C2" in card, card[:2000])
            explained(service, web, lists.path)
            log = service.read_log()
            for said in ("indicators: 3 in 2 lists", "list b.csv: 1 have expired",
                         "list b.csv: 1 refused, first in line 3: of no known kind: x y"):
                check(said in log, f"{said}: {log[-3000:]}")
            check_equal([hit for hit in service.search("indicators") if hit["type"] == "lifecycle"] != [], True,
                        "the archive says that there are lists")
            late = lists.file("late.csv", "# later than the records\nvalue,valid_from\n198.51.100.0/24,2999-01-01\n")
            done = service.run("indicators", "hunt", "--json", "--indicators", late)
            found = [json.loads(row) for row in done.stdout.splitlines()]
            check_equal([(row["field"], row["type"], row["value"], row["list"]) for row in found],
                        [(found[0]["field"] if found else "", "address", "198.51.100.0/24", "late.csv")], "hunt")
            check("1 hold an indicator" in done.stderr.decode(), done.stderr)
            said = service.run("indicators", "hunt", "--indicators", late, "--from", "1h").stdout.decode()
            check(": address 198.51.100.0/24 in " in said and said.count("\n") == 1, said)
            done = service.run("indicators", "hunt", "--indicators", late, "--to", "2020-01-01")
            check_equal(done.stdout, b"", "hunt before the records")
            hits = service.wait_for(f"rule:{ADDRESS_RULE}", 1, wait=60)  # once the log file has become a segment
            check_equal([LISTED in hit["raw"] for hit in hits], [True], "the record has its hit, and no other has")
            found = service.run("indicators", "hunt", "--json", "--indicators", late).stdout
            check_equal([json.loads(row)["list"] for row in found.splitlines()], ["late.csv"], "hunt in the segment")
            service.quiet()


def reloaded():
    """other lists come with SIGHUP: engines are started anew one by one, the others work on"""
    with Lists() as lists:
        lists.file("a.json", MISP)
        with Service(indicators=lists.path, engines=2) as service:
            web = Web(service)
            kept = {role: service.pids(role) for role in ("desk", "keeper", "intake", "web")}
            engines = service.pids("engine")
            service.tcp(line("198.51.100.99").encode())
            check_equal(len(service.wait_for("Accepted", 1)), 1, "records")
            service.process.send_signal(signal.SIGHUP)
            lists.file("b.csv", "value\n198.51.100.0/24\n")
            deadline = time.time() + 60
            while time.time() < deadline and set(service.pids("engine")) & set(engines):
                if not (service.read_log().count("lists of indicators are read anew")):
                    service.process.send_signal(signal.SIGHUP)
                service.tcp(line("198.51.100.98").encode())  # under way while engines change
                time.sleep(0.3)
            check(not set(service.pids("engine")) & set(engines), "engines were not started anew")
            service.tcp(line("198.51.100.97").encode())
            while time.time() < deadline and not incidents(web):
                time.sleep(0.3)
            check(incidents(web), "a newly listed address opens nothing")
            found = sum(row["matches"] for row in incidents(web))
            check(found >= 1, f"matches: {found}")
            check_equal({role: service.pids(role) for role in kept}, kept, "other processes")
            check_equal(service.read_log().count("lists of indicators are read anew"), 1, "lists that did not change")
            service.quiet()


def give(web, content, **said):
    """A file of the list `national`, by the API; what is shown of it once it is read."""
    query = urllib.parse.urlencode({"list": "national", "source": "a centre", "name": "feed", **said})
    _, _, text = web.request("POST", f"/api/indicators?{query}", content.encode(),
                             {"Content-Type": "application/octet-stream", "X-CSRF-Token": web.csrf})
    version = json.loads(text).get("id")
    check(version, text)
    deadline = time.time() + 60
    while time.time() < deadline:
        shown = web.ask("indicator.version", id=version)["version"]
        if shown["state"] != "reading":
            return shown
        time.sleep(0.1)
    raise AssertionError(f"a list was not read within a minute: {shown}")


def cards(web):
    """Of incidents of listed addresses, all that is known of them."""
    return json.dumps([web.ask("incident.get", id=incident["id"]) for incident in incidents(web)], ensure_ascii=False)


def wait_incident(service, web, address, resend=True):
    """An incident of the address; it is looked for within a minute."""
    deadline = time.time() + 60
    while time.time() < deadline:
        if address in cards(web):
            return
        if resend:
            service.tcp(line(address).encode())
        time.sleep(0.3)
    raise AssertionError(f"nothing of {address} within a minute: {cards(web)[:1500]} {service.read_log()[-3000:]}")


def wait_renewed(service, before):
    deadline = time.time() + 60
    while time.time() < deadline:
        now = service.pids("engine")
        if now and not set(now) & set(before):
            return
        time.sleep(0.1)
    raise AssertionError("engines were not started anew within a minute")


def records(service):
    """What the archive says was done with the list, in order."""
    events = [json.loads(hit["raw"])["event"] for hit in service.search("type:lifecycle national")]
    return [event for event in reversed(events) if event.startswith("list.")]


def given():
    """a list that a person gives is shown, taken and matches; ended it does not; an earlier version is taken back"""
    with Lists() as lists:
        lists.file("marker.csv", MARKER + "\n")
        with Service(indicators=lists.path, engines=1, indicator_hunt_minutes=0) as service:
            web = Web(service)
            shown = give(web, f"value,note\n{LISTED},\n{SECOND},C2\nx y,\n", confidence=70)
            check_equal([shown[key] for key in ("state", "list", "address", "refused", "new", "confidence")],
                        ["ready", "national.csv", 2, 1, 2, 70], f"what is shown: {shown}")
            check_equal(shown["preview"]["reasons"][0]["line"], 4, "where it was refused")
            taken = web.change("indicator.take", id=shown["id"])
            check(taken["ok"], taken)
            wait_incident(service, web, LISTED)
            check("indicator.list=national.csv indicator.note=a centre" in cards(web), cards(web)[:3000])
            deadline = time.time() + 60  # the hunter, who is nobody by then, reads it as well
            while "national.csv" not in json.dumps(web.ask("indicator.list")["lists"]) and time.time() < deadline:
                time.sleep(0.1)
            check_equal([row["entries"] for row in web.ask("indicator.list")["lists"]], [1, 2], "lists that were read")
            engines = service.pids("engine")
            check(web.change("indicator.end", id=taken["list_id"], reason="nobody vouches for it")["ok"], "its end")
            wait_renewed(service, engines)
            service.tcp((line(SECOND) + line(MARKER)).encode())
            wait_incident(service, web, MARKER, resend=False)
            check(SECOND not in cards(web), "a list that ended matches")
            again = web.change("indicator.restore", id=shown["id"], reason="it is needed again")
            check(again["ok"], again)
            shown = give(web, json.dumps(MISP))
            check_equal([shown[key] for key in ("new", "changed", "same", "gone")], [1, 1, 0, 1], f"against: {shown}")
            history = web.ask("indicator.get", id=taken["list_id"])["history"]
            check_equal([step["act"] for step in history], ["restored", "ended", "taken"], "history")
            deadline = time.time() + 60
            while len(told := records(service)) < 5 and time.time() < deadline:
                time.sleep(0.1)
            check_equal(told, ["list.added", "list.taken", "list.ended", "list.restored", "list.added"], "records")
            service.quiet()


def absent_folder():
    """a folder of lists that is not there is an error in the log, and detection goes on"""
    with Service(indicators="/nonexistent/lists") as service:
        service.tcp(line("203.0.113.1").encode())
        check_equal(len(service.wait_for("Accepted", 1)), 1, "records")
        check("indicators are not all there: could not open \"/nonexistent/lists\"" in service.read_log(),
              service.read_log()[-2000:])


if __name__ == "__main__":
    sys.exit(main([checked, detected, served, reloaded, given, absent_folder]))
