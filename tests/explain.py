#!/usr/bin/env python3
"""explain.py - a running service says why a rule matched a record or did not: as JSON under /api/explain and as a page,
with the verdicts of `qorgan rules explain`. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import QORGAN, Service, check, check_equal, main  # noqa: E402
from web_api import Web  # noqa: E402

IDS = {name: str(uuid.uuid4()) for name in ("exact", "cased", "absent", "service", "whoami", "many", "pair", "hosts")}
DETECTION = """title: {title}
id: {id}
name: {name}
status: test
logsource:
    product: linux
{source}detection:
    selection:
{tests}
    condition: selection
level: {level}
"""
CORRELATION = """title: {title}
id: {id}
status: test
generate: true
correlation:
    type: {type}
    rules:
{rules}
    group-by:
        - {by}
    timespan: 5m
{condition}level: high
"""
LOGIN = "Nov 20 10:00:00 web1 sshd[812]: Accepted password for root from 203.0.113.7 port 4022 ssh2"
AUDIT = [f"type={kind} msg=audit(1795258800.100:77): {rest}" for kind, rest in (
    ("SYSCALL", 'arch=c000003e syscall=59 success=yes exit=0 pid=7 uid=1000 exe="/usr/bin/whoami" comm="whoami"'),
    ("EXECVE", 'argc=2 a0="whoami" a1="--version"'), ("CWD", 'cwd="/tmp"'), ("PROCTITLE", "proctitle=77686F616D69"))]


def rules_into(folder):
    def put(name, text):
        with open(os.path.join(folder, name + ".yml"), "w", encoding="utf-8") as file:
            file.write(text)

    def detection(name, title, *tests, source="", level="medium"):
        put(name, DETECTION.format(title=title, id=IDS[name], name=name, source=source, level=level,
                                   tests="\n".join("        " + test for test in tests)))

    detection("exact", "Root came in", "message|contains: 'for root from'", level="high")
    detection("cased", "Root with a capital", "message|contains|cased: 'For Root'")
    detection("absent", "A field that is not there", "nosuch|startswith: 'x'", "message|contains: 'for ann from'")
    detection("service", "Of another service", "message|contains: 'root'", source="    service: cron\n")
    detection("whoami", "Whoami was run", "Image|endswith: '/whoami'", "CommandLine|contains: '--version'",
              source="    category: process_creation\n")

    def correlation(name, title, kind, rules, by, condition=""):
        put(name, CORRELATION.format(title=title, id=IDS[name], type=kind, by=by, condition=condition,
                                     rules="\n".join(f"        - {rule}" for rule in rules)))

    correlation("many", "Root came in often", "event_count", ["exact"], "host",
                "    condition:\n        gte: 4\n        lt: 100\n")
    correlation("pair", "Root and whoami", "temporal", ["exact", "whoami"], "nosuch")


class Explained:
    """The same question asked of the service and of the command."""

    def __init__(self, service, web, folder):
        self.service, self.web, self.folder = service, web, folder

    def command(self, rule, record):
        done = subprocess.run([QORGAN, "rules", "explain", rule, str(record), "--json", "--data", self.service.data,
                               "--rules", self.folder], capture_output=True, text=True, check=False, timeout=60)
        check_equal(done.returncode, 0, f"rules explain {rule} {record}: {done.stderr}")
        return json.loads(done.stdout)

    def ask(self, rule, record):
        answer = self.web.ask("explain", rule=rule, record=record)
        check(answer["ok"], f"explain {rule} {record}: {answer}")
        check_equal(answer["explained"], self.command(rule, record), "what the command says")
        check_equal(answer["match"], any(one["match"] for one in answer["explained"]), "the verdict")
        return answer

    def page(self, rule, record, language="en"):
        form = {"csrf": self.web.csrf, "language": language, "back": "/"}
        self.web.request("POST", "/language", urllib.parse.urlencode(form),
                         {"Content-Type": "application/x-www-form-urlencoded"})
        status, _, text = self.web.request("GET", f"/records/{record}/why?rule={urllib.parse.quote(str(rule))}")
        return status, text


def tests_of(node):
    return [node] if node["kind"] == "test" else [test for kid in node["of"] for test in tests_of(kid)]


def numbers_of(service):
    """The records by the beginning of their text, once the archive's segments or the log have them all."""
    hits = service.wait_for("", 1 + len(AUDIT))
    check_equal(len(hits), 1 + len(AUDIT), "records")
    return {hit["raw"].split(" ")[0]: hit["record"] for hit in hits}


def with_service(test):
    with tempfile.TemporaryDirectory(prefix="qorgan-explain-") as folder:
        os.chmod(folder, 0o755)
        rules_into(folder)
        with Service(rules=folder, log_file_mib=1) as service:
            web = Web(service)
            for name, lines in (("auth", [LOGIN]), ("audit", AUDIT)):
                path = os.path.join(service.data, name + ".log")
                with open(path, "w", encoding="utf-8") as file:
                    file.write("\n".join(lines) + "\n")
                service.run("ingest", "--name", name, path)
            test(Explained(service, web, folder), numbers_of(service))


def hits_and_misses():
    """a hit, and misses for each reason: the tree says which test fails and why, as `qorgan rules explain` does"""
    def test(explained, numbers):
        login = numbers["Nov"]
        hit = explained.ask(IDS["exact"], login)
        check(hit["match"] and not hit["shortened"] and hit["record"] == login, hit)
        check_equal(hit["rule"], {"id": IDS["exact"], "title": "Root came in", "kind": "detection", "level": "high"},
                    "the rule")
        check_equal([(test["held"], test["how"], test["wanted"]) for test in tests_of(hit["explained"][0]["tree"])],
                    [(True, "string", "*for root from*")], "the test that holds")
        check_equal(explained.web.ask("explain", rule="CAME in", record=login)["error"], "rule_many", "two titles")
        check_equal(explained.ask("with a capital", login)["rule"]["id"], IDS["cased"], "a part of one title")
        miss = tests_of(explained.ask(IDS["cased"], login)["explained"][0]["tree"])[0]
        check_equal((miss["held"], miss["miss"], "root" in miss["found"]), (False, "case", True), "another case")
        misses = tests_of(explained.ask(IDS["absent"], login)["explained"][0]["tree"])
        check_equal([test["miss"] for test in misses], ["absent", "other"], "absent, and another value")
        check("found" not in misses[0] and "Accepted password" in misses[1]["found"], misses)
        source = explained.ask(IDS["service"], login)["explained"][0]["log_source"]
        check_equal(source, {"part": "service", "wanted": "cron", "said": "sshd"}, "another log source")
    with_service(test)


def joined_events():
    """each record of an audit event leads to the event that the rule saw; a correlation tells its parts and group"""
    def test(explained, numbers):
        pieces = sorted(record for start, record in numbers.items() if start.startswith("type="))
        for record in pieces:
            answer = explained.ask(IDS["whoami"], record)
            check(answer["match"], f"record {record}: {answer}")
            check_equal([(one.get("records"), one["match"]) for one in answer["explained"]],
                        [(None, False), (pieces, True)], f"by itself, and together: record {record}")
        said = subprocess.run([QORGAN, "rules", "explain", "was run", str(pieces[1]), "--data", explained.service.data,
                               "--rules", explained.folder], capture_output=True, text=True, check=False).stdout
        check(f"records {pieces[0]} to {pieces[-1]} make together:\nmatch  Whoami was run" in said, said)
        many = explained.ask(IDS["many"], numbers["Nov"])
        members = ("type", "timespan_s", "group_by", "fields", "condition")
        check_equal({key: many["correlation"][key] for key in members},
                    {"type": "event_count", "timespan_s": 300, "group_by": ["host"], "fields": [],
                     "condition": [{"sign": ">=", "number": 4}, {"sign": "<", "number": 100}]}, "its parts")
        check_equal(many["explained"][0]["group"], [{"by": "host", "field": "host", "value": "web1"}], "its group")
        pair = explained.ask(IDS["pair"], numbers["Nov"])
        check_equal([(one["title"], one["match"], one["group"]) for one in pair["explained"]],
                    [("Root came in", True, [{"by": "nosuch", "field": "nosuch"}]),
                     ("Whoami was run", False, [{"by": "nosuch", "field": "nosuch"}])], "both, without a group")
        own = next(hit["record"] for hit in explained.service.search("type:lifecycle"))
        check_equal([explained.web.ask("explain", rule=rule, record=record)["error"] for rule, record in (
            ("nothing such", numbers["Nov"]), (IDS["exact"], 10**9), (IDS["exact"], own), ("", numbers["Nov"]))],
                    ["rule_not_found", "record_not_found", "not_judged", "rule_not_found"], "refusals")
    with_service(test)


def sealed_and_shown():
    """the page says it in three languages; a sealed record says that its hit is recorded, and so does a changed rule"""
    def test(explained, numbers):
        login, service = numbers["Nov"], explained.service
        for language, says, fails in (("kk", "Ереже осы жазбаға сәйкес келеді.", "орындалмайды"),
                                      ("ru", "Правило срабатывает на этой записи.", "не выполняется"),
                                      ("en", "The rule matches this record.", "fails")):
            status, text = explained.page(IDS["exact"], login, language)
            check(status == 200 and says in text and "*for root from*" in text, f"{language}: {status} {text[-3000:]}")
            status, text = explained.page(IDS["cased"], login, language)
            check(status == 200 and says not in text and fails in text, f"{language}: {status}")
        deadline = time.time() + 20
        while not (rows := explained.web.ask("incident.list", state="all")["incidents"]) and time.time() < deadline:
            time.sleep(0.3)
        card = next(row for row in rows if row["rule_id"] == IDS["exact"])
        _, _, text = explained.web.request("GET", f"/incidents/{card['id']}")
        check(f'href="/records/{login}/why?rule={IDS["exact"]}"' in text, "the card links to why")
        check_equal(explained.page("nothing", login)[0], 404, "no such rule")
        check_equal(explained.page(IDS["exact"], 10**9)[0], 404, "no such record")
        with open(os.path.join(service.data, "bulk.log"), "w", encoding="ascii") as file:
            file.writelines(f"2026-11-20T10:00:00Z host app: line {n} of many, so that a segment is made\n"
                            for n in range(30000))
        service.run("ingest", "--name", "bulk", os.path.join(service.data, "bulk.log"))
        deadline = time.time() + 60
        while not explained.ask(IDS["exact"], login)["recorded"] and time.time() < deadline:
            time.sleep(1)
        check(explained.ask(IDS["exact"], login)["recorded"], "the archive's own hit")
        _, _, page = explained.web.request("GET", f"/records/{login}")
        check(f'href="/records/{login}/why?rule={IDS["exact"]}"' in page, "the record page links to why")
        with open(os.path.join(explained.folder, "exact.yml"), "r+", encoding="utf-8") as file:
            changed = file.read().replace("for root from", "for nobody from")
            file.seek(0)
            file.write(changed)
        service.stop()
        service.start()
        explained.web = Web(service)
        answer = explained.ask(IDS["exact"], login)
        check_equal((answer["match"], answer["recorded"]), (False, True), "a rule that changed")
        check("the rule has changed" in explained.page(IDS["exact"], login)[1], "the page says so")
    with_service(test)


IIS = ["#Software: Microsoft Internet Information Services 10.0",
       "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip sc-status",
       "2026-11-20 10:00:00 192.0.2.1 GET /cgi-bin/secret.asp - 443 203.0.113.7 200"]
WEB = """title: A secret page
id: {id}
logsource:
    category: webserver
detection:
    selection:
        cs-uri-stem|endswith: '/secret.asp'
        c-ip: 203.0.113.7
    condition: selection
level: high
"""


def columns():
    """a line whose columns a line before it named is explained with them, in the log as in a segment"""
    ident = str(uuid.uuid4())
    with tempfile.TemporaryDirectory(prefix="qorgan-explain-") as folder:
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "web.yml"), "w", encoding="utf-8") as file:
            file.write(WEB.format(id=ident))
        with Service(rules=folder, log_rotate_s=12) as service:
            path = os.path.join(service.data, "iis.log")
            other = os.path.join(service.data, "other.log")
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(IIS) + "\n")
            with open(other, "w", encoding="utf-8") as file:
                file.write("#Fields: date time c-ip cs-uri-stem s-ip\n")  # columns of another source
            service.run("ingest", "--name", "iis", path)
            service.run("ingest", "--name", "other", other)
            records = [hit["record"] for hit in service.wait_for('"secret.asp"', 1)]
            explained = Explained(service, Web(service), folder)
            first = explained.ask(ident, records[0])
            check_equal((first["match"], first["recorded"]), (True, False), "in the log")
            deadline = time.time() + 60
            while not (last := explained.ask(ident, records[0]))["recorded"]:
                check(time.time() < deadline, f"the record stays in the log: {last}")
                time.sleep(0.5)
            check_equal(last["explained"], first["explained"], "in a segment")


if __name__ == "__main__":
    sys.exit(main([hits_and_misses, joined_events, sealed_and_shown, columns]))
