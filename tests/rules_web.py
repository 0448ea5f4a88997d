#!/usr/bin/env python3
"""Rules as people see and decide about them: counts, states, levels, load report, map, with the real service."""
import contextlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from service import ROOT, Service, check, check_equal, main
from web_api import Web

ROOT_LOGIN = "7551b22b-c9e7-51d4-ac23-c93f711b146b"  # of data/rules: its texts are known in every language
FAILED = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0001"
MANY = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0002"
WINDOWS = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0003"
RULES = {
    "failed.yml": f"title: Failed\nid: {FAILED}\nname: failed\ntags:\n    - attack.t1110.001\nlogsource:\n"
                  "    product: linux\ndetection:\n    s:\n        message|contains: 'Failed password'\n"
                  "    condition: s\nlevel: low\n",
    "many.yml": f"title: Many\nid: {MANY}\ncorrelation:\n    type: event_count\n    rules:\n        - failed\n"
                "    group-by:\n        - host\n    timespan: 5m\n    condition:\n        gte: 3\nlevel: high\n",
    "windows.yml": f"title: Whoami\nid: {WINDOWS}\nlogsource:\n    product: windows\n"
                   "    category: process_creation\ndetection:\n    s:\n        Image|endswith: '\\whoami.exe'\n"
                   "    condition: s\nlevel: medium\n",
    "bad.yml": "title: Half a rule\nlogsource:\n    product: linux\ndetection:\n    s:\n        a|wrong: b\n"
               "    condition: s\n",
}


class Stand:
    """The service with a few rules of its own and one of the product."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-rules-web-")
        os.chmod(self.folder, 0o755)
        for name, text in RULES.items():
            self.write(name, text)
        source = subprocess.run(["grep", "-rl", f"id: {ROOT_LOGIN}", os.path.join(ROOT, "data/rules")],
                                capture_output=True, text=True, check=True).stdout.split()[0]
        shutil.copy(source, self.folder)
        self.service = Service(rules=self.folder, engines=2)
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

    def restart(self):
        check_equal(self.service.stop(), 0, "exit status")
        self.service.start()
        self.web = Web(self.service)

    def send(self, host, text, count=1):
        lines = "".join(f"<86>{time.strftime('%b %e %H:%M:%S')} {host} sshd[{n + 1}]: {text}\n" for n in range(count))
        self.service.tcp(lines.encode())

    def root_logins(self, host, count=1):
        self.send(host, "Accepted password for root from 203.0.113.7 port 4022 ssh2", count)

    def failures(self, host, count=1):
        self.send(host, "Failed password for ann from 203.0.113.7 port 4022 ssh2", count)

    def rule(self, rule=ROOT_LOGIN):
        return self.web.ask("rule.get", id=rule)["rule"]

    def until(self, text, wanted, wait=40):
        deadline = time.time() + wait
        while not (got := wanted()):
            check(time.time() < deadline, f"{text}: it did not come; {self.rule()}")
            time.sleep(0.2)
        return got

    def until_hits(self, count, rule=ROOT_LOGIN):
        self.until(f"{count} hits of {rule}", lambda: self.rule(rule)["hits"] >= count)
        check_equal(self.rule(rule)["hits"], count, f"hits of {rule}")

    def decide(self, rule=ROOT_LOGIN, **members):
        fields = {"state": "active", "level": "", "reason": "as the test says", **members}
        place = self.web.form(f"/rules/{rule}", **fields)
        check_equal(place, f"/rules/{rule}?saved=1", "where saving leads")

    def incidents(self, rule=ROOT_LOGIN):
        rows = self.web.ask("incident.list", state="all", limit=200)["incidents"]
        return sorted(row["number"] for row in rows if row["rule_id"] == rule)

    def told(self, event):
        rows = self.web.search(query=f'type:lifecycle "{event}"', limit=100)["events"]
        bodies = [json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle"]
        return [body for body in bodies if body["event"] == event]

    def settled(self):
        """What was sent is looked at by now: the next message of the engines is behind it."""
        self.failures("settle")
        before = self.rule(FAILED)["hits"]
        self.until("the next counts", lambda: self.rule(FAILED)["hits"] > before or before > 10 ** 6)


def counts_and_states():
    """hits are counted; a rule that is off or in test opens nothing; a lowered level opens nothing; all is recorded"""
    with Stand() as stand:
        stand.root_logins("web1", 3)
        stand.until_hits(3)
        check_equal(stand.rule()["hits_day"], 3, "hits of the day")
        check_equal(sum(stand.rule()["days"]["counts"]), 3, "hits by day")
        check(stand.rule()["last_ns"] > 0 and stand.rule()["runs"] >= 3, stand.rule())
        opened = stand.until("an incident", stand.incidents)
        check_equal(len(opened), 1, "incidents")

        stand.decide(state="off", reason="too loud here")
        check_equal(stand.rule()["state"], "off", "state")
        stand.settled()
        stand.root_logins("web2", 3)
        stand.settled()
        check_equal((stand.rule()["hits"], stand.incidents()), (3, opened), "what a rule that is off does")

        stand.decide(state="test")
        stand.root_logins("web3", 2)
        stand.until_hits(5)
        stand.settled()
        check_equal(stand.incidents(), opened, "what a rule in test opens")

        stand.decide(level="low")
        stand.root_logins("web4")
        stand.until_hits(6)
        stand.settled()
        check_equal(stand.incidents(), opened, "what a rule of level low opens")

        stand.decide(level="critical")
        stand.root_logins("web5")
        stand.until("an incident", lambda: len(stand.incidents()) == 2)
        newest = [row for row in stand.web.ask("incident.list", state="all")["incidents"]
                  if row["number"] == stand.incidents()[-1]][0]
        check_equal(stand.web.ask("incident.get", id=newest["id"])["incident"]["level"], "critical", "its level")

        stand.until("four records", lambda: len(stand.told("rule.changed")) == 4)
        records = stand.told("rule.changed")
        check_equal([(body["state"], body["who"], body["detail"]) for body in records][-1],
                    ("off", "admin", "too loud here"), "the first record")
        history = stand.rule()["history"]
        check_equal(len(history), 4, "history")
        check(all(row["record"] > 0 for row in history), history)
        stand.service.quiet()


def correlations():
    """a correlation that is not active opens nothing, and what it counts runs on; its firings are counted like hits"""
    with Stand() as stand:
        stand.decide(MANY, state="off")
        stand.failures("db1", 4)
        stand.until_hits(4, FAILED)
        stand.settled()
        check_equal(stand.incidents(MANY), [], "incidents of a correlation that is off")
        check_equal(stand.rule(MANY)["hits"], 0, "hits of a correlation that is off")
        stand.decide(MANY, state="test")
        stand.failures("db3", 4)
        stand.until("hits of a correlation in test", lambda: stand.rule(MANY)["hits"] > 0)
        check_equal(stand.incidents(MANY), [], "incidents of a correlation in test")
        before = stand.rule(MANY)["hits"]
        stand.decide(MANY, state="active")
        stand.failures("db2", 4)
        stand.until("an incident", lambda: stand.incidents(MANY))
        stand.until("its hits", lambda: stand.rule(MANY)["hits"] > before)
        check(stand.rule(MANY)["hits_day"] > before and stand.rule(MANY)["last_ns"] > 0, stand.rule(MANY))
        check_equal(stand.web.ask("rule.get", id=MANY)["rule"]["feeds"][0]["id"], FAILED, "what it counts")


def nothing_twice():
    """an engine that is killed counts nothing twice; a restart keeps counts and states; new files are a record"""
    with Stand() as stand:
        stand.root_logins("web1", 20)
        stand.until_hits(20)
        for _ in range(3):
            for pid in stand.service.pids("engine"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            stand.until("engines", lambda: len(stand.service.pids("engine")) == 2)
            stand.root_logins("web1", 1)
        stand.until_hits(23)
        stand.settled()
        check_equal(stand.rule()["hits"], 23, "hits after three deaths")
        stand.decide(state="test")
        check_equal(len(stand.told("rules.changed")), 1, "records of what was loaded")
        stand.restart()
        stand.settled()
        check_equal((stand.rule()["hits"], stand.rule()["state"]), (23, "test"), "after a restart")
        check_equal(len(stand.told("rules.changed")), 1, "the same rules are no news")
        os.unlink(os.path.join(stand.folder, "windows.yml"))
        os.unlink(os.path.join(stand.folder, "bad.yml"))
        stand.write("failed.yml", RULES["failed.yml"].replace("level: low", "level: informational"))
        stand.restart()
        newest = stand.until("a record", lambda: len(stand.told("rules.changed")) == 2 and stand.told("rules.changed"))
        check_equal([newest[0][key] for key in ("loaded", "refused", "added", "changed", "removed")], [3, 0, 0, 1, 1],
                    "what it says")
        check_equal((newest[0]["changed_ids"], newest[0]["removed_ids"]), ([FAILED], [WINDOWS]), "which")
        check_equal(newest[1]["refused"], 1, "refused before")


def pages():
    """the list with its load report, a rule's page, the map, and a layer that the Navigator reads"""
    with Stand() as stand:
        stand.root_logins("web1", 3)
        stand.until_hits(3)
        _, _, page = stand.web.request("GET", "/rules")
        page = html.unescape(page)
        check("bad.yml" in page and "unknown modifier" in page.lower() or "wrong" in page, "the refusal on the page")
        check(f"/rules/{ROOT_LOGIN}" in page, "the link to a rule")
        status, _, page = stand.web.request("GET", "/")
        check(status == 200 and 'href="/rules#load"' in page, "the live page leads to the load report")
        for query, shown in (("state=off", 0), ("show=never", 3), ("text=whoami", 1), ("level=high", 1)):
            _, _, page = stand.web.request("GET", f"/rules?{query}")
            table = page.split('class="rows rules"')[1].split("</table>")[0] if 'class="rows rules"' in page else ""
            check_equal(len(re.findall(r'<th scope="row"', table)), shown, query)
        status, _, page = stand.web.request("GET", f"/rules/{ROOT_LOGIN}")
        check(status == 200 and "attack.t1078.003" in page and "<svg" in page, "a rule's page")
        check('<p class="about">' in page, "what it means, in the reader's language")
        check_equal(stand.web.request("GET", "/rules/nobody")[0], 404, "a rule that is not")
        _, headers, text = stand.web.request("GET", "/coverage/navigator.json")
        check("attachment" in headers["Content-Disposition"], headers)
        layer = json.loads(text)
        check_equal((layer["versions"]["layer"], layer["domain"]), ("4.5", "enterprise-attack"), "the layer")
        found = {(row["techniqueID"], row["tactic"]): row for row in layer["techniques"]}
        check_equal(found[("T1078", "initial-access")]["score"], 1, "score")
        check("fired: 1" in found[("T1078.003", "stealth")]["comment"], found)
        for row in layer["techniques"]:
            check(re.fullmatch(r"T\d{4}(\.\d{3})?", row["techniqueID"]), row)
            check(re.fullmatch(r"#[0-9a-f]{6}", row["color"]) and isinstance(row["score"], int), row)
        check(layer["gradient"]["maxValue"] > layer["gradient"]["minValue"], layer["gradient"])
        stand.service.quiet()


if __name__ == "__main__":
    raise SystemExit(main([counts_and_states, correlations, nothing_twice, pages]))
