#!/usr/bin/env python3
"""Hunts of the running service: a rule that is switched on is run over the archive by itself, finds exactly what was
there before, opens nothing, survives kills, can be stopped; loads, orders of people, encryption."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from service import QORGAN, Service, check, check_equal, main
from web_api import Web

LOUD = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d1001"
SLOW = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d1002"
MANY = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d1003"
NEWER = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d1004"
FILLER = 300000


def rule(title, ident, condition, name=None, level="high"):
    named = f"name: {name}\n" if name else ""
    return (f"title: {title}\nid: {ident}\n{named}logsource:\n    product: linux\ndetection:\n    s:\n"
            f"        {condition}\n    condition: s\nlevel: {level}\n")


RULES = {
    "loud.yml": rule("Loud", LOUD, "message|contains: 'Failed password'", name="loud"),
    # no text is in all that it matches: every record is looked at
    "slow.yml": rule("Slow", SLOW, "message|re: '[Cc]lient[0-9]+ took 24[0-3] ms'", level="low"),
    "many.yml": f"title: Many\nid: {MANY}\ncorrelation:\n    type: event_count\n    rules:\n        - loud\n"
                "    group-by:\n        - host\n    timespan: 1h\n    condition:\n        gte: 5\nlevel: high\n",
}


class Stand:
    def __init__(self, data=None):
        self.folder = tempfile.mkdtemp(prefix="qorgan-hunts-")
        os.chmod(self.folder, 0o755)
        for name, text in RULES.items():
            self.write(name, text)
        self.service = Service(data, rules=self.folder, engines=1)
        self.web = None

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
            out.write(text)

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__(*_)
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self, between=lambda: None):
        check_equal(self.service.stop(), 0, "exit status")
        between()
        self.service.start()
        self.web = Web(self.service)

    def failures(self, host, count, user="ann"):
        stamp = time.strftime("%b %e %H:%M:%S")
        self.service.tcp("".join(f"<86>{stamp} {host} sshd[{n + 1}]: Failed password for {user}{n} from 203.0.113.7 "
                                 "port 4022 ssh2\n" for n in range(count)).encode())

    def filler(self, count=FILLER):
        """Records by the thousand; gives how many of them the slow rule matches."""
        path = os.path.join(self.folder, "filler.log")
        stamp = time.strftime("%b %e %H:%M:%S")
        matches = 0
        with open(path, "w", encoding="ascii") as out:
            for n in range(count):
                took = n * 7919 % 10007 % 2500
                matches += 240 <= took <= 243
                out.write(f"<86>{stamp} web{n % 5} app[{n % 3000}]: request {n} of client{n % 7} took {took} ms\n")
        self.service.run("ingest", path)
        os.unlink(path)
        return matches

    def decide(self, ident, state):
        fields = {"state": state, "level": "", "reason": "as the test says"}
        check_equal(self.web.form(f"/rules/{ident}", **fields), f"/rules/{ident}?saved=1", "where saving leads")

    def hunts(self):
        return self.web.ask("hunt.list", limit=200)["hunts"]

    def hunt(self, number, offset=0):
        return self.web.ask("hunt.get", id=number, limit=200, offset=offset)["hunt"]

    def found(self, number):
        """Records of all hits that are kept, rising."""
        out, hunt = [], self.hunt(number)
        while len(out) < hunt["kept"]:
            out += [hit["record"] for hit in self.hunt(number, len(out))["found"]]
        return sorted(out)

    def until(self, text, wanted, wait=60):
        deadline = time.time() + wait
        while not (got := wanted()):
            if time.time() > deadline:  # only then is the desk asked: it may be one that stands still
                raise AssertionError(f"{text}: it did not come; {self.web.ask('hunt.list')}")
            time.sleep(0.1)
        return got

    def ended(self, number, state="done", wait=60):
        self.until(f"the end of hunt {number}", lambda: self.hunt(number)["state"] not in ("waiting", "running"), wait)
        hunt = self.hunt(number)
        check_equal(hunt["state"], state, f"state of hunt {number}: {hunt['trouble']} {hunt['text']}")
        return hunt

    def order(self, ident, **members):
        answer = self.web.change("hunt.start", rule=ident, **members)
        check(answer["ok"], answer)
        return answer["id"]

    def hunter(self):
        return self.until("a hunter", lambda: self.service.pids("hunter"))[0]

    def half_way(self, number):
        """The hunter has worked on it for 20 ms of processor time, a fraction of what it takes, and stands still."""
        self.until("the hunt's turn", lambda: self.hunt(number)["state"] == "running")
        pid = self.hunter()

        def worked_ns():
            with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
                return int(file.read().split()[0])

        begin = worked_ns()
        while worked_ns() - begin < 20_000_000:
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.005)
            os.kill(pid, signal.SIGSTOP)
        check_equal(self.hunt(number)["state"], "running", "state half way")

    def answered(self):
        """Desk and pages are there, behind a death."""
        self.until("an answer", lambda: self.web.ask("hunt.list").get("ok"))

    def told(self, act):
        rows = self.web.search(query='type:lifecycle "rule.hunt"', limit=100)["events"]
        bodies = [json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle"]
        return [body for body in bodies if body["event"] == "rule.hunt" and body["act"] == act]

    def incidents(self):
        return self.web.ask("incident.list", state="all", limit=200)["incidents"]


def records_of(service, query):
    return sorted(hit["record"] for hit in service.sent(query))


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as maps:
        return next(int(line.split()[1]) for line in maps if line.startswith("Pss:"))


def as_the_command(stand, ident):
    done = subprocess.run([QORGAN, "rules", "hunt", ident, "--rules", stand.folder, "--json", "--data",
                           stand.service.data], capture_output=True, text=True, check=True, timeout=300)
    return {row["rule_id"]: row["matches"] for row in map(json.loads, done.stdout.splitlines()) if "matches" in row}


def switched_on():
    """events first, then a rule that was off: it finds exactly them, opens nothing, and is recorded; it rests small"""
    with Stand() as stand:
        check_equal(stand.hunts(), [], "hunts of the first start")
        for ident in (LOUD, MANY):
            stand.decide(ident, "off")
        stand.failures("web1", 30)
        stand.service.wait_for('"Failed password"', 30)  # before the others, which may go another way
        stand.failures("web2", 12)
        stand.service.wait_for('"Failed password"', 42)
        stand.decide(LOUD, "active")
        number = stand.until("a hunt", stand.hunts)[0]["id"]
        hunt = stand.ended(number)
        check(hunt["automatic"] and hunt["hits"] == 42 and hunt["permille"] == 1000, hunt)
        check(hunt["records"] >= 42 and hunt["rules"] == 1 and hunt["rule_id"] == LOUD, hunt)
        check_equal(hunt["made_ns"] - hunt["from_ns"], 62 * 86400 * 10 ** 9, "how far it goes back")
        check_equal(stand.found(number), records_of(stand.service, '"Failed password"'), "records found")
        hit = stand.hunt(number)["found"][0]
        check_equal((hit["host"], hit["address"], hit["incident"]), ("web2", "203.0.113.7", 0), "a hit")
        check_equal(stand.incidents(), [], "incidents of a hunt")
        check_equal(stand.web.ask("rule.get", id=LOUD)["rule"]["hits"], 0, "live hits of the rule")
        check_equal(as_the_command(stand, LOUD), {LOUD: 42}, "what the command finds")

        stand.decide(MANY, "test")  # a correlation counts what its rule found before
        number = stand.until("a second hunt", lambda: len(stand.hunts()) == 2 and stand.hunts())[0]["id"]
        hunt = stand.ended(number)
        check_equal((hunt["hits"], hunt["rules"]), (as_the_command(stand, MANY)[MANY], 1), "firings")
        check(hunt["hits"] > 0 and hunt["by_rule"][0]["correlation"], hunt)

        stand.until("records", lambda: len(stand.told("finished")) == 2)
        finished = stand.told("finished")[1]
        check_equal((finished["who"], finished["rule_ids"], finished["hits"]), ("qorgan", [LOUD], 42), "what is told")
        check_equal(len(stand.told("started")), 2, "records of beginnings")
        resting = pss_kib(stand.hunter())
        check(resting < 16 * 1024, f"the hunter rests on {resting} KiB")
        stand.service.quiet()


def pages():
    """a person orders a hunt of a rule that is off, reads the pages, opens an incident for a hit"""
    with Stand() as stand:
        stand.decide(LOUD, "off")
        stand.failures("db1", 3)
        stand.service.wait_for('"Failed password"', 3)
        place = stand.web.form(f"/rules/{LOUD}/hunt".replace("/hunt", ""), state="off", level="", reason="once more")
        check(place, "a page with a form")
        status, headers, text = stand.web.request(
            "POST", f"/rules/{LOUD}/hunt", f"csrf={stand.web.csrf}&from=&to=",
            {"Content-Type": "application/x-www-form-urlencoded"})
        check_equal(status, 303, text[:500])
        place = headers["Location"]
        number = int(place.split("/")[-1])
        hunt = stand.ended(number)
        check_equal((hunt["hits"], hunt["who"], hunt["from_ns"], hunt["automatic"]), (3, "admin", 0, False), "a hunt")
        for path, wanted in ((place, "/records/"), ("/hunts", place), (f"/rules/{LOUD}", place)):
            status, _, text = stand.web.request("GET", path)
            check(status == 200 and wanted in text, f"{path}: {status}")
        hit = hunt["found"][0]
        status, headers, text = stand.web.request(
            "POST", f"{place}/open", f"csrf={stand.web.csrf}&hit={hit['id']}",
            {"Content-Type": "application/x-www-form-urlencoded"})
        check_equal(status, 303, text[:500])
        opened = stand.incidents()
        check_equal([row["rule_id"] for row in opened], [LOUD], "incidents")
        check_equal(headers["Location"], f"/incidents/{opened[0]['id']}", "where it leads")
        again = stand.web.change("hunt.open", hit=hit["id"])
        check_equal((again["incident"], len(stand.incidents())), (opened[0]["id"], 1), "opened again")
        before = stand.web.change("hunt.start", rule=LOUD, from_ns=10 ** 18, to_ns=10 ** 18 + 1)["id"]
        check_equal(stand.ended(before)["hits"], 0, "hits of another time")
        check_equal(stand.web.change("hunt.start", rule="nobody")["error"], "not_found", "no such rule")
        check_equal(stand.web.change("hunt.stop", id=number)["error"], "hunt_over", "a hunt that is over")
        stand.service.quiet()


def loads():
    """rules that are new or changed when files are read, at a start or by SIGHUP, are one hunt; others are none"""
    with Stand() as stand:
        stand.decide(SLOW, "off")
        stand.failures("web1", 7)
        stand.service.wait_for('"Failed password"', 7)
        stand.restart()
        check_equal(stand.hunts(), [], "hunts when the same is loaded")

        def others():
            stand.write("loud.yml", RULES["loud.yml"].replace("Failed password", "password for ann"))
            stand.write("slow.yml", RULES["slow.yml"].replace("[Cc]lient", "client"))
            stand.write("newer.yml", rule("Newer", NEWER, "message|contains: 'ann3 from'"))
            # what counts it changes with it
            stand.write("many.yml", RULES["many.yml"].replace("gte: 5", "gte: 4"))
        stand.restart(others)
        hunts = stand.until("a hunt", stand.hunts)
        check_equal(len(hunts), 1, "hunts of a load")
        hunt = stand.ended(hunts[0]["id"])
        got = {row["rule_id"]: row["hits"] for row in hunt["by_rule"]}
        check_equal((got[LOUD], got[NEWER], SLOW in got), (7, 1, False), f"hits by rule: {got}")
        check(got[MANY] > 0, got)

        stand.write("newer.yml", rule("Newest", NEWER, "message|contains: 'ann4 from'"))
        stand.service.process.send_signal(signal.SIGHUP)
        hunts = stand.until("a hunt after SIGHUP", lambda: len(stand.hunts()) == 2 and stand.hunts())
        hunt = stand.ended(hunts[0]["id"])
        check_equal({row["rule_id"]: row["hits"] for row in hunt["by_rule"]}, {NEWER: 1}, "hits after SIGHUP")
        stand.service.quiet()


def without_id():
    """a rule that nobody gave an id has one that stays: it is hunted, counted, switched off, and opens incidents"""
    with Stand() as stand:
        stand.failures("early", 4)
        stand.service.wait_for("early", 4)
        before = len(stand.hunts())
        text = re.sub("id: .*\n", "", rule("Nameless", LOUD, "message|contains: 'Failed password for ann'"))
        stand.write("nameless.yml", text)
        stand.service.process.send_signal(signal.SIGHUP)
        stand.until("its hunt", lambda: len(stand.hunts()) > before)
        hunt = stand.ended(stand.hunts()[0]["id"])
        check_equal((hunt["hits"], [row["title"] for row in hunt["by_rule"]]), (4, ["Nameless"]), "what it found")
        ident = hunt["by_rule"][0]["rule_id"]
        check(re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", ident), ident)
        stand.failures("late", 1)
        hits = lambda: stand.web.ask("rule.get", id=ident)["rule"]["hits"]  # noqa: E731
        stand.until("it is counted", lambda: hits() == 1)
        incidents = [row["rule_id"] for row in stand.web.ask("incident.list", state="all", limit=200)["incidents"]]
        check(ident in incidents, incidents)
        stand.decide(ident, "off")
        stand.write("nameless.yml", text.replace("level: high", "level: critical"))
        stand.service.process.send_signal(signal.SIGHUP)
        stand.until("it is changed", lambda: stand.web.ask("rule.get", id=ident)["rule"]["own_level"] == "critical")
        check_equal(stand.web.ask("rule.get", id=ident)["rule"]["state"], "off", "a decision outlives a change")


def killed():
    """kill -9 of the hunter and of the desk in the middle: the hunt begins anew, nothing is counted twice; three deaths
    of the hunter end it, and the next one works"""
    with Stand() as stand:
        stand.decide(SLOW, "off")
        matches = stand.filler()  # fewer than are kept
        stand.service.wait_for(f'"request {FILLER - 1}"', 1)
        for victim in ("hunter", "desk"):
            os.kill(stand.hunter(), signal.SIGSTOP)
            number = stand.order(SLOW)
            stand.half_way(number)
            hunter = stand.hunter()
            for pid in stand.service.pids(victim):
                os.kill(pid, signal.SIGKILL)
            if victim == "desk":
                os.kill(hunter, signal.SIGCONT)
                stand.answered()
            hunt = stand.ended(number, wait=120)
            check_equal((hunt["hits"], hunt["by_rule"][0]["hits"]), (matches, matches), f"hits after a death: {victim}")
            records = stand.found(number)
            check_equal((len(records), len(set(records))), (matches, matches), "hits kept, each once")
        os.kill(stand.hunter(), signal.SIGSTOP)
        number = stand.order(SLOW)
        desk, = stand.service.pids("desk")
        for _ in range(3):
            pid = stand.hunter()
            stand.half_way(number)
            os.kill(desk, signal.SIGSTOP)  # the next hunter gets its order when it stands still
            os.kill(pid, signal.SIGKILL)
            stand.until("another hunter", lambda before=pid: stand.service.pids("hunter") not in ([], [before]))
            os.kill(stand.hunter(), signal.SIGSTOP)
            os.kill(desk, signal.SIGCONT)
        os.kill(stand.hunter(), signal.SIGCONT)
        hunt = stand.ended(number, "failed")
        check_equal(hunt["trouble"], "died", "why it failed")
        check_equal(stand.ended(stand.order(SLOW), wait=120)["hits"], matches, "hits of the next one")


def stopped():
    """a person stops a hunt that runs and one that waits; the next one's turn comes; records are told"""
    with Stand() as stand:
        stand.decide(SLOW, "off")
        matches = stand.filler()  # fewer than are kept
        stand.service.wait_for(f'"request {FILLER - 1}"', 1)
        os.kill(stand.hunter(), signal.SIGSTOP)
        first, second, third = (stand.order(SLOW) for _ in range(3))
        stand.half_way(first)
        states = [stand.hunt(number)["state"] for number in (first, second, third)]
        check_equal(states, ["running", "waiting", "waiting"], "states")
        for number in (second, first):
            check_equal(stand.web.change("hunt.stop", id=number)["ok"], True, "a stop")
        os.kill(stand.hunter(), signal.SIGCONT)
        hunt = stand.hunt(first)
        check_equal((hunt["state"], hunt["stopper"]), ("stopped", "admin"), "the first")
        check(hunt["permille"] < 1000 and hunt["hits"] <= matches, hunt)
        check_equal(stand.ended(third, wait=120)["hits"], matches, "hits of the third")
        check_equal((stand.hunt(first), stand.hunt(second)["state"]), (hunt, "stopped"), "what was stopped")
        stand.until("records", lambda: len(stand.told("stopped")) == 2 and stand.told("finished"))
        check_equal([body["who"] for body in stand.told("stopped")], ["admin", "admin"], "who stopped")
        stand.service.quiet()


def encrypted():
    """with encryption on it reads log and segments all the same"""
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o711)
        data, ring = os.path.join(base, "data"), os.path.join(base, "master.key")
        os.mkdir(data)
        subprocess.run([QORGAN, "key", "new", ring], check=True, capture_output=True)
        with open(os.path.join(data, "qorgan.conf"), "w", encoding="ascii") as conf:
            conf.write(f"encryption file:{ring}\n")
        with Stand(data) as stand:
            stand.decide(LOUD, "off")
            stand.failures("web1", 9)
            stand.service.wait_for('"Failed password"', 9)
            stand.decide(LOUD, "active")
            number = stand.until("a hunt", stand.hunts)[0]["id"]
            check_equal(stand.ended(number)["hits"], 9, "hits")
            stand.service.quiet()


if __name__ == "__main__":
    raise SystemExit(main([switched_on, pages, loads, without_id, killed, stopped, encrypted]))
