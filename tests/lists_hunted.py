#!/usr/bin/env python3
"""Lists of indicators that come or grow are hunted over the archive by the running service, without a command: what is
new in them alone, also over a restart and a kill in the middle; how far apart; who could not read them."""
import html
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

from service import ROOT, Service, Skip, check, check_equal, main
from web_api import Web
from indicators import ADDRESS_RULE, Lists, line

OLD, NEWER, ENDED, LATER = "203.0.113.66", "203.0.113.67", "203.0.113.68", "203.0.113.69"
FILLER = 300000
NOT_READ = {"/rules": ("Индикаторлар тізімдерінің бәрі оқылмады", "Списки индикаторов прочитаны не все",
                       "Not all lists of indicators could be read"),
            "/indicators": ("Индикаторлар тізімдерінің бәрі оқылмады", "Списки индикаторов прочитаны не все",
                            "Not all lists of indicators could be read"),
            "/archive": ("Индикаторлар тізімдерінің бәрі қолданыста емес", "Действуют не все списки индикаторов",
                         "Not all lists of indicators are in use")}


class Stand:
    """The service with a folder of lists; `minutes` between two hunts for them."""

    def __init__(self, lists, minutes=0, **settings):
        self.lists = lists
        self.service = Service(indicators=lists.path, indicator_hunt_minutes=minutes, **settings)
        self.web = None

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__(*_)

    def restart(self):
        check_equal(self.service.stop(), 0, "exit status")
        self.service.start()
        self.web = Web(self.service)

    def put(self, name, content):
        """As one does: written beside, then renamed over the one of before."""
        path = self.lists.file(f"{name}.part", content)
        os.rename(path, os.path.join(self.lists.path, name))

    def send(self, *addresses):
        before = len(self.service.search("Accepted"))
        self.service.tcp("".join(line(address) for address in addresses).encode())
        self.service.wait_for("Accepted", before + len(addresses))

    def until(self, text, wanted, wait=60):
        deadline = time.time() + wait
        while not (got := wanted()):
            if time.time() > deadline:
                raise AssertionError(f"{text}: it did not come")
            time.sleep(0.1)
        return got

    def hunts(self):
        """Those for lists, the newest first."""
        return [hunt for hunt in self.web.ask("hunt.list", limit=200)["hunts"] if hunt["lists"]]

    def hunt(self, number):
        return self.web.ask("hunt.get", id=number, limit=200)["hunt"]

    def ended(self, count, state="done", wait=60):
        """The newest hunt, once there are so many and it is over."""
        def over():
            hunts = self.hunts()
            return len(hunts) == count and hunts[0]["state"] not in ("waiting", "running") and hunts
        hunt = self.hunt(self.until(f"hunt {count}", over, wait)[0]["id"])
        check_equal(hunt["state"], state, f"state of {hunt}")
        return hunt

    def page(self):
        return self.web.ask("indicator.list")

    def read(self):
        """The lists as they were read last, by name."""
        return {row["list"]: row for row in self.page()["lists"]}

    def records(self, event, act=None):
        rows = self.web.search(query=f'type:lifecycle "{event}"', limit=100)["events"]
        bodies = [json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle"]
        return [body for body in bodies if body["event"] == event and act in (None, body.get("act"))]

    def incidents(self):
        return self.web.ask("incident.list", state="all", limit=200)["incidents"]

    def hunter(self):
        return self.until("a hunter", lambda: self.service.pids("hunter"))[0]


def told(hunt):
    return [(hit["address"], hit["rule_id"]) for hit in hunt["found"]]


def shown(stand, path, texts):
    status, _, page = stand.web.request("GET", path)
    check_equal(status, 200, path)
    return any(text in html.unescape(page) for text in texts)


def grown():
    """records first, the list afterwards, no signal: it is hunted; its next version only for what is new; a list that
    was only touched is not; what has expired is not; a broken line is told; a restart changes nothing"""
    with Lists() as lists, Stand(lists, log_rotate_s=10) as stand:
        stand.send(OLD, NEWER, ENDED, "192.0.2.1")
        check_equal(stand.hunts(), [], "hunts without a list")
        # of what is still in the log engines that begin anew read the end once more, and what they find is live
        stand.until("a segment", lambda: stand.web.ask("archive")["segments"])
        stand.put("feed.csv", f"value,note,expires\n{OLD},C2,\n")
        hunt = stand.ended(1)
        check_equal((hunt["sought"], hunt["hits"], hunt["lists"], hunt["automatic"]), (1, 1, "new", True), "the hunt")
        check_equal(told(hunt), [(OLD, ADDRESS_RULE)], "what it found")
        check(f"indicator.value={OLD} indicator.list=feed.csv indicator.note=C2" in hunt["found"][0]["text"], hunt)
        record = hunt["found"][0]["record"]
        check(OLD in next(hit["raw"] for hit in stand.service.search("Accepted") if hit["record"] == record), hunt)
        check_equal(hunt["made_ns"] - hunt["from_ns"], 62 * 86400 * 10 ** 9, "how far it goes back")
        check_equal([row["rule_id"] for row in stand.incidents() if row["rule_id"] == ADDRESS_RULE], [], "incidents")
        stand.until("its records", lambda: stand.records("rule.hunt", "finished"))
        finished, = stand.records("rule.hunt", "finished")
        check_equal((finished["lists"], finished["indicators"], finished["hits"], finished["refused"], finished["who"]),
                    (["feed.csv"], 1, 1, 0, "qorgan"), "what the archive is told")
        check_equal(len(stand.records("rule.hunt", "started")), 1, "records of beginnings")

        stand.put("feed.csv", f"value,note,expires\n{OLD},C2,\n{ENDED},gone,2020-01-01\nx y,,\n{NEWER},,2999-01-01\n")
        hunt = stand.ended(2)
        check_equal((hunt["sought"], hunt["hits"], told(hunt)), (1, 1, [(NEWER, ADDRESS_RULE)]), "the second version")
        row = stand.read()["feed.csv"]
        check_equal([row[key] for key in ("entries", "new", "expired", "refused", "line", "reason", "value")],
                    [3, 1, 1, 1, 4, "of no known kind", "x y"], "the list as it was read")
        stand.until("its record", lambda: len(stand.records("rule.hunt", "finished")) == 2)
        check_equal([body["refused"] for body in stand.records("rule.hunt", "finished")].count(1), 1, "told of it")
        for path, text in (("/indicators", "of no known kind"), ("/indicators", "feed.csv"),
                           (f"/hunts/{hunt['id']}", NEWER), ("/hunts", f"/hunts/{hunt['id']}")):
            check(shown(stand, path, (text,)), f"{path} does not show {text}")

        read_ns = stand.page()["read_ns"]
        os.utime(os.path.join(lists.path, "feed.csv"))
        stand.until("it is read again", lambda: stand.page()["read_ns"] > read_ns)
        stand.until("nothing waits", lambda: stand.web.ask("hunt.list")["open"] == 0)
        check_equal(len(stand.hunts()), 2, "hunts of a list that was only touched")

        stand.restart()
        time.sleep(2)
        check_equal((len(stand.hunts()), stand.web.ask("hunt.list")["open"]), (2, 0), "hunts after a restart")
        stand.put("more.csv", "192.0.2.0/28\n")
        hunt = stand.ended(3)
        check_equal((hunt["sought"], told(hunt)), (1, [("192.0.2.1", ADDRESS_RULE)]), "another list")
        stand.service.quiet()


def whole():
    """a person hunts all lists from the page; a rule about indicators that is switched on is hunted with all of them"""
    with Lists() as lists:
        lists.file("a.csv", f"{OLD}\n{NEWER}\n")
        with Stand(lists) as stand:
            stand.until("the first one", lambda: stand.hunts() and stand.hunts()[0]["state"] == "done")
            first = len(stand.hunts())
            stand.send(OLD, NEWER)
            status, headers, text = stand.web.request("POST", "/indicators", f"csrf={stand.web.csrf}&from=&to=",
                                                      {"Content-Type": "application/x-www-form-urlencoded"})
            check_equal(status, 303, text[:500])
            hunt = stand.ended(first + 1)
            check_equal(headers["Location"], f"/hunts/{hunt['id']}", "where it leads")
            check_equal((hunt["lists"], hunt["who"], hunt["sought"], hunt["hits"]), ("all", "admin", 2, 2), "a hunt")
            for state in ("off", "active"):
                fields = {"state": state, "level": "", "reason": "as the test says"}
                stand.web.form(f"/rules/{ADDRESS_RULE}", **fields)
            automatic = lambda: [row for row in stand.web.ask("hunt.list")["hunts"] if not row["lists"]]  # noqa: E731
            row = stand.until("the rule's hunt", lambda: automatic() and automatic()[0]["state"] == "done" and
                              automatic()[0])
            check_equal((row["rule_id"], row["hits"], row["sought"]), (ADDRESS_RULE, 2, 2), "hunt of a rule")
            stand.service.quiet()


def apart():
    """a feed that changes again and again: one hunt waits, until the distance is over, and says so"""
    with Lists() as lists, Stand(lists, minutes=30) as stand:
        stand.send(OLD, NEWER, LATER)
        stand.put("feed.csv", f"{OLD}\n")
        stand.ended(1)
        for count, text in ((2, f"{OLD}\n{NEWER}\n"), (3, f"{OLD}\n{NEWER}\n{LATER}\n")):
            stand.put("feed.csv", text)
            stand.until("an engine with it", lambda: f"indicators: {count} in 1 lists" in stand.service.read_log())
            stand.until("one waits", lambda: len(stand.hunts()) == 2)
        time.sleep(2)  # the desk is told of the second one
        waiting = stand.hunts()[0]
        check_equal((waiting["state"], len(stand.hunts())), ("waiting", 2), "what waits")
        check_equal(waiting["due_ns"], stand.hunts()[1]["ended_ns"] + 30 * 60 * 10 ** 9, "until when")
        check_equal(stand.page()["due_ns"], waiting["due_ns"], "what the page says")
        check(shown(stand, f"/hunts/{waiting['id']}", ("It begins at the earliest", "Начнётся не раньше чем",
                                                       "мына уақыттан бұрын басталмайды")), "a hunt that waits")
        check_equal(stand.web.change("hunt.stop", id=waiting["id"])["ok"], True, "a stop")
        stand.restart()
        time.sleep(2)
        check_equal(stand.web.ask("hunt.list")["open"], 0, "what was stopped waits no more")


def in_the_middle():
    """kill -9 of the hunter, then a stop of the service, while it looks: it begins anew and counts nothing twice"""
    rule = os.path.join(ROOT, "data", "rules", "indicator", "address_listed.yml")  # alone: it is compiled in no time
    with Lists() as lists, Stand(lists, rules=rule) as stand:
        path = os.path.join(lists.path, "filler.log")
        stamp = time.strftime("%b %e %H:%M:%S")
        with open(path, "w", encoding="ascii") as out:
            for n in range(FILLER):
                peer = OLD if n % 1000 == 7 else "192.0.2.1"
                out.write(f"<86>{stamp} web{n % 5} app[{n % 3000}]: request {n} of {peer} took {n % 977} ms\n")
        stand.service.run("ingest", path)
        os.unlink(path)
        stand.service.wait_for(f'"request {FILLER - 1}"', 1)
        os.kill(stand.hunter(), signal.SIGSTOP)
        stand.put("feed.csv", f"{OLD}\n")
        number = stand.until("its turn", lambda: stand.hunts() and stand.hunts()[0]["state"] == "running" and
                             stand.hunts())[0]["id"]
        half_way(stand, number)
        desk, = stand.service.pids("desk")
        os.kill(desk, signal.SIGSTOP)  # the next hunter gets its order when it stands still
        before = stand.hunter()
        os.kill(before, signal.SIGKILL)
        stand.until("another hunter", lambda: set(stand.service.pids("hunter")) - {before} and
                    before not in stand.service.pids("hunter"))  # the dead one is seen for a moment
        os.kill(stand.hunter(), signal.SIGSTOP)
        os.kill(desk, signal.SIGCONT)
        half_way(stand, number)
        stand.service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        os.kill(stand.service.pids("hunter")[0], signal.SIGCONT)  # it is told to stop before it goes on
        stand.restart()
        hunt = stand.ended(1, wait=120)
        check_equal((hunt["id"], hunt["hits"], hunt["sought"]), (number, FILLER // 1000, 1), "hits")
        records = [hit["record"] for hit in hunt["found"]]
        check_equal(len(set(records)), len(records), "hits, each once")
        stand.until("its record", lambda: stand.records("rule.hunt", "finished"))
        check_equal((len(stand.records("rule.hunt", "started")), len(stand.records("rule.hunt", "finished"))), (1, 1),
                    "records")


def half_way(stand, number):
    """The hunter has worked for 40 ms of processor time, a fraction of what it takes, and stands still."""
    pid = stand.hunter()

    def worked_ns():
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0])

    begin = worked_ns()
    while worked_ns() - begin < 40_000_000:
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
        os.kill(pid, signal.SIGSTOP)
    hunt = stand.hunt(number)
    check_equal((hunt["state"], hunt["sought"]), ("running", 1), f"half way: {hunt}")


def not_read():
    """a list and a folder that cannot be read: engines, query and hunter say so, on three pages, in the archive, as an
    incident; what could be read is used; once it can be read it is over"""
    with Lists() as lists:
        os.mkdir(os.path.join(lists.path, "broken.csv"))
        lists.file("good.csv", f"{OLD}\n")
        with Stand(lists) as stand:
            stand.send(NEWER)
            behind = lambda: {row["process"]: row["reason"] for row in stand.page()["lists_behind"]}  # noqa: E731
            stand.until("all three", lambda: set(behind()) == {"engine 0", "query", "hunter"})
            check_equal(set(behind().values()), {'list "broken.csv": it is not a file'}, "why")
            for path, texts in NOT_READ.items():
                check(shown(stand, path, texts), f"{path} does not say so")
            stand.until("records", lambda: len(stand.records("indicators.not_taken")) == 3)
            stand.until("an incident", lambda: [row for row in stand.incidents()
                                                if row["rule_id"] == "qorgan-lists-not-taken"])
            check_equal(stand.read()["broken.csv"]["reason"], "it is not a file", "the list's own row")
            check_equal(stand.read()["good.csv"]["new"], 1, "what could be read")
            os.rmdir(os.path.join(lists.path, "broken.csv"))
            stand.put("broken.csv", f"{NEWER}\n")
            stand.until("it is over", lambda: not behind())
            hunt = stand.ended(2)
            check_equal(told(hunt), [(NEWER, ADDRESS_RULE)], "what it finds once it can be read")
            stand.until("records", lambda: len(stand.records("indicators.taken")) == 3)
            for path, texts in NOT_READ.items():
                check(not shown(stand, path, texts), f"{path} says it still")

            moved = lists.path + ".moved"
            os.rename(lists.path, moved)
            try:
                stand.until("the folder is missed", lambda: "engine 0" in behind())
                check("could not open" in behind()["engine 0"], behind())
            finally:
                shutil.copytree(moved, lists.path)  # another folder under the same name
                shutil.rmtree(moved)
            stand.put("third.csv", "192.0.2.0/28\n")
            stand.send("192.0.2.1")
            stand.until("it is over", lambda: not behind())
            hunt = stand.ended(3)
            check_equal((hunt["sought"], told(hunt)), (1, [("192.0.2.1", ADDRESS_RULE)]), "what was there is not new")


def rules_not_taken():
    """query and hunter that cannot read the rules say so; once they can it is over"""
    if not shutil.which("prlimit"):
        raise Skip("prlimit is not there")
    with Lists() as lists, Stand(lists) as stand:
        stand.send(OLD)
        record = stand.web.search(query="Accepted")["events"][0]["record"]  # query has opened the archive
        behind = lambda: [row["process"] for row in stand.web.ask("rule.report")["behind"]]  # noqa: E731
        pids = {role: stand.service.pids(role)[0] for role in ("query", "hunter")}
        for pid in pids.values():
            limit(pid, True)
        stand.web.ask("explain", rule=ADDRESS_RULE, record=record)
        stand.until("query says so", lambda: behind() == ["query"])
        stand.put("feed.csv", f"{OLD}\n")
        stand.until("a hunt fails", lambda: stand.hunts() and stand.hunts()[0]["state"] == "failed")
        check(shown(stand, "/rules", ("Новые правила не приняты", "The new rules were not taken",
                                      "Жаңа ережелер іске қосылмады")), "/rules does not say so")
        stand.until("records", lambda: stand.records("rules.not_taken"))
        for role, pid in pids.items():
            if stand.service.pids(role) == [pid]:  # with the list query began anew, without a limit
                limit(pid, False)
        stand.web.ask("explain", rule=ADDRESS_RULE, record=record)
        stand.put("feed.csv", f"{OLD}\n{NEWER}\n")
        hunt = stand.ended(2)
        check_equal((hunt["sought"], told(hunt)), (2, [(OLD, ADDRESS_RULE)]), "what failed is looked for with the next")
        stand.until("it is over", lambda: not behind())


def limit(pid, tight):
    """No more memory than it has, or as much as it began with."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        most = next(row.split()[4] for row in limits if row.startswith("Max address space"))
    if tight:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            most = int(statm.read().split()[0]) * resource.getpagesize() + (1 << 20)
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        ids = {row.split(":")[0]: int(row.split()[1]) for row in status if row.startswith(("Uid", "Gid"))}
    who = {"user": ids["Uid"], "group": ids["Gid"], "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(["prlimit", "--pid", str(pid), f"--as={most}:"], check=True, **who)


if __name__ == "__main__":
    sys.exit(main([grown, whole, apart, in_the_middle, not_read, rules_not_taken]))
