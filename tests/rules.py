#!/usr/bin/env python3
"""`qorgan rules`: samples beside rules and SigmaHQ's info.yml, what passes, what fails and why; rules explained."""
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import xml.dom.minidom

from service import QORGAN, ROOT, Skip, check, check_equal, main

SHARED = os.path.join(ROOT, "..", "shared", "data", "sigma")
ROOT_LOGIN = "Nov 20 10:00:00 web1 sshd[812]: Accepted password for root from 203.0.113.7 port 4022 ssh2\n"
OTHER_LOGIN = "Nov 20 10:00:00 web1 sshd[812]: Accepted password for ann from 203.0.113.7 port 4022 ssh2\n"
FAILED = "Nov 20 10:00:0{0} web1 sshd[812]: Failed password for ann from 203.0.113.7 port 40{0}2 ssh2\n"


def rule(title, identity, contains):
    return (f"title: {title}\nid: {identity}\nstatus: test\nname: n{identity[:8]}\nlogsource:\n    product: linux\n"
            f"detection:\n    selection:\n        message|contains: '{contains}'\n    condition: selection\n"
            "level: high\n")


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="qorgan-rules-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text)
        return path

    def test(self, *arguments, status):
        """The cases by file name, the summary; runs both as text and as JSON."""
        text = subprocess.run([QORGAN, "rules", "test", self.path, *arguments], capture_output=True, text=True,
                              check=False, timeout=120)
        check_equal(text.returncode, status, f"exit status: {text.stdout}{text.stderr}")
        rows = subprocess.run([QORGAN, "rules", "test", self.path, "--json", *arguments], capture_output=True,
                              text=True, check=False, timeout=120)
        check_equal(rows.returncode, status, "exit status with --json")
        cases = [json.loads(line) for line in rows.stdout.splitlines()]
        return {os.path.relpath(case["file"], self.path): case for case in cases}, text.stdout, text.stderr


def beside_rules():
    """samples beside a rule: what passes passes, what fails says which record, and an empty sample fails"""
    with Folder() as folder:
        identity = str(uuid.uuid4())
        folder.file("good.yml", rule("Root signed in", identity, "for root from"))
        folder.file("good.must.log", ROOT_LOGIN * 2)
        folder.file("good.not.log", OTHER_LOGIN)
        cases, said, _ = folder.test(status=0)
        check_equal({name: case["verdict"] for name, case in cases.items()},
                    {"good.must.log": "passed", "good.not.log": "passed"}, "verdicts")
        check_equal(said, "2 cases: 2 passed, 0 failed; 0 rules without samples\n", "summary")
        folder.file("good.must.log", ROOT_LOGIN + OTHER_LOGIN + ROOT_LOGIN)
        folder.file("good.not.log", OTHER_LOGIN + ROOT_LOGIN)
        cases, said, _ = folder.test(status=1)
        check_equal(cases["good.must.log"]["why"], "it did not fire on record 2", "why the first fails")
        check_equal(cases["good.not.log"]["why"], "it fired on record 2", "why the other fails")
        check("good.must.log: it did not fire on record 2" in said and "0 passed, 2 failed" in said, said)
        folder.file("good.must.log", "\n\n")
        folder.file("good.not.log", "")
        cases, _, _ = folder.test(status=1)
        check_equal({case["why"] for case in cases.values()}, {"it held no event"}, "why empty ones fail")


def correlations_and_forms():
    """a correlation fires on its lines together; JSON and XML events are samples too; a refused rule is a failure"""
    with Folder() as folder:
        identity = str(uuid.uuid4())
        folder.file("base.yml", rule("Failed", identity, "Failed password"))
        folder.file("many.yml", f"title: Many\nid: {uuid.uuid4()}\ncorrelation:\n    type: event_count\n    rules:\n"
                    f"        - n{identity[:8]}\n    group-by:\n        - host\n    timespan: 5m\n    condition:\n"
                    "        gte: 4\nlevel: high\n")
        folder.file("many.must.log", "".join(FAILED.format(n) for n in range(4)))
        folder.file("many.not.log", "".join(FAILED.format(n) for n in range(3)))
        folder.file("windows.yml", f"title: Whoami\nid: {uuid.uuid4()}\nlogsource:\n    product: windows\n"
                    "    category: process_creation\ndetection:\n    selection:\n"
                    "        Image|endswith: '\\whoami.exe'\n    condition: selection\nlevel: low\n")
        event = "<Event><System><EventID>1</EventID><Channel>Microsoft-Windows-Sysmon/Operational</Channel></System>" \
                "<EventData><Data Name='Image'>C:\\{}.exe</Data></EventData></Event>\n"
        folder.file("windows.must.xml", event.format("whoami") * 2)
        folder.file("windows.not.xml", event.format("other"))
        folder.file("windows.must.json", json.dumps(
            {"Event": {"System": {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational"},
                       "EventData": {"Image": "C:\\x\\WHOAMI.exe"}}}, indent=1))
        cases, said, _ = folder.test(status=0)
        check_equal(len(cases), 6, "cases")
        check_equal(cases["base.yml"]["verdict"], "skipped", "the rule without samples")
        check("5 passed, 0 failed; 1 rules without samples" in said, said)
        cases, _, _ = folder.test("--require-samples", status=1)
        check_equal(cases["base.yml"]["why"], "no samples", "why it fails when samples are required")
        folder.file("many.not.log", "".join(FAILED.format(n) for n in range(5)))
        folder.file("bad.yml", "title: Bad\nid: 5c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e90\ndetection:\n    a:\n"
                    "        b|wrong: c\n    condition: a\n")
        cases, _, _ = folder.test(status=1)
        check_equal(cases["many.not.log"]["why"], "the correlation fired", "why the correlation fails")
        check("the rule was refused: " in cases["bad.yml"]["why"], cases["bad.yml"])


def any_day():
    """lines without a year are of this one, whatever the day: tomorrow and the day after lie a day apart, not a year"""
    with Folder() as folder:
        identity = str(uuid.uuid4())
        folder.file("base.yml", rule("Failed", identity, "Failed password"))
        folder.file("many.yml", f"title: Many\nid: {uuid.uuid4()}\ncorrelation:\n    type: event_count\n    rules:\n"
                    f"        - n{identity[:8]}\n    group-by:\n        - host\n    timespan: 4d\n    condition:\n"
                    "        gte: 3\nlevel: high\n")
        today = datetime.datetime.now(datetime.timezone.utc).date()
        first = min(today, datetime.date(today.year, 12, 28))
        days = [first + datetime.timedelta(days=n) for n in range(4)]
        folder.file("many.must.log", "".join(FAILED.format(1).replace("Nov 20", f"{day:%b} {day.day:2}")
                                             for day in days[1:]))
        check_equal(folder.test(status=0)[0]["many.must.log"]["verdict"], "passed", f"from {days[1]} on")


def info_files():
    """info.yml: too few matches, a missing sample, an unknown rule and a broken file fail, each with its reason"""
    with Folder() as folder:
        identity = str(uuid.uuid4())
        info = "rule_metadata:\n    - id: {0}\nregression_tests_info:\n    - name: Positive\n      type: json\n" \
               "      match_count: {1}\n      path: regression_data/elsewhere/{2}\n"
        folder.file("rules/a.yml", rule("Root signed in", identity, "for root from"))
        folder.file("data/one/info.yml", info.format(identity, 2, "a.log"))
        folder.file("data/one/a.log", ROOT_LOGIN * 3)
        cases, _, _ = folder.test(status=0)
        check_equal(cases["data/one/a.log"]["verdict"], "passed", "more than match_count")
        folder.file("data/one/a.log", ROOT_LOGIN)
        folder.file("data/two/info.yml", info.format(identity, 1, "absent.log"))
        folder.file("data/three/info.yml", info.format(uuid.uuid4(), 1, "a.log"))
        folder.file("data/four/info.yml", "rule_metadata: [\n")
        folder.file("data/five/info.yml", info.format(identity, 0, "a.log"))
        folder.file("data/six/info.yml", info.format(identity, 1, "empty.log"))
        folder.file("data/six/empty.log", "")
        cases, _, _ = folder.test(status=1)
        check_equal(cases["data/one/a.log"]["why"], "it fired 1 times, 2 wanted", "too few")
        for name, why in (("two/absent.log", "there is no file"), ("three/info.yml", "there is no rule"),
                          ("four/info.yml", "line "), ("five/info.yml", "match_count"),
                          ("six/empty.log", "it held no event")):
            check(why in cases["data/" + name]["why"], f"{name}: {cases['data/' + name]}")


def reports():
    """the JUnit report is XML that parsers read, whatever titles and names hold; wrong usage is status 2"""
    with Folder() as folder:
        odd = "a<b>&\"c\"\x01\ufffe"
        folder.file("odd.yml", rule("T", str(uuid.uuid4()), "for root from").replace(
            "title: T", "title: " + json.dumps(odd)))
        folder.file("odd.must.log", ROOT_LOGIN)
        folder.file("odd.not.log", ROOT_LOGIN)
        report = os.path.join(folder.path, "report.xml")
        folder.test("--junit", report, status=1)
        suite = xml.dom.minidom.parse(report).getElementsByTagName("testsuite")[0]
        check_equal([suite.getAttribute(name) for name in ("tests", "failures", "skipped")], ["2", "1", "0"], "counts")
        cases = suite.getElementsByTagName("testcase")
        check_equal([len(case.getElementsByTagName("failure")) for case in cases], [0, 1], "failures")
        check_equal(cases[0].getAttribute("classname")[:7], odd[:7], "title")
        folder.test("--junit", os.path.join(folder.path, "absent", "report.xml"), status=1)
    with Folder() as folder:
        _, said, complaint = folder.test(status=1)
        check("there is no case" in complaint, said + complaint)
    for arguments in (("test",), ("try", "x"), ("test", "x", "--wrong")):
        done = subprocess.run([QORGAN, "rules", *arguments], capture_output=True, check=False)
        check_equal(done.returncode, 2, f"status of {arguments}")


def placeholders():
    """placeholders.yml gives rules their values, from whatever folder; a rule without values is refused by its name"""
    with Folder() as folder:
        identity = str(uuid.uuid4())
        text = rule("Stranger signed in", identity, "Accepted password").replace(
            "    condition: selection", "    filter:\n        account|expand: '%Administrators%'\n"
            "    condition: selection and not filter")
        folder.file("rules/a.yml", text)
        log = folder.file("a.log", ROOT_LOGIN + OTHER_LOGIN)
        rules = os.path.join(folder.path, "rules")
        check_said = subprocess.run([QORGAN, "rules", "check", rules], capture_output=True, text=True, check=False,
                                    timeout=60)
        check_equal(check_said.returncode, 1, check_said.stdout)
        check('placeholder "%Administrators%" is not defined' in check_said.stdout, check_said.stdout)
        folder.file("values/placeholders.yml", "name: ours\nvars:\n    Administrators: [root, 'adm_*']\n")
        command = [QORGAN, "detect", "--rules", rules, "--rules", os.path.join(folder.path, "values"), "--json", log]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        check_equal([json.loads(line)["record"] for line in done.stdout.splitlines()], [2], "records" + done.stderr)
        folder.file("values/placeholders.yml", "vars: [Administrators]\n")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        check("refused rule" in done.stderr and "placeholders.yml" in done.stderr and "vars" in done.stderr,
              done.stderr)
        folder.file("rules/placeholders.yml", "vars:\n    Administrators: ann\n")
        folder.file("rules/a.must.log", ROOT_LOGIN)
        folder.file("rules/a.not.log", OTHER_LOGIN)
        done = subprocess.run([QORGAN, "rules", "test", rules], capture_output=True, text=True, check=False,
                              timeout=60)
        check("2 passed, 0 failed" in done.stdout, done.stdout + done.stderr)


def explained():
    """rules explain: the tree with verdict and reason of each test, for hits and misses, of a record and of a line"""
    with Folder() as folder:
        identity = str(uuid.uuid4())
        path = folder.file("rules/a.yml", f"title: Strict\nid: {identity}\nlogsource:\n    product: linux\n"
                           "    service: sshd\ndetection:\n    who:\n        account|cased: Root\n    way:\n"
                           "        message|contains: ' for root '\n        nosuch: x\n    condition: who or not way\n")
        folder.file("rules/many.yml", f"title: Many\nid: {uuid.uuid4()}\ncorrelation:\n    type: event_count\n"
                    f"    rules:\n        - {identity}\n    group-by:\n        - host\n    timespan: 5m\n"
                    "    condition:\n        gte: 4\n")
        log, data = folder.file("auth.log", ROOT_LOGIN), os.path.join(folder.path, "data")
        subprocess.run([QORGAN, "ingest", "--data", data, log], check=True, capture_output=True)
        hits = subprocess.run([QORGAN, "search", "--json", "--data", data, "Accepted"], check=True,
                              capture_output=True, text=True).stdout
        record = str(json.loads(hits.splitlines()[0])["record"])

        def explain(*arguments, status=0):
            done = subprocess.run([QORGAN, "rules", "explain", *arguments, "--data", data, "--rules",
                                   os.path.dirname(path)], capture_output=True, text=True, check=False, timeout=60)
            check_equal(done.returncode, status, f"status of explain {arguments}: {done.stderr}")
            return done.stdout, done.stderr

        said, _ = explain(identity, record)
        check_equal(said.splitlines(), [
            f"match  Strict ({identity})", "yes one of:",
            "no    who: account is 'Root'; the same but for case: 'root'", "yes   not:", "no      way, all of:",
            "yes       message is '* for root *'; the event has 'Accepted password for root from 203.0.113.7 port "
            "4022 ssh2'", "no        nosuch is 'x'; the event has no such field"], "the tree")
        check_equal(explain("Strict", record)[0], said, "the rule by its title")
        check_equal(explain("Strict", "--line", ROOT_LOGIN.strip())[0], said, "the line instead of the record")
        check_equal(explain("Many", record)[0], said, "a correlation explains what it counts")
        tree = json.loads(explain("Strict", record, "--json")[0])[0]
        check_equal([tree["match"], tree["tree"]["kind"], tree["tree"]["of"][0]["miss"],
                     tree["tree"]["of"][1]["of"][0]["of"][1]["miss"]], [True, "any", "case", "absent"], "as JSON")
        said, _ = explain("Strict", "--line", ROOT_LOGIN.strip().replace("sshd", "su") + "\x1b[31m")
        check("log source: the rule wants the service 'sshd'" in said and "no match" in said, said)
        check("\x1b" not in said, "what a terminal would obey")
        for arguments, why in ((("Absent", record), "there is no rule"), ((identity, "99999"), "99999"),
                               ((identity, "x"), "not a record number")):
            check(why in explain(*arguments, status=1)[1], f"{arguments}: {explain(*arguments, status=1)[1]}")
        explain(identity, status=2)


def own_and_public():
    """all rules of the product pass with samples required; the public regression cases pass"""
    done = subprocess.run([QORGAN, "rules", "test", "--require-samples", os.path.join(ROOT, "data", "rules")],
                          capture_output=True, text=True, check=False, timeout=300)
    check_equal(done.returncode, 0, done.stdout + done.stderr)
    print("# " + done.stdout.splitlines()[-1])
    if not os.path.exists(SHARED):
        raise Skip("../shared/data/sigma is not there")
    folders = [part for name in ("rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance")
               for part in ("--rules", os.path.join(SHARED, name))]
    done = subprocess.run([QORGAN, "rules", "test", "--json", *folders, os.path.join(SHARED, "regression_data")],
                          capture_output=True, text=True, check=False, timeout=300)
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    samples = [case for case in cases if "/regression_data/" in case["file"]]
    wrong = [case for case in samples if case["verdict"] == "failed"]
    passed = [case for case in samples if case["verdict"] == "passed"]
    check(not wrong and len(passed) >= 98, f"{len(passed)} passed; failed: {wrong[:5]}")
    refused = [case["why"] for case in cases if case["verdict"] == "failed"]
    check(all("placeholder" in why for why in refused), f"refused for another reason: {refused}")
    print(f"# {len(passed)} public cases pass, {len(refused)} rules refused for their placeholders")


if __name__ == "__main__":
    sys.exit(main([beside_rules, correlations_and_forms, any_day, info_files, reports, placeholders, explained,
                   own_and_public]))
