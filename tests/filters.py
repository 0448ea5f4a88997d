#!/usr/bin/env python3
"""Filters made from a record, with the real service: tried, saved, counted while it runs, explained, ended."""
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
import urllib.parse

from service import QORGAN, Service, check, check_equal, main
from web_api import Web

LOGIN = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0011"
OTHER = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0012"
COUNTING = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0013"
FILE = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0014"
RULE = ("title: {}\nid: {}\nname: {}\nlogsource:\n    product: linux\ndetection:\n    s:\n"
        "        message|contains: '{}'\n    condition: s\nlevel: high\n")
RULES = {
    "login.yml": RULE.format("Signed in", LOGIN, "login", "Accepted password"),
    "other.yml": RULE.format("Failed", OTHER, "other", "Failed password"),
    "many.yml": f"title: Many\nid: {COUNTING}\ncorrelation:\n    type: event_count\n    rules:\n        - other\n"
                "    group-by:\n        - host\n    timespan: 5m\n    condition:\n        gte: 100\nlevel: high\n",
    "filter.yml": f"title: Of a file\nid: {FILE}\nlogsource:\n    product: linux\nfilter:\n    rules:\n"
                  f"        - {OTHER}\n    selection:\n        message|contains: 'for nobody'\n"
                  "    condition: not selection\n",
}


class Stand:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-filters-")
        os.chmod(self.folder, 0o755)
        for name, text in RULES.items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        self.service = Service(rules=self.folder, engines=2)
        self.web = None

    def __enter__(self):
        self.service.__enter__()
        self.sign_in()
        return self

    def sign_in(self):
        self.web = Web(self.service)
        self.post("/language", ("language", "en"), ("back", "/"))

    def __exit__(self, *_):
        self.service.__exit__(*_)
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, text, count=1, host="web1"):
        lines = "".join(f"<86>{time.strftime('%b %e %H:%M:%S')} {host} sshd[{n + 1}]: {text}\n" for n in range(count))
        self.service.tcp(lines.encode())

    def logins(self, user, address, count=1):
        self.send(f"Accepted password for {user} from {address} port 4022 ssh2", count)

    def until(self, text, wanted, wait=40):
        deadline = time.time() + wait
        while not (got := wanted()):
            check(time.time() < deadline, f"{text}: it did not come; {self.filters()}")
            time.sleep(0.2)
        return got

    def filters(self):
        return self.web.ask("filter.list")

    def hits(self, rule=LOGIN):
        return self.web.ask("rule.get", id=rule)["rule"]["hits"]

    def held(self, identity):
        return sum(row["held"] for row in self.filters()["filters"] if row["id"] == identity)

    def record(self, text):
        return self.until("a record", lambda: self.web.search(query=f'"{text}"', limit=1)["events"])[0]["record"]

    def page(self, path, status=200):
        got, _, text = self.web.request("GET", path)
        check_equal(got, status, path)
        return html.unescape(text)

    def post(self, path, *pairs):
        body = urllib.parse.urlencode([("csrf", self.web.csrf), *pairs])
        status, headers, text = self.web.request("POST", path, body,
                                                 {"Content-Type": "application/x-www-form-urlencoded"})
        return status, headers.get("Location"), html.unescape(text)

    def offers(self, record, rule=LOGIN):
        """Numbers of the conditions that are offered, by field; which are ticked."""
        text = self.page(f"/filters/new?record={record}&rule={rule}")
        rows = re.findall(r'name="c" id="c-(\d+)" value="\d+"( checked)?><label for="c-\d+"><code>([^<]+)</code>', text)
        return {field: number for number, _, field in rows}, {field for _, on, field in rows if on}


def made(stand, record, fields, **members):
    """The form as a person goes through it: shown, then saved."""
    offers, _ = stand.offers(record)
    pairs = [("record", record), ("rule", LOGIN), *[("c", offers[field]) for field in fields]]
    fill = {"title": "Our scanner", "reason": "it is ours", "expires": time.strftime(
        "%Y-%m-%d", time.gmtime(time.time() + 20 * 86400)), **members}
    pairs += list(fill.items())
    status, _, shown = stand.post("/filters/new", *pairs, ("step", "show"))
    check_equal(status, 200, shown[-3000:])
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', shown).group(1)
    return pairs, shown, seen


def made_while_it_runs():
    """a filter made from a record is tried, saved, holds back without a restart, is counted exactly, and ends"""
    with Stand() as stand:
        check("A filter is made from a hit" not in stand.page("/filters"), "a file's filter stands there")
        stand.logins("scanner", "203.0.113.7", 3)
        stand.logins("ann", "203.0.113.8", 2)
        stand.until("hits", lambda: stand.hits() == 5)
        record = stand.record("for scanner from")
        offers, ticked = stand.offers(record)
        check("message" in offers and ticked == {"host"}, (offers, ticked))
        user = next(field for field in offers if field.lower() in ("user", "username", "acct", "account"))

        pairs, shown, seen = made(stand, record, [user])
        check("Of the 5 recent hits of the rule that were looked at, it would hold back 3." in shown, shown[-4000:])
        check('"scanner"' in shown and "not selection" in shown, "the text is shown")
        check_equal(stand.filters()["own"], 0, "nothing is saved by looking")
        status, _, text = stand.post("/filters/new", *pairs, ("step", "save"), ("seen", "0" * 64))
        check(status == 200 and "then save it" in text, "what was not shown is not saved")
        for name, value in (("reason", ""), ("expires", "2099-01-01"), ("title", "")):
            bad = [pair if pair[0] != name else (name, value) for pair in pairs]
            status, _, text = stand.post("/filters/new", *bad, ("step", "save"), ("seen", seen))
            check_equal((name, status), (name, 422), text[-2000:])
        status, place, text = stand.post("/filters/new", *pairs, ("step", "save"), ("seen", seen))
        check_equal((status, place), (303, "/filters?saved=1"), text[-2000:])

        row = stand.until("the filter", lambda: [row for row in stand.filters()["filters"] if row["own"] and
                                                 row["loaded"]])[0]
        check_equal((row["rule_count"], row["rules"][0]["id"], row["who"], row["reason"]),
                    (1, LOGIN, "admin", "it is ours"), "what it says")
        stand.logins("scanner", "203.0.113.9", 4)
        stand.logins("bob", "203.0.113.7", 2)
        stand.until("hits", lambda: stand.hits() >= 7)
        stand.until("held back", lambda: stand.held(row["id"]) >= 4)
        check_equal((stand.hits(), stand.held(row["id"])), (7, 4), "hits and what was held back")
        text = stand.page(f"/rules/{LOGIN}")
        check("Our scanner" in text and "Held back in all" in text, "the rule's page names it")

        held = stand.record("203.0.113.9")
        answer = stand.web.ask("explain", record=held, rule=LOGIN)
        check_equal((answer["match"], answer["explained"][0]["held_back"][0]["title"]), (False, "Our scanner"),
                    "the explanation")
        text = stand.page(f"/records/{held}/why?rule={LOGIN}")
        check("a filter holds it back" in text and "Our scanner" in text, "the page says so")

        for pid in stand.service.pids("engine"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        stand.until("engines", lambda: len(stand.service.pids("engine")) == 2)
        stand.logins("scanner", "203.0.113.10", 5)
        stand.until("held back", lambda: stand.held(row["id"]) >= 9)
        stand.logins("cat", "203.0.113.7", 1)
        stand.until("hits", lambda: stand.hits() >= 8)
        check_equal((stand.hits(), stand.held(row["id"])), (8, 9), "after engines were killed")

        check_equal(stand.post(f"/filters/{row['id']}/end", ("reason", ""))[0], 422, "an end without a reason")
        check_equal(stand.post(f"/filters/{row['id']}/end", ("reason", "it is gone"))[1], "/filters?ended=1", "an end")
        stand.until("its end", lambda: not stand.page(f"/rules/{LOGIN}").count("Our scanner"))
        stand.logins("scanner", "203.0.113.11", 2)
        stand.until("hits", lambda: stand.hits() >= 10)
        ended = stand.filters()["ended"]
        check_equal([(row["ended_why"], row["held"], row["expired"]) for row in ended], [("it is gone", 9, False)],
                    "history")
        check("Filters that ended" in stand.page("/filters"), "history on the page")
        told = stand.until("two records", lambda: [
            body for body in (json.loads(row["raw"]) for row in stand.web.search(
                query='type:lifecycle "rule.text"', limit=100)["events"]) if body["event"] == "rule.text"])
        stand.until("two records", lambda: len(stand.web.search(query='type:lifecycle "rule.text"')["events"]) == 2)
        check(all(body["name"] == row["id"] for body in told), told)


def files_and_correlations():
    """a file's filter is counted and listed; of a correlation a detection is chosen; a restart keeps the counts"""
    with Stand() as stand:
        stand.send("Failed password for nobody from 203.0.113.7 port 4022 ssh2", 3)
        stand.send("Failed password for ann from 203.0.113.7 port 4022 ssh2", 1)
        stand.until("held back", lambda: stand.held(FILE) == 3)
        stand.until("a hit", lambda: stand.hits(OTHER) == 1)
        said = subprocess.run([QORGAN, "rules", "explain", "--rules", stand.folder, OTHER, "--line",
                               "<86>Nov 20 10:00:00 web1 sshd[1]: Failed password for nobody from ::1 port 1 ssh2"],
                              capture_output=True, text=True, check=True, timeout=60).stdout
        check(f"no match  Failed ({OTHER})" in said and f"held back by the filter 'Of a file' ({FILE})" in said and
              "filter 'Of a file', not:" in said, said)
        row = stand.filters()["filters"][0]
        check_equal((row["own"], row["rule_count"], row["rules"][0]["id"]), (False, 1, OTHER), "the file's filter")
        check_equal(stand.post(f"/filters/{FILE}/end", ("reason", "it is gone"))[0], 404, "a file's filter ends there")
        stand.logins("ann", "203.0.113.7")
        record = stand.record("Accepted password for ann")
        failed = stand.record("Failed password for ann")
        text = stand.page(f"/filters/new?record={failed}&rule={COUNTING}")
        check("counts hits of other rules" in text and f"rule={OTHER}" in text, "the correlation leads to its rule")
        stand.page(f"/filters/new?record={record}&rule=nobody", 404)
        stand.page(f"/filters/new?record=999999&rule={LOGIN}", 404)
        incident = stand.until("an incident", lambda: [row for row in stand.web.ask(
            "incident.list", state="all")["incidents"] if row["rule_id"] == LOGIN])[0]
        text = stand.page(f"/incidents/{incident['id']}")
        check(f"/filters/new?record={record}&rule={LOGIN}" in text, "the incident leads to a filter")
        stand.service.quiet()
        check_equal(stand.service.stop(), 0, "exit status")
        stand.service.start()
        stand.sign_in()
        check_equal(stand.held(FILE), 3, "after a restart")


if __name__ == "__main__":
    raise SystemExit(main([made_while_it_runs, files_and_correlations]))
