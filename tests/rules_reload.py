#!/usr/bin/env python3
"""Other rule files in a running service: nothing is lost or found twice, windows go on, bad files change nothing."""
import html
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from service import Service, Skip, check, check_equal, main
from web_api import Web

BASE = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0101"
MANY = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0102"


def rule(number, word, level="medium", title=None):
    return (f"title: {title or 'Word ' + word}\nid: 5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d{number:04}\nname: {word}\n"
            f"logsource:\n    product: linux\ndetection:\n    s:\n        message|contains: '{word}'\n"
            f"    condition: s\nlevel: {level}\n")


CORRELATION = (f"title: Many\nid: {MANY}\ncorrelation:\n    type: event_count\n    rules:\n        - base\n"
               "    group-by:\n        - host\n    timespan: 1h\n    condition:\n        gte: 3\nlevel: high\n")


class Stand:
    """The service with two rules of its own, and a hand on their folder."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-rules-reload-")
        os.chmod(self.folder, 0o755)
        self.write("base.yml", rule(101, "base"))
        self.write("many.yml", CORRELATION)
        self.service = Service(rules=self.folder, engines=2, log_file_mib=1)
        self.web = None
        self.number = 0

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__(*_)
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
            out.write(text)

    def send(self, host, text, count=1):
        lines = []
        for _ in range(count):
            self.number += 1
            lines.append(f"<86>{time.strftime('%b %e %H:%M:%S')} {host} app[7]: {text} number {self.number}\n")
        self.service.tcp("".join(lines).encode())

    def reload(self):
        self.service.process.send_signal(signal.SIGHUP)

    def rules(self):
        """Rows by id; a desk that was killed answers again in a moment."""
        deadline = time.time() + 20
        while not (answer := self.web.ask("rule.list")).get("ok"):
            check(time.time() < deadline, f"the desk does not answer: {answer}")
            time.sleep(0.1)
        return {row["id"]: row for row in answer["rules"]}

    def until(self, text, wanted, wait=40):
        deadline = time.time() + wait
        while not (got := wanted()):
            check(time.time() < deadline, f"{text}: it did not come; hits {self.counted()}\n"
                  f"{self.service.read_log()[-2000:]}")
            time.sleep(0.1)
        return got

    def counted(self):
        return {row["title"]: row["hits"] for row in self.rules().values()}

    def at_work(self, count, times):
        """Until both engines said so often that so many rules are at work."""
        self.until(f"{count} rules at work",
                   lambda: self.service.read_log().count(f" {count} rules are at work") >= times)

    def told(self, event):
        rows = self.web.search(query=f'type:lifecycle "{event}"', limit=100)["events"]
        return [body for body in (json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle")
                if body["event"] == event]

    def hits(self, number):
        return self.rules()[f"5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d{number:04}"]["hits"]

    def incidents(self, rule_id):
        rows = self.web.ask("incident.list", state="all", limit=200)["incidents"]
        return [row for row in rows if row["rule_id"] == rule_id]


def nothing_lost():
    """rules come, change and go under load: each event is found once, no process ends, each step is a record"""
    with Stand() as stand:
        pids = {role: stand.service.pids(role) for role in ("engine", "desk", "query")}
        stop = threading.Event()
        sent = []

        def load():
            while not stop.is_set():
                host = f"h{len(sent) % 40}"
                stand.send(host, "the base word", 25)
                sent.append(host)
                time.sleep(0.02)

        worker = threading.Thread(target=load)
        worker.start()
        try:
            for step in range(4):
                stand.write(f"more{step}.yml", rule(200 + step, f"more{step}"))
                stand.reload()
                stand.at_work(3 + step, 2)
            stand.write("more0.yml", rule(200, "other"))
            os.unlink(os.path.join(stand.folder, "more3.yml"))
            stand.reload()
            stand.at_work(5, 4)
        finally:
            stop.set()
            worker.join()
        stand.send("h1", "more1 once")
        stand.send("h1", "other once")
        stand.send("h1", "more0 and more3 are gone")
        count = 25 * len(sent)
        stand.until("all hits", lambda: stand.hits(101) >= count and stand.hits(201) and stand.hits(200))
        check_equal((stand.hits(101), stand.hits(200), stand.hits(201)), (count, 1, 1), "hits counted")
        check(f"5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d{203:04}" not in stand.rules(), "a rule whose file went is listed")
        check_equal({role: stand.service.pids(role) for role in pids}, pids, "processes")
        stand.send("h1", "x" * 1000, 1500)  # what is sealed has its hits beside it
        stand.until("sealed hits", lambda: len(stand.service.sent(f"rule:{BASE}")) >= count)
        check_equal(len(stand.service.sent(f"rule:{BASE}")), count, "hits in the archive")
        check_equal(len(stand.told("rules.changed")), 6, "records of other rules")
        stand.service.quiet()


def windows_go_on():
    """what a correlation counted before other rules came counts on, and fires once; one that changed begins anew"""
    with Stand() as stand:
        stand.send("db1", "the base word", 2)
        stand.until("two hits", lambda: stand.hits(101) == 2)
        stand.write("more.yml", rule(200, "more"))
        stand.reload()
        stand.at_work(3, 2)
        stand.send("db1", "the base word")
        stand.until("an incident", lambda: stand.incidents(MANY))
        stand.send("db2", "the base word", 2)
        stand.until("five hits", lambda: stand.hits(101) == 5)
        stand.write("many.yml", CORRELATION.replace("gte: 3", "gte: 2").replace("title: Many", "title: Two"))
        stand.reload()
        stand.until("the changed rule", lambda: stand.rules()[MANY]["title"] == "Two")
        stand.until("it at work", lambda: stand.service.read_log().count(" 3 rules are at work") >= 4)
        before = stand.rules()[MANY]["hits"]
        check_equal(before, 1, "firings")
        stand.send("db2", "the base word")
        stand.send("db3", "the base word", 2)
        stand.until("it fires", lambda: stand.rules()[MANY]["hits"] > before)
        stand.send("db2", "settled more")
        stand.until("more", lambda: stand.hits(200) == 1)
        check_equal(stand.rules()[MANY]["hits"], 2, "firings: the window of db2 began anew")
        stand.service.quiet()


def bad_files():
    """a file that is no rule is refused and named, the others work; a folder that cannot be read changes nothing"""
    with Stand() as stand:
        stand.write("bad.yml", "title: Half\nlogsource: {product: linux}\ndetection: {s: {a|wrong: b}, condition: s}\n")
        stand.write("more.yml", rule(200, "more"))
        stand.reload()
        stand.at_work(3, 2)
        refused = stand.web.ask("rule.report")["refused"]
        check(len(refused) == 1 and refused[0]["path"].endswith("bad.yml"), refused)
        stand.send("h1", "more of it")
        stand.until("a hit", lambda: stand.hits(200) == 1)
        explained = stand.web.ask("explain", record=int(stand.service.wait_for("more", 1)[0]["record"]), rule="more")
        check(explained["match"], explained)
        aside = stand.folder + ".aside"
        os.rename(stand.folder, aside)
        try:
            stand.reload()
            stand.until("a word of it", lambda: "those of before stay" in stand.service.read_log())
        finally:
            os.rename(aside, stand.folder)
        stand.send("h1", "more of it")
        stand.until("a hit", lambda: stand.hits(200) == 2)
        stand.reload()
        stand.until("it is read", lambda: stand.service.read_log().count("rule files were read anew") == 2)
        check_equal(stand.service.read_log().count(" 3 rules are at work"), 2, "swaps for the same rules")


def trouble():
    """a desk or an engine that dies while rules change: the new ones come all the same, nothing is found twice"""
    with Stand() as stand:
        stand.send("h1", "the base word", 10)
        stand.until("ten hits", lambda: stand.hits(101) == 10)
        for step, role in enumerate(("engine", "desk", "engine")):
            stand.write(f"more{step}.yml", rule(200 + step, f"more{step}"))
            stand.reload()
            for pid in stand.service.pids(role):
                os.kill(pid, signal.SIGKILL)
            stand.until(role, lambda role=role: len(stand.service.pids(role)) == (2 if role == "engine" else 1))
            stand.at_work(3 + step, 2)
            stand.send("h1", f"the base word and more{step}")
            stand.until("its hit", lambda step=step: stand.rules().get(
                f"5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d{200 + step:04}", {}).get("hits") == 1)
        check_equal(stand.hits(101), 13, "hits of the first rule")


PROBLEM = {"/rules": ("Жаңа ережелер іске қосылмады", "Новые правила не приняты", "The new rules were not taken"),
           "/archive": ("Анықтау бұрынғы ережелермен", "Обнаружение работает по прежним",
                        "Detection works with the rules of before")}


def limit(pid, tight):
    """Lowers the memory that a process may have to what it has, or gives it back: as its own user, who may."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        most = int(statm.read().split()[0]) * resource.getpagesize() + (1 << 20) if tight else "unlimited"
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        ids = {row.split(":")[0]: int(row.split()[1]) for row in status if row.startswith(("Uid", "Gid"))}
    who = {"user": ids["Uid"], "group": ids["Gid"], "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(["prlimit", "--pid", str(pid), f"--as={most}:unlimited"], check=True, **who)


def not_taken():
    """an engine that cannot compile the rules goes on with those of before: an incident and a state, until it can"""
    if not shutil.which("prlimit"):
        raise Skip("prlimit is not there")
    with Stand() as stand:
        engines = stand.service.pids("engine")
        stand.at_work(2, 2)
        for pid in engines:
            limit(pid, True)
        stand.write("more.yml", rule(300, "more"))
        stand.reload()
        stand.until("both are behind", lambda: len(stand.web.ask("rule.report")["behind"]) == 2)
        behind = stand.web.ask("rule.report")["behind"]
        check_equal(sorted(row["process"] for row in behind), ["engine 0", "engine 1"], "who is behind")
        check(all("thread" in row["reason"] or "memory" in row["reason"] for row in behind), behind)
        stand.send("h1", "the base word", 3)
        stand.until("the rules of before find", lambda: stand.hits(101) == 3)
        stand.until("an incident", lambda: stand.incidents("qorgan-rules-not-taken"))
        check_equal(len(stand.incidents("qorgan-rules-not-taken")), 1, "incidents")
        for path, texts in PROBLEM.items():
            status, _, page = stand.web.request("GET", path)
            check(status == 200 and any(text in html.unescape(page) for text in texts), f"{path} does not say so")
        stand.until("records", lambda: len(stand.told("rules.not_taken")) == 2)
        for pid in engines:
            limit(pid, False)
        stand.write("more.yml", rule(300, "evenmore"))
        stand.reload()
        stand.until("it is over", lambda: not stand.web.ask("rule.report")["behind"])
        stand.until("records", lambda: len(stand.told("rules.taken")) == 2)
        stand.send("h1", "the evenmore word")
        stand.until("the new rule finds", lambda: stand.hits(300) == 1)
        for path, texts in PROBLEM.items():
            page = html.unescape(stand.web.request("GET", path)[2])
            check(not any(text in page for text in texts), f"{path} says it still")
        check_equal(stand.service.pids("engine"), engines, "an engine began anew")


if __name__ == "__main__":
    raise SystemExit(main([nothing_lost, windows_go_on, bad_files, trouble, not_taken]))
