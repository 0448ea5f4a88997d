#!/usr/bin/env python3
"""parser_use.py - patterns that people wrote are put into use, taken back and taken out on the page: no process is
started anew, no record is lost or parsed twice, a restart keeps them, what would not load is refused, and who could not
take them is said. Prints TAP."""
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from coverage import Stand, ssh  # noqa: E402
from parse import door, rate_of, site_write  # noqa: E402
from service import check, check_equal, main  # noqa: E402

DOOR = {"name": "door", "program": "zzyzx", "pattern": "door {n:num} opened by {account+}", "kind": "object_open",
        "outcome": "success", "reason": "our own doors"}
PARSERS = ("engine", "query", "hunter", "collector", "intake", "keeper", "desk")


def keep(stand, **other):
    saved = stand.web.change("parser.save", **{**DOOR, **other})
    check(saved["ok"], saved)
    return saved["version"]


def use(stand, name="door", **other):
    return stand.web.change("parser.use", name=name, reason="it was tried", **other)


def rate(stand, name):
    return rate_of(stand, name) or {"records": 0, "parsed": 0, "outcomes": {}, "parsers": []}


def own(stand, name):
    """How many records of a source patterns of ours took."""
    return sum(p["records"] for p in rate(stand, name)["parsers"] if p["parser"] == "desk")


def post(stand, place, **fields):
    """A form of the page of patterns."""
    body = urllib.parse.urlencode({"csrf": stand.web.csrf, **fields})
    return stand.web.request("POST", f"/parsers/patterns/{place}", body,
                             {"Content-Type": "application/x-www-form-urlencoded"})


def act(stand, what, **fields):
    """Where the act on the pattern "door" leads."""
    _, headers, _ = post(stand, f"door/{what}", **fields)
    return headers.get("Location")


def processes(stand):
    return {role: sorted(stand.service.pids(role)) for role in PARSERS}


def draft(stand, name="door"):
    rows = [row for row in stand.web.ask("parser.drafts")["drafts"] if row["name"] == name]
    return rows[0] if rows else None


def until_taken(stand, name, number=1):
    """Writes a line a turn until one of them is parsed by a pattern of ours; how many were written."""
    before, written = own(stand, name), 0
    while own(stand, name) < before + number:
        stand.write(name, door(900000 + written, "late"))
        written += 1
        check(written < 120, f"nothing of {name} was taken: {rate(stand, name)}")
        time.sleep(0.5)
    return written


class Writer(threading.Thread):
    """Lines of two sources, until it is told to end."""

    def __init__(self, stand):
        super().__init__()
        self.stand, self.count, self.over = stand, 0, threading.Event()

    def run(self):
        while not self.over.is_set():
            self.stand.write("a.log", door(self.count, "ann"))
            self.stand.write("b.log", door(self.count, "bob", "web2"))
            self.count += 1
            time.sleep(0.005)

    def end(self):
        self.over.set()
        self.join()
        return self.count


def died(stand):
    """Engines that take the places of dead ones parse nothing without the patterns; so does query."""
    time.sleep(6)  # what was counted is told
    unparsed = rate(stand, "b.log")["outcomes"]["header"]
    records = rate(stand, "b.log")["records"]
    for role in ("engine", "query"):
        for pid in stand.service.pids(role):
            os.kill(pid, signal.SIGKILL)
        for number in range(50):
            stand.write("b.log", door(number, "survivor", "web2"))
        records += 50
        stand.until("all", lambda: rate(stand, "b.log")["records"] >= records)
    check_equal(rate(stand, "b.log")["outcomes"]["header"], unparsed, "those that no pattern took")
    line = stand.until("query", lambda: stand.web.ask("parse.lines", text=door(5, "eve")).get("lines"))[0]
    check_equal((line["grasp"], line.get("family")), ("pattern", "desk"), "query has it again")


def put_into_use():
    """while records come: later ones are parsed, earlier ones stay as they are, each is there once, no process is
    another; after a restart too; taken out they are not parsed any more"""
    with Stand(log_file_mib=1) as stand:
        stand.write("a.log", door(1000000, "first"))
        stand.until("it", lambda: rate(stand, "a.log")["records"] == 1)
        check_equal(rate(stand, "a.log")["parsed"], 0, "nothing takes it")
        stand.write("c.log", ssh(20000))
        stand.until("a segment with it", lambda: stand.web.ask("archive")["segments"] > 0)
        check_equal(keep(stand), 1, "version")
        check(not use(stand, "gate")["ok"] and not use(stand, version=2)["ok"], "what is not there")
        check(not stand.web.change("parser.use", name="door", reason="")["ok"], "without a reason")
        before = processes(stand)
        writer = Writer(stand)
        writer.start()
        time.sleep(3)
        done = use(stand)
        check_equal((done["ok"], done.get("version")), (True, 1), str(done))
        stand.until("both", lambda: own(stand, "a.log") > 20 and own(stand, "b.log") > 20)
        count = writer.end()
        for name in ("a.log", "b.log"):
            more = 1 if name == "a.log" else 0
            stand.until("all", lambda name=name, more=more: rate(stand, name)["records"] >= count + more)
        time.sleep(6)
        for name, more in (("a.log", 1), ("b.log", 0)):
            check_equal(rate(stand, name)["records"], count + more, f"{name}: each once")
            check(0 < rate(stand, name)["outcomes"]["header"] < count, f"{name}: {rate(stand, name)}")
        check_equal(len(stand.service.sent("zzyzx door")), 2 * count + 1, "all are in the archive")
        check_equal(processes(stand), before, "no process is another")

        told = stand.until("the record", lambda: stand.told("parser.used"))
        check_equal([(t["name"], t["version"], t["who"], t["detail"], t["pattern"]) for t in told],
                    [("door", 1, "admin", "it was tried", DOOR["pattern"])], "of it")
        check_equal([t["loaded"] for t in stand.until("the engine's", lambda: stand.told("patterns"))], [1], "loaded")
        row = draft(stand)
        check_equal((row["used_version"], row["used_by"], row["before_version"], row["stands"]), (1, "admin", 0, True),
                    str(row))
        first = stand.web.search(query="first", limit=10)["events"]
        check(first and "account" not in first[-1]["statutory"], f"what was parsed stays so: {first}")
        found = stand.web.search(query="account:bob kind:object_open", limit=10)["events"]
        check(found and found[0]["fields"]["n"], "later ones have the pattern's fields")
        pasted = stand.web.ask("parse.lines", text=door(5, "eve"))["lines"]
        check_equal((pasted[0]["grasp"], pasted[0]["family"]), ("pattern", "desk"), "query has it as well")

        stand.service.stop()
        stand.write("a.log", door(2000000, "restarted"))  # the first that comes is parsed
        stand.service.start()
        stand.web.__init__(stand.service)
        stand.until("it", lambda: stand.web.search(query="account:restarted", limit=10)["events"])
        check_equal(draft(stand)["used_version"], 1, "it is in use")
        died(stand)

        before = processes(stand)
        check(stand.web.change("parser.end", name="door", reason="away")["error"] == "state_refuses", "it is in use")
        check(stand.web.change("parser.stop", name="door", reason="no more doors")["ok"], "taken out")
        check(not stand.web.change("parser.stop", name="door", reason="no more doors")["ok"], "once")
        stand.until("the second", lambda: len(stand.told("patterns")) >= 2)
        stand.write("a.log", door(3000000, "stopped"))
        found = stand.until("it", lambda: stand.service.sent("3000000 stopped"))
        check("account" not in found[0]["statutory"], str(found))
        check_equal(len(stand.told("parser.stopped")), 1, "its record")
        check_equal(processes(stand), before, "no process is another")
        check(stand.web.change("parser.end", name="door", reason="away")["ok"], "now it ends")
        check_equal(stand.service.audit()[0], 0, "the archive is whole")
        errors = [line for line in stand.service.read_log().splitlines() if " error " in line]
        check(all("signal 9" in line for line in errors), errors)


RULE = ("title: The second gate\nlogsource:\n    product: linux\ndetection:\n    s:\n        zzyzx_gate: 77\n"
        "    condition: s\nlevel: high\n")


def rules_and_hunts():
    """a rule that waits for a field no pattern gave matches as soon as one does; a hunt finds it in what came before"""
    with Stand() as stand:
        rule = stand.web.change("rule.write", text=RULE, reason="our own gates")["id"]
        stand.until("it", lambda: stand.web.ask("rule.get", id=rule)["ok"])
        check(stand.web.change("rule.save", id=rule, state="active", reason="our own gates")["ok"], "it runs")
        stand.write("a.log", door(77, "early") + ssh(3))
        stand.until("all", lambda: rate(stand, "a.log")["records"] == 4)
        keep(stand, pattern="door {zzyzx_gate:num} opened by {account+}", set="@service=sshd")
        check(use(stand)["ok"], "in use")
        until_taken(stand, "a.log")
        stand.write("a.log", door(77, "later"))
        found = stand.until("a match", lambda: [i for i in stand.web.ask("incident.list", limit=50)["incidents"]
                                                if i["rule_id"] == rule])
        check_equal((found[0]["matches"], stand.web.ask("incident.get", id=found[0]["id"])["incident"]["account"]),
                    (1, "later"), "what came behind")
        order = stand.web.change("hunt.start", rule=rule)
        check(order["ok"], order)
        stand.until("its end", lambda: stand.web.ask("hunt.get", id=order["id"])["hunt"]["state"] == "done")
        hits = stand.web.ask("hunt.get", id=order["id"])["hunt"]["found"]
        check_equal(sorted(hit["account"] for hit in hits), ["early", "later"], f"hits {hits}")
        stand.service.quiet()


def versions():
    """a draft that is changed is not in use before it is put there; what stood before can be had again"""
    with Stand() as stand:
        keep(stand)
        check(use(stand)["ok"], "the first")
        until_taken(stand, "a.log")
        check_equal(keep(stand, pattern="door {n:num} opened by {user+}"), 2, "version")
        row = draft(stand)
        check_equal((row["version"], row["used_version"]), (2, 1), "it is only kept")
        check(use(stand)["ok"], "the second")
        row = draft(stand)
        check_equal((row["used_version"], row["before_version"]), (2, 1), "and what was before")
        place = act(stand, "use", version="1", reason="the field was better")
        check_equal(place, "/parsers/patterns?saved=1", "back, on the page")
        check_equal((draft(stand)["used_version"], draft(stand)["version"]), (1, 2), "the draft stays")
        told = stand.until("three", lambda: len(stand.told("parser.used")) == 3 and stand.told("parser.used"))
        check_equal(sorted((t["version"], t.get("was_version", 0)) for t in told), [(1, 0), (1, 2), (2, 1)], "steps")
        until_taken(stand, "a.log")
        stand.until("its field", lambda: stand.web.search(query="account:late", limit=10)["events"])
        seen = stand.web.ask("parser.versions", name="door")
        check_equal([(v["version"], v["pattern"]) for v in seen["versions"]],
                    [(2, "door {n:num} opened by {user+}"), (1, DOOR["pattern"])], "versions")
        check_equal([(u["version"], u["ended_ns"] == 0) for u in seen["uses"]], [(1, True), (2, False), (1, False)],
                    "uses")
        stand.until("its record", lambda: stand.web.ask("parser.versions", name="door")["uses"][0]["record"] > 0)
        _, _, page = stand.web.request("GET", "/parsers/patterns/door")
        for part in ("{user+}", "{account+}", "the field was better"):
            check(part in page, f"{part}: {page[-3000:]}")
        check(stand.web.change("parser.end", name="door", reason="not this one")["ok"], "the draft alone ends")
        check_equal((draft(stand)["version"], draft(stand)["stands"]), (1, False), "what is in use is listed")
        _, _, page = stand.web.request("GET", "/parsers/patterns")
        check('action="/parsers/patterns/door/stop"' in page, page[-3000:])
        place = act(stand, "stop", reason="no more doors")
        check_equal((place, draft(stand)), ("/parsers/patterns?saved=1", None), "out, on the page")
        stand.service.quiet()


def what_is_refused():
    """what would not load beside the others is refused with the cell and why, and nothing changes"""
    with Stand() as stand:
        keep(stand)
        check(use(stand)["ok"], "the first")
        for name, other, field, why in (
                ("same", {"pattern": "door {x:num} opened by {y}"}, "pattern", "fit the same texts"),
                ("ships", {"program": "sshd", "pattern": "Invalid user {a+} from {b:word}"}, "pattern", "fit the same"),
                ("more", {"pattern": "door {n:num} opened by {account+} at {host:num}", "set": "x<-n"}, None, None)):
            keep(stand, name=name, **other)
            done = use(stand, name)
            check_equal((done["ok"], done.get("field")), (field is None, field), f"{name}: {done}")
            check(why is None or why in done["text"], done)
        check_equal([(r["name"], r["used_version"]) for r in stand.web.ask("parser.drafts")["drafts"]],
                    [("door", 1), ("more", 1), ("same", 0), ("ships", 0)], "in use")
        check(use(stand)["error"] == "state_refuses", "what is in use already")
        status, _, page = post(stand, "same/use", version="1", reason="on the page")
        check(status == 422 and "fit the same texts" in page and 'value="on the page"' in page, page[-3000:])
        until_taken(stand, "a.log")
        check_equal(len(stand.until("two", lambda: len(stand.told("parser.used")) == 2 and stand.told("parser.used"))),
                    2, "records")
        stand.service.quiet()


def not_taken():
    """tables of the site that came later and fit the same texts: the processes go on without that one of ours, which is
    a record and an incident, and with the others; once ours is taken out it is over"""
    with tempfile.TemporaryDirectory(prefix="qorgan-parsers-") as folder:
        os.chmod(folder, 0o755)
        with Stand(parsers=folder) as stand:
            keep(stand)
            keep(stand, name="lamp", pattern="lamp {n:num} lit by {account+}")
            check(use(stand)["ok"] and use(stand, "lamp")["ok"], "in use")
            until_taken(stand, "a.log")
            site_write(folder, "id\tprogram\tpattern\tkind\toutcome\tset\n"
                               "gate\tzzyzx\tdoor {x:num} opened by {who+}\t\t\t\n")
            os.kill(stand.service.process.pid, signal.SIGHUP)
            behind = stand.until("that it is said", lambda: stand.web.ask("parser.drafts")["patterns_behind"])
            stand.until("all", lambda: len(stand.web.ask("parser.drafts")["patterns_behind"]) == 3)
            check("fit the same texts" in behind[0]["reason"], behind)
            check(stand.until("records", lambda: stand.told("parsers.not_taken")), "records")
            stand.until("an incident", lambda: [i for i in stand.web.ask("incident.list", limit=50)["incidents"]
                                                if i["rule_id"] == "qorgan-patterns-not-taken"])
            _, _, page = stand.web.request("GET", "/parsers/patterns")
            check('id="patterns-behind"' in page, page[-3000:])
            check("(door)" in behind[0]["reason"], behind)
            before, ours = rate(stand, "a.log")["parsed"], own(stand, "a.log")
            stand.write("a.log", door(1, "by the site").replace("door 1 opened", "lamp 1 lit") + door(1, "x") + ssh(2))
            stand.until("parsed", lambda: rate(stand, "a.log")["parsed"] >= before + 4)
            check_equal(own(stand, "a.log"), ours + 1, "the one that is not in the way goes on")
            check(stand.web.change("parser.stop", name="door", reason="the site has it")["ok"], "taken out")
            stand.until("the end", lambda: not stand.web.ask("parser.drafts")["patterns_behind"])
            stand.until("its records", lambda: len(stand.told("parsers.taken")) == 3)


if __name__ == "__main__":
    sys.exit(main([], beside=[put_into_use, rules_and_hunts, versions, what_is_refused, not_taken]))
