#!/usr/bin/env python3
"""Coverage of Annex 4 with the real service: what was sent is in the matrix, what was not is a finding, once."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from service import QORGAN, Service, check, check_equal, main
from web_api import Web


def stamp(at=None):
    return time.strftime("%b %e %H:%M:%S", time.localtime(at))


def ssh(count, good=True, host="web1"):
    act = "Accepted password for ann from 203.0.113.7 port 4022 ssh2" if good else \
        "Failed password for ann from 203.0.113.7 port 4022 ssh2"
    return "".join(f"{stamp()} {host} sshd[{n + 1}]: {act}\n" for n in range(count))


def application(kind, outcome="success", **more):
    return json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "host": "app1", "service": "java",
                       "account": "a.bekova", "src": "10.0.0.7", "start": "2026-11-28T10:00:00Z",
                       "end": "2026-11-28T10:00:01Z", "kind": kind, "outcome": outcome, "object": "case 7",
                       "message": "as it was", **more}) + "\n"


class Stand:
    """The service that follows files of ours: a source each."""

    def __init__(self, **settings):
        self.service = Service(engines=2, **settings)
        self.folder = os.path.join(self.service.data, "watched")
        os.makedirs(self.folder)
        os.chmod(self.service.data, 0o755)
        self.web = None

    def __enter__(self):
        self.service.__enter__()
        self.web = Web(self.service)
        return self

    def __exit__(self, *_):
        self.service.__exit__()

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "ab") as out:
            out.write(data if isinstance(data, bytes) else data.encode())

    def until(self, text, wanted, wait=40):
        deadline = time.time() + wait
        while not (got := wanted()):
            check(time.time() < deadline, f"{text}: it did not come; {self.web.ask('coverage.list')}")
            time.sleep(0.3)
        return got

    def source(self, name):
        """What is said of the source of that file, or None."""
        rows = [row for row in self.web.ask("coverage.list", limit=500)["sources"] if row["name"].endswith(name)]
        return self.web.ask("coverage.source", id=rows[0]["id"])["source"] if rows else None

    def counted(self, name, records):
        self.until(f"{records} records of {name}", lambda: (self.source(name) or {}).get("records", 0) >= records)
        source = self.source(name)
        check_equal(source["records"], records, f"records of {name}")
        return source

    def told(self, event):
        rows = self.web.search(query=f'type:lifecycle "{event}"', limit=200)["events"]
        bodies = [json.loads(row["raw"]) for row in rows if row["type"] == "lifecycle"]
        return [body for body in bodies if body["event"] == event]

    def command(self, *arguments):
        """The rows that the command prints, and its exit status."""
        done = self.service.run("coverage", "--json", *arguments, check=False)
        check(done.returncode in (0, 1), done.stderr.decode())
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def row(source, what, key, class_name=None):
    for matrix in source["matrix"]:
        for found in matrix["rows"]:
            if (found["what"], found["key"]) == (what, key) and class_name in (None, matrix["class"]):
                return found
    raise AssertionError(f"{what} {key} is not in the matrix of {source['name']}: {source['classes']}")


def same(stand, name):
    """What the page and the command say of a source."""
    source = stand.source(name)
    page = {(m["class"], r["what"], r["key"], r["paragraph"]):
            (r["state"].replace("waiting", "missing"), r["records"], r["of"])  # the command does not wait
            for m in source["matrix"] for r in m["rows"]}
    rows, _ = stand.command("--source", source["name"])
    command = {(r["class"], r["what"], r["key"], r["paragraph"]): (r["state"], r["records"], r["of"]) for r in rows}
    check(page and page.keys() == command.keys(), f"rows of {name}: {page.keys() ^ command.keys()}")
    for key, cell in page.items():
        check_equal(cell, command[key], f"{name} {key}: page and command")
    return source


def sent_and_not_sent():
    """what was sent is in the matrix, what was not is a finding and one record; what comes later ends it"""
    with Stand(coverage_days=0) as stand:
        stand.write("os.log", ssh(10) + ssh(4, good=False))
        source = stand.counted("os.log", 14)
        check_equal(source["classes"], ["os"], "class")
        check_equal((row(source, "kind", "sign_in")["state"], row(source, "kind", "sign_in")["records"]), ("seen", 14),
                    "sign-ins")
        check_equal(row(source, "failure", "sign_in")["records"], 4, "those that failed")
        check_equal((row(source, "field", "host")["records"], row(source, "field", "host")["of"]), (14, 14), "hosts")
        check_equal(row(source, "kind", "account_create")["state"], "missing", "an account that nobody made")
        check(row(source, "kind", "account_create")["switch_on"], "what switches it on")
        records = stand.until("the record", lambda: stand.told("coverage.changed"))
        check_equal(len(records), 1, "records")
        check("kind:account_create" in records[0]["missing"] and "kind:sign_in" not in records[0]["missing"], records)
        check_equal(records[0]["met"], [], "nothing was missing before")
        time.sleep(12)  # the watch comes by again
        check_equal(len(stand.told("coverage.changed")), 1, "it is said once")

        stand.write("os.log", f"{stamp()} web1 useradd[7]: new user: name=bob, UID=1001, GID=1001, home=/home/bob, "
                              "shell=/bin/bash, from=/dev/pts/1\n")
        stand.until("the account", lambda: row(stand.source("os.log"), "kind", "account_create")["state"] == "seen")
        records = stand.until("the second record", lambda: len(stand.told("coverage.changed")) == 2 and
                              stand.told("coverage.changed"))
        check(any(body["met"] == ["kind:account_create"] and body["missing"] == [] for body in records), records)
        same(stand, "os.log")
        _, status = stand.command()
        check_equal(status, 1, "exit status when something is missing")
        stand.service.quiet()


def days_to_wait():
    """nothing is a finding before its days are over; the command does not wait"""
    with Stand() as stand:
        stand.write("os.log", ssh(3))
        source = stand.counted("os.log", 3)
        check_equal((source["due"], source["missing"]), (False, 0), "findings of a source that is new")
        check_equal(row(source, "kind", "account_create")["state"], "waiting", "what it lacks")
        rows, status = stand.command("--missing")
        check(status == 1 and any(r["key"] == "account_create" and r["state"] == "missing" for r in rows), rows)
        check_equal(stand.told("coverage.changed"), [], "records")


def classes():
    """a class follows from the records; a person sets another with a reason, and page and command follow"""
    with Stand(coverage_days=0) as stand:
        kinds = ("sign_in", "sign_out", "account_create", "account_delete", "account_change", "configuration_change",
                 "user_refused", "object_open", "object_save", "object_rename", "object_delete")
        stand.write("portal.json", "".join(application(kind) for kind in kinds) + application("sign_in", "failure"))
        source = stand.counted("portal.json", len(kinds) + 1)
        check_equal(source["classes"], ["application"], "class")
        check_equal([r["key"] for r in source["matrix"][0]["rows"] if r["state"] == "missing"], [], "missing")
        same(stand, "portal.json")
        rows, status = stand.command("--source", source["name"])
        check_equal(status, 0, f"nothing is missing: {rows}")

        place = f"/coverage/annex4/{source['id']}"
        check_equal(stand.web.form(place, database="yes", reason="its tables are a database"), f"{place}?saved=1",
                    "where setting leads")
        source = stand.source("portal.json")
        check_equal((source["classes"], source["set"], source["reason"], source["who"]),
                    (["database"], ["database"], "its tables are a database", "admin"), "what was set")
        check_equal(row(source, "kind", "db_session")["state"], "missing", "what a database must send")
        body = stand.until("the record", lambda: stand.told("coverage.class"))[0]
        check_equal((body["was"], body["classes"], body["who"], body["detail"]),
                    ([], ["database"], "admin", "its tables are a database"), "the record")
        same(stand, "portal.json")
        refused = stand.web.change("coverage.set", id=source["id"], classes=["os"], reason="")
        check_equal((refused["error"], refused["field"]), ("invalid", "reason"), "without a reason")
        stand.web.change("coverage.set", id=source["id"], classes=[], reason="as its records say")
        check_equal(stand.source("portal.json")["classes"], ["application"], "the class of its records again")
        rows, _ = stand.command("--source", source["name"], "--class", "network")
        check_equal({r["class"] for r in rows}, {"network"}, "judged as asked")
        stand.service.quiet()


def several_classes():
    """one sender with several programs is judged in each of their classes, by their own records"""
    with Stand(coverage_days=0) as stand:
        lines = ssh(6) + "".join(
            f"{stamp()} db1 postgres[9]: [{n}-1] 2026-11-28 10:00:00.000 UTC [9] bob@shop LOG:  connection authorized: "
            "user=bob database=shop\n" for n in range(6))
        stand.write("host.log", lines)
        source = stand.counted("host.log", 12)
        check_equal(source["classes"], ["os", "database"], "classes")
        check_equal(row(source, "kind", "sign_in", "os")["records"], 6, "sign-ins of the system")
        check_equal({r["class"]: r["records"] for r in source["derived"]}, {"os": 6, "database": 6}, "by class")
        same(stand, "host.log")


def forms():
    """bytes that are not UTF-8, control characters and a second format in one file are findings"""
    with Stand() as stand:
        stand.write("mixed.log", ssh(40).encode() + b"Nov 28 10:00:00 web1 app[1]: caf\xe9\n" * 2 +
                    b"Nov 28 10:00:00 web1 app[1]: bell \x07\n" * 2 + application("sign_in").encode() * 6)
        stand.write("clean.log", ssh(50))
        source = stand.counted("mixed.log", 50)
        states = {key: row(source, "form", key)["state"] for key in ("text", "utf8", "one_format")}
        check_equal(states, {"text": "missing", "utf8": "missing", "one_format": "missing"}, "forms that are broken")
        check_equal((row(source, "form", "utf8")["records"], row(source, "form", "text")["records"]), (2, 2), "of them")
        clean = stand.counted("clean.log", 50)
        kept = {row(clean, "form", key)["state"] for key in ("text", "utf8", "one_format", "delimiters")}
        check_equal(kept, {"seen"}, "forms that are kept to")
        same(stand, "mixed.log")


def nothing_twice():
    """engines that are killed and a server that is started again count nothing twice and lose nothing"""
    with Stand() as stand:
        stand.write("os.log", ssh(500))
        stand.counted("os.log", 500)
        total = 500
        for turn in range(4):
            stand.write("os.log", ssh(300))
            time.sleep(0.3 * turn)
            for pid in stand.service.pids("engine"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            total += 300
            stand.until("engines", lambda: len(stand.service.pids("engine")) == 2)
        stand.counted("os.log", total)
        for _ in range(2):
            check_equal(stand.service.stop(), 0, "exit status")
            stand.service.start()
            stand.web = Web(stand.service)
            stand.write("os.log", ssh(100))
            total += 100
            stand.counted("os.log", total)
        time.sleep(6)  # whatever were told once more
        stand.counted("os.log", total)
        check_equal(row(stand.source("os.log"), "kind", "sign_in")["records"], total, "sign-ins")
        same(stand, "os.log")


def pages():
    """the pages in three languages, the files that switch logging on, and the object's matrix"""
    with Stand(coverage_days=0) as stand:
        stand.write("os.log", ssh(3))
        source = stand.counted("os.log", 3)
        words = {"kk": "бірде-бір рет түспеген", "ru": "ни разу не поступало", "en": "never came"}
        for language, word in words.items():
            stand.web.change("language.set", language=language)
            stand.web.form(f"/coverage/annex4/{source['id']}", reason=f"said in {language}")
            stand.web.request("POST", "/language", f"csrf={stand.web.csrf}&language={language}",
                              {"Content-Type": "application/x-www-form-urlencoded"})
            status, _, page = stand.web.request("GET", f"/coverage/annex4/{source['id']}")
            check(status == 200 and word in page and "os.log" in page, f"{language}: {status} {page[:300]}")
            status, _, page = stand.web.request("GET", "/coverage/annex4")
            check(status == 200 and "os.log" in page, f"{language}: {status}")
            done = stand.service.run("coverage", "--lang", language, check=False)
            check(word in done.stdout.decode(), done.stdout.decode()[:400])
        for name in {file for m in source["matrix"] for r in m["rows"] for file in r["switch_on"]}:
            status, headers, text = stand.web.request("GET", f"/coverage/switch-on/{name}")
            check(status == 200 and "52/НҚ" in text and name in headers["Content-Disposition"], f"{name}: {status}")
        check_equal(stand.web.request("GET", "/coverage/switch-on/passwd")[0], 404, "another file")
        check_equal(stand.web.request("GET", "/coverage/annex4/00")[0], 404, "no such source")
        answer = stand.web.ask("coverage.object", object=source["object_id"])
        rows = {(r["what"], r["key"]): (r["seen"], r["missing"]) for m in answer["matrix"] for r in m["rows"]}
        check_equal((rows["kind", "sign_in"], rows["kind", "account_create"]), ((1, 0), (0, 1)), "of the object")
        stand.service.quiet()


def what_files_switch_on():
    """data/switch-on: what each of these files switches on is of its class, and is seen in every row of Annex 4 that
    names the file"""
    files = {"oracle.sql": ("oracle", "database"), "mssql.sql": ("mssql", "database"),
             "mikrotik.rsc": ("mikrotik", "network"), "suricata.yaml": ("suricata", "protection"),
             "mysql.cnf": ("mysql", "database"), "mariadb.cnf": ("mysql", "database"),
             "postgresql.conf": ("postgresql", "database"), "cisco-asa.txt": ("cisco_asa", "network"),
             "nginx.conf": ("nginx", "application"), "apache.conf": ("apache", "application")}
    root = os.environ.get("QORGAN_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folder = tempfile.mkdtemp(prefix="qorgan-switch-on-")
    with open(f"{root}/data/annex4.tsv", encoding="utf-8") as table:
        demands = [line.rstrip("\n").split("\t") for line in table if not line.startswith(("#", "class\t"))]
    try:
        for file, (family, _) in files.items():
            with open(f"{root}/src/event/testdata/parsers/{family}.case", encoding="utf-8") as case:
                lines = case.read().split(f"# what {file} switches on")[-1].split("\n# what ")[0].splitlines()
            with open(f"{folder}/{file}", "w", encoding="utf-8") as out:
                out.writelines(line[2:] + "\n" for line in lines if line.startswith("< "))
            subprocess.run([QORGAN, "ingest", "--data", f"{folder}/data", "--name", file, f"{folder}/{file}"],
                           check=True, capture_output=True, timeout=60)
        for file, (_, kind) in files.items():
            done = subprocess.run([QORGAN, "coverage", "--data", f"{folder}/data", "--json", "--source", file],
                                  capture_output=True, text=True, check=False, timeout=60)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            check_equal({row["class"] for row in rows}, {kind}, f"{file}: class\n{done.stderr}")
            states = {(row["what"], row["key"], row["paragraph"]): row["state"] for row in rows}
            named = [row for row in demands if row[0] == kind and file in row[5].split("|")]
            check(len(named) > 1, f"{file}: {named}")
            unseen = [(what, key, paragraph) for _, what, key, _, paragraph, _ in named
                      if states[what, key, paragraph] not in ("seen", "covered")]
            check_equal(unseen, [], f"{file}: rows that name it and that it does not bring")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main([sent_and_not_sent, days_to_wait, classes, several_classes, forms, nothing_twice, pages,
                          what_files_switch_on]))
