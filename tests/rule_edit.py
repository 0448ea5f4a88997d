#!/usr/bin/env python3
"""Rules that people write in the pages, with the real service: checked, tried over events, saved, run, taken back."""
import json
import os
import re
import shutil
import tempfile
import time
import urllib.parse

from service import Service, check, check_equal, main
from web_api import Web

SHIPPED = "5f0a9d1e-6c4e-4b0f-9a0b-6a6f3a1d0101"
RULE = ("title: {title}\n{more}logsource:\n    product: linux\ndetection:\n    s:\n        message|contains: '{word}'\n"
        "    condition: s\nlevel: high\n")
MANY = ("---\ntitle: Many\ncorrelation:\n    type: event_count\n    rules:\n        - {rule}\n    group-by:\n"
        "        - host\n    timespan: 5m\n    condition:\n        gte: 3\nlevel: high\n")


def text_of(title="Mine", word="Failed password", more=""):
    return RULE.format(title=title, word=word, more=more)


class Stand:
    """The service with one rule of a folder and a person who may write."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qorgan-rule-edit-")
        os.chmod(self.folder, 0o755)
        with open(os.path.join(self.folder, "shipped.yml"), "w", encoding="utf-8") as out:
            out.write(text_of("Shipped", "never said", f"id: {SHIPPED}\nname: shipped\n"))
        self.service = Service(rules=self.folder, engines=2)
        self.web = None

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__(*_)
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, host, text, count=1):
        lines = "".join(f"<86>{time.strftime('%b %e %H:%M:%S')} {host} sshd[{n + 1}]: {text}\n" for n in range(count))
        before = len(self.service.search(f'"{text}"'))
        self.service.tcp(lines.encode())
        self.until("what was sent", lambda: len(self.service.search(f'"{text}"')) >= before + count)

    def until(self, text, wanted, wait=40):
        deadline = time.time() + wait
        while not (got := wanted()):
            check(time.time() < deadline, f"{text}: it did not come")
            time.sleep(0.2)
        return got

    def write(self, text, **members):
        answer = self.web.change("rule.write", text=text, reason="as the test says", **members)
        check(answer["ok"], answer)
        return answer["id"]

    def rule(self, rule):
        answer = self.web.ask("rule.get", id=rule)
        return answer["rule"] if answer["ok"] else None

    def loaded(self, rule, title=None):
        return self.until(f"rule {rule} {title}",
                          lambda: (got := self.rule(rule)) and (title is None or got["title"] == title) and got)

    def decide(self, rule, state):
        check(self.web.change("rule.save", id=rule, state=state, reason="as the test says")["ok"], "a decision")

    def trial(self, text, **members):
        found = self.web.change("rule.try", text=text, **members)
        while "job" in found:
            found = self.web.change("rule.try", job=found["job"])
        check(found["ok"], found)
        return found

    def told(self, event):
        rows = self.web.search(query=f'type:lifecycle "{event}"', limit=100)["events"]
        bodies = [json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle"]
        return [body for body in bodies if body["event"] == event]


def checks_and_tries():
    """a check names the wrong line; a try finds what was sent, says why, which fields never came, and stores nothing"""
    with Stand() as stand:
        stand.send("web1", "Failed password for ann from 203.0.113.7 port 4022 ssh2", 4)
        stand.send("web2", "Accepted password for ann from 203.0.113.7 port 4022 ssh2")

        bad = stand.web.change("rule.check", text=text_of().replace("level: high", "level: dreadful"))
        check_equal((bad["ok"], bad["loads"], bad["documents"][0]["line"]), (True, False, 8), "a check of a bad text")
        good = stand.web.change("rule.check", text=text_of())
        check_equal((good["loads"], good["documents"][0]["kind"]), (True, "detection"), "a check of a good text")
        taken = stand.web.change("rule.check", text=text_of(more=f"id: {SHIPPED}\n"))
        check_equal((taken["loads"], taken["documents"][0]["taken"]), (False, True), "an id that is taken")

        found = stand.trial(text_of())
        check_equal((found["matched"], len(found["hits"])), (4, 4), "matches")
        check(found["records"] >= 5 and found["events"] >= 5, found)
        record = stand.web.ask("record", record=found["hits"][0]["record"])
        check("Failed password" in record["raw"], record)
        check("Failed password" in found["hits"][0]["fields"][0]["found"], found["hits"][0])
        check(found["hits"][0]["why"]["match"] and found["hits"][0]["why"]["tree"]["held"], found["hits"][0])
        none = stand.trial(text_of().replace("message|contains", "nosuchfield|contains"))
        check_equal((none["matched"], none["rules"][0]["missing"]), (0, ["nosuchfield"]), "a field that never came")
        windows = stand.trial(text_of().replace("linux", "windows"))
        check_equal((windows["matched"], windows["rules"][0]["concerned"]), (0, 0), "another log source")

        both = stand.trial(text_of(more="name: own\n") + MANY.format(rule="own"))
        check_equal((both["fired"], both["firings"][0]["group"][0]["value"]), (1, "web1"), "a correlation")
        check_equal(len(both["firings"][0]["records"]), 3, "records of a firing")
        other = stand.trial(text_of() + MANY.format(rule="shipped"))
        check_equal([row["tried"] for row in other["rules"]], [True, False], "a correlation over rules elsewhere")

        pasted = stand.trial(text_of(), events=0, sample='{"message":"Failed password for bob"}\n{"message":"no"}\n')
        check_equal((pasted["archive"], pasted["sample_records"]), (False, 2), "pasted events")
        check_equal([row["explained"][0]["match"] for row in pasted["samples"]], [True, False], "their verdicts")
        check_equal(stand.trial(text_of(), hours=1)["matched"], 4, "matches of the last hour")
        check_equal(stand.trial(text_of(), events=2)["records"] <= 2, True, "a bound of records")
        check_equal(stand.trial("title: A\n")["loads"], False, "what does not load")
        slow = stand.trial(text_of().replace("contains: 'Failed password'", "re: '(F|a)*(i+)+l+e+d+(x+x+)+y'"))
        check_equal(slow["matched"], 0, "a regular expression made to be slow")
        for wrong in ({"events": -1}, {"events": 10 ** 9}, {"hours": -1}, {"sample": "x" * 70000}):
            answer = stand.web.change("rule.try", text=text_of(), **wrong)
            check_equal(answer["error"], "question_invalid", f"{list(wrong)}")
        check_equal(stand.web.change("rule.try", job="0123456789abcdef")["error"], "try_gone", "an unknown try")
        check_equal(stand.told("rule.text"), [], "records of what was only tried")
        check_equal(stand.web.ask("incident.list", state="all")["incidents"], [], "incidents")


W3C_HEAD = "#Fields: date time c-ip cs-method cs-uri-stem sc-status"
W3C_RULE = ("title: Secret page\nlogsource:\n    category: webserver\ndetection:\n    s:\n"
            "        cs-uri-stem|endswith: '/secret.asp'\n        c-ip: 203.0.113.7\n    condition: s\nlevel: high\n")


def named_columns():
    """records whose columns were named before the first one that is tried, in the archive or in what is pasted"""
    with Stand() as stand:
        lines = [f"2026-11-20 10:00:{n:02} 203.0.113.7 GET /cgi/secret.asp 200" for n in range(30)]
        heads = ["#Fields: date x-old", W3C_HEAD]
        for name, text in (("iis", [*heads, *lines]), ("other", [W3C_HEAD.replace("c-ip", "s-ip")])):
            path = os.path.join(stand.folder, f"{name}.log")
            with open(path, "w", encoding="utf-8") as out:
                out.write("\n".join(text) + "\n")
            stand.service.run("ingest", "--name", name, path)
        stand.until("the lines", lambda: len(stand.service.search('"secret.asp"')) == len(lines))
        records = sorted(hit["record"] for hit in stand.service.search('"secret.asp"'))
        end = max(hit["record"] for hit in stand.service.search("")) + 1
        found = stand.trial(W3C_RULE, events=end - records[5])
        hits = sorted(hit["record"] for hit in found["hits"])
        check(5 < len(hits) <= 25, f"hits behind the columns: {found}")
        check_equal((hits, found["matched"]), (records[-len(hits):], len(hits)), "hits")
        check(all(hit["why"]["match"] for hit in found["hits"]), found["hits"])
        check_equal(stand.trial(W3C_RULE)["matched"], len(lines), "hits of the whole archive")
        pasted = stand.trial(W3C_RULE, events=0, sample="\n".join([*heads, *lines[:2]]) + "\n")
        found = [[row["match"] for row in sample["explained"]] for sample in pasted["samples"]]
        check_equal(found[2:], [[True], [True]], "what was pasted")


def life_of_a_rule():
    """saved as a draft, it does not run; active, it finds; changed, it is a draft again; rolled back; taken away"""
    with Stand() as stand:
        rule = stand.write(text_of())
        check(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", rule), rule)
        check_equal(stand.loaded(rule)["state"], "draft", "state of a new rule")
        check_equal(stand.rule(rule)["path"], f"desk:rule/{rule}", "its path")
        stand.send("web1", "Failed password for ann from 203.0.113.7 port 4022 ssh2")
        time.sleep(2)
        check_equal(stand.rule(rule)["hits"], 0, "hits of a draft")
        stand.decide(rule, "active")

        def finds(host):
            stand.send(host, "Failed password for ann from 203.0.113.7 port 4022 ssh2")
            return stand.rule(rule)["hits"] > 0

        stand.until("a hit", lambda: finds("web2"))

        stand.write(text_of("Changed", more=f"id: {rule}\n"), id=rule, keep=True)
        check_equal(stand.loaded(rule, "Changed")["state"], "active", "state of a rule that is to stay")
        stand.write(text_of("Again", more=f"id: {rule}\n"), id=rule)
        check_equal(stand.loaded(rule, "Again")["state"], "draft", "state of a changed rule")

        first = stand.web.ask("rule.text", id=rule, version=1)
        check_equal((first["title"], first["in_effect"], len(first["versions"])), ("Mine", False, 3), "version 1")
        stand.write(first["text"], id=rule)
        check_equal(stand.loaded(rule, "Mine")["title"], "Mine", "the rule that was rolled back")
        told = sorted(stand.until("four records", lambda: len(got := stand.told("rule.text")) == 4 and got),
                      key=lambda body: body["version"])
        check_equal([body["title"] for body in told], ["Mine", "Changed", "Again", "Mine"], "records of the texts")
        check("Failed password" in told[0]["text"] and told[0]["detail"] == "as the test says", told[0])
        stand.until("record numbers",
                    lambda: all(row["record"] > 0 for row in stand.web.ask("rule.text", id=rule)["versions"]))

        check_equal(stand.service.stop(), 0, "exit status")
        stand.service.start()
        stand.web = Web(stand.service)
        check_equal(stand.loaded(rule)["state"], "draft", "state after a restart")

        check(stand.web.change("rule.end", id=rule, reason="no use")["ok"], "taking it away")
        stand.until("it is not loaded any more", lambda: stand.rule(rule) is None)
        check_equal(stand.web.ask("rule.text", id=rule)["in_effect"], False, "its text")
        stand.until("a record of the end", lambda: [body for body in stand.told("rule.text") if body["act"] == "ended"])


def what_is_refused():
    """a text that does not load, an id that is taken, no reason, and whoever may not: refused, and nothing is kept"""
    with Stand() as stand:
        def refused(error, text, **members):
            answer = stand.web.change("rule.write", **{"text": text, "reason": "as the test says", **members})
            check_equal((answer["ok"], answer.get("error")), (False, error), text)
            return answer

        check("line 8" in refused("invalid", text_of().replace("level: high", "level: dreadful"))["text"], "the line")
        refused("rule_taken", text_of(more=f"id: {SHIPPED}\n"))
        refused("rule_taken", text_of(more="name: shipped\n"))
        refused("invalid", text_of(), reason="")
        refused("invalid", text_of().replace("contains: 'Failed", "re: '(Failed"))
        refused("invalid", "x" * 70000)
        refused("not_found", text_of(), id=SHIPPED)
        copied = stand.web.ask("rule.text", id=SHIPPED)
        check_equal((copied["own"], copied["at_hand"]), (False, True), "a shipped rule's text")
        check("title: Shipped" in copied["text"], copied)

        eye = {"name": "eye", "role": "auditor", "password": "second garden 88"}
        check(stand.web.change("user.save", user=eye)["ok"], "a viewer")
        viewer = Web.__new__(Web)
        viewer.port, viewer.origin, viewer.cookies, viewer.csrf = stand.web.port, stand.web.origin, {}, ""
        viewer.sign_in("eye", "second garden 88")
        members = {"text": text_of(), "id": SHIPPED, "reason": "as the test says"}
        for name, left in (("rule.write", ""), ("rule.check", "reason"), ("rule.end", "text")):
            answer = viewer.change(name, **{key: value for key, value in members.items() if key != left})
            check_equal(answer.get("error"), "denied", name)
        check_equal(viewer.request("GET", "/rules/edit")[0], 403, "the editor for a viewer")
        check("title: Shipped" in viewer.request("GET", f"/rules/{SHIPPED}")[2], "a viewer reads the text")
        check_equal(stand.told("rule.text"), [], "records")


def pages():
    """the page checks, tries and saves without scripts; the text stands on the rule's page"""
    with Stand() as stand:
        stand.send("web1", "Failed password for ann from 203.0.113.7 port 4022 ssh2", 2)

        def posted(path, **fields):
            body = urllib.parse.urlencode({"csrf": stand.web.csrf, **fields})
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            status, headers, page = stand.web.request("POST", path, body, kind)
            return status, headers.get("Location"), page

        _, _, page = stand.web.request("GET", f"/rules/{SHIPPED}/edit")
        check("title: Shipped" in page and f"id: {SHIPPED}" not in page and "name: shipped" not in page, page)
        status, _, page = posted("/rules/edit", text=text_of(), events="20000", hours="0", sample="", do="try")
        check_equal((status, 'id="tried"' in page), (200, True), "a try")
        job = re.search(r"/rules/tried\?job=([0-9a-f]+)", page)
        if job:
            page = stand.until("the end of the try", lambda: "data-refresh" not in (
                got := stand.web.request("GET", f"/rules/tried?job={job.group(1)}")[2]) and got)
        check(len(re.findall(r'<a class="record" href="/records/\d+">', page)) == 2, page)
        status, place, _ = posted("/rules/edit", text=text_of(), reason="as the test says", do="save")
        check_equal(status, 303, "saving")
        rule = re.fullmatch(r"/rules/([0-9a-f-]{36})/edit\?saved=1", place).group(1)
        stand.loaded(rule)
        page = stand.web.request("GET", f"/rules/{rule}")[2]
        check("Failed password" in page and f'href="/rules/{rule}/edit"' in page, page)
        long = text_of() + "# " + "'" * 50000 + "\n"
        status, _, page = posted("/rules/edit", text=long, reason="as the test says", do="check")
        check_equal((status, 'id="checked"' in page), (200, True), "a long text")


if __name__ == "__main__":
    raise SystemExit(main([checks_and_tries, named_columns, life_of_a_rule, what_is_refused, pages]))
