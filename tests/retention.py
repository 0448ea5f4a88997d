#!/usr/bin/env python3
"""Deletion of old records with the real server: on an archive of four years ago two people agree, segments go, and
everything that is left still proves. The archive is made by build/tests/old-archive, because the clock is real."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
import urllib.parse

from deleted import check_deleted
from service import QORGAN, VERIFY, Service, check, check_equal, main
from web_api import Web

OLD_ARCHIVE = os.environ.get("OLD_ARCHIVE", os.path.join(os.path.dirname(QORGAN), "../../tests/old-archive"))
# Days ago and records of each segment: three past the term, one just not, one of a month ago.
SEGMENTS = (1500, 400, 1400, 300, 1200, 500, 1090, 200, 30, 100)
FIRSTS = (0, 400, 700)
REASON = "their term is over"


class Old(Service):
    """A service on an archive with old records, and the people who may decide."""

    def __init__(self, segments=SEGMENTS, **settings):
        super().__init__(site="test.example", **settings)
        self.made = subprocess.run([OLD_ARCHIVE, self.data, *map(str, segments)], capture_output=True, text=True,
                                   check=False, timeout=60)
        check_equal(self.made.returncode, 0, "old-archive: " + self.made.stderr)
        self.people = {}

    def admit(self, *names, role="officer"):
        """Accounts that admin makes, signed in and with passwords of their own."""
        admin = self.people.setdefault("admin", None) or Web(self)
        self.people["admin"] = admin
        for name in names:
            answer = admin.change("user.save", user={"name": name, "role": role, "password": "first garden 55",
                                                     "enabled": True})
            check(answer["ok"], f"{name} has an account: {answer}")
            self.people[name] = Web(types.SimpleNamespace(ports=self.ports, user=name, password="first garden 55"))

    def list(self, who="admin"):
        answer = self.people[who].ask("retention.list")
        check(answer["ok"], f"retention.list: {answer}")
        return answer

    def until(self, what, condition, wait=60):
        """The list, once the condition holds of it."""
        deadline = time.time() + wait
        while True:
            found = self.list()
            if condition(found):
                return found
            check(time.time() < deadline, f"in time: {what}: {found}\n{self.read_log()[-3000:]}")
            time.sleep(0.3)

    def may(self):
        return self.until("the keeper tells what may go", lambda found: found["known"] and found["may_count"] == 3)

    def propose(self, who, firsts, reason=REASON):
        return self.people[who].change("retention.propose", segments=list(firsts), reason=reason)

    def decide(self, ask, who, number, reason=REASON):
        return self.people[who].change(f"retention.{ask}", id=number, reason=reason)

    def files(self):
        return sorted(os.path.basename(path) for path in glob.glob(self.data + "/archive/seg/*"))


def proposal(found, number):
    return next(row for row in found["proposals"] if row["id"] == number)


def refused(answer, error):
    check(not answer["ok"] and answer["error"] == error, f"{error}: {answer}")


def test_settings():
    """a term below the acts' does not start, and doctor says so"""
    told = r"832 p\.38\(4\) \(edition .*\) asks for 36 months, which are 1096 days"
    for setting, value in (("keep_days", 1095), ("keep_days_sources", "0" * 32 + "=30"),
                           ("keep_days_sources", "web1=3000")):
        service = Service(**{setting: value})
        try:
            check(not service.start(wait=20, expect=False), f"{setting} {value} does not start")
            text = service.read_log()
            check(setting.replace("_", "-") in text, f"the setting is named: {text}")
            check("web1" in str(value) or re.search(told, text), f"act, edition and paragraph are named: {text}")
            with open(service.data + "/qorgan.conf", "w", encoding="ascii") as file:
                file.write(f"{setting.replace('_', '-')} {value}\n")
            done = subprocess.run([QORGAN, "doctor", "--data", service.data, "--json"], capture_output=True, text=True,
                                  check=False, timeout=60)
            check_equal(done.returncode, 1, "doctor's exit status: " + done.stdout)
            check('"configuration"' in done.stdout and setting.replace("_", "-") in done.stdout, done.stdout)
        finally:
            service.kill()
            shutil.rmtree(service.data, ignore_errors=True)


def test_who_may():
    """what may be proposed, by whom, and who may not approve"""
    with Old() as service:
        service.admit("ann", "bob")
        service.admit("eve", role="auditor")
        found = service.may()
        may = [row["first"] for row in found["segments"] if row["state"] == "may"]
        check_equal(may, list(FIRSTS), "segments that may go")
        check_equal(found["days"], 1096, "the policy")
        check(found["segments"][3]["state"] == "kept" and found["next_ns"] > 0, f"what is young stays: {found}")
        refused(service.propose("ann", [1200]), "invalid")
        refused(service.propose("ann", [0, 50]), "invalid")
        refused(service.propose("ann", [0], "old"), "invalid")
        refused(service.propose("eve", [0]), "denied")
        check_equal(service.propose("ann", [0, 400])["id"], 1, "the proposal")
        refused(service.propose("bob", [700]), "proposal_open")
        refused(service.decide("approve", "ann", 1), "same_person")
        refused(service.decide("approve", "admin", 1), "same_hand")
        refused(service.decide("approve", "eve", 1), "denied")
        check(service.decide("refuse", "bob", 1)["ok"], "bob refuses")
        check_equal(proposal(service.list(), 1)["state"], "refused", "state")
        time.sleep(2)
        files = service.files()
        check(not [name for name in files if name.endswith(".gone")], f"nothing is deleted: {files}")
        kinds = [hit["raw"] for hit in service.search('type:lifecycle "retention."')]
        for kind in ("retention.proposed", "retention.refused"):
            check(any(f'"event":"{kind}"' in raw for raw in kinds), f"the archive has a record {kind}: {kinds}")
        service.quiet()


def test_deletion():
    """two people agree: the segments go, and everything left still proves"""
    with Old() as service:
        service.admit("ann", "bob")
        service.may()
        check(service.propose("ann", [0, 400])["ok"], "ann proposes")
        check(service.decide("approve", "bob", 1)["ok"], "bob approves")
        found = service.until("the proposal is carried out", lambda now: proposal(now, 1)["state"] == "done")
        parts = proposal(found, 1)["segments"]
        check(all(row["state"] == "deleted" and row["record"] > 0 for row in parts), f"both are deleted: {parts}")
        found = service.until("one is left", lambda now: now["may_count"] == 1 and now["deleted_segments"] == 2)
        check_equal(found["deleted_records"], 700, "records deleted")
        files = service.files()
        for first in (0, 400):
            check(f"{first:016x}.gone" in files and f"{first:016x}.seg" not in files, f"{first}: {files}")
        check(f"{700:016x}.seg" in files, f"the third stays: {files}")
        proves(service)
        for part in parts:
            record = next(hit for hit in service.search("type:retention") if hit["record"] == part["record"])
            for word in ("ann", "bob", "832"):
                check(word in record["raw"], f"the retention record names {word}: {record['raw']}")
        check_equal(len(service.sent("user=u1")), sum(n % 7 == 1 for n in range(700, 1500)), "what is left is found")
        tells(service)
        service.stop()
        tombstones = check_deleted(service.data + "/archive")
        check_equal([tombstone.first for tombstone in tombstones], [0, 400], "what a second reader of the format sees")
        told = subprocess.run([QORGAN, "doctor", "--data", service.data, "--json"], capture_output=True, text=True,
                              check=False, timeout=60).stdout
        check("records read" in told or '"records"' in told, "doctor read the archive: " + told)
        check(".gone" not in told and "segment-missing" not in told, "tombstones are no finding of doctor's: " + told)
        service.start()
        service.people.clear()
        proves(service)
        service.quiet()


def tells(service):
    """A search over what was deleted, and the page of a deleted record, say what became of it."""
    bob = service.people["bob"]
    done = service.run("search", "--limit", "1000", "user=u1")
    check(b"were deleted" in done.stderr, f"search on the command line: {done.stderr}")
    found = bob.ask("search", query="user=u1", limit=500)
    check_equal((found["gone_records"], found["gone_first"], found["gone_end"]), (700, 0, 700), "search of the API")
    status, _, text = bob.request("GET", "/search?q=user%3Du1&range=all")
    check(status == 200 and f'href="/records/{found["gone_under"]}"' in text, f"search page: {text[:2000]}")
    status, _, text = bob.request("GET", "/records/5")
    check(status == 410 and re.search(r"Жазба \d+", text), f"the page of a deleted record: {status} {text[-2000:]}")
    gone = bob.ask("explain", record=5, rule="Port scan")
    check_equal((gone["error"], gone["under"]), ("record_deleted", bob.ask("record", record=5)["under"]), "and why")
    check_equal(bob.request("GET", "/records/5/why?rule=Port+scan")[0], 410, "the page that would say why")
    status, _, text = bob.request("GET", f"/records/{found['gone_under']}")
    check(status == 200 and 'class="own"' in text, f"the page of the retention record: {status} {text[:2000]}")


def proves(service):
    """verify, qorgan-verify and a proof of a record that is left; a deleted one says what became of it."""
    done = service.run("verify", check=False)
    check_equal(done.returncode, 0, "qorgan verify: " + done.stdout.decode() + done.stderr.decode())
    status, text = service.audit()
    check_equal(status, 0, "qorgan-verify: " + text)
    path = service.data + "/proof"
    service.proof(800, path)
    done = subprocess.run([VERIFY, "--vkey", service.public_key(), "--proof", path], capture_output=True, text=True,
                          check=False, timeout=60)
    check_equal(done.returncode, 0, "the proof of a record that is left: " + done.stdout + done.stderr)
    done = service.run("proof", "5", "--out", path + ".gone", check=False)
    check(done.returncode != 0 and b"deleted" in done.stderr, f"proof of a deleted record: {done.stderr}")


def test_killed():
    """who carries it out is killed at any moment: it is carried out all the same, once"""
    with Old() as service:
        service.admit("ann", "bob")
        service.may()
        check(service.propose("ann", FIRSTS)["ok"], "ann proposes")
        beside = f"{service.data}/archive/seg/{FIRSTS[0]:016x}.cold"
        shutil.copy(beside.replace(".cold", ".seg"), beside)  # what was packed of it goes too
        check(service.decide("approve", "bob", 1)["ok"], "bob approves")
        for round in range(6):
            for role in (("keeper",), ("reaper",), ("desk", "keeper", "judge"))[round % 3]:
                for pid in service.pids(role):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.4)
        deadline = time.time() + 40
        while [name for name in service.files() if name[:16] in {f"{first:016x}" for first in FIRSTS}
               and not name.endswith(".gone")] and time.time() < deadline:
            time.sleep(0.5)
        files = service.files()
        for first in FIRSTS:
            check([name for name in files if name.startswith(f"{first:016x}")] == [f"{first:016x}.gone"],
                  f"{first}: {files}")
        beside = beside.replace(f"{FIRSTS[0]:016x}", f"{FIRSTS[1]:016x}")
        shutil.copy(beside.replace(".cold", ".gone"), beside)  # named late, by a packer that was at work meanwhile
        deadline = time.time() + 40
        while os.path.exists(beside) and time.time() < deadline:
            time.sleep(0.3)
        check(not os.path.exists(beside), f"what is left of a deleted segment goes: {service.files()}")
        service.stop()
        service.start()
        done = service.run("verify", check=False)
        check_equal(done.returncode, 0, "qorgan verify: " + done.stdout.decode() + done.stderr.decode())
        status, text = service.audit()
        check_equal(status, 0, "qorgan-verify: " + text)
        records = service.search("type:retention")
        named = sorted(json.loads(hit["raw"])["first"] for hit in records)
        check_equal(sorted(set(named)), list(FIRSTS), "a retention record for each segment")
        service.people.clear()
        service.people["admin"] = Web(service)
        service.until("the desk knows", lambda now: proposal(now, 1)["state"] == "done", wait=30)


def test_void():
    """another policy makes an open proposal void; a longer one keeps what was old enough"""
    service = Old()
    with service:
        service.admit("ann", "bob")
        service.may()
        check(service.propose("ann", [0])["ok"], "ann proposes")
        service.stop()
        service.settings["keep-days"] = 1450
        service.start()
        service.until("it is void", lambda now: proposal(now, 1)["state"] == "void")
        found = service.until("one may go", lambda now: now["may_count"] == 1)
        check_equal([row["first"] for row in found["segments"] if row["state"] == "may"], [0], "segments that may go")
        refused(service.decide("approve", "bob", 1), "state_refuses")
        service.quiet()


# The same, of hosts: web1's and db2's, and one of both; the last two are young.
HOSTED = ("1500@web1", 400, "1450@db2", 300, 1400, 200, "1300@db2", 100, "1090@db2", 200, "30@db2", 100)


def save_object(web, **members):
    answer = web.change("object.save", object=members)
    check(answer["ok"], f"object.save {members}: {answer}")
    return answer["id"]


def row_of(found, first):
    return next(row for row in found["segments"] if row["first"] == first)


def decided(found):
    return found["known"] and found["undecided"] == 0 and not any(row["undecided"] for row in found["segments"])


def test_objects():
    """an object's term keeps the segments that have its records, and no other"""
    with Old(segments=HOSTED, log_rotate_s=10) as service:
        service.admit("ann", "bob")
        admin = service.people["admin"]
        service.until("without terms all that is old may go", lambda found: found["known"] and found["may_count"] == 4)
        portal = save_object(admin, id=0, name="Portal", assets=[{"kind": "host", "pattern": "web*"}])
        base = save_object(admin, id=0, name="Base", assets=[{"kind": "host", "pattern": "db2"}], keep_days=1250)
        check(service.propose("ann", [0, 400])["ok"], "ann proposes")
        save_object(admin, id=portal, keep_days=3000)
        service.until("the proposal is void", lambda found: proposal(found, 1)["state"] == "void")
        found = service.until("whose they are is known", lambda found: decided(found) and found["may_count"] == 2)
        told = {first: (row_of(found, first)["state"], row_of(found, first)["why"], row_of(found, first).get("object"))
                for first in (0, 400, 700, 900, 1000)}
        check_equal(told, {0: ("kept", "object", "Portal"), 400: ("may", "object", "Base"),
                           700: ("kept", "object", "Portal"), 900: ("may", "object", "Base"),
                           1000: ("kept", "object", "Base")}, "what keeps each segment")
        term = row_of(found, 0)["keep_until_ns"] - row_of(found, 0)["received_max_ns"]
        check(3000 <= term / 86400e9 < 3002, f"until when: {row_of(found, 0)}")
        check(row_of(found, 0)["object_id"] == portal and row_of(found, 0)["object_days"] == 3000, f"{found}")
        refused(service.propose("ann", [0]), "invalid")
        check(service.propose("ann", [400])["ok"], "ann proposes what may go")
        for role in ("keeper", "packer"):  # who begins anew has to find out again, and nothing becomes void by it
            for pid in service.pids(role):
                os.kill(pid, signal.SIGKILL)
        service.until("it is known again", lambda found: decided(found) and found["may_count"] == 2)
        check_equal(proposal(service.list(), 2)["state"], "proposed", "the proposal outlives who was killed")
        # The desk may learn only now that who knew it is gone, and says "unavailable" until it is back.
        service.until("bob approves", lambda _: service.decide("approve", "bob", 2)["ok"])
        found = service.until("it is carried out", lambda now: proposal(now, 2)["state"] == "done")
        part = proposal(found, 2)["segments"][0]
        check_equal((part["first"], part["state"]), (400, "deleted"), f"what became of it: {part}")
        files = service.files()
        check(f"{400:016x}.gone" in files and f"{400:016x}.seg" not in files and f"{0:016x}.seg" in files, f"{files}")
        record = next(hit for hit in service.search("type:retention") if hit["record"] == part["record"])
        body = json.loads(record["raw"])
        check_equal((body["object"], body["object_days"], body["days"]), ("Base", 1250, 1096), "the retention record")
        saved = [json.loads(hit["raw"]) for hit in service.search('type:lifecycle "object.saved"')]
        check_equal([row["keep_days"] for row in saved if row["object"] == "Portal"], [3000, 0],
                    "records of the term, the newest first")
        done = service.run("verify", check=False)
        check_equal(done.returncode, 0, "qorgan verify: " + done.stdout.decode() + done.stderr.decode())
        status, text = service.audit()
        check_equal(status, 0, "qorgan-verify: " + text)
        lives(service, portal)
        service.stop()
        check_equal([tombstone.first for tombstone in check_deleted(service.data + "/archive")], [400],
                    "what a second reader of the format sees")


def lives(service, portal):
    """Records that come in now: their segment is known by its hosts as soon as it is sealed."""
    for host in ("web9", "mail", "web9"):
        service.tcp(f"<13>1 - {host} app - - - hello of {host}\n".encode())
        time.sleep(11)

    def is_known(found):
        rows = [row for row in found["segments"] if row["first"] > 1300]
        return decided(found) and [row for row in rows if row.get("object_id") == portal] and \
            [row for row in rows if row["why"] == "law"]
    service.until("segments of today are known by their hosts", is_known)


def test_object_refused():
    """an object's term below the acts' or the setting's is refused, with act, edition and paragraph"""
    with Old(keep_days=1200) as service:
        service.admit("eve", role="auditor")
        admin = service.people["admin"]
        for days, told in ((1095, r"832 p\.38\(4\) \(edition .*\) asks for 36 months, which are 1096 days"),
                           (1199, r'the setting "keep-days" asks for 1200 days'), (36526, "at most 36525"),
                           (-1, "at most 36525"), ("1300", "not of its kind")):
            answer = admin.change("object.save", object={"id": 1, "keep_days": days})
            refused(answer, "invalid")
            check(answer["field"] == "keep_days" and re.search(told, answer["text"]), f"{days}: {answer}")
        refused(service.people["eve"].change("object.save", object={"id": 1, "keep_days": 1300}), "denied")
        check_equal(admin.ask("object.list")["objects"][0]["keep_days"], 0, "nothing was changed")
        check(admin.change("object.save", object={"id": 1, "keep_days": 1300})["ok"], "a longer one is taken")
        check_equal(admin.ask("object.list")["objects"][0]["keep_days"], 1300, "and shown")
        status, _, text = admin.request("GET", "/objects/1")
        check(status == 200 and 'name="keep_days" type="number"' in text and 'value="1300"' in text, text[:3000])
        status, text = post(admin, "/objects/1", "/objects/1", name="x", zone="+05:00", contour="internal",
                            **{"class": "3"}, keep_days="30")
        check(status == 422 and "p.38(4)" in text and 'aria-invalid="true"' in text, f"{status}: {text[:3000]}")
        service.quiet()


def post(web, path, page, **fields):
    """Sends a form of the page; (status, text)."""
    _, _, text = web.request("GET", page)
    secret = re.search(r'name="csrf" value="([0-9a-f]+)"', text).group(1)
    status, headers, text = web.request("POST", path, urllib.parse.urlencode({"csrf": secret, **fields}),
                                        {"Content-Type": "application/x-www-form-urlencoded"})
    return status, headers.get("Location") or text


def test_pages():
    """the pages: propose with reasons, approve as another, see what became of it"""
    page = "/archive/retention"
    with Old() as service:
        service.admit("ann", "bob")
        service.may()
        ann, bob = service.people["ann"], service.people["bob"]
        status, _, text = ann.request("GET", page)
        listed = all(f'name="s{first}"' in text for first in FIRSTS)
        check(status == 200 and listed, f"the page lists them: {text[:3000]}")
        check('name="s1200"' not in text, "not the young one")
        status, text = post(ann, page, page, s0="yes", s700="yes", reason="short")
        check(status == 422 and "short</textarea>" in text and text.count("checked aria-label") == 2,
              f"{status}: {text[:2000]}")
        status, place = post(ann, page, page, s0="yes", s700="yes", reason=REASON)
        check_equal((status, place), (303, page + "?saved=1"), "proposed")
        _, _, text = ann.request("GET", page)
        check('value="approve"' not in text and 'value="refuse"' in text, "ann may only withdraw")
        status, text = post(ann, page + "/1", page, act="approve", reason=REASON)
        check_equal(status, 403, "ann may not approve")
        status, place = post(bob, page + "/1", page, act="approve", reason=REASON)
        check_equal((status, place), (303, page + "?saved=1"), "approved")
        service.until("the proposal is carried out", lambda now: proposal(now, 1)["state"] == "done")
        _, _, text = bob.request("GET", page)
        check(REASON in text and 'id="past"' in text, f"the page tells it: {text[:3000]}")
        service.quiet()


if __name__ == "__main__":
    sys.exit(main([test_settings, test_who_may, test_deletion, test_killed, test_object_refused, test_pages],
                  beside=[test_void, test_objects]))
